import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from scipy.stats import t as student

from generator.analysis import aa_study, compare, statistics
from generator.analysis.cells import AGAIN, Cell, Key, Replicate, aa_bands, group_cells, replicates
from generator.errors import UsageError
from generator.results import reading, selection
from tests.sample_results import GRAPH, MACHINE, MANY, PAIRED, write_sample

PROFILES = {"quick": (3, 10), "full": (10, 30)}


def simulate(rng, trials, blocks, samples, *, true=0.0, process=0.08, sample=0.03, outliers=0.03):
    """Two cells measured side by side, as on a shared machine; trials x blocks x 2 x samples.

    A drift of 6 % hits both cells of a block alike. Every process is off by ``process`` for its
    whole life, samples scatter by ``sample``, and some are much slower (others used the machine).
    """
    drift = rng.normal(0, 0.06, (trials, blocks, 1, 1))
    life = rng.normal(0, process, (trials, blocks, 2, 1))
    noise = rng.normal(0, sample, (trials, blocks, 2, samples))
    slow = (rng.random(noise.shape) < outliers) * rng.exponential(0.5, noise.shape)
    times = 0.03 * np.exp(drift + life + noise + slow)
    times[:, :, 1] *= math.exp(true)
    return times


def cell(array):
    """Blocks x samples -> the shape that the module takes."""
    return {("run", number): block for number, block in enumerate(array)}


def pairs(rng, trials, blocks, samples, **noise):
    for times in simulate(rng, trials, blocks, samples, **noise):
        yield cell(times[:, 0]), cell(times[:, 1])


def at_most(count, trials, rate):
    """Whether a count agrees with a rate of at most ``rate`` (one-sided, 1 in 1,000)."""
    return count <= binom.ppf(0.999, trials, rate)


relaxed = settings(max_examples=60, deadline=None)  # other work may hold the machine up
cells_of_samples = st.builds(
    lambda seed, blocks, samples, spread: cell(
        np.random.default_rng(seed).lognormal(-3, spread, (blocks, samples))
    ),
    st.integers(0, 2**32),
    st.integers(2, 12),
    st.integers(1, 40),
    st.sampled_from([0.001, 0.03, 0.3, 2.0]),
)


# ------------------------------------------------------------- what is claimed, on known answers


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("estimator", ["p10", "median"])
@pytest.mark.parametrize("process", [0.08, 0.01])
def test_equal_things_are_rarely_called_different(profile, estimator, process):
    trials = 1000
    rng = np.random.default_rng(1)
    different = covered = 0
    for a, b in pairs(rng, trials, *PROFILES[profile], process=process):
        found = statistics.ratio(a, b, estimator)
        different += statistics.verdict(found, 0.02) in ("faster", "slower")
        covered += found.low <= 1 <= found.high
    assert at_most(different, trials, 0.05)
    assert at_most(trials - covered, trials, 0.05)
    assert not at_most(trials - covered, trials, 0.02)  # nor is the interval needlessly wide


@pytest.mark.parametrize(
    ("process", "least"),
    [(0.03, 0.99), (0.05, 0.85), (0.08, 0.4)],  # coefficient of variation between processes
)
def test_ten_per_cent_is_found_by_a_full_run(process, least):
    trials = 500
    rng = np.random.default_rng(2)
    verdicts = [
        statistics.verdict(statistics.ratio(a, b), 0.02)
        for a, b in pairs(rng, trials, 10, 30, true=math.log(1.1), process=process)
    ]
    assert verdicts.count("faster") >= least * trials
    assert at_most(verdicts.count("slower"), trials, 0.001)
    assert at_most(verdicts.count("equivalent"), trials, 0.001)


def test_ten_per_cent_is_found_with_the_band_of_the_same_run():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(200):
        kinds = simulate(rng, 5, 10, 30, process=0.03)
        band = statistics.aa_band(
            statistics.ratio(cell(times[:, 0]), cell(times[:, 1])) for times in kinds[:4]
        )
        slower = cell(kinds[4][:, 1] * 1.1)
        found += (
            statistics.verdict(statistics.ratio(slower, cell(kinds[4][:, 0])), band) == "slower"
        )
    assert found >= 190


