"""LeNet in PyTensor's tensor operations.

Weights are shared variables, the network is a symbolic expression, ``pt.grad`` derives the
gradients, and ``pytensor.function`` compiles loss and updates into one program with the back end
of a mode.

PyTensor has neither neural-network convolution nor pooling. A convolution is composed of slices
(im2col) and one matrix product, max-pooling of the maxima of pairs. Between them the channels come
first, (channels, batch, height, width): so no product needs a transposition of its factors.
"""

from collections import OrderedDict

import pytensor
import pytensor.tensor as pt

from measurements import lenet as reference


def share(parameters):
    """Return the weights as an ordered dict of shared variables of fixed shapes."""
    return OrderedDict(
        (name, pytensor.shared(value, name=name, shape=value.shape))
        for name, value in parameters.items()
    )


def convolution(images, side, p, name, padding=0):
    """Cross-correlate images (channels, batch, side, side) with a layer's kernels; add its bias.

    A stack of all shifts is made in two rounds, first those along the rows and then those along
    the columns: 5 + 5 slices do what 5 * 5 would, and every slice is an operation to compile.
    The side is handed over: the first releases do not follow it from operation to operation.
    """
    weight = p[name + "_weight"]
    outputs, inputs, size, _ = weight.type.shape
    batch = images.shape[1]
    if padding:
        edge = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
        images = pt.pad(images, edge)
    side = side + 2 * padding - size + 1
    rows = pt.stack([images[:, :, i : i + side] for i in range(size)], axis=1)
    columns = pt.stack([rows[..., j : j + side] for j in range(size)], axis=2)
    columns = columns.reshape((inputs * size * size, batch * side * side))
    sums = pt.dot(weight.reshape((outputs, -1)), columns)
    sums = sums.reshape((outputs, batch, side, side))
    return sums + p[name + "_bias"].dimshuffle(0, "x", "x", "x")


def max_pool(images):
    """Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient."""
    rows = pt.maximum(images[..., 0::2], images[..., 1::2])
    return pt.maximum(rows[..., 0::2, :], rows[..., 1::2, :])


def scores(images, p):
    """Return the class scores of images (batch, 1, 28, 28).

    The 3x3 convolutions between second pooling and flattening are those that ``p`` has weights of;
    LeNet itself has none.
    """
    layer = images.dimshuffle(1, 0, 2, 3)
    layer = max_pool(pt.tanh(convolution(layer, 28, p, "conv1")))
    layer = max_pool(pt.tanh(convolution(layer, 12, p, "conv2")))
    for name in reference.layers(p):
        if name.startswith("deep"):
            layer = pt.tanh(convolution(layer, 4, p, name, padding=1))
    layer = layer.dimshuffle(1, 0, 2, 3).flatten(2)
    layer = pt.tanh(pt.dot(layer, p["dense1_weight"]) + p["dense1_bias"])
    return pt.dot(layer, p["dense2_weight"]) + p["dense2_bias"]


def training_step(p, batch, learning_rate, mode):
    """Compile images, labels -> mean cross-entropy, with the SGD update as its side effect."""
    images = pt.tensor(name="images", shape=(batch, 1, 28, 28), dtype="float32")
    labels = pt.tensor(name="labels", shape=(batch,), dtype="int32")
    log_probabilities = pt.special.log_softmax(scores(images, p), axis=1)
    loss = -log_probabilities[pt.arange(batch), labels].mean()
    weights = list(p.values())
    updates = [
        (weight, weight - learning_rate * gradient)
        for weight, gradient in zip(weights, pt.grad(loss, weights))
    ]
    train = pytensor.function([images, labels], loss, updates=updates, mode=mode)
    train.trust_input = True  # an argument of function() came later than this
    return train


def scorer(p, mode):
    """Compile images -> class scores, for any number of images."""
    images = pt.tensor(name="images", shape=(None, 1, 28, 28), dtype="float32")
    return pytensor.function([images], scores(images, p), mode=mode)
