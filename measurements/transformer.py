"""A small transformer encoder on the same digits: the model that comes after LeNet.

The 28 rows of a digit are 28 tokens of 28 numbers:

    tokens -> dense 64 + learned positions
           -> 2 x (x + attention(norm(x)), then x + dense 64(gelu(dense 256(norm(x)))))
           -> norm -> mean over tokens -> dense 10 -> softmax cross-entropy

trained by plain SGD on the mean loss of a batch. Attention has 4 heads: softmax(q k' / sqrt(16)) v,
Vaswani et al., NeurIPS 2017, equation 1; the norms come first, as Xiong et al., ICML 2020, have it.
GELU is its approximation by tanh, which every framework can express: Hendrycks and Gimpel, 2016.
Everything here is float64 NumPy: it is the answer that the gate compares frameworks with.

Standard library and NumPy only, Python 3.6 syntax, like ``measurements/lenet.py``.
"""

from collections import OrderedDict

import numpy as np

from measurements import lenet

TOKENS = FEATURES = 28
WIDTH, HEADS, HIDDEN, LAYERS, CLASSES = 64, 4, 256, 2, 10
EPSILON = 1e-5
"""Added to the variance before its root is taken."""

_ROOT = np.sqrt(2 / np.pi)
_CUBIC = 0.044715


def shapes(depth=LAYERS):
    """Return an ordered dict name -> shape: the parameters of an encoder of ``depth`` layers.

    Dense weights are inputs x outputs. The outputs of ``qkv`` are all queries, then all keys, then
    all values, and in each of these the heads one after another.
    """
    found = [
        ("embed_weight", (FEATURES, WIDTH)),
        ("embed_bias", (WIDTH,)),
        ("position", (TOKENS, WIDTH)),
    ]
    for layer in range(1, depth + 1):
        parts = [
            ("norm1_scale", (WIDTH,)),
            ("norm1_shift", (WIDTH,)),
            ("qkv_weight", (WIDTH, 3 * WIDTH)),
            ("qkv_bias", (3 * WIDTH,)),
            ("out_weight", (WIDTH, WIDTH)),
            ("out_bias", (WIDTH,)),
            ("norm2_scale", (WIDTH,)),
            ("norm2_shift", (WIDTH,)),
            ("up_weight", (WIDTH, HIDDEN)),
            ("up_bias", (HIDDEN,)),
            ("down_weight", (HIDDEN, WIDTH)),
            ("down_bias", (WIDTH,)),
        ]
        found += [("layer%d_%s" % (layer, name), shape) for name, shape in parts]
    found += [
        ("norm_scale", (WIDTH,)),
        ("norm_shift", (WIDTH,)),
        ("head_weight", (WIDTH, CLASSES)),
        ("head_bias", (CLASSES,)),
    ]
    return OrderedDict(found)


def initial_parameters(seed=lenet.SEED, depth=LAYERS):
    """Return the initial weights as an ordered dict name -> float32 array (see :func:`shapes`).

    Dense weights are Glorot uniform, as LeNet's. Biases, shifts and positions are U(-0.05, 0.05)
    and scales U(0.9, 1.1), not zero and one, so that whoever leaves one out is caught at once.
    """
    random = np.random.RandomState(seed)
    result = OrderedDict()
    for name, shape in shapes(depth).items():
        bound, middle = 0.05, 0.0
        if name.endswith("scale"):
            bound, middle = 0.1, 1.0
        elif name.endswith("weight"):
            bound = np.sqrt(6.0 / sum(shape))
        values = middle + random.uniform(-bound, bound, shape)
        result[name] = values.astype(np.float32)
    return result


def _norm(x, scale, shift):
    """Return normalised rows, and what the way back needs."""
    centred = x - x.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    rows = centred * inverse
    return rows * scale + shift, (rows, inverse)


def _norm_backward(kept, scale, upstream):
    """Return the gradients of a norm: (input, scale, shift)."""
    rows, inverse = kept
    inner = upstream * scale
    mean, along = inner.mean(-1, keepdims=True), (inner * rows).mean(-1, keepdims=True)
    axes = tuple(range(upstream.ndim - 1))
    return inverse * (inner - mean - rows * along), (upstream * rows).sum(axes), upstream.sum(axes)


def _gelu(x):
    """Return x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x**3)))."""
    return 0.5 * x * (1 + np.tanh(_ROOT * (x + _CUBIC * x**3)))


def _gelu_slope(x):
    inner = np.tanh(_ROOT * (x + _CUBIC * x**3))
    return 0.5 * (1 + inner) + 0.5 * x * (1 - inner**2) * _ROOT * (1 + 3 * _CUBIC * x**2)