def test_equality_is_shown_when_the_machine_is_quiet():
    rng = np.random.default_rng(4)
    verdicts = [
        statistics.verdict(statistics.ratio(a, b), 0.02)
        for a, b in pairs(rng, 300, 10, 30, process=0.005, sample=0.01)
    ]
    assert verdicts.count("equivalent") >= 280


@pytest.mark.parametrize("profile", PROFILES)
def test_intervals_of_values_cover(profile):
    trials, (blocks, samples) = 1000, PROFILES[profile]
    rng = np.random.default_rng(5)
    q = statistics.QUANTILES[statistics.ESTIMATOR]
    truth = 0.03 * math.exp(
        np.mean(np.log(np.quantile(simulate(rng, 500, 40, samples)[:, :, 0], q, axis=2) / 0.03))
    )
    missed = 0
    for times in simulate(rng, trials, blocks, samples)[:, :, 0]:
        found = statistics.summarise(cell(times))
        missed += not found.low <= truth <= found.high
    assert at_most(missed, trials, 0.055)  # the truth itself is simulated
    assert not at_most(missed, trials, 0.02)


def test_pairing_removes_the_drift_of_the_machine():
    rng = np.random.default_rng(6)
    times = simulate(rng, 1, 10, 30, process=0.01)[0]
    a, b = cell(times[:, 0]), cell(times[:, 1])
    elsewhere = {("other", number): block for (_, number), block in b.items()}
    paired, apart = statistics.ratio(a, b), statistics.ratio(a, elsewhere)
    assert (paired.paired, apart.paired) == (True, False)
    assert paired.value == pytest.approx(apart.value)
    assert math.log(apart.high / apart.low) > 2 * math.log(paired.high / paired.low)


def test_cells_of_different_runs_are_compared_without_blocks():
    trials = 1000
    rng = np.random.default_rng(7)
    missed = 0
    for a, b in pairs(rng, trials, 5, 10):
        apart = {("later", number): block for number, block in enumerate(b.values())}
        found = statistics.ratio(a, apart)
        assert not found.paired
        missed += not found.low <= 1 <= found.high
    # Drift is shared within the simulated blocks, so that this is an over-estimate of the spread.
    assert at_most(missed, trials, 0.05)


def test_only_shared_blocks_are_compared():
    a = {0: np.array([1.0]), 1: np.array([2.0]), 2: np.array([4.0])}
    b = {1: np.array([1.0]), 2: np.array([2.0]), 3: np.array([50.0]), 4: np.array([50.0])}
    found = statistics.ratio(a, b)
    assert found.paired
    assert found.value == pytest.approx(2)
    assert found.logs == pytest.approx((math.log(2),) * 2)
    one = statistics.ratio(a, {2: np.array([2.0]), 3: np.array([50.0])})
    assert not one.paired  # a single shared block has no spread
    assert one.value == pytest.approx(2 / 10)


def test_an_unpaired_interval_by_hand():
    # Welch's t for 1, 2, 3 and 2, 4, 6, 8 (as logarithms): t = -3 / sqrt(1/3 + 5/3)
    a = {("a", n): np.array([math.exp(x)]) for n, x in enumerate([1, 2, 3])}
    b = {("b", n): np.array([math.exp(x)]) for n, x in enumerate([2, 4, 6, 8])}
    found = statistics.ratio(a, b)
    error = math.sqrt(1 / 3 + 20 / 3 / 4)
    degrees = (1 / 3 + 5 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (5 / 3) ** 2 / 3)
    assert math.log(found.value) == pytest.approx(-3)
    assert (found.error, found.degrees) == pytest.approx((error, degrees))
    half = float(student.ppf(0.975, degrees)) * error
    assert math.log(found.high) == pytest.approx(-3 + half)


# ------------------------------------------------------------------------------------ properties


