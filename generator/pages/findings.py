"""Pure: panels of figures -> the labels, headings and sentences that pages use for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from generator import formatting
from generator.analysis import cells
from generator.analysis import panels as models
from generator.analysis.labels import view
from generator.analysis.panels import Configuration, Contrast, Panel, Row, both_ways
from generator.analysis.statistics import Ratio
from generator.formatting import quantity
from generator.pages import urls
from generator.pages.parts import Bullet
from generator.pages.tables import interval_text


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


def evidence(section: str, one: Configuration, panel: Panel) -> str:
    """Return the address of a figure's evidence, relative to ``docs/report/``."""
    place = urls.anchor(panel.machine, one.mode, panel.device, panel.lane)
    return urls.evidence(section, one.framework, place)


def figure_evidence(key: cells.Key) -> str:
    """Return the address of one figure on an evidence page, relative to ``docs/report/``."""
    place = urls.anchor(key.machine, key.mode, key.device, key.lane, key.metric, key.case)
    return urls.evidence(key.section, key.framework, place)


# ---------------------------------------------------------------------------------------- findings

NAMED = 3
"""What a sentence names; more is counted."""

LONG = 14
"""Words of the names in a sentence, so that it has 30 at most."""


def answer(panel: Panel, batch: int) -> tuple[str, str]:
    """Say who leads a panel, with what value, and who comes next; each framework in its best mode.

    Returns:
        The beginning that stands out, and the whole: sentences of at most 30 words.

    """
    leaders, slower, once = _standing(panel)
    if not panel.good:
        return "", "No framework gave a valid result."
    if not leaders:
        said = f"Not ranked, one process each: {_some(once)}, {_values(once, panel, batch)}."
        return "Not ranked", said
    lead, first = _some(leaders), leaders[0].configuration.framework_name
    value = _values(leaders, panel, batch)
    if len(leaders) > 1:
        rest = "the two" if len(leaders) == 2 else f"the others from {first}"
        sentences = [f"{lead}, {value}; nothing separates {rest}."]
    else:
        alone = "" if slower or once else "; no other framework is measured here"
        interval = shown_interval(leaders[0], panel, batch)
        sentences = [f"{lead}, {value}{f' ({interval})' if interval else ''}{alone}."]
    if slower:
        sentences.append(f"{_behind(slower[0], panel, first if len(leaders) > 1 else '')}.")
    if once:
        sentences.append(f"Not ranked, one process each: {_some(once)}.")
    return lead, " ".join(sentences)


def chart_title(panel: Panel) -> str:
    """Say who leads a panel and how far the last framework lies behind."""
    leaders, slower, _ = _standing(panel)
    if not panel.good:
        return "No framework gave a valid result."
    if not leaders:
        return "One process each, so nothing is ranked."
    if slower:
        verb = "leads" if len(leaders) == 1 else "lead"
        return f"{_some(leaders, mode=False)} {verb}; {_behind(slower[-1], panel, interval=False)}."
    if len(leaders) > 1:
        others = _some(leaders[1:], mode=False)
        return f"Nothing separates {others} from {leaders[0].configuration.framework_name}."
    return f"{_some(leaders)} is the only framework ranked."


def _standing(panel: Panel) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the leading frameworks, those behind and those not ranked, each in its best mode."""
    return (
        [row for row in panel.best if row.group == 0],
        [row for row in panel.best if row.group > 0],
        [row for row in panel.best if row.group < 0],
    )


def _some(rows: Sequence[Row], *, mode: bool = True) -> str:
    """Name some frameworks and count the rest; with a mode if it is not their default one.

    Names too long for a sentence have no mode.
    """
    known = [row.configuration for row in rows]
    bare = [one.framework_name for one in known]
    full = [one.framework_name if one.default else one.label for one in known]
    return listed(full if mode and len(" ".join(full[:NAMED]).split()) <= LONG else bare)


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Return a list that names some and counts the rest."""
    rest = [f"{len(names) - most} more"] if len(names) > most else []
    return formatting.listing([*names[:most], *rest])


def _values(rows: Sequence[Row], panel: Panel, batch: int) -> str:
    """Return the values of rows as a sentence has them: one, or from the least to the most."""
    how, unit = view(panel.metric), panel.metric.unit
    found = sorted(
        batch / row.summary.value if how.rate else row.summary.value for row in rows if row.summary
    )
    ends = formatting.span(found[0], found[-1], how.rate or unit)
    one = f"{formatting.figures(found[0], 4)} {how.rate}" if how.rate else quantity(found[0], unit)
    return f"{one if len(found) == 1 else ends} {how.beyond}".rstrip()


def _behind(row: Row, panel: Panel, leader: str = "", *, interval: bool = True) -> str:
    """Say how far a row lies behind: "B takes 1.49 times as long (1.05 to 1.60)", as a leader."""
    assert row.against is not None
    takes, as_long = view(panel.metric).worse
    than = f" as {leader}" if leader else ""
    said = f"{_some([row])} {takes} {formatting.times(row.against.value)} {as_long}{than}"
    across = ", across runs" if row.against.across else ""
    return f"{said} ({ratio_interval(row.against)}{across})" if interval else said


