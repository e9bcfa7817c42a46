"""Pure: the whole data set, what it means and how to load and cite it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from generator import formatting
from generator.export import citation, data_package
from generator.export.data_package import FIELDS, UNITS
from generator.pages import urls
from generator.pages.inputs import Inputs
from generator.pages.tables import Cell, Rows, Table, table, tabled

TITLE = "Data"
GROUP = "Evidence"
ORDER = 50


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    said = inputs.dataset
    cited = inputs.citation
    return {
        "title": "Where are the raw numbers?",
        "description": "Every sample and verdict of every run, as one CSV and one Parquet file.",
        "said": said,
        "size": formatting.listing(
            [f"{said['rows']:,} rows", formatting.plural(said["runs"], "run")]
        )
        if said
        else "",
        "newest": formatting.day(said["version"]) if said else "",
        "files": _files(said) if said else None,
        "snippets": snippets(inputs.address) if said else (),
        "columns": _columns(),
        "units": _pairs("Units", "Unit", "Meaning", UNITS.items()),
        "metrics": _metrics(inputs),
        "scheme": _pairs(
            "Addresses", "What is there", "Address", ((what, at) for at, what in urls.SCHEME)
        ),
        "licence": said["licenses"][0] if said else None,
        "citation": citation.bibtex(
            cited,
            data_package.NAME,
            inputs.address,
            f"Newest run {said['version']}" if said else "",
        )
        if cited
        else "",
        "json_ld": data_package.json_ld(said, cited, inputs.catalog.sections, inputs.address)
        if said and cited
        else None,
        "export": "generator export",
    }


def snippets(address: str) -> tuple[tuple[str, str, str], ...]:
    """Return (title, language, code) to load the files: from the site, if its address is known."""
    folder = f"{address}report/dataset/" if address else ""
    csv, parquet = f"{folder}{data_package.CSV}", f"{folder}{data_package.PARQUET}"
    return (
        (
            "pandas",
            "python",
            f'import pandas as pd\n\nrows = pd.read_parquet("{parquet}")\n'
            'steps = rows[rows.metric == "step_time"]\n'
            'steps.groupby(["framework", "mode"], observed=True).value.median()',
        ),
        (
            "DuckDB",
            "sql",
            "SELECT framework, mode, median(value)\n"
            f"FROM '{parquet}'\nWHERE metric = 'step_time'\nGROUP BY ALL ORDER BY 3;",
        ),
        (
            "R",
            "r",
            f'rows <- read.csv("{csv}", na.strings = "",\n'
            '                 colClasses = c(version = "character"))\n'
            'steps <- subset(rows, metric == "step_time")\n'
            "aggregate(value ~ framework + mode, steps, median)",
        ),
    )


@tabled("Files", plain=True)
def _files(said: Mapping[str, Any]) -> Rows:
    files = {one["path"]: f"{one['bytes'] / 1e6:.1f} MB" for one in said["resources"]}
    files[data_package.PACKAGE] = "their columns, sizes and SHA-256 hashes"
    for name, text in files.items():
        yield {"File": Cell(name, href=f"dataset/{name}"), "Size": Cell(text)}


@tabled("Columns", plain=True)
def _columns() -> Rows:
    for field in FIELDS:
        yield {
            "Column": Cell(field.name),
            "Type": Cell(
                field.kind, detail="" if field.constraints.get("required") else "or empty"
            ),
            "Meaning": Cell(field.text, detail="" if field.name == "unit" else field.words),
        }


def _pairs(label: str, one: str, two: str, items: Iterable[tuple[str, str]]) -> Table | None:
    return table(label, ({one: Cell(a), two: Cell(b)} for a, b in items), plain=True)


@tabled("Metrics")
def _metrics(inputs: Inputs) -> Rows:
    for section in inputs.catalog.sections:
        for metric in section.metrics.values():
            yield {
                "Metric": Cell(metric.id),
                "Section": Cell(section.id, href=f"{section.id}.md"),
                "Meaning": Cell(metric.title),
                "Unit": Cell(metric.unit),
                "Direction": Cell(f"{metric.better} is better" if metric.better else "–"),
            }
