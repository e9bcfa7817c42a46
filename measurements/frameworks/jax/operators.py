"""The operators of JAX: the function that computes each one, and how it is run.

Tensors have the functions of ``jax.numpy``, activations are in ``jax.nn``, losses in Optax, layers
in Flax NNX: JAX itself refers to these two for them.

https://docs.jax.dev/en/latest/jax.html
https://optax.readthedocs.io/en/latest/api/losses.html
https://flax.readthedocs.io/en/stable/api_reference/flax.nnx/nn/index.html
"""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax  # noqa: F401 (the expressions below use it)
from flax import nnx
from jax import lax  # noqa: F401

# JAX makes float32 of every float64 unless it is told otherwise before its first array.
# https://docs.jax.dev/en/latest/default_dtypes.html
jax.config.update("jax_enable_x64", True)

CAPTURED = "jax.jit"
SOURCE = "https://docs.jax.dev/en/latest/jax.html"
WHY_ABSENT = "neither JAX nor Flax nor Optax has such a function"

OPERATORS = {
    # elementary
    "abs": "jnp.abs",
    "acos": "jnp.acos",
    "acosh": "jnp.acosh",
    "asin": "jnp.asin",
    "asinh": "jnp.asinh",
    "atan": "jnp.atan",
    "atan2": "jnp.atan2",
    "atanh": "jnp.atanh",
    "cos": "jnp.cos",
    "cosh": "jnp.cosh",
    "exp": "jnp.exp",
    "expm1": "jnp.expm1",
    "hypot": "jnp.hypot",
    "log": "jnp.log",
    "log1p": "jnp.log1p",
    "log2": "jnp.log2",
    "log10": "jnp.log10",
    "logaddexp": "jnp.logaddexp",
    "reciprocal": "jnp.reciprocal",
    "sin": "jnp.sin",
    "sinh": "jnp.sinh",
    "sqrt": "jnp.sqrt",
    "square": "jnp.square",
    "tan": "jnp.tan",
    "tanh": "jnp.tanh",
    "erf": "jax.scipy.special.erf",
    "lgamma": "jax.scipy.special.gammaln",
    "digamma": "jax.scipy.special.digamma",
    # arithmetic
    "add": "jnp.add",
    "ceil": "jnp.ceil",
    "clip": "lambda x: jnp.clip(x, -1, 1)",
    "copysign": "jnp.copysign",
    "divide": "jnp.divide",
    "floor": "jnp.floor",
    "floor_divide": "jnp.floor_divide",
    "maximum": "jnp.maximum",
    "minimum": "jnp.minimum",
    "multiply": "jnp.multiply",
    "negative": "jnp.negative",
    "nextafter": "jnp.nextafter",
    "positive": "jnp.positive",
    "pow": "jnp.pow",
    "remainder": "jnp.remainder",
    "round": "jnp.round",
    "sign": "jnp.sign",
    "subtract": "jnp.subtract",
    "trunc": "jnp.trunc",
    "conj": "jnp.conj",
    "imag": "jnp.imag",
    "real": "jnp.real",
    # logic
    "bitwise_and": "jnp.bitwise_and",
    "bitwise_left_shift": "jnp.bitwise_left_shift",
    "bitwise_invert": "jnp.bitwise_invert",
    "bitwise_or": "jnp.bitwise_or",
    "bitwise_right_shift": "jnp.bitwise_right_shift",
    "bitwise_xor": "jnp.bitwise_xor",
    "equal": "jnp.equal",
    "greater": "jnp.greater",
    "greater_equal": "jnp.greater_equal",
    "less": "jnp.less",
    "less_equal": "jnp.less_equal",
    "not_equal": "jnp.not_equal",
    "isfinite": "jnp.isfinite",
    "isinf": "jnp.isinf",
    "isnan": "jnp.isnan",
    "logical_and": "jnp.logical_and",
    "logical_not": "jnp.logical_not",
    "logical_or": "jnp.logical_or",
    "logical_xor": "jnp.logical_xor",
    "signbit": "jnp.signbit",
    # creation
    "arange": "lambda: jnp.arange(2, 11, 3)",
    "eye": "lambda: jnp.eye(3, 4, k=1)",
    "full": "lambda: jnp.full((2, 3), 7.5)",
    "full_like": "lambda x: jnp.full_like(x, 7.5)",
    "linspace": "lambda: jnp.linspace(-1, 1, 5)",
    "meshgrid": "lambda x, y: jnp.meshgrid(x, y, indexing='ij')",
    "ones": "lambda: jnp.ones((2, 3))",
    "ones_like": "jnp.ones_like",
    "tril": "jnp.tril",
    "triu": "jnp.triu",
    "zeros": "lambda: jnp.zeros((2, 3))",
    "zeros_like": "jnp.zeros_like",
    # manipulation
    "broadcast_arrays": "jnp.broadcast_arrays",
    "broadcast_to": "lambda x: jnp.broadcast_to(x, (3, 4))",
    "concat": "lambda x, y: jnp.concat([x, y], axis=1)",
    "expand_dims": "lambda x: jnp.expand_dims(x, 1)",
    "flip": "lambda x: jnp.flip(x, 1)",
    "moveaxis": "lambda x: jnp.moveaxis(x, 0, 2)",
    "permute_dims": "lambda x: jnp.permute_dims(x, (2, 0, 1))",
    "repeat": "lambda x: jnp.repeat(x, 2, axis=1)",
    "reshape": "lambda x: jnp.reshape(x, (4, 3))",
    "roll": "lambda x: jnp.roll(x, 1, axis=1)",
    "squeeze": "lambda x: jnp.squeeze(x, 1)",
    "stack": "lambda x, y: jnp.stack([x, y], axis=1)",
    "tile": "lambda x: jnp.tile(x, (2, 3))",
    "unstack": "jnp.unstack",
    "pad": "lambda x: jnp.pad(x, [(0, 0), (1, 2)])",
    "pad_reflect": "lambda x: jnp.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode='reflect')",
    "slice": "lambda x: x[1:, ::2]",
    # indexing
    "argmax": "lambda x: jnp.argmax(x, axis=1)",
    "argmin": "lambda x: jnp.argmin(x, axis=1)",
    "count_nonzero": "lambda x: jnp.count_nonzero(x, axis=1)",
    "nonzero": "jnp.nonzero",
    "searchsorted": "jnp.searchsorted",
    "where": "jnp.where",
    "take": "lambda x, i: jnp.take(x, i, axis=1)",
    "take_along_axis": "lambda x, i: jnp.take_along_axis(x, i, axis=1)",
    "embedding": "lambda w, i: jnp.take(w, i, axis=0)",
    "gather_nd": "lambda x, i: x[i[:, 0], i[:, 1]]",
    "scatter_add": "lambda x, i, v: x.at[i].add(v)",
    "one_hot": "lambda y: jax.nn.one_hot(y, 4)",
    "segment_sum": "lambda x, i: jax.ops.segment_sum(x, i, 3)",
    # sorting
    "argsort": "lambda x: jnp.argsort(x, axis=1)",
    "sort": "lambda x: jnp.sort(x, axis=1)",
    "top_k": "lambda x: jnp.top_k(x, 2)",
    "unique_values": "jnp.unique_values",
    "unique_counts": "jnp.unique_counts",
    "unique_inverse": "jnp.unique_inverse",
    # reductions
    "all": "lambda x: jnp.all(x, axis=1)",
    "any": "lambda x: jnp.any(x, axis=1)",
    "cumulative_prod": "lambda x: jnp.cumulative_prod(x, axis=1)",
    "cumulative_sum": "lambda x: jnp.cumulative_sum(x, axis=1)",
    "diff": "lambda x: jnp.diff(x, axis=1)",
    "max": "lambda x: jnp.max(x, axis=1)",
    "mean": "lambda x: jnp.mean(x, axis=1)",
    "min": "lambda x: jnp.min(x, axis=1)",
    "prod": "lambda x: jnp.prod(x, axis=1)",
    "std": "lambda x: jnp.std(x, axis=1)",
    "sum": "lambda x: jnp.sum(x, axis=1)",
    "var": "lambda x: jnp.var(x, axis=1)",
    "logsumexp": "lambda x: jax.nn.logsumexp(x, axis=1)",
    "cumulative_max": "lambda x: lax.cummax(x, axis=1)",
    # linalg
    "matmul": "jnp.matmul",
    "matrix_transpose": "jnp.matrix_transpose",
    "tensordot": "lambda x, y: jnp.tensordot(x, y, 2)",
    "vecdot": "jnp.vecdot",
    "einsum": "lambda x, y: jnp.einsum('bij,bjk->bik', x, y)",
    "einsum_trace": "lambda x: jnp.einsum('ii->i', x)",
    "linalg_cholesky": "jnp.linalg.cholesky",
    "linalg_cross": "jnp.linalg.cross",
    "linalg_det": "jnp.linalg.det",
    "linalg_diagonal": "jnp.linalg.diagonal",
    "linalg_eigh": "jnp.linalg.eigh",
    "linalg_eigvalsh": "jnp.linalg.eigvalsh",
    "linalg_inv": "jnp.linalg.inv",
    "linalg_matrix_norm": "jnp.linalg.matrix_norm",
    "linalg_matrix_power": "lambda x: jnp.linalg.matrix_power(x, 3)",
    "linalg_matrix_rank": "jnp.linalg.matrix_rank",
    "linalg_outer": "jnp.linalg.outer",
    "linalg_pinv": "jnp.linalg.pinv",
    "linalg_qr": "jnp.linalg.qr",
    "linalg_slogdet": "jnp.linalg.slogdet",
    "linalg_solve": "jnp.linalg.solve",
    "linalg_svd": "lambda x: jnp.linalg.svd(x, full_matrices=False)",
    "linalg_svdvals": "jnp.linalg.svdvals",
    "linalg_trace": "jnp.linalg.trace",
    "linalg_vector_norm": "lambda x: jnp.linalg.vector_norm(x, axis=-1)",
    # fft
    "fft_fft": "jnp.fft.fft",
    "fft_ifft": "jnp.fft.ifft",
    "fft_fftn": "jnp.fft.fftn",
    "fft_ifftn": "jnp.fft.ifftn",
    "fft_rfft": "jnp.fft.rfft",
    "fft_irfft": "lambda x: jnp.fft.irfft(x, 8)",
    "fft_rfftn": "jnp.fft.rfftn",
    "fft_irfftn": "lambda x: jnp.fft.irfftn(x, (3, 8))",
    "fft_hfft": "lambda x: jnp.fft.hfft(x, 8)",
    "fft_ihfft": "jnp.fft.ihfft",
    "fft_fftfreq": "lambda: jnp.fft.fftfreq(8, 0.5)",
    "fft_rfftfreq": "lambda: jnp.fft.rfftfreq(8, 0.5)",
    "fft_fftshift": "lambda x: jnp.fft.fftshift(x, 1)",
    "fft_ifftshift": "lambda x: jnp.fft.ifftshift(x, 1)",
    # convolution
    "conv1d": "lambda x, w: lax.conv(x, w, (1,), 'VALID')",
    "conv2d": "lambda x, w: lax.conv(x, w, (1, 1), 'VALID')",
    "conv2d_stride": "lambda x, w: lax.conv(x, w, (2, 2), 'VALID')",
    "conv2d_padding": "lambda x, w: lax.conv_general_dilated(x, w, (1, 1), [(2, 2), (2, 2)])",
    "conv2d_dilation": (
        "lambda x, w: lax.conv_general_dilated(x, w, (1, 1), 'VALID', rhs_dilation=(2, 2))"
    ),
    "conv2d_groups": (
        "lambda x, w: lax.conv_general_dilated(x, w, (1, 1), 'VALID', feature_group_count=2)"
    ),
    "conv2d_depthwise": (
        "lambda x, w: lax.conv_general_dilated(x, w, (1, 1), 'VALID', feature_group_count=4)"
    ),
    "conv3d": "lambda x, w: lax.conv(x, w, (1, 1, 1), 'VALID')",
    "conv2d_transpose": (
        "lambda x, w: lax.conv_transpose(x, w, (1, 1), 'VALID', dimension_numbers=NCHW,"
        " transpose_kernel=True)"
    ),
    "conv2d_transpose_stride": (
        "lambda x, w: lax.conv_transpose(x, w, (2, 2), [(1, 1), (1, 1)], dimension_numbers=NCHW,"
        " transpose_kernel=True, use_consistent_padding=True)"
    ),
    "linear": "lambda x, w, b: layer(nnx.Linear, 4, 2)(x, kernel=jnp.transpose(w), bias=b)",
    "resize_nearest": "lambda x: jax.image.resize(x, (1, 2, 6, 6), 'nearest')",
    # pooling
    "max_pool1d": "lambda x: first(nnx.max_pool(last(x), (2,), (2,)))",
    "max_pool2d": "lambda x: first(nnx.max_pool(last(x), (2, 2), (2, 2)))",
    "max_pool2d_overlapping": "lambda x: first(nnx.max_pool(last(x), (3, 3), (2, 2)))",
    "max_pool2d_padding": (
        "lambda x: first(nnx.max_pool(last(x), (3, 3), (2, 2), ((1, 1), (1, 1))))"
    ),
    "max_pool3d": "lambda x: first(nnx.max_pool(last(x), (2, 2, 2), (2, 2, 2)))",
    "avg_pool2d": "lambda x: first(nnx.avg_pool(last(x), (2, 2), (2, 2)))",
    "avg_pool2d_padding": (
        "lambda x: first(nnx.avg_pool(last(x), (3, 3), (2, 2), ((1, 1), (1, 1)),"
        " count_include_pad=False))"
    ),
    "global_avg_pool2d": "lambda x: jnp.mean(x, axis=(2, 3))",
    "global_max_pool2d": "lambda x: jnp.max(x, axis=(2, 3))",
    # normalisation; every epsilon is the reference's
    "batch_norm": (
        "lambda x, g, b: layer(nnx.BatchNorm, 3, axis=1, epsilon=1e-5)(x, scale=g, bias=b)"
    ),
    "batch_norm_inference": (
        "lambda x, g, b, m, v: layer(nnx.BatchNorm, 3, axis=1, epsilon=1e-5,"
        " use_running_average=True)(x, scale=g, bias=b, mean=m, var=v)"
    ),
    "layer_norm": "lambda x, g, b: layer(nnx.LayerNorm, 5, epsilon=1e-5)(x, scale=g, bias=b)",
    "group_norm": (
        "lambda x, g, b: first(layer(nnx.GroupNorm, 4, 2, epsilon=1e-5)(last(x), scale=g, bias=b))"
    ),
    "instance_norm": (
        "lambda x, g, b: first(layer(nnx.InstanceNorm, 3, epsilon=1e-5)(last(x), scale=g, bias=b))"
    ),
    "rms_norm": "lambda x, g: layer(nnx.RMSNorm, 5, epsilon=1e-5)(x, scale=g)",
    "l2_normalise": "lambda x: x / jnp.linalg.vector_norm(x, axis=-1, keepdims=True)",
    "local_response_norm": (
        "lambda x: x / (1 + 1e-4 / 3 * lax.reduce_window(x * x, 0.0, lax.add, (1, 3, 1, 1),"
        " (1, 1, 1, 1), 'SAME')) ** 0.75"
    ),
    # activations
    "relu": "jax.nn.relu",
    "relu6": "jax.nn.relu6",
    "leaky_relu": "jax.nn.leaky_relu",
    "prelu": "jax.nn.leaky_relu",
    "elu": "jax.nn.elu",
    "selu": "jax.nn.selu",
    "celu": "lambda x: jax.nn.celu(x, 2.0)",
    "gelu": "lambda x: jax.nn.gelu(x, approximate=False)",
    "gelu_tanh": "jax.nn.gelu",
    "silu": "jax.nn.silu",
    "mish": "jax.nn.mish",
    "sigmoid": "jax.nn.sigmoid",
    "hard_sigmoid": "jax.nn.hard_sigmoid",
    "hard_swish": "jax.nn.hard_swish",
    "hard_tanh": "jax.nn.hard_tanh",
    "log_sigmoid": "jax.nn.log_sigmoid",
    "softplus": "jax.nn.softplus",
    "softsign": "jax.nn.soft_sign",
    "softmax": "jax.nn.softmax",
    "log_softmax": "jax.nn.log_softmax",
    "glu": "jax.nn.glu",
    # losses
    "cross_entropy": (
        "lambda x, y: optax.losses.softmax_cross_entropy_with_integer_labels(x, y).mean()"
    ),
    "nll_loss": "lambda x, y: -jnp.take_along_axis(x, y[:, None], axis=1).mean()",
    "binary_cross_entropy": "lambda p, y: -(y * jnp.log(p) + (1 - y) * jnp.log1p(-p)).mean()",
    "binary_cross_entropy_logits": (
        "lambda x, y: optax.losses.sigmoid_binary_cross_entropy(x, y).mean()"
    ),
    "mse_loss": "lambda x, y: optax.losses.squared_error(x, y).mean()",
    "l1_loss": "lambda x, y: jnp.abs(x - y).mean()",
    "huber_loss": "lambda x, y: optax.losses.huber_loss(x, y).mean()",
    "hinge_loss": "lambda x, y: optax.losses.hinge_loss(x, jnp.sign(y)).mean()",
    "kl_divergence": "lambda p, q: optax.losses.kl_divergence(jnp.log(q), p).mean()",
    "cosine_similarity": "optax.losses.cosine_similarity",
    # recurrence
    "rnn_cell": (
        "lambda x, h, w, u, b: layer(nnx.SimpleCell, 3, 4, dtype=None)(h, x,"
        " dense_i={'kernel': jnp.transpose(w), 'bias': b}, dense_h={'kernel': jnp.transpose(u)})[0]"
    ),
    "lstm_cell": (
        "lambda x, h, c, w, u, b: layer(nnx.OptimizedLSTMCell, 3, 4)((c, h), x,"
        " dense_i={'kernel': jnp.transpose(w)}, dense_h={'kernel': jnp.transpose(u), 'bias': b})"
        "[0][::-1]"
    ),
    "gru_cell": "_gru",
    "attention": (
        "lambda q, k, v: heads(jax.nn.dot_product_attention(heads(q), heads(k), heads(v)))"
    ),
    "causal_attention": (
        "lambda q, k, v: heads("
        "jax.nn.dot_product_attention(heads(q), heads(k), heads(v), is_causal=True))"
    ),
    # random: a key is an argument of its own
    "random_uniform": "drawn(lambda key: jax.random.uniform(key, (10000,)))",
    "random_normal": "drawn(lambda key: jax.random.normal(key, (10000,)))",
    "random_bernoulli": "drawn(lambda key: jax.random.bernoulli(key, 0.25, (10000,)))",
    "random_integers": "drawn(lambda key: jax.random.randint(key, (10000,), 0, 10))",
    "random_exponential": "drawn(lambda key: jax.random.exponential(key, (10000,)))",
    "random_categorical": (
        "drawn(lambda key: jax.random.categorical(key, jnp.log(jnp.array([0.25, 0.25, 0.5])),"
        " shape=(10000,)))"
    ),
    "random_permutation": "drawn(lambda key: jax.random.permutation(key, 10000))",
    "dropout": "drawn(lambda key, x: nnx.Dropout(0.5)(x, rngs=nnx.Rngs(key)))",
}

