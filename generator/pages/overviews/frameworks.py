"""Pure: the frameworks, and a page for each: who it is, what it can, how it is written here."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.panels import Figures
from generator.catalog import freshness
from generator.pages import scoring, urls
from generator.pages.evidence_page import script_anchor
from generator.pages.inputs import Draw, Inputs, main_figures, measured_on
from generator.pages.scoring import NEEDS, Score, Standing
from generator.pages.sections.symbolic import fact_cell
from generator.pages.tables import Cell, Column, Table

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
        newest = framework.newest
        rows.append(
            (
                Cell(framework.name, href=f"frameworks/{framework.id}.md", strong=True),
                fact_cell(framework.facts.get("status")),
                Cell(newest.version, detail=freshness.of(framework, newest.version).words),
                fact_cell(framework.facts.get("successor")),
                Cell(_kinds(framework)),
            )
        )
    columns = (
        Column("Framework"),
        Column("Status"),
        Column("Newest measured"),
        Column("Successor"),
        Column("Executes"),
    )
    return Table("Frameworks", columns, tuple(rows), plain=True)


def _kinds(framework: Framework) -> str:
    words = {"symbolic": "as a graph", "imperative": "at once"}
    kinds = {mode.kind for mode in framework.modes}
    return formatting.listing([word for kind, word in words.items() if kind in kinds])


# ---------------------------------------------------------------------------------- one framework


def parts(
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,  # noqa: ARG001 - all pages are made alike
) -> dict[str, dict[str, Any]]:
    """Return the context of each framework's own page."""
    figures = main_figures(inputs, known)
    frameworks = inputs.catalog.frameworks
    scores = scoring.scores(frameworks, figures, inputs.today) if figures else {}
    standings = {need.id: scoring.rank(scores, {need.id: 1}) for need in NEEDS}
    return {
        framework.id: {
            **_part(framework, inputs),
            "where": measured_on(inputs, figures) if figures else "",
            "needs": _needs(framework, scores[framework.id], standings) if scores else None,
        }
        for framework in frameworks
    }


def _part(framework: Framework, inputs: Inputs) -> dict[str, Any]:
    newest = framework.newest
    status = framework.facts.get("status")
    fresh = freshness.of(framework, newest.version).words
    finding = f"{framework.name} {newest.version} is the newest release that is measured: {fresh}."
    if status is not None:
        finding += f" Status: {status.value}."
    return {
        "title": framework.name,
        "description": f"{framework.name}: status, releases, what it can and cannot do, how it is "
        "written and measured here.",
        "finding": finding,
        "facts": _facts(framework),
        "modes": _modes(framework),
        "scripts": _scripts(framework, inputs),
        "gaps": _gaps(framework),
        "faults": _faults(framework),
        "releases": _releases(framework),
        "evidence": _evidence(framework, inputs),
    }


def _facts(framework: Framework) -> Table:
    rows = []
    for id, fact in framework.facts.items():
        read = f"read {formatting.day(fact.read.isoformat())}" if fact.read else ""
        rows.append(
            (
                Cell(id.replace("_", " ").capitalize()),
                fact_cell(fact),
                Cell(read),
            )
        )
    columns = (Column("Fact"), Column("What the source says"), Column("When"))
    return Table("Facts", columns, tuple(rows), plain=True)


def _needs(
    framework: Framework,
    scores: Mapping[str, Score],
    standings: Mapping[str, Sequence[Standing]],
) -> Table:
    """Return how it stands in what the chooser weighs, one row each."""
    rows = []
    for need in NEEDS:
        mine = scores[need.id]
        place = next(one for one in standings[need.id] if one.framework == framework.id)
        group = f"group {place.group + 1}" if place.group >= 0 else "no place"
        rows.append(
            (
                Cell(need.title, detail=need.rule),
                Cell(mine.text, href=f"../{mine.address}" if mine.address else ""),
                Cell(f"{mine.value:.2f}" if mine.known else "unknown", round(mine.value, 4)),
                Cell(group),
            )
        )
    columns = (
        Column("Need"),
        Column("Measured"),
        Column("Score, of 1", number=True),
        Column("Among all"),
    )
    return Table("What it can do", columns, tuple(rows))


