"""The GPU's log against a trace in NVML's form; see the first line of the trace for its origin."""

import json
import sys
import threading
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.measure import gpu_log, request
from tests.conftest import ROOT

ALWAYS = [(0.0, float("inf"))]
TRACE = ROOT / "tests" / "data" / "nvml-trace.jsonl"


@pytest.fixture(scope="module")
def trace():
    lines = TRACE.read_text(encoding="utf-8").splitlines()
    assert "about" in json.loads(lines[0])
    readings = [json.loads(line) for line in lines[1:]]
    return [
        gpu_log.Reading(**{**r, "processes": {int(pid): b for pid, b in r["processes"].items()}})
        for r in readings
    ]


def test_a_window_is_summed_up_by_its_medians(trace):
    (log,) = gpu_log.per_sample(trace, [(1200.7, 1201.4)])
    assert log.sm_clock == 1980
    assert 200 < log.power < 225
    assert 34 < log.temperature < 60
    assert log.throttle == ()


@pytest.mark.parametrize(
    ("window", "seen"),
    [
        ((1200.0, 1200.35), ()),  # idle is no throttling
        ((1201.5, 1201.75), ("power cap",)),
        ((1201.8, 1201.95), ("software thermal slowdown", "hardware thermal slowdown")),
        (
            (1201.4, 1202.1),
            ("power cap", "software thermal slowdown", "hardware thermal slowdown"),
        ),
        ((1202.1, 1202.5), ()),  # clocks set by an application are no throttling
    ],
)
def test_throttling_within_a_window_is_flagged_and_nothing_else(trace, window, seen):
    (log,) = gpu_log.per_sample(trace, [window])
    assert log.throttle == seen


@pytest.mark.parametrize("bit", gpu_log.THROTTLE_REASONS)
def test_one_reading_is_enough_to_flag_a_window(trace, bit):
    spoilt = [*trace[:20], gpu_log.Reading(1200.97, 900.0, 50.0, 100.0, bit, {}), *trace[20:]]
    (log,) = gpu_log.per_sample(spoilt, [(1200.7, 1201.4)])
    assert log.throttle == (gpu_log.THROTTLE_REASONS[bit],)


def test_windows_keep_their_places_and_empty_ones_are_none(trace):
    logs = gpu_log.per_sample(trace, [(0, 1), (1200.7, 1201.4), (1200.701, 1200.702), (5000, 6000)])
    assert [log is None for log in logs] == [True, False, True, True]
    assert gpu_log.per_sample(trace, []) == []
    assert gpu_log.per_sample([], [(0, 1)]) == [None]


def test_the_ends_of_a_window_belong_to_it(trace):
    (log,) = gpu_log.per_sample(trace, [(trace[0].time, trace[0].time)])
    assert log.sm_clock == trace[0].sm_clock


def test_peak_memory_is_that_of_all_processes_together(trace):
    assert gpu_log.peak_memory(trace, ALWAYS) == 2147483648 + 268435456
    assert gpu_log.peak_memory(trace[:4], ALWAYS) is None  # no process seen: unknown, and not zero
    assert gpu_log.peak_memory([], ALWAYS) is None


def test_memory_outside_of_the_windows_is_no_part_of_the_peak():
    readings = [
        gpu_log.Reading(float(time), None, None, None, None, {7: size})
        for time, size in enumerate([1, 9, 3, 4, 9])
    ]
    assert gpu_log.peak_memory(readings, [(2.0, 3.5)]) == 4
    assert gpu_log.peak_memory(readings, [(0.0, 0.5), (1.5, 2.0)]) == 3
    assert gpu_log.peak_memory(readings, [(3.1, 3.9)]) is None
    assert gpu_log.peak_memory(readings, []) is None


