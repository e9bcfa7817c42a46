"""Keeps converted pages: most of a build is turning Markdown into HTML that did not change.

A page is converted anew when its text or what converts it changed, or when a file that it links to
is gone. Three events of MkDocs do it: the first spares a kept page the conversion, the
second puts it in and hides it from the search, and the third puts in what search finds of it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pickle
import posixpath
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from generator import files

FOLDER = ".cache/pages"
"""Where kept pages are, beside ``mkdocs.yml``."""

_LINK = re.compile(r'(?:href|src)="([^"]*)"')
_CONVERTERS = ("Markdown", "pymdown-extensions", "Pygments", "mkdocs", "mkdocs-material")
SEARCH = "material/search"
"""The name of the plug-in that makes the search index."""


class Kept(NamedTuple):
    """A page as MkDocs has it after conversion."""

    key: str
    markdown: str
    content: str
    toc: Any
    title: str | None
    anchors: set[str]
    linked: dict[str, dict[str, str]]
    """The page that is linked to -> anchor -> the link as it was written."""
    targets: set[str]
    """All files of the site that are linked to."""
    entries: list[Any]
    """Of the search index."""


def find(markdown: str, page: Any, config: Any, known: Any) -> Kept | None:
    """Return the page as it was converted last time, or None where it has to be done anew.

    Args:
        markdown: its text.
        page: of MkDocs.
        config: of MkDocs.
        known: all files of the site, of MkDocs.

    """
    try:
        kept = pickle.loads(_place(page, config).read_bytes())
    except Exception:  # whatever is wrong with it: it can be made again
        return None
    if not isinstance(kept, Kept) or kept.key != _key(markdown, page, config):
        return None
    return kept if kept.targets <= {file.dest_uri for file in known} else None


def keep(page: Any, config: Any) -> None:
    """Keep a page that was just converted. One with a dead link is never found, but told again."""
    found = _LINK.findall(page.content)
    inside = [link for link in map(urlsplit, found) if not link.scheme and link.path]
    folder = posixpath.dirname(page.url)
    targets = {posixpath.normpath(posixpath.join(folder, unquote(link.path))) for link in inside}
    linked = {file.src_uri: anchors for file, anchors in (page.links_to_anchors or {}).items()}
    search = config["plugins"].get(SEARCH)
    entries = search.search_index.entries if search else []
    kept = Kept(
        _key(page.markdown, page, config), page.markdown, page.content, page.toc,
        page._title_from_render, page.present_anchor_ids, linked, targets,
        [entry for entry in entries if entry["location"].partition("#")[0] == page.url],
    )  # fmt: skip
    files.replace(_place(page, config), pickle.dumps(kept), sync=False)


def restore(kept: Kept, page: Any, known: Any) -> str:
    """Make a page what it was after its conversion; return its HTML, of which search reads none."""
    page.markdown, page.toc, page._title_from_render = kept.markdown, kept.toc, kept.title
    page.present_anchor_ids = kept.anchors
    page.links_to_anchors = {
        known.get_file_from_path(path): anchors for path, anchors in kept.linked.items()
    }
    page.own, page.meta = page.meta, {**page.meta, "search": {"exclude": True}}
    return kept.content


def find_again(kept: Kept, page: Any, config: Any) -> None:
    """Let search find what it found on a kept page."""
    page.meta = page.own
    if search := config["plugins"].get(SEARCH):
        search.search_index.entries += kept.entries


def _place(page: Any, config: Any) -> Path:
    return Path(config["config_file_path"]).parent / FOLDER / f"{page.file.src_uri}.pickle"


def _key(markdown: str, page: Any, config: Any) -> str:
    settings = config["markdown_extensions"], sorted(config["mdx_configs"].items())
    told = repr((markdown, sorted(page.meta.items()), _versions(), settings))
    return hashlib.sha256(told.encode()).hexdigest()


@functools.cache
def _versions() -> list[str]:
    return [importlib.metadata.version(name) for name in _CONVERTERS]
