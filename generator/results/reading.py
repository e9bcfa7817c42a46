"""Result files: write, read, validate, migrate and select them.

One run of ``measure`` writes, per framework and version,
``<machine>/<framework>/<version>/<run>.csv`` (one row a sample or verdict) and ``<run>.json``
beside it (everything that is the same for all rows). Files are append-only: nothing here changes
an old one, older schemas are migrated on reading.

Writing, :func:`rows` and :func:`read_document` need nothing but the standard library and NumPy, so
that a machine that measures does not have to have pandas. Reading frames imports pandas late.

Reading has two passes. The fast one lets pandas parse the file and then checks whole columns. Only
when such a check fails, the slow one goes through the file line by line and names the line.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import math
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "run", "machine", "framework", "version", "section", "mode", "device", "lane", "case",
    "metric", "unit", "block", "sample", "value", "status", "flags", "reason",
)  # fmt: skip
"""The columns of a CSV, in order."""

STATUSES = ("ok", "unsupported", "failed", "timeout", "wrong", "skipped")
"""How a measurement may end; every status but ``ok`` carries a reason."""

FLAGS = ("disturbed", "throttled", "partial", "resumed")
"""Words that ``flags`` may hold, separated by one space."""

PROFILES = ("quick", "full", "aa", "history")
"""``aa`` is the A/A study, never on a page of results, see :func:`study`; ``history`` compares the
releases of one framework with each other, see :func:`history`."""

SCHEMA = 1
"""Version of the JSON document that :func:`write` expects."""

Document = dict[str, Any]

MIGRATIONS: dict[int, Callable[[Document], Document]] = {}
"""Schema number -> function that returns the document in the next schema. Applied on reading."""

REASON_LENGTH = 500

_HEADER = (",".join(COLUMNS) + "\n").encode()
_PATH_COLUMNS = ("machine", "framework", "version", "run")
_IDENTITY = ("section", "mode", "device", "lane")
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")  # as pandas reads
_CONTROL_BYTES = bytes([*range(10), *range(11, 32), 127])
# C0 and C1 controls, line and paragraph separators, and the marks that reorder or hide text.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


# ---------------------------------------------------------------------------------------- writing


def one_line(text: object) -> str:
    """Return any text as a valid ``reason``: printable, one line, at most 500 characters."""
    flat = " ".join(_UNPRINTABLE.sub(" ", str(text)).split())
    flat = flat.encode("utf-8", "replace").decode()  # lone surrogates from undecodable output
    return flat if len(flat) <= REASON_LENGTH else flat[: REASON_LENGTH - 1] + "…"


def write(csv_path: Path, rows: Iterable[Mapping[str, object]], document: Document) -> None:
    """Write a run's rows and document, each atomically and flushed to the disk.

    Killed at any moment, this leaves the earlier pair, or new rows beside the earlier document:
    never a document that claims jobs whose rows are missing, never half a file.

    Args:
        csv_path: ``<root>/<machine>/<framework>/<version>/<run>.csv``; folders are made.
        rows: mappings from :data:`COLUMNS`; a missing key or ``None`` is an empty cell, ``reason``
            goes through :func:`one_line`, floats are written with ``repr``.
        document: the JSON document, schema :data:`SCHEMA`.

    Raises:
        InputError: a row or the document is not valid; nothing was written.
        OSError: the file system refused; earlier files are untouched.

    """
    table = encode(rows)
    where = _Where.of(csv_path)
    for problem in (*_document_problems(document, where), *_row_problems(table, where)):
        raise problem
    csv_path.parent.mkdir(parents=True, exist_ok=True)
    beside = csv_path.with_suffix(".json")
    if not beside.exists():  # a CSV never stands without a document
        replace(beside, _json_bytes({**document, "jobs": [], "finished": None}))
    replace(csv_path, table)
    replace(beside, _json_bytes(document))


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


def _json_bytes(document: Document) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def replace(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step that survives a loss of power."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # POSIX: the rename itself has to reach the disk
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# ------------------------------------------------------------------------------------- validation


@dataclass(frozen=True)
class _Where:
    """A result file and what its path says about its content."""

    path: Path
    says: Mapping[str, str]
    problem: InputError | None

    @classmethod
    def of(cls, path: Path) -> _Where:
        parts = path.with_suffix("").parts[-4:]
        says = dict(zip(_PATH_COLUMNS, parts, strict=False))
        good = (
            path.suffix == ".csv"
            and len(parts) == 4
            and all(_NAME.fullmatch(part) for part in parts)
            and _RUN.fullmatch(says["run"])
        )
        layout = "<machine>/<framework>/<version>/<YYYYMMDDTHHMMSSZ-xxxxxx>.csv"
        problem = None if good else InputError(path, None, f"path {'/'.join(parts)!r}", layout)
        return cls(path, says, problem)

    @property
    def key(self) -> str:
        return "/".join(self.says.values())


def validate(path: Path) -> list[InputError]:
    """Return every problem of one CSV and of the JSON beside it; empty when all is well."""
    where = _Where.of(path)
    problems = [where.problem] if where.problem else []
    try:
        problems += _row_problems(path.read_bytes(), where)
    except OSError as error:
        problems.append(InputError(path, None, error.strerror, "a readable file"))
    try:
        document, _ = _parse_document(path.with_suffix(".json"))
    except InputError as error:
        problems.append(error)
    else:
        problems += _document_problems(document, where)
    return problems


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV as they stand, with the standard library only.

    Raises:
        InputError: the first problem of the file.

    """
    data = _read_bytes(path)
    for problem in _row_problems(data, _Where.of(path)):
        raise problem
    lines = data.decode().split("\n")[1:-1]
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in csv.reader(lines)]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error


