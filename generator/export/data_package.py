"""Pure: the whole data set described for machines.

:func:`package` describes its files as a Frictionless data package
(https://specs.frictionlessdata.io/data-package/): the CSV is a tabular data resource, whose schema
holds for the Parquet file as well. :func:`json_ld` says the same in the words of schema.org, for
search engines of data sets.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.results.schema import PROFILES, REASON_LENGTH, RUN, STATUSES

if TYPE_CHECKING:
    from generator.catalog.model import Section
    from generator.export.citation import Citation

CSV, PARQUET, PACKAGE = "results.csv", "results.parquet", "datapackage.json"
NAME = "symbolic-deep-learning-frameworks"

UNITS = {
    "s": "seconds",
    "B": "bytes",
    "1": "a plain number: a share, a ratio or a relative error",
    "count": "a number of things",
    "cores": "processor cores",
    "verdict": "1 passed, 0 did not",
    "MHz": "megahertz",
    "W": "watts",
    "degC": "degrees Celsius",
}
"""What a unit of a metric stands for."""

STATUS_MEANINGS = {
    "ok": "it has a value",
    "unsupported": "declared as a gap",
    "failed": "it ended with an error",
    "timeout": "it was stopped",
    "wrong": "not the work of the reference",
    "skipped": "not tried",
}
FLAGS = {
    "disturbed": "other programs were busy",
    "throttled": "the clock was lowered",
    "resumed": "the process ran after an interruption of the command",
}


@dataclass(frozen=True)
class Field:
    """A column, with a type of Table Schema: string, integer or number.

    ``text`` says what it means, ``values`` what its words stand for, where it holds few.
    Constraints are those of Table Schema.
    """

    name: str
    kind: str
    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    constraints: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What its words stand for, "" where it holds many."""
        return "; ".join(f"{name}: {meaning}" for name, meaning in self.values.items())

    @property
    def description(self) -> str:
        """The meaning, with that of its words."""
        return f"{self.text} ({self.words})" if self.words else self.text


_ALWAYS = {"required": True}

FIELDS = (
    Field(
        "run", "string", "When the measuring command began, in UTC, and six random digits.",
        constraints=_ALWAYS | {"pattern": RUN},
    ),
    Field("machine", "string", "Id of the machine, from its hardware.", constraints=_ALWAYS),
    Field("framework", "string", "Id of the framework.", constraints=_ALWAYS),
    Field("version", "string", "Its release.", constraints=_ALWAYS),
    Field("section", "string", "Page of the comparison that asked.", constraints=_ALWAYS),
    Field("mode", "string", "How the framework executed; empty for its installation."),
    Field(
        "device", "string", "What computed.", {"cpu": "processor", "cuda": "graphics card"},
        _ALWAYS | {"enum": ["cpu", "cuda"]},
    ),
    Field(
        "lane", "string",
        "Threads; or how batches reach the graphics card, or a precision other than float32.",
        {
            "threads-1": "one thread", "threads-all": "all physical cores",
            "resident": "data on the card", "copy-unpinned": "copied from pageable memory",
            "copy-pinned": "copied from page-locked memory",
            "tf32": "data on the card, products of TF32",
            "bfloat16": "data on the card, products of bfloat16",
        },
    ),
    Field(
        "case", "string",
        "What exactly: an operator, a batch size, a depth, a kind of start. One that begins with "
        "“again” is the A/A replicate of the rest. In the profile variants it names the variant: "
        "“with” a switch that the mode lacks, “without” one that it has.",
    ),
    Field(
        "metric", "string",
        "What the value is; see the list of metrics. Where a process measured peak_rss and "
        "rss_imported only, peak_above_import was derived as their difference.",
        constraints=_ALWAYS,
    ),
    Field("unit", "string", "Unit of the value.", UNITS, _ALWAYS),
    Field(
        "block", "integer", "Number of the randomised block, from 0; one process each.",
        constraints={"minimum": 0},
    ),
    Field(
        "sample", "integer", "Number of the sample within its process, from 0; empty where a "
        "process gives one value.", constraints={"minimum": 0},
    ),
    Field(
        "value", "number", "What was measured, binary64. With another status than ok it is "
        "evidence and no result.",
    ),
    Field(
        "status", "string", "How the measurement ended.", STATUS_MEANINGS,
        _ALWAYS | {"enum": list(STATUSES)},
    ),
    Field("flags", "string", "What to know about the process, separated by a space.", FLAGS),
    Field(
        "reason", "string", "Why there is no value; every status but ok has one.",
        constraints={"maxLength": REASON_LENGTH},
    ),
    Field(
        "profile", "string", "How much replication the command asked for; see Methodology.",
        constraints=_ALWAYS | {"enum": list(PROFILES)},
    ),
    Field(
        "code", "string", "SHA-256 of the code that measured this section of this framework.",
        constraints={"pattern": "([0-9a-f]{64})?"},
    ),
)  # fmt: skip
"""The columns, in order: those of a run's CSV, then what its JSON adds."""


