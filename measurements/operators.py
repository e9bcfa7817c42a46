"""The operators that every framework is asked for: name, source, reference in NumPy, inputs.

One entry is one line. An operator is a function of arrays alone: axes, strides and the like are
fixed in its reference, and a framework's ``operators.py`` fixes the same ones. Layouts are those of
the references: images are (count, channels, height, width), kernels (outputs, inputs, ...), and
convolution means cross-correlation.

The sources are two standards that no framework owns: the Python array API standard for tensors, and
ONNX for neural networks (where it has the operator; else the paper or page that defines it).
"""

import itertools
import math
from collections import OrderedDict, namedtuple

import numpy as np

Operator = namedtuple("Operator", "name family source reference cases gradient settle tolerance")
Operator.__doc__ = """One operator.

name       id, everywhere
family     the family it is listed under; one process asks for all operators of a family
source     address of its definition
reference  function of NumPy arrays that returns one array or several; for a random operator,
           function of the outputs that returns "" or what is wrong with them
cases      tuple of :class:`Case`; the gradient is asked for at the first one, in float64
gradient   "" where a gradient is asked for, else why there is none
settle     function of the outputs that takes out what the definition leaves open (the signs of
           eigenvectors), or None
tolerance  largest relative difference, None for that of the precision
"""

Case = namedtuple("Case", "label arguments edge")
Case.__doc__ = (
    """Inputs: a label, a tuple of arrays, and whether they are at the edge (empty, NaN)."""
)

API = "https://data-apis.org/array-api/latest/API_specification/generated/array_api.%s.html"
ONNX = "https://onnx.ai/onnx/operators/onnx__%s.html"

OPERATORS = OrderedDict()
"""name -> :class:`Operator`, in the order of the page."""


def families():
    """Return the families in the order of the page."""
    return tuple(OrderedDict.fromkeys(operator.family for operator in OPERATORS.values()))


# ---------------------------------------------------------------------------------------- inputs


def _random(*shape, **options):
    """Seeded numbers of a range, as dtype: the same for every framework."""
    low, high = options.get("low", -2.0), options.get("high", 2.0)
    dtype = np.dtype(options.get("dtype", "f4"))
    seed = options.get("seed", 0)
    source = np.random.RandomState(2016 + seed + 7 * len(shape) + sum(shape))
    if dtype.kind in "iu":
        return source.randint(int(low), int(high) + 1, shape).astype(dtype)
    if dtype.kind == "b":
        return source.rand(*shape) < 0.5
    values = low + (high - low) * source.rand(*shape)
    if dtype.kind == "c":
        values = values + 1j * (low + (high - low) * source.rand(*shape))
    return values.astype(dtype)


ODD = np.array([[np.nan, np.inf, -np.inf], [0.0, -0.0, 1.0]], "f4")
FLOATS, DOUBLES, INTEGERS = "f4", "f8", "i4"


def _case(label, *arguments, **options):
    return Case(label, arguments, options.get("edge", False))


def unary(low=-2.0, high=2.0, odd=True, extra=()):
    """Cases of a function of one array of floats, element by element."""
    cases = [
        _case("float64", _random(3, 4, low=low, high=high, dtype=DOUBLES)),
        _case("float32", _random(3, 4, low=low, high=high)),
    ]
    cases += extra
    cases.append(_case("empty", np.zeros((0, 3), "f4"), edge=True))
    if odd:
        cases.append(_case("NaN and infinity", ODD, edge=True))
    return tuple(cases)


def binary(low=-2.0, high=2.0, odd=True, dtypes=(DOUBLES, FLOATS), second=None):
    """Cases of a function of two arrays, broadcast against each other as well."""
    low2, high2 = second or (low, high)
    cases = [
        _case(
            np.dtype(dtype).name,
            _random(3, 4, low=low, high=high, dtype=dtype),
            _random(3, 4, low=low2, high=high2, dtype=dtype, seed=1),
        )
        for dtype in dtypes
    ]
    dtype = dtypes[-1]
    cases.append(
        _case(
            "broadcasting",
            _random(3, 1, low=low, high=high, dtype=dtype, seed=2),
            _random(1, 4, low=low2, high=high2, dtype=dtype, seed=3),
        )
    )
    empty = np.zeros((0, 4), dtype)
    cases.append(_case("empty", empty, empty, edge=True))
    if odd:
        cases.append(_case("NaN and infinity", ODD, ODD[::-1].copy(), edge=True))
    return tuple(cases)


def arrays(*shapes, **options):
    """Cases of float64 and float32 arrays of some shapes, and where it makes sense an empty one."""
    low, high = options.get("low", -2.0), options.get("high", 2.0)
    cases = [
        _case(
            np.dtype(dtype).name,
            *[
                _random(*shape, low=low, high=high, dtype=dtype, seed=n)
                for n, shape in enumerate(shapes)
            ],
        )
        for dtype in options.get("dtypes", (DOUBLES, FLOATS))
    ]
    for label, shaped in options.get("edges", {}).items():
        cases.append(_case(label, *[np.zeros(shape, "f4") for shape in shaped], edge=True))
    return tuple(cases)


def reduced(low=-2.0, high=2.0, dtypes=(DOUBLES, FLOATS), odd=True, empty=True):
    """Cases of a reduction over the last axis of a matrix."""
    cases = [
        _case(np.dtype(dtype).name, _random(3, 5, low=low, high=high, dtype=dtype))
        for dtype in dtypes
    ]
    if empty:
        cases.append(_case("no rows", np.zeros((0, 5), dtypes[-1]), edge=True))
    if odd:
        cases.append(_case("NaN and infinity", ODD, edge=True))
    return tuple(cases)


def made(*arguments):
    """One case with given arguments."""
    return (_case("values", *arguments),)


NONE = made()
INDEX = np.array([[2, 0], [1, 1], [0, 3]], "i4")


def _add(family, name, source, reference, cases, gradient="", settle=None, tolerance=None):
    operator = Operator(name, family, source, reference, cases, gradient, settle, tolerance)
    if name in OPERATORS:
        raise ValueError("the operator %s is listed twice" % name)
    OPERATORS[name] = operator


