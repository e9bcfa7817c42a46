"""Pure: the same program at once and as a graph: speed, memory, break-even, batch size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.labels import lane_title, lane_words
from generator.analysis.panels import Contrast, Figures, Panel, Row
from generator.formatting import quantity
from generator.pages.charts import intervals, marks
from generator.pages.charts.curves import curves as curves_chart
from generator.pages.findings import evidence
from generator.pages.inputs import Picture, claim_views, heading_of, main_figures, measured_on
from generator.pages.markdown import escape
from generator.pages.sweep_page import (
    Curve,
    Values,
    caption,
    curve_cell,
    curves,
    faults_table,
    name_cell,
    points_of,
)
from generator.pages.tables import Badge, Cell, Column, Table
from generator.pages.urls import slug

if TYPE_CHECKING:
    from generator.catalog.model import Catalog, Section
    from generator.pages.inputs import Draw, Inputs

STEPS_PER_EPOCH = 60_000 // 64
"""An epoch is one pass over MNIST's 60,000 training digits in whole batches of 64."""


@dataclass(frozen=True)
class SweepView:
    """The sweep over the batch size: its finding, chart and table."""

    finding: str
    picture: Picture
    caption: str
    table: Table


@dataclass(frozen=True)
class DeviceView:
    """What the page says about one device of one machine."""

    heading: str
    anchor: str
    byline: str
    findings: tuple[Markup, ...]
    picture: Picture | None
    caption: str
    pairs: Table
    even: Table | None
    classes: Table | None
    sweep: SweepView | None
    faults: Table | None


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    views: list[DeviceView] = []
    for place in inputs.measured():
        speed = models.contrasts(known[place].find("lenet", "step_time"))
        if speed:
            heading = heading_of(inputs, *place, first=not views)
            views.append(_view(section, inputs, known[place], speed, heading, draw))
    return {
        "title": section.title,
        "description": section.question,
        "question": section.question,
        "views": views,
        "claims": claim_views(inputs.book, section.id, main_figures(inputs, known)),
        "command": f"generator measure --profile full --section {section.id}",
    }


def _view(
    section: Section,
    inputs: Inputs,
    figures: Figures,
    speed: Sequence[Contrast],
    heading: str,
    draw: Draw,
) -> DeviceView:
    name = f"versus-{figures.device}-{slug(figures.machine)}"
    gains = [
        marks.Mark(
            contrast.graph.configuration.label,
            contrast.graph.configuration.framework_name,
            lane_title(contrast.panel.lane),
            *_finite(contrast.ratio.inverse()),
            formatting.times(1 / contrast.ratio.value).replace(" times", " ×"),
            tooltip=f"against {contrast.eager.configuration.mode_title}: {contrast.verdict}",
        )
        for contrast in speed
    ]
    chart = intervals.intervals(
        name, _gain_title(speed), gains, axis="speed as a graph / speed at once",
        frameworks=[f.name for f in inputs.catalog.frameworks], better="higher",
    )  # fmt: skip
    return DeviceView(
        heading,
        name,
        measured_on(inputs, figures),
        tuple(Markup("{}\n").format(escape(text)) for text in _findings(speed, figures)),
        draw(chart),
        "Each row is one program, written once and executed twice. Points: ratio of speeds within"
        " shared blocks. Lines: 95 % intervals. Above 1 the graph is faster.",
        _pairs_table(speed, figures),
        _even_table(speed, figures),
        _classes_table(figures),
        _sweep(section, inputs.catalog, figures, name, draw),
        faults_table(section, inputs, figures),
    )


def _finite(ratio: statistics.Ratio) -> tuple[float, float | None, float | None]:
    ends = [end if math.isfinite(end) else None for end in (ratio.low, ratio.high)]
    return ratio.value, ends[0], ends[1]


def _gain_title(speed: Sequence[Contrast]) -> str:
    faster = sum(contrast.verdict == "faster" for contrast in speed)
    slower = sum(contrast.verdict == "slower" for contrast in speed)
    return (
        f"As a graph, {faster} of {len(speed)} programs are faster than at once, {slower} slower."
    )


def _findings(speed: Sequence[Contrast], figures: Figures) -> list[str]:
    best = min(speed, key=lambda contrast: contrast.ratio.value)
    worst = max(speed, key=lambda contrast: contrast.ratio.value)
    texts = [
        _gain_title(speed)
        + f" The gain goes from {1 / worst.ratio.value:.2f} × ({_where(worst)}) to"
        f" {1 / best.ratio.value:.2f} × ({_where(best)})."
    ]
    memory = models.contrasts(figures.find("memory", "peak_rss"))
    if memory:
        less = sum(contrast.verdict == "faster" for contrast in memory)  # "less", for bytes
        texts.append(f"{less} of {len(memory)} graphs need less memory than the same at once.")
    return texts


