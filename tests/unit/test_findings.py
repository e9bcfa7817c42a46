"""Sentences about panels: who leads, who follows, what fails, what is not distinguishable."""

import dataclasses
import math
import random
import re

import pytest

from generator.analysis import panels
from generator.catalog import loader
from generator.pages import findings, section_page
from tests.sample_results import GRAPH, MANY, NAMES, PAIRED
from tests.unit.frames import frame, samples

CPU = ("sample-machine", "cpu")
QUICK = [[0.010], [0.0101], [0.0099]]
SLOW = [[0.020], [0.0203], [0.0198]]


def panels_of(blocks, **where):
    """Return the panels of (framework, version, mode) -> its run and the samples of its blocks."""
    rows = [
        row
        for (framework, version, mode), (run, values) in blocks.items()
        for row in samples(
            values, framework=framework, version=version, mode=mode,
            run=f"2026010{run}T000000Z-aaaaaa", **where,
        )
    ]  # fmt: skip
    return panels.figures(frame(*rows), loader.load()).find("lenet", "step_time")


def of_modes(**blocks):
    """Return the panel of modes of one framework."""
    (panel,) = panels_of({(MANY, "2.21.0", mode): values for mode, values in blocks.items()})
    return panel


def of_three(quick, second, slow):
    """Return the panel of three frameworks in their default modes."""
    (panel,) = panels_of(
        {
            (PAIRED, "1.9.1", "hybridised"): (1, quick),
            (GRAPH, "1.0.5", "compiled"): (1, second),
            (MANY, "2.21.0", "function"): (1, slow),
        }
    )
    return panel


def longest_sentence(text):
    """Return the words of the longest sentence; a point within a name ends none."""
    return max(len(sentence.split()) for sentence in re.split(r"(?<=[.]) +(?=[A-Z])", text))


def test_a_framework_with_two_versions_is_named_with_each(sampled):
    panel = sampled.figures[CPU].find("lenet", "step_time")[0]
    (row, *_) = (row for row in panel.rows if row.configuration.framework == GRAPH)
    older = dataclasses.replace(
        row, configuration=dataclasses.replace(row.configuration, version="0.9.0")
    )
    names = findings.labels_of([row, older]).values()
    assert list(names) == [
        f"{NAMES[GRAPH]} {number} (Compiled function)" for number in ("1.0.5", "0.9.0")
    ]
    assert list(findings.labels_of([row]).values()) == [f"{NAMES[GRAPH]} (Compiled function)"]


def test_an_interval_without_width_is_none():
    assert findings.interval_text(1.0, 2.0, "s") == "1.00 to 2.00 s"
    assert findings.interval_text(1.0, 1.00001, "s") == ""
    assert findings.interval_text(math.nan, math.nan, "s") == ""


def test_a_leader_has_its_interval_and_the_next_one_its_ratio():
    panel = of_three(QUICK, SLOW, [[3 * x for x in block] for block in QUICK])
    lead, text = findings.answer(panel, 64)
    assert lead == NAMES[PAIRED]
    assert re.fullmatch(
        rf"{lead}, 6,400 images a second \(6,[\d]+ to 6,[\d]+\)\. {NAMES[GRAPH]} takes 2\.00 times"
        r" as long \(1\.\d+ to 2\.\d+\)\.",
        text,
    )
    title = f"{lead} leads; {NAMES[MANY]} takes 3.00 times as long."
    assert findings.chart_title(panel) == title


def test_nothing_is_said_to_lead_alone_that_is_not_distinguishable():
    noisy = [[0.011], [0.0095], [0.0105]]
    lead, text = findings.answer(of_three(QUICK, noisy, SLOW), 64)
    assert lead == f"{NAMES[PAIRED]} and {NAMES[GRAPH]}"
    assert text.startswith(f"{lead}, 6,205 to 6,400 images a second; nothing separates the two.")
    assert f"{NAMES[MANY]} takes 2.00 times as long as {NAMES[PAIRED]} (" in text
    level = of_three(QUICK, QUICK, QUICK)
    assert "nothing separates the others from" in findings.answer(level, 64)[1]
    first, *others = [row.configuration.framework_name for row in level.best]
    title = f"Nothing separates {' and '.join(others)} from {first}."
    assert findings.chart_title(level) == title


def test_the_best_mode_stands_for_a_framework_and_one_process_for_none_with_more():
    panel = of_modes(xla=(1, [[0.001]]), function=(1, QUICK), eager=(1, SLOW))
    (best,) = panel.best
    assert best.configuration.mode == "function"
    lead, text = findings.answer(panel, 64)
    assert lead == NAMES[MANY]
    assert text.endswith("no other framework is measured here.")
    assert findings.chart_title(panel) == f"{lead} is the only framework ranked."
    (once,) = (row for row in panel.good if row.group < 0)
    cell = section_page.verdict_cell(once, panel)
    assert (cell.badge.word, cell.text, cell.detail) == ("not ranked (one process)", "", "")
    faster = of_modes(function=(1, SLOW), eager=(1, QUICK))
    assert findings.answer(faster, 64)[0] == f"{NAMES[MANY]} (Eager)", "not its default mode"


def test_where_each_has_one_process_nothing_is_ranked():
    panel = of_three(QUICK[:1], SLOW[:1], SLOW[:1])
    lead, text = findings.answer(panel, 64)
    assert lead == "Not ranked"
    assert text == (
        f"Not ranked, one process each: {NAMES[PAIRED]}, {NAMES[MANY]} and {NAMES[GRAPH]},"
        " 3,200 to 6,400 images a second."
    )
    assert findings.chart_title(panel) == "One process each, so nothing is ranked."
    words = {section_page.verdict_cell(row, panel).badge.word for row in panel.good}
    assert words == {"not ranked (one process)"}
    some = of_three(QUICK, SLOW, SLOW[:1])
    assert findings.answer(some, 64)[1].endswith(f"Not ranked, one process each: {NAMES[MANY]}.")


