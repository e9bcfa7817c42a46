"""Programs whose control flow depends on data, with the structured primitives of ``jax.lax``.

https://docs.jax.dev/en/latest/control-flow.html
"""

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
from jax import lax

CAPTURED = "jax.jit"

# An error ends with its message, not with a remark on the frames that were left out.
jax.config.update("jax_traceback_filtering", "off")


def cond(x):
    """Choose one of two branches; only the chosen one is run."""
    return lax.cond(x.sum() > 0, lambda x: (x * x).sum(), lambda x: -3 * x.sum(), x)


def while_(x):
    """Halve until the sum of squares is below one.

    JAX differentiates such a loop forwards only: how much it would have to remember is not known
    when it is compiled.
    """

    def goes_on(state):
        _, x = state
        return (x * x).sum() > 1

    def halve(state):
        total, x = state
        return total + x.sum(), x / 2

    total, x = lax.while_loop(goes_on, halve, (jnp.zeros((), x.dtype), x))
    return total + (x * x).sum()


def scan(w, xs):
    """Return all states of a recurrence."""

    def step(h, x):
        h = jnp.tanh(w @ h + x)
        return h, h

    return lax.scan(step, jnp.zeros(len(w), xs.dtype), xs)[1]


def nested(w, xs):
    """Take three steps for each row."""

    def row(h, x):
        return lax.fori_loop(0, 3, lambda _, h: jnp.tanh(w @ h + x), h), None

    return lax.scan(row, jnp.zeros(len(w), xs.dtype), xs)[0]


def early_exit(w, xs):
    """Add rows until the sum exceeds one.

    A scan has a fixed length: what follows the exit is skipped. ``while_loop`` would end there, but
    it has no gradient.
    """

    def row(total, x):
        done = total.sum() > 1
        return lax.cond(done, lambda: total, lambda: total + w @ x), None

    return lax.scan(row, jnp.zeros(xs.shape[1], xs.dtype), xs)[0]


def ragged(w, xs, lengths):
    """Return the last state of each sequence: all take every step, or stand still."""

    def last(rows, length):
        def step(h, place):
            t, x = place
            return jnp.where(t < length, jnp.tanh(w @ h + x), h), None

        return lax.scan(step, jnp.zeros(len(w), xs.dtype), (jnp.arange(len(rows)), rows))[0]

    return jax.vmap(last)(xs, lengths)


PROGRAMS = {
    "cond": cond,
    "while": while_,
    "scan": scan,
    "nested": nested,
    "early-exit": early_exit,
    "ragged": ragged,
}


def placed(arrays):
    """Return arrays of JAX: float32, unless jax_enable_x64 is set."""
    return [jnp.asarray(value) for value in arrays]


def eager(function, arrays):  # noqa: ARG001
    """Return a function of NumPy arrays that runs operation by operation."""
    return lambda *arrays: np.asarray(function(*placed(arrays)))


def capture(function, arrays):  # noqa: ARG001
    """Return a function of NumPy arrays; its first call compiles one program for their shapes."""
    compiled = jax.jit(function)
    return lambda *arrays: np.asarray(compiled(*placed(arrays)))


def graph_size(function, arrays):
    """Return the equations of the program that JAX hands to XLA, bodies and branches included."""
    return equations(jax.make_jaxpr(function)(*placed(arrays)).jaxpr)


def equations(jaxpr):
    """Count the equations of a jaxpr and of those in its equations' parameters."""
    inner = [v for eqn in jaxpr.eqns for v in jax.tree.leaves(eqn.params, is_leaf=is_jaxpr)]
    return len(jaxpr.eqns) + sum(equations(value.jaxpr) for value in inner if is_jaxpr(value))


def is_jaxpr(value):
    """Tell whether a parameter of an equation is a program itself."""
    return isinstance(value, jax.extend.core.ClosedJaxpr)


def gradient(function, arrays, weights):
    """Return the gradients of the weighted sum by the float inputs, compiled."""
    places = [n for n, value in enumerate(arrays) if value.dtype.kind == "f"]

    def total(*arrays):
        return (weights * function(*arrays)).sum()

    return [np.asarray(value) for value in jax.jit(jax.grad(total, places))(*placed(arrays))]
