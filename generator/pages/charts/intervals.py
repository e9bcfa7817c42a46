"""Pure: figures -> chart specifications (Altair), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Mark
from generator.pages.charts.style import WIDTHS, four_digits, placeholder, rounded_outwards


def intervals(
    name: str,
    title: str,
    marks: Sequence[Mark],
    *,
    axis: str,
    looks: Mapping[str, Look],
    better: str,
    log: bool = True,
) -> style.Chart:
    """Return a chart with one row a configuration: a point, its 95 % interval, its value.

    Args:
        name: readable part of the file names.
        title: the finding.
        marks: rows from top to bottom, panels kept together.
        axis: title of the axis with its unit.
        looks: name of a framework -> its colours and shape; others may be in it as well.
        better: "higher", "lower" or "": which end is the good one.
        log: equal distances are equal ratios.

    """
    mine = style.drawn_looks(marks, looks)
    names = tuple(mine)
    specs = {size: _intervals(title, marks, axis, names, better, log, size) for size in WIDTHS}
    words = _alternative(title, marks, axis)
    return style.Chart(name, title, words, specs, style.as_rows(marks), tuple(mine.values()))


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
    return style.small_multiples(
        title,
        marks,
        _panel_frame(narrow),
        lambda mine: [_row(number, mark) for number, mark in enumerate(mine)],
        size=size,
        width=width,
        right=8,
        x=style.axis_title(axis, better),
        shift=0 if narrow else 4 - label_room,
        offset=8 if narrow else 4,
        frameworks=list(frameworks),
        kind=kind,
        domain=[low, high],
        values=style.ticks(low, high) if kind == "log" else style.linear_ticks(high),
        label_width=width,
        aside=width + (0 if narrow else 12),
    )


def _scale(marks: Sequence[Mark], log: bool) -> tuple[str, float, float]:
    """Return type and ends of the axis; rounded to two digits, so that frames can be reused."""
    ends = [x for m in marks for x in (m.estimate, m.low, m.high, m.start) if x is not None]
    if ends and log and min(ends) > 0:
        low, high = min(ends) / 1.12, max(ends) * 1.12
        if high / low < 3:  # room for at least two labelled ticks
            low, high = low / 1.3, high * 1.3
        return "log", rounded_outwards(low, up=False), rounded_outwards(high, up=True)
    return "linear", 0.0, rounded_outwards(1.06 * (max(ends, default=0.0) or 1.0), up=True)


@style.framed
def _panel_frame(narrow: bool) -> Any:
    """Return one panel; on a phone, labels stand above their marks."""
    import altair as alt

    def x(field: str) -> Any:
        return alt.X(
            f"{field}:Q",
            scale=alt.Scale(type=placeholder("kind"), domain=placeholder("domain"), nice=False),
            axis=alt.Axis(
                title=placeholder("x"),
                format=",~f",
                values=placeholder("values"),
                tickCount=4 if narrow else 7,
            ),
        )

    y = alt.Y(
        "row:O",
        sort=None,
        scale=alt.Scale(paddingOuter=0.2 if narrow else 0),
        axis=alt.Axis(title=None, labels=False, ticks=False, domain=False, grid=not narrow),
    )
    names = alt.Scale(domain=placeholder("frameworks"))
    shape = alt.Shape("framework:N", scale=names, legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="what"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("tooltip:N", title="from"),
    ]
    drop, above = (7, -11) if narrow else (0, 0)
    text: dict[str, Any] = {"baseline": "middle", "style": "plain", "dy": above}
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(y=y, opacity=style.faded_opacity(1))
    good = base.transform_filter("isValid(datum.estimate)")
    coloured = good.encode(color=alt.Color("framework:N", scale=names, legend=None))
    started = coloured.transform_filter("isValid(datum.start)")
    layers = [
        started.mark_rule(strokeWidth=2, yOffset=drop).encode(
            x=x("start"), x2="estimate:Q", opacity=style.faded_opacity(0.45)
        ),
        started.mark_point(filled=False, size=60, strokeWidth=1.8, yOffset=drop).encode(
            x=x("start"), shape=shape
        ),
        coloured.mark_rule(strokeWidth=3, yOffset=drop).encode(
            x=x("low"), x2="high:Q", opacity=style.faded_opacity(0.55)
        ),
        coloured.mark_point(filled=True, size=85, yOffset=drop).encode(
            x=x("estimate"), shape=shape, tooltip=tooltip
        ),
        base.mark_text(align="left" if narrow else "right", **text).encode(
            x=alt.value(0 if narrow else -10), text="label:N"
        ),
        good.mark_text(align="right" if narrow else "left", **text).encode(
            x=alt.value(placeholder("aside")), text="text:N"
        ),
        base.transform_filter("!isValid(datum.estimate)")
        .mark_text(
            align="left", dy=drop, style="fault", baseline="middle",
            limit=placeholder("label_width"),
        )
        .encode(x=alt.value(2), text="fault:N"),
    ]  # fmt: skip
    return alt.layer(*layers).properties(height=alt.Step(44 if narrow else 28))


def _row(index: int, mark: Mark) -> dict[str, Any]:
    interval = ""
    if mark.low is not None and mark.high is not None:
        interval = f"{mark.low:,.4g} to {mark.high:,.4g}"
    return {
        "row": index,
        "label": mark.label,
        "framework": mark.framework,
        "estimate": four_digits(mark.estimate),
        **style.ends(mark.estimate, mark.low, mark.high),
        "start": four_digits(mark.start),
        "text": mark.text,
        "interval": interval,
        "fault": mark.fault,
        "tooltip": mark.tooltip,
    }
