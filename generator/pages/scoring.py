"""Pure: figures -> how well each framework serves a need, and what suits a reader's weights.

A *score* lies between 0 and 1, with an interval. A total is the weighted mean of scores, and so
are its ends: all intervals are taken at their worst or their best together, which is wider than
chance would have it. What overlaps is tied, so nothing is called better than it was shown to be.

``docs/assets/chooser.js`` computes :func:`rank` again in the browser, in the same order of
additions; a browser test holds the two to the same groups.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator import formatting
from generator.analysis.panels import Figures, Panel, Row
from generator.catalog import freshness
from generator.measure import plan
from generator.pages import urls
from generator.pages.findings import evidence

if TYPE_CHECKING:
    from generator.catalog.model import Framework

MOST = 5
"""The largest weight; weights are whole numbers from 0."""


@dataclass(frozen=True)
class Score:
    """How well a framework serves one need: ``low <= value <= high``, all from 0 to 1.

    ``text`` says why, ``address`` is that of the evidence relative to ``docs/report/``, or "". What
    is not ``known`` was not measured, or once only: it may be anything.
    """

    value: float
    low: float
    high: float
    text: str
    address: str = ""
    known: bool = True


@dataclass(frozen=True)
class Rated:
    """What a score is computed from."""

    framework: Framework
    figures: Figures
    today: datetime.date


@dataclass(frozen=True)
class Need:
    """One thing that readers weigh; ``rule`` says what ``score`` does."""

    id: str
    title: str
    rule: str
    score: Callable[[Rated], Score]


@dataclass(frozen=True)
class Preset:
    """Weights for a purpose: need -> 0 to 5."""

    id: str
    title: str
    why: str
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Standing:
    """One framework under some weights; ``group`` 0 leads, -1 has no place."""

    framework: str
    value: float
    low: float
    high: float
    group: int = 0


Scores = Mapping[str, Mapping[str, Score]]
"""framework -> need -> score."""


# ------------------------------------------------------------------------------------------ scores


def _exactly(value: float, text: str, address: str = "") -> Score:
    return Score(value, value, value, text, address)


def _unknown(text: str, address: str = "", value: float = 0.5) -> Score:
    return Score(value, 0.0, 1.0, text, address, known=False)


_UNTESTED = "not measured here"


def _ranked(section: str, metric: str, case: str = "") -> Callable[[Rated], Score]:
    """Score by a measured time or size: that of the leader / that of the framework's best mode."""

    def score(rated: Rated) -> Score:
        lane = plan.PROFILES["quick"].lanes[rated.figures.device][0]
        panels = rated.figures.find(section, metric)
        panel = next((p for p in panels if (p.lane, p.case) == (lane, case)), None)
        if panel is None:
            return _unknown(_UNTESTED)
        rows = [r for r in panel.rows if r.configuration.framework == rated.framework.id]
        links = [evidence(section, row.configuration, panel) for row in rows]
        for row, link in zip(rows, links, strict=True):
            if row.summary is not None:
                return _against_leader(panel, row, row.summary.value, link)
        return _without(rows, links)

    return score


def _without(rows: Sequence[Row], links: Sequence[str]) -> Score:
    """Return the score of a framework none of whose rows has a value: 0 where it was tried."""
    for row, link in zip(rows, links, strict=True):
        if row.status != "skipped":
            return _exactly(0.0, formatting.STATUS_WORDS[row.status], link)
    if rows:
        return _unknown(formatting.STATUS_WORDS["skipped"], links[0])
    return _unknown(_UNTESTED)


def _against_leader(panel: Panel, row: Row, mine: float, address: str) -> Score:
    text = f"{formatting.quantity(mine, panel.metric.unit)}, {row.configuration.mode_title}"
    best = panel.good[0].summary
    assert best is not None
    assert row.cell is not None
    if len(row.cell.blocks) < 2:
        share = min(best.value / mine, 1.0)
        return _unknown(f"{text}, not ranked (one process)", address, share)
    if row.against is None:
        return _exactly(1.0, text, address)
    ratio = row.against  # own / leader: at least 1 but for noise
    low, high = 1 / ratio.high, 1 / ratio.low
    tied = row.group == 0  # not distinguishable from the leader, or too close to matter
    value = min(1 / ratio.value, 1.0)
    return Score(value, min(low, value), 1.0 if tied else max(min(high, 1.0), value), text, address)


