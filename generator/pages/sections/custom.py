"""Pure: the same new operator, added in every way that a framework offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.panels import Figures
from generator.pages import question_page
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.findings import plain_summary
from generator.pages.inputs import Draw, Inputs, finite
from generator.pages.question_page import Block, Question, View
from generator.pages.tables import Cell, Column, Table
from measurements import custom

if TYPE_CHECKING:
    from generator.catalog.model import Section

WAYS = {
    "naive": "as it is defined",
    "composed": "composed",
    "python": "custom operator in Python",
    "native": "native operator",
}
ASKED = {
    "forward": "right where the definition is tame",
    "near_zero": "right near zero",
    "gradient": "right gradient",
    "captured": "right in captured mode",
    "used": "proven to be used in captured mode",
}
COSTS = {"build_time": "built in", "written": "lines of code", "run_time": "forward and gradient"}


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    return question_page.context(section, inputs, known, draw, _make)


def questions(metrics: Mapping[str, str]) -> list[Question]:
    """Return what is asked of every way; nothing is registered by composing."""
    return [
        Question(WAYS[way], words, way, metric)
        for way in custom.WAYS
        for metric, words in metrics.items()
        if metric != "used" or way in ("python", "native")
    ]


def _make(view: View) -> tuple[list[str], list[Block]]:
    asked = questions(ASKED)
    able = {
        way: [
            f.id
            for f in view.frameworks
            if all(view.answer(f.id, q.case, q.metric).good for q in asked if q.case == way)
        ]
        for way in custom.WAYS
    }
    findings = [
        question_page.sentence(
            view, "A custom operator in Python, right, differentiable and captured", able["python"]
        ),
        question_page.sentence(view, "A native one as well", able["native"]),
        *_gain(view),
    ]
    text = (
        "Written down as it is defined the operator loses its digits near zero: those wrongs are"
        " expected, and the reason for adding an operator at all."
    )
    blocks = [
        Block(
            "What works", view.anchor("works"), text, (), "",
            (question_page.matrix(view, "Ways to add an operator", asked, head="Way"),),
        ),
        *_speed(view),
        Block(
            "What it costs to write", view.anchor("costs"),
            "Lines are those of the function that builds the operator and of what it needs beside"
            " it, native source included.",
            (), "",
            (question_page.matrix(view, "Lines and seconds", questions(COSTS), head="Way"),
             _languages(view)),
        ),
        *question_page.reasons(view, asked),
    ]  # fmt: skip
    return findings, blocks


def _gain(view: View) -> list[str]:
    """Say where a native operator is faster than the composition, by how much."""
    gains = {}
    for framework in view.frameworks:
        one, other = (view.answer(framework.id, way, "run_time").value for way in (
            "composed", "native"))  # fmt: skip
        if one and other and view.answer(framework.id, "native", "forward").good:
            gains[framework.name] = one / other
    if not gains:
        return []
    least, most = (pick(gains, key=lambda name: gains[name]) for pick in (min, max))
    text = f"The native operator is {gains[most]:.1f} times as fast as the composition in {most}"
    return [text + (f", {gains[least]:.1f} times in {least}." if most != least else ".")]


def _speed(view: View) -> list[Block]:
    marks = []
    for framework in view.frameworks:
        for way in custom.WAYS:
            if way == "naive":
                continue
            for key, cell in view.figures.cells.items():
                place = key.section, key.framework, key.case, key.metric
                if place != (view.section.id, framework.id, way, "slowdown"):
                    continue
                value, low, high = plain_summary(cell)[:3]
                marks.append(
                    Mark(
                        f"{framework.name}, {WAYS[way]}", framework.name, "", value,
                        finite(low),
                        finite(high),
                        formatting.times(value),
                    )
                )  # fmt: skip
    if not marks:
        return []
    marks.sort(key=lambda mark: mark.estimate or 0)
    title = (
        f"From {marks[0].text} ({marks[0].label}) to {marks[-1].text} ({marks[-1].label}) the time"
        " of the framework's own tanh."
    )
    chart = intervals.intervals(
        view.name("speed"), title, marks, axis="times of tanh, forward and gradient",
        frameworks=[f.name for f in view.frameworks], better="lower",
    )  # fmt: skip
    text = (
        "A million numbers, forward and gradient, against the built-in tanh of the same framework:"
        " both compute a transcendental function for every element."
    )
    caption = f"Captured mode. Points: geometric mean over processes. {question_page.LINES}"
    return [Block("How fast it is", view.anchor("speed"), text, (view.draw(chart),), caption, ())]


def _languages(view: View) -> Table:
    rows = []
    for framework in view.frameworks:
        said = _said(view, framework.id)
        rows.append(
            (
                Cell(framework.name, None, view.link(framework.id), view.release(framework.id)),
                *(
                    Cell(str(said.get(way, "–")))
                    if view.answer(framework.id, way, "build_time").good
                    else question_page.answer_cell(view.answer(framework.id, way, "build_time"), "")
                    for way in ("composed", "python", "native")
                ),
            )
        )
    columns = (
        Column("Framework"),
        *(Column(WAYS[way]) for way in ("composed", "python", "native")),
    )
    return Table("Languages", columns, tuple(rows))


def _said(view: View, framework: str) -> Mapping[str, Any]:
    """Return what the newest process said of its languages."""
    said: Mapping[str, Any] = view.fact(framework, "languages", {})
    return said