def _where(contrast: Contrast) -> str:
    return f"{contrast.graph.configuration.label}, {lane_words(contrast.panel.lane)}"


def _verdict(verdict: str, better: str, worse: str) -> Badge:
    return {
        "faster": Badge("▲", better, "good"),
        "slower": Badge("▼", worse, "bad"),
        "no practical difference": Badge("=", verdict, "none"),
    }.get(verdict, Badge("?", "unresolved", "middle"))


def _ratio_cell(ratio: statistics.Ratio, badge: Badge) -> Cell:
    interval = f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else "one block"
    text = f"{ratio.value:.2f}\N{NO-BREAK SPACE}×"
    return Cell(text, round(ratio.value, 4), detail=interval, badge=badge)


def _pairs_table(speed: Sequence[Contrast], figures: Figures) -> Table:
    memory = {_place(c): c for c in models.contrasts(figures.find("memory", "peak_rss"))}
    rows = []
    for contrast in speed:
        one = contrast.graph.configuration
        graph, eager = contrast.graph.summary, contrast.eager.summary
        assert graph
        assert eager
        bytes_ = memory.get(_place(contrast))
        rows.append(
            (
                Cell(
                    one.label,
                    detail=f"{one.release}, at once: {contrast.eager.configuration.mode_title}",
                ),
                Cell(lane_title(contrast.panel.lane)),
                _ratio_cell(
                    contrast.ratio.inverse(), _verdict(contrast.verdict, "faster", "slower")
                ),
                Cell(
                    quantity(graph.value, "s"),
                    round(graph.value, 7),
                    evidence("lenet", one, contrast.panel),
                    f"at once {quantity(eager.value, 's')}",
                ),
                _ratio_cell(bytes_.ratio, _verdict(bytes_.verdict, "less", "more"))
                if bytes_
                else Cell("–"),
            )
        )
    columns = (
        Column("Graph"),
        Column("Lane", narrow=True),
        Column("Speed, graph / at once"),
        Column("Step as a graph", number=True),
        Column("Memory, graph / at once"),
    )
    return Table("The same program as a graph and at once", columns, tuple(rows))


def _place(contrast: Contrast) -> tuple[str, str, str, str]:
    one = contrast.graph.configuration
    return one.framework, one.version, one.mode, contrast.panel.lane


def _even_table(speed: Sequence[Contrast], figures: Figures) -> Table | None:
    """Return after how many steps the time until ready is paid for, cold and warm."""
    steps = {_place(contrast): contrast for contrast in speed}
    rows = []
    for ready in models.contrasts(figures.find("compile", "ready_time")):
        contrast = steps.get(_place(ready))
        if contrast is None:
            continue
        values = (ready.graph, ready.eager, contrast.graph, contrast.eager)
        late, early, step, plain = (row.summary.value for row in values if row.summary)
        one = ready.graph.configuration
        rows.append(
            (
                Cell(one.label, detail=one.release),
                Cell(lane_title(ready.panel.lane)),
                Cell(ready.panel.case),
                Cell(f"{'+' if late > early else '−'}{quantity(abs(late - early), 's')}",
                     round(late - early, 6), evidence("compile", one, ready.panel)),
                Cell(f"{'−' if step < plain else '+'}{quantity(abs(step - plain), 's')}",
                     round(step - plain, 9), evidence("lenet", one, contrast.panel)),
                _even_cell(late - early, plain - step, contrast.verdict),
            )
        )  # fmt: skip
    if not rows:
        return None
    columns = (
        Column("Graph"),
        Column("Lane", narrow=True),
        Column("Caches"),
        Column("Ready later by", number=True),
        Column("Each step differs by", number=True),
        Column("Paid for after"),
    )
    return Table("Break-even", columns, tuple(rows))


def break_even(later: float, gain: float) -> float:
    """Return the steps after which a later start is paid for by a gain per step, both in seconds.

    0 when it starts no later; infinite when there is no gain.
    """
    if later <= 0 and gain >= 0:
        return 0.0
    return later / gain if gain > 0 else math.inf


def _even_cell(later: float, gain: float, verdict: str) -> Cell:
    if verdict != "faster":
        words = {
            "slower": "never: each step is slower",
            "no practical difference": "never: steps take equally long",
        }
        return Cell(words.get(verdict, f"not known: {verdict}"), sort=1e12)
    steps = break_even(later, gain)
    if steps == 0:
        return Cell("nothing: it is ready no later", sort=0.0)
    epochs = steps / STEPS_PER_EPOCH
    return Cell(
        formatting.plural(math.ceil(steps), "step"),
        round(steps, 1),
        detail=f"{formatting.figures(epochs, 2)} epochs of MNIST",
    )


