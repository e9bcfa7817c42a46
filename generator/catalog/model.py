"""The frozen records of the catalog: frameworks, versions, modes, gaps, sections."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from generator.catalog.package_index import Watch
from generator.errors import UsageError, nearest

DEVICES = ("cpu", "cuda")

LANES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("threads-1", "threads-all"),
    "cuda": ("resident", "copy-unpinned", "copy-pinned", "tf32", "bfloat16"),
}
"""On a GPU: data that lies there already, batches that are copied from pageable or from page-locked
memory of the host, and the first of these in other precisions."""

PRECISIONS = ("float32", "tf32", "bfloat16")


def precision(lane: str) -> str:
    """Return what a lane computes in: float32 is IEEE's, unless the lane is called otherwise."""
    return lane if lane in PRECISIONS else PRECISIONS[0]


KINDS = ("imperative", "symbolic")

DIVISIONS = ("closed", "idiomatic")


@dataclass(frozen=True)
class Fact:
    """One sourced statement about a framework; ``read`` is the day its source was read."""

    value: str | tuple[str, ...]
    source: str
    read: datetime.date
    note: str = ""


@dataclass(frozen=True)
class Fault:
    """What the gate is known to find wrong with a mode, in some lanes or (none named) in all."""

    reason: str
    source: str
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mode:
    """One way a framework executes; ``warmup`` counts steps per device.

    ``captures`` names the imperative mode of the same folder whose program this one turns into a
    graph, "" where there is none: together they are the experiment in which nothing else differs.
    ``default_on`` are devices on which it stands for the framework instead of the default mode.
    """

    id: str
    title: str
    kind: str
    division: str = DIVISIONS[0]
    devices: tuple[str, ...] = DEVICES[:1]
    summary: str = ""
    warmup: Mapping[str, int] = field(default_factory=dict)
    default: bool = False
    default_on: tuple[str, ...] = ()
    captures: str = ""
    fault: Fault | None = None


Option = str | int | bool
"""A setting of an adapter."""


@dataclass(frozen=True)
class Variant:
    """A documented switch that could make a mode faster or smaller, tried against the mode.

    A trial is a process of the mode with other ``environment`` (variables; an empty text removes
    one) and ``options`` (settings that the adapter reads). Where the switch is ``used``, the mode
    has it, and the trial is without. ``why`` says why it is used, or not.
    """

    id: str
    mode: str
    title: str
    source: str
    why: str
    used: bool = False
    devices: tuple[str, ...] = DEVICES[:1]
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)

    @property
    def case(self) -> str:
        """The case of its trial's rows: another one once the mode has adopted the switch."""
        return f"{'without' if self.used else 'with'} {self.id}"


@dataclass(frozen=True)
class Version:
    """One release with the requirements that its locks are made from.

    ``requirements`` go by device ("cpu"), or by device and the name of an addition ("cpu+reuse"):
    packages that some section needs beside the framework. ``default`` names the mode that stood
    for the framework then, "" where it is today's.
    """

    version: str
    python: str
    requirements: Mapping[str, tuple[str, ...]]
    folder: Path
    released: datetime.date | None = None
    source: str = ""
    default: str = ""

    def lock(self, device: str) -> Path:
        """Path of the hash-pinned lock for one device or addition (it may not exist)."""
        return self.folder / "environments" / f"{self.version}-{device}.txt"


@dataclass(frozen=True)
class Gap:
    """Something that is not measured, declared with its source; an empty field means any.

    ``status`` is "unsupported" where the framework cannot, "skipped" where we chose not to.
    """

    reason: str
    source: str
    status: str = "unsupported"
    mode: str = ""
    device: str = ""
    versions: tuple[str, ...] = ()
    section: str = ""

    def covers(self, *, mode: str, device: str, version: str, section: str) -> bool:
        """Return whether this gap says no to a combination, see :meth:`Framework.gap`."""
        pairs = (self.mode, mode), (self.device, device), (self.section, section)
        concerned = not self.versions or version in self.versions
        return concerned and all(mine in ("", theirs) for mine, theirs in pairs)


