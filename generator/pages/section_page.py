"""Pure: figures -> one context per page, which a template turns into Markdown.

Templates compute nothing, and a name that is not defined is an error; see
:mod:`generator.pages.markdown` for what happens to text.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import panels as models
from generator.analysis import statistics
from generator.analysis.cells import AGAIN, Key
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.labels import (
    DEVICES,
    ESTIMATORS,
    SCALES,
    View,
    lane_title,
    machine_words,
    view,
)
from generator.analysis.panels import Configuration, Figures, Panel, Row
from generator.export import citation
from generator.formatting import quantity, span
from generator.pages.charts import intervals, style
from generator.pages.charts.marks import Mark
from generator.pages.findings import (
    Finding,
    chart_title,
    evidence,
    figure_evidence,
    finding,
    labels_of,
    names,
    place_words,
    plain_summary,
)
from generator.pages.inputs import Draw, Inputs, Picture, claim_views, distinct, finite, where
from generator.pages.markdown import escape
from generator.pages.tables import Badge, Cell, Column, Table, badge
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Section

# ------------------------------------------------------------------------------------ sections


@dataclass(frozen=True)
class DeviceView:
    """What a section's page says about one device of one machine."""

    heading: str
    anchor: str
    byline: str
    findings: tuple[Markup, ...]
    charts: tuple[Picture, ...]
    caption: str
    table: Table
    others: Table | None
    faults: Table | None


@dataclass(frozen=True)
class MachineView:
    """What a section's page says about one machine."""

    heading: str
    anchor: str
    byline: str
    devices: tuple[DeviceView, ...]


