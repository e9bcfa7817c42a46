"""Pure: how far a measured release is behind the newest one that the index is known to have."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from generator import formatting
from generator.catalog.package_index import Release, Watch

if TYPE_CHECKING:
    from generator.catalog.model import Framework

STALE_DAYS = 14
"""A page says so when the index was asked longer ago."""


@dataclass(frozen=True)
class Freshness:
    """How fresh a measured release is, as a label; ``behind`` counts newer releases, None: unknown.

    ``retired`` is the year in which the framework was given up, 0 for one that goes on.
    """

    label: str
    behind: int | None
    retired: int = 0


@dataclass(frozen=True)
class Pair:
    """Two successive releases of a framework; ``old`` is "" where the new one is the first."""

    framework: str
    old: str
    new: str


def finals(releases: Iterable[Release]) -> list[Release]:
    """Return the final releases among all of them, oldest first, one of each number.

    Pre- and development releases are left out, and so are yanked ones. A post-release repeats its
    release with another packaging (PEP 440), so it is none of its own; it stands for the number
    where the release itself was never published or is yanked.
    """
    best: dict[Version, tuple[bool, Version, Release]] = {}
    for release in releases:
        version = Version(release.version)
        if release.yanked or version.is_prerelease or version.local:
            continue
        number = Version(version.base_version)
        candidate = (not version.is_postrelease, version, release)
        if number not in best or candidate[:2] > best[number][:2]:
            best[number] = candidate
    return [best[number][2] for number in sorted(best)]


def later(releases: Iterable[Release], version: str) -> list[Release]:
    """Return the final releases that come after one, oldest first.

    A local part ("+cpu") and a post-release's do not count. After a version that is none of the
    index's kind comes nothing.
    """
    try:
        number = Version(Version(version).base_version)
    except InvalidVersion:
        return []
    return [r for r in finals(releases) if Version(Version(r.version).base_version) > number]


def released(releases: Iterable[Release], version: str) -> Release | None:
    """Return one release by its number as it was typed (1.10 is 1.10.0), None where it is not."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        return None
    return next((r for r in releases if Version(r.version) == wanted), None)


@functools.cache
def judge(version: str, watch: Watch | None, retired: int = 0) -> Freshness:
    """Judge a measured release; without a watch the index was never asked."""
    if watch is None or not finals(watch.releases):
        return Freshness("freshness unknown", None, retired)
    behind = len(later(watch.releases, version))
    if behind:
        label = f"{formatting.plural(behind, 'release')} behind"
    elif retired:
        label = f"retired in {retired}, no newer release"
    else:
        label = "current"
    return Freshness(label, behind, retired)


def of(framework: Framework, version: str) -> Freshness:
    """Judge a measured release of a framework by what its folder and the snapshot say."""
    retired = framework.retired.year if framework.retired else 0
    if framework.found:
        return Freshness(f"retired in {retired}" if retired else "on no index", None, retired)
    return judge(version, framework.watch, retired)


def label(framework: Framework | None, version: str) -> str:
    """Return a measured release as tables show it: "2.13.0, 2 releases behind"."""
    if framework is None or not version:
        return version
    return f"{version}, {of(framework, version).label}"


def watched(frameworks: Sequence[Framework], today: datetime.date) -> str:
    """Say when the release watch last queried all frameworks, and if that is long before today."""
    frameworks = [framework for framework in frameworks if not framework.found]
    if never := [f.name for f in frameworks if f.watch is None]:
        return (
            f"The release watch never queried {formatting.listing(never)}:"
            " how fresh these versions are is not known."
        )
    last = min((f.watch.asked.date() for f in frameworks if f.watch), default=None)
    if last is None:
        return ""
    asked = formatting.day(last.isoformat())
    text = f"The release watch last queried the package index on {asked}."
    if (today - last).days > STALE_DAYS:
        text += (
            f" That was {formatting.plural((today - last).days, 'day')} before this page was made:"
            " there may be newer releases that it does not know of."
        )
    return text


def interpreter(wanted: str, now: str, choices: Sequence[str]) -> str | None:
    """Return the Python for a release: that of the release before, or the nearest that is allowed.

    None where ``requires-python`` (``wanted``, "" for anything) allows neither ``now`` ("3.11") nor
    one of the choices. Of two that are equally near the newer one is taken.
    """
    try:
        allowed = SpecifierSet(wanted)
    except InvalidSpecifier:
        return now  # uv will say what it thinks of it

    def minor(python: str) -> int:
        return int(python.split(".")[1])

    # The newest patch of a minor version is what gets installed; ">=3.10.2" allows it.
    fits = [p for p in (now, *choices) if any(map(allowed.contains, (f"{p}.99", f"{p}.0")))]
    return min(fits, key=lambda p: (abs(minor(p) - minor(now)), -minor(p)), default=None)
