"""What a machine lacks is skipped, said beforehand, and measured as soon as it is there."""

import os
import shutil

import pytest

from tests.conftest import PRETEND
from tests.integration.test_bad_input import locked_pretend
from tests.integration.test_interruption import Place

HERE = ("--section", "compile", "--mode")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def statuses(place, mode):
    return {row["status"] for row in place.rows() if row["mode"] == mode}


def with_compiler(place):
    """Return variables of a shell that finds the compiler."""
    program = place.folder / "bin" / "pretend-compiler"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def test_a_missing_program_is_skipped_until_it_is_there(place):
    said = "pretend-compiler is not installed (pretends to compile); install it"
    assert said in place.run(*HERE, "compiled", "--dry-run").stdout
    first = place.run(*HERE, "compiled", "--mode", "eager")
    assert first.returncode == 0
    assert said in first.stderr.partition("processes to run")[0], "before anything is measured"
    assert statuses(place, "compiled") == {"skipped"}
    assert statuses(place, "eager") == {"ok"}
    rows = place.rows()
    assert {r["reason"] for r in rows if r["status"] == "skipped"} == {
        "pretend-compiler is not installed (pretends to compile); install it, on Debian: "
        "apt-get install pretend-tools"
    }
    again = place.run(*HERE, "compiled", "--mode", "eager")
    assert said in again.stderr
    assert "Nothing else is missing" in again.stdout
    assert place.rows() == rows, "it is said once in the results"
    env = with_compiler(place)
    assert said not in place.run(*HERE, "compiled", "--dry-run", env=env).stdout
    assert place.run(*HERE, "compiled", env=env).returncode == 0
    assert statuses(place, "compiled") == {"skipped", "ok"}
    assert "Nothing is missing" in place.run(*HERE, "compiled", env=env).stdout
    assert "Nothing is missing" in place.run(*HERE, "compiled").stdout, "measured is measured"


def test_a_path_with_a_space_is_named_with_the_setting_and_not_published(place):
    spaced = place.folder / "my cache"
    shutil.copytree(place.cache, spaced, symlinks=True)
    env = with_compiler(place) | {"SYMBOLIC_COMPARISON_CACHE": str(spaced)}
    done = place.run(*HERE, "compiled", "--mode", "eager", env=env)
    assert done.returncode == 0
    assert str(spaced) in done.stderr
    assert "SYMBOLIC_COMPARISON_CACHE" in done.stderr
    assert statuses(place, "compiled") == {"skipped"}
    assert statuses(place, "eager") == {"ok"}, "what can use the path does"
    (reason,) = {r["reason"] for r in place.rows() if r["status"] == "skipped"}
    assert reason.startswith("the folder <cache> has a space in its path")
    assert place.run(*HERE, "compiled", env=with_compiler(place)).returncode == 0
    assert statuses(place, "compiled") == {"skipped", "ok"}


def test_a_full_disk_found_while_measuring_is_no_failure_of_the_framework(place):
    done = place.run(*HERE, "full")
    assert done.returncode == 0
    assert "free some space" in done.stdout
    assert statuses(place, "full") == {"skipped"}
    rows = place.rows()
    assert place.run(*HERE, "full", "--mode", "eager").returncode == 0
    assert place.run(*HERE, "full", "--mode", "eager").returncode == 0
    again = [row for row in place.rows() if row["mode"] == "full"]
    assert len(again) == len(rows), "it is said once"
    assert statuses(place, "eager") == {"ok"}
    (place.cache / "compiled" / "room").touch()
    assert place.run(*HERE, "full").returncode == 0
    assert statuses(place, "full") == {"ok"}
    assert place.record()["finished"]
    assert "Nothing is missing" in place.run(*HERE, "full").stdout


def test_without_an_environment_gaps_are_written_and_the_rest_is_measured(place, generator):
    frameworks = locked_pretend(place.folder)
    toml = frameworks / "pretend" / "framework.toml"
    gap = 'mode = "eager"\nreason = "it has none"\nsource = "https://example.org"\n'
    toml.write_text(f"{toml.read_text()}\n[[gaps]]\n{gap}")
    place.frameworks = frameworks
    what = place.arguments("--section", "compile", "--mode", "eager", "--mode", "honest")
    done = generator(*what[3:], env=place.environment | {"UV_OFFLINE": "1", "PIP_FIND_LINKS": ""})
    assert done.returncode == 1
    assert "environment of pretend==1.0" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert {(r["mode"], r["status"]) for r in place.rows()} == {("eager", "unsupported")}


def test_an_obstacle_needs_no_environment(place, generator):
    """Gigabytes are not installed for what cannot be measured."""
    place.frameworks = locked_pretend(place.folder)
    what = place.arguments("--section", "compile", "--mode", "compiled")
    for said in ("1 skipped", "Nothing else is missing"):
        done = generator(*what[3:], env=place.environment | {"UV_OFFLINE": "1"})
        assert done.returncode == 0, done.stderr
        assert said.replace("1 skipped", " skipped") in done.stdout
        assert "installing" not in done.stderr
    assert statuses(place, "compiled") == {"skipped"}


def test_the_folders_name_modes_and_sections_that_exist():
    from generator.catalog import loader

    catalog = loader.load()
    for framework in (*catalog.frameworks, *loader.load(frameworks=PRETEND).frameworks):
        for need in framework.needs:
            assert set(need.modes) <= {mode.id for mode in framework.modes}
            assert set(need.sections) <= {section.id for section in catalog.sections}