@given(cells_of_samples, cells_of_samples)
@relaxed
def test_ratios_are_antisymmetric(a, b):
    one, two = statistics.ratio(a, b), statistics.ratio(b, a)
    back = two.inverse()
    assert (one.value, one.low, one.high) == pytest.approx((back.value, back.low, back.high))
    assert one.error == pytest.approx(two.error)
    assert one.logs == pytest.approx(back.logs)
    mirror = {"faster": "slower", "slower": "faster"}
    verdict = statistics.verdict(one, 0.02)
    assert statistics.verdict(two, 0.02) == mirror.get(verdict, verdict)
    assert statistics.verdict(one, 0.02, "higher") == mirror.get(verdict, verdict)


@given(cells_of_samples, cells_of_samples, st.floats(1e-6, 1e6))
@relaxed
def test_units_do_not_matter(a, b, factor):
    def scaled(blocks):
        return {name: samples * factor for name, samples in blocks.items()}

    one, two = statistics.ratio(a, b), statistics.ratio(scaled(a), scaled(b))
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))
    plain, large = statistics.summarise(a), statistics.summarise(scaled(a))
    for name in ("value", "low", "high", "median", "p10", "iqr"):
        assert getattr(large, name) == pytest.approx(getattr(plain, name) * factor)
    assert large.spread == plain.spread
    assert large.steadiness == plain.steadiness


@given(cells_of_samples)
@relaxed
def test_values_and_ratios_agree(a):
    b = {name: samples[::-1] ** 1.1 for name, samples in a.items()}
    one, two = statistics.summarise(a), statistics.summarise(b)
    assert statistics.ratio(a, b).value == pytest.approx(one.value / two.value)
    assert one.low <= one.value <= one.high
    assert one.processes == len(a)
    assert one.samples == sum(map(len, a.values()))
    rate = one.rate(64)
    assert rate.low <= rate.value <= rate.high
    assert rate.value == pytest.approx(64 / one.value)


@given(
    st.lists(cells_of_samples, min_size=1, max_size=8),
    st.sampled_from([0.02, 0.1]),
    st.sampled_from(["lower", "higher"]),
)
@relaxed
def test_tie_groups_hold_every_cell_once(some, delta, better):
    named = {f"c{number}": blocks for number, blocks in enumerate(some)}
    groups = statistics.tie_groups(named, delta, better)
    assert sorted(name for group in groups for name in group) == sorted(named)
    value = {name: statistics.summarise(blocks).value for name, blocks in named.items()}
    order = [value[name] for group in groups for name in group]
    assert order == sorted(order, reverse=better == "higher")
    for group, after in pairwise(groups):
        leader = named[group[0]]
        for name in group[1:]:
            against = statistics.ratio(named[name], leader)
            assert statistics.verdict(against, delta, better) != "slower"
        against = statistics.ratio(named[after[0]], leader)
        assert statistics.verdict(against, delta, better) == "slower"


def test_a_chain_of_ties_is_cut_at_its_leader():
    def flat(level, jitter):
        return cell([[level * math.exp(jitter * sign)] for sign in (-1, 1, -1, 1, -1, 1)])

    named = {"c": flat(1.16, 0), "a": flat(1.0, 0.1), "b": flat(1.08, 0)}
    # a ties with b and b is 8 % from c; a and c differ
    assert statistics.verdict(statistics.ratio(named["b"], named["a"]), 0.02) == "not resolved"
    assert statistics.tie_groups(named, 0.02) == [["a", "b"], ["c"]]


@given(st.lists(cells_of_samples, max_size=5))
@relaxed
def test_the_aa_band_is_never_below_two_per_cent(some):
    pairs = [statistics.ratio(blocks, dict(reversed(blocks.items()))) for blocks in some]
    assert statistics.aa_band(pairs) == pytest.approx(0.02)  # they agree exactly
    shifted = [statistics.ratio({k: v * 1.3 for k, v in blocks.items()}, blocks) for blocks in some]
    assert statistics.aa_band(shifted) >= (0.299 if some else 0.02)  # a bias of 30 % is seen


