"""Looks for new releases, locks them, measures them beside the release before, says what changed.

The order of steps makes it safe to kill at any moment: the index is asked first, for all
frameworks; then locks are made and tried in a scratch folder; only then they are moved into the
repository, and ``framework.toml`` after them; then both releases are measured, the report is
written, and the snapshot of the index last. What was begun is found again by the same command: a
release that is listed and locked but not measured, and a run without a report.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import files
from generator.catalog.freshness import Pair
from generator.catalog.model import Catalog
from generator.errors import EnvironmentMissing, GeneratorError, InputError
from generator.measure import environments, history, plan, runner
from generator.measure import machine as machines
from generator.measure import request as measuring
from generator.results import schema
from generator.update.change_report import write_reports
from generator.update.lock_release import lock_release
from generator.update.package_watch import News, take_snapshot
from generator.update.request import COMMAND, Request, catalog_of, chosen_frameworks, release_pair

if TYPE_CHECKING:
    from generator.analysis.changes import Change


@dataclass
class Outcome:
    """What an update did.

    ``faults`` are releases that could not be locked, with the reason: they were left as they were.
    """

    locked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    run: runner.Outcome | None = None
    plan: plan.Plan | None = None
    reports: list[Path] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anything failed (exit code 1)."""
        return bool(self.faults or (self.run and self.run.failed))


# ------------------------------------------------------------------------------------- measuring


def pending(request: Request, catalog: Catalog) -> list[Pair]:
    """Return the newest release of each chosen framework that was never measured to its end.

    That is on this device, if its other releases are measured there: a machine that has no such
    device is not asked for results that nobody has.
    """
    documents = [document for _, document in history.documents(request.results)]
    here = machines.this().id
    found = []
    for framework in chosen_frameworks(request, catalog):
        pair = release_pair(framework)
        mine = [d for d in documents if d["framework"] == framework.id]
        there = [d for d in mine if d["device"] == request.device] or mine
        measured = [d for d in there if d["version"] == pair.new and d["finished"]]
        cut = [
            d for d in mine
            if d["version"] in (pair.old, pair.new) and not d["finished"]
            and d["machine"]["id"] == here and d["device"] == request.device
            and d["command"].startswith(COMMAND)
        ]  # fmt: skip
        if cut or not measured:
            found.append(pair)
    return found


def prepare(
    request: Request, catalog: Catalog, pairs: Sequence[Pair]
) -> tuple[plan.Plan, measuring.Request]:
    """Return the plan that measures pairs of releases in the same blocks, and its request."""
    names = [
        f"{pair.framework}=={version}"
        for pair in pairs
        for version in (pair.old, pair.new)
        if version
    ]
    sections = request.sections or tuple(
        section.id for section in catalog.sections if section.measured and not section.apart
    )
    asked = dataclasses.replace(request, frameworks=tuple(names), sections=sections)
    made = measuring.prepare(asked, catalog)
    if not request.modes:
        made = lean(made, pairs, catalog, banded=_has_twins(request))
    return made, asked


def lean(made: plan.Plan, pairs: Sequence[Pair], catalog: Catalog, *, banded: bool) -> plan.Plan:
    """Leave out of a quick plan what the question "what did the release change" can spare.

    The modes that stand for the two releases run in every block, all others once: that shows
    whether the gate still passes. Training to the accuracy target takes one process, which has no
    interval to compare, so only the new release does it.

    Args:
        made: a plan; one whose side modes run in every block is left as it is.
        pairs: the releases that it compares.
        catalog: knows which mode stands for which.
        banded: whether this machine's null band is known already, so that no twins are needed.

    """
    if made.profile.repeats == "modes":
        return made
    standing = {
        pair.framework: {
            framework.standard(framework.version(version)).id
            for version in (pair.old, pair.new)
            if version
        }
        for pair in pairs
        for framework in [catalog.framework(pair.framework)]
    }
    new = {(pair.framework, pair.new) for pair in pairs}
    jobs = tuple(
        dataclasses.replace(job, accuracy=job.accuracy and (job.framework, job.version) in new)
        for job in made.jobs
        if (job.block == 0 or job.mode in standing[job.framework])
        and not (banded and job.case == plan.AGAIN)
    )
    return dataclasses.replace(made, jobs=jobs)


