"""Lines over a batch size, a depth or time, as small multiples."""

from __future__ import annotations

import datetime
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Point
from generator.pages.charts.style import WIDTHS, extent, placeholder, rounded_outwards

HEIGHT, GAP = 150, 16
"""Height of a small chart whose height says nothing; least space between columns, pixels."""

FONT, LINE = 11, 14
"""Size of the font and height of a line of names, pixels."""

KINDS = ("symbolic", "imperative")
Rows = Callable[[Sequence[Point], int], list[dict[str, Any]]]
"""(points of one small chart, width of its axis in pixels) -> its data."""


def curves(
    name: str, title: str, points: Sequence[Point], *, measure: str, x: str, better: str = ""
) -> style.Chart:
    """Return small charts of equal axes, both logarithmic, one a panel and one line a mode.

    Args:
        name: readable part of the file names.
        title: the finding.
        points: in any order; panels appear in the order of their first points.
        measure: what the vertical axis shows, with its unit.
        x: title of the horizontal axis with its unit.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    places = sorted({float(point.number) for point in points})
    outer = [places[0], places[-1]]
    names = {point.mode: style.wrapped(point.mode, 120, FONT) for point in points}
    aside = 12 + math.ceil(max(extent(line, FONT) for lines in names.values() for line in lines))
    ends = {(p.panel, p.mode): p for p in sorted(points, key=lambda point: point.number)}
    lines = Counter(panel for panel, mode in ends for _ in names[mode])
    height = max(HEIGHT, LINE * max(lines.values()))
    domain = _domain(points, 1.1)

    def rows(mine: Sequence[Point], width: int) -> list[dict[str, Any]]:
        tops = _stacked([one for one in ends.values() if one in mine], names, domain, height)
        return [
            _datum(one, colour=one.kind, shape=one.kind, part=one.mode, order=one.number)
            | ({"at": width + 8, "up": tops[one.mode], "name": "\n".join(names[one.mode])}
               if ends[one.panel, one.mode] is one else {})
            for one in sorted(mine, key=lambda point: point.number)
        ]  # fmt: skip

    specs = _in_columns(
        title, style.measured(measure, better, "log scales"), points, rows, domain,
        _frame("Q", (("mode", "mode"), ("number", "at"), ("text", "value"))),
        lambda width: {
            "values_x": style.apart(places, lambda at: style.along(at, outer, width))
        },
        height=height, aside=aside, x=x, kind="log", format=",~f",
        domain_x=outer, colours=KINDS, shapes=KINDS,
        forms=[look.shape for look in style.SERIES],
    )  # fmt: skip
    said = "; ".join(f"{p.panel}, {p.mode}: {p.text} at {p.number:g}" for p in ends.values())
    words = f"Chart: {title} {measure} against {x}. {said}."
    return style.Chart(name, title, words, specs, style.as_rows(points))


def timeline(
    name: str,
    title: str,
    points: Sequence[Point],
    *,
    measure: str,
    looks: Mapping[str, Look],
    better: str = "",
) -> style.Chart:
    """Return small charts of equal axes, time against a logarithmic one, one a panel.

    Args:
        name: readable part of the file names.
        title: the finding.
        points: as the line of each panel runs; panels appear in the order of their first ones.
        measure: what the vertical axis shows, with its unit.
        looks: name of a framework -> its colours and shape; others may be in it as well.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    mine = style.drawn_looks((point.panel for point in points), looks)
    domain = _domain(points, 1.25)
    days = [point.day for point in points if point.day]
    first, last = min(days).year, max(days).year + 1
    start, end = datetime.date(first, 1, 1), datetime.date(last, 1, 1)

    def rows(mine: Sequence[Point], width: int) -> list[dict[str, Any]]:
        spots = [
            (width * (one.day - start) / (end - start),
             *(HEIGHT - style.along(y, domain, HEIGHT)
               for y in (one.y, *(style.known(end, one.y)[0] for end in (one.high, one.low)))))
            for one in mine if one.day
        ]  # fmt: skip
        named = _placed([one.label for one in mine], spots, width)
        return [
            _datum(one, colour=one.panel, shape=one.change, order=number) | named.get(number, {})
            for number, one in enumerate(mine)
        ]

    specs = _in_columns(
        title, style.measured(f"{measure}, by date of release", better, "log scale"), points,
        rows, domain,
        _frame("T", (("label", "release"), ("published", "published"), ("text", "value"),
                     ("told", "against the one before"), ("mode", "mode"))),
        lambda width: {
            "values_x": [
                f"{year}-01-01"
                for year in range(first, last + 1, math.ceil(50 * (last - first) / width))
            ]
        },
        right=20, kind="utc", format="%Y", domain_x=[start.isoformat(), end.isoformat()],
        colours=list(mine), shapes=["faster", "slower", ""],
        forms=["triangle-up", "triangle-down", "circle"],
    )  # fmt: skip
    told = {"faster": " (better)", "slower": " (worse)"}
    said = [
        f"{p.panel} {p.label}, {p.day.year}: {p.text}{told.get(p.change, '')}"
        for p in points
        if p.day
    ]
    words = f"Chart: {title} {measure} by release date. {'; '.join(said)}."
    return style.Chart(name, title, words, specs, style.as_rows(points), tuple(mine.values()))


