"""Cells of the same blocks, compared together: on known answers, by hand, and properties."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks import leaders
from generator.analysis.block_model import BlockModel, Spread, critical
from generator.analysis.statistics import detectable_difference, verdict
from tests.conftest import tracked

relaxed = settings(max_examples=40)
tables = st.builds(
    lambda seed, modes, blocks, spread: np.random.default_rng(seed).normal(
        -3, spread, (modes, blocks)
    ),
    st.integers(0, 2**32),
    st.sampled_from([2, 3, 8]),
    st.sampled_from([2, 3, 6]),
    st.sampled_from([0.001, 0.03, 0.3, 2.0]),
)
noises = st.sampled_from([0.0, 0.02, 0.1])


def model(table, between=None):
    """Modes x blocks of logarithms -> the model; NaN where a process is missing."""
    logs = {
        mode: {("run", block): value for block, value in enumerate(mine) if math.isfinite(value)}
        for mode, mine in enumerate(np.asarray(table).tolist())
    }
    return BlockModel(logs, between)


# ---------------------------------------------------------------------------- what is claimed


@pytest.mark.parametrize("noise", leaders.NOISES)
def test_equal_modes_are_rarely_outside_the_group(noise):
    residuals = np.random.default_rng(0).standard_t(5, 300)
    row = leaders.simulate(15, 3, noise, 0.07, residuals / residuals.std(), trials=150)
    assert row["wrong"] * 150 <= stats.binom.ppf(0.999, 150, 0.06)


def test_the_committed_table_is_that_of_the_committed_results(inputs):
    """The committed table is what the benchmark writes, and keeps what it claims."""
    with leaders.OUT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = [(int(row["modes"]), int(row["blocks"])) for row in rows]
    assert list(dict.fromkeys(sizes)) == list(leaders.SIZES)
    assert [row["noise"] for row in rows] == list(leaders.NOISES) * len(leaders.SIZES)
    shown = inputs.shown[inputs.shown["provenance"].isin(tracked())]
    spread, residuals = leaders.measured(shown, inputs.catalog)
    for row in rows:
        assert float(row["spread"]) == round(spread, 4)
        limit, least = leaders.claims(row)
        assert float(row["wrong_upper"]) < limit
        assert float(row["found"]) >= least
        if row["noise"] != "one very noisy":
            assert float(row["wrong"]) <= 0.05
    first = leaders.simulate(25, 10, "normal", spread, residuals, trials=40)
    assert abs(first["found"] - float(rows[0]["found"])) < 0.15


def test_values_are_covered():
    rng = np.random.default_rng(5)
    missed = trials = 0
    for _ in range(400):
        table = rng.normal(0, 0.06, 5) + rng.normal(0, 0.05, (6, 5))
        found = model(table).interval(0)
        missed += not found.low <= 1 <= found.high
        trials += 1
    assert missed <= stats.binom.ppf(0.999, trials, 0.05)
    assert missed >= stats.binom.ppf(0.001, trials, 0.02), "nor is it needlessly wide"


def test_pairs_of_equals_across_runs_are_rarely_different():
    rng = np.random.default_rng(6)
    missed = 0
    for _ in range(500):
        runs = rng.normal(0, 0.2, 2)
        logs = {
            run: {(run, block): value for block, value in enumerate(rng.normal(mean, 0.05, 4))}
            for run, mean in enumerate(runs.tolist())
        }
        # The spread is itself estimated, from six runs.
        spread = Spread(0.04 * rng.chisquare(5) / 5, 5)
        found = BlockModel(logs, spread).ratio(0, 1)
        assert found.across
        missed += not found.low <= 1 <= found.high
    assert missed <= stats.binom.ppf(0.999, 500, 0.06)


# -------------------------------------------------------------------------------------- by hand


def test_two_cells_are_compared_by_students_t_of_their_block_ratios():
    table = np.array([[0.0, 0.1, 0.3, 0.2], [0.2, 0.2, 0.6, 0.5]])
    found = model(table).ratio(0, 1)
    logs = table[0] - table[1]
    half = stats.t.ppf(0.975, 3) * logs.std(ddof=1) / 2
    assert math.log(found.value) == pytest.approx(logs.mean())
    assert math.log(found.high) == pytest.approx(logs.mean() + half, abs=1e-6)
    assert (found.error, found.degrees) == pytest.approx((logs.std(ddof=1) / 2, 3))
    assert not found.across


def test_the_noise_is_pooled_and_a_noisy_mode_has_its_own():
    rng = np.random.default_rng(1)
    table = rng.normal(0, 0.02, (8, 6))
    table[0] *= 2
    found = model(table)
    left = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    pooled = (left**2).sum() / (7 * 5)
    own = (left[0] ** 2).sum() / 5 * 8 / 7
    assert own > pooled
    assert found.ratio(1, 2).error == pytest.approx(math.sqrt(2 * pooled / 6))
    assert found.ratio(0, 1).error == pytest.approx(math.sqrt((own + pooled) / 6))
    assert found.ratio(0, 1).degrees == 35
    half = critical(8, 35) * found.ratio(1, 2).error
    assert math.log(found.ratio(1, 2).high / found.ratio(1, 2).value) == pytest.approx(half)


def test_a_mode_that_is_far_too_noisy_does_not_hide_the_differences_of_the_others():
    rng = np.random.default_rng(3)
    table = rng.normal(0, 0.02, (8, 6)) + rng.normal(0, 0.05, 6)
    quiet = model(table[1:])
    table[0] = rng.normal(0, 1, 6)
    found = model(table)
    assert found.ratio(2, 1).error == pytest.approx(quiet.ratio(1, 0).error)
    effects = table[1:].mean(0) - table[1:].mean()
    own = (table[0] - effects).var(ddof=1)
    pooled = quiet.ratio(1, 0).error ** 2 * 6 / 2
    assert found.ratio(0, 3).error == pytest.approx(math.sqrt((own + pooled) / 6), rel=0.05)


def test_a_tukey_quantile_of_a_table():
    # q(0.05; 3, 10) = 3.877, of any table of the studentised range
    assert critical(3, 10) == pytest.approx(3.877 / math.sqrt(2), abs=1e-3)
    assert critical(2, 7) == pytest.approx(stats.t.ppf(0.975, 7), abs=1e-4)
    assert critical(3, 10.9) == critical(3, 10)
    exact = stats.studentized_range.ppf(0.95, 25, 216) / math.sqrt(2)
    assert critical(25, 216) == pytest.approx(exact, rel=1e-6)


def test_only_shared_blocks_are_compared():
    table = [[0, 0.1, 0.2, math.nan], [math.nan, 0.3, 0.4, 9.0], [0.05, 0.1, 0.3, 0.1]]
    found = model(table).ratio(1, 0)
    assert math.log(found.value) == pytest.approx(0.2)
    assert math.isfinite(found.low)


def test_one_process_has_a_value_and_no_interval():
    table = [[0.5, math.nan, math.nan], [0.0, 0.1, 0.2], [0.1, 0.1, 0.2]]
    found = model(table)
    assert found.interval(0).value == pytest.approx(math.exp(0.5))
    assert math.isnan(found.interval(0).low)
    assert math.isnan(found.ratio(0, 1).low)
    assert verdict(found.ratio(0, 1), 0.0) == "not resolved"
    assert math.isnan(detectable_difference(found.ratio(0, 1), 0.0))
    assert found.groups([0, 1, 2], 0.0)[0] == -1
    once = model([[1.0, math.nan], [math.nan, 2.0]])
    assert once.groups([0, 1], 0.0) == [-1, -1]


def test_noise_beyond_all_measure_gives_numbers_and_no_answer():
    found = model([[0.0, 300.0], [0.0, -300.0]])
    ratio = found.ratio(0, 1)
    assert 0 < ratio.low < ratio.value < ratio.high < math.inf
    assert verdict(ratio, 0.0) == "not resolved"
    assert detectable_difference(ratio, 0.0) > 1e300
    assert found.interval(0).low > 0
    assert found.groups([0, 1], 0.0) == [0, 0]


def test_runs_are_compared_with_the_spread_between_them_or_not_at_all():
    logs = {
        "a": {("one", 0): 0.0, ("one", 1): 0.1},
        "b": {("two", 0): 1.0, ("two", 1): 1.1},
    }
    assert math.isnan(BlockModel(logs).ratio("a", "b").low)
    near = BlockModel(logs, Spread(0.0, 5)).ratio("a", "b")
    far = BlockModel(logs, Spread(0.04, 5)).ratio("a", "b")
    assert near.across
    assert far.across
    assert far.error == pytest.approx(math.sqrt(near.error**2 + 0.08))
    assert far.value == near.value == pytest.approx(math.exp(-1))


def test_a_mode_that_is_not_distinguished_from_the_leader_is_in_its_group():
    """The noisy mode is behind a mode that is slower than the leader, and yet in its group."""
    rng = np.random.default_rng(2)
    table = rng.normal(0, 0.004, (5, 10))
    table[1] += 0.10
    table[2] = 0.15 + rng.normal(0, 0.5, 10)
    groups = model(table).groups(range(5), 0.0)
    assert (groups[0], groups[1], groups[2]) == (0, 1, 0)
    assert model(table).value(2) > model(table).value(1)


# -------------------------------------------------------------------------------- properties


@given(tables, noises)
@relaxed
def test_ratios_are_antisymmetric(table, noise):
    one, two = model(table).ratio(0, 1), model(table).ratio(1, 0)
    back = two.inverse()
    assert (one.value, one.low, one.high) == pytest.approx((back.value, back.low, back.high))
    mirror = {"faster": "slower", "slower": "faster"}
    found = verdict(one, noise)
    assert verdict(two, noise) == mirror.get(found, found)
    assert verdict(one, noise, "higher") == mirror.get(found, found)


@given(tables)
@relaxed
def test_published_values_and_ratios_agree_and_units_do_not_matter(table):
    one, two = model(table), model(table + 7)
    assert one.ratio(0, 1).value == pytest.approx(one.value(0) / one.value(1))
    assert two.value(0) == pytest.approx(one.value(0) * math.exp(7))
    assert two.ratio(0, 1) == pytest.approx(one.ratio(0, 1)) or math.isclose(
        two.ratio(0, 1).high, one.ratio(0, 1).high, rel_tol=1e-6
    )
    interval = one.interval(0)
    assert interval.low <= interval.value <= interval.high


@given(tables, noises, st.sampled_from(["lower", "higher"]))
@relaxed
def test_outside_a_group_is_exactly_who_is_shown_to_be_slower_than_its_leader(table, noise, better):
    found = model(table)
    names = list(found.logs)
    groups = found.groups(names, noise, better)
    left = sorted(names, key=found.value, reverse=better == "higher")
    for number in range(max(groups) + 1):
        leader = left[0]
        assert groups[leader] == number
        for name in left[1:]:
            slower = verdict(found.ratio(name, leader), noise, better) == "slower"
            assert slower == (groups[name] > number)
        left = [name for name in left if groups[name] > number]


@given(tables, noises, st.floats(1, 20))
@relaxed
def test_more_noise_never_turns_not_resolved_into_an_answer(table, noise, factor):
    means, blocks = table.mean(1, keepdims=True), table.mean(0)
    residuals = table - means - blocks + table.mean()
    noisier = table + (factor - 1) * residuals
    for a, b in ((0, 1), (1, 0)):
        before = verdict(model(table).ratio(a, b), noise)
        for worse in (
            verdict(model(noisier).ratio(a, b), noise),
            verdict(model(table).ratio(a, b), noise * factor),
        ):
            assert worse in (before, "not resolved")
