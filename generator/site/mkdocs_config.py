"""The navigation in ``mkdocs.yml``, and the address of the published site."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from generator import files
from generator.catalog.model import Catalog, Section
from generator.errors import InputError
from generator.pages import overview_page
from generator.site.writer import Rendered

BEGIN, END = "# nav: begin\n", "# nav: end\n"


def site_address(root: Path) -> str:
    """Return the public address of the site as ``mkdocs.yml`` says it, "" where it does not.

    Raises:
        InputError: it is no address.

    """
    from mkdocs.utils.yaml import yaml_load

    path = root / "mkdocs.yml"
    said = str(yaml_load(path.read_text(encoding="utf-8")).get("site_url") or "")
    if said and not re.fullmatch(r"https?://[A-Za-z0-9._~:/@%-]+", said):
        expected = "an address such as https://example.org/comparison/ (environment: SITE_URL)"
        raise InputError(path, None, f"site_url {said!r}", expected)
    return said if said.endswith("/") or not said else f"{said}/"


def navigation(catalog: Catalog) -> list[Any]:
    """Return the navigation: the article's order, the overviews, then how to do it yourself."""
    entries: list[Any] = [{"Home": "index.md"}]
    groups = {"": entries}
    listed: list[Section | overview_page.Overview] = [*catalog.sections, *overview_page.load()]
    for page in sorted(listed, key=lambda page: page.order >= 0):
        if page.group not in groups:
            groups[page.group] = []
            entries.append({page.group: groups[page.group]})
        groups[page.group].append({page.title: f"report/{page.id}.md"})
    own = {
        "Reproduce on your machine": "reproduce.md",
        "Measure on a graphics card": "gpu.md",
        "Measure on several machines": "farm.md",
        "What is timed": "timed.md",
        "What grows how": "scale.md",
        "Publish and contribute results": "publish.md",
        "Add a framework": "add-a-framework.md",
        "Add a section": "add-a-section.md",
        "Architecture": "architecture.md",
    }
    entries.append({"Do it yourself": [{title: path} for title, path in own.items()]})
    return entries


def with_navigation(configuration: str, catalog: Catalog) -> str:
    """Return the text of ``mkdocs.yml`` with the derived navigation between its markers.

    Raises:
        ValueError: the markers are missing.

    """
    import yaml

    before, begin, rest = configuration.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no lines {BEGIN!r} and {END!r}")
    nav: str = yaml.safe_dump({"nav": navigation(catalog)}, allow_unicode=True, width=math.inf)
    return before + begin + nav + end + after


def write_navigation(root: Path, catalog: Catalog, done: Rendered) -> None:
    """Write the derived part of the navigation between its markers in ``mkdocs.yml``."""
    path = root / "mkdocs.yml"
    before = path.read_text(encoding="utf-8")
    try:
        after = with_navigation(before, catalog)
    except ValueError as error:
        raise InputError(path, None, error, "the markers of the derived navigation") from error
    if after != before:
        files.replace(path, after.encode())
        done.written.append("../mkdocs.yml")
