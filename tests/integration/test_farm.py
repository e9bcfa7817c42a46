"""A farm: real schedulers and workers of Dask on this machine, each worker with a cache of its own.

Workers have folders for temporary files of their own, so that each is a machine to the lock; and
where we may make them, network namespaces on one switch.
"""

import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys

import pytest

from generator.errors import Interrupted, UsageError
from generator.farm import client, worker
from generator.measure.request import Request
from tests.conftest import ROOT
from tests.integration.test_interruption import Place, until, whole

WHAT = ("--section", "compile", "--mode", "honest", "--mode", "eager", "--seed", "5")
DASK = {
    # What a cluster finds out in minutes, it finds out in seconds here.
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
}


class Network:
    """A switch that this machine and a namespace for each worker hang on."""

    def __init__(self):
        # Addresses that are for tests only (RFC 2544); each process of tests has its own.
        self.subnet, self.name = f"198.18.{os.getpid() % 256}", f"cmp{os.getpid()}"
        self.host, self.spaces = f"{self.subnet}.1", []

    def __enter__(self):
        self._ip("link", "add", self.name, "type", "bridge")
        self._ip("address", "add", f"{self.host}/24", "dev", self.name)
        self._ip("link", "set", self.name, "up")
        return self

    def __exit__(self, *_):
        for name in self.spaces:
            self._ip("link", "delete", name)  # the namespace alone goes when it likes
            self._ip("netns", "delete", name)
        self._ip("link", "delete", self.name)

    def add(self):
        """Return a new namespace; its cable has the same name."""
        name, address = f"{self.name}-{len(self.spaces)}", f"{self.subnet}.{len(self.spaces) + 2}"
        self._ip("netns", "add", name)
        self.spaces.append(name)
        self._ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        self._ip("link", "set", name, "master", self.name, "up")
        self._ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self._ip("-n", name, "link", "set", device, "up")
        return name

    def pull(self, cable):
        self._ip("link", "set", cable, "down")

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)


def _may_be_made():
    with contextlib.suppress(OSError, subprocess.CalledProcessError), Network() as network:
        network.add()
        return True
    return False


NETWORKS = _may_be_made()
CABLE = "its cable is pulled"


class Farm(Place):
    """The machine with the results, a scheduler, and workers that are started as needed."""

    def __init__(self, folder, network=None):
        super().__init__(folder)
        self.workers, self.network = [], network
        self.begin()

    def begin(self):
        told = self.folder / f"scheduler-{len(self.started)}.json"
        host = self.network.host if self.network else "127.0.0.1"
        self.scheduler = self._dask(
            "dask_scheduler", "--host", host, "--port", "0", "--no-dashboard", "--no-show",
            "--scheduler-file", told,
        )  # fmt: skip
        until(lambda: told.exists() and told.read_text().endswith("}"), self.scheduler)
        self.address = json.loads(told.read_text())["address"]

    def work(self, checkout=ROOT, resources="MEASURE=1"):
        """Start a worker, with the code of some checkout, and wait until the scheduler knows it."""
        own = self.folder / f"worker-{len(self.workers)}"
        for name in ("tmp", "cache"):
            (own / name).mkdir(parents=True)
        process = self._dask(
            "dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--resources", resources, "--local-directory", own / "dask", cwd=checkout,
            env={"TMPDIR": str(own / "tmp"), "SYMBOLIC_COMPARISON_CACHE": str(own / "cache"),
                 "PYTHONPATH": str(checkout)}, log=own / "log",
            within=self.network.add() if self.network else "",
        )  # fmt: skip
        process.cache = own / "cache"
        self.workers.append(process)
        until(lambda: "Registered to" in (own / "log").read_text(), process)
        return process

    def _dask(self, module, *arguments, env=(), cwd=ROOT, log=None, within=""):
        space = ["ip", "netns", "exec", within] if within else []
        out = (log or self.folder / "scheduler.log").open("w")
        with out:
            process = subprocess.Popen(
                [*space, sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}",
                 *map(str, arguments)],
                cwd=cwd, env={**self.environment, **DASK, **dict(env)}, stdout=out, stderr=out,
            )  # fmt: skip
        self.started.append(process)
        return process

    def there(self, *arguments):
        """Return the options of a measurement on the farm."""
        return ("--scheduler", self.address, *arguments)

    def ids(self):
        return [job["id"] for job in self.record()["jobs"]]


