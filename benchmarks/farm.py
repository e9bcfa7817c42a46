"""A farm: four machines at least 3.5 times as fast as one; 10,000 jobs handed out in under 10 s.

Schedulers and workers of Dask run on this machine, each worker with a cache of its own, so that
they are machines of one id. Jobs of two seconds sleep: what is timed is the way to the workers and
back, without the rate of the machine, which each one measures once a run. Then: how long 10,000
jobs take to plan and to hand out, and to come home and be written, the memory of the scheduler, how
long a file takes to write by its rows, and how large profiles and rows are.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.line import Line
from generator.catalog import loader
from generator.farm import client, worker
from generator.measure import plan as plans
from generator.measure import profiles, run_record, runner, worker_launch
from generator.measure.request import Request

ROOT = Path(__file__).parents[1]
PRETEND = ROOT / "tests" / "frameworks" / "pretend"
BLOCKS, SECONDS, JOBS = 12, 2.0, 10_000
MODES = ("honest", "eager", "asynchronous", "unsynchronised")
ROWS = 34
"""Of a job with 30 samples."""


def run(_arguments: list[str]) -> list[Line]:
    return [*speed(), *handing_out(), *writing(), *sizes()]


@contextlib.contextmanager
def cluster(folder: Path, workers: int, resources: str = "MEASURE=1"):
    """Yield the address of a scheduler with workers, and its process."""
    told, started = folder / "scheduler.json", []

    def dask(module, *arguments, **env):
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", *arguments],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        return process

    try:
        scheduler = dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                         "--no-show", "--scheduler-file", str(told))  # fmt: skip
        while not told.exists() or not told.read_text().endswith("}"):
            time.sleep(0.1)
        address = json.loads(told.read_text())["address"]
        for number in range(workers):
            own = folder / f"worker-{number}"
            own.mkdir()
            dask("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                 "--resources", resources, "--local-directory", str(own), TMPDIR=str(own),
                 SYMBOLIC_COMPARISON_CACHE=str(own), DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED="0",
            )  # fmt: skip
        yield address, scheduler
    finally:
        for process in started:
            process.kill()
            process.wait()


def know_the_rate():
    """Measure no rate of matrix products: four machines would not wait for each other's."""
    worker_launch._rates = lambda threads: [1e9 * threads]


def planned(request, earlier):
    """Plan on a worker, with so many blocks that four can share them evenly."""
    for name, profile in profiles.PROFILES.items():
        profiles.PROFILES[name] = replace(profile, blocks=BLOCKS)
    return worker.plan(request, earlier)


def speed():
    """Time one worker and four on jobs that sleep."""
    taken = {}
    for workers in (1, 4):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            request = Request(
                ("pretend",), ("lenet",), MODES, environment="current",
                results=folder / "results", frameworks_folder=sleepers(folder), profile="full",
                lanes=("threads-1",),
            )  # fmt: skip
            with (
                cluster(folder, workers) as (address, _),
                connected(address, request, workers) as farm,
            ):
                farm.client.run(know_the_rate)
                original, worker.plan = worker.plan, planned
                begin = time.monotonic()
                (done,) = client.measure(farm, catalog(request), runner.Reporter(), str)
                taken[workers] = time.monotonic() - begin
                worker.plan = original
            jobs = sum(done.outcome.counts.values())
    ratio = taken[1] / taken[4]
    what = (
        f"{jobs} jobs of {SECONDS:.0f} s in {BLOCKS} blocks: 1 worker {taken[1]:.1f} s, 4 workers"
    )
    found = f"{taken[4]:.1f} s, {ratio:.2f} times as fast"
    return [Line("farm", what, found, "3.5 times", ratio >= 3.5)]


def sleepers(folder):
    """Return a folder with a framework whose processes sleep and find nothing to do."""
    own = folder / "frameworks" / "pretend"
    own.mkdir(parents=True)
    (own / "framework.toml").write_text((PRETEND / "framework.toml").read_text())
    (own / "adapter.py").write_text(
        "import time\nfrom measurements.contract import Framework, Unsupported\n"
        f"class Adapter(Framework):\n    def lenet(self, parameters, batch):\n"
        f"        time.sleep({SECONDS})\n        raise Unsupported('asleep')\n"
    )
    return own.parent


def catalog(request):
    return loader.load(frameworks=request.frameworks_folder)


@contextlib.contextmanager
def connected(address, request, workers):
    """Yield the farm once so many workers are there."""
    with client.connected(address, request, print) as farm:
        while sum(len(kind.workers) for kind in farm.machines.values()) < workers:
            time.sleep(0.2)
            farm.look()
        yield farm


def many(blocks):
    """Return a plan of the real catalog with so many blocks."""
    known = loader.load()
    profile = replace(profiles.PROFILES["full"], blocks=blocks)
    chosen = plans.selection(known, (), every=True)
    sections = [section for section in known.sections if not section.apart]
    given = {"modes": (), "device": "cpu", "lanes": (), "profile": profile, "seed": 1}
    return known, plans.make(chosen, sections, **given)


