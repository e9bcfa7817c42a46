"""Runs a plan: environments, blocks of fresh processes, finished rows on disk at once.

Everything that can go wrong with a framework (it segfaults, hangs, floods its output, writes
nonsense) becomes rows with a reason and a log; the others go on.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import hashlib
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import formatting, subprocesses
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Framework, Gap, Version
from generator.errors import DoesNotInstall, EnvironmentMissing
from generator.measure import environments, gpu_log, script_metrics
from generator.measure import machine as machines
from generator.measure.environments import Environment
from generator.measure.history import R_WORKER, code_hash, documents, history, is_r, load_data
from generator.measure.plan import Cell, Job, Plan, duration, reseed
from generator.measure.progress import Reporter, Silent
from generator.measure.request import Request
from generator.measure.worker_output import read_rows, spoil
from generator.results import row_checks, run_document, schema, writing
from measurements import lenet

FOREIGN_LIMIT = 0.06
"""Cores of foreign CPU time above which a block is marked as disturbed."""

MIN_SAMPLE_SECONDS = 0.1
KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "SYSTEMROOT",
)  # fmt: skip
"""A worker inherits these and nothing else: a reader's shell must not change the result."""


@dataclass
class Outcome:
    """How a run ended: its id, the CSVs it wrote, job counts by status, what failed, what is wrong.

    A framework that the gate finds wrong was measured successfully: a finding, not a failure.
    """

    run: str
    files: list[Path] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anything that was measured failed (exit code 1)."""
        return bool(self.failures)


# ------------------------------------------------------------------------------------ the run


class _Book:
    """The rows and the document of one framework and version within a run."""

    def __init__(self, path: Path, document: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.path, self.document, self.rows = path, document, rows

    def save(self) -> None:
        writing.write(self.path, self.rows, self.document)

    def samples(self, job: Job) -> set[tuple[str, ...]]:
        """Samples that jobs of the same cell and block hold; a second one would spoil the file."""
        place = job.mode, job.lane, str(job.block)
        return {
            (row["section"], row["case"], row["metric"], str(row["sample"]))
            for row in self.rows
            if row.get("sample") not in (None, "")
            and (row["mode"], row["lane"], str(row["block"])) == place
            and "partial" not in row["flags"]
        }

    @property
    def done(self) -> set[str]:
        return {job["id"] for job in self.document["jobs"]}


def run(
    plan: Plan, request: Request, catalog: Catalog, reporter: Reporter | None = None
) -> Outcome:
    """Run every job of a plan; resumes the newest unfinished run that it fits.

    Args:
        plan: the jobs, see :func:`generator.measure.request.prepare`.
        request: what was asked for: kind of environment, precision, time limit, folders.
        catalog: the frameworks and sections that the plan names.
        reporter: told what happens.

    Returns:
        What happened. Failures of frameworks do not raise.

    Raises:
        KeyboardInterrupt: after everything finished was written.
        OSError: the disk refuses results (they stay as they were).

    """
    return _Run(plan, request, catalog, reporter or Silent()).run()


class _Run:
    def __init__(self, plan: Plan, request: Request, catalog: Catalog, reporter: Reporter) -> None:
        self.plan, self.request, self.catalog, self.reporter = plan, request, catalog, reporter
        self.results = request.results.resolve()
        self.machine = machines.this()
        self.data = load_data(request.data_dir)
        self.cache = environments.cache_folder()
        self.environments: dict[tuple[str, str], Environment] = {}
        self.books: dict[tuple[str, str], _Book] = {}
        self.ceilings: dict[int, float | None] = {}
        self.given_up: dict[tuple[str, ...], str] = {}
        self.uninstalled: dict[tuple[str, str], str] = {}
        self.id = _new_run_id()
        self.outcome = Outcome(self.id)
        self.journal = self.cache / "journal"
        self.resumed = False

    def run(self) -> Outcome:
        self._prepare_environments()
        self._open_books()
        past = history(self.results)
        todo = [
            job
            for job in self.plan.jobs
            if self._target(job) in self.books and job.id not in self.books[self._target(job)].done
        ]
        estimates = {job: duration(job, self.plan.profile, past) for job in todo}
        self.journal = self.cache / "journal" / self.id
        self.journal.mkdir(parents=True, exist_ok=True)
        for job in todo:
            # The generator itself was killed while this job ran.
            for leftover in sorted(self.journal.glob(f"{job.id}.*.jsonl")):
                self._recover(job, self.books[self._target(job)], leftover)
        self.reporter.begin(len(todo), sum(estimates.values()))
        last = {self._target(job): job for job in todo}
        for target in self.books.keys() - last.keys():
            self._close(target)
        for job in todo:
            self.reporter.job(job, estimates[job])
            status, reason = self._run_job(job)
            self.outcome.counts[status] = self.outcome.counts.get(status, 0) + 1
            if status in ("failed", "timeout"):
                self.outcome.failures.append(f"{job.id}: {status}: {reason}")
            elif status == "wrong":  # a finding about the framework, and no failure to measure it
                self.outcome.findings.append(f"{job.id}: {status}: {reason}")
            self.reporter.finished(job, status, reason)
            if last[self._target(job)] is job:
                self._close(self._target(job))
        shutil.rmtree(self.journal, ignore_errors=True)
        return self.outcome

    # -- environments ------------------------------------------------------------------------

    def _prepare_environments(self) -> None:
        targets = self.plan.targets
        if self.request.environment == "current":
            self.environments = dict.fromkeys(targets, environments.current())
            return
        # Two at a time: one downloads while the other unpacks; more only wait for the disk.
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            futures = {pool.submit(self._prepare, target): target for target in targets}
            for future in concurrent.futures.as_completed(futures):
                target = futures[future]
                try:
                    self.environments[target] = future.result()
                except EnvironmentMissing as error:
                    name = "==".join(target)
                    self.reporter.environment(name, f"failed: {error}")
                    self.outcome.failures.append(f"environment of {name}: {error}")
                    if self.request.installation and isinstance(error, DoesNotInstall):
                        _, version = self._pair(target)
                        self.environments[target] = environments.absent(version, self.plan.device)
                        self.uninstalled[target] = _clean(str(error), ROOT)

    def _prepare(self, target: tuple[str, str]) -> Environment:
        framework, version = self._pair(target)
        name = "==".join(target)
        ready = environments.find_ready(framework, version, self.plan.device)
        if ready is None:
            self.reporter.environment(name, "making")
        environment = ready or environments.locked(framework, version, self.plan.device)
        self.reporter.environment(name, "ready")
        return environment

    def _pair(self, target: tuple[str, str]) -> tuple[Framework, Version]:
        framework = self.catalog.framework(target[0])
        known = next((v for v in framework.versions if v.version == target[1]), None)
        return framework, known or Version(target[1], "", {}, framework.folder)

    # -- books ---------------------------------------------------------------------------------

    def _open_books(self) -> None:
        gaps: dict[tuple[str, str], list[tuple[Cell, Gap]]] = {}
        for cell, gap in self.plan.gaps:
            gaps.setdefault((cell.framework, cell.version), []).append((cell, gap))
        targets = list(dict.fromkeys([*self.environments, *gaps]))
        fresh = {target: self._document(target) for target in targets}
        self._adopt_unfinished_run(fresh)
        for target, document in fresh.items():
            path = self.results.joinpath(self.machine.id, *target, f"{self.id}.csv")
            if path.exists():
                old = run_document.read_document(path)
                old["starts"].append(_now())
                self.books[target] = _Book(path, old, list(row_checks.rows(path)))
                self.resumed = True
            else:
                self.books[target] = _Book(path, {**document, "run": self.id}, [])
            book = self.books[target]
            self._add_installation(book, target)
            self._add_gaps(book, gaps.get(target, []))
            book.save()
            self.outcome.files.append(path)

    def _adopt_unfinished_run(self, fresh: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        """Take over id and seed of the newest unfinished run that was made under the same terms."""
        unfinished: dict[str, list[dict[str, Any]]] = {}
        for path, document in documents(self.results):
            if document["finished"] is None and document["machine"]["id"] == self.machine.id:
                unfinished.setdefault(path.stem, []).append(document)
        for id, found in unfinished.items():
            same = [
                _terms(document) == _terms(fresh[target])
                for document in found
                if (target := (document["framework"], document["version"])) in fresh
            ]
            if same and all(same):
                self.id = self.outcome.run = id
                self.plan = reseed(self.plan, found[0]["seed"])
                return

    def _document(self, target: tuple[str, str]) -> dict[str, Any]:
        framework, _ = self._pair(target)
        environment = self.environments.get(target)
        wanted = {s for job in self.plan.jobs if self._target(job) == target for s in job.sections}
        wanted |= {
            cell.section for cell, _ in self.plan.gaps if (cell.framework, cell.version) == target
        }
        weights = hashlib.sha256()
        for value in lenet.initial_parameters().values():
            weights.update(value.tobytes())
        profile = self.plan.profile
        return {
            "schema": schema.SCHEMA,
            "run": self.id,
            "machine": self.machine.document(),
            "framework": target[0],
            "version": target[1],
            "profile": profile.name,
            "device": self.plan.device,
            "starts": [_now()],
            "finished": None,
            "seed": self.plan.seed,
            "repository": _repository(ROOT),
            "command": self.request.command,
            "environment": {
                "kind": environment.kind if environment else self.request.environment,
                "lock": environment.lock if environment else None,
                "lock_sha256": environment.lock_sha256 if environment else None,
                "python": environment.python_version if environment else "",
                "packages": list(environment.packages) if environment else [],
                "install_seconds": environment.install_seconds if environment else None,
                "size_bytes": environment.size_bytes if environment else None,
            },
            "code_sha256": {
                id: code_hash(self.catalog.section(id), framework, target[1], self.catalog)
                for id in sorted(wanted)
            },
            "data": {
                "name": self.data.name,
                "sha256": self.data.sha256,
                "train": len(self.data.train_labels),
                "test": len(self.data.test_labels),
            },
            "weights_sha256": weights.hexdigest(),
            "settings": {
                "batch": lenet.BATCH,
                "learning_rate": lenet.LEARNING_RATE,
                "activation": lenet.ACTIVATION,
                "precision": self.request.precision,
                "accuracy_target": lenet.ACCURACY_TARGET,
                "blocks": profile.blocks,
                "samples": profile.samples,
                "min_sample_seconds": MIN_SAMPLE_SECONDS,
            },
            "build": {},
            "jobs": [],
        }

    def _add_installation(self, book: _Book, target: tuple[str, str]) -> None:
        environment = self.environments.get(target)
        if environment is None or not environment.case:
            return
        for metric, unit, value in (
            ("install_time", "s", environment.install_seconds),
            ("install_size", "B", environment.size_bytes),
        ):
            if value is not None:
                row = self._row(book, section="compile", metric=metric, unit=unit)
                book.rows.append(row | {"case": environment.case, "value": float(value)})

    def _add_gaps(self, book: _Book, gaps: Sequence[tuple[Cell, Gap]]) -> None:
        for cell, gap in gaps:
            section = self.catalog.section(cell.section)
            headline = next(iter(section.metrics.values()))
            row = self._row(book, section=section.id, metric=headline.id, unit=headline.unit)
            row |= {"mode": cell.mode, "lane": cell.lane, "status": gap.status}
            row["reason"] = f"{gap.reason} ({gap.source})" if gap.source else gap.reason
            marker = {
                "id": f"gap_{cell.section}_{cell.mode}_{cell.lane}",
                "sections": [cell.section],
                "mode": cell.mode,
                "device": cell.device,
                "lane": cell.lane,
                "case": "",
                "block": None,
                "status": gap.status,
                "log": None,
            }
            if marker["id"] not in book.done:
                book.rows.append(row)
                book.document["jobs"].append(marker)

    def _row(self, book: _Book, *, section: str, metric: str, unit: str) -> dict[str, Any]:
        document = book.document
        return {
            "run": document["run"],
            "machine": self.machine.id,
            "framework": document["framework"],
            "version": document["version"],
            "section": section,
            "device": self.plan.device,
            "metric": metric,
            "unit": unit,
            "status": "ok",
        }

    def _close(self, target: tuple[str, str]) -> None:
        book = self.books[target]
        planned = {job.id for job in self.plan.jobs if self._target(job) == target}
        if planned <= book.done and book.document["finished"] is None:
            book.document["finished"] = _now()
            book.save()

    # -- one job -------------------------------------------------------------------------------

    @staticmethod
    def _target(job: Job) -> tuple[str, str]:
        return job.framework, job.version

    def _run_job(self, job: Job) -> tuple[str, str]:
        book = self.books[self._target(job)]
        entry: dict[str, Any] = {
            "id": job.id,
            "sections": list(job.sections),
            "mode": job.mode,
            "device": job.device,
            "lane": job.lane,
            "case": job.case,
            "start": job.start,
            "block": job.block,
            "order": len(book.document["jobs"]),
            "accuracy": job.accuracy,
            "started": _now(),
            "log": None,
        }
        missing = self.uninstalled.get(self._target(job))
        obstacle = "" if missing else self._obstacle(job)
        if obstacle:
            found = self._ending(job, "skipped", obstacle)
            status, reason = "skipped", obstacle
        elif (key := self._given_up_key(job)) in self.given_up:
            reason = f"not tried again: {self.given_up[key]}"
            found = self._ending(job, "skipped", reason)
            status = "skipped"
        elif missing:
            status, reason = "failed", f"does not install: {missing}"
            found = self._ending(job, status, reason)
            self.given_up[self._given_up_key(job)] = f"it {reason}"
            entry["log"] = self._keep_log(job, book, subprocesses.Finished(1, missing, 0.0))
        else:
            found, status, reason = self._measure(job, book, entry)
            if job.block == 0:
                found += self._count_rows(job)
        flags = []
        if entry.get("disturbed"):
            flags.append("disturbed")
        if entry.get("throttled"):
            flags.append("throttled")
        if self.resumed:
            flags.append("resumed")
        for row in found:
            full = self._row(book, section=row["section"], metric=row["metric"], unit=row["unit"])
            full |= row
            full |= {"mode": job.mode, "lane": job.lane, "block": job.block}
            full["flags"] = " ".join(flags)
            book.rows.append(full)
        entry["status"] = status
        book.document["jobs"].append(entry)
        book.save()
        self._out(job).unlink(missing_ok=True)
        return status, reason

    def _measure(
        self, job: Job, book: _Book, entry: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], str, str]:
        """Run the worker of a job; return its rows, the job's status and the reason for it."""
        environment = self.environments[self._target(job)]
        threads = 1 if job.lane == "threads-1" else self.machine.cores
        chance = random.Random(f"{self.plan.seed}/{job.id}")
        entry["hash_seed"] = chance.randrange(1, 2**31)
        entry["padding"] = chance.randrange(0, 4096)
        entry["threads"] = {"requested": threads}
        cache = self._compile_cache(job, environment)
        with tempfile.TemporaryDirectory(prefix="measure-") as name:
            scratch = Path(name)
            # Not in the scratch folder: whatever kills the generator, the samples stay readable.
            out = self._out(job)
            out.write_bytes(b"")
            description = self._describe(job, threads, cache)
            entry["warmup"] = description["warmup"]
            (scratch / "job.json").write_text(json.dumps(description), encoding="utf-8")
            try:
                env = self._worker_variables(job, environment, threads, cache, entry)
            except EnvironmentMissing as error:
                return self._ending(job, "skipped", str(error)), "skipped", str(error)
            command = self._command(job, environment)
            command += [str(scratch / "job.json"), str(out)]
            watch = gpu_log.Log(gpu_log.read_device) if job.device == "cuda" else None
            with watch or contextlib.nullcontext():
                try:
                    finished = subprocesses.run(
                        command, cwd=scratch, env=env, timeout=self.request.timeout, watch=out
                    )
                except BaseException:
                    self._recover(job, book, out)
                    raise
            entry["seconds"] = round(finished.seconds, 3)
            found, facts, problem = self._read(out, job, book.samples(job))
        windows = facts.pop("windows", [])
        done = facts.pop("done", False)
        self._remember(facts, book, entry)
        if watch is not None:
            found += self._gpu_rows(job, watch, windows, entry)
        foreign = [row["value"] for row in found if row["metric"] == "foreign_load"]
        entry["foreign_load"] = foreign[0] if foreign else None
        entry["disturbed"] = bool(foreign and foreign[0] > FOREIGN_LIMIT)
        status, reason = self._judge(job, finished, found, problem, done=done)
        if status in ("failed", "timeout") and not any(
            row["status"] in ("failed", "timeout") for row in found
        ):
            found += self._ending(job, status, reason)
        sound = spoil(found, reason)
        # A crash, a hang or other work in every block would cost hours and teach nothing new; a
        # sweep of which one case is wrong goes on.
        if status in ("failed", "timeout") or (status == "wrong" and not sound):
            self.given_up[self._given_up_key(job)] = f"{status} in block {job.block}: {reason}"
        if status != "ok" or any(row["status"] in ("failed", "wrong") for row in found):
            entry["log"] = self._keep_log(job, book, finished)
        return found, status, reason

    def _remember(self, facts: dict[str, Any], book: _Book, entry: dict[str, Any]) -> None:
        """Put what a worker said about itself where it belongs."""
        if "build" in facts:
            text = json.dumps(facts.pop("build"))
            book.document["build"] |= json.loads(_clean(text, ROOT))
        entry["threads"] |= facts.pop("threads_read_back", {})
        entry["k"] = facts.pop("k", None)
        entry["affinity"] = facts.pop("affinity", None)
        entry["facts"] = facts

    def _out(self, job: Job) -> Path:
        """Return the file that a worker writes to.

        It is named after this generator as well: the worker of one that was killed may live for a
        moment, and must not write between the lines of its successor.
        """
        return self.journal / f"{job.id}.{os.getpid()}.jsonl"

    def _given_up_key(self, job: Job) -> tuple[str, ...]:
        """What is given up with a job: a section with processes of its own concerns no other."""
        apart = (id for id in job.sections if self.catalog.section(id).apart)
        return (*job.configuration, *apart)

    def _command(self, job: Job, environment: Environment) -> list[str | Path]:
        """Return the program that measures a job, without its arguments."""
        if any(is_r(self.catalog.section(id).script) for id in job.sections):
            return ["Rscript", "--vanilla", ROOT / "measurements" / R_WORKER]
        return [environment.python, "-m", "measurements.worker"]

    def _obstacle(self, job: Job) -> str:
        """Return what this machine lacks for a job and how to install it, or ""."""
        if any(is_r(self.catalog.section(id).script) for id in job.sections):
            environment = self.environments[self._target(job)]
            return script_metrics.r_obstacle(environment.python, environment.python_version)
        return ""

    def _count_rows(self, job: Job) -> list[dict[str, Any]]:
        """Rows with the size of the scripts that the job's sections are about."""
        rows = []
        folder = self.catalog.framework(job.framework).folder
        for section in map(self.catalog.section, job.sections):
            path = folder / section.script
            first = (*section.cases, "")[0]
            if job.case != first or not section.script or not path.is_file():
                continue
            for metric, count in (
                ("lines", script_metrics.lines),
                ("concepts", script_metrics.concepts),
            ):
                if metric not in section.metrics:
                    continue
                try:
                    value, status, reason = float(count(path)), "ok", ""
                except ImportError as error:
                    value, status = None, "skipped"
                    reason = f"{error.name} is not installed here, and it does the counting"
                rows.append(
                    {
                        "section": section.id, "case": "", "metric": metric,
                        "unit": section.metrics[metric].unit, "sample": None, "value": value,
                        "status": status, "reason": reason,
                    }
                )  # fmt: skip
        return rows

    def _keep_log(self, job: Job, book: _Book, finished: subprocesses.Finished) -> str:
        """Write a job's log beside the results; return its path from there."""
        log = book.path.with_suffix(".logs") / f"{job.id}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        text = _clean(finished.log, ROOT)
        log.write_text(text or f"(no output; {finished.reason})\n", encoding="utf-8")
        return f"{log.parent.name}/{log.name}"

    def _read(
        self, out: Path, job: Job, taken: Iterable[tuple[str, ...]] = ()
    ) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
        """Read what a worker wrote, see :func:`read_rows`; an error may name files of here."""
        found, facts, problem = read_rows(out, job, self.catalog, taken)
        for row in found:
            row["reason"] = _clean(row["reason"], ROOT)
        return found, facts, problem

    def _recover(self, job: Job, book: _Book, out: Path) -> None:
        """Keep what an interrupted process had measured, marked as partial; the job runs anew."""
        found, _, _ = self._read(out, job)
        for row in found:
            full = self._row(book, section=row["section"], metric=row["metric"], unit=row["unit"])
            full |= row | {"mode": job.mode, "lane": job.lane, "block": job.block}
            book.rows.append(full | {"flags": "partial"})
        book.save()
        out.unlink(missing_ok=True)

    def _judge(
        self,
        job: Job,
        finished: subprocesses.Finished,
        found: Sequence[Mapping[str, Any]],
        problem: str,
        *,
        done: bool,
    ) -> tuple[str, str]:
        if finished.timed_out:
            return "timeout", finished.reason
        if problem:
            return "failed", problem
        answers = all(self.catalog.section(id).findings for id in job.sections)
        for status in ("failed", "wrong"):
            for row in found:
                # An answer about a case is asked for; without one, the section itself gave up.
                if row["status"] == status and not (answers and row["case"]):
                    return status, row["reason"]
        if finished.code != 0 or not done:
            return "failed", finished.reason if finished.code else "it ended without its last line"
        if answers:
            return "ok", ""
        headlines = {next(iter(self.catalog.section(s).metrics)) for s in job.sections}
        for row in found:
            if row["status"] == "unsupported" and row["metric"] in headlines:
                return "unsupported", row["reason"]
        return "ok", ""

    def _ending(self, job: Job, status: str, reason: str) -> list[dict[str, Any]]:
        """Rows that say how a job ended, one for the headline of each of its sections."""
        rows = []
        for id in job.sections:
            headline = next(iter(self.catalog.section(id).metrics.values()))
            rows.append(
                {
                    "section": id,
                    "case": job.case or (job.start if id == "compile" else ""),
                    "metric": headline.id,
                    "unit": headline.unit,
                    "sample": None,
                    "value": None,
                    "status": status,
                    "reason": reason,
                }
            )
        return rows

    def _describe(self, job: Job, threads: int, cache: Path) -> dict[str, Any]:
        framework = self.catalog.framework(job.framework)
        return {
            "folder": str(framework.folder),
            "sections": list(job.sections),
            "lane": job.lane,
            "start": job.start,
            "case": job.case,
            "accuracy": job.accuracy,
            "samples": self.plan.profile.samples,
            "min_sample_seconds": MIN_SAMPLE_SECONDS,
            "warmup": framework.mode(job.mode).warmup[job.device],
            "ceiling": self._ceiling(threads) if job.device == "cpu" else None,
            "data_dir": str(self.request.data_dir.resolve()) if self.request.data_dir else None,
            "shared_cache": str(self.cache / "reference"),
            "settings": {
                "mode": job.mode,
                "device": job.device,
                "threads": threads,
                "precision": self.request.precision,
                "batch": lenet.BATCH,
                "learning_rate": lenet.LEARNING_RATE,
                "cache": str(cache),
            },
        }

    def _worker_variables(
        self, job: Job, environment: Environment, threads: int, cache: Path, entry: dict[str, Any]
    ) -> dict[str, str]:
        framework = self.catalog.framework(job.framework)
        env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        path = str(ROOT)
        if environment.kind == "current":
            env |= {n: v for n, v in os.environ.items() if n in ("VIRTUAL_ENV", "CONDA_PREFIX")}
            path = os.pathsep.join([path, *filter(None, [os.environ.get("PYTHONPATH")])])
        env |= environments.variables(
            framework, environment, device=job.device, threads=threads, cache=cache
        )
        if beside := self._addition(job, environment):
            path = os.pathsep.join([path, str(beside)])
        env |= {
            "RETICULATE_PYTHON": str(environment.python),
            "PYTHONPATH": path,
            "PYTHONNOUSERSITE": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONHASHSEED": str(entry["hash_seed"]),
            # The length of the environment moves the stack, and with it the speed (Mytkowicz).
            "MEASUREMENT_PADDING": "x" * entry["padding"],
        }
        return env

    def _addition(self, job: Job, environment: Environment) -> Path | None:
        """Return the folder of what a job needs beside the framework, None where nothing is."""
        _, version = self._pair(self._target(job))
        names = [s.addition for s in map(self.catalog.section, job.sections) if s.addition]
        wanted = [name for name in names if f"{job.device}+{name}" in version.requirements]
        if not wanted or environment.kind == "current":
            return None
        return environments.addition(environment, version, f"{job.device}+{wanted[0]}")

    def _compile_cache(self, job: Job, environment: Environment) -> Path:
        """Return the compile cache of a configuration, emptied for a cold start.

        A section with processes of its own has a cache of its own, which no other one finds or
        empties. Otherwise it is shared by lanes; see :func:`plan.make` for a compiler
        whose output depends on the number of threads.
        """
        name = environment.lock_sha256 or "current"
        apart = [id for id in job.sections if self.catalog.section(id).apart]
        name = "-".join([name[:12], *apart])
        folder = f"{job.framework}-{job.version}-{job.mode}-{job.device}-{name}"
        cache = self.cache / "compiled" / folder
        if job.start == "cold":
            shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        return cache

    def _ceiling(self, threads: int) -> float | None:
        """Measure the matrix-product rate once per run and thread count, in a fresh process."""
        if threads not in self.ceilings:
            # The best rate that this machine ever showed: foreign load only ever lowers it.
            best = self.cache / f"ceiling-{self.machine.id}-{threads}.json"
            rates = []
            with contextlib.suppress(OSError, ValueError):
                rates.append(float(best.read_text(encoding="utf-8")))
            count = str(threads)
            names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
            env = {**os.environ, **dict.fromkeys(names, count), "PYTHONPATH": str(ROOT)}
            for _ in range(3):
                finished = subprocesses.run(
                    [sys.executable, "-m", "measurements.ceiling"], env=env, timeout=120
                )
                with contextlib.suppress(ValueError, IndexError):
                    rates.append(float(finished.log.strip().splitlines()[-1]))
            self.ceilings[threads] = max(rates, default=None)
            if rates:
                best.write_text(json.dumps(max(rates)), encoding="utf-8")
        return self.ceilings[threads]

    def _gpu_rows(
        self,
        job: Job,
        watch: gpu_log.Log,
        windows: Sequence[Sequence[float]],
        entry: dict[str, Any],
    ) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []

        def add(section: str, metric: str, value: float, sample: int | None) -> None:
            unit = self.catalog.section(section).metrics[metric].unit
            rows.append(
                {
                    "section": section, "case": job.case, "metric": metric, "unit": unit,
                    "sample": sample, "value": float(value), "status": "ok", "reason": "",
                }
            )  # fmt: skip

        entry["nvml_error"] = watch.error
        entry["throttled"] = []
        logs = gpu_log.per_sample(watch.readings, [(start, end) for start, end in windows])
        for sample, log in enumerate(logs):
            if log is not None:
                add("lenet", "sm_clock", log.sm_clock, sample)
                add("lenet", "gpu_temperature", log.temperature, sample)
                add("lenet", "gpu_power", log.power, sample)
                entry["throttled"] = sorted({*entry["throttled"], *log.throttle})
        peak = gpu_log.peak_memory(watch.readings)
        if "memory" in job.sections and peak is not None:
            add("memory", "device_memory", peak, None)
        return rows


