"""The registry: folders in, frozen records out.

A framework is a folder with a ``framework.toml``; a section is a module with a ``SECTION``. There
is no other list. Reading the catalog imports no framework.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from generator.catalog import package_index
from generator.catalog.framework_toml import read_framework
from generator.catalog.model import Catalog, Framework, Metric, Section

ROOT = Path(__file__).resolve().parents[2]
"""The repository; ``measurements/``, ``templates/`` and ``docs/`` lie in it."""

SNAPSHOT = "releases.json"
"""Beside the folder of the framework folders: what the package index has."""

NATIVE_SUFFIXES = (".c", ".cc", ".cpp", ".cu", ".h")
"""Of native code that a script of the same name builds."""


def load(root: Path = ROOT, frameworks: Path | None = None) -> Catalog:
    """Read all framework folders and section modules.

    Args:
        root: the repository.
        frameworks: another folder of framework folders (tests bring tiny fakes).

    Raises:
        InputError: a ``framework.toml`` or the snapshot of the package index is not as agreed.

    """
    folder = (frameworks or root / "measurements" / "frameworks").resolve()
    watches = package_index.read(folder.parent / SNAPSHOT)
    found = [
        replace(framework, watch=watches.get(framework.id))
        for framework in map(read_framework, sorted(folder.glob("*/framework.toml")))
    ]
    sections = sorted(_sections(root), key=lambda section: (section.order, section.id))
    return Catalog(tuple(found), tuple(sections))


def _sections(root: Path) -> Iterable[Section]:
    for path in sorted((root / "measurements" / "sections").glob("*.py")):
        if path.stem == "__init__":
            continue
        facts = importlib.import_module(f"measurements.sections.{path.stem}").SECTION
        yield Section(
            id=path.stem,
            title=facts.title,
            group=facts.group,
            order=facts.order,
            question=facts.question,
            metrics={id: Metric(id, *metric) for id, metric in facts.metrics.items()},
            starts=tuple(facts.starts),
            module=path,
            template=root / "templates" / "sections" / f"{path.stem}.md.j2",
            scope=facts.scope,
            blocks=dict(facts.blocks),
            script=facts.script,
            cases=tuple(facts.cases),
            uses=tuple(facts.uses),
            findings=facts.findings,
            addition=facts.addition,
        )


CODE_SUFFIXES = (".py", ".R", *NATIVE_SUFFIXES)


def code_files(section: Section, framework: Framework, catalog: Catalog) -> list[Path]:
    """Return the files of a folder that a section's figures depend on, its own script first.

    A script that another section with processes of its own is about is none of them, unless the
    section says that it ``uses`` it. Native code belongs to the script of its name.
    """
    others = {s.script for s in catalog.sections if s.apart and s.id != section.id}
    others -= set(section.uses)

    def script(path: Path) -> str:
        return f"{path.stem}.py" if path.suffix in NATIVE_SUFFIXES else path.name

    found = [
        path
        for path in framework.folder.iterdir()
        if path.suffix in CODE_SUFFIXES and script(path) not in others
    ]
    own = section.script.rpartition(".")[0]
    return sorted(found, key=lambda path: (path.stem != own, path.stem == "adapter", path.name))
