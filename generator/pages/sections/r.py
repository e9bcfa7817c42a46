"""Pure: a training step driven from R beside the same step in Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.analysis import cells, statistics
from generator.analysis import panels as models
from generator.analysis.panels import Configuration
from generator.formatting import quantity
from generator.pages.findings import plain_summary
from generator.pages.inputs import Draw, Inputs, main_figures
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, Table

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page: that of every section, and R against Python."""
    common = section_context(section, inputs, known, draw)
    return common | {"overheads": _overheads(section, inputs, main_figures(inputs, known))}


def _overheads(section: Section, inputs: Inputs, figures: Figures | None) -> Table | None:
    rows = []
    for one, ratio, r, python in overheads(section.id, inputs, figures) if figures else ():
        interval = f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""
        lines = figures.cells.get(r.key._replace(metric="lines")) if figures else None
        rows.append(
            (
                Cell(one.framework_name, detail=f"{one.release}, {one.mode_title}"),
                Cell(
                    f"{ratio.value:.2f}\N{NO-BREAK SPACE}×",
                    round(ratio.value, 4),
                    detail=interval,
                ),
                *(
                    Cell(quantity(value := plain_summary(cell)[0], "s"), round(value, 7))
                    for cell in (r, python)
                ),
                Cell("–")
                if lines is None
                else Cell(quantity(count := plain_summary(lines)[0], "count"), count),
            )
        )
    if not rows:
        return None
    columns = (
        Column("Framework"),
        Column("Time in R / in Python", number=True),
        Column("Step in R", number=True),
        Column("Step in Python", number=True),
        Column("Lines of R", number=True),
    )
    return Table("R against Python", columns, tuple(rows))


def overheads(
    section: str, inputs: Inputs, figures: Figures
) -> list[tuple[Configuration, statistics.Ratio, cells.Cell, cells.Cell]]:
    """Return (configuration, R / Python, cell in R, cell in Python) of what has both."""
    found = []
    for key, cell in figures.cells.items():
        twin = figures.cells.get(key._replace(section="lenet"))
        if key.section == section and key.metric == "step_time" and twin:
            one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
            found.append((one, statistics.ratio(cell.blocks, twin.blocks), cell, twin))
    return sorted(found, key=lambda item: item[1].value)
