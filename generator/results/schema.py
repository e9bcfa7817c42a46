"""The columns of a result file, and the patterns and limits of its texts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import InputError
from generator.formatting import INVISIBLE, shortened

COLUMNS = (
    "run", "machine", "framework", "version", "section", "mode", "device", "lane", "case",
    "metric", "unit", "block", "sample", "value", "status", "flags", "reason",
)  # fmt: skip
"""The columns of a CSV, in order."""

STATUSES = ("ok", "unsupported", "failed", "timeout", "wrong", "skipped")
"""How a measurement may end; every status but ``ok`` carries a reason."""

WITH_VALUE = ("ok", "wrong", "failed", "timeout")
"""What may have a number: a result, or evidence of what did not count."""

FLAGS = ("disturbed", "throttled", "partial", "resumed")
"""Words that ``flags`` may hold, separated by one space."""

PROFILES = ("quick", "full", "aa", "history", "variants")
"""``aa`` is the A/A study, never on a page of results; ``history`` compares the releases of one
framework with each other, ``variants`` a mode with itself under other switches; see
:mod:`generator.results.selection`."""

SCHEMA = 1
"""Version of the run records that are written, see ``run_record.schema.json``."""

Record = dict[str, Any]

Row = Mapping[str, str]

Finding = tuple[str, str]
"""What was found, and what was expected."""

RowFinding = tuple[int | None, str, str]
"""The same with its line in the CSV."""

REASON_LENGTH = 500

FORMULA = ("=", "+", "-", "@")
"""What a text that a spreadsheet computes begins with; no text of a result does."""

HEADER = (",".join(COLUMNS) + "\n").encode()

PATH_COLUMNS = ("machine", "framework", "version", "run")

IDENTITY = ("section", "mode", "device", "lane")

RUN = r"\d{8}T\d{6}Z-[0-9a-f]{6}"
"""Pattern of a run's id: when its command began, in UTC, and six random digits."""

NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
"""Pattern of a folder's or a log's name."""

COUNT = re.compile(r"0|[1-9][0-9]{0,8}")

NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")  # as Arrow reads

CONTROL_BYTES = bytes([*range(10), *range(11, 32), 127])

UNPRINTABLE = re.compile(f"{INVISIBLE.pattern}|[\t\n]")
"""What no cell holds."""


OF_NO_JOB = ("install_time", "install_size")
"""Metrics of an environment: known before any process runs in it, and of no mode."""

AGAIN = "again"
"""First word of the case of an A/A replicate: the second process of a configuration in a block."""


def again(case: str) -> str:
    """Return the case of the A/A replicate of a case."""
    return f"{AGAIN} {case}".rstrip()


def is_again(case: str) -> bool:
    """Whether a case is that of an A/A replicate."""
    return case.split(" ", 1)[0] == AGAIN


def replicated(case: str) -> str:
    """Return the case that an A/A replicate repeats; any other case as it is."""
    return case.removeprefix(AGAIN).lstrip() if is_again(case) else case


def case_of(section: str, case: str, start: str) -> str:
    """Return the case that a job's rows have in a section: start-up time tells cold from warm."""
    return f"{case} {start}".strip() if section == "compile" else case


def is_whole(row: Row) -> bool:
    """Whether a row has a number of a process that was not interrupted."""
    return row["status"] == "ok" and "partial" not in row["flags"].split()


def in_cell(value: object) -> str:
    """Return a value as a CSV's cell has it: nothing for None."""
    return "" if value is None else str(value)


def one_line(text: object) -> str:
    """Return any text as a valid ``reason``: printable, one line, at most 500 characters."""
    whole = str(text).encode("utf-8", "replace").decode()  # lone surrogates: undecodable output
    flat = " ".join(INVISIBLE.sub(" ", whole).split())
    return shortened(uncomputed(flat), REASON_LENGTH)


def uncomputed(text: str) -> str:
    """Return a text as a spreadsheet shows and does not compute it."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


@dataclass(frozen=True)
class Where:
    """A result file and what its path says about its content."""

    path: Path
    says: Mapping[str, str]
    problem: InputError | None

    @classmethod
    def of(cls, path: Path) -> Where:
        """Return what the path of a CSV says, and what is wrong with it."""
        parts = path.with_suffix("").parts[-4:]
        says = dict(zip(PATH_COLUMNS, parts, strict=False))
        good = (
            path.suffix == ".csv"
            and len(parts) == 4
            and all(re.fullmatch(NAME, part) for part in parts)
            and re.fullmatch(RUN, says["run"])
        )
        layout = "<machine>/<framework>/<version>/<YYYYMMDDTHHMMSSZ-xxxxxx>.csv"
        problem = None if good else InputError(path, None, f"path {'/'.join(parts)!r}", layout)
        return cls(path, says, problem)

    @property
    def key(self) -> str:
        """The key of a run: ``machine/framework/version/run``."""
        return "/".join(self.says.values())


SAMPLE_KEY = (*IDENTITY, "case", "metric", "block", "sample")


def carriage_returns(path: Path) -> InputError:
    """Return the problem of a file that somebody's git or editor gave other line ends."""
    mend = f"sed -i 's/\\r$//' {shlex.quote(str(path))}"
    return InputError(path, 1, "lines that end in CR LF", f"LF alone, as hashes have it: `{mend}`")


def quoted(text: object) -> str:
    """Return foreign text as it may stand in a message: quoted, escaped, at most 80 characters."""
    flat = str(text)
    return ascii(flat if len(flat) <= 80 else flat[:79] + "…")
