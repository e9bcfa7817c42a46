"""One change: what is compared with what, the verdict on it, and how it reads."""

import math

import numpy as np
import pytest

from generator.analysis import changes
from generator.analysis.block_model import BlockModel, Spread
from generator.analysis.cells import Cell, Key
from generator.analysis.changes import Change
from generator.catalog import loader
from generator.catalog.freshness import Pair
from tests.sample_results import GRAPH, MANY, NAMES
from tests.unit.frames import draw_on, frame, record, samples

CATALOG = loader.load()
KEY = Key("here", GRAPH, "1.0.5", "lenet", "compiled", "cpu", "threads-all", "", "step_time")
PLACE = ("here", "cpu", "lenet", "threads-all", "step_time")
SPREADS = {("here", "cpu", "step_time"): Spread(0.04**2, 20)}
THREE = [[1.0, 1.01], [1.02, 1.01], [1.0, 1.0]]


def cell(blocks, unit="s", **key):
    return Cell(
        KEY._replace(**key), unit, {("run", n): np.array(b) for n, b in enumerate(blocks)}, 0
    )


def scaled(blocks, factor):
    return [[value * factor for value in block] for block in blocks]


def between(old, new, *may_differ, **drawn_on):
    return changes.between(frame(*old), frame(*new), draw_on(**drawn_on), may_differ=may_differ)


def judge(old, new, noise=0.02, **drawn_on):
    return changes.judge(old, new, draw_on(noises={new.key.place: noise}, **drawn_on))


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
    found = judge(cell(THREE, unit), cell(scaled(THREE, factor), unit))
    assert (found.verdict, found.differs) == (verdict, differs)
    assert found.ratio.value == pytest.approx(factor)
    assert found.new / found.old == pytest.approx(factor)


def test_noise_hides_what_it_is_larger_than_and_makes_nothing_equivalent():
    old, new = cell(THREE), cell(scaled(THREE, 1.1))
    assert judge(old, new).verdict == "slower"
    assert judge(old, new, 0.2).verdict == "not resolved"


def test_zero_has_no_ratio_and_no_verdict():
    found = judge(cell(THREE), cell([[0.0], [1.0]]))
    assert (found.verdict, found.ratio, found.old, found.differs) == (
        "not resolved", None, None, False,
    )  # fmt: skip
    assert "not above zero" in changes.line(found, CATALOG)
    assert math.isnan(found.detectable)


def test_one_process_is_unresolved_and_said_so():
    found = judge(cell([[1.0]]), cell([[3.0]]))
    assert found.verdict == "not resolved"
    assert changes.row(found, CATALOG)[4] == "3.000 (one process)"


def test_a_change_says_whether_it_spans_runs():
    def ran(run, blocks):
        blocks = {(run, number): np.array(block) for number, block in enumerate(blocks)}
        return Cell(KEY, "s", blocks, 0)

    old, near, far = ran("1", THREE), ran("1", scaled(THREE, 1.1)), ran("2", scaled(THREE, 1.1))
    within, across = judge(old, near), judge(old, far, spreads=SPREADS)
    assert changes.row(within, CATALOG)[4].endswith("within one run")
    assert changes.row(across, CATALOG)[4].endswith("across runs")
    assert (within.verdict, across.verdict) == ("slower", "not resolved"), "runs differ by 4 %"
    assert changes.row(judge(old, far), CATALOG)[4] == "1.100 (no interval across runs)"
    assert changes.plain(across)["across"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (record("9.0.176"), record(), "CUDA build, CPU build"),  # libraries inside the wheel
        (
            record("none", "alder==2.4.1", "nvidia-cublas-cu12==12.1.3.1"),
            record(),
            "CUDA build, CPU build",
        ),
        (record(), record("none", "nvidia-cublas==13.0"), "CPU build, CUDA build"),
        (record(), record("False", "alder-cu112==1.9.1"), "CPU build, CUDA build"),
        (record("none", "alder==2.13.0+cpu"), record("True"), "CPU build, CUDA build"),
        (record("none", "alder==2.13.0+cpu"), record("False", "nvidia-ml-py==12.0"), ""),
        (record("9.0"), record("12.1"), ""),
        (record("none", "alder==2.0.0"), record("none", "alder-cpu==2.4.0"), ""),
    ],
)
def test_builds_with_cuda_and_without_are_not_compared_in_what_they_bring(old, new, reason):
    versions = {f"here/{GRAPH}/{number}/run": one for number, one in (("1", old), ("2", new))}
    for section, unit in (("memory", "B"), ("compile", "s"), ("lenet", "s")):
        sides = (cell(scaled(THREE, factor), unit, version=number, section=section)
                 for number, factor in (("1", 2), ("2", 1)))  # fmt: skip
        found = changes.judge(*sides, draw_on(versions))
        if reason and section != "lenet":
            assert (found.verdict, found.reason) == ("not compared", reason)
            assert (found.ratio, found.old, found.new, found.differs) == (None, None, None, False)
            assert changes.line(found, CATALOG).endswith(f"; {reason}")
        else:
            assert (found.verdict, found.reason) == ("less" if unit == "B" else "faster", "")


