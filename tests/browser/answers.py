"""The readers' questions, answered from CSVs alone: code that shares nothing with the generator.

The rules are those that the methodology page states, written a second time: a process counts as the
median of its samples, processes of one block are compared with each other, Student's t gives the
interval, and a tie is what is not shown to be slower. Where the two computations disagree, one of
them is wrong.
"""

import functools
import json
import math
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from tests.independent import comparison

MEASUREMENTS = Path(__file__).parents[2] / "measurements"
FRAMEWORKS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((MEASUREMENTS / "frameworks").glob("*/framework.toml"))
}
CLAIMS = tomllib.loads((MEASUREMENTS / "claims.toml").read_text(encoding="utf-8"))["claims"]
HEADLINES = {
    "lenet": "step_time",
    "memory": "peak_above_import",
    "compile": "ready_time",
    "r": "step_time",
}
SEVERITY = ("wrong", "failed", "timeout", "unsupported", "skipped")
PLACE = ["machine", "framework", "section", "mode", "device", "lane"]


# ------------------------------------------------------------------------------------------- rows


def read(results):
    """Return all whole rows of a folder of results, with the profile and the end of their run."""
    parts = []
    for path in sorted(results.glob("*/*/*/*.csv")):
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        parts.append(rows.assign(profile=record["profile"], ended=record["finished"] is not None))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[~rows["flags"].str.split().map(lambda flags: "partial" in flags)]
    return pd.concat([rows, _above_import(rows)], ignore_index=True)


def _above_import(rows):
    """Return the rows of how far each process's peak lies above import, where it did not say."""
    process = [*PLACE, "version", "run", "block"]
    sizes = rows[rows["section"] == "memory"].set_index(process)
    peak, imported, said = (
        sizes[sizes["metric"] == metric]
        for metric in ("peak_rss", "rss_imported", "peak_above_import")
    )
    both = peak[~peak.index.isin(said.index)].join(imported["value"].rename("imported"))
    above = pd.to_numeric(both["value"]) - pd.to_numeric(both["imported"])
    derived = both.assign(metric="peak_above_import", value=above.map(str).replace("nan", ""))
    return derived.drop(columns="imported").reset_index()


def published(rows):
    """Return what ordinary pages show: of every configuration the newest release's newest run."""
    rows = rows[rows["profile"].isin(["quick", "full"])]
    rows = _last(rows, [*PLACE, "version"], rows["ended"].astype(int).astype(str) + rows["run"])
    order = {
        (name, version["version"]): f"{place:03}"
        for name, framework in FRAMEWORKS.items()
        for place, version in enumerate(framework["versions"])
    }
    age = [order.get(pair, "") for pair in zip(rows["framework"], rows["version"], strict=True)]
    rows = _last(rows, PLACE, pd.Series(age, rows.index)).copy()
    # No number is published for a framework that did other work.
    same = ["machine", "framework", "version", "mode", "device", "lane"]
    judged = rows[(rows["metric"] == "gate") & (rows["section"] == "lenet")]
    wrong = set(judged.loc[judged["status"] == "wrong", same].itertuples(index=False, name=None))
    bad = pd.Series(
        [key in wrong for key in rows[same].itertuples(index=False, name=None)], rows.index
    )
    rows.loc[bad & (rows["status"] == "ok") & (rows["section"] != "lenet"), "status"] = "wrong"
    return rows


def _last(rows, configuration, rank):
    best = rank.groupby([rows[column] for column in configuration]).transform("max")
    return rows[rank == best]


@dataclass(frozen=True, eq=False)
class Place:
    """Published rows of one machine and device; what is computed from them is remembered."""

    rows: pd.DataFrame


def first_place(results):
    """Return the newest machine of a folder of results, its processor first."""
    rows = published(read(results))
    machine = max(zip(rows["run"], rows["machine"], strict=True))[1]
    rows = rows[rows["machine"] == machine]
    return Place(rows[rows["device"] == min(rows["device"])])


def cells(place, section, metric):
    """Return (lane, case, framework, mode) -> (run, block) -> samples."""
    rows = place.rows
    rows = rows[
        (rows["section"] == section) & (rows["metric"] == metric) & (rows["status"] == "ok")
        & (rows["mode"] != "")
    ]  # fmt: skip
    found = defaultdict(dict)
    for key, group in rows.groupby(["lane", "case", "framework", "mode", "run", "block"]):
        found[key[:4]][key[4:]] = group["value"].astype(float).to_numpy()
    return dict(found)


