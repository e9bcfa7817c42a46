"""What source files import and call, read from their syntax trees without running them."""

import ast
import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """One imported module: its dotted name ("." for a relative one) and where it stands."""

    name: str
    line: int
    late: bool

    @property
    def top(self):
        return self.name.split(".")[0] or "."


@functools.cache
def parse(path, feature_version=None):
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=feature_version)


@functools.cache
def imports(tree, *, typing=False):
    """Every import; ``late`` ones stand inside a function. Those for type checkers only count
    if ``typing`` says so.

    ``from a import b`` counts as ``a`` and as ``a.b``: whether b is a module cannot be told.
    """
    return list(_imports(tree, late=False, typing=typing))


def _imports(node, *, late, typing):
    if not typing and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for child in node.orelse:
            yield from _imports(child, late=late, typing=typing)
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, late)
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            yield Import(".", node.lineno, late)
        else:
            yield Import(node.module, node.lineno, late)
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, late)
    elif (
        isinstance(node, ast.Call)
        and _dotted(node.func).split(".")[-1] in ("import_module", "__import__")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ):
        yield Import(str(node.args[0].value), node.lineno, late=True)
    inner = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, late=inner, typing=typing)


def _dotted(node):
    """``a.b.c`` as text; what is not a name becomes "?", so that methods keep their last part."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return "?"


@functools.cache
def uses(tree):
    """Return (dotted name, line) of every name and attribute."""
    return [
        (_dotted(node), node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    ]


def without_main_guard(tree):
    """Return the tree without its ``if __name__ == "__main__"`` blocks."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "'__main__'" in ast.unparse(node.test))
    ]
    return ast.Module(body, [])
