"""Contexts of pages: what they say of invented results is worked out again from the CSVs."""

import csv
import dataclasses
import functools
import math
import re
import statistics

import pytest

from generator.analysis import panels
from generator.analysis.claims import WORDS
from generator.formatting import listing, quantity
from generator.pages import (
    evidence_page,
    home_page,
    scoring,
    section_page,
    sweep_page,
)  # fmt: skip
from generator.pages.charts import style
from generator.pages.inputs import Picture
from generator.pages.sweep_page import Curve
from tests.sample_results import GRAPH, MANY, MODES, NAMES, PAIRED
from tests.unit.conftest import view_of

CPU, GPU = ("sample-machine", "cpu"), ("newer-machine", "cuda")


def rows_of(sampled, **wanted):
    """Return the rows of the CSVs with these values, without those of interrupted processes."""
    return [
        row
        for row in whole_rows(sampled.folder)
        if all(row[name] == value for name, value in wanted.items())
    ]


@functools.cache
def whole_rows(folder):
    found = []
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [row for row in csv.DictReader(file) if "partial" not in row["flags"]]
    return found


def value_of(rows):
    """Return the geometric mean over processes of each one's median."""
    blocks = {}
    for row in rows:
        blocks.setdefault((row["run"], row["block"]), []).append(float(row["value"]))
    return statistics.geometric_mean([statistics.median(values) for values in blocks.values()])


@pytest.fixture(scope="module")
def page(sampled):
    """Make a section's page; return its context and the charts that it drew."""

    def make(section, inputs=None):
        drawn = []

        def draw(chart):
            drawn.append(chart)
            return Picture(chart.alt, (), "data.csv", "chart.json")

        known = sampled.inputs.catalog.section(section)
        wanted = dataclasses.replace(inputs or sampled.inputs, draw=draw)
        context = section_page.context(known, wanted)
        return context, drawn

    return make


@pytest.fixture(scope="module")
def lenet(page):
    return page("lenet")


def modes(sampled):
    """Return the label of each configuration -> (framework, mode)."""
    return {
        f"{framework.name} ({mode.title})": (framework.id, mode.id)
        for framework in sampled.inputs.catalog.frameworks
        for mode in framework.modes
    }


LANES = {"One thread": "threads-1", "All cores": "threads-all"}


def longest_sentence(text):
    """Return the words of the longest sentence; a point within a name ends none."""
    return max(len(sentence.split()) for sentence in re.split(r"(?<=[.:])\s+(?=[A-Z])", text))


def records(table):
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, row, strict=True)) for row in table.rows]


# ------------------------------------------------------------------------------ a section's page


def of_processor(context):
    """Return the parts of the older machine: with all cores and with one thread."""
    return {part.tab: part for part in context["parts"] if part.tab.endswith(PROCESSOR)}


PROCESSOR = ", SYNTHETIC: every number of this machine is invented, 2 cores"


def block(part, name):
    """Return the first folded table whose label, or whose fold's heading, has a name in it."""
    tables = [(fold.heading, one) for fold in part.folds for one in fold.tables if one]
    return next(one for heading, one in tables if name in f"{heading}: {one.label}")


def test_tabs_begin_with_all_cores_of_the_newest_machine(lenet):
    first, second, *others = lenet[0]["parts"]
    assert (first.tab, first.anchor) == ("GPU, resident data", "newer-machine-cuda")
    assert second.tab == "GPU, copying from pageable memory"
    assert [part.tab for part in others] == ["All cores" + PROCESSOR, "One thread" + PROCESSOR]
    assert others[0].anchor == "sample-machine-cpu"
    assert others[1].anchor == "sample-machine-cpu-threads-1"
    assert "1 January 2026, 3 processes each." in others[0].blocks[0].caption


def test_what_the_documentation_recommends_has_tabs_of_its_own_behind_the_lanes(figures, inputs):
    section = inputs.catalog.section("lenet")
    place = inputs.measured("lenet")[0]
    panels = [p for p in figures[place].panels if p.section == section.id]
    tabs = section_page._tabs(reversed(panels)).values()
    assert [(p.lane, p.division) for p, *_ in tabs] == [
        ("threads-all", "closed"), ("threads-1", "closed"),
        ("threads-all", "idiomatic"), ("threads-1", "idiomatic"),
    ]  # fmt: skip