def test_the_aa_band_holds_95_per_cent_of_replicates():
    rng = np.random.default_rng(8)
    inside = trials = 0
    bands = []
    for _ in range(250):
        times = simulate(rng, 5, 10, 30, process=0.05)
        ratios = [statistics.ratio(cell(t[:, 0]), cell(t[:, 1])) for t in times]
        band = statistics.aa_band(ratios[:4])
        bands.append(band)
        trials += 1
        inside += abs(math.log(ratios[4].value)) <= math.log1p(band)
    assert 0.91 <= inside / trials <= 0.98
    # The band is that of ratios over the run: 1.96 x 5 % x sqrt(2 / 10), and a little for samples
    assert np.median(bands) == pytest.approx(0.046, abs=0.008)


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.99, 1.0, 1.01, "equivalent"),
        (1.001, 1.01, 1.019, "equivalent"),
        (0.95, 1.0, 1.05, "not resolved"),
        (1.005, 1.015, 1.025, "not resolved"),
        (1.01, 1.05, 1.09, "slower"),
        (1.03, 1.05, 1.07, "slower"),
        (0.90, 0.95, 0.99, "faster"),
        (0.90, 0.97, 1.04, "not resolved"),
        (math.nan, 2.0, math.nan, "not resolved"),
    ],
)
def test_verdicts_as_written_down(low, value, high, verdict):
    found = statistics.Ratio(value, low, high, 0.01, 9, True, ())
    assert statistics.verdict(found, 0.02) == verdict


def test_the_detectable_difference_is_detected_in_80_per_cent():
    rng = np.random.default_rng(9)
    many = list(pairs(rng, 300, 10, 30, process=0.05))
    difference = statistics.minimum_detectable_difference(statistics.ratio(a, b) for a, b in many)
    assert 0.05 < difference < 0.1
    found = 0
    for a, b in many:
        slower = {name: samples * (1 + difference) for name, samples in a.items()}
        found += statistics.verdict(statistics.ratio(slower, b), 0.02) == "slower"
    assert found / 300 == pytest.approx(0.8, abs=0.07)
    assert math.isnan(statistics.minimum_detectable_difference([]))


# ------------------------------------------------------------------------------ by hand, and bad


def test_tukey_by_hand():
    # quartiles 3.25 and 7.75, fences at -3.5 and 14.5, at -10.25 and 21.25
    samples = np.array([1, 2, 3, 4, 5, 6, 7, 8.0, 19, 22])
    assert np.quantile(samples, [0.25, 0.75]).tolist() == [3.25, 7.75]
    assert statistics.tukey_outliers(samples) == (1, 1)
    assert statistics.tukey_outliers(np.array([1.0, 1, 1, 1, 9])) == (0, 1)
    found = statistics.summarise({0: samples})
    assert (found.mild, found.severe, found.samples) == (1, 1, 10)


def test_a_summary_by_hand():
    blocks = {0: np.full(10, 2.0), 1: np.full(10, 8.0)}
    found = statistics.summarise(blocks)
    half = 12.7062047364 * math.log(8 / 2) / 2  # t(1 degree, 97.5 %) x s / sqrt(2)
    assert found.value == pytest.approx(4)
    assert found.low == pytest.approx(4 * math.exp(-half))
    assert found.high == pytest.approx(4 * math.exp(half))
    assert (found.median, found.p10, found.iqr) == (5, 2, 6)
    assert found.spread == "unreliable"
    assert statistics.summarise({0: np.arange(1.0, 12)}, "p10").value == pytest.approx(2)
    assert statistics.summarise({0: np.arange(1.0, 12)}, "minimum").value == pytest.approx(1)


@pytest.mark.parametrize(("iqr", "word"), [(9, ""), (11, "warned"), (26, "unreliable")])
def test_spread_words(iqr, word):
    samples = np.array([100 - iqr / 2, 100 - iqr / 2, 100, 100 + iqr / 2, 100 + iqr / 2])
    assert statistics.summarise({0: samples}).spread == word


