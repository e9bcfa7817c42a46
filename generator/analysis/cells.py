"""Samples grouped into cells: one configuration, section, case and metric, block by block."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generator.analysis.block_model import BlockModel, Spread
from generator.analysis.statistics import (
    ESTIMATOR,
    MARGIN,
    QUANTILES,
    Array,
    Blocks,
    Ratio,
    aa_noise,
    all_positive,
    process_estimates,
)
from generator.results import schema
from generator.results.reading import Results, combined_codes, distinct, to_frame
from generator.results.selection import whole_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Place = tuple[str, str, str, str, str]
"""(machine, device, section, lane, metric): what A/A noise is valid for."""

Spreads = Mapping[tuple[str, str, str], Spread]
"""(machine, device, metric) -> spread between runs, see :func:`spreads`."""


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
        """What its A/A noise is valid for."""
        return self.machine, self.device, self.section, self.lane, self.metric

    @property
    def everywhere(self) -> tuple[str, str, str]:
        """What its spread between runs is valid for."""
        return self.machine, self.device, self.metric


@dataclass(frozen=True)
class Cell:
    """The samples of one configuration and metric."""

    key: Key
    unit: str
    blocks: Blocks
    """(run, block) -> samples; block is -1 for values that are one per run."""
    disturbed: int
    """Blocks during which foreign work used the processor."""
    model: BlockModel[Key] | None = field(default=None, compare=False, repr=False)
    """Of all cells that this one may be compared with, see :func:`fitted`; None for what has no
    logarithm, or is alone."""


def group_cells(frame: pd.DataFrame, metric: str | None = None) -> dict[Key, Cell]:
    """Group the ``ok`` rows of a frame into cells, those of one metric or of all."""
    frame = frame[frame["status"] == "ok"]
    if metric is not None:
        frame = frame[frame["metric"] == metric]
    if frame.empty:
        return {}
    columns = [*Key._fields, "run"]
    block = frame["block"].to_numpy(dtype="int64", na_value=-1)
    sample = frame["sample"].to_numpy(dtype="int64", na_value=-1)
    codes = combined_codes([*(frame[name].cat.codes.to_numpy() for name in columns), block + 1])
    order = np.lexsort((sample, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    values = np.split(frame["value"].to_numpy()[order], starts[1:])
    heads = frame.iloc[order[starts]]
    disturbed = {str(x) for x in frame["flags"].cat.categories if "disturbed" in str(x).split()}
    blocks: dict[Key, dict[Hashable, Array]] = {}
    marked: Counter[Key] = Counter()
    units = {}
    keys = zip(*(texts(heads[column]) for column in Key._fields), strict=True)
    rest = zip(*(texts(heads[column]) for column in ("run", "flags", "unit")), strict=True)
    numbers = block[order[starts]].tolist()
    for fields, (run, flags, unit), number, samples in zip(
        keys, rest, numbers, values, strict=True
    ):
        key = Key(*fields)
        blocks.setdefault(key, {})[run, number] = samples
        marked[key] += flags in disturbed
        units[key] = unit
    return {key: Cell(key, units[key], blocks[key], marked[key]) for key in blocks}


def texts(column: pd.Series) -> Iterator[str]:
    """Yield the texts of a categorical column; pandas itself takes each of them from Arrow."""
    names = [str(name) for name in column.cat.categories]
    return map(names.__getitem__, column.cat.codes.tolist())


def fitted(
    grouped: Mapping[Key, Cell],
    spreads: Spreads,
    compared: Sequence[str] = ("framework", "version", "mode"),
) -> dict[Key, Cell]:
    """Return the cells, each with the model of those that differ in ``compared`` fields only.

    A/A replicates compare with nothing; they tell how noisy the others are.
    """
    same = [name for name in Key._fields if name not in compared]
    together: dict[tuple[str, ...], dict[Key, Mapping[Hashable, float]]] = {}
    for key, cell in grouped.items():
        if not is_again(key) and all_positive(np.concatenate([*cell.blocks.values()])):
            place = tuple(getattr(key, name) for name in same)
            together.setdefault(place, {})[key] = logs(cell.blocks)
    found = dict(grouped)
    for members in together.values():
        first = next(iter(members))
        model = BlockModel(members, spreads.get((first.machine, first.device, first.metric)))
        found |= {key: replace(grouped[key], model=model) for key in members}
    return found


def logs(blocks: Blocks) -> dict[Hashable, float]:
    """Return block -> logarithm of the estimate of its process."""
    return {block: math.log(value) for block, value in process_estimates(blocks).items()}


def compare(a: Cell, b: Cell, spreads: Spreads) -> Ratio:
    """Return value of ``a`` / value of ``b``: of one model if they are, otherwise as a pair.

    A pair that shares no block has the spread between runs; of two machines the larger one. For its
    ``ValueError`` see :func:`generator.analysis.statistics.process_estimates`.
    """
    if a.model is not None and a.model is b.model:
        return a.model.ratio(a.key, b.key)
    places = {(cell.key.machine, cell.key.device, cell.key.metric) for cell in (a, b)}
    spread = max((spreads[place] for place in places if place in spreads), default=None)
    return BlockModel({0: logs(a.blocks), 1: logs(b.blocks)}, spread).ratio(0, 1)


def spreads(loaded: Results) -> dict[tuple[str, str, str], Spread]:
    """Return how far the same configurations lie from run to run, by machine, device and metric.

    Per configuration it is the variance of the runs' means, less what their processes explain;
    averaged over configurations. Whatever differs between two runs in fact is in it, the state of
    the machine first of all. Runs are what is repeated, so they are the degrees of freedom. Only
    equal locks of the environment are compared.
    """
    import pandas as pd

    parts = _runs(loaded, _repeated(loaded))
    if not parts:
        return {}
    for key, part in parts.items():
        lock = str(loaded.records[key]["environment"]["lock_sha256"])
        part["lock"], part["run"] = lock, key.rsplit("/", 1)[1]
    runs = pd.concat([*parts.values()], ignore_index=True)
    same = runs.groupby(["cell", "lock"])
    runs = runs[same["run"].transform("size") > 1]
    same = runs.groupby(["cell", "lock"])
    between = same["mean"].var() - same["within"].mean().fillna(0.0)
    cells = [*_numbers]
    variances: dict[tuple[str, str, str], list[float]] = {}
    numbers = between.index.get_level_values("cell").tolist()
    for cell, variance in zip(numbers, between.tolist(), strict=True):
        variances.setdefault(cells[cell].everywhere, []).append(variance)
    runs = runs.drop_duplicates(["cell", "run"])
    counted: dict[tuple[str, str, str], set[str]] = {}
    for cell, run in zip(runs["cell"].tolist(), runs["run"].tolist(), strict=True):
        counted.setdefault(cells[cell].everywhere, set()).add(run)
    return {
        place: Spread(max(0.0, sum(found) / len(found)), len(counted[place]) - 1.0)
        for place, found in variances.items()
    }


def _repeated(loaded: Results) -> set[str]:
    """Return the keys of the runs of which another one measured some configuration as well."""
    first: dict[tuple[object, ...], str] = {}
    found = set()
    for key, file in loaded.files.items():
        lock = loaded.records[key]["environment"]["lock_sha256"]
        for configuration in file.configurations:
            other = first.setdefault((key.rsplit("/", 1)[0], lock, configuration), key)
            found |= {key, other} - ({key} & {other})
    return found


_numbers: dict[Key, int] = {}
"""Every cell of any run that was looked at, numbered."""
_of_run: dict[str, tuple[pa.Table, pd.DataFrame]] = {}
"""Key of a run -> its rows, and what was found in them."""


def _runs(loaded: Results, keys: Collection[str]) -> dict[str, pd.DataFrame]:
    """Return what processes say in logarithms, per run; one whose rows are the same is known.

    Columns are the number of the ``cell``, the ``mean`` of its processes, and the variance of that
    mean that they explain: ``within``, NaN for one process.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute

    tables = {key: whole_rows(loaded, key) for key in sorted(keys)}
    new = {key: rows for key, rows in tables.items() if _of_run.get(key, (None,))[0] is not rows}
    columns = [*Key._fields, "provenance"]
    if new:
        counted = (compute.field("status") == "ok") & (compute.field("value") > 0)
        rows = [rows.select([*columns, "block", "status", "value"]) for rows in new.values()]
        frame = to_frame(pa.concat_tables(rows).filter(counted))
        halves = frame["case"].cat.categories[frame["case"].cat.categories.map(schema.is_again)]
        frame = frame[(frame["mode"] != "") & ~frame["case"].isin(halves)]
        estimates = frame.groupby([*columns, "block"], observed=True)["value"].quantile(
            QUANTILES[ESTIMATOR]
        )
        runs = np.log(estimates).groupby(columns, observed=True).agg(["mean", "var", "count"])
        runs = runs.reset_index()
        first, cells = distinct([runs[name].cat.codes.to_numpy() for name in Key._fields])
        heads = zip(*(texts(runs[name].iloc[first]) for name in Key._fields), strict=True)
        numbers = [_numbers.setdefault(Key._make(head), len(_numbers)) for head in heads]
        found = pd.DataFrame(
            {
                "cell": np.array(numbers, dtype="int64")[cells],
                "mean": runs["mean"],
                "within": runs["var"] / runs["count"],
            }
        )
        own = dict([*found.groupby(runs["provenance"], observed=True)])
        _of_run.update((key, (rows, own.get(key, found[:0]))) for key, rows in new.items())
    return {key: _of_run[key][1].copy() for key in tables}


