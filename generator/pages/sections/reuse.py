"""Pure: what can be carried over to another process, another task, another framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.analysis.panels import Figures
from generator.formatting import figures
from generator.pages import question_page
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.inputs import Draw, Inputs
from generator.pages.question_page import Block, Question, View
from generator.pages.tables import Cell, Column, Table
from measurements.sections.reuse import EPOCHS, NEW_DIGITS

if TYPE_CHECKING:
    from generator.catalog.model import Section

ASKED = {
    "save and load": "the same scores from what was saved",
    "fresh process": "loaded by a process that never saw the model",
    "other version": "loaded by another release",
    "freeze": "frozen layers stay as they are while the others train",
    "onnx": "exported, and run in ONNX Runtime with the same scores",
    "caffe import": "a LeNet that Caffe wrote, imported with the same scores",
}


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    return question_page.context(section, inputs, known, draw, _make)


def questions() -> list[Question]:
    """Return what is asked."""
    return [Question(case, words, case, "possible") for case, words in ASKED.items()]


def _make(view: View) -> tuple[list[str], list[Block]]:
    asked = questions()
    findings = [
        question_page.sentence(
            view, "Export to ONNX", question_page.who_can(view, "onnx", "possible")
        ),
        question_page.sentence(
            view, "Import of a Caffe model", question_page.who_can(view, "caffe import", "possible")
        ),
    ]
    sizes = [Question("size", "of the trained model", "save and load", "size"),
             Question("size", "of the ONNX file", "onnx", "size")]  # fmt: skip
    blocks = [
        Block(
            "What can be carried over", view.anchor("carried"),
            "Each question is asked of a LeNet that was trained just before. A tick stands with the"
            " largest change of a score.",
            (), "",
            (question_page.matrix(view, "Re-use", [*asked, *sizes], head="Question"),),
        ),
        *_transfer(view, findings),
        _zoo(view),
        *question_page.reasons(view, asked),
    ]  # fmt: skip
    return findings, blocks


def curve(figures_: Figures, framework: str, case: str) -> list[float]:
    """Return the held-out accuracy after each epoch, [] where there is none."""
    for key, cell in figures_.cells.items():
        place = key.section, key.framework, key.case, key.metric
        if place == ("reuse", framework, case, "accuracy"):
            return [float(x) for x in np.mean([list(b) for b in cell.blocks.values()], axis=0)]
    return []


def _transfer(view: View, findings: list[str]) -> list[Block]:
    """Return accuracy by epoch: fine-tuned, and trained from scratch."""
    rows, marks, better = [], [], []
    for framework in view.frameworks:
        tuned = curve(view.figures, framework.id, "fine-tuning")
        scratch = curve(view.figures, framework.id, "from scratch")
        link, release = view.link(framework.id), view.release(framework.id)
        if not tuned or not scratch:
            answer = view.answer(framework.id, "fine-tuning", "accuracy")
            gone = question_page.answer_cell(answer, link)
            rows.append((Cell(framework.name, None, link, release), *[gone] * (2 * EPOCHS)))
            continue
        cells = [
            Cell(
                f"{values[epoch]:.1%}",
                round(values[epoch], 4),
                view.link(framework.id, case, "accuracy"),
            )
            for epoch in range(EPOCHS)
            for case, values in (("fine-tuning", tuned), ("from scratch", scratch))
        ]
        rows.append((Cell(framework.name, None, link, release), *cells))
        if tuned[0] > scratch[0]:
            better.append(framework.id)
        marks.append(
            Mark(framework.name, framework.name, "", 100 * tuned[0], None, None,
                        f"{figures(100 * tuned[0], 3)} %", 100 * scratch[0])
        )  # fmt: skip
    columns = [Column("Framework")]
    for epoch in range(1, EPOCHS + 1):
        columns += [Column(f"Tuned, epoch {epoch}", number=True),
                    Column(f"Scratch, epoch {epoch}", number=True)]  # fmt: skip
    table = Table("Accuracy on digits 5 to 9", tuple(columns), tuple(rows))
    pictures = []
    if marks:
        marks.sort(key=lambda mark: -(mark.estimate or 0))
        title = (
            f"After one epoch, what was learned on digits 0 to 4 helps {len(better)} of"
            f" {len(marks)}."
        )
        pictures = [
            view.draw(
                intervals.intervals(
                    view.name("transfer"), title, marks,
                    axis="held-out accuracy after one epoch in %",
                    frameworks=[f.name for f in view.frameworks], better="higher", log=False,
                )
            )
        ]  # fmt: skip
        findings.append(
            question_page.sentence(
                view, "Fine-tuning is ahead of training from scratch after one epoch", better
            )
        )
    text = (
        f"A LeNet of digits 0 to 4 keeps its convolutions, frozen, and learns digits 5 to 9 from"
        f" {NEW_DIGITS} examples, against the same network trained from scratch. Optimisers are"
        " those of each framework's easiest interface, so compare the two columns of a row, not"
        " the rows. The difference of one run is not a finding about a framework."
    )
    caption = "Filled: fine-tuned. Open: from scratch. One process each."
    return [
        Block("Transfer learning", view.anchor("transfer"), text, tuple(pictures), caption,
              (table,))
    ]  # fmt: skip


def _zoo(view: View) -> Block:
    rows = []
    for framework in view.frameworks:
        zoo = framework.zoo
        if zoo is None:
            rows.append((Cell(framework.name), Cell("not known"), Cell("–"), Cell("–"), Cell("–")))
            continue
        value = zoo.fact.value if isinstance(zoo.fact.value, str) else ", ".join(zoo.fact.value)
        rows.append(
            (
                Cell(framework.name),
                Cell(value, source=zoo.fact.source),
                Cell("", badge=question_page.YES if zoo.offline else question_page.NO),
                Cell(zoo.fact.note or "–"),
                Cell(zoo.fact.read.isoformat() if zoo.fact.read else "–"),
            )
        )
    titles = ("Framework", "Official trained models", "Code works offline", "Remark", "Read on")
    return Block(
        "Model zoos", view.anchor("zoo"),
        "Facts with their pages. Trained weights are downloads of other hosts, so none is measured"
        " here: the transfer above uses weights that were trained on this machine.",
        (), "",
        (Table("Model zoos", tuple(map(Column, titles)), tuple(rows)),),
    )  # fmt: skip
