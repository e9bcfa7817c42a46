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
from generator.update.request import COMMAND, Request, catalog_of

if TYPE_CHECKING:
    from generator.analysis.changes import Change


def write_reports(request: Request, notes: Sequence[str] = ()) -> tuple[list[Path], list[Change]]:
    """Write the report of every run of ``update`` that has none yet.

    Returns:
        the Markdown files, and all changes that they tell.

    """
    catalog = catalog_of(request)
    runs: dict[str, list[dict[str, Any]]] = {}
    for path, document in history.documents(request.results):
        if document["command"].startswith(COMMAND):
            runs.setdefault(path.stem, []).append(document)
    written, told = [], []
    for run, documents in sorted(runs.items()):
        path = request.reports / f"{run}.md"
        if path.exists() or not all(document["finished"] for document in documents):
            continue
        text, found = _report(request, catalog, run, documents, notes)
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.report is not None:
            files.replace(request.report.resolve(), text.encode())
        files.replace(path, text.encode())  # last: it says that the run was told
        written.append(path)
        told += found
    return written, told


def _report(
    request: Request,
    catalog: Catalog,
    run: str,
    documents: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> tuple[str, list[Change]]:
    from generator.analysis import cells, change_events, changes
    from generator.pages import markdown

    loaded = reading.load(request.results)
    machine = str(documents[0]["machine"]["id"])
    frame = selection.withhold(selection.of_run(loaded, run, machine))
    shown = change_events.headlines(selection.shown(loaded, catalog.listed), catalog)
    bands = cells.null_bands(cells.group_cells(shown))
    subjects, told = [], []
    for id in sorted({str(document["framework"]) for document in documents}):
        mine = {str(d["version"]): d for d in documents if d["framework"] == id}
        *older, new = sorted(mine, key=functools.partial(selection.age, catalog.listed.get(id, [])))
        pair = Pair(id, older[-1] if older else "", new)
        found = changes.compare(frame, pair, catalog, bands) if pair.old else []
        name = next((f.name for f in catalog.frameworks if f.id == id), id)
        about = [note for note in notes if note.startswith(f"{name} ")]
        subjects.append(changes.subject(pair, found, mine, catalog, about))
        told += found
    environment = markdown.environment(ROOT / "templates")
    context = changes.report(run, subjects, documents[0])
    return environment.get_template("changes.md.j2").render(context).strip() + "\n", told
