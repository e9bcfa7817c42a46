"""The measuring path on the tests' own framework: verified first, then timed."""

import csv
import math
import os
import subprocess

import pytest

from generator.catalog import loader
from generator.measure import plan, profiles, runner
from generator.measure.request import Request
from measurements import timing
from tests.conftest import PRETEND, ROOT
from tests.integration.test_bad_input import document, rows


@pytest.fixture(scope="module")
def lenet(measure_pretend, tmp_path_factory):
    results = tmp_path_factory.mktemp("lenet")
    modes = "honest", "asynchronous", "unsynchronised", "zero-gradient", "too-fast", "unsupported"
    finished = measure_pretend(
        results, "--section", "lenet", *[word for mode in modes for word in ("--mode", mode)]
    )
    # Wrong and unsupported are findings about a framework: measuring it succeeded.
    assert finished.returncode == 0, finished.stderr
    return rows(results)


def only(found, **wanted):
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize(("mode", "blocks"), [("honest", "012"), ("asynchronous", "0")])
def test_an_honest_framework_passes_the_gate_and_has_every_sample(lenet, mode, blocks):
    gate = only(lenet, mode=mode, metric="gate", case="")
    assert [(row["status"], row["block"]) for row in gate] == [("ok", block) for block in blocks]
    for block in blocks:
        samples = only(lenet, mode=mode, metric="step_time", block=block, case="")
        assert [row["sample"] for row in samples] == [str(n) for n in range(len(samples))]
        # Ten, or fewer where a busy machine makes one last long.
        assert timing.affordable(10, math.inf) <= len(samples) <= 10
        assert all(float(row["value"]) > 0 for row in samples)
    # A quick look trains the mode that stands for the framework to the target, and no other.
    trained = only(lenet, mode=mode, metric="accuracy_time", status="ok")
    assert len(trained) == (mode == "honest")
    assert len(only(lenet, mode=mode, metric="evaluation_time", block="0", case="")) == 3


def test_the_default_mode_has_a_twin_in_every_block(lenet):
    twins = only(lenet, metric="step_time", case="again")
    assert {row["mode"] for row in twins} == {"honest"}
    assert {row["block"] for row in twins} == {"0", "1", "2"}


def test_a_missing_synchronisation_is_caught(lenet):
    gate = only(lenet, mode="unsynchronised", metric="gate")
    assert [row["status"] for row in gate] == ["wrong"]
    assert "still running" in gate[0]["reason"]
    assert not only(lenet, mode="unsynchronised", metric="step_time", status="ok")


def test_times_below_the_plausible_ceiling_are_wrong(lenet):
    gate = only(lenet, mode="too-fast", metric="gate")
    assert [row["status"] for row in gate] == ["wrong"]
    assert "at the measured matrix-product rate" in gate[0]["reason"]
    assert not only(lenet, mode="too-fast", metric="step_time", status="ok")


def test_a_lane_is_gated_by_itself(lenet, measure_pretend, tmp_path):
    two = only(lenet, mode="zero-gradient", metric="gate")
    if len(os.sched_getaffinity(0)) > 1:
        assert {row["status"] for row in two} == {"ok"}
    finished = measure_pretend(
        tmp_path, "--section", "lenet", "--mode", "zero-gradient", "--lane", "threads-1"
    )
    assert finished.returncode == 0
    assert "gradient of conv1_weight" in finished.stdout
    one = only(rows(tmp_path), metric="gate")
    assert [row["status"] for row in one] == ["wrong"]
    assert "gradient of conv1_weight" in one[0]["reason"]


def test_unsupported_is_a_result_and_no_failure(lenet):
    found = only(lenet, mode="unsupported")
    assert {row["status"] for row in found} == {"unsupported"}
    assert all("pretending to have no LeNet" in row["reason"] for row in found)


def test_a_declared_gap_is_answered_without_a_process(tmp_path, cache, monkeypatch):
    """Not from the command line: that refuses ``--device cuda`` where there is no GPU."""
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(cache))
    known = loader.load(frameworks=PRETEND)
    chosen = plan.selection(known, ("pretend",), {"pretend": "1"})
    made = plan.make(
        chosen, [known.section("lenet")], modes=(), device="cuda", lanes=(),
        profile=profiles.PROFILES["quick"], seed=1,
    )  # fmt: skip
    assert made.jobs == ()
    asked = Request(results=tmp_path, command="generator measure", environment="current")
    assert runner.run(made, asked, known).failures == []
    found = rows(tmp_path)
    assert {row["status"] for row in found} == {"unsupported"}
    assert all("NumPy has no CUDA build" in row["reason"] for row in found)


def test_provenance_is_complete(measure_pretend, tmp_path):
    finished = measure_pretend(tmp_path, "--section", "compile", "--mode", "eager")
    assert finished.returncode == 0, finished.stderr
    said = document(tmp_path)
    assert said["environment"]["kind"] == "current"
    assert any(package.startswith("numpy==") for package in said["environment"]["packages"])
    assert said["build"]["numpy"]
    assert said["repository"]["commit"]
    assert said["command"].startswith("generator measure pretend")
    for job in said["jobs"]:
        assert job["threads"]["OMP_NUM_THREADS"]
        assert job["affinity"]
        assert job["hash_seed"] != said["jobs"][0]["hash_seed"] or job is said["jobs"][0]


def test_current_environment_needs_only_numpy(environment, tmp_path):
    """A GPU machine without network has the repository, Python and NumPy: that must do."""
    import uv

    bare = tmp_path / "bare"
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "-p", "3.11", bare], check=True)
    python = bare / "bin" / "python"
    install = [uv.find_uv_bin(), "pip", "install", "-q", "-p", python, "numpy"]
    subprocess.run(install, check=True)
    finished = subprocess.run(
        [
            python, "-m", "generator", "measure", "pretend", "--environment", "current",
            "--frameworks-folder", PRETEND, "--results", tmp_path / "results",
            "--section", "compile", "--mode", "eager",
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (path,) = (tmp_path / "results").glob("*/*/*/*.csv")
    with path.open(newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {"ok"}
