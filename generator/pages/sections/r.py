"""Pure: a training step driven from R, against the same step in Python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from generator.analysis import cells
from generator.analysis import panels as models
from generator.analysis.panels import Configuration
from generator.analysis.statistics import Ratio
from generator.formatting import quantity
from generator.pages.findings import plain_summary, ratio_interval
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, number, table_if_any

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Catalog, Section
    from generator.pages.inputs import Inputs


def more(section: Section, inputs: Inputs, figures: Figures) -> dict[str, Any]:
    """Return the table of R against Python."""
    rows = []
    for one, ratio, r, python in overheads(section.id, inputs.catalog, figures):
        seconds = [plain_summary(cell)[0] for cell in (r, python)]
        text, interval = f"{ratio.value:.2f}\N{NO-BREAK SPACE}×", ratio_interval(ratio)
        rows.append(
            (
                Cell(one.framework_name, detail=f"{one.release}, {one.mode_title}"),
                Cell(text, round(ratio.value, 4), detail=interval),
                *(Cell(quantity(value, "s"), round(value, 7)) for value in seconds),
                _lines(figures, r.key),
            )
        )
    numbers = ("Time in R / in Python", "Step in R", "Step in Python", "Lines of R")
    columns = [Column("Framework"), *map(number, numbers)]
    return {"overheads": table_if_any("R against Python", columns, rows)}


context = partial(section_context, more=more)


def _lines(figures: Figures, key: cells.Key) -> Cell:
    cell = figures.cells.get(key._replace(metric="lines"))
    if cell is None:
        return Cell("–")
    count = plain_summary(cell)[0]
    return Cell(quantity(count, "count"), count)


def overheads(
    section: str, catalog: Catalog, figures: Figures
) -> list[tuple[Configuration, Ratio, cells.Cell, cells.Cell]]:
    """Return (configuration, R / Python, cell in R, cell in Python) of what has both."""
    found = []
    for key, cell in figures.cells.items():
        other = figures.cells.get(key._replace(section="lenet"))
        if (key.section, key.metric) == (section, "step_time") and other:
            one = models.configuration(catalog, key.framework, key.version, key.mode)
            found.append((one, cells.compare(cell, other, {}), cell, other))
    return sorted(found, key=lambda item: item[1].value)
