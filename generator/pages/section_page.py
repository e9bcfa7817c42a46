"""Pure: figures -> one context per page, which a template turns into Markdown.

Templates compute nothing, and a name that is not defined is an error; see
:mod:`generator.pages.markdown` for what happens to text.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import labels, statistics
from generator.analysis import panels as models
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.cells import Key, is_again
from generator.analysis.labels import View, lane_title, machine_label, view
from generator.analysis.panels import Figures, Panel, Row
from generator.export import citation
from generator.formatting import quantity
from generator.pages.charts import intervals, style
from generator.pages.charts.marks import Mark
from generator.pages.findings import (
    chart_title,
    evidence,
    failing,
    figure_evidence,
    finding,
    interval_text,
    labelled,
    modes_text,
    panel_label,
    plain_summary,
    ratio_interval,
    shown_interval,
)
from generator.pages.inputs import (
    Draw,
    Inputs,
    claim_views,
    distinct,
    finite,
    main_figures,
    tab_title,
    where,
)
from generator.pages.parts import Block, Bullet, Part
from generator.pages.tables import (
    Badge,
    Cell,
    Column,
    Table,
    badge,
    number,
    of_records,
    table_if_any,
)
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Catalog, Section


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of a section's page.

    A module of the section's name in :mod:`generator.pages.sections` makes it; without one, the
    page is that of :func:`section_context`.

    Args:
        section: the section.
        inputs: what pages are made of.
        known: (machine, device) -> figures.
        draw: draws charts.

    """
    name = f"generator.pages.sections.{section.id}"
    own = importlib.import_module(name) if importlib.util.find_spec(name) else None
    made = (own.context if own else section_context)(section, inputs, known, draw)
    parts: Sequence[Part] = made.get("parts", ())
    verdicts = Counter(claim.today.badge.word for claim in made["claims"])
    return {
        "title": section.question,
        "description": parts[0].answer if parts else section.title,
        "kicker": _kicker(section, inputs),
        "said": ", ".join(
            f"{many} {word if many == 1 else _MANY.get(word, word)}"
            for word, many in verdicts.items()
        ),
        **made,
        "cite": _cite(section, inputs),
    }


_MANY = {"holds": "hold", "does not hold": "do not hold"}


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


More = Callable[["Section", Inputs, Figures], dict[str, Any]]
"""(section, inputs, figures of the main machine and device, empty without results) -> entries."""


def section_context(
    section: Section,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,
    more: More | None = None,
) -> dict[str, Any]:
    """Return the context of a measured section's page.

    Args:
        section: the section.
        inputs: what pages are made of.
        known: (machine, device) -> figures.
        draw: draws charts.
        more: makes further entries of the context.

    """
    parts: list[Part] = []
    for machine, device in inputs.measured(section.id):
        figures = known[machine, device]
        panels = [panel for panel in figures.panels if panel.section == section.id]
        if panels:
            parts.append(_part(section, inputs, figures, panels, draw))
    main = main_figures(inputs, known) if parts else None
    return {
        "parts": parts,
        "claims": claim_views(inputs, section.id, known),
        "history": [item for item in inputs.book.history if item.page == section.id],
        "command": f"generator measure --section {section.id}",
        **(more(section, inputs, main or Figures("", "", (), {})) if more else {}),
    }


def _part(
    section: Section, inputs: Inputs, figures: Figures, panels: Sequence[Panel], draw: Draw
) -> Part:
    """Return what a page says about one device of one machine."""
    frame = where(inputs.shown, machine=figures.machine, device=figures.device, section=section.id)
    document = inputs.document(figures.machine, figures.device)
    batch = inputs.batch(figures)
    how = view(panels[0].metric)
    drawn = [p for p in panels if not how.start_case or p.case != how.start_case]
    findings = [finding(panel, batch) for panel in drawn]
    findings += filter(None, [failing(panels)])
    dates = dict.fromkeys(map(formatting.day, sorted(map(str, frame["run"].unique()))))
    profiles = formatting.listing(sorted({str(name) for name in frame["profile"].unique()}))
    name = f"{section.id}-{figures.device}-{slug(figures.machine)}"
    anchor = f"{slug(figures.machine)}-{figures.device}"
    answer, *bullets = [f.plain for f in findings]
    pictures = (draw(_chart(name, drawn, figures, batch, inputs.catalog)),) if drawn else ()
    others = _others_table(section, frame, figures, inputs.catalog)
    faults = _faults_table(section, panels)
    folds = [
        Block("All figures", f"{anchor}-all", _AGAINST,
              (_headline_table(section, panels, figures, batch),)),
        Block(how.others, f"{anchor}-more", how.others_text, (others,)) if others else None,
        Block("What did not work", f"{anchor}-faults", "", (faults,)) if faults else None,
    ]  # fmt: skip
    return Part(
        tab_title(inputs, figures.machine, figures.device),
        anchor,
        answer,
        f"Measured on {machine_label(document)}. {formatting.listing(list(dates))}, profile"
        f" {profiles}, batch {batch}, {document['settings'].get('precision', 'float32')}.",
        (Block("", anchor, "", (), pictures, _caption(how)),),
        tuple(map(Bullet, bullets)),
        tuple(filter(None, folds)),
    )


