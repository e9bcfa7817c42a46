"""Looks for new releases, locks them, measures them beside the release before, says what changed.

The order of steps makes it safe to kill at any moment: the index is asked first, for all
frameworks; then locks are made and tried in a scratch folder; only then they are moved into the
repository, and ``framework.toml`` after them; then both releases are measured, the report is
written, and the snapshot of the index last. What was begun is found again by the same command: a
release that is listed and locked but not measured, and a run without a report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.catalog import freshness, package_index
from generator.catalog import loader as catalogs
from generator.catalog.freshness import Pair
from generator.catalog.loader import ROOT, Catalog, Framework, Version
from generator.catalog.package_index import Index, Release, Watch
from generator.cli import doctor
from generator.errors import (
    DoesNotInstall,
    EnvironmentMissing,
    GeneratorError,
    InputError,
    UsageError,
)
from generator.measure import environments, plan, runner
from generator.measure import machine as machines
from generator.results import reading

if TYPE_CHECKING:
    from tomlkit.items import Table

    from generator.analysis.changes import Change

COMMAND = "generator update"
"""How the command of a run begins whose report this module writes."""

PYTHONS = tuple(f"3.{minor}" for minor in range(6, 21))
"""What a release may be run with; uv knows which of them exist."""


@dataclass(frozen=True)
class Request:
    """What ``update`` was asked for; empty tuples mean everything."""

    frameworks: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    device: str = "cpu"
    profile: str = "quick"
    timeout: float = 600.0
    command: str = COMMAND
    results: Path = ROOT / "measurements" / "results"
    frameworks_folder: Path | None = None
    report: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the framework folders."""
        return (self.frameworks_folder or ROOT / "measurements" / "frameworks").resolve()

    @property
    def snapshot(self) -> Path:
        """Where the snapshot of the index is kept."""
        return self.folder.parent / catalogs.SNAPSHOT

    @property
    def reports(self) -> Path:
        """The folder of the change reports."""
        return self.results.resolve().parent / "changes"


@dataclass(frozen=True)
class News:
    """What the index has of a framework, beside what is listed in its folder.

    ``wanted`` is the release to lock and measure, None where there is nothing new.
    """

    framework: Framework
    watch: Watch
    wanted: Release | None

    @property
    def freshness(self) -> freshness.Freshness:
        """How fresh the newest listed release is."""
        framework = dataclasses.replace(self.framework, watch=self.watch)
        return freshness.of(framework, framework.newest.version)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        finals = freshness.finals(self.watch.releases)
        return {
            "framework": self.framework.id,
            "distribution": self.watch.distribution,
            "listed": self.framework.newest.version,
            "newest": finals[-1].version if finals else None,
            "wanted": self.wanted.version if self.wanted else None,
            "freshness": self.freshness.words,
            "behind": self.freshness.behind,
        }


@dataclass(frozen=True)
class Staged:
    """A new release, locked in a scratch folder; ``notes`` say what was left out."""

    framework: Framework
    version: Version
    text: str
    notes: tuple[str, ...]


