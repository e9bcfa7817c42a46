"""Pure: the page about eager frameworks, and whether they compute the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.labels import lane_label, lane_title
from generator.formatting import STATUS_WORDS
from generator.pages import framework_tables
from generator.pages.findings import evidence
from generator.pages.framework_tables import of_kind
from generator.pages.section_page import verdict_cell
from generator.pages.tables import Badge, Cell, badge, table_if_any

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Framework


def more(frameworks: tuple[Framework, ...], figures: Figures | None) -> dict[str, Any]:
    """Return the findings and the imperative modes with their verification."""
    only = [f.name for f in frameworks if f not in of_kind(frameworks, "symbolic")]
    found = [
        (panel, row)
        for panel in (figures.panels if figures else ())
        for row in panel.rows
        if (panel.section, row.configuration.kind) == ("lenet", "imperative")
    ]
    verified = sum(row.summary is not None for _, row in found)
    lacking = {
        f"{row.configuration.label}, {lane_label(panel.lane)}": row.status
        for panel, row in found
        if row.summary is None
    }
    names = formatting.listing([framework.name for framework in frameworks])
    findings = [f"{names} can execute each operation eagerly."]
    if only:
        verb = "has" if len(only) == 1 else "have"
        findings.append(f"Of these, {formatting.listing(only)} {verb} no mode that builds a graph.")
    if found:
        rest = "; ".join(f"{name}: {STATUS_WORDS[status]}" for name, status in lacking.items())
        findings.append(
            f"Imperative modes match the reference, to the last gradient, in {verified} of"
            f" {len(found)} cases (mode and lane)." + (f" Not in {rest}." if rest else "")
        )
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
    work = table_if_any("Imperative modes and their verification", titles, rows)
    return {"findings": findings, "work": work}


context = partial(framework_tables.context, kind="imperative", more=more)
