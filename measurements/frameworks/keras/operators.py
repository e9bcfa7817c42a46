"""The operators of Keras, asked for by name: ops, activations, losses, random, layers.

https://keras.io/api/ops/
"""

import functools

import keras
import tensorflow as tf
from keras import activations, layers, losses, ops, random  # noqa: F401

CAPTURED = "tf.function, in which Keras itself wraps its steps on TensorFlow"
WHY_ABSENT = "Keras has no such operator"
SOURCE = "https://keras.io/api/ops/"
ABSENT = {
    "copysign": "Keras has signbit, but nothing that copies a sign",
}


def last(x):
    """Return images with the channels last, as Keras' operators take them by default."""
    return ops.moveaxis(x, 1, -1)


def first(x):
    """Undo :func:`last`."""
    return ops.moveaxis(x, -1, 1)


def kernel(w):
    """Return kernels (outputs, inputs, ...) as Keras holds them: (..., inputs, outputs)."""
    return ops.moveaxis(w, (1, 0), (-2, -1))


def parts(x):
    """Return a complex tensor as Keras' FFTs take it: a tuple of real and imaginary part."""
    return ops.real(x), ops.imag(x)


def whole(pair):
    """Undo :func:`parts`."""
    return ops.view_as_complex(ops.stack(pair, -1))


def row(x):
    """Return the last axis as a plane of one row: Keras' only inverse complex FFT takes planes."""
    return ops.expand_dims(x, -2)


def heads(x):
    """Swap (batch, heads, length, size) and (batch, length, heads, size), Keras' layout."""
    return ops.swapaxes(x, 1, 2)


def gates(w):
    """Return gates (reset, update, new) in the order of Keras' GRU: update, reset, new."""
    reset, update, new = ops.split(w, 3)
    return ops.concatenate([update, reset, new])


def rows(*vectors):
    """Return vectors as the rows of a matrix: Keras' GRU holds its two biases so."""
    return ops.stack(vectors)


def columns(w):
    """Return a matrix (outputs, inputs) as Keras holds it."""
    return ops.transpose(w)


def _irfftn(x):
    """Return the inverse of rfftn: along the first axis, then along the last one."""
    turned = ops.squeeze(whole(ops.ifft2(parts(row(ops.transpose(x))))), -2)
    return ops.irfft(parts(ops.transpose(turned)), 8)


@functools.lru_cache(maxsize=None)
def made(layer, **options):
    """Return a layer, the same one every time: graphs may not make variables of their own."""
    return layer(**options)


def of(layer, weights, x, *arguments, **options):
    """Call a layer with tensors in place of its trainable weights."""
    used = made(layer, dtype=keras.backend.standardize_dtype(x.dtype), **options)
    if not used.built:
        with tf.init_scope():
            used.build(x.shape)
    state = [variable.value for variable in used.non_trainable_variables]
    return used.stateless_call(weights, state, x, *arguments)[0]


