"""The page about releases: which steps are real, and what becomes of what is wrong or missing."""

import datetime
import math
from itertools import pairwise

import pytest

from generator.catalog import loader
from generator.catalog.model import NO_LOOK
from generator.pages.charts import timeline
from generator.pages.charts.marks import Moment
from generator.pages.overviews import history
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import sample_results

TODAY = datetime.date(2026, 12, 1)
RELEASES = {
    "theano": {"0.8.2": 2.0, "0.9.0": 1.0, "1.0.0": 1.0, "1.0.5": 3.0},
    "mxnet": {"1.2.0": 1.0, "1.9.1": math.nan},
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
    return history.releases(inputs.history, inputs)


@pytest.fixture(scope="module")
def made(found):
    return history.steps(found, {"step_time": 0.1, "ready_time": 0.1, "peak_rss": 0.1})


@pytest.fixture(scope="module")
def context(inputs):
    drawn = []

    def draw(chart):
        drawn.append(chart)
        return chart

    return history.context(inputs, {}, draw), drawn


def test_ordinary_pages_show_no_row_of_it(inputs):
    assert len(inputs.history)
    assert not len(inputs.shown)


def test_releases_come_by_framework_and_date(found):
    names = [(release.framework.id, release.version.version) for release in found]
    assert names == [
        ("mxnet", "1.2.0"), ("mxnet", "1.9.1"),
        ("theano", "0.8.2"), ("theano", "0.9.0"), ("theano", "1.0.0"), ("theano", "1.0.5"),
    ]  # fmt: skip


def test_only_real_steps_are_called_one(made):
    speed = {step.new.version.version: step for step in made if step.measure.id == "speed"}
    assert speed["0.9.0"].verdict == "faster"
    assert speed["0.9.0"].ratio.value == pytest.approx(0.5, rel=0.1)
    assert not speed["1.0.0"].real
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
    assert "Theano 0.9.0, 2016" not in speed.alt
    assert "0.9.0, 2017" in speed.alt
    marks = {
        row["label"]: row["change"]
        for rows in speed.specs["wide"]["datasets"].values()
        for row in rows
    }
    assert marks == {
        "1.0.0": "none", "1.2.0": "none", "0.8.2": "none", "0.9.0": "faster", "1.0.5": "slower",
    }  # fmt: skip


def test_the_articles_time_is_the_newest_release_of_its_year_or_else_the_first(found, inputs):
    then = history._of_that_time(found, inputs)
    assert [(r.framework.id, r.version.version) for r in then] == [
        ("mxnet", "1.2.0"), ("theano", "0.8.2"),
    ]  # fmt: skip


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
