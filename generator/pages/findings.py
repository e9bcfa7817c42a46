"""Pure: panels of figures -> the labels, headings and sentences that pages use for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generator import formatting
from generator.analysis import cells
from generator.analysis import panels as models
from generator.analysis.labels import lane_label, lane_title, view
from generator.analysis.panels import Configuration, Panel, Row
from generator.analysis.statistics import Ratio
from generator.formatting import quantity
from generator.pages import urls


def panel_label(panel: Panel, *, caches: bool = False) -> str:
    """Return what a panel is called among those of its section.

    Args:
        panel: the panel.
        caches: whether to name its case where a chart shows both cases in one panel.

    """
    start = view(panel.metric).start_case
    parts = [lane_title(panel.lane)]
    if panel.case and not start:
        parts.append(panel.case)
    if panel.division != "closed":
        parts.append(f"{panel.division} division")
    if start and caches:
        parts.append(f"{panel.case} caches")
    return ", ".join(parts)


def labels_of(rows: Sequence[Row]) -> dict[Configuration, str]:
    """Return the label of each configuration; with the version where there are several."""
    versions: dict[str, set[str]] = {}
    for row in rows:
        one = row.configuration
        versions.setdefault(one.framework, set()).add(one.version)
    return {
        (one := row.configuration): one.label.replace(
            one.framework_name, f"{one.framework_name} {one.version}", 1
        )
        if len(versions[one.framework]) > 1
        else one.label
        for row in rows
    }


def labelled(panels: Iterable[Panel]) -> Iterator[tuple[Panel, Row, str]]:
    """Yield the rows of panels, each with its panel and its label there."""
    for panel in panels:
        labels = labels_of(panel.rows)
        for row in panel.rows:
            yield panel, row, labels[row.configuration]


def evidence(section: str, one: Configuration, panel: Panel) -> str:
    """Return the address of a figure's evidence, relative to ``docs/report/``."""
    place = urls.newest(panel.machine, one.mode, panel.device, panel.lane)
    return urls.evidence(section, one.framework, place)


def figure_evidence(key: cells.Key) -> str:
    """Return the address of one figure on an evidence page, relative to ``docs/report/``."""
    place = urls.newest(key.machine, key.mode, key.device, key.lane, key.metric, key.case)
    return urls.evidence(key.section, key.framework, place)


# ---------------------------------------------------------------------------------------- findings


@dataclass(frozen=True)
class Finding:
    """One sentence about a panel, as parts: where, what."""

    where: str
    text: str

    @property
    def plain(self) -> str:
        """The whole sentence."""
        return f"{self.where}: {self.text}"


def finding(panel: Panel, batch: int) -> Finding:
    """Say what has the best value of a panel, what is not distinguishable from it, and what is."""

    def value(row: Row) -> str:
        return shown_value(row, panel, batch)

    labels, where = labels_of(panel.rows), panel_label(panel, caches=True)
    if not panel.good:
        return Finding(where, "No configuration gave a valid result.")
    if not panel.leaders:
        ends = (panel.good[0], *panel.good[1:][-1:])
        values = " to ".join(f"{labels[row.configuration]} {value(row)}" for row in ends)
        return Finding(where, f"Not ranked, one process each: {values}.")
    first = panel.leaders[0]
    interval = shown_interval(first, panel, batch)
    said = [f"{_lead(panel)}: {value(first)} ({interval}).", *_level(panel)]
    if slower := [row for row in panel.ranked if row.group > 0]:
        said.append(_closest(slower, panel, value(slower[0])))
    if panel.once:
        said.append(f"Not ranked (one process): {len(panel.once)}.")
    return Finding(where, " ".join(said))


NAMED = 3
"""Configurations that a sentence names; more are counted."""


def _lead(panel: Panel) -> str:
    """Say which configuration leads a panel that ranks something, or is the best estimate."""
    label = labels_of(panel.rows)[panel.leaders[0].configuration]
    if len(panel.ranked) == 1:
        return f"{label} is the only one ranked"
    return f"{label} {'leads' if len(panel.leaders) == 1 else 'has the best estimate'}"


def _level(panel: Panel) -> list[str]:
    """Return the sentence on what else is in the leading group, none where nothing is."""
    others = panel.leaders[1:]
    if not others:
        return []
    more = f"Another {len(others)}" if len(panel.leaders) < len(panel.ranked) else "All others"
    named = names(others) if len(others) <= NAMED else more
    return [f"{named} {'is' if len(others) == 1 else 'are'} not distinguishable from it."]


def _closest(slower: Sequence[Row], panel: Panel, value: str) -> str:
    """Say how many rows differ from the leader, and what the first of them has.

    Args:
        slower: the rows.
        panel: theirs.
        value: of the first.

    """
    how, (first, *others) = view(panel.metric), slower
    assert first.against is not None
    label = labels_of(panel.rows)[first.configuration]
    many = f"Of {len(panel.ranked)} ranked, {len(slower)} {how.worse[1]}; the closest is {label}"
    ratio = ratio_text(first.against, f"the {how.more}")
    return f"{many if others else f'{label} {how.worse[0]}'}: {value}, {ratio}."