# ------------------------------------------------------------------------------------- statistics


def estimates(blocks):
    """Return block -> logarithm of the median of its process."""
    return {block: math.log(np.median(samples)) for block, samples in blocks.items()}


def value(blocks):
    """Return the geometric mean over processes of their medians."""
    return math.exp(np.mean(list(estimates(blocks).values())))


def judge(a, b, delta):
    """Return (value of a / value of b, verdict on a): block by block, or by Welch without any."""
    first, second = estimates(a), estimates(b)
    shared = [block for block in first if block in second]
    if len(shared) >= 2 or len(first) == len(second) == len(shared):
        logs = np.array([first[block] - second[block] for block in shared])
        middle, error, degrees = (
            logs.mean(),
            stats.sem(logs) if len(logs) > 1 else math.nan,
            len(logs) - 1,
        )
    else:
        x, y = list(first.values()), list(second.values())
        middle, error, degrees = np.mean(x) - np.mean(y), math.nan, 0
        if min(len(x), len(y)) > 1:
            u, v = stats.sem(x) ** 2, stats.sem(y) ** 2
            error = math.sqrt(u + v)
            degrees = (u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1))
    half = stats.t.ppf(0.975, degrees) * error if degrees else math.nan
    low, high, limit = middle - half, middle + half, math.log1p(delta)
    verdict = "not resolved"
    if -limit <= low and high <= limit:
        verdict = "equivalent"
    elif (low > 0 or high < 0) and abs(middle) > limit:
        verdict = "faster" if middle < 0 else "slower"
    return math.exp(middle), verdict


def band(found, lane):
    """Return the least difference worth a verdict in a lane: 2 %, or what A/A replicates show."""
    logs = []
    for key, blocks in found.items():
        again = found.get((key[0], f"again {key[1]}".rstrip(), *key[2:]), {})
        if key[0] == lane and again:
            first, second = estimates(blocks), estimates(again)
            logs.append(
                np.array([first[block] - second[block] for block in first if block in second])
            )
    if not logs:
        return 0.02
    count = sum(map(len, logs))
    noise = stats.t.ppf(0.975, count) * math.sqrt(sum((log**2).mean() for log in logs) / count)
    return max(0.02, math.expm1(max(noise, math.sqrt(np.mean([log.mean() ** 2 for log in logs])))))


# ----------------------------------------------------------------------------------------- panels


@dataclass(frozen=True)
class Panel:
    """A headline in one lane and case: configurations of one division, best first."""

    section: str
    lane: str
    case: str
    division: str
    delta: float
    blocks: dict
    """(framework, mode) -> blocks, in the order of rank; what one process measured comes last."""
    group: dict
    """(framework, mode) -> place, 0 leads, -1 has none."""
    bad: dict
    """(framework, mode) -> status of what has no value."""

    @property
    def leaders(self):
        return [key for key, place in self.group.items() if place == 0]

    def judge(self, a, b):
        return judge(self.blocks[a], self.blocks[b], self.delta)

    def best(self, framework):
        return next((key for key in self.blocks if key[0] == framework), None)


def mode_of(key):
    """Return what ``framework.toml`` says about a (framework, mode)."""
    return FRAMEWORKS[key[0]]["modes"][key[1]]


@functools.cache
def panels(place, section):
    """Return the panels of a section's headline."""
    metric, rows = HEADLINES[section], place.rows
    found = cells(place, section, metric)
    faults = rows[
        (rows["section"] == section) & (rows["status"] != "ok") & (rows["mode"] != "")
        & rows["metric"].isin([metric, "gate"])
    ]  # fmt: skip
    bad = defaultdict(set)
    for lane, case, *key, status in faults[["lane", "case", "framework", "mode", "status"]].values:
        bad[lane, case, *key].add(status)
    made = []
    for lane, case in sorted({key[:2] for key in (*found, *bad)}):
        if case.split(" ")[0] == "again":
            continue
        keys = {key[2:] for key in (*found, *bad) if key[:2] == (lane, case)}
        for division in sorted({mode_of(key)["division"] for key in keys}):
            mine = sorted(key for key in keys if mode_of(key)["division"] == division)
            made.append(_panel(section, lane, case, division, mine, found, bad))
    return made


