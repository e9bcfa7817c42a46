"""Every operator in MXNet's spelling: NumPy interface first (``F.np``, ``F.npx``), classic after.

A spelling is the body of a ``hybrid_forward``: ``F`` is ``mx.nd`` where it runs at once and
``mx.sym`` where ``hybridize()`` makes a graph of it.
"""

import inspect

import mxnet as mx
from mxnet import autograd, gluon, npx

npx.set_np()  # blocks take and return NumPy-like arrays, which may be empty or have no axes

CAPTURED = "hybridised Gluon block"


def classic(x):
    """Return a classic view of an array, for the operators outside the NumPy interface."""
    return x.as_nd_ndarray()


def number(x):
    """Return a classic array of zeros and ones: the classic logic refuses to broadcast booleans."""
    return x.as_nd_ndarray().astype("int32")


def transposed_svd(F, parts):  # noqa: N803, everybody calls it F
    """Return the decomposition of a matrix from that of its transpose: MXNet wants it wide."""
    u, s, vh = parts
    return [F.np.transpose(vh), s, F.np.transpose(u)]


def _group_norm(F, x, scale, shift):  # noqa: N803
    """Normalise two groups: MXNet has one scale a group, the definition one a channel."""
    one = F.ones_like(F.slice_axis(scale, axis=0, begin=0, end=2))
    normal = F.GroupNorm(x, one, F.zeros_like(one), num_groups=2, eps=1e-5)
    scale, shift = [F.reshape(v, (1, -1, 1, 1)) for v in (scale, shift)]
    return F.broadcast_add(F.broadcast_mul(normal, scale), shift)


def _rnn(F, mode, x, states, weights):  # noqa: N803
    """Call the fused recurrent operator for one step: it takes all weights in one vector."""
    packed = F.np.concatenate([F.npx.reshape(weight, (-1,)) for weight in weights])
    states = [F.np.expand_dims(state, 0) for state in states]
    outputs = F.npx.rnn(
        F.np.expand_dims(x, 0),
        packed,
        *states,
        mode=mode,
        state_size=4,
        num_layers=1,
        state_outputs=True,
        p=0.0,
    )
    return [F.np.squeeze(state, 0) for state in outputs[1:]]


