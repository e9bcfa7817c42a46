"""Killed, or out of disk, at any file operation of a run: the next start ends as if undisturbed."""

import errno
import itertools
import os
import sys
from dataclasses import replace

import pytest

from generator.cli import check
from generator.measure import ownership
from generator.results import reading, row_checks, run_record, validation
from tests.unit.test_runner import TINY, Stage

ONCE = replace(TINY, blocks=1, cold_blocks=0)
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
NEW = {"open", "os.rename", "os.mkdir"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killed(BaseException):
    """Nothing of the generator runs on: every later operation of its raises this as well."""


class Trap:
    """Counts what changes files below a folder, and lets the n-th and all after it fail."""

    def __init__(self):
        self.folder, self.left, self.full = None, 0, False
        sys.addaudithook(self.hear)  # it cannot be removed; without a folder it hears nothing

    def hear(self, event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if self.folder is None or not (writes or event in CHANGES):
            return
        if isinstance(arguments[0], int) or not self.concerns(arguments):
            return
        self.left -= 1
        if self.left < 0 and (event in NEW or not self.full):
            raise OSError(errno.ENOSPC, "No space left on device") if self.full else Killed

    def concerns(self, arguments):
        inside = arguments[-1] not in (-1, None) and isinstance(arguments[-1], int)
        return os.fspath(arguments[0]).startswith(self.folder) or inside

    def run(self, folder, operations, full, play):
        """Return whether a run met the trap."""
        self.folder, self.left, self.full = str(folder), operations, full
        try:
            play()
        except (Killed, OSError):
            return True
        finally:
            self.folder = None
        return self.left < 0


@pytest.fixture(scope="module")
def trap():
    return Trap()


def measured(stage):
    """Return what a run measured, without what tells how often it was begun."""
    names = ("section", "mode", "case", "metric", "block", "sample", "value", "status", "reason")
    (path,) = reading.find(stage.results)
    assert run_record.read_run_record(path)["finished"]
    rows = [row for row in row_checks.rows(path) if "partial" not in row["flags"]]
    return sorted(tuple(row[name] for name in names) for row in rows)


def ended(stage):
    return any(run_record.read_run_record(p)["finished"] for p in reading.find(stage.results))


def problems(stage):
    """Return what `generator check` finds."""
    paths = reading.find(stage.results)
    return [*check.orphans(stage.results), *itertools.chain(*map(validation.validate, paths))]


@pytest.mark.parametrize("full", [False, True])
def test_any_crash_point_leaves_what_the_next_start_completes(tmp_path, monkeypatch, trap, full):
    def play():
        ownership.clear_up(stage.results)
        stage.run(profile=ONCE, modes=("eager", "honest"))

    # It takes time and writes nothing.
    monkeypatch.setattr(os, "fsync", lambda file: None)
    stage = Stage(tmp_path / "whole", monkeypatch)
    play()
    whole = measured(stage)
    assert len(whole) == 2
    for operations in itertools.count():
        folder = tmp_path / str(operations)
        with monkeypatch.context() as patched:
            stage = Stage(folder, patched)
            if not trap.run(folder, operations, full, play):
                break
            assert problems(stage) == [], operations
            if ended(stage):  # `prepare` would find everything measured
                ownership.clear_up(stage.results)
            else:
                play()
            assert measured(stage) == whole, operations
            assert problems(stage) == [], operations
            left = [path.name for path in stage.results.rglob("*") if path.is_file()]
            assert sorted(name[-4:] for name in left) == [".csv", "json"], operations
    assert operations > 20
