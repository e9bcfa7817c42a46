"""How TensorFlow spells the operators of measurements.operators.

The functions come from ``tf``, ``tf.math``, ``tf.nn``, ``tf.linalg``, ``tf.signal`` and, for names
that only NumPy has, ``tf.experimental.numpy``. Where none of them knows an operator that Keras, the
high-level interface of TensorFlow, has as one function, that one is taken.
"""

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

CAPTURED = "tf.function"
SOURCE = "https://www.tensorflow.org/api_docs/python/tf/all_symbols"
WHY_ABSENT = "TensorFlow has no such function, and no short composition of its functions does it"

OPERATORS = {
    # elementary
    "abs": "tf.abs",
    "acos": "tf.acos",
    "acosh": "tf.acosh",
    "asin": "tf.asin",
    "asinh": "tf.asinh",
    "atan": "tf.atan",
    "atan2": "tf.atan2",
    "atanh": "tf.atanh",
    "cos": "tf.cos",
    "cosh": "tf.cosh",
    "exp": "tf.exp",
    "expm1": "tf.math.expm1",
    "hypot": "tnp.hypot",
    "log": "tf.math.log",
    "log1p": "tf.math.log1p",
    "log2": "tnp.log2",
    "log10": "tnp.log10",
    "logaddexp": "tnp.logaddexp",
    "reciprocal": "tf.math.reciprocal",
    "sin": "tf.sin",
    "sinh": "tf.sinh",
    "sqrt": "tf.sqrt",
    "square": "tf.square",
    "tan": "tf.tan",
    "tanh": "tf.tanh",
    "erf": "tf.math.erf",
    "lgamma": "tf.math.lgamma",
    "digamma": "tf.math.digamma",
    # arithmetic
    "add": "tf.add",
    "ceil": "tf.math.ceil",
    "clip": "lambda x: tf.clip_by_value(x, -1, 1)",
    # TensorFlow's own signbit, see there, takes -0.0 for a positive number; Keras' does not.
    "copysign": "lambda x, y: tf.where(tf.keras.ops.signbit(y), -tf.abs(x), tf.abs(x))",
    "divide": "tf.divide",
    "floor": "tf.floor",
    "floor_divide": "tf.math.floordiv",
    "maximum": "tf.maximum",
    "minimum": "tf.minimum",
    "multiply": "tf.multiply",
    "negative": "tf.negative",
    "nextafter": "tf.math.nextafter",
    "positive": "tnp.positive",
    "pow": "tf.pow",
    "remainder": "tf.math.floormod",
    "round": "tf.round",
    "sign": "tf.sign",
    "subtract": "tf.subtract",
    "trunc": "tnp.fix",
    "conj": "tf.math.conj",
    "imag": "tf.math.imag",
    "real": "tf.math.real",
    # logic
    "bitwise_and": "tf.bitwise.bitwise_and",
    "bitwise_left_shift": "tf.bitwise.left_shift",
    "bitwise_invert": "tf.bitwise.invert",
    "bitwise_or": "tf.bitwise.bitwise_or",
    "bitwise_right_shift": "tf.bitwise.right_shift",
    "bitwise_xor": "tf.bitwise.bitwise_xor",
    "equal": "tf.equal",
    "greater": "tf.greater",
    "greater_equal": "tf.greater_equal",
    "less": "tf.less",
    "less_equal": "tf.less_equal",
    "not_equal": "tf.not_equal",
    "isfinite": "tf.math.is_finite",
    "isinf": "tf.math.is_inf",
    "isnan": "tf.math.is_nan",
    "logical_and": "tf.logical_and",
    "logical_not": "tf.logical_not",
    "logical_or": "tf.logical_or",
    "logical_xor": "tf.math.logical_xor",
    "signbit": "tnp.signbit",
    # creation
    "arange": "lambda: tf.range(2, 11, 3)",
    "eye": "lambda: tnp.eye(3, 4, k=1)",
    "full": "lambda: tf.fill([2, 3], 7.5)",
    "full_like": "lambda x: tnp.full_like(x, 7.5)",
    "linspace": "lambda: tf.linspace(-1.0, 1.0, 5)",
    "meshgrid": "lambda x, y: tf.meshgrid(x, y, indexing='ij')",
    "ones": "lambda: tf.ones([2, 3])",
    "ones_like": "tf.ones_like",
    "tril": "lambda x: tf.linalg.band_part(x, -1, 0)",
    "triu": "lambda x: tf.linalg.band_part(x, 0, -1)",
    "zeros": "lambda: tf.zeros([2, 3])",
    "zeros_like": "tf.zeros_like",
    # manipulation
    "broadcast_arrays": "tnp.broadcast_arrays",
    "broadcast_to": "lambda x: tf.broadcast_to(x, [3, 4])",
    "concat": "lambda x, y: tf.concat([x, y], 1)",
    "expand_dims": "lambda x: tf.expand_dims(x, 1)",
    "flip": "lambda x: tf.reverse(x, [1])",
    "moveaxis": "lambda x: tnp.moveaxis(x, 0, 2)",
    "permute_dims": "lambda x: tf.transpose(x, [2, 0, 1])",
    "repeat": "lambda x: tf.repeat(x, 2, 1)",
    "reshape": "lambda x: tf.reshape(x, [4, 3])",
    "roll": "lambda x: tf.roll(x, 1, 1)",
    "squeeze": "lambda x: tf.squeeze(x, 1)",
    "stack": "lambda x, y: tf.stack([x, y], 1)",
    "tile": "lambda x: tf.tile(x, [2, 3])",
    "unstack": "tf.unstack",
    "pad": "lambda x: tf.pad(x, [[0, 0], [1, 2]])",
    "pad_reflect": "lambda x: tf.pad(x, [[0, 0], [0, 0], [1, 1], [1, 1]], 'REFLECT')",
    "slice": "lambda x: x[1:, ::2]",
    # indexing
    "argmax": "lambda x: tf.argmax(x, 1)",
    "argmin": "lambda x: tf.argmin(x, 1)",
    "count_nonzero": "lambda x: tf.math.count_nonzero(x, 1)",
    "nonzero": "tnp.nonzero",
    "searchsorted": "tf.searchsorted",
    "where": "tf.where",
    "take": "lambda x, i: tf.gather(x, i, axis=1)",
    "take_along_axis": "lambda x, i: tf.gather(x, i, axis=1, batch_dims=1)",
    "embedding": "tf.nn.embedding_lookup",
    "gather_nd": "tf.gather_nd",
    "scatter_add": "lambda x, i, v: tf.tensor_scatter_nd_add(x, tf.expand_dims(i, 1), v)",
    "one_hot": "lambda i: tf.one_hot(i, 4)",
    "segment_sum": "tf.math.segment_sum",
    # sorting
    "argsort": "lambda x: tf.argsort(x, 1)",
    "sort": "lambda x: tf.sort(x, 1)",
    "top_k": "lambda x: tf.math.top_k(x, 2)",
    "unique_values": "lambda x: tf.unique(tf.sort(x)).y",
    "unique_counts": "lambda x: _unique_counts(x)",
    "unique_inverse": "lambda x: _unique_inverse(x)",
    # reductions
    "all": "lambda x: tf.reduce_all(x, 1)",
    "any": "lambda x: tf.reduce_any(x, 1)",
    "cumulative_prod": "lambda x: tf.math.cumprod(x, 1)",
    "cumulative_sum": "lambda x: tf.cumsum(x, 1)",
    "diff": "lambda x: tnp.diff(x, axis=1)",
    "max": "lambda x: tf.reduce_max(x, 1)",
    "mean": "lambda x: tf.reduce_mean(x, 1)",
    "min": "lambda x: tf.reduce_min(x, 1)",
    "prod": "lambda x: tf.reduce_prod(x, 1)",
    "std": "lambda x: tf.math.reduce_std(x, 1)",
    "sum": "lambda x: tf.reduce_sum(x, 1)",
    "var": "lambda x: tf.math.reduce_variance(x, 1)",
    "logsumexp": "lambda x: tf.reduce_logsumexp(x, 1)",
    "cumulative_max": "lambda x: tf.transpose(tf.scan(tf.maximum, tf.transpose(x)))",
    # linalg
    "matmul": "tf.matmul",
    "matrix_transpose": "tf.linalg.matrix_transpose",
    "tensordot": "lambda x, y: tf.tensordot(x, y, 2)",
    "vecdot": "lambda x, y: tf.einsum('ij,ij->i', x, y)",
    "einsum": "lambda x, y: tf.einsum('bij,bjk->bik', x, y)",
    "einsum_trace": "lambda x: tf.einsum('ii->i', x)",
    "linalg_cholesky": "tf.linalg.cholesky",
    "linalg_cross": "tf.linalg.cross",
    "linalg_det": "tf.linalg.det",
    "linalg_diagonal": "tf.linalg.diag_part",
    "linalg_eigh": "tf.linalg.eigh",
    "linalg_eigvalsh": "tf.linalg.eigvalsh",
    "linalg_inv": "tf.linalg.inv",
    "linalg_matrix_norm": "lambda x: tf.norm(x, axis=[-2, -1])",
    "linalg_matrix_power": "lambda x: tf.matmul(tf.matmul(x, x), x)",
    "linalg_matrix_rank": "tf.linalg.matrix_rank",
    "linalg_outer": "tnp.outer",
    "linalg_pinv": "tf.linalg.pinv",
    "linalg_qr": "tf.linalg.qr",
    "linalg_slogdet": "tf.linalg.slogdet",
    "linalg_solve": "tf.linalg.solve",
    "linalg_svd": "lambda x: factors(*tf.linalg.svd(x))",
    "linalg_svdvals": "lambda x: tf.linalg.svd(x, compute_uv=False)",
    "linalg_trace": "tf.linalg.trace",
    "linalg_vector_norm": "lambda x: tf.norm(x, axis=-1)",
    # fft
    "fft_fft": "tf.signal.fft",
    "fft_ifft": "tf.signal.ifft",
    "fft_fftn": "tf.signal.fft2d",
    "fft_ifftn": "tf.signal.ifft2d",
    "fft_rfft": "tf.signal.rfft",
    "fft_irfft": "lambda x: tf.signal.irfft(x, [8])",
    "fft_rfftn": "tf.signal.rfft2d",
    "fft_irfftn": "lambda x: tf.signal.irfft2d(x, [3, 8])",
    "fft_hfft": "lambda x: 8 * tf.signal.irfft(tf.math.conj(x), [8])",
    "fft_ihfft": "lambda x: tf.math.conj(tf.signal.rfft(x)) / 8",
    "fft_fftfreq": "lambda: tf.signal.ifftshift(tf.range(-4.0, 4.0) / 4)",
    "fft_rfftfreq": "lambda: tf.range(5.0) / 4",
    "fft_fftshift": "lambda x: tf.signal.fftshift(x, 1)",
    "fft_ifftshift": "lambda x: tf.signal.ifftshift(x, 1)",
    # convolution
    "conv1d": "lambda x, w: first(tf.nn.conv1d(last(x), kernel(w), 1, 'VALID'))",
    "conv2d": "lambda x, w: first(tf.nn.conv2d(last(x), kernel(w), 1, 'VALID'))",
    "conv2d_stride": "lambda x, w: first(tf.nn.conv2d(last(x), kernel(w), 2, 'VALID'))",
    "conv2d_padding": "lambda x, w: first(tf.nn.conv2d(last(x), kernel(w), 1, around(2)))",
    "conv2d_dilation": (
        "lambda x, w: first(tf.nn.conv2d(last(x), kernel(w), 1, 'VALID', dilations=2))"
    ),
    "conv2d_groups": "lambda x, w: first(tf.nn.conv2d(last(x), kernel(w), 1, 'VALID'))",
    "conv2d_depthwise": (
        "lambda x, w: first(tf.nn.depthwise_conv2d("
        "last(x), tf.transpose(w, [2, 3, 0, 1]), [1, 1, 1, 1], 'VALID'))"
    ),
    "conv3d": "lambda x, w: first(tf.nn.conv3d(last(x), kernel(w), [1, 1, 1, 1, 1], 'VALID'))",
    "conv2d_transpose": (
        "lambda x, w: first(tf.nn.conv2d_transpose(last(x), kernel(w), [2, 6, 6, 2], 1, 'VALID'))"
    ),
    "conv2d_transpose_stride": (
        "lambda x, w: first(tf.nn.conv2d_transpose(last(x), kernel(w), [2, 7, 7, 2], 2, around(1)))"
    ),
    "linear": "lambda x, w, b: tf.matmul(x, w, transpose_b=True) + b",
    "resize_nearest": "lambda x: first(tf.image.resize(last(x), [6, 6], 'nearest'))",
    # pooling
    "max_pool1d": "lambda x: first(tf.nn.max_pool1d(last(x), 2, 2, 'VALID'))",
    "max_pool2d": "lambda x: first(tf.nn.max_pool2d(last(x), 2, 2, 'VALID'))",
    "max_pool2d_overlapping": "lambda x: first(tf.nn.max_pool2d(last(x), 3, 2, 'VALID'))",
    "max_pool2d_padding": "lambda x: first(tf.nn.max_pool2d(last(x), 3, 2, around(1)))",
    "max_pool3d": "lambda x: first(tf.nn.max_pool3d(last(x), 2, 2, 'VALID'))",
    "avg_pool2d": "lambda x: first(tf.nn.avg_pool2d(last(x), 2, 2, 'VALID'))",
    # 'SAME' is a padding of one on either side here, which the average leaves out.
    "avg_pool2d_padding": "lambda x: first(tf.nn.avg_pool2d(last(x), 3, 2, 'SAME'))",
    "global_avg_pool2d": "lambda x: tf.reduce_mean(x, [2, 3])",
    "global_max_pool2d": "lambda x: tf.reduce_max(x, [2, 3])",
    # normalisation
    "batch_norm": (
        "lambda x, g, b: first(tf.nn.batch_normalization("
        "last(x), *tf.nn.moments(last(x), [0, 1, 2]), b, g, 1e-5))"
    ),
    "batch_norm_inference": (
        "lambda x, g, b, m, v: first(tf.nn.batch_normalization(last(x), m, v, b, g, 1e-5))"
    ),
    "layer_norm": (
        "lambda x, g, b: tf.nn.batch_normalization("
        "x, *tf.nn.moments(x, [-1], keepdims=True), b, g, 1e-5)"
    ),
    "group_norm": "lambda x, g, b: _group_norm(x, g, b)",
    "instance_norm": (
        "lambda x, g, b: tf.nn.batch_normalization("
        "x, *tf.nn.moments(x, [2, 3], keepdims=True), planes(b), planes(g), 1e-5)"
    ),
    "rms_norm": "lambda x, g: tf.keras.ops.rms_normalization(x, g, epsilon=1e-5)",
    "l2_normalise": "lambda x: tf.math.l2_normalize(x, -1)",
    "local_response_norm": (
        "lambda x: first(tf.nn.local_response_normalization(last(x), 1, 1.0, 1e-4 / 3, 0.75))"
    ),
    # activations
    "relu": "tf.nn.relu",
    "relu6": "tf.nn.relu6",
    "leaky_relu": "lambda x: tf.nn.leaky_relu(x, 0.01)",
    "prelu": "lambda x, a: tf.where(x > 0, x, a * x)",
    "elu": "tf.nn.elu",
    "selu": "tf.nn.selu",
    "celu": "lambda x: tf.keras.activations.celu(x, 2.0)",
    "gelu": "tf.nn.gelu",
    "gelu_tanh": "lambda x: tf.nn.gelu(x, approximate=True)",
    "silu": "tf.nn.silu",
    "mish": "tf.keras.activations.mish",
    "sigmoid": "tf.sigmoid",
    "hard_sigmoid": "tf.keras.activations.hard_sigmoid",
    "hard_swish": "tf.keras.activations.hard_swish",
    "hard_tanh": "lambda x: tf.clip_by_value(x, -1, 1)",
    "log_sigmoid": "tf.math.log_sigmoid",
    "softplus": "tf.math.softplus",
    "softsign": "tf.nn.softsign",
    "softmax": "tf.nn.softmax",
    "log_softmax": "tf.nn.log_softmax",
    "glu": "tf.keras.activations.glu",
    # losses
    "cross_entropy": (
        "lambda x, y: tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x))"
    ),
    "nll_loss": "lambda x, y: -tf.reduce_mean(tf.gather(x, y, axis=1, batch_dims=1))",
    "binary_cross_entropy": (
        "lambda p, y: tf.reduce_mean(tf.keras.losses.binary_crossentropy(y, p))"
    ),
    "binary_cross_entropy_logits": (
        "lambda x, y: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, x))"
    ),
    "mse_loss": "lambda x, y: tf.reduce_mean(tf.math.squared_difference(x, y))",
    "l1_loss": "lambda x, y: tf.reduce_mean(tf.abs(x - y))",
    "huber_loss": "lambda x, y: tf.reduce_mean(tf.keras.losses.huber(y, x))",
    "hinge_loss": "lambda x, y: tf.reduce_mean(tf.keras.losses.hinge(tf.sign(y), x))",
    "kl_divergence": "lambda p, q: tf.reduce_mean(tf.keras.losses.kld(p, q))",
    # As a loss it has the opposite sign.
    "cosine_similarity": "lambda x, y: -tf.keras.losses.cosine_similarity(x, y)",
    # recurrence
    "rnn_cell": (
        "lambda x, h, w, u, b:"
        " tf.tanh(tf.matmul(x, w, transpose_b=True) + tf.matmul(h, u, transpose_b=True) + b)"
    ),
    "lstm_cell": "lambda x, h, c, w, u, b: _lstm(x, h, c, w, u, b)",
    "gru_cell": "lambda x, h, w, u, b, d: _gru(x, h, w, u, b, d)",
    "attention": (
        "lambda q, k, v: heads(tf.keras.ops.dot_product_attention(*map(heads, (q, k, v))))"
    ),
    "causal_attention": (
        "lambda q, k, v: heads("
        "tf.keras.ops.dot_product_attention(*map(heads, (q, k, v)), is_causal=True))"
    ),
    # random
    "random_uniform": "lambda: tf.random.uniform([10000])",
    "random_normal": "lambda: tf.random.normal([10000])",
    "random_bernoulli": "lambda: tf.random.uniform([10000]) < 0.25",
    "random_integers": "lambda: tf.random.uniform([10000], 0, 10, tf.int32)",
    # The gamma distribution of shape one.
    "random_exponential": "lambda: tf.random.gamma([10000], 1.0)",
    "random_categorical": (
        "lambda: tf.random.categorical(tf.math.log([[0.25, 0.25, 0.5]]), 10000)"
    ),
    "random_permutation": "lambda: tf.random.shuffle(tf.range(10000))",
    "dropout": "lambda x: tf.nn.dropout(x, 0.5)",
}


