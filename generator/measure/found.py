"""Frameworks that their users build: looked for on this machine, never installed.

Their own interpreter, a LuaJIT, loads them. ``measurements/worker.lua`` starts in it, and hosts the
Python that measures: ours, by its shared library.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from generator import subprocesses
from generator.catalog.loader import ROOT
from generator.catalog.model import Framework
from generator.errors import EnvironmentMissing
from generator.formatting import listing

BUILT = "its users build it"
"""Says of a framework that no machine has by itself; a test may be skipped for it anywhere."""


@dataclass(frozen=True)
class Installation:
    """What a worker is started by, and "name==sha256:..." of each file behind the framework."""

    start: tuple[str, ...]
    files: tuple[str, ...]


def find(framework: Framework) -> Installation:
    """Return where a framework is on this machine; raises :class:`EnvironmentMissing`."""
    found = framework.found
    assert found is not None
    names = " or ".join(found.programs)
    named = os.environ.get(found.setting)
    program = next(filter(None, map(shutil.which, [named] if named else found.programs)), None)
    files = _files(program, found.modules) if program else ()
    if program is None or not files:
        why = f"{found.setting} names no program" if named else f"there is no {names} on PATH"
        if program:
            why = f"{Path(program).name} cannot load {listing(found.modules)}"
        raise EnvironmentMissing(
            f"{framework.name} is not installed ({why}); {BUILT}: install it as {found.source}"
            f" says, and put {names} on PATH or name it in {found.setting}"
        )
    library = python_library()
    if library is None:
        raise EnvironmentMissing(
            f"{framework.name} needs a Python with a shared library, and this one has none: on"
            " Debian, apt-get install libpython3-dev; uv's own have one (`uv python install`)"
        )
    worker = ROOT / "measurements" / "worker.lua"
    return Installation((program, str(worker), str(library), sys.executable), files)


def obstacle(framework: Framework) -> str:
    """Return what keeps a framework from being found and how to mend it, or ""."""
    try:
        find(framework)
    except EnvironmentMissing as missing:
        return str(missing)
    return ""


@functools.cache
def python_library() -> Path | None:
    """Return the shared library of our interpreter, None where it has none."""
    name = str(sysconfig.get_config_var("INSTSONAME") or "")
    folders = str(sysconfig.get_config_var("LIBDIR") or ""), f"{sys.base_prefix}/lib"
    places = (Path(folder, name) for folder in folders if ".so" in name or ".dylib" in name)
    return next((place for place in places if place.is_file()), None)


@functools.cache
def _files(program: str, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files that some modules consist of, with their hashes; nothing: they do not load.

    A module whose file is called init.lua consists of all Lua in its folder.
    """
    said = subprocesses.answer([program, ROOT / "measurements" / "found.lua", *modules])
    paths = [Path(line) for line in (said or "").splitlines()]
    try:
        return tuple(sorted(f"{_name(path)}==sha256:{_sha256(path)}" for path in paths))
    except OSError:  # what it printed is no path
        return ()


def _name(path: Path) -> str:
    return f"{path.parent.name}/*.lua" if path.name == "init.lua" else path.name


def _sha256(path: Path) -> str:
    parts = sorted(path.parent.glob("*.lua")) if path.name == "init.lua" else [path]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()