def _fewest(section: str, metric: str, unit: str) -> Callable[[Rated], Score]:
    """Score by a count that is exact: the least of all / the framework's."""

    def score(rated: Rated) -> Score:
        counts = rated.figures.counts(section, metric)
        mine = counts.get(rated.framework.id)
        if not mine:
            return _unknown(_UNTESTED)
        text = formatting.quantity(mine, "B") if unit == "B" else f"{mine:.0f} {unit}"
        address = urls.evidence(section, rated.framework.id)
        return _exactly(min(counts.values()) / mine, text, address)

    return score


def _answered(section: str, *metrics: str) -> Callable[[Rated], Score]:
    """Score by answers: those with yes / all that any framework was tested for."""

    def score(rated: Rated) -> Score:
        sheets = rated.figures.answers.get(section, {})
        sheet = sheets.get(rated.framework.id)
        if sheet is None:
            return _unknown(_UNTESTED)
        every = {place for mine in sheets.values() for place in mine}
        questions = [(case, metric) for case, metric in every if case and metric in metrics]
        right = sum(place in sheet and sheet[place].good for place in questions)
        return _exactly(
            right / len(questions) if questions else 0.0,
            f"{right} of {len(questions)}",
            urls.evidence(section, rated.framework.id),
        )

    return score


def _from_r(rated: Rated) -> Score:
    panels = [panel for panel in rated.figures.panels if panel.section == "r"]
    every = [row for panel in panels for row in panel.rows]
    rows = [row for row in every if row.configuration.framework == rated.framework.id]
    address = urls.evidence("r", rated.framework.id)
    if any(row.summary is not None for row in rows):
        return _exactly(1.0, "trains from R, verified", address)
    return _without(rows, [address] * len(rows))


YOUNG_DAYS, OLD_DAYS = 366, 3 * 366


def _maintained(rated: Rated) -> Score:
    framework = rated.framework
    if framework.retired:
        return _exactly(0.0, f"retired in {framework.retired.year}")
    known = freshness.finals(framework.watch.releases) if framework.watch else []
    dates = [release.uploaded for release in known if release.uploaded]
    if not dates:
        return _unknown("date of its last release unknown")
    age = (rated.today - max(dates)).days
    value = 1.0 if age <= YOUNG_DAYS else 0.5 if age <= OLD_DAYS else 0.0
    return _exactly(value, f"last release {max(dates):%B %Y}")


NEEDS = (
    Need(
        "speed", "Training speed",
        "Training step of LeNet on all cores (or on the GPU, data resident): the fastest mode "
        "measured / the framework's fastest.",
        _ranked("lenet", "step_time"),
    ),
    Need(
        "memory", "Little memory",
        "Peak memory while training above what import took: the least / the framework's least.",
        _ranked("memory", "peak_above_import"),
    ),
    Need(
        "start", "Fast start-up",
        "Import, build and first step with empty caches: the shortest / the framework's shortest.",
        _ranked("compile", "ready_time", "cold"),
    ),
    Need(
        "operators", "Operator coverage",
        "Operators with right values / operators tested.",
        _answered("operators", "forward"),
    ),
    Need(
        "control", "Control flow",
        "Constructs that run in captured mode, and that have a right gradient there / all tested.",
        _answered("control", "captured", "gradient"),
    ),
    Need(
        "custom", "Custom operators",
        "A new operator composed, in Python and natively: right forward, gradient, captured, and "
        "really used / all tested.",
        _answered("custom", "forward", "gradient", "captured", "used"),
    ),
    Need(
        "transfer", "Transfer learning",
        "Saving, loading, freezing, fine-tuning, exporting, importing that work / all tested.",
        _answered("reuse", "possible"),
    ),
    Need(
        "distributed", "Data-parallel training",
        "Data-parallel runs whose losses are those of one process / all tested.",
        _answered("parallel", "loss_error"),
    ),
    Need(
        "r", "Use from R",
        "1 if a training step is driven from R and passes verification.",
        _from_r,
    ),
    Need(
        "maintained", "Still maintained",
        "1 if its last release is at most a year old, a half up to three years, 0 beyond and for "
        "what is retired.",
        _maintained,
    ),
    Need(
        "install", "Small installation",
        "Installed size: the smallest / the framework's.",
        _fewest("compile", "install_size", "B"),
    ),
    Need(
        "short", "Short code",
        "Lines from digits to a reloaded model at the highest-level interface: the fewest / the "
        "framework's.",
        _fewest("highlevel", "lines", "lines"),
    ),
)  # fmt: skip

