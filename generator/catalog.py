"""The registry: folders in, frozen records out.

A framework is a folder with a ``framework.toml``; a section is a module with a ``SECTION``. There
is no other list. Reading the catalog imports no framework.
"""

from __future__ import annotations

import datetime
import difflib
import importlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from generator.errors import InputError, UsageError

ROOT = Path(__file__).resolve().parent.parent
"""The repository; ``measurements/``, ``templates/`` and ``docs/`` lie in it."""

DEVICES = ("cpu", "cuda")
LANES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("threads-1", "threads-all"),
    "cuda": ("resident", "copy"),
}
KINDS = ("imperative", "symbolic")
DIVISIONS = ("closed", "idiomatic")
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")
WARMUP_DEFAULT = 20


@dataclass(frozen=True)
class Fact:
    """One sourced statement about a framework; ``read`` is the day its source was read."""

    value: str | tuple[str, ...]
    source: str
    read: datetime.date | None = None
    note: str = ""


@dataclass(frozen=True)
class Mode:
    """One way a framework executes; ``warmup`` counts steps per device."""

    id: str
    title: str
    kind: str
    division: str
    devices: tuple[str, ...]
    summary: str
    warmup: Mapping[str, int]
    default: bool


@dataclass(frozen=True)
class Version:
    """One release with the requirements that its locks are made from."""

    version: str
    released: datetime.date | None
    source: str
    python: str
    requirements: Mapping[str, tuple[str, ...]]
    folder: Path

    def lock(self, device: str) -> Path:
        """Path of the hash-pinned lock for one device (it may not exist)."""
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
    version: str = ""
    section: str = ""

    def covers(self, *, mode: str, device: str, version: str, section: str) -> bool:
        """Whether this gap says no to the given combination."""
        pairs = (
            (self.mode, mode),
            (self.device, device),
            (self.version, version),
            (self.section, section),
        )
        return all(mine in ("", theirs) for mine, theirs in pairs)


@dataclass(frozen=True)
class Framework:
    """One framework folder."""

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

    def mode(self, id: str) -> Mode:
        """Return one mode; an unknown id is a :class:`UsageError` with the nearest names."""
        return pick({mode.id: mode for mode in self.modes}, id, f"mode of {self.id}")

    def version(self, version: str) -> Version:
        """Return one version; an unknown one is a :class:`UsageError` with the nearest names."""
        return pick({v.version: v for v in self.versions}, version, f"version of {self.id}")

    @property
    def newest(self) -> Version:
        """The version listed last: the one measured when none is named."""
        return self.versions[-1]

    def gap(self, *, mode: str, device: str, version: str, section: str) -> Gap | None:
        """Return the declared gap that covers a combination, if there is one."""
        for gap in self.gaps:
            if gap.covers(mode=mode, device=device, version=version, section=section):
                return gap
        return None


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
    template: Path

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
    near = difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}."
    raise UsageError(f"no {what} is called {name!r}; {hint} `generator list` shows all.")


def load(root: Path = ROOT, frameworks: Path | None = None) -> Catalog:
    """Read all framework folders and section modules.

    Args:
        root: the repository.
        frameworks: another folder of framework folders (tests bring tiny fakes).

    Raises:
        InputError: a ``framework.toml`` is not as agreed.

    """
    folder = (frameworks or root / "measurements" / "frameworks").resolve()
    found = sorted(folder.glob("*/framework.toml"))
    sections = sorted(_sections(root), key=lambda section: (section.order, section.id))
    return Catalog(tuple(read_framework(path) for path in found), tuple(sections))


def _sections(root: Path) -> Iterable[Section]:
    for path in sorted((root / "measurements" / "sections").glob("*.py")):
        if path.stem == "__init__":
            continue
        facts = importlib.import_module(f"measurements.sections.{path.stem}").SECTION
        yield Section(
            id=path.stem,
            title=facts.title,
            group=facts.group,
            order=facts.order,
            question=facts.question,
            metrics={id: Metric(id, *metric) for id, metric in facts.metrics.items()},
            starts=tuple(facts.starts),
            module=path,
            template=root / "templates" / "sections" / f"{path.stem}.md.j2",
        )


