"""Pure: the frameworks, and a page for each: who it is, what it can, how it is written here."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.panels import Figures
from generator.catalog import freshness
from generator.pages import ranking, scoring, urls
from generator.pages.evidence_page import script_anchor
from generator.pages.framework_tables import (
    EXECUTES,
    FACTS,
    fact_cell,
    fact_title,
    gaps_table,
    modes_table,
    of_kind,
)
from generator.pages.inputs import Draw, Inputs, main_figures, measured_on
from generator.pages.ranking import Standing
from generator.pages.scoring import NEEDS, Scores
from generator.pages.tables import Cell, Column, Table, number, table, table_if_any

if TYPE_CHECKING:
    from generator.catalog.model import Framework

TITLE = "The frameworks"
GROUP = ""
ORDER = 0


def context(inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw) -> dict[str, Any]:  # noqa: ARG001 - all pages are made alike
    """Return the context of the page that lists them."""
    frameworks = inputs.catalog.frameworks
    gone = [framework.name for framework in frameworks if framework.retired]
    finding = f"{len(frameworks)} frameworks are measured here."
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        finding += f" {len(gone)} of them, {formatting.listing(gone)}, {verb} retired."
    return {
        "title": TITLE,
        "description": "Who the frameworks are, and a page about each.",
        "finding": finding,
        "table": _table(frameworks),
    }


def _table(frameworks: Sequence[Framework]) -> Table:
    rows = []
    for framework in frameworks:
        newest = framework.newest.version
        executes = [how for kind, how in EXECUTES.items() if of_kind([framework], kind)]
        rows.append(
            (
                Cell(framework.name, href=f"frameworks/{framework.id}.md", strong=True),
                fact_cell(framework.facts.get("status")),
                Cell(newest, detail=freshness.of(framework, newest).label),
                fact_cell(framework.facts.get("successor")),
                Cell(formatting.listing(executes)),
            )
        )
    titles = ("Framework", "Status", "Newest measured", "Successor", "Executes")
    return table("Frameworks", titles, rows, plain=True)


# ---------------------------------------------------------------------------------- one framework


def parts(
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,  # noqa: ARG001 - all pages are made alike
) -> dict[str, dict[str, Any]]:
    """Return the context of each framework's own page."""
    figures = main_figures(inputs, known)
    frameworks = inputs.catalog.frameworks
    scores = scoring.scores(inputs, figures) if figures else {}
    standings = {need.id: ranking.alone(scores, need.id) for need in NEEDS}
    return {
        framework.id: {
            **_part(framework, inputs),
            "where": measured_on(inputs, figures) if figures else "",
            "needs": _needs(framework, scores, standings) if framework.id in scores else None,
        }
        for framework in frameworks
    }


def _part(framework: Framework, inputs: Inputs) -> dict[str, Any]:
    newest = framework.newest
    status = framework.facts.get("status")
    fresh = freshness.of(framework, newest.version).label
    finding = f"{framework.name} {newest.version} is the newest release that is measured: {fresh}."
    if status is not None:
        finding += f" Status: {status.value}."
    return {
        "title": framework.name,
        "description": f"{framework.name}: status, releases, what it can and cannot do, how it is "
        "written and measured here.",
        "finding": finding,
        "facts": _facts(framework),
        "modes": modes_table([framework], ""),
        "scripts": _scripts(framework, inputs),
        "gaps": gaps_table([framework]),
        "faults": _faults(framework),
        "releases": _releases(framework),
        "evidence": _evidence(framework, inputs),
    }


def _facts(framework: Framework) -> Table:
    rows = []
    for id in (*framework.facts, *(id for id in FACTS if id not in framework.facts)):
        fact = framework.facts.get(id)
        read = f"read {formatting.day(fact.read.isoformat())}" if fact and fact.read else ""
        rows.append((Cell(fact_title(id)), fact_cell(fact), Cell(read)))
    return table("Facts", ("Fact", "What the source says", "When"), rows, plain=True)