# ---------------------------------------------------------------------------------- small helpers


def _terms(document: Mapping[str, Any]) -> tuple[object, ...]:
    """What must be equal for an unfinished run to be continued."""
    return (
        document["profile"],
        document["device"],
        document["environment"]["kind"],
        document["environment"]["lock_sha256"],
        json.dumps(document["settings"], sort_keys=True),
        document["data"]["sha256"],
        json.dumps(document["code_sha256"], sort_keys=True),
    )


def _new_run_id() -> str:
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{secrets.token_hex(3)}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _repository(root: Path) -> dict[str, Any]:
    commit = subprocesses.run(["git", "rev-parse", "HEAD"], cwd=root, timeout=30)
    if commit.code != 0:
        return {"commit": None, "dirty": None}
    # Results are what a run writes; they do not make the code that wrote them dirty.
    status = subprocesses.run(
        ["git", "status", "--porcelain", "--", ".", ":!measurements/results"], cwd=root, timeout=60
    )
    return {"commit": commit.log.strip(), "dirty": bool(status.log.strip())}


def _clean(log: str, root: Path) -> str:
    """Take this machine's paths and the control characters out of a log that gets published."""
    names = {str(root): "<repository>", str(environments.cache_folder()): "<cache>"}
    names |= {str(Path.home()): "~", tempfile.gettempdir(): "<scratch>"}
    for path, name in names.items():
        if len(path) > 1:
            log = log.replace(path, name)
    return formatting.INVISIBLE.sub("", log)
