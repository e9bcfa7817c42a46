"""Pure: figures -> how well each framework serves each need.

A *score* lies between 0 and 1, with bounds; what was not measured may be anything between them. A
framework runs in one mode at a time, so its speed, memory, start-up and use from R are scored mode
by mode. What follows from the scores is in :mod:`generator.pages.ranking`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator import formatting
from generator.analysis.panels import Figures, Panel, Row, index_of
from generator.catalog import freshness
from generator.catalog.model import Framework
from generator.measure import profiles
from generator.pages import urls
from generator.pages.findings import bare_value, evidence
from generator.pages.inputs import Inputs
from generator.results import selection

SCALE = ("not at all", "a little", "somewhat", "much", "very much", "most of all")
"""What each weight means; weights are whole numbers from 0."""

MOST = len(SCALE) - 1
"""The largest weight."""


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
    """What a score is computed from: figures of one machine and device, there also sizes.

    The mode is that in which the framework runs, "" where none was measured; ``sizes`` are
    framework -> bytes of its environment, and the address of their evidence.
    """

    need: Need
    framework: Framework
    mode: str
    figures: Figures
    sizes: Mapping[str, tuple[int, str]]
    inputs: Inputs


@dataclass(frozen=True)
class Need:
    """One thing that readers weigh, and a column of the scoreboard.

    Attributes:
        id: its name in addresses.
        title: what it is called.
        noun: what it is called in a sentence.
        rule: what ``score`` does.
        score: rates a framework.
        modes: whether each mode of a framework has a score of its own.
        section: the page that has its figures, "" for the framework's own.
        case: of those figures, where the section has several.
        metrics: of the section's questions that count, where it asks some.
        ratio: whether a score is a ratio of two quantities, as against a share of questions.

    """

    id: str
    title: str
    noun: str
    rule: str
    score: Callable[[Rated], Score]
    modes: bool = False
    section: str = ""
    case: str = ""
    metrics: tuple[str, ...] = ()
    ratio: bool = False

    @property
    def question(self) -> str:
        """What the chooser asks its readers."""
        return f"How much does {self.noun} matter?"

    @property
    def ranked(self) -> bool:
        """Whether it is sampled, mode by mode: panels judge it."""
        return self.modes and self.ratio


@dataclass(frozen=True)
class Preset:
    """Weights for a purpose: need -> 0 to 5."""

    id: str
    title: str
    why: str
    weights: Mapping[str, int]


Scores = Mapping[str, Mapping[str, Mapping[str, Score]]]
"""framework -> mode, in the order of its folder -> need -> score."""


def _exactly(value: float, text: str, address: str = "") -> Score:
    return Score(value, value, value, text, address)


def _unknown(text: str, address: str = "", value: float = 0.5) -> Score:
    return Score(value, 0.0, 1.0, text, address, known=False)


UNTESTED = formatting.STATUS_WORDS["skipped"]
_UNSUPPORTED = formatting.STATUS_WORDS["unsupported"]


def rows_of(need: Need, figures: Figures, framework: str) -> tuple[Panel | None, list[Row]]:
    """Return a panel of the closed division on the first lane, and a framework's rows in it."""
    lane = profiles.PROFILES["quick"].lanes[figures.device][0]
    wanted = (need.section, lane, need.case, "closed")
    for panel in figures.panels:
        if (panel.section, panel.lane, panel.case, panel.division) == wanted:
            rows = [(row, row.configuration) for row in panel.rows]
            return panel, [
                row for row, one in rows if (one.framework, one.division) == (framework, "closed")
            ]
    return None, []


def _ranked(rated: Rated) -> Score:
    """Score by a measured time or size: that of the leader / that of the mode."""
    panel, rows = rows_of(rated.need, rated.figures, rated.framework.id)
    row = next((row for row in rows if row.configuration.mode == rated.mode), None)
    if panel is None or row is None:
        return _unknown(UNTESTED)
    address = evidence(rated.need.section, row.configuration, panel)
    if row.summary is None:
        return _without(row, address)
    return _against_leader(
        panel, row, bare_value(row, panel, rated.inputs.batch(rated.figures)), address
    )


