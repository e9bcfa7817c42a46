"""Reads what a worker wrote; it may be anything."""

from __future__ import annotations

import functools
import io
import json
import math
import os
import re
import shlex
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

from generator import formatting
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Section
from generator.measure import environments
from generator.measure.plan import Job
from generator.results import ranges, schema
from generator.subprocesses import WATCH_LIMIT

Row = dict[str, Any]
"""A row of a CSV, without its place in the run: section, case, metric, unit, value, status ..."""


class WorkerOutput(NamedTuple):
    """What a worker wrote: good rows up to the first bad line, facts, what is wrong there or ""."""

    rows: list[Row]
    facts: dict[str, Any]
    problem: str


def metric_row(section: Section, metric: str, **content: Any) -> Row:
    """Return a row of one metric of a section; ``content`` names what is not empty or "ok"."""
    unit = section.metrics[metric].unit
    row = {"section": section.id, "case": "", "metric": metric, "unit": unit, "sample": None}
    return row | {"value": None, "status": "ok", "reason": ""} | content


def headline_row(section: Section, **content: Any) -> Row:
    """Return a row of the metric that stands for a section, see :func:`metric_row`."""
    return metric_row(section, next(iter(section.metrics)), **content)


def publishable(text: str, root: Path = ROOT) -> str:
    """Return a text without this machine's paths and without control characters.

    Paths are replaced as they are, with links resolved, in addresses, and with backslashes.
    """
    if not text:  # nearly all reasons
        return ""
    own = {Path.home(): "~", Path(tempfile.gettempdir()): "<scratch>"}
    places = {root: "<repository>", environments.cache_folder(): "<cache>", **own}
    places |= {Path(prefix): "<python>" for prefix in (sys.prefix, sys.base_prefix)}
    known, names = _forms(tuple(places.items()), frozenset(own))
    return formatting.INVISIBLE.sub("", known.sub(lambda found: names[found[1]], text))


@functools.lru_cache(maxsize=8)
def _forms(
    places: tuple[tuple[Path, str], ...], whole: frozenset[Path]
) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern of folders in all the forms in which texts have them, and form -> name.

    ``whole`` are those that count although they have a short path.
    """
    names: dict[str, str] = {}
    for folder, name in places:
        if len(folder.parts) > 2 or folder in whole:
            for path in {str(folder), os.path.realpath(folder)} - {"/"}:
                back = path.replace("/", "\\")
                quoted = (json.dumps(one)[1:-1] for one in (path, back))
                forms = path, urllib.parse.quote(path), back, *quoted
                names |= dict.fromkeys(forms, name)
    longest = sorted(names, key=len, reverse=True)
    return re.compile(rf"({'|'.join(map(re.escape, longest))})(?![\w.-])"), names


def publishable_command(typed: str) -> str:
    """Return a command line without this machine's paths."""
    words = map(publishable, shlex.split(typed))
    return shlex.join(re.sub(r"^(--[\w-]+=)?(/|[A-Za-z]:[\\/]).*", r"\1<folder>", w) for w in words)


def read_rows(
    out: IO[bytes], job: Job, catalog: Catalog, taken: Iterable[tuple[str, ...]] = ()
) -> WorkerOutput:
    """Read what a worker wrote; it may be anything.

    Args:
        out: the worker's result file, opened; no more of it is read than it may have.
        job: what it was asked to do.
        catalog: its sections say which metrics there are.
        taken: (section, case, metric, sample) that other jobs of the same cell and block wrote.

    """
    output = WorkerOutput([], {}, "")
    samples = set(taken)
    for number, line in enumerate(io.BytesIO(out.read(WATCH_LIMIT)), 1):
        try:
            entry = json.loads(line)
            problem = _accept(entry, job, catalog, output, samples)
        except (ValueError, RecursionError, OverflowError):
            problem = f"found {line[:60].decode('utf-8', 'replace')!a}"
        if problem:
            problem = f"result file line {number}: {problem}; expected a JSON row"
            return output._replace(problem=problem)
    return output


