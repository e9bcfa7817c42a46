"""What the package index has that is newer than what is locked."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generator import files
from generator.catalog import freshness, package_index
from generator.catalog.loader import SNAPSHOT
from generator.catalog.model import Catalog, Framework
from generator.catalog.package_index import Release, Watch
from generator.errors import UsageError
from generator.update.index_client import Index


@dataclass(frozen=True)
class News:
    """What the index has of a framework, against what is listed in its folder.

    ``wanted`` is the release to lock and measure, None where there is nothing new.
    """

    framework: Framework
    watch: Watch
    wanted: Release | None

    @property
    def freshness(self) -> freshness.Freshness:
        """How fresh the newest listed release is."""
        framework = dataclasses.replace(self.framework, watch=self.watch)
        return freshness.of(framework, framework.newest.version)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        finals = freshness.finals(self.watch.releases)
        return {
            "framework": self.framework.id,
            "distribution": self.watch.distribution,
            "listed": self.framework.newest.version,
            "newest": finals[-1].version if finals else None,
            "wanted": self.wanted.version if self.wanted else None,
            "freshness": self.freshness.label,
            "behind": self.freshness.behind,
        }


def look(names: Sequence[str], catalog: Catalog, index: Index) -> list[News]:
    """Query the index about frameworks ("NAME") or releases ("NAME==1.2"), none meaning all.

    An unknown framework, or a release that the index does not have, is a :class:`UsageError`. After
    an :class:`~generator.errors.IndexFault` nothing is known of any framework.
    """
    names = names or [framework.id for framework in catalog.frameworks if not framework.found]
    return [_news(name, catalog, index) for name in dict.fromkeys(names)]


def _news(name: str, catalog: Catalog, index: Index) -> News:
    id, _, number = (part.strip() for part in name.partition("=="))
    framework = catalog.framework(id)
    newest = framework.newest.version
    if framework.found:
        raise UsageError(
            f"{framework.name} is on no package index: its users build it, see"
            f" {framework.found.source}; `generator measure {id}` measures what is found here"
        )
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    found = [(name, index.releases(name)) for name in framework.distributions]
    (first, releases), rest = found[0], tuple(found[1:])
    watch = Watch(now, first, releases, rest)
    newer = freshness.later(releases, newest)
    if not number:
        return News(framework, watch, newer[-1] if newer else None)
    wanted = freshness.released(releases, number)
    if wanted is None:
        have = ", ".join(release.version for release in freshness.finals(releases)[-5:])
        raise UsageError(f"the package index has no {first} {number}; its newest are {have}")
    if wanted.version in {version.version for version in framework.versions}:
        return News(framework, watch, None)
    if not freshness.later([wanted], newest):
        raise UsageError(
            f"{first} {wanted.version} is no final release after {newest}, "
            f"the newest that is listed; add it by hand to {framework.id}/framework.toml"
        )
    return News(framework, watch, wanted)


def take_snapshot(catalog: Catalog, news: Sequence[News]) -> None:
    """Write what the index said into the snapshot, with what it said earlier of others."""
    known = {f.id: f.watch for f in catalog.frameworks if f.watch is not None}
    known |= {item.framework.id: item.watch for item in news}
    for folder in {item.framework.folder.parents[1] for item in news}:
        files.replace(folder / SNAPSHOT, package_index.encode(known))
