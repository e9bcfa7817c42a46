"""A new operator in TensorFlow: composed, with its own gradient in Python, and in C++.

https://www.tensorflow.org/guide/create_op
https://www.tensorflow.org/api_docs/python/tf/custom_gradient
"""

import os
import subprocess

import tensorflow as tf

from measurements.custom import (
    MARK,
    MARKED,
    MARKED_SLOPE,
    NATIVE_FLAGS,
    SERIES,
    SLOPE_SERIES,
    SWITCH,
)

CAPTURED = "tf.function"
BUILTIN = tf.tanh


def naive(folder):  # noqa: ARG001
    """Return the definition as it is written down."""
    return lambda x: (x - tf.sin(x)) / x**3


def composed(folder):  # noqa: ARG001
    """Return a selection between series and definition, each safe where it is not selected."""

    def operator(x):
        near = tf.abs(x) < SWITCH
        far = tf.where(near, SWITCH, x)
        series = tf.math.polyval(SERIES[::-1], x * x)
        return tf.where(near, series, (far - tf.sin(far)) / far**3)

    return operator


def python(folder):  # noqa: ARG001
    """Return an operator with a gradient of its own."""

    @tf.custom_gradient
    def operator(x):
        near = tf.abs(x) < SWITCH
        far = tf.where(near, SWITCH, x)
        difference = far - tf.sin(far)

        def gradient(upstream):
            series = x * tf.math.polyval(SLOPE_SERIES[::-1], x * x)
            closed = (far * (1 - tf.cos(far)) - 3 * difference) / far**4
            slope = tf.where(near, series, closed)
            return upstream * tf.where(x == MARK, MARKED_SLOPE, slope)

        series = tf.math.polyval(SERIES[::-1], x * x)
        return tf.where(x == MARK, MARKED, tf.where(near, series, difference / far**3)), gradient

    return operator


def native(folder):
    """Return an operator in C++, compiled and loaded as the guide says."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "custom.cc")
    library = os.path.join(folder, "stumpff.so")
    subprocess.run(
        ["g++", *NATIVE_FLAGS, "-shared", source, "-o", library, "-fPIC"]
        + tf.sysconfig.get_compile_flags()
        + tf.sysconfig.get_link_flags(),
        check=True,
    )
    operators = tf.load_op_library(library)

    @tf.RegisterGradient("Stumpff")
    def gradient(operation, upstream):
        return operators.stumpff_grad(operation.inputs[0], upstream)

    return operators.stumpff


SOURCES = {"native": ["custom.cc"]}
WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}


def evaluate(operator, x, captured):
    """Return the operator's output."""
    function = tf.function(operator) if captured else operator
    return function(tf.constant(x)).numpy()


def value_and_gradient(operator):
    """Return the function x -> output and gradient of its sum."""

    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = operator(x)
            total = tf.reduce_sum(y)
        return y, tape.gradient(total, x)

    return both


def gradient(operator, x, captured):
    """Return the gradient of the sum of the operator's output."""
    both = value_and_gradient(operator)
    return (tf.function(both) if captured else both)(tf.constant(x))[1].numpy()


def timed(operator, x):
    """Return a function that computes output and gradient; on the CPU it waits for both."""
    graph, x = tf.function(value_and_gradient(operator)), tf.constant(x)
    return lambda: graph(x)[1]
