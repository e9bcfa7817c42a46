"""Single-GPU: LeNet on MNIST, first verified, then timed."""

import time

import numpy as np

from measurements import ceiling, contract, lenet, timing
from measurements.contract import Metric, Section

SECTION = Section(
    title="Single-GPU: LeNet training speed",
    group="Performance",
    order=80,
    question="Which framework trains LeNet fastest?",
    metrics={
        "step_time": Metric("s", "training step", "lower"),
        "step_cpu_time": Metric("s", "CPU time of a training step", "lower"),
        "evaluation_time": Metric("s", "evaluation of 1,000 images", "lower"),
        "accuracy_time": Metric("s", "training time to the accuracy target", "lower"),
        "accuracy_epochs": Metric("1", "epochs to the accuracy target", "lower"),
        "accuracy": Metric("1", "held-out accuracy reached", "higher"),
        "gate": Metric("verdict", "same work as the reference", ""),
        "gate_logits_error": Metric("1", "relative error of the initial logits", "lower"),
        "gate_gradient_error": Metric("1", "largest relative error of a gradient", "lower"),
        "gate_loss_error": Metric("1", "largest relative error of a loss", "lower"),
        "parameters": Metric("count", "parameters", ""),
        "lines": Metric("count", "lines of code of lenet.py", "lower"),
        "foreign_load": Metric("cores", "cores busy with other programs", "lower"),
        "ceiling_fraction": Metric("1", "share of the plausible ceiling", ""),
        "sm_clock": Metric("MHz", "GPU clock", ""),
        "gpu_temperature": Metric("degC", "GPU temperature", ""),
        "gpu_power": Metric("W", "GPU power", ""),
    },
    starts=("warm",),
    script="lenet.py",
)

MAX_EPOCHS = 20
EVALUATION_SAMPLES = 3
CEILING_MARGIN = 1.25
"""NumPy's BLAS is not the best on every processor; work that was skipped shows as a multiple."""


def measure(session):
    """Gate, then steady state, evaluation and, where the job asks for it, time to accuracy."""
    job = session.job
    wrong = _gate(session)
    if wrong is None and job.get("accuracy"):
        wrong = _train_to_target(session)
    if wrong is None:
        wrong = _steady_state(session)
    if wrong is None:
        _evaluate(session)
        session.emit("gate", 1)
    else:
        session.emit("gate", 0, status="wrong", reason=wrong)
        # A time of other work is no time of this work: the cell says so instead of a number.
        session.emit("step_time", None, status="wrong", reason=wrong)


def _gate(session):
    """Compare with the float64 reference; return None or the first difference as a sentence."""
    losses = session.gate_steps()
    model, initial = session.model, session.initial_parameters
    rate = session.settings.learning_rate
    gradients = lenet.recover_gradients(initial, session.gate_parameters, rate)
    model.load(initial)
    images, _ = session.batches(1)[0]
    logits = model.logits(images)
    checks = lenet.compare(
        session.reference, logits, gradients, losses, rate, session.settings.precision
    )
    first = None
    worst = {}
    for check in checks:
        kind = check.quantity.split()[0]
        worst[kind] = max(worst.get(kind, 0.0), check.error)
        if first is None and not check.ok:
            first = "%s: error %.2g, tolerance %.2g" % (
                check.quantity,
                check.error,
                check.tolerance,
            )
    for kind in ("logits", "gradient", "loss"):
        session.emit("gate_%s_error" % kind, worst[kind])
    session.emit("parameters", sum(value.size for value in session.gate_parameters.values()))
    session.fact(
        gate=[
            # JSON has no infinity: an error that is not a number is null.
            [c.quantity, c.error if np.isfinite(c.error) else None, c.tolerance, c.ok]
            for c in checks
        ]
    )
    return first


def _train_to_target(session):
    """Train from the seeded weights until the held-out accuracy is reached; None or a sentence."""
    model, data, batch = session.model, session.data, session.settings.batch
    model.load(session.initial_parameters)
    per_epoch = len(data.train_labels) // batch
    order = session.batches(per_epoch * MAX_EPOCHS)
    seconds, accuracy = 0.0, 0.0
    for epoch in range(MAX_EPOCHS):
        # A mode that takes many steps in one call takes the remainder of an epoch one by one.
        units = _units(model, order[epoch * per_epoch : (epoch + 1) * per_epoch])
        staged = [(run, stage()) for run, stage in units]
        session.framework.synchronise()
        start = time.perf_counter()
        for run, item in staged:
            run(item)
        session.framework.synchronise()
        seconds += time.perf_counter() - start
        accuracy = float((model.logits(data.test_images).argmax(1) == data.test_labels).mean())
        if accuracy >= lenet.ACCURACY_TARGET:
            session.emit("accuracy_time", seconds)
            session.emit("accuracy_epochs", epoch + 1)
            session.emit("accuracy", accuracy)
            return None
    session.emit("accuracy", accuracy)
    return "accuracy %.3f after %d epochs, target %.3f" % (
        accuracy,
        MAX_EPOCHS,
        lenet.ACCURACY_TARGET,
    )


