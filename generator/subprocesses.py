"""The one place that starts a process.

Tests replace :func:`run`; everything that may hang, flood or die goes through it. Whatever ends us,
SIGKILL included, no process that we started lives on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOG_BYTES = 64 * 1024
"""A log keeps its first and last halves of this size; what is between is counted, not kept."""


WATCH_LIMIT = 64 * 1024 * 1024
"""Bytes that the file of a watched process may have."""


@dataclass(frozen=True)
class Finished:
    """How a process ended: exit code (negative: killed by that signal), log, seconds, time-out.

    ``cpu`` is the processor time of it and all that it started, None where nobody counted.
    """

    code: int
    log: str
    seconds: float
    timed_out: bool = False
    too_large: bool = False
    cpu: float | None = None

    @property
    def reason(self) -> str:
        """One sentence on how it ended, for people."""
        if self.timed_out:
            return f"timed out after {self.seconds:.0f} s"
        if self.too_large:
            return "its result file grew beyond the limit"
        if self.code < 0:
            name = signal.Signals(-self.code).name if -self.code in set(signal.Signals) else ""
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            return f"killed by signal {-self.code} {name}{hint}".strip()
        return f"exit code {self.code}"


class _Log:
    """Keeps the head and the tail of an endless stream in bounded memory."""

    def __init__(self, limit: int = LOG_BYTES) -> None:
        self._half, self._size = limit // 2, 0
        self._head = self._tail = b""

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        tail = self._tail + chunk[room:]
        self._tail = tail[max(0, len(tail) - self._half) :]

    def text(self) -> str:
        dropped = self._size - len(self._head) - len(self._tail)
        gap = f"\n[... {dropped} bytes left out ...]\n".encode() if dropped else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    watch: IO[bytes] | None = None,
    watch_limit: int = WATCH_LIMIT,
    on_output: Callable[[str], None] | None = None,
    errors: bool = True,
) -> Finished:
    """Run a program to its end, in a process group of its own that ends when we do.

    Args:
        arguments: program and arguments.
        cwd: working folder.
        env: the whole environment; None inherits ours.
        timeout: seconds after which the group is killed.
        watch: an open file that must not outgrow ``watch_limit`` bytes, or the group is killed. A
            process that is watched is not trusted either to end what it started.
        watch_limit: bytes.
        on_output: called with each decoded chunk of output as it comes.
        errors: whether what it prints to standard error belongs to the log.

    Returns:
        How it ended. A program that cannot be started ends with code 127 and a log that says why.

    Raises:
        KeyboardInterrupt: passed on after the group was killed.

    """
    start, used = time.monotonic(), _processor_time()
    with _adopting() if watch else contextlib.nullcontext(), _group() as (leader, mark):
        try:
            process = subprocess.Popen(
                [str(argument) for argument in arguments],
                cwd=cwd,
                env={**(os.environ if env is None else env), MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
                process_group=leader.pid,
            )
        except OSError as error:
            return Finished(127, f"{arguments[0]}: {error}\n", time.monotonic() - start)
        log = _Log()
        assert process.stdout is not None
        reader = threading.Thread(target=_drain, args=(process.stdout, log, on_output), daemon=True)
        reader.start()
        timed_out = too_large = False
        try:
            while True:
                try:
                    process.wait(timeout=0.1 if watch else _left(timeout, start))
                    break
                except subprocess.TimeoutExpired:
                    timed_out = timeout is not None and time.monotonic() - start >= timeout
                    too_large = watch is not None and _size(watch) > watch_limit
                    if timed_out or too_large:
                        break
        finally:
            # Also after a normal end: a worker must not leave children behind that disturb the
            # next.
            _end(leader)
            code = process.wait()
            reader.join(timeout=5)
            process.stdout.close()
    seconds, cpu = time.monotonic() - start, _processor_time() - used
    return Finished(code, log.text(), seconds, timed_out, too_large, cpu)


def _processor_time() -> float:
    """Return that of all our processes that have ended; while a worker runs there is no other."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def answer(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> str | None:
    """Return what a program says on standard output, None where it fails.

    What it, its loader or its interpreter prints to standard error is a log and no answer.

    Args:
        arguments: program and arguments.
        cwd: working folder.
        env: the whole environment; None inherits ours.
        timeout: seconds after which it has failed.

    """
    finished = run(arguments, cwd=cwd, env=env, timeout=timeout, errors=False)
    return None if finished.code or finished.timed_out else finished.log.strip()


