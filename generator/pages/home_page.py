"""The context of the first page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from generator import formatting
from generator.analysis.labels import machine_label
from generator.analysis.panels import Figures, index_of
from generator.catalog import freshness
from generator.catalog.model import Framework
from generator.pages import ranking
from generator.pages.inputs import Inputs, claim_views, main_figures
from generator.pages.overviews import then_and_now
from generator.pages.ranking import Standing
from generator.pages.scoring import NEEDS, Need, Score, Scores, scores
from generator.pages.tables import Cell, Table, table


def home_context(inputs: Inputs, known: Mapping[tuple[str, str], Figures]) -> dict[str, Any]:
    """Return the context of the first page."""
    figures = main_figures(inputs, known)
    chapters = then_and_now.chapters_of(inputs, known)
    byline = ""
    if figures:
        document = inputs.document(figures.machine, figures.device)
        byline = (
            f"Newest run {formatting.day(document['run'])}, {machine_label(document)}."
            f" {_versions(inputs, figures.machine)}."
        )
    return {
        "title": "Deep learning frameworks, compared again",
        "description": f"{formatting.listing([f.name for f in inputs.catalog.frameworks])}:"
        " verified, then measured, with raw data.",
        "scoreboard": scoreboard(inputs, scores(inputs, figures)) if figures else None,
        "byline": byline,
        "watch": freshness.watched(inputs.catalog.frameworks, inputs.today),
        "said": then_and_now.findings(then_and_now.claims_of(chapters)),
        "claims": claim_views(inputs, "home", known) if figures else (),
        "news": _news(inputs),
        "article": inputs.book.article,
        "compared": formatting.listing(
            [f.name for f in inputs.catalog.frameworks if f.id in inputs.book.article["compared"]]
        ),
    }


def _versions(inputs: Inputs, machine: str) -> str:
    keys = [key.split("/") for here, _, _, key in inputs.places if here == machine]
    found = {(inputs.name(framework), version) for _, framework, version, _ in keys}
    return formatting.listing([f"{name} {version}" for name, version in sorted(found)])


def scoreboard(inputs: Inputs, given: Scores) -> Table:
    """Return one row a framework and one column a need, the best of the first need on top.

    A framework shows its best mode for each need, alone. Cells sort best first.
    """
    standings = {need.id: ranking.alone(given, need.id) for need in NEEDS}
    columns = {
        need.id: {one.framework: need_cell(need, one, given) for one in standings[need.id]}
        for need in NEEDS
    }
    order = [one.framework for one in standings[NEEDS[0].id]]
    frameworks = [one for one in inputs.catalog.frameworks if one.id in given]
    frameworks.sort(key=lambda one: index_of(order, one.id))
    rows = [(_named(one), *(columns[need.id][one.id] for need in NEEDS)) for one in frameworks]
    return table("Scoreboard", ("Framework", *(need.title for need in NEEDS)), rows)


def _named(framework: Framework) -> Cell:
    retired = framework.retired
    detail = f"retired {retired.year}" if retired else framework.newest.version
    return Cell(framework.name, href=f"frameworks/{framework.id}.md", detail=detail)


def need_cell(need: Need, one: Standing, given: Scores) -> Cell:
    """Return a bar with its value; words alone for what is unknown, or has nothing to draw."""
    mine = given[one.framework][one.mode][need.id]
    href = f"{need.section}.md" if need.section else f"frameworks/{one.framework}.md"
    if not mine.known or mine.value == 0:
        return Cell(mine.text, 1.0 if mine.known else None, href)
    return Cell(
        mine.text, round(1 - mine.value, 4), href, strong=one.group == 0, bar=_length(need, mine)
    )


def _length(need: Need, mine: Score) -> int:
    """Return the length of a bar in percent: ratios on a logarithmic scale down to a tenth."""
    share = 1 + math.log10(mine.value) if need.ratio else mine.value
    return max(round(100 * share), 3)


def _news(inputs: Inputs, limit: int = 5) -> list[str]:
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for key in sorted({key for _, _, _, key in inputs.places}):
        document = inputs.documents[key]
        runs.setdefault(document["run"], []).append(document)
    news = []
    for run in sorted(runs, reverse=True)[:limit]:
        first = runs[run][0]
        versions = [f"{inputs.name(d['framework'])} {d['version']}" for d in runs[run]]
        device = "on the processor" if first["device"] == "cpu" else "on the graphics card"
        news.append(
            f"{formatting.day(run)}: {formatting.listing(versions)}, measured {device} of"
            f" {first['machine']['cpu']} ({first['profile']} profile, run {run})."
        )
    return news
