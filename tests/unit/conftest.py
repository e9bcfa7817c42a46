"""What is committed, read once: pages and scores are made of it."""

import datetime

import pytest

from generator.catalog import loader
from generator.results import reading as store
from generator.results import selection
from generator.site import render

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(scope="session")
def inputs():
    known = loader.load()
    results = loader.ROOT / "measurements" / "results"
    loaded = store.load(results)
    shown = selection.shown(loaded, known.listed)
    return render._inputs(loader.ROOT, results, known, loaded, shown, TODAY)


@pytest.fixture(scope="session")
def figures(inputs):
    return render._figures(inputs, loader.ROOT / "measurements" / "results")