def last(x):
    """Move the channels of images to the end: on the CPU TensorFlow computes NHWC alone."""
    return tnp.moveaxis(x, 1, -1)


def first(x):
    """Undo :func:`last`."""
    return tnp.moveaxis(x, -1, 1)


def kernel(w):
    """Return a kernel (outputs, inputs, ...) as TensorFlow has it: (..., inputs, outputs).

    The kernel of a transposed convolution is (inputs, outputs, ...) and becomes (..., outputs,
    inputs), which is TensorFlow's own order for it.
    """
    return tf.transpose(w, [*range(2, w.shape.rank), 1, 0])


def around(n):
    """Return an explicit padding of n on each side of an NHWC image."""
    return [[0, 0], [n, n], [n, n], [0, 0]]


def planes(v):
    """Shape one number for each channel so that it broadcasts over NCHW images."""
    return tf.reshape(v, [-1, 1, 1])


def heads(x):
    """Swap the axes of heads and positions."""
    return tf.transpose(x, [0, 2, 1, 3])


def factors(s, u, v):
    """Return the parts of a singular value decomposition in the reference's order."""
    return u, s, tf.linalg.adjoint(v)


def _unique_counts(x):
    values, _, counts = tf.unique_with_counts(tf.sort(x))
    return values, counts


