"""LeNet as Theano's deep learning tutorials write it.

Weights are shared variables, the network is a symbolic expression, ``T.grad`` derives the
gradients, and ``theano.function`` compiles loss and updates into one program.
"""

from collections import OrderedDict

import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.tensor.nnet import categorical_crossentropy, conv2d, softmax
from theano.tensor.signal.pool import pool_2d


def share(parameters):
    """Return the weights as an ordered dict of shared variables."""
    return OrderedDict(
        (name, theano.shared(value, name=name)) for name, value in parameters.items()
    )


def builtin_max_pool(images):
    """Max-pool 2x2 with Theano's own operation.

    On the CPU its gradient goes to *every* element that equals the maximum, where cuDNN and the
    other frameworks choose one (https://github.com/Theano/Theano/issues/5404). Over the black
    border of a digit all four elements are equal, so the gradients of the biases come out up to
    four times too large (https://github.com/Theano/Theano/issues/5248 names MNIST).
    """
    return pool_2d(images, ws=(2, 2), ignore_border=True, mode="max")


def max_pool(images):
    """Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient."""
    rows = T.maximum(images[:, :, :, 0::2], images[:, :, :, 1::2])
    return T.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def scores(images, p, batch, pool):
    """Return the class scores of images (batch, 1, 28, 28); a batch of None is any number."""
    # filter_flip=False: cross-correlation, as everybody else computes it.
    layer = conv2d(images, p["conv1_weight"], (batch, 1, 28, 28), (20, 1, 5, 5), filter_flip=False)
    layer = pool(T.tanh(layer + p["conv1_bias"].dimshuffle("x", 0, "x", "x")))
    layer = conv2d(layer, p["conv2_weight"], (batch, 20, 12, 12), (50, 20, 5, 5), filter_flip=False)
    layer = pool(T.tanh(layer + p["conv2_bias"].dimshuffle("x", 0, "x", "x")))
    layer = T.tanh(T.dot(layer.flatten(2), p["dense1_weight"]) + p["dense1_bias"])
    return T.dot(layer, p["dense2_weight"]) + p["dense2_bias"]


def training_step(p, batch, learning_rate, pool):
    """Compile images, labels -> mean cross-entropy, with the SGD update as its side effect."""
    images, labels = T.tensor4("images"), T.ivector("labels")
    loss = categorical_crossentropy(softmax(scores(images, p, batch, pool)), labels).mean()
    weights = list(p.values())
    updates = [
        (weight, weight - learning_rate * gradient)
        for weight, gradient in zip(weights, T.grad(loss, weights))
    ]
    return theano.function([images, labels], loss, updates=updates)


def scorer(p, pool):
    """Compile images -> class scores, for any number of images."""
    images = T.tensor4("images")
    return theano.function([images], scores(images, p, None, pool))
