"""How much is measured, under names: the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.catalog.model import LANES


@dataclass(frozen=True)
class Profile:
    """How much replication. Blocks and samples as the methodology defines them.

    Lanes are by device; the first one also takes the cold starts. ``cold_blocks`` also start every
    mode with empty compile caches, ``accuracy_blocks`` also train to the accuracy target; the modes
    that do are the scope ``extras``. Modes of the scope ``repeats`` run in every block, others in
    the first only, which verifies them and gives a figure without an interval; for scopes see
    :meth:`generator.catalog.model.Framework.scope`. ``replicates`` says what runs twice in every
    block (A/A): "some", three frameworks, and where these are all symbolic or all imperative, one
    mode of the other kind; "one" framework; "every" one; "none". A ``standard`` profile measures
    only the mode that stands for each release; with ``every``, a framework named without a release
    means all; with ``variants``, modes that have some, each beside its variants. ``sections`` are
    all that it measures, none named: any.
    """

    name: str
    blocks: int
    samples: int
    lanes: Mapping[str, tuple[str, ...]]
    cold_blocks: int
    accuracy_blocks: int
    replicates: str
    summary: str
    extras: str = "modes"
    repeats: str = "modes"
    standard: bool = False
    every: bool = False
    variants: bool = False
    sections: tuple[str, ...] = ()


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "quick", 3, 10, {"cpu": ("threads-all",), "cuda": ("resident",)}, 1, 1, "one",
            "3 blocks of 10 samples, all cores, side modes once: a first answer in minutes",
            extras="framework", repeats="compared",
        ),
        Profile(
            "full", 10, 30, {"cpu": ("threads-all", "threads-1"), "cuda": LANES["cuda"]}, 3, 1,
            "some", "10 blocks of 30 samples, every lane: what we publish",
        ),
        Profile(
            "aa", 6, 30, {"cpu": ("threads-all", "threads-1"), "cuda": LANES["cuda"]}, 0, 0,
            "every",
            "the same thing measured twice in every block: how much it differs from itself",
            standard=True, sections=("lenet",),
        ),
        Profile(
            "history", 3, 10, {"cpu": ("threads-all",), "cuda": ("resident",)}, 1, 0, "none",
            "3 blocks of 10 samples of every release, in the mode that stood for it",
            standard=True, every=True,
        ),
        Profile(
            "variants", 5, 10, {"cpu": ("threads-all",), "cuda": ("resident",)}, 1, 0, "one",
            "5 blocks of 10 samples of each mode with and without the switches it is tried with",
            variants=True, sections=("compile", "memory", "lenet"),
        ),
    )
}  # fmt: skip
