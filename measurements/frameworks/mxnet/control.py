"""Branches and loops with MXNet's control flow operators, at once and as a hybridised graph.

The operators and their rules: https://github.com/apache/mxnet/blob/1.9.1/python/mxnet/symbol/contrib.py
Gradients of a hybridised while_loop fail: https://github.com/apache/mxnet/issues/18575
"""

import json

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

CAPTURED = "hybridised Gluon block"

MOST_TRIPS = 1000
"""A while_loop has to be told the most trips it may take."""


def cond(F, x):  # noqa: N803, everybody calls it F
    """Let the sum choose the branch."""
    return F.contrib.cond(F.sum(x) > 0, lambda: F.sum(x * x), lambda: -3 * F.sum(x))


def halve(F, x):  # noqa: N803
    """Halve until the sum of squares is below one."""
    _, (x, total) = F.contrib.while_loop(
        cond=lambda x, _: F.sum(x * x) > 1,
        func=lambda x, total: ([], [x / 2, total + F.sum(x)]),
        loop_vars=[x, F.zeros(1)],
        max_iterations=MOST_TRIPS,
    )
    return total + F.sum(x * x)


def scan(F, w, xs):  # noqa: N803
    """Run the recurrence, and return all its states."""

    def step(x, h):
        h = F.tanh(F.dot(w, h) + x)
        return h, h

    states, _ = F.contrib.foreach(step, xs, start(F, w))
    return states


def nested(F, w, xs):  # noqa: N803
    """Take three steps for each row: one loop in another."""

    def row(x, h):
        def step(x, h):
            return [], F.tanh(F.dot(w, h) + x)

        # A loop in a graph must use its data: here they are three copies of the row.
        _, h = F.contrib.foreach(step, F.repeat(F.expand_dims(x, 0), 3, axis=0), h)
        return [], h

    _, h = F.contrib.foreach(row, xs, start(F, w))
    return h


def early_exit(F, w, xs):  # noqa: N803
    """Add rows until their sum exceeds one."""
    rows = F.slice_axis(F.shape_array(xs), axis=0, begin=0, end=1).astype("float32")

    def step(i, total):
        x = F.squeeze(F.take(xs, i), axis=0)
        return [], [i + 1, total + F.dot(w, x)]

    _, (_, total) = F.contrib.while_loop(
        cond=lambda i, total: (i < rows) * (F.sum(total) <= 1),
        func=step,
        loop_vars=[F.zeros(1), start(F, w)],
        max_iterations=MOST_TRIPS,
    )
    return total


def ragged(F, w, xs, lengths):  # noqa: N803
    """Run all sequences side by side, and take the last state of each."""

    def step(x, h):
        h = F.tanh(F.dot(h, w, transpose_b=True) + x)
        return h, h

    xs = F.swapaxes(xs, 0, 1)  # time first
    first = F.zeros_like(F.squeeze(F.slice_axis(xs, axis=0, begin=0, end=1), axis=0))
    states, _ = F.contrib.foreach(step, xs, first)
    return F.SequenceLast(states, lengths, use_sequence_length=True)


def start(F, w):  # noqa: N803
    """Return a state of zeros, one for each row of the matrix."""
    return F.zeros_like(F.sum(w, axis=1))


PROGRAMS = {
    "cond": cond,
    "while": halve,
    "scan": scan,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


class Program(gluon.HybridBlock):
    """A program as a block; hybridised, it becomes a graph when it is first called."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def hybrid_forward(self, F, *arrays):  # noqa: N803
        """Return the output."""
        return self.function(F, *arrays)


def from_numpy(arrays):
    """Return MXNet's arrays, in float32 all of them."""
    return [mx.nd.array(array, dtype="float32") for array in arrays]


def runner(block):
    """Return a function of NumPy arrays that runs a block."""

    def run(*arrays):
        output = block(*from_numpy(arrays)).asnumpy()
        # Arrays of the classic interface have at least one axis; a number comes as [number].
        return output.reshape(()) if output.shape == (1,) else output

    return run


def eager(function, arrays):  # noqa: ARG001, their shapes are not needed
    """Return the program as it runs at once."""
    return runner(Program(function))


def capture(function, arrays):
    """Return the program as a graph."""
    block = Program(function)
    block.hybridize()
    run = runner(block)
    run(*arrays)
    return run


def graph_size(function, arrays):
    """Return the number of operations of the graph and the graphs in it."""
    inputs = [mx.sym.var("input%d" % n, shape=array.shape) for n, array in enumerate(arrays)]
    return operations(json.loads(function(mx.sym, *inputs).tojson()))


def operations(graph):
    """Count the nodes that are no inputs, those of loop bodies and branches included."""
    return sum(
        (node["op"] != "null") + sum(operations(inner) for inner in node.get("subgraphs", ()))
        for node in graph["nodes"]
    )


def gradient(function, arrays, weights):
    """Return the gradients through the graph."""
    block = Program(function)
    block.hybridize()
    inputs = from_numpy(arrays)
    wanted = [x for x, array in zip(inputs, arrays) if array.dtype.kind == "f"]
    for x in wanted:
        x.attach_grad()
    with autograd.record():
        output = block(*inputs)
    output.backward(mx.nd.array(np.reshape(weights, output.shape)))
    return [x.grad.asnumpy() for x in wanted]
