"""What runs on a worker of the cluster: it says who it is, plans, and measures a block.

It does so in a checkout of its own. Neither time nor data is shared: what a job leaves to write
goes home as an event of the cluster as soon as the job ends, and the client writes it.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import platform
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import distributed

from generator import subprocesses
from generator.catalog import loader
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog
from generator.errors import Busy, EnvironmentMissing, InputError, UsageError
from generator.measure import environments, history, machine, obstacles, ownership, runner
from generator.measure.environments import Environment
from generator.measure.plan import Job, Plan
from generator.measure.request import Request, prepare
from generator.measure.run_record import RunRecord, Target, described
from generator.measure.worker_launch import SCRATCH, Launcher

MEASURE = "MEASURE"
"""The resource of Dask that a worker has once: it measures one block at a time."""

CODE = {".py", ".R", ".lua", ".toml", ".txt", ".npz"}
"""What the files are called that decide what is measured and how."""


def code_sha256(root: Path = ROOT) -> str:
    """Hash the code that measures, its data and its locks, whatever git says about them."""
    digest, tops = hashlib.sha256(), ("catalog", "farm", "measure", "results")
    paths = [*(root / "generator").glob("*"), *(root / "measurements").rglob("*")]
    paths += [path for top in tops for path in (root / "generator" / top).rglob("*")]
    for path in sorted(paths):
        if path.suffix in CODE and path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


LOADED = code_sha256()
"""The code as it was when this process began: later changes do not reach it."""


def label(identity: Mapping[str, Any]) -> str:
    """Return the resource that only machines alike with the same code have."""
    return f"{identity['machine']['id']} {identity['code'][:12]} {identity['packages'][:12]}"


async def identify(request: Request, dask_worker: Any) -> dict[str, Any]:
    """Return who a worker is, in plain data that any release of this code can read.

    From now on it takes blocks of its kind; whose kind that is, the client decides.
    """
    here = environments.current() if request.environment == "current" else None
    commit = subprocesses.git(ROOT, "rev-parse", "--short", "HEAD")
    identity = {
        "machine": machine.this().plain(),
        "code": code_sha256(),
        "loaded": LOADED,
        "commit": commit or "no commit",
        "packages": (here.lock_sha256 if here else None) or "",
    }
    await dask_worker.set_resources(**{label(identity): 1})
    return identity


def lacks(request: Request) -> dict[str, list[str]]:
    """Return what this machine lacks, and for which frameworks."""
    return obstacles.of_machine(loader.load(frameworks=request.frameworks_folder))


@dataclass(frozen=True)
class Planned:
    """What a machine is to measure: plan, all its environments, which are ready, which failed."""

    plan: Plan
    environments: Mapping[Target, Environment]
    ready: frozenset[Target]
    failures: tuple[str, ...]


def plan(request: Request, earlier: history.Measured) -> Planned:
    """Plan for this machine, of which home knows what it has measured, and install what it needs.

    Args:
        request: what was asked for, at home.
        earlier: what runs of this machine have measured.

    """
    with _alone(request) as (own, catalog):
        made = prepare(own, catalog, earlier)
        ready, failures = runner.prepare_environments(made, own, catalog, runner.Reporter())
        known = {
            target: replace(environment, folder=None)  # which means nothing at home
            for target, environment in described(made, own, catalog, ready).items()
        }
        return Planned(made, known, frozenset(ready), tuple(failures))


@contextlib.contextmanager
def _alone(request: Request) -> Iterator[tuple[Request, Catalog]]:
    """Yield the request as of this machine, which nobody else measures on meanwhile, and a catalog.

    Where another generator does, the cluster tries later, or on another machine.
    """
    own = replace(request, results=Path(tempfile.gettempdir()) / "no results are here", wait=False)
    try:
        with ownership.alone(own, print):
            yield own, loader.load(frameworks=own.frameworks_folder)
    except Busy:
        time.sleep(5)
        raise distributed.Reschedule from None
    except InputError as error:  # cannot be pickled
        raise UsageError(str(error)) from None


@dataclass(frozen=True)
class Block:
    """One block of a run: its jobs, and what the run records say of the run."""

    topic: str
    request: Request
    plan: Plan
    contents: Mapping[Target, dict[str, Any]]
    """Of the jobs that have ended only those are in it for which something was given up."""

    @property
    def name(self) -> str:
        """What people call it."""
        first = self.plan.jobs[0]
        what = ", ".join(dict.fromkeys(id for job in self.plan.jobs for id in job.sections))
        return f"block {first.block + 1} ({what})"


class _Sending(RunRecord):
    """A run record that is written elsewhere."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(Path(f"{content['run']}.csv"), content)
        self._sent, self._logs = 0, dict[str, str]()

    def entry(self, job: Job) -> dict[str, Any]:
        """Return what the record says of a job that begins, and on which machine."""
        host = hashlib.sha256(f"{self.content['run']}/{platform.node()}".encode())
        return {**super().entry(job), "host": host.hexdigest()[:12]}

    def write_log(self, log: str, text: str) -> None:
        """Keep a log until it is sent."""
        self._logs[log] = text

    def save(self) -> None:
        """Write nothing: it is sent."""

    def news(self) -> dict[str, Any]:
        """Return what the job that has just ended left to write."""
        rows, self._sent = self.rows[self._sent :], len(self.rows)
        logs, self._logs = self._logs, {}
        entry = self.content["jobs"][-1]
        return {"job": entry["id"], "rows": rows, "entry": entry, "logs": logs,
                "build": self.content["build"]}  # fmt: skip

    def take(self, said: Mapping[str, Any]) -> bool:
        """Add what was sent before this block came here."""
        new = super().take({**said, "logs": {}})
        self._sent = len(self.rows)
        return new