def git(root: Path, *arguments: str) -> str | None:
    """Return what git answers about the repository whose top folder is ``root``.

    None where there is no such repository: one around it is another one, and so is the one that
    variables of a shell or of a hook name.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    top = answer(["git", "rev-parse", "--show-toplevel"], cwd=root, env=env)
    if not top or Path(top).resolve() != root.resolve():
        return None
    return answer(["git", *arguments], cwd=root, env=env)


def kill_all() -> None:
    """Kill everything that runs: for an interruption, which only the main thread hears of."""
    for leader in list(_leaders):
        _close(leader)


MARK = "SYMBOLIC_COMPARISON_GROUP"
"""The variable by which descendants are found again that left the group for a session of their own,
where the system shows the variables of processes (Linux)."""

_LEADER = """
read _
for round in 1 2 3; do
    marked=$(grep -lsF "$0" /proc/[0-9]*/environ)
    [ -n "$marked" ] || break
    for path in $marked; do
        path=${path#/proc/}
        kill -KILL "${path%/environ}" 2>/dev/null
    done
done
kill -KILL 0
"""

_starting = threading.Lock()
_leaders: set[subprocess.Popen[bytes]] = set()
"""Leaders of the process groups that run now."""


@contextlib.contextmanager
def _group() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yield the leader of a new process group, which kills it at the end, and its mark.

    The leader waits for the end of a pipe whose other end only we hold: the system closes it
    whatever ends us, and all descendants go, not only children as with PR_SET_PDEATHSIG.
    """
    mark = uuid.uuid4().hex
    with _starting:
        leader = subprocess.Popen(
            ["/bin/sh", "-c", _LEADER, mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
            process_group=0,
        )
        _leaders.add(leader)
    try:
        yield leader, mark
    finally:
        _end(leader)
        _leaders.discard(leader)


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """End all descendants of what runs meanwhile, also those that left everything behind (Linux).

    Who loses its parent becomes our child, whatever session or variables it gave itself.
    """
    before = _children()
    _adopt(True)
    try:
        yield
    finally:
        for _ in range(100):  # its children come when it has gone
            lost = _children() - before
            if not lost:
                break
            for pid in lost:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
        _adopt(False)


def _adopt(yes: bool) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(36, int(yes))  # PR_SET_CHILD_SUBREAPER, see prctl(2)


def _children() -> set[int]:
    """Return our children but those whose groups run; none where the system shows no processes."""
    found = set()
    with _starting:
        leaders = {leader.pid for leader in _leaders}
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                _, parent, group, *_ = (place / "stat").read_bytes().rpartition(b")")[2].split()
                if int(parent) == os.getpid() and int(group) not in leaders:
                    found.add(int(place.name))
    return found


def _close(leader: subprocess.Popen[bytes]) -> None:
    assert leader.stdin is not None
    with contextlib.suppress(OSError):  # it was killed itself
        leader.stdin.close()


def _end(leader: subprocess.Popen[bytes]) -> None:
    """Let a leader kill all that it leads; once it has, do nothing."""
    if leader.returncode is not None:
        return
    _close(leader)
    assert leader.stdout is not None
    select.select([leader.stdout], [], [], 5)  # it says nothing: its end is the end of the pipe
    # Before it is waited for, after which its number may be another group's.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    leader.stdout.close()


def _drain(stream: IO[bytes], log: _Log, on_output: Callable[[str], None] | None) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed under us: the process is gone
        while chunk := os.read(stream.fileno(), 65536):
            log.feed(chunk)
            if on_output is not None:
                on_output(chunk.decode("utf-8", "replace"))


def _left(timeout: float | None, start: float) -> float | None:
    return None if timeout is None else max(0.0, timeout - (time.monotonic() - start))


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
