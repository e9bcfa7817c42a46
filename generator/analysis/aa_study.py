"""The A/A study: which estimator repeats best when the same thing is measured twice."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.cells import Replicate
from generator.analysis.statistics import (
    QUANTILES,
    Array,
    Estimator,
    Interval,
    process_estimates,
    student_t,
)


@dataclass(frozen=True)
class Spread:
    """How far the log-ratios of A/A replicates lie from 0, block by block."""

    estimator: Estimator
    lane: str
    """"" for all lanes together."""
    spread: float
    low: float
    high: float
    """Root mean square of the within-block log-ratios, with a 95 % interval."""
    bias: float
    """Mean of the log-ratios: systematic, for instance by order."""
    replicates: int
    blocks: int


@dataclass(frozen=True)
class Choice:
    """The outcome of the A/A study."""

    estimator: Estimator
    spreads: tuple[Spread, ...]
    against_median: dict[Estimator, Interval]
    """Spread over all lanes / that of the median, with a 95 % interval."""


def choose_estimator(replicates: Sequence[Replicate]) -> Choice:
    """Find the per-process quantile that repeats best when nothing differs.

    Rule, fixed before the data were seen: the median, which everybody understands, unless another
    quantile has a smaller spread over all lanes together *and* the 95 % interval of the ratio of
    the two spreads lies below 1; of several such, the smallest. The minimum is published but cannot
    win: it gets smaller with the number of samples, which is best-of-N by another name.

    Intervals are jackknifed over blocks (all replicates of a block are left out together, since
    they shared the state of the machine) on the logarithm of the spread, with Student's t; see
    Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11. No replicates, or fewer
    than 3 shared blocks, are a ``ValueError``.
    """
    if not replicates:
        raise ValueError("no A/A replicates: the study needs configurations that ran twice a block")
    spreads = []
    logs_of_spread: dict[tuple[Estimator, str], tuple[float, Array]] = {}
    for estimator in QUANTILES:
        every = [(pair.lane, _block_logs(pair, estimator)) for pair in replicates]
        for lane in ("", *sorted({pair.lane for pair in replicates} - {""})):
            mine = [logs for here, logs in every if lane in ("", here)]
            names = sorted({name for logs in mine for name in logs}, key=repr)
            if len(names) < 3:
                raise ValueError(f"an A/A study needs 3 blocks or more, lane {lane!r} has fewer")
            blocks = [[logs[name] for logs in mine if name in logs] for name in names]
            whole, without = _jackknife(blocks)
            logs_of_spread[estimator, lane] = whole, without
            bias = float(np.mean([log for block in blocks for log in block]))
            interval = _jackknife_interval(whole, without)
            spreads.append(Spread(estimator, lane, *interval, bias, len(mine), len(names)))
    median, median_without = logs_of_spread["median", ""]
    against: dict[Estimator, Interval] = {}
    for estimator in QUANTILES:
        whole, without = logs_of_spread[estimator, ""]
        against[estimator] = _jackknife_interval(whole - median, without - median_without)
    better: list[Estimator] = [
        name for name in QUANTILES if name != "minimum" and against[name].high < 1
    ]
    better.sort(key=lambda name: against[name].value)
    return Choice(better[0] if better else "median", tuple(spreads), against)


def _block_logs(pair: Replicate, estimator: Estimator) -> dict[Hashable, float]:
    """Return shared block -> log of the ratio of the two halves of a replicate."""
    first, second = (process_estimates(half, estimator) for half in (pair.first, pair.second))
    return {name: math.log(first[name] / second[name]) for name in first if name in second}


def _jackknife(blocks: Sequence[Sequence[float]]) -> tuple[float, Array]:
    """Return the log of the root mean square, and that without each block."""
    squares = np.array([sum(log**2 for log in block) for block in blocks])
    counts = np.array([len(block) for block in blocks])
    tiny = 1e-300  # replicates that agree to the last bit
    whole = math.log(squares.sum() / counts.sum() + tiny) / 2
    without = np.log((squares.sum() - squares).clip(0) / (counts.sum() - counts) + tiny) / 2
    return whole, without


def _jackknife_interval(whole: float, without: Array) -> Interval:
    count = len(without)
    error = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    return Interval.of_log(whole, student_t(count - 1) * error)
