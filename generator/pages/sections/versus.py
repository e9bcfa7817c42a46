"""Pure: the same program in eager mode and as a graph: speed, memory, break-even, batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from markupsafe import Markup

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.labels import lane_label, lane_title
from generator.analysis.panels import Contrast, Figures, Panel, Row
from generator.formatting import quantity
from generator.pages import question_page, sweep_page
from generator.pages.charts.marks import Mark
from generator.pages.findings import evidence, ratio_interval
from generator.pages.inputs import finite
from generator.pages.question_page import Block, View
from generator.pages.sweep_page import Curve, Values, curve_cell, points_of
from generator.pages.tables import Badge, Cell, Column, Table, number, table, table_if_any

STEPS_PER_EPOCH = 60_000 // 64
"""An epoch is one pass over MNIST's 60,000 training digits in whole batches of 64."""

LANE = Column("Lane", narrow=True)


def make(view: View) -> tuple[list[str], list[Block]]:
    """Return the findings and the blocks of a device."""
    speed = models.contrasts(view.figures.find("lenet", "step_time"))
    if not speed:
        return [], []
    name = view.anchor(view.section.id)
    gains = [
        Mark(
            contrast.graph.configuration.label,
            contrast.graph.configuration.framework_name,
            lane_title(contrast.panel.lane),
            gain.value,
            finite(gain.low),
            finite(gain.high),
            formatting.times(1 / contrast.ratio.value).replace(" times", " ×"),
            tooltip=f"against {contrast.eager.configuration.mode_title}: {contrast.verdict}",
        )
        for contrast in speed
        for gain in (contrast.ratio.inverse(),)
    ]
    axis = {"axis": "speed as a graph / eager speed", "better": "higher"}
    blocks = [
        Block(
            "", "", "", (_pairs_table(speed, view.figures),),
            (view.intervals(name, _gain_title(speed), gains, **axis),),
            "Each row is one program, written once and executed twice. Points: ratio of speeds"
            " within shared blocks. Lines: 95 % intervals. Above 1 the graph is faster.",
        )
    ]  # fmt: skip
    if even := _even_table(speed, view.figures):
        text = (
            "A graph takes longer to start up and then gains on every step. The steps after which"
            " both have taken equally long, from an interpreter that starts with cold or warm"
            " compile caches:"
        )
        heading = "When has compiling paid for itself?"
        blocks.append(Block(heading, f"{name}-even", text, (even,)))
    if classes := _classes_table(view.figures):
        text = (
            "The article compared frameworks of two kinds. The best mode of each kind, whatever"
            " the framework:"
        )
        blocks.append(Block("Class against class", f"{name}-classes", text, (classes,)))
    blocks.append(_batches(view, name))
    return (
        _findings(speed, view.figures),
        [*blocks, *sweep_page.faults(view, "What the sweep did not reach")],
    )


context = partial(question_page.context, make=make, rows_of="lenet")


def _gain_title(speed: Sequence[Contrast]) -> str:
    faster = sum(contrast.verdict == "faster" for contrast in speed)
    slower = sum(contrast.verdict == "slower" for contrast in speed)
    return (
        f"As a graph, {faster} of {len(speed)} programs are faster than in eager mode, {slower}"
        " slower."
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
        texts.append(
            f"{less} of {len(memory)} graphs need less memory than the same program in eager mode."
        )
    return texts


def _where(contrast: Contrast) -> str:
    return f"{contrast.graph.configuration.label}, {lane_label(contrast.panel.lane)}"


def _ratio_cell(ratio: statistics.Ratio, verdict: str, better: str, worse: str) -> Cell:
    """Return a ratio with the verdict on it, in the words of its metric."""
    badge = {
        "faster": Badge("▲", better, "good"),
        "slower": Badge("▼", worse, "bad"),
        "equivalent": Badge("=", verdict, "none"),
    }.get(verdict, Badge("?", "not resolved", "middle"))
    interval = ratio_interval(ratio) or "one block"
    text = f"{ratio.value:.2f}\N{NO-BREAK SPACE}×"
    return Cell(text, round(ratio.value, 4), detail=interval, badge=badge)


def _pairs_table(speed: Sequence[Contrast], figures: Figures) -> Table:
    memory = {_place(c): c for c in models.contrasts(figures.find("memory", "peak_rss"))}
    rows = []
    for contrast in speed:
        one, other = contrast.graph.configuration, contrast.eager.configuration
        graph, eager = contrast.graph.summary, contrast.eager.summary
        assert graph
        assert eager
        bytes_ = memory.get(_place(contrast))
        rows.append(
            (
                Cell(one.label, detail=f"{one.release}, against {other.mode_title}"),
                Cell(lane_title(contrast.panel.lane)),
                _ratio_cell(contrast.ratio.inverse(), contrast.verdict, "faster", "slower"),
                Cell(
                    quantity(graph.value, "s"),
                    round(graph.value, 7),
                    evidence("lenet", one, contrast.panel),
                    f"eager {quantity(eager.value, 's')}",
                ),
                _ratio_cell(bytes_.ratio, bytes_.verdict, "less", "more") if bytes_ else Cell("–"),
            )
        )
    columns = (
        "Graph", LANE, "Speed, graph / eager", number("Step as a graph"),
        "Memory, graph / eager",
    )  # fmt: skip
    return table("The same program as a graph and in eager mode", columns, rows)


def _place(contrast: Contrast) -> tuple[str, str, str, str]:
    one = contrast.graph.configuration
    return one.framework, one.version, one.mode, contrast.panel.lane


def _even_table(speed: Sequence[Contrast], figures: Figures) -> Table | None:
    """Return after how many steps a longer start-up is paid for, cold and warm."""
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
                _difference_cell(late - early, 6, evidence("compile", one, ready.panel)),
                _difference_cell(step - plain, 9, evidence("lenet", one, contrast.panel)),
                _even_cell(late - early, plain - step, contrast.verdict),
            )
        )
    columns = (
        "Graph", LANE, "Caches", number("Start-up longer by"), number("Each step differs by"),
        "Paid for after",
    )  # fmt: skip
    return table_if_any("Break-even", columns, rows)