OPERATORS = {
    # elementary
    "abs": "lambda F, x: F.np.abs(x)",
    "acos": "lambda F, x: F.np.arccos(x)",
    "acosh": "lambda F, x: F.np.arccosh(x)",
    "asin": "lambda F, x: F.np.arcsin(x)",
    "asinh": "lambda F, x: F.np.arcsinh(x)",
    "atan": "lambda F, x: F.np.arctan(x)",
    "atan2": "lambda F, x, y: F.np.arctan2(x, y)",
    "atanh": "lambda F, x: F.np.arctanh(x)",
    "cos": "lambda F, x: F.np.cos(x)",
    "cosh": "lambda F, x: F.np.cosh(x)",
    "exp": "lambda F, x: F.np.exp(x)",
    "expm1": "lambda F, x: F.np.expm1(x)",
    "hypot": "lambda F, x, y: F.np.hypot(x, y)",
    "log": "lambda F, x: F.np.log(x)",
    "log1p": "lambda F, x: F.np.log1p(x)",
    "log2": "lambda F, x: F.np.log2(x)",
    "log10": "lambda F, x: F.np.log10(x)",
    "logaddexp": 'lambda F, x, y: x + F.npx.activation(y - x, act_type="softrelu")',
    "reciprocal": "lambda F, x: F.np.reciprocal(x)",
    "sin": "lambda F, x: F.np.sin(x)",
    "sinh": "lambda F, x: F.np.sinh(x)",
    "sqrt": "lambda F, x: F.np.sqrt(x)",
    "square": "lambda F, x: F.np.square(x)",
    "tan": "lambda F, x: F.np.tan(x)",
    "tanh": "lambda F, x: F.np.tanh(x)",
    "erf": "lambda F, x: F.npx.erf(x)",
    "lgamma": "lambda F, x: F.npx.gammaln(x)",
    # arithmetic
    "add": "lambda F, x, y: F.np.add(x, y)",
    "ceil": "lambda F, x: F.np.ceil(x)",
    "clip": "lambda F, x: F.np.clip(x, -1, 1)",
    "copysign": "lambda F, x, y: F.np.copysign(x, y)",
    "divide": "lambda F, x, y: F.np.divide(x, y)",
    "floor": "lambda F, x: F.np.floor(x)",
    "floor_divide": "lambda F, x, y: F.np.floor(x / y)",
    "maximum": "lambda F, x, y: F.np.maximum(x, y)",
    "minimum": "lambda F, x, y: F.np.minimum(x, y)",
    "multiply": "lambda F, x, y: F.np.multiply(x, y)",
    "negative": "lambda F, x: F.np.negative(x)",
    "positive": "lambda F, x: F.np.copy(x)",
    "pow": "lambda F, x, y: F.np.power(x, y)",
    "remainder": "lambda F, x, y: F.np.remainder(x, y)",
    "round": "lambda F, x: F.np.round(x)",
    "sign": "lambda F, x: F.np.sign(x)",
    "subtract": "lambda F, x, y: F.np.subtract(x, y)",
    "trunc": "lambda F, x: F.np.trunc(x)",
    # logic
    "bitwise_and": "lambda F, x, y: F.np.bitwise_and(x, y)",
    "bitwise_left_shift": "lambda F, x, y: x * 2**y",
    "bitwise_invert": "lambda F, x: F.np.invert(x)",
    "bitwise_or": "lambda F, x, y: F.np.bitwise_or(x, y)",
    "bitwise_right_shift": "lambda F, x, y: F.np.floor(x / 2**y)",
    "bitwise_xor": "lambda F, x, y: F.np.bitwise_xor(x, y)",
    "equal": "lambda F, x, y: F.np.equal(x, y)",
    "greater": "lambda F, x, y: F.np.greater(x, y)",
    "greater_equal": "lambda F, x, y: F.np.greater_equal(x, y)",
    "less": "lambda F, x, y: F.np.less(x, y)",
    "less_equal": "lambda F, x, y: F.np.less_equal(x, y)",
    "not_equal": "lambda F, x, y: F.np.not_equal(x, y)",
    "isfinite": "lambda F, x: F.np.isfinite(x)",
    "isinf": "lambda F, x: F.np.isinf(x)",
    "isnan": "lambda F, x: F.np.isnan(x)",
    "logical_and": "lambda F, x, y: F.broadcast_logical_and(number(x), number(y))",
    "logical_not": "lambda F, x: F.np.logical_not(x)",
    "logical_or": "lambda F, x, y: F.broadcast_logical_or(number(x), number(y))",
    "logical_xor": "lambda F, x, y: F.broadcast_logical_xor(number(x), number(y))",
    "signbit": "lambda F, x: F.np.copysign(F.np.ones_like(x), x) < 0",
    # creation
    "arange": "lambda F: F.np.arange(2, 11, 3)",
    "eye": "lambda F: F.np.eye(3, 4, k=1)",
    "full": "lambda F: F.np.full((2, 3), 7.5)",
    "full_like": "lambda F, x: F.np.full_like(x, 7.5)",
    "linspace": "lambda F: F.np.linspace(-1, 1, 5)",
    "meshgrid": "lambda F, x, y: [F.np.broadcast_to(F.np.expand_dims(x, 1), (3, 4)),"
    " F.np.broadcast_to(y, (3, 4))]",
    "ones": "lambda F: F.np.ones((2, 3))",
    "ones_like": "lambda F, x: F.np.ones_like(x)",
    "tril": "lambda F, x: F.np.tril(x)",
    "triu": "lambda F, x: F.np.transpose(F.np.tril(F.np.transpose(x)))",
    "zeros": "lambda F: F.np.zeros((2, 3))",
    "zeros_like": "lambda F, x: F.np.zeros_like(x)",
    # manipulation
    "broadcast_arrays": "lambda F, x, y: [F.np.broadcast_to(x, (3, 4)),"
    " F.np.broadcast_to(y, (3, 4))]",
    "broadcast_to": "lambda F, x: F.np.broadcast_to(x, (3, 4))",
    "concat": "lambda F, x, y: F.np.concatenate([x, y], 1)",
    "expand_dims": "lambda F, x: F.np.expand_dims(x, 1)",
    "flip": "lambda F, x: F.np.flip(x, 1)",
    "moveaxis": "lambda F, x: F.np.moveaxis(x, 0, 2)",
    "permute_dims": "lambda F, x: F.np.transpose(x, (2, 0, 1))",
    "repeat": "lambda F, x: F.np.repeat(x, 2, 1)",
    "reshape": "lambda F, x: F.np.reshape(x, (4, 3))",
    "roll": "lambda F, x: F.np.roll(x, 1, 1)",
    "squeeze": "lambda F, x: F.np.squeeze(x, 1)",
    "stack": "lambda F, x, y: F.np.stack([x, y], 1)",
    "tile": "lambda F, x: F.np.tile(x, (2, 3))",
    "unstack": "lambda F, x: F.SliceChannel(classic(x), num_outputs=3, axis=0, squeeze_axis=True)",
    "pad": 'lambda F, x: F.np.pad(x, ((0, 0), (1, 2)), mode="constant")',
    "pad_reflect": "lambda F, x: F.pad("
    'classic(x), mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1))',
    "slice": "lambda F, x: x[1:, ::2]",
    # indexing
    "argmax": "lambda F, x: F.np.argmax(x, 1)",
    "argmin": "lambda F, x: F.np.argmin(x, 1)",
    "count_nonzero": "lambda F, x: F.np.sum(x != 0, 1)",
    "nonzero": "lambda F, x: [F.np.squeeze(axis, 1)"
    " for axis in F.np.split(F.npx.nonzero(x), 2, 1)]",
    "searchsorted": "lambda F, x, v: F.np.sum(F.np.expand_dims(x, 1) < v, 0)",
    "where": "lambda F, c, x, y: F.np.where(c, x, y)",
    "take": "lambda F, x, i: F.np.take(x, i, axis=1)",
    "take_along_axis": "lambda F, x, i: F.npx.pick(F.np.repeat(F.np.expand_dims(x, 1), 2, 1), i)",
    "embedding": "lambda F, w, i: F.npx.embedding(i, w, input_dim=5, output_dim=3)",
    "gather_nd": "lambda F, x, i: F.npx.gather_nd(x, F.np.transpose(i))",
    "scatter_add": "lambda F, x, i, v: x + F.np.sum("
    "F.np.expand_dims(F.np.transpose(F.npx.one_hot(i, 4)), 2) * v, 1)",
    "one_hot": "lambda F, i: F.npx.one_hot(i, 4)",
    "segment_sum": "lambda F, x, i: F.np.sum("
    "F.np.expand_dims(F.np.transpose(F.npx.one_hot(i, 3)), 2) * x, 1)",
    # sorting
    "argsort": "lambda F, x: F.np.argsort(x, 1)",
    "sort": "lambda F, x: F.np.sort(x, 1)",
    "top_k": 'lambda F, x: F.npx.topk(x, k=2, ret_typ="both", dtype="int64")',
    "unique_values": "lambda F, x: F.np.unique(x)",
    "unique_counts": "lambda F, x: F.np.unique(x, return_counts=True)",
    "unique_inverse": "lambda F, x: F.np.unique(x, return_inverse=True)",
    # reductions
    "all": "lambda F, x: F.np.all(x, 1)",
    "any": "lambda F, x: F.np.any(x, 1)",
    "cumulative_sum": "lambda F, x: F.np.cumsum(x, 1)",
    "diff": "lambda F, x: F.np.diff(x, axis=1)",
    "max": "lambda F, x: F.np.max(x, 1)",
    "mean": "lambda F, x: F.np.mean(x, 1)",
    "min": "lambda F, x: F.np.min(x, 1)",
    "prod": "lambda F, x: F.np.prod(x, 1)",
    "std": "lambda F, x: F.np.std(x, 1)",
    "sum": "lambda F, x: F.np.sum(x, 1)",
    "var": "lambda F, x: F.np.var(x, 1)",
    "logsumexp": "lambda F, x: F.np.log(F.np.sum(F.np.exp(x), 1))",
    # linalg
    "matmul": "lambda F, x, y: F.np.matmul(x, y)",
    "matrix_transpose": "lambda F, x: F.np.swapaxes(x, -1, -2)",
    "tensordot": "lambda F, x, y: F.np.tensordot(x, y, 2)",
    "vecdot": 'lambda F, x, y: F.np.einsum("ij,ij->i", x, y)',
    "einsum": 'lambda F, x, y: F.np.einsum("bij,bjk->bik", x, y)',
    "einsum_trace": 'lambda F, x: F.np.einsum("ii->i", x)',
    "linalg_cholesky": "lambda F, x: F.np.linalg.cholesky(x)",
    "linalg_det": "lambda F, x: F.np.linalg.det(x)",
    "linalg_diagonal": "lambda F, x: F.np.diagonal(x, axis1=-2, axis2=-1)",
    "linalg_eigh": "lambda F, x: F.np.linalg.eigh(x)",
    "linalg_eigvalsh": "lambda F, x: F.np.linalg.eigvalsh(x)",
    "linalg_inv": "lambda F, x: F.np.linalg.inv(x)",
    "linalg_matrix_norm": "lambda F, x: F.np.linalg.norm(x, axis=(-2, -1))",
    "linalg_matrix_power": "lambda F, x: F.np.matmul(F.np.matmul(x, x), x)",
    "linalg_outer": "lambda F, x, y: F.np.outer(x, y)",
    "linalg_pinv": "lambda F, x: F.np.linalg.pinv(x)",
    # Lower triangular times orthogonal rows: of the transposed matrix, that is QR.
    "linalg_qr": "lambda F, x: [F.np.transpose(part.as_np_ndarray())"
    " for part in F.linalg.gelqf(classic(F.np.transpose(x)))]",
    "linalg_slogdet": "lambda F, x: F.np.linalg.slogdet(x)",
    "linalg_solve": "lambda F, a, b: F.np.linalg.solve(a, b)",
    "linalg_svd": "lambda F, x: transposed_svd(F, F.np.linalg.svd(F.np.transpose(x)))",
    "linalg_svdvals": "lambda F, x: F.np.linalg.svd(F.np.transpose(x))[1]",
    "linalg_trace": "lambda F, x: F.np.trace(x)",
    "linalg_vector_norm": "lambda F, x: F.np.linalg.norm(x, axis=-1)",
    # fft
    "fft_fftshift": "lambda F, x: F.np.roll(x, 4, 1)",
    "fft_ifftshift": "lambda F, x: F.np.roll(x, -4, 1)",
    # convolution
    "conv1d": "lambda F, x, w: F.npx.convolution(x, w, kernel=(3,), num_filter=4, no_bias=True)",
    "conv2d": "lambda F, x, w: F.npx.convolution(x, w, kernel=(3, 3), num_filter=3, no_bias=True)",
    "conv2d_stride": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(3, 3), stride=(2, 2), num_filter=3, no_bias=True)",
    "conv2d_padding": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(3, 3), pad=(2, 2), num_filter=3, no_bias=True)",
    "conv2d_dilation": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(3, 3), dilate=(2, 2), num_filter=3, no_bias=True)",
    "conv2d_groups": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(3, 3), num_filter=6, num_group=2, no_bias=True)",
    "conv2d_depthwise": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(3, 3), num_filter=4, num_group=4, no_bias=True)",
    "conv3d": "lambda F, x, w: F.npx.convolution("
    "x, w, kernel=(2, 2, 2), num_filter=3, no_bias=True)",
    "conv2d_transpose": "lambda F, x, w: F.npx.deconvolution("
    "x, w, kernel=(3, 3), num_filter=2, no_bias=True)",
    "conv2d_transpose_stride": "lambda F, x, w: F.npx.deconvolution("
    "x, w, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=2, no_bias=True)",
    "linear": "lambda F, x, w, b: F.npx.fully_connected(x, w, b, num_hidden=2)",
    "resize_nearest": 'lambda F, x: F.UpSampling(classic(x), scale=2, sample_type="nearest")',
    # pooling
    "max_pool1d": 'lambda F, x: F.npx.pooling(x, kernel=(2,), stride=(2,), pool_type="max")',
    "max_pool2d": 'lambda F, x: F.npx.pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")',
    "max_pool2d_overlapping": "lambda F, x: F.npx.pooling("
    'x, kernel=(3, 3), stride=(2, 2), pool_type="max")',
    "max_pool2d_padding": "lambda F, x: F.npx.pooling("
    'x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max")',
    "max_pool3d": "lambda F, x: F.npx.pooling("
    'x, kernel=(2, 2, 2), stride=(2, 2, 2), pool_type="max")',
    "avg_pool2d": 'lambda F, x: F.npx.pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="avg")',
    "avg_pool2d_padding": "lambda F, x: F.npx.pooling("
    'x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="avg", count_include_pad=False)',
    "global_avg_pool2d": "lambda F, x: F.np.squeeze("
    'F.npx.pooling(x, global_pool=True, pool_type="avg"), (2, 3))',
    "global_max_pool2d": "lambda F, x: F.np.squeeze("
    'F.npx.pooling(x, global_pool=True, pool_type="max"), (2, 3))',
    # normalisation
    "batch_norm": "lambda F, x, g, b, *, mean, var: F.npx.batch_norm("
    "x, g, b, mean, var, eps=1e-5, fix_gamma=False)",
    "batch_norm_inference": "lambda F, x, g, b, m, v: F.npx.batch_norm("
    "x, g, b, m, v, eps=1e-5, fix_gamma=False, use_global_stats=True)",
    "layer_norm": "lambda F, x, g, b: F.npx.layer_norm(x, g, b, axis=-1, eps=1e-5)",
    "group_norm": "lambda F, x, g, b: _group_norm(F, classic(x), classic(g), classic(b))",
    # Groups of one channel: InstanceNorm itself takes nothing but float32.
    "instance_norm": "lambda F, x, g, b: F.GroupNorm("
    "classic(x), classic(g), classic(b), num_groups=3, eps=1e-5)",
    "rms_norm": "lambda F, x, g: x / F.np.sqrt(F.np.mean(x * x, -1, keepdims=True) + 1e-5) * g",
    "l2_normalise": "lambda F, x: F.L2Normalization(classic(x), eps=0)",
    "local_response_norm": "lambda F, x: F.LRN("
    "classic(x), alpha=1e-4, beta=0.75, knorm=1, nsize=3)",
    # activations
    "relu": "lambda F, x: F.npx.relu(x)",
    "relu6": "lambda F, x: F.np.clip(x, 0, 6)",
    "leaky_relu": 'lambda F, x: F.npx.leaky_relu(x, act_type="leaky", slope=0.01)',
    "prelu": 'lambda F, x, a: F.npx.leaky_relu(x, a, act_type="prelu")',
    "elu": 'lambda F, x: F.npx.leaky_relu(x, act_type="elu", slope=1.0)',
    "selu": 'lambda F, x: F.npx.leaky_relu(x, act_type="selu")',
    "celu": 'lambda F, x: 2 * F.npx.leaky_relu(x / 2, act_type="elu", slope=1.0)',
    "gelu": 'lambda F, x: F.npx.leaky_relu(x, act_type="gelu")',
    "gelu_tanh": "lambda F, x: x / 2 * (1 + F.np.tanh("
    "(2 / 3.141592653589793) ** 0.5 * (x + 0.044715 * x**3)))",
    "silu": "lambda F, x: x * F.npx.sigmoid(x)",
    "mish": 'lambda F, x: x * F.np.tanh(F.npx.activation(x, act_type="softrelu"))',
    "sigmoid": "lambda F, x: F.npx.sigmoid(x)",
    "hard_sigmoid": "lambda F, x: F.hard_sigmoid(classic(x), alpha=1 / 6, beta=0.5)",
    "hard_swish": "lambda F, x: x * F.np.clip(x / 6 + 0.5, 0, 1)",
    "hard_tanh": "lambda F, x: F.np.clip(x, -1, 1)",
    "log_sigmoid": 'lambda F, x: -F.npx.activation(-x, act_type="softrelu")',
    "softplus": 'lambda F, x: F.npx.activation(x, act_type="softrelu")',
    "softsign": 'lambda F, x: F.npx.activation(x, act_type="softsign")',
    "softmax": "lambda F, x: F.npx.softmax(x, axis=-1)",
    "log_softmax": "lambda F, x: F.npx.log_softmax(x, axis=-1)",
    "glu": "lambda F, x: x[:, :2] * F.npx.sigmoid(x[:, 2:])",
    # losses
    "cross_entropy": "lambda F, x, y: gluon.loss.SoftmaxCrossEntropyLoss()(x, y).mean()",
    "nll_loss": "lambda F, x, y: gluon.loss.SoftmaxCrossEntropyLoss(from_logits=True)(x, y).mean()",
    "binary_cross_entropy": "lambda F, p, y: gluon.loss.SigmoidBCELoss("
    "from_sigmoid=True)(p, y).mean()",
    "binary_cross_entropy_logits": "lambda F, x, y: gluon.loss.SigmoidBCELoss()(x, y).mean()",
    "mse_loss": "lambda F, x, y: gluon.loss.L2Loss(weight=2.0)(x, y).mean()",
    "l1_loss": "lambda F, x, y: gluon.loss.L1Loss()(x, y).mean()",
    "huber_loss": "lambda F, x, y: F.npx.smooth_l1(x - y, scalar=1.0).mean()",
    "hinge_loss": "lambda F, x, y: F.npx.relu(1 - x * F.np.sign(y)).mean()",
    "kl_divergence": "lambda F, p, q: F.np.sum(p * F.np.log(p / q), 1).mean()",
    "cosine_similarity": "lambda F, x, y: F.sum("
    "F.L2Normalization(classic(x), eps=0) * F.L2Normalization(classic(y), eps=0), 1)",
    # recurrence
    "rnn_cell": "lambda F, x, h, w, u, b: F.np.tanh(F.npx.fully_connected(x, w, b, num_hidden=4)"
    " + F.npx.fully_connected(h, u, num_hidden=4, no_bias=True))",
    "lstm_cell": 'lambda F, x, h, c, w, u, b: _rnn(F, "lstm", x, [h, c], [w, u, b, 0 * b])',
    "gru_cell": 'lambda F, x, h, w, u, b, d: _rnn(F, "gru", x, [h], [w, u, b, d])',
    "attention": "lambda F, q, k, v: F.np.matmul("
    "F.npx.softmax(F.np.matmul(q, F.np.swapaxes(k, -1, -2)) / 2, axis=-1), v)",
    "causal_attention": "lambda F, q, k, v: F.np.matmul(F.npx.softmax("
    "F.np.matmul(q, F.np.swapaxes(k, -1, -2)) / 2, use_length=True, axis=-1,"
    ' length=F.np.broadcast_to(F.np.arange(1, 4, dtype="int32"), (2, 2, 3))), v)',
    # random
    "random_uniform": "lambda F: F.np.random.uniform(0, 1, size=10000)",
    "random_normal": "lambda F: F.np.random.normal(0, 1, size=10000)",
    "random_bernoulli": "lambda F: F.npx.random.bernoulli("
    'prob=0.25, logit=None, size=10000, dtype="float32", ctx=None, out=None)',
    "random_integers": "lambda F: F.np.random.randint(0, 10, size=10000)",
    "random_exponential": "lambda F: F.np.random.exponential(1, size=10000)",
    "random_categorical": "lambda F: F.np.random.choice("
    "3, size=10000, p=F.np.concatenate([F.np.full(2, 0.25), F.np.full(1, 0.5)]))",
    "random_permutation": "lambda F: F.random.shuffle(F.arange(10000))",
    "dropout": "lambda F, x: F.npx.dropout(x, p=0.5)",
}

