"""Pure: what a claim of 2016 needs and today's figures -> its verdict, with the reason in figures.

Each rule takes the claim's table of ``measurements/claims.toml``, where ``test`` says what it does,
and the figures of one machine and device.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.cells import compare
from generator.analysis.labels import lane_label
from generator.analysis.panels import Figures, Panel, Row

Word = Literal["holds", "no longer holds", "mixed", "cannot be tested here"]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a claim, and why, with figures."""

    word: Word
    reason: str


Raw = Mapping[str, Any]
Headline = tuple[str, str]
Rule = Callable[[Raw, Figures], Verdict]
RULES: dict[str, Rule] = {}
"""Rules by the name that ``claims.toml`` calls them by."""

_SPEED, _MEMORY = ("lenet", "step_time"), ("memory", "peak_above_import")
_TOPICS = {"lenet": "time per step", "memory": "peak memory"}
_EVERYWHERE = ("lenet", "memory", "compile")
_LINES = "lines from digits to a reloaded model: "
_NOTHING = Verdict("cannot be tested here", "What it needs is not measured on this machine yet.")


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def _count(votes: Iterable[bool]) -> Word:
    found = set(votes)
    return "mixed" if len(found) > 1 else "holds" if found != {False} else "no longer holds"


def _decide(verdicts: Sequence[str]) -> Word:
    """Return whether "faster" holds: what is not resolved neither confirms nor refutes."""
    if all(verdict == "not resolved" for verdict in verdicts):
        return "cannot be tested here"
    word = _count(verdict == "faster" for verdict in verdicts)
    return "mixed" if word == "no longer holds" and "not resolved" in verdicts else word


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _judged(votes: Sequence[bool], details: Sequence[str] | str, lead: str = "") -> Verdict:
    """Return the verdict of some votes, or that nothing is measured where there are none."""
    text = details if isinstance(details, str) else "; ".join(details)
    return Verdict(_count(votes), _sentence(lead + text)) if votes else _NOTHING


def _doubt(verdict: str) -> str:
    return f": {verdict}" if verdict in ("equivalent", "not resolved") else ""


def _rows(figures: Figures, section: str) -> list[tuple[Panel, Row]]:
    return [(panel, row) for panel in figures.panels if panel.section == section
            for row in panel.rows]  # fmt: skip


def _best(panel: Panel, framework: str) -> Row | None:
    return next((row for row in panel.good if row.configuration.framework == framework), None)


def _value(row: Row, panel: Panel) -> str:
    assert row.summary is not None
    return formatting.quantity(row.summary.value, panel.metric.unit)


def _counted(figures: Figures, counts: Mapping[str, float], order: Iterable[str]) -> str:
    return ", ".join(f"{figures.name(name)} {counts[name]:.0f}" for name in order)


@_rule
def untested(raw: Raw, _figures: Figures) -> Verdict:
    """Say what is missing."""
    return Verdict("cannot be tested here", f"Reason: {raw['why']}.")


def _captured_is_better(_raw: Raw, figures: Figures, headline: Headline, what: str) -> Verdict:
    """Whether captured modes take less than the imperative modes of the same programs."""
    found = [(c.graph.configuration.label, c.ratio.value, c.verdict)
             for c in models.contrasts(figures.find(*headline))]  # fmt: skip
    return _tally(found, what)


RULES["captured_is_faster"] = partial(_captured_is_better, headline=_SPEED, what="time")
RULES["captured_uses_less_memory"] = partial(_captured_is_better, headline=_MEMORY, what="memory")


@_rule
def graph_saves_traffic(raw: Raw, figures: Figures) -> Verdict:
    """Compare captured and imperative modes where kernels and memory decide, not dispatch."""
    batch = int(raw["batch"])
    outcomes = []
    for key, cell in figures.cells.items():
        if (key.section, key.metric, key.case) != ("versus", "step_time", f"batch {batch}"):
            continue
        one = figures.configuration(key)
        eager = figures.cells.get(key._replace(mode=one.captures)) if one else None
        if one is not None and eager is not None:
            ratio = compare(cell, eager, {})
            verdict = statistics.verdict(ratio, statistics.MARGIN)
            outcomes.append((one.label, ratio.value, verdict))
    return _tally(outcomes, "time", f" (steps of {batch:,} images)")