def test_a_chart_has_one_row_a_framework_with_its_best_mode_filled(sampled, lenet):
    known = modes(sampled)
    for chart, lane in zip(lenet[1][2:], ("threads-all", "threads-1"), strict=True):
        rates = {}
        for label, (framework, mode) in known.items():
            rows = rows_of(
                sampled, framework=framework, mode=mode, lane=lane, section="lenet",
                metric="step_time", case="", device="cpu", status="ok",
            )  # fmt: skip
            if rows:
                rates.setdefault(framework, {})[label] = 64 / value_of(rows)
        wrong = {row.configuration.label for panel in sampled.figures[CPU].panels
                 for row in panel.rows if (panel.section, panel.lane) == ("lenet", lane)
                 and row.status == "wrong"}  # fmt: skip
        filled = [row for row in chart.rows if row["label"] in NAMES.values()]
        assert len({row["label"] for row in filled}) == len(filled) == len(MODES)
        drawn = [row["estimate"] for row in filled if row["estimate"]]
        assert drawn == sorted(drawn, reverse=True)
        for row in filled:
            (framework,) = [id for id, name in NAMES.items() if name == row["label"]]
            mine = {k: rate for k, rate in rates.get(framework, {}).items() if k not in wrong}
            if row["fault"]:
                assert not mine
                continue
            assert row["estimate"] == pytest.approx(max(mine.values()), rel=1e-4)
            small = {r["label"]: r["estimate"] for r in chart.rows if r["label"] in mine}
            assert len(small) == len(mine) - 1
            assert all(small[label] == pytest.approx(mine[label], rel=1e-4) for label in small)
            assert max(mine.values()) > max(small.values(), default=0)


def test_the_leading_group_of_a_chart_is_that_of_its_panel(sampled, lenet):
    panels_ = sampled.figures[CPU].find("lenet", "step_time")
    for chart, lane in zip(lenet[1][2:], ("threads-all", "threads-1"), strict=True):
        (panel,) = [panel for panel in panels_ if panel.lane == lane]
        lead = {row["label"] for row in chart.rows if row["lead"]}
        assert lead == {row.configuration.framework_name for row in panel.best if row.group == 0}


def test_each_rate_is_that_of_its_rows(sampled, lenet):
    known = modes(sampled)
    seen = 0
    for tab, part in of_processor(lenet[0]).items():
        lane = LANES[tab.removesuffix(PROCESSOR)]
        for record in records(block(part, "All figures")):
            rate = record["Images per second, 95 % interval"]
            if rate.sort is None:
                continue
            framework, mode = known[record["Configuration"].text]
            rows = rows_of(
                sampled, framework=framework, mode=mode, lane=lane, section="lenet",
                metric="step_time", case="", device="cpu", status="ok",
            )  # fmt: skip
            assert rate.sort == pytest.approx(64 / value_of(rows), rel=1e-4)
            assert record["Per step"].sort == pytest.approx(value_of(rows), rel=1e-4)
            assert rate.href == f"evidence/lenet-{framework}.md#sample-machine--{mode}--cpu--{lane}"
            assert record["Processes × samples"].text == f"3 × {len(rows) // 3}"
            seen += 1
    assert seen == 7 * 2 - 2, "every mode on both lanes, but for one wrong and one failed"


def test_each_row_says_how_it_stands_against_the_leader(sampled, lenet):
    for panel in sampled.figures[CPU].find("lenet", "step_time"):
        title = next(title for title, lane in LANES.items() if lane == panel.lane)
        table = block(of_processor(lenet[0])[title + PROCESSOR], "All figures")
        mine = {record["Configuration"].text: record for record in records(table)}
        for row in panel.good:
            record = mine[row.configuration.label]
            assert record["Configuration"].strong == (row.group == 0)
            verdict, detectable = record["Against the leader"], record["Detectable"]
            if row is panel.leaders[0]:
                level = len(panel.leaders) - 1
                assert verdict.badge.word == ("best estimate" if level else "leads")
                assert verdict.detail == (f"{level} not distinguishable from it" if level else "")
                assert detectable.text == "–"
            else:
                assert (verdict.badge.word if verdict.badge else "slower") == row.verdict
                assert f"{row.against.low:.2f} to {row.against.high:.2f}" in verdict.detail
                assert detectable.sort == pytest.approx(row.detectable, abs=1e-4)


