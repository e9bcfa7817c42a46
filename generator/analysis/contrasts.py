"""Pure: panels -> one program executed as a graph and eagerly, compared with itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.analysis import statistics
from generator.analysis.panels import Panel, Row


@dataclass(frozen=True)
class Contrast:
    """One program executed as a graph and eagerly, on one panel: nothing else differs."""

    panel: Panel
    graph: Row
    eager: Row
    ratio: statistics.Ratio
    """Value of the graph / value of eager execution."""
    verdict: str
    """On the graph."""


def both_ways(panels: Sequence[Panel]) -> tuple[Contrast, ...]:
    """Return every captured mode with a value against the mode it captures, panel by panel."""
    found = []
    for panel in panels:
        values = {row.configuration.key: row for row in panel.good}
        for row in panel.good:
            one = row.configuration
            eager = values.get((one.framework, one.version, one.captures))
            if one.captures and eager:
                found.append(Contrast(panel, row, eager, *panel.compare(row, eager)))
    return tuple(found)
