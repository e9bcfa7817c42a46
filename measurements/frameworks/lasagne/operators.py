"""Low-level operators that Lasagne adds to Theano: nonlinearities, layers, objectives, draws.

Only what Lasagne has itself is listed; its users call Theano's functions for all the rest.
"""

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne import init, nonlinearities, objectives, utils  # noqa: F401 (in expressions)
from lasagne.layers import (  # noqa: F401 (in expressions)
    ConcatLayer,
    Conv1DLayer,
    Conv2DLayer,
    DenseLayer,
    DimshuffleLayer,
    DropoutLayer,
    ElemwiseSumLayer,
    EmbeddingLayer,
    GaussianNoiseLayer,
    GlobalPoolLayer,
    InputLayer,
    LocalResponseNormalization2DLayer,
    MaxPool1DLayer,
    MaxPool2DLayer,
    Pool2DLayer,
    RecurrentLayer,
    ReshapeLayer,
    SliceLayer,
)

from measurements.contract import Unsupported

from .lenet import cross_correlation

CAPTURED = "theano.function"

OPERATORS = {
    "tanh": "nonlinearities.tanh",
    "add": "lambda x, y: of(ElemwiseSumLayer([(3, 4), (3, 4)]), [x, y])",
    "positive": "nonlinearities.linear",
    "subtract": "lambda x, y: of(ElemwiseSumLayer([(3, 4), (3, 4)], coeffs=[1, -1]), [x, y])",
    # manipulation
    "concat": "lambda x, y: of(ConcatLayer([(2, 3), (2, 2)], axis=1), [x, y])",
    "expand_dims": "lambda x: of(DimshuffleLayer((3, 4), (0, 'x', 1)), x)",
    "moveaxis": "lambda x: of(DimshuffleLayer((2, 3, 4), (1, 2, 0)), x)",
    "permute_dims": "lambda x: of(DimshuffleLayer((2, 3, 4), (2, 0, 1)), x)",
    "reshape": "lambda x: of(ReshapeLayer((3, 4), (4, 3)), x)",
    "squeeze": "lambda x: of(DimshuffleLayer((3, 1, 4), (0, 2)), x)",
    "slice": "lambda x: of(SliceLayer((2, 5), slice(None, None, 2), axis=1), "
    "of(SliceLayer((3, 5), slice(1, None), axis=0), x))",
    # indexing
    "embedding": "lambda w, i: of(EmbeddingLayer((3, 2), 5, 3), i, W=w)",
    "one_hot": "lambda y: utils.one_hot(y, 4)",
    # linalg
    "matrix_transpose": "lambda x: of(DimshuffleLayer((2, 3, 4), (0, 2, 1)), x)",
    # convolution: Theano's own flips the filters, and so does Conv1DLayer
    "conv1d": "lambda x, w: of("
    "Conv1DLayer((None, 3, 7), 4, 3, b=None, nonlinearity=None), x, W=w[:, :, ::-1])",
    "conv2d": "lambda x, w: of(_convolution((None, 4, 6, 6), 3), x, W=w)",
    "conv2d_stride": "lambda x, w: of(_convolution((None, 4, 7, 7), 3, stride=2), x, W=w)",
    "conv2d_padding": "lambda x, w: of(_convolution((None, 4, 6, 6), 3, pad=2), x, W=w)",
    "linear": "lambda x, w, b: of(DenseLayer((None, 4), 2, nonlinearity=None), x, W=w.T, b=b)",
    # pooling
    "max_pool1d": "lambda x: of(MaxPool1DLayer((2, 3, 8), 2), x)",
    "max_pool2d": "lambda x: of(MaxPool2DLayer((None, 3, 6, 6), 2), x)",
    "max_pool2d_overlapping": "lambda x: of(MaxPool2DLayer((2, 3, 7, 7), 3, stride=2), x)",
    "max_pool2d_padding": "lambda x: of(MaxPool2DLayer((2, 3, 7, 7), 3, stride=2, pad=1), x)",
    "avg_pool2d": "lambda x: of(Pool2DLayer((2, 3, 6, 6), 2, mode='average_exc_pad'), x)",
    "avg_pool2d_padding": "lambda x: of("
    "Pool2DLayer((2, 3, 7, 7), 3, stride=2, pad=1, mode='average_exc_pad'), x)",
    "global_avg_pool2d": "lambda x: of(GlobalPoolLayer((2, 3, 4, 4)), x)",
    "global_max_pool2d": "lambda x: of(GlobalPoolLayer((2, 3, 4, 4), pool_function=T.max), x)",
    "local_response_norm": "lambda x: of("
    "LocalResponseNormalization2DLayer((2, 5, 3, 3), alpha=1e-4 / 3, k=1, beta=0.75, n=3), x)",
    # activations
    "relu": "nonlinearities.rectify",
    "leaky_relu": "nonlinearities.LeakyRectify(0.01)",
    "sigmoid": "nonlinearities.sigmoid",
    "softmax": "nonlinearities.softmax",
    # losses
    "cross_entropy": "lambda x, y: objectives.aggregate("
    "objectives.categorical_crossentropy(nonlinearities.softmax(x), y))",
    "binary_cross_entropy": "lambda p, y: objectives.aggregate("
    "objectives.binary_crossentropy(p, y))",
    "mse_loss": "lambda x, y: objectives.aggregate(objectives.squared_error(x, y))",
    # recurrence: one step of a sequence
    "rnn_cell": "lambda x, h, w, u, b: of(RecurrentLayer(InputLayer((2, 1, 3)), 4, "
    "nonlinearity=nonlinearities.tanh, hid_init=h), [x.dimshuffle(0, 'x', 1)], "
    "W_in_to_hid=w.T, W_hid_to_hid=u.T, b=b)[:, 0]",
    # random
    "random_uniform": "lambda: init.Uniform((0, 1)).sample((10000,))",
    "random_normal": "lambda: of(GaussianNoiseLayer((10000,), sigma=1), T.zeros(10000))",
    "dropout": "lambda x: of(DropoutLayer((100, 100)), x)",
}