def _tally(outcomes: Sequence[tuple[str, float, str]], what: str, note: str = "") -> Verdict:
    """Say how many graphs take less of something than eager execution, which, and how much.

    Args:
        outcomes: (label, graph / eager, verdict), one a comparison; a label may come again.
        what: "time", "memory".
        note: put at the end.

    """
    if not outcomes:
        return _NOTHING
    groups: dict[str, dict[str, list[float]]] = {}
    for label, ratio, verdict in outcomes:
        groups.setdefault(verdict, {}).setdefault(label, []).append(ratio)
    parts: list[str] = []
    for verdict, text in (
        ("faster", "in {} the graph takes less " + what + " than the same program run eagerly"),
        ("slower", "in {} it takes more"),
        ("equivalent", "in {} it makes equivalent"),
        ("not resolved", "in {} it is not resolved"),
    ):
        members = groups.get(verdict, {})
        count = sum(map(len, members.values()))
        if not count and verdict != "faster":
            continue
        total = formatting.plural(len(outcomes), "comparison")
        many = str(count) if parts else f"{count} of {total}"
        listed = [
            f"{label} {formatting.listing([f'{ratio:.2f}' for ratio in ratios])}\N{NO-BREAK SPACE}×"
            for label, ratios in members.items()
        ]
        parts.append(text.format(many) + (f": {', '.join(listed)}" if listed else ""))
    word = _decide([verdict for *_, verdict in outcomes])
    return Verdict(word, _sentence("; ".join(parts) + note))


@_rule
def by_hand(_raw: Raw, figures: Figures) -> Verdict:
    """Whether an imperative mode tuned by hand beats the plain one that a graph captures."""
    verdicts, details = [], []
    for panel in figures.find(*_SPEED):
        captured = {(row.configuration.framework, row.configuration.captures)
                    for row in panel.good if row.configuration.captures}  # fmt: skip
        rows: tuple[list[Row], list[Row]] = ([], [])  # tuned by hand, plain
        for row in panel.good:
            one = row.configuration
            if one.kind == "imperative":
                rows[(one.framework, one.mode) in captured].append(row)
        for plain, tuned in itertools.product(rows[True], rows[False]):
            one, two = plain.configuration, tuned.configuration
            if one.framework == two.framework:
                ratio, verdict = panel.compare(tuned, plain)
                verdicts.append(verdict)
                details.append(
                    f"{two.label} takes {ratio.value:.2f} × the time of {one.mode_title}"
                    f" ({lane_label(panel.lane)}{_doubt(verdict)})"
                )
    return Verdict(_decide(verdicts), _sentence("; ".join(details))) if verdicts else _NOTHING


@_rule
def symbolic_is_slower(_raw: Raw, figures: Figures) -> Verdict:
    """Whether imperative modes alone lead wherever both kinds are measured."""
    votes, details = [], []
    for panel in figures.find(*_SPEED):
        best: dict[str, Row] = {}
        for row in panel.good:
            best.setdefault(row.configuration.kind, row)
        if not best.keys() >= {"imperative", "symbolic"}:
            continue
        votes.append("symbolic" not in {row.configuration.kind for row in panel.leaders})
        ratio, verdict = panel.compare(best["imperative"], best["symbolic"])
        details.append(
            f"{lane_label(panel.lane)}: the fastest imperative mode"
            f" ({best['imperative'].configuration.label}) takes {ratio.value:.2f} × the time of the"
            f" fastest graph mode ({best['symbolic'].configuration.label}{_doubt(verdict)})"
        )
    return _judged(votes, details)


@_rule
def imperative_passes(_raw: Raw, figures: Figures) -> Verdict:
    """Whether every imperative mode matches the reference."""
    rows = [
        (panel, row)
        for panel, row in _rows(figures, "lenet")
        if row.configuration.kind == "imperative" and row.status in ("ok", "wrong", "failed")
    ]
    good = [row.summary is not None for _, row in rows]
    text = f"{sum(good)} of {len(good)} imperative configurations pass verification"
    bad = [f"{row.configuration.label} ({lane_label(panel.lane)})"
           for panel, row in rows if row.summary is None]  # fmt: skip
    return _judged(good, text + (f"; not {formatting.listing(bad)}" if bad else ""))


