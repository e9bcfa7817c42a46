"""Pure: a training step driven from R, against the same step in Python."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from generator import formatting
from generator.analysis import cells, statistics
from generator.analysis import panels as models
from generator.analysis.panels import Configuration, Figures
from generator.catalog.model import Section
from generator.pages.findings import counted, judged, plain_summary
from generator.pages.inputs import Inputs
from generator.pages.parts import Block, Part, opened
from generator.pages.question_page import ratio_cell
from generator.pages.section_page import section_context
from generator.pages.tables import DASH, Cell, figure, number, table


class Overhead(NamedTuple):
    """A step driven from R against the same step driven from Python."""

    configuration: Configuration
    ratio: statistics.Ratio
    """Seconds in R / in Python."""
    verdict: str
    r: cells.Cell
    python: cells.Cell


def own(section: Section, inputs: Inputs, figures: Figures, part: Part) -> Part:
    """Open with R against Python; how fast a step is, framework by framework, is folded."""
    found = overheads(section.id, inputs, figures)
    if not found:
        return part
    rows = []
    for one, ratio, verdict, r, python in found:
        lines = figures.cells.get(r.key._replace(metric="lines"))
        rows.append(
            {
                "Framework": Cell(one.framework_name, detail=f"{one.release}, {one.mode_title}"),
                number("Time in R / in Python"): ratio_cell(ratio, verdict),
                number("Step in R"): figure(plain_summary(r)[:1], "s"),
                number("Step in Python"): figure(plain_summary(python)[:1], "s"),
                number("Lines of R"): figure(plain_summary(lines)[:1], "count") if lines else DASH,
            }
        )
    verdicts = [judged(one.ratio, one.verdict) for one in found]
    lead = formatting.listing([one.configuration.framework_name for one in found])
    counts = counted(verdicts, "faster than in Python", "slower", "framework")
    text = f"{lead} can be driven from R. A step is {counts}."
    across = _ACROSS if any(one.ratio.across for one in found) else _SAME
    shown = Block("", "what-r-costs", "", (table("R against Python", rows),))
    foot = f"{across} {part.blocks[0].caption}"
    heading = "How fast a step driven from R is"
    return opened(part, heading, lead=lead, answer=text, foot=foot, blocks=(shown,))


_SAME = "Both ran in the same blocks and drive the same mode."
_ACROSS = (
    "Across runs: Python was measured in another run, by the program of LeNet's own page. Its"
    " batches are in place, nobody reads its losses, and it may be compiled where R's is not."
)

context = partial(section_context, own=own)


def overheads(section: str, inputs: Inputs, figures: Figures) -> list[Overhead]:
    """Return every step driven from R that was driven from Python as well, the cheapest first.

    The intervals hold for all of them together. Where Python was not measured in the same blocks,
    as in older runs, LeNet's step of another run stands for it.
    """
    pairs = {}
    for key in figures.cells:
        if (key.section, key.metric) == (section, "step_time") and not cells.is_again(key):
            here = key._replace(metric="python_step_time")
            python = here if here in figures.cells else key._replace(section="lenet")
            if python in figures.cells:
                pairs[key] = python
    both = {key: figures.cells[key] for pair in pairs.items() for key in pair}
    differing = ("framework", "version", "mode", "section", "metric")
    known, noises = cells.fitted(both, inputs.spreads, differing), cells.aa_noises(figures.cells)
    found = []
    for key, python in pairs.items():
        ratio = cells.compare(known[key], known[python], inputs.spreads)
        noise = cells.larger_noise(noises, key, *([python] if ratio.across else []))
        one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
        verdict = statistics.verdict(ratio, noise)
        found.append(Overhead(one, ratio, verdict, known[key], known[python]))
    return sorted(found, key=lambda one: one.ratio.value)
