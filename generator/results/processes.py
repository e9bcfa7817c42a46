"""Which numbers count: those of whole processes. One rule for the runner, `check` and pages.

A number of a process that broke off, timed without having verified, or wrote samples that it cannot
have taken is kept as evidence, and selected for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from generator.results.schema import OF_NO_JOB, case_of, in_cell, replicated

Array = NDArray[Any]

GROUP = ("section", "mode", "lane", "block", "case", "metric", "unit")
"""Columns that tell one metric of one process."""

GATED = ("lenet", "r")
"""Sections whose processes say in a row ``gate`` that they passed verification."""

STEPS_COUNTED = ("step_time", "python_step_time")
"""Metrics of gated sections of which the run record knows how many steps a sample has, ``k``."""

SHORTEST = 0.1
"""Share of the time aimed at that a sample lasts at least: calibration may meet a slow moment."""

UNVERIFIED = "a time without passed verification"

_VERDICT = "verdict"
_ANSWERS = (_VERDICT, "count")
"""Units of what is answered or counted and not measured."""

_LOGGED = ("MHz", "degC", "W")
"""Units of what the generator reads from the GPU during a sample; some it cannot read."""


class Numbers(NamedTuple):
    """Numbers with status ``ok``, as columns; a group are those of one metric of one process."""

    keys: Sequence[tuple[str, ...]]
    """Section, mode, lane, block, case, metric and unit of every group, as a CSV has them."""
    groups: Array
    """Per number, the index of its key."""
    places: Array
    """Per number, that of its row."""
    samples: Array
    """Per number, which sample it is; -1 for what is measured once."""
    values: Array


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether a row has a number that a process measured."""
    return row["status"] == "ok" and row["unit"] not in _ANSWERS


def counts(metric: str, status: str, flags: str) -> bool:
    """Whether a row says that it has a number of a whole process."""
    return status == "ok" and metric not in OF_NO_JOB and "partial" not in flags


def numbers(rows: Iterable[Mapping[str, Any]]) -> Numbers:
    """Return the numbers of rows, without those that say to be none of a whole process."""
    keys: dict[tuple[str, ...], int] = {}
    found = []
    for place, row in enumerate(rows):
        if counts(row["metric"], row["status"], row["flags"]):
            key = tuple(in_cell(row[name]) for name in GROUP)
            sample = in_cell(row["sample"]) or "-1"
            found.append((keys.setdefault(key, len(keys)), place, int(sample), float(row["value"])))
    columns = zip(*found, strict=True) if found else ((),) * 4
    return Numbers([*keys], *map(np.array, columns))


class _Taken(NamedTuple):
    """What the samples of one metric of one process are like."""

    numbered: int
    """How many have a number."""
    complete: bool
    """Whether these are 0, 1, 2 and so on."""
    least: float
    total: float


def _taken(numbers: Numbers) -> tuple[list[_Taken], list[Array]]:
    """Return what the samples of every key are like, and the places of their rows."""
    if not numbers.keys:
        return [], []
    order = np.lexsort((numbers.samples, numbers.groups))
    samples, values = numbers.samples[order], numbers.values[order]
    starts = np.flatnonzero(np.diff(numbers.groups[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    numbered = np.add.reduceat((samples >= 0).astype("int64"), starts)
    expected = np.arange(len(order)) - np.repeat(starts + sizes - numbered, sizes)
    columns = (
        numbered,
        np.logical_and.reduceat((samples < 0) | (samples == expected), starts),
        np.minimum.reduceat(values, starts),
        np.add.reduceat(values, starts),
    )
    taken = [*map(_Taken._make, zip(*(column.tolist() for column in columns), strict=True))]
    return taken, np.split(numbers.places[order], starts[1:])


def faults(numbers: Numbers, record: Mapping[str, Any]) -> dict[int, str]:
    """Return the place of each number that does not count -> why.

    Of the run record it reads ``jobs`` and ``settings``.
    """
    jobs: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for place, job in enumerate(record["jobs"]):
        for section in job["sections"]:
            case = case_of(section, str(job.get("case", "")), str(job.get("start", "")))
            own = section, str(job["mode"]), str(job["lane"]), in_cell(job["block"])
            jobs[own].append((place, case))
    taken, places = _taken(numbers)
    passed = {
        key[:5] for key, its in zip(numbers.keys, taken, strict=True)
        if key[5:] == ("gate", _VERDICT) and its.total >= 1
    }  # fmt: skip
    processes: dict[tuple[str, ...], tuple[int, ...]] = {}
    wrong: dict[tuple[int, ...], str] = {}
    for key, its in zip(numbers.keys, taken, strict=True):
        case, metric, unit = key[4:]
        if unit in _ANSWERS:
            continue
        process = processes.get(key[:5])
        if process is None:
            tried = jobs.get(key[:4], [])
            process = tuple(job for job, of in tried if of == case) or tuple(j for j, _ in tried)
            processes[key[:5]] = process
        if not process:  # of no job: nothing is known of it, which the judge of contributions says
            continue
        # Replicates of early runs have no gate of their own, but that of what they repeat.
        gated = key[0] in GATED and metric.startswith("step_")
        verified = not gated or not passed.isdisjoint({key[:5], (*key[:4], replicated(case))})
        mine = [record["jobs"][job] for job in process]
        why = _of_process(mine, metric, unit, its, key[0] in GATED, record["settings"])
        if why := why or ("" if verified else UNVERIFIED):
            wrong.setdefault(process, why)
    return {
        place: wrong[processes[key[:5]]]
        for key, its in zip(numbers.keys, places, strict=True)
        if wrong.get(processes.get(key[:5], ())) and key[6] not in _ANSWERS
        for place in its.tolist()
    }


def _of_process(
    jobs: list[Any],
    metric: str,
    unit: str,
    taken: _Taken,
    gated: bool,
    settings: Mapping[str, Any],
) -> str:
    """Return why the numbers of one metric are not those of a whole process, or "".

    Args:
        jobs: entries of the run record; more than one where rows do not tell which.
        metric: its name.
        unit: its unit.
        taken: what its samples are like.
        gated: whether the section is one of :data:`GATED`.
        settings: those of the run.

    """
    if all(job["status"] in ("failed", "timeout") for job in jobs):
        return f"a number of a process that ended as {jobs[0]['status']}"
    if unit in _LOGGED:
        return ""
    if not taken.complete:
        return f"samples of {metric} whose numbers are not 0 to {taken.numbered - 1}"
    # Other sections, and evaluation, have numbers of samples of their own.
    if gated and "step_" in metric and taken.numbered > as_number(settings.get("samples")):
        return f"{taken.numbered} samples of {metric}, more than the profile has"
    if unit != "s" or "cpu" in metric:  # CPU time runs on every core at once
        return ""
    steps = 1.0
    if gated and metric in STEPS_COUNTED:
        steps = min(as_number(job.get("k")) for job in jobs)
        shortest = SHORTEST * as_number(settings.get("min_sample_seconds"))
        if steps < 1 or taken.least * steps < shortest:
            return f"samples of {metric} of {steps:g} steps each, too short to be timed"
    total = taken.total * steps
    room = sum(as_number(job.get("seconds")) for job in jobs)
    if total > room:
        return f"{total:.4g} s of {metric}, more than the {room:.4g} s of its process"
    return ""


def as_number(value: object) -> float:
    """Return a number that a schema may not promise: 0 where it is none or negative."""
    try:
        return max(0.0, float(value)) if isinstance(value, int | float) else 0.0
    except OverflowError:  # JSON knows integers of any length
        return float("inf")
