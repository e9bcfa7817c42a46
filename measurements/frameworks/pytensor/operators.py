"""Low-level operators with PyTensor: expressions of pytensor.tensor, compiled by pytensor.function.

There is no execution without compiling, so both questions compile: the plain one in FAST_COMPILE,
PyTensor's mode for trying things out (few rewrites, NumPy computes), the captured one by the
default back end, Numba. Compiled functions are kept for each function and type of its inputs.
"""

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor import fft  # noqa: F401 (in the expressions below)

# PyTensor's own default; where it is float32, numbers in a formula are rounded to that precision.
pytensor.config.floatX = "float64"

CAPTURED = "pytensor.function with the default back end, Numba"
PLAIN, COMPILED = "FAST_COMPILE", "NUMBA"
WHY_ABSENT = "PyTensor has no such function"
SOURCE = "https://pytensor.readthedocs.io/en/latest/library/tensor/index.html"

STREAM = pt.random.RandomStream(2016)


def channels(x):
    """Shape a vector of one number a channel for images."""
    return x[:, None, None]


def _complex(x):
    # The transforms of PyTensor keep real and imaginary parts side by side in a last axis.
    return pt.complex(x[..., 0], x[..., 1])


def _parts(x):
    return pt.stack([pt.real(x), pt.imag(x)], axis=-1)


def _conv1d(x, w):
    # Signals have no channels in PyTensor: the convolutions of all pairs, then their sum.
    return pt.signal.convolve1d(x[:, None], w[None, :, :, ::-1], mode="valid").sum(2)


def _conv2d(x, w, mode="valid"):
    return pt.signal.convolve2d(x[:, None], w[None, :, :, ::-1, ::-1], mode=mode).sum(2)


