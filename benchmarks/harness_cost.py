"""Steady-state throughput as we measure it, over that of a bare loop: at least 0.99.

In each framework's own environment the section's real steady-state code runs; after each of its
samples the same steps run in a bare loop in the same process. The ratio is the geometric mean over
these pairs with a Student-t interval. Needs the environments (``generator measure`` makes them).
"""

import argparse
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.line import Line
from generator import subprocesses
from generator.catalog import loader, model
from generator.errors import GeneratorError
from generator.measure import environments, machine
from measurements import lenet

ROOT = Path(__file__).parents[1]
CLAIM = 0.99


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks harness_cost")
    parser.add_argument("--samples", type=int, default=150)
    parser.add_argument("--lane", choices=model.LANES["cpu"], default="threads-1")
    parser.add_argument("--mode", default="", help="only this mode")
    options = parser.parse_args(arguments)
    lines = []
    for framework in loader.load(ROOT).frameworks:
        for mode in framework.modes:
            if "cpu" not in mode.devices or options.mode not in ("", mode.id):
                continue
            what = f"{framework.id}:{mode.id}, {options.lane}"
            try:
                lines.append(measure(framework, mode, options, what))
            except GeneratorError as error:
                lines.append(Line("harness_cost", what, str(error)))
    return lines


def measure(framework, mode, options, what: str) -> Line:
    environment = environments.locked(framework, framework.versions[0], "cpu")
    threads = 1 if options.lane == "threads-1" else machine.this().cores
    # The compile cache of the measurements, so that nothing compiles for half a minute.
    version = framework.versions[0].version
    name = f"{framework.id}-{version}-{mode.id}-cpu-{(environment.lock_sha256 or '')[:12]}"
    cache = environments.cache_folder() / "compiled" / name
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        job = {
            "folder": str(framework.folder),
            "lane": options.lane,
            "samples": options.samples,
            "min_sample_seconds": 0.1,
            "warmup": mode.warmup["cpu"],
            "ceiling": None,
            "settings": {
                "mode": mode.id, "device": "cpu", "threads": threads, "precision": "float32",
                "batch": lenet.BATCH, "learning_rate": lenet.LEARNING_RATE, "cache": str(cache),
            },
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(job))
        variables = environments.variables(
            framework, environment, device="cpu", threads=threads, cache=cache
        )
        finished = subprocesses.run(
            [environment.python, "-m", "benchmarks.inside", folder / "job.json", folder / "out"],
            cwd=folder,
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT), "PYTHONNOUSERSITE": "1"},
            timeout=900,
        )
        if finished.code:
            raise GeneratorError(f"ended with {finished.reason}: {finished.log[-300:]}")
        found = json.loads((folder / "out").read_text())
    # Throughput ratio = bare time / our time. Outliers hit single samples of either side: the
    # middle half of the pairs is averaged, which is symmetric in the two.
    logs = np.sort(np.log(found["bare"]) - np.log(found["ours"]))
    count = len(logs)
    cut = count // 4
    middle = float(logs[cut : count - cut].mean())
    winsorised = np.clip(logs, logs[cut], logs[count - cut - 1])
    # Standard error of a trimmed mean (Tukey and McLaughlin)
    error = float(winsorised.std(ddof=1)) / ((1 - 2 * cut / count) * math.sqrt(count))
    half = float(stats.t.ppf(0.975, count - 2 * cut - 1)) * error
    low, high = math.exp(middle - half), math.exp(middle + half)
    return Line(
        "harness_cost",
        f"{what}, {count} pairs of {found['k']} steps",
        f"{math.exp(middle):.4f} ({low:.4f} to {high:.4f})",
        ">= 0.99",
        math.exp(middle) >= CLAIM,
    )
