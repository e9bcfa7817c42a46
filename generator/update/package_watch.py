"""What the package index has that is newer than what is locked."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generator import files
from generator.catalog import freshness, package_index
from generator.catalog.model import Catalog, Framework
from generator.catalog.package_index import Index, Release, Watch
from generator.errors import UsageError
from generator.update.request import Request


@dataclass(frozen=True)
class News:
    """What the index has of a framework, beside what is listed in its folder.

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
            "freshness": self.freshness.words,
            "behind": self.freshness.behind,
        }


def look(request: Request, catalog: Catalog, index: Index) -> list[News]:
    """Ask the index about the frameworks that are asked for.

    Raises:
        UsageError: an unknown framework, or a release that the index does not have.
        IndexFault: it cannot be used; then nothing is known of any framework.

    """
    names = request.frameworks or tuple(framework.id for framework in catalog.frameworks)
    return [_news(name, catalog, index) for name in dict.fromkeys(names)]


def _news(name: str, catalog: Catalog, index: Index) -> News:
    id, _, number = name.partition("==")
    framework = catalog.framework(id.strip())
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    first, *rest = framework.distributions
    watch = Watch(
        now, first, index.releases(first), tuple((other, index.releases(other)) for other in rest)
    )
    if number.strip():
        wanted = freshness.released(watch.releases, number.strip())
        if wanted is None:
            have = ", ".join(r.version for r in freshness.finals(watch.releases)[-5:])
            raise UsageError(
                f"the package index has no {first} {number.strip()}; its newest are {have}"
            )
        if wanted.version in {version.version for version in framework.versions}:
            return News(framework, watch, None)
        if wanted not in freshness.later([wanted], framework.newest.version):
            raise UsageError(
                f"{first} {wanted.version} is no final release after {framework.newest.version}, "
                f"the newest that is listed; add it by hand to {framework.id}/framework.toml"
            )
        return News(framework, watch, wanted)
    newer = freshness.later(watch.releases, framework.newest.version)
    return News(framework, watch, newer[-1] if newer else None)


def take_snapshot(request: Request, catalog: Catalog, news: Sequence[News]) -> None:
    """Write what the index said into the snapshot, beside what it said earlier of others."""
    known = {f.id: f.watch for f in catalog.frameworks if f.watch is not None}
    known |= {n.framework.id: n.watch for n in news}
    files.replace(request.snapshot, package_index.encode(known))
