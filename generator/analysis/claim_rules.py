"""Pure: rules that judge claims by comparisons: what takes less time or memory than what.

Each rule takes a :class:`Case`; ``test`` in ``measurements/claims.toml`` says what it does. A
comparison is that of the panel: "faster" and "slower" are shown, "equivalent" contradicts both,
and "not resolved" says nothing. Modes of one process are compared with nothing.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.claim_evidence import (
    Case,
    Evidence,
    Rule,
    Side,
    Verdict,
    judged,
    ratio_text,
)
from generator.analysis.labels import TOPICS, lane_label, view
from generator.analysis.panels import Configuration, Contrast, Figures, Panel, Row, both_ways
from generator.analysis.statistics import Ratio
from generator.catalog.model import Metric

Team = tuple[str, Callable[[Configuration], bool]]
"""What some modes are called, and which they are."""


def _lanes(figures: Figures, section: str, start: str = "") -> list[Panel]:
    """Return the panels of a section's headline in the closed division, one a lane."""
    return [
        panel
        for panel in figures.panels
        if (panel.section, panel.division, panel.case) == (section, "closed", start)
    ]


def _named(case: Case, framework: str, kind: str = "") -> Team:
    return case.name(framework), lambda one: one.framework == framework and kind in ("", one.kind)


def _kind(kind: str) -> Team:
    return f"{kind} modes", lambda one: one.kind == kind


def _others(framework: str) -> Team:
    return "other frameworks", lambda one: one.framework != framework


class Duel(NamedTuple):
    """The comparison that decides between two teams: value of ``a`` / value of ``b``."""

    a: Row
    b: Row
    ratio: Ratio
    verdict: str
    """On ``a``."""

    @property
    def text(self) -> str:
        """The ratio, of what takes more to what takes less."""
        return ratio_text(self.ratio if self.ratio.value >= 1 else self.ratio.inverse())


def _modes(panel: Panel, team: Team) -> list[Row]:
    """Return the modes of a team with a value, best first."""
    return [row for row in panel.good if team[1](row.configuration)]


def _duel(panel: Panel, first: Sequence[Row], second: Sequence[Row], limit: float = 1.0) -> Duel:
    """Return the comparison that decides between two sets of modes, best first.

    The best mode of one side has to beat all of the other. What one process measured is no best
    mode; but where its value is better than the one that would beat it, nothing is decided. The
    first is "faster" if it takes less than ``limit`` times what the second takes.
    """

    def compare(a: Row, b: Row) -> Duel:
        ratio, _ = panel.compare(a, b)
        value, low, high = (x / limit for x in (ratio.value, ratio.low, ratio.high))
        scaled = replace(ratio, value=value, low=low, high=high)
        return Duel(a, b, ratio, statistics.verdict(scaled, panel.noise))

    a, b = (next((row for row in rows if row.group >= 0), rows[0]) for rows in (first, second))
    best = compare(a, b)
    pairs = {"faster": [(a, row) for row in second], "slower": [(row, b) for row in first]}
    for found in itertools.starmap(compare, pairs.get(best.verdict, ())):
        once = min(found.a.group, found.b.group) < 0
        beaten = (found.ratio.value < limit) == (best.verdict == "faster")
        if found.verdict != best.verdict and not (once and beaten):
            return found._replace(verdict="not resolved")
    return best


def _less(
    panel: Panel, one: Team, other: Team, *, tie: Side = "against", limit: float = 1.0
) -> Evidence:
    """Return the evidence that the best of a team takes less than all of another.

    It is against where the best of the other takes less than all of the first, and says ``tie`` if
    the two best are equivalent. For ``limit`` see :func:`_duel`.
    """
    where = lane_label(panel.lane)
    first, second = _modes(panel, one), _modes(panel, other)
    if not (first and second):
        gone = [name for (name, _), rows in ((one, first), (other, second)) if not rows]
        return Evidence("missing", f"no valid figure of {formatting.listing(gone)}", where)
    duel = _duel(panel, first, second, limit)
    sides: dict[str, Side] = {"faster": "for", "slower": "against", "equivalent": tie}
    more, less = (duel.a, duel.b) if duel.ratio.value >= 1 else (duel.b, duel.a)
    once = ", one process" if min(more.group, less.group) < 0 else ""
    doubt = "" if duel.verdict in ("faster", "slower") else f" ({duel.verdict}{once})"
    text = (
        f"{more.configuration.label} takes {duel.text} the {view(panel.metric).more} of"
        f" {less.configuration.label}{doubt}"
    )
    return Evidence(sides.get(duel.verdict, "open"), text, where)


