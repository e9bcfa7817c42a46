"""What is committed, read once: pages and scores are made of it."""

import datetime

import pytest

from generator import catalog, site
from generator import results as store

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(scope="session")
def inputs():
    known = catalog.load()
    results = catalog.ROOT / "measurements" / "results"
    loaded = store.load(results)
    shown = store.shown(loaded, known.listed)
    return site._inputs(catalog.ROOT, results, known, loaded, shown, TODAY)


@pytest.fixture(scope="session")
def figures(inputs):
    return site._figures(inputs, catalog.ROOT / "measurements" / "results")
