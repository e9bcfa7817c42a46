"""The probing sections through the runner, on the tests' own framework, with faults planted."""

import shutil
from dataclasses import replace

import pytest

from generator.catalog import loader
from generator.measure import plan, profiles, runner
from generator.measure.request import Request
from generator.results import reading as store
from generator.results import selection
from tests.conftest import PRETEND
from tests.integration.test_bad_input import document, rows

ONCE = replace(profiles.PROFILES["quick"], blocks=1, samples=3)


@pytest.fixture(scope="module")
def probe(cache, tmp_path_factory):
    """Return a function that runs one section on the pretend folder, with a line replaced."""

    def run(section, script="", before="", after="", cases=()):
        folder = tmp_path_factory.mktemp("folder")
        shutil.copytree(PRETEND / "pretend", folder / "pretend")
        if script:
            path = folder / "pretend" / script
            text = path.read_text(encoding="utf-8")
            assert before in text
            path.write_text(text.replace(before, after), encoding="utf-8")
        known = loader.load(frameworks=folder)
        wanted = replace(known.section(section), blocks={ONCE.name: 1})
        if cases:
            wanted = replace(wanted, cases=cases)
        made = plan.make(
            plan.selection(known, (), {"pretend": "1"}), [wanted], modes=(), device="cpu",
            lanes=(), profile=ONCE, seed=1,
        )  # fmt: skip
        results = tmp_path_factory.mktemp("results")
        asked = Request(results=results, command="generator measure", environment="current")
        return runner.run(made, asked, known), results

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMBOLIC_COMPARISON_CACHE", str(cache))
        yield run


def answers(results):
    return {(row["case"], row["metric"]): (row["status"], row["reason"]) for row in rows(results)}


def test_two_processes_that_train_together_are_timed_and_one_is_killed(probe):
    outcome, results = probe("parallel")
    assert not outcome.failed
    found = answers(results)
    assert found["2 of 64", "loss_error"] == ("ok", "")
    assert found["2 of 256", "step_time"][0] == "ok"
    assert found["killed", "death_time"][0] == "ok"
    facts = [job["facts"] for job in document(results)["jobs"]]
    assert "ends with code" in facts[0]["death"]
    assert found["", "lines"][0] == "ok"


def test_processes_that_train_alone_get_no_time(probe):
    outcome, results = probe("parallel", "parallel.py", "AVERAGED = True", "AVERAGED = False")
    assert not outcome.failed  # it is an answer
    found = answers(results)
    assert found["2 of 64", "loss_error"][0] == "wrong"
    assert found["2 of 64", "step_time"][0] == "skipped"
    assert "goes on alone" in found["killed", "death_time"][1]
    # What was wrong has a log.
    (job,) = document(results)["jobs"]
    assert job["status"] == "ok"
    assert job["log"]


def test_operators_have_a_process_a_family_and_lines_once(probe):
    # The script's lines are counted with the first family.
    outcome, results = probe("operators", cases=("elementary", "arithmetic", "random"))
    assert outcome.counts == {"ok": 3}
    found = answers(results)
    assert found["add", "forward"] == ("ok", "")
    assert found["subtract", "forward"][0] == "unsupported"
    assert "https://example.org/functions" in found["subtract", "forward"][1]
    assert [case for case, metric in found if metric == "lines"] == [""]


def test_a_family_whose_process_dies_says_so(probe):
    outcome, results = probe(
        "operators", "operators.py", '"add": "np.add"',
        '"add": "__import__(\'os\')._exit(7)"', cases=("arithmetic",),
    )  # fmt: skip
    assert outcome.failed
    found = answers(results)
    assert found["arithmetic", "forward"][0] == "failed"
    assert "7" in found["arithmetic", "forward"][1]


def test_new_operators_and_transfer_go_through(probe):
    for section, case, metric in (
        ("custom", "python", "used"),
        ("control", "scan", "growth"),
        ("reuse", "fresh process", "possible"),
    ):
        outcome, results = probe(section)
        assert not outcome.failed
        assert answers(results)[case, metric] == ("ok", "")
        loaded = store.load(results)
        assert len(selection.select(loaded))
