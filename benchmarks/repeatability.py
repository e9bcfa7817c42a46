"""Two full measurements of the same pair: their ratios differ by less than 3 %.

Reads two runs from the results (the two newest full runs of one machine that share most, unless
named) and divides, for each pair of configurations and each lane, the ratio of one run by that of
the other. The runs are independent, so the standard errors of the logarithms add in squares.
"""

import argparse
import itertools
import math
from pathlib import Path

import pandas as pd
from scipy import stats

from benchmarks.line import Line
from generator.analysis import statistics
from generator.analysis.cells import AGAIN, Key, group_cells
from generator.errors import UsageError
from generator.results import reading, schema

ROOT = Path(__file__).parents[1]
CLAIM = 0.03


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks repeatability")
    parser.add_argument("--results", type=Path, default=ROOT / "measurements" / "results")
    parser.add_argument("--runs", nargs=2, metavar="RUN", help="run ids; default: the two newest")
    parser.add_argument("--metric", default="step_time")
    options = parser.parse_args(arguments)
    loaded = reading.load(options.results)
    first, second = pick(loaded, options.runs)
    one, two = (cells(loaded, run, options.metric) for run in (first, second))
    lines = []
    shared = [key for key in one if key in two and key.case != AGAIN]
    for a, b in itertools.combinations(sorted(shared), 2):
        if (a.machine, a.device, a.lane, a.case) != (b.machine, b.device, b.lane, b.case):
            continue
        lines.append(compare(a, b, one, two))
    if lines:
        errors = [abs(math.log(float(line.found.split()[0]))) for line in lines]
        typical = math.expm1(math.sqrt(sum(e**2 for e in errors) / len(errors)))
        what = f"root mean square of {len(lines)} pairs, runs {first} and {second}"
        lines.append(Line("repeatability", what, f"{100 * typical:.1f} %"))
    return lines


def pick(loaded: reading.Results, named: list[str] | None) -> tuple[str, str]:
    full: dict[str, set[str]] = {}
    for key, document in loaded.documents.items():
        if document["profile"] == "full":
            full.setdefault(document["run"], set()).add(key.rsplit("/", 1)[0])
    if named:
        if missing := [run for run in named if run not in full]:
            raise UsageError(f"no full run {missing[0]}; there are: {', '.join(sorted(full))}")
        return named[0], named[1]
    pairs = [(len(full[x] & full[y]), y, x) for x, y in itertools.combinations(sorted(full), 2)]
    if not pairs or max(pairs)[0] == 0:
        raise UsageError(
            "repeatability needs two full runs of one machine; "
            "make the second with: generator measure --profile full --force"
        )
    _, second, first = max(pairs)
    return first, second


def cells(loaded: reading.Results, run: str, metric: str) -> dict:
    frames = [frame for key, frame in loaded.frames.items() if key.rsplit("/", 1)[1] == run]
    text = [column for column in schema.COLUMNS if column not in ("value", "block", "sample")]
    frame = pd.concat([frame.astype(dict.fromkeys(text, "str")) for frame in frames])
    frame = frame[~frame["flags"].str.contains("partial")]
    return group_cells(frame.astype(dict.fromkeys(text, "category")), metric)


def compare(a: Key, b: Key, one: dict, two: dict) -> Line:
    first = statistics.ratio(one[a].blocks, one[b].blocks)
    second = statistics.ratio(two[a].blocks, two[b].blocks)
    value = math.log(first.value / second.value)
    u, v = first.error**2, second.error**2
    degrees = (u + v) ** 2 / (u**2 / first.degrees + v**2 / second.degrees) if u + v else 1
    half = float(stats.t.ppf(0.975, degrees)) * math.sqrt(u + v)
    low, high = math.exp(value - half), math.exp(value + half)
    return Line(
        "repeatability",
        f"{a.framework}:{a.mode} / {b.framework}:{b.mode}, {a.lane}",
        f"{math.exp(value):.3f} ({low:.3f} to {high:.3f})",
        "within 3 %",
        abs(value) <= math.log1p(CLAIM),
    )
