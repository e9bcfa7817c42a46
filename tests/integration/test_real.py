"""The main path on the real thing: locked environments, real digits, and the page.

Measured again is only what changed. Where lock and code of a framework are those of the committed
results, ``tests/contract/test_committed.py`` asserts on their rows and nothing is built here. Where
they differ, its default mode is installed and verified for real. Of the frameworks with symbolic
and imperative modes, the one that takes the least time is measured completely (of sections with
answers, every sixth case); ``poe full`` does that with all frameworks. What an earlier session of
tests measured with the same code, lock and machine is not measured again.
"""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generator import formatting
from generator.analysis import statistics
from generator.analysis.cells import group_cells
from generator.catalog import loader
from generator.measure import environments, found, history, machine, plan, profiles, runner
from generator.measure.request import Request, _already_measured
from generator.results import reading, run_record, selection
from generator.site import render
from measurements import sweep
from measurements.sections import versus
from tests import answers
from tests.conftest import ROOT
from tests.needs import needs

# One short block of every mode: enough to verify, too little to publish.
# On one thread: tests run beside each other, and threads that wait for each other crawl then.
SHORT = replace(
    profiles.PROFILES["quick"], blocks=1, samples=3, cold_blocks=0, replicates="none",
    lanes={"cpu": ("threads-1",)},
)  # fmt: skip
GLANCE = replace(SHORT, samples=1, accuracy_blocks=0)
(LANE,) = SHORT.lanes["cpu"]
CATALOG = loader.load()
COMMITTED = ROOT / "measurements" / "results"
ANSWERED = [s.id for s in CATALOG.sections if s.findings]


def seconds(framework):
    """What one block of everything took in the newest committed runs of a framework's release."""
    found = {}
    for _, record in history.run_records(COMMITTED):
        if (record["framework"], record["version"]) == (framework.id, framework.newest.version):
            for job in record["jobs"]:
                if job["block"] == 0 and job["lane"] == "threads-all":
                    what = *job["sections"], job["mode"], job["case"], job["start"]
                    found.setdefault(what, job.get("seconds") or 0)
    return sum(found.values()) or float("inf")


COMPLETE = min((f for f in CATALOG.frameworks if len({m.kind for m in f.modes}) > 1), key=seconds)


def param(framework, *more):
    """One framework: its tests share a process; what takes long belongs to the full pass."""
    marks = [pytest.mark.xdist_group(f"real-{framework.id}"), pytest.mark.timeout(3600)]
    if framework is not COMPLETE:
        marks.append(pytest.mark.full)
    ids = [framework.id, *(getattr(each, "id", each) for each in more)]
    return pytest.param(framework, *more, marks=marks, id="-".join(ids))


complete = pytest.mark.parametrize("framework", [param(f) for f in CATALOG.frameworks])


def conditions(framework):
    """A name for all that decides what rows there are: no others may lie beside them."""
    release = framework.newest
    told = [
        machine.this().id,
        environments.identity(framework, release, "cpu"),
        Path(__file__).read_text(),
    ]
    told += [history.code_hash(s, framework, release.version, CATALOG) for s in CATALOG.sections]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


@pytest.fixture(scope="session")
def measure(shared_cache, request):
    """Return a function that measures something for real, in one block, as far as it is missing."""
    used = set()

    def run(framework, sections, profile=SHORT, results=None, modes=(), lanes=()):
        if framework.found and (missing := found.obstacle(framework)):
            pytest.skip(missing)
        name = "complete" if profile is SHORT else "verified"
        folder = results or shared_cache / "measured" / name / framework.id / conditions(framework)
        used.add(folder)
        for old in set(folder.parent.glob("*")) - {folder} if not results else ():
            shutil.rmtree(old)
        asked = Request((framework.id,), command="generator measure", results=folder)
        chosen = plan.selection(CATALOG, asked.frameworks)
        # A sweep is part of the full profile only; what is asked for here is measured.
        wanted = [
            replace(section, blocks={profile.name: 1}) if section.apart else section
            for section in sections
        ]
        done = _already_measured(
            history.measured_cells(folder),
            asked,
            chosen,
            wanted,
            CATALOG,
            history.load_data(None).sha256,
        )
        made = plan.make(
            chosen, wanted, modes=modes, device="cpu", lanes=lanes, profile=profile, seed=1,
            measured=done,
        )  # fmt: skip
        return (runner.run(made, asked, CATALOG).failures if made.jobs else []), folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMBOLIC_COMPARISON_CACHE", str(shared_cache))
        yield run
    if request.session.testsfailed:  # perhaps by what was measured: not to be believed next time
        for folder in used:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def measured(measure, full):
    """Return a function: framework -> (failures, folder, frame) of its complete measurement."""

    known = {}

    def run(framework):
        if framework.id not in known:
            sections = [section for section in CATALOG.sections if section.measured]
            if not full:
                sections = [
                    replace(section, cases=section.cases[::6]) if section.findings else section
                    for section in sections
                ]
            once = () if full else (framework.default.id,)  # a sweep is the same work many times
            swept = [section for section in sections if section.apart]
            failures, folder = measure(framework, [s for s in sections if not s.apart])
            failures += measure(framework, swept, modes=once)[0]
            known[framework.id] = failures, folder, selection.select(reading.load(folder))
        return known[framework.id]

    return run


