"""What hardware this is: the same machine has the same name, and the name is safe in a path."""

import json
import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.measure import gpu_log, machine
from generator.results import schema, validation

CPUINFO = """\
processor\t: 0
model name\t: Example(R) Fast(TM) CPU X-1234 @ 2.40GHz
flags\t\t: fpu avx2 hypervisor
physical id\t: 0
core id\t\t: 0

processor\t: 1
model name\t: Example(R) Fast(TM) CPU X-1234 @ 2.40GHz
flags\t\t: fpu avx2
physical id\t: 0
core id\t\t: 0

processor\t: 2
physical id\t: 0
core id\t\t: 1
"""


@pytest.fixture
def describe(monkeypatch):
    """Describe a machine with this /proc/cpuinfo, number of usable CPUs and GPUs."""
    real = Path.read_text

    def describing(cpuinfo=CPUINFO, cpus=4, gpus=(), memory=None):
        def read(path, *arguments, **options):
            if str(path) != "/proc/cpuinfo":
                return real(path, *arguments, **options)
            if cpuinfo is None:
                raise FileNotFoundError(path)
            return cpuinfo

        monkeypatch.setattr(Path, "read_text", read)
        affinity = lambda pid: set(range(cpus))  # noqa: E731
        monkeypatch.setattr(machine.os, "sched_getaffinity", affinity, raising=False)
        monkeypatch.setattr(gpu_log, "devices", lambda: list(gpus))
        sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": (memory or 8 * 2**30) // 4096}
        monkeypatch.setattr(machine.os, "sysconf", sizes.get)
        machine.this.cache_clear()
        try:
            return machine.this()
        finally:
            machine.this.cache_clear()

    return describing


def test_a_machine_is_described_by_its_hardware(describe):
    found = describe()
    assert found.cpu == "Example(R) Fast(TM) CPU X-1234 @ 2.40GHz"
    assert (found.cores, found.threads) == (2, 4)
    assert found.memory_bytes == 8 * 2**30
    assert found.virtualised is True
    assert re.fullmatch(r"example-fast-x-1234-2-cores-[0-9a-f]{6}", found.id)
    assert json.loads(json.dumps(found.plain()))["gpus"] == []


def test_cores_that_may_not_be_used_do_not_count(describe):
    assert describe(cpus=1).cores == 1


def test_equal_machines_share_their_name_and_others_do_not(describe):
    gpu = {"name": "NVIDIA H100 80GB HBM3", "driver": "1", "memory_bytes": 1}
    base = describe().id
    assert describe(memory=8 * 2**30 - 50 * 2**20).id == base, "the kernel keeps some for itself"
    assert describe(gpus=[gpu]).id == describe(gpus=[{**gpu, "driver": "2"}]).id
    others = [
        describe(memory=16 * 2**30), describe(cpus=8), describe(gpus=[gpu]),
        describe(CPUINFO.replace("X-1234", "X-9")),
    ]  # fmt: skip
    names = {base, *(other.id for other in others)}
    assert len(names) == 5
    assert describe(gpus=[gpu]).id.startswith("nvidia-h100-80gb-hbm3-example-fast")


def test_a_system_without_proc_still_has_a_name(describe, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "")
    found = describe(None)
    assert found.cpu == platform.machine()
    assert found.virtualised is None
    assert found.cores == 4


def test_other_processors_have_no_model_name(describe):
    arm = "processor\t: 0\nBogoMIPS\t: 48.00\nFeatures\t: fp asimd\n"
    found = describe(arm)
    assert found.cores == 4
    assert found.virtualised is None


@given(st.text(max_size=60))
def test_any_name_becomes_part_of_a_path(text):
    slug = machine._slug(text)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug)
    assert len(slug) <= 32


def test_this_machine_is_described_as_result_files_want_it():
    found = machine.this()
    assert machine.this() is found
    assert found.threads >= found.cores >= 1
    assert found.memory_bytes > 2**28
    assert re.fullmatch(schema.NAME, found.id)
    problems = validation.schema_problems({"machine": found.plain()}, Path("run.json"))
    assert not [problem for problem in problems if "machine" in problem.found]
    assert replace(found, id="other").plain()["id"] == "other"