@_rule
def imperative_has_graphs(_raw: Raw, figures: Figures) -> Verdict:
    """Whether each framework with an imperative mode can also capture it as a graph."""
    found = [row.configuration for _, row in _rows(figures, "lenet") if row.summary is not None]
    eager = {one.framework_name for one in found if one.kind == "imperative"}
    graph = {one.framework_name for one in found if one.captures}
    parts = [
        f"{text} in {formatting.listing(sorted(some))}"
        for text, some in (
            ("the same program also runs, and passes verification,", eager & graph),
            ("no graph of it", eager - graph),
        )
        if some
    ]
    return _judged([name in graph for name in eager], parts)


@_rule
def imperative_needs_more_lines(_raw: Raw, figures: Figures) -> Verdict:
    """Compare the length of LeNet in frameworks with an imperative mode and in the others."""
    lines = figures.counts("lenet", "lines")
    eager = {row.configuration.framework for _, row in _rows(figures, "lenet")
             if row.configuration.kind == "imperative"}  # fmt: skip
    groups = [
        sorted((count, name) for name, count in lines.items() if (name in eager) is wanted)
        for wanted in (True, False)
    ]
    if not all(groups):
        return _NOTHING
    middle = [np.median([count for count, _ in group]) for group in groups]
    parts = [
        f"{word} {formatting.listing([f'{figures.name(id)} {count:.0f}' for count, id in group])}"
        for word, group in zip(("with an imperative mode", "without one"), groups, strict=True)
    ]
    votes = [middle[0] > middle[1], groups[0][0][0] > groups[1][-1][0]]
    return _judged(votes, parts, "lines of LeNet: ")


@_rule
def shortest(raw: Raw, figures: Figures) -> Verdict:
    """Whether the frameworks named need the fewest lines at their highest-level API."""
    lines = figures.counts("highlevel", "lines")
    named = [name for name in raw["frameworks"] if name in lines]
    if len(lines) < len(named) + 2:
        return _NOTHING
    limit = np.median(list(lines.values()))
    ranked = sorted(lines, key=lambda name: (lines[name], name))
    votes = [bool(lines[name] <= limit) for name in named]
    return _judged(votes, _counted(figures, lines, ranked), _LINES)


@_rule
def line_order(raw: Raw, figures: Figures) -> Verdict:
    """Whether the frameworks named need more lines from one to the next."""
    lines = figures.counts("highlevel", "lines")
    order = [name for name in raw["order"] if name in lines]
    if len(order) < 3:
        return _NOTHING
    votes = [lines[a] <= lines[b] for a, b in itertools.pairwise(order)]
    return _judged(votes, _counted(figures, lines, order), _LINES)


def _driven_from_r(figures: Figures) -> dict[str, bool]:
    """Return framework -> whether its step was driven from R and passed verification."""
    rows = [row for _, row in _rows(figures, "r") if row.status != "skipped"]
    return {row.configuration.framework: row.summary is not None for row in rows}


@_rule
def no_r(raw: Raw, figures: Figures) -> Verdict:
    """Whether the frameworks named cannot be driven from R."""
    found = _driven_from_r(figures)
    named = [name for name in raw["frameworks"] if name in found]
    able = [figures.name(name) for name in named if found[name]]
    text = (
        f"driven from R through reticulate, with verification passed: {formatting.listing(able)}"
        if able
        else f"none of {formatting.listing([figures.name(name) for name in named])} could be driven"
        " from R"
    )
    return _judged([not found[name] for name in named], text)


@_rule
def only_in_r(raw: Raw, figures: Figures) -> Verdict:
    """Whether one framework alone can be driven from R."""
    found = _driven_from_r(figures)
    name = raw["framework"]
    if name not in found or len(found) < 2:
        return _NOTHING
    others = [figures.name(other) for other in found if other != name and found[other]]
    text = f"{figures.name(name)}: {'yes' if found[name] else 'no'}; others: "
    text += formatting.listing(others) or "none"
    return _judged([found[name], not others], text, "driven from R with verification passed, ")


