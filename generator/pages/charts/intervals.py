"""Pure: figures -> chart specifications (Altair), each in a wide and a narrow drawing.

Every chart shows points with 95 % intervals instead of bars, labels each row where it stands
instead of in a legend, and gives a framework both a colour and a shape, so that neither is needed
alone. Colours live in the configuration, one for light and one for dark: the specification itself
is the same for both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from generator.catalog.model import Look
from generator.pages.charts import style
from generator.pages.charts.marks import Mark
from generator.pages.charts.style import WIDTHS, extent, placeholder, rounded_outwards


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
    return style.small_multiples(
        title,
        subtitle,
        marks,
        _panel_frame(),
        placed,
        size=size,
        width=width,
        right=8,
        shift=-label_room,
        frameworks=list(frameworks),
        kind="log" if log else "linear",
        domain=ends,
        values=style.apart(
            ticks, lambda tick: style.along(tick, ends, width) if log else width * tick / ends[1]
        ),
        left=-label_room,
        aside=width + (0 if narrow else value_room),
    )


@style.framed
def _panel_frame() -> Any:
    """Return one panel."""
    import altair as alt

    def x(field: str) -> Any:
        return alt.X(
            f"{field}:Q",
            scale=alt.Scale(type=placeholder("kind"), domain=placeholder("domain"), nice=False),
            axis=alt.Axis(
                title=None, orient="top", format=",~f", values=placeholder("values"),
                labelOverlap=False, labelFlush=False, domain=False, ticks=False,
            ),
        )  # fmt: skip

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", scale=None, axis=None)

    def words(filled: str, field: str, top: str, at: Any, **look: Any) -> Any:
        size, line = NOTE if field == "note" else LABEL
        font: dict[str, Any] = {"fontSize": size, "lineHeight": line, "lineBreak": "\n"}
        font |= {"align": "left", "baseline": "top"}
        shown = base.transform_filter(filled).mark_text(**font | look)
        return shown.encode(x=at, y=y(top), text=f"{field}:N")

    names = alt.Scale(domain=placeholder("frameworks"))
    shape = alt.Shape("framework:N", scale=names, legend=None)
    told = [alt.Tooltip("label:N", title="what"), alt.Tooltip("text:N", title="value")]
    tooltip = [
        *told,
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("tooltip:N", title="from"),
    ]
    base = alt.Chart(alt.NamedData(placeholder("data"))).encode(opacity=style.faded_opacity(1))
    coloured = base.encode(y=y("y"), color=alt.Color("framework:N", scale=names, legend=None))
    good = coloured.transform_filter("isValid(datum.estimate)")
    started = good.transform_filter("isValid(datum.start)")
    left, right = alt.value(placeholder("left")), alt.value(placeholder("aside"))
    inset = alt.X("inset:Q", scale=None, axis=None)
    value = {"align": "right", "baseline": "middle"}
    layers = [
        started.mark_rule(strokeWidth=2).encode(
            x=x("start"), x2="estimate:Q", opacity=style.faded_opacity(0.45)
        ),
        started.mark_point(filled=False, size=60, strokeWidth=1.8).encode(
            x=x("start"), shape=shape
        ),
        good.transform_filter(style.HAS_ENDS).mark_rule(strokeWidth=6).encode(
            x=x("low"), x2="high:Q", opacity=style.faded_opacity(0.4)
        ),
        coloured.transform_filter("isValid(datum.other)")
        .mark_point(filled=False, size=36, strokeWidth=1.3)
        .encode(x=x("other"), shape=shape, tooltip=told),
        good.mark_point(filled=True, size=85).encode(x=x("estimate"), shape=shape, tooltip=tooltip),
        words("datum.name", "name", "top", left, style="plain", fontWeight=600),
        words("datum.note", "note", "under", inset, style="muted"),
        words("isValid(datum.estimate) && datum.lead", "text", "beside", right,
              style="lead", **value),
        words("isValid(datum.estimate) && !datum.lead", "text", "beside", right,
              style="muted", fontWeight=600, **value),
        words("datum.fault", "fault", "over", alt.value(2), style="fault"),
    ]  # fmt: skip
    return alt.layer(*layers)