OPERATORS = {
    # elementary
    "abs": "ops.abs",
    "acos": "ops.arccos",
    "acosh": "ops.arccosh",
    "asin": "ops.arcsin",
    "asinh": "ops.arcsinh",
    "atan": "ops.arctan",
    "atan2": "ops.arctan2",
    "atanh": "ops.arctanh",
    "cos": "ops.cos",
    "cosh": "ops.cosh",
    "exp": "ops.exp",
    "expm1": "ops.expm1",
    "hypot": "ops.hypot",
    "log": "ops.log",
    "log1p": "ops.log1p",
    "log2": "ops.log2",
    "log10": "ops.log10",
    "logaddexp": "ops.logaddexp",
    "reciprocal": "ops.reciprocal",
    "sin": "ops.sin",
    "sinh": "ops.sinh",
    "sqrt": "ops.sqrt",
    "square": "ops.square",
    "tan": "ops.tan",
    "tanh": "ops.tanh",
    "erf": "ops.erf",
    # arithmetic
    "add": "ops.add",
    "ceil": "ops.ceil",
    "clip": "lambda x: ops.clip(x, -1, 1)",
    "divide": "ops.divide",
    "floor": "ops.floor",
    "floor_divide": "ops.floor_divide",
    "maximum": "ops.maximum",
    "minimum": "ops.minimum",
    "multiply": "ops.multiply",
    "negative": "ops.negative",
    "nextafter": "ops.nextafter",
    "positive": "ops.copy",
    "pow": "ops.power",
    "remainder": "ops.mod",
    "round": "ops.round",
    "sign": "ops.sign",
    "subtract": "ops.subtract",
    "trunc": "ops.trunc",
    "conj": "ops.conj",
    "imag": "ops.imag",
    "real": "ops.real",
    # logic
    "bitwise_and": "ops.bitwise_and",
    "bitwise_left_shift": "ops.bitwise_left_shift",
    "bitwise_invert": "ops.bitwise_invert",
    "bitwise_or": "ops.bitwise_or",
    "bitwise_right_shift": "ops.bitwise_right_shift",
    "bitwise_xor": "ops.bitwise_xor",
    "equal": "ops.equal",
    "greater": "ops.greater",
    "greater_equal": "ops.greater_equal",
    "less": "ops.less",
    "less_equal": "ops.less_equal",
    "not_equal": "ops.not_equal",
    "isfinite": "ops.isfinite",
    "isinf": "ops.isinf",
    "isnan": "ops.isnan",
    "logical_and": "ops.logical_and",
    "logical_not": "ops.logical_not",
    "logical_or": "ops.logical_or",
    "logical_xor": "ops.logical_xor",
    "signbit": "ops.signbit",
    # creation
    "arange": "lambda: ops.arange(2, 11, 3)",
    "eye": "lambda: ops.eye(3, 4, k=1)",
    "full": "lambda: ops.full((2, 3), 7.5)",
    "full_like": "lambda x: ops.full_like(x, 7.5)",
    "linspace": "lambda: ops.linspace(-1, 1, 5)",
    "meshgrid": "lambda x, y: ops.meshgrid(x, y, indexing='ij')",
    "ones": "lambda: ops.ones((2, 3))",
    "ones_like": "ops.ones_like",
    "tril": "ops.tril",
    "triu": "ops.triu",
    "zeros": "lambda: ops.zeros((2, 3))",
    "zeros_like": "ops.zeros_like",
    # manipulation
    "broadcast_arrays": "lambda x, y: [ops.broadcast_to(x, (3, 4)), ops.broadcast_to(y, (3, 4))]",
    "broadcast_to": "lambda x: ops.broadcast_to(x, (3, 4))",
    "concat": "lambda x, y: ops.concatenate([x, y], 1)",
    "expand_dims": "lambda x: ops.expand_dims(x, 1)",
    "flip": "lambda x: ops.flip(x, 1)",
    "moveaxis": "lambda x: ops.moveaxis(x, 0, 2)",
    "permute_dims": "lambda x: ops.transpose(x, (2, 0, 1))",
    "repeat": "lambda x: ops.repeat(x, 2, 1)",
    "reshape": "lambda x: ops.reshape(x, (4, 3))",
    "roll": "lambda x: ops.roll(x, 1, 1)",
    "squeeze": "lambda x: ops.squeeze(x, 1)",
    "stack": "lambda x, y: ops.stack([x, y], 1)",
    "tile": "lambda x: ops.tile(x, (2, 3))",
    "unstack": "ops.unstack",
    "pad": "lambda x: ops.pad(x, [(0, 0), (1, 2)])",
    "pad_reflect": "lambda x: ops.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], 'reflect')",
    "slice": "lambda x: ops.get_item(x, (slice(1, None), slice(None, None, 2)))",
    # indexing
    "argmax": "lambda x: ops.argmax(x, 1)",
    "argmin": "lambda x: ops.argmin(x, 1)",
    "count_nonzero": "lambda x: ops.count_nonzero(x, 1)",
    "nonzero": "ops.nonzero",
    "searchsorted": "ops.searchsorted",
    "where": "ops.where",
    "take": "lambda x, i: ops.take(x, i, 1)",
    "take_along_axis": "lambda x, i: ops.take_along_axis(x, i, 1)",
    "embedding": "lambda w, i: ops.take(w, i, 0)",
    "gather_nd": ("lambda x, i: ops.take(ops.reshape(x, (-1,)), i[:, 0] * x.shape[1] + i[:, 1])"),
    "scatter_add": "lambda x, i, v: ops.scatter_update(x, ops.expand_dims(i, 1), v, 'add')",
    "one_hot": "lambda i: ops.one_hot(i, 4)",
    "segment_sum": "lambda x, i: ops.segment_sum(x, i, num_segments=3)",
    # sorting
    "argsort": "lambda x: ops.argsort(x, 1)",
    "sort": "lambda x: ops.sort(x, 1)",
    "top_k": "lambda x: ops.top_k(x, 2)",
    "unique_values": "ops.unique",
    "unique_counts": "lambda x: ops.unique(x, return_counts=True)",
    "unique_inverse": "lambda x: ops.unique(x, return_inverse=True)",
    # reductions
    "all": "lambda x: ops.all(x, 1)",
    "any": "lambda x: ops.any(x, 1)",
    "cumulative_prod": "lambda x: ops.cumprod(x, 1)",
    "cumulative_sum": "lambda x: ops.cumsum(x, 1)",
    "diff": "lambda x: ops.diff(x, axis=1)",
    "max": "lambda x: ops.max(x, 1)",
    "mean": "lambda x: ops.mean(x, 1)",
    "min": "lambda x: ops.min(x, 1)",
    "prod": "lambda x: ops.prod(x, 1)",
    "std": "lambda x: ops.std(x, 1)",
    "sum": "lambda x: ops.sum(x, 1)",
    "var": "lambda x: ops.var(x, 1)",
    "logsumexp": "lambda x: ops.logsumexp(x, 1)",
    "cumulative_max": "lambda x: ops.associative_scan(ops.maximum, x, axis=1)",
    # linalg
    "matmul": "ops.matmul",
    "matrix_transpose": "lambda x: ops.swapaxes(x, -1, -2)",
    "tensordot": "lambda x, y: ops.tensordot(x, y, 2)",
    "vecdot": "lambda x, y: ops.einsum('...i,...i->...', x, y)",
    "einsum": "lambda x, y: ops.einsum('bij,bjk->bik', x, y)",
    "einsum_trace": "lambda x: ops.einsum('ii->i', x)",
    "linalg_cholesky": "ops.cholesky",
    "linalg_cross": "ops.cross",
    "linalg_det": "ops.det",
    "linalg_diagonal": "lambda x: ops.diagonal(x, axis1=-2, axis2=-1)",
    "linalg_eigh": "ops.eigh",
    "linalg_eigvalsh": "lambda x: ops.eigh(x)[0]",
    "linalg_inv": "ops.inv",
    "linalg_matrix_norm": "lambda x: ops.norm(x, axis=(-2, -1))",
    "linalg_matrix_power": "lambda x: ops.matmul(x, ops.matmul(x, x))",
    "linalg_matrix_rank": "ops.matrix_rank",
    "linalg_outer": "ops.outer",
    "linalg_pinv": "ops.pinv",
    "linalg_qr": "ops.qr",
    "linalg_slogdet": "ops.slogdet",
    "linalg_solve": "ops.solve",
    "linalg_svd": "lambda x: ops.svd(x, full_matrices=False)",
    "linalg_svdvals": "lambda x: ops.svd(x, compute_uv=False)",
    "linalg_trace": "ops.trace",
    "linalg_vector_norm": "lambda x: ops.norm(x, axis=-1)",
    # fft
    "fft_fft": "lambda x: whole(ops.fft(parts(x)))",
    "fft_ifft": "lambda x: ops.squeeze(whole(ops.ifft2(parts(row(x)))), -2)",
    "fft_fftn": "lambda x: whole(ops.fft2(parts(x)))",
    "fft_ifftn": "lambda x: whole(ops.ifft2(parts(x)))",
    "fft_rfft": "lambda x: whole(ops.rfft(x))",
    "fft_irfft": "lambda x: ops.irfft(parts(x), 8)",
    "fft_rfftn": "lambda x: whole(ops.fft2((x, ops.zeros_like(x))))[:, :5]",
    "fft_irfftn": "_irfftn",
    "fft_hfft": "lambda x: ops.irfft(parts(ops.conj(x)), 8) * 8",
    "fft_ihfft": "lambda x: ops.conj(whole(ops.rfft(x))) / 8",
    "fft_fftfreq": "lambda: ops.roll(ops.arange(-4, 4), 4) / 4",
    "fft_rfftfreq": "lambda: ops.arange(5) / 4",
    "fft_fftshift": "lambda x: ops.roll(x, 4, 1)",
    "fft_ifftshift": "lambda x: ops.roll(x, -4, 1)",
    # convolution
    "conv1d": "lambda x, w: first(ops.conv(last(x), kernel(w)))",
    "conv2d": "lambda x, w: first(ops.conv(last(x), kernel(w)))",
    "conv2d_stride": "lambda x, w: first(ops.conv(last(x), kernel(w), 2))",
    "conv2d_padding": (
        "lambda x, w: first(ops.conv(layers.ZeroPadding2D(2, dtype=x.dtype)(last(x)), kernel(w)))"
    ),
    "conv2d_dilation": "lambda x, w: first(ops.conv(last(x), kernel(w), dilation_rate=2))",
    "conv2d_groups": "lambda x, w: first(ops.conv(last(x), kernel(w)))",
    "conv2d_depthwise": (
        "lambda x, w: first(ops.depthwise_conv(last(x), ops.transpose(w, (2, 3, 0, 1))))"
    ),
    "conv3d": "lambda x, w: first(ops.conv(last(x), kernel(w)))",
    "conv2d_transpose": "lambda x, w: first(ops.conv_transpose(last(x), kernel(w), 1))",
    "conv2d_transpose_stride": (
        "lambda x, w: first(ops.conv_transpose(last(x), kernel(w), 2, 'same', output_padding=0))"
    ),
    "linear": "lambda x, w, b: of(layers.Dense, [columns(w), b], x, units=2)",
    "resize_nearest": "lambda x: first(ops.image.resize(last(x), (6, 6), 'nearest'))",
    # pooling
    "max_pool1d": "lambda x: first(ops.max_pool(last(x), 2, 2))",
    "max_pool2d": "lambda x: first(ops.max_pool(last(x), 2, 2))",
    "max_pool2d_overlapping": "lambda x: first(ops.max_pool(last(x), 3, 2))",
    "max_pool2d_padding": "lambda x: first(ops.max_pool(last(x), 3, 2, 'same'))",
    "max_pool3d": "lambda x: first(ops.max_pool(last(x), 2, 2))",
    "avg_pool2d": "lambda x: first(ops.average_pool(last(x), 2, 2))",
    "avg_pool2d_padding": "lambda x: first(ops.average_pool(last(x), 3, 2, 'same'))",
    "global_avg_pool2d": "lambda x: layers.GlobalAveragePooling2D(dtype=x.dtype)(last(x))",
    "global_max_pool2d": "lambda x: layers.GlobalMaxPooling2D(dtype=x.dtype)(last(x))",
    # normalisation
    "batch_norm": (
        "lambda x, g, b: of(layers.BatchNormalization, [g, b], x, True, axis=1, epsilon=1e-5)"
    ),
    "batch_norm_inference": (
        "lambda x, g, b, m, v: ops.batch_normalization(x, m, v, 1, offset=b, scale=g, epsilon=1e-5)"
    ),
    "layer_norm": "lambda x, g, b: ops.layer_normalization(x, g, b, -1, 1e-5)",
    "group_norm": (
        "lambda x, g, b: of(layers.GroupNormalization, [g, b], x, groups=2, axis=1, epsilon=1e-5)"
    ),
    "instance_norm": (
        "lambda x, g, b: of(layers.GroupNormalization, [g, b], x, groups=-1, axis=1, epsilon=1e-5)"
    ),
    "rms_norm": "lambda x, g: ops.rms_normalization(x, g, -1, 1e-5)",
    "l2_normalise": "lambda x: ops.normalize(x, -1)",
    # activations
    "relu": "activations.relu",
    "relu6": "activations.relu6",
    "leaky_relu": "lambda x: activations.leaky_relu(x, 0.01)",
    "prelu": "lambda x, a: of(layers.PReLU, [a], x)",
    "elu": "activations.elu",
    "selu": "activations.selu",
    "celu": "lambda x: activations.celu(x, 2.0)",
    "gelu": "activations.gelu",
    "gelu_tanh": "lambda x: activations.gelu(x, True)",
    "silu": "activations.silu",
    "mish": "activations.mish",
    "sigmoid": "activations.sigmoid",
    "hard_sigmoid": "activations.hard_sigmoid",
    "hard_swish": "activations.hard_silu",
    "hard_tanh": "activations.hard_tanh",
    "log_sigmoid": "activations.log_sigmoid",
    "softplus": "activations.softplus",
    "softsign": "activations.softsign",
    "softmax": "activations.softmax",
    "log_softmax": "activations.log_softmax",
    "glu": "activations.glu",
    # losses
    "cross_entropy": (
        "lambda x, y: losses.SparseCategoricalCrossentropy(True, dtype=x.dtype)(y, x)"
    ),
    "nll_loss": "lambda x, y: -ops.mean(ops.take_along_axis(x, ops.expand_dims(y, 1), 1))",
    "binary_cross_entropy": "lambda p, y: losses.BinaryCrossentropy(dtype=p.dtype)(y, p)",
    "binary_cross_entropy_logits": (
        "lambda x, y: losses.BinaryCrossentropy(True, dtype=x.dtype)(y, x)"
    ),
    "mse_loss": "lambda x, y: losses.MeanSquaredError(dtype=x.dtype)(y, x)",
    "l1_loss": "lambda x, y: losses.MeanAbsoluteError(dtype=x.dtype)(y, x)",
    "huber_loss": "lambda x, y: losses.Huber(1.0, dtype=x.dtype)(y, x)",
    "hinge_loss": "lambda x, y: losses.Hinge(dtype=x.dtype)(ops.sign(y), x)",
    "kl_divergence": "lambda p, q: losses.KLDivergence(dtype=p.dtype)(p, q)",
    "cosine_similarity": "lambda x, y: -losses.cosine_similarity(y, x)",
    # recurrence
    "rnn_cell": (
        "lambda x, h, w, u, b: of(layers.SimpleRNNCell, [columns(w), columns(u), b], x, [h],"
        " units=4)[0]"
    ),
    "lstm_cell": (
        "lambda x, h, c, w, u, b: of(layers.LSTMCell, [columns(w), columns(u), b], x, [h, c],"
        " units=4)[1]"
    ),
    "gru_cell": (
        "lambda x, h, w, u, b, d: of(layers.GRUCell, [columns(gates(w)), columns(gates(u)),"
        " rows(gates(b), gates(d))], x, [h], units=4)[0]"
    ),
    "attention": ("lambda q, k, v: heads(ops.dot_product_attention(heads(q), heads(k), heads(v)))"),
    "causal_attention": (
        "lambda q, k, v: heads(ops.dot_product_attention(heads(q), heads(k), heads(v),"
        " is_causal=True))"
    ),
    # random
    "random_uniform": "lambda: random.uniform((10000,))",
    "random_normal": "lambda: random.normal((10000,))",
    "random_bernoulli": "lambda: random.binomial((10000,), 1, 0.25)",
    "random_integers": "lambda: random.randint((10000,), 0, 10)",
    "random_exponential": "lambda: random.gamma((10000,), 1.0)",
    "random_categorical": ("lambda: random.categorical(ops.log([[0.25, 0.25, 0.5]]), 10000)"),
    "random_permutation": "lambda: random.shuffle(ops.arange(10000))",
    "dropout": "lambda x: random.dropout(x, 0.5)",
}


@functools.lru_cache(maxsize=None)
def captured_once(function):
    """Return the function as one graph; it is traced anew for every other shape and type."""
    return tf.function(function, autograph=False)


def run(function, arguments, captured):
    """Return the outputs of an operator."""
    tensors = [ops.convert_to_tensor(argument) for argument in arguments]
    outputs = (captured_once(function) if captured else function)(*tensors)
    return [ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]


def gradient(function, arguments, weights):
    """Return the gradients by TensorFlow's tape: Keras has none of its own.

    https://keras.io/guides/writing_a_custom_training_loop_in_tensorflow/
    """
    tensors = [ops.convert_to_tensor(argument) for argument in arguments]
    sources = [x for x in tensors if keras.backend.is_float_dtype(x.dtype)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = keras.tree.flatten(function(*tensors))
        total = sum(ops.sum(ops.cast(w, y.dtype) * y) for w, y in zip(weights, outputs))
    slopes = tape.gradient(total, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [ops.convert_to_numpy(slope) for slope in slopes]
