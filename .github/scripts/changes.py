"""Carry what the release watch changed from the job that measured to the one that proposes it.

    python3 .github/scripts/changes.py collect FOLDER
    python3 .github/scripts/changes.py apply FOLDER...

``collect`` copies every new or changed file that the watch may touch into FOLDER. ``apply`` puts
the files of each FOLDER into this checkout, later ones over earlier ones. The measuring job ran
other people's packages, so both sides take regular files in known places only; ``apply`` refuses
a folder that has anything else, or another content for a committed lock, result or report. A
framework.toml may have more releases, which differ from the one before in their pins only, and
their locks beside it; it is compared as data. Python 3.11 or newer.

Exit codes: 0 done, 2 a folder is not as agreed.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from contribution import printable

NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
ALLOWED = re.compile(
    rf"measurements/(releases\.json|changes/{NAME}\.md"
    rf"|frameworks/{NAME}/(framework\.toml|environments/{NAME}\.txt)"
    rf"|results/{NAME}/{NAME}/{NAME}/{NAME}(\.csv|\.json|\.logs/{NAME}\.log))"
)

SNAPSHOT = "measurements/releases.json"
"""May change; everything else is only ever added."""

LISTED = re.compile(rf"(measurements/frameworks/{NAME}/)framework\.toml")

PIN = re.compile(r"==[A-Za-z0-9.!_]+")


def changed():
    """Return the paths that differ from the commit, new files included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout
    return sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})


def collect(folder):
    """Copy what may change into a folder; say what else did."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in changed():
        if ALLOWED.fullmatch(path) and is_regular(Path(path)):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            print(f"collected {path}")
        else:
            print(f"left out {printable(path)}")


def apply(folders):
    """Put the files of folders into this checkout."""
    files = [(folder, path) for folder in folders for path in below(folder)]
    locks, wanted = {folder: set() for folder in folders}, []
    for folder, path in files:
        if not ALLOWED.fullmatch(path) or not is_regular(folder / path):
            sys.exit(
                refusal(f"found {printable(path)} in {folder}; expected what {__file__} allows")
            )
        if any(parent.is_symlink() for parent in Path(path).parents) or Path(path).is_symlink():
            sys.exit(
                refusal(f"found a link at {printable(path)} in this checkout; expected a file")
            )
        before, after = committed(path), (folder / path).read_bytes()
        if path == SNAPSHOT or before == after:
            continue
        if LISTED.fullmatch(path):
            locks[folder] |= {LISTED.fullmatch(path)[1] + name for name in new_locks(folder, path)}
        elif before is not None:
            sys.exit(
                refusal(f"found {printable(path)} in {folder} changed; expected new files only")
            )
        elif "/environments/" in path:
            wanted.append((folder, path))
    for folder, path in wanted:
        if path not in locks[folder]:
            sys.exit(
                refusal(f"found {printable(path)} in {folder}; expected locks of new releases only")
            )
    for folder, path in files:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, path)
        print(f"applied {path}")


def new_locks(folder, path):
    """Return the names of the locks that the new releases of a framework.toml ask for."""
    try:
        before = tomllib.loads((committed(path) or b"").decode())
        after = tomllib.loads((folder / path).read_bytes().decode())
        known, found = before.pop("versions"), after.pop("versions")
        new = found[len(known) :]
        # As text: True == 1 == 1.0.
        same = repr((before, known)) == repr((after, found[: len(known)]))
        numbers = [version["version"] for version in found]
        once = len(set(numbers)) == len(numbers)
        if same and once and all(is_release(version, known[-1]) for version in new):
            return {
                f"environments/{version['version']}-{name}.txt"
                for version in new
                for name in version["requirements"]
            }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    sys.exit(
        refusal(
            f"found {printable(path)} in {folder} changed; expected releases more, and nothing else"
        )
    )


def is_release(version, before):
    """Whether a table of a release is a copy of the one before with other pins."""
    own = {"version", "released", "source", "python", "requirements"}
    rest, rest_before = (
        {k: v for k, v in one.items() if k not in own} for one in (version, before)
    )
    return (
        repr(rest) == repr(rest_before)
        and re.fullmatch(NAME, version["version"])
        and re.fullmatch(r"3\.[0-9]+", version["python"])
        and version["source"].startswith("https://pypi.org/project/")
        and all(
            [PIN.sub("==", item) for item in items]
            == [PIN.sub("==", item) for item in before["requirements"][name]]
            for name, items in version["requirements"].items()
        )
    )


def committed(path):
    """Return what the commit has at a path, as bytes; None where it has nothing."""
    done = subprocess.run(["git", "show", f"HEAD:{path}"], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def below(folder):
    """Return the paths of everything below a folder that is no plain folder, sorted."""
    found = []
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in (*names, *links)]
    return sorted(found)


def is_regular(path):
    """Whether a path is a file and no link to one."""
    return path.is_file() and not path.is_symlink()


def refusal(text):
    """Say why nothing was done; return the exit code."""
    print(f"error: {text}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "collect":
        collect(Path(sys.argv[2]))
    elif len(sys.argv) > 2 and sys.argv[1] == "apply":
        apply([Path(name) for name in sys.argv[2:] if Path(name).is_dir()])
    else:
        sys.exit(__doc__)
