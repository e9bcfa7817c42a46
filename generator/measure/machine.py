"""What hardware this is. Standard library only."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator.measure import gpu_log


@dataclass(frozen=True)
class Machine:
    """One computer; ``id`` is made from its hardware alone, so equal computers share it."""

    id: str
    cpu: str
    cores: int
    threads: int
    memory_bytes: int
    os: str
    kernel: str
    virtualised: bool | None
    gpus: tuple[dict[str, Any], ...]

    def plain(self) -> dict[str, Any]:
        """Return the machine as a run record has it."""
        return {**asdict(self), "gpus": list(self.gpus)}


@cache
def this() -> Machine:
    """Describe this machine."""
    processors = _processors()
    info = processors[0] if processors else {}
    cpu = info.get("model name") or platform.processor() or platform.machine()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ids = {(one.get("physical id"), one.get("core id")) for one in processors}
    physical = len([pair for pair in ids if None not in pair])
    cores = min(physical or threads or 1, threads or 1)
    gpus = tuple(gpu_log.devices())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Memory is rounded to whole GiB: what the kernel keeps for itself differs between boots.
    hardware = [cpu, platform.machine(), cores, threads, round(memory / 2**30)]
    hardware += [gpu["name"] for gpu in gpus]
    digest = hashlib.sha256(repr(hardware).encode()).hexdigest()[:6]
    words = [_slug(gpu["name"]) for gpu in gpus[:1]] + [_slug(cpu), f"{cores}-cores", digest]
    return Machine(
        id="-".join(words),
        cpu=cpu,
        cores=cores,
        threads=threads or 1,
        memory_bytes=memory,
        os=_os_name(),
        kernel=platform.release(),
        virtualised="hypervisor" in info["flags"].split() if "flags" in info else None,
        gpus=gpus,
    )


def _processors() -> list[dict[str, str]]:
    """Return what Linux says about each hardware thread, nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        found.append({key.strip(): value.strip() for key, _, value in pairs})
    return found


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _slug(text: str) -> str:
    text = re.sub(r"\((R|TM)\)|CPU|Processor|@.*", "", text, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-") or "unknown"
