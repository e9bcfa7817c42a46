"""Pure: the rules of measuring, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator import formatting
from generator.analysis import aa_study, statistics
from generator.analysis.cells import group_cells, twins
from generator.analysis.labels import ESTIMATORS, lane_title, machine_words
from generator.analysis.panels import Figures
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.inputs import Draw, Inputs, Picture
from generator.pages.tables import Cell, Column, Table

TITLE = "Methodology"
GROUP = "Evidence"
ORDER = 40


def context(inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw) -> dict[str, Any]:
    """Return the context of the page."""
    from measurements import lenet

    study = _study(inputs, draw)
    tolerances = Table(
        "Tolerances of the gate",
        (
            Column("Precision"),
            Column("Scores", number=True),
            Column("Gradients", number=True),
            Column("Losses", number=True),
        ),
        tuple(
            (Cell(name), *(Cell(f"{x:.0e}", sort=x) for x in tolerance))
            for name, tolerance in lenet.TOLERANCES.items()
        ),
    )
    return {
        "title": "Methodology",
        "description": "What may be claimed from these figures, why, and where each rule is from.",
        "estimator": ESTIMATORS[statistics.ESTIMATOR],
        "study": study,
        "bands": _bands_table(known),
        "tolerances": tolerances,
        "target": f"{100 * lenet.ACCURACY_TARGET:.0f} %",
        "gate_steps": str(lenet.GATE_STEPS),
        "smallest_delta": f"{100 * statistics.SMALLEST_DELTA:.0f} %",
    }


@dataclass(frozen=True)
class StudyView:
    """The A/A study as it is published."""

    finding: str
    chart: Picture
    caption: str
    table: Table
    origin: str


def _study(inputs: Inputs, draw: Draw) -> StudyView | None:
    cells = group_cells(inputs.study, "step_time")
    pairs = [twin for _, twin in twins(cells)]
    try:
        choice = aa_study.choose_estimator(pairs)
    except ValueError:
        return None
    best = ESTIMATORS[choice.estimator]
    against = choice.against_median[choice.estimator]
    if choice.estimator == "median":
        text = "No lower quantile repeats reliably better than the median."
    else:
        text = (
            f"The {best} repeats best: its spread between identical runs is"
            f" {against.value:.2f} × that of the median ({against.low:.2f} to {against.high:.2f})."
        )
    marks = []
    rows = []
    for lane in dict.fromkeys(spread.lane for spread in choice.spreads):
        panel = lane_title(lane) if lane else "All lanes together"
        for spread in choice.spreads:
            if spread.lane != lane:
                continue
            name = ESTIMATORS[spread.estimator]
            shown = f"{100 * spread.spread:.2f} %"
            marks.append(
                Mark(
                    name, "identical runs", panel, 100 * spread.spread, 100 * spread.low,
                    100 * spread.high, shown, tooltip=f"{spread.twins} × {spread.blocks}",
                )
            )  # fmt: skip
            rows.append(
                (
                    Cell(name, strong=spread.estimator == choice.estimator),
                    Cell(panel),
                    Cell(shown, round(spread.spread, 6)),
                    Cell(f"{100 * spread.low:.2f} to {100 * spread.high:.2f} %"),
                    Cell(f"{100 * spread.bias:+.2f} %", round(spread.bias, 6)),
                    Cell(f"{spread.twins} twins × {spread.blocks} blocks"),
                )
            )
    columns = (
        Column("Estimator"),
        Column("Lane"),
        Column("Spread", number=True),
        Column("95 % interval", number=True),
        Column("Bias", number=True),
        Column("From"),
    )
    if choice.estimator == statistics.ESTIMATOR:
        text += f" The {best} is used on every page."
    else:
        text += f" These pages still use the {ESTIMATORS[statistics.ESTIMATOR]}."
    chart = intervals.intervals(
        "aa-study", "How far identical runs lie apart, by estimator.", marks,
        axis="difference between identical runs in %", frameworks=["identical runs"],
        better="lower", log=False,
    )  # fmt: skip
    keys = sorted({str(key) for key in inputs.study["provenance"]})
    blocks = inputs.study[inputs.study["metric"] == "foreign_load"]
    disturbed = blocks["flags"].astype(str).str.contains("disturbed").sum()
    machines = {machine_words(inputs.documents[key]) for key in keys}
    dates = {formatting.day(inputs.documents[key]["run"]) for key in keys}
    return StudyView(
        text,
        draw(chart),
        "Root mean square of the logarithm of the ratio of two identical runs in the same block;"
        " intervals by jackknife over blocks.",
        Table("The A/A study", columns, tuple(rows)),
        f"Measured on {formatting.listing(sorted(machines))}, {formatting.listing(sorted(dates))};"
        f" other programs disturbed {disturbed} of the {len(blocks)} processes.",
    )


def _bands_table(known: Mapping[tuple[str, str], Figures]) -> Table | None:
    rows = []
    for figures in known.values():
        for panel in figures.panels:
            if panel.good and panel.section == "lenet":
                found = 100 * panel.detectable
                rows.append(
                    (
                        Cell(figures.machine, detail=figures.device),
                        Cell(lane_title(panel.lane)),
                        Cell(f"{100 * panel.delta:.1f} %", round(panel.delta, 5)),
                        Cell(f"{found:.1f} %" if math.isfinite(found) else "–"),
                    )
                )
    if not rows:
        return None
    columns = (
        Column("Machine"),
        Column("Lane"),
        Column("No practical difference up to", number=True),
        Column("Found 4 times in 5 from", number=True),
    )
    return Table("Smallest differences", columns, tuple(rows))
