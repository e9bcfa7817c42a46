"""What suits which needs: scores by mode, totals with bounds, groups by bounds, and firmness."""

import dataclasses
import itertools
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import formatting
from generator.analysis.panels import Answer
from generator.pages import ranking, scoring
from generator.pages.overviews import chooser
from generator.pages.scoring import NEEDS, PRESETS, Score
from tests.sample_results import GRAPH, LINES, MANY, MODES, PAIRED

ENDS = st.tuples(*[st.floats(0, 1)] * 3).map(sorted)
UNKNOWN = Score(0.5, 0.0, 1.0, "", known=False)


def score(low, value, high):
    return Score(value, low, high, "")


def exactly(value):
    return score(value, value, value)


def table(**frameworks):
    """Return scores of one need, "speed", by framework, each in one mode."""
    return {name: {"only": {"speed": made}} for name, made in frameworks.items()}


def groups(standings):
    return {one.framework: one.group for one in standings}


# ----------------------------------------------------------------------------------------- groups


def test_outside_a_group_is_whose_best_case_anothers_worst_case_beats():
    scores = table(
        a=score(0.8, 0.9, 1.0),
        b=score(0.7, 0.75, 0.8),
        c=score(0.5, 0.6, 0.7),
        d=score(0.6, 0.6, 0.6),
    )
    found = ranking.rank(scores, {"speed": 3})
    assert groups(found) == {"a": 0, "b": 0, "c": 1, "d": 1}
    assert [one.framework for one in found] == ["a", "b", "c", "d"]


def test_who_beats_anothers_best_case_at_its_worst_leads_whatever_is_unknown():
    scores = {
        "sure": {"m": {"speed": exactly(0.9), "memory": UNKNOWN}},
        "slow": {"m": {"speed": exactly(0.1), "memory": exactly(0.9)}},
        "open": {"m": {"speed": UNKNOWN, "memory": exactly(1.0)}},
    }
    weights = {"speed": 5, "memory": 1}
    found = ranking.rank(scores, weights)
    sure, slow = (next(one for one in found if one.framework == id) for id in ("sure", "slow"))
    assert sure.low > slow.high
    assert groups(found) == {"sure": 0, "open": 0, "slow": 1}, "unknown may be anything"
    # The best estimate is the widest: it leads with the others, and hides no difference of theirs.
    scores["open"]["m"]["speed"] = dataclasses.replace(UNKNOWN, value=1.0)
    found = ranking.rank(scores, weights)
    assert found[0].framework == "open"
    assert groups(found) == {"sure": 0, "open": 0, "slow": 1}


def test_a_total_is_the_weighted_mean_of_scores_and_of_their_ends():
    scores = {"a": {"m": {"speed": score(0.2, 0.4, 0.6), "memory": exactly(1.0)}}}
    (one,) = ranking.rank(scores, {"speed": 3, "memory": 1})
    assert (one.value, one.low, one.high) == pytest.approx((0.55, 0.4, 0.7))


def test_without_any_weight_all_are_in_one_group():
    assert groups(ranking.rank(table(a=exactly(0.5), b=UNKNOWN), {})) == {"a": 0, "b": 0}


FEW = [need.id for need in NEEDS[:3]]
SCORES = st.dictionaries(
    st.sampled_from("abcde"),
    st.dictionaries(
        st.sampled_from("xyz"),
        st.tuples(*[ENDS] * len(FEW)).map(
            lambda rows: {need: score(*mine) for need, mine in zip(FEW, rows, strict=True)}
        ),
        min_size=1,
    ),
    min_size=1,
)
WEIGHTS = st.fixed_dictionaries(dict.fromkeys(FEW, st.integers(0, scoring.MOST)))


@given(SCORES, WEIGHTS)
def test_everybody_is_in_the_group_that_the_bounds_tell(scores, weights):
    found = ranking.rank(scores, weights)
    assert {one.framework for one in found} == set(scores)
    assert all(0 <= one.low <= one.value + 1e-12 <= one.high + 2e-12 for one in found)
    for place in range(max(one.group for one in found) + 1):
        bar = max(one.low for one in found if one.group >= place)
        values = [one.value for one in found if one.group == place]
        assert values == sorted(values, reverse=True)
        for one in found:
            if one.group == place:
                assert one.high >= bar
            elif one.group > place:
                assert one.high < bar


# ------------------------------------------------------------------------------------------ modes


