"""Who made this and how to cite it: reads ``CITATION.cff``, the one place that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import InputError

FILE = "CITATION.cff"


@dataclass(frozen=True)
class Author:
    """A person, or a group that is called by one name."""

    name: str
    person: bool


@dataclass(frozen=True)
class Citation:
    """What ``CITATION.cff`` says; dates are ISO 8601, the licence is an SPDX id."""

    title: str
    abstract: str
    authors: tuple[Author, ...]
    version: str
    released: str
    licence: str
    keywords: tuple[str, ...]
    url: str = ""


def load(path: Path) -> Citation:
    """Read the file; what is missing, no YAML, or lacks something is an :class:`InputError`."""
    from mkdocs.exceptions import ConfigurationError
    from mkdocs.utils.yaml import yaml_load

    try:
        said = yaml_load(path.read_text(encoding="utf-8"))
        return Citation(
            str(said["title"]),
            " ".join(str(said["abstract"]).split()),
            tuple(_author(author) for author in said["authors"]),
            str(said["version"]),
            str(said["date-released"]),
            str(said["license"]),
            tuple(map(str, said["keywords"])),
            str(said.get("url", "")),
        )
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise InputError(path, None, error, "a file in the Citation File Format") from error
    except (KeyError, TypeError, AttributeError) as error:
        wanted = "title, abstract, authors, version, date-released, license and keywords"
        raise InputError(path, None, f"no usable entry ({error})", wanted) from error


def _author(said: dict[str, Any]) -> Author:
    if "name" in said:
        return Author(str(said["name"]), person=False)
    return Author(f"{said['given-names']} {said['family-names']}", person=True)


def bibtex(citation: Citation, key: str, address: str, note: str) -> str:
    """Return an entry for BibTeX.

    Args:
        citation: what is cited.
        key: of the entry, without the year.
        address: of the site; where it is not known, that of ``CITATION.cff``.
        note: what else a reader needs to find the same rows.

    """
    year = citation.released[:4]
    authors = [_tex(a.name) if a.person else f"{{{_tex(a.name)}}}" for a in citation.authors]
    fields = {
        "author": " and ".join(authors),
        "title": f"{{{_tex(citation.title)}}}",
        "year": year,
        "version": _tex(citation.version),
        "url": address or citation.url,
        "note": _tex(note),
    }
    lines = [f"  {name:<7} = {{{text}}}" for name, text in fields.items() if text]
    return f"@misc{{{key}-{year},\n" + ",\n".join(lines) + "\n}"


def _tex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^&%$#_{}]", lambda match: special.get(match[0], f"\\{match[0]}"), text)
