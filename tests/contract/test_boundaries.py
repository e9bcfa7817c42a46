"""Who may import, start, read, exit and compute: the rules of CONTRIBUTING, read from the code.

Every rule is a function from a syntax tree to a list of breaches, and each one is first shown a
snippet that breaks it: a rule that cannot fail proves nothing.
"""

import ast
import functools
import re
import sys
import tomllib

import jinja2
import pytest
from jinja2 import nodes

from generator.catalog import loader
from tests.conftest import ROOT
from tests.contract.code import imports, parse, uses, without_main_guard
from tests.sample_results import GRAPH, MANY, PAIRED

GENERATOR = sorted((ROOT / "generator").rglob("*.py"))
MEASUREMENTS = sorted((ROOT / "measurements").rglob("*.py"))
FRAMEWORKS = ROOT / "measurements" / "frameworks"
SHARED = [path for path in MEASUREMENTS if FRAMEWORKS not in path.parents]
TEMPLATES = sorted((ROOT / "templates").rglob("*.j2"))

ARCHITECTURE = ROOT / "docs" / "architecture.md"


def floors_in(text):
    """Return the floors that the page about the architecture draws, the ground first.

    It is the block below the heading about packages: names in the first 24 columns, then what they
    do.
    """
    block = text.partition("\n## Packages")[2].split("```")[1]
    lines = [line[:24].split() for line in block.splitlines()[1:]]
    return tuple(set(names) for names in reversed(lines) if names)


FLOORS = floors_in(ARCHITECTURE.read_text(encoding="utf-8"))
"""A package imports from the floors below its own only; one that is missing here fails."""

PURE = ("analysis", "pages")

BARE = ("measure", "cli/minimal")
"""Measure on a machine that has Python, NumPy and this repository, and nothing else."""

# Not in every Python from 3.6 to the newest: measuring code has to run on all of them.
PASSING = {
    "asynchat", "asyncore", "contextvars", "dataclasses", "distutils", "graphlib", "imp", "smtpd",
    "tomllib", "zoneinfo",
}  # fmt: skip


def show(path):
    return str(path.relative_to(ROOT))


def breaches(rule, paths):
    """Path -> what ``rule`` finds in it, of those in which it finds something."""
    assert paths
    return {show(path): found for path in paths if (found := rule(path))}


def generator_modules(places):
    """Every module of these packages, and these modules, of the generator."""
    home = ROOT / "generator"
    return [path for path in GENERATOR if str(path.relative_to(home)).startswith(places)]


def package(name):
    """Return the package of a dotted name of the generator, "" for none; a module is its own."""
    parts = name.split(".")
    return parts[1] if parts[0] == "generator" and len(parts) > 1 else ""


# ------------------------------------------------------------------------------------ the rules


def requirement_names(lines):
    """Import names of requirements, as far as they equal the names on the package index."""
    words = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines)
    return {re.sub(r"[-.]+", "_", word[0].lower()) for word in words if word}


@functools.cache
def framework_names():
    """Whatever the framework folders install, less what the generator itself declares to need."""
    names = set()
    for framework in loader.load().frameworks:
        names |= {framework.id, framework.distribution.lower()}
        for version in framework.versions:
            for requirements in version.requirements.values():
                names |= requirement_names(requirements)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return names - requirement_names(project["dependencies"]) - set(sys.stdlib_module_names) - {""}


def framework_imports(tree):
    forbidden = framework_names()
    return [
        f"line {i.line} imports {i.name}"
        for i in imports(tree)
        if i.top in forbidden or i.name.startswith("measurements.frameworks")
    ]


def foreign_imports(tree, own=()):
    """Imports beyond the standard library of every Python, NumPy, measurements and ``own``."""
    # The neutral name under which the worker loads whatever folder it is given.
    allowed = {"numpy", "measurements", "framework_under_test", ".", *own}
    allowed |= set(sys.stdlib_module_names) - PASSING
    return [f"line {i.line} imports {i.name}" for i in imports(tree) if i.top not in allowed]


def starts_processes(tree):
    modules = {"subprocess", "multiprocessing", "pty", "_posixsubprocess"}
    found = [f"line {i.line} imports {i.name}" for i in imports(tree) if i.top in modules]
    calls = re.compile(
        r"os\.(system|popen|fork\w*|spawn\w+|exec\w+|posix_spawn\w*)"
        r"|.*\b(ProcessPoolExecutor|create_subprocess_\w+)"
    )
    found += [f"line {line} uses {name}" for name, line in uses(tree) if calls.fullmatch(name)]
    return found + [
        f"line {i.line} imports {i.name}"
        for i in imports(tree)
        if i.name.endswith(".ProcessPoolExecutor")
    ]


def exits(tree):
    names = {"sys.exit", "os._exit", "SystemExit", "exit", "quit", "typer.Exit", "os.abort"}
    return [f"line {line} uses {name}" for name, line in uses(tree) if name in names]


