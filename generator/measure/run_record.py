"""The files of a run: per framework and version the rows, and the run record with all the rest.

The run record says how the rows were made. One process writes a pair of files; after each job it
writes both anew, so that a kill loses at most the job in flight.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import hashlib
import itertools
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generator import files, subprocesses
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Gap
from generator.measure import job_outcome
from generator.measure.environments import Environment, absent, current, not_found
from generator.measure.environments import recorded as installed
from generator.measure.history import code_hash, load_data, run_records
from generator.measure.plan import Cell, Job, Plan, reseed
from generator.measure.request import Request
from generator.measure.worker_output import Row, headline_row, publishable, publishable_command
from generator.results import row_checks, run_record, schema, writing
from measurements import lenet

MIN_SAMPLE_SECONDS = 0.1

Target = tuple[str, str]
"""Framework and version."""


class RunRecord:
    """The rows and the run record (``content``) of one framework and version within a run."""

    def __init__(self, path: Path, content: dict[str, Any], rows: Iterable[Row] = ()) -> None:
        self.path, self.content, self.rows = path, content, list(rows)

    @classmethod
    def unfinished(cls, path: Path) -> RunRecord:
        """Return the record of a run that was interrupted, at the end of its last whole job.

        Rows beyond were written by a generator that was killed before it wrote the record.
        """
        content, rows = run_record.read_run_record(path), row_checks.rows(path)
        whole = rows[: content.get("rows", len(rows))]
        lacked = {job["obstacle"] for job in content["jobs"] if job.get("obstacle")}
        content["jobs"] = [job for job in content["jobs"] if not job.get("obstacle")]
        content["starts"].append(now())
        kept = (row for row in whole if row["status"] != "skipped" or row["reason"] not in lacked)
        return cls(path, content, kept)

    def save(self) -> None:
        """Write both files; where the disk refuses (``OSError``) the earlier ones stay."""
        self.content["rows"] = len(self.rows)
        writing.write(self.path, self.rows, self.content)

    @property
    def done(self) -> set[str]:
        """Ids of the jobs that have ended, and not for want of something that they met."""
        return {job["id"] for job in self.content["jobs"] if not job.get("obstacle")}

    def samples(self, job: Job) -> set[tuple[str, ...]]:
        """Return the numbers already measured in a job's cell and block; none may come twice."""
        place = job.mode, job.lane, schema.in_cell(job.block)
        return {
            (row["section"], row["case"], row["metric"], schema.in_cell(row.get("sample")))
            for row in self.rows
            if row["status"] == "ok"
            and (row.get("mode"), row.get("lane"), schema.in_cell(row.get("block"))) == place
            and "partial" not in row["flags"]
        }

    def add_partial(self, rows: Iterable[Row], job: Job) -> None:
        """Add, once, what an interrupted process of a job had measured."""
        known = {_identity(row) for row in self.rows if "partial" in row["flags"]}
        place = {"mode": job.mode, "lane": job.lane, "block": job.block}
        new = [row for row in rows if _identity({**place, **row}) not in known]
        self.add(new, job, ["partial"])

    def add(self, rows: Iterable[Row], job: Job | None = None, flags: Iterable[str] = ()) -> None:
        """Add rows, those of a job with its place in the run."""
        of_run = {name: self.content[name] for name in ("run", "framework", "version", "device")}
        of_run |= {"machine": self.content["machine"]["id"], "flags": " ".join(flags)}
        if job is not None:
            of_run |= {"mode": job.mode, "lane": job.lane, "block": job.block}
        self.rows += [{**of_run, **row} for row in rows]

    def take(self, said: Mapping[str, Any]) -> bool:
        """Add what a job on another computer left to write; return whether it is new here."""
        if any(job["id"] == said["job"] for job in self.content["jobs"]):
            return False
        self.rows += said["rows"]
        self.content["jobs"].append(said["entry"] | {"order": len(self.content["jobs"])})
        self.content["build"] |= said["build"]
        for log, text in said["logs"].items():
            self.write_log(log, text)
        return True

    def add_obstacle(self, job: Job, obstacle: str, catalog: Catalog) -> None:
        """Add that this machine lacks something for a job."""
        ended = job_outcome.skipped(job, catalog, obstacle)
        self.add(ended.rows, job)
        self.content["jobs"].append(self.entry(job) | ended.notes | {"status": ended.status})

    def entry(self, job: Job) -> dict[str, Any]:
        """Return what the record says of a job that begins."""
        return {
            "id": job.id, "sections": list(job.sections), "mode": job.mode, "device": job.device,
            "lane": job.lane, "case": job.case, "start": job.start, "block": job.block,
            "order": len(self.content["jobs"]), "accuracy": job.accuracy, "started": now(),
            "log": None,
        }  # fmt: skip

    def add_gap(self, cell: Cell, gap: Gap, catalog: Catalog) -> None:
        """Add what a declared gap answers, once."""
        id = f"gap_{cell.section}_{cell.mode}_{cell.lane}"
        if id in self.done:
            return
        reason = f"{gap.reason} ({gap.source})" if gap.source else gap.reason
        row = headline_row(catalog.section(cell.section), status=gap.status, reason=reason)
        self.add([{**row, "mode": cell.mode, "lane": cell.lane}])
        self.content["jobs"].append(
            {
                "id": id, "sections": [cell.section], "mode": cell.mode, "device": cell.device,
                "lane": cell.lane, "case": "", "block": None, "status": gap.status, "log": None,
            }
        )  # fmt: skip

    def add_installation(self, environment: Environment) -> None:
        """Add what the installation of an environment took, if this run installed it.

        Once: a generator that was killed may have written it and not come to remember that, and an
        environment that is gone is made again.
        """
        figures = (
            ("install_time", "s", environment.install_seconds),
            ("install_size", "B", environment.size_bytes),
        )
        known = {(row["metric"], row.get("case")) for row in self.rows}
        found = (
            {
                "section": "compile", "case": environment.case, "metric": metric, "unit": unit,
                "value": float(value), "status": "ok",
            }
            for metric, unit, value in figures
            if environment.case and value is not None and (metric, environment.case) not in known
        )  # fmt: skip
        self.add(found, flags=["disturbed"] if environment.disturbed else [])

    def keep_log(self, job: Job, finished: subprocesses.Finished) -> str:
        """Write a job's log alongside the results; return its path from there."""
        log = f"{self.path.stem}.logs/{job.id}.log"
        self.write_log(log, publishable(finished.log) or f"(no output; {finished.reason})\n")
        return log

    def write_log(self, log: str, text: str) -> None:
        """Write a log whose path is known."""
        path = self.path.parent / log
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def close(self, plan: Plan) -> None:
        """Say that the run has ended, if all jobs of this release have.

        It has not where one met an obstacle on its way: the next run goes on with it, instead of
        writing down another time that the disk is full.
        """
        target = self.content["framework"], self.content["version"]
        planned = {job.id for job in plan.jobs if job.target == target}
        if planned <= self.done and self.content["finished"] is None:
            self.content["finished"] = now()
            self.save()


