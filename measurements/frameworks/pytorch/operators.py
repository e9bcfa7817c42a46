"""The operators of PyTorch: the function that computes each one, and how it is run.

https://docs.pytorch.org/docs/2.13/torch.html
"""

import torch
import torch.nn.functional as F  # noqa: F401, N812 (used in OPERATORS)
from torch import nn  # noqa: F401
from torch.func import functional_call

CAPTURED = "torch.compile (Inductor)"
SOURCE = "https://docs.pytorch.org/docs/2.13/torch.html"
WHY_ABSENT = "PyTorch has no such function"

OPERATORS = {
    # elementary
    "abs": "torch.abs",
    "acos": "torch.acos",
    "acosh": "torch.acosh",
    "asin": "torch.asin",
    "asinh": "torch.asinh",
    "atan": "torch.atan",
    "atan2": "torch.atan2",
    "atanh": "torch.atanh",
    "cos": "torch.cos",
    "cosh": "torch.cosh",
    "exp": "torch.exp",
    "expm1": "torch.expm1",
    "hypot": "torch.hypot",
    "log": "torch.log",
    "log1p": "torch.log1p",
    "log2": "torch.log2",
    "log10": "torch.log10",
    "logaddexp": "torch.logaddexp",
    "reciprocal": "torch.reciprocal",
    "sin": "torch.sin",
    "sinh": "torch.sinh",
    "sqrt": "torch.sqrt",
    "square": "torch.square",
    "tan": "torch.tan",
    "tanh": "torch.tanh",
    "erf": "torch.erf",
    "lgamma": "torch.lgamma",
    "digamma": "torch.digamma",
    # arithmetic
    "add": "torch.add",
    "ceil": "torch.ceil",
    "clip": "lambda x: torch.clip(x, -1, 1)",
    "copysign": "torch.copysign",
    "divide": "torch.divide",
    "floor": "torch.floor",
    "floor_divide": "torch.floor_divide",
    "maximum": "torch.maximum",
    "minimum": "torch.minimum",
    "multiply": "torch.multiply",
    "negative": "torch.negative",
    "nextafter": "torch.nextafter",
    "positive": "torch.positive",
    "pow": "torch.pow",
    "remainder": "torch.remainder",
    "round": "torch.round",
    "sign": "torch.sign",
    "subtract": "torch.subtract",
    "trunc": "torch.trunc",
    "conj": "torch.conj",
    "imag": "torch.imag",
    "real": "torch.real",
    # logic
    "bitwise_and": "torch.bitwise_and",
    "bitwise_left_shift": "torch.bitwise_left_shift",
    "bitwise_invert": "torch.bitwise_not",
    "bitwise_or": "torch.bitwise_or",
    "bitwise_right_shift": "torch.bitwise_right_shift",
    "bitwise_xor": "torch.bitwise_xor",
    "equal": "torch.eq",
    "greater": "torch.greater",
    "greater_equal": "torch.greater_equal",
    "less": "torch.less",
    "less_equal": "torch.less_equal",
    "not_equal": "torch.not_equal",
    "isfinite": "torch.isfinite",
    "isinf": "torch.isinf",
    "isnan": "torch.isnan",
    "logical_and": "torch.logical_and",
    "logical_not": "torch.logical_not",
    "logical_or": "torch.logical_or",
    "logical_xor": "torch.logical_xor",
    "signbit": "torch.signbit",
    # creation
    "arange": "lambda: torch.arange(2, 11, 3)",
    "eye": "lambda: torch.diag(torch.ones(3), 1)[:3]",
    "full": "lambda: torch.full((2, 3), 7.5)",
    "full_like": "lambda x: torch.full_like(x, 7.5)",
    "linspace": "lambda: torch.linspace(-1, 1, 5)",
    "meshgrid": "lambda x, y: torch.meshgrid(x, y, indexing='ij')",
    "ones": "lambda: torch.ones(2, 3)",
    "ones_like": "torch.ones_like",
    "tril": "torch.tril",
    "triu": "torch.triu",
    "zeros": "lambda: torch.zeros(2, 3)",
    "zeros_like": "torch.zeros_like",
    # manipulation
    "broadcast_arrays": "torch.broadcast_tensors",
    "broadcast_to": "lambda x: torch.broadcast_to(x, (3, 4))",
    "concat": "lambda x, y: torch.concat([x, y], 1)",
    "expand_dims": "lambda x: torch.unsqueeze(x, 1)",
    "flip": "lambda x: torch.flip(x, (1,))",
    "moveaxis": "lambda x: torch.moveaxis(x, 0, 2)",
    "permute_dims": "lambda x: torch.permute(x, (2, 0, 1))",
    "repeat": "lambda x: torch.repeat_interleave(x, 2, 1)",
    "reshape": "lambda x: torch.reshape(x, (4, 3))",
    "roll": "lambda x: torch.roll(x, 1, 1)",
    "squeeze": "lambda x: torch.squeeze(x, 1)",
    "stack": "lambda x, y: torch.stack([x, y], 1)",
    "tile": "lambda x: torch.tile(x, (2, 3))",
    "unstack": "torch.unbind",
    "pad": "lambda x: F.pad(x, (1, 2))",
    "pad_reflect": "lambda x: F.pad(x, (1, 1, 1, 1), mode='reflect')",
    "slice": "lambda x: x[1:, ::2]",
    # indexing
    "argmax": "lambda x: torch.argmax(x, 1)",
    "argmin": "lambda x: torch.argmin(x, 1)",
    "count_nonzero": "lambda x: torch.count_nonzero(x, 1)",
    "nonzero": "lambda x: torch.nonzero(x, as_tuple=True)",
    "searchsorted": "torch.searchsorted",
    "where": "torch.where",
    "take": "lambda x, i: torch.index_select(x, 1, i)",
    "take_along_axis": "lambda x, i: torch.take_along_dim(x, i.long(), 1)",
    "embedding": "lambda w, i: F.embedding(i, w)",
    "gather_nd": "lambda x, i: x[i.unbind(1)]",
    "scatter_add": "lambda x, i, values: torch.index_add(x, 0, i, values)",
    "one_hot": "lambda i: F.one_hot(i.long(), 4)",
    "segment_sum": "lambda x, i: x.new_zeros(3, x.shape[1]).index_add(0, i, x)",
    # sorting
    "argsort": "lambda x: torch.argsort(x, 1)",
    "sort": "lambda x: torch.sort(x, 1).values",
    "top_k": "lambda x: torch.topk(x, 2)",
    "unique_values": "torch.unique",
    "unique_counts": "lambda x: torch.unique(x, return_counts=True)",
    "unique_inverse": "lambda x: torch.unique(x, return_inverse=True)",
    # reductions
    "all": "lambda x: torch.all(x, 1)",
    "any": "lambda x: torch.any(x, 1)",
    "cumulative_prod": "lambda x: torch.cumprod(x, 1)",
    "cumulative_sum": "lambda x: torch.cumsum(x, 1)",
    "diff": "torch.diff",
    "max": "lambda x: torch.amax(x, 1)",
    "mean": "lambda x: torch.mean(x, 1)",
    "min": "lambda x: torch.amin(x, 1)",
    "prod": "lambda x: torch.prod(x, 1)",
    "std": "lambda x: torch.std(x, 1, correction=0)",
    "sum": "lambda x: torch.sum(x, 1)",
    "var": "lambda x: torch.var(x, 1, correction=0)",
    "logsumexp": "lambda x: torch.logsumexp(x, 1)",
    "cumulative_max": "lambda x: torch.cummax(x, 1).values",
    # linalg
    "matmul": "torch.matmul",
    "matrix_transpose": "lambda x: x.mT",
    "tensordot": "torch.tensordot",
    "vecdot": "torch.linalg.vecdot",
    "einsum": "lambda x, y: torch.einsum('bij,bjk->bik', x, y)",
    "einsum_trace": "lambda x: torch.einsum('ii->i', x)",
    "linalg_cholesky": "torch.linalg.cholesky",
    "linalg_cross": "torch.linalg.cross",
    "linalg_det": "torch.linalg.det",
    "linalg_diagonal": "torch.linalg.diagonal",
    "linalg_eigh": "torch.linalg.eigh",
    "linalg_eigvalsh": "torch.linalg.eigvalsh",
    "linalg_inv": "torch.linalg.inv",
    "linalg_matrix_norm": "torch.linalg.matrix_norm",
    "linalg_matrix_power": "lambda x: torch.linalg.matrix_power(x, 3)",
    "linalg_matrix_rank": "torch.linalg.matrix_rank",
    "linalg_outer": "torch.outer",
    "linalg_pinv": "torch.linalg.pinv",
    "linalg_qr": "torch.linalg.qr",
    "linalg_slogdet": "torch.linalg.slogdet",
    "linalg_solve": "torch.linalg.solve",
    "linalg_svd": "lambda x: torch.linalg.svd(x, full_matrices=False)",
    "linalg_svdvals": "torch.linalg.svdvals",
    "linalg_trace": "torch.trace",
    "linalg_vector_norm": "lambda x: torch.linalg.vector_norm(x, dim=-1)",
    # fft
    "fft_fft": "torch.fft.fft",
    "fft_ifft": "torch.fft.ifft",
    "fft_fftn": "torch.fft.fftn",
    "fft_ifftn": "torch.fft.ifftn",
    "fft_rfft": "torch.fft.rfft",
    "fft_irfft": "lambda x: torch.fft.irfft(x, 8)",
    "fft_rfftn": "torch.fft.rfftn",
    "fft_irfftn": "lambda x: torch.fft.irfftn(x, (3, 8))",
    "fft_hfft": "lambda x: torch.fft.hfft(x, 8)",
    "fft_ihfft": "torch.fft.ihfft",
    "fft_fftfreq": "lambda: torch.fft.fftfreq(8, 0.5)",
    "fft_rfftfreq": "lambda: torch.fft.rfftfreq(8, 0.5)",
    "fft_fftshift": "lambda x: torch.fft.fftshift(x, 1)",
    "fft_ifftshift": "lambda x: torch.fft.ifftshift(x, 1)",
    # convolution
    "conv1d": "F.conv1d",
    "conv2d": "F.conv2d",
    "conv2d_stride": "lambda x, w: F.conv2d(x, w, stride=2)",
    "conv2d_padding": "lambda x, w: F.conv2d(x, w, padding=2)",
    "conv2d_dilation": "lambda x, w: F.conv2d(x, w, dilation=2)",
    "conv2d_groups": "lambda x, w: F.conv2d(x, w, groups=2)",
    "conv2d_depthwise": "lambda x, w: F.conv2d(x, w, groups=4)",
    "conv3d": "F.conv3d",
    "conv2d_transpose": "F.conv_transpose2d",
    "conv2d_transpose_stride": "lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1)",
    "linear": "F.linear",
    "resize_nearest": "lambda x: F.interpolate(x, scale_factor=2, mode='nearest')",
    # pooling
    "max_pool1d": "lambda x: F.max_pool1d(x, 2)",
    "max_pool2d": "lambda x: F.max_pool2d(x, 2)",
    "max_pool2d_overlapping": "lambda x: F.max_pool2d(x, 3, stride=2)",
    "max_pool2d_padding": "lambda x: F.max_pool2d(x, 3, stride=2, padding=1)",
    "max_pool3d": "lambda x: F.max_pool3d(x, 2)",
    "avg_pool2d": "lambda x: F.avg_pool2d(x, 2)",
    "avg_pool2d_padding": (
        "lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)"
    ),
    "global_avg_pool2d": "lambda x: F.adaptive_avg_pool2d(x, 1).squeeze((2, 3))",
    "global_max_pool2d": "lambda x: F.adaptive_max_pool2d(x, 1).squeeze((2, 3))",
    # normalisation
    "batch_norm": "lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True)",
    "batch_norm_inference": "lambda x, g, b, mean, var: F.batch_norm(x, mean, var, g, b)",
    "layer_norm": "lambda x, g, b: F.layer_norm(x, (5,), g, b)",
    "group_norm": "lambda x, g, b: F.group_norm(x, 2, g, b)",
    "instance_norm": "lambda x, g, b: F.instance_norm(x, weight=g, bias=b)",
    "rms_norm": "lambda x, g: F.rms_norm(x, (5,), g, eps=1e-5)",
    "l2_normalise": "lambda x: F.normalize(x, dim=-1)",
    "local_response_norm": "lambda x: F.local_response_norm(x, 3)",
    # activations
    "relu": "F.relu",
    "relu6": "F.relu6",
    "leaky_relu": "F.leaky_relu",
    "prelu": "F.prelu",
    "elu": "F.elu",
    "selu": "F.selu",
    "celu": "lambda x: F.celu(x, alpha=2.0)",
    "gelu": "F.gelu",
    "gelu_tanh": "lambda x: F.gelu(x, approximate='tanh')",
    "silu": "F.silu",
    "mish": "F.mish",
    "sigmoid": "torch.sigmoid",
    "hard_sigmoid": "F.hardsigmoid",
    "hard_swish": "F.hardswish",
    "hard_tanh": "F.hardtanh",
    "log_sigmoid": "F.logsigmoid",
    "softplus": "F.softplus",
    "softsign": "F.softsign",
    "softmax": "lambda x: torch.softmax(x, -1)",
    "log_softmax": "lambda x: torch.log_softmax(x, -1)",
    "glu": "F.glu",
    # losses
    "cross_entropy": "lambda x, y: F.cross_entropy(x, y.long())",
    "nll_loss": "lambda x, y: F.nll_loss(x, y.long())",
    "binary_cross_entropy": "F.binary_cross_entropy",
    "binary_cross_entropy_logits": "F.binary_cross_entropy_with_logits",
    "mse_loss": "F.mse_loss",
    "l1_loss": "F.l1_loss",
    "huber_loss": "F.huber_loss",
    "hinge_loss": "lambda x, y: F.margin_ranking_loss(x, torch.zeros_like(x), y.sign(), margin=1)",
    "kl_divergence": "lambda p, q: F.kl_div(q.log(), p, reduction='batchmean')",
    "cosine_similarity": "F.cosine_similarity",
    # recurrence
    "rnn_cell": "lambda x, h, w, u, b: cell(nn.RNNCell, x, h, w, u, b, torch.zeros_like(b))",
    "lstm_cell": (
        "lambda x, h, c, w, u, b: cell(nn.LSTMCell, x, (h, c), w, u, b, torch.zeros_like(b))"
    ),
    "gru_cell": "lambda x, h, w, u, b, d: cell(nn.GRUCell, x, h, w, u, b, d)",
    "attention": "F.scaled_dot_product_attention",
    "causal_attention": "lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)",
    # random
    "random_uniform": "lambda: torch.rand(10000)",
    "random_normal": "lambda: torch.randn(10000)",
    "random_bernoulli": "lambda: torch.bernoulli(torch.full((10000,), 0.25))",
    "random_integers": "lambda: torch.randint(0, 10, (10000,))",
    "random_exponential": "lambda: torch.empty(10000).exponential_()",
    "random_categorical": (
        "lambda: torch.multinomial(torch.tensor([0.25, 0.25, 0.5]), 10000, replacement=True)"
    ),
    "random_permutation": "lambda: torch.randperm(10000)",
    "dropout": "F.dropout",
}


def cell(kind, x, state, w, u, b, d):
    """Apply a recurrent cell with the given weights in the place of its own."""
    module = kind(w.shape[1], u.shape[1])
    weights = {"weight_ih": w, "weight_hh": u, "bias_ih": b, "bias_hh": d}
    return functional_call(module, weights, (x, state))


def run(function, arguments, captured):
    """Return the outputs as NumPy arrays; ``captured`` compiles the function first."""
    if captured:
        torch.compiler.reset()  # else the shapes of the last case would make these dynamic
        function = torch.compile(function, options={"reorder_for_peak_memory": False})
    return [value.numpy(force=True) for value in listed(function(*map(torch.asarray, arguments)))]


def gradient(function, arguments, weights):
    """Return the gradients of the weighted sum of the outputs."""
    inputs = [torch.asarray(value) for value in arguments]
    inputs = [value.requires_grad_(value.is_floating_point()) for value in inputs]
    outputs = listed(function(*inputs))
    total = sum((torch.asarray(w) * value).sum() for w, value in zip(weights, outputs))
    wanted = [value for value in inputs if value.requires_grad]
    return [value.numpy() for value in torch.autograd.grad(total, wanted)]


def listed(outputs):
    """Return one tensor or several as a list."""
    return [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