def _has_twins(request: Request) -> bool:
    """Whether a finished run of this machine holds twins: a run that is cut off keeps its plan."""
    here = machines.this().id
    return any(
        document["finished"]
        and document["machine"]["id"] == here
        and document["device"] == request.device
        and any(job["case"] == plan.AGAIN for job in document["jobs"])
        for _, document in history.documents(request.results)
    )


def planned(request: Request, catalog: Catalog, news: Sequence[News]) -> list[Pair]:
    """Return the pairs that an update would measure."""
    new = {n.framework.id: n.wanted for n in news if n.wanted is not None}
    waiting = {pair.framework: pair for pair in pending(request, catalog)}
    pairs = []
    for framework in chosen_frameworks(request, catalog):
        wanted = new.get(framework.id)
        if wanted is not None:
            pairs.append(Pair(framework.id, framework.newest.version, wanted.version))
        elif framework.id in waiting:
            pairs.append(waiting[framework.id])
    return pairs


def imagined(catalog: Catalog, news: Sequence[News]) -> Catalog:
    """Return the catalog as it would be with the new releases: for a plan that writes nothing."""
    new = {n.framework.id: n.wanted for n in news if n.wanted is not None}
    frameworks = []
    for framework in catalog.frameworks:
        wanted = new.get(framework.id)
        versions = framework.versions
        if wanted is not None:
            versions += (dataclasses.replace(framework.newest, version=wanted.version),)
        frameworks.append(dataclasses.replace(framework, versions=versions))
    return dataclasses.replace(catalog, frameworks=tuple(frameworks))


# -------------------------------------------------------------------------------------- the command


Saying = Callable[[str], None]


def run(
    request: Request,
    news: Sequence[News],
    say: Saying,
    measure: Callable[[plan.Plan, measuring.Request, Catalog], runner.Outcome] = runner.run,
) -> Outcome:
    """Lock what is new, measure it, write the report, and then the snapshot.

    Args:
        request: what was asked for.
        news: of :func:`look`.
        say: told in one line what begins.
        measure: runs a plan.

    Returns:
        What happened. A release that cannot be locked is left as it was, the others go on.

    Raises:
        GeneratorError: another update is running.
        KeyboardInterrupt: after everything finished was written.

    """
    with _alone(request.folder):
        outcome = Outcome()
        asked = []
        for item in news:
            name = f"{item.framework.id} {item.wanted.version if item.wanted else ''}".strip()
            try:
                if item.wanted is not None:
                    say(f"locking and installing {name}")
                    outcome.notes += lock_release(item, request.device)
                    outcome.locked.append(name)
                asked.append(item)
            except (EnvironmentMissing, InputError) as error:
                outcome.faults.append(f"{name}: left as it was: {error}")
        catalog = catalog_of(request)
        failed = {n.framework.id for n in news} - {n.framework.id for n in asked}
        pairs = [pair for pair in pending(request, catalog) if pair.framework not in failed]
        if pairs:
            made, measured = prepare(request, catalog, pairs)
            outcome.plan, outcome.run = made, measure(made, measured, catalog)
        outcome.reports, outcome.changes = write_reports(request, outcome.notes)
        if asked:
            take_snapshot(request, catalog, asked)
        return outcome


def plain(outcome: Outcome, news: Sequence[News]) -> dict[str, Any]:
    """Return what an update did as JSON takes it."""
    from generator.analysis import changes

    return {
        "index": [item.plain() for item in news],
        "locked": outcome.locked,
        "faults": outcome.faults,
        "notes": outcome.notes,
        "run": outcome.run.run if outcome.run else None,
        "counts": outcome.run.counts if outcome.run else {},
        "failures": outcome.run.failures if outcome.run else [],
        "findings": outcome.run.findings if outcome.run else [],
        "reports": [str(path) for path in outcome.reports],
        "changes": [changes.plain(change) for change in outcome.changes],
    }


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second update of the same folders out: both would list the same release."""
    name = schema.one_line(folder).replace("/", "_")[-100:]
    try:
        with files.locked(environments.cache_folder() / f"update{name}.lock", timeout=0):
            yield
    except TimeoutError as error:
        raise GeneratorError(
            f"another `generator update` works on {folder}; wait until it has ended"
        ) from error