def _panel(section, lane, case, division, keys, found, bad):
    delta = band(found, lane)
    statuses = {key: bad.get((lane, case, *key), set()) for key in keys}
    good = {
        key: found[lane, case, *key]
        for key in keys
        if (lane, case, *key) in found and "wrong" not in statuses[key]
    }
    often = {key: blocks for key, blocks in good.items() if len(blocks) > 1} or good
    group, leader = {}, None
    for key in sorted(often, key=lambda key: value(often[key])):
        if leader is None or judge(often[key], often[leader], delta)[1] == "slower":
            place, leader = len(set(group.values())), key
        group[key] = place
    group |= dict.fromkeys(sorted(good.keys() - often.keys(), key=lambda k: value(good[k])), -1)
    worst = {key: min(statuses[key], key=SEVERITY.index) for key in keys if key not in good}
    return Panel(
        section, lane, case, division, delta, {key: good[key] for key in group}, group, worst
    )


def panel(place, section, lane, case=""):
    """Return one panel of the closed division."""
    (found,) = [
        p for p in panels(place, section) if (p.lane, p.case, p.division) == (lane, case, "closed")
    ]
    return found


# ---------------------------------------------------------------------------------------- answers


@functools.cache
def answers(place, section):
    """Return (framework, case, metric) -> (whether it was right every time, median value)."""
    found = {}
    rows = place.rows[place.rows["section"] == section]
    for key, group in rows.groupby(["framework", "case", "metric"]):
        good = bool((group["status"] == "ok").all())
        found[key] = good, group["value"].astype(float).median() if good else None
    return found


# ----------------------------------------------------------------------------------------- claims


def verdict(claim, places):
    """Return what becomes of a claim today.

    ``places`` are those of ``tests.independent``: (machine, device) -> rows, with comparisons that
    hold for all modes of a table together.
    """
    device = claim.get("device", "cpu")
    mine = {where: place for where, place in places.items() if where[1] == device}
    newest = max(mine, key=lambda where: max(mine[where].rows["run"]), default=None)
    said = RULES[claim["rule"]](claim, mine[newest]) if newest else ()
    if set(said) <= {"missing"}:
        return "cannot be tested here"
    if {"for", "against"} <= set(said):
        return "mixed"
    if {"open", "missing"} & set(said):
        return "not resolved"
    return "holds" if "for" in said else "does not hold"


def _side(yes):
    return "for" if yes else "against"


def _lanes(place, section, case=""):
    found = place.panels(section)
    return [p for p in found if (p.division, p.case) == ("closed", case)]


def _less(p, one, other, tie="against", limit=1.0):
    """Return what it says of a claim that cells of one kind take less than those of another."""

    def takes(a, b):
        ratio, _ = p.judge(a, b)
        scaled = ratio._replace(
            value=ratio.value / limit, low=ratio.low / limit, high=ratio.high / limit
        )
        return ratio.value < limit, comparison.verdict(scaled, p.noise)

    first, second = ([cell for cell in p.group if mine(cell)] for mine in (one, other))
    if not first or not second:
        return "missing"
    best = [
        next((cell for cell in side if p.group[cell] >= 0), side[0]) for side in (first, second)
    ]
    less, word = takes(*best)
    others = {"faster": [(best[0], cell) for cell in second],
              "slower": [(cell, best[1]) for cell in first]}  # fmt: skip
    for a, b in others.get(word, ()):
        once = min(p.group[a], p.group[b]) < 0
        same, found = takes(a, b)
        if found != word and not (once and same == less):
            return "open"
    return {"faster": "for", "slower": "against", "equivalent": tie}.get(word, "open")


def _of(framework, kind=""):
    return lambda cell: cell.framework == framework and kind in ("", cell.about["kind"])


def _not_of(framework):
    return lambda cell: cell.framework != framework


_LESS = {"faster": "for", "not resolved": "open", "slower": "against", "equivalent": "against"}


def _captured(section):
    def said(claim, place):
        return [_LESS[p.judge(*pair)[1]] for p in _lanes(place, section) for pair in p.contrasts]

    return said


def _traffic(claim, place):
    where, case, said = ("versus", "step_time"), f"batch {claim['batch']}", []
    for cell in place.cells(*where):
        eager = cell._replace(mode=cell.about.get("captures", ""))
        if cell.case == case and eager in place.cells(*where):
            ratio = place.together(*where, cell.lane, case).ratio(cell, eager)
            noise = comparison.aa_noise(place.replicates(*where, cell.lane))
            said.append(_LESS[comparison.verdict(ratio, noise)])
    return said