@_rule
def can(raw: Raw, figures: Figures) -> Verdict:
    """Whether frameworks answer questions as the claim says: with yes to all, or with a no.

    ``expected`` says of which frameworks it claims yes (true) or no (false); ``asks`` lists
    [section, case, metric].
    """
    votes, parts = [], []
    for framework, yes in raw["expected"].items():
        bad = []
        for section, case, metric in raw["asks"]:
            answer = figures.answers.get(section, {}).get(framework, {}).get((case, metric))
            if answer is None:
                return _NOTHING
            if not answer.good:
                bad.append(f"{case}: {formatting.STATUS_WORDS[answer.status]}")
        votes.append((not bad) == yes)
        text = "yes" if not bad else f"no ({', '.join(dict.fromkeys(bad))})"
        parts.append(f"{figures.name(framework)}: {text}")
    return _judged(votes, parts)


def _right_operators(figures: Figures) -> dict[str, tuple[int, int]]:
    """Return framework -> (operators with right values, operators tested)."""
    found = {}
    for framework, sheet in figures.answers.get("operators", {}).items():
        tested = [a for (case, metric), a in sheet.items() if metric == "forward" and case]
        found[framework] = (sum(answer.good for answer in tested), len(tested))
    return found


@_rule
def has_share(raw: Raw, figures: Figures) -> Verdict:
    """Whether frameworks compute a share of the operators rightly."""
    found, named = _right_operators(figures), raw["frameworks"]
    if not found.keys() >= set(named):
        return _NOTHING
    votes = [found[name][0] >= raw["share"] * found[name][1] for name in named]
    parts = [f"{figures.name(name)} {found[name][0]} of {found[name][1]}" for name in named]
    return _judged(votes, ", ".join(parts), "operators with right values: ")


@_rule
def share_order(raw: Raw, figures: Figures) -> Verdict:
    """Whether frameworks compute fewer operators rightly from one to the next."""
    right = {name: good for name, (good, _) in _right_operators(figures).items()}
    if not right.keys() >= set(raw["order"]):
        return _NOTHING
    votes = [right[a] > right[b] for a, b in itertools.pairwise(raw["order"])]
    return _judged(votes, _counted(figures, right, raw["order"]), "operators with right values: ")


@_rule
def adding_is_hard(raw: Raw, figures: Figures) -> Verdict:
    """Whether no way to add an operator is right, quick enough and short enough."""
    votes, parts = [], []
    for framework in raw["frameworks"]:
        sheet = figures.answers.get("custom", {}).get(framework)
        if not sheet:
            return _NOTHING
        easy = []
        for way in ("python", "native"):
            answers = [sheet.get((way, m)) for m in ("forward", "gradient", "captured", "used")]
            slow, lines = (
                one.value if (one := sheet.get((way, metric))) else None
                for metric in ("slowdown", "written")
            )
            if slow is None or lines is None or not all(one and one.good for one in answers):
                continue
            if slow <= raw["times"] and lines <= raw["lines"]:
                easy.append(f"{way} {lines:.0f} lines, {formatting.times(slow)} tanh")
        votes.append(not easy)
        parts.append(f"{figures.name(framework)}: {', '.join(easy) or 'none'}")
    return _judged(votes, parts, "ways within the limits: ")


@_rule
def no_leader_everywhere(_raw: Raw, figures: Figures) -> Verdict:
    """Whether no framework is in every leading group of speed, memory and start-up."""
    leaders: dict[str, list[set[str]]] = {}
    for panel in figures.panels:
        if panel.good and panel.division == "closed" and panel.section in _EVERYWHERE:
            names = {row.configuration.framework_name for row in panel.leaders}
            leaders.setdefault(panel.section, []).append(names)
    if len(leaders) < 2:
        return _NOTHING
    everywhere = set.intersection(*(names for groups in leaders.values() for names in groups))
    if everywhere:
        return Verdict(
            "mixed",
            f"{formatting.listing(sorted(everywhere))} {'is' if len(everywhere) == 1 else 'are'}"
            " in the lead everywhere in what is measured so far: speed, memory and start-up of one"
            " small model, not every need.",
        )
    parts = [f"{section} {formatting.listing(sorted(set.union(*groups)))}"
             for section, groups in leaders.items()]  # fmt: skip
    return Verdict("holds", "In the lead somewhere, by page: " + "; ".join(parts) + ".")


