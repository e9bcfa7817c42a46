"""Pure: every claim of 2016, how it is tested, and what became of it in its time and today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from generator import formatting
from generator.analysis import claims
from generator.analysis.claim_evidence import Verdict
from generator.analysis.claims import History
from generator.analysis.labels import machine_name
from generator.pages.inputs import (
    ClaimView,
    Inputs,
    claim_views,
    main_figures,
    measured_on,
)  # fmt: skip
from generator.pages.tables import Cell, Rows, badge, tabled

TITLE = "Then and now"
GROUP = "Final considerations"
ORDER = 5

KINDS = {"stated": "", "attributed": "attributed, not verified at source"}
"""What follows a claim: the article's own words must look different from others' memory."""

PREDICATES = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not hold", "do not hold"),
    "mixed": ("is mixed", "are mixed"),
    "not resolved": ("is not resolved", "are not resolved"),
    "cannot be tested here": ("cannot be tested here", "cannot be tested here"),
}
"""A verdict as the predicate of one claim, and of several."""

HOME = "Final considerations"
"""Section of the claims that the first page shows."""


class Chapter(NamedTuple):
    """The claims that one page of the site tests."""

    title: str
    anchor: str
    address: str
    claims: tuple[ClaimView, ...]
    history: tuple[History, ...]


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    figures = main_figures(inputs, "cpu")
    chapters = chapters_of(inputs)
    return {
        "title": "What became of the article's claims?",
        "description": "Every claim of the article of 2016 alongside what is measured, with "
        "releases of its time and of today, and the rule that decides.",
        "article": inputs.book.article,
        "findings": findings([view for chapter in chapters for view in chapter.claims]),
        "where": measured_on(inputs, figures) if figures else "",
        "then": _then_measured(inputs),
        "table": _table(chapters),
        "chapters": [
            (chapter, counts(view.today for view in chapter.claims))
            for chapter in chapters
            if chapter.claims
        ],
        "others": _others(chapters),
    }


def _then_measured(inputs: Inputs) -> str:
    """Return the line that says which releases judge claims in their time, and where they did."""
    return " ".join(
        f"In its time: {formatting.listing([f'{one.name} {one.number}' for one in found.releases])}"
        f" on {machine_name(found.releases[0].document)}."
        for found in inputs.then.values()
    )


def chapters_of(inputs: Inputs) -> tuple[Chapter, ...]:
    """Group the claims by the page that tests them, in the order of the article."""
    places = [(s.id, s.title, f"{s.id}.md") for s in inputs.catalog.sections]
    places.append(("home", HOME, "../index.md"))
    found = [
        Chapter(
            title,
            f"then-{page}",
            address,
            claim_views(inputs, page),
            tuple(item for item in inputs.book.history if item.page == page),
        )
        for page, title, address in places
    ]
    return tuple(chapter for chapter in found if chapter.claims or chapter.history)


def findings(views: Sequence[ClaimView]) -> list[str]:
    """Say how many claims hold, by kind: nobody should add up what was said and what is recalled.

    >>> findings([])
    ['No claim is on record.']
    """
    said = []
    for kind, words in (
        ("stated", "the article states"),
        ("attributed", "its lost tables are said to have made"),
    ):
        mine = [view for view in views if view.about.kind == kind]
        then = counts(view.then for view in mine if view.then)
        if mine:
            text = f"Of {formatting.plural(len(mine), 'claim')} that {words},"
            text += f" {counts(view.today for view in mine)} today."
            said += [text, *([f"By releases of its time, {then}."] if then else [])]
    return said or ["No claim is on record."]


def counts(verdicts: Iterable[Verdict]) -> str:
    """Count verdicts, each as the predicate of so many claims."""
    count = Counter(verdict.word for verdict in verdicts)
    return formatting.listing(
        [
            f"{count[word]} {PREDICATES[word][count[word] > 1]}"
            for word in claims.WORDS
            if count[word]
        ]
    )


@tabled("Every claim of 2016")
def _table(chapters: Sequence[Chapter]) -> Rows:
    for chapter in chapters:
        for view in chapter.claims:
            then = f"in its time: {view.then.word}" if view.then else ""
            yield {
                "Today": Cell("", badge=badge(view.today.word), detail=then),
                "Claim of 2016": Cell(
                    view.about.claim, href=f"#{view.anchor}", detail=KINDS[view.about.kind]
                ),
            }


@tabled("Figures of that time")
def _others(chapters: Sequence[Chapter]) -> Rows:
    for chapter in chapters:
        for item in chapter.history:
            yield {
                "Work": Cell(item.work, detail=item.note),
                "Figures": Cell(item.figures),
                "Source": Cell(item.source),
                "Section": Cell(chapter.title, href=chapter.address),
            }
