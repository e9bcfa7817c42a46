"""From what a user asks for to a plan: selection, what is already measured, estimate."""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.catalog.loader import ROOT
from generator.catalog.model import DEVICES, LANES, Catalog, Framework, Section, Version, pick
from generator.errors import NoDeviceError, UsageError
from generator.measure import environments, estimates, gpu_log, history, obstacles, plan, profiles
from generator.measure import machine as machines

KINDS = ("locked", "current")


@dataclass(frozen=True)
class Request:
    """What ``measure`` was asked for; empty tuples mean everything."""

    frameworks: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    device: str = "cpu"
    profile: str = "quick"
    variants: bool = False
    """Short for the profile of that name."""
    environment: str = "locked"
    data_dir: Path | None = None
    timeout: float = 600.0
    minutes: float = 0.0
    """No process begins that would end later; 0: all are run. The next run goes on."""
    seed: int | None = None
    force: bool = False
    wait: bool = False
    """For another generator that measures on this machine."""
    command: str = ""
    results: Path = ROOT / "measurements" / "results"
    frameworks_folder: Path | None = None
    installation: bool = False
    """Whether a release that does not install is a result, and not only reported."""
    early: bool = False
    """A page is waited for: compile caches are filled before anything is timed, side by side."""

    def __post_init__(self) -> None:
        """Let the two ways of asking for variants mean one thing."""
        if self.variants or self.profile == "variants":
            object.__setattr__(self, "profile", "variants")
            object.__setattr__(self, "variants", True)


def prepare(
    request: Request, catalog: Catalog, earlier: history.Measured | None = None
) -> plan.Plan:
    """Return the plan of what is missing on this machine.

    Unknown names (with the nearest ones) and a device that is not here are a :class:`UsageError`; a
    framework.toml or data that are not as agreed, an :class:`~generator.errors.InputError`.
    ``earlier`` is what earlier runs measured, where the results are on another machine.
    """
    profile = pick(profiles.PROFILES, request.profile, "profile")
    pick(dict.fromkeys(DEVICES), request.device, "device")
    pick(dict.fromkeys(KINDS), request.environment, "environment")
    sections = [catalog.section(id) for id in request.sections] or list(catalog.sections)
    for section in sections if request.sections else ():
        if not section.measured:
            raise UsageError(f"section {section.id!r} states facts; there is nothing to measure")
    installed = installed_frameworks(catalog) if request.environment == "current" else None
    chosen = plan.selection(catalog, request.frameworks, installed, every=profile.every)
    if installed is not None and not chosen:
        names = ", ".join(f.distribution for f in catalog.frameworks if not f.found)
        raise UsageError(f"this interpreter has none of the distributions {names}")
    if request.device == "cuda" and not machines.this().gpus:
        raise NoDeviceError(
            f"no CUDA GPU: {gpu_log.usable()[1]}. "
            "`generator doctor` says what is missing; `--device cpu` works everywhere"
        )
    data = history.load_data(request.data_dir)
    known = dict[plan.Cell, set[str]]()
    if not request.force:
        earlier = history.measured_cells(request.results) if earlier is None else earlier
        known = _already_measured(earlier, request, chosen, sections, catalog, data.sha256)
    made = plan.make(
        chosen,
        sections,
        modes=request.modes,
        device=request.device,
        lanes=request.lanes,
        profile=profile,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        measured=[cell for cell, lacked in known.items() if not lacked],
    )
    return plan.without(made, present_obstacles(made, request, catalog), known)


def present_obstacles(made: plan.Plan, request: Request, catalog: Catalog) -> dict[plan.Job, str]:
    """Return what keeps jobs of a plan from running on this machine, as far as is known now."""
    ready: dict[tuple[str, str], environments.Environment | None] = {}
    for id, number in made.targets if request.environment == "locked" else ():
        framework = catalog.framework(id)
        version = framework.version(number)
        ready[id, number] = environments.find_ready(framework, version, made.device)
    here = environments.current() if request.environment == "current" else None
    found = {job: obstacles.of_job(job, catalog, ready.get(job.target, here)) for job in made.jobs}
    return {job: obstacle for job, obstacle in found.items() if obstacle}


def _already_measured(
    earlier: history.Measured,
    request: Request,
    chosen: Sequence[tuple[Framework, Version]],
    sections: Sequence[Section],
    catalog: Catalog,
    data_sha256: str,
) -> dict[plan.Cell, set[str]]:
    """Return the cells that finished runs measured under exactly the present conditions.

    With each what the machine lacked for it, empty where it has been measured whole.
    """
    device, measured = request.device, {}
    for framework, version in chosen:
        lock = environments.identity(framework, version, device)
        if request.environment == "current":
            lock = environments.current().lock_sha256
        for section in (one for one in sections if one.measured):
            code = history.code_hash(
                section, framework, version.version, catalog, variants=request.variants
            )
            same = request.profile, lock, code, data_sha256
            now = plan.Conditions(machines.this().id, *same)
            names = framework.id, version.version, section.id
            for mode, lane in itertools.product(framework.modes, LANES[device]):
                cell = plan.Cell(*names, mode.id, device, lane)
                if (cell, now) in earlier:
                    measured[cell] = earlier[cell, now]
    return measured


def installed_frameworks(catalog: Catalog) -> dict[str, str]:
    """Return framework id -> version of those that the running interpreter has installed."""
    found = {}
    for framework in catalog.frameworks:
        versions = map(environments.installed_version, framework.distributions)
        if version := next(filter(None, versions), None):
            found[framework.id] = version
    return found


def estimate(made: plan.Plan, request: Request) -> dict[plan.Job, float]:
    """Return the estimated seconds of each job of a plan on this machine."""
    return estimates.durations(made, history.history(request.results))


def deadline(request: Request, began: float) -> float:
    """Return when what was asked for must have ended, in seconds of the clock of ``began``."""
    return began + 60 * request.minutes if request.minutes else math.inf


def unlogged(request: Request) -> str:
    """Return what will not be known of a measurement on this machine's GPU, or ""."""
    gpus = gpu_log.usable()[0] if request.device == "cuda" else []
    return gpus[0].unlogged if gpus else ""
