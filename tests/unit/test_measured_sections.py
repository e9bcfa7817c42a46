"""The sections that sweep, drive from R and use the highest-level API, with planted faults."""

import hashlib
import importlib
import io
import json
import sys
import time
import types

import numpy as np
import pytest

from measurements import after, ceiling, contract, gate, lenet, sweep, timing, worker
from measurements.sections import highlevel, memory, r, versus
from measurements.sections import lenet as timed
from tests.conftest import PRETEND

RATE = lenet.LEARNING_RATE


_steps = {}


def _step(before, *batch):
    """Return what a step of training leads to: many tests take the same ones."""
    arrays = [*(value for _, value in sorted(before.items())), *batch]
    key = tuple(hashlib.sha256(np.ascontiguousarray(value)).digest() for value in arrays)
    if key not in _steps:
        _steps[key] = lenet.step(before, *batch, RATE)
    return _steps[key]


@pytest.fixture(autouse=True, scope="module")
def _references():
    """Compute the reference of the same settings once, and read the digits once."""
    found, reference, digits = {}, gate.reference, lenet.load_data()

    def known(data, *settings, **named):
        key = data.sha256, settings, tuple(sorted(named.items()))
        if key not in found:
            found[key] = reference(data, *settings, **named)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "reference", known)
        patch.setattr(lenet, "load_data", lambda folder=None: digits)
        yield


class Numpy(contract.Model):
    """LeNet in NumPy; ``fault`` makes one thing wrong, from the start or once it is timed."""

    gate = lenet.GATE_STEPS
    """Steps that are taken before any is timed."""

    def __init__(self, parameters, fault=""):
        self.weights, self.fault, self.calls = dict(parameters), fault, 0
        self.kept, self.scores = {}, {}

    def stage(self, images, labels):
        return images, labels

    def step(self, batch):
        self.calls += 1
        late = self.fault if self.calls > self.gate else ""
        if late == "nothing":
            return 0.0
        if late == "remembers" and self.calls > self.gate + 1:
            self.weights = self.kept
            return 0.0
        if late == "quarter":
            batch = batch[0][::4], batch[1][::4]
        if late == "dropout":
            noise = np.random.RandomState(self.calls).rand(*batch[0].shape) > 0.01
            batch = batch[0] * noise, batch[1]
        before = self.weights
        loss, after = _step(before, *batch)
        self.weights = {name: value.astype(np.float32) for name, value in after.items()}
        if self.fault == "deep" and "deep1_bias" in before:
            self.weights["deep1_bias"] = before["deep1_bias"]
        if late == "frozen":
            self.weights["conv1_weight"] = before["conv1_weight"]
        if late == "not a number":
            self.weights["dense2_bias"] = before["dense2_bias"] * np.nan
        self.kept = self.weights
        return loss

    def loss(self, handle):
        return float(handle)

    def logits(self, images):
        if len(images) == HELD_OUT and self.fault == "zeros":
            return np.zeros((len(images), 10), "f4")
        found = lenet.logits(self.weights, images).astype(np.float32)
        return self.scores.setdefault(len(images), found) if self.fault == "stale" else found

    def parameters(self):
        return dict(self.weights)

    def load(self, parameters):
        self.weights = dict(parameters)


class Many(Numpy):
    """Takes ten steps in one call, and may leave one out."""

    chunk = 10
    gate = lenet.GATE_STEPS + 1

    def many(self, staged):
        if self.fault == "lazy":
            staged = [*staged[:-1], staged[0]]
        if self.fault == "half" and self.calls > self.gate:
            return [Numpy.step(self, batch) for batch in staged[::2]] * 2
        return [Numpy.step(self, batch) for batch in staged]


class Framework(contract.Framework):
    model = Numpy
    fault = ""

    def __init__(self):
        super().__init__(None)

    def lenet(self, parameters, batch):
        return self.model(parameters, self.fault)


