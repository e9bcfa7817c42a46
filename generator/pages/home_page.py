"""The context of the first page."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from generator import formatting
from generator.analysis.claim_evidence import sentence
from generator.analysis.claims import WORDS
from generator.analysis.labels import lane_label, machine_name
from generator.analysis.panels import Figures
from generator.catalog import freshness
from generator.catalog.model import Framework
from generator.pages import ranking, urls
from generator.pages.inputs import Inputs, distinct, measured_on, where
from generator.pages.overviews import then_and_now
from generator.pages.ranking import Standing
from generator.pages.scoring import NEEDS, UNTESTED, Need, Score, Scores, scores
from generator.pages.sections import parallel
from generator.pages.tables import Cell, Column, Table, table

TITLE = "Deep learning frameworks, compared again"
"""Of the whole site as well."""


def home_context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the first page."""
    views = [view for chapter in then_and_now.chapters_of(inputs) for view in chapter.claims]
    article = inputs.book.article
    names = {framework.id: framework.name for framework in inputs.catalog.frameworks}
    return {
        "title": TITLE,
        "description": f"{formatting.listing(list(names.values()))}:"
        " verified, then measured, with raw data.",
        "boards": [_board(inputs, inputs.figures[place]) for place in inputs.measured()],
        "watch": freshness.watched(inputs.catalog.frameworks, inputs.today),
        "said": then_and_now.findings(views),
        "marks": sorted(  # what the article states before what its lost tables said
            views, key=lambda one: (one.about.kind != "stated", WORDS.index(one.today.word))
        ),
        "cards": _cards(inputs),
        "news": _news(inputs),
        "article": article,
        "compared": formatting.listing([names[id] for id in article["compared"] if id in names]),
    }


def _board(inputs: Inputs, figures: Figures) -> dict[str, Any]:
    """Return the scoreboard of one machine and device; several are tabs."""
    return {
        "tab": _place(inputs.document(figures.machine, figures.device)),
        "table": scoreboard(inputs, scores(inputs, figures), figures),
        "byline": measured_on(inputs, figures),
    }


def _place(document: Mapping[str, Any]) -> str:
    return f"{'CPU' if document['device'] == 'cpu' else 'GPU'} of {machine_name(document)}"


_WORST = ("lenet", "control", "parallel", "operators")
"""Sections by what wrong results in them affect: a training step, a program, a run, an operator."""


def _cards(inputs: Inputs, most: int = 3) -> list[dict[str, str]]:
    """Return what verification found wrong: training steps first, then newest releases first.

    One card a framework, and one a known fault: that of a library stands for all that build on it.
    """
    shown = where(inputs.shown, status="wrong")
    columns = ("section", "framework", "version", "mode", "device", "lane", "machine", "case",
               "reason")  # fmt: skip
    found = [dict(zip(columns, row, strict=True)) for row in distinct(shown, *columns)]
    folders = {framework.id: framework for framework in inputs.catalog.frameworks}
    released_on = {
        (framework.id, one.version): one.released
        for framework in inputs.catalog.frameworks
        for one in framework.versions
    }

    def rank(row: Mapping[str, str]) -> tuple[Any, ...]:
        # One that was found installed may be listed nowhere.
        released = released_on.get((row["framework"], row["version"])) or datetime.date.min
        return _WORST.index(row["section"]), -released.toordinal(), *row.values()

    cases = {one.case: one.label for one in parallel.questions()}
    cards: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for row in sorted((row for row in found if row["section"] in _WORST), key=rank):
        framework = folders[row["framework"]]
        mode = framework.mode(row["mode"])
        fault = mode.fault
        source = fault.source if fault else ""
        if framework.id in cards or source in seen:
            continue
        seen |= {source} - {""}
        reason = re.split("[:;] ", fault.reason)[0] if fault else row["reason"]
        place = urls.anchor(row["machine"], mode.id, row["device"], row["lane"])
        case = cases.get(row["case"], row["case"])
        cards[framework.id] = {
            "title": f"{framework.name} {row['version']}",
            "about": ", ".join(filter(None, (mode.title, lane_label(row["lane"]), case))),
            "text": sentence(reason),
            "evidence": "report/" + urls.evidence(row["section"], framework.id, place),
            "source": source,
        }
    return list(cards.values())[:most]


