"""Low-level operators in Theano: symbolic variables in, one compiled function out."""

import numpy as np
import theano
import theano.tensor as T  # noqa: N812 (the name that all of Theano's documentation uses)
from theano.tensor import extra_ops, fft, nlinalg, slinalg  # noqa: F401 (in expressions)
from theano.tensor.nnet import bn
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal.pool import pool_2d, pool_3d  # noqa: F401 (in expressions)

CAPTURED = "theano.function"

random = RandomStreams(seed=2016)

EPSILON = np.nextafter(np.float32(1e-5), np.float32(1))
"""Theano refuses less than 1e-5, and the float32 next to 1e-5 is less."""

OPERATORS = {
    # elementary
    "abs": "T.abs_",
    "acos": "T.arccos",
    "acosh": "T.arccosh",
    "asin": "T.arcsin",
    "asinh": "T.arcsinh",
    "atan": "T.arctan",
    "atan2": "T.arctan2",
    "atanh": "T.arctanh",
    "cos": "T.cos",
    "cosh": "T.cosh",
    "exp": "T.exp",
    "expm1": "T.expm1",
    "hypot": "lambda x, y: T.sqrt(T.sqr(x) + T.sqr(y))",
    "log": "T.log",
    "log1p": "T.log1p",
    "log2": "T.log2",
    "log10": "T.log10",
    # An optimisation, local_log_add_exp, makes this stable.
    "logaddexp": "lambda x, y: T.log(T.exp(x) + T.exp(y))",
    "reciprocal": "T.inv",
    "sin": "T.sin",
    "sinh": "T.sinh",
    "sqrt": "T.sqrt",
    "square": "T.sqr",
    "tan": "T.tan",
    "tanh": "T.tanh",
    "erf": "T.erf",
    "lgamma": "T.gammaln",
    "digamma": "T.psi",
    # arithmetic
    "add": "T.add",
    "ceil": "T.ceil",
    "clip": "lambda x: T.clip(x, -1, 1)",
    "copysign": "lambda x, y: T.abs_(x) * T.sgn(y)",
    "divide": "T.true_div",
    "floor": "T.floor",
    "floor_divide": "T.int_div",
    "maximum": "T.maximum",
    "minimum": "T.minimum",
    "multiply": "T.mul",
    "negative": "T.neg",
    "positive": "T.tensor_copy",
    "pow": "T.pow",
    "remainder": "T.mod",
    "round": "lambda x: T.round(x, mode='half_to_even')",
    "sign": "T.sgn",
    "subtract": "T.sub",
    "trunc": "T.trunc",
    "conj": "T.conj",
    "imag": "T.imag",
    "real": "T.real",
    # logic
    "bitwise_and": "T.bitwise_and",
    "bitwise_left_shift": "lambda x, n: x * 2**n",
    "bitwise_invert": "T.bitwise_not",
    "bitwise_or": "T.bitwise_or",
    "bitwise_right_shift": "lambda x, n: x // 2**n",
    "bitwise_xor": "T.bitwise_xor",
    "equal": "T.eq",
    "greater": "T.gt",
    "greater_equal": "T.ge",
    "less": "T.lt",
    "less_equal": "T.le",
    "not_equal": "T.neq",
    "isfinite": "lambda x: T.invert(T.or_(T.isnan(x), T.isinf(x)))",
    "isinf": "T.isinf",
    "isnan": "T.isnan",
    "logical_and": "T.and_",
    "logical_not": "T.invert",
    "logical_or": "T.or_",
    "logical_xor": "T.xor",
    "signbit": "lambda x: T.lt(x, 0)",
    # creation
    "arange": "lambda: T.arange(2, 11, 3)",
    "eye": "lambda: T.eye(3, 4, k=1)",
    "full": "lambda: T.alloc(7.5, 2, 3)",
    "full_like": "lambda x: T.fill(x, 7.5)",
    "linspace": "lambda: T.arange(5) / 2.0 - 1",
    "meshgrid": "lambda x, y: [T.outer(x, T.ones_like(y)), T.outer(T.ones_like(x), y)]",
    "ones": "lambda: T.ones((2, 3))",
    "ones_like": "T.ones_like",
    "tril": "T.tril",
    "triu": "T.triu",
    "zeros": "lambda: T.zeros((2, 3))",
    "zeros_like": "T.zeros_like",
    # manipulation
    "broadcast_arrays": "lambda x, y: [x + T.zeros_like(y), y + T.zeros_like(x)]",
    "broadcast_to": "lambda x: T.alloc(x, 3, 4)",
    "concat": "lambda x, y: T.concatenate([x, y], 1)",
    "expand_dims": "lambda x: T.shape_padaxis(x, 1)",
    "flip": "lambda x: x[:, ::-1]",
    "moveaxis": "lambda x: x.dimshuffle(1, 2, 0)",
    "permute_dims": "lambda x: T.transpose(x, (2, 0, 1))",
    "repeat": "lambda x: T.repeat(x, 2, 1)",
    "reshape": "lambda x: T.reshape(x, (4, 3))",
    "roll": "lambda x: T.roll(x, 1, 1)",
    "squeeze": "lambda x: T.squeeze(x)",
    "stack": "lambda x, y: T.stack([x, y], 1)",
    "tile": "lambda x: T.tile(x, (2, 3))",
    "unstack": "lambda x: [x[0], x[1], x[2]]",
    "pad": "lambda x: T.set_subtensor(T.zeros((x.shape[0], x.shape[1] + 3))[:, 1:-2], x)",
    "pad_reflect": "lambda x: _reflect(_reflect(x, 2), 3)",
    "slice": "lambda x: x[1:, ::2]",
    # indexing
    "argmax": "lambda x: T.argmax(x, 1)",
    "argmin": "lambda x: T.argmin(x, 1)",
    "count_nonzero": "lambda x: T.sum(T.neq(x, 0), 1)",
    "nonzero": "T.nonzero",
    "searchsorted": "extra_ops.searchsorted",
    "where": "T.where",
    "take": "lambda x, i: T.take(x, i, 1)",
    "take_along_axis": "lambda x, i: x[T.shape_padright(T.arange(x.shape[0])), i]",
    "embedding": "lambda w, i: w[i]",
    "gather_nd": "lambda x, i: x[i[:, 0], i[:, 1]]",
    "scatter_add": "lambda x, i, v: T.inc_subtensor(x[i], v)",
    "one_hot": "lambda y: extra_ops.to_one_hot(y, 4)",
    "segment_sum": "lambda x, i: T.inc_subtensor(T.zeros((3, x.shape[1]), x.dtype)[i], x)",
    # sorting
    "argsort": "lambda x: T.argsort(x, 1)",
    "sort": "lambda x: T.sort(x, 1)",
    # T.topk_and_argtopk leaves the order open: "The sorted parameter is not yet implemented."
    "top_k": "lambda x: [-T.sort(-x, 1)[:, :2], T.argsort(-x, 1)[:, :2]]",
    "unique_values": "extra_ops.Unique()",
    "unique_counts": "extra_ops.Unique(return_counts=True)",
    "unique_inverse": "extra_ops.Unique(return_inverse=True)",
    # reductions
    "all": "lambda x: T.all(x, 1)",
    "any": "lambda x: T.any(x, 1)",
    "cumulative_prod": "lambda x: T.cumprod(x, 1)",
    "cumulative_sum": "lambda x: T.cumsum(x, 1)",
    "diff": "lambda x: extra_ops.diff(x, axis=1)",
    "max": "lambda x: T.max(x, 1)",
    "mean": "lambda x: T.mean(x, 1)",
    "min": "lambda x: T.min(x, 1)",
    "prod": "lambda x: T.prod(x, 1)",
    "std": "lambda x: T.std(x, 1)",
    "sum": "lambda x: T.sum(x, 1)",
    "var": "lambda x: T.var(x, 1)",
    # An optimisation, local_log_sum_exp, makes this stable.
    "logsumexp": "lambda x: T.log(T.sum(T.exp(x), 1))",
    "cumulative_max": "lambda x: _cumulative_max(x.T).T",
    # linalg
    "matmul": "lambda x, y: matmul(x, y)",
    "matrix_transpose": "lambda x: x.dimshuffle(0, 2, 1)",
    "tensordot": "lambda x, y: T.tensordot(x, y, 2)",
    "vecdot": "lambda x, y: T.sum(x * y, -1)",
    "linalg_cholesky": "slinalg.cholesky",
    "linalg_det": "nlinalg.det",
    "linalg_diagonal": "T.diagonal",
    "linalg_eigh": "nlinalg.eigh",
    # Of the generalised problem: its other matrix is the identity.
    "linalg_eigvalsh": "lambda x: slinalg.eigvalsh(x, T.eye(3, dtype=x.dtype))",
    "linalg_inv": "nlinalg.matrix_inverse",
    "linalg_matrix_norm": "lambda x: x.norm(2)",
    "linalg_matrix_power": "lambda x: nlinalg.matrix_power(x, 3)",
    "linalg_matrix_rank": "lambda x: _matrix_rank(x)",
    "linalg_outer": "T.outer",
    "linalg_pinv": "nlinalg.pinv",
    "linalg_qr": "nlinalg.qr",
    "linalg_slogdet": "lambda x: [T.sgn(nlinalg.det(x)), T.log(T.abs_(nlinalg.det(x)))]",
    "linalg_solve": "slinalg.solve",
    "linalg_svd": "lambda x: nlinalg.svd(x, full_matrices=False)",
    "linalg_svdvals": "lambda x: nlinalg.svd(x, compute_uv=False)",
    "linalg_trace": "nlinalg.trace",
    "linalg_vector_norm": "lambda x: x.norm(2, axis=-1)",
    # fft: of real numbers, over all axes but the first; complex ones are pairs on a further axis
    "fft_rfft": "lambda x: as_complex(fft.rfft(x))",
    "fft_irfft": "lambda x: fft.irfft(as_pairs(x))",
    "fft_rfftn": "lambda x: as_complex(fft.rfft(T.shape_padleft(x)))[0]",
    "fft_irfftn": "lambda x: fft.irfft(T.shape_padleft(as_pairs(x)))[0]",
    "fft_hfft": "lambda x: fft.irfft(as_pairs(T.conj(x)), norm='no_norm')",
    "fft_ihfft": "lambda x: T.conj(as_complex(fft.rfft(x) / x.shape[1]))",
    "fft_fftshift": "lambda x: T.roll(x, x.shape[1] // 2, 1)",
    "fft_ifftshift": "lambda x: T.roll(x, -(x.shape[1] // 2), 1)",
    # convolution: filters are flipped unless one says otherwise
    "conv1d": "lambda x, w: flat(T.nnet.conv2d(wide(x), wide(w), filter_flip=False))",
    "conv2d": "lambda x, w: T.nnet.conv2d(x, w, filter_flip=False)",
    "conv2d_stride": "lambda x, w: T.nnet.conv2d(x, w, subsample=(2, 2), filter_flip=False)",
    "conv2d_padding": "lambda x, w: T.nnet.conv2d(x, w, border_mode=2, filter_flip=False)",
    "conv2d_dilation": "lambda x, w: T.nnet.conv2d("
    "x, w, filter_dilation=(2, 2), filter_flip=False)",
    "conv2d_groups": "lambda x, w: T.nnet.conv2d(x, w, num_groups=2, filter_flip=False)",
    "conv2d_depthwise": "lambda x, w: T.nnet.conv2d(x, w, num_groups=4, filter_flip=False)",
    "conv3d": "lambda x, w: T.nnet.conv3d(x, w, filter_flip=False)",
    "conv2d_transpose": "lambda x, w: T.nnet.conv2d_transpose("
    "x, w, (2, 2, 6, 6), filter_flip=False)",
    "conv2d_transpose_stride": "lambda x, w: T.nnet.conv2d_transpose("
    "x, w, (2, 2, 7, 7), border_mode=1, input_dilation=(2, 2), filter_flip=False)",
    "linear": "lambda x, w, b: T.dot(x, w.T) + b",
    "resize_nearest": "lambda x: T.repeat(T.repeat(x, 2, 2), 2, 3)",
    # pooling
    "max_pool1d": "lambda x: pool_2d(x, (1, 2), ignore_border=True)",
    "max_pool2d": "lambda x: pool_2d(x, (2, 2), ignore_border=True)",
    "max_pool2d_overlapping": "lambda x: pool_2d(x, (3, 3), ignore_border=True, stride=(2, 2))",
    "max_pool2d_padding": "lambda x: pool_2d("
    "x, (3, 3), ignore_border=True, stride=(2, 2), pad=(1, 1))",
    "max_pool3d": "lambda x: pool_3d(x, (2, 2, 2), ignore_border=True)",
    "avg_pool2d": "lambda x: pool_2d(x, (2, 2), ignore_border=True, mode='average_exc_pad')",
    "avg_pool2d_padding": "lambda x: pool_2d("
    "x, (3, 3), ignore_border=True, stride=(2, 2), pad=(1, 1), mode='average_exc_pad')",
    "global_avg_pool2d": "lambda x: T.mean(x, (2, 3))",
    "global_max_pool2d": "lambda x: T.max(x, (2, 3))",
    # normalisation
    "batch_norm": "lambda x, g, b: bn.batch_normalization_train("
    "x, g, b, axes='spatial', epsilon=EPSILON)[0]",
    "batch_norm_inference": "lambda x, g, b, m, v: bn.batch_normalization_test("
    "x, g, b, m, v, axes='spatial', epsilon=EPSILON)",
    "layer_norm": "lambda x, g, b: _normalised(x, (1,)) * g + b",
    "group_norm": "lambda x, g, b: _group_norm(x, g, b)",
    "instance_norm": "lambda x, g, b: _normalised(x, (2, 3)) * channels(g) + channels(b)",
    "rms_norm": "lambda x, g: x / T.sqrt(T.mean(T.sqr(x), -1, keepdims=True) + 1e-5) * g",
    "l2_normalise": "lambda x: x / x.norm(2, axis=-1, keepdims=True)",
    # activations
    "relu": "T.nnet.relu",
    "relu6": "lambda x: T.clip(x, 0, 6)",
    "leaky_relu": "lambda x: T.nnet.relu(x, 0.01)",
    "prelu": "lambda x, a: T.nnet.relu(x, a)",
    "elu": "T.nnet.elu",
    "selu": "T.nnet.selu",
    "celu": "lambda x: 2 * T.nnet.elu(x / 2)",
    "gelu": "lambda x: x / 2 * (1 + T.erf(x / 2**0.5))",
    "gelu_tanh": "lambda x: x / 2 * (1 + T.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))",
    "silu": "lambda x: x * T.nnet.sigmoid(x)",
    "mish": "lambda x: x * T.tanh(T.nnet.softplus(x))",
    "sigmoid": "T.nnet.sigmoid",
    # T.nnet.hard_sigmoid is another one: its slope is 0.2.
    "hard_sigmoid": "lambda x: T.clip(x / 6 + 0.5, 0, 1)",
    "hard_swish": "lambda x: x * T.clip(x / 6 + 0.5, 0, 1)",
    "hard_tanh": "lambda x: T.clip(x, -1, 1)",
    "log_sigmoid": "lambda x: -T.nnet.softplus(-x)",
    "softplus": "T.nnet.softplus",
    "softsign": "T.nnet.nnet.softsign",
    "softmax": "T.nnet.softmax",
    "log_softmax": "T.nnet.logsoftmax",
    "glu": "lambda x: x[:, :2] * T.nnet.sigmoid(x[:, 2:])",
    # losses
    "cross_entropy": "lambda x, y: T.mean(T.nnet.categorical_crossentropy(T.nnet.softmax(x), y))",
    "nll_loss": "lambda x, y: -T.mean(x[T.arange(y.shape[0]), y])",
    "binary_cross_entropy": "lambda p, y: T.mean(T.nnet.binary_crossentropy(p, y))",
    "binary_cross_entropy_logits": "lambda x, y: T.mean(T.nnet.sigmoid_binary_crossentropy(x, y))",
    "mse_loss": "lambda x, y: T.mean(T.sqr(x - y))",
    "l1_loss": "lambda x, y: T.mean(T.abs_(x - y))",
    "huber_loss": "lambda x, y: T.mean(_huber(T.abs_(x - y)))",
    "hinge_loss": "lambda x, y: T.mean(T.maximum(0, 1 - x * T.sgn(y)))",
    "kl_divergence": "lambda p, q: T.mean(T.sum(p * T.log(p / q), 1))",
    "cosine_similarity": "lambda x, y: T.sum(x * y, 1) / (x.norm(2, axis=1) * y.norm(2, axis=1))",
    # recurrence
    "rnn_cell": "lambda x, h, w, u, b: T.tanh(T.dot(x, w.T) + T.dot(h, u.T) + b)",
    # random
    "random_uniform": "lambda: random.uniform((10000,))",
    "random_normal": "lambda: random.normal((10000,))",
    "random_bernoulli": "lambda: random.binomial((10000,), p=0.25)",
    "random_integers": "lambda: random.random_integers((10000,), 0, 9)",
    "random_exponential": "lambda: -T.log1p(-random.uniform((10000,)))",
    "random_categorical": "lambda: random.choice((10000,), 3, p=[0.25, 0.25, 0.5])",
    "random_permutation": "lambda: random.permutation(n=10000)",
    "dropout": "lambda x: x * random.binomial(x.shape, p=0.5, dtype=x.dtype) * 2",
}