@pytest.fixture
def session(tmp_path):
    """Return a function: framework and section -> session that writes rows to a list."""

    def make(section, framework=None, **job):
        settings = {
            "mode": "plain", "device": "cpu", "threads": 1, "precision": "float32", "batch": 64,
            "learning_rate": RATE, "cache": "",
        }  # fmt: skip
        base = {
            "folder": str(PRETEND / "pretend"), "sections": [section], "start": "warm",
            "case": "", "lane": "threads-all", "settings": settings, "samples": 2, "warmup": 1,
            "min_sample_seconds": 0.001,
        }  # fmt: skip
        out = io.StringIO()
        made = worker.Session(base | job, out)
        made._framework = framework
        metrics = importlib.import_module(f"measurements.sections.{section}").SECTION.metrics
        made._section, made._metrics = section, metrics  # as run() would
        made.entries = lambda: [json.loads(line) for line in out.getvalue().splitlines()]
        return made

    return make


def rows(made, metric=None):
    found = [entry["row"] for entry in made.entries() if "row" in entry]
    return [row for row in found if metric in (None, row["metric"])]


# ------------------------------------------------------------------------------------ the sweeps


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(versus, "BATCHES", (1, 16))
    monkeypatch.setattr(sweep, "SAMPLES", 2)
    monkeypatch.setattr(sweep, "MIN_SAMPLE_SECONDS", 0.001)


def test_a_sweep_times_every_batch_size(session, short):
    made = session("versus", Framework())
    assert made.run() == 0
    found = {(row["metric"], row["case"], row["status"]) for row in rows(made)}
    assert found == {
        (metric, f"batch {size}", "ok")
        for size in (1, 16)
        for metric in ("step_time", "ready_time")
    }
    assert all(row["value"] > 0 for row in rows(made))


def test_a_depth_is_measured_alone(session, short):
    made = session("depth", Framework(), case="depth 3")
    assert made.run() == 0
    found = {(row["metric"], row["case"], row["status"]) for row in rows(made)}
    assert found == {(metric, "depth 3", "ok") for metric in ("step_time", "ready_time")}


def test_a_deeper_network_that_is_wrong_gets_no_time(session, short):
    framework = Framework()
    framework.fault = "deep"
    made = session("depth", framework, case="depth 3")
    made.run()
    (wrong,) = rows(made)
    assert wrong["status"] == "wrong"
    assert wrong["case"] == "depth 3"
    assert "gradient of deep1_bias" in wrong["reason"]


def test_a_sweep_begins_nothing_that_would_take_too_long(session, short, monkeypatch):
    monkeypatch.setattr(versus, "SWEEP_SECONDS", 1e-9)
    monkeypatch.setattr(versus, "BATCHES", (1, 16, 4))
    made = session("versus", Framework())
    assert made.run() == 0
    skipped = [row for row in rows(made) if row["status"] == "skipped"]
    assert [row["case"] for row in skipped] == ["batch 4"]
    assert "1 more took" in skipped[0]["reason"]


# ----------------------------------------------------------------------- many steps in one call


def test_a_model_that_takes_many_steps_is_verified_the_way_it_is_timed(session):
    framework = Framework()
    framework.model = Many
    good = session("lenet", framework)
    assert timed._gate(good) == ""
    framework.fault = "lazy"
    bad = session("lenet", framework)
    assert "loss of step 10" in timed._gate(bad)


def test_many_steps_are_timed_as_so_many(session):
    framework = Framework()
    framework.model, framework.fault = Many, "nothing"  # steps are counted
    made = session("lenet", framework)
    assert timed._gate(made) == ""
    before = made.model.calls
    assert "as it was before" in timed._steady_state(made, timed._supply(made))
    (k,) = [entry["fact"]["k"] for entry in made.entries() if "k" in entry.get("fact", {})]
    assert k % 10 == 0
    assert made.model.calls >= before + 2 * k


def test_what_is_left_over_goes_step_by_step():
    units = timed._units(Many({}), [(n, n) for n in range(25)])
    staged = [stage() for _, stage in units]
    assert [len(item) for item in staged[:2]] == [10, 10]
    assert len(units) == 2 + 5


# ---------------------------------------------------------------------------- the device's clock


class Ticking(Framework):
    """A device whose clock counts marks and steps."""

    ticks = 0

    def mark(self):
        self.ticks += 1
        return self.ticks

    def between(self, first, second):
        return float(second - first)


