"""Pure: figures -> chart specifications (Altair), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

import hashlib
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTHS = {"wide": 688, "narrow": 358}
"""Total width of the two drawings, in CSS pixels: the text column, and a phone."""

SCHEMES = ("light", "dark")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Okabe and Ito's order, darkened or lightened until each has 3 : 1 against its background
# (WCAG 1.4.11) and neighbours stay apart for red-green and blue-yellow colour blindness.
_COLOURS = {
    "light": (
        "#0067a5", "#c2500a", "#00795c", "#a4478f", "#6b5b00", "#4455c7", "#b0203a", "#3d6470",
    ),
    "dark": (
        "#64b5f6", "#ff9e57", "#4fd0a5", "#e79ad2", "#dcc84a", "#a3b1ff", "#ff8a95", "#a5c6d1",
    ),
}  # fmt: skip
_SHAPES = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "triangle-right", "cross",
    "triangle-left",
)  # fmt: skip
_INKS = {
    "light": {"ink": "#1d2b33", "muted": "#56646d", "grid": "#dfe5e7", "fault": "#a81e32"},
    "dark": {"ink": "#e8edef", "muted": "#a7b4bb", "grid": "#36434a", "fault": "#ff9aa4"},
}


@dataclass(frozen=True)
class Chart:
    """A chart in both widths, ready to be drawn.

    Attributes:
        name: readable part of the file names.
        title: the finding, one sentence; also drawn into the chart.
        alt: what the picture shows, for whoever cannot see it.
        specs: "wide" and "narrow" -> Vega-Lite specification without a configuration.

    """

    name: str
    title: str
    alt: str
    specs: Mapping[str, dict[str, Any]]

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits that change with anything that changes the drawing."""
        text = json.dumps([self.specs, {s: configuration(s) for s in SCHEMES}], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Mark:
    """One row of an interval chart.

    Attributes:
        label: what stands in the row, for example "Theano, compiled".
        framework: its name in words; decides colour and shape.
        panel: title of the panel that the row belongs to; "" when there is only one.
        estimate: the value, or None when there is none.
        low, high: ends of the 95 % interval.
        text: the value as it is written at the end of the row.
        start: the open mark of a dumbbell (for example memory before training), or None.
        fault: why there is no value, in a few words; drawn in place of the mark.
        tooltip: one more fact shown when the row is pointed at.

    """

    label: str
    framework: str
    panel: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    start: float | None = None
    fault: str = ""
    tooltip: str = ""


def configuration(scheme: str) -> dict[str, Any]:
    """Return the Vega-Lite configuration of a colour scheme, "light" or "dark"."""
    ink = _INKS[scheme]
    axis = {
        "gridColor": ink["grid"],
        "tickColor": ink["grid"],
        "domainColor": ink["grid"],
        "labelColor": ink["muted"],
        "titleColor": ink["muted"],
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
    }
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "fontSize": 15,
            "fontWeight": 600,
            "lineHeight": 20,
            "color": ink["ink"],
            "offset": 14,
        },
        "text": {"fontSize": 13},
        "rule": {"color": ink["muted"]},
        "style": {
            "plain": {"color": ink["ink"]},
            "fault": {"color": ink["fault"]},
            "panel": {"color": ink["muted"], "fill": ink["muted"]},
        },
        "range": {"category": list(_COLOURS[scheme]), "symbol": list(_SHAPES)},
        "legend": {
            "labelColor": ink["ink"],
            "titleColor": ink["muted"],
            "labelFontSize": 12,
            "symbolSize": 70,
        },
    }


