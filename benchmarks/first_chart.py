"""How soon a phone on a slow line shows the first chart of a page, and Lighthouse's points.

Claimed: at most 2.5 times what a page of nothing but that one drawing takes on the same line: that
page takes 0.4 s there, and a second in all is what readers wait for without losing the thread. Both
are opened in turn by the same browser, several times, and the best of each counts: what was in the
way of the others was not the page. The network is slowed down, not the processor, so that other
work on this machine matters little. Lighthouse's points for speed, from 0 to 1, are its own ratio
to the web at large; they are printed where Node is installed, and claimed to be 0.9 or more.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.line import Line

PAGES = ("report/lenet.html", "report/operators.html")
TIMES = 2.5
TRIES = 5
POINTS = 0.9
LIGHTHOUSE = "lighthouse@12.8.2"
PHONE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8,
         "uploadThroughput": 750e3 / 8}  # fmt: skip
"""Lighthouse's slow 4G: milliseconds, bytes per second."""

FIRST_CHART = """() => {
    const charts = [...document.querySelectorAll(".chart img, body > img")];
    const shown = charts.find(image => image.offsetWidth);
    const loaded = performance.getEntriesByName(shown.src)[0].responseEnd;
    const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
    return [Math.max(loaded, painted), shown.src];
}"""


def run(_arguments: list[str]) -> list[Line]:
    from tests import built_site, needs
    from tests.browser.serving import served

    chrome = needs.find("chromium")
    if chrome is None:
        reason = f"no browser: {needs.INSTALL['chromium']}"
        return [Line("first_chart", "could not run", reason)]
    with tempfile.TemporaryDirectory() as cache:
        site = built_site.built(Path(cache)) / "site"
        with served(site) as address:
            lines = _charts(chrome, address, site)
            if npx := needs.find("npx"):
                lines += [_points(npx, chrome, address, path, Path(cache)) for path in PAGES]
    return lines


def _charts(chrome: str, address: str, site: Path) -> list[Line]:
    lines = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome, args=["--no-sandbox"])
        for number, path in enumerate(PAGES):
            took, source = _first_chart(browser, f"{address}/{path}")
            bare = site / f"bare-{number}.html"
            drawing = source.removeprefix(address)
            bare.write_text(f'<!doctype html><title>bare</title><img src="{drawing}">')
            took, least = [took], []
            for _ in range(TRIES):
                least.append(_first_chart(browser, f"{address}/{bare.name}")[0])
                took.append(_first_chart(browser, f"{address}/{path}")[0])
            times = min(took) / min(least)
            found = f"{times:.2f} times ({min(took):.0f} ms)"
            kept = times <= TIMES
            lines.append(Line("first_chart", path, found, f"<= {TIMES} times bare", kept))
        browser.close()
    return lines


def _first_chart(browser, url: str) -> tuple[float, str]:
    """Return milliseconds until the first chart is there, and its address."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", PHONE)
    page.goto(url)
    page.wait_for_load_state("networkidle")
    found = page.evaluate(FIRST_CHART)
    context.close()
    return found[0], found[1]


def _points(npx: str, chrome: str, address: str, path: str, folder: Path) -> Line:
    report = folder / "report.json"
    subprocess.run(
        [
            npx, "--yes", LIGHTHOUSE, f"{address}/{path}", "--quiet", "--output=json",
            f"--output-path={report}", "--only-categories=performance",
            "--chrome-flags=--headless --no-sandbox --disable-gpu",
        ],
        cwd=folder, env={**os.environ, "CHROME_PATH": chrome}, check=True, timeout=300,
    )  # fmt: skip
    points = json.loads(report.read_text(encoding="utf-8"))["categories"]["performance"]["score"]
    what = f"{path}, Lighthouse's points for speed"
    return Line("first_chart", what, f"{points:.2f}", f">= {POINTS}", points >= POINTS)
