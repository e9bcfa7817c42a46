"""Pure: entries -> an Atom feed (RFC 4287).

Written with the standard library: feedgen would bring lxml along for these forty lines.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from generator.formatting import INVISIBLE

ATOM = "http://www.w3.org/2005/Atom"
NEVER = "1970-01-01T00:00:00Z"
"""A feed has to say when it changed, also where nothing has happened yet."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        id: never changes and is nobody else's.
        title: one line.
        updated: an ISO time with its zone.
        href: address of the page, relative to the feed's folder.
        summary: one paragraph.
        lines: further paragraphs.

    """

    id: str
    title: str
    updated: str
    href: str
    summary: str
    lines: tuple[str, ...] = ()


def atom(
    name: str, title: str, author: str, page: str, entries: Sequence[Entry], own: str = ""
) -> str:
    """Return the text of a feed.

    Args:
        name: what its id is made from.
        title: of the feed.
        author: who speaks.
        page: address of the page with the same content, relative to the feed's folder.
        entries: newest first.
        own: the feed's public address, which makes all links whole; "" where there is none.

    """
    folder = own[: own.rfind("/") + 1]
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _add(root, "id", uuid.uuid5(uuid.NAMESPACE_URL, name).urn)
    _add(root, "title", title)
    _add(root, "updated", max((entry.updated for entry in entries), default=NEVER))
    _add(_add(root, "author"), "name", author)
    _add(root, "link", rel="alternate", type="text/html", href=folder + page)
    if own:
        _add(root, "link", rel="self", type="application/atom+xml", href=own)
    for entry in entries:
        one = _add(root, "entry")
        _add(one, "id", entry.id)
        _add(one, "title", entry.title)
        _add(one, "updated", entry.updated)
        _add(one, "link", rel="alternate", type="text/html", href=folder + entry.href)
        _add(one, "summary", entry.summary)
        if entry.lines:
            _add(one, "content", "\n".join(entry.lines), type="text")
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    # XML 1.0 has no way to write most control characters.
    child.text = "\n".join(INVISIBLE.sub(" ", line) for line in text.split("\n")) or None
    return child
