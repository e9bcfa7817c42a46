"""Pure: cells measured in the same blocks -> intervals that hold for all of them together.

The logarithm of a process's estimate is taken for *cell + block + residual*: a block's processes
ran close in time, so what the machine does to all of them cancels. Three things follow.

**Noise.** Residuals of all cells are pooled, since three processes alone say little about their own
spread, as far as they allow: see :func:`_fit`. A cell whose own residuals are larger counts with
its own. Pooling alone would call others slower than a noisy cell that was lucky; and a cell that
seems quieter than the others is not taken at its word.

**Simultaneous intervals.** The leader is chosen by the data, so comparing everyone with it at 95 %
each would find a difference somewhere in most panels of equals. The half width of an interval is
that of Tukey and Kramer, q / sqrt(2) standard errors, q the 95 % quantile of the studentised range
of as many cells: with all cells equal, none is called slower in 95 % of panels. Hsu's constrained
intervals are shorter, but protect one best only, not several equal ones; ``python -m benchmarks
leaders`` repeats the simulation that this choice rests on.

**Across runs.** Cells that share no block differ by what changed between their runs as well. That
spread is estimated from configurations that were measured in several runs, and is part of the
interval; where nothing was repeated, there is none.

Sources: Tukey, "The Problem of Multiple Comparisons", 1953; Kramer, Biometrics 12, 1956; Hsu,
Annals of Statistics 12, 1984; Satterthwaite, Biometrics 2, 1946.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple

import numpy as np
from scipy import optimize, stats

from generator.analysis.statistics import (
    CONFIDENCE,
    Better,
    Interval,
    Name,
    Ratio,
    student_t,
    verdict,
)


class Spread(NamedTuple):
    """How far the same configuration lies from run to run, on the logarithm."""

    variance: float
    degrees: float
    """Degrees of freedom of ``variance``: repeated runs, less one."""


Logs = Mapping[Hashable, float]
"""Block -> logarithm of the estimate of its process."""


class _Noise(NamedTuple):
    """Of the cells that share blocks: variances of one process, and what the blocks themselves do.

    ``of`` has the variance of each cell, ``degrees`` those of freedom; ``drift`` is the variance
    of the means of ``blocks`` blocks, 0 where there is one cell, whose noise has it.
    """

    of: Mapping[Hashable, float]
    degrees: float
    drift: float
    blocks: int


@dataclass(frozen=True, eq=False)
class BlockModel(Generic[Name]):
    """Cells of one metric and place, compared with each other; values are positive.

    ``logs`` are those of each cell, ``between`` is the spread between runs, None where it is
    unknown.
    """

    logs: Mapping[Name, Logs] = field(repr=False)
    between: Spread | None = None

    @cached_property
    def _noise(self) -> dict[Name, _Noise]:
        """The noise of each cell that has two processes or more."""
        often = {name: logs for name, logs in self.logs.items() if len(logs) > 1}
        found: dict[Name, _Noise] = {}
        for names in _connected(often):
            noise = _fit({name: often[name] for name in names})
            if noise is not None:
                found |= dict.fromkeys(names, noise)
        return found

    def value(self, name: Name) -> float:
        """Return the geometric mean of a cell's processes."""
        return math.exp(_mean(self.logs[name]))

    def interval(self, name: Name) -> Interval:
        """Return a cell's value with its 95 % interval within its run: its noise and the blocks'.

        It is of this cell alone; low and high are NaN where there is no second process.
        """
        noise, mean = self._noise.get(name), _mean(self.logs[name])
        if noise is None:
            return Interval.of_log(mean, math.nan)
        own = noise.of[name] * (1 - 1 / len(noise.of) if noise.drift else 1)
        degrees = _satterthwaite([(own, noise.degrees), (noise.drift, noise.blocks - 1)])
        error = math.sqrt((own + noise.drift) / len(self.logs[name]))
        return Interval.of_log(mean, student_t(degrees) * error)

    def ratio(self, a: Name, b: Name) -> Ratio:
        """Return value of ``a`` / value of ``b`` with its simultaneous 95 % interval.

        Within the blocks that both ran in; between runs with the spread between them.
        """
        first, second = self.logs[a], self.logs[b]
        differences = [first[block] - second[block] for block in first if block in second]
        across = not differences
        middle = _mean(first) - _mean(second) if across else float(np.mean(differences))
        one, two = self._noise.get(a), self._noise.get(b)
        if one is None or two is None or (one is not two and self.between is None):
            return Ratio(*Interval.of_log(middle, math.nan), math.nan, 0.0, across)
        counts = (len(first), len(second)) if across else (len(differences),) * 2
        parts = [(one.of[a] / counts[0], one.degrees), (two.of[b] / counts[1], two.degrees)]
        degrees = one.degrees
        if one is not two:
            assert self.between is not None
            parts += [(noise.drift / noise.blocks, noise.blocks - 1) for noise in (one, two)]
            parts.append((2 * self.between.variance, self.between.degrees))
            degrees = _satterthwaite(parts)
        error = math.sqrt(sum(variance for variance, _ in parts))
        half = critical(max(len(self._noise), 2), degrees) * error
        return Ratio(*Interval.of_log(middle, half), error, degrees, one is not two)

    def groups(self, names: Sequence[Name], noise: float, better: Better = "lower") -> list[int]:
        """Return the group of each of some cells, 0 for the leading one.

        The best value leads; outside its group is exactly who is shown to be slower than it. The
        best of those leads the next group, and so on. What has no interval is in no group: -1.
        ``noise`` is the A/A noise as a fraction.
        """
        found = dict.fromkeys(names, -1)
        left = [name for name in names if name in self._noise]
        left.sort(key=self.value, reverse=better == "higher")
        group = 0
        while left:
            found |= dict.fromkeys(left, group)
            best, *others = left
            left = [n for n in others if verdict(self.ratio(n, best), noise, better) == "slower"]
            group += 1
        return [found[name] for name in names]


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of independent (variance, degrees of freedom)."""
    whole = sum(variance for variance, _ in parts)
    spent = sum(variance**2 / degrees for variance, degrees in parts if variance)
    return whole**2 / spent if spent else max(degrees for _, degrees in parts)


def _mean(logs: Logs) -> float:
    return sum(logs.values()) / len(logs)


def _connected(logs: Mapping[Name, Logs]) -> list[list[Name]]:
    """Return the names in sets that are linked by shared blocks: those of one run."""
    left, found = list(logs), []
    while left:
        names = [left.pop(0)]
        blocks = set(logs[names[0]])
        while more := [name for name in left if blocks & set(logs[name])]:
            names += more
            blocks.update(*(logs[name] for name in more))
            left = [name for name in left if name not in more]
        found.append(names)
    return found


def _fit(logs: Mapping[Name, Logs]) -> _Noise | None:
    """Return the noise of cells that share blocks; None where no residual is left.

    A cell whose residuals are too large for those of the others (F test of the largest, 0.2 % for
    all of them together) is not pooled: it would hide their differences, and its own noise counts.
    At least two thirds are.
    """
    if len(logs) == 1:
        ((name, mine),) = logs.items()
        values = np.array(list(mine.values()))
        alone: dict[Hashable, float] = {name: float(values.var(ddof=1))}
        return _Noise(alone, len(values) - 1, 0.0, len(values))
    pooled = dict(logs)
    while True:
        fit = _least_squares(pooled)
        if fit is None:
            return None
        noisiest = max(fit.own, key=lambda name: fit.own[name])
        others = (sum(fit.own.values()) - fit.own[noisiest]) / (len(pooled) - 1)
        if len(pooled) <= max(2 * len(logs) / 3, 3) or not others:
            break
        own_degrees = len(logs[noisiest]) - 1
        tail = stats.f.sf(fit.own[noisiest] / others, own_degrees, fit.degrees - own_degrees)
        if tail * len(pooled) >= 0.002:
            break
        del pooled[noisiest]
    own = dict(fit.own)
    for name in logs.keys() - pooled.keys():
        left = [value - fit.effects.get(block, 0.0) for block, value in logs[name].items()]
        own[name] = float(np.var(left, ddof=1))
    variances: dict[Hashable, float] = {name: max(fit.variance, own[name]) for name in logs}
    return _Noise(variances, fit.degrees, float(np.var(list(fit.effects.values()), ddof=1)),
                  len(fit.effects))  # fmt: skip


class _Fit(NamedTuple):
    """Residual variance of all cells with its degrees of freedom and of each; block effects."""

    variance: float
    degrees: int
    own: Mapping[Any, float]
    effects: Mapping[Hashable, float]


def _least_squares(logs: Mapping[Name, Logs]) -> _Fit | None:
    blocks = list(dict.fromkeys(block for mine in logs.values() for block in mine))
    row = {block: index for index, block in enumerate(blocks)}
    of = [index for index, mine in enumerate(logs.values()) for _ in mine]
    at = [row[block] for mine in logs.values() for block in mine]
    values = np.array([value for mine in logs.values() for value in mine.values()])
    cells = len(logs)
    design = np.zeros((len(values), cells + len(blocks)))
    design[np.arange(len(values)), of] = 1
    design[np.arange(len(values)), cells + np.array(at)] = 1
    solved, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    degrees = len(values) - int(rank)
    if degrees < 1:
        return None
    squares = (values - design @ solved) ** 2
    counts = np.array([len(mine) for mine in logs.values()])
    # A residual lacks the share of its cell in the mean of the block.
    own = np.bincount(of, squares, cells) / (counts - 1) * cells / (cells - 1)
    return _Fit(
        float(squares.sum()) / degrees, degrees, dict(zip(logs, own.tolist(), strict=True)),
        dict(zip(blocks, solved[cells:].tolist(), strict=True)),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _studentised_range(cells: int, degrees: int) -> float:
    """Return its quantile, between that of a single pair and Bonferroni's: SciPy takes longer."""
    pair = math.sqrt(2) * student_t(degrees)
    if cells == 2:
        return pair
    most = math.sqrt(2) * student_t(degrees, 1 - (1 - CONFIDENCE) / (cells * (cells - 1)))
    beyond = stats.studentized_range.sf
    # Its logarithm is nearly a line there, which takes fewer steps.
    wanted = math.log(1 - CONFIDENCE)
    return float(
        optimize.brentq(lambda q: math.log(beyond(q, cells, degrees)) - wanted, pair, most)
    )


def critical(cells: int, degrees: float) -> float:
    """Return how many standard errors of a difference a simultaneous interval reaches.

    Of 2 cells it is Student's t. Degrees of freedom of the standard error are rounded down.
    """
    return _studentised_range(cells, max(int(degrees), 1)) / math.sqrt(2)
