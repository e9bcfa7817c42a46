"""The built files: small, without dead links, safe, and the same from another site builder."""

import gzip
import json
import os
import re
import subprocess
import time

import pytest

from tests.built_site import built_by_zensical
from tests.needs import needs
from tests.sample_results import MANY, PAIRED

PAIR = f"report/compare/{'-'.join(sorted((MANY, PAIRED)))}.html"

SHIFTS = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0))
).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 500))"""


PAGE = 60_000
"""The most bytes of any page, as a server that compresses sends it."""


def test_every_page_is_small(checkout, pages):
    sizes = {path: len(gzip.compress((checkout / "site" / path).read_bytes())) for path in pages}
    assert {path: size for path, size in sizes.items() if size >= PAGE} == {}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("path", "most"), [
    ("index.html", 60_000), ("reproduce.html", 60_000), ("report/frameworks.html", 60_000),
    ("report/chooser.html", 60_000), (PAIR, 60_000),
    ("report/lenet.html", 350_000), ("report/operators.html", 350_000),
    ("report/history.html", 350_000), ("report/changes.html", 60_000),
])  # fmt: skip
def test_pages_are_small_and_stay_where_they_are(visit, address, path, most, width):
    """Budgets in bytes as a server that compresses sends them; nothing moves for late scripts."""
    page, _ = visit("404.html", width=width)
    page.route("**/site.js", lambda route: (time.sleep(0.3), route.continue_()))
    sent = {}
    page.on("response", lambda response: sent.update({response.url: response.body()}))
    page.goto(f"{address}/{path}")
    shifts = page.evaluate(SHIFTS)  # waits: what comes late is counted below
    sizes = {url: len(gzip.compress(body)) for url, body in sent.items()}
    assert sum(sizes.values()) < most, sizes
    assert shifts <= 0.005


IN_TWO = """async ([first, second]) => {
    document.open();
    for (const part of [first, second]) {
        document.write(part);
        await new Promise(done => setTimeout(done, 500));
    }
    document.close();
}"""


def test_half_a_line_moves_nothing(visit, checkout):
    """A page may reach the reader in parts; one ends within a line of a matrix here."""
    text = (checkout / "site/report/operators.html").read_text(encoding="utf-8")
    line = re.search("<summary>.*?</summary>", text)
    parts = text[: sum(line.span()) // 2], text[sum(line.span()) // 2 :]
    page, _ = visit("report/operators.html")
    page.evaluate(IN_TWO, parts)
    assert page.evaluate(SHIFTS) <= 0.001


LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("accessibility", "best-practices", "seo")


@pytest.mark.parametrize("path", ["index.html", "report/lenet.html", "report/control.html", PAIR])
def test_lighthouse_finds_nothing(address, chrome, tmp_path, path):
    """A phone, by Lighthouse's own rules but those of speed: see ``benchmarks/first_chart.py``."""
    command = [
        needs("npx"), "--yes", LIGHTHOUSE, f"{address}/{path}", "--quiet", "--output=json",
        f"--output-path={tmp_path / 'report.json'}", f"--only-categories={','.join(CATEGORIES)}",
        "--throttling-method=provided", "--disable-full-page-screenshot",
        "--chrome-flags=--headless --no-sandbox --disable-gpu",
    ]  # fmt: skip
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path,
        env={**os.environ, "CHROME_PATH": chrome},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    found = {name: report["categories"][name]["score"] for name in CATEGORIES}
    short = {
        name: [
            (audit["id"], report["audits"][audit["id"]].get("details", {}).get("items"))
            for audit in report["categories"][name]["auditRefs"]
            if report["audits"][audit["id"]]["score"] == 0 and audit["weight"]
        ]
        for name, score in found.items()
        if score < 1
    }
    assert short == {}, found


def test_nothing_inline_runs(visit, pages, checkout):
    """The policy is on every page, and it refuses what a page did not bring as a file."""
    for path in pages:
        text = (checkout / "site" / path).read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text, path
        assert re.findall(r"<script(?![^>]*(?: src=| type=.application))", text) == [], path
        assert re.findall(r"<style|<[^>]+ style=| on[a-z]+=.[^>]*>", text.split("<pre")[0]) == [], (
            path
        )
    page, problems = visit("index.html")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s) }"
    )
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in problem for problem in problems)


def test_no_dead_links(checkout, tool):
    site = checkout / "site"
    command = [
        tool("lychee"), "--offline", "--include-fragments", "--index-files", "index.html",
        "--no-progress", "--root-dir", str(site), str(site),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


PARTS = ('class="report-table', 'class="matrix"', "<td", "<img", 'class="tabbed-block"', "<details")


def test_the_other_site_builder_takes_the_same_configuration(checkout, tool):
    theirs, ours = built_by_zensical(checkout, tool("zensical")), checkout / "site"
    for page in ("index.html", "report/lenet.html", "report/operators.html", PAIR):
        counts = [
            [(root / page).read_text(encoding="utf-8").count(part) for part in PARTS]
            for root in (theirs, ours)
        ]
        assert counts[0] == counts[1], page
        assert sum(map(bool, counts[0])) >= 3, page
