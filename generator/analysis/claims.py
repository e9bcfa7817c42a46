"""Pure: claims of 2016 and today's figures -> holds, no longer holds, mixed, cannot be tested here.

``measurements/claims.toml`` names one rule of :mod:`generator.analysis.claim_rules` per claim.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from generator.analysis.claim_rules import RULES, Verdict, Word
from generator.analysis.panels import Figures
from generator.errors import InputError

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


def parse(text: str, path: Path) -> Book:
    """Return what ``claims.toml`` says; ``path`` is where an error is.

    Raises:
        InputError: it is not TOML, a field is missing, or a rule is unknown.

    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(path, None, error, "valid TOML") from error
    claims = tuple(_claim(path, name, table) for name, table in data.get("claims", {}).items())
    try:
        history = tuple(History(**table) for table in data.get("history", []))
    except TypeError as error:
        raise InputError(path, None, error, "page, work, figures, note, source") from error
    return Book(data.get("article", {}), claims, history)


def _claim(path: Path, name: str, table: Mapping[str, Any]) -> Claim:
    for key in ("page", "section", "claim", "kind", "source", "rule", "test"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise InputError(path, None, f"claims.{name}.{key} = {table.get(key)!r}", "a text")
    if table["kind"] not in ("stated", "attributed"):
        raise InputError(path, None, f"claims.{name}.kind", "stated or attributed")
    if table["rule"] not in RULES:
        raise InputError(path, None, f"rule {table['rule']!r}", f"one of {', '.join(RULES)}")
    fields = {key: str(table[key]) for key in Claim.__annotations__ if key in table}
    return Claim(id=name, raw=table, **({"note": ""} | fields))


def judge(claim: Claim, figures: Figures) -> Verdict:
    """Apply the claim's rule to what was measured on one machine and device."""
    return RULES[claim.rule](claim.raw, figures)
