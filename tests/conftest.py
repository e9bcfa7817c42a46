"""Shared fixtures: the command line as a user runs it, and a cache that spares computing twice."""

import functools
import gc
import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from generator import files
from generator.catalog import framework_toml, loader
from generator.measure import found

# Two processes share two cores: more threads than one only wait for each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
gc.set_threshold(50_000)  # at 700 it took a twentieth of the time

ROOT = Path(__file__).resolve().parent.parent
PRETEND = ROOT / "tests" / "frameworks"


LONGEST = ("test_real.py", "test_crawl.py")
"""Files that begin first: of two processes neither then waits for the other."""


def pytest_configure():
    """Let tests be interrupted and interrupt: shells start what runs behind them deaf to it."""
    settings.register_profile("busy", deadline=None)  # other work may hold the machine up
    settings.load_profile("busy")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # What `nohup` began stays deaf; what it starts hears again, unlike with SIG_IGN.
        signal.signal(signal.SIGHUP, lambda *_: None)
    # One generator measures on a machine at a time: here each process of tests is a machine.
    # Its folder has a short path: a browser's socket lies in it.
    root = os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="tests-", dir=root)


@functools.cache
def _framework(path, content):
    return framework_toml.read_framework(path)


loader.read_framework = lambda path: _framework(path, path.read_bytes())
"""Most tests read the catalog, and what comes out of a text is always the same."""


def pytest_unconfigure():
    """Remove this session's folder for temporary files."""
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a file in one process, unless they say that they go together otherwise."""
    sizes = {path: -path.stat().st_size for path in {item.path for item in items}}
    items.sort(
        key=lambda item: (
            (*LONGEST, item.path.name).index(item.path.name),
            sizes[item.path],  # what is long takes long, as a rule
            str(item.path),
        )
    )
    # What all of them are made of is computed once, in one process.
    common = {"inputs", "sample_root", "sampled", "unmeasured"}
    alike = {item.path for item in items if common & set(getattr(item, "fixturenames", ()))}
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = "committed" if item.path in alike else str(item.path.relative_to(ROOT))
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish():
    """Let the garbage collector pass over what all tests are made of."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session):
    """Fail where a test was skipped on a machine on which nothing may be missing: ``.ci/run``."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter else ()
    if os.environ.get("TESTS_MAY_NOT_SKIP") and missed(skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def missed(skipped):
    """Return the reports of tests that were skipped for want of something that is easily had.

    A framework that its users build is there where somebody did so, and nowhere else.
    """
    return [report for report in skipped if found.BUILT not in str(report.longrepr)]


@functools.cache
def tracked():
    """Keys ``machine/framework/version/run`` of the results that git knows; without git, of all.

    Whoever has just measured has more: they are checked to be valid, and promise nothing else.
    """
    folder = ROOT / "measurements" / "results"
    listed = subprocess.run(
        ["git", "ls-files", "*.csv"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout.split()
    paths = listed or [str(path.relative_to(folder)) for path in folder.rglob("*.csv")]
    return {path.removesuffix(".csv") for path in paths}


@pytest.fixture(scope="session")
def shared_cache():
    """What is named after the hash of its content, and so serves every session of tests.

    Environments by their locks, compiled graphs by environment, and results of real frameworks by
    all that decides "already measured".
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TEST_CACHE") or home / "symbolic-comparison-tests")


@pytest.fixture(scope="session", autouse=True)
def _drawn_once(shared_cache):
    """Draw each chart and card once: the same sample is rendered by many tests."""
    import vl_convert

    def once(draw):
        folder = shared_cache / "drawings" / vl_convert.__version__
        folder.mkdir(parents=True, exist_ok=True)

        def drawn(source):
            told = json.dumps([draw.__name__, source], sort_keys=True)
            path = folder / hashlib.sha256(told.encode()).hexdigest()
            if not path.exists():
                files.replace(path, pickle.dumps(draw(source)), sync=False)
            return pickle.loads(path.read_bytes())

        return drawn

    with pytest.MonkeyPatch.context() as patch:
        for draw in (vl_convert.vegalite_to_svg, vl_convert.svg_to_png):
            patch.setattr(vl_convert, draw.__name__, once(draw))
        yield


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache folder of this session, so that no test depends on earlier work of the user."""
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
