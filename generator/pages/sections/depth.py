"""Pure: how compile time and step time grow as the network gets deeper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from generator.formatting import quantity
from generator.pages import question_page, sweep_page
from generator.pages.parts import Block
from generator.pages.question_page import View
from generator.pages.sweep_page import Curve, Values, curve_cell, points_of, slope
from generator.pages.tables import Cell, Column, Table, number, table

READY, STEPS = (2, 8, 32), (2, 32)
"""Depths whose times the table shows."""


def make(view: View) -> tuple[list[str], list[Block]]:
    """Return the finding and the blocks of a device."""
    found = sweep_page.curves("depth", view.section.id, view.catalog, view.figures)
    if not found:
        return [], []
    title, name = _title(found), view.anchor(view.section.id)
    pictures = (
        view.curves(f"{name}-ready", title, points_of(found, lambda curve: curve.ready),
                    x="convolutions", measure="seconds to build and first step", better="lower"),
        view.curves(f"{name}-step", "Time of a step, by depth.",
                    points_of(found, lambda curve: curve.steps, scale=1e3),
                    x="convolutions", measure="ms per step", better="lower"),
    )  # fmt: skip
    times = Block("", "", "", (_table(view, found),), pictures, sweep_page.caption(view))
    return [title], [times, *sweep_page.faults(view, "What did not work")]


context = partial(question_page.context, make=make)


def _table(view: View, found: Sequence[Curve]) -> Table:
    rows = [
        (
            sweep_page.name_cell(curve, view.section.id),
            *(curve_cell(curve.ready, depth) for depth in READY),
            _slope_cell(curve.ready),
            *(curve_cell(curve.steps, depth) for depth in STEPS),
            _slope_cell(curve.steps),
        )
        for curve in found
    ]
    numbers = [
        *(f"Ready, {depth} convolutions" for depth in READY), "Ready, each further one",
        *(f"Step, {depth} convolutions" for depth in STEPS), "Step, each further one",
    ]  # fmt: skip
    columns = [Column("Configuration"), *map(number, numbers)]
    return table("Ready and steps by depth", columns, rows)


def _title(found: Sequence[Curve]) -> str:
    """Name the graphs whose time to the first step grows most and least with depth."""
    grown = {
        curve.configuration.label: each
        for curve in found
        if curve.configuration.kind == "symbolic" and (each := slope(curve.ready)) is not None
    }
    if not grown:
        return "Time to the first step, by depth."
    least, most = question_page.extremes(grown)
    ends = [f"{quantity(grown[name], 's')} in {name}" for name in dict.fromkeys((least, most))]
    return (
        "Estimated time that a further convolution adds to build and first step, as a graph:"
        f" {' to '.join(ends)}."
    )


def _slope_cell(values: Values) -> Cell:
    each = slope(values)
    return Cell("–") if each is None else Cell(quantity(each, "s"), round(each, 8))
