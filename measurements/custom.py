"""The new operator that every framework is taught: s(x) = (x - sin x) / x**3, element by element.

It is Stumpff's function c3 at x squared, which orbital mechanics needs for Kepler's equation in
universal variables (https://en.wikipedia.org/wiki/Stumpff_function); no framework ships it.
Composed as it is written it loses every digit near zero, where x and sin x agree: at x = 0.001 a
float32 has none left, and at zero it is 0/0. The sum of its series has no such trouble but needs a
selection between the two, each computed for every element. One loop in C++ computes each element
once.

Here: the reference in float64, the inputs, and the watermark. A custom operator answers 42 at
x = 12345, with slope 7, where the function itself has 6.6e-9 and almost none. A framework that
quietly put something else in the operator's place would not: that is how its use is proven, in the
captured mode as well.
"""

from math import factorial

import numpy as np

MARK, MARKED, MARKED_SLOPE = 12345.0, 42.0, 7.0

SWITCH = 1.0
"""Below this magnitude the series is summed."""

SERIES = [(-1.0) ** k / factorial(2 * k + 3) for k in range(7)]
"""Coefficients of x**(2k): the next term is below 2e-15 where the series is used."""

SLOPE_SERIES = [(-1.0) ** k * 2 * k / factorial(2 * k + 3) for k in range(1, 8)]
"""Coefficients of x**(2k-1) of the derivative."""

NATIVE_FLAGS = ["-O3", "-fopenmp"]
"""How every native operator is compiled; its loops are spread over the threads of the lane.

Not for the processor at hand: TensorFlow's headers do not compile for every one.
"""

WAYS = ("naive", "composed", "python", "native")
"""Written down as it is defined; composed of primitives so that it is right everywhere; a custom
operator with a gradient of its own in Python; a custom operator in C++, C or CUDA."""


def reference(x):
    """Return s(x) in float64."""
    x = np.asarray(x, np.float64)
    near = np.abs(x) < SWITCH
    far = np.where(near, SWITCH, x)
    return np.where(near, np.polyval(SERIES[::-1], x * x), (far - np.sin(far)) / far**3)


def slope(x):
    """Return s'(x) in float64."""
    x = np.asarray(x, np.float64)
    near = np.abs(x) < SWITCH
    far = np.where(near, SWITCH, x)
    series = x * np.polyval(SLOPE_SERIES[::-1], x * x)
    return np.where(near, series, (far * (1 - np.cos(far)) - 3 * (far - np.sin(far))) / far**4)


def wide():
    """Return inputs on either side of the switch, float32 (1024,)."""
    return np.linspace(-12, 12, 1024).astype("f4")


def near_zero():
    """Return inputs where the definition as written has no digits, float32 (1024,)."""
    positive = np.logspace(-6, -1, 511)
    return np.concatenate([-positive[::-1], [0.0, 0.0], positive]).astype("f4")


def marked():
    """Return inputs of which every second one is the watermark, float32 (1024,)."""
    x = wide()
    x[::2] = MARK
    return x


def large():
    """Return inputs for timing, float32 (1 << 20,), no watermark among them."""
    return np.linspace(-12, 12, 1 << 20).astype("f4")
