import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from generator.analysis import aa_study, statistics
from generator.analysis.block_model import BlockModel
from generator.analysis.cells import (
    Cell,
    Key,
    Replicate,
    aa_noises,
    fitted,
    group_cells,
    replicates,
    spreads,
)
from generator.analysis.cells import compare as compare_cells
from generator.results import reading, schema, selection
from tests import sample_results
from tests.sample_results import GRAPH, MACHINE, write_sample

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


# ------------------------------------------------------------------------------------ properties


@given(cells_of_samples, st.floats(1e-6, 1e6))
@relaxed
def test_units_do_not_matter(a, factor):
    scaled = {name: samples * factor for name, samples in a.items()}
    plain, large = statistics.summarise(a), statistics.summarise(scaled)
    for name in ("value", "low", "high"):
        assert getattr(large, name) == pytest.approx(getattr(plain, name) * factor)
    assert large.spread == plain.spread
    assert large.steadiness == plain.steadiness


@given(cells_of_samples)
@relaxed
def test_a_summary_agrees_with_itself(a):
    one = statistics.summarise(a)
    assert one.low <= one.value <= one.high
    assert one.processes == len(a)
    assert one.samples == sum(map(len, a.values()))
    rate = one.rate(64)
    assert rate.low <= rate.value <= rate.high
    assert rate.value == pytest.approx(64 / one.value)


@given(st.lists(cells_of_samples, min_size=1, max_size=5))
@relaxed
def test_a_bias_that_all_replicates_share_is_noise(some):
    assert statistics.aa_noise((blocks, blocks) for blocks in some) == pytest.approx(0)
    shifted = [({k: v * 1.3 for k, v in blocks.items()}, blocks) for blocks in some]
    assert statistics.aa_noise(shifted) >= 0.299


def test_without_replicates_the_noise_may_be_as_large_as_the_margin():
    assert statistics.aa_noise([]) == statistics.MARGIN
    apart = {"one": np.array([1.0])}, {"two": np.array([2.0])}
    assert statistics.aa_noise([apart]) == statistics.MARGIN


def test_the_aa_noise_holds_95_per_cent_of_replicates():
    rng = np.random.default_rng(8)
    inside = trials = 0
    found = []
    for _ in range(250):
        halves = [
            (cell(times[:, 0]), cell(times[:, 1]))
            for times in simulate(rng, 5, 10, 30, process=0.05)
        ]
        found.append(statistics.aa_noise(halves[:4]))
        a, b = (np.log(list(statistics.process_estimates(half).values())) for half in halves[4])
        trials += 1
        inside += abs((a - b).mean()) <= math.log1p(found[-1])
    assert 0.91 <= inside / trials <= 0.98
    # That of ratios over the run: 1.96 x 5 % x sqrt(2 / 10), and a little for samples
    assert np.median(found) == pytest.approx(0.046, abs=0.008)


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.96, 1.0, 1.04, "equivalent"),
        (1.01, 1.03, 1.049, "equivalent"),
        (0.93, 1.0, 1.07, "not resolved"),
        (1.005, 1.06, 1.12, "slower"),
        (1.005, 1.019, 1.06, "not resolved"),  # within the A/A noise
        (0.80, 0.9, 0.99, "faster"),
        (0.90, 0.97, 1.04, "not resolved"),
        (math.nan, 2.0, math.nan, "not resolved"),
    ],
)
def test_verdicts_as_written_down(low, value, high, verdict):
    found = statistics.Ratio(value, low, high, 0.01, 9)
    assert statistics.verdict(found, 0.02) == verdict


def test_the_detectable_difference_is_detected_in_80_per_cent():
    rng = np.random.default_rng(9)
    logs = rng.normal(0, 0.05, (400, 2, 10))
    pairs = [BlockModel({0: dict(enumerate(a)), 1: dict(enumerate(b))}) for a, b in logs.tolist()]
    typical = statistics.detectable_difference(
        statistics.Ratio(
            *statistics.Interval.of_log(0, statistics.student_t(9, 0.975) * 0.0224), 0.0224, 9
        ),
        0.0,
    )
    assert 0.05 < typical < 0.1
    found = 0
    for pair in pairs:
        slower = {block: log + math.log1p(typical) for block, log in pair.logs[0].items()}
        ratio = BlockModel({0: slower, 1: pair.logs[1]}).ratio(0, 1)
        found += statistics.verdict(ratio, 0.0) == "slower"
    assert found / 400 == pytest.approx(0.8, abs=0.07)


# ------------------------------------------------------------------------------ by hand, and bad


