"""Pure: which framework suits which needs, weighed by the reader or by one of the presets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from generator import formatting
from generator.analysis.labels import DEVICES, machine_label
from generator.analysis.panels import Figures
from generator.pages import scoring
from generator.pages.inputs import Draw, Inputs, measured_on
from generator.pages.scoring import NEEDS, PRESETS, Preset, Scores, Standing
from generator.pages.tables import Cell, Column, Table, number, table

TITLE = "The chooser"
GROUP = "Final considerations"
ORDER = 1


def context(inputs: Inputs, known: Mapping[tuple[str, str], Figures], draw: Draw) -> dict[str, Any]:  # noqa: ARG001 - all pages are made alike
    """Return the context of the page."""
    names = {framework.id: framework.name for framework in inputs.catalog.frameworks}
    places = inputs.measured()
    scores = {
        place: scoring.scores(inputs.catalog.frameworks, known[place], inputs.today)
        for place in places
    }
    first = scores[places[0]] if places else None
    answers = [_answer(preset, first, names) for preset in PRESETS] if first else []
    return {
        "title": TITLE,
        "description": "Weigh what you need; the answer is groups of frameworks that no "
        "measurement distinguishes, with the evidence.",
        "finding": answers[0]["finding"] if answers else "Nothing is measured yet.",
        "answers": answers,
        "where": measured_on(inputs, known[places[0]]) if places else "",
        "table": _table(first, names) if first else None,
        "rules": table(
            "How each need is scored",
            ("Need", "Score, 0 to 1"),
            [(Cell(need.title), Cell(need.rule)) for need in NEEDS],
            plain=True,
        ),
        "most": scoring.MOST,
        "data": json.dumps(
            {
                "most": scoring.MOST,
                "needs": [{"id": need.id, "title": need.title} for need in NEEDS],
                "presets": [
                    {"title": preset.title, "weights": dict(preset.weights)} for preset in PRESETS
                ],
                "frameworks": names,
                "places": [
                    {"title": _place(inputs, *place), "scores": _plain(scores[place])}
                    for place in places
                ],
            },
            ensure_ascii=False, separators=(",", ":"),
        ),
    }  # fmt: skip


def _place(inputs: Inputs, machine: str, device: str) -> str:
    return f"{machine_label(inputs.document(machine, device))}: {DEVICES.get(device, device)}"


def _plain(scores: Scores) -> dict[str, dict[str, list[Any]]]:
    """Return framework -> need -> [value, low, high, text, address, known] for the browser."""

    def html(address: str) -> str:  # as the built site has it
        return address.replace(".md", ".html", 1)

    return {
        framework: {
            need: [one.value, one.low, one.high, one.text, html(one.address), one.known]
            for need, one in mine.items()
        }
        for framework, mine in scores.items()
    }


def _answer(preset: Preset, scores: Scores, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a preset and what suits it."""
    standings = scoring.rank(scores, preset.weights)
    weights = [f"{need.title.lower()} {preset.weights[need.id]}"
               for need in NEEDS if preset.weights.get(need.id)]  # fmt: skip
    return {
        "title": preset.title,
        "anchor": f"for-{preset.id}",
        "why": preset.why,
        "weights": formatting.listing(weights),
        "finding": finding(preset, standings, names),
        "table": _standings(preset, standings, scores, names),
    }


def finding(preset: Preset, standings: tuple[Standing, ...], names: Mapping[str, str]) -> str:
    """Say in one sentence who leads under a preset, and that a tie is one."""
    leaders = [names[one.framework] for one in standings if one.group == 0]
    what = f"{preset.title}: "
    if len(leaders) in (0, len(standings)):
        return f"{what}no measurement distinguishes the frameworks."
    if len(leaders) == 1:
        return f"{what}{leaders[0]} leads."
    return f"{what}{formatting.listing(leaders)} lead, and no measurement distinguishes them."


def _standings(
    preset: Preset, standings: tuple[Standing, ...], scores: Scores, names: Mapping[str, str]
) -> Table:
    rows = []
    for one in standings:
        mine = scores[one.framework]
        weighed = [need for need in NEEDS if preset.weights.get(need.id)]
        # What moved the total most, in either direction; as assets/chooser.js chooses.
        best = max(weighed, key=lambda need: preset.weights[need.id] * mine[need.id].value)
        worst = max(weighed, key=lambda need: preset.weights[need.id] * (1 - mine[need.id].value))
        missing = [need.title for need in weighed if not mine[need.id].known]
        tied = sum(other.group == one.group for other in standings) - 1
        interval = f"{one.low:.2f} to {one.high:.2f}" if one.high - one.low >= 0.005 else ""
        rows.append(
            (
                Cell(names[one.framework], strong=one.group == 0),
                Cell(f"{one.group + 1}", detail=f"tied with {tied} more" if tied else "")
                if one.group >= 0
                else Cell("none", detail=f"not measured: {formatting.listing(missing)}"),
                Cell(f"{one.value:.2f}", detail=interval),
                _reason(best.title, mine[best.id]),
                _reason(worst.title, mine[worst.id]) if worst != best else Cell("–"),
            )
        )
    columns = (
        "Framework", "Group", number("Total, of 1"), "Most in its favour", "Most against it",
    )  # fmt: skip
    return table(preset.title, columns, rows, plain=True)


def _reason(title: str, score: scoring.Score) -> Cell:
    return Cell(f"{title}: {score.text}", href=score.address)


def _table(scores: Scores, names: Mapping[str, str]) -> Table:
    """Every score: what any weights are applied to."""
    rows = [
        (
            Cell(names[framework]),
            *(
                Cell(f"{score.value:.2f}", round(score.value, 4), score.address, detail=score.text)
                for score in mine.values()
            ),
        )
        for framework, mine in scores.items()
    ]
    columns = [Column("Framework"), *(number(need.title) for need in NEEDS)]
    return table("Scores", columns, rows)
