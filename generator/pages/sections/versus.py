"""Pure: the same program in eager mode and as a graph: speed, memory, break-even, batch size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from markupsafe import Markup

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.labels import LANES, lane_label
from generator.analysis.panels import Contrast, Panel, Row, both_ways
from generator.formatting import quantity
from generator.pages import question_page, sweep_page
from generator.pages.charts import intervals, lines
from generator.pages.charts.marks import Mark
from generator.pages.findings import counted, evidence, judged, ratio_interval, ratio_text
from generator.pages.parts import Block
from generator.pages.question_page import View, ratio_cell
from generator.pages.sweep_page import Curve, Values, curve_cell, points_of
from generator.pages.tables import DASH, Cell, Rows, figure, number, percent, tabled

STEPS_PER_EPOCH = 60_000 // 64
"""An epoch is one pass over MNIST's 60,000 training digits in whole batches of 64."""


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a lane."""
    speed, memory = _contrasts(view, "lenet"), _contrasts(view, "memory")
    if not speed:
        return ("", ""), [], []
    name = view.anchor(view.section.id)
    gains = [
        Mark(
            contrast.graph.configuration.label,
            contrast.graph.configuration.framework_name,
            "",
            gain.value,
            gain.low,
            gain.high,
            formatting.times(gain.value).replace(" times", " ×"),
            tooltip=f"against {contrast.eager.configuration.mode_title}: {contrast.verdict}",
        )
        for contrast in sorted(speed, key=lambda contrast: contrast.ratio.value)
        for gain in (contrast.ratio.inverse(),)
    ]
    verdicts = [judged(contrast.ratio, contrast.verdict) for contrast in speed]
    counts = counted(verdicts, "faster than eager mode", "slower", "program")
    answer = f"On {lane_label(view.lane)}, training as a graph is {counts}."
    ends = _ends(speed, "gain", "loss", lambda ratio: ratio_text(ratio.inverse(), "as fast"))
    bullets = ends[1:]
    if memory:
        verdicts = [judged(contrast.ratio, contrast.verdict) for contrast in memory]
        counts = counted(verdicts, "less memory", "more", "program")
        bullets.append(f"Above what import took, graphs need {counts}.")
        bullets += _ends(memory, "saving", "increase", lambda ratio: ratio_text(ratio, "as much"))
    chart = intervals.intervals(
        name, (ends or [answer])[0], gains, measure="speed as a graph / eager speed",
        looks=view.catalog.looks, better="higher",
    )  # fmt: skip
    blocks = [
        Block(
            "", "", "", (), (view.inputs.draw(chart),),
            "Each row is one program, written once and executed twice; above 1 the graph is faster."
            " Points: ratio of speeds within shared blocks. Lines: 95 % intervals that hold for all"
            " rows together; without a line: one process.",
        ),
        Block("All figures", f"{name}-all", "", (_pairs_table(speed, memory),)),
    ]  # fmt: skip
    blocks += [
        Block(
            "When has compiling paid for itself?",
            f"{name}-even",
            "Most graphs take longer to start up, and may gain on every step. The last column"
            " estimates after how many steps both have taken equally long, from the start of the"
            " interpreter. Its range is that of the two intervals together; where either comparison"
            " is not resolved, there is no number.",
            (_even_table(speed, _contrasts(view, "compile")),),
        ),
        Block(
            "The best graph against the best eager mode",
            f"{name}-classes",
            "The article compared frameworks of two kinds. Here the best estimate of each kind is"
            " compared, whatever the framework.",
            (_classes_table(view),),
        ),
    ]
    if view.lane == lanes(replace(view, lane=""))[0]:  # the sweep has one lane of its own
        blocks += [
            _batches(view, name),
            sweep_page.faults(view, "Batch sizes that were not reached"),
        ]
    return ("", answer), bullets, blocks


def lanes(view: View) -> list[str]:
    """Return the lanes with programs that run both ways, the main one first."""
    found = {contrast.panel.lane for contrast in _contrasts(view, "lenet")}
    return sorted(found, key=lambda lane: models.index_of([*LANES], lane))


_PREFACE = Markup(
    "Each of the article's pros and cons has a rule that decides by the rows of this site; open"
    " *How this is tested* to read it. A comparison that is not resolved neither confirms nor"
    " refutes. [How a verdict comes about](then_and_now.md#how-a-verdict-comes-about)"
)

context = partial(question_page.context, make=make, lanes=lanes, rows_of="lenet", preface=_PREFACE)


def _contrasts(view: View, section: str) -> tuple[Contrast, ...]:
    """Return the contrasts of a section's headline."""
    return both_ways(_panels(view, section))