def _row_problems(data: bytes, where: _Where) -> Iterator[InputError]:
    """Go through a CSV line by line: the slow pass, which knows the line of every problem."""

    def problem(line: int, found: object, expected: object) -> InputError:
        return InputError(where.path, line, found, expected)

    lines = data.split(b"\n")
    if lines[0] + b"\n" != _HEADER:
        found = f"header {_shown(lines[0].decode('utf-8', 'replace'))}"
        yield problem(1, found, ",".join(COLUMNS))
        return
    if lines[-1]:
        yield problem(len(lines), "no line end after the last row (truncated?)", "a line end")
    else:
        lines.pop()
    units: dict[tuple[str, str], str] = {}
    samples: set[tuple[str, ...]] = set()
    for number, line in enumerate(lines[1:], start=2):
        try:
            # Line by line, so that an open quotation mark cannot swallow the rest of the file.
            cells = next(csv.reader([line.decode()], strict=True), [])
        except UnicodeDecodeError as error:
            yield problem(number, f"byte 0x{line[error.start]:02x} that is not UTF-8", "UTF-8 text")
            continue
        except csv.Error as error:
            yield problem(number, f"{error}: {_shown(line.decode())}", "one CSV record a line")
            continue
        if len(cells) != len(COLUMNS):
            yield problem(number, f"{len(cells)} columns", f"{len(COLUMNS)} columns")
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        for found, expected in _cell_problems(row, where.says):
            yield problem(number, found, expected)
        unit = units.setdefault((row["section"], row["metric"]), row["unit"])
        if unit != row["unit"]:
            yield problem(
                number,
                f"unit {_shown(row['unit'])} of metric {_shown(row['metric'])}",
                f"{unit!r}, as in the rows before",
            )
        if row["status"] == "ok" and row["sample"] and "partial" not in row["flags"]:
            identity = tuple(row[column] for column in _SAMPLE_KEY)
            if identity in samples:
                yield problem(number, "the same sample a second time", "every sample once")
            samples.add(identity)


_SAMPLE_KEY = (*_IDENTITY, "case", "metric", "block", "sample")


