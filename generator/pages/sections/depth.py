"""Pure: how compile time and step time grow as the network gets deeper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from generator.formatting import quantity
from generator.pages import question_page, sweep_page
from generator.pages.charts import lines
from generator.pages.parts import Block
from generator.pages.question_page import View
from generator.pages.sweep_page import Curve, Values, curve_cell, points_of, slope
from generator.pages.tables import DASH, Column, Rows, figure, number, tabled

READY, STEPS = (2, 8, 32), (2, 32)
"""Depths whose times the table shows."""


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    found = sweep_page.curves("depth", view)
    if not found:
        return ("", ""), [], []
    name, said = view.anchor(view.section.id), sweep_page.caption(view)
    ready = lines.curves(
        f"{name}-ready", _deepest({c.configuration.label: c.ready for c in found}),
        points_of(found, lambda curve: curve.ready),
        x="convolutions", measure="seconds to build and first step", better="lower",
    )  # fmt: skip
    steps = lines.curves(
        f"{name}-step", _deepest({c.configuration.label: c.steps for c in found}),
        points_of(found, lambda curve: curve.steps, 1e3),
        x="convolutions", measure="milliseconds per step", better="lower",
    )  # fmt: skip
    draw = view.inputs.draw
    blocks = [
        Block("", "", "", (), (draw(ready),), said),
        Block("How long a step takes", f"{name}-steps", "", (), (draw(steps),), said),
        Block("All figures", f"{name}-all", "", (_table(view, found),)),
        sweep_page.faults(view, "What did not work"),
    ]
    graphs = [curve for curve in found if curve.configuration.kind == "symbolic"]
    answer = _grown("build and first step", {c.configuration.label: slope(c.ready) for c in graphs})
    step = _grown("a step", {c.configuration.label: slope(c.steps) for c in found})
    return ("", answer), [step], blocks


context = partial(question_page.context, make=make)


@tabled("Ready and steps by depth")
def _table(view: View, found: Sequence[Curve]) -> Rows:
    for curve in found:
        row = {Column("Configuration"): sweep_page.name_cell(curve, view.section.id)}
        for what, values, depths in (("Ready", curve.ready, READY), ("Step", curve.steps, STEPS)):
            row |= {number(f"{what}, {n} convolutions"): curve_cell(values, n) for n in depths}
            each = slope(values)
            row[number(f"{what}, each further one")] = DASH if each is None else figure([each], "s")
        yield row


def _grown(what: str, slopes: Mapping[str, float | None]) -> str:
    """Name the configurations whose times grow least and most with depth, by estimate."""
    grown = {name: each for name, each in slopes.items() if each is not None}
    if not grown:
        return f"How {what} grows with depth is not known: too few depths were reached."
    said = question_page.ends(grown, _time)
    how = "As a graph, each" if "first" in what else "Each"
    return f"{how} further convolution adds to {what}, by estimate, {said}."


def _deepest(curves: Mapping[str, Values]) -> str:
    """Name the least and the greatest time of the deepest network."""
    depth = READY[-1]
    found = {name: values[depth][0] for name, values in curves.items() if depth in values}
    said = question_page.ends(found, _time) if found else "not reached"
    return f"With {depth} convolutions: {said}."


_time = partial(quantity, unit="s")
