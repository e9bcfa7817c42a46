"""Pure: rows of two sides that differ in one thing only -> what became faster, slower or broke."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from generator import formatting
from generator.analysis import builds, statistics
from generator.analysis import panels as models
from generator.analysis.cells import (
    Cell,
    Key,
    Place,
    Spreads,
    aa_noises,
    fitted,
    group_cells,
    is_again,
    larger_noise,
    texts,
)
from generator.analysis.cells import compare as compare_cells
from generator.analysis.labels import lane_label, machine_name, view
from generator.catalog.freshness import Pair
from generator.formatting import quantity
from generator.results.reading import combined_codes

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Metric

BROKEN, SUPPORTED = "newly broken", "newly supported"
SAME, NOT_RESOLVED, NOT_COMPARED = "equivalent", "not resolved", "not compared"
JUDGED = {"s": ("faster", "slower"), "B": ("less", "more")}
"""The two verdicts by unit: quantities whose change is reported."""

GROUPS = {
    BROKEN: "Newly broken",
    "slower": "Slower",
    "more": "More memory",
    SUPPORTED: "Newly supported",
    "faster": "Faster",
    "less": "Less memory",
    SAME: "Equivalent",
    NOT_RESOLVED: "Not resolved",
    NOT_COMPARED: "Not compared",
}
"""Every verdict with its heading, in the order of a report."""


@dataclass(frozen=True)
class Change:
    """What became of one metric, or (without values) of whether it works.

    ``ratio`` is new / old, within the blocks that both ran in, if there are any; ``noise`` the A/A
    noise. What is not compared, or has no ratio, has a reason.
    """

    key: Key
    """Of the new side."""
    before: Key
    """Of the old side: another release, another machine, or the same measured earlier."""
    unit: str
    verdict: str
    old: float | None = None
    new: float | None = None
    ratio: statistics.Ratio | None = None
    noise: float = math.nan
    reason: str = ""
    old_source: str = field(default="", compare=False)
    new_source: str = field(default="", compare=False)
    """Run records that both sides come from (keys of ``Results.records``)."""
    same_code: bool = field(default=True, compare=False)
    """Whether both sides were measured by the same code."""

    @property
    def differs(self) -> bool:
        """Whether the verdict says that the two sides differ."""
        return self.verdict not in (SAME, NOT_RESOLVED, NOT_COMPARED)

    @property
    def detectable(self) -> float:
        """Difference that is found in 80 % of runs, as a fraction; NaN where nothing says."""
        if self.ratio is None:
            return math.nan
        return statistics.detectable_difference(self.ratio, self.noise)

    @property
    def rank(self) -> tuple[int, Key]:
        """What changes are sorted by: what broke comes first, then what is slower."""
        return list(GROUPS).index(self.verdict), self.key


@dataclass(frozen=True)
class Known:
    """What comparisons of all kinds draw on.

    Those are the catalog, the run records, A/A noise (:func:`generator.analysis.cells.aa_noises`),
    and spreads between runs (:func:`generator.analysis.cells.spreads`).
    """

    catalog: Catalog
    documents: Mapping[str, Mapping[str, Any]] = field(repr=False)
    noises: Mapping[Place, float] = field(repr=False)
    spreads: Spreads = field(repr=False)


def compare(frame: pd.DataFrame, pair: Pair, known: Known) -> list[Change]:
    """Compare two releases, on every machine, section, mode, device, lane, case and metric.

    Releases of profile ``history`` are compared in the mode that stood for the framework at each.
    All releases and modes of the framework in the frame are one family: intervals hold for all of
    them together. The A/A noise of other runs counts in places without A/A replicates.
    """
    frame = frame[frame["framework"] == pair.framework]
    old, new = (frame[frame["version"] == version] for version in (pair.old, pair.new))
    if not (len(old) and len(new)):
        return []
    of_history = str(new["profile"].iloc[0]) == "history"
    may_differ = ("version", "mode") if of_history else ("version",)
    grouped = fitted(group_cells(frame), known.spreads, ("version", "mode"))
    known = replace(known, noises=aa_noises(grouped, known.noises))
    return _between((old, grouped), (new, grouped), known, may_differ)


def between(
    old: pd.DataFrame, new: pd.DataFrame, known: Known, *, may_differ: Sequence[str]
) -> list[Change]:
    """Compare what is in two frames, wherever all but some columns of a key are equal.

    Each comparison stands alone: its interval holds for this pair.

    Args:
        old: rows of :func:`generator.results.selection.select`.
        new: the same of the other side.
        known: with the A/A noise of every place.
        may_differ: fields of :class:`generator.analysis.cells.Key`.

    """
    return _between((old, group_cells(old)), (new, group_cells(new)), known, may_differ)


def _between(old: _Side, new: _Side, known: Known, may_differ: Sequence[str]) -> list[Change]:
    same = [name for name in Key._fields if name not in may_differ]
    (left, old_cells), (right, new_cells) = (
        (_states(rows, same), found) for rows, found in (old, new)
    )
    made: dict[tuple[str, ...], Change] = {}
    for place in sorted(left.keys() & right.keys()):
        before, after = left[place], right[place]
        whole: tuple[str, ...] = after.key
        key, change = after.key, None
        metric = _metric(known.catalog, key)
        if (before.status == "ok") != (after.status == "ok"):
            verdict = SUPPORTED if after.status == "ok" else BROKEN
            whole = (*key[:-2], verdict)
            # The gate says why; every other metric of the process only follows from it.
            if not is_again(key) and (whole not in made or key.metric == "gate"):
                unit, reason = metric.unit if metric else "", after.reason or before.reason
                change = Change(
                    key, before.key, unit, verdict, reason=reason,
                    old_source=before.source, new_source=after.source,
                )  # fmt: skip
        elif after.status == "ok" and metric and _is_reported(key, metric, known.catalog):
            one, two = old_cells.get(before.key), new_cells.get(key)
            change = judge(one, two, known) if one and two else None
        if change is not None:
            made[whole] = replace(change, same_code=before.code == after.code)
    return sorted(made.values(), key=lambda change: change.rank)


_Side = tuple["pd.DataFrame", Mapping[Key, Cell]]
"""Rows, and their cells."""


@dataclass(frozen=True)
class _State:
    key: Key
    status: str
    reason: str
    source: str
    code: str


def _states(frame: pd.DataFrame, same: Sequence[str]) -> dict[tuple[str, ...], _State]:
    """Return the worst that happened to each metric, by the columns that are compared."""
    names = (*Key._fields, "status", "reason", "provenance", "code")
    codes = combined_codes([frame[name].cat.codes.to_numpy() for name in names[:-3]])
    rows = frame.iloc[np.sort(np.unique(codes, return_index=True)[1])]
    found: dict[tuple[str, ...], _State] = {}
    rank = (*models.SEVERITY, "ok").index
    for *fields, status, reason, source, code in zip(
        *(texts(rows[name]) for name in names), strict=True
    ):
        key = Key(*fields)
        place = tuple(getattr(key, name) for name in same)
        # A block that is not tried again says nothing new after the one that failed.
        if place not in found or rank(status) < rank(found[place].status):
            found[place] = _State(key, status, reason if status != "ok" else "", source, code)
    return found


def _metric(catalog: Catalog, key: Key) -> Metric | None:
    section = next((s for s in catalog.sections if s.id == key.section), None)
    return section.metrics.get(key.metric) if section else None


def _is_reported(key: Key, metric: Metric, catalog: Catalog) -> bool:
    """Whether a metric is a quantity of the framework's, and not one of the run's."""
    hidden = view(models.headline(catalog.section(key.section))).hidden
    return bool(
        key.mode and not is_again(key) and metric.better and metric.unit in JUDGED
        and metric.id not in hidden
    )  # fmt: skip


def judge(old: Cell, new: Cell, known: Known) -> Change:
    """Say what became of a metric from one cell to another."""
    here, there = _source(old), _source(new)
    change = Change(new.key, old.key, new.unit, NOT_RESOLVED, old_source=here, new_source=there)
    documents = known.documents
    if unlike := builds.unlike(new.key.section, documents[here], documents[there]):
        return replace(change, verdict=NOT_COMPARED, reason=unlike)
    try:
        ratio = compare_cells(new, old, known.spreads)
        before, after = (models.summary(cell).value for cell in (old, new))
    except ValueError:
        return replace(change, reason="a value is not above zero, so there is no ratio")
    noise = larger_noise(known.noises, old.key, new.key)
    metric = _metric(known.catalog, new.key)
    better = metric.better if metric else ""
    found = statistics.verdict(ratio, noise, "higher" if better == "higher" else "lower")
    told = dict(zip(("faster", "slower"), verdicts(new.unit, better), strict=True))
    return replace(
        change, verdict=told.get(found, found), old=before, new=after, ratio=ratio, noise=noise
    )


def verdicts(unit: str, better: str) -> tuple[str, str]:
    """Return how the better and the worse of two values are called; neither may be better: ""."""
    return JUDGED.get(unit) or (("better", "worse") if better else ("less", "more"))


def _source(cell: Cell) -> str:
    """Return the key of the run record that a cell comes from."""
    run, _ = cast("tuple[str, int]", next(iter(cell.blocks)))
    return f"{cell.key.machine}/{cell.key.framework}/{cell.key.version}/{run}"


def summary(changes: Iterable[Change]) -> str:
    """Say in one sentence how many metrics changed in which way."""
    counts = Counter(change.verdict for change in changes)
    memory = {"more": "with more memory", "less": "with less memory"}
    parts = [f"{counts[one]} {memory.get(one, one)}" for one in GROUPS if counts[one]]
    return f"{', '.join(parts)}." if parts else "Nothing can be compared."


def line(change: Change, catalog: Catalog) -> str:
    """Return a change as one line of text."""
    place, metric, before, after, ratio, noise, reason = row(change, catalog)
    parts = [f"{change.verdict}: {place}, {metric}"]
    if ratio:
        parts.append(f"{before} → {after}, {ratio}, A/A noise {noise}")
    return "; ".join([*parts, *([reason] if reason else [])])


COLUMNS = ("Where", "Metric", "Old", "New", "New / old, 95 %", "A/A noise", "Reason")


def row(change: Change, catalog: Catalog) -> tuple[str, ...]:
    """Return a change as texts below :data:`COLUMNS`."""
    key = change.key
    modes = [
        models.configuration(catalog, side.framework, side.version, side.mode).mode_title
        for side in (change.before, key)
    ]
    metric = _metric(catalog, key)
    mode = " → ".join(dict.fromkeys(modes))
    place = [mode, key.device.upper(), lane_label(key.lane), key.case]
    values = ["" if x is None else quantity(x, change.unit) for x in (change.old, change.new)]
    return (
        ", ".join(part for part in place if part),
        metric.title if metric else key.metric,
        *values,
        "" if change.ratio is None else ratio_text(change.ratio),
        f"±{100 * change.noise:.1f} %" if math.isfinite(change.noise) else "",
        change.reason,
    )


def ratio_text(ratio: statistics.Ratio) -> str:
    """Return a ratio with its interval, if it has one, and whether it spans runs."""
    if not math.isfinite(ratio.low):
        return f"{ratio.value:.3f} ({scope(ratio)})"
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}] {scope(ratio)}"


def scope(ratio: statistics.Ratio) -> str:
    """Say whether an interval is of one run or spans several; or why there is none."""
    if math.isfinite(ratio.low):
        return "across runs" if ratio.across else "within one run"
    return "no interval across runs" if ratio.across else "one process"


def plain(change: Change) -> dict[str, Any]:
    """Return a change as JSON takes it."""
    fields = {
        **change.key._asdict(),
        "before": change.before._asdict(),
        "unit": change.unit,
        "verdict": change.verdict,
        "old": change.old,
        "new": change.new,
        "ratio": change.ratio.value if change.ratio else None,
        **{name: getattr(change.ratio, name, None) for name in ("low", "high", "across")},
        "noise": change.noise,
        "reason": change.reason,
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }


def subject(
    pair: Pair,
    changes: Sequence[Change],
    documents: Mapping[str, Mapping[str, Any]],
    catalog: Catalog,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a report says about a pair: heading, summary, notes, heading -> rows of a group.

    Args:
        pair: the releases.
        changes: of :func:`compare`.
        documents: version -> the run record.
        catalog: the folders.
        notes: what else is to be said.

    """
    name = models.configuration(catalog, pair.framework, pair.new, "").framework_name
    groups: dict[str, list[tuple[str, ...]]] = {}
    for change in sorted(changes, key=lambda change: change.rank):
        groups.setdefault(GROUPS[change.verdict], []).append(row(change, catalog))
    return {
        "heading": f"{name} {pair.old} → {pair.new}" if pair.old else f"{name} {pair.new}",
        "summary": summary(changes) if pair.old else "The first release that is measured.",
        "notes": [*_surroundings(pair, documents), *notes],
        "groups": groups,
    }


def _surroundings(pair: Pair, documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what else differs between the environments: Python and other packages."""
    if pair.old not in documents or pair.new not in documents:
        return []
    old, new = (documents[version]["environment"] for version in (pair.old, pair.new))
    found = []
    if old["python"] != new["python"]:
        found.append(f"Python {old['python']} → {new['python']}.")
    before, after = (
        dict(str(pin).partition("==")[::2] for pin in environment["packages"])
        for environment in (old, new)
    )
    moved = [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    return [*found, *([f"Packages that differ: {', '.join(moved)}."] if moved else [])]


def report(
    run: str, subjects: Sequence[Mapping[str, Any]], document: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the context of ``templates/changes.md.j2``."""
    return {
        "run": run,
        "day": formatting.day(run),
        "machine": machine_name(document),
        "profile": document["profile"],
        "command": document["command"],
        "columns": COLUMNS,
        "subjects": subjects,
    }