def _api(family, name, reference, cases, gradient="", **options):
    # "fft.fft" has its page under array_api.fft.fft; here it is called fft_fft.
    _add(family, name.replace(".", "_"), API % name, reference, cases, gradient, **options)


def _onnx(family, name, page, reference, cases, gradient="", **options):
    source = page if "://" in page else ONNX % page
    _add(family, name, source, reference, cases, gradient, **options)


# ------------------------------------------------------------------------------------- references


def _where_safe(function):
    """NumPy warns where it meets NaN or infinity; here they are met on purpose."""

    def quiet(*values):
        with np.errstate(all="ignore"):
            return function(*values)

    return quiet


def _erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _lgamma(x):
    return np.vectorize(math.lgamma, otypes=[np.float64])(x)


def _digamma(x):
    """Recurrence to x > 6, then the asymptotic series (Abramowitz and Stegun 6.3.18)."""
    x = np.array(x, np.float64)
    total = np.zeros_like(x)
    for _ in range(8):
        low = x < 8
        total = total - np.where(low, 1 / x, 0)
        x = np.where(low, x + 1, x)
    squared = 1 / x**2
    series = squared * (1 / 12.0 - squared * (1 / 120.0 - squared * (1 / 252.0 - squared / 240.0)))
    return total + np.log(x) - 0.5 / x - series


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softplus(x):
    return np.logaddexp(x, 0)


def _convolution(x, w, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over any number of axes, straight from its definition."""
    axes = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * axes, "constant")
    sizes = [
        (x.shape[2 + a] - dilation * (w.shape[2 + a] - 1) - 1) // stride + 1 for a in range(axes)
    ]
    outputs, inputs = w.shape[:2]
    result = np.zeros([len(x), outputs] + sizes, np.result_type(x, w))
    share = outputs // groups
    for offset in itertools.product(*[range(n) for n in w.shape[2:]]):
        places = tuple(
            slice(dilation * o, dilation * o + stride * (n - 1) + 1, stride)
            for o, n in zip(offset, sizes)
        )
        part = x[(slice(None), slice(None)) + places]
        for group in range(groups):
            rows = slice(group * share, (group + 1) * share)
            columns = slice(group * inputs, (group + 1) * inputs)
            weight = w[(rows, slice(None)) + offset]
            result[:, rows] += np.moveaxis(
                np.tensordot(weight, part[:, columns], axes=(1, 1)), 0, 1
            )
    return result


def _transposed_convolution(x, w, stride=1, padding=0):
    """The gradient of a convolution: kernels are (inputs, outputs, height, width)."""
    count, _, height, width = x.shape
    size = w.shape[2]
    shape = [(n - 1) * stride + size for n in (height, width)]
    result = np.zeros([count, w.shape[1]] + shape, np.result_type(x, w))
    for i, j in itertools.product(range(size), range(w.shape[3])):
        part = np.einsum("nchw,co->nohw", x, w[:, :, i, j])
        rows = slice(i, i + stride * (height - 1) + 1, stride)
        columns = slice(j, j + stride * (width - 1) + 1, stride)
        result[:, :, rows, columns] += part
    inner = slice(padding, -padding or None)
    return result[:, :, inner, inner]


def _pool(x, reduce, size, stride, padding=0):
    """Pooling without the padding's zeros in averages or maxima."""
    axes = x.ndim - 2
    x = np.pad(
        x, [(0, 0), (0, 0)] + [(padding, padding)] * axes, "constant", constant_values=np.nan
    )
    sizes = [(n - size) // stride + 1 for n in x.shape[2:]]
    parts = []
    for offset in itertools.product(range(size), repeat=axes):
        places = tuple(slice(o, o + stride * (n - 1) + 1, stride) for o, n in zip(offset, sizes))
        parts.append(x[(slice(None), slice(None)) + places])
    return reduce(np.stack(parts), axis=0)


def _normalised(x, axes, eps=1e-5):
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axes, keepdims=True) + eps)


def _per_channel(v):
    return v.reshape((1, -1, 1, 1))