class _Reader:
    """Typed access to a TOML file that names the key when a value is not as agreed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            number = int(line[1]) if line else None
            raise InputError(path, number, str(error), "valid TOML") from error
        except UnicodeDecodeError as error:
            raise InputError(path, None, str(error), "UTF-8 text") from error

    def fail(self, key: str, found: object, expected: str) -> InputError:
        needle = key.rsplit(".", 1)[-1]
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if re.match(rf"\s*(\[+.*\b)?{re.escape(needle)}\b", line):
                return InputError(self.path, number, f"{key} = {found!r}", expected)
        return InputError(self.path, None, f"{key} = {found!r}", expected)

    def get(self, table: Mapping[str, Any], key: str, kind: type[T], where: str = "") -> T:
        value = table.get(key)
        if not isinstance(value, kind) or value == "":
            raise self.fail(f"{where}{key}", value, f"a {kind.__name__} that is not empty")
        return value

    def choice(
        self, table: Mapping[str, Any], key: str, choices: tuple[str, ...], where: str
    ) -> str:
        value = table.get(key)
        if value not in choices:
            raise self.fail(f"{where}{key}", value, f"one of {', '.join(choices)}")
        return str(value)


def read_framework(path: Path) -> Framework:
    """Read one ``framework.toml``.

    Raises:
        InputError: naming file, line, what was found and what was expected.

    """
    reader = _Reader(path)
    data, folder = reader.data, path.parent
    if not IDENTIFIER.fullmatch(folder.name):
        raise InputError(folder, None, folder.name, "a folder name of lower-case letters")
    modes = tuple(_mode(reader, id, table) for id, table in reader.get(data, "modes", dict).items())
    if sum(mode.default for mode in modes) != 1:
        raise reader.fail("modes", [m.id for m in modes if m.default], "one mode `default = true`")
    versions = tuple(
        _version(reader, table, folder) for table in reader.get(data, "versions", list)
    )
    if not versions:
        raise reader.fail("versions", [], "at least one [[versions]] table")
    environment = data.get("environment", {})
    return Framework(
        id=folder.name,
        name=reader.get(data, "name", str),
        folder=folder,
        facts={id: _fact(reader, id, table) for id, table in data.get("facts", {}).items()},
        distribution=reader.get(data, "distribution", str),
        modes=modes,
        versions=versions,
        gaps=tuple(_gap(reader, table) for table in data.get("gaps", [])),
        environment={k: str(v) for k, v in environment.items() if not isinstance(v, dict)},
        device_environment={
            device: {k: str(v) for k, v in environment.get(device, {}).items()}
            for device in DEVICES
        },
        raw=data,
    )


def _fact(reader: _Reader, id: str, table: Any) -> Fact:
    where = f"facts.{id}."
    if not isinstance(table, dict):
        raise reader.fail(f"facts.{id}", table, "a table with value and source")
    value = table.get("value")
    if isinstance(value, list):
        value = tuple(str(item) for item in value)
    elif isinstance(value, str) and value:
        pass
    elif isinstance(value, int | float | datetime.date):
        value = str(value)
    else:
        raise reader.fail(f"{where}value", value, "a text, number, date or list of texts")
    read = table.get("read")
    if not isinstance(read, datetime.date):
        raise reader.fail(f"{where}read", read, "the date its source was read, as YYYY-MM-DD")
    return Fact(value, reader.get(table, "source", str, where), read, str(table.get("note", "")))


def _mode(reader: _Reader, id: str, table: Any) -> Mode:
    where = f"modes.{id}."
    if not isinstance(table, dict) or not IDENTIFIER.fullmatch(id):
        raise reader.fail(f"modes.{id}", table, "a table, named in lower-case letters")
    devices = tuple(reader.get(table, "devices", list, where))
    for device in devices:
        if device not in DEVICES:
            raise reader.fail(f"{where}devices", device, f"one of {', '.join(DEVICES)}")
    warmup = table.get("warmup", {})
    return Mode(
        id=id,
        title=reader.get(table, "title", str, where),
        kind=reader.choice(table, "kind", KINDS, where),
        division=reader.choice(table, "division", DIVISIONS, where),
        devices=devices,
        summary=reader.get(table, "summary", str, where),
        warmup={device: int(warmup.get(device, WARMUP_DEFAULT)) for device in DEVICES},
        default=table.get("default") is True,
    )


def _version(reader: _Reader, table: Any, folder: Path) -> Version:
    where = "versions."
    released = table.get("released")
    requirements = reader.get(table, "requirements", dict, where)
    return Version(
        version=reader.get(table, "version", str, where),
        released=released if isinstance(released, datetime.date) else None,
        source=str(table.get("source", "")),
        python=reader.get(table, "python", str, where),
        requirements={device: tuple(items) for device, items in requirements.items()},
        folder=folder,
    )


def _gap(reader: _Reader, table: Any) -> Gap:
    known = {"reason", "source", "status", "mode", "device", "version", "section"}
    unknown = set(table) - known
    if unknown:
        raise reader.fail("gaps", sorted(unknown), f"only {', '.join(sorted(known))}")
    reader.get(table, "reason", str, "gaps.")
    reader.get(table, "source", str, "gaps.")
    if "status" in table:
        reader.choice(table, "status", ("unsupported", "skipped"), "gaps.")
    return Gap(**table)