def _units(model, batches):
    """Return [(run, stage)]: how to run each unit of work, and a function that stages it.

    A unit is one step, or as many as the model takes in one call.
    """
    whole = len(batches) // model.chunk * model.chunk if model.chunk > 1 else 0
    chunks = [batches[start : start + model.chunk] for start in range(0, whole, model.chunk)]
    units = [(model.many, lambda chunk=chunk: model.stage_many(chunk)) for chunk in chunks]
    singles = batches[whole:]
    return units + [(model.step, lambda batch=batch: model.stage(*batch)) for batch in singles]


def _steady_state(session):
    """Emit the samples; return None, or a sentence when the timing cannot be true."""
    job, model, synchronise = session.job, session.model, session.framework.synchronise
    model.load(session.initial_parameters)
    copy = job["lane"] == "copy"
    chunk = model.chunk
    units = _units(model, session.batches(chunk * max(1, 32 // chunk)))
    supply = units if copy else [(run, stage()) for run, stage in units]
    position = [0]

    def step():
        run, item = supply[position[0] % len(supply)]
        position[0] += 1
        run(item() if copy else item)

    for _ in range(-(-job["warmup"] // chunk)):
        step()
    # First with the weights read back, which cannot return early: a synchronisation that does not
    # wait would let the calibration enqueue hours of work.
    share = timing.unsynchronised_share(
        step,
        synchronise,
        model.parameters,
        timing.calibrate(step, model.parameters, job["min_sample_seconds"]),
    )
    session.fact(unsynchronised_share=share)
    if share > timing.SYNCHRONISATION_SLACK:
        return "synchronise() returned while %.0f %% of the work was still running" % (100 * share)
    k = timing.calibrate(step, synchronise, job["min_sample_seconds"])
    session.fact(k=k * chunk)
    load = timing.ForeignLoad()
    walls, windows = [], []
    wanted = job["samples"]
    while len(walls) < wanted:
        start = time.perf_counter()
        wall, cpu = timing.sample(step, synchronise, k)
        windows.append([start, time.perf_counter()])
        sample = len(walls)
        if sample == 0:
            wanted = timing.affordable(wanted, wall, job["min_sample_seconds"])
        walls.append(wall / k / chunk)
        session.emit("step_time", wall / k / chunk, sample=sample)
        session.emit("step_cpu_time", cpu / k / chunk, sample=sample)
    # The generator lays these windows over its log of the GPU's clocks: on Linux perf_counter is
    # the monotonic clock, which all processes share.
    session.fact(windows=windows)
    foreign = load.cores()
    if foreign is not None:
        session.emit("foreign_load", foreign)
    return _plausible(session, min(walls))


def _plausible(session, seconds):
    """Return None, or a sentence when a step of so many seconds cannot have done the work."""
    rate = _ceiling(session)
    if rate is None:
        return None
    operations = lenet.operations(session.settings.batch)
    if operations / seconds > rate and session.settings.device == "cpu":
        # The rate may have been measured while something else ran: look again, here and now.
        rate = max(rate, ceiling.matrix_product_rate(repeats=60))
    fraction = operations / seconds / rate
    session.emit("ceiling_fraction", fraction)
    if fraction > CEILING_MARGIN:
        return "a step took %.3g s; at the measured matrix-product rate it needs %.3g s" % (
            seconds,
            operations / rate,
        )
    return None


def _ceiling(session):
    """Return the machine's float operations per second, or None where nobody measured them."""
    if session.settings.device == "cpu":
        return session.job.get("ceiling")  # measured once per run with NumPy
    size, repeats, best = 4096, 50, float("inf")
    try:
        product = session.framework.matrix_product(size)
    except contract.Unsupported:
        return None
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(repeats):
            last = product()
        np.asarray(last)  # a data dependency, so that no missing synchronisation can flatter it
        best = min(best, time.perf_counter() - start)
    return repeats * 2.0 * size**3 / best


def _evaluate(session):
    model, images = session.model, session.data.test_images
    model.logits(images)  # first call: compile for this shape
    for sample in range(EVALUATION_SAMPLES):
        start = time.perf_counter()
        model.logits(images)
        seconds = time.perf_counter() - start
        session.emit("evaluation_time", seconds * 1000 / len(images), sample=sample)
