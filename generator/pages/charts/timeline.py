"""Releases over time, with intervals."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Sequence
from typing import Any

from generator.pages.charts.marks import Moment
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


def timeline(
    name: str,
    title: str,
    moments: Sequence[Moment],
    *,
    y: str,
    frameworks: Sequence[str],
    better: str = "",
) -> Chart:
    """Return small charts of equal axes, time against a logarithmic one, one a panel.

    Args:
        name: readable part of the file names.
        title: the finding.
        moments: as the line of each panel runs; panels appear in the order of their first ones.
        y: title of the vertical axis with its unit.
        frameworks: the names of all frameworks in a fixed order, for the colours.
        better: "higher", "lower" or "": which end of y is the good one.

    """
    specs = {size: _timeline(title, moments, y, frameworks, better, size) for size in WIDTHS}
    told = {"faster": " (better)", "slower": " (worse)"}
    rows = [f"{m.panel} {m.label}, {m.day.year}: {m.text}{told.get(m.change, '')}" for m in moments]
    words = f"Chart: {title} {y} by release date. {'; '.join(rows)}."
    return Chart(name, title, words, specs, as_rows(moments))


def _timeline(
    title: str,
    moments: Sequence[Moment],
    y: str,
    frameworks: Sequence[str],
    better: str,
    size: str,
) -> dict[str, Any]:
    columns = 1 if size == "narrow" else 2
    panels = list(dict.fromkeys(moment.panel for moment in moments))
    width = WIDTHS[size] // columns - 84
    values = [v for m in moments for v in (m.y, m.low, m.high) if v is not None]
    domain = [
        rounded_outwards(min(values) / 1.25, up=False),
        rounded_outwards(max(values) * 1.25, up=True),
    ]
    years = [min(m.day for m in moments).year, max(m.day for m in moments).year + 1]
    days = [f"{year}-01-01" for year in years]
    every = max(1, math.ceil((years[1] - years[0]) / (5 if columns == 2 else 4)))
    marks = [f"{year}-01-01" for year in range(years[0], years[1] + 1, every)]
    data, drawn = {}, []
    for number, panel in enumerate(panels):
        name = f"panel {number}"
        data[name] = _moment_rows([m for m in moments if m.panel == panel], years, width)
        drawn.append(
            {"width": width, "title": panel_title(panel, 0, narrow=True)}
            | filled_in(
                _timeline_frame(),
                data=name,
                frameworks=list(frameworks),
                x="published" if number >= len(panels) - columns else None,
                y=axis_title_up(y, better) if number % columns == 0 else None,
                domain_x=days,
                values_x=marks,
                domain_y=domain,
                values_y=ticks(*domain),
            )
        )
    return small_multiples(title, drawn, data, size, columns, 48, right=24)


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
    told = {"faster": "better", "slower": "worse"}
    return [
        {
            "day": moment.day.isoformat(),
            "order": index,
            "framework": moment.framework,
            "label": moment.label,
            "place": places[moment.day, moment.label],
            "y": four_digits(moment.y),
            "low": four_digits(moment.low if moment.low is not None else moment.y),
            "high": four_digits(moment.high if moment.high is not None else moment.y),
            "text": moment.text,
            "change": moment.change or "none",
            "mode": moment.mode,
            "other": moment.other,
            "told": told.get(moment.change, "not told apart"),
        }
        for index, moment in enumerate(moments)
    ]


NAME_CHARACTER = 5.6
"""Estimated width of a character of the names on a time line, in pixels."""


@functools.cache
@without_validation()
def _timeline_frame() -> str:
    """Return one small chart as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc", domain=placeholder("domain_x"), nice=False),
        axis=alt.Axis(
            title=placeholder("x"), values=placeholder("values_x"), format="%Y", grid=False
        ),
    )

    def y(field: str) -> Any:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(type="log", domain=placeholder("domain_y"), nice=False),
            axis=alt.Axis(title=placeholder("y"), values=placeholder("values_y"), format=",~f"),
        )

    colour = alt.Color(
        "framework:N", scale=alt.Scale(domain=placeholder("frameworks")), legend=None
    )
    shapes = alt.Scale(
        domain=["faster", "slower", "none"], range=["triangle-up", "triangle-down", "circle"]
    )
    shape = alt.Shape("change:N", scale=shapes, legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="release"),
        alt.Tooltip("day:T", title="published", format="%e %B %Y"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("told:N", title="against the one before"),
        alt.Tooltip("mode:N", title="mode"),
    ]
    look = {"color": colour, "tooltip": tooltip, "shape": shape}
    base = alt.Chart(alt.NamedData(placeholder("data")))
    names: dict[str, Any] = {"fontSize": 10.5, "style": "plain", "align": "center"}
    layers = [
        base.mark_line(strokeWidth=1.5).encode(
            x=x, y=y("y"), color=colour, opacity=faded_opacity(0.45), order=alt.Order("order:Q")
        ),
        base.mark_rule(strokeWidth=3).encode(
            x=x, y=y("low"), y2="high:Q", color=colour, opacity=faded_opacity(0.5)
        ),
        base.transform_filter("!datum.other")
        .mark_point(filled=True, size=75)
        .encode(x=x, y=y("y"), **look, opacity=faded_opacity(1)),
        base.transform_filter("datum.other")
        .mark_point(filled=False, size=60, strokeWidth=1.8)
        .encode(x=x, y=y("y"), **look, opacity=faded_opacity(1)),
        base.transform_filter("datum.place == 'above'").mark_text(dy=-13, **names).encode(
            x=x, y=y("y"), text="label:N", opacity=faded_opacity(1)
        ),
        base.transform_filter("datum.place == 'below'").mark_text(dy=14, **names).encode(
            x=x, y=y("y"), text="label:N", opacity=faded_opacity(1)
        ),
    ]  # fmt: skip
    chart = alt.layer(*layers).resolve_scale(y="shared").properties(height=CURVE_HEIGHT)
    return frame_text(chart)
