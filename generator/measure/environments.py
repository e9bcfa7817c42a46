"""Environments: one per lock, made by uv, cached by the lock's hash; or the current interpreter."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator import files, subprocesses
from generator.catalog.model import Framework, Variant, Version
from generator.errors import EnvironmentMissing, InputError, UsageError
from generator.measure import found, uv
from generator.results.schema import NAME, UNPRINTABLE, quoted

MARKER = "complete.json"
"""Written last: an environment without it was interrupted and is made anew."""

UNRECORDED = "unrecorded"
"""Stands in an environment until a run record says what it took to install it."""

MAKING = ".making"
"""How the name of a folder ends until it is complete."""


@dataclass(frozen=True)
class Environment:
    """An interpreter with one framework in it.

    ``case`` says whether packages were downloaded or built ("downloaded") or were in uv's cache
    ("cached"), until a run has recorded it (then ""). Sizes in bytes.
    """

    python: Path
    kind: str
    python_version: str
    packages: tuple[str, ...]
    lock: str | None = None
    lock_sha256: str | None = None
    folder: Path | None = None
    install_seconds: float | None = None
    size_bytes: int | None = None
    case: str = ""
    disturbed: bool = False
    """Whether other work of ours ran beside the installation."""
    fault: str = ""
    """Why it does not install, where that is a result."""
    start: tuple[str, ...] = ()
    """What the worker is started by, where that is not the interpreter."""


def cache_folder() -> Path:
    """Return the folder for environments, compile caches and references."""
    named = os.environ.get("SYMBOLIC_COMPARISON_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "symbolic-comparison"


def lock_sha256(lock: Path) -> str | None:
    """Return the hash that names an environment; None when the lock does not exist."""
    try:
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


@functools.cache
def current() -> Environment:
    """Describe the running interpreter as an environment: for machines that cannot install.

    Nothing is installed into it while it runs, so its packages are listed once.
    """
    described = [found.metadata for found in importlib.metadata.distributions()]
    packages = sorted(f"{one['Name']}=={one['Version']}" for one in described if one["Name"])
    return Environment(
        python=Path(sys.executable),
        kind="current",
        python_version=platform.python_version(),
        packages=tuple(dict.fromkeys(packages)),
        lock_sha256=hashlib.sha256("\n".join(packages).encode()).hexdigest(),
    )


def installed_version(distribution: str) -> str | None:
    """Return the version of a distribution in the running interpreter, None when absent."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _found(framework: Framework) -> Environment:
    """Describe a framework that its users build, where it is; see :mod:`generator.measure.found`.

    Its packages are the files behind it: the hash of their hashes is that of the environment.
    """
    there = found.find(framework)
    return Environment(
        python=Path(sys.executable),
        kind="found",
        python_version=platform.python_version(),
        packages=there.files,
        lock_sha256=hashlib.sha256("\n".join(there.files).encode()).hexdigest(),
        start=there.start,
    )


def not_found() -> Environment:
    """Describe the environment of a framework that is not on this machine."""
    return Environment(Path(), "found", platform.python_version(), ())


def identity(framework: Framework, version: Version, device: str) -> str | None:
    """Return the hash that names the environment of a release, None where there is none."""
    if framework.found:
        ready = find_ready(framework, version, device)
        return ready.lock_sha256 if ready else None
    return lock_sha256(version.lock(device))


def absent(version: Version, device: str, fault: str = "") -> Environment:
    """Describe the environment of a lock without making it; ``fault``: it does not install."""
    lock = version.lock(device)
    there = lock.is_file()
    return Environment(
        python=Path(),
        kind="locked",
        python_version=version.python,
        packages=tuple(_pins(lock) if there else ()),
        lock=lock.name if there else None,
        lock_sha256=lock_sha256(lock),
        fault=fault,
    )


