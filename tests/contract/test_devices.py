"""Work lands on the device that a job names, whatever scripts and frameworks would rather use.

No GPU is needed: ``tests/contract/pretended_gpu.py`` stands in for each framework.
"""

import contextlib
import importlib
import os
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from generator.catalog import loader
from generator.measure import plan, profiles, worker_launch
from measurements import contract, lenet, worker
from tests.conftest import ROOT
from tests.contract import pretended_gpu

CATALOG = loader.load()
NEEDS = {
    "pytorch": ("torch",), "tensorflow": ("tensorflow",), "mxnet": ("mxnet",),
    "jax": ("jax", "flax", "optax", "orbax"), "keras": (),
}  # fmt: skip
"""Framework -> packages that its scripts import; a new one that offers CUDA belongs here."""

ABLE = [f for f in CATALOG.frameworks if any("cuda" in mode.devices for mode in f.modes)]
MODES = [(f, mode) for f in ABLE for mode in f.modes if "cuda" in mode.devices]
IMAGES = np.zeros((64, 1, 28, 28), np.float32), np.zeros(64, np.int64)

PLACES = [(f, mode, device) for f, mode in MODES for device in mode.devices]

devices = pytest.mark.parametrize("device", ["cuda", "cpu"])


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function: framework, mode, device -> pretended machine and the adapter there."""
    pretended = pretended_gpu.Pretended()

    def start(framework, mode, device, **further):
        for name, value in worker_launch.of_device(device, tmp_path).items():
            monkeypatch.setenv(name, value)
        packages = NEEDS[framework.id]
        if framework.id == "keras":
            back_end = mode.id.partition("-")[0]
            monkeypatch.setenv("KERAS_BACKEND", back_end)
            packages = back_end, "keras"
        pretended_gpu.install(pretended, monkeypatch, *packages)
        monkeypatch.setattr(shutil, "which", lambda program: program)
        settings = contract.Settings(
            mode.id, device, 2, "float32", len(IMAGES[1]), 0.05, str(tmp_path)
        )._replace(**further)
        return worker._load_folder(str(framework.folder)).Adapter(settings)

    yield pretended, start
    for name in [name for name in sys.modules if name.startswith("framework_under_test")]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    """Forget the variables that adapters set."""
    monkeypatch.setattr(os, "environ", type(os.environ)(
        dict(os.environ), os.environ.encodekey, os.environ.decodekey,
        os.environ.encodevalue, os.environ.decodevalue,
    ))  # fmt: skip


def train(adapter):
    """Do what sections do with an adapter."""
    model = adapter.lenet(lenet.initial_parameters(), len(IMAGES[1]))
    if model.chunk > 1:
        model.many(model.stage_many([IMAGES] * 2))
    model.step(model.stage(*IMAGES))
    if adapter.settings.device == "cuda" and model.chunk == 1:
        with contextlib.suppress(contract.Unsupported):
            model.step(model.stage_pinned(model.pin(*IMAGES)))
    adapter.synchronise()
    model.logits(IMAGES[0])


def high_level(script):
    """Do what section highlevel does with a script."""
    model = script.train(*IMAGES)
    script.predict(script.load(script.save(model, "lenet")), IMAGES[0])


def test_every_framework_that_offers_cuda_has_a_stand_in():
    assert {framework.id for framework in ABLE} == set(NEEDS)


def test_no_script_overrules_what_the_worker_shows_it():
    """Each process that a worker starts inherits the variable, see ``worker_launch.of_device``."""
    folder = ROOT / "measurements"
    paths = [*folder.rglob("*.py"), *folder.rglob("*.R")]
    texts = {path: path.read_text() for path in paths}
    assert [path for path, text in texts.items() if "VISIBLE_DEVICES" in text] == []


def test_a_plan_for_cuda_starts_only_scripts_that_are_declared_for_it():
    made = plan.make(
        [(framework, framework.newest) for framework in CATALOG.frameworks], CATALOG.sections,
        modes=(), device="cuda", lanes=(), profile=profiles.PROFILES["full"], seed=1,
    )  # fmt: skip
    started = {id for job in made.jobs for id in job.sections}
    measured = {section.id for section in CATALOG.sections if section.measured}
    assert {id for id in measured if "cuda" in CATALOG.section(id).devices} == started
    # What these cannot be asked on a GPU is answered, and not left out.
    assert {cell.section for cell, _ in made.gaps} == measured
    assert {job.framework for job in made.jobs} == {framework.id for framework in ABLE}


FAULTS = [
    ("pytorch", "highlevel.py", '"cuda" if torch.cuda.is_available() else "cpu"', '"cpu"'),
    ("pytorch", "adapter.py", "torch.device(settings.device)", 'torch.device("cpu")'),
    ("pytorch", "adapter.py", "from_numpy(images).to(self.device, **self.format)",
     "from_numpy(images)"),
    ("mxnet", "highlevel.py", "mx.gpu() if mx.context.num_gpus() else mx.cpu()", "mx.cpu()"),
    ("mxnet", "highlevel.py", "initialize(mx.init.Xavier(), ctx=CONTEXT)",
     "initialize(mx.init.Xavier())"),
    ("mxnet", "adapter.py", "mxnet.gpu(0)", "mxnet.cpu()"),
    ("mxnet", "adapter.py", "as_in_context(self.context)", "as_in_context(self.mx.cpu())"),
    ("pytorch", "adapter.py", "labels.to(self.device, non_blocking=True)", "labels"),
    ("jax", "adapter.py", '"jax_platforms", settings.device', '"jax_platforms", "cpu"'),
    ("tensorflow", "adapter.py", 'set_visible_devices(gpus[:1], "GPU")',
     'set_visible_devices([], "GPU")'),
    ("keras", "backends.py", '"jax_platforms", settings.device', '"jax_platforms", "cpu"'),
]  # fmt: skip


@pytest.mark.parametrize(("id", "file", "right", "wrong"), FAULTS)
def test_a_fault_that_leaves_work_on_the_processor_is_seen(
    machine, tmp_path, id, file, right, wrong
):
    pretended, start = machine
    framework = CATALOG.framework(id)
    folder = shutil.copytree(framework.folder, tmp_path / "faulty")
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    mode = framework.mode("jax") if id == "keras" else framework.default
    with contextlib.suppress(pretended_gpu.Torn):
        adapter = start(replace(framework, folder=folder), mode, "cuda")
        if file == "highlevel.py":
            high_level(importlib.import_module("framework_under_test.highlevel"))
        else:
            train(adapter)
    assert "cpu" in pretended.worked


def said(pretended):
    """Return what adapters told their frameworks, by the framework's own name for it."""
    torch = sys.modules.get("torch")
    known = {"benchmark": torch.backends.cudnn.benchmark} if torch else {}
    names = ("XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_FLAGS", "MXNET_ENFORCE_DETERMINISM")
    return known | pretended.told | {name: os.environ.get(name) for name in names}


