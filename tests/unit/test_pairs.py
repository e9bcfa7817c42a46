"""The pages of two frameworks: who is ahead is never read off the values alone."""

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations

import pytest

from generator.analysis import panels
from generator.catalog import loader
from generator.pages import ranking, scoring, urls
from generator.pages.overviews import compare
from generator.pages.overviews.compare import AHEAD, BEHIND, EQUAL, NONE, OPEN, Side
from generator.pages.scoring import NEEDS
from tests.sample_results import GRAPH, NAMES, PAIRED
from tests.unit.frames import frame, samples

NEED = {need.id: need for need in NEEDS}


def row_of(duel):
    """Return the cells of a question on a pair's page."""
    return compare._table("A", "B", [duel]).rows[0]


def sampled(first, second):
    """Return the sides of two frameworks from the times of their steps, a list a block."""
    rows = frame(
        *samples(first, framework=GRAPH, mode="compiled"),
        *samples(second, framework=PAIRED, version="1.9.1", mode="hybrid"),
    )
    figures = panels.figures(rows, loader.load())
    frameworks = {one.id: one for one in loader.load().frameworks}
    return [compare._sampled(NEED["speed"], frameworks[id], figures, 64) for id in (GRAPH, PAIRED)]


def judged(first, second):
    return compare.duel(NEED["speed"], *sampled(first, second))


NOISY = [[1.0], [1.6], [0.7], [1.3]], [[1.4], [1.1], [1.5], [1.2]]


def test_values_that_differ_by_a_sixth_need_not_be_resolved():
    found = judged(*NOISY)
    assert found.ratio.value > 1.16, "of images per second: the first looks better"
    assert found.ratio.low < 1 < found.ratio.high
    assert found.word == OPEN
    assert row_of(found)[3].badge.word == "not resolved"
    assert not any(cell.strong for cell in row_of(found))


def test_a_difference_beyond_its_interval_is_one():
    steady = [[1.0], [1.01], [0.99], [1.0]]
    slow = [[2 * one for one in block] for block in steady]
    found = judged(slow, steady)
    assert (found.word, judged(steady, slow).word) == (BEHIND, AHEAD)
    assert found.ratio.value == pytest.approx(0.5), "images per second, as both cells show them"
    cells = row_of(found)
    assert cells[3].badge.word == f"{NAMES[PAIRED]} ahead"
    assert cells[3].detail.startswith("0.50 (0.")
    assert [cell.strong for cell in cells] == [False, False, True, False]
    assert judged(steady, steady).word == EQUAL


def test_one_process_decides_nothing_however_large_the_difference():
    found = judged([[1.0]], [[5.0]])
    assert (found.word, found.reason) == (NONE, "one process decides nothing")
    assert all(side.detail.startswith("one process, ") for side in found.sides)
    assert not any(cell.strong for cell in row_of(found))


def test_what_has_no_value_is_not_compared_but_named():
    one, _ = sampled(*NOISY)
    found = compare.duel(NEED["speed"], one, Side("B", "wrong results"))
    assert (found.word, found.reason, found.ratio) == (NONE, "B: wrong results", None)


def counted(need, a, b):
    return compare.duel(NEED[need], Side("A", "", value=a), Side("B", "", value=b))


def test_counts_compare_as_counts_and_sizes_within_the_margin():
    assert counted("operators", 0.5, 0.5).word == EQUAL
    assert counted("operators", 0.992, 1.0).word == BEHIND
    assert counted("operators", 0.5, 0.0).word == AHEAD
    assert counted("operators", None, 1.0).word == NONE
    assert counted("install", 1.0, 0.96).word == EQUAL
    larger = counted("install", 0.5, 1.0)
    assert (larger.word, larger.ratio.value) == (BEHIND, 2.0)
    assert row_of(larger)[3].detail == "2.00", "it is counted: no interval"


def test_the_sentence_counts_every_question_once():
    words = [AHEAD, AHEAD, BEHIND, EQUAL, OPEN, NONE]
    duels = [compare.Duel(NEED["operators"], (), word) for word in words]
    assert compare.answer("A", "B", duels) == (
        "A is ahead in 2 of 6 questions, B in 1; 2 are equal or not resolved; 1 is not comparable."
    )
    assert compare.answer("A", "B", duels[3:4]) == (
        "A is ahead in none of 1 question, B in none; 1 is equal."
    )