@pytest.fixture(autouse=True)
def programs(request):
    """Skip, with advice, what needs a program that this machine lacks."""
    framework = request.node.callspec.params["framework"]
    without = "without" in request.node.originalname
    for need in () if without else framework.needs:
        needs(need.program)


@pytest.fixture(scope="session")
def full(request):
    """Whether every framework is measured completely."""
    return "not full" not in request.config.getoption("markexpr")


def is_committed(framework):
    """Whether committed rows verify the default mode with this very code, lock and data.

    Whoever builds a framework has other files of it: what is committed then stands for it.
    """
    section = CATALOG.section("lenet")
    code = history.code_hash(section, framework, framework.newest.version, CATALOG)
    lock = environments.lock_sha256(framework.newest.lock("cpu"))
    return any(
        record["framework"] == framework.id
        and (framework.found or record["environment"]["lock_sha256"] == lock)
        and record["code_sha256"].get("lenet") == code
        and any(job["mode"] == framework.default.id for job in record["jobs"])
        for _, record in history.run_records(COMMITTED)
    )


@pytest.mark.parametrize(
    "framework",
    [
        pytest.param(f, id=f.id, marks=[pytest.mark.xdist_group(f"real-{f.id}"),
                                        pytest.mark.timeout(1800)])
        for f in CATALOG.frameworks
    ],
)  # fmt: skip
def test_the_default_mode_is_installed_and_verified(framework, measure, full):
    if full or framework is COMPLETE:
        return  # measured completely, see below
    if is_committed(framework):
        frame = selection.select(reading.load(COMMITTED))
        mine = answers.where(frame, framework=framework.id, mode=framework.default.id, lane=LANE)
    else:
        lenet = CATALOG.section("lenet")
        failures, folder = measure(framework, [lenet], GLANCE, modes=(framework.default.id,))
        assert failures == []
        mine = selection.select(reading.load(folder))
    assert set(answers.where(mine, metric="gate")["status"]) == {"ok"}
    assert len(answers.where(mine, metric="step_time", status="ok"))


@complete
def test_it_can_be_installed_and_measured(measured, framework):
    failures, folder, frame = measured(framework)
    assert failures == []
    for path in reading.find(folder):
        record = run_record.read_run_record(path)
        if not framework.found:
            assert record["environment"]["install_seconds"] > 0
            assert record["environment"]["size_bytes"] > 0
    assert set(frame["section"]) == {s.id for s in CATALOG.sections if s.measured}


@pytest.mark.parametrize(
    ("framework", "mode"), [param(f, mode) for f in CATALOG.frameworks for mode in f.modes]
)
def test_every_mode_is_verified_or_has_its_declared_fault(measured, framework, mode):
    _, folder, frame = measured(framework)
    answers.mode_is_verified_or_has_its_declared_fault(frame, framework, mode, LANE)
    for _, record in history.run_records(folder):  # the newest first
        if any(job["mode"] == mode.id and "lenet" in job["sections"] for job in record["jobs"]):
            answers.samples_are_as_many_as_were_wanted(frame, record, mode.id, SHORT.samples)
            break


@complete
def test_the_highest_level_interface_trains_and_reloads(measured, framework):
    answers.highest_level_interface_trains_and_reloads(measured(framework)[2], framework)


@complete
def test_it_is_driven_from_r(measured, framework):
    needs("R", "reticulate")
    answers.is_driven_from_r(measured(framework)[2], framework)


