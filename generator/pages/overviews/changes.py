"""Pure: what changed from release to release, from run to run and from machine to machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from generator import formatting
from generator.analysis import change_events, changes, statistics
from generator.analysis.change_events import Event
from generator.analysis.changes import Change
from generator.analysis.labels import DEVICES, TOPICS, machine_name
from generator.pages import atom_feed
from generator.pages.inputs import Inputs
from generator.pages.parts import Block, Part
from generator.pages.tables import DASH, Cell, Table, marked, number, table
from generator.pages.urls import slug

TITLE = "What changed"
GROUP = "Over time"
ORDER = 20

FEED = "changes.xml"

_KINDS = {
    "releases": "From release to release, within one run",
    "runs": "From run to run",
    "machines": "From machine to machine",
}


def verdict_cell(change: Change, detail: str = "") -> Cell:
    """Return the verdict on a change as a badge; below it, a detail and why it has no interval."""
    ratio = change.ratio
    bare = changes.scope(ratio) if ratio and not math.isfinite(ratio.low) else ""
    return marked(change.verdict, detail=", ".join(filter(None, (detail, bare))))


def ratio_cell(ratio: statistics.Ratio | None) -> Cell:
    """Return a ratio with its 95 % interval, if it has one; a dash where there is none."""
    if ratio is None:
        return DASH
    interval = f"{ratio.low:.3f} to {ratio.high:.3f}" if math.isfinite(ratio.low) else ""
    return Cell(f"{ratio.value:.3f}", ratio.value, detail=interval)


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    return {
        "title": "What became faster, slower or broke?",
        "description": "What became faster, slower or broke: between releases, runs and machines.",
        "parts": [
            _part(kind, mine, inputs)
            for kind in _KINDS
            if (mine := [event for event in inputs.events if event.kind == kind])
        ],
        "command": "generator update",
    }


def files(inputs: Inputs) -> dict[str, str]:
    """Return the files that come with the page: the feed, which every page announces."""
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
    own = f"{inputs.address}report/{FEED}" if inputs.address else ""
    return {FEED: atom_feed.atom(name, title, "generator", "changes.html", entries, own)}


def finding(found: Sequence[Event]) -> str:
    """Say in one sentence how much was compared, of events of one kind, and what became of it."""
    mine = [change for event in found for change in event.changes]
    many = formatting.plural(len(mine), "figure")
    return f"{_KINDS[found[0].kind]}: of {many}, {changes.summary(mine)}"


def _part(kind: str, found: Sequence[Event], inputs: Inputs) -> Part:
    """Return all that differs in one table, and everything else folded, by run or machines."""
    groups: dict[str, list[Event]] = {}
    for event in found:
        groups.setdefault(_anchor(event), []).append(event)
    return Part(
        tab=kind.capitalize(),
        anchor=f"changes-{kind}",
        answer=finding(found),
        foot="",
        blocks=(Block("", "", "", (_table("What differs", found, inputs, differs=True),)),),
        folds=tuple(_fold(anchor, group, inputs) for anchor, group in groups.items()),
    )


def _anchor(event: Event) -> str:
    """Return the anchor of what an event belongs to."""
    if event.kind == "machines":
        return slug(f"machines-{event.old}-{event.new}-{event.device}")
    return slug(f"{event.kind}-{event.run}-{event.machine}-{event.device}")


def _fold(anchor: str, group: Sequence[Event], inputs: Inputs) -> Block:
    """Return what does not differ in a run, or between two machines, and what else to know."""
    first = group[0]
    here = machine_name(inputs.documents[first.changes[0].new_source])
    day = formatting.day(max(change_events.finished(event, inputs.documents) for event in group))
    names = {inputs.name(one.framework) for one in group}
    heading = {
        "releases": f"Releases of {formatting.listing(sorted(names))} on {here}, {day}",
        "runs": f"{here}, measured again on {day}",
        "machines": change_events.title(first, inputs.catalog, inputs.documents),
    }[first.kind]
    known = (
        {"Between": Cell(_between(event, inputs)), "What": Cell(" ".join(said))}
        for event in group
        if (said := change_events.notes(event, inputs.documents))
    )
    tables = (
        _table("What is not shown to differ", group, inputs, differs=False),
        table("What else differs", known, plain=True),
    )
    summary = changes.summary(change for event in group for change in event.changes)
    device = DEVICES.get(first.device, first.device)
    return Block(heading, anchor, f"{device}: {summary}", tables)


def _between(event: Event, inputs: Inputs) -> str:
    return {
        "releases": f"{inputs.name(event.framework)} {event.old} → {event.new}",
        "runs": f"{formatting.plural(len(event.changes), 'figure')} against run {event.old}",
        "machines": f"{event.old} → {event.new}",
    }[event.kind]


def _table(label: str, found: Sequence[Event], inputs: Inputs, *, differs: bool) -> Table | None:
    """Return changes by what matters, whatever the event; releases stay in their order."""
    mine = [(event, one) for event in found for one in event.changes if one.differs == differs]
    mine.sort(key=lambda pair: pair[1].rank[0])
    return table(label, (_row(*pair, inputs) for pair in mine))


def _row(event: Event, change: Change, inputs: Inputs) -> dict[Any, Cell]:
    key = change.key
    where, metric, before, after, _, noise, reason = changes.row(change, inputs.catalog)
    between = f"{event.old} → {event.new}"
    version = {"releases": between, "machines": f"{key.version}, {between}"}.get(
        event.kind, key.version
    )
    old = formatting.day(event.old) if event.kind == "runs" else ""
    if change.verdict == changes.SUPPORTED and reason:
        reason = f"before: {reason}"
    return {
        "Framework": Cell(inputs.name(key.framework), detail=version),
        "Verdict": verdict_cell(
            change, reason or f"A/A noise {noise}".replace(" ", "\N{NO-BREAK SPACE}")
        ),
        "What": Cell(TOPICS.get(key.section, metric), detail=where),
        number("After / before, 95 %"): ratio_cell(change.ratio),
        number("Before"): Cell(before or "rows", change.old, f"data/{change.old_source}.csv", old),
        number("After"): Cell(after or "rows", change.new, f"data/{change.new_source}.csv"),
    }