def locked(
    framework: Framework, version: Version, device: str, *, alone: bool = False
) -> Environment:
    """Return the environment of one lock, making it if need be; ``alone``: nothing runs beside it.

    Two generators that want the same environment wait for each other. An environment that is ready
    costs no network. :class:`EnvironmentMissing` says that uv, an interpreter, the network or space
    is missing, and the next command; :class:`~generator.errors.DoesNotInstall`, that a package does
    not install and would not on another machine. A lock with anything else than pins and hashes is
    an :class:`InputError`. A framework that its users build is looked for.
    """
    if framework.found:
        return _found(framework)
    lock = version.lock(device)
    if not lock.exists():
        raise EnvironmentMissing(
            f"{framework.id} {version.version} has no lock for {device} ({lock.name}); "
            f"make it with `generator lock {framework.id}=={version.version} --device {device}`"
        )
    _refuse_faults(lock)
    folder = _folder(framework, version, device)
    with _alone(folder):
        return _ready(folder, lock) or _create(framework, version, lock, folder, alone)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make a folder of packages while no other generator does; a full disk is no traceback."""
    try:
        with files.locked(folder.with_name(f"{folder.name}.lock")):
            yield
    except OSError as error:
        raise EnvironmentMissing(
            f"cannot write to {folder.parent} ({error.strerror}); set SYMBOLIC_COMPARISON_CACHE to "
            "a folder with room that can be written"
        ) from error


@contextlib.contextmanager
def _complete(folder: Path) -> Iterator[Path]:
    """Yield a folder that takes the place of ``folder`` once everything is in it."""
    making = folder.with_name(folder.name + MAKING)
    shutil.rmtree(making, ignore_errors=True)
    yield making
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def remove_half_made() -> None:
    """Remove the folders that killed generators were making; nobody else's."""
    for making in (cache_folder() / "environments").glob(f"*{MAKING}"):
        lock = making.with_name(making.name.removesuffix(MAKING) + ".lock")
        with contextlib.suppress(OSError), files.locked(lock, wait=False):
            shutil.rmtree(making, ignore_errors=True)


def recorded(environment: Environment) -> None:
    """Remember that a run record says what it took to install this environment."""
    if environment.case and environment.folder:
        (environment.folder / UNRECORDED).unlink(missing_ok=True)


def find_ready(framework: Framework, version: Version, device: str) -> Environment | None:
    """Return the environment if it exists already; makes nothing."""
    if framework.found:
        with contextlib.suppress(EnvironmentMissing):
            return _found(framework)
        return None
    return _ready(_folder(framework, version, device), version.lock(device))


def _folder(framework: Framework, version: Version, device: str) -> Path:
    digest = (lock_sha256(version.lock(device)) or "no lock")[:12]
    return cache_folder() / f"environments/{framework.id}-{version.version}-{device}-{digest}"


def _ready(folder: Path, lock: Path) -> Environment | None:
    try:
        known = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        environment = Environment(
            python=folder / "bin" / "python",
            kind="locked",
            python_version=known["python"],
            packages=tuple(known["packages"]),
            lock=lock.name,
            lock_sha256=lock_sha256(lock),
            folder=folder,
            install_seconds=known["install_seconds"],
            size_bytes=known["size_bytes"],
            case=known.get("case", "") if (folder / UNRECORDED).exists() else "",
            disturbed=known.get("disturbed", False),
        )
    except (OSError, ValueError, KeyError, TypeError):  # cut short or written over
        return None
    return environment if environment.python.exists() else None


_AS_LOCKED = ("--require-hashes", "--no-compile-bytecode")
"""Whatever a project around us wishes; uv's way of compiling fails on Python 3.6."""


def _create(
    framework: Framework, version: Version, lock: Path, folder: Path, alone: bool
) -> Environment:
    start = time.monotonic()
    with _complete(folder) as making:
        python = making / "bin" / "python"
        target = ("--quiet", "--relocatable", "--python", version.python, str(making))
        uv.run("venv", *target, python=version.python)
        log = uv.pip(
            lock.read_text(encoding="utf-8"),
            "sync", *_AS_LOCKED, "--python", str(python), str(lock),
        )  # fmt: skip
        # As pip does it: else the first import would pay for it and later ones would not. Not by
        # uv, which would write down the folder's present name, for every import to correct.
        # Fails for a file in the syntax of another Python, which nothing imports: no fault.
        compiling = ["-I", *_compiling(version.python, making, folder)]
        subprocesses.run([python, *compiling], timeout=uv.INSTALL_TIMEOUT)
        known = {
            "framework": framework.id,
            "version": version.version,
            "python": _version_of(python) or version.python,
            "packages": _pins(lock),
            "install_seconds": time.monotonic() - start,
            "size_bytes": _size(making),
            # uv says "Prepared" when it had to download or build something.
            "case": "downloaded" if "Prepared" in log else "cached",
            "disturbed": not alone,
        }
        (making / UNRECORDED).touch()
        files.replace(making / MARKER, json.dumps(known, indent=1).encode())
    made = _ready(folder, lock)
    assert made is not None
    return made