def ticks(low: float, high: float) -> list[float]:
    """Return 1-2-5 steps of the logarithmic axis from ``low`` to ``high`` (both above 0).

    Few enough to stand beside each other on a phone.
    """
    found: list[float] = []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [
            float(f"{step}e{power}")
            for power in powers
            for step in steps
            if low <= float(f"{step}e{power}") <= high
        ]
        if len(found) <= 6:
            break
    return found


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
    specs = {
        size: _intervals(title, marks, axis, frameworks, better, log, size) for size in WIDTHS
    }
    return Chart(name, title, _alternative(title, marks, axis), specs)


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
    import altair as alt  # noqa: PLC0415 - a second of import that no other command should pay

    narrow = size == "narrow"
    # Estimated widths: fonts differ between machines, so leave a little more than needed.
    label_room = 0 if narrow else min(250, 12 + round(6.6 * max(len(m.label) for m in marks)))
    value_room = 12 if narrow else 16 + round(7.6 * max(len(m.text) for m in marks))
    width = WIDTHS[size] - label_room - value_room - 14
    step = 44 if narrow else 28

    ends = [x for m in marks for x in (m.estimate, m.low, m.high, m.start) if x is not None]
    scale: dict[str, Any] = {"type": "linear", "zero": True}
    axis_options: dict[str, Any] = {"title": _direction(axis, better), "format": ",~f"}
    if ends and log and min(ends) > 0:
        low, high = min(ends) / 1.12, max(ends) * 1.12
        if high / low < 3:  # room for at least two labelled ticks
            low, high = low / 1.3, high * 1.3
        scale = {"type": "log", "domain": [_round(low), _round(high)], "nice": False}
        axis_options["values"] = ticks(low, high)
    elif ends:
        scale["domain"] = [0, _round(max(ends) * 1.06)]
        axis_options["tickCount"] = 4 if narrow else 7

    panels = list(dict.fromkeys(mark.panel for mark in marks))
    drawn = []
    for panel in panels:
        rows = [_row(index, m) for index, m in enumerate(m for m in marks if m.panel == panel)]
        drawn.append(
            _panel(
                alt,
                rows,
                frameworks,
                scale,
                axis_options,
                title=panel,
                width=width,
                step=step,
                narrow=narrow,
                last=panel == panels[-1],
            )
        )
    chart = alt.vconcat(*drawn, spacing=18).properties(
        title=alt.TitleParams(_wrapped(title, narrow)),
        padding={"left": 2, "right": 8, "top": 4, "bottom": 4},
    )
    return _dictionary(chart)