def section_context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of a measured section's page.

    Args:
        section: the section.
        inputs: see :class:`Inputs`.
        known: (machine, device) -> figures.
        draw: draws charts.

    """
    machines: list[MachineView] = []  # the first one needs no heading: its finding comes first
    for machine in inputs.machines:
        devices = inputs.devices(machine, section.id)
        if not devices:
            continue
        views = []
        for device in devices:
            figures = known[machine, device]
            panels = tuple(p for p in figures.panels if p.section == section.id)
            if not panels:
                continue
            heading = DEVICES.get(device, device) if len(devices) > 1 else ""
            frame = where(inputs.shown, machine=machine, device=device, section=section.id)
            views.append(_device(section, inputs, figures, panels, frame, heading, draw))
        if views:
            document = inputs.document(machine)
            machines.append(
                MachineView(
                    f"Machine: {document['machine']['cpu']}" if machines else "",
                    f"machine-{slug(machine)}",
                    f"Measured on {machine_words(document)}.",
                    tuple(views),
                )
            )
    main = (
        known.get((inputs.machines[0], inputs.devices(inputs.machines[0])[0])) if machines else None
    )
    return {
        "title": section.title,
        "description": section.question,
        "question": section.question,
        "machines": machines,
        "claims": claim_views(inputs.book, section.id, main),
        "history": [item for item in inputs.book.history if item.page == section.id],
        "others_title": view(models.headline(section)).others,
        "command": f"generator measure --section {section.id}",
    }


def _device(
    section: Section,
    inputs: Inputs,
    figures: Figures,
    panels: tuple[Panel, ...],
    frame: pd.DataFrame,
    heading: str,
    draw: Draw,
) -> DeviceView:
    document = inputs.document(figures.machine, figures.device)
    batch = int(document["settings"].get("batch", 64))
    how = view(panels[0].metric)
    drawn = [p for p in panels if not how.start_case or p.case != how.start_case]
    findings = [finding(panel, batch) for panel in drawn]
    wrong = {row.configuration: row for p in panels for row in p.rows if row.status == "wrong"}
    if wrong:
        text = f"{names(list(wrong.values()))}: not the work of the reference, so no time is shown."
        findings.append(Finding("Found wrong by the gate", text))
    runs = sorted(str(run) for run in frame["run"].unique())
    dates = sorted(
        {formatting.day(run) for run in runs}, key=[formatting.day(run) for run in runs].index
    )
    profiles = formatting.listing(sorted({str(name) for name in frame["profile"].unique()}))
    name = f"{section.id}-{figures.device}-{slug(figures.machine)}"
    return DeviceView(
        heading,
        f"{slug(figures.machine)}-{figures.device}",
        f"{formatting.listing(dates)}, profile {profiles}, batch {batch}, "
        f"{document['settings'].get('precision', 'float32')}.",
        tuple(Markup("**{}:** {}\n").format(escape(f.where), escape(f.text)) for f in findings),
        (draw(_chart(name, panels, drawn, figures, batch, inputs.catalog)),) if drawn else (),
        _caption(drawn, how),
        _headline_table(section, panels, figures, batch),
        _others_table(section, frame, figures, inputs.catalog),
        _faults_table(section, panels),
    )


def _caption(panels: Sequence[Panel], how: View) -> str:
    parts = [how.marks] if how.marks else []
    parts.append(
        f"Points: {ESTIMATORS[statistics.ESTIMATOR]} of each process, geometric mean over"
        " processes. Lines: 95 % intervals."
    )
    found = [
        f"{100 * panel.detectable:.0f} % ({place_words(panel, how).lower()})"
        for panel in panels
        if math.isfinite(panel.detectable)
    ]
    if found:
        parts.append(
            f"Smallest difference that would be found 4 times in 5: {formatting.listing(found)}."
        )
    return " ".join(parts)


def _chart(
    name: str,
    panels: Sequence[Panel],
    drawn: Sequence[Panel],
    figures: Figures,
    batch: int,
    catalog: Catalog,
) -> style.Chart:
    metric = panels[0].metric
    how = view(metric)
    marks = [
        _mark(row, panel, panels, figures, batch, labels_of(panel.rows))
        for panel in drawn
        for row in panel.rows
    ]
    better = "higher" if how.rate else metric.better
    return intervals.intervals(
        name,
        chart_title(drawn),
        marks,
        axis=how.axis,
        frameworks=[framework.name for framework in catalog.frameworks],
        better=better,
        log=how.log,
    )


def _mark(
    row: Row,
    panel: Panel,
    panels: Sequence[Panel],
    figures: Figures,
    batch: int,
    labels: Mapping[Configuration, str],
) -> Mark:
    one, how = row.configuration, view(panel.metric)
    label, name = labels[one], one.framework_name
    if row.summary is None:
        word = formatting.STATUS_WORDS[row.status]
        return Mark(label, name, place_words(panel, how), fault=word)
    found = row.summary
    scale = SCALES.get(panel.metric.unit, 1.0)
    value = statistics.Interval(*(scale * x for x in (found.value, found.low, found.high)))
    text = quantity(found.value, panel.metric.unit)
    start = None
    if how.rate:
        value, text = found.rate(batch), formatting.figures(batch / found.value, 4)
    elif how.start:
        start = _estimate(figures, panel, one, how.start, panel.case)
    elif how.start_case:
        other = next(
            (
                p
                for p in panels
                if (p.lane, p.case, p.division) == (panel.lane, how.start_case, panel.division)
            ),
            None,
        )
        twin = [r for r in (other.good if other else ()) if r.configuration == one]
        start = twin[0].summary.value if twin and twin[0].summary else None
    return Mark(
        label,
        name,
        place_words(panel, how),
        value.value,
        finite(value.low),
        finite(value.high),
        text,
        None if start is None else start * scale,
        tooltip=f"{found.processes} processes, {found.samples} samples",
    )


def _estimate(
    figures: Figures, panel: Panel, one: Configuration, metric: str, case: str
) -> float | None:
    key = Key(
        panel.machine, one.framework, one.version, panel.section, one.mode, panel.device,
        panel.lane, case, metric,
    )  # fmt: skip
    cell = figures.cells.get(key)
    return None if cell is None else plain_summary(cell)[0]


_LEADS = Badge("▲", "leads", "good")
_TIED = Badge("=", "no practical difference", "good")
_UNRESOLVED = Badge("?", "unresolved", "middle")
_ONCE = Badge("1", "measured once", "none")


def verdict_cell(row: Row, panel: Panel) -> Cell:
    """Return the cell that says how a row stands against the leader of its panel."""
    how = view(panel.metric)
    if row.summary is None:
        return Cell("", badge=badge(row.status), detail="see below")
    if row.against is None:
        tied = len(panel.leaders) > 1
        text = "" if not tied else f"tied with {len(panel.leaders) - 1} more"
        return Cell("", sort=1.0, badge=_LEADS, detail=text)
    ratio = row.against
    words = f"{ratio.value:.2f} × the {how.more}"
    if math.isfinite(ratio.low):
        words += f" ({ratio.low:.2f} to {ratio.high:.2f})"
    if row.group < 0:
        return Cell("", sort=round(ratio.value, 4), badge=_ONCE, detail=words)
    if row.verdict == "no practical difference":
        return Cell("", sort=round(ratio.value, 4), badge=_TIED, detail=words)
    if row.verdict == "unresolved":
        return Cell("", sort=round(ratio.value, 4), badge=_UNRESOLVED, detail=words)
    interval = f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""
    return Cell(f"{ratio.value:.2f} × the {how.more}", sort=round(ratio.value, 4), detail=interval)


def _headline_table(
    section: Section,
    panels: Sequence[Panel],
    figures: Figures,
    batch: int,
) -> Table:
    metric = panels[0].metric
    how = view(metric)
    with_case = any(panel.case for panel in panels)
    gated = "gate" in section.metrics
    columns = [Column("Configuration"), Column("Lane", narrow=True)]
    if with_case:
        columns.append(Column("Caches"))
    columns.append(Column(f"{how.column}, 95 % interval", number=True))
    if how.rate:
        columns.append(Column("Per step", number=True))
    columns.append(Column("Against the leader"))
    if gated:
        columns.append(Column("Same work"))
    columns.append(Column("Processes × samples"))
    rows = []
    for panel in panels:
        labels = labels_of(panel.rows)
        for row in panel.rows:
            rows.append(_headline_row(row, panel, labels, batch, with_case, gated))
    return Table(f"{section.title}, {figures.device}", tuple(columns), tuple(rows))


def _headline_row(
    row: Row,
    panel: Panel,
    labels: Mapping[Configuration, str],
    batch: int,
    with_case: bool,
    gated: bool,
) -> tuple[Cell, ...]:
    one, how = row.configuration, view(panel.metric)
    link = evidence(panel.section, one, panel)
    kind = {"symbolic": "graph", "imperative": "imperative"}.get(one.kind, one.kind)
    parts = [one.release, kind, "" if one.division == "closed" else f"{one.division} division"]
    detail = ", ".join(part for part in parts if part)
    cells = [Cell(labels[one], detail=detail, strong=row.group == 0), Cell(lane_title(panel.lane))]
    if with_case:
        cells.append(Cell(panel.case))
    if row.summary is None:
        cells.append(Cell("–", href=link))
        if how.rate:
            cells.append(Cell("–"))
        cells.append(verdict_cell(row, panel))
        if gated:
            cells.append(Cell("", badge=_gate_badge(row)))
        cells.append(Cell(f"{row.faults} × 0" if row.faults else "–"))
        return tuple(cells)
    found = row.summary
    if how.rate:
        rate = found.rate(batch)
        text, interval = formatting.figures(rate.value, 4), _span(rate.low, rate.high, "")
        cells.append(Cell(text, round(rate.value, 2), link, interval))
        step = quantity(found.value, panel.metric.unit)
        cells.append(Cell(step, round(found.value, 7), link))
    else:
        text = quantity(found.value, panel.metric.unit)
        interval = _span(found.low, found.high, panel.metric.unit)
        cells.append(Cell(text, float(f"{found.value:.6g}"), link, interval))
    cells.append(verdict_cell(row, panel))
    if gated:
        cells.append(Cell("", badge=_gate_badge(row)))
    assert row.cell is not None
    notes = {"warned": "unsteady: spread over 10 %", "unreliable": "unreliable: spread over 25 %"}
    extra = [notes[found.spread]] if found.spread else []
    if row.cell.disturbed:
        extra.append(f"{row.cell.disturbed} disturbed")
    if row.faults:
        extra.append(f"{row.faults} failed")
    if found.steadiness not in ("", "flat"):
        extra.append(found.steadiness)
    counts = f"{found.processes} × {found.samples // max(found.processes, 1)}"
    cells.append(Cell(counts, float(found.processes), detail="; ".join(extra)))
    return tuple(cells)


def _span(low: float, high: float, unit: str) -> str:
    return span(low, high, unit) if math.isfinite(low) and math.isfinite(high) else "one process"


def _gate_badge(row: Row) -> Badge:
    if row.status == "wrong":
        return Badge("≠", "differs", "bad")
    if row.summary is None:
        return Badge("○", "not reached", "none")
    return Badge("✓", "verified", "good")


def _others_table(
    section: Section, frame: pd.DataFrame, figures: Figures, catalog: Catalog
) -> Table | None:
    """Return every other metric of a section, one row a configuration, lane and case."""
    first = models.headline(section).id
    hidden = view(models.headline(section)).hidden
    cells = {
        key: cell
        for key, cell in figures.cells.items()
        if key.section == section.id and key.metric != first and key.case != AGAIN
    }
    metrics = [
        metric
        for metric in section.metrics.values()
        if metric.id not in hidden and any(key.metric == metric.id for key in cells)
    ]
    if not metrics:
        return None
    places = sorted(
        {(k.framework, k.version, k.mode, k.lane, k.case) for k in cells},
        key=lambda p: (p[3] == "", p[0], p[1], p[2], p[3], p[4]),
    )
    with_case = any(place[4] for place in places)
    gaps = _gaps(frame)
    rows = []
    for framework, version, mode, lane, case in places:
        one = models.configuration(catalog, framework, version, mode)
        row = [
            Cell(one.label, detail=one.release),
            Cell(lane_title(lane) if lane else "installation"),
        ]
        if with_case:
            row.append(Cell(case))
        for metric in metrics:
            key = Key(
                figures.machine, framework, version, section.id, mode, figures.device, lane, case,
                metric.id,
            )  # fmt: skip
            link = figure_evidence(key) if key in cells and mode and lane else ""
            row.append(_other_cell(cells.get(key), gaps.get((key[1:]), ""), link))
        rows.append(tuple(row))
    columns = [Column("Configuration"), Column("Lane", narrow=True)]
    if with_case:
        columns.append(Column("Case"))
    columns += [Column(m.title[:1].upper() + m.title[1:], number=True) for m in metrics]
    return Table(f"{section.title}, other figures", tuple(columns), tuple(rows))


def _other_cell(cell: SampleCell | None, status: str, link: str) -> Cell:
    if cell is None:
        return Cell("", badge=badge(status)) if status else Cell("–")
    value, low, high, _, _ = plain_summary(cell)
    detail = span(low, high, cell.unit) if high > 1.0001 * low else ""
    return Cell(quantity(value, cell.unit), float(f"{value:.6g}"), link, detail)


def _gaps(frame: pd.DataFrame) -> dict[tuple[str, ...], str]:
    bad = frame[frame["status"] != "ok"]
    columns = (*Key._fields[1:], "status")
    return {row[:-1]: row[-1] for row in distinct(bad, *columns)}


def _faults_table(section: Section, panels: Sequence[Panel]) -> Table | None:
    rows = []
    for panel in panels:
        labels = labels_of(panel.rows)
        for row in panel.rows:
            if not row.reason:
                continue
            link = evidence(section.id, row.configuration, panel)
            where = lane_title(panel.lane) + (f", {panel.case}" if panel.case else "")
            status = row.status if row.summary is None else "failed"
            rows.append(
                (
                    Cell(labels[row.configuration], detail=row.configuration.release),
                    Cell(where),
                    Cell(
                        "",
                        badge=badge(status),
                        detail=formatting.plural(row.faults, "block") if row.faults else "",
                    ),
                    Cell(row.reason),
                    Cell("log and rows", href=link),
                )
            )
    if not rows:
        return None
    titles = ("Configuration", "Lane", "What happened", "Reason", "Evidence")
    return Table("What did not work", tuple(map(Column, titles)), tuple(rows))


# ------------------------------------------------------------------------------ one section's page


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of a section's page.

    A module of the section's name in :mod:`pages.sections` makes it; without one, the page is
    that of :func:`section_context`.
    """
    name = f"generator.pages.sections.{section.id}"
    if importlib.util.find_spec(name) is None:
        make = section_context
    else:
        make = importlib.import_module(name).context
    return {**make(section, inputs, known, draw), "cite": cite(section, inputs)}


def cite(section: Section, inputs: Inputs) -> str:
    """Return an entry for BibTeX of a section's page, "" where nothing says how to cite."""
    if inputs.citation is None:
        return ""
    runs = [inputs.documents[key]["run"] for _, _, id, key in inputs.places if id == section.id]
    return citation.bibtex(
        replace(inputs.citation, title=f"{inputs.citation.title}: {section.title}"),
        f"symbolic-comparison-{section.id}",
        f"{inputs.address}report/{section.id}.html" if inputs.address else "",
        f"Newest run {max(runs)}" if runs else "",
    )


# -------------------------------------------------------------------------------------------- home
