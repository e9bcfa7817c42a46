"""The values that charts draw: one frozen record a mark."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One row of an interval chart.

    Attributes:
        label: what stands in the row, for example "Alder".
        framework: its name in words; decides colour and shape.
        panel: title of the panel that the row belongs to; "" when there is only one.
        estimate: the value, or None when there is none.
        low, high: ends of the 95 % interval.
        text: the value as it is written at the end of the row.
        start: the open mark of a dumbbell (for example memory before training), or None.
        fault: why there is no value, in a few words; drawn in place of the mark.
        tooltip: one more fact shown when the row is pointed at.
        note: small, below the label: the mode that is drawn.
        lead: whether it is in the leading group.
        others: small open marks of the same row: modes that are not the best one.

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
    note: str = ""
    lead: bool = False
    others: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Point:
    """One point of a line: over a number, or over time.

    Attributes:
        panel: title of the small chart that it belongs to: a framework's name.
        mode: how the framework executed.
        y: the value, above 0.
        low, high: ends of the 95 % interval of y.
        text: y as it is written.
        number: its place on the horizontal axis, above 0, or
        day: of the release.
        kind: "imperative" (dashed) or "symbolic".
        label: the release's version.
        change: "faster" (better) or "slower" (worse) than the point before it in the panel, or
            "" where that is not shown.
        told: what became of it since the point before it, as a verdict.
        part: the line joins points of one part only.
        other: whether the mode is not how it executes today; drawn as an open mark.

    """

    panel: str
    mode: str
    y: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    number: float = 0.0
    day: datetime.date | None = None
    kind: str = ""
    label: str = ""
    change: str = ""
    told: str = ""
    part: int = 0
    other: bool = False
