"""What both doors of the command line share; needs the standard library only."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading

from generator.errors import GeneratorError, Interrupted


def command_line() -> str:
    """Return what was typed, as results record it: the program by its name, not its path."""
    return "generator " + shlex.join(sys.argv[1:])


_stopped = threading.Event()
"""Whether a signal has asked us to end: what fails from then on is its consequence."""


def accept_signals() -> None:
    """Make SIGTERM and a hang-up the same as Ctrl-C; what ``nohup`` ignores stays ignored."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), _stop)


def _unraisable(said: sys.UnraisableHookArgs) -> None:
    """Interrupt again where a callback or a destructor, which cannot raise, swallowed it."""
    if isinstance(said.exc_value, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
    else:
        sys.__unraisablehook__(said)


def _stop(*_: object) -> None:
    """Interrupt once: a terminal that closes sends several signals, and to end takes a moment."""
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    _stopped.set()
    sys.unraisablehook = _unraisable
    raise KeyboardInterrupt


def leave(code: int) -> None:
    """Exit, without a word about a terminal or pipe that is not there any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def ending(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message for what ended a command.

    An error that is a mistake of ours is raised.
    """
    if isinstance(error, KeyboardInterrupt) or _stopped.is_set():
        text = "interrupted; results are kept, the same command goes on from here"
        return Interrupted.exit_code, text
    if isinstance(error, GeneratorError):
        return error.exit_code, f"error: {error}"
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return 1, (
            f"error: {error.strerror or error}{where}; finished results are kept, run the same "
            "command again once this is mended"
        )
    raise error
