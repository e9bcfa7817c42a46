"""One suite that the answering scripts of every folder pass, read without any framework.

No folder has to have a script, and no script all of what ``measurements.scripts`` describes: what
it has is right.
"""

import ast
import difflib
import inspect

import pytest

from generator.catalog import loader
from measurements import control, custom, operators, scripts
from tests.contract.code import parse

FRAMEWORKS = loader.load().frameworks
METHODS = {
    "Network": {"fit", "scores", "convolutions", "take_convolutions", "freeze"},
    "Trainer": {"step", "close"},
}

every = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.id)
every_script = pytest.mark.parametrize(
    ("framework", "script"),
    [(f, s) for f in FRAMEWORKS for s in scripts.SCRIPTS if (f.folder / f"{s}.py").is_file()],
    ids=lambda part: getattr(part, "id", part),
)


def tree_of(framework, script):
    """Return the syntax tree of a script, an empty one where the folder has no such script."""
    path = framework.folder / f"{script}.py"
    return parse(path) if path.is_file() else ast.parse("")


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


def misspelt(names, script):
    """Names that look like one of those that a script may offer, and are none."""
    known = scripts.defaults(script)
    return [
        name
        for name in names - set(known)
        if name[0].isalpha() and difflib.get_close_matches(name, known, cutoff=0.9)
    ]


def other_signatures(tree, script):
    """Functions that take more or fewer arguments than the contract says, and missing methods."""
    known = scripts.defaults(script)
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and inspect.isfunction(known.get(node.name)):
            wanted = len(inspect.signature(known[node.name]).parameters)
            found += [node.name] if len(node.args.args) != wanted else []
        if isinstance(node, ast.ClassDef) and node.name in METHODS:
            offered = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            # A compiled function may be kept on the instance: self.scores = compile(...).
            offered |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)
                        and isinstance(each.ctx, ast.Store)}  # fmt: skip
            found += sorted(METHODS[node.name] - offered)
    return found


@every_script
def test_what_it_offers_is_what_the_contract_describes(framework, script):
    tree = tree_of(framework, script)
    assert defined(tree) & set(scripts.defaults(script)), "nothing of it is part of the contract"
    assert misspelt(defined(tree), script) == []
    assert other_signatures(tree, script) == []


def test_a_slip_of_the_pen_is_noticed():
    assert misspelt({"WHY_ABSNT", "gradient", "np"}, "operators") == ["WHY_ABSNT"]
    assert other_signatures(ast.parse("def save(model):\n    pass"), "highlevel") == ["save"]
    assert other_signatures(ast.parse("class Trainer:\n    def step(self): 0"), "parallel") == [
        "close"
    ]
    assert other_signatures(ast.parse("def save(a, b):\n    pass"), "highlevel") == []


@every
def test_its_operators_are_expressions_of_operators_that_there_are(framework):
    tree = tree_of(framework, "operators")
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
    spelled = dictionary(tree_of(framework, "operators"), "OPERATORS")
    for name, value in spelled.items():
        tree = ast.parse(value.value, mode="eval")
        assert not ast.unparse(tree).startswith(("np.", "numpy.", "scipy.")), name
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("np.", "scipy.")):
                given = {n.id for a in call.args for n in ast.walk(a) if isinstance(n, ast.Name)}
                assert given <= {"np"}, name


@every
def test_its_programs_and_ways_are_those_that_are_asked_for(framework):
    assert set(dictionary(tree_of(framework, "control"), "PROGRAMS")) <= set(control.PROGRAMS)
    assert set(dictionary(tree_of(framework, "custom"), "WAYS")) <= set(custom.WAYS)


@every
def test_its_zoo_has_a_source(framework):
    if framework.zoo is not None:
        assert framework.zoo.source.startswith("https://")
        assert framework.zoo.read is not None


@every
def test_what_is_unsupported_has_a_source(framework):
    for script in scripts.SCRIPTS:
        for node in ast.walk(tree_of(framework, script)):
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
