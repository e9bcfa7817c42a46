"""Contexts of the sections' pages, on invented results whose answers are known beforehand."""

import math
import re
import types
from dataclasses import replace

import pytest

from generator.analysis.statistics import Ratio
from generator.catalog import loader
from generator.pages import framework_tables, question_page
from generator.pages.sections import (
    control,
    custom,
    depth,
    highlevel,
    nonsymbolic,
    operators,
    parallel,
    r,
    reuse,
    symbolic,
    versus,
)
from measurements import control as programs
from measurements import operators as listed
from tests import sample_results
from tests.sample_results import PAIRED
from tests.unit.conftest import undrawn

MEASURED = list(sample_results.VERSIONS)
LACKING = PAIRED
"""The framework of the sample without a native operator and every fourth of the list."""


@pytest.fixture(scope="module")
def page(sample):
    """Return a function: module of a section -> the context of its page."""

    def make(module, inputs=None):
        section = sample[0].catalog.section(module.__name__.rpartition(".")[2])
        return module.context(section, inputs or sample[0], sample[1], undrawn)

    return make


def names(*ids):
    return [loader.load().framework(id).name for id in ids]


def block(context, heading):
    (found,) = [one for one in context["views"][0]["blocks"] if one.heading == heading]
    return found


def rows(table):
    """Return the rows of a table by the text of their first cell."""
    return {row[0].text: row[1:] for row in table.rows}


def words(cells):
    return [cell.badge.word if cell.badge else cell.text for cell in cells]


# ----------------------------------------------------------------------------------- the questions


def test_control_flow_counts_only_whole_answers(page):
    context = page(control)
    whole, loop = context["views"][0]["findings"]
    assert whole.endswith(f"none of the {len(loader.load().frameworks)} frameworks.\n")
    assert loop.startswith("A data-dependent loop in a graph: ")
    for framework in loader.load().frameworks:
        assert (framework.name in loop) == (framework.id in MEASURED)
    table = block(context, "Six programs, four questions").tables[0]
    assert len(table.rows) == sum(3 + program.loops for program in programs.PROGRAMS.values())
    assert [column.title for column in table.columns[1:]] == [
        f.name for f in loader.load().frameworks
    ]


def test_the_cost_of_a_loop_is_that_of_an_iteration(page):
    found = block(page(control), "What a loop costs")
    (chart,) = found.pictures
    said = re.fullmatch(
        r"Estimated cost of an iteration: from ([\d.]+) µs .* to ([\d.]+) µs .*\.", chart.title
    )
    assert [float(each) for each in said.groups()] == pytest.approx([10, 10], rel=0.1)
    assert len(chart.rows) == len(MEASURED) * len(control.SWEEP)
    table = rows(found.tables[0])
    assert list(table) == ["1 trip", "10 trips", "100 trips", "1,000 trips"]
    drawn = {row["text"] for row in chart.rows}
    shown = {cell.text for cells in table.values() for cell in cells if cell.href}
    assert shown == drawn, "the table has the values of the chart"
    assert all(cell.detail for cells in table.values() for cell in cells if cell.href)
    assert (
        "first result of 1,000 trips"
        in block(page(control), "How long a loop takes to compile").pictures[0].title
    )


def test_what_a_framework_lacks_is_said_with_its_source(page):
    context = page(custom)
    native = rows(block(context, "What it costs to write").tables[1])
    (name,) = names(LACKING)
    assert words(native[name]) == ["Python", "Python", "no"]
    gone = block(context, "What is not offered").tables[0]
    (row,) = [row for row in gone.rows if row[1].text == name]
    assert row[3].source == "https://example.org/list"
    assert not any(name in text for text in context["views"][0]["findings"][1:])


