"""How a job ended: its rows, its status, and what the run record says about it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from generator.catalog.loader import script_of
from generator.catalog.model import Catalog
from generator.measure import gpu_log, obstacles, script_metrics
from generator.measure.plan import Job
from generator.measure.worker_output import Row, WorkerOutput, headline_row, metric_row, publishable
from generator.results import processes, schema
from generator.subprocesses import Finished
from measurements import ceiling, lenet

if TYPE_CHECKING:
    from generator.measure.worker_launch import Launched

FOREIGN_LIMIT = 0.06
"""Cores of foreign CPU time above which a block is marked as disturbed."""


@dataclass
class JobOutcome:
    """How a job ended; ``notes`` go into the run record."""

    status: str
    reason: str
    rows: list[Row]
    notes: dict[str, Any] = field(default_factory=dict)
    give_up: str = ""
    """Why the further blocks of the configuration are skipped, "" if they are not."""
    obstacle: str = ""
    """What this machine lacks for it, "" if it was measured."""

    def add_second_look(self, again: JobOutcome) -> None:
        """Add to what is wrong how it ended with deterministic algorithms: both are shown."""
        said = "it passes" if again.status == "ok" else f"{again.status}: {again.reason}"
        told = f"; with deterministic algorithms {said}"
        for row in self.rows:
            if row["status"] == "wrong":
                row["reason"] = schema.one_line(row["reason"] + told)
        self.reason = schema.one_line(self.reason + told)
        self.notes["deterministic"] = {"status": again.status, "reason": again.reason}
        if gate := again.notes.get("facts", {}).get("gate"):
            self.notes["deterministic"]["gate"] = gate

    @property
    def flags(self) -> list[str]:
        """What the rows are flagged with."""
        return [name for name in ("disturbed", "throttled") if self.notes.get(name)]


def not_run(job: Job, catalog: Catalog, status: str, reason: str) -> JobOutcome:
    """Return the outcome of a job that was not started.

    Args:
        job: what was to be done.
        catalog: its sections.
        status: "skipped" or "failed".
        reason: why, in one line.

    """
    return JobOutcome(status, reason, _endings(job, catalog, status, reason))


def skipped(job: Job, catalog: Catalog, obstacle: str) -> JobOutcome:
    """Return the outcome of a job that this machine lacks something for."""
    ended = not_run(job, catalog, "skipped", publishable(obstacle))
    return replace(ended, notes={"obstacle": ended.reason}, obstacle=obstacle)


def of_process(
    job: Job,
    catalog: Catalog,
    launched: Launched,
    output: WorkerOutput,
    settings: Mapping[str, Any],
) -> JobOutcome:
    """Return the outcome of a job.

    Args:
        job: what was to be done.
        catalog: its sections.
        launched: its worker, which has ended.
        output: what that wrote.
        settings: those of the run.

    """
    finished, readings, watched = launched.finished, launched.readings, launched.watched
    facts = dict(output.facts)
    windows, done = facts.pop("windows", []), facts.pop("done", False)
    training = facts.pop("memory_windows", [])
    notes: dict[str, Any] = {"k": facts.pop("k", None), "affinity": facts.pop("affinity", None)}
    _refute(output.rows, launched, settings, notes["k"])
    rows = list(output.rows)
    if readings is not None:
        used = facts.get("gpu") and gpu_log.bus_id(facts["gpu"])
        if used and watched and used != watched:
            fault = f"the log is that of the GPU at {watched}; the worker used the one at {used}"
            notes |= {"nvml_error": fault, "throttled": None}
        else:
            found, throttled = _gpu_rows(job, catalog, readings, windows, training)
            rows += found
            notes |= {"nvml_error": readings.error, "throttled": throttled}
    foreign = next((row["value"] for row in rows if row["metric"] == "foreign_load"), None)
    # Where nobody counted, nobody knows whether other programs disturbed the block.
    disturbed = None if foreign is None else foreign > FOREIGN_LIMIT
    notes |= {"foreign_load": foreign, "disturbed": disturbed}
    status, reason = _judge(job, catalog, finished, output, done=done)
    if obstacle := obstacles.met(finished, [r["reason"] for r in rows if r["status"] == "failed"]):
        lacking = skipped(job, catalog, obstacle)
        return replace(lacking, notes={**notes, "facts": facts, **lacking.notes})
    entry = {**vars(job), **launched.conditions, "k": notes["k"], "status": "ok"}
    place = {"mode": job.mode, "lane": job.lane, "block": job.block, "flags": ""}
    numbers = processes.numbers(row | place for row in rows)
    faults = processes.faults(numbers, {"jobs": [entry], "settings": settings})
    sound = invalidate(rows, reason, catalog)
    # What is wrong has not passed verification; samples that nobody can have taken are no finding.
    known = processes.UNVERIFIED if status == "wrong" else ""
    fault = next((why for why in faults.values() if why != known), "")
    if fault and status not in ("failed", "timeout"):
        status, reason = "failed", fault
    broken = status in ("failed", "timeout")
    if broken:
        said = any(row["status"] in ("failed", "timeout") for row in rows)
        for row in filter(processes.is_measured, rows):  # evidence, and no result
            row |= {"status": status, "reason": reason}
        rows += [] if said else _endings(job, catalog, status, reason)
    # A crash, a hang or other work in every block would cost hours and teach nothing new; a
    # sweep of which one case is wrong goes on.
    give_up = broken or (status == "wrong" and not sound)
    why = f"{status} in block {job.block}: {reason}" if give_up else ""
    return JobOutcome(status, reason, rows, {**notes, "facts": facts}, why)


def _endings(job: Job, catalog: Catalog, status: str, reason: str) -> list[Row]:
    """Return rows that say how a job ended, one for the headline of each of its sections."""
    return [
        headline_row(
            catalog.section(id),
            case=schema.case_of(id, job.case, job.start),
            status=status,
            reason=reason,
        )
        for id in job.sections
    ]


def invalidate(rows: Iterable[Row], reason: str, catalog: Catalog) -> bool:
    """Make the times of wrong cases wrong, in place; return whether other cases have some.

    Samples were written as they came, before the verdict: they are times of other work. Where
    rows answer questions, each stands for itself.
    """
    rows = [row for row in rows if not catalog.section(row["section"]).findings]
    wrong = {(row["section"], row["case"]) for row in rows if row["status"] == "wrong"}
    sections = {section for section, _ in wrong}
    timed = [row for row in rows if row["unit"] == "s" and row["status"] == "ok"]
    bad = [row for row in timed if (row["section"], row["case"]) in wrong]
    for row in bad:
        row |= {"status": "wrong", "reason": reason}
    return len(bad) < sum(row["section"] in sections for row in timed)


def _judge(
    job: Job, catalog: Catalog, finished: Finished, output: WorkerOutput, *, done: bool
) -> tuple[str, str]:
    """Return the status of a job and the reason for it."""
    if finished.timed_out:
        return "timeout", finished.reason
    if output.problem:
        return "failed", output.problem
    answers = all(catalog.section(id).findings for id in job.sections)
    for status in ("failed", "wrong"):
        for row in output.rows:
            # An answer about a case is asked for; without one, or with that of the whole process,
            # the section itself gave up.
            if row["status"] == status and not (answers and row["case"] not in ("", job.case)):
                return status, row["reason"]
    if finished.code != 0 or not done:
        return "failed", finished.reason if finished.code else "it ended without its last line"
    headlines = {next(iter(catalog.section(id).metrics)) for id in job.sections}
    for row in output.rows:
        if row["status"] == "unsupported" and row["metric"] in headlines and not answers:
            return "unsupported", row["reason"]
    return "ok", ""


def _refute(
    rows: list[Row], launched: Launched, settings: Mapping[str, Any], steps: int | None
) -> None:
    """Say in the rows that nobody can have taken the steps in such times, where nobody can.

    The worker's own check may say what it likes: rate and processor time are what we measured.

    Args:
        rows: what it wrote.
        launched: the worker.
        settings: those of the run.
        steps: in a sample.

    """
    timed = [row for row in rows
             if row["section"] in processes.GATED and row["metric"] in processes.STEPS_COUNTED
             and row["status"] == "ok"]  # fmt: skip
    if not timed or launched.ceiling is None:
        return
    work = lenet.operations(settings["batch"])
    fastest, cpu = min(row["value"] for row in timed), launched.finished.cpu
    used = float("inf") if cpu is None else cpu / (len(timed) * (steps or 1))

    def fault(rate: float) -> str:
        idle = ceiling.too_idle(work, used, rate / launched.threads)
        return str(ceiling.too_fast(work, fastest, rate) or idle)

    # The rate may have been measured while something else ran: look again.
    if fault(launched.ceiling) and (why := fault(max(launched.ceiling, *launched.again()))):
        for row in rows:
            if row["metric"] == "gate":
                row |= {"value": 0.0, "status": "wrong", "reason": why}
        rows.append(timed[0] | {"sample": None, "value": None, "status": "wrong", "reason": why})


def _gpu_rows(
    job: Job,
    catalog: Catalog,
    log: gpu_log.Log,
    windows: Sequence[Sequence[float]],
    training: Sequence[Sequence[float]],
) -> tuple[list[Row], list[str] | None]:
    """Return what is known of the GPU as rows, and why it was throttled.

    Args:
        job: what ran on it.
        catalog: the job's sections.
        log: of the GPU.
        windows: start and end of each sample.
        training: start and end of the steps whose memory counts.

    """
    rows: list[Row] = []
    throttled: set[str] | None = None
    samples = gpu_log.per_sample(log.readings, [(start, end) for start, end in windows])
    row = functools.partial(metric_row, catalog.section("lenet"), case=job.case)
    for number, sample in enumerate(samples):
        if sample is not None:
            found = {"sm_clock": sample.sm_clock, "gpu_temperature": sample.temperature,
                     "gpu_power": sample.power}  # fmt: skip
            rows += [row(metric, sample=number, value=value)
                     for metric, value in found.items() if value is not None]  # fmt: skip
            if sample.throttle is not None:
                throttled = {*(throttled or ()), *sample.throttle}
    peak = gpu_log.peak_memory(log.readings, [(start, end) for start, end in training])
    if "memory" in job.sections and peak is not None:
        memory = catalog.section("memory")
        rows.append(metric_row(memory, "device_memory", case=job.case, value=float(peak)))
    return rows, None if throttled is None else sorted(throttled)


def script_rows(job: Job, catalog: Catalog) -> list[Row]:
    """Return rows with the size of the scripts that the job's sections are about."""
    rows = []
    framework = catalog.framework(job.framework)
    for section in map(catalog.section, job.sections):
        path = script_of(section, framework)
        if job.case != (*section.cases, "")[0] or not section.script or not path.is_file():
            continue
        for metric, count in _COUNTS.items():
            if metric not in section.metrics:
                continue
            try:
                rows.append(metric_row(section, metric, value=float(count(path))))
            except ImportError as error:
                reason = f"{error.name} is not installed here, and it does the counting"
                rows.append(metric_row(section, metric, status="skipped", reason=reason))
    return rows


_COUNTS = {"lines": script_metrics.lines, "concepts": script_metrics.concepts}
