"""What pages show, computed a second time from the CSVs by code that shares nothing with them.

Where the two disagree, one of them is wrong.
"""

import ast
import math
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.independent import comparison, pairs, panels
from tests.independent.claims import verdicts
from tests.independent.pages import (
    agrees,
    figure,
    has_interval,
    has_number,
    has_value,
    has_verdict,
    linked,
    slug,
    sorts,
    table,
    tables,
)
from tests.independent.panels import HEADLINES, newest_first
from tests.independent.rows import CLAIMS, FRAMEWORKS, MEASUREMENTS
from tests.unit.conftest import TODAY, pages_of

pytestmark = pytest.mark.whole

STATUSES = {
    "wrong": "wrong results", "failed": "failed", "timeout": "timed out",
    "unsupported": "not supported", "skipped": "not measured",
}  # fmt: skip
LANES = {
    "threads-1": "One thread", "threads-all": "All cores", "resident": "Resident data",
    "copy-pinned": "Copying from pinned memory",
    "copy-unpinned": "Copying from pageable memory",
    "tf32": "Resident data in TF32", "bfloat16": "Resident data in bfloat16",
}  # fmt: skip


@pytest.fixture(scope="module", params=["committed", "one machine", "two machines"])
def site(request, inputs, sample, sample_root, sampled):
    """Return (results, pages): of what is committed, and of two invented trees."""
    results, made = {
        "committed": (MEASUREMENTS / "results", inputs),
        "one machine": (sample_root, sample[0]),
        "two machines": (sampled.folder, sampled.inputs),
    }[request.param]
    names = *HEADLINES, "versus", "depth", "methodology", "then_and_now", "compare"
    return results, pages_of(made, *names)


@pytest.fixture(scope="module")
def pages(site):
    return site[1]


@pytest.fixture(scope="module")
def times(site):
    """Return the places of today, and of the article's time."""
    return panels.places(site[0])


@pytest.fixture(scope="module")
def places(times):
    return times[0]


