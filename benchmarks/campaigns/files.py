"""Mutates results and facts: what `check` accepts must render, and be text on every page."""

import contextlib
import dataclasses
import functools
import random
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from benchmarks.campaigns import mutations
from benchmarks.campaigns.tally import Tally
from generator.analysis import claims as book
from generator.catalog import framework_toml, loader, package_index
from generator.cli import check
from generator.errors import InputError
from generator.results import reading, row_checks, run_record, schema, validation, writing
from generator.site import render, writer

TOGETHER = 40
"""So many accepted files are rendered at a time, each as a machine or a framework of its own."""


@dataclasses.dataclass(frozen=True)
class Base:
    """A small valid run, to be mutated."""

    framework: str
    version: str
    run: str
    rows: bytes
    record: bytes

    def put(self, root: Path, name: str, framework: str = "", version: str = "") -> Path:
        """Write it as the run of a machine; returns the path of the CSV."""
        from tests.sample_results import MACHINE

        new = framework or self.framework, version or self.version
        folder = root / name / "/".join(new)
        folder.mkdir(parents=True)
        path = folder / f"{self.run}.csv"
        for was, suffix in ((self.rows, ".csv"), (self.record, ".json")):
            data = was
            for old, other in zip(
                (MACHINE, self.framework, self.version), (name, *new), strict=True
            ):
                for mark in (b'"%b"', b",%b,"):
                    data = data.replace(mark % old.encode(), mark % other.encode())
            path.with_suffix(suffix).write_bytes(data)
        return path


