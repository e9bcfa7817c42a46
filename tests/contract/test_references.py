"""What docstrings and pages refer to exists: modules, functions, files."""

import ast
import importlib
import re

import pytest

from tests.conftest import ROOT

MODULES = sorted((ROOT / "generator").rglob("*.py"))
MODULES += sorted((ROOT / "measurements").glob("*.py"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
PAGES += [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "index.md"]

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([\w.]+)`")
PLACE = re.compile(r"`((?:generator|measurements|templates|tests|docs|\.github)/[^`\s]*)`")


def show(path):
    return str(path.relative_to(ROOT))


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def names_in(tree):
    """Return name -> dotted name of everything that a module imports, anywhere in it."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.asname or a.name: a.name for a in node.names}
    return found


def exists(name):
    """Whether a dotted name leads to a module, or to what one defines."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:size]))
        except ImportError:
            continue
        for part in parts[size:]:
            fields = getattr(found, "__dataclass_fields__", {})
            if not hasattr(found, part) and part not in fields:
                return False
            found = getattr(found, part, None)
        return True
    return False


def unknown(text, own):
    """Return the names in a module's text that lead nowhere; ``own`` is its dotted name."""
    names = ROLE.findall(text)
    tree = ast.parse(text) if names else ast.Module([], [])
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    known = names_in(tree)
    found = []
    for name in names:
        first, dot, rest = name.partition(".")
        places = [name, f"{own}.{name}", *(f"{own}.{where}.{name}" for where in classes)]
        if first in known:
            places.append(known[first] + dot + rest)
        if not any(map(exists, places)):
            found.append(name)
    return found


def test_a_reference_that_leads_nowhere_is_found():
    text = '"""See :func:`files.replace`, :class:`nowhere.Thing`."""\nfrom generator import files\n'
    assert unknown(text, "generator.errors") == ["nowhere.Thing"]
    assert unknown('""":func:`replacing`, :mod:`generator.pages`"""', "generator.files") == []
    assert unknown('""":func:`generator.files.swapped`"""', "generator.files") != []


def test_docstrings_refer_to_what_exists():
    found = {show(path): unknown(path.read_text("utf-8"), dotted(path)) for path in MODULES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("path", PAGES, ids=show)
def test_pages_name_files_that_exist(path):
    text = path.read_text(encoding="utf-8")
    named = [place for place in PLACE.findall(text) if not re.search(r"[<*]", place)]
    rendered = ("docs/report", "measurements/changes")  # made by commands
    assert [p for p in named if not p.startswith(rendered) and not (ROOT / p).exists()] == []
