"""Finds every problem of a result file and its run record: what ``generator check`` does."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.errors import InputError
from generator.results import processes
from generator.results.row_checks import content_problems, parsed, read_bytes, row_problems
from generator.results.run_record import SCHEMA_FILE, parse_run_record, record_problems
from generator.results.schema import Record, Row, RowFinding, Where, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


def validate(
    path: Path,
    units: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    modes: Mapping[str, Collection[str]] = MappingProxyType({}),
    lanes: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[InputError]:
    """Return every problem of one CSV and of the run record beside it; empty when all is well.

    ``units`` are what sections declare: section -> metric -> unit. ``modes`` are those of
    frameworks; of others, any mode may be. ``lanes`` are those of devices, any without.
    """
    where = Where.of(path)
    problems = [where.problem] if where.problem else []
    rows: list[dict[str, str]] = []
    try:
        data = read_bytes(path)
        problems += (found := list(row_problems(data, where)))
        rows = [] if found else parsed(data)
        known = modes.get(where.says.get("framework", ""), ())
        problems += [InputError(path, *problem) for problem in content_problems(rows, units, known)]
        problems += [InputError(path, *problem) for problem in _unknown_lanes(rows, lanes)]
    except InputError as error:
        problems.append(error)
    try:
        record, plain = parse_run_record(path.with_suffix(".json"))
    except InputError as error:
        return [*problems, error]
    wrong = list(schema_problems(record, path.with_suffix(".json")))
    wrong = wrong or list(record_problems(record, where, plain=plain))
    if not wrong:
        expected = f"{record['device']}, as in the JSON"
        wrong = [
            InputError(path, line, f"device {quoted(row['device'])}", expected)
            for line, row in enumerate(rows, start=2)
            if row["device"] != record["device"]
        ]
        # Rows beyond are of a job whose end a killed generator did not write down.
        faults = processes.faults(processes.numbers(rows[: record.get("rows")]), record)
        first = {why: place for place, why in reversed(faults.items())}
        wanted = "numbers of whole processes; measure again"
        wrong += [InputError(path, place + 2, why, wanted) for why, place in first.items()]
    return [*problems, *wrong]


def _unknown_lanes(
    rows: Sequence[Row], lanes: Mapping[str, Collection[str]]
) -> Iterator[RowFinding]:
    """Yield lanes that their device has not, each once."""
    first = {(row["device"], row["lane"]): len(rows) + 1 - n for n, row in enumerate(rows[::-1])}
    for (device, lane), line in first.items():
        if lane and device in lanes and lane not in lanes[device]:
            yield line, f"lane {quoted(lane)}", f"one of {', '.join(lanes[device])}"


def schema_problems(record: Record, path: Path) -> Iterator[InputError]:
    """Yield what the JSON Schema does not allow in a run record of the current schema."""
    for error in sorted(_validator().iter_errors(record), key=lambda error: error.json_path):
        yield InputError(path, None, *told(error))


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def told(error: ValidationError) -> tuple[str, str]:
    """Return what a schema found and expected: a missing key, or a wrong value."""
    at = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return f"no {at}{'.' if at else ''}{missing}", f"the key {missing!r}"
    wanted, at = error.validator_value, at or "the whole"
    expected = error.schema.get("description", error.message)
    if error.validator == "type":
        expected = wanted if isinstance(wanted, str) else " or ".join(wanted)
    elif error.validator in ("enum", "minimum", "maximum"):
        words = {"enum": "one of", "minimum": "at least", "maximum": "at most"}
        expected = f"{words[error.validator]} {wanted}"
    return f"{at}: {quoted(repr(error.instance))}", str(expected)
