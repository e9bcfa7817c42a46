"""What a reader whose browser runs no scripts still has."""

import pytest

from generator.analysis import claims
from generator.pages import scoring
from tests.browser.checks import OVERFLOW


@pytest.mark.parametrize("width", [390, 1280])
def test_without_javascript_each_chart_is_one_picture_with_a_description(visit, width):
    page, _ = visit("report/lenet.html", width=width, java_script_enabled=False)
    tabs = page.locator(".tabbed-labels label").all()
    assert len(tabs) == page.locator(".chart").count() > 1
    for tab in tabs:
        tab.click()
        (chart,) = page.locator(".chart:visible").all()
        shown = chart.locator("img:visible")
        assert shown.count() == 1
        shown.scroll_into_view_if_needed()
        assert shown.get_attribute("alt").startswith("Chart: ")
        assert shown.bounding_box()["width"] <= width
    page.locator("details:visible summary").first.click()
    assert page.locator("table:visible").count() > 0


@pytest.mark.parametrize("path", ["index.html", "404.html", "report/then_and_now.html"])
def test_without_javascript_no_page_is_wider_than_a_phone(visit, path):
    page, _ = visit(path, width=390, java_script_enabled=False)
    assert page.evaluate(OVERFLOW) == 0


def test_where_scripts_are_on_but_do_not_arrive_every_column_is_there(visit, address):
    page, _ = visit("404.html", width=390)
    page.route("**/*.js", lambda route: route.abort())
    for path in ("index.html", "report/operators.html"):
        page.goto(f"{address}/{path}")
        box = page.locator(".scoreboard, .matrix").first
        heads = box.locator(".head > *" if "operators" in path else "th")
        assert heads.count() > 2
        assert all(head.is_visible() for head in heads.all())
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")


def test_an_address_that_leads_nowhere_shows_the_way(visit):
    page, problems = visit("404.html", width=390)
    for name in ("Home", "The frameworks", "This or that"):
        link = page.locator(".md-content").get_by_role("link", name=name)
        assert page.request.get(link.evaluate("link => link.href")).ok
    assert problems == []


HIDDEN = """() => {
    const parts = ":is(th, td, .status, .claim, summary)";
    const cells = [...document.querySelectorAll(`.md-content ${parts}`)];
    const hidden = cells.filter(cell => !cell.offsetWidth && cell.textContent.trim()
        && !cell.closest("details:not([open]), .tabbed-block"));
    return [cells.length, hidden.map(cell => cell.outerHTML.slice(0, 120))];
}"""


def test_without_javascript_every_figure_and_every_verdict_is_there(
    visit, pages, address, measured
):
    page, _ = visit("index.html", java_script_enabled=False, width=390)
    cells = 0
    for path in pages:
        page.goto(f"{address}/{path}")
        count, hidden = page.evaluate(HIDDEN)
        cells += count
        assert hidden == [], path
    assert cells > 5_000
    # A table that is wider than a phone is scrolled without scripts as well.
    page.goto(f"{address}/report/operators.html")
    box = page.locator(".matrix").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"
    # Every claim of the article has its verdict, in words.
    page.goto(f"{address}/report/then_and_now.html")
    words = claims.WORDS
    rows = page.locator(".report-table").first.locator("tbody tr")
    assert rows.count() == len(measured[0].book.claims)
    for row in rows.all():
        assert row.locator(".status").first.inner_text().split(maxsplit=1)[1] in words


def test_without_javascript_the_presets_are_answered_all_the_same(visit, measured):
    inputs, figures = measured
    scored = scoring.scores(inputs, figures[inputs.measured()[0]])
    page, _ = visit("report/chooser.html", java_script_enabled=False)
    for preset in scoring.PRESETS:
        page.get_by_text(preset.title, exact=True).click()
        answer = page.locator(f"#for-{preset.id}")
        assert answer.is_visible()
        table = answer.locator("xpath=following::table[2]")
        assert table.locator("tbody tr").count() == len(scored) > 1
