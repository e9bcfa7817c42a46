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

HOLDS, FELL, MIXED, UNTESTED = "holds", "no longer holds", "mixed", "cannot be tested here"


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


def counts(place, section, metric):
    """Return framework -> the least of its counts."""
    rows = place.rows
    rows = rows[
        (rows["section"] == section) & (rows["metric"] == metric) & (rows["status"] == "ok")
    ]
    return rows["value"].astype(float).groupby(rows["framework"]).min().to_dict()


# ----------------------------------------------------------------------------------------- claims


def verdict(claim, place):
    """Return what becomes of a claim of the article on one machine and device."""
    votes = RULES[claim["rule"]](claim, place)
    if isinstance(votes, str):
        return votes
    if not votes:
        return UNTESTED
    if all(vote == "not resolved" for vote in votes):
        return UNTESTED
    yes = [vote in (True, "faster") for vote in votes]
    if any(yes) or "not resolved" in votes:
        return HOLDS if all(yes) else MIXED
    return FELL


def _closed(place, section):
    return [p for p in panels(place, section) if p.division == "closed" and p.blocks]


def _kind(key):
    return mode_of(key)["kind"]


def _captured(section):
    def votes(claim, place):
        return [
            p.judge(key, eager)[1]
            for p in _closed(place, section)
            for key in p.blocks
            if (eager := (key[0], mode_of(key).get("captures", ""))) in p.blocks
        ]

    return votes


def _traffic(claim, place):
    found = cells(place, "versus", "step_time")
    pairs = [
        (blocks, found.get((*key[:3], mode_of(key[2:]).get("captures", ""))))
        for key, blocks in found.items()
        if key[1] == f"batch {claim['batch']}"
    ]
    return [judge(graph, eager, 0.02)[1] for graph, eager in pairs if eager]


def _passes(claim, place):
    votes = []
    for p in panels(place, "lenet"):
        votes += [True for key in p.blocks if _kind(key) == "imperative"]
        votes += [
            False
            for key, status in p.bad.items()
            if _kind(key) == "imperative" and status in ("wrong", "failed")
        ]
    return votes


def _graphs(claim, place):
    keys = [key for p in panels(place, "lenet") for key in p.blocks]
    graph = {key[0] for key in keys if mode_of(key).get("captures")}
    return [name in graph for name in {key[0] for key in keys if _kind(key) == "imperative"}]


def _by_hand(claim, place):
    votes = []
    for p in _closed(place, "lenet"):
        plain = {(key[0], mode_of(key).get("captures", "")) for key in p.blocks}
        eager = [key for key in p.blocks if _kind(key) == "imperative"]
        votes += [
            p.judge(tuned, one)[1]
            for one in eager
            for tuned in eager
            if one in plain and tuned[0] == one[0] and tuned not in plain
        ]
    return votes


def _lines(claim, place):
    found = counts(place, "lenet", "lines")
    eager = {
        key[0]
        for p in panels(place, "lenet")
        for key in (*p.blocks, *p.bad)
        if _kind(key) == "imperative"
    }
    with_, without = (
        [count for name, count in found.items() if (name in eager) is wanted]
        for wanted in (True, False)
    )
    if not with_ or not without:
        return []
    return [np.median(with_) > np.median(without), min(with_) > max(without)]


def _symbolic_slower(claim, place):
    mixed = [
        p for p in _closed(place, "lenet")
        if {_kind(key) for key in p.blocks} >= {"imperative", "symbolic"}
    ]  # fmt: skip
    graph_leads = ["symbolic" in map(_kind, p.leaders) for p in mixed]
    if not graph_leads:
        return UNTESTED
    return FELL if all(graph_leads) else MIXED if any(graph_leads) else HOLDS


def _shortest(claim, place):
    found = counts(place, "highlevel", "lines")
    named = [name for name in claim["frameworks"] if name in found]
    if len(found) < len(named) + 2:
        return []
    return [found[name] <= np.median(list(found.values())) for name in named]


def _line_order(claim, place):
    found = counts(place, "highlevel", "lines")
    lines = [found[name] for name in claim["order"] if name in found]
    return [a <= b for a, b in pairwise(lines)] if len(lines) > 2 else []


