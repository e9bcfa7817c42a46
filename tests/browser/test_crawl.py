"""Every page of the built site, visited once per colour scheme and width and checked in passing."""

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from generator.catalog.loader import ROOT
from tests.browser.checks import ready, violations, watch

WAYS = [("light", 1280), ("dark", 390), ("dark", 1280), ("light", 390)]

SEEN = """() => {
    const root = document.documentElement, text = document.body.innerText;
    return {
        wider: root.scrollWidth - root.clientWidth,
        sideways: innerWidth < 720 ? [...document.querySelectorAll(".report-table > table")]
            .filter(table => table.offsetWidth > table.parentElement.clientWidth)
            .map(table => table.parentElement.ariaLabel) : [],
        hostile: text.split("<script>alert(1)</script>").length - 1,
        injected: [...document.scripts].filter(one => one.textContent.includes("alert(1)")).length
            + document.querySelectorAll("a[href^='javascript:']").length,
        braces: text.split("{{").at(-1).slice(0, 12),
    };
}"""


@dataclass(frozen=True)
class Visit:
    """What one visit of a page showed; see ``SEEN`` for the fields of ``seen``."""

    path: str
    problems: list[str]
    seen: dict[str, object]
    violations: list[str]


def kind(path):
    """Return the kind of a page: those of one kind come from one template."""
    place = PurePosixPath(path)
    if place.parts[0] != "report":
        return path if path in ("index.html", "404.html") else "written by hand"
    if len(place.parts) > 2 and place.parts[1] != "evidence":
        return f"one of {place.parts[1]}"
    if place.parts[1] == "evidence":
        return "evidence"
    template = ROOT / "templates" / "sections" / f"{place.stem}.md.j2"
    return "section" if template.exists() else place.stem


def largest_of_each_kind(site, pages):
    """Return the pages that axe is asked about: those with most to judge, one of each kind."""
    chosen = {}
    for path in sorted(pages, key=lambda path: (site / path).stat().st_size):
        matrix = 'class="matrix"' in (site / path).read_text(encoding="utf-8")
        chosen[kind(path), matrix] = path
    return set(chosen.values())


def apart(way):
    """Return a way that is visited in the process of its scheme: each of two takes half."""
    marks = pytest.mark.xdist_group(f"{way[0]} pages")
    return pytest.param(way, id=f"{way[0]}-{way[1]}", marks=marks)


@pytest.fixture(scope="module", params=map(apart, WAYS))
def visits(request, browser, address, pages, checkout):
    """What a reader with one colour scheme and one width of the window meets, page by page.

    Evidence pages are many and alike, and so are pairs: one of each section or first framework is
    met, and all of them the first way.
    axe is slow: it is asked about each scheme and each width once, one page of each kind.
    """
    scheme, width = request.param
    many = [path for path in pages if re.search("/(evidence|compare)/", path)]
    chosen = {path.split("-")[0]: path for path in many}.values()
    met = [
        path for path in pages
        if request.param == WAYS[0] or path not in many or path in chosen
    ]  # fmt: skip
    judged = largest_of_each_kind(checkout / "site", met) if request.param in WAYS[:2] else set()
    # So high that the navigation need not scroll: a link that has scrolled half below an edge is
    # smaller than a finger, and axe says so.
    context = browser.new_context(viewport={"width": width, "height": 1300}, color_scheme=scheme)
    page = context.new_page()
    problems = watch(page, address)
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    found = []
    for path in met:
        problems.clear()
        page.goto(f"{address}/{path}")
        ready(page)
        seen = page.evaluate(SEEN)
        found.append(Visit(path, [*problems], seen, violations(page) if path in judged else []))
    yield found
    context.close()


def faults(visits, of):
    """Return page -> what is wrong with it, where something is."""
    return {visit.path: wrong for visit in visits if (wrong := of(visit))}


def test_no_page_complains_or_asks_another_host(visits):
    assert faults(visits, lambda visit: visit.problems) == {}


def test_no_page_is_wider_than_the_window(visits):
    assert faults(visits, lambda visit: max(visit.seen["wider"], 0)) == {}


def test_a_phone_reads_every_table_without_scrolling_sideways(visits):
    assert faults(visits, lambda visit: visit.seen["sideways"]) == {}


def test_axe_finds_nothing(visits):
    found = faults(visits, lambda visit: visit.violations)
    assert not found, json.dumps(found, indent=1)


def test_hostile_text_stays_text(visits):
    assert sum(visit.seen["hostile"] for visit in visits) > 0, "the sample has some on some page"
    assert faults(visits, lambda visit: visit.seen["injected"]) == {}
    assert faults(visits, lambda visit: "49" in visit.seen["braces"]) == {}
