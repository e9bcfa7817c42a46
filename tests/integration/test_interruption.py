"""One generator measures on a machine; whatever ends it, nothing lives on and nothing is lost."""

import contextlib
import csv
import hashlib
import io
import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from generator import files
from generator.errors import Busy, Interrupted
from tests.conftest import PRETEND, ROOT

ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]

BACKEND = """
import pathlib, subprocess, sys, time
def build_wheel(*arguments, **settings):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({note!r}).touch()
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path):
    """A machine of its own: cache, temporary files, frameworks and results."""
    return Place(tmp_path)


class Place:
    def __init__(self, folder):
        self.folder, self.results = folder, folder / "results"
        self.cache, self.scratch = folder / "cache", folder / "tmp"
        for made in (self.cache, self.scratch):
            made.mkdir()
        self.environment = {
            **os.environ, "SYMBOLIC_COMPARISON_CACHE": str(self.cache), "COLUMNS": "1000",
            "TMPDIR": str(self.scratch),
        }  # fmt: skip
        self.frameworks = PRETEND
        self.started = []

    def arguments(self, *arguments, command="measure", results=None):
        return [
            sys.executable, "-m", "generator", command, "pretend", "--frameworks-folder",
            self.frameworks, "--results", results or self.results, *arguments,
        ]  # fmt: skip

    def run(self, *arguments, env=None, **options):
        return subprocess.run(
            self.arguments("--environment", "current", *arguments, **options),
            cwd=ROOT, env=self.environment | (env or {}), capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip

    def start(self, *arguments, kind="current", prefix=(), **options):
        process = subprocess.Popen(
            [*prefix, *self.arguments("--environment", kind, *arguments, **options)],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def hang(self, *arguments, **options):
        """Start a measurement whose worker never ends, and wait until it sleeps."""
        process = self.start(
            "--mode", "hang", "--section", "compile", "--seed", "1", *arguments, **options
        )
        journal = self.cache / "journal"
        until(lambda: any("read_back" in f.read_text() for f in journal.glob("*/*.jsonl")), process)
        return process

    def install(self):
        """Start a measurement whose framework takes forever to build, and wait until it does."""
        note = self.folder / "building"
        wheels = self.folder / "wheels"
        wheels.mkdir(exist_ok=True)
        archive = wheels / "endless-1.0.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, text in {
                "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
                'backend-path = ["."]\n[project]\nname = "endless"\nversion = "1.0"\n',
                "backend.py": BACKEND.format(note=str(note)),
                "PKG-INFO": "Metadata-Version: 2.2\nName: endless\nVersion: 1.0\n",
            }.items():
                info = tarfile.TarInfo(f"endless-1.0/{name}")
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
        self.frameworks = self.folder / "frameworks"
        own = self.frameworks / "pretend"
        if not own.exists():
            shutil.copytree(PRETEND / "pretend", own)
        (own / "environments").mkdir(exist_ok=True)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        lock = f"endless==1.0 \\\n    --hash=sha256:{digest}\n"
        (own / "environments" / "1.0-cpu.txt").write_text(lock)
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        toml = own / "framework.toml"
        toml.write_text(toml.read_text().replace('python = "3.11"', f'python = "{python}"'))
        self.environment |= {
            "UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_CACHE_DIR": str(self.folder / "uv")
        }  # fmt: skip
        process = self.start("--mode", "honest", "--section", "compile", kind="locked")
        until(note.exists, process)
        note.unlink()
        return process

    def left(self):
        """Names of what killed and interrupted generators leave and should not."""
        found = [*self.scratch.glob("symbolic-comparison-*")]
        found += self.cache.glob("environments/*.making")
        return [path.name for path in [*found, *self.results.rglob("*.part")]]

    def rows(self):
        found = []
        for path in sorted(self.results.rglob("*.csv")):
            with path.open(newline="") as file:
                found += list(csv.DictReader(file))
        return found

    def record(self):
        (path,) = self.results.rglob("*.json")
        return json.loads(path.read_text())


@pytest.fixture(autouse=True)
def _nothing_lives_on(place):
    yield
    for process in place.started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def until(ready, process=None, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        if process is not None and process.poll() is not None:
            pytest.fail(f"it ended: {process.communicate()}")
        assert time.monotonic() < deadline
        time.sleep(0.02)


def session(process):
    """Pids of everything alive in the session that a process was started in."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = stat.read_text().rsplit(")", 1)[1].split()
            if int(words[3]) == process.pid and words[0] not in "ZX":
                found.append(stat.parent.name)
    return found


# ------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("by", ENDS)
@pytest.mark.parametrize("phase", ["hang", "install"])
def test_nothing_lives_on(place, by, phase):
    process = getattr(place, phase)()
    assert len(session(process)) > 2
    process.send_signal(by)
    _, said = process.communicate(timeout=20)
    until(lambda: not session(process), seconds=5)
    if by != signal.SIGKILL:
        assert process.returncode == Interrupted.exit_code
        assert "results are kept" in said
        assert [name for name in place.left() if not name.endswith(".making")] == []
    made = [path.name for path in place.cache.glob("environments/*") if path.is_dir()]
    assert all(name.endswith(".making") for name in made), "half of it is not taken for ready"
    place.frameworks = PRETEND
    done = place.run("--mode", "eager", "--section", "compile")
    assert done.returncode == 0, done.stderr
    assert place.left() == []


