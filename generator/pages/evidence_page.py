"""Pure: everything behind the figures of one section and framework -> its page's context."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.cells import Key
from generator.analysis.labels import gpu_label, lane_label, lane_title, machine_label
from generator.analysis.panels import Answer, Configuration, Figures
from generator.catalog.loader import code_files
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.charts.samples import samples as samples_chart
from generator.pages.findings import modes_text, plain_summary
from generator.pages.inputs import Draw, Inputs, Picture, distinct, where
from generator.pages.tables import (
    DASH,
    Cell,
    Rows,
    Table,
    badge,
    figure,
    interval_text,
    marked,
    number,
    reason_cell,
    table,
    tabled,
)
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Framework, Section


def run(section: Section, rows: pd.DataFrame, key: str, inputs: Inputs) -> dict[str, Any]:
    """Return one run of one version on one machine, as far as pages show it."""
    document = inputs.documents[key]
    machine, framework, version, run = key.split("/")
    packages = document["environment"]["packages"]
    day = formatting.day(run).replace(" ", "\N{NO-BREAK SPACE}")
    data = f"../data/{machine}/{framework}/{version}/{run}"
    return {
        "heading": f"Version {version}, {day}, {document['machine']['cpu']}",
        "anchor": urls.anchor("run", machine, version, run),
        "provenance": _provenance_table(document, section),
        "csv": f"{data}.csv",
        "json": f"{data}.json",
        "packages_title": f"{len(packages)} packages, frozen",
        "packages": "\n".join(map(str, packages)),
        "configurations": [
            _configuration(section, key, (mode, device, lane), inputs)
            for device, mode, lane in sorted(distinct(rows, "device", "mode", "lane"))
            if mode and lane
        ],
    }


Run = Callable[["Section", "pd.DataFrame", str, "Inputs"], dict[str, Any]]


def context(section: Section, framework: str, inputs: Inputs, run: Run = run) -> dict[str, Any]:
    """Return the context of an evidence page; ``run`` makes, or remembers, each of its runs."""
    frame = where(inputs.shown, section=section.id, framework=framework)
    folder = inputs.catalog.framework(framework)
    keys = {key for (key,) in distinct(frame, "provenance")}
    newest = sorted(keys, key=lambda key: (key.rsplit("/", 1)[1], key), reverse=True)
    return {
        "title": f"{folder.name}: evidence for “{section.title}”",
        "description": f"Script, rows, checks, logs and lock behind the figures of {folder.name}.",
        "section": section,
        "framework": folder,
        "runs": [run(section, where(frame, provenance=key), key, inputs) for key in newest],
        "scripts": list(_scripts(section, folder, inputs)),
        "locks": [
            {"name": path.name, "address": f"../{lock_address(path)}"}
            for path in locks(folder, [inputs.documents[key] for key in keys])
            if inputs.script(path)
        ],
    }


def _scripts(section: Section, framework: Framework, inputs: Inputs) -> Iterator[dict[str, str]]:
    for path in code_files(section, framework, inputs.catalog):
        if path.stem != "__init__":
            yield {
                "name": f"{framework.id}/{path.name}",
                "anchor": script_anchor(path),
                "language": LANGUAGES[path.suffix],
                "text": inputs.script(path),
            }


def script_anchor(path: Path) -> str:
    """Return where a script stands on an evidence page."""
    return f"script-{slug(path.stem if path.suffix == '.py' else path.name)}"


LANGUAGES = {
    ".py": "python", ".R": "r", ".lua": "lua",
    ".c": "c", ".h": "cpp", ".cc": "cpp", ".cpp": "cpp", ".cu": "cuda",
}  # fmt: skip


def locks(framework: Framework, documents: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Return the locks of a framework's folder that the environments of some runs name."""
    names = {str(document["environment"]["lock"] or "") for document in documents} - {""}
    return [framework.folder / "environments" / Path(name).name for name in sorted(names)]


def lock_address(path: Path) -> str:
    """Return the address of a published lock: its hashes cannot be compressed, so pages link it."""
    return posixpath.join("locks", path.parent.parent.name, path.name)


