"""Pure: figures -> one context per page, which a template turns into Markdown.

Templates compute nothing, and a name that is not defined is an error; see
:mod:`generator.pages.markdown` for what happens to text.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import cells, labels, statistics
from generator.analysis import panels as models
from generator.analysis.cells import Key
from generator.analysis.labels import LANES, lane_label, lane_title, machine_name, view
from generator.analysis.panels import Figures, Panel, Row
from generator.catalog.model import Catalog, Section, precision
from generator.export import citation
from generator.pages import findings
from generator.pages.charts import intervals, style
from generator.pages.charts.marks import Mark
from generator.pages.findings import bare_value, evidence, labels_of, plain_summary, shown_interval
from generator.pages.inputs import Inputs, claim_views, distinct, where
from generator.pages.overviews import then_and_now
from generator.pages.parts import Block, Part
from generator.pages.tables import (
    DASH,
    Cell,
    Column,
    Table,
    figure,
    marked,
    number,
    percent,
    reason_cell,
    table,
)
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd


def context(section: Section, inputs: Inputs) -> dict[str, Any]:
    """Return the context of a section's page.

    A module of the section's name in :mod:`generator.pages.sections` makes it; without one, the
    page is that of :func:`section_context`.
    """
    name = f"generator.pages.sections.{section.id}"
    own = importlib.import_module(name) if importlib.util.find_spec(name) else None
    made = (own.context if own else section_context)(section, inputs)
    parts: Sequence[Part] = made.get("parts", ())
    claims = claim_views(inputs, section.id)
    return {
        "section": section.id,
        "title": section.question,
        "description": parts[0].answer if parts else section.title,
        "kicker": _kicker(section, inputs),
        "claims": claims,
        "said": then_and_now.counts(claim.today for claim in claims),
        "preface": "",
        "history": [item for item in inputs.book.history if item.page == section.id],
        **made,
        "cite": _cite(section, inputs),
    }


def _kicker(section: Section, inputs: Inputs) -> dict[str, Any]:
    """Return where the article had a page's question, and what answers it here."""
    devices = {device for _, device in inputs.measured(section.id)}
    words = {"cpu": "a CPU", "cuda": "a GPU"}
    where = formatting.listing([words.get(device, device) for device in sorted(devices)])
    return {
        "place": " · ".join(filter(None, (section.group, section.title))),
        "measured": f"measured here on {where}" if devices else "",
        "no_gpu": "GPU" in section.title and devices == {"cpu"},
    }


def _cite(section: Section, inputs: Inputs) -> str:
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


Own = Callable[["Section", Inputs, Figures, Part], Part]
"""(section, inputs, figures, a part of its page) -> the part as the section has it."""


def section_context(
    section: Section,
    inputs: Inputs,
    own: Own = lambda _section, _inputs, _figures, part: part,
) -> dict[str, Any]:
    """Return the context of a measured section's page: a part for each panel, made its own."""
    parts = []
    for machine, device in inputs.measured(section.id):
        figures = inputs.figures[machine, device]
        for place, panels in _tabs(p for p in figures.panels if p.section == section.id).items():
            anchor = "-".join(map(slug, filter(None, (machine, device, *place))))
            part = _part(section, inputs, figures, panels, anchor)
            parts.append(own(section, inputs, figures, part))
    return {"parts": parts, "command": f"generator measure --section {section.id}"}


def _tabs(panels: Iterable[Panel]) -> dict[tuple[str, ...], list[Panel]]:
    """Return what tells a tab apart from the first -> its panels, the first of which is drawn."""
    found: dict[tuple[str, ...], list[Panel]] = {}

    def place(panel: Panel) -> tuple[bool, int, bool]:
        documented, lane = panel.division != "closed", models.index_of([*LANES], panel.lane)
        return documented, lane, panel.case == view(panel.metric).beside[1]

    for panel in sorted(panels, key=place):
        case = "" if view(panel.metric).beside[1] else panel.case
        documented = "" if panel.division == "closed" else panel.division
        found.setdefault((panel.lane, case, documented), []).append(panel)
    first = next(iter(found), ())
    return {() if tab == first else tab: mine for tab, mine in found.items()}


