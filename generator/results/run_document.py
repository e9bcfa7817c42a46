"""Run records: read, migrate and check the JSON beside a CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from generator.errors import InputError
from generator.formatting import INVISIBLE
from generator.results.schema import (
    PROFILES,
    SCHEMA,
    STATUSES,
    Document,
    Where,
    quoted,
)

MIGRATIONS: dict[int, Callable[[Document], Document]] = {}
"""Schema number -> function that returns the document in the next schema. Applied on reading."""


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
    where = Where.of(csv_path)
    if where.problem:
        raise where.problem
    document, plain = parse_document(csv_path.with_suffix(".json"))
    for problem in document_problems(document, where, plain=plain):
        raise problem
    return document


def parse_document(path: Path) -> tuple[Document, bool]:
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
            raise InputError(path, None, f"the key {quoted(twice)} twice", "every key once")
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
            found = f"schema {quoted(str(schema))}"
            raise InputError(path, None, found, f"one of {known}{hint}")
        document = {**MIGRATIONS[schema](document), "schema": schema + 1}
        schema += 1
    return document


def document_problems(
    document: Document, where: Where, *, plain: bool = False
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
            yield problem(f"{name} {quoted(said[name])}", f"{expected!r}, as the path says")
    if document["profile"] not in PROFILES:
        yield problem(f"profile {quoted(document['profile'])}", " ".join(PROFILES))
    for name, times in (("starts", document["starts"]), ("finished", [document["finished"]])):
        for time in times:
            if time is not None and not _is_utc(time):
                yield problem(f"{name} {quoted(time)}", "a UTC time, 2026-11-22T20:15:00Z")
    for index, job in enumerate(document["jobs"]):
        if job["status"] not in STATUSES:
            yield problem(f"jobs[{index}].status {quoted(job['status'])}", " ".join(STATUSES))
        log = job.get("log")
        if log is not None and not (isinstance(log, str) and _is_inside(log)):
            yield problem(f"jobs[{index}].log {quoted(str(log))}", "a path below the results")


def _shape_problems(value: object, shape: Any, at: str) -> Iterator[tuple[str, str]]:
    name = at or "document"
    if isinstance(shape, tuple):
        if type(value) not in shape:
            expected = " or ".join(_TYPE_NAMES[kind] for kind in shape)
            yield f"{name}: {quoted(repr(value))}", expected
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{name}: {quoted(repr(value))}", "an array"
            return
        for index, element in enumerate(value):
            yield from _shape_problems(element, shape[0], f"{name}[{index}]")
    else:
        if not isinstance(value, dict):
            yield f"{name}: {quoted(repr(value))}", "an object"
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
    path = Path(text)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in text
