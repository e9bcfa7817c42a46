"""Pure: one model trained by two processes; what it costs, and what a death does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.analysis import statistics
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.panels import Figures
from generator.formatting import figures, quantity, span
from generator.pages import question_page
from generator.pages.charts import curves, intervals
from generator.pages.charts.marks import Mark, Point
from generator.pages.findings import plain_summary
from generator.pages.inputs import Draw, Inputs, finite
from generator.pages.question_page import Block, Question, View
from generator.pages.tables import Cell, Column, Table
from measurements.sections.parallel import BATCHES

if TYPE_CHECKING:
    from generator.catalog.model import Section

SIZES = (1, 2, 4, 8, 16)
"""Process counts of the model."""


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    return question_page.context(section, inputs, known, draw, _make)


def case(size: int, batch: int) -> str:
    """Return the name of a case."""
    return f"{size} of {batch}"


def questions() -> list[Question]:
    """Return what is asked."""
    found = [
        Question(
            f"{batch} images, {size} process{'es' if size > 1 else ''}",
            "the losses of the reference" if size == 1 else "the losses of one process alone",
            case(size, batch),
            "loss_error",
        )
        for batch in BATCHES
        for size in (1, 2)
    ]
    found.append(
        Question(
            "a process is killed",
            "until the other one knows; looked at every 0.05 s",
            "killed",
            "death_time",
        )
    )
    return found


def step_cell(found: Figures, framework: str, size: int, batch: int) -> SampleCell | None:
    """Return the step times of a case, None where there are none."""
    for key, cell in found.cells.items():
        place = key.section, key.framework, key.metric, key.case
        if place == ("parallel", framework, "step_time", case(size, batch)):
            return cell
    return None


def _make(view: View) -> tuple[list[str], list[Block]]:
    asked = questions()
    able = question_page.who_can(view, case(2, BATCHES[0]), "loss_error")
    findings = [
        question_page.sentence(view, "Two processes train one model, with the losses of one", able),
        *_deaths(view),
    ]
    marks, rows = _speed(view)
    blocks = [
        Block(
            "The same training", view.anchor("same"),
            "Two processes take half of each batch and must come to the losses of one process that"
            " takes all of it: a process that trains by itself is found in the second step.",
            (), "",
            (question_page.matrix(view, "Data-parallel training", asked, head="Question"),),
        ),
    ]  # fmt: skip
    if marks:
        title = _title(rows)
        chart = intervals.intervals(
            view.name("speed"), title, marks, axis="images per second, one core a process",
            frameworks=[f.name for f in view.frameworks], better="higher",
        )  # fmt: skip
        blocks.append(
            Block(
                "Two cores, two processes",
                view.anchor("speed"),
                "One core for each process. Two processes on the two shared cores of one machine"
                " show that it works and what it costs on top; they say nothing about scaling over"
                " many machines.",
                (view.draw(chart),),
                f"Open: one process on one core. Filled: two on two. {question_page.LINES}",
                (_speed_table(view, rows),),
            )
        )
        blocks += _model(view, rows)
    blocks.append(_written(view))
    blocks += question_page.reasons(view, asked)
    return findings, blocks


def _deaths(view: View) -> list[str]:
    ended = question_page.who_can(view, "killed", "death_time")
    hung = [
        f.id for f in view.frameworks if "hangs" in view.answer(f.id, "killed", "death_time").reason
    ]
    alone = [
        f.id
        for f in view.frameworks
        if "goes on alone" in view.answer(f.id, "killed", "death_time").reason
    ]
    words = [
        f"{question_page.names(view, ids)} {text}"
        for ids, text in ((ended, "ends with an error"), (hung, "hangs"), (alone, "goes on alone"))
        if ids
    ]
    return [f"When a process is killed, the other one in {'; in '.join(words)}."] if words else []


Row = tuple[str, int, SampleCell, SampleCell, statistics.Ratio]


def _speed(view: View) -> tuple[list[Mark], list[Row]]:
    marks, rows = [], []
    for batch in BATCHES:
        for framework in view.frameworks:
            one = step_cell(view.figures, framework.id, 1, batch)
            two = step_cell(view.figures, framework.id, 2, batch)
            if one is None or two is None:
                continue
            rows.append((framework.id, batch, one, two, statistics.ratio(one.blocks, two.blocks)))
            value, low, high = plain_summary(two)[:3]
            marks.append(
                Mark(
                    framework.name, framework.name, f"{batch} images a step", batch / value,
                    finite(batch / high), finite(batch / low),
                    figures(batch / value, 3),
                    batch / plain_summary(one)[0],
                )
            )  # fmt: skip
    return marks, rows


def _title(rows: list[Row]) -> str:
    largest = [row for row in rows if row[1] == max(BATCHES)]
    chosen = largest or rows
    gains = sorted(row[4].value for row in chosen)
    return (
        f"Two processes are {gains[0]:.2f} to {gains[-1]:.2f} times as fast as one, at"
        f" {chosen[0][1]} images a step."
    )


def _speed_table(view: View, rows: list[Row]) -> Table:
    cells = []
    for framework, batch, one, two, ratio in rows:
        row = [Cell(view.catalog.framework(framework).name, None, view.link(framework),
                    view.release(framework)),
               Cell(str(batch), sort=float(batch))]  # fmt: skip
        for size, cell in ((1, one), (2, two)):
            value, low, high = plain_summary(cell)[:3]
            detail = span(low, high, "s") if math.isfinite(low) and high > 1.0001 * low else ""
            link = view.link(framework, case(size, batch), "step_time")
            row.append(Cell(quantity(value, "s"), float(f"{value:.6g}"), link, detail))
        interval = f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""
        row.append(Cell(f"{ratio.value:.2f}", sort=round(ratio.value, 4), detail=interval))
        row.append(Cell(f"{ratio.value / 2:.0%}", sort=round(ratio.value / 2, 4)))
        cells.append(tuple(row))
    columns = (
        Column("Framework"),
        Column("Images a step", number=True),
        Column("One process", number=True),
        Column("Two processes", number=True),
        Column("Times as fast", number=True),
        Column("Efficiency", number=True),
    )
    return Table("One process and two", columns, tuple(cells))


def modelled(one: float, two: float, size: int) -> float:
    """Return the modelled seconds of a step of ``size`` processes.

    Work divides by the number of processes; what two of them take beyond half of one's time is the
    exchange of gradients, which in a ring costs 2 (n - 1) / n times its cost for the whole vector
    (Patarasuk and Yuan, 2009, doi:10.1016/j.jpdc.2008.09.002), that is once at n = 2.
    """
    exchange = max(0.0, two - one / 2)
    return one / size + exchange * 2 * (size - 1) / size


def _model(view: View, rows: list[Row]) -> list[Block]:
    points = []
    for framework, batch, one, two, _ in rows:
        name = view.catalog.framework(framework).name
        times = [plain_summary(cell)[0] for cell in (one, two)]
        for size in SIZES:
            rate = batch / modelled(times[0], times[1], size)
            points.append(
                Point(name, f"{batch} images", "imperative", float(size), rate,
                             text=f"{figures(rate, 3)} images/s")
            )  # fmt: skip
    title = "A model, not a measurement: what more cores of the same kind would give."
    chart = curves.curves(
        view.name("model"), title, points, x="processes (model)", y="images/s (model)",
        better="higher",
    )  # fmt: skip
    text = (
        "From the two measured times alone: work divides, and what two processes take beyond half"
        " of one's time is taken for the exchange of gradients in a ring. Slower networks, uneven"
        " machines and the limits of memory are not in it."
    )
    return [
        Block("A model of more processes", view.anchor("model"), text, (view.draw(chart),),
              "Every point is computed. The batch of a step stays the same.", ())
    ]  # fmt: skip


def _written(view: View) -> Block:
    rows = []
    for framework in view.frameworks:
        lines = view.sheets[framework.id].get(("", "lines"))
        how = view.fact(framework.id, "parallel", "–")
        able = view.answer(framework.id, case(2, BATCHES[0]), "loss_error")
        count = lines.value if lines and able.status != "unsupported" else None
        death = view.fact(framework.id, "death", "–")
        rows.append(
            (
                Cell(framework.name, None, view.link(framework.id), view.release(framework.id)),
                Cell(str(how)),
                Cell(f"{count:.0f}" if count else "–", sort=count),
                Cell(str(death)),
            )
        )
    columns = (
        Column("Framework"),
        Column("How"),
        Column("Lines beside lenet.py", number=True),
        Column("When the other process is killed"),
    )
    return Block(
        "What there is to write", view.anchor("written"),
        "The lines of parallel.py: everything that training with several processes takes beside the"
        " network itself.",
        (), "", (Table("How it is written", columns, tuple(rows)),),
    )  # fmt: skip
