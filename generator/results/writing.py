"""Writes a run's rows and its record, atomically."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from generator import files
from generator.errors import InputError
from generator.results.row_checks import row_problems
from generator.results.run_record import parse_run_record, record_problems
from generator.results.schema import COLUMNS, Record, Where, one_line


def write(csv_path: Path, rows: Iterable[Mapping[str, object]], record: Record) -> None:
    """Write a run's rows and run record, each atomically and flushed to the disk.

    Killed at any moment, this leaves the earlier pair, or new rows beside the earlier run record:
    never a run record that claims jobs whose rows are missing, never half a file. Where a row or
    the run record is not valid (:class:`InputError`), or the file system refuses (``OSError``),
    earlier files are untouched.

    In a row a missing key or ``None`` is an empty cell, ``reason`` goes through :func:`one_line`,
    floats are written with ``repr``. Folders are made.
    """
    table = encode(rows)
    where = Where.of(csv_path)
    for problem in (*record_problems(record, where), *row_problems(table, where)):
        raise problem
    csv_path.parent.mkdir(parents=True, exist_ok=True)
    beside = csv_path.with_suffix(".json")
    if not beside.exists():  # a CSV never stands without a run record
        files.replace(beside, _json_bytes({**record, "jobs": [], "finished": None}))
    files.replace(csv_path, table)
    files.replace(beside, _json_bytes(record))


def is_stub(path: Path) -> bool:
    """Whether a run record is that of a run whose first rows are still to be written."""
    return not path.with_suffix(".csv").exists() and is_unfinished(path)


def is_unfinished(path: Path) -> bool:
    """Whether a run record is that of a run without an end."""
    try:
        record, _ = parse_run_record(path)
    except InputError:
        return False
    return record.get("finished", "") is None


def encode(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Return the bytes of a CSV with these rows, header included."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        if unknown := row.keys() - set(COLUMNS):
            raise InputError("row to write", None, f"column {min(unknown)!r}", ", ".join(COLUMNS))
        cells = (row.get(column) for column in COLUMNS[:-1])
        writer.writerow([*map(_cell, cells), one_line(row.get("reason") or "")])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if value is None:
        return ""
    # float() first: the repr of a NumPy scalar is not a number.
    return repr(float(value)) if isinstance(value, float) else value


def _json_bytes(record: Record) -> bytes:
    return (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
