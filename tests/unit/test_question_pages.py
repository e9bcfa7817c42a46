"""Pages of questions and sweeps, on invented results whose answers are known beforehand."""

import math
import re
from dataclasses import replace

import pytest

from generator.analysis.statistics import Ratio
from generator.catalog import loader
from generator.pages import question_page, tables
from generator.pages.sections import control, custom, depth, operators, parallel, reuse, versus
from measurements import control as programs
from measurements import operators as listed
from tests import sample_results
from tests.sample_results import PAIRED
from tests.unit.conftest import names, rows

MEASURED = list(sample_results.VERSIONS)
LACKING = PAIRED
"""The framework of the sample without a native operator and every fourth of the list."""
FRAMEWORKS = loader.load().frameworks


def block(context, heading):
    part = context["parts"][0]
    (found,) = [one for one in (*part.blocks, *part.folds) if one.heading == heading]
    return found


def matrix(context):
    (found,) = context["parts"][0].blocks[0].tables
    return found


def bullets(context):
    return [bullet.text for bullet in context["parts"][0].bullets]


def words(cells):
    return [cell.badge.word if cell.badge else cell.text for cell in cells]


PAGES = (control, custom, depth, operators, parallel, reuse, versus)
MATRICES = (control, custom, operators, parallel, reuse)


@pytest.mark.parametrize("module", MATRICES)
def test_a_matrix_has_every_framework_and_a_sign_with_words_in_every_cell(page, module):
    found = matrix(page(module))
    columns = [column.text for column in found.columns]
    assert sorted(columns) == sorted(f.name for f in FRAMEWORKS)
    right = [sum(c.badge.tone in ("good", "middle") for c in column)
             for column in list(zip(*found.totals.rows, strict=True))[1:]]  # fmt: skip
    assert right == sorted(right, reverse=True), "who can do most comes first"
    tested = names(*MEASURED)
    for row in found.totals.rows:
        assert row[0].text
        assert len(row) == len(FRAMEWORKS) + 1
        assert all(cell.badge.sign and cell.badge.word and not cell.text for cell in row[1:])
        measured = [c for c, n in zip(row[1:], columns, strict=True) if n in tested]
        assert all(cell.href for cell in measured), "each leads to its evidence"
    assert {badge.sign for badge in found.legend} >= {"✓"}


@pytest.mark.parametrize("module", MATRICES)
def test_what_has_faults_comes_first(page, module):
    found = matrix(page(module))
    assert any(any(group.faults) for group in found.groups) == (module not in (custom, reuse))
    for faults in (
        [group.faults for group in found.groups],
        *([tables.Group("", "", (row,)).faults for row in g.rows] for g in found.groups),
    ):
        assert faults == sorted(faults, reverse=True)


@pytest.mark.parametrize("module", PAGES)
def test_a_page_opens_with_one_picture_and_says_nothing_long(page, module):
    for part in page(module)["parts"]:
        (shown,) = part.blocks
        assert len(shown.tables) + len(shown.pictures) == 1
        assert len(part.bullets) <= 3
        blocks = (*part.blocks, *part.folds)
        said = [part.answer, *(b.text for b in part.bullets), *(b.text for b in blocks)]
        said += [b.caption for b in blocks]
        said += [picture.title for b in blocks for picture in b.pictures]
        for sentence in re.split(r"(?<=[.:;?])\s", " ".join(filter(None, said))):
            assert len(sentence.split()) <= 30, sentence


def test_control_flow_counts_only_whole_answers(page):
    context = page(control)
    answer, (loop,) = context["parts"][0].answer, bullets(context)
    assert answer.startswith(f"None of the {len(MEASURED)} frameworks tested ran all 6 programs")
    assert loop.startswith(f"All {len(MEASURED)} frameworks tested captured a loop")
    found = matrix(context)
    assert {group.label: len(group.rows) for group in found.groups} == {
        program.what: 3 + program.loops for program in programs.PROGRAMS.values()
    }


def test_the_cost_of_a_loop_is_that_of_an_iteration(page):
    found = block(page(control), "What a loop costs")
    (chart,) = found.pictures
    said = re.fullmatch(
        r"Estimated cost of an iteration: ([\d.]+) µs in .* to ([\d.]+) µs in .*\.", chart.title
    )
    assert [float(each) for each in said.groups()] == pytest.approx([10, 10], rel=0.1)
    assert len(chart.rows) == len(MEASURED) * len(control.SWEEP)
    titles = [column.title for column in found.tables[0].columns]
    assert titles == ["Framework", "1 trip", "10 trips", "100 trips", "1,000 trips"]
    table = rows(found.tables[0])
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
    (name,) = names(LACKING)
    costs = block(context, "Lines and build time of each way").tables[0].rows
    mine = {row[1].text: words(row[2:]) for row in costs if row[0].text == name}
    assert mine["composed"][0] == mine["operator in Python"][0] == "Python"
    assert mine["native operator"][1:] == ["not supported"] * len(custom.COSTS)
    gone = block(context, "What is not supported").tables[0]
    (row,) = [row for row in gone.rows if row[1].text == name]
    assert row[3].source == "https://example.org/list"
    assert f"{name} did not" in bullets(context)[0]


