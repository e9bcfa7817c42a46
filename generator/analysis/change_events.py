"""Pure: all results -> what changed from release to release, run to run, and machine to machine.

An *event* is one such comparison: two releases of a framework in one run, a run and the one before
it, or a machine and the one that was measured first. What it finds are changes of
:mod:`generator.analysis.changes`, the same that the command line and a report of ``update`` show.
Releases of one run are compared within it, all of a framework together; the others pair by pair,
across runs.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from generator import formatting
from generator.analysis import changes
from generator.analysis import panels as models
from generator.analysis.cells import Spreads, aa_noises, group_cells
from generator.analysis.changes import Change, Known
from generator.analysis.labels import TOPICS, machine_name
from generator.catalog.freshness import Pair
from generator.results import selection
from generator.results.reading import Results

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog

Kind = Literal["releases", "runs", "machines"]
T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """One comparison of much with much.

    The kind says what differs between ``old`` and ``new``: releases, run ids or machine ids. Of two
    machines, ``machine`` is the one that joined later. ``framework`` is "" where there are several,
    ``run`` the newest one behind it; ``same_code`` says whether both sides were measured by the
    same code. What was compared comes in the order of :data:`changes.GROUPS`.
    """

    kind: Kind
    machine: str
    device: str
    framework: str
    old: str
    new: str
    run: str
    same_code: bool
    changes: tuple[Change, ...]

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
    def differing(self) -> tuple[Change, ...]:
        """Return what differs between the two sides, by what matters."""
        return tuple(change for change in self.changes if change.differs)

    @property
    def keys(self) -> frozenset[str]:
        """The run records behind it."""
        return frozenset(key for one in self.changes for key in (one.old_source, one.new_source))


Events = dict[tuple[str, ...], "Event"]
"""Whatever a comparison is about -> event."""


def find(
    loaded: Results,
    shown: pd.DataFrame,
    known: Known,
    remembered: Callable[[tuple[str, str], Callable[[], Events]], Events] = lambda _, make: make(),
) -> tuple[Event, ...]:
    """Return all events among all results and the rows that pages show, the newest first.

    What the releases of a (machine, run) say may be ``remembered``: it rests on nothing but its
    records, the noises of its machine and the spreads.
    """
    here = headlines(shown, known.catalog)
    released: Events = {}
    runs = sorted(_with_several_releases(loaded).items(), key=lambda item: item[0][1])
    for place, frameworks in runs:  # the newest run that measured both counts
        released |= remembered(place, partial(_releases, loaded, known, place, frameworks))
    found = [*released.values(), *_runs(loaded, here, known), *_machines(here, known)]
    return tuple(sorted(found, key=lambda event: event.run, reverse=True))


def draw_on(
    documents: Mapping[str, Mapping[str, Any]],
    shown: pd.DataFrame,
    catalog: Catalog,
    spreads: Spreads,
) -> Known:
    """Return what comparisons draw on.

    Args:
        documents: the run records.
        shown: rows that pages publish; their A/A noise counts where a run has no replicates.
        catalog: the folders.
        spreads: between runs.

    """
    noises = aa_noises(group_cells(headlines(shown, catalog)))
    return Known(catalog, documents, noises, spreads)


def headlines(frame: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """Return the rows that events are about: the headline of each topic, and verification."""
    metrics = [models.headline(section).id for section in catalog.sections if section.id in TOPICS]
    wanted = frame["section"].isin([*TOPICS]) & frame["metric"].isin([*metrics, "gate"])
    return frame[wanted & (frame["mode"] != "")]


def _releases(
    loaded: Results, known: Known, place: tuple[str, str], frameworks: Mapping[str, set[str]]
) -> Events:
    """Compare neighbouring releases of a (machine, run)."""
    machine, run = place
    found: Events = {}
    rows = selection.withhold(selection.of_run(loaded, run, machine))
    frame = headlines(rows, known.catalog)
    for framework, versions in sorted(frameworks.items()):
        mine = frame[frame["framework"] == framework]
        age = partial(selection.age, known.catalog.listed.get(framework, []))
        for old, new in pairwise(sorted(versions, key=age)):
            made = changes.compare(mine, Pair(framework, old, new), known)
            for device, of_device in _by_device(made):
                about = (machine, device, framework, old, new)
                found[about] = Event("releases", *about, run, True, of_device)
    return found


def _with_several_releases(loaded: Results) -> dict[tuple[str, str], dict[str, set[str]]]:
    """Return (machine, run) -> framework -> the releases that it finished, if several."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for key, document in loaded.records.items():
        machine, framework, version, run = key.split("/")
        if document["finished"] is not None and document["profile"] not in ("aa", "variants"):
            found.setdefault((machine, run), {}).setdefault(framework, set()).add(version)
    several = {
        place: {name: versions for name, versions in some.items() if len(versions) > 1}
        for place, some in found.items()
    }
    return {place: some for place, some in several.items() if some}


def together(loaded: Results, framework: str, versions: Sequence[str]) -> pd.DataFrame | None:
    """Return the rows of the newest run of each machine that measured some releases in one run.

    None where there is no such run: then they can only be compared across runs.
    """
    newest: dict[str, str] = {}
    for (machine, run), frameworks in _with_several_releases(loaded).items():
        if set(versions) <= frameworks.get(framework, set()):
            newest[machine] = max(run, newest.get(machine, run))
    if not newest:
        return None
    frames = [selection.of_run(loaded, run, machine) for machine, run in sorted(newest.items())]
    return selection.withhold(frames[0] if len(frames) == 1 else selection.stack(frames))


