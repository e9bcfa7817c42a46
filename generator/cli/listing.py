"""What ``generator list`` says: frameworks, versions, modes, sections, what is measured where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.catalog.model import Catalog
from generator.measure import history, profiles
from measurements import lenet


def machines(results_root: Path, there: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the machines that are there or have results, as plain data.

    Args:
        results_root: the results.
        there: id -> how many workers a machine of this kind has ("workers"), and what it lacks.

    """
    runs: dict[str, list[dict[str, Any]]] = {id: [] for id in there}
    for _, record in history.run_records(results_root):
        runs.setdefault(record["machine"]["id"], []).append(record)
    return [
        {"machine": id, **there.get(id, {"workers": 0, "lacks": {}}),
         "runs": len({record["run"] for record in records}),
         "jobs": sum(len(record["jobs"]) for record in records),
         "frameworks": sorted({record["framework"] for record in records})}
        for id, records in runs.items()
    ]  # fmt: skip


def listing(
    results_root: Path, catalog: Catalog, frameworks: Sequence[str] = ()
) -> Mapping[str, object]:
    """Return frameworks, all or some, sections, and what is measured where, as plain data."""
    chosen = [catalog.framework(id) for id in frameworks] or catalog.frameworks
    return {
        "frameworks": [
            {"id": framework.id, "name": framework.name,
             "versions": [version.version for version in framework.versions],
             "modes": [
                 {"id": mode.id, "title": mode.title, "kind": mode.kind,
                  "devices": list(mode.devices)}
                 for mode in framework.modes
             ],
             "variants": [
                 {"id": variant.id, "mode": variant.mode, "title": variant.title,
                  "used": variant.used}
                 for variant in framework.variants
             ]}
            for framework in chosen
        ],
        "sections": [
            {"id": section.id, "title": section.title, "group": section.group,
             "measured": section.measured}
            for section in catalog.sections
        ],
        "profiles": {profile.name: profile.summary for profile in profiles.PROFILES.values()},
        "measured": [
            {"run": path.stem, "machine": record["machine"]["id"],
             **{name: record[name]
                for name in ("framework", "version", "profile", "device", "finished")},
             "sections": sorted({id for job in record["jobs"] for id in job["sections"]}),
             "jobs": len(record["jobs"]),
             "not_ok": sum(job["status"] != "ok" for job in record["jobs"])}
            for path, record in history.run_records(results_root)
            if not frameworks or record["framework"] in frameworks
        ],
        "activation": lenet.ACTIVATION,
    }  # fmt: skip
