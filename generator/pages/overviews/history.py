"""Pure: the same training step in every release of a framework, measured beside each other."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from generator import formatting
from generator.analysis import change_events, changes, statistics
from generator.analysis import panels as models
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.cells import Key, group_cells, null_bands
from generator.analysis.changes import Change
from generator.analysis.labels import DEVICES, machine_words
from generator.analysis.panels import Figures
from generator.formatting import quantity
from generator.measure import plan
from generator.pages.charts import marks, timeline
from generator.pages.inputs import ClaimView, Draw, Inputs, Picture, claim_views
from generator.pages.markdown import escape
from generator.pages.overviews.changes import BADGES
from generator.pages.question_page import reason_cell
from generator.pages.tables import Badge, Cell, Column, Table, badge
from generator.pages.urls import slug

if TYPE_CHECKING:
    import pandas as pd

    from generator.catalog.model import Framework, Version

TITLE = "Ten years of the same step"
GROUP = "Over time"
ORDER = 10


@dataclass(frozen=True)
class Measure:
    """One figure that is followed over the releases.

    Attributes:
        id: part of anchors and file names.
        section, metric, case: of the rows.
        column: heading in the tables.
        axis: title of the chart's axis with its unit.
        word: what a release with a larger value has more of.
        scale: factor from the rows' unit to the axis'; a rate is ``scale / value``.
        rate: whether more is better, because the axis shows work per second.
        exact: whether it is counted and not sampled, so that it has no interval.

    """

    id: str
    section: str
    metric: str
    case: str
    column: str
    axis: str
    word: str
    scale: float
    rate: bool = False
    exact: bool = False

    def shown(self, value: float) -> float:
        """Return a value of the rows on the axis."""
        return self.scale / value if self.rate else self.scale * value


MEASURES = (
    Measure("speed", "lenet", "step_time", "", "Images per second", "images per second",
            "time", 64.0, rate=True),
    Measure("cold", "compile", "ready_time", "cold", "Ready after, cold",
            "seconds until ready", "time until ready", 1.0),
    Measure("warm", "compile", "ready_time", "warm", "Ready after, warm",
            "seconds until ready", "time until ready", 1.0),
    Measure("memory", "memory", "peak_rss", "", "Peak memory", "peak memory in MB",
            "memory", 1e-6),
    Measure("size", "", "", "", "Installed size", "installed size in MB", "space on disk", 1e-6,
            exact=True),
)  # fmt: skip


@dataclass(frozen=True)
class Release:
    """One release as it was measured on one machine and device.

    ``source`` is the key of its document; ``cells`` holds the samples by :attr:`Measure.id`;
    ``gate`` is the status of the gate's row.
    """

    framework: Framework
    version: Version
    mode: str
    source: str
    document: Mapping[str, Any]
    cells: Mapping[str, SampleCell]
    gate: str
    reason: str

    def value(self, measure: Measure) -> statistics.Interval | None:
        """Return a figure with its interval, in the unit of the rows; None where there is none."""
        if measure.exact:
            size = self.document["environment"].get("size_bytes")
            return statistics.Interval(float(size), math.nan, math.nan) if size else None
        cell = self.cells.get(measure.id)
        if cell is None:
            return None
        found = models.summary(cell)
        return statistics.Interval(found.value, found.low, found.high)

    @property
    def rows(self) -> str:
        """The address of its rows."""
        return f"data/{self.source}.csv"

    @property
    def day(self) -> datetime.date:
        """The day of the upload; a release without one is never drawn."""
        assert self.version.released is not None
        return self.version.released


@dataclass(frozen=True)
class Step:
    """What changed from one measured release to the next."""

    measure: Measure
    old: Release
    new: Release
    change: Change

    @property
    def ratio(self) -> statistics.Ratio:
        """New / old."""
        assert self.change.ratio is not None
        return self.change.ratio

    @property
    def verdict(self) -> str:
        """On the newer one, in words of time: "faster" has less of it."""
        return {"less": "faster", "more": "slower"}.get(self.change.verdict, self.change.verdict)

    @property
    def real(self) -> bool:
        """Whether the two were told apart."""
        return self.verdict in ("faster", "slower")


@dataclass(frozen=True)
class ChartView:
    """One figure over time."""

    heading: str
    anchor: str
    picture: Picture
    caption: str
    table: Table


@dataclass(frozen=True)
class View:
    """What the page says about one device of one machine."""

    heading: str
    anchor: str
    byline: str
    findings: tuple[Markup, ...]
    charts: tuple[ChartView, ...]
    releases: Table
    faults: Table | None
    then: Table | None
    then_text: str
    claims: tuple[ClaimView, ...]


def context(
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],  # noqa: ARG001 - pages are alike
    draw: Draw,
) -> dict[str, Any]:
    """Return the context of the page."""
    frame = inputs.history
    places = sorted(
        set(zip(frame["machine"].astype(str), frame["device"].astype(str), strict=True))
    )
    views = []
    for machine, device in places:
        here = frame[(frame["machine"] == machine) & (frame["device"] == device)]
        found = releases(here, inputs)
        if found:
            view = _view(found, here, inputs, draw)
            views.append(view if len(places) > 1 else replace(view, heading=""))
    return {
        "title": TITLE,
        "description": "Releases of a decade on one machine: speed, compile time, memory and size.",
        "views": views,
        "gone": _gone(inputs),
        "left": _left(inputs),
        "command": "generator measure --profile history",
    }


def releases(frame: pd.DataFrame, inputs: Inputs) -> list[Release]:
    """Return the measured releases of one machine and device, in the order of the folders.

    What the catalog no longer knows, or has no date for, is left out.
    """
    grouped = group_cells(frame)
    found = []
    for framework in inputs.catalog.frameworks:
        mine = frame[frame["framework"] == framework.id]
        for version in framework.versions:
            rows = mine[mine["version"] == version.version]
            if not len(rows) or version.released is None:
                continue
            mode = framework.standard(version).id
            machine, device, source = (
                str(rows[column].iloc[0]) for column in ("machine", "device", "provenance")
            )
            (lane,) = plan.PROFILES["history"].lanes[device]
            keys = {
                measure.id: Key(
                    machine, framework.id, version.version, measure.section, mode, device, lane,
                    measure.case, measure.metric,
                )
                for measure in MEASURES
            }  # fmt: skip
            cells = {id: grouped[key] for id, key in keys.items() if key in grouped}
            document = inputs.documents[source]
            found.append(Release(framework, version, mode, source, document, cells, *_gate(rows)))
    return found


def _gate(rows: pd.DataFrame) -> tuple[str, str]:
    """Return the worst that happened to a release on its way through the gate, and why."""
    asked = rows[rows["section"] == "lenet"]  # elsewhere, a figure that it does not offer is none
    gate = asked[asked["metric"] == "gate"]
    bad = asked[asked["status"].isin(["wrong", "failed", "timeout"])]
    if not len(bad) and len(gate):
        return "ok", ""
    if not len(bad):
        bad = rows[rows["status"] != "ok"]
    if not len(bad):
        return "skipped", "it has not come to the gate"
    wrong = bad[bad["status"] == "wrong"]
    worst = (wrong if len(wrong) else bad).iloc[0]
    return str(worst["status"]), str(worst["reason"])


def steps(found: Sequence[Release], bands: Mapping[str, float]) -> list[Step]:
    """Compare every release with the one measured before it.

    Args:
        found: in the order of the folders.
        bands: metric -> smallest difference that is one; see :func:`statistics.null_band`.

    """
    made = []
    for measure in MEASURES:
        before: dict[str, Release] = {}
        for release in found:
            cell = release.cells.get(measure.id)
            if cell is None:
                continue
            old = before.get(release.framework.id)
            before[release.framework.id] = release
            if old is None:
                continue
            delta = bands.get(measure.metric, statistics.SMALLEST_DELTA)
            change = changes.judge(old.cells[measure.id], cell, delta)
            if change.ratio is not None:
                made.append(Step(measure, old, release, change))
    return made


def _bands(inputs: Inputs, machine: str, device: str) -> dict[str, float]:
    """Return the null bands that the machine's other runs found, by metric."""
    shown = change_events.headlines(inputs.shown, inputs.catalog)
    lanes = plan.PROFILES["history"].lanes[device]
    return {
        metric: band
        for (here, on, lane, metric), band in null_bands(group_cells(shown)).items()
        if (here, on) == (machine, device) and lane in lanes
    }


