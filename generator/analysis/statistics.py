"""Samples -> estimates, intervals, verdicts, tie groups. Pure: no input, no output, no randomness.

A *cell* is one configuration and metric on one machine. Its samples come in *blocks*: one fresh
process each, which is the unit of replication (Kalibera and Jones 2013). A process is reduced to
one estimate, a quantile of its samples; a cell's value is the geometric mean of those estimates,
and a ratio of two cells is the geometric mean of the ratios within the blocks that they share, so
that ratios of published values and published ratios agree.

Intervals
---------
They are Student-t intervals of the logarithms of the per-process estimates (of the within-block
log-ratios for comparisons, n - 1 degrees of freedom). That is a bootstrap over processes, taken to
infinitely many resamples (Efron's ideal bootstrap, whose standard error of a mean is s / sqrt(n)
after the n / (n - 1) correction) and studentised. Resampling the samples below the processes as
well adds their noise a second time, since the processes' estimates already contain it; and a
percentile bootstrap of so few processes is far too sure of itself (with three of them, all three
agree in sign 25 % of the time). Simulated coverage of a nominal 95 % for ratios of equal cells by
p10, in %, +/- 1 (600 trials; ``python -m benchmarks coverage`` repeats it):

=====================================  =======  ============  ============  ====
noise                                  blocks   hierarchical  hierarchical  this
                                                percentile    studentised   form
=====================================  =======  ============  ============  ====
processes 8 %, samples 3 %, outliers   3 x 10   72            96            94
the same                               10 x 30  90            96            96
processes 1 %, samples 3 %, outliers   3 x 10   95            100           96
the same                               10 x 30  97            98            96
processes equal, samples 10 %          3 x 10   98            100           95
the same                               10 x 30  99            100           94
processes 8 %, skewed                  3 x 10   81            99            97
the same                               10 x 30  89            96            96
=====================================  =======  ============  ============  ====

The percentile form falls short with few processes; the studentised hierarchical one never does,
but is up to 1.9 times as wide as this one, which does not either.

Sources: Kalibera, Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013; Hoefler, Belli,
"Scientific Benchmarking of Parallel Computing Systems", SC 2015; Efron, Tibshirani, "An
Introduction to the Bootstrap", 1993; Barrett et al., arXiv 1602.00602; Tukey, "Exploratory Data
Analysis", 1977.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from scipy import ndimage, special

Estimator = Literal["median", "p25", "p10", "minimum"]
Better = Literal["lower", "higher"]
Verdict = Literal["faster", "slower", "equivalent", "not resolved"]
Name = TypeVar("Name", bound=Hashable)
Array = np.ndarray[Any, np.dtype[np.float64]]
Blocks = Mapping[Hashable, Array]
"""Block id -> the samples of its process in the order of time; equal ids ran close in time."""

QUANTILES: dict[Estimator, float] = {"median": 0.5, "p25": 0.25, "p10": 0.1, "minimum": 0.0}

ESTIMATOR: Estimator = "median"  # decided by the A/A study, see choose_estimator

MARGIN = 0.05
"""Differences within this fraction would not matter to anybody who chooses."""

CONFIDENCE = 0.95
POWER = 0.8


_LARGEST_LOG = 700.0
"""exp() of more is no float."""


class Interval(NamedTuple):
    """An estimate with its 95 % interval; low and high are NaN where there was one process."""

    value: float
    low: float
    high: float

    @classmethod
    def of_log(cls, log: float, half: float) -> Interval:
        """Return an interval that is symmetric on the logarithm, from its middle and half width.

        Its ends stay numbers that have a logarithm, however wide it is.
        """
        ends = (max(log - half, -_LARGEST_LOG), min(log + half, _LARGEST_LOG))
        return cls(math.exp(log), *map(math.exp, ends))


class Modes(NamedTuple):
    """Two levels that the processes of a cell fall into, and how many lie on each."""

    low: float
    at_low: int
    high: float
    at_high: int


@dataclass(frozen=True)
class Summary:
    """One cell, in the unit of its samples."""

    value: float
    """Geometric mean over processes of the headline quantile."""
    low: float
    high: float
    """95 % interval of ``value``; NaN for a single process."""
    processes: int
    samples: int
    spread: Literal["", "warned", "unreliable"]
    """Inter-quartile range over 10 % of the median: warned; over 25 %: unreliable."""
    steadiness: str
    """See :func:`steadiness`; of most processes, or "no steady state" where they disagree."""
    modes: Modes | None = None
    """Of the processes, see :func:`two_modes`: ``value`` lies between them."""

    def rate(self, work: float) -> Interval:
        """Return ``work`` per unit of time, for example images per second."""
        return Interval(work / self.value, work / self.high, work / self.low)


def summarise(blocks: Blocks, estimator: Estimator = ESTIMATOR) -> Summary:
    """Summarise a cell.

    No block, an empty one, or a sample that is not a positive finite number is a ``ValueError``.
    """
    estimates = process_estimates(blocks, estimator)
    value, low, high = _interval_of_logs(np.log(list(estimates.values())))
    samples = np.concatenate(list(blocks.values()))
    q1, median, q3 = map(float, np.quantile(samples, [0.25, 0.5, 0.75]))
    kinds = Counter(kind for block in blocks.values() if (kind := steadiness(block)))
    return Summary(
        value,
        low,
        high,
        processes=len(blocks),
        samples=len(samples),
        spread=_spread((q3 - q1) / median),
        steadiness=_majority(kinds),
        modes=two_modes(estimates.values()),
    )


def process_estimates(blocks: Blocks, estimator: Estimator = ESTIMATOR) -> dict[Hashable, float]:
    """Return block id -> quantile of its samples (linear interpolation); see :func:`summarise`."""
    if not blocks:
        raise ValueError("no blocks: a cell needs the samples of at least one process")
    alike: dict[int, list[Hashable]] = {}
    for name, samples in blocks.items():
        if np.ndim(samples) != 1 or not len(samples):
            raise ValueError(f"block {name!r} has no samples")
        alike.setdefault(len(samples), []).append(name)
    estimates: dict[Hashable, float] = {}
    for names in alike.values():  # of one length at once: NumPy takes long to begin
        stacked = np.array([blocks[name] for name in names])
        good = all_positive(stacked)
        if not good.all():
            name = names[int(good.argmin())]
            raise ValueError(f"block {name!r} has a sample that is not a positive finite number")
        quantiles = np.quantile(stacked, QUANTILES[estimator], axis=-1)
        estimates |= zip(names, quantiles.tolist(), strict=True)
    return {name: estimates[name] for name in blocks}


def all_positive(samples: Array) -> Any:
    """Whether every sample along the last axis is a positive finite number, as a NumPy array."""
    return np.all(np.isfinite(samples) & (samples > 0), axis=-1)


def _interval_of_logs(logs: Array) -> Interval:
    """Return the geometric mean and its Student-t interval (n - 1 degrees of freedom)."""
    mean = float(np.mean(logs))
    if len(logs) < 2:
        return Interval.of_log(mean, math.nan)
    error = float(np.std(logs, ddof=1)) / len(logs) ** 0.5
    return Interval.of_log(mean, student_t(len(logs) - 1) * error)


def student_t(degrees: float, probability: float = (1 + CONFIDENCE) / 2) -> float:
    """Return a quantile of Student's t distribution, by default how far a 95 % interval goes."""
    return float(special.stdtrit(degrees, probability))


