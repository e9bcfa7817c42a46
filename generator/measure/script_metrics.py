"""The scripts that readers compare: how long they are, how many names one has to know, and R.

Counting is left to pygount, which knows Python and R alike: lines that hold more than brackets,
comments or documentation.
"""

from __future__ import annotations

import ast
import functools
import re
import shutil
import sys
from pathlib import Path

from generator import subprocesses


def lines(path: Path) -> int:
    """Return the lines of code of a script.

    ``ImportError`` says that pygount is not installed: it is no requirement of measuring.
    """
    from pygount import SourceAnalysis

    return int(SourceAnalysis.from_file(str(path), "scripts", encoding="utf-8").code_count)


def concepts(path: Path) -> int:
    """Return how many distinct names of its framework a script uses, see :func:`names`."""
    count = lua_names if path.suffix == ".lua" else names
    return len(count(path.read_text(encoding="utf-8")))


def names(source: str) -> set[str]:
    """Return the distinct names of other packages that a Python script uses.

    ``nn.Conv2d`` and ``torch.optim.SGD`` are one name each, however often they occur. The standard
    library, NumPy and methods of objects do not count: this is what must be looked up first.
    """
    tree = ast.parse(source)
    known = {"numpy", "measurements", *sys.stdlib_module_names}
    roots: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] not in known:
                    bound = alias.asname or alias.name.partition(".")[0]
                    roots[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            foreign = node.module.partition(".")[0] not in known
            for alias in node.names if foreign else ():
                roots[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = set()
    for node in ast.walk(tree):
        if id(node) not in inner and isinstance(node, ast.Attribute | ast.Name):
            root, _, rest = ast.unparse(node).partition(".")
            if root in roots and all(part.isidentifier() for part in rest.split(".") if rest):
                found.add(f"{roots[root]}.{rest}".rstrip("."))
    return found


def lua_names(source: str) -> set[str]:
    """Return the distinct names of required modules that a Lua script uses, as :func:`names`."""
    code = re.sub(r"--.*", "", source)
    roots = "|".join(map(re.escape, re.findall(r"""require\s*\(?\s*['"](\w+)['"]""", code)))
    return set(re.findall(rf"\b(?:{roots})(?:\.\w+)+", code)) if roots else set()


HOW_TO_INSTALL_R = (
    "install R with its package reticulate, on Debian: apt-get install --no-install-recommends "
    "r-base-core r-cran-reticulate"
)


@functools.cache
def r_obstacle(python: Path | None = None, version: str = "") -> str:
    """Return what keeps R from driving Python here and how to mend it, or "".

    With an interpreter and its version, R has to start it: older releases of reticulate cannot
    start newer ones, which is found by trying.
    """
    if not shutil.which("Rscript"):
        return f"R is not installed; {HOW_TO_INSTALL_R}"
    there = subprocesses.answer([*_R, "cat(format(packageVersion('reticulate')))"])
    if there is None:
        return f"R has no package reticulate; {HOW_TO_INSTALL_R}"
    if python is None:
        return ""
    code = f"library(reticulate); use_python({str(python)!r}, required = TRUE); import('numpy')"
    if subprocesses.answer([*_R, code], timeout=120) is not None:
        return ""
    return (
        f"R's package reticulate {there} cannot start Python {version}, which this"
        " framework needs; a newer one may: Rscript -e 'install.packages(\"reticulate\")'"
    )


_R = ("Rscript", "--vanilla", "-e")