def _datum(point: Point, **more: Any) -> dict[str, Any]:
    more |= {"framework": point.panel, "dash": point.kind or KINDS[0], "x": point.number}
    if point.day:
        more |= {"x": point.day.isoformat(), "published": f"{point.day:%-d %B %Y}"}
    return style.datum(point, day=None, **more)


def _domain(points: Sequence[Point], room: float) -> list[float]:
    """Return the ends of a logarithmic axis with ``room`` times the outermost values of y."""
    values = [v for one in points for v in style.known(one.y, one.low, one.high)]
    return [
        rounded_outwards(min(values) / room, up=False),
        rounded_outwards(max(values) * room, up=True),
    ]


def _stacked(
    ends: Sequence[Point],
    names: Mapping[str, Sequence[str]],
    domain: Sequence[float],
    height: float,
) -> dict[str, float]:
    """Return the upper edge of the name of each line: names that would meet are pushed apart."""
    middles = {one.mode: height - style.along(one.y, domain, height) for one in ends}
    room = {mode: LINE * len(names[mode]) for mode in middles}
    order = sorted(middles, key=lambda mode: middles[mode])
    tops: dict[str, float] = {}
    edge = 0.0
    for mode in order:
        tops[mode] = max(middles[mode] - room[mode] / 2, edge)
        edge = tops[mode] + room[mode]
    edge = height
    for mode in reversed(order):
        edge = tops[mode] = min(tops[mode], edge - room[mode])
    return tops


def _placed(
    names: Sequence[str], points: Sequence[tuple[float, ...]], width: int
) -> dict[int, dict[str, Any]]:
    """Return the number of a point -> its name and where that begins, for those with room for it.

    Names stand above, below or beside their points, off every interval and, where that can be, off
    the line. The first and the last point always have theirs; of the others, the table below the
    chart has those that are not in it.

    Args:
        names: of the points.
        points: x, y and the upper and lower end of the interval, in pixels.
        width: of the chart.

    """
    placed: dict[int, tuple[float, float]] = {}
    order = sorted(range(len(points)), key=lambda number: points[number][0])
    halves = [extent(name, FONT) / 2 + 1 for name in names]
    bars = [(x, top, bottom) for x, _, top, bottom in points]
    trail = [
        (x + part * (to_x - x), *[y + part * (to_y - y)] * 2)
        for (x, y, *_), (to_x, to_y, *_) in itertools.pairwise(points)
        for part in (number / 12 for number in range(13))
    ]

    def clear(at: tuple[float, float], half: float, what: Sequence[tuple[float, ...]]) -> bool:
        """Return whether a name meets no other, and nothing of ``what``."""
        return all(
            abs(at[0] - other[0]) >= half + halves[number] or abs(at[1] - other[1]) >= 13
            for number, other in placed.items()
        ) and not any(
            abs(at[0] - x) < half + 4 and top - 9 < at[1] < bottom + 9 for x, top, bottom in what
        )

    for number in dict.fromkeys([*order[:1], *order[-1:], *order]):
        (x, y, top, bottom), half = points[number], halves[number]
        aside, ends = half + 7, (order[0], order[-1])
        tried = [
            (min(max(left, half), width + 4 - half), min(max(up, 6), HEIGHT - 6))
            for left, up in (
                (x, top - 13), (x, bottom + 13), (x + aside, y), (x - aside, y),
                (x + aside, y - 10), (x - aside, y - 10), (x + aside, y + 10), (x - aside, y + 10),
            )
        ]  # fmt: skip
        places = [(at, what) for what in ([*bars, *trail], bars) for at in tried]
        if number in ends:  # beside the only other name there is room at an edge of the chart
            edges = [(tried[0][0], up) for up in (6, HEIGHT - 6)]
            places += [(at, []) for at in (*tried, *edges)]
        if free := next((at for at, what in places if clear(at, half, what)), None):
            placed[number] = free
    return {
        number: {"at": at - halves[number], "up": up - LINE / 2, "name": names[number]}
        for number, (at, up) in placed.items()
    }


