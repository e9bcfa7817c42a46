"""Progress bars of a run in the terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from generator import formatting
from generator.cli import output
from generator.formatting import minutes, plural
from generator.measure.plan import Job
from generator.measure.runner import Reporter


class Progressing(Reporter):
    """Draws a run: a bar with the time left on a terminal, one line a job elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        name, left = (
            TextColumn(text, table_column=Column(overflow="fold"))  # wrapped: Rich's own is cut
            for text in ("[bold]{task.description}", "{task.fields[left]}")
        )
        bar = [BarColumn(10)] if console.width >= 60 else []
        self._progress = Progress(
            name,
            *bar,
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            left,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._left, self._expected, self._done, self._total = 0.0, 0.0, 0, 0
        self._seconds: Mapping[Job, float] = {}

    def __enter__(self) -> Progressing:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def environment(self, target: str, state: str) -> None:
        """Say what becomes of an environment."""
        if state == "making":
            self._say(f"installing {target} from its lock (once; minutes for a large framework)")
        elif state != "ready":
            self._say(f"environment of {target} {state}", output.BAD)

    def filling(self, jobs: Sequence[Job]) -> None:
        """Say what the machine is busy with."""
        names = formatting.listing(sorted({job.framework for job in jobs}))
        self._say(f"compiling for {names}, untimed: cold starts are timed later")

    def begin(
        self, jobs: Sequence[Job], later: Sequence[Job], seconds: Mapping[Job, float]
    ) -> None:
        """Announce the blocks with the time estimate."""
        self._seconds, self._total = seconds, len(jobs)
        self._left = sum(seconds[job] for job in jobs)
        if jobs:
            self._say(f"to run: {output.amount(jobs, seconds)}")
        if later:
            self._say(output.left_for_later(later, seconds))
        self._task = self._progress.add_task("measuring", total=len(jobs), left="")

    def job(self, job: Job, seconds: float) -> None:
        """Show which configuration runs."""
        self._expected = seconds
        assert self._task is not None
        name = f"{job.framework} {job.mode} {job.lane} {job.start} block {job.block + 1}"
        left = f"about {minutes(self._left)} left"
        self._progress.update(self._task, description=name, left=left)

    def finished(self, job: Job, status: str, reason: str) -> None:
        """Count it; say why when it is not ok."""
        assert self._task is not None
        self._left = max(0.0, self._left - self._expected)
        self._done += 1
        self._progress.advance(self._task)
        if status not in ("ok", "skipped"):
            self._say(f"{job.id}: {reason}", f"[yellow]{status}[/yellow] ")
        elif not self._console.is_terminal:
            self._say(f"[{self._done}/{self._total}] {job.id} {status}")

    def block(self, jobs: Sequence[Job]) -> None:
        """Count anew what is left."""
        self._left = sum(self._seconds[job] for job in jobs)

    def _say(self, text: str, mark: str = "") -> None:
        output.say(text, mark, to=self._progress.console)


def reporter(silent: bool) -> Reporter:
    """Return who shows a run to people; nobody does where a script reads the answer."""
    return Reporter() if silent else Progressing(output.err)


SHARE = 4
"""Measuring takes at least so many times as long as building pages in between."""


class Growing(Progressing):
    """Also builds the page after a block, so that it is there early and grows."""

    def __init__(self, console: Console, build: Callable[[], Path | str]) -> None:
        super().__init__(console)
        self._build, self._ready = build, dict[str, int]()
        self._built = -math.inf

    def installing(self) -> None:
        """Build what is there already: when something was measured, less is left to do."""
        self._say(f"open {self._build()}: what was measured before; this machine follows")

    def finished(self, job: Job, status: str, reason: str) -> None:
        """Count the blocks of each framework."""
        super().finished(job, status, reason)
        if status == "ok":
            self._ready[job.framework] = max(job.block + 1, self._ready.get(job.framework, 0))

    def block(self, jobs: Sequence[Job]) -> None:
        """Build the page, unless it is young; nothing is timed meanwhile."""
        super().block(jobs)
        start = time.monotonic()
        if start - self._built < SHARE * self.pause:
            return
        page = self._build()
        self._built = time.monotonic()
        self.pause = self._built - start
        blocks = plural(max(self._ready.values(), default=0), "block")
        self._say(
            f"open {page}: {plural(len(self._ready), 'framework')}, {blocks}; "
            f"about {minutes(self._left)} more, Ctrl-C keeps everything"
        )
