"""Pure: all results -> what changed from release to release, run to run, and machine to machine.

An *event* is one such comparison: two releases of a framework in one run, a run and the one before
it, or a machine and the one that was measured first. What it finds are changes of
:mod:`generator.analysis.changes`, the same that the command line and a report of ``update`` show.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from generator import formatting
from generator.analysis import cells, changes
from generator.analysis import panels as models
from generator.analysis.cells import Key
from generator.analysis.changes import Change, Place
from generator.analysis.labels import TOPICS
from generator.catalog.freshness import Pair
from generator.results import selection
from generator.results.reading import Results

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog

Kind = Literal["releases", "runs", "machines"]

TOLD_APART = tuple(
    verdict for verdict, _ in changes.GROUPS if verdict not in (changes.SAME, changes.UNRESOLVED)
)
"""Verdicts that say that something is different."""


@dataclass(frozen=True)
class Item:
    """One change, with the documents that both sides come from (keys of ``Results.documents``)."""

    change: Change
    old: str
    new: str

    @property
    def told_apart(self) -> bool:
        """Whether the two sides differ."""
        return self.change.verdict in TOLD_APART


@dataclass(frozen=True)
class Event:
    """One comparison of much with much.

    Attributes:
        kind: what differs between the two sides.
        machine: where; of two machines, the one that joined later.
        device: on which.
        framework: of two releases; "" where there are several.
        old, new: releases, run ids or machine ids.
        run: the newest one behind it.
        same_code: whether both sides were measured by the same code.
        items: what was compared, in the order of :data:`changes.GROUPS`.

    """

    kind: Kind
    machine: str
    device: str
    framework: str
    old: str
    new: str
    run: str
    same_code: bool
    items: tuple[Item, ...]

    @property
    def id(self) -> str:
        """Return a name that never changes and that nothing else has."""
        # Two machines are compared again and again; releases and runs, once in each run.
        run = "" if self.kind == "machines" else self.run
        parts = (
            "symbolic-comparison", self.kind, self.machine, self.device, self.framework, self.old,
            self.new, run, "" if self.same_code else "code",
        )  # fmt: skip
        return uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(parts)).urn

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was found, without where it comes from."""
        return tuple(item.change for item in self.items)

    @property
    def keys(self) -> frozenset[str]:
        """The documents behind it."""
        return frozenset(key for item in self.items for key in (item.old, item.new))


def find(loaded: Results, shown: pd.DataFrame, catalog: Catalog) -> tuple[Event, ...]:
    """Return all events, the newest first.

    Args:
        loaded: everything.
        shown: rows of :func:`generator.results.reading.select` that pages show.
        catalog: knows metrics, and the order of releases.

    """
    here = headlines(shown, catalog)
    bands = cells.null_bands(cells.group_cells(here))
    found = [
        *_releases(loaded, catalog, bands),
        *_runs(loaded, here, catalog, bands),
        *_machines(here, catalog, bands),
    ]
    return tuple(sorted(found, key=lambda event: event.run, reverse=True))


