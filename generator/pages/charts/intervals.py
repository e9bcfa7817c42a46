"""Pure: figures -> chart specifications (Altair), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from generator.pages.charts.marks import Mark
from generator.pages.charts.style import (
    PICKED,
    WIDTHS,
    Chart,
    as_rows,
    axis_title,
    faded_opacity,
    filled_in,
    four_digits,
    frame_text,
    linear_ticks,
    panel_title,
    placeholder,
    rounded_outwards,
    schema_url,
    ticks,
    without_validation,
    wrapped,
)


def intervals(
    name: str,
    title: str,
    marks: Sequence[Mark],
    *,
    axis: str,
    frameworks: Sequence[str],
    better: str,
    log: bool = True,
) -> Chart:
    """Return a chart with one row a configuration: a point, its 95 % interval, its value.

    Args:
        name: readable part of the file names.
        title: the finding.
        marks: rows from top to bottom, panels kept together.
        axis: title of the axis with its unit.
        frameworks: the names of all frameworks in a fixed order: colours stay the same on every
            page.
        better: "higher", "lower" or "": which end is the good one.
        log: equal distances are equal ratios.

    """
    specs = {size: _intervals(title, marks, axis, frameworks, better, log, size) for size in WIDTHS}
    return Chart(name, title, _alternative(title, marks, axis), specs, as_rows(marks))


def _alternative(title: str, marks: Sequence[Mark], axis: str) -> str:
    rows = []
    panel = None
    for mark in marks:
        head = f"{mark.panel}: " if mark.panel and mark.panel != panel else ""
        panel = mark.panel
        rows.append(f"{head}{mark.label} {mark.text or mark.fault}")
    return f"Chart: {title} {axis}. " + "; ".join(rows) + "."


def _intervals(
    title: str,
    marks: Sequence[Mark],
    axis: str,
    frameworks: Sequence[str],
    better: str,
    log: bool,
    size: str,
) -> dict[str, Any]:
    narrow = size == "narrow"
    # Estimated widths: fonts differ between machines, so leave a little more than needed.
    label_room = 0 if narrow else min(340, 12 + round(7.2 * max(len(m.label) for m in marks)))
    value_room = 12 if narrow else 16 + round(7.6 * max(len(m.text) for m in marks))
    width = WIDTHS[size] - label_room - value_room - 14
    kind, low, high = _scale(marks, log)
    panels = list(dict.fromkeys(mark.panel for mark in marks))
    drawn = []
    data = {}
    for number, panel in enumerate(panels):
        name = f"panel {number}"
        data[name] = [_row(i, mark) for i, mark in enumerate(m for m in marks if m.panel == panel)]
        last = number == len(panels) - 1
        drawn.append(
            {"width": width, "title": panel_title(panel, 0 if narrow else 4 - label_room, narrow)}
            | filled_in(
                _panel_frame(narrow),
                data=name,
                frameworks=list(frameworks),
                axis=axis_title(axis, better) if last else None,
                kind=kind,
                domain=[low, high],
                values=ticks(low, high) if kind == "log" else linear_ticks(high),
                width=width,
                aside=width + (0 if narrow else 12),
            )
        )
    return {
        "$schema": schema_url(),
        "title": {"text": wrapped(title, narrow)},
        "params": PICKED,
        "vconcat": drawn,
        "datasets": data,
        "spacing": 18,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 4},
    }


def _scale(marks: Sequence[Mark], log: bool) -> tuple[str, float, float]:
    """Return type and ends of the axis; rounded to two digits, so that frames can be reused."""
    ends = [x for m in marks for x in (m.estimate, m.low, m.high, m.start) if x is not None]
    if ends and log and min(ends) > 0:
        low, high = min(ends) / 1.12, max(ends) * 1.12
        if high / low < 3:  # room for at least two labelled ticks
            low, high = low / 1.3, high * 1.3
        return "log", rounded_outwards(low, up=False), rounded_outwards(high, up=True)
    return "linear", 0.0, rounded_outwards(max(ends, default=1.0) * 1.06, up=True)


@functools.cache
@without_validation()
def _panel_frame(narrow: bool) -> str:
    """Return one panel as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x: dict[str, Any] = {
        "scale": alt.Scale(type=placeholder("kind"), domain=placeholder("domain"), nice=False),
        "axis": alt.Axis(
            title=placeholder("axis"),
            format=",~f",
            values=placeholder("values"),
            tickCount=4 if narrow else 7,
        ),
    }
    y = alt.Y(
        "row:O",
        sort=None,
        scale=alt.Scale(paddingOuter=0.2 if narrow else 0),
        axis=alt.Axis(title=None, labels=False, ticks=False, domain=False, grid=not narrow),
    )
    names = alt.Scale(domain=placeholder("frameworks"))
    colour = alt.Color("framework:N", scale=names, legend=None)
    shape = alt.Shape("framework:N", scale=names, legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="what"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("tooltip:N", title="from"),
    ]
    drop, above = (7, -11) if narrow else (0, 0)  # on a phone the label stands above the mark
    base = alt.Chart(alt.NamedData(placeholder("data")))
    good = base.transform_filter("isValid(datum.estimate)")
    started = good.transform_filter("isValid(datum.start)")
    layers = [
        started.mark_rule(strokeWidth=2, yOffset=drop).encode(
            x=alt.X("start:Q", **x), x2="estimate:Q", y=y, color=colour, opacity=faded_opacity(0.45)
        ),
        started.mark_point(filled=False, size=60, strokeWidth=1.8, yOffset=drop).encode(
            x=alt.X("start:Q", **x), y=y, color=colour, shape=shape, opacity=faded_opacity(1)
        ),
        good.mark_rule(strokeWidth=3, yOffset=drop).encode(
            x=alt.X("low:Q", **x), x2="high:Q", y=y, color=colour, opacity=faded_opacity(0.55)
        ),
        good.mark_point(filled=True, size=85, yOffset=drop).encode(
            x=alt.X("estimate:Q", **x),
            y=y,
            color=colour,
            shape=shape,
            opacity=faded_opacity(1),
            tooltip=tooltip,
        ),
        base.mark_text(
            align="left" if narrow else "right", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(0 if narrow else -10), y=y, text="label:N", opacity=faded_opacity(1)),
        good.mark_text(
            align="right" if narrow else "left", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(placeholder("aside")), y=y, text="text:N", opacity=faded_opacity(1)),
        base.transform_filter("!isValid(datum.estimate)")
        .mark_text(
            align="left", dy=drop, style="fault", baseline="middle", limit=placeholder("width")
        )
        .encode(x=alt.value(2), y=y, text="fault:N", opacity=faded_opacity(1)),
    ]
    chart = alt.layer(*layers).properties(height=alt.Step(44 if narrow else 28))
    return frame_text(chart)


def _row(index: int, mark: Mark) -> dict[str, Any]:
    interval = ""
    if mark.low is not None and mark.high is not None:
        interval = f"{mark.low:,.4g} to {mark.high:,.4g}"
    return {
        "row": index,
        "label": mark.label,
        "framework": mark.framework,
        "estimate": four_digits(mark.estimate),
        "low": four_digits(mark.low if mark.low is not None else mark.estimate),
        "high": four_digits(mark.high if mark.high is not None else mark.estimate),
        "start": four_digits(mark.start),
        "text": mark.text,
        "interval": interval,
        "fault": mark.fault,
        "tooltip": mark.tooltip,
    }
