"""Releases over time, with intervals."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Moment
from generator.pages.charts.style import placeholder


def timeline(
    name: str,
    title: str,
    moments: Sequence[Moment],
    *,
    measure: str,
    looks: Mapping[str, Look],
    better: str = "",
) -> style.Chart:
    """Return small charts of equal axes, time against a logarithmic one, one a panel.

    Args:
        name: readable part of the file names.
        title: the finding.
        moments: as the line of each panel runs; panels appear in the order of their first ones.
        measure: what the vertical axis shows, with its unit.
        looks: name of a framework -> its colours and shape; others may be in it as well.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    mine = style.drawn_looks(moments, looks)
    subtitle = style.measured(f"{measure}, by date of release", better, "log scale")
    domain = style.log_domain(moments, 1.25)
    first, last = min(m.day for m in moments).year, max(m.day for m in moments).year + 1
    specs = style.in_columns(
        title,
        subtitle,
        moments,
        _timeline_frame(),
        lambda mine, width: _moment_rows(mine, (first, last), domain, width),
        domain=domain,
        gaps=lambda width: {
            "frameworks": list(mine),
            "domain_x": [f"{first}-01-01", f"{last}-01-01"],
            "values_x": [
                f"{year}-01-01"
                for year in range(first, last + 1, math.ceil(50 * (last - first) / width))
            ],
        },
        right=MARGIN,
    )
    told = {"faster": " (better)", "slower": " (worse)"}
    rows = [f"{m.panel} {m.label}, {m.day.year}: {m.text}{told.get(m.change, '')}" for m in moments]
    words = f"Chart: {title} {measure} by release date. {'; '.join(rows)}."
    return style.Chart(name, title, words, specs, style.as_rows(moments), tuple(mine.values()))


MARGIN, FONT = 20, 10.5
"""Room beside the last year, and the size of the releases' names, pixels."""


def _moment_rows(
    moments: Sequence[Moment], years: Sequence[int], domain: Sequence[float], width: int
) -> list[dict[str, Any]]:
    """Return the data of one small chart, in the order in which the line runs."""
    start, end = (datetime.date(year, 1, 1) for year in years)
    points = [
        (
            width * (moment.day - start) / (end - start),
            style.HEIGHT - style.along(moment.y, domain, style.HEIGHT),
        )
        for moment in moments
    ]
    places = _places([moment.label for moment in moments], points, width)
    return [
        style.datum(
            moment,
            day=moment.day.isoformat(),
            order=index,
            **dict(zip(("at", "up"), places.get(index, ()), strict=False)),
        )
        for index, moment in enumerate(moments)
    ]


def _places(
    names: Sequence[str], points: Sequence[tuple[float, float]], width: int
) -> dict[int, tuple[float, float]]:
    """Return the number of a point -> the middle of its name, for those with room for it.

    Names stand above or below their points or beside them. The first and the last point always
    have theirs; of the others, the table below the chart has those that are not in it.
    """
    placed: dict[int, tuple[float, float]] = {}
    order = sorted(range(len(points)), key=lambda number: points[number])
    halves = [style.extent(name, FONT) / 2 + 1 for name in names]

    def clear(at: tuple[float, float], half: float, *, of_points: bool) -> bool:
        """Return whether a name meets no other, and no point either."""
        return all(
            abs(at[0] - other[0]) >= half + halves[number] or abs(at[1] - other[1]) >= 13
            for number, other in placed.items()
        ) and not (
            of_points and any(abs(at[0] - x) < half + 4 and abs(at[1] - y) < 10 for x, y in points)
        )

    for number in dict.fromkeys([*order[:1], *order[-1:], *order]):
        (x, y), half = points[number], halves[number]
        tried = [
            (min(max(left, half), width + 4 - half), min(max(up, 6), style.HEIGHT - 6))
            for left, up in ((x, y - 13), (x, y + 13), (x + half + 7, y), (x - half - 7, y))
        ]
        free = [at for at in tried if clear(at, half, of_points=True)]
        if not free and number in (order[0], order[-1]):
            free = [at for at in tried if clear(at, half, of_points=False)]
        if free:
            placed[number] = free[0]
    return placed


@style.framed
def _timeline_frame() -> Any:
    """Return one small chart."""
    import altair as alt

    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc", domain=placeholder("domain_x"), nice=False),
        axis=alt.Axis(title=None, values=placeholder("values_x"), format="%Y", grid=False),
    )
    names = alt.Scale(domain=placeholder("frameworks"))
    shapes = alt.Scale(
        domain=["faster", "slower", ""], range=["triangle-up", "triangle-down", "circle"]
    )
    tooltip = [
        alt.Tooltip("label:N", title="release"),
        alt.Tooltip("day:T", title="published", format="%e %B %Y"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("told:N", title="against the one before"),
        alt.Tooltip("mode:N", title="mode"),
    ]
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(
        x=x, y=style.upright("y"), opacity=style.faded_opacity(1)
    )
    coloured = base.encode(color=alt.Color("framework:N", scale=names, legend=None))
    points = coloured.encode(
        shape=alt.Shape("change:N", scale=shapes, legend=None), tooltip=tooltip
    )
    words = base.transform_filter("isValid(datum.at)").mark_text(
        fontSize=FONT, style="plain", align="center", baseline="middle"
    )
    layers = [
        coloured.mark_line(strokeWidth=1.5).encode(
            order=alt.Order("order:Q"),
            detail=alt.Detail("part:N"),
            opacity=style.faded_opacity(0.45),
        ),
        coloured.transform_filter(style.HAS_ENDS)
        .mark_rule(strokeWidth=3)
        .encode(y=style.upright("low"), y2="high:Q", opacity=style.faded_opacity(0.5)),
        points.transform_filter("!datum.other").mark_point(filled=True, size=75),
        points.transform_filter("datum.other").mark_point(filled=False, size=60, strokeWidth=1.8),
        words.encode(
            x=alt.X("at:Q", scale=None, axis=None),
            y=alt.Y("up:Q", scale=None, axis=None),
            text="label:N",
        ),
    ]
    return alt.layer(*layers).resolve_scale(y="shared")