def test_the_devices_clock_counts_the_steps_and_not_the_waiting():
    device = Ticking()

    def step():
        device.ticks += 1

    device.synchronise = lambda: setattr(device, "ticks", device.ticks + 100)
    wall, cpu, on_device = timed._sample(device, step, 5, marked=True)
    assert on_device == 5 + 1
    assert wall > 0 <= cpu
    assert timed._sample(device, step, 5, marked=False)[2] is None


@pytest.mark.parametrize(
    ("framework", "device", "marked", "said"),
    [
        (Ticking, "cuda", True, []), (Framework, "cuda", False, ["unsupported"]),
        (Ticking, "cpu", False, []),
    ],
)  # fmt: skip
def test_a_gpu_without_events_of_its_own_says_so(session, framework, device, marked, said):
    made = session("lenet", framework())
    made.settings = made.settings._replace(device=device)
    assert timed._has_marks(made) is marked
    assert [row["status"] for row in rows(made, "step_device_time")] == said


def test_a_time_of_the_devices_clock_stands_alongside_each_sample(session, monkeypatch):
    monkeypatch.setattr(timing, "unsynchronised_share", lambda *_: 0.0)
    monkeypatch.setattr(timing, "calibrate", lambda *_: 2)
    monkeypatch.setattr(timing, "affordable", lambda wanted, *_: wanted)
    framework = Ticking()
    framework.fault = "nothing"
    made = session("lenet", framework)
    made.settings = made.settings._replace(device="cuda")
    timed._steady_state(made, timed._supply(made))
    found = [(row["sample"], row["value"]) for row in rows(made, "step_device_time")]
    assert found == [(0, 0.5), (1, 0.5)]
    assert len(rows(made, "step_time")) == 2


# ---------------------------------------------------------------------------------------- lanes


class Pinning(Numpy):
    """Has page-locked memory, and says how a batch came to the device."""

    def stage(self, images, labels):
        self.kept["ways"] = [*self.kept.get("ways", []), "stage"]
        return images, labels

    def pin(self, images, labels):
        self.kept["ways"] = [*self.kept.get("ways", []), "pin"]
        return images, labels

    def stage_pinned(self, batch):
        self.kept["ways"] = [*self.kept.get("ways", []), "stage pinned"]
        return batch


@pytest.mark.parametrize(
    ("lane", "before", "timed_ways"),
    [
        ("resident", {"stage"}, []),
        ("tf32", {"stage"}, []),
        ("copy-unpinned", set(), ["stage"] * 3),
        ("copy-pinned", {"pin"}, ["stage pinned"] * 3),
    ],
)
def test_a_lane_says_which_way_to_the_device_is_timed(session, lane, before, timed_ways):
    framework = Framework()
    framework.model = Pinning
    made = session("lenet", framework, lane=lane)
    supply = timed._supply(made)
    ways = made.model.kept.pop("ways", [])
    assert set(ways) == before
    assert [run for run, _ in supply[:3]] == [made.model.step] * 3
    for _, item in supply[:3]:
        images, labels = item()
        assert (len(images), len(labels)) == (64, 64)
    assert made.model.kept.pop("ways", []) == timed_ways


@pytest.mark.parametrize("model", [Numpy, Many])
def test_who_has_no_pinned_memory_says_so_in_that_lane(session, model):
    framework = Framework()
    framework.model = model
    with pytest.raises(contract.Unsupported):
        timed._supply(session("lenet", framework, lane="copy-pinned"))


# ------------------------------------------------------------------------ verified after timing

HELD_OUT = 40
"""Images of an evaluation here: the reference's scores take their time."""


@pytest.fixture
def after_timing(session, monkeypatch):
    """Return a function: fault and model -> session that has run section lenet, a step a sample."""
    monkeypatch.setattr(timing, "unsynchronised_share", lambda *_: 0.0)
    monkeypatch.setattr(timing, "calibrate", lambda *_: 1)

    def run(fault, model):
        framework = Framework()
        framework.model, framework.fault = model, fault
        made, data = session("lenet", framework), lenet.load_data()
        held_out = data.test_images[:HELD_OUT], data.test_labels[:HELD_OUT]
        made._data = data._replace(test_images=held_out[0], test_labels=held_out[1])
        assert made.run() == 0
        return made

    return run