def _by_hand(claim, place):
    said = []
    for p in _lanes(place, "lenet"):
        plain = {(cell.framework, cell.about.get("captures")) for cell in (*p.group, *p.bad)}
        eager = [cell for cell in (*p.group, *p.bad) if cell.about["kind"] == "imperative"]
        said += [
            _less(p, tuned.__eq__, one.__eq__)
            for one in eager
            for tuned in eager
            if (one.framework, one.mode) in plain
            and (tuned.framework, tuned.mode) not in plain
            and tuned.framework == one.framework
        ]
    return said


def _symbolic_slower(claim, place):
    kinds = [lambda cell, kind=kind: cell.about["kind"] == kind
             for kind in ("imperative", "symbolic")]  # fmt: skip
    return [_less(p, *kinds) for p in _lanes(place, "lenet")]


def _statuses(place):
    for p in place.panels("lenet"):
        yield from ((cell, "ok") for cell in p.group)
        yield from p.bad.items()


def _passes(claim, place):
    sides = {"ok": "for", "wrong": "against", "failed": "against", "timeout": "missing"}
    found = [sides.get(status) for cell, status in _statuses(place)
             if cell.about["kind"] == "imperative"]  # fmt: skip
    return [side for side in found if side]


def _graphs(claim, place):
    known = [(cell.framework, cell.about, status) for cell, status in _statuses(place)]
    eager = {name for name, about, status in known
             if about["kind"] == "imperative" and status == "ok"}  # fmt: skip
    graph = defaultdict(set)
    for name, about, status in known:
        if about.get("captures"):
            graph[name].add(status)
    return [
        "for" if "ok" in graph[name]
        else "missing" if graph[name] & {"skipped", "timeout"} else "against"
        for name in eager
    ]  # fmt: skip


def _lines(claim, place):
    found = place.counts("lenet", "lines")
    known = {(cell.framework, cell.about["kind"]) for cell, _ in _statuses(place)}
    eager = {name for name, kind in known if kind == "imperative"}
    without = [count for name, count in found.items() if name not in eager]
    if not without:
        return []
    said = [_side(found[name] > np.median(without)) for name in eager & set(found)]
    return said + ["missing"] * len({name for name, _ in known} - set(found))


def _shortest(claim, place):
    found, named = place.counts("highlevel", "lines"), claim["frameworks"]
    if len(set(found) - set(named)) < 2:
        return []
    middle = np.median(list(found.values()))
    return [_side(found[name] <= middle) if name in found else "missing" for name in named]


def _line_order(claim, place):
    found = place.counts("highlevel", "lines")
    return [
        _side(found[a] <= found[b]) if {a, b} <= set(found) else "missing"
        for a, b in pairwise(claim["order"])
    ]


def _no_leader(claim, place):
    sections = ("lenet", "memory", "compile")
    found = [p for section in sections for p in place.panels(section) if p.division == "closed"]
    names = {cell.framework for p in found for cell in p.group}
    whole = {p.section for p in found} == set(sections)
    said = []
    for name in names if len(names) > 1 else ():
        sides = {_less(p, _of(name), _not_of(name), "open") for p in found}
        behind, leads = "against" in sides, sides == {"for"} and whole
        said.append("for" if behind else "against" if leads else "open")
    return said


def _leads(claim, place):
    name = claim["framework"]
    return [
        _less(p, _of(name), _not_of(name))
        for section in ("lenet", "memory")
        for p in _lanes(place, section)
    ]


def _order(panels, order):
    a, b, c = map(_of, order)
    return [
        side for p in panels for side in (_less(p, a, b, "for"), _less(p, a, c), _less(p, b, c))
    ]


def _compile_order(claim, place):
    order = [_of(name, "symbolic") for name in claim["order"]]
    return [_less(p, *pair) for p in _lanes(place, "compile", "cold") for pair in pairwise(order)]


def _half_speed(claim, place):
    mine = _of(claim["framework"])
    return [
        _less(p, _of(other), mine, "open", 2 / 3)
        for p in _lanes(place, "lenet")
        for other in claim["others"]
    ]


