"""Pure: figures -> one context per page, which a template turns into Markdown.

Templates compute nothing, and a name that is not defined is an error; see
:mod:`generator.pages.markdown` for what happens to text.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from markupsafe import Markup

from generator.analysis import claims, statistics
from generator.analysis import panels as models
from generator.analysis.claims import Verdict
from generator.analysis.panels import Configuration, Figures, Panel, Row, slug
from generator.catalog import freshness
from generator.export import citation
from generator.pages import tables
from generator.pages.charts import intervals
from generator.pages.findings import (
    DEVICES,
    ESTIMATORS,
    SCALES,
    TOPICS,
    Finding,
    View,
    chart_title,
    evidence,
    figure_evidence,
    finding,
    frameworks_of,
    labels_of,
    lane_title,
    machine_words,
    main_panel,
    names,
    place_words,
    plain_summary,
    shown_value,
    view,
)
from generator.pages.markdown import escape
from generator.pages.tables import Badge, Cell, Column, Table, badge, quantity, span

if TYPE_CHECKING:
    import pandas as pd

    from generator.analysis.change_events import Event
    from generator.catalog.loader import Catalog, Section

# ------------------------------------------------------------------------------------------ inputs


@dataclass(frozen=True)
class Drawing:
    """One of the four drawings of a chart."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A chart that has been drawn; addresses are relative to ``docs/report/``."""

    alt: str
    drawings: tuple[Drawing, ...]
    data: str
    """What is drawn, as CSV."""
    script: str
    """File name, beside the drawings, of what makes them interactive."""

    @property
    def small(self) -> bool:
        """Whether there is one size only."""
        return len(self.drawings) <= len(intervals.SCHEMES)


class Draw(Protocol):
    """Draws a chart, or finds it drawn already."""

    def __call__(self, chart: intervals.Chart) -> Picture:
        """Return where the drawings are."""


@dataclass(frozen=True)
class Inputs:
    """Everything that pages are made of."""

    catalog: Catalog
    shown: pd.DataFrame = field(repr=False)
    study: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    """Releases measured beside each other, see :func:`generator.results.reading.history`."""
    documents: Mapping[str, Mapping[str, Any]] = field(repr=False)
    book: claims.Book = field(repr=False)
    log: Callable[[str, str], str] = field(repr=False)
    """(key of the document, path beside its CSV) -> text of a log, "" when there is none."""
    today: datetime.date
    """The day for which pages are made."""
    events: Sequence[Event] = ()
    """What changed, the newest first; see :func:`generator.analysis.change_events.find`."""
    dataset: Mapping[str, Any] | None = field(default=None, repr=False)
    """Descriptor of the whole data set, None where nothing is measured."""
    citation: citation.Citation | None = None
    address: str = ""
    """Of the site, with a slash at its end; "" where it is not known."""
    suite: Sequence[Mapping[str, str]] = field(default=(), repr=False)
    """Rows of ``measurements/array-api-tests.csv``, see ``benchmarks.array_api``."""

    @cached_property
    def places(self) -> tuple[tuple[str, str, str, str], ...]:
        """Distinct (machine, device, section, provenance) of the rows that are shown."""
        columns = ("machine", "device", "section", "provenance")
        return tuple((m, d, s, p) for m, d, s, p in distinct(self.shown, *columns))

    @cached_property
    def machines(self) -> tuple[str, ...]:
        """Machines with results, that of the newest run first."""
        newest: dict[str, str] = {}
        for machine, _, _, key in self.places:
            newest[machine] = max(self.documents[key]["run"], newest.get(machine, ""))
        return tuple(sorted(newest, key=lambda machine: (newest[machine], machine), reverse=True))

    def devices(self, machine: str, section: str = "") -> tuple[str, ...]:
        """Devices with results on a machine, the processor first."""
        found = {
            device
            for name, device, here, _ in self.places
            if name == machine and section in ("", here)
        }
        return tuple(sorted(found))

    def document(self, machine: str, device: str = "") -> Mapping[str, Any]:
        """Return the newest document of a machine (and device)."""
        keys = [
            key for name, here, _, key in self.places if name == machine and device in ("", here)
        ]
        return self.documents[max(keys, key=lambda key: (self.documents[key]["run"], key))]


def distinct(frame: pd.DataFrame, *columns: str) -> list[tuple[str, ...]]:
    """Return the distinct combinations of some columns, as text."""
    unique = frame[list(columns)].drop_duplicates()
    return [tuple(map(str, row)) for row in unique.itertuples(index=False)]


