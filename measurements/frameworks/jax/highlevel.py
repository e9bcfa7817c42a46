"""LeNet with Flax NNX, Optax and Orbax, after Flax's MNIST tutorial and its checkpointing guide.

https://flax.readthedocs.io/en/stable/mnist_tutorial.html
https://flax.readthedocs.io/en/stable/guides/checkpointing.html
"""

import numpy as np
import optax
import orbax.checkpoint as ocp
from flax import nnx

INTERFACE = "Flax NNX: Module, Optimizer, jit; Orbax: save, restore"


class CNN(nnx.Module):
    """Images (count, 28, 28, 1) -> class scores (count, 10)."""

    def __init__(self, rngs):
        self.conv1 = nnx.Conv(1, 20, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(20, 50, (5, 5), padding="VALID", rngs=rngs)
        self.linear1 = nnx.Linear(800, 500, rngs=rngs)
        self.linear2 = nnx.Linear(500, 10, rngs=rngs)

    def __call__(self, x):
        x = nnx.max_pool(nnx.relu(self.conv1(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.relu(self.linear1(x.reshape(len(x), -1)))
        return self.linear2(x)


@nnx.jit
def train_step(model, optimizer, images, labels):
    """Update the model and the state of its optimiser in place."""

    def loss_fn(model):
        scores = model(images)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    optimizer.update(model, nnx.grad(loss_fn)(model))


@nnx.jit
def scores(model, images):
    """Return the class scores, compiled."""
    return model(images)


def train(images, labels):
    """Return a model trained for five epochs."""
    images = images.transpose(0, 2, 3, 1)  # Flax takes the channels last
    model = CNN(rngs=nnx.Rngs(2016))
    optimizer = nnx.Optimizer(model, optax.adamw(0.001), wrt=nnx.Param)
    random = np.random.default_rng(2016)
    for _ in range(5):
        order = random.permutation(len(images))
        for start in range(0, len(images) - 63, 64):
            batch = order[start : start + 64]
            train_step(model, optimizer, images[batch], labels[batch])
    return model


def save(model, path):
    """Write the weights into a folder; the architecture stays in the code."""
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, nnx.state(model))
    return path


def load(path):
    """Return a new model with the weights of a folder."""
    abstract_model = nnx.eval_shape(lambda: CNN(rngs=nnx.Rngs(0)))
    graphdef, abstract_state = nnx.split(abstract_model)
    with ocp.StandardCheckpointer() as checkpointer:
        return nnx.merge(graphdef, checkpointer.restore(path, abstract_state))


def predict(model, images):
    """Return the class scores, float32 (count, 10)."""
    return np.asarray(scores(model, images.transpose(0, 2, 3, 1)))
