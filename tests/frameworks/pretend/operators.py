"""A few operators of NumPy, as a framework would spell them."""

import numpy as np

from measurements import probe

OPERATORS = {
    "add": "np.add",
    "tanh": "np.tanh",
    "relu": "lambda x: np.maximum(x, 0)",
    "sum": "lambda x: np.sum(x, 1)",
    "reshape": "lambda x: x.reshape(4, 3)",
    "square": "np.square",
    "mse_loss": "lambda x, y: np.mean(np.square(x - y))",
    "softmax": "_softmax",
    "argmax": "lambda x: np.argmax(x, 1)",
    "random_normal": "lambda: np.random.standard_normal(10000)",
    "maximum": "np.no_such_function",
}
ABSENT = {"erf": "it is in SciPy"}
WHY_ABSENT = "pretend has no such function"
SOURCE = "https://example.org/functions"
CAPTURED = "a closure"


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def run(function, arguments, captured):
    """Return the outputs; capturing makes no difference."""
    with np.errstate(all="ignore"):
        return function(*arguments)


def gradient(function, arguments, weights):
    """Return the gradients by differences."""
    return probe.slope(function, arguments, weights)