@functools.lru_cache(maxsize=1)
def bases(folder: Path) -> list[Base]:
    """Return small runs of three frameworks, each with three of the sections."""
    from tests import sample_results

    found = []
    frameworks = (sample_results.GRAPH, sample_results.PAIRED, sample_results.MANY)
    for number in range(12):
        root, sections = folder / "bases" / str(number), sample_results.SECTIONS[number::4]
        (path,) = sample_results.write_sample(
            root, frameworks=(frameworks[number % 3],), profile="quick", rows_scale=0.1
        )
        record = run_record.read_run_record(path)
        keep = [
            row for row in row_checks.rows(path)
            if row["section"] in sections and row["block"] in ("", "0", "1")
            and row["sample"] in ("", "0", "1") and "partial" not in row["flags"]
        ]  # fmt: skip
        record["jobs"] = record["jobs"][:6]
        writing.write(path, keep[:: max(1, len(keep) // 80)], record)
        where = record["framework"], record["version"], record["run"]
        found.append(Base(*where, path.read_bytes(), path.with_suffix(".json").read_bytes()))
    return found


@functools.lru_cache(maxsize=1)
def names():
    """Return what ``check`` holds results against: the units of metrics, and modes."""
    catalog = loader.load()
    return check.units_of(catalog.sections), check.modes_of(catalog.frameworks)


def results(tally: Tally, number: int, folder: Path, suffix: str) -> None:
    """Mutate CSVs or run records; what ``check`` accepts is read and rendered."""
    declared = names()
    for first in range(0, number, TOGETHER):
        root = folder / tally.kind / "results"
        for case in range(first, min(first + TOGETHER, number)):
            chance = tally.chance(case)
            path = chance.choice(bases(folder)).put(root, f"m{case}")
            mutate(path.with_suffix(suffix), chance)
            tally.counts["tried"] += 1
            problems = None
            with tally.guarded(case, path.parent):
                problems = validation.validate(path, *declared)
            with tally.guarded(case, path.parent, accepted=problems == []):
                read = reading.load(root / f"m{case}")
                if problems == []:
                    count(tally, case, path, read)
        with tally.guarded("check --contribution"):
            check.check_contribution(root, folder / "nothing")
        for path in reading.find(root):
            with tally.guarded("valid"):
                if validation.validate(path, *declared):
                    path.unlink()
                    path.with_suffix(".json").unlink(missing_ok=True)
        shown(tally, root, sorted(root.iterdir()), lambda some: {"results_root": some})
        shutil.rmtree(root.parent)
        tally.progress(number)


def mutate(path: Path, chance: random.Random) -> None:
    path.write_bytes(mutations.mutated(path.read_bytes(), path.suffix, chance))


def count(tally: Tally, case: int, path: Path, read: reading.Results) -> None:
    """Hold the rows that are read against the lines of an accepted file."""
    (file,) = read.files.values()
    lines = path.read_bytes().count(b"\n") - 1
    tally.add("lost", f"{case}: rows", max(0, lines - len(file.table)), path.parent)
    sure = [
        row for row in row_checks.rows(path)
        if row["status"] == "ok" and "partial" not in row["flags"]
    ]  # fmt: skip
    different = {tuple(row[name] for name in schema.SAMPLE_KEY) for row in sure}
    tally.add("doubled", f"{case}: rows", len(sure) - len(different), path.parent)


def shown(tally: Tally, root: Path, parts: list[Path], arguments) -> None:
    """Render accepted files together; where that fails, one by one to find the cause.

    Args:
        tally: gets what was found.
        root: the folder that holds them.
        parts: folders in it, each of one case.
        arguments: folder -> what :func:`generator.site.render.render` is given.

    """
    if not parts:
        return
    docs = root.parent / "docs"
    try:
        pages(tally, f"{parts[0].name} to {parts[-1].name}", docs, **arguments(root))
    except Exception:
        for part in parts:
            alone = root.parent / "alone" / root.name
            shutil.copytree(part, alone / part.name)
            with tally.guarded(part.name, alone, accepted=True):
                pages(tally, part.name, docs, **arguments(alone))
            shutil.rmtree(alone.parent)


def pages(tally: Tally, case: str, docs: Path, **arguments) -> None:
    """Render, charts undrawn, and look at every page for text that became more than text."""
    with (
        mock.patch.object(writer, "_svg", return_value='<svg width="9" height="9"/>'),
        mock.patch.object(writer, "_png", return_value=b""),
    ):
        render.render(docs=docs, **arguments)
    for path in sorted(docs.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if mutations.EVALUATED in text or active(text):
            tally.add("unescaped", f"{case}: {path.relative_to(docs)}", behind=docs)
    for path in docs.rglob("*.xml"):
        with tally.guarded(f"{case}: {path.name}", docs, accepted=True):
            ElementTree.fromstring(path.read_bytes())


class _Active(HTMLParser):
    """Whether a page has an element, a handler or a link of ours to a script."""

    found = False

    def handle_starttag(self, tag, attrs):
        self.found |= tag == "x-hostile" or any(
            name.startswith("on") or (value or "").strip().startswith(("javascript:", "data:t"))
            for name, value in attrs
        )


def active(source: str) -> bool:
    """Whether the site builders would make hostile text of a page into markup."""
    if not any(mark in source for mark in ("<x-hostile", "' onx", '" onx', "](javascript:")):
        return False
    import markdown

    body = source.partition("\n---\n")[2] if source.startswith("---\n") else source
    parser = _Active()
    parser.feed(markdown.markdown(body, **extensions()))
    return parser.found


@functools.lru_cache
def extensions():
    from mkdocs.utils.yaml import yaml_load

    said = yaml_load((loader.ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    entries = [e if isinstance(e, dict) else {e: {}} for e in said["markdown_extensions"]]
    options = {name: given or {} for entry in entries for name, given in entry.items()}
    return {"extensions": list(options), "extension_configs": options}


def tomls(tally: Tally, number: int, folder: Path) -> None:
    """Mutate every framework's facts, and now and then the claims; render what is accepted."""
    sources = sorted(loader.ROOT.glob("measurements/frameworks/*/framework.toml"))
    others = bases(folder)
    alike = {
        base.framework: [b for b in others if b.framework == base.framework] for base in others
    }
    for first in range(0, number, TOGETHER):
        root, runs = folder / tally.kind / "frameworks", folder / tally.kind / "results"
        accepted = []
        for case in range(first, min(first + TOGETHER, number)):
            chance = tally.chance(case)
            tally.counts["tried"] += 1
            if case % 20 == 0:
                repository(
                    tally, case, root.parent / "repository", others[0], "claims.toml", claims
                )
                continue
            part = root / f"m{case}"
            part.mkdir(parents=True)
            source = chance.choice(sources)
            path = Path(shutil.copy(source, part))
            mutate(path, chance)
            with tally.guarded(case, part):
                framework = framework_toml.read_framework(path)
                accepted.append(part)
                measured(framework, chance.choice(alike.get(source.parent.name, others)), runs)
            if part not in accepted:
                shutil.rmtree(part)
        shown(
            tally, root, accepted,
            lambda some, runs=runs: {"frameworks": some, "results_root": runs},
        )  # fmt: skip
        shutil.rmtree(root.parent)
        tally.progress(number)


def measured(framework, base: Base, runs: Path) -> None:
    """Put a small run of a framework's newest release below a folder, if that has such modes."""
    version = framework.newest.version
    if re.fullmatch(schema.NAME, version):
        path = base.put(runs, "machine", framework.id, version)
        modes = {framework.id: [mode.id for mode in framework.modes]}
        if validation.validate(path, names()[0], modes):
            shutil.rmtree(path.parent.parent)


def claims(path: Path) -> None:
    book.parse(path.read_text(encoding="utf-8"), path)


def snapshot(path: Path) -> None:
    """Read what the index has; a refusal names the file, and the command that makes it anew."""
    try:
        package_index.read(path)
    except InputError as error:
        next_command = "remove the file and run `generator update --snapshot`"
        if error.file != str(path) or next_command not in error.expected:
            raise ValueError(f"what to do next is not said: {error}") from None
        raise


def snapshots(tally: Tally, number: int, folder: Path) -> None:
    """Mutate what the package index has; render what is accepted."""
    for case in range(number):
        tally.counts["tried"] += 1
        base, root = bases(folder)[case % 3], folder / tally.kind / "repository"
        repository(tally, case, root, base, loader.SNAPSHOT, snapshot)
        tally.progress(number)


def repository(
    tally: Tally, case: int, root: Path, base: Base, name: str, parse: Callable[[Path], None]
) -> None:
    """Mutate one file of a repository that is this one otherwise, and render what is accepted.

    Args:
        tally: gets what was found.
        case: number of the case.
        root: the repository, removed at the end.
        base: its results.
        name: of the file, in ``measurements/``.
        parse: raises what is wrong with it.

    """
    ours = root / "measurements"
    (ours / "frameworks").mkdir(parents=True)  # the snapshot lies beside it
    for pattern in ("*", "measurements/*", "measurements/frameworks/*"):
        for path in loader.ROOT.glob(pattern):
            there = root / path.relative_to(loader.ROOT)
            if path.name not in ("results", name) and not there.exists():
                there.symlink_to(path)
    path = Path(shutil.copy(loader.ROOT / "measurements" / name, ours))
    mutate(path, tally.chance(case))
    base.put(ours / "results", "machine")
    with tally.guarded(case, ours), contextlib.suppress(UnicodeDecodeError):
        parse(path)
        pages(tally, f"{name} {case}", root.parent / "docs", root=root)
    shutil.rmtree(root)
