"""What ``generator doctor`` finds: what this machine has, lacks, and how to mend it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.errors import EnvironmentMissing
from generator.formatting import listing
from generator.measure import environments, script_metrics
from generator.measure import machine as machines


@dataclass(frozen=True)
class Finding:
    """One thing that this machine has or lacks; ``mend`` is the next command where it lacks it."""

    what: str
    ok: bool
    found: str
    mend: str = ""


MINIMUM_BYTES = 12 * 2**30
"""Free disk that all locked environments together need, with room to unpack them."""


def doctor(catalog: Catalog | None = None) -> list[Finding]:
    """Look at everything that measuring and building need, without changing anything."""
    catalog = catalog or catalogs.load()
    return [*_tools(catalog), *_environments(catalog), *_machine()]


def _tools(catalog: Catalog) -> Iterator[Finding]:
    try:
        yield Finding("uv", True, environments.uv())
    except EnvironmentMissing as error:
        yield Finding("uv", False, str(error), "python3 -m pip install uv")
    users = {
        version.python: f"{framework.id} {version.version}"
        for framework in catalog.frameworks
        for version in framework.versions
    }
    for python in sorted(users, key=lambda python: [int(part) for part in python.split(".")]):
        # Not installed is no fault: uv downloads it when there is a network.
        there = environments.find_interpreter(python)
        text = str(there or "not installed; uv will download it (needs network)")
        yield Finding(f"Python {python} (for {users[python]})", True, text)
    git = ("git", "git", "results record the commit they were measured at")
    for program, package, purpose in [*_needed(catalog), git]:
        place = shutil.which(program)
        mend = f"install it with your system's packages, e.g. `apt-get install {package}`"
        what, found = f"{program} ({purpose})", place or "not found"
        yield Finding(what, bool(place), found, "" if place else mend)
    # The page about R says "skipped" without it, and everything else is measured all the same.
    text = script_metrics.r_obstacle() or "found"
    yield Finding("R with reticulate (drives the frameworks from R)", True, text)


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
    made = [environments.find_ready(f, f.newest, "cpu") for f in catalog.frameworks]
    cache = environments.cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
        room = f"{free / 2**30:.1f} GiB free in {cache}"
    except OSError as error:
        free, room = 0, f"cannot write to {cache}: {error.strerror}"
    yield Finding(
        "disk space for environments", all(made) or free >= MINIMUM_BYTES, room,
        "free some, or set SYMBOLIC_COMPARISON_CACHE to a folder on another disk",
    )  # fmt: skip
    for framework, environment in zip(catalog.frameworks, made, strict=True):
        text = "not made yet; the first `generator measure` makes it"
        if environment:
            text = f"ready, {(environment.size_bytes or 0) / 2**20:.0f} MiB"
        yield Finding(f"{framework.name} {framework.newest.version} on cpu", True, text)


def _machine() -> Iterator[Finding]:
    here = machines.this()
    names = ", ".join(gpu["name"] for gpu in here.gpus)
    none = "none: --device cuda cannot be measured here, everything else can"
    yield Finding("CUDA GPU", True, names or none)
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        yield Finding(
            "a quiet machine", load < 0.5 * here.cores, f"load {load:.2f} on {here.cores} cores",
            "stop other programs before a full-profile run; disturbed blocks are marked",
        )  # fmt: skip
