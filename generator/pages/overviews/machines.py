"""Pure: every machine that has results, and the same configurations on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from generator import formatting
from generator.analysis import change_events, changes
from generator.analysis import panels as models
from generator.analysis.changes import Change
from generator.analysis.labels import DEVICES, gpu_label, lane_title, machine_name
from generator.measure import profiles
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.inputs import Inputs
from generator.pages.overviews.changes import ratio_cell, verdict_cell
from generator.pages.parts import Block, Bullet, Part
from generator.pages.tables import Cell, Column, Rows, Table, number, table, tabled
from generator.pages.urls import slug

TITLE = "Machines"
GROUP = "Over time"
ORDER = 30

SECTION, METRIC = "lenet", "step_time"
"""What the machines are compared by."""


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    found: dict[str, list[Change]] = {}
    for event in inputs.events:
        for change in event.changes if event.kind == "machines" else ():
            key = change.key
            if (key.section, key.metric) == (SECTION, METRIC) and change.ratio is not None:
                found.setdefault(event.device, []).append(change)
    views = [_view(device, mine, inputs) for device, mine in sorted(found.items())]
    return {
        "title": "Which machines were measured, and do they agree?",
        "description": "The machines behind the figures, and the same configurations on each.",
        "parts": [_part(inputs, views)] if inputs.machines else [],
        "command": "generator report",
    }


def _part(inputs: Inputs, views: Sequence[Block]) -> Part:
    """Return the machines and their speeds; tables of the same on each are folded."""
    said = [view.text for view in views] or [
        "These machines have no configuration in common."
        if len(inputs.machines) > 1
        else "One machine has results, so there is nothing to compare it with."
    ]
    return Part(
        tab="",
        anchor="machines",
        answer=said[0],
        foot="",
        blocks=(
            Block("", "", "", (_machines(inputs),)),
            *(replace(view, tables=(), text="") for view in views if view.pictures),
        ),
        bullets=tuple(map(Bullet, said[1:])),
        folds=tuple(replace(view, pictures=()) for view in views),
    )


def _machines(inputs: Inputs) -> Table | None:
    """Return one row a machine, in the order in which they joined."""
    rows = []
    for machine in change_events.joined(inputs.shown):
        documents = [d for d in inputs.documents.values() if d["machine"]["id"] == machine]
        newest = max(documents, key=lambda document: str(document["run"]))
        facts = newest["machine"]
        runs = {str(document["run"]) for document in documents}
        commit = str(newest["repository"]["commit"] or "unknown")[:10]
        dirty = "with uncommitted changes" if newest["repository"]["dirty"] else ""
        gpus = formatting.listing([gpu_label(gpu) for gpu in facts["gpus"]])
        virtual = {True: "virtual machine", False: "no virtual machine"}.get(facts["virtualised"])
        rows.append({
            "Processor": Cell(str(facts["cpu"]), detail=machine),
            number("Cores"): Cell(f"{facts['cores']}", float(facts["cores"]),
                                  detail=f"{facts['threads']} threads"),
            number("Memory"): Cell(f"{facts['memory_bytes'] / 2**30:.0f} GiB",
                                   float(facts["memory_bytes"])),
            "Graphics card": Cell(gpus or "none"),
            "System": Cell(str(facts["os"]),
                           detail=", ".join(filter(None, [facts["kernel"], virtual]))),
            number("Runs"): Cell(f"{len(runs)}", float(len(runs))),
            Column("Newest run", narrow=True): Cell(
                formatting.day(str(newest["run"])), float(str(newest["run"])[:8]),
                detail=f"since {formatting.day(min(runs))}",
            ),
            "At commit": Cell(commit, detail=dirty),
        })  # fmt: skip
    return table("Machines", rows, plain=len(rows) < 2)


# --------------------------------------------------------------------------- the same on each


def _view(device: str, found: Sequence[Change], inputs: Inputs) -> Block:
    """Return every configuration of a device against itself on the machine that joined first."""
    names = _names(inputs)
    first = names[found[0].before.machine]
    ordered = sorted(found, key=lambda change: (names[change.key.machine], change.key))
    lane = profiles.PROFILES["quick"].lanes[device][0]
    modes = {(f.id, f.default_on(device).id) for f in inputs.catalog.frameworks}
    marks = [
        _mark(change, names[change.key.machine], inputs)
        for change in ordered
        if (change.key.framework, change.key.mode) in modes and change.key.lane == lane
    ]
    title = _title(ordered, first)
    picture = None
    if marks:
        chart = intervals.intervals(
            f"machines-{device}", title, marks, measure="images per second",
            looks=inputs.catalog.looks,
            better="higher",
        )  # fmt: skip
        picture = inputs.draw(chart)
    return Block(
        f"The same on several machines: {DEVICES.get(device, device)}",
        slug(f"machines-{device}"),
        title,
        (_table(ordered, names, inputs),),
        (picture,) if picture else (),
        f"{lane_title(lane)}, default mode of each framework. Filled: the machine named above, with"
        f" its 95 % interval within its run. Open: {first}. Verdicts: in the table.",
    )


def _names(inputs: Inputs) -> dict[str, str]:
    """Return what each machine is called; with its id where two would be called the same."""
    names = {machine: machine_name(inputs.document(machine)) for machine in inputs.machines}
    called = list(names.values())
    return {
        machine: name if called.count(name) == 1 else f"{name} ({machine})"
        for machine, name in names.items()
    }


def _speed(seconds: float | None, source: str, inputs: Inputs) -> float:
    """Return images per second of a step."""
    assert seconds is not None
    return int(inputs.documents[source]["settings"].get("batch", 64)) / seconds


def _mark(change: Change, machine: str, inputs: Inputs) -> Mark:
    key = change.key
    one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
    found = models.summary(inputs.figures[key.machine, key.device].cells[key])
    rate = found.rate(_speed(1.0, change.new_source, inputs))
    return Mark(
        one.label, one.framework_name, machine, rate.value, rate.low, rate.high,
        formatting.figures(rate.value, 4),
        _speed(change.old, change.old_source, inputs),
        tooltip=f"version {one.version}, {found.processes} processes; {change.verdict} across runs",
    )  # fmt: skip


def _title(found: Sequence[Change], first: str) -> str:
    """Say how many of the configurations are faster or slower than on the first machine."""
    many = formatting.plural(len(found), "speed")
    return f"Against {first}, across runs: of {many}, {changes.summary(found)}"


@tabled("The same on several machines")
def _table(found: Sequence[Change], names: Mapping[str, str], inputs: Inputs) -> Rows:
    for change in found:
        key, old, new = change.key, change.old_source, change.new_source
        one = models.configuration(inputs.catalog, key.framework, key.version, key.mode)
        here, there = _speed(change.new, new, inputs), _speed(change.old, old, inputs)
        yield {
            "Configuration": Cell(one.label, detail=key.version),
            Column("Lane", narrow=True): Cell(lane_title(key.lane), detail=key.case),
            "Machine": Cell(names[key.machine]),
            number("Images per second"): Cell(
                formatting.figures(here, 4), here, f"data/{new}.csv"),
            number(f"On {names[found[0].before.machine]}"): Cell(
                formatting.figures(there, 4), there, f"data/{old}.csv"),
            number("Ratio of speeds, 95 %"): ratio_cell(change.ratio and change.ratio.inverse()),
            "Verdict": verdict_cell(change, f"A/A noise ±{100 * change.noise:.1f} %"),
        }  # fmt: skip
