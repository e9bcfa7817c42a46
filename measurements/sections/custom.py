"""Adding new operations: the same new operator by every way that a framework offers."""

import inspect
import os
import time

import numpy as np

from measurements import custom, probe
from measurements.contract import NOT_WRITTEN, Metric, Section, Unsupported, offered

SECTION = Section(
    title="Adding new operations",
    order=40,
    question="What does it take to add an operator of your own?",
    metrics={
        "slowdown": Metric("1", "times of the built-in tanh, forward and gradient", "lower"),
        "forward": Metric("1", "largest error where the definition is tame", "lower"),
        "near_zero": Metric("1", "largest error near zero", "lower"),
        "gradient": Metric("1", "largest error of the gradient", "lower"),
        "captured": Metric("1", "largest error in captured mode, forward and gradient", "lower"),
        "used": Metric("1", "largest error at the watermark, captured", "lower"),
        "build_time": Metric("s", "building it", "lower"),
        "run_time": Metric("s", "a million elements, forward and gradient", "lower"),
        "written": Metric("count", "lines of code written for it", "lower"),
        "lines": Metric("count", "lines of code of custom.py", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"full": 3},
    script="custom.py",
    uses=("probe.py", "scripts.py", "custom.py"),
    findings=True,
)

TOLERANCE = 2e-5
"""Relative to the largest value, 1/6; float32 operations around one lose about 1e-6."""


def measure(session):
    """Try every way; the built-in that they are compared with is tanh, of equal work."""
    assert session.framework
    script = session.script("custom")
    x = custom.large()
    builtin = probe.ask(
        session,
        "run_time",
        "builtin",
        lambda: _time(script, offered(script.BUILTIN), x, 1 - np.tanh(x, dtype=np.float64) ** 2),
    )
    for way in custom.WAYS:
        measure_way(session, script, way, builtin)
    session.fact(languages=script.LANGUAGES)


def measure_way(session, script, way, builtin=None):
    """Emit the rows of one way.

    See ``measurements.scripts.Custom.WAYS``.
    """
    build = script.WAYS.get(way, NOT_WRITTEN)
    made = []

    def built():
        offered(build)
        folder = os.path.join(session.settings.cache, "custom-" + way)
        os.makedirs(folder, exist_ok=True)
        start = time.perf_counter()
        operator = build(folder)
        # A compiler may work at the first call only.
        script.evaluate(operator, custom.wide(), False)
        made.append(operator)
        return time.perf_counter() - start

    if probe.ask(session, "build_time", way, built) is None:
        error = build if isinstance(build, Unsupported) else Exception("it could not be built")
        for metric in ("slowdown", "forward", "near_zero", "gradient", "captured", "used"):
            probe.say(session, metric, way, error)
        return
    operator = made[0]
    session.emit("written", _written(session, script, way, build), case=way)

    def value(x, captured=False):
        found = script.evaluate(operator, x, captured)
        return _error(found, custom.reference(x), "output")

    def gradient(x, captured=False):
        found = script.gradient(operator, x, captured)
        return _error(found, custom.slope(x), "gradient")

    tame = custom.wide()
    tame = tame[np.abs(tame) > 1]
    near = custom.near_zero()
    probe.ask(session, "forward", way, lambda: value(tame))
    probe.ask(session, "near_zero", way, lambda: value(near))
    probe.ask(session, "gradient", way, lambda: max(gradient(tame), gradient(near)))
    places = tame if way == "naive" else custom.wide()  # where it is right at once, or should be
    probe.ask(session, "captured", way, lambda: max(value(places, True), gradient(places, True)))
    if way in ("python", "native"):
        probe.ask(session, "used", way, lambda: _used(script, operator))
    else:
        reason = probe.Skipped("nothing new is registered: it is made of the framework's own")
        probe.say(session, "used", way, reason)
    x = custom.large()
    slope = custom.slope(x)
    if way == "naive":  # right away from zero only
        slope[np.abs(x) <= 1] = np.nan
    seconds = probe.ask(session, "run_time", way, lambda: _time(script, operator, x, slope))
    if seconds is None or not builtin:
        error = Exception("it has no time to compare")
        probe.say(session, "slowdown", way, error)
    else:
        session.emit("slowdown", seconds / builtin, case=way)


def _time(script, operator, x, slope):
    """Return the seconds of a call; what was timed must still compute the right gradient then.

    ``slope`` is that gradient, not a number where it is not looked at.
    """
    timed = script.timed(operator, x)
    seconds = probe.seconds_of(timed)
    found, known = np.asarray(timed()), np.isfinite(slope)
    if found.shape == slope.shape:
        found, slope = found[known], slope[known]
    _error(found, slope, "gradient after timing")
    return seconds


def _error(found, expected, what):
    found = np.asarray(found)
    if found.shape != expected.shape:
        raise probe.Wrong("%s has shape %s, expected %s" % (what, found.shape, expected.shape))
    return probe.difference(6 * found, 6 * expected, TOLERANCE, what)  # the largest value is 1/6


def _used(script, operator):
    """Ask for the watermark, in captured mode: only the operator itself knows it."""
    x = custom.marked()
    here = x == custom.MARK
    for found, expected, what in (
        (script.evaluate(operator, x, True), custom.MARKED, "output"),
        (script.gradient(operator, x, True), custom.MARKED_SLOPE, "gradient"),
    ):
        values = np.asarray(found)[here]
        if not (values == expected).all():
            raise probe.Wrong(
                "the operator was not used in captured mode: its %s at the watermark is %.3g,"
                " not %g" % (what, values[0], expected)
            )
    return 0.0


def _written(session, script, way, build):
    """Count the lines of the function that builds the operator, and of its native source.

    A script names in ``SOURCES`` what else was written for a way: functions, classes or files.
    """
    total = 0
    for part in [build] + list(script.SOURCES.get(way, ())):
        if isinstance(part, str):
            with open(os.path.join(session.job["folder"], part)) as file:
                total += native_lines(file.read())
        else:
            total += probe.lines_of_code(inspect.getsource(part))
    return total


def native_lines(text):
    """Return the lines of C or C++ that hold more than blanks, brackets or a comment."""
    found, comment = 0, False
    for line in map(str.strip, text.splitlines()):
        if comment or line.startswith("/*"):
            comment = "*/" not in line
            continue
        found += bool(line.strip("{}(); ")) and not line.startswith("//")
    return found