def test_what_no_reading_knows_is_unknown_and_the_rest_is_summed_up():
    blind = gpu_log.Reading(1.0, None, None, None, None, None)
    clock = gpu_log.Reading(2.0, 900.0, None, None, None, {7: None})
    whole = gpu_log.Reading(3.0, 1000.0, 50.0, 100.0, 0x4, {7: 1})
    assert gpu_log.per_sample([blind, clock], [(0, 3)]) == [
        gpu_log.SampleLog(900.0, None, None, None)
    ]
    assert gpu_log.per_sample([blind, clock, whole], [(0, 3)]) == [
        gpu_log.SampleLog(950.0, 50.0, 100.0, ("power cap",))
    ]
    assert gpu_log.peak_memory([blind, clock], ALWAYS) is None
    assert gpu_log.peak_memory([blind, clock, whole], ALWAYS) == 1


def gpu(uuid, instances=None):
    return gpu_log.Gpu("A GPU", "1", 2**30, uuid, handle=uuid, card=uuid, instances=instances)


ONE, TWO, SAME = gpu("GPU-a1b2-1"), gpu("GPU-a1b2-2"), gpu(None)
SMALL, LARGE, OLD = gpu("MIG-c3"), gpu("MIG-d4"), gpu("MIG-GPU-e5/1/0")
DIVIDED, OLDER, UNMADE = gpu("GPU-c3", (SMALL, LARGE)), gpu("GPU-e5", (OLD,)), gpu("GPU-f6", ())
CARDS = [ONE, TWO, DIVIDED, OLDER, UNMADE, SAME]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, [ONE, TWO, SMALL, OLD, SAME]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("none", []),
        ("0", [ONE]),
        ("1,0", [TWO, ONE]),
        (" 1 , 0 ", [TWO, ONE]),
        ("+1", [TWO]),
        ("1x", [TWO]),
        ("1,-1,0", [TWO]),  # the first that names nothing ends the list
        ("1,99,0", [TWO]),
        ("99", []),
        ("1,1", []),  # what comes twice empties it
        ("GPU-a1b2-2", [TWO]),
        ("GPU-a1b2-2,GPU-a1b2-1", [TWO, ONE]),
        ("GPU-a1b2", []),  # the beginning of two
        ("GPU-", []),
        ("GPU-c", [SMALL]),
        ("2", [SMALL]),
        ("MIG-d", [LARGE]),
        ("MIG-d4", [LARGE]),
        ("MIG-GPU-e5/1/0", [OLD]),
        ("4", []),  # divided into nothing yet
        ("5", [SAME]),
        ("A GPU", []),
    ],
)
def test_the_visible_gpus_are_those_of_cuda_in_its_order(setting, expected):
    variables = {} if setting is None else {"CUDA_VISIBLE_DEVICES": setting}
    assert gpu_log.visible(variables, CARDS) == expected


def test_gpus_of_one_kind_are_not_one_gpu():
    lost = [gpu_log.Gpu(None, None, None), gpu_log.Gpu(None, None, None)]
    assert gpu_log.visible({"CUDA_VISIBLE_DEVICES": "0,1"}, lost) == lost


@given(st.text(max_size=40))
def test_any_setting_names_some_of_the_gpus_or_none(setting):
    found = gpu_log.visible({"CUDA_VISIBLE_DEVICES": setting}, CARDS)
    assert {*found} <= {ONE, TWO, SMALL, LARGE, OLD, SAME}


@pytest.mark.parametrize("text", ["00000000:3B:00.0", "0000:3b:00.0", "0:3B:00.0"])
def test_a_place_on_the_bus_has_one_form(text):
    assert gpu_log.bus_id(text) == "0000:3b:00.0"


def test_an_answer_that_is_missing_ends_no_log():
    reading = gpu_log.Reading(1.0, 900.0, 50.0, None, 0, {}, refused="power: Not Supported")
    looks, enough = iter(range(4)), threading.Event()

    def read():
        if next(looks, None) is None:
            enough.set()
        return reading

    with gpu_log.Log(read, interval=0.001) as log:
        assert enough.wait(timeout=10)
    assert len(log.readings) > 3
    assert log.error == "power: Not Supported"