def _unique_inverse(x):
    values = tf.unique(tf.sort(x)).y
    return values, tf.searchsorted(values, x)


def _group_norm(x, scale, shift):
    groups = tf.reshape(x, [x.shape[0], 2, -1, *x.shape[2:]])
    mean, variance = tf.nn.moments(groups, [2, 3, 4], keepdims=True)
    normal = tf.nn.batch_normalization(groups, mean, variance, None, None, 1e-5)
    return tf.reshape(normal, x.shape) * planes(scale) + planes(shift)


def _lstm(x, h, c, w, u, b):
    gates = tf.matmul(x, w, transpose_b=True) + tf.matmul(h, u, transpose_b=True) + b
    i, f, g, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def _gru(x, h, w, u, b, d):
    r, z, n = tf.split(tf.matmul(x, w, transpose_b=True) + b, 3, axis=1)
    p, q, m = tf.split(tf.matmul(h, u, transpose_b=True) + d, 3, axis=1)
    r, z = tf.sigmoid(r + p), tf.sigmoid(z + q)
    return (1 - z) * tf.tanh(n + r * m) + z * h


def listed(outputs):
    """Return one tensor or several as a list."""
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def run(function, arguments, captured):
    """Return what the operator computes, as NumPy arrays."""
    if captured:
        function = tf.function(function)
    return [output.numpy() for output in listed(function(*map(tf.constant, arguments)))]


def gradient(function, arguments, weights):
    """Return the gradients of sum(weights * outputs) for each argument that holds floats."""
    try:
        return differentiate(function, arguments, weights)
    except tf.errors.InvalidArgumentError:
        # Some kernels know single precision alone; that they refuse float64 is the answer to
        # another question.
        single = [a.astype("f4") if a.dtype == "f8" else a for a in arguments]
        return differentiate(function, single, weights)


def differentiate(function, arguments, weights):
    """Return the gradients in the precision of the arguments."""
    tensors = [tf.constant(argument) for argument in arguments]
    inputs = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = listed(function(*tensors))
        total = tf.add_n([tf.reduce_sum(tf.cast(w, o.dtype) * o) for w, o in zip(weights, outputs)])
    gradients = tape.gradient(total, inputs, unconnected_gradients="zero")
    return [tf.convert_to_tensor(found).numpy() for found in gradients]
