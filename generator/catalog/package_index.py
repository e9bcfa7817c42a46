"""What a package index says of releases, and what of it ``measurements/releases.json`` keeps.

The snapshot is committed, so that pages say how far behind a figure is without asking anybody.
Reading it needs the standard library only. :mod:`generator.update.index_client` asks the index;
what a list of releases means (which are final, newer) is :mod:`generator.catalog.freshness`.
"""

from __future__ import annotations

import datetime
import html.parser
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from generator.errors import IndexFault, InputError

SCHEMA = 1


@dataclass(frozen=True)
class Release:
    """One release of a distribution.

    ``uploaded`` is the day of its first file, None where the index does not say; ``yanked`` means
    that all of its files are; ``python`` is what it asks of Python, "" for anything.
    """

    version: str
    uploaded: datetime.date | None
    yanked: bool = False
    python: str = ""


@dataclass(frozen=True)
class Watch:
    """What the index said of one framework, and when it was asked (UTC).

    ``releases`` are all that it has of the framework's distribution, oldest first; ``others`` those
    of its other distributions, by name.
    """

    asked: datetime.datetime
    distribution: str
    releases: tuple[Release, ...]
    others: tuple[tuple[str, tuple[Release, ...]], ...] = ()


def read(path: Path) -> dict[str, Watch]:
    """Return framework id -> what the index said; nothing where there is no snapshot.

    A file that is not as agreed is an :class:`InputError`.
    """
    try:
        return _watches(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__}: {str(error)[:80]}"
        # Until it is removed, that command refuses it as well: it keeps what it says of others.
        expected = f"schema {SCHEMA}; remove the file and run `generator update --snapshot`"
        raise InputError(path, None, found, expected) from error


def _watches(text: str) -> dict[str, Watch]:
    document = json.loads(text)
    json.dumps(document, ensure_ascii=False).encode()  # JSON can say half a character
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']}")
    return {str(id): _watch(said) for id, said in document["frameworks"].items()}


def _watch(said: Mapping[str, Any]) -> Watch:
    asked = datetime.datetime.fromisoformat(said["asked"])
    if asked.tzinfo is None:
        raise ValueError(f"asked = {said['asked']} without a time zone")
    distributions = {name: _releases(found) for name, found in said["distributions"].items()}
    name = str(said["distribution"])
    others = tuple((other, found) for other, found in distributions.items() if other != name)
    return Watch(asked, name, distributions[name], others)


_CANONICAL = re.compile(
    r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z\d]+(\.[a-z\d]+)*)?",
    re.ASCII,
)
"""A version as PEP 440 normalises it: reading must do without packaging."""


def _releases(found: list[Mapping[str, Any]]) -> tuple[Release, ...]:
    releases = []
    for item in found:
        if not _CANONICAL.fullmatch(item["version"]):
            raise ValueError(f"version {item['version']!r}")
        day = item["uploaded"]
        uploaded = None if day is None else datetime.date.fromisoformat(day)
        releases.append(
            Release(item["version"], uploaded, item["yanked"] is True, str(item.get("python", "")))
        )
    return tuple(releases)


