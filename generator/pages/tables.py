"""Pure: figures -> table models and the badges that stand in them.

A table model knows nothing of Markdown: templates write it. Text in a model is plain; escaping is
the renderer's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.formatting import STATUS_WORDS


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
        """Whether it is a picture as well: bars in columns of equal width."""
        return any(cell.bar is not None for row in self.rows for cell in row)

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


def table(
    label: str,
    columns: Iterable[Column | str],
    rows: Iterable[Iterable[Cell]],
    *,
    plain: bool = False,
) -> Table:
    """Return a table.

    Args:
        label: names it for screen readers.
        columns: headings; a text is that of a column of texts.
        rows: of as many cells each.
        plain: whether sorting and filtering would make no sense.

    """
    headings = (Column(one) if isinstance(one, str) else one for one in columns)
    return Table(label, tuple(headings), tuple(map(tuple, rows)), plain)


def table_if_any(
    label: str, columns: Iterable[Column | str], rows: Sequence[Iterable[Cell]], **more: bool
) -> Table | None:
    """Return a table, None where it has no rows; arguments are those of :func:`table`."""
    return table(label, columns, rows, **more) if rows else None


def of_records(label: str, records: Sequence[Mapping[Column, Cell]]) -> Table:
    """Return a table of records that have the same columns in the same order."""
    columns = tuple(records[0]) if records else ()
    return Table(label, columns, tuple(tuple(record.values()) for record in records))


_SIGNS = {
    "ok": ("✓", "good"), "unsupported": ("–", "none"), "failed": ("✕", "bad"),
    "timeout": ("✕", "bad"), "wrong": ("≠", "bad"), "skipped": ("○", "none"),
}  # fmt: skip


def badge(status: str) -> Badge:
    """Return the badge of a result's status."""
    sign, tone = _SIGNS[status]
    return Badge(sign, STATUS_WORDS[status], tone)
