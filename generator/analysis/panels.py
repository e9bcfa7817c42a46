"""Pure: selected rows -> figures of each machine: panels of configurations that may be compared.

A *panel* is one metric on one machine, device, lane and case. Only within a panel are rows
compared, tied or called slower.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generator.analysis import statistics
from generator.analysis.cells import (
    Cell,
    Key,
    Spreads,
    aa_noises,
    compare,
    fitted,
    group_cells,
    is_again,
    replicates,
)
from generator.catalog import freshness
from generator.catalog.model import LANES
from generator.results import schema

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Metric, Section

SEVERITY = ("wrong", "failed", "timeout", "unsupported", "skipped")
"""What may happen instead of "ok", the worst first."""


@dataclass(frozen=True)
class Configuration:
    """A framework's version in one of its modes, with the labels of both."""

    framework: str
    version: str
    mode: str
    framework_name: str = field(compare=False)
    mode_title: str = field(compare=False)
    kind: str = field(compare=False)
    division: str = field(compare=False, default="closed")
    default: bool = field(compare=False, default=True)
    """Whether the mode stands for the framework where one has to."""
    captures: str = field(compare=False, default="")
    """Mode of the same framework whose program this one turns into a graph, or ""."""
    release: str = field(compare=False, default="")
    """The version and how fresh it is, as tables show it."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Framework, version and mode."""
        return self.framework, self.version, self.mode

    @property
    def label(self) -> str:
        """For example "Alder (compiled function)"."""
        if not self.mode:
            return self.framework_name
        return f"{self.framework_name} ({self.mode_title})"


@dataclass(frozen=True)
class Row:
    """One configuration in a panel: a summary, or the reason why there is none."""

    configuration: Configuration
    provenance: str
    cell: Cell | None
    summary: statistics.Summary | None
    status: str
    reason: str
    faults: int
    """Blocks that ended with another status than ok."""
    group: int = -1
    """0 is the leading one, which holds everything not shown to be slower than the best value; -1
    has none: no value, or one process."""
    against: statistics.Ratio | None = None
    """Value / that of the leader; None for the leader, and without a value or a leader."""
    verdict: str = ""
    """Of this row against the leader, see :func:`statistics.verdict`; or "leads"."""
    detectable: float = math.nan
    """Difference from the leader that is found in 80 % of runs, as a fraction."""


@dataclass(frozen=True)
class Panel:
    """Rows that may be compared: best first, then those measured once, then those without value."""

    machine: str
    device: str
    section: str
    metric: Metric
    lane: str
    case: str
    division: str
    """"closed" or "idiomatic": the two are never in one ranking."""
    rows: tuple[Row, ...]
    noise: float
    """A/A noise: how far apart identical configurations lie, as a fraction."""
    replicated: bool
    """Whether the noise was measured here; otherwise it is the margin."""
    spreads: Spreads = field(default_factory=dict, repr=False)
    """Between runs."""

    @cached_property
    def good(self) -> tuple[Row, ...]:
        """Rows with a value."""
        return tuple(row for row in self.rows if row.summary is not None)

    @property
    def ranked(self) -> tuple[Row, ...]:
        """Rows in a group."""
        return tuple(row for row in self.rows if row.group >= 0)

    @cached_property
    def best(self) -> tuple[Row, ...]:
        """The best row of each framework with a value, one in a group if it has any; best first."""
        first: dict[str, Row] = {}
        for row in self.good:
            first.setdefault(row.configuration.framework, row)
        return tuple(first.values())

    @property
    def leaders(self) -> tuple[Row, ...]:
        """The leading group; empty where every value is from one process."""
        return tuple(row for row in self.rows if row.group == 0)

    def compare(self, a: Row, b: Row) -> tuple[statistics.Ratio, str]:
        """Return value of a / value of b, and the verdict on a; both must have values."""
        assert a.cell is not None
        assert b.cell is not None
        ratio = compare(a.cell, b.cell, self.spreads)
        return ratio, statistics.verdict(ratio, self.noise, _better(self.metric))


@dataclass(frozen=True)
class Contrast:
    """One program executed as a graph and eagerly, on one panel: nothing else differs."""

    panel: Panel
    graph: Row
    eager: Row
    ratio: statistics.Ratio
    """Value of the graph / value of eager execution."""
    verdict: str
    """On the graph."""


