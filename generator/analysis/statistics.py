"""Samples -> estimates, intervals, verdicts, tie groups. Pure: no input, no output, no randomness.

A *cell* is one configuration and metric on one machine. Its samples come in *blocks*: one fresh
process each, which is the unit of replication (Kalibera and Jones 2013). A process is reduced to
one estimate, a quantile of its samples; a cell's value is the geometric mean of those estimates,
and a ratio of two cells is the geometric mean of the ratios within the blocks that they share, so
that ratios of shown values and shown ratios agree.

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
Analysis", 1977; airspeed velocity, ``asv/_stats.py``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy import ndimage, stats

from generator.errors import UsageError
from generator.measure import plan
from generator.results import reading

if TYPE_CHECKING:
    import pandas as pd

Estimator = Literal["median", "p25", "p10", "minimum"]
Better = Literal["lower", "higher"]
Verdict = Literal["faster", "slower", "no practical difference", "unresolved"]
Array = np.ndarray[Any, np.dtype[np.float64]]
Blocks = Mapping[Hashable, Array]
"""Block id -> the samples of its process in the order of time; equal ids ran side by side."""

QUANTILES: dict[Estimator, float] = {"median": 0.5, "p25": 0.25, "p10": 0.1, "minimum": 0.0}

ESTIMATOR: Estimator = "median"  # decided by the A/A study, see choose_estimator

SMALLEST_DELTA = 0.02
"""Differences below this are of no practical interest, however well they are resolved."""

CONFIDENCE = 0.95
POWER = 0.8


# -------------------------------------------------------------------------------------- summaries


class Interval(NamedTuple):
    """An estimate with its 95 % interval; low and high are NaN where there was one process."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """One cell, in the unit of its samples."""

    value: float
    """Geometric mean over processes of the headline quantile."""
    low: float
    high: float
    """95 % interval of ``value``; NaN for a single process."""
    median: float
    p10: float
    iqr: float
    """Of all samples together: median, 10th percentile, inter-quartile range."""
    processes: int
    samples: int
    spread: Literal["", "warned", "unreliable"]
    """Inter-quartile range over 10 % of the median: warned; over 25 %: unreliable."""
    mild: int
    severe: int
    """Samples outside Tukey's fences at 1.5 and 3 inter-quartile ranges; they are kept."""
    steadiness: str
    """See :func:`steadiness`; of most processes, or "no steady state" where they disagree."""

    def rate(self, work: float) -> Interval:
        """Return ``work`` per unit of time, for example images per second."""
        return Interval(work / self.value, work / self.high, work / self.low)


def summarise(blocks: Blocks, estimator: Estimator = ESTIMATOR) -> Summary:
    """Summarise a cell.

    Raises:
        ValueError: no block, an empty block, or a sample that is not a positive finite number.

    """
    estimates = process_estimates(blocks, estimator)
    value, low, high = _interval_of_logs(np.log(list(estimates.values())))
    samples = np.concatenate(list(blocks.values()))
    p10, q1, median, q3 = map(float, np.quantile(samples, [0.1, 0.25, 0.5, 0.75]))
    mild, severe = tukey_outliers(samples)
    kinds = Counter(kind for block in blocks.values() if (kind := steadiness(block)))
    return Summary(
        value,
        low,
        high,
        median=median,
        p10=p10,
        iqr=q3 - q1,
        processes=len(blocks),
        samples=len(samples),
        spread=_spread((q3 - q1) / median),
        mild=mild,
        severe=severe,
        steadiness=_majority(kinds),
    )


def process_estimates(blocks: Blocks, estimator: Estimator = ESTIMATOR) -> dict[Hashable, float]:
    """Return block id -> quantile of its samples (linear interpolation); see :func:`summarise`."""
    if not blocks:
        raise ValueError("no blocks: a cell needs the samples of at least one process")
    estimates = {}
    for name, samples in blocks.items():
        if np.ndim(samples) != 1 or not len(samples):
            raise ValueError(f"block {name!r} has no samples")
        if not _positive(samples):
            raise ValueError(f"block {name!r} has a sample that is not a positive finite number")
        estimates[name] = float(np.quantile(samples, QUANTILES[estimator]))
    return estimates


