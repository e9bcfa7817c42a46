"""Pure: which builds of a framework may be compared in what they weigh, and how long they load.

A wheel that brings the libraries of CUDA is much larger than one that does not, and loads some of
them on a machine without a graphics card as well. That is a choice of whoever packaged a release,
so neither size nor start-up nor memory says anything about the release. The speed of a step does:
on the CPU both run the same code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WEIGHED = ("compile", "memory")
"""Sections about what a build brings along: start-up contains import, and what was loaded stays."""

_PACKAGE = re.compile(r"nvidia-cu|.*[-+]cu(da)?\d")
"""For example nvidia-cublas==13.0, alder-cu112==1.9.1, alder==2.4.1+cu121, alder-cuda12-plugin."""


def kind(record: Mapping[str, Any]) -> str:
    """Return "CUDA build" or "CPU build", from a run record.

    It is one for CUDA where the framework itself reports a version of CUDA, or a package of its
    environment is named for one. Wheels that carry the libraries inside show only the former.
    """
    reported = str(record["build"].get("cuda", "none"))
    packages = record["environment"]["packages"]
    cuda = reported not in ("none", "False") or any(_PACKAGE.match(str(pin)) for pin in packages)
    return "CUDA build" if cuda else "CPU build"


def unlike(section: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return why two run records are not compared in a section, "" where they may be."""
    kinds = kind(old), kind(new)
    return ", ".join(kinds) if section in WEIGHED and kinds[0] != kinds[1] else ""