@complete
@pytest.mark.parametrize("section", ANSWERED)
def test_its_answers_are_those_that_are_committed(measured, framework, section):
    """Fresh answers are those that the repository holds: yes, no, wrong and failed alike."""
    fresh = answers.of_section(measured(framework)[2], section)
    held = answers.of_section(selection.select(reading.load(COMMITTED)), section)
    assert fresh
    assert answers.differing(fresh, held) == {}


@complete
def test_a_sweep_has_every_sample_of_every_batch(measured, framework, full):
    frame = answers.where(measured(framework)[2], section="versus", metric="step_time", status="ok")
    modes = (
        {mode.id for mode in framework.scope("pairs", "cpu")} if full else {framework.default.id}
    )
    assert set(frame["mode"]) == modes
    for size in versus.BATCHES:
        for mode in modes:
            assert len(answers.where(frame, case=f"batch {size}", mode=mode)) == sweep.SAMPLES


@complete
def test_every_depth_has_a_process(measured, framework):
    frame = answers.where(measured(framework)[2], section="depth", metric="ready_time")
    assert set(frame["case"]) == set(CATALOG.section("depth").cases)
    assert set(frame["status"]) == {"ok"}


@complete
def test_threads_are_read_back(measured, framework):
    for path in reading.find(measured(framework)[1]):
        for job in run_record.read_run_record(path)["jobs"]:
            if "lenet" in job["sections"] and job["status"] != "skipped":
                assert len(job["threads"]) > 1, job["id"]


@complete
def test_the_page_shows_the_very_numbers(measured, framework, tmp_path):
    """From the rows to the page: throughput of the default mode, as the reader sees it."""
    _, folder, frame = measured(framework)
    done = render.render(results_root=folder, docs=tmp_path)
    page = (tmp_path / "report" / "lenet.md").read_text()
    for key, cell in group_cells(frame, "step_time").items():
        if (key.section, key.case) == ("lenet", ""):
            rate = statistics.summarise(cell.blocks).rate(64).value
            assert formatting.figures(rate, 4) in page, key
    assert done.written


def compiled_by_a_program():
    """Frameworks whose graphs a program compiles; one of them here, all in the full pass."""
    found = [f for f in CATALOG.frameworks if any(n.why.startswith("graphs are") for n in f.needs)]
    for number, framework in enumerate(found):
        marks = [pytest.mark.full] if number else []
        marks.append(pytest.mark.xdist_group(f"real-{framework.id}"))
        yield pytest.param(framework, marks=marks, id=framework.id)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("framework", list(compiled_by_a_program()))
def test_without_its_compiler_it_says_so_and_nothing_is_timed(
    framework, measure, generator, shared_cache, tmp_path
):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    finished = generator(
        "measure", framework.id, "--mode", framework.default.id, "--section", "compile",
        "--results", tmp_path / "results",
        env={"PATH": str(tools), "SYMBOLIC_COMPARISON_CACHE": str(shared_cache)},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    frame = selection.select(reading.load(tmp_path / "results"))
    mine = answers.where(frame, mode=framework.default.id)
    if set(mine["status"]) != {"ok"}:  # its default mode may do without
        assert set(mine["status"]) == {"skipped"}, "what a machine lacks is not what it cannot"
        assert "is not installed" in str(mine["reason"].iloc[0])
        assert "apt-get install" in str(mine["reason"].iloc[0])


def faults_of_one_thread():
    for framework in CATALOG.frameworks:
        for mode in framework.modes:
            if mode.fault and mode.fault.lanes == ("threads-1",):
                marks = [pytest.mark.full, pytest.mark.xdist_group(f"real-{framework.id}")]
                yield pytest.param(framework, mode, marks=marks, id=f"{framework.id}-{mode.id}")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("framework", "mode"), list(faults_of_one_thread()))
def test_a_fault_that_needs_one_thread_strikes_with_one_thread(measure, tmp_path, framework, mode):
    lenet = CATALOG.section("lenet")
    _, folder = measure(
        framework, [lenet], results=tmp_path, modes=(mode.id,), lanes=("threads-1",)
    )
    found = selection.select(reading.load(folder))
    (verdict,) = answers.where(found, metric="gate").to_dict("records")
    assert verdict["status"] == "wrong"
    assert "gradient" in verdict["reason"]