def _majority(kinds: Counter[str]) -> str:
    if not kinds:
        return ""
    kind, count = kinds.most_common(1)[0]
    return kind if 2 * count > kinds.total() else "no steady state"


def _spread(relative: float) -> Literal["", "warned", "unreliable"]:
    if relative > 0.25:
        return "unreliable"
    return "warned" if relative > 0.1 else ""


def tukey_outliers(samples: Array) -> tuple[int, int]:
    """Count mild (beyond 1.5 inter-quartile ranges) and severe (beyond 3) outliers, apart.

    Source: Tukey, "Exploratory Data Analysis", 1977.
    """
    q1, q3 = np.quantile(samples, [0.25, 0.75])
    beyond = np.maximum(q1 - samples, samples - q3)
    severe = int(np.count_nonzero(beyond > 3 * (q3 - q1)))
    return int(np.count_nonzero(beyond > 1.5 * (q3 - q1))) - severe, severe


def two_modes(estimates: Iterable[float]) -> Modes | None:
    """Return the two clusters that the estimates of processes fall into; None if into one.

    The sorted logarithms are split where the sum of squares between both sides is largest compared
    with that within them, with two processes or more on each side: one alone is an outlier. That
    ratio is the likelihood ratio test of Engelman and Hartigan, "Percentage Points of a Test for
    Clusters", JASA 64, 1969. Its 99 % point is 2 / (pi - 2) for many values; what few ones add was
    fitted to simulations: of 4 to 30 normal values, about 1 % of samples are found to have two
    modes. Clusters closer than :data:`MARGIN` count as one.
    """
    logs = np.sort(np.log(list(estimates)))
    count = len(logs)
    if count < 4:
        return None
    left = np.arange(2, count - 1)
    centred = logs - logs.mean()
    between = np.cumsum(centred)[left - 1] ** 2 * count / (left * (count - left))
    best = int(np.argmax(between))
    within = float(centred @ centred - between[best])
    free = count - 2
    critical = 2 / (math.pi - 2) * math.exp(3.3 / free**0.5 + 4.5 / free)
    low, high = (float(side.mean()) for side in np.split(logs, [left[best]]))
    if between[best] <= critical * within or high - low <= math.log1p(MARGIN):
        return None
    at_low = int(left[best])
    return Modes(math.exp(low), at_low, math.exp(high), count - at_low)


