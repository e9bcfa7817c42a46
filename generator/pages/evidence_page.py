"""Pure: everything behind the figures of one section and framework -> its page's context."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.cells import Key
from generator.analysis.labels import lane_title, lane_words, machine_words
from generator.analysis.panels import Answer, Configuration, Figures, Panel, Row
from generator.catalog.loader import code_files
from generator.formatting import quantity, span
from generator.pages import urls
from generator.pages.charts.samples import samples as samples_chart
from generator.pages.findings import plain_summary
from generator.pages.inputs import Draw, Inputs, Picture, distinct, where
from generator.pages.tables import Badge, Cell, Column, Table, badge
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Framework, Section


@dataclass(frozen=True)
class LogView:
    """A log of a process that did not end well."""

    title: str
    text: str
    address: str


@dataclass(frozen=True)
class ConfigurationView:
    """Everything behind the figures of one configuration and lane."""

    heading: str
    anchor: str
    """That stays when a newer run takes the place of this one."""
    dated: str
    summary: str
    status: Badge | None
    reason: str
    command: str
    figures: Table | None
    chart: Picture | None
    chart_caption: str
    gate: Table | None
    gate_title: str
    jobs: Table
    logs: tuple[LogView, ...]


@dataclass(frozen=True)
class SubjectView:
    """One run of one version on one machine, as far as pages show it."""

    heading: str
    anchor: str
    provenance: Table
    csv: str
    json: str
    packages_title: str
    packages: str
    configurations: tuple[ConfigurationView, ...]


@dataclass(frozen=True)
class TextView:
    """A file of the repository that is shown whole."""

    name: str
    anchor: str
    language: str
    text: str


def context(
    section: Section,
    framework: str,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,
) -> dict[str, Any]:
    """Return the context of the evidence page of one section and framework."""
    frame = where(inputs.shown, section=section.id, framework=framework)
    folder = next((f for f in inputs.catalog.frameworks if f.id == framework), None)
    name = folder.name if folder else framework
    subjects = []
    keys = {key for (key,) in distinct(frame, "provenance")}
    for key in sorted(keys, key=lambda key: (key.rsplit("/", 1)[1], key), reverse=True):
        rows = where(frame, provenance=key)
        subjects.append(_subject(section, rows, key, inputs, known, draw))
    return {
        "title": f"{name}: evidence for “{section.title}”",
        "description": f"Script, rows, checks, logs and lock behind the figures of {name}.",
        "section": section,
        "framework": {"name": name, "id": folder.id if folder else ""},
        "subjects": subjects,
        "scripts": list(_scripts(section, folder, inputs)) if folder else [],
        "locks": list(_locks(folder, keys, inputs)) if folder else [],
    }


def _scripts(section: Section, framework: Framework, inputs: Inputs) -> Iterator[TextView]:
    for path in code_files(section, framework, inputs.catalog):
        if path.stem == "__init__":
            continue
        yield TextView(
            f"{framework.id}/{path.name}", script_anchor(path), LANGUAGES[path.suffix],
            inputs.script(path),
        )  # fmt: skip


def script_anchor(path: Path) -> str:
    """Return where a script stands on an evidence page."""
    return f"script-{slug(path.stem if path.suffix == '.py' else path.name)}"


LANGUAGES = {
    ".py": "python", ".R": "r", ".c": "c", ".h": "cpp", ".cc": "cpp", ".cpp": "cpp", ".cu": "cuda",
}  # fmt: skip


def _locks(framework: Framework, keys: set[str], inputs: Inputs) -> Iterator[TextView]:
    names = {inputs.documents[key]["environment"]["lock"] for key in keys} - {None}
    for name in sorted(names):
        path = framework.folder / "environments" / Path(str(name)).name
        if text := inputs.script(path):
            yield TextView(path.name, "", "text", text)


def _subject(
    section: Section,
    rows: pd.DataFrame,
    key: str,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,
) -> SubjectView:
    document = inputs.documents[key]
    machine, framework, version, run = key.split("/")
    places = [place for place in distinct(rows, "device", "mode", "lane") if place[1] and place[2]]
    views = tuple(
        _configuration(section, rows, key, place, inputs, known[machine, place[0]], draw)
        for place in sorted(places)
    )
    packages = document["environment"]["packages"]
    data = f"../data/{machine}/{framework}/{version}/{run}"
    return SubjectView(
        f"Version {version}, {formatting.day(run)}, {document['machine']['cpu']}",
        urls.dated(machine, version, run),
        _provenance_table(document, section),
        f"{data}.csv",
        f"{data}.json",
        f"{len(packages)} packages, frozen",
        "\n".join(map(str, packages)),
        views,
    )


def _provenance_table(document: Mapping[str, Any], section: Section) -> Table:
    environment, repository = document["environment"], document["repository"]
    commit = str(repository["commit"] or "unknown")[:12]
    if repository["dirty"]:
        commit += " with uncommitted changes"
    finished = document["finished"] or "not finished"
    facts = {
        "Machine": f"{document['machine']['id']}: {machine_words(document)}",
        "System": str(document["machine"]["kernel"]),
        "Graphics": ", ".join(
            f"{gpu['name']}, driver {gpu['driver']}" for gpu in document["machine"]["gpus"]
        ),
        "Started, finished": f"{', '.join(document['starts'])} – {finished}",
        "Command": document["command"],
        "Profile, seed": f"{document['profile']}, {document['seed']}",
        "Repository": commit,
        "Measuring code": str(document["code_sha256"].get(section.id, ""))[:16],
        "Environment": f"{environment['kind']}, {environment['lock'] or 'no lock'}, Python "
        f"{environment['python']}",
        "Lock": str(environment["lock_sha256"] or "")[:16],
        "Data": f"{document['data']['name']}, SHA-256 {document['data']['sha256'][:16]}",
        "Weights": f"SHA-256 {document['weights_sha256'][:16]}",
        "Settings": ", ".join(f"{k} {v}" for k, v in document["settings"].items()),
        "Build": ", ".join(f"{k} {v}" for k, v in document["build"].items()),
    }
    rows = tuple((Cell(name), Cell(text)) for name, text in facts.items() if text)
    return Table("Provenance", (Column("What"), Column("Value")), rows, plain=True)


def _configuration(
    section: Section,
    frame: pd.DataFrame,
    key: str,
    place: tuple[str, ...],
    inputs: Inputs,
    figures: Figures,
    draw: Draw,
) -> ConfigurationView:
    device, mode, lane = place
    document = inputs.documents[key]
    _, framework, version, run = key.split("/")
    one = models.configuration(inputs.catalog, framework, version, mode)
    row, panel = _find(figures, section, one, lane)
    rows = where(frame, device=device, mode=mode, lane=lane)
    jobs = [
        job
        for job in document["jobs"]
        if (job["mode"], job["device"], job["lane"]) == (mode, device, lane)
        and section.id in job["sections"]
    ]
    mode_words = next(
        (
            m.summary
            for f in inputs.catalog.frameworks
            if f.id == framework
            for m in f.modes
            if m.id == mode
        ),
        "",
    )
    cells = {
        k: cell
        for k, cell in figures.cells.items()
        if (k.framework, k.version, k.section, k.mode, k.lane)
        == (framework, version, section.id, mode, lane)
    }
    broken = row is not None and row.summary is None
    assert panel is None or panel.device == device
    return ConfigurationView(
        f"{one.label}, {lane_title(lane)}" + ("" if device == "cpu" else f", {device}"),
        urls.newest(figures.machine, mode, device, lane),
        urls.dated(figures.machine, version, run, mode, device, lane),
        mode_words,
        badge(row.status) if row is not None and broken else None,
        row.reason if row is not None and broken else "",
        f"generator measure {framework}=={version} --section {section.id} --mode {mode}"
        f" --device {device}",
        _answers_table(section, figures, framework, jobs, place)
        if section.findings
        else _cells_table(cells, section, place),
        _samples(section, cells, figures, one, lane, _disturbed(rows), draw),
        "Each point is a sample, each line the median of its process.",
        *_gate(jobs),
        _jobs_table(jobs),
        tuple(_logs(jobs, key, inputs)),
    )


def _find(
    figures: Figures, section: Section, one: Configuration, lane: str
) -> tuple[Row | None, Panel | None]:
    for panel in figures.panels:
        if (panel.section, panel.lane) == (section.id, lane):
            for row in panel.rows:
                if row.configuration == one:
                    return row, panel
    return None, None


def _cells_table(
    cells: Mapping[Key, SampleCell], section: Section, place: Sequence[str]
) -> Table | None:
    if not cells:
        return None
    order = list(section.metrics)
    rows = []
    for key, cell in sorted(
        cells.items(), key=lambda item: (models.index_of(order, item[0].metric), item[0].case)
    ):
        metric = section.metrics.get(key.metric)
        if key.metric == "gate":  # a verdict: the heading says it
            continue
        value, low, high, processes, samples = plain_summary(cell)
        rows.append(
            (
                Cell(
                    metric.title if metric else key.metric,
                    detail=key.case,
                    anchor=_figure_anchor(key.machine, place, key.metric, key.case),
                ),
                Cell(quantity(value, cell.unit), sort=float(f"{value:.6g}")),
                Cell(span(low, high, cell.unit) if high > 1.0001 * low else "–"),
                Cell(f"{processes} × {samples // processes}"),
            )
        )
    columns = (
        Column("Metric"),
        Column("Value", number=True),
        Column("95 % interval", number=True),
        Column("Processes × samples", number=True),
    )
    return Table("Figures", columns, tuple(rows))


def _answers_table(
    section: Section,
    figures: Figures,
    framework: str,
    jobs: Sequence[Mapping[str, Any]],
    place: Sequence[str],
) -> Table | None:
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

    rows = []
    for (case, metric), answer in sorted(sheet.items(), key=order):
        unit = section.metrics[metric].unit
        text = "" if answer.value is None else quantity(answer.value, unit)
        rows.append(
            (
                Cell(
                    case or "the script",
                    detail=spellings.get(case, ""),
                    anchor=_figure_anchor(figures.machine, place, metric, case),
                ),
                Cell(section.metrics[metric].title),
                Cell(text) if answer.good else Cell("", badge=badge(answer.status)),
                Cell(answer.reason or "–"),
            )
        )
    if not rows:
        return None
    titles = ("What", "Question", "Answer", "Reason")
    return Table("Answers", tuple(map(Column, titles)), tuple(rows))


def _figure_anchor(machine: str, place: Sequence[str], metric: str, case: str) -> str:
    device, mode, lane = place
    return urls.newest(machine, mode, device, lane, metric, case)


def _disturbed(rows: pd.DataFrame) -> set[tuple[str, int]]:
    """Return (run, block) of the blocks that other programs disturbed."""
    marked = [str(x) for x in rows["flags"].cat.categories if "disturbed" in str(x).split()]
    bad = rows[rows["flags"].isin(marked) & rows["block"].notna()]
    return {(run, int(block)) for run, block in distinct(bad, "run", "block")}


def _numbered(cell: SampleCell) -> list[tuple[tuple[str, int], Any]]:
    """Return ((run, block), samples) of a cell; :class:`statistics.Cell` calls any hashable so."""
    return [(key, samples) for key, samples in cell.blocks.items() if isinstance(key, tuple)]


_POINTS = 1200
"""A chart of samples has at most about so many."""


def _samples(
    section: Section,
    cells: Mapping[Key, SampleCell],
    figures: Figures,
    one: Configuration,
    lane: str,
    disturbed: set[tuple[str, int]],
    draw: Draw,
) -> Picture | None:
    """Draw the raw samples of the headline, where there are several a block."""
    metric = models.headline(section)
    found = [c for k, c in cells.items() if k.metric == metric.id and k.case == ""]
    if not found or all(len(block) < 2 for block in found[0].blocks.values()):
        return None
    cell = found[0]
    scale, unit = (1e3, "ms") if cell.unit == "s" else (1.0, cell.unit)
    count = sum(len(samples) for _, samples in _numbered(cell))
    step = math.ceil(count / _POINTS)
    values = [
        (block, step * place, scale * float(value), (run, block) in disturbed)
        for (run, block), samples in _numbered(cell)
        for place, value in enumerate(samples[::step])
    ]
    middle = models.summary(cell)
    title = (
        f"{one.label}, {lane_words(lane)}: {quantity(middle.value, cell.unit)} per step in"
        f" {middle.processes} processes."
    )
    if step > 1:
        title = f"{title[:-1]}, {formatting.figures(count, 9)} samples, every {step}th drawn."
    name = f"samples-{section.id}-{one.framework}-{one.mode}-{figures.device}-{lane}"
    return draw(samples_chart(name, title, values, axis=f"{metric.title} in {unit}"))


def _gate(jobs: Sequence[Mapping[str, Any]]) -> tuple[Table | None, str]:
    """Return the worst of each comparison with the reference over all processes."""
    worst: dict[str, tuple[float, float, bool]] = {}
    for job in jobs:
        for quantity_name, error, tolerance, ok in job.get("facts", {}).get("gate", []):
            before = worst.get(str(quantity_name))
            if before is None or float(error) > before[0]:
                worst[str(quantity_name)] = (float(error), float(tolerance), bool(ok))
    if not worst:
        return None, ""
    rows = tuple(
        (
            Cell(name),
            Cell(f"{error:.1e}", sort=error),
            Cell(f"{tolerance:.1e}", sort=tolerance),
            Cell("", badge=Badge("✓", "agrees", "good") if ok else Badge("≠", "differs", "bad")),
        )
        for name, (error, tolerance, ok) in worst.items()
    )
    columns = (
        Column("Quantity"),
        Column("Relative error, worst process", number=True),
        Column("Tolerance", number=True),
        Column("Verdict"),
    )
    good = sum(ok for _, _, ok in worst.values())
    title = f"Gate: {good} of {len(worst)} quantities agree with the float64 reference"
    return Table("Gate", columns, rows), title


def _jobs_table(jobs: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for job in jobs:
        threads = ", ".join(f"{k} {v}" for k, v in job.get("threads", {}).items())
        load = job.get("foreign_load")
        case = " ".join(x for x in (str(job.get("start") or ""), str(job.get("case") or "")) if x)
        rows.append(
            (
                Cell(f"{job['block'] + 1}" if job["block"] is not None else "–", detail=case),
                Cell(str(job.get("order", "–"))),
                Cell("", badge=badge(job["status"])),
                Cell(f"{job['seconds']:.1f} s" if job.get("seconds") else "–"),
                Cell(str(job.get("k") or "–")),
                Cell(str(job.get("warmup", "–"))),
                Cell(threads),
                Cell("–" if load is None else f"{load:.2f}",
                     detail="disturbed" if job.get("disturbed") else ""),
            )
        )  # fmt: skip
    titles = (
        "Block", "Order", "Status", "Took", "Steps a sample", "Warm-up steps", "Threads",
        "Foreign cores",
    )  # fmt: skip
    return Table("Processes", tuple(map(Column, titles)), tuple(rows))


_LOG_LINES = 60


def _logs(jobs: Sequence[Mapping[str, Any]], key: str, inputs: Inputs) -> Iterator[LogView]:
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
        yield LogView(
            f"block {job['block']} ({formatting.STATUS_WORDS[job['status']]})",
            "\n".join(line[:2000] for line in lines),
            posixpath.join("../data", machine, framework, version, log_name(path)),
        )


def log_name(path: str) -> str:
    """Return the address of a published log beside its CSV: plain text for every server."""
    return re.sub(r"[^A-Za-z0-9._+/-]", "-", path) + ".txt"
