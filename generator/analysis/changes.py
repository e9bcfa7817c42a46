"""Pure: rows of two sides that differ in one thing only -> what became faster, slower or broke."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.cells import (
    Cell,
    Key,
    Place,
    Spreads,
    aa_noises,
    group_cells,
    is_again,
    larger_noise,
)
from generator.analysis.cells import compare as compare_cells
from generator.analysis.labels import lane_title, machine_name, view
from generator.catalog.freshness import Pair
from generator.formatting import quantity

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Metric

BROKEN, SUPPORTED = "newly broken", "newly supported"
SAME, NOT_RESOLVED = "equivalent", "not resolved"
JUDGED = {"s": ("faster", "slower"), "B": ("less", "more")}
"""The two verdicts by unit: quantities whose change is judged."""

GROUPS = {
    BROKEN: "Newly broken",
    "slower": "Slower",
    "more": "More memory",
    SUPPORTED: "Newly supported",
    "faster": "Faster",
    "less": "Less memory",
    SAME: "Equivalent",
    NOT_RESOLVED: "Not resolved",
}
"""Every verdict with its heading, in the order of a report."""


@dataclass(frozen=True)
class Change:
    """What became of one metric, or (without values) of whether it works.

    ``ratio`` is new / old, within the blocks that both ran in, if there are any; ``noise`` the A/A
    noise.
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
        return self.verdict not in (SAME, NOT_RESOLVED)

    @property
    def rank(self) -> tuple[int, Key]:
        """What changes are sorted by: what broke comes first, then what is slower."""
        return list(GROUPS).index(self.verdict), self.key


def compare(
    frame: pd.DataFrame,
    pair: Pair,
    catalog: Catalog,
    spreads: Spreads,
    noises: Mapping[Place, float] | None = None,
) -> list[Change]:
    """Compare two releases, on every machine, section, mode, device, lane, case and metric.

    Releases of profile ``history`` are compared in the mode that stood for the framework at each.

    Args:
        frame: rows of :func:`generator.results.selection.select`, of runs that measured both.
        pair: the releases.
        catalog: knows the metrics.
        spreads: between runs, see :func:`generator.analysis.cells.spreads`.
        noises: A/A noise of other runs, see :func:`generator.analysis.cells.aa_noises`.

    """
    frame = frame[frame["framework"] == pair.framework]
    old, new = (frame[frame["version"] == version] for version in (pair.old, pair.new))
    if not (len(old) and len(new)):
        return []
    of_history = str(new["profile"].iloc[0]) == "history"
    may_differ = ("version", "mode") if of_history else ("version",)
    known = aa_noises(group_cells(frame), noises)
    return between(old, new, catalog, known, spreads, may_differ=may_differ)


def between(
    old: pd.DataFrame,
    new: pd.DataFrame,
    catalog: Catalog,
    noises: Mapping[Place, float],
    spreads: Spreads,
    *,
    may_differ: Sequence[str],
) -> list[Change]:
    """Compare what is in two frames, wherever all but some columns of a key are equal.

    Args:
        old: rows of :func:`generator.results.selection.select`.
        new: the same of the other side.
        catalog: knows the metrics.
        noises: A/A noise of every place.
        spreads: between runs.
        may_differ: fields of :class:`generator.analysis.cells.Key`.

    """
    same = [name for name in Key._fields if name not in may_differ]
    left, right = _states(old, same), _states(new, same)
    old_cells, new_cells = group_cells(old), group_cells(new)
    found: dict[tuple[str, ...], Change] = {}
    for place in sorted(left.keys() & right.keys()):
        before, after = left[place], right[place]
        whole: tuple[str, ...] = after.key
        key, change = after.key, None
        metric = _metric(catalog, key)
        if (before.status == "ok") != (after.status == "ok"):
            verdict = SUPPORTED if after.status == "ok" else BROKEN
            whole = (*key[:-2], verdict)
            # The gate says why; every other metric of the process only follows from it.
            if not is_again(key) and (whole not in found or key.metric == "gate"):
                unit, reason = metric.unit if metric else "", after.reason or before.reason
                change = Change(key, before.key, unit, verdict, reason=reason)
        elif after.status == "ok" and metric is not None and _is_judged(key, metric, catalog):
            one, two = old_cells.get(before.key), new_cells.get(key)
            if one is not None and two is not None:
                change = judge(one, two, larger_noise(noises, before.key, key), spreads)
        if change is not None:
            found[whole] = replace(
                change, old_source=before.source, new_source=after.source,
                same_code=before.code == after.code,
            )  # fmt: skip
    return sorted(found.values(), key=lambda change: change.rank)


@dataclass(frozen=True)
class _State:
    key: Key
    status: str
    reason: str
    source: str
    code: str


