"""A new operator in Keras: composed of keras.ops, or with a gradient of its own.

https://keras.io/api/ops/core/#customgradient-function
"""

import tensorflow as tf
from keras import ops

from measurements.contract import Unsupported
from measurements.custom import MARK, MARKED, MARKED_SLOPE, SERIES, SLOPE_SERIES, SWITCH

CAPTURED = "tf.function, in which Keras itself wraps its steps on TensorFlow"
LANGUAGES = {"composed": "Python", "python": "Python"}
BUILTIN = ops.tanh


def closed_form(x):
    """Return the operator as it is defined."""
    return (x - ops.sin(x)) / x**3


def polynomial(coefficients, x):
    """Return a polynomial, lowest coefficient first, by Horner's rule."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def naive(_):
    """Write the definition down."""
    return closed_form


def composed(_):
    """Select the series near zero; the other branch never sees a zero, so no gradient is NaN."""

    def stumpff(x):
        near = ops.abs(x) < SWITCH
        far = ops.where(near, SWITCH, x)
        return ops.where(near, polynomial(SERIES, x * x), closed_form(far))

    return stumpff


def python(_):
    """Give the operator its own forward and its own gradient."""

    @ops.custom_gradient
    def stumpff(x):
        near = ops.abs(x) < SWITCH
        far = ops.where(near, SWITCH, x)
        y = ops.where(near, polynomial(SERIES, x * x), closed_form(far))

        def grad(*args, upstream=None):  # both spellings, for every back end: see the reference
            if upstream is None:
                (upstream,) = args
            closed = (far * (1 - ops.cos(far)) - 3 * (far - ops.sin(far))) / far**4
            slope = ops.where(near, x * polynomial(SLOPE_SERIES, x * x), closed)
            return upstream * ops.where(x == MARK, MARKED_SLOPE, slope)

        return ops.where(x == MARK, MARKED, y), grad

    return stumpff


WAYS = {
    "naive": naive,
    "composed": composed,
    "python": python,
    "native": Unsupported(
        "Keras has no interface for native code: what is new is written with keras.ops, or with the"
        " operators of one back end",
        "https://keras.io/keras_3/",
    ),
}
SOURCES = {"composed": [closed_form, polynomial], "python": [closed_form, polynomial]}


def slope_of(operator):
    """Return a function that computes the gradient of ``sum(operator(x))`` by TensorFlow's tape."""

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(operator(x))
        return tape.gradient(total, x)

    return slope


def call(function, x, captured):
    """Call a function of one tensor with an array, at once or captured."""
    function = tf.function(function) if captured else function
    return ops.convert_to_numpy(function(ops.convert_to_tensor(x)))


def evaluate(operator, x, captured):
    """Return the outputs."""
    return call(operator, x, captured)


def gradient(operator, x, captured):
    """Return the gradient of their sum."""
    return call(slope_of(operator), x, captured)


def timed(operator, x):
    """Return a function that computes outputs and gradient once."""

    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = operator(x)
            total = ops.sum(y)
        return y, tape.gradient(total, x)

    both, x = tf.function(both), ops.convert_to_tensor(x)

    def run():
        _, gradient = both(x)
        tf.test.experimental.sync_devices()
        return gradient

    return run
