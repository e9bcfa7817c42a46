"""Re-use in PyTensor: weights are shared variables, and frozen is what no update changes."""

import numpy as np
import pytensor
import pytensor.tensor as pt

from measurements.contract import Unsupported

from . import highlevel

BATCH, RATE = 32, 0.2


class Network:
    """LeNet with tanh; the first four weights are those of the convolutions."""

    def __init__(self, classes, seed):
        self.random = np.random.default_rng(seed)
        self.weights = []
        for shape in ((20, 1, 5, 5), (50, 20, 5, 5), (800, 500), (500, classes)):
            bound = np.sqrt(6.0 / ((shape[0] + shape[1]) * np.prod(shape[2:])))
            outputs = shape[0] if len(shape) == 4 else shape[1]
            for start in (self.random.uniform(-bound, bound, shape), np.zeros(outputs)):
                self.weights.append(pytensor.shared(start.astype("float32"), shape=start.shape))
        self.trained = self.weights
        self.step = None
        x = pt.tensor(shape=(None, 1, 28, 28), dtype="float32")
        self.scores = pytensor.function([x], highlevel.scores(x, self.weights))

    def compile(self):
        """Compile a step of SGD, which updates the weights that are not frozen."""
        x = pt.tensor(shape=(None, 1, 28, 28), dtype="float32")
        y = pt.tensor(shape=(None,), dtype="int64")
        log_probabilities = pt.special.log_softmax(highlevel.scores(x, self.weights), axis=1)
        cost = -log_probabilities[pt.arange(y.shape[0]), y].mean()
        gradients = pt.grad(cost, self.trained)
        updates = [(w, w - np.float32(RATE) * g) for w, g in zip(self.trained, gradients)]
        self.step = pytensor.function([x, y], cost, updates=updates)

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
    "PyTensor has no exporter to ONNX, and ONNX's list of converters has none for it",
    "https://onnx.ai/supported-tools.html",
)

import_caffe = Unsupported(
    "PyTensor has no importer of other frameworks' models",
    "https://pytensor.readthedocs.io/en/latest/library/index.html",
)
