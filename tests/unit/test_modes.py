"""Processes that fall into two clusters are flagged, and normal ones are not."""

import numpy as np
import pytest

from generator.analysis import statistics
from generator.analysis.cells import Cell, Key
from generator.pages.findings import modes_text

KEY = Key("m", "f", "1", "memory", "scan", "cpu", "threads-all", "", "peak_above_import")
SCAN = [193.4, 207.9, 183.3, 90.3, 91.0, 90.8, 91.0, 90.6, 90.5, 90.6]
"""MB of ten processes: the first three compiled while they were measured."""


def cell(megabytes):
    blocks = {("run", n): np.array([1e6 * x]) for n, x in enumerate(megabytes)}
    return Cell(KEY, "B", blocks, 0)


def test_two_modes_have_their_levels_and_counts():
    found = statistics.two_modes(SCAN)
    assert (found.at_low, found.at_high) == (7, 3)
    assert found.low == pytest.approx(90.7, abs=0.1)
    assert found.high == pytest.approx(194.6, abs=0.1)
    assert modes_text(cell(SCAN)) == "two modes: 90.7 MB in 7 processes, 195 MB in 3"
    blocks = {block: np.array([value]) for block, value in enumerate(SCAN)}
    assert statistics.summarise(blocks).modes == found


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([100, 101, 100, 102, 101, 99, 100, 101, 100, 250], "one alone is an outlier"),
        ([100, 100, 100, 104, 104, 104, 100, 104, 100, 104], "too near to matter"),
        ([100, 100, 100, 100, 100], "all equal"),
        ([100, 200, 200], "too few"),
        ([100, 110, 120, 130, 140, 150, 160, 170, 180, 190], "a drift has no levels"),
    ],
)
def test_others_have_one(values, why):
    assert statistics.two_modes(values) is None, why
    assert modes_text(cell(values)) == ""


def test_levels_without_any_spread_are_two():
    assert statistics.two_modes([100, 100, 120, 120]) == pytest.approx((100, 2, 120, 2))


def test_what_has_no_logarithm_has_no_modes():
    assert modes_text(cell([0.0, 0.0, 1.0, 1.0])) == ""


@pytest.mark.parametrize("count", [4, 5, 6, 8, 10, 20, 30])
def test_normal_processes_are_seldom_flagged(count):
    """About 1 %, the level of the test; its constants were fitted to such a simulation."""
    rng = np.random.default_rng(count)
    trials = np.exp(0.2 * rng.standard_normal((4000, count)))  # far more than the margin
    flagged = sum(statistics.two_modes(values) is not None for values in trials)
    assert 0.003 * len(trials) < flagged < 0.02 * len(trials)


def test_separate_levels_are_found():
    rng = np.random.default_rng(0)
    trials = 0.02 * rng.standard_normal((500, 10)) + np.log([1.2] * 3 + [1.0] * 7)
    found = sum(statistics.two_modes(np.exp(logs)) is not None for logs in trials)
    assert found > 0.9 * len(trials)