def _provenance_table(document: Mapping[str, Any], section: Section) -> Table | None:
    environment, repository = document["environment"], document["repository"]
    commit = str(repository["commit"] or "unknown")[:12]
    if repository["dirty"]:
        commit += " with uncommitted changes"
    finished = document["finished"] or "not finished"
    facts = {
        "Machine": f"{document['machine']['id']}: {machine_label(document)}",
        "System": str(document["machine"]["kernel"]),
        "Graphics": ", ".join(
            f"{gpu_label(gpu)}, driver {gpu['driver'] or 'unknown'}"
            for gpu in document["machine"]["gpus"]
        ),
        "Started, finished": f"{', '.join(document['starts'])} – {finished}",
        "Command": document["command"],
        "Profile, seed": f"{document['profile']}, {document['seed']}",
        "Repository": commit,
        "Measuring code": str(document["code_sha256"].get(section.id, ""))[:16],
        "Environment": f"{environment['kind']}, {environment['lock'] or 'no lock'}, Python "
        f"{environment['python']}",
        "Installed size": formatting.quantity(size, "B")
        if (size := environment["size_bytes"])
        else "",
        "Lock": str(environment["lock_sha256"] or "")[:16],
        "Data": f"{document['data']['name']}, SHA-256 {document['data']['sha256'][:16]}",
        "Weights": f"SHA-256 {document['weights_sha256'][:16]}",
        "Settings": ", ".join(f"{k} {v}" for k, v in document["settings"].items()),
        "Build": ", ".join(f"{k} {v}" for k, v in document["build"].items()),
    }
    rows = ({"What": Cell(name), "Value": Cell(text)} for name, text in facts.items() if text)
    return table("Provenance", rows, plain=True)


def _configuration(
    section: Section, key: str, place: tuple[str, str, str], inputs: Inputs
) -> dict[str, Any]:
    """Return everything behind the figures of one configuration and lane."""
    mode, device, lane = place
    machine, framework, version, run = key.split("/")
    figures = inputs.figures[machine, device]
    one = models.configuration(inputs.catalog, framework, version, mode)
    panels = [p for p in figures.panels if (p.section, p.lane) == (section.id, lane)]
    rows = [row for panel in panels for row in panel.rows if row.configuration == one]
    broken = rows[0] if rows and rows[0].summary is None else None
    jobs = [
        job
        for job in inputs.documents[key]["jobs"]
        if (job["mode"], job["device"], job["lane"]) == place and section.id in job["sections"]
    ]
    cells = figures.of_configuration.get((framework, version, section.id, mode, lane), {})
    modes = inputs.catalog.framework(framework).modes
    disturbed = {(run, job["block"]) for job in jobs if job.get("disturbed")}
    verification, verification_title = _verification(jobs)
    return {
        "heading": f"{one.label}, {lane_title(lane)}" + ("" if device == "cpu" else f", {device}"),
        "anchor": urls.anchor(machine, *place),
        "dated": urls.anchor("run", machine, version, run, *place),
        # A mode of old results may be gone.
        "summary": next((known.summary for known in modes if known.id == mode), ""),
        "status": badge(broken.status) if broken else None,
        "reason": broken.reason if broken else "",
        "command": f"generator measure {framework}=={version} --section {section.id} --mode {mode}"
        f" --device {device}",
        "figures": _answers_table(section, figures, framework, jobs, place)
        if section.findings
        else _cells_table(cells, section, place),
        "chart": _samples(section, cells, one, disturbed, inputs.draw),
        "chart_caption": "Each point is a sample, each line the median of its process.",
        "verification": verification,
        "verification_title": verification_title,
        "jobs": _jobs_table(jobs),
        "logs": list(_logs(jobs, key, inputs)),
    }