def test_a_value_that_is_not_resolved_keeps_its_interval():
    noisy = [[0.011], [0.0095], [0.0105]]
    panel = of_modes(function=(1, QUICK), eager=(1, noisy))
    (other,) = (row for row in panel.good if row.verdict == "not resolved")
    assert section_page.verdict_cell(other, panel).detail.startswith("1.03 × the time (0.")


def test_rows_of_different_runs_say_so():
    panel = of_modes(function=(1, QUICK), eager=(2, SLOW))
    (other,) = (row for row in panel.good if row.against)
    cell = section_page.verdict_cell(other, panel)
    assert cell.badge.word == "not resolved", "the spread between runs is not known here"
    assert cell.detail == "2.00 × the time (measured in another run)"
    assert findings.ratio_text(other.against, "the time") == (
        "2.00 times the time (no interval, measured in different runs)"
    )


def test_processes_of_two_modes_are_counted_beside_the_value():
    values = [[0.010], [0.0101], [0.0099], [0.0100], [0.020], [0.0202]]
    panel = of_modes(function=(1, values), eager=(1, [[0.02]] * 6))
    texts = {row.configuration.mode: section_page.counts_cell(row).detail for row in panel.good}
    assert "two modes: 10.0 ms in 4 processes, 20.1 ms in 2" in texts["function"]
    assert "two modes" not in texts["eager"]


def test_what_fails_verification_is_named_before_what_has_no_value():
    panel = of_three(QUICK, SLOW, SLOW)
    assert findings.failing(panel, "#x") is None
    first, second, third = panel.rows
    lost = dataclasses.replace(third, status="skipped", summary=None, cell=None)
    without = dataclasses.replace(panel, rows=(first, second, lost))
    said = findings.failing(without, "#x")
    assert (said.text, said.link, said.address) == (
        f"{third.configuration.framework_name} has no figure here:", "why", "#x",
    )  # fmt: skip
    wrong = dataclasses.replace(second, status="wrong", summary=None, cell=None)
    both = findings.failing(dataclasses.replace(panel, rows=(first, wrong, lost)), "#x")
    assert both.text == f"{wrong.configuration.label} has wrong results, so no figure:"
    assert findings.without(dataclasses.replace(panel, rows=(first, wrong, lost))) == {
        wrong.configuration.framework_name: "wrong",
        lost.configuration.framework_name: "skipped",
    }


def test_a_graph_is_compared_with_its_own_eager_mode_where_that_is_resolved():
    quicker = of_modes(function=(1, QUICK), eager=(1, SLOW))
    assert findings.compiling(quicker).text == (
        f"Against eager execution, a graph takes less time in {NAMES[MANY]} (0.50 times)."
    )
    slower = of_modes(function=(1, SLOW), eager=(1, QUICK))
    assert f"takes more time in {NAMES[MANY]} (2.00 times)." in findings.compiling(slower).text
    best = of_modes(function=(1, SLOW), xla=(1, QUICK), eager=(1, SLOW))
    assert "less time" in findings.compiling(best).text
    assert findings.compiling(of_modes(function=(1, QUICK), eager=(1, QUICK))) is None


def test_the_smallest_difference_is_the_median_and_says_whether_noise_was_measured():
    panel = of_three(QUICK, SLOW, SLOW)
    _, middle, last = panel.rows
    rows = [dataclasses.replace(row, detectable=x) for row, x in ((middle, 0.1), (last, 0.3))]
    three = dataclasses.replace(panel, rows=(*panel.rows[:1], *rows), noise=0.08)
    assert "about 20 %; no identical configurations" in findings.smallest(three).text
    known = dataclasses.replace(three, replicated=True)
    assert findings.smallest(known).text.endswith("identical configurations differ by up to 8 %.")
    assert findings.smallest(of_three(QUICK[:1], SLOW[:1], SLOW[:1])) is None


@pytest.mark.parametrize("seed", range(12))
def test_no_sentence_has_more_than_thirty_words_whatever_is_measured(seed):
    draw = random.Random(seed)
    blocks = {}
    for framework in loader.load().frameworks:
        for mode in framework.modes:
            if draw.random() < 0.7:
                middle, count = 10 ** draw.uniform(-3, 1), draw.choice([1, 3, 6])
                noise = draw.choice([0.01, 0.1, 0.6])
                values = [[middle * math.exp(draw.gauss(0, noise))] for _ in range(count)]
                place = framework.id, framework.newest.version, mode.id
                blocks[place] = (1, values)
    for panel in panels_of(blocks):
        lead, text = findings.answer(panel, 64)
        bullets = [findings.failing(panel, "#x"), findings.compiling(panel)]
        bullets = [one.text for one in (*bullets, findings.smallest(panel)) if one]
        for said in (text, findings.chart_title(panel), *bullets):
            assert longest_sentence(said) <= 30, said
        assert text.startswith(lead)
        named = set(re.split(", | and ", re.sub(r" [(][^)]*[)]", "", lead)))
        outside = {row.configuration.framework_name for row in panel.best if row.group != 0}
        assert not named & outside


def test_verdicts_are_counted_with_losers_and_what_decides_nothing():
    verdicts = ["faster"] * 2 + ["not resolved"] * 3 + [findings.NOT_JUDGED]
    assert findings.counted(verdicts, "less memory", "more") == (
        "less memory in 2 of 6 comparisons, not resolved in 3, not judged (no interval) in 1"
    )
    assert findings.counted(["equivalent"], "faster", "slower", "framework") == (
        "faster in none of 1 framework, equivalent in 1"
    )
