"""Single-GPU speed, the article's page about compile time: how long until the first step is done.

Import, build and first step are timed apart in a fresh process, once with empty compile caches
(cold) and once with filled ones (warm).
"""

from measurements.contract import Metric, Section

SECTION = Section(
    title="Single-GPU speed: compile time",
    group="Performance",
    order=82,
    question="Which framework is ready first?",
    metrics={
        "ready_time": Metric("s", "import + build + first step", "lower"),
        "import_time": Metric("s", "import", "lower"),
        "build_time": Metric("s", "build", "lower"),
        "first_step_time": Metric("s", "first step", "lower"),
        "install_time": Metric("s", "installation", "lower"),
        "install_size": Metric("B", "installed size", "lower"),
    },
    starts=("cold", "warm"),
    devices=("cpu", "cuda"),
    once=("cuda",),
)


def measure(session):
    """Publish the phases; they must be the first thing this process does."""
    session.first_step()
    case = session.job["start"]
    for phase in ("import_time", "build_time", "first_step_time"):
        session.emit(phase, session.phases[phase], case=case)
    session.emit("ready_time", sum(session.phases.values()), case=case)
    if case == "cold":
        # What takes many steps a call is another program: warm processes shall find it as well,
        # or the first of them compiles it while its memory is measured.
        session.train()
        # Warm processes have the gate of section lenet; this one looks at its only step itself.
        wrong = session.first_step_fault()
        if wrong:
            session.emit("ready_time", None, case=case, status="wrong", reason=wrong)
