"""Goes through a result file line by line and names the line of every problem."""

from __future__ import annotations

import csv
import functools
import math
import operator
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from generator.errors import InputError
from generator.results import ranges
from generator.results.schema import (
    COLUMNS,
    COUNT,
    FLAGS,
    FORMULA,
    HEADER,
    NAME,
    NUMBER,
    OF_NO_JOB,
    REASON_LENGTH,
    SAMPLE_KEY,
    STATUSES,
    UNPRINTABLE,
    WITH_VALUE,
    Where,
    carriage_returns,
    quoted,
)


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV as they stand, with the standard library only.

    The first problem of the file is raised.
    """
    data = read_bytes(path)
    for problem in row_problems(data, Where.of(path)):
        raise problem
    return parsed(data)


def parsed(data: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV that has no problem."""
    lines = data.decode().split("\n")[1:-1]
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in csv.reader(lines)]


TEXTS = ("section", "mode", "device", "lane", "case", "metric", "unit", "flags", "reason")


def content_problems(
    rows: Iterable[Mapping[str, str]],
    units: Mapping[str, Mapping[str, str]],
    modes: Collection[str] = (),
) -> Iterator[tuple[int, str, str]]:
    """Yield (line, found, expected) for every cell that cannot be, though it has the right form.

    ``units`` are those of section and metric; without any, numbers are judged by the unit that they
    have. ``modes`` are the framework's, if they are known.
    """
    for line, row in enumerate(rows, start=2):
        for column in TEXTS:
            if row[column].startswith(FORMULA):
                wanted = f"text that no spreadsheet computes: none of {' '.join(FORMULA)} first"
                yield line, f"{column} {quoted(row[column])}", wanted
        section, metric, unit = row["section"], row["metric"], row["unit"]
        if row["lane"] and not re.fullmatch(NAME, row["lane"]):  # addresses are made from it
            yield line, f"lane {quoted(row['lane'])}", "letters, digits, '.', '_', '+' and '-'"
        if modes and row["mode"] not in (("",) if metric in OF_NO_JOB else modes):
            yield line, f"mode {quoted(row['mode'])}", f"one of {', '.join(modes)}"
        if units and section not in units:
            yield line, f"section {quoted(section)}", f"one of {', '.join(units)}"
        elif units and units[section].get(metric) != unit:
            metrics = ", ".join(f"{name} ({its})" for name, its in units[section].items())
            yield line, f"metric {quoted(metric)} in {quoted(unit)}", metrics
        elif row["status"] == "ok":
            possible = ranges.of(metric, unit)
            if not possible.holds(float(row["value"])):
                yield line, f"{quoted(metric)} of {row['value']} {unit}", str(possible)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; what the system refuses is an :class:`InputError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error


_identity = operator.itemgetter(*SAMPLE_KEY)


def row_problems(data: bytes, where: Where) -> Iterator[InputError]:
    """Go through a CSV line by line: the slow pass, which knows the line of every problem."""
    problem = functools.partial(InputError, where.path)
    if b"\r\n" in data:
        yield carriage_returns(where.path)
        return
    lines = data.split(b"\n")
    if lines[0] + b"\n" != HEADER:
        found = f"header {quoted(lines[0].decode('utf-8', 'replace'))}"
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
            text = line.decode()
            if match := UNPRINTABLE.search(text):
                yield problem(number, f"character U+{ord(match[0]):04X}", "printable text")
            plain = text and '"' not in text and not match
            # Line by line, so that an open quotation mark cannot swallow the rest of the file.
            cells = text.split(",") if plain else next(csv.reader([text], strict=True), [])
        except UnicodeDecodeError as error:
            yield problem(number, f"byte 0x{line[error.start]:02x} that is not UTF-8", "UTF-8 text")
            continue
        except csv.Error as error:
            yield problem(number, f"{error}: {quoted(line.decode())}", "one CSV record a line")
            continue
        if len(cells) != len(COLUMNS):
            yield problem(number, f"{len(cells)} columns", f"{len(COLUMNS)} columns")
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        for found, expected in _cell_problems(row, where.says):
            yield problem(number, found, expected)
        unit = units.setdefault((row["section"], row["metric"]), row["unit"])
        if unit != row["unit"]:
            found = f"unit {quoted(row['unit'])} of metric {quoted(row['metric'])}"
            yield problem(number, found, f"{unit!r}, as in the rows before")
        if row["status"] == "ok" and "partial" not in row["flags"]:
            identity = _identity(row)
            if identity in samples:
                yield problem(number, "the same number a second time", "every number once")
            samples.add(identity)


def _cell_problems(row: dict[str, str], says: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (found, expected) for everything that is wrong within one row."""
    for column, expected in says.items():
        if row[column] != expected:
            yield f"{column} {quoted(row[column])}", f"{expected!r}, as the path says"
    for column in ("section", "device", "metric", "unit"):
        if not row[column]:
            yield f"no {column}", f"a {column}"
    yield from _outcome_problems(row["status"], row["value"], row["reason"])
    for column in ("block", "sample"):
        if row[column] and not COUNT.fullmatch(row[column]):
            yield f"{column} {quoted(row[column])}", "an integer from 0, or nothing"
    if row["flags"] and not flags_are_known(row["flags"]):
        yield f"flags {quoted(row['flags'])}", f"words out of: {' '.join(FLAGS)}"
    if len(row["reason"]) > REASON_LENGTH:
        yield f"a reason of {len(row['reason'])} characters", f"at most {REASON_LENGTH}"


def _outcome_problems(status: str, value: str, reason: str) -> Iterator[tuple[str, str]]:
    if status not in STATUSES:
        yield f"status {quoted(status)}", " ".join(STATUSES)
        return
    if status != "ok" and not reason:
        yield f"status {status} without a reason", "a reason"
    if status not in WITH_VALUE and value:
        yield f"value {quoted(value)} with status {status}", "no value"
    elif (status == "ok" or value) and not (
        NUMBER.fullmatch(value) and math.isfinite(float(value))
    ):
        yield f"value {quoted(value)}", "a finite number"


def flags_are_known(text: str) -> bool:
    """Whether ``flags`` holds known words, each once."""
    words = text.split(" ")
    return len(set(words)) == len(words) and set(words) <= set(FLAGS)
