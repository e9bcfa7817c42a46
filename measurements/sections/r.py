"""R support: a training step of LeNet written and driven in R, compared with the same in Python."""

from measurements import lenet
from measurements.contract import Metric, Section

SECTION = Section(
    title="R support",
    group="Final considerations",
    order=95,
    question="Can each framework be driven from R, and what does it cost?",
    metrics={
        "step_time": Metric("s", "training step driven from R", "lower"),
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
)


def measure(session):
    """Publish what ``measurements/worker.R`` has driven, if it passes the gate."""
    driven = session.driven
    if "error" in driven:
        raise RuntimeError("R: " + driven["error"])
    session.fact(r=driven["r"], reticulate=driven["reticulate"], k=int(driven["steps"]))
    initial, rate = session.initial_parameters, session.settings.learning_rate
    gradients = lenet.recover_gradients(initial, driven["after"], rate)
    checks = [
        check
        for check in lenet.compare(session.reference, (), gradients, driven["losses"], rate)
        if check.quantity != "logits"  # the losses depend on every one of them
    ]
    for kind in ("gradient", "loss"):
        worst = max(check.error for check in checks if check.quantity.startswith(kind))
        session.emit("gate_%s_error" % kind, worst)
    wrong = next((check for check in checks if not check.ok), None)
    if wrong is not None:
        reason = "%s: error %.2g, tolerance %.2g" % wrong[:3]
        session.emit("gate", 0, status="wrong", reason=reason)
        session.emit("step_time", None, status="wrong", reason=reason)
        return
    session.emit("gate", 1)
    for phase in ("build_time", "first_step_time"):
        session.emit(phase, driven[phase])
    for sample, seconds in enumerate(driven["samples"]):
        session.emit("step_time", seconds, sample=sample)