def _panel(
    alt: Any,
    rows: list[dict[str, Any]],
    frameworks: Sequence[str],
    scale: dict[str, Any],
    axis_options: dict[str, Any],
    *,
    title: str,
    width: int,
    step: int,
    narrow: bool,
    last: bool,
) -> Any:
    data = alt.Data(values=rows)
    options = dict(axis_options) if last else {**axis_options, "title": None}
    x = {"scale": alt.Scale(**scale), "axis": alt.Axis(**options)}
    y = alt.Y(
        "row:O",
        sort=None,
        scale=alt.Scale(paddingOuter=0.2 if narrow else 0),
        axis=alt.Axis(title=None, labels=False, ticks=False, domain=False, grid=not narrow),
    )
    colour = alt.Color("framework:N", scale=alt.Scale(domain=list(frameworks)), legend=None)
    shape = alt.Shape("framework:N", scale=alt.Scale(domain=list(frameworks)), legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="what"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("tooltip:N", title="from"),
    ]
    base = alt.Chart(data)
    good = base.transform_filter("isValid(datum.estimate)")
    drop = 7 if narrow else 0  # on a phone the label stands above the mark
    layers = [
        good.transform_filter("isValid(datum.start)")
        .mark_rule(strokeWidth=2, opacity=0.45, yOffset=drop)
        .encode(x=alt.X("start:Q", **x), x2="estimate:Q", y=y, color=colour),
        good.transform_filter("isValid(datum.start)")
        .mark_point(filled=False, size=60, strokeWidth=1.8, yOffset=drop)
        .encode(x=alt.X("start:Q", **x), y=y, color=colour, shape=shape),
        good.mark_rule(strokeWidth=3, opacity=0.55, yOffset=drop).encode(
            x=alt.X("low:Q", **x), x2="high:Q", y=y, color=colour
        ),
        good.mark_point(filled=True, size=85, opacity=1, yOffset=drop).encode(
            x=alt.X("estimate:Q", **x), y=y, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    above = -11 if narrow else 0
    layers += [
        base.mark_text(
            align="left" if narrow else "right", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(0 if narrow else -10), y=y, text="label:N"),
        good.mark_text(
            align="right" if narrow else "left", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(width if narrow else width + 12), y=y, text="text:N"),
        base.transform_filter("!isValid(datum.estimate)")
        .mark_text(align="left", dy=drop, style="fault", baseline="middle", limit=width)
        .encode(x=alt.value(2), y=y, text="fault:N"),
    ]
    properties: dict[str, Any] = {"width": width, "height": alt.Step(step)}
    if title:
        properties["title"] = alt.TitleParams(
            title, fontSize=13, offset=8 if narrow else 4, style="panel", fontWeight=600
        )
    return alt.layer(*layers).properties(**properties)


def _row(index: int, mark: Mark) -> dict[str, Any]:
    interval = ""
    if mark.low is not None and mark.high is not None:
        interval = f"{mark.low:,.4g} to {mark.high:,.4g}"
    return {
        "row": index,
        "label": mark.label,
        "framework": mark.framework,
        "estimate": _round(mark.estimate),
        "low": _round(mark.low if mark.low is not None else mark.estimate),
        "high": _round(mark.high if mark.high is not None else mark.estimate),
        "start": _round(mark.start),
        "text": mark.text,
        "interval": interval,
        "fault": mark.fault,
        "tooltip": mark.tooltip,
    }


def samples(
    name: str,
    title: str,
    values: Sequence[tuple[int, int, float, bool]],
    *,
    axis: str,
    limit: int = 1200,
) -> Chart:
    """Return a chart of raw samples: one column a block, in the order they were taken.

    Args:
        name: readable part of the file names.
        title: the finding.
        values: (block, sample, value, disturbed).
        axis: title of the value axis with its unit.
        limit: at most so many points; of more, every n-th of each block is drawn.

    """
    every = max(1, math.ceil(len(values) / limit))
    kept = [value for value in values if value[1] % every == 0]
    rows = _spread(kept)
    specs = {size: _samples(title, rows, axis, size) for size in WIDTHS}
    blocks = len({value[0] for value in values})
    alt_text = f"Chart: {title} {len(values)} samples in {blocks} blocks; {axis}."
    return Chart(name, title, alt_text, specs)


def _spread(values: Sequence[tuple[int, int, float, bool]]) -> list[dict[str, Any]]:
    """Place the samples of each block side by side within its column."""
    last: dict[int, int] = {}
    for block, sample, _, _ in values:
        last[block] = max(sample, last.get(block, 0))
    return [
        {
            "x": round(block + 1 + 0.7 * (sample / (last[block] or 1) - 0.5), 3),
            "block": block + 1,
            "sample": sample + 1,
            "value": _round(value),
            "state": "disturbed by other programs" if disturbed else "quiet",
        }
        for block, sample, value, disturbed in values
    ]


def _samples(title: str, rows: list[dict[str, Any]], axis: str, size: str) -> dict[str, Any]:
    import altair as alt  # noqa: PLC0415

    narrow = size == "narrow"
    blocks = sorted({row["block"] for row in rows})
    states = ["quiet", "disturbed by other programs"]
    both = len({row["state"] for row in rows}) > 1
    encoding = {
        "x": alt.X(
            "x:Q",
            scale=alt.Scale(domain=[min(blocks) - 0.6, max(blocks) + 0.6], nice=False),
            axis=alt.Axis(
                title="block (one fresh process each)",
                values=blocks[:: 1 + len(blocks) // 13],
                grid=False,
                format="d",
            ),
        ),
        "y": alt.Y(
            "value:Q",
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(title=axis, tickCount=5),
        ),
        "color": alt.Color(
            "state:N",
            scale=alt.Scale(domain=states),
            legend=alt.Legend(title=None, orient="bottom") if both else None,
        ),
        "shape": alt.Shape("state:N", scale=alt.Scale(domain=states)),
        "tooltip": ["block:Q", "sample:Q", alt.Tooltip("value:Q", title=axis), "state:N"],
    }
    if not both:
        encoding["shape"] = alt.Shape("state:N", scale=alt.Scale(domain=states), legend=None)
    points = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=22, opacity=0.65)
        .encode(**encoding)
    )
    medians = (
        alt.Chart(alt.Data(values=rows))
        .transform_aggregate(middle="median(value)", groupby=["block"])
        .transform_calculate(left="datum.block - 0.42", right="datum.block + 0.42")
        .mark_rule(strokeWidth=2)
        .encode(x="left:Q", x2="right:Q", y="middle:Q")
    )
    chart = alt.layer(points, medians).properties(
        width=WIDTHS[size] - (74 if narrow else 84),
        height=170 if narrow else 200,
        title=alt.TitleParams(_wrapped(title, narrow)),
        padding={"left": 2, "right": 10, "top": 4, "bottom": 4},
    )
    return _dictionary(chart)


def _wrapped(text: str, narrow: bool) -> list[str]:
    return textwrap.wrap(text, 46 if narrow else 88)


def _direction(axis: str, better: str) -> str:
    return {"higher": f"{axis}, more is better →", "lower": f"← less is better, {axis}"}.get(
        better, axis
    )


def _round(value: float | None) -> float | None:
    """Four significant digits: more than a pixel shows, and short in the file."""
    return None if value is None else float(f"{value:.4g}")


def _dictionary(chart: Any) -> dict[str, Any]:
    specification: dict[str, Any] = chart.to_dict(validate=False)
    specification.pop("config", None)  # ours is added per scheme
    return specification
