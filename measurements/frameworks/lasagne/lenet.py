"""LeNet as Lasagne's own MNIST example writes it: layers, an objective, updates."""

from functools import partial

import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne.layers import (
    Conv2DLayer,
    DenseLayer,
    InputLayer,
    Layer,
    MaxPool2DLayer,
    NonlinearityLayer,
    get_all_params,
    get_output,
)
from lasagne.nonlinearities import linear, softmax, tanh
from lasagne.objectives import categorical_crossentropy
from lasagne.updates import sgd


class MaximumPool(Layer):
    """Max-pool 2x2 as three maxima of pairs: of two equal elements, one gets the gradient.

    MaxPool2DLayer is Theano's pool_2d. On the CPU its gradient goes to *every* element that equals
    the maximum, where cuDNN and the other frameworks choose one
    (https://github.com/Theano/Theano/issues/5404); over the black border of a digit all four do.
    """

    def get_output_shape_for(self, input_shape):
        return input_shape[:2] + (input_shape[2] // 2, input_shape[3] // 2)

    def get_output_for(self, input, **kwargs):
        rows = T.maximum(input[:, :, :, 0::2], input[:, :, :, 1::2])
        return T.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def builtin_max_pool(incoming):
    """Max-pool 2x2 with Lasagne's own layer."""
    return MaxPool2DLayer(incoming, pool_size=2)


# Convolution without flipped filters, as everybody else computes it.
cross_correlation = partial(T.nnet.conv2d, filter_flip=False)


def network(p, pool, deep=(), batch=None):
    """Return the last layer, class probabilities, of a network with the initial weights ``p``.

    ``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet has none. A
    ``batch`` of None is any number.
    """

    def convolution(layer, name, filters, size, pad=0):
        weight, bias = p[name + "_weight"], p[name + "_bias"]
        return Conv2DLayer(
            layer,
            filters,
            size,
            pad=pad,
            W=weight,
            b=bias,
            nonlinearity=tanh,
            convolution=cross_correlation,
        )

    def dense(layer, name, units, nonlinearity):
        weight, bias = p[name + "_weight"], p[name + "_bias"]
        return DenseLayer(layer, units, W=weight, b=bias, nonlinearity=nonlinearity)

    layer = InputLayer((batch, 1, 28, 28))
    layer = pool(convolution(layer, "conv1", 20, 5))
    layer = pool(convolution(layer, "conv2", 50, 5))
    for name in deep:
        layer = convolution(layer, name, 50, 3, pad=1)
    layer = dense(layer, "dense1", 500, tanh)
    return NonlinearityLayer(dense(layer, "dense2", 10, linear), softmax)


def training_step(net, learning_rate):
    """Compile images, labels -> mean cross-entropy, with the SGD update as its side effect."""
    images, labels = T.tensor4("images"), T.ivector("labels")
    loss = categorical_crossentropy(get_output(net, images), labels).mean()
    updates = sgd(loss, get_all_params(net, trainable=True), learning_rate)
    return theano.function([images, labels], loss, updates=updates)


def scorer(net):
    """Compile images -> class scores, which are what the softmax at the end is given."""
    images = T.tensor4("images")
    return theano.function([images], get_output(net.input_layer, images))
