"""LeNet with PyTensor's tensors: there is nothing higher, and neither convolution nor pooling.

Both are composed here, after NumPy's fashion: https://pytensor.readthedocs.io/en/latest/
"""

import numpy as np
import pytensor
import pytensor.tensor as pt

INTERFACE = "pytensor.tensor: expressions, grad, function; weights through numpy.savez"


def convolution(images, w):
    """Stack the shifts of images (channels, count, height, width), then one matrix product."""
    outputs, _, size, _ = w.type.shape
    count, height, width = images.shape[1], images.shape[2] - size + 1, images.shape[3] - size + 1
    rows = pt.stack([images[:, :, i : i + height] for i in range(size)], axis=1)
    patches = pt.stack([rows[..., j : j + width] for j in range(size)], axis=2)
    product = w.reshape((outputs, -1)) @ patches.reshape((-1, count * height * width))
    return product.reshape((outputs, count, height, width))


def max_pool(images):
    """Return the maxima of 2x2 blocks."""
    images = pt.maximum(images[..., 0::2], images[..., 1::2])
    return pt.maximum(images[..., 0::2, :], images[..., 1::2, :])


def scores(images, weights):
    """Return the class scores of images (count, 1, 28, 28), an expression."""
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    layer = images.transpose(1, 0, 2, 3)
    for w, b in ((w1, b1), (w2, b2)):
        layer = pt.tanh(max_pool(convolution(layer, w)) + b[:, None, None, None])
    layer = layer.transpose(1, 0, 2, 3).flatten(2)
    return pt.tanh(layer @ w3 + b3) @ w4 + b4


def train(images, labels):
    """Return weights trained for five epochs, a list of shared variables."""
    random = np.random.default_rng(2016)
    weights = []
    for shape in ((20, 1, 5, 5), (50, 20, 5, 5), (800, 500), (500, 10)):
        bound = np.sqrt(6.0 / ((shape[0] + shape[1]) * np.prod(shape[2:])))
        outputs = shape[0] if len(shape) == 4 else shape[1]
        for value in (random.uniform(-bound, bound, shape), np.zeros(outputs)):
            weights.append(pytensor.shared(value.astype("float32"), shape=value.shape))
    x = pt.tensor("x", shape=(64, 1, 28, 28), dtype="float32")
    y = pt.tensor("y", shape=(64,), dtype="int64")
    cost = -pt.special.log_softmax(scores(x, weights), axis=1)[pt.arange(64), y].mean()
    updates = [(w, w - 0.2 * gradient) for w, gradient in zip(weights, pt.grad(cost, weights))]
    step = pytensor.function([x, y], cost, updates=updates)
    for _ in range(5):
        order = random.permutation(len(images))
        for start in range(0, len(images) - 63, 64):
            batch = order[start : start + 64]
            step(images[batch], labels[batch])
    return weights


def save(model, path):
    """Write the weights; the architecture stays in the code."""
    np.savez(path + ".npz", *[w.get_value() for w in model])
    return path + ".npz"


def load(path):
    """Return the weights of a file."""
    with np.load(path) as archive:
        values = [archive[name] for name in archive.files]
    return [pytensor.shared(value, shape=value.shape) for value in values]


def predict(model, images):
    """Return the class scores, float32 (count, 10)."""
    x = pt.tensor("x", shape=(None, 1, 28, 28), dtype="float32")
    return pytensor.function([x], scores(x, model))(images)