def test_one_process_has_no_interval():
    found = statistics.summarise({0: np.array([1.0, 2.0])})
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    alone = statistics.ratio({0: np.array([2.0])}, {0: np.array([1.0])})
    assert alone.value == 2
    assert math.isnan(alone.low)
    assert statistics.verdict(alone, 0.02) == "not resolved"
    apart = statistics.ratio({0: np.array([2.0])}, {1: np.array([1.0])})
    assert (apart.value, apart.paired) == (2, False)
    assert math.isnan(apart.error)


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {0: np.array([])},
        {0: np.array([1.0]), 1: np.array([])},
        {0: np.array([1.0, math.nan])},
        {0: np.array([1.0, math.inf])},
        {0: np.array([1.0, 0.0])},
        {0: np.array([-1.0])},
        {0: np.array([[1.0]])},
    ],
)
def test_what_is_no_measurement_is_refused(blocks):
    good = {0: np.array([1.0]), 1: np.array([1.0])}
    with pytest.raises(ValueError, match="block"):
        statistics.summarise(blocks)
    with pytest.raises(ValueError, match="block"):
        statistics.ratio(good, blocks)
    with pytest.raises(ValueError, match="block"):
        statistics.tie_groups({"a": good, "b": blocks}, 0.02)


def series(rng, *levels, noise=0.01):
    return np.concatenate([level * rng.lognormal(0, noise, length) for level, length in levels])


@pytest.mark.parametrize(
    ("levels", "word"),
    [
        ([(1, 30)], "flat"),
        ([(1.005, 10), (1, 20)], "flat"),  # a step, but a small one
        ([(1.2, 8), (1, 22)], "warming up"),
        ([(1.5, 5), (1.2, 5), (1, 20)], "warming up"),
        ([(1, 15), (1.2, 15)], "slowing down"),
        ([(1.3, 6), (1, 10), (1.2, 14)], "slowing down"),
        ([(1, 26), (1.3, 4)], "no steady state"),
        ([(1, 5)], ""),
    ],
)
def test_series_are_classified(levels, word):
    rng = np.random.default_rng(10)
    words = [statistics.steadiness(series(rng, *levels)) for _ in range(200)]
    assert words.count(word) >= 190
    for outlier in (5, 0.2) if word else ():  # one outlier is no level
        spiky = series(rng, *levels)
        spiky[len(spiky) // 2 + 1] *= outlier
        assert statistics.steadiness(spiky) == word
    cells = {number: series(rng, *levels) for number in range(9)}
    assert statistics.summarise(cells).steadiness == word


def test_processes_that_disagree_have_no_steady_state():
    rng = np.random.default_rng(11)
    blocks = {0: series(rng, (1, 30)), 1: series(rng, (2, 10), (1, 20))}
    assert statistics.summarise(blocks).steadiness == "no steady state"


def test_version_changes():
    rng = np.random.default_rng(12)
    same = [statistics.version_change(a, b).changed for a, b in pairs(rng, 300, 10, 30)]
    assert sum(same) <= 6
    times = simulate(rng, 1, 10, 30, process=0.03)[0]
    old = cell(times[:, 0])
    new = {("later", key): samples * 1.3 for key, samples in cell(times[:, 1]).items()}
    change = statistics.version_change(old, new)
    assert change.changed
    assert change.p < 0.002
    assert change.ratio.value == pytest.approx(1.3, rel=0.06)
    three = {key: old[key] for key in list(old)[:3]}
    # Three processes a side cannot reach p < 0.002; clear intervals can.
    far = {("x", n): np.full(5, 9.0 + n / 1000) for n in range(3)}
    change = statistics.version_change(three, far)
    assert (change.p > 0.002, change.disjoint, change.changed) == (True, True, True)


# --------------------------------------------------------------------------------- the A/A study


def study(rng, noise, blocks=10, count=6):
    made = []
    for number in range(count):
        times = noise(rng, blocks)
        made.append(Replicate(f"lane-{number % 2}", cell(times[:, 0]), cell(times[:, 1])))
    return made


def test_the_study_takes_a_low_quantile_where_others_load_the_machine():
    def busy(rng, blocks):
        slow = rng.exponential(0.3, (blocks, 2, 30)) * (rng.random((blocks, 2, 1)) * 0.9 > 0.3)
        return np.exp(rng.normal(0, 0.01, (blocks, 2, 30)) + slow)

    choice = aa_study.choose_estimator(study(np.random.default_rng(13), busy))
    assert choice.estimator == "p10"
    assert choice.against_median["p10"].high < 1
    assert choice.against_median["median"] == (1, 1, 1)
    shown = {(spread.estimator, spread.lane) for spread in choice.spreads}
    assert shown == {(e, lane) for e in statistics.QUANTILES for lane in ("", "lane-0", "lane-1")}
    assert all(s.low <= s.spread <= s.high for s in choice.spreads)
    assert {(s.replicates, s.blocks) for s in choice.spreads if not s.lane} == {(6, 10)}


def test_the_study_keeps_the_median_where_it_makes_no_difference():
    def quiet(rng, blocks):
        return simulate(rng, 1, blocks, 30)[0]

    kept = [
        aa_study.choose_estimator(study(np.random.default_rng(seed), quiet)).estimator
        for seed in range(40)
    ]
    assert kept.count("median") >= 34


def test_the_study_never_takes_the_best_of_all():
    def floor(rng, blocks):
        times = np.exp(rng.exponential(0.3, (blocks, 2, 30)))
        times[:, :, 0] = 1
        return times

    choice = aa_study.choose_estimator(study(np.random.default_rng(14), floor))
    assert choice.estimator != "minimum"
    assert choice.against_median["minimum"].value < 1e-6


def test_the_study_needs_replicates():
    with pytest.raises(ValueError, match="no A/A replicates"):
        aa_study.choose_estimator([])
    blocks = cell(np.ones((2, 3)))
    with pytest.raises(ValueError, match="3 blocks"):
        aa_study.choose_estimator([Replicate("x", blocks, blocks)])


# ------------------------------------------------------------------------ frames of result rows


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, rows_scale=0.3)
    write_sample(root, frameworks=(GRAPH,), versions={GRAPH: "1.0.10"}, rows_scale=0.3)
    write_sample(root, machine="other-machine", rows_scale=0.3, seed=1, oddities=False)
    return selection.select(reading.load(root))