_AGAINST = (
    "Against the leader: the ratio to the best estimate of the lane, with a 95 % interval that"
    " holds for all rows of the lane together. Detectable: the difference from the leader that"
    " such a comparison would find 4 times in 5."
)


def _caption(how: View) -> str:
    parts = [
        how.marks,
        f"Points: {labels.ESTIMATORS[statistics.ESTIMATOR]} of each process, geometric mean over"
        " processes. Lines: 95 % intervals, within one run; without a line: one process.",
    ]
    return " ".join(filter(None, parts))


def _chart(
    name: str, drawn: Sequence[Panel], figures: Figures, batch: int, catalog: Catalog
) -> style.Chart:
    how = view(drawn[0].metric)
    return intervals.intervals(
        name,
        chart_title(drawn),
        [_mark(row, label, panel, figures, batch) for panel, row, label in labelled(drawn)],
        measure=how.axis,
        looks=catalog.looks,
        better="higher" if how.rate else drawn[0].metric.better,
        log=how.log,
    )


def _mark(row: Row, label: str, panel: Panel, figures: Figures, batch: int) -> Mark:
    how, unit = view(panel.metric), panel.metric.unit
    name, place = row.configuration.framework_name, panel_label(panel)
    found = row.summary
    if found is None or row.cell is None:
        return Mark(label, name, place, fault=formatting.STATUS_WORDS[row.status])
    scale = labels.SCALES.get(unit, 1.0)
    value = statistics.Interval(*(scale * x for x in (found.value, found.low, found.high)))
    text = quantity(found.value, unit)
    start = None
    if how.rate:
        value, text = found.rate(batch), formatting.figures(batch / found.value, 4)
    elif beside := _beside(row, panel, figures):
        start = scale * plain_summary(beside)[0]
    return Mark(
        label, name, place, value.value, finite(value.low), finite(value.high), text, start,
        tooltip=f"{_processes(found.processes)}, {formatting.plural(found.samples, 'sample')}",
    )  # fmt: skip


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _beside(row: Row, panel: Panel, figures: Figures) -> SampleCell | None:
    """Return the samples of a row's open mark, if it has one."""
    how = view(panel.metric)
    if row.cell is None or not (how.start or how.start_case):
        return None
    metric, case = how.start or panel.metric.id, how.start_case or panel.case
    return figures.cells.get(row.cell.key._replace(metric=metric, case=case))


_LEADS = Badge("▲", "leads", "good")
_BEST = Badge("▲", "best estimate", "good")
_ONCE = Badge("○", "not ranked (one process)", "none")
_VERDICTS = {
    "equivalent": Badge("=", "equivalent", "good"),
    "not resolved": Badge("?", "not resolved", "middle"),
}


def verdict_cell(row: Row, panel: Panel) -> Cell:
    """Return the cell that says how a row stands against the leader of its panel."""
    if row.summary is None:
        return Cell("", badge=badge(row.status), detail="see below")
    if row.group < 0:
        return Cell("", badge=_ONCE)
    ratio = row.against
    if ratio is None:
        more = len(panel.leaders) - 1
        level = f"{more} not distinguishable from it" if more else ""
        return Cell("", sort=1.0, badge=_BEST if more else _LEADS, detail=level)
    text = f"{ratio.value:.2f} × the {view(panel.metric).more}"
    parts = [ratio_interval(ratio), "measured in another run" if ratio.across else ""]
    detail = ", ".join(filter(None, parts))
    verdict = _VERDICTS.get(row.verdict)
    if verdict is not None:
        text, detail = "", f"{text} ({detail})" if detail else text
    return Cell(text, round(ratio.value, 4), badge=verdict, detail=detail)


def _headline_table(
    section: Section, panels: Sequence[Panel], figures: Figures, batch: int
) -> Table:
    with_case = any(panel.case for panel in panels)
    verified = "gate" in section.metrics
    records = []
    for panel, row, label in labelled(panels):
        record = {
            Column("Configuration"): _name_cell(row, label),
            Column("Lane", narrow=True): Cell(lane_title(panel.lane)),
        }
        if with_case:
            record[Column("Caches")] = Cell(panel.case)
        record |= _values(row, panel, batch)
        if column := view(panel.metric).start_column:
            beside = _beside(row, panel, figures)
            record[number(column)] = _other_cell(beside.key, beside, "") if beside else Cell("–")
        record[Column("Against the leader")] = verdict_cell(row, panel)
        record[number("Detectable")] = _detectable_cell(row)
        if verified:
            record[Column("Verification")] = Cell("", badge=_verification_badge(row))
        record[Column("Processes × samples")] = counts_cell(row)
        records.append(record)
    return of_records(f"{section.title}, {figures.device}", records)


