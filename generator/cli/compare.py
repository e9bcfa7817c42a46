"""What ``generator compare`` does, without a word about how it is typed or drawn.

Two frameworks or modes are compared as A over B. Of two versions, or machines, one comes after the
other: B over A, with the labels and numbers of the page about changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import formatting
from generator.analysis import cells, change_events, changes
from generator.analysis import panels as models
from generator.analysis.compare import Comparison, Spec, parse_spec
from generator.analysis.compare import compare as compare_specs
from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.results import reading, selection


@dataclass(frozen=True)
class Found:
    """What a comparison found, and how it is shown: rows of texts below columns.

    The first ``facts`` columns say what is compared; the others are what was found.
    """

    comparisons: tuple[Comparison, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    facts: int


def compare(folder: Path, a: str, b: str, metric: str) -> Found:
    """Compare what two specs name; see :func:`generator.analysis.compare.compare`.

    Args:
        folder: of results.
        a: one side, as :func:`generator.analysis.compare.parse_spec` reads it.
        b: the other side.
        metric: id of a metric.

    Raises:
        UsageError: an unknown name, or nothing that could be compared.
        InputError: a result is not as agreed.

    """
    loaded, catalog = reading.load(folder), catalogs.load()
    every = selection.select(loaded, ("quick", "full", "history"))
    keys = list(cells.group_cells(every))
    one, two = (parse_spec(text, keys) for text in (a, b))
    frame, noises, spreads = selection.select(loaded), None, cells.spreads(loaded)
    if _versions(one, two):
        noises = change_events.noises(selection.shown(loaded, catalog.listed), catalog)
        together = change_events.together(loaded, one.framework, (one.version, two.version))
        frame = every if together is None else together
    found = tuple(compare_specs(frame, a, b, spreads=spreads, metric=metric, noises=noises))
    if (one.machine or _versions(one, two)) and found[0].a.unit in changes.JUDGED:
        columns = ("what", "where", "metric", "A/A noise", "A", "B", "B / A, 95 %", "B is")
        return Found(found, columns, tuple(_after(item, catalog, spreads) for item in found), 4)
    names = ("A", "B", "machine", "device", "where", "A/A noise", "A", "B", "A / B, 95 %", "A is")
    return Found(found, names, tuple(map(_against, found)), 6)


def _versions(one: Spec, two: Spec) -> bool:
    """Whether these are two releases of one framework."""
    same = one.framework == two.framework
    return bool(same and one.version and two.version and one.version != two.version)


def _after(item: Comparison, catalog: Catalog, spreads: cells.Spreads) -> tuple[str, ...]:
    change = changes.judge(item.a, item.b, item.noise, spreads)
    key = change.key
    where, metric, before, after, ratio, noise, *_ = changes.row(change, catalog)
    what = f"{key.framework} {key.version}, {key.section}"
    return (what, where, metric, noise, before, after, ratio, change.verdict)


def _against(item: Comparison) -> tuple[str, ...]:
    sides = [
        " ".join(filter(None, (key.framework, key.version, key.mode)))
        for key in (item.a.key, item.b.key)
    ]
    key, unit = item.a.key, item.a.unit
    values = (formatting.quantity(models.summary(cell).value, unit) for cell in (item.a, item.b))
    where = ", ".join(filter(None, (key.section, key.case, key.lane)))
    noise = f"±{item.noise:.1%}"
    ratio = changes.ratio_text(item.ratio)
    return (*sides, key.machine, key.device, where, noise, *values, ratio, item.verdict)


def plain(item: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON takes it: A over B, whatever they are."""
    return {
        "a": item.a.key._asdict(),
        "b": item.b.key._asdict(),
        "unit": item.a.unit,
        "value_a": models.summary(item.a).value,
        "value_b": models.summary(item.b).value,
        "ratio": item.ratio.value,
        "low": item.ratio.low,
        "high": item.ratio.high,
        "noise": item.noise,
        "verdict": item.verdict,
    }


def changed(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return everything that changed, the newest first; see :func:`change_events.find`.

    Returns:
        the events as JSON takes them, and as lines of text.

    Raises:
        InputError: a result is not as agreed.

    """
    loaded, catalog = reading.load(folder), catalogs.load()
    shown = selection.shown(loaded, catalog.listed)
    events = change_events.find(loaded, shown, catalog, cells.spreads(loaded))
    documents = loaded.records
    lines = []
    for event in events:
        lines += [change_events.title(event, catalog, documents)]
        lines += [f"  {changes.summary(event.changes)}"]
        lines += [f"  {note}" for note in change_events.notes(event, documents)]
        lines += [f"  - {change_events.line(i, catalog)}" for i in event.differing]
        lines += [""]
    lines = lines or ["Nothing can be compared yet: measure again, elsewhere, or another release."]
    return [change_events.plain(event, catalog, documents) for event in events], lines