def test_no_two_needs_of_a_framework_come_from_different_modes():
    scores = {
        "a": {
            "fast": {"speed": exactly(1.0), "memory": exactly(0.0)},
            "small": {"speed": exactly(0.0), "memory": exactly(0.9)},
        }
    }
    (one,) = ranking.rank(scores, {"speed": 1, "memory": 1})
    assert (one.mode, one.value) == ("fast", 0.5), "not 0.95, which nobody can run"
    (one,) = ranking.rank(scores, {"speed": 1, "memory": 5})
    assert (one.mode, one.value) == ("small", pytest.approx(0.75))


def test_of_equal_totals_the_better_low_end_stands_for_a_framework_then_the_first_mode():
    wide, narrow = score(0.1, 0.5, 0.9), score(0.4, 0.5, 0.6)
    for modes, chosen in (((wide, narrow), "1"), ((narrow, wide), "0"), ((narrow, narrow), "0")):
        scores = {"a": {str(place): {"speed": made} for place, made in enumerate(modes)}}
        assert ranking.rank(scores, {"speed": 2})[0].mode == chosen


@given(SCORES, WEIGHTS)
def test_a_framework_stands_in_the_one_mode_that_serves_the_weights_best(scores, weights):
    for one in ranking.rank(scores, weights):
        alone = {
            mode: ranking.rank({one.framework: {mode: mine}}, weights)[0]
            for mode, mine in scores[one.framework].items()
        }
        assert dataclasses.replace(one, group=0) == alone[one.mode]
        assert one.value == max(other.value for other in alone.values())


# --------------------------------------------------------------------------------------- firmness


def leading(scores, weights):
    """Return who leads, computed once more from the definition."""
    ends = {}
    for framework, modes in scores.items():
        totals = [
            [sum(weights[need] * getattr(mine[need], end) for need in weights)
             for end in ("value", "low", "high")]
            for mine in modes.values()
        ]  # fmt: skip
        ends[framework] = max(totals, key=lambda total: total[:2])
    bar = max(low for _, low, _ in ends.values())
    return {framework for framework, (_, _, high) in ends.items() if high >= bar}


def by_brute_force(scores, weights):
    """Return the leading groups of all weightings within 1 of these."""
    found = []
    for moves in itertools.product((-1, 0, 1), repeat=len(weights)):
        moved = {
            need: min(max(weight + move, 0), scoring.MOST)
            for (need, weight), move in zip(weights.items(), moves, strict=True)
        }
        if any(moved.values()):
            found.append(leading(scores, moved))
    return found


def random_scores(random, needs):
    values = 0.5 + 0.2 * random.standard_normal((4, 2, len(needs)))
    return {
        name: {
            mode: {
                need: score(value - 0.02, value, value + 0.02)
                for need, value in zip(needs, mine, strict=True)
            }
            for mode, mine in zip("xy", modes, strict=True)
        }
        for name, modes in zip("abcd", values.tolist(), strict=True)
    }


@pytest.mark.parametrize(("count", "off"), [(1, 0), (2, 0), (3, 0), (6, 0), (8, 0.03)])
def test_firmness_is_the_share_of_nearby_weightings_with_the_same_leaders(count, off):
    random = np.random.default_rng(count)
    needs = [need.id for need in NEEDS[:count]]
    scores = random_scores(random, needs)
    weights = dict(zip(needs, random.integers(1, 6, count).tolist(), strict=True))
    found, every = ranking.firmness(scores, weights), by_brute_force(scores, weights)
    same = [leaders == leading(scores, weights) for leaders in every]
    assert found.same == pytest.approx(np.mean(same), abs=off or 1e-12)
    for name in scores:
        often = np.mean([name in leaders for leaders in every])
        assert found.leads[name] == pytest.approx(often, abs=off or 1e-12)
    assert count < 6 or 0.05 < found.same < 0.95, "the example tells something"


def test_a_weight_stays_in_its_range_and_nothing_weighed_is_no_answer():
    scores = {
        "a": {"m": {"speed": exactly(1.0), "memory": exactly(0.0)}},
        "b": {"m": {"speed": exactly(0.0), "memory": exactly(1.0)}},
    }
    assert ranking.firmness(scores, {"speed": 1, "memory": 0}) == (1.0, {"a": 1.0, "b": 0.0})
    # 5 against 4: of (4, 5, 5) x (3, 4, 5) one is 4 against 5, three are equal.
    found = ranking.firmness(scores, {"speed": 5, "memory": 4})
    assert found.same == pytest.approx(5 / 9)
    assert found.leads == pytest.approx({"a": 8 / 9, "b": 4 / 9})


