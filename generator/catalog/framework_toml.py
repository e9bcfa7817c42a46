"""Reads one ``framework.toml`` into a frozen :class:`~generator.catalog.model.Framework`.

A table becomes a record of the catalog field by field: a field's type says what its value may be,
one with a default may be left out, and other keys than the fields are refused.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from generator.catalog.model import (
    DEVICES,
    DIVISIONS,
    KINDS,
    LANES,
    ArrayApi,
    Fact,
    Fault,
    Found,
    Framework,
    Gap,
    Look,
    Mode,
    Need,
    Option,
    Retired,
    T,
    Variant,
    Version,
    Zoo,
)
from generator.errors import InputError
from generator.formatting import INVISIBLE

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")
WARMUP_DEFAULT = 20


class _File:
    """A TOML file that names the line of a key whose value is not as agreed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            self.data: dict[str, Any] = tomllib.loads(self.text)
        except UnicodeDecodeError as error:
            raise InputError(path, None, str(error), "UTF-8 text") from error
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits, 500 brackets
            line = re.search(r"line (\d+)", str(error))
            number = int(line[1]) if line else None
            raise InputError(path, number, str(error), "valid TOML") from error

    def fail(self, key: str, found: object, expected: str) -> InputError:
        return InputError(self.path, self.line(key), f"{key} = {found!r}", expected)

    def line(self, key: str) -> int | None:
        """Return the line of a dotted key or, where it is missing, of the table it belongs to.

        ``versions[1]`` is the second ``[[versions]]``.
        """
        places: dict[str, int] = {}
        table, counts = "", dict[str, int]()
        for number, line in enumerate(self.text.splitlines(), 1):
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


_CHOICES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("device", "devices", "default_on"), DEVICES),
    "kind": KINDS,
    "division": DIVISIONS,
    "lanes": tuple(sorted({lane for lanes in LANES.values() for lane in lanes})),
    "status": ("unsupported", "skipped"),
}
"""Fields whose text, or each of whose texts, is one of these."""

_COLOUR = ("a colour as #0067a5", re.compile("#[0-9a-f]{6}"))

_PATTERNS = {
    "light": _COLOUR,
    "dark": _COLOUR,
    "shape": (
        "a symbol of Vega that has an area, or an SVG path from -1 to 1",
        re.compile(
            "circle|square|diamond|cross|triangle-(up|down|right|left)|M[-MLHVCSQTAZ0-9., ]{2,300}Z"
        ),
    ),
    "id": ("lower-case letters, as fast-math", IDENTIFIER),
    "version": ("a release, as 2.1.0: it names files", re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")),
}
"""Fields whose text has a form of its own."""

_STATEMENT = str | tuple[str, ...]

_TYPES: Mapping[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text that is not empty", lambda value: isinstance(value, str) and value != ""),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a year", lambda value: type(value) is int and 1990 <= value <= 2100),
    datetime.date: ("a date, as YYYY-MM-DD", lambda value: type(value) is datetime.date),
    tuple[str, ...]: (
        "a list of texts",
        lambda value: isinstance(value, list) and {str} == set(map(type, value)),
    ),
    _STATEMENT: (
        "a text, number, date or list of texts",
        lambda value: value != "" and type(value) in (str, int, float, datetime.date, list),
    ),
}
"""Type of a field -> what its value is called, and whether it is one."""


def _value(file: _File, key: str, value: Any, kind: Any) -> Any:
    """Return the value of a field; None stands for one that is missing."""
    if kind == Fault | None:
        return _record(file, key, value, Fault)
    if kind == Mapping[str, str]:
        return _variables(file, key, value)
    if kind == Mapping[str, Option]:
        return _options(file, key, value)
    kind = datetime.date if kind == datetime.date | None else kind
    expected, fits = _TYPES[kind]
    if not fits(value):
        raise file.fail(key, value, expected)
    name = key.rpartition(".")[2]
    if name in _PATTERNS and not _PATTERNS[name][1].fullmatch(value):
        raise file.fail(key, value, _PATTERNS[name][0])
    choices = _CHOICES.get(name)
    for text in value if isinstance(value, list) else [value]:
        if choices and text not in choices:
            raise file.fail(key, text, f"one of {', '.join(choices)}")
        if INVISIBLE.search(str(text)):
            raise file.fail(key, text, "printable text")
    if isinstance(value, list):
        return tuple(map(str, value))
    return str(value) if kind == _STATEMENT else value


