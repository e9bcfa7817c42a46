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
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from generator.catalog import package_index
from generator.catalog.package_index import Watch
from generator.errors import InputError, UsageError

ROOT = Path(__file__).resolve().parents[2]
"""The repository; ``measurements/``, ``templates/`` and ``docs/`` lie in it."""

SNAPSHOT = "releases.json"
"""Beside the folder of the framework folders: what the package index has."""

DEVICES = ("cpu", "cuda")
LANES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("threads-1", "threads-all"),
    "cuda": ("resident", "copy"),
}
KINDS = ("imperative", "symbolic")
DIVISIONS = ("closed", "idiomatic")
NATIVE_SUFFIXES = (".c", ".cc", ".cpp", ".cu", ".h")
"""Of native code that a script of the same name builds."""

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
class Fault:
    """What the gate is known to find wrong with a mode, in some lanes or (none named) in all."""

    reason: str
    source: str
    lanes: tuple[str, ...] = ()

    def strikes(self, lane: str) -> bool:
        """Whether the fault shows in a lane."""
        return not self.lanes or lane in self.lanes


@dataclass(frozen=True)
class Mode:
    """One way a framework executes; ``warmup`` counts steps per device.

    ``captures`` names the imperative mode of the same folder whose program this one turns into a
    graph, "" where there is none: together they are the experiment in which nothing else differs.
    """

    id: str
    title: str
    kind: str
    division: str
    devices: tuple[str, ...]
    summary: str
    warmup: Mapping[str, int]
    default: bool
    captures: str = ""
    fault: Fault | None = None


@dataclass(frozen=True)
class Version:
    """One release with the requirements that its locks are made from.

    ``requirements`` go by device ("cpu"), or by device and the name of an addition ("cpu+reuse"):
    packages that some section needs beside the framework. ``default`` names the mode that stood
    for the framework then, "" where it is today's.
    """

    version: str
    released: datetime.date | None
    source: str
    python: str
    requirements: Mapping[str, tuple[str, ...]]
    folder: Path
    default: str = ""

    def lock(self, device: str) -> Path:
        """Path of the hash-pinned lock for one device or addition (it may not exist)."""
        return self.folder / "environments" / f"{self.version}-{device}.txt"


@dataclass(frozen=True)
class Gap:
    """Something that is not measured, declared with its source; an empty field means any.

    ``versions`` are those that it is about: what came later, or went.

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
        """Whether this gap says no to the given combination."""
        pairs = (
            (self.mode, mode),
            (self.device, device),
            (self.section, section),
        )
        concerned = not self.versions or version in self.versions
        return concerned and all(mine in ("", theirs) for mine, theirs in pairs)


@dataclass(frozen=True)
class Zoo:
    """The official collection of trained models; ``offline``: its code needs no network."""

    fact: Fact
    offline: bool


@dataclass(frozen=True)
class Retired:
    """That a framework was given up: the year, and the page that says so."""

    year: int
    source: str
    read: datetime.date


@dataclass(frozen=True)
class Framework:
    """One framework folder; ``watch`` is what the package index was last heard to have of it."""

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
    zoo: Zoo | None = None
    retired: Retired | None = None
    watch: Watch | None = field(default=None, compare=False)

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names under which the package index has it, the one that is measured first."""
        return (self.distribution, *self.raw.get("other_distributions", []))

    def mode(self, id: str) -> Mode:
        """Return one mode; an unknown id is a :class:`UsageError` with the nearest names."""
        return pick({mode.id: mode for mode in self.modes}, id, f"mode of {self.id}")

    def version(self, version: str) -> Version:
        """Return one version; an unknown one is a :class:`UsageError` with the nearest names."""
        return pick({v.version: v for v in self.versions}, version, f"version of {self.id}")

    @property
    def default(self) -> Mode:
        """The mode that stands for the framework where one has to."""
        return next(mode for mode in self.modes if mode.default)

    def standard(self, version: Version) -> Mode:
        """The mode that stood for the framework at a release."""
        return self.mode(version.default) if version.default else self.default

    def scope(self, name: str) -> tuple[Mode, ...]:
        """Return the modes that a section of this scope measures, see ``measurements.contract``.

        "compared" is what a first answer compares: the default mode, the other half of its pair
        (what it captures, or else what captures it), and what is tuned by hand beside the plain
        one.
        """
        if name == "framework":
            return (self.default,)
        if name == "modes":
            return self.modes
        paired = {mode.captures for mode in self.modes if mode.captures}
        if name == "pairs":
            return tuple(m for m in self.modes if m.default or m.captures or m.id in paired)
        pair = {self.default.id, self.default.captures}
        pair |= {m.id for m in self.modes if m.captures == self.default.id}
        by_hand = {m.id for m in self.modes if m.kind == "imperative" and m.division == "closed"}
        if pair & paired:  # beside a program that is also a graph
            pair |= by_hand - paired
        return tuple(m for m in self.modes if m.id in pair)

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
    scope: str = "modes"
    blocks: Mapping[str, int] = field(default_factory=dict)
    script: str = ""
    cases: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    findings: bool = False
    addition: str = ""

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
    near = difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}."
    raise UsageError(f"no {what} is called {name!r}; {hint} `generator list` shows all.")


