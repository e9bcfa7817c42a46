"""The main path on the real thing: locked environments, real digits, every mode, and its page."""

import shutil
from dataclasses import replace

import pytest

from generator import formatting
from generator.analysis import cells, statistics
from generator.catalog import loader
from generator.measure import plan, request, runner
from generator.results import reading as store
from generator.results import run_document, selection
from generator.site import render
from measurements import sweep, timing
from measurements.sections import versus

# One short block of every mode: enough for the gate, too little to publish.
SHORT = replace(plan.PROFILES["quick"], blocks=1, samples=3, cold_blocks=0, twins="none")
(LANE,) = SHORT.lanes["cpu"]


@pytest.fixture(scope="module")
def measure(cache):
    """Return a function that measures something for real, in one block."""

    def run(results, frameworks=(), sections=(), **changes):
        known = loader.load()
        wanted = [known.section(s) if isinstance(s, str) else s for s in sections]
        wanted = wanted or known.sections
        # A sweep is part of the full profile only; what is asked for here is measured.
        wanted = [
            replace(section, blocks={SHORT.name: 1}) if section.apart and sections else section
            for section in wanted
        ]
        arguments = {"modes": (), "device": "cpu", "lanes": (), "profile": SHORT, "seed": 1}
        chosen = plan.selection(known, frameworks)
        made = plan.make(chosen, wanted, **(arguments | changes))
        asked = request.Request(results=results, command="generator measure")
        return runner.run(made, asked, known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMBOLIC_COMPARISON_CACHE", str(cache))
        yield run


@pytest.fixture(scope="module")
def measured(measure, tmp_path_factory):
    results = tmp_path_factory.mktemp("real")
    return measure(results), results


@pytest.fixture(scope="module")
def frame(measured):
    return selection.select(store.load(measured[1]))


def modes():
    return [
        pytest.param(framework.id, mode.id, id=f"{framework.id}-{mode.id}")
        for framework in loader.load().frameworks
        for mode in framework.modes
    ]


@pytest.mark.timeout(3600)
def test_every_framework_can_be_installed_and_measured(measured, frame):
    outcome, _ = measured
    assert outcome.failures == []
    installed = frame[frame["metric"] == "install_time"]
    assert set(installed["framework"]) == {f.id for f in loader.load().frameworks}
    assert (installed["value"] > 0).all()


@pytest.mark.parametrize(("framework", "mode"), modes())
def test_every_mode_passes_the_gate_or_has_the_fault_that_its_folder_declares(
    measured, frame, framework, mode
):
    known = loader.load().framework(framework)
    mine = frame[(frame["framework"] == framework) & (frame["mode"] == mode)]
    lenet = mine[mine["section"] == "lenet"]
    gap = known.gap(mode=mode, device="cpu", version=known.newest.version, section="lenet")
    if gap or "cpu" not in known.mode(mode).devices:  # some modes are those of older releases
        assert set(lenet["status"]) == {gap.status if gap else "unsupported"}
        assert lenet["reason"].astype(str).str.len().min() > 10
        return
    (gate,) = lenet[lenet["metric"] == "gate"].to_dict("records")
    times = lenet[(lenet["metric"] == "step_time") & (lenet["status"] == "ok")]
    fault = known.mode(mode).fault
    if fault and fault.strikes(LANE):
        assert gate["status"] == "wrong"
        assert "gradient" in gate["reason"]
        assert times.empty
        return
    assert gate["status"] == "ok", gate["reason"]
    first = times[times["sample"].astype(int) == 0]["value"].item()
    (k,) = [
        job["k"]
        for job in run_document.read_document(next(measured[1].glob(f"*/{framework}/*/*.csv")))[
            "jobs"
        ]
        if job["mode"] == mode and "lenet" in job["sections"]
    ]
    # A mode whose shortest unit of work is long takes fewer samples.
    assert len(times) == timing.affordable(SHORT.samples, first * k)
    # The gate holds every mode to the same losses; only the default ones train to the target.
    accuracy = lenet[lenet["metric"] == "accuracy"]["value"]
    assert len(accuracy) == known.mode(mode).default
    assert (accuracy >= 0.95).all()
    for section, metric in (("memory", "peak_rss"), ("compile", "ready_time")):
        if known.gap(mode=mode, device="cpu", version=known.newest.version, section=section):
            continue
        assert len(mine[mine["metric"] == metric]) == 1


@pytest.mark.parametrize("framework", [f.id for f in loader.load().frameworks])
def test_every_framework_takes_the_easy_way_and_reloads_the_same_model(frame, framework):
    mine = frame[(frame["framework"] == framework) & (frame["section"] == "highlevel")]
    found = {row["metric"]: row for row in mine.to_dict("records")}
    assert found["total_time"]["status"] == "ok", found["total_time"]["reason"]
    assert found["accuracy"]["value"] >= 0.9
    assert found["lines"]["value"] > 5
    assert found["concepts"]["value"] > 2


@pytest.mark.parametrize("framework", [f.id for f in loader.load().frameworks])
def test_every_framework_is_driven_from_r(frame, framework):
    mine = frame[(frame["framework"] == framework) & (frame["section"] == "r")]
    if set(mine["status"]) == {"skipped"}:  # the system's reticulate is older than its Python
        assert "cannot start Python" in str(mine["reason"].iloc[0])
        assert framework not in ("mxnet", "tensorflow", "pytorch", "keras", "theano")
        return
    times = mine[mine["metric"] == "step_time"]
    assert set(times["status"]) == {"ok"}, set(times["reason"])
    assert len(times) == SHORT.samples
    assert set(mine[mine["metric"] == "gate"]["status"]) == {"ok"}


@pytest.mark.timeout(1800)
def test_a_fault_that_needs_one_thread_strikes_with_one_thread(measure, tmp_path):
    """What the gate is for: a mode that is right with two threads and silently wrong with one."""
    struck = [
        (framework, mode)
        for framework in loader.load().frameworks
        for mode in framework.modes
        if mode.fault and mode.fault.lanes == ("threads-1",)
    ]
    assert struck
    for framework, mode in struck:
        results = tmp_path / framework.id
        measure(results, [framework.id], ["lenet"], modes=(mode.id,), lanes=("threads-1",))
        found = selection.select(store.load(results))
        (gate,) = found[found["metric"] == "gate"].to_dict("records")
        assert gate["status"] == "wrong", framework.id
        assert "gradient" in gate["reason"]


@pytest.mark.timeout(1800)
def test_a_sweep_of_a_real_framework(measure, tmp_path):
    measure(tmp_path, ["mxnet"], ["versus"], modes=("gluon", "hybrid"))
    frame = selection.select(store.load(tmp_path))
    assert set(frame["status"]) == {"ok"}
    for size in versus.BATCHES:
        for mode in ("gluon", "hybrid"):
            mine = frame[(frame["case"] == f"batch {size}") & (frame["mode"] == mode)]
            assert len(mine[mine["metric"] == "step_time"]) == sweep.SAMPLES


@pytest.mark.timeout(1800)
def test_every_depth_of_a_real_framework_has_a_process(measure, tmp_path):
    outcome = measure(tmp_path, ["mxnet"], ["depth"], modes=("hybrid",))
    cases = next(s for s in loader.load().sections if s.id == "depth").cases
    assert outcome.counts == {"ok": len(cases)}
    frame = selection.select(store.load(tmp_path))
    assert set(frame["status"]) == {"ok"}
    assert set(frame[frame["metric"] == "ready_time"]["case"]) == set(cases)


# All that is asked takes more than an hour; here every section is asked in some frameworks.
ASKED = {
    "operators": (tuple(f.id for f in loader.load().frameworks), ("elementary",)),
    "control": (("caffe", "jax", "mxnet", "tensorflow"), ()),
    "custom": (("caffe", "jax", "mxnet", "tensorflow"), ()),
    "reuse": (("tensorflow",), ()),
    "parallel": (("pytorch", "theano"), ()),
}


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("section", ASKED)
def test_what_was_answered_is_answered_again(measure, tmp_path, section):
    """Fresh answers are those that the repository holds: yes, no, wrong and failed alike."""
    frameworks, cases = ASKED[section]
    known = loader.load().section(section)
    outcome = measure(tmp_path, frameworks, [replace(known, cases=cases or known.cases)])
    assert outcome.failures == []
    committed = selection.select(store.load(loader.ROOT / "measurements" / "results"))
    fresh = _answers(selection.select(store.load(tmp_path)), section)
    held = _answers(committed, section)
    assert fresh
    differing = {
        place: (held.get(place), status)
        for place, status in fresh.items()
        # How long a death goes unnoticed is luck, how long a loop may be is the machine's.
        if held.get(place) != status and "death_time" not in place and "trips" not in place[1]
    }
    assert differing == {}


def _answers(frame, section):
    """Return (framework, case, metric) -> status of a section's rows on the processor."""
    mine = frame[(frame["section"] == section) & (frame["device"] == "cpu")]
    columns = ["framework", "case", "metric", "status"]
    rows = mine[columns].astype(str).drop_duplicates().itertuples(index=False)
    return {tuple(row[:3]): row[3] for row in sorted(rows, key=lambda row: row[3] != "ok")}


def test_theano_has_a_real_blas(measured):
    _, results = measured
    (path,) = results.glob("*/theano/*/*.csv")
    assert "mkl" in run_document.read_document(path)["build"]["blas"]


def test_threads_are_read_back(measured):
    for path in store.find(measured[1]):
        for job in run_document.read_document(path)["jobs"]:
            if job["block"] is not None and job["status"] != "skipped":
                assert len(job["threads"]) > 1, job["id"]


def test_the_page_shows_the_very_numbers(measured, frame, tmp_path):
    """From the rows to the page: throughput of the default mode, as the reader sees it."""
    _, results = measured
    done = render.render(results_root=results, docs=tmp_path)
    page = (tmp_path / "report" / "lenet.md").read_text()
    for key, cell in cells.group_cells(frame, "step_time").items():
        if (key.section, key.case) == ("lenet", ""):
            rate = statistics.summarise(cell.blocks).rate(64).value
            assert formatting.figures(rate, 4) in page, key
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
    frame = selection.select(store.load(tmp_path / "results"))
    assert set(frame[frame["mode"] == "compiled"]["status"]) == {"unsupported"}
