"""Pure: figures -> table models and the badges that stand in them.

A table model knows nothing of Markdown: templates write it. Text in a model is plain; escaping is
the renderer's work.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ParamSpec

from generator.formatting import STATUS_WORDS, quantity, span


@dataclass(frozen=True)
class Badge:
    """A status as sign, label and tone ("good", "bad", "middle", "none")."""

    sign: str
    word: str
    tone: str


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what is read.
        sort: number to sort by; None sorts by the text, after all numbers.
        href: relative address of the evidence, or "".
        detail: a second, quieter line.
        badge: a status in front of the text, or None.
        strong: whether the text stands out.
        source: address of the page that says so, or "".
        anchor: to link to it, see :mod:`generator.pages.urls`, or "".
        bar: length of a bar above the text, from 0 to 100, or None; dark where ``strong``.
        hint: what pointing at the link says as well, or "".

    """

    text: str
    sort: float | None = None
    href: str = ""
    detail: str = ""
    badge: Badge | None = None
    strong: bool = False
    source: str = ""
    anchor: str = ""
    bar: int | None = None
    hint: str = ""


@dataclass(frozen=True)
class Column:
    """A heading; figures are aligned right."""

    title: str
    number: bool = False
    narrow: bool = False
    """Whether its cells stay on one line."""
    unit: str = ""
    """Of all its cells."""


SENTENCE = 30
"""Characters from which a cell is read as a sentence."""


@dataclass(frozen=True)
class Table:
    """Columns and rows of equal length; ``label`` names the table for screen readers."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    plain: bool = False
    """Whether sorting and filtering would make no sense."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.label}: a row has another length than the heading")

    @property
    def bars(self) -> bool:
        """Whether it is a scoreboard: bars in columns of equal width, to sort by."""
        return not self.plain and any(cell.bar is not None for row in self.rows for cell in row)

    @property
    def wide(self) -> tuple[bool, ...]:
        """Of each column: whether its cells hold sentences, which need room on a phone too.

        The first one stays in sight and has its own width.
        """
        return tuple(
            place > 0
            and not (column.number or column.narrow)
            and any(max(len(cell.text), len(cell.detail)) > SENTENCE for cell in cells)
            for place, (column, *cells) in enumerate(zip(self.columns, *self.rows, strict=True))
        )


def number(title: str) -> Column:
    """Return the heading of a column of figures."""
    return Column(title, number=True)


def table(label: str, rows: Iterable[Mapping[Any, Cell]], *, plain: bool = False) -> Table | None:
    """Return a table of heading -> cell, rows of the same headings; None where there are no rows.

    A heading is a :class:`Column`, or the title of a column of texts.
    """
    found = list(rows)
    columns = (
        tuple(Column(one) if isinstance(one, str) else one for one in found[0]) if found else ()
    )
    cells = tuple(tuple(row.values()) for row in found)
    return Table(label, columns, cells, plain) if found else None


Rows = Iterator[Mapping[Any, Cell]]
P = ParamSpec("P")


def tabled(
    label: str, *, plain: bool = False
) -> Callable[[Callable[P, Rows]], Callable[P, Table | None]]:
    """Decorate a maker of rows: it returns their :func:`table`."""

    def decorate(make: Callable[P, Rows]) -> Callable[P, Table | None]:
        @functools.wraps(make)
        def made(*arguments: P.args, **named: P.kwargs) -> Table | None:
            return table(label, make(*arguments, **named), plain=plain)

        return made

    return decorate


@dataclass(frozen=True)
class Group:
    """Rows of a matrix that belong together: a question each, then a cell for each column.

    Every cell but the first has a badge; its detail is said of it, not shown.
    """

    label: str
    detail: str
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def faults(self) -> tuple[int, int]:
        """How many answers are bad, and how many are partly right."""
        tones = Counter(cell.badge.tone for row in self.rows for cell in row if cell.badge)
        return tones["bad"], tones["middle"]

    @property
    def counts(self) -> tuple[Cell, ...]:
        """Of each column: how many answers are right, under the sign of its worst one."""
        return tuple(map(_count, list(zip(*self.rows, strict=True))[1:]))


def _count(cells: Sequence[Cell]) -> Cell:
    badges = [cell.badge for cell in cells if cell.badge]
    worst = min(badges, key=_goodness)
    right = _right(cells)
    said = Counter(badge.word for badge in badges)
    words = ", ".join(f"{count} {word}" for word, count in said.most_common())
    if worst.tone == "good":
        return marked("ok", words)
    sign = "" if worst.tone == "none" and right else worst.sign
    return Cell(str(right) if right else "", badge=Badge(sign, words, worst.tone))


