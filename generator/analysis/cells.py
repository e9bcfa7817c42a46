"""Samples grouped into cells: one configuration, section, case and metric, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generator.analysis.statistics import (
    SMALLEST_DELTA,
    Array,
    Blocks,
    aa_band,
    all_positive,
    ratio,
)
from generator.measure import plan

if TYPE_CHECKING:
    import pandas as pd

AGAIN = plan.AGAIN

Place = tuple[str, str, str, str]
"""(machine, device, lane, metric): what an A/A band is valid for."""


class Replicate(NamedTuple):
    """An A/A replicate: a configuration that ran twice in every block."""

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

    @property
    def place(self) -> Place:
        """What its A/A band is valid for."""
        return self.machine, self.device, self.lane, self.metric


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
    """Group the ``ok`` rows of a frame of :func:`generator.results.selection.select` into cells.

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


def replicates(grouped: Mapping[Key, Cell]) -> list[tuple[Key, Replicate]]:
    """Return the A/A replicates among cells, each with the key of its first half."""
    return [
        (key, Replicate(key.lane, cell.blocks, again.blocks))
        for key, cell in grouped.items()
        if (again := grouped.get(key._replace(case=AGAIN))) and key.case != AGAIN
    ]


def aa_bands(
    grouped: Mapping[Key, Cell], known: Mapping[Place, float] | None = None
) -> dict[Place, float]:
    """Return the A/A band of every place among the cells, as a fraction.

    Args:
        grouped: the cells.
        known: what other runs found; used where no A/A replicates are among the cells.

    """
    found: dict[Place, list[Replicate]] = {}
    for key, pair in replicates(grouped):
        # What may be zero, such as the load of other programs, has no ratio and no band.
        if all(map(all_positive, (*pair.first.values(), *pair.second.values()))):
            found.setdefault(key.place, []).append(pair)
    return {
        place: aa_band(ratio(pair.first, pair.second) for pair in found[place])
        if place in found
        else (known or {}).get(place, SMALLEST_DELTA)
        for place in {key.place for key in grouped}
    }


def wider_band(bands: Mapping[Place, float], *keys: Key) -> float:
    """Return the widest A/A band of some cells; 2 % where none is known."""
    return max(bands.get(key.place, SMALLEST_DELTA) for key in keys)