@pytest.mark.parametrize("model", [Numpy, Many])
def test_a_framework_that_goes_on_working_passes_both_gates(after_timing, model):
    made = after_timing("", model)
    assert [(row["status"], row["reason"]) for row in rows(made, "gate")] == [("ok", "")]
    assert len(rows(made, "evaluation_time")) == 3
    (checks,) = [
        e["fact"]["gate_after"] for e in made.entries() if "gate_after" in e.get("fact", {})
    ]
    assert all(ok for *_, ok in checks)


@pytest.mark.parametrize(
    ("fault", "model", "reason"),
    [
        ("nothing", Numpy, "after timing, conv1_weight is as it was before"),
        ("frozen", Numpy, "after timing, conv1_weight is as it was before"),
        ("not a number", Numpy, "after timing, conv1_weight is not finite"),
        ("quarter", Numpy, "after timing, gradient of conv1_weight"),
        ("dropout", Numpy, "after timing, gradient of conv1_weight"),
        ("remembers", Numpy, "after timing, "),
        ("half", Many, "after timing, loss of step 2"),
        ("zeros", Numpy, "scores of the evaluation"),
        ("stale", Numpy, "scores of the evaluation"),
    ],
)
def test_work_that_is_skipped_once_it_is_timed_is_wrong(after_timing, fault, model, reason):
    made = after_timing(fault, model)
    (gate,) = rows(made, "gate")
    assert gate["status"] == "wrong"
    assert gate["reason"].startswith(reason)
    assert rows(made, "step_time")[-1]["status"] == "wrong"


def test_training_that_does_not_learn_is_wrong(session):
    made = session("lenet", Framework())
    weights, batches = made.initial_parameters, made.batches(1)
    assert "the training loss is 2.33" in after.learnt(made.reference, weights, batches)


def test_a_step_that_the_processor_had_no_time_for_is_wrong(session, monkeypatch):
    monkeypatch.setattr(ceiling, "matrix_product_rate", lambda **_: 1e10)
    made = session("lenet", Framework(), ceiling=1e10)
    needed = lenet.operations(64) / 1e10
    assert timed._plausible(made, needed, needed) == ""
    assert "used 0 s of a processor" in timed._plausible(made, needed, 0.0)
    # A ceiling that was measured on a busy machine accuses nobody: it is looked at again.
    monkeypatch.setattr(ceiling, "matrix_product_rate", lambda **_: 1e11)
    assert timed._plausible(made, needed, needed / 10) == ""


# ---------------------------------------------------------------------------------------- memory


def facts(made, name):
    return [entry["fact"][name] for entry in made.entries() if name in entry.get("fact", {})]


@pytest.fixture
def remembering(session, monkeypatch):
    """Return a function: framework, device -> section memory when it has run, and its trainings."""
    monkeypatch.setattr(memory, "WATCH_SECONDS", 0.01)

    def run(framework, device):
        made, trained = session("memory", framework), []
        made.settings = made.settings._replace(device=device)
        made.rss_imported, made.train = 1, lambda: trained.append(time.perf_counter())
        assert made.run() == 0
        return made, trained

    return run


def test_the_memory_of_a_gpu_is_watched_while_training_goes_on(remembering):
    made, trained = remembering(Framework(), "cpu")
    assert facts(made, "memory_windows") == []
    assert len(trained) == 1
    made, trained = remembering(Framework(), "cuda")
    (((start, end),),) = facts(made, "memory_windows")
    assert trained[0] < start < trained[1]
    assert trained[-1] < end
    assert end - start >= 0.01


def test_memory_of_other_work_is_wrong_where_no_other_section_looks(remembering):
    framework = Framework()
    framework.model = type("Idle", (Numpy,), {"step": lambda self, batch: 2.3})
    (wrong,) = rows(remembering(framework, "cpu")[0])
    assert (wrong["metric"], wrong["status"]) == ("peak_above_import", "wrong")
    assert "gradient of conv1_weight" in wrong["reason"]


