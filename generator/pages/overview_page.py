"""Pages about everything: one module in ``overviews/``, one template in ``templates/pages``.

A module has

    TITLE    of the page in the navigation
    GROUP    heading in the navigation that it stands below, "" for none
    ORDER    place among these pages; below 0: before the sections
    context  pure: inputs -> context of its template
    files    if there are files beside the page, pure: inputs -> text by name
    parts    if there are pages below the page, pure: as ``context``, -> context by name; their
             template is ``templates/pages/<id>.part.md.j2``
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generator.pages import overviews
from generator.pages.inputs import Inputs


@dataclass(frozen=True)
class Overview:
    """One page; ``id`` names module, template and address."""

    id: str
    title: str
    group: str
    order: int
    context: Callable[..., dict[str, Any]]
    files: Callable[[Inputs], dict[str, str]]
    parts: Callable[..., dict[str, dict[str, Any]]]


def load() -> tuple[Overview, ...]:
    """Return all pages in the order of the navigation."""
    found = []
    for module in pkgutil.iter_modules(overviews.__path__):
        page = importlib.import_module(f"{overviews.__name__}.{module.name}")
        more = getattr(page, "files", _none), getattr(page, "parts", _none)
        found.append(Overview(module.name, page.TITLE, page.GROUP, page.ORDER, page.context, *more))
    return tuple(sorted(found, key=lambda page: (page.order, page.id)))


def _none(*inputs: Any) -> dict[str, Any]:  # noqa: ARG001 - as files and parts are made
    return {}
