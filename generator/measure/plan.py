"""What is missing: catalog x sections x modes x devices, less what is already measured.

Pure. Jobs are frozen, picklable and independent of each other; the runner (or a scheduler) only
needs their order.
"""

from __future__ import annotations

import enum
import itertools
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from generator.catalog.model import LANES, Catalog, Framework, Gap, Mode, Section, Version, pick
from generator.errors import UsageError
from generator.measure.profiles import Profile
from generator.results.schema import again


@dataclass(frozen=True)
class Cell:
    """What one verdict or number belongs to."""

    framework: str
    version: str
    section: str
    mode: str
    device: str
    lane: str

    @property
    def target(self) -> tuple[str, str]:
        """Framework and version."""
        return self.framework, self.version


@dataclass(frozen=True)
class Conditions:
    """What must be equal for a cell to count as already measured."""

    machine: str
    profile: str
    lock_sha256: str | None
    code_sha256: str
    data_sha256: str


class Rank(enum.IntEnum):
    """What a job adds to a first answer; those that add most come first, see :func:`order`."""

    LEAD = 0
    """The first look at the mode that stands for a framework: speed, start-up and memory."""
    MODES = 1
    """Its other blocks, and the other modes."""
    SECTIONS = 2
    """Sections with processes of their own."""


@dataclass(frozen=True)
class Job:
    """One worker process: one configuration, the sections it runs, and its place in the run."""

    framework: str
    version: str
    mode: str
    device: str
    lane: str
    sections: tuple[str, ...]
    start: str
    block: int
    case: str = ""
    accuracy: bool = False
    rank: Rank = Rank.MODES

    @property
    def id(self) -> str:
        """Name of the job, unique within a run and equal when the run is resumed."""
        case = [self.case.replace(" ", "-")] if self.case else []
        words = [*self.target, self.mode, self.device, self.lane, "+".join(self.sections)]
        return "_".join([*words, self.start, *case, f"b{self.block}"])

    @property
    def stage(self) -> tuple[bool, int, bool]:
        """What it is measured in one go with: a block, of which the leaders are the first part."""
        return self.rank is Rank.SECTIONS, self.block, self.rank is not Rank.LEAD

    @property
    def target(self) -> tuple[str, str]:
        """Framework and version: what it needs an environment of."""
        return self.framework, self.version

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that it measures."""
        place = self.mode, self.device, self.lane
        return tuple(Cell(*self.target, section, *place) for section in self.sections)

    @property
    def configuration(self) -> tuple[str, ...]:
        """What is given up when it fails: its further blocks; an A/A replicate goes on."""
        return (*self.target, self.mode, self.device, self.lane, self.start, self.case)


@dataclass(frozen=True)
class Plan:
    """Jobs in the order in which they run, and cells that a declared gap answers.

    ``measured`` counts the cells that are already measured. ``obstacles`` are further jobs that
    this machine keeps from running, with the reason and how to mend it; ``waiting`` says the same
    of those whose run records say so already.
    """

    profile: Profile
    device: str
    seed: int
    jobs: tuple[Job, ...]
    gaps: tuple[tuple[Cell, Gap], ...]
    measured: int
    obstacles: tuple[tuple[Job, str], ...] = ()
    waiting: tuple[tuple[Job, str], ...] = ()

    @property
    def targets(self) -> tuple[tuple[str, str], ...]:
        """(framework, version) pairs that need an environment, each once."""
        return tuple(dict.fromkeys(job.target for job in self.jobs))

    @property
    def skipped(self) -> dict[str, list[str]]:
        """What this machine lacks, and for which frameworks."""
        pairs = {(obstacle, job.framework) for job, obstacle in (*self.obstacles, *self.waiting)}
        found: dict[str, list[str]] = {}
        for obstacle, framework in sorted(pairs):
            found.setdefault(obstacle, []).append(framework)
        return found


def selection(
    catalog: Catalog,
    names: Sequence[str],
    installed: Mapping[str, str] | None = None,
    *,
    every: bool = False,
) -> list[tuple[Framework, Version]]:
    """Resolve ``NAME`` and ``NAME==VERSION``; an unknown one is a :class:`UsageError`.

    Args:
        catalog: what there is.
        names: as typed; none means every framework.
        installed: framework id -> version in the current interpreter, for ``--environment
            current``; None resolves against the locked versions.
        every: a name without a release means all that are locked, not the newest only.

    """
    chosen: dict[tuple[str, str], tuple[Framework, Version]] = {}
    if not names:
        names = [f.id for f in catalog.frameworks if installed is None or f.id in installed]
    for name in names:
        id, _, wanted = name.partition("==")
        framework = catalog.framework(id.strip())
        if installed is not None:
            versions = [_installed(framework, wanted, installed)]
        elif wanted:
            versions = [framework.version(wanted)]
        else:
            versions = list(framework.versions) if every else [framework.newest]
        for version in versions:
            chosen[framework.id, version.version] = (framework, version)
    return list(chosen.values())


def _installed(framework: Framework, wanted: str, installed: Mapping[str, str]) -> Version:
    found = installed.get(framework.id)
    if found is None:
        raise UsageError(
            f"{framework.name} is not installed in this interpreter (distribution "
            f"{framework.distribution}); leave out `--environment current` to measure a locked one"
        )
    if wanted and wanted != found:
        raise UsageError(f"this interpreter has {framework.id} {found}, not {wanted}")
    known = next((v for v in framework.versions if v.version == found), None)
    return known or Version(found, "", {}, framework.folder)


def make(
    chosen: Sequence[tuple[Framework, Version]],
    sections: Sequence[Section],
    *,
    modes: Sequence[str],
    device: str,
    lanes: Sequence[str],
    profile: Profile,
    seed: int,
    measured: Iterable[Cell] = (),
) -> Plan:
    """Return everything that is asked for and not yet measured, block by block.

    A mode that no release has, or a lane that the device has not, is a :class:`UsageError`.

    Args:
        chosen: the releases, see :func:`selection`.
        sections: what to measure; those without anything to run are passed over.
        modes: ids; none means all that the profile measures.
        device: "cpu" or "cuda".
        lanes: ids; none means those of the profile.
        profile: how much replication.
        seed: of the order within blocks.
        measured: the cells that are already measured.

    """
    known_modes = {mode.id: mode for framework, _ in chosen for mode in framework.modes}
    for id in modes:
        pick(known_modes, id, f"mode of {', '.join(f.id for f, _ in chosen) or 'no framework'}")
    for lane in lanes:
        pick(dict.fromkeys(LANES[device]), lane, f"lane of {device}")
    lanes = tuple(lanes) or profile.lanes[device]
    measured = set(measured)
    configurations = [
        (framework, version, mode)
        for framework, version in chosen
        for mode in framework.modes
        if (not modes or mode.id in modes)
        and (not profile.standard or mode == framework.standard(version, device))
        and (not profile.variants or framework.trials(mode.id, device))
    ]
    jobs: list[Job] = []
    gaps: list[tuple[Cell, Gap]] = []
    found = 0
    for framework, version, mode in configurations:
        for lane in lanes:
            place = framework.id, version.version, mode.id, device, lane
            first, missing = lane == lanes[0], []
            for section in sections:
                if not _concerns(section, framework, mode, device, profile, first=first):
                    continue
                cell = Cell(framework.id, version.version, section.id, mode.id, device, lane)
                if cell in measured:
                    found += 1
                elif gap := _gap(framework, version, mode, device, section):
                    gaps.append((cell, gap))
                else:
                    missing.append(section)
            jobs += _jobs_apart(place, missing, profile)
            together = [section for section in missing if not section.apart]
            shared = _jobs(place, framework, together, profile, first=first)
            jobs += _with_trials(shared, framework) if profile.variants else shared
    jobs += _replicates(jobs, _twice(configurations, sections, device, profile))
    return Plan(profile, device, seed, order(jobs, seed), tuple(gaps), found)


def _gap(
    framework: Framework, version: Version, mode: Mode, device: str, section: Section
) -> Gap | None:
    gap = framework.gap(mode=mode.id, device=device, version=version.version, section=section.id)
    if gap is None and device not in mode.devices:
        return Gap(f"{mode.title} is not offered for {device}", "framework.toml")
    if gap is None and device not in section.devices:
        return Gap(f"its scripts compute on {' and '.join(section.devices)} only", "", "skipped")
    return gap


def _jobs(
    place: tuple[str, str, str, str, str],
    framework: Framework,
    sections: Sequence[Section],
    profile: Profile,
    *,
    first: bool,
) -> Iterator[Job]:
    """Yield the jobs of sections that share processes; ``first``: in the profile's first lane."""
    mode = framework.mode(place[2])
    extra = mode in framework.scope(profile.extras, place[3])
    repeated = mode in framework.scope(profile.repeats, place[3])
    cold = tuple(section.id for section in sections if "cold" in section.starts)
    # Phases come first in a process: a section that runs later finds a built model.
    phases_first = sorted(sections, key=lambda s: ("cold" not in s.starts, s.id != "memory"))
    warm = tuple(section.id for section in phases_first if "warm" in section.starts)
    alone = [section.id for section in phases_first if place[3] in section.alone]
    blocks = profile.blocks if repeated else 1
    leader = first and mode == framework.default_on(place[3]) and not profile.variants
    for block in range(blocks):
        rank = Rank.LEAD if leader and block == 0 else Rank.MODES
        if cold and extra and first and block < profile.cold_blocks:
            yield Job(*place, cold, "cold", block, rank=rank)
        # Some compilers compile anew for another number of threads: the
        # first process of a further lane starts neither cold nor surely warm.
        present = warm if block > 0 or first else tuple(id for id in warm if id not in cold)
        shared = tuple(id for id in present if id not in alone)
        for together in filter(None, (shared, *((id,) for id in present if id in alone))):
            # The last blocks: a first answer need not wait for it.
            late = block >= blocks - profile.accuracy_blocks
            accuracy = extra and "lenet" in together and late
            yield Job(*place, together, "warm", block, accuracy=accuracy, rank=rank)