def described(
    plan: Plan, request: Request, catalog: Catalog, ready: Mapping[Target, Environment]
) -> dict[Target, Environment]:
    """Return the environments that were made for a plan, and what is known of those that were not.

    Args:
        plan: what it leaves out needs no environment, and is written down all the same.
        request: what was asked for.
        catalog: the frameworks that the plan names.
        ready: the environments that could be made.

    """
    left_out = [cell.target for cell, _ in plan.gaps] + [job.target for job, _ in plan.obstacles]

    def unmade(target: Target) -> Environment:
        if request.environment == "current":
            return current()
        framework = catalog.framework(target[0])
        if framework.found:
            return not_found()
        return absent(framework.version(target[1]), plan.device)

    return {target: ready.get(target) or unmade(target) for target in (*ready, *left_out)}


@contextlib.contextmanager
def open_records(
    plan: Plan,
    request: Request,
    catalog: Catalog,
    environments: Mapping[Target, Environment],
    machine: Mapping[str, Any],
) -> Iterator[tuple[str, Plan, dict[Target, RunRecord]]]:
    """Open the files of a run: new ones, or those of the newest unfinished run on the same terms.

    No other generator takes part in the run meanwhile, on whatever machine. Yielded are the run's
    id, the plan in the order of the run that it goes on with, and the records.

    Args:
        plan: its gaps and obstacles are written immediately.
        request: what was asked for.
        catalog: the frameworks and sections that the plan names.
        environments: those of the plan, see :func:`described`.
        machine: that measures, as a run record has it.

    """
    common = _fresh(plan, request, machine)
    fresh = {
        target: copy.deepcopy(common) | _own(target, plan, catalog, environment)
        for target, environment in environments.items()
    }
    results = request.results.resolve()
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    id, seed = f"{stamp}-{secrets.token_hex(3)}", plan.seed
    with contextlib.ExitStack() as stack:
        for found in _unfinished(results, fresh, machine["id"]):
            with contextlib.suppress(TimeoutError):  # its owner is at work
                stack.enter_context(_owned(results, found["run"]))
                id, seed = found["run"], found["seed"]
                plan = reseed(plan, seed)
                break
        else:
            stack.enter_context(_owned(results, id))
        records = {}
        for target, content in fresh.items():
            path = results.joinpath(machine["id"], *target, f"{id}.csv")
            records[target] = (
                RunRecord.unfinished(path)
                if path.exists()
                else RunRecord(path, {**content, "run": id, "seed": seed})
            )
            records[target].add_installation(environments[target])
        for cell, gap in plan.gaps:
            records[cell.target].add_gap(cell, gap, catalog)
        for job, obstacle in plan.obstacles:
            records[job.target].add_obstacle(job, obstacle, catalog)
        for target, record in records.items():
            record.save()
            installed(environments[target])
        yield id, plan, records


