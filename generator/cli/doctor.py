"""What the commands do, without a word about how they are typed or shown.

Needs the standard library and NumPy only, so that ``measure --environment current`` works on a
machine that has nothing else.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
import shutil
import stat
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import subprocesses
from generator.catalog import loader as catalogs
from generator.catalog import package_index
from generator.catalog.loader import DEVICES, ROOT, Catalog, Framework, Section, Version, pick
from generator.errors import InputError, NoDeviceError, UsageError
from generator.measure import environments, plan, runner, script_metrics
from generator.measure import machine as machines
from generator.results import contribution_checks, reading
from generator.results.contribution_checks import Entry, Known
from measurements import lenet

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


def prepare(request: Request, catalog: Catalog | None = None) -> tuple[plan.Plan, runner.Setup]:
    """Turn a request into the plan of what is missing and the setup to run it with.

    Args:
        request: what is asked for.
        catalog: what there is, None: what the folders say.

    Raises:
        UsageError: unknown names, with the nearest ones; a device that is not here.
        InputError: a framework.toml or the data are not as agreed.

    """
    catalog = catalog or catalogs.load(frameworks=request.frameworks_folder)
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
    setup = runner.Setup(
        catalog=catalog,
        results=request.results.resolve(),
        command=request.command,
        kind=request.environment,
        data_dir=request.data_dir.resolve() if request.data_dir else None,
        precision=request.precision,
        timeout=request.timeout,
    )
    data = runner.load_data(request.data_dir)
    held = () if request.force else _held(request, chosen, sections, catalog, data.sha256)
    made = plan.make(
        chosen,
        sections,
        modes=request.modes,
        device=request.device,
        lanes=request.lanes,
        profile=profile,
        seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        held=held,
    )
    return made, setup


def _held(
    request: Request,
    chosen: Sequence[tuple[Framework, Version]],
    sections: Sequence[Section],
    catalog: Catalog,
    data_sha256: str,
) -> set[plan.Cell]:
    """Return the cells that finished runs hold under exactly the present conditions."""
    keys = runner.held_keys(request.results)
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
                for lane in catalogs.LANES[request.device]:
                    cell = plan.Cell(
                        framework.id, version.version, section.id, mode.id, request.device, lane
                    )
                    key = runner.expected_key(
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


def estimate(made: plan.Plan, setup: runner.Setup) -> float:
    """Return the estimated seconds of a plan on this machine."""
    return made.seconds(runner.history(setup.results))


# --------------------------------------------------------------------------------------- check


def check(root: Path = ROOT, results_root: Path | None = None) -> tuple[int, list[InputError]]:
    """Validate every committed CSV, JSON, lock, framework.toml and the data.

    Returns:
        (number of files looked at, every problem found).

    """
    problems: list[InputError] = []
    looked = 0
    for path in sorted((root / "measurements" / "frameworks").glob("*/framework.toml")):
        looked += 1
        try:
            framework = catalogs.read_framework(path)
        except InputError as error:
            problems.append(error)
            continue
        for version in framework.versions:
            for device in version.requirements:
                lock = version.lock(device)
                looked += 1
                if not lock.exists():
                    hint = f"`generator lock {framework.id}=={version.version} --device {device}`"
                    problems.append(InputError(lock, None, "no lock", hint))
                    continue
                problems += environments.problems(lock)
        for mode in framework.modes:
            for device in DEVICES:
                gap = framework.gap(
                    mode=mode.id, device=device, version=framework.newest.version, section=""
                )
                if device not in mode.devices and gap is None:
                    found = f"mode {mode.id} without {device}"
                    problems.append(InputError(path, None, found, "a [[gaps]] table saying why"))
    snapshot = root / "measurements" / catalogs.SNAPSHOT
    looked += snapshot.exists()
    try:
        package_index.read(snapshot)
    except InputError as error:
        problems.append(error)
    folder = results_root or root / "measurements" / "results"
    for path in reading.find(folder):
        looked += 2
        problems += reading.validate(path)
    for orphan in sorted(folder.glob("*/*/*/*.json")):
        if not orphan.with_suffix(".csv").exists():
            problems.append(InputError(orphan, None, "no CSV beside it", "a CSV of the same name"))
    data = root / "measurements" / "data" / "mnist-5k.toml"
    looked += 1
    try:
        said = tomllib.loads(data.read_text(encoding="utf-8"))["sha256"]
        found = runner.load_data(None).sha256
        if said != found:
            problems.append(InputError(data, None, f"sha256 {said}", f"{found}, that of the data"))
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        problems.append(InputError(data, None, str(error), "a TOML file with sha256"))
    except InputError as error:
        problems.append(error)
    return looked, problems


# -------------------------------------------------------------------------------- contributions


def check_contribution(
    folder: Path, results_root: Path, root: Path = ROOT
) -> tuple[int, list[InputError]]:
    """Check result files that somebody contributes; nothing of them is run or followed.

    Args:
        folder: the folder of results as the contribution would leave it.
        results_root: the folder of results before.
        root: the repository that they were measured with.

    Returns:
        (number of new files, every problem found).

    Raises:
        UsageError: no such folder.
        InputError: earlier results, or a framework.toml, are not as agreed.

    """
    if not folder.is_dir():
        raise UsageError(
            f"no folder {folder}; `python3 .github/scripts/contribution.py . HEAD FOLDER "
            "origin/main` writes FOLDER/before, for --results, and FOLDER/after, for --contribution"
        )
    before, after = _entries(results_root), _entries(folder)
    added = contribution_checks.added_paths(before, after)
    problems = list(contribution_checks.listing_problems(before, after))
    spoilt = {problem.file for problem in problems}
    runs: dict[str, Mapping[str, Any]] = {}
    for path in filter(contribution_checks.is_run, added):
        beside = path.removesuffix(".csv") + ".json"
        if {path, beside} & spoilt or beside not in after:
            continue
        found = reading.validate(folder / path)
        problems += found
        if not found:
            runs[path] = reading.read_document(folder / path)
    if runs:
        known = _known(list(runs.values()), results_root, root)
        now = datetime.datetime.now(datetime.UTC)
        for path, document in runs.items():
            place = path.rpartition("/")[0] + "/"
            start = path.removesuffix(".csv") + ".logs/"
            logs = [name.removeprefix(place) for name in added if name.startswith(start)]
            rows = reading.rows(folder / path)
            problems += contribution_checks.run_problems(path, rows, document, logs, known, now)
    stems = {path.removesuffix(".csv") for path in filter(contribution_checks.is_run, added)}
    for path in added:
        run, found_log, _ = path.rpartition(".logs/")
        if found_log and run not in stems and path not in spoilt:
            problems.append(InputError(path, None, "a log of no run", f"{run}.csv beside it"))
    return len(added), problems


def _entries(folder: Path) -> dict[str, Entry]:
    """List every file below a folder; links, also those to folders, are listed, not followed."""
    entries = {}
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for path in (Path(place) / name for name in (*names, *links)):
            facts = path.lstat()
            regular = stat.S_ISREG(facts.st_mode)
            digest = ""
            if regular:
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
            executable = regular and bool(facts.st_mode & 0o111)
            name = path.relative_to(folder).as_posix()
            entries[name] = Entry(facts.st_size, digest, regular, executable)
    return entries


def _known(contributed: Sequence[Mapping[str, Any]], results_root: Path, root: Path) -> Known:
    """Gather what contributed documents are compared with."""
    catalog = catalogs.load(root)
    frameworks = {framework.id: framework for framework in catalog.frameworks}
    sections = {section.id: section for section in catalog.sections if section.measured}
    locks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    code: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    data = {runner.load_data(None).sha256}
    for _, document in runner.documents(results_root):
        framework_id, version, device = (document[k] for k in ("framework", "version", "device"))
        locks[framework_id, version, device].add(str(document["environment"]["lock_sha256"]))
        data.add(document["data"]["sha256"])
        for section_id, sha256 in document["code_sha256"].items():
            code[framework_id, version, section_id].add(str(sha256))
    for given in contributed:
        framework = frameworks.get(given["framework"])
        if framework is None:
            continue
        name = given["version"]
        for version in framework.versions:
            lock = environments.lock_sha256(version.lock(given["device"]))
            if version.version == name and lock is not None:
                locks[framework.id, name, given["device"]].add(lock)
        for section_id in given["code_sha256"].keys() & sections.keys():
            code[framework.id, name, section_id].add(
                runner.code_hash(sections[section_id], framework, name, catalog, root)
            )
    return Known(
        modes={id: [mode.id for mode in item.modes] for id, item in frameworks.items()},
        units={
            id: {metric.id: metric.unit for metric in section.metrics.values()}
            for id, section in sections.items()
        },
        locks=locks,
        code=code,
        commits=_history({str(d["repository"]["commit"]) for d in contributed}, root),
        data=data,
        step_times=_step_times(results_root),
    )


def _history(commits: Iterable[str], root: Path) -> Collection[str]:
    """Return which commits the repository's history has."""
    ask = ["git", "merge-base", "--is-ancestor", "--end-of-options"]
    return {
        commit
        for commit in commits
        if subprocesses.run([*ask, commit, "HEAD"], cwd=root, timeout=60).code == 0
    }


