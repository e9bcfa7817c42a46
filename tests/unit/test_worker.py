"""The worker with a framework of a few lines: phases, rows, facts, and every way to end."""

import io
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from generator.catalog import model
from generator.measure import worker_output
from generator.measure.plan import Job
from measurements import contract, lenet, scripts, worker
from measurements.contract import Metric

ADAPTER = """
import time
from measurements.contract import Framework, Model

from . import beside


class Adapter(Framework):
    def __init__(self, settings):
        super().__init__(settings)
        time.sleep(0.02)
        self.waits = 0

    def about(self):
        return {"said": beside.WORD}

    def threads(self):
        return {"pool": self.settings.threads}

    def lenet(self, parameters, batch):
        time.sleep(0.01)
        return Counting(parameters)

    def synchronise(self):
        self.waits += 1


class Counting(Model):
    def __init__(self, parameters):
        self.weights, self.steps = dict(parameters), 0

    def stage(self, images, labels):
        return len(labels)

    def step(self, batch):
        assert batch == 64
        self.steps += 1
        return 10.0 - self.steps

    def loss(self, handle):
        return handle

    def parameters(self):
        return {name: value + self.steps for name, value in self.weights.items()}
"""


REFUSING = """

def refuse(asked=[]):
    from measurements.contract import Unsupported
    if asked:
        raise RuntimeError("threads were set before")
    asked.append(1)
    raise Unsupported("no device")
"""


@pytest.fixture
def folder(tmp_path):
    """A framework folder that is called like a module which must not be shadowed."""
    folder = tmp_path / "json"
    folder.mkdir()
    (folder / "adapter.py").write_text(ADAPTER)
    (folder / "beside.py").write_text("WORD = 'beside'\n")
    yield str(folder)
    for name in [name for name in sys.modules if name.startswith("framework_under_test")]:
        del sys.modules[name]


@pytest.fixture
def job(folder):
    settings = {
        "mode": "plain", "device": "cpu", "threads": 2, "precision": "float32", "batch": 64,
        "learning_rate": lenet.LEARNING_RATE, "cache": "",
    }  # fmt: skip
    return {
        "folder": folder, "sections": ["play"], "start": "warm", "settings": settings,
    }  # fmt: skip


@pytest.fixture
def play(monkeypatch):
    """Make a section ``play`` whose measuring is the given function."""

    def make(measure, metrics=None):
        module = types.ModuleType("measurements.sections.play")
        metrics = metrics or {"headline": Metric("s", "t", "lower"), "other": Metric("B", "t", "")}
        module.SECTION = contract.Section("Play", 1, "?", "", metrics, ("warm",))
        module.measure = measure
        monkeypatch.setitem(sys.modules, "measurements.sections.play", module)

    return make


@pytest.fixture
def run(job):
    def running(**changes):
        out = io.StringIO()
        session = worker.Session({**job, **changes}, out)
        code = session.run()
        return code, [json.loads(line) for line in out.getvalue().splitlines()]

    return running


def rows(entries):
    return [entry["row"] for entry in entries if "row" in entry]


# ---------------------------------------------------------------------------------- the phases


def test_each_phase_is_timed_once_and_apart(job):
    session = worker.Session(job, io.StringIO())
    assert session.phases == {}
    assert session.first_step() == 9.0
    assert set(session.phases) == {"import_time", "build_time", "first_step_time"}
    before = dict(session.phases)
    assert 0.02 <= before["import_time"] < 1
    assert 0.01 <= before["build_time"] < 1
    assert session.first_step() == 9.0
    assert session.model.steps == 1
    assert session.phases == before


def test_the_gate_takes_its_steps_once_and_keeps_the_weights_after_the_first(job):
    session = worker.Session(job, io.StringIO())
    losses = session.gate_steps()
    assert losses == [9.0 - n for n in range(lenet.GATE_STEPS)]
    assert session.gate_steps() == losses
    assert session.model.steps == lenet.GATE_STEPS
    initial = lenet.initial_parameters()
    assert all(np.array_equal(session.gate_parameters[n], v + 1) for n, v in initial.items())


