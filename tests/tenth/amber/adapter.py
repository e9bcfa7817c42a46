"""A framework that is not there: LeNet in plain NumPy behind measurements.contract."""

from collections import OrderedDict

import numpy as np

from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """NumPy on the CPU, with whatever threads its BLAS has."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.device != "cpu" or settings.precision != "float32":
            raise Unsupported("computes in float32 on the CPU only", "https://numpy.org")

    def lenet(self, parameters, batch):
        return LeNet(parameters, self.settings.learning_rate)


class LeNet(Model):
    """Weights are plain arrays, in the canonical layout."""

    def __init__(self, parameters, learning_rate):
        from . import lenet

        self.code, self.rate = lenet, np.float32(learning_rate)
        self.load(parameters)

    def step(self, batch):
        loss, gradients = self.code.gradients(self.weights, *batch)
        for name, gradient in gradients.items():
            self.weights[name] -= self.rate * gradient
        return loss

    def logits(self, images):
        return self.code.forward(self.weights, images)[0]

    def parameters(self):
        return OrderedDict((name, value.copy()) for name, value in self.weights.items())

    def load(self, parameters):
        self.weights = OrderedDict((name, value.copy()) for name, value in parameters.items())
