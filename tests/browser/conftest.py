"""The built site, served on the loopback interface to a real browser."""

import datetime
import functools
import gzip
import http.server
import re
import shutil
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from generator.catalog import loader
from generator.results import reading as store
from generator.results import selection
from generator.site import mkdocs, render
from tests import sample_results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A checkout with synthetic results, rendered and built; the real one stays untouched."""
    folder = tmp_path_factory.mktemp("site") / "checkout"
    root = loader.ROOT
    folder.mkdir()
    for name in ("generator", "measurements", "templates"):
        (folder / name).symlink_to(root / name)
    shutil.copytree(
        root / "docs", folder / "docs", ignore=shutil.ignore_patterns("report", "index.md")
    )
    for name in ("mkdocs.yml", "CITATION.cff"):
        shutil.copy(root / name, folder)
    results = folder.parent / "results"
    sample_results.write_sample(
        results, profile="quick", machine="second-machine", device="cuda", oddities=False,
        frameworks=("mxnet", "tensorflow"),
    )  # fmt: skip
    sample_results.write_sample(
        results, profile="quick", machine="second-machine", oddities=False, frameworks=("theano",)
    )
    sample_results.write_sample(results, profile="quick", frameworks=("mxnet",))
    sample_results.write_sample(results, profile="aa", start=1)
    sample_results.write_history(
        results, {"theano": {"0.9.0": 2.0, "1.0.5": 1.0}, "mxnet": {"0.9.5": 2.0, "1.9.1": 1.0}}
    )
    sample_results.write_sample(results, start=2)  # the newest machine comes first
    mkdocs.build(root=folder, results_root=results)
    return folder


@pytest.fixture(scope="session")
def measured(checkout):
    """What the site's CSVs say, in plain Python: (inputs, figures by machine and device)."""
    known = loader.load()
    results = checkout.parent / "results"
    loaded = store.load(results)
    shown = selection.shown(loaded, known.listed)
    today = datetime.datetime.now(datetime.UTC).date()
    inputs = render._inputs(loader.ROOT, results, known, loaded, shown, today)
    return inputs, render._figures(inputs, results)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, as the places do where such a site is published."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body, kind = path.read_bytes(), self.guess_type(str(path))
        self.send_response(200)
        if re.search("^text/|json|javascript|svg", kind):
            kind += "; charset=utf-8"
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address(checkout):
    """The address of the served site."""
    handler = functools.partial(_Handler, directory=str(checkout / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def pages(checkout):
    """Every page of the site, as paths."""
    folder = checkout / "site"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


@pytest.fixture(scope="session")
def playwright():
    """What drives the browser."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chrome(playwright):
    """The path of an installed browser, or of Playwright's own."""
    installed = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    return installed or playwright.chromium.executable_path


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
        return page, problems

    yield open_
    for context in contexts:
        context.close()


def watch(page, address):
    """Collect console errors, exceptions, failed requests and requests to other hosts."""
    problems = []

    def console(message):
        if message.type in ("error", "warning"):
            problems.append(f"console: {message.text}")

    def request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            problems.append(f"request to another host: {request.url}")

    def response(response):
        if response.status >= 400:
            problems.append(f"{response.status}: {response.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.on("request", request)
    page.on("response", response)
    return problems


@pytest.fixture(scope="session")
def tool():
    """Return a function that finds a program of the environment that runs the tests."""

    def find(name):
        beside = Path(sys.executable).with_name(name)
        return str(beside) if beside.exists() else shutil.which(name)

    return find
