"""Pure: scores -> what suits a reader's weights, and how firm that answer is.

A total is the weighted mean of scores, and so are its bounds: all scores are taken at their worst
or their best together, which is wider than chance would have it. For given weights a framework
stands for itself in the one mode that serves them best.

``docs/assets/chooser.js`` computes :func:`rank`, :func:`firmness` and :func:`loss` again in the
browser, in the same order of additions; a browser test holds the two to the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from generator.pages.scoring import MOST, NEEDS, Need, Score, Scores

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Standing:
    """One framework under some weights, in the mode that serves them best; group 0 leads."""

    framework: str
    mode: str
    value: float
    low: float
    high: float
    group: int = 0


def rank(given: Scores, weights: Mapping[str, int]) -> tuple[Standing, ...]:
    """Return the frameworks under some weights by group, the best estimate of each group first.

    A framework is outside the leading group exactly where another's worst case beats its best case;
    the others make the following groups in the same way. Without any weight all are in one group.
    Weights are whole numbers from 0 to :data:`MOST`; needs without one count 0.
    """
    needs, own = _weighed(weights)
    found = []
    for framework, modes in given.items():
        place, value, low, high = (float(one[0]) for one in _totals(modes, needs, own))
        found.append(Standing(framework, list(modes)[int(place)], value, low, high))
    found.sort(key=lambda one: (-one.value, one.framework))
    standings: list[Standing] = []
    group = 0
    while found:
        bar = max(one.low for one in found)
        standings += [replace(one, group=group) for one in found if one.high >= bar]
        found = [one for one in found if one.high < bar]
        group += 1
    return tuple(standings)


def alone(given: Scores, need: str) -> tuple[Standing, ...]:
    """Rank by one need alone; of a framework's modes, only those that are known, if any is."""
    known = {
        framework: {mode: mine for mode, mine in modes.items() if mine[need].known} or modes
        for framework, modes in given.items()
    }
    return rank(known, {need: 1})


class Firmness(NamedTuple):
    """How an answer fares when the weights move a little: shares of the nearby weightings."""

    same: float
    """Of those with the same leading group."""
    leads: Mapping[str, float]
    """Framework -> of those in which it is in the leading group."""


FIRM = ((0.9, "Firm"), (0.6, "Fairly firm"), (0.0, "Not firm"))
"""(from this share of nearby weightings in the leading group, what an answer is called)."""


EVENLY = np.hstack([np.eye(6, dtype=int), [
    [0, 1, 1, 1, 1, 1],
    [1, 0, 1, 2, 2, 1],
    [1, 1, 0, 1, 2, 2],
    [1, 2, 1, 0, 1, 2],
    [1, 2, 2, 1, 0, 1],
    [1, 1, 2, 2, 1, 0],
]])  # fmt: skip
"""Generates the extended ternary Golay code: 3^6 words of 12 digits. In any five places all
combinations are equally often, in the first six each is there once; so are moves of -1, 0 and 1.

3^12 moves of twelve weights take too long on the page. Moving only one or two at a time, which is
as short, finds an answer twice as firm as it is; these words agree with all 3^12 within 0.01.

Sources: Golay, Proceedings of the IRE 37, 1949; Hedayat, Sloane and Stufken, "Orthogonal Arrays",
1999, chapter 5.
"""


def firmness(given: Scores, weights: Mapping[str, int]) -> Firmness:
    """Return how firm the leading group is when every weight moves by -1, 0 or 1.

    Weights, one of them above 0 at least, stay between 0 and :data:`MOST`; needs without one stay
    without. Up to six needs move in every combination, more in those of :data:`EVENLY`.
    """
    needs, own = _weighed(weights)
    words = np.array(list(product(range(3), repeat=len(EVENLY)))) @ EVENLY % 3
    moves = np.array([0, 1, -1])[words.T[: len(needs)]]
    near = np.clip(own + moves, 0, MOST)
    near = near[:, near.any(axis=0)]  # the first one has not moved
    ends = np.array([_totals(modes, needs, near)[2:] for modes in given.values()])
    low, high = ends.swapaxes(0, 1)
    leads = high >= low.max(axis=0)
    same = (leads == leads[:, :1]).all(axis=0).mean()
    return Firmness(float(same), dict(zip(given, leads.mean(axis=1).tolist(), strict=True)))


def loss(
    mine: Mapping[str, Score], best: Mapping[str, Score], weights: Mapping[str, int]
) -> Need | None:
    """Return the need that puts one framework behind another most, None where none does.

    The scores are those of the modes in which they stand; what is not known puts nobody behind.
    """
    losses = {
        need.id: weights.get(need.id, 0) * (best[need.id].value - mine[need.id].value)
        for need in NEEDS
        if weights.get(need.id, 0) and mine[need.id].known and best[need.id].known
    }
    most = max(losses.values(), default=0.0)
    return next((need for need in NEEDS if most > 0 and losses.get(need.id) == most), None)


def _weighed(weights: Mapping[str, int]) -> tuple[list[str], Array]:
    """Return the needs that have a weight, and a column of their weights."""
    needs = [need.id for need in NEEDS if weights.get(need.id, 0)]
    return needs, np.array([float(weights[need]) for need in needs]).reshape(-1, 1)


def _totals(
    modes: Mapping[str, Mapping[str, Score]], needs: Sequence[str], weights: Array
) -> tuple[Array, ...]:
    """Return a framework's totals under some weightings: place of its best mode, value, low, high.

    Weights have a row a need and a column a weighting. Of modes alike, the first one is chosen.
    """
    added = np.zeros((3, len(modes), weights.shape[1]))
    for need, weight in zip(needs, weights, strict=True):  # in turn, as the page's script adds
        ends = [[getattr(mine[need], end) for mine in modes.values()] for end in _ENDS]
        added += np.array(ends)[..., None] * weight
    value, low, high = added / np.maximum(weights.sum(axis=0), 1)
    first = np.broadcast_to(-np.arange(len(modes))[:, None], value.shape)
    best = np.lexsort((first, low, value), axis=0)[-1:]
    return best[0], *(np.take_along_axis(end, best, 0)[0] for end in (value, low, high))


_ENDS = ("value", "low", "high")
