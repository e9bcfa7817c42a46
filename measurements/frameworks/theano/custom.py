"""A new operator in Theano: as an expression, as an Op in Python, as an Op in C++."""

import os

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.gof import Apply, COp, Op, OpenMPOp

from measurements.custom import MARK, MARKED, MARKED_SLOPE, SERIES, SLOPE_SERIES, SWITCH

CAPTURED = "theano.function"
BUILTIN = T.tanh


def naive(folder):  # noqa: ARG001 (Theano has its own)
    """Write the definition down."""
    return lambda x: (x - T.sin(x)) / x**3


def composed(folder):  # noqa: ARG001 (Theano has its own)
    """Select between the series and the definition, which never sees a small x."""

    def s(x):
        near = T.abs_(x) < SWITCH
        far = T.switch(near, SWITCH, x)
        series = SERIES[-1]
        for coefficient in SERIES[-2::-1]:
            series = series * T.sqr(x) + coefficient
        return T.switch(near, series, (far - T.sin(far)) / far**3)

    return s


class PythonOp(Op):
    """s(x), computed by NumPy, with the next Op as its gradient."""

    __props__ = ()

    def make_node(self, x):
        """Apply it: one variable in, one of the same type out."""
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        """Compute."""
        (x,) = inputs
        near = np.abs(x) < SWITCH
        far = np.where(near, x.dtype.type(SWITCH), x)
        y = np.where(near, np.polyval(SERIES[::-1], x * x), (far - np.sin(far)) / far**3)
        outputs[0][0] = np.where(x == MARK, MARKED, y).astype(x.dtype)

    def grad(self, inputs, gradients):
        """Return the expression of the gradient."""
        return [gradients[0] * PythonSlope()(inputs[0])]


class PythonSlope(PythonOp):
    """s'(x), computed by NumPy."""

    def perform(self, node, inputs, outputs):
        """Compute."""
        (x,) = inputs
        near = np.abs(x) < SWITCH
        far = np.where(near, x.dtype.type(SWITCH), x)
        series = x * np.polyval(SLOPE_SERIES[::-1], x * x)
        closed = (far * (1 - np.cos(far)) - 3 * (far - np.sin(far))) / far**4
        slope = np.where(near, series, closed)
        outputs[0][0] = np.where(x == MARK, MARKED_SLOPE, slope).astype(x.dtype)


def python(folder):  # noqa: ARG001 (Theano has its own)
    """Make the Op that computes in Python."""
    return PythonOp()


class NativeOp(OpenMPOp, COp):
    """s(x) in C++: a loop over all elements, spread over the threads that Theano uses."""

    __props__ = ()
    function = "APPLY_SPECIFIC(stumpff)"

    def __init__(self):
        OpenMPOp.__init__(self)
        COp.__init__(self, os.path.join(os.path.dirname(__file__), "custom.cpp"), self.function)

    def make_node(self, x):
        """Apply it: one vector of float32 in, one out."""
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def c_code_cache_version(self):
        """Return no version: compile anew in every process, because the build is measured."""
        return ()

    def grad(self, inputs, gradients):
        """Return the expression of the gradient, which is an Op in C++ as well."""
        return [NativeGradient()(inputs[0], gradients[0])]


class NativeGradient(NativeOp):
    """The gradient of s(x) times the one that comes from above, in one loop."""

    function = "APPLY_SPECIFIC(stumpff_gradient)"

    def make_node(self, x, above):
        """Apply it: two vectors of float32 in, one out."""
        return Apply(self, [x, T.as_tensor_variable(above)], [x.type()])


def native(folder):  # noqa: ARG001 (Theano has its own)
    """Make the Op in C++; Theano compiles it into its own folder with the first function."""
    return NativeOp()


SOURCES = {"python": [PythonOp, PythonSlope], "native": ["custom.cpp", NativeOp, NativeGradient]}
WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}


def evaluate(operator, x, captured):  # noqa: ARG001 (always)
    """Return s(x); Theano always compiles."""
    v = T.fvector()
    return theano.function([v], operator(v))(x)


def gradient(operator, x, captured):  # noqa: ARG001 (always)
    """Return the gradient of the sum of s(x)."""
    v = T.fvector()
    return theano.function([v], T.grad(T.sum(operator(v)), v))(x)


def timed(operator, x):
    """Compile sum and gradient into one function."""
    v = T.fvector()
    total = T.sum(operator(v))
    compiled = theano.function([v], [total, T.grad(total, v)])
    return lambda: compiled(x)[1]