def _with_trials(jobs: Iterable[Job], framework: Framework) -> Iterator[Job]:
    """Yield jobs, and after each the trials of its mode's variants: in the same block."""
    for job in jobs:
        yield job
        for variant in framework.trials(job.mode, job.device):
            yield replace(job, case=variant.case)


def _jobs_apart(
    place: tuple[str, str, str, str, str], sections: Sequence[Section], profile: Profile
) -> list[Job]:
    """Return the jobs of sections that have processes of their own."""
    return [
        Job(*place, (section.id,), start, block, case, rank=Rank.SECTIONS)
        for section in sections
        if section.apart
        for start in section.starts
        for case in section.cases or ("",)
        for block in range(section.blocks[profile.name])
    ]


def order(jobs: Iterable[Job], seed: int) -> tuple[Job, ...]:
    """Return jobs block by block, each block in a fresh permutation that follows from the seed.

    What answers most comes first (:class:`Rank`): in the first block the modes that stand for their
    frameworks, then all blocks of what shares processes, at last the sections that have their own.
    Within a block the cold starts come first: they fill the caches that the warm ones find.
    """

    def place(job: Job) -> tuple[object, ...]:
        return *job.stage, job.start

    ordered: list[Job] = []
    pending = sorted(jobs, key=lambda job: (place(job), job.id))
    for key, group in itertools.groupby(pending, place):
        together = list(group)
        random.Random(f"{seed}/{key}").shuffle(together)
        ordered += together
    return tuple(ordered)


