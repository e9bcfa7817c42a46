"""Runs uv, which makes locks and environments, so that nothing of a reader's shell changes them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from generator import subprocesses
from generator.errors import DoesNotInstall, EnvironmentMissing
from generator.formatting import shortened

INSTALL_TIMEOUT = 3600.0


def program() -> str:
    """Return the path of the uv program, or raise :class:`EnvironmentMissing`."""
    try:
        import uv as package

        return str(package.find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        if found:
            return found
    raise EnvironmentMissing(
        "uv is not installed, and it makes the environments: `python3 -m pip install uv`; "
        "on a machine without network use `--environment current`"
    )


def run(*arguments: str, python: str = "") -> str:
    """Run uv and return its log; ``python`` is the version of an interpreter to look for."""
    env = _variables(python, resolving=arguments[:2] == ("pip", "compile"))
    finished = subprocesses.run([program(), *arguments], env=env, timeout=INSTALL_TIMEOUT)
    if finished.code == 0 and not finished.timed_out:
        return finished.log
    text = explain(finished.log) or f"uv {arguments[0]}: {finished.reason}"
    words = " ".join(finished.log.split()).lower()
    excused = any(sign.lower() in words for sign in CAUSES)
    if not excused and any(sign.lower() in words for sign in FAULTS_OF_RELEASES):
        raise DoesNotInstall(text)
    raise EnvironmentMissing(text)


_HOW_TO_REACH = re.compile(
    r"UV_(CACHE_DIR|CONCURRENT_\w+|CREDENTIALS_DIR|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS"
    r"|HTTP_\w+|INDEX|INDEX_(URL|STRATEGY)|INDEX_\w+_(USERNAME|PASSWORD)|INSECURE_HOST"
    r"|KEYRING_PROVIDER|LOCK_TIMEOUT|NATIVE_TLS|SYSTEM_CERTS|NETRC|NO_CONFIG|CONFIG_FILE|OFFLINE"
    r"|REQUEST_TIMEOUT|PYTHON_(BIN_DIR|CACHE_DIR|CPYTHON_BUILD|DOWNLOADS\w*|INSTALL_\w+"
    r"|PREFERENCE)|\w+_MIRROR|\w*TIMEOUT|\w*RETRIES)"
)
"""uv's variables that say where things are and how to reach them; all others say what to install.

What a lock installs is in the lock.
"""


def _variables(python: str = "", *, resolving: bool = False) -> dict[str, str]:
    """Return the variables for uv, none of which changes what a lock installs.

    While a lock is made (``resolving``), the reader may say what goes into it. ``python`` is the
    version of an interpreter to look for.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"))
        or _HOW_TO_REACH.fullmatch(name)
        or (resolving and name.startswith("UV_"))
    }
    env["UV_NO_PROGRESS"] = "1"
    if python:
        env.setdefault("UV_PYTHON_PREFERENCE", "system")
        env["UV_PYTHON_SEARCH_PATH"] = _search_path(python)
    return env


FULL = (
    "the disk or its quota is full; free some space, or set SYMBOLIC_COMPARISON_CACHE to a folder "
    "on another disk"
)
FULL_SIGNS = (
    "No space left on device", "Disk quota exceeded", "os error 28", "os error 122",
)  # fmt: skip
"""What programs in Python, C and Rust print where a disk or a quota is full."""

_INSTEAD = "or measure what is installed with `--environment current`"
_NO_NETWORK = f"no network; run the same command again when there is one, {_INSTEAD}"
_OFFLINE = f"uv is told to stay offline; unset UV_OFFLINE or `offline` in uv.toml, {_INSTEAD}"
_PROXY = (
    "the proxy does not lead to {host}; set HTTPS_PROXY, HTTP_PROXY or ALL_PROXY to one that does, "
    "with its user and password, or name {host} in NO_PROXY"
)
_LOGIN = (
    "{host} refuses us; put a user and password into the index's address or ~/.netrc, or use "
    "`uv auth login`"
)
_ELSEWHERE = (
    "name an index that can be reached in UV_DEFAULT_INDEX or UV_INDEX, a folder of packages in "
    "UV_FIND_LINKS, or a proxy in HTTPS_PROXY"
)
_LATER = f"run the same command again later, {_INSTEAD}"

