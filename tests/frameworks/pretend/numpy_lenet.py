"""LeNet in float32 with NumPy, for frameworks that tests invent: its steps are right and short."""

import numpy as np

CORNERS = [(row, column) for row in (0, 1) for column in (0, 1)]


def logits(weights, images):
    """Return the class scores (count, 10) before softmax."""
    parts = [images[start : start + 100] for start in range(0, len(images), 100)]  # fit the cache
    return np.concatenate([_forward(weights, part)[0] for part in parts])


def step(weights, images, labels, rate):
    """Return (loss before the update, new weights): one step of SGD, names as in the contract."""
    w = weights
    scores, (patches1, tanh1, won1, pool1, patches2, tanh2, won2, pool2, flat, tanh3) = _forward(
        weights, images
    )
    scores -= scores.max(1, keepdims=True)
    chances, own = np.exp(scores), (np.arange(len(images)), labels)
    chances /= chances.sum(1, keepdims=True)
    loss = -np.log(chances[own]).mean()

    chances[own] -= 1
    chances /= len(images)
    d_tanh3 = chances @ w["dense2_weight"].T * (1 - tanh3**2)
    channels_first = (len(images), pool2.shape[3], *pool2.shape[1:3])
    d_pool2 = (d_tanh3 @ w["dense1_weight"].T).reshape(channels_first).transpose(0, 2, 3, 1)
    d_conv2 = _unpool(won2, d_pool2) * (1 - tanh2**2)
    columns = np.tensordot(d_conv2, w["conv2_weight"], 1)  # images, rows, columns, in, 5, 5
    d_pool1 = np.zeros_like(pool1)
    for row, column in np.ndindex(*w["conv2_weight"].shape[2:]):
        target = d_pool1[:, row : row + columns.shape[1], column : column + columns.shape[2]]
        target += columns[..., row, column]
    d_conv1 = _unpool(won1, d_pool1) * (1 - tanh1**2)
    gradients = {
        "conv1_weight": _of_weight(d_conv1, patches1, w["conv1_weight"].shape),
        "conv1_bias": d_conv1.sum((0, 1, 2)),
        "conv2_weight": _of_weight(d_conv2, patches2, w["conv2_weight"].shape),
        "conv2_bias": d_conv2.sum((0, 1, 2)),
        "dense1_weight": flat.T @ d_tanh3,
        "dense1_bias": d_tanh3.sum(0),
        "dense2_weight": tanh3.T @ chances,
        "dense2_bias": chances.sum(0),
    }
    return float(loss), {name: w[name] - np.float32(rate) * gradients[name] for name in w}


def _forward(weights, images):
    """Return the scores and everything that the backward pass needs."""
    w = weights
    patches1, tanh1 = _convolve(images.transpose(0, 2, 3, 1), w["conv1_weight"], w["conv1_bias"])
    pool1, won1 = _pool(tanh1)
    patches2, tanh2 = _convolve(pool1, w["conv2_weight"], w["conv2_bias"])
    pool2, won2 = _pool(tanh2)
    flat = pool2.transpose(0, 3, 1, 2).reshape(len(images), -1)
    tanh3 = np.tanh(flat @ w["dense1_weight"] + w["dense1_bias"])
    scores = tanh3 @ w["dense2_weight"] + w["dense2_bias"]
    return scores, (patches1, tanh1, won1, pool1, patches2, tanh2, won2, pool2, flat, tanh3)


def _convolve(images, weight, bias):
    """Return (patches, tanh of the convolution), channels last."""
    outputs, _, *size = weight.shape
    windows = np.lib.stride_tricks.sliding_window_view(images, size, (1, 2))
    count, rows, columns = windows.shape[:3]
    patches = windows.reshape(count * rows * columns, -1)
    scores = patches @ weight.reshape(outputs, -1).T + bias
    return patches, np.tanh(scores).reshape(count, rows, columns, outputs)


def _of_weight(upstream, patches, shape):
    return (upstream.reshape(-1, shape[0]).T @ patches).reshape(shape)


def _pool(images):
    """Return the maxima of 2x2 windows and for each corner where it is the first to have it."""
    views = [images[:, row::2, column::2] for row, column in CORNERS]
    best, won = np.maximum.reduce(views), []
    free = np.ones(best.shape, bool)
    for view in views:
        won.append((view == best) & free)
        free &= ~won[-1]
    return best, won


def _unpool(won, upstream):
    count, rows, columns, channels = upstream.shape
    spread = np.zeros((count, 2 * rows, 2 * columns, channels), np.float32)
    for (row, column), mask in zip(CORNERS, won, strict=True):
        spread[:, row::2, column::2] = upstream * mask
    return spread
