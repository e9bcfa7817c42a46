"""Pure: rules that judge claims by what frameworks can do, counts of lines, and sourced facts.

Each rule takes a :class:`Case`; ``test`` in ``measurements/claims.toml`` says what it does. What
was not tested, or not to its end, is neither for nor against.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.claim_evidence import (
    NOTHING,
    Case,
    Evidence,
    Rule,
    Side,
    Verdict,
    judged,
    ratio_text,
    sentence,
)
from generator.analysis.panels import Answer

_UNTESTED = ("skipped", "timeout")


def _tested(answer: Answer | None) -> bool:
    return answer is not None and answer.status not in _UNTESTED


def _side(*, yes: bool) -> Side:
    return "for" if yes else "against"


def untested(case: Case) -> Verdict:
    """Say what is missing."""
    return Verdict(NOTHING.word, sentence(case.raw["why"]))


def can(case: Case) -> Verdict:
    """Whether frameworks answer questions as the claim says: with yes to all, or with a no.

    ``expected`` says of which frameworks it claims yes (true) or no (false); ``asks`` lists
    [section, case, metric].
    """
    pieces = []
    for framework, expected in case.raw["expected"].items():
        said = [
            (what, case.figures.answers.get(section, {}).get(framework, {}).get((what, metric)))
            for section, what, metric in case.raw["asks"]
        ]
        bad = [
            f"{what}: {formatting.STATUS_WORDS[answer.status]}"
            for what, answer in said
            if answer and _tested(answer) and not answer.good
        ]
        side, text = _side(yes=expected), "yes"
        if bad:
            side, text = _side(yes=not expected), f"no ({', '.join(dict.fromkeys(bad))})"
        elif not all(_tested(answer) for _, answer in said):
            side, text = "missing", "not tested"
        pieces.append(Evidence(side, text, case.name(framework)))
    names: dict[str, list[str]] = {}
    for piece in pieces:
        names.setdefault(piece.text, []).append(piece.where)
    texts = [f"{text}: {formatting.listing(mine)}" for text, mine in names.items()]
    return judged(pieces, "; ".join(texts))


def _counted(case: Case, counts: Mapping[str, float], order: Iterable[str]) -> str:
    return ", ".join(
        f"{case.name(id)} {counts[id]:.0f}" if id in counts else f"{case.name(id)} not measured"
        for id in order
    )


def imperative_needs_more_lines(case: Case) -> Verdict:
    """Compare the length of LeNet in frameworks with an imperative mode with that in the others."""
    lines = case.figures.counts("lenet", "lines")
    panels = [panel for panel in case.figures.panels if panel.section == "lenet"]
    known = {(row.configuration.framework, row.configuration.kind)
             for panel in panels for row in panel.rows}  # fmt: skip
    eager = {id for id, kind in known if kind == "imperative"}
    ranked = sorted(lines, key=lambda name: (lines[name], name))
    without = [id for id in ranked if id not in eager]
    if not without:
        return NOTHING
    limit = float(np.median([lines[id] for id in without]))
    pieces = [Evidence(_side(yes=lines[id] > limit), id) for id in ranked if id in eager]
    text = (
        f"lines of LeNet: with an imperative mode"
        f" {_counted(case, lines, [piece.text for piece in pieces])}; without one"
        f" {_counted(case, lines, without)}, median {limit:.0f}"
    )
    if gone := sorted({id for id, _ in known} - lines.keys()):
        pieces += [Evidence("missing", id) for id in gone]
        text += f"; not counted: {formatting.listing(list(map(case.name, gone)))}"
    return judged(pieces, text)


_LINES = "lines from digits to a reloaded model: "


def shortest(case: Case) -> Verdict:
    """Whether the frameworks named need no more lines than the median at their easiest."""
    lines = case.figures.counts("highlevel", "lines")
    named = case.raw["frameworks"]
    if len(lines.keys() - set(named)) < 2:
        return NOTHING
    limit = float(np.median(list(lines.values())))
    pieces = [Evidence(_side(yes=lines[id] <= limit) if id in lines else "missing", id)
              for id in named]  # fmt: skip
    ranked = [
        *sorted(lines, key=lambda name: (lines[name], name)),
        *(id for id in named if id not in lines),
    ]
    return judged(pieces, f"{_LINES}{_counted(case, lines, ranked)}; median {limit:.0f}")


def line_order(case: Case) -> Verdict:
    """Whether the frameworks named need no fewer lines from one to the next."""
    lines, order = case.figures.counts("highlevel", "lines"), case.raw["order"]
    pieces = [
        Evidence(_side(yes=lines[a] <= lines[b]) if {a, b} <= lines.keys() else "missing", "")
        for a, b in itertools.pairwise(order)
    ]
    return judged(pieces, _LINES + _counted(case, lines, order))


def _right_operators(case: Case) -> dict[str, tuple[int, int, int]]:
    """Return framework -> operators with right values, those that may have them, and all.

    All are those that any framework was tested for.
    """
    sheets = case.figures.answers.get("operators", {})
    asked = {
        framework: {name: answer for (name, metric), answer in sheet.items()
                    if metric == "forward" and name and _tested(answer)}
        for framework, sheet in sheets.items()
    }  # fmt: skip
    every = len(set().union(*asked.values()))
    found = {}
    for framework, answers in asked.items():
        good = sum(answer.good for answer in answers.values())
        if answers:
            found[framework] = good, good + every - len(answers), every
    return found


def _operators(case: Case, ids: Iterable[str]) -> str:
    found, texts = _right_operators(case), []
    for id in ids:
        good, most, every = found.get(id, (0, 0, 0))
        untested = f" ({most - good} not tested)" if most > good else ""
        texts.append(f"{case.name(id)} {f'{good} of {every}' if every else 'not tested'}{untested}")
    return "operators with right values: " + ", ".join(texts)


def has_share(case: Case) -> Verdict:
    """Whether frameworks compute a share of the operators rightly."""
    found, pieces = _right_operators(case), []
    for id in case.raw["frameworks"]:
        good, most, every = found.get(id, (0, 0, 0))
        least = case.raw["share"] * every
        side: Side = "for" if good >= least else "against" if most < least else "open"
        pieces.append(Evidence(side if every else "missing", ""))
    return judged(pieces, _operators(case, case.raw["frameworks"]))


def share_order(case: Case) -> Verdict:
    """Whether frameworks compute fewer operators rightly from one to the next."""
    found, pieces = _right_operators(case), []
    for a, b in itertools.pairwise(case.raw["order"]):
        side: Side = "missing"
        if {a, b} <= found.keys():
            (good_a, most_a, _), (good_b, most_b, _) = found[a], found[b]
            side = "for" if good_a > most_b else "against" if most_a <= good_b else "open"
        pieces.append(Evidence(side, ""))
    return judged(pieces, _operators(case, case.raw["order"]))


def adding_is_hard(case: Case) -> Verdict:
    """Whether no way to add an operator is right, quick enough and short enough."""
    pieces = []
    for framework in case.raw["frameworks"]:
        ways = {way: _easy(case, framework, way) for way in ("python", "native")}
        easy = [f"{way}, {text}" for way, (side, text) in ways.items() if side == "against"]
        sides = {side for side, _ in ways.values()}
        side: Side = "for" if sides == {"for"} else "missing" if sides == {"missing"} else "open"
        text = "none" if side == "for" else "not shown" if side == "open" else "not tested"
        pieces.append(
            Evidence("against" if easy else side, "; ".join(easy) or text, case.name(framework))
        )
    listed = "; ".join(f"{piece.where} {piece.text}" for piece in pieces)
    return judged(pieces, f"ways within the limits: {listed}")


def _easy(case: Case, framework: str, way: str) -> tuple[Side, str]:
    """Return what a way to add an operator says of "it is hard", and how long and slow it is."""
    sheet = case.figures.answers.get("custom", {}).get(framework, {})
    answers = [sheet.get((way, m)) for m in ("forward", "gradient", "captured", "used", "written")]
    if any(answer and _tested(answer) and not answer.good for answer in answers):
        return "for", ""
    cell = next((cell for key, cell in case.figures.cells.items() if
                 (key.framework, key.section, key.case, key.metric)
                 == (framework, "custom", way, "slowdown")), None)  # fmt: skip
    written = answers[-1].value if answers[-1] else None
    if cell is None or written is None or not all(map(_tested, answers)):
        return "missing", ""
    slow = models.summary(cell)
    text = f"{written:.0f} lines, {ratio_text(slow)} tanh"
    if written > case.raw["lines"] or slow.low > case.raw["times"]:
        return "for", text
    return ("against" if slow.high <= case.raw["times"] else "open"), text


def _r_package(case: Case, framework: str) -> bool | None:
    """Return whether there is an R package of a framework; None where nobody has looked."""
    known = case.frameworks.get(framework)
    fact = known.facts.get("r_package") if known else None
    return None if fact is None else fact.value != "none"


def _packages(case: Case, ids: Sequence[str]) -> str:
    """Say which R packages there are of some frameworks, and what R has driven here."""
    said: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for id in ids:
        has = _r_package(case, id)
        package = f" ({case.frameworks[id].facts['r_package'].value})" if has else ""
        said[has].append(case.name(id) + package)
    labels = {True: "", False: "none known of ", None: "nobody looked for one of "}
    parts = [labels[has] + formatting.listing(names) for has, names in said.items() if names]
    rows = (row for panel in case.figures.panels if panel.section == "r" for row in panel.good)
    driven = {row.configuration.framework for row in rows}
    names = formatting.listing([case.name(id) for id in ids if id in driven]) or "none"
    return (
        f"R packages (sourced): {'; '.join(parts)}. Python driven from R through reticulate"
        f" (measured): {names}"
    )


def no_r_package(case: Case) -> Verdict:
    """Whether there is no R package of the frameworks named."""
    pieces = []
    for id in case.raw["frameworks"]:
        has = _r_package(case, id)
        pieces.append(Evidence("missing" if has is None else _side(yes=not has), ""))
    return judged(pieces, _packages(case, case.raw["frameworks"]))


def only_r_package(case: Case) -> Verdict:
    """Whether there is an R package of one framework and of no other."""
    name = case.raw["framework"]
    own = _r_package(case, name)
    others = {_r_package(case, id) for id in case.frameworks if id != name}
    rest: Side = (
        "against" if True in others else "missing" if None in others or not others else "for"
    )
    pieces = [Evidence("missing" if own is None else _side(yes=own), ""), Evidence(rest, "")]
    return judged(pieces, _packages(case, sorted(case.frameworks)))


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        untested, can, imperative_needs_more_lines, shortest, line_order, has_share, share_order,
        adding_is_hard, no_r_package, only_r_package,
    )
}  # fmt: skip
"""Rules by the name that ``claims.toml`` calls them by."""