def _without(row: Row, address: str) -> Score:
    """Return the score of what has no value: 0 where it was tried."""
    text = formatting.STATUS_WORDS[row.status]
    return _unknown(text, address) if text == UNTESTED else _exactly(0.0, text, address)


def _against_leader(panel: Panel, row: Row, text: str, address: str) -> Score:
    leader = next((row for row in panel.rows if row.group == 0), panel.good[0])
    assert leader.summary is not None
    assert row.summary is not None
    if row.group < 0 or (row.against is not None and not math.isfinite(row.against.low)):
        share = 1 / row.against.value if row.against else leader.summary.value / row.summary.value
        return _unknown(f"{text}, one process", address, min(share, 1.0))
    if row.against is None:
        return _exactly(1.0, text, address)
    own = row.against.inverse()  # leader / own: at most 1 but for noise
    value = min(own.value, 1.0)
    high = 1.0 if row.group == 0 else min(own.high, 1.0)
    return Score(value, min(own.low, value), high, text, address)


def _lines(rated: Rated) -> Score:
    counts = rated.figures.counts("highlevel", "lines")
    mine = counts.get(rated.framework.id)
    if not mine:
        return _unknown(UNTESTED)
    address = urls.evidence("highlevel", rated.framework.id)
    return _exactly(min(counts.values()) / mine, f"{mine:.0f} lines", address)


def _installed(rated: Rated) -> Score:
    if rated.framework.id not in rated.sizes:
        return _unknown(UNTESTED)
    mine, address = rated.sizes[rated.framework.id]
    least = min(size for size, _ in rated.sizes.values())
    return _exactly(least / mine, formatting.quantity(mine, "B"), address)


def asked(need: Need, figures: Figures) -> list[tuple[str, str]]:
    """Return the (case, metric) of all questions of a need that any framework was tested for."""
    every = {place for mine in figures.answers.get(need.section, {}).values() for place in mine}
    return sorted((case, metric) for case, metric in every if case and metric in need.metrics)


def _answered(rated: Rated) -> Score:
    """Score by answers: those with yes / all that any framework was tested for."""
    section = rated.need.section
    sheet = rated.figures.answers.get(section, {}).get(rated.framework.id)
    if sheet is None:
        return _unknown(UNTESTED)
    questions = asked(rated.need, rated.figures)
    answers = [sheet[place] for place in questions if place in sheet]
    right = sum(answer.good for answer in answers)
    nothing = answers and {answer.status for answer in answers} == {"unsupported"}
    return _exactly(
        right / len(questions) if questions else 0.0,
        _UNSUPPORTED if nothing else f"{right} of {len(questions)}",
        urls.evidence(section, rated.framework.id),
    )


def _from_r(rated: Rated) -> Score:
    _, rows = rows_of(rated.need, rated.figures, rated.framework.id)
    address = urls.evidence("r", rated.framework.id)
    good = [row.configuration.mode for row in rows if row.summary is not None]
    if rated.mode in good:
        return _exactly(1.0, "verified", address)
    if good:
        return _unknown("in another mode only", address)
    # R drives one mode of a framework: where that fails, no other is expected to work.
    return _without(rows[0], address) if rows else _unknown(UNTESTED)


YOUNG_DAYS, OLD_DAYS = 366, 3 * 366


def maintained(framework: Framework, today: datetime.date) -> Score:
    """Return whether a framework is alive: 1, ½ or 0 by the age of its last release."""
    if framework.retired:
        return _exactly(0.0, f"retired in {framework.retired.year}")
    known = freshness.finals(framework.watch.releases) if framework.watch else []
    dates = [release.uploaded for release in known if release.uploaded]
    if not dates:
        return _unknown("date of its last release unknown")
    age = (today - max(dates)).days
    value = 1.0 if age <= YOUNG_DAYS else 0.5 if age <= OLD_DAYS else 0.0
    return _exactly(value, f"{max(dates):%b %Y}")