def test_a_native_operator_is_compared_with_the_composition(page):
    (gain,) = [one for one in page(custom)["views"][0]["findings"] if "times as fast" in one]
    assert "faster than the composition in 2 of 2 frameworks, slower in none: " in gain
    # The sample's composition takes three times as long as its native operator, give or take 2 %.
    ends = re.findall(r"it is ([\d.]+) times as fast \(([\d.]+) to ([\d.]+)\)", gain)
    for value, low, high in (map(float, end) for end in ends):
        assert value == pytest.approx(3, rel=0.05)
        assert low < value < high
    assert len(re.findall(r"[\d.]+ ms against [\d.]+ ms", gain)) == len(ends) == 2
    (chart,) = block(page(custom), "How fast it is").pictures
    values = [float(row["estimate"]) for row in chart.rows]
    assert values == sorted(values)
    assert len(values) == 3 * len(MEASURED) - 1


def test_operators_are_counted_by_family_and_in_all(page):
    context = page(operators)
    count = len(listed.OPERATORS)
    wrong = len(range(2, count, 50))
    absent = len(range(1, count, 4))
    both = sum(n % 4 == 1 and n % 50 == 2 for n in range(count))
    right = {id: count - wrong - (absent - both if id == LACKING else 0) for id in MEASURED}
    by_family, further = block(context, "Coverage").tables
    order = [framework.id for framework in loader.load().frameworks]
    total = rows(by_family)["all"]
    for id, number in right.items():
        assert total[order.index(id)].text == str(number)
        assert rows(further)[names(id)[0]][0].text == str(number)
    unmeasured = next(place for place, id in enumerate(order) if id not in MEASURED)
    assert total[unmeasured].detail == "not tested"
    assert context["operators"] == count
    most, fewest = context["views"][0]["findings"][0].split("Fewest")
    assert most.startswith(f"Most of the {count} tested operators with right values: ")
    assert names(LACKING)[0] in fewest


def test_every_wrong_operator_is_listed_with_its_reason(page):
    context = page(operators)
    table = block(context, "What is wrong").tables[0]
    assert {row[2].text for row in table.rows} == {"output differs by 1 (SYNTHETIC)"}
    asked = [(row[0].text, row[0].detail, row[1].text) for row in table.rows]
    third = list(listed.OPERATORS)[2]
    for name in names(*MEASURED):
        assert (third, "values", name) in asked
    assert "What raises an error" not in {b.heading for b in context["views"][0]["blocks"]}


def test_a_second_opinion_shows_where_it_differs(sample, page):
    right, wrong = list(listed.OPERATORS)[4], list(listed.OPERATORS)[2]
    suite = [
        {"framework": MEASURED[0], "version": "1", "function": operators.suite_name(name),
         "passed": "9", "failed": failed, "suite": "abc"}
        for name, failed in ((right, "0"), (wrong, "0"))
    ]  # fmt: skip
    context = page(operators, replace(sample[0], suite=suite))
    agreement, differences = block(context, "A second opinion").tables
    assert [cell.text for cell in agreement.rows[0][1:]] == ["2", "1", "abc"]
    ((operator, _, ours, theirs),) = differences.rows
    assert (operator.text, ours.badge.word, theirs.text) == (
        wrong, "wrong results", "all tests pass",
    )  # fmt: skip
    assert names(MEASURED[0])[0] in block(context, "A second opinion").text


def test_transfer_is_shown_by_epoch(page):
    context = page(reuse)
    found = block(context, "Transfer learning")
    table = rows(found.tables[0])
    for name in names(*MEASURED):
        assert [cell.text for cell in table[name][:4]] == ["80.0%", "50.0%", "82.0%", "58.3%"]
    (chart,) = found.pictures
    assert f"in {len(MEASURED)} of {len(MEASURED)} frameworks" in chart.title
    assert "estimate" in chart.title
    text = "".join(context["views"][0]["findings"])
    assert "Import of a Caffe model: none of the" in text
    zoos = block(context, "Model zoos").tables[0]
    assert len(zoos.rows) == len(loader.load().frameworks)


