"""Colours, shapes, sizes and the Vega-Lite configuration that all charts share."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from generator.catalog.model import Look
from generator.pages.charts.marks import Mark, Point

Drawn = TypeVar("Drawn", Mark, Point)

WIDTHS = {"wide": 688, "narrow": 358}
"""Total width of the two drawings, in CSS pixels: the text column, and a phone."""

SCHEMES = ("light", "dark")

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
"""Fonts of equal metrics: the pictures are laid out with one and shown with another."""

SERIES = (Look("#0067a5", "#64b5f6", "circle"), Look("#c2500a", "#ff9e57", "square"))
"""Of what is no framework: kinds of modes, states of a machine."""

_INKS = {
    "light": {"ink": "#1d2b33", "muted": "#56646d", "grid": "#dfe5e7", "fault": "#a81e32",
              "lead": "#0a5f70"},
    "dark": {"ink": "#e8edef", "muted": "#a7b4bb", "grid": "#36434a", "fault": "#ff9aa4",
             "lead": "#7fd0df"},
}  # fmt: skip


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
        looks: colours and shapes of what is drawn, in the order of the scales' domains.

    """

    name: str
    title: str
    alt: str
    specs: Mapping[str, dict[str, Any]]
    rows: tuple[Mapping[str, Any], ...]
    looks: tuple[Look, ...] = SERIES

    def configuration(self, scheme: str) -> dict[str, Any]:
        """Return the Vega-Lite configuration of a colour scheme, "light" or "dark"."""
        colours = [getattr(look, scheme) for look in self.looks]
        shapes = [look.shape for look in self.looks]
        return {**configuration(scheme), "range": {"category": colours, "symbol": shapes}}

    def recoloured(self, svg: str, scheme: str) -> str:
        """Return a drawing made for the light scheme in the colours of another one."""
        pairs = dict(zip(_INKS["light"].values(), _INKS[scheme].values(), strict=True))
        pairs |= {look.light: getattr(look, scheme) for look in self.looks}
        return re.sub(r"#[0-9a-f]{6}\b", lambda match: pairs.get(match[0], match[0]), svg)

    def digest(self, renderer: str) -> str:
        """Return ten digits that change with whatever changes the drawing, also its renderer."""
        looks = {scheme: self.configuration(scheme) for scheme in SCHEMES}
        text = json.dumps([renderer, self.specs, looks, self.rows], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


def configuration(scheme: str) -> dict[str, Any]:
    """Return what the Vega-Lite configurations of all charts share in a colour scheme."""
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
            "subtitleColor": ink["muted"],
            "subtitleFontSize": 12,
            "subtitleLineHeight": 16,
            "subtitlePadding": 5,
        },
        "text": {"fontSize": 13},
        "rule": {"color": ink["muted"]},
        "style": {
            "plain": {"color": ink["ink"]},
            "fault": {"color": ink["fault"]},
            "lead": {"color": ink["lead"], "fontWeight": 700},
            "muted": {"color": ink["muted"], "fill": ink["muted"]},
        },
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


