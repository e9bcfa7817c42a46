"""Carry what the release watch changed from the job that measured to the one that proposes it.

    python3 .github/scripts/changes.py collect FOLDER
    python3 .github/scripts/changes.py apply FOLDER...

``collect`` copies every new or changed file that the watch may touch into FOLDER. ``apply`` puts
the files of each FOLDER into this checkout, later ones over earlier ones. The measuring job ran
other people's packages, so both sides take regular files in known places only; ``apply`` refuses
a folder that has anything else, or another content for a committed lock, result or report.

Exit codes: 0 done, 2 a folder is not as agreed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
ALLOWED = re.compile(
    rf"measurements/(releases\.json|changes/{NAME}\.md"
    rf"|frameworks/{NAME}/(framework\.toml|environments/{NAME}\.txt)"
    rf"|results/{NAME}/{NAME}/{NAME}/{NAME}(\.csv|\.json|\.logs/{NAME}\.log))"
)

GROWING = re.compile(rf"measurements/(releases\.json|frameworks/{NAME}/framework\.toml)")
"""What may change; everything else is only ever added."""


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
            print(f"left out {path!a}")


def apply(folders):
    """Put the files of folders into this checkout."""
    files = [(folder, path) for folder in folders for path in below(folder)]
    for folder, path in files:
        if not ALLOWED.fullmatch(path) or not is_regular(folder / path):
            sys.exit(refusal(f"found {path!a} in {folder}; expected what {__file__} allows"))
        if any(parent.is_symlink() for parent in Path(path).parents) or Path(path).is_symlink():
            sys.exit(refusal(f"found a link at {path!a} in this checkout; expected a file"))
        content = (folder / path).read_bytes()
        if not GROWING.fullmatch(path) and committed(path) not in (None, content):
            sys.exit(refusal(f"found {path!a} in {folder} changed; expected new files only"))
    for folder, path in files:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, path)
        print(f"applied {path}")


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