def _cell_problems(row: dict[str, str], says: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (found, expected) for everything that is wrong within one row."""
    for column, text in row.items():
        if match := _UNPRINTABLE.search(text):
            yield f"character U+{ord(match[0]):04X} in {column}", "printable text"
    for column, expected in says.items():
        if row[column] != expected:
            yield f"{column} {_shown(row[column])}", f"{expected!r}, as the path says"
    for column in ("section", "device", "metric", "unit"):
        if not row[column]:
            yield f"no {column}", f"a {column}"
    yield from _outcome_problems(row["status"], row["value"], row["reason"])
    for column in ("block", "sample"):
        if row[column] and not _COUNT.fullmatch(row[column]):
            yield f"{column} {_shown(row[column])}", "an integer from 0, or nothing"
    if row["flags"] and not _flags_are_known(row["flags"]):
        yield f"flags {_shown(row['flags'])}", f"words out of: {' '.join(FLAGS)}"
    if len(row["reason"]) > REASON_LENGTH:
        yield f"a reason of {len(row['reason'])} characters", f"at most {REASON_LENGTH}"


def _outcome_problems(status: str, value: str, reason: str) -> Iterator[tuple[str, str]]:
    if status not in STATUSES:
        yield f"status {_shown(status)}", " ".join(STATUSES)
        return
    if status != "ok" and not reason:
        yield f"status {status} without a reason", "a reason"
    if status not in ("ok", "wrong") and value:
        yield f"value {_shown(value)} with status {status}", "no value"
    elif (status == "ok" or value) and not (
        _NUMBER.fullmatch(value) and math.isfinite(float(value))
    ):
        yield f"value {_shown(value)}", "a finite number"


def _flags_are_known(text: str) -> bool:
    words = text.split(" ")
    return len(set(words)) == len(words) and set(words) <= set(FLAGS)


def _shown(text: str) -> str:
    """Return foreign text as it may stand in a message: quoted, escaped, short."""
    return ascii(text if len(text) <= 60 else text[:59] + "…")


# -------------------------------------------------------------------------------------- documents

_TEXT, _WHOLE, _REAL = (str,), (int,), (int, float)
_NONE = type(None)
_SHAPE: dict[str, Any] = {
    "schema": _WHOLE,
    "run": _TEXT,
    "machine": {
        "id": _TEXT,
        "cpu": _TEXT,
        "cores": _WHOLE,
        "threads": _WHOLE,
        "memory_bytes": _WHOLE,
        "os": _TEXT,
        "kernel": _TEXT,
        "virtualised": (bool, _NONE),
        "gpus": [{"name": _TEXT, "driver": _TEXT, "memory_bytes": _WHOLE}],
    },
    "framework": _TEXT,
    "version": _TEXT,
    "profile": _TEXT,
    "device": _TEXT,
    "starts": [_TEXT],
    "finished": (str, _NONE),
    "seed": _WHOLE,
    "repository": {"commit": (str, _NONE), "dirty": (bool, _NONE)},
    "command": _TEXT,
    "environment": {
        "kind": _TEXT,
        "lock": (str, _NONE),
        "lock_sha256": (str, _NONE),
        "python": _TEXT,
        "packages": [_TEXT],
        "install_seconds": (*_REAL, _NONE),
        "size_bytes": (int, _NONE),
    },
    "code_sha256": {},
    "data": {"name": _TEXT, "sha256": _TEXT},
    "weights_sha256": _TEXT,
    "settings": {},
    "build": {},
    "jobs": [
        {
            "id": _TEXT,
            "sections": [_TEXT],
            "mode": _TEXT,
            "device": _TEXT,
            "lane": _TEXT,
            "case": _TEXT,
            "block": (int, _NONE),
            "status": _TEXT,
        }
    ],
}
"""Keys that a document must have, with their types. More keys are welcome anywhere.

A dict is an object with at least these keys, a list an array of such elements, a tuple one of these
types. ``bool`` is no ``int`` here.
"""

_TYPE_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false", _NONE: "null"}


def read_document(csv_path: Path) -> Document:
    """Return the document beside a CSV, migrated to schema :data:`SCHEMA`; standard library only.

    Raises:
        InputError: it is missing, is not JSON, lacks something, or contradicts the path.

    """
    where = _Where.of(csv_path)
    if where.problem:
        raise where.problem
    document, plain = _parse_document(csv_path.with_suffix(".json"))
    for problem in _document_problems(document, where, plain=plain):
        raise problem
    return document


def _parse_document(path: Path) -> tuple[Document, bool]:
    """Return the migrated document at ``path``, and whether its file is plain printable text.

    Its shape is not checked yet.
    """

    def constant(name: str) -> None:
        raise InputError(path, None, f"the number {name}", "finite numbers")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        unique = dict(pairs)
        if len(unique) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(path, None, f"the key {_shown(twice)} twice", "every key once")
        return unique

    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise InputError(path, None, "no file", "the document of the CSV beside it") from error
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x} that is not UTF-8"
        raise InputError(path, line, found, "UTF-8 text") from error
    try:
        document = json.loads(text, parse_constant=constant, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(path, error.lineno, f"{error.msg} at column {error.colno}", "JSON") from (
            error
        )
    except (RecursionError, ValueError) as error:  # thousands of brackets, or of digits
        raise InputError(path, None, type(error).__name__, "JSON of ordinary depth") from error
    if not isinstance(document, dict):
        raise InputError(path, 1, type(document).__name__, "an object")
    # Escapes other than \" and \\ may hide anything; so may characters beyond ASCII.
    plain = not re.search(r'[^\n -~]|\\[^"\\]', text)
    return _migrate(document, path), plain


def _migrate(document: Document, path: Path) -> Document:
    schema = document.get("schema")
    while type(schema) is not int or schema != SCHEMA:  # True == 1, but is no schema
        if type(schema) is not int or schema not in MIGRATIONS:
            known = ", ".join(map(str, sorted({SCHEMA, *MIGRATIONS})))
            hint = " (written by a newer generator? update the checkout)"
            found = f"schema {_shown(str(schema))}"
            raise InputError(path, None, found, f"one of {known}{hint}")
        document = {**MIGRATIONS[schema](document), "schema": schema + 1}
        schema += 1
    return document


def _document_problems(
    document: Document, where: _Where, *, plain: bool = False
) -> Iterator[InputError]:
    """Yield everything that is wrong with a document of the current schema.

    ``plain`` says that its file has no unprintable text, so that no one need look again.
    """
    path = where.path.with_suffix(".json")

    def problem(found: str, expected: str) -> InputError:
        return InputError(path, None, found, expected)

    wrong = list(_shape_problems(document, _SHAPE, ""))
    if not plain:
        wrong += _text_problems(document, "")
    yield from (problem(found, expected) for found, expected in wrong)
    if wrong:
        return
    said = {**document, "machine": document["machine"]["id"]}
    for name, expected in where.says.items():
        if said[name] != expected:
            yield problem(f"{name} {_shown(said[name])}", f"{expected!r}, as the path says")
    if document["profile"] not in PROFILES:
        yield problem(f"profile {_shown(document['profile'])}", " ".join(PROFILES))
    for name, times in (("starts", document["starts"]), ("finished", [document["finished"]])):
        for time in times:
            if time is not None and not _is_utc(time):
                yield problem(f"{name} {_shown(time)}", "a UTC time, 2026-11-22T20:15:00Z")
    for index, job in enumerate(document["jobs"]):
        if job["status"] not in STATUSES:
            yield problem(f"jobs[{index}].status {_shown(job['status'])}", " ".join(STATUSES))
        log = job.get("log")
        if log is not None and not (isinstance(log, str) and _is_inside(log)):
            yield problem(f"jobs[{index}].log {_shown(str(log))}", "a path below the results")


def _shape_problems(value: object, shape: Any, at: str) -> Iterator[tuple[str, str]]:
    name = at or "document"
    if isinstance(shape, tuple):
        if type(value) not in shape:
            expected = " or ".join(_TYPE_NAMES[kind] for kind in shape)
            yield f"{name}: {_shown(repr(value))}", expected
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{name}: {_shown(repr(value))}", "an array"
            return
        for index, element in enumerate(value):
            yield from _shape_problems(element, shape[0], f"{name}[{index}]")
    else:
        if not isinstance(value, dict):
            yield f"{name}: {_shown(repr(value))}", "an object"
            return
        for key, inner in shape.items():
            below = f"{at}.{key}" if at else key
            if key in value:
                yield from _shape_problems(value[key], inner, below)
            else:
                yield f"no {below}", f"the key {below!r}"


def _text_problems(value: object, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.isprintable() and value.isascii():  # nearly all of them: quicker than searching
            return
        if match := _UNPRINTABLE.search(value.replace("\n", "").replace("\t", "")):
            yield f"character U+{ord(match[0]):04X} in {at}", "printable text"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _text_problems(key, at or "a key")
            yield from _text_problems(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _text_problems(inner, f"{at}[{index}]")


def _is_utc(text: str) -> bool:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return False
    return time.tzinfo is not None and not time.utcoffset()


def _is_inside(text: str) -> bool:
    path = Path(text)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in text


# ---------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _File:
    """A parsed CSV: its columns, and which rows belong to which configuration."""

    columns: Mapping[str, Any]
    """Text: (categorical type, codes); block and sample: Int64; value: float64."""
    configurations: list[tuple[str, ...]]
    """(section, mode, device, lane) of every configuration that has whole rows."""
    codes: np.ndarray[Any, Any]
    """Per row, the index of its configuration; -1 for rows of an interrupted process."""

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """Made on demand: of many runs, most are superseded and never looked at."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(column[1], dtype=column[0], validate=False)
                if isinstance(column, tuple)
                else column
                for name, column in self.columns.items()
            },
            copy=False,
        )


