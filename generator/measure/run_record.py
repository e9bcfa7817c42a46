"""The files of a run: per framework and version the rows, and the run record with all the rest.

The run record says how the rows were made. One process writes a pair of files; after each job it
writes both anew, so that a kill loses at most the job in flight.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import itertools
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generator import subprocesses
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Gap
from generator.measure import machine as machines
from generator.measure.environments import Environment
from generator.measure.history import code_hash, load_data, run_records
from generator.measure.plan import Cell, Job, Plan, reseed
from generator.measure.request import Request
from generator.measure.worker_output import (
    Row,
    headline_row,
    publishable,
    publishable_command,
)
from generator.results import row_checks, run_record, schema, writing
from measurements import lenet

MIN_SAMPLE_SECONDS = 0.1

Target = tuple[str, str]
"""Framework and version."""


class RunRecord:
    """The rows and the run record (``content``) of one framework and version within a run."""

    def __init__(self, path: Path, content: dict[str, Any], rows: Iterable[Row] = ()) -> None:
        self.path, self.content, self.rows = path, content, list(rows)

    def save(self) -> None:
        """Write both files.

        Raises:
            OSError: the disk refuses them; the earlier ones stay.

        """
        writing.write(self.path, self.rows, self.content)

    @property
    def done(self) -> set[str]:
        """Ids of the jobs that have ended."""
        return {job["id"] for job in self.content["jobs"]}

    def samples(self, job: Job) -> set[tuple[str, ...]]:
        """Return the samples already measured in a job's cell and block; none may come twice."""
        place = job.mode, job.lane, str(job.block)
        return {
            (row["section"], row["case"], row["metric"], str(row["sample"]))
            for row in self.rows
            if row.get("sample") not in (None, "")
            and (row["mode"], row["lane"], str(row["block"])) == place
            and "partial" not in row["flags"]
        }

    def take_back(self, rows: Iterable[Row], job: Job) -> None:
        """Remove rows of a job that is not recorded: it was killed between rows and record."""
        place = job.mode, job.lane, str(job.block)
        names = ("section", "case", "metric", "sample")
        gone = {tuple("" if row.get(n) is None else str(row[n]) for n in names) for row in rows}
        self.rows = [
            row
            for row in self.rows
            if (row.get("mode"), row.get("lane"), str(row.get("block"))) != place
            or "partial" in row["flags"]
            or tuple("" if row.get(n) is None else str(row[n]) for n in names) not in gone
        ]

    def add(self, rows: Iterable[Row], job: Job | None = None, flags: Iterable[str] = ()) -> None:
        """Add rows, those of a job with its place in the run."""
        of_run = {name: self.content[name] for name in ("run", "framework", "version", "device")}
        of_run |= {"machine": self.content["machine"]["id"], "flags": " ".join(flags)}
        if job is not None:
            of_run |= {"mode": job.mode, "lane": job.lane, "block": job.block}
        self.rows += [{**of_run, **row} for row in rows]

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
        """Add what the installation of an environment took, if this run installed it."""
        figures = (
            ("install_time", "s", environment.install_seconds),
            ("install_size", "B", environment.size_bytes),
        )
        self.add(
            {
                "section": "compile", "case": environment.case, "metric": metric, "unit": unit,
                "value": float(value), "status": "ok",
            }
            for metric, unit, value in figures
            if environment.case and value is not None
        )  # fmt: skip

    def keep_log(self, job: Job, finished: subprocesses.Finished) -> str:
        """Write a job's log alongside the results; return its path from there."""
        log = self.path.with_suffix(".logs") / f"{job.id}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        text = publishable(finished.log) or f"(no output; {finished.reason})\n"
        log.write_text(text, encoding="utf-8")
        return f"{log.parent.name}/{log.name}"

    def close(self, plan: Plan) -> None:
        """Say that the run has ended, if all jobs of this release have."""
        target = self.content["framework"], self.content["version"]
        planned = {job.id for job in plan.jobs if job.target == target}
        if planned <= self.done and self.content["finished"] is None:
            self.content["finished"] = now()
            self.save()


