"""Low-level operators with Caffe: its layers, put together in a NetSpec and run as a network.

A layer keeps its weights to itself: where an operator has weights, ``weighted`` says which
arguments they are. The tops that stand for arguments know their ``shape``, as Caffe's users do: a
network is written for one shape.

Caffe ends the process where a check fails (wrong shapes, no gradient): every network runs in a
process of its own, and its last words become an error.
"""

import multiprocessing
import os
import tempfile

import caffe
import numpy as np
from caffe import layers as L  # noqa: N812 (the names of Caffe's own examples)
from caffe import params as P  # noqa: N812

from . import lenet

CAPTURED = "a network of layers, set up once and run by Net.forward: Caffe has no other mode"
WHY_ABSENT = "Caffe has no such layer"
SOURCE = "https://caffe.berkeleyvision.org/tutorial/layers.html"

MAX, PROD = P.Eltwise.MAX, P.Eltwise.PROD
MEAN, ASUM, SUMSQ = P.Reduction.MEAN, P.Reduction.ASUM, P.Reduction.SUMSQ
LESS = [1, -1]  # coefficients of a difference


def shaped(x, *dim):
    """Give a top another shape; 0 keeps a dimension, -1 is what is left."""
    return L.Reshape(x, shape={"dim": list(dim)})


def inserted(x, axis):
    """Insert an axis of length one."""
    return L.Reshape(x, shape={"dim": [1]}, axis=axis, num_axes=0)


def removed(x, axis):
    """Take out an axis of length one."""
    return L.Reshape(x, shape={}, axis=axis, num_axes=1)


