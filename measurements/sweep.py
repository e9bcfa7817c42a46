"""One case of a sweep: LeNet of some depth and batch size, verified and then timed for a moment.

The sections that sweep an axis share it; its rows carry the name of the case.
"""

import time

from measurements import after, gate, lenet, timing

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
    session.check_place(model)
    wrong = gate.first_difference(_checks(session, depth, batch, model.parameters(), loss))
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
    seconds = ready + time.perf_counter() - start
    wrong = after.trained(initial, model.parameters())
    if not wrong:
        model.load(initial)
        loss = model.loss(model.step(staged[0]))
        wrong = after.again(_checks(session, depth, batch, model.parameters(), loss))
    if wrong:
        session.emit("step_time", None, case=case, status="wrong", reason=wrong)
    return seconds


def _checks(session, depth, batch, parameters, loss):
    """Compare the first step, which led to these weights, with the float64 reference."""
    settings = session.settings
    rate = settings.learning_rate
    expected = gate.reference(session.data, batch, rate, depth=depth, steps=1)
    initial = lenet.initial_parameters(depth=depth)
    gradients = gate.recover_gradients(initial, parameters, rate)
    # The tolerances are those of 64 images. The bound on the rounding error of a sum grows with its
    # number of terms (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2), and a
    # gradient is a sum over the batch.
    terms = max(1.0, batch / float(lenet.BATCH))
    # Class scores would need another function to be compiled; the loss depends on all of them.
    return [
        check._replace(tolerance=terms * check.tolerance, ok=check.error <= terms * check.tolerance)
        for check in gate.compare(expected, (), gradients, [loss], rate, settings.precision)
        if check.quantity != "logits"
    ]
