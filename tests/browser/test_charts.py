"""Charts: pictures first, interactive on demand, to be taken home."""

import csv
import datetime
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from generator.catalog.model import Look
from generator.pages.charts import intervals, lines, marks, samples
from generator.pages.charts.style import SCHEMES
from generator.site import render, writer
from tests.browser.checks import OVERFLOW, until, violations
from tests.sample_results import GRAPH, NAMES, PAIRED

MISPLACED = """() => [...document.querySelectorAll(".stage svg, .drawing svg")].flatMap((svg) => {
    const edge = svg.getBoundingClientRect();
    const sides = [["left", "right"], ["top", "bottom"]];
    const cut = (box) => sides.some(([a, b]) => edge[a] - box[a] > 1 || box[b] - edge[b] > 1);
    const meet = (one, other) => sides.every(
        ([a, b]) => Math.min(one[b], other[b]) - Math.max(one[a], other[a]) > 1);
    const lines = [...svg.querySelectorAll("text")]
        .filter((text) => text.textContent.trim() && +getComputedStyle(text).opacity)
        .flatMap((text) => text.childElementCount ? [...text.children] : [text])
        .map((line) => [line.textContent, line.getBoundingClientRect()]);
    const where = svg.parentElement.title;
    if (!lines.length) return [`${where}: no text`];
    return lines.flatMap(([text, box], number) => [
        ...cut(box) ? [`${where}: cut: ${text}`] : [],
        ...lines.slice(number + 1).filter(([, other]) => meet(box, other))
            .map(([other]) => `${where}: on each other: ${text} | ${other}`),
    ]);
})"""
"""Texts of drawings that are cut at an edge, or lie on another by more than a pixel."""

IS_DRAWN = """width => [document.querySelector(".stage svg")]
    .some((svg) => svg && Math.abs(svg.viewBox.baseVal.width - width) < 30)"""

LONG = "A framework whose name is longer than any that was ever seen (Graph, hybridised)"
BROAD = "W" * 60