def test_cells_are_the_rows(frame):
    # All kinds of cells, of one machine: by hand a cell takes milliseconds.
    one = frame["section"].isin(["lenet", "compile", "memory"]) & (frame["device"] == "cpu")
    frame = frame[one & (frame["machine"] == MACHINE)]
    grouped = group_cells(frame)
    ok = frame[frame["status"] == "ok"]
    assert sum(len(x) for c in grouped.values() for x in c.blocks.values()) == len(ok)
    by_hand = ok.groupby([*Key._fields, "run"], observed=True)
    assert len(grouped) == by_hand.ngroups
    for fields, group in by_hand:
        found = grouped[Key(*fields[:-1])]
        assert found.unit == group["unit"].iloc[0]
        for block, part in group.groupby(group["block"].fillna(-1)):
            expected = part.sort_values("sample")["value"].tolist()
            assert found.blocks[fields[-1], block].tolist() == expected
        marked = group[group["flags"] == "disturbed"]["block"].nunique()
        assert found.disturbed == marked
    shuffled = frame.sample(frac=1, random_state=0)
    again = group_cells(shuffled)
    assert again.keys() == grouped.keys()
    assert all(
        (samples == again[key].blocks[name]).all()
        for key, c in grouped.items()
        for name, samples in c.blocks.items()
    )
    assert group_cells(frame.iloc[:0]) == {}
    steps = group_cells(frame, "step_time")
    assert {key.metric for key in steps} == {"step_time"}


def test_bands_come_from_the_replicates_of_a_lane(frame):
    grouped = group_cells(frame, "step_time")
    bands = aa_bands(grouped)
    assert set(bands) == {
        (machine, "cpu", lane, "step_time")
        for machine in ("sample-machine", "other-machine")
        for lane in ("threads-1", "threads-all")
    }
    assert all(band >= 0.02 for band in bands.values())
    assert len(set(bands.values())) > 1
    assert {key.case for key, _ in replicates(grouped)} == {""}