def test_any_five_needs_move_in_all_combinations_equally_often():
    assert ranking.EVENLY.shape == (6, 12)
    assert len(NEEDS) <= 12, "more needs take a longer code"
    digits = np.array(list(itertools.product(range(3), repeat=6)))
    words = digits @ ranking.EVENLY % 3
    assert set(np.count_nonzero(words, axis=1).tolist()) == {0, 6, 9, 12}, "the code of Golay"
    for places in itertools.combinations(range(12), 5):
        numbers = words[:, places] @ 3 ** np.arange(5)
        assert (np.bincount(numbers, minlength=243) == 3).all()


# ----------------------------------------------------------------------------------------- losses


def test_a_framework_loses_where_weight_and_distance_are_largest_together():
    best = {"speed": exactly(1.0), "memory": exactly(1.0), "start": exactly(0.5)}
    mine = {"speed": exactly(0.8), "memory": exactly(0.7), "start": exactly(1.0)}
    assert ranking.loss(mine, best, {"speed": 5, "memory": 1, "start": 5}).id == "speed"
    assert ranking.loss(mine, best, {"speed": 1, "memory": 1, "start": 5}).id == "memory"
    assert ranking.loss(mine, best, {"start": 5}) is None, "it is ahead there"
    open_ = {**mine, "speed": UNKNOWN}
    assert ranking.loss(open_, best, {"speed": 5, "start": 1}) is None, "nobody knows"


# ------------------------------------------------------------------------------ names and weights


def test_presets_and_needs_have_names_of_their_own():
    for things in (NEEDS, PRESETS):
        assert len({thing.id for thing in things}) == len({thing.title for thing in things})
        assert len({thing.id for thing in things}) == len(things)
    for preset in PRESETS:
        assert set(preset.weights) <= {need.id for need in NEEDS}
        assert all(0 < weight <= scoring.MOST for weight in preset.weights.values())
    assert all(len(need.rule) <= 100 for need in NEEDS), "it stands beside its slider"


# -------------------------------------------------------------------------- the committed results


@pytest.fixture(scope="module")
def scores(inputs, figures):
    return scoring.scores(inputs, figures[inputs.measured()[0]])


def test_every_framework_with_results_is_ranked_whatever_is_unknown(inputs, scores):
    first = inputs.measured()[0]
    here = [key for machine, device, _, key in inputs.places if (machine, device) == first]
    assert set(scores) == {key.split("/")[1] for key in here}
    for preset in PRESETS:
        assert set(groups(ranking.rank(scores, preset.weights))) == set(scores)


def test_every_mode_has_a_score_and_a_reason_for_every_need(scores):
    for modes in scores.values():
        for mine in modes.values():
            assert set(mine) == {need.id for need in NEEDS}
            for one in mine.values():
                assert 0 <= one.low <= one.value <= one.high <= 1
                assert one.text
                assert one.known or (one.low, one.high) == (0, 1)


def test_scores_of_a_mode_are_those_of_its_own_rows(inputs, figures, scores):
    found = figures[inputs.measured()[0]]
    for need, section, case in (("speed", "lenet", ""), ("start", "compile", "cold")):
        (panel,) = [
            panel for panel in found.panels
            if (panel.section, panel.lane, panel.case, panel.division)
            == (section, "threads-all", case, "closed")
        ]  # fmt: skip
        checked = 0
        for row in panel.good:
            one = row.configuration
            rate = f"{formatting.figures(64 / row.summary.value, 4)} images/s"
            text = rate if need == "speed" else formatting.quantity(row.summary.value, "s")
            assert scores[one.framework][one.mode][need].text.startswith(text)
            checked += 1
        assert checked > 10
    common = [need.id for need in NEEDS if not need.modes]
    for modes in scores.values():
        first, *others = modes.values()
        assert all(mine[need] == first[need] for mine in others for need in common)


def test_the_fastest_step_scores_one_and_its_ties_reach_it(inputs, figures, scores):
    (panel,) = [
        panel
        for panel in figures[inputs.measured()[0]].find("lenet", "step_time")
        if panel.lane == "threads-all"
    ]
    leaders = {(row.configuration.framework, row.configuration.mode) for row in panel.leaders}
    first = panel.leaders[0].configuration
    assert scores[first.framework][first.mode]["speed"].value == 1
    assert leaders == {
        (framework, mode)
        for framework, modes in scores.items()
        for mode, mine in modes.items()
        if mine["speed"].known and mine["speed"].high == 1
    }