def where(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    """Return the rows whose columns have these values."""
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


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


@dataclass(frozen=True)
class ClaimView:
    """A claim with today's verdict."""

    anchor: str
    """Of its box on the page that tests it."""
    claim: str
    kind: str
    badge: Badge
    reason: str
    note: str
    test: str
    source: str


_VERDICTS = {
    "holds": Badge("✓", "holds", "good"),
    "no longer holds": Badge("✕", "no longer holds", "bad"),
    "mixed": Badge("±", "mixed", "middle"),
    "cannot be tested here": Badge("?", "cannot be tested here", "none"),
}


def claim_views(book: claims.Book, page: str, figures: Figures | None) -> tuple[ClaimView, ...]:
    """Return a page's claims, judged by the figures of one machine and device."""
    views = []
    for claim in book.claims:
        if claim.page != page:
            continue
        empty = figures or Figures("", "", (), {})
        verdict: Verdict = claims.judge(claim, empty)
        views.append(
            ClaimView(
                f"claim-{claim.id}",
                claim.claim,
                claim.kind,
                _VERDICTS[verdict.word],
                verdict.reason,
                claim.note,
                claim.test,
                claim.source,
            )
        )
    return tuple(views)


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
    dates = sorted({tables.day(run) for run in runs}, key=[tables.day(run) for run in runs].index)
    profiles = tables.listing(sorted({str(name) for name in frame["profile"].unique()}))
    name = f"{section.id}-{figures.device}-{slug(figures.machine)}"
    return DeviceView(
        heading,
        f"{slug(figures.machine)}-{figures.device}",
        f"{tables.listing(dates)}, profile {profiles}, batch {batch}, "
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
            f"Smallest difference that would be found 4 times in 5: {tables.listing(found)}."
        )
    return " ".join(parts)


def _chart(
    name: str,
    panels: Sequence[Panel],
    drawn: Sequence[Panel],
    figures: Figures,
    batch: int,
    catalog: Catalog,
) -> intervals.Chart:
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
) -> intervals.Mark:
    one, how = row.configuration, view(panel.metric)
    label, name = labels[one], one.framework_name
    if row.summary is None:
        word = tables.STATUS_WORDS[row.status]
        return intervals.Mark(label, name, place_words(panel, how), fault=word)
    found = row.summary
    scale = SCALES.get(panel.metric.unit, 1.0)
    value = statistics.Interval(*(scale * x for x in (found.value, found.low, found.high)))
    text = quantity(found.value, panel.metric.unit)
    start = None
    if how.rate:
        value, text = found.rate(batch), tables.figures(batch / found.value, 4)
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
    return intervals.Mark(
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


def finite(value: float) -> float | None:
    """Return a number as charts take it: None for what is none."""
    return value if math.isfinite(value) else None


def _estimate(
    figures: Figures, panel: Panel, one: Configuration, metric: str, case: str
) -> float | None:
    key = statistics.Key(
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
        text, interval = tables.figures(rate.value, 4), _span(rate.low, rate.high, "")
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
        if key.section == section.id and key.metric != first and key.case != statistics.AGAIN
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
            key = statistics.Key(
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


def _other_cell(cell: statistics.Cell | None, status: str, link: str) -> Cell:
    if cell is None:
        return Cell("", badge=badge(status)) if status else Cell("–")
    value, low, high, _, _ = plain_summary(cell)
    detail = span(low, high, cell.unit) if high > 1.0001 * low else ""
    return Cell(quantity(value, cell.unit), float(f"{value:.6g}"), link, detail)


def _gaps(frame: pd.DataFrame) -> dict[tuple[str, ...], str]:
    bad = frame[frame["status"] != "ok"]
    columns = (*statistics.Key._fields[1:], "status")
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
                        detail=tables.plural(row.faults, "block") if row.faults else "",
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


def heading_of(inputs: Inputs, machine: str, device: str, *, first: bool) -> str:
    """Return the heading of a device's part of a page; the first one needs no machine's name."""
    words = [] if first else [machine_words(inputs.document(machine))]
    if len(inputs.devices(machine)) > 1:
        words.append(DEVICES.get(device, device))
    return " ".join(words)


def measured_on(inputs: Inputs, figures: Figures) -> str:
    """Return the line that says where and when the figures of a part of a page were measured."""
    document = inputs.document(figures.machine, figures.device)
    return f"Measured on {machine_words(document)}, newest run {tables.day(document['run'])}."


def fact(
    inputs: Inputs, figures: Figures, section: str, framework: str, name: str, default: Any
) -> Any:
    """Return what the newest process of a section and framework said about itself."""
    place = figures.machine, figures.device, section
    for machine, device, here, key in sorted(inputs.places, key=lambda place: place[3]):
        document = inputs.documents[key]
        if (machine, device, here) == place and document["framework"] == framework:
            for job in document["jobs"]:
                if section in job["sections"]:
                    default = job.get("facts", {}).get(name, default)
    return default


def main_figures(inputs: Inputs, known: Mapping[tuple[str, str], Figures]) -> Figures | None:
    """Return the figures that claims are judged by: the newest machine's, its processor first."""
    if not inputs.machines:
        return None
    machine = inputs.machines[0]
    return known[machine, inputs.devices(machine)[0]]


# -------------------------------------------------------------------------------------------- home


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
    for machine in inputs.machines:
        for device in inputs.devices(machine):
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
                    f"Newest run {tables.day(document['run'])}, {machine_words(document)}."
                    f" {_versions(inputs, machine)}."
                )
    return {
        "title": "Symbolic deep learning frameworks, compared again",
        "description": f"{tables.listing([f.name for f in inputs.catalog.frameworks])}: verified,"
        " then measured, with raw data.",
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
    return tables.listing([f"{name} {version}" for name, version in sorted(found)])


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
        names = tables.listing(
            [
                f"{models.configuration(inputs.catalog, d['framework'], '', '').framework_name}"
                f" {d['version']}"
                for d in documents
            ]
        )
        first = documents[0]
        device = "on the processor" if first["device"] == "cpu" else "on the graphics card"
        news.append(
            f"{tables.day(run)}: {names}, measured {device} of {first['machine']['cpu']}"
            f" ({first['profile']} profile, run {run})."
        )
    return news