def test_what_may_be_nought_has_no_band():
    key = Key("m", "f", "1", "lenet", "a", "cpu", "threads-all", "", "foreign_load")
    blocks = {("run", block): np.array([0.0, 0.1]) for block in range(3)}
    halves = key, key._replace(case=AGAIN)
    cells = {half: Cell(half, "cores", blocks, 0) for half in halves}
    bands = aa_bands(cells)
    assert bands == {("m", "cpu", "threads-all", "foreign_load"): statistics.SMALLEST_DELTA}


def test_two_frameworks_are_compared(frame):
    found = [
        c
        for c in compare.compare(frame, GRAPH, f"{MANY}:function")
        if c.a.key.section == "lenet"  # sweeps have steps of other sizes
    ]
    assert {(c.a.key.machine, c.a.key.lane) for c in found} == {
        (machine, lane)
        for machine in ("sample-machine", "other-machine")
        for lane in ("threads-1", "threads-all")
    }
    for one in found:
        newest = "1.0.10" if one.a.key.machine == "sample-machine" else "1.0.5"
        assert one.a.key.version == newest
        assert one.b.key.mode == "function"
        assert one.verdict == "slower"  # 46 against 30 ms in the sample
        values = [statistics.summarise(side.blocks).value for side in (one.a, one.b)]
        assert one.ratio.value == pytest.approx(values[0] / values[1])
        assert one.ratio.paired


def test_two_versions_modes_and_machines_are_compared(frame):
    versions = compare.compare(frame, f"{GRAPH}==1.0.5", f"{GRAPH}==1.0.10")
    assert {(c.a.key.version, c.b.key.version) for c in versions} == {("1.0.5", "1.0.10")}
    modes = compare.compare(frame, f"{PAIRED}:module==1.9.1", f"{PAIRED}==1.9.1:hybrid")
    assert {(c.a.key.mode, c.b.key.mode) for c in modes} == {("module", "hybrid")}
    machines = compare.compare(frame, "machine:sample-machine", "machine:other-machine")
    assert all(c.a.key._replace(machine="") == c.b.key._replace(machine="") for c in machines)
    assert not any(c.ratio.paired for c in machines)
    memory = compare.compare(frame, GRAPH, f"{PAIRED}:gluon", metric="peak_rss")
    assert {c.a.unit for c in memory} == {"B"}


@pytest.mark.parametrize(
    ("a", "message"),
    [
        ("theeano", f"did you mean {GRAPH}?"),
        (f"{MANY}:xxla", "did you mean xla?"),
        (f"{PAIRED}==1.9", r"did you mean 1\.9\.1\?"),
        (f"{GRAPH}==", "expected FRAMEWORK"),
        ("", "expected FRAMEWORK"),
        ("a:b:c", "expected FRAMEWORK"),
        (f"{GRAPH}==1.0.5:compiled==1.0.5", "expected FRAMEWORK"),
        ("machine:sample", "did you mean sample-machine"),
        ("machine:sample-machine", "two machines, or none"),
        (f"{MANY}:function", "nothing|have no"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(frame, a, message):
    with pytest.raises(UsageError, match=message):
        compare.compare(frame, a, f"{MANY}:function==2.21.0")


def test_wrong_metrics_are_answered_with_the_nearest(frame):
    with pytest.raises(UsageError, match="did you mean step_time"):
        compare.compare(frame, GRAPH, PAIRED, metric="steptime")
    with pytest.raises(UsageError, match="generator measure"):
        compare.compare(frame.iloc[:0], GRAPH, PAIRED)


@given(st.text(max_size=30))
@relaxed
def test_any_text_is_a_spec_or_a_usage_error(text):
    keys = [Key("m", GRAPH, "1.0.5", "lenet", "compiled", "cpu", "threads-1", "", "t")]
    try:
        spec = compare.parse_spec(text, keys)
    except UsageError:
        return
    assert compare.parse_spec(str(spec), keys) == spec


def test_versions_are_ordered_as_people_mean_them():
    versions = ["1.0.0", "1.0.1", "1.9.1", "1.10.0", "2.0.0rc1", "2.0.0", "2.0.0.1"]
    assert sorted(set(versions), key=partial(selection.age, ())) == versions
