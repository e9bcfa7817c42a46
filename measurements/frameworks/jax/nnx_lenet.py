"""LeNet with Flax NNX and Optax, as Flax's MNIST tutorial writes it.

https://flax.readthedocs.io/en/stable/mnist_tutorial.html
"""

import jax
import optax
from flax import nnx


class CNN(nnx.Module):
    """Images (batch, 28, 28, 1) -> class scores (batch, 10).

    ``deep`` is the number of 3x3 convolutions after the second pooling; LeNet itself has none.
    """

    def __init__(self, deep, rngs):
        self.conv1 = nnx.Conv(1, 20, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(20, 50, (5, 5), padding="VALID", rngs=rngs)
        self.deep = nnx.List([nnx.Conv(50, 50, (3, 3), rngs=rngs) for _ in range(deep)])
        self.dense1 = nnx.Linear(800, 500, rngs=rngs)
        self.dense2 = nnx.Linear(500, 10, rngs=rngs)

    def __call__(self, images):
        layer = nnx.max_pool(nnx.tanh(self.conv1(images)), (2, 2), (2, 2))
        layer = nnx.max_pool(nnx.tanh(self.conv2(layer)), (2, 2), (2, 2))
        for convolution in self.deep:
            layer = nnx.tanh(convolution(layer))
        layer = nnx.tanh(self.dense1(layer.reshape(len(images), -1)))
        return self.dense2(layer)


def optimiser(model, learning_rate):
    """Return plain SGD over the model's weights."""
    return nnx.Optimizer(model, optax.sgd(learning_rate), wrt=nnx.Param)


def training_step(model, optimizer, images, labels):
    """Take one SGD step, in place; return the mean loss before it."""

    def loss_function(model):
        losses = optax.softmax_cross_entropy_with_integer_labels(model(images), labels)
        return losses.mean()

    loss, gradients = nnx.value_and_grad(loss_function)(model)
    optimizer.update(model, gradients)
    return loss


def functional(model, optimizer):
    """Return the compiled function state, images, labels -> state after one step, mean loss.

    https://flax.readthedocs.io/en/latest/guides/performance.html
    """
    graph, _ = nnx.split((model, optimizer))

    def step(state, images, labels):
        model, optimizer = nnx.merge(graph, state)
        loss = training_step(model, optimizer, images, labels)
        return nnx.state((model, optimizer)), loss

    return jax.jit(step)


def scorer():
    """Return the compiled function model, images -> class scores."""
    return nnx.jit(lambda model, images: model(images))