def test_retired_frameworks_are_not_maintained(inputs, scores):
    retired = {framework.id for framework in inputs.catalog.frameworks if framework.retired}
    assert {GRAPH, PAIRED} < retired
    found = {id: next(iter(modes.values()))["maintained"].value for id, modes in scores.items()}
    assert {id for id, value in found.items() if value == 0} == retired & set(scores)
    assert found[MANY] == 1


def test_the_page_computes_nothing_of_its_own(inputs, scores):
    context = chooser.context(inputs)
    data = json.loads(context["data"])
    assert [preset["anchor"] for preset in data["presets"]] == [
        answer["anchor"] for answer in context["answers"]
    ]
    assert [(need["question"], need["rule"]) for need in data["needs"]] == [
        (need.question, need.rule) for need in NEEDS
    ]
    assert (len(data["scale"]), data["scale"][0]) == (scoring.MOST + 1, "not at all")
    sent = data["places"][0]["scores"]
    for name, modes in scores.items():
        for (_, plain), mine in zip(sent[name], modes.values(), strict=True):
            assert set(plain) == set(mine)
            for need, one in mine.items():
                assert plain[need][:3] == [one.value, one.low, one.high]
                assert ".md" not in plain[need][4]


@pytest.fixture(scope="module", params=["committed", "invented", "one alone"])
def answered(request):
    """Return scores, names, and each preset with its answer."""
    if request.param == "committed":
        inputs, figures = request.getfixturevalue("inputs"), request.getfixturevalue("figures")
    elif request.param == "invented":
        inputs, figures = request.getfixturevalue("sample")
    else:
        sampled = request.getfixturevalue("sampled")
        inputs, figures = sampled.inputs, sampled.figures
    found = scoring.scores(inputs, figures[inputs.measured()[0]])
    answers = chooser.context(inputs)["answers"]
    return found, inputs.catalog, list(zip(PRESETS, answers, strict=True))


def test_an_answer_says_what_the_ranking_does(answered):
    scores, names, answers = answered
    for preset, answer in answers:
        first, *others = ranking.rank(scores, preset.weights)
        text = answer["said"]
        assert text.startswith(f"{chooser.label(names, first)} suits these weights best; ")
        tied = [names.framework(one.framework).name for one in others if one.group == 0]
        if tied and len(tied) < len(others):
            assert f"{formatting.listing(tied)} cannot be excluded." in text
        assert ("no other is measured" in text) == (not others)
        assert ("no other can be excluded" in text) == (0 < len(tied) == len(others))
        assert ("comes next" in text) == (not tied and bool(others))
        share = ranking.firmness(scores, preset.weights).leads[first.framework]
        firm = f"it stays in front for {100 * share:.0f}\N{NO-BREAK SPACE}% of nearby weights."
        assert (firm in text) == (len(preset.weights) > 1)


def test_why_not_names_every_other_framework_once_with_what_the_scores_say(answered):
    scores, names, answers = answered
    for preset, answer in answers:
        _, others = answer["tables"]
        shown = [row[0].text for row in others.rows]
        assert sorted(shown) == sorted(names.framework(framework).name for framework in scores)
        standings = ranking.rank(scores, preset.weights)
        best = scores[standings[0].framework][standings[0].mode]
        assert others.rows[0][2].text == "It suits best."
        for one, row in zip(standings[1:], others.rows[1:], strict=True):
            mine = scores[one.framework][one.mode]
            assert row[0].text == names.framework(one.framework).name
            losses = {
                need.title: preset.weights[need.id] * (best[need.id].value - mine[need.id].value)
                for need in NEEDS
                if preset.weights.get(need.id) and mine[need.id].known and best[need.id].known
            }
            if max(losses.values(), default=0) > 0:
                title, reason = row[2].text.split(": ", 1)
                assert losses[title] == max(losses.values())
                need = next(need.id for need in NEEDS if need.title == title)
                assert reason == f"{mine[need].text} against {best[need].text}."
                assert row[2].href == mine[need].address
            for need in NEEDS:
                if preset.weights.get(need.id) and not mine[need.id].known:
                    assert need.noun in row[2].text + row[2].detail