_LICENCES = {
    "Apache-2.0": ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
}
"""SPDX id -> title and address; of others, their place on the list of SPDX."""

_KINDS: Mapping[str, Mapping[str, Any]] = {
    CSV: {
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
    },
    # As a table, Frictionless would read it cell by cell, and count no bytes.
    PARQUET: {"type": "file", "format": "parquet", "mediatype": "application/vnd.apache.parquet"},
}


def package(
    files: Mapping[str, Mapping[str, Any]],
    rows: int,
    records: Mapping[str, Mapping[str, Any]],
    citation: Citation,
    address: str,
    made_from: str,
) -> dict[str, Any]:
    """Return the data package's descriptor.

    Args:
        files: name -> "bytes" and "hash", of :data:`CSV` and :data:`PARQUET`.
        rows: their number.
        records: the run records of all runs.
        citation: what is cited.
        address: of the site, with a slash at its end; "" where it is not known.
        made_from: hash of what the files were made from.

    """
    runs = sorted({str(record["run"]) for record in records.values()})
    frameworks = sorted({str(record["framework"]) for record in records.values()})
    spdx = citation.licence
    title, licence = _LICENCES.get(spdx, (spdx, f"https://spdx.org/licenses/{spdx}.html"))
    said = {
        "profile": "data-package",
        "name": NAME,
        "title": f"{citation.title}: all results",
        "description": citation.abstract,
        "version": runs[-1],
        "created": time(runs[-1]),
        "keywords": [*citation.keywords, *frameworks],
        "licenses": [{"name": spdx, "title": title, "path": licence}],
        "contributors": [{"title": author.name, "role": "author"} for author in citation.authors],
        "sources": _sources(records),
        "rows": rows,
        "runs": len(runs),
        "fingerprint": made_from,
        "resources": [
            {
                "name": name.replace(".", "-"),
                "path": name,
                **_KINDS[name],
                **({"schema": schema()} if name == CSV else {}),
                **file,
            }
            for name, file in files.items()
        ],
    }
    if address:
        said["homepage"] = f"{address}report/dataset.html"
    return said


def schema() -> dict[str, Any]:
    """Return the Table Schema of both files."""
    return {
        "fields": [
            {
                "name": field.name,
                "type": field.kind,
                "description": field.description,
                **({"constraints": dict(field.constraints)} if field.constraints else {}),
            }
            for field in FIELDS
        ],
        "missingValues": [""],
    }


def _sources(records: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return one source a machine."""
    runs: dict[str, set[str]] = {}
    for record in records.values():
        machine = record["machine"]
        runs.setdefault(f"{machine['id']}: {machine['cpu']}", set()).add(record["run"])
    return [
        {"title": f"Measured on {machine}, {formatting.plural(len(mine), 'run')}"}
        for machine, mine in sorted(runs.items())
    ]


def time(run: str) -> str:
    """Return when a run began, as ISO 8601 writes it."""
    began = datetime.datetime.fromisoformat(run.partition("-")[0])
    return f"{began:%Y-%m-%dT%H:%M:%SZ}"


def json_ld(
    said: Mapping[str, Any], citation: Citation, sections: Iterable[Section], address: str
) -> dict[str, Any]:
    """Return a descriptor of :func:`package` in the words of https://schema.org/Dataset.

    Args:
        said: the descriptor.
        citation: what is cited.
        sections: what was measured.
        address: of the site, with a slash at its end; without it, the addresses of the files are
            relative to the page.

    """
    folder = f"{address}report/dataset/" if address else "dataset/"
    described = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": said["title"],
        "description": said["description"],
        "license": said["licenses"][0]["path"],
        "creator": [
            {"@type": "Person" if author.person else "Organization", "name": author.name}
            for author in citation.authors
        ],
        "dateModified": said["created"],
        "version": said["version"],
        "isAccessibleForFree": True,
        "keywords": said["keywords"],
        "measurementTechnique": "fresh, verified processes in random order within blocks",
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "name": metric.id,
                "description": f"{section.title}: {metric.title}",
                "unitText": metric.unit,
            }
            for section in sections
            for metric in section.metrics.values()
        ],
        "distribution": [
            {
                "@type": "DataDownload",
                "name": resource["path"],
                "contentUrl": f"{folder}{resource['path']}",
                "encodingFormat": resource["mediatype"],
                "contentSize": f"{resource['bytes']} B",
                "sha256": resource["hash"].partition(":")[2],
            }
            for resource in said["resources"]
        ],
    }
    if address:
        described["url"] = f"{address}report/dataset.html"
    return described