def hostile():
    """Charts of each kind whose words are as long and whose marks are as close as none are."""
    title, measure = f"{LONG} leads {BROAD}. " * 4, f"images per second of {LONG}, {BROAD}"
    looks = {LONG: Look("#0067a5", "#64b5f6", "circle")}
    rows = [
        marks.Mark(LONG, LONG, panel, value, value * 0.9, value * 1.1, f"{value:,} images",
                   value / 2, note=note, lead=value == 4063,
                   others=(marks.Mark(LONG, LONG, panel, value / 3, text="other"),))
        for panel in (LONG, BROAD) for note in ("", "jit", LONG) for value in (4063, 12345678)
    ]  # fmt: skip
    rows += [marks.Mark(BROAD, LONG, BROAD, fault=fault) for fault in ("failed", LONG)]
    points = [
        marks.Point(panel, f"{series} {LONG}", 100.0 + series / 9 + x, number=2.0**x,
                    kind="symbolic")
        for panel in (LONG, BROAD) for series in range(6) for x in range(16)
    ]  # fmt: skip
    moments = [
        marks.Point(panel, LONG, y, day=datetime.date(2016 + n // 3, 1 + n % 3, 1),
                    label=f"{n}.10.0.post1")
        for panel in (LONG, BROAD) for n in range(30) for y in (1e-7 * (1 + n % 7), 3e7)
    ]  # fmt: skip
    sampled = [(b, n, 1e7 + b * n, b == 1) for b in range(40) for n in range(10)]
    return [
        intervals.intervals("log", title, rows, measure=measure, looks=looks, better="higher"),
        intervals.intervals("linear", title, rows, measure=measure, looks=looks, better="",
                            log=False),
        lines.curves("curves", title, points, measure=measure, x="images per step"),
        lines.timeline("timeline", title, moments, measure=measure, looks=looks),
        samples.samples("samples", title, sampled, measure=measure),
    ]  # fmt: skip


def shown(browser, drawings):
    """Return what is misplaced in drawings, (name, SVG) each."""
    page = browser.new_page()
    page.set_content("".join(f'<p class="drawing" title="{n}">{svg}</p>' for n, svg in drawings))
    assert page.locator(".drawing svg").count() == len(drawings)
    found = page.evaluate(MISPLACED)
    page.close()
    return found


@pytest.mark.parametrize("chart", hostile(), ids=lambda chart: chart.name)
def test_no_text_is_cut_or_lies_on_another_however_long(browser, chart):
    drawings = [
        (f"{chart.name} {size} {scheme}", chart.recoloured(writer._svg(chart, spec), scheme))
        for size, spec in chart.specs.items() for scheme in SCHEMES
    ]  # fmt: skip
    assert shown(browser, drawings) == []


def test_no_text_is_cut_or_lies_on_another_in_any_chart_of_the_committed_results(browser, tmp_path):
    render.render(docs=tmp_path)
    drawings = [(path.name, path.read_text()) for path in tmp_path.glob("report/charts/*.svg")]
    assert len(drawings) > 100
    assert shown(browser, drawings) == []


@pytest.mark.parametrize("path", [
    "report/lenet.html", "report/versus.html", "report/history.html", "report/methodology.html",
    f"report/evidence/lenet-{GRAPH}.html",
])  # fmt: skip
def test_no_text_is_cut_or_lies_on_another_at_any_width(visit, path):
    page, problems = visit(path, width=360)
    chart = page.locator(".chart").first
    chart.get_by_role("button", name="Explore").press("Enter")
    for width in (360, 390, 768, 1024, 1280, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        small = width < 720 or "small" in chart.get_attribute("class").split()
        until(page, IS_DRAWN, 358 if small else 688)
        assert page.evaluate(MISPLACED) == [], width
        assert page.evaluate(OVERFLOW) <= 0, width
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "width"), [
    ("report/lenet.html", 1280), ("report/compile.html", 390), ("report/methodology.html", 1280),
    (f"report/evidence/lenet-{GRAPH}.html", 390),
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
    assert violations(page, ".chart") == []  # what is around it was looked at in passing
    assert problems == []


def test_a_chart_follows_the_colour_scheme_and_explains_its_marks(visit):
    page, problems = visit("report/lenet.html")
    chart = page.locator(".chart").first
    chart.get_by_role("button", name="Explore").press("Enter")
    drawing = chart.locator(".stage svg")
    drawing.wait_for()
    chart.locator(".stage svg .mark-symbol path").first.hover(force=True)  # another may lie on it
    page.locator("#vg-tooltip-element.visible").wait_for()
    page.locator("label[title='Switch to dark mode']").click()
    until(
        page,
        "[...document.querySelectorAll('.stage svg text')]"
        ".some(text => getComputedStyle(text).fill === 'rgb(232, 237, 239)')",
    )
    assert problems == []


def test_one_framework_stands_out_in_every_chart_of_a_page(visit):
    page, problems = visit("report/history.html")
    charts = page.locator(".chart")
    charts.first.get_by_role("button", name="Explore").press("Enter")
    charts.first.get_by_label("Highlight").select_option(NAMES[PAIRED])
    faded = """chart => [...chart.querySelectorAll(".stage .mark-symbol path")]
        .filter(mark => +getComputedStyle(mark).opacity < 0.2).length"""
    until(page, "() => !document.querySelector('.chart:not(:has(.picker))')")
    assert charts.count() > 1
    for index in range(charts.count()):
        chart = charts.nth(index)
        assert chart.get_by_label("Highlight").input_value() == NAMES[PAIRED]
        marks = chart.locator(".stage .mark-symbol path").count()
        assert 0 < chart.evaluate(faded) < marks
    # Pressing what stands out takes it back, everywhere.
    charts.first.locator(".stage .mark-symbol path[opacity='1']").first.click(force=True)
    until(page, "() => document.querySelector('.picker select').value === ''")
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
        for panel in first.find("lenet", "step_time") if panel.lane == "threads-all"
        for row in panel.rows if row.summary is not None
    }  # fmt: skip
    with kept["data"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {round(float(row["estimate"]), 6) for row in rows if row["estimate"]} == expected
    assert problems == []


def test_only_the_picture_that_is_shown_is_fetched(visit):
    fetched = []
    page, _ = visit("index.html")
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(page.url.replace("index.html", "report/memory.html"))
    for picture in page.locator(".chart img:visible").all():
        picture.scroll_into_view_if_needed()
        picture.evaluate("image => image.decode()")
    assert [url for url in fetched if url.endswith(".svg") and "/charts/" in url]
    assert all("wide-light" in url for url in fetched if "/charts/" in url)
