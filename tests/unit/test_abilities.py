"""Pages of answers: every cell says something, on invented answers with a known outcome."""

import re

import numpy as np
import pandas as pd
import pytest

from generator.analysis import panels
from generator.catalog import loader
from generator.pages import question_page, tables
from generator.pages.sections import parallel
from measurements.contract import Metric
from tests.sample_results import PAIRED

NAMES = ("framework", "version", "case", "metric", "status", "value", "reason")


def frame(*rows):
    return pd.DataFrame(rows, columns=NAMES).assign(mode="hybrid", lane="threads-all")


def test_an_answer_is_the_median_of_what_was_measured():
    found = panels.sheets(
        frame(*[(PAIRED, "1", "scan", "run_time", "ok", value, "") for value in (1.0, 2.0, 9.0)])
    )
    answer = found[PAIRED]["scan", "run_time"]
    assert (answer.status, answer.value, answer.good) == ("ok", 2.0, True)


def test_one_no_makes_the_answer_no():
    found = panels.sheets(
        frame(
            (PAIRED, "1", "scan", "captured", "ok", 0.0, ""),
            (PAIRED, "1", "scan", "captured", "wrong", np.nan, "differs"),
        )
    )
    answer = found[PAIRED]["scan", "captured"]
    assert (answer.status, answer.value, answer.reason) == ("wrong", None, "differs")


@pytest.mark.parametrize(
    ("answer", "unit", "word", "detail"),
    [
        (panels.Answer("ok", 1e-7, "", "1"), "1", "yes", "error: 1e-07"),
        (panels.Answer("ok", 0.0, "", "1"), "count", "yes", "error: 0"),
        (panels.Answer("ok", 0.002, "", "1"), "s", "yes", "error: 2.00 ms"),
        (panels.Answer("unsupported", None, "none", "1"), "1", "not supported", ""),
        (panels.Answer("wrong", None, "differs", "1"), "1", "wrong results", ""),
        (panels.Answer("timeout", None, "600 s", "1"), "s", "timed out", ""),
    ],
)
def test_a_cell_of_a_matrix_is_a_sign_with_words_and_its_evidence(answer, unit, word, detail):
    cell = question_page.answer_cell(answer, "evidence/x.md", Metric(unit, "error", "lower"))
    assert (cell.text, cell.badge.word, cell.detail) == ("", word, detail)
    assert cell.href == "evidence/x.md"


def test_the_address_at_the_end_of_a_reason_becomes_its_source():
    cell = tables.reason_cell("none of them (https://example.org/list)")
    assert (cell.text, cell.source) == ("none of them", "https://example.org/list")
    assert tables.reason_cell("f(x) failed (here)").text == "f(x) failed (here)"


def test_the_model_of_more_processes_meets_both_measured_times():
    assert parallel.modelled(1.0, 0.7, 1) == pytest.approx(1.0)
    assert parallel.modelled(1.0, 0.7, 2) == pytest.approx(0.7)
    # The ring's cost has a limit, the work has none: 0.2 * 2 seconds are left.
    assert parallel.modelled(1.0, 0.7, 10**6) == pytest.approx(0.4, rel=1e-3)
    assert parallel.modelled(1.0, 0.4, 4) == pytest.approx(0.25)  # never better than the work


@pytest.fixture
def pages(sample_pages):
    return sample_pages


ABILITIES = [section.id for section in loader.load().sections if section.findings]


@pytest.mark.parametrize("section", ABILITIES)
def test_no_cell_is_empty(pages, section):
    text = (pages / f"{section}.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) > 10
    for line in lines:
        cells = line.strip("|").split(" |")
        assert all(cell.strip() not in ("", "{ .number }") for cell in cells), line


@pytest.mark.parametrize("section", ABILITIES)
def test_every_framework_has_its_column_or_row(pages, section):
    text = (pages / f"{section}.md").read_text(encoding="utf-8")
    for framework in loader.load().frameworks:
        assert framework.name in text


def test_frameworks_that_were_not_tested_say_so(pages):
    assert "not tested" in (pages / "control.md").read_text(encoding="utf-8")


def test_what_a_figure_links_to_is_its_own_evidence(pages):
    """Each linked cell leads to the very answer, and that place is on the evidence page."""
    places = {
        path.name: set(re.findall(r"\{ ?#([a-z0-9-]+)", path.read_text(encoding="utf-8")))
        for path in (pages / "evidence").glob("*.md")
    }
    seen = set()
    for section in (*ABILITIES, "highlevel"):
        text = (pages / f"{section}.md").read_text(encoding="utf-8")
        for page, anchor in re.findall(r"evidence/([a-z0-9-]+\.md)#([a-z0-9-]+)", text):
            assert anchor in places[page], (section, page, anchor)
            seen.add((section, anchor.split("--", 1)[1]))
    assert ("custom", "hybrid--cpu--threads-all--build-time--naive") in seen
    assert {section for section, _ in seen} == {*ABILITIES, "highlevel"}


def test_a_spelling_stands_with_the_evidence(pages):
    text = (pages / f"evidence/operators-{PAIRED}.md").read_text(encoding="utf-8")
    assert "invented.add" in text
    assert "lenet.py" in text
    assert "highlevel.py" not in text  # another section's script


def test_a_process_that_died_answers_for_the_rest_of_its_family():
    from generator.pages.sections.operators import Sheet

    died = panels.Answer("failed", None, "killed by signal 11", "1")
    sheets = {PAIRED: {("elementary", "forward"): died}}
    section = loader.load().section("operators")
    view = question_page.View(section, None, None, sheets)
    assert Sheet(view, PAIRED).answer("exp", "forward") is died
