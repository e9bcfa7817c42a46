"""Symbolic vs. non-symbolic: the same program at once and as a graph, over batch size and depth.

The processes of this section sweep two axes, each starting with empty compile caches. A small batch
costs little but dispatch, a large one little but kernels; depth multiplies the operations that have
to be dispatched, or compiled.
"""

import time

from measurements import lenet, timing
from measurements.contract import Metric, Section

SECTION = Section(
    title="Symbolic vs. non-symbolic",
    order=30,
    question="What does a graph gain over the same program executed at once, and at what cost?",
    metrics={
        "batch_step_time": Metric("s", "training step, by batch size", "lower"),
        "depth_step_time": Metric("s", "training step, by depth", "lower"),
        "depth_ready_time": Metric("s", "build and first step, by depth", "lower"),
        "batch_ready_time": Metric("s", "build and first step, by batch size", "lower"),
    },
    starts=("cold",),
    scope="pairs",
    blocks={"full": 3},
)

# The extremes first: they say most if time runs out.
BATCHES = (1, 1024, 64, 8, 256)
DEPTHS = (2, 4, 8, 16, 32)
SWEEP_SECONDS = 60
"""No new case of a sweep is begun when it would probably bring the framework's time beyond this."""
WARMUP = 3
SAMPLES = 5
MIN_SAMPLE_SECONDS = 0.05


def measure(session):
    """Sweep the batch size at LeNet's own depth, then the depth at its own batch size."""
    assert session.framework  # its import is no part of any case
    for axis, values in (("batch", BATCHES), ("depth", DEPTHS)):
        spent, last, before = 0.0, 0.0, ""
        for value in values:
            case = "%s %d" % (axis, value)
            if spent + last > SWEEP_SECONDS:
                reason = "%.0f s were spent, and %s alone took %.0f s" % (spent, before, last)
                session.emit(axis + "_step_time", None, case=case, status="skipped", reason=reason)
                continue
            sizes = {"depth": lenet.DEPTH, "batch": lenet.BATCH}
            sizes[axis] = value
            last, before = _case(session, axis, case, sizes["depth"], sizes["batch"]), case
            spent += last


def _case(session, axis, case, depth, batch):
    """Build, verify one step, then time a few; return the seconds that the framework took.

    A case that is wrong gets no time.
    """
    framework = session.framework
    initial = lenet.initial_parameters(depth=depth)
    order = lenet.batch_indices(len(session.data.train_labels), batch, 4)
    batches = [(session.data.train_images[i], session.data.train_labels[i]) for i in order]
    start = time.perf_counter()
    model = framework.lenet(initial, batch)
    handle = model.step(model.stage(*batches[0]))
    framework.synchronise()
    loss = model.loss(handle)
    ready = time.perf_counter() - start
    wrong = _gate(session, depth, batch, initial, model.parameters(), loss)
    if wrong:
        session.emit(axis + "_step_time", None, case=case, status="wrong", reason=wrong)
        return ready
    session.emit(axis + "_ready_time", ready, case=case)
    start = time.perf_counter()
    model.load(initial)
    staged = [model.stage(*item) for item in batches]
    position = [0]

    def step():
        position[0] += 1
        return model.step(staged[position[0] % len(staged)])

    for _ in range(WARMUP):
        step()
    k = timing.calibrate(step, framework.synchronise, MIN_SAMPLE_SECONDS)
    for sample in range(SAMPLES):
        wall, _ = timing.sample(step, framework.synchronise, k)
        session.emit(axis + "_step_time", wall / k, sample=sample, case=case)
    return ready + time.perf_counter() - start


def _gate(session, depth, batch, initial, after, loss):
    """Compare the first step with the float64 reference; return the first difference or ""."""
    settings = session.settings
    rate = settings.learning_rate
    expected = lenet.reference(
        session.data, session.job.get("shared_cache"), batch, rate, depth=depth, steps=1
    )
    gradients = lenet.recover_gradients(initial, after, rate)
    for check in lenet.compare(expected, (), gradients, [loss], rate, settings.precision):
        # Class scores would need another function to be compiled; the loss depends on all of them.
        if check.quantity != "logits" and not check.ok:
            return "%s: error %.2g, tolerance %.2g" % check[:3]
    return ""
