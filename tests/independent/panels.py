"""Cells, and panels of those that are ranked, of one machine and device."""

import functools
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tests.independent import comparison, rows

HEADLINES = {
    "lenet": "step_time", "memory": "peak_above_import", "compile": "ready_time", "r": "step_time",
    "highlevel": "total_time",
}  # fmt: skip
"""What sections rank; less is better in all of them."""
SEVERITY = ("wrong", "failed", "timeout", "unsupported", "skipped")
_AGAIN = "again"
"""First word of the case of the second half of an A/A replicate."""


class Cell(NamedTuple):
    """One configuration and case of a metric."""

    framework: str
    version: str
    mode: str
    lane: str
    case: str

    @property
    def again(self):
        """Whether it is the second half of an A/A replicate."""
        return self.case.split(" ")[0] == _AGAIN

    @property
    def about(self):
        """What ``framework.toml`` says about the mode."""
        return rows.FRAMEWORKS[self.framework]["modes"][self.mode]


def spreads(everything):
    """Return (machine, device, metric) -> (variance, degrees) of the same from run to run.

    Of all runs of equal locks: the variance of their means, less what processes explain.
    """
    good = everything[(everything["status"] == "ok") & (everything["value"] > 0)]
    good = good[(good["mode"] != "") & (good["case"].str.split(" ").str[0] != _AGAIN)]
    same = [*rows.CONFIGURATION, "section", "case", "metric", "lock"]
    processes = np.log(good.groupby([*same, "run", "block"])["value"].median())
    runs = processes.groupby([*same, "run"]).agg(["mean", "var", "count"]).reset_index()
    runs = runs[runs.groupby(same)["run"].transform("size") > 1]
    runs["within"] = runs["var"] / runs["count"]
    repeated = runs.groupby(same).agg({"mean": "var", "within": "mean"})
    between = repeated["mean"] - repeated["within"].fillna(0)
    place = ["machine", "device", "metric"]
    variances = between.groupby(place).mean().clip(lower=0)
    degrees = runs.groupby(place)["run"].nunique() - 1
    return {where: (variances[where], degrees[where]) for where in variances.index}


@dataclass(frozen=True, eq=False)
class Place:
    """Published rows of one machine and device; what is computed from them is remembered."""

    rows: pd.DataFrame
    spreads: dict

    @functools.cached_property
    def measured(self):
        """(section, metric) -> good rows."""
        good = self.rows[self.rows["status"] == "ok"]
        block = good["run"] + " " + good["block"]
        return dict(list(good.assign(block=block).groupby(["section", "metric"])))

    @functools.cache  # noqa: B019 - as long as the tests
    def cells(self, section, metric):
        """Return cell -> samples, one series a cell: block -> value."""
        found = self.measured.get((section, metric))
        if found is None:
            return {}
        cells = found.groupby([found[name] for name in Cell._fields])
        return {Cell(*key): group.set_index("block")["value"] for key, group in cells}

    @functools.cache  # noqa: B019
    def together(self, section, metric, lane, case):
        """Return the model of the positive cells of a table."""
        logs = {
            cell: logarithms(samples)
            for cell, samples in self.cells(section, metric).items()
            if (cell.lane, cell.case) == (lane, case) and not cell.again and (samples > 0).all()
        }
        return comparison.Together(logs, self.spread(metric))

    @property
    def batch(self):
        """Return the images of a step, as the newest run says."""
        return self.rows["batch"].iloc[self.rows["run"].argmax()]

    def spread(self, metric):
        return self.spreads.get((*self.rows[["machine", "device"]].iloc[0], metric))

    def value(self, section, metric, cell):
        """Return a cell's value with its interval; without a logarithm, the median."""
        samples = self.cells(section, metric)[cell]
        if (samples > 0).all():
            return self.together(section, metric, cell.lane, cell.case).own(cell)
        return comparison.Interval(samples.median())

    def replicates(self, section, metric, lane):
        """Return the pairs of a lane that ran twice in every block."""
        found = {
            cell: logarithms(samples)
            for cell, samples in self.cells(section, metric).items()
            if cell.lane == lane and (samples > 0).all()
        }
        again = {cell: cell._replace(case=f"{_AGAIN} {cell.case}".rstrip()) for cell in found}
        return [(found[one], found[two]) for one, two in again.items() if two in found]

    @functools.cache  # noqa: B019
    def panels(self, section, metric=""):
        """Return the panels of a metric, the headline, one a lane, case and division."""
        return list(_panels(self, section, metric or HEADLINES[section]))

    @functools.cache  # noqa: B019
    def answers(self, section):
        """Return (framework, case, metric) -> (how the processes that tested it ended, median)."""
        mine = self.rows[self.rows["section"] == section]
        return {
            key: (set(group["status"]), group["value"].median())
            for key, group in mine.groupby(["framework", "case", "metric"])
        }

    def counts(self, section, metric):
        """Return framework -> the least of its counts."""
        found = defaultdict(list)
        for cell, samples in self.cells(section, metric).items():
            found[cell.framework].append(samples.min())
        return {framework: min(counts) for framework, counts in found.items()}


