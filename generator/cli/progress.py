"""Progress bars of a run in the terminal."""

from __future__ import annotations

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

from generator.cli import output
from generator.formatting import minutes
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

    def begin(self, jobs: int, seconds: float) -> None:
        """Announce the blocks with the time estimate."""
        self._left, self._total = seconds, jobs
        if jobs:
            self._say(f"{jobs} processes to run, about {minutes(seconds)}")
        self._task = self._progress.add_task("measuring", total=jobs, left="")

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

    def _say(self, text: str, mark: str = "") -> None:
        output.say(text, mark, to=self._progress.console)