def _view(found: Sequence[Release], frame: pd.DataFrame, inputs: Inputs, draw: Draw) -> View:
    machine, device = str(frame["machine"].iloc[0]), str(frame["device"].iloc[0])
    made = steps(found, _bands(inputs, machine, device))
    drawn = []
    for measure in MEASURES:
        points = _points(found, made, measure)
        if points:
            name = f"{measure.id}-{device}-{slug(machine)}"
            chart = timeline.timeline(
                f"history-{name}", _title(found, made, measure), points, y=measure.axis,
                looks=inputs.catalog.looks,
                better="higher" if measure.rate else "lower",
            )  # fmt: skip
            table = _measure_table(found, made, measure)
            caption = _EXACT if measure.exact else _SAMPLED
            if any(point.other for point in points):
                caption += _MODES
            drawn.append(ChartView(measure.column, name, draw(chart), caption, table))
    then = _of_that_time(found, inputs)
    keys = [str(key) for key in frame["provenance"].unique()]
    days = sorted({formatting.day(inputs.documents[key]["run"]) for key in keys})
    return View(
        heading=f"{machine_words(found[0].document)}: {DEVICES.get(device, device)}",
        anchor=f"history-{slug(machine)}-{device}",
        byline=f"Measured on {machine_words(found[0].document)}, {formatting.listing(days)}.",
        findings=tuple(Markup("{}\n").format(escape(text)) for text in _findings(found, made)),
        charts=tuple(drawn),
        releases=_releases_table(found),
        faults=_faults_table(found),
        then=_then_table(then, found),
        then_text=_then_text(then, inputs),
        claims=_then_claims(then, frame, inputs),
    )


