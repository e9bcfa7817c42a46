"""Symbolic vs. non-symbolic: the arithmetic on known answers, and what the page shows of them."""

import math
import types
from dataclasses import replace

import pytest

from generator.analysis import panels as figures
from generator.analysis.block_model import Spread
from generator.analysis.panels import both_ways
from generator.catalog import loader
from generator.pages import sweep_page
from generator.pages.sections import r, versus
from generator.results import reading, selection
from tests import sample_results
from tests.sample_results import GRAPH, MANY, PAIRED, write_sample
from tests.unit.conftest import view_of


@pytest.fixture(scope="module")
def page(sample_pages):
    return (sample_pages / "versus.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, rows_scale=0.1, oddities=False)
    shown = selection.select(reading.load(root))
    known = loader.load()
    return known, figures.figures(shown, known)


def line(start, each, batches=(1, 8, 64, 256, 1024)):
    return {b: (start + each * b, math.nan, math.nan) for b in batches}


def test_dispatch_is_separated_from_kernels():
    assert versus.dispatch(line(0.004, 0.0005)) == pytest.approx((0.004, 0.0005))
    assert versus.dispatch(line(0.0, 0.0005))[0] == pytest.approx(0, abs=1e-12)
    assert versus.dispatch(line(0.004, 0.0005, (8, 64, 256))) is None
    assert versus.dispatch(line(0.004, 0.0005, (1, 8, 64))) is None


def test_the_sample_gives_its_own_dispatch_back(found):
    known, measured = found
    curves = {
        c.configuration.mode: c
        for c in sweep_page.curves("batch", view_of("versus", known, measured))
    }
    for mode in ("eager", "gluon", "hybrid", "xla"):
        start, each = versus.dispatch(curves[mode].steps)
        assert start == pytest.approx(sample_results.DISPATCH.get(mode, 0.0005), rel=0.1)
        assert each == pytest.approx(sample_results.EACH.get(mode, 0.0004), rel=0.1)


def test_the_price_of_a_further_convolution():
    assert sweep_page.slope({2: (1.0, 0, 0), 8: (4.0, 0, 0)}) == 0.5
    assert sweep_page.slope({2: (1.0, 0, 0)}) is None


@pytest.mark.parametrize(
    ("later", "gain", "steps"),
    [(10.0, 0.01, 1000.0), (-1.0, 0.01, 0.0), (5.0, 0.0, math.inf), (5.0, -0.01, math.inf)],
)
def test_break_even(later, gain, steps):
    assert versus.break_even(later, gain) == pytest.approx(steps)


def test_only_a_captured_mode_is_compared_with_what_it_captures(found):
    _, measured = found
    pairs = both_ways(measured.find("lenet", "step_time"))
    assert {(c.graph.configuration.mode, c.eager.configuration.mode) for c in pairs} == {
        ("function", "eager"), ("xla", "eager"), ("hybrid", "gluon"),
    }  # fmt: skip


def test_the_page_says_what_the_sweep_did_not_reach(page):
    assert "batch 256 alone took 30 s" in page
    assert "not reached" in page


def test_depth_has_a_page_of_its_own(sample_pages, page):
    text = (sample_pages / "depth.md").read_text(encoding="utf-8")
    assert "each further convolution adds" in text
    assert "depth 8 alone took 30 s" in text
    assert text.count("-ready.") >= 1
    assert text.count("-step.") >= 1
    assert "convolution adds" not in page


def test_the_sample_gives_its_own_compile_time_per_convolution_back(found):
    known, measured = found
    curves = {
        c.configuration.mode: c
        for c in sweep_page.curves("depth", view_of("depth", known, measured))
    }
    for mode in ("hybrid", "xla"):
        each = sample_results.BUILD.get(mode, 0.02) / 2
        assert sweep_page.slope(curves[mode].ready) == pytest.approx(each, rel=0.1)


def test_every_pro_and_con_has_a_verdict_and_its_rule(page):
    claims = page.partition("| What the article said in 2016")[2]
    assert claims.count("details | How this is tested") == 8
    assert claims.count("**Today:**") == 8


# ------------------------------------------------------------------------------------------- R


def overheads(known, measured, spreads=()):
    inputs = types.SimpleNamespace(catalog=known, spreads=dict(spreads))
    return {one.configuration.framework: one for one in r.overheads("r", inputs, measured)}


@pytest.fixture(scope="module")
def apart(found):
    """The same figures, R measured in a run of its own."""
    known, measured = found
    cells = {
        key: replace(cell, blocks={("later", n): values for (_, n), values in cell.blocks.items()})
        if key.section == "r"
        else cell
        for key, cell in measured.cells.items()
    }
    return known, replace(measured, cells=cells)


def test_r_is_compared_with_python_in_its_own_blocks(found, apart):
    for place in (found, apart):
        one = overheads(*place)[MANY]
        assert one.python.key.metric == "python_step_time"
        assert one.ratio.value == pytest.approx(1.2 / 0.8, rel=0.02)
        assert not one.ratio.across
        assert one.verdict == "slower"


def test_where_python_was_not_measured_with_r_lenets_step_stands_for_it(found):
    found = overheads(*found)
    assert set(found) == {GRAPH, PAIRED, MANY}
    # The sample's R takes 1.2 times as long on one thread; its Python has 1.6 threads.
    assert found[PAIRED].ratio.value == pytest.approx(1.2 * 1.6, rel=0.15)


def test_across_runs_r_is_judged_with_the_spread_between_runs(apart):
    unknown = overheads(*apart)[PAIRED]
    assert math.isnan(unknown.ratio.low)
    assert unknown.verdict == "not resolved"
    place = apart[1].machine, apart[1].device, "step_time"
    far, near = (overheads(*apart, {place: Spread(v, 9)})[PAIRED] for v in (0.25, 0.0001))
    assert far.ratio.across
    assert near.ratio.across
    assert (far.verdict, near.verdict) == ("not resolved", "slower")
    assert near.ratio.high < far.ratio.high
