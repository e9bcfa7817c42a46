"""Cards and drivers that tell little, nothing or nonsense, through a library that answers as NVML.

``tests/data/nvml.c`` is built once for each kind, and found by nvidia-ml-py as NVIDIA's own is.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.needs import needs

PROBE = """
import dataclasses, json, threading
from generator.measure import gpu_log, machine

class Once:
    def __init__(self):
        self.done = threading.Event()
    def __call__(self):
        try:
            return gpu_log.read_device()
        finally:
            self.done.set()

once = Once()
with gpu_log.Log(once, interval=0.001) as log:
    assert once.done.wait(10)
print(json.dumps({
    "gpus": machine.this().plain()["gpus"], "id": machine.this().id,
    "reason": gpu_log.usable()[1], "error": log.error,
    "readings": [dataclasses.asdict(reading) for reading in log.readings[:1]],
    "peak": gpu_log.peak_memory(log.readings, [(0.0, float("inf"))]),
}))
"""

ONE = {"name": "NVIDIA Example One", "driver": "999.1", "memory_bytes": 8 * 2**30}
ONE |= {"bus_id": "0000:3b:00.0"}
TWO = ONE | {"name": "NVIDIA Example Two", "memory_bytes": 16 * 2**30, "bus_id": "0000:af:00.0"}
READ = {"sm_clock": 1000.0, "temperature": 40.0, "power": 100.0, "reasons": 4}
READ_TWO = READ | {"sm_clock": 2000.0}
SHARED = READ | {"power": None}


def build(source, folder, name, *macros):
    compiler = needs("cc")
    command = [compiler, "-shared", "-fPIC", "-w", *macros, "-x", "c", "-", "-o", folder / name]
    subprocess.run(command, input=source, text=True, check=True)


@pytest.fixture
def ask(tmp_path):
    """Build a driver of one kind and return what is found with it, given a process's variables."""

    def asking(macros=(), command=(), **variables):
        build((ROOT / "tests/data/nvml.c").read_text(), tmp_path, "libnvidia-ml.so.1", *macros)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        found = subprocess.run(
            [sys.executable, *(command or ["-c", PROBE])],
            check=False, capture_output=True, text=True, cwd=ROOT,
            env={**kept, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(tmp_path), **variables},
        )  # fmt: skip
        if command:
            return found
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    return asking


@pytest.mark.parametrize(
    ("macros", "gpu", "read", "peak", "refused"),
    [
        pytest.param([], ONE, READ, 4, (), id="everything"),
        pytest.param(
            ["-DNO_MEMORY"], ONE | {"memory_bytes": None}, READ, 4, (), id="unified memory"
        ),
        pytest.param(["-DNO_POWER"], ONE, READ | {"power": None}, 4, ["Power"], id="laptop"),
        pytest.param(
            ["-DNO_POWER", "-DNO_CLOCK"], ONE, READ | {"power": None, "sm_clock": None}, 4,
            ["Power", "Clock"], id="virtual GPU",
        ),
        pytest.param(["-DOLD"], ONE, READ | {"reasons": 8}, 4, (), id="old driver"),
        pytest.param(
            ["-DMIG=2"],
            ONE | {"name": "NVIDIA Example One MIG 1g.2gb", "memory_bytes": 2 * 2**30},
            SHARED, 1, ["Power"], id="divided by MIG",
        ),
        pytest.param(
            ["-DODD_NAME"], ONE | {"name": "Gr\\xfcn [31mGPU\\xff"}, READ, 4, (), id="odd name"
        ),
        pytest.param(["-DNO_PROCESSES"], ONE, READ, None, ["Processes"], id="WSL"),
        pytest.param(["-DNO_SIZES"], ONE, READ, None, (), id="sizes kept to itself"),
        pytest.param(
            ["-DNO_BUS"], {key: ONE[key] for key in ("name", "driver", "memory_bytes")},
            READ, 4, (), id="no PCI bus",
        ),
    ],
)  # fmt: skip
def test_each_answer_may_be_missing_by_itself(ask, macros, gpu, read, peak, refused):
    found = ask(macros)
    assert found["gpus"] == [gpu]
    (reading,) = found["readings"]
    assert {name: reading[name] for name in READ} == read
    assert found["peak"] == (peak and peak * 2**30)
    assert all(what in found["error"] for what in refused)
    assert bool(found["error"]) == bool(refused)


