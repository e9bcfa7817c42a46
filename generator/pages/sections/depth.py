"""Pure: how compile time and step time grow as the network gets deeper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.analysis.panels import Figures
from generator.formatting import quantity
from generator.pages.charts.curves import curves as curves_chart
from generator.pages.inputs import Picture, heading_of, measured_on
from generator.pages.sweep_page import (
    Curve,
    Values,
    caption,
    curve_cell,
    curves,
    faults_table,
    name_cell,
    points_of,
    slope,
)
from generator.pages.tables import Cell, Column, Table
from generator.pages.urls import slug

if TYPE_CHECKING:
    from generator.catalog.model import Section
    from generator.pages.inputs import Draw, Inputs


@dataclass(frozen=True)
class DeviceView:
    """What the page says about one device of one machine."""

    heading: str
    anchor: str
    finding: str
    byline: str
    pictures: tuple[Picture, ...]
    caption: str
    table: Table
    faults: Table | None


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    views: list[DeviceView] = []
    for place in inputs.measured():
        found = curves("depth", section.id, inputs.catalog, known[place])
        if found:
            heading = heading_of(inputs, *place, first=not views)
            views.append(_view(section, inputs, known[place], found, heading, draw))
    return {
        "title": section.title,
        "description": section.question,
        "question": section.question,
        "views": views,
        "command": f"generator measure --profile full --section {section.id}",
    }


def _view(
    section: Section,
    inputs: Inputs,
    figures: Figures,
    found: Sequence[Curve],
    heading: str,
    draw: Draw,
) -> DeviceView:
    name = f"depth-{figures.device}-{slug(figures.machine)}"
    title = _title(found)
    drawn = [
        curves_chart(
            f"{name}-ready", title, points_of(found, lambda curve: curve.ready),
            x="convolutions", y="seconds until ready", better="lower",
        ),
        curves_chart(
            f"{name}-step", "What a step costs as the network gets deeper.",
            points_of(found, lambda curve: curve.steps, scale=1e3),
            x="convolutions", y="ms per step", better="lower",
        ),
    ]  # fmt: skip
    return DeviceView(
        heading,
        name,
        title,
        measured_on(inputs, figures),
        tuple(draw(chart) for chart in drawn),
        caption(section, figures),
        _table(found, section),
        faults_table(section, inputs, figures),
    )


def _table(found: Sequence[Curve], section: Section) -> Table:
    rows = []
    for curve in found:
        rows.append(
            (
                name_cell(curve, section.id),
                *(curve_cell(curve.ready, depth) for depth in (2, 8, 32)),
                _slope_cell(curve.ready),
                *(curve_cell(curve.steps, depth) for depth in (2, 32)),
                _slope_cell(curve.steps),
            )
        )
    columns = (
        Column("Configuration"),
        *(Column(f"Ready, {depth} convolutions", number=True) for depth in (2, 8, 32)),
        Column("Ready, each further one", number=True),
        *(Column(f"Step, {depth} convolutions", number=True) for depth in (2, 32)),
        Column("Step, each further one", number=True),
    )
    return Table("Ready and steps by depth", columns, tuple(rows))


def _title(found: Sequence[Curve]) -> str:
    """Say which graph grows most with depth."""
    grown = {
        curve.configuration.label: each
        for curve in found
        if curve.configuration.kind == "symbolic" and (each := slope(curve.ready)) is not None
    }
    if not grown:
        return "Time until ready by depth."
    most = max(grown, key=lambda label: grown[label])
    least = min(grown, key=lambda label: grown[label])
    text = f"Each further convolution makes {most} ready {quantity(grown[most], 's')} later"
    return text + (f", {least} {quantity(grown[least], 's')}." if most != least else ".")


def _slope_cell(values: Values) -> Cell:
    each = slope(values)
    return Cell("–") if each is None else Cell(quantity(each, "s"), round(each, 8))