def failing(panels: Sequence[Panel]) -> Finding | None:
    """Say which configurations fail verification, and whether in some lanes only."""
    wrong: dict[Configuration, Row] = {}
    lanes: dict[Configuration, dict[str, list[str]]] = {}
    for panel in panels:
        for row in panel.rows:
            status = "wrong" if row.status == "wrong" else "right" if row.summary else "untested"
            tested = lanes.setdefault(row.configuration, {})
            tested.setdefault(status, []).append(lane_label(panel.lane))
            if status == "wrong":
                wrong[row.configuration] = row
    if not wrong:
        return None
    places: dict[str, list[Row]] = {}
    for one, row in wrong.items():
        bad = formatting.listing(list(dict.fromkeys(lanes[one]["wrong"])))
        places.setdefault(f", {bad} only" if "right" in lanes[one] else "", []).append(row)
    said = "; ".join(f"{names(rows)}{place}" for place, rows in places.items())
    why = "Where results differ from the reference, no figures are published."
    return Finding("Fails verification", f"{said}. {why}")


NOT_JUDGED = "not judged"


def judged(ratio: Ratio, verdict: str) -> str:
    """Return a verdict, or that there is none: without an interval nothing is judged."""
    return verdict if math.isfinite(ratio.low) else NOT_JUDGED


def counted(verdicts: Sequence[str], better: str, worse: str, what: str = "comparison") -> str:
    """Count verdicts in a sentence: "faster in 6 of 17 comparisons, slower in none, ...".

    Args:
        verdicts: see :func:`judged`.
        better: what "faster" is called.
        worse: what "slower" is called.
        what: each verdict is about.

    """
    counts = Counter(verdicts)
    rest = {"equivalent": "", "not resolved": "", NOT_JUDGED: " (no interval)"}
    said = [
        f"{better} in {counts['faster'] or 'none'} of {formatting.plural(len(verdicts), what)}",
        f"{worse} in {counts['slower'] or 'none'}",
        *(f"{word} in {counts[word]}{why}" for word, why in rest.items() if counts[word]),
    ]
    return ", ".join(said)


def main_panel(panels: Sequence[Panel]) -> Panel | None:
    """Return the panel that ranks most configurations; None where all had one process.

    Of equal ones the last: all cores come after one.
    """
    ranking = [panel for panel in reversed(panels) if panel.leaders]
    return max(ranking, key=lambda panel: len(panel.ranked), default=None)


def chart_title(panels: Sequence[Panel]) -> str:
    """Say what leads the main panel of a chart."""
    if not any(panel.good for panel in panels):
        return "No configuration gave a valid result."
    panel = main_panel(panels)
    if panel is None:
        return "One process each, so nothing is ranked."
    place = f"{panel_label(panel)}: " if len(panels) > 1 else ""
    return " ".join([f"{place}{_lead(panel)}.", *_level(panel)])


def names(rows: Sequence[Row]) -> str:
    """Return configurations in a list, the modes of a framework together."""
    versions: dict[str, set[str]] = {}
    modes: dict[str, list[str]] = {}
    for row in rows:
        one = row.configuration
        versions.setdefault(one.framework_name, set()).add(one.version)
    for row in rows:
        one = row.configuration
        several = len(versions[one.framework_name]) > 1
        name = f"{one.framework_name} {one.version}" if several else one.framework_name
        modes.setdefault(name, []).append(one.mode_title)
    return formatting.listing([f"{name} ({'; '.join(found)})" for name, found in modes.items()])


def bare_value(row: Row, panel: Panel, batch: int) -> str:
    """Return the headline of a row as number and unit, as a rate where its view says so."""
    assert row.summary is not None
    if rate := view(panel.metric).rate:
        return f"{formatting.figures(batch / row.summary.value, 4)} {rate}"
    return quantity(row.summary.value, panel.metric.unit)


def shown_value(row: Row, panel: Panel, batch: int) -> str:
    """Return :func:`bare_value` with what a sentence says beyond it."""
    return f"{bare_value(row, panel, batch)} {view(panel.metric).beyond}".rstrip()


def shown_interval(row: Row, panel: Panel, batch: int) -> str:
    """Return the interval of :func:`shown_value` as text, "" for one process."""
    assert row.summary is not None
    if view(panel.metric).rate:
        rate = row.summary.rate(batch)
        return interval_text(rate.low, rate.high, "")
    return interval_text(row.summary.low, row.summary.high, panel.metric.unit)


def plain_summary(cell: cells.Cell) -> tuple[float, float, float, int, int]:
    """Return (value, low, high, processes, samples) of any metric, zero and below included.

    The interval is NaN where the logarithm has no meaning or there was one process.
    """
    import numpy as np

    try:
        found = models.summary(cell)
    except ValueError:
        every = np.concatenate(list(cell.blocks.values()))
        return float(np.median(every)), math.nan, math.nan, len(cell.blocks), len(every)
    return found.value, found.low, found.high, found.processes, found.samples


def modes_text(cell: cells.Cell) -> str:
    """Say into which two clusters the processes of a cell fall, "" where there is one."""
    try:
        found = models.summary(cell).modes
    except ValueError:  # the logarithm has no meaning
        return ""
    if found is None:
        return ""
    low, high = (quantity(value, cell.unit) for value in (found.low, found.high))
    return f"two modes: {low} in {found.at_low} processes, {high} in {found.at_high}"


def ratio_interval(ratio: Ratio) -> str:
    """Return the interval of a ratio as text, "" where it has none."""
    return f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""


def ratio_text(ratio: Ratio, of: str) -> str:
    """Return a ratio as a sentence has it: "1.25 times the time (1.05 to 1.49)"."""
    interval = ratio_interval(ratio) or "no interval"
    across = ", measured in different runs" if ratio.across else ""
    return f"{formatting.times(ratio.value)} {of} ({interval}{across})"


def interval_text(low: float, high: float, unit: str) -> str:
    """Return an interval as text, "" where there is none or it has no width."""
    return formatting.span(low, high, unit) if high > 1.0001 * low else ""