def _name_cell(row: Row, label: str) -> Cell:
    one = row.configuration
    kind = {"symbolic": "graph", "imperative": "imperative"}.get(one.kind, one.kind)
    parts = [one.release, kind, "" if one.division == "closed" else f"{one.division} division"]
    return Cell(label, detail=", ".join(filter(None, parts)), strong=row.group == 0)


def _values(row: Row, panel: Panel, batch: int) -> dict[Column, Cell]:
    """Return the cells of the headline: its value, or a rate and the value."""
    how, unit, found = view(panel.metric), panel.metric.unit, row.summary
    link = evidence(panel.section, row.configuration, panel)
    headline, step = number(f"{how.column}, 95 % interval"), number("Per step")
    if found is None:
        return {headline: Cell("–", href=link)} | ({step: Cell("–")} if how.rate else {})
    text = quantity(found.value, unit)
    interval = shown_interval(row, panel, batch) or "one process"
    if not how.rate:
        return {headline: Cell(text, float(f"{found.value:.6g}"), link, interval)}
    rate = batch / found.value
    return {
        headline: Cell(formatting.figures(rate, 4), round(rate, 2), link, interval),
        step: Cell(text, round(found.value, 7), link),
    }


def _detectable_cell(row: Row) -> Cell:
    if not math.isfinite(row.detectable):
        return Cell("–")
    return Cell(f"{100 * row.detectable:.0f} %", round(row.detectable, 4))


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
        modes_text(row.cell),
    ]
    counts = f"{found.processes} × {found.samples // max(found.processes, 1)}"
    return Cell(counts, float(found.processes), detail="; ".join(filter(None, odd)))


def _verification_badge(row: Row) -> Badge:
    if row.status == "wrong":
        return Badge("≠", "differs", "bad")
    if row.summary is None:
        return Badge("○", "not reached", "none")
    return Badge("✓", "verified", "good")


def _others_table(
    section: Section, frame: pd.DataFrame, figures: Figures, catalog: Catalog
) -> Table | None:
    """Return every other metric of a section, one row a configuration, lane and case."""
    first = models.headline(section)
    cells = {
        key: cell
        for key, cell in figures.cells.items()
        if key.section == section.id and key.metric != first.id and not is_again(key)
    }
    metrics = [
        metric
        for metric in section.metrics.values()
        if metric.id not in view(first).hidden and any(key.metric == metric.id for key in cells)
    ]
    if not metrics:
        return None
    places = sorted(
        {(k.framework, k.version, k.mode, k.lane, k.case) for k in cells},
        key=lambda place: (place[3] == "", place),
    )
    with_case = any(place[4] for place in places)
    bad = distinct(frame[frame["status"] != "ok"], *Key._fields[1:], "status")
    gaps = {row[:-1]: row[-1] for row in bad}
    records = []
    for framework, version, mode, lane, case in places:
        one = models.configuration(catalog, framework, version, mode)
        record = {
            Column("Configuration"): Cell(one.label, detail=one.release),
            Column("Lane", narrow=True): Cell(lane_title(lane) if lane else "installation"),
        }
        if with_case:
            record[Column("Case")] = Cell(case)
        for metric in metrics:
            key = Key(
                figures.machine, framework, version, section.id, mode, figures.device, lane, case,
                metric.id,
            )  # fmt: skip
            title = metric.title[:1].upper() + metric.title[1:]
            record[number(title)] = _other_cell(key, cells.get(key), gaps.get(key[1:], ""))
        records.append(record)
    return of_records(f"{section.title}, other figures", records)


def _other_cell(key: Key, cell: SampleCell | None, status: str) -> Cell:
    if cell is None:
        return Cell("", badge=badge(status)) if status else Cell("–")
    value, low, high, _, _ = plain_summary(cell)
    link = figure_evidence(key) if key.mode and key.lane else ""
    interval = interval_text(low, high, cell.unit)
    return Cell(quantity(value, cell.unit), float(f"{value:.6g}"), link, interval)


def _faults_table(section: Section, panels: Sequence[Panel]) -> Table | None:
    rows = []
    for panel, row, label in labelled(panels):
        if not row.reason:
            continue
        happened = badge(row.status if row.summary is None else "failed")
        blocks = formatting.plural(row.faults, "block") if row.faults else ""
        rows.append(
            (
                Cell(label, detail=row.configuration.release),
                Cell(lane_title(panel.lane) + (f", {panel.case}" if panel.case else "")),
                Cell("", badge=happened, detail=blocks),
                Cell(row.reason),
                Cell("log and rows", href=evidence(section.id, row.configuration, panel)),
            )
        )
    titles = ("Configuration", "Lane", "What happened", "Reason", "Evidence")
    return table_if_any("What did not work", titles, rows)