def test_questions_with_one_answer_are_listed_or_called_everything():
    asked = [
        question_page.Question(label, detail, label, detail)
        for label in ("a, b", "c")
        for detail in ("eager", "captured")
    ]
    eager, captured = asked[::2], asked[1::2]

    def named(*mine):
        cell = question_page._questions_cell(mine, asked)
        return cell.text, cell.detail

    assert named(*eager) == ("everything", "eager")
    assert named(*asked) == ("everything", "4 questions")
    assert named(*eager, captured[0]) == ("a, b; c", "3 questions")
    assert named(captured[1]) == ("c", "captured")


def test_a_native_operator_is_compared_with_the_composition(page):
    (gain,) = [one for one in bullets(page(custom)) if "times as fast" in one]
    assert "faster than the composition in 2 of 2 frameworks. In " in gain
    # The sample's composition takes three times as long as its native operator, give or take 2 %.
    ends = re.findall(r"it is ([\d.]+) times as fast \(([\d.]+) to ([\d.]+)\)", gain)
    for value, low, high in (map(float, end) for end in ends):
        assert value == pytest.approx(3, rel=0.05)
        assert low < value < high
    assert len(re.findall(r"[\d.]+ ms against [\d.]+ ms", gain)) == len(ends) == 2
    (chart,) = block(page(custom), "How fast each way is").pictures
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
    (further,) = block(context, "Gradients, captured mode and edges of the right ones").tables
    found = matrix(context)
    ids = {framework.name: framework.id for framework in FRAMEWORKS}
    totals = dict(zip([ids[c.text] for c in found.columns], found.totals.counts, strict=True))
    for id, number in right.items():
        assert totals[id].text == str(number)
        assert rows(further)[names(id)[0]][0].text == str(number)
        by_family = [group.counts[list(totals).index(id)] for group in found.groups]
        whole = [len(group.rows) for group in found.groups]
        counts = [
            int(cell.text or (size if cell.badge.sign == "✓" else 0))
            for cell, size in zip(by_family, whole, strict=True)
        ]
        assert sum(counts) == number
    unmeasured = next(id for id in totals if id not in MEASURED)
    assert totals[unmeasured].badge.word == f"{count} not measured"
    assert context["operators"] == count
    most, fewest = context["parts"][0].answer.split("; ")
    assert f" computed {count - wrong} of {count} operators right, the most" in most
    assert fewest == f"{names(LACKING)[0]} {right[LACKING]}, the fewest."


def test_every_wrong_operator_is_listed_with_its_reason(page):
    context = page(operators)
    table = block(context, "What did not work").tables[0]
    assert {row[3].text for row in table.rows} == {"output differs by 1 (SYNTHETIC)"}
    assert {row[2].badge.word for row in table.rows} == {"wrong results"}
    said = context["parts"][0].bullets[1]
    assert said.text.startswith(f"{len(table.rows)} answers differ from the reference")
    assert said.address == f"#{block(context, 'What did not work').anchor}"
    asked = [(row[0].text, row[0].detail, row[1].text) for row in table.rows]
    third = list(listed.OPERATORS)[2]
    for name in names(*MEASURED):
        assert (third, "values", name) in asked


def test_a_second_opinion_shows_where_it_differs(sample, page):
    right, wrong = list(listed.OPERATORS)[4], list(listed.OPERATORS)[2]
    suite = [
        {"framework": MEASURED[0], "version": "1", "function": operators.suite_name(name),
         "passed": "9", "failed": failed, "suite": "abc"}
        for name, failed in ((right, "0"), (wrong, "0"))
    ]  # fmt: skip
    context = page(operators, replace(sample[0], suite=suite))
    agreement, differences = block(context, "The array API's own test suite").tables
    assert [cell.text for cell in agreement.rows[0][1:]] == ["2", "1", "abc"]
    ((operator, _, ours, theirs),) = differences.rows
    assert (operator.text, ours.badge.word, theirs.text) == (
        wrong, "wrong results", "all tests pass",
    )  # fmt: skip
    assert names(MEASURED[0])[0] in block(context, "The array API's own test suite").text


def test_transfer_is_shown_by_epoch(page):
    context = page(reuse)
    found = block(context, "Transfer learning")
    table = rows(found.tables[0])
    for name in names(*MEASURED):
        assert [cell.text for cell in table[name][:4]] == ["80.0 %", "50.0 %", "82.0 %", "58.3 %"]
    (chart,) = found.pictures
    assert f"in {len(MEASURED)} of {len(MEASURED)} frameworks" in chart.title
    assert "estimate" in chart.title
    assert "frameworks tested imported a " in bullets(context)[1]
    zoos = block(context, "Model zoos").tables[0]
    assert len(zoos.rows) == len(loader.load().frameworks)