def headlines(frame: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """Return the rows that events are about: the headline of each topic, and the gates."""
    metrics = [models.headline(catalog.section(id)).id for id in _topics(catalog)]
    wanted = (
        frame["section"].isin(_topics(catalog))
        & frame["metric"].isin([*metrics, "gate"])
        & (frame["mode"] != "")
    )
    return frame[wanted]


def _topics(catalog: Catalog) -> list[str]:
    return [section.id for section in catalog.sections if section.id in TOPICS]


# ---------------------------------------------------------------------------------------- releases


def _releases(loaded: Results, catalog: Catalog, bands: Mapping[Place, float]) -> Iterable[Event]:
    """Compare neighbouring releases, in the newest run that measured both."""
    found: dict[tuple[str, ...], Event] = {}
    for (machine, run), frameworks in sorted(_beside(loaded).items(), key=lambda item: item[0][1]):
        frame = headlines(selection.withhold(selection.of_run(loaded, run, machine)), catalog)
        for framework, versions in sorted(frameworks.items()):
            age = partial(selection.age, catalog.listed.get(framework, []))
            for old, new in pairwise(sorted(versions, key=age)):
                pair = Pair(framework, old, new)
                for device, items in _compared(frame, pair, catalog, bands).items():
                    place = (machine, device, framework, old, new)
                    found[place] = Event(
                        "releases", machine, device, framework, old, new, run, True, items
                    )
    return found.values()


def _beside(loaded: Results) -> dict[tuple[str, str], dict[str, set[str]]]:
    """Return (machine, run) -> framework -> the releases that it finished, if several."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for key, document in loaded.documents.items():
        machine, framework, version, run = key.split("/")
        if document["finished"] is not None and document["profile"] != "aa":
            found.setdefault((machine, run), {}).setdefault(framework, set()).add(version)
    several = {
        place: {name: versions for name, versions in some.items() if len(versions) > 1}
        for place, some in found.items()
    }
    return {place: some for place, some in several.items() if some}


def _compared(
    frame: pd.DataFrame, pair: Pair, catalog: Catalog, bands: Mapping[Place, float]
) -> dict[str, tuple[Item, ...]]:
    """Return device -> what became of a pair; of the history, in the mode that stood for each."""
    frame = frame[frame["framework"] == pair.framework]
    old, new = (frame[frame["version"] == version] for version in (pair.old, pair.new))
    if not (len(old) and len(new)):
        return {}
    own = cells.null_bands(cells.group_cells(frame), bands=bands)
    alone = str(new["profile"].iloc[0]) == "history"
    may_differ = ("version", "mode") if alone else ("version",)
    made = _items(old, new, changes.between(old, new, catalog, own, may_differ=may_differ))
    devices = sorted({item.change.key.device for item in made})
    return {
        device: tuple(item for item in made if item.change.key.device == device)
        for device in devices
    }


def _items(old: pd.DataFrame, new: pd.DataFrame, found: Iterable[Change]) -> list[Item]:
    """Return changes with where both sides come from; one a configuration that broke or mended."""
    left, right = _origins(old), _origins(new)
    made: list[Item] = []
    told: set[tuple[str, ...]] = set()
    # Whatever is wrong at the gate is wrong everywhere else as well.
    for change in sorted(found, key=lambda change: change.key.section != "lenet"):
        if change.verdict in (changes.BROKEN, changes.SUPPORTED):
            one = change.key
            place = (one.machine, one.framework, one.version, one.mode, one.device, one.lane)
            if place in told:
                continue
            told.add(place)
        made.append(Item(change, left[change.before[:7]], right[change.key[:7]]))
    return sorted(made, key=lambda item: (changes.weight(item.change), item.change.key))


_CONFIGURATION = list(Key._fields[:7])


def _origins(frame: pd.DataFrame, column: str = "provenance") -> dict[tuple[str, ...], str]:
    """Return (machine, framework, version, section, mode, device, lane) -> the rows' document."""
    rows = frame[[*_CONFIGURATION, column]].drop_duplicates(_CONFIGURATION)
    return {tuple(map(str, row[:-1])): str(row[-1]) for row in rows.itertuples(index=False)}


# -------------------------------------------------------------------------------------------- runs


def _runs(
    loaded: Results, here: pd.DataFrame, catalog: Catalog, bands: Mapping[Place, float]
) -> Iterable[Event]:
    """Compare what pages show with what the run before found for the same configurations."""
    before = selection.earlier(loaded, _topics(catalog))
    before = headlines(selection.withhold(before), catalog)
    made = _items(before, here, changes.between(before, here, catalog, bands, may_differ=()))
    codes = _origins(before, "code"), _origins(here, "code")
    groups: dict[tuple[str, str, bool, str, str], list[Item]] = {}
    for item in made:
        key = item.change.key
        same = codes[0][item.change.before[:7]] == codes[1][key[:7]]
        old, new = (side.rsplit("/", 1)[1] for side in (item.old, item.new))
        groups.setdefault((key.machine, key.device, same, old, new), []).append(item)
    return [
        Event("runs", machine, device, "", old, new, new, same, tuple(items))
        for (machine, device, same, old, new), items in groups.items()
    ]


# ---------------------------------------------------------------------------------------- machines


def joined(frame: pd.DataFrame) -> list[str]:
    """Return the machines of a frame in the order in which they were first measured."""
    rows = frame[["machine", "run"]].drop_duplicates()
    first: dict[str, str] = {}
    for machine, run in rows.astype(str).itertuples(index=False):
        first[machine] = min(run, first.get(machine, run))
    return sorted(first, key=lambda machine: (first[machine], machine))


def _machines(
    here: pd.DataFrame, catalog: Catalog, bands: Mapping[Place, float]
) -> Iterable[Event]:
    """Compare every machine with the one that was measured first."""
    first, *others = joined(here) or [""]
    old = here[here["machine"] == first]
    for other in others:
        new = here[here["machine"] == other]
        made = _items(old, new, changes.between(old, new, catalog, bands, may_differ=("machine",)))
        run = max(map(str, new["run"].unique()))
        for device in sorted({item.change.key.device for item in made}):
            mine = tuple(item for item in made if item.change.key.device == device)
            codes = _origins(old, "code"), _origins(new, "code")
            same = all(
                codes[0][item.change.before[:7]] == codes[1][item.change.key[:7]] for item in mine
            )
            yield Event("machines", other, device, "", first, other, run, same, mine)


# ------------------------------------------------------------------------------------------- words


def machine_name(document: Mapping[str, Any]) -> str:
    """Return what a machine is called in a heading: its processor and cores."""
    machine = document["machine"]
    return f"{machine['cpu']}, {formatting.plural(machine['cores'], 'core')}"


def title(event: Event, catalog: Catalog, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an event as a heading."""
    first = event.items[0]
    here = machine_name(documents[first.new])
    if event.kind == "releases":
        name = models.configuration(catalog, event.framework, event.new, "").framework_name
        return f"{name} {event.old} → {event.new} on {here}"
    if event.kind == "machines":
        return f"{here} beside {machine_name(documents[first.old])}"
    return f"{here}: run {event.new} against run {event.old}"


def finished(event: Event, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return when the newest of the runs behind an event ended, as an ISO time."""
    return max(str(documents[key]["finished"] or documents[key]["starts"][-1])
               for key in event.keys)  # fmt: skip


def notes(event: Event, documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what else differs between the two sides."""
    said = []
    paired = [item.change.ratio.paired for item in event.items if item.change.ratio]
    if paired and not any(paired):
        said.append("They share no blocks, so the comparison is unpaired.")
    if not event.same_code:
        said.append(
            "The measuring code changed in between, so a difference may be its doing."
            if event.kind == "runs"
            else "Not all of it was measured by the same code on both sides."
        )
    elif event.kind == "runs":
        said.append("Both were measured by the same code.")
    for what, field in (("profile", "profile"), ("lock", "lock_sha256"), ("Python", "python")):
        if event.kind == "releases" and field != "python":
            continue
        differ = sorted(
            {
                (side(item.old, field, documents), side(item.new, field, documents))
                for item in event.items
                if side(item.old, field, documents) != side(item.new, field, documents)
            }
        )
        if differ and what == "lock":
            said.append("Packages of the environments changed in between, too.")
        elif differ:
            pairs = formatting.listing([f"{old} → {new}" for old, new in differ])
            said.append(f"Other {what}: {pairs}.")
    return said


def side(key: str, field: str, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a field of a document or of its environment."""
    document = documents[key]
    return str(document[field] if field in document else document["environment"][field])


def told(event: Event) -> tuple[Item, ...]:
    """Return what is different, by what matters."""
    return tuple(item for item in event.items if item.told_apart)


def untold(event: Event) -> tuple[Item, ...]:
    """Return the rest: no practical difference, or unresolved."""
    return tuple(item for item in event.items if not item.told_apart)


def line(item: Item, catalog: Catalog) -> str:
    """Return one change as one line: what, and what became of it."""
    key = item.change.key
    one = models.configuration(catalog, key.framework, key.version, "")
    topic = TOPICS.get(key.section, key.section)
    return f"{one.framework_name} {key.version}, {topic}: {changes.line(item.change, catalog)}"


def plain(
    event: Event, catalog: Catalog, documents: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return an event as JSON takes it."""
    return {
        "id": event.id,
        "kind": event.kind,
        "title": title(event, catalog, documents),
        "finished": finished(event, documents),
        "same_code": event.same_code,
        "summary": changes.summary(event.changes),
        "notes": notes(event, documents),
        "changes": [changes.plain(change) for change in event.changes],
    }


def together(loaded: Results, framework: str, versions: Sequence[str]) -> pd.DataFrame | None:
    """Return the rows of the newest run of each machine that measured some releases side by side.

    None where there is no such run: then they can only be compared across runs.
    """
    newest: dict[str, str] = {}
    for (machine, run), frameworks in _beside(loaded).items():
        if set(versions) <= frameworks.get(framework, set()):
            newest[machine] = max(run, newest.get(machine, run))
    if not newest:
        return None
    frames = [selection.of_run(loaded, run, machine) for machine, run in sorted(newest.items())]
    return selection.withhold(frames[0] if len(frames) == 1 else selection.stack(frames))