_field_types = functools.cache(get_type_hints)
"""Type of a record -> name of a field -> its type."""


def _record(file: _File, key: str, table: Any, kind: Callable[..., T], **known: Any) -> T:
    """Return the record that a table describes; ``known`` are the fields that it does not hold."""
    types = _field_types(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.name not in known}  # type: ignore[arg-type]
    for name in sorted(_table(file, key, table).keys() - fields.keys()):
        expected = f"only {', '.join(sorted(fields))}"
        raise file.fail(f"{key}.{name}", table[name], expected)
    for name, field in fields.items():
        if name in table or field.default is field.default_factory:  # both are MISSING
            known[name] = _value(file, f"{key}.{name}".lstrip("."), table.get(name), types[name])
    return kind(**known)


def _table(file: _File, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise file.fail(key, value, "a table")
    return value


def _tables(file: _File, key: str) -> dict[str, Any]:
    """Return the items of an array of tables by their keys, none where it is left out."""
    found = file.data.get(key, [])
    if not isinstance(found, list):
        raise file.fail(key, found, f"[[{key}]] tables")
    return {f"{key}[{n}]": table for n, table in enumerate(found)}


def _mode(file: _File, id: str, table: Any) -> Mode:
    key = f"modes.{id}"
    if not IDENTIFIER.fullmatch(id):
        raise file.fail(key, table, "a table, named in lower-case letters")
    rest = {"title": id, **_table(file, key, table)}
    warmup = _table(file, f"{key}.warmup", rest.pop("warmup", {}))
    for device, steps in warmup.items():
        if device not in DEVICES or type(steps) is not int or steps < 0:
            expected = f"a number of steps for {' or '.join(DEVICES)}"
            raise file.fail(f"{key}.warmup.{device}", steps, expected)
    warmup = {device: warmup.get(device, WARMUP_DEFAULT) for device in DEVICES}
    return _record(file, key, rest, Mode, id=id, warmup=warmup)


def _version(file: _File, key: str, table: Any) -> Version:
    rest = dict(_table(file, key, table))
    if "found" in file.data:  # nothing is installed
        known = {"python": "", "requirements": {}, "folder": file.path.parent}
        return _record(file, key, rest, Version, **known)
    key = f"{key}.requirements"
    requirements = _table(file, key, rest.pop("requirements", None))
    for device in requirements:
        base, plus, extra = device.partition("+")
        if base not in DEVICES or (plus and not IDENTIFIER.fullmatch(extra)):
            expected = f"one of {', '.join(DEVICES)}, or one of them, + and a name"
            raise file.fail(key, device, expected)
    lines = {
        device: _value(file, f"{key}.{device}", texts, tuple[str, ...])
        for device, texts in requirements.items()
    }
    known = {"requirements": lines, "folder": file.path.parent}
    return _record(file, key.rpartition(".")[0], rest, Version, **known)


def _variants(file: _File, modes: Collection[str]) -> tuple[Variant, ...]:
    """Return the variants; a mode has each id once."""
    found: dict[tuple[str, str], Variant] = {}
    for key, table in _tables(file, "variants").items():
        one = _record(file, key, table, Variant)
        if one.mode not in modes:
            raise file.fail(f"{key}.mode", one.mode, f"one of {', '.join(modes)}")
        if (one.mode, one.id) in found:
            raise file.fail(f"{key}.id", one.id, "an id that no other variant of the mode has")
        if not one.environment and not one.options:
            raise file.fail(key, table, "what it sets: environment, options or both")
        found[one.mode, one.id] = one
    return tuple(found.values())


def line_of_variant(path: Path, variant: Variant) -> int | None:
    """Return the line on which a variant of a ``framework.toml`` begins."""
    file = _File(path)
    keys = [
        key
        for key, table in _tables(file, "variants").items()
        if (table["mode"], table["id"]) == (variant.mode, variant.id)
    ]
    return file.line(keys[0]) if keys else None


def _options(file: _File, key: str, table: Any) -> dict[str, Option]:
    for name, value in _table(file, key, table).items():
        if not isinstance(value, str | int | bool):
            raise file.fail(f"{key}.{name}", value, "a text, a whole number, true or false")
    return dict(table)


def _variables(file: _File, key: str, table: Any) -> dict[str, str]:
    for name, value in _table(file, key, table).items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise file.fail(f"{key}.{name}", value, "a text or a whole number")
    return {name: str(value) for name, value in table.items()}


def read_framework(path: Path) -> Framework:
    """Read one ``framework.toml``; an :class:`InputError` names file, line, found and expected."""
    file, folder = _File(path), path.parent
    if not IDENTIFIER.fullmatch(folder.name):
        raise InputError(folder, None, folder.name, "a folder name of lower-case letters")
    facts, tables, environment = (
        _table(file, name, file.data.get(name, {})) for name in ("facts", "modes", "environment")
    )
    modes = [_mode(file, id, table) for id, table in tables.items()]
    versions = {key: _version(file, key, table) for key, table in _tables(file, "versions").items()}
    kinds = {mode.id: mode.kind for mode in modes}
    for mode in modes:
        if mode.captures and kinds.get(mode.captures) != "imperative":
            expected = "an imperative mode of this folder"
            raise file.fail(f"modes.{mode.id}.captures", mode.captures, expected)
    if len(modes) == 1:
        modes = [dataclasses.replace(modes[0], default=True)]
    if sum(mode.default for mode in modes) != 1:
        raise file.fail("modes", [m.id for m in modes if m.default], "one mode `default = true`")
    for device in DEVICES:
        named = [mode for mode in modes if device in mode.default_on]
        if len(named) > 1 or any(device not in mode.devices for mode in named):
            expected = f"at most one mode, and one that is offered for {device}"
            raise file.fail(f"modes.{named[-1].id}.default_on", device, expected)
    if not versions:
        raise file.fail("versions", [], "at least one [[versions]] table")
    for key, version in versions.items():
        if version.default and version.default not in kinds:
            raise file.fail(f"{key}.default", version.default, "a mode of this folder")
    by_device = {device: environment.get(device, {}) for device in DEVICES}
    common = {name: value for name, value in environment.items() if name not in DEVICES}
    own = ("name", "distribution", "other_distributions")
    records = {
        "look": Look, "zoo": Zoo, "retired": Retired, "array_api": ArrayApi, "found": Found,
    }  # fmt: skip
    return _record(
        file,
        "",
        {"name": folder.name} | {name: file.data[name] for name in own if name in file.data},
        Framework,
        id=folder.name,
        folder=folder,
        facts={id: _record(file, f"facts.{id}", table, Fact) for id, table in facts.items()},
        modes=tuple(modes),
        versions=tuple(versions.values()),
        gaps=tuple(_record(file, key, t, Gap) for key, t in _tables(file, "gaps").items()),
        environment=_variables(file, "environment", common),
        device_environment={
            device: _variables(file, f"environment.{device}", t) for device, t in by_device.items()
        },
        needs=tuple(_record(file, key, t, Need) for key, t in _tables(file, "needs").items()),
        variants=_variants(file, tables),
        raw=file.data,
        **({"distribution": ""} if "found" in file.data else {}),
        **{
            name: _record(file, name, file.data[name], kind)
            for name, kind in records.items()
            if name in file.data
        },
    )