def _positive(samples: Array) -> bool:
    return bool(np.isfinite(samples).all() and np.min(samples) > 0)


def _interval_of_logs(logs: Array, confidence: float = CONFIDENCE) -> Interval:
    """Return the geometric mean and its Student-t interval (n - 1 degrees of freedom)."""
    mean = float(np.mean(logs))
    if len(logs) < 2:
        return Interval(math.exp(mean), math.nan, math.nan)
    half = _t(len(logs) - 1, (1 + confidence) / 2) * float(np.std(logs, ddof=1)) / len(logs) ** 0.5
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _t(degrees: float, probability: float) -> float:
    return float(stats.t.ppf(probability, degrees))


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
    """Count mild (beyond 1.5 inter-quartile ranges) and severe (beyond 3) outliers, apart."""
    q1, q3 = np.quantile(samples, [0.25, 0.75])
    beyond = np.maximum(q1 - samples, samples - q3)
    severe = int(np.count_nonzero(beyond > 3 * (q3 - q1)))
    return int(np.count_nonzero(beyond > 1.5 * (q3 - q1))) - severe, severe


def harmonic_mean(rates: Iterable[float]) -> float:
    """Return the mean of rates (work per time) that stands for the same work at each rate.

    Raises:
        ValueError: no rate, or one that is not a positive finite number.

    """
    values = np.array(list(rates), dtype=float)
    if not len(values) or not (np.isfinite(values).all() and values.min() > 0):
        raise ValueError("a harmonic mean needs positive finite rates")
    return float(len(values) / np.sum(1 / values))


# ------------------------------------------------------------------------------------- steadiness

_SHORTEST_SERIES = 6
_SHORTEST_SEGMENT = 3
_EQUIVALENT = math.log(1.02)