def test_what_fails_verification_has_no_time_and_says_so(sampled, lenet):
    seen = set()
    for part in of_processor(lenet[0]).values():
        table = records(block(part, "All figures"))
        wrong = [r for r in table if (b := r["Against the leader"].badge)
                 and b.word == "wrong results"]  # fmt: skip
        for record in wrong:
            name = record["Configuration"].text
            assert record["Images per second, 95 % interval"].text == record["Per step"].text == "–"
            (said,) = [bullet for bullet in part.bullets if "wrong results" in bullet.text]
            assert name in said.text
            (fold,) = [fold for fold in part.folds if f"#{fold.anchor}" == said.address]
            assert fold.heading == f"What did not work ({len(fold.tables[0].rows)})"
            assert name in {r[0].text for r in fold.tables[0].rows
                            if r[1].badge.word == "wrong results"}  # fmt: skip
            seen.add(name)
    assert seen


@pytest.mark.parametrize("section", ["lenet", "memory", "compile", "highlevel", "r"])
def test_a_part_has_three_bullets_at_most_and_folds_the_rest(page, section):
    for part in page(section)[0]["parts"]:
        assert len(part.bullets) <= 3
        assert len(part.blocks) == 1
        anchors = [fold.anchor for fold in part.folds]
        assert len(set(anchors)) == len(anchors)
        for text in (part.answer, *(bullet.text for bullet in part.bullets)):
            assert longest_sentence(text) <= 30
        assert part.answer.startswith(part.lead)


def test_other_figures_leave_out_what_only_evidence_shows(sampled, lenet):
    for tab, part in of_processor(lenet[0]).items():
        table = block(part, "other figures")
        titles = {column.title for column in table.columns}
        assert "CPU time of a training step" in titles
        assert not titles & {"Verification", "Gate", "Lines of code"}
        (record,) = [
            r for r in records(table)
            if r["Configuration"].text == f"{NAMES[GRAPH]} (Compiled function)"
        ]  # fmt: skip
        rows = rows_of(
            sampled, framework=GRAPH, section="lenet", metric="evaluation_time",
            lane=LANES[tab.removesuffix(PROCESSOR)], status="ok",
        )  # fmt: skip
        assert record["Evaluation of 1,000 images"].sort == pytest.approx(value_of(rows), rel=1e-4)


def test_a_gap_among_other_figures_says_what_it_is(page):
    gaps = {
        record["Configuration"].text.partition(" (")[0]: cell.badge.word
        for part in of_processor(page("memory")[0]).values()
        for record in records(block(part, "other figures"))
        for cell in record.values()
        if cell.badge
    }
    assert gaps == {NAMES[MANY]: "not supported"}


def test_the_open_mark_is_the_start_with_warm_caches(sampled, page):
    context, charts = page("compile")
    known = modes(sampled)
    seen = 0
    for chart, part in zip(charts, context["parts"], strict=True):
        if not part.tab.endswith(PROCESSOR):
            continue
        for row in chart.rows:
            if row["estimate"] is None:
                continue
            framework, mode = known[f"{row['label']} ({row['note']})"]
            wanted = {"framework": framework, "mode": mode, "status": "ok", "device": "cpu"}
            wanted |= {"section": "compile", "metric": "ready_time"}
            wanted["lane"] = LANES[part.tab.removesuffix(PROCESSOR)]
            for mark, case in (("estimate", "cold"), ("start", "warm")):
                rows = rows_of(sampled, **wanted, case=case)
                assert row[mark] == pytest.approx(value_of(rows), rel=1e-6)
            seen += 1
        assert "Filled: cold caches, open: warm." in part.blocks[0].caption
        assert block(part, f"All figures, {part.tab}, warm").rows
    assert seen >= 4


