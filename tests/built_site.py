"""A site of synthetic results, built once per state of its sources and kept for later sessions."""

import datetime
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from generator import files
from tests import sample_results
from tests.sample_results import GRAPH, MANY, PAIRED

ROOT = Path(__file__).parents[1]
SOURCES = (
    "generator", "measurements", "templates", "docs", "mkdocs.yml", "CITATION.cff", "uv.lock",
    "tests/built_site.py", "tests/sample_results.py",
)  # fmt: skip
"""What a built site depends on; the day is added, since pages say how old a release is."""

_DERIVED = (ROOT / "docs" / "report", ROOT / "docs" / "index.md")
_LINKED = ("generator", "measurements", "templates")
_KEPT = 3
"""So many sites stay in the cache."""


def built(cache: Path) -> Path:
    """Return a checkout with synthetic results beside it, rendered and built to its ``site``.

    The real checkout stays untouched. Processes that ask at the same time wait for the one that
    builds. The Zensical build of the same pages is :func:`built_by_zensical`.

    Args:
        cache: a folder that outlives the session.

    """
    folder = cache / key()
    with files.locked(cache / "lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                made = Path(scratch) / folder.name
                _build(made)
                made.rename(folder)
        os.utime(folder)
        known = sorted(cache.glob("[0-9a-f]" * 16), key=lambda path: path.stat().st_mtime)
        for old in known[:-_KEPT]:
            shutil.rmtree(old)
    return folder / "checkout"


def built_by_zensical(checkout: Path, zensical: str) -> Path:
    """Return the site that Zensical builds from the pages of :func:`built`.

    Raises:
        RuntimeError: it found a fault; with its output.

    """
    folder = checkout.parent / "zensical"
    with files.locked(checkout.parent / "lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=checkout.parent) as scratch:
                copy = Path(scratch) / "checkout"
                shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns("site"))
                _link(copy)
                ended = subprocess.run(
                    [zensical, "build"],
                    cwd=copy, capture_output=True, text=True, check=False, timeout=300,
                )  # fmt: skip
                if ended.returncode:
                    raise RuntimeError(ended.stdout + ended.stderr)
                (copy / "site").rename(folder)
    return folder


def key() -> str:
    """Return the name of the site that today's sources make."""
    digest = hashlib.sha256(f"{sys.version} {_today()}".encode())
    for path in _files():
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            derived = any(file.is_relative_to(one) for one in _DERIVED)
            if file.is_file() and "__pycache__" not in file.parts and not derived:
                yield file


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _build(folder: Path) -> None:
    from generator.site import mkdocs

    checkout = folder / "checkout"
    checkout.mkdir(parents=True)
    _link(checkout)
    shutil.copytree(
        ROOT / "docs", checkout / "docs", ignore=shutil.ignore_patterns("report", "index.md")
    )
    for name in ("mkdocs.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, checkout)
    results = folder / "results"
    _write_results(results)
    mkdocs.build(root=checkout, results_root=results)
    for name in _LINKED:  # another checkout of the same sources may find it later
        (checkout / name).unlink()


def _link(checkout: Path) -> None:
    for name in _LINKED:
        (checkout / name).symlink_to(ROOT / name)


def _write_results(results: Path) -> None:
    sample_results.write_sample(
        results, profile="quick", machine="second-machine", device="cuda", oddities=False,
        frameworks=(PAIRED, MANY),
    )  # fmt: skip
    sample_results.write_sample(
        results, profile="quick", machine="second-machine", oddities=False, frameworks=(GRAPH,)
    )
    sample_results.write_sample(results, profile="quick", frameworks=(PAIRED,))
    sample_results.write_sample(results, profile="aa", start=1)
    sample_results.write_history(
        results, {GRAPH: {"0.9.0": 2.0, "1.0.5": 1.0}, PAIRED: {"0.9.5": 2.0, "1.9.1": 1.0}}
    )
    sample_results.write_sample(results, start=2)  # the newest machine comes first
