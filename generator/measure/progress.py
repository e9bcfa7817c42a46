"""The interface through which a run reports its progress."""

from __future__ import annotations

from typing import Protocol

from generator.measure.plan import Job


class Reporter(Protocol):
    """Told what happens; the command line draws progress bars from it."""

    def environment(self, target: str, state: str) -> None:
        """An environment is "making", "ready" or has failed with a reason."""

    def begin(self, jobs: int, seconds: float) -> None:
        """The blocks start; ``seconds`` is the estimate for ``jobs`` jobs."""

    def job(self, job: Job, seconds: float) -> None:
        """A job starts; it is expected to take ``seconds``."""

    def finished(self, job: Job, status: str, reason: str) -> None:
        """A job ended."""


class Silent:
    """A reporter that says nothing."""

    def environment(self, target: str, state: str) -> None:
        """Say nothing."""

    def begin(self, jobs: int, seconds: float) -> None:
        """Say nothing."""

    def job(self, job: Job, seconds: float) -> None:
        """Say nothing."""

    def finished(self, job: Job, status: str, reason: str) -> None:
        """Say nothing."""
