"""The A/A study: which estimator repeats best when the same thing is measured twice."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.cells import Twin
from generator.analysis.statistics import (
    CONFIDENCE,
    QUANTILES,
    Array,
    Estimator,
    Interval,
    process_estimates,
    student_t,
)


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
    half = student_t(count - 1, (1 + CONFIDENCE) / 2) * error
    return Interval(math.exp(whole), math.exp(whole - half), math.exp(whole + half))
