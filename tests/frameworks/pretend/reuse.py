"""Transfer learning with random features for convolutions, and a softmax regression on top."""

import numpy as np

from measurements.contract import Unsupported


class Network:
    """Features, which can be frozen, and weights, which are trained."""

    def __init__(self, classes, seed):
        random = np.random.RandomState(seed)
        self.features = random.randn(784, 64) / 28
        self.weights = np.zeros((64, classes))
        self.frozen = False

    def fit(self, images, labels, epochs):
        """Train the weights; features move a little unless they are frozen."""
        for _ in range(epochs):
            hidden = np.tanh(images.reshape(len(images), -1).dot(self.features))
            scores = hidden.dot(self.weights)
            chances = np.exp(scores - scores.max(1, keepdims=True))
            chances /= chances.sum(1, keepdims=True)
            chances[np.arange(len(labels)), labels] -= 1
            self.weights -= hidden.T.dot(chances) / len(images)
            if not self.frozen:
                self.features += 1e-3

    def take_convolutions(self, other):
        """Copy the features."""
        self.features = other.features.copy()

    def freeze(self):
        """Keep the features as they are."""
        self.frozen = True

    def convolutions(self):
        """Return the features."""
        return [self.features.copy()]

    def scores(self, images):
        """Return the class scores."""
        return np.tanh(images.reshape(len(images), -1).dot(self.features)).dot(self.weights)


export_onnx = Unsupported("pretend has no exporter", "https://example.org/onnx")
import_caffe = Unsupported("pretend reads nothing of others", "https://example.org/caffe")
