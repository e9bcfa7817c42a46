"""The built site as readers meet it: any page, light or dark, phone or desk."""

import csv
import gzip
import json
import re
import subprocess

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from generator import catalog, choosing

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


# Rows of a long table are alike, and axe takes minutes for thousands of them.
ALIKE = "tbody tr:nth-child(n + 13)"


def violations(page):
    """Ask axe about a page; rows far down in its tables are gone afterwards."""
    page.evaluate("rows => document.querySelectorAll(rows).forEach(row => row.remove())", ALIKE)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": LEVELS}})
    return [
        f"{item['id']}: {node['target']} {node['html'][:160]}"
        for item in found.response["violations"]
        for node in item["nodes"][:3]
    ]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_sound(visit, pages, address, scheme, width):
    # So high that the navigation need not scroll: a link that has scrolled half below an edge is
    # smaller than a finger, and axe says so.
    page, problems = visit("index.html", scheme=scheme, width=width, height=1300)
    found = {}
    # Evidence pages are many and alike: one of each section is met.
    evidence = {path.split("-")[0]: path for path in pages if "/evidence/" in path}
    # axe is slow: it is asked about each scheme and each width once, and about two of those.
    asks = (scheme, width) in (("light", 1280), ("dark", 390))
    spared = [path for path in evidence.values() if not re.search("/(lenet|custom)-", path)]
    for path in [path for path in pages if "/evidence/" not in path or path in evidence.values()]:
        problems.clear()
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        wide = page.evaluate(OVERFLOW)
        here = [*problems, *(violations(page) if asks and path not in spared else [])]
        if wide > 0:
            here.append(f"{wide} px wider than the window")
        if here:
            found[path] = here
    assert not found, json.dumps(found, indent=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "width"), [
    ("report/lenet.html", 1280), ("report/compile.html", 390), ("report/methodology.html", 1280),
    ("report/evidence/lenet-theano.html", 390),
])  # fmt: skip
def test_charts_become_interactive_in_place(visit, path, width, scheme):
    page, problems = visit(path, scheme=scheme, width=width)
    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    before = chart.locator("img:visible").bounding_box()
    chart.locator("img:visible").hover()
    drawing = chart.locator(".stage svg")
    drawing.wait_for()
    assert chart.locator("img:visible").count() == 0
    after = drawing.bounding_box()
    assert abs(after["height"] - before["height"]) < 30, "the page must not jump"
    ink = {"light": "rgb(29, 43, 51)", "dark": "rgb(232, 237, 239)"}[scheme]
    fills = drawing.evaluate(
        "svg => [...svg.querySelectorAll('text')].map(t => getComputedStyle(t).fill)"
    )
    assert ink in fills
    assert page.evaluate(OVERFLOW) <= 0
    assert violations(page) == []
    assert problems == []


def test_a_chart_follows_the_colour_scheme_and_explains_its_marks(visit):
    page, problems = visit("report/lenet.html")
    chart = page.locator(".chart").first
    chart.get_by_role("button").focus()
    page.keyboard.press("Enter")
    drawing = chart.locator(".stage svg")
    drawing.wait_for()
    chart.locator(".stage svg .mark-symbol path").first.hover()
    page.locator("#vg-tooltip-element.visible").wait_for()
    page.locator("label[title='Switch to dark mode']").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.stage svg text')]"
        ".some(text => getComputedStyle(text).fill === 'rgb(232, 237, 239)')"
    )
    assert problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_without_javascript_each_chart_is_one_picture_with_a_description(visit, width):
    page, _ = visit("report/lenet.html", width=width, java_script_enabled=False)
    charts = page.locator(".chart")
    assert charts.count() > 0
    for index in range(charts.count()):
        shown = charts.nth(index).locator("img:visible")
        assert shown.count() == 1
        shown.scroll_into_view_if_needed()
        assert shown.get_attribute("alt").startswith("Chart: ")
        assert shown.bounding_box()["width"] <= width
    assert page.locator("table").first.is_visible()


def test_only_the_picture_that_is_shown_is_fetched(visit):
    fetched = []
    page, _ = visit("index.html")
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(page.url.replace("index.html", "report/memory.html"))
    page.wait_for_load_state("networkidle")
    assert [url for url in fetched if url.endswith(".svg") and "/charts/" in url]
    assert all("wide-light" in url for url in fetched if "/charts/" in url)


