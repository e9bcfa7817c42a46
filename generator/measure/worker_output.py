"""Reads what a worker wrote; it may be anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from generator import formatting
from generator.catalog.model import Catalog
from generator.measure.plan import Job
from generator.results import schema


def spoil(rows: Sequence[dict[str, Any]], reason: str) -> bool:
    """Make the step times of wrong cases wrong, in place; return whether other cases have some.

    Samples were written as they came, before the verdict: they are times of other work.
    """
    wrong = {(row["section"], row["case"]) for row in rows if row["status"] == "wrong"}
    sections = {section for section, _ in wrong}
    sound = False
    for row in rows:
        timed = row["metric"].startswith("step_") and row["status"] == "ok"
        if not timed or row["section"] not in sections:
            continue
        if (row["section"], row["case"]) in wrong:
            row |= {"status": "wrong", "reason": reason}
        else:
            sound = True
    return sound


def read_rows(
    out: Path, job: Job, catalog: Catalog, taken: Iterable[tuple[str, ...]] = ()
) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """Read what a worker wrote; it may be anything.

    Args:
        out: the worker's result file.
        job: what it was asked to do.
        catalog: its sections say which metrics there are.
        taken: (section, case, metric, sample) that other jobs of the same cell and block wrote.

    Returns:
        (good rows up to the first bad line, facts, what is wrong with that line or "").

    """
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    samples = set(taken)
    with out.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                entry = json.loads(line)
                problem = _accept(entry, job, catalog, rows, facts, samples)
            except (ValueError, RecursionError, OverflowError):
                problem = f"found {line[:60].decode('utf-8', 'replace')!a}"
            if problem:
                return rows, facts, f"result file line {number}: {problem}; expected a JSON row"
    return rows, facts, ""


def _accept(
    entry: Any,
    job: Job,
    catalog: Catalog,
    rows: list[dict[str, Any]],
    facts: dict[str, Any],
    samples: set[tuple[str, ...]],
) -> str:
    """Put one entry where it belongs; return what is wrong with it, or ""."""
    if not isinstance(entry, dict) or len(entry) != 1:
        return f"found {str(entry)[:60]!a}"
    kind, content = next(iter(entry.items()))
    if kind == "done":
        facts["done"] = content is True
        return ""
    if kind == "fact" and isinstance(content, dict):
        content = _storable(content)
        for name, expected in _FACT_SHAPES.items():
            if name in content and not expected(content[name]):
                return f"found fact {name} = {str(content[name])[:40]!a}"
        facts.update(content)
        return ""
    if kind != "row" or not isinstance(content, dict):
        return f"found {str(entry)[:60]!a}"
    if content.get("section") not in job.sections:
        return f"found section {str(content.get('section'))[:40]!a}"
    metric = catalog.section(content["section"]).metrics.get(str(content.get("metric")))
    if metric is None or content.get("unit") != metric.unit:
        return f"found metric {str(content.get('metric'))[:40]!a}"
    value, status, sample = (content.get(key) for key in ("value", "status", "sample"))
    if status not in schema.STATUSES or (status != "ok" and not content.get("reason")):
        return f"found status {str(status)[:40]!a} without a reason"
    number = isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)
    if (status == "ok" or value is not None) and not number:
        return f"found value {str(value)[:40]!a}"
    if sample is not None and not (type(sample) is int and 0 <= sample < 10**6):
        return f"found sample {str(sample)[:40]!a}"
    case = schema.one_line(content.get("case") or "")[:40]
    if sample is not None and status == "ok":
        identity = content["section"], case, metric.id, str(sample)
        if identity in samples:
            return f"found sample {sample} of {metric.id} a second time"
        samples.add(identity)
    rows.append(
        {
            "section": content["section"],
            "case": case,
            "metric": metric.id,
            "unit": metric.unit,
            "sample": sample,
            "value": None if value is None or status not in ("ok", "wrong") else float(value),
            "status": status,
            "reason": schema.one_line(content.get("reason") or ""),
        }
    )
    return ""


def _storable(value: Any, depth: int = 0) -> Any:
    """Return a fact as the run's document may hold it: printable text, finite numbers."""
    if depth > 20:
        raise ValueError("too deep")
    if isinstance(value, str):
        return formatting.INVISIBLE.sub("", value)
    if isinstance(value, dict):
        return {_storable(k): _storable(inner, depth + 1) for k, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner, depth + 1) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_windows(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(t) in (int, float) for t in pair)
        for pair in value
    )


# What the run computes with; other facts are only remembered.
_FACT_SHAPES = {"build": _is_object, "threads_read_back": _is_object, "windows": _is_windows}