def test_tukey_by_hand():
    # quartiles 3.25 and 7.75, fences at -3.5 and 14.5, at -10.25 and 21.25
    samples = np.array([1, 2, 3, 4, 5, 6, 7, 8.0, 19, 22])
    assert np.quantile(samples, [0.25, 0.75]).tolist() == [3.25, 7.75]
    assert statistics.tukey_outliers(samples) == (1, 1)
    assert statistics.tukey_outliers(np.array([1.0, 1, 1, 1, 9])) == (0, 1)
    assert statistics.summarise({0: samples}).samples == 10, "they are kept"


def test_a_summary_by_hand():
    blocks = {0: np.full(10, 2.0), 1: np.full(10, 8.0)}
    found = statistics.summarise(blocks)
    half = 12.7062047364 * math.log(8 / 2) / 2  # t(1 degree, 97.5 %) x s / sqrt(2)
    assert found.value == pytest.approx(4)
    assert found.low == pytest.approx(4 * math.exp(-half))
    assert found.high == pytest.approx(4 * math.exp(half))
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
    with pytest.raises(ValueError, match="block"):
        statistics.summarise(blocks)


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
    write_sample(root, rows_scale=0.1)
    write_sample(root, frameworks=(GRAPH,), versions={GRAPH: "1.0.10"}, rows_scale=0.1)
    write_sample(root, machine="other-machine", rows_scale=0.1, seed=1, oddities=False)
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


def test_noise_comes_from_the_replicates_of_a_section_and_lane(frame):
    grouped = group_cells(frame, "step_time")
    noises = aa_noises(grouped)
    replicated = {place: noise for place, noise in noises.items() if noise != statistics.MARGIN}
    assert set(replicated) == {
        (machine, "cpu", "lenet", lane, "step_time")
        for machine in ("sample-machine", "other-machine")
        for lane in ("threads-1", "threads-all")
    }
    assert len(set(replicated.values())) > 1
    assert {key.case for key, _ in replicates(grouped)} == {""}


def test_what_may_be_nought_has_no_ratio():
    key = Key("m", "f", "1", "lenet", "a", "cpu", "threads-all", "", "foreign_load")
    blocks = {("run", block): np.array([0.0, 0.1]) for block in range(3)}
    halves = key, key._replace(case=schema.AGAIN)
    cells = {half: Cell(half, "cores", blocks, 0) for half in halves}
    assert aa_noises(cells) == {key.place: statistics.MARGIN}
    assert all(cell.model is None for cell in fitted(cells, {}).values())


def test_a_replicate_of_a_case_is_paired_with_it():
    key = Key("m", "f", "1", "depth", "a", "cpu", "threads-all", "depth 8", "step_time")
    blocks = {("run", block): np.array([1.0, 1.1]) for block in range(3)}
    again = key._replace(case=schema.again("depth 8"))
    cells = {one: Cell(one, "s", blocks, 0) for one in (key, again, key._replace(case="depth 2"))}
    assert [found for found, _ in replicates(cells)] == [key]
    models = fitted(cells, {})
    assert models[again].model is None, "it is compared with nothing else"
    assert models[key].model is not None


def test_cells_that_may_be_compared_share_a_model(frame):
    cells = fitted(group_cells(frame, "step_time"), {})
    for key, cell in cells.items():
        if cell.model is not None:
            for other in cell.model.logs:
                assert key._replace(framework="", version="", mode="") == other._replace(
                    framework="", version="", mode=""
                )
                assert cells[other].model is cell.model
    a, b, *_ = next(list(c.model.logs) for c in cells.values() if c.model and len(c.model.logs) > 2)
    together, alone = (compare_cells(cells[a], cells[b], {}), compare_cells(
        *(group_cells(frame, "step_time")[key] for key in (a, b)), {}
    ))  # fmt: skip
    assert together.value == pytest.approx(alone.value)
    assert together == cells[a].model.ratio(a, b)


def test_the_spread_between_runs_is_that_of_repeated_configurations(tmp_path):
    runs = np.random.default_rng(20).normal(0, 0.2, 12)
    for number, run in enumerate(runs):
        sample_results.write_history(tmp_path, {GRAPH: {"1.0.5": math.exp(run)}}, start=number)
    found = spreads(reading.load(tmp_path))[MACHINE, "cpu", "step_time"]
    assert found.degrees == 11
    assert math.sqrt(found.variance) == pytest.approx(runs.std(ddof=1), rel=0.25)


def test_versions_are_ordered_as_people_mean_them():
    versions = ["1.0.0", "1.0.1", "1.9.1", "1.10.0", "2.0.0rc1", "2.0.0", "2.0.0.1"]
    assert sorted(set(versions), key=partial(selection.age, ())) == versions
