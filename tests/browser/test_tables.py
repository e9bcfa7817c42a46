"""Tables: sorted, filtered, shared, copied, and in sight."""

import csv
import re

import pytest

from measurements.operators import OPERATORS
from tests.browser.checks import UNFOLDED, until
from tests.sample_results import NAMES, PAIRED

SAID = "[...document.querySelectorAll('[aria-live]')].some(one => one.textContent.includes('WORD'))"


def figures_of(page, heading="All figures", label="All figures"):
    """Unfold a table of the first tab; return it and the line above it."""
    fold = page.locator("details", has_text=heading).first
    fold.locator("summary").first.click()
    table = fold.locator(f".report-table[aria-label*='{label}']").first
    return table, table.locator("xpath=preceding-sibling::*[contains(@class, 'table-filter')][1]")


def test_tables_sort_by_keyboard(visit):
    page, problems = visit("report/lenet.html")
    table, _ = figures_of(page)
    heading = table.locator("th").nth(2)
    button = heading.get_by_role("button")

    def values():
        texts = table.locator("tbody tr td:nth-child(3)").evaluate_all(
            "cells => cells.map(cell => cell.dataset.sort)"
        )
        return [float(text) for text in texts if text is not None], texts

    button.focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    numbers, texts = values()
    assert numbers == sorted(numbers)
    assert texts[-1] is None, "rows without a figure come last"
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"
    numbers, texts = values()
    assert numbers == sorted(numbers, reverse=True)
    assert texts[-1] is None
    assert problems == []


def test_tables_filter_and_say_how_much_is_left(visit):
    page, problems = visit("report/compile.html")
    table, bar = figures_of(page, "All figures", "other figures")
    every = table.locator("tbody tr:visible").count()
    bar.get_by_label("Filter").focus()
    page.keyboard.type(f"{PAIRED} cold")
    left = table.locator("tbody tr:visible")
    assert 0 < left.count() < every
    assert all(NAMES[PAIRED] in text for text in left.all_inner_texts())
    assert bar.locator("[aria-live]").inner_text() == f"{left.count()} of {every} rows"
    assert problems == []


def test_the_scoreboard_fits_a_laptop_and_sorts_the_best_first(visit):
    page, problems = visit("index.html", height=800)
    board = page.locator(".scoreboard").first
    assert board.evaluate("box => box.scrollWidth <= box.clientWidth")
    box = board.bounding_box()
    assert box["y"] + box["height"] <= 800, "in one screen"
    assert board.locator("svg.bar").count() > 0
    place = board.locator("th").count()
    last = board.locator(f"tbody td:nth-child({place})")
    assert "lines" in board.locator("th").last.inner_text()
    board.locator("th").last.get_by_role("button").click()
    lines = [int(text.split()[0]) for text in last.all_inner_texts() if text[:1].isdigit()]
    assert len(lines) > 1
    assert lines == sorted(lines)
    assert "leading group" in last.first.inner_text(), "in words as well"
    assert problems == []


def test_on_a_phone_the_scoreboard_shows_the_question_that_is_picked(visit, address):
    page, problems = visit("index.html", width=390)
    board = page.locator(".scoreboard").first
    assert board.locator("th:visible").count() == 2
    picker = page.get_by_label("Question").first
    picker.select_option(label="Short code (lines)")
    assert board.locator("th:visible").last.inner_text().startswith("Short code")
    shown = board.locator("tbody td.pick:visible")
    lines = [int(text.split()[0]) for text in shown.all_inner_texts() if text[:1].isdigit()]
    assert lines == sorted(lines)
    page.wait_for_url(re.compile("t1sort="))
    again, more = visit(page.url.removeprefix(f"{address}/"), width=390)
    assert (
        again.locator(".scoreboard")
        .first.locator("th:visible")
        .last.inner_text()
        .startswith("Short code")
    )
    assert [*problems, *more] == []


@pytest.mark.parametrize("name", ["chooser", "history"])
def test_tables_of_many_columns_fit_a_laptop(visit, name):
    page, _ = visit(f"report/{name}.html")
    page.evaluate(UNFOLDED)
    tables = page.locator(".report-table")
    assert max(tables.evaluate_all("all => all.map(one => one.querySelectorAll('th').length)")) > 11
    wider = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"
    assert tables.evaluate_all(wider) == []


def test_without_scripts_the_scoreboard_scrolls_on_a_phone(visit):
    page, _ = visit("index.html", width=390, java_script_enabled=False)
    board = page.locator(".scoreboard").first
    assert board.evaluate("box => box.scrollWidth > box.clientWidth")
    assert board.locator("th:visible").count() == board.locator("th").count() > 2


def test_what_was_done_to_a_table_is_in_the_address(visit, address):
    page, problems = visit("report/compile.html")
    table, bar = figures_of(page, "All figures", "other figures")
    bar.get_by_label("Filter").fill(PAIRED)
    table.locator("th").nth(2).get_by_role("button").click()
    table.locator("th").nth(2).get_by_role("button").click()
    bar.get_by_text("Columns").click()
    bar.locator("details").get_by_role("checkbox").first.uncheck()
    page.wait_for_url(re.compile(r"t\dhide=2"))
    assert re.search(rf"t\dfilter={PAIRED}", page.url)
    assert re.search(r"t\dsort=3-", page.url)
    again, more = visit(page.url.removeprefix(f"{address}/"))
    there, _ = figures_of(again, "All figures", "other figures")
    there.scroll_into_view_if_needed()  # what is far below is not laid out
    there.locator("th[aria-sort=descending]").wait_for()  # nor sorted at once on a busy machine
    assert there.locator("tbody tr:visible").all_inner_texts() == (
        table.locator("tbody tr:visible").all_inner_texts()
    )
    assert there.locator("th").nth(2).get_attribute("aria-sort") == "descending"
    assert not there.locator("th").nth(1).is_visible()
    assert [*problems, *more] == []


