"""One change: what is compared with what, the verdict on it, and how it reads."""

import math

import numpy as np
import pytest

from generator.analysis import changes
from generator.analysis.cells import Cell, Key
from generator.analysis.changes import Change
from generator.catalog import loader
from generator.catalog.freshness import Pair
from tests.sample_results import GRAPH, MANY, NAMES
from tests.unit.frames import frame, samples

CATALOG = loader.load()
KEY = Key("here", GRAPH, "1.0.5", "lenet", "compiled", "cpu", "threads-all", "", "step_time")
THREE = [[1.0, 1.01], [1.02, 1.01], [1.0, 1.0]]


def cell(blocks, unit="s", **key):
    return Cell(
        KEY._replace(**key), unit, {("run", n): np.array(b) for n, b in enumerate(blocks)}, 0
    )


def scaled(blocks, factor):
    return [[value * factor for value in block] for block in blocks]


def between(old, new, *may_differ, bands=None):
    return changes.between(frame(*old), frame(*new), CATALOG, bands or {}, may_differ=may_differ)


@pytest.mark.parametrize(
    ("unit", "factor", "verdict", "differs"),
    [
        ("s", 2.0, "slower", True),
        ("s", 0.5, "faster", True),
        ("B", 2.0, "more", True),
        ("B", 0.5, "less", True),
        ("B", 1.0, "equivalent", False),
    ],
)
def test_the_verdict_is_on_the_new_side_and_named_after_its_unit(unit, factor, verdict, differs):
    found = changes.judge(cell(THREE, unit), cell(scaled(THREE, factor), unit), 0.02)
    assert (found.verdict, found.differs) == (verdict, differs)
    assert found.ratio.value == pytest.approx(factor)
    assert found.new / found.old == pytest.approx(factor)


def test_a_band_hides_what_it_is_wider_than():
    old, new = cell(THREE), cell(scaled(THREE, 1.1))
    assert changes.judge(old, new, 0.02).verdict == "slower"
    assert changes.judge(old, new, 0.2).verdict == "equivalent"


def test_zero_has_no_ratio_and_no_verdict():
    found = changes.judge(cell(THREE), cell([[0.0], [1.0]]), 0.02)
    assert (found.verdict, found.ratio, found.old, found.differs) == (
        "not resolved", None, None, False,
    )  # fmt: skip


def test_one_process_is_unresolved_and_said_so():
    found = changes.judge(cell([[1.0]]), cell([[3.0]]), 0.02)
    assert found.verdict == "not resolved"
    assert changes.row(found, CATALOG)[4] == "3.000 (one process)"


def test_what_may_differ_is_not_compared_and_all_else_has_to_be_equal():
    old = samples(THREE, machine="here")
    new = samples(scaled(THREE, 2), machine="there")
    (found,) = between(old, new, "machine")
    assert (found.before.machine, found.key.machine, found.verdict) == ("here", "there", "slower")
    assert between(old, new) == []
    assert between(old, [row | {"lane": "threads-1"} for row in new], "machine") == []


def test_the_wider_band_of_both_sides_counts():
    old = samples(THREE, machine="here")
    new = samples(scaled(THREE, 1.1), machine="there")
    bands = {("there", "cpu", "threads-all", "step_time"): 0.3}
    (found,) = between(old, new, "machine", bands=bands)
    assert (found.delta, found.verdict) == (0.3, "equivalent")
    (back,) = between(new, old, "machine", bands=bands)
    assert back.delta == 0.3


def test_the_worst_status_stands_for_a_metric_and_breaks_a_configuration_once():
    gate = {"metric": "gate", "unit": ""}
    old = [*samples(THREE), gate]
    new = [
        {"block": 0}, {"block": 1, "status": "timeout", "reason": "slow"},
        {"block": 2, "status": "failed", "reason": "crash"},
        gate | {"status": "wrong", "reason": "gradients"},
    ]  # fmt: skip
    (broke,) = between(old, new)
    assert (broke.verdict, broke.key.metric, broke.reason) == ("newly broken", "gate", "gradients")
    (mended,) = between(new, old)
    assert (mended.verdict, mended.reason) == ("newly supported", "gradients")
    (crash,) = between(old[:-1], new[:-1])
    assert crash.reason == "crash", "a failure is worse than a timeout"


