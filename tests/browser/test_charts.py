"""Charts: pictures first, interactive on demand, to be taken home."""

import csv
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from tests.browser.checks import OVERFLOW, until, violations
from tests.sample_results import GRAPH, NAMES, PAIRED


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
    chart.locator(".stage svg .mark-symbol path").first.hover()
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
    charts.nth(1).locator(".stage .mark-symbol path[opacity='1']").first.click()
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
        for panel in first.panels if panel.section == "lenet"
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
