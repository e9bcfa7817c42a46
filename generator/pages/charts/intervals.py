"""Pure: figures -> chart specifications (Altair), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTHS = {"wide": 688, "narrow": 358}
"""Total width of the two drawings, in CSS pixels: the text column, and a phone."""

SCHEMES = ("light", "dark")

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
"""Fonts of equal metrics: the pictures are laid out with one and shown with another."""

# Okabe and Ito's order, darkened or lightened until each has 3 : 1 against its background
# (WCAG 1.4.11) and neighbours stay apart for red-green and blue-yellow colour blindness.
_COLOURS = {
    "light": (
        "#0067a5", "#c2500a", "#00795c", "#a4478f", "#6b5b00", "#4455c7", "#b0203a", "#3d6470",
        "#8a4b20",
    ),
    "dark": (
        "#64b5f6", "#ff9e57", "#4fd0a5", "#e79ad2", "#dcc84a", "#a3b1ff", "#ff8a95", "#a5c6d1",
        "#d8a27a",
    ),
}  # fmt: skip
_SHAPES = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "triangle-right", "cross",
    "triangle-left",
    "M0,-1L.29,-.4L.95,-.31L.48,.15L.59,.81L0,.5L-.59,.81L-.48,.15L-.95,-.31L-.29,-.4Z",  # a star
)  # fmt: skip
_INKS = {
    "light": {"ink": "#1d2b33", "muted": "#56646d", "grid": "#dfe5e7", "fault": "#a81e32"},
    "dark": {"ink": "#e8edef", "muted": "#a7b4bb", "grid": "#36434a", "fault": "#ff9aa4"},
}


@dataclass(frozen=True)
class Chart:
    """A chart in one or both widths, ready to be drawn.

    Attributes:
        name: readable part of the file names.
        title: the finding, one sentence; also drawn into the chart.
        alt: what the picture shows, for whoever cannot see it.
        specs: "wide" and "narrow", or only the latter -> Vega-Lite specification without a
            configuration.
        rows: what is drawn, unrounded, to be downloaded; all with the same names in one order.

    """

    name: str
    title: str
    alt: str
    specs: Mapping[str, dict[str, Any]]
    rows: tuple[Mapping[str, Any], ...]

    def digest(self, renderer: str) -> str:
        """Ten hexadecimal digits that change with anything that changes the drawing.

        Args:
            renderer: name and version of what draws it.

        """
        looks = {scheme: configuration(scheme) for scheme in SCHEMES}
        text = json.dumps([renderer, self.specs, looks, self.rows], sort_keys=True, default=str)
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


def linear_ticks(high: float, count: int = 6) -> list[float]:
    """Return round steps of the axis from 0 to ``high``, at most ``count`` of them above 0."""
    step = 10.0 ** math.floor(math.log10(high / count))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if high / (factor * step) <= count)
    return [float(f"{step * number:.6g}") for number in range(math.floor(high / step) + 1)]


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
    return Chart(name, title, _alternative(title, marks, axis), specs, _rows(marks))


def _rows(drawn: Sequence[Mark] | Sequence[Point] | Sequence[Moment]) -> tuple[dict[str, Any], ...]:
    return tuple(dataclasses.asdict(each) for each in drawn)


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
            {"width": width, "title": _panel_title(panel, 0 if narrow else 4 - label_room, narrow)}
            | _filled(
                _panel_frame(narrow),
                data=name,
                frameworks=list(frameworks),
                axis=_direction(axis, better) if last else None,
                kind=kind,
                domain=[low, high],
                values=ticks(low, high) if kind == "log" else linear_ticks(high),
                width=width,
                aside=width + (0 if narrow else 12),
            )
        )
    return {
        "$schema": _schema(),
        "title": {"text": _wrapped(title, narrow)},
        "params": _PICKED,
        "vconcat": drawn,
        "datasets": data,
        "spacing": 18,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 4},
    }


def _panel_title(text: str, shift: int, narrow: bool) -> dict[str, Any]:
    return {
        "text": text,
        "frame": "group",
        "dx": shift,
        "fontSize": 13,
        "fontWeight": 600,
        "offset": 8 if narrow else 4,
        "style": "panel",
    }


def _scale(marks: Sequence[Mark], log: bool) -> tuple[str, float, float]:
    """Return type and ends of the axis; rounded to two digits, so that frames can be reused."""
    ends = [x for m in marks for x in (m.estimate, m.low, m.high, m.start) if x is not None]
    if ends and log and min(ends) > 0:
        low, high = min(ends) / 1.12, max(ends) * 1.12
        if high / low < 3:  # room for at least two labelled ticks
            low, high = low / 1.3, high * 1.3
        return "log", _outwards(low, up=False), _outwards(high, up=True)
    return "linear", 0.0, _outwards(max(ends, default=1.0) * 1.06, up=True)


def _outwards(value: float, *, up: bool) -> float:
    """Return the next number of two significant digits."""
    power = math.floor(math.log10(value)) - 1
    scaled = value / 10.0**power
    return float(f"{math.ceil(scaled) if up else math.floor(scaled)}e{power}")


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Switch Altair's validation of every object off: it takes most of the time.

    The tests validate the specifications that come out.
    """
    from altair.utils import schemapi

    with schemapi.debug_mode(False):
        yield


