"""Pure: pages of findings and blocks, for every machine and device alike.

Most of them ask what is possible: they have rows of questions and a column for each framework.
Every cell says something: where a process died before it was tested, the cell says that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator import formatting
from generator.analysis.cells import Cell as SampleCell
from generator.analysis.cells import aa_noises, compare, fitted, is_again
from generator.analysis.labels import lane_title
from generator.analysis.panels import Answer, Figures, Sheet
from generator.analysis.statistics import Ratio, Verdict, verdict
from generator.catalog import freshness
from generator.catalog.model import Catalog, Framework, Section
from generator.formatting import quantity
from generator.pages import tables, urls
from generator.pages.findings import judged, plain_summary, ratio_interval
from generator.pages.inputs import Inputs, Picture, facts, measured_on, tab_title
from generator.pages.parts import Block, Bullet, Part
from generator.pages.tables import DASH, Cell, Group, Matrix, Table, figure, marked, table
from generator.pages.urls import slug
from measurements.contract import NOT_WRITTEN, Metric

LINES = "Lines: 95 % intervals, within one run; without a line: one process."


@dataclass(frozen=True)
class Question:
    """One row of a matrix: what is asked, and the (case, metric) that answers it."""

    label: str
    detail: str
    case: str
    metric: str


@dataclass(frozen=True)
class View:
    """What the makers of blocks work with.

    ``sheets`` holds every framework of the catalog, also one that was not tested.
    """

    section: Section
    inputs: Inputs
    figures: Figures
    sheets: Mapping[str, Sheet]
    lane: str = ""
    """The only one looked at, where each lane is a part of the page."""

    @property
    def catalog(self) -> Catalog:
        """The folders."""
        return self.inputs.catalog

    @property
    def frameworks(self) -> tuple[Framework, ...]:
        """All frameworks, by name."""
        return self.catalog.frameworks

    def answer(self, framework: str, case: str, metric: str, process: str = "") -> Answer:
        """Return an answer; where a process died or never ran, one that says so.

        Args:
            framework: id of the framework.
            case: of the question.
            metric: of the question.
            process: case that the process was started for, where several cases shared it.

        """
        sheet = self.sheets[framework]
        if (found := sheet.get((case, metric))) is not None:
            return found
        headline = next(iter(self.section.metrics))
        for place in (process, "", case):
            whole = sheet.get((place, headline))
            if whole is not None and not whole.good:
                return whole
        if sheet:
            return Answer("skipped", None, "not reached: see the other answers", "")
        for gap in self.catalog.framework(framework).gaps:
            if gap.section == self.section.id:
                reason = f"{gap.reason} ({gap.source})" if gap.source else gap.reason
                return Answer(gap.status, None, reason, "")
        return Answer("skipped", None, "not tested on this machine yet", "")

    def facts(self, framework: str) -> dict[str, Any]:
        """Return what the newest processes of the section said about themselves."""
        return facts(self.inputs, self.figures, self.section.id, framework)

    def version(self, framework: str) -> str:
        """Return the release that answered, "" where none did."""
        return next((answer.version for answer in self.sheets[framework].values()), "")

    def link(self, framework: str, case: str = "", metric: str = "") -> str:
        """Return the address of the evidence of a framework, "" where there is none.

        That of one answer, where it was given: of the framework's page otherwise.
        """
        sheet = self.figures.answers.get(self.section.id, {}).get(framework)
        if sheet is None:
            return ""
        answer, anchor = sheet.get((case, metric)), ""
        if answer is not None and answer.mode and answer.lane:
            anchor = urls.anchor(
                self.figures.machine, answer.mode, self.figures.device, answer.lane, metric, case
            )
        return urls.evidence(self.section.id, framework, anchor)

    def cells(self, metric: str) -> Mapping[tuple[str, str], SampleCell]:
        """Return (framework, case) -> samples of one metric of the section."""
        return self._samples.get(metric, {})

    @functools.cached_property
    def _samples(self) -> dict[str, dict[tuple[str, str], SampleCell]]:
        found: dict[str, dict[tuple[str, str], SampleCell]] = {}
        for key, cell in self.figures.cells.items():
            if key.section == self.section.id and not is_again(key):
                found.setdefault(key.metric, {})[key.framework, key.case] = cell
        return found

    def compare(self, metric: str, first: str, second: str) -> dict[str, tuple[Ratio, Verdict]]:
        """Return framework -> (value of one case / value of another, verdict on the first).

        The intervals hold for all frameworks together.
        """
        keys = {
            key: cell
            for key, cell in self.figures.cells.items()
            if (key.section, key.metric) == (self.section.id, metric)
        }
        noises = aa_noises(keys)
        pair = {key: cell for key, cell in keys.items() if key.case in (first, second)}
        spreads = self.inputs.spreads
        known = fitted(pair, spreads, ("framework", "version", "mode", "case"))
        found = {}
        for key, cell in known.items():
            other = known.get(key._replace(case=second))
            if key.case == first and other is not None:
                ratio = compare(cell, other, spreads)
                found[key.framework] = ratio, verdict(ratio, noises[key.place])
        return found

    @property
    def columns(self) -> tuple[Cell, ...]:
        """The headings of a matrix: each framework and the release that answered."""
        return tuple(
            Cell(one.name, href=self.link(one.id), detail=self.version(one.id))
            for one in self.frameworks
        )

    def named(self, framework: Framework, case: str = "", metric: str = "") -> Cell:
        """Return the cell that names a framework, its release and, by :meth:`link`, evidence."""
        release = freshness.label(framework, self.version(framework.id))
        return Cell(framework.name, None, self.link(framework.id, case, metric), release)

    def block(
        self,
        heading: str,
        text: str,
        *tables: Table | Matrix | None,
        stem: str = "",
        picture: Picture | None = None,
        caption: str = "",
    ) -> Block:
        """Return a block whose anchor is unique on the page.

        Args:
            heading: what it is about.
            text: a sentence or a few.
            tables: below the picture.
            stem: of the anchor, by default that of the heading.
            picture: a chart.
            caption: of the chart.

        """
        pictures = (picture,) if picture else ()
        anchor = self.anchor(stem or slug(heading))
        return Block(heading, anchor, text, tables, pictures, caption)

    def name(self, stem: str) -> str:
        """Return a name for a chart's files."""
        return f"{self.section.id}-{self.anchor(stem)}"

    def anchor(self, stem: str) -> str:
        """Return an anchor for a heading, unique among the machines and devices of the page."""
        place = stem, self.figures.device, slug(self.figures.machine), self.lane
        return "-".join(filter(None, place))

    def value_cell(self, framework: str, case: str, metric: str) -> Cell:
        """Return a value with its interval and its evidence, or what happened instead."""
        answer, found = self.answer(framework, case, metric), self.cells(metric)
        if not answer.good or (framework, case) not in found:
            return DASH if answer.good else marked(answer.status)
        unit, link = self.section.metrics[metric].unit, self.link(framework, case, metric)
        return figure(plain_summary(found[framework, case]), unit, link)

    def matrix(
        self, label: str, questions: Sequence[Question], about: Mapping[str, str] = {}
    ) -> Matrix:
        """Return a row for each question and a column for each framework.

        Questions of one label are a group, unless each has a label of its own; ``about`` says what
        a label means.
        """
        rows: dict[str, list[tuple[Cell, ...]]] = {}
        grouped = len({question.label for question in questions}) < len(questions)
        for question in questions:
            first = Cell(question.label, detail=question.detail)
            if grouped:
                first = Cell(question.detail)
            asked, metric = (question.case, question.metric), self.section.metrics[question.metric]
            answers = (
                answer_cell(self.answer(one.id, *asked), self.link(one.id, *asked), metric)
                for one in self.frameworks
            )
            rows.setdefault(question.label if grouped else "", []).append((first, *answers))
        groups = [Group(name, about.get(name, ""), tuple(mine)) for name, mine in rows.items()]
        return tables.arranged(Matrix(label, "Question", self.columns, tuple(groups)))

    def _faults(
        self, questions: Sequence[Question], statuses: Collection[str], label: str
    ) -> Table | None:
        """Return every answer of some statuses with its reason, None where there is none.

        A reason is said once: what it answers, and for which frameworks, is gathered.
        """
        asked: dict[tuple[str, str, str], list[Question]] = {}
        for question in questions:
            for framework in self.frameworks:
                answer = self.answer(framework.id, question.case, question.metric)
                if answer.status in statuses:
                    place = framework.id, answer.status, answer.reason
                    asked.setdefault(place, []).append(question)
        said: dict[tuple[str, str, tuple[Question, ...]], list[str]] = {}
        for (id, status, reason), mine in asked.items():
            said.setdefault((status, reason, tuple(mine)), []).append(id)
        rows = []
        for (status, reason, same), ids in said.items():
            link = self.link(ids[0], same[0].case, same[0].metric) if len(ids) == 1 else ""
            rows.append(
                {
                    "What": _questions_cell(same, questions),
                    "Framework": Cell(self.names(ids), href=link),
                    "Answer": marked(status),
                    "Reason": tables.reason_cell(reason),
                }
            )
        return table(label, rows)

    def reasons(self, questions: Sequence[Question], *only: str) -> list[Block]:
        """Return the blocks that end a page: answers other than yes, or ``only`` some statuses."""
        return [
            self.block(heading, "", gathered)
            for heading, *statuses in (
                ("What did not work", "wrong", "failed", "timeout"),
                ("What is not supported", "unsupported"),
                ("What was not measured", "skipped"),
            )
            if (gathered := self._faults(questions, set(statuses) & set(only or statuses), heading))
        ]

    def names(self, ids: Iterable[str]) -> str:
        """Return the names of frameworks as a list in a sentence."""
        chosen = set(ids)
        return formatting.listing([f.name for f in self.frameworks if f.id in chosen])

    def who_can(self, *asked: tuple[str, str]) -> list[str]:
        """Return the frameworks that answered every (case, metric) with yes."""
        return [f.id for f in self.frameworks if all(self.answer(f.id, *one).good for one in asked)]

    def _tested(self, framework: str) -> bool:
        """Whether a framework answered; nobody knows what one could whose script is missing."""
        answer = self.answer(framework, "", "")
        known = bool(self.sheets[framework]) or answer.status != "skipped"
        return known and answer.reason != NOT_WRITTEN.reason

    def sentence(self, did: str, able: Sequence[str]) -> tuple[str, str]:
        """Return who did what ("ran", a tense without a plural), and that with who did not."""
        others = [id for id in self.sheets if id not in able and self._tested(id)]
        if not able or not others:
            who = f"None of the {len(others)}" if others else f"All {len(able)}"
            return who, f"{who} frameworks tested {did}."
        few = len(able) <= max(len(others), 5)
        who = self.names(able) if few else f"{len(able)} frameworks"
        rest = f"the other {len(others)}" if few and len(others) > 1 else self.names(others)
        return who, f"{who} {did}; {rest} did not."


