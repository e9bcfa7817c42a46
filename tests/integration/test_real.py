"""The main path on the real thing: locked environments, real digits, every mode, and its page."""

import shutil
from dataclasses import replace

import pytest

from generator import catalog, commands, plan, runner, site, statistics
from generator import results as store

# One short block of every mode: enough for the gate, too little to publish.
SHORT = replace(plan.PROFILES["quick"], blocks=1, samples=3, cold_blocks=0, twins="none")


@pytest.fixture(scope="module")
def measured(cache, tmp_path_factory):
    results = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMBOLIC_COMPARISON_CACHE", str(cache))
        known = catalog.load()
        chosen = plan.selection(known, ())
        made = plan.make(
            chosen, known.sections, modes=(), device="cpu", lanes=(), profile=SHORT, seed=1
        )
        _, setup = commands.prepare(commands.Request(results=results, command="generator measure"))
        outcome = runner.run(made, setup)
    return outcome, results


@pytest.fixture(scope="module")
def frame(measured):
    return store.select(store.load(measured[1]))


def modes():
    return [
        pytest.param(framework.id, mode.id, id=f"{framework.id}-{mode.id}")
        for framework in catalog.load().frameworks
        for mode in framework.modes
    ]


@pytest.mark.timeout(1800)
def test_every_framework_can_be_installed_and_measured(measured, frame):
    outcome, _ = measured
    assert outcome.failures == []
    installed = frame[frame["metric"] == "install_time"]
    assert set(installed["framework"]) == {f.id for f in catalog.load().frameworks}
    assert (installed["value"] > 0).all()


@pytest.mark.parametrize(("framework", "mode"), modes())
def test_every_mode_passes_the_gate_or_says_why_not(frame, framework, mode):
    mine = frame[(frame["framework"] == framework) & (frame["mode"] == mode)]
    (gate,) = mine[mine["metric"] == "gate"].to_dict("records")
    times = mine[(mine["metric"] == "step_time") & (mine["status"] == "ok")]
    if (framework, mode) == ("theano", "compiled-pool2d"):
        # The known fault that the gate was built for; see the folder's lenet.py.
        assert gate["status"] == "wrong"
        assert "gradient of conv1" in gate["reason"]
        assert times.empty
        return
    assert gate["status"] == "ok", gate["reason"]
    assert len(times) == SHORT.samples
    (accuracy,) = mine[mine["metric"] == "accuracy"]["value"]
    assert accuracy >= 0.95
    assert len(mine[mine["metric"] == "peak_rss"]) == 1
    assert len(mine[mine["metric"] == "ready_time"]) == 1


def test_theano_has_a_real_blas(measured):
    _, results = measured
    (path,) = results.glob("*/theano/*/*.csv")
    assert "mkl" in store.read_document(path)["build"]["blas"]


def test_threads_are_read_back(measured):
    for path in store.find(measured[1]):
        for job in store.read_document(path)["jobs"]:
            if job["block"] is not None:
                assert len(job["threads"]) > 1, job["id"]


def test_the_page_shows_the_very_numbers(measured, frame, tmp_path):
    """From the rows to the page: throughput of the default mode, as the reader sees it."""
    _, results = measured
    done = site.render(results_root=results, docs=tmp_path)
    page = (tmp_path / "report" / "lenet.md").read_text()
    for key, cell in statistics.cells(frame, "step_time").items():
        if key.case == "":
            rate = statistics.summarise(cell.blocks).rate(64).value
            assert f"{rate:,.0f}" in page, key
    assert done.written


def test_without_a_compiler_theano_says_so_and_nothing_is_timed(measured, generator, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    finished = generator(
        "measure", "theano", "--mode", "compiled", "--section", "compile",
        "--results", tmp_path / "results", env={"PATH": str(tools)},
    )  # fmt: skip
    assert finished.returncode == 0
    assert "no C++ compiler" in finished.stderr
    frame = store.select(store.load(tmp_path / "results"))
    assert set(frame[frame["mode"] == "compiled"]["status"]) == {"unsupported"}
