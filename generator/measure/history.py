"""What earlier runs measured, under which terms, and how long their jobs took."""

from __future__ import annotations

import contextlib
import functools
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generator.catalog.loader import ROOT, code_files
from generator.catalog.model import Catalog, Framework, Section
from generator.errors import InputError
from generator.measure import machine as machines
from generator.measure.plan import Cell, Key, code_sha256, kind
from generator.results import reading, run_document
from measurements import lenet

SHARED_CODE = (
    "contract.py", "worker.py", "timing.py", "memory.py", "lenet.py", "sweep.py", "ceiling.py",
)  # fmt: skip


R_WORKER = "worker.R"


def load_data(folder: Path | None) -> Any:
    """Return the digits, turning what is wrong with them into an :class:`InputError`."""
    try:
        return lenet.load_data(None if folder is None else str(folder))
    except lenet.DataError as error:
        expected = f"{error.expected}; {error.advice}"
        raise InputError(error.file, None, error.found, expected) from error


def code_hash(
    section: Section, framework: Framework, version: str, catalog: Catalog, root: Path = ROOT
) -> str:
    """Hash of the measuring code behind one section of a framework's release, from the files."""
    files = code_files(section, framework, catalog)
    own = {f"own/{path.name}": path.read_bytes() for path in files}
    if section.addition:  # what its processes find beside the framework
        locks = sorted(framework.folder.glob(f"environments/{version}-*+{section.addition}.txt"))
        own |= {f"own/{lock.name}": lock.read_bytes() for lock in locks}
    return code_sha256(section, framework, version, {**_shared_code(root, section), **own})


@functools.cache
def _shared_code_of(root: Path, names: tuple[str, ...], module: Path) -> dict[str, bytes]:
    paths = [root / "measurements" / name for name in names]
    return {path.name: path.read_bytes() for path in paths} | {"section": module.read_bytes()}


def _shared_code(root: Path, section: Section) -> dict[str, bytes]:
    own = [name for name in section.uses if (root / "measurements" / name).is_file()]
    names = (*SHARED_CODE, *([R_WORKER] if is_r(section.script) else []), *own)
    return _shared_code_of(root, names, section.module)


def is_r(script: str) -> bool:
    """Whether a section's script is one for R."""
    return script.endswith(".R")


def run_records(root: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Yield every readable run record below ``root`` with its CSV, newest run first.

    Unreadable ones are passed over here: `generator check` names them.
    """
    for path in sorted(reading.find(root), key=lambda path: path.stem, reverse=True):
        with contextlib.suppress(InputError):
            yield path, run_document.read_document(path)


def _key(cell: Cell, document: Mapping[str, Any]) -> Key:
    return Key(
        cell=cell,
        machine=document["machine"]["id"],
        profile=document["profile"],
        lock_sha256=document["environment"]["lock_sha256"],
        code_sha256=str(document["code_sha256"].get(cell.section)),
        data_sha256=document["data"]["sha256"],
        precision=document["settings"].get("precision", ""),
    )


def held_keys(root: Path) -> set[Key]:
    """Return the keys of everything that finished runs below ``root`` hold."""
    keys: set[Key] = set()
    for _, document in run_records(root):
        if document["finished"] is None:
            continue
        for job in document["jobs"]:
            for section in job["sections"]:
                names = document["framework"], document["version"], section
                keys.add(_key(Cell(*names, job["mode"], job["device"], job["lane"]), document))
    return keys


def expected_key(
    cell: Cell, framework: Framework, section: Section, *, profile: str, lock: str | None,
    data_sha256: str, catalog: Catalog, precision: str = "float32", root: Path = ROOT,
) -> Key:  # fmt: skip
    """Return the key that a measurement made now would have."""
    return Key(
        cell=cell,
        machine=machines.this().id,
        profile=profile,
        lock_sha256=lock,
        code_sha256=code_hash(section, framework, cell.version, catalog, root),
        data_sha256=data_sha256,
        precision=precision,
    )


def history(root: Path) -> dict[tuple[str, str, str], float]:
    """Return the median seconds of earlier jobs by (framework, mode, kind), samples excluded."""
    seen: dict[tuple[str, str, str], list[float]] = {}
    for _, document in run_records(root):
        for job in document["jobs"]:
            seconds = job.get("seconds")
            if isinstance(seconds, int | float) and job["status"] == "ok":
                samples = document["settings"].get("samples", 0)
                extra = 0.12 * samples if "lenet" in job["sections"] else 0.0
                extra += 12.0 if job.get("accuracy") else 0.0
                what = kind(job["sections"], str(job.get("start")))
                key = document["framework"], job["mode"], what
                seen.setdefault(key, []).append(max(0.5, seconds - extra))
    return {key: statistics.median(values) for key, values in seen.items()}