def _version_of(python: Path) -> str | None:
    code = "import platform; print(platform.python_version())"
    return subprocesses.answer([python, "-I", "-c", code], timeout=30)


def _compiling(python: str, making: Path, folder: Path) -> list[str]:
    """Return arguments of an interpreter that compiles byte code as of a folder's later name."""
    inside, later = str(making / "lib"), str(folder / "lib")
    if tuple(map(int, python.split("."))) >= (3, 9):
        return ["-m", "compileall", "-q", "-j", "0", "-s", inside, "-p", later, inside]
    return ["-c", _COMPILE, inside, later]  # earlier ones cannot say it for subfolders


_COMPILE = """
import os, py_compile, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".py"):
            try:
                py_compile.compile(path, dfile=sys.argv[2] + path[len(sys.argv[1]):])
            except Exception:
                pass
"""


def extra(environment: Environment, version: Version, name: str) -> Path:
    """Return a folder with packages that accompany a locked environment, made if need be.

    Some exporters want packages that the framework itself does not; they must not change what is
    measured elsewhere, so they stay out of its environment and are found through a path. ``name``
    is a key of the release's requirements, for example "cpu+reuse". Errors are those of
    :func:`locked`.
    """
    assert environment.folder is not None
    lock = version.lock(name)
    digest = lock_sha256(lock)
    if digest is None:
        raise EnvironmentMissing(
            f"{version.version} has no lock for {name} ({lock.name}); make it with `generator lock`"
        )
    _refuse_faults(lock)
    own = f"{environment.folder.name}+{name.partition('+')[2]}-{digest[:12]}"
    folder = environment.folder.with_name(own)
    with _alone(folder):
        if not (folder / MARKER).exists():
            with _complete(folder) as making:
                uv.run(
                    "pip", "install", "--quiet", "--target", str(making), "--no-deps",
                    *_AS_LOCKED, "--python", str(environment.python), "-r", str(lock),
                )  # fmt: skip
                files.replace(making / MARKER, b"{}")
    return folder


def write_lock(version: Version, device: str) -> Path:
    """Resolve a version's requirements into a hash-pinned lock in the framework's folder.

    The lock of an extra ("cpu+reuse") has what the lock of its device has not; what both need stays
    as that one has it. A device without requirements is a :class:`UsageError`; what cannot be
    resolved here, :class:`EnvironmentMissing`.
    """
    if device not in version.requirements:
        known = ", ".join(version.requirements)
        raise UsageError(
            f"version {version.version} has no requirements for {device}, only {known}"
        )
    lock = version.lock(device)
    requirements = version.requirements[device]
    base, plus, _ = device.partition("+")
    pinned = _pins(version.lock(base)) if plus else []
    with tempfile.TemporaryDirectory() as scratch:
        wanted, overrides = Path(scratch, "requirements.in"), Path(scratch, "overrides.txt")
        made = Path(scratch, lock.name)
        wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        # What is asked for wins over what others declare to want, as what is locked does.
        exact = [item for item in requirements if "==" in item]
        overrides.write_text("\n".join([*pinned, *exact]) + "\n", encoding="utf-8")
        # Refreshed: uv remembers for minutes what the index had, and a release may be younger.
        uv.pip(
            "\n".join(requirements),
            "compile", "--quiet", "--refresh", "--generate-hashes", "--no-header", "--no-annotate",
            "--no-emit-index-url", "--no-emit-find-links", "--python-version", version.python,
            *(("--override", str(overrides)) if plus else ()),
            "--output-file", str(made), str(wanted),
        )  # fmt: skip
        # Left out are what the device's own lock has, and a download folder of this machine.
        entries = _ENTRY.findall(made.read_text(encoding="utf-8"))
        foreign = tuple(f"{pin.partition('==')[0]}==" for pin in pinned)
        kept = [item for item in entries if not item.startswith(foreign) and "file://" not in item]
        made.write_text("".join(kept), encoding="utf-8")
        _refuse_faults(made)
        files.replace(lock, made.read_bytes())
    return lock