def _panels(view: View, section: str) -> tuple[Panel, ...]:
    metric = models.headline(view.catalog.section(section))
    found = view.figures.find(section, metric.id)
    return tuple(panel for panel in found if view.lane in ("", panel.lane))


def _ends(
    contrasts: Sequence[Contrast], best: str, worst: str, text: Callable[[statistics.Ratio], str]
) -> list[str]:
    """Name the best and the worst program among those that differ, a sentence each."""
    said = []
    for verdict, what, pick in (("faster", best, min), ("slower", worst, max)):
        found = [contrast for contrast in contrasts if contrast.verdict == verdict]
        if found:
            end = pick(found, key=lambda contrast: contrast.ratio.value)
            graph, eager = _shown(end)
            said.append(
                f"The largest resolved {what}: {end.graph.configuration.label}, {text(end.ratio)},"
                f" {graph} against {eager}."
            )
    return said


def _shown(contrast: Contrast) -> tuple[str, str]:
    """Return the values of a graph and of eager execution as text."""
    unit = contrast.panel.metric.unit
    values = [row.summary.value for row in (contrast.graph, contrast.eager) if row.summary]
    graph, eager = (quantity(value, unit) for value in values)
    return graph, eager


@tabled("The same program as a graph and in eager mode")
def _pairs_table(speed: Sequence[Contrast], memory: Sequence[Contrast]) -> Rows:
    memories = {_place(contrast): contrast for contrast in memory}
    for contrast in speed:
        one, other = contrast.graph.configuration, contrast.eager.configuration
        found = memories.get(_place(contrast))
        yield {
            "Graph": Cell(one.label, detail=f"{one.release}, against {other.mode_title}"),
            "Speed, graph / eager": ratio_cell(contrast.ratio.inverse(), contrast.verdict),
            number("Step as a graph"): _value_cell(contrast),
            "Memory, graph / eager": ratio_cell(found.ratio, found.verdict, ("less", "more"))
            if found
            else DASH,
            number("Memory as a graph"): _value_cell(found) if found else DASH,
        }


def _value_cell(contrast: Contrast) -> Cell:
    return _best_cell(contrast.graph, contrast.panel, f"eager {_shown(contrast)[1]}")


def _place(contrast: Contrast) -> tuple[str, str, str, str]:
    one = contrast.graph.configuration
    return one.framework, one.version, one.mode, contrast.panel.lane


@tabled("Break-even")
def _even_table(speed: Sequence[Contrast], ready: Sequence[Contrast]) -> Rows:
    """Return after how many steps a longer start-up is paid for, cold and warm."""
    steps = {_place(contrast): contrast for contrast in speed}
    for start in ready:
        step = steps.get(_place(start))
        if step is None:
            continue
        one = start.graph.configuration
        yield {
            "Graph": Cell(one.label, detail=one.release),
            "Caches": Cell(start.panel.case),
            number("Start-up longer by"): _difference_cell(start),
            number("Each step differs by"): _difference_cell(step),
            "Paid for after": _even_cell(start, step),
        }


def _difference_cell(contrast: Contrast) -> Cell:
    ratio, seconds = contrast.ratio, _later(contrast, contrast.ratio.value)
    sign = "+" if seconds > 0 else "−"
    link = evidence(contrast.panel.section, contrast.graph.configuration, contrast.panel)
    detail = f"{ratio.value:.2f} × ({ratio_interval(ratio) or 'no interval'})"
    return Cell(f"{sign}{quantity(abs(seconds), 's')}", seconds, link, detail)


def _later(contrast: Contrast, ratio: float) -> float:
    """Return the seconds that a graph takes longer than eager execution, at some ratio."""
    assert contrast.eager.summary
    return contrast.eager.summary.value * (ratio - 1)


def break_even(later: float, gain: float) -> float:
    """Return the steps after which a later start is paid for by a gain per step, both in seconds.

    0 when it starts no later; infinite when there is no gain.
    """
    if later <= 0 and gain >= 0:
        return 0.0
    return later / gain if gain > 0 else math.inf