def test_two_processes_are_compared_with_one(page):
    context = page(parallel)
    found = block(context, "Two cores, two processes")
    assert len(found.tables[0].rows) == len(MEASURED) * len(parallel.BATCHES)
    for row in found.tables[0].rows:
        gain, efficiency = row[4].sort, row[5].sort
        assert gain == pytest.approx(2**0.8, rel=0.05)  # as the sample invents them
        assert efficiency == pytest.approx(gain / 2, abs=1e-4)
        assert row[4].badge.word == "faster"
        assert row[4].detail
        assert row[5].detail
    for batch, said in zip(parallel.BATCHES, context["views"][0]["findings"][2:], strict=True):
        assert said.startswith(f"At {batch} images a step, two processes are faster than one in 3")
    (model,) = block(context, "A model of more processes").pictures
    assert len(model.rows) == len(found.tables[0].rows) * len(parallel.SIZES)
    killed = context["views"][0]["findings"][1]
    assert killed.startswith("When one process is killed, the other hangs in ")
    assert all(name in killed for name in names(*MEASURED))
    written = rows(block(context, "What there is to write").tables[0])
    assert [cell.text for cell in written[names(MEASURED[0])[0]][:2]] == ["an invented way", "40"]


def test_a_page_of_blocks_leaves_out_a_device_without_blocks(sample):
    section = sample[0].catalog.section("control")

    def nothing(view):
        assert view.frameworks
        return ["a finding about nothing"], []

    context = question_page.context(section, *sample, undrawn, nothing, more=1)
    assert context["views"] == []
    assert context["more"] == 1


def test_extremes_names_the_least_and_the_greatest():
    assert question_page.extremes({"a": 2.0, "b": 1.0, "c": 3.0}) == ("b", "c")


@pytest.mark.parametrize(
    ("ratio", "verdict", "word", "detail"),
    [
        (Ratio(0.5, 0.4, 0.6, 0.1, 9), "faster", "less", "0.40 to 0.60"),
        (Ratio(2.0, 1.5, 2.7, 0.1, 9, True), "slower", "more", "1.50 to 2.70, across runs"),
        (Ratio(1.1, 0.8, 1.5, 0.1, 9), "not resolved", "not resolved", "0.80 to 1.50"),
        (Ratio(1.1, math.nan, math.nan, math.nan, 0), "not resolved", "not judged", "one process"),
        (
            Ratio(1.1, math.nan, math.nan, math.nan, 0, True), "not resolved", "not judged",
            "across runs",
        ),
    ],
)  # fmt: skip
def test_a_ratio_has_its_interval_or_no_verdict(ratio, verdict, word, detail):
    cell = question_page.ratio_cell(ratio, verdict, "less", "more")
    assert (cell.badge.word, cell.detail) == (word, detail)
    assert cell.sort == ratio.value


# -------------------------------------------------------------------------------------- the sweeps


def test_depth_says_what_a_further_convolution_costs(page):
    (view,) = page(depth)["views"]
    times, faults = view["blocks"]
    assert [chart.name for chart in times.pictures] == [
        f"depth-cpu-{sample_results.MACHINE}-{what}" for what in ("ready", "step")
    ]
    assert times.pictures[0].title + "\n" == view["findings"][0]
    modes = sum(map(len, sample_results.MODES.values()))
    assert len(times.tables[0].rows) == modes - 1  # one of the sample crashed with all cores
    (short,) = [row for row in times.tables[0].rows if row[3].detail == "not reached"]
    assert short[0].text == faults.tables[0].rows[0][0].text
    assert faults.heading == "What did not work"
    assert faults.tables[0].rows[0][3].text == "depth 8 alone took 30 s (SYNTHETIC)"


def test_versus_pays_for_compiling_with_steps(page):
    context = page(versus)
    even = block(context, "When has compiling paid for itself?").tables[0]
    for row in even.rows:
        later, differs, paid = row[3].sort, row[4].sort, row[5]
        if later > 0 and paid.text.endswith(("step", "steps")):
            assert paid.sort == pytest.approx(later / -differs, rel=1e-3, abs=0.1)
    assert {row[2].text for row in even.rows} == {"cold", "warm"}
    classes = block(context, "Class against class").tables[0]
    assert {row[0].text for row in classes.rows} == {"Step time", "Peak above import"}