def _group_norm(x, scale, shift):
    split = x.reshape((len(x), 2, x.shape[1] // 2) + x.shape[2:])
    normal = _normalised(split, (2, 3, 4)).reshape(x.shape)
    return normal * _per_channel(scale) + _per_channel(shift)


def _picked(scores, labels):
    return scores[np.arange(len(labels)), labels]


def _smooth_l1(x, y):
    error = np.abs(x - y)
    return np.where(error < 1, 0.5 * error**2, error - 0.5).mean()


def _lstm(x, h, c, w, u, b):
    """Gates in the order input, forget, cell, output; w is (4 x units, inputs)."""
    i, f, g, o = np.split(x.dot(w.T) + h.dot(u.T) + b, 4, axis=1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return [_sigmoid(o) * np.tanh(c), c]


def _gru(x, h, w, u, b, d):
    """Gates in the order reset, update, new; the reset gate after the product, as in cuDNN."""
    (r, z, n), (p, q, m) = np.split(x.dot(w.T) + b, 3, axis=1), np.split(h.dot(u.T) + d, 3, axis=1)
    r, z = _sigmoid(r + p), _sigmoid(z + q)
    return (1 - z) * np.tanh(n + r * m) + z * h


def _attention(q, k, v, mask=None):
    scores = (
        q.dot(k.T) / math.sqrt(q.shape[-1])
        if q.ndim == 2
        else np.matmul(q, np.swapaxes(k, -1, -2)) / math.sqrt(q.shape[-1])
    )
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    return np.matmul(_softmax(scores), v)


def _causal(q, k, v):
    return _attention(q, k, v, np.tril(np.ones((q.shape[-2], k.shape[-2]), bool)))


def _scatter_add(x, index, values):
    x = np.array(x)
    np.add.at(x, index, values)
    return x


def _take_along(x, index):
    rows = np.arange(len(x)).reshape(-1, 1)
    return x[rows, index]


def _top_k(x):
    order = np.argsort(-x, axis=-1, kind="mergesort")[:, :2]
    return [_take_along(x, order), order]


def _one_hot(labels):
    return np.eye(4, dtype="f4")[labels]


def _resized_nearest(x):
    return x.repeat(2, axis=2).repeat(2, axis=3)


def _segments(x, ids):
    return _scatter_add(np.zeros((3,) + x.shape[1:], x.dtype), ids, x)


# Outputs of decompositions, with their free signs taken out.


def _of_eigen(values, vectors):
    return [values, (vectors * values).dot(vectors.T)]


def _of_svd(u, s, vh):
    return [s, (u * s).dot(vh)]


def _of_qr(q, r):
    return [q.dot(r), q.T.dot(q), np.tril(r, -1)]


# Random operators: what is wrong with 10,000 numbers of a distribution.


def _moments(mean, deviation, low, high):
    def judge(values):
        values = np.asarray(values, np.float64).ravel()
        if values.size != 10000:
            return "%d numbers, expected 10000" % values.size
        # Five standard errors: a right generator fails once in two million tries.
        if not abs(values.mean() - mean) < 5 * deviation / 100 + 1e-12:
            return "mean %.4g, expected %.4g" % (values.mean(), mean)
        if not abs(values.std() - deviation) < 0.1 * deviation + 1e-12:
            return "standard deviation %.4g, expected %.4g" % (values.std(), deviation)
        if values.min() < low or values.max() > high:
            return "values from %.4g to %.4g" % (values.min(), values.max())
        return ""

    return judge


def _is_permutation(values):
    values = np.asarray(values).ravel()
    if sorted(values.tolist()) != list(range(10000)):
        return "not a permutation of 0 to 9999"
    return "" if (values != np.arange(10000)).sum() > 9000 else "the order was not changed"


def _dropped(values):
    values = np.asarray(values, np.float64).ravel()
    kept = values != 0
    if not 0.45 < kept.mean() < 0.55:
        return "%.3g of the values were kept, expected 0.5" % kept.mean()
    return "" if np.allclose(values[kept], 2.0) else "kept values are not doubled"


# ------------------------------------------------------------------------------------- the list

BOOL = "the output is not a number that could change smoothly"
FLAT = "its slope is zero almost everywhere"
WHOLE = "its inputs are whole numbers"
NO_INPUT = "it has no input"
COMPLEX = "gradients of complex outputs follow different conventions"
FREE = "the definition leaves signs open"

E = "elementary"
_api(E, "abs", np.abs, unary(extra=[_case("int32", _random(3, 4, low=-9, high=9, dtype="i4"))]))
_api(E, "acos", _where_safe(np.arccos), unary(-0.9, 0.9))
_api(E, "acosh", _where_safe(np.arccosh), unary(1.1, 4))
_api(E, "asin", _where_safe(np.arcsin), unary(-0.9, 0.9))
_api(E, "asinh", np.arcsinh, unary())
_api(E, "atan", np.arctan, unary())
_api(E, "atan2", np.arctan2, binary())
_api(E, "atanh", _where_safe(np.arctanh), unary(-0.9, 0.9))
_api(E, "cos", _where_safe(np.cos), unary())
_api(E, "cosh", _where_safe(np.cosh), unary())
_api(E, "exp", _where_safe(np.exp), unary())
_api(E, "expm1", _where_safe(np.expm1), unary(-1e-3, 1e-3))
_api(E, "hypot", np.hypot, binary())
_api(E, "log", _where_safe(np.log), unary(0.1, 4))
_api(E, "log1p", _where_safe(np.log1p), unary(-1e-3, 1e-3))
_api(E, "log2", _where_safe(np.log2), unary(0.1, 4))
_api(E, "log10", _where_safe(np.log10), unary(0.1, 4))
_api(E, "logaddexp", _where_safe(np.logaddexp), binary())
_api(E, "reciprocal", _where_safe(lambda x: 1 / x), unary(0.5, 2))
_api(E, "sin", _where_safe(np.sin), unary())
_api(E, "sinh", _where_safe(np.sinh), unary())
_api(E, "sqrt", _where_safe(np.sqrt), unary(0.1, 4))
_api(E, "square", np.square, unary())
_api(E, "tan", _where_safe(np.tan), unary(-1, 1))
_api(E, "tanh", np.tanh, unary())
_onnx(E, "erf", "Erf", _erf, unary(odd=False))
_onnx(E, "lgamma", "https://dlmf.nist.gov/5.2", _lgamma, unary(0.5, 4, odd=False), tolerance=1e-5)
_onnx(E, "digamma", "https://dlmf.nist.gov/5.2", _digamma, unary(0.5, 4, odd=False), tolerance=1e-5)

E = "arithmetic"
_api(E, "add", np.add, binary())
_api(E, "ceil", np.ceil, unary(), FLAT)
_api(E, "clip", lambda x: np.clip(x, -1, 1), unary())
_api(E, "copysign", np.copysign, binary(0.5, 2, second=(-2, -0.5)))
_api(E, "divide", _where_safe(np.divide), binary(0.5, 2))
_api(E, "floor", np.floor, unary(), FLAT)
_api(E, "floor_divide", _where_safe(np.floor_divide), binary(1, 9, odd=False), FLAT)
_api(E, "maximum", np.maximum, binary())
_api(E, "minimum", np.minimum, binary())
_api(E, "multiply", _where_safe(np.multiply), binary())
_api(E, "negative", np.negative, unary())
_api(E, "nextafter", np.nextafter, binary(odd=False), FLAT, tolerance=0.0)
_api(E, "positive", np.positive, unary())
_api(E, "pow", _where_safe(np.power), binary(0.5, 2))
_api(E, "remainder", _where_safe(np.remainder), binary(-9, 9, odd=False, second=(1, 4)))
_api(E, "round", np.round, unary(-9, 9), FLAT)
_api(E, "sign", np.sign, unary(), FLAT)
_api(E, "subtract", _where_safe(np.subtract), binary())
_api(E, "trunc", np.trunc, unary(-9, 9), FLAT)
_api(E, "conj", np.conj, arrays((3, 4), dtypes=("c8", "c16")), COMPLEX)
_api(E, "imag", np.imag, arrays((3, 4), dtypes=("c8", "c16")), COMPLEX)
_api(E, "real", np.real, arrays((3, 4), dtypes=("c8", "c16")), COMPLEX)

E = "logic"
WHOLES = {"low": 0, "high": 9, "odd": False, "dtypes": ("i8", "i4")}
_api(E, "bitwise_and", np.bitwise_and, binary(**WHOLES), WHOLE)
_api(
    E,
    "bitwise_left_shift",
    np.left_shift,
    binary(second=(0, 3), **WHOLES),
    WHOLE,
)
_api(E, "bitwise_invert", np.invert, arrays((3, 4), dtypes=("i8", "i4")), WHOLE)
_api(E, "bitwise_or", np.bitwise_or, binary(**WHOLES), WHOLE)
_api(E, "bitwise_right_shift", np.right_shift, binary(second=(0, 3), **WHOLES), WHOLE)
_api(E, "bitwise_xor", np.bitwise_xor, binary(**WHOLES), WHOLE)
SIGNS = {"low": 0, "high": 2, "dtypes": ("i8", "f4")}
_api(E, "equal", np.equal, binary(**SIGNS), BOOL)
_api(E, "greater", _where_safe(np.greater), binary(**SIGNS), BOOL)
_api(E, "greater_equal", _where_safe(np.greater_equal), binary(**SIGNS), BOOL)
_api(E, "less", _where_safe(np.less), binary(**SIGNS), BOOL)
_api(E, "less_equal", _where_safe(np.less_equal), binary(**SIGNS), BOOL)
_api(E, "not_equal", np.not_equal, binary(**SIGNS), BOOL)
_api(E, "isfinite", np.isfinite, unary(), BOOL)
_api(E, "isinf", np.isinf, unary(), BOOL)
_api(E, "isnan", np.isnan, unary(), BOOL)
TRUTHS = {"odd": False, "dtypes": ("?",)}
_api(E, "logical_and", np.logical_and, binary(**TRUTHS), BOOL)
_api(E, "logical_not", np.logical_not, arrays((3, 4), dtypes=("?",)), BOOL)
_api(E, "logical_or", np.logical_or, binary(**TRUTHS), BOOL)
_api(E, "logical_xor", np.logical_xor, binary(**TRUTHS), BOOL)
_api(E, "signbit", np.signbit, unary(), BOOL)

E = "creation"
_api(E, "arange", lambda: np.arange(2, 11, 3), NONE, NO_INPUT)
_api(E, "eye", lambda: np.eye(3, 4, k=1), NONE, NO_INPUT)
_api(E, "full", lambda: np.full((2, 3), 7.5), NONE, NO_INPUT)
_api(E, "full_like", lambda x: np.full_like(x, 7.5), arrays((2, 3)), FLAT)
_api(E, "linspace", lambda: np.linspace(-1, 1, 5), NONE, NO_INPUT, tolerance=1e-6)
_api(E, "meshgrid", lambda x, y: np.meshgrid(x, y, indexing="ij"), arrays((3,), (4,)))
_api(E, "ones", lambda: np.ones((2, 3)), NONE, NO_INPUT)
_api(E, "ones_like", np.ones_like, arrays((2, 3)), FLAT)
_api(E, "tril", np.tril, arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "triu", np.triu, arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "zeros", lambda: np.zeros((2, 3)), NONE, NO_INPUT)
_api(E, "zeros_like", np.zeros_like, arrays((2, 3)), FLAT)

E = "manipulation"
_api(E, "broadcast_arrays", np.broadcast_arrays, arrays((3, 1), (1, 4)))
_api(E, "broadcast_to", lambda x: np.broadcast_to(x, (3, 4)), arrays((1, 4)))
_api(E, "concat", lambda x, y: np.concatenate([x, y], 1), arrays(
    (2, 3), (2, 2), edges={"zero-size axis": [(2, 0), (2, 2)]}))  # fmt: skip
_api(E, "expand_dims", lambda x: np.expand_dims(x, 1), arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "flip", lambda x: np.flip(x, 1), arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "moveaxis", lambda x: np.moveaxis(x, 0, 2), arrays((2, 3, 4)))
_api(E, "permute_dims", lambda x: np.transpose(x, (2, 0, 1)), arrays((2, 3, 4)))
_api(E, "repeat", lambda x: np.repeat(x, 2, 1), arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "reshape", lambda x: x.reshape(4, 3), arrays((3, 4)))
_api(E, "roll", lambda x: np.roll(x, 1, 1), arrays((3, 4), edges={"empty": [(0, 4)]}))
_api(E, "squeeze", lambda x: np.squeeze(x, 1), arrays((3, 1, 4)))
_api(E, "stack", lambda x, y: np.stack([x, y], 1), arrays(
    (3, 4), (3, 4), edges={"empty": [(0, 4), (0, 4)]}))  # fmt: skip
_api(E, "tile", lambda x: np.tile(x, (2, 3)), arrays((3, 4)))
_api(E, "unstack", lambda x: [x[0], x[1], x[2]], arrays((3, 4)))
_onnx(E, "pad", "Pad", lambda x: np.pad(x, [(0, 0), (1, 2)], "constant"), arrays((3, 4)))
_onnx(E, "pad_reflect", "Pad", lambda x: np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], "reflect"),
      arrays((1, 2, 4, 4)))  # fmt: skip
_onnx(E, "slice", "Slice", lambda x: x[1:, ::2], arrays((3, 5)))

E = "indexing"
_api(E, "argmax", lambda x: np.argmax(x, 1), reduced(odd=False), WHOLE)
_api(E, "argmin", lambda x: np.argmin(x, 1), reduced(odd=False), WHOLE)
_api(E, "count_nonzero", lambda x: np.count_nonzero(x, 1), reduced(0, 2, ("i4",), False), WHOLE)
_api(E, "nonzero", lambda x: list(np.nonzero(x)), made(_random(3, 4, low=0, high=1, dtype="i4")),
     WHOLE)  # fmt: skip
_api(E, "searchsorted", np.searchsorted, made(
    np.arange(5, dtype="f4"), np.array([0.5, 3.5, -1, 9], "f4")), WHOLE)  # fmt: skip
_api(E, "where", np.where, (
    _case("float64", _random(3, 4, dtype="?"), _random(3, 4, dtype="f8"),
          _random(3, 4, dtype="f8", seed=1)),
    _case("float32", _random(3, 4, dtype="?"), _random(3, 4), _random(3, 4, seed=1)),
    _case("broadcasting", _random(3, 1, dtype="?"), _random(1, 4), _random(3, 4, seed=1)),
))  # fmt: skip
_api(E, "take", lambda x, i: np.take(x, i, 1), (
    _case("float64", _random(3, 4, dtype="f8"), np.array([2, 0, 2], "i4")),
    _case("float32", _random(3, 4), np.array([2, 0, 2], "i4")),
    _case("no index", _random(3, 4), np.zeros(0, "i4"), edge=True),
))  # fmt: skip
_api(E, "take_along_axis", _take_along, (
    _case("float64", _random(3, 4, dtype="f8"), INDEX), _case("float32", _random(3, 4), INDEX),
))  # fmt: skip
_onnx(E, "embedding", "Gather", lambda w, i: w[i], (
    _case("float64", _random(5, 3, dtype="f8"), INDEX), _case("float32", _random(5, 3), INDEX),
    _case("no words", _random(5, 3), np.zeros((0, 2), "i4"), edge=True),
))  # fmt: skip
_onnx(E, "gather_nd", "GatherND", lambda x, i: x[tuple(i.T)], (
    _case("float64", _random(3, 4, dtype="f8"), INDEX), _case("float32", _random(3, 4), INDEX),
))  # fmt: skip
_onnx(E, "scatter_add", "ScatterND", _scatter_add, (
    _case("float64", _random(4, 3, dtype="f8"), np.array([2, 0, 2], "i4"),
          _random(3, 3, dtype="f8", seed=1)),
    _case("float32", _random(4, 3), np.array([2, 0, 2], "i4"), _random(3, 3, seed=1)),
))  # fmt: skip
_onnx(E, "one_hot", "OneHot", _one_hot, made(np.array([2, 0, 3], "i4")), WHOLE)
_onnx(E, "segment_sum", "https://www.tensorflow.org/api_docs/python/tf/math/segment_sum", _segments,
      (_case("float64", _random(4, 3, dtype="f8"), np.array([0, 0, 1, 2], "i4")),
       _case("float32", _random(4, 3), np.array([0, 0, 1, 2], "i4"))))  # fmt: skip

E = "sorting"
_api(E, "argsort", lambda x: np.argsort(x, 1), reduced(odd=False), WHOLE)
_api(E, "sort", lambda x: np.sort(x, 1), reduced(odd=False))
_onnx(E, "top_k", "TopK", _top_k, (
    _case("float64", _random(3, 5, dtype="f8")), _case("float32", _random(3, 5))), WHOLE
)  # fmt: skip
SOME = np.array([3, 1, 2, 1, 3, 3], "i4")
_api(E, "unique_values", np.unique, made(SOME), WHOLE)
_api(E, "unique_counts", lambda x: list(np.unique(x, return_counts=True)), made(SOME), WHOLE)
_api(E, "unique_inverse", lambda x: list(np.unique(x, return_inverse=True)), made(SOME), WHOLE)

E = "reductions"
_api(E, "all", lambda x: np.all(x, 1), reduced(dtypes=("?",), odd=False), BOOL)
_api(E, "any", lambda x: np.any(x, 1), reduced(dtypes=("?",), odd=False), BOOL)
_api(E, "cumulative_prod", _where_safe(lambda x: np.cumprod(x, 1)), reduced(0.5, 2))
_api(E, "cumulative_sum", _where_safe(lambda x: np.cumsum(x, 1)), reduced())
_api(E, "diff", _where_safe(lambda x: np.diff(x, axis=1)), reduced())
_api(E, "max", _where_safe(lambda x: np.max(x, 1)), reduced())
_api(E, "mean", _where_safe(lambda x: np.mean(x, 1)), reduced())
_api(E, "min", _where_safe(lambda x: np.min(x, 1)), reduced())
_api(E, "prod", _where_safe(lambda x: np.prod(x, 1)), reduced(0.5, 2))
_api(E, "std", _where_safe(lambda x: np.std(x, 1)), reduced())
_api(E, "sum", _where_safe(lambda x: np.sum(x, 1)), reduced() + (
    _case("zero-size axis", np.zeros((3, 0), "f4"), edge=True),))  # fmt: skip
_api(E, "var", _where_safe(lambda x: np.var(x, 1)), reduced())
_onnx(E, "logsumexp", "ReduceLogSumExp", lambda x: np.log(np.exp(x).sum(1)), reduced(odd=False))
_onnx(E, "cumulative_max", "https://numpy.org/doc/stable/reference/generated/numpy.ufunc.accumulate.html",
      lambda x: np.maximum.accumulate(x, 1), reduced(odd=False))  # fmt: skip

E = "linalg"


def _positive(dtype):
    x = _random(3, 3, dtype=dtype)
    return (x.dot(x.T) + 3 * np.eye(3)).astype(dtype)


def _symmetric(dtype):
    return (_random(3, 3, dtype=dtype) + np.diag([1.0, 5.0, 9.0])).astype(dtype)


def _settled(function):
    """A function of the symmetric part, so that the slope is the same for every convention."""
    return lambda x: function((x + np.swapaxes(x, -1, -2)) / 2)


SQUARES = (_case("float64", _symmetric("f8")), _case("float32", _symmetric("f4")))
BATCH = _case("batch", np.stack([_symmetric("f4"), 2 * _symmetric("f4")]))
EVEN = tuple(_case(c.label, (c.arguments[0] + c.arguments[0].T) / 2) for c in SQUARES)
_api(E, "matmul", np.matmul, arrays((3, 4), (4, 2), edges={"zero-size axis": [(3, 0), (0, 2)]}) + (
    _case("batch", _random(2, 3, 4), _random(2, 4, 2)),))  # fmt: skip
_api(E, "matrix_transpose", lambda x: np.swapaxes(x, -1, -2), arrays((2, 3, 4)))
_api(E, "tensordot", lambda x, y: np.tensordot(x, y, 2), arrays((2, 3, 4), (3, 4, 2)))
_api(E, "vecdot", lambda x, y: (x * y).sum(-1), arrays((3, 4), (3, 4)))
_onnx(E, "einsum", "Einsum", lambda x, y: np.einsum("bij,bjk->bik", x, y), arrays(
    (2, 3, 4), (2, 4, 2)))  # fmt: skip
_onnx(E, "einsum_trace", "Einsum", lambda x: np.einsum("ii->i", x), arrays((3, 3)))
_api(E, "linalg.cholesky", np.linalg.cholesky, (
    _case("float64", _positive("f8")), _case("float32", _positive("f4"))),
     "its slope depends on how the lower half is taken to be tied to the upper")  # fmt: skip
_api(E, "linalg.cross", np.cross, arrays((4, 3), (4, 3)))
_api(E, "linalg.det", np.linalg.det, SQUARES + (BATCH,))
_api(E, "linalg.diagonal", lambda x: np.diagonal(x, axis1=-2, axis2=-1), arrays((3, 4)))
_api(E, "linalg.eigh", lambda x: list(np.linalg.eigh(x)), EVEN, FREE, settle=_of_eigen)
_api(E, "linalg.eigvalsh", np.linalg.eigvalsh, EVEN,
     "its slope depends on how the lower half is taken to be tied to the upper")  # fmt: skip
_api(E, "linalg.inv", np.linalg.inv, SQUARES + (BATCH,))
_api(E, "linalg.matrix_norm", lambda x: np.linalg.norm(x, axis=(-2, -1)), arrays((3, 4)))
_api(E, "linalg.matrix_power", lambda x: np.linalg.matrix_power(x, 3), arrays((3, 3)))
_api(E, "linalg.matrix_rank", np.linalg.matrix_rank, made(np.outer(
    np.arange(1, 4, dtype="f4"), np.arange(1, 5, dtype="f4"))), WHOLE)  # fmt: skip
_api(E, "linalg.outer", np.outer, arrays((3,), (4,)))
_api(E, "linalg.pinv", np.linalg.pinv, arrays((4, 3)), tolerance=1e-4)
_api(E, "linalg.qr", lambda x: list(np.linalg.qr(x)), arrays((4, 3)), FREE, settle=_of_qr)
_api(E, "linalg.slogdet", lambda x: list(np.linalg.slogdet(x)), SQUARES)
_api(E, "linalg.solve", np.linalg.solve, tuple(
    _case(d, _symmetric(d), _random(3, 2, dtype=d)) for d in ("f8", "f4")))  # fmt: skip
_api(E, "linalg.svd", lambda x: list(np.linalg.svd(x, full_matrices=False)), arrays((4, 3)), FREE,
     settle=_of_svd)  # fmt: skip
_api(E, "linalg.svdvals", lambda x: np.linalg.svd(x, compute_uv=False), arrays((4, 3)))
_api(E, "linalg.trace", np.trace, arrays((3, 4)))
_api(E, "linalg.vector_norm", lambda x: np.linalg.norm(x, axis=-1), arrays((3, 4)))

E = "fft"
REAL = arrays((3, 8))
WAVES = arrays((3, 8), dtypes=("c16", "c8"))
HALF = arrays((3, 5), dtypes=("c16", "c8"))
_api(E, "fft.fft", np.fft.fft, WAVES, COMPLEX)
_api(E, "fft.ifft", np.fft.ifft, WAVES, COMPLEX)
_api(E, "fft.fftn", np.fft.fftn, WAVES, COMPLEX)
_api(E, "fft.ifftn", np.fft.ifftn, WAVES, COMPLEX)
_api(E, "fft.rfft", np.fft.rfft, REAL, COMPLEX)
_api(E, "fft.irfft", lambda x: np.fft.irfft(x, 8), HALF, COMPLEX)
_api(E, "fft.rfftn", np.fft.rfftn, REAL, COMPLEX)
_api(E, "fft.irfftn", lambda x: np.fft.irfftn(x, (3, 8), axes=(0, 1)), HALF, COMPLEX)
_api(E, "fft.hfft", lambda x: np.fft.hfft(x, 8), HALF, COMPLEX)
_api(E, "fft.ihfft", np.fft.ihfft, REAL, COMPLEX)
_api(E, "fft.fftfreq", lambda: np.fft.fftfreq(8, 0.5), NONE, NO_INPUT)
_api(E, "fft.rfftfreq", lambda: np.fft.rfftfreq(8, 0.5), NONE, NO_INPUT)
_api(E, "fft.fftshift", lambda x: np.fft.fftshift(x, 1), REAL)
_api(E, "fft.ifftshift", lambda x: np.fft.ifftshift(x, 1), REAL)

E = "convolution"
IMAGES = (2, 4, 6, 6)
_onnx(E, "conv1d", "Conv", _convolution, arrays((2, 3, 7), (4, 3, 3)))
_onnx(E, "conv2d", "Conv", _convolution, arrays(
    IMAGES, (3, 4, 3, 3), edges={"empty": [(0, 4, 6, 6), (3, 4, 3, 3)]}))  # fmt: skip
_onnx(E, "conv2d_stride", "Conv", lambda x, w: _convolution(x, w, stride=2), arrays(
    (2, 4, 7, 7), (3, 4, 3, 3)))  # fmt: skip
_onnx(E, "conv2d_padding", "Conv", lambda x, w: _convolution(x, w, padding=2), arrays(
    IMAGES, (3, 4, 3, 3)))  # fmt: skip
_onnx(E, "conv2d_dilation", "Conv", lambda x, w: _convolution(x, w, dilation=2), arrays(
    IMAGES, (3, 4, 3, 3)))  # fmt: skip
_onnx(E, "conv2d_groups", "Conv", lambda x, w: _convolution(x, w, groups=2), arrays(
    IMAGES, (6, 2, 3, 3)))  # fmt: skip
_onnx(E, "conv2d_depthwise", "Conv", lambda x, w: _convolution(x, w, groups=4), arrays(
    IMAGES, (4, 1, 3, 3)))  # fmt: skip
_onnx(E, "conv3d", "Conv", _convolution, arrays((1, 2, 4, 4, 4), (3, 2, 2, 2, 2)))
_onnx(E, "conv2d_transpose", "ConvTranspose", _transposed_convolution, arrays(
    (2, 3, 4, 4), (3, 2, 3, 3)))  # fmt: skip
_onnx(E, "conv2d_transpose_stride", "ConvTranspose", lambda x, w: _transposed_convolution(
    x, w, stride=2, padding=1), arrays((2, 3, 4, 4), (3, 2, 3, 3)))  # fmt: skip
_onnx(E, "linear", "Gemm", lambda x, w, b: x.dot(w.T) + b, arrays((3, 4), (2, 4), (2,)))
_onnx(E, "resize_nearest", "Resize", _resized_nearest, arrays((1, 2, 3, 3)))

E = "pooling"
_onnx(E, "max_pool1d", "MaxPool", lambda x: _pool(x, np.nanmax, 2, 2), arrays((2, 3, 8)))
_onnx(E, "max_pool2d", "MaxPool", lambda x: _pool(x, np.nanmax, 2, 2), arrays(
    (2, 3, 6, 6), edges={"empty": [(0, 3, 6, 6)]}))  # fmt: skip
_onnx(E, "max_pool2d_overlapping", "MaxPool", lambda x: _pool(x, np.nanmax, 3, 2), arrays(
    (2, 3, 7, 7)))  # fmt: skip
_onnx(E, "max_pool2d_padding", "MaxPool", lambda x: _pool(x, np.nanmax, 3, 2, 1), arrays(
    (2, 3, 7, 7)))  # fmt: skip
_onnx(E, "max_pool3d", "MaxPool", lambda x: _pool(x, np.nanmax, 2, 2), arrays((1, 2, 4, 4, 4)))
_onnx(E, "avg_pool2d", "AveragePool", lambda x: _pool(x, np.nanmean, 2, 2), arrays((2, 3, 6, 6)))
_onnx(E, "avg_pool2d_padding", "AveragePool", lambda x: _pool(x, np.nanmean, 3, 2, 1), arrays(
    (2, 3, 7, 7)))  # fmt: skip
_onnx(E, "global_avg_pool2d", "GlobalAveragePool", lambda x: x.mean((2, 3)), arrays((2, 3, 4, 4)))
_onnx(E, "global_max_pool2d", "GlobalMaxPool", lambda x: x.max((2, 3)), arrays((2, 3, 4, 4)))

E = "normalisation"
_onnx(E, "batch_norm", "BatchNormalization", lambda x, g, b: _normalised(x, (0, 2, 3))
      * _per_channel(g) + _per_channel(b), arrays((4, 3, 2, 2), (3,), (3,)))  # fmt: skip
_onnx(E, "batch_norm_inference", "BatchNormalization", lambda x, g, b, m, v: (x - _per_channel(m))
      / np.sqrt(_per_channel(v) + 1e-5) * _per_channel(g) + _per_channel(b), arrays(
          (4, 3, 2, 2), (3,), (3,), (3,), (3,), low=0.5, high=2))  # fmt: skip
_onnx(E, "layer_norm", "LayerNormalization", lambda x, g, b: _normalised(x, -1) * g + b, arrays(
    (3, 5), (5,), (5,)))  # fmt: skip
_onnx(E, "group_norm", "GroupNormalization", _group_norm, arrays((2, 4, 3, 3), (4,), (4,)))
_onnx(E, "instance_norm", "InstanceNormalization", lambda x, g, b: _normalised(x, (2, 3))
      * _per_channel(g) + _per_channel(b), arrays((2, 3, 4, 4), (3,), (3,)))  # fmt: skip
_onnx(E, "rms_norm", "RMSNormalization", lambda x, g: x / np.sqrt(
    (x**2).mean(-1, keepdims=True) + 1e-5) * g, arrays((3, 5), (5,)))  # fmt: skip
_onnx(E, "l2_normalise", "LpNormalization", lambda x: x / np.sqrt((x**2).sum(-1, keepdims=True)),
      arrays((3, 5)))  # fmt: skip
_onnx(E, "local_response_norm", "LRN", lambda x: x / (1 + 1e-4 / 3 * np.stack(
    [(x[:, max(0, c - 1) : c + 2] ** 2).sum(1) for c in range(x.shape[1])], 1)) ** 0.75,
    arrays((2, 5, 3, 3)))  # fmt: skip

E = "activations"
_onnx(E, "relu", "Relu", lambda x: np.maximum(x, 0), unary())
_onnx(E, "relu6", "https://arxiv.org/abs/1704.04861", lambda x: np.clip(x, 0, 6), unary(-9, 9))
_onnx(E, "leaky_relu", "LeakyRelu", lambda x: np.where(x > 0, x, 0.01 * x), unary(odd=False))
_onnx(E, "prelu", "PRelu", lambda x, a: np.where(x > 0, x, a * x), arrays((3, 4), (4,)))
_onnx(E, "elu", "Elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), unary(odd=False))
_onnx(E, "selu", "Selu", lambda x: 1.0507009873554805 * np.where(
    x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))), unary(odd=False),
    tolerance=1e-6)  # fmt: skip