@dataclass
class Outcome:
    """What an update did.

    ``faults`` are releases that could not be locked, with the reason: they were left as they were.
    """

    locked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    run: runner.Outcome | None = None
    plan: plan.Plan | None = None
    reports: list[Path] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anything failed (exit code 1)."""
        return bool(self.faults or (self.run and self.run.failed))


# -------------------------------------------------------------------------------------- looking


def look(request: Request, catalog: Catalog, index: Index) -> list[News]:
    """Ask the index about the frameworks that are asked for.

    Raises:
        UsageError: an unknown framework, or a release that the index does not have.
        IndexFault: it cannot be used; then nothing is known of any framework.

    """
    names = request.frameworks or tuple(framework.id for framework in catalog.frameworks)
    return [_news(name, catalog, index) for name in dict.fromkeys(names)]


def _news(name: str, catalog: Catalog, index: Index) -> News:
    id, _, number = name.partition("==")
    framework = catalog.framework(id.strip())
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    first, *rest = framework.distributions
    watch = Watch(
        now, first, index.releases(first), tuple((other, index.releases(other)) for other in rest)
    )
    if number.strip():
        wanted = freshness.released(watch.releases, number.strip())
        if wanted is None:
            have = ", ".join(r.version for r in freshness.finals(watch.releases)[-5:])
            raise UsageError(
                f"the package index has no {first} {number.strip()}; its newest are {have}"
            )
        if wanted.version in {version.version for version in framework.versions}:
            return News(framework, watch, None)
        if wanted not in freshness.later([wanted], framework.newest.version):
            raise UsageError(
                f"{first} {wanted.version} is no final release after {framework.newest.version}, "
                f"the newest that is listed; add it by hand to {framework.id}/framework.toml"
            )
        return News(framework, watch, wanted)
    newer = freshness.later(watch.releases, framework.newest.version)
    return News(framework, watch, newer[-1] if newer else None)


# -------------------------------------------------------------------------------------- locking


def stage(news: News, device: str, scratch: Path) -> Staged:
    """Write the new release's table and locks into a scratch folder, and install it once.

    What only one section needs ("cpu+reuse"), and other devices, may be impossible to resolve:
    then the release goes without.

    Raises:
        InputError: ``framework.toml`` does not pin the distribution.
        EnvironmentMissing: the release cannot be locked, or not be had as it was locked.

    """
    framework, wanted = news.framework, news.wanted
    assert wanted is not None
    before = framework.newest
    python = freshness.interpreter(wanted.python, before.python, PYTHONS)
    if python is None:
        raise EnvironmentMissing(
            f"{framework.id} {wanted.version} asks for Python {wanted.python}, which none is"
        )
    folder = scratch / framework.id
    folder.mkdir()
    notes, left_out = [], set[str]()
    if python != before.python:
        notes.append(
            f"{framework.name} {wanted.version} is measured on Python {python}, "
            f"{before.version} on {before.python}: it asks for {wanted.python}."
        )
    path = framework.folder / "framework.toml"
    text = path.read_text(encoding="utf-8")

    def write() -> tuple[str, Version]:
        made = with_release(text, framework, wanted, python, left_out, path)
        (folder / "framework.toml").write_text(made, encoding="utf-8")
        return made, catalogs.read_framework(folder / "framework.toml").version(wanted.version)

    made, version = write()
    for name in sorted(version.requirements, key=lambda name: (name != device, "+" in name, name)):
        base, plus, _ = name.partition("+")
        if plus and base in left_out:
            left_out.add(name)
            continue
        try:
            environments.write_lock(version, name)
        except EnvironmentMissing as error:
            if name == device:
                raise
            left_out.add(name)
            notes.append(f"{framework.name} {wanted.version} goes without {name}: {error}")
    if left_out:
        made, version = write()
    # A release that does not install is a result, which the run will write down.
    with contextlib.suppress(DoesNotInstall):
        environments.locked(framework, version, device)
    return Staged(framework, version, made, tuple(notes))


def with_release(
    text: str,
    framework: Framework,
    wanted: Release,
    python: str,
    left_out: set[str],
    path: Path,
) -> str:
    """Return ``framework.toml`` with one more release: pure.

    It is a copy of the newest one, comments included, with the distribution's own pins replaced.

    Raises:
        InputError: no requirement pins the distribution.

    """
    import copy

    import tomlkit

    versions: Any = tomlkit.parse(text)["versions"]
    before = str(versions[-1]["version"])
    table: Table = copy.deepcopy(versions[-1])
    table["version"] = wanted.version
    if wanted.uploaded is not None:
        table["released"] = wanted.uploaded
    else:
        table.pop("released", None)
    table["source"] = f"https://pypi.org/project/{framework.distribution}/{wanted.version}/"
    table["python"] = python
    requirements: Any = table["requirements"]
    replaced = 0
    for name in list(requirements):
        if name in left_out:
            del requirements[name]
            continue
        for n, item in enumerate(requirements[name]):
            pin = repinned(str(item), framework.distributions, before, wanted.version)
            if pin is not None:
                requirements[name][n] = pin
                replaced += 1
    if not replaced:
        found = f"no requirement {framework.distribution}=={before}"
        expected = "one, which a new release replaces; add the new [[versions]] table by hand"
        raise InputError(path, None, found, expected)
    alone = tomlkit.document()
    alone["versions"] = tomlkit.aot()
    alone["versions"].append(table)
    # As text: tomlkit moves tables of other names when it adds one to a file.
    above, below = _after_versions(text)
    parts = (above, tomlkit.dumps(alone).strip("\n"), below)
    return "\n\n".join(part for part in parts if part) + "\n"


def _after_versions(text: str) -> tuple[str, str]:
    """Split a ``framework.toml`` below its last release; comments go with what they precede."""
    lines = text.splitlines()
    heads = [n for n, line in enumerate(lines) if re.match(r"\[\[\s*versions\s*\]\]", line)]
    end = next(
        (
            n
            for n, line in enumerate(lines)
            if n > heads[-1] and re.match(r"\[(?!\s*versions\s*\.)", line)
        ),
        len(lines),
    )
    while end < len(lines) and lines[end - 1].startswith("#"):
        end -= 1
    return "\n".join(lines[:end]).rstrip("\n"), "\n".join(lines[end:]).strip("\n")


def repinned(requirement: str, distributions: Sequence[str], before: str, after: str) -> str | None:
    """Return a requirement with its pin replaced, None where it is another package's.

    The framework's own are its distributions and what is named after them (``tensorflow-cpu``,
    ``mxnet-cu117``), as long as they were pinned to the release before; a local part ("+cpu")
    stays.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion
    from packaging.version import Version as Number

    try:
        parsed = Requirement(requirement)
        pins = [(spec.operator, spec.version) for spec in parsed.specifier]
        if len(pins) != 1 or pins[0][0] != "==":
            return None
        (_, pin) = pins[0]
        same = Number(pin).public == Number(before).public
    except (InvalidRequirement, InvalidVersion):
        return None
    name = package_index.canonical(parsed.name)
    own = [package_index.canonical(distribution) for distribution in distributions]
    if not same or not any(name == mine or name.startswith(f"{mine}-") for mine in own):
        return None
    local = pin.partition("+")[1] + pin.partition("+")[2]
    head, _, tail = requirement.partition("==")
    return f"{head}=={tail.replace(pin, after + local, 1)}"


