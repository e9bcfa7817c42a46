"""Single-GPU speed, deeper models: how long compiling takes as the network gets deeper.

Every depth has a process of its own that starts with empty compile caches, so nothing that was
compiled for a shallower network is found again. Depth multiplies the operations that have to be
dispatched, or compiled, and adds little work for the kernels.
"""

from measurements import lenet, sweep
from measurements.contract import Metric, Section

SECTION = Section(
    title="Single-GPU speed: deeper models",
    group="Performance",
    order=83,
    question="How do compile time and step time grow with depth?",
    metrics={
        "ready_time": Metric("s", "build and first step, by depth", "lower"),
        "step_time": Metric("s", "training step, by depth", "lower"),
    },
    starts=("cold",),
    scope="pairs",
    blocks={"full": 3},
    cases=("depth 2", "depth 8", "depth 32"),
    devices=("cpu", "cuda"),
)


def measure(session):
    """Measure the depth that the job names, at LeNet's own batch size."""
    assert session.framework  # its import is no part of any case
    case = session.job["case"]
    sweep.measure(session, case, int(case.split()[1]), lenet.BATCH)
