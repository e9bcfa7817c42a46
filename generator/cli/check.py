"""What ``generator check`` does: validate results, locks, facts and contributions."""

from __future__ import annotations

import ast
import contextlib
import datetime
import functools
import hashlib
import itertools
import os
import stat
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import subprocesses
from generator.analysis import trials
from generator.catalog import framework_toml, looks, package_index
from generator.catalog import loader as catalogs
from generator.catalog.loader import ROOT
from generator.catalog.model import LANES, Catalog, Framework, Section, precision
from generator.errors import InputError, UsageError
from generator.measure import environments, history, machine, profiles
from generator.results import (
    contribution_checks,
    reading,
    recomputation,
    row_checks,
    run_record,
    schema,
    selection,
    validation,
    writing,
)
from generator.results.contribution_checks import Entry, Known


def check(root: Path = ROOT, results_root: Path | None = None) -> tuple[int, list[InputError]]:
    """Validate every committed CSV, JSON, lock, framework.toml and the data.

    The number of files looked at is returned, and every problem found.
    """
    measurements = root / "measurements"
    folder = results_root or measurements / "results"
    looked: list[list[InputError]] = []  # the problems of every file
    facts = sorted(measurements.glob("frameworks/*/framework.toml"))
    read = functools.cache(framework_toml.read_framework)
    for path in facts:
        looked += _framework_problems(path, read)
    frameworks = [read(path) for path in facts if not _raised(read, path)]
    alike = looks.problems(frameworks)
    snapshot = measurements / catalogs.SNAPSHOT
    if snapshot.exists():
        looked.append(_raised(package_index.read, snapshot))
    names = units_of(catalogs.read_sections()), modes_of(frameworks), LANES
    for path in reading.find(folder):
        looked += [validation.validate(path, *names), []]  # a CSV and its run record
    looked.append(_raised(_check_data, measurements / "data" / "mnist-5k.toml"))
    returns = [
        schema.carriage_returns(path)
        for path in reading.find(measurements, *catalogs.CODE_SUFFIXES, ".txt", ".toml")
        if b"\r\n" in path.read_bytes()
    ]
    problems = [*itertools.chain(*looked), *alike, *orphans(folder), *returns]
    return len(looked), problems or beaten_modes(folder, catalogs.load(root))


def beaten_modes(folder: Path, catalog: Catalog) -> list[InputError]:
    """Return the problem of every mode that is resolved to be slower than a variant of it."""
    names = [name for name in reading.find(folder) if _is_of_variants(name)]
    if not names:
        return []
    rows = selection.shown(reading.load(folder), catalog.listed, ("variants",))
    problems = []
    for trial, found, expected in trials.beaten(trials.find(rows, catalog)):
        path = trial.framework.folder / "framework.toml"
        line = framework_toml.line_of_variant(path, trial.variant)
        problems.append(InputError(path, line, found, expected))
    return problems


def _is_of_variants(path: Path) -> bool:
    """Whether a result file is of a run that tried variants."""
    return bool(run_record.read_run_record(path)["profile"] == "variants")


def unknown_frameworks(folder: Path, root: Path = ROOT) -> list[str]:
    """Return what to say of results whose framework has no folder: nobody compared its modes."""
    known = {path.parent.name for path in root.glob("measurements/frameworks/*/framework.toml")}
    found = {schema.Where.of(path).says.get("framework", "") for path in reading.find(folder)}
    return [
        f"framework {schema.quoted(id)}: it has results and no folder, so its modes and releases "
        "were compared with none"
        for id in sorted(found - known - {""})
    ]


def orphans(folder: Path) -> list[InputError]:
    """Return the problem of every run record without rows, but of a run that has just begun."""
    return [
        InputError(path, None, "no CSV of the same name", "both, or neither")
        for path in reading.find(folder, ".json")
        if not path.with_suffix(".csv").exists() and not writing.is_stub(path)
    ]


def _raised(read: Callable[[Path], object], path: Path) -> list[InputError]:
    """Return what reading a file raises."""
    try:
        read(path)
    except InputError as error:
        return [error]
    return []


