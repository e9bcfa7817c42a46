"""What kills, mutated files, broken frameworks, full disks and lying indexes do to the generator.

Every case is drawn from the seed, its kind and its number, so that a finding can be had again:
``--keep FOLDER`` keeps the files behind it, and ``--only KIND`` tries one kind alone. Only
temporary folders are written to. Claimed: all columns but the first are 0.

tried        cases of this kind; at --scale 1 four hundred kills and ten thousand files
lost         rows that an undisturbed run has, files that an earlier one had, cases without a row
doubled      rows that are there twice, or that nobody measured
tracebacks   errors that are not the generator's own, and files that `check` accepts and
             `render` does not
unescaped    pages on which text from data is markup, a link or a program
left behind  processes, temporary files and folders, half environments, journals, locks
"""

import argparse
import functools
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.campaigns import files, index, processes
from benchmarks.campaigns.tally import Tally
from benchmarks.line import Line

COLUMNS = ("tried", "lost", "doubled", "tracebacks", "unescaped", "left behind")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
FULL = {
    **dict.fromkeys(SIGNALS, 100), "CSVs": 5000, "run records": 2500, "TOMLs": 2500,
    "snapshots": 250, "broken frameworks": 1, "disk full": 30, "read-only folders": 12,
    "index that lies": 60,
}  # fmt: skip
"""Kind -> cases at scale 1; of frameworks, every mode of the pretended one is a case."""
TRIES = {
    **dict.fromkeys(SIGNALS, processes.kills),
    "CSVs": functools.partial(files.results, suffix=".csv"),
    "run records": functools.partial(files.results, suffix=".json"),
    "TOMLs": files.tomls, "snapshots": files.snapshots, "broken frameworks": processes.broken,
    "disk full": processes.disk_full, "read-only folders": processes.read_only,
    "index that lies": index.lies,
}  # fmt: skip


def run(arguments: list[str]) -> list[Line]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks campaign", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of every case; 0 unless given")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the cases: 1 takes half an hour, "
        "0.05 a few minutes",
    )  # fmt: skip
    parser.add_argument("--only", action="append", choices=FULL, help="a kind; may be repeated")
    parser.add_argument("--keep", type=Path, help="folder for the files behind what is found")
    given = parser.parse_args(arguments)
    for name in ("SIGINT", "SIGHUP"):  # shells start what runs behind them deaf to these
        if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
            signal.signal(getattr(signal, name), signal.default_int_handler)
    tallies = {kind: Tally(kind, given.seed, given.keep) for kind in given.only or FULL}
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, ThreadPoolExecutor(4) as pool:

        def attempt(kind):
            number = FULL[kind] * given.scale
            number = number if kind == "broken frameworks" else max(1, round(number))
            TRIES[kind](tallies[kind], number, Path(folder))

        # Killed processes are waited for most of the time; all others have this one to themselves.
        killing = [pool.submit(attempt, kind) for kind in tallies if kind in SIGNALS]
        for kind in tallies:
            if kind not in SIGNALS:
                attempt(kind)
        for done in killing:
            done.result()
    lines = [Line("campaign", f"seed {given.seed}, scale {given.scale:g}", "  ".join(COLUMNS))]
    for kind, tally in tallies.items():
        cells = [f"{tally.counts[name]:>{len(name)}}" for name in COLUMNS]
        kept = not any(tally.counts[name] for name in COLUMNS[1:])
        lines.append(Line("campaign", kind, "  ".join(cells), "0 but tried", kept))
    return lines