_files: dict[tuple[str, str], _File] = {}
"""(key of the path, content hash) -> parsed file."""
_digests: dict[Path, tuple[tuple[int, ...], str]] = {}
"""path -> (identity on disk, content hash): an untouched file is not read again."""
_documents: dict[Path, tuple[tuple[int, ...], Document]] = {}
"""CSV path -> (identity of the JSON on disk, document)."""


def find(root: Path) -> list[Path]:
    """Return every CSV below ``root``, sorted; those in unexpected places too."""
    return sorted(root.rglob("*.csv"))


def read(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV; parsed once per content and process. Do not change the frame.

    Columns are :data:`COLUMNS`: ``value`` float64 (NaN when empty), ``block`` and ``sample`` Int64
    (NA when empty), all others categorical (there may be categories that no row has).

    Raises:
        InputError: with the line, for the first thing that is not as agreed.

    """
    return _read([path])[0].frame


_BATCH_BYTES = 32 << 20
"""Files are parsed together up to this size: pandas takes 10 ms to begin with each."""


def _read(paths: Sequence[Path]) -> list[_File]:
    """Return the parsed files in the order of their paths."""
    keys: list[tuple[str, str]] = []
    batch: list[tuple[bytes, _Where]] = []
    batch_keys: list[tuple[str, str]] = []

    def parse() -> None:
        _files.update(zip(batch_keys, _parse(batch), strict=True))
        batch.clear()
        batch_keys.clear()

    for path in paths:
        where = _Where.of(path)
        if where.problem:
            raise where.problem
        identity = _identity(path)
        known = _digests.get(path)
        if known and known[0] == identity and (where.key, known[1]) in _files:
            keys.append((where.key, known[1]))
            continue
        data = _read_bytes(path)
        key = (where.key, hashlib.blake2b(data).hexdigest())
        if known and known[1] != key[1]:
            _files.pop((where.key, known[1]), None)
        _digests[path] = (identity, key[1])
        keys.append(key)
        if key not in _files:
            batch.append((data, where))
            batch_keys.append(key)
            if sum(len(data) for data, _ in batch) > _BATCH_BYTES:
                parse()
    if batch:
        parse()
    return [_files[key] for key in keys]


def _read_document_once(path: Path) -> Document:
    beside = path.with_suffix(".json")
    identity = _identity(beside) if beside.exists() else ()
    known = _documents.get(path)
    if known is None or known[0] != identity:
        known = _documents[path] = (identity, read_document(path))
    return known[1]


def _identity(path: Path) -> tuple[int, ...]:
    """Return numbers that change whenever a file is replaced or written to."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _parse(batch: Sequence[tuple[bytes, _Where]]) -> list[_File]:
    files = _parse_fast(batch)
    if files is not None:
        return files
    files = []
    for one in batch:
        alone = _parse_fast([one]) if len(batch) > 1 else None
        if alone is None:
            for problem in _row_problems(*one):
                raise problem
            # The slow pass accepts what a quick check doubted, such as ",value," inside a reason.
            alone = _parse_fast([one], doubt=False)
        if alone is None:
            raise InputError(one[1].path, None, "text that pandas cannot parse", "plain CSV")
        files += alone
    return files


@dataclass(frozen=True)
class _Text:
    """A column of text: its different texts, and per row the index of one of them."""

    names: list[str]
    codes: np.ndarray[Any, Any]

    def per_row(self, function: Callable[[str], Any]) -> Any:
        return np.array([*map(function, self.names), function("")])[self.codes]

    def total(self, count: Callable[[str], int]) -> int:
        return int(self.per_row(count).sum()) if any(map(count, self.names)) else 0


def _parse_fast(batch: Sequence[tuple[bytes, _Where]], *, doubt: bool = True) -> list[_File] | None:
    """Parse files in one go; None when a check on whole columns fails for any of them.

    With ``doubt=False`` the slow pass has already accepted them, so only pandas is asked.
    """
    import pandas as pd

    if doubt and not all(_bytes_are_good(data) for data, _ in batch):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.BytesIO(b"".join(data for data, _ in batch)),
                # Headers are read as rows: a word in every column keeps pandas from taking a
                # version such as 2.10 for a number.
                header=None,
                names=list(COLUMNS),
                dtype={
                    column: "float64" if column == "value" else "category" for column in COLUMNS
                },
                index_col=False,
                keep_default_na=False,
                na_values={"value": ["", "value"]},
                skip_blank_lines=False,
            )
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    lengths = [data.count(b"\n") for data, _ in batch]
    if len(frame) != sum(lengths):
        return None
    heads = np.cumsum([0, *lengths[:-1]])
    value = np.delete(frame["value"].to_numpy(), heads)
    texts = {
        column: _without_headers(frame[column].array, heads)
        for column in COLUMNS
        if column != "value"
    }
    file = np.repeat(np.arange(len(batch)), np.array(lengths) - 1)
    if doubt and not _columns_are_good(texts, value, file, batch):
        return None
    columns: dict[str, Any] = {"value": value}
    for column, text in texts.items():
        if column in ("block", "sample"):
            numbers = text.per_row(lambda name: int(name or 0)).astype("int64")
            columns[column] = pd.arrays.IntegerArray(numbers, text.per_row("".__eq__))
        else:
            columns[column] = (pd.CategoricalDtype(pd.Index(text.names, dtype="str")), text.codes)
    return _split({column: columns[column] for column in COLUMNS}, texts, file, len(batch))