def _framework_problems(
    path: Path, read: Callable[[Path], Framework]
) -> Iterator[list[InputError]]:
    """Yield the problems of a ``framework.toml`` and of each lock that it asks for."""
    try:
        framework = read(path)
    except InputError as error:
        yield [error]
        return
    yield []
    for version in framework.versions:
        for device in version.requirements:
            lock = version.lock(device)
            hint = f"`generator lock {framework.id}=={version.version} --device {device}`"
            missing = [InputError(lock, None, "no lock", hint)]
            yield environments.problems(lock) if lock.exists() else missing


def _check_data(path: Path) -> None:
    """Raise an InputError unless a file states the hash of the data that it describes."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))["sha256"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, None, str(error), "a TOML file with sha256") from error
    found = history.load_data(None).sha256
    if said != found:
        raise InputError(path, None, f"sha256 {said}", f"{found}, that of the data")


@dataclass(frozen=True)
class Judged:
    """What became of a contribution: how many new files, what is wrong, what to look at."""

    looked: int
    problems: list[InputError]
    suspicions: list[str]


def check_contribution(folder: Path, results_root: Path, root: Path = ROOT) -> Judged:
    """Check result files that somebody contributes; nothing of them is run or followed.

    They lie in the folder of results as the contribution would leave it (``folder``), and not in
    the one before (``results_root``). ``root`` is the repository that they were measured with.
    Everything is said in text that is safe in a workflow's log. Earlier results and a
    framework.toml that are not as agreed are an :class:`InputError`.
    """
    if not folder.is_dir():
        raise UsageError(
            f"no folder {folder}; `python3 .github/scripts/contribution.py . HEAD FOLDER "
            "origin/main` writes FOLDER/before, for --results, and FOLDER/after, for --contribution"
        )
    before, after = _entries(results_root), _entries(folder)
    added = sorted(after.keys() - before.keys())
    problems = list(contribution_checks.listing_problems(before, after))
    invalid = {problem.file for problem in problems}
    stems = [path.removesuffix(".csv") for path in filter(contribution_checks.is_run, added)]
    runs: dict[str, Mapping[str, Any]] = {}
    catalog = catalogs.load(root)
    names = units_of(catalog.sections), modes_of(catalog.frameworks), LANES
    for stem in stems:
        path, record = f"{stem}.csv", f"{stem}.json"
        if not {path, record} & invalid and record in after:
            problems += (found := validation.validate(folder / path, *names))
            if not found:
                runs[path] = run_record.read_run_record(folder / path)
    suspicions: list[str] = []
    if runs:
        known = _known([*runs.values()], results_root, catalog, root)
        for run, said in runs.items():
            problems += _run_problems(run, said, folder, added, known)
            suspicions += contribution_checks.suspicions(run, said, known)
    for path in added:
        run, is_log, _ = path.rpartition(".logs/")
        if is_log and run not in stems and path not in invalid:
            problems.append(
                InputError(path, None, "a log of no run", f"{run}.csv in the same folder")
            )
    safe = contribution_checks.printable
    told = [InputError(safe(p.file), p.line, safe(p.found), safe(p.expected)) for p in problems]
    return Judged(len(added), told, [safe(text) for text in suspicions])


def _run_problems(
    path: str, record: Mapping[str, Any], folder: Path, added: Sequence[str], known: Known
) -> list[InputError]:
    now = datetime.datetime.now(datetime.UTC)
    place, start = path.rpartition("/")[0] + "/", path.removesuffix(".csv") + ".logs/"
    logs = [name.removeprefix(place) for name in added if name.startswith(start)]
    rows = row_checks.rows(folder / path)
    found = [*contribution_checks.run_problems(path, rows, record, logs, known, now)]
    known.times.update(recomputation.times(rows))  # the next run may have copied this one
    return found


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


def _known(
    contributed: Sequence[Mapping[str, Any]], results_root: Path, catalog: Catalog, root: Path
) -> Known:
    """Gather what contributed run records are compared with.

    Args:
        contributed: the run records.
        results_root: the folder of results before.
        catalog: of the repository.
        root: the repository.

    """
    frameworks = {framework.id: framework for framework in catalog.frameworks}
    sections = {section.id: section for section in catalog.sections if section.measured}
    locks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    code: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    data = {history.load_data(None).sha256}
    versions = {framework.id: {one.version for one in framework.versions}
                for framework in catalog.frameworks}  # fmt: skip
    measured_on: set[str] = set()
    tolerances: dict[tuple[str, str], float] = {}
    for _, record in history.run_records(results_root):
        id, version, device = (record[name] for name in ("framework", "version", "device"))
        locks[id, version, device].add(str(record["environment"]["lock_sha256"]))
        data.add(record["data"]["sha256"])
        versions.setdefault(id, set()).add(version)
        measured_on.add(record["machine"]["id"])
        for job in record["jobs"]:
            for name, _, tolerance, _ in job.get("facts", {}).get("gate", []):
                for key in ((lane, name) for lane in _alike(job["lane"])):
                    tolerances[key] = max(tolerance, tolerances.get(key, 0.0))
        for section_id, sha256 in record["code_sha256"].items():
            code[id, version, section_id].add(str(sha256))
    for given in contributed:
        id, name, device = (given[name] for name in ("framework", "version", "device"))
        if id not in frameworks:
            continue
        for version in frameworks[id].versions:
            lock = environments.lock_sha256(version.lock(device))
            if version.version == name and lock is not None:
                locks[id, name, device].add(lock)
        for section_id in given["code_sha256"].keys() & sections.keys():
            own = sections[section_id], frameworks[id], name, catalog, root
            found = history.code_hash(*own, variants=given["profile"] == "variants")
            code[id, name, section_id].add(found)
    commits = {str(record["repository"]["commit"]) for record in contributed}
    ancestor = "merge-base", "--is-ancestor", "--end-of-options"
    known = {c for c in commits if subprocesses.git(root, *ancestor, c, "HEAD") is not None}
    seconds, steps = _times(results_root)
    return Known(
        frameworks=frameworks,
        units=units_of(sections.values()),
        locks=locks,
        code=code,
        commits=known,
        data=data,
        step_times=steps,
        versions=versions,
        lanes=LANES,
        machines=measured_on,
        ids=machine.possible_ids,
        profiles={name: (one.blocks, one.samples) for name, one in profiles.PROFILES.items()},
        constants={commit: _constants(root, commit) for commit in known},
        tolerances=tolerances,
        times=seconds,
    )


def _alike(lane: str) -> list[str]:
    """Return the lanes that compute in the precision of one."""
    lanes = itertools.chain.from_iterable(LANES.values())
    return [one for one in lanes if precision(one) == precision(lane)]


def _constants(root: Path, commit: str) -> dict[str, Any]:
    """Return the constants of the measuring code at a commit, read from its text."""
    found = {}
    for name in ("lenet.py", "timing.py"):
        text = subprocesses.git(root, "cat-file", "blob", f"{commit}:measurements/{name}") or ""
        with contextlib.suppress(SyntaxError, ValueError):
            for node in ast.parse(text).body:
                match node:
                    case ast.Assign(targets=[ast.Name(id=id)], value=ast.Constant(value=value)):
                        found[id] = value
    return found


def units_of(sections: Iterable[Section]) -> Mapping[str, Mapping[str, str]]:
    """Return section -> metric -> unit, of those that are measured."""
    return {
        section.id: {metric.id: metric.unit for metric in section.metrics.values()}
        for section in sections
        if section.measured
    }


def modes_of(frameworks: Iterable[Framework]) -> Mapping[str, Collection[str]]:
    """Return framework -> ids of its modes."""
    return {one.id: [mode.id for mode in one.modes] for one in frameworks}


def _times(
    results_root: Path,
) -> tuple[set[float], Mapping[tuple[str, str, str, str], tuple[float, float]]]:
    """Return all samples in seconds, and smallest and largest step by place.

    A place is a framework, device, section and case.
    """
    rows = reading.to_frame(selection.everything(reading.load(results_root)))
    rows = rows[(rows["status"] == "ok") & (rows["unit"] == "s") & rows["sample"].notna()]
    steps = rows[rows["metric"] == "step_time"]
    places = steps.groupby(["framework", "device", "section", "case"], observed=True)["value"]
    ranges = places.agg(["min", "max"]).itertuples(name=None)
    return set(rows["value"]), {place: (low, high) for place, low, high in ranges}
