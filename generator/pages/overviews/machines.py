"""Pure: every machine that has results, and the same configurations on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator import formatting
from generator.analysis import change_events
from generator.analysis import panels as models
from generator.analysis.change_events import Event, Item
from generator.analysis.labels import DEVICES, lane_title
from generator.analysis.panels import Figures
from generator.measure import plan
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.inputs import Draw, Inputs, Picture, finite
from generator.pages.overviews.changes import BADGES
from generator.pages.tables import Cell, Column, Table
from generator.pages.urls import slug

TITLE = "Machines"
GROUP = "Over time"
ORDER = 30

SECTION, METRIC = "lenet", "step_time"
"""What the machines are compared by."""


@dataclass(frozen=True)
class View:
    """The same configurations on one device of several machines."""

    heading: str
    anchor: str
    title: str
    chart: Picture | None
    caption: str
    table: Table


def context(inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw) -> dict[str, Any]:
    """Return the context of the page."""
    return {
        "title": TITLE,
        "description": "The machines behind the figures, and the same configurations on each.",
        "machines": _machines(inputs) if inputs.machines else None,
        "alone": len(inputs.machines) < 2,
        "views": _views(inputs, known, draw),
        "compare": "generator compare machine:A machine:B",
    }


def _machines(inputs: Inputs) -> Table:
    """Return one row a machine, in the order in which they joined."""
    rows = []
    for machine in change_events.joined(inputs.shown):
        documents = [d for d in inputs.documents.values() if d["machine"]["id"] == machine]
        newest = max(documents, key=lambda document: str(document["run"]))
        facts = newest["machine"]
        runs = {str(document["run"]) for document in documents}
        first = min(runs)
        commit = str(newest["repository"]["commit"] or "unknown")[:10]
        dirty = "with uncommitted changes" if newest["repository"]["dirty"] else ""
        profiles = sorted({str(document["profile"]) for document in documents})
        gpus = formatting.listing(
            [f"{gpu['name']}, {gpu['memory_bytes'] / 2**30:.0f} GiB" for gpu in facts["gpus"]]
        )
        virtual = {True: "virtual machine", False: "no virtual machine"}.get(facts["virtualised"])
        rows.append(
            (
                Cell(str(facts["cpu"]), detail=machine),
                Cell(f"{facts['cores']}", float(facts["cores"]),
                     detail=f"{facts['threads']} threads"),
                Cell(f"{facts['memory_bytes'] / 2**30:.0f} GiB", float(facts["memory_bytes"])),
                Cell(gpus or "none"),
                Cell(str(facts["os"]), detail=", ".join(filter(None, [facts["kernel"], virtual]))),
                Cell(f"{len(runs)}", float(len(runs)), detail=formatting.listing(profiles)),
                Cell(formatting.day(str(newest["run"])), float(str(newest["run"])[:8]),
                     detail=f"since {formatting.day(first)}"),
                Cell(commit, detail=dirty),
            )
        )  # fmt: skip
    columns = (
        Column("Processor"),
        Column("Cores", number=True),
        Column("Memory", number=True),
        Column("Graphics card"),
        Column("System"),
        Column("Runs", number=True),
        Column("Newest run", narrow=True),
        Column("At commit"),
    )
    return Table("Machines", columns, tuple(rows))


# --------------------------------------------------------------------------- the same on each


def _views(
    inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> tuple[View, ...]:
    views = []
    for device in sorted({device for _, device in known}):
        pairs = [
            (event, item)
            for event in inputs.events
            if event.kind == "machines" and event.device == device
            for item in event.items
            if (item.change.key.section, item.change.key.metric) == (SECTION, METRIC)
            and item.change.ratio is not None
        ]
        if pairs:
            views.append(_view(device, pairs, inputs, known, draw))
    return tuple(views)


def _view(
    device: str,
    pairs: Sequence[tuple[Event, Item]],
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,
) -> View:
    names = _names(inputs)
    first = names[pairs[0][0].old]
    ordered = sorted(pairs, key=lambda pair: (names[pair[0].new], pair[1].change.key))
    lane = plan.PROFILES["quick"].lanes[device][0]
    modes = {(f.id, f.default.id) for f in inputs.catalog.frameworks}
    drawn = [
        (event, item)
        for event, item in ordered
        if (item.change.key.framework, item.change.key.mode) in modes
        and item.change.key.lane == lane
    ]
    marks = [
        _mark(item, names[event.new], known[event.new, device], inputs) for event, item in drawn
    ]
    title = _title(ordered, first)
    caption = (
        f"{lane_title(lane)}, default mode of each framework. Filled: the machine named above,"
        f" with its 95 % interval. Open: {first}. In brackets: speed of the first / that of the"
        " second."
    )
    picture = None
    if marks:
        chart = intervals.intervals(
            f"machines-{device}", title, marks, axis="images per second",
            looks=inputs.catalog.looks,
            better="higher",
        )  # fmt: skip
        picture = draw(chart)
    return View(
        heading=DEVICES.get(device, device),
        anchor=slug(f"machines-{device}"),
        chart=picture,
        caption=caption,
        title=title,
        table=_table(ordered, names, inputs),
    )


def _names(inputs: Inputs) -> dict[str, str]:
    """Return what each machine is called; with its id where two would be called the same."""
    names = {m: change_events.machine_name(inputs.document(m)) for m in inputs.machines}
    called = list(names.values())
    return {
        machine: name if called.count(name) == 1 else f"{name} ({machine})"
        for machine, name in names.items()
    }


def _rate(seconds: float, key: str, inputs: Inputs) -> float:
    """Return images per second of a step."""
    return int(inputs.documents[key]["settings"].get("batch", 64)) / seconds


def _mark(item: Item, machine: str, figures: Figures, inputs: Inputs) -> Mark:
    change = item.change
    assert change.new is not None
    assert change.old is not None
    assert change.ratio is not None
    one = models.configuration(inputs.catalog, *change.key[1:3], change.key.mode)
    found = models.summary(figures.cells[change.key])
    rate = found.rate(_rate(1.0, item.new, inputs))
    return Mark(
        one.label, one.framework_name, machine, rate.value, finite(rate.low), finite(rate.high),
        f"{formatting.figures(rate.value, 4)} ({1 / change.ratio.value:.2f}\N{NO-BREAK SPACE}×)",
        _rate(change.old, item.old, inputs),
        tooltip=f"version {one.version}, {found.processes} processes",
    )  # fmt: skip


def _title(pairs: Sequence[tuple[Event, Item]], first: str) -> str:
    """Say how much faster or slower the others are, from the least to the most."""
    ratios = sorted(1 / item.change.ratio.value for _, item in pairs if item.change.ratio)
    different = sum(item.told_apart for _, item in pairs)
    low, high = ratios[0], ratios[-1]
    span = f"{low:.2f} to {formatting.times(high)}" if len(ratios) > 1 else formatting.times(low)
    return (
        f"The same configurations reach {span} the speed that they have on {first};"
        f" {different} of {len(pairs)} are told apart."
    )


def _table(pairs: Sequence[tuple[Event, Item]], names: Mapping[str, str], inputs: Inputs) -> Table:
    rows = []
    for event, item in pairs:
        change, key = item.change, item.change.key
        assert change.ratio is not None
        assert change.old is not None
        assert change.new is not None
        one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
        ratio = change.ratio.inverse()  # of speeds
        here, there = _rate(change.new, item.new, inputs), _rate(change.old, item.old, inputs)
        rows.append(
            (
                Cell(one.label, detail=key.version),
                Cell(lane_title(key.lane), detail=key.case),
                Cell(names[event.new]),
                Cell(formatting.figures(here, 4), round(here, 2), f"data/{item.new}.csv"),
                Cell(formatting.figures(there, 4), round(there, 2), f"data/{item.old}.csv"),
                Cell(
                    f"{ratio.value:.3f}",
                    round(ratio.value, 5),
                    detail=f"{ratio.low:.3f} to {ratio.high:.3f}" if ratio.low > 0 else "",
                ),
                Cell("", badge=BADGES[change.verdict], detail=f"null band ±{change.delta:.1%}"),
            )
        )
    columns = (
        Column("Configuration"),
        Column("Lane", narrow=True),
        Column("Machine"),
        Column("Images per second", number=True),
        Column(f"On {names[pairs[0][0].old]}", number=True),
        Column("Ratio of speeds, 95 %", number=True),
        Column("Verdict"),
    )
    return Table("The same on several machines", columns, tuple(rows))