WHY_ABSENT = "MXNet has no such function"

NO_COMPLEX = "MXNet has no complex numbers"

NO_FFT = "MXNet has no complex numbers, and its one transform, contrib.fft, runs on GPUs only"

ABSENT = {
    "conj": NO_COMPLEX,
    "imag": NO_COMPLEX,
    "real": NO_COMPLEX,
    "cumulative_prod": "mx.np.nancumprod hands its array to NumPy: no gradient, not in a graph",
    "linalg_matrix_rank": "mx.np.linalg.matrix_rank hands its array to NumPy: not in a graph",
    "fft_fft": NO_FFT,
    "fft_ifft": NO_FFT,
    "fft_fftn": NO_FFT,
    "fft_ifftn": NO_FFT,
    "fft_rfft": NO_FFT,
    "fft_irfft": NO_FFT,
    "fft_rfftn": NO_FFT,
    "fft_irfftn": NO_FFT,
    "fft_hfft": NO_FFT,
    "fft_ihfft": NO_FFT,
}

SOURCE = "https://github.com/apache/mxnet/tree/1.9.1/python/mxnet/ndarray"


class Operator(gluon.HybridBlock):
    """A spelling as a block; hybridised, it becomes a graph when it is first called."""

    def __init__(self, function, arguments):
        super().__init__()
        self.function, self.inputs = function, len(arguments)
        for name in inspect.getfullargspec(function).kwonlyargs:
            # Statistics that the operator updates must be parameters, one number a channel.
            like = arguments[1]
            state = self.params.get(name, shape=like.shape, dtype=like.dtype, grad_req="null")
            setattr(self, name, state)
        self.initialize(mx.init.One())

    def hybrid_forward(self, F, *arrays, **states):  # noqa: N803
        """Return all outputs as NumPy-like arrays."""
        outputs = self.function(F, *arrays[: self.inputs], **states)
        if isinstance(outputs, mx.sym.Symbol):
            outputs = list(outputs) if len(outputs.list_outputs()) > 1 else [outputs]
        elif not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        outputs = [output.as_np_ndarray() for output in outputs]
        return outputs if self.inputs else outputs + [F.np.copy(arrays[0])]