def _goodness(badge: Badge) -> tuple[int, str]:
    """Sort badges from the worst to the best; wrong before failed, as their signs sort."""
    return ("bad", "middle", "none", "good").index(badge.tone), badge.sign


@dataclass(frozen=True)
class Matrix:
    """Questions in groups, and a column for each framework; what has the most faults comes first.

    ``label`` names it for screen readers, ``head`` its first column. A single group stands open.
    """

    label: str
    head: str
    columns: tuple[Cell, ...]
    groups: tuple[Group, ...]

    @property
    def totals(self) -> Group:
        """All rows as one group."""
        return Group("", "", tuple(row for group in self.groups for row in group.rows))

    @property
    def legend(self) -> tuple[Badge, ...]:
        """The badges that occur, the best first."""
        found = {cell.badge for row in self.totals.rows for cell in row if cell.badge}
        return tuple(sorted(found, key=_goodness, reverse=True))


def arranged(given: Matrix) -> Matrix:
    """Return a matrix: columns by right answers, groups and rows by faults, otherwise as given."""
    answers = list(zip(*given.totals.rows, strict=True))[1:]
    best = sorted(range(len(answers)), key=lambda index: -_right(answers[index]))

    def sorted_rows(group: Group) -> Iterator[tuple[Cell, ...]]:
        for row in sorted(group.rows, key=lambda row: Group("", "", (row,)).faults, reverse=True):
            yield row[0], *(row[1 + index] for index in best)

    groups = [replace(group, rows=tuple(sorted_rows(group))) for group in given.groups]
    groups.sort(key=lambda group: group.faults, reverse=True)
    return replace(given, columns=tuple(given.columns[i] for i in best), groups=tuple(groups))


def _right(cells: Sequence[Cell]) -> int:
    return sum(cell.badge.tone in ("good", "middle") for cell in cells if cell.badge)


_SIGNS = {
    ("✓", "good"): ("measured", "yes", "holds", "newly supported", "alive"),
    ("∘", "good"): ("right, composed of several functions",),
    ("▲", "good"): ("faster", "less", "leads", "best estimate"),
    ("▼", "bad"): ("slower", "more"),
    ("◀", "good"): ("ahead",),
    ("▶", "good"): ("behind",),
    ("=", "none"): ("equivalent", "equal"),
    ("?", "middle"): ("not resolved", "not known"),
    ("±", "middle"): ("mixed", "right values, but not all else"),
    ("✕", "bad"): ("failed", "timed out", "does not hold", "newly broken"),
    ("≠", "bad"): ("wrong results",),
    ("–", "none"): ("not supported", "no", "retired", "not compared"),
    ("–", "middle"): ("silent",),
    ("○", "none"): ("not measured", "not judged", "not ranked (one process)",
                    "cannot be tested here", "cannot be compared"),
}  # fmt: skip
_BADGES = {word: Badge(sign, word, tone) for (sign, tone), all in _SIGNS.items() for word in all}


def badge(word: str, said: str = "") -> Badge:
    """Return the badge of a status or a verdict, which may be said in other words."""
    known = _BADGES[STATUS_WORDS.get(word, word)]
    return replace(known, word=said) if said else known


def marked(word: str, said: str = "", **more: Any) -> Cell:
    """Return a cell with the badge of a status or a verdict, see :func:`badge`."""
    return Cell(more.pop("text", ""), badge=badge(word, said), **more)


DASH = Cell("–")


def reason_cell(reason: str) -> Cell:
    """Return a reason; the address that it ends with becomes the cell's source."""
    text, bracket, source = reason.rpartition(" (")
    if bracket and source.startswith(("http://", "https://")) and source.endswith(")"):
        return Cell(text, source=source[:-1])
    return Cell(reason)


def figure(values: Sequence[float], unit: str, href: str = "") -> Cell:
    """Return (value, low, high) in the unit that people read; below it its interval, if any."""
    interval = interval_text(values[1], values[2], unit) if len(values) > 2 else ""
    return Cell(quantity(values[0], unit), values[0], href, interval)


def interval_text(low: float, high: float, unit: str) -> str:
    """Return an interval as text, "" where there is none or it has no width."""
    return span(low, high, unit) if high > 1.0001 * low else ""


def percent(share: float, places: int = 0, detail: str = "") -> Cell:
    """Return a share in percent; a dash where there is none."""
    return Cell(f"{100 * share:.{places}f} %", share, detail=detail) if isfinite(share) else DASH
