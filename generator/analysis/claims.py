"""Pure: claims of 2016 and today's figures -> holds, no longer holds, mixed, cannot be tested here.

``measurements/claims.toml`` names one rule of this module per claim; each is a function of the
claim and the figures of one machine and device.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.labels import lane_words
from generator.analysis.panels import Figures, Panel, Row
from generator.errors import InputError

Word = Literal["holds", "no longer holds", "mixed", "cannot be tested here"]
WORDS: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True)
class Claim:
    """One claim; see the head of ``measurements/claims.toml`` for the fields."""

    id: str
    page: str
    section: str
    claim: str
    kind: str
    source: str
    rule: str
    test: str
    note: str
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """A figure of that time, measured by others."""

    page: str
    work: str
    figures: str
    note: str
    source: str


@dataclass(frozen=True)
class Book:
    """All claims and the figures of others."""

    article: Mapping[str, Any]
    claims: tuple[Claim, ...]
    history: tuple[History, ...]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a claim, and why, with figures."""

    word: Word
    reason: str


def parse(text: str, path: Path) -> Book:
    """Return what ``claims.toml`` says; ``path`` is where an error is.

    Raises:
        InputError: it is not TOML, a field is missing, or a rule is unknown.

    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(path, None, error, "valid TOML") from error
    claims = tuple(_claim(path, name, table) for name, table in data.get("claims", {}).items())
    try:
        history = tuple(History(**table) for table in data.get("history", []))
    except TypeError as error:
        raise InputError(path, None, error, "page, work, figures, note, source") from error
    return Book(data.get("article", {}), claims, history)


def _claim(path: Path, name: str, table: Mapping[str, Any]) -> Claim:
    for key in ("page", "section", "claim", "kind", "source", "rule", "test"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise InputError(path, None, f"claims.{name}.{key} = {table.get(key)!r}", "a text")
    if table["kind"] not in ("stated", "attributed"):
        raise InputError(path, None, f"claims.{name}.kind", "stated or attributed")
    if table["rule"] not in RULES:
        raise InputError(path, None, f"rule {table['rule']!r}", f"one of {', '.join(RULES)}")
    fields = {key: str(table[key]) for key in Claim.__annotations__ if key in table}
    return Claim(id=name, raw=table, **({"note": ""} | fields))


def judge(claim: Claim, figures: Figures) -> Verdict:
    """Apply the claim's rule to what was measured on one machine and device."""
    return RULES[claim.rule](claim, figures)


# ------------------------------------------------------------------------------------------ rules

_NOTHING = Verdict("cannot be tested here", "What it needs is not measured on this machine yet.")


