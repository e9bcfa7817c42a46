"""``measure --environment current`` with nothing but the standard library and NumPy.

A GPU machine without network may have the frameworks and the repository, and none of the
generator's dependencies. This is the same measuring code behind a smaller door.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.catalog import loader as catalogs
from generator.cli.common import accept_signals, command_line, ending, leave
from generator.measure import obstacles, ownership, runner
from generator.measure.plan import Job
from generator.measure.request import Request, deadline, prepare, unlogged


class _Lines(runner.Reporter):
    """Reports one line a job."""

    def __init__(self) -> None:
        self._done, self._total = 0, 0

    def environment(self, target: str, state: str) -> None:
        """Say what becomes of an environment."""
        print(f"environment of {target}: {state}", file=sys.stderr)

    def begin(
        self, jobs: Sequence[Job], later: Sequence[Job], seconds: Mapping[Job, float]
    ) -> None:
        """Announce the blocks."""
        self._total = len(jobs)
        taken = sum(seconds[job] for job in jobs) / 60
        print(f"{len(jobs)} processes to run, about {taken:.0f} min", file=sys.stderr)
        if later:
            print(f"{len(later)} more wait for the next call", file=sys.stderr)

    def finished(self, job: Job, status: str, reason: str) -> None:
        """Count it."""
        self._done += 1
        print(f"[{self._done}/{self._total}] {job.id} {status} {reason}", file=sys.stderr)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Parse, measure, exit with the codes of the full command line."""
    began = time.monotonic()
    accept_signals()
    parser = argparse.ArgumentParser(
        prog="generator",
        description="Typer and Rich are not installed here, so only `measure --environment "
        "current` works. Install the project for everything else (see README.md).",
    )
    parser.add_argument("command", choices=["measure"])
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK")
    for field in dataclasses.fields(Request):
        if field.name not in ("frameworks", "command", "frameworks_folder", "installation"):
            _add(parser, field)
    parser.add_argument("--frameworks-folder", type=Path, help=argparse.SUPPRESS)
    given = vars(parser.parse_intermixed_args()) | {"command": command_line()}
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}
    request = Request(**values)
    if request.environment != "current":
        parser.error("without the generator's dependencies only --environment current works")
    try:
        catalog = catalogs.load(frameworks=request.frameworks_folder)
        with ownership.alone(request, _say):
            made = prepare(request, catalog)
            if unknown := unlogged(request):
                _say(unknown)
            for obstacle in made.skipped:
                _say(f"skipped: {obstacles.shown(obstacle)}")
            outcome = runner.run(made, request, catalog, _Lines(), deadline(request, began))
    except (Exception, KeyboardInterrupt) as error:
        code, text = ending(error)
        with contextlib.suppress(OSError):  # nobody listens any more
            _say(text)
        leave(code)
    for path in outcome.files:
        print(f"wrote {path}")
    leave(1 if outcome.failed else 0)


def _add(parser: argparse.ArgumentParser, field: Any) -> None:
    """Add the option of one field of the request; repeated ones take the singular name."""
    default = field.default
    if isinstance(default, bool):
        parser.add_argument(f"--{field.name}", action="store_true")
    elif isinstance(default, tuple):
        option = f"--{field.name.removesuffix('s')}"
        parser.add_argument(option, dest=field.name, action="append", default=[])
    else:
        kinds = {"timeout": float, "minutes": float, "seed": int, "data_dir": Path, "results": Path}
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=kinds.get(field.name, str), default=default)
