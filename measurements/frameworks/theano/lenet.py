"""LeNet as Theano's deep learning tutorials write it.

Weights are shared variables, the network is a symbolic expression, ``T.grad`` derives the
gradients, and ``theano.function`` compiles loss and updates into one program.
"""

from collections import OrderedDict

import theano
import theano.tensor as T
from theano.tensor.nnet import categorical_crossentropy, conv2d, softmax


def share(parameters):
    """Return the weights as an ordered dict of shared variables."""
    return OrderedDict(
        (name, theano.shared(value, name=name)) for name, value in parameters.items()
    )


def max_pool(images):
    m = T.maximum(images[:, :, :, 0::2], images[:, :, :, 1::2])
    return T.maximum(m[:, :, 0::2], m[:, :, 1::2])


def scores(images, p, batch):
    """Return the class scores of images (batch, 1, 28, 28); a batch of None is any number."""
    # filter_flip=False: cross-correlation, as everybody else computes it.
    layer = conv2d(
        images, p["conv1_weight"], (batch, 1, 28, 28), (20, 1, 5, 5), filter_flip=False
    )
    layer = T.tanh(layer + p["conv1_bias"].dimshuffle("x", 0, "x", "x"))
    layer = max_pool(layer)
    layer = conv2d(
        layer, p["conv2_weight"], (batch, 20, 12, 12), (50, 20, 5, 5), filter_flip=False
    )
    layer = T.tanh(layer + p["conv2_bias"].dimshuffle("x", 0, "x", "x"))
    layer = max_pool(layer)
    layer = T.tanh(T.dot(layer.flatten(2), p["dense1_weight"]) + p["dense1_bias"])
    return T.dot(layer, p["dense2_weight"]) + p["dense2_bias"]


def training_step(p, batch, learning_rate):
    """Compile images, labels -> mean cross-entropy, with the SGD update as its side effect."""
    images, labels = T.tensor4("images"), T.ivector("labels")
    loss = categorical_crossentropy(softmax(scores(images, p, batch)), labels).mean()
    weights = list(p.values())
    updates = [
        (weight, weight - learning_rate * gradient)
        for weight, gradient in zip(weights, T.grad(loss, weights))
    ]
    return theano.function([images, labels], loss, updates=updates)


def scorer(p):
    """Compile images -> class scores, for any number of images."""
    images = T.tensor4("images")
    return theano.function([images], scores(images, p, None))