def call(operator, inputs):
    """Run a block on its inputs, in training mode, which dropout and batch normalisation need."""
    if inputs:
        with autograd.train_mode():
            outputs = operator(*inputs)
    else:  # a graph needs an input, and an output that depends on it
        outputs = operator(mx.np.zeros(1))[:-1]
    mx.nd.waitall()  # an error of an asynchronous operation is raised here
    return outputs


def run(function, arguments, captured):
    """Return the outputs as NumPy arrays."""
    operator = Operator(function, arguments)
    if captured:
        operator.hybridize()
    inputs = [mx.np.array(value, dtype=value.dtype) for value in arguments]
    return [output.asnumpy() for output in call(operator, inputs)]


def gradient(function, arguments, weights):
    """Return the gradient for each floating-point argument."""
    inputs = [mx.np.array(value, dtype=value.dtype) for value in arguments]
    wanted = [x for x, value in zip(inputs, arguments) if value.dtype.kind == "f"]
    for x in wanted:
        x.attach_grad()
    with autograd.record():
        outputs = call(Operator(function, arguments), inputs)
    heads = [mx.np.array(w, dtype=output.dtype) for w, output in zip(weights, outputs)]
    autograd.backward(outputs, heads)
    return [x.grad.asnumpy() for x in wanted]
