"""What the commands do, without a word about how they are typed or shown.

Needs the standard library and NumPy only, so that ``measure --environment current`` works on a
machine that has nothing else.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.measure import environments, script_metrics
from generator.measure import machine as machines

# -------------------------------------------------------------------------------------- doctor


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
    findings = []
    try:
        findings.append(Finding("uv", True, environments.uv()))
    except Exception as error:
        findings.append(Finding("uv", False, str(error), "python3 -m pip install uv"))
    versions = {
        version.python: f"{framework.id} {version.version}"
        for framework in catalog.frameworks
        for version in framework.versions
    }
    for python, user in sorted(versions.items()):
        found = environments.find_interpreter(python)
        # Not installed is no fault: uv downloads it when there is a network.
        text = str(found) if found else "not installed; uv will download it (needs network)"
        findings.append(Finding(f"Python {python} (for {user})", True, text))
    for program, package, why in (
        ("g++", "g++", "Theano compiles its graphs with it"),
        ("ninja", "ninja-build", "PyTorch builds native operators with it"),
        ("git", "git", "results record the commit they were measured at"),
    ):
        place = shutil.which(program)
        mend = f"install it with your system's packages, e.g. `apt-get install {package}`"
        findings.append(
            Finding(f"{program} ({why})", bool(place), place or "not found", "" if place else mend)
        )
    obstacle = script_metrics.r_obstacle()
    # The page about R says "skipped" without it, and everything else is measured all the same.
    findings.append(Finding("R with reticulate (drives the frameworks from R)", True,
                            obstacle or "found"))  # fmt: skip
    cache = environments.cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
        room = f"{free / 2**30:.1f} GiB free in {cache}"
    except OSError as error:
        free, room = 0, f"cannot write to {cache}: {error.strerror}"
    ready = all(
        environments.find_ready(framework, framework.newest, "cpu")
        for framework in catalog.frameworks
    )
    findings.append(
        Finding(
            "disk space for environments",
            ready or free >= MINIMUM_BYTES,
            room,
            "free some, or set SYMBOLIC_COMPARISON_CACHE to a folder on another disk",
        )
    )
    for framework in catalog.frameworks:
        environment = environments.find_ready(framework, framework.newest, "cpu")
        size = f"ready, {(environment.size_bytes or 0) / 2**20:.0f} MiB" if environment else ""
        text = size or "not made yet; the first `generator measure` makes it"
        findings.append(Finding(f"{framework.name} {framework.newest.version} on cpu", True, text))
    gpus = machines.this().gpus
    names = ", ".join(gpu["name"] for gpu in gpus)
    text = names or "none: --device cuda cannot be measured here, everything else can"
    findings.append(Finding("CUDA GPU", True, text))
    if hasattr(os, "getloadavg"):
        load, cores = os.getloadavg()[0], machines.this().cores
        findings.append(
            Finding(
                "a quiet machine",
                load < 0.5 * cores,
                f"load {load:.2f} on {cores} cores",
                "stop other programs before a full-profile run; disturbed blocks are marked",
            )
        )
    return findings


# ----------------------------------------------------------------------------------------- list