@pytest.fixture(scope="module")
def pairs(inputs):
    return compare.parts(inputs)


def test_whoever_comes_first_the_same_is_ahead(inputs, figures):
    found = compare.sides(inputs, next(iter(figures.values())))
    mirror = {AHEAD: BEHIND, BEHIND: AHEAD}
    words = Counter()
    for need in NEEDS:
        for a, b in permutations(found[need.id].values(), 2):
            word = compare.duel(need, a, b).word
            assert compare.duel(need, b, a).word == mirror.get(word, word)
            words[word] += 1
    assert set(words) == {AHEAD, BEHIND, EQUAL, OPEN, NONE}


def test_values_are_those_of_the_scoreboard(inputs, figures):
    here = next(iter(figures.values()))
    scores, found = scoring.scores(inputs, here), compare.sides(inputs, here)
    for need in NEEDS:
        for one in ranking.alone(scores, need.id):
            score = scores[one.framework][one.mode][need.id]
            side = found[need.id][one.framework]
            assert (side.text, side.address) == (score.text, score.address)


def test_each_pair_has_a_page_with_every_question_and_the_list_leads_to_it(inputs, pairs):
    frameworks = inputs.catalog.frameworks
    listed = compare.context(inputs)["rows"]
    links = {address: text for _, mine in listed for text, address in mine}
    told = {release.framework.id for one in inputs.histories for release in one.releases}
    for a, b in combinations(frameworks, 2):
        page = pairs[f"{a.id}-{b.id}"]
        assert links.pop(urls.pair(a.id, b.id)) == f"{a.name} or {b.name}"
        assert page["title"] == f"{a.name} or {b.name}?"
        assert page["answer"] in page["description"]
        assert len(page["answer"].split()) <= 30
        assert [row[0].text for row in page["table"].rows] == [need.title for need in NEEDS]
        for framework, one in zip((a, b), page["frameworks"], strict=True):
            assert one["script"]
            assert bool(one["evidence"]) == (("lenet", framework.id) in inputs.evidenced)
        if {a.id, b.id} <= told:
            assert {one["panel"] for one in page["picture"].rows} == {a.name, b.name}
        elif page["picture"]:
            assert ": 0 releases" not in page["picture"].title
    assert not links
    assert all(len(mine) == len(frameworks) - 1 for _, mine in listed)


def test_what_a_framework_cannot_do_is_counted_as_its_score_is(inputs, figures, pairs):
    here = next(iter(figures.values()))
    found = compare.sides(inputs, here)
    needs = {need.title: need for need in NEEDS}
    for page in pairs.values():
        for about in page["frameworks"]:
            id = about["address"].removeprefix("frameworks/").removesuffix(".md")
            for title, _, text in about["lacks"]:
                lost, _, many = text.partition(", of ")
                bad = sum(int(word) for word in lost.split() if word.isdigit())
                need = needs[title]
                sheet = here.answers[need.section][id]
                asked = scoring.asked(need, here)
                untested = sum(one not in sheet or sheet[one].status == "skipped" for one in asked)
                score = found[need.id][id].value
                assert score == pytest.approx(1 - (bad + untested) / int(many))


def test_a_tenth_framework_without_results_gets_its_pages(inputs):
    catalog = inputs.catalog
    newest = replace(catalog.frameworks[0], id="zinnia", name="Zinnia", retired=None, watch=None)
    more = replace(inputs, catalog=replace(catalog, frameworks=(*catalog.frameworks, newest)))
    found = compare.parts(more)
    assert len(found) == math.comb(len(catalog.frameworks) + 1, 2)
    page = found[f"{catalog.frameworks[0].id}-zinnia"]
    assert page["answer"].endswith("12 are not comparable.")
    assert {row[2].text for row in page["table"].rows} <= {
        "not measured", "date of its last release unknown",
    }  # fmt: skip
    assert page["frameworks"][1]["evidence"] == ""


def test_without_results_every_pair_still_has_its_page(inputs):
    empty = replace(inputs, shown=inputs.shown.iloc[:0], history=inputs.history.iloc[:0])
    found = compare.parts(empty)
    assert {page["answer"] for page in found.values()} == {"Nothing is measured yet."}
    assert all(page["table"] is None for page in found.values())