_onnx(E, "celu", "Celu", lambda x: np.maximum(x, 0) + np.minimum(0, 2 * np.expm1(x / 2)),
      unary(odd=False))  # fmt: skip
_onnx(E, "gelu", "Gelu", lambda x: x / 2 * (1 + _erf(x / math.sqrt(2))), unary(odd=False))
_onnx(
    E,
    "gelu_tanh",
    "Gelu",
    lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    unary(odd=False),
    tolerance=1e-6,
)
_onnx(E, "silu", "https://arxiv.org/abs/1702.03118", lambda x: x * _sigmoid(x), unary(odd=False))
_onnx(E, "mish", "Mish", lambda x: x * np.tanh(_softplus(x)), unary(odd=False))
_onnx(E, "sigmoid", "Sigmoid", _where_safe(_sigmoid), unary())
_onnx(E, "hard_sigmoid", "https://arxiv.org/abs/1905.02244", lambda x: np.clip(x / 6 + 0.5, 0, 1),
      unary(-4, 4, odd=False))  # fmt: skip
_onnx(E, "hard_swish", "HardSwish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
      unary(-4, 4, odd=False))  # fmt: skip
_onnx(E, "hard_tanh", "https://ronan.collobert.com/pub/matos/2004_phdthesis_lip6.pdf",
      lambda x: np.clip(x, -1, 1), unary(-4, 4))  # fmt: skip