def _captured_takes_less(case: Case, section: str, what: str) -> Verdict:
    """Whether graphs take less than eager execution of the same programs."""
    batch = f"batch {case.raw['batch']}" if "batch" in case.raw else ""
    panels = _lanes(case.figures, section, batch)
    found: dict[str, list[Contrast]] = defaultdict(list)
    for contrast in both_ways(panels):
        found[contrast.verdict].append(contrast)
    sides: dict[str, Side] = {"faster": "for", "not resolved": "open"}
    pieces = [Evidence(sides.get(verdict, "against"), "")
              for verdict, contrasts in found.items() for _ in contrasts]  # fmt: skip
    total = formatting.plural(len(pieces), "comparison")
    text = (
        f"graphs take less {what} than the same program executed eagerly in"
        f" {len(found['faster'])} of {total}, more in {len(found['slower']) or 'none'}"
    )
    text += f", equivalent in {len(same)}" if (same := found["equivalent"]) else ""
    if open_ := found["not resolved"]:
        once = sum(not math.isfinite(contrast.ratio.low) for contrast in open_)
        text += f", not resolved in {len(open_)}"
        text += f" ({once} of them with one process)" if once else ""
    for verdict, label in (("faster", "less"), ("slower", "more")):
        ratios: dict[str, list[str]] = {}
        for contrast in found[verdict]:
            name = contrast.graph.configuration.label
            where = f" on {lane_label(contrast.panel.lane)}" if len(panels) > 1 else ""
            ratios.setdefault(name, []).append(ratio_text(contrast.ratio) + where)
        listed = [f"{name} {formatting.listing(mine)}" for name, mine in ratios.items()]
        text += f". {label.capitalize()}: {'; '.join(listed)}" if listed else ""
    return judged(pieces, text)


def by_hand(case: Case) -> Verdict:
    """Whether an imperative mode tuned by hand beats the plain one that a graph captures."""
    pieces = []
    for panel in _lanes(case.figures, "lenet"):
        configurations = [row.configuration for row in panel.rows]
        captured = {(one.framework, one.captures) for one in configurations if one.captures}
        eager = [one for one in configurations if one.kind == "imperative"]
        for plain, tuned in itertools.product(eager, eager):
            pair = [(one.framework, one.mode) in captured for one in (plain, tuned)]
            if plain.framework == tuned.framework and pair == [True, False]:
                teams = [(one.label, partial(operator.eq, one)) for one in (tuned, plain)]
                pieces.append(_less(panel, *teams))
    return judged(pieces)


def symbolic_is_slower(case: Case) -> Verdict:
    """Whether the fastest imperative mode beats every graph mode."""
    lanes = _lanes(case.figures, "lenet")
    return judged([_less(panel, _kind("imperative"), _kind("symbolic")) for panel in lanes])


def imperative_passes(case: Case) -> Verdict:
    """Whether every imperative mode matches the reference."""
    sides: dict[str, Side] = {"ok": "for", "wrong": "against", "failed": "against",
                              "timeout": "missing"}  # fmt: skip
    pieces = [
        Evidence(sides[row.status], f"{row.configuration.label} ({lane_label(panel.lane)})")
        for panel in case.figures.panels
        if panel.section == "lenet"
        for row in panel.rows
        if row.configuration.kind == "imperative" and row.status in sides
    ]
    good = [piece for piece in pieces if piece.side == "for"]
    text = f"{len(good)} of {len(pieces)} imperative configurations pass verification"
    bad = [piece.text for piece in pieces if piece.side != "for"]
    return judged(pieces, text + (f"; not {formatting.listing(bad)}" if bad else ""))


def imperative_has_graphs(case: Case) -> Verdict:
    """Whether each framework with an imperative mode can also capture it as a graph."""
    rows = [row for panel in case.figures.panels if panel.section == "lenet" for row in panel.rows]
    passed = {row.configuration for row in rows if row.status == "ok"}
    eager = {one.framework: one.framework_name for one in passed if one.kind == "imperative"}
    graph = {one.framework for one in passed if one.captures}
    untested = {row.configuration.framework for row in rows
                if row.configuration.captures and row.status in ("timeout", "skipped")}  # fmt: skip
    found: dict[Side, list[str]] = {"for": [], "against": [], "missing": []}
    for id, name in sorted(eager.items(), key=lambda item: item[1]):
        side: Side = "for" if id in graph else "missing" if id in untested else "against"
        found[side].append(name)
    texts = {"for": "the same program also runs as a graph, and passes verification, in",
             "against": "no graph of it in", "missing": "its graph is not tested in"}  # fmt: skip
    parts = [f"{texts[side]} {formatting.listing(names)}" for side, names in found.items() if names]
    pieces = [Evidence(side, name) for side, names in found.items() for name in names]
    return judged(pieces, "; ".join(parts))


def _where(panel: Panel) -> str:
    return f"{TOPICS[panel.section].lower()}, {lane_label(panel.lane)}"