def logarithms(samples):
    """Return block -> logarithm of the median of its process."""
    return np.log(samples.groupby(level=0).median())


def places(results):
    """Return (machine, device) -> place, of what is published and of the article's time."""
    everything = rows.read(results)
    between = spreads(everything)
    return [
        {where: Place(mine, between) for where, mine in shown.groupby(["machine", "device"])}
        for shown in (rows.published(everything), rows.of_that_time(everything))
    ]


def newest_first(places):
    """Return the (machine, device) of places, that of the newest run first, then by device."""
    newest = defaultdict(str)
    for (machine, _), place in places.items():
        newest[machine] = max(newest[machine], place.rows["run"].max())
    machines = sorted(newest, key=lambda machine: (newest[machine], machine), reverse=True)
    return sorted(places, key=lambda where: (machines.index(where[0]), where[1]))


@dataclass(frozen=True, eq=False)
class Panel:
    """A headline in one lane and case: configurations of one division."""

    place: Place
    section: str
    lane: str
    case: str
    division: str
    noise: float
    replicated: bool
    """Whether its noise was measured."""
    model: comparison.Together
    group: dict
    """Cell -> place, best first: 0 leads; -1 has none, since one process measured it."""
    bad: dict
    """Cell -> status of what has no value."""

    @property
    def leaders(self):
        return [cell for cell, place in self.group.items() if place == 0]

    @property
    def ranked(self):
        return [cell for cell, place in self.group.items() if place >= 0]

    def judge(self, one, other):
        """Return (one / other, verdict on one)."""
        ratio = self.model.ratio(one, other)
        return ratio, comparison.verdict(ratio, self.noise)

    def best(self, framework):
        return next((cell for cell in self.group if cell.framework == framework), None)

    @property
    def contrasts(self):
        """Return (graph, eager) of every program that runs both ways."""
        pairs = [(cell, cell._replace(mode=cell.about.get("captures", "")))
                 for cell in self.group]  # fmt: skip
        return [pair for pair in pairs if pair[1] in self.group]


def _panels(place, section, metric):
    wanted = place.rows[(place.rows["section"] == section) & (place.rows["mode"] != "")]
    wanted = wanted[wanted["case"].str.split(" ").str[0] != _AGAIN]
    faults = defaultdict(set)
    bad = wanted[(wanted["status"] != "ok") & wanted["metric"].isin([metric, "gate"])]
    for *cell, status in bad[[*Cell._fields, "status"]].drop_duplicates().to_numpy():
        faults[Cell(*cell)].add(status)
    panels = defaultdict(dict)
    for cell in [*place.cells(section, metric), *faults]:
        if not cell.again:
            panels[cell.lane, cell.case, cell.about.get("division", "closed")][cell] = None
    for (lane, case, division), mine in sorted(panels.items()):
        model = place.together(section, metric, lane, case)
        good = [cell for cell in mine if cell in model.cells and "wrong" not in faults[cell]]
        good.sort(key=lambda cell: (len(model.cells[cell]) < 2, model.cells[cell].mean()))
        pairs = place.replicates(section, metric, lane)
        noise = comparison.aa_noise(pairs)
        worst = {cell: min(faults[cell], key=SEVERITY.index) for cell in mine if cell not in good}
        groups = model.groups(good, noise)
        about = place, section, lane, case, division
        yield Panel(*about, noise, bool(pairs), model, groups, worst)
