"""Using the site: by keyboard, in a narrow window, with a bad line, on paper, by searching."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import ready
from tests.sample_results import GRAPH

FOCUSED = """() => {
    const element = document.activeElement;
    const shown = element.matches(".md-option") ? element.nextElementSibling : element;
    const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
    const x = box.x + Math.min(box.width, 20) / 2, y = box.y + Math.min(box.height, 12) / 2;
    const top = document.elementFromPoint(x, y);
    return {
        name: `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 30)}`,
        body: element === document.body,
        main: Boolean(element.closest(".md-content")),
        inside: Boolean(box.width && box.bottom > 0 && box.y < innerHeight && box.right > 0),
        // By what stays in sight; a region that scrolls may be larger than the window.
        covered: Boolean(element.closest(".md-content") && element.tagName !== "DIV" && top
            && !shown.contains(top) && !top.contains(shown)
            && top.closest("th, .md-header, tr > :first-child")),
        outlined: style.outlineStyle !== "none" || element.matches(".md-search__input"),
    };
}"""


def _in_sight(focused):
    return focused["inside"] and focused["outlined"] and not focused["covered"]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["report/lenet.html", "report/chooser.html"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit, path, width):
    page, problems = visit(path, width=width)
    page.keyboard.press("Shift")  # the theme's script comes with the first gesture
    page.wait_for_selector("text=Type to start searching", state="attached")
    reached, wrong = 0, []
    for _ in range(600):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now["body"]:
            break
        reached += now["main"]
        if not _in_sight(now):
            page.wait_for_timeout(500)  # a busy machine may still be scrolling to it
            now = page.evaluate(FOCUSED)
        if not _in_sight(now):
            wrong.append(now)
    assert now["body"], "there is an end"
    assert wrong == []
    # Of tabs, the chosen one is reached, and arrows lead to the others.
    there = page.locator(
        ".md-content :is(a[href], button, input, select, summary, [tabindex='0'])"
        ":not([tabindex='-1'], [type=radio]:not(:checked)):visible"
    )
    assert reached >= there.count() - 1
    assert problems == []


def test_a_narrow_window_is_used_without_a_mouse(visit):
    page, problems = visit("index.html", width=390)
    page.locator(".md-nav--primary a").first.wait_for(state="hidden")
    page.get_by_role("button", name="Menu").press("Enter")
    page.locator(".md-nav--primary a").first.wait_for()
    group = page.locator(".md-nav--primary label[for^=__nav]").filter(has_text="Over time").first
    group.press("Enter")
    link = page.locator(".md-nav--primary a").filter(has_text=re.compile(r"^\s*Machines\s*$"))
    link.press("Enter")
    page.wait_for_url(re.compile("machines.html$"))
    ready(page)
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.keyboard.type(GRAPH)
    page.locator(".md-search-result__item").first.wait_for()
    assert problems == []


def test_the_first_gesture_of_a_visit_is_not_lost(visit):
    """The theme's own script is fetched by it."""
    page, problems = visit("index.html", scheme="dark")
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    page.locator("label[title='Switch to light mode']").click()
    page.wait_for_selector("body[data-md-color-scheme=default]")
    page.reload()
    assert page.locator("body").get_attribute("data-md-color-scheme") == "default", "it is kept"
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    assert problems == []


def test_a_script_that_did_not_arrive_is_asked_for_again(visit):
    page, _ = visit("report/lenet.html")
    page.route("**/*.js", lambda route: route.abort())
    page.keyboard.press("Shift")
    explore = page.locator(".chart").first.get_by_role("button", name="Explore")
    explore.press("Enter")
    page.wait_for_timeout(500)
    assert page.locator(".stage svg").count() == 0
    page.unroute("**/*.js")
    explore.press("Enter")
    page.locator(".stage svg").wait_for()
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()


def test_paper_is_white_and_shows_whole_tables_and_nothing_to_press(visit):
    page, problems = visit("report/lenet.html", width=390, scheme="dark")
    page.locator(".chart").first.get_by_role("button", name="Explore").press("Enter")
    page.locator(".stage svg").wait_for()
    page.emulate_media(media="print")
    expect(page.locator("body")).to_have_css("background-color", "rgb(253, 253, 251)")
    assert page.locator(".table-filter:visible, .explore:visible, .stage:visible").count() == 0
    assert page.locator(".chart img:visible").first.get_attribute("src").endswith("-light.svg")
    for part in page.locator(".tabbed-labels label, .tabbed-block > .chart").all():
        assert part.is_visible(), "all tabs are printed, each with its label"
    for table in page.locator(".report-table").all():
        assert table.evaluate("box => box.scrollHeight - box.clientHeight") <= 1
    assert page.locator("details pre").first.is_visible(), "what is folded is printed"
    assert page.pdf()[:4] == b"%PDF"
    page.emulate_media(media="screen")
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    assert problems == []


@pytest.mark.parametrize("path", ["index.html", "report/operators.html"])
def test_on_paper_scoreboard_and_matrices_are_whole(visit, path):
    """A4 is hardly wider than a phone's rules allow, and has none of them."""
    page, problems = visit(path, width=700)
    page.emulate_media(media="print")
    for box in page.locator(".scoreboard, .matrix").all():
        assert box.locator(".picked:visible").count() == 0
        assert box.locator(".head > *, .scoreboard th").evaluate_all(
            "cells => cells.every(cell => cell.checkVisibility())"
        )
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_labels_of_tabs_name_machines_and_are_never_cut(visit, width):
    page, problems = visit("report/lenet.html", width=width)
    labels = page.locator(".tabbed-labels > label")
    assert max(map(len, labels.all_text_contents())) > 60, "one is longer than a phone is wide"
    cut = "labels => labels.filter(label => label.offsetWidth > label.parentElement.clientWidth)"
    assert labels.evaluate_all(f"{cut}.map(label => label.textContent)") == []
    assert problems == []


def test_search_finds_pages_and_no_evidence(visit):
    page, problems = visit("index.html")
    page.locator(".md-search__input").click()
    page.keyboard.type(f"{GRAPH} compile")
    page.locator(".md-search-result__item").first.wait_for()
    found = page.locator(".md-search-result__link").evaluate_all("links => links.map(a => a.href)")
    assert found
    assert not any("/evidence/" in link for link in found)
    assert problems == []
