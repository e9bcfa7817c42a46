"""Adds a release to ``framework.toml`` and locks its environments, in a staging copy first."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import files
from generator.catalog import framework_toml, freshness, package_index
from generator.catalog.model import Framework, Version
from generator.catalog.package_index import Release
from generator.errors import DoesNotInstall, EnvironmentMissing, InputError
from generator.measure import environments
from generator.update.package_watch import News

if TYPE_CHECKING:
    from tomlkit.items import Table


PYTHONS = tuple(f"3.{minor}" for minor in range(6, 21))
"""What a release may be run with; uv knows which of them exist."""


@dataclass(frozen=True)
class Staged:
    """A new release, locked in a scratch folder; ``notes`` say what was left out."""

    framework: Framework
    version: Version
    text: str
    notes: tuple[str, ...]


def stage(news: News, device: str, scratch: Path) -> Staged:
    """Write the new release's table and locks into a scratch folder, and install it once.

    What only one section needs ("cpu+reuse"), and other devices, may be impossible to resolve:
    then the release goes without.

    Raises:
        InputError: ``framework.toml`` does not pin the distribution.
        EnvironmentMissing: the release cannot be locked, or not be had as it was locked.

    """
    framework, wanted = news.framework, news.wanted
    assert wanted is not None
    before = framework.newest
    python = freshness.interpreter(wanted.python, before.python, PYTHONS)
    if python is None:
        raise EnvironmentMissing(
            f"{framework.id} {wanted.version} asks for Python {wanted.python}, which none is"
        )
    folder = scratch / framework.id
    folder.mkdir()
    notes, left_out = [], set[str]()
    if python != before.python:
        notes.append(
            f"{framework.name} {wanted.version} is measured on Python {python}, "
            f"{before.version} on {before.python}: it asks for {wanted.python}."
        )
    path = framework.folder / "framework.toml"
    text = path.read_text(encoding="utf-8")

    def write() -> tuple[str, Version]:
        made = with_release(text, framework, wanted, python, left_out, path)
        (folder / "framework.toml").write_text(made, encoding="utf-8")
        return made, framework_toml.read_framework(folder / "framework.toml").version(
            wanted.version
        )

    made, version = write()
    for name in sorted(version.requirements, key=lambda name: (name != device, "+" in name, name)):
        base, plus, _ = name.partition("+")
        if plus and base in left_out:
            left_out.add(name)
            continue
        try:
            environments.write_lock(version, name)
        except EnvironmentMissing as error:
            if name == device:
                raise
            left_out.add(name)
            notes.append(f"{framework.name} {wanted.version} goes without {name}: {error}")
    if left_out:
        made, version = write()
    # A release that does not install is a result, which the run will write down.
    with contextlib.suppress(DoesNotInstall):
        environments.locked(framework, version, device)
    return Staged(framework, version, made, tuple(notes))


def with_release(
    text: str,
    framework: Framework,
    wanted: Release,
    python: str,
    left_out: set[str],
    path: Path,
) -> str:
    """Return ``framework.toml`` with one more release: pure.

    It is a copy of the newest one, comments included, with the distribution's own pins replaced.

    Raises:
        InputError: no requirement pins the distribution.

    """
    import copy

    import tomlkit

    versions: Any = tomlkit.parse(text)["versions"]
    before = str(versions[-1]["version"])
    table: Table = copy.deepcopy(versions[-1])
    table["version"] = wanted.version
    if wanted.uploaded is not None:
        table["released"] = wanted.uploaded
    else:
        table.pop("released", None)
    table["source"] = f"https://pypi.org/project/{framework.distribution}/{wanted.version}/"
    table["python"] = python
    requirements: Any = table["requirements"]
    replaced = 0
    for name in list(requirements):
        if name in left_out:
            del requirements[name]
            continue
        for n, item in enumerate(requirements[name]):
            pin = repinned(str(item), framework.distributions, before, wanted.version)
            if pin is not None:
                requirements[name][n] = pin
                replaced += 1
    if not replaced:
        found = f"no requirement {framework.distribution}=={before}"
        expected = "one, which a new release replaces; add the new [[versions]] table by hand"
        raise InputError(path, None, found, expected)
    alone = tomlkit.document()
    alone["versions"] = tomlkit.aot()
    alone["versions"].append(table)
    # As text: tomlkit moves tables of other names when it adds one to a file.
    above, below = _after_versions(text)
    parts = (above, tomlkit.dumps(alone).strip("\n"), below)
    return "\n\n".join(part for part in parts if part) + "\n"


def _after_versions(text: str) -> tuple[str, str]:
    """Split a ``framework.toml`` below its last release; comments go with what they precede."""
    lines = text.splitlines()
    heads = [n for n, line in enumerate(lines) if re.match(r"\[\[\s*versions\s*\]\]", line)]
    end = next(
        (
            n
            for n, line in enumerate(lines)
            if n > heads[-1] and re.match(r"\[(?!\s*versions\s*\.)", line)
        ),
        len(lines),
    )
    while end < len(lines) and lines[end - 1].startswith("#"):
        end -= 1
    return "\n".join(lines[:end]).rstrip("\n"), "\n".join(lines[end:]).strip("\n")


def repinned(requirement: str, distributions: Sequence[str], before: str, after: str) -> str | None:
    """Return a requirement with its pin replaced, None where it is another package's.

    The framework's own are its distributions and what is named after them (``tensorflow-cpu``,
    ``mxnet-cu117``), as long as they were pinned to the release before; a local part ("+cpu")
    stays.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion
    from packaging.version import Version as Number

    try:
        parsed = Requirement(requirement)
        pins = [(spec.operator, spec.version) for spec in parsed.specifier]
        if len(pins) != 1 or pins[0][0] != "==":
            return None
        (_, pin) = pins[0]
        same = Number(pin).public == Number(before).public
    except (InvalidRequirement, InvalidVersion):
        return None
    name = package_index.canonical(parsed.name)
    own = [package_index.canonical(distribution) for distribution in distributions]
    if not same or not any(name == mine or name.startswith(f"{mine}-") for mine in own):
        return None
    local = pin.partition("+")[1] + pin.partition("+")[2]
    head, _, tail = requirement.partition("==")
    return f"{head}=={tail.replace(pin, after + local, 1)}"


def commit(staged: Staged) -> None:
    """Move a locked release into the framework's folder: its locks first, then its table."""
    target = dataclasses.replace(staged.version, folder=staged.framework.folder)
    for name in staged.version.requirements:
        lock = target.lock(name)
        lock.parent.mkdir(exist_ok=True)
        files.replace(lock, staged.version.lock(name).read_bytes())
    files.replace(target.folder / "framework.toml", staged.text.encode())


def lock_release(item: News, device: str) -> tuple[str, ...]:
    """Lock a release in a scratch folder, then commit it; return the devices that were locked."""
    scratch = Path(tempfile.mkdtemp(prefix="update-"))
    try:
        staged = stage(item, device, scratch)
        commit(staged)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return staged.notes
