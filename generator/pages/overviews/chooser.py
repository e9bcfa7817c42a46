"""Pure: which framework suits which needs, weighed by the reader or by one of the presets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from generator import formatting
from generator.analysis import panels as models
from generator.analysis.labels import DEVICES, machine_label
from generator.catalog.model import Catalog
from generator.pages import ranking, scoring
from generator.pages.findings import listed
from generator.pages.inputs import Inputs, measured_on
from generator.pages.parts import Block
from generator.pages.ranking import Firmness, Standing
from generator.pages.scoring import NEEDS, PRESETS, SCALE, Need, Preset, Score, Scores
from generator.pages.tables import Cell, Table, number, table

TITLE = "The chooser"
GROUP = "Final considerations"
ORDER = 1


def label(catalog: Catalog, one: Standing) -> str:
    """For example "Alder (compiled function)"."""
    return models.configuration(catalog, one.framework, "", one.mode).label


def _mode(catalog: Catalog, framework: str, mode: str) -> str:
    return models.configuration(catalog, framework, "", mode).mode_title


def context(inputs: Inputs) -> dict[str, Any]:
    """Return the context of the page."""
    catalog = inputs.catalog
    places = inputs.measured()
    scores = {place: scoring.scores(inputs, inputs.figures[place]) for place in places}
    first = scores[places[0]] if places else None
    name = "How each need is scored"
    rules = ({"Need": Cell(need.title), "Score, 0 to 1": Cell(need.rule)} for need in NEEDS)
    return {
        "title": "Which framework suits you?",
        "description": "Weigh what you need: the answer, how firm it is, and why not another.",
        "answers": [_answer(preset, first, catalog) for preset in PRESETS] if first else [],
        "where": measured_on(inputs, inputs.figures[places[0]]) if places else "",
        "firm": formatting.listing(
            [f"{word.lower()} from {_share(least)}" for least, word in ranking.FIRM if least]
        ),
        "folds": (
            *([_every_score(first, catalog)] if first else []),
            Block(name, "rules", tables=(table(name, rules, plain=True),)),
        ),
        "data": json.dumps(
            {
                "scale": SCALE,
                "firm": ranking.FIRM,
                "named": NAMED,
                "evenly": ranking.EVENLY.T.tolist(),
                "needs": [
                    {"id": need.id, "title": need.title, "noun": need.noun, "rule": need.rule,
                     "question": need.question}
                    for need in NEEDS
                ],
                "presets": [
                    {"anchor": _anchor(preset), "weights": dict(preset.weights)}
                    for preset in PRESETS
                ],
                "frameworks": {one.id: one.name for one in catalog.frameworks},
                "places": [
                    {"title": _place(inputs, *place), "scores": _plain(scores[place], catalog)}
                    for place in places
                ],
            },
            ensure_ascii=False, separators=(",", ":"),
        ),
    }  # fmt: skip


def _anchor(preset: Preset) -> str:
    return f"for-{preset.id}"


def _place(inputs: Inputs, machine: str, device: str) -> str:
    return f"{machine_label(inputs.document(machine, device))}: {DEVICES.get(device, device)}"


def _plain(scores: Scores, catalog: Catalog) -> dict[str, list[Any]]:
    """Return framework -> of each mode [title, need -> value, low, high, text, address, known]."""

    def plain(one: Score) -> list[Any]:  # the address as the built site has it
        href = one.address.replace(".md", ".html", 1)
        return [one.value, one.low, one.high, one.text, href, one.known]

    return {
        framework: [
            [_mode(catalog, framework, mode), {need: plain(one) for need, one in mine.items()}]
            for mode, mine in modes.items()
        ]
        for framework, modes in scores.items()
    }


def _answer(preset: Preset, scores: Scores, catalog: Catalog) -> dict[str, Any]:
    """Return a preset and what suits it."""
    standings = ranking.rank(scores, preset.weights)
    firm = ranking.firmness(scores, preset.weights)
    return {
        "title": preset.title,
        "anchor": _anchor(preset),
        "why": preset.why,
        "lead": label(catalog, standings[0]),
        "said": said(standings, firm, catalog, len(preset.weights)),
        "tables": (
            _adds(preset, standings[:2], scores, catalog),
            _others(preset, standings, firm, scores, catalog),
        ),
    }


def said(standings: Sequence[Standing], firm: Firmness, catalog: Catalog, needs: int) -> str:
    """Say what suits best, who comes next, and how firm that is; as assets/chooser.js does.

    Args:
        standings: of :func:`generator.pages.ranking.rank`.
        firm: of the same weights.
        catalog: for the names of frameworks and modes.
        needs: how many have a weight; that of a single one changes nothing.

    """
    first, *others = standings
    tied = [catalog.framework(one.framework).name for one in others if one.group == 0]
    text = f"{label(catalog, first)} suits these weights best"
    if not others:
        text += "; no other is measured."
    elif len(tied) == len(others):
        text += "; no other can be excluded."
    elif tied:
        text += f"; {listed(tied, NAMED)} cannot be excluded."
    else:
        text += f"; {catalog.framework(others[0].framework).name} comes next, and is excluded."
    if needs > 1:
        share = firm.leads[first.framework]
        word = next(word for least, word in ranking.FIRM if share >= least)
        text += f" {word}: it stays in front for {_share(share)} of nearby weights."
    return text


NAMED = 5
"""Frameworks that a sentence names before it counts."""


def _share(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _adds(
    preset: Preset, pair: Sequence[Standing], scores: Scores, catalog: Catalog
) -> Table | None:
    """Return what each need adds to the totals of the answer and the runner-up."""
    weights = preset.weights
    total, heaviest = sum(weights.values()), max(weights.values())

    def cell(one: Standing, need: Need) -> Cell:
        mine, weight = scores[one.framework][one.mode][need.id], weights[need.id]
        added = f"{weight * mine.value / total:.2f} of" if mine.known else "0 to"
        return Cell(
            mine.text,
            href=mine.address,
            detail=f"{added} {weight / total:.2f}",
            bar=round(100 * weight * mine.value / heaviest) if mine.known else None,
        )

    rows = (
        {"What each need adds": Cell(need.title, detail=SCALE[weights[need.id]])}
        | {catalog.framework(one.framework).name: cell(one, need) for one in pair}
        for need in NEEDS
        if weights.get(need.id)
    )
    return table(f"What each need adds: {preset.title}", rows, plain=True)


def _others(
    preset: Preset, standings: Sequence[Standing], firm: Firmness, scores: Scores, catalog: Catalog
) -> Table | None:
    """Return all totals, and why it is not one of the others."""
    best = scores[standings[0].framework][standings[0].mode]
    rows = []
    for one in standings:
        interval = f"{one.low:.2f} to {one.high:.2f}" if one.high - one.low >= 0.005 else ""
        nearby = f"in front: {_share(firm.leads[one.framework])}"
        rows.append({
            "Framework": Cell(catalog.framework(one.framework).name, strong=one.group == 0,
                              detail=_mode(catalog, one.framework, one.mode)),
            "Total, and share of nearby weights in front": Cell(
                f"{one.value:.2f}", bar=round(100 * one.value),
                detail=", ".join(filter(None, (interval, nearby))),
            ),
            "Why not this one?": why_not(preset.weights, scores[one.framework][one.mode], best),
        })  # fmt: skip
    return table(f"Why not another: {preset.title}", rows, plain=True)


def why_not(
    weights: Mapping[str, int], mine: Mapping[str, Score], best: Mapping[str, Score]
) -> Cell:
    """Say where a framework loses most against the answer, and what is not known of it."""
    if mine is best:
        return Cell("It suits best.")
    missing = [need.noun for need in NEEDS if weights.get(need.id) and not mine[need.id].known]
    unknown = f"Not known: {formatting.listing(missing)}." if missing else ""
    if (need := ranking.loss(mine, best, weights)) is None:
        return Cell(unknown or "Nothing measured separates it.")
    one, other = mine[need.id], best[need.id]
    return Cell(f"{need.title}: {one.text} against {other.text}.", href=one.address, detail=unknown)


def _every_score(scores: Scores, catalog: Catalog) -> Block:
    """Return the scores of each mode of each framework."""

    def cell(one: Score) -> Cell:
        shown = f"{one.value:.2f}" if one.known else "0 to 1"
        return Cell(shown, one.value, one.address, detail=one.text)

    rows = (
        {"Framework": Cell(catalog.framework(id).name, detail=_mode(catalog, id, mode))}
        | {number(need.title): cell(mine[need.id]) for need in NEEDS}
        for id, modes in scores.items()
        for mode, mine in modes.items()
    )
    return Block("Every score", "scores", tables=(table("Scores", rows),))