_onnx(E, "log_sigmoid", "https://arxiv.org/abs/1606.08415", lambda x: -_softplus(-x),
      unary(odd=False))  # fmt: skip
_onnx(E, "softplus", "Softplus", _softplus, unary(odd=False))
_onnx(E, "softsign", "Softsign", lambda x: x / (1 + np.abs(x)), unary(odd=False))
_onnx(E, "softmax", "Softmax", _softmax, reduced(odd=False) + (
    _case("large", 1000 * _random(3, 5), edge=True),))  # fmt: skip
_onnx(E, "log_softmax", "LogSoftmax", _log_softmax, reduced(odd=False) + (
    _case("large", 1000 * _random(3, 5), edge=True),))  # fmt: skip
_onnx(E, "glu", "https://arxiv.org/abs/1612.08083", lambda x: x[:, :2] * _sigmoid(x[:, 2:]),
      arrays((3, 4)))  # fmt: skip

E = "losses"
LABELS = np.array([2, 0, 1], "i4")


def _labelled(**options):
    return tuple(
        _case(np.dtype(d).name, _random(3, 4, dtype=d, **options), LABELS) for d in ("f8", "f4")
    )


def _pairs(low, high, low2, high2):
    return tuple(
        _case(
            np.dtype(d).name,
            _random(3, 4, low=low, high=high, dtype=d),
            _random(3, 4, low=low2, high=high2, dtype=d, seed=1),
        )
        for d in ("f8", "f4")
    )


