"""The context of the first page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from generator import formatting
from generator.analysis.labels import DEVICES, TOPICS, machine_label, view
from generator.analysis.panels import Figures, Panel
from generator.catalog import freshness
from generator.pages.findings import (
    Finding,
    finding,
    frameworks_of,
    labels_of,
    main_panel,
    names,
    panel_label,
    ratio_text,
    shown_interval,
    shown_value,
)
from generator.pages.inputs import Inputs, claim_views
from generator.pages.markdown import escape
from generator.pages.tables import Cell, Table, table
from generator.pages.urls import slug


def home_context(inputs: Inputs, known: Mapping[tuple[str, str], Figures]) -> dict[str, Any]:
    """Return the context of the first page."""
    boards: list[dict[str, Any]] = []  # what leads where on one machine and device
    findings: list[Finding] = []
    byline = ""
    for machine, device in inputs.measured():
        figures = known[machine, device]
        suffix = "" if not boards else f"on {inputs.document(machine)['machine']['cpu']}"
        if len(inputs.devices(machine)) > 1:
            suffix += f" ({DEVICES.get(device, device)})"
        board = _board(figures, inputs)
        if board.rows:
            anchor = slug(f"leads-{machine}-{device}")
            boards.append({"suffix": suffix.strip(), "anchor": anchor, "table": board})
        if not findings:
            findings = _home_findings(figures, inputs)
            document = inputs.document(machine, device)
            byline = (
                f"Newest run {formatting.day(document['run'])}, {machine_label(document)}."
                f" {_versions(inputs, machine)}."
            )
    return {
        "title": "Symbolic deep learning frameworks, compared again",
        "description": f"{formatting.listing([f.name for f in inputs.catalog.frameworks])}:"
        " verified, then measured, with raw data.",
        "findings": [
            Markup("**{}:** {}\n").format(escape(f.where), escape(f.text)) for f in findings
        ]
        or [escape("Nothing is measured yet.")],
        "byline": byline,
        "watch": freshness.watched(inputs.catalog.frameworks, inputs.today),
        "boards": boards,
        "claims": claim_views(inputs, "home", known) if boards else (),
        "news": _news(inputs),
        "article": inputs.book.article,
        "compared": formatting.listing(
            [f.name for f in inputs.catalog.frameworks if f.id in inputs.book.article["compared"]]
        ),
    }


def _versions(inputs: Inputs, machine: str) -> str:
    keys = [key.split("/") for here, _, _, key in inputs.places if here == machine]
    found = {(inputs.name(framework), version) for _, framework, version, _ in keys}
    return formatting.listing([f"{name} {version}" for name, version in sorted(found)])


def _with_leaders(figures: Figures) -> list[Panel]:
    """Return the panels that something leads, by topic; a sweep has no single leader."""
    topics = list(TOPICS)
    panels = [panel for panel in figures.panels if panel.good and panel.section in TOPICS]
    return sorted(panels, key=lambda panel: topics.index(panel.section))


def _home_findings(figures: Figures, inputs: Inputs) -> list[Finding]:
    """One finding a topic, about the panel that ranks most configurations."""
    found = []
    panels = _with_leaders(figures)
    for section, topic in TOPICS.items():
        if panel := main_panel([panel for panel in panels if panel.section == section]):
            said = finding(panel, inputs.batch(figures))
            found.append(Finding(f"{topic}, {said.where[:1].lower()}{said.where[1:]}", said.text))
    return found


def _board(figures: Figures, inputs: Inputs) -> Table:
    rows = []
    for panel in _with_leaders(figures):
        link, labels = f"{panel.section}.md", labels_of(panel.rows)
        leading, faults = len(panel.leaders), len(panel.rows) - len(panel.good)
        counts = [
            f"{leading} of {len(panel.ranked)} ranked" if leading else "",
            f"{len(panel.once)} not ranked (one process)" if panel.once else "",
            f"{faults} without a valid result" if faults else "",
        ]
        leaders = names(panel.leaders) if leading < 5 else frameworks_of(panel.leaders)
        best = (*panel.leaders, *panel.good)[0]
        interval = shown_interval(best, panel, inputs.batch(figures)) or "one process"
        rows.append(
            (
                Cell(TOPICS[panel.section], href=link, detail=panel_label(panel, caches=True)),
                Cell(leaders or "–", strong=True, detail=", ".join(filter(None, counts))),
                Cell(
                    shown_value(best, panel, inputs.batch(figures)),
                    href=link,
                    detail=f"{labels[best.configuration]}, {interval}",
                ),
                _follower_cell(panel),
            )
        )
    titles = ("Question", "Leading group", "Best estimate", "Closest that differs")
    return table("What leads where", titles, rows)


def _follower_cell(panel: Panel) -> Cell:
    """Return the best row outside the leading group, with its ratio to the leader."""
    for row in panel.ranked:
        if row.group > 0 and row.against is not None:
            return Cell(
                labels_of(panel.rows)[row.configuration],
                detail=ratio_text(row.against, f"the {view(panel.metric).more}"),
            )
    return Cell("–", detail="nothing else differs" if len(panel.ranked) > 1 else "")


def _news(inputs: Inputs, limit: int = 5) -> list[str]:
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for key in sorted({key for _, _, _, key in inputs.places}):
        document = inputs.documents[key]
        runs.setdefault(document["run"], []).append(document)
    news = []
    for run in sorted(runs, reverse=True)[:limit]:
        first = runs[run][0]
        versions = [f"{inputs.name(d['framework'])} {d['version']}" for d in runs[run]]
        device = "on the processor" if first["device"] == "cpu" else "on the graphics card"
        news.append(
            f"{formatting.day(run)}: {formatting.listing(versions)}, measured {device} of"
            f" {first['machine']['cpu']} ({first['profile']} profile, run {run})."
        )
    return news