@dataclass(frozen=True)
class Zoo(Fact):
    """The official collection of trained models; ``offline``: its code needs no network."""

    offline: bool = field(kw_only=True)


@dataclass(frozen=True)
class Retired:
    """That a framework was given up: the year, and the page that says so."""

    year: int
    source: str
    read: datetime.date


@dataclass(frozen=True)
class Look:
    """How charts show a framework: "#rrggbb" on light and dark pages, and a shape.

    ``shape`` is a symbol's name of Vega, or an SVG path that reaches from -1 to 1.
    """

    light: str
    dark: str
    shape: str


NO_LOOK = Look("#5f6b72", "#a3adb3", "circle")
"""Of a framework that states none: grey."""


@dataclass(frozen=True)
class ArrayApi:
    """The module whose functions follow the array API standard, and variables that it wants."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Need:
    """A program that measuring calls, and why; its Debian package if named otherwise.

    ``modes`` and ``sections`` are those that call it, none named: all. ``unspaced`` means that it
    cannot be called where the path of the cache has a space.
    """

    program: str
    why: str
    package: str = ""
    modes: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    unspaced: bool = False

    def concerns(self, mode: str, sections: Sequence[str]) -> bool:
        """Return whether measuring some sections of a mode calls it."""
        asked = not self.sections or not set(self.sections).isdisjoint(sections)
        return asked and mode in (self.modes or (mode,))


@dataclass(frozen=True)
class Found:
    """That a framework is on no package index: its users build it, and here it is looked for.

    The first of ``programs`` on PATH, or the one that the variable ``setting`` names, has to load
    ``modules``; it finds them by its own ``variables`` as well. ``source`` is the page that says
    how to install it.
    """

    programs: tuple[str, ...]
    setting: str
    modules: tuple[str, ...]
    variables: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Framework:
    """One framework folder; ``watch`` is what the package index was last heard to have of it.

    One that is ``found`` has no distribution, and its releases neither requirements nor locks.
    """

    id: str
    name: str
    folder: Path
    facts: Mapping[str, Fact]
    distribution: str
    modes: tuple[Mode, ...]
    versions: tuple[Version, ...]
    gaps: tuple[Gap, ...]
    environment: Mapping[str, str]
    device_environment: Mapping[str, Mapping[str, str]]
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    other_distributions: tuple[str, ...] = ()
    zoo: Zoo | None = None
    retired: Retired | None = None
    look: Look = NO_LOOK
    needs: tuple[Need, ...] = ()
    array_api: ArrayApi | None = None
    found: Found | None = None
    variants: tuple[Variant, ...] = ()
    watch: Watch | None = field(default=None, compare=False)

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names under which the package index has it, the one that is measured first."""
        return () if self.found else (self.distribution, *self.other_distributions)

    def offers(self, version: Version, device: str) -> bool:
        """Return whether a release can be had for a device, by a lock or by looking for it."""
        if self.found:
            return any(device in mode.devices for mode in self.modes)
        return device in version.requirements

    def mode(self, id: str) -> Mode:
        """Return one mode; an unknown id is a :class:`UsageError` with the nearest names."""
        return pick({mode.id: mode for mode in self.modes}, id, f"mode of {self.id}")

    def version(self, version: str) -> Version:
        """Return one version; an unknown one is a :class:`UsageError` with the nearest names."""
        return pick({v.version: v for v in self.versions}, version, f"version of {self.id}")

    @property
    def default(self) -> Mode:
        """The mode that stands for the framework, where none is named for a device."""
        return next(mode for mode in self.modes if mode.default)

    def default_on(self, device: str) -> Mode:
        """Return the mode that stands for the framework on a device."""
        return next((mode for mode in self.modes if device in mode.default_on), self.default)

    def standard(self, version: Version, device: str) -> Mode:
        """Return the mode that stood for the framework on a device at a release."""
        return self.mode(version.default) if version.default else self.default_on(device)

    def scope(self, name: str, device: str) -> tuple[Mode, ...]:
        """Return the modes that a section of this scope measures, see ``measurements.contract``.

        "compared" is what a first answer compares: the default mode, the other half of its pair
        (what it captures, or else what captures it), and what is tuned by hand alongside the plain
        one.
        """
        default = self.default_on(device)
        if name == "framework":
            return (default,)
        if name == "modes":
            return self.modes
        paired = {mode.captures for mode in self.modes if mode.captures}
        if name == "pairs":
            return tuple(m for m in self.modes if m == default or m.captures or m.id in paired)
        pair = {default.id, default.captures}
        pair |= {m.id for m in self.modes if m.captures == default.id}
        by_hand = {m.id for m in self.modes if m.kind == "imperative" and m.division == "closed"}
        if pair & paired:  # alongside a program that is also a graph
            pair |= by_hand - paired
        return tuple(m for m in self.modes if m.id in pair)

    def trials(self, mode: str, device: str) -> list[Variant]:
        """Return the variants of a mode that are tried on a device."""
        return [one for one in self.variants if one.mode == mode and device in one.devices]

    @property
    def newest(self) -> Version:
        """The version listed last: the one measured when none is named."""
        return self.versions[-1]

    def gap(self, *, mode: str, device: str, version: str, section: str) -> Gap | None:
        """Return the declared gap that covers a combination, if there is one.

        Args:
            mode: id of a mode.
            device: "cpu" or "cuda".
            version: number of a release.
            section: id of a section, "" for a gap of all sections.

        """
        place = {"mode": mode, "device": device, "version": version, "section": section}
        return next((gap for gap in self.gaps if gap.covers(**place)), None)


