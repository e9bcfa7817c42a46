"""Low-level tensor operators: which there are, and whether they are right."""

import ast
import sys

import numpy as np

from measurements import operators, probe
from measurements.contract import Metric, Section, Unsupported

SECTION = Section(
    title="Low-level tensor operators",
    order=50,
    question="Which operators does each framework offer, and are they right?",
    metrics={
        "forward": Metric("1", "largest relative error", "lower"),
        "edges": Metric("1", "largest relative error at the edges", "lower"),
        "gradient": Metric("1", "largest relative error of the gradient", "lower"),
        "captured": Metric("1", "largest relative error in captured mode", "lower"),
        "composed": Metric("count", "operators of the framework that it takes", "lower"),
        "lines": Metric("count", "lines of code of operators.py", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"full": 1},
    script="operators.py",
    cases=operators.families(),
    uses=("probe.py", "scripts.py", "operators.py"),
    findings=True,
)


def measure(session):
    """Ask for every operator of one family."""
    assert session.framework  # device, threads and precision are set before the script is imported
    script = session.script("operators")
    family = session.job["case"]
    asked = [o for o in operators.OPERATORS.values() if o.family == family]
    session.fact(spellings={o.name: script.OPERATORS.get(o.name, "") for o in asked})
    for operator in asked:
        ask(session, script, operator)


def ask(session, script, operator):
    """Emit the rows of one operator."""
    case = operator.name
    spelling = script.OPERATORS.get(case)
    function = [None]

    def forward():
        if spelling is None:
            reason = script.ABSENT.get(case, script.WHY_ABSENT)
            raise Unsupported(reason, script.SOURCE)
        try:
            function[0] = eval(spelling, vars(script))
        except AttributeError as error:
            raise Unsupported(
                "this version has no such function: %s" % error, script.SOURCE
            ) from None
        return _worst(script, operator, function[0], edge=False, captured=False)

    if probe.ask(session, "forward", case, forward) is None and function[0] is None:
        return  # there is nothing to ask further
    session.emit("composed", calls(spelling), case=case)
    if any(c.edge for c in operator.cases):
        probe.ask(session, "edges", case, lambda: _worst(script, operator, function[0], edge=True))
    probe.ask(session, "gradient", case, lambda: _gradient(script, operator, function[0]))
    probe.ask(
        session,
        "captured",
        case,
        lambda: _worst(script, operator, function[0], edge=False, captured=True),
    )


def calls(spelling):
    """Return how many operators of the framework an expression is made of.

    A name alone ("torch.add") is one. In a lambda the calls of dotted names and methods are
    counted, and operators such as ``*``; helpers of the script whose name starts with an underscore
    are compositions themselves and count as two, other helpers change a layout or a type and count
    as none. Layout and type changes of the framework's own (``reshape``, ``transpose``, ``cast``,
    ``astype``, ...) are no computation and count as none either.
    """
    tree = ast.parse(spelling, mode="eval").body
    if not isinstance(tree, ast.Lambda):
        return 2 if isinstance(tree, ast.Name) and tree.id.startswith("_") else 1
    found = 0
    for node in ast.walk(tree.body):
        if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare)):
            found += 0 if _is_number(node) else 1
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += node.func.attr not in LAYOUT
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found += 2 if node.func.id.startswith("_") else 0
    return max(1, found)


LAYOUT = {
    "T", "array", "asarray", "astensor", "astype", "cast", "convert_to_tensor", "dimshuffle",
    "double", "expand_dims", "float", "int", "long", "moveaxis", "permute", "reshape", "squeeze",
    "swapaxes", "tensor", "to", "transpose", "type", "unsqueeze",
}  # fmt: skip


_NUMBER = (ast.Num if sys.version_info < (3, 8) else ast.Constant,)


def _is_number(node):
    """Whether an expression is made of written numbers alone."""
    parts = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop) + _NUMBER
    return all(isinstance(part, parts) for part in ast.walk(node))


def _worst(script, operator, function, edge, captured=False):
    """Return the largest difference from the reference over the ordinary or the edge cases."""
    if operator.family == operators.RANDOM_FAMILY:
        return _random(script, operator, function, captured)
    worst = 0.0
    for case in operator.cases:
        if case.edge != edge:
            continue
        with np.errstate(all="ignore"):
            expected = probe.listed(operator.reference(*case.arguments))
        try:
            found = probe.listed(script.run(function, list(case.arguments), captured))
            if operator.settle:
                found = probe.listed(operator.settle(*found))
                expected = probe.listed(operator.settle(*expected))
            worst = max(worst, _difference(operator, case, found, expected))
        except Unsupported:
            raise
        except probe.Wrong as wrong:
            raise probe.Wrong("%s: %s" % (case.label, wrong)) from None
        except Exception as error:
            reason = "%s: %s: %s" % (case.label, type(error).__name__, error)
            raise Refused(probe.one_line(reason)) from error
    return worst


class Refused(Exception):
    """The framework raised an error where the reference has an answer."""


def _difference(operator, case, found, expected):
    tolerance = operator.tolerance
    # The precision that counts is that of the inputs: a framework that turns whole numbers or
    # float64 into float32 is held to float32, and its outputs say so.
    single = any(a.dtype in (np.float32, np.complex64) for a in case.arguments)
    coarse = [f.dtype.itemsize <= (8 if f.dtype.kind == "c" else 4) for f in found]
    if tolerance is None:
        fine = not single and not any(coarse)
        tolerance = probe.TOLERANCES["f8" if fine else "f4"]
        if all(e.dtype.kind in "iub" for e in expected):
            tolerance = 0.0
    elif single or any(coarse):
        tolerance = max(tolerance, probe.TOLERANCES["f4"] if operator.tolerance else 0.0)
    return probe.difference(found, expected, tolerance)


def _random(script, operator, function, captured):
    arguments = list(operator.cases[0].arguments)
    first = probe.listed(script.run(function, arguments, captured))[0]
    wrong = operator.reference(first)
    if wrong:
        raise probe.Wrong(wrong)
    if (probe.listed(script.run(function, arguments, captured))[0] == first).all():
        raise probe.Wrong("a second call draws the same numbers")
    return 0.0


def _gradient(script, operator, function):
    if operator.gradient:
        raise probe.Skipped("no gradient is asked for: " + operator.gradient)
    arguments = list(operator.cases[0].arguments)
    with np.errstate(all="ignore"):
        outputs = probe.listed(operator.reference(*arguments))
    random = np.random.RandomState(7)
    weights = [random.rand(*output.shape) + 0.5 for output in outputs]
    expected = probe.slope(operator.reference, arguments, weights)
    return probe.slope_difference(script.gradient(function, arguments, weights), expected)