def open_records(
    plan: Plan, request: Request, catalog: Catalog, environments: Mapping[Target, Environment]
) -> tuple[str, Plan, dict[Target, RunRecord]]:
    """Open the files of a run: new ones, or those of the newest unfinished run on the same terms.

    Args:
        plan: its gaps are written immediately.
        request: what was asked for.
        catalog: the frameworks and sections that the plan names.
        environments: those that could be made.

    Returns:
        Id of the run, the plan in the order of the run that it goes on with, and the records.

    """
    targets = dict.fromkeys([*environments, *(cell.target for cell, _ in plan.gaps)])
    nothing = Environment(Path(), request.environment, "", ())
    common = _fresh(plan, request)
    fresh = {
        target: copy.deepcopy(common)
        | _own(target, plan, catalog, environments.get(target, nothing))
        for target in targets
    }
    results = request.results.resolve()
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    id, seed = f"{stamp}-{secrets.token_hex(3)}", plan.seed
    if found := _unfinished(results, fresh):
        id, seed = found["run"], found["seed"]
        plan = reseed(plan, seed)
    records = {}
    for target, content in fresh.items():
        path = results.joinpath(machines.this().id, *target, f"{id}.csv")
        if path.exists():
            record = RunRecord(path, run_record.read_run_record(path), row_checks.rows(path))
            record.content["starts"].append(now())
        else:
            record = RunRecord(path, {**content, "run": id, "seed": seed})
        record.add_installation(environments.get(target, nothing))
        records[target] = record
    for cell, gap in plan.gaps:
        records[cell.target].add_gap(cell, gap, catalog)
    for record in records.values():
        record.save()
    return id, plan, records


def _unfinished(results: Path, fresh: Mapping[Target, dict[str, Any]]) -> dict[str, Any] | None:
    """Return a record of the newest unfinished run of this machine on the terms of fresh ones."""
    unfinished = (
        content
        for _, content in run_records(results)
        if content["finished"] is None and content["machine"]["id"] == machines.this().id
    )
    for _, group in itertools.groupby(unfinished, lambda content: content["run"]):
        found = list(group)
        same = [
            _terms(content) == _terms(fresh[target])
            for content in found
            if (target := (content["framework"], content["version"])) in fresh
        ]
        if same and all(same):
            return found[0]
    return None


def _terms(content: Mapping[str, Any]) -> tuple[object, ...]:
    """What must be equal for an unfinished run to be continued."""
    environment, data = content["environment"], content["data"]
    own = [content[name] for name in ("profile", "device", "settings", "code_sha256")]
    return (*own, environment["kind"], environment["lock_sha256"], data["sha256"])


def _fresh(plan: Plan, request: Request) -> dict[str, Any]:
    """Return what the records of a run that begins have in common; None stands for the rest."""
    weights = hashlib.sha256()
    for value in lenet.initial_parameters().values():
        weights.update(value.tobytes())
    data = load_data(request.data_dir)
    return {
        "schema": schema.SCHEMA,
        "run": None,
        "machine": machines.this().plain(),
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
            "precision": request.precision,
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
    wanted = {id for job in plan.jobs if job.target == target for id in job.sections}
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
            id: code_hash(catalog.section(id), framework, target[1], catalog)
            for id in sorted(wanted)
        },
    }


def now() -> str:
    """Return the time as a run record has it, UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _repository() -> dict[str, Any]:
    commit = subprocesses.run(["git", "rev-parse", "HEAD"], cwd=ROOT, timeout=30)
    if commit.code != 0:
        return {"commit": None, "dirty": None}
    # Results are what a run writes; they do not make the code that wrote them dirty.
    status = subprocesses.run(
        ["git", "status", "--porcelain", "--", ".", ":!measurements/results"], cwd=ROOT, timeout=60
    )
    return {"commit": commit.log.strip(), "dirty": bool(status.log.strip())}