def _bytes_are_good(data: bytes) -> bool:
    return (
        data.startswith(_HEADER)
        and data.endswith(b"\n")
        and len(data.translate(None, _CONTROL_BYTES)) == len(data)
        and data.count(b",value,") == 1  # in the header; pandas is told that it stands for nothing
    )


def _without_headers(column: Any, heads: np.ndarray[Any, Any]) -> _Text:
    """Return a categorical column without the rows ``heads``, which all hold its name."""
    names = [str(name) for name in column.categories]
    head, codes = column.codes[0], np.delete(column.codes, heads)
    if not (codes == head).any():
        del names[head]
        codes = codes - (codes > head).astype(codes.dtype)
    return _Text(names, codes)


def _split(
    columns: Mapping[str, Any], texts: Mapping[str, _Text], file: np.ndarray[Any, Any], count: int
) -> list[_File]:
    """Cut the columns of a batch into files and find the configurations of each."""
    names = [texts[column].names for column in _IDENTITY]
    numbers = np.stack([texts[column].codes for column in _IDENTITY])
    # The file comes first, so that its configurations are neighbours after sorting.
    combined = _combined([file, *numbers])
    # Rows of a configuration follow each other: sorting the stretches is enough.
    starts = np.flatnonzero(np.diff(combined, prepend=-1))
    _, first, codes = np.unique(combined[starts], return_index=True, return_inverse=True)
    first, codes = starts[first], np.repeat(codes, np.diff(starts, append=len(combined)))
    partial = texts["flags"].per_row(lambda name: "partial" in name)
    rows = np.searchsorted(file, np.arange(count + 1))
    groups = np.searchsorted(file[first], np.arange(count + 1))
    files = []
    for start, end, low, high in zip(rows, rows[1:], groups, groups[1:], strict=False):
        configurations = [
            tuple(some[code] for some, code in zip(names, numbers[:, row], strict=True))
            for row in first[low:high]
        ]
        own = {
            name: (column[0], column[1][start:end])
            if isinstance(column, tuple)
            else column[start:end]
            for name, column in columns.items()
        }
        whole = np.where(partial[start:end], -1, codes[start:end] - low)
        files.append(_File(own, configurations, whole))
    return files


