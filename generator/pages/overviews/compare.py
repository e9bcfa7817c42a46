"""Pure: this framework or that: a page for each pair, with every question of the scoreboard."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath
from typing import Any

from generator import formatting
from generator.analysis import statistics
from generator.analysis.history import SPEED
from generator.analysis.labels import lane_label, view
from generator.analysis.panels import SEVERITY, Figures, Panel, Row
from generator.catalog import freshness
from generator.catalog.loader import script_of
from generator.catalog.model import Framework
from generator.measure import profiles
from generator.pages import ranking, scoring, urls
from generator.pages.evidence_page import LANGUAGES, script_anchor
from generator.pages.findings import bare_value, evidence, ratio_interval, shown_interval
from generator.pages.framework_tables import gaps
from generator.pages.inputs import Inputs, main_figures, measured_on
from generator.pages.overviews import history
from generator.pages.scoring import NEEDS, Need
from generator.pages.tables import Cell, Table, marked, table

TITLE = "This or that"
GROUP = ""
ORDER = -1

AHEAD, BEHIND, EQUAL, OPEN, NONE = "ahead", "behind", "equal", "not resolved", "cannot be compared"
"""What becomes of the first of two frameworks in a question."""
_WORDS = {"faster": AHEAD, "slower": BEHIND, "equivalent": EQUAL, "not resolved": OPEN}


@dataclass(frozen=True)
class Side:
    """What one framework has in a question: a value, or why there is none.

    What is ``sampled`` has the row of the best mode in a panel, with interval and mode as detail;
    what is not has a ``value``: the more, the better, None is unknown.
    """

    name: str
    text: str
    address: str = ""
    detail: str = ""
    value: float | None = None
    sampled: tuple[Panel, Row] | None = None


@dataclass(frozen=True)
class Duel:
    """One question, and which of two frameworks is ahead in it, or why they cannot be compared.

    ``word`` is what becomes of the first; ``ratio`` divides the values as shown, None for counts.
    """

    need: Need
    sides: tuple[Side, Side]
    word: str
    ratio: statistics.Ratio | None = None
    reason: str = ""


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page that lists the pairs."""
    frameworks = inputs.catalog.frameworks
    pairs = list(combinations(frameworks, 2))
    return {
        "title": TITLE,
        "description": f"One framework or another: {len(pairs)} pairs of "
        f"{formatting.listing([one.name for one in frameworks])}, question by question.",
        "questions": len(NEEDS),
        "rows": [
            (one.name, [(f"{a.name} or {b.name}", urls.pair(a.id, b.id))
                        for a, b in pairs if one in (a, b)])
            for one in frameworks
        ],
    }  # fmt: skip


