"""Memory: what training LeNet adds to a process, and what the framework's own allocator says."""

from measurements import contract, lenet
from measurements import memory as host
from measurements.contract import Metric, Section

SECTION = Section(
    title="Memory",
    group="Performance",
    order=81,
    question="How much memory does training LeNet need?",
    metrics={
        "peak_rss": Metric("B", "peak resident memory while training", "lower"),
        "rss_imported": Metric("B", "resident memory after import", "lower"),
        "allocator_peak": Metric("B", "peak of the framework's own allocator", "lower"),
        "allocator_reserved": Metric("B", "reserved by the framework's own allocator", "lower"),
        "device_memory": Metric("B", "device memory of the process", "lower"),
    },
    starts=("warm",),
)


def measure(session):
    """Publish the peak over the gate's remaining steps; compiling is over by then."""
    session.first_step()
    framework = session.framework
    # The allocator is asked first: only an adapter that has the figure resets it.
    try:
        framework.reset_allocator_peak()
        framework.allocator_peak()
        gap = None
    except contract.Unsupported as error:
        gap = error
    known = host.reset_peak()
    model = session.model
    if model.chunk > 1:
        model.many(model.stage_many(session.batches(lenet.GATE_STEPS)))
    else:
        for images, labels in session.batches(lenet.GATE_STEPS):
            model.step(model.stage(images, labels))
    framework.synchronise()
    if known:
        session.emit("peak_rss", host.peak())
        session.emit("rss_imported", session.rss_imported)
    else:
        unknown = contract.Unsupported("this system has no /proc/self/clear_refs")
        session.unsupported("peak_rss", unknown)
    if gap is None:
        figures = framework.allocator_peak()
        session.emit("allocator_peak", figures["peak"])
        if "reserved" in figures:
            session.emit("allocator_reserved", figures["reserved"])
    else:
        session.unsupported("allocator_peak", gap)
    # These steps were not the gate's: give it back its weights after step 1.
    model.load(session.gate_parameters)
