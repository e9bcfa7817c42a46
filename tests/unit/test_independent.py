"""What pages show, computed a second time from the CSVs by code that shares nothing with them.

Where the two disagree, one of them is wrong.
"""

import ast
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.independent import panels
from tests.independent.pages import agrees, has_interval, has_value, slug, sorts, table
from tests.independent.panels import HEADLINES, Cell
from tests.independent.rows import FRAMEWORKS, MEASUREMENTS
from tests.unit.conftest import pages_of

STATUSES = {
    "wrong": "wrong results", "failed": "failed", "timeout": "timed out",
    "unsupported": "not supported", "skipped": "skipped",
}  # fmt: skip
LANES = {
    "threads-1": "1 thread", "threads-all": "All cores", "resident": "Resident data",
    "copy": "With copying",
}  # fmt: skip


@pytest.fixture(scope="module", params=["committed", "one machine", "two machines"])
def site(request, inputs, figures, sample, sample_root, sampled):
    """Return (results, pages): of what is committed, and of two invented trees."""
    results, *made = {
        "committed": (MEASUREMENTS / "results", inputs, figures),
        "one machine": (sample_root, *sample),
        "two machines": (sampled.folder, sampled.inputs, sampled.figures),
    }[request.param]
    return results, pages_of(*made, *HEADLINES, "versus", "depth", "methodology")


@pytest.fixture(scope="module")
def pages(site):
    return site[1]


@pytest.fixture(scope="module")
def places(site):
    return panels.places(site[0])


