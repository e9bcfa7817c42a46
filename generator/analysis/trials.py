"""Pure: rows of profile ``variants`` -> what each documented switch gains in its mode.

A mode and its trials are one family: measured in the same blocks, their noise pooled, and their
intervals hold for all of them together. They are compared with nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from generator.analysis import statistics
from generator.analysis.cells import Cell, Key, Place, aa_noises, fitted, group_cells
from generator.analysis.panels import SEVERITY
from generator.analysis.statistics import MARGIN, Ratio

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Framework, Variant

SPEED = "lenet", "step_time"
MEMORY = "memory", "peak_above_import"


class Gain(NamedTuple):
    """How many times as much a step takes (or needs) without the switch; the verdict on with it."""

    ratio: Ratio
    verdict: statistics.Verdict


@dataclass(frozen=True)
class Trial:
    """One switch, tried in one place; what is None has no number.

    ``status`` is that of the process with the other setting, "" where it was not tried;
    ``provenance`` is the key of the run record.
    """

    framework: Framework
    variant: Variant
    machine: str = ""
    device: str = ""
    lane: str = ""
    status: str = ""
    reason: str = ""
    provenance: str = ""
    speed: Gain | None = None
    memory: Gain | None = None

    @property
    def beats(self) -> bool:
        """Whether the other setting is resolved to be faster by more than the margin.

        Of a switch that is not used that is the one with it, of a used one that without it.
        """
        if self.speed is None:
            return False
        wanted = "slower" if self.variant.used else "faster"
        return self.speed.verdict == wanted and self.behind.value > 1 + MARGIN

    @property
    def behind(self) -> Ratio:
        """How many times as long the mode takes as with the other setting."""
        assert self.speed is not None
        return self.speed.ratio.inverse() if self.variant.used else self.speed.ratio


def find(
    frame: pd.DataFrame, catalog: Catalog, noises: Mapping[Place, float] | None = None
) -> list[Trial]:
    """Return what became of every variant, place by place; one that was not tried as well.

    Args:
        frame: rows of profile ``variants``, see :func:`generator.results.selection.select`.
        catalog: says which variants there are.
        noises: A/A noise of other runs, for places without A/A replicates.

    """
    cells: dict[Key, Cell] = {}
    for section, metric in (SPEED, MEMORY):
        cells |= group_cells(frame[frame["section"] == section], metric)
    cells, known = fitted(cells, {}, ("case",)), aa_noises(cells, noises)
    ended = _ended(frame)
    found = []
    for framework in catalog.frameworks:
        for variant in framework.variants:
            wanted = framework.id, variant.mode, variant.case
            places = [
                where for where in ended if (where.framework, where.mode, where.case) == wanted
            ]
            found += [
                _trial(framework, variant, where, ended[where], cells, known) for where in places
            ] or [Trial(framework, variant)]
    return found


class _Where(NamedTuple):
    machine: str
    framework: str
    version: str
    mode: str
    device: str
    lane: str
    case: str


def _ended(frame: pd.DataFrame) -> dict[_Where, tuple[str, str, str]]:
    """Return where processes of section lenet ran -> the worst status, its reason, and the run."""
    columns = [*_Where._fields, "status", "reason", "provenance"]
    rows = frame.loc[frame["section"] == SPEED[0], columns].drop_duplicates().astype(str)
    found: dict[_Where, tuple[str, str, str]] = {}
    rank = (*SEVERITY, "ok").index
    for *where, status, reason, provenance in rows.itertuples(index=False, name=None):
        before, now = found.get(_Where(*where)), (status, reason, provenance)
        if before is None or rank(status) < rank(before[0]):
            found[_Where(*where)] = now
    return found


def _trial(
    framework: Framework,
    variant: Variant,
    where: _Where,
    ended: tuple[str, str, str],
    cells: Mapping[Key, Cell],
    noises: Mapping[Place, float],
) -> Trial:
    place = where.machine, where.device, where.lane
    speed, memory = (
        _gain(variant, where, one, cells, noises) if ended[0] == "ok" else None
        for one in (SPEED, MEMORY)
    )
    return Trial(framework, variant, *place, *ended, speed, memory)


def _gain(
    variant: Variant,
    where: _Where,
    what: Sequence[str],
    cells: Mapping[Key, Cell],
    noises: Mapping[Place, float],
) -> Gain | None:
    section, metric = what
    configuration = where.machine, where.framework, where.version, section, where.mode
    trial = Key(*configuration, where.device, where.lane, where.case, metric)
    mode = trial._replace(case="")
    without, having = (trial, mode) if variant.used else (mode, trial)
    model = cells[trial].model if trial in cells else None
    if model is None or mode not in model.logs:
        return None
    ratio = model.ratio(without, having)
    # It is of "without" to "with": where that takes longer, the switch makes it faster.
    verdict = statistics.verdict(ratio.inverse(), noises.get(trial.place, MARGIN))
    return Gain(ratio, verdict)


def beaten(trials: Sequence[Trial]) -> Iterator[tuple[Trial, str, str]]:
    """Yield trials that beat their mode, with what was found and what is expected."""
    for trial in trials:
        if trial.beats:
            one, variant = trial.behind, trial.variant
            found = (
                f"mode {variant.mode} takes {one.value:.2f} times as long ({one.low:.2f} to"
                f" {one.high:.2f}) as {variant.case}: {variant.title}"
            )
            wanted = "a mode without" if variant.used else "a mode that uses"
            yield trial, found, f"{wanted} what makes it more than {MARGIN:.0%} faster"