def steadiness(series: Array) -> str:
    """Classify the times of one process after its warm-up, in the order in which they were taken.

    Change points are found by binary segmentation of the logarithms with a penalty of 4 log(n)
    squared standard errors. The noise is judged from neighbouring differences; a running median of
    three takes single outliers away, which are no level. Levels within 2 % of the last one count as
    equal to it. The words follow Barrett et al., arXiv 1602.00602, whose series are longer and
    whose method is finer.

    Returns:
        "flat", "warming up" (earlier levels were slower), "slowing down" (an earlier level was
        faster), "no steady state" (the last level holds for less than a quarter of the series),
        or "" for fewer than 6 samples.

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


# ------------------------------------------------------------------------------------- comparison


@dataclass(frozen=True)
class Ratio:
    """How many times the value of a first cell is that of a second."""

    value: float
    low: float
    high: float
    """95 % interval; NaN where there is one block only."""
    error: float
    """Standard error of log(value); NaN where there is one block only."""
    degrees: float
    """Degrees of freedom of ``error``."""
    paired: bool
    """Taken within shared blocks; otherwise the processes of both cells are independent."""
    logs: tuple[float, ...]
    """The within-block log-ratios, empty unless ``paired``."""

    def inverse(self) -> Ratio:
        """Return the ratio of the second cell to the first."""
        logs = tuple(-log for log in self.logs)
        return Ratio(
            1 / self.value, 1 / self.high, 1 / self.low, self.error, self.degrees, self.paired, logs
        )


def ratio(a: Blocks, b: Blocks, estimator: Estimator = ESTIMATOR) -> Ratio:
    """Return value of ``a`` / value of ``b``.

    Blocks with the same id (run and block number) ran close in time and are compared with each
    other, so that a machine that drifts does not matter. Cells that share fewer than two blocks
    (another run, another machine) are compared as independent ones (Welch); the interval is then
    wider and what changed between the runs is in it.

    Raises:
        ValueError: see :func:`summarise`.

    """
    first, second = process_estimates(a, estimator), process_estimates(b, estimator)
    shared = [name for name in first if name in second]
    if len(shared) >= 2 or len(first) == len(second) == len(shared):
        logs = np.log([first[name] / second[name] for name in shared])
        value, low, high = _interval_of_logs(logs)
        alone = len(logs) < 2
        error = math.nan if alone else float(np.std(logs, ddof=1)) / len(logs) ** 0.5
        return Ratio(value, low, high, error, len(logs) - 1, True, tuple(map(float, logs)))
    x, y = np.log(list(first.values())), np.log(list(second.values()))
    middle = float(x.mean() - y.mean())
    if min(len(x), len(y)) < 2:
        return Ratio(math.exp(middle), math.nan, math.nan, math.nan, 0, False, ())
    u, v = float(x.var(ddof=1)) / len(x), float(y.var(ddof=1)) / len(y)
    error = math.sqrt(u + v)
    # Welch and Satterthwaite
    degrees = (u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1)) if u + v else 1.0
    half = _t(degrees, (1 + CONFIDENCE) / 2) * error
    low, high = math.exp(middle - half), math.exp(middle + half)
    return Ratio(math.exp(middle), low, high, error, degrees, False, ())


def null_band(twins: Iterable[Ratio]) -> float:
    """Return the smallest difference worth a verdict: max(2 %, A/A band of this run).

    Twins are ratios of a configuration to itself, run twice in every block: their truth is 1. The
    band is where 95 % of such ratios *over the whole run* lie, the same quantity that the page
    shows for different configurations: the spread of single blocks, divided by the square root of
    their number. With J twins of n blocks there are too few ratios for an empirical percentile, so
    the squared block log-ratios of all twins are pooled (about 0, not about their mean: a bias
    counts) and multiplied by the Student quantile of their number. A bias that all blocks of a twin
    share does not shrink with their number: the root mean square of the twins' ratios is a lower
    limit.

    Returns:
        a fraction: 0.02 stands for ratios between 1 / 1.02 and 1.02. Without twins, 0.02.

    """
    logs = [np.array(twin.logs) for twin in twins if twin.logs]
    if not logs:
        return SMALLEST_DELTA
    count = sum(map(len, logs))
    # Variance of a twin's mean over its n blocks, averaged over the twins with weights n.
    variance = sum(float((log**2).mean()) for log in logs) / count
    band = _t(count, (1 + CONFIDENCE) / 2) * math.sqrt(variance)
    biased = math.sqrt(float(np.mean([log.mean() ** 2 for log in logs])))
    return max(SMALLEST_DELTA, math.expm1(max(band, biased)))


def verdict(ratio: Ratio, delta: float, better: Better = "lower") -> Verdict:
    """Judge a ratio of two times (``better="lower"``) or two rates (``"higher"``).

    With delta = 0.02, practical equality is 1 / 1.02 to 1.02.

    - interval inside: "no practical difference"
    - interval clear of 1 and the ratio itself outside: "faster" or "slower" (the first cell is)
    - else, or without an interval: "unresolved"
    """
    middle, low, high = (math.log(x) for x in (ratio.value, ratio.low, ratio.high))
    limit = math.log1p(delta)
    if -limit <= low and high <= limit:
        return "no practical difference"
    if (low > 0 or high < 0) and abs(middle) > limit:
        return "faster" if (middle < 0) == (better == "lower") else "slower"
    return "unresolved"


def tie_groups(
    cells: Mapping[str, Blocks],
    delta: float,
    better: Better = "lower",
    estimator: Estimator = ESTIMATOR,
) -> list[list[str]]:
    """Return the names of cells in groups, best first: places that the data can tell apart.

    "Not told apart" is no equivalence: a may tie with b and b with c while a beats c. So each group
    has a leader, its best value. Going down the list, a cell joins while its verdict against the
    leader is not "slower"; the first one that is slower leads the next group. Hence every cell is
    in exactly one group, every leader is told apart from the leader before it, and a border does
    *not* say that its two neighbours differ.
    """
    values = {name: summarise(blocks, estimator).value for name, blocks in cells.items()}
    groups: list[list[str]] = []
    for name in sorted(values, key=lambda name: values[name], reverse=better == "higher"):
        if groups:
            against = ratio(cells[name], cells[groups[-1][0]], estimator)
            if verdict(against, delta, better) != "slower":
                groups[-1].append(name)
                continue
        groups.append([name])
    return groups


def minimum_detectable_difference(ratios: Iterable[Ratio], delta: float = SMALLEST_DELTA) -> float:
    """Return the true difference that such comparisons find in 80 % of runs, as a fraction.

    It is found when the interval is clear of 1 (quantiles of t for 97.5 % and for 80 %, added) and
    the ratio is beyond delta. The standard error is the root mean square of those of ``ratios``.

    Returns:
        0.1 for 10 %; NaN when no ratio has an interval.

    """
    known = [ratio for ratio in ratios if math.isfinite(ratio.error)]
    if not known:
        return math.nan
    error = math.sqrt(sum(ratio.error**2 for ratio in known) / len(known))
    degrees = min(ratio.degrees for ratio in known)
    power = _t(degrees, POWER) * error
    clear = _t(degrees, (1 + CONFIDENCE) / 2) * error
    return math.expm1(max(clear, math.log1p(delta)) + power)


@dataclass(frozen=True)
class Change:
    """What happened to a cell between two versions."""

    ratio: Ratio
    """new / old"""
    p: float
    """Mann-Whitney, two-sided, of the processes' estimates."""
    disjoint: bool
    """The 99 % intervals do not overlap."""

    @property
    def changed(self) -> bool:
        """Whether a page reports a change: p < 0.002 or disjoint intervals, as asv does."""
        return self.p < 0.002 or self.disjoint