def packed(said: Mapping[str, Any]) -> bytes:
    """Return plain data as the cluster carries it."""
    return zlib.compress(json.dumps(said).encode())


def unpacked(data: bytes) -> dict[str, Any]:
    """Return what :func:`packed` packed."""
    said: dict[str, Any] = json.loads(zlib.decompress(data))
    return said


_launchers: dict[str, Launcher] = {}


def sent(client: Any, topic: str) -> Iterator[dict[str, Any]]:
    """Yield what the cluster remembers of a run, but the jobs that may find what they lacked."""
    for _, data in client.get_events(topic):
        said = unpacked(data)
        if not said["obstacle"]:
            yield said


def measure(block: Block) -> None:
    """Measure what of a block has not been sent home yet, and send that as each job ends.

    Where the block has been here or elsewhere before (a worker died), what was sent is known by the
    events of the cluster. It stops before the next job once nobody waits for it any more.
    """
    worker = distributed.get_worker()
    key = worker.get_current_task()
    records = {target: _Sending(copy.deepcopy(told)) for target, told in block.contents.items()}
    for said in sent(distributed.get_client(), block.topic):
        if tuple(said["target"]) in records:
            records[tuple(said["target"])].take(said)
    with _alone(block.request) as (request, catalog):
        ready, failures = runner.prepare_environments(
            block.plan, request, catalog, runner.Reporter()
        )
        for target in block.plan.targets:
            if target not in ready:
                raise EnvironmentMissing("; ".join(failures))
            environments.recorded(ready[target])
        # It has measured the machine's rate, for all blocks of the run.
        launcher = _launchers.setdefault(block.topic, Launcher(block.plan, request, catalog))
        jobs = runner.Jobs(block.topic, launcher, ready, records)
        for job in block.plan.jobs:
            if worker.state.tasks[key].state == "cancelled":
                return
            record = records[job.target]
            if job.id in record.done:
                continue
            if _finds_nothing(job, block.plan, catalog) and not launcher.finds_caches(
                job, ready[job.target]
            ):
                _fill(job, launcher, ready[job.target])
            jobs.recover(job)
            ended = jobs.run(job)
            said = {**record.news(), "target": job.target, "status": ended.status,
                    "reason": ended.reason, "obstacle": ended.obstacle}  # fmt: skip
            worker.log_event(block.topic, packed(said))
        with contextlib.suppress(OSError):  # of another block, on a disk that machines share
            jobs.journal.rmdir()


def _finds_nothing(job: Job, plan: Plan, catalog: Catalog) -> bool:
    """Whether a warm start is to find caches that the block's own cold starts do not fill."""
    sections = map(catalog.section, job.sections)
    filling = {(other.target, other.mode) for other in plan.jobs if other.start == "cold"}
    warm = any("cold" in section.starts and not section.apart for section in sections)
    return job.start == "warm" and warm and (job.target, job.mode) not in filling


def _fill(job: Job, launcher: Launcher, environment: Environment) -> None:
    """Fill the compile caches: another machine measured the cold start, and filled its own."""
    sections = (id for id in job.sections if "cold" in launcher.catalog.section(id).starts)
    cold = replace(job, sections=tuple(sections), start="cold", accuracy=False)
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as scratch:
        out = Path(scratch, "rows.jsonl")
        out.touch()
        with out.open("rb") as opened:
            launcher.launch(cold, environment, out, opened)
