"""Pure: figures -> chart specifications (Vega-Lite), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Mark
from generator.pages.charts.style import WIDTHS, extent, rounded_outwards


def intervals(
    name: str,
    title: str,
    marks: Sequence[Mark],
    *,
    measure: str,
    looks: Mapping[str, Look],
    better: str,
    log: bool = True,
) -> style.Chart:
    """Return a chart with one row a mark, the best above: a point, its 95 % interval, its value.

    Args:
        name: readable part of the file names.
        title: the finding.
        marks: rows in any order; panels appear in the order of their first ones.
        measure: what the axis shows, with its unit.
        looks: name of a framework -> its colours and shape; others may be in it as well.
        better: "higher", "lower" or "": which end is the good one.
        log: equal distances are equal ratios.

    """
    panels = list(dict.fromkeys(mark.panel for mark in marks))
    sign = 1 if better == "lower" else -1
    marks = sorted(
        marks,
        key=lambda m: (panels.index(m.panel), m.estimate is None, sign * (m.estimate or 0)),
    )
    mine = style.drawn_looks((mark.framework for mark in marks), looks)
    log, *ends = _scale(marks, log)
    subtitle = style.measured(measure, better, "log scale" if log else "")
    if any(mark.others for mark in marks):
        subtitle += " Filled: best mode with its 95 % interval. Open: other modes."
    specs = {
        size: _intervals(title, subtitle, marks, tuple(mine), log, ends, size) for size in WIDTHS
    }
    words = _alternative(title, measure, marks)
    rows = style.as_rows([one for mark in marks for one in (mark, *mark.others)])
    return style.Chart(name, title, words, specs, rows, tuple(mine.values()))


def _alternative(title: str, measure: str, marks: Sequence[Mark]) -> str:
    rows = []
    panel = None
    for mark in marks:
        head = f"{mark.panel}: " if mark.panel and mark.panel != panel else ""
        panel = mark.panel
        note = f" ({mark.note})" if mark.note else ""
        rows.append(f"{head}{mark.label}{note} {mark.text or mark.fault}")
    return f"Chart: {title} {measure}. " + "; ".join(rows) + "."


def _scale(marks: Sequence[Mark], log: bool) -> tuple[bool, float, float]:
    """Return whether the axis is logarithmic, and its ends, rounded to two digits."""
    every = [one for mark in marks for one in (mark, *mark.others)]
    ends = [x for m in every for x in style.known(m.estimate, m.low, m.high, m.start)]
    if ends and log and min(ends) > 0:
        low, high = min(ends) / 1.12, max(ends) * 1.12
        if high / low < 3:  # room for at least two labelled ticks
            low, high = low / 1.3, high * 1.3
        return True, rounded_outwards(low, up=False), rounded_outwards(high, up=True)
    return False, 0.0, rounded_outwards(1.06 * (max(ends, default=0.0) or 1.0), up=True)


LABEL, NOTE = (13, 16), (11, 14)
"""Size of the font and height of a line, in pixels: names and values, and what is said of them."""


def _intervals(
    title: str,
    subtitle: str,
    marks: Sequence[Mark],
    frameworks: Sequence[str],
    log: bool,
    ends: Sequence[float],
    size: str,
) -> dict[str, Any]:
    """Lay the rows out: names left of their marks, on a phone above them."""
    narrow = size == "narrow"
    broadest = max(
        max(extent(m.label, LABEL[0], bold=True), extent(m.note, NOTE[0])) for m in marks
    )
    value_room = 12 + math.ceil(max(extent(m.text, LABEL[0], bold=True) for m in marks))
    label_room = 0 if narrow else min(240, 14 + math.ceil(broadest))
    width = WIDTHS[size] - label_room - (0 if narrow else value_room) - 14
    room = width - value_room if narrow else label_room - 14

    def placed(mine: Sequence[Mark]) -> tuple[list[dict[str, Any]], float]:
        rows: list[dict[str, Any]] = []
        top = 0.0
        for mark in mine:
            name = style.wrapped(mark.label, room, LABEL[0], bold=True)
            note = style.wrapped(mark.note, room, NOTE[0])
            fault = style.wrapped(mark.fault, width - 4, LABEL[0])
            # On a phone the note stands beside the name where there is room for both in a line.
            inset = extent(mark.label, LABEL[0], bold=True) + 8
            beside = narrow and inset + extent(mark.note, NOTE[0]) <= room
            text = len(name) * LABEL[1] + (0 if beside else len(note) * NOTE[1])
            below = max(24, len(fault) * LABEL[1] + 8) if narrow else 0
            high = text + below + 4 if narrow else max(28, text + 10, len(fault) * LABEL[1] + 10)
            start = top + (4 if narrow else 2 + (high - text) / 2)
            middle = top + text + below / 2 if narrow else top + high / 2
            interval = ""
            if len(style.known(mark.low, mark.high)) == 2:
                interval = f"{mark.low:,.4g} to {mark.high:,.4g}"
            rows.append(
                style.datum(
                    mark,
                    interval=interval,
                    y=middle,
                    name="\n".join(name),
                    top=start,
                    note="\n".join(note),
                    under=start + (2 if beside else len(name) * LABEL[1]),
                    inset=inset if beside else -label_room,
                    beside=start - 2 + LABEL[1] / 2 if narrow else middle,
                    fault="\n".join(fault),
                    over=middle - len(fault) * LABEL[1] / 2,
                )
            )
            rows += [
                {"framework": mark.framework, "y": middle, "label": other.label,
                 "other": float(f"{other.estimate:.4g}"), "text": other.text}
                for other in mark.others
            ]  # fmt: skip
            top += high
        return rows, top

    ticks = style.ticks(*ends) if log else style.linear_ticks(0.0, ends[1])
    values = style.apart(
        ticks, lambda tick: style.along(tick, ends, width) if log else width * tick / ends[1]
    )
    look = {"orient": "top", "labelOverlap": False, "labelFlush": False}

    def x(field: str) -> style.Part:
        kind = "log" if log else "linear"
        return style.axis(field, kind, ends, values, domain=False, ticks=False, **look)

    layers = _layers(x, frameworks, -label_room, width + (0 if narrow else value_room))
    return style.small_multiples(
        title,
        subtitle,
        marks,
        lambda _: {"layer": layers},
        placed,
        size=size,
        width=width,
        right=8,
        shift=-label_room,
    )


def _layers(
    x: Callable[[str], style.Part], frameworks: Sequence[str], left: float, right: float
) -> list[style.Part]:
    """Return one panel: rows between the names on the left and the values on the right."""
    faded, named = style.faded(1), style.kinds("framework", frameworks)

    def words(filled: str, field: str, top: str, at: style.Part, **look: Any) -> style.Part:
        size, line = NOTE if field == "note" else LABEL
        font = {"fontSize": size, "lineHeight": line, "lineBreak": "\n"}
        look = {"align": "left", "baseline": "top"} | font | look
        text = {"field": field, "type": "nominal"}
        return style.layer(
            "text", filled, look=look, x=at, y=style.pixels(top), text=text, opacity=faded
        )

    good, started = "isValid(datum.estimate)", "isValid(datum.start)"
    row = {"y": style.pixels("y"), "color": named}
    point = row | {"shape": named, "opacity": faded}
    told = style.told(label="what", text="value")
    more = style.told(interval="95 % interval", tooltip="from")
    aside = {"align": "right", "baseline": "middle"}
    return [
        style.layer("rule", good, started, look={"strokeWidth": 2}, **row, x=x("start"),
                    x2={"field": "estimate"}, opacity=style.faded(0.45)),
        style.layer("point", good, started, look={"filled": False, "size": 60, "strokeWidth": 1.8},
                    **point, x=x("start")),
        style.layer("rule", good, style.HAS_ENDS, look={"strokeWidth": 6}, **row, x=x("low"),
                    x2={"field": "high"}, opacity=style.faded(0.4)),
        style.layer("point", "isValid(datum.other)", **point, x=x("other"), tooltip=told,
                    look={"filled": False, "size": 36, "strokeWidth": 1.3}),
        style.layer("point", good, look={"filled": True, "size": 85}, **point, x=x("estimate"),
                    tooltip=told + more),
        words("datum.name", "name", "top", {"value": left}, style="plain", fontWeight=600),
        words("datum.note", "note", "under", style.pixels("inset"), style="muted"),
        words(f"{good} && datum.lead", "text", "beside", {"value": right}, style="lead", **aside),
        words(f"{good} && !datum.lead", "text", "beside", {"value": right},
              style="muted", fontWeight=600, **aside),
        words("datum.fault", "fault", "over", {"value": 2}, style="fault"),
    ]  # fmt: skip