PRESETS = (
    Preset(
        "article", "As the article weighed",
        "What its final considerations name: speed, memory, R, transfer learning and networks that "
        "are easy to write. It gives no numbers, so each weighs the same.",
        {"speed": 3, "memory": 3, "r": 3, "transfer": 3, "short": 3},
    ),
    Preset("even", "Everything alike", "Every need has the same weight.",
           {need.id: 3 for need in NEEDS}),
    Preset("fast", "Training speed alone", "Nothing but the training step counts.", {"speed": 5}),
    Preset(
        "research", "New kinds of models",
        "Operators, control flow and operators of one's own before all else.",
        {"operators": 5, "control": 5, "custom": 5, "maintained": 3, "speed": 2},
    ),
    Preset(
        "service", "A service that lasts",
        "Maintenance first, then data-parallel training, speed, and the cost to run and install.",
        {"maintained": 5, "distributed": 4, "speed": 4, "memory": 3, "install": 2, "start": 2},
    ),
    Preset(
        "lesson", "A course on a laptop",
        "Short code that starts fast, installs quickly and needs little memory.",
        {"short": 5, "start": 4, "install": 4, "memory": 3, "maintained": 3},
    ),
)  # fmt: skip


def scores(frameworks: Sequence[Framework], figures: Figures, today: datetime.date) -> Scores:
    """Return how well each framework serves each need on one machine and device."""
    return {
        framework.id: {need.id: need.score(Rated(framework, figures, today)) for need in NEEDS}
        for framework in frameworks
    }


# ----------------------------------------------------------------------------------------- ranking


def rank(given: Scores, weights: Mapping[str, int]) -> tuple[Standing, ...]:
    """Return the frameworks under some weights, best first, those that overlap in one group.

    The best estimate leads a group; whoever reaches its low end with the high end of the own
    interval is in it. The best of those that are left leads the next. Without any weight all are
    in one group. A framework with a weighed need of unknown score would tie with most others, so it
    comes last and has no place.

    Args:
        given: scores, with every need that has a weight.
        weights: need -> whole number from 0 to :data:`MOST`; needs without one count 0.

    """
    needs = [need.id for need in NEEDS if weights.get(need.id, 0)]
    total = sum(weights[need] for need in needs)

    def mean(ends: Sequence[float]) -> float:
        added = 0.0  # not by sum(), which rounds in another way than the page's script
        for need, end in zip(needs, ends, strict=True):
            added += weights[need] * end
        return added / total if total else 0.0

    found = [
        Standing(
            framework,
            mean([mine[need].value for need in needs]),
            mean([mine[need].low for need in needs]),
            mean([mine[need].high for need in needs]),
        )
        for framework, mine in given.items()
    ]
    found.sort(key=lambda one: (-one.value, one.framework))
    whole = {f for f, mine in given.items() if all(mine[need].known for need in needs)}
    without = [replace(one, group=-1) for one in found if one.framework not in whole]
    found = [one for one in found if one.framework in whole]
    standings: list[Standing] = []
    group = 0
    while found:
        bar = found[0].low
        standings += [replace(one, group=group) for one in found if one.high >= bar]
        found = [one for one in found if one.high < bar]
        group += 1
    return (*standings, *without)