def _states(place, section):
    """Return (framework, case, metric) -> whether it was right; None where it was not tested."""
    found = {}
    mine = place.rows[place.rows["section"] == section]
    for key, group in mine.groupby(["framework", "case", "metric"]):
        bad = group.loc[group["status"] != "ok", "status"]
        found[key] = True if bad.empty else None if bad.iloc[0] in ("skipped", "timeout") else False
    return found


def _can(claim, place):
    found = {section: _states(place, section) for section, *_ in claim["asks"]}
    said = []
    for framework, yes in claim["expected"].items():
        given = [found[section].get((framework, *what)) for section, *what in claim["asks"]]
        known = False in given or None not in given
        said.append(_side((False not in given) == yes) if known else "missing")
    return said


def _operators(place):
    """Return framework -> (operators with right values, those that may have them), and of all."""
    tested = defaultdict(dict)
    for (framework, case, metric), good in _states(place, "operators").items():
        if metric == "forward" and case and good is not None:
            tested[framework][case] = good
    every = len(set().union(*tested.values()))
    return every, {
        name: (sum(good.values()), sum(good.values()) + every - len(good))
        for name, good in tested.items()
    }


def _has_share(claim, place):
    every, found = _operators(place)
    said, least = [], claim["share"] * every
    for name in claim["frameworks"]:
        good, most = found.get(name, (0, every))
        said.append("for" if good >= least else "against" if most < least else "open")
    return said if every else []


def _share_order(claim, place):
    _, found = _operators(place)
    said = []
    for a, b in pairwise(claim["order"]):
        if {a, b} <= set(found):
            (good_a, most_a), (good_b, most_b) = found[a], found[b]
            said.append("for" if good_a > most_b else "against" if most_a <= good_b else "open")
        else:
            said.append("missing")
    return said


def _adding_is_hard(claim, place):
    said = []
    for name in claim["frameworks"]:
        ways = {_way(claim, place, name, way) for way in ("python", "native")}
        one = ways.pop() if len(ways) == 1 else "open"
        said.append("against" if "against" in {one, *ways} else one)
    return said


def _way(claim, place, name, way):
    """Return what one way to add an operator says of that it is hard."""
    found, written = _states(place, "custom"), place.answers("custom").get((name, way, "written"))
    given = [found.get((name, way, what))
             for what in ("forward", "gradient", "captured", "used", "written")]  # fmt: skip
    if False in given:
        return "for"
    slow = [cell for cell in place.cells("custom", "slowdown")
            if (cell.framework, cell.case) == (name, way)]  # fmt: skip
    if None in given or not slow:
        return "missing"
    _, low, high = place.value("custom", "slowdown", slow[0])
    if written[1] > claim["lines"] or low > claim["times"]:
        return "for"
    return "against" if high <= claim["times"] else "open"


def _package(name):
    fact = FRAMEWORKS[name]["facts"].get("r_package")
    return None if fact is None else fact["value"] != "none"


def _no_r(claim, place):
    found = map(_package, claim["frameworks"])
    return ["missing" if has is None else _side(not has) for has in found]


def _only_r(claim, place):
    name = claim["framework"]
    own, others = _package(name), {_package(other) for other in FRAMEWORKS if other != name}
    rest = "against" if True in others else "missing" if None in others else "for"
    return ["missing" if own is None else _side(own), rest]


RULES = {
    "untested": lambda claim, place: [],
    "captured_is_faster": _captured("lenet"),
    "captured_uses_less_memory": _captured("memory"),
    "graph_saves_traffic": _traffic,
    "symbolic_is_slower": _symbolic_slower,
    "imperative_passes": _passes,
    "imperative_has_graphs": _graphs,
    "by_hand": _by_hand,
    "imperative_needs_more_lines": _lines,
    "shortest": _shortest,
    "line_order": _line_order,
    "no_r_package": _no_r,
    "only_r_package": _only_r,
    "no_leader_everywhere": _no_leader,
    "leads_speed_and_memory": _leads,
    "speed_order": lambda claim, place: _order(_lanes(place, "lenet"), claim["order"]),
    "device_memory_order": lambda claim, place: [],  # waits for a GPU
    "compile_order": _compile_order,
    "half_speed": _half_speed,
    "can": _can,
    "has_share": _has_share,
    "share_order": _share_order,
    "adding_is_hard": _adding_is_hard,
}