def commit(staged: Staged) -> None:
    """Move a locked release into the framework's folder: its locks first, then its table."""
    target = dataclasses.replace(staged.version, folder=staged.framework.folder)
    for name in staged.version.requirements:
        lock = target.lock(name)
        lock.parent.mkdir(exist_ok=True)
        reading.replace(lock, staged.version.lock(name).read_bytes())
    reading.replace(target.folder / "framework.toml", staged.text.encode())


# ------------------------------------------------------------------------------------- measuring


def pending(request: Request, catalog: Catalog) -> list[Pair]:
    """Return the newest release of each chosen framework that was never measured to its end.

    That is on this device, if its other releases are measured there: a machine that has no such
    device is not asked for results that nobody has.
    """
    documents = [document for _, document in runner.documents(request.results)]
    here = machines.this().id
    found = []
    for framework in _chosen(request, catalog):
        pair = _pair(framework)
        mine = [d for d in documents if d["framework"] == framework.id]
        there = [d for d in mine if d["device"] == request.device] or mine
        measured = [d for d in there if d["version"] == pair.new and d["finished"]]
        cut = [
            d for d in mine
            if d["version"] in (pair.old, pair.new) and not d["finished"]
            and d["machine"]["id"] == here and d["device"] == request.device
            and d["command"].startswith(COMMAND)
        ]  # fmt: skip
        if cut or not measured:
            found.append(pair)
    return found


def _chosen(request: Request, catalog: Catalog) -> list[Framework]:
    ids = dict.fromkeys(name.partition("==")[0].strip() for name in request.frameworks)
    return [catalog.framework(id) for id in ids] or list(catalog.frameworks)


def _pair(framework: Framework) -> Pair:
    old = framework.versions[-2].version if len(framework.versions) > 1 else ""
    return Pair(framework.id, old, framework.newest.version)


def prepare(
    request: Request, catalog: Catalog, pairs: Sequence[Pair]
) -> tuple[plan.Plan, runner.Setup]:
    """Return the plan that measures pairs of releases in the same blocks, held or not."""
    names = [
        f"{pair.framework}=={version}"
        for pair in pairs
        for version in (pair.old, pair.new)
        if version
    ]
    sections = request.sections or tuple(
        section.id for section in catalog.sections if section.measured and not section.apart
    )
    made, setup = doctor.prepare(
        doctor.Request(
            frameworks=tuple(names), sections=sections, modes=request.modes,
            device=request.device, profile=request.profile, timeout=request.timeout,
            command=request.command, results=request.results,
            frameworks_folder=request.frameworks_folder, force=True,
        ),
        catalog,
    )  # fmt: skip
    if not request.modes:
        made = lean(made, pairs, catalog, banded=_has_twins(request))
    return made, dataclasses.replace(setup, installation=True)


