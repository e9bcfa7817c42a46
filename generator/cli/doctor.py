"""What ``generator doctor`` finds: what this machine has, lacks, and how to mend it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.analysis.labels import gpu_label, machine_label
from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.errors import EnvironmentMissing
from generator.formatting import listing, plural
from generator.measure import environments, found, gpu_log, obstacles, script_metrics, uv
from generator.measure import machine as machines
from measurements import timing


@dataclass(frozen=True)
class Finding:
    """One thing that a machine may have: where it is, or what is there instead.

    It is ``needed`` for something, and ``mend`` is the command that brings it. Where it is
    optional, everything else works without it, or it comes by itself when needed.
    """

    what: str
    ok: bool
    found: str
    needed: str = ""
    mend: str = ""
    optional: bool = False


MINIMUM_BYTES = 12 * 2**30
"""Free disk that all locked environments together need, with room to unpack them."""


def doctor(catalog: Catalog | None = None) -> list[Finding]:
    """Look at everything that measuring and building need, without changing anything."""
    catalog = catalog or catalogs.load()
    return [*_tools(catalog), *_environments(catalog), *_machine()]


def _tools(catalog: Catalog) -> Iterator[Finding]:
    every = "making the environments of all frameworks"
    try:
        yield Finding("uv", True, uv.program(), every)
    except EnvironmentMissing as error:
        yield Finding("uv", False, str(error), every, "python3 -m pip install uv")
    users: dict[str, list[str]] = {}
    for framework in catalog.frameworks:
        for version in framework.versions if not framework.found else ():
            users.setdefault(version.python, []).append(f"{framework.name} {version.version}")
    for python in sorted(users, key=lambda python: [int(part) for part in python.split(".")]):
        there = uv.find_interpreter(python)
        yield Finding(
            f"Python {python}", bool(there), str(there or "not installed"), listing(users[python]),
            f"uv python install {python} (`generator measure` does it by itself)", optional=True,
        )  # fmt: skip
    git = ("git", "git", "recording the commit that results are measured at")
    for program, package, purpose in [*_needed(catalog), git]:
        place = shutil.which(program)
        mend = f"your system's packages, on Debian: apt-get install {package}"
        yield Finding(program, bool(place), place or "not found", purpose, mend)
    obstacle, _, mend = script_metrics.r_obstacle().partition("; ")
    needed = 'driving the frameworks from R; without it that page says "skipped"'
    yield Finding(
        "R with reticulate", not obstacle, obstacle or "found", needed, mend, optional=True
    )
    for framework in filter(lambda one: one.found, catalog.frameworks):
        obstacle, _, mend = found.obstacle(framework).partition("; ")
        needed = "measuring it; without it, its figures are skipped"
        yield Finding(
            framework.name, not obstacle, obstacle or "found", needed, mend, optional=True
        )
    cache, spaced = environments.cache_folder(), obstacles.spaced(catalog)
    yield Finding(
        "a plain path", not spaced, str(cache),
        f"compiling; without it these are skipped: {listing(spaced)}",
        "set SYMBOLIC_COMPARISON_CACHE to a folder without spaces, commas, colons and quotes",
    )  # fmt: skip


def _needed(catalog: Catalog) -> list[tuple[str, str, str]]:
    """Return each program that a framework calls, its package on Debian, and who needs it."""
    users: dict[tuple[str, str], dict[str, list[str]]] = {}
    for framework in catalog.frameworks:
        for need in framework.needs:
            reasons = users.setdefault((need.program, need.package or need.program), {})
            reasons.setdefault(need.why, []).append(framework.name)
    return [
        (*program, "; ".join(f"{listing(names)}: {why}" for why, names in reasons.items()))
        for program, reasons in users.items()
    ]


def _environments(catalog: Catalog) -> Iterator[Finding]:
    frameworks = [framework for framework in catalog.frameworks if not framework.found]
    made = [environments.find_ready(f, f.newest, "cpu") for f in frameworks]
    cache = environments.cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
        room = f"{free / 2**30:.1f} GiB free in {cache}"
    except OSError as error:
        free, room = 0, f"cannot write to {cache}: {error.strerror}"
    yield Finding(
        "disk space", all(made) or free >= MINIMUM_BYTES, room, "environments",
        "free some, or set SYMBOLIC_COMPARISON_CACHE to a folder on another disk",
    )  # fmt: skip
    for framework, environment in zip(frameworks, made, strict=True):
        text = f"{(environment.size_bytes or 0) / 2**20:.0f} MiB" if environment else "not made yet"
        yield Finding(
            f"environment of {framework.name} {framework.newest.version} on cpu",
            bool(environment), text, "measuring it", f"generator measure {framework.id}",
            optional=True,
        )  # fmt: skip


def _machine() -> Iterator[Finding]:
    here = machines.this()
    described = f"{machine_label({'machine': here.plain()})}, {plural(here.threads, 'thread')}"
    yield Finding("machine", True, described, "what of it this process may use")
    names = "; ".join(map(gpu_label, here.gpus))
    yield Finding(
        "CUDA GPU", bool(names), names or gpu_log.usable()[1],
        "--device cuda, which uses the first; all else works without",
        "measure on a machine that has one", optional=True,
    )  # fmt: skip
    counted = _counts_work()
    yield Finding(
        "counters of processor time", counted, "found" if counted else "/proc/stat stands still",
        "marking the blocks that other programs disturb; without it, nobody knows",
        "measure outside of the sandbox, on Linux", optional=True,
    )  # fmt: skip
    # Where the counters stand still, so does the load average: it is no evidence of quiet.
    if hasattr(os, "getloadavg") and (counted or not Path("/proc/stat").exists()):
        load = os.getloadavg()[0]
        yield Finding(
            "a quiet machine", load < 0.5 * here.cores, f"load {load:.2f} on {here.cores} cores",
            "narrow intervals; disturbed blocks are marked",
            "stop other programs before a full-profile run",
        )  # fmt: skip


def _counts_work() -> bool:
    """Whether the system's counters notice the work of this very process."""
    load, end = timing.ForeignLoad(), time.process_time() + 0.05
    while time.process_time() < end:
        pass
    return load.cores() is not None
