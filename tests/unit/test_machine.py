"""What hardware this is: the same machine has the same name, and the name is safe in a path."""

import json
import platform
import re
import shutil
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


# ------------------------------------------------------------------ recorded trees of /proc, /sys


X86 = """\
processor\t: {number}
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: {model}
model name\t: Intel(R) Xeon(R) CPU @ 2.20GHz
stepping\t: {stepping}
physical id\t: {package}
core id\t\t: {core}
"""

ARM = """\
processor\t: {number}
BogoMIPS\t: 48.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: 1
"""

S390 = """\
vendor_id       : IBM/S390
processor 0: version = FF,  identification = {serial},  machine = {machine}
processor 1: version = FF,  identification = {serial},  machine = {machine}
"""

POWER = """\
processor\t: 0
cpu\t\t: POWER9 (architected), altivec supported
revision\t: {revision} (pvr 004e 0202)

machine\t\t: CHRP IBM,9009-42A
"""

RISCV = "processor\t: 0\nhart\t\t: 1\nisa\t\t: {isa}\nuarch\t\t: sifive,u74-mc\n"


def x86(count, *, smt=2, packages=1, model=79, stepping=1):
    """Return /proc/cpuinfo of so many logical processors; siblings are numbered in two rounds."""
    cores = count // smt
    return "\n".join(
        X86.format(
            number=number, core=number % cores % (cores // packages),
            package=number % cores // (cores // packages), model=model, stepping=stepping,
        )
        for number in range(count)
    )  # fmt: skip


def arm(*cores):
    return "\n".join(
        ARM.format(number=number, part=part, variant=variant)
        for number, (part, variant) in enumerate(cores)
    )


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Describe a machine from files: text by path, and the logical processors that are allowed."""

    def describing(files, allowed, memory=8 * 2**30, system="x86_64"):
        shutil.rmtree(tmp_path / "root", ignore_errors=True)
        for name, text in files.items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: allowed, raising=False)
        monkeypatch.setattr(gpu_log, "devices", list)
        sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": memory // 4096}
        monkeypatch.setattr(machine.os, "sysconf", sizes.get)
        monkeypatch.setattr(platform, "machine", lambda: system)
        monkeypatch.setattr(platform, "processor", lambda: "")
        return machine.describe(tmp_path / "root")

    return describing


def topology(*siblings):
    place = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return {place.format(number): f"{text}\n" for number, text in enumerate(siblings)}


@pytest.mark.parametrize(
    ("files", "allowed", "cores"),
    [
        ({"proc/cpuinfo": x86(8)}, range(8), 4),
        ({"proc/cpuinfo": x86(8)}, {0, 4}, 1),  # two siblings
        ({"proc/cpuinfo": x86(8)}, {0, 1, 2, 3}, 4),  # one of each pair
        ({"proc/cpuinfo": x86(8)}, {0, 1, 5}, 2),
        ({"proc/cpuinfo": x86(8)}, {7}, 1),
        ({"proc/cpuinfo": x86(8, smt=1)}, {2, 3, 4}, 3),
        ({"proc/cpuinfo": x86(16, packages=2)}, range(16), 8),  # core ids repeat in each socket
        ({"proc/cpuinfo": x86(16, packages=2)}, {0, 4, 8, 12}, 2),
        ({"proc/cpuinfo": arm(*[("0xd03", "0x0")] * 4)}, range(4), 4),
        # POWER: eight threads a core, of which /proc/cpuinfo does not tell.
        ({"proc/cpuinfo": POWER, **topology(*["0-7"] * 8, *["8-15"] * 8)}, range(16), 2),
        ({"proc/cpuinfo": POWER, **topology(*["0-7"] * 8, *["8-15"] * 8)}, {0, 1, 2}, 1),
        ({"proc/cpuinfo": POWER, **topology("0-1", "0-1")}, {0, 1, 2}, 3),  # one is not described
        ({}, {0, 1, 2}, 3),
    ],
)
def test_cores_are_those_of_the_allowed_threads(tree, files, allowed, cores):
    found = tree(files, set(allowed))
    assert (found.cores, found.threads) == (cores, len(allowed))


CONTAINER = "25 1 0:20 / /sys/fs/cgroup{} rw,nosuid - {} cgroup rw{}\n"
V2 = {"proc/self/mountinfo": CONTAINER.format("", "cgroup2", "")}
V1 = {
    "proc/self/mountinfo": CONTAINER.format("/cpu,cpuacct", "cgroup", ",cpu,cpuacct")
    + CONTAINER.format("/memory", "cgroup", ",memory")
    + "77 1 0:3 / /proc rw - proc proc rw\nnonsense\n",
    "proc/self/cgroup": "4:memory:/a\n3:cpu,cpuacct:/a/b\n1:name=systemd:/\n0::/\n",
}
UNLIMITED = "9223372036854771712\n"


@pytest.mark.parametrize(
    ("files", "quota", "cores", "memory"),
    [
        ({}, None, 4, 8 * 2**30),
        ({"proc/self/cgroup": "0::/\n", **V2}, None, 4, 8 * 2**30),  # no such files: the root
        ({"proc/self/cgroup": "0::/\n"}, None, 4, 8 * 2**30),  # nothing is mounted
        (
            {"proc/self/cgroup": "0::/\n", **V2, "sys/fs/cgroup/cpu.max": "max 100000\n",
             "sys/fs/cgroup/memory.max": "max\n"},
            None, 4, 8 * 2**30,
        ),
        (
            {"proc/self/cgroup": "0::/\n", **V2, "sys/fs/cgroup/cpu.max": "150000 100000\n",
             "sys/fs/cgroup/memory.max": f"{2**30}\n"},
            1.5, 1, 2**30,
        ),
        (  # a half of a core is worth a thread
            {"proc/self/cgroup": "0::/pod/x\n", **V2,
             "sys/fs/cgroup/pod/x/cpu.max": "50000 100000\n"},
            0.5, 1, 8 * 2**30,
        ),
        (  # what is around counts as well
            {"proc/self/cgroup": "0::/pod/x\n", **V2,
             "sys/fs/cgroup/pod/x/cpu.max": "300000 100000\n",
             "sys/fs/cgroup/pod/cpu.max": "200000 100000\n",
             "sys/fs/cgroup/pod/x/memory.max": "max\n",
             "sys/fs/cgroup/pod/memory.max": f"{3 * 2**30}\n"},
            2.0, 2, 3 * 2**30,
        ),
        (  # more than there is
            {"proc/self/cgroup": "0::/\n", **V2, "sys/fs/cgroup/cpu.max": "6400000 100000\n",
             "sys/fs/cgroup/memory.max": f"{2**40}\n"},
            64.0, 4, 8 * 2**30,
        ),
        (
            {**V1, "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1\n",
             "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
             "sys/fs/cgroup/memory/a/memory.limit_in_bytes": UNLIMITED},
            None, 4, 8 * 2**30,
        ),
        (
            {**V1, "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us": "150000\n",
             "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
             "sys/fs/cgroup/memory/a/memory.limit_in_bytes": UNLIMITED,
             "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**31}\n"},
            1.5, 1, 2**31,
        ),
        (  # the container's cgroup is the root of its mount, and is called as outside
            {"proc/self/cgroup": "0::/docker/x\\y/job\n",
             "proc/self/mountinfo":
                 "25 1 0:20 /docker/x\\134y /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
             "sys/fs/cgroup/cpu.max": "300000 100000\n",
             "sys/fs/cgroup/job/cpu.max": "100000 50000\n"},
            2.0, 2, 8 * 2**30,
        ),
        (  # moved out of what it can see
            {"proc/self/cgroup": "0::/../other\n", **V2,
             "sys/fs/cgroup/cpu.max": "200000 100000\n"},
            2.0, 2, 8 * 2**30,
        ),
        (
            {"proc/self/cgroup": "0::/\n", **V2, "sys/fs/cgroup/cpu.max": "\n",
             "sys/fs/cgroup/memory.max": "plenty\n"},
            None, 4, 8 * 2**30,
        ),
    ],
)  # fmt: skip
def test_a_container_has_what_its_cgroups_leave(tree, files, quota, cores, memory):
    found = tree({"proc/cpuinfo": x86(8), **files}, set(range(8)))
    assert (found.cpu_quota, found.cores, found.memory_bytes) == (quota, cores, memory)
    assert found.threads == 8
    whole = tree({"proc/cpuinfo": x86(8)}, set(range(8)))
    limited = memory < whole.memory_bytes or (quota is not None and quota < 8)
    assert (found.id != whole.id) == limited


def test_what_a_container_takes_away_is_part_of_the_id(tree):
    limits = ["max 100000", "200000 100000", "250000 100000", "400000 100000"]
    sizes = ["max", str(100 * 2**20), str(200 * 2**20)]
    ids = {
        tree(
            {"proc/cpuinfo": x86(8), "proc/self/cgroup": "0::/\n", **V2,
             "sys/fs/cgroup/cpu.max": limit, "sys/fs/cgroup/memory.max": size},
            set(range(8)),
        ).id
        for limit in limits for size in sizes
    }  # fmt: skip
    assert len(ids) == len(limits) * len(sizes)


def test_different_processors_have_different_ids(tree):
    little, big = ("0xd03", "0x0"), ("0xd09", "0x0")
    both = arm(little, little, big, big)
    machines = [
        tree({"proc/cpuinfo": text}, allowed, system=system)
        for text, allowed, system in (
            (x86(4), {0, 1, 2, 3}, "x86_64"),
            (x86(4, model=85), {0, 1, 2, 3}, "x86_64"),
            (x86(4, stepping=4), {0, 1, 2, 3}, "x86_64"),
            (arm(little, little), {0, 1}, "aarch64"),
            (arm(big, big), {0, 1}, "aarch64"),
            (arm(("0xd09", "0x1"), ("0xd09", "0x1")), {0, 1}, "aarch64"),
            (both, {0, 1, 2, 3}, "aarch64"),
            (both, {1, 2}, "aarch64"),
            (S390.format(serial="0133E8", machine="2964"), {0, 1}, "s390x"),
            (S390.format(serial="0133E8", machine="8561"), {0, 1}, "s390x"),
            (POWER.format(revision="2.2"), {0}, "ppc64le"),
            (POWER.format(revision="2.3"), {0}, "ppc64le"),
            (RISCV.format(isa="rv64imafdc"), {0}, "riscv64"),
            (RISCV.format(isa="rv64imafdcv"), {0}, "riscv64"),
        )
    ]
    assert len({one.id for one in machines}) == len(machines)
    assert all(re.fullmatch(schema.NAME, one.id) for one in machines)
    assert machines[3].cpu == "aarch64 41 d03 r0p1"
    assert machines[6].cpu == "aarch64 41 d03 r0p1 + 41 d09 r0p1"
    assert machines[8].cpu == "IBM/S390 2964"
    # What differs between computers of one kind is no part of the id.
    text = S390.format(serial="2733E8", machine="2964")
    assert tree({"proc/cpuinfo": text}, {0, 1}, system="s390x").id == machines[8].id
    # Only cores that may be used count.
    assert tree({"proc/cpuinfo": both}, {0, 1}, system="aarch64").id == machines[3].id


def test_fast_and_frugal_cores_of_one_processor_are_told_apart(tree):
    files = {"proc/cpuinfo": x86(12, smt=1)}
    hybrid = files | {
        "sys/devices/cpu_core/cpus": "0-7\n",
        "sys/devices/cpu_atom/cpus": "8-10,11\n",
    }
    ids = [tree(hybrid, allowed).id for allowed in ({0, 1}, {10, 11}, {7, 8})]
    ids.append(tree(files, {0, 1}).id)
    assert len({*ids}) == len(ids)
    assert tree(hybrid, {2, 7}).id == ids[0]


def test_a_mac_is_called_as_its_system_calls_the_processor(tree, monkeypatch):
    settings = {"machdep.cpu.brand_string": "Apple M1 Pro", "hw.physicalcpu": "2"}
    monkeypatch.setattr(machine, "_sysctl", lambda name: settings.get(name, ""))
    found = tree({}, {0, 1, 2, 3}, system="arm64")
    assert (found.cpu, found.cores, found.threads) == ("Apple M1 Pro", 2, 4)
    settings["machdep.cpu.brand_string"] = "Apple M2 Pro"
    assert tree({}, {0, 1, 2, 3}, system="arm64").id != found.id


def test_a_processor_of_which_results_are_published_keeps_its_id(tree):
    text = x86(2, smt=1, model=17, stepping=1).replace("GenuineIntel", "AuthenticAMD")
    text = text.replace("cpu family\t: 6", "cpu family\t: 25")
    text = text.replace("Intel(R) Xeon(R) CPU @ 2.20GHz", "AMD EPYC")
    found = tree({"proc/cpuinfo": text}, {0, 1}, memory=25276063744)
    assert found.id == "amd-epyc-2-cores-2fb52a"
    other = text.replace("stepping\t: 1", "stepping\t: 2")
    assert tree({"proc/cpuinfo": other}, {0, 1}, memory=25276063744).id != found.id


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
    silent = replace(found, gpus=({"name": None, "driver": None, "memory_bytes": None},))
    problems = validation.schema_problems({"machine": silent.plain()}, Path("run.json"))
    assert not [problem for problem in problems if "machine" in problem.found]
