"""Pure: rows of profile ``history`` -> the releases of each framework, and the steps between them.

The same training step runs in every release, in the mode that stood for the framework then, within
the blocks of one run. A *step* compares a release with an earlier one: with the one measured before
it, or the last with the first. All releases of a framework are one family, whose intervals hold for
all of them together (:mod:`generator.analysis.block_model`).
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from generator.analysis import builds, changes, statistics
from generator.analysis import panels as models
from generator.analysis.cells import Cell, Key, Spreads, fitted, group_cells
from generator.analysis.changes import Change, Known
from generator.analysis.panels import Figures
from generator.measure import profiles

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Framework, Version


@dataclass(frozen=True)
class Measure:
    """One figure that is followed over the releases.

    Anchors and file names contain the id. ``section``, ``metric`` and ``case`` are those of the
    rows, ``column`` heads tables, ``axis`` is the title of the chart's axis with its unit, and a
    release that is further up the axis has more of ``more``. A value on the axis is that of the
    rows times ``scale``, or ``scale / value`` for a ``rate``, of which more is better. What is
    ``exact`` is counted and has no interval.
    """

    id: str
    section: str
    metric: str
    case: str
    column: str
    axis: str
    more: str
    scale: float
    rate: bool = False
    exact: bool = False

    def on_axis(self, value: float) -> float:
        """Return a value of the rows on the axis."""
        return self.scale / value if self.rate else self.scale * value


SPEED = Measure("speed", "lenet", "step_time", "", "Images per second", "images per second",
                "images per second", 64.0, rate=True)  # fmt: skip
MEASURES = (
    SPEED,
    Measure("cold", "compile", "ready_time", "cold", "Start-up time, cold",
            "start-up time in seconds", "start-up time", 1.0),
    Measure("warm", "compile", "ready_time", "warm", "Start-up time, warm",
            "start-up time in seconds", "start-up time", 1.0),
    Measure("memory", "memory", "peak_above_import", "", "Peak above import",
            "peak memory above import in MB", "memory above import", 1e-6),
    Measure("peak", "memory", "peak_rss", "", "Peak memory", "peak memory in MB", "memory", 1e-6),
    Measure("size", "compile", "install_size", "", "Installed size", "installed size in MB",
            "installed size", 1e-6, exact=True),
)  # fmt: skip


@dataclass(frozen=True)
class Release:
    """One release as it was measured on one machine and device.

    It ran in the mode (an id) that stood for the framework. ``document`` is its run record,
    ``source`` the record's key. Samples are by :attr:`Measure.id`; ``gate`` is the status of its
    verification, with the reason if not "ok".
    """

    framework: Framework
    version: Version
    mode: str
    source: str
    document: Mapping[str, Any]
    cells: Mapping[str, Cell]
    gate: str
    reason: str

    @property
    def name(self) -> str:
        """Return the framework's name."""
        return self.framework.name

    @property
    def number(self) -> str:
        """Return the number of the version."""
        return self.version.version

    @property
    def id(self) -> tuple[str, str]:
        """Return framework id and number."""
        return self.framework.id, self.number

    @property
    def day(self) -> datetime.date:
        """The day of the upload; a release without one is never drawn."""
        assert self.version.released is not None
        return self.version.released

    @property
    def build(self) -> str:
        """Return the kind of build, see :func:`generator.analysis.builds.kind`."""
        return builds.kind(self.document)

    def value(self, measure: Measure) -> statistics.Interval | None:
        """Return a figure with its interval, in the unit of the rows; None where there is none."""
        if measure.exact:
            size = self.document["environment"].get("size_bytes")
            return statistics.Interval(float(size), math.nan, math.nan) if size else None
        cell = self.cells.get(measure.id)
        if cell is None:
            return None
        found = models.summary(cell)
        return statistics.Interval(found.value, found.low, found.high)


@dataclass(frozen=True)
class Step:
    """What changed from one measured release to a later one."""

    measure: Measure
    old: Release
    new: Release
    change: Change

    @property
    def verdict(self) -> str:
        """On the newer one, in terms of time: "faster" has less of it."""
        return {"less": "faster", "more": "slower"}.get(self.change.verdict, self.change.verdict)


