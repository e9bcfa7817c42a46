"""Pure: which operators each framework offers, and whether they compute what they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from generator import formatting
from generator.analysis.panels import Answer
from generator.catalog import freshness
from generator.catalog.model import Framework
from generator.pages import question_page, tables
from generator.pages.parts import Block, Bullet
from generator.pages.question_page import Question, View
from generator.pages.tables import (
    Cell,
    Group,
    Matrix,
    Rows,
    arranged,
    marked,
    number,
    table,
    tabled,
)
from measurements.operators import OPERATORS, families

QUESTIONS = {
    "forward": "values",
    "gradient": "gradient",
    "captured": "captured mode",
    "edges": "empty arrays, NaN, infinity",
}
FURTHER = {
    "gradient": "Right gradient",
    "captured": "Right when captured",
    "edges": "Right at the edges",
}
"""What is tested of an operator in addition to its ordinary values."""
NO_OPERATOR = [Question("every operator", "", "", "forward")]
"""What a framework is asked that is asked for no single one."""
FAMILIES = {"linalg": "linear algebra", "fft": "Fourier transforms"}
"""What families are called whose own names are abbreviations."""
NOT_TESTED = Cell("–", detail="not tested")


class Sheet:
    """What one framework answered about every operator."""

    def __init__(self, view: View, framework: str) -> None:
        self._view, self._framework = view, framework
        self.answers = view.sheets[framework]
        """(case, metric) -> answer, as far as there are any."""

    def answer(self, name: str, metric: str) -> Answer:
        """Return the answer to one question about an operator."""
        return self._view.answer(self._framework, name, metric, OPERATORS[name].family)

    def right(self, name: str) -> bool:
        """Whether an operator is there and its ordinary values are right."""
        return self.answer(name, "forward").good

    def failing(self, name: str) -> list[str]:
        """Return what else was tested of a right operator and did not pass."""
        found = {metric: self.answers.get((name, metric)) for metric in FURTHER}
        return [m for m, one in found.items() if one and one.status not in ("ok", "skipped")]

    def single(self, name: str) -> bool:
        """Whether one public function does it."""
        count = self.answer(name, "composed").value
        return self.right(name) and count is not None and count <= 1


def make(view: View) -> tuple[tuple[str, str], list[str | Bullet], list[Block]]:
    """Return the answer, bullets and blocks of a device."""
    sheets = {f.id: Sheet(view, f.id) for f in view.frameworks}
    right = {id: sum(map(sheet.right, OPERATORS)) for id, sheet in sheets.items()}
    single = {id: sum(map(sheet.single, OPERATORS)) for id, sheet in sheets.items()}
    asked = {id: count for id, count in right.items() if sheets[id].answers}
    wrong = sum(one.status == "wrong" for _, _, _, one in _bad(view))
    common = sum(all(sheets[id].right(name) for id in asked) for name in OPERATORS)
    failed = view.block(
        "What did not work",
        "The values are not the reference's, or a function does not accept an input or"
        " has no gradient for it.",
        _faults(view),
    )
    blocks = [
        view.block("Every operator", "", _matrix(view, sheets), stem="matrix"),
        view.block(
            "Gradients, captured mode and edges of the right ones",
            "An operator counts whose values are right on every ordinary input, as one public"
            " function or composed of a few in one line.",
            _further(view, sheets, right, single),
            stem="coverage",
        ),
        failed,
        *view.reasons(NO_OPERATOR, "unsupported"),
        *_second_opinion(view, sheets),
    ]  # fmt: skip
    bullets: list[str | Bullet] = [
        f"Operators right in all {len(asked)} frameworks tested: {common}."
    ]
    if failed.full:
        said = f"{formatting.plural(wrong, 'answer')} differ from the reference."
        bullets.append(Bullet(said, failed.heading, f"#{failed.anchor}"))
    return _answer(view, asked), bullets, blocks


context = partial(
    question_page.context, make=make, operators=len(OPERATORS), families=len(families())
)


def _answer(view: View, right: Mapping[str, int]) -> tuple[str, str]:
    """Name who computes most operators right, and who fewest."""
    most, fewest = max(right.values(), default=0), min(right.values(), default=0)
    if not most:
        return "", f"None of the {len(OPERATORS)} operators was tested here with right values."
    first, last = (view.names(id for id in right if right[id] == count) for count in (most, fewest))
    said = f"{first} computed {most} of {len(OPERATORS)} operators right"
    rest = f", the most; {last} {fewest}, the fewest" if fewest < most else ""
    return first, f"{said}{rest}."


def _count(count: int) -> Cell:
    return Cell(str(count), sort=float(count))


@tabled("Of the operators with right values")
def _further(
    view: View,
    sheets: Mapping[str, Sheet],
    right: Mapping[str, int],
    single: Mapping[str, int],
) -> Rows:
    """Return how the operators with right values answered the other questions."""
    for framework in sorted(view.frameworks, key=lambda f: (-right[f.id], f.id)):
        id, sheet = framework.id, sheets[framework.id]
        row = {
            "Framework": view.named(framework) if sheet.answers else Cell(framework.name),
            number("Right values"): _count(right[id]) if sheet.answers else NOT_TESTED,
            number("By one function"): _count(single[id]) if sheet.answers else NOT_TESTED,
        }
        for metric, title in FURTHER.items():
            asked = [sheet.answers.get((name, metric)) for name in OPERATORS if sheet.right(name)]
            answers = [one for one in asked if one and one.status != "skipped"]
            good = sum(answer.good for answer in answers)
            row[number(title)] = (
                Cell(f"{good} of {len(answers)}", float(good)) if sheet.answers else NOT_TESTED
            )
        yield row


_COMPOSED = "right, composed of several functions"


def _matrix(view: View, sheets: Mapping[str, Sheet]) -> Matrix:
    """Return what became of every operator in every framework, by family."""
    groups = []
    for family in families():
        rows = [
            (
                Cell(operator.name, source=operator.source),
                *(_cell(view, sheet, id, operator.name) for id, sheet in sheets.items()),
            )
            for operator in OPERATORS.values()
            if operator.family == family
        ]
        groups.append(
            Group(
                FAMILIES.get(family, family), formatting.plural(len(rows), "operator"), tuple(rows)
            )
        )
    label = "Every operator in every framework"
    return arranged(Matrix(label, "Operator", view.columns, tuple(groups)))


def _cell(view: View, sheet: Sheet, framework: str, name: str) -> Cell:
    answer, link = sheet.answer(name, "forward"), view.link(framework, name, "forward")
    if not answer.good:
        return marked(answer.status, href=link)
    if bad := sheet.failing(name):
        what = formatting.listing([QUESTIONS[metric] for metric in bad])
        link = view.link(framework, name, bad[0])
        return marked("right values, but not all else", href=link, detail=what)
    return marked("ok", "right", href=link) if sheet.single(name) else marked(_COMPOSED, href=link)


def _bad(view: View) -> Iterator[tuple[Framework, str, str, Answer]]:
    """Yield every answer that is wrong or an error, with framework, operator and metric."""
    for framework in view.frameworks:
        for name in OPERATORS:
            for metric in QUESTIONS:
                answer = view.sheets[framework.id].get((name, metric))
                if answer is not None and answer.status in ("wrong", "failed", "timeout"):
                    yield framework, name, metric, answer


@tabled("What did not work")
def _faults(view: View) -> Rows:
    for framework, name, metric, answer in _bad(view):
        yield {
            "Operator": Cell(name, detail=QUESTIONS[metric]),
            "Framework": view.named(framework, name, metric),
            "Answer": marked(answer.status),
            "Reason": tables.reason_cell(answer.reason),
        }


def suite_name(operator: str) -> str:
    """Return what data-apis/array-api-tests calls an operator: fft_rfft is its rfft."""
    return operator.removeprefix("linalg_").removeprefix("fft_")


def _second_opinion(view: View, sheets: Mapping[str, Sheet]) -> list[Block]:
    """Return where the test suite of the array API standard and this page differ."""
    functions = {suite_name(name): name for name in OPERATORS}
    counts, differences = [], []
    for framework in view.frameworks:
        sheet = sheets[framework.id]
        mine = [row for row in view.inputs.suite
                if row["framework"] == framework.id and row["function"] in functions]  # fmt: skip
        if not mine or not sheet.answers:
            continue
        same = len(mine)
        for row in mine:
            name, passes = functions[row["function"]], row["failed"] == "0"
            if sheet.right(name) == passes:
                continue
            same -= 1
            tests = int(row["passed"]) + int(row["failed"])
            release = freshness.label(framework, row["version"])
            status = sheet.answer(name, "forward").status
            differences.append(
                {
                    "Operator": Cell(name),
                    "Framework": Cell(
                        framework.name, None, view.link(framework.id, name, "forward"), release
                    ),
                    "This page": marked(status) if passes else marked("ok", "right"),
                    "The suite": Cell(
                        "all tests pass" if passes else f"{row['failed']} of {tests} tests fail"
                    ),
                }
            )
        release = freshness.label(framework, mine[0]["version"])
        counts.append(
            {
                "Framework": Cell(framework.name, detail=release),
                number("Functions in both"): _count(len(mine)),
                number("Same verdict"): _count(same),
                "Commit of the suite": Cell(mine[0]["suite"]),
            }
        )
    if not counts:
        return []
    tested = {row["framework"] for row in view.inputs.suite}
    return [
        view.block(
            "The array API's own test suite",
            "The array API standard has a test suite, data-apis/array-api-tests. It was run for the"
            " frameworks whose namespaces follow the standard, themselves or through"
            f" array-api-compat: {view.names(tested)}. It may fail what is right"
            " here: it also tests every data type, promotion, exact shapes of rare cases and"
            " in-place forms.",
            table("Agreement with the suite", counts),
            table("Where the verdicts differ", differences),
            stem="suite",
        )
    ]
