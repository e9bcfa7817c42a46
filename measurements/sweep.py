"""One case of a sweep: LeNet of some depth and batch size, verified and then timed for a moment.

The sections that sweep an axis share it; its rows carry the name of the case.
"""

import time

from measurements import lenet, timing

WARMUP = 3
SAMPLES = 5
MIN_SAMPLE_SECONDS = 0.05


def measure(session, case, depth, batch):
    """Build, verify one step, then time a few; return the seconds that the framework took.

    Emits ``ready_time`` (build and first step) and ``step_time``; a case that is wrong gets no
    time.
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
        session.emit("step_time", None, case=case, status="wrong", reason=wrong)
        return ready
    session.emit("ready_time", ready, case=case)
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
        session.emit("step_time", wall / k, sample=sample, case=case)
    return ready + time.perf_counter() - start


def _gate(session, depth, batch, initial, after, loss):
    """Compare the first step with the float64 reference; return the first difference or ""."""
    settings = session.settings
    rate = settings.learning_rate
    expected = lenet.reference(
        session.data, session.job.get("shared_cache"), batch, rate, depth=depth, steps=1
    )
    gradients = lenet.recover_gradients(initial, after, rate)
    # The tolerances are those of 64 images. The bound on the rounding error of a sum grows with its
    # number of terms (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2), and a
    # gradient is a sum over the batch.
    terms = max(1.0, batch / float(lenet.BATCH))
    for check in lenet.compare(expected, (), gradients, [loss], rate, settings.precision):
        # Class scores would need another function to be compiled; the loss depends on all of them.
        if check.quantity != "logits" and not check.error <= terms * check.tolerance:
            return "%s: error %.2g, tolerance %.2g" % (
                check.quantity,
                check.error,
                terms * check.tolerance,
            )
    return ""
