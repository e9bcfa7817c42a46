"""Pure: the same program at once and as a graph: speed, memory, break-even, batch size, depth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from generator import charts, statistics, tables
from generator import figures as models
from generator.claims import lane_words
from generator.figures import Contrast, Figures, Panel, Row, slug
from generator.markup import escape
from generator.pages import Picture, claim_views, main_figures
from generator.tables import Badge, Cell, Column, Table, badge, quantity
from generator.words import DEVICES, evidence, lane_title, machine_words, plain_summary

if TYPE_CHECKING:
    from generator.catalog import Catalog, Section
    from generator.pages import Draw, Inputs

STEPS_PER_EPOCH = 60_000 // 64
"""An epoch is one pass over MNIST's 60,000 training digits in whole batches of 64."""


@dataclass(frozen=True)
class SweepView:
    """One axis that was swept: its finding, charts and table."""

    title: str
    anchor: str
    finding: str
    pictures: tuple[Picture, ...]
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
    sweeps: tuple[SweepView, ...]
    faults: Table | None


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    views: list[DeviceView] = []
    for machine in inputs.machines:
        for device in inputs.devices(machine):
            figures = known[machine, device]
            speed = models.contrasts(figures.find("lenet", "step_time"))
            if speed:
                heading = "" if not views else machine_words(inputs.document(machine))
                if len(inputs.devices(machine)) > 1:
                    heading = f"{heading} {DEVICES.get(device, device)}".strip()
                views.append(_view(section, inputs, figures, speed, heading, draw))
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
    document = inputs.document(figures.machine, figures.device)
    name = f"versus-{figures.device}-{slug(figures.machine)}"
    gains = [
        charts.Mark(
            contrast.graph.configuration.label,
            contrast.graph.configuration.framework_name,
            lane_title(contrast.panel.lane),
            *_finite(contrast.ratio.inverse()),
            tables.times(1 / contrast.ratio.value).replace(" times", " ×"),
            tooltip=f"against {contrast.eager.configuration.mode_title}: {contrast.verdict}",
        )
        for contrast in speed
    ]
    chart = charts.intervals(
        name, _gain_title(speed), gains, axis="speed as a graph / speed at once",
        frameworks=[f.name for f in inputs.catalog.frameworks], better="higher",
    )  # fmt: skip
    sweeps = [
        found
        for axis in (_BATCH, _DEPTH)
        if (found := _sweep(axis, section, inputs.catalog, figures, name, draw))
    ]
    return DeviceView(
        heading,
        name,
        f"Measured on {machine_words(document)}, newest run {tables.day(document['run'])}.",
        tuple(Markup("{}\n").format(escape(text)) for text in _findings(speed, figures)),
        draw(chart),
        "Each row is one program, written once and executed twice. Points: ratio of speeds within"
        " shared blocks. Lines: 95 % intervals. Above 1 the graph is faster.",
        _pairs_table(speed, figures),
        _even_table(speed, figures),
        _classes_table(figures),
        tuple(sweeps),
        _faults_table(section, inputs, figures),
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
                Cell(one.label, detail=f"at once: {contrast.eager.configuration.mode_title}"),
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
                Cell(one.label),
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
        word = "never: it is slower" if verdict == "slower" else f"not known: {verdict}"
        return Cell(word, sort=1e12)
    steps = break_even(later, gain)
    if steps == 0:
        return Cell("at once", sort=0.0)
    epochs = steps / STEPS_PER_EPOCH
    return Cell(
        f"{tables.figures(math.ceil(steps), 3)} steps",
        round(steps, 1),
        detail=f"{tables.figures(epochs, 2)} epochs of MNIST",
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


# ------------------------------------------------------------------------------------------ sweeps


@dataclass(frozen=True)
class _Axis:
    """What is swept: "batch" or "depth", and how it is called."""

    id: str
    title: str
    x: str


_BATCH = _Axis("batch", "Batch size: dispatch or kernels", "images per step")
_DEPTH = _Axis("depth", "Depth: compile time and step", "convolutions")


@dataclass(frozen=True)
class _Curve:
    """The step and ready times of one configuration along an axis: x -> (value, low, high)."""

    configuration: models.Configuration
    steps: Mapping[int, tuple[float, float, float]]
    ready: Mapping[int, tuple[float, float, float]]


def _sweep(
    axis: _Axis, section: Section, catalog: Catalog, figures: Figures, name: str, draw: Draw
) -> SweepView | None:
    found = curves(axis.id, section.id, catalog, figures)
    if not found:
        return None
    pictures = []
    lane = next(key.lane for key in figures.cells if key.section == section.id)
    if axis.id == "batch":
        title = _batch_title(found)
        points = _points(found, lambda curve: curve.steps, rate=True)
        pictures = [
            charts.curves(f"{name}-batch", title, points, x=axis.x, y="images per second",
                          better="higher")
        ]  # fmt: skip
        table = _batch_table(found)
    else:
        title = _depth_title(found)
        pictures = [
            charts.curves(
                f"{name}-depth-ready", title, _points(found, lambda curve: curve.ready),
                x=axis.x, y="seconds until ready", better="lower",
            ),
            charts.curves(
                f"{name}-depth-step", "What a step costs as the network gets deeper.",
                _points(found, lambda curve: curve.steps, scale=1e3),
                x=axis.x, y="ms per step", better="lower",
            ),
        ]  # fmt: skip
        table = _depth_table(found)
    return SweepView(
        axis.title,
        f"{name}-{axis.id}",
        title,
        tuple(draw(chart) for chart in pictures),
        f"{lane_title(lane)}, empty compile caches. Solid: as a graph. Dashed: at once. Where a"
        " curve ends early, the time of the sweep was spent; see below.",
        table,
    )


def curves(axis: str, section: str, catalog: Catalog, figures: Figures) -> list[_Curve]:
    """Return the curves of an axis, those of a framework together."""
    found: dict[tuple[str, str, str], dict[str, dict[int, tuple[float, float, float]]]] = {}
    for key, cell in figures.cells.items():
        word, _, number = key.case.partition(" ")
        if key.section != section or word != axis or not number.isdigit():
            continue
        _, kind = key.metric.split("_", 1)
        place = found.setdefault((key.framework, key.version, key.mode), {})
        place.setdefault(kind, {})[int(number)] = plain_summary(cell)[:3]
    return [
        _Curve(
            models.configuration(catalog, *place),
            dict(sorted(curve.get("step_time", {}).items())),
            dict(sorted(curve.get("ready_time", {}).items())),
        )
        for place, curve in sorted(found.items())
    ]


def _points(
    found: Iterable[_Curve],
    values: Any,
    *,
    rate: bool = False,
    scale: float = 1.0,
) -> list[charts.Point]:
    points = []
    for curve in found:
        one = curve.configuration
        for x, numbers in values(curve).items():
            y, low, high = (x / n if rate else scale * n for n in numbers)
            if rate:
                low, high = high, low
            text = f"{tables.figures(y, 3)} images/s" if rate else quantity(numbers[0], "s")
            points.append(
                charts.Point(
                    one.framework_name, one.mode_title, one.kind, x, y,
                    low if math.isfinite(low) else None, high if math.isfinite(high) else None,
                    text,
                )
            )  # fmt: skip
    return points


def dispatch(steps: Mapping[int, tuple[float, float, float]]) -> tuple[float, float] | None:
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


def _batch_table(found: Sequence[_Curve]) -> Table:
    rows = []
    for curve in found:
        split = dispatch(curve.steps)
        cells = [_curve_cell(curve.steps, batch) for batch in (1, 1024)]
        if split and 64 in curve.steps:
            share = split[0] / curve.steps[64][0]
            cells += [
                Cell(quantity(split[0], "s"), round(split[0], 8)),
                Cell(quantity(split[1], "s"), round(split[1], 8)),
                Cell(f"{100 * share:.0f} %", round(share, 4)),
            ]
        else:
            cells += [Cell("–")] * 3
        rows.append((_name_cell(curve), *cells))
    columns = (
        Column("Configuration"),
        Column("Step of 1 image", number=True),
        Column("1,024 images", number=True),
        Column("Before the first image", number=True),
        Column("Each further image", number=True),
        Column("Share of the first at 64", number=True),
    )
    return Table("Steps by batch size", columns, tuple(rows))


def _depth_table(found: Sequence[_Curve]) -> Table:
    rows = []
    for curve in found:
        rows.append(
            (
                _name_cell(curve),
                *(_curve_cell(curve.ready, depth) for depth in (2, 8, 32)),
                _slope_cell(curve.ready),
                *(_curve_cell(curve.steps, depth) for depth in (2, 32)),
                _slope_cell(curve.steps),
            )
        )
    columns = (
        Column("Configuration"),
        *(Column(f"Ready, {depth} convolutions", number=True) for depth in (2, 8, 32)),
        Column("Ready, each further one", number=True),
        *(Column(f"Step, {depth} convolutions", number=True) for depth in (2, 32)),
        Column("Step, each further one", number=True),
    )
    return Table("Ready and steps by depth", columns, tuple(rows))


def _name_cell(curve: _Curve) -> Cell:
    one = curve.configuration
    kind = {"symbolic": "graph", "imperative": "at once"}.get(one.kind, one.kind)
    return Cell(one.label, detail=kind, href=f"evidence/versus-{one.framework}.md")


def _curve_cell(values: Mapping[int, tuple[float, float, float]], x: int) -> Cell:
    if x not in values:
        return Cell("–", detail="not reached")
    value, low, high = values[x]
    interval = tables.span(low, high, "s") if math.isfinite(low) and high > 1.0001 * low else ""
    return Cell(quantity(value, "s"), round(value, 8), detail=interval)


def _slope_cell(values: Mapping[int, tuple[float, float, float]]) -> Cell:
    each = slope(values)
    return Cell("–") if each is None else Cell(quantity(each, "s"), round(each, 8))


def slope(values: Mapping[int, tuple[float, float, float]]) -> float | None:
    """Return what each further convolution costs in seconds, from first to last depth."""
    if len(values) < 2:
        return None
    first, last = min(values), max(values)
    return (values[last][0] - values[first][0]) / (last - first)


def _batch_title(found: Sequence[_Curve]) -> str:
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


def _depth_title(found: Sequence[_Curve]) -> str:
    """Say which graph grows most with depth."""
    grown = {
        curve.configuration.label: each
        for curve in found
        if curve.configuration.kind == "symbolic" and (each := slope(curve.ready)) is not None
    }
    if not grown:
        return "Time until ready by depth."
    most = max(grown, key=lambda label: grown[label])
    least = min(grown, key=lambda label: grown[label])
    text = f"Each further convolution makes {most} ready {quantity(grown[most], 's')} later"
    return text + (f", {least} {quantity(grown[least], 's')}." if most != least else ".")


def _faults_table(section: Section, inputs: Inputs, figures: Figures) -> Table | None:
    shown = inputs.shown
    here = shown[
        (shown["machine"] == figures.machine)
        & (shown["device"] == figures.device)
        & (shown["section"] == section.id)
        & (shown["status"] != "ok")
    ]
    columns = ["framework", "version", "mode", "case", "status", "reason"]
    rows = []
    for framework, version, mode, case, status, reason in (
        here[columns].drop_duplicates(columns[:5]).astype(str).itertuples(index=False)
    ):
        one = models.configuration(inputs.catalog, framework, version, mode)
        rows.append(
            (
                Cell(one.label, href=f"evidence/{section.id}-{framework}.md"),
                Cell(case or "–"),
                Cell("", badge=badge(status)),
                Cell(reason),
            )
        )
    if not rows:
        return None
    titles = ("Configuration", "Case", "What happened", "Reason")
    return Table("What the sweeps did not reach", tuple(map(Column, titles)), tuple(rows))
