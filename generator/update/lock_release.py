"""Adds a release to ``framework.toml`` and locks its environments, in a scratch copy first."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import re
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from generator import files
from generator.catalog import framework_toml, freshness
from generator.catalog.model import Framework, Version
from generator.catalog.package_index import Release
from generator.errors import DoesNotInstall, EnvironmentMissing, InputError
from generator.measure import environments
from generator.update.package_watch import News

PYTHONS = tuple(f"3.{minor}" for minor in range(6, 21))
"""What a release may be run with; uv knows which of them exist."""


def lock_release(news: News, device: str) -> list[str]:
    """Lock a new release in a scratch folder, install it once, and move it into the repository.

    What only one section needs ("cpu+reuse"), and other devices, may be impossible to resolve: then
    the release goes without. Sentences are returned about what was left out, or is different from
    the release before. A distribution that ``framework.toml`` does not pin is an
    :class:`InputError`; a release that cannot be locked, or not be had as it was locked,
    :class:`EnvironmentMissing`.
    """
    framework, wanted, before = news.framework, news.wanted, news.framework.newest
    assert wanted is not None
    python = freshness.interpreter(wanted.python, before.python, PYTHONS)
    if python is None:
        raise EnvironmentMissing(
            f"{framework.id} {wanted.version} asks for Python {wanted.python}, which none is"
        )
    notes = []
    if python != before.python:
        notes.append(
            f"{framework.name} {wanted.version} is measured on Python {python}, "
            f"{before.version} on {before.python}: it asks for {wanted.python}."
        )
    path = framework.folder / "framework.toml"
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="update-", ignore_cleanup_errors=True) as scratch:
        staged = Path(scratch, framework.id, path.name)
        staged.parent.mkdir()

        def stage(left_out: Collection[str]) -> Version:
            made = _with_release(text, framework, wanted, python, left_out)
            staged.write_text(made, encoding="utf-8")
            return framework_toml.read_framework(staged).version(wanted.version)

        left_out = _lock_all(stage(()), device)
        notes += [
            f"{framework.name} {wanted.version} goes without {name}: {reason}"
            for name, reason in left_out.items()
            if reason
        ]
        version = stage(left_out)
        # A release that does not install is a result, which the run will write down.
        with contextlib.suppress(DoesNotInstall):
            environments.locked(framework, version, device)
        # The locks first, then the table that names them.
        target = dataclasses.replace(version, folder=framework.folder)
        for name in version.requirements:
            files.replace(target.lock(name), version.lock(name).read_bytes())
        files.replace(path, staged.read_bytes())
    return notes


def _lock_all(version: Version, device: str) -> dict[str, str]:
    """Write the locks of a release; return those that cannot be, with the reason or ""."""
    left_out: dict[str, str] = {}
    for name in sorted(version.requirements, key=lambda name: (name != device, "+" in name, name)):
        base, plus, _ = name.partition("+")
        if plus and base in left_out:
            left_out[name] = ""
            continue
        try:
            environments.write_lock(version, name)
        except EnvironmentMissing as error:
            if name == device:
                raise
            left_out[name] = str(error)
    return left_out


def _with_release(
    text: str, framework: Framework, wanted: Release, python: str, left_out: Collection[str]
) -> str:
    """Return ``framework.toml`` with one more release: pure.

    It is a copy of the newest one, comments included, with the distribution's own pins replaced, to
    be run with some Python, for example "3.12". Requirements that are left out, such as
    "cpu+reuse", are named. If none pins the distribution, that is an :class:`InputError`.
    """
    import tomlkit

    versions: Any = tomlkit.parse(text)["versions"]
    before = str(versions[-1]["version"])
    table = copy.deepcopy(versions[-1])
    table["version"] = wanted.version
    if wanted.uploaded is not None:
        table["released"] = wanted.uploaded
    else:
        table.pop("released", None)
    table["source"] = f"https://pypi.org/project/{framework.distribution}/{wanted.version}/"
    table["python"] = python
    requirements = table["requirements"]
    for name in left_out:
        requirements.pop(name, None)
    pins = [
        (items, n, pin)
        for items in requirements.values()
        for n, item in enumerate(items)
        if (pin := _repinned(str(item), framework.distributions, before, wanted.version))
    ]
    if not pins:
        found = f"no requirement {framework.distribution}=={before}"
        expected = "one, which a new release replaces; add the new [[versions]] table by hand"
        raise InputError(framework.folder / "framework.toml", None, found, expected)
    for items, n, pin in pins:
        items[n] = pin
    alone = tomlkit.document()
    alone["versions"] = tomlkit.aot()
    alone["versions"].append(table)
    # As text: tomlkit moves tables of other names when it adds one to a file. Comments go with
    # what they precede.
    *_, last = re.finditer(r"^\[\[\s*versions\s*\]\]", text, re.MULTILINE)
    after = re.compile(r"^(#.*\n)*\[(?!\s*versions\s*\.)", re.MULTILINE).search(text, last.end())
    end = after.start() if after else len(text)
    parts = (text[:end], tomlkit.dumps(alone), text[end:])
    return "\n\n".join(part.strip("\n") for part in parts if part.strip("\n")) + "\n"


def _repinned(
    requirement: str, distributions: Sequence[str], before: str, after: str
) -> str | None:
    """Return a requirement (PEP 508) with its pin replaced, None where it is another package's.

    The framework's own are its distributions and what is named after them ("NAME-cu117"), as long
    as they were pinned to the release before; a local part ("+cpu") stays.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion
    from packaging.version import Version as Number

    try:
        parsed = Requirement(requirement)
        ((operator, pin),) = [(spec.operator, spec.version) for spec in parsed.specifier]
        same = operator == "==" and Number(pin).public == Number(before).public
    except (InvalidRequirement, InvalidVersion, ValueError):
        return None
    name = canonicalize_name(parsed.name)
    own = [canonicalize_name(distribution) for distribution in distributions]
    if not same or not any(name == mine or name.startswith(f"{mine}-") for mine in own):
        return None
    _, plus, local = pin.partition("+")
    head, _, tail = requirement.partition("==")
    return f"{head}=={tail.replace(pin, after + plus + local, 1)}"