def _tab(inputs: Inputs, panel: Panel) -> str:
    """Return what a panel is called among those of its page."""
    parts = [
        lane_title(panel.lane) if panel.device == "cpu" else f"GPU, {lane_label(panel.lane)}",
        "" if view(panel.metric).beside[1] else panel.case,
        "" if panel.division == "closed" else "as documented",
        "" if panel.machine == inputs.machines[0] else machine_name(inputs.document(panel.machine)),
    ]
    return ", ".join(filter(None, parts))


def _part(
    section: Section, inputs: Inputs, figures: Figures, panels: Sequence[Panel], anchor: str
) -> Part:
    """Return what a page says about the panels of a tab; the first one is drawn."""
    panel, tab = panels[0], _tab(inputs, panels[0])
    place = {"machine": figures.machine, "device": figures.device, "section": section.id}
    frame = where(inputs.shown, **place, lane=panel.lane)
    lead, said = findings.answer(panel, inputs.batch(figures))
    chart = inputs.draw(_chart(f"{section.id}-{anchor}", panel, figures, inputs))
    every = (
        *(_headline_table(tab, one, figures, inputs.batch(figures)) for one in panels),
        _others_table(section, frame, panels, figures, inputs.catalog),
    )
    faults = _faults_table(panels)
    bullets = (
        findings.failing(panel, f"#{anchor}-faults"),
        findings.compiling(panel),
        findings.smallest(panel),
    )
    return Part(
        tab,
        anchor,
        said,
        "",
        (Block("", anchor, "", (), (chart,), _foot(inputs, panel, frame)),),
        tuple(filter(None, bullets)),
        (
            Block(f"All figures ({formatting.plural(len(panel.rows), 'mode')})", f"{anchor}-all",
                  f"{_AGAINST} {view(panel.metric).others_text}".strip(), every),
            Block(f"What did not work ({len(faults.rows) if faults else 0})", f"{anchor}-faults",
                  "", (faults,)),
        ),
        lead,
    )  # fmt: skip


_AGAINST = (
    "Against the leader: the ratio to the best value, with a 95 % interval that holds for all rows"
    " together. Detectable: the difference from the leader that is found in 4 of 5 such runs."
)


_ONCE_OPEN = "Modes with one process are not ranked, so none of them is filled. "
_DOCUMENTED = "Written as each framework's documentation does, so never ranked with the others. "


def _foot(inputs: Inputs, panel: Panel, frame: pd.DataFrame) -> str:
    """Return where, when and how often the values of a panel were measured."""
    days = list(dict.fromkeys(map(formatting.day, sorted(map(str, frame["run"].unique())))))
    blocks = sorted({row.summary.processes for row in panel.good if row.summary})
    least = f"{blocks[0]} to " if blocks[:1] != blocks[-1:] else ""
    often = [f"{least}{blocks[-1]} process{'es' * (blocks[-1] > 1)} each"] if blocks else []
    name = machine_name(inputs.document(panel.machine, panel.device))
    case = view(panel.metric).beside[1]
    first = f"Filled: {panel.case} caches, open: {case}. " if case else ""
    if panel.case == case != "":
        first = f"With {case} caches only. "
    first += "" if panel.division == "closed" else _DOCUMENTED
    first += _ONCE_OPEN if blocks[:1] == [1] != blocks[-1:] else ""
    return first + ", ".join([name, " to ".join(dict.fromkeys((days[0], days[-1]))), *often]) + "."


def _chart(name: str, panel: Panel, figures: Figures, inputs: Inputs) -> style.Chart:
    """Return the chart of a panel: one row a framework."""
    how, batch = view(panel.metric), inputs.batch(figures)
    words = formatting.STATUS_WORDS
    faults = [
        Mark(name, name, fault=words[status]) for name, status in findings.without(panel).items()
    ]
    return intervals.intervals(
        name,
        findings.chart_title(panel),
        [*_marks(panel, figures, batch), *faults],
        measure=f"{how.axis}, batch {batch}, {precision(panel.lane)}",
        looks=inputs.catalog.looks,
        better="higher" if how.rate else panel.metric.better,
    )


