"""Building the site from rendered pages: under 10 s.

Renders the committed results first (not timed), then times ``mkdocs build --strict`` alone, with
every page converted anew: what an earlier build kept is removed before.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.line import Line
from generator.site import mkdocs, page_cache, render

ROOT = Path(__file__).parents[1]


def run(_arguments: list[str]) -> list[Line]:
    render.render()
    shutil.rmtree(ROOT / page_cache.FOLDER, ignore_errors=True)
    pages = sum(1 for _ in (ROOT / "docs").rglob("*.md"))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
            cwd=ROOT,
            env={**os.environ, mkdocs.RENDERED: "1", "NO_MKDOCS_2_WARNING": "1"},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - start
    return [
        Line(
            "build_site", f"mkdocs build, {pages} pages", f"{seconds:.1f} s", "< 10 s", seconds < 10
        )
    ]