_onnx(E, "cross_entropy", "SoftmaxCrossEntropyLoss", lambda x, y: -_picked(_log_softmax(x), y)
      .mean(), _labelled())  # fmt: skip
_onnx(E, "nll_loss", "NegativeLogLikelihoodLoss", lambda x, y: -_picked(x, y).mean(), _labelled(
    low=-3, high=-1))  # fmt: skip
_onnx(
    E,
    "binary_cross_entropy",
    "https://en.wikipedia.org/wiki/Cross-entropy",
    lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
    _pairs(0.1, 0.9, 0, 1),
    tolerance=2e-6,
)
_onnx(E, "binary_cross_entropy_logits", "https://en.wikipedia.org/wiki/Cross-entropy",
      lambda x, y: (np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))).mean(),
      _pairs(-2, 2, 0, 1))  # fmt: skip
_onnx(E, "mse_loss", "https://en.wikipedia.org/wiki/Mean_squared_error",
      lambda x, y: ((x - y) ** 2).mean(), _pairs(-2, 2, -2, 2))  # fmt: skip
_onnx(E, "l1_loss", "https://en.wikipedia.org/wiki/Mean_absolute_error",
      lambda x, y: np.abs(x - y).mean(), _pairs(-2, 2, -2, 2))  # fmt: skip
