"""Numbers of whole processes count, and no others: for the runner, `check` and pages alike."""

import pytest

from generator.results import processes, reading, selection, validation, writing
from tests import sample_results

JOB = {
    "id": "x", "sections": ["lenet"], "mode": "m", "lane": "l", "block": 0, "case": "",
    "start": "warm", "status": "ok", "seconds": 4.0, "k": 4,
}  # fmt: skip
SETTINGS = {"samples": 10, "min_sample_seconds": 0.1}


def row(metric="step_time", unit="s", value=0.05, **changes):
    place = {"section": "lenet", "mode": "m", "lane": "l", "block": 0, "case": "", "sample": None}
    ended = {"status": "ok", "flags": ""}
    return place | ended | {"metric": metric, "unit": unit, "value": value} | changes


GATE = row("gate", "verdict", 1.0)


def samples(*numbers, **changes):
    return [row(sample=number, **changes) for number in numbers]


def faults(rows, settings=SETTINGS, **job):
    return processes.faults(processes.numbers(rows), {"jobs": [JOB | job], "settings": settings})


@pytest.mark.parametrize(
    ("rows", "job", "why"),
    [
        ([GATE, *samples(0, 1, 3)], {}, "numbers are not 0 to 2"),
        ([GATE, *samples(*range(1, 11))], {}, "numbers are not 0 to 9"),
        ([GATE, *samples(*range(11), value=0.01)], {}, "11 samples of step_time, more than"),
        ([GATE, *samples(*range(10), value=0.11)], {}, "4.4 s of step_time, more than the 4 s"),
        ([GATE, *samples(0)], {"seconds": None}, "more than the 0 s of its process"),
        ([GATE, *samples(0)], {"seconds": -4.0}, "more than the 0 s of its process"),
        ([GATE, *samples(0)], {"k": 10**400}, "more than the 4 s of its process"),
        ([GATE, *samples(0)], {"k": None}, "too short to be timed"),
        ([GATE, *samples(0, 1, value=0.001)], {"k": 1}, "too short to be timed"),
        (samples(0, 1), {}, "without passed verification"),
        ([GATE | {"value": 0.0}, *samples(0)], {}, "without passed verification"),
        ([GATE | {"status": "wrong"}, *samples(0)], {}, "without passed verification"),
        ([GATE | {"flags": "partial"}, *samples(0)], {}, "without passed verification"),
        ([GATE | {"lane": "other"}, *samples(0)], {}, "without passed verification"),
        ([GATE, *samples(0)], {"status": "failed"}, "of a process that ended as failed"),
        ([GATE, *samples(0)], {"status": "timeout"}, "of a process that ended as timeout"),
        ([GATE, row("accuracy_time", value=5.0)], {}, "5 s of accuracy_time, more than the 4 s"),
    ],
)  # fmt: skip
def test_what_no_whole_process_can_have_measured_does_not_count(rows, job, why):
    found = faults(rows, **job)
    assert found.keys() == {place for place, row in enumerate(rows) if row["unit"] == "s"}
    assert all(why in said for said in found.values()), found


@pytest.mark.parametrize(
    "rows",
    [
        [GATE, *samples(*range(10))],
        [GATE, *samples(2, 0, 1)],  # in any order, and fewer than the profile has
        [GATE, *samples(0, 1), *samples(5, flags="partial")],
        [GATE, *samples(0, case="again")],  # early replicates had no gate of their own
        [row(section="depth", case="depth 4", sample=0, value=1e-4)],  # no gate, no k
        [GATE, *samples(0), row("sm_clock", "MHz", 1980.0, sample=4)],  # the GPU's log has gaps
        [row("step_cpu_time", value=50.0, sample=0, section="depth")],  # on many cores
        [*samples(0, block=1)],  # of no job: for the judge of contributions
    ],
)  # fmt: skip
def test_what_a_whole_process_measured_counts(rows):
    assert faults(rows) == {}


def test_a_fault_of_one_metric_is_one_of_the_whole_process_and_of_no_other():
    rows = [GATE, *samples(0, 2), row("peak_rss", "B", 1e8), GATE | {"block": 1}]
    rows += samples(0, 1, block=1)
    jobs = [JOB, JOB | {"block": 1}]
    found = processes.faults(processes.numbers(rows), {"jobs": jobs, "settings": SETTINGS})
    assert found.keys() == {1, 2, 3}


def test_check_names_it_and_pages_leave_it_out(tmp_path):
    """The numbers stay in the file as evidence."""
    (path,) = sample_results.write_sample(
        tmp_path, frameworks=(sample_results.GRAPH,), profile="quick", oddities=False
    )
    assert validation.validate(path) == []
    results = reading.load(tmp_path)
    (record,) = results.records.values()
    first = record["jobs"][0]
    record["jobs"][0] = {**first, "status": "failed", "log": None}
    path.with_suffix(".json").write_bytes(writing._json_bytes(record))
    (problem,) = validation.validate(path)
    assert "found a number of a process that ended as failed" in str(problem)
    frame = selection.select(reading.load(tmp_path))
    frame = frame[~frame["unit"].isin(["verdict", "count"]) & (frame["case"] != "downloaded")]
    inside = frame["block"].astype(str) == "0"
    for name in ("mode", "lane"):
        inside &= frame[name] == first[name]
    assert set(frame[inside]["status"]) == {"failed"}
    assert set(frame[inside]["reason"]) == {"a number of a process that ended as failed"}
    assert "failed" not in set(frame[~inside]["status"])