def _conv2d_groups(x, w, groups):
    count, inputs, height, width = x.shape
    x = x.reshape((count, groups, 1, inputs // groups, height, width))
    w = w.reshape((groups, -1, *w.shape[1:]))[..., ::-1, ::-1]
    result = pt.signal.convolve2d(x, w[None], mode="valid").sum(3)
    return result.reshape((count, -1, *result.shape[3:]))


def _spread(x):
    # Zeros between all neighbours.
    shape = (*x.shape[:2], 2 * x.shape[2] - 1, 2 * x.shape[3] - 1)
    return pt.set_subtensor(pt.zeros(shape, x.dtype)[..., ::2, ::2], x)


def _conv2d_transpose(x, w):
    return pt.signal.convolve2d(x[:, :, None], w[None], mode="full").sum(1)


def _windows(x, size, stride):
    """Stack the places of all windows in a first axis."""
    height, width = x.shape[2] - size + 1, x.shape[3] - size + 1
    steps = [(i, j) for i in range(size) for j in range(size)]
    return pt.stack([x[:, :, i : i + height : stride, j : j + width : stride] for i, j in steps])


def _padded(x, value):
    return pt.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=value)


def _avg_pool2d_padding(x):
    sums, places = (_windows(_padded(v, 0), 3, 2).sum(0) for v in (x, pt.ones_like(x)))
    return sums / places


def _normalised(x, axes):
    variance = pt.var(x, axes, keepdims=True)
    return (x - pt.mean(x, axes, keepdims=True)) / pt.sqrt(variance + 1e-5)


def _group_norm(x, g, b):
    groups = _normalised(x.reshape((x.shape[0], 2, -1)), 2)
    return groups.reshape(x.shape) * channels(g) + channels(b)


def _matrix_rank(x):
    values = pt.linalg.svd(x, compute_uv=False)
    return pt.sum(values > values.max() * pt.max(x.shape) * np.finfo(x.dtype).eps)


def _lstm_cell(x, h, c, w, u, b):
    gates, sizes = pt.dot(x, w.T) + pt.dot(h, u.T) + b, 4 * [h.shape[1]]
    i, f, g, o = pt.split(gates, sizes, n_splits=4, axis=1)
    c = pt.sigmoid(f) * c + pt.sigmoid(i) * pt.tanh(g)
    return [pt.sigmoid(o) * pt.tanh(c), c]


def _gru_cell(x, h, w, u, b, d):
    sizes = 3 * [h.shape[1]]
    r, z, n = pt.split(pt.dot(x, w.T) + b, sizes, n_splits=3, axis=1)
    p, q, m = pt.split(pt.dot(h, u.T) + d, sizes, n_splits=3, axis=1)
    r, z = pt.sigmoid(r + p), pt.sigmoid(z + q)
    return (1 - z) * pt.tanh(n + r * m) + z * h


def _attention(q, k, v, masked=False):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(4)
    if masked:
        scores = pt.where(pt.tri(q.shape[-2], k.shape[-2]), scores, -np.inf)
    return pt.special.softmax(scores, axis=-1) @ v


# fmt: off
OPERATORS = {
    # elementary
    "abs": "pt.abs", "acos": "pt.arccos", "acosh": "pt.arccosh", "asin": "pt.arcsin",
    "asinh": "pt.arcsinh", "atan": "pt.arctan", "atan2": "pt.arctan2", "atanh": "pt.arctanh",
    "cos": "pt.cos", "cosh": "pt.cosh", "exp": "pt.exp", "expm1": "pt.expm1",
    "hypot": "lambda x, y: pt.sqrt(pt.square(x) + pt.square(y))",
    "log": "pt.log", "log1p": "pt.log1p", "log2": "pt.log2", "log10": "pt.log10",
    "logaddexp": "pt.logaddexp", "reciprocal": "pt.reciprocal", "sin": "pt.sin",
    "sinh": "pt.sinh", "sqrt": "pt.sqrt", "square": "pt.square", "tan": "pt.tan",
    "tanh": "pt.tanh", "erf": "pt.erf", "lgamma": "pt.gammaln", "digamma": "pt.digamma",
    # arithmetic
    "add": "pt.add", "ceil": "pt.ceil", "clip": "lambda x: pt.clip(x, -1, 1)",
    "copysign": "lambda x, y: pt.switch(y < 0, -pt.abs(x), pt.abs(x))",
    "divide": "pt.true_div", "floor": "pt.floor", "floor_divide": "pt.floor_div",
    "maximum": "pt.maximum", "minimum": "pt.minimum", "multiply": "pt.mul", "negative": "pt.neg",
    "positive": "pt.tensor_copy", "pow": "pt.power", "remainder": "pt.mod",
    "round": "pt.round", "sign": "pt.sign", "subtract": "pt.sub", "trunc": "pt.trunc",
    "conj": "pt.conj", "imag": "pt.imag", "real": "pt.real",
    # logic
    "bitwise_and": "pt.bitwise_and",
    "bitwise_left_shift": "lambda x, y: x * pt.power(2, y)",
    "bitwise_invert": "pt.bitwise_not", "bitwise_or": "pt.bitwise_or",
    "bitwise_right_shift": "lambda x, y: x // pt.power(2, y)",
    "bitwise_xor": "pt.bitwise_xor",
    "equal": "pt.equal", "greater": "pt.greater", "greater_equal": "pt.greater_equal",
    "less": "pt.less", "less_equal": "pt.less_equal", "not_equal": "pt.not_equal",
    "isfinite": "pt.isfinite", "isinf": "pt.isinf", "isnan": "pt.isnan",
    "logical_and": "pt.and_", "logical_not": "pt.invert", "logical_or": "pt.or_",
    "logical_xor": "pt.xor",
    # creation
    "arange": "lambda: pt.arange(2, 11, 3)", "eye": "lambda: pt.eye(3, 4, 1)",
    "full": "lambda: pt.full((2, 3), 7.5)", "full_like": "lambda x: pt.full_like(x, 7.5)",
    "linspace": "lambda: pt.linspace(-1, 1, 5)",
    "meshgrid": "lambda x, y: pt.broadcast_arrays(x[:, None], y[None, :])",
    "ones": "lambda: pt.ones((2, 3))", "ones_like": "pt.ones_like",
    "tril": "pt.tril", "triu": "pt.triu",
    "zeros": "lambda: pt.zeros((2, 3))", "zeros_like": "pt.zeros_like",
    # manipulation
    "broadcast_arrays": "pt.broadcast_arrays",
    "broadcast_to": "lambda x: pt.broadcast_to(x, (3, 4))",
    "concat": "lambda x, y: pt.concatenate([x, y], axis=1)",
    "expand_dims": "lambda x: pt.expand_dims(x, 1)", "flip": "lambda x: pt.flip(x, 1)",
    "moveaxis": "lambda x: pt.moveaxis(x, 0, 2)",
    "permute_dims": "lambda x: pt.transpose(x, (2, 0, 1))",
    "repeat": "lambda x: pt.repeat(x, 2, 1)", "reshape": "lambda x: pt.reshape(x, (4, 3))",
    "roll": "lambda x: pt.roll(x, 1, 1)", "squeeze": "lambda x: pt.squeeze(x, 1)",
    "stack": "lambda x, y: pt.stack([x, y], axis=1)", "tile": "lambda x: pt.tile(x, (2, 3))",
    "unstack": "lambda x: [x[0], x[1], x[2]]",
    "pad": "lambda x: pt.pad(x, [(0, 0), (1, 2)])",
    "pad_reflect": "lambda x: pt.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode='reflect')",
    "slice": "lambda x: x[1:, ::2]",
    # indexing
    "argmax": "lambda x: pt.argmax(x, 1)", "argmin": "lambda x: pt.argmin(x, 1)",
    "count_nonzero": "lambda x: pt.sum(pt.neq(x, 0), 1)",
    "nonzero": "lambda x: list(pt.nonzero(x))", "searchsorted": "pt.searchsorted",
    "where": "pt.where", "take": "lambda x, i: pt.take(x, i, axis=1)",
    "take_along_axis": "lambda x, i: pt.take_along_axis(x, i, axis=1)",
    "embedding": "lambda w, i: w[i]", "gather_nd": "lambda x, i: x[i[:, 0], i[:, 1]]",
    "scatter_add": "lambda x, i, v: pt.inc_subtensor(x[i], v)",
    "one_hot": "lambda y: pt.eye(4)[y]",
    "segment_sum": "lambda x, i: pt.inc_subtensor(pt.zeros((3, x.shape[1]), x.dtype)[i], x)",
    # sorting
    "argsort": "lambda x: pt.argsort(x, 1)", "sort": "lambda x: pt.sort(x, 1)",
    "top_k": "lambda x: [-pt.sort(-x, 1)[:, :2], pt.argsort(-x, 1)[:, :2]]",
    "unique_values": "pt.unique",
    "unique_counts": "lambda x: pt.unique(x, return_counts=True)",
    "unique_inverse": "lambda x: pt.unique(x, return_inverse=True)",
    # reductions
    "all": "lambda x: pt.all(x, 1)", "any": "lambda x: pt.any(x, 1)",
    "cumulative_prod": "lambda x: pt.cumprod(x, 1)",
    "cumulative_sum": "lambda x: pt.cumsum(x, 1)", "diff": "lambda x: pt.diff(x, axis=1)",
    "max": "lambda x: pt.max(x, 1)", "mean": "lambda x: pt.mean(x, 1)",
    "min": "lambda x: pt.min(x, 1)", "prod": "lambda x: pt.prod(x, 1)",
    "std": "lambda x: pt.std(x, 1)", "sum": "lambda x: pt.sum(x, 1)",
    "var": "lambda x: pt.var(x, 1)", "logsumexp": "lambda x: pt.logsumexp(x, 1)",
    # linalg
    "matmul": "pt.matmul", "matrix_transpose": "pt.matrix_transpose",
    "tensordot": "lambda x, y: pt.tensordot(x, y, 2)", "vecdot": "pt.vecdot",
    "einsum": "lambda x, y: pt.einsum('bij,bjk->bik', x, y)",
    "einsum_trace": "lambda x: pt.einsum('ii->i', x)",
    "linalg_cholesky": "pt.linalg.cholesky", "linalg_det": "pt.linalg.det",
    "linalg_diagonal": "lambda x: pt.diagonal(x, axis1=-2, axis2=-1)",
    "linalg_eigh": "pt.linalg.eigh", "linalg_eigvalsh": "lambda x: pt.linalg.eigvalsh(x, None)",
    "linalg_inv": "pt.linalg.inv", "linalg_matrix_norm": "pt.linalg.norm",
    "linalg_matrix_power": "lambda x: pt.linalg.matrix_power(x, 3)",
    "linalg_matrix_rank": "_matrix_rank", "linalg_outer": "pt.outer",
    "linalg_pinv": "pt.linalg.pinv", "linalg_qr": "lambda x: pt.linalg.qr(x, mode='economic')",
    "linalg_slogdet": "pt.linalg.slogdet", "linalg_solve": "pt.linalg.solve",
    "linalg_svd": "lambda x: pt.linalg.svd(x, full_matrices=False)",
    "linalg_svdvals": "lambda x: pt.linalg.svd(x, compute_uv=False)",
    "linalg_trace": "pt.linalg.trace",
    "linalg_vector_norm": "lambda x: pt.linalg.norm(x, axis=-1)",
    # fft: PyTensor transforms all axes but the first, of real arrays
    "fft_rfft": "lambda x: _complex(fft.rfft(x))",
    "fft_irfft": "lambda x: fft.irfft(_parts(x))",
    "fft_rfftn": "lambda x: _complex(fft.rfft(x[None]))[0]",
    "fft_irfftn": "lambda x: fft.irfft(_parts(x[None]))[0]",
    "fft_hfft": "lambda x: 8 * fft.irfft(_parts(pt.conj(x)))",
    "fft_ihfft": "lambda x: pt.conj(_complex(fft.rfft(x))) / 8",
    "fft_fftshift": "lambda x: pt.roll(x, x.shape[1] // 2, 1)",
    "fft_ifftshift": "lambda x: pt.roll(x, -(x.shape[1] // 2), 1)",
    # convolution
    "conv1d": "_conv1d", "conv2d": "_conv2d",
    "conv2d_stride": "lambda x, w: _conv2d(x, w)[..., ::2, ::2]",
    "conv2d_padding": "lambda x, w: _conv2d(x, w, mode='full')",
    "conv2d_dilation": "lambda x, w: _conv2d(x, _spread(w))",
    "conv2d_groups": "lambda x, w: _conv2d_groups(x, w, 2)",
    "conv2d_depthwise": "lambda x, w: pt.signal.convolve2d(x, w[None, :, 0, ::-1, ::-1],"
                        " mode='valid')",
    "conv2d_transpose": "_conv2d_transpose",
    "conv2d_transpose_stride": "lambda x, w: _conv2d_transpose(_spread(x), w)[..., 1:-1, 1:-1]",
    "linear": "lambda x, w, b: pt.dot(x, w.T) + b",
    "resize_nearest": "lambda x: pt.repeat(pt.repeat(x, 2, 2), 2, 3)",
    # pooling
    "max_pool1d": "lambda x: pt.max(x.reshape((*x.shape[:2], -1, 2)), 3)",
    "max_pool2d": "lambda x: pt.max(x.reshape((*x.shape[:2], 3, 2, 3, 2)), (3, 5))",
    "max_pool2d_overlapping": "lambda x: pt.max(_windows(x, 3, 2), 0)",
    "max_pool2d_padding": "lambda x: pt.max(_windows(_padded(x, -np.inf), 3, 2), 0)",
    "max_pool3d": "lambda x: pt.max(x.reshape((*x.shape[:2], 2, 2, 2, 2, 2, 2)), (3, 5, 7))",
    "avg_pool2d": "lambda x: pt.mean(x.reshape((*x.shape[:2], 3, 2, 3, 2)), (3, 5))",
    "avg_pool2d_padding": "_avg_pool2d_padding",
    "global_avg_pool2d": "lambda x: pt.mean(x, (2, 3))",
    "global_max_pool2d": "lambda x: pt.max(x, (2, 3))",
    # normalisation
    "batch_norm": "lambda x, g, b: _normalised(x, (0, 2, 3)) * channels(g) + channels(b)",
    "batch_norm_inference": "lambda x, g, b, m, v: (x - channels(m)) / pt.sqrt(channels(v) + 1e-5)"
                            " * channels(g) + channels(b)",
    "layer_norm": "lambda x, g, b: _normalised(x, -1) * g + b",
    "group_norm": "_group_norm",
    "instance_norm": "lambda x, g, b: _normalised(x, (2, 3)) * channels(g) + channels(b)",
    "rms_norm": "lambda x, g: x / pt.sqrt(pt.mean(pt.square(x), -1, keepdims=True) + 1e-5) * g",
    "l2_normalise": "lambda x: x / pt.sqrt(pt.sum(pt.square(x), -1, keepdims=True))",
    # activations
    "relu": "lambda x: pt.maximum(x, 0)", "relu6": "lambda x: pt.clip(x, 0, 6)",
    "leaky_relu": "lambda x: pt.switch(x > 0, x, 0.01 * x)",
    "prelu": "lambda x, a: pt.switch(x > 0, x, a * x)",
    "elu": "lambda x: pt.switch(x > 0, x, pt.expm1(x))",
    "selu": "lambda x: 1.0507009873554805 * pt.switch(x > 0, x, 1.6732632423543772 * pt.expm1(x))",
    "celu": "lambda x: pt.switch(x > 0, x, 2 * pt.expm1(x / 2))",
    "gelu": "lambda x: x / 2 * (1 + pt.erf(x / np.sqrt(2)))",
    "gelu_tanh": "lambda x: x / 2 * (1 + pt.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))",
    "silu": "lambda x: x * pt.sigmoid(x)", "mish": "lambda x: x * pt.tanh(pt.softplus(x))",
    "sigmoid": "pt.sigmoid", "hard_sigmoid": "lambda x: pt.clip(x / 6 + 0.5, 0, 1)",
    "hard_swish": "lambda x: x * pt.clip(x / 6 + 0.5, 0, 1)",
    "hard_tanh": "lambda x: pt.clip(x, -1, 1)", "log_sigmoid": "lambda x: -pt.softplus(-x)",
    "softplus": "pt.softplus", "softsign": "lambda x: x / (1 + pt.abs(x))",
    "softmax": "lambda x: pt.special.softmax(x, axis=-1)",
    "log_softmax": "lambda x: pt.special.log_softmax(x, axis=-1)",
    "glu": "lambda x: x[:, :2] * pt.sigmoid(x[:, 2:])",
    # losses
    "cross_entropy": "lambda x, y: -pt.mean(pt.special.log_softmax(x, axis=-1)"
                     "[pt.arange(y.shape[0]), y])",
    "nll_loss": "lambda x, y: -pt.mean(x[pt.arange(y.shape[0]), y])",
    "binary_cross_entropy": "lambda p, y: -pt.mean(pt.special.xlogy(y, p)"
                            " + pt.special.xlog1py(1 - y, -p))",
    "binary_cross_entropy_logits": "lambda x, y: pt.mean(pt.softplus(x) - x * y)",
    "mse_loss": "lambda x, y: pt.mean(pt.square(x - y))",
    "l1_loss": "lambda x, y: pt.mean(pt.abs(x - y))",
    "huber_loss": "lambda x, y: pt.mean(pt.switch(pt.abs(x - y) < 1, pt.square(x - y) / 2,"
                  " pt.abs(x - y) - 0.5))",
    "hinge_loss": "lambda x, y: pt.mean(pt.maximum(0, 1 - x * pt.sign(y)))",
    "kl_divergence": "lambda p, q: pt.mean(pt.sum(p * pt.log(p / q), 1))",
    "cosine_similarity": "lambda x, y: pt.vecdot(x, y) / pt.sqrt(pt.vecdot(x, x)"
                         " * pt.vecdot(y, y))",
    # recurrence
    "rnn_cell": "lambda x, h, w, u, b: pt.tanh(pt.dot(x, w.T) + pt.dot(h, u.T) + b)",
    "lstm_cell": "_lstm_cell", "gru_cell": "_gru_cell", "attention": "_attention",
    "causal_attention": "lambda q, k, v: _attention(q, k, v, masked=True)",
    # random
    "random_uniform": "lambda: STREAM.uniform(0, 1, size=10000)",
    "random_normal": "lambda: STREAM.normal(0, 1, size=10000)",
    "random_bernoulli": "lambda: STREAM.bernoulli(0.25, size=10000)",
    "random_integers": "lambda: STREAM.integers(0, 10, size=10000)",
    "random_exponential": "lambda: STREAM.exponential(1, size=10000)",
    "random_categorical": "lambda: STREAM.categorical([0.25, 0.25, 0.5], size=10000)",
    "random_permutation": "lambda: STREAM.permutation(10000)",
    "dropout": "lambda x: x * STREAM.bernoulli(0.5, size=x.shape) / 0.5",
}
# fmt: on
ABSENT = {
    "fft_fft": "its transforms are of real arrays: rfft, irfft",
    "fft_ifft": "its transforms are of real arrays: rfft, irfft",
    "fft_fftn": "its transforms are of real arrays: rfft, irfft",
    "fft_ifftn": "its transforms are of real arrays: rfft, irfft",
    "conv3d": "its convolutions have one or two axes, and no channels",
}

_COMPILED = {}


def run(function, arguments, captured):
    """Compile the function for arrays of this kind, unless it is, and run it."""
    mode = COMPILED if captured else PLAIN
    key = (function, mode, *[(value.dtype, _static(value)) for value in arguments])
    if key not in _COMPILED:
        inputs = _inputs(arguments)
        outputs = function(*inputs)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        _COMPILED[key] = pytensor.function(inputs, outputs, mode=mode)
    return _COMPILED[key](*arguments)


def gradient(function, arguments, weights):
    """Return the gradients of the weighted sum of the outputs."""
    inputs = _inputs(arguments)
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    cost = sum((output * weight).sum() for output, weight in zip(outputs, weights))
    wanted = [x for x in inputs if x.dtype.startswith("float")]
    return pytensor.function(inputs, pt.grad(cost, wanted), mode=PLAIN)(*arguments)


def _inputs(arguments):
    return [pt.tensor(dtype=value.dtype, shape=_static(value)) for value in arguments]


def _static(value):
    """Return the shape as a type states it: what has length one broadcasts, other axes are open."""
    return tuple(1 if length == 1 else None for length in value.shape)
