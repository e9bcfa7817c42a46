"""What the numbers of a contributed run must agree with, because it can be computed again: pure.

Every function yields what was found and what was expected; rows come with their line in the CSV.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import median_low
from typing import Any

from generator.results.schema import Finding, Row, RowFinding, in_cell, is_again, is_whole, quoted
from measurements import lenet, timing

CONSTANTS: Mapping[str, str] = {
    "batch": "BATCH", "learning_rate": "LEARNING_RATE", "activation": "ACTIVATION",
    "accuracy_target": "ACCURACY_TARGET", "min_sample_seconds": "MIN_SAMPLE_SECONDS",
}  # fmt: skip
"""Settings of a run record -> constants of the measuring code."""

GATE_STEPS = "GATE_STEPS"

RATE_OF_A_CORE = 1e12
"""Float operations per second that no core of any processor does today."""

COPIED = 5
"""Numbers of one process that equal known ones, from which on it is no chance."""

Record = Mapping[str, Any]

Process = tuple[str, str, str, str]
"""Section, mode, lane and block, as rows write them."""


def settings(
    record: Record, constants: Mapping[str, object], profiles: Mapping[str, tuple[int, int]]
) -> Iterator[Finding]:
    """Compare settings with the code at the commit that is named, and with the profile."""
    for name, constant in CONSTANTS.items():
        said = record["settings"].get(name)
        if constant in constants and said != constants[constant]:
            wanted = f"{constants[constant]}, as {constant} of that commit"
            yield f"settings.{name} {quoted(said)}", wanted
    for name, wanted_count in zip(("blocks", "samples"), profiles[record["profile"]], strict=True):
        said = record["settings"].get(name)
        if said != wanted_count:
            yield (
                f"settings.{name} {quoted(said)}",
                f"{wanted_count}, as the profile {record['profile']}",
            )


def gates(
    record: Record,
    rows: Sequence[Row],
    steps: int,
    tolerances: Mapping[tuple[str, str], float],
) -> Iterator[Finding]:
    """Compare the errors of the gate with its tolerances, these with known ones, all with the rows.

    Args:
        record: its jobs have what was compared.
        rows: some say that the gate was passed.
        steps: of the gate.
        tolerances: lane and quantity -> the largest known tolerance.

    """
    passed = {
        process(row) for row in rows
        if row["section"] == "lenet" and row["metric"] == "gate" and is_whole(row)
        and float(row["value"]) == 1
    }  # fmt: skip
    for job in record["jobs"]:
        compared = job.get("facts", {}).get("gate", [])
        for name, error, tolerance, kept in compared:
            known = tolerances.get((str(job["lane"]), name), tolerance)
            within = error is not None and error <= tolerance
            if kept != within:
                yield (
                    f"gate of {quoted(job['id'])}: {quoted(name)} off by {quoted(error)} {kept}",
                    f"{within}, with a tolerance of {tolerance:.3g}",
                )
            if tolerance > 1.01 * known:
                found = f"gate of {quoted(job['id'])}: {quoted(name)} may be off by {tolerance:.3g}"
                yield found, f"at most {known:.3g}, the known tolerance"
        place = "lenet", job["mode"], job["lane"], in_cell(job["block"])
        # What replicates say is not kept.
        mine = "lenet" in job["sections"] and not is_again(job["case"])
        if mine and job["status"] == "ok" and place in passed:
            names = [name for name, *_ in compared]
            lacking = [n for n in range(1, steps + 1) if f"loss of step {n}" not in names]
            if lacking or not all(kept for *_, kept in compared):
                yield (
                    f"a passed gate of {quoted(job['id'])} with {len(names)} quantities",
                    f"logits, gradients and {steps} losses, all within their tolerances",
                )


def counts(record: Record, rows: Sequence[Row]) -> Iterator[RowFinding]:
    """Compare how many blocks and samples there are with the settings."""
    blocks, samples = (int(record["settings"].get(name) or 0) for name in ("blocks", "samples"))
    cells: dict[tuple[str, str], set[int]] = defaultdict(set)
    jobs = jobs_of(record)
    for job in record["jobs"]:
        if "lenet" in job["sections"] and job["block"] is not None:
            cells[job["mode"], job["lane"]].add(job["block"])
    for cell, found in sorted(cells.items()):
        if found not in ({0}, set(range(blocks))):
            told = ", ".join(map(str, sorted(found)))
            yield None, f"blocks {told} of {' '.join(map(quoted, cell))}", f"0 to {blocks - 1}"
    for line, row in enumerate(rows, start=2):
        if row["block"] and int(row["block"]) >= max(blocks, 1):
            yield line, f"block {row['block']}", f"one of {blocks}, from 0"
    for (place, case), times in _step_times(rows).items():
        mine = jobs.get(place, [])
        mine = [job for job in mine if job["case"] == case] or mine
        if place[0] != "lenet" or {job["status"] for job in mine} != {"ok"}:
            continue
        first = times[0][1] * min(mine[0].get("k") or 1, 10**9)
        shortest = float(record["settings"].get("min_sample_seconds") or timing.MIN_SAMPLE_SECONDS)
        fewer = {timing.affordable(samples, first * f, shortest) for f in (1 - 1e-9, 1 + 1e-9)}
        if len(times) not in {samples, *fewer}:
            wanted = " or ".join(map(str, sorted({samples, *fewer})))
            yield times[0][0], f"{len(times)} samples of step_time", wanted


def ceilings(record: Record, rows: Sequence[Row]) -> Iterator[RowFinding]:
    """Compute the machine's ceiling from both of its rows: one number for a lane of a run."""
    if record["device"] != "cpu":
        return  # elsewhere every process measures its own
    work = float(lenet.operations(int(record["settings"].get("batch") or lenet.BATCH)))
    steps = _step_times(rows)
    lanes: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for line, row in enumerate(rows, start=2):
        times = steps.get((process(row), row["case"]))
        if row["metric"] == "ceiling_fraction" and is_whole(row) and times:
            speed = work / max(1e-9, min(value for _, value in times))
            fraction = float(row["value"])
            lanes[row["lane"]].append((line, fraction, speed))
    for found in lanes.values():
        rates = [speed / fraction if fraction else float("inf") for _, fraction, speed in found]
        usual = median_low(rates)
        for (line, fraction, speed), rate in zip(found, rates, strict=True):
            # A process that is faster than the machine was measured measures the machine again.
            again = rate > usual and speed > usual
            if abs(rate / usual - 1) > 1e-6 and not again:
                wanted = f"{speed / usual:.4g}, as its step_time and the other processes say"
                yield line, f"ceiling_fraction {fraction:.4g}", wanted
        cores = max(1, record["machine"]["cores"])
        if usual > cores * RATE_OF_A_CORE:
            wanted = f"at most {RATE_OF_A_CORE:.0e} a core"
            yield found[0][0], f"a ceiling of {usual:.3g} operations/s of {cores} cores", wanted


