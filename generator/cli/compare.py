"""What ``generator compare`` does, without a word about how it is typed or drawn.

Two frameworks or modes are compared as A over B. Of two versions, or machines, one comes after the
other: B over A, as on the page about changes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import formatting
from generator.analysis import cells, change_events, changes
from generator.analysis.cells import Key
from generator.analysis.changes import Change
from generator.analysis.compare import Comparison, Spec, parse_spec
from generator.analysis.compare import compare as compare_specs
from generator.analysis.labels import TOPICS, lane_label
from generator.analysis.panels import configuration, headline
from generator.catalog import loader as catalogs
from generator.catalog.model import Catalog
from generator.formatting import figures, quantity
from generator.results import reading, selection


@dataclass(frozen=True)
class Found:
    """What a comparison found, as data, and how it is said.

    ``same`` is name -> text of what holds for all. Rows below ``columns`` are texts: what is
    compared, value of A, of B, their ratio, the verdict; or a heading.
    """

    comparisons: tuple[Comparison, ...]
    same: dict[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def compare(folder: Path, a: str, b: str, metric: str = "") -> Found:
    """Compare what two specs name; see :func:`generator.analysis.compare.compare`.

    Args:
        folder: of results.
        a: one side, as :func:`generator.analysis.compare.parse_spec` reads it.
        b: the other side.
        metric: id of a metric; "" for the headlines of all topics.

    """
    loaded, catalog = reading.load(folder), catalogs.load()
    selected = selection.select(loaded)
    shown = selection.withhold(selection.current(selected, catalog.listed))
    known = change_events.draw_on(loaded.records, shown, catalog, cells.spreads(loaded))
    every = selection.withhold(selection.select(loaded, ("quick", "full", "history")))
    keys = list(cells.group_cells(every))
    one, two = (parse_spec(text, keys) for text in (a, b))
    frame = selection.withhold(selected)
    if _versions(one, two):
        together = change_events.together(loaded, one.framework, (one.version, two.version))
        frame = every if together is None else together
    found = tuple(compare_specs(frame, a, b, known, metric))
    if metric:
        found = tuple(sorted(found, key=lambda c: (c.a.key.section, _numbered(c.a.key.case))))
    later = bool(one.machine) or _versions(one, two)
    judged = [changes.judge(c.a, c.b, known) if later else c.change for c in found]
    left, right = _titles(found, catalog)
    after, before = (right, left) if later else (left, right)
    facts = [_facts(item, catalog, bool(metric)) for item in found]
    varied = [name for name in facts[0] if len({fact[name] for fact in facts}) > 1]
    same = {name: text for name, text in facts[0].items() if text and name not in varied}
    if not (metric or (one.mode and two.mode)):
        note = "the default, unless named as in FRAMEWORK:MODE"
        same["mode"] = "; ".join(filter(None, (same.get("mode"), note)))
    same["ratio"] = f"{after} / {before}; the verdict is on {after}"
    same |= _about(judged)
    if not metric:
        same |= _topics(found, catalog)
    told = [_figures(change, same.get("interval", ""), later=later) for change in judged]
    above = ["machine", "device", "lane", *([] if metric else ["framework", "compared", "mode"])]
    label = [name for name in varied if name not in above]
    rows = _rows(facts, told, label, [name for name in above if name in varied])
    return Found(found, same, ("what", left, right, "ratio", "verdict"), tuple(rows))


def _rows(
    facts: Sequence[Mapping[str, str]],
    told: Sequence[tuple[str, ...]],
    label: Sequence[str],
    above: Sequence[str],
) -> Iterator[tuple[str, ...]]:
    """Yield the rows, those of one place below a heading.

    Of the ``facts``, some distinguish the rows of a place (``label``), others places (``above``).
    """
    places: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for fact, figures_ in zip(facts, told, strict=True):
        name = ", ".join(filter(None, map(fact.get, label))) or fact["question"]
        places.setdefault(tuple(fact[one] for one in above), []).append((name, *figures_))
    for place in sorted(places):  # "all cores" comes before "one thread"
        if above:
            yield (f"{', '.join(filter(None, place))}:",)
        yield from places[place]


def _numbered(case: str) -> list[str | int]:
    """Return what sorts "batch 8" before "batch 64"."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", case)]


def _versions(one: Spec, two: Spec) -> bool:
    """Whether these are two releases of one framework."""
    same = one.framework == two.framework
    return bool(same and one.version and two.version and one.version != two.version)


