"""LeNet with Theano's tensors, as its deep learning tutorials write it: there is nothing higher.

http://deeplearning.net/tutorial/lenet.html, with momentum, which five epochs need: the gradient of
pool_2d is wrong on ties (see lenet.py), and plain SGD learns slowly with it.
"""

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.tensor.signal.pool import pool_2d

INTERFACE = "theano.tensor: expressions, grad, function; weights through numpy.savez"


def probabilities(images, weights):
    """Return the class probabilities of images, an expression."""
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    layer = images
    for w, b in ((w1, b1), (w2, b2)):
        layer = pool_2d(T.nnet.conv2d(layer, w), (2, 2), ignore_border=True)
        layer = T.tanh(layer + b.dimshuffle("x", 0, "x", "x"))
    layer = T.tanh(T.dot(layer.flatten(2), w3) + b3)
    return T.nnet.softmax(T.dot(layer, w4) + b4)


def train(images, labels):
    """Return weights trained for five epochs, a list of shared variables."""
    random = np.random.RandomState(23455)
    weights = []
    for shape in ((20, 1, 5, 5), (50, 20, 5, 5), (800, 500), (500, 10)):
        field = np.prod(shape[2:])
        bound = np.sqrt(6.0 / ((shape[0] + shape[1]) * field))
        outputs = shape[0] if len(shape) == 4 else shape[1]
        weights.append(theano.shared(random.uniform(-bound, bound, shape).astype("float32")))
        weights.append(theano.shared(np.zeros(outputs, "float32")))
    x, y = T.tensor4("x"), T.lvector("y")
    cost = T.nnet.categorical_crossentropy(probabilities(x, weights), y).mean()
    updates = []
    for w, gradient in zip(weights, T.grad(cost, weights)):
        velocity = theano.shared(np.zeros_like(w.get_value()))
        change = 0.9 * velocity - 0.02 * gradient
        updates += [(velocity, change), (w, w + change)]
    step = theano.function([x, y], cost, updates=updates)
    for _ in range(5):
        order = random.permutation(len(images))
        for start in range(0, len(images), 64):
            chosen = order[start : start + 64]
            step(images[chosen], labels[chosen])
    return weights


def save(model, path):
    """Write the weights; the architecture stays in the code."""
    np.savez(path + ".npz", *[w.get_value() for w in model])
    return path + ".npz"


def load(path):
    """Return the weights of a file."""
    with np.load(path) as archive:
        return [theano.shared(archive[name]) for name in archive.files]


def predict(model, images):
    """Return the class probabilities, float32 (images, 10)."""
    x = T.tensor4("x")
    return theano.function([x], probabilities(x, model))(images)
