"""Pure: the addresses that stay, made of ids only.

A page is ``report/<section>.html``, the evidence of a framework on it
``report/evidence/<section>-<framework>.html``. On an evidence page the parts of an anchor are ids
joined by ``--``, which no id holds once it is a :func:`slug`:

    MACHINE--MODE--DEVICE--LANE                   a configuration, as it was measured last
    MACHINE--MODE--DEVICE--LANE--METRIC[--CASE]   one figure of it
    run--MACHINE--VERSION--RUN[--MODE--DEVICE--LANE]   one run, as long as it is the one shown

No title, order, version or run is in the first two, so a new release keeps them.
"""

from __future__ import annotations

import functools
import re

SCHEME = (
    ("report/SECTION.html", "a page"),
    ("report/compare/A-B.html", "two frameworks, the ids in alphabetical order"),
    ("report/evidence/SECTION-FRAMEWORK.html", "everything behind the figures of a framework"),
    ("…#MACHINE--MODE--DEVICE--LANE", "a configuration, as it was measured last"),
    ("…#MACHINE--MODE--DEVICE--LANE--METRIC", "one figure of it"),
    ("…#MACHINE--MODE--DEVICE--LANE--METRIC--CASE", "one figure of one case"),
    ("…#run--MACHINE--VERSION--RUN", "one run, as long as it is the newest"),
    ("…#run--MACHINE--VERSION--RUN--MODE--DEVICE--LANE", "a configuration in that run"),
    ("report/data/MACHINE/FRAMEWORK/VERSION/RUN.csv", "its rows; beside them RUN.json"),
)
"""(pattern, what is there), for readers."""


def anchor(*ids: str) -> str:
    """Return an anchor of an evidence page; ids that are "" are left out.

    A configuration is (machine, mode, device, lane), a figure (..., metric, case), whatever run is
    shown; a run is ("run", machine, version, run), a configuration in it (..., mode, device, lane).
    """
    return "--".join(slug(id) for id in ids if id)


def evidence(section: str, framework: str, anchor: str = "") -> str:
    """Return the address of an evidence page or a place on it, relative to ``docs/report/``."""
    return f"evidence/{section}-{framework}.md" + (f"#{anchor}" if anchor else "")


def pair(a: str, b: str) -> str:
    """Return the address of the page of two frameworks, in any order, relative to report/."""
    return f"compare/{'-'.join(sorted((a, b)))}.md"


@functools.lru_cache(maxsize=10_000)  # a page links to the same places again and again
def slug(text: str) -> str:
    """Return an anchor: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