@contextlib.contextmanager
def _owned(results: Path, run: str) -> Iterator[None]:
    """Hold a run; raises ``TimeoutError`` where another generator does, on any machine."""
    lock = results / f".{run}.lock"
    with files.locked(lock, wait=False):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _unfinished(
    results: Path, fresh: Mapping[Target, dict[str, Any]], machine: str
) -> Iterator[dict[str, Any]]:
    """Yield a record of each unfinished run of a machine on the terms of fresh ones."""
    here = (c for _, c in run_records(results) if c["machine"]["id"] == machine)
    for _, group in itertools.groupby(here, lambda content: content["run"]):
        found = {(content["framework"], content["version"]): content for content in group}
        shared = [
            content["finished"] is None and _terms(content) == _terms(fresh[target])
            for target, content in found.items()
            if target in fresh
        ]
        if shared and all(shared):
            yield next(iter(found.values()))


def _terms(content: Mapping[str, Any]) -> tuple[object, ...]:
    """What must be equal for an unfinished run to be continued."""
    environment, data = content["environment"], content["data"]
    own = [content[name] for name in ("profile", "device", "settings", "code_sha256")]
    return (*own, environment["kind"], environment["lock_sha256"], data["sha256"])


def _fresh(plan: Plan, request: Request, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the records of a run that begins have in common; None stands for the rest."""
    weights = hashlib.sha256()
    for value in lenet.initial_parameters().values():
        weights.update(value.tobytes())
    data = load_data(request.data_dir)
    return {
        "schema": schema.SCHEMA,
        "run": None,
        "machine": dict(machine),
        "framework": None,
        "version": None,
        "profile": plan.profile.name,
        "device": plan.device,
        "starts": [now()],
        "finished": None,
        "seed": plan.seed,
        "repository": _repository(),
        "command": publishable_command(request.command),
        "environment": None,
        "code_sha256": None,
        "data": {
            "name": data.name,
            "sha256": data.sha256,
            "train": len(data.train_labels),
            "test": len(data.test_labels),
        },
        "weights_sha256": weights.hexdigest(),
        "settings": {
            "batch": lenet.BATCH,
            "learning_rate": lenet.LEARNING_RATE,
            "activation": lenet.ACTIVATION,
            "accuracy_target": lenet.ACCURACY_TARGET,
            "blocks": plan.profile.blocks,
            "samples": plan.profile.samples,
            "min_sample_seconds": MIN_SAMPLE_SECONDS,
        },
        "build": {},
        "jobs": [],
    }


def _own(target: Target, plan: Plan, catalog: Catalog, environment: Environment) -> dict[str, Any]:
    """Return what the record of one framework and version has to itself."""
    framework = catalog.framework(target[0])
    jobs = (*plan.jobs, *(job for job, _ in plan.obstacles))
    wanted = {id for job in jobs if job.target == target for id in job.sections}
    wanted |= {cell.section for cell, _ in plan.gaps if cell.target == target}
    return {
        "framework": target[0],
        "version": target[1],
        "environment": {
            "kind": environment.kind,
            "lock": environment.lock,
            "lock_sha256": environment.lock_sha256,
            "python": environment.python_version,
            "packages": list(environment.packages),
            "install_seconds": environment.install_seconds,
            "size_bytes": environment.size_bytes,
        },
        "code_sha256": {
            id: code_hash(
                catalog.section(id), framework, target[1], catalog, variants=plan.profile.variants
            )
            for id in sorted(wanted)
        },
    }


def _identity(row: Row) -> tuple[str, ...]:
    """Return what tells a measured row from others, read or new."""
    value = row.get("value")
    names = ("mode", "lane", "block", "section", "case", "metric", "sample", "status")
    place = (schema.in_cell(row.get(name)) for name in names)
    return (*place, "" if value in (None, "") else repr(float(value)))


def now() -> str:
    """Return the time as a run record has it, UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _repository(root: Path = ROOT) -> dict[str, Any]:
    commit = subprocesses.git(root, "rev-parse", "--verify", "HEAD^{commit}")
    # Results are what a run writes; they do not make the code that wrote them dirty.
    what = ("--untracked-files=normal", "--", ".", ":!measurements/results")
    status = subprocesses.git(root, "status", "--porcelain", *what) if commit else None
    return {"commit": commit or None, "dirty": None if status is None else bool(status)}