def test_memory_has_the_absolute_peak_beside_what_is_ranked(page):
    for part in of_processor(page("memory")[0]).values():
        table = block(part, "All figures")
        titles = [column.title for column in table.columns]
        above, peak = (
            titles.index("Peak above import, 95 % interval"),
            titles.index("Absolute peak"),
        )
        for row in table.rows:
            if row[peak].sort is not None:
                assert row[peak].sort > row[above].sort
                assert row[peak].href.endswith("--peak-rss")
        others = [column.title for column in block(part, "other figures").columns]
        assert "Resident memory after import" in others
        assert "Peak resident memory while training" not in others


def test_a_page_without_results_says_how_to_get_some(sampled, page):
    empty = dataclasses.replace(sampled.inputs, shown=sampled.inputs.shown.iloc[:0])
    context, drawn = page("lenet", empty)
    assert (context["parts"], drawn) == ([], [])
    assert context["command"] == "generator measure --section lenet"
    assert {claim.today.word for claim in context["claims"]} == {"cannot be tested here"}


# --------------------------------------------------------------------------------- the first page


def board_of(sampled):
    """Return the scoreboard of the processor: framework -> its row by the titles of its columns."""
    figures = sampled.figures[CPU]
    board = home_page.scoreboard(sampled.inputs, scoring.scores(sampled.inputs, figures), figures)
    units = {column.title: column.unit for column in board.columns}
    return {row["Framework"].text: row for row in records(board)}, units


@pytest.mark.parametrize(
    ("title", "section", "metric", "case"),
    [
        ("Training speed", "lenet", "step_time", ""),
        ("Little memory", "memory", "peak_above_import", ""),
        ("Fast start-up", "compile", "ready_time", "cold"),
    ],
)
def test_the_scoreboard_has_each_framework_in_its_best_mode(sampled, title, section, metric, case):
    found, units = board_of(sampled)
    (panel,) = [
        panel
        for panel in sampled.figures[CPU].find(section, metric)
        if (panel.lane, panel.case) == ("threads-all", case)
    ]
    modes = {}
    for row in panel.ranked:
        modes.setdefault(row.configuration.framework_name, []).append(row.summary.value)
    leaders = {row.configuration.framework_name for row in panel.leaders}
    assert leaders
    best = {name: min(values) for name, values in modes.items()}
    assert set(best) == set(found)
    for name, value in best.items():
        cell = found[name][title]
        unit = "B" if metric == "peak_above_import" else "s"
        shown = f"{64 / value:,.0f} images/s" if section == "lenet" else quantity(value, unit)
        # A unit that all share is said once, in the heading.
        text = f"{cell.text} {units[title]}".strip()
        assert (text, cell.href) == (shown, f"{section}.md")
        assert cell.hint in {row.configuration.mode_title for row in panel.ranked}
        assert cell.strong == (name in leaders)
        share = min(best.values()) / value
        assert cell.sort == pytest.approx(1 - share, abs=1e-4), "the best come first"
        assert cell.bar == max(3, round(100 + 100 * math.log10(share)))


def test_the_scoreboard_counts_answers_and_leaves_words_where_nothing_is_known(sampled):
    sheets = dict(sampled.figures[CPU].answers["control"])
    asked = [place for place in sheets[GRAPH] if place[0] and place[1] in ("captured", "gradient")]
    good = [place for place in asked if sheets[GRAPH][place].good]
    missed = dataclasses.replace(sheets[GRAPH][good[0]], status="wrong")
    sheets[GRAPH] = {**sheets[GRAPH], good[0]: missed}
    figures = dataclasses.replace(sampled.figures[CPU], panels=(), answers={"control": sheets})
    given = scoring.scores(sampled.inputs, figures)
    for row in records(home_page.scoreboard(sampled.inputs, given, figures)):
        fewer = row["Framework"].text == NAMES[GRAPH]
        cell, empty = row["Control flow"], row["Training speed"]
        assert cell.text == f"{len(good) - fewer}"
        assert cell.bar == round(100 * (len(good) - fewer) / len(asked))
        assert cell.strong != fewer, "the equal of the best lead"
        assert (empty.text, empty.bar, empty.sort) == ("not measured", None, None)
        assert not empty.strong


