"""Two configurations, versions, frameworks or machines compared by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from generator.analysis.cells import Cell, Key, aa_noises, group_cells, is_again
from generator.analysis.changes import Change, Known, judge
from generator.analysis.labels import TOPICS
from generator.analysis.panels import headline
from generator.errors import UsageError, nearest
from generator.results import selection

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog


@dataclass(frozen=True)
class Spec:
    """One side of ``generator compare``; an empty field stands for any."""

    machine: str = ""
    framework: str = ""
    version: str = ""
    mode: str = ""

    def __str__(self) -> str:
        """Return what the user would type."""
        if self.machine:
            return f"machine:{self.machine}"
        version = f"=={self.version}" if self.version else ""
        return self.framework + version + (f":{self.mode}" if self.mode else "")


_SPEC = re.compile(r"([^:=]+)(?:==([^:=]+))?(?::([^:=]+))?(?:==([^:=]+))?")


def parse_spec(text: str, keys: Iterable[Key]) -> Spec:
    """Understand ``NAME``, ``NAME:MODE``, ``NAME==VERSION:MODE`` or ``machine:ID``.

    Another form, or a name that is not among the results, is a :class:`UsageError` with the
    nearest.
    """
    keys = list(keys)
    match = _SPEC.fullmatch(text.strip())
    if match is None or (match[2] and match[4]):
        raise UsageError(
            f"cannot read {text!r}; expected FRAMEWORK[==VERSION][:MODE] or machine:ID"
        )
    name, version, mode = match[1], match[2] or match[4] or "", match[3] or ""
    if name == "machine" and mode:
        return Spec(machine=_known("machine", mode, {key.machine for key in keys}))
    name = _known("framework", name, {key.framework for key in keys})
    mine = [key for key in keys if key.framework == name]
    if version:
        version = _known(f"version of {name}", version, {key.version for key in mine})
    if mode:
        mode = _known(f"mode of {name}", mode, {key.mode for key in mine if key.mode})
    return Spec(framework=name, version=version, mode=mode)


def _known(what: str, name: str, names: set[str]) -> str:
    if name in names:
        return name
    hint = nearest(name, sorted(names)) or f"there are: {', '.join(sorted(names))}"
    if not names:
        hint = "nothing was measured yet; run: generator measure"
    raise UsageError(f"no {what} is called {name!r} in the results; {hint}")


@dataclass(frozen=True)
class Comparison:
    """One cell against another."""

    a: Cell
    b: Cell
    change: Change
    """a / b, and the verdict on a: of this pair alone."""


def compare(
    frame: pd.DataFrame, a: str, b: str, known: Known, metric: str = ""
) -> list[Comparison]:
    """Compare what two specs name, wherever machine, section, device, lane and case are the same.

    An unknown name, and nothing that could be compared, are a :class:`UsageError`.

    A side without a version means the newest on each machine. Without a metric the headlines of
    all topics are compared, and a side without a mode means the default one. With a metric it
    means any: of one framework against itself (two versions, two machines) equal modes are
    compared, as far as there are any; of two frameworks, every mode with every mode.

    Args:
        frame: of :func:`generator.results.selection.select`.
        a: see :func:`parse_spec`.
        b: the other side.
        known: with the A/A noise of other runs, for places without A/A replicates.
        metric: which rows; "" for the headlines.

    """
    grouped = group_cells(frame, metric) if metric else _headlines(frame, known.catalog)
    if metric and not grouped:
        metrics = {str(name) for name in frame["metric"].unique()}
        _known("metric", metric, metrics - {metric})
    one, two = parse_spec(a, grouped), parse_spec(b, grouped)
    if bool(one.machine) != bool(two.machine):
        raise UsageError(f"cannot compare {one} with {two}: name two machines, or none")
    defaults = None if metric else known.catalog
    left, right = (_matching(grouped, spec, defaults) for spec in (one, two))
    shared = {key.mode for key in left} & {key.mode for key in right}
    may_differ = {"machine"} if one.machine else {"framework", "version", "mode"}
    if one.framework == two.framework and shared and not (one.mode or two.mode):
        may_differ.discard("mode")
    same = [name for name in Key._fields if name not in may_differ]
    known = replace(known, noises=aa_noises(grouped, known.noises))
    place = attrgetter(*same)
    there: dict[tuple[str, ...], list[Key]] = {}
    for y in right:
        there.setdefault(place(y), []).append(y)
    found = [
        Comparison(grouped[x], grouped[y], judge(grouped[y], grouped[x], known))
        for x in left
        for y in there.get(place(x), [])
        if x != y
    ]
    if not found:
        raise UsageError(
            f"{one} and {two} have no {metric or 'figure'} on the same machine, device and lane"
            f"{'' if metric else ' in their default modes, unless modes are named'}; "
            "see what is measured with: generator list"
        )
    return found


def _headlines(frame: pd.DataFrame, catalog: Catalog) -> dict[Key, Cell]:
    """Return the cells of the headline of each topic, in the order of the topics."""
    metrics = {s.id: headline(s).id for s in catalog.sections if s.id in TOPICS}
    cells: dict[Key, Cell] = {}
    for section in filter(metrics.get, TOPICS):
        cells |= group_cells(frame[frame["section"] == section], metrics[section])
    return cells


def _is_default(key: Key, catalog: Catalog) -> bool:
    """Whether a mode stood for its framework; any may, of what the catalog does not know."""
    framework = next((f for f in catalog.frameworks if f.id == key.framework), None)
    if framework is None:
        return True
    version = next((v for v in framework.versions if v.version == key.version), framework.newest)
    return key.mode == framework.standard(version, key.device).id


def _matching(grouped: Mapping[Key, Cell], spec: Spec, defaults: Catalog | None) -> list[Key]:
    """Return the keys of one side; with a catalog, its default modes where it names no mode."""
    keys = [
        key
        for key in grouped
        if not is_again(key)
        and spec.machine in ("", key.machine)
        and spec.framework in ("", key.framework)
        and spec.mode in ("", key.mode)
        and (defaults is None or spec.mode or _is_default(key, defaults))
    ]
    if spec.machine:
        return keys
    order = partial(selection.age, ())
    newest: dict[str, str] = {}
    for key in keys:
        newest[key.machine] = max(key.version, newest.get(key.machine, key.version), key=order)
    return [key for key in keys if key.version == (spec.version or newest[key.machine])]
