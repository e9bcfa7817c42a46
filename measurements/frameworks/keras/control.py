"""The six programs with Keras' own control flow: cond, while_loop, fori_loop and scan.

https://keras.io/api/ops/core/
"""

import tensorflow as tf
from keras import ops

CAPTURED = "tf.function, in which Keras itself wraps its steps on TensorFlow"


def cond(x):
    """Let the sum choose a branch."""
    return ops.cond(ops.sum(x) > 0, lambda: ops.sum(ops.square(x)), lambda: -3 * ops.sum(x))


def while_loop(x):
    """Halve until the sum of squares is below one."""
    total, x = ops.while_loop(
        lambda _, x: ops.sum(ops.square(x)) > 1,
        lambda total, x: (total + ops.sum(x), x / 2),
        (ops.zeros(()), x),
    )
    return total + ops.sum(ops.square(x))


def scan(w, xs):
    """Return all states of a recurrence."""

    def step(h, x):
        h = ops.tanh(ops.matmul(w, h) + x)
        return h, h

    return ops.scan(step, ops.zeros(w.shape[0]), xs)[1]


def nested(w, xs):
    """Update the state three times for each row: one loop in another."""

    def step(h, x):
        return ops.fori_loop(0, 3, lambda _, h: ops.tanh(ops.matmul(w, h) + x), h), None

    return ops.scan(step, ops.zeros(w.shape[0]), xs)[0]


def early_exit(w, xs):
    """Stop when the sum of the rows so far exceeds one."""
    _, total = ops.while_loop(
        lambda row, total: ops.logical_and(row < xs.shape[0], ops.sum(total) <= 1),
        lambda row, total: (row + 1, total + ops.matmul(w, ops.take(xs, row, 0))),
        (0, ops.zeros(w.shape[0])),
    )
    return total


def ragged(w, xs, lengths):
    """Step through all sequences at once; each keeps its state once it has ended, as masks do."""

    def step(h, inputs):
        time, x = inputs
        going = ops.expand_dims(time < lengths, 1)
        return ops.where(going, ops.tanh(ops.matmul(h, ops.transpose(w)) + x), h), None

    count, longest, _ = xs.shape
    start = ops.zeros((count, w.shape[0]))
    return ops.scan(step, start, (ops.arange(longest), ops.swapaxes(xs, 0, 1)))[0]


PROGRAMS = {
    "cond": cond,
    "while": while_loop,
    "scan": scan,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


def tensors(arrays):
    """Return arrays as Keras' tensors, floating-point ones as float32."""
    return [ops.convert_to_tensor(x, "float32" if x.dtype.kind == "f" else "int32") for x in arrays]


def eager(function, _):
    """Return the program, executed operation by operation."""
    return lambda *arrays: ops.convert_to_numpy(function(*tensors(arrays)))


def traced(function, arrays):
    """Return the program as one graph for the shapes and types of these arrays."""
    return tf.function(function).get_concrete_function(*tensors(arrays))


def capture(function, arrays):
    """Return the captured program."""
    graph = traced(function, arrays)
    return lambda *arrays: ops.convert_to_numpy(graph(*tensors(arrays)))


def graph_size(function, arrays):
    """Return the number of nodes: of the graph itself and of its functions, the bodies of loops."""
    graph = traced(function, arrays).graph.as_graph_def()
    return len(graph.node) + sum(len(body.node_def) for body in graph.library.function)


def gradient(function, arrays, weights):
    """Return the gradients by TensorFlow's tape inside the graph."""

    @tf.function
    def slopes(*inputs):
        sources = [x for x in inputs if x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            total = ops.sum(ops.convert_to_tensor(weights, "float32") * function(*inputs))
        return tape.gradient(total, sources)

    return [ops.convert_to_numpy(slope) for slope in slopes(*tensors(arrays))]