_PICKED = [{"name": "picked", "value": ""}]
"""The framework that stands out, "" for none; the page sets it in all its charts at once."""


def _faded(opacity: float) -> Any:
    """Return the opacity of marks, a fraction of it where another framework stands out."""
    import altair as alt

    stands = alt.when("!picked || datum.framework == picked")
    return stands.then(alt.value(opacity)).otherwise(alt.value(round(0.15 * opacity, 3)))


@functools.cache
@_unchecked()
def _panel_frame(narrow: bool) -> str:
    """Return one panel as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x: dict[str, Any] = {
        "scale": alt.Scale(type=_gap("kind"), domain=_gap("domain"), nice=False),
        "axis": alt.Axis(
            title=_gap("axis"), format=",~f", values=_gap("values"), tickCount=4 if narrow else 7
        ),
    }
    y = alt.Y(
        "row:O",
        sort=None,
        scale=alt.Scale(paddingOuter=0.2 if narrow else 0),
        axis=alt.Axis(title=None, labels=False, ticks=False, domain=False, grid=not narrow),
    )
    names = alt.Scale(domain=_gap("frameworks"))
    colour = alt.Color("framework:N", scale=names, legend=None)
    shape = alt.Shape("framework:N", scale=names, legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="what"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("tooltip:N", title="from"),
    ]
    drop, above = (7, -11) if narrow else (0, 0)  # on a phone the label stands above the mark
    base = alt.Chart(alt.NamedData(_gap("data")))
    good = base.transform_filter("isValid(datum.estimate)")
    started = good.transform_filter("isValid(datum.start)")
    layers = [
        started.mark_rule(strokeWidth=2, yOffset=drop).encode(
            x=alt.X("start:Q", **x), x2="estimate:Q", y=y, color=colour, opacity=_faded(0.45)
        ),
        started.mark_point(filled=False, size=60, strokeWidth=1.8, yOffset=drop).encode(
            x=alt.X("start:Q", **x), y=y, color=colour, shape=shape, opacity=_faded(1)
        ),
        good.mark_rule(strokeWidth=3, yOffset=drop).encode(
            x=alt.X("low:Q", **x), x2="high:Q", y=y, color=colour, opacity=_faded(0.55)
        ),
        good.mark_point(filled=True, size=85, yOffset=drop).encode(
            x=alt.X("estimate:Q", **x),
            y=y,
            color=colour,
            shape=shape,
            opacity=_faded(1),
            tooltip=tooltip,
        ),
        base.mark_text(
            align="left" if narrow else "right", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(0 if narrow else -10), y=y, text="label:N", opacity=_faded(1)),
        good.mark_text(
            align="right" if narrow else "left", dy=above, baseline="middle", style="plain"
        ).encode(x=alt.value(_gap("aside")), y=y, text="text:N", opacity=_faded(1)),
        base.transform_filter("!isValid(datum.estimate)")
        .mark_text(align="left", dy=drop, style="fault", baseline="middle", limit=_gap("width"))
        .encode(x=alt.value(2), y=y, text="fault:N", opacity=_faded(1)),
    ]
    chart = alt.layer(*layers).properties(height=alt.Step(44 if narrow else 28))
    return _text(chart)


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


@dataclass(frozen=True)
class Point:
    """One point of a curve.

    Attributes:
        panel: title of the small chart that it belongs to: a framework's name.
        series: name of the curve, unique in its panel.
        kind: "imperative" (dashed, open) or "symbolic" (solid, filled).
        x, y: the place; both above 0.
        low, high: ends of the 95 % interval of y.
        text: y as it is written.

    """

    panel: str
    series: str
    kind: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    text: str = ""


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
        name, title, f"Chart: {title} {y} against {x}. {'; '.join(rows)}.", specs, _rows(points)
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
    domain_y = [_outwards(min(values) / 1.1, up=False), _outwards(max(values) * 1.1, up=True)]
    data = {}
    drawn = []
    for number, panel in enumerate(panels):
        name = f"panel {number}"
        mine = [point for point in points if point.panel == panel]
        data[name] = _curve_rows(mine, domain_y)
        last = number >= len(panels) - columns
        drawn.append(
            {"width": width, "title": _panel_title(panel, 0, narrow=True)}
            | _filled(
                _curve_frame(),
                data=name,
                x=x if last else None,
                y=_direction_up(y, better) if number % columns == 0 else None,
                domain_x=[min(places), max(places)],
                values_x=sorted(set(places)),
                domain_y=domain_y,
                values_y=ticks(*domain_y),
                aside=width + 8,
            )
        )
    return _grid(title, drawn, data, size, columns, label_room + 56, right=20)


def _grid(
    title: str,
    drawn: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    size: str,
    columns: int,
    spacing: int,
    right: int,
) -> dict[str, Any]:
    """Return small charts in rows as one specification; spacing and right margin in pixels."""
    # Flush: a column begins at the same place in every row, however long the names before it are.
    rows = [
        {"hconcat": drawn[at : at + columns], "spacing": spacing, "bounds": "flush"}
        for at in range(0, len(drawn), columns)
    ]
    return {
        "$schema": _schema(),
        "title": {"text": _wrapped(title, size == "narrow")},
        "params": _PICKED,
        "vconcat": rows,
        "datasets": data,
        "spacing": 18,
        "padding": {"left": 2, "right": right, "top": 4, "bottom": 4},
    }


def _direction_up(axis: str, better: str) -> list[str]:
    words = {"higher": "more is better ↑", "lower": "less is better ↓"}.get(better)
    return [axis, words] if words else [axis]


CURVE_HEIGHT = 150
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
                "y": _round(point.y),
                "low": _round(point.low if point.low is not None else point.y),
                "high": _round(point.high if point.high is not None else point.y),
                "text": point.text,
                "label": "\n".join(_label(point.series)) if end else "",
                "height": round(placed[point.series] - shift, 1) if end else None,
            }
        )
    return rows


@functools.cache
@_unchecked()
def _curve_frame() -> str:
    """Return one small chart as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", domain=_gap("domain_x"), nice=False),
        axis=alt.Axis(
            title=_gap("x"),
            values=_gap("values_x"),
            format="~f",
            grid=False,
            labelOverlap=False,
            labelFlush=False,
        ),
    )

    def y(field: str) -> Any:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(type="log", domain=_gap("domain_y"), nice=False),
            axis=alt.Axis(title=_gap("y"), values=_gap("values_y"), format=",~f"),
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
    base = alt.Chart(alt.NamedData(_gap("data")))
    layers = [
        base.mark_rule(strokeWidth=3).encode(
            x=x, y=y("low"), y2="high:Q", color=colour, opacity=_faded(0.4)
        ),
        base.mark_line(strokeWidth=2).encode(
            x=x, y=y("y"), detail="series:N", color=colour, strokeDash=dash,
            opacity=_faded(1),
        ),
        base.mark_point(filled=True, size=45).encode(
            x=x, y=y("y"), color=colour, shape=alt.Shape("kind:N", scale=scale, legend=None),
            tooltip=tooltip, opacity=_faded(1),
        ),
        base.transform_filter("datum.label != ''")
        .mark_text(
            align="left", baseline="top", style="plain", fontSize=12, lineBreak="\n",
            lineHeight=LABEL_LINE,
        )
        .encode(
            x=alt.value(_gap("aside")),
            y=alt.Y("height:Q", scale=None, axis=None),
            text="label:N", opacity=_faded(1),
        ),
    ]  # fmt: skip
    chart = alt.layer(*layers).resolve_scale(y="shared").properties(height=CURVE_HEIGHT)
    return _text(chart)


