"""How often a leading group is wrong, and how often a real difference is found.

Simulates panels of modes and writes ``measurements/leaders.csv``, which the methodology page shows:
one row a size of panel and kind of noise. All modes are equal first: the group is wrong when any
mode stands outside it. Then one mode is 20 % slower than the others: it is found when it stands
outside. The scale of the noise is what a typical mode shows in the committed results, the same for
every kind. Claimed: wrong in at most 5 % of panels, upper 95 % limit below 7 %; 20 % found in 90 %
of panels of 10 blocks and 50 % of panels of 3, where no mode is noisier than the others.
"""

import argparse
import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.line import Line
from generator.analysis import panels as models
from generator.analysis.block_model import BlockModel
from generator.catalog import loader
from generator.catalog.model import Catalog
from generator.results import reading, selection

OUT = loader.ROOT / "measurements" / "leaders.csv"
SEED = 2016
SIZES = ((25, 10), (15, 3), (9, 6))
NOISES = {
    "normal": "all alike",
    "heavy-tailed": "Student's t with 4.6 degrees of freedom",
    "resampled": "residuals of the published table with most processes",
    "one noisy": "normal, one configuration twice as noisy as the others",
    "one very noisy": "normal, one configuration three times as noisy",
}
DIFFERENCE = 0.2
COLUMNS = (
    "modes", "blocks", "noise", "what", "spread", "trials", "seed", "wrong", "wrong_upper", "found",
)  # fmt: skip


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks leaders", description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--results", type=Path, default=loader.ROOT / "measurements" / "results")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    catalog = loader.load()
    shown = selection.shown(reading.load(options.results), catalog.listed)
    spread, residuals = measured(shown, catalog)
    rows = [
        simulate(modes, blocks, noise, spread, residuals, options.trials)
        for modes, blocks in SIZES
        for noise in NOISES
    ]
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return [line for row in rows for line in lines(row)]


def lines(row: dict) -> list[Line]:
    name = f"{row['modes']} modes x {row['blocks']} blocks, {row['noise']}"
    wrong = f"{row['wrong']:.1%} (upper limit {row['wrong_upper']:.1%})"
    limit, least = claims(row)
    return [
        Line(
            "leaders", f"{name}: wrong", wrong, f"upper limit below {limit:.0%}",
            row["wrong_upper"] < limit,
        ),
        Line(
            "leaders", f"{name}: 20 % found", f"{row['found']:.0%}",
            f"{least:.0%}" if least else "", row["found"] >= least if least else None,
        ),
    ]  # fmt: skip


def claims(row: dict) -> tuple[float, float]:
    """Return what is claimed of a row: upper limit of wrong groups, least share found (or 0)."""
    least = {10: 0.9, 3: 0.5}.get(int(row["blocks"]), 0.0)
    return 0.07, 0.0 if "noisy" in row["noise"] else least


def measured(shown: pd.DataFrame, catalog: Catalog) -> tuple[float, np.ndarray]:
    """Return the noise of a typical mode, and the residuals of the panel with most processes.

    The noise is the standard deviation of the logarithms of a mode's processes, less what their
    blocks have in common: the median over modes, and of that the median over the panels of times
    that pages rank. Residuals come at the scale 1.
    """
    places = shown[["machine", "device"]].drop_duplicates().itertuples(index=False)
    panels = [
        panel
        for machine, device in places
        for panel in models.figures(
            shown[(shown["machine"] == machine) & (shown["device"] == device)], catalog
        ).panels
        if panel.metric.unit == "s" and panel.division == "closed" and panel.good
    ]
    typical, largest = [], np.empty((0, 0))
    for panel in panels:
        table = complete(panel.good[0].cell.model)
        if min(table.shape) < 3:
            continue
        left = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
        modes, blocks = table.shape
        own = (left**2).sum(1) / (blocks - 1) * modes / (modes - 1)
        typical.append(math.sqrt(float(np.median(own))))
        largest = max(largest, left, key=np.size)
    return float(np.median(typical)), largest.ravel() / largest.std()


def complete(model: BlockModel) -> np.ndarray:
    """Return the logarithms of the modes that ran in the same blocks as most, modes x blocks."""
    blocks = [tuple(logs) for logs in model.logs.values()]
    most = max(blocks, key=blocks.count)
    return np.array([list(logs.values()) for logs in model.logs.values() if tuple(logs) == most])


def simulate(
    modes: int, blocks: int, noise: str, spread: float, residuals: np.ndarray, trials: int
) -> dict:
    """Return a row of the table."""
    rng = np.random.default_rng([SEED, modes, blocks, list(NOISES).index(noise)])
    wrong = found = 0
    for _ in range(trials):
        logs = rng.normal(0, spread, blocks) + spread * draw(rng, noise, (modes, blocks), residuals)
        wrong += max(groups(logs)) > 0
        logs[-1] += math.log1p(DIFFERENCE)
        found += groups(logs)[-1] > 0
    upper = stats.binomtest(wrong, trials).proportion_ci(0.9, "exact").high
    return {
        "modes": modes, "blocks": blocks, "noise": noise, "what": NOISES[noise],
        "spread": round(spread, 4), "trials": trials, "seed": SEED, "wrong": wrong / trials,
        "wrong_upper": round(upper, 5), "found": found / trials,
    }  # fmt: skip


def draw(rng, noise: str, shape: tuple[int, int], residuals: np.ndarray) -> np.ndarray:
    """Return noise at the scale 1, modes x blocks."""
    if noise == "heavy-tailed":
        return rng.standard_t(4.6, shape) / math.sqrt(4.6 / 2.6)
    if noise == "resampled":
        return rng.choice(residuals, shape)
    made = rng.normal(0, 1, shape)
    made[0] *= {"one noisy": 2, "one very noisy": 3}.get(noise, 1)
    return made


def groups(logs: np.ndarray) -> list[int]:
    """Return the group of each mode of a panel, by the code that pages use."""
    model = BlockModel({mode: dict(enumerate(mine)) for mode, mine in enumerate(logs.tolist())})
    return model.groups(list(model.logs), noise=0.0)