def _marks(panel: Panel, figures: Figures, batch: int) -> Iterator[Mark]:
    """Yield each framework's best mode, with its other modes or what is shown alongside."""
    how, unit = view(panel.metric), panel.metric.unit
    scale, names = labels.SCALES.get(unit, 1.0), labels_of(panel.rows)
    case = how.beside[1]

    def value(row: Row) -> statistics.Interval:
        found = row.summary
        assert found is not None
        if how.rate:
            return found.rate(batch)
        return statistics.Interval(*(scale * x for x in (found.value, found.low, found.high)))

    def text(row: Row) -> str:
        return bare_value(row, panel, batch).removesuffix(" images/s")

    for best in panel.best:
        one, own = best.configuration, value(best)
        alongside = _beside(best, panel, figures) if case else None
        others = [
            Mark(names[row.configuration], one.framework_name, "", value(row).value, text=text(row))
            for row in panel.good
            if not case and row is not best and row.configuration.framework == one.framework
        ]
        yield Mark(
            one.framework_name, one.framework_name, "", own.value, own.low,
            own.high, text(best),
            scale * plain_summary(alongside)[0] if alongside else None,
            tooltip=counts_cell(best).text.replace(" × ", " blocks of ") + " samples",
            note=one.mode_title, lead=best.group == 0, others=tuple(others),
        )  # fmt: skip


def _beside(row: Row, panel: Panel, figures: Figures) -> cells.Cell | None:
    """Return the samples of what is shown alongside a row, if there are any."""
    metric, case = view(panel.metric).beside
    if row.cell is None or not (metric or case):
        return None
    key = row.cell.key._replace(metric=metric or panel.metric.id, case=case or panel.case)
    return figures.cells.get(key)


def verdict_cell(row: Row, panel: Panel) -> Cell:
    """Return the cell that says how a row stands against the leader of its panel."""
    if row.summary is None:
        return marked(row.status, detail="see below")
    if row.group < 0:
        return marked("not ranked (one process)")
    ratio = row.against
    if ratio is None:
        more = len(panel.leaders) - 1
        level = f"{more} not distinguishable from it" if more else ""
        return marked("best estimate" if more else "leads", sort=1.0, detail=level)
    text = f"{ratio.value:.2f} × the {view(panel.metric).more}"
    across = "measured in another run" if ratio.across else ""
    detail = ", ".join(filter(None, (findings.ratio_interval(ratio), across)))
    if row.verdict in ("equivalent", "not resolved"):
        detail = f"{text} ({detail})" if detail else text
        return marked(row.verdict, sort=ratio.value, detail=detail)
    return Cell(text, ratio.value, detail=detail)


def _headline_table(tab: str, panel: Panel, figures: Figures, batch: int) -> Table | None:
    """Return every configuration of a panel: its value, and how it stands against the leader."""
    title = ", ".join(filter(None, ("All figures", tab, panel.case)))
    names, how = labels_of(panel.rows), view(panel.metric)
    records = []
    for row in panel.rows:
        record = {Column("Configuration"): _name_cell(row, names[row.configuration])}
        record |= _values(row, panel, batch)
        if how.beside_column and (how.beside[0] or panel.case != how.beside[1]):
            beside = _beside(row, panel, figures)
            record[number(how.beside_column)] = _other_cell(beside) if beside else DASH
        record[Column("Against the leader")] = verdict_cell(row, panel)
        record[number("Detectable")] = percent(row.detectable)
        record[Column("Processes × samples")] = counts_cell(row)
        records.append(record)
    return table(title, records)


def _name_cell(row: Row, label: str) -> Cell:
    one = row.configuration
    kind = {"symbolic": "graph"}.get(one.kind, one.kind)
    parts = [one.release, kind, "" if one.division == "closed" else "as documented"]
    return Cell(label, detail=", ".join(filter(None, parts)), strong=row.group == 0)