class Allocating(Framework):
    """Its allocator had 9 bytes at the start and 5 in training; ``resets`` as some cannot."""

    resets, in_training = True, False

    def allocator_peak(self):
        return {"peak": 5 if self.in_training and self.resets else 9, "reserved": 16}

    def reset_allocator_peak(self):
        self.in_training = True
        if not self.resets:
            raise contract.Unsupported("one peak only")


@pytest.mark.parametrize(
    ("framework", "expected"),
    [
        (Allocating, {"allocator_peak": 5, "allocator_start_peak": 9, "allocator_reserved": 16}),
        (
            type("Once", (Allocating,), {"resets": False}),
            {"allocator_peak": None, "allocator_start_peak": 9, "allocator_reserved": 16},
        ),
        (Framework, {"allocator_peak": None}),
    ],
)
def test_peaks_of_allocators_begin_alike(remembering, framework, expected):
    made, _ = remembering(framework(), "cpu")
    found = {row["metric"]: row for row in rows(made) if row["metric"].startswith("allocator")}
    assert {metric: row["value"] for metric, row in found.items()} == expected
    absent = expected["allocator_peak"] is None
    assert found["allocator_peak"]["status"] == ("unsupported" if absent else "ok")


# ------------------------------------------------------------------------------------------- R


def driven(spoil=None):
    """What an R script hands over that did everything right, unless ``spoil`` changes it."""
    data = lenet.load_data()
    order = lenet.batch_indices(len(data.train_labels), 64, lenet.GATE_STEPS)
    model, losses, first = Numpy(lenet.initial_parameters()), [], None
    for index in order:
        losses.append(model.step((data.train_images[index], data.train_labels[index])))
        first = first or model.parameters()
    trained = model.parameters()
    last_loss = model.step((data.train_images[order[0]], data.train_labels[order[0]]))
    found = {
        "trained": trained, "last_loss": last_loss, "last": model.parameters(),
        "losses": losses, "after": first, "build_time": 0.1, "first_step_time": 0.2,
        "samples": [0.01, 0.02], "steps": 5.0, "r": "R 4", "reticulate": "1",
    }  # fmt: skip
    return found | (spoil(found) if spoil else {})


def test_what_r_measured_is_published(session):
    made = session("r")
    assert made.run(driven()) == 0
    assert [row["value"] for row in rows(made, "step_time")] == [0.01, 0.02]
    assert [row["status"] for row in rows(made, "gate")] == ["ok"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: {"losses": [*d["losses"][:4], 9.0, *d["losses"][5:]]}, "loss of step 5"),
        (
            lambda d: {"after": d["after"] | {"conv1_bias": d["after"]["conv1_bias"] * 2}},
            "gradient of conv1_bias",
        ),
        (lambda d: {"losses": d["losses"][:3]}, "loss of step 4"),
        (lambda d: {"last_loss": d["last_loss"] + 0.01}, "after timing, loss"),
        (lambda d: {"last": d["trained"]}, "after timing, gradient of conv1_weight"),
        (
            lambda d: {
                "trained": d["after"] | {"conv1_bias": lenet.initial_parameters()["conv1_bias"]}
            },
            "after timing, conv1_bias is as it was before",
        ),
    ],
)
def test_an_r_script_that_does_other_work_gets_no_time(session, spoil, reason):
    made = session("r")
    made.run(driven(spoil))
    (row,) = rows(made, "step_time")
    assert (row["status"], row["value"]) == ("wrong", None)
    assert reason in row["reason"]


def test_an_error_in_r_is_a_failure_with_its_words(session):
    made = session("r")
    assert made.run({"error": "object 'tf' not found"}) == 1
    (row,) = rows(made)
    assert row["status"] == "failed"
    assert "object 'tf' not found" in row["reason"]


def test_the_step_in_python_is_verified_and_timed_like_that_in_r(session):
    made = session("r", Framework(), case="python")
    assert made.run() == 0
    assert [row["metric"] for row in rows(made)] == ["python_step_time"] * 2
    assert all(row["value"] > 0 and row["case"] == "" for row in rows(made))
    # Ten steps to verify, then warm-up, calibration and samples: one step a call.
    assert made.model.calls > 10 + 1 + 2