def test_the_second_computation_imports_nothing_of_the_first():
    for path in Path(panels.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", ())]
            imported = [getattr(node, "module", "") or "", *names]
            assert not any(re.match("generator|measurements", name) for name in imported)


class Figure(NamedTuple):
    """A figure of a page: where it was measured, and what it is."""

    place: panels.Place
    section: str
    metric: str
    cell: Cell

    @property
    def own(self):
        return self.place.value(self.section, self.metric, self.cell)


@pytest.fixture(scope="module")
def measured(places):
    """Return link to the evidence -> figure of everything that was measured."""
    found = {}
    for (machine, device), place in places.items():
        for section, metric in place.measured:
            for cell in place.cells(section, metric):
                ids = machine, cell.mode, device, cell.lane, metric, cell.case
                anchor = "--".join(slug(id) for id in ids if id)
                link = f"evidence/{section}-{cell.framework}.md#{anchor}"
                found[link] = Figure(place, section, metric, cell)
    return found


def figure_of(measured, cell, metric, case=""):
    """Return the figure of a cell that leads to its configuration; None where it shows none."""
    link = "--".join(filter(None, (cell.link, slug(metric), slug(case))))
    assert (link in measured) == (cell.text != "–"), cell
    return measured.get(link)


def all_panels(places, section, division=""):
    found = [panel for place in places.values() for panel in place.panels(section)]
    return [panel for panel in found if division in ("", panel.division)]


def is_judged(cell, ratio, verdict, words=("faster", "slower")):
    """Assert that a cell shows a ratio with its interval and the verdict on it."""
    agrees(cell.text, ratio.value)
    sorts(cell, ratio.value)
    has_interval(cell.detail, ratio)
    said = dict(zip(("faster", "slower"), words, strict=True)).get(verdict, verdict)
    assert cell.badge == (said if math.isfinite(ratio.low) else "not judged")


# ------------------------------------------------------------------------------ sections that rank


@pytest.mark.parametrize("section", HEADLINES)
def test_headlines_groups_and_verdicts(places, measured, pages, section):
    shown, faults = defaultdict(list), defaultdict(set)
    for row in table(pages[section], ", (cpu|cuda)$"):
        value = next(cell for title, cell in row.items() if title.endswith("95 % interval"))
        case = row["Caches"].text if "Caches" in row else ""
        if value.text == "–":
            faults[value.link.partition("#")[0]].add((value.link, row["Against the leader"].badge))
            continue
        found = figure_of(measured, value, HEADLINES[section], case)
        assert row["Lane"].text == LANES.get(found.cell.lane, found.cell.lane)
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
        graph = figure_of(measured, step, HEADLINES["lenet"]).cell
        shown.append(graph)
        panel, _, eager = speed[graph]
        ratio, verdict = panel.judge(graph, eager)
        is_judged(row["Speed, graph / eager"], ratio.inverse(), verdict)
        both(panel, step, graph, eager)
        assert (graph in memory) == (bytes_.text != "–")
        if graph in memory:
            panel, _, eager = memory[graph]
            is_judged(row["Memory, graph / eager"], *panel.judge(graph, eager), ("less", "more"))
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
        start = figure_of(
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
        graph, eager = (figure_of(measured, cell, HEADLINES[section]).cell for cell in cells)
        panel = next(one for one in all_panels(places, section, "closed") if graph in one.group)
        for cell, kind, best in zip(cells, ("symbolic", "imperative"), (graph, eager), strict=True):
            assert best == next(one for one in panel.ranked if one.about["kind"] == kind)
            agrees(cell.text, panel.place.value(section, HEADLINES[section], best).value)
        is_judged(row["Graph / eager"], *panel.judge(graph, eager), words)
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


def point(cell, values, x):
    if x in values:
        has_value(cell, values[x])
    else:
        assert cell.text == "–"


def number_or_none(cell, value):
    if value is None:
        assert cell.text == "–"
    else:
        agrees(cell.text, value)
        sorts(cell, value)


def test_steps_by_batch_size(measured, pages):
    rows = table(pages["versus"], "^Steps by batch size")
    for row in rows:
        steps = swept(measured, row["Configuration"], "batch", "step_time")
        point(row["Step of 1 image"], steps, 1)
        point(row["1,024 images"], steps, 1024)
        first = each = share = None
        if {1, 64} <= steps.keys() and max(steps) > 64:
            a, b = sorted(steps)[-2:]
            each = (steps[b].value - steps[a].value) / (b - a)
            first = max(0, steps[1].value - each)
            share = first / steps[64].value
        number_or_none(row["Before the first image"], first)
        number_or_none(row["Each further image"], each)
        number_or_none(row["Dispatch at 64 images"], share)
    shown(rows, measured, "versus")


def test_times_by_depth(measured, pages):
    rows = table(pages["depth"], "^Ready and steps by depth")
    for row in rows:
        for word, metric, depths in (
            ("Ready", "ready_time", (2, 8, 32)), ("Step", "step_time", (2, 32))
        ):  # fmt: skip
            values = swept(measured, row["Configuration"], "depth", metric)
            for depth in depths:
                point(row[f"{word}, {depth} convolutions"], values, depth)
            ends = min(values, default=0), max(values, default=0)
            slope = None
            if len(values) > 1:
                slope = (values[ends[1]].value - values[ends[0]].value) / (ends[1] - ends[0])
            number_or_none(row[f"{word}, each further one"], slope)
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
        sorts(row["Spread from run to run"], math.sqrt(variance))
        agrees(row["Spread from run to run"].text, math.exp(math.sqrt(variance)) - 1)


# ----------------------------------------------------------------------------------- a wrong figure


@pytest.mark.parametrize("site", ["committed"], indirect=True)
@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r"\[\d,\d\d(\d)\]\(evidence", "nudged"),
        (r"data-sort=\"\d{4}\.(\d)", "nudged"),
        (r"<span class=\"detail\">\d,\d\d(\d) to", "nudged"),
        (r" to \d,\d\d(\d)</span>", "nudged"),
        (r"(\d) ms\]", "nudged"),
        (r"(\d) × the time", "nudged"),
        (r"the time \(\d\.\d(\d)", "nudged"),
        (r"(\d) × 10 ", "nudged"),
        (r"(\d) % { .number", "nudged"),
        (r"</span> (not resolved)</span>", "equivalent"),
        (r"</span> (wrong results)</span>", "failed"),
        (r"(<strong>)", ""),
        (r"\n(.*best estimate</span>.*\n)", ""),
    ],
)
def test_a_wrong_figure_is_found(places, measured, pages, pattern, wrong):
    page = pages["lenet"]
    at = re.search(pattern, page[page.index("report-table") :])
    start, end = (place + page.index("report-table") for place in at.span(1))
    wrong = str((int(at[1]) + 1) % 10) if wrong == "nudged" else wrong
    doctored = {"lenet": page[:start] + wrong + page[end:]}
    with pytest.raises(AssertionError):
        test_headlines_groups_and_verdicts(places, measured, doctored, "lenet")
