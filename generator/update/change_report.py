"""The report of an update: what became faster, slower, or broke."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import files
from generator.catalog.freshness import Pair
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog
from generator.measure import history
from generator.results import reading, selection

if TYPE_CHECKING:
    from generator.analysis.changes import Change

COMMAND = "generator update"
"""How the command of a run begins that gets a report."""


def write_reports(
    results: Path, catalog: Catalog, notes: Sequence[str] = (), copy: Path | None = None
) -> tuple[list[Path], list[Change]]:
    """Write the report of every run of ``update`` that has none yet, into ``changes/``.

    The Markdown files are returned, and all changes that they report.

    Args:
        results: the folder of results; ``changes/`` lies in the same one.
        catalog: names of frameworks, modes and metrics.
        notes: sentences about releases, for the reports of those.
        copy: another file for the newest report.

    """
    runs: dict[str, list[dict[str, Any]]] = {}
    for path, record in history.run_records(results):
        if record["command"].startswith(COMMAND):
            runs.setdefault(path.stem, []).append(record)
    written, changes = [], []
    for run, records in sorted(runs.items()):
        path = results.resolve().parent / "changes" / f"{run}.md"
        if path.exists() or not all(record["finished"] for record in records):
            continue
        text, found = _report(results, catalog, records, notes)
        if copy is not None:
            files.replace(copy.resolve(), text.encode())
        files.replace(path, text.encode())  # last: it says that the run has its report
        written.append(path)
        changes += found
    return written, changes


def _report(
    results: Path, catalog: Catalog, records: Sequence[Mapping[str, Any]], notes: Sequence[str]
) -> tuple[str, list[Change]]:
    from generator.analysis import cells, change_events, changes
    from generator.pages import markdown

    loaded = reading.load(results)
    run, machine = records[0]["run"], str(records[0]["machine"]["id"])
    frame = selection.withhold(selection.of_run(loaded, run, machine))
    shown = selection.shown(loaded, catalog.listed)
    known = change_events.draw_on(loaded.records, shown, catalog, cells.spreads(loaded))
    subjects, every = [], []
    for id in sorted({str(record["framework"]) for record in records}):
        mine = {str(r["version"]): r for r in records if r["framework"] == id}
        age = functools.partial(selection.age, catalog.listed.get(id, []))
        *older, new = sorted(mine, key=age)
        pair = Pair(id, older[-1] if older else "", new)
        found = changes.compare(frame, pair, known) if pair.old else []
        name = next((f.name for f in catalog.frameworks if f.id == id), id)
        about = [note for note in notes if note.startswith(f"{name} ")]
        subjects.append(changes.subject(pair, found, mine, catalog, about))
        every += found
    environment = markdown.environment(ROOT / "templates")
    context = changes.report(run, subjects, records[0])
    return environment.get_template("changes.md.j2").render(context).strip() + "\n", every