def test_the_second_computation_imports_nothing_of_the_first():
    for path in Path(panels.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", ())]
            imported = [getattr(node, "module", "") or "", *names]
            assert not any(re.match("generator|measurements", name) for name in imported)


@pytest.fixture(scope="module")
def measured(places):
    return linked(places)


def all_panels(places, section, division=""):
    found = [panel for place in places.values() for panel in place.panels(section)]
    return [panel for panel in found if division in ("", panel.division)]


# ------------------------------------------------------------------------------ sections that rank


@pytest.mark.parametrize("section", HEADLINES)
def test_headlines_groups_and_verdicts(places, measured, pages, section):
    shown, faults = defaultdict(list), defaultdict(set)
    for label, rows in tables(pages[section]):
        if not label.startswith("All figures, "):
            continue
        case = label.rpartition(", ")[2] if section == "compile" else ""
        for row in rows:
            value = next(cell for title, cell in row.items() if title.endswith("95 % interval"))
            if value.text == "–":
                happened = row["Against the leader"].badge
                faults[value.link.partition("#")[0]].add((value.link, happened))
                continue
            found = figure(measured, value, HEADLINES[section], case)
            assert LANES.get(found.cell.lane, found.cell.lane).lower() in label.lower()
            assert row["Configuration"].text.startswith(FRAMEWORKS[found.cell.framework]["name"])
            assert row["Configuration"].detail.split(",")[0] == found.cell.version
            shown[found.place].append((found.cell, value, row))
    for place in places.values():
        for panel in place.panels(section):
            mine = {cell: (value, row) for cell, value, row in shown[place] if cell in panel.group}
            assert list(mine) == list(panel.group), "best first, one process last"
            for cell, (value, row) in mine.items():
                ranked_row(panel, cell, value, row)
        assert sum(len(panel.group) for panel in place.panels(section)) == len(shown[place])
    assert faults == faults_of(places, section)


def faults_of(places, section):
    """Return page of evidence -> (link, what happened) of everything without a value."""
    found = defaultdict(set)
    for (machine, device), place in places.items():
        for panel in place.panels(section):
            for cell, status in panel.bad.items():
                page = f"evidence/{section}-{cell.framework}.md"
                anchor = "--".join(slug(id) for id in (machine, cell.mode, device, cell.lane))
                found[page].add((f"{page}#{anchor}", STATUSES[status]))
    return found


def ranked_row(panel, cell, value, row):
    metric = HEADLINES[panel.section]
    own = panel.place.value(panel.section, metric, cell)
    if metric == "step_time":
        agrees(row["Per step"].text, own.value)
        sorts(row["Per step"], own.value)
        own = type(own)(*(panel.place.batch / x for x in (own.value, own.high, own.low)))
    has_value(value, own)
    if panel.section == "memory":
        has_value(row["Absolute peak"], panel.place.value("memory", "peak_rss", cell))
    samples = panel.place.cells(panel.section, metric)[cell]
    processes = samples.index.nunique()
    assert row["Processes × samples"].text == f"{processes} × {len(samples) // processes}"
    assert row["Configuration"].strong == (panel.group[cell] == 0)
    against, detectable = row["Against the leader"], row["Detectable"]
    if panel.group[cell] < 0:
        assert (against.badge, against.text, against.detail) == ("not ranked (one process)", "", "")
        return
    if cell == panel.leaders[0]:
        tied = len(panel.leaders) - 1
        assert against.badge == ("best estimate" if tied else "leads")
        agrees(against.detail, *[tied] * bool(tied))
        return
    ratio, verdict = panel.judge(cell, panel.leaders[0])
    assert against.badge == {"slower": ""}.get(verdict, verdict)
    said = f"{against.text} {against.detail}"
    agrees(said.partition("×")[0], ratio.value)
    has_interval(said, ratio)
    assert ("another run" in said) == ratio.across
    sorts(against, ratio.value)
    agrees(detectable.text, ratio.detectable(panel.noise))
    sorts(detectable, ratio.detectable(panel.noise))


@pytest.mark.parametrize("section", HEADLINES)
def test_other_figures_of_a_section(measured, pages, section):
    whole = {"Installation": "install_time", "Installed size": "install_size"}
    shown, said = defaultdict(set), set()
    for row in table(pages[section], ", other figures$"):
        name, *_ = row.values()
        for title, cell in row.items():
            if cell.link:
                found = measured[cell.link]
                has_value(cell, found.own)
                assert found.cell.version == name.detail.split(",")[0]
                shown[title].add(cell.link)
            elif title in whole and cell.text != "–":
                wanted = whole[title], "", name.text
                found = [
                    one.own for one in measured.values()
                    if (one.metric, one.cell.mode, FRAMEWORKS[one.cell.framework]["name"]) == wanted
                ]  # fmt: skip
                has_value(cell, min(found, key=lambda own: abs(own.value - float(cell.sort))))
                said.add(title)
    for links in shown.values():
        metrics = {measured[link].metric for link in links}
        assert len(metrics) == 1
        assert links == {
            link for link, one in measured.items()
            if one.section == section and one.metric in metrics and one.cell.mode
            and not one.cell.again
        }  # fmt: skip
    assert shown or section == "r"
    assert said == (set(whole) if section == "compile" else set())


# --------------------------------------------------------------- one program executed in both modes


def contrasts(places, section):
    """Return (framework, version, mode, lane, case) -> (panel, graph, eager)."""
    return {
        graph: (panel, graph, eager)
        for panel in all_panels(places, section, "closed")
        for graph, eager in panel.contrasts
    }


def test_graphs_against_eager_execution(places, measured, pages):
    speed, memory = contrasts(places, "lenet"), contrasts(places, "memory")
    shown = []
    for row in table(pages["versus"], "^The same program"):
        step, bytes_ = row["Step as a graph"], row["Memory as a graph"]
        graph = figure(measured, step, HEADLINES["lenet"]).cell
        shown.append(graph)
        panel, _, eager = speed[graph]
        ratio, verdict = panel.judge(graph, eager)
        has_verdict(row["Speed, graph / eager"], ratio.inverse(), verdict)
        both(panel, step, graph, eager)
        assert (graph in memory) == (bytes_.text != "–")
        if graph in memory:
            panel, _, eager = memory[graph]
            has_verdict(row["Memory, graph / eager"], *panel.judge(graph, eager), ("less", "more"))
            both(panel, bytes_, graph, eager)
    assert shown
    assert sorted(shown) == sorted(speed)


def both(panel, cell, graph, eager):
    """Assert that a cell shows the value as a graph, and that in eager mode behind it."""
    one, other = (
        panel.place.value(panel.section, HEADLINES[panel.section], which).value
        for which in (graph, eager)
    )
    agrees(cell.text, one)
    sorts(cell, one)
    agrees(cell.detail, other)


def test_when_a_graph_has_paid_for_itself(places, measured, pages):
    steps, starts = contrasts(places, "lenet"), contrasts(places, "compile")
    shown = []
    for row in table(pages["versus"], "^Break-even"):
        start = figure(
            measured, row["Start-up longer by"], HEADLINES["compile"], row["Caches"].text
        ).cell
        shown.append(start)
        pair = (starts[start], steps[start._replace(case="")])
        ratios, verdicts = zip(*(panel.judge(*cells) for panel, *cells in pair), strict=True)
        eager = [
            panel.place.value(panel.section, HEADLINES[panel.section], other).value
            for panel, _, other in pair
        ]
        cells = row["Start-up longer by"], row["Each step differs by"]
        for cell, ratio, seconds in zip(cells, ratios, eager, strict=True):
            agrees(cell.text, seconds * (ratio.value - 1))
            sorts(cell, seconds * (ratio.value - 1))
            agrees(cell.detail.partition(" ")[0], ratio.value)
            has_interval(cell.detail, ratio)
        paid_for(row["Paid for after"], ratios, verdicts, eager)
    assert shown
    assert sorted(shown) == sorted(cell for cell in starts if cell._replace(case="") in steps)


def paid_for(cell, ratios, verdicts, eager):
    start, step = verdicts
    if step != "faster":
        why = {"slower": "each step is slower", "equivalent": "steps are equivalent"}
        assert cell.text.endswith(why.get(step, "step time not resolved"))
    elif start != "slower":
        assert cell.text.endswith(
            "start-up not resolved" if start == "not resolved" else "start-up is not longer"
        )
    else:
        later, sooner = (
            [abs(seconds * (end - 1)) for end in ratio[:3]]
            for ratio, seconds in zip(ratios, eager, strict=True)
        )
        value, low, high = (a / b for a, b in zip(later, sooner, strict=True))
        agrees(cell.text, math.ceil(value))
        sorts(cell, value)
        agrees(cell.detail.partition(";")[0], math.ceil(low), math.ceil(high))


def test_class_against_class(places, measured, pages):
    shown = []
    for row in table(pages["versus"], "^Class against class"):
        cells = row["Best graph"], row["Best eager"]
        section = re.match("evidence/(.*?)-", cells[0].link)[1]
        words = {"lenet": ("faster", "slower"), "memory": ("less", "more")}[section]
        graph, eager = (figure(measured, cell, HEADLINES[section]).cell for cell in cells)
        panel = next(one for one in all_panels(places, section, "closed") if graph in one.group)
        for cell, kind, best in zip(cells, ("symbolic", "imperative"), (graph, eager), strict=True):
            assert best == next(one for one in panel.ranked if one.about["kind"] == kind)
            agrees(cell.text, panel.place.value(section, HEADLINES[section], best).value)
        has_verdict(row["Graph / eager"], *panel.judge(graph, eager), words)
        shown.append(panel)
    both = {"symbolic", "imperative"}
    assert set(shown) == {
        panel
        for section in ("lenet", "memory")
        for panel in all_panels(places, section, "closed")
        if {cell.about["kind"] for cell in panel.ranked} == both
    }


# ------------------------------------------------------------------------------------------- sweeps


def swept(measured, cell, axis, metric):
    """Return place on the axis -> figure of one configuration."""
    start = f"{cell.link}--{slug(metric)}--{axis}-"
    return {int(link.removeprefix(start)): one.own
            for link, one in measured.items() if link.startswith(start)}  # fmt: skip


def test_steps_by_batch_size(measured, pages):
    rows = table(pages["versus"], "^Steps by batch size")
    for row in rows:
        steps = swept(measured, row["Configuration"], "batch", "step_time")
        has_value(row["Step of 1 image"], steps.get(1))
        has_value(row["1,024 images"], steps.get(1024))
        first = each = share = None
        if {1, 64} <= steps.keys() and max(steps) > 64:
            a, b = sorted(steps)[-2:]
            each = (steps[b].value - steps[a].value) / (b - a)
            first = max(0, steps[1].value - each)
            share = first / steps[64].value
        has_number(row["Before the first image"], first)
        has_number(row["Each further image"], each)
        has_number(row["Dispatch at 64 images"], share)
    shown(rows, measured, "versus")


def test_times_by_depth(measured, pages):
    rows = table(pages["depth"], "^Ready and steps by depth")
    for row in rows:
        for word, metric, depths in (
            ("Ready", "ready_time", (2, 8, 32)), ("Step", "step_time", (2, 32))
        ):  # fmt: skip
            values = swept(measured, row["Configuration"], "depth", metric)
            for depth in depths:
                has_value(row[f"{word}, {depth} convolutions"], values.get(depth))
            ends = min(values, default=0), max(values, default=0)
            slope = None
            if len(values) > 1:
                slope = (values[ends[1]].value - values[ends[0]].value) / (ends[1] - ends[0])
            has_number(row[f"{word}, each further one"], slope)
    shown(rows, measured, "depth")


def shown(rows, measured, section):
    """Assert that each configuration of a section has a row."""
    links = {row["Configuration"].link for row in rows}
    assert len(links) == len(rows) > 0
    found = {
        link.partition(f"--{slug(one.metric)}")[0]
        for link, one in measured.items()
        if one.section == section and one.metric == "step_time"
    }
    assert links == found


# ------------------------------------------------------------------------------------------- R


def driven_from_r(place):
    """Return (place, ratio, verdict, cell, (section, metric) in Python), the least ratio first."""
    within, lenet = place.cells("r", "python_step_time"), place.cells("lenet", "step_time")
    pairs = {
        cell: ("r", "python_step_time") if cell in within else ("lenet", "step_time")
        for cell in place.cells("r", "step_time")
        if not cell.again and (cell in within or cell in lenet)
    }
    expected = []
    for lane in {cell.lane for cell in pairs}:
        mine = {cell: python for cell, python in pairs.items() if cell.lane == lane}
        logs = {
            (*metric, cell): panels.logarithms(place.cells(*metric)[cell])
            for cell, python in mine.items()
            for metric in (("r", "step_time"), python)
        }
        model = comparison.Together(logs, place.spread("step_time"))
        for cell, python in mine.items():
            ratio = model.ratio(("r", "step_time", cell), (*python, cell))
            looked = [("r", "step_time"), *([python] if ratio.across else [])]
            pairs_of = (place.replicates(*metric, lane) for metric in looked)
            verdict = comparison.verdict(ratio, max(map(comparison.aa_noise, pairs_of)))
            expected.append((place, ratio, verdict, cell, python))
    return sorted(expected, key=lambda one: one[1].value)


def test_r_against_python(places, pages):
    expected = [one for where in newest_first(places) for one in driven_from_r(places[where])]
    rows = table(pages["r"], "^R against Python$")
    for row, (place, ratio, verdict, cell, python) in zip(rows, expected, strict=True):
        assert row["Framework"].text == FRAMEWORKS[cell.framework]["name"]
        assert row["Framework"].detail.split(",")[0] == cell.version
        has_verdict(row["Time in R / in Python"], ratio, verdict)
        assert ("across runs" in row["Time in R / in Python"].detail) == ratio.across
        for title, metric in (("Step in R", ("r", "step_time")), ("Step in Python", python)):
            has_number(row[title], place.value(*metric, cell).value)
        lines = place.cells("r", "lines").get(cell)
        has_number(row["Lines of R"], None if lines is None else lines.median())


# -------------------------------------------------------------------------------------------- pairs


def test_pairs(places, pages):
    place = places[newest_first(places)[0]]
    compared = [name for name in pages if name.startswith("compare/")]
    assert len(compared) == math.comb(len(FRAMEWORKS), 2)
    for name in compared:
        ids = name.removeprefix("compare/").split("-")
        rows = table(pages[name], " or ")
        assert len(rows) == 12
        for row in rows:
            question, *sides, verdict = row.values()
            if question.text == "Small installation":  # is in run records, not in rows
                continue
            outcome = pairs.compare(place, question.text, *ids, TODAY)
            for cell, side in zip(sides, outcome.sides, strict=True):
                pairs.shows(side, cell.text, cell.detail)
                assert cell.strong == outcome.verdict.startswith(list(row)[sides.index(cell) + 1])
            pairs.told(outcome, verdict.badge, verdict.detail)


# -------------------------------------------------------------------------------------------- noise


def test_noise_within_runs_and_between_them(places, pages):
    shown = []
    for row in table(pages["methodology"], "^A/A noise"):
        where, lane = row["Machine"], row["Lane"]
        shown.append((where.text, where.detail, row["Section"].text, lane.text, lane.detail))
        (panel,) = [
            panel for panel in places[where.text, where.detail].panels(row["Section"].text)
            if (LANES[panel.lane], panel.case, panel.division)
            == (lane.text, lane.detail, "closed")
        ]  # fmt: skip
        agrees(row["A/A noise"].text, panel.noise)
        sorts(row["A/A noise"], panel.noise)
    assert sorted(shown) == sorted(
        (*where, section, LANES[panel.lane], panel.case)
        for where, place in places.items()
        for section in HEADLINES
        for panel in place.panels(section)
        if panel.replicated and panel.group and panel.division == "closed"
    )
    spreads = next(iter(places.values())).spreads
    headlines = {where: spreads[where] for where in spreads if where[2] in HEADLINES.values()}
    rows = table(pages["methodology"], "^Spread between runs")
    for row, (variance, degrees) in zip(rows, headlines.values(), strict=True):
        agrees(row["Runs"].text, degrees + 1)
        has_number(row["Spread from run to run"], math.exp(math.sqrt(variance)) - 1)


# ------------------------------------------------------------------------------------------- claims


def test_what_becomes_of_every_claim(times, pages):
    shown = {
        row["Claim of 2016"].link.removeprefix("#claim-"): row
        for row in table(pages["then_and_now"], "^Every claim of 2016")
    }
    assert shown.keys() == CLAIMS.keys()
    for id, claim in CLAIMS.items():
        then = shown[id]["Today"].detail.removeprefix("in its time: ")
        said = shown[id]["Today"].badge, then or "cannot be tested here"
        assert said == verdicts(claim, times), id


# ----------------------------------------------------------------------------------- a wrong figure


CHECKS = {
    "lenet": lambda times, figures, pages: test_headlines_groups_and_verdicts(
        times[0], figures, pages, "lenet"
    ),
    "versus": lambda times, figures, pages: test_graphs_against_eager_execution(
        times[0], figures, pages
    ),
    "then_and_now": lambda times, _, pages: test_what_becomes_of_every_claim(times, pages),
}


@pytest.mark.parametrize("site", ["committed"], indirect=True)
@pytest.mark.parametrize(
    ("name", "pattern", "wrong"),
    [
        ("lenet", r"\[\d,\d\d(\d)\]\(evidence", "nudged"),
        ("lenet", r"data-sort=\"\d{4}\.(\d)", "nudged"),
        ("lenet", r"<span class=\"detail\">\d,\d\d(\d) to", "nudged"),
        ("lenet", r" to \d,\d\d(\d)</span>", "nudged"),
        ("lenet", r"(\d) ms\]", "nudged"),
        ("lenet", r"(\d) × the time", "nudged"),
        ("lenet", r"the time \(\d\.\d(\d)", "nudged"),
        ("lenet", r"(\d) × 10 ", "nudged"),
        ("lenet", r"(\d) % { .number", "nudged"),
        ("lenet", r"</span> (not resolved)</span>", "equivalent"),
        ("lenet", r"</span> (wrong results)</span>", "failed"),
        ("lenet", r"(<strong>)", ""),
        ("lenet", r"\n(.*best estimate</span>.*\n)", ""),
        ("versus", r"(\d)\s×", "nudged"),
        ("versus", r"</span> (more)</span>", "less"),
        ("then_and_now", r"</span> (mixed)</span>", "holds"),
    ],
)
def test_a_wrong_figure_is_found(times, measured, pages, name, pattern, wrong):
    head, table, rest = pages[name].partition("report-table")
    at = re.search(pattern, rest)
    wrong = str((int(at[1]) + 1) % 10) if wrong == "nudged" else wrong
    doctored = head + table + rest[: at.start(1)] + wrong + rest[at.end(1) :]
    CHECKS[name](times, measured, pages)
    with pytest.raises(AssertionError):
        CHECKS[name](times, measured, pages | {name: doctored})
