"""Which numbers count: those of whole processes. One rule for the runner, `check` and pages.

A number of a process that broke off, timed without having verified, or wrote samples that it cannot
have taken is kept as evidence, and selected for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from generator.results.schema import OF_NO_JOB, case_of, in_cell, replicated

GATED = ("lenet", "r")
"""Sections whose processes say in a row ``gate`` that they passed verification."""

STEPS_COUNTED = ("step_time", "python_step_time")
"""Metrics of gated sections of which the run record knows how many steps a sample has, ``k``."""

SHORTEST = 0.1
"""Share of the time aimed at that a sample lasts at least: calibration may meet a slow moment."""

UNVERIFIED = "a time without passed verification"

_ANSWERS = ("verdict", "count")
"""Units of what is answered or counted and not measured."""

_LOGGED = ("MHz", "degC", "W")
"""Units of what the generator reads from the GPU during a sample; some it cannot read."""


class Number(NamedTuple):
    """A number with status ``ok``, its place as a CSV has it."""

    section: str
    mode: str
    lane: str
    block: str
    case: str
    metric: str
    unit: str
    sample: str
    value: float


def is_measured(row: Mapping[str, Any]) -> bool:
    """Whether a row has a number that a process measured."""
    return row["status"] == "ok" and row["unit"] not in _ANSWERS


def counts(metric: str, status: str, flags: str) -> bool:
    """Whether a row says that it has a number of a whole process."""
    return status == "ok" and metric not in OF_NO_JOB and "partial" not in flags


def number(row: Mapping[str, Any]) -> Number | None:
    """Return the number of a row; None where it says that it has none of a whole process."""
    if not counts(row["metric"], row["status"], row["flags"]):
        return None
    *place, value = (row[name] for name in Number._fields)
    return Number._make([*map(in_cell, place), float(value)])


def faults(numbers: Iterable[Number | None], record: Mapping[str, Any]) -> dict[int, str]:
    """Return the place among the numbers of each that does not count -> why.

    Of the run record it reads ``jobs`` and ``settings``.
    """
    jobs = defaultdict(list)
    for place, job in enumerate(record["jobs"]):
        for section in job["sections"]:
            case = case_of(section, str(job.get("case", "")), str(job.get("start", "")))
            own = section, str(job["mode"]), str(job["lane"]), in_cell(job["block"])
            jobs[own].append((place, case))
    processes: dict[Any, tuple[int, ...]] = {}
    samples: dict[Any, list[tuple[int, str, float]]] = defaultdict(list)
    passed = set()
    for place, found in enumerate(numbers):
        if found is None:
            continue
        if found.unit not in _ANSWERS:
            samples[found[:-2]].append((place, found.sample, found.value))
        elif found.metric == "gate" and found.value == 1:
            passed.add(found[:5])
    wrong: dict[Any, str] = {}
    for (*own, case, metric, unit), taken in samples.items():
        process = processes.get((*own, case))
        if process is None:
            tried = jobs.get(tuple(own), [])
            process = tuple(job for job, its in tried if its == case) or tuple(j for j, _ in tried)
            processes[*own, case] = process
        if not process:  # of no job: nothing is known of it, which the judge of contributions says
            continue
        # Replicates of early runs have no gate of their own, but that of what they repeat.
        gated = own[0] in GATED and metric.startswith("step_")
        verified = not gated or not passed.isdisjoint({(*own, case), (*own, replicated(case))})
        mine = [record["jobs"][job] for job in process]
        why = _of_process(mine, metric, unit, taken, own[0] in GATED, record["settings"])
        if why := why or ("" if verified else UNVERIFIED):
            wrong.setdefault(process, why)
    return {
        place: wrong[processes[key[:5]]]
        for key, taken in samples.items()
        if processes[key[:5]] in wrong
        for place, *_ in taken
    }


def _of_process(
    jobs: list[Any],
    metric: str,
    unit: str,
    taken: list[tuple[int, str, float]],
    gated: bool,
    settings: Mapping[str, Any],
) -> str:
    """Return why the numbers of one metric are not those of a whole process, or "".

    Args:
        jobs: entries of the run record; more than one where rows do not tell which.
        metric: its name.
        unit: its unit.
        taken: (place, sample, value) of each.
        gated: whether the section is one of :data:`GATED`.
        settings: those of the run.

    """
    if all(job["status"] in ("failed", "timeout") for job in jobs):
        return f"a number of a process that ended as {jobs[0]['status']}"
    if unit in _LOGGED:
        return ""
    numbered = sorted(int(sample) for _, sample, _ in taken if sample)
    if numbered != list(range(len(numbered))):
        return f"samples of {metric} whose numbers are not 0 to {len(numbered) - 1}"
    # Other sections, and evaluation, have numbers of samples of their own.
    if gated and "step_" in metric and len(numbered) > as_number(settings.get("samples")):
        return f"{len(numbered)} samples of {metric}, more than the profile has"
    if unit != "s" or "cpu" in metric:  # CPU time runs on every core at once
        return ""
    steps = 1.0
    if gated and metric in STEPS_COUNTED:
        steps = min(as_number(job.get("k")) for job in jobs)
        shortest = SHORTEST * as_number(settings.get("min_sample_seconds"))
        if steps < 1 or min(value for *_, value in taken) * steps < shortest:
            return f"samples of {metric} of {steps:g} steps each, too short to be timed"
    total = sum(value for *_, value in taken) * steps
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