@pytest.mark.parametrize(
    ("id", "mode", "further", "expected"),
    [
        ("jax", "jit", {}, {"XLA_PYTHON_CLIENT_PREALLOCATE": "true", "XLA_FLAGS": None}),
        ("jax", "jit", {"preallocate": False}, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
        ("keras", "jax", {"preallocate": False}, {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
        ("tensorflow", "function", {}, {"set_memory_growth": False}),
        ("tensorflow", "function", {"preallocate": False}, {"set_memory_growth": True}),
        ("pytorch", "eager", {}, {"benchmark": True}),
        ("pytorch", "eager", {"deterministic": True}, {"benchmark": False}),
        ("keras", "torch", {"deterministic": True}, {"benchmark": False}),
        ("tensorflow", "xla", {"deterministic": True}, {"enable_op_determinism": True}),
        ("jax", "jit", {"deterministic": True}, {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}),
        ("mxnet", "hybrid", {}, {"MXNET_ENFORCE_DETERMINISM": None}),
        ("mxnet", "hybrid", {"deterministic": True}, {"MXNET_ENFORCE_DETERMINISM": "1"}),
        ("tensorflow", "function", {"precision": "tf32"},
         {"enable_tensor_float_32_execution": True}),
        ("tensorflow", "function", {}, {"enable_tensor_float_32_execution": False}),
        ("jax", "jit", {"precision": "tf32"}, {"jax_default_matmul_precision": "tensorfloat32"}),
        ("jax", "jit", {}, {"jax_default_matmul_precision": "highest"}),
    ],
)  # fmt: skip
def test_a_framework_is_told_how_to_use_the_gpu(machine, id, mode, further, expected):
    pretended, start = machine
    framework = CATALOG.framework(id)
    start(framework, framework.mode(mode), "cuda", **further)
    found = said(pretended)
    assert {name: found.get(name) for name in expected} == expected


def test_a_gpu_that_the_worker_was_shown_by_mistake_is_seen(machine, monkeypatch):
    monkeypatch.setattr(worker_launch, "of_device", lambda device, cache: {})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    pretended, start = machine
    framework = CATALOG.framework("pytorch")
    start(framework, framework.mode("eager"), "cpu")
    high_level(importlib.import_module("framework_under_test.highlevel"))
    assert pretended.worked == {"cuda"}


@pytest.mark.parametrize(
    ("framework", "mode", "device"),
    PLACES,
    ids=[f"{framework.id}-{mode.id}-{device}" for framework, mode, device in PLACES],
)
def test_the_adapter_computes_where_the_job_says(machine, framework, mode, device):
    pretended, start = machine
    train(start(framework, mode, device))
    assert pretended.worked == {device}


@devices
@pytest.mark.parametrize("framework", ABLE, ids=lambda framework: framework.id)
def test_the_highest_level_script_computes_where_the_job_says(machine, framework, device):
    pretended, start = machine
    start(framework, next(mode for f, mode in MODES if f is framework), device)
    pretended.worked.clear()
    high_level(importlib.import_module("framework_under_test.highlevel"))
    assert pretended.worked == {device}
