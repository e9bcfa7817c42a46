"""Pure: curves over an axis that was swept, for the pages that show one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.labels import lane_title
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.charts.marks import Point
from generator.pages.findings import plain_summary
from generator.pages.inputs import where
from generator.pages.parts import Block
from generator.pages.question_page import View
from generator.pages.tables import Cell, figure, marked, reason_cell, table
from generator.results.schema import is_again

Values = Mapping[int, tuple[float, float, float]]
"""Place on the axis -> (value, low, high) in seconds; the interval may be NaN."""


@dataclass(frozen=True)
class Curve:
    """The step and ready times of one configuration along an axis: x -> (value, low, high)."""

    configuration: models.Configuration
    steps: Values
    ready: Values
    anchor: str = ""
    """On the evidence page."""


def curves(axis: str, view: View) -> list[Curve]:
    """Return the curves of a section over an axis, those of a framework together.

    A case is called "<axis> <number>".
    """
    found: dict[tuple[str, str, str], dict[str, dict[int, tuple[float, float, float]]]] = {}
    anchors = {}
    for key, cell in view.figures.cells.items():
        word, _, number = key.case.partition(" ")
        if key.section != view.section.id or word != axis or not number.isdigit():
            continue
        place = found.setdefault((key.framework, key.version, key.mode), {})
        place.setdefault(key.metric, {})[int(number)] = plain_summary(cell)[:3]
        anchor = urls.anchor(key.machine, key.mode, key.device, key.lane)
        anchors[key.framework, key.version, key.mode] = anchor
    return [
        Curve(
            models.configuration(view.catalog, *place),
            dict(sorted(curve.get("step_time", {}).items())),
            dict(sorted(curve.get("ready_time", {}).items())),
            anchors[place],
        )
        for place, curve in sorted(found.items())
    ]


def points_of(
    found: Iterable[Curve], values: Callable[[Curve], Values], scale: float | None = 1.0
) -> list[Point]:
    """Return the points of curves: y is ``scale`` times the seconds, or x / seconds without one."""
    points = []
    for curve in found:
        one = curve.configuration
        for x, numbers in values(curve).items():
            text = quantity(numbers[0], "s")
            if scale:
                y, low, high = (scale * n for n in numbers)
            else:
                y, high, low = (x / n for n in numbers)
                text = f"{formatting.figures(y, 3)} images/s"
            name, mode = one.framework_name, one.mode_title
            points.append(Point(name, mode, y, low, high, text, x, kind=one.kind))
    return points


def caption(view: View) -> str:
    """Return what the curves of a section were measured with, and how they are drawn."""
    lane = next(key.lane for key in view.figures.cells if key.section == view.section.id)
    return (
        f"{lane_title(lane)}, empty compile caches. Solid: as a graph. Dashed: eager."
        " Upright lines: 95 % intervals, within one run."
    )


def name_cell(curve: Curve, section: str) -> Cell:
    """Return the first cell of a curve's row, with the way to its evidence."""
    one = curve.configuration
    kind = {"symbolic": "graph", "imperative": "eager"}.get(one.kind, one.kind)
    detail = f"{one.release}, {kind}"
    link = urls.evidence(section, one.framework, curve.anchor)
    return Cell(one.label, detail=detail, href=link)


def curve_cell(values: Values, x: int) -> Cell:
    """Return a curve's value at ``x``."""
    return figure(values[x], "s") if x in values else Cell("–", detail="not reached")


def slope(values: Values) -> float | None:
    """Return the seconds that one more on the axis costs, from its first to its last place."""
    if len(values) < 2:
        return None
    first, last = min(values), max(values)
    return (values[last][0] - values[first][0]) / (last - first)


def faults(view: View, heading: str) -> Block:
    """Return the cases of a section that gave no time, each with its reason."""
    machine, device, section = view.figures.machine, view.figures.device, view.section.id
    here = where(view.inputs.shown, machine=machine, device=device, section=section)
    columns = ["framework", "version", "mode", "case", "status", "reason", "lane"]
    wrong = (here["status"] != "ok") & ~here["case"].map(is_again).astype(bool)
    bad = here.loc[wrong, columns].drop_duplicates(columns[:5]).astype(str)
    rows = []
    for framework, version, mode, case, status, reason, lane in bad.itertuples(index=False):
        anchor = urls.anchor(machine, mode, device, lane) if lane else ""
        one = models.configuration(view.catalog, framework, version, mode)
        link = urls.evidence(section, framework, anchor)
        rows.append(
            {
                "Configuration": Cell(one.label, None, link, one.release),
                "Case": Cell(case or "–"),
                "What happened": marked(status),
                "Reason": reason_cell(reason),
            }
        )
    found = table("What gave no time", rows)
    return Block(heading, f"{view.anchor(section)}-faults", "", (found,))
