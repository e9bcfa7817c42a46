"""Re-use in Lasagne: weights are read and set by layer, frozen is what is not tagged trainable."""

import lasagne
import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Lasagne's documentation uses)
from lasagne.layers import Conv2DLayer, DenseLayer, InputLayer, MaxPool2DLayer
from lasagne.nonlinearities import softmax, tanh

from measurements.contract import Unsupported

BATCH, RATE, MOMENTUM = 32, 0.01, 0.9


class Network:
    """LeNet with tanh."""

    def __init__(self, classes, seed):
        self.random = np.random.RandomState(seed)
        lasagne.random.set_rng(self.random)
        net = InputLayer((None, 1, 28, 28))
        net = MaxPool2DLayer(Conv2DLayer(net, 20, 5, nonlinearity=tanh), 2)
        self.body = MaxPool2DLayer(Conv2DLayer(net, 50, 5, nonlinearity=tanh), 2)
        net = DenseLayer(self.body, 500, nonlinearity=tanh)
        self.net = DenseLayer(net, classes, nonlinearity=softmax)
        self.step = None
        x = T.tensor4("x")
        self.scores = theano.function([x], lasagne.layers.get_output(self.net, x))

    def compile(self):
        """Compile a step that updates the weights that are tagged as trainable."""
        x, y = T.tensor4("x"), T.lvector("y")
        prediction = lasagne.layers.get_output(self.net, x)
        loss = lasagne.objectives.categorical_crossentropy(prediction, y).mean()
        weights = lasagne.layers.get_all_params(self.net, trainable=True)
        updates = lasagne.updates.nesterov_momentum(loss, weights, RATE, MOMENTUM)
        self.step = theano.function([x, y], loss, updates=updates)

    def fit(self, images, labels, epochs):
        """Train for some epochs."""
        if self.step is None:
            self.compile()
        for _ in range(epochs):
            order = self.random.permutation(len(images))
            for start in range(0, len(images), BATCH):
                chosen = order[start : start + BATCH]
                self.step(images[chosen], labels[chosen])

    def take_convolutions(self, other):
        """Copy the weights of another network's convolutions."""
        lasagne.layers.set_all_param_values(self.body, other.convolutions())

    def freeze(self):
        """Freeze the convolutions: their weights are trainable no more."""
        for layer in lasagne.layers.get_all_layers(self.body):
            for tags in layer.params.values():
                tags.discard("trainable")
        self.step = None

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        return lasagne.layers.get_all_param_values(self.body)


export_onnx = Unsupported(
    "neither Lasagne nor Theano has an exporter to ONNX, and ONNX's list of converters has none",
    "https://onnx.ai/supported-tools.html",
)

import_caffe = Unsupported(
    "Lasagne has no importer: its recipes rebuild a network by hand and copy Caffe's weights "
    "through Caffe itself",
    "https://github.com/Lasagne/Recipes/blob/master/examples/"
    "Using%20a%20Caffe%20Pretrained%20Network%20-%20CIFAR10.ipynb",
)