_SHORTEST_SERIES = 6
_SHORTEST_SEGMENT = 3
_EQUIVALENT = math.log(1.02)


def steadiness(series: Array) -> str:
    """Classify the times of one process after its warm-up, in the order in which they were taken.

    Change points are found by binary segmentation of the logarithms with a penalty of 4 log(n)
    squared standard errors. The noise is judged from neighbouring differences; a running median of
    three takes single outliers away, which are no level. Levels within 2 % of the last one count as
    equal to it. The classes follow Barrett et al., arXiv 1602.00602, whose series are longer and
    whose method is finer.

    They are "flat", "warming up" (earlier levels were slower), "slowing down" (an earlier level was
    faster), "no steady state" (the last level holds for less than a quarter of the series), or ""
    for fewer than 6 samples.
    """
    if len(series) < _SHORTEST_SERIES:
        return ""
    logs = np.log(series)
    # 1.4826: median absolute deviation -> standard deviation, for normal noise.
    noise = 1.4826 * float(np.median(np.abs(np.diff(logs)))) / 2**0.5
    logs = ndimage.median_filter(logs, 3, mode="mirror")
    borders = [0, *_change_points(logs, 4 * math.log(len(logs)) * noise**2), len(logs)]
    levels = [float(logs[start:end].mean()) for start, end in pairwise(borders)]
    unequal = [level - levels[-1] for level in levels if abs(level - levels[-1]) > _EQUIVALENT]
    if not unequal:
        return "flat"
    if len(logs) - borders[-2] < len(logs) / 4:
        return "no steady state"
    return "warming up" if min(unequal) > 0 else "slowing down"


def _change_points(values: Array, penalty: float) -> list[int]:
    """Return sorted indices at which a new level begins (binary segmentation)."""
    count = len(values)
    if count < 2 * _SHORTEST_SEGMENT:
        return []
    left = np.arange(_SHORTEST_SEGMENT, count - _SHORTEST_SEGMENT + 1)
    sums = np.cumsum(values)
    # The squared error that a border saves.
    means = sums[left - 1] / left - (sums[-1] - sums[left - 1]) / (count - left)
    saved = means**2 * left * (count - left) / count
    best = int(np.argmax(saved))
    if saved[best] <= max(penalty, 1e-18):
        return []
    border = int(left[best])
    after = [border + index for index in _change_points(values[border:], penalty)]
    return [*_change_points(values[:border], penalty), border, *after]