ABSENT = {
    "einsum": "Theano has no einsum; each contraction has a function of its own (batched_dot)",
    "einsum_trace": "Theano has no einsum; each contraction has a function of its own (diagonal)",
    "fft_fft": "Theano transforms real numbers only (rfft, irfft)",
    "fft_ifft": "Theano transforms real numbers only (rfft, irfft)",
    "fft_fftn": "Theano transforms real numbers only (rfft, irfft)",
    "fft_ifftn": "Theano transforms real numbers only (rfft, irfft)",
    "lstm_cell": "Theano has no recurrent cells; its tutorial writes this one out in 20 lines",
    "gru_cell": "Theano has no recurrent cells; they are written out",
    "attention": "Theano has no attention; it is written out",
    "causal_attention": "Theano has no attention; it is written out",
}
WHY_ABSENT = "Theano has no such function"
SOURCE = "https://github.com/Theano/Theano/blob/master/doc/library/tensor/basic.txt"


def as_complex(pairs):
    """Return complex numbers of pairs on the last axis."""
    return T.complex(pairs[..., 0], pairs[..., 1])


def as_pairs(values):
    """Return the real and imaginary parts of complex numbers on a new last axis."""
    return T.stack([T.real(values), T.imag(values)], -1)


def wide(x):
    """Return sequences (count, channels, length) as images of height 1."""
    return x.dimshuffle(0, 1, "x", 2)