def no_leader_everywhere(case: Case) -> Verdict:
    """Whether each framework is shown to be behind another one in something."""
    sections = ("lenet", "memory", "compile")
    panels = [panel for panel in case.figures.panels
              if panel.section in sections and panel.division == "closed"]  # fmt: skip
    # What names the first one found names as few as possible.
    panels.sort(key=lambda panel: (sections.index(panel.section), -len(panel.ranked)))
    names = {row.configuration.framework: row.configuration.framework_name
             for panel in panels for row in panel.good}  # fmt: skip
    pieces = []
    for id, name in sorted(names.items(), key=lambda item: item[1]) if len(names) > 1 else ():
        said: list[str] = []
        for panel in panels:
            mine, others = _modes(panel, _named(case, id)), _modes(panel, _others(id))
            duel = _duel(panel, mine, others) if mine and others else None
            said.append(duel.verdict if duel else "")
            if duel and duel.verdict == "slower":
                where = f"behind {duel.b.configuration.label} in {_where(panel)}"
                pieces.append(Evidence("for", f"{name} {duel.text}", where))
                break
        else:
            leads = set(said) == {"faster"} and len({p.section for p in panels}) == len(sections)
            text = "leads in all of this" if leads else "is not shown to be behind"
            pieces.append(Evidence("against" if leads else "open", f"{name} {text}"))
    pieces.sort(key=lambda piece: piece.where)
    return judged(pieces)


def leads_speed_and_memory(case: Case) -> Verdict:
    """Whether one framework takes less time and less memory than all others."""
    id = case.raw["framework"]
    pieces = [
        _less(panel, _named(case, id), _others(id))._replace(where=_where(panel))
        for section in ("lenet", "memory")
        for panel in _lanes(case.figures, section)
    ]
    return judged(pieces)


def _order(case: Case, panels: Sequence[Panel]) -> Verdict:
    """Whether first <= second < third, and first < third, by the best mode of each."""
    first, second, third = (_named(case, id) for id in case.raw["order"])
    pieces = []
    for panel in panels:
        pieces.append(_less(panel, first, second, tie="for"))
        pieces += [_less(panel, quick, third) for quick in (first, second)]
    return judged(pieces)


def speed_order(case: Case) -> Verdict:
    """Whether frameworks come in an order of training speed."""
    return _order(case, _lanes(case.figures, "lenet"))


def device_memory_order(case: Case) -> Verdict:
    """Whether frameworks come in an order of the memory that they take on a graphics card."""
    return _order(case, _device_memory(case.figures))


def _device_memory(figures: Figures) -> list[Panel]:
    """Return panels of a metric that is no headline, with the rows of the headline's."""
    metric = Metric("device_memory", "B", "device memory of the process", "lower")
    found = []
    for panel in _lanes(figures, "memory"):
        rows = []
        for row in panel.rows:
            cell = row.cell and figures.cells.get(row.cell.key._replace(metric=metric.id))
            if cell is not None and cell.model is not None:
                group = 0 if len(cell.blocks) > 1 else -1
                rows.append(replace(row, cell=cell, summary=models.summary(cell), group=group))
        rows.sort(key=lambda row: (-row.group, row.summary.value if row.summary else math.inf))
        noise = statistics.MARGIN  # nobody looked
        changed = replace(panel, metric=metric, rows=tuple(rows), noise=noise, replicated=False)
        found.append(changed)
    return found


def compile_order(case: Case) -> Verdict:
    """Whether the graph modes of each framework take longer to start than those of the last."""
    teams = [_named(case, id, "symbolic") for id in case.raw["order"]]
    pieces = [
        _less(panel, quick, slow)
        for panel in _lanes(case.figures, "compile", "cold")
        for quick, slow in itertools.pairwise(teams)
    ]
    return judged(pieces)


def half_speed(case: Case) -> Verdict:
    """Whether a framework runs at no more than two thirds of the speed of each of some others."""
    mine = _named(case, case.raw["framework"])
    pieces = [
        _less(panel, _named(case, other), mine, tie="open", limit=2 / 3)
        for panel in _lanes(case.figures, "lenet")
        for other in case.raw["others"]
    ]
    return judged(pieces)


RULES: dict[str, Rule] = {
    "captured_is_faster": partial(_captured_takes_less, section="lenet", what="time"),
    "captured_uses_less_memory": partial(_captured_takes_less, section="memory", what="memory"),
    "graph_saves_traffic": partial(_captured_takes_less, section="versus", what="time"),
} | {
    rule.__name__: rule
    for rule in (
        by_hand, symbolic_is_slower, imperative_passes, imperative_has_graphs,
        no_leader_everywhere, leads_speed_and_memory, speed_order, device_memory_order,
        compile_order, half_speed,
    )
}  # fmt: skip
"""Rules by the name that ``claims.toml`` calls them by."""
