"""Pure: which framework suits which needs, weighed by the reader or by one of the presets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from generator import formatting
from generator.analysis.labels import DEVICES, machine_label
from generator.analysis.panels import Figures
from generator.pages import ranking, scoring
from generator.pages.inputs import Draw, Inputs, measured_on
from generator.pages.ranking import Firmness, Standing
from generator.pages.scoring import NEEDS, PRESETS, Need, Preset, Score, Scores
from generator.pages.tables import Cell, Column, Table, number, table

TITLE = "The chooser"
GROUP = "Final considerations"
ORDER = 1


class Names(NamedTuple):
    """What frameworks and their modes are called."""

    frameworks: Mapping[str, str]
    modes: Mapping[tuple[str, str], str]
    """(framework, mode) -> its title."""

    def mode(self, framework: str, mode: str) -> str:
        """Return the title of a mode; one without a folder has its id, and "" none."""
        return self.modes.get((framework, mode), mode)

    def label(self, one: Standing) -> str:
        """For example "Alder (compiled function)"."""
        name, mode = self.frameworks[one.framework], self.mode(one.framework, one.mode)
        return f"{name} ({mode})" if mode else name


def names_of(inputs: Inputs) -> Names:
    """Return what all frameworks and modes are called."""
    frameworks = inputs.catalog.frameworks
    return Names(
        {framework.id: framework.name for framework in frameworks},
        {(one.id, mode.id): mode.title for one in frameworks for mode in one.modes},
    )


def context(inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw) -> dict[str, Any]:  # noqa: ARG001 - all pages are made alike
    """Return the context of the page."""
    names = names_of(inputs)
    places = inputs.measured()
    scores = {place: scoring.scores(inputs, known[place]) for place in places}
    first = scores[places[0]] if places else None
    answers = [_answer(preset, first, names) for preset in PRESETS] if first else []
    return {
        "title": TITLE,
        "description": "Weigh what you need; the answer names who leads in which mode, who cannot "
        "be excluded, and how firm that is.",
        "finding": _finding(first, names) if first else "Nothing is measured yet.",
        "answers": answers,
        "where": measured_on(inputs, known[places[0]]) if places else "",
        "tables": _tables(first, names) if first else [],
        "rules": table(
            "How each need is scored",
            ("Need", "Score, 0 to 1"),
            [(Cell(need.title), Cell(need.rule)) for need in NEEDS],
            plain=True,
        ),
        "data": json.dumps(
            {
                "most": scoring.MOST,
                "evenly": ranking.EVENLY.T.tolist(),
                "needs": [
                    {"id": need.id, "title": need.title, "rule": need.rule} for need in NEEDS
                ],
                "presets": [
                    {"title": preset.title, "weights": dict(preset.weights)} for preset in PRESETS
                ],
                "frameworks": names.frameworks,
                "places": [
                    {"title": _place(inputs, *place), "scores": _plain(scores[place], names)}
                    for place in places
                ],
            },
            ensure_ascii=False, separators=(",", ":"),
        ),
    }  # fmt: skip


def _place(inputs: Inputs, machine: str, device: str) -> str:
    return f"{machine_label(inputs.document(machine, device))}: {DEVICES.get(device, device)}"


def _plain(scores: Scores, names: Names) -> dict[str, dict[str, Any]]:
    """Return framework -> the scores that all its modes share, and [title, others] of each mode.

    A score is [value, low, high, text, address, known].
    """

    def plain(mine: Mapping[str, Score], *, modes: bool) -> dict[str, list[Any]]:
        return {
            need.id: [one.value, one.low, one.high, one.text, html(one.address), one.known]
            for need in NEEDS
            if need.modes == modes and (one := mine[need.id])
        }

    def html(address: str) -> str:  # as the built site has it
        return address.replace(".md", ".html", 1)

    return {
        framework: {
            "common": plain(next(iter(modes.values())), modes=False),
            "modes": [
                [names.mode(framework, mode), plain(mine, modes=True)]
                for mode, mine in modes.items()
            ],
        }
        for framework, modes in scores.items()
    }


def _finding(scores: Scores, names: Names) -> str:
    """Say which framework has the best estimate for which presets."""
    best: dict[str, list[str]] = {}
    alone = 0
    for preset in PRESETS:
        first, *others = ranking.rank(scores, preset.weights)
        best.setdefault(names.frameworks[first.framework], []).append(f"“{preset.title}”")
        alone += all(one.group for one in others)
    said = [f"{name} for {formatting.listing(titles)}" for name, titles in best.items()]
    return (
        f"Who suits depends on what counts. Best estimates: {'; '.join(said)}. In {alone} of these"
        f" {len(PRESETS)} cases all other frameworks are excluded."
    )


def _answer(preset: Preset, scores: Scores, names: Names) -> dict[str, Any]:
    """Return a preset and what suits it."""
    standings = ranking.rank(scores, preset.weights)
    firm = ranking.firmness(scores, preset.weights)
    weights = [f"{need.title[0].lower()}{need.title[1:]} {preset.weights[need.id]}"
               for need in NEEDS if preset.weights.get(need.id)]  # fmt: skip
    return {
        "title": preset.title,
        "anchor": f"for-{preset.id}",
        "why": preset.why,
        "weights": formatting.listing(weights),
        "said": said(standings, firm, names, len(weights)),
        "table": _standings(preset, standings, firm, scores, names),
    }


def said(standings: Sequence[Standing], firm: Firmness, names: Names, needs: int) -> str:
    """Say who leads, who cannot be excluded, and how firm that is; as assets/chooser.js does.

    Args:
        standings: of :func:`generator.pages.ranking.rank`.
        firm: of the same weights.
        names: of frameworks and modes.
        needs: how many have a weight; that of a single one changes nothing.

    """
    first, *others = [names.label(one) for one in standings if one.group == 0]
    if len(others) + 1 == len(standings):
        text = f"{first} has the best estimate; no framework can be excluded."
    elif others:
        text = f"{first} has the best estimate; {formatting.listing(others)} cannot be excluded."
    else:
        text = f"{first} leads: its worst case beats the best case of all others."
    if needs > 1:
        text += f" The leading group stays the same in {_share(firm.same)} of nearby weightings."
    return text


def _share(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _standings(
    preset: Preset, standings: Sequence[Standing], firm: Firmness, scores: Scores, names: Names
) -> Table:
    """Return the table of an answer; as assets/chooser.js makes it.

    Args:
        preset: the weights.
        standings: under them.
        firm: of the same weights.
        scores: what is weighed.
        names: of frameworks and modes.

    """
    rows = []
    for one in standings:
        name, mode = names.frameworks[one.framework], names.mode(one.framework, one.mode)
        interval = f"{one.low:.2f} to {one.high:.2f}" if one.high - one.low >= 0.005 else ""
        rows.append(
            (
                Cell(name, strong=one.group == 0, detail=mode),
                Cell(f"{one.group + 1}"),
                Cell(f"{one.value:.2f}", detail=interval),
                Cell(_share(firm.leads[one.framework])),
                *_reasons(preset, scores[one.framework][one.mode]),
            )
        )
    columns = (
        "Framework", "Group", number("Total"), number("Leads nearby"), "Most in its favour",
        "Most against it",
    )  # fmt: skip
    return table(preset.title, columns, rows, plain=True)


def _reasons(preset: Preset, mine: Mapping[str, Score]) -> tuple[Cell, Cell]:
    """Return the known scores that moved a total most, up and down, and what is not known."""
    weighed = [need for need in NEEDS if preset.weights.get(need.id)]
    known = [need for need in weighed if mine[need.id].known]
    unknown = [need.title for need in weighed if not mine[need.id].known]
    missing = f"not measured: {formatting.listing(unknown)}" if unknown else ""
    if not known:
        return Cell("–"), Cell("–", detail=missing)

    def reason(need: Need, detail: str = "") -> Cell:
        one = mine[need.id]
        return Cell(
            f"{need.title}: {one.text} ({one.value:.2f} of 1)", href=one.address, detail=detail
        )

    best = max(known, key=lambda need: preset.weights[need.id] * mine[need.id].value)
    worst = max(known, key=lambda need: preset.weights[need.id] * (1 - mine[need.id].value))
    against = reason(worst, missing) if worst != best else Cell("–", detail=missing)
    return reason(best), against


def _tables(scores: Scores, names: Names) -> list[Table]:
    """Return every score: those of each mode, and those that all modes of a framework share."""
    own, common = ([need for need in NEEDS if need.modes == modes] for modes in (True, False))

    def cells(mine: Mapping[str, Score], needs: Sequence[Need]) -> list[Cell]:
        found = [mine[need.id] for need in needs]
        return [
            Cell(
                f"{one.value:.2f}" if one.known else "0 to 1",
                round(one.value, 4),
                one.address,
                detail=one.text,
            )
            for one in found
        ]

    by_mode = [
        (
            Cell(names.frameworks[framework]),
            Cell(names.mode(framework, mode)),
            *cells(mine, own),
        )
        for framework, modes in scores.items()
        for mode, mine in modes.items()
    ]
    shared = [
        (Cell(names.frameworks[framework]), *cells(next(iter(modes.values())), common))
        for framework, modes in scores.items()
    ]
    return [
        table(
            "Scores of each mode",
            [Column("Framework"), Column("Mode"), *(number(need.title) for need in own)],
            by_mode,
        ),
        table(
            "Scores of each framework",
            [Column("Framework"), *(number(need.title) for need in common)],
            shared,
        ),
    ]
