"""Which numbers a metric can have: its unit, and a few names, say so."""

from __future__ import annotations

from typing import Any, NamedTuple


class Range(NamedTuple):
    """From ``low`` to ``high``, both included; 0 as well where ``zero`` says so."""

    unit: str
    low: float
    high: float
    zero: bool = True
    whole: bool = False

    def holds(self, value: Any) -> Any:
        """Whether a number, or each of a NumPy array, can be."""
        inside = (value >= self.low) & (value <= self.high) | (value == 0) & self.zero
        return inside & (value % 1 == 0) if self.whole else inside

    def __str__(self) -> str:
        ends = f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        whole = ", a whole number" if self.whole else ""
        return f"{ends}{whole}{', or 0' if self.zero and self.low > 0 else ''}"


_UNITS = {
    "s": Range("s", 1e-9, 1e5, zero=False),  # no clock ticks faster, no process takes a day
    "B": Range("B", 1, 1e15),
    "count": Range("", 0, 1e12, whole=True),
    "1": Range("", 1e-60, 1e60),  # errors of float32 numbers, and ratios
    "verdict": Range("", 0, 1, whole=True),
    "cores": Range("cores", 0, 1e5),
    "MHz": Range("MHz", 0, 1e5),
    "W": Range("W", 0, 1e5),
    "degC": Range("degC", -100, 1000),
}

_METRICS = {
    "accuracy": Range("", 0, 1),
    "accuracy_epochs": Range("", 0, 1e6),
    "ceiling_fraction": Range("", 0, 1e15),  # that of a framework that stops working is found wrong
    "slowdown": Range("", 1e-9, 1e9, zero=False),  # of two times
    "growth": Range("", 0, 1e12),  # operations a trip, counted over several trips
}


def of(metric: str, unit: str) -> Range:
    """Return what the numbers of a metric in some unit can be."""
    return _METRICS.get(metric) or _UNITS.get(unit) or Range(unit, -1e60, 1e60)
