"""The operator (x - sin x) / x**3, added to JAX in every way that it offers.

https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html
https://docs.jax.dev/en/latest/ffi.html
"""

import ctypes
import os
import subprocess

import jax
import jax.numpy as jnp
import numpy as np

from measurements.custom import (
    MARK,
    MARKED,
    MARKED_SLOPE,
    NATIVE_FLAGS,
    SERIES,
    SLOPE_SERIES,
    SWITCH,
)

CAPTURED = "jax.jit"
BUILTIN = jnp.tanh


def naive(folder):  # noqa: ARG001
    """Return the definition as it is written."""
    return lambda x: (x - jnp.sin(x)) / x**3


def stumpff(x):
    """Select between the series near zero and the definition elsewhere.

    Both are computed for every element, so the definition must not meet a zero: its gradient would
    be NaN, and NaN times zero is NaN.
    """
    near = jnp.abs(x) < SWITCH
    far = jnp.where(near, SWITCH, x)
    series = jnp.polyval(jnp.array(SERIES[::-1], x.dtype), x * x, unroll=7)
    return jnp.where(near, series, (far - jnp.sin(far)) / far**3)


def slope(x):
    """Return the derivative of the operator, in the same way."""
    near = jnp.abs(x) < SWITCH
    far = jnp.where(near, SWITCH, x)
    series = x * jnp.polyval(jnp.array(SLOPE_SERIES[::-1], x.dtype), x * x, unroll=7)
    closed = (far * (1 - jnp.cos(far)) - 3 * (far - jnp.sin(far))) / far**4
    return jnp.where(near, series, closed)


def composed(folder):  # noqa: ARG001
    """Return the operator as a function of primitives, which JAX differentiates."""
    return stumpff


def python(folder):  # noqa: ARG001
    """Return the operator with a derivative of its own."""

    @jax.custom_vjp
    def operator(x):
        return jnp.where(x == MARK, MARKED, stumpff(x))

    def forward(x):
        return operator(x), x

    def backward(x, upstream):
        return (upstream * jnp.where(x == MARK, MARKED_SLOPE, slope(x)),)

    operator.defvjp(forward, backward)
    return operator


def native(folder):
    """Compile custom.cpp, register its function with XLA and give it a derivative."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "custom.cpp")
    library = os.path.join(folder, "libstumpff.so")
    command = ["g++", *NATIVE_FLAGS, "-std=c++17", "-fPIC", "-shared", "-I", jax.ffi.include_dir()]
    subprocess.run(command + [source, "-o", library], check=True)
    handler = jax.ffi.pycapsule(ctypes.cdll.LoadLibrary(library).Stumpff)
    jax.ffi.register_ffi_target("stumpff", handler, platform="cpu")

    def forward(x):
        both = [jax.ShapeDtypeStruct(x.shape, x.dtype)] * 2
        return jax.ffi.ffi_call("stumpff", both, vmap_method="broadcast_all")(x)

    @jax.custom_vjp
    def operator(x):
        return forward(x)[0]

    def backward(slope, upstream):
        return (upstream * slope,)

    operator.defvjp(forward, backward)
    return operator


WAYS = {"naive": naive, "composed": composed, "python": python, "native": native}
SOURCES = {"composed": [stumpff], "python": [stumpff, slope], "native": ["custom.cpp"]}


def evaluate(operator, x, captured):
    """Return the output for float32 numbers."""
    run = jax.jit(operator) if captured else operator
    return np.asarray(run(jnp.asarray(x)))


def gradient(operator, x, captured):
    """Return the gradient of the sum of the outputs."""
    run = jax.grad(lambda x: operator(x).sum())
    return np.asarray((jax.jit(run) if captured else run)(jnp.asarray(x)))


def timed(operator, x):
    """Return a function that computes outputs' sum and gradient in one compiled program."""
    run = jax.jit(jax.value_and_grad(lambda x: operator(x).sum()))
    x = jnp.asarray(x)
    return lambda: jax.block_until_ready(run(x))[1]
