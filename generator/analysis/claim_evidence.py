"""Pure: pieces of evidence for and against a claim -> its verdict, with the reason in figures.

Only what is shown counts: a comparison that is not resolved, and a value from one process, are
neither for nor against.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from generator import formatting
from generator.analysis.panels import Figures
from generator.analysis.statistics import Ratio, Summary

if TYPE_CHECKING:
    from generator.catalog.model import Framework

Word = Literal["holds", "does not hold", "mixed", "not resolved", "cannot be tested here"]
Side = Literal["for", "against", "open", "missing"]
"""What a piece says of a claim; "open" is measured but not resolved, "missing" is not measured."""


class Evidence(NamedTuple):
    """One piece of evidence: what it says of the claim, its figures, and where it was measured."""

    side: Side
    text: str
    where: str = ""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a claim, and why, with figures."""

    word: Word
    reason: str


@dataclass(frozen=True)
class Case:
    """What a rule judges by: the figures of one machine and device.

    ``raw`` is the claim's table of ``measurements/claims.toml``. The folders by id have names and
    sourced facts; there are none where the releases are of another time than the facts.
    """

    raw: Mapping[str, Any]
    figures: Figures
    frameworks: Mapping[str, Framework] = field(default_factory=dict)

    def name(self, framework: str) -> str:
        """Return what a framework is called."""
        known = self.frameworks.get(framework)
        return known.name if known else self.figures.name(framework)


Rule = Callable[[Case], Verdict]

NOTHING = Verdict("cannot be tested here", "What it needs is not measured on this machine yet.")


def combine(sides: Iterable[Side]) -> Word:
    """Return the verdict of some pieces of evidence.

    Two that contradict each other decide it, whatever else is open; one side alone decides only
    where nothing is open or missing.

    >>> combine(["for", "for"]), combine(["against"]), combine(["for", "against", "open"])
    ('holds', 'does not hold', 'mixed')
    >>> combine(["for", "open"]), combine(["for", "missing"]), combine(["missing"])
    ('not resolved', 'not resolved', 'cannot be tested here')
    """
    found = Counter(sides)
    if found.keys() <= {"missing"}:
        return "cannot be tested here"
    if found["for"] and found["against"]:
        return "mixed"
    if found["open"] or found["missing"]:
        return "not resolved"
    return "holds" if found["for"] else "does not hold"


def judged(pieces: Sequence[Evidence], summary: str = "") -> Verdict:
    """Return the verdict of some pieces, with their texts as the reason, or a summary of them."""
    word = combine(piece.side for piece in pieces)
    if word == NOTHING.word:
        return NOTHING
    return Verdict(word, sentence(summary) if summary else _listed(pieces))


def _listed(pieces: Sequence[Evidence]) -> str:
    """Join texts to a sentence for each place where they were measured."""
    groups = itertools.groupby(pieces, key=lambda piece: piece.where)
    return " ".join(
        sentence(f"{where}: " * bool(where) + "; ".join(piece.text for piece in group))
        for where, group in groups
    )


MOST = 30
"""Words of a sentence that is read once."""


def sentence(text: str) -> str:
    """Return a text as a sentence; as several, parted at its semicolons, where it is long.

    >>> sentence("one; two")
    'One; two.'
    >>> sentence("one" + " more" * 28 + "; two; three").removeprefix("One" + " more" * 28)
    '; two. Also: three.'
    """
    said = [""]
    for piece in text.split("; "):
        longer = f"{said[-1]}; {piece}" if said[-1] else piece
        if said[-1] and max(len(one.split()) for one in longer.split(". ")) > MOST:
            said.append(f"also: {piece}")
        else:
            said[-1] = longer
    return " ".join(f"{one[:1].upper()}{one[1:]}." for one in said)


def ratio_text(found: Ratio | Summary) -> str:
    """Return a ratio with its interval, where it has one.

    >>> ratio_text(Ratio(2.171, 1.57, 13.94, 0.1, 9)), ratio_text(Ratio(2, 1, 4, 0.1, 9, True))
    ('2.17 times (1.57 to 14)', '2.00 times (1.00 to 4.00, across runs)')
    """
    text = formatting.times(found.value)
    if not math.isfinite(found.low):
        return text
    ends = [formatting.times(end).removesuffix(" times") for end in (found.low, found.high)]
    across = ", across runs" if isinstance(found, Ratio) and found.across else ""
    return f"{text} ({' to '.join(ends)}{across})"