def memory(process):
    """Return the resident bytes of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def opened(stack, farm, made, known):
    """Return the run of a machine that measures a plan."""
    (machine,) = farm.machines.values()
    targets = run_record.described(made, farm.request, known, {}) | {
        target: runner.environments.current() for target in made.targets
    }
    id, made, records = stack.enter_context(
        run_record.open_records(made, farm.request, known, targets, machine.identity["machine"])
    )
    outcome = runner.Outcome.of(id, made, records.values(), [])
    return client.Run(machine, outcome, made, records, {job.id: job for job in made.jobs})


def handing_out():
    """Plan, and hand out to a machine that is busy elsewhere; then let all of it come home."""
    blocks = 1
    while len(many(blocks)[1].jobs) < JOBS:
        blocks *= 2
    begin = time.monotonic()
    known, made = many(blocks)
    made = replace(made, jobs=made.jobs[:JOBS])
    planning = time.monotonic() - begin
    lines = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, scheduler = stack.enter_context(cluster(folder, 1))
        request = Request(results=folder / "results", environment="current")
        farm = stack.enter_context(connected(address, request, 1))
        run = opened(stack, farm, made, known)
        before = memory(scheduler)
        farm.client.submit(time.sleep, 600, resources={worker.MEASURE: 1})
        begin = time.monotonic()
        work = client._Work(farm, [run], runner.Reporter(), print)
        while sum(map(len, farm.client.processing().values())) < len(work.blocks):
            time.sleep(0.01)
        handed = time.monotonic() - begin
        took = f"{planning:.1f} s to plan, {handed:.1f} s to hand out in {len(work.blocks)} blocks"
        lines.append(Line("farm", f"{JOBS} jobs", took, "10 s together", planning + handed < 10))
        grown = memory(scheduler) - before
        lines.append(Line("farm", "scheduler, of all blocks", f"{grown / 2**20:.1f} MiB more"))
        before = memory(scheduler)
        size = farm.client.run(send, run.outcome.run, made.jobs)
        begin = time.monotonic()
        while sum(run.outcome.counts.values()) < JOBS:
            work._write(1.0)
        seconds = time.monotonic() - begin
        came = f"{seconds:.1f} s, {JOBS * ROWS / seconds:,.0f} rows a second"
        sent = (
            f"{JOBS} jobs of {ROWS} rows come home, {sum(size.values()) / JOBS / 1024:.1f} KiB each"
        )
        lines.append(Line("farm", sent, came))
        grown = memory(scheduler) - before
        lines.append(Line("farm", "scheduler, of all jobs", f"{grown / 2**20:.1f} MiB more"))
    return lines


def send(topic, jobs, dask_worker):
    """Send what jobs leave to write, as fast as a worker can; return how many bytes."""
    size, here = 0, worker.machine.this().id
    for number, job in enumerate(jobs):
        place = {
            "run": topic, "machine": here, "framework": job.framework, "version": job.version,
            "section": "lenet", "mode": job.mode, "device": "cpu", "lane": job.lane,
            "case": str(number), "metric": "step_time", "unit": "s", "block": job.block,
            "status": "ok", "flags": "", "reason": "",
        }  # fmt: skip
        rows = [{**place, "sample": sample, "value": random.random()} for sample in range(ROWS)]
        entry = {
            "id": job.id, "sections": list(job.sections), "mode": job.mode, "device": "cpu",
            "lane": job.lane, "case": "", "start": job.start, "block": job.block, "log": None,
            "status": "ok", "seconds": 12.0, "host": "0" * 12,
        }  # fmt: skip
        data = worker.packed(
            {"job": job.id, "target": job.target, "rows": rows, "entry": entry, "build": {},
             "logs": {}, "status": "ok", "reason": "", "obstacle": ""}
        )  # fmt: skip
        size += len(data)
        dask_worker.log_event(topic, data)
    return size


def writing():
    """Time how long a record takes to write by its rows."""
    lines = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        known, made = many(1)
        made = replace(made, jobs=made.jobs[:1], gaps=())
        request = Request(results=folder, environment="current")
        targets = {made.jobs[0].target: runner.environments.current()}
        here = worker.machine.this().plain()
        _, _, records = stack.enter_context(
            run_record.open_records(made, request, known, targets, here)
        )
        (record,) = records.values()
        row = {"section": "lenet", "metric": "step_time", "unit": "s", "value": 0.012345678901,
               "status": "ok", "case": ""}  # fmt: skip
        for rows in (10_000, 40_000):
            while len(record.rows) < rows:
                record.add([{**row, "sample": len(record.rows)}], made.jobs[0])
            begin = time.monotonic()
            record.save()
            seconds = time.monotonic() - begin
            lines.append(Line("farm", f"writing a record of {rows} rows", f"{seconds:.2f} s"))
    return lines


def sizes():
    """Count the jobs and blocks of profiles, and the bytes of committed rows."""
    lines = []
    known = loader.load()
    for name in ("quick", "full"):
        given = {"modes": (), "device": "cpu", "lanes": (), "seed": 1}
        chosen = plans.selection(known, ())
        made = plans.make(chosen, known.sections, profile=profiles.PROFILES[name], **given)
        blocks = len({job.stage[:2] for job in made.jobs})
        lines.append(Line("farm", f"profile {name}", f"{len(made.jobs)} jobs in {blocks} blocks"))
    files = [path.read_bytes() for path in (ROOT / "measurements/results").rglob("*.csv")]
    size = sum(map(len, files)) / sum(text.count(b"\n") for text in files)
    lines.append(Line("farm", "a row on disk", f"{size:.0f} bytes"))
    return lines
