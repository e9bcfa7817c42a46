"""Reads one ``framework.toml`` into a frozen :class:`~generator.catalog.model.Framework`."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.catalog.model import (
    DEVICES,
    DIVISIONS,
    KINDS,
    LANES,
    Fact,
    Fault,
    Framework,
    Gap,
    Mode,
    Retired,
    T,
    Version,
    Zoo,
)
from generator.errors import InputError

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


WARMUP_DEFAULT = 20


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