def load(root: Path = ROOT, frameworks: Path | None = None) -> Catalog:
    """Read all framework folders and section modules.

    Args:
        root: the repository.
        frameworks: another folder of framework folders (tests bring tiny fakes).

    Raises:
        InputError: a ``framework.toml`` or the snapshot of the package index is not as agreed.

    """
    folder = (frameworks or root / "measurements" / "frameworks").resolve()
    watches = package_index.read(folder.parent / SNAPSHOT)
    found = [
        replace(framework, watch=watches.get(framework.id))
        for framework in map(read_framework, sorted(folder.glob("*/framework.toml")))
    ]
    sections = sorted(_sections(root), key=lambda section: (section.order, section.id))
    return Catalog(tuple(found), tuple(sections))


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
            scope=facts.scope,
            blocks=dict(facts.blocks),
            script=facts.script,
            cases=tuple(facts.cases),
            uses=tuple(facts.uses),
            findings=facts.findings,
            addition=facts.addition,
        )


CODE_SUFFIXES = (".py", ".R", *NATIVE_SUFFIXES)


def code_files(section: Section, framework: Framework, catalog: Catalog) -> list[Path]:
    """Return the files of a folder that a section's figures depend on, its own script first.

    A script that another section with processes of its own is about is none of them, unless the
    section says that it ``uses`` it. Native code belongs to the script of its name.
    """
    others = {s.script for s in catalog.sections if s.apart and s.id != section.id}
    others -= set(section.uses)

    def script(path: Path) -> str:
        return f"{path.stem}.py" if path.suffix in NATIVE_SUFFIXES else path.name

    found = [
        path
        for path in framework.folder.iterdir()
        if path.suffix in CODE_SUFFIXES and script(path) not in others
    ]
    own = section.script.rpartition(".")[0]
    return sorted(found, key=lambda path: (path.stem != own, path.stem == "adapter", path.name))


