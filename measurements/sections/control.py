"""Control flow operators: branches and loops that depend on data."""

import time

import numpy as np

from measurements import control, probe
from measurements.contract import NOT_WRITTEN, Metric, Section, Unsupported, offered

SECTION = Section(
    title="Control flow operators",
    order=60,
    question="Which branches and loops can a graph hold?",
    metrics={
        "captured": Metric("1", "largest relative error in captured mode", "lower"),
        "eager": Metric("1", "largest relative error, executed eagerly", "lower"),
        "growth": Metric("count", "operations of the graph that each further trip adds", "lower"),
        "gradient": Metric("1", "largest relative error of the gradient, captured", "lower"),
        "run_time": Metric("s", "one run of the captured program", "lower"),
        "ready_time": Metric("s", "capturing, compiling and the first run", "lower"),
        "lines": Metric("count", "lines of code of control.py", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"full": 3},
    script="control.py",
    uses=("probe.py", "scripts.py", "control.py"),
    findings=True,
)

TRIPS = (4, 32)
"""Trip counts whose graphs are compared."""

SWEEP = (1, 10, 100, 1000)
"""Trip counts that are timed."""

GROWTH = 0.1
"""Operations that a graph may gain by a further trip; an unrolled one gains one or more."""

BUDGET = 20.0
"""Seconds: no longer trip count is begun after one that took so long to get ready."""


def measure(session):
    """Run all programs; then time the recurrence against its trip count."""
    assert session.framework
    script = session.script("control")
    for program in control.PROGRAMS.values():
        measure_program(session, script, program)
    _sweep(session, script, control.PROGRAMS["scan"])


def measure_program(session, script, program):
    """Emit the rows of one program."""
    case = program.name
    function = script.PROGRAMS.get(case, NOT_WRITTEN)

    def stated():
        return offered(function)

    probe.ask(session, "eager", case, lambda: _worst(program, stated(), script.eager, fresh=True))
    probe.ask(
        session, "captured", case, lambda: _worst(program, stated(), script.capture, fresh=False)
    )
    probe.ask(session, "growth", case, lambda: _growth(program, stated(), script))
    probe.ask(session, "gradient", case, lambda: _gradient(program, stated(), script))


def _worst(program, function, run, fresh):
    """Return the largest error over inputs that lead the program several ways.

    ``run(function, arrays)`` returns a function of arrays. A captured program is captured once,
    with the first inputs, and must be right for the others: a branch that was decided while
    capturing is found so. Shapes do not change, only data.
    """
    several = _same_shape(program)
    worst, runner = 0.0, run(function, several[0])
    for arrays in several:
        found = (run(function, arrays) if fresh else runner)(*arrays)
        worst = max(worst, probe.difference(found, program.reference(*arrays), 2e-5))
    return worst


def _same_shape(program):
    """Return inputs of one shape that make the program go different ways."""
    if program.name == "cond":
        return [program.inputs(1), program.inputs(2)]
    if program.name == "while":
        return [program.inputs(trips) for trips in (5, 2, 3)]
    if program.name == "early-exit":
        weight, rows = program.inputs(4)
        return [[weight, rows * factor] for factor in (1.0, 3.0, 0.01)]
    if program.name == "ragged":
        weight, rows, lengths = program.inputs(6)
        return [[weight, rows, lengths], [weight, rows, lengths[::-1].copy()]]
    weight, rows = program.inputs(6)
    return [[weight, rows], [-weight, 2 * rows]]


def _growth(program, function, script):
    """Return how many operations a trip adds to the graph."""
    if not program.loops:
        raise probe.Skipped("there is no loop in it")
    if program.name == "while":
        # Its trips are in the data alone; if it ran right with others than it was captured with,
        # only a bound that was written out could hold them, and a longer run would show it.
        runner = script.capture(function, program.inputs(3))
        arrays = program.inputs(40)
        probe.difference(runner(*arrays), program.reference(*arrays), 2e-5)
        return 0.0
    sizes = [script.graph_size(function, program.inputs(trips)) for trips in TRIPS]
    growth = (sizes[1] - sizes[0]) / float(TRIPS[1] - TRIPS[0])
    if growth > GROWTH:
        raise probe.Wrong(
            "unrolled: the graph has %d operations for %d trips and %d for %d"
            % (sizes[0], TRIPS[0], sizes[1], TRIPS[1])
        )
    return max(0.0, growth)


def _gradient(program, function, script):
    arrays = [np.asarray(value) for value in _same_shape(program)[0]]
    outputs = program.reference(*arrays)
    weights = np.random.RandomState(9).rand(*outputs.shape) + 0.5
    expected = probe.slope(program.reference, arrays, [weights])
    found = script.gradient(function, arrays, weights)
    return probe.difference(found, expected, probe.SLOPE_TOLERANCE["f4"], "gradient")


def _sweep(session, script, program):
    """Time the recurrence: getting ready and running, against the trip count."""
    function = script.PROGRAMS.get(program.name, NOT_WRITTEN)
    if isinstance(function, Unsupported):
        for metric in ("ready_time", "run_time"):
            for trips in SWEEP:
                session.unsupported(metric, function, case="%d trips" % trips)
        return
    slow = ""
    for trips in SWEEP:
        case = "%d trips" % trips
        if slow:
            for metric in ("ready_time", "run_time"):
                probe.say(session, metric, case, probe.Skipped(slow))
            continue
        seconds = _time(session, script, program, function, trips)
        if seconds is None:
            slow = "not begun: %s did not end well" % case
        elif seconds > BUDGET:
            slow = "not begun: %s took %.0f s to get ready" % (case, seconds)


def _time(session, script, program, function, trips):
    """Emit both times of one trip count; return the seconds until ready, None where it failed."""
    case = "%d trips" % trips
    arrays = [np.asarray(value, "f4") for value in program.inputs(trips)]
    runners = []

    def ready():
        start = time.perf_counter()
        runner = script.capture(function, arrays)
        found = runner(*arrays)
        seconds = time.perf_counter() - start
        probe.difference(found, program.reference(*arrays), 2e-5)
        runners.append(runner)
        return seconds

    def run():
        seconds = probe.seconds_of(lambda: runners[0](*arrays))
        # What was timed still computes, and with what it has not seen yet.
        weight, rows = arrays
        for inputs in ([-weight, 2 * rows], arrays):
            probe.difference(runners[0](*inputs), program.reference(*inputs), 2e-5)
        return seconds

    seconds = probe.ask(session, "ready_time", case, ready)
    if not runners:
        probe.say(session, "run_time", case, probe.Skipped("it did not get ready"))
        return None
    probe.ask(session, "run_time", case, run)
    return seconds
