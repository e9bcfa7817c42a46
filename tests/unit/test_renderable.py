"""Whatever `generator check` accepts is rendered: random valid results, and the odd ones."""

import json
import os
import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generator.catalog import loader
from generator.cli import check
from generator.results import ranges, row_checks, run_record, validation, writing
from generator.site import render, writer
from tests import sample_results

pytestmark = pytest.mark.whole

EXAMPLES = int(os.environ.get("RENDERED_EXAMPLES", "4"))
"""How many random trees are rendered; a campaign asks for thousands."""

CATALOG = loader.load()
UNITS = check.units_of(CATALOG.sections)


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    """Charts are specified, and not drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_svg", lambda *_: '<svg width="9" height="9">')
        patch.setattr(writer, "_png", lambda *_: b"")
        yield


SPREADS = {
    "equal": lambda chance, middle: middle,
    "near": lambda chance, middle: middle * chance.lognormvariate(0, 0.1),
    "ten decades": lambda chance, middle: middle * 10 ** chance.uniform(-5, 5),
    "zero now and then": lambda chance, middle: middle * chance.choice((0, 1)),
    "odd": lambda chance, middle: chance.choice((5e-324, 1e-9, 0.9999999, 1.0, 1e5, 1e30)),
    "the lowest": lambda chance, middle: 0.0,
    "the highest": lambda chance, middle: float("inf"),
}
OUTCOMES = ("measured", "some", "nothing", "unverified")


def number(chance, spread, metric, unit):
    """Return a number that the metric can have."""
    possible = ranges.of(metric, unit)
    middle = {"s": 0.02, "B": 1e8, "count": 30.0, "verdict": 1.0}.get(unit, 1e-3)
    if metric == "gate":
        return 1.0
    value = spread(chance, middle)
    value = round(value) if possible.whole and value < possible.high else value
    if possible.holds(value):
        return float(value)
    if value == 0 or value < possible.low:
        return possible.low
    return possible.high


def varied(rows, seed, spread, outcome):
    """Yield rows as they are but for their numbers, and for how some of them ended."""
    chance = random.Random(seed)
    for row in rows:
        place = {name: row[name] for name in ("mode", "lane", "block", "case", "metric")}
        drawn = random.Random(f"{seed} {place}").random()  # a process has all its samples, or none
        lost = outcome == "nothing" or (outcome == "some" and drawn < 0.3)
        if outcome == "unverified" and row["metric"].startswith("gate"):
            continue
        if row["status"] != "ok":
            yield row
        elif lost and row["metric"] != "gate":
            status = chance.choice(("unsupported", "failed", "timeout", "wrong", "skipped"))
            yield row | {"value": None, "status": status, "reason": f"{status} (SYNTHETIC)"}
        else:
            value = number(chance, SPREADS[spread], row["metric"], row["unit"])
            yield row | {"value": value}


def write(root, *, seed, spread, outcome, frameworks, blocks, sections, odd):
    """Write one valid run, and say what `generator check` would find wrong with it."""
    plain = sample_results.write_sample(
        root, frameworks=frameworks, profile="quick", rows_scale=0.2, oddities=odd
    )
    problems = []
    for path in plain:
        rows, record = row_checks.rows(path), run_record.read_run_record(path)
        rows = [r for r in rows if r["block"] in blocks and (r["section"] in sections)]
        record["settings"]["min_sample_seconds"] = 0  # numbers at both ends of what can be
        for job in record["jobs"]:
            job |= {"k": 1, "seconds": 1e9}
        writing.write(path, varied(rows, seed, spread, outcome), record)
        found = map(str, validation.validate(path, UNITS))
        unverified = "without passed verification" if outcome == "unverified" else "\n"
        problems += [problem for problem in found if unverified not in problem]
    return problems


EVERYTHING = tuple(sorted(UNITS))
ALL = (sample_results.GRAPH, sample_results.PAIRED, sample_results.MANY)
MANY_BLOCKS = ("", "0", "1", "2")


@pytest.mark.parametrize(
    "changes",
    [
        {"blocks": ("", "0")},
        {"outcome": "nothing"},
        {"outcome": "unverified", "odd": True},
        {"frameworks": ALL[:1], "spread": "the lowest"},
        {"spread": "equal"},
        {"spread": "ten decades", "outcome": "some"},
        {"spread": "the highest", "frameworks": ALL[1:2]},
        {"spread": "zero now and then", "blocks": ("", "0", "1")},
    ],
    ids=str,
)
def test_the_odd_ones_are_rendered(tmp_path, changes):
    given = {
        "seed": 1, "spread": "near", "outcome": "measured", "frameworks": ALL,
        "blocks": MANY_BLOCKS, "sections": EVERYTHING, "odd": False,
    } | changes  # fmt: skip
    assert write(tmp_path / "results", **given) == []
    assert render.render(results_root=tmp_path / "results", docs=tmp_path / "docs").written


SCHEMA = json.loads(run_record.SCHEMA_FILE.read_text(encoding="utf-8"))
KEPT = {
    "id", "run", "framework", "version", "starts", "finished", "sections", "mode", "lane", "block",
    "case", "device", "seconds", "k", "samples", "min_sample_seconds", "rows", "log",
}  # fmt: skip
"""What says which numbers count, or where files are."""


def odd(value, schema, which):
    """Return a value with everything in it at one end of what a schema allows."""
    schema = SCHEMA["$defs"]["said"] if "said" in schema.get("$ref", "") else schema
    kinds = schema.get("type", ())
    if isinstance(value, dict):
        needed = schema.get("required", value)
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties", {})
        return {
            key: inner if key in KEPT else odd(inner, known.get(key, rest), which)
            for key, inner in value.items()
            if which != "absent" or key in needed or key in KEPT
        }
    if isinstance(value, list):
        each = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return [odd(inner, its, which) for inner, its in zip(value, each, strict=True)]
    if which == "absent" and "null" in kinds:
        return None
    if isinstance(value, bool) or {"enum", "const", "pattern", "$ref"} & schema.keys():
        return value
    if isinstance(value, int | float) and "minimum" in schema:
        end = schema["maximum" if which == "highest" else "minimum"]
        return int(end) if "integer" in kinds else end
    if isinstance(value, str):
        text = {"highest": "ä<b>|`*_[x](y)::##[z] {{ 1 }}" * 9, "lowest": ""}.get(which, value)
        return text[: schema.get("maxLength")]
    return value


@pytest.mark.parametrize("which", ["lowest", "highest", "absent"])
def test_run_records_at_the_ends_of_their_schema_are_rendered(tmp_path, which):
    paths = sample_results.write_sample(
        tmp_path / "results", frameworks=ALL[:1], profile="quick", rows_scale=0.2
    )
    for path in paths:
        rows, record = row_checks.rows(path), run_record.read_run_record(path)
        for job in record["jobs"]:
            job["facts"] = job.get("facts", {}) | {
                "gate": [["logits", None, 1e-5, False], ["loss", 0.5, 1e-5, True]],
                "unsynchronised_share": 0.1, "interface": "x", "parallel": "x",
                "languages": {"x": "x"}, "spellings": {"x": "x"},
            }  # fmt: skip
            job |= {"disturbed": True, "warmup": 1, "foreign_load": 0.1, "order": 1}
        record["machine"] |= {"cpu_quota": 1.5, "gpus": [
            {"name": "x", "driver": "x", "memory_bytes": 1, "bus_id": "x"}]}  # fmt: skip
        changed = odd(record, SCHEMA, which)
        writing.write(path, rows, changed)
        assert [str(problem) for problem in validation.validate(path, UNITS)] == []
    assert render.render(results_root=tmp_path / "results", docs=tmp_path / "docs").written


@settings(
    max_examples=EXAMPLES, derandomize=True, database=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from(sorted(SPREADS)),
    outcome=st.sampled_from(OUTCOMES),
    frameworks=st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple),
    blocks=st.sampled_from([("", "0"), ("", "0", "1"), MANY_BLOCKS, ("",)]),
    sections=st.lists(st.sampled_from(EVERYTHING), min_size=1, max_size=4, unique=True),
    odd=st.booleans(),
)
def test_random_valid_results_are_rendered(tmp_path_factory, **given):
    folder = tmp_path_factory.mktemp("random")
    assert write(folder / "results", **given) == []
    render.render(results_root=folder / "results", docs=folder / "docs")