class _Reader:
    """Typed access to a TOML file that names the key when a value is not as agreed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(path, None, str(error), "UTF-8 text") from error
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits, 500 brackets
            line = re.search(r"line (\d+)", str(error))
            number = int(line[1]) if line else None
            raise InputError(path, number, str(error), "valid TOML") from error

    def fail(self, key: str, found: object, expected: str) -> InputError:
        return InputError(self.path, self._line(key), f"{key} = {found!r}", expected)

    def _line(self, key: str) -> int | None:
        """Return the line of a dotted key or, where it is missing, of the table it belongs to.

        ``versions[1]`` is the second ``[[versions]]``.
        """
        places: dict[str, int] = {}
        table, counts = "", dict[str, int]()
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if head := re.match(r"\s*(\[\[?)([^\[\]]+)\]", line):
                table = re.sub(r"[\s\"']", "", head[2])
                if head[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                top, dot, rest = table.partition(".")
                places.setdefault(top, number)
                table = f"{top}[{counts[top]}]{dot}{rest}" if top in counts else table
                places.setdefault(table, number)
            elif name := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line):
                places.setdefault(f"{table}.{name[1]}" if table else name[1], number)
        while key and key not in places:
            key = key.rpartition(".")[0]
        return places.get(key)

    def tables(self, key: str) -> list[dict[str, Any]]:
        """Return an array of tables, empty when it is left out."""
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.fail(key, found, f"[[{key}]] tables")
        return found

    def table(self, table: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
        """Return a table, empty when it is left out."""
        found = table.get(key, {})
        if not isinstance(found, dict):
            raise self.fail(f"{where}{key}", found, "a table")
        return found

    def texts(self, table: Mapping[str, Any], key: str, where: str = "") -> tuple[str, ...]:
        """Return a list of texts with at least one in it."""
        found = table.get(key)
        if not isinstance(found, list) or not found or not all(isinstance(t, str) for t in found):
            raise self.fail(f"{where}{key}", found, "a list of texts")
        return tuple(found)

    def day(self, table: Mapping[str, Any], key: str, where: str) -> datetime.date:
        """Return a date; a date with a time is none."""
        found = table.get(key)
        if not isinstance(found, datetime.date) or isinstance(found, datetime.datetime):
            raise self.fail(f"{where}{key}", found, "a date, as YYYY-MM-DD")
        return found

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
    for mode in modes:
        if mode.captures and mode.captures not in {m.id for m in modes if m.kind == "imperative"}:
            expected = "an imperative mode of this folder"
            raise reader.fail(f"modes.{mode.id}.captures", mode.captures, expected)
    if sum(mode.default for mode in modes) != 1:
        raise reader.fail("modes", [m.id for m in modes if m.default], "one mode `default = true`")
    versions = tuple(
        _version(reader, f"versions[{n}].", table, folder)
        for n, table in enumerate(reader.tables("versions"))
    )
    if not versions:
        raise reader.fail("versions", [], "at least one [[versions]] table")
    for n, version in enumerate(versions):
        if version.default and version.default not in {mode.id for mode in modes}:
            raise reader.fail(f"versions[{n}].default", version.default, "a mode of this folder")
    if "other_distributions" in data:
        reader.texts(data, "other_distributions")
    environment = reader.table(data, "environment")
    return Framework(
        id=folder.name,
        name=reader.get(data, "name", str),
        folder=folder,
        facts={id: _fact(reader, id, table) for id, table in reader.table(data, "facts").items()},
        distribution=reader.get(data, "distribution", str),
        modes=modes,
        versions=versions,
        gaps=tuple(
            _gap(reader, f"gaps[{n}].", table) for n, table in enumerate(reader.tables("gaps"))
        ),
        environment=_variables(reader, "environment.", environment, DEVICES),
        device_environment={
            device: _variables(
                reader, f"environment.{device}.", reader.table(environment, device, "environment.")
            )
            for device in DEVICES
        },
        raw=data,
        zoo=_zoo(reader, data["zoo"]) if "zoo" in data else None,
        retired=_retired(reader, data["retired"]) if "retired" in data else None,
    )


def _zoo(reader: _Reader, table: Any) -> Zoo:
    if not isinstance(table, dict) or not isinstance(table.get("offline"), bool):
        raise reader.fail("zoo.offline", table, "a table with value, source and offline = true")
    return Zoo(_fact(reader, "zoo", table, ""), table["offline"])


def _retired(reader: _Reader, table: Any) -> Retired:
    year = table.get("year") if isinstance(table, dict) else None
    if type(year) is not int or not 1990 <= year <= 2100:
        raise reader.fail("retired.year", year, "a table with a year, source and read")
    source = reader.get(table, "source", str, "retired.")
    return Retired(year, source, reader.day(table, "read", "retired."))


def _fact(reader: _Reader, id: str, table: Any, parent: str = "facts.") -> Fact:
    where = f"{parent}{id}."
    if not isinstance(table, dict):
        raise reader.fail(f"{parent}{id}", table, "a table with value and source")
    value = table.get("value")
    if isinstance(value, list):
        value = tuple(str(item) for item in value)
    elif isinstance(value, str) and value:
        pass
    elif isinstance(value, int | float | datetime.date) and not isinstance(value, bool):
        value = str(value)
    else:
        raise reader.fail(f"{where}value", value, "a text, number, date or list of texts")
    read = reader.day(table, "read", where)
    return Fact(value, reader.get(table, "source", str, where), read, str(table.get("note", "")))


def _variables(
    reader: _Reader, where: str, table: Mapping[str, Any], inner: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return environment variables; the tables ``inner`` are somebody else's."""
    for name, value in table.items():
        if name not in inner and (isinstance(value, bool) or not isinstance(value, str | int)):
            raise reader.fail(f"{where}{name}", value, "a text or a whole number")
    return {name: str(value) for name, value in table.items() if name not in inner}