_ENTRY = re.compile(r"^\S.*\n?(?:[ \t].*\n?)*", re.MULTILINE)
"""A line of a lock with the indented ones below it: a requirement and its hashes."""


def _pins(lock: Path) -> list[str]:
    """Return the pinned requirements of a lock, without markers and hashes."""
    return re.findall(r"^[^\s#-][^\s;\\]*", lock.read_text(encoding="utf-8"), re.MULTILINE)


_PIN = re.compile(
    rf"({NAME})(\[[A-Za-z0-9._,-]+\])?==(?:\d+!)?\d[A-Za-z0-9.+_-]*"
    r"( ; ([a-z_.]+|[<>=!~]=?=?|[()]|'[\w.+*-]*'|\"[\w.+*-]*\"| (?! ))+)?( \\)?",
    re.ASCII,
)
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def problems(lock: Path) -> list[InputError]:
    """Return what is wrong with a lock, by line: everything that is not in its grammar.

    That is ``name==version [; marker]`` with at least one ``--hash=sha256:<64 hex>`` below it,
    every name once, comments and empty lines. What reads a lock understands more, such as options
    and addresses: it never gets to see them.
    """
    return [InputError(lock, *found) for found in _lock_problems(lock.read_bytes())]


def _refuse_faults(lock: Path) -> None:
    """Raise the first problem of a lock, before anything reads it."""
    for problem in problems(lock):
        raise problem


def _lock_problems(data: bytes) -> Iterator[tuple[int, str, str]]:
    try:
        lines = data.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        yield data[: error.start].count(b"\n") + 1, "a byte that is not UTF-8", "UTF-8 text"
        return
    names: set[str] = set()
    open_ended = False  # the line before ended in a backslash
    for number, line in enumerate([*lines, ""], 1):
        pin, is_hash = _PIN.fullmatch(line), _HASH.fullmatch(line)
        if open_ended and not is_hash:
            yield number - 1, "no hash", "--hash=sha256:<64 hexadecimal digits> below it"
        if match := UNPRINTABLE.search(line):
            yield number, f"character U+{ord(match[0]):04X}", "printable text"
        elif is_hash and not open_ended:
            yield number, "a hash of nothing", "name==version above it, ending in a backslash"
        elif pin:
            name = re.sub(r"[-_.]+", "-", pin[1]).lower()
            if name in names:
                yield number, f"{pin[1]} a second time", "every name once"
            names.add(name)
            if not line.endswith("\\"):
                yield number, "no hash", "a backslash, and --hash=sha256:... below it"
        elif not is_hash and line and not (line.startswith("#") and not line.endswith("\\")):
            yield number, quoted(line), "name==version, --hash=sha256:<64 hexadecimal digits>, or #"
        open_ended = bool(pin or is_hash) and line.endswith("\\")
    if not names:
        yield 1, "no requirement", "at least one pinned requirement"


def _size(folder: Path) -> int:
    """Bytes of all regular files; links (the interpreter) are not followed."""
    return sum(
        path.lstat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def variables(
    framework: Framework,
    environment: Environment,
    *,
    device: str,
    threads: int,
    cache: Path,
    trial: Variant | None = None,
) -> dict[str, str]:
    """Return the variables that ``framework.toml`` sets in every worker, placeholders filled in.

    Args:
        framework: its folder declares them.
        trial: the variant that the worker tries; it sets others, or none where its text is empty.
        environment: fills in ``{environment}`` and ``{site_packages}``.
        device: some are declared for one device.
        threads: fills in ``{threads}``.
        cache: fills in ``{cache}``.

    """
    folder = environment.folder or Path(sys.prefix)
    python = "python" + ".".join(environment.python_version.split(".")[:2])
    values = {
        "threads": str(threads),
        "cache": str(cache),
        "environment": str(folder),
        "site_packages": str(folder / "lib" / python / "site-packages"),
    }
    declared = {**framework.environment, **framework.device_environment.get(device, {})}
    declared |= trial.environment if trial else {}
    return {
        name: re.sub(r"{(\w+)}", lambda match: values.get(match[1], match[0]), text)
        for name, text in declared.items()
        if text
    }
