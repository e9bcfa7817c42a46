"""What is committed, read once: pages and scores are made of it."""

import datetime

import pytest

from generator.catalog import loader
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import sample_results

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(scope="session")
def inputs():
    return _inputs(loader.ROOT / "measurements" / "results")


@pytest.fixture(scope="session")
def figures(inputs):
    return render._figures(inputs, loader.ROOT / "measurements" / "results")


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """Return (inputs, figures) of invented results; two configurations ran twice in each block."""
    root = tmp_path_factory.mktemp("sample")
    sample_results.write_sample(root, rows_scale=0.1)
    inputs = _inputs(root)
    return inputs, render._figures(inputs, root)


def _inputs(results):
    known, loaded = loader.load(), store.load(results)
    shown = selection.shown(loaded, known.listed)
    return render._inputs(loader.ROOT, results, known, loaded, shown, TODAY)


def undrawn(chart):
    """Stand in for drawing: a page is given the chart itself."""
    return chart
