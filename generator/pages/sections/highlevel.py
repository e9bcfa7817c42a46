"""Pure: what it takes to train, save and reload LeNet at each framework's easiest interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.analysis import panels as models
from generator.analysis.cells import Cell as SampleCell
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.findings import figure_evidence, plain_summary
from generator.pages.inputs import Draw, Inputs, fact, main_figures
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, Table
from measurements.sections.highlevel import ACCURACY

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section


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
    if figures is None:
        return None
    metrics = ("lines", "concepts", "accuracy", "file_size")
    found: dict[tuple[str, str, str], dict[str, SampleCell]] = {}
    links: dict[tuple[str, ...], str] = {}
    for key, cell in figures.cells.items():
        if key.section == section.id and key.metric in metrics:
            place = key.framework, key.version, key.mode
            found.setdefault(place, {})[key.metric] = cell
            links[*place, key.metric] = figure_evidence(key)
    rows = []
    for place, cells in sorted(found.items(), key=lambda item: _value(item[1], "lines")):
        one = models.configuration(inputs.catalog, *place)
        link = urls.evidence(section.id, one.framework)
        row = [
            Cell(one.framework_name, detail=one.release, href=link),
            Cell(str(fact(inputs, figures, section.id, one.framework, "interface", "–"))),
        ]
        for metric in metrics:
            if metric in cells:
                value = _value(cells, metric)
                text = quantity(value, cells[metric].unit)
                row.append(Cell(text, round(value, 6), links[*place, metric]))
            else:
                row.append(Cell("–"))
        rows.append(tuple(row))
    if not rows:
        return None
    columns = (
        Column("Framework"),
        Column("Interface"),
        Column("Lines of code", number=True),
        Column("Names to know", number=True),
        Column("Held-out accuracy", number=True),
        Column("Saved", number=True),
    )
    return Table("The easiest official way", columns, tuple(rows))


def _value(cells: Mapping[str, SampleCell], metric: str) -> float:
    return plain_summary(cells[metric])[0] if metric in cells else float("inf")