NCHW = ("NCHW", "OIHW", "NCHW")


def last(x):
    """Return images with the channels last, as Flax takes them."""
    return jnp.moveaxis(x, 1, -1)


def first(x):
    """Return images with the channels second."""
    return jnp.moveaxis(x, -1, 1)


def heads(x):
    """Swap heads and positions: JAX's attention takes (batch, positions, heads, width)."""
    return jnp.swapaxes(x, 1, 2)


def layer(kind, *sizes, **options):
    """Return a layer of Flax as a function of its input and, by name, its weights."""

    def call(*inputs, **weights):
        module = kind(*sizes, rngs=nnx.Rngs(0), **options)
        nnx.update(module, weights)
        return module(*inputs)

    return call


def _gru(x, h, w, u, b, d):
    # Flax's GRUCell has no second bias.
    r, z, n = jnp.split(x @ w.T + b, 3, axis=1)
    p, q, m = jnp.split(h @ u.T + d, 3, axis=1)
    r, z = jax.nn.sigmoid(r + p), jax.nn.sigmoid(z + q)
    return (1 - z) * jnp.tanh(n + r * m) + z * h


SEEDS = itertools.count()


class drawn(partial):  # noqa: N801 (it reads as the function that it is)
    """A function that draws: every call is given a fresh key as its first argument."""


def run(function, arguments, captured):
    """Return the outputs as a list of NumPy arrays."""
    arguments = [jnp.asarray(value) for value in arguments]
    if isinstance(function, drawn):
        arguments.insert(0, jax.random.key(next(SEEDS)))
    outputs = (jax.jit(function) if captured else function)(*arguments)
    return [np.asarray(value) for value in listed(outputs)]


def gradient(function, arguments, weights):
    """Return the gradient of the weighted sum of the outputs, one array for each float input."""
    places = [n for n, value in enumerate(arguments) if value.dtype.kind == "f"]

    def total(*arguments):
        outputs = listed(function(*arguments))
        return sum(jnp.sum(weight * output) for weight, output in zip(weights, outputs))

    gradients = jax.grad(total, places)(*[jnp.asarray(value) for value in arguments])
    return [np.asarray(value) for value in gradients]


def listed(outputs):
    """Return one output or several as a list."""
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