def _values(row: Row, panel: Panel, batch: int) -> dict[Column, Cell]:
    """Return the cells of the headline: its value, or a rate and the value."""
    how, found = view(panel.metric), row.summary
    link = evidence(panel.section, row.configuration, panel)
    headline, step = number(f"{how.column}, 95 % interval"), number("Per step")
    if found is None:
        return {headline: Cell("–", href=link)} | ({step: DASH} if how.rate else {})
    interval = shown_interval(row, panel, batch) or "one process"
    value = figure([found.value], panel.metric.unit, link)
    if not how.rate:
        return {headline: replace(value, detail=interval)}
    rate = batch / found.value
    return {headline: Cell(formatting.figures(rate, 4), rate, link, interval), step: value}


def counts_cell(row: Row) -> Cell:
    """Return how many processes and samples a value is from, and what was odd about them."""
    found = row.summary
    if found is None or row.cell is None:
        return Cell(f"{row.faults} × 0" if row.faults else "–")
    notes = {"warned": "unsteady: spread over 10 %", "unreliable": "unreliable: spread over 25 %"}
    odd = [
        notes.get(found.spread, ""),
        f"{row.cell.disturbed} disturbed" if row.cell.disturbed else "",
        f"{row.faults} failed" if row.faults else "",
        "" if found.steadiness == "flat" else found.steadiness,
        findings.modes_text(row.cell),
    ]
    counts = f"{found.processes} × {found.samples // max(found.processes, 1)}"
    return Cell(counts, float(found.processes), detail="; ".join(filter(None, odd)))


def _others_table(
    section: Section,
    frame: pd.DataFrame,
    panels: Sequence[Panel],
    figures: Figures,
    catalog: Catalog,
) -> Table | None:
    """Return every other metric of a tab's configurations, and of their installation."""
    panel = panels[0]
    mine = {row.configuration.key for each in panels for row in each.rows}
    found = {
        key: cell
        for key, cell in figures.cells.items()
        if (key.section == section.id and key.metric != panel.metric.id and not cells.is_again(key))
        and (((key.framework, key.version, key.mode) in mine and key.lane == panel.lane)
             or (not key.lane and panel.division == "closed"))
    }  # fmt: skip
    known = {key.metric for key in found} - {*view(panel.metric).hidden}
    metrics = [metric for metric in section.metrics.values() if metric.id in known]
    bad = distinct(frame[frame["status"] != "ok"], *Key._fields[1:], "status")
    gaps = {row[:-1]: row[-1] for row in bad}
    places = {key._replace(metric="") for key in found} if metrics else ()
    records = []
    for place in sorted(places, key=lambda key: (not key.lane, key)):
        one = models.configuration(catalog, place.framework, place.version, place.mode)
        record = {Column("Configuration"): Cell(one.label, detail=one.release)}
        if any(place.case for place in places):
            record[Column("Case")] = Cell(place.case)
        for metric in metrics:
            key = place._replace(metric=metric.id)
            status = gaps.get(key[1:])
            missing = marked(status) if status else DASH
            title = metric.title[:1].upper() + metric.title[1:]
            record[number(title)] = _other_cell(found[key]) if key in found else missing
        records.append(record)
    return table(f"{section.title}, other figures", records)


def _other_cell(cell: cells.Cell) -> Cell:
    link = findings.figure_evidence(cell.key) if cell.key.mode and cell.key.lane else ""
    return figure(plain_summary(cell), cell.unit, link)


def _faults_table(panels: Sequence[Panel]) -> Table | None:
    """Return what has no value, or lacks some of its blocks, each with its reason."""
    rows = [
        {
            "Configuration": Cell(
                labels_of(panel.rows)[row.configuration],
                detail=", ".join(filter(None, (row.configuration.release, panel.case))),
            ),
            "What happened": marked(
                row.status if row.summary is None else "failed",
                detail=formatting.plural(row.faults, "block") if row.faults else "",
            ),
            "Reason": reason_cell(row.reason),
            "Evidence": Cell(
                "log and rows", href=evidence(panel.section, row.configuration, panel)
            ),
        }
        for panel in panels
        for row in panel.rows
        if row.reason
    ]
    return table("What did not work", rows)