def test_two_processes_are_compared_with_one(page):
    context = page(parallel)
    found = block(context, "How much faster two processes are")
    assert len(found.tables[0].rows) == len(MEASURED) * len(parallel.BATCHES)
    for row in found.tables[0].rows:
        gain, efficiency = row[4].sort, row[5].sort
        assert gain == pytest.approx(2**0.8, rel=0.05)  # as the sample invents them
        assert efficiency == pytest.approx(gain / 2, abs=1e-4)
        assert row[4].badge.word == "faster"
        assert row[4].detail
        assert row[5].detail
    for batch, said in zip(parallel.BATCHES, bullets(context)[1:], strict=True):
        assert said.startswith(f"At {batch} images a step, two processes are faster than one in 3")
    (model,) = block(context, "Estimate for up to 16 processes").pictures
    assert len(model.rows) == len(found.tables[0].rows) * len(parallel.SIZES)
    killed = bullets(context)[0]
    assert killed.startswith("When one process is killed, the other hangs in ")
    assert all(name in killed for name in names(*MEASURED))
    written = rows(block(context, "How it is written, and in how many lines").tables[0])
    assert [cell.text for cell in written[names(MEASURED[0])[0]][:2]] == ["an invented way", "40"]


def test_a_page_of_blocks_leaves_out_a_device_without_blocks(sample):
    section = sample[0].catalog.section("control")

    def nothing(view):
        assert view.frameworks
        return ("", "nothing is known"), [], []

    context = question_page.context(section, sample[0], nothing, more=1)
    assert context["parts"] == []
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
    cell = question_page.ratio_cell(ratio, verdict, ("less", "more"))
    assert (cell.badge.word, cell.detail) == (word, detail)
    assert cell.sort == ratio.value


# -------------------------------------------------------------------------------------- the sweeps


def test_depth_says_what_a_further_convolution_costs(page):
    (part,) = page(depth)["parts"]
    (ready,), (steps, all_figures, faults) = part.blocks, part.folds
    assert [chart.name for block in (ready, steps) for chart in block.pictures] == [
        f"depth-cpu-{sample_results.MACHINE}-{what}" for what in ("ready", "step")
    ]
    assert part.answer.startswith("As a graph, each further convolution adds to build and first")
    assert part.bullets[0].text.startswith("Each further convolution adds to a step, by estimate, ")
    modes = sum(map(len, sample_results.MODES.values()))
    assert len(all_figures.tables[0].rows) == modes - 1  # one of the sample crashed with all cores
    (short,) = [row for row in all_figures.tables[0].rows if row[3].detail == "not reached"]
    assert short[0].text == faults.tables[0].rows[0][0].text
    assert faults.heading == "What did not work"
    assert faults.tables[0].rows[0][3].text == "depth 8 alone took 30 s (SYNTHETIC)"


def test_versus_pays_for_compiling_with_steps(page):
    context = page(versus)
    even = block(context, "When has compiling paid for itself?").tables[0]
    for row in even.rows:
        later, differs, paid = row[2].sort, row[3].sort, row[4]
        if later > 0 and paid.text.endswith(("step", "steps")):
            assert paid.sort == pytest.approx(later / -differs, rel=1e-3, abs=0.1)
    assert {row[1].text for row in even.rows} == {"cold", "warm"}
    classes = block(context, "The best graph against the best eager mode").tables[0]
    assert {row[0].text for row in classes.rows} == {"Step time", "Peak above import"}


def test_versus_has_a_part_for_each_lane_and_its_sweep_once(page):
    parts = page(versus)["parts"]
    assert [part.tab for part in parts] == ["All cores", "One thread"]
    anchors = [one.anchor for part in parts for one in (part, *part.folds)]
    assert len(anchors) == len(set(anchors))
    assert sum(one.anchor.endswith("-batch") for part in parts for one in part.folds) == 1
    for part in parts:
        (chart,) = part.blocks[0].pictures
        values = [float(row["estimate"]) for row in chart.rows]
        assert values == sorted(values, reverse=True)
        assert part.answer.startswith("On ")


def test_versus_without_a_sweep_says_how_to_measure_it(sample):
    inputs, known = sample
    (place,) = known
    swept = {key: cell for key, cell in known[place].cells.items() if key.section != "versus"}
    bare = {place: replace(known[place], cells=swept)}
    context = versus.context(inputs.catalog.section("versus"), replace(inputs, figures=bare))
    folds = context["parts"][0].folds
    texts = [one.text for one in folds]
    assert f"<code>{context['command']}</code>" in "".join(texts)
    assert not any("is dispatch" in one.heading for one in folds)