_SAMPLED = (
    "Lines: 95 % intervals. ▲ and ▼: told apart from the release before, better or worse;"
    " ● not told apart. Equal distances are equal ratios."
)
_EXACT = "Framework and everything that its lock brings along. Equal distances are equal ratios."
_MODES = " Open marks: in another mode than today's, which stood for the framework then."


def _points(found: Sequence[Release], made: Sequence[Step], measure: Measure) -> list[marks.Moment]:
    real = {
        (step.new.framework.id, step.new.version.version): step
        for step in made
        if step.measure is measure and step.real
    }
    points = []
    for release in found:
        value = release.value(measure)
        if value is None:
            continue
        ends = sorted(measure.shown(x) for x in value[1:] if math.isfinite(x))
        low, high = ends if len(ends) == 2 else (None, None)
        step = real.get((release.framework.id, release.version.version))
        shown = measure.shown(value.value)
        points.append(
            marks.Moment(
                release.framework.name, release.framework.name, release.day,
                release.version.version, shown, low, high, text=formatting.figures(shown),
                change="" if step is None else step.verdict,
                mode=release.framework.mode(release.mode).title,
                other=release.mode != release.framework.default.id,
            )
        )  # fmt: skip
    return points


def _title(found: Sequence[Release], made: Sequence[Step], measure: Measure) -> str:
    if measure.exact:
        return _growth(found, measure)
    mine = [step for step in made if step.measure is measure]
    real = [step for step in mine if step.real]
    if not mine:
        return f"{measure.column}, by release."
    if not real:
        return f"{measure.column}: no release is told apart from the one measured before it."
    largest = max(real, key=lambda step: abs(math.log(step.ratio.value)))
    return (
        f"{measure.column}: {len(real)} of {len(mine)} steps are real; the largest is"
        f" {largest.new.framework.name} {largest.new.version.version}, with"
        f" {formatting.times(largest.ratio.value)} the {measure.word} of"
        f" {largest.old.version.version}."
    )


def _growth(found: Sequence[Release], measure: Measure) -> str:
    """Say which framework changed most between its first and its last release."""
    ends: dict[str, list[tuple[Release, float]]] = {}
    for release in found:
        value = release.value(measure)
        if value is not None:
            ends.setdefault(release.framework.id, []).append((release, value.value))
    ratios = {id: mine[-1][1] / mine[0][1] for id, mine in ends.items() if len(mine) > 1}
    if not ratios:
        return f"{measure.column}, by release."
    most = max(ratios, key=lambda name: abs(math.log(ratios[name])))
    old, new = ends[most][0][0], ends[most][-1][0]
    return (
        f"{measure.column}: {new.framework.name} {new.version.version} takes"
        f" {formatting.times(ratios[most])} the {measure.word} of {old.version.version}."
    )


def _findings(found: Sequence[Release], made: Sequence[Step]) -> list[str]:
    """One sentence about the whole, and one a framework: its last release against its first."""
    good = [release for release in found if release.gate == "ok"]
    names = {release.framework.id for release in found}
    sentences = [
        f"{formatting.plural(len(found), 'release')} of"
        f" {formatting.plural(len(names), 'framework')} took the same step on the same machine;"
        f" {len(good)} passed the gate."
    ]
    speed = MEASURES[0]
    for id in sorted(names):
        mine = [r for r in found if r.framework.id == id and speed.id in r.cells]
        if len(mine) < 2:
            continue
        old, new = mine[0], mine[-1]
        ratio = statistics.ratio(old.cells[speed.id].blocks, new.cells[speed.id].blocks)
        steps_up = [s for s in made if s.new.framework.id == id and s.measure is speed and s.real]
        told = f"{len(steps_up)} of the {len(mine) - 1} steps between them"
        sentences.append(
            f"{new.framework.name} {new.version.version} ({new.day.year}) does"
            f" {formatting.times(ratio.value)} the images per second of {old.version.version}"
            f" ({old.day.year}); {told} {'is' if len(steps_up) == 1 else 'are'} told apart."
        )
    return sentences


