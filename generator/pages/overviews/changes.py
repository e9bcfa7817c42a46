"""Pure: what changed from release to release, from run to run and from machine to machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import change_events, changes, statistics
from generator.analysis import panels as models
from generator.analysis.change_events import Event
from generator.analysis.changes import Change
from generator.analysis.labels import DEVICES, TOPICS, machine_name
from generator.analysis.panels import Figures
from generator.pages import atom_feed
from generator.pages.inputs import Draw, Inputs
from generator.pages.markdown import escape
from generator.pages.tables import Badge, Cell, Table, number, table_if_any
from generator.pages.urls import slug

TITLE = "What changed"
GROUP = "Over time"
ORDER = 20

FEED = "changes.xml"

_BADGES = {
    changes.BROKEN: ("✕", "bad"),
    changes.SUPPORTED: ("✓", "good"),
    "faster": ("▲", "good"),
    "less": ("▲", "good"),
    "slower": ("▼", "bad"),
    "more": ("▼", "bad"),
    changes.SAME: ("=", "none"),
    changes.NOT_RESOLVED: ("?", "middle"),
    changes.NOT_COMPARED: ("–", "none"),
}
_KINDS = {
    "releases": "From release to release, within one run",
    "runs": "From run to run",
    "machines": "From machine to machine",
}


def verdict_cell(change: Change, detail: str = "") -> Cell:
    """Return the verdict on a change as a badge; below it, a detail and whether it spans runs."""
    sign, tone = _BADGES[change.verdict]
    scope = changes.scope(change.ratio) if change.ratio else ""
    detail = ", ".join(filter(None, (detail, scope)))
    return Cell("", badge=Badge(sign, change.verdict, tone), detail=detail)


def ratio_cell(ratio: statistics.Ratio | None) -> Cell:
    """Return a ratio with its 95 % interval, if it has one; a dash where there is none."""
    if ratio is None:
        return Cell("–")
    interval = f"{ratio.low:.3f} to {ratio.high:.3f}" if math.isfinite(ratio.low) else ""
    return Cell(f"{ratio.value:.3f}", float(f"{ratio.value:.6g}"), detail=interval)


@dataclass(frozen=True)
class View:
    """Events that belong together: of two machines or runs one, of releases those of a run."""

    heading: str
    anchor: str
    byline: str
    summary: str
    notes: tuple[str, ...]
    table: Table | None
    rest: Table | None
    rest_title: str


def context(
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],  # noqa: ARG001 - pages are alike
    draw: Draw,  # noqa: ARG001
) -> dict[str, Any]:
    """Return the context of the page."""
    groups: dict[str, list[Event]] = {}
    for event in inputs.events:
        groups.setdefault(_anchor(event), []).append(event)
    return {
        "title": TITLE,
        "description": "What became faster, slower or broke: between releases, runs and machines.",
        "findings": [Markup("{}\n").format(escape(text)) for text in findings(inputs.events)],
        "feed": FEED if inputs.events else "",
        "views": [_view(anchor, group, inputs) for anchor, group in groups.items()],
        "command": "generator compare --changes",
    }


def files(inputs: Inputs) -> dict[str, str]:
    """Return the files that come with the page: the feed, if there is anything in it."""
    if not inputs.events:
        return {}
    entries = [
        atom_feed.Entry(
            event.id,
            change_events.title(event, inputs.catalog, inputs.documents),
            change_events.finished(event, inputs.documents),
            f"changes.html#{_anchor(event)}",
            " ".join(
                [changes.summary(event.changes), *change_events.notes(event, inputs.documents)]
            ),
            tuple(change_events.line(change, inputs.catalog) for change in event.differing),
        )
        for event in inputs.events
    ]
    title = f"{inputs.book.article.get('title', 'Frameworks')}: {TITLE.lower()}"
    name = "symbolic-comparison\nchanges"
    return {FEED: atom_feed.atom(name, title, "generator", "changes.html", entries)}


def findings(found: Sequence[Event]) -> list[str]:
    """Say in one sentence a kind how much was compared and what became of it."""
    sentences = []
    for kind, text in _KINDS.items():
        mine = [change for event in found if event.kind == kind for change in event.changes]
        if mine:
            many = formatting.plural(len(mine), "figure")
            sentences.append(f"{text}: of {many}, {changes.summary(mine)}")
    return sentences


def _anchor(event: Event) -> str:
    """Return the anchor of what an event belongs to."""
    if event.kind == "machines":
        return slug(f"machines-{event.old}-{event.new}-{event.device}")
    return slug(f"{event.kind}-{event.run}-{event.machine}-{event.device}")


def _view(anchor: str, group: Sequence[Event], inputs: Inputs) -> View:
    first = group[0]
    here = machine_name(inputs.documents[first.changes[0].new_source])
    heading = {
        "releases": f"Successive releases on {here}",
        "runs": f"{here}, measured again on {formatting.day(first.run)}",
        "machines": change_events.title(first, inputs.catalog, inputs.documents),
    }[first.kind]
    time = max(change_events.finished(event, inputs.documents) for event in group)
    notes = [note for event in group if (note := _note(event, inputs))]
    parts = [_KINDS[first.kind], formatting.day(time), DEVICES.get(first.device, first.device)]
    # By what matters, whatever the event; releases stay in their order.
    found = sorted(
        ((event, change) for event in group for change in event.changes),
        key=lambda pair: pair[1].rank[0],
    )
    same = [pair for pair in found if not pair[1].differs]
    return View(
        heading=heading,
        anchor=anchor,
        byline=f"{', '.join(parts)}.",
        summary=changes.summary(change for event in group for change in event.changes),
        notes=tuple(dict.fromkeys(notes)),
        table=_table("What differs", [pair for pair in found if pair[1].differs], inputs),
        rest=_table("What is not shown to differ", same, inputs),
        rest_title=f"Not shown to differ: {formatting.plural(len(same), 'figure')}",
    )


def _note(event: Event, inputs: Inputs) -> str:
    """Return what is to be said about one of the events of a view."""
    notes = change_events.notes(event, inputs.documents)
    if not notes:
        return ""
    name = models.configuration(inputs.catalog, event.framework, "", "").framework_name
    about = {
        "releases": f"{name} {event.old} → {event.new}: ",
        "runs": f"{formatting.plural(len(event.changes), 'figure')} against run {event.old}: ",
        "machines": "",
    }[event.kind]
    return about + " ".join(notes)


def _table(label: str, found: Sequence[tuple[Event, Change]], inputs: Inputs) -> Table | None:
    columns = (
        "Framework", "What", number("Before"), number("After"), number("After / before, 95 %"),
        "Verdict",
    )  # fmt: skip
    return table_if_any(label, columns, [_row(*pair, inputs) for pair in found])


def _row(event: Event, change: Change, inputs: Inputs) -> tuple[Cell, ...]:
    key = change.key
    name = models.configuration(inputs.catalog, key.framework, "", "").framework_name
    where, metric, before, after, _, noise, reason = changes.row(change, inputs.catalog)
    version = f"{event.old} → {event.new}" if event.kind == "releases" else key.version
    old = formatting.day(event.old) if event.kind == "runs" else ""
    if change.verdict == changes.SUPPORTED and reason:
        reason = f"before: {reason}"
    return (
        Cell(name, detail=version),
        Cell(TOPICS.get(key.section, metric), detail=where),
        Cell(before or "rows", _sort(change.old), f"data/{change.old_source}.csv", old),
        Cell(after or "rows", _sort(change.new), f"data/{change.new_source}.csv"),
        ratio_cell(change.ratio),
        verdict_cell(change, reason or f"A/A noise {noise}"),
    )


def _sort(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
