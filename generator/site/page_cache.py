"""Keeps converted pages: most of a build is turning Markdown into HTML that did not change.

A page is converted anew when its text or what converts it changed, or when a file that it links to
is gone. Two events of MkDocs do it: the first hides the text of a kept page from the conversion,
the second puts the kept page in.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pickle
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from generator import files

_LINK = re.compile(r'(?:href|src)="([^"]*)"')
_CONVERTERS = ("Markdown", "pymdown-extensions", "Pygments", "mkdocs")


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
    if not isinstance(kept, Kept) or kept.key != _key(markdown, config):
        return None
    return kept if kept.targets <= {file.dest_uri for file in known} else None


def keep(content: str, markdown: str, page: Any, config: Any) -> None:
    """Keep a page that was just converted. One with a dead link is never found, but told again."""
    found = _LINK.findall(content)
    inside = [link for link in map(urlsplit, found) if not link.scheme and link.path]
    folder = posixpath.dirname(page.url)
    targets = {posixpath.normpath(posixpath.join(folder, unquote(link.path))) for link in inside}
    linked = {file.src_uri: anchors for file, anchors in (page.links_to_anchors or {}).items()}
    kept = Kept(
        _key(markdown, config), markdown, content, page.toc, page._title_from_render,
        page.present_anchor_ids, linked, targets,
    )  # fmt: skip
    files.replace(_place(page, config), pickle.dumps(kept), sync=False)


def restore(kept: Kept, page: Any, known: Any) -> str:
    """Make a page what it was after its conversion; return its HTML."""
    page.markdown, page.toc, page._title_from_render = kept.markdown, kept.toc, kept.title
    page.present_anchor_ids = kept.anchors
    page.links_to_anchors = {
        known.get_file_from_path(path): anchors for path, anchors in kept.linked.items()
    }
    return kept.content


def _place(page: Any, config: Any) -> Path:
    folder = Path(config["config_file_path"]).parent / ".cache" / "pages"
    return folder / f"{page.file.src_uri}.pickle"


def _key(markdown: str, config: Any) -> str:
    settings: Mapping[str, Any] = config["mdx_configs"]
    told = repr((markdown, _versions(), config["markdown_extensions"], sorted(settings.items())))
    return hashlib.sha256(told.encode()).hexdigest()


@functools.cache
def _versions() -> list[str]:
    return [importlib.metadata.version(name) for name in _CONVERTERS]
