"""Pure: what can be carried over to another process, another task, another framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from generator.analysis.cells import Cell as SampleCell
from generator.formatting import day, figures
from generator.pages import question_page
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.framework_tables import fact_cell
from generator.pages.parts import Block
from generator.pages.question_page import Question, View
from generator.pages.tables import DASH, Cell, Column, marked, number, percent, table
from measurements.sections.reuse import EPOCHS, NEW_DIGITS

NAMES = {"onnx": "ONNX export", "caffe import": "import from Caffe"}
ASKED = {
    "save and load": "the same scores from what was saved",
    "fresh process": "loaded by a process that never saw the model",
    "other version": "loaded by another release",
    "freeze": "frozen layers stay as they are while the others train",
    "onnx": "exported, and run in ONNX Runtime with the same scores",
    "caffe import": "a LeNet that Caffe wrote, imported with the same scores",
}


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    asked = [
        Question(NAMES.get(case, case), said, case, "possible") for case, said in ASKED.items()
    ]
    transfer, found = _transfer(view)
    loaded, frozen, exported, imported = (
        view.who_can((case, "possible"))
        for case in ("fresh process", "freeze", "onnx", "caffe import")
    )
    lead = f"{len(loaded)} of {sum(map(bool, view.sheets.values()))} frameworks"
    answer = (
        f"{lead} load a saved model in a fresh process, {len(frozen)} train on with frozen layers,"
        f" and {len(exported)} export to ONNX with the same scores."
    )
    bullets = [
        view.sentence("exported a model that ONNX Runtime scored the same", exported)[1],
        view.sentence("imported a Caffe model", imported)[1],
        *found,
    ]
    blocks = [
        view.block("What can be carried over", "", view.matrix("Re-use", asked), stem="carried"),
        transfer,
        _sizes(view),
        _zoo(view),
        *view.reasons(asked),
    ]
    return (lead, answer), bullets, blocks


context = partial(question_page.context, make=make)


def _curve(cells: Mapping[tuple[str, str], SampleCell], framework: str, case: str) -> list[float]:
    """Return the held-out accuracy after each epoch, [] where no process took all of them."""
    cell = cells.get((framework, case))
    whole = [block for block in cell.blocks.values() if len(block) == EPOCHS] if cell else []
    return list(map(float, np.mean(whole, axis=0))) if whole else []


def _transfer(view: View) -> tuple[Block, list[str]]:
    """Return accuracy by epoch, fine-tuned and trained from scratch, and who gains by it."""
    rows, marks, better = [], [], []
    cells = view.cells("accuracy")
    for framework in view.frameworks:
        curves = {
            case: _curve(cells, framework.id, case) for case in ("fine-tuning", "from scratch")
        }
        tuned, scratch = curves.values()
        gone = view.value_cell(framework.id, "fine-tuning", "accuracy")
        row = {Column("Framework"): view.named(framework)}
        for epoch in range(EPOCHS):
            for how, (case, values) in zip(("Tuned", "Scratch"), curves.items(), strict=True):
                link = view.link(framework.id, case, "accuracy")
                row[number(f"{how}, epoch {epoch + 1}")] = (
                    replace(percent(values[epoch], 1), href=link) if tuned and scratch else gone
                )
        rows.append(row)
        if not tuned or not scratch:
            continue
        if tuned[0] > scratch[0]:
            better.append(framework.id)
        first, text = 100 * tuned[0], f"{figures(100 * tuned[0], 3)} %"
        name = framework.name
        marks.append(Mark(name, name, "", first, None, None, text, 100 * scratch[0]))
    picture, findings = None, []
    if marks:
        title = (
            f"By estimate, fine-tuning is ahead of training from scratch after one epoch in"
            f" {len(better)} of {len(marks)} frameworks."
        )
        picture = view.inputs.draw(intervals.intervals(
            view.name("transfer"), title, marks, measure="held-out accuracy after one epoch in %",
            looks=view.catalog.looks, better="higher", log=False,
        ))  # fmt: skip
        findings = [title]
    block = view.block(
        "Transfer learning",
        f"A LeNet of digits 0 to 4 keeps its convolutions, frozen, and learns digits 5 to 9 from"
        f" {NEW_DIGITS} examples, against the same network trained from scratch. Each framework"
        " uses the optimiser of its highest-level API: compare the columns of a row, not the rows."
        " Without intervals the differences are estimates, and none is resolved.",
        table("Accuracy on digits 5 to 9", rows),
        stem="transfer",
        picture=picture,
        caption="Filled: fine-tuned. Open: from scratch. Means over processes, without intervals.",
    )
    return block, findings


def _sizes(view: View) -> Block:
    rows = (
        {
            "Framework": view.named(f),
            number("Trained model"): view.value_cell(f.id, "save and load", "size"),
            number("ONNX file"): view.value_cell(f.id, "onnx", "size"),
        }
        for f in view.frameworks
    )
    return view.block("Sizes of files", "", table("Sizes of files", rows), stem="sizes")


def _zoo(view: View) -> Block:
    rows = []
    for framework in view.frameworks:
        zoo = framework.zoo
        said = fact_cell(zoo)
        rows.append(
            {
                "Framework": Cell(framework.name),
                "Official trained models": replace(said, detail=""),
                "Code works offline": marked("yes" if zoo.offline else "no") if zoo else DASH,
                "Remark": Cell(zoo.note or "–") if zoo else DASH,
                "Read on": Cell(day(zoo.read.isoformat())) if zoo and zoo.read else DASH,
            }
        )
    return view.block(
        "Model zoos",
        "Facts with their pages. Trained weights are downloads of other hosts, so none is measured"
        " here: the transfer above uses weights that were trained on this machine.",
        table("Model zoos", rows),
        stem="zoo",
    )