def test_tables_are_copied_as_they_are_shown(visit):
    page, problems = visit("report/compile.html", permissions=["clipboard-read", "clipboard-write"])
    table, bar = figures_of(page, "All figures", "other figures")
    bar.get_by_label("Filter").fill(f"{PAIRED} cold")
    left = table.locator("tbody tr:visible").count()
    bar.get_by_role("button", name="Copy CSV").click()
    until(page, SAID.replace("WORD", "copied"))
    rows = list(csv.reader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    assert len(rows) == left + 1
    assert {len(row) for row in rows} == {table.locator("th").count()}
    assert all(NAMES[PAIRED] in row[0] for row in rows[1:])
    bar.get_by_role("button", name="Copy Markdown").click()
    until(page, SAID.replace("WORD", "Markdown"))
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == left + 2
    assert set(lines[1]) == set("| -")
    assert problems == []


def test_heading_and_first_column_of_a_long_table_stay_in_sight(visit):
    page, problems = visit("report/lenet.html", width=800, height=600)
    table, _ = figures_of(page)
    table.scroll_into_view_if_needed()
    last = table.locator("tbody tr").last
    last.scroll_into_view_if_needed()
    table.evaluate("box => box.scrollTo(400, box.scrollHeight)")
    box = table.bounding_box()
    heading, first = table.locator("th").first.bounding_box(), last.locator("td").first
    assert abs(heading["y"] - box["y"]) < 3
    assert box["y"] <= last.bounding_box()["y"] < box["y"] + box["height"]
    assert abs(first.bounding_box()["x"] - box["x"]) < 3
    assert problems == []


def test_each_figure_leads_to_its_evidence(visit):
    page, _ = visit("report/lenet.html")
    figures_of(page)[0].locator("tbody td.number a").first.click()
    page.wait_for_url(re.compile(r"/evidence/.*\.html#"))
    heading = page.evaluate("document.getElementById(location.hash.slice(1))?.textContent")
    assert heading
    assert page.get_by_text("generator measure").first.is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="rows as CSV").first.evaluate(
            "link => { link.download = ''; link.click(); }"
        )
    assert download.value.suggested_filename.endswith(".csv")


MATRICES = ("operators", "control", "custom", "parallel", "reuse")


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_shows_every_framework_on_a_laptop(visit, measured, name):
    page, problems = visit(f"report/{name}.html", width=1024, height=700)
    box = page.locator(".matrix").first
    heads = box.locator(".head > :not(:first-child)")
    assert heads.count() == len(measured[0].catalog.frameworks)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    if box.locator("details").count():
        box.locator("summary").first.click()
    cells = box.locator("tbody tr").first.locator("td:not(:first-child)")
    for head, cell in zip(heads.all(), cells.all(), strict=True):
        above, below = head.bounding_box(), cell.bounding_box()
        assert above["x"] == pytest.approx(below["x"], abs=2), "a cell stands under its framework"
        assert below["x"] + below["width"] <= 1024
        assert head.locator("a, span").first.evaluate("name => name.getClientRects().length") == 1
        assert re.search("[a-z]{2}", cell.inner_text()), "words for those who see no sign"
    box.evaluate("box => scrollTo(0, box.getBoundingClientRect().top + 60)")
    assert 47 <= heads.last.bounding_box()["y"] < 100, "the headings stay in sight"
    assert problems == []


@pytest.mark.parametrize("name", ["operators", "parallel"])
def test_a_matrix_shows_one_framework_on_a_phone(visit, name):
    page, problems = visit(f"report/{name}.html", width=390)
    box = page.locator(".matrix").first
    heads = box.locator(".head > :not(:first-child)")
    names = [text.split()[0] for text in heads.all_text_contents()]

    def shown():
        return [head.inner_text().split()[0] for head in heads.all() if head.is_visible()]

    assert shown() == names[:1]
    page.locator(".picked select").first.select_option(names[-1])
    assert shown() == names[-1:]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.wait_for_url(re.compile(f"m1={len(names)}"))
    assert problems == []


def test_operators_are_found_in_all_families(visit):
    page, problems = visit("report/operators.html")
    assert page.locator(".matrix").count() > 1, "in tabs"
    box = page.locator(".matrix").first
    assert box.locator("tbody tr").count() == len(OPERATORS), "every family is in it"
    assert box.locator("tbody tr:visible").count() == 0, "families are closed"
    page.locator(".table-filter input[type=search]").first.fill("conv2d")
    rows = box.locator("tbody tr:visible")
    assert rows.count() > 0
    assert all("conv2d" in text for text in rows.all_inner_texts())
    assert box.locator("details:visible").count() == box.locator("details[open]").count()
    assert problems == []
