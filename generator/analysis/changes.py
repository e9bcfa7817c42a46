"""Pure: rows of two releases measured beside each other -> what became faster, slower or broke."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.cells import AGAIN, Cell, Key, group_cells, null_bands
from generator.analysis.labels import lane_title, view
from generator.catalog.freshness import Pair
from generator.formatting import quantity

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Metric

WORSE = ("wrong", "failed", "timeout", "unsupported", "skipped")
"""What may happen instead of "ok", the worst first."""

BROKEN, SUPPORTED = "newly broken", "newly supported"
SAME, UNRESOLVED = "no practical difference", "unresolved"
JUDGED = {"s": ("faster", "slower"), "B": ("less", "more")}
"""The two verdicts by unit: quantities whose change is judged."""

GROUPS = (
    (BROKEN, "Newly broken"),
    ("slower", "Slower"),
    ("more", "More memory"),
    (SUPPORTED, "Newly supported"),
    ("faster", "Faster"),
    ("less", "Less memory"),
    (SAME, "No practical difference"),
    (UNRESOLVED, "Unresolved"),
)
"""Every verdict with its heading, in the order of a report."""


@dataclass(frozen=True)
class Change:
    """What became of one metric, or (without values) of whether it works.

    ``ratio`` is new / old, within the blocks that both ran in, if there are any; ``delta`` the null
    band around 1 that counts as no difference; ``clear`` whether it holds by the stricter rule for
    versions, see :class:`generator.analysis.statistics.Change`.
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
    delta: float = math.nan
    clear: bool = False
    reason: str = ""


def compare(
    frame: pd.DataFrame,
    pair: Pair,
    catalog: Catalog,
    bands: Mapping[Place, float] | None = None,
) -> list[Change]:
    """Compare two releases, on every machine, section, mode, device, lane, case and metric.

    Args:
        frame: rows of :func:`reading.select`, of runs in which both were measured.
        pair: the releases.
        catalog: knows the metrics.
        bands: see :func:`generator.analysis.statistics.null_bands`.

    """
    frame = frame[frame["framework"] == pair.framework]
    old, new = (frame[frame["version"] == version] for version in (pair.old, pair.new))
    found = null_bands(group_cells(frame), bands=bands)
    return between(old, new, catalog, found, may_differ=("version",))


Place = tuple[str, str, str, str]
"""(machine, device, lane, metric)."""


def between(
    old: pd.DataFrame,
    new: pd.DataFrame,
    catalog: Catalog,
    bands: Mapping[Place, float],
    *,
    may_differ: Sequence[str],
) -> list[Change]:
    """Compare what is in two frames, wherever all but some columns of a key are equal.

    Args:
        old: rows of :func:`generator.results.reading.select`.
        new: the same of the other side.
        catalog: knows the metrics.
        bands: null band of every place; 2 % where there is none.
        may_differ: fields of :class:`generator.analysis.statistics.Key`.

    """
    same = [name for name in Key._fields if name not in may_differ]
    left, right = _states(old, same), _states(new, same)
    cells = [group_cells(frame) for frame in (old, new)]
    found = []
    broken: dict[tuple[str, ...], Change] = {}
    for place in sorted(left.keys() & right.keys()):
        before, after = left[place], right[place]
        key = after.key
        metric = _metric(catalog, key)
        unit = metric.unit if metric else ""
        if (before.status == "ok") != (after.status == "ok"):
            verdict = SUPPORTED if after.status == "ok" else BROKEN
            change = Change(key, before.key, unit, verdict, reason=after.reason or before.reason)
            whole = (*key[:-2], verdict)
            # The gate says why; every other metric of the process only follows from it.
            if key.case == AGAIN or (whole in broken and key.metric != "gate"):
                continue
            broken[whole] = change
        elif after.status == "ok" and metric is not None and _is_judged(key, metric, catalog):
            one, two = cells[0].get(before.key), cells[1].get(key)
            if one is not None and two is not None:
                band = max(
                    bands.get((k.machine, k.device, k.lane, k.metric), statistics.SMALLEST_DELTA)
                    for k in (before.key, key)
                )
                found.append(judge(one, two, band))
    return sorted([*broken.values(), *found], key=lambda change: (weight(change), change.key))


def weight(change: Change) -> int:
    """Return the place of a change among others: what broke comes first, then what is slower."""
    return [verdict for verdict, _ in GROUPS].index(change.verdict)


@dataclass(frozen=True)
class _State:
    status: str
    reason: str
    key: Key


def _states(frame: pd.DataFrame, same: Sequence[str]) -> dict[tuple[str, ...], _State]:
    """Return the worst that happened to each metric, by the columns that are compared."""
    columns = list(Key._fields)
    found: dict[tuple[str, ...], _State] = {}
    rows = frame[[*columns, "status", "reason"]].drop_duplicates([*columns, "status"])
    rank = {status: n for n, status in enumerate((*WORSE, "ok"))}
    for row in rows.itertuples(index=False):
        *fields, status, reason = map(str, row)
        key = Key(*fields)
        state = _State(status, reason if status != "ok" else "", key)
        place = tuple(getattr(key, name) for name in same)
        # A block that is not tried again says nothing new beside the one that failed.
        if place not in found or rank[status] < rank[found[place].status]:
            found[place] = state
    return found