def _difference_cell(seconds: float, digits: int, link: str) -> Cell:
    sign = "+" if seconds > 0 else "−"
    return Cell(f"{sign}{quantity(abs(seconds), 's')}", round(seconds, digits), link)


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
            "equivalent": "never: steps take equally long",
        }
        return Cell(words.get(verdict, f"not known: {verdict}"), sort=1e12)
    steps = break_even(later, gain)
    if steps == 0:
        return Cell("nothing: its start-up is no longer", sort=0.0)
    epochs = f"{formatting.figures(steps / STEPS_PER_EPOCH, 2)} epochs of MNIST"
    return Cell(formatting.plural(math.ceil(steps), "step"), round(steps, 1), detail=epochs)


def _classes_table(figures: Figures) -> Table | None:
    """Return the best of each class of modes against the best of the other, by lane."""
    rows = []
    for section, metric, what, words in (
        ("lenet", "step_time", "Step time", ("faster", "slower")),
        ("memory", "peak_rss", "Peak memory", ("less", "more")),
    ):
        for panel in figures.find(section, metric):
            best: dict[str, Row] = {}
            for row in panel.good:
                best.setdefault(row.configuration.kind, row)
            if {"symbolic", "imperative"} <= best.keys():
                graph, eager = best["symbolic"], best["imperative"]
                rows.append(
                    (
                        Cell(what),
                        Cell(lane_title(panel.lane)),
                        _best_cell(graph, panel),
                        _best_cell(eager, panel),
                        _ratio_cell(*panel.compare(graph, eager), *words),
                    )
                )
    columns = ("What", LANE, "Best graph", "Best eager", "Graph / eager")
    return table_if_any("Class against class", columns, rows, plain=True)


def _best_cell(row: Row, panel: Panel) -> Cell:
    assert row.summary
    return Cell(
        quantity(row.summary.value, panel.metric.unit),
        href=evidence(panel.section, row.configuration, panel),
        detail=row.configuration.label,
    )


# ------------------------------------------------------------------------------------- batch size


def _batches(view: View, name: str) -> Block:
    """Return the sweep over the batch size, or how to measure it."""
    found = sweep_page.curves("batch", view.section.id, view.catalog, view.figures)
    if not found:
        command = question_page.command(view.section)
        text = "The sweep over the batch size is part of the full profile: <code>{}</code>."
        return Block("", "", Markup(text).format(command))
    title = _batch_title(found)
    points = points_of(found, lambda curve: curve.steps, rate=True)
    axes = {"x": "images per step", "y": "images per second", "better": "higher"}
    return Block(
        "Batch size: dispatch or kernels", f"{name}-batch", title,
        (_batch_table(found, view.section.id),),
        (view.curves(f"{name}-batch", title, points, **axes),),
        sweep_page.caption(view)
        + " Where a curve ends early, the time of the sweep was spent; see below.",
    )  # fmt: skip


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


def _share(curve: Curve) -> float | None:
    """Return the share of dispatch in a step of 64 images."""
    split = dispatch(curve.steps)
    return split[0] / curve.steps[64][0] if split and 64 in curve.steps else None


def _batch_table(found: Sequence[Curve], section: str) -> Table:
    rows = []
    for curve in found:
        split, share = dispatch(curve.steps), _share(curve)
        cells = [Cell("–")] * 3
        if split and share is not None:
            cells = [Cell(quantity(seconds, "s"), round(seconds, 8)) for seconds in split]
            cells.append(Cell(f"{100 * share:.0f} %", round(share, 4)))
        steps = [curve_cell(curve.steps, batch) for batch in (1, 1024)]
        rows.append((sweep_page.name_cell(curve, section), *steps, *cells))
    numbers = (
        "Step of 1 image", "1,024 images", "Before the first image", "Each further image",
        "Share of the first at 64",
    )  # fmt: skip
    columns = [Column("Configuration"), *map(number, numbers)]
    return table("Steps by batch size", columns, rows)


def _batch_title(found: Sequence[Curve]) -> str:
    """Say whether dispatch decides at batch 64, by the shares of both classes."""
    shares: dict[str, list[float]] = {}
    for curve in found:
        if (share := _share(curve)) is not None:
            shares.setdefault(curve.configuration.kind, []).append(share)
    if not shares:
        return "Steps by batch size."
    words = {"imperative": "eager", "symbolic": "as a graph"}
    parts = [f"{_percents(mine)} {words[kind]}" for kind, mine in sorted(shares.items())]
    return "Of a step of 64 images, dispatch takes " + ", ".join(parts) + "."


def _percents(shares: Sequence[float]) -> str:
    low, high = (f"{100 * end:.0f}" for end in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"