@dataclass(frozen=True)
class Moment:
    """One release on a time line.

    Attributes:
        panel: title of the small chart that it belongs to.
        framework: decides the colour.
        day: of the release.
        label: its version.
        y: the value, above 0.
        low, high: ends of the 95 % interval of y.
        text: y as it is written.
        change: "faster" (better) or "slower" (worse) than the moment before it in the panel, or
            "" where the two are not told apart.
        mode: how the framework executed.
        other: whether that is not how it executes today; drawn as an open mark.

    """

    panel: str
    framework: str
    day: datetime.date
    label: str
    y: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    change: str = ""
    mode: str = ""
    other: bool = False


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
    return Chart(name, title, words, specs, _rows(moments))


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
    domain = [_outwards(min(values) / 1.25, up=False), _outwards(max(values) * 1.25, up=True)]
    years = [min(m.day for m in moments).year, max(m.day for m in moments).year + 1]
    days = [f"{year}-01-01" for year in years]
    every = max(1, math.ceil((years[1] - years[0]) / (5 if columns == 2 else 4)))
    marks = [f"{year}-01-01" for year in range(years[0], years[1] + 1, every)]
    data, drawn = {}, []
    for number, panel in enumerate(panels):
        name = f"panel {number}"
        data[name] = _moment_rows([m for m in moments if m.panel == panel], years, width)
        drawn.append(
            {"width": width, "title": _panel_title(panel, 0, narrow=True)}
            | _filled(
                _timeline_frame(),
                data=name,
                frameworks=list(frameworks),
                x="published" if number >= len(panels) - columns else None,
                y=_direction_up(y, better) if number % columns == 0 else None,
                domain_x=days,
                values_x=marks,
                domain_y=domain,
                values_y=ticks(*domain),
            )
        )
    return _grid(title, drawn, data, size, columns, 48, right=24)


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
            "y": _round(moment.y),
            "low": _round(moment.low if moment.low is not None else moment.y),
            "high": _round(moment.high if moment.high is not None else moment.y),
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
@_unchecked()
def _timeline_frame() -> str:
    """Return one small chart as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc", domain=_gap("domain_x"), nice=False),
        axis=alt.Axis(title=_gap("x"), values=_gap("values_x"), format="%Y", grid=False),
    )

    def y(field: str) -> Any:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(type="log", domain=_gap("domain_y"), nice=False),
            axis=alt.Axis(title=_gap("y"), values=_gap("values_y"), format=",~f"),
        )

    colour = alt.Color("framework:N", scale=alt.Scale(domain=_gap("frameworks")), legend=None)
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
    base = alt.Chart(alt.NamedData(_gap("data")))
    names: dict[str, Any] = {"fontSize": 10.5, "style": "plain", "align": "center"}
    layers = [
        base.mark_line(strokeWidth=1.5).encode(
            x=x, y=y("y"), color=colour, opacity=_faded(0.45), order=alt.Order("order:Q")
        ),
        base.mark_rule(strokeWidth=3).encode(
            x=x, y=y("low"), y2="high:Q", color=colour, opacity=_faded(0.5)
        ),
        base.transform_filter("!datum.other")
        .mark_point(filled=True, size=75)
        .encode(x=x, y=y("y"), color=colour, tooltip=tooltip, shape=shape, opacity=_faded(1)),
        base.transform_filter("datum.other")
        .mark_point(filled=False, size=60, strokeWidth=1.8)
        .encode(x=x, y=y("y"), color=colour, tooltip=tooltip, shape=shape, opacity=_faded(1)),
        base.transform_filter("datum.place == 'above'").mark_text(dy=-13, **names).encode(
            x=x, y=y("y"), text="label:N", opacity=_faded(1)
        ),
        base.transform_filter("datum.place == 'below'").mark_text(dy=14, **names).encode(
            x=x, y=y("y"), text="label:N", opacity=_faded(1)
        ),
    ]  # fmt: skip
    chart = alt.layer(*layers).resolve_scale(y="shared").properties(height=CURVE_HEIGHT)
    return _text(chart)


def samples(
    name: str,
    title: str,
    values: Sequence[tuple[int, int, float, bool]],
    *,
    axis: str,
) -> Chart:
    """Return a chart of raw samples: one column a block, in the order they were taken.

    It is small enough for a phone, and drawn in that size only.

    Args:
        name: readable part of the file names.
        title: the finding.
        values: (block, sample, value, disturbed).
        axis: title of the value axis with its unit.

    """
    rows = _spread(values)
    blocks = sorted({row["block"] for row in rows})
    both = len({row["state"] for row in rows}) > 1
    specification = {
        "$schema": _schema(),
        "title": {"text": _wrapped(title, narrow=True)},
        **_filled(
            _samples_frame(both),
            axis=axis,
            domain=[blocks[0] - 0.6, blocks[-1] + 0.6],
            values=blocks[:: 1 + len(blocks) // 13],
        ),
        "datasets": {"samples": rows},
        "padding": {"left": 2, "right": 10, "top": 4, "bottom": 4},
    }
    alt_text = (
        f"Chart: {title} {len(values)} samples in {len({v[0] for v in values})} blocks; {axis}."
    )
    names = ("block", "sample", "value", "disturbed")
    taken = tuple(dict(zip(names, value, strict=True)) for value in values)
    return Chart(name, title, alt_text, {"narrow": specification}, taken)


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
            "state": _STATES[disturbed],
        }
        for block, sample, value, disturbed in values
    ]


_STATES = ("quiet", "disturbed by other programs")


@functools.cache
@_unchecked()
def _samples_frame(both: bool) -> str:
    """Return the chart of samples as JSON with gaps; see :func:`_filled`."""
    import altair as alt

    scale = alt.Scale(domain=list(_STATES))
    legend = alt.Legend(title=None, orient="bottom") if both else None
    base = alt.Chart(alt.NamedData("samples"))
    points = base.mark_point(filled=True, size=22, opacity=0.65).encode(
        x=alt.X(
            "x:Q",
            scale=alt.Scale(domain=_gap("domain"), nice=False),
            axis=alt.Axis(
                title="block (one fresh process each)",
                values=_gap("values"),
                grid=False,
                format="d",
            ),
        ),
        y=alt.Y(
            "value:Q",
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(title=_gap("axis"), tickCount=5),
        ),
        color=alt.Color("state:N", scale=scale, legend=legend),
        shape=alt.Shape("state:N", scale=scale, legend=legend),
        tooltip=[
            alt.Tooltip("block:Q", title="block"),
            alt.Tooltip("sample:Q", title="sample"),
            alt.Tooltip("value:Q", title=_gap("axis")),
            alt.Tooltip("state:N", title="machine"),
        ],
    )
    medians = (
        base.transform_aggregate(middle="median(value)", groupby=["block"])
        .transform_calculate(left="datum.block - 0.42", right="datum.block + 0.42")
        .mark_rule(strokeWidth=2)
        .encode(x="left:Q", x2="right:Q", y="middle:Q")
    )
    chart = alt.layer(points, medians).properties(width=WIDTHS["narrow"] - 74, height=170)
    return _text(chart)


def _wrapped(text: str, narrow: bool) -> list[str]:
    return textwrap.wrap(text, 40 if narrow else 86)


def _direction(axis: str, better: str) -> str:
    return {"higher": f"{axis}, more is better →", "lower": f"← less is better, {axis}"}.get(
        better, axis
    )


def _round(value: float | None) -> float | None:
    """Four significant digits: more than a pixel shows, and short in the file."""
    return None if value is None else float(f"{value:.4g}")


def _gap(name: str) -> Any:
    return f"@{name}@"


def _filled(frame: str, **values: Any) -> dict[str, Any]:
    """Return a specification whose gaps hold values.

    Altair takes a tenth of a second for what then differs in title, axis and data only.
    """
    text = re.sub(r'"@(\w+)@"', lambda match: json.dumps(values[match[1]]), frame)
    filled: dict[str, Any] = json.loads(text)
    return filled


def _text(chart: Any) -> str:
    specification: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("config", "$schema"):  # ours are added to the whole
        specification.pop(key, None)
    return json.dumps(specification)


def _schema() -> str:
    import altair as alt

    return alt.SCHEMA_URL


def recoloured(svg: str, scheme: str) -> str:
    """Return a drawing made for the light scheme in the colours of another one."""
    if scheme == "light":
        return svg
    pairs = dict(zip(all_colours("light"), all_colours(scheme), strict=True))
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: pairs.get(match[0], match[0]), svg)


def all_colours(scheme: str) -> list[str]:
    """Return every colour of a scheme; equal places have equal uses."""
    return [*_COLOURS[scheme], *_INKS[scheme].values()]