def _states(frame: pd.DataFrame, same: Sequence[str]) -> dict[tuple[str, ...], _State]:
    """Return the worst that happened to each metric, by the columns that are compared."""
    columns = list(Key._fields)
    rows = frame[[*columns, "status", "reason", "provenance", "code"]]
    rows = rows.drop_duplicates([*columns, "status"]).astype(str)
    # A block that is not tried again says nothing new after the one that failed.
    rank = [(*models.SEVERITY, "ok").index(status) for status in rows["status"]]
    worst = rows.assign(rank=rank).sort_values("rank", kind="stable").drop_duplicates(same)
    found = {}
    for *fields, status, reason, source, code, _ in worst.itertuples(index=False):
        key = Key(*fields)
        state = _State(key, status, reason if status != "ok" else "", source, code)
        found[tuple(getattr(key, name) for name in same)] = state
    return found


def _metric(catalog: Catalog, key: Key) -> Metric | None:
    section = next((s for s in catalog.sections if s.id == key.section), None)
    return section.metrics.get(key.metric) if section else None


def _is_judged(key: Key, metric: Metric, catalog: Catalog) -> bool:
    """Whether a metric is a quantity of the framework's, and not one of the run's."""
    hidden = view(models.headline(catalog.section(key.section))).hidden
    return bool(
        key.mode and not is_again(key) and metric.better and metric.unit in JUDGED
        and metric.id not in hidden
    )  # fmt: skip


def judge(old: Cell, new: Cell, noise: float, spreads: Spreads) -> Change:
    """Say what became of a metric.

    Args:
        old: samples in one of the units :data:`JUDGED`.
        new: the same of the other side.
        noise: A/A noise.
        spreads: between runs.

    """
    try:
        found = compare_cells(new, old, spreads)
        before, after = (models.summary(cell).value for cell in (old, new))
    except ValueError:  # zero, which has no logarithm
        return Change(new.key, old.key, new.unit, NOT_RESOLVED)
    verdict = statistics.verdict(found, noise)
    verdict_of_unit = dict(zip(("faster", "slower"), JUDGED[new.unit], strict=True))
    return Change(
        new.key, old.key, new.unit, verdict_of_unit.get(verdict, verdict), before, after,
        found, noise,
    )  # fmt: skip


# --------------------------------------------------------------------------------------- as text


def summary(changes: Iterable[Change]) -> str:
    """Say in one sentence how many metrics changed in which way."""
    counts = Counter(change.verdict for change in changes)
    parts = [f"{counts[verdict]} {verdict}" for verdict in GROUPS if counts[verdict]]
    return f"{', '.join(parts)}." if parts else "Nothing can be compared."


def line(change: Change, catalog: Catalog) -> str:
    """Return a change as one line of text."""
    place, metric, before, after, ratio, noise, reason = row(change, catalog)
    parts = [f"{change.verdict}: {place}, {metric}"]
    if ratio:
        parts.append(f"{before} → {after}, {ratio}, A/A noise {noise}")
    return "; ".join([*parts, *([reason] if reason else [])])


COLUMNS = (
    "Where", "Metric", "Old", "New", "New / old, 95 %", "A/A noise", "Reason",
)  # fmt: skip


def row(change: Change, catalog: Catalog) -> tuple[str, ...]:
    """Return a change as texts below :data:`COLUMNS`."""
    key = change.key
    modes = [
        models.configuration(catalog, side.framework, side.version, side.mode).mode_title
        for side in (change.before, key)
    ]
    metric = _metric(catalog, key)
    mode = " → ".join(dict.fromkeys(modes))
    place = [mode, key.device, lane_title(key.lane) if key.lane else "", key.case]
    values = ["" if x is None else quantity(x, change.unit) for x in (change.old, change.new)]
    return (
        ", ".join(part for part in place if part),
        metric.title if metric else key.metric,
        *values,
        "" if change.ratio is None else ratio_text(change.ratio),
        f"±{change.noise:.1%}" if math.isfinite(change.noise) else "",
        change.reason,
    )


def ratio_text(ratio: statistics.Ratio) -> str:
    """Return a ratio with its interval, if it has one."""
    if not math.isfinite(ratio.low):
        return f"{ratio.value:.3f} (one process)"
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def plain(change: Change) -> dict[str, Any]:
    """Return a change as JSON takes it."""
    ratio = change.ratio
    fields = {
        **change.key._asdict(),
        "before": change.before._asdict(),
        "unit": change.unit,
        "verdict": change.verdict,
        "old": change.old,
        "new": change.new,
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "noise": change.noise,
        "reason": change.reason,
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }


# -------------------------------------------------------------------------------------- the report


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
    groups = {
        heading: [row(change, catalog) for change in changes if change.verdict == verdict]
        for verdict, heading in GROUPS.items()
    }
    return {
        "heading": f"{name} {pair.old} → {pair.new}" if pair.old else f"{name} {pair.new}",
        "summary": summary(changes) if pair.old else "The first release that is measured.",
        "notes": [*_surroundings(pair, documents), *notes],
        "groups": {heading: rows for heading, rows in groups.items() if rows},
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