def linear_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Return round steps of the axis from ``low`` to ``high``, about ``count`` of them."""
    span = high - low
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if span / (factor * step) <= count)
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [float(f"{step * number:.12g}") for number in numbers]


def written(value: float) -> str:
    """Return a number as Vega writes it on an axis in the format ",~f"."""
    return f"{value:,.12f}".rstrip("0").rstrip(".")


def along(value: float, ends: Sequence[float], length: float) -> float:
    """Return how many pixels a value is from the low end of a logarithmic axis of some length."""
    at, low, high = map(math.log, (value, *ends))
    return length * (at - low) / ((high - low) or 1.0)


def apart(values: Sequence[float], place: Callable[[float], float]) -> list[float]:
    """Return the values that a horizontal axis is labelled with: both ends, and what has room.

    Values run from left to right; ``place`` says where one is, in pixels.
    """
    places = {value: place(value) for value in values}
    halves = {value: extent(written(value), 12) / 2 + 2 for value in values}
    kept: list[float] = []
    for value in dict.fromkeys([*values[:1], *values[-1:], *values]):
        if all(abs(places[value] - places[x]) > halves[value] + halves[x] for x in kept):
            kept.append(value)
    return sorted(kept)


def known(*values: float | None) -> list[float]:
    """Return the values that are numbers: neither None nor NaN."""
    return [value for value in values if value is not None and not math.isnan(value)]


def as_rows(drawn: Sequence[Mark | Point]) -> tuple[dict[str, Any], ...]:
    """Return marks as plain records, to be downloaded."""
    return tuple(
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in dataclasses.asdict(each).items()
            if name != "others"
        }
        for each in drawn
    )


def datum(drawn: Mark | Point, **more: Any) -> dict[str, Any]:
    """Return a mark, with further values, as a drawing has it: four digits, more than a pixel."""
    (record,) = as_rows([drawn])
    return {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in (record | more).items()
        if value is not None
    }


HAS_ENDS = "isValid(datum.low) && isValid(datum.high)"


def rounded_outwards(value: float, *, up: bool) -> float:
    """Return the next number of two significant digits."""
    power = math.floor(math.log10(value)) - 1
    scaled = value / 10.0**power
    return float(f"{math.ceil(scaled) if up else math.floor(scaled)}e{power}")


PICKED = [{"name": "picked", "value": ""}]
"""The framework that stands out, "" for none; the page sets it in all its charts at once."""


def faded_opacity(opacity: float) -> Any:
    """Return the opacity of marks, a fraction of it where another framework stands out."""
    import altair as alt

    stands = alt.when("!picked || datum.framework == picked")
    return stands.then(alt.value(opacity)).otherwise(alt.value(round(0.15 * opacity, 3)))


_CLASSES = {
    345: " ,.:;|ijlIJ/\\'f-", 410: "rt()[]!", 600: "aceksvxyzFLPTY?_*`–", 700: "ABCKRVXZ",
    640: "bdghnopquES$0123456789", 780: "DGHNOQU&", 840: "w+<=>~^#×±",
}  # fmt: skip
_BREADTHS = {each: breadth for breadth, found in _CLASSES.items() for each in found}


def extent(text: str, size: float, *, bold: bool = False) -> float:
    """Return the pixels that a line takes at most.

    Estimated, since every reader has another font: after the broadest that is common, DejaVu Sans.
    """
    return sum(_BREADTHS.get(each, 1000) for each in text) * size / 1000 * (1.15 if bold else 1.0)


def wrapped(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Return a text in lines of at most ``room`` pixels; only a word that is longer is broken."""
    lines = [""]
    for word in text.split():
        gap = " " if lines[-1] else ""
        for part in [word] if extent(word, size, bold=bold) <= room else word:
            longer = lines[-1] + gap + part
            if extent(longer, size, bold=bold) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
            gap = ""
    return [line for line in lines if line]


def measured(measure: str, better: str, scale: str) -> str:
    """Return the subtitle: what the axis shows, its scale unless that is "", the better end."""
    end = {"higher": "more is better", "lower": "less is better"}.get(better, "")
    how = ", ".join(filter(None, (scale, end)))
    return f"{measure[:1].upper()}{measure[1:]}{'; ' if how else ''}{how}."


def complete(title: str, subtitle: str, *, size: str, right: int, **parts: Any) -> dict[str, Any]:
    """Return a whole specification, its titles wrapped to the width of the drawing.

    Args:
        title: the finding.
        subtitle: the measure.
        size: one of :data:`WIDTHS`.
        right: margin, pixels.
        parts: what it draws.

    """
    import altair as alt

    room = WIDTHS[size] - 8
    return {
        "$schema": alt.SCHEMA_URL,
        "title": {
            "text": wrapped(title, room, 15, bold=True),
            "subtitle": wrapped(subtitle, room, 12),
        },
        **parts,
        "padding": {"left": 2, "right": right, "top": 4, "bottom": 4},
    }


