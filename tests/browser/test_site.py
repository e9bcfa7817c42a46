"""The built site as readers meet it: any page, light or dark, phone or desk."""

import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from generator.catalog import loader
from generator.pages import scoring

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


# Rows of a long table are alike, and axe takes minutes for thousands of them.
ALIKE = "tbody tr:nth-child(n + 13)"


def violations(page):
    """Ask axe about a page; rows far down in its tables are gone afterwards.

    Tables out of sight are not laid out, and axe judges only what is.
    """
    page.evaluate(
        "document.querySelectorAll('.report-table').forEach("
        "table => { table.style.contentVisibility = 'visible' })"
    )
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
    chart.get_by_role("button", name="Explore").press("Enter")
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


def test_one_framework_stands_out_in_every_chart_of_a_page(visit):
    page, problems = visit("report/history.html")
    charts = page.locator(".chart")
    charts.first.get_by_role("button", name="Explore").press("Enter")
    charts.first.get_by_label("Highlight").select_option("MXNet")
    faded = """chart => [...chart.querySelectorAll(".stage .mark-symbol path")]
        .filter(mark => +getComputedStyle(mark).opacity < 0.2).length"""
    page.wait_for_function("() => !document.querySelector('.chart:not(:has(.picker))')")
    assert charts.count() > 1
    for index in range(charts.count()):
        chart = charts.nth(index)
        assert chart.get_by_label("Highlight").input_value() == "MXNet"
        marks = chart.locator(".stage .mark-symbol path").count()
        assert 0 < chart.evaluate(faded) < marks
    # Pressing what stands out takes it back, everywhere.
    charts.nth(1).locator(".stage .mark-symbol path[opacity='1']").first.click()
    page.wait_for_function("() => document.querySelector('.picker select').value === ''")
    assert [charts.nth(index).evaluate(faded) for index in range(charts.count())] == (
        [0] * charts.count()
    )
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_is_downloaded_as_picture_and_as_data(visit, measured, tmp_path, scheme):
    page, problems = visit("report/lenet.html", scheme=scheme)
    chart = page.locator(".chart").first
    kept = {}
    for role, name in (("link", "SVG"), ("button", "PNG"), ("link", "data")):
        with page.expect_download() as found:
            chart.get_by_role(role, name=name).click()
        kept[name] = tmp_path / found.value.suggested_filename
        found.value.save_as(kept[name])
    assert [path.suffix for path in kept.values()] == [".svg", ".png", ".csv"]
    assert ET.parse(kept["SVG"]).getroot().tag.endswith("svg")
    with Image.open(kept["PNG"]) as image:
        drawn = chart.locator("img:visible")
        assert image.width == 2 * int(drawn.get_attribute("width"))
        background = image.convert("RGB").getpixel((2, image.height - 2))
        assert (sum(background) > 600) == (scheme == "light")
        assert len(image.convert("RGB").getcolors(1 << 24)) > 20, "there is a drawing on it"
    inputs, figures = measured
    first = figures[inputs.machines[0], inputs.devices(inputs.machines[0], "lenet")[0]]
    batch = inputs.document(first.machine, first.device)["settings"]["batch"]
    expected = {
        round(batch / row.summary.value, 6)
        for panel in first.panels if panel.section == "lenet"
        for row in panel.rows if row.summary is not None
    }  # fmt: skip
    with kept["data"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {round(float(row["estimate"]), 6) for row in rows if row["estimate"]} == expected
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


HIDDEN = """cells => cells.filter(cell => cell.textContent.trim() && !cell.offsetWidth
    && !cell.closest("details:not([open])")).map(cell => cell.outerHTML.slice(0, 120))"""


@pytest.mark.timeout(1800)
def test_without_javascript_every_figure_and_every_verdict_is_there(
    visit, pages, address, measured
):
    page, _ = visit("index.html", java_script_enabled=False, width=390)
    cells = 0
    for path in pages:
        page.goto(f"{address}/{path}")
        found = page.locator(".md-content :is(th, td, .status, .finding, .claim, summary)")
        cells += found.count()
        assert found.evaluate_all(HIDDEN) == [], path
    assert cells > 5_000
    # A table that is wider than a phone is scrolled without scripts as well.
    page.goto(f"{address}/report/operators.html")
    box = page.locator(".report-table").nth(1)
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"
    # Every claim of the article has its verdict, in words.
    page.goto(f"{address}/report/then_and_now.html")
    words = ("holds", "no longer holds", "mixed", "cannot be tested here")
    rows = page.locator(".report-table").first.locator("tbody tr")
    assert rows.count() == len(measured[0].book.claims)
    for row in rows.all():
        assert row.locator(".status").first.inner_text().split(maxsplit=1)[1] in words


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
    bar = page.locator(".table-filter").first
    bar.get_by_label("Filter").focus()
    page.keyboard.type("mxnet 1 thread")
    left = table.locator("tbody tr:visible")
    assert 0 < left.count() < every
    assert all("MXNet" in text for text in left.all_inner_texts())
    assert bar.locator("[aria-live]").inner_text() == f"{left.count()} of {every} rows"
    assert problems == []


def test_what_was_done_to_a_table_is_in_the_address(visit, address):
    page, problems = visit("report/lenet.html")
    table = page.locator(".report-table").first
    bar = page.locator(".table-filter").first
    bar.get_by_label("Filter").fill("mxnet")
    table.locator("th").nth(2).get_by_role("button").click()
    table.locator("th").nth(2).get_by_role("button").click()
    bar.get_by_text("Columns").click()
    bar.locator("details").get_by_role("checkbox").first.uncheck()
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
    bar = page.locator(".table-filter").first
    bar.get_by_label("Filter").fill("mxnet 1 thread")
    left = table.locator("tbody tr:visible").count()
    bar.get_by_role("button", name="Copy CSV").click()
    page.wait_for_function("document.querySelector('[aria-live]').textContent.includes('copied')")
    rows = list(csv.reader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    assert len(rows) == left + 1
    assert {len(row) for row in rows} == {table.locator("th").count()}
    assert all("MXNet" in row[0] for row in rows[1:])
    bar.get_by_role("button", name="Copy Markdown").click()
    page.wait_for_function("document.querySelector('[aria-live]').textContent.includes('Markdown')")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == left + 2
    assert set(lines[1]) == set("| -")
    assert problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_heading_and_first_column_of_a_long_table_stay_in_sight(visit, width):
    page, problems = visit("report/lenet.html", width=width, height=600)
    table = page.locator(".report-table").first
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


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["report/lenet.html", "report/chooser.html"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit, path, width):
    page, problems = visit(path, width=width)
    page.keyboard.press("Shift")  # the theme's script comes with the first gesture
    page.wait_for_selector("text=Type to start searching", state="attached")
    page.wait_for_load_state("networkidle")
    reached, wrong = 0, []
    for _ in range(600):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now["body"]:
            break
        reached += now["main"]
        if not now["inside"] or not now["outlined"] or now["covered"]:
            wrong.append(now)
    assert now["body"], "there is an end"
    assert wrong == []
    there = page.locator(
        ".md-content :is(a[href], button, input, select, summary, [tabindex='0']):visible"
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
    link = page.locator(".md-nav--primary a").filter(has_text="Machines")
    link.press("Enter")
    page.wait_for_url(re.compile("machines.html$"))
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.keyboard.type("theano")
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
    for table in page.locator(".report-table").all():
        assert table.evaluate("box => box.scrollHeight - box.clientHeight") <= 1
    assert page.locator("details pre").first.is_visible(), "what is folded is printed"
    assert page.pdf()[:4] == b"%PDF"
    page.emulate_media(media="screen")
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
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


@pytest.mark.parametrize(("path", "most"), [
    ("index.html", 60_000), ("reproduce.html", 60_000), ("report/frameworks.html", 60_000),
    ("report/chooser.html", 60_000),
    ("report/lenet.html", 350_000), ("report/operators.html", 350_000),
    ("report/history.html", 350_000),
])  # fmt: skip
def test_pages_are_small_and_stay_where_they_are(visit, address, path, most):
    """Budgets in bytes as a server that compresses sends them."""
    page, _ = visit("404.html")
    sent = {}
    page.on("response", lambda response: sent.update({response.url: response.body()}))
    page.goto(f"{address}/{path}")
    page.wait_for_load_state("networkidle")
    sizes = {url: len(gzip.compress(body)) for url, body in sent.items()}
    assert sizes[f"{address}/{path}"] < 60_000
    assert sum(sizes.values()) < most, sizes
    assert page.evaluate(SHIFTS) < 0.01


PHONE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8,
         "uploadThroughput": 750e3 / 8}  # fmt: skip
"""Lighthouse's slow 4G: milliseconds, bytes per second."""

FIRST_CHART = """() => {
    const chart = [...document.querySelectorAll(".chart img")].find(image => image.offsetWidth);
    const loaded = performance.getEntriesByName(chart.src)[0].responseEnd;
    return Math.max(loaded, performance.getEntriesByName("first-contentful-paint")[0].startTime);
}"""


@pytest.mark.parametrize("path", ["report/lenet.html", "report/operators.html"])
def test_a_slow_phone_has_the_first_chart_within_a_second(visit, address, path):
    """The network is slowed down, not the processor: this one may be busy with other tests.

    So the best of a few tries counts: what was in the way of the others was not the page.
    """
    took = []
    while len(took) < 5 and min(took, default=9e9) >= 1000:
        page, problems = visit("404.html", width=390, height=844)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", PHONE)
        problems.clear()
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        took.append(page.evaluate(FIRST_CHART))
        assert problems == []
    assert min(took) < 1000, took


LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


@pytest.mark.parametrize("path", ["index.html", "report/lenet.html", "report/operators.html"])
def test_lighthouse_finds_nothing(address, chrome, tmp_path, path):
    """A phone, by Lighthouse's own rules.

    Its points for speed depend on how busy this machine is, so the best of a few runs counts, and
    nine tenths of them; alone on a machine each of these pages has them all.
    """
    npx = shutil.which("npx")
    assert npx, "Lighthouse is a Node program: install Node with npm"
    command = [
        npx, "--yes", LIGHTHOUSE, f"{address}/{path}", "--quiet", "--output=json",
        f"--output-path={tmp_path / 'report.json'}", f"--only-categories={','.join(CATEGORIES)}",
        "--chrome-flags=--headless --no-sandbox --disable-gpu",
    ]  # fmt: skip
    points = []
    for _ in range(3):
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
            env={**os.environ, "CHROME_PATH": chrome},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr
        report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
        found = {name: report["categories"][name]["score"] for name in CATEGORIES}
        points.append(found.pop("performance"))
        short = {
            name: [
                (audit["id"], report["audits"][audit["id"]].get("details", {}).get("items"))
                for audit in report["categories"][name]["auditRefs"]
                if report["audits"][audit["id"]]["score"] == 0 and audit["weight"]
            ]
            for name, score in found.items()
            if score < 1
        }
        assert short == {}, found
        if points[-1] >= 0.9:
            break
    assert max(points) >= 0.9, points


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
    return [scoring.scores(frameworks, figures[place], inputs.today) for place in places]


@pytest.mark.timeout(300)
def test_the_chooser_answers_as_plain_python_does(visit, scores):
    """A hundred random weightings, on every machine and device, through the real page."""
    page, problems = visit("report/chooser.html")
    random = np.random.default_rng(2016)
    for turn in range(100):
        weights = {need.id: int(random.integers(0, scoring.MOST + 1)) for need in scoring.NEEDS}
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
            for one in scoring.rank(scores[place], weights)
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
    for need in scoring.NEEDS:
        again.get_by_role("slider", name=need.title).fill("0")
    assert again.locator(".chooser tbody tr").count() == 0
    assert "at least one need" in again.locator(".chooser .said").inner_text()
    assert problems == []


def test_without_javascript_the_presets_are_answered_all_the_same(visit):
    page, _ = visit("report/chooser.html", java_script_enabled=False)
    for preset in scoring.PRESETS:
        heading = page.locator(f"#for-{preset.id}")
        table = heading.locator("xpath=following::table[1]")
        assert table.locator("tbody tr").count() == len(loader.load().frameworks)