@tabled("Figures")
def _cells_table(
    cells: Mapping[Key, SampleCell], section: Section, place: tuple[str, str, str]
) -> Rows:
    order = list(section.metrics)
    for key, cell in sorted(
        cells.items(), key=lambda item: (models.index_of(order, item[0].metric), item[0].case)
    ):
        if key.metric == "gate":  # a verdict: the heading says it
            continue
        title = section.metrics[key.metric].title if key.metric in section.metrics else key.metric
        value, low, high, processes, samples = plain_summary(cell)
        anchor = urls.anchor(key.machine, *place, key.metric, key.case)
        counts = f"{processes} × {samples // processes}"
        yield {
            "Metric": Cell(title, detail=key.case, anchor=anchor),
            number("Value"): replace(figure([value], cell.unit), detail=modes_text(cell)),
            number("95 % interval"): Cell(interval_text(low, high, cell.unit) or "–"),
            number("Processes × samples"): Cell(counts, detail=_outliers(cell)),
        }


def _outliers(cell: SampleCell) -> str:
    """Say how many samples lie far from the others, where any do; they are kept."""
    mild, severe = statistics.tukey_outliers(np.concatenate(list(cell.blocks.values())))
    parts = [f"{count} {kind}" for count, kind in ((mild, "mild"), (severe, "severe")) if count]
    return f"outliers: {', '.join(parts)}" if parts else ""


@tabled("Answers")
def _answers_table(
    section: Section,
    figures: Figures,
    framework: str,
    jobs: Sequence[Mapping[str, Any]],
    place: tuple[str, str, str],
) -> Rows:
    """Return every answer of a framework; an operator stands with how it is spelled."""
    sheet = figures.answers.get(section.id, {}).get(framework, {})
    spellings: dict[str, str] = {}
    for job in jobs:
        spellings |= job.get("facts", {}).get("spellings", {})
    metrics = list(section.metrics)
    places = {name: place for place, name in enumerate(spellings)}  # as their list has them

    def order(item: tuple[tuple[str, str], Answer]) -> tuple[bool, int, str, int]:
        case, metric = item[0]
        return case == "", places.get(case, -1), case, metrics.index(metric)

    for (case, metric), answer in sorted(sheet.items(), key=order):
        asked = section.metrics[metric]
        value = DASH if answer.value is None else figure([answer.value], asked.unit)
        yield {
            "What": Cell(
                _COUNT.sub(lambda m: formatting.plural(int(m[1]), m[2]), case) or "the script",
                detail=spellings.get(case, ""),
                anchor=urls.anchor(figures.machine, *place, metric, case),
            ),
            "Question": Cell(asked.title),
            "Answer": replace(value, sort=None) if answer.good else marked(answer.status),
            "Reason": reason_cell(answer.reason or "–"),
        }


_COUNT = re.compile(r"^(\d+) (trip)s$")
"""A case that is a number of things."""

_POINTS = 1200
"""A chart of samples has at most about so many."""


def _samples(
    section: Section,
    cells: Mapping[Key, SampleCell],
    one: Configuration,
    disturbed: set[tuple[str, int]],
    draw: Draw,
) -> Picture | None:
    """Draw the raw samples of the headline, where there are several a block."""
    metric = models.headline(section)
    cell = next((c for k, c in cells.items() if (k.metric, k.case) == (metric.id, "")), None)
    if cell is None or all(len(block) < 2 for block in cell.blocks.values()):
        return None
    scale, unit = (1e3, "ms") if cell.unit == "s" else (1.0, cell.unit)
    blocks = {key: block for key, block in cell.blocks.items() if isinstance(key, tuple)}
    count = sum(map(len, blocks.values()))
    step = math.ceil(count / _POINTS)
    values = [
        (block, step * place, scale * float(value), (run, block) in disturbed)
        for (run, block), samples in blocks.items()
        for place, value in enumerate(samples[::step])
    ]
    middle = models.summary(cell)
    title = (
        f"{one.label}, {lane_label(cell.key.lane)}: {quantity(middle.value, cell.unit)} per step in"
        f" {formatting.plural(middle.processes, 'process')}."
    )
    if step > 1:
        title = f"{title[:-1]}, {formatting.figures(count, 9)} samples, every {step}th drawn."
    name = f"samples-{section.id}-{one.framework}-{one.mode}-{cell.key.device}-{cell.key.lane}"
    return draw(samples_chart(name, title, values, measure=f"{metric.title} in {unit}"))


