"""Control flow in Theano: ifelse chooses a branch, scan is every loop, until ends it early."""

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.ifelse import ifelse
from theano.scan_module import until
from theano.scan_module.scan_op import Scan

from measurements.contract import Unsupported

CAPTURED = "theano.function"

MOST = 1000
"""Steps after which ``while_loop`` gives up: scan must be given a bound."""


def cond(x):
    """Let the sum decide; unlike T.switch, ifelse computes one branch only."""
    return ifelse(T.gt(T.sum(x), 0), T.sum(x * x), -3 * T.sum(x))


def while_loop(x):
    """Halve until the sum of squares is below one."""

    def halve(total, x):
        # scan asks *after* a step whether to go on, so the last step must change nothing.
        going = T.sum(x * x) > 1
        total, x = T.switch(going, total + T.sum(x), total), T.switch(going, x / 2, x)
        return [total, x], until(T.invert(going))

    start = [T.zeros_like(T.sum(x)), x]
    (totals, xs), _ = theano.scan(halve, outputs_info=start, n_steps=MOST)
    return totals[-1] + T.sum(xs[-1] * xs[-1])


def scan(w, xs):
    """Return all states of a recurrence over rows."""

    def step(x, h, w):
        return T.tanh(T.dot(w, h) + x)

    states, _ = theano.scan(step, sequences=xs, outputs_info=T.zeros_like(w[0]), non_sequences=w)
    return states


def nested(w, xs):
    """Three steps for each row: a scan in a scan."""

    def inner(h, x, w):
        return T.tanh(T.dot(w, h) + x)

    def outer(x, h, w):
        states, _ = theano.scan(inner, outputs_info=h, non_sequences=[x, w], n_steps=3)
        return states[-1]

    states, _ = theano.scan(outer, sequences=xs, outputs_info=T.zeros_like(w[0]), non_sequences=w)
    return states[-1]


def early_exit(w, xs):
    """Stop when the sum of the rows so far exceeds one.

    Its gradient by the rows comes out shifted by one row: what a scan that ends early knows of its
    number of steps counts the initial state (https://github.com/Theano/Theano/issues/5439 was the
    same fault without such a state, and is mended).
    """

    def add(x, total, w):
        total = total + T.dot(w, x)
        return total, until(T.sum(total) > 1)

    totals, _ = theano.scan(add, sequences=xs, outputs_info=T.zeros_like(xs[0]), non_sequences=w)
    return totals[-1]


def ragged(w, xs, lengths):
    """Step all sequences at once; those that have ended keep their state."""

    def step(x, time, h, w, lengths):
        going = T.shape_padright(time < lengths)
        return T.switch(going, T.tanh(T.dot(h, w.T) + x), h)

    states, _ = theano.scan(
        step,
        sequences=[xs.dimshuffle(1, 0, 2), T.arange(xs.shape[1])],
        outputs_info=T.zeros_like(xs[:, 0]),
        non_sequences=[w, lengths],
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
    return np.asarray(array, np.float32) if np.asarray(array).dtype.kind == "f" else array


def trace(function, arrays):
    """Return variables for some arrays and the expression of a program of them."""
    variables = [T.TensorType(single(a).dtype.name, [False] * np.ndim(a))() for a in arrays]
    return variables, function(*variables)


def eager(function, arrays):  # noqa: ARG001 (others need them)
    """Theano executes nothing at once."""
    raise Unsupported(
        "Theano runs graphs only: an expression has no value before a function of it is compiled",
        "https://github.com/Theano/Theano/blob/master/doc/tutorial/adding.txt",
    )


def capture(function, arrays):
    """Compile a program of arrays like these."""
    compiled = theano.function(*trace(function, arrays))
    return lambda *values: compiled(*[single(value) for value in values])


def graph_size(function, arrays):
    """Count the operations of the expression, with those inside loops."""
    variables, output = trace(function, arrays)
    return _operations(variables, [output])


def _operations(inputs, outputs):
    total = 0
    for node in theano.gof.graph.ops(inputs, outputs):
        total += 1
        if isinstance(node.op, Scan):
            total += _operations(node.op.inputs, node.op.outputs)
    return total


def gradient(function, arrays, weights):
    """Return the gradients of the weighted sum, by the arrays of floating-point numbers."""
    variables, output = trace(function, arrays)
    total = T.sum(single(weights) * output)
    wrt = [variable for variable in variables if variable.dtype in T.float_dtypes]
    compiled = theano.function(variables, T.grad(total, wrt), on_unused_input="ignore")
    return compiled(*[single(array) for array in arrays])