def test_a_terminal_that_closes_is_an_interruption(place):
    ours, theirs = pty.openpty()
    what = ("--environment", "current", "--mode", "hang", "--section", "compile")
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *place.arguments(*what)],
        cwd=ROOT, env=place.environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    place.started.append(process)
    journal = place.cache / "journal"
    until(lambda: any("read_back" in f.read_text() for f in journal.glob("*/*.jsonl")), process)
    os.close(ours)
    assert process.wait(timeout=20) == Interrupted.exit_code
    assert place.left() == []


def test_what_nohup_keeps_alive_goes_on(place):
    process = place.hang(prefix=["nohup"])
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None


# ----------------------------------------------------------------------------------- the owner


def test_the_second_one_says_who_measures_and_measures_nothing(place):
    first = place.hang()
    for command, results in (("measure", None), ("measure", "elsewhere"), ("report", None)):
        folder = place.folder / results if results else None
        second = place.run(command=command, results=folder)
        assert second.returncode == Busy.exit_code
        assert f"process {first.pid}, since 20" in second.stderr
        assert "generator measure pretend" in second.stderr
        assert "--wait" in second.stderr
        assert "Traceback" not in second.stderr
    assert not (place.folder / "elsewhere").exists()
    assert place.record()["starts"] == place.record()["starts"][:1]
    assert place.run("--dry-run").returncode == 0


def test_the_second_one_waits_if_told_to(place):
    first = place.hang()
    second = place.start("--mode", "eager", "--section", "compile", "--wait")
    time.sleep(1.5)
    assert second.poll() is None
    assert not [row for row in place.rows() if row["mode"] == "eager"]
    first.kill()
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert f"process {first.pid}" in said
    assert [row for row in place.rows() if row["mode"] == "eager" and row["status"] == "ok"]


def test_the_run_of_another_machine_alike_is_left_to_it(place):
    """Computers of one kind share their id, and may share the folder of results."""
    first = place.hang()
    alike = place.folder / "tmp of the other"
    alike.mkdir()
    done = place.run(
        "--mode", "hang", "--section", "compile", "--timeout", "2", env={"TMPDIR": str(alike)}
    )
    assert done.returncode == 1
    records = [json.loads(path.read_text()) for path in place.results.rglob("*.json")]
    assert sorted(len(record["starts"]) for record in records) == [1, 1]
    assert len({record["run"] for record in records}) == 2
    first.kill()
    first.wait()
    again = place.run("--mode", "hang", "--section", "compile", "--timeout", "2", "--force")
    assert again.returncode == 1
    records = [json.loads(path.read_text()) for path in place.results.rglob("*.json")]
    assert sorted(len(record["starts"]) for record in records) == [1, 2], "its owner is gone"


# --------------------------------------------------------------------------------- the results

MODES = ("honest", "eager", "segfault", "asynchronous", "compiled")
WHAT = ("--section", "compile", "--seed", "5", *[w for mode in MODES for w in ("--mode", mode)])
NAMES = ("section", "mode", "lane", "case", "metric", "unit", "block", "sample", "status")


def whole(place):
    """Return what identifies each row that no interruption cut off; of samples the first."""
    return sorted(
        tuple(row[name] if name != "sample" else str(bool(row[name])) for name in NAMES)
        for row in place.rows()
        if "partial" not in row["flags"] and row["sample"] in ("", "0")
    )


@pytest.mark.parametrize("seed", [1])
def test_ten_interruptions_change_no_row(place, tmp_path, seed):
    (tmp_path / "undisturbed").mkdir()
    undisturbed = Place(tmp_path / "undisturbed")
    start = time.monotonic()
    undisturbed.run(*WHAT)
    seconds = time.monotonic() - start
    chance = random.Random(seed)
    moments = [(ENDS[n % len(ENDS)], chance.uniform(0.5, seconds / 6)) for n in range(10)]
    for by, moment in moments:  # together they last less than the run
        process = place.start(*WHAT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        process.send_signal(by)
        process.communicate(timeout=20)
        until(lambda gone=process: not session(gone), seconds=5)
    last = place.run(*WHAT)
    assert "Traceback" not in last.stderr
    assert whole(place) == whole(undisturbed)
    runs = {row["run"] for row in place.rows()}
    assert len(runs) == 1
    ids = [job["id"] for job in place.record()["jobs"]]
    assert sorted(ids) == sorted(job["id"] for job in undisturbed.record()["jobs"])
    assert place.record()["finished"]
    assert place.left() == []
    assert list(place.results.glob(".*")) == []


SWALLOWS = """
import os, signal, time
from generator.cli import common
class Gone:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
common.accept_signals()
try:
    gone = Gone()
    del gone
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interruption_in_a_destructor_is_not_lost():
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWS],
        cwd=ROOT, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_the_lock_of_a_run_that_wrote_nothing_goes(place):
    place.results.mkdir()
    dead, alive = (place.results / f".20260101T000000Z-{x * 6}.lock" for x in "ab")
    dead.touch()
    with files.locked(alive):
        assert place.run("--mode", "eager", "--section", "compile").returncode == 0
        assert list(place.results.glob(".*")) == [alive]


def test_ctrl_c_while_it_is_imported_is_no_traceback():
    """From its first line on; before that, the interpreter answers for itself."""
    for moment in (0.0, 0.2, 0.5):
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "generator", "list"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        said = process.stderr.readline()
        while "generator." not in said:  # a module of ours is there
            said += process.stderr.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=60)[1]
        assert "Traceback" not in said
        assert process.returncode in (-signal.SIGINT, Interrupted.exit_code, 0)