_onnx(E, "huber_loss", "https://en.wikipedia.org/wiki/Huber_loss", _smooth_l1, _pairs(
    -2, 2, -2, 2))  # fmt: skip
_onnx(E, "hinge_loss", "https://en.wikipedia.org/wiki/Hinge_loss",
      lambda x, y: np.maximum(0, 1 - x * np.sign(y)).mean(), _pairs(-2, 2, 0.5, 2))  # fmt: skip
_onnx(E, "kl_divergence", "https://en.wikipedia.org/wiki/Kullback%E2%80%93Leibler_divergence",
      lambda p, q: (p * np.log(p / q)).sum(1).mean(), _pairs(0.1, 0.9, 0.1, 0.9),
      tolerance=2e-6)  # fmt: skip
_onnx(E, "cosine_similarity", "https://en.wikipedia.org/wiki/Cosine_similarity",
      lambda x, y: (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)), _pairs(
          -2, 2, -2, 2))  # fmt: skip

E = "recurrence"
_onnx(E, "rnn_cell", "RNN", lambda x, h, w, u, b: np.tanh(x.dot(w.T) + h.dot(u.T) + b), arrays(
    (2, 3), (2, 4), (4, 3), (4, 4), (4,)))  # fmt: skip
_onnx(E, "lstm_cell", "LSTM", _lstm, arrays((2, 3), (2, 4), (2, 4), (16, 3), (16, 4), (16,)))
_onnx(E, "gru_cell", "GRU", _gru, arrays((2, 3), (2, 4), (12, 3), (12, 4), (12,), (12,)))
_onnx(E, "attention", "Attention", _attention, arrays((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)))
_onnx(E, "causal_attention", "Attention", _causal, arrays(
    (2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)))  # fmt: skip

