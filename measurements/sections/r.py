"""R support: a training step of LeNet written and driven in R, compared with the same in Python."""

from measurements import after, gate, lenet, timing
from measurements.contract import Metric, Section

SECTION = Section(
    title="R support",
    group="Final considerations",
    order=95,
    question="Which frameworks can be driven from R, and at what cost?",
    metrics={
        "step_time": Metric("s", "training step driven from R", "lower"),
        "python_step_time": Metric("s", "the same step driven from Python", "lower"),
        "gate": Metric("verdict", "same work as the reference", ""),
        "gate_gradient_error": Metric("1", "largest relative error of a gradient", "lower"),
        "gate_loss_error": Metric("1", "largest relative error of a loss", "lower"),
        "build_time": Metric("s", "build", "lower"),
        "first_step_time": Metric("s", "first step", "lower"),
        "lines": Metric("count", "lines of R", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"quick": 1, "full": 3},
    script="lenet.R",
    cases=("", "python"),
)


def measure(session):
    """Publish what ``measurements/worker.R`` has driven, or time the same step in Python."""
    if session.job["case"] == "python":
        _measure_python(session)
        return
    driven = session.driven
    if "error" in driven:
        raise RuntimeError("R: " + driven["error"])
    session.fact(r=driven["r"], reticulate=driven["reticulate"], k=int(driven["steps"]))
    checks = _checks(session, driven["after"], driven["losses"])
    for kind in ("gradient", "loss"):
        worst = max(check.error for check in checks if check.quantity.startswith(kind))
        session.emit("gate_%s_error" % kind, worst)
    reason = gate.first_difference(checks) or after.continued(
        session, driven["trained"], driven["last"], driven["last_loss"]
    )
    if reason:
        session.emit("gate", 0, status="wrong", reason=reason)
        session.emit("step_time", None, status="wrong", reason=reason)
        return
    session.emit("gate", 1)
    for phase in ("build_time", "first_step_time"):
        session.emit(phase, driven[phase])
    for sample, seconds in enumerate(driven["samples"]):
        session.emit("step_time", seconds, sample=sample)


def _measure_python(session):
    """Time what R times: from NumPy arrays to the loss as a number, step by step."""
    losses, model, job = session.gate_steps(), session.model, session.job
    reason = gate.first_difference(_checks(session, session.gate_parameters, losses))
    if reason:
        session.emit("python_step_time", None, status="wrong", reason=reason)
        return
    batches, synchronise = session.batches(lenet.GATE_STEPS), session.framework.synchronise
    taken = [0]

    def step():
        taken[0] += 1
        return model.loss(model.step(model.stage(*batches[(taken[0] - 1) % len(batches)])))

    for _ in range(job["warmup"]):
        step()
    k = timing.calibrate(step, synchronise, job["min_sample_seconds"])
    session.fact(k=k)
    for sample in range(job["samples"]):
        wall, _ = timing.sample(step, synchronise, k)
        session.emit("python_step_time", wall / k, sample=sample)
    initial, weights = session.initial_parameters, model.parameters()
    model.load(initial)
    taken[0] = 0
    losses = [step()]
    first = model.parameters()
    losses += [step() for _ in batches[1:]]
    reason = after.trained(initial, weights) or after.again(_checks(session, first, losses))
    if reason:
        session.emit("python_step_time", None, status="wrong", reason=reason)


def _checks(session, parameters, losses):
    """Compare the weights after the first step and the losses of all with the reference."""
    initial, rate = session.initial_parameters, session.settings.learning_rate
    gradients = gate.recover_gradients(initial, parameters, rate)
    checks = gate.compare(session.reference, (), gradients, losses, rate)
    return [check for check in checks if check.quantity != "logits"]  # losses depend on all of them
