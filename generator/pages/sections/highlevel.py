"""Pure: training, saving and reloading LeNet through each framework's highest-level API."""

from __future__ import annotations

from typing import Any

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.cells import Key
from generator.analysis.panels import Figures
from generator.catalog.model import Section
from generator.pages import urls
from generator.pages.findings import figure_evidence, plain_summary
from generator.pages.inputs import Inputs, facts
from generator.pages.parts import Block, Part, opened
from generator.pages.section_page import section_context
from generator.pages.tables import DASH, Cell, Column, figure, number, table
from measurements.sections.highlevel import ACCURACY

COLUMNS = {
    "lines": "Lines of code",
    "concepts": "Names to know",
    "accuracy": "Held-out accuracy",
    "file_size": "Saved",
}


def own(section: Section, inputs: Inputs, figures: Figures, part: Part) -> Part:
    """Open with how much there is to write and to know; how long it takes is folded."""
    found: dict[tuple[str, str, str], dict[str, Key]] = {}
    for key in figures.cells:
        if key.section == section.id and key.metric in COLUMNS:
            found.setdefault((key.framework, key.version, key.mode), {})[key.metric] = key
    rows = []
    name, count = Column("Framework"), number(COLUMNS["lines"])
    for place, keys in sorted(found.items()):
        one = models.configuration(inputs.catalog, *place)
        link = urls.evidence(section.id, one.framework)
        interface = facts(inputs, figures, section.id, one.framework).get("interface", "–")
        row = {name: Cell(one.framework_name, detail=one.release, href=link)}
        for metric, title in COLUMNS.items():
            cell = figures.cells[keys[metric]] if metric in keys else None
            row[number(title)] = (
                figure(plain_summary(cell)[:1], cell.unit, figure_evidence(cell.key))
                if cell
                else DASH
            )
        rows.append(row | {Column("Interface"): Cell(str(interface))})
    rows.sort(key=lambda row: (row[count].sort is None, row[count].sort or 0))
    lines = {row[name].text: row[count].text for row in rows if row[count].sort is not None}
    if not lines:
        return part
    (*_, most), (least, *_) = lines.values(), lines.values()
    lead, last = (
        formatting.listing([who for who, many in lines.items() if many == end])
        for end in (least, most)
    )
    written = table("The highest-level APIs", rows)
    shown = Block("", "how-much-there-is-to-write-and-to-know", "", (written,))
    said = f"{lead}, {least} lines from digits to a reloaded model. Most: {last}, {most}."
    heading = "How long it takes"
    return opened(part, heading, lead=lead, answer=said, foot=_COUNTED, blocks=(shown,))


_COUNTED = (
    "Lines are counted by pygount: those that hold more than brackets, comments or documentation."
    " Names are the distinct names of the framework that the script uses."
)


def context(section: Section, inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    return section_context(section, inputs, own) | {"target": f"{ACCURACY:.0%}"}