def test_who_fails_has_words_without_a_bar_and_comes_last(sampled):
    given = scoring.scores(sampled.inputs, sampled.figures[CPU])
    wrong = scoring.Score(0.0, 0.0, 0.0, "wrong results")
    given = {**given, GRAPH: {m: {**mine, "speed": wrong} for m, mine in given[GRAPH].items()}}
    *_, last = records(home_page.scoreboard(sampled.inputs, given, sampled.figures[CPU]))
    assert last["Framework"].text == NAMES[GRAPH]
    cell = last["Training speed"]
    assert (cell.text, cell.bar, cell.sort, cell.strong) == ("wrong results", None, 1, False)


def test_a_mode_that_is_not_ranked_stands_for_nobody_who_has_another(sampled):
    given = scoring.scores(sampled.inputs, sampled.figures[CPU])
    first, *_ = given[PAIRED]
    once = scoring.Score(1.0, 0.0, 1.0, "9 images/s, one process", known=False)
    modes = {**given[PAIRED], first: {**given[PAIRED][first], "speed": once}}
    given = {**given, PAIRED: modes}
    rows = records(home_page.scoreboard(sampled.inputs, given, sampled.figures[CPU]))
    (row,) = [row for row in rows if row["Framework"].text == NAMES[PAIRED]]
    assert row["Training speed"].bar is not None
    assert "one process" not in row["Training speed"].text


def test_the_first_page_says_what_is_new_and_what_became_of_the_claims(sampled):
    context = home_page.home_context(sampled.inputs)
    first, second = context["news"]
    assert f"{NAMES[PAIRED]} 1.9.1, measured on the GPU of" in first
    names = sorted((f"{NAMES[PAIRED]} 1.9.1", f"{NAMES[MANY]} 2.21.0", f"{NAMES[GRAPH]} 1.0.5"))
    assert f"{listing(names)}, measured on the CPU of" in second
    stated = sum(claim.kind == "stated" for claim in sampled.inputs.book.claims)
    assert context["said"][0].startswith(f"Of {stated} claims that the article states, ")


def test_who_was_not_measured_comes_last_even_after_one_process_each(sampled):
    given = scoring.scores(sampled.inputs, sampled.figures[CPU])

    def speed(id, score):
        return {id: {mode: {**mine, "speed": score} for mode, mine in given[id].items()}}

    unmeasured, *others = given
    given |= speed(unmeasured, scoring._unknown(scoring.UNTESTED))
    for id in others:
        given |= speed(id, scoring._unknown("9 images/s, one process", "", 0.1))
    *_, last = records(home_page.scoreboard(sampled.inputs, given, sampled.figures[CPU]))
    assert last["Training speed"].text == scoring.UNTESTED


def test_every_machine_and_device_has_its_scoreboard_the_newest_first(sampled):
    newest, other = home_page.home_context(sampled.inputs)["boards"]
    assert [len(board["table"].rows) for board in (newest, other)] == [1, 3]
    assert newest["tab"] != other["tab"]


def test_each_claim_is_a_mark_by_verdict_that_leads_to_its_box(sampled):
    marks = home_page.home_context(sampled.inputs)["marks"]
    ids = {f"claim-{claim.id}" for claim in sampled.inputs.book.claims}
    assert {mark.anchor for mark in marks} == ids
    assert len(marks) == len(ids)
    order = [(m.about.kind, WORDS.index(m.today.word)) for m in marks]
    assert order == sorted(order, key=lambda one: (one[0] != "stated", one[1]))


def test_cards_show_a_fault_once_and_training_steps_first(inputs):
    """The committed results have a fault that two frameworks share, and several of another."""
    cards = home_page._cards(inputs)
    assert len(cards) == 3
    frameworks = {framework.id: framework for framework in inputs.catalog.frameworks}
    pages = [card["evidence"].split("#")[0].removeprefix("report/evidence/") for card in cards]
    sections, ids = zip(*(page.removesuffix(".md").split("-") for page in pages), strict=True)
    assert len(set(ids)) == 3
    places = [home_page._WORST.index(section) for section in sections]
    assert places == sorted(places)
    sources = [card["source"] for card in cards if card["source"]]
    assert len(sources) == len(set(sources))
    declared = {mode.fault.source for id in ids for mode in frameworks[id].modes if mode.fault}
    assert set(sources) <= declared
    wrong = inputs.shown[inputs.shown["status"] == "wrong"]
    for section, id, card in zip(sections, ids, cards, strict=True):
        rows = wrong[(wrong["section"] == section) & (wrong["framework"] == id)]
        assert card["title"] == f"{frameworks[id].name} {rows['version'].iloc[0]}"
        assert card["text"].endswith(".")