def _facts(item: Comparison, catalog: Catalog, by_metric: bool) -> dict[str, str]:
    """Return what a comparison is about, name -> text; by metric, or by topic."""
    key, other = item.a.key, item.b.key
    releases, modes, machines = (
        " against ".join(dict.fromkeys(texts))
        for texts in (
            (_release(key, catalog), _release(other, catalog)),
            (key.mode, other.mode),
            (key.machine, other.machine),
        )
    )
    several = key.machine != other.machine
    metrics = {s.id: s.metrics for s in catalog.sections}.get(key.section, {})
    metric = metrics.get(key.metric)
    title = f"{metric.title if metric else key.metric} ({key.section})"
    return {
        "question": title if by_metric else TOPICS[key.section],
        "case": key.case,
        "framework": releases if several else "",
        "compared": machines if several else releases,
        "mode": modes,
        "machine": "" if several else machines,
        "device": key.device,
        "lane": lane_label(key.lane),
    }


def _release(key: Key, catalog: Catalog) -> str:
    name = configuration(catalog, key.framework, key.version, "").framework_name
    return f"{name} {key.version}"


def _titles(found: Sequence[Comparison], catalog: Catalog) -> tuple[str, str]:
    """Return what distinguishes both sides of all comparisons, "A" and "B" where nothing does."""
    names = {f.id: f.name for f in catalog.frameworks}
    for field in ("framework", "version", "mode"):
        sides = {(getattr(item.a.key, field), getattr(item.b.key, field)) for item in found}
        left, right = next(iter(sides))
        if len(sides) == 1 and left != right:
            return names.get(left, left), names.get(right, right)
    return "A", "B"


def _about(judged: Sequence[Change]) -> dict[str, str]:
    """Return what is to be known of all figures, name -> text."""
    runs = {source.rpartition("/")[2] for c in judged for source in (c.old_source, c.new_source)}
    days = dict.fromkeys(map(formatting.day, sorted(runs)))
    found = {"date": formatting.listing(list(days))}
    ratios = [change.ratio for change in judged if change.ratio]
    scopes = {changes.scope(ratio) for ratio in ratios if math.isfinite(ratio.low)}
    if len(scopes) == 1:
        found["interval"] = f"95 %, {scopes.pop()}"
    noises = [f"±{100 * c.noise:.1f} %" for c in sorted(judged, key=lambda c: c.noise) if c.ratio]
    if noises:
        found["A/A noise"] = " to ".join(dict.fromkeys((noises[0], noises[-1])))
    return found


def _topics(found: Sequence[Comparison], catalog: Catalog) -> dict[str, str]:
    """Say which figure answers each topic, and which topics have none of both sides."""
    there = {item.a.key.section for item in found}
    answered = [
        f"{topic}: {headline(catalog.section(id)).title}"
        for id, topic in TOPICS.items()
        if id in there
    ]
    missing = [topic for id, topic in TOPICS.items() if id not in there]
    said = {"figures": "; ".join(answered)}
    return said | {"without a figure of both": ", ".join(missing)} if missing else said


def _figures(change: Change, scope: str, *, later: bool) -> tuple[str, str, str, str]:
    """Return the values of A and B, their ratio and the verdict; ``later``: the new side is B.

    The scope of an interval is left out where all have the same one, ``scope``.
    """
    values = ["-" if x is None else quantity(x, change.unit) for x in (change.new, change.old)]
    first, second = reversed(values) if later else values
    ratio = change.ratio
    if ratio is None:
        return first, second, "-", f"{change.verdict} ({change.reason})"
    if not math.isfinite(ratio.low):
        return first, second, figures(ratio.value), changes.scope(ratio)
    told = f"{figures(ratio.value)} ({figures(ratio.low)} to {figures(ratio.high)})"
    here = "" if scope.endswith(changes.scope(ratio)) else f" ({changes.scope(ratio)})"
    return first, second, told, change.verdict + here


def plain(item: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON takes it: A over B, whatever they are."""
    found = changes.plain(item.change)
    names = ("unit", "ratio", "low", "high", "across", "noise", "verdict", "reason")
    return {
        "a": item.a.key._asdict(),
        "b": item.b.key._asdict(),
        "value_a": found["new"],
        "value_b": found["old"],
        **{name: found[name] for name in names},
    }


def changed(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return everything that changed, the newest first; see :func:`change_events.find`.

    The events are returned as JSON takes them, and as lines of text. A result that is not as agreed
    is an :class:`~generator.errors.InputError`.
    """
    loaded, catalog = reading.load(folder), catalogs.load()
    shown = selection.shown(loaded, catalog.listed)
    documents = loaded.records
    known = change_events.draw_on(documents, shown, catalog, cells.spreads(loaded))
    events = change_events.find(loaded, shown, known)
    lines = []
    for event in events:
        lines += [
            change_events.title(event, catalog, documents),
            f"  {changes.summary(event.changes)}",
            *(f"  {note}" for note in change_events.notes(event, documents)),
            *(f"  - {change_events.line(change, catalog)}" for change in event.differing),
            "",
        ]
    lines = lines or ["Nothing can be compared yet: measure again, elsewhere, or another release."]
    return [change_events.plain(event, catalog, documents) for event in events], lines