Make = Callable[[View], tuple[tuple[str, str], Sequence[str | Bullet], Sequence[Block]]]
"""Returns the beginning of the answer that stands out, the answer, bullets, and blocks."""


def context(
    section: Section,
    inputs: Inputs,
    make: Make,
    *,
    lanes: Callable[[View], Sequence[str]] = lambda _: ("",),
    rows_of: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return the context of a page of blocks.

    Args:
        section: the section.
        inputs: see :class:`Inputs`.
        make: returns findings and blocks; a device without blocks is not on the page.
        lanes: of a device that are parts of their own.
        rows_of: section whose rows decide which devices the page looks at, by default its own.
        more: further entries of the context.

    """
    parts: list[Part] = []
    for machine, device in inputs.measured(rows_of or section.id):
        figures = inputs.figures[machine, device]
        asked = figures.answers.get(section.id, {})
        sheets = {f.id: asked.get(f.id, {}) for f in inputs.catalog.frameworks}
        device_view = View(section, inputs, figures, sheets)
        for lane in lanes(device_view):
            view = replace(device_view, lane=lane)
            (lead, answer), bullets, blocks = make(view)
            if not blocks:
                continue
            first, foot = blocks[0], measured_on(inputs, figures)
            if first.pictures:
                first, foot = replace(first, caption=f"{first.caption} {foot}"), ""
            parts.append(
                Part(
                    tab_title(inputs, machine, device, lane_title(lane) if lane else ""),
                    view.anchor(section.id),
                    answer,
                    foot,
                    (first,),
                    tuple(b if isinstance(b, Bullet) else Bullet(b) for b in bullets[:3]),
                    tuple(blocks[1:]),
                    lead,
                )
            )
    return {"parts": parts, "command": command(section), **more}


def command(section: Section) -> str:
    """Return the command that measures a section."""
    return f"generator measure --profile full --section {section.id}"


def answer_cell(answer: Answer, link: str, metric: Metric) -> Cell:
    """Return the cell of an answer in a matrix: its sign, and its value in words."""
    if not answer.good:
        return marked(answer.status, href=link)
    detail = ""
    if answer.value is not None:
        plain = metric.unit in ("s", "B")
        value = quantity(answer.value, metric.unit) if plain else f"{answer.value:.2g}"
        detail = f"{metric.title}: {value}"
    return marked("yes", href=link, detail=detail)


def ratio_cell(ratio: Ratio, verdict: str, words: tuple[str, str] = ("faster", "slower")) -> Cell:
    """Return a ratio with the verdict on it: faster and slower may be less and more of memory."""
    word = judged(ratio, verdict)
    interval = ratio_interval(ratio) or ("" if ratio.across else "one process")
    detail = ", ".join(filter(None, (interval, "across runs" if ratio.across else "")))
    return marked(
        dict(zip(("faster", "slower"), words, strict=True)).get(word, word),
        text=f"{ratio.value:.2f}\N{NO-BREAK SPACE}×",
        sort=ratio.value,
        detail=detail,
    )


def _questions_cell(mine: Sequence[Question], questions: Sequence[Question]) -> Cell:
    """Name the questions that share an answer."""
    labels = dict.fromkeys(question.label for question in mine)
    details = {question.detail for question in mine}
    every = {question.label for question in questions} if len(details) == 1 else questions
    text = "everything" if len(mine) == len(every) > 1 else "; ".join(labels)
    detail = details.pop() if len(details) == 1 else formatting.plural(len(mine), "question")
    return Cell(text, detail=detail)


def extremes(values: Mapping[str, float]) -> tuple[str, str]:
    """Return the names of the least and of the greatest value."""
    return min(values, key=lambda name: values[name]), max(values, key=lambda name: values[name])


def ends(values: Mapping[str, float], text: Callable[[float], str]) -> str:
    """Return the least and the greatest value with their names: "1 s in A to 2 s in B"."""
    return " to ".join(
        f"{text(values[name])} in {name}" for name in dict.fromkeys(extremes(values))
    )