def test_what_each_need_adds_makes_the_totals(answered):
    scores, names, answers = answered
    for preset, answer in answers:
        adds, _ = answer["tables"]
        total, heaviest = sum(preset.weights.values()), max(preset.weights.values())
        pair = ranking.rank(scores, preset.weights)[:2]
        assert [column.title for column in adds.columns[1:]] == [
            names.framework(one.framework).name for one in pair
        ]
        for place, one in enumerate(pair, 1):
            cells = [row[place] for row in adds.rows if row[place].bar is not None]
            mine = scores[one.framework][one.mode]
            unknown = sum(
                weight * mine[need].value
                for need, weight in preset.weights.items()
                if not mine[need].known
            )
            added = sum(cell.bar * heaviest / 100 for cell in cells)
            assert added + unknown == pytest.approx(one.value * total, abs=0.03 * len(adds.rows))


def sentences(text):
    return re.split(r"(?<=[.?])\s+", text)


def test_no_sentence_of_an_answer_is_long(answered):
    _, _, answers = answered
    for _, answer in answers:
        cells = [cell for made in answer["tables"] for row in made.rows for cell in row]
        texts = [answer["said"], answer["why"], *(f"{cell.text} {cell.detail}" for cell in cells)]
        assert max(len(one.split()) for text in texts for one in sentences(text)) <= 30


# ------------------------------------------------------------------------------- invented results


PLACE = ("sample-machine", "cpu")


def test_scores_follow_the_rules_on_invented_results(sampled):
    figures = sampled.figures[PLACE]
    found = scoring.scores(sampled.inputs, figures)
    assert set(found) == set(LINES), "who has no result is in no answer"
    for framework, count in LINES.items():
        assert set(found[framework]) == set(MODES[framework]) - {"gluon"}, "which fails"
        for mine in found[framework].values():
            assert mine["short"].value == pytest.approx(min(LINES.values()) / count)
            assert mine["short"].text == f"{count} lines"
    (panel,) = [p for p in figures.find("lenet", "step_time") if p.lane == "threads-all"]
    for row in panel.good:
        one = found[row.configuration.framework][row.configuration.mode]["speed"]
        expected = (
            (1.0, 1.0, 1.0) if row.against is None
            else (1 / row.against.value, 1 / row.against.high,
                  1.0 if row.group == 0 else 1 / row.against.low)
        )  # fmt: skip
        assert (one.value, one.low, one.high) == pytest.approx(np.minimum(expected, 1))
    asked = {place for sheet in figures.answers["control"].values() for place in sheet}
    counted = [place for place in asked if place[1] in ("captured", "gradient") and place[0]]
    wrong = [place for place in counted if not figures.answers["control"][GRAPH][place].good]
    assert wrong, "one answer of the sample is wrong"
    for mine in found[GRAPH].values():
        assert mine["control"].text == f"{len(counted) - len(wrong)} of {len(counted)}"


def test_a_section_that_is_not_supported_at_all_is_called_so(sampled):
    figures = sampled.figures[PLACE]
    sheets = dict(figures.answers["parallel"])
    sheets[GRAPH] = {place: dataclasses.replace(answer, status="unsupported")
                     for place, answer in sheets[GRAPH].items()}  # fmt: skip
    # What is about the script itself, such as its length, is no question.
    sheets[GRAPH]["", "lines"] = Answer("ok", 12.0, "", "1.0.5")
    changed = dataclasses.replace(figures, answers={**figures.answers, "parallel": sheets})
    for mine in scoring.scores(sampled.inputs, changed)[GRAPH].values():
        one = mine["distributed"]
        assert (one.text, one.value, one.known) == ("not supported", 0, True)


def test_r_drives_one_mode_and_says_nothing_of_the_others(sampled):
    found = scoring.scores(sampled.inputs, sampled.figures[PLACE])[PAIRED]
    known = {mode: (mine["r"].value, mine["r"].known) for mode, mine in found.items()}
    assert known == {"module": (0.5, False), "hybrid": (1, True)}


def changed(sampled, change, section="lenet"):
    """Return the scores when the rows of a section are others."""
    figures = sampled.figures[PLACE]
    panels = [
        dataclasses.replace(panel, rows=tuple(map(change, panel.rows)))
        if panel.section == section
        else panel
        for panel in figures.panels
    ]
    return scoring.scores(sampled.inputs, dataclasses.replace(figures, panels=tuple(panels)))


def test_one_process_may_score_anything_and_a_failure_nothing(sampled):
    def only(**more):
        def change(row):
            mine = row.configuration.framework == GRAPH
            return dataclasses.replace(row, **more) if mine else row

        return changed(sampled, change)[GRAPH]["compiled"]["speed"]

    once = only(group=-1)
    assert (once.low, once.high, once.known) == (0, 1, False)
    assert 0 < once.value < 1, "the estimate stays"
    assert "one process" in once.text
    absent = {"cell": None, "summary": None, "against": None, "group": -1}
    failed = only(status="failed", **absent)
    assert (failed.value, failed.high, failed.known, failed.text) == (0, 0, True, "failed")
    skipped = only(status="skipped", **absent)
    assert (skipped.low, skipped.high, skipped.known, skipped.text) == (
        0,
        1,
        False,
        "not measured",
    )


