"""A new operator in PyTorch, by every way that its documentation names.

https://docs.pytorch.org/tutorials/advanced/custom_ops_landing_page.html
"""

import os
import shutil

import torch
from torch.utils import cpp_extension

from measurements.custom import (
    MARK,
    MARKED,
    MARKED_SLOPE,
    NATIVE_FLAGS,
    SERIES,
    SLOPE_SERIES,
    SWITCH,
)

CAPTURED = "torch.compile (Inductor)"
BUILTIN = torch.tanh


def naive(folder):  # noqa: ARG001
    """Write it down as it is defined."""
    return lambda x: (x - torch.sin(x)) / x**3


def composed(folder):  # noqa: ARG001
    """Choose between the series and the definition, element by element."""

    def operator(x):
        near = x.abs() < SWITCH
        # Where the series is used the definition must be tame too: its slope is multiplied by 0.
        far = torch.where(near, 1.0, x)
        return torch.where(near, polynomial(SERIES, x * x), (far - torch.sin(far)) / far**3)

    return operator


def polynomial(coefficients, x):
    """Sum a power series by Horner's rule."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


class Stumpff(torch.autograd.Function):
    """The operator with a gradient of its own."""

    @staticmethod
    def forward(x):
        near = x.abs() < SWITCH
        value = torch.where(near, polynomial(SERIES, x * x), (x - torch.sin(x)) / x**3)
        return torch.where(x == MARK, MARKED, value)

    @staticmethod
    def setup_context(ctx, inputs, output):  # noqa: ARG004
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        near = x.abs() < SWITCH
        far = (x * (1 - torch.cos(x)) - 3 * (x - torch.sin(x))) / x**4
        slope = torch.where(near, x * polynomial(SLOPE_SERIES, x * x), far)
        return upstream * torch.where(x == MARK, MARKED_SLOPE, slope)


def python(folder):  # noqa: ARG001
    """Register the gradient with torch.autograd."""
    return Stumpff.apply


def native(folder):
    """Compile custom.cpp; tell torch.compile the shapes and autograd the gradient."""
    shutil.rmtree(folder)  # else only the first build would be one
    os.makedirs(folder)
    cpp_extension.load(
        "stumpff",
        os.path.join(os.path.dirname(__file__), "custom.cpp"),
        extra_cflags=NATIVE_FLAGS,
        build_directory=folder,
        is_python_module=False,
    )
    operators = torch.ops.stumpff
    torch.library.register_fake("stumpff::value", torch.empty_like)
    torch.library.register_fake("stumpff::slope", lambda x, _: torch.empty_like(x))
    torch.library.register_autograd(
        "stumpff::value",
        lambda ctx, upstream: operators.slope(*ctx.saved_tensors, upstream),
        setup_context=Stumpff.setup_context,
    )
    return operators.value


SOURCES = {
    "composed": [polynomial],
    "python": [polynomial, Stumpff],
    "native": ["custom.cpp", Stumpff.setup_context],
}
WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}


def evaluate(operator, x, captured):
    """Return the output."""
    return chosen(operator, captured)(torch.from_numpy(x)).numpy()


def gradient(operator, x, captured):
    """Return the gradient of the sum of the output."""
    x = torch.from_numpy(x).requires_grad_()
    return torch.autograd.grad(chosen(operator, captured)(x).sum(), x)[0].numpy()


def timed(operator, x):
    """Return a function that runs forward and gradient once, compiled."""
    total = chosen(lambda x: operator(x).sum(), True)
    x = torch.from_numpy(x).requires_grad_()
    return lambda: torch.autograd.grad(total(x), x)[0]


def chosen(function, captured):
    """Return a function as it is, or compiled for the shapes that it is called with first."""
    if not captured:
        return function
    torch.compiler.reset()
    return torch.compile(function, options={"reorder_for_peak_memory": False})