def _modes(framework: Framework) -> Table:
    titles = {mode.id: mode.title for mode in framework.modes}
    rows = []
    for mode in framework.modes:
        twin = f"the same program as {titles[mode.captures]}" if mode.captures else ""
        kind = "as a graph" if mode.kind == "symbolic" else "at once"
        rows.append(
            (
                Cell(mode.title, detail="stands for the framework" if mode.default else ""),
                Cell(mode.summary, detail=twin),
                Cell(kind),
                Cell(", ".join(mode.devices)),
            )
        )
    columns = (Column("Mode"), Column("What it is"), Column("Runs"), Column("Devices"))
    return Table("Modes of execution", columns, tuple(rows), plain=True)


def _scripts(framework: Framework, inputs: Inputs) -> Table | None:
    """Return what each script says of itself, one row a script, with the section it serves."""
    rows = []
    measured = {(section, key.split("/")[1]) for _, _, section, key in inputs.places}
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
    columns = (Column("Script"), Column("In its own words"), Column("Measured for"))
    return Table("Scripts", columns, tuple(rows), plain=True) if rows else None


def docstring(suffix: str, text: str) -> str:
    """Return the first paragraph that a script says about itself, "" where it says nothing."""
    if suffix == ".py":
        said = ast.get_docstring(ast.parse(text)) or ""
    else:
        lines = text.splitlines()
        said = "\n".join(line.lstrip("#/ ") for line in lines if line.startswith(("#", "//")))
    return " ".join(said.split("\n\n")[0].split())


def _gaps(framework: Framework) -> Table | None:
    rows = tuple(
        (
            Cell(", ".join(x for x in (gap.section, gap.mode, gap.device) if x) or "everything",
                 detail=", ".join(gap.versions)),
            Cell(formatting.STATUS_WORDS[gap.status]),
            Cell(gap.reason, source=gap.source),
        )
        for gap in framework.gaps
    )  # fmt: skip
    columns = (Column("What"), Column("How"), Column("Why"))
    return Table("Declared gaps", columns, rows, plain=True) if rows else None


def _faults(framework: Framework) -> Table | None:
    rows = tuple(
        (
            Cell(mode.title, detail=", ".join(mode.fault.lanes)),
            Cell(mode.fault.reason, source=mode.fault.source),
        )
        for mode in framework.modes
        if mode.fault
    )
    columns = (Column("Mode"), Column("What is wrong"))
    return Table("Known faults", columns, rows, plain=True) if rows else None


def _releases(framework: Framework) -> Table:
    rows = []
    for version in framework.versions:
        released = formatting.day(version.released.isoformat()) if version.released else "unknown"
        rows.append(
            (
                Cell(version.version, source=version.source),
                Cell(released, float(version.released.toordinal()) if version.released else None),
                Cell(version.python),
                Cell(freshness.of(framework, version.version).words),
                Cell(framework.standard(version).title),
            )
        )
    columns = (
        Column("Release", narrow=True),
        Column("Released", narrow=True),
        Column("On Python", narrow=True),
        Column("Freshness"),
        Column("Mode that stood for it"),
    )
    return Table("Locked releases", columns, tuple(rows))


def _evidence(framework: Framework, inputs: Inputs) -> list[tuple[str, str]]:
    """Return (title, address) of the evidence of each section that measured it."""
    measured = {
        section for _, _, section, key in inputs.places if key.split("/")[1] == framework.id
    }
    return [
        (section.title, f"../{urls.evidence(section.id, framework.id)}")
        for section in inputs.catalog.sections
        if section.id in measured
    ]