def without(plan: Plan, obstacles: Mapping[Job, str], recorded: Mapping[Cell, set[str]]) -> Plan:
    """Return the plan without the jobs that obstacles keep from running here.

    ``recorded`` is what kept cells from being measured, by run records under the present
    conditions. Where nothing has changed, the cell's other jobs have run as well.
    """
    present: dict[Cell, set[str]] = {}
    for job, obstacle in obstacles.items():
        for cell in job.cells:
            present.setdefault(cell, set()).add(obstacle)
    waiting = {cell for cell in present if cell in recorded and recorded[cell] <= present[cell]}
    asleep = {job for job in plan.jobs if waiting.issuperset(job.cells)}
    return replace(
        plan,
        jobs=tuple(job for job in plan.jobs if job not in asleep and job not in obstacles),
        obstacles=tuple(item for item in obstacles.items() if item[0] not in asleep),
        waiting=tuple(item for item in obstacles.items() if item[0] in asleep),
    )


def reseed(plan: Plan, seed: int) -> Plan:
    """Return the plan as another seed orders it: that of the run that it resumes."""
    return replace(plan, seed=seed, jobs=order(plan.jobs, seed))


def postpone(plan: Plan, jobs: Collection[Job]) -> Plan:
    """Return the plan with some jobs behind the leaders: no leader waits for what they leave."""
    later = (replace(job, rank=Rank.MODES) if job in jobs else job for job in plan.jobs)
    return replace(plan, jobs=order(later, plan.seed))


