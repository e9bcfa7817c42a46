"""Runs a plan: environments, blocks of fresh processes, finished rows written immediately.

Everything that can go wrong with a framework (it segfaults, hangs, floods its output, writes
nonsense) becomes rows with a reason and a log; the others go on.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import files, subprocesses
from generator.catalog.model import Catalog, Framework, Version
from generator.errors import DoesNotInstall, EnvironmentMissing
from generator.measure import environments, job_outcome, machine, obstacles
from generator.measure.environments import Environment
from generator.measure.estimates import durations, fitting
from generator.measure.history import history
from generator.measure.job_outcome import JobOutcome
from generator.measure.plan import Job, Plan, Rank, postpone
from generator.measure.request import Request
from generator.measure.run_record import RunRecord, Target, described, open_records
from generator.measure.worker_launch import Launcher
from generator.measure.worker_output import publishable, read_rows
from generator.subprocesses import Finished


@dataclass
class Outcome:
    """How a run ended: its id, the CSVs it wrote, job counts by status, what failed, what is wrong.

    ``obstacles`` are what this machine lacks, and for which frameworks; ``left`` counts the jobs
    that found no time.
    A framework that fails verification was measured successfully: a finding, not a failure.
    """

    run: str
    files: list[Path] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    obstacles: dict[str, list[str]] = field(default_factory=dict)
    left: int = 0

    @classmethod
    def of(cls, run: str, plan: Plan, records: Iterable[RunRecord], failures: list[str]) -> Outcome:
        """Return the outcome of a run that begins.

        Args:
            run: its id.
            plan: what it skips.
            records: its files.
            failures: environments that could not be made.

        """
        counts = {"skipped": len(plan.obstacles)} if plan.obstacles else {}
        files = [record.path for record in records]
        return cls(run, files, counts, failures, obstacles=plan.skipped)

    @property
    def failed(self) -> bool:
        """Whether anything that was measured failed (exit code 1)."""
        return bool(self.failures)

    def count(self, job: Job, ended: JobOutcome) -> None:
        """Count a job."""
        self.counts[ended.status] = self.counts.get(ended.status, 0) + 1
        lists = {"failed": self.failures, "timeout": self.failures, "wrong": self.findings}
        if ended.status in lists:
            lists[ended.status].append(f"{job.id}: {ended.status}: {ended.reason}")
        if ended.obstacle:
            known = self.obstacles.setdefault(ended.obstacle, [])
            if job.framework not in known:
                known.append(job.framework)


class Reporter(contextlib.AbstractContextManager["Reporter"]):
    """Told what happens, and says nothing; the command line draws progress bars from it."""

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    pause = 0.0
    """Seconds that :meth:`block` and what follows the last job take: they must fit as well."""

    def installing(self) -> None:
        """Environments are being made, by other threads: no job runs yet."""

    def environment(self, target: str, state: str) -> None:
        """An environment is "making", "ready" or has failed with a reason."""

    def filling(self, jobs: Sequence[Job]) -> None:
        """Compile caches are being filled by untimed cold starts of ``jobs``."""

    def begin(
        self, jobs: Sequence[Job], later: Sequence[Job], seconds: Mapping[Job, float]
    ) -> None:
        """The blocks start: of ``jobs``; ``later`` ones will find no time, by estimate."""

    def block(self, jobs: Sequence[Job]) -> None:
        """A block has ended, or its leaders; ``jobs`` are still to run. Nothing is timed now."""

    def job(self, job: Job, seconds: float) -> None:
        """A job starts; it is expected to take ``seconds``."""

    def finished(self, job: Job, status: str, reason: str) -> None:
        """A job ended."""


def run(
    plan: Plan,
    request: Request,
    catalog: Catalog,
    reporter: Reporter | None = None,
    deadline: float = math.inf,
) -> Outcome:
    """Run every job of a plan; resumes the newest unfinished run that it fits.

    Failures of frameworks do not raise. An interruption does, after everything finished was
    written, and a disk that refuses results (``OSError``: they stay as they were).

    Args:
        plan: the jobs, see :func:`generator.measure.request.prepare`.
        request: what was asked for: kind of environment, precision, time limit, folders.
        catalog: the frameworks and sections that the plan names.
        reporter: told what happens.
        deadline: no job begins that would end after this, by ``time.monotonic``; the next run goes
            on there.

    """
    reporter = reporter or Reporter()
    ready, failures = prepare_environments(plan, request, catalog, reporter)
    known, here = described(plan, request, catalog, ready), machine.this().plain()
    with open_records(plan, request, catalog, known, here) as (id, planned, records):
        outcome = Outcome.of(id, planned, records.values(), failures)
        launcher = Launcher(planned, request, catalog)

        def left(job: Job) -> bool:
            return job.target in ready and job.id not in records[job.target].done

        def filled(job: Job) -> bool:
            return job.target in ready and launcher.finds_caches(job, ready[job.target])

        leaders = [job for job in planned.jobs if job.rank is Rank.LEAD and job.start == "cold"]
        if request.early:
            empty = [job for job in leaders if left(job) and not filled(job)]
            fill_caches(empty, launcher, ready, reporter)
        # What has been compiled is there: only then does a warm start come before.
        ordered = postpone(planned, [job for job in leaders if filled(job)])
        todo = [job for job in ordered.jobs if left(job)]
        estimates = durations(ordered, history(request.results))
        jobs = Jobs(id, launcher, ready, records)
        for job in todo:
            jobs.recover(job)  # what a generator that was killed had measured of it
        limit = deadline - time.monotonic() - reporter.pause
        now = fitting(todo, estimates, limit)
        reporter.begin(todo[:now], todo[now:], estimates)
        for record in records.values():
            record.close(ordered)
        for number, job in enumerate(todo):
            if number and job.stage != todo[number - 1].stage:
                reporter.block(todo[number:now])
            if time.monotonic() + estimates[job] + reporter.pause > deadline:
                outcome.left = len(todo) - number
                break
            reporter.job(job, estimates[job])
            ended = jobs.run(job)
            outcome.count(job, ended)
            reporter.finished(job, ended.status, ended.reason)
            records[job.target].close(ordered)
        jobs.close()
    return outcome


def prepare_environments(
    plan: Plan, request: Request, catalog: Catalog, reporter: Reporter
) -> tuple[dict[Target, Environment], list[str]]:
    """Return the environments that a plan needs, and why some of them could not be made."""
    if request.environment == "current":
        return dict.fromkeys(plan.targets, environments.current()), []

    made: dict[Target, Environment] = {}
    missing: dict[Target, tuple[Framework, Version]] = {}
    for target in plan.targets:
        framework = catalog.framework(target[0])
        version = framework.version(target[1])
        if found := environments.find_ready(framework, version, plan.device):
            made[target] = found
        else:
            missing[target] = framework, version
    if not missing:
        return made, []
    installed, failures = _install(missing, plan.device, request, reporter)
    return made | installed, failures


def _install(
    missing: Mapping[Target, tuple[Framework, Version]],
    device: str,
    request: Request,
    reporter: Reporter,
) -> tuple[dict[Target, Environment], list[str]]:
    """Return the environments that could be made, and why the others could not."""
    made, failures = {}, []
    alone = len(missing) == 1 and not request.early

    def install(target: Target) -> Environment:
        reporter.environment("==".join(target), "making")
        environment = environments.locked(*missing[target], device, alone=alone)
        reporter.environment("==".join(target), "ready")
        return environment

    # Two at a time: one downloads while the other unpacks; more only wait for the disk.
    with _threads(2) as submit:
        futures = {submit(install, target): target for target in missing}
        reporter.installing()
        for future in concurrent.futures.as_completed(futures):
            target = futures[future]
            try:
                made[target] = future.result()
            except EnvironmentMissing as error:
                reporter.environment("==".join(target), f"failed: {error}")
                failures.append(f"environment of {'=='.join(target)}: {error}")
                if request.installation and isinstance(error, DoesNotInstall):
                    fault = publishable(str(error))
                    made[target] = environments.absent(missing[target][1], device, fault)
    return made, failures


def fill_caches(
    jobs: Sequence[Job],
    launcher: Launcher,
    ready: Mapping[Target, Environment],
    reporter: Reporter,
) -> None:
    """Fill compile caches by untimed cold starts, side by side.

    A page that is waited for then needs no timed ones, which must not run side by side.
    """
    if jobs:
        reporter.filling(jobs)
    with _threads(machine.this().cores) as submit:
        concurrent.futures.wait([submit(launcher.fill, job, ready[job.target]) for job in jobs])


@contextlib.contextmanager
def _threads(count: int) -> Iterator[Callable[..., concurrent.futures.Future[Any]]]:
    """Yield what hands a call to one of some threads, whose processes end when we are interrupted.

    Only the main thread hears of an interruption.
    """
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=count)
    futures: list[concurrent.futures.Future[Any]] = []

    def submit(call: Callable[..., Any], *arguments: Any) -> concurrent.futures.Future[Any]:
        futures.append(pool.submit(call, *arguments))
        return futures[-1]

    try:
        yield submit
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            subprocesses.kill_all()  # again: a thread may just have begun the next process
            time.sleep(0.05)
        raise
    pool.shutdown()


class Jobs:
    """Runs the jobs of one run, and remembers what is not worth another try."""

    def __init__(
        self,
        run_id: str,
        launcher: Launcher,
        ready: Mapping[Target, Environment],
        records: Mapping[Target, RunRecord],
    ) -> None:
        self.launcher, self.ready, self.records = launcher, ready, records
        self.catalog = launcher.catalog
        self.given_up: dict[tuple[str, ...], str] = {}
        # Not in a scratch folder: whatever kills the generator, the samples stay readable.
        self.journal = environments.cache_folder() / "journal" / run_id
        self.journal.mkdir(parents=True, exist_ok=True)
        starts = [record.content["starts"] for record in records.values()]
        self.resumed = any(len(times) > 1 for times in starts)
        for target, record in records.items():
            for job in record.content["jobs"]:
                if why := job.get("given_up"):
                    place = (job["mode"], job["device"], job["lane"], job["start"], job["case"])
                    self.given_up[self._key((*target, *place), job["sections"])] = why

    def _key(self, configuration: tuple[str, ...], sections: Iterable[str]) -> tuple[str, ...]:
        """Return what is given up: a section with processes of its own without the others."""
        return (*configuration, *(id for id in sections if self.catalog.section(id).apart))

    def run(self, job: Job) -> JobOutcome:
        """Run one job, write down how it ended, and return that."""
        record, environment = self.records[job.target], self.ready[job.target]
        key = self._key(job.configuration, job.sections)
        entry = record.entry(job)
        fault = environment.fault
        obstacle = "" if fault else obstacles.of_job(job, self.catalog, environment)
        if obstacle:
            ended = job_outcome.skipped(job, self.catalog, obstacle)
        elif key in self.given_up:
            reason = f"not tried again: {self.given_up[key]}"
            ended = job_outcome.not_run(job, self.catalog, "skipped", reason)
        elif fault:
            reason = f"does not install: {fault}"
            ended = job_outcome.not_run(job, self.catalog, "failed", reason)
            ended.give_up = f"it {reason}"
            entry["log"] = record.keep_log(job, Finished(1, fault, 0.0))
        else:
            ended = self._measure(job, record, environment, entry)
            if ended.notes.get("throttled"):
                ended = self._repeat(job, record, environment, entry, ended)
            if ended.status == "wrong" and job.device == "cuda":
                self._look_again(job, environment, ended)
        if ended.give_up:
            self.given_up[key] = entry["given_up"] = ended.give_up
        record.add(ended.rows, job, [*ended.flags, *(["resumed"] if self.resumed else [])])
        record.content["jobs"].append(entry | ended.notes | {"status": ended.status})
        record.save()
        files.remove(self._out(job))
        return ended

    def _measure(
        self, job: Job, record: RunRecord, environment: Environment, entry: dict[str, Any]
    ) -> JobOutcome:
        """Run the worker of a job; put into the job's entry how it ran."""
        out = self._out(job)
        try:
            with files.create(out) as opened:
                launched = self.launcher.launch(job, environment, out, opened)
                output = read_rows(opened, job, self.catalog, record.samples(job))
        except EnvironmentMissing as error:
            ended = job_outcome.skipped(job, self.catalog, str(error))
        except BaseException:
            self.recover(job)
            raise
        else:
            entry |= launched.conditions
            entry["threads"] |= output.facts.pop("threads_read_back", {})
            record.content["build"] |= output.facts.pop("build", {})
            ended = job_outcome.of_process(
                job, self.catalog, launched, output, record.content["settings"]
            )
            ok = all(row["status"] not in ("failed", "wrong") for row in ended.rows)
            if ended.status != "ok" or not ok:
                entry["log"] = record.keep_log(job, launched.finished)
        if job.block == 0 and not ended.obstacle:
            ended.rows += job_outcome.script_rows(job, self.catalog)
        return ended

    def _repeat(
        self,
        job: Job,
        record: RunRecord,
        environment: Environment,
        entry: dict[str, Any],
        ended: JobOutcome,
    ) -> JobOutcome:
        """Run a job again whose GPU was throttled; a second time it counts, and is flagged.

        What the first process measured is kept and counts for nothing.
        """
        record.add(ended.rows, job, [*ended.flags, "partial"])
        entry["throttled_before"] = ended.notes["throttled"]
        files.remove(self._out(job))
        return self._measure(job, record, environment, entry)

    def _look_again(self, job: Job, environment: Environment, ended: JobOutcome) -> None:
        """Say in an outcome that is wrong how the job ends with deterministic algorithms.

        The GPU's libraries choose algorithms by rules of their own, or by trying them, and some are
        less exact. The second process decides nothing and none of its numbers is kept.
        """
        out = self._out(job).with_suffix(".again")  # nothing that would be recovered
        with files.create(out) as opened:
            launched = self.launcher.launch(job, environment, out, opened, deterministic=True)
            output = read_rows(opened, job, self.catalog)
        files.remove(out)
        settings = self.records[job.target].content["settings"]
        again = job_outcome.of_process(job, self.catalog, launched, output, settings)
        ended.add_second_look(again)

    def recover(self, job: Job) -> None:
        """Keep what interrupted processes had measured, marked as partial; the job runs anew."""
        record = self.records[job.target]
        for out in sorted(self.journal.glob(f"{job.id}.*.jsonl")):
            with contextlib.suppress(OSError), files.open_regular(out) as opened:
                record.add_partial(read_rows(opened, job, self.catalog).rows, job)
            record.save()
            files.remove(out)

    def close(self) -> None:
        """Remove the workers' files: everything in them is in the results."""
        shutil.rmtree(self.journal, ignore_errors=True)

    def _out(self, job: Job) -> Path:
        """Return the file that a worker writes to.

        It is named after this generator as well: the worker of one that was killed may live for a
        moment, and must not write between the lines of its successor.
        """
        return self.journal / f"{job.id}.{os.getpid()}.jsonl"