def input_and_output(tree):
    """Use of files, environment, network or processes."""
    modules = {
        "fileinput", "glob", "http", "io.open", "mmap", "requests", "select", "shutil", "socket",
        "ssl", "subprocess", "tempfile", "urllib.request",
    }  # fmt: skip
    found = [f"line {i.line} imports {i.name}" for i in imports(tree) if {i.top, i.name} & modules]
    names = {"open", "input", "print"}
    reading = re.compile(
        r".*\.(open|read_(text|bytes|csv|json|table|parquet)|write_(text|bytes|html)|to_csv"
        r"|to_parquet|to_pickle|unlink|mkdir|rmdir|touch|iterdir|r?glob|exists|is_(file|dir)|stat"
        r"|environ|getenv|putenv|savez?|savetxt|loadtxt|urlopen|expanduser|cwd)"
        r"|np\.load|numpy\.load|os\.(listdir|scandir|walk|remove|rename|replace)"
    )
    return found + [
        f"line {line} uses {name}"
        for name, line in uses(tree)
        if name in names or reading.fullmatch(name)
    ]


def upward_imports(own, tree):
    """Imports from a floor that is not below that of the package ``own``, nor from itself."""
    floors = {name: number for number, names in enumerate(FLOORS) for name in names}
    if own not in floors:
        return [f"{own} has no place in the order of the packages"]
    return [
        f"line {i.line} imports {i.name}"
        for i in imports(tree, typing=True)
        if (other := package(i.name)) not in ("", own) and floors.get(other, 99) >= floors[own]
    ]


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def sources():
    return {dotted(path): parse(path) for path in GENERATOR + SHARED}


def heavy_imports(name, sources):
    """What importing the module ``name`` brings in beyond the standard library and NumPy.

    Follows imports at module level through the project's own modules. ``sources`` maps dotted
    names to syntax trees.
    """
    found, seen, todo = [], set(), [name]
    while todo:
        module = todo.pop()
        if module in seen or module not in sources:
            continue
        seen.add(module)
        for i in imports(sources[module]):
            if i.late:
                continue
            if i.top in ("generator", "measurements"):
                todo.append(i.name)
            elif i.top not in {"numpy", *sys.stdlib_module_names}:
                found.append(f"{module}, line {i.line}, imports {i.name}")
    return found


def arithmetic(text):
    """Arithmetic in a template. A negative number is a number, not a computation."""
    operators = (
        nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Pos,
    )  # fmt: skip
    filters = {"abs", "float", "int", "max", "min", "round", "sum"}
    tree = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(text)
    found = [(node.lineno, type(node).__name__) for node in tree.find_all(operators)]
    found += [
        (node.lineno, "Neg")
        for node in tree.find_all(nodes.Neg)
        if not isinstance(node.node, nodes.Const)
    ]
    found += [
        (node.lineno, f"filter {node.name}")
        for node in tree.find_all(nodes.Filter)
        if node.name in filters
    ]
    return [f"line {line}: {what}" for line, what in found]


# ---------------------------------------------------------------------------- the rules can fail


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (framework_imports, f"def f():\n    import {GRAPH}.tensor as T", "import numpy"),
        (framework_imports, f"from {PAIRED} import nd", "from generator import plan"),
        (framework_imports, f"import importlib\nimportlib.import_module('{MANY}')", "x = 1"),
        (framework_imports, f"from measurements.frameworks import {GRAPH}", "import measurements"),
        (foreign_imports, "import scipy.stats", "import json, numpy as np"),
        (foreign_imports, "def f():\n    from generator import plan", "from . import lenet"),
        (foreign_imports, "import dataclasses", "from measurements.contract import Metric"),
        (starts_processes, "import subprocess", "import signal"),
        (starts_processes, "def f():\n    from multiprocessing import Pool", "import threading"),
        (starts_processes, "import os\nos.system('true')", "import os\nos.killpg(1, 2)"),
        (starts_processes, "import os\nos.execv('a', [])", "import os\nos.environ"),
        (
            starts_processes,
            "import concurrent.futures as c\nc.ProcessPoolExecutor()",
            "import concurrent.futures as c\nc.ThreadPoolExecutor()",
        ),
        (
            starts_processes,
            "from concurrent.futures import ProcessPoolExecutor",
            "from concurrent.futures import ThreadPoolExecutor",
        ),
        (exits, "import sys\nsys.exit(1)", "import sys\nsys.argv"),
        (exits, "raise SystemExit(2)", "raise ValueError"),
        (exits, "raise SystemExit", "def f(): return 1"),
        (input_and_output, "open('x')", "opened = 1"),
        (input_and_output, "def f(p):\n    return p.read_text()", "def f(p):\n    return p.name"),
        (input_and_output, "def f(p):\n    p.write_bytes(b'')", "'a'.replace('a', 'b')"),
        (input_and_output, "import os\nos.environ['X']", "import os.path"),
        (input_and_output, "import os\nos.getenv('X')", "import posixpath"),
        (input_and_output, "import socket", "import string"),
        (input_and_output, "from urllib import request", "from urllib import parse"),
        (input_and_output, "import pandas as pd\npd.read_csv('x')", "import pandas"),
        (arithmetic, "{{ a + 1 }}", "{{ a }}"),
        (arithmetic, "{% if a * b > 2 %}{% endif %}", "{% if a > 2 %}{% endif %}"),
        (arithmetic, "{% for x in y %}{% set z = x // 2 %}{% endfor %}", "{% set z = x[-1] %}"),
        (arithmetic, "{{ values|sum }}", "{{ values|length }}"),
        (arithmetic, "{{ -a }}", "{{ a ~ b }}"),
        (arithmetic, "{% macro m(a, b=1 - 2) %}{% endmacro %}", "{% macro m(a) %}{% endmacro %}"),
    ],
)
def test_every_rule_finds_a_planted_breach_and_passes_good_code(rule, bad, good):
    read = ast.parse if rule is not arithmetic else str
    assert rule(read(bad))
    assert rule(read(good)) == []