CAUSES: Mapping[str, str] = {
    **dict.fromkeys(FULL_SIGNS, FULL),
    "network was disabled": _OFFLINE,
    "connectivity is disabled": _OFFLINE,
    "python-build-standalone": "no matching Python is installed and none could be downloaded; "
    "`generator doctor` says which one is needed",
    "tunnel error": _PROXY,
    "socks proxy": _PROXY,
    "invalid peer certificate": "the certificate of {host} is not trusted; name the file of its "
    "authority in SSL_CERT_FILE",
    "401 Unauthorized": _LOGIN,
    "403 Forbidden": _LOGIN,
    "dns error": f"nobody here knows {{host}}; {_ELSEWHERE}",
    "is unreachable": f"no way leads to {{host}}; {_ELSEWHERE}",
    "error sending request": f"{{host}} does not answer; {_LATER}",
    "HTTP status server error": f"{{host}} is out of order; {_LATER}",
    "HTTP status": "{host} lacks what it lists; run the same command again later",
    "Failed to fetch": f"{{host}} does not answer; {_LATER}",
    "No interpreter found": "no matching Python is installed and none could be downloaded; "
    "`generator doctor` says which one is needed",
    "command 'gcc' failed": "a C compiler is missing; `generator doctor` says how to install it",
    "Hash mismatch": "a package is not the one that was locked; do not trust this package index",
}
"""What uv says -> the setting or the command that mends it; the first one found counts."""

_HOST = re.compile(r"\b(?:fetch|download|url|index)\W+https?://(?:[^@/\s]*@)?([\w.:-]+)", re.I)


def connected() -> bool:
    """Whether a way leads from this machine to any other; nothing is sent."""
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))
            return True
    return False


FAULTS_OF_RELEASES = (
    "Failed to build", "build backend", "wheel is invalid", "invalid wheel",
    "for the current platform", "no wheels with a matching",
)  # fmt: skip
"""What uv says where the release is at fault, and neither this machine nor the index."""


def explain(log: str) -> str:
    """Turn uv's log into one sentence with the cause, if it is one we know, and uv's own words."""
    words = " ".join(re.sub(r"^Using .*", "", log, flags=re.MULTILINE).split())
    found = (sign for sign in CAUSES if sign.lower() in words.lower())
    if not (sign := next(found, "")):
        return shortened(words, 400)
    host = _HOST.search(words)
    alone = sign in ("dns error", "is unreachable") and not connected()
    cause = _NO_NETWORK if alone else CAUSES[sign]
    cause = cause.replace("{host}", host[1] if host else "the package index")
    return f"{cause} (uv: {shortened(words, 300)})"


def pip(requirements: str, *arguments: str) -> str:
    """Run ``uv pip`` on requirements, some of which may be on no package index.

    Builds without CUDA (gigabytes) may have the local version "+cpu". PyPI takes no local versions,
    so such a build comes from a folder of wheels, where there is one, or else from the index that
    uv knows as a back end of Torch. The hashes in the lock say that both are the same file. If they
    can be had in neither way, that is :class:`EnvironmentMissing`.
    """
    if not re.search(r"==[^\s;]+\+cpu(?![\w.])", requirements):
        # Nothing else may see the folder: to uv, the "+cpu" wheel in it satisfies "torch==2.13.0"
        # as well and comes before the index's CUDA build, whose lock then fails by its hash.
        return run("pip", *arguments)
    # uv reads UV_FIND_LINKS, but not pip's variable, which is what a machine may have been set up
    # with. Pip splits it at white space.
    folders = "" if os.environ.get("UV_FIND_LINKS") else os.environ.get("PIP_FIND_LINKS", "")
    options = [word for folder in folders.split() for word in ("--find-links", folder)]
    try:
        return run("pip", *arguments, *options)
    except EnvironmentMissing as first:
        # Second and not first, because it needs that index even if the wheel lies in the folder.
        # Without the folder, in case it holds another file of that name.
        try:
            return run("pip", *arguments, "--torch-backend", "cpu")
        except EnvironmentMissing as second:
            causes = [str(error).partition(" (uv:")[0] for error in (second, first)]
            before = f"; and before: {first}" if causes[0] != causes[1] else ""
            raise type(second)(f"{second}{before}") from None


def find_interpreter(version: str) -> Path | None:
    """Return an installed CPython of ``version`` ("3.8"), or None: then uv downloads one."""
    arguments = ("python", "find", "--no-python-downloads", "--system", f"cpython@{version}")
    try:
        found = subprocesses.answer([program(), *arguments], env=_variables(version))
    except EnvironmentMissing:
        return None
    return Path(found) if found else None


def _search_path(version: str) -> str:
    """Return where uv looks for an interpreter: where ours is, in pyenv's folders, on PATH.

    Left out are pyenv's shims, which answer for versions that they cannot start.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = sorted(
        (pyenv / "versions").glob(f"{version}*/bin"),
        key=lambda folder: [int(number) for number in re.findall(r"\d+", folder.parent.name)],
    )
    folders = [Path(sys.executable).resolve().parent, *reversed(folders)]
    for name in ("UV_PYTHON_SEARCH_PATH", "PATH"):
        folders += map(Path, filter(None, os.environ.get(name, "").split(os.pathsep)))
    return os.pathsep.join(str(folder) for folder in folders if "shims" not in folder.parts)
