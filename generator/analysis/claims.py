"""Pure: claims of 2016 and figures -> holds, does not hold, mixed, not resolved, cannot be tested.

``measurements/claims.toml`` names one rule per claim: of :mod:`generator.analysis.claim_rules` or
of :mod:`generator.analysis.claim_answers`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from generator.analysis import claim_answers, claim_rules
from generator.analysis.claim_evidence import NOTHING, Case, Verdict, Word
from generator.analysis.panels import Figures
from generator.catalog.model import DEVICES
from generator.errors import InputError
from generator.results.validation import told

if TYPE_CHECKING:
    from generator.catalog.model import Catalog

RULES = claim_answers.RULES | claim_rules.RULES

WORDS: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True)
class Claim:
    """One claim; see the head of ``measurements/claims.toml`` for the fields."""

    id: str
    page: str
    section: str
    claim: str
    kind: str
    source: str
    rule: str
    test: str
    device: str
    note: str
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """A figure of that time, measured by others."""

    page: str
    work: str
    figures: str
    note: str
    source: str


@dataclass(frozen=True)
class Book:
    """All claims and the figures of others."""

    article: Mapping[str, Any]
    claims: tuple[Claim, ...]
    history: tuple[History, ...]


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_NUMBER = {"type": "number", "minimum": 0, "maximum": 1e9}
_ALWAYS = ("page", "section", "claim", "kind", "source", "rule", "test")
_CLAIM = {
    **dict.fromkeys(("framework", "why"), _TEXT),
    **dict.fromkeys(("frameworks", "others"), _TEXTS),
    **dict.fromkeys(("batch", "lines", "share", "times"), _NUMBER),
    "order": {**_TEXTS, "minItems": 3, "maxItems": 3},
    "expected": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "asks": {"type": "array", "items": {**_TEXTS, "minItems": 3, "maxItems": 3}},
    **dict.fromkeys(_ALWAYS, _TEXT),
    "kind": {"enum": ["stated", "attributed"]},
    "device": {"enum": list(DEVICES)},
    "rule": {"enum": list(RULES)},
}
"""What a claim says, and what rules are given."""
_ARTICLE = {"title": _TEXT, "year": {"type": "integer"}, "compared": _TEXTS}
_SCHEMA = {
    "required": ["article"],
    "properties": {
        "article": {"type": "object", "required": list(_ARTICLE), "properties": _ARTICLE},
        "claims": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},  # they are parts of addresses
            "additionalProperties": {
                "type": "object",
                "required": _ALWAYS,
                "properties": _CLAIM,
            },
        },
        "history": {
            "type": "array",
            "items": {
                "type": "object",
                "required": list(History.__annotations__),
                "properties": {key: {"type": "string"} for key in History.__annotations__},
                "additionalProperties": False,
            },
        },
    },
}


def parse(text: str, path: Path) -> Book:
    """Return what ``claims.toml`` says; ``path`` is where an error is.

    What is not TOML, lacks a field or names an unknown rule is an :class:`InputError`.
    """
    from jsonschema import Draft202012Validator

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(path, None, error, "valid TOML") from error
    for problem in Draft202012Validator(_SCHEMA).iter_errors(data):
        raise InputError(path, None, *told(problem))
    claims = tuple(_claim(name, table) for name, table in data.get("claims", {}).items())
    return Book(data["article"], claims, tuple(History(**one) for one in data.get("history", [])))


class _Parameters(dict[str, Any]):
    """The table of a claim; says which key a rule asks for in vain."""

    def __missing__(self, key: str) -> None:
        raise InputError("claims.toml", None, f"no {key} of a claim", f"the key {key!r}")


def _claim(name: str, table: Mapping[str, Any]) -> Claim:
    fields = {key: table[key] for key in Claim.__annotations__ if key in table}
    return Claim(id=name, raw=_Parameters(table), **({"device": "cpu", "note": ""} | fields))


def judge(claim: Claim, figures: Figures | None, catalog: Catalog | None = None) -> Verdict:
    """Apply the claim's rule to the figures of one machine and the claim's device, if there are.

    The catalog has names and sourced facts of the releases that were measured.
    """
    frameworks = {one.id: one for one in catalog.frameworks} if catalog else {}
    found = RULES[claim.rule](Case(claim.raw, figures or Figures("", "", (), {}), frameworks))
    if found is NOTHING and figures is None and claim.device == "cuda":
        return replace(NOTHING, reason="It needs a GPU, and none is measured yet.")
    return found