def failing(panel: Panel, address: str) -> Bullet | None:
    """Say which modes fail verification, or else who has no value, and where it says why."""
    labels = labels_of(panel.rows)
    wrong = [labels[row.configuration] for row in panel.rows if row.status == "wrong"]
    names = wrong or list(without(panel))
    what = "wrong results, so no figure" if wrong else "no figure here"
    verb = "has" if len(names) == 1 else "have"
    return Bullet(f"{listed(names)} {verb} {what}:", "why", address) if names else None


def without(panel: Panel) -> dict[str, str]:
    """Return the name of each framework without any value -> the worst status of its modes."""
    known = {row.configuration.framework for row in panel.good}
    found: dict[str, list[str]] = {}
    for row in panel.rows:
        if row.configuration.framework not in known:
            found.setdefault(row.configuration.framework_name, []).append(row.status)
    return {name: min(each, key=models.SEVERITY.index) for name, each in found.items()}


def compiling(panel: Panel) -> Bullet | None:
    """Say where a graph needs less or more than the same program run eagerly, if it is resolved.

    Of several graphs of a program the best one counts.
    """
    best: dict[Configuration, Contrast] = {}
    for found in sorted(both_ways([panel]), key=lambda one: one.ratio.value):
        best.setdefault(found.eager.configuration, found)
    sides: dict[str, list[str]] = {"faster": [], "slower": []}
    for found in best.values():
        if found.verdict in sides:
            name, ratio = found.eager.configuration.framework_name, found.ratio.value
            sides[found.verdict].append(f"{name} ({formatting.times(ratio)})")
    less, more = listed(sides["faster"]), listed(sides["slower"], 2)
    noun = iter((f" {view(panel.metric).more}", ""))
    said = [f"{word}{next(noun)} in {who}" for word, who in (("less", less), ("more", more)) if who]
    return Bullet(f"Against eager execution, a graph takes {', '.join(said)}.") if said else None


def smallest(panel: Panel) -> Bullet | None:
    """Say which difference from the leader a panel can show, and what its noise is."""
    found = [row.detectable for row in panel.rows if math.isfinite(row.detectable)]
    if not found:
        return None
    text = f"The smallest difference that can be shown here is about {_percent(median(found))}"
    if panel.replicated:
        return Bullet(f"{text}; identical configurations differ by up to {_percent(panel.noise)}.")
    return Bullet(f"{text}; no identical configurations were compared.")


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


NOT_JUDGED = "not judged"


def judged(ratio: Ratio, verdict: str) -> str:
    """Return a verdict, or that there is none: without an interval nothing is judged."""
    return verdict if math.isfinite(ratio.low) else NOT_JUDGED


def counted(verdicts: Sequence[str], better: str, worse: str, what: str = "comparison") -> str:
    """Count verdicts in a sentence: "faster in 6 of 17 comparisons, slower in 2, ...".

    Args:
        verdicts: see :func:`judged`.
        better: what "faster" is called.
        worse: what "slower" is called.
        what: each verdict is about.

    """
    counts = Counter(verdicts)
    rest = {"slower": worse, NOT_JUDGED: f"{NOT_JUDGED} (no interval)"}
    said = [f"{better} in {counts['faster'] or 'none'} of {formatting.plural(len(verdicts), what)}"]
    for one in ("slower", "equivalent", "not resolved", NOT_JUDGED):
        said += [f"{rest.get(one, one)} in {counts[one]}"] if counts[one] else []
    return ", ".join(said)


def bare_value(row: Row, panel: Panel, batch: int) -> str:
    """Return the headline of a row as number and unit, as a rate where its view says so."""
    assert row.summary is not None
    if view(panel.metric).rate:
        return f"{formatting.figures(batch / row.summary.value, 4)} images/s"
    return quantity(row.summary.value, panel.metric.unit)


def shown_interval(row: Row, panel: Panel, batch: int) -> str:
    """Return the interval of :func:`bare_value` as text, "" for one process."""
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
    at_low = formatting.plural(found.at_low, "process")
    return f"two modes: {low} in {at_low}, {high} in {found.at_high}"


def ratio_interval(ratio: Ratio) -> str:
    """Return the interval of a ratio as text, "" where it has none."""
    return f"{ratio.low:.2f} to {ratio.high:.2f}" if math.isfinite(ratio.low) else ""


def ratio_text(ratio: Ratio, of: str) -> str:
    """Return a ratio as a sentence has it: "1.25 times the time (1.05 to 1.49)"."""
    interval = ratio_interval(ratio) or "no interval"
    across = ", measured in different runs" if ratio.across else ""
    return f"{formatting.times(ratio.value)} {of} ({interval}{across})"