def test_tables_sort_by_keyboard(visit):
    page, problems = visit("report/lenet.html")
    table = page.locator(".report-table").first
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
    page, problems = visit("report/lenet.html")
    table = page.locator(".report-table").first
    every = table.locator("tbody tr:visible").count()
    table.get_by_label("Filter").focus()
    page.keyboard.type("mxnet 1 thread")
    left = table.locator("tbody tr:visible")
    assert 0 < left.count() < every
    assert all("MXNet" in text for text in left.all_inner_texts())
    assert table.locator("[aria-live]").inner_text() == f"{left.count()} of {every} rows"
    assert problems == []


def test_what_was_done_to_a_table_is_in_the_address(visit, address):
    page, problems = visit("report/lenet.html")
    table = page.locator(".report-table").first
    table.get_by_label("Filter").fill("mxnet")
    table.locator("th").nth(2).get_by_role("button").click()
    table.locator("th").nth(2).get_by_role("button").click()
    table.get_by_text("Columns").click()
    table.locator("details").get_by_role("checkbox").first.uncheck()
    page.wait_for_url(re.compile(r"t1hide=2"))
    assert "t1filter=mxnet" in page.url
    assert "t1sort=3-" in page.url
    again, more = visit(page.url.removeprefix(f"{address}/"))
    there = again.locator(".report-table").first
    assert there.locator("tbody tr:visible").all_inner_texts() == (
        table.locator("tbody tr:visible").all_inner_texts()
    )
    assert there.locator("th").nth(2).get_attribute("aria-sort") == "descending"
    assert not there.locator("th").nth(1).is_visible()
    assert [*problems, *more] == []


def test_tables_are_copied_as_they_are_shown(visit):
    page, problems = visit("report/lenet.html", permissions=["clipboard-read", "clipboard-write"])
    table = page.locator(".report-table").first
    table.get_by_label("Filter").fill("mxnet 1 thread")
    left = table.locator("tbody tr:visible").count()
    table.get_by_role("button", name="Copy CSV").click()
    page.wait_for_function("document.querySelector('[aria-live]').textContent.includes('copied')")
    rows = list(csv.reader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    assert len(rows) == left + 1
    assert {len(row) for row in rows} == {table.locator("th").count()}
    assert all("MXNet" in row[0] for row in rows[1:])
    table.get_by_role("button", name="Copy Markdown").click()
    page.wait_for_function("document.querySelector('[aria-live]').textContent.includes('Markdown')")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == left + 2
    assert set(lines[1]) == set("| -")
    assert problems == []


def test_hostile_text_stays_text(visit, pages, address):
    page, problems = visit("index.html")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    seen = 0
    for path in pages:
        page.goto(f"{address}/{path}")
        seen += page.locator("body").inner_text().count("<script>alert(1)</script>")
        assert page.locator("script:text('alert(1)')").count() == 0
        assert page.locator("a[href^='javascript:']").count() == 0
        assert "49" not in page.locator("body").inner_text().split("{{")[-1][:12]
    assert seen > 0, "the sample has hostile text, so some page must show it"
    assert dialogs == []
    assert problems == []


def test_each_figure_leads_to_its_evidence(visit):
    page, _ = visit("report/lenet.html")
    link = page.locator(".report-table tbody td.number a").first
    link.click()
    page.wait_for_url(re.compile(r"/evidence/.*\.html#"))
    heading = page.evaluate("document.getElementById(location.hash.slice(1))?.textContent")
    assert heading
    assert page.get_by_text("generator measure").first.is_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="rows as CSV").first.evaluate(
            "link => { link.download = ''; link.click(); }"
        )
    assert download.value.suggested_filename.endswith(".csv")