def _in_columns(
    title: str,
    subtitle: str,
    points: Sequence[Point],
    rows: Rows,
    domain: Sequence[float],
    frame: str,
    axis: Callable[[int], dict[str, Any]],
    *,
    height: int = HEIGHT,
    aside: int = 0,
    right: int = 8,
    x: str = "",
    **gaps: Any,
) -> dict[str, dict[str, Any]]:
    """Return small charts of one vertical axis, side by side, on a phone below each other.

    ``aside`` is room to the right of a panel, ``right`` the margin; ``axis`` makes what the frame
    needs for some width.
    """
    values = style.ticks(*domain)
    room = style.axis_room(values)
    specs = {}
    for size, whole in WIDTHS.items():
        columns = 1 if size == "narrow" else 2
        width = (whole - 4 - right - (columns - 1) * GAP) // columns - room - aside
        specs[size] = style.small_multiples(
            title, subtitle, points, frame,
            lambda mine: (rows(mine, width), height),  # noqa: B023 - called at once
            size=size, width=width, right=right, x=x, columns=columns,
            spacing=room + aside + GAP, domain_y=domain, values_y=values, room_y=room,
            edge=width + aside, **axis(width), **gaps,
        )  # fmt: skip
    return specs


@style.framed
def _frame(scale: str, told: Sequence[tuple[str, str]]) -> Any:
    """Return one small chart; x is a number ("Q") or a day ("T")."""
    import altair as alt

    x = alt.X(
        f"x:{scale}",
        scale=alt.Scale(type=placeholder("kind"), domain=placeholder("domain_x"), nice=False),
        axis=alt.Axis(
            title=placeholder("x"), values=placeholder("values_x"), format=placeholder("format"),
            grid=False, labelOverlap=False, labelFlush=False,
        ),
    )  # fmt: skip
    colours = alt.Scale(domain=placeholder("colours"))
    shapes = alt.Scale(domain=placeholder("shapes"), range=placeholder("forms"))
    dashes = alt.Scale(domain=list(KINDS), range=[[1, 0], [5, 3]])
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(opacity=style.faded_opacity(1))
    drawn = base.encode(
        x=x, y=style.upright("y"), color=alt.Color("colour:N", scale=colours, legend=None)
    )
    points = drawn.encode(
        shape=alt.Shape("shape:N", scale=shapes, legend=None),
        tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in told],
    )
    layers = [
        drawn.transform_filter(style.HAS_ENDS).mark_rule(strokeWidth=3).encode(
            y=style.upright("low"), y2="high:Q", opacity=style.faded_opacity(0.45)
        ),
        drawn.mark_line(strokeWidth=2).encode(
            order=alt.Order("order:Q"),
            detail="part:N",
            strokeDash=alt.StrokeDash("dash:N", scale=dashes, legend=None),
            opacity=style.faded_opacity(0.7),
        ),
        points.transform_filter("!datum.other").mark_point(filled=True, size=60),
        points.transform_filter("datum.other").mark_point(filled=False, size=60, strokeWidth=1.8),
        # Readers' fonts differ: the drawing ends where there is room for names in any.
        base.mark_rule(strokeOpacity=0).encode(x=alt.value(0), x2=alt.value(placeholder("edge"))),
        base.transform_filter("isValid(datum.at)").mark_text(
            align="left", baseline="top", style="plain", fontSize=FONT, lineBreak="\n",
            lineHeight=LINE,
        ).encode(
            x=alt.X("at:Q", scale=None, axis=None),
            y=alt.Y("up:Q", scale=None, axis=None),
            text="name:N",
        ),
    ]  # fmt: skip
    return alt.layer(*layers).resolve_scale(y="shared")
