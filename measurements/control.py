"""Control flow that depends on data: six small programs, and what they compute in NumPy.

Every framework writes the same programs with its own constructs, in ``control.py`` of its folder.
``Program.inputs(trips)`` gives arrays that make the program take so many trips (or the other
branch), so one captured program can be run with inputs that lead it another way than those it was
captured with.
"""

from collections import OrderedDict, namedtuple

import numpy as np

Program = namedtuple("Program", "name what reference inputs loops")
Program.__doc__ = """One program.

name       id, everywhere
what       one sentence for the page
reference  function of NumPy arrays, float64: loops written out
inputs     trips -> list of arrays; the first ones are those that gradients are taken of
loops      whether the number of trips is in the data
"""


def _steps(trips, width=3):
    return np.random.RandomState(5).rand(trips, width) - 0.5


def _weight(width=3):
    return np.random.RandomState(6).rand(width, width) - 0.5


def _cond(x):
    """The sum decides."""
    return np.asarray((x * x).sum() if x.sum() > 0 else -3 * x.sum())


def _while(x):
    """Halve until the sum of squares is below one: the data say how often."""
    total = np.zeros(())
    while (x * x).sum() > 1:
        total = total + x.sum()
        x = x / 2
    return total + (x * x).sum()


def _scan(w, xs):
    """A recurrence over the rows of ``xs``, all its states returned."""
    h, states = np.zeros(w.shape[0]), []
    for x in xs:
        h = np.tanh(w.dot(h) + x)
        states.append(h)
    return np.stack(states)


def _nested(w, xs):
    """For each row, three times: one loop in another."""
    h = np.zeros(w.shape[0])
    for x in xs:
        for _ in range(3):
            h = np.tanh(w.dot(h) + x)
    return h


def _early_exit(w, xs):
    """Stop when the sum of the rows so far exceeds one; the rows after it do not count."""
    total = np.zeros(xs.shape[1])
    for x in xs:
        total = total + w.dot(x)
        if total.sum() > 1:
            break
    return total


def _ragged(w, xs, lengths):
    """Return the last state of each of several sequences, padded: (count, longest, width)."""
    finals = []
    for rows, length in zip(xs, lengths):
        h = np.zeros(w.shape[0])
        for x in rows[: int(length)]:
            h = np.tanh(w.dot(h) + x)
        finals.append(h)
    return np.stack(finals)


def _inputs_cond(trips):
    return [np.array([0.5, 1.0, -0.25]) * (1 if trips % 2 else -1)]


def _inputs_while(trips):
    # Each trip divides the sum of squares by four: 3 * 4**(trips - 1) > 1 takes exactly ``trips``.
    return [np.full(3, 2.0 ** (trips - 1)) * (1.0 if trips else 0.5)]


def _inputs_early(trips):
    # The k-th row adds about 1 / (trips - 1/2): more than one after exactly ``trips`` rows of more.
    rows = np.full((trips + 3, 3), 1.0 / (3 * (trips - 0.5)))
    return [np.eye(3), rows]


def _inputs_ragged(trips):
    xs = np.random.RandomState(8).rand(3, trips, 3) - 0.5
    return [_weight(), xs, np.array([trips, max(1, trips // 2), 1], "i4")]


PROGRAMS = OrderedDict(
    (program.name, program)
    for program in (
        Program(
            "cond", "the sum of the input chooses one of two branches", _cond, _inputs_cond, False,
        ),
        Program("while", "a loop that ends when its state says so", _while, _inputs_while, True),
        Program(
            "scan", "a recurrence over a sequence, all states returned", _scan,
            lambda trips: [_weight(), _steps(trips)], True,
        ),
        Program(
            "nested", "a loop within a loop", _nested,
            lambda trips: [_weight(), _steps(trips)], True,
        ),
        Program(
            "early-exit", "a loop over a sequence that may stop before its end", _early_exit,
            _inputs_early, True,
        ),
        Program(
            "ragged", "a recurrence over sequences of different length", _ragged, _inputs_ragged,
            True,
        ),
    )
)  # fmt: skip
