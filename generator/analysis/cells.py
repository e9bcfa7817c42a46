"""Samples grouped into cells: one configuration, section, case and metric, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generator.analysis.statistics import (
    ESTIMATOR,
    SMALLEST_DELTA,
    Array,
    Blocks,
    Estimator,
    all_positive,
    null_band,
    ratio,
)
from generator.measure import plan

if TYPE_CHECKING:
    import pandas as pd


class Twin(NamedTuple):
    """A configuration that was run twice in every block."""

    lane: str
    first: Blocks
    second: Blocks


class Key(NamedTuple):
    """What a cell measures, on what."""

    machine: str
    framework: str
    version: str
    section: str
    mode: str
    device: str
    lane: str
    case: str
    metric: str


AGAIN = plan.AGAIN


@dataclass(frozen=True)
class Cell:
    """The samples of one configuration and metric."""

    key: Key
    unit: str
    blocks: Blocks
    """(run, block) -> samples; block is -1 for values that are one per run."""
    disturbed: int
    """Blocks during which foreign work used the processor."""


def group_cells(frame: pd.DataFrame, metric: str | None = None) -> dict[Key, Cell]:
    """Group the ``ok`` rows of a frame of :func:`generator.results.reading.select` into cells.

    Args:
        frame: any selection of rows.
        metric: only this one.

    """
    wanted = (frame["status"] == "ok").to_numpy()
    if metric is not None:
        wanted = wanted & (frame["metric"] == metric).to_numpy()
    frame = frame[wanted]
    if frame.empty:
        return {}
    columns = [*Key._fields, "run"]
    block = frame["block"].to_numpy(dtype="int64", na_value=-1)
    sample = frame["sample"].to_numpy(dtype="int64", na_value=-1)
    codes, size = np.zeros(len(frame), dtype="int64"), 1
    for part in (*(frame[column].cat.codes.to_numpy() for column in columns), block):
        count = int(part.max()) + 2
        if size * count > 2**62:  # renumber before a product could overflow
            _, codes = np.unique(codes, return_inverse=True)
            size = len(frame)
        codes, size = codes * count + part + 1, size * count
    order = np.lexsort((sample, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    values = np.split(frame["value"].to_numpy()[order], starts[1:])
    heads = frame.iloc[order[starts]]
    disturbed = {str(x) for x in frame["flags"].cat.categories if "disturbed" in str(x).split()}
    blocks: dict[Key, dict[Hashable, Array]] = {}
    marked: Counter[Key] = Counter()
    units = {}
    keys = zip(*(heads[column].astype(str) for column in Key._fields), strict=True)
    rest = zip(heads["run"], block[order[starts]], heads["flags"], heads["unit"], strict=True)
    for fields, (run, number, flags, unit), samples in zip(keys, rest, values, strict=True):
        key = Key(*fields)
        blocks.setdefault(key, {})[str(run), int(number)] = samples
        marked[key] += flags in disturbed
        units[key] = str(unit)
    return {key: Cell(key, units[key], blocks[key], marked[key]) for key in blocks}


def twins(grouped: Mapping[Key, Cell]) -> list[tuple[Key, Twin]]:
    """Return the A/A twins among cells, each with the key of its first half."""
    return [
        (key, Twin(key.lane, cell.blocks, again.blocks))
        for key, cell in grouped.items()
        if (again := grouped.get(key._replace(case=AGAIN))) and key.case != AGAIN
    ]


def null_bands(
    grouped: Mapping[Key, Cell],
    estimator: Estimator = ESTIMATOR,
    bands: Mapping[tuple[str, str, str, str], float] | None = None,
) -> dict[tuple[str, str, str, str], float]:
    """Return (machine, device, lane, metric) -> delta for every combination among the cells.

    Args:
        grouped: the cells.
        estimator: per-process quantile.
        bands: what other runs found; they stand in where no twins are among the cells.

    """
    # What may be nought, such as the load of other programs, has no ratio and no band.
    pairs = [
        (key, twin)
        for key, twin in twins(grouped)
        if all(map(all_positive, (*twin.first.values(), *twin.second.values())))
    ]
    elsewhere = bands or {}

    def place(key: Key) -> tuple[str, str, str, str]:
        return key.machine, key.device, key.lane, key.metric

    own = {place(key) for key, _ in pairs}
    return {
        here: null_band(
            ratio(twin.first, twin.second, estimator) for key, twin in pairs if place(key) == here
        )
        if here in own
        else elsewhere.get(here, SMALLEST_DELTA)
        for here in {place(key) for key in grouped}
    }