SHIFTS = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0))
).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 500))"""


@pytest.mark.parametrize("path", ["index.html", "report/lenet.html", "report/operators.html"])
def test_pages_are_small_and_stay_where_they_are(visit, address, path):
    """Budgets in bytes as a server that compresses sends them."""
    page, _ = visit("404.html")
    sent = {}
    page.on("response", lambda response: sent.update({response.url: response.body()}))
    page.goto(f"{address}/{path}")
    page.wait_for_load_state("networkidle")
    sizes = {url: len(gzip.compress(body)) for url, body in sent.items()}
    assert sizes[f"{address}/{path}"] < 60_000
    assert sum(sizes.values()) < 350_000, sizes
    assert page.evaluate(SHIFTS) < 0.01


def test_nothing_inline_runs(visit, pages, checkout):
    """The policy is on every page, and it refuses what a page did not bring as a file."""
    for path in pages:
        text = (checkout / "site" / path).read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text, path
        assert re.findall(r"<script(?![^>]*(?: src=| type=.application))", text) == [], path
        assert re.findall(r"<style|<[^>]+ style=| on[a-z]+=.[^>]*>", text.split("<pre")[0]) == [], (
            path
        )
    page, problems = visit("index.html")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s) }"
    )
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in problem for problem in problems)


def test_search_finds_pages_and_no_evidence(visit):
    page, problems = visit("index.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("theano compile")
    page.locator(".md-search-result__item").first.wait_for()
    found = page.locator(".md-search-result__link").evaluate_all("links => links.map(a => a.href)")
    assert found
    assert not any("/evidence/" in link for link in found)
    assert problems == []


def test_no_dead_links(checkout, tool):
    site = checkout / "site"
    command = [
        tool("lychee"), "--offline", "--include-fragments", "--index-files", "index.html",
        "--no-progress", "--root-dir", str(site), str(site),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_other_site_builder_takes_the_same_configuration(checkout, tool, tmp_path):
    kept = checkout / "site"
    aside = tmp_path / "site"
    kept.rename(aside)
    try:
        ended = subprocess.run(
            [tool("zensical"), "build"],
            cwd=checkout, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        theirs = (kept / "report" / "lenet.html").read_text(encoding="utf-8")
        ours = (aside / "report" / "lenet.html").read_text(encoding="utf-8")
        for html in (theirs, ours):
            assert html.count('class="report-table"') == ours.count('class="report-table"')
            assert len(re.findall(r"<td", html)) == len(re.findall(r"<td", ours))
            assert len(re.findall(r"<img", html)) >= 4
    finally:
        if kept.exists():
            kept.rename(tmp_path / "other")
        aside.rename(kept)


# ------------------------------------------------------------------------------------- the chooser


STANDINGS = """() => [...document.querySelectorAll(".chooser tbody tr")].map(
    row => [row.dataset.framework, +row.dataset.group, row.cells[2].textContent])"""


@pytest.fixture(scope="module")
def scores(measured):
    """Scores of each place of the site."""
    inputs, figures = measured
    places = [(m, device) for m in inputs.machines for device in inputs.devices(m)]
    frameworks = inputs.catalog.frameworks
    return [choosing.scores(frameworks, figures[place], inputs.today) for place in places]


@pytest.mark.timeout(300)
def test_the_chooser_answers_as_plain_python_does(visit, scores):
    """A hundred random weightings, on every machine and device, through the real page."""
    page, problems = visit("report/chooser.html")
    random = np.random.default_rng(2016)
    for turn in range(100):
        weights = {need.id: int(random.integers(0, choosing.MOST + 1)) for need in choosing.NEEDS}
        if turn % 2:  # few needs tie and miss more often than many
            for need in random.choice(list(weights), 9, replace=False):
                weights[str(need)] = 0
        if not any(weights.values()):
            continue
        place = turn % len(scores)
        state = "&".join(f"{need}={weight}" for need, weight in weights.items() if weight)
        page.evaluate("hash => { location.hash = hash }", f"on={place}&{state}")
        page.wait_for_function(
            "weights => Object.entries(weights).every("
            "([need, weight]) => +document.querySelector(`[name=${need}]`).value === weight)",
            arg=weights,
        )
        expected = [
            [one.framework, one.group, f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"]
            for one in choosing.rank(scores[place], weights)
        ]
        found = page.evaluate(STANDINGS)
        assert [one[:2] for one in found] == [one[:2] for one in expected], weights
        for (_, _, theirs), (_, _, ours) in zip(found, expected, strict=True):
            # Halves are rounded differently by the two languages.
            for a, b in zip(
                re.findall(r"[\d.]+", theirs), re.findall(r"[\d.]+", ours), strict=True
            ):
                assert abs(float(a) - float(b)) < 0.011
    assert problems == []


def test_the_chooser_keeps_its_weights_in_the_address(visit, address):
    page, _ = visit("report/chooser.html")
    assert "#" not in page.url, "nothing was weighed yet"
    page.get_by_role("button", name="Training speed alone").click()
    page.wait_for_url(re.compile("#speed=5$"))
    slider = page.get_by_role("slider", name="Operator coverage")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("#speed=5&operators=1$"))
    before = page.evaluate(STANDINGS)
    again, problems = visit(page.url.removeprefix(f"{address}/"))
    assert again.evaluate(STANDINGS) == before
    for need in choosing.NEEDS:
        again.get_by_role("slider", name=need.title).fill("0")
    assert again.locator(".chooser tbody tr").count() == 0
    assert "at least one need" in again.locator(".chooser .said").inner_text()
    assert problems == []


def test_without_javascript_the_presets_are_answered_all_the_same(visit):
    page, _ = visit("report/chooser.html", java_script_enabled=False)
    for preset in choosing.PRESETS:
        heading = page.locator(f"#for-{preset.id}")
        table = heading.locator("xpath=following::table[1]")
        assert table.locator("tbody tr").count() == len(catalog.load().frameworks)