def _columns_are_good(
    texts: Mapping[str, _Text],
    value: np.ndarray[Any, Any],
    file: np.ndarray[Any, Any],
    batch: Sequence[tuple[bytes, _Where]],
) -> bool:
    """Check everything that the slow pass checks, on the different texts and whole columns."""
    names = {column: text.names for column, text in texts.items()}

    def distinct(*columns: str) -> int:
        return len(np.unique(_combined([file, *(texts[column].codes for column in columns)])))

    def every_name_is_good() -> bool:
        return (
            not any(_UNPRINTABLE.search(name) for some in names.values() for name in some)
            and not any("" in names[column] for column in ("section", "device", "metric", "unit"))
            and set(names["status"]) <= set(STATUSES)
            and all(not name or _flags_are_known(name) for name in names["flags"])
            and all(len(name) <= REASON_LENGTH for name in names["reason"])
            and all(not name or _COUNT.fullmatch(name) for name in names["block"] + names["sample"])
        )

    def every_row_is_in_its_file() -> bool:
        for column in _PATH_COLUMNS:
            code = {name: number for number, name in enumerate(names[column])}
            said = np.array([code.get(where.says[column], -1) for _, where in batch])
            if not np.array_equal(texts[column].codes, said[file]):
                return False
        return True

    def every_row_is_whole() -> bool:
        # pandas pads a short row: then commas are missing. Those inside texts do not separate.
        inside = sum(text.total(lambda name: name.count(",")) for text in texts.values())
        commas = sum(data.count(b",") for data, _ in batch)
        lines = len(value) + len(batch)
        return commas == inside + (len(COLUMNS) - 1) * lines and quotes_are_in_place()

    def quotes_are_in_place() -> bool:
        try:  # pandas takes a"b and "a"b as well
            for data, _ in batch:
                for line in _quoted_lines(data):
                    next(csv.reader([line.decode()], strict=True))
        except csv.Error:
            return False
        return True

    def every_outcome_is_good() -> bool:
        ok, wrong = (texts["status"].per_row(status.__eq__) for status in ("ok", "wrong"))
        return bool(
            np.isfinite(value[ok]).all()
            and not np.isinf(value[wrong]).any()
            and np.isnan(value[~(ok | wrong)]).all()
            and texts["reason"].per_row(bool)[~ok].all()
        )

    def every_sample_is_there_once() -> bool:
        counts = (
            texts["status"].per_row("ok".__eq__)
            & texts["sample"].per_row(bool)
            & ~texts["flags"].per_row(lambda name: "partial" in name)
        )
        identity = _combined([file[counts], *(texts[c].codes[counts] for c in _SAMPLE_KEY)])
        return len(np.unique(identity)) == len(identity)

    return (
        every_name_is_good()
        and every_row_is_in_its_file()
        and every_row_is_whole()
        and every_outcome_is_good()
        and distinct("section", "metric", "unit") == distinct("section", "metric")
        and every_sample_is_there_once()
    )


def _quoted_lines(data: bytes) -> Iterator[bytes]:
    at = data.find(b'"')
    while at >= 0:
        end = data.find(b"\n", at)
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(b'"', end)


def _combined(columns: Sequence[Any]) -> Any:
    """Return one integer a row: equal exactly where all of the columns of codes (>= 0) are."""
    combined = np.zeros(len(columns[0]), dtype="int64")
    for codes in columns:
        if len(codes):
            combined = combined * (int(codes.max()) + 1) + codes
    return combined