def test_a_card_may_be_of_a_release_that_is_listed_nowhere(inputs):
    shown = inputs.shown.assign(version="0.0.1")
    cards = home_page._cards(dataclasses.replace(inputs, shown=shown))
    assert cards
    assert all(card["title"].endswith(" 0.0.1") for card in cards)


def test_the_first_page_without_results(sampled):
    empty = dataclasses.replace(sampled.inputs, shown=sampled.inputs.shown.iloc[:0])
    context = home_page.home_context(empty)
    assert (context["boards"], context["cards"], context["news"]) == ([], [], [])


# --------------------------------------------------------------------------------- evidence pages


@pytest.fixture(scope="module")
def evidence(sampled):
    drawn = []

    def draw(chart):
        drawn.append(chart)
        return Picture(chart.alt, (), "data.csv", "chart.json")

    section = sampled.inputs.catalog.section("lenet")
    context = evidence_page.context(section, PAIRED, dataclasses.replace(sampled.inputs, draw=draw))
    return context, drawn


def test_runs_come_newest_first_with_each_mode_and_lane(evidence):
    newer, older = evidence[0]["runs"]
    assert newer["anchor"].startswith("run--newer-machine--1-9-1--20260101t01")
    assert older["csv"].startswith(f"../data/sample-machine/{PAIRED}/1.9.1/20260101T00")
    assert len(newer["configurations"]) == len(older["configurations"]) == 3 * 2
    facts = {row[0].text: row[1].text for row in newer["provenance"].rows}
    assert facts["Graphics"] == "SYNTHETIC GPU, 8 GiB, driver 0"
    assert "Graphics" not in {row[0].text for row in older["provenance"].rows}


def test_every_link_of_the_section_page_ends_on_an_anchor(evidence, lenet):
    anchors = set()
    for run in evidence[0]["runs"]:
        for item in run["configurations"]:
            anchors.add(item["anchor"])
            anchors |= {row[0].anchor for row in item["figures"].rows} if item["figures"] else set()
    links = {
        cell.href.partition("#")[2]
        for part in lenet[0]["parts"]
        for fold in part.folds
        for table in filter(None, fold.tables)
        for row in table.rows
        for cell in row
        if cell.href.startswith(f"evidence/lenet-{PAIRED}.md#")
    }
    assert len(links) > 20
    assert links <= anchors


def test_what_failed_shows_its_status_reason_and_log(evidence):
    failed = [
        item
        for run in evidence[0]["runs"]
        for item in run["configurations"]
        if item["status"] is not None
    ]
    assert failed
    for item in failed:
        assert item["status"].word == "failed"
        assert "ended by signal 11" in item["reason"]
        (log,) = item["logs"]
        assert log["text"].endswith("Segmentation fault")
        assert log["address"].endswith(".log.txt")


def test_every_sample_is_drawn_and_disturbed_ones_are_marked(sampled, evidence):
    name = f"samples-lenet-{PAIRED}-hybrid-cpu-threads-1"
    chart = next(chart for chart in evidence[1] if chart.name == name)
    rows = rows_of(
        sampled, framework=PAIRED, mode="hybrid", device="cpu", lane="threads-1", case="",
        section="lenet", metric="step_time", status="ok",
    )  # fmt: skip
    drawn = sorted(row["value"] for row in chart.rows)
    assert drawn == pytest.approx(sorted(1e3 * float(row["value"]) for row in rows))
    marked = {int(row["block"]) for row in rows if "disturbed" in row["flags"]}
    assert {row["block"] for row in chart.rows if row["disturbed"]} == marked == {2}