def _classes_table(figures: Figures) -> Table | None:
    """Return the best of each class of modes against the best of the other, by lane."""
    rows = []
    for panel in [*figures.find("lenet", "step_time"), *figures.find("memory", "peak_rss")]:
        best: dict[str, Row] = {}
        for row in panel.good:
            best.setdefault(row.configuration.kind, row)
        if not {"symbolic", "imperative"} <= best.keys():
            continue
        ratio, verdict = panel.compare(best["symbolic"], best["imperative"])
        words = ("faster", "slower") if panel.section == "lenet" else ("less", "more")
        rows.append(
            (
                Cell("Step time" if panel.section == "lenet" else "Peak memory"),
                Cell(lane_title(panel.lane)),
                *(_best_cell(best[kind], panel) for kind in ("symbolic", "imperative")),
                _ratio_cell(ratio, _verdict(verdict, *words)),
            )
        )
    if not rows:
        return None
    columns = (
        Column("What"),
        Column("Lane", narrow=True),
        Column("Best graph"),
        Column("Best at once"),
        Column("Graph / at once"),
    )
    return Table("Class against class", columns, tuple(rows), plain=True)


def _best_cell(row: Row, panel: Panel) -> Cell:
    assert row.summary
    return Cell(
        quantity(row.summary.value, panel.metric.unit),
        href=evidence(panel.section, row.configuration, panel),
        detail=row.configuration.label,
    )


# ------------------------------------------------------------------------------------- batch size


def _sweep(
    section: Section, catalog: Catalog, figures: Figures, name: str, draw: Draw
) -> SweepView | None:
    found = curves("batch", section.id, catalog, figures)
    if not found:
        return None
    title = _batch_title(found)
    chart = curves_chart(
        f"{name}-batch", title, points_of(found, lambda curve: curve.steps, rate=True),
        x="images per step", y="images per second", better="higher",
    )  # fmt: skip
    return SweepView(
        title,
        draw(chart),
        caption(section, figures)
        + " Where a curve ends early, the time of the sweep was spent; see below.",
        _batch_table(found, section.id),
    )


def dispatch(steps: Values) -> tuple[float, float] | None:
    """Return (seconds that a step costs before its first image, seconds of each further image).

    The second is the slope between the two largest batches, where kernels are busy; the first is
    what a batch of one takes beyond it. None where batch 1 or a second large batch is missing.
    """
    large = [batch for batch in steps if batch >= 64]
    if 1 not in steps or len(large) < 2:
        return None
    a, b = large[-2:]
    each = (steps[b][0] - steps[a][0]) / (b - a)
    return max(0.0, steps[1][0] - each), each


def _batch_table(found: Sequence[Curve], section: str) -> Table:
    rows = []
    for curve in found:
        split = dispatch(curve.steps)
        cells = [curve_cell(curve.steps, batch) for batch in (1, 1024)]
        if split and 64 in curve.steps:
            share = split[0] / curve.steps[64][0]
            cells += [
                Cell(quantity(split[0], "s"), round(split[0], 8)),
                Cell(quantity(split[1], "s"), round(split[1], 8)),
                Cell(f"{100 * share:.0f} %", round(share, 4)),
            ]
        else:
            cells += [Cell("–")] * 3
        rows.append((name_cell(curve, section), *cells))
    columns = (
        Column("Configuration"),
        Column("Step of 1 image", number=True),
        Column("1,024 images", number=True),
        Column("Before the first image", number=True),
        Column("Each further image", number=True),
        Column("Share of the first at 64", number=True),
    )
    return Table("Steps by batch size", columns, tuple(rows))


def _batch_title(found: Sequence[Curve]) -> str:
    """Say whether dispatch decides at batch 64, by the shares of both classes."""
    shares: dict[str, list[float]] = {}
    for curve in found:
        split = dispatch(curve.steps)
        if split and 64 in curve.steps:
            share = split[0] / curve.steps[64][0]
            shares.setdefault(curve.configuration.kind, []).append(share)
    if not shares:
        return "Steps by batch size."
    words = {"imperative": "at once", "symbolic": "as a graph"}
    parts = [f"{_percents(found)} {words[kind]}" for kind, found in sorted(shares.items())]
    return "Of a step of 64 images, dispatch takes " + ", ".join(parts) + "."


def _percents(shares: Sequence[float]) -> str:
    low, high = (f"{100 * end:.0f}" for end in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"
