"""A new operator in Lasagne: a nonlinearity is any function that writes a Theano expression."""

import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne import nonlinearities
from lasagne.layers import NonlinearityLayer

from measurements.contract import Unsupported
from measurements.custom import SERIES, SWITCH

CAPTURED = "theano.function"
BUILTIN = NonlinearityLayer((None,), nonlinearities.tanh).get_output_for


def naive(folder):  # noqa: ARG001 (Theano has its own)
    """Write the definition down."""
    return NonlinearityLayer((None,), lambda x: (x - T.sin(x)) / x**3).get_output_for


def composed(folder):  # noqa: ARG001 (Theano has its own)
    """Select between the series and the definition, which never sees a small x."""

    def s(x):
        near = T.abs_(x) < SWITCH
        far = T.switch(near, SWITCH, x)
        series = SERIES[-1]
        for coefficient in SERIES[-2::-1]:
            series = series * T.sqr(x) + coefficient
        return T.switch(near, series, (far - T.sin(far)) / far**3)

    return NonlinearityLayer((None,), s).get_output_for


THEANO = Unsupported(
    "Lasagne adds no operators: one with a gradient of its own is an Op of Theano, which then "
    "serves as a nonlinearity like any other function",
    "https://github.com/Lasagne/Lasagne/blob/v0.1/docs/user/custom_layers.rst",
)

WAYS = {"naive": naive, "composed": composed, "python": THEANO, "native": THEANO}


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