def test_a_log_polls_its_source_until_it_is_left(trace):
    source, enough = iter(trace), threading.Event()

    def read():
        reading = next(source)
        if reading is trace[5]:
            enough.set()
        return reading

    with gpu_log.Log(read, interval=0.001) as log:
        assert enough.wait(timeout=10)
    count = len(log.readings)
    assert log.readings == trace[:count]
    assert log.error is None
    assert not log._thread.is_alive()
    assert len(log.readings) == count


def test_a_source_that_fails_is_remembered_and_hurts_nobody(trace):
    readings, failed = iter(trace[:3]), threading.Event()

    def read():
        for reading in readings:
            return reading
        failed.set()
        raise RuntimeError("GPU is lost")

    with gpu_log.Log(read, interval=0.001) as log:
        assert failed.wait(timeout=10)
    assert log.readings == trace[:3]
    assert log.error == "RuntimeError: GPU is lost"


def test_an_error_within_passes_through_a_log(trace):
    with pytest.raises(KeyboardInterrupt), gpu_log.Log(lambda: trace[0], interval=0.001) as log:
        raise KeyboardInterrupt
    assert not log._thread.is_alive()


class FakeNvml(types.ModuleType):
    """The calls of nvidia-ml-py that we make, answering as one busy GPU does."""

    NVML_CLOCK_SM, NVML_TEMPERATURE_GPU = 1, 0

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return b"NVIDIA Example GPU"  # older releases answer bytes

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "999.1"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return types.SimpleNamespace(total=80 * 2**30)

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        return {1: 1980}[kind]

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return {0: 51}[sensor]

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        return 212500  # mW

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return 0x4

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        processes = [(7, 2**30), (8, None)]  # None: not permitted to know
        return [types.SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in processes]


def test_nvml_is_read_in_our_units(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("pynvml"))
    assert gpu_log.devices() == [
        {"name": "NVIDIA Example GPU", "driver": "999.1", "memory_bytes": 80 * 2**30}
    ]
    reading = gpu_log.read_device()
    assert (reading.sm_clock, reading.temperature, reading.power) == (1980.0, 51.0, 212.5)
    assert reading.reasons == 0x4
    assert reading.processes == {7: 2**30, 8: None}
    assert gpu_log.peak_memory([reading], ALWAYS) is None, "the sum of a known and an unknown size"
    # Newer releases of nvidia-ml-py have the name that says "event" and keep the old one.
    newer = FakeNvml("pynvml")
    newer.nvmlDeviceGetCurrentClocksEventReasons = lambda handle: 0x8
    monkeypatch.setitem(sys.modules, "pynvml", newer)
    assert gpu_log.read_device().reasons == 0x8


def test_the_real_nvidia_ml_py_has_every_call_that_is_made():
    pynvml = pytest.importorskip("pynvml")
    for name in vars(FakeNvml):
        if name.lower().startswith("nvml"):
            assert hasattr(pynvml, name), name


def test_no_nvml_means_no_devices(monkeypatch):
    broken = FakeNvml("pynvml")
    broken.nvmlInit = lambda: 1 / 0
    monkeypatch.setitem(sys.modules, "pynvml", broken)
    assert gpu_log.devices() == []
    monkeypatch.setitem(sys.modules, "pynvml", None)  # import fails
    assert gpu_log.devices() == []


def test_a_gpu_without_nvml_is_measured_and_what_is_not_logged_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    shown = gpu_log.Gpu("A GPU", None, 2**30, bus_id="0000:3b:00.0")
    monkeypatch.setattr(gpu_log, "_shown_by_cuda", lambda setting: (shown,))
    ((gpu,), reason) = gpu_log.usable()
    assert (gpu.name, reason) == ("A GPU", "")
    assert "pynvml" in gpu.unlogged
    assert "are not logged" in gpu.unlogged
    with gpu_log.Log(lambda: gpu_log.read_device(gpu), interval=0.001) as log:
        pass
    assert (log.readings, log.error) == ([], gpu.unlogged)
    assert request.unlogged(request.Request(device="cuda")) == gpu.unlogged
    assert request.unlogged(request.Request(device="cpu")) == ""
    assert gpu.plain() == shown.plain()