def test_a_best_value_of_one_process_leads_nobody(sampled):
    """Scores are against the leader, which is the best of those that have an interval."""
    (panel,) = [
        panel
        for panel in sampled.figures[PLACE].find("lenet", "step_time")
        if panel.lane == "threads-all"
    ]
    best, second = panel.good[:2]
    none = dataclasses.replace(best.cell.model.ratio(best.cell.key, second.cell.key),
                               low=math.nan, high=math.nan)  # fmt: skip

    def change(row):
        if row.configuration == best.configuration:
            return dataclasses.replace(row, group=-1, against=none)
        leads = row.configuration == second.configuration
        return dataclasses.replace(row, group=0, against=None) if leads else row

    found = changed(sampled, change)
    one, two = (found[row.configuration.framework][row.configuration.mode]["speed"]
                for row in (best, second))  # fmt: skip
    assert (one.value, one.low, one.high, one.known) == (1, 0, 1, False)
    assert (two.value, two.low, two.high, two.known) == (1, 1, 1, True)
    # Where nothing leads, estimates alone are left.
    found = changed(sampled, lambda row: dataclasses.replace(row, group=-1, against=None))
    speeds = [mine["speed"] for modes in found.values() for mine in modes.values()]
    assert max(one.value for one in speeds) == 1
    assert not any(one.known for one in speeds if one.text != "failed")


def test_a_framework_without_any_value_is_scored_by_what_was_tried(sampled):
    absent = {"cell": None, "summary": None, "against": None, "group": -1, "status": "failed"}
    figures = sampled.figures[PLACE]
    panels = tuple(
        dataclasses.replace(panel, rows=tuple(
            dataclasses.replace(row, **absent) if row.configuration.framework == PAIRED else row
            for row in panel.rows
        ))
        for panel in figures.panels
    )  # fmt: skip
    found = scoring.scores(sampled.inputs, dataclasses.replace(figures, panels=panels))
    assert set(found[PAIRED]) == set(MODES[PAIRED])
    assert all(mine["speed"].high == 0 for mine in found[PAIRED].values())
    # Without rows nothing is known by mode, and the framework is ranked all the same.
    found = scoring.scores(sampled.inputs, dataclasses.replace(figures, panels=()))
    assert set(found) == set(LINES)
    assert list(found[PAIRED]) == [""]
    assert found[PAIRED][""]["speed"].text == "not measured"


def test_the_installed_size_is_that_of_the_newest_release_shown(sampled):
    documents = {
        key: {**record, "environment": {**record["environment"], "size_bytes": size}}
        for (key, record), size in zip(
            sampled.inputs.documents.items(), itertools.count(10**8, 10**8), strict=False
        )
    }
    inputs = dataclasses.replace(sampled.inputs, documents=documents)
    here = {
        key.split("/")[1]: documents[key]["environment"]["size_bytes"]
        for machine, device, _, key in inputs.places
        if (machine, device) == PLACE
    }
    found = scoring.scores(inputs, sampled.figures[PLACE])
    for framework, size in here.items():
        for mine in found[framework].values():
            assert mine["install"].value == pytest.approx(min(here.values()) / size)
            assert mine["install"].text == formatting.quantity(size, "B")
    # An older release that was measured later says nothing about today's.
    key = next(key for *place, _, key in inputs.places if tuple(place) == PLACE and GRAPH in key)
    machine, framework, _, run = key.split("/")
    older = f"{machine}/{framework}/0.1/9{run[1:]}"
    more = {**documents, older: {**documents[key], "environment": {"size_bytes": 1}}}
    later = dataclasses.replace(inputs, documents=more)
    later.__dict__["places"] = (*inputs.places, (*PLACE, "lenet", older))
    assert scoring.scores(later, sampled.figures[PLACE]) == found
    # Where no environment was made, nobody knows.
    bare = {key: {**one, "environment": {"size_bytes": None}} for key, one in documents.items()}
    unknown = scoring.scores(dataclasses.replace(inputs, documents=bare), sampled.figures[PLACE])
    assert not any(m["install"].known for modes in unknown.values() for m in modes.values())
