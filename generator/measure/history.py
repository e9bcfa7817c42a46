"""What earlier runs measured, under which terms, and how long their jobs took."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generator.catalog.loader import ROOT, code_files
from generator.catalog.model import Catalog, Framework, Section
from generator.errors import InputError
from generator.measure.estimates import kind, sampling
from generator.measure.plan import Cell, Conditions
from generator.results import reading, run_record
from measurements import lenet

SHARED_CODE = (
    "contract.py", "worker.py", "timing.py", "memory.py", "lenet.py", "gate.py", "after.py",
    "sweep.py", "ceiling.py", "cuda_driver.py",
)  # fmt: skip


R_WORKER = "worker.R"

LUA_CODE = ("worker.lua", "lua.py")
"""What hosts the worker in a framework that is found, and calls Lua from it."""


def load_data(folder: Path | None) -> Any:
    """Return the digits, turning what is wrong with them into an :class:`InputError`."""
    try:
        return lenet.load_data(None if folder is None else str(folder))
    except lenet.DataError as error:
        expected = f"{error.expected}; {error.advice}"
        raise InputError(error.file, None, error.found, expected) from error


def code_hash(
    section: Section,
    framework: Framework,
    version: str,
    catalog: Catalog,
    root: Path = ROOT,
    *,
    variants: bool = False,
) -> str:
    """Hash the measuring code behind one section of a framework's release, from the files.

    Args:
        section: the page.
        framework: the folder.
        version: the release.
        catalog: says which scripts other sections have to themselves.
        root: the repository.
        variants: whether modes are measured with their variants: then what these set counts.

    """
    shared = [*SHARED_CODE, *([R_WORKER] if is_r(section.script) else [])]
    shared += LUA_CODE if framework.found else ()
    paths = [root / "measurements" / name for name in (*shared, *section.uses)]
    files = {path.name: _code(path) for path in paths if path.is_file() or path.name in shared}
    files["section"] = _code(section.module)
    for path in code_files(section, framework, catalog):
        files[f"own/{path.name}"] = path.read_bytes()
    if section.extra:  # what its processes find besides the framework
        for lock in framework.folder.glob(f"environments/{version}-*+{section.extra}.txt"):
            files[f"own/{lock.name}"] = lock.read_bytes()
    if variants:
        sets = [(v.mode, v.case, v.environment, v.options) for v in framework.variants]
        files["own/variants"] = json.dumps(sets, sort_keys=True).encode()
    return _code_sha256(section, framework, version, files)


def _code_sha256(
    section: Section, framework: Framework, version: str, files: Mapping[str, bytes]
) -> str:
    """Hash the measuring code behind one section of one framework's release.

    Its files (relative path -> content) are those of shared modules, the section's module and the
    folder. Modes, variables and gaps of the folder count as far as they concern the release:
    another one that is measured as well makes nobody measure this one again.
    """
    digest = hashlib.sha256(section.id.encode())
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name] + b"\0")
    tables = framework.raw.get("gaps", [])
    concerning = [gap for gap in tables if version in gap.get("versions", [version])]
    absent = {
        gap["mode"]
        for gap in concerning
        if "mode" in gap and "versions" in gap and not ("section" in gap or "device" in gap)
    }
    gaps = [gap for gap in concerning if gap.get("mode") not in absent]
    raw = {
        "modes": {id: t for id, t in framework.raw.get("modes", {}).items() if id not in absent},
        "environment": framework.raw.get("environment"),
        "gaps": gaps or None,
    }
    digest.update(json.dumps(raw, sort_keys=True, default=str).encode())
    return digest.hexdigest()


_code = functools.cache(Path.read_bytes)


def is_r(script: str) -> bool:
    """Whether a section's script is one for R."""
    return script.endswith(".R")


def run_records(root: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Yield every readable run record below ``root`` with its CSV, newest run first.

    Unreadable ones are passed over here: `generator check` names them.
    """
    for path in sorted(reading.find(root), key=lambda path: path.stem, reverse=True):
        with contextlib.suppress(InputError):
            yield path, run_record.read_run_record(path)


Measured = dict[tuple[Cell, Conditions], set[str]]
"""Cells and the conditions under which they were measured, with what the machine lacked."""


def measured_cells(root: Path) -> Measured:
    """Return what finished runs below ``root`` measured, under which conditions.

    With each what the machine lacked for it, empty where it has been measured whole.
    """
    cells: Measured = {}
    for _, record in run_records(root):
        code = record["code_sha256"]
        found: dict[tuple[Cell, Conditions], list[dict[str, Any]]] = {}
        for job in record["jobs"] if record["finished"] is not None else ():
            for section in job["sections"]:
                names = record["framework"], record["version"], section
                cell = Cell(*names, job["mode"], job["device"], job["lane"])
                conditions = Conditions(
                    machine=record["machine"]["id"],
                    profile=record["profile"],
                    lock_sha256=record["environment"]["lock_sha256"],
                    code_sha256=str(code.get(section)),
                    data_sha256=record["data"]["sha256"],
                )
                found.setdefault((cell, conditions), []).append(job)
        for key, jobs in found.items():
            lacked = {job["obstacle"] for job in jobs if job.get("obstacle")}
            # Before obstacles were written down, a cell all of whose jobs were skipped had one.
            gaps = [job for job in jobs if job["id"].startswith("gap_")]
            if not lacked and not gaps and all(job["status"] == "skipped" for job in jobs):
                lacked = {"unknown"}
            if not lacked or cells.get(key, lacked):
                cells[key] = lacked
    return cells


def history(root: Path) -> dict[tuple[str, str, str], float]:
    """Return the median seconds of earlier jobs by (framework, mode, kind), samples excluded."""
    seen: dict[tuple[str, str, str], list[float]] = {}
    for _, record in run_records(root):
        for job in record["jobs"]:
            seconds = job.get("seconds")
            if isinstance(seconds, int | float) and job["status"] == "ok":
                count, accuracy = record["settings"].get("samples", 0), bool(job.get("accuracy"))
                seconds -= sampling(job["sections"], count, accuracy=accuracy)
                what = kind(job["sections"], str(job.get("start")))
                key = record["framework"], job["mode"], what
                seen.setdefault(key, []).append(max(0.5, seconds))
    return {key: statistics.median(values) for key, values in seen.items()}
