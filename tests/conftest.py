"""Shared fixtures: the command line as a user runs it, and a cache that spares computing twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRETEND = ROOT / "tests" / "frameworks"


def pytest_collection_modifyitems(items):
    """Begin with the file that takes longest: of two processes neither then waits for the other."""
    items.sort(key=lambda item: item.path.name != "test_real.py")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache folder of the tests' own, so that no test depends on earlier work of the user."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def environment(cache):
    """The variables of a user's shell, with the tests' cache."""
    return {**os.environ, "SYMBOLIC_COMPARISON_CACHE": str(cache), "COLUMNS": "200"}


@pytest.fixture(scope="session")
def generator(environment):
    """Run ``python -m generator ...`` to its end; returns the finished process."""

    def run(*arguments, timeout=600, env=None, **options):
        return subprocess.run(
            [sys.executable, "-m", "generator", *map(str, arguments)],
            cwd=ROOT,
            env={**environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def measure_pretend(generator):
    """Measure the tests' own framework in the current interpreter."""

    def run(results, *arguments, **options):
        return generator(
            "measure", "pretend", "--environment", "current", "--frameworks-folder", PRETEND,
            "--results", results, *arguments, **options,
        )  # fmt: skip

    return run
