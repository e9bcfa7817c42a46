"""Starts MkDocs to build or preview the site."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from generator import subprocesses
from generator.catalog import loader as registry
from generator.errors import GeneratorError
from generator.site.render import render

RENDERED = "SYMBOLIC_COMPARISON_RENDERED"
"""Set for the MkDocs that :func:`build` starts: its hook need not render again."""


def build(
    root: Path = registry.ROOT, results_root: Path | None = None, *, preview: bool = False
) -> Path:
    """Render, then build the site with ``mkdocs build --strict``; return the page to open.

    See :func:`generator.site.render.render` for the arguments.

    Raises:
        GeneratorError: MkDocs found a fault, for example a dead link; with its output.

    """
    render(root, results_root, preview=preview)
    finished = subprocesses.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"],
        cwd=root,
        env=dict(os.environ, NO_MKDOCS_2_WARNING="1", **{RENDERED: "1"}),
        timeout=600,
    )
    if finished.code:
        raise GeneratorError(
            f"mkdocs build ended with {finished.reason}; its output:\n{finished.log}"
        )
    return root / "site" / "index.html"


def serve(address: str = "127.0.0.1:8000", root: Path = registry.ROOT) -> None:
    """Preview the site with live re-rendering until Ctrl-C; the hook does the rendering."""
    environment = dict(os.environ, NO_MKDOCS_2_WARNING="1")
    environment.pop(RENDERED, None)
    finished = subprocesses.run(
        [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", address],
        cwd=root,
        env=environment,
        on_output=lambda text: print(text, end="", file=sys.stderr, flush=True),
    )
    if finished.code:
        raise GeneratorError(f"mkdocs serve ended with {finished.reason}")
