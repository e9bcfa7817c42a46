"""What suits which needs: scores by rule, totals with intervals, ties that are called ties."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.pages import scoring
from generator.pages.overviews import chooser
from generator.pages.scoring import NEEDS, PRESETS, Score
from tests.sample_results import GRAPH, LINES, MANY, PAIRED

ENDS = st.tuples(*[st.floats(0, 1)] * 3).map(sorted)


def score(low, value, high, *, known=True):
    return Score(value, low, high, "", known=known)


def table(**frameworks):
    """Return scores of one need, "speed", by framework."""
    return {name: {"speed": made} for name, made in frameworks.items()}


def groups(standings):
    return {one.framework: one.group for one in standings}


def test_what_overlaps_the_best_of_a_group_is_in_it():
    scores = table(
        a=score(0.8, 0.9, 1.0),
        b=score(0.7, 0.75, 0.8),
        c=score(0.5, 0.6, 0.7),
        d=score(0.6, 0.6, 0.6),
    )
    found = scoring.rank(scores, {"speed": 3})
    assert groups(found) == {"a": 0, "b": 0, "c": 1, "d": 1}
    assert [one.framework for one in found] == ["a", "b", "c", "d"]


def test_a_total_is_the_weighted_mean_of_scores_and_of_their_ends():
    scores = {"a": {"speed": score(0.2, 0.4, 0.6), "memory": score(1.0, 1.0, 1.0)}}
    (one,) = scoring.rank(scores, {"speed": 3, "memory": 1})
    assert (one.value, one.low, one.high) == pytest.approx((0.55, 0.4, 0.7))


def test_a_framework_with_an_unknown_score_has_no_place():
    scores = table(a=score(0.5, 0.5, 0.5), b=score(0.0, 0.9, 1.0, known=False))
    assert groups(scoring.rank(scores, {"speed": 1})) == {"a": 0, "b": -1}
    assert groups(scoring.rank(scores, {})) == {"a": 0, "b": 0}, "nothing weighed, nothing missed"


ROWS = st.lists(ENDS, min_size=len(NEEDS), max_size=len(NEEDS))


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), ROWS, min_size=1),
    st.lists(st.integers(0, scoring.MOST), min_size=len(NEEDS), max_size=len(NEEDS)),
)
def test_no_group_leads_another_that_reaches_it(ends, weights):
    scores = {
        name: {need.id: score(*mine) for need, mine in zip(NEEDS, rows, strict=True)}
        for name, rows in ends.items()
    }
    found = scoring.rank(scores, dict(zip((n.id for n in NEEDS), weights, strict=True)))
    assert {one.framework for one in found} == set(ends)
    assert all(0 <= one.low <= one.value + 1e-12 <= one.high + 2e-12 for one in found)
    for place in range(max(one.group for one in found) + 1):
        best = max((one for one in found if one.group >= place), key=lambda one: one.value)
        for one in found:
            if one.group == place:
                assert one.high >= best.low
            elif one.group > place:
                assert one.high < best.low


def test_presets_and_needs_have_names_of_their_own():
    for things in (NEEDS, PRESETS):
        assert len({thing.id for thing in things}) == len({thing.title for thing in things})
        assert len({thing.id for thing in things}) == len(things)
    for preset in PRESETS:
        assert set(preset.weights) <= {need.id for need in NEEDS}
        assert all(0 < weight <= scoring.MOST for weight in preset.weights.values())


# ------------------------------------------------------------------ the committed results


@pytest.fixture(scope="module")
def scores(inputs, figures):
    place = inputs.machines[0], inputs.devices(inputs.machines[0])[0]
    return scoring.scores(inputs.catalog.frameworks, figures[place], inputs.today)


def test_every_framework_has_a_score_and_a_reason_for_every_need(inputs, scores):
    assert set(scores) == {framework.id for framework in inputs.catalog.frameworks}
    for mine in scores.values():
        assert set(mine) == {need.id for need in NEEDS}
        for one in mine.values():
            assert 0 <= one.low <= one.value <= one.high <= 1
            assert one.text
            assert one.known or (one.low, one.high) == (0, 1)


def test_the_fastest_step_scores_one_and_its_ties_reach_it(inputs, figures, scores):
    place = inputs.machines[0], "cpu"
    (panel,) = [p for p in figures[place].find("lenet", "step_time") if p.lane == "threads-all"]
    leaders = {row.configuration.framework for row in panel.leaders}
    assert scores[panel.leaders[0].configuration.framework]["speed"].value == 1
    best = {id for id, mine in scores.items() if mine["speed"].known and mine["speed"].high == 1}
    assert best == leaders


def test_retired_frameworks_are_not_maintained(inputs, scores):
    retired = {framework.id for framework in inputs.catalog.frameworks if framework.retired}
    assert {GRAPH, PAIRED} < retired
    for id, mine in scores.items():
        assert (mine["maintained"].value == 0) == (id in retired), id
    assert scores[MANY]["maintained"].value == 1


def test_the_page_computes_nothing_of_its_own(inputs, figures, scores):
    context = chooser.context(inputs, figures, None)
    data = json.loads(context["data"])
    assert [preset["title"] for preset in data["presets"]] == [preset.title for preset in PRESETS]
    sent = data["places"][0]["scores"]
    for name, mine in scores.items():
        for need, one in mine.items():
            assert sent[name][need][:3] == [one.value, one.low, one.high]
            assert ".md" not in sent[name][need][4]
    for preset, answer in zip(PRESETS, context["answers"], strict=True):
        leaders = [s.framework for s in scoring.rank(scores, preset.weights) if s.group == 0]
        names = {f.id: f.name for f in inputs.catalog.frameworks}
        assert all(names[leader] in answer["finding"] for leader in leaders)
        assert ("lead," in answer["finding"]) == (len(leaders) > 1), "a tie is called one"


# -------------------------------------------------------------------------- invented results


def test_scores_follow_the_rules_on_invented_results(sampled):
    figures = sampled.figures["sample-machine", "cpu"]
    found = scoring.scores(sampled.inputs.catalog.frameworks, figures, sampled.inputs.today)
    for framework, count in LINES.items():
        one = found[framework]["short"]
        assert one.value == pytest.approx(min(LINES.values()) / count)
        assert one.text == f"{count} lines"
    (panel,) = [p for p in figures.find("lenet", "step_time") if p.lane == "threads-all"]
    best = {}
    for row in panel.good:
        best.setdefault(row.configuration.framework, row)
    for framework, row in best.items():
        expected = 1.0 if row.against is None else min(1 / row.against.value, 1.0)
        assert found[framework]["speed"].value == pytest.approx(expected)
        assert row.configuration.mode_title in found[framework]["speed"].text
    asked = {place for sheet in figures.answers["control"].values() for place in sheet}
    counted = [place for place in asked if place[1] in ("captured", "gradient") and place[0]]
    wrong = [place for place in counted if not figures.answers["control"][GRAPH][place].good]
    assert wrong, "one answer of the sample is wrong"
    assert found[GRAPH]["control"].text == f"{len(counted) - len(wrong)} of {len(counted)}"
    absent = next(mine for framework, mine in found.items() if framework not in LINES)
    for mine in (absent["speed"], absent["short"], absent["control"]):
        assert (mine.known, mine.low, mine.high, mine.text) == (False, 0, 1, "not measured here")


def test_one_process_gives_no_score_and_a_failure_gives_none_at_all(sampled):
    figures = sampled.figures["sample-machine", "cpu"]
    (panel,) = [p for p in figures.find("lenet", "step_time") if p.lane == "threads-all"]
    rows = [row for row in panel.good if row.configuration.framework == GRAPH]
    cell = rows[0].cell
    once = dataclasses.replace(cell, blocks=dict(list(cell.blocks.items())[:1]))
    row = dataclasses.replace(rows[0], cell=once, group=-1)
    failed = dataclasses.replace(rows[0], cell=None, summary=None, status="failed", group=-1)
    framework = sampled.inputs.catalog.framework(GRAPH)

    def speed(mine):
        others = [r for r in panel.rows if r.configuration.framework != GRAPH]
        changed = dataclasses.replace(panel, rows=(*others, mine))
        alone = dataclasses.replace(figures, panels=(changed,))
        return scoring.scores([framework], alone, sampled.inputs.today)[GRAPH]["speed"]

    assert not speed(row).known
    assert "not ranked (one process)" in speed(row).text
    assert (speed(failed).value, speed(failed).known, speed(failed).text) == (0, True, "failed")
    skipped = dataclasses.replace(failed, status="skipped")
    assert (speed(skipped).known, speed(skipped).text) == (False, "skipped")