def _package(document: Mapping[str, Any], name: str) -> str:
    pattern = re.compile(rf"{name}==(.+)", re.IGNORECASE)
    for item in document["environment"]["packages"]:
        if match := pattern.fullmatch(str(item)):
            return match[1]
    return "–"


def _value_cell(release: Release, measure: Measure, href: str = "") -> Cell:
    found = release.value(measure)
    if found is None:
        return Cell("–")
    value, low, high = found
    known = math.isfinite(low)
    if measure.rate:
        text, sort = formatting.figures(measure.shown(value), 4), measure.shown(value)
        detail = _between(measure.shown(high), measure.shown(low)) if known else ""
    else:
        unit = "B" if measure.exact else release.cells[measure.id].unit
        text, sort = quantity(value, unit), value
        detail = formatting.span(low, high, unit) if known else ""
        if measure.exact:
            detail = _cuda(release.document)
    return Cell(text, float(f"{sort:.6g}"), href, detail)


def _cuda(document: Mapping[str, Any]) -> str:
    """Say that a build for graphics cards was installed: its size is not that of one without."""
    said = str(document["build"].get("cuda") or "none")
    return "" if said in ("none", "False") else f"built with CUDA {said}"


def _between(low: float, high: float) -> str:
    return f"{formatting.figures(low)} to {formatting.figures(high)}"


def _gate_badge(release: Release) -> Badge:
    return Badge("✓", "passed", "good") if release.gate == "ok" else badge(release.gate)


def _measure_table(found: Sequence[Release], made: Sequence[Step], measure: Measure) -> Table:
    """Return one row a release: the figure, and what changed from the one measured before it."""
    known = {
        (step.new.framework.id, step.new.version.version): step
        for step in made
        if step.measure is measure
    }
    rows = []
    for release in found:
        step = known.get((release.framework.id, release.version.version))
        cells = (
            Cell(release.framework.name, detail=release.version.version),
            Cell(release.day.isoformat(), sort=float(release.day.toordinal())),
            Cell(release.document["environment"]["python"]),
            Cell(release.framework.mode(release.mode).title),
            Cell("", badge=_gate_badge(release)),
            _value_cell(release, measure, release.rows),
        )
        rows.append((*cells, *(() if measure.exact else _change_cells(step))))
    columns = [
        Column("Release"),
        Column("Published", narrow=True),
        Column("Python", narrow=True),
        Column("Mode"),
        Column("Gate"),
        Column(measure.column if measure.exact else f"{measure.column}, 95 % interval", True),
    ]
    if not measure.exact:
        what = "Memory" if measure.id == "memory" else "Time"
        columns += [Column(f"{what}, new / old", number=True), Column("Change")]
    return Table(f"{measure.column} of every release", tuple(columns), tuple(rows))


def _change_cells(step: Step | None) -> tuple[Cell, Cell]:
    if step is None:
        return Cell("–"), Cell("–")
    ratio = step.ratio
    detail = f"{ratio.low:.3f} to {ratio.high:.3f}" if math.isfinite(ratio.low) else ""
    against = f"{'than' if step.real else 'to'} {step.old.version.version}"
    return (
        Cell(f"{ratio.value:.3f}", float(f"{ratio.value:.6g}"), detail=detail),
        Cell("", badge=BADGES[step.change.verdict], detail=against),
    )


def _releases_table(found: Sequence[Release]) -> Table:
    rows = []
    for release in found:
        rows.append(
            (
                Cell(release.framework.name, href=release.rows, detail=release.version.version),
                Cell(release.day.isoformat(), sort=float(release.day.toordinal())),
                Cell("", badge=_gate_badge(release)),
                *(_value_cell(release, measure) for measure in MEASURES),
                Cell(release.document["environment"]["python"]),
                Cell(_package(release.document, "numpy")),
                Cell(release.framework.mode(release.mode).title),
            )
        )
    columns = (
        Column("Release"),
        Column("Published", narrow=True),
        Column("Gate"),
        *(Column(measure.column, number=True) for measure in MEASURES),
        Column("Python", narrow=True),
        Column("NumPy", narrow=True),
        Column("Mode that stood for it"),
    )
    return Table("Releases, measured beside each other", columns, tuple(rows))


