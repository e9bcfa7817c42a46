"""What the package index has: asked over HTTP, kept in ``measurements/releases.json``.

The snapshot is committed, so that pages say how far behind a figure is without asking anybody.
Reading it needs the standard library only; asking imports requests late. What a list of releases
means (which are final, which are newer) is :mod:`generator.catalog.freshness`.
"""

from __future__ import annotations

import configparser
import datetime
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from generator.errors import IndexFault, InputError

if TYPE_CHECKING:
    import requests

ACCEPT = "application/vnd.pypi.simple.v1+json"
"""The simple API as JSON, PEP 691; its ``upload-time`` and ``versions`` are of PEP 700."""

DEFAULT_INDEX = "https://pypi.org/simple/"
SCHEMA = 1
MOST_BYTES = 64 * 2**20
"""The largest answer that is read; that of a project with thousands of files is a megabyte."""
ATTEMPTS = 3


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


# ------------------------------------------------------------------------------------ the snapshot


def read(path: Path) -> dict[str, Watch]:
    """Return framework id -> what the index said; nothing where there is no snapshot.

    Raises:
        InputError: the file is not as agreed.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, None, error, "a readable text") from error
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise InputError(path, None, f"schema {document['schema']}", f"schema {SCHEMA}")
        return {str(id): _watch(said) for id, said in document["frameworks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__}: {str(error)[:80]}"
        expected = "what `generator update --snapshot` writes"
        raise InputError(path, None, found, expected) from error


def _watch(said: Mapping[str, Any]) -> Watch:
    asked = datetime.datetime.fromisoformat(said["asked"])
    if asked.tzinfo is None:
        raise ValueError(f"asked = {said['asked']} without a time zone")
    distributions = {name: _releases(found) for name, found in said["distributions"].items()}
    name = str(said["distribution"])
    others = tuple((other, found) for other, found in distributions.items() if other != name)
    return Watch(asked, name, distributions[name], others)


_CANONICAL = re.compile(
    r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z\d]+(\.[a-z\d]+)*)?"
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
    return (re.sub(r"\{\s+(\"version\"[^{}]*?)\s+\}", _on_one_line, text) + "\n").encode()


def _said(release: Release) -> dict[str, object]:
    return {
        "version": release.version,
        "uploaded": release.uploaded.isoformat() if release.uploaded else None,
        "yanked": release.yanked,
        **({"python": release.python} if release.python else {}),
    }


def _on_one_line(match: re.Match[str]) -> str:
    return "{" + re.sub(r"\s*\n\s*", " ", match[1]) + "}"


# --------------------------------------------------------------------------------------- the index


def address(environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of the index that uv or pip is configured with, PyPI's otherwise."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if named := environment.get(name, "").strip():
            url = named.partition("=")[2] if _NAMED.match(named) else named
            return url.rstrip("/") + "/"
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip complains of it when it is used
        if found := parser.get("global", "index-url", fallback="").strip():
            return found.rstrip("/") + "/"
    return DEFAULT_INDEX


_NAMED = re.compile(r"[\w.-]+=")
"""uv takes an index with a name: ``name=https://...``."""


def _pip_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's configuration files, the one that wins first."""
    if named := environment.get("PIP_CONFIG_FILE"):
        yield Path(named)
    yield Path(sys.prefix) / "pip.conf"
    home = Path(environment.get("HOME") or Path.home())
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield home / ".pip" / "pip.conf"
    yield Path("/etc/pip.conf")


def shown(url: str) -> str:
    """Return an address as a message may show it: without a user and a password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class Index:
    """A package index over HTTP; use it as a context manager.

    Args:
        url: its address; None: :func:`address`.
        patience: seconds that a connection may be silent, None: uv's ``UV_HTTP_TIMEOUT``, or 30. A
            whole answer may take ten times as long.

    """

    def __init__(self, url: str | None = None, patience: float | None = None) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        self.url = url or address()
        self.patience = patience if patience is not None else _patience()
        retry = Retry(
            ATTEMPTS - 1,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504),
            respect_retry_after_header=False,  # it may ask for hours
            raise_on_status=False,
        )
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))
        self._session.headers["Accept"] = ACCEPT

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def releases(self, distribution: str) -> tuple[Release, ...]:
        """Return all releases that the index has of a distribution, oldest first.

        Raises:
            IndexFault: it does not answer, is too slow, or what it says cannot be used.

        """
        import requests
        import urllib3
        from packaging.utils import canonicalize_name

        url = f"{self.url}{canonicalize_name(distribution)}/"
        try:
            with self._session.get(url, timeout=self.patience, stream=True) as answer:
                if answer.status_code == 404:
                    raise IndexFault(shown(url), "no such distribution", f"{distribution!r}")
                if answer.status_code != 200:
                    raise IndexFault(shown(url), f"HTTP status {answer.status_code}", "200")
                data = self._read(answer, url)
        except requests.exceptions.InvalidSchema as error:
            raise IndexFault(shown(url), "no web address", "an index over http or https") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            found = f"no answer ({_cause(error)})"
            raise IndexFault(shown(url), found, "an answer; try again later") from error
        return parse(data, distribution, shown(url))

    def _read(self, answer: requests.Response, url: str) -> bytes:
        """Return the body, within its limits of size and time."""
        deadline = time.monotonic() + 10 * self.patience
        data = bytearray()
        # What has come, and not a whole chunk: a byte now and then would go on for ever.
        while chunk := answer.raw.read1(65536, decode_content=True):
            data += chunk
            if len(data) > MOST_BYTES:
                found = f"more than {MOST_BYTES // 2**20} MiB"
                raise IndexFault(shown(url), found, "a list of releases")
            if time.monotonic() > deadline:
                found = f"half an answer after {10 * self.patience:.0f} s"
                raise IndexFault(shown(url), found, "a whole one; try again later")
        return bytes(data)


def _patience() -> float:
    try:
        return max(0.1, float(os.environ.get("UV_HTTP_TIMEOUT", "30")))
    except ValueError:
        return 30.0


def _cause(error: BaseException) -> str:
    """Return an error's innermost kind: its text names the address, password and all."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return type(error).__name__


def parse(data: bytes, distribution: str, where: str = "the index") -> tuple[Release, ...]:
    """Turn an answer of the simple API into releases, oldest first; pure.

    Args:
        data: the JSON of PEP 691.
        distribution: the name that was asked for.
        where: the address, for messages.

    Raises:
        IndexFault: it is not such JSON, or it is about another distribution.

    """
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    expected = "a project's page of the simple API as JSON (PEP 691)"
    try:
        page = json.loads(data)
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
        if (release := _version(file["filename"], distribution)) is not None:
            found_files.setdefault(release, []).append(file)
    return tuple(_release(version, found_files[version]) for version in sorted(found_files))


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
    days = [day for file in files if (day := _day(file.get("upload-time"))) is not None]
    wanted = [file["requires-python"] for file in files if file.get("requires-python")]
    return Release(
        str(version),
        min(days, default=None),
        # Yanked is true or the reason, as a text.
        all(file.get("yanked", False) not in (False, "") for file in files),
        str(wanted[0]) if wanted else "",
    )


def _day(time: object) -> datetime.date | None:
    try:
        return datetime.datetime.fromisoformat(str(time)).date()
    except ValueError:
        return None
