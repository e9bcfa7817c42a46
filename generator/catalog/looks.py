"""Pure: whether the colours and shapes of the frameworks can be seen, and not be mixed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from generator.catalog.model import NO_LOOK, Framework
from generator.errors import InputError

GROUNDS: Mapping[str, str] = {"light": "#fdfdfb", "dark": "#11191d"}
"""Background of a page by colour scheme, as ``docs/assets/site.css`` has it."""

CONTRAST = 3.0
"""Of graphics against their background at least (WCAG 2.1, 1.4.11)."""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours "#rrggbb", 1 to 21 (WCAG 2.1, definition of the term)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def problems(frameworks: Sequence[Framework]) -> list[InputError]:
    """Return which stated colours and shapes are taken twice, or hardly seen on their page."""
    stated = [framework for framework in frameworks if framework.look != NO_LOOK]
    found = []
    for key in ("light", "dark", "shape"):
        values = {framework.id: getattr(framework.look, key) for framework in stated}
        counts = Counter(values.values())
        for framework in stated:
            value, path = values[framework.id], framework.folder / "framework.toml"
            if counts[value] > 1:
                others = [id for id in values if values[id] == value and id != framework.id]
                said = f"look.{key} = {value!r}, which {', '.join(others)} has as well"
                found.append(InputError(path, None, said, "one of its own"))
            ground = GROUNDS.get(key)
            if ground and (ratio := contrast(value, ground)) < CONTRAST:
                said = f"look.{key} = {value!r}, contrast {ratio:.1f} against {ground}"
                found.append(InputError(path, None, said, f"{CONTRAST:.0f} at least"))
    return found