def scoreboard(inputs: Inputs, given: Scores, figures: Figures) -> Table | None:
    """Return one row a framework and one column a need, the best of the first need on top.

    A framework shows its best mode for each need, alone. Cells sort best first. Who was not
    measured may be anything, and comes last.
    """
    frameworks = {one.id: one for one in inputs.catalog.frameworks if one.id in given}
    rows = {
        id: {Column("Framework"): _named(one, inputs, figures)} for id, one in frameworks.items()
    }
    standings = {need.id: ranking.alone(given, need.id) for need in NEEDS}
    for need in NEEDS:
        found = {one.framework: need_cell(need, one, given) for one in standings[need.id]}
        unit = _unit(cell.text for cell in found.values() if cell.bar is not None)
        for one in standings[need.id]:
            mode = frameworks[one.framework].mode(one.mode).title if one.mode and need.modes else ""
            cell = found[one.framework]
            rows[one.framework][Column(need.title, unit=unit)] = (
                replace(cell, text=cell.text.removesuffix(f" {unit}"), hint=mode)
                if cell.bar is not None
                else cell
            )
    first = NEEDS[0].id
    shown = sorted(
        standings[first], key=lambda one: given[one.framework][one.mode][first].text == UNTESTED
    )
    return table("Scoreboard", (rows[one.framework] for one in shown))


def _named(framework: Framework, inputs: Inputs, figures: Figures) -> Cell:
    """Return a framework with the releases that are measured on a machine and device."""
    place = {"machine": figures.machine, "device": figures.device, "framework": framework.id}
    versions = [version for (version,) in distinct(where(inputs.shown, **place), "version")]
    address = f"frameworks/{framework.id}.md"
    return Cell(framework.name, href=address, detail=formatting.listing(sorted(versions)))


def _unit(texts: Iterable[str]) -> str:
    """Return what follows the number in all of a column's texts, "" where that differs."""
    found = {match[1] if (match := _NUMBER.fullmatch(text)) else "" for text in texts}
    return found.pop() if len(found) == 1 else ""


_NUMBER = re.compile(r"[\d.,]+ (.+)")


def need_cell(need: Need, one: Standing, given: Scores) -> Cell:
    """Return a bar with its value; words alone for what is unknown, or has nothing to draw."""
    mine = given[one.framework][one.mode][need.id]
    href = f"{need.section}.md" if need.section else f"frameworks/{one.framework}.md"
    if not mine.known or mine.value == 0:
        return Cell(mine.text, 1.0 if mine.known else None, href)
    lead, bar = one.group == 0, _length(need, mine)
    return Cell(mine.text, 1 - mine.value, href, strong=lead, bar=bar)


def _length(need: Need, mine: Score) -> int:
    """Return the length of a bar in percent: ratios on a logarithmic scale down to a tenth."""
    share = 1 + math.log10(mine.value) if need.ratio else mine.value
    return max(round(100 * share), 3)


def _news(inputs: Inputs, most: int = 3) -> list[str]:
    """Say what was measured last, a line a day, machine and device; few releases are named."""
    found: dict[tuple[str, str], set[str]] = {}
    for document in (inputs.documents[key] for _, _, _, key in inputs.places):
        place = str(document["run"])[:8], _place(document)
        release = f"{inputs.name(document['framework'])} {document['version']}"
        found.setdefault(place, set()).add(release)
    lines = []
    for day, here in sorted(found, reverse=True)[:most]:
        names = sorted(found[day, here])
        what = formatting.listing(names) if len(names) <= most else f"{len(names)} releases"
        lines.append(f"{formatting.day(day)}: {what}, measured on the {here}.")
    return lines
