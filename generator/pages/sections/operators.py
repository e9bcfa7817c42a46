"""Pure: which operators each framework offers, and whether they compute what they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.analysis.panels import Answer, Figures
from generator.catalog import freshness
from generator.pages import question_page, tables
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.pages.inputs import Draw, Inputs
from generator.pages.question_page import Block, Question, View
from generator.pages.tables import Badge, Cell, Column, Table
from generator.pages.urls import slug
from measurements import operators

if TYPE_CHECKING:
    from generator.catalog.model import Framework, Section

LISTED = operators.OPERATORS
QUESTIONS = {
    "forward": "values",
    "gradient": "gradient",
    "captured": "captured mode",
    "edges": "empty arrays, NaN, infinity",
}


def context(
    section: Section, inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw
) -> dict[str, Any]:
    """Return the context of the page."""
    made = question_page.context(section, inputs, known, draw, _make)
    return made | {"operators": len(LISTED), "families": len(operators.families())}


class Sheet:
    """What one framework answered about every operator."""

    def __init__(self, view: View, framework: str) -> None:
        self._view, self._framework = view, framework

    def answer(self, name: str, metric: str) -> Answer:
        """Return the answer to one question about an operator."""
        return self._view.answer(self._framework, name, metric, LISTED[name].family)

    def right(self, name: str) -> bool:
        """Whether an operator is there and its ordinary values are right."""
        return self.answer(name, "forward").good

    def failing(self, name: str) -> list[str]:
        """Return what else was asked about a right operator and not answered rightly."""
        bad = []
        for metric in ("gradient", "captured", "edges"):
            found = self._view.sheets[self._framework].get((name, metric))
            if found is not None and found.status not in ("ok", "skipped"):
                bad.append(metric)
        return bad

    def single(self, name: str) -> bool:
        """Whether one public function does it."""
        count = self.answer(name, "composed").value
        return self.right(name) and count is not None and count <= 1


def _make(view: View) -> tuple[list[str], list[Block]]:
    sheets = {f.id: Sheet(view, f.id) for f in view.frameworks}
    right = {id: sum(map(sheet.right, LISTED)) for id, sheet in sheets.items()}
    single = {id: sum(map(sheet.single, LISTED)) for id, sheet in sheets.items()}
    most = max(right.values(), default=0)
    leaders = [id for id in right if right[id] == most]
    wrong = sum(
        view.answer(f.id, name, metric).status == "wrong"
        for f in view.frameworks
        for name in LISTED
        for metric in QUESTIONS
        if (name, metric) in view.sheets[f.id]
    )
    findings = [
        f"{question_page.names(view, leaders)} {'offers' if len(leaders) == 1 else 'offer'} most of"
        f" the {len(LISTED)} operators asked for with right values: {most}.",
        f"{formatting.plural(wrong, 'answer')} of all frameworks differ from the reference.",
    ]
    blocks = [
        _coverage(view, sheets, right, single),
        _matrix(view, sheets),
        *_wrong(view),
        *_second_opinion(view, sheets),
    ]
    return findings, blocks


def _coverage(
    view: View,
    sheets: Mapping[str, Sheet],
    right: Mapping[str, int],
    single: Mapping[str, int],
) -> Block:
    ranked = sorted(view.frameworks, key=lambda f: (-right[f.id], f.id))
    marks = [
        Mark(f.name, f.name, "", float(right[f.id]), None, None, str(right[f.id]),
                    float(single[f.id]))
        for f in ranked
        if view.sheets[f.id]
    ]  # fmt: skip
    pictures = []
    if marks:
        first, last = marks[0], marks[-1]
        title = (
            f"Of {len(LISTED)} operators {first.label} computes {first.text}, {last.label}"
            f" {last.text}."
        )
        chart = intervals.intervals(
            view.name("coverage"), title, marks, axis="operators with right values",
            frameworks=[f.name for f in view.frameworks], better="higher", log=False,
        )  # fmt: skip
        pictures.append(view.draw(chart))
    rows = []
    for family in operators.families():
        mine = [o.name for o in LISTED.values() if o.family == family]
        rows.append(_share_row(view, family, len(mine), {
            f.id: sum(map(sheets[f.id].right, mine)) for f in view.frameworks}))  # fmt: skip
    rows.append(_share_row(view, "all", len(LISTED), right))
    families = Table("Right values by family", (Column("Family"), *_numbers(view)), tuple(rows))
    return Block(
        "Coverage", view.anchor("coverage"),
        "Counted is an operator whose values are right on every ordinary input, as one public"
        " function or composed of a few in one line.",
        tuple(pictures),
        "Filled: right values. Open: by one public function, without composing.",
        (families, _questions(view, sheets, ranked, right, single)),
    )  # fmt: skip


def _numbers(view: View) -> list[Column]:
    return [Column(framework.name, number=True) for framework in view.frameworks]


def _share_row(view: View, name: str, asked: int, counts: Mapping[str, int]) -> tuple[Cell, ...]:
    cells = [Cell(name, detail=f"{asked} operators")]
    for framework in view.frameworks:
        count = counts[framework.id]
        if view.sheets[framework.id]:
            cells.append(Cell(str(count), sort=float(count), strong=count == asked))
        else:
            cells.append(Cell("–", detail="not asked"))
    return tuple(cells)


def _questions(
    view: View,
    sheets: Mapping[str, Sheet],
    ranked: Sequence[Framework],
    right: Mapping[str, int],
    single: Mapping[str, int],
) -> Table:
    rows = []
    for framework in ranked:
        sheet, cells = view.sheets[framework.id], []
        if not sheet:
            rows.append((Cell(framework.name), *[Cell("–", detail="not asked")] * 5))
            continue
        for metric in ("gradient", "captured", "edges"):
            asked = [
                sheet[name, metric]
                for name in LISTED
                if (name, metric) in sheet and sheet[name, metric].status != "skipped"
                if sheets[framework.id].right(name)
            ]
            good = sum(answer.good for answer in asked)
            cells.append(Cell(f"{good} of {len(asked)}", sort=float(good)))
        rows.append(
            (
                Cell(framework.name, None, view.link(framework.id), view.release(framework.id)),
                Cell(str(right[framework.id]), sort=float(right[framework.id])),
                Cell(str(single[framework.id]), sort=float(single[framework.id])),
                *cells,
            )
        )  # fmt: skip
    columns = (
        Column("Framework"),
        Column("Right values", number=True),
        Column("by one function", number=True),
        Column("Right gradient", number=True),
        Column("Right when captured", number=True),
        Column("Right at the edges", number=True),
    )
    return Table("Of the operators with right values", columns, tuple(rows))


_WHOLE = Badge("✓", "right", "good")
_COMPOSED = Badge("∘", "composed", "good")
_GONE = {"gradient": "gradient", "captured": "captured", "edges": "edges"}


def _matrix(view: View, sheets: Mapping[str, Sheet]) -> Block:
    rows = []
    for operator in LISTED.values():
        cells = [Cell(operator.name, source=operator.source), Cell(operator.family)]
        for framework in view.frameworks:
            cells.append(_cell(sheets[framework.id], operator.name))
        rows.append(tuple(cells))
    table = Table(
        "Every operator in every framework",
        (Column("Operator"), Column("Family"), *question_page.framework_columns(view)),
        tuple(rows),
    )
    links = formatting.listing([f.name for f in view.frameworks if view.link(f.id)])
    return Block(
        "Every operator", view.anchor("matrix"),
        "✓ right in everything that was asked; ∘ the same, composed of several functions; ± right"
        " values, but something else is not, which the cell names; ≠ other values; ✕ an error; –"
        f" not offered. How each one is spelled stands with the evidence of {links}.",
        (), "", (table,),
    )  # fmt: skip


def _cell(sheet: Sheet, name: str) -> Cell:
    answer = sheet.answer(name, "forward")
    if not answer.good:
        badge = tables.badge(answer.status)
        word = question_page.SHORT[answer.status]
        return Cell("", sort=0.0, badge=Badge(badge.sign, word, badge.tone))
    bad = sheet.failing(name)
    if bad:
        words = formatting.listing([_GONE[metric] for metric in bad])
        return Cell("", sort=1.0, badge=Badge("±", words, "middle"))
    return Cell("", sort=3.0 if sheet.single(name) else 2.0,
                badge=_WHOLE if sheet.single(name) else _COMPOSED)  # fmt: skip


def suite_name(operator: str) -> str:
    """Return what data-apis/array-api-tests calls an operator: fft_rfft is its rfft."""
    return operator.removeprefix("linalg_").removeprefix("fft_")


def _second_opinion(view: View, sheets: Mapping[str, Sheet]) -> list[Block]:
    """Return where the test suite of the array API standard and this page differ."""
    functions = {suite_name(name): name for name in LISTED}
    counts, rows = [], []
    for framework in view.frameworks:
        mine = [r for r in view.inputs.suite if r["framework"] == framework.id
                and r["function"] in functions]  # fmt: skip
        if not mine or not view.sheets[framework.id]:
            continue
        differ = []
        for row in mine:
            name = functions[row["function"]]
            ours, theirs = sheets[framework.id].right(name), row["failed"] == "0"
            if ours != theirs:
                differ.append(name)
                said = f"{row['failed']} of {int(row['passed']) + int(row['failed'])} tests fail"
                answer = sheets[framework.id].answer(name, "forward")
                rows.append(
                    (
                        Cell(name),
                        Cell(
                            framework.name,
                            detail=freshness.words(framework, row["version"]),
                            href=view.link(framework.id, name, "forward"),
                        ),
                        Cell("", badge=_WHOLE if ours else tables.badge(answer.status)),
                        Cell("all tests pass" if theirs else said),
                    )
                )
        counts.append(
            (
                Cell(framework.name, detail=freshness.words(framework, mine[0]["version"])),
                Cell(str(len(mine)), sort=float(len(mine))),
                Cell(str(len(mine) - len(differ)), sort=float(len(mine) - len(differ))),
                Cell(mine[0]["suite"]),
            )
        )
    if not counts:
        return []
    numbers = (
        Column("Framework"), Column("Functions in both", number=True),
        Column("Same verdict", number=True), Column("Commit of the suite"),
    )  # fmt: skip
    found = [Table("Agreement with the suite", numbers, tuple(counts))]
    if rows:
        titles = ("Operator", "Framework", "This page", "The suite")
        found.append(Table("Where the verdicts differ", tuple(map(Column, titles)), tuple(rows)))
    text = (
        "The array API standard has a test suite, data-apis/array-api-tests. It was run for the two"
        " frameworks whose namespaces follow the standard: PyTorch through array-api-compat, and"
        " jax.numpy. It asks for more than this page does (every data type, promotion, exact"
        " shapes of rare cases, and in-place forms), so it may fail what is right here."
    )
    anchor = view.anchor("suite")
    return [Block("A second opinion", anchor, text, (), "", tuple(found))]


def _wrong(view: View) -> list[Block]:
    asked = [
        Question(name, words, name, metric)
        for name in LISTED
        for metric, words in QUESTIONS.items()
    ]
    here = [
        q
        for q in asked
        if any(
            view.sheets[f.id].get((q.case, q.metric)) is not None
            and view.sheets[f.id][q.case, q.metric].status in ("wrong", "failed", "timeout")
            for f in view.frameworks
        )
    ]
    found = []
    for statuses, heading, text in (
        (("wrong",), "What is wrong", "An answer was given, and it is not the reference's."),
        (
            ("failed", "timeout"),
            "What raises an error",
            "Functions that are there and do not accept an input, or have no gradient for it.",
        ),
    ):
        table = _fault_table(view, here, statuses, heading)
        if table is not None:
            anchor = view.anchor(slug(heading))
            found.append(Block(heading, anchor, text, (), "", (table,)))
    return found


def _fault_table(
    view: View, asked: Sequence[Question], statuses: Sequence[str], label: str
) -> Table | None:
    rows = []
    for framework in view.frameworks:
        sheet = view.sheets[framework.id]
        for question in asked:
            answer = sheet.get((question.case, question.metric))
            if answer is not None and answer.status in statuses:
                rows.append(
                    (
                        Cell(question.case, detail=question.detail),
                        Cell(
                            framework.name,
                            None,
                            view.link(framework.id, question.case, question.metric),
                            view.release(framework.id),
                        ),
                        question_page.reason_cell(answer.reason),
                    )
                )
    if not rows:
        return None
    return Table(label, (Column("Operator"), Column("Framework"), Column("What happened")),
                 tuple(rows))  # fmt: skip
