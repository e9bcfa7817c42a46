"""Re-use in Theano: weights are shared variables, and frozen is what no update changes."""

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)

from measurements.contract import Unsupported

from . import highlevel

BATCH, RATE, MOMENTUM = 32, 0.02, 0.9


class Network:
    """LeNet with tanh; the first four weights are those of the convolutions."""

    def __init__(self, classes, seed):
        self.random = np.random.RandomState(seed)
        self.weights = []
        for shape in ((20, 1, 5, 5), (50, 20, 5, 5), (800, 500), (500, classes)):
            field = np.prod(shape[2:])
            bound = np.sqrt(6.0 / ((shape[0] + shape[1]) * field))
            outputs = shape[0] if len(shape) == 4 else shape[1]
            start = self.random.uniform(-bound, bound, shape).astype("float32")
            self.weights += [theano.shared(start), theano.shared(np.zeros(outputs, "float32"))]
        self.trained = self.weights
        self.step = None
        x = T.tensor4("x")
        self.scores = theano.function([x], highlevel.probabilities(x, self.weights))

    def compile(self):
        """Compile a step of SGD with momentum, which updates the weights that are not frozen."""
        x, y = T.tensor4("x"), T.lvector("y")
        scores = highlevel.probabilities(x, self.weights)
        cost = T.nnet.categorical_crossentropy(scores, y).mean()
        updates = []
        for w, gradient in zip(self.trained, T.grad(cost, self.trained)):
            velocity = theano.shared(np.zeros_like(w.get_value()))
            change = MOMENTUM * velocity - RATE * gradient
            updates += [(velocity, change), (w, w + change)]
        self.step = theano.function([x, y], cost, updates=updates)

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
        for mine, theirs in zip(self.weights[:4], other.weights[:4]):
            mine.set_value(theirs.get_value())

    def freeze(self):
        """Freeze the convolutions: gradients and updates are asked for the rest only."""
        self.trained = self.weights[4:]
        self.step = None

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        return [w.get_value() for w in self.weights[:4]]


export_onnx = Unsupported(
    "Theano has no exporter to ONNX, and ONNX's list of converters has none for it",
    "https://onnx.ai/supported-tools.html",
)

import_caffe = Unsupported(
    "Theano has no importer of other frameworks' models",
    "https://github.com/Theano/Theano/wiki/Related-projects",
)
