"""Finds every problem of a result file and its run record: what ``generator check`` does."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.errors import InputError
from generator.results.row_checks import content_problems, parsed, read_bytes, row_problems
from generator.results.run_record import SCHEMA_FILE, parse_run_record, record_problems
from generator.results.schema import Record, Where, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


def validate(
    path: Path, units: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> list[InputError]:
    """Return every problem of one CSV and of the run record beside it; empty when all is well.

    ``units`` are what sections declare: section -> metric -> unit.
    """
    where = Where.of(path)
    problems = [where.problem] if where.problem else []
    try:
        data = read_bytes(path)
        found = list(row_problems(data, where))
        problems += found or [
            InputError(path, *problem) for problem in content_problems(parsed(data), units)
        ]
    except InputError as error:
        problems.append(error)
    try:
        record, plain = parse_run_record(path.with_suffix(".json"))
    except InputError as error:
        return [*problems, error]
    wrong = list(schema_problems(record, path.with_suffix(".json")))
    return [*problems, *(wrong or record_problems(record, where, plain=plain))]


def schema_problems(record: Record, path: Path) -> Iterator[InputError]:
    """Yield what the JSON Schema does not allow in a run record of the current schema."""
    for error in sorted(_validator().iter_errors(record), key=lambda error: error.json_path):
        yield InputError(path, None, *_told(error))


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def _told(error: ValidationError) -> tuple[str, str]:
    """Return what was found and expected; the key that is missing, or the value that is wrong."""
    at = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return f"no {at}{'.' if at else ''}{missing}", f"the key {missing!r}"
    kinds = error.validator_value
    expected = {
        "type": " or ".join([kinds] if isinstance(kinds, str) else kinds),
        "enum": f"one of {kinds}",
    }.get(str(error.validator), str(error.schema.get("description", error.message)))
    return f"{at or 'the run record'}: {quoted(repr(error.instance))}", expected