@pytest.mark.parametrize(
    ("macros", "variables", "gpus", "read"),
    [
        ([], {}, [ONE, TWO], READ),
        ([], {"CUDA_VISIBLE_DEVICES": "1"}, [TWO], READ_TWO),
        ([], {"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}, [TWO], READ_TWO),
        ([], {"CUDA_VISIBLE_DEVICES": "1,0"}, [TWO, ONE], READ_TWO),
        (["-DFIRST_IS_LOST"], {"CUDA_VISIBLE_DEVICES": "1"}, [TWO], READ_TWO),
    ],
)
def test_the_gpu_that_cuda_shows_first_is_named_and_logged(ask, macros, variables, gpus, read):
    found = ask([*macros, "-DCARDS=2"], **variables)
    assert found["gpus"] == gpus
    assert {name: found["readings"][0][name] for name in READ} == read
    assert found["id"].startswith(gpus[0]["name"].lower().replace(" ", "-") + "-")


def test_machines_with_other_gpus_have_other_ids(ask):
    ids = [
        ask(["-DCARDS=2"], CUDA_VISIBLE_DEVICES=shown)["id"] for shown in ("0", "1", "0,1", "1,0")
    ]
    ids += [ask(["-DMIG=2"], CUDA_VISIBLE_DEVICES=shown)["id"] for shown in ("MIG-c", "MIG-d")]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("macros", "variables", "said"),
    [
        (["-DMISMATCH"], {}, "version mismatch"),
        (["-DFIRST_IS_LOST"], {}, "has lost the GPU"),
        (["-DCARDS=0"], {}, "no device"),
        (["-DMIG=0"], {}, "no instance is made"),
        ([], {"CUDA_VISIBLE_DEVICES": ""}, "names none of"),
        ([], {"CUDA_VISIBLE_DEVICES": "7"}, "CUDA_VISIBLE_DEVICES='7' names none of"),
    ],
)
def test_where_no_gpu_can_be_used_the_reason_is_said(ask, macros, variables, said):
    found = ask(macros, **variables)
    assert (found["gpus"], found["readings"]) == ([], [])
    assert said in found["reason"]
    assert said in found["error"]


@pytest.mark.parametrize(
    ("macros", "said"),
    [
        (["-DNO_MEMORY"], "✓ CUDA GPU: NVIDIA Example One, memory unknown"),
        (["-DMIG=1", "-DOLD"], "✓ CUDA GPU: NVIDIA Example One MIG 1g.2gb, 2 GiB"),
        (["-DMISMATCH"], "  CUDA GPU: NVIDIA's library cannot be used"),
    ],
)
def test_the_doctor_says_what_the_driver_tells(ask, macros, said):
    assert said in ask(macros, command=["-m", "generator", "doctor"]).stdout


CUDA = """
#include <stddef.h>
#include <stdio.h>
int cuInit(unsigned flags) { return INIT; }
int cuCtxGetDevice(int *device) { *device = 4; return CONTEXT; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGetName(char *out, int size, int device) {
    snprintf(out, size, "NVIDIA Example %d", device);
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = (size_t)(device + 1) << 30;
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 7 : 0;
    return 0;
}
int cuDeviceGetPCIBusId(char *out, int size, int device) {
    snprintf(out, size, "0000:%02X:00.0", device);
    return 0;
}
"""


ASKED = "from measurements import cuda_driver as c; print(c.bus_id(), c.generation())"


@pytest.mark.parametrize(
    ("init", "context", "bus_id"),
    [(0, 0, "0000:04:00.0"), (0, 201, "0000:00:00.0"), (100, 0, None)],
)
def test_the_worker_says_which_gpu_it_used(tmp_path, init, context, bus_id):
    build(CUDA, tmp_path, "libcuda.so.1", f"-DINIT={init}", f"-DCONTEXT={context}")
    found = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={"PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split() == [str(bus_id), "None" if init else "7"]


WITHOUT_NVML = "import sys; sys.modules['pynvml'] = None" + PROBE


@pytest.mark.parametrize("init", [0, 100])
def test_without_nvml_cuda_itself_says_which_gpus_there_are(tmp_path, init):
    build(CUDA, tmp_path, "libcuda.so.1", f"-DINIT={init}", "-DCONTEXT=201")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_NVML],
        env={**kept, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(found.stdout)
    names = [gpu["name"] for gpu in said["gpus"]]
    assert names == ([] if init else ["NVIDIA Example 0", "NVIDIA Example 1"])
    assert said["readings"] == []
    assert "pynvml" in said["error"]
    if names:
        assert said["gpus"][1] == {
            "name": "NVIDIA Example 1", "driver": None, "memory_bytes": 2**31,
            "bus_id": "0000:01:00.0",
        }  # fmt: skip
        assert said["id"].startswith("nvidia-example-0-")
        assert "are not logged" in said["error"]
