"""What this process may use of which hardware. Standard library only."""

from __future__ import annotations

import hashlib
import os
import platform
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from generator import subprocesses
from generator.measure import gpu_log


@dataclass(frozen=True)
class Machine:
    """One computer as far as this process may use it.

    The id is made from what changes results, so equal computers share it; it is part of paths and
    of every row. ``cores`` are physical ones that a process may keep busy at once, by affinity and
    quota, ``threads`` the logical processors that the affinity allows, and ``memory_bytes`` that of
    the machine, or of the container where that has less. ``virtualised`` is what a hypervisor says,
    None where that is unknown. Of the GPUs that CUDA may use the first one is used. ``processor``
    distinguishes processors of one name, "" where the system does not say; ``cpu_quota`` is in
    cores, None without a limit.
    """

    id: str
    cpu: str
    cores: int
    threads: int
    memory_bytes: int
    os: str
    kernel: str
    virtualised: bool | None
    gpus: tuple[dict[str, Any], ...]
    processor: str = ""
    cpu_quota: float | None = None

    def plain(self) -> dict[str, Any]:
        """Return the machine as a run record has it."""
        return {**asdict(self), "gpus": list(self.gpus)}


_KNOWN_BY_NAME = {"AMD EPYC": "AuthenticAMD 25 17 1"}
"""Processors whose id is made from the name alone: results were published under it before the
model number became part of ids."""


@cache
def this() -> Machine:
    """Describe this machine."""
    return describe(Path("/"))


def describe(root: Path) -> Machine:
    """Describe this machine as the files below ``root`` tell of it: /proc and /sys."""
    allowed = _allowed()
    blocks = [
        block for block in _cpuinfo(root) if _number(block) is None or _number(block) in allowed
    ]
    quota, limit = _limits(root)
    cores, threads = _cores(root, blocks, allowed), len(allowed)
    if quota is not None:
        cores = min(cores, max(1, int(quota)))
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min(whole, limit or whole)
    flags = next((block["flags"].split() for block in blocks if "flags" in block), None)
    unnamed = Machine(
        id="",
        cpu=_name(blocks),
        cores=cores,
        threads=threads,
        memory_bytes=memory,
        os=_os_name(),
        kernel=platform.release(),
        virtualised=None if flags is None else "hypervisor" in flags,
        gpus=tuple(gpu_log.devices()),
        processor=_processor(root, blocks, allowed),
        cpu_quota=quota,
    )
    id = _id(unnamed.plain(), platform.machine(), limited=memory < whole)
    return replace(unnamed, id=id)


def possible_ids(facts: Mapping[str, Any]) -> set[str]:
    """Return the ids that a run record's machine can have: all that its facts do not settle.

    They say neither which instruction set its processor has, nor whether the memory is that of a
    container.
    """
    kinds = (*ARCHITECTURES, platform.machine())
    return {_id(facts, kind, limited=limited) for kind in kinds for limited in (False, True)}


def _id(facts: Mapping[str, Any], architecture: str, *, limited: bool) -> str:
    """Return the id of a machine by what changes results; ``limited`` is the memory of some."""
    cpu, cores, threads, memory, gpus = (
        facts[name] for name in ("cpu", "cores", "threads", "memory_bytes", "gpus")
    )
    # Memory is rounded to whole GiB: what the kernel keeps for itself differs between boots.
    hardware: list[object] = [cpu, architecture, cores, threads, round(memory / 2**30)]
    hardware += [gpu["name"] or f"{gpu['memory_bytes']} B" for gpu in gpus]
    known = _KNOWN_BY_NAME.get(cpu, "")
    if (processor := facts.get("processor", known)) != known:
        hardware.append(processor)
    quota = facts.get("cpu_quota")
    if quota is not None and quota < threads:
        hardware.append(f"quota {quota}")
    if limited:
        hardware.append(f"limit {memory}")
    digest = hashlib.sha256(repr(hardware).encode()).hexdigest()[:6]
    words = [_slug(gpu["name"] or "gpu") for gpu in gpus[:1]]
    return "-".join([*words, _slug(cpu), f"{cores}-cores", digest])


ARCHITECTURES = (
    "x86_64", "aarch64", "arm64", "AMD64", "armv7l", "i686", "loongarch64", "mips64", "ppc64le",
    "riscv64", "s390x",
)  # fmt: skip
"""What systems call instruction sets."""

Block = Mapping[str, str]
"""What /proc/cpuinfo says in one paragraph: mostly, of one logical processor."""

_NAMES = ("model name", "Model Name", "cpu model", "cpu", "uarch")
"""Keys of /proc/cpuinfo that name a processor: x86 and others, LoongArch, MIPS, POWER, RISC-V."""

_MODELS = (
    "vendor_id", "cpu family", "model", "stepping",  # x86
    "CPU implementer", "CPU part", "CPU variant", "CPU revision",  # ARM
    "cpu", "revision", "machine",  # POWER, s390x
    "CPU Family", "Model Name", "CPU Revision",  # LoongArch
    "system type", "cpu model", "isa", "uarch", "mvendorid", "marchid", "mimpid",  # MIPS, RISC-V
)  # fmt: skip
"""Keys of /proc/cpuinfo that distinguish processors; none differs between computers of one kind."""


