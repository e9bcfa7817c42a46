"""Pure: training, saving and reloading LeNet through each framework's highest-level API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.analysis import panels as models
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.findings import figure_evidence, plain_summary
from generator.pages.inputs import Draw, Inputs, fact, main_figures
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, Table, number, table_if_any
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


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page: that of every section, and a table of the interfaces."""
    common = section_context(section, inputs, known, draw)
    return common | {
        "interfaces": _interfaces(section, inputs, main_figures(inputs, known)),
        "target": f"{ACCURACY:.0%}",
    }


def _interfaces(section: Section, inputs: Inputs, figures: Figures | None) -> Table | None:
    """Return how much there is to write and to know, the fewest lines first."""
    if figures is None:
        return None
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
    return table_if_any("The highest-level APIs", columns, rows)
