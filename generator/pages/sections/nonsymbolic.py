"""Pure: the page about eager frameworks, and whether they compute the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from generator import formatting
from generator.analysis.labels import LANES, lane_label, lane_title
from generator.analysis.panels import Figures, index_of
from generator.catalog.model import Framework
from generator.formatting import STATUS_WORDS
from generator.pages import framework_tables
from generator.pages.findings import evidence
from generator.pages.framework_tables import of_kind
from generator.pages.parts import Block, Bullet, Part
from generator.pages.section_page import verdict_cell
from generator.pages.tables import Cell, marked, table


def own(frameworks: tuple[Framework, ...], figures: Figures | None, part: Part) -> Part:
    """Say which frameworks run eagerly, and show the verification of their modes."""
    lead = formatting.listing([framework.name for framework in frameworks])
    found = [
        (panel, row)
        for panel in (figures.panels if figures else ())
        for row in panel.rows
        if (panel.section, row.configuration.kind) == ("lenet", "imperative")
    ]
    found.sort(key=lambda one: (one[1].summary is not None, index_of([*LANES], one[0].lane)))
    verified = sum(row.summary is not None for _, row in found)
    bullets = [
        f"Not verified: {row.configuration.label}, {lane_label(panel.lane)}"
        f" ({STATUS_WORDS[row.status]})."
        for panel, row in found
        if row.summary is None
    ]
    if only := [f.name for f in frameworks if f not in of_kind(frameworks, "symbolic")]:
        verb = "has" if len(only) == 1 else "have"
        bullets.insert(0, f"{formatting.listing(only)} {verb} no mode that builds a graph.")
    everyone = {f.id for f in frameworks} <= {row.configuration.framework for _, row in found}
    who = "They" if everyone else "Those measured here"
    same = f" {who} match the reference in {verified} of {len(found)} cases." if found else ""
    rows = (
        {
            "Configuration": Cell(row.configuration.label, detail=row.configuration.release),
            "Lane": Cell(lane_title(panel.lane)),
            "Verification": marked("ok", "verified") if row.summary else marked(row.status),
            "Against the fastest of all": verdict_cell(row, panel),
            "Evidence": Cell("evidence", href=evidence("lenet", row.configuration, panel)),
        }
        for panel, row in found
    )
    work = table("Imperative modes and their verification", rows)
    said = replace(
        part,
        lead=lead,
        answer=f"{lead} can run each operation eagerly.{same}",
        bullets=tuple(map(Bullet, bullets[:3])),
    )
    if work is None:
        return said
    shown = Block("", "do-they-compute-the-same", tables=(work,))
    return replace(said, blocks=(shown,), folds=(*part.blocks, *part.folds))


context = partial(framework_tables.context, kind="imperative", own=own)
