"""Single-GPU: LeNet on MNIST, first verified, then timed."""

import time

import numpy as np

from measurements import after, ceiling, contract, gate, lenet, timing
from measurements.contract import Metric, Section

SECTION = Section(
    title="Single-GPU: LeNet training speed",
    group="Performance",
    order=80,
    question="Which framework trains LeNet fastest?",
    metrics={
        "step_time": Metric("s", "training step", "lower"),
        "step_device_time": Metric("s", "training step by the device's own clock", "lower"),
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
    devices=("cpu", "cuda"),
)

MAX_EPOCHS = 20
EVALUATION_SAMPLES = 3


def measure(session):
    """Gate, time to accuracy where the job asks for it, steady state, evaluation, gate again."""
    wrong = _gate(session)
    if not wrong and session.job.get("accuracy"):
        wrong = _train_to_target(session)
    if not wrong:
        supply = _supply(session)
        wrong = _steady_state(session, supply) or _evaluate(session) or _again(session, supply)
    if not wrong:
        session.emit("gate", 1)
    else:
        session.emit("gate", 0, status="wrong", reason=wrong)
        # A time of other work is no time of this work: the cell says so instead of a number.
        session.emit("step_time", None, status="wrong", reason=wrong)


def _gate(session):
    """Compare with the float64 reference; return the first difference as a sentence, or ""."""
    checks = _checks(session, session.gate_steps(), session.gate_parameters)
    worst = {}
    for check in checks:
        kind = check.quantity.split()[0]
        worst[kind] = max(worst.get(kind, 0.0), check.error)
    for kind in ("logits", "gradient", "loss"):
        session.emit("gate_%s_error" % kind, worst[kind])
    session.emit("parameters", sum(value.size for value in session.gate_parameters.values()))
    session.fact(gate=_as_fact(checks))
    return gate.first_difference(checks)


def _checks(session, losses, parameters):
    """Compare losses, the weights after the first step, and the initial logits."""
    model, initial, settings = session.model, session.initial_parameters, session.settings
    gradients = gate.recover_gradients(initial, parameters, settings.learning_rate)
    model.load(initial)
    logits = model.logits(session.batches(1)[0][0])
    return gate.compare(
        session.reference, logits, gradients, losses, settings.learning_rate, settings.precision
    )


def _as_fact(checks):
    # JSON has no infinity: an error that is not a number is null.
    return [
        [c.quantity, c.error if np.isfinite(c.error) else None, c.tolerance, c.ok] for c in checks
    ]


def _again(session, supply):
    """Take the gate's steps again, with the calls and batches that were timed; "" or a sentence."""
    model = session.model
    model.load(session.initial_parameters)
    losses, first = [], None
    for run, item in supply:
        if len(losses) < lenet.GATE_STEPS:
            handle = run(item())
            losses += model.losses(handle) if model.chunk > 1 else [model.loss(handle)]
            first = first or model.parameters()
    checks = _checks(session, losses[: lenet.GATE_STEPS], first)
    if model.chunk > 1:  # nobody sees the weights between the steps of a call
        checks = [check for check in checks if not check.quantity.startswith("gradient")]
    session.fact(gate_after=_as_fact(checks))
    return after.again(checks)


def _train_to_target(session):
    """Train from the seeded weights until the held-out accuracy is reached; "" or a sentence."""
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
        scores = model.logits(data.test_images)
        accuracy = lenet.accuracy(scores, data.test_labels)
        if accuracy >= lenet.ACCURACY_TARGET:
            session.emit("accuracy_time", seconds)
            session.emit("accuracy_epochs", epoch + 1)
            session.emit("accuracy", accuracy)
            expected = lenet.logits(model.parameters(), data.test_images)
            error = gate.relative_error(scores, expected)
            return after.scores(error, session.settings.precision)
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


def _supply(session):
    """Return what is timed in turn, [(run, item)]; ``item()`` stages a batch in copying lanes."""
    model, lane = session.model, session.job["lane"]
    batches = session.batches(model.chunk * max(1, 32 // model.chunk))
    if lane == "copy-pinned":
        if model.chunk > 1:
            raise contract.Unsupported("batches that are taken many at a time are not pinned here")
        pinned = [model.pin(*batch) for batch in batches]
        return [(model.step, lambda batch=batch: model.stage_pinned(batch)) for batch in pinned]
    units = _units(model, batches)
    if lane == "copy-unpinned":
        return units
    staged = [(run, stage()) for run, stage in units]
    return [(run, lambda item=item: item) for run, item in staged]


def _steady_state(session, supply):
    """Emit the samples; return "", or a sentence when they cannot be times of this work."""
    job, model, synchronise = session.job, session.model, session.framework.synchronise
    model.load(session.initial_parameters)
    chunk = model.chunk
    position = [0]

    def step():
        run, item = supply[position[0] % len(supply)]
        position[0] += 1
        run(item())

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
    marked = _has_marks(session)
    load = timing.ForeignLoad()
    walls, cpus, windows = [], [], []
    wanted = job["samples"]
    while len(walls) < wanted:
        start = time.perf_counter()
        wall, cpu, on_device = _sample(session.framework, step, k, marked)
        windows.append([start, time.perf_counter()])
        sample = len(walls)
        if sample == 0:
            wanted = timing.affordable(wanted, wall, job["min_sample_seconds"])
        walls.append(wall / k / chunk)
        cpus.append(cpu / k / chunk)
        session.emit("step_time", walls[-1], sample=sample)
        session.emit("step_cpu_time", cpus[-1], sample=sample)
        if marked:
            session.emit("step_device_time", on_device / k / chunk, sample=sample)
    # The generator lays these windows over its log of the GPU's clocks: on Linux perf_counter is
    # the monotonic clock, which all processes share.
    session.fact(windows=windows)
    foreign = load.cores()
    if foreign is not None:
        session.emit("foreign_load", foreign)
    weights, few = model.parameters(), position[0] * chunk < lenet.GATE_STEPS
    return (
        _plausible(session, min(walls), np.mean(cpus))
        or after.trained(session.initial_parameters, weights)
        or ("" if few else after.learnt(session.reference, weights, session.batches(2)))
    )


def _has_marks(session):
    """Whether events of the device stand alongside the clock; a GPU's answer to that is a row."""
    if session.settings.device == "cpu":
        return False
    try:
        session.framework.mark()
    except contract.Unsupported as gap:
        session.unsupported("step_device_time", gap)
        return False
    return True


def _sample(framework, step, k, marked):
    """Return (wall seconds, CPU seconds, seconds on the device's clock or None) of k steps."""
    if not marked:
        return timing.sample(step, framework.synchronise, k) + (None,)
    marks = []

    def steps():
        marks.append(framework.mark())
        for _ in range(k):
            step()
        marks.append(framework.mark())

    seconds = timing.sample(steps, framework.synchronise, 1)
    return seconds + (framework.between(*marks),)


def _plausible(session, seconds, cpu):
    """Return "", or a sentence when steps that took so long cannot have done the work.

    Args:
        session: says the machine's rate.
        seconds: that the fastest step took.
        cpu: processor seconds of a step, on average.

    """
    rate, settings = _ceiling(session), session.settings
    if rate is None:
        return ""
    operations = lenet.operations(settings.batch)
    if operations / seconds > rate and settings.device == "cpu":
        # The rate may have been measured while something else ran: look again, here and now.
        rate = max(rate, ceiling.matrix_product_rate(repeats=60))
    session.emit("ceiling_fraction", operations / seconds / rate)
    reason = ceiling.too_fast(operations, seconds, rate)
    if reason or settings.device != "cpu":
        return reason
    core = rate / settings.threads
    if ceiling.too_idle(operations, cpu, core):
        core = max(core, ceiling.matrix_product_rate(clock=time.process_time))
    return ceiling.too_idle(operations, cpu, core)


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
    """Emit the times of an evaluation; return "" or how its scores differ from the reference's."""
    model, images = session.model, session.data.test_images
    model.logits(images)  # first call: compile for this shape
    expected, error = lenet.logits(model.parameters(), images), 0.0
    for sample in range(EVALUATION_SAMPLES):
        # In another order each time: scores that were remembered are of no use.
        order = np.random.RandomState(sample).permutation(len(images))
        shuffled = images[order]
        start = time.perf_counter()
        found = model.logits(shuffled)
        seconds = time.perf_counter() - start
        session.emit("evaluation_time", seconds * 1000 / len(images), sample=sample)
        error = max(error, gate.relative_error(found, expected[order]))
    session.fact(evaluation_error=error if np.isfinite(error) else None)
    return after.scores(error, session.settings.precision)
