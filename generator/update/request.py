"""What ``generator update`` is asked for, as releases to compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generator.catalog import loader as catalogs
from generator.catalog.freshness import Pair
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Framework
from generator.measure import request as measuring

COMMAND = "generator update"
"""How the command of a run begins whose report this module writes."""


@dataclass(frozen=True)
class Request(measuring.Request):
    """What ``update`` was asked for: of a run, and where else its report goes."""

    command: str = COMMAND
    force: bool = True
    installation: bool = True
    report: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the framework folders."""
        return (self.frameworks_folder or ROOT / "measurements" / "frameworks").resolve()

    @property
    def snapshot(self) -> Path:
        """Where the snapshot of the index is kept."""
        return self.folder.parent / catalogs.SNAPSHOT

    @property
    def reports(self) -> Path:
        """The folder of the change reports."""
        return self.results.resolve().parent / "changes"


def chosen_frameworks(request: Request, catalog: Catalog) -> list[Framework]:
    """Return the frameworks that were asked for, all where none was."""
    ids = dict.fromkeys(name.partition("==")[0].strip() for name in request.frameworks)
    return [catalog.framework(id) for id in ids] or list(catalog.frameworks)


def release_pair(framework: Framework) -> Pair:
    """Return the newest locked release and the one before it."""
    old = framework.versions[-2].version if len(framework.versions) > 1 else ""
    return Pair(framework.id, old, framework.newest.version)


def catalog_of(request: Request) -> Catalog:
    """Return the catalog as the folders are now."""
    return catalogs.load(frameworks=request.frameworks_folder)