@pytest.mark.parametrize(("start", "steps"), [("cold", 1 + lenet.GATE_STEPS), ("warm", 1)])
def test_a_cold_start_also_trains_for_the_caches(job, start, steps):
    session = worker.Session({**job, "sections": ["compile"], "start": start}, io.StringIO())
    assert session.run() == 0
    assert session.model.steps == steps


def test_a_cold_start_compiles_the_program_of_many_steps(job):
    session = worker.Session({**job, "sections": ["compile"], "start": "cold"}, io.StringIO())
    session.model.chunk, many = 5, []
    session.model.many = many.append
    assert session.run() == 0
    assert [len(staged) for staged in many] == [lenet.GATE_STEPS]


def test_memory_is_the_peak_above_what_import_took(job):
    out = io.StringIO()
    session = worker.Session({**job, "sections": ["memory"]}, out)
    given_back = []
    session.model.load, session.first_step_fault = given_back.append, lambda: ""
    assert session.run() == 0
    found = {
        row["metric"]: row["value"]
        for row in rows(map(json.loads, out.getvalue().split("\n")[:-1]))
    }
    assert found["peak_above_import"] == found["peak_rss"] - found["rss_imported"]
    assert next(iter(found)) == "peak_above_import"
    assert given_back == [session.gate_parameters]


def test_building_waits_for_the_device(job):
    session = worker.Session(job, io.StringIO())
    assert session.model.steps == 0
    assert session.framework.waits == 1


@pytest.mark.parametrize(("found", "asked", "code"), [
    ("cpu", "cuda", 1), ("cuda", "cpu", 1), ("cuda", "cuda", 0), ("cpu", "cpu", 0),
    (None, "cuda", 0),
])  # fmt: skip
def test_weights_on_another_device_than_the_rows_would_name_are_a_failure(
    run, job, play, monkeypatch, found, asked, code
):
    monkeypatch.setattr(contract.Model, "place", lambda self: found)
    monkeypatch.setattr(worker.cuda_driver, "bus_id", lambda: None)
    play(lambda session: session.emit("headline", session.model.steps))
    ended, entries = run(settings=dict(job["settings"], device=asked))
    (row,) = rows(entries)
    assert ended == code
    assert row["status"] == ("failed" if code else "ok")
    assert (f"on the device {found}; asked for was {asked}" in row["reason"]) == bool(code)


def test_facts_of_the_framework_are_written_when_it_is_imported(job):
    out = io.StringIO()
    session = worker.Session(job, out)
    assert out.getvalue() == ""
    assert session.framework is session.framework
    (entry,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert entry == {"fact": {"build": {"said": "beside"}, "threads_read_back": {"pool": 2}}}
    assert session.rss_imported is None or session.rss_imported > 0


@pytest.mark.parametrize(
    ("device", "precision", "generation", "refused"),
    [
        ("cuda", "tf32", 7, True), ("cuda", "bfloat16", 7, True), ("cuda", "tf32", 8, False),
        ("cuda", "float32", 7, False), ("cuda", "tf32", None, False), ("cpu", "tf32", 7, False),
    ],
)  # fmt: skip
def test_a_precision_that_the_gpu_does_not_have_is_refused(
    run, job, play, monkeypatch, device, precision, generation, refused
):
    monkeypatch.setattr(worker.cuda_driver, "generation", lambda: generation)
    monkeypatch.setattr(worker.cuda_driver, "bus_id", lambda: None)
    play(lambda session: session.emit("headline", session.framework.settings.threads))
    asked = dict(job["settings"], device=device, precision=precision)
    code, entries = run(settings=asked)
    (found,) = rows(entries)
    assert (found["status"], code) == ("unsupported" if refused else "ok", 0)
    assert ("compute capability 7" in found["reason"]) == refused


def test_an_adapter_that_refuses_is_not_asked_a_second_time(run, job, play, monkeypatch):
    once = ADAPTER.replace("        time.sleep(0.02)", "        refuse()") + REFUSING
    Path(job["folder"], "adapter.py").write_text(once)
    play(lambda session: session.emit("headline", session.framework.waits))
    code, entries = run(sections=["play", "play"])
    assert [(row["status"], row["reason"]) for row in rows(entries)] == [
        ("unsupported", "no device")
    ] * 2
    assert code == 0


def test_a_folder_never_shadows_a_module_of_its_name(job):
    worker.Session(job, io.StringIO()).framework  # noqa: B018 - importing is what it does
    assert json.loads("[1]") == [1]
    assert sys.modules["json"] is json
    assert job["folder"] not in sys.path


def test_batches_are_the_agreed_ones(job):
    session = worker.Session(job, io.StringIO())
    first, again = session.batches(3), worker.Session(job, io.StringIO()).batches(3)
    assert [images.shape for images, _ in first] == [(64, 1, 28, 28)] * 3
    for (images, labels), (same, also) in zip(first, again, strict=True):
        assert np.array_equal(images, same)
        assert np.array_equal(labels, also)
    longer = session.batches(5)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, longer, strict=False))


