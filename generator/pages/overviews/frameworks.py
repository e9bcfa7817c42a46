"""Pure: the frameworks, and a page for each: what to know of it, and everything else folded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from generator import formatting
from generator.analysis.history import SPEED
from generator.analysis.labels import lane_label, machine_name
from generator.analysis.trials import Gain, Trial
from generator.catalog import freshness
from generator.catalog.loader import script_of
from generator.catalog.model import DEVICES, Framework
from generator.pages import framework_tables, ranking, scoring, urls
from generator.pages.evidence_page import LANGUAGES
from generator.pages.framework_tables import EXECUTES, FACTS
from generator.pages.home_page import need_cell
from generator.pages.inputs import Inputs, main_figures, measured_on
from generator.pages.overviews import history
from generator.pages.parts import Block
from generator.pages.ranking import Standing
from generator.pages.scoring import NEEDS, Score, Scores
from generator.pages.tables import Cell, Rows, marked, tabled

TITLE = "The frameworks"
GROUP = ""
ORDER = 0


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page that lists them."""
    frameworks = inputs.catalog.frameworks
    gone = [framework.name for framework in frameworks if framework.retired]
    absent = [framework.name for framework in frameworks if not _is_measured(framework, inputs)]
    answer = f"{len(frameworks)} frameworks"
    answer += f"; not measured here yet: {formatting.listing(absent)}." if absent else "."
    if gone:
        answer += f" {len(gone)} of them are retired: {formatting.listing(gone)}."
    return {
        "title": TITLE,
        "description": "Who the frameworks are, and a page about each.",
        "answer": answer,
        "table": _table(frameworks, inputs),
    }


@tabled("Frameworks", plain=True)
def _table(frameworks: Sequence[Framework], inputs: Inputs) -> Rows:
    for framework in frameworks:
        executes = [
            how for kind, how in EXECUTES.items() if framework_tables.of_kind([framework], kind)
        ]
        state = scoring.maintained(framework, inputs.today)
        successor = framework.facts.get("successor") if framework.retired else None
        yield {
            "Framework": Cell(
                framework.name, href=f"frameworks/{framework.id}.md", strong=True,
                detail=f"runs {formatting.listing(executes)}",
            ),
            "State, last release": marked(
                _state(framework, state),
                text=str(framework.retired.year) if framework.retired else state.text,
                detail=f"successor: {successor.value}" if successor else "",
            ),
            "Newest measured": (
                Cell(framework.newest.version, detail=_fresh(framework))
                if _is_measured(framework, inputs)
                else Cell("none yet")
            ),
        }  # fmt: skip


def _state(framework: Framework, state: Score) -> str:
    if framework.retired:
        return "retired"
    return ("alive" if state.value else "silent") if state.known else "not known"


def _is_measured(framework: Framework, inputs: Inputs) -> bool:
    return framework.id in {one for _, one in inputs.evidenced}


def _fresh(framework: Framework) -> str:
    """Return how fresh its newest measured release is, without the year in which it retired."""
    return freshness.of(framework, framework.newest.version).label.rpartition(", ")[2]


# ---------------------------------------------------------------------------------- one framework


