"""Pure: what changed from release to release, from run to run and from machine to machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import change_events, changes
from generator.analysis import panels as models
from generator.analysis.change_events import Event, Item
from generator.analysis.labels import DEVICES, TOPICS
from generator.analysis.panels import Figures
from generator.pages import atom_feed
from generator.pages.inputs import Draw, Inputs
from generator.pages.markdown import escape
from generator.pages.tables import Badge, Cell, Column, Table
from generator.pages.urls import slug

TITLE = "What changed"
GROUP = "Over time"
ORDER = 20

FEED = "changes.xml"

BADGES = {
    changes.BROKEN: Badge("✕", changes.BROKEN, "bad"),
    changes.SUPPORTED: Badge("✓", changes.SUPPORTED, "good"),
    "faster": Badge("▲", "faster", "good"),
    "less": Badge("▲", "less", "good"),
    "slower": Badge("▼", "slower", "bad"),
    "more": Badge("▼", "more", "bad"),
    changes.SAME: Badge("=", changes.SAME, "none"),
    changes.UNRESOLVED: Badge("?", changes.UNRESOLVED, "middle"),
}
_KINDS = {
    "releases": "From release to release",
    "runs": "From run to run",
    "machines": "From machine to machine",
}


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
    """Return the files that stand beside the page: the feed, if there is anything to tell."""
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
            tuple(change_events.line(item, inputs.catalog) for item in change_events.told(event)),
        )
        for event in inputs.events
    ]
    title = f"{inputs.book.article.get('title', 'Frameworks')}: {TITLE.lower()}"
    return {
        FEED: atom_feed.atom(
            "symbolic-comparison\nchanges", title, _AUTHOR, "changes.html", entries
        )
    }


_AUTHOR = "generator"


def findings(found: Sequence[Event]) -> list[str]:
    """Say in one sentence a kind how much was compared and how much of it differs."""
    sentences = []
    for kind, words in _KINDS.items():
        mine = [item for event in found if event.kind == kind for item in event.items]
        if mine:
            made = [item.change for item in mine]
            different = sum(item.told_apart for item in mine)
            sentences.append(
                f"{words}: {different} of {formatting.plural(len(mine), 'comparison')}"
                f" {'is' if different == 1 else 'are'} told apart ({changes.summary(made)[:-1]})."
            )
    return sentences


def _anchor(event: Event) -> str:
    """Return the anchor of what an event belongs to."""
    if event.kind == "releases":
        return slug(f"releases-{event.run}-{event.machine}-{event.device}")
    if event.kind == "runs":
        return slug(f"runs-{event.run}-{event.machine}-{event.device}")
    return slug(f"machines-{event.old}-{event.new}-{event.device}")


def _view(anchor: str, group: Sequence[Event], inputs: Inputs) -> View:
    first = group[0]
    here = change_events.machine_name(inputs.documents[first.items[0].new])
    heading = {
        "releases": f"Releases beside each other on {here}",
        "runs": f"{here}, measured again on {formatting.day(first.run)}",
        "machines": change_events.title(first, inputs.catalog, inputs.documents),
    }[first.kind]
    time = max(change_events.finished(event, inputs.documents) for event in group)
    notes = [note for event in group if (note := _note(event, inputs))]
    parts = [_KINDS[first.kind], formatting.day(time), DEVICES.get(first.device, first.device)]
    told = [(event, item) for event in group for item in change_events.told(event)]
    untold = [(event, item) for event in group for item in change_events.untold(event)]
    return View(
        heading=heading,
        anchor=anchor,
        byline=f"{', '.join(parts)}.",
        summary=changes.summary(change for event in group for change in event.changes),
        notes=tuple(dict.fromkeys(notes)),
        table=_table("What is different", told, inputs),
        rest=_table("What is not told apart", untold, inputs),
        rest_title=f"Not told apart: {formatting.plural(len(untold), 'comparison')}",
    )


def _note(event: Event, inputs: Inputs) -> str:
    """Return what is to be said about one of the events of a view."""
    said = change_events.notes(event, inputs.documents)
    if not said:
        return ""
    name = models.configuration(inputs.catalog, event.framework, "", "").framework_name
    about = {
        "releases": f"{name} {event.old} → {event.new}: ",
        "runs": f"{formatting.plural(len(event.items), 'comparison')} with run {event.old}: ",
        "machines": "",
    }[event.kind]
    return about + " ".join(said)


def _table(label: str, found: Sequence[tuple[Event, Item]], inputs: Inputs) -> Table | None:
    if not found:
        return None
    # By what matters, whatever the event; releases stay in their order.
    ordered = sorted(found, key=lambda pair: changes.weight(pair[1].change))
    columns = (
        Column("Framework"),
        Column("What"),
        Column("Before", number=True),
        Column("After", number=True),
        Column("After / before, 95 %", number=True),
        Column("Null band", number=True),
        Column("Verdict"),
    )
    return Table(label, columns, tuple(_row(event, item, inputs) for event, item in ordered))


def _row(event: Event, item: Item, inputs: Inputs) -> tuple[Cell, ...]:
    change, key = item.change, item.change.key
    name = models.configuration(inputs.catalog, key.framework, "", "").framework_name
    where, metric, before, after, ratio, band, _, reason = changes.row(change, inputs.catalog)
    version = f"{event.old} → {event.new}" if event.kind == "releases" else key.version
    value, _, interval = ratio.partition(" ")
    old = formatting.day(event.old) if event.kind == "runs" else ""
    if change.verdict == changes.SUPPORTED and reason:
        reason = f"before: {reason}"
    return (
        Cell(name, detail=version),
        Cell(TOPICS.get(key.section, metric), detail=where),
        Cell(before or "rows", _sort(change.old), f"data/{item.old}.csv", old),
        Cell(after or "rows", _sort(change.new), f"data/{item.new}.csv"),
        Cell(
            value or "–",
            None if change.ratio is None else _sort(change.ratio.value),
            detail=interval.strip("[]()").replace(", ", " to "),
        ),
        Cell(band or "–"),
        Cell("", badge=BADGES[change.verdict], detail=reason),
    )


def _sort(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
