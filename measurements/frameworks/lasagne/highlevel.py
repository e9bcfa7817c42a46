"""LeNet with Lasagne's layers, objectives and updates, after its MNIST example.

https://github.com/Lasagne/Lasagne/blob/master/examples/mnist.py
"""

import lasagne
import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne.layers import Conv2DLayer, DenseLayer, InputLayer, MaxPool2DLayer
from lasagne.nonlinearities import softmax, tanh

INTERFACE = "lasagne: layers, objectives, updates; weights through numpy.savez"


def network():
    """Return the last of LeNet's layers, which is Lasagne's handle of a network."""
    net = InputLayer((None, 1, 28, 28))
    net = MaxPool2DLayer(Conv2DLayer(net, 20, 5, nonlinearity=tanh), 2)
    net = MaxPool2DLayer(Conv2DLayer(net, 50, 5, nonlinearity=tanh), 2)
    net = DenseLayer(net, 500, nonlinearity=tanh)
    return DenseLayer(net, 10, nonlinearity=softmax)


def train(images, labels):
    """Return a network trained for five epochs."""
    random = np.random.RandomState(2016)
    lasagne.random.set_rng(random)
    net = network()
    x, y = T.tensor4("x"), T.lvector("y")
    prediction = lasagne.layers.get_output(net, x)
    loss = lasagne.objectives.categorical_crossentropy(prediction, y).mean()
    weights = lasagne.layers.get_all_params(net, trainable=True)
    updates = lasagne.updates.nesterov_momentum(loss, weights, learning_rate=0.01, momentum=0.9)
    step = theano.function([x, y], loss, updates=updates)
    for _ in range(5):
        order = random.permutation(len(images))
        for start in range(0, len(images), 64):
            chosen = order[start : start + 64]
            step(images[chosen], labels[chosen])
    return net


def save(model, path):
    """Write the weights; the architecture stays in the code."""
    np.savez(path + ".npz", *lasagne.layers.get_all_param_values(model))
    return path + ".npz"


def load(path):
    """Return a new network with the weights of a file."""
    net = network()
    with np.load(path) as archive:
        values = [archive[name] for name in archive.files]
    lasagne.layers.set_all_param_values(net, values)
    return net


def predict(model, images):
    """Return the class probabilities, float32 (images, 10)."""
    x = T.tensor4("x")
    return theano.function([x], lasagne.layers.get_output(model, x))(images)
