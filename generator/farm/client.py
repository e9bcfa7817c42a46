"""Hands the blocks of a plan to a Dask cluster, and writes what comes home.

The cluster (``distributed``) knows who is there, gives each machine one block at a time, notices
who dies or hangs, and gives the block to another one. Here is what it cannot know: which machines
are alike and run our code, and that a job is written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from generator.catalog.model import Catalog
from generator.errors import GeneratorError, Interrupted, NoDeviceError, UsageError
from generator.formatting import plural
from generator.measure import history
from generator.measure.estimates import durations
from generator.measure.job_outcome import JobOutcome
from generator.measure.plan import Job, Plan
from generator.measure.request import Request
from generator.measure.run_record import RunRecord, Target, open_records
from generator.measure.runner import Outcome, Reporter

if TYPE_CHECKING:
    import distributed

    from generator.farm import worker

ANSWERS = 60.0
"""Seconds in which a worker says who it is; one that does not gets no block."""

LOOKS = 2.0
"""Seconds between two looks at who has come."""


@dataclass
class Machine:
    """Machines of one kind: who they are, by what resource they get blocks, and their addresses."""

    identity: Mapping[str, Any]
    label: str
    workers: list[str]

    @property
    def id(self) -> str:
        """Their id, which computers alike share."""
        return str(self.identity["machine"]["id"])


class Farm:
    """A cluster, and which of its workers may measure for us."""

    def __init__(
        self, address: str, client: distributed.Client, request: Request, say: Callable[[str], None]
    ) -> None:
        self.address, self.client, self.request, self._say = address, client, request, say
        self.machines: dict[str, Machine] = {}
        self._asked: set[str] = set()

    def look(self) -> list[Machine]:
        """Ask workers that have come who they are; return the kinds of machines that got more.

        One that does not answer, or runs other code, is refused, and the reason said.
        """
        from generator.farm import worker

        self.check()
        there = self.client.scheduler_info(n_workers=-1)["workers"]
        new = [name for name, facts in there.items()
               if name not in self._asked and facts["resources"].get(worker.MEASURE)]  # fmt: skip
        self._asked.update(new)
        grown = {}
        for address, answer in zip(new, self._ask(worker.identify, new), strict=True):
            found = answer if isinstance(answer, dict) else None
            known = self.machines.get(found["machine"]["id"]) if found else None
            if fault := self._fault(answer, known):
                self._say(f"worker {address} gets nothing to measure: {fault}")
            elif found:
                machine = known or Machine(found, worker.label(found), [])
                self.machines[machine.id] = grown[machine.id] = machine
                machine.workers.append(address)
        for machine in self.machines.values():
            machine.workers = [name for name in machine.workers if name in there]
        return list(grown.values())

    def _fault(self, answer: Any, known: Machine | None) -> str:
        """Return why a worker cannot be used, or ""."""
        from generator.farm import worker

        if isinstance(answer, OSError | KeyError):  # TimeoutError, and those of a lost connection
            return f"it does not answer ({answer!r})"
        if not isinstance(answer, dict):
            return (
                f"it runs no checkout like this one ({type(answer).__name__}: {answer}); start it "
                "in one, with `uv run --group farm dask worker`"
            )
        commit = answer["commit"]
        if answer["loaded"] != answer["code"]:
            return f"its code has changed (now commit {commit}) since it began; start it again"
        if answer["code"] != worker.LOADED:
            return (
                f"it has other measuring code than this machine (commit {commit}); check out the "
                "same commit there, without changes, and start it again"
            )
        if known and answer["packages"] != known.identity["packages"]:
            return "its interpreter has other packages than another machine of its kind"
        return ""

    def _ask(self, function: Callable[..., Any], workers: Sequence[str]) -> list[Any]:
        """Return what each worker answers to a function of the request, or its exception."""

        async def answer(address: str) -> Any:
            asked = self.client.run(function, self.request, workers=[address])
            return (await asyncio.wait_for(asked, ANSWERS))[address]

        async def answers() -> list[Any]:
            return await asyncio.gather(*map(answer, workers), return_exceptions=True)

        return list(self.client.sync(answers))

    def lacks(self, machine: Machine) -> dict[str, list[str]]:
        """Return what machines of a kind lack, and for which frameworks."""
        from generator.farm import worker

        answer = self._ask(worker.lacks, machine.workers[:1])[0]
        return answer if isinstance(answer, dict) else {str(answer): []}

    def submit(self, machine: Machine, function: Callable[..., Any], *given: Any) -> Any:
        """Hand a task to machines of a kind; return its future."""
        from generator.farm import worker

        resources = {worker.MEASURE: 1, machine.label: 1}
        return self.client.submit(function, *given, resources=resources, pure=False)

    def error(self, future: Any) -> GeneratorError | None:
        """Return what a task that has ended failed with."""
        import distributed

        self.check()
        if future.cancelled():
            raise self.gone()
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            last = error.last_worker.address
            return GeneratorError(f"every worker that was given it died, at last {last}")
        return error if isinstance(error, GeneratorError | None) else GeneratorError(repr(error))

    def check(self) -> None:
        """Raise :class:`Interrupted` where the scheduler is gone."""
        if self.client.status != "running":
            raise self.gone()

    def gone(self) -> Interrupted:
        """Return what to say of a scheduler that is gone."""
        return Interrupted(
            f"the scheduler at {self.address} is gone; results are kept, the same command goes on "
            "from here once it is there again"
        )


@contextlib.contextmanager
def connected(address: str, request: Request, say: Callable[[str], None]) -> Iterator[Farm]:
    """Yield the cluster of a scheduler.

    Args:
        address: of the scheduler, as `dask scheduler` prints it.
        request: what is asked for.
        say: told who is refused, and why.

    """
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "--scheduler needs the package distributed; install it: `uv sync --group farm`"
        ) from None
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)  # we say it ourselves
    try:
        client = distributed.Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS --nthreads 1 --resources MEASURE=1`"
        ) from None
    try:
        hidden = request.command.replace(address, "ADDRESS")
        farm = Farm(address, client, replace(request, command=hidden), say)
        farm.look()
        yield farm
    finally:
        with contextlib.suppress(Exception):  # whatever it is, it is over
            client.close(timeout=5)


@dataclass
class Run:
    """The run of the machines of one kind."""

    machine: Machine
    outcome: Outcome
    plan: Plan
    records: Mapping[Target, RunRecord]
    jobs: Mapping[str, Job]
    """By id, those whose environment is ready."""


def measure(
    farm: Farm, catalog: Catalog, reporter: Reporter, say: Callable[[str], None]
) -> list[Run]:
    """Measure what the machines of a cluster lack, each kind in a run of its own; resumes them.

    What fails there becomes rows, as at home, or a failure of the outcome: the next call goes on.
    Where the scheduler goes, that is :class:`~generator.errors.Interrupted`.

    Args:
        farm: the cluster.
        catalog: the frameworks and sections.
        reporter: told what happens.
        say: told what a machine cannot do.

    """
    if not farm.machines:
        raise UsageError(
            f"no worker at {farm.address} can measure for us; start some, in checkouts like this "
            f"one: `uv run --group farm dask worker {farm.address} --nthreads 1 --resources "
            "MEASURE=1`"
        )
    with contextlib.ExitStack() as stack:
        runs = []
        for machine, planned in _plans(farm, say):
            kind = planned.environments, machine.identity["machine"]
            opened = open_records(planned.plan, farm.request, catalog, *kind)
            id, plan, records = stack.enter_context(opened)
            outcome = Outcome.of(id, plan, records.values(), list(planned.failures))
            jobs = {job.id: job for job in plan.jobs if job.target in planned.ready}
            runs.append(Run(machine, outcome, plan, records, jobs))
        work = _Work(farm, runs, reporter, say)
        while work.blocks:
            work.step()
        return runs


def _plans(farm: Farm, say: Callable[[str], None]) -> list[tuple[Machine, worker.Planned]]:
    """Return what each kind of machine is to measure, as one of them says."""
    from generator.farm import worker

    earlier = history.measured_cells(farm.request.results)
    futures = []
    for machine in farm.machines.values():
        own = {key: lacked for key, lacked in earlier.items() if key[1].machine == machine.id}
        futures.append((machine, farm.submit(machine, worker.plan, farm.request, own)))
        say(f"{machine.id}: {plural(len(machine.workers), 'worker')}; installing what is missing")
    found = []
    for machine, future in futures:
        while not future.done():
            farm.check()
            time.sleep(0.1)
        error = farm.error(future)
        if isinstance(error, NoDeviceError):
            say(f"{machine.id} measures nothing: {error}")
        elif error is not None:
            raise error
        else:
            found.append((machine, future.result()))
    return found


class _Work:
    """Blocks that are on their way through the cluster, and what comes home from them."""

    def __init__(
        self, farm: Farm, runs: Sequence[Run], reporter: Reporter, say: Callable[[str], None]
    ) -> None:
        self.farm, self._reporter, self._say = farm, reporter, say
        self.runs = {run.outcome.run: run for run in runs}
        self.blocks: dict[Any, tuple[Run, worker.Block]] = {}
        self._home: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._looked = time.monotonic()
        known, self._seconds, todo = history.history(farm.request.results), dict[Job, float](), []
        for run in runs:
            self._fetch(run)
            share = len(run.machine.workers) or 1
            expected = durations(run.plan, known)
            self._seconds |= {job: expected[job] / share for job in run.jobs.values()}
            done = set[str]().union(*(record.done for record in run.records.values()))
            left = [job for id, job in run.jobs.items() if id not in done]
            todo += left
            for _, jobs in itertools.groupby(left, lambda job: job.stage[:2]):
                self._submit(run, tuple(jobs))
        reporter.begin(todo, [], self._seconds)

    def _fetch(self, run: Run) -> None:
        """Let what jobs of a run send come home, and write what they sent while nobody did."""
        from generator.farm import worker

        topic = run.outcome.run
        self.farm.client.subscribe_topic(
            topic, lambda event: self._home.put((topic, worker.unpacked(event[1])))
        )
        for said in worker.sent(self.farm.client, topic):
            run.records[tuple(said["target"])].take(said)
        for record in run.records.values():
            record.save()
            record.close(run.plan)

    def _submit(self, run: Run, jobs: tuple[Job, ...]) -> None:
        from generator.farm import worker

        contents = {}
        for target in dict.fromkeys(job.target for job in jobs):
            content = run.records[target].content
            given_up = [job for job in content["jobs"] if job.get("given_up")]
            contents[target] = {**content, "jobs": given_up}
        plan = replace(run.plan, jobs=jobs)
        block = worker.Block(run.outcome.run, self.farm.request, plan, contents)
        self.blocks[self.farm.submit(run.machine, worker.measure, block)] = run, block

    def step(self) -> None:
        """Write what has come home, see which blocks have ended, and who has come."""
        ended = [future for future in self.blocks if future.done()]
        self._write(0.0 if ended else 0.5)
        self.farm.check()
        for future in ended:
            self._end(future, *self.blocks.pop(future))
        if time.monotonic() - self._looked > LOOKS:
            self._look()
            self._looked = time.monotonic()

    def _write(self, seconds: float) -> None:
        """Write what has come home within some seconds: records once, however many jobs came."""
        touched = {}
        with contextlib.suppress(queue.Empty):
            topic, said = self._home.get(timeout=seconds)
            while True:
                run = self.runs[topic]
                if record := self._take(run, said):
                    touched[record.path] = run, record
                topic, said = self._home.get_nowait()
        for run, record in touched.values():
            record.save()
            record.close(run.plan)

    def _take(self, run: Run, said: Mapping[str, Any]) -> RunRecord | None:
        """Add what a job has left to write to its record; None where it is there already."""
        record = run.records[tuple(said["target"])]
        if not record.take(said):
            return None
        if job := run.jobs.get(said["job"]):
            ended = JobOutcome(said["status"], said["reason"], [], obstacle=said["obstacle"])
            self._reporter.job(job, self._seconds.get(job, 0.0))
            run.outcome.count(job, ended)
            self._reporter.finished(job, ended.status, ended.reason)
        return record

    def _end(self, future: Any, run: Run, block: worker.Block) -> None:
        """Say what is missing of a block that has ended."""
        error = self.farm.error(future)
        written = {job["id"] for record in run.records.values() for job in record.content["jobs"]}
        missing = [job for job in block.plan.jobs if job.id not in written]
        reason = "" if not missing else f"{plural(len(missing), 'job')} did not come home"
        if reason or error:
            run.outcome.left += len(missing)
            run.outcome.failures.append(f"{block.name} on {run.machine.id}: {error or reason}")

    def _look(self) -> None:
        """Give blocks that no machine was left for to those that have come."""
        busy = {run.machine.id for run, _ in self.blocks.values() if run.machine.workers}
        grown = self.farm.look()
        held = set(itertools.chain(*self.farm.client.processing().values())) if grown else set()
        for future, (run, block) in list(self.blocks.items()):
            if run.machine in grown and not future.done() and future.key not in held:
                del self.blocks[future]
                future.cancel()
                self._submit(run, block.plan.jobs)
        for machine in self.farm.machines.values():
            if machine.id in busy and not machine.workers:
                self._say(f"no worker of {machine.id} is left; waiting for one")
        for machine in grown:
            if not any(run.machine is machine for run in self.runs.values()):
                self._say(f"{machine.id} has come; the next call measures there as well")
