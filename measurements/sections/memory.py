"""Memory: what training LeNet adds to a process, and what the framework's own allocator says."""

import time

from measurements import contract
from measurements import memory as host
from measurements.contract import Metric, Section

SECTION = Section(
    title="Memory",
    group="Performance",
    order=81,
    question="Which framework needs the least memory to train?",
    metrics={
        "peak_above_import": Metric("B", "peak above what import took", "lower"),
        "peak_rss": Metric("B", "peak resident memory while training", "lower"),
        "rss_imported": Metric("B", "resident memory after import", "lower"),
        "allocator_peak": Metric("B", "peak of the framework's own allocator", "lower"),
        "allocator_start_peak": Metric("B", "the same, from the start of the process", "lower"),
        "allocator_reserved": Metric("B", "reserved by the framework's own allocator", "lower"),
        "device_memory": Metric("B", "device memory of the process", "lower"),
    },
    starts=("warm",),
    devices=("cpu", "cuda"),
    once=("cuda",),  # how batches come there makes no difference to it
    alone=("cuda",),  # memory is not taken in advance there, which makes steps slower
)


WATCH_SECONDS = 1.0
"""The log of a GPU has several looks in it, whatever a step takes there."""


def measure(session):
    """Publish the peak over as many steps as the gate has.

    Compiling is over by then: a step was taken, and the program of many steps lies in the compile
    cache, where the cold start put it.
    """
    session.first_step()
    framework = session.framework
    before = _asked(framework.allocator_peak)
    kept = _asked(framework.reset_allocator_peak)
    known = host.reset_peak()
    session.train()
    peak, imported = host.peak() if known else None, session.rss_imported
    wrong = "lenet" not in session.job["sections"] and session.first_step_fault()
    if wrong:  # no other section of this process verifies it
        session.emit("peak_above_import", None, status="wrong", reason=wrong)
        return
    if known:
        session.emit("peak_above_import", peak - imported)
        session.emit("peak_rss", peak)
        session.emit("rss_imported", imported)
    else:
        unknown = contract.Unsupported("this system has no /proc/self/clear_refs")
        session.unsupported("peak_above_import", unknown)
    _allocator(session, before, kept)
    if session.settings.device == "cuda":
        _watched(session)
    # These steps were not the gate's: give it back its weights after step 1.
    session.model.load(session.gate_parameters)


def _asked(ask):
    """Return what an adapter answers, or the ``Unsupported`` that it raises."""
    try:
        return ask()
    except contract.Unsupported as gap:
        return gap


def _allocator(session, before, kept):
    """Publish two peaks of the framework's own allocator, each alike for all that have it.

    Args:
        session: its framework is asked.
        before: what its allocator said before the training steps.
        kept: the ``Unsupported`` of one that cannot start a new peak for these steps, or None.

    """
    if isinstance(before, contract.Unsupported):
        session.unsupported("allocator_peak", before)
        return
    after = session.framework.allocator_peak()
    session.emit("allocator_start_peak", max(before["peak"], after["peak"]))
    if "reserved" in after:
        session.emit("allocator_reserved", after["reserved"])
    if kept:
        session.unsupported("allocator_peak", kept)
    else:
        session.emit("allocator_peak", after["peak"])


def _watched(session):
    """Train on for the log of the GPU, which the generator writes, and say from when to when.

    What else the process does there, such as multiplying matrices for the ceiling, is no part of
    training.
    """
    start = time.perf_counter()
    while time.perf_counter() - start < WATCH_SECONDS:
        session.train()
    session.fact(memory_windows=[[start, time.perf_counter()]])
