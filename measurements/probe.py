"""Questions to a framework that it may answer with no, and how right answers are told.

Every answer is one row. "Unsupported", "failed" and "wrong" are answers with a reason; none of
them stops the next question. Runs inside every framework's interpreter: standard library and NumPy.
"""

import io
import time
import tokenize
import traceback

import numpy as np

from measurements.contract import Unsupported

TOLERANCES = {"f2": 1e-2, "f4": 2e-5, "f8": 1e-9, "c8": 2e-5, "c16": 1e-9}
"""Largest difference, relative to the largest expected magnitude, by what was computed with.

About 170 roundings of float32 (eps 1.2e-7): sums of a few dozen terms and a transcendental function
stay well below, another formula does not.
"""


class Wrong(Exception):
    """The framework answered, and the answer is not the reference's."""


class Skipped(Exception):
    """There is nothing to ask: the question has no meaning here."""


def ask(session, metric, case, question):
    """Emit one row with the answer to a question; return the answer, or None without one.

    Args:
        session: see ``measurements.worker.Session``.
        metric: of the row.
        case: of the row.
        question: function of no arguments that returns a number (or None for a plain yes), or
            raises :class:`Wrong`, :class:`Skipped`, ``Unsupported`` or anything else.

    """
    answer = None
    try:
        answer = question()
        answer = 1.0 if answer is None else float(answer)
        session.emit(metric, answer, case=case)
    except Unsupported as gap:
        session.unsupported(metric, gap, case=case)
    except Wrong as difference:
        session.emit(metric, None, case=case, status="wrong", reason=one_line(difference))
    except Skipped as nothing:
        session.emit(metric, None, case=case, status="skipped", reason=one_line(nothing))
    except Exception as error:  # the framework may raise anything; its log keeps it all
        print("%s of %s:" % (metric, case))
        traceback.print_exc()
        reason = one_line("%s: %s" % (type(error).__name__, error))
        session.emit(metric, None, case=case, status="failed", reason=reason)
    return answer


def say(session, metric, case, error):
    """Emit the row of a question whose answer is known to be an exception, see :func:`ask`."""

    def question():
        raise error

    ask(session, metric, case, question)


def one_line(text, limit=300):
    """Return a message without line breaks, cut to ``limit`` characters."""
    words = " ".join(str(text).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def listed(outputs):
    """Return one output or several as a list of NumPy arrays."""
    many = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(value) for value in many]


def difference(found, expected, tolerance=None, what="output"):
    """Return the largest relative difference of some arrays.

    Args:
        found: array or list of arrays.
        expected: as many, of the same shapes. NaN and infinities must stand in the same places.
        tolerance: largest relative difference allowed; None takes that of the precision found.
        what: name of what is compared, for the message.

    Raises:
        Wrong: they differ by more, in number, in shape, or in what is not finite.

    """
    found, expected = listed(found), listed(expected)
    if len(found) != len(expected):
        raise Wrong("%d %ss, expected %d" % (len(found), what, len(expected)))
    worst = 0.0
    for number, (given, wanted) in enumerate(zip(found, expected)):
        name = what if len(expected) == 1 else "%s %d" % (what, number)
        if given.shape != wanted.shape:
            raise Wrong("%s has shape %s, expected %s" % (name, given.shape, wanted.shape))
        if given.size == 0:
            continue
        limit = tolerance
        if limit is None:
            limit = TOLERANCES.get("%s%d" % (given.dtype.kind, given.dtype.itemsize), 0.0)
        kind = np.complex128 if "c" in (given.dtype.kind, wanted.dtype.kind) else np.float64
        one, other = given.astype(kind), wanted.astype(kind)
        finite = np.isfinite(other)
        odd = ~finite & ~((one == other) | (np.isnan(one) & np.isnan(other)))
        odd |= finite & ~np.isfinite(one)
        if odd.any():
            place = tuple(int(n) for n in np.argwhere(odd)[0])
            raise Wrong("%s is %s at %s, expected %s" % (name, one[place], place, other[place]))
        if not finite.any():
            continue
        scale = max(1.0, float(np.abs(other[finite]).max()))
        error = float(np.abs(one[finite] - other[finite]).max()) / scale
        worst = max(worst, error)
        if not error <= limit:
            raise Wrong("%s differs by %.2g, tolerance %.2g" % (name, error, limit))
    return worst


def slope(function, arguments, weights, step=1e-5):
    """Return the gradient of ``sum(weights * function(*arguments))`` by central differences.

    Args:
        function: of NumPy arrays, returning one array or several.
        arguments: float64 arrays, and others that are held fixed.
        weights: one array for each output.
        step: of the differences.

    Returns:
        One float64 array for each argument that holds floats.

    """

    def total(values):
        outputs = listed(function(*values))
        return sum(float((w * np.asarray(o, np.float64)).sum()) for w, o in zip(weights, outputs))

    gradients = []
    for index, argument in enumerate(arguments):
        if argument.dtype.kind != "f":
            continue
        gradient = np.zeros(argument.shape)
        for place in np.ndindex(*argument.shape):
            sides = []
            for sign in (1, -1):
                moved = [np.array(value) for value in arguments]
                moved[index][place] += sign * step
                sides.append(total(moved))
            gradient[place] = (sides[0] - sides[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


SLOPE_TOLERANCE = {"f4": 2e-4, "f8": 1e-6}
"""Of a gradient against central differences, whose own error is about 1e-9 with steps of 1e-5."""


def slope_difference(found, expected):
    """Return the largest relative difference of gradients, see :func:`difference`."""
    found = listed(found)
    kinds = {"%s%d" % (value.dtype.kind, value.dtype.itemsize) for value in found}
    tolerance = SLOPE_TOLERANCE["f8" if kinds == {"f8"} else "f4"]
    return difference(found, expected, tolerance, "gradient")


def seconds_of(function, least=0.05, most=5):
    """Return the median seconds of a call, each sample long enough for the clock.

    Args:
        function: of no arguments; returns when its work is done.
        least: seconds that a sample lasts at least.
        most: number of samples.

    """
    function()
    calls, spent = 1, 0.0
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        spent = time.perf_counter() - start
        if spent >= least or calls >= 1 << 16:
            break
        calls = max(calls + 1, int(calls * min(10.0, 1.2 * least / max(spent, 1e-7))))
    samples = [spent / calls]
    for _ in range(most - 1):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        samples.append((time.perf_counter() - start) / calls)
    return float(np.median(samples))


def lines_of_code(text):
    """Return how many lines of Python hold code: neither comments nor documentation nor blank."""
    skipped = (
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER,
    )  # fmt: skip
    lines, fresh = set(), True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            fresh = True
        if token.type in skipped:
            continue
        if not (fresh and token.type == tokenize.STRING):  # a text that stands alone
            lines.update(range(token.start[0], token.end[0] + 1))
        fresh = False
    return len(lines)