def lean(made: plan.Plan, pairs: Sequence[Pair], catalog: Catalog, *, banded: bool) -> plan.Plan:
    """Leave out of a quick plan what the question "what did the release change" can spare.

    The modes that stand for the two releases run in every block, all others once: that shows
    whether the gate still passes. Training to the accuracy target takes one process, which has no
    interval to compare, so only the new release does it.

    Args:
        made: a plan; one whose side modes run in every block is left as it is.
        pairs: the releases that it compares.
        catalog: knows which mode stands for which.
        banded: whether this machine's null band is known already, so that no twins are needed.

    """
    if made.profile.repeats == "modes":
        return made
    standing = {
        pair.framework: {
            framework.standard(framework.version(version)).id
            for version in (pair.old, pair.new)
            if version
        }
        for pair in pairs
        for framework in [catalog.framework(pair.framework)]
    }
    new = {(pair.framework, pair.new) for pair in pairs}
    jobs = tuple(
        dataclasses.replace(job, accuracy=job.accuracy and (job.framework, job.version) in new)
        for job in made.jobs
        if (job.block == 0 or job.mode in standing[job.framework])
        and not (banded and job.case == plan.AGAIN)
    )
    return dataclasses.replace(made, jobs=jobs)


def _has_twins(request: Request) -> bool:
    """Whether a finished run of this machine holds twins: a run that is cut off keeps its plan."""
    here = machines.this().id
    return any(
        document["finished"]
        and document["machine"]["id"] == here
        and document["device"] == request.device
        and any(job["case"] == plan.AGAIN for job in document["jobs"])
        for _, document in runner.documents(request.results)
    )


def planned(request: Request, catalog: Catalog, news: Sequence[News]) -> list[Pair]:
    """Return the pairs that an update would measure."""
    new = {n.framework.id: n.wanted for n in news if n.wanted is not None}
    waiting = {pair.framework: pair for pair in pending(request, catalog)}
    pairs = []
    for framework in _chosen(request, catalog):
        wanted = new.get(framework.id)
        if wanted is not None:
            pairs.append(Pair(framework.id, framework.newest.version, wanted.version))
        elif framework.id in waiting:
            pairs.append(waiting[framework.id])
    return pairs


def imagined(catalog: Catalog, news: Sequence[News]) -> Catalog:
    """Return the catalog as it would be with the new releases: for a plan that writes nothing."""
    new = {n.framework.id: n.wanted for n in news if n.wanted is not None}
    frameworks = []
    for framework in catalog.frameworks:
        wanted = new.get(framework.id)
        versions = framework.versions
        if wanted is not None:
            versions += (dataclasses.replace(framework.newest, version=wanted.version),)
        frameworks.append(dataclasses.replace(framework, versions=versions))
    return dataclasses.replace(catalog, frameworks=tuple(frameworks))


# ---------------------------------------------------------------------------------------- reports


def write_reports(request: Request, notes: Sequence[str] = ()) -> tuple[list[Path], list[Change]]:
    """Write the report of every run of ``update`` that has none yet.

    Returns:
        the Markdown files, and all changes that they tell.

    """
    catalog = catalog_of(request)
    runs: dict[str, list[dict[str, Any]]] = {}
    for path, document in runner.documents(request.results):
        if document["command"].startswith(COMMAND):
            runs.setdefault(path.stem, []).append(document)
    written, told = [], []
    for run, documents in sorted(runs.items()):
        path = request.reports / f"{run}.md"
        if path.exists() or not all(document["finished"] for document in documents):
            continue
        text, found = _report(request, catalog, run, documents, notes)
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.report is not None:
            reading.replace(request.report.resolve(), text.encode())
        reading.replace(path, text.encode())  # last: it says that the run was told
        written.append(path)
        told += found
    return written, told


