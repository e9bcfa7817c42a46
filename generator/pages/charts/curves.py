"""Curves over a batch size or a depth, as small multiples."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Sequence
from typing import Any

from generator.pages.charts.marks import Point
from generator.pages.charts.style import (
    CURVE_HEIGHT,
    WIDTHS,
    Chart,
    as_rows,
    axis_title_up,
    faded_opacity,
    filled_in,
    four_digits,
    frame_text,
    panel_title,
    placeholder,
    rounded_outwards,
    small_multiples,
    ticks,
    without_validation,
)


def curves(
    name: str, title: str, points: Sequence[Point], *, x: str, y: str, better: str = ""
) -> Chart:
    """Return small charts of equal axes, both logarithmic, one a panel.

    Args:
        name: readable part of the file names.
        title: the finding.
        points: in any order; panels appear in the order of their first points.
        x: title of the horizontal axis with its unit.
        y: title of the vertical axis with its unit.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    specs = {size: _curves(title, points, x, y, better, size) for size in WIDTHS}
    ends: dict[tuple[str, str], Point] = {}
    for point in sorted(points, key=lambda point: point.x):
        ends[point.panel, point.series] = point
    rows = [f"{p.panel}, {p.series}: {p.text} at {p.x:g}" for p in ends.values()]
    return Chart(
        name, title, f"Chart: {title} {y} against {x}. {'; '.join(rows)}.", specs, as_rows(points)
    )


def _curves(
    title: str, points: Sequence[Point], x: str, y: str, better: str, size: str
) -> dict[str, Any]:
    columns = 1 if size == "narrow" else 2
    panels = list(dict.fromkeys(point.panel for point in points))
    lines = [line for point in points for line in _label(point.series)]
    label_room = 10 + round(7 * max(map(len, lines)))
    width = WIDTHS[size] // columns - label_room - 66
    places = [p.x for p in points]
    values = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    domain_y = [
        rounded_outwards(min(values) / 1.1, up=False),
        rounded_outwards(max(values) * 1.1, up=True),
    ]
    data = {}
    drawn = []
    for number, panel in enumerate(panels):
        name = f"panel {number}"
        mine = [point for point in points if point.panel == panel]
        data[name] = _curve_rows(mine, domain_y)
        last = number >= len(panels) - columns
        drawn.append(
            {"width": width, "title": panel_title(panel, 0, narrow=True)}
            | filled_in(
                _curve_frame(),
                data=name,
                x=x if last else None,
                y=axis_title_up(y, better) if number % columns == 0 else None,
                domain_x=[min(places), max(places)],
                values_x=sorted(set(places)),
                domain_y=domain_y,
                values_y=ticks(*domain_y),
                aside=width + 8,
            )
        )
    return small_multiples(title, drawn, data, size, columns, label_room + 56, right=20)


LABEL_LINE = 14


def _label(series: str) -> list[str]:
    """Return a name in lines that leave the curves some room."""
    return textwrap.wrap(series, 16, break_long_words=False)


def _curve_rows(points: Sequence[Point], domain: Sequence[float]) -> list[dict[str, Any]]:
    """Return the data of one small chart; the last point of a curve carries its name.

    Names that would lie on each other are pushed apart; ``height`` is a name's upper edge, pixels.
    """
    last: dict[str, Point] = {}
    for point in sorted(points, key=lambda point: point.x):
        last[point.series] = point
    span = math.log(domain[1] / domain[0])
    wanted = {
        name: CURVE_HEIGHT * (1 - math.log(point.y / domain[0]) / span)
        for name, point in last.items()
    }
    placed: dict[str, float] = {}
    edge = -math.inf
    for name in sorted(wanted, key=lambda name: wanted[name]):
        room = LABEL_LINE * len(_label(name))
        placed[name] = max(wanted[name] - room / 2, edge)
        edge = placed[name] + room
    shift = max(0.0, edge - CURVE_HEIGHT - LABEL_LINE / 2) if placed else 0.0
    rows = []
    for point in points:
        end = last[point.series] is point
        rows.append(
            {
                "framework": point.panel,
                "series": point.series,
                "kind": point.kind,
                "x": point.x,
                "y": four_digits(point.y),
                "low": four_digits(point.low if point.low is not None else point.y),
                "high": four_digits(point.high if point.high is not None else point.y),
                "text": point.text,
                "label": "\n".join(_label(point.series)) if end else "",
                "height": round(placed[point.series] - shift, 1) if end else None,
            }
        )
    return rows


@functools.cache
@without_validation()
def _curve_frame() -> str:
    """Return one small chart as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", domain=placeholder("domain_x"), nice=False),
        axis=alt.Axis(
            title=placeholder("x"),
            values=placeholder("values_x"),
            format="~f",
            grid=False,
            labelOverlap=False,
            labelFlush=False,
        ),
    )

    def y(field: str) -> Any:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(type="log", domain=placeholder("domain_y"), nice=False),
            axis=alt.Axis(title=placeholder("y"), values=placeholder("values_y"), format=",~f"),
        )

    kinds = ["symbolic", "imperative"]
    scale = alt.Scale(domain=kinds)
    colour = alt.Color("kind:N", scale=scale, legend=None)
    dash = alt.StrokeDash(
        "kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [5, 3]]), legend=None
    )
    tooltip = [
        alt.Tooltip("series:N", title="mode"),
        alt.Tooltip("x:Q", title="at"),
        alt.Tooltip("text:N", title="value"),
    ]
    base = alt.Chart(alt.NamedData(placeholder("data")))
    layers = [
        base.mark_rule(strokeWidth=3).encode(
            x=x, y=y("low"), y2="high:Q", color=colour, opacity=faded_opacity(0.4)
        ),
        base.mark_line(strokeWidth=2).encode(
            x=x, y=y("y"), detail="series:N", color=colour, strokeDash=dash,
            opacity=faded_opacity(1),
        ),
        base.mark_point(filled=True, size=45).encode(
            x=x, y=y("y"), color=colour, shape=alt.Shape("kind:N", scale=scale, legend=None),
            tooltip=tooltip, opacity=faded_opacity(1),
        ),
        base.transform_filter("datum.label != ''")
        .mark_text(
            align="left", baseline="top", style="plain", fontSize=12, lineBreak="\n",
            lineHeight=LABEL_LINE,
        )
        .encode(
            x=alt.value(placeholder("aside")),
            y=alt.Y("height:Q", scale=None, axis=None),
            text="label:N", opacity=faded_opacity(1),
        ),
    ]  # fmt: skip
    chart = alt.layer(*layers).resolve_scale(y="shared").properties(height=CURVE_HEIGHT)
    return frame_text(chart)
