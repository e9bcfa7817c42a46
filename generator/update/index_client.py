"""Queries the package index that uv would use, trusting what uv trusts.

uv itself says which indexes it is configured with, by whatever variable or file, and which proxies
and hosts; it cannot list a package's releases with their dates, so the pages come over requests.
"""

from __future__ import annotations

import configparser
import contextlib
import datetime
import os
import re
import ssl
import sys
import time
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from generator import subprocesses
from generator.catalog.package_index import Release, parse
from generator.errors import IndexFault
from generator.measure import uv

if TYPE_CHECKING:
    import requests

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01"
)
"""The simple API as JSON, PEP 691; its ``upload-time`` is of PEP 700. HTML has no dates."""

PYPI = "https://pypi.org/simple"
MOST_BYTES = 64 * 2**20
"""The largest answer that is read; that of a project with thousands of files is a megabyte."""
ATTEMPTS = 3


@dataclass(frozen=True)
class Settings:
    """What uv is configured with.

    Of the indexes, the first URL is asked first; all of them count (``best_match``), or only the
    first that has a distribution. Releases of the time ``before`` and later are not there.
    Certificates of ``insecure`` hosts, with a port or without, are not looked at. Proxies are by
    scheme, beside what the environment says. ``obstacle`` is the setting that forbids to ask, ""
    where none does.
    """

    urls: tuple[str, ...]
    best_match: bool = False
    before: datetime.datetime | None = None
    insecure: frozenset[str] = frozenset()
    proxies: Mapping[str, str] = field(default_factory=dict)
    obstacle: str = ""


