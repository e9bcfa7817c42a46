"""Pure: the page that says who the symbolic frameworks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.pages.inputs import claim_views, main_figures
from generator.pages.markdown import escape
from generator.pages.tables import Cell, Column, Table

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Fact, Framework, Section
    from generator.pages.inputs import Draw, Inputs


def context(
    section: Section,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,  # noqa: ARG001 - pages are made alike
) -> dict[str, Any]:
    """Return the context of the page; nothing is drawn."""
    frameworks = of_kind(inputs.catalog.frameworks, "symbolic")
    both = [f.name for f in of_kind(frameworks, "imperative")]
    names = formatting.listing([framework.name for framework in frameworks])
    findings = [f"{names} build a graph of operations, {len(frameworks)} frameworks of this kind."]
    if both:
        verb = "executes" if len(both) == 1 else "execute"
        findings.append(
            f"{formatting.listing(both)} {verb} both ways today, at once or as a graph: the line"
            " that the article drew between frameworks now runs through them."
        )
    return {
        "title": section.title,
        "description": section.question,
        "findings": [escape(text) for text in findings],
        "facts": facts_table(frameworks),
        "releases": releases_table(frameworks),
        "means": means_table(frameworks),
        "read": last_read(frameworks),
        "modes": modes_table(frameworks, "symbolic"),
        "gaps": _declared_gaps(frameworks),
        "claims": claim_views(inputs.book, section.id, main_figures(inputs, known)),
    }


def of_kind(frameworks: Sequence[Framework], kind: str) -> tuple[Framework, ...]:
    """Return the frameworks that have a mode of a kind, "symbolic" or "imperative"."""
    return tuple(f for f in frameworks if any(mode.kind == kind for mode in f.modes))


def last_read(frameworks: Sequence[Framework]) -> str:
    """Return the newest day on which a source was read, in words, or ""."""
    days = [fact.read for f in frameworks for fact in f.facts.values() if fact.read]
    return formatting.day(max(days).isoformat()) if days else ""


def facts_table(frameworks: Sequence[Framework]) -> Table:
    """Return who makes the frameworks and how they are doing, one row each."""
    return _facts("Who makes them", frameworks, ("creator", "status", "successor"))


def releases_table(frameworks: Sequence[Framework]) -> Table:
    """Return first and last release, licence and languages, one row each."""
    ids = ("licence", "languages", "first_release", "last_release")
    return _facts("Releases", frameworks, ids)


def means_table(frameworks: Sequence[Framework]) -> Table:
    """Return from where the frameworks are used and how they execute, one row each."""
    return _facts("How they are used", frameworks, ("interfaces", "execution"))


def _facts(label: str, frameworks: Sequence[Framework], ids: Sequence[str]) -> Table:
    rows = []
    for framework in frameworks:
        row = [Cell(framework.name, href=f"frameworks/{framework.id}.md", strong=True)]
        for id in ids:
            row.append(fact_cell(framework.facts.get(id)))
        rows.append(tuple(row))
    titles = (id.replace("_", " ").capitalize() for id in ids)
    columns = (Column("Framework"), *map(Column, titles))
    return Table(label, columns, tuple(rows), plain=True)


def fact_cell(fact: Fact | None) -> Cell:
    """Return what a source says, with the source; a dash where there is no such fact."""
    if fact is None:
        return Cell("–")
    value = fact.value if isinstance(fact.value, str) else formatting.listing(fact.value)
    return Cell(value, detail=fact.note, source=fact.source)


def modes_table(frameworks: Sequence[Framework], kind: str) -> Table:
    """Return the modes of a kind, one row each."""
    rows = []
    for framework in frameworks:
        titles = {mode.id: mode.title for mode in framework.modes}
        for mode in framework.modes:
            if mode.kind != kind:
                continue
            twin = f"the same program as {titles[mode.captures]}" if mode.captures else ""
            rows.append(
                (
                    Cell(f"{framework.name}, {mode.title}", detail=mode.id),
                    Cell(mode.summary, detail=twin),
                    Cell(mode.division),
                    Cell(", ".join(mode.devices)),
                )
            )
    columns = tuple(map(Column, ("Mode", "What it is", "Division", "Devices")))
    return Table("Modes of execution", columns, tuple(rows))


def _declared_gaps(frameworks: Sequence[Framework]) -> Table | None:
    rows = tuple(
        (
            Cell(framework.name, detail=", ".join(gap.versions)),
            Cell(", ".join(x for x in (gap.section, gap.mode, gap.device) if x) or "everything"),
            Cell(gap.reason, source=gap.source),
        )
        for framework in frameworks
        for gap in framework.gaps
    )
    if not rows:
        return None
    columns = tuple(map(Column, ("Framework", "What", "Why")))
    return Table("Declared gaps", columns, rows, plain=True)
