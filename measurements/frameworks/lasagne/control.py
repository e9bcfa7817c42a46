"""Control flow in Lasagne: its recurrent layers are its only loops, and it adds no branch."""

import lasagne
import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne.layers import InputLayer, RecurrentLayer
from theano.scan_module.scan_op import Scan

from measurements.contract import Unsupported

CAPTURED = "theano.function"

DOCUMENTATION = "https://github.com/Lasagne/Lasagne/blob/v0.1/docs/modules/layers.rst"

WIDTH = 3


def recurrence(w, rows, mask=None):
    """Return all states of ``tanh(w h + x)`` for sequences (count, longest, width)."""
    layer = RecurrentLayer(
        InputLayer((None, None, WIDTH)),
        WIDTH,
        W_in_to_hid=np.eye(WIDTH, dtype="float32"),
        b=None,
        nonlinearity=lasagne.nonlinearities.tanh,
        mask_input=None if mask is None else InputLayer((None, None)),
    )
    states = layer.get_output_for([rows] if mask is None else [rows, mask])
    # A layer's weight is a shared variable; here it is an input of the program.
    return theano.clone(states, {layer.W_hid_to_hid: w.T})


def scan(w, xs):
    """Return all states of a recurrence over rows."""
    return recurrence(w, T.shape_padleft(xs))[0]


def ragged(w, xs, lengths):
    """Mask the rows after the end of each sequence; the layer then keeps its state."""
    mask = T.arange(xs.shape[1]) < T.shape_padright(lengths)
    return recurrence(w, xs, mask)[:, -1]


NO_LOOP = Unsupported(
    "Lasagne's only loops are its recurrent layers: its users call theano.scan", DOCUMENTATION
)

PROGRAMS = {
    "cond": Unsupported(
        "Lasagne adds no branch of its own: its users call Theano's ifelse", DOCUMENTATION
    ),
    "while": NO_LOOP,
    "scan": scan,
    "nested": NO_LOOP,
    "early-exit": NO_LOOP,
    "ragged": ragged,
}


def single(array):
    """Return floating-point numbers in float32, whole numbers as they are."""
    return np.asarray(array, np.float32) if np.asarray(array).dtype.kind == "f" else array


def trace(function, arrays):
    """Return variables for some arrays and the expression of a program of them."""
    variables = [T.TensorType(single(a).dtype.name, [False] * np.ndim(a))() for a in arrays]
    return variables, function(*variables)


def eager(function, arrays):  # noqa: ARG001 (others need them)
    """Theano executes nothing at once."""
    raise Unsupported(
        "Layers write an expression, which has no value before Theano compiles a function of it",
        "https://github.com/Lasagne/Lasagne/blob/v0.1/docs/user/layers.rst",
    )


def capture(function, arrays):
    """Compile a program of arrays like these."""
    compiled = theano.function(*trace(function, arrays))
    return lambda *values: compiled(*[single(value) for value in values])


def graph_size(function, arrays):
    """Count the operations of the expression, with those inside loops."""
    variables, output = trace(function, arrays)
    return _operations(variables, [output])


def _operations(inputs, outputs):
    total = 0
    for node in theano.gof.graph.ops(inputs, outputs):
        total += 1
        if isinstance(node.op, Scan):
            total += _operations(node.op.inputs, node.op.outputs)
    return total


def gradient(function, arrays, weights):
    """Return the gradients of the weighted sum, by the arrays of floating-point numbers."""
    variables, output = trace(function, arrays)
    total = T.sum(single(weights) * output)
    wrt = [variable for variable in variables if variable.dtype in T.float_dtypes]
    compiled = theano.function(variables, T.grad(total, wrt), on_unused_input="ignore")
    return compiled(*[single(array) for array in arrays])
