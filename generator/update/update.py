"""Looks for new releases, locks them, measures them against the release before, says what changed.

The order of steps makes it safe to kill at any moment: the index is queried first, for all
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
from generator.catalog import loader as catalogs
from generator.catalog.freshness import Pair
from generator.catalog.model import Catalog
from generator.errors import EnvironmentMissing, GeneratorError, InputError
from generator.measure import environments, history, ownership, plan, runner
from generator.measure import machine as machines
from generator.measure import request as measuring
from generator.measure.request import Request
from generator.results import schema
from generator.update.change_report import COMMAND, write_reports
from generator.update.lock_release import lock_release
from generator.update.package_watch import News, take_snapshot

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

    def plain(self, news: Sequence[News]) -> dict[str, Any]:
        """Return it as JSON takes it, with what the index had."""
        from generator.analysis import changes

        measured = self.run or runner.Outcome("")
        return {
            "index": [item.plain() for item in news],
            "locked": self.locked,
            "faults": self.faults,
            "notes": self.notes,
            "run": measured.run or None,
            "counts": measured.counts,
            "failures": measured.failures,
            "findings": measured.findings,
            "reports": [str(path) for path in self.reports],
            "changes": [changes.plain(change) for change in self.changes],
        }


def pending(request: Request, catalog: Catalog) -> list[Pair]:
    """Return newest and previous release of each chosen framework whose newest was never measured.

    That is to its end and on this device, if its other releases are measured there: a machine
    that has no such device is not asked for results that nobody has.
    """
    records = [record for _, record in history.run_records(request.results)]
    ids = dict.fromkeys(name.partition("==")[0].strip() for name in request.frameworks)
    found = []
    for framework in [catalog.framework(id) for id in ids] or catalog.frameworks:
        old, new = ["", *catalog.listed[framework.id]][-2:]
        mine = [record for record in records if record["framework"] == framework.id]
        there = [record for record in mine if record["device"] == request.device]
        measured = any(r["version"] == new and r["finished"] for r in there or mine)
        cut_off = any(
            r["version"] in (old, new) and not r["finished"]
            and r["machine"]["id"] == machines.this().id and r["command"].startswith(COMMAND)
            for r in there
        )  # fmt: skip
        if cut_off or not measured:
            found.append(Pair(framework.id, old, new))
    return found


def imagined(catalog: Catalog, news: Sequence[News]) -> Catalog:
    """Return the catalog as it would be with the new releases: for a plan that writes nothing."""
    frameworks = {framework.id: framework for framework in catalog.frameworks}
    for item in news:
        if item.wanted is not None:
            own = frameworks[item.framework.id]
            new = dataclasses.replace(own.newest, version=item.wanted.version)
            frameworks[own.id] = dataclasses.replace(own, versions=(*own.versions, new))
    return dataclasses.replace(catalog, frameworks=tuple(frameworks.values()))


def prepare(request: Request, catalog: Catalog, pairs: Sequence[Pair]) -> tuple[plan.Plan, Request]:
    """Return the plan that measures pairs of releases in the same blocks, and its request."""
    names = tuple(
        f"{pair.framework}=={version}"
        for pair in pairs
        for version in (pair.old, pair.new)
        if version
    )
    sections = request.sections or tuple(
        section.id for section in catalog.sections if section.measured and not section.apart
    )
    both = dataclasses.replace(
        request, frameworks=names, sections=sections, force=True, installation=True
    )
    made = measuring.prepare(both, catalog)
    if not request.modes:
        made = _reduced(made, pairs, catalog, noise_known=_has_replicates(request))
    return made, both


def _reduced(
    made: plan.Plan, pairs: Sequence[Pair], catalog: Catalog, *, noise_known: bool
) -> plan.Plan:
    """Leave out of a quick plan what the question "what did the release change" does not need.

    The modes that stand for the two releases run in every block, all others once: that shows
    whether they still pass verification. Training to the accuracy target takes one process, which
    has no interval to compare, so only the new release does it. Where this machine knows its A/A
    noise, no A/A replicates are needed. A plan whose side modes run in every block is left as it
    is.
    """
    if made.profile.repeats == "modes":
        return made
    standing = {
        (pair.framework, framework.standard(framework.version(version), made.device).id)
        for pair in pairs
        for framework in [catalog.framework(pair.framework)]
        for version in (pair.old, pair.new)
        if version
    }
    new = {(pair.framework, pair.new) for pair in pairs}
    jobs = tuple(
        dataclasses.replace(job, accuracy=job.accuracy and (job.framework, job.version) in new)
        for job in made.jobs
        if (job.block == 0 or (job.framework, job.mode) in standing)
        and not (noise_known and schema.is_again(job.case))
    )
    return dataclasses.replace(made, jobs=jobs)


def _has_replicates(request: Request) -> bool:
    """Whether a finished run here has A/A replicates: a run that was cut off keeps its plan."""
    return any(
        record["finished"]
        and record["machine"]["id"] == machines.this().id
        and record["device"] == request.device
        and record["profile"] != "variants"
        and any(schema.is_again(job["case"]) for job in record["jobs"])
        for _, record in history.run_records(request.results)
    )


def run(
    request: Request,
    news: Sequence[News],
    say: Callable[[str], None],
    measure: Callable[[plan.Plan, Request, Catalog], runner.Outcome] = runner.run,
    report: Path | None = None,
) -> Outcome:
    """Lock what is new, measure it, write the report, and then the snapshot.

    A release that cannot be locked is left as it was, the others go on. Another update of the
    folder, or another generator that measures here, is a :class:`GeneratorError`; an interruption
    is passed on after everything finished was written.

    Args:
        request: what to update; empty tuples mean everything.
        news: of :func:`generator.update.package_watch.look`.
        say: prints one line about what begins.
        measure: runs a plan.
        report: where to write the report as well.

    """
    folder = request.frameworks_folder or catalogs.ROOT / "measurements" / "frameworks"
    with _alone(folder), ownership.alone(request, say):
        outcome, done = Outcome(), []
        for item in news:
            name = f"{item.framework.id} {item.wanted.version if item.wanted else ''}".strip()
            try:
                if item.wanted is not None:
                    say(f"locking and installing {name}")
                    outcome.notes += lock_release(item, request.device)
                    outcome.locked.append(name)
                done.append(item)
            except (EnvironmentMissing, InputError) as error:
                outcome.faults.append(f"{name}: left as it was: {error}")
        catalog = catalogs.load(frameworks=request.frameworks_folder)
        failed = {item.framework.id for item in news} - {item.framework.id for item in done}
        pairs = [pair for pair in pending(request, catalog) if pair.framework not in failed]
        if pairs:
            outcome.plan, both = prepare(request, catalog, pairs)
            outcome.run = measure(outcome.plan, both, catalog)
        outcome.reports, outcome.changes = write_reports(
            request.results, catalog, outcome.notes, report
        )
        if done:
            take_snapshot(catalog, done)
        return outcome


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second update of the same folders out: both would list the same release."""
    name = schema.one_line(folder.resolve()).replace("/", "_")[-100:]
    try:
        with files.locked(environments.cache_folder() / f"update{name}.lock", wait=False):
            yield
    except TimeoutError as error:
        raise GeneratorError(
            f"another `generator update` works on {folder}; wait until it has ended"
        ) from error