def is_again(key: Key) -> bool:
    """Whether a cell is the second half of an A/A replicate."""
    return schema.is_again(key.case)


def again(key: Key) -> Key:
    """Return the key of the second half of a cell's A/A replicate."""
    return key._replace(case=schema.again(key.case))


def replicates(grouped: Mapping[Key, Cell]) -> list[tuple[Key, Replicate]]:
    """Return the A/A replicates among cells, each with the key of its first half."""
    return [
        (key, Replicate(key.lane, cell.blocks, second.blocks))
        for key, cell in grouped.items()
        if (second := grouped.get(again(key)))
    ]


def aa_noises(
    grouped: Mapping[Key, Cell], known: Mapping[Place, float] | None = None
) -> dict[Place, float]:
    """Return the A/A noise of every place among the cells, as a fraction.

    Where no A/A replicates are among them, it is what other runs are ``known`` to have found.
    """
    found: dict[Place, list[tuple[Blocks, Blocks]]] = {}
    for key, pair in replicates(grouped):
        # What may be zero, such as the load of other programs, has no ratio.
        if all(map(all_positive, (*pair.first.values(), *pair.second.values()))):
            found.setdefault(key.place, []).append((pair.first, pair.second))
    return {
        place: aa_noise(found[place]) if place in found else (known or {}).get(place, MARGIN)
        for place in {key.place for key in grouped}
    }


def larger_noise(noises: Mapping[Place, float], *keys: Key) -> float:
    """Return the largest A/A noise of some cells; the margin where none is known."""
    return max(noises.get(key.place, MARGIN) for key in keys)
