"""Recognises what was rendered before and still stands: nothing that it is made of changed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from generator import files


def digest(places: Iterable[Path], *told: Any) -> str:
    """Return a digest that changes with any file in some folders, or with what is told.

    Args:
        places: folders, or files; what is not there may appear.
        told: values with a ``repr`` that says all about them.

    """
    found: dict[str, bytes] = {}
    for place in places:
        for path in [place] if place.is_file() else _inside(place):
            with contextlib.suppress(OSError), path.open("rb") as file:  # a link to nothing is none
                found[str(path)] = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(repr((found, told)).encode()).hexdigest()


def _inside(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (Path(place, name) for name in sorted(names))


def included(environment: jinja2.Environment, name: str) -> list[str]:
    """Return the names of the templates that one is made of, its own among them.

    One that decides at run time what it includes may be made of any.
    """
    assert environment.loader is not None
    found: set[str] = set()
    new = {name}
    while new:
        found |= new
        texts = [environment.loader.get_source(environment, one)[0] for one in new]
        named = {name for text in texts for name in _referenced(environment, text)}
        if None in named:
            named = {*environment.list_templates(["j2"])}
        new = {*filter(None, named)} - found
    return sorted(found)


@functools.cache
def _referenced(environment: jinja2.Environment, template: str) -> frozenset[str | None]:
    return frozenset(meta.find_referenced_templates(environment.parse(template)))


@functools.cache
def versions() -> list[tuple[str, str]]:
    """Return the names and versions of all installed packages."""
    return sorted((d.metadata["Name"], d.version) for d in importlib.metadata.distributions())


def note(record: Path, made_of: Mapping[str, str], folder: Path, names: Iterable[str]) -> None:
    """Note which files were made of what.

    Args:
        record: the file to note it in.
        made_of: digests, by what they are digests of.
        folder: the one in which the files are.
        names: theirs, within the folder.

    """
    identities = {name: files.identity(folder / name) for name in names}
    files.replace(record, json.dumps([made_of, identities]).encode(), sync=False)


def find(record: Path, folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return what files were made of, and their names; nothing if one of them is not as it was."""
    try:
        made_of, identities = json.loads(record.read_bytes())
        for name, identity in identities.items():
            if files.identity(folder / name) != tuple(identity):
                return {}, []
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or a broken one
        return {}, []
    return dict(made_of), list(identities)
