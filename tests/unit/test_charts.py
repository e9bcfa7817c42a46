import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.catalog import loader
from generator.catalog.looks import GROUNDS, contrast
from generator.catalog.model import Look
from generator.pages.charts import intervals, lines, marks, samples, style
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
    marks.Point(panel, mode, x * factor, x * factor * 0.9, x * factor * 1.1, f"{x}", x, kind=kind)
    for panel, mode, kind, factor in (
        ("Alder", "layers", "imperative", 1.0),
        ("Alder", "captured", "symbolic", 1.01),
        ("Cedar", "jit", "symbolic", 5.0),
    )
    for x in (1, 8, 64)
]


def curved():
    return lines.curves(
        "c", "Graphs gain.", POINTS, measure="images per second", x="images per step"
    )


@pytest.mark.parametrize(
    "make", [made, lambda: made(log=False), sampled, lambda: sampled(True), curved]
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_specifications_are_valid_vega_lite(make, scheme):
    chart = make()
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


def test_rows_come_by_value_and_those_without_one_last():
    for better, order in (("higher", [3, 2, 1]), ("lower", [1, 2, 3])):
        mixed = [marks.Mark("x", "Alder", fault="failed")]
        mixed += [marks.Mark(str(value), "Alder", "", value) for value in (2, 3, 1)]
        chart = intervals.intervals("n", "T.", mixed, measure="m", looks=LOOKS, better=better)
        assert [row["label"] for row in chart.rows] == [*map(str, order), "x"]


def test_a_name_stays_in_one_line_where_there_is_room():
    for spec in made().specs.values():
        rows = [row for data in spec["datasets"].values() for row in data]
        assert [row["name"] for row in rows] == [row["label"] for row in rows]


def test_the_subtitle_says_scale_and_better_end_and_what_open_marks_are():
    def subtitle(chart):
        return " ".join(chart.specs["wide"]["title"]["subtitle"])

    assert subtitle(made()) == "Images per second; log scale, more is better."
    assert subtitle(made(log=False, better="")) == "Images per second."
    assert "; log scales." in subtitle(curved())
    assert "Open" not in subtitle(made())


def test_other_modes_are_in_the_row_of_the_best_and_in_the_data():
    others = tuple(
        marks.Mark(f"Birch, {mode}", "Birch", "", value, text=str(value))
        for mode, value in (("eager", 900), ("slow", 300))
    )
    best = marks.Mark("Birch", "Birch", "", 2135, 2100, 2200, "2,135", note="graph", others=others)
    options = {"measure": "images per second", "looks": LOOKS, "better": "higher"}
    chart = intervals.intervals("n", "T.", [best], **options)
    assert [row["estimate"] for row in chart.rows] == [2135, 900, 300]
    assert "Birch (graph) 2,135" in chart.alt
    for spec in chart.specs.values():
        (rows,) = spec["datasets"].values()
        assert len({row["y"] for row in rows}) == 1
        assert [row["other"] for row in rows if "other" in row] == [900, 300]
        low, high = next(_domains(spec))
        assert (low < 300, high > 2200) == (True, True)
        assert "Open: other modes." in " ".join(spec["title"]["subtitle"])


def _domains(part):
    """Yield the ends of the horizontal axes in a specification."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if key == "x" and "domain" in (value.get("scale") or {}):
            yield value["scale"]["domain"]
        elif isinstance(value, dict | list):
            yield from _domains(value)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]) | st.just(" "), min_size=1),
       st.integers(30, 400))  # fmt: skip
def test_lines_are_as_broad_as_there_is_room_and_lose_nothing(text, room):
    lines = style.wrapped(text, room, 13)
    assert all(style.extent(line, 13) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert style.wrapped("a bb ccc", 30, 13) == ["a bb", "ccc"]
    assert style.wrapped("a " + "W" * 4, 40, 13) == ["a WW", "WW"]


def test_both_ends_of_an_axis_are_labelled_and_no_label_meets_another():
    places = [1, 2, 500, 1000, 1001, 1024]

    def kept_on(width):
        return style.apart(places, lambda place: style.along(place, (1, 1024), width))

    kept = kept_on(130)
    assert (kept[0], kept[-1]) == (1, 1024)
    assert 1001 not in kept
    assert kept_on(1e6) == places
    assert style.apart([4], lambda _: 0) == [4]


def test_the_names_of_curves_that_end_together_stand_apart():
    for spec in curved().specs.values():
        heights = sorted(row["up"] for row in spec["datasets"]["panel 0"] if "up" in row)
        assert len(heights) == 2
        assert heights[1] - heights[0] >= 13


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(10, 140), st.floats(0, 40)), min_size=1))
@example([(0, 15, 10), (0, 30, 0), (1, 10, 0)])  # all the last one's places meet the first one's
def test_names_of_releases_lie_across_no_interval(found):
    points = [(x, y, y - half, y + half) for x, y, half in sorted(found)]
    placed = lines._placed(["12.34.5"] * len(points), points, 300)
    ends = {0, len(points) - 1}
    assert ends <= set(placed), "the first and the last one have theirs wherever they lie"
    for number in set(placed) - ends:
        left, middle = placed[number]["at"], placed[number]["up"] + lines.LINE / 2
        right = left + style.extent("12.34.5", lines.FONT)
        assert not [p for p in points if left < p[0] < right and p[2] < middle < p[3]]


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
    found = linear_ticks(0, high)
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
    for name in ("plain", "fault", "lead", "muted"):
        assert contrast(made["style"][name]["color"], ground) >= 4.5
    assert contrast(made["axis"]["labelColor"], ground) >= 4.5


def test_the_grounds_are_those_of_the_pages():
    css = (loader.ROOT / "docs" / "assets" / "site.css").read_text(encoding="utf-8")
    ground = f"var(--light, {GROUNDS['light']}) var(--dark, {GROUNDS['dark']})"
    assert f"--md-default-bg-color: {ground};" in css
