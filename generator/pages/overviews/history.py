"""Pure: the same training step in every release of a framework, as charts and tables."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from generator import formatting
from generator.analysis import builds, changes
from generator.analysis.history import MEASURES, SPEED, History, Measure, Release, Step
from generator.analysis.labels import machine_name
from generator.analysis.panels import Figures
from generator.catalog.model import Framework
from generator.pages import tables
from generator.pages.charts import lines
from generator.pages.charts.marks import Point
from generator.pages.inputs import Inputs, Picture, tab_title
from generator.pages.overviews.changes import ratio_cell, verdict_cell
from generator.pages.parts import Block, Bullet, Part
from generator.pages.tables import (
    DASH,
    Cell,
    Column,
    Rows,
    Table,
    figure,
    marked,
    number,
    percent,
    table,
    tabled,
)
from generator.pages.urls import slug

TITLE = "Ten years of the same step"
GROUP = "Over time"
ORDER = 10


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    return {
        "title": "What did ten years of releases change?",
        "description": "Releases of a decade on one machine: speed, start-up, memory and size.",
        "parts": [_part(one, inputs) for one in inputs.histories],
        "more": [
            Block(found.label, slug(found.label), text, (found,))
            for found, text in ((_gone(inputs), _GONE), (_left(inputs), _LEFT))
            if found
        ],
        "command": "generator measure --profile history",
    }


_GONE = "Tried, with the error that came; declared in the folder of the framework."
_LEFT = (
    "Python, NumPy and CUDA of the newest measured release of each framework. For a framework that"
    " was given up, these are the last ones that work."
)
_SPANS = (
    "The last release divided by the first, each framework by itself. The 95 % intervals of a"
    " framework hold for all pairs of its releases together. Sizes are not compared: a lock brings"
    " along more than the framework."
)
_RELEASES = (
    "Each release in the mode that its own documentation recommended then, with the newest Python"
    " and NumPy that it still runs on. The dates are those of the package index."
)


def _part(found: History, inputs: Inputs) -> Part:
    sources = found.frame["provenance"].unique()
    days = sorted({formatting.day(inputs.documents[str(key)]["run"]) for key in sources})
    machine = machine_name(found.releases[0].document)
    anchor = f"history-{slug(found.machine)}-{found.device}"
    then = found.of_that_time(inputs.book.article)
    then_now = "The article's own versions, run today"
    tables = (
        ("First and last release", "spans", _SPANS, _span_table(found)),
        ("Every release", "releases", _RELEASES,
         _table("Every release that was measured", _EVERYTHING, found.releases)),
        ("Without a valid result", "faults", "",
         _table("Releases without a valid result", _FAULTS,
                (one for one in found.releases if one.gate != "ok"))),
        (then_now, "then", _then_text(then, inputs),
         _table(then_now, _THEN, [
             one for old, new in then for one in ([old] if old is new else [old, new])
         ])),
    )  # fmt: skip
    charts = [chart for measure in MEASURES if (chart := _chart(found, measure, inputs))]
    answer, *rest = _findings(found)
    return Part(
        tab=tab_title(inputs, found.machine, found.device),
        anchor=anchor,
        answer=answer,
        foot=f"Measured on {machine}, {formatting.listing(days)}.",
        blocks=tuple(replace(chart, tables=()) for chart in charts[:1]),
        bullets=tuple(map(Bullet, rest)),
        folds=(
            *(replace(chart, heading=f"{chart.heading} of every release", pictures=())
              for chart in charts[:1]),
            *charts[1:],
            *(Block(heading, f"{stem}-{anchor}", text, (rows,))
              for heading, stem, text, rows in tables),
        ),
    )  # fmt: skip


_SAMPLED = (
    "Lines: 95 % intervals within one run. ▲ and ▼: better or worse than the release before;"
    " ● not resolved, or equivalent."
)
_EXACT = "The framework and everything that its lock brings along, further back ends included."
_BUILDS = " The line breaks between builds that are not compared: with CUDA, and without."
_MODES = " Open marks: in another mode than today's, which stood for the framework then."


def _chart(found: History, measure: Measure, inputs: Inputs) -> Block | None:
    points = moments(found, measure)
    if not points:
        return None
    name = f"{measure.id}-{found.device}-{slug(found.machine)}"
    chart = lines.timeline(
        f"history-{name}", _title(found, measure), points, measure=measure.axis,
        looks=inputs.catalog.looks, better="higher" if measure.rate else "lower",
    )  # fmt: skip
    caption = _EXACT if measure.exact else _detectable(found, measure)
    if any(point.part for point in points):
        caption += _BUILDS
    if any(point.other for point in points):
        caption += _MODES
    made = _measure_table(found, measure)
    return Block(measure.column, name, "", (made,), (inputs.draw(chart),), caption)


def _detectable(found: History, measure: Measure) -> str:
    """Say what the marks are, and which changes so many blocks can show."""
    steps = found.steps_to(measure).values()
    differences = [step.change.detectable for step in steps]
    factors = sorted(1 + x for x in differences if math.isfinite(x))
    if not factors:
        return "One process a release: no interval, and no verdict."
    blocks = min(len(step.new.cells[measure.id].blocks) for step in steps)
    return (
        f"{_SAMPLED} With {formatting.plural(blocks, 'block')}, a change by a factor of"
        f" {factors[0]:.2f} to {factors[-1]:.2f}, depending on the releases, is found in 80 % of"
        " runs. A smaller one may be there and not be resolved."
    )


def moments(found: History, measure: Measure) -> list[Point]:
    """Return the releases that have a figure, as marks on a time line."""
    steps = found.steps_to(measure)
    points: list[Point] = []
    before: Release | None = None
    part = 0
    for release in found.releases:
        value = release.value(measure)
        if value is None:
            continue
        if before and builds.unlike(measure.section, before.document, release.document):
            part += 1
        before = release
        low, high = sorted(map(measure.on_axis, value[1:]))
        step = steps.get(release.id)
        y = measure.on_axis(value.value)
        points.append(
            Point(
                release.name, release.framework.mode(release.mode).title, y, low, high,
                formatting.figures(y), day=release.day, label=release.number,
                change=step.verdict if step and step.change.differs else "",
                told=_told(step) if step else "",
                part=part,
                other=release.mode != release.framework.default_on(found.device).id,
            )
        )  # fmt: skip
    return points


def _told(step: Step) -> str:
    change = step.change
    return f"{change.verdict}: {change.reason}" if change.reason else change.verdict


def _title(found: History, measure: Measure) -> str:
    """Say what the steps are, and which is the largest; of what is counted, nothing is judged."""
    if measure.exact:
        known = sum(release.value(measure) is not None for release in found.releases)
        return f"{measure.column} of {formatting.plural(known, 'release')}."
    steps = list(found.steps_to(measure).values())
    if not any(math.isfinite(step.change.detectable) for step in steps):
        why = ": one process a release, which decides nothing" if steps else ", by release"
        return f"{measure.column}{why}."
    many = formatting.plural(len(steps), "step")
    whole = changes.summary(step.change for step in steps)
    text = f"{measure.column}, {many} from release to release: {whole}"
    real = [
        (abs(math.log(ratio.value)), step.new, step.old, ratio)
        for step in steps
        if step.change.differs and (ratio := step.change.ratio)
    ]
    if not real:
        return text
    _, new, old, ratio = max(real, key=lambda found: found[0])
    ratio = ratio.inverse() if measure.rate else ratio
    return (
        f"{text} The largest: {new.name} {new.number},"
        f" {formatting.times(ratio.value)} the {measure.more} of {old.number}"
        f" ({ratio.low:.2f} to {ratio.high:.2f})."
    )


def _findings(found: History) -> list[str]:
    """Say what became of the frameworks from first to last release, and what was measured."""
    good = [release for release in found.releases if release.gate == "ok"]
    names = {release.framework.id for release in found.releases}
    measured = (
        f"{formatting.plural(len(found.releases), 'release')} of"
        f" {formatting.plural(len(names), 'framework')} took the same step on the same machine;"
        f" {'all' if len(good) == len(found.releases) else len(good)} passed verification."
    )
    spans = [step.change for step in found.spans if step.measure is SPEED]
    if not spans:
        return [measured]
    many = formatting.plural(len(spans), "framework")
    return [
        f"Speed of the last release against the first, of {many}: {changes.summary(spans)}",
        measured,
    ]


# ------------------------------------------------------------------------------------------ tables

Headings = Mapping[Column, Callable[[Release], Cell]]
"""Columns of releases, and what makes their cells."""


def _table(label: str, headings: Headings, releases: Iterable[Release]) -> Table | None:
    rows = ({one: make(release) for one, make in headings.items()} for release in releases)
    return table(label, rows)


def _value_cell(release: Release, measure: Measure, href: str = "") -> Cell:
    found = release.value(measure)
    if found is None:
        return DASH
    if not measure.rate:
        return figure(found, "B" if measure.exact else release.cells[measure.id].unit, href)
    rate, high, low = (measure.on_axis(x) for x in found)
    detail = (
        f"{formatting.figures(low)} to {formatting.figures(high)}" if math.isfinite(low) else ""
    )
    return Cell(formatting.figures(rate, 4), rate, href, detail)


def _package(document: Mapping[str, Any], name: str) -> str:
    pattern = re.compile(rf"{name}==(.+)", re.IGNORECASE)
    pins = (pattern.fullmatch(str(item)) for item in document["environment"]["packages"])
    return next((match[1] for match in pins if match), "–")


def _data(release: Release) -> str:
    return f"data/{release.source}.csv"


def _gate(release: Release) -> Cell:
    return marked("ok", "passed") if release.gate == "ok" else marked(release.gate)


def _ordinal(release: Release) -> float:
    return float(release.day.toordinal())


_RELEASE: Headings = {Column("Release"): lambda one: Cell(one.name, detail=one.number)}
_PUBLISHED: Headings = {
    Column("Published", narrow=True): lambda one: Cell(one.day.isoformat(), _ordinal(one))
}
_FIGURES: Headings = {
    number(measure.column): partial(_value_cell, measure=measure) for measure in MEASURES
}
_MODE: Headings = {
    Column("Mode that stood for it"): lambda one: Cell(one.framework.mode(one.mode).title)
}
_BUILD: Headings = {Column("Build", narrow=True): lambda one: Cell(one.build)}
_EVERYTHING: Headings = {
    Column("Release"): lambda one: Cell(one.name, href=_data(one), detail=one.number),
    **_PUBLISHED,
    Column("Verification"): _gate,
    **_FIGURES,
    **_BUILD,
    Column("Python", narrow=True): lambda one: Cell(one.document["environment"]["python"]),
    Column("NumPy", narrow=True): lambda one: Cell(_package(one.document, "numpy")),
    **_MODE,
}
_THEN: Headings = {
    **_RELEASE,
    Column("Of", narrow=True): lambda one: Cell(str(one.day.year), _ordinal(one)),
    Column("Verification"): _gate,
    **_FIGURES,
    **_BUILD,
}
_FAULTS: Headings = {
    **_RELEASE,
    Column("Status"): _gate,
    Column("Reason"): lambda one: tables.reason_cell(one.reason),
}


def _measure_table(found: History, measure: Measure) -> Table | None:
    """Return one row a release: the figure, and what changed from the one measured before it."""
    steps = found.steps_to(measure)

    def of_step(make: Callable[[Step], Cell]) -> Callable[[Release], Cell]:
        return lambda one: make(steps[one.id]) if one.id in steps else DASH

    title = measure.column if measure.exact else f"{measure.column}, 95 % interval"
    what = "Memory" if measure.section == "memory" else "Time"
    compared: Headings = {
        number(f"{what}, new / old, 95 %"): of_step(lambda step: ratio_cell(step.change.ratio)),
        Column("Change"): of_step(_change_cell),
        number("Detectable"): of_step(lambda step: percent(step.change.detectable)),
    }
    headings: Headings = {
        **_RELEASE,
        number(title): lambda one: _value_cell(one, measure, _data(one)),
        **({} if measure.exact else compared),
        **_BUILD,
        **_MODE,
        **_PUBLISHED,
    }
    return _table(f"{measure.column} of every release", headings, found.releases)


def _change_cell(step: Step) -> Cell:
    against = f"{'than' if step.change.differs else 'against'} {step.old.number}"
    return verdict_cell(step.change, step.change.reason or against)


def _span_table(found: History) -> Table | None:
    """Return one row a framework: its last release against its first, figure by figure."""
    resolvable = {step.measure for step in found.spans if math.isfinite(step.change.detectable)}
    measures = [measure for measure in MEASURES if measure in resolvable]
    rows: dict[str, dict[str, Step]] = {}
    for step in found.spans:
        rows.setdefault(step.new.name, {})[step.measure.id] = step
    return table(
        "Last release against the first",
        (
            {"Framework": Cell(name, detail=_ends(mine))}
            | {measure.column: _span_cell(mine.get(measure.id), measure) for measure in measures}
            for name, mine in rows.items()
        ),
    )


def _ends(steps: Mapping[str, Step]) -> str:
    step = next(iter(steps.values()))
    old, new = step.old, step.new
    return f"{old.number} ({old.day.year}) → {new.number} ({new.day.year})"


def _span_cell(step: Step | None, measure: Measure) -> Cell:
    """Return last / first as the axis of a measure runs, and the verdict."""
    if step is None:
        return DASH
    ratio = step.change.ratio
    if ratio is None:
        return verdict_cell(step.change, step.change.reason)
    shown = ratio_cell(ratio.inverse() if measure.rate else ratio)
    text = f"{shown.text}\N{NO-BREAK SPACE}×"
    return replace(verdict_cell(step.change, shown.detail), text=text, sort=shown.sort)


@tabled("What no longer installs")
def _gone(inputs: Inputs) -> Rows:
    """Return the releases that no longer install, as the folders declare them."""
    for framework in inputs.catalog.frameworks:
        for gap in framework.gaps:
            if gap.versions and not (gap.mode or gap.section or gap.device):
                yield {
                    "Release": Cell(framework.name, detail=", ".join(gap.versions)),
                    "Why": Cell(gap.reason, source=gap.source),
                }


@tabled("What the newest releases run with")
def _left(inputs: Inputs) -> Rows:
    """Return what the newest measured release of each framework runs with, as runs recorded it."""
    documents = sorted(inputs.documents.values(), key=lambda document: str(document["run"]))
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
        yield {
            "Newest measured release": Cell(framework.name, detail=newest["version"]),
            "Python": Cell(newest["environment"]["python"]),
            "NumPy": Cell(_package(newest, "numpy")),
            "CUDA": Cell(cuda[-1]) if cuda else Cell("–", detail="not measured"),
        }


# ------------------------------------------------------------------- the article's own generation


def _then_text(then: Sequence[tuple[Release, Release]], inputs: Inputs) -> str:
    names = [f"{old.name} {old.number} of {old.day:%B %Y}" for old, _ in then]
    year = inputs.book.article.get("year", "")
    return (
        f"{formatting.listing(names)}. Of each framework that the article compared, this is the"
        f" newest measured release published until the end of {year}, or else the first measured."
        " Below it is the newest release."
    )


# ------------------------------------------------------------------------------ on other pages


def picture(frameworks: Sequence[Framework], inputs: Inputs, figures: Figures) -> Picture | None:
    """Draw the training speed of every release of some frameworks, None where none was measured."""
    place = figures.machine, figures.device
    found = next((one for one in inputs.histories if (one.machine, one.device) == place), None)
    names = [one.name for one in frameworks]
    drawn = [one for one in moments(found, SPEED) if one.panel in names] if found else []
    if found is None or len(drawn) < 2:
        return None
    spans = {step.new.name: step for step in found.spans if step.measure is SPEED}
    many = Counter(one.panel for one in drawn)
    chart = lines.timeline(
        "-".join(["history", *(one.id for one in frameworks)]),
        f"{'; '.join(_span(name, many[name], spans.get(name)) for name in many)}.", drawn,
        measure=SPEED.axis, looks=inputs.catalog.looks, better="higher",
    )  # fmt: skip
    # In the size that stands in half a page, too: so many pages must stay cheap.
    return inputs.draw(replace(chart, specs={"narrow": chart.specs["narrow"]}))


def _span(name: str, many: int, step: Step | None) -> str:
    """Say how fast the last of many releases is against the first, if there is a step to it."""
    if step is None:
        return f"{name}: {formatting.plural(many, 'release')}"
    ratio = step.change.ratio
    if ratio is None or not step.change.differs:
        return f"{name} {step.old.number} to {step.new.number}: {step.change.verdict}"
    times = formatting.times(1 / ratio.value)
    return f"{name} {step.new.number} is {times} as fast as {step.old.number}"
