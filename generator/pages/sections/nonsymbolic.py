"""Pure: the page about eager frameworks, and whether they compute the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.labels import lane_title
from generator.analysis.panels import Panel, Row
from generator.pages.findings import evidence
from generator.pages.framework_tables import modes_table, of_kind, who_they_are
from generator.pages.inputs import claim_views, main_figures
from generator.pages.section_page import verdict_cell
from generator.pages.tables import Badge, Cell, Table, badge, table_if_any

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section
    from generator.pages.inputs import Draw, Inputs


def context(
    section: Section,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,  # noqa: ARG001 - pages are made alike
) -> dict[str, Any]:
    """Return the context of the page; nothing is drawn."""
    frameworks = of_kind(inputs.catalog.frameworks, "imperative")
    only = [f.name for f in frameworks if f not in of_kind(frameworks, "symbolic")]
    main = main_figures(inputs, known)
    found = [
        (panel, row)
        for panel in (main.panels if main else ())
        for row in panel.rows
        if (panel.section, row.configuration.kind) == ("lenet", "imperative")
    ]
    verified = sum(row.summary is not None for _, row in found)
    names = formatting.listing([framework.name for framework in frameworks])
    findings = [f"{names} can execute each operation eagerly."]
    if only:
        verb = "has" if len(only) == 1 else "have"
        findings.append(f"Of these, {formatting.listing(only)} {verb} no mode that builds a graph.")
    if found:
        findings.append(
            f"{verified} of {len(found)} imperative configurations match the reference, to the last"
            " gradient."
        )
    return who_they_are(frameworks) | {
        "title": section.title,
        "description": section.question,
        "findings": findings,
        "modes": modes_table(frameworks, "imperative"),
        "work": _work_table(found),
        "claims": claim_views(inputs.book, section.id, main),
    }


def _work_table(found: list[tuple[Panel, Row]]) -> Table | None:
    rows = [
        (
            Cell(row.configuration.label, detail=row.configuration.release),
            Cell(lane_title(panel.lane)),
            Cell("", badge=Badge("✓", "verified", "good") if row.summary else badge(row.status)),
            verdict_cell(row, panel),
            Cell("evidence", href=evidence("lenet", row.configuration, panel)),
        )
        for panel, row in found
    ]
    titles = ("Configuration", "Lane", "Verification", "Against the fastest of all", "Evidence")
    return table_if_any("Imperative modes and their verification", titles, rows)