def test_versus_without_a_sweep_says_how_to_measure_it(sample):
    inputs, known = sample
    (place,) = known
    swept = {key: cell for key, cell in known[place].cells.items() if key.section != "versus"}
    bare = {place: replace(known[place], cells=swept)}
    context = versus.context(inputs.catalog.section("versus"), inputs, bare, undrawn)
    texts = [one.text for one in context["views"][0]["blocks"]]
    assert f"<code>{context['command']}</code>" in "".join(texts)
    assert not any("dispatch or kernels" in one.heading for one in context["views"][0]["blocks"])


# ----------------------------------------------------------------- the highest-level API, and R


def test_interfaces_are_ordered_by_lines(page):
    context = page(highlevel)
    lines = sample_results.LINES
    ordered = names(*sorted(MEASURED, key=lines.get))
    assert list(rows(context["interfaces"])) == ordered
    first = rows(context["interfaces"])[ordered[0]]
    assert [cell.text for cell in first[:3]] == ["the invented interface", "27", "10"]
    assert first[4].text == "–"  # the sample saves nothing
    assert context["target"].endswith("%")


def test_r_is_compared_with_python_on_the_page(page):
    table = page(r)["overheads"]
    assert set(rows(table)) == set(names(*MEASURED))
    ratios = [row[1].sort for row in table.rows]
    assert ratios == sorted(ratios)
    for row in table.rows:
        assert row[1].sort == pytest.approx(row[2].sort / row[3].sort, rel=0.1)
        assert row[4].text == "44"


def test_without_results_there_are_no_such_tables(sample):
    inputs, known = replace(sample[0], shown=sample[0].shown.iloc[:0]), {}
    for module, table in ((r, "overheads"), (highlevel, "interfaces")):
        section = inputs.catalog.section(module.__name__.rpartition(".")[2])
        assert module.context(section, inputs, known, undrawn)[table] is None


# -------------------------------------------------------------------------------- who they are


@pytest.mark.parametrize(("module", "kind"), [(symbolic, "symbolic"), (nonsymbolic, "imperative")])
def test_a_kind_has_its_frameworks_and_its_modes(page, module, kind):
    context = page(module)
    frameworks = loader.load().frameworks
    mine = [f for f in frameworks if any(mode.kind == kind for mode in f.modes)]
    for table in ("facts", "releases", "means"):
        assert list(rows(context[table])) == [f.name for f in mine]
    assert list(rows(context["modes"])) == [
        f"{f.name}, {mode.title}" for f in mine for mode in f.modes if mode.kind == kind
    ]
    assert all(f.name in context["findings"][0] for f in mine)
    newest = max(fact.read for f in mine for fact in f.facts.values() if fact.read)
    assert str(newest.year) in context["read"]


def test_eager_modes_are_shown_with_their_verification(page):
    work = page(nonsymbolic)["work"]
    by_lane = {(row[0].text, row[1].text): row[2].badge.word for row in work.rows}
    kinds = {"eager", "gluon"}  # the imperative modes of the sample
    assert len(by_lane) == len(kinds) * 2
    assert sorted(by_lane.values()) == ["failed", "verified", "verified", "verified"]


def test_one_framework_alone_is_not_named_in_its_own_tables():
    gap = types.SimpleNamespace(
        section="r", mode="", device="cuda", versions=("1",), status="unsupported",
        reason="no R", source="https://example.org",
    )  # fmt: skip
    one = types.SimpleNamespace(name="One", gaps=[gap])
    two = types.SimpleNamespace(name="Two", gaps=[])
    (alone,) = framework_tables.gaps_table([one]).rows
    assert [cell.text for cell in alone] == ["r, cuda", "not supported", "no R"]
    assert alone[0].detail == "1"
    (among,) = framework_tables.gaps_table([one, two]).rows
    assert [cell.text for cell in among] == ["One", "r, cuda", "no R"]
    assert framework_tables.gaps_table([two]) is None
