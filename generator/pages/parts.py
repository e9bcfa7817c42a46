"""What every page of a section consists of: parts, and blocks in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from generator.pages.inputs import Picture
from generator.pages.tables import Matrix, Table


@dataclass(frozen=True)
class Block:
    """A heading, a sentence, and what they are about; one that stands open needs no heading."""

    heading: str
    anchor: str
    text: str = ""
    tables: tuple[Table | Matrix | None, ...] = ()
    pictures: tuple[Picture, ...] = ()
    caption: str = ""

    @property
    def full(self) -> bool:
        """Whether it has what it is about; where it does not, its page leaves it out."""
        return bool(self.pictures) or any(self.tables) or not self.tables


@dataclass(frozen=True)
class Bullet:
    """A sentence, and after it a link where more is said about it."""

    text: str
    link: str = ""
    address: str = ""


@dataclass(frozen=True)
class Part:
    """What a page says about one machine, device and lane; several are tabs.

    Attributes:
        tab: what it is called among the others.
        anchor: of its beginning.
        answer: to the page's question, one sentence.
        foot: where and when it was measured, "" where a caption says so.
        blocks: what is seen at once: a chart or a matrix.
        bullets: what else to know, three at most.
        folds: everything else, each behind its heading.
        lead: beginning of the answer that stands out.

    """

    tab: str
    anchor: str
    answer: str
    foot: str
    blocks: tuple[Block, ...] = ()
    bullets: tuple[Bullet, ...] = ()
    folds: tuple[Block, ...] = ()
    lead: str = ""


def opened(part: Part, heading: str, **new: Any) -> Part:
    """Return a part with another opening; the chart that it had is folded behind a heading."""
    anchor = f"{part.anchor}-chart"
    chart = replace(part.blocks[0], heading=heading, anchor=anchor, text=part.answer)
    bullets = tuple(bullet for bullet in part.bullets if bullet.address)
    return replace(part, bullets=bullets, folds=(chart, *part.folds), **new)