def _from_r(place):
    found = {}
    for p in panels(place, "r"):
        found |= {key[0]: False for key, status in p.bad.items() if status != "skipped"}
        found |= {key[0]: True for key in p.blocks}
    return found


def _no_r(claim, place):
    found = _from_r(place)
    return [not found[name] for name in claim["frameworks"] if name in found]


def _only_r(claim, place):
    found = _from_r(place)
    if len(found) < 2 or claim["framework"] not in found:
        return []
    others = any(able for name, able in found.items() if name != claim["framework"])
    return [found[claim["framework"]], not others]


def _no_leader(claim, place):
    found = [p for section in ("lenet", "memory", "compile") for p in _closed(place, section)]
    if len({p.section for p in found}) < 2:
        return UNTESTED
    everywhere = set.intersection(*({key[0] for key in p.leaders} for p in found))
    return MIXED if everywhere else HOLDS


def _leads(claim, place):
    found = [p for section in ("lenet", "memory") for p in _closed(place, section)]
    if not any(p.best(claim["framework"]) for p in found):
        return []
    return [any(key[0] == claim["framework"] for key in p.leaders) for p in found]


def _order(section):
    def votes(claim, place):
        found = []
        for p in _closed(place, section):
            best = [key for name in claim["order"] if (key := p.best(name))]
            if len(best) > 2:
                first, second, third = best
                found.append(p.judge(first, second)[1] != "slower")
                found.append(all(p.judge(third, key)[1] == "slower" for key in (first, second)))
        return found

    return votes


def _compile_order(claim, place):
    votes = []
    for p in [p for p in _closed(place, "compile") if p.case == "cold"]:
        slowest = {key[0]: key for key in p.blocks if _kind(key) == "symbolic"}
        worst, second = (slowest.get(name) for name in claim["slowest"])
        if worst and second and len(slowest) > 2:
            others = [key for key in slowest.values() if key not in (worst, second)]
            votes.append(p.judge(worst, second)[1] == "slower")
            votes.append(all(p.judge(second, key)[1] == "slower" for key in others))
    return votes


def _half_speed(claim, place):
    votes = []
    for p in _closed(place, "lenet"):
        others = [key for key in p.blocks if key[0] in claim["others"]]
        if (mine := p.best(claim["framework"])) and others:
            votes.append(p.judge(others[0], mine)[0] < 0.67)
    return votes


def _can(claim, place):
    found = {section: answers(place, section) for section, *_ in claim["asks"]}
    votes = []
    for framework, yes in claim["expected"].items():
        said = [found[section].get((framework, *what)) for section, *what in claim["asks"]]
        if None in said:
            return []
        votes.append(all(good for good, _ in said) == yes)
    return votes


def _operators(place):
    found = defaultdict(list)
    for (framework, case, metric), (good, _) in answers(place, "operators").items():
        if metric == "forward" and case:
            found[framework].append(good)
    return found


def _has_share(claim, place):
    found = _operators(place)
    if not found.keys() >= set(claim["frameworks"]):
        return []
    return [np.mean(found[name]) >= claim["share"] for name in claim["frameworks"]]


def _share_order(claim, place):
    right = [sum(_operators(place).get(name, [])) for name in claim["order"]]
    return [a > b for a, b in pairwise(right)]


def _adding_is_hard(claim, place):
    found = answers(place, "custom")
    votes = []
    for name in claim["frameworks"]:
        if not any(key[0] == name for key in found):
            return []
        easy = False
        for way in ("python", "native"):
            metrics = ("forward", "gradient", "captured", "used", "slowdown", "written")
            said = [found.get((name, way, metric), (False, None)) for metric in metrics]
            right = all(good for good, _ in said)
            easy |= right and said[4][1] <= claim["times"] and said[5][1] <= claim["lines"]
        votes.append(not easy)
    return votes


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
    "no_r": _no_r,
    "only_in_r": _only_r,
    "no_leader_everywhere": _no_leader,
    "leads_speed_and_memory": _leads,
    "speed_order": _order("lenet"),
    "memory_order": _order("memory"),
    "compile_order": _compile_order,
    "half_speed": _half_speed,
    "can": _can,
    "has_share": _has_share,
    "share_order": _share_order,
    "adding_is_hard": _adding_is_hard,
}
