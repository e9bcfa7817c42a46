"""Pure: a training step driven from R, against the same step in Python."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.analysis import cells, statistics
from generator.analysis import panels as models
from generator.formatting import quantity
from generator.pages.findings import plain_summary, ratio_interval
from generator.pages.section_page import section_context
from generator.pages.tables import Cell, Column, number, table_if_any

if TYPE_CHECKING:
    from generator.analysis.panels import Configuration, Figures
    from generator.catalog.model import Section
    from generator.pages.inputs import Inputs


class Overhead(NamedTuple):
    """A step driven from R and the same step driven from Python; ``ratio`` is R / Python."""

    configuration: Configuration
    ratio: statistics.Ratio
    verdict: str
    r: cells.Cell
    python: cells.Cell


def more(section: Section, inputs: Inputs, figures: Figures) -> dict[str, Any]:
    """Return the table of R against Python, and whether any of it is across runs."""
    found = overheads(section.id, inputs, figures)
    rows = []
    for one, ratio, verdict, r, python in found:
        seconds = [plain_summary(cell)[0] for cell in (r, python)]
        text, runs = f"{ratio.value:.2f}\N{NO-BREAK SPACE}×", "across runs" if ratio.across else ""
        detail = ", ".join(filter(None, (ratio_interval(ratio), runs)))
        rows.append(
            (
                Cell(one.framework_name, detail=f"{one.release}, {one.mode_title}"),
                Cell(text, round(ratio.value, 4), detail=detail),
                *(Cell(quantity(value, "s"), round(value, 7)) for value in seconds),
                _lines(figures, r.key),
                Cell(verdict or "–"),
            )
        )
    numbers = ("Time in R / in Python", "Step in R", "Step in Python", "Lines of R")
    columns = [Column("Framework"), *map(number, numbers), Column("R is")]
    return {
        "overheads": table_if_any("R against Python", columns, rows),
        "across": any(one.ratio.across for one in found),
    }


context = partial(section_context, more=more)


def _lines(figures: Figures, key: cells.Key) -> Cell:
    cell = figures.cells.get(key._replace(metric="lines"))
    if cell is None:
        return Cell("–")
    count = plain_summary(cell)[0]
    return Cell(quantity(count, "count"), count)


def overheads(section: str, inputs: Inputs, figures: Figures) -> list[Overhead]:
    """Return every step driven from R that has a counterpart in Python, the cheapest first.

    Its counterpart ran in the same blocks. Older runs have none: there, it is LeNet's step of
    another run.
    """
    known, noises, found = figures.cells, cells.aa_noises(figures.cells), []
    for key, r in known.items():
        if (key.section, key.metric) != (section, "step_time") or cells.is_again(key):
            continue
        within = known.get(key._replace(metric="python_step_time"))
        python = within or known.get(key._replace(section="lenet"))
        if python is None:
            continue
        ratio = cells.compare(r, python, inputs.spreads)
        noise = cells.larger_noise(noises, key, *([] if within else [python.key]))
        verdict = statistics.verdict(ratio, noise) if math.isfinite(ratio.error) else ""
        one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
        found.append(Overhead(one, ratio, verdict, r, python))
    return sorted(found, key=lambda one: one.ratio.value)