def _accept(
    entry: Any, job: Job, catalog: Catalog, output: WorkerOutput, samples: set[tuple[str, ...]]
) -> str:
    """Put one entry where it belongs; return what is wrong with it, or ""."""
    if not isinstance(entry, dict) or len(entry) != 1:
        return f"found {str(entry)[:60]!a}"
    kind, content = next(iter(entry.items()))
    if output.facts.get("done"):
        return f"found {kind[:40]!a} after the last line"
    if kind == "done":
        output.facts["done"] = content is True
        return ""
    if kind not in ("fact", "row") or not isinstance(content, dict):
        return f"found {str(entry)[:60]!a}"
    if kind == "row":
        return _accept_row(content, job, catalog, output, samples)
    content = _storable(content)
    for name, expected in _FACT_SHAPES.items():
        if name in content and not expected(content[name]):
            return f"found fact {name} = {str(content[name])[:40]!a}"
    output.facts.update(content)
    return ""


def _accept_row(
    content: Row, job: Job, catalog: Catalog, output: WorkerOutput, samples: set[tuple[str, ...]]
) -> str:
    """Add one row, if it is as agreed; return what is wrong with it, or ""."""
    if content.get("section") not in job.sections:
        return f"found section {str(content.get('section'))[:40]!a}"
    section = catalog.section(content["section"])
    metric = section.metrics.get(str(content.get("metric")))
    if metric is None or content.get("unit") != metric.unit:
        return f"found metric {str(content.get('metric'))[:40]!a}"
    value, status, sample = (content.get(key) for key in ("value", "status", "sample"))
    if status not in schema.STATUSES or (status != "ok" and not content.get("reason")):
        return f"found status {str(status)[:40]!a} without a reason"
    number = isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)
    if (status == "ok" or value is not None) and not number:
        return f"found value {str(value)[:40]!a}"
    possible = ranges.of(metric.id, metric.unit)
    if status == "ok" and not possible.holds(value):
        return f"found {metric.id} of {value:g} {metric.unit}, which can be {possible}"
    if sample is not None and not (type(sample) is int and 0 <= sample < 10**6):
        return f"found sample {str(sample)[:40]!a}"
    case = schema.one_line(content.get("case") or "")[:40]
    if status == "ok":
        identity = section.id, case, metric.id, schema.in_cell(sample)
        if identity in samples:
            what = metric.id if sample is None else f"sample {sample} of {metric.id}"
            return f"found {what} a second time"
        samples.add(identity)
    value = None if value is None or status not in ("ok", "wrong") else float(value)
    reason = schema.one_line(publishable(str(content.get("reason") or "")))
    said = {"case": case, "sample": sample, "value": value, "status": status, "reason": reason}
    output.rows.append(metric_row(section, metric.id, **said))
    return ""


def _storable(value: Any, depth: int = 0) -> Any:
    """Return a fact as the run record may hold it: publishable text, finite numbers."""
    if depth > 20:
        raise ValueError("too deep")
    if isinstance(value, str):
        return publishable(value)
    if isinstance(value, dict):
        return {_storable(k): _storable(inner, depth + 1) for k, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner, depth + 1) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_number(value: Any, low: float = -1e300, high: float = 1e300) -> bool:
    return type(value) in (int, float) and low <= value <= high


def _is_said(value: Any) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_windows(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) for pair in value
    )


def _is_check(value: Any) -> bool:
    """Whether a value is one comparison of the gate: quantity, error, tolerance, whether kept."""
    if not isinstance(value, list) or len(value) != 4:
        return False
    quantity, error, tolerance, kept = value
    fine = isinstance(quantity, str) and type(kept) is bool and _is_number(tolerance, 0)
    return fine and (error is None or _is_number(error, 0))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _table(each: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(each, value.values()))


def _is_gate(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_check, value))


# What the run and pages compute with, as the schema of run records has it; other facts are only
# remembered.
_FACT_SHAPES: dict[str, Callable[[Any], bool]] = {
    "build": _table(_is_said),
    "threads_read_back": _table(_is_said),
    "gpu": _is_text,
    "k": lambda value: type(value) is int and 1 <= value <= 10**9,
    **dict.fromkeys(("windows", "memory_windows"), _is_windows),
    "gate": _is_gate,
    "gate_after": _is_gate,
    "unsynchronised_share": lambda value: _is_number(value, -1e9, 1e9),
    **dict.fromkeys(("death", "interface", "parallel"), _is_text),
    **dict.fromkeys(("languages", "spellings"), _table(_is_text)),
}