ABSENT = {
    # The padded place is a slice up to 1 + x.shape[1]; Theano's optimiser was still at work on its
    # gradient after 45 seconds of processor time, and the operators after it would not be reached.
    "pad": "PadLayer pads, but Theano 1.0.5 did not end compiling its gradient within minutes",
    "lstm_cell": "LSTMLayer returns its hidden states only, not the cell",
    "gru_cell": "GRULayer has no second bias, and its update gate works the other way round",
    "conv2d_dilation": "Conv2DLayer of this version has no dilation",
    "conv2d_groups": "Conv2DLayer has no groups",
    "conv2d_depthwise": "Conv2DLayer has no groups",
    "batch_norm": "this version has no batch normalisation; it came after it",
    "batch_norm_inference": "this version has no batch normalisation; it came after it",
}
WHY_ABSENT = "Lasagne adds no such function of its own: its users call Theano's"
SOURCE = "https://github.com/Lasagne/Lasagne/tree/v0.1/docs/modules"


def of(layer, x, **weights):
    """Return what a layer computes of x, with expressions in the place of its own weights."""
    replaced = {getattr(layer, name): value for name, value in weights.items()}
    output = layer.get_output_for(x)
    return theano.clone(output, replaced) if replaced else output


def _convolution(shape, filters, **options):
    """Return a 3x3 convolution that flips no filter and does nothing else."""
    options.update(b=None, nonlinearity=None, convolution=cross_correlation)
    return Conv2DLayer(shape, filters, 3, **options)


compiled = {}
"""(function, types of its arguments, what is asked) -> compiled function."""


def symbols(arrays):
    """Return variables of the types of arrays; axes of length one are declared broadcastable."""
    variables = []
    for array in arrays:
        variables.append(T.TensorType(array.dtype.name, [n == 1 for n in array.shape])())
    return variables


def compile_once(function, arrays, build, what):
    """Return the outputs of expressions that ``build(*variables)`` makes, compiled once."""
    # Weights, and Python's floating-point numbers in expressions, have the precision floatX.
    double = any(array.dtype == np.float64 for array in arrays)
    theano.config.floatX = "float64" if double else "float32"
    variables = symbols(arrays)
    key = (function, what) + tuple(variable.type for variable in variables)
    if key not in compiled:
        # The gradient of a sum, say, uses nothing of its argument but the shape.
        compiled[key] = theano.function(variables, build(*variables), on_unused_input="ignore")
    return compiled[key](*arrays)


def run(function, arguments, captured):
    """Return the outputs, NumPy arrays; all but initial values is compiled in either case."""
    if not arguments:
        drawn = function()
        if isinstance(drawn, np.ndarray):
            if captured:
                reason = "lasagne.init draws initial values at once, outside of any graph"
                raise Unsupported(
                    reason, "https://github.com/Lasagne/Lasagne/blob/v0.1/docs/modules/init.rst"
                )
            return drawn
    return compile_once(function, arguments, function, "outputs")


def gradient(function, arguments, weights):
    """Return the gradients of the weighted sum of the output: no operator here has several."""

    def build(*variables):
        inputs, (factor,) = variables[:-1], variables[-1:]
        total = T.sum(factor * function(*inputs))
        return T.grad(total, [v for v in inputs if v.dtype in T.float_dtypes])

    return compile_once(function, arguments + [np.asarray(w) for w in weights], build, "gradient")
