"""What ``generator list`` says: frameworks, versions, modes, sections, what is measured where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generator.catalog import loader as catalogs
from generator.measure import history, plan
from measurements import lenet


def listing(results_root: Path, frameworks_folder: Path | None = None) -> Mapping[str, object]:
    """Return frameworks, versions, modes, sections, and what is measured where, as plain data."""
    catalog = catalogs.load(frameworks=frameworks_folder)
    return {
        "frameworks": [
            {"id": framework.id, "name": framework.name,
             "versions": [version.version for version in framework.versions],
             "modes": [
                 {"id": mode.id, "title": mode.title, "kind": mode.kind,
                  "devices": list(mode.devices)}
                 for mode in framework.modes
             ]}
            for framework in catalog.frameworks
        ],
        "sections": [
            {"id": section.id, "title": section.title, "group": section.group,
             "measured": section.measured}
            for section in catalog.sections
        ],
        "profiles": {profile.name: profile.summary for profile in plan.PROFILES.values()},
        "measured": [
            {"run": path.stem, "machine": record["machine"]["id"],
             **{name: record[name]
                for name in ("framework", "version", "profile", "device", "finished")},
             "sections": sorted({id for job in record["jobs"] for id in job["sections"]}),
             "jobs": len(record["jobs"]),
             "not_ok": sum(job["status"] != "ok" for job in record["jobs"])}
            for path, record in history.run_records(results_root)
        ],
        "activation": lenet.ACTIVATION,
    }  # fmt: skip