@dataclass(frozen=True)
class Results:
    """Everything that was ever measured, keyed by ``machine/framework/version/run``."""

    files: Mapping[str, _File]
    documents: Mapping[str, Document]
    digests: Mapping[str, str]
    """Hash of each CSV's bytes."""

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The rows of every run, see :func:`read`."""
        return {key: file.frame for key, file in self.files.items()}


def load(root: Path) -> Results:
    """Read all results below ``root``.

    Raises:
        InputError: for the first file that is not as agreed; :func:`validate` lists all problems.

    """
    paths = find(root)
    files = {_Where.of(path).key: file for path, file in zip(paths, _read(paths), strict=True)}
    documents = {_Where.of(path).key: _read_document_once(path) for path in paths}
    digests = {_Where.of(path).key: _digests[path][1] for path in paths}
    return Results(files, documents, digests)


def everything(results: Results) -> pd.DataFrame:
    """Return all whole rows of all runs, with the columns of :func:`select`."""
    return _gather(results, {key: file.configurations for key, file in results.files.items()})


def select(results: Results, profiles: Collection[str] = ("quick", "full")) -> pd.DataFrame:
    """Return the rows that pages show, in one frame.

    Per machine, framework, version, section, mode, device and lane these are the rows of the newest
    run (its id begins with the time) of some profiles; a run that is not finished is shown only
    where no finished one has anything. Rows of interrupted processes (flag ``partial``) are left
    out before the newest is chosen.

    Returns:
        the columns of :func:`read`, and ``profile``, ``code`` (hash of the measuring code of the
        row's section) and ``provenance`` (key into ``results.documents``), all categorical.

    """
    chosen: dict[str, list[tuple[str, ...]]] = {}
    for (subject, *configuration), runs in _runs(results, profiles).items():
        chosen.setdefault(f"{subject}/{runs[-1][1]}", []).append(tuple(configuration))
    return _gather(results, chosen)


def earlier(
    results: Results,
    sections: Collection[str],
    profiles: Collection[str] = ("quick", "full"),
) -> pd.DataFrame:
    """Return the rows of the finished run before the one that :func:`select` chooses.

    Configurations that were measured once only have none.

    Args:
        results: everything.
        sections: only these.
        profiles: as :func:`select` takes them.

    """
    chosen: dict[str, list[tuple[str, ...]]] = {}
    for (subject, *configuration), runs in _runs(results, profiles).items():
        if configuration[0] in sections and len(runs) > 1 and runs[-2][0]:
            chosen.setdefault(f"{subject}/{runs[-2][1]}", []).append(tuple(configuration))
    return _gather(results, chosen)


def of_run(results: Results, run: str, machine: str) -> pd.DataFrame:
    """Return the rows of one run of any profile on one machine, see :func:`select`."""
    own = {
        key: file
        for key, file in results.files.items()
        if key.startswith(f"{machine}/") and key.endswith(f"/{run}")
    }
    return select(Results(own, results.documents, results.digests), PROFILES)


def _runs(
    results: Results, profiles: Collection[str]
) -> dict[tuple[str, ...], list[tuple[bool, str]]]:
    """Return configuration -> (finished, run) of all that measured it, the one to show last."""
    found: dict[tuple[str, ...], list[tuple[bool, str]]] = {}
    for key, file in sorted(results.files.items()):
        if results.documents[key]["profile"] not in profiles:
            continue
        subject, run = key.rsplit("/", 1)
        state = (results.documents[key]["finished"] is not None, run)
        for index in sorted(set(file.codes.tolist()) - {-1}):
            found.setdefault((subject, *file.configurations[index]), []).append(state)
    return {configuration: sorted(runs) for configuration, runs in found.items()}


def current(frame: pd.DataFrame, listed: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows of the newest release of each configuration: what ordinary pages show.

    Args:
        frame: of :func:`select`.
        listed: framework id -> its releases in the order of ``framework.toml``. Others are ordered
            among them by their number; what is no number comes first.

    Returns:
        per machine, framework, section, mode, device and lane the rows of one release. A section
        that only an older one was measured for keeps that one.

    """
    columns = ["machine", "framework", "section", "mode", "device", "lane", "version"]
    if frame.empty:
        return frame
    combined = _combined([frame[column].cat.codes.to_numpy() for column in columns])
    _, first, codes = np.unique(combined, return_index=True, return_inverse=True)
    newest: dict[tuple[str, ...], tuple[Any, int]] = {}
    for index, cells in enumerate(frame.iloc[first][columns].itertuples(index=False)):
        *configuration, version = map(str, cells)
        found = age(listed.get(configuration[1], ()), version), index
        newest[tuple(configuration)] = max(found, newest.get(tuple(configuration), found))
    kept = np.zeros(len(first), dtype=bool)
    kept[[index for _, index in newest.values()]] = True
    return frame[kept[codes]] if not kept.all() else frame


def age(listed: Sequence[str], version: str) -> Any:
    """Return what releases of one framework are sorted by, the oldest first.

    Args:
        listed: its releases in the order of ``framework.toml``.
        version: one of them, or another one: after the last listed one that it is newer than.

    """
    from packaging.version import InvalidVersion, Version

    def number(text: str) -> Version:
        try:
            return Version(text)
        except InvalidVersion:
            return Version("0.dev0")

    if version in listed:
        return list(listed).index(version), number(version)
    older = [n for n, other in enumerate(listed) if number(other) < number(version)]
    return max(older, default=-1), number(version)


def shown(results: Results, listed: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows that ordinary pages show; see :func:`select` and :func:`current`."""
    return withhold(current(select(results), listed))


def history(results: Results) -> pd.DataFrame:
    """Return the rows of the releases that were measured beside each other, see :func:`select`."""
    return select(results, ("history",))


def study(results: Results, shown: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows of the A/A study, with the columns of :func:`select`.

    Those are all whole rows of profile ``aa``, where every run counts (``provenance`` tells them
    apart), and the :func:`twins` among the rows that are shown, if they are given.
    """
    rows = _gather(
        results,
        {
            key: file.configurations
            for key, file in sorted(results.files.items())
            if results.documents[key]["profile"] == "aa"
        },
    )
    return rows if shown is None else stack([rows, twins(shown)])


_CONFIGURATION = ("machine", "framework", "version", "mode", "device", "lane")


def twins(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every configuration and metric that ran twice in a block, both halves.

    The full profile measures each framework's default mode twice: that is an A/A study as well.
    """
    again = frame[frame["case"] == "again"]
    chosen = np.zeros(len(frame), dtype=bool)
    for mask in _masks(frame, again[[*_CONFIGURATION, "section", "metric"]]):
        chosen |= mask
    return frame[chosen]


def withhold(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with those of every configuration that the gate found wrong made ``wrong``.

    No number is published for a framework that did not do the same work, on no page: memory and
    compile time of other work say nothing either.
    """
    gate = (frame["metric"] == "gate") & (frame["section"] == "lenet")
    verdicts = frame[gate & (frame["status"] == "wrong")]
    spoilt = np.zeros(len(frame), dtype=bool)
    for mask in _masks(frame, verdicts[list(_CONFIGURATION)]):
        spoilt |= mask
    spoilt &= (frame["status"] == "ok").to_numpy() & (frame["section"] != "lenet").to_numpy()
    if not spoilt.any():
        return frame
    changed = frame.copy()
    for column, text in (("status", "wrong"), ("reason", "the gate found this mode wrong")):
        known = changed[column]
        if text not in known.cat.categories:
            known = known.cat.add_categories([text])
        changed[column] = known.where(~spoilt, text)
    return changed


def _masks(frame: pd.DataFrame, keys: pd.DataFrame) -> Iterator[np.ndarray[Any, Any]]:
    """Yield, for each distinct row of keys, which rows of the frame are equal in these columns."""
    for key in keys.drop_duplicates().itertuples(index=False):
        mask = np.ones(len(frame), dtype=bool)
        for column, text in zip(keys.columns, key, strict=True):
            mask &= (frame[column] == text).to_numpy()
        yield mask


def _gather(results: Results, chosen: Mapping[str, list[tuple[str, ...]]]) -> pd.DataFrame:
    """Join the whole rows of the chosen configurations of each file."""
    import pandas as pd

    parts = []
    for key, configurations in chosen.items():
        file = results.files[key]
        document = results.documents[key]
        wanted = np.array([*(name in set(configurations) for name in file.configurations), False])
        rows = np.flatnonzero(wanted[file.codes])
        frame = file.frame if len(rows) == len(file.codes) else file.frame.take(rows)
        sections = frame["section"].cat
        hashes = [str(document["code_sha256"].get(name, "")) for name in sections.categories]
        names = sorted(set(hashes))
        code: Any = np.array(list(map(names.index, hashes)))[sections.codes.to_numpy()]
        parts.append(
            frame.assign(
                profile=_constant(document["profile"], len(frame), pd),
                code=pd.Categorical.from_codes(code, pd.Index(names)),
                provenance=_constant(key, len(frame), pd),
            )
        )
    return stack(parts)


def stack(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of equal columns below each other; categories of all of them are kept."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    columns = (*COLUMNS, "profile", "code", "provenance")
    parts = [part for part in parts if len(part)]
    if not parts:
        empty = pd.DataFrame({column: pd.Categorical([]) for column in columns})
        return empty.astype({"value": "float64", "block": "Int64", "sample": "Int64"})
    joined = {}
    for column in columns:
        pieces = [part[column] for part in parts]
        if column in ("value", "block", "sample"):
            joined[column] = pd.concat(pieces, ignore_index=True).array
        else:
            joined[column] = union_categoricals(pieces, ignore_order=True)
    return pd.DataFrame(joined)


def _constant(text: str, length: int, pd: Any) -> Any:
    return pd.Categorical.from_codes(np.zeros(length, dtype="int8"), [text])