def _softmax(scores):
    shifted = np.exp(scores - scores.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _split(x):
    """Turn (n, tokens, heads * size) into (n, heads, tokens, size)."""
    n, tokens, width = x.shape
    return x.reshape(n, tokens, HEADS, width // HEADS).transpose(0, 2, 1, 3)


def _joined(x):
    """Undo :func:`_split`."""
    n, heads, tokens, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(n, tokens, heads * size)


def _attend(x, p, name):
    """Return what a layer's attention adds, and what the way back needs."""
    query, key, value = map(_split, np.split(x.dot(p[name + "qkv_weight"]) + p[name + "qkv_bias"],
                                             3, axis=-1))  # fmt: skip
    shares = _softmax(query @ key.swapaxes(2, 3) / np.sqrt(query.shape[-1]))
    mixed = _joined(shares @ value)
    return mixed.dot(p[name + "out_weight"]) + p[name + "out_bias"], (
        query, key, value, shares, mixed,
    )  # fmt: skip


def _forward(p, images):
    """Return the logits and everything that the way back needs."""
    tokens = images.reshape(len(images), TOKENS, FEATURES)
    x = tokens.dot(p["embed_weight"]) + p["embed_bias"] + p["position"]
    layers = []
    for name in _names(p):
        first, kept1 = _norm(x, p[name + "norm1_scale"], p[name + "norm1_shift"])
        added, attention = _attend(first, p, name)
        x = x + added
        second, kept2 = _norm(x, p[name + "norm2_scale"], p[name + "norm2_shift"])
        raised = second.dot(p[name + "up_weight"]) + p[name + "up_bias"]
        x = x + _gelu(raised).dot(p[name + "down_weight"]) + p[name + "down_bias"]
        layers.append((name, first, kept1, attention, second, kept2, raised))
    last, kept = _norm(x, p["norm_scale"], p["norm_shift"])
    pooled = last.mean(1)
    return pooled.dot(p["head_weight"]) + p["head_bias"], (tokens, layers, kept, pooled)


def _names(p):
    """Return what the names of each layer's parameters begin with."""
    return [name[: -len("qkv_weight")] for name in p if name.endswith("qkv_weight")]


def _float64(parameters):
    return OrderedDict((name, np.asarray(w, np.float64)) for name, w in parameters.items())


def logits(parameters, images):
    """Return the class scores before softmax, float64 (count, 10), of (count, 1, 28, 28)."""
    p, images = _float64(parameters), np.asarray(images, np.float64)
    parts = [images[start : start + 100] for start in range(0, len(images), 100)]  # fit the cache
    return np.concatenate([_forward(p, part)[0] for part in parts])


def gradients(parameters, images, labels):
    """Return (mean cross-entropy, ordered dict name -> float64 gradient) of one batch."""
    p, g = _float64(parameters), {}
    scores, (tokens, layers, kept, pooled) = _forward(p, np.asarray(images, np.float64))
    upstream = _softmax(scores)
    upstream[np.arange(len(labels)), labels] -= 1
    upstream /= len(labels)
    upstream = _dense_backward(p, g, "head", pooled, upstream)
    upstream = np.repeat(upstream[:, np.newaxis] / TOKENS, TOKENS, axis=1)
    upstream, g["norm_scale"], g["norm_shift"] = _norm_backward(kept, p["norm_scale"], upstream)
    for name, first, kept1, attention, second, kept2, raised in reversed(layers):
        inner = _dense_backward(p, g, name + "down", _gelu(raised), upstream) * _gelu_slope(raised)
        inner = _dense_backward(p, g, name + "up", second, inner)
        upstream = upstream + _norm_of_layer(p, g, name + "norm2", kept2, inner)
        inner = _attend_backward(p, g, name, first, attention, upstream)
        upstream = upstream + _norm_of_layer(p, g, name + "norm1", kept1, inner)
    _dense_backward(p, g, "embed", tokens, upstream)
    g["position"] = upstream.sum(0)
    return lenet.loss(scores, labels), OrderedDict((name, g[name]) for name in p)


def _norm_of_layer(p, g, name, kept, upstream):
    found, g[name + "_scale"], g[name + "_shift"] = _norm_backward(
        kept, p[name + "_scale"], upstream
    )
    return found


def _dense_backward(p, g, name, given, upstream):
    """Keep the gradients of a dense layer; return that of what it was given."""
    axes = tuple(range(upstream.ndim - 1))
    g[name + "_weight"] = np.tensordot(given, upstream, (axes, axes))
    g[name + "_bias"] = upstream.sum(axes)
    return upstream.dot(p[name + "_weight"].T)


def _attend_backward(p, g, name, given, kept, upstream):
    query, key, value, shares, mixed = kept
    heads = _split(_dense_backward(p, g, name + "out", mixed, upstream))
    for_shares = heads @ value.swapaxes(2, 3)
    for_scores = shares * (for_shares - (for_shares * shares).sum(-1, keepdims=True))
    for_scores /= np.sqrt(query.shape[-1])
    parts = (for_scores @ key, for_scores.swapaxes(2, 3) @ query, shares.swapaxes(2, 3) @ heads)
    joined = np.concatenate([_joined(part) for part in parts], axis=-1)
    return _dense_backward(p, g, name + "qkv", given, joined)


def operations(batch=lenet.BATCH, depth=LAYERS):
    """Return the floating-point operations of one training step, a lower bound for any framework.

    2 per multiply-add of the products; twice as many go back, see
    :func:`measurements.lenet.operations`. Norms, GELU and softmax are not counted.
    """
    dense = FEATURES * WIDTH + depth * (4 * WIDTH * WIDTH + 2 * WIDTH * HIDDEN)
    attention = depth * 2 * TOKENS * WIDTH
    first = FEATURES * WIDTH  # needs no gradient of its input
    return 2 * batch * (TOKENS * (3 * (dense + attention) - first) + 3 * WIDTH * CLASSES)
