"""Releases over time, with intervals."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Moment
from generator.pages.charts.style import WIDTHS, four_digits, placeholder


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
    specs = {size: _timeline(title, subtitle, moments, tuple(mine), size) for size in WIDTHS}
    told = {"faster": " (better)", "slower": " (worse)"}
    rows = [f"{m.panel} {m.label}, {m.day.year}: {m.text}{told.get(m.change, '')}" for m in moments]
    words = f"Chart: {title} {measure} by release date. {'; '.join(rows)}."
    return style.Chart(name, title, words, specs, style.as_rows(moments), tuple(mine.values()))


def _timeline(
    title: str, subtitle: str, moments: Sequence[Moment], frameworks: Sequence[str], size: str
) -> dict[str, Any]:
    columns = 1 if size == "narrow" else 2
    width = WIDTHS[size] // columns - 84
    domain = style.log_domain(moments, 1.25)
    years = [min(m.day for m in moments).year, max(m.day for m in moments).year + 1]
    every = max(1, math.ceil((years[1] - years[0]) / (5 if columns == 2 else 4)))
    return style.small_multiples(
        title,
        subtitle,
        moments,
        _timeline_frame(),
        lambda mine: _moment_rows(mine, years, width),
        size=size,
        width=width,
        right=24,
        columns=columns,
        spacing=48,
        frameworks=list(frameworks),
        domain_x=[f"{year}-01-01" for year in years],
        values_x=[f"{year}-01-01" for year in range(years[0], years[1] + 1, every)],
        domain_y=domain,
        values_y=style.ticks(*domain),
    )


def _moment_rows(
    moments: Sequence[Moment], years: Sequence[int], width: int
) -> list[dict[str, Any]]:
    """Return the data of one small chart, in the order in which the line runs.

    Names stand above or below their points, wherever there is room; where there is none, the table
    below the chart has to do.
    """
    first = datetime.date(years[0], 1, 1)
    span = (datetime.date(years[1], 1, 1) - first).days
    edges = {"above": -math.inf, "below": -math.inf}
    places = {}
    for moment in sorted(moments, key=lambda moment: moment.day):
        middle = width * (moment.day - first).days / span
        half = NAME_CHARACTER * len(moment.label) / 2
        free = [side for side, edge in edges.items() if middle - half >= edge]
        places[moment.day, moment.label] = free[0] if free else ""
        if free:
            edges[free[0]] = middle + half + 2
    return [
        {
            "day": moment.day.isoformat(),
            "order": index,
            "framework": moment.framework,
            "label": moment.label,
            "place": places[moment.day, moment.label],
            "y": four_digits(moment.y),
            **style.ends(moment.y, moment.low, moment.high),
            "text": moment.text,
            "change": moment.change or "none",
            "mode": moment.mode,
            "other": moment.other,
            "told": moment.told or "–",
            "part": moment.part,
        }
        for index, moment in enumerate(moments)
    ]


NAME_CHARACTER = 5.6
"""Estimated width of a character of the names on a time line, in pixels."""


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
        domain=["faster", "slower", "none"], range=["triangle-up", "triangle-down", "circle"]
    )
    tooltip = [
        alt.Tooltip("label:N", title="release"),
        alt.Tooltip("day:T", title="published", format="%e %B %Y"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("told:N", title="against the one before"),
        alt.Tooltip("mode:N", title="mode"),
    ]
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(
        x=x, y=style.log_y("y"), opacity=style.faded_opacity(1)
    )
    coloured = base.encode(color=alt.Color("framework:N", scale=names, legend=None))
    points = coloured.encode(
        shape=alt.Shape("change:N", scale=shapes, legend=None), tooltip=tooltip
    )
    label = base.encode(text="label:N")
    font: dict[str, Any] = {"fontSize": 10.5, "style": "plain", "align": "center"}
    layers = [
        coloured.mark_line(strokeWidth=1.5).encode(
            order=alt.Order("order:Q"),
            detail=alt.Detail("part:N"),
            opacity=style.faded_opacity(0.45),
        ),
        coloured.mark_rule(strokeWidth=3).encode(
            y=style.log_y("low"), y2="high:Q", opacity=style.faded_opacity(0.5)
        ),
        points.transform_filter("!datum.other").mark_point(filled=True, size=75),
        points.transform_filter("datum.other").mark_point(filled=False, size=60, strokeWidth=1.8),
        label.transform_filter("datum.place == 'above'").mark_text(dy=-13, **font),
        label.transform_filter("datum.place == 'below'").mark_text(dy=14, **font),
    ]
    return alt.layer(*layers).resolve_scale(y="shared")
