"""One suite that the five answering scripts of every folder pass, read without any framework."""

import ast

import pytest

from generator.catalog import loader
from measurements import control, custom, operators
from tests.contract.code import parse

FRAMEWORKS = loader.load().frameworks
NEEDED = {
    "operators": {"OPERATORS", "SOURCE", "WHY_ABSENT", "CAPTURED", "run", "gradient"},
    "control": {"PROGRAMS", "CAPTURED", "eager", "capture", "graph_size", "gradient"},
    "custom": {"WAYS", "BUILTIN", "LANGUAGES", "SOURCES", "CAPTURED", "evaluate", "gradient",
               "timed"},
    "reuse": {"Network", "export_onnx", "import_caffe"},
    "parallel": {"Trainer", "HOW"},
}  # fmt: skip

every = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.id)


def defined(tree):
    """Return the names that a module binds at its top."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name) for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return names


def dictionary(tree, name):
    """Return the keys and values of a dictionary that a module writes down at its top."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            assert isinstance(node.value, ast.Dict), f"{name} is not written as a dictionary"
            return {
                key.value: value
                for key, value in zip(node.value.keys, node.value.values, strict=True)
                if isinstance(key, ast.Constant)
            }
    return {}


@every
@pytest.mark.parametrize("script", NEEDED)
def test_it_answers_every_question(framework, script):
    tree = parse(framework.folder / f"{script}.py")
    needed = NEEDED[script]
    if script == "control" and not any(isinstance(n, ast.FunctionDef) for n in tree.body):
        needed = {"PROGRAMS", "CAPTURED"}  # there is no program to run
    assert needed <= defined(tree)


@every
def test_its_operators_are_expressions_of_operators_that_there_are(framework):
    tree = parse(framework.folder / "operators.py")
    spelled, absent = dictionary(tree, "OPERATORS"), dictionary(tree, "ABSENT")
    assert set(spelled) <= set(operators.OPERATORS)
    assert set(absent) <= set(operators.OPERATORS)
    assert not set(spelled) & set(absent)
    for name, value in spelled.items():
        assert isinstance(value, ast.Constant), name
        assert isinstance(value.value, str), name
        ast.parse(value.value, mode="eval")


@every
def test_no_spelling_is_numpys(framework):
    """NumPy converts at the edges; what it computes is no operator of the framework.

    Its constants, and functions of written numbers, are as good as anybody's.
    """
    spelled = dictionary(parse(framework.folder / "operators.py"), "OPERATORS")
    for name, value in spelled.items():
        tree = ast.parse(value.value, mode="eval")
        assert not ast.unparse(tree).startswith(("np.", "numpy.", "scipy.")), name
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("np.", "scipy.")):
                given = {n.id for a in call.args for n in ast.walk(a) if isinstance(n, ast.Name)}
                assert given <= {"np"}, name


@every
def test_its_programs_and_ways_are_those_that_are_asked_for(framework):
    programs = dictionary(parse(framework.folder / "control.py"), "PROGRAMS")
    assert not programs or set(programs) == set(control.PROGRAMS)
    ways = dictionary(parse(framework.folder / "custom.py"), "WAYS")
    assert set(ways) == set(custom.WAYS)


@every
def test_its_zoo_has_a_source(framework):
    assert framework.zoo is not None
    assert framework.zoo.source.startswith("https://")
    assert framework.zoo.read is not None


@every
def test_what_is_unsupported_has_a_source(framework):
    for script in NEEDED:
        for node in ast.walk(parse(framework.folder / f"{script}.py")):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Unsupported":
                assert len(node.args) == 2, f"{script}.py line {node.lineno}"
                source = node.args[1]
                if isinstance(source, ast.Constant):
                    assert source.value.startswith("https://"), f"{script}.py line {node.lineno}"


def test_an_operator_is_listed_once_with_a_source_and_a_family():
    assert len(operators.OPERATORS) >= 200
    for name, operator in operators.OPERATORS.items():
        assert operator.name == name
        assert operator.source.startswith("https://")
        assert not operator.gradient or operator.gradient[0].islower()
