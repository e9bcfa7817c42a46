"""What several tests ask about a page."""

import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as NeverReady

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Rows of a long table are alike, and so are groups of them: axe takes minutes for thousands.
ALIKE = "tbody tr:nth-child(n + 13), .matrix details:nth-of-type(n + 4)"


UNFOLDED = """() => {
    const parts = ".md-content :is(details, .tabbed-block, .report-table)";
    for (const one of document.querySelectorAll(parts)) {
        one.open = true;
        one.style.contentVisibility = "visible";
        if (one.matches(".tabbed-block")) one.style.display = "block";
    }
}"""


STATE = """() => [document.readyState, typeof window.report, ...performance
    .getEntriesByType("resource").filter(one => one.initiatorType === "script")
    .map(one => `${one.name} ${one.responseStatus} ${one.decodedBodySize}`)]"""


def ready(page):
    """Wait until the page's own scripts have mounted everything; see docs/assets/site.js."""
    try:
        page.wait_for_selector("html[data-ready]", state="attached")
    except NeverReady:
        raise AssertionError(f"never ready: {page.url} {page.evaluate(STATE)}") from None


def until(page, expression, arg=None):
    """Wait until an expression is true on a page.

    Playwright's own ``wait_for_function`` evaluates text again and again in the page, which the
    page's policy forbids from the second time on.
    """
    end = time.monotonic() + 30
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"still not: {expression}"
        page.wait_for_timeout(50)


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


def violations(page, context=None):
    """Ask axe about a page, or what a selector finds on it; rows far down in tables are gone then.

    Tables out of sight, folds and other tabs are not laid out, and axe judges only what is.
    """
    page.evaluate(UNFOLDED)
    page.evaluate("rows => document.querySelectorAll(rows).forEach(row => row.remove())", ALIKE)
    options = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
    found = Axe().run(page, context, options)
    return [
        f"{item['id']}: {node['target']} {node['html'][:160]}"
        for item in found.response["violations"]
        for node in item["nodes"][:3]
    ]
