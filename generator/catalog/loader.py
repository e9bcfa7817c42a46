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
from generator.catalog.model import DEVICES, Catalog, Framework, Gap, Metric, Section
from measurements.contract import NOT_WRITTEN

ROOT = Path(__file__).resolve().parents[2]
"""The repository; ``measurements/``, ``templates/`` and ``docs/`` lie in it."""

SNAPSHOT = "releases.json"
"""Beside the folder of the framework folders: what the package index has."""

NATIVE_SUFFIXES = (".c", ".cc", ".cpp", ".cu", ".h")
"""Of native code that a script of the same name builds."""


def load(root: Path = ROOT, frameworks: Path | None = None) -> Catalog:
    """Read all section modules of a repository, and its framework folders or those of another one.

    A ``framework.toml`` or a snapshot of the package index that is not as agreed is an
    :class:`~generator.errors.InputError`.
    """
    folder = (frameworks or root / "measurements" / "frameworks").resolve()
    watches = package_index.read(folder.parent / SNAPSHOT)
    sections = sorted(read_sections(root), key=lambda section: (section.order, section.id))
    found = [
        replace(
            framework,
            watch=watches.get(framework.id),
            gaps=(*framework.gaps, *unwritten(framework, sections)),
        )
        for framework in map(read_framework, sorted(folder.glob("*/framework.toml")))
    ]
    return Catalog(tuple(found), tuple(sections))


def unwritten(framework: Framework, sections: Iterable[Section]) -> list[Gap]:
    """Return a gap for whatever a folder neither has nor declares: it is not written yet.

    That is a script that a section with processes of its own is about, and a device that no mode,
    or no release, is offered for.
    """
    reason = NOT_WRITTEN.reason
    found = [
        Gap(reason, "", section=section.id)
        for section in sections
        if section.apart and section.script and not (framework.folder / section.script).is_file()
    ]
    for device in DEVICES:
        if not any(framework.offers(version, device) for version in framework.versions):
            found.append(Gap(reason, "", device=device))
            continue
        found += [
            Gap(reason, "", mode=mode.id, device=device)
            for mode in framework.modes
            if device not in mode.devices
        ]
        found += [
            Gap(reason, "", device=device, versions=(version.version,))
            for version in framework.versions
            if not framework.offers(version, device)
        ]
    return [gap for gap in found if not _declared(framework, gap)]


def _declared(framework: Framework, gap: Gap) -> bool:
    """Whether declared gaps answer everything that another one is about."""
    return all(
        framework.gap(mode=mode, device=gap.device, version=version, section=gap.section)
        for mode in ([gap.mode] if gap.mode else [mode.id for mode in framework.modes])
        for version in gap.versions or [version.version for version in framework.versions]
    )


def read_sections(root: Path = ROOT) -> Iterable[Section]:
    """Yield the sections in the order of their files."""
    for path in sorted((root / "measurements" / "sections").glob("*.py")):
        if path.stem == "__init__":
            continue
        facts = importlib.import_module(f"measurements.sections.{path.stem}").SECTION._asdict()
        metrics = {id: Metric(id, *metric) for id, metric in facts.pop("metrics").items()}
        yield Section(
            id=path.stem,
            metrics=metrics,
            module=path,
            extra=facts.pop("addition"),
            **facts,
        )


CODE_SUFFIXES = (".py", ".R", ".lua", *NATIVE_SUFFIXES)


def script_of(section: Section, framework: Framework) -> Path:
    """Return the file of a folder that a section is about, in Lua where it is written in Lua.

    It need not be there.
    """
    path = framework.folder / section.script
    in_lua = path.with_suffix(".lua")
    return in_lua if in_lua.is_file() else path


def code_files(section: Section, framework: Framework, catalog: Catalog) -> list[Path]:
    """Return the files of a folder that a section's figures depend on, its own script first.

    A script that another section with processes of its own is about is none of them, unless the
    section says that it ``uses`` it. Native code and Lua belong to the script of their name.
    """
    others = {s.script for s in catalog.sections if s.apart and s.id != section.id}
    others -= set(section.uses)

    def script(path: Path) -> str:
        return f"{path.stem}.py" if path.suffix in (".lua", *NATIVE_SUFFIXES) else path.name

    found = [
        path
        for path in framework.folder.iterdir()
        if path.suffix in CODE_SUFFIXES and script(path) not in others
    ]
    own = section.script.rpartition(".")[0]
    return sorted(found, key=lambda path: (path.stem != own, path.stem == "adapter", path.name))
