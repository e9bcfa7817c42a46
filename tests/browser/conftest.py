"""The built site, served on the loopback interface to a real browser."""

import datetime
import shutil
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from generator.catalog import loader
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import built_site, needs
from tests.browser.checks import ready, watch
from tests.browser.serving import served

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def checkout(shared_cache):
    """A checkout with synthetic results, rendered and built; the real one stays untouched."""
    return built_site.built(shared_cache / "site")


@pytest.fixture(scope="session")
def results(checkout):
    """The folder of the CSVs that the site is made from."""
    return checkout.parent / "results"


@pytest.fixture(scope="session")
def measured(results):
    """What the site is made from: (inputs, figures by machine and device)."""
    known = loader.load()
    loaded = store.load(results)
    shown = selection.shown(loaded, known.listed)
    today = datetime.datetime.now(datetime.UTC).date()
    inputs = render._inputs(loader.ROOT, results, known, loaded, shown, today, None)
    return inputs, render._figures(inputs, results)


@pytest.fixture(scope="session")
def address(checkout):
    """The address of the served site."""
    with served(checkout / "site") as found:
        yield found


@pytest.fixture(scope="session")
def pages(checkout):
    """Every page of the site, as paths."""
    folder = checkout / "site"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


@pytest.fixture(scope="session")
def chrome():
    """The path of an installed browser, or of Playwright's own."""
    return needs.needs("chromium")


@pytest.fixture(scope="session")
def playwright(chrome):
    """What drives the browser."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright, chrome):
    """A running browser."""
    started = playwright.chromium.launch(executable_path=chrome, args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def visit(browser, address):
    """Return a function that opens a page and watches it: (page, problems)."""
    contexts = []

    def open_(path, *, scheme="light", width=1280, height=900, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        problems = watch(page, address)
        page.goto(f"{address}/{path}")
        if options.get("java_script_enabled", True):
            ready(page)
        return page, problems

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def tool():
    """Return a function that finds a program of the environment that runs the tests."""

    def find(name):
        beside = Path(sys.executable).with_name(name)
        return str(beside) if beside.exists() else shutil.which(name)

    return find