def _faults_table(found: Iterable[Release]) -> Table | None:
    rows = [
        (
            Cell(release.framework.name, detail=release.version.version),
            Cell("", badge=badge(release.gate)),
            reason_cell(release.reason),
        )
        for release in found
        if release.gate != "ok"
    ]
    columns = (Column("Release"), Column("Status"), Column("Reason"))
    return Table("Releases without a valid result", columns, tuple(rows)) if rows else None


def _gone(inputs: Inputs) -> Table | None:
    """Return the releases that no longer install, as the folders declare them."""
    rows = [
        (
            Cell(framework.name, detail=", ".join(gap.versions)),
            Cell(gap.reason, source=gap.source),
        )
        for framework in inputs.catalog.frameworks
        for gap in framework.gaps
        if gap.versions and not (gap.mode or gap.section or gap.device)
    ]
    if not rows:
        return None
    return Table("What no longer installs", (Column("Release"), Column("Why")), tuple(rows))


def _left(inputs: Inputs) -> Table | None:
    """Return what the newest measured release of each framework runs with, as runs recorded it."""
    documents = sorted(inputs.documents.values(), key=lambda document: str(document["run"]))
    rows = []
    for framework in inputs.catalog.frameworks:
        place = {version.version: n for n, version in enumerate(framework.versions)}
        mine = [d for d in documents if d["framework"] == framework.id and d["version"] in place]
        if not mine:
            continue
        newest = max(mine, key=lambda document: place[document["version"]])
        cuda = [
            str(document["build"].get("cuda", "–"))
            for document in mine
            if (document["version"], document["device"]) == (newest["version"], "cuda")
        ]
        rows.append(
            (
                Cell(framework.name, detail=newest["version"]),
                Cell(newest["environment"]["python"]),
                Cell(_package(newest, "numpy")),
                Cell(cuda[-1] if cuda else "–", detail="" if cuda else "not measured"),
            )
        )
    if not rows:
        return None
    titles = ("Newest measured release", "Python", "NumPy", "CUDA")
    return Table("What it runs with", tuple(map(Column, titles)), tuple(rows))


# ------------------------------------------------------------------- the article's own generation


def _of_that_time(found: Sequence[Release], inputs: Inputs) -> list[Release]:
    """Return the release of each compared framework that stands for the article's time.

    The newest that was published until the end of the article's year, or else the first one that
    was measured.
    """
    year = int(inputs.book.article.get("year", 0))
    chosen = []
    for id in inputs.book.article.get("compared", ()):
        mine = [release for release in found if release.framework.id == id]
        early = [release for release in mine if release.day.year <= year]
        if mine:
            chosen.append(early[-1] if early else mine[0])
    return chosen


def _then_text(then: Sequence[Release], inputs: Inputs) -> str:
    names = [f"{r.framework.name} {r.version.version} of {r.day:%B %Y}" for r in then]
    year = inputs.book.article.get("year", "")
    return (
        f"{formatting.listing(names)}: of each framework that the article compared, the newest"
        f" measured release that was published until the end of {year}, or else the first one"
        " that was measured. Beside it the newest release, from the same blocks."
    )


def _then_table(then: Sequence[Release], found: Sequence[Release]) -> Table | None:
    rows = []
    for old in then:
        new = [release for release in found if release.framework is old.framework][-1]
        for one in [old] if old is new else [old, new]:
            rows.append(
                (
                    Cell(one.framework.name, detail=one.version.version),
                    Cell(str(one.day.year), sort=float(one.day.toordinal())),
                    Cell("", badge=_gate_badge(one)),
                    *(_value_cell(one, measure) for measure in MEASURES),
                )
            )
    if not rows:
        return None
    columns = (
        Column("Release"),
        Column("Of", narrow=True),
        Column("Gate"),
        *(Column(measure.column, number=True) for measure in MEASURES),
    )
    return Table("The article's own versions, run today", columns, tuple(rows))


def _then_claims(
    then: Sequence[Release], frame: pd.DataFrame, inputs: Inputs
) -> tuple[ClaimView, ...]:
    """Judge the article's claims by its own versions: those that these figures can decide."""
    pairs = {(release.framework.id, release.version.version) for release in then}
    mine = [
        pair in pairs
        for pair in zip(frame["framework"].astype(str), frame["version"].astype(str), strict=True)
    ]
    rows = frame[mine]
    if not len(rows):
        return ()
    figures = models.figures(rows, inputs.catalog)
    pages = dict.fromkeys(["home", *(measure.section for measure in MEASURES)])
    found = [view for page in pages for view in claim_views(inputs.book, page, figures)]
    return tuple(view for view in found if view.badge.word != "cannot be tested here")
