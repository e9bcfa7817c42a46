"""Pure: training, saving and reloading LeNet through each framework's highest-level API."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from generator import formatting
from generator.analysis import panels as models
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.findings import figure_evidence, plain_summary
from generator.pages.inputs import Inputs, fact
from generator.pages.parts import Block
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, number, table
from measurements.sections.highlevel import ACCURACY

if TYPE_CHECKING:
    from generator.analysis.cells import Key
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section
    from generator.pages.parts import Part

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
    for place, keys in sorted(found.items()):
        one = models.configuration(inputs.catalog, *place)
        link = urls.evidence(section.id, one.framework)
        interface = fact(inputs, figures, section.id, one.framework, "interface", "–")
        row = [Cell(one.framework_name, detail=one.release, href=link)]
        for metric in COLUMNS:
            cell = figures.cells[keys[metric]] if metric in keys else None
            value = plain_summary(cell)[0] if cell else 0.0
            row.append(
                Cell(quantity(value, cell.unit), round(value, 6), figure_evidence(keys[metric]))
                if cell
                else Cell("–")
            )
        rows.append([*row, Cell(str(interface))])
    rows.sort(key=lambda row: math.inf if row[1].sort is None else row[1].sort)
    lines = {row[0].text: row[1].text for row in rows if row[1].sort is not None}
    if not lines:
        return part
    (*_, most), (least, *_) = lines.values(), lines.values()
    lead, last = (
        formatting.listing([name for name, count in lines.items() if count == end])
        for end in (least, most)
    )
    columns = [Column("Framework"), *map(number, COLUMNS.values()), Column("Interface")]
    written = table("The highest-level APIs", columns, rows)
    shown, *_ = part.blocks
    return replace(
        part,
        lead=lead,
        answer=f"{lead}, {least} lines from digits to a reloaded model. Most: {last}, {most}.",
        foot=_COUNTED,
        blocks=(Block("", "how-much-there-is-to-write-and-to-know", "", (written,)),),
        bullets=tuple(bullet for bullet in part.bullets if bullet.address),
        folds=(
            replace(shown, heading="How long it takes", anchor=f"{part.anchor}-chart",
                    text=part.answer),
            *part.folds,
        ),
    )  # fmt: skip


_COUNTED = (
    "Lines are counted by pygount: those that hold more than brackets, comments or documentation."
    " Names are the distinct names of the framework that the script uses."
)

context = partial(section_context, own=own, target=f"{ACCURACY:.0%}")
