"""Curves over a batch size or a depth, as small multiples."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from generator.pages.charts import style
from generator.pages.charts.marks import Point
from generator.pages.charts.style import CURVE_HEIGHT, WIDTHS, four_digits, placeholder


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
    specs = {size: _curves(title, subtitle, points, x, size) for size in WIDTHS}
    ends = {(p.panel, p.series): p for p in sorted(points, key=lambda point: point.x)}
    rows = "; ".join(f"{p.panel}, {p.series}: {p.text} at {p.x:g}" for p in ends.values())
    words = f"Chart: {title} {measure} against {x}. {rows}."
    return style.Chart(name, title, words, specs, style.as_rows(points))


def _curves(
    title: str, subtitle: str, points: Sequence[Point], x: str, size: str
) -> dict[str, Any]:
    columns = 1 if size == "narrow" else 2
    label_room = 10 + round(7 * max(len(line) for p in points for line in _label(p.series)))
    width = WIDTHS[size] // columns - label_room - 66
    places = sorted({point.x for point in points})
    domain = style.log_domain(points, 1.1)
    return style.small_multiples(
        title,
        subtitle,
        points,
        _curve_frame(),
        lambda mine: _curve_rows(mine, domain),
        size=size,
        width=width,
        right=20,
        x=x,
        columns=columns,
        spacing=label_room + 56,
        domain_x=[places[0], places[-1]],
        values_x=places,
        domain_y=domain,
        values_y=style.ticks(*domain),
        aside=width + 8,
    )


LABEL_LINE = 14


def _label(series: str) -> list[str]:
    """Return a name in lines that leave the curves some room."""
    return textwrap.wrap(series, 16, break_long_words=False)


def _curve_rows(points: Sequence[Point], domain: Sequence[float]) -> list[dict[str, Any]]:
    """Return the data of one small chart; the last point of a curve carries its name.

    Names that would lie on each other are pushed apart; ``height`` is a name's upper edge, pixels.
    """
    last = {point.series: point for point in sorted(points, key=lambda point: point.x)}
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
                **style.ends(point.y, point.low, point.high),
                "text": point.text,
                "label": "\n".join(_label(point.series)) if end else "",
                "height": round(placed[point.series] - shift, 1) if end else None,
            }
        )
    return rows


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
            format="~f",
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
        x=x, y=style.log_y("y"), color=alt.Color("kind:N", scale=scale, legend=None)
    )
    layers = [
        drawn.mark_rule(strokeWidth=3).encode(
            y=style.log_y("low"), y2="high:Q", opacity=style.faded_opacity(0.4)
        ),
        drawn.mark_line(strokeWidth=2).encode(
            detail="series:N", strokeDash=alt.StrokeDash("kind:N", scale=dashes, legend=None)
        ),
        drawn.mark_point(filled=True, size=45).encode(
            shape=alt.Shape("kind:N", scale=scale, legend=None), tooltip=tooltip
        ),
        base.transform_filter("datum.label != ''")
        .mark_text(
            align="left", baseline="top", style="plain", fontSize=12, lineBreak="\n",
            lineHeight=LABEL_LINE,
        )
        .encode(
            x=alt.value(placeholder("aside")),
            y=alt.Y("height:Q", scale=None, axis=None),
            text="label:N",
        ),
    ]  # fmt: skip
    return alt.layer(*layers).resolve_scale(y="shared")