# ------------------------------------------------------------------------------------ the rows


def test_what_is_emitted_is_what_the_generator_accepts(play, run, tmp_path):
    def measure(session):
        session.emit("headline", np.float32(0.5), sample=0)
        session.emit("headline", 1, sample=1, case="again")
        session.emit("other", None, status="failed", reason="x")
        session.fact(k=3)

    metrics = {
        "headline": model.Metric("headline", "s", "t", "lower"),
        "other": model.Metric("other", "B", "t", ""),
    }
    section = model.Section("play", "Play", "", 1, "?", metrics, ("warm",), tmp_path, tmp_path)
    play(measure)
    code, entries = run()
    assert code == 0
    assert entries[-1] == {"done": True}
    out = io.BytesIO("".join(json.dumps(entry) + "\n" for entry in entries).encode())
    asked = Job("f", "1", "plain", "cpu", "threads-all", ("play",), "warm", 0)
    read, facts, problem = worker_output.read_rows(out, asked, model.Catalog((), (section,)))
    assert problem == ""
    assert [(r["metric"], r["value"], r["case"]) for r in read] == [
        ("headline", 0.5, ""),
        ("headline", 1.0, "again"),
        ("other", None, ""),
    ]
    assert facts == {"k": 3, "done": True}


def test_a_section_does_not_know_that_it_is_a_replicate(play, run, job):
    def measure(session):
        assert session.job["case"] == "depth 2"
        session.emit("headline", 1, case=session.job["case"])
        session.emit("other", 1)
        raise ValueError("no")

    play(measure)
    job |= {"case": "depth 2", "mark": "again"}
    _, entries = run()
    assert [(row["metric"], row["case"], row["status"]) for row in rows(entries)] == [
        ("headline", "again depth 2", "ok"),
        ("other", "again", "ok"),
        ("headline", "again depth 2", "failed"),  # the case that the process was started for
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_value_that_is_no_number_is_wrong(play, run, value):
    play(lambda session: session.emit("headline", value))
    _, entries = run()
    (found,) = rows(entries)
    assert (found["value"], found["status"]) == (None, "wrong")
    assert "not finite" in found["reason"]


def test_unsupported_is_a_row_with_its_source(play, run):
    def measure(session):
        session.unsupported("other", contract.Unsupported("no such figure", "https://a.org"))
        raise contract.Unsupported("no LeNet")

    play(measure)
    code, entries = run()
    assert code == 0
    assert [(r["metric"], r["status"], r["reason"]) for r in rows(entries)] == [
        ("other", "unsupported", "no such figure (https://a.org)"),
        ("headline", "unsupported", "no LeNet"),
    ]
    assert entries[-1] == {"done": True}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("a\n  b"), "ValueError: a b"),
        (KeyError("x"), "KeyError: 'x'"),
        (MemoryError(), "MemoryError"),
        (RuntimeError("x" * 5000), "RuntimeError: " + "x" * 486),
    ],
)
def test_an_error_is_a_row_a_log_and_an_exit_code(play, run, capsys, error, reason):
    def measure(session):
        session.emit("headline", 1.0, sample=0)
        raise error

    play(measure)
    code, entries = run()
    assert code == 1
    assert [(r["status"], r["reason"]) for r in rows(entries)] == [("ok", ""), ("failed", reason)]
    assert entries[-1] == {"done": True}
    assert "Traceback" in capsys.readouterr().err