def flat(x):
    """Return images of height 1 as sequences."""
    return x[:, :, 0]


def channels(v):
    """Return a vector that is broadcast along all axes of images but the channels."""
    return v.dimshuffle("x", 0, "x", "x")


def matmul(x, y):
    """Return the product of two matrices, or of stacks of them: there is a function for each."""
    return T.batched_dot(x, y) if x.ndim == 3 else T.dot(x, y)


def _reflect(x, axis):
    """Pad one element on both sides of an axis by reflection."""
    first = [slice(None)] * axis + [slice(1, 2)]
    last = [slice(None)] * axis + [slice(-2, -1)]
    return T.concatenate([x[tuple(first)], x, x[tuple(last)]], axis)


def _cumulative_max(x):
    """Return the largest of the rows so far, for every row."""
    rows, _ = theano.scan(T.maximum, sequences=x[1:], outputs_info=x[0])
    return T.concatenate([x[:1], rows])


def _matrix_rank(x):
    """Count the singular values that are no rounding errors, by NumPy's rule."""
    s = nlinalg.svd(x, compute_uv=False)
    return T.sum(T.gt(s, T.max(s) * T.max(x.shape) * np.finfo(x.dtype).eps))


def _normalised(x, axes):
    """Subtract the mean over some axes, divide by the standard deviation."""
    shape = [1 if axis in axes else x.shape[axis] for axis in range(x.ndim)]
    pattern = [axis in axes for axis in range(x.ndim)]
    scale = T.patternbroadcast(T.ones(shape, x.dtype), pattern)
    shift = T.patternbroadcast(T.zeros(shape, x.dtype), pattern)
    return bn.batch_normalization_train(x, scale, shift, axes=axes, epsilon=EPSILON)[0]