E = "random"
RANDOM = "its outputs are drawn"
INF = float("inf")
_onnx(E, "random_uniform", "RandomUniform", _moments(0.5, 12**-0.5, 0, 1), NONE, RANDOM)
_onnx(E, "random_normal", "RandomNormal", _moments(0, 1, -INF, INF), NONE, RANDOM)
_onnx(E, "random_bernoulli", "Bernoulli", _moments(0.25, 0.1875**0.5, 0, 1), NONE, RANDOM)
_onnx(E, "random_integers", "https://numpy.org/doc/stable/reference/random/generated/numpy.random.Generator.integers.html",
      _moments(4.5, 8.25**0.5, 0, 9), NONE, RANDOM)  # fmt: skip
_onnx(E, "random_exponential", "https://numpy.org/doc/stable/reference/random/generated/numpy.random.Generator.exponential.html",
      _moments(1, 1, 0, INF), NONE, RANDOM)  # fmt: skip
_onnx(E, "random_categorical", "Multinomial", _moments(1.25, 0.6875**0.5, 0, 2), NONE, RANDOM)
_onnx(E, "random_permutation", "https://numpy.org/doc/stable/reference/random/generated/numpy.random.Generator.permutation.html",
      _is_permutation, NONE, RANDOM)  # fmt: skip
_onnx(E, "dropout", "Dropout", _dropped, made(np.ones((100, 100), "f4")), RANDOM)

RANDOM_FAMILY = E
