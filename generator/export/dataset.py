"""Writes the whole data set: one CSV, one Parquet file, and the descriptor that vouches for both.

What the files say about themselves is in :mod:`generator.export.data_package`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import files
from generator.errors import UsageError
from generator.export.data_package import CSV, FIELDS, PACKAGE, PARQUET, package
from generator.results.reading import Results
from generator.results.selection import everything

if TYPE_CHECKING:
    import pyarrow as pa

    from generator.export.citation import Citation


@dataclass(frozen=True)
class Written:
    """The descriptor, and the names of the files that were not there in this form already."""

    descriptor: Mapping[str, Any]
    files: tuple[str, ...]


def write(loaded: Results, folder: Path, citation: Citation, address: str = "") -> Written:
    """Write the three files; tables of the same rows that are there and whole are kept.

    No results, or a place to write to that is no folder, are a :class:`UsageError`.

    Args:
        loaded: all results.
        folder: is made.
        citation: what is cited.
        address: of the site, "" where it is not known.

    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder: generator export FOLDER")
    if not loaded.files:
        raise UsageError("there are no results to export; run `generator measure` first")
    folder.mkdir(parents=True, exist_ok=True)
    made_from = _fingerprint(loaded)
    there = existing(folder) or {}
    kept = there.get("fingerprint") == made_from
    if kept:
        tables, rows = _told(there), int(there["rows"])
    else:
        table = everything(loaded).select([field.name for field in FIELDS])
        tables, rows = _write_tables(table, folder), len(table)
    said = package(tables, rows, loaded.records, citation, address, made_from)
    text = (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()
    path = folder / PACKAGE
    if kept and path.read_bytes() == text:
        return Written(said, ())
    # Last: until then, what lies beside the tables does not vouch for them.
    files.replace(path, text)
    return Written(said, (PACKAGE,) if kept else (CSV, PARQUET, PACKAGE))


_BATCH = 1 << 16
"""Rows written at a time."""


def _write_tables(rows: pa.Table, folder: Path) -> dict[str, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    plain = pa.schema(
        [
            (field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type)
            for field in rows.schema
        ]
    )
    with files.replacing(folder / CSV) as part, pyarrow.csv.CSVWriter(part, plain) as writer:
        for start in range(0, rows.num_rows, _BATCH):  # texts in full take room
            writer.write_table(rows.slice(start, _BATCH).cast(plain))
    with files.replacing(folder / PARQUET) as part:
        pyarrow.parquet.write_table(rows, part, compression="zstd")
    return _files(folder)


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the tables in a folder are like, as the descriptor says it."""
    found = {}
    for path in (folder / CSV, folder / PARQUET):
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        found[path.name] = {"bytes": path.stat().st_size, "hash": f"sha256:{digest}"}
    return found


def _fingerprint(loaded: Results) -> str:
    """Return a hash of everything that the tables are made from."""
    digest = hashlib.sha256(repr(FIELDS).encode())
    for key, csv in sorted(loaded.digests.items()):
        record = loaded.records[key]
        said = [key, csv, record["profile"], record["code_sha256"]]
        digest.update(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()


def existing(folder: Path) -> dict[str, Any] | None:
    """Return the descriptor of a data set that is there and whole, None otherwise."""
    try:
        said: dict[str, Any] = json.loads((folder / PACKAGE).read_text(encoding="utf-8"))
        same = _told(said) == _files(folder)
        return said if same and {"rows", "fingerprint"} <= said.keys() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _told(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a descriptor says of its files."""
    return {one["path"]: {key: one[key] for key in ("bytes", "hash")} for one in said["resources"]}
