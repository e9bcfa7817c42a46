"""Control flow in TensorFlow: Python's own if, while and for, which AutoGraph turns into operators.

One program serves both: executed at once it is plain Python on tensors; under ``tf.function`` its
branches become ``tf.cond`` and its loops ``tf.while_loop``.
https://www.tensorflow.org/guide/function#autograph_transformations
"""

import numpy as np
import tensorflow as tf

CAPTURED = "tf.function"


def branch(x):
    """Return the sum of squares, or -3 times the sum where that is not positive."""
    if tf.reduce_sum(x) > 0:
        y = tf.reduce_sum(x * x)
    else:
        y = -3 * tf.reduce_sum(x)
    return y


def halve(x):
    """Halve until the sum of squares is below one."""
    total = tf.constant(0.0)
    while tf.reduce_sum(x * x) > 1:
        total += tf.reduce_sum(x)
        x /= 2
    return total + tf.reduce_sum(x * x)


def recurrence(w, xs):
    """Return all states of a recurrence over the rows of xs."""
    return tf.scan(lambda h, x: tf.tanh(tf.linalg.matvec(w, h) + x), xs, tf.zeros(w.shape[0]))


def nested(w, xs):
    """Return the last state of a recurrence that takes each row three times."""
    h = tf.zeros(w.shape[0])
    for x in xs:
        for _ in tf.range(3):
            h = tf.tanh(tf.linalg.matvec(w, h) + x)
    return h


def early_exit(w, xs):
    """Add up the transformed rows until the sum exceeds one."""
    total = tf.zeros(xs.shape[1])
    for x in xs:
        total += tf.linalg.matvec(w, x)
        if tf.reduce_sum(total) > 1:
            break
    return total


def ragged(w, xs, lengths):
    """Return the last states of recurrences over rows of different length."""

    def final(sequence):
        rows, length = sequence
        h = tf.zeros(w.shape[0])
        for x in rows[:length]:
            h = tf.tanh(tf.linalg.matvec(w, h) + x)
        return h

    return tf.map_fn(final, (xs, lengths), fn_output_signature=tf.float32)


PROGRAMS = {
    "cond": branch,
    "while": halve,
    "scan": recurrence,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


def tensors(arrays):
    """Return tensors: floats in single precision, whole numbers as they are."""
    return [tf.constant(a, tf.float32 if np.asarray(a).dtype.kind == "f" else None) for a in arrays]


def eager(function, arrays):  # noqa: ARG001
    """Return a function of NumPy arrays that runs the program operation by operation."""
    return lambda *arrays: function(*tensors(arrays)).numpy()


def traced(function, arrays):
    """Return the program as one graph for the shapes of these arrays."""
    return tf.function(function).get_concrete_function(*map(specification, tensors(arrays)))


def specification(tensor):
    """Return a tensor's shape and type, without its values."""
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def capture(function, arrays):
    """Return a function of NumPy arrays that runs the program as a graph."""
    graph = traced(function, arrays)
    return lambda *arrays: graph(*tensors(arrays)).numpy()


def graph_size(function, arrays):
    """Return the number of operations of the graph, those of its branches and loops included."""
    definition = traced(function, arrays).graph.as_graph_def()
    bodies = definition.library.function
    return len(definition.node) + sum(len(body.node_def) for body in bodies)


def gradient(function, arrays, weights):
    """Return the gradients of sum(weights * output) through the graph."""
    graph, inputs = traced(function, arrays), tensors(arrays)
    floats = [tensor for tensor in inputs if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        total = tf.reduce_sum(tf.constant(weights, tf.float32) * graph(*inputs))
    return [found.numpy() for found in tape.gradient(total, floats)]