def parts(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Return the context of each pair's page."""
    figures = main_figures(inputs)
    found = sides(inputs, figures) if figures else {}
    return {
        PurePath(urls.pair(a.id, b.id)).stem: _part(a, b, found, inputs, figures)
        for a, b in combinations(inputs.catalog.frameworks, 2)
    }


def _part(
    a: Framework,
    b: Framework,
    found: Mapping[str, Mapping[str, Side]],
    inputs: Inputs,
    figures: Figures | None,
) -> dict[str, Any]:
    """Return the context of a pair's page; ``found`` is that of :func:`sides`."""
    duels = [duel(need, found[need.id][a.id], found[need.id][b.id]) for need in NEEDS if found]
    said = answer(a.name, b.name, duels) if duels else "Nothing is measured yet."
    return {
        "title": f"{a.name} or {b.name}?",
        "description": f"{a.name} or {b.name}? Measured, with intervals and raw data: {said}",
        "answer": said,
        "frameworks": [_about(one, inputs, figures) for one in (a, b)],
        "table": _table(a.name, b.name, duels),
        "where": _where(inputs, figures) if figures else "",
        "picture": history.picture((a, b), inputs, figures) if figures else None,
        "command": f"generator compare {a.id} {b.id}",
    }


# ---------------------------------------------------------------------------------- the questions


def sides(inputs: Inputs, figures: Figures) -> dict[str, dict[str, Side]]:
    """Return need -> framework -> side, of all frameworks, results or not."""
    scores = scoring.scores(inputs, figures, every=True)
    batch = inputs.batch(figures)
    found = {}
    for need in NEEDS:
        modes = {one.framework: one.mode for one in ranking.alone(scores, need.id)}
        mine = {}
        for framework in inputs.catalog.frameworks:
            if need.ranked:
                mine[framework.id] = _sampled(need, framework, figures, batch)
            else:
                score = scores[framework.id][modes[framework.id]][need.id]
                value = score.value if score.known else None
                mine[framework.id] = Side(framework.name, score.text, score.address, value=value)
        found[need.id] = mine
    return found


def _sampled(need: Need, framework: Framework, figures: Figures, batch: int) -> Side:
    """Return the side of a framework in a question that is sampled: that of its best mode."""
    panel, rows = scoring.rows_of(need, figures, framework.id)
    if panel is None or not rows:
        return Side(framework.name, scoring.UNTESTED)
    row = rows[0]
    one, address = row.configuration, evidence(need.section, row.configuration, panel)
    if row.summary is None:
        return Side(framework.name, formatting.STATUS_WORDS[row.status], address)
    interval = "one process" if row.group < 0 else shown_interval(row, panel, batch)
    detail = ", ".join(filter(None, (interval, one.mode_title)))
    return Side(
        framework.name, bare_value(row, panel, batch), address, detail, sampled=(panel, row)
    )


def duel(need: Need, a: Side, b: Side) -> Duel:
    """Return which of two sides is ahead: by the panel's verdict, or by what was counted."""
    if a.sampled and b.sampled:
        (panel, row), (_, other) = a.sampled, b.sampled
        ratio, verdict = panel.compare(row, other)
        shown = ratio.inverse() if view(panel.metric).rate else ratio
        if not math.isfinite(ratio.low):
            return Duel(need, (a, b), NONE, shown, "one process decides nothing")
        return Duel(need, (a, b), _WORDS[verdict], shown)
    if a.value is None or b.value is None:
        missing = [f"{side.name}: {side.text}" for side in (a, b)
                   if side.value is None and side.sampled is None]  # fmt: skip
        return Duel(need, (a, b), NONE, reason="; ".join(missing))
    if need.ratio and a.value and b.value:  # of sizes and lines less is better; they are exact
        exact = b.value / a.value
        ratio = statistics.Ratio(exact, exact, exact, 0.0, math.inf)
        return Duel(need, (a, b), _WORDS[statistics.verdict(ratio, 0.0)], ratio)
    less = a.value < b.value
    word = EQUAL if a.value == b.value else AHEAD if less is need.ratio else BEHIND
    return Duel(need, (a, b), word)


def answer(a: str, b: str, duels: Sequence[Duel]) -> str:
    """Count in one sentence in how many questions each is ahead, and what became of the rest."""
    count = Counter(one.word for one in duels)
    many = formatting.plural(len(duels), "question")
    first, second = (str(count[word] or "none") for word in (AHEAD, BEHIND))
    even = " or ".join(word for word in (EQUAL, OPEN) if count[word])
    rest = [(count[EQUAL] + count[OPEN], even), (count[NONE], "not comparable")]
    said = [f"{a} is ahead in {first} of {many}, {b} in {second}"]
    said += [f"{number} {'is' if number == 1 else 'are'} {what}" for number, what in rest if number]
    return f"{'; '.join(said)}."


def _table(a: str, b: str, duels: Sequence[Duel]) -> Table | None:
    rows = []
    for one in duels:
        ahead = {AHEAD: 0, BEHIND: 1}.get(one.word)
        cells = [
            Cell(side.text, href=side.address, detail=side.detail, strong=place == ahead)
            for place, side in enumerate(one.sides)
        ]
        word = one.word if ahead is None else f"{one.sides[ahead].name} ahead"
        detail = one.reason or (_ratio(one.ratio) if one.ratio else "")
        href = f"{one.need.section}.md" if one.need.section else ""
        rows.append({
            "Question": Cell(one.need.title, href=href), a: cells[0], b: cells[1],
            f"Who is ahead ({a} / {b})": marked(one.word, word, detail=detail),
        })  # fmt: skip
    return table(f"{a} or {b}", rows, plain=True)


def _ratio(ratio: statistics.Ratio) -> str:
    interval = ratio_interval(ratio) if ratio.low < ratio.high else ""
    return f"{ratio.value:.2f}" + (f" ({interval})" if interval else "")


def _where(inputs: Inputs, figures: Figures) -> str:
    lane = lane_label(profiles.PROFILES["quick"].lanes[figures.device][0])
    return f"{measured_on(inputs, figures)} Times and memory: {lane}, each in its best mode."


# ------------------------------------------------------------------------------- each for itself


def _about(framework: Framework, inputs: Inputs, figures: Figures | None) -> dict[str, Any]:
    """Return what a pair's page says of one framework alone; addresses are relative to report/."""
    newest = framework.newest.version
    path = script_of(inputs.catalog.section(SPEED.section), framework)
    script = urls.evidence(SPEED.section, framework.id, script_anchor(path))
    return {
        "name": framework.name,
        "address": f"frameworks/{framework.id}.md",
        "release": freshness.label(framework, newest),
        "lacks": list(_lacks(framework, figures)) if figures else [],
        "gaps": [
            (what, gap.reason, gap.source)
            for what, gap in gaps(framework)
            if gap.status == "unsupported" and (not gap.versions or newest in gap.versions)
        ],
        "script": inputs.script(path),
        "language": LANGUAGES[path.suffix],
        "evidence": script if (SPEED.section, framework.id) in inputs.evidenced else "",
    }


_NO = formatting.STATUS_WORDS | {"wrong": "wrong"}
"""Status of an answer that is no -> what follows its count."""


def _lacks(framework: Framework, figures: Figures) -> Iterator[tuple[str, str, str]]:
    """Yield the needs with answers that are no, the address of the evidence, and counts."""
    for need in NEEDS:
        questions = scoring.asked(need, figures)
        sheet = figures.answers.get(need.section, {}).get(framework.id, {})
        found = Counter(sheet[one].status for one in questions if one in sheet)
        told = [status for status in SEVERITY if found[status] and status != "skipped"]
        said = [f"{found[status]} {_NO[status]}" for status in told]
        if said:
            address = urls.evidence(need.section, framework.id)
            yield need.title, address, f"{formatting.listing(said)}, of {len(questions)}"