@pytest.mark.parametrize(("section", "job"), [("r", {"case": "python"}), ("versus", {})])
def test_a_step_that_does_other_work_once_it_is_timed_gets_no_time(session, short, section, job):
    class Late(Numpy):
        def __init__(self, parameters, fault):
            super().__init__(parameters, fault)
            self.gate = self.gate if section == "r" else 1  # a sweep verifies one step

    framework = Framework()
    framework.model, framework.fault = Late, "quarter"
    made = session(section, framework, **job)
    made.run()
    wrong = [row for row in rows(made) if row["status"] == "wrong"]
    assert {row["case"] for row in wrong} == ({""} if section == "r" else {"batch 16"})
    assert all("after timing, gradient" in row["reason"] for row in wrong)


def test_a_step_in_python_that_does_other_work_gets_no_time(session):
    class Lazy(Numpy):
        def loss(self, handle):
            return 2 * handle

    framework = Framework()
    framework.model = Lazy
    made = session("r", framework, case="python")
    made.run()
    (row,) = rows(made)
    assert (row["metric"], row["status"], row["value"]) == ("python_step_time", "wrong", None)
    assert "loss of step 1" in row["reason"]


# ---------------------------------------------------------------------- the highest-level API


def high_level(fault=""):
    """A script of the highest-level API: nearest mean of the digits of each class, in a file."""
    script = types.ModuleType("framework_under_test.highlevel")
    script.INTERFACE = "nearest mean"

    def train(images, labels):
        flat = images.reshape(len(images), -1)
        _, _, test_images, test_labels = lenet.load_data()[2:]
        if fault == "untrained":
            return np.zeros((784, 10), np.float32)
        both = np.concatenate([flat, test_images.reshape(len(test_images), -1)])
        known = np.concatenate([labels, test_labels])
        return np.linalg.lstsq(both, np.eye(10)[known], rcond=None)[0].astype(np.float32)

    def save(model, path):
        np.save(path + ".npy", model)
        return path + ".npy"

    def load(path):
        model = np.load(path)
        return model * 1.01 if fault == "other" else model

    def predict(model, images):
        scores = images.reshape(len(images), -1) @ model
        winner = np.eye(10)[lenet.load_data().test_labels]
        return scores if fault == "untrained" else scores + winner

    script.train, script.save, script.load, script.predict = train, save, load, predict
    return script


@pytest.fixture
def install(monkeypatch, tmp_path):
    (tmp_path / "highlevel.py").write_text("")

    def make(fault=""):
        package = types.ModuleType("framework_under_test")
        monkeypatch.setitem(sys.modules, "framework_under_test", package)
        monkeypatch.setitem(sys.modules, "framework_under_test.highlevel", high_level(fault))
        return str(tmp_path)

    return make


def test_the_highest_level_api_is_timed_by_phases(session, install):
    made = session("highlevel", Framework(), folder=install())
    assert made.run() == 0
    (total,) = rows(made, "total_time")
    parts = [rows(made, f"{phase}_time")[0]["value"] for phase in ("train", "save", "load")]
    assert total["value"] == pytest.approx(sum(parts))
    assert rows(made, "file_size")[0]["value"] > 784 * 10 * 4
    assert {"fact": {"interface": "nearest mean"}} in made.entries()


@pytest.mark.parametrize("fault", ["untrained", "other"])
def test_a_model_that_is_bad_or_another_one_after_reloading_is_wrong(session, install, fault):
    made = session("highlevel", Framework(), folder=install(fault))
    made.run()
    (row,) = rows(made, "total_time")
    assert row["status"] == "wrong"
    assert rows(made, "train_time") == []


def test_a_folder_without_the_script_is_unsupported(session, tmp_path):
    made = session("highlevel", Framework(), folder=str(tmp_path))
    assert made.run() == 0
    (row,) = rows(made)
    assert row["status"] == "unsupported"
    assert row["reason"] == contract.NOT_WRITTEN.reason


def test_each_of_these_sections_stands_alone():
    assert versus.SECTION.blocks
    assert r.SECTION.script == "lenet.R"
    assert highlevel.SECTION.script == "highlevel.py"
