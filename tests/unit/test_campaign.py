"""The campaign of the benchmarks at a tiny scale: it finds nothing, and finds what is planted."""

import pytest

from benchmarks import campaign
from benchmarks.campaigns import processes
from generator.catalog import package_index
from generator.errors import InputError
from generator.results import reading, validation
from generator.site import render

pytestmark = pytest.mark.whole

FEW = ("--seed", "1", "--scale", "0.004")


def found(*kinds):
    """Return kind -> column -> number, and which kinds were not kept."""
    lines = campaign.run([*FEW, *[word for kind in kinds for word in ("--only", kind)]])
    counts = {
        line.what: dict(zip(campaign.COLUMNS, map(int, line.found.split()), strict=True))
        for line in lines[1:]
    }
    return counts, {line.what for line in lines if line.kept is False}


def test_mutated_files_find_nothing():
    counts, bad = found("CSVs", "run records", "TOMLs", "snapshots")
    assert bad == set()
    assert [one["tried"] for one in counts.values()] == [20, 10, 10, 1]


def test_a_check_that_fails_or_accepts_anything_is_found(monkeypatch):
    def broken(path, *_):
        raise KeyError(path)

    monkeypatch.setattr(validation, "validate", broken)
    counts, bad = found("CSVs")
    assert counts["CSVs"]["tracebacks"] >= counts["CSVs"]["tried"]
    monkeypatch.setattr(validation, "validate", lambda *_: [])
    assert found("run records")[1] == {"run records"}
    assert bad == {"CSVs"}


def test_a_refused_snapshot_without_the_next_command_is_found(monkeypatch):
    def silent(path):
        raise InputError(path, None, "a word", "another one")

    monkeypatch.setattr(package_index, "read", silent)
    assert found("snapshots")[0]["snapshots"]["tracebacks"] == 1


def test_a_row_that_reading_loses_is_found(monkeypatch):
    load = reading.load

    def losing(root):
        for file in (read := load(root)).files.values():
            object.__setattr__(file, "table", file.table.slice(1))
        return read

    monkeypatch.setattr(reading, "load", losing)
    assert found("CSVs")[0]["CSVs"]["lost"] > 0


def test_text_that_becomes_markup_is_found(monkeypatch):
    def careless(docs, **_):
        docs.mkdir(exist_ok=True)
        (docs / "page.md").write_text("<x-hostile>")

    monkeypatch.setattr(render, "render", careless)
    assert found("CSVs")[0]["CSVs"]["unescaped"] > 0


def test_a_lying_index_finds_nothing():
    assert found("index that lies")[1] == set()


def test_a_row_that_a_kill_loses_is_found(monkeypatch):
    from benchmarks.campaigns import processes

    whole = processes.whole
    monkeypatch.setattr(
        processes, "whole", lambda place: whole(place)[place.folder.name != "undisturbed" :]
    )
    counts = found("SIGTERM")[0]["SIGTERM"]
    assert counts.pop("lost") > 0
    assert counts == {
        "tried": 1, "doubled": 0, "tracebacks": 0, "unescaped": 0, "left behind": 0
    }  # fmt: skip


def test_an_interpreter_that_is_interrupted_while_it_starts_has_not_come_to_its_end():
    said = "Fatal Python error: init_sys_streams\nTraceback ...\nKeyboardInterrupt"
    assert [processes.came_to_its_end(code, "Run: done") for code in (0, 1, 3, -2)] == [
        True, True, False, False
    ]  # fmt: skip
    assert not processes.came_to_its_end(1, said)