def version_change(old: Blocks, new: Blocks, estimator: Estimator = ESTIMATOR) -> Change:
    """Compare two versions; unlike asv's, the numbers compared are processes, not samples."""
    first, second = (list(process_estimates(x, estimator).values()) for x in (old, new))
    a, b = (_interval_of_logs(np.log(x), 0.99) for x in (first, second))
    p = float(stats.mannwhitneyu(first, second, alternative="two-sided").pvalue)
    return Change(ratio(new, old, estimator), p, a.high < b.low or b.high < a.low)


# -------------------------------------------------------------------------------------- the study


class Twin(NamedTuple):
    """A configuration that was run twice in every block."""

    lane: str
    first: Blocks
    second: Blocks


@dataclass(frozen=True)
class Spread:
    """How far the log-ratios of twins lie from 0, block by block."""

    estimator: Estimator
    lane: str
    """"" for all lanes together."""
    spread: float
    low: float
    high: float
    """Root mean square of the within-block log-ratios, with a 95 % interval."""
    bias: float
    """Mean of the log-ratios: systematic, for instance by order."""
    twins: int
    blocks: int


@dataclass(frozen=True)
class Choice:
    """The outcome of the A/A study."""

    estimator: Estimator
    spreads: tuple[Spread, ...]
    against_median: dict[Estimator, Interval]
    """Spread over all lanes / that of the median, with a 95 % interval."""