def parts(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Return the context of each framework's own page."""
    figures = main_figures(inputs)
    scores = scoring.scores(inputs, figures) if figures else {}
    standings = {need.id: ranking.alone(scores, need.id) for need in NEEDS}
    where = measured_on(inputs, figures) if figures else ""
    section = inputs.catalog.section(SPEED.section)
    return {
        framework.id: {
            "title": framework.name,
            "description": f"{framework.name}: is it alive, fast, hungry, complete, and how to"
            " start with it.",
            "know": know(framework, inputs, best := _best(framework, scores, standings)),
            "where": where,
            "scores": [(need.title, best[need.id][1]) for need in NEEDS if best],
            "others": [
                (
                    f"{framework.name} or {other.name}?",
                    f"../{urls.pair(framework.id, other.id)}",
                )
                for other in inputs.catalog.frameworks
                if other != framework
            ],
            "picture": history.picture([framework], inputs, figures) if figures else None,
            "code": inputs.script(path := script_of(section, framework)),
            "language": LANGUAGES[path.suffix],
            "folds": _folds(framework, inputs),
        }
        for framework in inputs.catalog.frameworks
    }


def _best(
    framework: Framework, scores: Scores, standings: Mapping[str, Sequence[Standing]]
) -> dict[str, tuple[Score, Cell]]:
    """Return need -> its score and its cell of the scoreboard, in its best mode for it alone."""
    found = {}
    for need in NEEDS if framework.id in scores else ():
        one = next(one for one in standings[need.id] if one.framework == framework.id)
        score = scores[one.framework][one.mode][need.id]
        found[need.id] = score, need_cell(need, one, scores)
    return found


def know(
    framework: Framework, inputs: Inputs, best: Mapping[str, tuple[Score, Cell]]
) -> list[tuple[str, str, str]]:
    """Return what to know of a framework: questions, where more is said, and short answers.

    The best of each need is its score and cell; there are none where nothing is measured.
    """
    version = framework.newest
    state = scoring.maintained(framework, inputs.today)
    alive = f"last release {state.text}" if state.known and not framework.retired else state.text
    measured = _is_measured(framework, inputs)
    here = f"is measured here: {_fresh(framework)}" if measured else "is not measured here yet"
    said = [("Alive?", "#releases", f"{alive}; release {version.version} {here}")]
    start = f"package {framework.distribution} {version.version}, on Python {version.python}"
    if framework.found:
        start = f"built by its users, as {framework.found.source} says"
    if best:
        lines, size = best["short"][0], best["install"][0]
        start += f"; {lines.text} from digits to a reloaded model" if lines.known else ""
        speed = _against(*best["speed"], "{}", "; the fastest trains {} times as fast")
        memory = _against(*best["memory"], "{} at its peak", ", {} times the least")
        memory += f"; {size.text} installed" if size.known else ""
        done = [f"{need.noun} {best[need.id][0].text}" for need in NEEDS if need.id in COMPLETE]
        said += [
            ("Fast?", "../lenet.md", speed),
            ("Hungry?", "../memory.md", memory),
            ("Complete?", "../operators.md", formatting.listing(done)),
        ]
    said.append(("How to start?", "../highlevel.md", start))
    return [(question, to, f"{text[0].upper()}{text[1:]}.") for question, to, text in said]


COMPLETE = ("operators", "control", "transfer", "distributed")
"""Needs that say how much of what was tested a framework can do."""


def _against(mine: Score, cell: Cell, own: str, leader: str) -> str:
    """Return a measured value, and how far it is from the best, each in the words given for it."""
    if not mine.known or not mine.value:
        return mine.text
    far = ", in the leading group" if cell.strong else leader.format(f"{1 / mine.value:.1f}")
    return own.format(mine.text) + far


def _folds(framework: Framework, inputs: Inputs) -> list[Block]:
    """Return everything else; what has no rows is left out."""
    blocks = (
        ("Facts and their sources", "facts", _facts(framework)),
        ("Modes of execution", "written", framework_tables.modes_table([framework], "")),
        ("Switches that were tried", "switches", _switches(framework, inputs)),
        ("What is not measured, and why", "gaps", framework_tables.gaps_table([framework])),
        ("Releases", "releases", _releases(framework)),
        ("Evidence", "evidence", _evidence(framework, inputs)),
    )
    texts = {"switches": _SWITCHES}
    return [Block(title, id, texts.get(id, ""), (one,)) for title, id, one in blocks if one]


_SWITCHES = (
    "Documented switches, each measured against its mode in the same blocks, and verified alike. "
    "Figures say how many times as fast a mode is with the switch, and how many times less memory "
    "it needs. Their 95 % intervals hold for all switches of the mode together."
)


@tabled("Facts", plain=True)
def _facts(framework: Framework) -> Rows:
    for id in dict.fromkeys((*framework.facts, *FACTS)):
        fact = framework.facts.get(id)
        read = f"read on {formatting.day(fact.read.isoformat())}" if fact and fact.read else ""
        yield {
            "Fact": Cell(framework_tables.fact_title(id), detail=read),
            "What the source says": framework_tables.fact_cell(fact),
        }


@tabled("Switches", plain=True)
def _switches(framework: Framework, inputs: Inputs) -> Rows:
    """Return every variant, once for each place in which it was tried."""
    tried = {(one.machine, one.device, one.lane) for one in inputs.trials if one.machine}
    for trial in inputs.trials:
        variant = trial.variant
        if trial.framework != framework:
            continue
        places = [framework.mode(variant.mode).title]
        if len(tried) > 1 and trial.machine:
            machine = machine_name(inputs.documents[trial.provenance])
            places += [lane_label(trial.lane), machine]
        yield {
            "Switch": Cell(variant.title, detail=", ".join(places), source=variant.source),
            "Speed": _gain(trial, trial.speed, "faster", "slower"),
            "Memory": _gain(trial, trial.memory, "less", "more"),
            "Used?": Cell("yes" if variant.used else "no", detail=variant.why),
        }


def _gain(trial: Trial, gain: Gain | None, good: str, bad: str) -> Cell:
    """Return what a switch gains, or why nobody knows."""
    if trial.status not in ("ok", ""):
        return marked(trial.status, detail=trial.reason)
    if gain is None:
        return marked("skipped")
    words = {"faster": good, "slower": bad}
    verdict, ratio = words.get(gain.verdict, gain.verdict), gain.ratio
    interval = f", {ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""
    rows = f"../data/{trial.provenance}.csv"
    return marked(verdict, text=f"{ratio.value:.2f}", detail=f"{verdict}{interval}", href=rows)


@tabled("Locked releases")
def _releases(framework: Framework) -> Rows:
    for version in framework.versions:
        released = version.released
        yield {
            "Release": Cell(
                version.version,
                detail=freshness.of(framework, version.version).label,
                source=version.source,
            ),
            "Released": Cell(
                formatting.day(released.isoformat()) if released else "unknown",
                float(released.toordinal()) if released else None,
                detail=f"on Python {version.python}" if version.python else "",
            ),
            "Mode that stood for it": Cell(framework.standard(version, DEVICES[0]).title),
        }


@tabled("Evidence", plain=True)
def _evidence(framework: Framework, inputs: Inputs) -> Rows:
    """Return the sections that measured it, each with what is behind its figures."""
    title = "Rows, samples, checks, logs, scripts and locks"
    for section in inputs.catalog.sections:
        if (section.id, framework.id) in inputs.evidenced:
            yield {title: Cell(section.title, href=f"../{urls.evidence(section.id, framework.id)}")}