def both_ways(panels: Sequence[Panel]) -> tuple[Contrast, ...]:
    """Return every captured mode with a value against the mode it captures, panel by panel."""
    found = []
    for panel in panels:
        values = {row.configuration.key: row for row in panel.good}
        for row in panel.good:
            one = row.configuration
            eager = values.get((one.framework, one.version, one.captures))
            if one.captures and eager:
                found.append(Contrast(panel, row, eager, *panel.compare(row, eager)))
    return tuple(found)


@dataclass(frozen=True)
class Answer:
    """What a framework answered to one question, over all processes that tested it.

    The status is "ok" if it was so every time, else the first other one, with its reason. The value
    is the median of what was measured, None without. Mode and lane are "" where it was not tested.
    """

    status: str
    value: float | None
    reason: str
    version: str
    mode: str = ""
    lane: str = ""

    @property
    def good(self) -> bool:
        """Whether the answer is yes."""
        return self.status == "ok"


Sheet = Mapping[tuple[str, str], Answer]
"""(case, metric) -> answer of one framework."""


def sheets(frame: pd.DataFrame) -> dict[str, dict[tuple[str, str], Answer]]:
    """Return framework -> sheet of the rows of one section on one machine and device."""
    found: dict[str, dict[tuple[str, str], Answer]] = {}
    frame = frame[~frame["case"].map(schema.is_again).astype(bool)]
    names = ["framework", "case", "metric", *Answer.__annotations__]
    gathered: dict[tuple[str, str, str], list[Answer]] = {}
    for framework, case, metric, status, value, *rest in frame[names].itertuples(index=False):
        answer = Answer(str(status), float(value), *map(str, rest))
        gathered.setdefault((str(framework), str(case), str(metric)), []).append(answer)
    for (framework, case, metric), answers in gathered.items():
        last = answers[-1]
        mine = [answer for answer in answers if answer.version == last.version]
        bad = next((answer for answer in mine if not answer.good), None)
        found.setdefault(framework, {})[case, metric] = replace(
            last,
            status=bad.status if bad else "ok",
            value=None if bad else float(np.median([answer.value for answer in mine])),
            reason=bad.reason if bad else "",
        )
    return found


@dataclass(frozen=True)
class Figures:
    """Everything that pages say about one machine and device."""

    machine: str
    device: str
    panels: tuple[Panel, ...]
    cells: Mapping[Key, Cell] = field(repr=False)
    answers: Mapping[str, Mapping[str, Sheet]] = field(default_factory=dict, repr=False)
    """Section of questions -> framework -> (case, metric) -> answer."""

    @cached_property
    def of_configuration(self) -> Mapping[tuple[str, str, str, str, str], Mapping[Key, Cell]]:
        """(framework, version, section, mode, lane) -> its cells."""
        found: dict[tuple[str, str, str, str, str], dict[Key, Cell]] = {}
        for key, cell in self.cells.items():
            place = key.framework, key.version, key.section, key.mode, key.lane
            found.setdefault(place, {})[key] = cell
        return found

    def find(self, section: str, metric: str) -> tuple[Panel, ...]:
        """Return the panels of a metric in the closed division, one a lane and case."""
        return tuple(
            panel
            for panel in self.panels
            if (panel.section, panel.metric.id, panel.division) == (section, metric, "closed")
        )

    def counts(self, section: str, metric: str) -> dict[str, float]:
        """Return framework -> a count, the least of its rows where they differ."""
        found: dict[str, float] = {}
        for key, cell in self.cells.items():
            if (key.section, key.metric) == (section, metric):
                least = min(float(values.min()) for values in cell.blocks.values())
                found[key.framework] = min(least, found.get(key.framework, math.inf))
        return found

    def configuration(self, key: Key) -> Configuration | None:
        """Return the configuration of a key, or None where no panel shows it."""
        wanted = key.framework, key.version, key.mode
        return next((one for one in self._configurations() if one.key == wanted), None)

    def name(self, framework: str) -> str:
        """Return what a framework is called; one that no panel shows, by its id."""
        names = {one.framework: one.framework_name for one in self._configurations()}
        return names.get(framework, framework)

    def _configurations(self) -> Iterator[Configuration]:
        return (row.configuration for panel in self.panels for row in panel.rows)


