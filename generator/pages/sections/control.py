"""Pure: branches and loops that depend on data, in every framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.analysis.panels import Figures
from generator.formatting import figures, quantity
from generator.pages import question_page
from generator.pages.charts import curves, marks
from generator.pages.findings import plain_summary
from generator.pages.inputs import Draw, Inputs, finite
from generator.pages.question_page import Block, Question, View
from measurements import control
from measurements.sections.control import SWEEP

if TYPE_CHECKING:
    from generator.catalog.model import Section

ASKED = {
    "captured": "in a captured graph, with data that lead it another way",
    "growth": "as a loop of the graph: further trips add no operations",
    "gradient": "with a gradient, through the captured graph",
    "eager": "executed at once",
}


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    return question_page.context(section, inputs, known, draw, _make)


def questions() -> list[Question]:
    """Return what is asked of every program."""
    return [
        Question(program.name, words, program.name, metric)
        for program in control.PROGRAMS.values()
        for metric, words in ASKED.items()
        if metric != "growth" or program.loops
    ]


def _make(view: View) -> tuple[list[str], list[Block]]:
    asked = questions()
    whole = [
        framework.id
        for framework in view.frameworks
        if all(
            view.answer(framework.id, q.case, q.metric).good for q in asked if q.metric != "eager"
        )
    ]
    findings = [
        question_page.sentence(
            view, "All six programs as a graph, without unrolling, and with a gradient", whole
        ),
        question_page.sentence(
            view,
            "A data-dependent loop in a graph",
            question_page.who_can(view, "while", "captured"),
        ),
    ]
    blocks = [_matrix_block(view, asked), *_sweep(view), *question_page.reasons(view, asked)]
    return findings, blocks


def _matrix_block(view: View, asked: list[Question]) -> Block:
    programs = "; ".join(f"{p.name}: {p.what}" for p in control.PROGRAMS.values())
    return Block(
        "Six programs, four questions", view.anchor("programs"), f"{programs}.", (), "",
        (question_page.matrix(view, "Control flow", asked, head="Program", plain=("growth",)),),
    )  # fmt: skip


def _sweep(view: View) -> list[Block]:
    """Return what an iteration costs, and how getting ready grows with the trip count."""
    found = []
    for metric, heading, axis, scale in (
        ("run_time", "What a loop costs", "ms a run", 1e3),
        ("ready_time", "How long a loop takes to compile", "seconds until ready", 1.0),
    ):
        points = []
        for key, cell in view.figures.cells.items():
            number, _, word = key.case.partition(" ")
            if (key.section, key.metric, word) != (view.section.id, metric, "trips"):
                continue
            value, low, high = plain_summary(cell)[:3]
            name = view.catalog.framework(key.framework).name
            points.append(
                marks.Point(
                    name, "scan", "symbolic", float(number), scale * value,
                    finite(scale * low), finite(scale * high),
                    quantity(value, "s"),
                )
            )  # fmt: skip
        if not points:
            continue
        title = _title(view, metric)
        picture = view.draw(
            curves.curves(view.name(metric), title, points, x="trips", y=axis, better="lower")
        )
        cases = [Question(f"{trips} trips", "", f"{trips} trips", metric) for trips in SWEEP]
        table = question_page.matrix(view, heading, cases, head="Trips")
        text = {
            "run_time": "The recurrence over a sequence, three numbers wide: what an iteration of"
            " the loop costs beside its arithmetic.",
            "ready_time": "Capturing, compiling and the first run. An unrolled loop would take"
            " longer with every trip.",
        }[metric]
        caption = f"Captured mode. Both axes are logarithmic. {question_page.LINES}"
        anchor = view.anchor(metric.replace("_", "-"))
        found.append(Block(heading, anchor, text, (picture,), caption, (table,)))
    return found


def _title(view: View, metric: str) -> str:
    """Say who is quickest and slowest at the longest loop, or per trip."""
    ends = {}
    for framework in view.frameworks:
        first = view.answer(framework.id, f"{SWEEP[0]} trips", metric).value
        last = view.answer(framework.id, f"{SWEEP[-1]} trips", metric).value
        if first is not None and last is not None:
            each = (last - first) / (SWEEP[-1] - SWEEP[0])
            ends[framework.name] = each if metric == "run_time" else last
    if not ends:
        return "By trip count."
    least, most = (pick(ends, key=lambda name: ends[name]) for pick in (min, max))
    what = "An iteration takes" if metric == "run_time" else f"{SWEEP[-1]:,} trips are ready after"
    return f"{what} {_time(ends[least])} in {least}, {_time(ends[most])} in {most}."


def _time(seconds: float) -> str:
    """Return seconds as people read them, also where they are few millionths."""
    return quantity(seconds, "s") if seconds >= 1e-3 else f"{figures(1e6 * seconds, 2)} µs"