def _allowed() -> Collection[int]:
    """Return the numbers of the logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def _cpuinfo(root: Path) -> list[Block]:
    """Return the paragraphs of /proc/cpuinfo, none on systems without it."""
    found = []
    for paragraph in _text(root / "proc/cpuinfo").split("\n\n"):
        pairs = (line.partition(":") for line in paragraph.splitlines())
        block = {key.strip(): value.strip() for key, _, value in pairs if value.strip()}
        # "processor 0: version = FF,  identification = 2733E8,  machine = 2964" on s390x.
        machine = re.search(r"machine = (\w+)", block.get("processor 0", ""))
        found.append({**block, "machine": machine[1]} if machine else block)
    return [block for block in found if block]


def _number(block: Block) -> int | None:
    """Return which logical processor a paragraph is about, None where about all of them."""
    number = block.get("processor", block.get("cpu number", ""))
    return int(number) if number.isdecimal() else None


def _processor(root: Path, blocks: Sequence[Block], allowed: Collection[int]) -> str:
    """Return what tells this processor from others; of several kinds of cores, all of them."""
    kinds = {" ".join(block[key] for key in _MODELS if key in block) for block in blocks}
    # Fast and frugal cores of one processor, which /proc/cpuinfo of x86 describes alike.
    for kind in ("cpu_core", "cpu_atom"):
        ranges = re.findall(r"(\d+)(?:-(\d+))?", _text(root / "sys/devices" / kind / "cpus"))
        if any(int(first) <= n <= int(last or first) for first, last in ranges for n in allowed):
            kinds.add(kind)
    return ", ".join(sorted(kinds - {""}))


def _name(blocks: Sequence[Block]) -> str:
    """Return the name of the processor; ARM has numbers only, written as ARM writes them."""
    found = [block[key] for key in _NAMES for block in blocks if key in block]
    numbers = ("CPU implementer", "CPU part", "CPU variant", "CPU revision")
    cores = {
        "{} {} r{}p{}".format(*(block.get(key, "?").removeprefix("0x") for key in numbers))
        for block in blocks
        if "CPU part" in block
    }
    if cores:
        found.append(f"{platform.machine()} {' + '.join(sorted(cores))}")
    found += [f"{b.get('vendor_id', '')} {b['machine']}".strip() for b in blocks if "machine" in b]
    if not blocks:
        found += map(_sysctl, ("machdep.cpu.brand_string", "hw.model"))
    return next(filter(None, (*found, platform.processor(), platform.machine())), "")


def _cores(root: Path, blocks: Sequence[Block], allowed: Collection[int]) -> int:
    """Return on how many physical cores the allowed logical processors are."""
    keys = ("physical id", "core id")
    cores = {tuple(block[key] for key in keys) for block in blocks if {*keys} <= {*block}}
    if cores:
        return min(len(cores), len(allowed))
    folder = root / "sys/devices/system/cpu"
    siblings = {_text(folder / f"cpu{n}/topology/thread_siblings_list").strip() for n in allowed}
    if siblings and "" not in siblings:
        return len(siblings)
    physical = "" if blocks else _sysctl("hw.physicalcpu")
    return min(int(physical), len(allowed)) if physical.isdecimal() else len(allowed)


def _sysctl(name: str) -> str:
    """Return a setting of macOS or a BSD, "" elsewhere."""
    return subprocesses.answer(["sysctl", "-n", name], timeout=10) or ""


def _limits(root: Path) -> tuple[float | None, int | None]:
    """Return the CPU quota in cores and the memory limit in bytes; None where there is none."""
    quotas, memory = [], []
    for folder in _cgroups(root):
        for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
            words = " ".join(_text(folder / name) for name in names).split()
            match [int(word) if word.isdecimal() else 0 for word in words]:
                case [quota, period] if quota and period:
                    quotas.append(quota / period)
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (limit := _text(folder / name).strip()).isdecimal() and int(limit):
                memory.append(int(limit))
    return min(quotas, default=None), min(memory, default=None)


def _cgroups(root: Path) -> Iterator[Path]:
    """Yield the folder of each cgroup that this process is in, and those of all around them."""
    mine = {
        controller: path  # version 2 has the controller ""
        for controllers, path in _CGROUP.findall(_text(root / "proc/self/cgroup"))
        for controller in controllers.split(",")
    }
    for base, mount, kind, options in _MOUNT.findall(_text(root / "proc/self/mountinfo")):
        names = {""} if kind == "cgroup2" else {"cpu", "memory"} & {*options.split(",")}
        for path in {mine[name] for name in names if name in mine}:
            # A container may see its own cgroup as the root of the mount.
            inside = posixpath.relpath(path, _unescaped(base))
            top = root / _unescaped(mount).lstrip("/")
            folder = top if inside.startswith("..") else top / inside
            yield from (folder, *(one for one in folder.parents if one.is_relative_to(top)))


_CGROUP = re.compile(r"^\d+:([^:\n]*):(/.*)$", re.MULTILINE)
"""A line of /proc/self/cgroup: controllers, path; see cgroups(7)."""

_MOUNT = re.compile(r"^(?:\S+ ){3}(\S+) (\S+) .*- (cgroup2?) \S+ (\S+)$", re.MULTILINE)
"""A line of /proc/self/mountinfo: root, place, type, options; see proc_pid_mountinfo(5)."""


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), path)


def _text(path: Path) -> str:
    """Return what a file says, nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _slug(text: str) -> str:
    text = re.sub(r"\((R|TM)\)|CPU|Processor|@.*", "", text, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-") or "unknown"
