"""What ``generator compare`` does, without a word about how it is typed or drawn.

Two frameworks or modes stand beside each other: A over B. Of two versions, or machines, one comes
after the other: B over A, in the words and numbers of the page about changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.analysis import cells, change_events, changes
from generator.analysis.change_events import Event
from generator.analysis.compare import Comparison, Spec, parse_spec
from generator.analysis.compare import compare as compare_specs
from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.results import reading, selection
from generator.results.reading import Results


@dataclass(frozen=True)
class Found:
    """What a comparison found, and how it is shown: rows of texts below columns."""

    comparisons: tuple[Comparison, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def compare(folder: Path, a: str, b: str, metric: str) -> Found:
    """Compare what two specs name; see :func:`generator.analysis.statistics.compare`.

    Raises:
        UsageError: an unknown name, or nothing that could be compared.
        InputError: a result is not as agreed.

    """
    loaded, catalog = reading.load(folder), catalogs.load()
    every = selection.select(loaded, ("quick", "full", "history"))
    keys = list(cells.group_cells(every))
    one, two = (parse_spec(text, keys) for text in (a, b))
    frame, bands = selection.select(loaded), None
    if _versions(one, two):
        shown = change_events.headlines(selection.shown(loaded, catalog.listed), catalog)
        bands = cells.null_bands(cells.group_cells(shown))
        beside = change_events.together(loaded, one.framework, (one.version, two.version))
        frame = every if beside is None else beside
    found = tuple(compare_specs(frame, a, b, metric=metric, bands=bands))
    if (one.machine or _versions(one, two)) and found[0].a.unit in changes.JUDGED:
        columns = ("what", "where", "metric", "A", "B", "B / A, 95 %", "null band", "B is")
        return Found(found, columns, tuple(_after(item, catalog) for item in found))
    columns = ("A", "B", "where", "A", "B", "A / B, 95 %", "null band", "A is")
    return Found(found, columns, tuple(map(_beside, found)))


def _versions(one: Spec, two: Spec) -> bool:
    """Whether these are two releases of one framework."""
    same = one.framework == two.framework
    return bool(same and one.version and two.version and one.version != two.version)


def _after(item: Comparison, catalog: Catalog) -> tuple[str, ...]:
    change = changes.judge(item.a, item.b, item.delta)
    key = change.key
    where, metric, before, after, ratio, band, *_ = changes.row(change, catalog)
    what = f"{key.framework} {key.version}, {key.section}"
    return (what, where, metric, before, after, ratio, band, change.verdict)


def _beside(item: Comparison) -> tuple[str, ...]:
    sides = [
        " ".join(filter(None, (key.framework, key.version, key.mode)))
        for key in (item.a.key, item.b.key)
    ]
    key, unit = item.a.key, item.a.unit
    return (
        *sides,
        " ".join(filter(None, (key.machine, key.device, key.lane, key.section, key.case))),
        f"{item.summary_a.value:.4g} {unit}",
        f"{item.summary_b.value:.4g} {unit}",
        changes.ratio_words(item.ratio),
        f"±{item.delta:.1%}",
        item.verdict,
    )


def plain(item: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON takes it: A over B, whatever they are."""
    return {
        "a": item.a.key._asdict(),
        "b": item.b.key._asdict(),
        "unit": item.a.unit,
        "value_a": item.summary_a.value,
        "value_b": item.summary_b.value,
        "ratio": item.ratio.value,
        "low": item.ratio.low,
        "high": item.ratio.high,
        "delta": item.delta,
        "verdict": item.verdict,
    }


@dataclass(frozen=True)
class Told:
    """All that changed, with what its words need."""

    events: tuple[Event, ...]
    loaded: Results
    catalog: Catalog

    def plain(self) -> list[dict[str, Any]]:
        """Return it as JSON takes it."""
        documents = self.loaded.documents
        return [change_events.plain(event, self.catalog, documents) for event in self.events]

    def lines(self) -> Iterator[str]:
        """Yield it as lines of text."""
        documents = self.loaded.documents
        for event in self.events:
            yield change_events.title(event, self.catalog, documents)
            yield f"  {changes.summary(event.changes)}"
            yield from (f"  {note}" for note in change_events.notes(event, documents))
            yield from (
                f"  - {change_events.line(item, self.catalog)}"
                for item in change_events.told(event)
            )
            yield ""


def changed(folder: Path) -> Told:
    """Return everything that changed, the newest first; see :func:`change_events.find`.

    Raises:
        InputError: a result is not as agreed.

    """
    loaded, catalog = reading.load(folder), catalogs.load()
    shown = selection.shown(loaded, catalog.listed)
    return Told(change_events.find(loaded, shown, catalog), loaded, catalog)