def settings() -> Settings:
    """Ask uv for its settings, in this folder; what it cannot read is an :class:`IndexFault`."""
    # Without names of certificates: it would print them all.
    hidden = {"SSL_CERT_FILE", "SSL_CERT_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    answers = []
    for option in ("--emit-index-url", "--show-settings"):
        finished = subprocesses.run(
            [
                uv.program(), "pip", "compile", "--no-header",
                "--python", sys.executable, option, "-",
            ],
            env=environment, timeout=60,
        )  # fmt: skip
        if finished.code != 0:
            found = " ".join(finished.log.split()).removeprefix("error: ")[:300]
            raise IndexFault("as uv is configured", found, "settings that uv can read")
        answers.append(finished.log)
    return read_settings(answers[0], answers[1], datetime.datetime.now(datetime.UTC))


def read_settings(indexes: str, shown: str, now: datetime.datetime) -> Settings:
    """Return what uv's answers say: to ``--emit-index-url``, and to ``--show-settings``; pure.

    What another uv spells otherwise is left alone. A relative cut-off date counts from ``now``.
    """
    listed = re.findall(r"^--(extra-)?index-url (.+)$", indexes, re.MULTILINE)
    urls = [url for extra, url in listed if extra] + [url for extra, url in listed if not extra]
    brief = re.sub(r"\s+", " ", shown)
    obstacle = ""
    if "connectivity: Offline" in brief:
        obstacle = "offline (UV_OFFLINE)"
    elif "no_index: true" in brief or not urls:
        obstacle = "no-index"
    proxies = {}
    for scheme in ("http", "https"):
        url = re.search(rf" {scheme}_proxy: Some\( ProxyUrl\( (SafeUrl \{{.*?fragment)", brief)
        if url and "****" in url[1]:
            obstacle = f"{scheme}-proxy, whose password uv keeps; set {scheme.upper()}_PROXY to it"
        elif url:
            proxies[scheme] = _address(url[1])
    if bypassed := re.search(r" no_proxy: Some\( \[(.*?)\]", brief):
        proxies["no_proxy"] = ",".join(re.findall(r'"([^"]+)"', bypassed[1]))
    shown_hosts = re.search(r"allow_insecure_host: \[(.*?)\],", brief)
    host = re.compile(r'host: "([^"]+)", port: (?:Some\( (\d+)|None)')
    hosts = host.findall(shown_hosts[1]) if shown_hosts else []
    insecure = [f"{name}:{port}" if port else name for name, port in hosts]
    return Settings(
        tuple(url.strip().rstrip("/") + "/" for url in urls),
        "index_strategy: Unsafe" in brief,
        _cut_off(brief, now),
        frozenset(insecure),
        proxies,
        obstacle,
    )


def _address(url: str) -> str:
    """Return the address that uv shows as a structure."""
    scheme = re.search(r'scheme: "(\w+)"', url)
    host = re.search(r'host: Some\( \w+\( "?([^", ]+)', url)
    port = re.search(r"port: Some\( (\d+)", url)
    assert scheme is not None
    assert host is not None
    return f"{scheme[1]}://{host[1]}{':' + port[1] if port else ''}"


_DAYS = {"y": 365.0, "mo": 30.0, "w": 7.0, "d": 1.0, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}


def _cut_off(brief: str, now: datetime.datetime) -> datetime.datetime | None:
    said = re.search(r"exclude_newer: ExcludeNewer \{ global: Some\( (\w+)\( (.*?), ?\)", brief)
    if said is None:
        return None
    if said[1] == "Absolute":
        return datetime.datetime.fromisoformat(said[2])
    spans = re.findall(r"(\d+)(mo|y|w|d|h|m|s)\b", said[2])
    return now - datetime.timedelta(sum(int(number) * _DAYS[unit] for number, unit in spans))


def adopt_pip(environment: MutableMapping[str, str] = os.environ) -> None:
    """Hand pip's indexes on to uv, which does not read them, where uv has none of its own."""
    pip = pip_indexes(environment)
    if pip and settings().urls == (f"{PYPI}/",):
        environment.update(pip)


def pip_indexes(environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's indexes as uv's variables: all of pip's count alike."""
    said: dict[str, str] = {}
    for path in _pip_files(environment):
        parser = configparser.RawConfigParser()
        with contextlib.suppress(configparser.Error, UnicodeDecodeError):  # pip will complain
            parser.read(path, encoding="utf-8")
            for section in filter(parser.has_section, ("global", "install")):
                said |= {name.replace("-", "_"): text for name, text in parser[section].items()}
    default, extra = (
        " ".join((environment.get(f"PIP_{option.upper()}") or said.get(option, "")).split())
        for option in ("index_url", "extra_index_url")
    )
    variables = {"UV_DEFAULT_INDEX": default, "UV_INDEX": extra}
    if extra:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in variables.items() if value}


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    """Return pip's configuration files, the one that wins last."""
    named = environment.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []  # pip's way to say: none at all
    home = Path(environment.get("HOME") or Path.home())
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    found = [Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf"]
    return [*found, Path(sys.prefix, "pip.conf"), *([Path(named)] if named else [])]


def shown(url: str) -> str:
    """Return an address as a message may show it: without a user and a password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class Index:
    """The package indexes of uv's settings; use it as a context manager.

    Without known settings, uv is asked. A connection may be silent for ``patience`` seconds, by
    default uv's ``UV_HTTP_TIMEOUT``, or 30; a whole answer may take ten times as long.
    """

    def __init__(self, known: Settings | None = None, patience: float | None = None) -> None:
        self.settings = known or settings()
        if self.settings.obstacle:
            setting = self.settings.obstacle
            raise IndexFault("as uv is configured", f"the setting {setting}", "leave to ask it")
        self.patience = patience if patience is not None else _patience()
        self._session = _session()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def releases(self, distribution: str) -> tuple[Release, ...]:
        """Return all releases that uv's indexes have of a distribution, oldest first.

        One that does not answer, is too slow, or says what cannot be used, is an
        :class:`IndexFault`.
        """
        from packaging.utils import canonicalize_name
        from packaging.version import Version

        found: dict[str, Release] = {}
        for base in self.settings.urls:
            url = f"{base}{canonicalize_name(distribution)}/"
            if (data := self._page(url)) is None:
                continue
            for release in parse(data, distribution, shown(url), self.settings.before):
                known = found.setdefault(release.version, release)
                if known.uploaded is None:
                    found[release.version] = release
            if not self.settings.best_match:
                break
        else:
            if not found:
                raise IndexFault(shown(url), "no such distribution", f"{distribution!r}")
        return tuple(sorted(found.values(), key=lambda release: Version(release.version)))

    def _page(self, url: str) -> bytes | None:
        """Return a project's page, None where there is none."""
        import requests
        import urllib3

        parts = urlsplit(url)
        if parts.scheme in ("file", ""):
            return _local(url)
        insecure = {parts.hostname, f"{parts.hostname}:{parts.port}"} & self.settings.insecure
        # Named, else a variable that is no business of uv's would change it.
        verify = False if insecure else requests.utils.DEFAULT_CA_BUNDLE_PATH
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
                answer = self._session.get(
                    url, timeout=self.patience, stream=True, verify=verify,
                    proxies=self._proxies(url),
                )  # fmt: skip
            with answer:
                if answer.status_code == 404:
                    return None
                if answer.status_code != 200:
                    found = f"HTTP status {answer.status_code}"
                    raise IndexFault(shown(url), found, _WANTED.get(answer.status_code, "200"))
                return self._read(answer, url)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise IndexFault(shown(url), *obstacle(error)) from error

    def _proxies(self, url: str) -> dict[str, str]:
        """Return the proxies that uv's files name; requests reads those of the environment."""
        import requests

        named = dict(self.settings.proxies)
        bypassed = requests.utils.should_bypass_proxies(url, named.pop("no_proxy", None))
        return {} if bypassed else named

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


_LOGIN = (
    "a user and password: in the index's address or in ~/.netrc, where uv may read them from "
    "UV_INDEX_NAME_USERNAME, `uv auth` or a key ring"
)
_WANTED = {
    401: _LOGIN,
    403: _LOGIN,
    407: "a proxy's user and password, in HTTP_PROXY or HTTPS_PROXY",
}


def _local(url: str) -> bytes | None:
    """Return the page of an index that is a folder."""
    folder = Path(url2pathname(urlsplit(url).path))
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return (folder / "index.html").read_bytes()
    if not folder.parent.is_dir():
        raise IndexFault(shown(url), "no such folder", "the folder of an index")
    return None


def obstacle(error: BaseException) -> tuple[str, str]:
    """Return what stands between us and the index, and what is expected.

    In our own words: an error's text names the address, password and all.
    """
    import requests
    from requests import exceptions as known

    kinds = [error]
    while (inner := kinds[-1].__cause__ or kinds[-1].__context__) is not None:
        kinds.append(inner)
    name = type(kinds[-1]).__name__
    by_socks = any(type(kind).__module__ == "socks" for kind in kinds)
    if by_socks or isinstance(error, known.ProxyError):
        wanted = "a proxy that leads there, in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; or NO_PROXY"
        return f"a proxy that does not ({name})", wanted
    if isinstance(error, known.SSLError) or any(isinstance(kind, ssl.SSLError) for kind in kinds):
        told = getattr(kinds[-1], "verify_message", "")
        if not told:
            wanted = "one, perhaps with the certificate that SSL_CLIENT_CERT names"
            return f"no secure connection ({getattr(kinds[-1], 'reason', name)})", wanted
        wanted = "one of an authority in the file SSL_CERT_FILE or the folder SSL_CERT_DIR"
        return f"a certificate that is not trusted ({told})", wanted
    if isinstance(error, known.Timeout):
        return f"no answer ({name})", "an answer; try again later, or raise UV_HTTP_TIMEOUT"
    if isinstance(error, (known.InvalidSchema, known.InvalidURL, known.MissingSchema)):
        return "no web address", "an index over http or https, or a folder, and proxies likewise"
    signs = {"gaierror", "NameResolutionError", "ConnectionRefusedError", "OSError"}
    if isinstance(error, requests.ConnectionError) and name in signs:
        if uv.connected():
            wanted = "an index that answers, in UV_DEFAULT_INDEX or UV_INDEX; or a proxy"
            return f"nobody there ({name})", f"{wanted} that leads there, in HTTPS_PROXY"
        return f"no network ({name})", "a connection; try again when there is one"
    return f"no answer ({name})", "an answer; try again later"


def _session() -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    context = trusted(os.environ)

    class Adapter(HTTPAdapter):
        """Trusts what uv trusts, unless it is told to look at no certificate."""

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> Any:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {**pool, "ssl_context": context} if verify else pool

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            if proxy.startswith("https:"):
                options["proxy_ssl_context"] = context
            return super().proxy_manager_for(proxy, **options)

    retry = Retry(
        ATTEMPTS - 1,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False,  # it may ask for hours
        raise_on_status=False,
    )
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(max_retries=retry))
    session.headers["Accept"] = ACCEPT
    return session


def trusted(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return whom uv may trust: the system's authorities, and those of ``SSL_CERT_*``.

    The system's always, so that nobody has to know whether uv was told to use them. A client's own
    certificate that cannot be read is an :class:`IndexFault`.
    """
    context = ssl.create_default_context()
    files = [Path(name) for name in _paths(environment, "SSL_CERT_FILE")]
    # OpenSSL takes from a folder what has a hash for a name; uv takes every file.
    for folder in _paths(environment, "SSL_CERT_DIR"):
        with contextlib.suppress(OSError):
            files += (path for path in Path(folder).iterdir() if path.is_file())
    for path in files:
        with contextlib.suppress(OSError):  # an SSLError is one
            context.load_verify_locations(path)
    if own := environment.get("SSL_CLIENT_CERT"):
        try:
            context.load_cert_chain(own)
        except OSError as error:
            wanted = "a file with a certificate and its key, in PEM"
            raise IndexFault("as SSL_CLIENT_CERT has it", own, wanted) from error
    return context


def _paths(environment: Mapping[str, str], name: str) -> Sequence[str]:
    return [path for path in environment.get(name, "").split(os.pathsep) if path]


def _patience() -> float:
    try:
        return max(0.1, float(os.environ.get("UV_HTTP_TIMEOUT", "30")))
    except ValueError:
        return 30.0
