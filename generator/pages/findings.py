"""Pure: panels of figures -> the labels, headings and sentences that pages use for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generator import formatting
from generator.analysis import cells
from generator.analysis import panels as models
from generator.analysis.labels import lane_title, view
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
    """Say in one sentence what leads a panel and by how much."""
    how = view(panel.metric)
    labels = labels_of(panel.rows)
    where = panel_label(panel, caches=True)
    if not panel.good:
        return Finding(where, "no configuration gave a valid result.")
    first = panel.good[0]
    best = shown_value(first, panel, batch)
    if len(panel.ranked) == 1:
        text = f"{labels[first.configuration]} reaches {best}, alone here"
    elif measured_once(panel):
        text = (
            "one process each, so nothing is distinguishable; best estimate"
            f" {labels[first.configuration]} with {best}"
        )
    elif len(panel.leaders) == 1:
        text = f"{_lead(panel)} with {best}"
    elif len(panel.leaders) == len(panel.ranked):
        text = f"{_lead(panel)}, {labels[first.configuration]} with {best}"
    elif len(panel.leaders) > NAMED:
        text = f"{_lead(panel)}, best estimate {labels[first.configuration]} with {best}"
    else:
        text = f"{_lead(panel)}, best estimate {best}"
    follower = next((row for row in panel.good if row.group == 1), None)
    if follower is not None and follower.against is not None:
        text += (
            f"; next comes {labels[follower.configuration]} at"
            f" {follower.against.value:.2f} × the {how.more}"
        )
    if panel.once:
        text += f"; {len(panel.once)} more not ranked (one process)"
    return Finding(where, text + ".")


NAMED = 3
"""Leaders that a sentence names; more are counted."""


def _lead(panel: Panel) -> str:
    """Say who leads a panel that ranks something."""
    tied, ranked = len(panel.leaders), len(panel.ranked)
    if tied == ranked > 1:
        return "no configuration is distinguishable from the best estimate"
    if tied > NAMED:
        return f"{tied} of {ranked} configurations are tied in the lead"
    return f"{names(panel.leaders)} {'leads' if tied == 1 else 'are tied in the lead'}"


def measured_once(panel: Panel) -> bool:
    """Whether no configuration of a panel has a second process, and with it an interval."""
    return all(row.summary is None or row.summary.processes == 1 for row in panel.good)


def main_panel(panels: Sequence[Panel]) -> Panel | None:
    """Return the panel that ranks most configurations; None where all had one process.

    Of equal ones the last: all cores come after one.
    """
    ranking = [panel for panel in reversed(panels) if panel.good and not measured_once(panel)]
    return max(ranking, key=lambda panel: len(panel.ranked), default=None)


def chart_title(panels: Sequence[Panel]) -> str:
    """Say in one sentence what leads the main panel of a chart."""
    if not any(panel.good for panel in panels):
        return "No configuration gave a valid result."
    panel = main_panel(panels)
    if panel is None:
        return "One process each, so nothing is distinguishable."
    text = f"{_lead(panel)}."
    if len(panels) > 1:
        return f"{panel_label(panel)}: {text}"
    return text[0].upper() + text[1:]


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


def frameworks_of(rows: Sequence[Row]) -> str:
    """Return the frameworks of configurations in a list, each once."""
    return formatting.listing(list(dict.fromkeys(row.configuration.framework_name for row in rows)))


def shown_value(row: Row, panel: Panel, batch: int) -> str:
    """Return the headline of a row as text, as a rate where its view says so."""
    assert row.summary is not None
    how = view(panel.metric)
    if how.rate:
        return f"{formatting.figures(batch / row.summary.value, 4)} {how.rate}"
    return quantity(row.summary.value, panel.metric.unit)


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


def ratio_interval(ratio: Ratio) -> str:
    """Return the interval of a ratio as text, "" where it has none."""
    return f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""


def interval_text(low: float, high: float, unit: str) -> str:
    """Return an interval as text, "" where there is none or it has no width."""
    return formatting.span(low, high, unit) if high > 1.0001 * low else ""