def test_verification_shows_the_worst_process():
    jobs = [
        {"facts": {"gate": [["loss", 1e-7, 1e-5, True], ["logits", 2e-6, 1e-5, True]]}},
        {"facts": {"gate": [["loss", 3e-4, 1e-5, False], ["logits", 1e-6, 1e-5, True]]}},
        {},
    ]
    table, title = evidence_page._verification(jobs)
    assert title == "Verification: 1 of 2 quantities agree with the float64 reference"
    assert [(row[0].text, row[1].sort, row[3].badge.word) for row in table.rows] == [
        ("loss", 3e-4, "differs"), ("logits", 2e-6, "agrees"),
    ]  # fmt: skip
    assert evidence_page._verification([{}]) == (None, "")


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({}, ""),
        ({"throttled": None}, ""),
        ({"throttled": []}, ""),
        ({"throttled": ["power cap"]}, "the GPU was throttled: power cap"),
        (
            {"throttled": [], "throttled_before": ["power cap", "power brake"]},
            "repeated, since the GPU was throttled: power cap, power brake",
        ),
    ],
)
def test_the_evidence_says_where_a_gpu_was_throttled(job, said):
    base = {"block": 0, "status": "ok", "start": "warm"}
    shown = evidence_page._jobs_table([base | job])
    (status,) = [cell for cell in shown.rows[0] if cell.badge]
    assert status.detail == said


def test_a_log_is_shown_from_its_end_and_once_a_kind(sampled):
    key = next(iter(sampled.inputs.documents))
    long = dataclasses.replace(
        sampled.inputs, log=lambda _, path: "\n".join(f"{path} {n}" for n in range(70))
    )
    jobs = [
        {"status": status, "block": block, "log": f"{block} {status}.log"}
        for block, status in enumerate(("failed", "failed", "timeout"))
    ]
    first, second = evidence_page._logs(jobs, key, long)
    lines = first["text"].splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("[… 10 lines before …]", "0 failed.log 69", 61)
    assert first["address"].endswith("/0-failed.log.txt")
    assert second["title"] == "block 3 (timed out)"


# ------------------------------------------------------------------------------------------ sweeps


def test_a_curve_has_a_place_for_every_case_that_gave_a_time(sampled):
    found = sweep_page.curves(
        "batch", view_of("versus", sampled.inputs.catalog, sampled.figures[CPU])
    )
    known = {curve.configuration.mode: curve for curve in found}
    assert set(known) == {"compiled", "module", "hybrid", "eager", "function", "xla"}
    assert list(known["hybrid"].steps) == [1, 8, 64, 256, 1024]
    assert list(known["compiled"].steps) == [1, 8, 64, 256], "the last case was skipped"
    rows = rows_of(
        sampled, framework=PAIRED, mode="hybrid", device="cpu", section="versus",
        metric="step_time", case="batch 64", status="ok",
    )  # fmt: skip
    assert known["hybrid"].steps[64][0] == pytest.approx(value_of(rows))


def test_a_rate_turns_the_interval_around():
    one = panels.Configuration("a", "1", "graph", "A", "as a graph", "symbolic")
    curve = Curve(one, {64: (0.032, 0.02, 0.04), 8: (0.01, math.nan, math.nan)}, {})
    large, small = sweep_page.points_of([curve], lambda curve: curve.steps, None)
    assert (large.y, large.low, large.high) == pytest.approx((2000, 1600, 3200))
    assert style.known(small.low, small.high) == []
    assert small.text == "800 images/s"
    (point, _) = sweep_page.points_of([curve], lambda curve: curve.steps, 1e3)
    assert (point.y, point.low, point.high, point.text) == (32, 20, 40, "32.0 ms")


def test_what_one_more_on_the_axis_costs():
    values = {2: (1.0, 0.9, 1.1), 8: (2.0, 1.0, 3.0), 32: (7.0, 6.0, 8.0)}
    assert sweep_page.slope(values) == pytest.approx(0.2)
    assert sweep_page.slope({2: (1.0, 0.9, 1.1)}) is None
    cell = sweep_page.curve_cell(values, 8)
    assert (cell.text, cell.sort, cell.detail) == ("2.00 s", 2.0, "1.00 to 3.00 s")
    assert sweep_page.curve_cell(values, 4).detail == "not reached"