def test_one_section_that_fails_does_not_stop_the_next(play, run):
    calls = []

    def measure(session):
        calls.append(1)
        if len(calls) == 1:
            raise ValueError
        session.emit("headline", 2.0)

    play(measure)
    code, entries = run(sections=["play", "play"])
    assert code == 1
    assert [r["status"] for r in rows(entries)] == ["failed", "ok"]


def test_a_process_that_is_killed_has_written_what_it_had(play, job, tmp_path):
    def measure(session):
        session.emit("headline", 1.0, sample=0)
        assert rows(map(json.loads, (tmp_path / "out").read_text().splitlines()))
        raise SystemExit  # as a framework does that exits by itself

    play(measure)
    with (tmp_path / "out").open("w") as out, pytest.raises(SystemExit):
        worker.Session(job, out).run()


def test_the_program_reads_a_job_and_appends_rows(play, job, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_die_with_parent", lambda: None)
    monkeypatch.setattr(worker.os, "sched_setaffinity", lambda *a: called.append(a), raising=False)
    called = []
    play(lambda session: session.emit("headline", 1.0))
    (tmp_path / "job").write_text(json.dumps({**job, "affinity": [0]}))
    (tmp_path / "out").write_text('{"fact": {}}\n')
    assert worker.main([str(tmp_path / "job"), str(tmp_path / "out")]) == 0
    entries = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert called == [(0, [0])]
    facts = {name: value for entry in entries for name, value in entry.get("fact", {}).items()}
    assert facts["python"] == "{}.{}.{}".format(*sys.version_info[:3])
    assert len(rows(entries)) == 1
    assert entries[0] == {"fact": {}}


# ------------------------------------------------------------------------------- the contract


def test_the_base_class_says_unsupported_to_everything(job):
    framework = contract.Framework(contract.Settings(**job["settings"]))
    assert framework.about() == framework.threads() == {}
    assert framework.synchronise() is None
    assert framework.reset_allocator_peak() is None
    for ask in (
        lambda: framework.lenet({}, 64),
        framework.allocator_peak,
        framework.mark,
        lambda: framework.matrix_product(8),
    ):
        with pytest.raises(contract.Unsupported) as raised:
            ask()
        assert raised.value.reason
    model = contract.Model()
    assert model.place() is None
    assert model.stage(1, 2) == (1, 2)
    assert model.loss(np.float32(3)) == 3.0
    for method in (model.step, model.logits, model.load):
        with pytest.raises(NotImplementedError):
            method(0)


def test_unsupported_answers_for_the_function_in_whose_place_it_stands():
    missing = contract.Unsupported("no such thing", "https://example.org")
    for ask in (lambda: missing(1, captured=True), lambda: contract.offered(missing)):
        with pytest.raises(contract.Unsupported) as raised:
            ask()
        assert raised.value is missing
    assert contract.offered(3) == 3


def test_a_script_is_completed_by_its_defaults():
    module = types.ModuleType("control")
    programs = module.PROGRAMS = {"cond": abs}
    assert scripts.complete(module, "control") is module
    assert module.PROGRAMS is programs
    assert module.CAPTURED == ""
    for ask in (module.eager, module.capture, module.graph_size):
        with pytest.raises(contract.Unsupported, match="not written yet"):
            ask(abs, [])
    assert scripts.defaults("lenet") == {}