def choose_estimator(twins: Sequence[Twin]) -> Choice:
    """Find the per-process quantile that repeats best when nothing differs.

    Rule, fixed before the data were seen: the median, which everybody understands, unless another
    quantile has a smaller spread over all lanes together *and* the 95 % interval of the ratio of
    the two spreads lies below 1; of several such, the smallest. The minimum is shown but cannot
    win: it gets smaller with the number of samples, which is best-of-N by another name.

    Intervals are jackknifed over blocks (all twins of a block are left out together, since they
    shared the state of the machine) on the logarithm of the spread, with Student's t.

    Raises:
        ValueError: no twins, or fewer than 3 shared blocks.

    """
    if not twins:
        raise ValueError("no twins: an A/A study needs configurations that ran twice in a block")
    lanes = ["", *sorted({twin.lane for twin in twins})]
    spreads = []
    table: dict[tuple[Estimator, str], tuple[float, Array]] = {}
    for estimator in QUANTILES:
        logs: dict[str, list[dict[Hashable, float]]] = {lane: [] for lane in lanes}
        for twin in twins:
            first = process_estimates(twin.first, estimator)
            second = process_estimates(twin.second, estimator)
            one = {name: math.log(first[name] / second[name]) for name in first if name in second}
            logs[twin.lane].append(one)
            if twin.lane:
                logs[""].append(one)
        for lane in lanes:
            names = sorted({name for one in logs[lane] for name in one}, key=repr)
            if len(names) < 3:
                raise ValueError(f"an A/A study needs 3 blocks or more, lane {lane!r} has fewer")
            inside = [[one[name] for one in logs[lane] if name in one] for name in names]
            whole, without = _jackknife(inside)
            table[estimator, lane] = whole, without
            interval = _jackknife_interval(whole, without)
            every = [log for block in inside for log in block]
            spreads.append(
                Spread(
                    estimator,
                    lane,
                    *interval,
                    bias=float(np.mean(every)),
                    twins=len(logs[lane]),
                    blocks=len(names),
                )
            )
    against: dict[Estimator, Interval] = {}
    for estimator in QUANTILES:
        whole, without = table[estimator, ""]
        median, median_without = table["median", ""]
        against[estimator] = _jackknife_interval(whole - median, without - median_without)
    better: list[Estimator] = [
        name for name in QUANTILES if name != "minimum" and against[name].high < 1
    ]
    better.sort(key=lambda name: against[name].value)
    return Choice(better[0] if better else "median", tuple(spreads), against)


def _jackknife(blocks: Sequence[Sequence[float]]) -> tuple[float, Array]:
    """Return the log of the root mean square, and that without each block."""
    squares = np.array([sum(log**2 for log in block) for block in blocks])
    counts = np.array([len(block) for block in blocks])
    tiny = 1e-300  # twins that agree to the last bit
    whole = math.log(squares.sum() / counts.sum() + tiny) / 2
    without = np.log((squares.sum() - squares).clip(0) / (counts.sum() - counts) + tiny) / 2
    return whole, without


def _jackknife_interval(whole: float, without: Array) -> Interval:
    count = len(without)
    error = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    half = _t(count - 1, (1 + CONFIDENCE) / 2) * error
    return Interval(math.exp(whole), math.exp(whole - half), math.exp(whole + half))


# --------------------------------------------------------------------------- frames of result rows


class Key(NamedTuple):
    """What a cell measures, on what."""

    machine: str
    framework: str
    version: str
    section: str
    mode: str
    device: str
    lane: str
    case: str
    metric: str


AGAIN = plan.AGAIN


@dataclass(frozen=True)
class Cell:
    """The samples of one configuration and metric."""

    key: Key
    unit: str
    blocks: Blocks
    """(run, block) -> samples; block is -1 for values that are one per run."""
    disturbed: int
    """Blocks during which foreign work used the processor."""