def _verification(jobs: Sequence[Mapping[str, Any]]) -> tuple[Table | None, str]:
    """Return the worst of each comparison with the reference over all processes, and its title."""
    worst: dict[str, tuple[float, float, bool]] = {}
    for job in jobs:
        for name, error, tolerance, ok in job.get("facts", {}).get("gate", []):
            found = math.inf if error is None else float(error), float(tolerance), bool(ok)
            if str(name) not in worst or found[0] > worst[str(name)][0]:
                worst[str(name)] = found
    if not worst:
        return None, ""
    rows = (
        {
            "Quantity": Cell(name),
            number("Relative error, worst process"): (
                Cell(f"{error:.1e}", error) if math.isfinite(error) else Cell("not a number")
            ),
            number("Tolerance"): Cell(f"{tolerance:.1e}", tolerance),
            "Verdict": marked("ok", "agrees") if ok else marked("wrong", "differs"),
        }
        for name, (error, tolerance, ok) in worst.items()
    )
    good = sum(ok for _, _, ok in worst.values())
    title = f"Verification: {good} of {len(worst)} quantities agree with the float64 reference"
    return table("Verification", rows), title


@tabled("Processes")
def _jobs_table(jobs: Sequence[Mapping[str, Any]]) -> Rows:
    for job in jobs:
        threads = ", ".join(f"{k} {v}" for k, v in job.get("threads", {}).items())
        load = job.get("foreign_load")
        case = " ".join(str(job[name]) for name in ("start", "case") if job.get(name))
        block = f"{job['block'] + 1}" if job["block"] is not None else "–"
        yield {
            "Block": Cell(block, detail=case),
            "Order": Cell(str(job.get("order", "–"))),
            "Status": marked(job["status"], detail=_throttling(job)),
            "Took": Cell(f"{job['seconds']:.1f} s" if job.get("seconds") else "–"),
            "Steps a sample": Cell(str(job.get("k") or "–")),
            "Warm-up steps": Cell(str(job.get("warmup", "–"))),
            "Threads": Cell(threads),
            "Foreign cores": Cell(
                "–" if load is None else f"{load:.2f}",
                detail="disturbed" if job.get("disturbed") else "",
            ),
        }


def _throttling(job: Mapping[str, Any]) -> str:
    """Say whether the GPU lowered its clock in a process, or in one that was repeated for it."""
    parts = [
        f"{said}: {', '.join(job[name])}"
        for name, said in (
            ("throttled", "the GPU was throttled"),
            ("throttled_before", "repeated, since the GPU was throttled"),
        )
        if job.get(name)
    ]
    return "; ".join(parts)


_LOG_LINES = 60


def _logs(jobs: Sequence[Mapping[str, Any]], key: str, inputs: Inputs) -> Iterator[dict[str, str]]:
    """Yield the first log of each kind of failure; further ones are the same story again."""
    seen = set()
    machine, framework, version, _ = key.split("/")
    for job in jobs:
        path = job.get("log")
        if not path or job["status"] in seen:
            continue
        seen.add(job["status"])
        lines = inputs.log(key, path).splitlines()
        if len(lines) > _LOG_LINES:
            lines = [f"[… {len(lines) - _LOG_LINES} lines before …]", *lines[-_LOG_LINES:]]
        yield {
            "title": f"block {(job['block'] or 0) + 1} ({formatting.STATUS_WORDS[job['status']]})",
            "text": "\n".join(line[:2000] for line in lines),
            "address": posixpath.join("../data", machine, framework, version, log_name(path)),
        }


def log_name(path: str) -> str:
    """Return the address of a published log beside its CSV: plain text for every server."""
    return re.sub(r"[^A-Za-z0-9._+/-]", "-", path) + ".txt"
