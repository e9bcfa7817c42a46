"""Curves over a batch size or a depth, as small multiples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from generator.pages.charts import style
from generator.pages.charts.marks import Point
from generator.pages.charts.style import extent, placeholder


def curves(
    name: str, title: str, points: Sequence[Point], *, measure: str, x: str, better: str = ""
) -> style.Chart:
    """Return small charts of equal axes, both logarithmic, one a panel.

    Args:
        name: readable part of the file names.
        title: the finding.
        points: in any order; panels appear in the order of their first points.
        measure: what the vertical axis shows, with its unit.
        x: title of the horizontal axis with its unit.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    subtitle = style.measured(measure, better, "log scales")
    places = sorted({point.x for point in points})
    domain = style.log_domain(points, 1.1)
    names = {series: style.wrapped(series, 120, 12) for series in {p.series for p in points}}
    aside = 12 + math.ceil(max(extent(line, 12) for lines in names.values() for line in lines))
    ends = {(p.panel, p.series): p for p in sorted(points, key=lambda point: point.x)}
    lines = Counter(panel for panel, series in ends for _ in names[series])
    height = max(style.HEIGHT, LABEL_LINE * max(lines.values()))
    specs = style.in_columns(
        title,
        subtitle,
        points,
        _curve_frame(),
        lambda mine, _: _curve_rows(mine, names, domain, height),
        domain=domain,
        gaps=lambda width: {
            "x": x,
            "domain_x": [places[0], places[-1]],
            "values_x": style.apart(places, [places[0], places[-1]], width),
            "beside": width + 8,
            "edge": width + aside,
        },
        height=height,
        aside=aside,
    )
    rows = "; ".join(f"{p.panel}, {p.series}: {p.text} at {p.x:g}" for p in ends.values())
    words = f"Chart: {title} {measure} against {x}. {rows}."
    return style.Chart(name, title, words, specs, style.as_rows(points))


LABEL_LINE = 14


def _curve_rows(
    points: Sequence[Point],
    names: Mapping[str, Sequence[str]],
    domain: Sequence[float],
    height: float,
) -> list[dict[str, Any]]:
    """Return the data of one small chart; the last point of a curve carries its name.

    Names that would lie on each other are pushed apart; ``height`` is a name's upper edge, pixels.
    """
    last = {point.series: point for point in sorted(points, key=lambda point: point.x)}
    room = {series: LABEL_LINE * len(names[series]) for series in last}
    middles = {
        series: height - style.along(point.y, domain, height) for series, point in last.items()
    }
    order = sorted(last, key=lambda series: middles[series])
    tops: dict[str, float] = {}
    edge = 0.0
    for series in order:
        tops[series] = max(middles[series] - room[series] / 2, edge)
        edge = tops[series] + room[series]
    edge = height
    for series in reversed(order):
        edge = tops[series] = min(tops[series], edge - room[series])
    return [
        style.datum(
            point,
            framework=point.panel,
            label="\n".join(names[point.series]) if last[point.series] is point else None,
            height=tops[point.series] if last[point.series] is point else None,
        )
        for point in points
    ]


@style.framed
def _curve_frame() -> Any:
    """Return one small chart."""
    import altair as alt

    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", domain=placeholder("domain_x"), nice=False),
        axis=alt.Axis(
            title=placeholder("x"),
            values=placeholder("values_x"),
            format=",~f",
            grid=False,
            labelOverlap=False,
            labelFlush=False,
        ),
    )
    kinds = ["symbolic", "imperative"]
    scale = alt.Scale(domain=kinds)
    dashes = alt.Scale(domain=kinds, range=[[1, 0], [5, 3]])
    tooltip = [
        alt.Tooltip("series:N", title="mode"),
        alt.Tooltip("x:Q", title="at"),
        alt.Tooltip("text:N", title="value"),
    ]
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(opacity=style.faded_opacity(1))
    drawn = base.encode(
        x=x, y=style.upright("y"), color=alt.Color("kind:N", scale=scale, legend=None)
    )
    named = base.transform_filter("datum.label")
    layers = [
        drawn.transform_filter(style.HAS_ENDS).mark_rule(strokeWidth=3).encode(
            y=style.upright("low"), y2="high:Q", opacity=style.faded_opacity(0.4)
        ),
        drawn.mark_line(strokeWidth=2).encode(
            detail="series:N", strokeDash=alt.StrokeDash("kind:N", scale=dashes, legend=None)
        ),
        drawn.mark_point(filled=True, size=45).encode(
            shape=alt.Shape("kind:N", scale=scale, legend=None), tooltip=tooltip
        ),
        # Readers' fonts differ: the drawing ends where there is room for names in any.
        named.mark_rule(strokeOpacity=0).encode(
            x=alt.value(0), x2=alt.value(placeholder("edge"))
        ),
        named.mark_text(
            align="left", baseline="top", style="plain", fontSize=12, lineBreak="\n",
            lineHeight=LABEL_LINE,
        )
        .encode(
            x=alt.value(placeholder("beside")),
            y=alt.Y("height:Q", scale=None, axis=None),
            text="label:N",
        ),
    ]  # fmt: skip
    return alt.layer(*layers).resolve_scale(y="shared")
