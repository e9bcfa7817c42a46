import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.catalog import loader
from generator.catalog.looks import GROUNDS, contrast
from generator.catalog.model import Look
from generator.pages.charts import curves, intervals, marks, samples
from generator.pages.charts.style import SCHEMES, SERIES, configuration, linear_ticks, ticks
from tests import vega_lite

LOOKS = {
    "Alder": Look("#0067a5", "#64b5f6", "circle"),
    "Birch": Look("#c2500a", "#ff9e57", "square"),
    "Cedar": Look("#00795c", "#4fd0a5", "diamond"),
}
MARKS = [
    marks.Mark("Birch (graph)", "Birch", "1 thread", 2135, 2100, 2200, "2,135"),
    marks.Mark("Cedar (compiled)", "Cedar", "1 thread", 1377, None, None, "1,377"),
    marks.Mark("Birch (fast)", "Birch", "1 thread", fault="wrong results"),
    marks.Mark("Cedar (compiled)", "Cedar", "All cores", 1900, 1850, 1950, "1,900", start=900),
]


def made(**changes):
    options = {"measure": "images per second", "looks": LOOKS, "better": "higher"} | changes
    return intervals.intervals("lenet", "Birch leads.", MARKS, **options)


def sampled(disturbed=False):
    values = [(b, s, 30 + b + s / 10, disturbed and b == 1) for b in range(3) for s in range(10)]
    return samples.samples("samples", "Three processes.", values, measure="ms per step")


POINTS = [
    marks.Point(panel, series, kind, x, x * factor, x * factor * 0.9, x * factor * 1.1, f"{x}")
    for panel, series, kind, factor in (
        ("Alder", "layers", "imperative", 1.0),
        ("Alder", "captured", "symbolic", 1.01),
        ("Cedar", "jit", "symbolic", 5.0),
    )
    for x in (1, 8, 64)
]


def curved():
    return curves.curves(
        "c", "Graphs gain.", POINTS, measure="images per second", x="images per step"
    )


@pytest.mark.parametrize("chart", [made(), made(log=False), sampled(), sampled(True), curved()])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_specifications_are_valid_vega_lite(chart, scheme):
    for specification in chart.specs.values():
        complete = {**specification, "config": chart.configuration(scheme)}
        vega_lite.validate(complete)


def test_no_gap_is_left_open():
    import json

    for chart in (made(), sampled(), curved()):
        assert "@" not in json.dumps(chart.specs)


def test_the_description_names_every_row_and_every_fault():
    text = made().alt
    assert text.startswith("Chart: Birch leads.")
    assert "1 thread: Birch (graph) 2,135" in text
    assert "Birch (fast) wrong results" in text


def test_the_names_of_curves_that_end_together_stand_apart():
    for spec in curved().specs.values():
        heights = sorted(row["height"] for row in spec["datasets"]["panel 0"] if row["label"])
        assert len(heights) == 2
        assert heights[1] - heights[0] >= 13


def test_the_description_of_curves_says_where_each_ends():
    assert "Alder, layers: 64 at 64" in curved().alt
    assert "Cedar, jit: 64 at 64" in curved().alt


def test_the_digest_changes_with_the_data_only():
    other = intervals.intervals(
        "lenet", "Birch leads.", MARKS[:2], measure="images per second", looks=LOOKS,
        better="higher",
    )  # fmt: skip
    assert made().digest("vega 6") == made().digest("vega 6") != other.digest("vega 6")
    assert made().digest("vega 6") != made().digest("vega 7")


@given(st.floats(1e-6, 1e9), st.floats(1.3, 1e6))
def test_logarithmic_ticks_are_few_and_inside(low, ratio):
    found = ticks(low, low * ratio)
    assert len(found) <= 14
    assert found == sorted(found)
    assert all(low <= tick <= low * ratio for tick in found)


@given(st.floats(1e-6, 1e12))
def test_linear_ticks_are_few_and_inside(high):
    found = linear_ticks(high)
    assert found[0] == 0
    assert 3 <= len(found) <= 7
    assert found[-1] <= high * 1.0001


def test_a_framework_that_is_not_in_a_chart_changes_nothing_of_it():
    more = {**LOOKS, "Aspen": Look("#4455c7", "#a3b1ff", "cross")}
    assert made(looks=more) == made()
    assert made(looks=more).digest("vega 6") == made().digest("vega 6")
    assert [look.shape for look in made().looks] == ["square", "diamond"]


def test_dark_is_light_in_other_colours():
    ink = configuration("light")["style"]["plain"]["color"]
    svg = f'<text fill="{ink}">#c2500a</text><path fill="#c2500a"/><path fill="#123456"/>'
    dark = made().recoloured(svg, "dark")
    assert made().recoloured(svg, "light") == svg
    assert "#123456" in dark
    assert '<path fill="#ff9e57"/>' in dark
    assert ink not in dark


def colours(scheme):
    """Every colour of the charts that share a scheme, frameworks apart."""
    shared = configuration(scheme)
    inks = {shared["style"][name]["color"] for name in ("plain", "fault", "lead", "muted")}
    return inks | {shared["axis"]["gridColor"]}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_are_distinct_so_that_they_can_be_exchanged(scheme):
    for looks in (SERIES, [framework.look for framework in loader.load().frameworks]):
        found = [*colours(scheme), *(getattr(look, scheme) for look in looks)]
        assert len(set(found)) == len(found)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_and_text_stand_out_from_the_page(scheme):
    made, ground = configuration(scheme), GROUNDS[scheme]
    assert all(contrast(getattr(look, scheme), ground) >= 3 for look in SERIES)
    for style in ("plain", "fault", "lead", "muted"):
        assert contrast(made["style"][style]["color"], ground) >= 4.5
    assert contrast(made["axis"]["labelColor"], ground) >= 4.5


def test_the_grounds_are_those_of_the_pages():
    css = (loader.ROOT / "docs" / "assets" / "site.css").read_text(encoding="utf-8")
    for ground in GROUNDS.values():
        assert f"--md-default-bg-color: {ground};" in css
