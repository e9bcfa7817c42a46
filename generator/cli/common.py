"""What both doors of the command line share; needs the standard library only."""

from __future__ import annotations

import shlex
import sys

from generator.errors import GeneratorError, Interrupted


def command_line() -> str:
    """Return what was typed, as results record it: the program by its name, not its path."""
    return "generator " + shlex.join(sys.argv[1:])


def ending(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message for what ended a command.

    Raises:
        BaseException: ``error`` itself, where it is a mistake of ours.

    """
    if isinstance(error, KeyboardInterrupt):
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