def _once(found: Iterable[Change]) -> list[Change]:
    """Return changes, of all sections in which a configuration broke or works again only one."""
    chosen: dict[tuple[str, ...], Change] = {}
    # Whatever fails verification is wrong everywhere else as well.
    for change in sorted(found, key=lambda change: change.key.section != "lenet"):
        key: tuple[str, ...] = change.key
        if change.verdict in (changes.BROKEN, changes.SUPPORTED):
            key = change.key._replace(section="", case="", metric="")
        chosen.setdefault(key, change)
    return sorted(chosen.values(), key=lambda change: change.rank)


def _grouped(found: Iterable[Change], key: Callable[[Change], T]) -> dict[T, tuple[Change, ...]]:
    groups: dict[T, list[Change]] = {}
    for change in _once(found):
        groups.setdefault(key(change), []).append(change)
    return {place: tuple(mine) for place, mine in groups.items()}


def _by_device(found: Iterable[Change]) -> list[tuple[str, tuple[Change, ...]]]:
    return sorted(_grouped(found, lambda change: change.key.device).items())


def _runs(loaded: Results, here: pd.DataFrame, known: Known) -> Iterator[Event]:
    """Compare what pages publish with what the run before found for the same configurations."""
    before = headlines(selection.withhold(selection.earlier(loaded, TOPICS)), known.catalog)
    made = changes.between(before, here, known, may_differ=())

    def pair(change: Change) -> tuple[str, str, bool, str, str]:
        old, new = (side.rsplit("/", 1)[1] for side in (change.old_source, change.new_source))
        return change.key.machine, change.key.device, change.same_code, old, new

    for (machine, device, same, old, new), mine in _grouped(made, pair).items():
        yield Event("runs", machine, device, "", old, new, new, same, mine)


def joined(frame: pd.DataFrame) -> list[str]:
    """Return the machines of a frame in the order in which they were first measured."""
    rows = frame[["machine", "run"]].drop_duplicates().astype(str)
    first = rows.groupby("machine")["run"].min()
    return sorted(first.index, key=lambda machine: (first[machine], machine))


def _machines(here: pd.DataFrame, known: Known) -> Iterator[Event]:
    """Compare every machine with the one that was measured first."""
    first, *others = joined(here) or [""]
    old = here[here["machine"] == first]
    for other in others:
        new = here[here["machine"] == other]
        made = changes.between(old, new, known, may_differ=("machine",))
        run = max(map(str, new["run"].unique()))
        for device, mine in _by_device(made):
            same = all(change.same_code for change in mine)
            yield Event("machines", other, device, "", first, other, run, same, mine)


def title(event: Event, catalog: Catalog, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an event as a heading."""
    first = event.changes[0]
    here = machine_name(documents[first.new_source])
    if event.kind == "releases":
        name = models.configuration(catalog, event.framework, event.new, "").framework_name
        return f"{name} {event.old} → {event.new} on {here}"
    if event.kind == "machines":
        return f"{here} against {machine_name(documents[first.old_source])}"
    return f"{here}: run {event.new} against run {event.old}"


def finished(event: Event, documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Return when the newest of the runs behind an event ended, as an ISO time."""
    ran = [documents[key] for key in event.keys]
    return max(str(record["finished"] or record["starts"][-1]) for record in ran)


def notes(event: Event, documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what else differs between the two sides."""

    def said(field: str, key: str) -> str:
        return str({**documents[key]["environment"], **documents[key]}[field])

    found = []
    ratios = [change.ratio for change in event.changes if change.ratio]
    if event.kind != "releases" and ratios:
        found.append(
            "Across runs: the spread between runs is part of each interval."
            if any(math.isfinite(ratio.low) for ratio in ratios)
            else "Across runs, of which too few were repeated to know how far apart they lie: no"
            " interval, and no verdict."
        )
    if not event.same_code:
        found.append(
            "The measuring code changed in between, so a difference may come from that."
            if event.kind == "runs"
            else "Not all of it was measured by the same code on both sides."
        )
    elif event.kind == "runs":
        found.append("Both were measured by the same code.")
    for what, field in (("profile", "profile"), ("lock", "lock_sha256"), ("Python", "python")):
        if event.kind == "releases" and field != "python":
            continue
        sides = {(change.old_source, change.new_source) for change in event.changes}
        values = {tuple(said(field, key) for key in pair) for pair in sides}
        differ = sorted((old, new) for old, new in values if old != new)
        if differ and what == "lock":
            found.append("Packages of the environments changed in between, too.")
        elif differ:
            pairs = formatting.listing([f"{old} → {new}" for old, new in differ])
            found.append(f"Other {what}: {pairs}.")
    return found


def line(change: Change, catalog: Catalog) -> str:
    """Return one change as one line: what, and what became of it."""
    key = change.key
    one = models.configuration(catalog, key.framework, key.version, "")
    topic = TOPICS.get(key.section, key.section)
    return f"{one.framework_name} {key.version}, {topic}: {changes.line(change, catalog)}"


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
