"""Label texts of configurations, lanes, devices, machines, estimators and topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis import statistics

if TYPE_CHECKING:
    from generator.catalog.model import Metric

LANES = {
    "threads-all": "all cores",
    "threads-1": "one thread",
    "resident": "resident data",
    "copy-unpinned": "copying from pageable memory",
    "copy-pinned": "copying from pinned memory",
    "tf32": "resident data in TF32",
    "bfloat16": "resident data in bfloat16",
}
"""What lanes are called, in the order of pages."""

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
    return LANES.get(lane, lane)


def lane_title(lane: str) -> str:
    """Return a lane as a heading."""
    label = lane_label(lane)
    return label[:1].upper() + label[1:]


def machine_name(document: Mapping[str, Any]) -> str:
    """Return what the machine of a run record is called in a heading: its processor and cores."""
    machine = document["machine"]
    return f"{machine['cpu']}, {formatting.plural(machine['cores'], 'core')}"


def machine_label(document: Mapping[str, Any]) -> str:
    """Return the machine of a run record in one line: processor, cores, memory, system."""
    machine = document["machine"]
    memory = f"{machine['memory_bytes'] / 2**30:.0f} GiB"
    virtual = ", virtual machine" if machine["virtualised"] else ""
    quota = machine.get("cpu_quota")
    limit = f" (a quota of {quota:g})" if quota else ""
    return f"{machine_name(document)}{limit}, {memory}, {machine['os']}{virtual}"


def gpu_label(gpu: Mapping[str, Any]) -> str:
    """Return a GPU of a run record in one line: name and memory, as far as the driver said."""
    size = gpu["memory_bytes"]
    memory = f"{size / 2**30:.0f} GiB" if size else "memory unknown"
    return f"{gpu['name'] or 'GPU without a name'}, {memory}"


@dataclass(frozen=True)
class View:
    """Label texts of the headline of a section; the defaults serve a section without its own.

    The chart's axis shows ``axis``, the headline's column is called ``column``. A row whose value
    is worse has more of ``more`` ("1.49 × the time") and does what ``worse`` says around the ratio
    ("takes 1.49 times as long"). In a sentence ``beyond`` follows a value's unit, and ``rate`` is
    the unit of ``batch / value``, "" to show the value itself. ``beside`` is (metric, case) shown
    alongside in the table below ``beside_column``, "" where they are the headline's; a case is
    drawn as the open mark, and its panel has no chart of its own. The table of the other metrics
    has a heading, a text above it, and leaves out those that are hidden.
    """

    axis: str
    column: str
    more: str = "time"
    worse: tuple[str, str] = ("takes", "as long")
    beyond: str = ""
    rate: str = ""
    beside: tuple[str, str] = ("", "")
    beside_column: str = ""
    others_text: str = ""
    hidden: tuple[str, ...] = ()


_VIEWS = {
    "step_time": View(
        axis="images per second",
        column="Images per second",
        rate="images a second",
        hidden=(
            "gate", "lines", "gate_logits_error", "gate_gradient_error", "gate_loss_error",
            "parameters", "foreign_load", "sm_clock", "gpu_temperature", "gpu_power",
        ),
    ),
    "peak_above_import": View(
        axis="peak above import in MB",
        column="Peak above import",
        more="memory",
        worse=("needs", "as much"),
        beyond="above import",
        beside=("peak_rss", ""),
        beside_column="Absolute peak",
        others_text="The operating system counts what the process holds; a framework's own"
        " allocator counts what it handed out. They answer different questions and are never"
        " added up.",
        hidden=("peak_rss",),
    ),
    "total_time": View(
        axis="seconds to train, save and load",
        column="Train, save, load",
        hidden=("lines", "concepts"),
    ),
    "ready_time": View(
        axis="seconds until the first step is done",
        column="Ready after",
        beside=("", "warm"),
        beside_column="Warm caches",
        others_text="Each phase alone; the start-up time is their sum: import, build, first step.",
    ),
}  # fmt: skip


def view(metric: Metric) -> View:
    """Return the label texts for a headline metric."""
    if metric.id in _VIEWS:
        return _VIEWS[metric.id]
    unit = {"s": "seconds", "B": "MB", "1": "", "": ""}.get(metric.unit, metric.unit)
    axis = f"{metric.title} in {unit}" if unit else metric.title
    column = metric.title[:1].upper() + metric.title[1:]
    return View(axis, column, metric.title, worse=("has", f"the {metric.title}"))