@_rule
def leads_speed_and_memory(raw: Raw, figures: Figures) -> Verdict:
    """Whether one framework is in the leading groups of speed and memory."""
    name = raw["framework"]
    panels = [*figures.find(*_SPEED), *figures.find(*_MEMORY)]
    panels = [panel for panel in panels if panel.good]
    if not any(_best(panel, name) for panel in panels):
        return _NOTHING
    leads, details = [], []
    for panel in panels:
        mine = _best(panel, name)
        leads.append(any(row.configuration.framework == name for row in panel.leaders))
        text = "in the leading group" if leads[-1] else "no valid figure"
        if mine and not leads[-1]:
            ratio, _ = panel.compare(mine, panel.good[0])
            text = f"{ratio.value:.2f} × that of {panel.good[0].configuration.label}"
        details.append(f"{_TOPICS[panel.section]}, {lane_label(panel.lane)}: {text}")
    return _judged(leads, details)


def _order(raw: Raw, figures: Figures, headline: Headline) -> Verdict:
    """Whether first <= second < third, and first < third, by the best mode of each."""
    votes, details = [], []
    for panel in figures.find(*headline):
        best = [row for name in raw["order"] if (row := _best(panel, name))]
        if len(best) < 3:
            continue
        first, second, third = best
        votes.append(panel.compare(first, second)[1] != "slower")
        votes.append(all(panel.compare(third, row)[1] == "slower" for row in (first, second)))
        found = " < ".join(
            f"{row.configuration.framework_name} {_value(row, panel)}"
            for row in sorted(best, key=panel.good.index)
        )
        details.append(f"{lane_label(panel.lane)}: {found}")
    return _judged(votes, details)


RULES["speed_order"] = partial(_order, headline=_SPEED)
RULES["memory_order"] = partial(_order, headline=_MEMORY)


@_rule
def compile_order(raw: Raw, figures: Figures) -> Verdict:
    """Whether the frameworks named take longest to start up, in that order."""
    votes, details = [], []
    for panel in figures.find("compile", "ready_time"):
        if panel.case != "cold":
            continue
        slowest = {row.configuration.framework: row for row in panel.good  # the last one stays
                   if row.configuration.kind == "symbolic"}  # fmt: skip
        worst, second = raw["slowest"]
        if not {worst, second} <= slowest.keys() or len(slowest) < 3:
            continue
        others = [row for name, row in slowest.items() if name not in (worst, second)]
        votes.append(panel.compare(slowest[worst], slowest[second])[1] == "slower")
        votes.append(all(panel.compare(slowest[second], row)[1] == "slower" for row in others))
        ranked = sorted(slowest.values(), key=panel.good.index, reverse=True)
        found = ", ".join(f"{row.configuration.label} {_value(row, panel)}" for row in ranked)
        details.append(f"{lane_label(panel.lane)}: {found}")
    return _judged(votes, details)


@_rule
def half_speed(raw: Raw, figures: Figures) -> Verdict:
    """Whether a framework runs at about half the speed of the best of the others."""
    votes, details = [], []
    for panel in figures.find(*_SPEED):
        mine = _best(panel, raw["framework"])
        others = [row for name in raw["others"] if (row := _best(panel, name))]
        if mine is None or not others:
            continue
        best = min(others, key=panel.good.index)
        ratio, _ = panel.compare(best, mine)  # of times: inverse of the ratio of speeds
        votes.append(ratio.value < 0.67)
        details.append(
            f"{lane_label(panel.lane)}: {mine.configuration.label} reaches {ratio.value:.2f} × the"
            f" speed of {best.configuration.label}"
        )
    return _judged(votes, details)