def copies(rows: Sequence[Row], known: Collection[float]) -> Iterator[RowFinding]:
    """Find processes whose times are those of others: no clock tells the same times twice."""
    groups: dict[tuple[Process, str, str], list[tuple[int, float]]] = defaultdict(list)
    for line, row in enumerate(rows, start=2):
        if _is_time(row):
            groups[process(row), row["case"], row["metric"]].append((line, float(row["value"])))
    here: set[float] = set()
    for (_, _, metric), found in groups.items():
        same = 0
        for _, value in found:
            same += value in known or value in here
            here.add(value)
        if same >= COPIED and 2 * same > len(found):
            told = f"{same} of {len(found)} numbers of {metric} that stand elsewhere as well"
            yield found[0][0], told, "times that this process took"


def times(rows: Sequence[Row]) -> set[float]:
    """Return all numbers in which :func:`copies` looks."""
    return {float(row["value"]) for row in rows if _is_time(row)}


def _is_time(row: Row) -> bool:
    return row["unit"] == "s" and bool(row["sample"]) and is_whole(row)


def process(row: Row) -> Process:
    """Return which process measured a row."""
    return row["section"], row["mode"], row["lane"], row["block"]


def jobs_of(record: Record) -> Mapping[Process, list[Mapping[str, Any]]]:
    """Return section, mode, lane and block, as rows write them -> the jobs that measured it."""
    jobs = defaultdict(list)
    for job in record["jobs"]:
        for section in job["sections"]:
            jobs[section, job["mode"], job["lane"], in_cell(job["block"])].append(job)
    return dict(jobs)


def _step_times(rows: Sequence[Row]) -> dict[tuple[Process, str], list[tuple[int, float]]]:
    """Return process and case -> lines and values of its step times."""
    found: dict[tuple[Process, str], list[tuple[int, float]]] = defaultdict(list)
    for line, row in enumerate(rows, start=2):
        if row["metric"] == "step_time" and is_whole(row):
            found[process(row), row["case"]].append((line, float(row["value"])))
    return found