def _metric(catalog: Catalog, key: Key) -> Metric | None:
    section = next((s for s in catalog.sections if s.id == key.section), None)
    return section.metrics.get(key.metric) if section else None


def _is_judged(key: Key, metric: Metric, catalog: Catalog) -> bool:
    """Whether a metric is a quantity of the framework's, and not one of the run's."""
    hidden = view(models.headline(catalog.section(key.section))).hidden
    return bool(
        key.mode and key.case != AGAIN and metric.better and metric.unit in JUDGED
        and metric.id not in hidden
    )  # fmt: skip


def judge(old: Cell, new: Cell, delta: float) -> Change:
    """Say what became of a metric.

    Args:
        old: samples in one of the units :data:`JUDGED`.
        new: the same of the other side.
        delta: the null band.

    """
    try:
        found = statistics.version_change(old.blocks, new.blocks)
        before, after = (models.summary(cell).value for cell in (old, new))
    except ValueError:  # zero, which has no logarithm
        return Change(new.key, old.key, new.unit, UNRESOLVED)
    verdict = statistics.verdict(found.ratio, delta)
    better, worse = JUDGED[new.unit]
    word = {"faster": better, "slower": worse}.get(verdict, verdict)
    return Change(
        new.key, old.key, new.unit, word, before, after, found.ratio, delta, found.changed
    )  # fmt: skip


# -------------------------------------------------------------------------------------- the report


@dataclass(frozen=True)
class Group:
    """Changes of one verdict, as the report shows them."""

    heading: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Subject:
    """One pair of releases in a report."""

    heading: str
    summary: str
    notes: tuple[str, ...]
    groups: tuple[Group, ...]


def subject(
    pair: Pair,
    changes: Sequence[Change],
    documents: Mapping[str, Mapping[str, Any]],
    catalog: Catalog,
    notes: Sequence[str] = (),
) -> Subject:
    """Return what a report says about a pair.

    Args:
        pair: the releases.
        changes: of :func:`compare`.
        documents: version -> the run's document.
        catalog: the folders.
        notes: what else is to be said.

    """
    name = models.configuration(catalog, pair.framework, pair.new, "").framework_name
    groups = []
    for verdict, heading in GROUPS:
        rows = tuple(row(c, catalog) for c in changes if c.verdict == verdict)
        if rows:
            groups.append(Group(heading, rows))
    heading = f"{name} {pair.old} → {pair.new}" if pair.old else f"{name} {pair.new}"
    return Subject(
        heading,
        summary(changes) if pair.old else "The first release that is measured.",
        (*_surroundings(pair, documents), *notes),
        tuple(groups),
    )


def summary(changes: Iterable[Change]) -> str:
    """Say in one sentence how many metrics changed in which way."""
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.verdict] = counts.get(change.verdict, 0) + 1
    parts = [f"{counts[verdict]} {verdict}" for verdict, _ in GROUPS if verdict in counts]
    return f"{', '.join(parts)}." if parts else "Nothing can be compared."


def line(change: Change, catalog: Catalog) -> str:
    """Return a change as one line of text."""
    place, metric, before, after, ratio, band, _, reason = row(change, catalog)
    parts = [f"{change.verdict}: {place}, {metric}"]
    if ratio:
        parts.append(f"{before} → {after}, {ratio}, null band {band}")
    return "; ".join([*parts, *([reason] if reason else [])])


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
        "" if change.ratio is None else ratio_words(change.ratio),
        f"±{change.delta:.1%}" if math.isfinite(change.delta) else "",
        "yes" if change.clear else "",
        change.reason,
    )


def ratio_words(ratio: statistics.Ratio) -> str:
    """Return a ratio with its interval, if it has one."""
    if not math.isfinite(ratio.low):
        return f"{ratio.value:.3f} (one process)"
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _surroundings(pair: Pair, documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what else differs between the environments: Python and other packages."""
    if pair.old not in documents or pair.new not in documents:
        return []
    old, new = (documents[version]["environment"] for version in (pair.old, pair.new))
    said = []
    if old["python"] != new["python"]:
        said.append(f"Python {old['python']} → {new['python']}.")
    before, after = (
        dict(str(pin).partition("==")[::2] for pin in environment["packages"])
        for environment in (old, new)
    )
    moved = [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if moved:
        said.append(f"Packages that differ: {', '.join(moved)}.")
    return said


COLUMNS = (
    "Where", "Metric", "Old", "New", "New / old, 95 %", "Null band", "Clear by version rule",
    "Reason",
)  # fmt: skip


def report(run: str, subjects: Sequence[Subject], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of ``templates/changes.md.j2``."""
    machine = document["machine"]
    return {
        "run": run,
        "day": formatting.day(run),
        "machine": f"{machine['cpu']}, {formatting.plural(machine['cores'], 'core')}",
        "profile": document["profile"],
        "command": document["command"],
        "columns": COLUMNS,
        "subjects": subjects,
    }


def plain(change: Change) -> dict[str, Any]:
    """Return a change as JSON takes it."""
    ratio = change.ratio
    said = {
        **change.key._asdict(),
        "before": change.before._asdict(),
        "unit": change.unit,
        "verdict": change.verdict,
        "old": change.old,
        "new": change.new,
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "delta": change.delta,
        "clear": change.clear,
        "reason": change.reason,
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in said.items()
    }
