"""Pure: branches and loops that depend on data, in every framework."""

from __future__ import annotations

from functools import partial

from generator import formatting
from generator.formatting import figures, quantity
from generator.pages import question_page
from generator.pages.charts import lines
from generator.pages.charts.marks import Point
from generator.pages.findings import plain_summary
from generator.pages.parts import Block
from generator.pages.question_page import Question, View
from generator.pages.tables import number, table
from measurements import control
from measurements.sections.control import SWEEP

ASKED = {
    "captured": "in a captured graph, with data that lead it another way",
    "growth": "as a loop of the graph: further trips add no operations",
    "gradient": "with a gradient, through the captured graph",
    "eager": "executed eagerly",
}


def questions() -> list[Question]:
    """Return the questions about every program."""
    return [
        Question(program.what, words, program.name, metric)
        for program in control.PROGRAMS.values()
        for metric, words in ASKED.items()
        if metric != "growth" or program.loops
    ]


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    asked = questions()
    whole = view.who_can(*((q.case, q.metric) for q in asked if q.metric != "eager"))
    ends = view.who_can(("while", "captured"))
    did = f"ran all {len(control.PROGRAMS)} programs as a graph, with right gradients"
    answer = view.sentence(f"{did} and without unrolling a loop", whole)
    bullets = [view.sentence("captured a loop whose end depends on the data", ends)[1]]
    blocks = [
        view.block("Programs", "", view.matrix("Control flow", asked)),
        *_sweep(view, "run_time", "What a loop costs", "milliseconds a run", 1e3,
            "The recurrence over a sequence, three numbers wide: what an iteration of the loop"
            " costs on top of its arithmetic."),
        *_sweep(view, "ready_time", "How long a loop takes to compile",
            "seconds to the first result", 1.0,
            "Capturing, compiling and the first run. An unrolled loop would take longer with every"
            " trip."),
        *view.reasons(asked),
    ]  # fmt: skip
    return answer, bullets, blocks


context = partial(question_page.context, make=make)


def _sweep(
    view: View, metric: str, heading: str, axis: str, scale: float, text: str
) -> list[Block]:
    """Return a metric by trip count."""
    points = []
    for (framework, case), cell in view.cells(metric).items():
        trips, _, word = case.partition(" ")
        if word != "trips":
            continue
        seconds = plain_summary(cell)[:3]
        y, low, high = (scale * each for each in seconds)
        name, value = view.catalog.framework(framework).name, quantity(seconds[0], "s")
        points.append(Point(name, "recurrence", y, low, high, value, float(trips), kind="symbolic"))
    if not points:
        return []
    name, title = view.name(metric), _title(view, metric)
    chart = lines.curves(name, title, points, x="trips", measure=axis, better="lower")
    picture = view.inputs.draw(chart)
    times = table(heading, (
        {"Framework": view.named(framework)} | {
            number(formatting.plural(n, "trip")): view.value_cell(framework.id, _trips(n), metric)
            for n in SWEEP
        }
        for framework in view.frameworks
    ))  # fmt: skip
    caption = f"Captured mode. {question_page.LINES}"
    stem = metric.replace("_", "-")
    return [view.block(heading, text, times, stem=stem, picture=picture, caption=caption)]


def _title(view: View, metric: str) -> str:
    """Name the least and the greatest estimate: of a trip, or of the longest loop."""
    cells, found = view.cells(metric), {}
    for framework in view.frameworks:
        first, last = (cells.get((framework.id, _trips(count))) for count in (SWEEP[0], SWEEP[-1]))
        if first is not None and last is not None:
            start, end = plain_summary(first)[0], plain_summary(last)[0]
            each = (end - start) / (SWEEP[-1] - SWEEP[0])
            found[framework.name] = each if metric == "run_time" else end
    if not found:
        return "By trip count."
    what = (
        "Estimated cost of an iteration"
        if metric == "run_time"
        else f"Estimated time to the first result of {SWEEP[-1]:,} trips"
    )
    return f"{what}: {question_page.ends(found, _time)}."


def _trips(count: int) -> str:
    return f"{count} trips"


def _time(seconds: float) -> str:
    """Return seconds as people read them, also where they are few millionths."""
    return quantity(seconds, "s") if seconds >= 1e-3 else f"{figures(1e6 * seconds, 2)} µs"
