import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.pages.charts import curves, intervals, marks, samples
from generator.pages.charts.style import (
    SCHEMES,
    all_colours,
    configuration,
    linear_ticks,
    recoloured,
    ticks,
)

FRAMEWORKS = ["MXNet", "TensorFlow", "Theano"]
MARKS = [
    marks.Mark("TensorFlow (tf.function)", "TensorFlow", "1 thread", 2135, 2100, 2200, "2,135"),
    marks.Mark("Theano (compiled)", "Theano", "1 thread", 1377, None, None, "1,377"),
    marks.Mark("TensorFlow (XLA)", "TensorFlow", "1 thread", fault="wrong results"),
    marks.Mark("Theano (compiled)", "Theano", "All cores", 1900, 1850, 1950, "1,900", start=900),
]


def made(**changes):
    options = {"axis": "images per second", "frameworks": FRAMEWORKS, "better": "higher"} | changes
    return intervals.intervals("lenet", "TensorFlow leads.", MARKS, **options)


def sampled(disturbed=False):
    values = [(b, s, 30 + b + s / 10, disturbed and b == 1) for b in range(3) for s in range(10)]
    return samples.samples("samples", "Three processes.", values, axis="ms per step")


POINTS = [
    marks.Point(panel, series, kind, x, x * factor, x * factor * 0.9, x * factor * 1.1, f"{x}")
    for panel, series, kind, factor in (
        ("MXNet", "Gluon", "imperative", 1.0),
        ("MXNet", "hybridised", "symbolic", 1.01),
        ("JAX", "jit", "symbolic", 5.0),
    )
    for x in (1, 8, 64)
]


def curved():
    return curves.curves("c", "Graphs gain.", POINTS, x="images per step", y="images per second")


@pytest.mark.parametrize("chart", [made(), made(log=False), sampled(), sampled(True), curved()])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_specifications_are_valid_vega_lite(chart, scheme):
    for specification in chart.specs.values():
        complete = {**specification, "config": configuration(scheme)}
        alt.Chart.from_dict(complete).to_dict()


def test_no_gap_is_left_open():
    import json

    for chart in (made(), sampled(), curved()):
        assert "@" not in json.dumps(chart.specs)


def test_the_description_names_every_row_and_every_fault():
    text = made().alt
    assert text.startswith("Chart: TensorFlow leads.")
    assert "1 thread: TensorFlow (tf.function) 2,135" in text
    assert "TensorFlow (XLA) wrong results" in text


def test_the_names_of_curves_that_end_together_stand_apart():
    for spec in curved().specs.values():
        heights = sorted(row["height"] for row in spec["datasets"]["panel 0"] if row["label"])
        assert len(heights) == 2
        assert heights[1] - heights[0] >= 13


def test_the_description_of_curves_says_where_each_ends():
    assert "MXNet, Gluon: 64 at 64" in curved().alt
    assert "JAX, jit: 64 at 64" in curved().alt


def test_the_digest_changes_with_the_data_only():
    other = intervals.intervals(
        "lenet", "TensorFlow leads.", MARKS[:2], axis="images per second", frameworks=FRAMEWORKS,
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


def test_dark_is_light_in_other_colours():
    light = {configuration("light")["style"]["plain"]["color"]}
    svg = f'<text fill="{light.pop()}">#0067a5</text><path fill="#0067a5"/><path fill="#123456"/>'
    dark = recoloured(svg, "dark")
    assert recoloured(svg, "light") == svg
    assert "#123456" in dark
    assert '<path fill="#0067a5"/>' not in dark


def test_light_colours_are_distinct_so_that_they_can_be_exchanged():
    for scheme in SCHEMES:
        colours = all_colours(scheme)
        assert len(set(colours)) == len(colours)


def contrast(one, two):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("scheme", "ground"), [("light", "#fdfdfb"), ("dark", "#11191d")])
def test_marks_and_text_stand_out_from_the_page(scheme, ground):
    made = configuration(scheme)
    assert all(contrast(colour, ground) >= 3 for colour in made["range"]["category"])
    for style in ("plain", "fault", "panel"):
        assert contrast(made["style"][style]["color"], ground) >= 4.5
    assert contrast(made["axis"]["labelColor"], ground) >= 4.5
