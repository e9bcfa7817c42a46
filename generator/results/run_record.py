"""Run records: reads and migrates the JSON beside a CSV, with the standard library only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import NoneType

from generator.errors import InputError
from generator.formatting import INVISIBLE
from generator.results.schema import NAME, PROFILES, SCHEMA, STATUSES, Record, Where, quoted

SCHEMA_FILE = Path(__file__).with_name("run_record.schema.json")
"""The published JSON Schema of run records, see :mod:`generator.results.validation`."""

LOCK = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\.txt"
"""Pattern of a lock's name: it is read from the framework's folder, and published."""

MIGRATIONS: dict[int, Callable[[Record], Record]] = {}
"""Schema number -> function that returns the run record in the next schema. Applied on reading."""


_NEEDED: Mapping[str, type | tuple[type, ...]] = {
    "run": str, "machine": dict, "framework": str, "version": str, "profile": str, "device": str,
    "starts": list, "finished": (str, NoneType), "seed": int, "repository": dict, "command": str,
    "environment": dict, "code_sha256": dict, "data": dict, "weights_sha256": str, "settings": dict,
    "build": dict, "jobs": list,
}  # fmt: skip
"""Keys without which nothing reads a run record; all of it is in ``run_record.schema.json``."""


def read_run_record(csv_path: Path) -> Record:
    """Return the run record beside a CSV, migrated to schema :data:`SCHEMA`.

    It needs the standard library only, and looks for what could do harm: one that is missing, is
    not JSON, lacks something or contradicts the path is an :class:`InputError`. Whether it is all
    that its schema wants, :func:`generator.results.validation.validate` says.
    """
    where = Where.of(csv_path)
    if where.problem:
        raise where.problem
    record, plain = parse_run_record(csv_path.with_suffix(".json"))
    for problem in record_problems(record, where, plain=plain):
        raise problem
    return record


def parse_run_record(path: Path) -> tuple[Record, bool]:
    """Return the migrated run record at ``path``, and whether its file is plain printable text.

    Its shape is not checked yet.
    """

    def constant(name: str) -> None:
        raise InputError(path, None, f"the number {name}", "finite numbers")

    def finite(digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            constant(quoted(digits))
        return number

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        unique = dict(pairs)
        if len(unique) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(path, None, f"the key {quoted(twice)} twice", "every key once")
        return unique

    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        raise InputError(path, None, "no file", "the run record of the CSV beside it") from error
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x} that is not UTF-8"
        raise InputError(path, line, found, "UTF-8 text") from error
    try:
        record = json.loads(
            text, parse_constant=constant, parse_float=finite, object_pairs_hook=once
        )
    except json.JSONDecodeError as error:
        found = f"{error.msg} at column {error.colno}"
        raise InputError(path, error.lineno, found, "JSON") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets, or of digits
        raise InputError(path, None, type(error).__name__, "JSON of ordinary depth") from error
    if not isinstance(record, dict):
        raise InputError(path, 1, type(record).__name__, "an object")
    # Escapes other than \" and \\ may hide anything; so may characters beyond ASCII.
    plain = not re.search(r'[^\n -~]|\\[^"\\]', text)
    return _migrate(record, path), plain


def _migrate(record: Record, path: Path) -> Record:
    schema = record.get("schema")
    while type(schema) is not int or schema != SCHEMA:  # True == 1, but is no schema
        if type(schema) is not int or schema not in MIGRATIONS:
            known = ", ".join(map(str, sorted({SCHEMA, *MIGRATIONS})))
            hint = " (written by a newer generator? update the checkout)"
            found = f"schema {quoted(schema)}"
            raise InputError(path, None, found, f"one of {known}{hint}")
        record = {**MIGRATIONS[schema](record), "schema": schema + 1}
        schema += 1
    return record


def record_problems(record: Record, where: Where, *, plain: bool = False) -> Iterator[InputError]:
    """Yield what contradicts the path, or could do harm, in a run record of the current schema.

    ``plain`` says that its file has no unprintable text, so that nobody need look again.
    """
    path = where.path.with_suffix(".json")
    try:
        for found in _contradictions(record, where):
            yield InputError(path, None, *found)
        for found in () if plain else _text_problems(record, ""):
            yield InputError(path, None, *found)
    except (KeyError, TypeError, AttributeError) as error:
        told = f"{type(error).__name__}: {quoted(error)}"
        yield InputError(path, None, told, "a run record; `generator check` says what it lacks")


def _contradictions(record: Record, where: Where) -> Iterator[tuple[str, str]]:
    for key, kind in _NEEDED.items():
        if key not in record:
            yield f"no {key}", f"the key {key!r}"
            return
        if not isinstance(record[key], kind):
            yield f"{key}: {quoted(repr(record[key]))}", "what `generator check` says"
            return
    said = {**record, "machine": record["machine"]["id"]}
    for name, expected in where.says.items():
        if said[name] != expected:
            yield f"{name} {quoted(said[name])}", f"{expected!r}, as the path says"
    if record["profile"] not in PROFILES:
        yield f"profile {quoted(record['profile'])}", " ".join(PROFILES)
    for name, times in (("starts", record["starts"]), ("finished", [record["finished"]])):
        for time in times:
            if time is not None and not _is_utc(time):
                yield f"{name} {quoted(time)}", "a UTC time, 2026-11-22T20:15:00Z"
    if type(rows := record.get("rows", 0)) is not int or rows < 0:
        yield f"rows {quoted(rows)}", "how many rows the CSV has"
    lock = record["environment"].get("lock")
    if lock is not None and not (isinstance(lock, str) and re.fullmatch(LOCK, lock)):
        yield f"environment.lock {quoted(lock)}", "the name of a lock, <version>-<device>.txt"
    for index, job in enumerate(record["jobs"]):
        if job["status"] not in STATUSES:
            yield f"jobs[{index}].status {quoted(job['status'])}", " ".join(STATUSES)
        log = job.get("log")
        if log is not None and not (isinstance(log, str) and _is_inside(log)):
            yield f"jobs[{index}].log {quoted(log)}", "a path below the results"


def _text_problems(value: object, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.isprintable() and value.isascii():  # nearly all of them: quicker than searching
            return
        if match := INVISIBLE.search(value):
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
    return bool(re.fullmatch(f"{NAME}(/{NAME})*", text)) and max(map(len, text.split("/"))) <= 255
