"""One line of what a benchmark found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    benchmark: str
    what: str
    found: str
    claimed: str = ""
    kept: bool | None = None
    """Whether the claim was kept; None where the line only informs."""