@dataclass(frozen=True)
class History:
    """The measured releases of one machine and device, in the order of the folders."""

    machine: str
    device: str
    frame: pd.DataFrame = field(repr=False)
    releases: tuple[Release, ...]
    steps: tuple[Step, ...]
    """Each release against the one measured before it."""
    spans: tuple[Step, ...]
    """The last release of each framework against its first, where it has several."""
    spreads: Spreads = field(default_factory=dict, repr=False)
    """Between runs."""

    def steps_to(self, measure: Measure) -> dict[tuple[str, str], Step]:
        """Return id of a release -> the step that led to it."""
        return {step.new.id: step for step in self.steps if step.measure is measure}

    def of_that_time(self, article: Mapping[str, Any]) -> list[tuple[Release, Release]]:
        """Return the release that stands for the article's time, and the newest, by framework.

        The former is the newest that was published until the end of the article's year, or else the
        first one that was measured. ``claims.toml`` says what the article compared, and when.
        """
        chosen = []
        for id in article.get("compared", ()):
            mine = [release for release in self.releases if release.framework.id == id]
            early = [r for r in mine if r.day.year <= int(article.get("year", 0))]
            if mine:
                chosen.append((early[-1] if early else mine[0], mine[-1]))
        return chosen

    def figures(self, chosen: Sequence[Release], catalog: Catalog) -> Figures | None:
        """Return figures of some releases only, None where none has rows."""
        ids = {release.id for release in chosen}
        pairs = self.frame[["framework", "version"]].astype(str).itertuples(index=False, name=None)
        rows = self.frame[[pair in ids for pair in pairs]]
        return models.figures(rows, catalog, self.spreads) if len(rows) else None


def find(frame: pd.DataFrame, known: Known) -> list[History]:
    """Return the histories of all machines and devices that have one.

    The A/A noise is that of what pages show, since rows of profile ``history`` have no replicates.
    """
    places = frame[["machine", "device"]].drop_duplicates().astype(str)
    found = []
    for machine, device in sorted(places.itertuples(index=False, name=None)):
        here = frame[(frame["machine"] == machine) & (frame["device"] == device)]
        measured = tuple(releases(here, known))
        if measured:
            made = tuple(steps(measured, known)), tuple(spans(measured, known))
            found.append(History(machine, device, here, measured, *made, known.spreads))
    return found


def releases(frame: pd.DataFrame, known: Known) -> list[Release]:
    """Return the measured releases of one machine and device, in the order of the folders.

    What the catalog no longer knows, or has no date for, is left out.
    """
    grouped = fitted(group_cells(frame), known.spreads, ("version", "mode"))
    found = []
    for framework in known.catalog.frameworks:
        mine = frame[frame["framework"] == framework.id]
        for version in framework.versions:
            rows = mine[mine["version"] == version.version]
            if not len(rows) or version.released is None:
                continue
            machine, device, source = (
                str(rows[column].iloc[0]) for column in ("machine", "device", "provenance")
            )
            mode = framework.standard(version, device).id
            (lane,) = profiles.PROFILES["history"].lanes[device]
            cells = {}
            for measure in MEASURES:
                key = Key(
                    machine, framework.id, version.version, measure.section, mode, device, lane,
                    measure.case, measure.metric,
                )  # fmt: skip
                if key in grouped:
                    cells[measure.id] = grouped[key]
            release = framework, version, mode, source, known.documents[source], cells
            found.append(Release(*release, *_gate(rows)))
    return found


def _gate(rows: pd.DataFrame) -> tuple[str, str]:
    """Return the worst status of a release on its way through verification, and why."""
    tested = rows[rows["section"] == "lenet"]  # elsewhere, a figure that it does not offer is none
    bad = tested[tested["status"].isin(["wrong", "failed", "timeout"])]
    if not len(bad):
        if (tested["metric"] == "gate").any():
            return "ok", ""
        bad = rows[rows["status"] != "ok"]
    if not len(bad):
        return "skipped", "it was not verified"
    wrong = bad[bad["status"] == "wrong"]
    worst = (wrong if len(wrong) else bad).iloc[0]
    return str(worst["status"]), str(worst["reason"])


def steps(found: Sequence[Release], known: Known) -> list[Step]:
    """Compare every release with the one measured before it, the releases being in order."""
    return _compared(found, known, pairwise)


def spans(found: Sequence[Release], known: Known) -> list[Step]:
    """Compare the last release of every framework with its first, the releases being in order."""
    return _compared(found, known, lambda mine: [(mine[0], mine[-1])] if mine[1:] else [])


def _compared(
    found: Sequence[Release],
    known: Known,
    pairs: Callable[[list[Release]], Iterable[tuple[Release, Release]]],
) -> list[Step]:
    """Compare pairs among the releases of each framework that have samples of a measure."""
    made = []
    for measure in MEASURES:
        mine: dict[str, list[Release]] = {}
        for release in found:
            if measure.id in release.cells:
                mine.setdefault(release.framework.id, []).append(release)
        for old, new in itertools.chain.from_iterable(map(pairs, mine.values())):
            change = changes.judge(old.cells[measure.id], new.cells[measure.id], known)
            made.append(Step(measure, old, new, change))
    return made