def _concerns(
    section: Section,
    framework: Framework,
    mode: Mode,
    device: str,
    profile: Profile,
    *,
    first: bool,
) -> bool:
    """Whether a section measures a mode under a profile; ``first``: in the profile's first lane."""
    if not section.measured or (profile.sections and section.id not in profile.sections):
        return False
    if section.apart and not (first and section.blocks.get(profile.name)):
        return False
    if device in section.once and not first:
        return False
    return mode in framework.scope(section.scope, device)


Configuration = tuple[Framework, Version, Mode]


def _twice(
    configurations: Sequence[Configuration],
    sections: Sequence[Section],
    device: str,
    profile: Profile,
) -> dict[tuple[str, str, str, str], str]:
    """Return what runs twice in every block, so that the noise of every section is known.

    It is (section, framework, version, mode) -> the case that is repeated, the first one declared.
    Each section has its own choice, of the frameworks that it can measure. A framework is
    represented by the mode that stands for it. Those still developed come first, and of these the
    ones with most modes and releases, since most comparisons are about them: where a name stands in
    the alphabet makes no difference.
    """

    def rank(one: Configuration) -> tuple[bool, bool, int, str]:
        framework, version, mode = one
        size = len(framework.modes) * len(framework.versions)
        standing = mode == framework.standard(version, device)
        return framework.retired is not None, not standing, -size, framework.id

    ranked = sorted(configurations, key=rank)
    found = {}
    for section in sections:
        able = [
            one
            for one in ranked
            if _concerns(section, one[0], one[2], device, profile, first=True)
            and not _gap(*one, device, section)
        ]
        first: dict[str, Configuration] = {}
        for one in able:
            first.setdefault(one[0].id, one)
        leading = list(first.values())
        three = leading[:3]
        kinds = {mode.kind for _, _, mode in three}
        other = [one for one in (*leading, *able) if one[2].kind not in kinds]
        chosen = {"some": [*three, *other[:1]], "one": leading[:1], "every": able, "none": []}
        for framework, version, mode in chosen[profile.replicates]:
            place = section.id, framework.id, version.version, mode.id
            found[place] = (*section.cases, "")[0]
    return found


def _replicates(
    jobs: Sequence[Job], repeated: Mapping[tuple[str, str, str, str], str]
) -> list[Job]:
    """Return the A/A replicates of jobs; what runs in one block has no interval, and needs none."""
    blocks = Counter((job.configuration, id) for job in jobs for id in job.sections)
    found = []
    for job in jobs:
        sections = tuple(
            id
            for id in job.sections
            if repeated.get((id, *job.target, job.mode)) == job.case
            and blocks[job.configuration, id] > 1
        )
        if sections:
            twin = replace(job, sections=sections, case=again(job.case), accuracy=False)
            found.append(replace(twin, rank=max(job.rank, Rank.MODES)))
    return found
