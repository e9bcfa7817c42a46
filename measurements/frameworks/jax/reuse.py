"""What is carried over from one LeNet to another, and to other programs, with Flax NNX.

https://flax.readthedocs.io/en/stable/guides/filters_guide.html
https://github.com/enpasos/jax2onnx
"""

import jax
import numpy as np
import optax
from flax import nnx

from measurements.contract import Unsupported

BATCH = 40
CONVOLUTIONS = nnx.Any(nnx.PathContains("conv1"), nnx.PathContains("conv2"))


class CNN(nnx.Module):
    """Images (count, 28, 28, 1) -> class scores."""

    def __init__(self, classes, rngs):
        self.conv1 = nnx.Conv(1, 20, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(20, 50, (5, 5), padding="VALID", rngs=rngs)
        self.linear1 = nnx.Linear(800, 500, rngs=rngs)
        self.linear2 = nnx.Linear(500, classes, rngs=rngs)

    def __call__(self, x):
        x = nnx.max_pool(nnx.relu(self.conv1(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.relu(self.linear1(x.reshape(len(x), -1)))
        return self.linear2(x)


@nnx.jit(static_argnames="trained")
def train_step(model, optimizer, images, labels, trained):
    """Update those weights that the filter ``trained`` selects, in place."""

    def loss_fn(model):
        scores = model(images)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    optimizer.update(model, nnx.grad(loss_fn, argnums=nnx.DiffState(0, trained))(model))


@nnx.jit
def forward(model, images):
    """Return the class scores, compiled."""
    return model(images)


class Network:
    """A LeNet whose convolutions can come from another one, and be frozen."""

    def __init__(self, classes, seed):
        self.model = CNN(classes, rngs=nnx.Rngs(seed))
        self.random = np.random.default_rng(seed)
        self.trained = nnx.Param

    def fit(self, images, labels, epochs):
        """Train what is not frozen."""
        images = channels_last(images)
        optimizer = nnx.Optimizer(self.model, optax.adamw(0.001), wrt=self.trained)
        for _ in range(epochs):
            order = self.random.permutation(len(images))
            for start in range(0, len(images) - BATCH + 1, BATCH):
                batch = order[start : start + BATCH]
                train_step(self.model, optimizer, images[batch], labels[batch], self.trained)

    def take_convolutions(self, other):
        """Copy the convolutions of another network."""
        copies = jax.tree.map(jax.numpy.copy, nnx.state(other.model, CONVOLUTIONS))
        nnx.update(self.model, copies)

    def freeze(self):
        """Leave the convolutions out of gradient and optimiser."""
        self.trained = nnx.All(nnx.Param, nnx.Not(CONVOLUTIONS))

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        state = nnx.state(self.model, CONVOLUTIONS)
        return [np.array(value) for value in jax.tree.leaves(state)]

    def scores(self, images):
        """Return the class scores, float32 (count, classes)."""
        return np.asarray(forward(self.model, channels_last(images)))


def channels_last(images):
    """Return images as Flax takes them."""
    return images.transpose(0, 2, 3, 1)


def export_onnx(model, images, path):
    """Write the model as ONNX; return what it takes."""
    import onnx
    from jax2onnx import to_onnx

    images = channels_last(images)
    onnx.save(to_onnx(model, [images.shape]), path)
    return images


import_caffe = Unsupported(
    "neither JAX nor Flax reads Caffe's models", "https://docs.jax.dev/en/latest/"
)