@dataclass(frozen=True)
class Ratio:
    """How many times the value of a first cell is that of a second."""

    value: float
    low: float
    high: float
    """95 % interval, simultaneous for all cells compared together; NaN where there is none."""
    error: float
    """Standard error of log(value); NaN where there is no interval."""
    degrees: float
    """Degrees of freedom of ``error``."""
    across: bool = False
    """The two share no block: what changed between their runs is in the interval."""

    def inverse(self) -> Ratio:
        """Return the ratio of the second cell to the first."""
        return Ratio(
            1 / self.value, 1 / self.high, 1 / self.low, self.error, self.degrees, self.across
        )


def aa_noise(replicates: Iterable[tuple[Blocks, Blocks]]) -> float:
    """Return how far apart identical configurations of a run lie, as a fraction: its A/A noise.

    A/A replicates are a configuration run twice in every block: the truth of their ratio is 1. The
    noise is where 95 % of such ratios *over the whole run* lie, the same quantity that the page
    shows for different configurations: the spread of single blocks, divided by the square root of
    their number. J replicates of n blocks are too few ratios for an empirical percentile, so the
    squared block log-ratios of all of them are pooled (about 0, not about their mean: a bias
    counts) and multiplied by the Student quantile of their number. A bias that all blocks of a
    replicate share does not shrink with their number: the root mean square of the replicates' means
    is the least that the noise can be.

    0.02 stands for ratios between 1 / 1.02 and 1.02. Without replicates that share a block it is
    :data:`MARGIN`: what nobody looked at may be as large as what would not matter.
    """
    logs = [
        np.log([one[block] / two[block] for block in one if block in two])
        for one, two in ((process_estimates(a), process_estimates(b)) for a, b in replicates)
    ]
    logs = [found for found in logs if len(found)]
    if not logs:
        return MARGIN
    count = sum(map(len, logs))
    # Variance of a replicate's mean over its n blocks, averaged with weights n.
    variance = sum(float((log**2).mean()) for log in logs) / count
    band = student_t(count) * math.sqrt(variance)
    biased = math.sqrt(float(np.mean([log.mean() ** 2 for log in logs])))
    return math.expm1(min(max(band, biased), _LARGEST_LOG))


def verdict(ratio: Ratio, noise: float, better: Better = "lower") -> Verdict:
    """Judge a ratio of two times (``better="lower"``) or two rates (``"higher"``).

    The margin within which a difference would not matter is fixed: more noise makes an interval
    wider and the A/A noise larger, and so never turns "not resolved" into another answer.

    - interval inside 1 / 1.05 to 1.05 (:data:`MARGIN`): "equivalent"
    - interval clear of 1, and the ratio beyond the A/A noise: "faster" or "slower" (the first is)
    - else, or without an interval: "not resolved"
    """
    middle, low, high = (math.log(x) for x in (ratio.value, ratio.low, ratio.high))
    margin = math.log1p(MARGIN)
    if -margin <= low and high <= margin:
        return "equivalent"
    if (low > 0 or high < 0) and abs(middle) > math.log1p(noise):
        return "faster" if (middle < 0) == (better == "lower") else "slower"
    return "not resolved"


def detectable_difference(ratio: Ratio, noise: float) -> float:
    """Return the true difference that such a comparison finds in 80 % of runs, as a fraction.

    It is found when the interval is clear of 1 and the ratio beyond the A/A noise; to that comes
    the quantile of t for 80 %, in standard errors. 0.1 is 10 %; NaN for a ratio without an
    interval.
    """
    if not math.isfinite(ratio.error):
        return math.nan
    clear = math.log(ratio.high / ratio.value)
    power = student_t(ratio.degrees, POWER) * ratio.error
    return math.expm1(min(max(clear, math.log1p(noise)) + power, _LARGEST_LOG))