def small_multiples(
    title: str,
    subtitle: str,
    drawn: Sequence[Drawn],
    frame: str,
    rows: Callable[[Sequence[Drawn]], tuple[list[dict[str, Any]], float]],
    *,
    size: str,
    width: int,
    right: int,
    x: str = "",
    columns: int = 0,
    spacing: int = 0,
    shift: int = 0,
    **gaps: Any,
) -> dict[str, Any]:
    """Return small charts of equal axes as one specification, one a panel.

    Args:
        title: the finding.
        subtitle: the measure.
        drawn: marks in any order; panels appear in the order of their first ones.
        frame: one panel, see :func:`framed`.
        rows: marks of one panel -> its data, and its height in pixels.
        size: one of :data:`WIDTHS`.
        width: of a panel's axis, pixels.
        right: margin, pixels.
        x: title of the horizontal axis, below the last row of panels.
        columns: of panels; 0 puts each below the one before, whatever its width.
        spacing: between columns, pixels.
        shift: of the panels' titles to the right, pixels.
        gaps: further values of the frame.

    """
    panels: dict[str, list[Drawn]] = {}
    for mark in drawn:
        panels.setdefault(mark.panel, []).append(mark)
    made = {panel: rows(mine) for panel, mine in panels.items()}
    each = max(columns, 1)
    over = width if columns else WIDTHS[size] - 12
    look = {"frame": "group", "fontSize": 13, "fontWeight": 600, "style": "muted", "offset": 8}
    titles = {  # none at all where one panel needs no name: an empty one takes room
        panel: {"title": {"text": wrapped(panel, over, 13, bold=True), "dx": shift, **look}}
        for panel in filter(None, panels)
    }
    charts = [
        {"width": width, "height": height, **titles.get(panel, {})}
        | filled_in(
            frame,
            data=f"panel {number}",
            x=x if x and number >= len(panels) - each else None,
            **gaps,
        )
        for number, (panel, (_, height)) in enumerate(made.items())
    ]
    # Flush: a column begins at the same place in every row, however long the names before it are.
    lines = [
        {"hconcat": charts[at : at + each], "spacing": spacing, "bounds": "flush"}
        for at in range(0, len(charts), each)
    ]
    return complete(
        title,
        subtitle,
        size=size,
        right=right,
        params=PICKED,
        vconcat=lines if columns else charts,
        datasets={f"panel {n}": data for n, (data, _) in enumerate(made.values())},
        spacing=18,
    )


def axis_room(values: Sequence[float]) -> int:
    """Return the pixels that a vertical axis takes with its labels."""
    return 14 + math.ceil(max(extent(written(value), 12) for value in values))


def placeholder(name: str) -> Any:
    """Return a value that :func:`filled_in` replaces."""
    return f"@{name}@"


def framed(make: Callable[..., Any]) -> Callable[..., str]:
    """Decorate a maker of Altair charts with placeholders: return the chart's JSON, made once.

    Altair takes a tenth of a second for what then differs in title, axis and data only, and most of
    that for validating every object; the tests validate the specifications that come out.
    """

    @functools.cache
    def text(*arguments: Any) -> str:
        from altair.utils import schemapi

        with schemapi.debug_mode(False):
            specification = make(*arguments).to_dict(validate=False)
        ours = ("config", "$schema")  # are added to the whole
        return json.dumps({key: part for key, part in specification.items() if key not in ours})

    return text


def filled_in(frame: str, **values: Any) -> dict[str, Any]:
    """Return a specification whose placeholders are values."""
    text = re.sub(r'"@(\w+)@"', lambda match: json.dumps(values[match[1]]), frame)
    filled: dict[str, Any] = json.loads(text)
    return filled


def upright(field: str, kind: Literal["log", "linear"] = "log") -> Any:
    """Return the vertical axis of a panel; its placeholders end in ``y``."""
    import altair as alt

    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(type=kind, domain=placeholder("domain_y"), nice=False),
        axis=alt.Axis(
            title=None,
            values=placeholder("values_y"),
            format=",~f",
            minExtent=placeholder("room_y"),
        ),
    )


def drawn_looks(drawn: Iterable[str], looks: Mapping[str, Look]) -> dict[str, Look]:
    """Return the looks of the frameworks in a chart, in the order of ``looks``.

    A framework that is not in it changes nothing of the chart, so that a new one renames no file.
    """
    there = set(drawn)
    return {name: look for name, look in looks.items() if name in there}
