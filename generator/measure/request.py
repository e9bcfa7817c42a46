"""From what a user asks for to a plan: selection, what is already measured, estimate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.catalog import model
from generator.catalog.loader import ROOT
from generator.catalog.model import DEVICES, Catalog, Framework, Section, Version, pick
from generator.errors import NoDeviceError, UsageError
from generator.measure import environments, history, plan
from generator.measure import machine as machines

KINDS = ("locked", "current")


PRECISIONS = ("float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class Request:
    """What ``measure`` was asked for; empty tuples mean everything."""

    frameworks: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    device: str = "cpu"
    profile: str = "quick"
    environment: str = "locked"
    precision: str = "float32"
    data_dir: Path | None = None
    timeout: float = 600.0
    seed: int | None = None
    force: bool = False
    command: str = ""
    results: Path = ROOT / "measurements" / "results"
    frameworks_folder: Path | None = None
    installation: bool = False
    """Whether a release that does not install is a result, and not only reported."""


def prepare(request: Request, catalog: Catalog) -> plan.Plan:
    """Return the plan of what is missing.

    Raises:
        UsageError: unknown names, with the nearest ones; a device that is not here.
        InputError: a framework.toml or the data are not as agreed.

    """
    profile = pick(plan.PROFILES, request.profile, "profile")
    pick(dict.fromkeys(DEVICES), request.device, "device")
    pick(dict.fromkeys(KINDS), request.environment, "environment")
    pick(dict.fromkeys(PRECISIONS), request.precision, "precision")
    sections = [catalog.section(id) for id in request.sections] or list(catalog.sections)
    for section in sections if request.sections else ():
        if not section.measured:
            raise UsageError(f"section {section.id!r} states facts; there is nothing to measure")
    installed = installed_frameworks(catalog) if request.environment == "current" else None
    chosen = plan.selection(catalog, request.frameworks, installed, every=profile.every)
    if installed is not None and not chosen:
        names = ", ".join(framework.distribution for framework in catalog.frameworks)
        raise UsageError(f"this interpreter has none of the distributions {names}")
    if request.device == "cuda" and not machines.this().gpus:
        raise NoDeviceError(
            "no CUDA GPU: NVIDIA's driver reports no device on this machine. "
            "`generator doctor` says what is missing; `--device cpu` works everywhere"
        )
    data = history.load_data(request.data_dir)
    held = () if request.force else _held(request, chosen, sections, catalog, data.sha256)
    return plan.make(
        chosen,
        sections,
        modes=request.modes,
        device=request.device,
        lanes=request.lanes,
        profile=profile,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        held=held,
    )


def _held(
    request: Request,
    chosen: Sequence[tuple[Framework, Version]],
    sections: Sequence[Section],
    catalog: Catalog,
    data_sha256: str,
) -> set[plan.Cell]:
    """Return the cells that finished runs hold under exactly the present conditions."""
    keys = history.held_keys(request.results)
    held = set()
    for framework, version in chosen:
        if request.environment == "current":
            lock = environments.current().lock_sha256
        else:
            lock = environments.lock_sha256(version.lock(request.device))
        for section in sections:
            if not section.measured:
                continue
            for mode in framework.modes:
                for lane in model.LANES[request.device]:
                    cell = plan.Cell(
                        framework.id, version.version, section.id, mode.id, request.device, lane
                    )
                    key = history.expected_key(
                        cell,
                        framework,
                        section,
                        profile=request.profile,
                        lock=lock,
                        data_sha256=data_sha256,
                        catalog=catalog,
                        precision=request.precision,
                    )
                    if key in keys:
                        held.add(cell)
    return held


def installed_frameworks(catalog: Catalog) -> dict[str, str]:
    """Return framework id -> version of those that the running interpreter has installed."""
    found = {}
    for framework in catalog.frameworks:
        names = framework.distributions
        versions = [v for name in names if (v := environments.installed_version(name))]
        if versions:
            found[framework.id] = versions[0]
    return found


def estimate(made: plan.Plan, request: Request) -> float:
    """Return the estimated seconds of a plan on this machine."""
    return made.seconds(history.history(request.results))
