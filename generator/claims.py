"""Pure: claims of 2016 and today's figures -> holds, no longer holds, mixed, cannot be tested here.

``measurements/claims.toml`` names one rule of this module per claim; each is a function of the
claim and the figures of one machine and device.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from generator import tables
from generator.errors import InputError
from generator.figures import Figures, Panel, Row

Word = Literal["holds", "no longer holds", "mixed", "cannot be tested here"]


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


def load(path: Path) -> Book:
    """Read ``claims.toml``.

    Raises:
        InputError: it is not TOML, a field is missing, or a rule is unknown.

    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
    return _captured_is_better(figures.find("lenet", "step_time"), "the time of")


def _captured_uses_less_memory(claim: Claim, figures: Figures) -> Verdict:  # noqa: ARG001
    return _captured_is_better(figures.find("memory", "peak_rss"), "the memory of")


def _captured_is_better(panels: Sequence[Panel], what: str) -> Verdict:
    """Compare every graph mode with the imperative modes of the same framework."""
    votes, details = [], []
    for panel in panels:
        for graph in panel.good:
            for eager in panel.good:
                one, two = graph.configuration, eager.configuration
                if (one.kind, two.kind) != ("symbolic", "imperative"):
                    continue
                if (one.framework, one.version) != (two.framework, two.version):
                    continue
                ratio, verdict = panel.compare(graph, eager)
                votes.append(verdict)
                details.append(
                    f"{one.label} takes {ratio.value:.2f} × {what} {two.mode_title}"
                    f" ({lane_words(panel.lane)}{_doubt(verdict)})"
                )
    if not votes:
        return _NOTHING
    return Verdict(_count(v == "faster" for v in votes), _sentence("; ".join(details)))


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
    panels = [p for p in figures.panels if p.good and p.division == "closed"]
    if len({panel.section for panel in panels}) < 2:
        return _NOTHING
    everywhere = set.intersection(
        *({row.configuration.framework_name for row in panel.leaders} for panel in panels)
    )
    if everywhere:
        names = tables.listing(sorted(everywhere))
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
        parts.append(f"{section} {tables.listing(leaders)}")
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
    return tables.quantity(row.summary.value, panel.metric.unit)


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


def lane_words(lane: str) -> str:
    """Return what a lane is called in a sentence."""
    return {
        "threads-1": "one thread",
        "threads-all": "all cores",
        "resident": "resident data",
        "copy": "with copying",
    }.get(lane, lane)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


RULES: dict[str, Callable[[Claim, Figures], Verdict]] = {
    "untested": _untested,
    "captured_is_faster": _captured_is_faster,
    "captured_uses_less_memory": _captured_uses_less_memory,
    "symbolic_is_slower": _symbolic_is_slower,
    "no_leader_everywhere": _no_leader_everywhere,
    "leads_speed_and_memory": _leads_speed_and_memory,
    "speed_order": _speed_order,
    "memory_order": _memory_order,
    "compile_order": _compile_order,
    "half_speed": _half_speed,
}