def _report(
    request: Request,
    catalog: Catalog,
    run: str,
    documents: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> tuple[str, list[Change]]:
    from generator.analysis import change_events, changes, statistics
    from generator.pages import markdown

    loaded = reading.load(request.results)
    machine = str(documents[0]["machine"]["id"])
    frame = reading.withhold(reading.of_run(loaded, run, machine))
    shown = change_events.headlines(reading.shown(loaded, catalog.listed), catalog)
    bands = statistics.null_bands(statistics.cells(shown))
    subjects, told = [], []
    for id in sorted({str(document["framework"]) for document in documents}):
        mine = {str(d["version"]): d for d in documents if d["framework"] == id}
        *older, new = sorted(mine, key=functools.partial(reading.age, catalog.listed.get(id, [])))
        pair = Pair(id, older[-1] if older else "", new)
        found = changes.compare(frame, pair, catalog, bands) if pair.old else []
        name = next((f.name for f in catalog.frameworks if f.id == id), id)
        about = [note for note in notes if note.startswith(f"{name} ")]
        subjects.append(changes.subject(pair, found, mine, catalog, about))
        told += found
    environment = markdown.environment(ROOT / "templates")
    context = changes.report(run, subjects, documents[0])
    return environment.get_template("changes.md.j2").render(context).strip() + "\n", told


# -------------------------------------------------------------------------------------- the command


Saying = Callable[[str], None]


def take_snapshot(request: Request, catalog: Catalog, news: Sequence[News]) -> None:
    """Write what the index said into the snapshot, beside what it said earlier of others."""
    known = {f.id: f.watch for f in catalog.frameworks if f.watch is not None}
    known |= {n.framework.id: n.watch for n in news}
    reading.replace(request.snapshot, package_index.encode(known))


def run(
    request: Request,
    news: Sequence[News],
    say: Saying,
    measure: Callable[[plan.Plan, runner.Setup], runner.Outcome] = runner.run,
) -> Outcome:
    """Lock what is new, measure it, write the report, and then the snapshot.

    Args:
        request: what was asked for.
        news: of :func:`look`.
        say: told in one line what begins.
        measure: runs a plan.

    Returns:
        What happened. A release that cannot be locked is left as it was, the others go on.

    Raises:
        GeneratorError: another update is running.
        KeyboardInterrupt: after everything finished was written.

    """
    with _alone(request.folder):
        outcome = Outcome()
        asked = []
        for item in news:
            name = f"{item.framework.id} {item.wanted.version if item.wanted else ''}".strip()
            try:
                if item.wanted is not None:
                    say(f"locking and installing {name}")
                    outcome.notes += _lock(item, request.device)
                    outcome.locked.append(name)
                asked.append(item)
            except (EnvironmentMissing, InputError) as error:
                outcome.faults.append(f"{name}: left as it was: {error}")
        catalog = catalog_of(request)
        failed = {n.framework.id for n in news} - {n.framework.id for n in asked}
        pairs = [pair for pair in pending(request, catalog) if pair.framework not in failed]
        if pairs:
            made, setup = prepare(request, catalog, pairs)
            outcome.plan, outcome.run = made, measure(made, setup)
        outcome.reports, outcome.changes = write_reports(request, outcome.notes)
        if asked:
            take_snapshot(request, catalog, asked)
        return outcome


def catalog_of(request: Request) -> Catalog:
    """Return the catalog as the folders are now."""
    return catalogs.load(frameworks=request.frameworks_folder)


def plain(outcome: Outcome, news: Sequence[News]) -> dict[str, Any]:
    """Return what an update did as JSON takes it."""
    from generator.analysis import changes

    return {
        "index": [item.plain() for item in news],
        "locked": outcome.locked,
        "faults": outcome.faults,
        "notes": outcome.notes,
        "run": outcome.run.run if outcome.run else None,
        "counts": outcome.run.counts if outcome.run else {},
        "failures": outcome.run.failures if outcome.run else [],
        "findings": outcome.run.findings if outcome.run else [],
        "reports": [str(path) for path in outcome.reports],
        "changes": [changes.plain(change) for change in outcome.changes],
    }


def _lock(item: News, device: str) -> tuple[str, ...]:
    scratch = Path(tempfile.mkdtemp(prefix="update-"))
    try:
        staged = stage(item, device, scratch)
        commit(staged)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return staged.notes


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second update of the same folders out: both would list the same release."""
    from filelock import FileLock, Timeout

    place = environments.cache_folder()
    place.mkdir(parents=True, exist_ok=True)
    name = reading.one_line(folder).replace("/", "_")[-100:]
    try:
        with FileLock(place / f"update{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise GeneratorError(
            f"another `generator update` works on {folder}; wait until it has ended"
        ) from error
