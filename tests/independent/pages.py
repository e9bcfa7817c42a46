"""Reads tables of a page's Markdown, and compares what they say with computed figures."""

import html
import math
import re
from typing import NamedTuple

from tests.independent.panels import Cell, Place

_UNITS = {"ms": 1e-3, "s": 1, "min": 60, "MB": 1e6, "GB": 1e9, "%": 0.01}
_NUMBER = r"[−+-]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"
_STATUS = r'<span class="status [a-z]+"><span[^>]*>[^<]*</span> ([^<]*)</span>'
_DETAIL = r'<span class="detail">([^<]*)</span>'
_LINK = r"\[(.*?)\]\((.*?)\)"
_ATTRIBUTES = r"{[^{}]*}\s*$"


class Shown(NamedTuple):
    """A cell of a table as a page has it."""

    text: str
    detail: str = ""
    badge: str = ""
    sort: str = ""
    link: str = ""
    strong: bool = False


def tables(page):
    """Return (label, rows) of every table of a page, each row by the titles of its columns."""
    found = []
    for label, body in re.findall(r'aria-label="Table: ([^"]*)".*?>\n\n(.*?)</div>', page, re.S):
        titles, _, *lines = (line.strip("| ").split(" | ") for line in body.strip().splitlines())
        titles = [re.sub(_ATTRIBUTES, "", title).strip() for title in titles]
        rows = [dict(zip(titles, map(_shown, line), strict=True)) for line in lines]
        found.append((html.unescape(label), rows))
    return found


def table(page, pattern):
    """Return the rows of all tables with such a label: those of several machines are apart."""
    return [row for label, rows in tables(page) if re.search(pattern, label) for row in rows]


def _shown(cell):
    def found(pattern, group=1):
        match = re.search(pattern, cell)
        return html.unescape(match[group]) if match else ""

    text = re.sub(f"{_STATUS}|{_DETAIL}|{_ATTRIBUTES}|</?strong>", "", cell)
    return Shown(
        html.unescape(re.sub(_LINK, r"\1", text)).strip(), found(_DETAIL), found(_STATUS),
        found(r'data-sort="(.*?)"'), found(_LINK, 2), "<strong>" in cell,
    )  # fmt: skip


def slug(text):
    """Return an id as addresses have it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Figure(NamedTuple):
    """What a link to the evidence leads to."""

    place: Place
    section: str
    metric: str
    cell: Cell

    @property
    def own(self):
        """Its value, with its interval."""
        return self.place.value(self.section, self.metric, self.cell)


def linked(places):
    """Return link to the evidence -> figure, of everything that was measured."""
    found = {}
    for (machine, device), place in places.items():
        for section, metric in place.measured:
            for cell in place.cells(section, metric):
                ids = machine, cell.mode, device, cell.lane, metric, cell.case
                anchor = "--".join(slug(id) for id in ids if id)
                link = f"evidence/{section}-{cell.framework}.md#{anchor}"
                found[link] = Figure(place, section, metric, cell)
    return found


def figure(measured, shown, metric, case=""):
    """Return the figure of a cell that leads to its configuration; None where it shows none."""
    link = "--".join(filter(None, (shown.link, slug(metric), slug(case))))
    assert (link in measured) == (shown.text != "–"), shown
    return measured.get(link)


def agrees(text, *values):
    """Assert that the numbers of a text are these values, as far as its digits go."""
    unit = re.search(r"\d (ms|s|min|MB|GB|%)(?!\w)", text)
    scale = _UNITS[unit[1]] if unit else 1
    numbers = re.findall(_NUMBER, text)
    assert len(numbers) == len(values), (text, values)
    for number, value in zip(numbers, values, strict=True):
        digits, _, power = number.replace(",", "").replace("−", "-").partition("e")
        last = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
        off = abs(float(digits) * 10 ** int(power or 0) - value / scale)
        assert off <= 0.5001 * last, (text, values)


def sorts(cell, value):
    """Assert that a cell is sorted by a value, to the digits that it has for that."""
    last = 10.0 ** -len(cell.sort.partition(".")[2])
    off = abs(float(cell.sort) - value)
    assert off <= max(0.5001 * last, 5.001e-6 * abs(value)), (cell, value)


def has_interval(text, found):
    """Assert that a text has this interval, or none where there is none to show."""
    said = re.findall(r"[\d.,e-]+ to [\d.,e-]+(?: (?:ms|s|min|MB|GB|%)(?!\w))?", text)
    if math.isnan(found.low) or found.high <= 1.0001 * found.low:
        assert said == [], (text, found)
    else:
        assert len(said) == 1, (text, found)
        agrees(said[0], found.low, found.high)


def has_number(cell, value):
    """Assert that a cell shows a value and is sorted by it, or a dash for None."""
    if value is None:
        assert cell.text == "–"
    else:
        agrees(cell.text, value)
        sorts(cell, value)


def has_value(cell, found):
    """Assert that a cell shows a value with its interval, or a dash for None."""
    has_number(cell, found and found.value)
    if found:
        has_interval(cell.detail, found)


def has_verdict(cell, ratio, verdict, words=("faster", "slower")):
    """Assert that a cell shows a ratio with its interval, and the verdict in its words."""
    has_value(cell, ratio)
    assert ("across runs" in cell.detail) == ratio.across
    said = dict(zip(("faster", "slower"), words, strict=True)).get(verdict, verdict)
    assert cell.badge == (said if math.isfinite(ratio.low) else "not judged")
