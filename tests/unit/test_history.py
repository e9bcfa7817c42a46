"""The page about releases: which steps are real, and what becomes of what is wrong or missing."""

import datetime
import math
import re
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from generator.analysis import history
from generator.analysis.block_model import BlockModel, Spread
from generator.analysis.cells import Cell, Key, fitted
from generator.analysis.changes import Change
from generator.catalog import loader
from generator.catalog.model import NO_LOOK
from generator.pages.charts import lines, style
from generator.pages.charts.marks import Point
from generator.pages.overviews import history as page
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import sample_results, vega_lite
from tests.sample_results import GRAPH, NAMES, PAIRED
from tests.unit.frames import draw_on, frame, record

KEY = Key("m", "a", "1", "lenet", "a", "cpu", "threads-all", "", "peak_rss")
MEMORY = history.MEASURES[3]
TODAY = datetime.date(2026, 12, 1)
RELEASES = {
    GRAPH: {"0.8.2": 2.0, "0.9.0": 1.0, "1.0.0": 1.0, "1.0.5": 3.0},
    PAIRED: {"1.2.0": 1.0, "1.9.1": math.nan},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    sample_results.write_history(root, RELEASES)
    loaded = store.load(root)
    shown = selection.withhold(selection.select(loaded))
    return render._inputs(loader.ROOT, root, loader.load(), loaded, shown, TODAY, None)


@pytest.fixture(scope="module")
def found(inputs):
    return history.releases(inputs.history, inputs.known)


@pytest.fixture(scope="module")
def made(found, inputs):
    noises = {cell.key.place: 0.1 for release in found for cell in release.cells.values()}
    return history.steps(found, draw_on(inputs.documents, noises))


@pytest.fixture(scope="module")
def context(inputs):
    drawn = []

    def draw(chart):
        drawn.append(chart)
        return chart

    return page.context(replace(inputs, draw=draw)), drawn


def test_ordinary_pages_show_no_row_of_it(inputs):
    assert len(inputs.history)
    assert not len(inputs.shown)


def test_releases_come_by_framework_and_date(found):
    names = [(release.framework.id, release.version.version) for release in found]
    assert names == [
        (PAIRED, "1.2.0"), (PAIRED, "1.9.1"),
        (GRAPH, "0.8.2"), (GRAPH, "0.9.0"), (GRAPH, "1.0.0"), (GRAPH, "1.0.5"),
    ]  # fmt: skip


def test_only_real_steps_are_called_one(made):
    speed = {step.new.version.version: step for step in made if step.measure.id == "speed"}
    assert speed["0.9.0"].verdict == "faster"
    assert speed["0.9.0"].change.ratio.value == pytest.approx(0.5, rel=0.1)
    assert not speed["1.0.0"].change.differs
    assert speed["1.0.5"].verdict == "slower"


def folded(context, stem):
    """Return the table behind the heading whose anchor starts so."""
    (part,) = context["parts"]
    (block,) = [block for block in part.folds if block.anchor.startswith(stem)]
    return block.tables[0]


def test_a_wrong_release_has_no_figures_and_a_reason(found, made, context):
    wrong = found[1]
    assert (wrong.gate, wrong.cells) == ("wrong", {})
    assert "1.9.1" not in {step.new.version.version for step in made}
    (row,) = folded(context[0], "faults").rows
    assert "SYNTHETIC" in row[2].text


def test_charts_mark_the_steps(context):
    _, drawn = context
    speed = next(chart for chart in drawn if "history-speed" in chart.name)
    assert "3 steps from release to release: 1 slower, 1 faster, 1 not resolved" in speed.title
    assert f"{NAMES[GRAPH]} 0.9.0, 2016" not in speed.alt
    assert "0.9.0, 2017" in speed.alt
    marks = {
        row["label"]: row["change"]
        for rows in speed.specs["wide"]["datasets"].values()
        for row in rows
    }
    assert marks == {
        "1.0.0": "", "1.2.0": "", "0.8.2": "", "0.9.0": "faster", "1.0.5": "slower",
    }  # fmt: skip


def test_the_articles_time_is_the_newest_release_of_its_year_or_else_the_first(inputs):
    (whole,) = history.find(inputs.history, inputs.known)
    then = whole.of_that_time(inputs.book.article)
    assert [(old.id, new.number) for old, new in then] == [
        ((PAIRED, "1.2.0"), "1.9.1"), ((GRAPH, "0.8.2"), "1.0.5"),
    ]  # fmt: skip


# ----------------------------------------------------------------------- the model, by hand


def release(framework, number, year, *seconds, build="none", run="run", **more):
    """A release with a step time, and as much memory, in every block; without any, none has it."""
    id = framework.lower()
    document = record(build)
    document["environment"]["size_bytes"] = more.get("size")
    cells = {}
    for measure in (history.SPEED, MEMORY) if seconds else ():
        key = Key("m", id, number, measure.section, "a", "cpu", "threads-all", "", measure.metric)
        blocks = {(run, block): np.array([value]) for block, value in enumerate(seconds)}
        cells[measure.id] = Cell(key, "s" if measure.rate else "B", blocks, 0)
    return history.Release(
        SimpleNamespace(id=id, name=framework),
        SimpleNamespace(version=number, released=datetime.date(year, 1, 1)),
        "a", "key", document, cells, "ok", "",
    )  # fmt: skip


def whole(*releases, **drawn_on):
    """A history of releases as :func:`history.releases` returns them: with their models."""
    cells = {cell.key: cell for one in releases for cell in one.cells.values()}
    together = fitted(cells, drawn_on.get("spreads", {}), ("version", "mode"))
    releases = [
        replace(one, cells={id: together[cell.key] for id, cell in one.cells.items()})
        for one in releases
    ]
    documents = {
        f"m/{one.framework.id}/{one.number}/{run}": one.document
        for one in releases for run in ("run", "later")
    }  # fmt: skip
    known = draw_on(documents, **drawn_on)
    made = history.steps(releases, known), history.spans(releases, known)
    return history.History("m", "cpu", frame({}), tuple(releases), *map(tuple, made))


def pairs(steps, measure=history.SPEED):
    return [(s.old.number, s.new.number) for s in steps if s.measure is measure]


def test_a_step_leads_from_the_release_measured_before_not_from_another_framework():
    one, lost = release("A", "1", 2016, 4.0, 4.0), release("A", "2", 2017)
    two, other = release("A", "3", 2018, 2.0, 2.0), release("B", "1", 2018, 1.0, 1.0)
    found = whole(one, other, lost, two)
    ((id, step),) = found.steps_to(history.SPEED).items()
    assert (id, step.old.id, step.new.id) == (("a", "3"), one.id, two.id)
    assert (step.change.ratio.value, step.verdict) == (pytest.approx(0.5), "faster")
    assert found.steps_to(history.MEASURES[1]) == {}


def test_memory_has_its_verdict_in_terms_of_time_on_charts():
    assert [
        history.Step(history.SPEED, None, None, Change(KEY, KEY, "B", verdict)).verdict
        for verdict in ("less", "more", "not resolved")
    ] == ["faster", "slower", "not resolved"]


def test_a_span_leads_from_the_first_release_with_a_figure_to_the_last():
    found = whole(
        release("A", "0", 2015), release("A", "1", 2016, 4.0), release("A", "2", 2017, 1.0),
        release("A", "3", 2018, 2.0), release("A", "4", 2019), release("B", "1", 2016, 1.0),
    )  # fmt: skip
    assert pairs(found.spans) == [("1", "3")]
    assert pairs(found.steps) == [("1", "2"), ("2", "3")]


def test_all_releases_of_a_framework_are_one_family():
    """Every pair has the interval of the model of all releases, so its noise is pooled."""
    rng = np.random.default_rng(7)
    times = {str(n): rng.lognormal(0, 0.1, 3) for n in range(5)}
    found = whole(*(release("A", n, 2016 + int(n), *some) for n, some in times.items()))
    model = BlockModel({n: dict(enumerate(np.log(some))) for n, some in times.items()})
    for step in (*found.steps, *found.spans):
        ratio = step.change.ratio
        assert ratio == pytest.approx(model.ratio(step.new.number, step.old.number))
        assert ratio.degrees == 8
        assert not ratio.across


def test_the_noise_of_the_place_counts():
    mine = release("A", "1", 2016, 4.0, 4.1, 4.0), release("A", "2", 2017, 3.0, 3.1, 3.0)
    place = mine[0].cells["speed"].key.place
    assert len(place) == 5
    assert whole(*mine, noises={place: 0.1}).steps[0].verdict == "faster"
    found = whole(*mine, noises={place: 0.5})
    assert [step.verdict for step in found.steps] == ["not resolved", "faster"], "memory: its own"


def test_releases_of_two_runs_are_compared_across_runs():
    mine = (
        release("A", "1", 2016, 4.0, 4.1, 4.0),
        release("A", "2", 2017, 4.5, 4.6, 4.5),
        release("A", "3", 2018, 4.0, 4.1, 4.0, run="later"),
    )
    spreads = {("m", "cpu", history.SPEED.metric): Spread(0.1**2, 10)}
    within, across = (step.change.ratio for step in whole(*mine, spreads=spreads).steps[:2])
    assert (within.across, across.across) == (False, True)
    assert across.high / across.low > within.high / within.low
    unknown = whole(*mine).steps[1]
    assert unknown.verdict == "not resolved"
    assert math.isnan(unknown.change.detectable)


def test_builds_with_cuda_and_without_are_compared_in_speed_only():
    found = whole(
        release("A", "1", 2016, 4.0, 4.1, 4.0, build="10.1", size=5),
        release("A", "2", 2017, 3.0, 3.1, 3.0, build="10.2", size=5),
        release("A", "3", 2018, 1.0, 1.1, 1.0, size=1),
    )
    told = {(s.measure.id, s.new.number): s.change.verdict for s in (*found.steps, *found.spans)}
    assert told == {
        ("speed", "2"): "faster", ("speed", "3"): "faster",
        ("memory", "2"): "less", ("memory", "3"): "not compared",
    }  # fmt: skip
    assert {s.change.reason for s in found.steps if s.change.verdict == "not compared"} == {
        "CUDA build, CPU build"
    }
    assert [one.build for one in found.releases] == ["CUDA build", "CUDA build", "CPU build"]
    parts = {
        measure.id: [moment.part for moment in page.moments(chartable(found), measure)]
        for measure in (history.SPEED, MEMORY, history.MEASURES[-1])
    }
    assert parts == {"speed": [0, 0, 0], "memory": [0, 0, 1], "size": [0, 0, 1]}
    assert [m.told for m in page.moments(chartable(found), MEMORY)] == [
        "", "less", "not compared: CUDA build, CPU build",
    ]  # fmt: skip
    table = page._measure_table(chartable(found), MEMORY)
    assert table.rows[2][3].detail == "CUDA build, CPU build"


def chartable(found):
    """The same with modes, which a chart names."""
    mode = SimpleNamespace(id="a", title="A mode")
    framework = SimpleNamespace(id="a", name="A", mode=lambda _: mode, default_on=lambda _: mode)
    return replace(found, releases=[replace(one, framework=framework) for one in found.releases])


def test_a_measure_shows_rates_and_units_of_the_axis():
    assert history.SPEED.on_axis(0.5) == 128
    assert MEMORY.on_axis(2e6) == pytest.approx(2)
    assert release("A", "1", 2016, size=None).value(history.MEASURES[-1]) is None
    assert release("A", "1", 2016, 4.0, 4.0).value(history.SPEED).value == pytest.approx(4)


@pytest.mark.parametrize(
    ("year", "old"),
    [(2016, "2"), (2014, "1"), (2030, "3")],
)
def test_the_release_of_a_year_is_the_newest_until_its_end(year, old):
    mine = [release("A", "1", 2015), release("A", "2", 2016), release("A", "3", 2018)]
    ((then, now),) = whole(*mine).of_that_time({"year": year, "compared": ["a", "b"]})
    assert (then.number, now.number) == (old, "3")


GATE = {"metric": "gate"}


@pytest.mark.parametrize(
    ("rows", "status", "reason"),
    [
        ([GATE, {}], "ok", ""),
        ([GATE, {"status": "unsupported", "reason": "no", "section": "memory"}], "ok", ""),
        ([GATE | {"status": "wrong", "reason": "w"}, {"status": "failed", "reason": "f"}],
         "wrong", "w"),
        ([{"status": "timeout", "reason": "t"}, GATE], "timeout", "t"),
        ([{"status": "skipped", "reason": "s"}], "skipped", "s"),
        ([{"section": "memory"}], "skipped", "it was not verified"),
    ],
)  # fmt: skip
def test_the_worst_on_the_way_through_verification_counts(rows, status, reason):
    assert history._gate(frame(*rows)) == (status, reason)


def test_figures_of_chosen_releases_are_of_their_rows_only():
    rows = frame({"version": "1", "value": 1.0}, {"version": "2", "value": 2.0})
    found = history.History("m", "cpu", rows, (), (), ())
    graph = [release(NAMES[GRAPH], number, 2016) for number in ("2", "7")]
    figures = found.figures(graph, loader.load())
    assert {key.version for key in figures.cells} == {"2"}
    assert found.figures(graph[1:], loader.load()) is None


def test_figures_of_releases_from_different_runs_have_the_spread_between_them():
    rows = frame(*(
        {"framework": id, "run": id, "block": block, "value": 1 + block / 100}
        for id in (GRAPH, PAIRED) for block in range(3)
    ))  # fmt: skip
    spreads = {("here", "cpu", "step_time"): Spread(0.01, 5.0)}
    found = history.History("here", "cpu", rows, (), (), (), spreads)
    chosen = [release(NAMES[id], "1.0.5", 2016) for id in (GRAPH, PAIRED)]
    ((_, row),) = (panel.rows for panel in found.figures(chosen, loader.load()).panels)
    assert row.against.across
    assert 1.2 < row.against.high < 2


# ---------------------------------------------------------------------------------------- the page


SPEEDS = [(3.0, 3.1, 3.0), (2.0, 2.1, 2.0), (2.0, 2.01, 2.03)]


def test_a_title_counts_the_verdicts_and_has_the_interval_of_the_largest_step():
    found = whole(*(release("A", str(n), 2016 + n, *some) for n, some in enumerate(SPEEDS)))
    first, second = (step.change for step in found.steps if step.measure is history.SPEED)
    assert (first.verdict, second.verdict) == ("faster", "not resolved")
    ratio = first.ratio.inverse()
    assert page._title(found, history.SPEED) == (
        "Images per second, 2 steps from release to release: 1 faster, 1 not resolved."
        f" The largest: A 1, 1.49 times the images per second of 0"
        f" ({ratio.low:.2f} to {ratio.high:.2f})."
    )
    alike = whole(*(release("A", str(n), 2016, 3.0, 3.1, 3.0) for n in range(2)))
    assert "largest" not in page._title(alike, history.SPEED)


def test_a_caption_says_what_so_few_blocks_can_show():
    found = whole(*(release("A", str(n), 2016 + n, *some) for n, some in enumerate(SPEEDS)))
    least = [step.change.detectable for step in found.steps if step.measure is history.SPEED]
    low, high = 1 + min(least), 1 + max(least)
    assert f"With 3 blocks, a change by a factor of {low:.2f} to {high:.2f}" in page._detectable(
        found, history.SPEED
    )


def test_one_process_a_release_is_no_interval_and_no_claim():
    found = whole(release("A", "1", 2016, 4.0), release("A", "2", 2017, 1.0))
    assert page._title(found, history.SPEED).endswith(
        "one process a release, which decides nothing."
    )
    assert page._detectable(found, history.SPEED).startswith("One process a release")
    assert page._span_table(found).columns[1:] == (), "no figure that could be judged"


def test_sizes_are_listed_and_not_compared(context):
    _, drawn = context
    size = next(chart for chart in drawn if "history-size" in chart.name)
    assert size.title == "Installed size of 6 releases."
    table = folded(context[0], "size")
    assert not any("new / old" in column.title for column in table.columns)


def test_the_last_release_is_set_against_the_first_with_interval_and_verdict(context):
    (row,) = folded(context[0], "spans").rows
    assert row[0].text == NAMES[GRAPH]
    assert row[0].detail == "0.8.2 (2016) → 1.0.5 (2020)"
    assert row[1].text.endswith("×")
    assert row[1].badge.word in ("faster", "slower", "not resolved")
    assert re.fullmatch(r"\d\.\d+ to \d\.\d+", row[1].detail)


def test_without_history_the_page_says_how_to_make_it(unmeasured):
    text = (unmeasured / "report" / "history.md").read_text(encoding="utf-8")
    assert 'generator measure <span class="whole">--profile</span> history' in text


def test_a_timeline_is_valid_vega_lite():
    moments = [
        Point("A", "a", y, 0.9 * y, 1.1 * y, "10", day=datetime.date(year, 4, 1), change=change)
        for y, year, change in ((10.0, 2016, ""), (20.0, 2020, "faster"))
    ]
    chart = lines.timeline(
        "t", "Title.", moments, measure="images per second", looks={"A": NO_LOOK}, better="higher"
    )
    for specification in chart.specs.values():
        vega_lite.validate(specification)
    assert chart.alt.count("(better)") == 1


def test_the_names_on_a_timeline_do_not_lie_on_each_other():
    days = [datetime.date(2016 + n, 6, 1) for n in range(10)]
    days += [datetime.date(2020, 6, 2), datetime.date(2020, 6, 3)]
    moments = [
        Point("A", "a", 10.0 + n, day=day, label=f"{n}.10.0.post1") for n, day in enumerate(days)
    ]
    chart = lines.timeline(
        "t", "Title.", moments, measure="images per second", looks={"A": NO_LOOK}
    )
    for specification in chart.specs.values():
        rows = specification["datasets"]["panel 0"]
        assert [row["order"] for row in rows] == list(range(12))
        named = [row for row in rows if "at" in row]
        assert rows[0] in named
        assert rows[9] in named
        assert 2 < len(named) < len(rows)
        broad = style.extent("0.10.0.post1", lines.FONT)
        for one, other in combinations(named, 2):
            assert abs(one["at"] - other["at"]) >= broad or abs(one["up"] - other["up"]) > 12
