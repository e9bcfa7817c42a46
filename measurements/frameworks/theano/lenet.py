"""LeNet as Theano's deep learning tutorials write it.

Weights are shared variables, the network is a symbolic expression, ``T.grad`` derives the
gradients, and ``theano.function`` compiles loss and updates into one program.
"""

from collections import OrderedDict

import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.tensor.nnet import categorical_crossentropy, conv2d, softmax

from measurements import lenet as reference


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
    from theano.tensor.signal.pool import pool_2d  # not at the top: came with 0.8

    return pool_2d(images, ws=(2, 2), ignore_border=True, mode="max")


def max_pool(images, maximum=T.maximum):
    """Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient."""
    rows = maximum(images[:, :, :, 0::2], images[:, :, :, 1::2])
    return maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def switch_max_pool(images):
    """Max-pool 2x2 for releases before 1.0, in which T.maximum's gradient went to both of a tie."""
    return max_pool(images, lambda left, right: T.switch(T.ge(left, right), left, right))


def scores(images, p, batch, pool):
    """Return the class scores of images (batch, 1, 28, 28); a batch of None is any number.

    The 3x3 convolutions between second pooling and flattening are those that ``p`` has weights of;
    LeNet itself has none.
    """
    layer = pool(T.tanh(convolution(images, p, "conv1", (batch, 1, 28, 28))))
    layer = pool(T.tanh(convolution(layer, p, "conv2", (batch, 20, 12, 12))))
    for name in reference.layers(p):
        if name.startswith("deep"):
            layer = T.tanh(convolution(layer, p, name, (batch, 50, 4, 4), border_mode="half"))
    layer = T.tanh(T.dot(layer.flatten(2), p["dense1_weight"]) + p["dense1_bias"])
    return T.dot(layer, p["dense2_weight"]) + p["dense2_bias"]


def convolution(images, p, name, shape, border_mode="valid"):
    """Convolve images of a known shape (batch, channels, height, width) and add the bias."""
    weight = p[name + "_weight"]
    known = {"filter_shape": weight.get_value(borrow=True).shape, "border_mode": border_mode}
    if hasattr(T.nnet, "abstract_conv"):
        # filter_flip=False: cross-correlation, as everybody else computes it.
        layer = conv2d(images, weight, input_shape=shape, filter_flip=False, **known)
    else:  # before 0.8 it always flips
        layer = conv2d(images, weight[:, :, ::-1, ::-1], image_shape=shape, **known)
    return layer + p[name + "_bias"].dimshuffle("x", 0, "x", "x")


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