NEEDS = (
    Need("speed", "Training speed", "training speed",
         "LeNet's training step on all cores, or on the GPU: the fastest / its own.",
         _ranked, modes=True, section="lenet", ratio=True),
    Need("memory", "Little memory", "little memory",
         "Peak memory above what import took: the least / its own.",
         _ranked, modes=True, section="memory", ratio=True),
    Need("start", "Fast start-up", "a fast start",
         "Import, build and first step with empty caches: the shortest / its own.",
         _ranked, modes=True, section="compile", case="cold", ratio=True),
    Need("operators", "Operator coverage", "operator coverage",
         "Operators with right values / all tested.",
         _answered, section="operators", metrics=("forward",)),
    Need("control", "Control flow", "control flow",
         "Loops and branches right in a captured graph, values and gradients / all tested.",
         _answered, section="control", metrics=("captured", "gradient")),
    Need("custom", "Custom operators", "writing operators of your own",
         "Right values, gradient, capture and use of a new operator written in three ways / all "
         "tested.",
         _answered, section="custom", metrics=("forward", "gradient", "captured", "used")),
    Need("transfer", "Transfer learning", "transfer learning",
         "Saving, loading, freezing, fine-tuning, exporting and importing that work / all tested.",
         _answered, section="reuse", metrics=("possible",)),
    Need("distributed", "Data-parallel training", "data-parallel training",
         "Data-parallel runs whose losses are those of one process / all tested.",
         _answered, section="parallel", metrics=("loss_error",)),
    Need("r", "Use from R", "use from R",
         "1 where a training step driven from R passes verification, otherwise 0.",
         _from_r, modes=True, section="r"),
    Need("maintained", "Still maintained", "maintenance",
         "1 with a release in the last year, ½ in the last three years, otherwise or retired 0.",
         lambda rated: maintained(rated.framework, rated.inputs.today)),
    Need("install", "Small installation", "a small installation",
         "Installed size with every back end measured: the smallest / its own.",
         _installed, ratio=True),
    Need("short", "Short code", "short code",
         "Lines from digits to a reloaded model, highest-level API: the fewest / its own.",
         _lines, section="highlevel", ratio=True),
)  # fmt: skip

PRESETS = (
    Preset(
        "article", "As the article weighed",
        "Its final considerations name speed, memory, R, transfer learning and networks that are "
        "easy to write. The article gives no numbers, so each weighs the same.",
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


def scores(inputs: Inputs, figures: Figures, *, every: bool = False) -> Scores:
    """Return how well each framework serves each need there; ``every``: also without results."""
    sizes = _sizes(inputs, figures)
    seen = {key.framework for key in figures.cells}
    seen |= {framework for sheets in figures.answers.values() for framework in sheets}
    found = {}
    for framework in inputs.catalog.frameworks:
        modes = _modes(framework, figures)
        if every or modes or framework.id in seen:
            rated = [Rated(need, framework, "", figures, sizes, inputs) for need in NEEDS]
            common = {one.need.id: one.need.score(one) for one in rated if not one.need.modes}
            found[framework.id] = {
                mode: {
                    one.need.id: common.get(one.need.id) or one.need.score(replace(one, mode=mode))
                    for one in rated
                }
                for mode in modes or [""]
            }
    return found


def _modes(framework: Framework, figures: Figures) -> list[str]:
    """Return the modes that have a figure, or were tried where none has; in the folder's order."""
    needs = [need for need in NEEDS if need.modes]
    rows = [row for need in needs for row in rows_of(need, figures, framework.id)[1]]
    tried = {row.configuration.mode for row in rows}
    good = {row.configuration.mode for row in rows if row.summary is not None}
    order = [mode.id for mode in framework.modes]
    return sorted(good or tried, key=lambda mode: (index_of(order, mode), mode))


def _sizes(inputs: Inputs, figures: Figures) -> dict[str, tuple[int, str]]:
    """Return framework -> bytes of its environment and their evidence: the newest release's."""
    found: dict[str, tuple[Any, int, str]] = {}
    for machine, device, section, key in inputs.places:
        _, framework, version, run = key.split("/")
        size = inputs.documents[key]["environment"]["size_bytes"]
        if (machine, device) == (figures.machine, figures.device) and size:
            age = selection.age(inputs.catalog.listed.get(framework, ()), version), run, section
            address = urls.evidence(section, framework, urls.anchor("run", machine, version, run))
            found[framework] = max(found.get(framework, ((), 0, "")), (age, size, address))
    return {framework: (size, address) for framework, (_, size, address) in found.items()}
