"""The context of the first page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.labels import DEVICES, TOPICS, machine_words, view
from generator.analysis.panels import Figures, Panel
from generator.catalog import freshness
from generator.pages.findings import (
    finding,
    frameworks_of,
    labels_of,
    main_panel,
    names,
    place_words,
    shown_value,
)
from generator.pages.inputs import Inputs, claim_views, main_figures
from generator.pages.markdown import escape
from generator.pages.tables import Cell, Column, Table
from generator.pages.urls import slug


@dataclass(frozen=True)
class Board:
    """What leads where on one machine and device."""

    suffix: str
    anchor: str
    table: Table


def home_context(inputs: Inputs, known: Mapping[tuple[str, str], Figures]) -> dict[str, Any]:
    """Return the context of the first page."""
    boards: list[Board] = []
    findings: list[str] = []
    byline = ""
    for machine, device in inputs.measured():
        figures = known[machine, device]
        suffix = "" if not boards else f" on {inputs.document(machine)['machine']['cpu']}"
        if len(inputs.devices(machine)) > 1:
            suffix += f" ({DEVICES.get(device, device)})"
        board = _board(figures, inputs)
        if board.rows:
            boards.append(Board(suffix, slug(f"leads-{machine}-{device}"), board))
        if not findings:
            findings = _home_findings(figures, inputs)
            document = inputs.document(machine, device)
            byline = (
                f"Newest run {formatting.day(document['run'])}, {machine_words(document)}."
                f" {_versions(inputs, machine)}."
            )
    return {
        "title": "Symbolic deep learning frameworks, compared again",
        "description": f"{formatting.listing([f.name for f in inputs.catalog.frameworks])}:"
        " verified, then measured, with raw data.",
        "findings": [Markup("{}\n").format(escape(text)) for text in findings]
        or [escape("Nothing is measured yet.")],
        "byline": byline,
        "watch": freshness.watched(inputs.catalog.frameworks, inputs.today),
        "boards": boards,
        "claims": claim_views(inputs.book, "home", main_figures(inputs, known)) if boards else (),
        "news": _news(inputs),
        "article": inputs.book.article,
    }


def _versions(inputs: Inputs, machine: str) -> str:
    subjects = {tuple(key.split("/")[1:3]) for here, _, _, key in inputs.places if here == machine}
    found = {
        (models.configuration(inputs.catalog, framework, version, "").framework_name, version)
        for framework, version in subjects
    }
    return formatting.listing([f"{name} {version}" for name, version in sorted(found)])


def _with_leaders(figures: Figures) -> list[Panel]:
    """Return the panels that something leads, by topic; a sweep has no single leader."""
    topics = list(TOPICS)
    panels = [panel for panel in figures.panels if panel.good and panel.section in TOPICS]
    return sorted(panels, key=lambda panel: topics.index(panel.section))


def _home_findings(figures: Figures, inputs: Inputs) -> list[str]:
    """One sentence a topic, about the panel that ranks most configurations."""
    sentences = []
    batch = int(inputs.document(figures.machine, figures.device)["settings"].get("batch", 64))
    panels = _with_leaders(figures)
    for section, topic in TOPICS.items():
        if panel := main_panel([panel for panel in panels if panel.section == section]):
            found = finding(panel, batch)
            sentences.append(f"{topic} ({found.where[:1].lower()}{found.where[1:]}): {found.text}")
    return sentences


def _board(figures: Figures, inputs: Inputs) -> Table:
    batch = int(inputs.document(figures.machine, figures.device)["settings"].get("batch", 64))
    rows = []
    for panel in _with_leaders(figures):
        how = view(panel.metric)
        labels = labels_of(panel.rows)
        first = panel.good[0]
        link = f"{panel.section}.md"
        follower = next((row for row in panel.good if row.group == 1), None)
        tied = len(panel.leaders)
        leaders = names(panel.leaders) if tied < 5 else frameworks_of(panel.leaders)
        behind = Cell("–", detail="nothing else is told apart" if len(panel.ranked) > 1 else "")
        if follower is not None and follower.against is not None:
            behind = Cell(
                labels[follower.configuration],
                detail=f"{follower.against.value:.2f} × the {how.more}",
            )
        faults = len(panel.rows) - len(panel.good)
        rows.append(
            (
                Cell(
                    TOPICS[panel.section],
                    href=link,
                    detail=place_words(panel, how)
                    + (f", {panel.case} caches" if how.start_case else ""),
                ),
                Cell(leaders, strong=True, detail=(f"{tied} tied, " if tied > 1 else "")
                     + f"of {len(panel.rows)}"
                     + (f", {len(panel.once)} measured once" if panel.once else "")
                     + (f", {faults} without a valid result" if faults else "")),
                Cell(shown_value(first, panel, batch), href=link),
                behind,
            )
        )  # fmt: skip
    titles_of_columns = ("Question", "In the lead", "Best estimate", "First one told apart")
    return Table("What leads where", tuple(map(Column, titles_of_columns)), tuple(rows))


def _news(inputs: Inputs, limit: int = 5) -> list[str]:
    runs: dict[str, list[str]] = {}
    for key in sorted({key for _, _, _, key in inputs.places}):
        runs.setdefault(inputs.documents[key]["run"], []).append(key)
    news = []
    for run in sorted(runs, reverse=True)[:limit]:
        documents = [inputs.documents[key] for key in runs[run]]
        names = formatting.listing(
            [
                f"{models.configuration(inputs.catalog, d['framework'], '', '').framework_name}"
                f" {d['version']}"
                for d in documents
            ]
        )
        first = documents[0]
        device = "on the processor" if first["device"] == "cpu" else "on the graphics card"
        news.append(
            f"{formatting.day(run)}: {names}, measured {device} of {first['machine']['cpu']}"
            f" ({first['profile']} profile, run {run})."
        )
    return news
