"""What pages are made of, and the small helpers that every page uses."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from generator import formatting
from generator.analysis import change_events, claims, trials
from generator.analysis import history as releases
from generator.analysis.claim_evidence import Verdict
from generator.analysis.labels import DEVICES, machine_name
from generator.analysis.panels import Figures, index_of
from generator.pages.charts import style

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from generator.analysis.cells import Spreads
    from generator.analysis.change_events import Event
    from generator.analysis.changes import Known
    from generator.analysis.trials import Trial
    from generator.catalog.model import Catalog
    from generator.export.citation import Citation


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
        return len(self.drawings) <= len(style.SCHEMES)


Draw = Callable[[style.Chart], Picture]
"""Draws a chart, or finds it drawn already."""


class Generation(NamedTuple):
    """Releases of one time, measured together, and their figures."""

    releases: Sequence[releases.Release]
    figures: Figures


@dataclass(frozen=True)
class Inputs:
    """Everything that pages are made of."""

    catalog: Catalog
    shown: pd.DataFrame = field(repr=False)
    study: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    """Rows of profile ``history``: releases measured together."""
    variants: pd.DataFrame = field(repr=False)
    """Rows of profile ``variants``: modes with and without documented switches."""
    documents: Mapping[str, Mapping[str, Any]] = field(repr=False)
    book: claims.Book = field(repr=False)
    log: Callable[[str, str], str] = field(repr=False)
    """(key of the run record, path beside its CSV) -> text of a log, "" when there is none."""
    script: Callable[[Path], str] = field(repr=False)
    """Path of a script or lock of a framework's folder -> its text, "" when there is none."""
    draw: Draw = field(repr=False)
    today: datetime.date
    """The day for which pages are made."""
    figures: Mapping[tuple[str, str], Figures] = field(default_factory=dict, repr=False)
    """By machine and device."""
    spreads: Spreads = field(default_factory=dict, repr=False)
    """Between runs, see :func:`generator.analysis.cells.spreads`."""
    events: Sequence[Event] = ()
    """What changed, the newest first; see :func:`generator.analysis.change_events.find`."""
    histories: Sequence[releases.History] = field(default=(), repr=False)
    """Releases measured together, by machine and device."""
    dataset: Mapping[str, Any] | None = field(default=None, repr=False)
    """Descriptor of the whole data set, None where nothing is measured."""
    citation: Citation | None = None
    address: str = ""
    """Of the site, with a slash at its end; "" where it is not known."""
    suite: Sequence[Mapping[str, str]] = field(default=(), repr=False)
    """Rows of ``measurements/array-api-tests.csv``, see ``benchmarks.array_api``."""
    simulated: Sequence[Mapping[str, str]] = field(default=(), repr=False)
    """Rows of ``measurements/leaders.csv``, see ``benchmarks.leaders``."""

    @cached_property
    def places(self) -> tuple[tuple[str, str, str, str], ...]:
        """Distinct (machine, device, section, provenance) of the rows that are shown."""
        columns = ("machine", "device", "section", "provenance")
        return tuple((m, d, s, p) for m, d, s, p in distinct(self.shown, *columns))

    @cached_property
    def evidenced(self) -> frozenset[tuple[str, str]]:
        """(section, framework) of every evidence page."""
        return frozenset((section, key.split("/")[1]) for _, _, section, key in self.places)

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

    def measured(self, section: str = "") -> list[tuple[str, str]]:
        """Return (machine, device) of all with results (of a section), in the order of pages."""
        return [(name, device) for name in self.machines for device in self.devices(name, section)]

    @cached_property
    def trials(self) -> list[Trial]:
        """What became of every switch that was tried, and those that were not."""
        return trials.find(self.variants, self.catalog, self.known.noises)

    @cached_property
    def known(self) -> Known:
        """What comparisons draw on."""
        return change_events.draw_on(self.documents, self.shown, self.catalog, self.spreads)

    @cached_property
    def then(self) -> dict[str, Generation]:
        """Device -> the releases of the article's time, on the newest machine that has some."""
        found: dict[str, Generation] = {}
        for one in sorted(self.histories, key=lambda one: index_of(self.machines, one.machine)):
            chosen = [old for old, _ in one.of_that_time(self.book.article)]
            if figures := one.figures(chosen, self.catalog):
                found.setdefault(one.device, Generation(chosen, figures))
        return found

    def name(self, framework: str) -> str:
        """Return what a framework is called; one without a folder, by its id."""
        return next((f.name for f in self.catalog.frameworks if f.id == framework), framework)

    def batch(self, figures: Figures) -> int:
        """Return the images of a step."""
        settings = self.document(figures.machine, figures.device)["settings"]
        return int(settings.get("batch", 64))

    def document(self, machine: str, device: str = "") -> Mapping[str, Any]:
        """Return the newest run record of a machine (and device)."""
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
    return frame[np.logical_and.reduce([frame[name] == value for name, value in values.items()])]


@dataclass(frozen=True)
class ClaimView:
    """A claim with its verdict today; and by releases of the article's time, where they tell."""

    about: claims.Claim
    today: Verdict
    then: Verdict | None

    @property
    def anchor(self) -> str:
        """Of its box on the page that tests it."""
        return f"claim-{self.about.id}"


def claim_views(inputs: Inputs, page: str) -> tuple[ClaimView, ...]:
    """Return the claims of a page, a section's id or "home", with their verdicts."""
    views = []
    for claim in inputs.book.claims:
        if claim.page == page:
            today = claims.judge(claim, main_figures(inputs, claim.device), inputs.catalog)
            generation = inputs.then.get(claim.device)
            then = claims.judge(claim, generation.figures if generation else None)
            told = then.word != "cannot be tested here"
            views.append(ClaimView(claim, today, then if told else None))
    return tuple(views)


def measured_on(inputs: Inputs, figures: Figures) -> str:
    """Return the line that says where and when the figures of a part of a page were measured."""
    document = inputs.document(figures.machine, figures.device)
    return f"Measured on {machine_name(document)}; newest run {formatting.day(document['run'])}."


def tab_title(inputs: Inputs, machine: str, device: str, *further: str) -> str:
    """Return what a part of a page is called: it names whatever the page has several of."""
    machines = {here for here, _ in inputs.measured()}
    name = machine_name(inputs.document(machine)) if len(machines) > 1 else ""
    kind = DEVICES.get(device, device) if len(inputs.devices(machine)) > 1 else ""
    return ", ".join(filter(None, (*further, kind, name))) or DEVICES.get(device, device)


def facts(inputs: Inputs, figures: Figures, section: str, framework: str) -> dict[str, Any]:
    """Return what the newest processes of a section and framework said about themselves."""
    found: dict[str, Any] = {}
    place = figures.machine, figures.device, section
    for machine, device, here, key in sorted(inputs.places, key=lambda place: place[3]):
        document = inputs.documents[key]
        if (machine, device, here) == place and document["framework"] == framework:
            for job in document["jobs"]:
                found |= job.get("facts", {}) if section in job["sections"] else {}
    return found


def main_figures(inputs: Inputs, device: str = "") -> Figures | None:
    """Return the figures of the newest machine (and device), its processor first."""
    places = (place for place in inputs.measured() if device in ("", place[1]))
    return next((inputs.figures[place] for place in places), None)
