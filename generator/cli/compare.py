"""What ``generator compare`` does, without a word about how it is typed or drawn.

Two frameworks or modes are compared as A over B. Of two versions, or machines, one comes after the
other: B over A, with the labels and numbers of the page about changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.analysis import cells, change_events, changes
from generator.analysis.compare import Comparison, Spec, parse_spec
from generator.analysis.compare import compare as compare_specs
from generator.catalog import loader as catalogs
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
    loaded, known = _load(folder)
    every = selection.select(loaded, ("quick", "full", "history"))
    keys = list(cells.group_cells(every))
    one, two = (parse_spec(text, keys) for text in (a, b))
    frame = selection.select(loaded)
    if _versions(one, two):
        together = change_events.together(loaded, one.framework, (one.version, two.version))
        frame = every if together is None else together
    found = tuple(compare_specs(frame, a, b, known, metric))
    if one.machine or _versions(one, two):
        columns = ("what", "where", "metric", "A/A noise", "A", "B", "B / A, 95 %", "B is")
        return Found(found, columns, tuple(_after(item, known) for item in found), 4)
    names = ("A", "B", "machine", "device", "where", "A/A noise", "A", "B", "A / B, 95 %", "A is")
    return Found(found, names, tuple(_against(item, known) for item in found), 6)


def _load(folder: Path) -> tuple[reading.Results, changes.Known]:
    loaded, catalog = reading.load(folder), catalogs.load()
    shown = selection.shown(loaded, catalog.listed)
    known = change_events.draw_on(loaded.records, shown, catalog, cells.spreads(loaded))
    return loaded, known


def _versions(one: Spec, two: Spec) -> bool:
    """Whether these are two releases of one framework."""
    same = one.framework == two.framework
    return bool(same and one.version and two.version and one.version != two.version)


def _after(item: Comparison, known: changes.Known) -> tuple[str, ...]:
    change = changes.judge(item.a, item.b, known)
    key = change.key
    where, metric, before, after, ratio, noise, reason = changes.row(change, known.catalog)
    what = f"{key.framework} {key.version}, {key.section}"
    verdict = ": ".join(filter(None, (change.verdict, reason)))
    return (what, where, metric, noise, before, after, ratio, verdict)


def _against(item: Comparison, known: changes.Known) -> tuple[str, ...]:
    sides = [
        " ".join(filter(None, (key.framework, key.version, key.mode)))
        for key in (item.a.key, item.b.key)
    ]
    key = item.a.key
    where = ", ".join(filter(None, (key.section, key.case, key.lane)))
    _, _, b, a, ratio, noise, reason = changes.row(item.change, known.catalog)
    verdict = ": ".join(filter(None, (item.change.verdict, reason)))
    return (*sides, key.machine, key.device, where, noise, a, b, ratio, verdict)


def plain(item: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON takes it: A over B, whatever they are."""
    found = changes.plain(item.change)
    names = ("unit", "ratio", "low", "high", "across", "noise", "verdict", "reason")
    return {
        "a": item.a.key._asdict(),
        "b": item.b.key._asdict(),
        "value_a": found["new"],
        "value_b": found["old"],
        **{name: found[name] for name in names},
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