@dataclass(frozen=True)
class Metric:
    """What a column of numbers means; ``better`` is "lower", "higher" or ""."""

    id: str
    unit: str
    title: str
    better: str


@dataclass(frozen=True)
class Section:
    """One page of the article: a module and a template of the same stem."""

    id: str
    title: str
    group: str
    order: int
    question: str
    metrics: Mapping[str, Metric]
    starts: tuple[str, ...]
    module: Path
    scope: str = "modes"
    blocks: Mapping[str, int] = field(default_factory=dict)
    script: str = ""
    cases: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    findings: bool = False
    extra: str = ""
    devices: tuple[str, ...] = DEVICES
    alone: tuple[str, ...] = ()
    once: tuple[str, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether it has processes and compile caches of its own."""
        return bool(self.blocks)

    @property
    def measured(self) -> bool:
        """Whether the section has something to run."""
        return bool(self.starts)


@dataclass(frozen=True)
class Catalog:
    """Everything the folders declare, frameworks by name and sections in the article's order."""

    frameworks: tuple[Framework, ...]
    sections: tuple[Section, ...]

    @cached_property
    def _frameworks(self) -> dict[str, Framework]:
        return {framework.id: framework for framework in self.frameworks}

    @cached_property
    def _sections(self) -> dict[str, Section]:
        return {section.id: section for section in self.sections}

    @property
    def looks(self) -> dict[str, Look]:
        """Name of a framework -> how charts show it."""
        return {framework.name: framework.look for framework in self.frameworks}

    @property
    def listed(self) -> dict[str, list[str]]:
        """Framework id -> its releases, oldest first."""
        return {f.id: [version.version for version in f.versions] for f in self.frameworks}

    def framework(self, id: str) -> Framework:
        """Return one framework; an unknown id is a :class:`UsageError` with the nearest names."""
        return pick(self._frameworks, id, "framework")

    def section(self, id: str) -> Section:
        """Return one section; an unknown id is a :class:`UsageError` with the nearest names."""
        return pick(self._sections, id, "section")


T = TypeVar("T")


def pick(known: Mapping[str, T], name: str, what: str) -> T:
    """Return ``known[name]``, or raise a :class:`UsageError` that names the nearest choices."""
    if name in known:
        return known[name]
    hint = nearest(name, known) or f"there are: {', '.join(known)}."
    raise UsageError(f"no {what} is called {name!r}; {hint} `generator list` shows all.")
