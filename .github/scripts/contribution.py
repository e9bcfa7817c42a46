"""Write the results of a contribution as plain data, before and after, from git.

    python3 .github/scripts/contribution.py REMOTE REF FOLDER [BASE]

fetches REF from REMOTE ("." is this repository) and writes FOLDER/before, the results as they
were where REF branched off from BASE (HEAD unless named), and FOLDER/after, as they are at REF.
Both go to

    generator check --results FOLDER/before --contribution FOLDER/after

Nothing is checked out: blobs are copied byte for byte, so that no attribute, filter, hook or
link of the contribution can do anything. Every path that it changes outside the results is named:
people judge those. Exit codes: 0 done, 2 the contribution is not as agreed.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

RESULTS = "measurements/results/"
NAMED = 1000
"""Paths outside the results that are named, at most; then it is said how many more there are."""

LIMIT = 512 << 20
"""Bytes that either side may have beyond the other."""

FETCHED = "refs/contribution/head"


class Refused(Exception):
    """Says what was found and what was expected."""


class Blob(NamedTuple):
    """A file in a commit: git's mode, object id and size in bytes (0 for a submodule)."""

    mode: str
    id: str
    size: int


def git(*arguments):
    """Run git in this repository; return what it says, as bytes."""
    done = subprocess.run(
        ["git", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise Refused(f"git {arguments[0]}: {said}")
    return done.stdout


def printable(text):
    """Return foreign text so that it is one line, without a command to GitHub's runners."""
    shown = ascii(text if len(text) <= 300 else text[:299] + "…")
    return re.sub(r":(?=:)|#(?=[#\[])", r"\g<0> ", shown)


def outside(before, after):
    """Return the paths that differ between two commits and are not below the results."""
    changed = git("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
    names = [os.fsdecode(name) for name in changed.split(b"\0") if name]
    return [name for name in names if not name.startswith(RESULTS)]


def listing(commit):
    """Return path below the results -> blob of one commit.

    Raises:
        Refused: a path that leads elsewhere.

    """
    found = {}
    for line in git("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", RESULTS).split(b"\0"):
        if not line:
            continue
        facts, _, name = line.partition(b"\t")
        mode, _, id, size = facts.decode().split()
        path = os.fsdecode(name)
        parts = path.split("/")
        if not path.startswith(RESULTS) or {"", ".", ".."} & set(parts) or path in found:
            raise Refused(f"found the path {path!r}; expected one below {RESULTS}, once")
        found[path.removeprefix(RESULTS)] = Blob(mode, id, 0 if size == "-" else int(size))
    return found


def write(blobs, folder):
    """Write blobs below a folder that is new.

    What is no regular file becomes a link that leads nowhere: the check names it, and nothing can
    follow it. These come last, so that nothing is written through one.
    """
    folder.mkdir(parents=True)
    regular = {path: blob for path, blob in blobs.items() if blob.mode.startswith("100")}
    reader = subprocess.Popen(
        ["git", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with reader:
        for path, blob in regular.items():
            reader.stdin.write(f"{blob.id}\n".encode())
            reader.stdin.flush()
            _, kind, size = reader.stdout.readline().split()
            content = reader.stdout.read(int(size))
            reader.stdout.read(1)
            if kind != b"blob" or len(content) != blob.size:
                raise Refused(f"found {path!r} cut short; expected {blob.size} bytes")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content)
            target.chmod(0o755 if blob.mode == "100755" else 0o644)
        reader.stdin.close()
    for path in blobs.keys() - regular.keys():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to("left-out")


def main(remote, ref, folder, base="HEAD"):
    """Fetch, list and write both sides."""
    git(
        "-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
        "--no-recurse-submodules", "--end-of-options", remote, f"+{ref}:{FETCHED}",
    )  # fmt: skip
    branched = git("merge-base", "--end-of-options", base, FETCHED).decode().strip()
    others = outside(branched, FETCHED)
    for path in others[:NAMED]:
        print(f"changed outside the results, which nothing here judges: {printable(path)}")
    if len(others) > NAMED:
        print(f"and {len(others) - NAMED} more paths outside the results")
    before, after = listing(branched), listing(FETCHED)
    size = sum(blob.size for path, blob in after.items() if before.get(path) != blob)
    if size > LIMIT:
        raise Refused(f"found {size} bytes of new results; expected at most {LIMIT}")
    write(before, folder / "before")
    write(after, folder / "after")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
    except (Refused, OSError, ValueError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
