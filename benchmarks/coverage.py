"""How often 95 % intervals of a ratio hold the truth: ours, and the bootstraps we did not take.

Simulates pairs of equal cells on a noisy machine. "Hierarchical" resamples processes, then the
samples within each; "processes" resamples processes only; both with percentile intervals, and the
first also studentised (bootstrap standard error, small-sample factor, Student's t). Claimed: ours
covers 95 % of the time, within the error of the simulation and one point for noise that is not
normal.
"""

import argparse

import numpy as np
from scipy import stats

from benchmarks.line import Line
from generator.analysis import statistics
from generator.analysis.block_model import BlockModel

NOISE = {
    "processes 8 %, samples 3 %, outliers": {"process": 0.08, "sample": 0.03, "outliers": 0.03},
    "processes 1 %, samples 3 %, outliers": {"process": 0.01, "sample": 0.03, "outliers": 0.03},
    "processes equal, samples 10 %": {"process": 0.0, "sample": 0.10, "outliers": 0.05},
    "processes 8 %, skewed": {"process": 0.08, "sample": 0.03, "outliers": 0.03, "skewed": True},
}
SIZES = ((3, 10), (10, 30))
RESAMPLES = 300


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks coverage")
    parser.add_argument("--trials", type=int, default=600)
    trials = parser.parse_args(arguments).trials
    lines = []
    for name, noise in NOISE.items():
        for blocks, samples in SIZES:
            rng = np.random.default_rng(0)
            times = simulate(rng, trials, blocks, samples, **noise)
            found = {
                "ours": ours(times),
                "hierarchical percentile": percentile(hierarchical(rng, times)),
                "processes percentile": percentile(hierarchical(rng, times, below=False)),
                "hierarchical studentised": studentised(rng, times),
            }
            for method, (low, high) in found.items():
                covered = float(((low <= 0) & (high >= 0)).mean())
                width = 100 * float(np.median(high - low)) / 2
                kept, claim = None, ""
                if method == "ours":
                    error = 3 * (0.95 * 0.05 / trials) ** 0.5
                    kept, claim = covered >= 0.94 - error, "95 %"
                lines.append(
                    Line(
                        "coverage",
                        f"{blocks} x {samples}, {name}: {method}",
                        f"{100 * covered:.1f} % (half width {width:.1f} %)",
                        claim,
                        kept,
                    )
                )
    return lines


def simulate(rng, trials, blocks, samples, *, process, sample, outliers, skewed=False):
    """Return log times, trials x blocks x 2 x samples; the truth is a ratio of 1."""
    drift = rng.normal(0, 0.06, (trials, blocks, 1, 1))
    shape = (trials, blocks, 2, 1)
    life = process * (rng.gamma(1, 1, shape) - 1 if skewed else rng.normal(0, 1, shape))
    noise = rng.normal(0, sample, (trials, blocks, 2, samples))
    slow = (rng.random(noise.shape) < outliers) * rng.exponential(0.5, noise.shape)
    return drift + life + noise + slow


def estimate(times):
    """Return the block log-ratios, trials x blocks."""
    quantiles = np.quantile(times, statistics.QUANTILES[statistics.ESTIMATOR], axis=3)
    return quantiles[:, :, 0] - quantiles[:, :, 1]


def ours(times):
    bounds = []
    for trial in np.exp(times):
        logs = np.log(np.quantile(trial, statistics.QUANTILES[statistics.ESTIMATOR], axis=2))
        found = BlockModel(
            {side: dict(enumerate(logs[:, side].tolist())) for side in (0, 1)}
        ).ratio(0, 1)
        bounds.append((found.low, found.high))
    low, high = np.log(np.array(bounds)).T
    return low, high


def hierarchical(rng, times, *, below=True):
    """Return resampled mean log-ratios, trials x resamples."""
    trials, blocks, _, samples = times.shape
    means = np.empty((trials, RESAMPLES))
    for number in range(RESAMPLES):
        chosen = rng.integers(0, blocks, (trials, blocks))[:, :, None, None]
        drawn = np.take_along_axis(times, chosen, 1)
        if below:
            drawn = np.take_along_axis(drawn, rng.integers(0, samples, drawn.shape), 3)
        means[:, number] = estimate(drawn).mean(axis=1)
    return means


def percentile(means):
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    return low, high


def studentised(rng, times):
    blocks = times.shape[1]
    error = hierarchical(rng, times).std(axis=1, ddof=1) * (blocks / (blocks - 1)) ** 0.5
    half = stats.t.ppf(0.975, blocks - 1) * error
    middle = estimate(times).mean(axis=1)
    return middle - half, middle + half
