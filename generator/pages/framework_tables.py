"""Pure: what folders say of their frameworks -> facts, modes, gaps, and the page of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from generator import formatting
from generator.analysis.labels import TOPICS, lane_label
from generator.analysis.panels import Figures
from generator.catalog.model import Fact, Framework, Gap, Section
from generator.formatting import STATUS_WORDS
from generator.pages.inputs import Inputs, main_figures
from generator.pages.parts import Block, Part
from generator.pages.scoring import NEEDS
from generator.pages.tables import Cell, Rows, Table, table, tabled

EXECUTES = {"symbolic": "as a graph", "imperative": "eagerly"}
"""How a mode of each kind executes."""

DIVISIONS = {"closed": "like the others", "idiomatic": "as documented"}
"""How a mode of each division is written."""

MAKERS = ("creator", "status", "successor")
RELEASES = ("licence", "languages", "first_release", "last_release")
USE = ("interfaces", "r_package", "execution")
FACTS = (*MAKERS, *RELEASES, *USE)
"""What pages ask of every framework; a folder states what somebody has read."""

QUESTIONS = {need.section: need.title for need in NEEDS if need.section} | TOPICS
"""What sections are called where a framework lacks something."""

NOT_STATED = "not stated yet"


def of_kind(frameworks: Sequence[Framework], kind: str) -> tuple[Framework, ...]:
    """Return the frameworks that have a mode of a kind, "symbolic" or "imperative"."""
    return tuple(f for f in frameworks if any(mode.kind == kind for mode in f.modes))


Own = Callable[[tuple[Framework, ...], Figures | None, Part], Part]
"""(frameworks of a kind, figures of the main machine and device, the page) -> as it answers."""


def context(
    section: Section,  # noqa: ARG001 - pages are made alike
    inputs: Inputs,
    *,
    kind: str,
    own: Own,
) -> dict[str, Any]:
    """Return the context of the page about the frameworks of a kind; nothing is drawn.

    Args:
        section: the section.
        inputs: what pages are made of.
        kind: "symbolic" or "imperative".
        own: gives the page its answer and what else it says.

    """
    frameworks = of_kind(inputs.catalog.frameworks, kind)
    days = [fact.read for f in frameworks for fact in f.facts.values() if fact.read]
    read = f", read until {formatting.day(max(days).isoformat())}" if days else ""
    said = f"Each fact links to the page that says so{read}."
    makers = _facts("Who makes them", frameworks, MAKERS)
    part = Part(
        "", kind, "", "",
        (Block("Who makes them", "who-they-are", said, (makers,)),),
        (),
        (
            Block("Releases", "releases", "", (_facts("Releases", frameworks, RELEASES),)),
            Block("How they are used", "use", "", (_facts("How they are used", frameworks, USE),)),
            Block("How they execute", "how-they-execute", "", (modes_table(frameworks, kind),)),
        ),
    )  # fmt: skip
    return {"parts": [own(frameworks, main_figures(inputs), part)], "command": ""}


def _facts(label: str, frameworks: Sequence[Framework], ids: Sequence[str]) -> Table | None:
    rows = (
        {"Framework": Cell(framework.name, href=f"frameworks/{framework.id}.md", strong=True)}
        | {fact_title(id): fact_cell(framework.facts.get(id)) for id in ids}
        for framework in frameworks
    )
    return table(label, rows, plain=True)


def fact_title(id: str) -> str:
    """Return the heading of a fact."""
    return id.replace("_", " ").capitalize()


def fact_cell(fact: Fact | None) -> Cell:
    """Return what a source says, with the source, or that nobody has stated it yet."""
    if fact is None:
        return Cell(NOT_STATED)
    value = fact.value if isinstance(fact.value, str) else formatting.listing(fact.value)
    return Cell(value, detail=fact.note, source=fact.source)


def modes_table(frameworks: Sequence[Framework], kind: str) -> Table | None:
    """Return the modes of a kind, one row each; of one framework, with ``kind`` "", all of them."""
    rows = []
    for framework in frameworks:
        titles = {mode.id: mode.title for mode in framework.modes}
        for mode in framework.modes:
            if kind not in ("", mode.kind):
                continue
            same = f"the same program as {titles[mode.captures]}" if mode.captures else ""
            default = "default mode" if mode.default else ""
            if mode.default_on:
                default = f"default mode on {' and '.join(mode.default_on).upper()}"
            fault = mode.fault
            lanes = [lane_label(lane) for lane in fault.lanes] if fault else []
            wrong = f"wrong results{''.join(f', {one}' for one in lanes)}: " if fault else ""
            devices = "/".join(mode.devices).upper()
            name = Cell(mode.title, detail=default)
            how = {"Runs": Cell(EXECUTES[mode.kind], detail=devices)}
            if kind:
                name = Cell(f"{framework.name}, {mode.title}")
                how = {"Written": Cell(DIVISIONS[mode.division], detail=devices)}
            what = Cell(
                mode.summary or NOT_STATED,
                detail=wrong + fault.reason if fault else same,
                source=fault.source if fault else "",
            )
            rows.append({"Mode": name, "What it is": what, **how})
    return table("Modes of execution", rows, plain=not kind)


def gaps(framework: Framework) -> Iterator[tuple[str, Gap]]:
    """Yield what a framework declares that it cannot do, a reason once: of what, and the gap."""
    titles = {mode.id: mode.title for mode in framework.modes}
    said: dict[Gap, list[str]] = {}
    for gap in framework.gaps:
        words = QUESTIONS.get(gap.section, gap.section), titles.get(gap.mode)
        same = replace(gap, section="", mode="")
        said.setdefault(same, []).append(", ".join(filter(None, words)) or "everything")
    for gap, what in said.items():
        device = f" ({gap.device.upper()})" if gap.device else ""
        yield f"{'; '.join(what)}{device}", gap


@tabled("Declared gaps", plain=True)
def gaps_table(frameworks: Sequence[Framework]) -> Rows:
    """Return what frameworks declare that they cannot do; a single one is not named again."""
    for framework in frameworks:
        for what, gap in gaps(framework):
            how, versions = STATUS_WORDS[gap.status], ", ".join(gap.versions)
            about = Cell(what, detail=f"{how} in {versions}" if versions else how)
            name = {} if len(frameworks) == 1 else {"Framework": Cell(framework.name)}
            yield name | {"What": about, "Why": Cell(gap.reason, source=gap.source)}
