"""Intervals and verdicts of cells that are compared with each other, written from the rules' words.

A cell is given as a series: block of a run -> logarithm of the median of that process.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats

MARGIN = 0.05


class Interval(NamedTuple):
    value: float
    low: float = math.nan
    high: float = math.nan


class Ratio(NamedTuple):
    value: float
    low: float
    high: float
    across: bool
    """The two cells share no block."""
    error: float
    degrees: float

    def inverse(self):
        return self._replace(value=1 / self.value, low=1 / self.high, high=1 / self.low)

    def detectable(self, noise):
        """Return the difference that is found in 80 % of runs, as a fraction."""
        clear = max(math.log(self.high / self.value), math.log(1 + noise))
        return math.exp(clear + stats.t.ppf(0.8, self.degrees) * self.error) - 1


class Noise(NamedTuple):
    """Of cells of one run: variances of a process, and of what blocks do to all cells."""

    of: dict
    degrees: float
    drift: float
    blocks: int


class Together:
    """Cells that are compared with each other.

    ``between`` is (variance, degrees of freedom) of the same configuration from run to run, None
    where nothing was repeated.
    """

    def __init__(self, cells, between=None):
        self.cells, self.between, self.noise = cells, between, {}
        often = [name for name, logs in cells.items() if len(logs) > 1]
        table = pd.DataFrame({n: cells[name] for n, name in enumerate(often)})  # blocks x cells
        for run in _connected(table):
            found = _noise(table[run].dropna(how="all"))
            if found is not None:
                self.noise |= {often[n]: (n, found) for n in run}

    def own(self, name):
        """Return the interval of one cell within its run: its noise, and that of its blocks."""
        logs = self.cells[name]
        if name not in self.noise:
            return Interval(math.exp(logs.mean()))
        n, noise = self.noise[name]
        cells = len(noise.of)
        # The mean of a block has a share of each cell's own noise.
        own = noise.of[n] * ((cells - 1) / cells if cells > 1 else 1)
        variance, degrees = _sum([(own, noise.degrees), (noise.drift, noise.blocks - 1)])
        half = stats.t.ppf(0.975, degrees) * math.sqrt(variance / len(logs))
        return Interval(*np.exp(logs.mean() + np.array([0, -half, half])))

    def ratio(self, one, other):
        """Return one / other; the interval holds for all cells together."""
        a, b = self.cells[one], self.cells[other]
        shared = (a - b).dropna()
        across = shared.empty
        middle = a.mean() - b.mean() if across else shared.mean()
        variance, degrees = math.nan, 1
        if one in self.noise and other in self.noise:
            (i, first), (j, second) = self.noise[one], self.noise[other]
            counts = (len(a), len(b)) if across else (len(shared), len(shared))
            parts = [
                (first.of[i] / counts[0], first.degrees),
                (second.of[j] / counts[1], second.degrees),
            ]
            if first is second:  # one run, and one estimate of its noise
                variance, degrees = parts[0][0] + parts[1][0], first.degrees
            elif self.between is not None:
                drifts = [(n.drift / n.blocks, n.blocks - 1) for n in (first, second)]
                runs = 2 * self.between[0], self.between[1]
                variance, degrees = _sum([*parts, *drifts, runs])
        error = math.sqrt(variance)
        half = _reach(len(self.noise), degrees) * error
        return Ratio(*np.exp(middle + np.array([0, -half, half])), across, error, degrees)

    def groups(self, names, noise, sign=1):
        """Return name -> group: 0 leads, and holds everything not shown to be worse than it."""
        left = [name for name in names if name in self.noise]
        found, place = dict.fromkeys(names, -1), 0
        while left:
            best = min(left, key=lambda name: sign * self.cells[name].mean())
            inside = [
                name
                for name in left
                if name == best or verdict(self.ratio(name, best), noise, sign) != "slower"
            ]
            found |= dict.fromkeys(inside, place)
            left, place = [name for name in left if name not in inside], place + 1
        return found


def _connected(table):
    """Return the columns in sets that are linked by rows: cells that ran in the same blocks."""
    if table.empty:
        return []
    filled = table.notna().to_numpy().astype(int)
    _, labels = sparse.csgraph.connected_components(sparse.csr_array(filled.T @ filled))
    return [list(table.columns[labels == label]) for label in np.unique(labels)]


def _noise(table):
    """Return the noise of cells linked by blocks; None where nothing is left to estimate it.

    Residuals of all cells are pooled, but for cells that are far noisier than the others (F test
    of the noisiest, 0.2 % for all of them); two thirds are pooled in any case, three at least.
    """
    if len(table.columns) == 1:
        logs = table.iloc[:, 0].dropna()
        return Noise({table.columns[0]: logs.var()}, len(logs) - 1, 0.0, len(logs))
    pooled = table
    while True:
        variance, degrees, own, effects = _two_way(pooled)
        if degrees < 1:
            return None
        noisiest, mine = own.idxmax(), table[own.idxmax()].count() - 1
        rest = own.drop(noisiest).mean()
        if len(own) <= max(2 * len(table.columns) / 3, 3) or rest == 0:
            break
        if stats.f.sf(own[noisiest] / rest, mine, degrees - mine) * len(own) >= 0.002:
            break
        pooled = pooled.drop(columns=noisiest)
    for name in table.columns.difference(pooled.columns):
        own[name] = table[name].sub(effects, fill_value=0)[table[name].notna()].var()
    return Noise(own.clip(lower=variance).to_dict(), degrees, effects.var(), len(effects))


def _two_way(table):
    """Take each log for cell + block + residual.

    Returns: variance of the residuals, its degrees of freedom, variance of each cell's own
    residuals, and what each block does.
    """
    logs = table.stack().dropna()
    blocks, cells = (logs.index.get_level_values(level) for level in (0, 1))
    effects = pd.get_dummies(pd.Series(blocks))
    design = np.hstack([pd.get_dummies(pd.Series(cells)), effects]).astype(float)
    inverse = np.linalg.pinv(design)
    solution = inverse @ logs.to_numpy()
    left = pd.Series(logs.to_numpy() - design @ solution)
    degrees = len(logs) - round(np.trace(design @ inverse))
    count = len(table.columns)
    # A residual lacks the cell's share in the mean of its block.
    own = (left**2).groupby(cells).sum() / (table.count() - 1) * count / (count - 1)
    return (
        (left**2).sum() / max(degrees, 1), degrees, own,
        pd.Series(solution[count:], effects.columns),
    )  # fmt: skip


def _sum(parts):
    """Return the sum of independent variances and its degrees of freedom (Satterthwaite)."""
    whole = sum(variance for variance, _ in parts)
    spent = sum(variance**2 / degrees for variance, degrees in parts if variance)
    return whole, whole**2 / spent if spent else max(degrees for _, degrees in parts)


@functools.cache
def _studentised(cells, degrees):
    return stats.studentized_range.ppf(0.95, cells, degrees) / math.sqrt(2)


def _reach(cells, degrees):
    return _studentised(max(cells, 2), max(math.floor(degrees), 1))


def verdict(ratio, noise, sign=1):
    """Return what a ratio says of the first of two times (``sign`` -1: of two rates)."""
    middle, low, high = np.log(ratio[:3])
    margin = math.log(1 + MARGIN)
    if -margin <= low and high <= margin:
        return "equivalent"
    if (low > 0 or high < 0) and abs(middle) > math.log(1 + noise):
        return "slower" if sign * middle > 0 else "faster"
    return "not resolved"


def aa_noise(pairs):
    """Return how far apart configurations lie that ran twice in every block; 5 % without any."""
    logs = [(one - two).dropna() for one, two in pairs]
    logs = [found for found in logs if len(found)]
    if not logs:
        return MARGIN
    count = sum(map(len, logs))
    variance = sum((found**2).mean() for found in logs) / count
    bias = math.sqrt(np.mean([found.mean() ** 2 for found in logs]))
    return math.exp(max(stats.t.ppf(0.975, count) * math.sqrt(variance), bias)) - 1