def figures(frame: pd.DataFrame, catalog: Catalog, spreads: Spreads | None = None) -> Figures:
    """Return the figures of rows, one or more, of one machine and device."""
    spreads = spreads or {}
    cells = fitted(group_cells(frame), spreads)
    panels: list[Panel] = []
    answers = {}
    for section in catalog.sections:
        rows = frame[frame["section"] == section.id]
        if section.findings:
            answers[section.id] = sheets(rows)
        if section.measured and len(rows):
            panels += _build(rows, section, catalog, cells, spreads)
    machine, device = (str(frame[column].iloc[0]) for column in ("machine", "device"))
    return Figures(machine, device, tuple(panels), cells, answers)


def configuration(catalog: Catalog, framework: str, version: str, mode: str) -> Configuration:
    """Describe a configuration; what the catalog no longer knows is called by its ids.

    Args:
        catalog: the folders.
        framework: its id.
        version: a release of it.
        mode: id of a mode, "" for the framework as such.

    """
    known = next((f for f in catalog.frameworks if f.id == framework), None)
    found = next((m for m in known.modes if m.id == mode), None) if known else None
    name = known.name if known else framework
    one = Configuration(framework, version, mode, name, mode, "")
    if found:
        names = ("kind", "division", "default", "captures")
        labels = {name: getattr(found, name) for name in names}
        one = replace(one, mode_title=found.title, **labels)
    return replace(one, release=freshness.label(known, version))


def summary(cell: Cell) -> statistics.Summary:
    """Summarise a cell; remembered by its samples, since pages ask for the same cells again.

    For its ``ValueError`` see :func:`generator.analysis.statistics.summarise`.
    """
    samples = tuple((block, values.tobytes()) for block, values in cell.blocks.items())
    found = _summary(samples)
    if cell.model is None:
        return found
    interval = cell.model.interval(cell.key)
    return replace(found, low=interval.low, high=interval.high)


@functools.lru_cache(maxsize=4096)
def _summary(samples: tuple[tuple[Hashable, bytes], ...]) -> statistics.Summary:
    blocks = {block: np.frombuffer(values) for block, values in samples}
    return statistics.summarise(blocks)


def headline(section: Section) -> Metric:
    """Return the metric that a section is about: the first one it declares."""
    return next(iter(section.metrics.values()))


def _build(
    frame: pd.DataFrame,
    section: Section,
    catalog: Catalog,
    cells: Mapping[Key, Cell],
    spreads: Spreads,
) -> tuple[Panel, ...]:
    """Return the panels of a section's headline metric on one machine and device.

    Answers are not ranked: a section of questions has :func:`sheets`, and no panels. The cells are
    those of the frame, and others.
    """
    if section.findings:
        return ()
    metric = headline(section)
    machine, device = (str(frame[column].iloc[0]) for column in ("machine", "device"))
    grouped = {
        key: cell
        for key, cell in cells.items()
        if key.mode and (key.section, key.metric) == (section.id, metric.id)
    }
    noises = aa_noises(grouped)
    replicated = {key.place for key, _ in replicates(grouped)}
    faults = _faults(frame, section)
    columns = frame[["framework", "version", "mode", "provenance"]].drop_duplicates().astype(str)
    origin = {row[:3]: row[3] for row in columns.itertuples(index=False, name=None)}
    places = {(key.lane, key.case) for key in grouped if not is_again(key)}
    places |= {(where[0], where[1]) for where in faults if not schema.is_again(where[1])}
    panels = []
    lanes = LANES.get(device, ())
    for lane, case in sorted(places, key=lambda place: (index_of(lanes, place[0]), *place)):
        found: dict[tuple[str, ...], Cell] = {
            (key.framework, key.version, key.mode): cell
            for key, cell in grouped.items()
            if (key.lane, key.case) == (lane, case)
        }
        broken = {where[2:]: fault for where, fault in faults.items() if where[:2] == (lane, case)}
        known = {key: configuration(catalog, *key) for key in (*found, *broken)}
        place = machine, device, section.id, lane, metric.id
        noise = noises.get(place, statistics.MARGIN)
        for division in sorted({one.division for one in known.values()}):
            names = {key: one for key, one in known.items() if one.division == division}
            rows = _rank(names, found, broken, origin, noise, metric)
            about = machine, device, section.id, metric, lane, case, division
            panels.append(Panel(*about, rows, noise, place in replicated, spreads))
    return _adopted(panels)


