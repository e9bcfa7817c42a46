"""Label texts of configurations, lanes, devices, machines, estimators and topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import statistics

if TYPE_CHECKING:
    from generator.catalog.model import Metric

_LANES = {
    "threads-1": "one thread",
    "threads-all": "all cores",
    "resident": "resident data",
    "copy": "with copying",
}

DEVICES = {"cpu": "Processor (CPU)", "cuda": "Graphics card (CUDA)"}

TOPICS = {
    "lenet": "Training speed",
    "memory": "Memory",
    "compile": "Start-up time",
    "highlevel": "Highest-level API",
    "r": "Driven from R",
}
"""What a section is called in a sentence."""

SCALES = {"B": 1e-6}
"""Factor from a row's unit to the unit of the axis."""

ESTIMATORS: Mapping[statistics.Estimator, str] = {
    "median": "median",
    "p25": "25th percentile",
    "p10": "10th percentile",
    "minimum": "minimum",
}


def lane_label(lane: str) -> str:
    """Return what a lane is called in a sentence."""
    return _LANES.get(lane, lane)


def lane_title(lane: str) -> str:
    """Return a lane as a heading."""
    return (
        "1 thread" if lane == "threads-1" else lane_label(lane)[:1].upper() + lane_label(lane)[1:]
    )


def machine_name(document: Mapping[str, Any]) -> str:
    """Return what the machine of a run record is called in a heading: its processor and cores."""
    machine = document["machine"]
    return f"{machine['cpu']}, {formatting.plural(machine['cores'], 'core')}"


def machine_label(document: Mapping[str, Any]) -> str:
    """Return the machine of a run record in one line: processor, cores, memory, system."""
    machine = document["machine"]
    memory = f"{machine['memory_bytes'] / 2**30:.0f} GiB"
    virtual = ", virtual machine" if machine["virtualised"] else ""
    return f"{machine_name(document)}, {memory}, {machine['os']}{virtual}"


@dataclass(frozen=True)
class View:
    """Label texts of the headline of a section; the defaults serve a section without its own.

    Attributes:
        axis: title of the chart's axis.
        column: heading of the headline's column.
        more: what a row has more of when its value is worse, as in "1.49 × the time".
        worse: what such rows do, one of them and several.
        beyond: what follows a value in a sentence, after its unit.
        rate: show ``batch / value`` (for example images per second), with the value below it.
        start: metric of the same section drawn as the open mark of the row.
        start_column: heading of that metric in the table of the headline, "" to leave it out there.
        start_case: case drawn as the open mark (the panel of that case is not drawn itself).
        log: logarithmic axis.
        others: heading of the table of the other metrics.
        others_text: what stands above it.
        marks: what filled and open marks are, for the caption.
        hidden: metrics that the table of the others leaves out.

    """

    axis: str
    column: str
    more: str
    worse: tuple[str, str] = ("is slower", "are slower")
    beyond: str = ""
    rate: str = ""
    start: str = ""
    start_column: str = ""
    start_case: str = ""
    log: bool = True
    others: str = "Other figures"
    others_text: str = ""
    marks: str = ""
    hidden: tuple[str, ...] = ()


_VIEWS = {
    "step_time": View(
        axis="images per second",
        column="Images per second",
        more="time",
        rate="images/s",
        others="Beyond the headline",
        others_text="Evaluation, training to the accuracy target and CPU time are apart from the"
        " headline. The share of the ceiling says how much of the machine's measured rate of"
        " matrix products a step reaches.",
        hidden=(
            "gate", "lines", "gate_logits_error", "gate_gradient_error", "gate_loss_error",
            "parameters", "foreign_load", "sm_clock", "gpu_temperature", "gpu_power",
        ),
    ),
    "peak_above_import": View(
        axis="resident memory in MB",
        column="Peak above import",
        more="memory",
        worse=("needs more memory", "need more memory"),
        beyond="above import",
        start="peak_rss",
        start_column="Absolute peak",
        others="Other counts of memory",
        others_text="The operating system counts what the process holds; a framework's own"
        " allocator counts what it handed out. They answer different questions and are never"
        " added up.",
        marks="Filled: peak above what import took. Open: the absolute peak, import included.",
        hidden=("peak_rss",),
    ),
    "total_time": View(
        axis="seconds to train, save and load",
        column="Train, save, load",
        more="time",
        others="The phases",
        others_text="The phases, what was saved, and what reloading changed.",
        hidden=("lines", "concepts"),
    ),
    "ready_time": View(
        axis="seconds until the first step is done",
        column="Ready after",
        more="time",
        start_case="warm",
        others="The phases",
        others_text="Each phase alone; the start-up time is their sum: import, build, first step.",
        marks="Filled: cold caches. Open: warm caches.",
    ),
}  # fmt: skip


def view(metric: Metric) -> View:
    """Return the label texts for a headline metric."""
    if metric.id in _VIEWS:
        return _VIEWS[metric.id]
    unit = {"s": "seconds", "B": "MB", "1": "", "": ""}.get(metric.unit, metric.unit)
    axis = f"{metric.title} in {unit}" if unit else metric.title
    column = metric.title[:1].upper() + metric.title[1:]
    return View(axis=axis, column=column, more=metric.title, worse=("is worse", "are worse"))
