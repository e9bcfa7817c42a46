"""What a panel ranks, and what it only shows."""

import dataclasses
import math

import pytest

from generator.analysis import panels, statistics
from generator.catalog import loader
from generator.pages import findings, section_page
from generator.results import reading, selection
from tests import sample_results


def lenet(shown):
    """The panels of section lenet in rows of one machine."""
    found = panels.figures(shown[shown["section"] == "lenet"], loader.load())
    return found.find("lenet", "step_time")


def rows_of(folder):
    """Write invented results of which all is well, and return their rows."""
    sample_results.write_sample(folder, oddities=False, rows_scale=0.1)
    return selection.select(reading.load(folder))


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return rows_of(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    """The fastest mode of all was measured in one block, the others in several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_results, "STEP", sample_results.STEP | {"xla": 0.006})
        shown = rows_of(tmp_path_factory.mktemp("fast"))
    shown = shown[(shown["mode"] != "xla") | (shown["block"] == 0)]
    return lenet(shown)[0]


def test_one_process_is_published_and_not_ranked(panel):
    (once,) = [row for row in panel.good if row.configuration.mode == "xla"]
    assert once.group == -1
    assert once.verdict == ""
    assert math.isnan(once.detectable)
    assert once.against.value < 1, "it has the best value, and leads nobody"
    assert panel.good[-1] is once
    assert once not in panel.ranked
    assert once not in panel.leaders
    assert len(panel.leaders) < len(panel.ranked)


def test_its_cell_and_the_finding_say_so(panel):
    cell = section_page.verdict_cell(panel.good[-1], panel)
    assert cell.badge.word == "not ranked (one process)"
    _, text = findings.answer(panel, 64)
    assert "xla" not in text.lower()
    assert once_of(panel) not in panel.best, "another mode of its framework is ranked"


def once_of(panel):
    (once,) = (row for row in panel.good if row.group < 0)
    return once


def test_one_that_was_measured_more_often_differs_from_nothing(shown):
    shown = shown[(shown["mode"] == "compiled") | (shown["block"] == 0)]
    found = lenet(shown)[0]
    assert [row.configuration.mode for row in found.ranked] == ["compiled"]
    lead, text = findings.answer(found, 64)
    assert lead == found.ranked[0].configuration.framework_name
    _, last = text.split("Not ranked, one process each: ")
    assert all(row.configuration.framework_name in last for row in found.best[1:])


def test_where_all_were_measured_once_nothing_is_in_a_group(shown):
    for panel in lenet(shown[shown["block"].isin([0])]):
        assert panel.good
        assert {(row.group, row.verdict, row.against) for row in panel.good} == {(-1, "", None)}
        assert (panel.leaders, panel.ranked) == ((), ())


def test_rows_stand_against_the_leader_as_their_model_says(panel):
    leader, *others = panel.ranked
    assert (leader.verdict, leader.against, leader.group) == ("leads", None, 0)
    for row in others:
        assert row.against == leader.cell.model.ratio(row.cell.key, leader.cell.key)
        assert row.verdict == statistics.verdict(row.against, panel.noise)
        assert (row.verdict == "slower") == (row.group > 0)
        assert row.detectable == statistics.detectable_difference(row.against, panel.noise)
        assert panel.compare(row, leader) == (row.against, row.verdict)
        assert row.summary.low < row.summary.value < row.summary.high


def test_a_framework_is_represented_by_its_best_row(panel):
    frameworks = [row.configuration.framework for row in panel.best]
    assert set(frameworks) == {row.configuration.framework for row in panel.good}
    assert len(set(frameworks)) == len(frameworks)
    for best in panel.best:
        for row in panel.ranked:
            if row.configuration.framework == best.configuration.framework:
                assert best.group >= 0
                assert best.summary.value <= row.summary.value


def test_the_title_of_a_chart_names_the_leading_group(panel):
    title = findings.chart_title(panel)
    assert panel.leaders[0].configuration.framework_name in title
    assert title[0].isupper()
    assert title.endswith(".")


def test_the_title_of_a_chart_of_single_processes_claims_nothing(panel):
    once = dataclasses.replace(panel, rows=tuple(row for row in panel.good if row.group < 0))
    assert "nothing is ranked" in findings.chart_title(once)
    none = dataclasses.replace(panel, rows=())
    assert findings.chart_title(none) == findings.answer(none, 64)[1]
    assert "No framework" in findings.chart_title(none)


def test_answers_of_a_replicate_are_no_answers_of_the_section(shown):
    asked = shown[shown["section"] == "control"]
    again = asked.assign(case=[f"again {case}".rstrip() for case in asked["case"]])
    both = selection.stack([asked, again.assign(status="failed", reason="x")])
    assert panels.sheets(both) == panels.sheets(asked)