def _step_times(results_root: Path) -> Mapping[tuple[str, str, str, str], tuple[float, float]]:
    """Return the smallest and largest step of every framework, device, section and case."""
    ranges: dict[tuple[str, str, str, str], tuple[float, float]] = {}
    for path in reading.find(results_root):
        frame = reading.read(path)
        chosen = frame[(frame["metric"] == "step_time") & (frame["status"] == "ok")]
        columns = ["framework", "device", "section", "case"]
        for key, values in chosen.groupby(columns, observed=True)["value"]:
            framework, device, section, case = map(str, key)
            low, high = float(values.min()), float(values.max())
            known = ranges.get((framework, device, section, case), (low, high))
            ranges[framework, device, section, case] = min(low, known[0]), max(high, known[1])
    return ranges


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


def listing(results_root: Path, frameworks_folder: Path | None = None) -> Mapping[str, object]:
    """Return frameworks, versions, modes, sections, and what is measured where, as plain data."""
    catalog = catalogs.load(frameworks=frameworks_folder)
    measured: list[dict[str, object]] = []
    for path, document in runner.documents(results_root):
        jobs = document["jobs"]
        measured.append(
            {
                "run": path.stem,
                "machine": document["machine"]["id"],
                "framework": document["framework"],
                "version": document["version"],
                "profile": document["profile"],
                "device": document["device"],
                "finished": document["finished"],
                "sections": sorted({section for job in jobs for section in job["sections"]}),
                "jobs": len(jobs),
                "not_ok": sum(job["status"] != "ok" for job in jobs),
            }
        )
    return {
        "frameworks": [
            {
                "id": framework.id,
                "name": framework.name,
                "versions": [version.version for version in framework.versions],
                "modes": [
                    {"id": mode.id, "title": mode.title, "kind": mode.kind,
                     "devices": list(mode.devices)}
                    for mode in framework.modes
                ],
            }
            for framework in catalog.frameworks
        ],
        "sections": [
            {"id": section.id, "title": section.title, "group": section.group,
             "measured": section.measured}
            for section in catalog.sections
        ],
        "profiles": {profile.name: profile.summary for profile in plan.PROFILES.values()},
        "measured": measured,
        "activation": lenet.ACTIVATION,
    }  # fmt: skip
