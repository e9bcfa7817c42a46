"""Frameworks that their users build: looked for, named by their files, or said to be missing."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from generator.catalog import freshness, loader, model
from generator.errors import EnvironmentMissing, UsageError
from generator.measure import environments, found, history, obstacles, plan, worker_launch
from generator.measure.request import Request
from generator.results import contribution_checks
from generator.update import package_watch
from tests.conftest import missed

CATALOG = loader.load()
FOUND = model.Found(("th", "lu"), "NAMED", ("alder",), ("LUA_PATH",), "https://example.org/how")


@pytest.fixture
def framework(monkeypatch, tmp_path):
    """A framework that is found, on a machine that has no such program yet."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("NAMED", raising=False)
    found._files.cache_clear()
    yield replace(CATALOG.frameworks[0], name="Alder", found=FOUND, needs=())
    found._files.cache_clear()


@pytest.fixture
def program(tmp_path):
    """Return a function that puts a program there, which prints some files."""

    def put(*files, code=0, name="lu"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        lines = [f"echo {file}" for file in files]
        path.write_text("\n".join(["#!/bin/sh", *lines, f"exit {code}"]))
        path.chmod(0o755)
        found._files.cache_clear()
        return path

    return put


@pytest.fixture
def files(tmp_path):
    """A library, and a module of two files of Lua."""
    library, module = tmp_path / "libAlder.so", tmp_path / "alder"
    module.mkdir()
    library.write_bytes(b"library")
    (module / "init.lua").write_text("require 'alder.more'")
    (module / "more.lua").write_text("return 1")
    return library, module / "init.lua"


def test_where_it_is_its_files_name_the_environment(framework, program, files):
    put = program(*files)
    ready = environments.find_ready(framework, framework.newest, "cpu")
    assert ready == environments.locked(framework, framework.newest, "cpu")
    assert (ready.kind, ready.python, ready.lock) == ("found", Path(sys.executable), None)
    assert [name.partition("==sha256:")[0] for name in ready.packages] == [
        "alder/*.lua",
        "libAlder.so",
    ]
    assert ready.start[0] == str(put)
    assert ready.start[-1] == sys.executable
    for changed in (files[0], files[1].with_name("more.lua")):
        before = environments.identity(framework, framework.newest, "cpu")
        changed.write_text("another build")
        found._files.cache_clear()
        assert environments.identity(framework, framework.newest, "cpu") != before, changed


def test_the_first_program_is_taken_unless_the_setting_names_one(
    framework, program, files, monkeypatch
):
    other = program(*files)
    first = program(*files, name="th")
    assert found.find(framework).start[0] == str(first)
    monkeypatch.setenv("NAMED", str(other))
    assert found.find(framework).start[0] == str(other)


def test_what_is_missing_is_said_with_the_page_that_says_how_to_install_it(
    framework, program, files, monkeypatch
):
    how = (
        "; its users build it: install it as https://example.org/how says, and put th or lu on PATH"
        " or name it in NAMED"
    )
    assert found.obstacle(framework) == (
        f"Alder is not installed (there is no th or lu on PATH){how}"
    )
    program(code=1)
    assert found.obstacle(framework) == f"Alder is not installed (lu cannot load alder){how}"
    program("/no/such/file")
    assert "cannot load" in found.obstacle(framework)
    monkeypatch.setenv("NAMED", "/no/such/program")
    assert found.obstacle(framework) == f"Alder is not installed (NAMED names no program){how}"
    monkeypatch.delenv("NAMED")
    program(*files)
    assert found.obstacle(framework) == ""
    monkeypatch.setattr(found, "python_library", lambda: None)
    assert "shared library" in found.obstacle(framework)


def test_where_it_is_missing_its_jobs_are_skipped_and_the_doctor_knows(framework):
    catalog = model.Catalog((framework,), CATALOG.sections)
    mode, section = framework.default, CATALOG.section("lenet")
    names = framework.id, framework.newest.version, mode.id
    job = plan.Job(*names, "cpu", "threads-1", (section.id,), "warm", 0)
    missing = found.obstacle(framework)
    assert obstacles.of_job(job, catalog, None) == missing
    assert obstacles.of_machine(catalog) == {missing: [framework.id]}
    assert environments.find_ready(framework, framework.newest, "cpu") is None
    assert environments.identity(framework, framework.newest, "cpu") is None
    with pytest.raises(EnvironmentMissing, match="not installed"):
        environments.locked(framework, framework.newest, "cpu")
    assert environments.not_found().kind == "found"


def test_it_is_the_one_thing_that_may_be_missing_where_all_tests_run(framework):
    def report(reason):
        return SimpleNamespace(longrepr=("test.py", 1, f"Skipped: {reason}"))

    lacking = report("not installed: R (apt-get install r-base-core)")
    assert missed([report(found.obstacle(framework)), lacking]) == [lacking]


def test_its_worker_is_started_by_its_own_program(framework, program, files):
    program(*files)
    catalog = model.Catalog((framework,), CATALOG.sections)
    launcher = worker_launch.Launcher(None, Request(), catalog)
    job = plan.Job(framework.id, "1", "eager", "cpu", "threads-1", ("lenet",), "warm", 0)
    ready = environments.find_ready(framework, framework.newest, "cpu")
    assert launcher._program(job, ready) == [*ready.start, "-m", "measurements.worker"]
    assert launcher._extra(job, framework, ready) is None


def test_it_inherits_the_variables_that_it_names(monkeypatch):
    monkeypatch.setenv("LUA_PATH", "/lua/?.lua")
    assert worker_launch.inherited(own=True, more=FOUND.variables)["LUA_PATH"] == "/lua/?.lua"
    assert "LUA_PATH" not in worker_launch.inherited(own=True)


def test_what_hosts_it_is_part_of_its_code_and_of_no_other(tmp_path):
    mine = next(framework for framework in CATALOG.frameworks if framework.found)
    other = next(framework for framework in CATALOG.frameworks if not framework.found)
    section = CATALOG.section("lenet")
    for source in loader.ROOT.joinpath("measurements").glob("*.*"):
        copy = tmp_path / "measurements" / source.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(source.read_bytes())

    def hashes():
        history._code.cache_clear()
        return [history.code_hash(section, f, f.newest.version, CATALOG, tmp_path)
                for f in (mine, other)]  # fmt: skip

    before = hashes()
    for name in history.LUA_CODE:
        (tmp_path / "measurements" / name).write_text("changed")
        after = hashes()
        assert after[0] != before[0], name
        assert after[1] == before[1], name
        before = after
    history._code.cache_clear()


def test_it_is_on_no_index(framework):
    gone = replace(framework, retired=model.Retired(2018, "https://example.org", None), watch=None)
    assert freshness.of(gone, "7").label == "retired in 2018"
    assert freshness.of(replace(gone, retired=None), "7").label == "on no index"
    assert freshness.watched([gone], None) == ""
    catalog = model.Catalog((gone,), ())
    assert package_watch.look((), catalog, None) == []
    with pytest.raises(UsageError, match="Alder is on no package index"):
        package_watch.look((gone.id,), catalog, None)


@pytest.mark.parametrize(
    ("packages", "sha256", "status", "wrong"),
    [
        (["a==sha256:0"], "0" * 64, "ok", []),
        (["a==sha256:0"], "", "ok", ["lock_sha256"]),
        ([], None, "skipped", []),
        ([], None, "ok", ["lock_sha256", "no packages"]),
    ],
)
def test_a_contribution_says_what_was_found_if_anything_ran(packages, sha256, status, wrong):
    environment = {
        "kind": "found", "lock": None, "lock_sha256": sha256, "packages": packages,
        "python": "3.11.7",
    }  # fmt: skip
    record = {"version": "7", "device": "cpu", "environment": environment}
    said = contribution_checks._environment(record | {"jobs": [{"status": status}]}, ())
    assert [text.startswith(start) for (text, _), start in zip(said, wrong, strict=True)] == [
        True for _ in wrong
    ]
