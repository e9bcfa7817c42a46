"""Pure: training, saving and reloading LeNet through each framework's highest-level API."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from generator.analysis import panels as models
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.findings import figure_evidence, plain_summary
from generator.pages.inputs import Inputs, fact
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, number, table_if_any
from measurements.sections.highlevel import ACCURACY

if TYPE_CHECKING:
    from generator.analysis.cells import Key
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section

COLUMNS = {
    "lines": "Lines of code",
    "concepts": "Names to know",
    "accuracy": "Held-out accuracy",
    "file_size": "Saved",
}


def more(section: Section, inputs: Inputs, figures: Figures) -> dict[str, Any]:
    """Return how much there is to write and to know, the fewest lines first."""
    found: dict[tuple[str, str, str], dict[str, Key]] = {}
    for key in figures.cells:
        if key.section == section.id and key.metric in COLUMNS:
            found.setdefault((key.framework, key.version, key.mode), {})[key.metric] = key
    rows = []
    for place, keys in sorted(found.items()):
        one = models.configuration(inputs.catalog, *place)
        link = urls.evidence(section.id, one.framework)
        interface = fact(inputs, figures, section.id, one.framework, "interface", "–")
        row = [Cell(one.framework_name, detail=one.release, href=link), Cell(str(interface))]
        for metric in COLUMNS:
            if metric in keys:
                cell = figures.cells[keys[metric]]
                value = plain_summary(cell)[0]
                text = quantity(value, cell.unit)
                row.append(Cell(text, round(value, 6), figure_evidence(keys[metric])))
            else:
                row.append(Cell("–"))
        rows.append(row)
    rows.sort(key=lambda row: math.inf if row[2].sort is None else row[2].sort)
    columns = [Column("Framework"), Column("Interface"), *map(number, COLUMNS.values())]
    interfaces = table_if_any("The highest-level APIs", columns, rows)
    return {"interfaces": interfaces, "target": f"{ACCURACY:.0%}"}


context = partial(section_context, more=more)
