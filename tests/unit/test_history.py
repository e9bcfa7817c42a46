"""The page about releases: which steps are real, and what becomes of what is wrong or missing."""

import datetime
import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from generator.analysis import history
from generator.analysis.cells import Cell, Key
from generator.analysis.changes import Change
from generator.catalog import loader
from generator.catalog.model import NO_LOOK
from generator.pages.charts import timeline
from generator.pages.charts.marks import Moment
from generator.pages.overviews import history as page
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import sample_results
from tests.sample_results import GRAPH, NAMES, PAIRED
from tests.unit.frames import frame

KEY = Key("m", "a", "1", "lenet", "a", "cpu", "threads-all", "", "peak_rss")
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
    return render._inputs(loader.ROOT, root, loader.load(), loaded, shown, TODAY)


@pytest.fixture(scope="module")
def found(inputs):
    return history.releases(inputs.history, inputs.documents, inputs.catalog)


@pytest.fixture(scope="module")
def made(found):
    bands = {cell.key.place: 0.1 for release in found for cell in release.cells.values()}
    return history.steps(found, bands)


@pytest.fixture(scope="module")
def context(inputs):
    drawn = []

    def draw(chart):
        drawn.append(chart)
        return chart

    return page.context(inputs, {}, draw), drawn


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
    assert speed["0.9.0"].ratio.value == pytest.approx(0.5, rel=0.1)
    assert not speed["1.0.0"].change.differs
    assert speed["1.0.5"].verdict == "slower"


def test_a_wrong_release_has_no_figures_and_a_reason(found, made, context):
    wrong = found[1]
    assert (wrong.gate, wrong.cells) == ("wrong", {})
    assert "1.9.1" not in {step.new.version.version for step in made}
    (view,) = context[0]["views"]
    (row,) = view.faults.rows
    assert "SYNTHETIC" in row[2].text


def test_charts_mark_the_steps(context):
    _, drawn = context
    speed = next(chart for chart in drawn if "history-speed" in chart.name)
    assert "2 of 3 steps are real" in speed.title
    assert f"{NAMES[GRAPH]} 0.9.0, 2016" not in speed.alt
    assert "0.9.0, 2017" in speed.alt
    marks = {
        row["label"]: row["change"]
        for rows in speed.specs["wide"]["datasets"].values()
        for row in rows
    }
    assert marks == {
        "1.0.0": "none", "1.2.0": "none", "0.8.2": "none", "0.9.0": "faster", "1.0.5": "slower",
    }  # fmt: skip


def test_the_articles_time_is_the_newest_release_of_its_year_or_else_the_first(inputs):
    (whole,) = history.find(inputs.history, inputs.shown, inputs.documents, inputs.catalog)
    then = whole.of_that_time(inputs.book.article)
    assert [(old.id, new.number) for old, new in then] == [
        ((PAIRED, "1.2.0"), "1.9.1"), ((GRAPH, "0.8.2"), "1.0.5"),
    ]  # fmt: skip


# ----------------------------------------------------------------------- the model, by hand


def release(framework, number, year, *seconds, **record):
    """A release of which every block took the same time a step; without seconds, none has."""
    id = framework.lower()
    key = Key("m", id, number, "lenet", "a", "cpu", "threads-all", "", "step_time")
    blocks = {("run", block): np.array([value]) for block, value in enumerate(seconds)}
    document = {"environment": {"size_bytes": record.get("size")}}
    return history.Release(
        SimpleNamespace(id=id, name=framework),
        SimpleNamespace(version=number, released=datetime.date(year, 1, 1)),
        "a", "key", document, {"speed": Cell(key, "s", blocks, 0)} if seconds else {}, "ok", "",
    )  # fmt: skip


def whole(*releases):
    steps = history.steps(releases, {})
    return history.History("m", "cpu", frame({}), releases, tuple(steps))


def test_a_step_leads_from_the_release_measured_before_not_from_another_framework():
    one, lost = release("A", "1", 2016, 4.0, 4.0), release("A", "2", 2017)
    two, other = release("A", "3", 2018, 2.0, 2.0), release("B", "1", 2018, 1.0, 1.0)
    found = whole(one, other, lost, two)
    ((id, step),) = found.steps_to(history.SPEED).items()
    assert (id, step.old, step.new) == (("a", "3"), one, two)
    assert (step.ratio.value, step.verdict) == (pytest.approx(0.5), "faster")
    assert found.steps_to(history.MEASURES[1]) == {}