def test_the_rule_of_heavy_imports_follows_modules_and_passes_late_ones():
    sources = {
        "generator.a": ast.parse("from generator import b\nimport json, numpy"),
        "generator.b": ast.parse("try:\n    import pandas as pd\nexcept ImportError:\n    pass"),
        "generator.c": ast.parse(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
            "def f():\n    import rich\n"
        ),
    }
    assert heavy_imports("generator.a", sources)[0] == "generator.b, line 2, imports pandas"
    assert heavy_imports("generator.c", sources) == []


def test_the_rule_of_floors_finds_what_runs_up_and_what_has_no_place():
    late = ast.parse("def f():\n    from generator.site import render")
    assert upward_imports("pages", late) == ["line 2 imports generator.site",
                                             "line 2 imports generator.site.render"]  # fmt: skip
    assert upward_imports("export", ast.parse("from generator.measure import plan"))
    assert upward_imports("pages", ast.parse("from generator import cli"))
    assert upward_imports("attic", ast.parse("import json"))
    assert upward_imports("pages", ast.parse("from generator.analysis import claims")) == []
    assert upward_imports("pages", ast.parse("from generator.pages import tables")) == []


def test_the_page_about_the_architecture_draws_every_package_once():
    drawn = [name for floor in FLOORS for name in floor]
    there = {package(dotted(path)) for path in GENERATOR} - {"", "__main__"}
    assert sorted(drawn) == sorted(there)


def test_the_names_of_the_frameworks_are_known():
    assert {framework.id for framework in loader.load().frameworks} <= framework_names()
    assert "numpy" not in framework_names()


# ------------------------------------------------------------------------------ the rules hold


def test_the_generator_imports_no_framework():
    assert breaches(lambda path: framework_imports(parse(path)), GENERATOR) == {}


def test_measuring_code_needs_the_standard_library_and_numpy_only():
    # ONNX Runtime comes with what the section's processes find beside the framework.
    own = {"measurements/sections/reuse.py": ("onnxruntime",)}
    found = breaches(lambda path: foreign_imports(parse(path), own.get(show(path), ())), SHARED)
    assert found == {}


def test_measuring_code_parses_as_python_3_6():
    for path in MEASUREMENTS:
        parse(path, feature_version=(3, 6))


STARTERS = ("generator/subprocesses.py", "measurements/children.py")


def test_one_module_of_each_side_starts_processes():
    paths = [path for path in GENERATOR + SHARED if show(path) not in STARTERS]
    assert breaches(lambda path: starts_processes(parse(path)), paths) == {}


def test_only_the_command_line_exits():
    modules = [path for path in GENERATOR if path.parent.name != "cli"]
    assert breaches(lambda path: exits(parse(path)), modules) == {}
    assert breaches(lambda path: exits(without_main_guard(parse(path))), MEASUREMENTS) == {}


def test_no_import_runs_up():
    home = ROOT / "generator"
    paths = [path for path in GENERATOR if path.parent != home or path.stem[0] != "_"]
    assert breaches(lambda path: upward_imports(package(dotted(path)), parse(path)), paths) == {}


def test_packages_do_nothing_when_imported():
    def statements(path):
        return [ast.unparse(node) for node in parse(path).body if not isinstance(node, ast.Expr)]

    packages = [path for path in GENERATOR if path.name == "__init__.py"]
    assert breaches(statements, packages) == {}


def test_pure_modules_do_no_input_or_output():
    assert breaches(lambda path: input_and_output(parse(path)), generator_modules(PURE)) == {}


def test_measuring_needs_only_numpy():
    found = breaches(lambda path: heavy_imports(dotted(path), sources()), generator_modules(BARE))
    assert found == {}


def test_templates_compute_nothing():
    assert breaches(lambda path: arithmetic(path.read_text(encoding="utf-8")), TEMPLATES) == {}
