"""LeNet with tanh, forwards and backwards, in float32."""

import numpy as np


def patches(x, size):
    """View (n, c, h, w) as (n, c, h - size + 1, w - size + 1, size, size)."""
    n, c, h, w = x.shape
    shape = n, c, h - size + 1, w - size + 1, size, size
    return np.lib.stride_tricks.as_strided(x, shape, x.strides + x.strides[2:], writeable=False)


def border(x, width):
    """Add a border of zeros around each image."""
    return np.pad(x, ((0, 0), (0, 0), (width, width), (width, width)), "constant")


def convolve(x, weight):
    """Cross-correlate (n, c, h, w) with (o, c, k, k), without a border."""
    found = np.tensordot(patches(x, weight.shape[2]), weight, ((1, 4, 5), (1, 2, 3)))
    return np.ascontiguousarray(found.transpose(0, 3, 1, 2))


def blocks(x):
    """Return (n, c, h / 2, w / 2, 4): what a pooling looks at."""
    n, c, h, w = x.shape
    cut = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return cut.reshape(n, c, h // 2, w // 2, 4)


def layers(weights):
    """Return the names of the convolutions, the deep ones last."""
    return [name[: -len("_weight")] for name, value in weights.items() if value.ndim == 4]


def forward(weights, images):
    """Return class scores and what the way back needs: inputs and outputs of every layer."""
    x, kept = images, []
    for name in layers(weights):
        deep = name.startswith("deep")
        x = border(x, 1) if deep else x
        y = np.tanh(convolve(x, weights[name + "_weight"]) + weights[name + "_bias"][:, None, None])
        kept.append((name, x, y))
        x = y if deep else blocks(y).max(-1)
    flat = x.reshape(len(x), -1)
    hidden = np.tanh(flat.dot(weights["dense1_weight"]) + weights["dense1_bias"])
    scores = hidden.dot(weights["dense2_weight"]) + weights["dense2_bias"]
    return scores, (kept, flat, hidden, x.shape)


def gradients(weights, images, labels):
    """Return the mean cross-entropy and its gradient for every weight."""
    scores, (kept, flat, hidden, shape) = forward(weights, images)
    scores = scores - scores.max(1, keepdims=True)
    logarithms = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    rows = np.arange(len(labels))
    loss = -logarithms[rows, labels].mean()
    up = np.exp(logarithms)
    up[rows, labels] -= 1
    up /= np.float32(len(labels))
    found = {"dense2_weight": hidden.T.dot(up), "dense2_bias": up.sum(0)}
    up = up.dot(weights["dense2_weight"].T) * (1 - hidden * hidden)
    found.update(dense1_weight=flat.T.dot(up), dense1_bias=up.sum(0))
    up = up.dot(weights["dense1_weight"].T).reshape(shape)
    for name, x, y in reversed(kept):
        deep, weight = name.startswith("deep"), weights[name + "_weight"]
        if not deep:
            up = unpool(y, up)
        up = up * (1 - y * y)
        size = weight.shape[2]
        found[name + "_weight"] = np.tensordot(up, patches(x, size), ((0, 2, 3), (0, 2, 3)))
        found[name + "_bias"] = up.sum((0, 2, 3))
        if name != "conv1":
            turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
            up = convolve(border(up, size - 1), turned)
            up = np.ascontiguousarray(up[:, :, 1:-1, 1:-1]) if deep else up
    return loss, found


def unpool(y, up):
    """Give each upstream value to the first of the largest four."""
    n, c, h, w = up.shape
    winner = blocks(y).argmax(-1)[..., None] == np.arange(4)
    spread = (up[..., None] * winner).reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return np.ascontiguousarray(spread.reshape(n, c, 2 * h, 2 * w))
