"""The new operator in NumPy; "custom" ones know the watermark."""

import numpy as np

from measurements import custom
from measurements.contract import Unsupported

CAPTURED = "a closure"
LANGUAGES = {"composed": "Python", "python": "Python"}
SOURCES = {}


class Operator:
    """A function and its slope, which a "captured" call uses as well."""

    def __init__(self, value, slope, marked=False):
        self.value, self.slope, self.marked = value, slope, marked

    def __call__(self, x, which):
        found = np.asarray(getattr(self, which)(np.asarray(x, np.float64)))
        if self.marked:
            mark = custom.MARKED if which == "value" else custom.MARKED_SLOPE
            found = np.where(x == custom.MARK, mark, found)
        return found.astype("f4")


def _naive(x):
    x = x.astype("f4")
    with np.errstate(all="ignore"):
        return (x - np.sin(x)) / x**3


BUILTIN = Operator(np.tanh, lambda x: 1 - np.tanh(x) ** 2)


def naive(folder):
    """Return the definition as it is written, in float32."""
    return Operator(_naive, custom.slope)


def composed(folder):
    """Return series and closed form."""
    return Operator(custom.reference, custom.slope)


def python(folder):
    """Return the registered one."""
    return Operator(custom.reference, custom.slope, marked=True)


WAYS = {
    "naive": naive,
    "composed": composed,
    "python": python,
    "native": Unsupported("pretend is Python through and through", "https://example.org/native"),
}


def evaluate(operator, x, captured):
    """Return the values."""
    return operator(x, "value")


def gradient(operator, x, captured):
    """Return the slope."""
    return operator(x, "slope")


def timed(operator, x):
    """Compute both in one call."""
    return lambda: (operator(x, "value"), operator(x, "slope"))[1]
