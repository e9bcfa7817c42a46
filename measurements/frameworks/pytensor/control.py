"""Control flow in PyTensor: ifelse chooses a branch, scan is every loop, until ends it early."""

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.conditional import ifelse
from pytensor.graph.traversal import applys_between
from pytensor.scan import until

from measurements.contract import Unsupported

CAPTURED = "pytensor.function with the default back end, Numba"

MOST = 1000
"""Steps after which ``while_loop`` gives up: scan must be given a bound."""


def cond(x):
    """Let the sum decide; unlike pt.switch, ifelse computes one branch only."""
    return ifelse(x.sum() > 0, (x * x).sum(), -3 * x.sum())


def while_loop(x):
    """Halve until the sum of squares is below one."""

    def halve(total, x):
        # scan asks *after* a step whether to go on, so the last step must change nothing.
        going = (x * x).sum() > 1
        total, x = pt.switch(going, total + x.sum(), total), pt.switch(going, x / 2, x)
        return [total, x], until(~going)

    start = [pt.zeros_like(x.sum()), x]
    totals, xs = pytensor.scan(halve, outputs_info=start, n_steps=MOST, return_updates=False)
    return totals[-1] + (xs[-1] * xs[-1]).sum()


def scan(w, xs):
    """Return all states of a recurrence over rows."""

    def step(x, h, w):
        return pt.tanh(w @ h + x)

    return pytensor.scan(
        step,
        sequences=xs,
        outputs_info=pt.zeros_like(w[0]),
        non_sequences=[w],
        strict=True,
        return_updates=False,
    )


def nested(w, xs):
    """Three steps for each row: a scan in a scan."""

    def inner(h, x, w):
        return pt.tanh(w @ h + x)

    def outer(x, h, w):
        states = pytensor.scan(
            inner, outputs_info=h, non_sequences=[x, w], n_steps=3, return_updates=False
        )
        return states[-1]

    states = pytensor.scan(
        outer,
        sequences=xs,
        outputs_info=pt.zeros_like(w[0]),
        non_sequences=w,
        return_updates=False,
    )
    return states[-1]


def early_exit(w, xs):
    """Stop when the sum of the rows so far exceeds one."""

    def add(x, total, w):
        total = total + w @ x
        return total, until(total.sum() > 1)

    totals = pytensor.scan(
        add,
        sequences=xs,
        outputs_info=pt.zeros_like(xs[0]),
        non_sequences=w,
        return_updates=False,
    )
    return totals[-1]


def ragged(w, xs, lengths):
    """Step all sequences at once; those that have ended keep their state."""

    def step(x, time, h, w, lengths):
        going = (time < lengths)[:, None]
        return pt.switch(going, pt.tanh(h @ w.T + x), h)

    states = pytensor.scan(
        step,
        sequences=[xs.transpose(1, 0, 2), pt.arange(xs.shape[1])],
        outputs_info=pt.zeros_like(xs[:, 0]),
        non_sequences=[w, lengths],
        return_updates=False,
    )
    return states[-1]


PROGRAMS = {
    "cond": cond,
    "while": while_loop,
    "scan": scan,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


def single(array):
    """Return floating-point numbers in float32, whole numbers as they are."""
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def trace(function, arrays):
    """Return variables for some arrays and the expression of a program of them."""
    variables = [pt.tensor(shape=np.shape(a), dtype=single(a).dtype) for a in arrays]
    return variables, function(*variables)


def eager(function, arrays):  # noqa: ARG001 (others need them)
    """PyTensor executes nothing at once."""
    raise Unsupported(
        "PyTensor runs graphs only: an expression has no value before a function of it is compiled",
        "https://pytensor.readthedocs.io/en/latest/tutorial/adding.html",
    )


def capture(function, arrays):
    """Compile a program of arrays like these."""
    compiled = pytensor.function(*trace(function, arrays))
    return lambda *values: compiled(*[single(value) for value in values])


def graph_size(function, arrays):
    """Count the operations of the expression, with those inside loops."""
    variables, output = trace(function, arrays)
    return _operations(variables, [output])


def _operations(inputs, outputs):
    total = 0
    for node in applys_between(inputs, outputs):
        total += 1
        if hasattr(node.op, "fgraph"):  # of scan
            total += _operations(node.op.fgraph.inputs, node.op.fgraph.outputs)
    return total


def gradient(function, arrays, weights):
    """Return the gradients of the weighted sum, by the arrays of floating-point numbers."""
    variables, output = trace(function, arrays)
    total = (single(weights) * output).sum()
    wrt = [variable for variable in variables if variable.dtype == "float32"]
    compiled = pytensor.function(variables, pt.grad(total, wrt), on_unused_input="ignore")
    return compiled(*[single(array) for array in arrays])
