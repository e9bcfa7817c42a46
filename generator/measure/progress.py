"""The interface through which a run reports its progress."""

from __future__ import annotations

from generator.measure.plan import Job


class Reporter:
    """Told what happens, and says nothing; the command line draws progress bars from it."""

    def environment(self, target: str, state: str) -> None:
        """An environment is "making", "ready" or has failed with a reason."""

    def begin(self, jobs: int, seconds: float) -> None:
        """The blocks start; ``seconds`` is the estimate for ``jobs`` jobs."""

    def job(self, job: Job, seconds: float) -> None:
        """A job starts; it is expected to take ``seconds``."""

    def finished(self, job: Job, status: str, reason: str) -> None:
        """A job ended."""
