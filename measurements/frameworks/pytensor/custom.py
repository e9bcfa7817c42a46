"""A new operator in PyTensor: as an expression, as an Op in Python, as an Op in C++.

https://pytensor.readthedocs.io/en/latest/extending/creating_a_numba_jax_op.html
"""

import ctypes
import os
import subprocess

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.graph import Apply, Op
from pytensor.link.numba.dispatch import numba_funcify
from pytensor.link.numba.dispatch.basic import numba_njit

from measurements.custom import (
    MARK,
    MARKED,
    MARKED_SLOPE,
    NATIVE_FLAGS,
    SERIES,
    SLOPE_SERIES,
    SWITCH,
)

CAPTURED = "pytensor.function with the default back end, Numba"
BUILTIN = pt.tanh


def naive(folder):  # noqa: ARG001 (PyTensor has its own)
    """Write the definition down."""
    return lambda x: (x - pt.sin(x)) / x**3


def composed(folder):  # noqa: ARG001 (PyTensor has its own)
    """Select between the series and the definition, which never sees a small x."""

    def s(x):
        near = pt.abs(x) < SWITCH
        far = pt.switch(near, SWITCH, x)
        series = SERIES[-1]
        for coefficient in SERIES[-2::-1]:
            series = series * pt.square(x) + coefficient
        return pt.switch(near, series, (far - pt.sin(far)) / far**3)

    return s


class PythonOp(Op):
    """s(x), computed by NumPy, with the next Op as its gradient."""

    __props__ = ()

    def make_node(self, x):
        """Apply it: one variable in, one of the same type out."""
        x = pt.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        """Compute."""
        (x,) = inputs
        near = np.abs(x) < SWITCH
        far = np.where(near, x.dtype.type(SWITCH), x)
        y = np.where(near, np.polyval(SERIES[::-1], x * x), (far - np.sin(far)) / far**3)
        outputs[0][0] = np.where(x == MARK, MARKED, y).astype(x.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Return the expression of the gradient."""
        return [cotangents[0] * PythonSlope()(inputs[0])]


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


def python(folder):  # noqa: ARG001 (PyTensor has its own)
    """Make the Op that computes in Python."""
    return PythonOp()


class NativeOp(Op):
    """s(x), computed by a C++ library; what Numba makes of it is registered below.

    PyTensor's COp would run in the C back end only, which is no longer the default one.
    """

    __props__ = ("path",)
    function = "stumpff"

    def __init__(self, path):
        self.path = path
        self.call = getattr(ctypes.CDLL(path), self.function)
        pointers = [ctypes.c_void_p] * (2 if self.function == "stumpff" else 3)
        self.call.argtypes, self.call.restype = [*pointers, ctypes.c_size_t], None

    def make_node(self, *inputs):
        """Apply it: vectors of float32 in, one out."""
        inputs = [pt.as_tensor_variable(x) for x in inputs]
        return Apply(self, inputs, [inputs[0].type()])

    def perform(self, node, inputs, outputs):
        """Compute, in the other back ends."""
        inputs = [np.ascontiguousarray(x) for x in inputs]
        outputs[0][0] = np.empty_like(inputs[0])
        pointers = [x.ctypes.data for x in (*inputs, outputs[0][0])]
        self.call(*pointers, inputs[0].size)

    def pullback(self, inputs, outputs, cotangents):
        """Return the expression of the gradient, which is an Op in C++ as well."""
        return [NativeGradient(self.path)(inputs[0], cotangents[0])]


class NativeGradient(NativeOp):
    """The gradient of s(x) times the one that comes from above, in one loop."""

    function = "stumpff_gradient"


@numba_funcify.register(NativeOp)
def numba_native(op, node, **kwargs):  # noqa: ARG001 (PyTensor calls it so)
    """Return the function that Numba compiles into a program in place of NativeOp."""
    call = op.call

    @numba_njit
    def stumpff(x):
        x = np.ascontiguousarray(x)
        y = np.empty_like(x)
        call(x.ctypes, y.ctypes, x.size)
        return y

    return stumpff


@numba_funcify.register(NativeGradient)
def numba_native_gradient(op, node, **kwargs):  # noqa: ARG001 (PyTensor calls it so)
    """Return the function that Numba compiles into a program in place of NativeGradient."""
    call = op.call

    @numba_njit
    def stumpff_gradient(x, above):
        x, above = np.ascontiguousarray(x), np.ascontiguousarray(above)
        y = np.empty_like(x)
        call(x.ctypes, above.ctypes, y.ctypes, x.size)
        return y

    return stumpff_gradient


def native(folder):
    """Build the library, and make the Op that calls it."""
    source = os.path.join(os.path.dirname(__file__), "custom.cpp")
    path = os.path.join(folder, "custom.so")
    subprocess.check_call(["g++", *NATIVE_FLAGS, "-shared", "-fPIC", source, "-o", path])
    return NativeOp(path)


SOURCES = {
    "python": [PythonOp, PythonSlope],
    "native": ["custom.cpp", NativeOp, NativeGradient, numba_native, numba_native_gradient],
}
WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}


def evaluate(operator, x, captured):  # noqa: ARG001 (always)
    """Return s(x); PyTensor always compiles."""
    v = pt.vector(dtype="float32")
    return pytensor.function([v], operator(v))(x)


def gradient(operator, x, captured):  # noqa: ARG001 (always)
    """Return the gradient of the sum of s(x)."""
    v = pt.vector(dtype="float32")
    return pytensor.function([v], pt.grad(operator(v).sum(), v))(x)


def timed(operator, x):
    """Compile sum and gradient into one function."""
    v = pt.vector(dtype="float32")
    total = operator(v).sum()
    compiled = pytensor.function([v], [total, pt.grad(total, v)])
    return lambda: compiled(x)[1]