def encode(watches: Mapping[str, Watch]) -> bytes:
    """Return the snapshot as it is kept: one release a line, frameworks by name."""
    document = {
        "schema": SCHEMA,
        "frameworks": {
            id: {
                "asked": watch.asked.isoformat().replace("+00:00", "Z"),
                "distribution": watch.distribution,
                "distributions": {
                    name: [_said(release) for release in releases]
                    for name, releases in ((watch.distribution, watch.releases), *watch.others)
                },
            }
            for id, watch in sorted(watches.items())
        },
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # A release on one line: a new one is one line of a difference.
    lines = re.compile(r"\{\s+(\"version\"[^{}]*?)\s+\}")
    on_one = lines.sub(lambda item: "{" + re.sub(r"\s*\n\s*", " ", item[1]) + "}", text)
    return (on_one + "\n").encode()


def _said(release: Release) -> dict[str, object]:
    return {
        "version": release.version,
        "uploaded": release.uploaded.isoformat() if release.uploaded else None,
        "yanked": release.yanked,
        **({"python": release.python} if release.python else {}),
    }


def parse(
    data: bytes,
    distribution: str,
    where: str = "the index",
    before: datetime.datetime | None = None,
) -> tuple[Release, ...]:
    """Turn an answer of the simple API into releases, oldest first; pure.

    Args:
        data: the JSON of PEP 691, or the HTML of PEP 503.
        distribution: the name that was asked for.
        where: the address, for messages.
        before: what was uploaded later is not there, nor what does not say when, as for uv.

    Raises:
        IndexFault: it is no such page, or it is about another distribution.

    """
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    expected = "a project's page of the simple API, as JSON (PEP 691) or HTML (PEP 503)"
    try:
        page = _html(data, distribution) if data.lstrip()[:1] == b"<" else json.loads(data)
        version, name, files = page["meta"]["api-version"], page["name"], page["files"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        found = f"{data[:40]!r} ({type(error).__name__})"
        raise IndexFault(where, found, expected) from error
    if not (isinstance(version, str) and isinstance(name, str) and isinstance(files, list)):
        raise IndexFault(where, f"{data[:40]!r}", expected)
    if version.partition(".")[0] != "1":
        raise IndexFault(where, f"API version {version[:20]!r}", "version 1")
    if canonicalize_name(name) != canonicalize_name(distribution):
        raise IndexFault(where, f"the page of {name[:60]!r}", f"that of {distribution!r}")
    found_files: dict[Version, list[Mapping[str, Any]]] = {}
    for file in files:
        if not isinstance(file, dict) or not isinstance(file.get("filename"), str):
            raise IndexFault(where, f"{str(file)[:60]!r} for a file", expected)
        uploaded = _time(file.get("upload-time"))
        if before is not None and (uploaded is None or uploaded >= before):
            continue
        if (release := _version(file["filename"], distribution)) is not None:
            found_files.setdefault(release, []).append(file)
    return tuple(_release(version, found_files[version]) for version in sorted(found_files))


class _Links(html.parser.HTMLParser):
    """The links of a project's page, each as PEP 691 writes a file."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "a" and (href := named.get("href")):
            name = unquote(urlsplit(href).path).rpartition("/")[2]
            yanked = named["data-yanked"] or True if "data-yanked" in named else False
            python = named.get("data-requires-python")
            self.files.append({"filename": name, "yanked": yanked, "requires-python": python})


def _html(data: bytes, distribution: str) -> dict[str, Any]:
    links = _Links()
    links.feed(data.decode("utf-8", "replace"))
    if not links.files:
        raise ValueError("no link")  # a page of welcome, or of a log-in
    return {"meta": {"api-version": "1.0"}, "name": distribution, "files": links.files}


def _version(filename: str, distribution: str) -> Any:
    """Return the version of a wheel or a source distribution, None for any other file."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        canonicalize_name,
        parse_sdist_filename,
        parse_wheel_filename,
    )
    from packaging.version import InvalidVersion

    try:
        if filename.endswith(".whl"):
            name, version = parse_wheel_filename(filename)[:2]
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        return None  # an egg, an installer, a spelling from before there were rules
    return version if name == canonicalize_name(distribution) else None


def _release(version: Any, files: list[Mapping[str, Any]]) -> Release:
    times = [time for file in files if (time := _time(file.get("upload-time"))) is not None]
    wanted = [file["requires-python"] for file in files if file.get("requires-python")]
    return Release(
        str(version),
        min((time.date() for time in times), default=None),
        # Yanked is true or the reason, as a text.
        all(file.get("yanked", False) not in (False, "") for file in files),
        str(wanted[0]) if wanted else "",
    )


def _time(said: object) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
