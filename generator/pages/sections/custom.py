"""Pure: the same new operator, added in every way that a framework offers."""

from __future__ import annotations

from functools import partial
from typing import Any

from generator.formatting import quantity
from generator.pages import question_page
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.findings import counted, judged, plain_summary, ratio_text
from generator.pages.parts import Block
from generator.pages.question_page import Question, View
from generator.pages.tables import Cell, Rows, number, tabled
from measurements import custom

WAYS = {
    "naive": "as it is defined",
    "composed": "composed",
    "python": "operator in Python",
    "native": "native operator",
}
ABOUT = {
    "composed": "of existing operators",
    "operator in Python": "with its own gradient",
    "native operator": "compiled code",
}
ASKED = {
    "forward": "right away from zero",
    "near_zero": "right near zero",
    "gradient": "right gradient",
    "captured": "right in captured mode",
    "used": "proven to be used in captured mode",
}
COSTS = {"written": "Lines of code", "build_time": "Built in", "run_time": "Forward and gradient"}


def questions() -> list[Question]:
    """Return the questions about every way that is meant to be right.

    Nothing is registered by composing.
    """
    return [
        Question(WAYS[way], words, way, metric)
        for way in custom.WAYS[1:]
        for metric, words in ASKED.items()
        if metric != "used" or way in ("python", "native")
    ]


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    asked = questions()
    python, native = (
        view.who_can(*((q.case, q.metric) for q in asked if q.case == way))
        for way in ("python", "native")
    )
    lines = {
        view.catalog.framework(id).name: count
        for id in python
        if (count := view.answer(id, "python", "written").value) is not None
    }
    did = "ran a new operator in Python inside a graph, with right values and gradients"
    lead, answer = view.sentence(did, python)
    if lines:
        least, most = question_page.extremes(lines)
        lead = f"{lines[least]:.0f} lines ({least}) to {lines[most]:.0f} ({most})"
        answer = f"{lead} in Python. {answer}"
    bullets = [view.sentence("ran a native operator inside a graph", native)[1], *_gain(view)]
    blocks = [
        view.block(
            "What works",
            "The operator is (x − sin x) / x³. As it is defined it loses its digits near zero; each"
            " way below must be right there too.",
            view.matrix("Ways to add an operator", asked, ABOUT),
            stem="works",
        ),
        *_speed(view),
        view.block(
            "Lines and build time of each way",
            "Lines are those of the function that builds the operator and of what else it needs,"
            " native source included.",
            _costs(view),
            stem="costs",
        ),
        *view.reasons(asked),
    ]
    return (lead, answer), bullets, blocks


context = partial(question_page.context, make=make)


def _gain(view: View) -> list[str]:
    """Compare a right native operator with the composition, and name both ends of the results."""
    compared = {
        name: found
        for name, found in view.compare("run_time", "native", "composed").items()
        if view.answer(name, "native", "forward").good
    }
    if not compared:
        return []
    verdicts = [judged(*found) for found in compared.values()]
    count = counted(verdicts, "faster than the composition", "slower", "framework")
    times = view.cells("run_time")
    said = []
    gains = {name: ratio.inverse() for name, (ratio, _) in compared.items()}
    resolved = {
        name: gains[name].value
        for name, (_, verdict) in compared.items()
        if verdict in ("faster", "slower")
    }
    for name in dict.fromkeys(reversed(question_page.extremes(resolved)) if resolved else ()):
        native, composed = (
            quantity(plain_summary(times[name, way])[0], "s") for way in ("native", "composed")
        )
        said.append(
            f"In {view.catalog.framework(name).name} it is {ratio_text(gains[name], 'as fast')},"
            f" {native} against {composed}."
        )
    return [" ".join((f"The native operator is {count}.", *said))]


def _speed(view: View) -> list[Block]:
    marks = []
    cells = view.cells("run_time")
    for framework in view.frameworks:
        for way, words in WAYS.items():
            if way == "naive" or (framework.id, way) not in cells:
                continue
            value, low, high = plain_summary(cells[framework.id, way])[:3]
            label, text = f"{framework.name}, {words}", quantity(value, "s")
            marks.append(Mark(label, framework.name, "", value, low, high, text))
    if not marks:
        return []
    chart = intervals.intervals(
        view.name("speed"), "Time of each way for a million numbers, forward and gradient.", marks,
        measure="seconds", looks=view.catalog.looks, better="lower",
    )  # fmt: skip
    return [
        view.block(
            "How fast each way is",
            "A million numbers, forward and gradient. Native operators are compiled alike, with the"
            " same flags and their loops over all threads of the lane.",
            stem="speed",
            picture=view.inputs.draw(chart),
            caption=f"Captured mode. Points: geometric mean over processes. {question_page.LINES}",
        )
    ]


@tabled("Lines and seconds")
def _costs(view: View) -> Rows:
    """Return each way of each framework with its language, lines and times."""
    for framework in view.frameworks:
        said = view.facts(framework.id).get("languages", {})
        for way, words in WAYS.items():
            built = view.answer(framework.id, way, "build_time").good
            row: dict[Any, Cell] = {
                "Framework": view.named(framework),
                "Way": Cell(words),
                "Language": Cell(str(said.get(way, "–"))),
            }
            for metric, title in COSTS.items():
                asked = metric if built else "build_time"
                row[number(title)] = view.value_cell(framework.id, way, asked)
            yield row
