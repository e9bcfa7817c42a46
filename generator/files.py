"""Files on disk: written in one step, recognised again, and kept to one process at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary name in the folder of ``path``; what is written there replaces ``path``.

    Folders are made. After an error the temporary file is gone and ``path`` is as it was.

    Args:
        path: the file to write.
        sync: wait until the file is on the disk, so that it survives a loss of power. Thousands of
            files that can be made again at any time (rendered pages) do without.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        if sync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if sync and hasattr(os, "O_DIRECTORY"):  # POSIX: the rename itself has to reach the disk
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def replace(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Put ``data`` at ``path`` in one step, see :func:`replacing`."""
    with replacing(path, sync=sync) as part:
        part.write_bytes(data)


def create(path: Path) -> IO[bytes]:
    """Make a new regular file, in place of whatever is there, and return it for reading."""
    remove(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o644), "rb")


def open_regular(path: Path) -> IO[bytes]:
    """Open a file that somebody may have replaced: no link, no folder, nothing that never ends.

    Raises:
        OSError: it is no regular file of one name, or cannot be opened.

    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(file)
        raise OSError(errno.EINVAL, "no regular file of its own", str(path))
    return os.fdopen(file, "rb")


def remove(path: Path) -> None:
    """Remove a file, or whatever somebody put in its place; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def identity(path: Path) -> tuple[int, ...]:
    """Return numbers that change whenever a file is replaced or written to.

    Raises:
        OSError: there is no such file, or it cannot be looked at.

    """
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True, note: str = "") -> Iterator[None]:
    """Hold the lock file ``path``, which no other process holds meanwhile; its folder is made.

    The lock is the process's own: it is free as soon as that is gone, however it ended.

    Args:
        path: the lock file; it stays there.
        wait: for another process that holds it, as long as it takes.
        note: what others are told about its holder.

    Raises:
        TimeoutError: another process holds it; the text is what that one noted.
        OSError: the lock file cannot be written.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except PermissionError:  # another user's, which can be locked all the same
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise TimeoutError(os.read(file, 4096).decode("utf-8", "replace")) from None
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)
            os.write(file, note.encode())
        yield
    finally:
        os.close(file)
