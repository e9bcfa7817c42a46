"""LeNet in plain JAX: pure functions of a dict of weights, and transformations of them.

``jax.value_and_grad`` derives the gradients, ``jax.jit`` hands the whole step to XLA, ``lax.scan``
makes one program of many steps. Arrays have the layout that ``jax.lax.conv`` takes by default:
images (batch, channels, height, width), kernels (outputs, inputs, height, width).
"""

import jax
import jax.numpy as jnp
from jax import lax

# jax.tree came with version 0.4.25; what is in it has been in jax.tree_util all the time.
tree_map = jax.tree.map if hasattr(jax, "tree") else jax.tree_util.tree_map


def convolve(images, weights, layer, padding="VALID"):
    """Return the cross-correlation of images with a layer's kernels, plus its bias."""
    bias = weights[layer + "_bias"][:, None, None]
    return lax.conv(images, weights[layer + "_weight"], (1, 1), padding) + bias


def max_pool(images):
    """Return the maxima of 2x2 blocks, by pairs.

    The gradient of ``lax.reduce_window`` is slow on XLA's CPU back end:
    https://github.com/openxla/xla/issues/34273
    """
    rows = jnp.maximum(images[:, :, 0::2], images[:, :, 1::2])
    return jnp.maximum(rows[:, :, :, 0::2], rows[:, :, :, 1::2])


def dense(rows, weights, layer):
    """Return a fully connected layer of rows."""
    return rows @ weights[layer + "_weight"] + weights[layer + "_bias"]


def scores(weights, images, deep=()):
    """Return the class scores (batch, 10) of images (batch, 1, 28, 28).

    ``deep`` names the 3x3 convolutions after the second pooling; LeNet itself has none.
    """
    layer = max_pool(jnp.tanh(convolve(images, weights, "conv1")))
    layer = max_pool(jnp.tanh(convolve(layer, weights, "conv2")))
    for name in deep:
        layer = jnp.tanh(convolve(layer, weights, name, "SAME"))
    layer = jnp.tanh(dense(layer.reshape(len(images), -1), weights, "dense1"))
    return dense(layer, weights, "dense2")


def training_step(learning_rate, deep=()):
    """Return the function weights, images, labels -> weights after one SGD step, mean loss."""

    def loss_function(weights, images, labels):
        log_probabilities = jax.nn.log_softmax(scores(weights, images, deep))
        return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()

    def step(weights, images, labels):
        loss, gradients = jax.value_and_grad(loss_function)(weights, images, labels)
        return tree_map(lambda w, g: w - learning_rate * g, weights, gradients), loss

    return step


def compiled(step):
    """Return the step as one XLA program that writes the new weights over the old ones."""
    return jax.jit(step, donate_argnums=0)


def scanned(step):
    """Return one XLA program: weights, (images, labels) of many steps -> weights, losses."""

    def steps(weights, batches):
        return lax.scan(lambda weights, batch: step(weights, *batch), weights, batches)

    return jax.jit(steps, donate_argnums=0)