def halved(x):
    """Divide the channels of images into two groups, and make each of them one row."""
    top = shaped(x, x.shape[0], 2, -1)
    top.shape = (x.shape[0], 2, int(np.prod(x.shape[1:])) // 2)
    return top


def constant(value, *dim):
    """Return a top that is filled with one number."""
    filler = {"type": "constant", "value": value}
    return L.DummyData(shape={"dim": list(dim)}, data_filler=filler)


def drawn(kind, *dim, **options):
    """Return a top that is filled with random numbers at every pass."""
    return L.DummyData(shape={"dim": list(dim)}, data_filler=dict(type=kind, **options))


WEIGHTED = []


def weighted(top, *values, **options):
    """Say that arguments (or numbers) are the weights of a top's layer; return the top.

    ``gates`` is the order in which the layer wants the quarters of their rows.
    """
    WEIGHTED.append((top, values, options.get("gates")))
    return top


def convolution(x, w, **options):
    """Return a layer that convolves with the argument ``w``."""
    options = dict(options, num_output=w.shape[0], kernel_size=w.shape[2], bias_term=False)
    return weighted(L.Convolution(x, **options), w)


def deconvolution(x, w, **options):
    """Return a layer that is the gradient of a convolution with the argument ``w``."""
    options = dict(options, num_output=w.shape[1], kernel_size=w.shape[2], bias_term=False)
    return weighted(L.Deconvolution(x, convolution_param=options), w)


def product(x, w, **options):
    """Return a layer that multiplies by a matrix of arguments, with a bias where there is one."""
    bias, gates = options.pop("bias", None), options.pop("gates", None)
    values = (w,) if bias is None else (w, bias)
    options.setdefault("num_output", w.shape[0])
    layer = L.InnerProduct(x, bias_term=bias is not None, **options)
    return weighted(layer, *values, gates=gates)


def _normalised(x, axis, **options):
    # MVN takes away the mean; what it divides by is the deviation plus eps, outside of the root.
    size = float(np.prod(x.shape[axis:]))
    x = shaped(L.MVN(x, normalize_variance=False, **options), *x.shape)
    variance = L.Reduction(x, axis=axis, operation=SUMSQ, coeff=1 / size)
    return L.Scale(x, L.Power(variance, power=-0.5, shift=1e-5), axis=0)


def _lstm(x, h, c, w, u, b):
    # LSTMUnit is one step of the LSTM layer, which gives no gradient to the cell state. Its gates
    # are in the order input, forget, output, cell; its last bottom is 1 where a sequence goes on.
    count, units = c.shape
    gates = L.Eltwise(product(x, w, bias=b, gates=[0, 1, 3, 2]), product(h, u, gates=[0, 1, 3, 2]))
    c, h = L.LSTMUnit(
        shaped(c, 1, count, units), shaped(gates, 1, count, 4 * units), constant(1, 1, count),
        ntop=2,
    )  # fmt: skip
    return [removed(h, 0), removed(c, 0)]


# Permute, Reverse and Swish are layers of this wheel, beyond those of the Caffe 1.0 of Berkeley.
# A loss layer is minimised, unless its loss_weight is 0: then its value is an output like others.
# fmt: off
OPERATORS = {
    # elementary
    "abs": "L.AbsVal",
    "atanh": "lambda x: L.Eltwise(L.Log(x, shift=1), L.Log(x, scale=-1, shift=1), coeff=[.5, -.5])",
    "cosh": "lambda x: L.Eltwise(L.Exp(x), L.Exp(x, scale=-1), coeff=[0.5, 0.5])",
    "exp": "L.Exp",
    "expm1": "lambda x: L.Power(L.Exp(x), shift=-1)",
    "hypot": "lambda x, y: L.Power(L.Eltwise(L.Power(x, power=2), L.Power(y, power=2)), power=0.5)",
    "log": "L.Log",
    "log1p": "lambda x: L.Log(x, shift=1)",
    "log2": "lambda x: L.Log(x, base=2)",
    "log10": "lambda x: L.Log(x, base=10)",
    "logaddexp": "lambda x, y: L.Eltwise(y, L.BNLL(L.Eltwise(x, y, coeff=LESS)))",
    "reciprocal": "lambda x: L.Power(x, power=-1)",
    "sinh": "lambda x: L.Eltwise(L.Exp(x), L.Exp(x, scale=-1), coeff=[0.5, -0.5])",
    "sqrt": "lambda x: L.Power(x, power=0.5)",
    "square": "lambda x: L.Power(x, power=2)",
    "tanh": "L.TanH",
    # arithmetic
    "add": "L.Eltwise",
    "divide": "lambda x, y: L.Eltwise(x, L.Power(y, power=-1), operation=PROD)",
    "maximum": "lambda x, y: L.Eltwise(x, y, operation=MAX)",
    "minimum": "lambda x, y: L.Eltwise(x, L.ReLU(L.Eltwise(x, y, coeff=LESS)), coeff=LESS)",
    "multiply": "lambda x, y: L.Eltwise(x, y, operation=PROD)",
    "negative": "lambda x: L.Power(x, scale=-1)",
    "positive": "L.Power",
    "pow": "lambda x, y: L.Exp(L.Eltwise(L.Log(x), y, operation=PROD))",
    "sign": "lambda x: L.Eltwise(L.Threshold(x), L.Threshold(L.Power(x, scale=-1)), coeff=LESS)",
    "subtract": "lambda x, y: L.Eltwise(x, y, coeff=LESS)",
    # logic
    "greater": "lambda x, y: L.Threshold(L.Eltwise(x, y, coeff=LESS))",
    "greater_equal": "lambda x, y: L.Power(L.Threshold(L.Eltwise(y, x, coeff=LESS)),"
                     " scale=-1, shift=1)",
    "less": "lambda x, y: L.Threshold(L.Eltwise(y, x, coeff=LESS))",
    "less_equal": "lambda x, y: L.Power(L.Threshold(L.Eltwise(x, y, coeff=LESS)),"
                  " scale=-1, shift=1)",
    "logical_and": "lambda x, y: L.Eltwise(x, y, operation=PROD)",
    "logical_not": "lambda x: L.Power(x, scale=-1, shift=1)",
    "logical_or": "lambda x, y: L.Eltwise(x, y, operation=MAX)",
    "logical_xor": "lambda x, y: L.AbsVal(L.Eltwise(x, y, coeff=LESS))",
    # creation
    "full": "lambda: L.DummyData(shape={'dim': [2, 3]},"
            " data_filler={'type': 'constant', 'value': 7.5})",
    "full_like": "lambda x: L.Power(x, scale=0, shift=7.5)",
    "meshgrid": "lambda x, y: [L.Tile(shaped(x, -1, 1), axis=1, tiles=y.shape[0]),"
                " L.Tile(shaped(y, 1, -1), axis=0, tiles=x.shape[0])]",
    "ones": "lambda: L.DummyData(shape={'dim': [2, 3]},"
            " data_filler={'type': 'constant', 'value': 1})",
    "ones_like": "lambda x: L.Power(x, scale=0, shift=1)",
    "zeros": "lambda: L.DummyData(shape={'dim': [2, 3]})",
    "zeros_like": "lambda x: L.Power(x, scale=0)",
    # manipulation
    "broadcast_arrays": "lambda x, y: [L.Tile(x, axis=1, tiles=4), L.Tile(y, axis=0, tiles=3)]",
    "broadcast_to": "lambda x: L.Tile(x, axis=0, tiles=3)",
    "concat": "lambda x, y: L.Concat(x, y, axis=1)",
    "expand_dims": "lambda x: L.Reshape(x, shape={'dim': [1]}, axis=1, num_axes=0)",
    "flip": "lambda x: L.Reverse(x, axis=1)",
    "moveaxis": "lambda x: L.Permute(x, order=[1, 2, 0])",
    "permute_dims": "lambda x: L.Permute(x, order=[2, 0, 1])",
    "repeat": "lambda x: shaped(L.Tile(inserted(x, 2), axis=2, tiles=2), 0, 2 * x.shape[1])",
    "reshape": "lambda x: L.Reshape(x, shape={'dim': [4, 3]})",
    "roll": "lambda x: L.Concat(*reversed(L.Slice(x, slice_point=[x.shape[1] - 1], ntop=2)))",
    "squeeze": "lambda x: L.Reshape(x, shape={}, axis=1, num_axes=1)",
    "stack": "lambda x, y: L.Concat(inserted(x, 1), inserted(y, 1), axis=1)",
    "tile": "lambda x: L.Tile(L.Tile(x, axis=0, tiles=2), axis=1, tiles=3)",
    "unstack": "lambda x: [removed(row, 0) for row in L.Slice(x, axis=0, ntop=3)]",
    "pad": "lambda x: L.Concat(constant(0, 3, 1), x, constant(0, 3, 2), axis=1)",
    "slice": "lambda x: L.Concat(*L.Slice(L.Slice(x, axis=0, slice_point=[1], ntop=2)[1],"
             " axis=1, ntop=5)[::2], axis=1)",
    # indexing
    "argmax": "lambda x: removed(L.ArgMax(x, axis=1), 1)",
    "argmin": "lambda x: removed(L.ArgMax(L.Power(x, scale=-1), axis=1), 1)",
    "count_nonzero": "lambda x: L.Reduction(L.Threshold(L.AbsVal(x)), axis=1)",
    "where": "lambda c, x, y: L.Eltwise(y, L.Eltwise(c, L.Eltwise(x, y, coeff=LESS),"
             " operation=PROD))",
    "take": "lambda x, i: L.Permute(L.BatchReindex(L.Permute(x, order=[1, 0]), i), order=[1, 0])",
    "embedding": "lambda w, i: weighted(L.Embed(i, input_dim=w.shape[0], num_output=w.shape[1],"
                 " bias_term=False), w)",
    # sorting
    "argsort": "lambda x: L.ArgMax(L.Power(x, scale=-1), axis=1, top_k=x.shape[1])",
    "sort": "lambda x: L.Power(L.ArgMax(L.Power(x, scale=-1), axis=1, top_k=x.shape[1],"
            " out_max_val=True), scale=-1)",
    "top_k": "lambda x: [L.ArgMax(x, axis=1, top_k=2, out_max_val=True),"
             " L.ArgMax(x, axis=1, top_k=2)]",
    # reductions
    "all": "lambda x: L.Threshold(L.Reduction(x, axis=1), threshold=x.shape[1] - 0.5)",
    "any": "lambda x: L.Threshold(L.Reduction(x, axis=1))",
    "diff": "lambda x: L.Eltwise(L.Slice(x, slice_point=[1], ntop=2)[1],"
            " L.Slice(x, slice_point=[x.shape[1] - 1], ntop=2)[0], coeff=LESS)",
    "max": "lambda x: removed(L.Eltwise(*L.Slice(x, ntop=x.shape[1]), operation=MAX), 1)",
    "mean": "lambda x: L.Reduction(x, axis=1, operation=MEAN)",
    "min": "lambda x: removed(L.Power(L.Eltwise(*L.Slice(L.Power(x, scale=-1), ntop=x.shape[1]),"
           " operation=MAX), scale=-1), 1)",
    "prod": "lambda x: removed(L.Eltwise(*L.Slice(x, ntop=x.shape[1]), operation=PROD), 1)",
    "std": "lambda x: L.Power(L.Reduction(L.MVN(x, across_channels=True, normalize_variance=False),"
           " axis=1, operation=SUMSQ, coeff=1.0 / x.shape[1]), power=0.5)",
    "sum": "lambda x: L.Reduction(x, axis=1)",
    "var": "lambda x: L.Reduction(L.MVN(x, across_channels=True, normalize_variance=False),"
           " axis=1, operation=SUMSQ, coeff=1.0 / x.shape[1])",
    "logsumexp": "lambda x: L.Log(L.Reduction(L.Exp(x), axis=1))",
    # linalg
    "matmul": "lambda x, y: product(x, y, num_output=y.shape[-1], transpose=True)",
    "matrix_transpose": "lambda x: L.Permute(x, order=[0, 2, 1])",
    "tensordot": "lambda x, y: product(x, y, num_output=y.shape[-1], transpose=True)",
    "vecdot": "lambda x, y: L.Reduction(L.Eltwise(x, y, operation=PROD), axis=1)",
    "linalg_matrix_norm": "lambda x: L.Power(L.Reduction(x, operation=SUMSQ), power=0.5)",
    "linalg_outer": "lambda x, y: product(shaped(x, -1, 1), y)",
    "linalg_vector_norm": "lambda x: L.Power(L.Reduction(x, axis=1, operation=SUMSQ), power=0.5)",
    # convolution
    "conv1d": "lambda x, w: convolution(x, w)",
    "conv2d": "lambda x, w: convolution(x, w)",
    "conv2d_stride": "lambda x, w: convolution(x, w, stride=2)",
    "conv2d_padding": "lambda x, w: convolution(x, w, pad=2)",
    "conv2d_dilation": "lambda x, w: convolution(x, w, dilation=2)",
    "conv2d_groups": "lambda x, w: convolution(x, w, group=2)",
    "conv2d_depthwise": "lambda x, w: convolution(x, w, group=4)",
    "conv3d": "lambda x, w: convolution(x, w)",
    "conv2d_transpose": "lambda x, w: deconvolution(x, w)",
    "conv2d_transpose_stride": "lambda x, w: deconvolution(x, w, stride=2, pad=1)",
    "linear": "lambda x, w, b: product(x, w, bias=b)",
    "resize_nearest": "lambda x: L.Deconvolution(x, convolution_param={'num_output': x.shape[1],"
                      " 'group': x.shape[1], 'kernel_size': 2, 'stride': 2, 'bias_term': False,"
                      " 'weight_filler': {'type': 'constant', 'value': 1}}, param={'lr_mult': 0})",
    # pooling
    "max_pool1d": "lambda x: removed(L.Pooling(inserted(x, 2), kernel_h=1, kernel_w=2,"
                  " stride_h=1, stride_w=2), 2)",
    "max_pool2d": "lambda x: L.Pooling(x, kernel_size=2, stride=2)",
    "max_pool2d_overlapping": "lambda x: L.Pooling(x, kernel_size=3, stride=2)",
    "max_pool2d_padding": "lambda x: L.Pooling(x, kernel_size=3, stride=2, pad=1)",
    "avg_pool2d": "lambda x: L.Pooling(x, kernel_size=2, stride=2, pool=P.Pooling.AVE)",
    "global_avg_pool2d": "lambda x: shaped(L.Pooling(x, global_pooling=True,"
                         " pool=P.Pooling.AVE), 0, 0)",
    "global_max_pool2d": "lambda x: shaped(L.Pooling(x, global_pooling=True), 0, 0)",
    # normalisation: this wheel's BatchNorm computes no statistics of the batch, see its source:
    # https://github.com/kendryte/caffe/blob/master/src/caffe/layers/batch_norm_layer.cpp
    "batch_norm": "lambda x, g, b: weighted(L.Scale(L.BatchNorm(x, use_global_stats=False),"
                  " bias_term=True), g, b)",
    "batch_norm_inference": "lambda x, g, b, m, v: weighted(L.Scale(weighted(L.BatchNorm(x,"
                            " use_global_stats=True), m, v, 1), bias_term=True), g, b)",
    "layer_norm": "lambda x, g, b: weighted(L.Scale(_normalised(x, 1, across_channels=True),"
                  " bias_term=True), g, b)",
    "group_norm": "lambda x, g, b: weighted(L.Scale(shaped(_normalised(halved(x), 2),"
                  " *x.shape), bias_term=True), g, b)",
    "instance_norm": "lambda x, g, b: weighted(L.Scale(_normalised(x, 2), bias_term=True), g, b)",
    "rms_norm": "lambda x, g: weighted(L.Scale(L.Scale(x, L.Power(L.Reduction(x, axis=1,"
                " operation=SUMSQ, coeff=1.0 / x.shape[1]), power=-0.5, shift=1e-5), axis=0)), g)",
    "l2_normalise": "lambda x: L.Scale(x, L.Power(L.Reduction(x, axis=1, operation=SUMSQ),"
                    " power=-0.5), axis=0)",
    "local_response_norm": "lambda x: L.LRN(x, local_size=3, alpha=1e-4, beta=0.75)",
    # activations
    "relu": "L.ReLU",
    "leaky_relu": "lambda x: L.ReLU(x, negative_slope=0.01)",
    "prelu": "lambda x, a: weighted(L.PReLU(x), a)",
    "elu": "L.ELU",
    "selu": "lambda x: L.Power(L.ELU(x, alpha=1.6732632423543772), scale=1.0507009873554805)",
    "celu": "lambda x: L.Power(L.ELU(L.Power(x, scale=0.5)), scale=2)",
    "silu": "L.Swish",
    "mish": "lambda x: L.Eltwise(x, L.TanH(L.BNLL(x)), operation=PROD)",
    "sigmoid": "L.Sigmoid",
    "log_sigmoid": "lambda x: L.Power(L.BNLL(L.Power(x, scale=-1)), scale=-1)",
    "softplus": "L.BNLL",
    "softsign": "lambda x: L.Eltwise(x, L.Power(L.AbsVal(x), shift=1, power=-1), operation=PROD)",
    "softmax": "L.Softmax",
    "log_softmax": "lambda x: L.Log(L.Softmax(x))",
    "glu": "lambda x: (lambda a, b: L.Eltwise(a, L.Sigmoid(b), operation=PROD))("
           "*L.Slice(x, ntop=2))",
    # losses
    "cross_entropy": "lambda x, y: L.SoftmaxWithLoss(x, y, loss_weight=0)",
    "nll_loss": "lambda x, y: L.MultinomialLogisticLoss(L.Exp(x), y, loss_weight=0)",
    "binary_cross_entropy_logits": "lambda x, y: L.SigmoidCrossEntropyLoss(x, y,"
                                   " loss_param={'normalization': P.Loss.FULL}, loss_weight=0)",
    "mse_loss": "lambda x, y: L.Power(L.EuclideanLoss(x, y, loss_weight=0),"
                " scale=2.0 / x.shape[1])",
    "l1_loss": "lambda x, y: L.Reduction(L.Eltwise(x, y, coeff=LESS), operation=ASUM,"
               " coeff=1.0 / (x.shape[0] * x.shape[1]))",
    # recurrence
    "rnn_cell": "lambda x, h, w, u, b: L.TanH(L.Eltwise(product(x, w, bias=b), product(h, u)))",
    "lstm_cell": "_lstm",
    # random
    "random_uniform": "lambda: L.DummyData(shape={'dim': [10000]},"
                      " data_filler={'type': 'uniform'})",
    "random_normal": "lambda: L.DummyData(shape={'dim': [10000]},"
                     " data_filler={'type': 'gaussian'})",
    "random_bernoulli": "lambda: L.Threshold(drawn('uniform', 10000), threshold=0.75)",
    "random_exponential": "lambda: L.Power(L.Log(drawn('uniform', 10000)), scale=-1)",
    "random_permutation": "lambda: L.ArgMax(drawn('uniform', 1, 10000), axis=1, top_k=10000)",
    "dropout": "lambda x: L.Dropout(x, dropout_ratio=0.5)",
}
# fmt: on
_ONE_TYPE = "Caffe's blobs hold real numbers only"
ABSENT = {
    "real": _ONE_TYPE,
    "imag": _ONE_TYPE,
    "conj": _ONE_TYPE,
    "avg_pool2d_padding": "its average pooling divides by the window's size, padding included",
    "max_pool3d": "its pooling has two axes",
    "hinge_loss": "its HingeLoss is the one of several classes, with a class as label",
    "einsum": "its products have weights as second factor: two tops cannot be multiplied",
    "attention": "its products have weights as second factor: two tops cannot be multiplied",
    "causal_attention": "its products have weights as second factor: two tops cannot be multiplied",
    "gru_cell": "its recurrent layers are RNN and LSTM",
}


def run(function, arguments, captured):  # noqa: ARG001 (there is one mode only)
    """Run the network of a function on arrays and return its outputs."""
    return _in_child(lambda: _forward(function, arguments))


def gradient(function, arguments, weights):
    """Return the gradients by backward, of a loss that is the weighted sum of all outputs."""
    weights = [np.asarray(value) for value in weights]
    return _in_child(lambda: _backward(function, arguments, weights))


def _forward(function, arguments):
    inputs = [_top(L.Input(shape=_dims(value)), value) for value in arguments]
    spec, weights, outputs = _described(function, inputs)
    net = lenet.from_file(caffe.Net, spec.to_proto(), caffe.TRAIN)
    _fill(net, inputs, weights)
    net.forward()
    return [np.array(net.blobs[name].data) for name in outputs]


def _backward(function, arguments, loss_weights):
    """Run a network whose inputs are learnable: of a Parameter layer, where they are floats."""
    inputs = [
        _top((L.Parameter if value.dtype.kind == "f" else L.Input)(shape=_dims(value)), value)
        for value in arguments
    ]
    spec, weights, outputs = _described(function, inputs)
    factors = [_top(L.Input(shape={"dim": [value.size]}), value) for value in loss_weights]
    for number, (name, factor) in enumerate(zip(outputs, factors)):
        spec["factor%d" % number] = factor
        weighed = L.Eltwise(shaped(spec.tops[name], -1), factor, operation=PROD)
        spec["loss%d" % number] = L.Reduction(weighed, loss_weight=1)
    net = lenet.from_file(caffe.Net, spec.to_proto(), caffe.TRAIN)
    _fill(net, inputs, weights)
    for number, factor in enumerate(factors):
        net.blobs["factor%d" % number].data[...] = factor.value.ravel()
    net.forward()
    net.backward()
    return _gradients(net, inputs, weights)


def _dims(value):
    return {"dim": list(value.shape)}


def _top(top, value):
    top.value, top.shape = value, value.shape
    return top


def _described(function, inputs):
    """Return a NetSpec, its (layer, values, gates) with given weights, and its outputs' names."""
    del WEIGHTED[:]
    tops = function(*inputs)
    tops = tops if isinstance(tops, (list, tuple)) else [tops]
    spec, weights = caffe.NetSpec(), []
    used_as_weights = [id(value) for _, values, _ in WEIGHTED for value in values]
    for number, top in enumerate(inputs):
        if id(top) not in used_as_weights:
            spec["input%d" % number] = top
    for number, top in enumerate(tops):
        spec["output%d" % number] = top
    for number, (top, values, gates) in enumerate(WEIGHTED):
        name = next((n for n, other in spec.tops.items() if other is top), "weighted%d" % number)
        spec[name] = top
        weights.append((name, values, gates))
    return spec, weights, ["output%d" % number for number in range(len(tops))]


def _fill(net, inputs, weights):
    for number, top in enumerate(inputs):
        name = "input%d" % number
        if name in net.params:
            net.params[name][0].data[...] = top.value
        elif name in net.blobs:
            net.blobs[name].data[...] = top.value
    for name, values, gates in weights:
        for blob, value in zip(net.params[name], values):
            array = np.asarray(getattr(value, "value", value))
            blob.data[...] = _reordered(array, gates).reshape(blob.data.shape)


def _reordered(value, gates):
    """Bring the quarters of an array's rows into an order, which is its own inverse here."""
    return np.concatenate([np.split(value, 4)[g] for g in gates]) if gates else value


def _gradients(net, inputs, weights):
    found = []
    for number, top in enumerate(inputs):
        if top.value.dtype.kind != "f":
            continue
        name = "input%d" % number
        if name in net.params:
            found.append(np.array(net.params[name][0].diff))
        for layer, values, gates in weights:
            for blob, value in zip(net.params[layer], values):
                if value is top:
                    found.append(_reordered(blob.diff.reshape(top.shape), gates))
    return found


class Aborted(Exception):
    """Caffe has ended its process."""


def _in_child(function):
    """Return what a function returns in a child process; its end becomes an error."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)
    with tempfile.TemporaryFile() as log:

        def work():
            os.dup2(log.fileno(), 2)
            try:
                sender.send(function())
            except Exception as error:
                sender.send(error)

        process = context.Process(target=work)
        process.start()
        sender.close()
        try:
            answer = receiver.recv()
        except EOFError:
            process.join()
            log.seek(0)
            text = _last_words(log.read().decode())
            raise Aborted("Caffe ends the process: " + text) from None
        process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _last_words(log):
    """Return the message of a failed check, which glog writes in a line that begins with F."""
    fatal = [line for line in log.splitlines() if line.startswith("F")]
    return fatal[-1].split("] ", 1)[-1].strip() if fatal else "no message"