def test_memory_has_its_verdict_in_terms_of_time_on_charts():
    assert [
        history.Step(history.SPEED, None, None, Change(KEY, KEY, "B", verdict), None).verdict
        for verdict in ("less", "more", "not resolved")
    ] == ["faster", "slower", "not resolved"]


def test_the_ends_of_a_framework_are_its_first_and_last_release_with_a_figure():
    found = whole(
        release("A", "0", 2015), release("A", "1", 2016, 4.0), release("A", "2", 2017, 1.0),
        release("A", "3", 2018, 2.0), release("A", "4", 2019), release("B", "1", 2016, 1.0),
    )  # fmt: skip
    ends = found.ends(history.SPEED)
    assert {id: (old.number, new.number) for id, (old, new) in ends.items()} == {"a": ("1", "3")}


def test_growth_is_that_of_the_framework_that_changed_most_in_either_direction():
    size = history.MEASURES[-1]
    grown = [release("A", "1", 2016, size=100), release("A", "2", 2017, size=300)]
    shrunk = [release("B", "1", 2016, size=1000), release("B", "2", 2017, size=200)]
    old, new, ratio = whole(*grown, *shrunk).growth(size)
    assert (old.id, new.number, ratio) == (("b", "1"), "2", pytest.approx(0.2))
    assert whole(*grown).growth(size)[2] == pytest.approx(3)
    assert whole(grown[0]).growth(size) is None


def test_a_measure_shows_rates_and_units_of_the_axis():
    assert history.SPEED.on_axis(0.5) == 128
    assert history.MEASURES[3].on_axis(2e6) == pytest.approx(2)
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
    found = history.History("m", "cpu", rows, (), ())
    graph = [release(NAMES[GRAPH], number, 2016) for number in ("2", "7")]
    figures = found.figures(graph, loader.load())
    assert {key.version for key in figures.cells} == {"2"}
    assert found.figures(graph[1:], loader.load()) is None


# ---------------------------------------------------------------------------------------- the page


def test_without_history_the_page_says_how_to_make_it(tmp_path):
    (tmp_path / "results").mkdir()
    render.render(results_root=tmp_path / "results", docs=tmp_path / "docs")
    text = (tmp_path / "docs" / "report" / "history.md").read_text()
    assert "generator measure --profile history" in text


def test_a_timeline_is_valid_vega_lite():
    import altair

    moments = [
        Moment("A", "A", datetime.date(2016, 4, 1), "1.0", 10.0, 9.0, 11.0, "10"),
        Moment("A", "A", datetime.date(2020, 4, 1), "2.0", 20.0, 19.0, 21.0, "20", "faster"),
    ]
    chart = timeline.timeline(
        "t", "Title.", moments, y="images per second", looks={"A": NO_LOOK}, better="higher"
    )
    for specification in chart.specs.values():
        altair.Chart.from_dict(specification)
    assert chart.alt.count("(better)") == 1


def test_the_names_on_a_timeline_do_not_lie_on_each_other():
    days = [datetime.date(2016 + n, 6, 1) for n in range(10)]
    days += [datetime.date(2020, 6, 2), datetime.date(2020, 6, 3)]
    moments = [Moment("A", "A", day, f"{n}.10.0.post1", 10.0 + n) for n, day in enumerate(days)]
    chart = timeline.timeline("t", "Title.", moments, y="images per second", looks={"A": NO_LOOK})
    for specification in chart.specs.values():
        width = specification["vconcat"][0]["hconcat"][0]["width"]
        rows = sorted(specification["datasets"]["panel 0"], key=lambda row: row["day"])
        assert [row["order"] for row in specification["datasets"]["panel 0"]] == list(range(12))
        first, last = datetime.date(2016, 1, 1), datetime.date(2026, 1, 1)
        for side in ("above", "below"):
            places = [
                width * (datetime.date.fromisoformat(row["day"]) - first) / (last - first)
                for row in rows
                if row["place"] == side
            ]
            assert len(places) > 1
            gaps = [b - a for a, b in pairwise(places)]
            assert min(gaps) >= timeline.NAME_CHARACTER * len("0.10.0.post1")
        assert any(row["place"] == "" for row in rows)
