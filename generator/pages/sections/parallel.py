"""Pure: one model trained by two processes; what it costs, and what happens when one is killed."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from generator.analysis.statistics import Ratio
from generator.formatting import figures
from generator.pages import question_page
from generator.pages.charts import intervals, lines
from generator.pages.charts.marks import Mark, Point
from generator.pages.findings import counted, judged, plain_summary, ratio_interval
from generator.pages.parts import Block
from generator.pages.question_page import Question, View, ratio_cell
from generator.pages.tables import Cell, Rows, figure, number, percent, table, tabled
from measurements.sections.parallel import BATCHES

SIZES = (1, 2, 4, 8, 16)
"""Process counts of the model."""


def case(size: int, batch: int) -> str:
    """Return the name of a case."""
    return f"{size} of {batch}"


def questions() -> list[Question]:
    """Return the questions of the page."""
    words = {1: "the losses of the reference", 2: "the losses of one process alone"}
    found = [
        Question(
            f"{batch} images, {size} process{'es' if size > 1 else ''}", words[size],
            case(size, batch), "loss_error",
        )
        for batch in BATCHES
        for size in words
    ]  # fmt: skip
    ends = "the other one ends with an error"
    return [*found, Question("a process is killed", ends, "killed", "death_time")]


class Pair(NamedTuple):
    """The (value, low, high) seconds of a step of one process and of two."""

    framework: str
    batch: int
    one: tuple[float, float, float]
    two: tuple[float, float, float]
    gain: Ratio
    """How many times as fast two are."""
    verdict: str
    """On two."""


def make(view: View) -> tuple[tuple[str, str], list[str], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    asked = questions()
    able = view.who_can((case(2, BATCHES[0]), "loss_error"))
    pairs = _pairs(view)
    answer = view.sentence("trained one model in two processes, with the losses of one", able)
    bullets = [
        *_deaths(view),
        *(_gains(pairs, batch) for batch in dict.fromkeys(pair.batch for pair in pairs)),
    ]
    blocks = [
        view.block(
            "The same training", "", view.matrix("Data-parallel training", asked), stem="same"
        ),
        *([_speed(view, pairs), _model(view, pairs)] if pairs else []),
        _written(view),
        *view.reasons(asked),
    ]
    return answer, bullets, blocks


context = partial(question_page.context, make=make)


def _deaths(view: View) -> list[str]:
    reasons = {f.id: view.answer(f.id, "killed", "death_time").reason for f in view.frameworks}
    ends = {
        "ends with an error": view.who_can(("killed", "death_time")),
        "hangs": [id for id, reason in reasons.items() if "hangs" in reason],
        "goes on alone": [id for id, reason in reasons.items() if "goes on alone" in reason],
    }
    said = [f"{end} in {view.names(ids)}" for end, ids in ends.items() if ids]
    return [f"When one process is killed, the other {'; '.join(said)}."] if said else []


def _pairs(view: View) -> list[Pair]:
    pairs = []
    cells = view.cells("step_time")
    for batch in BATCHES:
        alone, both = case(1, batch), case(2, batch)
        compared = view.compare("step_time", both, alone)
        for framework in view.frameworks:
            if framework.id in compared:
                ratio, verdict = compared[framework.id]
                one, two = (plain_summary(cells[framework.id, name])[:3] for name in (alone, both))
                pairs.append(Pair(framework.id, batch, one, two, ratio.inverse(), verdict))
    return pairs


def _gains(pairs: list[Pair], batch: int) -> str:
    """Count the frameworks in which two processes are faster than one, at one batch size."""
    verdicts = [judged(pair.gain, pair.verdict) for pair in pairs if pair.batch == batch]
    said = counted(verdicts, "faster than one", "slower", "framework")
    return f"At {batch} images a step, two processes are {said}."


def _speed(view: View, pairs: list[Pair]) -> Block:
    """Return what a second process gains."""
    marks = []
    for pair in pairs:
        name, (value, low, high) = view.catalog.framework(pair.framework).name, pair.two
        rate = pair.batch / value
        marks.append(
            Mark(
                name, name, f"{pair.batch} images a step", rate, pair.batch / high,
                pair.batch / low, figures(rate, 3), pair.batch / pair.one[0],
            )
        )  # fmt: skip
    largest = max(pair.batch for pair in pairs)
    title = _gains(pairs, largest)
    chart = intervals.intervals(
        view.name("speed"), title, marks, measure="images per second, one core a process",
        looks=view.catalog.looks, better="higher",
    )  # fmt: skip
    return view.block(
        "How much faster two processes are",
        "One core for each process. Two processes on the two shared cores of one machine show that"
        " it works and what it costs; they say nothing about scaling over many machines. Efficiency"
        " is half the gain: 100 % would be twice as fast.",
        _speed_table(view, pairs),
        stem="speed",
        picture=view.inputs.draw(chart),
        caption=f"Open: one process on one core. Filled: two on two. {question_page.LINES}",
    )


@tabled("One process and two")
def _speed_table(view: View, pairs: list[Pair]) -> Rows:
    for pair in pairs:
        one, two = (
            figure(seconds, "s", view.link(pair.framework, case(size, pair.batch), "step_time"))
            for size, seconds in ((1, pair.one), (2, pair.two))
        )
        least, most = (f"{50 * end:.0f}" for end in (pair.gain.low, pair.gain.high))
        interval = f"{least} to {most} %" if ratio_interval(pair.gain) else ""
        yield {
            "Framework": view.named(view.catalog.framework(pair.framework)),
            number("Images a step"): Cell(str(pair.batch), float(pair.batch)),
            number("One process"): one,
            number("Two processes"): two,
            "Times as fast": ratio_cell(pair.gain, pair.verdict),
            number("Efficiency"): percent(pair.gain.value / 2, detail=interval),
        }


def modelled(one: float, two: float, size: int) -> float:
    """Return the modelled seconds of a step of ``size`` processes.

    Work divides by the number of processes; what two of them take beyond half of one's time is the
    exchange of gradients, which in a ring costs 2 (n - 1) / n times its cost for the whole vector
    (Patarasuk and Yuan, 2009, doi:10.1016/j.jpdc.2008.09.002), that is once at n = 2.
    """
    exchange = max(0.0, two - one / 2)
    return one / size + exchange * 2 * (size - 1) / size


def _model(view: View, pairs: list[Pair]) -> Block:
    points = []
    for pair in pairs:
        name = view.catalog.framework(pair.framework).name
        for size in SIZES:
            rate = pair.batch / modelled(pair.one[0], pair.two[0], size)
            text = f"{figures(rate, 3)} images/s"
            series = f"{pair.batch} images"
            points.append(
                Point(name, series, rate, text=text, number=float(size), kind="imperative")
            )
    title = "A model, not a measurement: what more cores of the same kind would give."
    chart = lines.curves(
        view.name("model"), title, points, x="processes (model)",
        measure="images per second, modelled", better="higher",
    )  # fmt: skip
    return view.block(
        f"Estimate for up to {SIZES[-1]} processes",
        "Computed from the two estimated times alone, without intervals: work divides, and what two"
        " processes take beyond half of one's time counts as the exchange of gradients in a ring."
        " Slower networks, uneven machines and the limits of memory are not in it.",
        stem="model",
        picture=view.inputs.draw(chart),
        caption="Every point is computed. The batch of a step stays the same.",
    )


def _written(view: View) -> Block:
    rows = []
    for framework in view.frameworks:
        lines = view.sheets[framework.id].get(("", "lines"))
        able = view.answer(framework.id, case(2, BATCHES[0]), "loss_error")
        count = lines.value if lines and able.status != "unsupported" else None
        said = view.facts(framework.id)
        how, death = (str(said.get(name, "–")) for name in ("parallel", "death"))
        rows.append(
            {
                "Framework": view.named(framework),
                "How": Cell(how),
                number("Lines in addition to lenet.py"): Cell(
                    f"{count:.0f}" if count else "–", count
                ),
                number("Known after"): view.value_cell(framework.id, "killed", "death_time"),
                "When the other process is killed": Cell(death),
            }
        )
    return view.block(
        "How it is written, and in how many lines",
        "The lines of parallel.py: everything that data-parallel training takes in addition to the"
        " network itself. Whether the other process still runs is looked at every 0.05 s.",
        table("How it is written", rows),
        stem="written",
    )
