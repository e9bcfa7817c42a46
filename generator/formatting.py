"""Numbers, units, times and lists as text, and what no text shows.

One set of rules for pages, command line and reports: significant digits, SI prefixes, ranges.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence

INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What shows nothing or hides something: control characters other than tab and line feed, lone
surrogates, separators of lines and paragraphs, and marks that reorder text."""

STATUS_WORDS = {
    "ok": "measured",
    "unsupported": "not supported",
    "failed": "failed",
    "timeout": "timed out",
    "wrong": "wrong results",
    "skipped": "not measured",
}


def figures(value: float, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits, grouped by thousands, no exponent.

    Whole numbers keep all digits before the point: 2135.7 is 2,136.
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    size = abs(rounded)
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if size < 1e-4:
        return f"{value:.{digits - 1}e}"
    places = max(0, digits - 1 - _power(size))
    return f"{value:,.{places}f}"


def _power(size: float) -> int:
    return int(f"{size:e}".rpartition("e")[2])


def quantity(value: float, unit: str) -> str:
    """Return a value of a result row with a unit that people read: ms, MB, %."""
    if unit == "s":
        if abs(value) < 0.9995:
            return f"{figures(value * 1e3)} ms"
        return f"{figures(value)} s" if value < 600 else f"{figures(value / 60)} min"
    if unit == "B":
        return f"{figures(value / 1e6)} MB" if value < 9.995e9 else f"{figures(value / 1e9)} GB"
    if unit in ("1", "verdict", "count", ""):
        # A geometric mean of equal whole numbers is whole but for rounding.
        whole = math.isclose(value, round(value), rel_tol=1e-9)
        return f"{value:,.0f}" if whole else figures(value)
    return f"{figures(value)} {unit}"


def span(low: float, high: float, unit: str) -> str:
    """Return an interval in the unit that :func:`quantity` picks for its middle."""
    suffix = quantity(math.sqrt(max(low, 0.0) * high), unit).partition(" ")[2]
    factor = {"ms": 1e3, "min": 1 / 60, "MB": 1e-6, "GB": 1e-9}.get(suffix, 1.0)
    ends = f"{figures(low * factor)} to {figures(high * factor)}"
    return f"{ends} {suffix}" if suffix else ends


def times(ratio: float) -> str:
    """Return a ratio as people say it: 1.49 times."""
    return f"{ratio:.2f} times" if ratio < 9.95 else f"{figures(ratio, 2)} times"


def minutes(seconds: float) -> str:
    """Return a duration as whole seconds or, from 90 s on, as whole minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def day(time: str) -> str:
    """Return "22 November 2026" for an ISO time or a run id."""
    date = datetime.date.fromisoformat(time[:10] if "-" in time[:5] else time[:8])
    return f"{date.day} {date:%B %Y}"


def shortened(text: str, length: int) -> str:
    """Return a text of at most ``length`` characters: a cause is first or last in a long one."""
    end = (length - 3) // 2
    return text if len(text) <= length else f"{text[: length - 3 - end]} … {text[-end:]}"


def plural(number: int, noun: str) -> str:
    """Return a number of things: 1 block, 2 blocks, 2 processes."""
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def listing(words: Sequence[str], last: str = "and") -> str:
    """Return "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