def _untested(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001 - rules are alike
    return Verdict("cannot be tested here", f"Reason: {claim.raw['why']}.")


def _captured_is_faster(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    return _captured_is_better(figures.find("lenet", "step_time"), "time")


def _captured_uses_less_memory(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    return _captured_is_better(figures.find("memory", "peak_rss"), "memory")


def _captured_is_better(panels: Sequence[Panel], what: str) -> Verdict:
    """Compare every captured mode with the imperative mode of the same program."""
    found = models.contrasts(panels)
    if not found:
        return _NOTHING
    outcomes = [(c.graph.configuration.label, c.ratio.value, c.verdict) for c in found]
    return Verdict(_decide([c.verdict for c in found]), _tally(outcomes, what))


def _tally(outcomes: Sequence[tuple[str, float, str]], what: str, note: str = "") -> str:
    """Return how many graphs take less of something than the same at once, which, and how much.

    Args:
        outcomes: (label, graph / at once, verdict), one a comparison; a label may come again.
        what: "time", "memory".
        note: put at the end.

    """
    groups: dict[str, dict[str, list[float]]] = {}
    for label, ratio, verdict in outcomes:
        groups.setdefault(verdict, {}).setdefault(label, []).append(ratio)
    parts: list[str] = []
    for verdict, words in (
        ("faster", "in {} the graph takes less " + what + " than the same program at once"),
        ("slower", "in {} it takes more"),
        ("no practical difference", "in {} it makes no practical difference"),
        ("unresolved", "in {} it is unresolved"),
    ):
        members = groups.get(verdict, {})
        count = sum(map(len, members.values()))
        if not count and verdict != "faster":
            continue
        many = (
            str(count) if parts else f"{count} of {formatting.plural(len(outcomes), 'comparison')}"
        )
        listed = [
            f"{label} {formatting.listing([f'{ratio:.2f}' for ratio in ratios])}\N{NO-BREAK SPACE}×"
            for label, ratios in members.items()
        ]
        parts.append(words.format(many) + (f": {', '.join(listed)}" if listed else ""))
    return _sentence("; ".join(parts) + note)


def _decide(verdicts: Sequence[str]) -> Word:
    """Return whether "faster" holds: what is unresolved neither confirms nor refutes."""
    if all(verdict == "unresolved" for verdict in verdicts):
        return "cannot be tested here"
    word = _count(verdict == "faster" for verdict in verdicts)
    return "mixed" if word == "no longer holds" and "unresolved" in verdicts else word


def _graph_saves_traffic(claim: Claim, figures: Figures) -> Verdict:
    """Compare captured and imperative modes where kernels and memory decide, not dispatch."""
    batch = int(claim.raw["batch"])
    case = f"batch {batch}"
    outcomes = []
    for key, cell in figures.cells.items():
        if (key.section, key.metric, key.case) != ("versus", "step_time", case):
            continue
        one = figures.configuration(key)
        eager = figures.cells.get(key._replace(mode=one.captures)) if one else None
        if one is None or eager is None:
            continue
        ratio = statistics.ratio(cell.blocks, eager.blocks)
        verdict = statistics.verdict(ratio, statistics.SMALLEST_DELTA)
        outcomes.append((one.label, ratio.value, verdict))
    if not outcomes:
        return _NOTHING
    text = _tally(outcomes, "time", f" (steps of {batch:,} images)")
    return Verdict(_decide([verdict for *_, verdict in outcomes]), text)


def _imperative_passes(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    """Whether every imperative mode does the same work as the reference."""
    rows = [
        (panel, row)
        for panel in figures.panels
        if panel.section == "lenet"
        for row in panel.rows
        if row.configuration.kind == "imperative" and row.status in ("ok", "wrong", "failed")
    ]
    if not rows:
        return _NOTHING
    good = [row.summary is not None for _, row in rows]
    text = f"{sum(good)} of {len(good)} imperative configurations pass the gate"
    bad = [
        f"{row.configuration.label} ({lane_words(panel.lane)})"
        for panel, row in rows
        if row.summary is None
    ]
    return Verdict(
        _count(good), _sentence(text + (f"; not {formatting.listing(bad)}" if bad else ""))
    )


def _imperative_has_graphs(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    """Whether each framework with an imperative mode can also capture it as a graph."""
    rows = [row for panel in figures.panels if panel.section == "lenet" for row in panel.good]
    eager = {r.configuration.framework_name for r in rows if r.configuration.kind == "imperative"}
    graph = {r.configuration.framework_name for r in rows if r.configuration.captures}
    if not eager:
        return _NOTHING
    able, unable = sorted(eager & graph), sorted(eager - graph)
    parts = []
    if able:
        parts.append(
            f"the same program also runs, and passes the gate, in {formatting.listing(able)}"
        )
    if unable:
        parts.append(f"no graph of it in {formatting.listing(unable)}")
    return Verdict(_count(name in graph for name in eager), _sentence("; ".join(parts)))


def _by_hand(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    """Whether an imperative mode tuned by hand beats the plain one that a graph captures."""
    votes, details = [], []
    for panel in figures.find("lenet", "step_time"):
        captured = {
            (row.configuration.framework, row.configuration.captures)
            for row in panel.good
            if row.configuration.captures
        }
        rows = [row for row in panel.good if row.configuration.kind == "imperative"]
        for plain in rows:
            one = plain.configuration
            if (one.framework, one.mode) not in captured:
                continue
            for tuned in rows:
                two = tuned.configuration
                if two.framework != one.framework or (two.framework, two.mode) in captured:
                    continue
                ratio, verdict = panel.compare(tuned, plain)
                votes.append(verdict)
                details.append(
                    f"{two.label} takes {ratio.value:.2f} × the time of {one.mode_title}"
                    f" ({lane_words(panel.lane)}{_doubt(verdict)})"
                )
    if not votes:
        return _NOTHING
    return Verdict(_decide(votes), _sentence("; ".join(details)))


def _imperative_needs_more_lines(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    """Compare the length of LeNet in frameworks with an imperative mode and in the others."""
    lines = figures.counts("lenet", "lines")
    eager = {
        row.configuration.framework
        for panel in figures.panels
        if panel.section == "lenet"
        for row in panel.rows
        if row.configuration.kind == "imperative"
    }
    groups = [
        sorted((count, name) for name, count in lines.items() if (name in eager) is wanted)
        for wanted in (True, False)
    ]
    if not all(groups):
        return _NOTHING
    middle = [np.median([count for count, _ in group]) for group in groups]
    votes = [middle[0] > middle[1], groups[0][0][0] > groups[1][-1][0]]
    parts = [
        f"{word} {formatting.listing([f'{figures.name(id)} {count:.0f}' for count, id in group])}"
        for word, group in zip(("with an imperative mode", "without one"), groups, strict=True)
    ]
    return Verdict(_count(votes), _sentence("lines of LeNet: " + "; ".join(parts)))


def _shortest(claim: Claim, figures: Figures) -> Verdict:
    """Whether the frameworks named need the fewest lines at their highest-level interface."""
    lines = figures.counts("highlevel", "lines")
    named = [name for name in claim.raw["frameworks"] if name in lines]
    if not named or len(lines) < len(named) + 2:
        return _NOTHING
    ranked = sorted(lines, key=lambda name: (lines[name], name))
    limit = np.median(list(lines.values()))
    votes = [bool(lines[name] <= limit) for name in named]
    found = ", ".join(f"{figures.name(name)} {lines[name]:.0f}" for name in ranked)
    return Verdict(_count(votes), _sentence(f"lines from digits to a reloaded model: {found}"))


def _line_order(claim: Claim, figures: Figures) -> Verdict:
    """Whether the frameworks named need more lines from one to the next."""
    lines = figures.counts("highlevel", "lines")
    order = [name for name in claim.raw["order"] if name in lines]
    if len(order) < 3:
        return _NOTHING
    votes = [lines[a] <= lines[b] for a, b in pairwise(order)]
    found = ", ".join(f"{figures.name(name)} {lines[name]:.0f}" for name in order)
    return Verdict(_count(votes), _sentence(f"lines from digits to a reloaded model: {found}"))


def _driven_from_r(figures: Figures) -> dict[str, bool]:
    """Return framework -> whether its step was driven from R and passed the gate."""
    rows = [row for panel in figures.panels if panel.section == "r" for row in panel.rows]
    return {
        row.configuration.framework: row.summary is not None
        for row in rows
        if row.status != "skipped"
    }


def _no_r(claim: Claim, figures: Figures) -> Verdict:
    """Whether the frameworks named cannot be driven from R."""
    found = _driven_from_r(figures)
    named = [name for name in claim.raw["frameworks"] if name in found]
    if not named:
        return _NOTHING
    able = [figures.name(name) for name in named if found[name]]
    text = (
        f"driven from R through reticulate, with the gate passed: {formatting.listing(able)}"
        if able
        else f"none of {formatting.listing([figures.name(name) for name in named])} could be driven"
        " from R"
    )
    return Verdict(_count(not found[name] for name in named), _sentence(text))


def _only_in_r(claim: Claim, figures: Figures) -> Verdict:
    """Whether one framework alone can be driven from R."""
    found = _driven_from_r(figures)
    name = claim.raw["framework"]
    if name not in found or len(found) < 2:
        return _NOTHING
    others = [figures.name(other) for other in found if other != name and found[other]]
    votes = [found[name], not others]
    text = f"{figures.name(name)}: {'yes' if found[name] else 'no'}"
    text += f"; others: {formatting.listing(others) or 'none'}"
    return Verdict(_count(votes), _sentence("driven from R with the gate passed, " + text))


def _can(claim: Claim, figures: Figures) -> Verdict:
    """Whether frameworks answer questions as the claim says: by default, with yes to all.

    ``expected`` says of which frameworks it claims yes (true) or no (false); ``asks`` lists
    [section, case, metric].
    """
    expected = claim.raw["expected"]
    votes, parts = [], []
    for framework, yes in expected.items():
        answers = [
            figures.answers.get(section, {}).get(framework, {}).get((case, metric))
            for section, case, metric in claim.raw["asks"]
        ]
        if not answers or any(answer is None for answer in answers):
            return _NOTHING
        bad = [
            f"{case}: {formatting.STATUS_WORDS[answer.status]}"
            for answer, (_, case, _) in zip(answers, claim.raw["asks"], strict=True)
            if answer is not None and not answer.good
        ]
        votes.append((not bad) == yes)
        words = "yes" if not bad else f"no ({', '.join(dict.fromkeys(bad))})"
        parts.append(f"{figures.name(framework)}: {words}")
    return Verdict(_count(votes), _sentence("; ".join(parts)))


def _right_operators(figures: Figures) -> dict[str, tuple[int, int]]:
    """Return framework -> (operators with right values, operators asked for)."""
    found = {}
    for framework, sheet in figures.answers.get("operators", {}).items():
        asked = [a for (case, metric), a in sheet.items() if metric == "forward" and case]
        found[framework] = (sum(answer.good for answer in asked), len(asked))
    return found


def _has_share(claim: Claim, figures: Figures) -> Verdict:
    """Whether frameworks compute a share of the operators rightly."""
    found = _right_operators(figures)
    named = [name for name in claim.raw["frameworks"] if name in found]
    if len(named) < len(claim.raw["frameworks"]):
        return _NOTHING
    votes = [found[name][0] >= claim.raw["share"] * found[name][1] for name in named]
    parts = [f"{figures.name(name)} {found[name][0]} of {found[name][1]}" for name in named]
    return Verdict(_count(votes), _sentence(f"operators with right values: {', '.join(parts)}"))


def _share_order(claim: Claim, figures: Figures) -> Verdict:
    """Whether frameworks compute fewer operators rightly from one to the next."""
    found = _right_operators(figures)
    order = [name for name in claim.raw["order"] if name in found]
    if len(order) < len(claim.raw["order"]):
        return _NOTHING
    votes = [found[a][0] > found[b][0] for a, b in pairwise(order)]
    parts = [f"{figures.name(name)} {found[name][0]}" for name in order]
    return Verdict(_count(votes), _sentence(f"operators with right values: {', '.join(parts)}"))


def _adding_is_hard(claim: Claim, figures: Figures) -> Verdict:
    """Whether no way to add an operator is right, quick enough and short enough."""
    votes, parts = [], []
    for framework in claim.raw["frameworks"]:
        sheet = figures.answers.get("custom", {}).get(framework)
        if not sheet:
            return _NOTHING
        easy = []
        for way in ("python", "native"):
            asked = [sheet.get((way, m)) for m in ("forward", "gradient", "captured", "used")]
            slow, lines = sheet.get((way, "slowdown")), sheet.get((way, "written"))
            if slow is None or lines is None or not all(a is not None and a.good for a in asked):
                continue
            if slow.value is None or lines.value is None:
                continue
            words = f"{way} {lines.value:.0f} lines, {formatting.times(slow.value)} tanh"
            if slow.value <= claim.raw["times"] and lines.value <= claim.raw["lines"]:
                easy.append(words)
        votes.append(not easy)
        parts.append(f"{figures.name(framework)}: {', '.join(easy) or 'none'}")
    return Verdict(_count(votes), _sentence(f"ways within the limits: {'; '.join(parts)}"))


def _doubt(verdict: str) -> str:
    return f": {verdict}" if verdict in ("no practical difference", "unresolved") else ""


def _count(votes: Iterable[bool]) -> Word:
    found = list(votes)
    if all(found):
        return "holds"
    return "mixed" if any(found) else "no longer holds"


def _symbolic_is_slower(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    panels = [
        panel
        for panel in figures.find("lenet", "step_time")
        if {row.configuration.kind for row in panel.good} >= {"imperative", "symbolic"}
    ]
    if not panels:
        return _NOTHING
    imperative_leads, details, graph_leads = [], [], []
    for panel in panels:
        kinds = [row.configuration.kind for row in panel.leaders]
        imperative_leads.append("symbolic" not in kinds)
        graph_leads.append("symbolic" in kinds)
        best = {
            kind: next(row for row in panel.good if row.configuration.kind == kind)
            for kind in ("symbolic", "imperative")
        }
        ratio, verdict = panel.compare(best["imperative"], best["symbolic"])
        details.append(
            f"{lane_words(panel.lane)}: the fastest imperative mode"
            f" ({best['imperative'].configuration.label}) takes {ratio.value:.2f} × the time of the"
            f" fastest graph mode ({best['symbolic'].configuration.label}{_doubt(verdict)})"
        )
    word: Word = "holds" if all(imperative_leads) else "mixed"
    if all(graph_leads):
        word = "no longer holds"
    return Verdict(word, _sentence("; ".join(details)))


def _no_leader_everywhere(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    panels = [
        p for p in figures.panels if p.good and p.division == "closed" and p.section in _EVERYWHERE
    ]
    if len({panel.section for panel in panels}) < 2:
        return _NOTHING
    everywhere = set.intersection(
        *({row.configuration.framework_name for row in panel.leaders} for panel in panels)
    )
    if everywhere:
        names = formatting.listing(sorted(everywhere))
        return Verdict(
            "mixed",
            f"{names} {'is' if len(everywhere) == 1 else 'are'} in the lead everywhere in what is"
            " measured so far: speed, memory and start-up of one small model, not every need.",
        )
    parts = []
    for section in dict.fromkeys(panel.section for panel in panels):
        groups = [
            dict.fromkeys(row.configuration.framework_name for row in panel.leaders)
            for panel in panels
            if panel.section == section
        ]
        leaders = sorted({name for group in groups for name in group})
        parts.append(f"{section} {formatting.listing(leaders)}")
    return Verdict("holds", "In the lead somewhere, by page: " + "; ".join(parts) + ".")


def _leads_speed_and_memory(claim: Claim, figures: Figures) -> Verdict:
    """Whether one framework is in the leading groups of speed and memory."""
    name = claim.raw["framework"]
    panels = [*figures.find("lenet", "step_time"), *figures.find("memory", "peak_rss")]
    panels = [panel for panel in panels if panel.good]
    if not any(row.configuration.framework == name for panel in panels for row in panel.good):
        return _NOTHING
    leads = [any(row.configuration.framework == name for row in panel.leaders) for panel in panels]
    details = []
    for panel, lead in zip(panels, leads, strict=True):
        where = f"{_TOPICS[panel.section]}, {lane_words(panel.lane)}"
        best = panel.good[0]
        if lead:
            details.append(f"{where}: in the leading group")
            continue
        mine = next((row for row in panel.good if row.configuration.framework == name), None)
        if mine is None:
            details.append(f"{where}: no valid figure")
            continue
        ratio, _ = panel.compare(mine, best)
        details.append(f"{where}: {ratio.value:.2f} × that of {best.configuration.label}")
    return Verdict(_count(leads), _sentence("; ".join(details)))


_EVERYWHERE = ("lenet", "memory", "compile")
_TOPICS = {"lenet": "time per step", "memory": "peak memory"}


def _speed_order(claim: Claim, figures: Figures) -> Verdict:
    return _order(claim, figures.find("lenet", "step_time"))


def _memory_order(claim: Claim, figures: Figures) -> Verdict:
    return _order(claim, figures.find("memory", "peak_rss"))


def _order(claim: Claim, panels: Sequence[Panel]) -> Verdict:
    """Whether first <= second < third, and first < third, by the best mode of each."""
    votes, details = [], []
    for panel in panels:
        best = [row for name in claim.raw["order"] if (row := _best(panel, name))]
        if len(best) < 3:
            continue
        first, second, third = best
        top = panel.compare(first, second)[1] != "slower"
        last = all(panel.compare(third, row)[1] == "slower" for row in (first, second))
        votes += [top, last]
        found = " < ".join(
            f"{row.configuration.framework_name} {_value(row, panel)}"
            for row in panel.good
            if row in (first, second, third)
        )
        details.append(f"{lane_words(panel.lane)}: {found}")
    if not votes:
        return _NOTHING
    return Verdict(_count(votes), _sentence("; ".join(details)))


def _best(panel: Panel, framework: str) -> Row | None:
    return next((row for row in panel.good if row.configuration.framework == framework), None)


def _value(row: Row, panel: Panel) -> str:
    assert row.summary is not None
    return formatting.quantity(row.summary.value, panel.metric.unit)


def _compile_order(claim: Claim, figures: Figures) -> Verdict:
    """Whether the frameworks named take longest until ready, in that order."""
    votes: list[bool] = []
    details = []
    for panel in figures.find("compile", "ready_time"):
        if panel.case != "cold":
            continue
        slowest: dict[str, Row] = {}
        for row in panel.good:  # best first: the last one stays
            if row.configuration.kind == "symbolic":
                slowest[row.configuration.framework] = row
        worst, second = claim.raw["slowest"]
        if not {worst, second} <= slowest.keys() or len(slowest) < 3:
            continue
        others = [row for name, row in slowest.items() if name not in (worst, second)]
        votes.append(panel.compare(slowest[worst], slowest[second])[1] == "slower")
        votes.append(all(panel.compare(slowest[second], row)[1] == "slower" for row in others))
        ranked = sorted(slowest.values(), key=panel.good.index, reverse=True)
        found = ", ".join(f"{row.configuration.label} {_value(row, panel)}" for row in ranked)
        details.append(f"{lane_words(panel.lane)}: {found}")
    if not votes:
        return _NOTHING
    return Verdict(_count(votes), _sentence("; ".join(details)))


def _half_speed(claim: Claim, figures: Figures) -> Verdict:
    """Whether a framework runs at about half the speed of the best of the others."""
    votes, details = [], []
    for panel in figures.find("lenet", "step_time"):
        mine = _best(panel, claim.raw["framework"])
        others = [row for name in claim.raw["others"] if (row := _best(panel, name))]
        if mine is None or not others:
            continue
        best = min(others, key=panel.good.index)
        ratio, _ = panel.compare(best, mine)  # of times: inverse of the ratio of speeds
        votes.append(ratio.value < 0.67)
        details.append(
            f"{lane_words(panel.lane)}: {mine.configuration.label} reaches {ratio.value:.2f} × the"
            f" speed of {best.configuration.label}"
        )
    if not votes:
        return _NOTHING
    return Verdict(_count(votes), _sentence("; ".join(details)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


RULES: dict[str, Callable[[Claim, Figures], Verdict]] = {
    "untested": _untested,
    "captured_is_faster": _captured_is_faster,
    "captured_uses_less_memory": _captured_uses_less_memory,
    "graph_saves_traffic": _graph_saves_traffic,
    "symbolic_is_slower": _symbolic_is_slower,
    "imperative_passes": _imperative_passes,
    "imperative_has_graphs": _imperative_has_graphs,
    "by_hand": _by_hand,
    "imperative_needs_more_lines": _imperative_needs_more_lines,
    "shortest": _shortest,
    "line_order": _line_order,
    "no_r": _no_r,
    "only_in_r": _only_in_r,
    "no_leader_everywhere": _no_leader_everywhere,
    "leads_speed_and_memory": _leads_speed_and_memory,
    "speed_order": _speed_order,
    "memory_order": _memory_order,
    "compile_order": _compile_order,
    "half_speed": _half_speed,
    "can": _can,
    "has_share": _has_share,
    "share_order": _share_order,
    "adding_is_hard": _adding_is_hard,
}