def _needs(
    framework: Framework, scores: Scores, standings: Mapping[str, Sequence[Standing]]
) -> Table:
    """Return how it stands in what the chooser weighs, one row each, in its best mode for it."""
    titles = {mode.id: mode.title for mode in framework.modes}
    rows = []
    for need in NEEDS:
        place = next(one for one in standings[need.id] if one.framework == framework.id)
        mine = scores[framework.id][place.mode][need.id]
        rows.append(
            (
                Cell(need.title, detail=need.rule),
                Cell(
                    mine.text,
                    href=f"../{mine.address}" if mine.address else "",
                    detail=titles.get(place.mode, place.mode) if need.modes else "",
                ),
                Cell(f"{mine.value:.2f}" if mine.known else "unknown", round(mine.value, 4)),
                Cell(f"group {place.group + 1}" if mine.known else "not ranked"),
            )
        )
    columns = ("Need", "Measured", number("Score, of 1"), "Among all")
    return table("What it can do", columns, rows)


def _scripts(framework: Framework, inputs: Inputs) -> Table | None:
    """Return what each script says of itself, one row a script, with the section it serves."""
    rows = []
    measured = _measured(inputs)
    for section in inputs.catalog.sections:
        if not section.script:
            continue
        path = framework.folder / section.script
        text = inputs.script(path)
        if not text:
            continue
        href = ""
        if (section.id, framework.id) in measured:
            anchor = script_anchor(path)
            href = f"../{urls.evidence(section.id, framework.id, anchor)}"
        rows.append(
            (
                Cell(path.name, href=href),
                Cell(docstring(path.suffix, text)),
                Cell(section.title, href=f"../{section.id}.md"),
            )
        )
    titles = ("Script", "In its own words", "Measured for")
    return table_if_any("Scripts", titles, rows, plain=True)


def docstring(suffix: str, text: str) -> str:
    """Return the first paragraph that a script says about itself, "" where it says nothing."""
    if suffix == ".py":
        said = ast.get_docstring(ast.parse(text)) or ""
    else:
        lines = text.splitlines()
        said = "\n".join(line.lstrip("#/ ") for line in lines if line.startswith(("#", "//")))
    return " ".join(said.split("\n\n")[0].split())


def _faults(framework: Framework) -> Table | None:
    rows = [
        (
            Cell(mode.title, detail=", ".join(mode.fault.lanes)),
            Cell(mode.fault.reason, source=mode.fault.source),
        )
        for mode in framework.modes
        if mode.fault
    ]
    return table_if_any("Known faults", ("Mode", "What is wrong"), rows, plain=True)


def _releases(framework: Framework) -> Table:
    rows = []
    for version in framework.versions:
        released = formatting.day(version.released.isoformat()) if version.released else "unknown"
        rows.append(
            (
                Cell(version.version, source=version.source),
                Cell(released, float(version.released.toordinal()) if version.released else None),
                Cell(version.python),
                Cell(freshness.of(framework, version.version).label),
                Cell(framework.standard(version).title),
            )
        )
    narrow = (Column(title, narrow=True) for title in ("Release", "Released", "On Python"))
    titles = [*narrow, Column("Freshness"), Column("Mode that stood for it")]
    return table("Locked releases", titles, rows)


def _evidence(framework: Framework, inputs: Inputs) -> list[tuple[str, str]]:
    """Return (title, address) of the evidence of each section that measured it."""
    measured = _measured(inputs)
    return [
        (section.title, f"../{urls.evidence(section.id, framework.id)}")
        for section in inputs.catalog.sections
        if (section.id, framework.id) in measured
    ]


def _measured(inputs: Inputs) -> set[tuple[str, str]]:
    """Return the (section, framework) pairs that have results."""
    return {(section, key.split("/")[1]) for _, _, section, key in inputs.places}