def test_what_may_differ_is_not_compared_and_all_else_has_to_be_equal():
    old = samples(THREE, machine="here")
    new = samples(scaled(THREE, 2), machine="there")
    (found,) = between(old, new, "machine")
    assert (found.before.machine, found.key.machine, found.verdict) == ("here", "there", "slower")
    assert between(old, new) == []
    assert between(old, [row | {"lane": "threads-1"} for row in new], "machine") == []


def test_the_larger_noise_and_spread_of_two_machines_count():
    old = samples(THREE, machine="here")
    new = samples(scaled(THREE, 1.1), machine="there", run="20260102T000000Z-bbbbbb")
    spreads = {("here", "cpu", "step_time"): Spread(1e-6, 20)}
    noises = {("there", *PLACE[1:]): 0.3, PLACE: 0.01}
    for sides in ((old, new), (new, old)):
        (found,) = between(*sides, "machine", noises=noises, spreads=spreads)
        assert (found.noise, found.verdict) == (0.3, "not resolved")
        (found,) = between(*sides, "machine", spreads=spreads)
        assert found.differs
        wide = spreads | {("there", "cpu", "step_time"): Spread(0.01, 20)}
        (found,) = between(*sides, "machine", spreads=wide)
        assert not found.differs


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
    assert changes.compare(frame(*rows), pair, draw_on()) == []
    (found,) = changes.compare(frame(*history), pair, draw_on())
    assert (found.before.mode, found.key.mode, found.verdict) == ("session", "function", "faster")
    assert changes.compare(frame(*history), Pair(MANY, "1.0", "2.0.0"), draw_on()) == []


def test_all_releases_of_a_framework_are_one_family():
    """Their noise is pooled, and the interval grows with the number of comparisons."""
    rng = np.random.default_rng(3)
    versions = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"]

    def ratio(*measured):
        rows = [row for number in measured for row in samples(blocks[number], version=number)]
        (found,) = changes.compare(frame(*rows), Pair(GRAPH, *versions[:2]), draw_on())
        return found.ratio

    blocks = {number: rng.lognormal(0, 0.03, (3, 2)) for number in versions}
    whole, pair = ratio(*versions), ratio(*versions[:2])
    assert whole.value == pytest.approx(pair.value)
    assert (whole.degrees, pair.degrees) == (10, 2)
    cells = {
        number: {n: math.log(np.median(block)) for n, block in enumerate(blocks[number])}
        for number in versions
    }
    model = BlockModel(cells)
    assert whole == pytest.approx(model.ratio(versions[1], versions[0]))


def test_what_broke_comes_first_and_what_is_unresolved_last():
    made = [Change(KEY, KEY, "s", verdict) for verdict in reversed(changes.GROUPS)]
    ordered = [change.verdict for change in sorted(made, key=lambda change: change.rank)]
    assert ordered == list(changes.GROUPS)
    assert (ordered[0], ordered[-1]) == ("newly broken", "not compared")
    assert sum(change.differs for change in made) == len(made) - 3


def test_a_change_reads_the_same_in_a_line_and_in_columns():
    found = judge(cell(THREE, version="1.0.0"), cell(scaled(THREE, 2)), 0.05)
    columns = dict(zip(changes.COLUMNS, changes.row(found, CATALOG), strict=True))
    assert columns["A/A noise"] == "±5.0 %"
    assert columns["New / old, 95 %"] == "2.000 [2.000, 2.000] within one run"
    line = changes.line(found, CATALOG)
    assert line.startswith("slower: ")
    for name in ("Where", "Metric", "Old", "New", "New / old, 95 %", "A/A noise"):
        assert columns[name] in line
    assert changes.summary([found, found]) == "2 slower."
    assert changes.summary([]) == "Nothing can be compared."


def test_json_has_no_number_that_is_none():
    found = changes.plain(Change(KEY, KEY, "s", "newly broken", reason="why"))
    assert (found["noise"], found["ratio"], found["reason"]) == (None, None, "why")
    assert found["metric"] == "step_time"
    once = changes.plain(judge(cell([[1.0]]), cell([[3.0]])))
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