def _adopted(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """Put the rows of panels without any value below those of the same lane that has some.

    What failed or was not measured is not ranked, so it may stand below another division.
    """
    hosts = {panel.lane: panel for panel in reversed(panels) if panel.good}
    adopted = []
    for panel in panels:
        if panel.good or panel.lane not in hosts:
            known = {row.configuration for row in panel.rows}
            orphans = [one for one in panels if not one.good and hosts.get(one.lane) is panel]
            more = [row for one in orphans for row in one.rows if row.configuration not in known]
            adopted.append(replace(panel, rows=(*panel.rows, *more)))
    return tuple(adopted)


def index_of(order: Sequence[str], name: str) -> int:
    """Return the position of a name; that after the last one if it is not there."""
    return order.index(name) if name in order else len(order)


class _Fault(NamedTuple):
    status: str
    reason: str
    provenance: str
    blocks: int


_NO_FAULT = _Fault("ok", "", "", 0)


def _faults(frame: pd.DataFrame, section: Section) -> dict[tuple[str, ...], _Fault]:
    """Return (lane, case, framework, version, mode) -> the worst that happened to the headline.

    A status of verification (metric ``gate``) counts as well: a time without it is no result.
    """
    metric = headline(section).id
    bad = frame[
        (frame["status"] != "ok") & frame["metric"].isin([metric, "gate"]) & (frame["mode"] != "")
    ]
    columns = ["lane", "case", "framework", "version", "mode", "status", "reason", "provenance"]
    bad = bad[[*columns, "block"]].drop_duplicates()  # of many samples, what differs
    found: dict[tuple[str, ...], list[tuple[str, str, str, object]]] = {}
    for *where, status, reason, provenance, block in zip(
        *(bad[column].astype(str) for column in columns), bad["block"], strict=True
    ):
        found.setdefault(tuple(where), []).append((status, reason, provenance, block))
    worst = {where: min(some, key=lambda one: SEVERITY.index(one[0]))
             for where, some in found.items()}  # fmt: skip
    return {
        where: _Fault(*worst[where][:3], len({block for *_, block in some}))
        for where, some in found.items()
    }


def _rank(
    names: Mapping[tuple[str, ...], Configuration],
    found: Mapping[tuple[str, ...], Cell],
    broken: Mapping[tuple[str, ...], _Fault],
    origin: Mapping[tuple[str, ...], str],
    noise: float,
    metric: Metric,
) -> tuple[Row, ...]:
    """Return the rows of a panel, best first; all mappings are by framework, version and mode.

    ``names`` are the configurations of the panel; ``found`` has cells of other divisions as well;
    ``broken`` says what happened to those without a value, or to single blocks; ``origin`` is the
    key of the run record.
    """
    better = _better(metric)
    good = {
        key: found[key]
        for key in names
        # One wrong block makes all of them suspect; what is zero has no ratio.
        if key in found
        and broken.get(key, _NO_FAULT).status != "wrong"
        and found[key].model is not None
    }
    values = {key: summary(cell) for key, cell in good.items()}
    sign = -1 if better == "higher" else 1
    # One process has no interval: it may have the best value, and leads nobody.
    ordered = sorted(good, key=lambda key: (values[key].processes < 2, sign * values[key].value))
    model = good[ordered[0]].model if ordered else None
    groups = model.groups([good[key].key for key in ordered], noise, better) if model else []
    leader = ordered[0] if groups and groups[0] == 0 else None
    rows: list[Row] = []
    for key, group in zip(ordered, groups, strict=True):
        fault = broken.get(key, _NO_FAULT)
        against, verdict, detectable = None, "leads" if key == leader else "", math.nan
        if model and leader is not None and key != leader:
            against = model.ratio(good[key].key, good[leader].key)
            verdict = statistics.verdict(against, noise, better) if group >= 0 else ""
            detectable = statistics.detectable_difference(against, noise)
        rows.append(
            Row(
                names[key], origin[key], good[key], values[key], "ok", fault.reason,
                fault.blocks, group, against, verdict, detectable,
            )
        )  # fmt: skip
    rows += [
        Row(names[key], fault.provenance, None, None, fault.status, fault.reason, fault.blocks)
        for key, fault in sorted(broken.items())
        if key in names and key not in good
    ]
    rows += [
        Row(names[key], origin[key], None, None, "skipped", "0 has no ratio, and is not ranked", 0)
        for key in names
        if key in found and key not in good and key not in broken
    ]
    return tuple(rows)


def _better(metric: Metric) -> statistics.Better:
    return "higher" if metric.better == "higher" else "lower"