def _mode(reader: _Reader, id: str, table: Any) -> Mode:
    where = f"modes.{id}."
    if not isinstance(table, dict) or not IDENTIFIER.fullmatch(id):
        raise reader.fail(f"modes.{id}", table, "a table, named in lower-case letters")
    devices = reader.texts(table, "devices", where)
    for device in devices:
        if device not in DEVICES:
            raise reader.fail(f"{where}devices", device, f"one of {', '.join(DEVICES)}")
    warmup = reader.table(table, "warmup", where)
    for device, steps in warmup.items():
        if device not in DEVICES or type(steps) is not int or steps < 0:
            raise reader.fail(
                f"{where}warmup.{device}", steps, f"a number of steps for {' or '.join(DEVICES)}"
            )
    return Mode(
        id=id,
        title=reader.get(table, "title", str, where),
        kind=reader.choice(table, "kind", KINDS, where),
        division=reader.choice(table, "division", DIVISIONS, where),
        devices=devices,
        summary=reader.get(table, "summary", str, where),
        warmup={device: warmup.get(device, WARMUP_DEFAULT) for device in DEVICES},
        default=table.get("default") is True,
        captures=reader.get(table, "captures", str, where) if "captures" in table else "",
        fault=_fault(reader, f"{where}fault.", table["fault"]) if "fault" in table else None,
    )


def _fault(reader: _Reader, where: str, table: Any) -> Fault:
    if not isinstance(table, dict):
        raise reader.fail(where.rstrip("."), table, "a table with reason and source")
    lanes = reader.texts(table, "lanes", where) if "lanes" in table else ()
    known = {lane for device in DEVICES for lane in LANES[device]}
    for lane in lanes:
        if lane not in known:
            raise reader.fail(f"{where}lanes", lane, f"one of {', '.join(sorted(known))}")
    reason, source = (reader.get(table, key, str, where) for key in ("reason", "source"))
    return Fault(reason, source, lanes)


def _version(reader: _Reader, where: str, table: dict[str, Any], folder: Path) -> Version:
    requirements = reader.get(table, "requirements", dict, where)
    for device in requirements:
        base, plus, addition = device.partition("+")
        if base not in DEVICES or (plus and not IDENTIFIER.fullmatch(addition)):
            expected = f"one of {', '.join(DEVICES)}, or one of them, + and a name"
            raise reader.fail(f"{where}requirements", device, expected)
    return Version(
        version=reader.get(table, "version", str, where),
        released=reader.day(table, "released", where) if "released" in table else None,
        source=str(table.get("source", "")),
        python=reader.get(table, "python", str, where),
        requirements={
            device: reader.texts(requirements, device, f"{where}requirements.")
            for device in requirements
        },
        folder=folder,
        default=reader.get(table, "default", str, where) if "default" in table else "",
    )


def _gap(reader: _Reader, where: str, table: dict[str, Any]) -> Gap:
    known = {"reason", "source", "status", "mode", "device", "versions", "section"}
    unknown = set(table) - known
    if unknown:
        raise reader.fail(
            f"{where}{min(unknown)}", table[min(unknown)], f"only {', '.join(sorted(known))}"
        )
    for key in {"reason", "source", *table} - {"versions"}:
        reader.get(table, key, str, where)
    versions = reader.texts(table, "versions", where) if "versions" in table else ()
    if "status" in table:
        reader.choice(table, "status", ("unsupported", "skipped"), where)
    return Gap(**{**table, "versions": versions})
