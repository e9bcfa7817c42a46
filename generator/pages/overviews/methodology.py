"""Pure: the rules of measuring, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from generator import formatting
from generator.analysis import aa_study, statistics
from generator.analysis import panels as models
from generator.analysis.cells import group_cells, replicates
from generator.analysis.labels import ESTIMATORS, lane_title, machine_label
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.charts.style import SERIES
from generator.pages.inputs import Inputs
from generator.pages.tables import Cell, Rows, number, percent, table, tabled

TITLE = "Methodology"
GROUP = "Evidence"
ORDER = 40


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    from measurements import gate, lenet

    columns = ("Precision", number("Scores"), number("Gradients"), number("Losses"))
    tolerances = (
        dict(zip(columns, (Cell(name), *(Cell(f"{x:g}", x) for x in tolerance)), strict=True))
        for name, tolerance in gate.TOLERANCES.items()
    )
    return {
        "title": "How is a figure made, and when is it believed?",
        "description": "What may be claimed from these figures, why, and where each rule is from.",
        "estimator": ESTIMATORS[statistics.ESTIMATOR],
        "study": _study(inputs),
        "noises": _noises_table(inputs),
        "simulated": _simulated_table(inputs.simulated),
        "spreads": _spreads_table(inputs),
        "tolerances": table("Tolerances of verification", tolerances),
        "target": f"{100 * lenet.ACCURACY_TARGET:.0f} %",
        "gate_steps": str(lenet.GATE_STEPS),
        "margin": f"{100 * statistics.MARGIN:.0f} %",
        "simulation": _simulation(inputs.simulated),
    }


def _study(inputs: Inputs) -> dict[str, Any] | None:
    """Return the A/A study as it is published, None where there is none."""
    pairs = [pair for _, pair in replicates(group_cells(inputs.study, "step_time"))]
    try:
        choice = aa_study.choose_estimator(pairs)
    except ValueError:
        return None
    lanes = list(dict.fromkeys(spread.lane for spread in choice.spreads))
    spreads = sorted(choice.spreads, key=lambda spread: lanes.index(spread.lane))
    titles = {lane: lane_title(lane) if lane else "All lanes together" for lane in lanes}
    marks = [
        Mark(
            ESTIMATORS[one.estimator], "identical runs", titles[one.lane], 100 * one.spread,
            100 * one.low, 100 * one.high, f"{100 * one.spread:.2f} %",
            tooltip=f"{one.replicates} × {one.blocks}",
        )
        for one in spreads
    ]  # fmt: skip
    rows = (
        {
            "Estimator": Cell(ESTIMATORS[one.estimator], strong=one.estimator == choice.estimator),
            "Lane": Cell(titles[one.lane]),
            number("Spread"): percent(one.spread, 2),
            number("95 % interval"): Cell(f"{100 * one.low:.2f} to {100 * one.high:.2f} %"),
            number("Bias"): Cell(f"{100 * one.bias:+.2f} %", one.bias),
            "From": Cell(f"{one.replicates} A/A replicates × {one.blocks} blocks"),
        }
        for one in spreads
    )
    chart = intervals.intervals(
        "aa-study", "How far identical runs lie apart, by estimator.", marks,
        measure="difference between identical runs in %", looks={"identical runs": SERIES[0]},
        better="lower", log=False,
    )  # fmt: skip
    return {
        "finding": _finding(choice),
        "chart": inputs.draw(chart),
        "caption": "Root mean square of the logarithm of the ratio of two identical runs in the"
        " same block; intervals by jackknife over blocks.",
        "table": table("The A/A study", rows),
        "origin": _origin(inputs),
    }


def _finding(choice: aa_study.Choice) -> str:
    best, used = ESTIMATORS[choice.estimator], ESTIMATORS[statistics.ESTIMATOR]
    against = choice.against_median[choice.estimator]
    text = "No lower quantile repeats reliably better than the median."
    if choice.estimator != "median":
        text = (
            f"The {best} repeats best: its spread between identical runs is"
            f" {against.value:.2f} × that of the median ({against.low:.2f} to {against.high:.2f})."
        )
    if best == used:
        return f"{text} The {best} is used on every page."
    return f"{text} These pages still use the {used}."


def _origin(inputs: Inputs) -> str:
    """Say where and when the A/A study was measured, and how quiet it was there."""
    runs = [inputs.documents[key] for key in sorted(set(inputs.study["provenance"].astype(str)))]
    blocks = inputs.study[inputs.study["metric"] == "foreign_load"]
    disturbed = blocks["flags"].astype(str).str.contains("disturbed").sum()
    machines = formatting.listing(sorted({machine_label(run) for run in runs}))
    dates = formatting.listing(sorted({formatting.day(run["run"]) for run in runs}))
    return (
        f"Measured on {machines}, {dates};"
        f" other programs disturbed {disturbed} of the {len(blocks)} processes."
    )


@tabled("A/A noise")
def _noises_table(inputs: Inputs) -> Rows:
    for figures in inputs.figures.values():
        for panel in figures.panels:
            if panel.good and panel.division == "closed" and panel.replicated:
                yield {
                    "Machine": Cell(figures.machine, detail=figures.device),
                    "Section": Cell(panel.section),
                    "Lane": Cell(lane_title(panel.lane), detail=panel.case),
                    number("A/A noise"): percent(panel.noise, 1),
                }


@tabled("Simulated panels")
def _simulated_table(simulated: Sequence[Mapping[str, str]]) -> Rows:
    for row in simulated:
        yield {
            "Configurations × blocks, noise": Cell(
                f"{row['modes']} × {row['blocks']}, {row['noise']}", detail=row["what"]
            ),
            number("A false loser"): percent(
                float(row["wrong"]), 1, f"at most {100 * float(row['wrong_upper']):.1f} %"
            ),
            number("20 % found"): percent(float(row["found"])),
        }


def _simulation(simulated: Sequence[Mapping[str, str]]) -> dict[str, str] | None:
    if not simulated:
        return None
    first = simulated[0]
    spread = f"{100 * float(first['spread']):.1f} %"
    return {"spread": spread, "trials": f"{int(first['trials']):,}", "seed": first["seed"]}


@tabled("Spread between runs")
def _spreads_table(inputs: Inputs) -> Rows:
    """Return how far repeated runs lie apart, for the headlines of sections."""
    headlines = {
        models.headline(section).id
        for section in inputs.catalog.sections
        if section.measured and not section.findings
    }
    for (machine, device, metric), spread in sorted(inputs.spreads.items()):
        if metric in headlines:
            yield {
                "Machine": Cell(machine, detail=device),
                "Metric": Cell(metric.replace("_", " ")),
                number("Spread from run to run"): percent(math.expm1(math.sqrt(spread.variance))),
                number("Runs"): Cell(f"{spread.degrees + 1:.0f}", float(spread.degrees)),
            }