def _even_cell(start: Contrast, step: Contrast) -> Cell:
    """Return the steps after which a graph has caught up, as far as both comparisons tell."""
    if step.verdict != "faster":
        words = {
            "slower": "never: each step is slower",
            "equivalent": "never: steps are equivalent",
        }
        return Cell(words.get(step.verdict, "not known: step time not resolved"), sort=1e12)
    if start.verdict in ("faster", "equivalent"):
        return Cell("the first step: start-up is not longer", sort=0.0)
    if start.verdict != "slower":
        return Cell("not known: start-up not resolved", sort=1e12)
    some, few, many = (
        break_even(_later(start, later), -_later(step, gain))
        for later, gain in (
            (start.ratio.value, step.ratio.value),
            (start.ratio.low, step.ratio.low),
            (start.ratio.high, step.ratio.high),
        )
    )
    text = f"about {formatting.plural(math.ceil(some), 'step')}"
    epochs = formatting.figures(some / STEPS_PER_EPOCH, 2)
    detail = f"{math.ceil(few):,} to {math.ceil(many):,}; {epochs} epochs of MNIST"
    return Cell(text, some, detail=detail)


@tabled("Class against class", plain=True)
def _classes_table(view: View) -> Rows:
    """Return the best of each class of modes against the best of the other, by lane."""
    for section, what, words in (
        ("lenet", "Step time", ("faster", "slower")),
        ("memory", "Peak above import", ("less", "more")),
    ):
        for panel in _panels(view, section):
            best: dict[str, Row] = {}
            for row in panel.ranked:
                best.setdefault(row.configuration.kind, row)
            if {"symbolic", "imperative"} <= best.keys():
                graph, eager = best["symbolic"], best["imperative"]
                yield {
                    "What": Cell(what),
                    "Best graph": _best_cell(graph, panel, graph.configuration.label),
                    "Best eager": _best_cell(eager, panel, eager.configuration.label),
                    "Graph / eager": ratio_cell(*panel.compare(graph, eager), words),
                }


def _best_cell(row: Row, panel: Panel, detail: str) -> Cell:
    assert row.summary
    link = evidence(panel.section, row.configuration, panel)
    return replace(figure([row.summary.value], panel.metric.unit, link), detail=detail)


# ------------------------------------------------------------------------------------- batch size


def _batches(view: View, name: str) -> Block:
    """Return the sweep over the batch size, or how to measure it."""
    found = sweep_page.curves("batch", view)
    if not found:
        command = question_page.command(view.section)
        text = "The sweep over the batch size is part of the full profile: <code>{}</code>."
        return Block("", "", Markup(text).format(command))
    title = _batch_title(found)
    points = points_of(found, lambda curve: curve.steps, None)
    chart = lines.curves(
        f"{name}-batch", title, points, measure="images per second", x="images per step",
        better="higher",
    )  # fmt: skip
    return Block(
        "By batch size: how much of a step is dispatch", f"{name}-batch",
        "Dispatch is what a batch of one takes beyond the price of an image in large batches.",
        (_batch_table(found, view.section.id),),
        (view.inputs.draw(chart),),
        sweep_page.caption(view)
        + " Where a curve ends early, the time of the sweep was spent. The last three columns are"
        " estimates from the times of 1, 256 and 1,024 images, without intervals.",
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


@tabled("Steps by batch size")
def _batch_table(found: Sequence[Curve], section: str) -> Rows:
    for curve in found:
        split, share = dispatch(curve.steps), _share(curve)
        known = share is not None and split
        yield {
            "Configuration": sweep_page.name_cell(curve, section),
            number("Step of 1 image"): curve_cell(curve.steps, 1),
            number("1,024 images"): curve_cell(curve.steps, 1024),
            number("Before the first image"): figure(known[:1], "s") if known else DASH,
            number("Each further image"): figure(known[1:], "s") if known else DASH,
            number("Dispatch at 64 images"): DASH if share is None else percent(share),
        }


def _batch_title(found: Sequence[Curve]) -> str:
    """Say whether dispatch decides at batch 64, by the shares of both classes."""
    shares: dict[str, list[float]] = {}
    for curve in found:
        if (share := _share(curve)) is not None:
            shares.setdefault(curve.configuration.kind, []).append(share)
    if not shares:
        return "Steps by batch size."
    words = {"imperative": "in eager mode", "symbolic": "as a graph"}
    parts = [f"{_percents(mine)} {words[kind]}" for kind, mine in sorted(shares.items())]
    return f"Estimated share of dispatch in a step of 64 images: {', '.join(parts)}."


def _percents(shares: Sequence[float]) -> str:
    low, high = (f"{100 * end:.0f}" for end in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"