def _group_norm(x, scale, shift):
    """Normalise two groups of channels."""
    n, c, h, w = (x.shape[axis] for axis in range(4))
    split = T.reshape(x, (n, 2, c // 2, h, w))
    normal = T.reshape(_normalised(split, (2, 3, 4)), x.shape)
    return normal * channels(scale) + channels(shift)


def _huber(error):
    """Return the square of small errors, the magnitude of large ones."""
    return T.switch(error < 1, 0.5 * T.sqr(error), error - 0.5)


compiled = {}
"""(function, types of its arguments, what is asked) -> compiled function."""


def symbols(arrays):
    """Return variables of the types of arrays; axes of length one are declared broadcastable."""
    variables = []
    for array in arrays:
        variables.append(T.TensorType(array.dtype.name, [n == 1 for n in array.shape])())
    return variables


def compile_once(function, arrays, build, what):
    """Return the outputs of expressions that ``build(*variables)`` makes, compiled once."""
    # Python's floating-point numbers in an expression are stored with the precision floatX.
    double = any(array.dtype in (np.float64, np.complex128) for array in arrays)
    theano.config.floatX = "float64" if double else "float32"
    variables = symbols(arrays)
    key = (function, what) + tuple(variable.type for variable in variables)
    if key not in compiled:
        # The gradient of a sum, say, uses nothing of its argument but the shape.
        compiled[key] = theano.function(variables, build(*variables), on_unused_input="ignore")
    return compiled[key](*arrays)


def run(function, arguments, captured):
    """Return the outputs, NumPy arrays; everything that Theano runs is captured."""
    del captured

    def build(*variables):
        outputs = function(*variables)
        return list(outputs) if isinstance(outputs, (list, tuple)) else outputs

    return compile_once(function, arguments, build, "outputs")


def gradient(function, arguments, weights):
    """Return the gradients of the weighted sum of all outputs."""

    def build(*variables):
        inputs, factors = variables[: len(arguments)], variables[len(arguments) :]
        outputs = function(*inputs)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        total = sum(T.sum(factor * output) for factor, output in zip(factors, outputs))
        return T.grad(total, [v for v in inputs if v.dtype in T.float_dtypes])

    return compile_once(function, arguments + [np.asarray(w) for w in weights], build, "gradient")