def test_what_the_run_is_about_and_second_halves_are_no_change():
    old = [*samples(THREE, case="again"), *samples(THREE, metric="lines", unit="count")]
    new = [*samples(scaled(THREE, 2), case="again"),
           *samples(scaled(THREE, 2), metric="lines", unit="count")]  # fmt: skip
    assert between(old, new) == []


def test_releases_are_compared_in_their_modes_only_where_history_is_measured():
    rows = [
        *samples(THREE, framework=MANY, version="1.15.0", mode="session"),
        *samples(scaled(THREE, 0.5), framework=MANY, version="2.0.0", mode="function"),
    ]
    pair = Pair(MANY, "1.15.0", "2.0.0")
    history = [row | {"profile": "history"} for row in rows]
    assert changes.compare(frame(*rows), pair, CATALOG) == []
    (found,) = changes.compare(frame(*history), pair, CATALOG)
    assert (found.before.mode, found.key.mode, found.verdict) == ("session", "function", "faster")
    assert changes.compare(frame(*history), Pair(MANY, "1.0", "2.0.0"), CATALOG) == []


def test_what_broke_comes_first_and_what_is_unresolved_last():
    made = [Change(KEY, KEY, "s", verdict) for verdict in reversed(changes.GROUPS)]
    ordered = [change.verdict for change in sorted(made, key=lambda change: change.rank)]
    assert ordered == list(changes.GROUPS)
    assert (ordered[0], ordered[-1]) == ("newly broken", "not resolved")
    assert sum(change.differs for change in made) == len(made) - 2


def test_a_change_reads_the_same_in_a_line_and_in_columns():
    found = changes.judge(cell(THREE, version="1.0.0"), cell(scaled(THREE, 2)), 0.05)
    columns = dict(zip(changes.COLUMNS, changes.row(found, CATALOG), strict=True))
    assert columns["A/A band"] == "±5.0%"
    assert columns["New / old, 95 %"] == "2.000 [2.000, 2.000]"
    line = changes.line(found, CATALOG)
    assert line.startswith("slower: ")
    for name in ("Where", "Metric", "Old", "New", "New / old, 95 %", "A/A band"):
        assert columns[name] in line
    assert changes.summary([found, found]) == "2 slower."
    assert changes.summary([]) == "Nothing can be compared."


def test_json_has_no_number_that_is_none():
    found = changes.plain(Change(KEY, KEY, "s", "newly broken", reason="why"))
    assert (found["delta"], found["ratio"], found["reason"]) == (None, None, "why")
    assert found["metric"] == "step_time"
    once = changes.plain(changes.judge(cell([[1.0]]), cell([[3.0]]), 0.02))
    assert (once["ratio"], once["low"]) == (pytest.approx(3.0), None)
    assert not any(isinstance(value, float) and math.isnan(value) for value in once.values())


def test_a_report_says_what_else_differs_between_two_environments():
    def document(python, *packages):
        return {"environment": {"python": python, "packages": packages}}

    documents = {"1": document("3.9", "numpy==1.0", "six==1"), "2": document("3.11", "numpy==2.0")}
    found = changes.subject(Pair(GRAPH, "1", "2"), [], documents, CATALOG, ["A note."])
    assert found["heading"] == f"{NAMES[GRAPH]} 1 → 2"
    assert found["notes"] == [
        "Python 3.9 → 3.11.", "Packages that differ: numpy 1.0 → 2.0, six 1 → none.", "A note.",
    ]  # fmt: skip
    assert found["groups"] == {}
    first = changes.subject(Pair(GRAPH, "", "2"), [], documents, CATALOG)
    assert (first["heading"], first["notes"]) == (f"{NAMES[GRAPH]} 2", [])
    assert first["summary"] == "The first release that is measured."
