"""The verdicts of the article's claims, written from the sentences in ``measurements/claims.toml``.

The head of that file explains the terms.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tests.independent import comparison
from tests.independent.panels import newest_first
from tests.independent.rows import FRAMEWORKS

FOR, AGAINST, OPEN, MISSING = "for", "against", "open", "missing"
_UNTESTED = {"skipped", "timeout"}


def verdicts(claim, times):
    """Return what becomes of a claim (today, in its time).

    On the newest machine that has figures of its device; ``times`` are :func:`panels.places`.
    Sourced facts are today's, and judge nothing then.
    """
    device = claim.get("device", "cpu")
    order = [where for where in newest_first(times[0]) if where[1] == device]
    today, then = (next((of[m] for m in order if m in of), None) for of in times)
    return _verdict(claim, today, FRAMEWORKS), _verdict(claim, then, {})


def _verdict(claim, place, facts):
    sourced = claim["rule"] in ("no_r_package", "only_r_package")
    if place is None and not sourced:
        return "cannot be tested here"
    found = set(_RULES[claim["rule"]](claim, place, facts))
    if found <= {MISSING}:
        return "cannot be tested here"
    if {FOR, AGAINST} <= found:
        return "mixed"
    if found & {OPEN, MISSING}:
        return "not resolved"
    return "holds" if FOR in found else "does not hold"


# -------------------------------------------------------------------------------- what takes less


def _lanes(place, section, case="", metric=""):
    """Return the panels of the closed division of a section in which something has a figure."""
    return [
        panel for panel in place.panels(section, metric)
        if (panel.division, panel.case) == ("closed", case) and panel.group
    ]  # fmt: skip


def _less(panel, one, other, limit=1):
    """Return "less" where the modes of one take less than those of the other; or "more".

    Otherwise "equivalent", or "open"; None where one of them has no mode. With a limit, "less" is
    less than so many times as much.
    """
    sides = [[cell for cell in panel.group if known(cell)] for known in (one, other)]
    if not all(sides):
        return None
    first, second = sides
    if _beats(panel, first, second, limit):
        return "less"
    if _beats(panel, second, first, 1 / limit):
        return "more"
    best = [next((cell for cell in side if _often(panel, cell)), side[0]) for side in sides]
    return "equivalent" if _judge(panel, *best, limit) == "equivalent" else "open"


def _often(panel, cell):
    return len(panel.model.cells[cell]) > 1


def _judge(panel, one, other, limit=1):
    ratio = panel.model.ratio(one, other)
    return comparison.verdict([end / limit for end in ratio[:3]], panel.noise)


def _beats(panel, winners, losers, limit):
    """Whether the best of one side is shown to take less than everything of the other."""
    best = next((cell for cell in winners if _often(panel, cell)), None)
    often = [cell for cell in losers if _often(panel, cell)]
    if best is None or not often:
        return False
    shown = all(_judge(panel, best, cell, limit) == "faster" for cell in often)
    once = [cell for cell in losers if not _often(panel, cell)]
    return shown and all(panel.model.ratio(best, cell).value < limit for cell in once)


def _evidence(panel, one, other, equal=AGAINST, limit=1):
    """Return what a comparison says of "one takes less than the other"."""
    found = _less(panel, one, other, limit)
    return {"less": FOR, "more": AGAINST, "equivalent": equal, "open": OPEN, None: MISSING}[found]


def _of(framework, *kinds):
    return lambda cell: cell.framework == framework and (not kinds or cell.about["kind"] in kinds)


def _not_of(framework):
    return lambda cell: cell.framework != framework


def _kind(kind):
    return lambda cell: cell.about["kind"] == kind


def _leads(claim, place, facts):
    mine, others = _of(claim["framework"]), _not_of(claim["framework"])
    return [
        _evidence(panel, mine, others)
        for section in ("lenet", "memory")
        for panel in _lanes(place, section)
    ]


def _no_leader(claim, place, facts):
    needs = (("lenet", ""), ("memory", ""), ("compile", "cold"), ("compile", "warm"))
    needs = [panel for need in needs for panel in _lanes(place, *need)]
    names = {cell.framework for panel in needs for cell in panel.group}
    whole = len({panel.section for panel in needs}) == 3
    found = []
    for name in names if len(names) > 1 else ():
        said = {_less(panel, _of(name), _not_of(name)) for panel in needs}
        found.append(FOR if "more" in said else AGAINST if whole and said == {"less"} else OPEN)
    return found


def _symbolic_is_slower(claim, place, facts):
    kinds = _kind("imperative"), _kind("symbolic")
    return [_evidence(panel, *kinds) for panel in _lanes(place, "lenet")]


def _itself(section, metric=""):
    """Return the rule that compares every program with itself: as a graph, and eagerly."""

    def rule(claim, place, facts):
        case = f"batch {claim['batch']}" if "batch" in claim else ""
        said = {"faster": FOR, "not resolved": OPEN}
        return [
            said.get(_judge(panel, graph, eager), AGAINST)
            for panel in _lanes(place, section, case, metric)
            for graph, eager in panel.contrasts
        ]

    return rule


def _by_hand(claim, place, facts):
    found = []
    for panel in _lanes(place, "lenet"):
        known = [*panel.group, *panel.bad]
        captured = {cell._replace(mode=cell.about.get("captures", "")) for cell in known}
        eager = [cell for cell in known if cell.about["kind"] == "imperative"]
        found += [
            _evidence(panel, tuned.__eq__, plain.__eq__)
            for plain in eager
            for tuned in eager
            if plain in captured and tuned not in captured and tuned.framework == plain.framework
        ]
    return found


def _order(panels, order):
    first, second, third = map(_of, order)
    return [
        evidence
        for panel in panels
        for evidence in (
            _evidence(panel, first, second, equal=FOR),
            _evidence(panel, first, third),
            _evidence(panel, second, third),
        )
    ]


def _speed_order(claim, place, facts):
    return _order(_lanes(place, "lenet"), claim["order"])


def _device_memory_order(claim, place, facts):
    found = []
    ranked = {cell for panel in _lanes(place, "memory") for cell in panel.group}
    for panel in _lanes(place, "memory", metric="device_memory"):
        group = {cell: place for cell, place in panel.group.items() if cell in ranked}
        found.append(replace(panel, noise=comparison.MARGIN, group=group))
    return _order(found, claim["order"])


def _compile_order(claim, place, facts):
    teams = [_of(name, "symbolic") for name in claim["order"]]
    return [
        _evidence(panel, *pair)
        for panel in _lanes(place, "compile", "cold")
        for pair in pairwise(teams)
    ]


def _half_speed(claim, place, facts):
    return [
        _evidence(panel, _of(other), _of(claim["framework"]), equal=OPEN, limit=2 / 3)
        for panel in _lanes(place, "lenet")
        for other in claim["others"]
    ]


# -------------------------------------------------------------------------------- what is offered


def _passes(claim, place, facts):
    says = {"wrong": AGAINST, "failed": AGAINST, "timeout": MISSING}
    found = []
    for panel in place.panels("lenet"):
        found += [FOR for cell in panel.group if cell.about["kind"] == "imperative"]
        found += [
            says[status] for cell, status in panel.bad.items()
            if cell.about["kind"] == "imperative" and status in says
        ]  # fmt: skip
    return found


def _graphs(claim, place, facts):
    panels = place.panels("lenet")
    good = {cell for panel in panels for cell in panel.group}
    eager = {cell.framework for cell in good if cell.about["kind"] == "imperative"}
    graph = {cell.framework for cell in good if cell.about.get("captures")}
    untested = {
        cell.framework for panel in panels for cell, status in panel.bad.items()
        if cell.about.get("captures") and status in _UNTESTED
    }  # fmt: skip
    return [FOR if name in graph else MISSING if name in untested else AGAINST for name in eager]


def _answer(place, section, *question):
    """Return True or False, or None where it was not tested."""
    statuses, _ = place.answers(section).get(question, (set(), None))
    if statuses - _UNTESTED - {"ok"}:
        return False
    return True if statuses == {"ok"} else None


def _can(claim, place, facts):
    found = []
    for framework, yes in claim["expected"].items():
        said = [_answer(place, section, framework, *what) for section, *what in claim["asks"]]
        if False in said or None not in said:
            found.append(FOR if (False not in said) == yes else AGAINST)
        else:
            found.append(MISSING)
    return found


def _right_operators(place):
    """Return framework -> (operators with right values, at most so many), and how many there are.

    What one framework was tested for and another was not may be right there as well.
    """
    said = {}
    for framework, case, metric in place.answers("operators"):
        answer = _answer(place, "operators", framework, case, metric)
        if metric == "forward" and case and answer is not None:
            said.setdefault(framework, {})[case] = answer
    every = len(set().union(*said.values()))
    sums = {name: (sum(mine.values()), every - len(mine)) for name, mine in said.items()}
    return {name: (good, good + untested) for name, (good, untested) in sums.items()}, every


def _has_share(claim, place, facts):
    found, every = _right_operators(place)
    least = claim["share"] * every
    evidence = []
    for low, high in (found.get(name, (None, None)) for name in claim["frameworks"]):
        against = MISSING if low is None else AGAINST if high < least else OPEN
        evidence.append(FOR if low is not None and low >= least else against)
    return evidence


def _share_order(claim, place, facts):
    found, _ = _right_operators(place)
    evidence = []
    for more, fewer in pairwise(claim["order"]):
        if more in found and fewer in found:
            (low, high), (other_low, other_high) = found[more], found[fewer]
            against = AGAINST if high <= other_low else OPEN
            evidence.append(FOR if low > other_high else against)
        else:
            evidence.append(MISSING)
    return evidence


def _adding_is_hard(claim, place, facts):
    found = []
    for name in claim["frameworks"]:
        ways = {_easy(claim, place, name, way) for way in ("python", "native")}
        if True in ways:
            found.append(AGAINST)
        else:
            found.append(FOR if ways == {False} else MISSING if ways == {None} else OPEN)
    return found


def _easy(claim, place, name, way):
    """Return whether a way is not complicated; None where it was not tested, "open" if unclear."""
    metrics = ("forward", "gradient", "captured", "used", "written")
    said = [_answer(place, "custom", name, way, metric) for metric in metrics]
    if False in said:
        return False
    cells = [cell for cell in place.cells("custom", "slowdown")
             if (cell.framework, cell.case) == (name, way)]  # fmt: skip
    if None in said or not cells:
        return None
    own = place.value("custom", "slowdown", cells[0])
    _, lines = place.answers("custom")[name, way, "written"]
    if lines > claim["lines"] or own.low > claim["times"]:
        return False
    return True if own.high <= claim["times"] else "open"


# ------------------------------------------------------------------------------------------ counts


def _more_lines(claim, place, facts):
    lines = place.counts("lenet", "lines")
    known = [cell for panel in place.panels("lenet") for cell in (*panel.group, *panel.bad)]
    eager = {cell.framework for cell in known if cell.about["kind"] == "imperative"}
    without = [count for name, count in lines.items() if name not in eager]
    if not without:
        return []
    found = [FOR if lines[name] > np.median(without) else AGAINST for name in eager & lines.keys()]
    return found + [MISSING for _ in {cell.framework for cell in known} - lines.keys()]


def _shortest(claim, place, facts):
    lines = place.counts("highlevel", "lines")
    if len(lines.keys() - set(claim["frameworks"])) < 2:
        return []
    limit = np.median(list(lines.values()))
    return [
        MISSING if name not in lines else FOR if lines[name] <= limit else AGAINST
        for name in claim["frameworks"]
    ]


def _line_order(claim, place, facts):
    lines = place.counts("highlevel", "lines")
    return [
        MISSING if not {a, b} <= lines.keys() else FOR if lines[a] <= lines[b] else AGAINST
        for a, b in pairwise(claim["order"])
    ]


# ----------------------------------------------------------------------------------- sourced facts


def _r_package(facts, name):
    """Return whether there is an R package, None where nobody has looked."""
    fact = facts.get(name, {}).get("facts", {}).get("r_package")
    return None if fact is None else fact["value"] != "none"


def _no_r_package(claim, place, facts):
    found = [_r_package(facts, name) for name in claim["frameworks"]]
    return [{None: MISSING, True: AGAINST, False: FOR}[has] for has in found]


def _only_r_package(claim, place, facts):
    own = _r_package(facts, claim["framework"])
    others = {_r_package(facts, name) for name in facts if name != claim["framework"]}
    rest = AGAINST if True in others else MISSING if None in others or not others else FOR
    return [{None: MISSING, True: FOR, False: AGAINST}[own], rest]


_RULES = {
    "untested": lambda claim, place, facts: [],
    "leads_speed_and_memory": _leads,
    "no_leader_everywhere": _no_leader,
    "symbolic_is_slower": _symbolic_is_slower,
    "captured_is_faster": _itself("lenet"),
    "captured_uses_less_memory": _itself("memory"),
    "graph_saves_traffic": _itself("versus", "step_time"),
    "by_hand": _by_hand,
    "speed_order": _speed_order,
    "device_memory_order": _device_memory_order,
    "compile_order": _compile_order,
    "half_speed": _half_speed,
    "imperative_passes": _passes,
    "imperative_has_graphs": _graphs,
    "can": _can,
    "has_share": _has_share,
    "share_order": _share_order,
    "adding_is_hard": _adding_is_hard,
    "imperative_needs_more_lines": _more_lines,
    "shortest": _shortest,
    "line_order": _line_order,
    "no_r_package": _no_r_package,
    "only_r_package": _only_r_package,
}
