"""Symbolic vs. non-symbolic: the same program run eagerly and as a graph, over the batch size.

The processes of this section sweep the batch size, starting with empty compile caches. A small
batch costs little but dispatch, a large one little but kernels.
"""

from measurements import lenet, sweep
from measurements.contract import Metric, Section

SECTION = Section(
    title="Symbolic vs. non-symbolic",
    order=30,
    question="What does a graph gain over the same program run eagerly?",
    metrics={
        "step_time": Metric("s", "training step, by batch size", "lower"),
        "ready_time": Metric("s", "build and first step, by batch size", "lower"),
    },
    starts=("cold",),
    scope="pairs",
    blocks={"full": 3},
    devices=("cpu", "cuda"),
)

# The extremes first: they say most if time runs out.
BATCHES = (1, 1024, 64, 8, 256)
SWEEP_SECONDS = 60
"""No further batch size is begun when it would probably bring those after the first beyond this.

The first one is free: with empty caches it takes far longer than any other.
"""


def measure(session):
    """Sweep the batch size at LeNet's own depth."""
    assert session.framework  # its import is no part of any case
    seconds = []
    for batch in BATCHES:
        case = "batch %d" % batch
        further = seconds[1:]
        if further and sum(further) + further[-1] > SWEEP_SECONDS:
            reason = "after the first batch size, %d more took %.0f s, the last one %.0f s" % (
                len(further),
                sum(further),
                further[-1],
            )
            session.emit("step_time", None, case=case, status="skipped", reason=reason)
        else:
            seconds.append(sweep.measure(session, case, lenet.DEPTH, batch))