@pytest.fixture
def farm(tmp_path):
    with Network() if NETWORKS else contextlib.nullcontext() as network:
        farm = Farm(tmp_path, network)
        yield farm
        for process in farm.started:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one machine measures."""
    place = Place(tmp_path_factory.mktemp("alone"))
    done = place.run(*WHAT)
    assert done.returncode == 0, done.stderr
    return place


def same(farm, alone):
    """Assert that nothing is missing, nothing came twice, and the check is content."""
    assert whole(farm) == whole(alone)
    assert sorted(farm.ids()) == sorted(job["id"] for job in alone.record()["jobs"])
    assert farm.record()["finished"]
    assert [job["order"] for job in farm.record()["jobs"]] == list(range(len(farm.ids())))
    checked = subprocess.run(
        [sys.executable, "-m", "generator", "check", "--results", farm.results],
        cwd=ROOT, env=farm.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def busy(process):
    """Whether a worker is in the middle of a job."""
    return any("read_back" in f.read_text() for f in process.cache.glob("journal/*/*.jsonl"))


def test_four_machines_write_what_one_does(farm, alone):
    for _ in range(4):
        farm.work()
    done = farm.run(*WHAT, *farm.there())
    assert done.returncode == 0, done.stderr
    same(farm, alone)
    files = "".join(path.read_text() for path in farm.results.rglob("*") if path.is_file())
    assert platform.node() not in files
    assert farm.address not in files
    assert {len(job["host"]) for job in farm.record()["jobs"]} == {12}
    blocks = {job["block"] for job in farm.record()["jobs"]}
    used = [process for process in farm.workers if (process.cache / "compiled").exists()]
    assert len(blocks) == len(used) == 3, "each block was measured by another machine"
    again = farm.run(*WHAT, *farm.there())
    assert again.returncode == 0
    assert "Nothing is missing" in again.stdout
    listed = subprocess.run(
        farm.arguments("--machines", "--json", *farm.there(), command="list"),
        cwd=ROOT, env=farm.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (machine,) = json.loads(listed.stdout)
    assert (machine["workers"], machine["runs"], machine["frameworks"]) == (4, 1, ["pretend"])
    (lacked,) = machine["lacks"]
    assert "pretend-compiler is not installed" in lacked


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP, *([CABLE] if NETWORKS else [])])
def test_the_block_of_a_worker_that_dies_hangs_or_is_cut_off_is_measured_elsewhere(
    farm, alone, end
):
    first, _ = farm.work(), farm.work()
    process = farm.start(*WHAT, *farm.there())
    until(lambda: busy(first), process)
    if end == CABLE:
        farm.network.pull(farm.network.spaces[0])
    else:
        first.send_signal(end)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    same(farm, alone)


def test_blocks_wait_for_a_worker_that_comes_later(farm, alone):
    first = farm.work()
    process = farm.start(*WHAT, *farm.there())
    until(lambda: busy(first), process)
    first.kill()
    farm.work()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    same(farm, alone)


def test_other_code_measures_nothing(farm, alone):
    other = farm.folder / "other"
    shutil.copytree(ROOT / "generator", other / "generator")
    left_out = shutil.ignore_patterns("results")
    shutil.copytree(ROOT / "measurements", other / "measurements", ignore=left_out)
    with (other / "measurements" / "timing.py").open("a") as file:
        file.write("# other\n")
    stranger = farm.work(other)
    nothing = farm.run(*WHAT, *farm.there())
    assert nothing.returncode == UsageError.exit_code
    assert "it has other measuring code than this machine" in nothing.stderr
    assert "--resources MEASURE=1" in nothing.stderr
    assert not farm.results.exists()
    farm.work()
    done = farm.run(*WHAT, *farm.there())
    assert done.returncode == 0, done.stderr
    same(farm, alone)
    assert not list(stranger.cache.glob("compiled"))


def test_a_scheduler_that_goes_loses_nothing(farm, alone):
    first, _ = farm.work(), farm.work()
    process = farm.start(*WHAT, *farm.there())
    until(lambda: farm.rows() and busy(first), process)
    farm.scheduler.kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode == Interrupted.exit_code, said
    assert "is gone; results are kept" in said
    assert "Traceback" not in said
    farm.begin()
    farm.work()
    kept = set(farm.ids())
    done = farm.run(*WHAT, *farm.there())
    assert done.returncode == 0, done.stderr
    assert kept < set(farm.ids())
    same(farm, alone)


def test_whoever_stops_it_gets_the_workers_back(farm, alone):
    first = farm.work()
    process = farm.start(*WHAT, *farm.there())
    until(lambda: farm.rows() and busy(first), process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == Interrupted.exit_code, said
    done = farm.run(*WHAT, *farm.there())
    assert done.returncode == 0, done.stderr
    same(farm, alone)


def test_who_lacks_the_package_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match="uv sync --group farm"),
        client.connected("tcp://127.0.0.1:1", Request(), print),
    ):
        pass


def test_the_code_of_a_worker_is_all_that_measures(tmp_path):
    page = "generator/pages/urls.py"
    measuring = "generator/measure/plan.py", "generator/files.py", "measurements/timing.py"
    for name in (*measuring, "measurements/note.md", page):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    before = worker.code_sha256(tmp_path)
    for name in (page, "measurements/note.md"):
        (tmp_path / name).write_text("nothing that measures")
    assert worker.code_sha256(tmp_path) == before
    for name in measuring:
        (tmp_path / name).write_text("# changed")
        assert worker.code_sha256(tmp_path) != before
        before = worker.code_sha256(tmp_path)
