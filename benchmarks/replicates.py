"""How often the same configuration, run twice in every block, is called different.

Every A/A replicate of the results is judged as pages judge two configurations: its halves stand in
the model of their panel, and the A/A noise is that of the other replicates of the run. Claimed:
at most 5 % are called different.
"""

import argparse
from pathlib import Path

from scipy import stats

from benchmarks.line import Line
from generator.analysis import cells
from generator.analysis.block_model import BlockModel
from generator.analysis.statistics import aa_noise, verdict
from generator.catalog import loader
from generator.results import reading, schema, selection


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks replicates", description=__doc__)
    parser.add_argument("--results", type=Path, default=loader.ROOT / "measurements" / "results")
    verdicts = judged(parser.parse_args(arguments).results)
    called = sum(one in ("faster", "slower") for one in verdicts)
    found = f"{called} of {len(verdicts)}; equivalent {verdicts.count('equivalent')}"
    kept = called <= stats.binom.ppf(0.999, len(verdicts), 0.05)
    return [Line("replicates", "identical configurations called different", found, "5 %", kept)]


def judged(results: Path) -> list[str]:
    """Return the verdict on every A/A replicate of a time, its own noise left out."""
    frame = reading.to_frame(selection.everything(reading.load(results)))
    frame = frame[frame["unit"] == "s"]
    found = []
    for run in sorted(frame.loc[frame["case"].astype(str).map(schema.is_again), "run"].unique()):
        grouped = cells.group_cells(frame[frame["run"] == run])
        fitted = cells.fitted(grouped, {})
        pairs: dict[cells.Place, list[cells.Key]] = {}
        for key, _ in cells.replicates(grouped):
            if fitted[key].model is not None:
                pairs.setdefault(key.place, []).append(key)
        halves = {
            key: (grouped[key].blocks, grouped[cells.again(key)].blocks)
            for keys in pairs.values()
            for key in keys
        }
        for keys in pairs.values():
            for key in keys:
                noise = aa_noise(halves[other] for other in keys if other != key)
                model = fitted[key].model
                both = BlockModel({**model.logs, "again": cells.logs(halves[key][1])})
                found.append(verdict(both.ratio(key, "again"), noise))
    return found
