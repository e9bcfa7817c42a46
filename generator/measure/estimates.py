"""How long jobs will take, from what earlier ones took, and how many fit into a time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from generator.measure.plan import Job, Plan
from generator.measure.profiles import Profile


def durations(plan: Plan, history: Mapping[tuple[str, str, str], float]) -> dict[Job, float]:
    """Return the seconds that each job of a plan will take, see :func:`duration`."""
    return {job: duration(job, plan.profile, history) for job in plan.jobs}


def duration(job: Job, profile: Profile, history: Mapping[tuple[str, str, str], float]) -> float:
    """Return the seconds that a job will take.

    ``history`` maps (framework, mode, :func:`kind`) to the median of earlier jobs without what
    :func:`sampling` takes; where there is none, a cautious guess stands in.
    """
    key = job.framework, job.mode, kind(job.sections, job.start)
    base = history.get(key, 30.0 if job.start == "cold" else 10.0)
    return base + sampling(job.sections, profile.samples, accuracy=job.accuracy)


def sampling(sections: Sequence[str], samples: int, *, accuracy: bool) -> float:
    """Return the seconds that the samples of a job take, at about 0.12 s each, and training on."""
    return (0.12 * samples if "lenet" in sections else 0.0) + (12.0 if accuracy else 0.0)


def kind(sections: Sequence[str], start: str) -> str:
    """Return what a job does, in one word: jobs of a kind take about equally long."""
    return f"{'+'.join(sections)}-{start}"


def fitting(jobs: Sequence[Job], seconds: Mapping[Job, float], limit: float) -> int:
    """Return how many of the first jobs take at most ``limit`` seconds together, by estimate."""
    ends = itertools.accumulate(seconds[job] for job in jobs)
    return sum(end <= limit for end in ends)
