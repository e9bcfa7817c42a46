"""Two frameworks in one question of the scoreboard, from the rules that the pages state."""

import math
from typing import NamedTuple

import pandas as pd
from packaging.version import Version

from tests.independent import comparison
from tests.independent.comparison import Interval, Ratio
from tests.independent.pages import agrees
from tests.independent.rows import FRAMEWORKS, RELEASES

MAIN_LANE = {"cpu": "threads-all", "cuda": "resident"}
SAMPLED = {
    "Training speed": ("lenet", ""), "Little memory": ("memory", ""),
    "Fast start-up": ("compile", "cold"),
}  # fmt: skip
ASKED = {
    "Operator coverage": ("operators", {"forward"}),
    "Control flow": ("control", {"captured", "gradient"}),
    "Custom operators": ("custom", {"forward", "gradient", "captured", "used"}),
    "Transfer learning": ("reuse", {"possible"}),
    "Data-parallel training": ("parallel", {"loss_error"}),
}
_SAID = {
    "wrong": "wrong results", "failed": "failed", "timeout": "timed out",
    "unsupported": "not supported", "skipped": "not measured",
}  # fmt: skip
UNTESTED = "not measured"


class Side(NamedTuple):
    """What one framework has; ``worth`` is None where nothing is known, else more is better."""

    text: str
    worth: float | None = None
    own: Interval | None = None


class Outcome(NamedTuple):
    """What both have, who is ahead, and the first / the second where that is a ratio."""

    sides: tuple[Side, Side]
    verdict: str
    ratio: Ratio | None = None


def compare(place, question, one, other, today):
    """Return the outcome of a question between two frameworks on one machine and device."""
    names = FRAMEWORKS[one]["name"], FRAMEWORKS[other]["name"]
    words = {"faster": f"{names[0]} ahead", "slower": f"{names[1]} ahead", "equivalent": "equal"}
    if question in SAMPLED:
        sides, verdict, ratio = _sampled(place, *SAMPLED[question], (one, other))
        return Outcome(sides, words.get(verdict, verdict), ratio)
    make = {"Use from R": _from_r, "Still maintained": _maintained, "Short code": _lines}
    if question in ASKED:
        sides = tuple(_answers(place, *ASKED[question], id) for id in (one, other))
    else:
        sides = tuple(make[question](place, id, today) for id in (one, other))
    if None in (sides[0].worth, sides[1].worth):
        return Outcome(sides, "cannot be compared")
    if question == "Short code":
        lines = sides[1].worth / sides[0].worth
        ratio = Ratio(lines, lines, lines, False, 0, math.inf)
        verdict = comparison.verdict(ratio, 0)
        return Outcome(sides, words.get(verdict, verdict), ratio)
    first, second = sides[0].worth, sides[1].worth
    verdict = "equivalent" if first == second else "faster" if first > second else "slower"
    return Outcome(sides, words[verdict])


def _panel(place, section, case):
    lane = MAIN_LANE[place.rows["device"].iloc[0]]
    found = [panel for panel in place.panels(section)
             if (panel.lane, panel.case, panel.division) == (lane, case, "closed")]  # fmt: skip
    return found[0] if found else None


def _bad(panel, framework):
    status = next((s for cell, s in panel.bad.items() if cell.framework == framework), "skipped")
    return Side(_SAID[status], None if status == "skipped" else 0.0)


def _sampled(place, section, case, ids):
    panel = _panel(place, section, case)
    if panel is None:
        return (Side(UNTESTED),) * 2, "cannot be compared", None
    cells = [panel.best(id) for id in ids]
    sides = []
    for id, cell in zip(ids, cells, strict=True):
        own = panel.model.own(cell) if cell else None
        if own and section == "lenet":
            own = Interval(*(place.batch / x for x in (own.value, own.high, own.low)))
        sides.append(Side("", own=own) if own else _bad(panel, id)._replace(worth=None))
    if None in cells:
        return tuple(sides), "cannot be compared", None
    ratio, verdict = panel.judge(*cells)
    shown = ratio.inverse() if section == "lenet" else ratio
    return tuple(sides), "cannot be compared" if math.isnan(ratio.low) else verdict, shown


def _answers(place, section, metrics, framework):
    said = {key: statuses for key, (statuses, _) in place.answers(section).items()}
    if framework not in {id for id, _, _ in said}:
        return Side(UNTESTED)
    asked = {(case, metric) for _, case, metric in said if case and metric in metrics}
    mine = [said[framework, *one] for one in asked if (framework, *one) in said]
    right = mine.count({"ok"})
    nothing = mine and all(statuses == {"unsupported"} for statuses in mine)
    return Side("not supported" if nothing else f"{right} of {len(asked)}", right / len(asked))


def _from_r(place, framework, _):
    panel = _panel(place, "r", "")
    if panel is None:
        return Side(UNTESTED)
    return Side("verified", 1.0) if panel.best(framework) else _bad(panel, framework)


def _lines(place, framework, _):
    lines = place.counts("highlevel", "lines").get(framework)
    return Side(f"{lines:.0f} lines", 1 / lines) if lines else Side(UNTESTED)


def _maintained(_, framework, today):
    if retired := FRAMEWORKS[framework].get("retired"):
        return Side(f"retired in {retired['year']}", 0.0)
    said = RELEASES[framework]
    final = [
        pd.Timestamp(release["uploaded"])
        for release in said["distributions"][said["distribution"]]
        if not (release["yanked"] or Version(release["version"]).is_prerelease)
    ]
    years = (pd.Timestamp(today) - max(final)).days / 366
    return Side(f"{max(final):%b %Y}", 1.0 if years <= 1 else 0.5 if years <= 3 else 0.0)


def shows(side, text, detail):
    """Assert that a text with a smaller one below it shows a side."""
    if side.own is None:
        assert (text, detail) == (side.text, "")
        return
    agrees(text, side.own.value)
    said, _, mode = detail.partition(", ")
    assert mode
    if math.isnan(side.own.low):
        assert said == "one process"
    elif side.own.high > 1.0001 * side.own.low:
        agrees(said, side.own.low, side.own.high)


def told(outcome, verdict, detail):
    """Assert that a verdict with a smaller text behind it tells an outcome."""
    assert verdict == outcome.verdict
    if outcome.ratio is None or verdict == "cannot be compared":
        assert bool(detail) == (verdict == "cannot be compared")
    elif outcome.ratio.low == outcome.ratio.high:
        agrees(detail, outcome.ratio.value)
    else:
        agrees(detail, *outcome.ratio[:3])
