"""The new operator s(x) = (x - sin x) / x**3 in MXNet: composed, as a CustomOp, and in C++.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/extend/customop.html
"""

import os
import subprocess

import mxnet as mx
from mxnet import autograd, gluon

from measurements.custom import (
    MARK,
    MARKED,
    MARKED_SLOPE,
    NATIVE_FLAGS,
    SERIES,
    SLOPE_SERIES,
    SWITCH,
)

from .adapter import Result

CAPTURED = "hybridised Gluon block"


def BUILTIN(F, x):  # noqa: N802, N803
    """Compute the built-in that the others are compared with."""
    return F.tanh(x)


def horner(coefficients, x):
    """Return a polynomial, its constant coefficient first."""
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def naive(folder):  # noqa: ARG001, there is nothing to build
    """Return the definition as it is written."""
    return lambda F, x: (x - F.sin(x)) / x**3  # noqa: N803, everybody calls it F


def composed(folder):  # noqa: ARG001
    """Return series and definition, each where it is right."""

    def operator(F, x):  # noqa: N803
        near = F.abs(x) < SWITCH
        # A gradient that is not selected must be finite as well.
        far = F.where(near, F.ones_like(x), x)
        return F.where(near, horner(SERIES, x * x), (far - F.sin(far)) / far**3)

    return operator


class Stumpff(mx.operator.CustomOp):
    """The operator with its own gradient."""

    def forward(self, is_train, req, in_data, out_data, aux):
        """Write the value of every element."""
        x = in_data[0]
        near = mx.nd.abs(x) < SWITCH
        far = mx.nd.where(near, mx.nd.ones_like(x), x)
        value = mx.nd.where(near, horner(SERIES, x * x), (far - mx.nd.sin(far)) / far**3)
        self.assign(out_data[0], req[0], marked(x, MARKED, value))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        """Write the slope of every element times what comes from above."""
        x = in_data[0]
        near = mx.nd.abs(x) < SWITCH
        far = mx.nd.where(near, mx.nd.ones_like(x), x)
        series = x * horner(SLOPE_SERIES, x * x)
        closed = (far * (1 - mx.nd.cos(far)) - 3 * (far - mx.nd.sin(far))) / far**4
        slope = marked(x, MARKED_SLOPE, mx.nd.where(near, series, closed))
        self.assign(in_grad[0], req[0], slope * out_grad[0])


def marked(x, value, others):
    """Return the value that stands for the watermark where it is, and the others elsewhere."""
    return mx.nd.where(x == MARK, value * mx.nd.ones_like(x), others)


@mx.operator.register("stumpff_python")
class StumpffProperties(mx.operator.CustomOpProp):
    """What the graph has to know: one input, one output of its shape and type, the defaults."""

    def __init__(self):
        super().__init__(need_top_grad=True)

    def create_operator(self, ctx, shapes, dtypes):
        """Return the operator."""
        return Stumpff()


def python(folder):  # noqa: ARG001
    """Return the CustomOp."""
    return lambda F, x: F.Custom(x, op_type="stumpff_python")  # noqa: N803


def native(folder):
    """Build the library as MXNet's guide to extensions does, load it, return its operator."""
    library = os.path.join(os.path.abspath(folder), "libstumpff.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "custom.cc")
    mxnet = os.path.dirname(mx.__file__)
    command = ["g++"] + NATIVE_FLAGS + ["-shared", "-fPIC", "-std=c++11"]
    command += [source, os.path.join(mxnet, "src", "lib_api.cc")]
    command += ["-I", os.path.join(mxnet, "include"), "-o", library]
    subprocess.run(command, check=True)
    mx.library.load(library, verbose=False)
    return lambda F, x: F.stumpff_native(x)  # noqa: N803


WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}

SOURCES = {
    "composed": [horner],
    "python": [horner, marked, Stumpff, StumpffProperties],
    "native": ["custom.cc"],
}


class Operator(gluon.HybridBlock):
    """An operator as a block; hybridised, it becomes a graph when it is first called."""

    def __init__(self, operator, captured):
        super().__init__()
        self.operator = operator
        if captured:
            self.hybridize(static_alloc=True, static_shape=True)

    def hybrid_forward(self, F, x):  # noqa: N803
        """Return the output."""
        return self.operator(F, x)


def evaluate(operator, x, captured):
    """Return the output."""
    return Operator(operator, captured)(mx.nd.array(x)).asnumpy()


def gradient(operator, x, captured):
    """Return the gradient of the sum of the outputs."""
    x = mx.nd.array(x)
    x.attach_grad()
    with autograd.record():
        output = Operator(operator, captured)(x)
    output.backward()  # of an array, that is of its sum
    return x.grad.asnumpy()


def timed(operator, x):
    """Return a function that runs forward and gradient once."""
    block = Operator(operator, captured=True)
    x = mx.nd.array(x)
    x.attach_grad()

    def run():
        with autograd.record():
            output = block(x)
        output.backward()
        mx.nd.waitall()
        return Result(x.grad)

    return run