def cells(frame: pd.DataFrame, metric: str | None = None) -> dict[Key, Cell]:
    """Group the ``ok`` rows of a frame of :func:`generator.results.reading.select` into cells.

    Args:
        frame: any selection of rows.
        metric: only this one.

    """
    wanted = (frame["status"] == "ok").to_numpy()
    if metric is not None:
        wanted = wanted & (frame["metric"] == metric).to_numpy()
    frame = frame[wanted]
    if frame.empty:
        return {}
    columns = [*Key._fields, "run"]
    block = frame["block"].to_numpy(dtype="int64", na_value=-1)
    sample = frame["sample"].to_numpy(dtype="int64", na_value=-1)
    codes, size = np.zeros(len(frame), dtype="int64"), 1
    for part in (*(frame[column].cat.codes.to_numpy() for column in columns), block):
        count = int(part.max()) + 2
        if size * count > 2**62:  # renumber before a product could overflow
            _, codes = np.unique(codes, return_inverse=True)
            size = len(frame)
        codes, size = codes * count + part + 1, size * count
    order = np.lexsort((sample, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    values = np.split(frame["value"].to_numpy()[order], starts[1:])
    heads = frame.iloc[order[starts]]
    disturbed = {str(x) for x in frame["flags"].cat.categories if "disturbed" in str(x).split()}
    blocks: dict[Key, dict[Hashable, Array]] = {}
    marked: Counter[Key] = Counter()
    units = {}
    keys = zip(*(heads[column].astype(str) for column in Key._fields), strict=True)
    rest = zip(heads["run"], block[order[starts]], heads["flags"], heads["unit"], strict=True)
    for fields, (run, number, flags, unit), samples in zip(keys, rest, values, strict=True):
        key = Key(*fields)
        blocks.setdefault(key, {})[str(run), int(number)] = samples
        marked[key] += flags in disturbed
        units[key] = str(unit)
    return {key: Cell(key, units[key], blocks[key], marked[key]) for key in blocks}


def twins(grouped: Mapping[Key, Cell]) -> list[tuple[Key, Twin]]:
    """Return the A/A twins among cells, each with the key of its first half."""
    return [
        (key, Twin(key.lane, cell.blocks, again.blocks))
        for key, cell in grouped.items()
        if (again := grouped.get(key._replace(case=AGAIN))) and key.case != AGAIN
    ]


def null_bands(
    grouped: Mapping[Key, Cell],
    estimator: Estimator = ESTIMATOR,
    bands: Mapping[tuple[str, str, str, str], float] | None = None,
) -> dict[tuple[str, str, str, str], float]:
    """Return (machine, device, lane, metric) -> delta for every combination among the cells.

    Args:
        grouped: the cells.
        estimator: per-process quantile.
        bands: what other runs found; they stand in where no twins are among the cells.

    """
    # What may be nought, such as the load of other programs, has no ratio and no band.
    pairs = [
        (key, twin)
        for key, twin in twins(grouped)
        if all(map(_positive, (*twin.first.values(), *twin.second.values())))
    ]
    elsewhere = bands or {}

    def place(key: Key) -> tuple[str, str, str, str]:
        return key.machine, key.device, key.lane, key.metric

    own = {place(key) for key, _ in pairs}
    return {
        here: null_band(
            ratio(twin.first, twin.second, estimator) for key, twin in pairs if place(key) == here
        )
        if here in own
        else elsewhere.get(here, SMALLEST_DELTA)
        for here in {place(key) for key in grouped}
    }


@dataclass(frozen=True)
class Spec:
    """One side of ``generator compare``; an empty field stands for any."""

    machine: str = ""
    framework: str = ""
    version: str = ""
    mode: str = ""

    def __str__(self) -> str:
        """Return what the user would type."""
        if self.machine:
            return f"machine:{self.machine}"
        version = f"=={self.version}" if self.version else ""
        return self.framework + version + (f":{self.mode}" if self.mode else "")


_SPEC = re.compile(r"([^:=]+)(?:==([^:=]+))?(?::([^:=]+))?(?:==([^:=]+))?")


def parse_spec(text: str, keys: Iterable[Key]) -> Spec:
    """Understand ``theano``, ``tensorflow:xla``, ``mxnet==1.9.1:gluon`` or ``machine:ID``.

    Raises:
        UsageError: not of this form, or a name that is not among the results; with the nearest.

    """
    keys = list(keys)
    match = _SPEC.fullmatch(text.strip())
    if match is None or (match[2] and match[4]):
        raise UsageError(
            f"cannot read {text!r}; expected FRAMEWORK[==VERSION][:MODE] or machine:ID"
        )
    name, version, mode = match[1], match[2] or match[4] or "", match[3] or ""
    if name == "machine" and mode:
        return Spec(machine=_known("machine", mode, {key.machine for key in keys}))
    name = _known("framework", name, {key.framework for key in keys})
    mine = [key for key in keys if key.framework == name]
    if version:
        version = _known(f"version of {name}", version, {key.version for key in mine})
    if mode:
        mode = _known(f"mode of {name}", mode, {key.mode for key in mine if key.mode})
    return Spec(framework=name, version=version, mode=mode)


def _known(what: str, name: str, names: set[str]) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.4)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif names:
        hint = f"there is {', '.join(sorted(names))}"
    else:
        hint = "nothing was measured yet; run: generator measure"
    raise UsageError(f"no results for the {what} {name!r}; {hint}")


@dataclass(frozen=True)
class Comparison:
    """Two cells side by side."""

    a: Cell
    b: Cell
    summary_a: Summary
    summary_b: Summary
    ratio: Ratio
    """a / b"""
    delta: float
    verdict: Verdict


def compare(
    frame: pd.DataFrame,
    a: str,
    b: str,
    *,
    metric: str = "step_time",
    better: Better = "lower",
    estimator: Estimator = ESTIMATOR,
    bands: Mapping[tuple[str, str, str, str], float] | None = None,
) -> list[Comparison]:
    """Compare what two specs name, wherever machine, section, device, lane and case are the same.

    A side without a version means the newest on each machine. Of one framework against itself (two
    versions, two machines) equal modes are compared, as far as there are any; of two frameworks,
    every mode with every mode.

    Args:
        frame: of :func:`generator.results.reading.select`.
        a: see :func:`parse_spec`.
        b: the other side.
        metric: which rows.
        better: which direction of the metric is good.
        estimator: per-process quantile.
        bands: see :func:`null_bands`.

    Raises:
        UsageError: an unknown name, or nothing that could be compared.

    """
    grouped = cells(frame, metric)
    if not grouped:
        metrics = {str(name) for name in frame["metric"].unique()}
        _known("metric", metric, metrics - {metric})
    one, two = parse_spec(a, grouped), parse_spec(b, grouped)
    if bool(one.machine) != bool(two.machine):
        raise UsageError(f"cannot compare {one} with {two}: name two machines, or none")
    left, right = _matching(grouped, one), _matching(grouped, two)
    ours = ["section", "device", "lane", "case"]
    if one.machine:
        ours += ["framework", "version", "mode"]
    else:
        ours += ["machine"]
        shared = {key.mode for key in left} & {key.mode for key in right}
        if one.framework == two.framework and shared and not (one.mode or two.mode):
            ours += ["mode"]
    known = null_bands(grouped, estimator, bands)
    found = []
    for x in left:
        for y in right:
            if x == y or any(getattr(x, name) != getattr(y, name) for name in ours):
                continue
            first, second = grouped[x], grouped[y]
            here = ratio(first.blocks, second.blocks, estimator)
            delta = max(known[key.machine, key.device, key.lane, key.metric] for key in (x, y))
            found.append(
                Comparison(
                    first,
                    second,
                    summarise(first.blocks, estimator),
                    summarise(second.blocks, estimator),
                    here,
                    delta,
                    verdict(here, delta, better),
                )
            )
    if not found:
        raise UsageError(
            f"{one} and {two} have no {metric} on the same machine, device and lane; "
            "see what is measured with: generator list"
        )
    return found


def _matching(grouped: Mapping[Key, Cell], spec: Spec) -> list[Key]:
    keys = [
        key
        for key in grouped
        if key.case != AGAIN
        and (not spec.machine or key.machine == spec.machine)
        and (not spec.framework or key.framework == spec.framework)
        and (not spec.mode or key.mode == spec.mode)
    ]
    if spec.machine:
        return keys
    versions: dict[str, set[str]] = {}
    for key in keys:
        versions.setdefault(key.machine, set()).add(key.version)
    order = partial(reading.age, ())
    newest = {machine: max(some, key=order) for machine, some in versions.items()}
    return [key for key in keys if key.version == (spec.version or newest[key.machine])]
