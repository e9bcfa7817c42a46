"""Every error the generator raises on purpose.

    GeneratorError              exit 1 unless a subclass says otherwise
    ├── UsageError              exit 2: an unknown name, an impossible combination
    │   └── NoDeviceError       exit 2: the device asked for is not here
    ├── InputError              exit 2: a file that people or programs wrote is not as agreed
    ├── EnvironmentMissing      exit 1: no interpreter, no network, no compiler, no space
    │   └── DoesNotInstall      exit 1: the fault is the release's, and the same on other machines
    ├── IndexFault              exit 1: the package index is down, slow, or says nonsense
    ├── Interrupted             exit 3: Ctrl-C, SIGTERM, hang-up; finished results are kept
    └── Busy                    exit 5: another generator measures on this machine

Messages instruct: what was found, what was expected, the next command.
Only ``generator.cli.app`` turns them into exit codes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GeneratorError(Exception):
    """Base of all deliberate errors; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(GeneratorError):
    """Wrong use: an unknown name or an impossible combination."""

    exit_code = 2


class NoDeviceError(UsageError):
    """The device asked for cannot be used on this machine."""


class InputError(GeneratorError):
    """A file is not as agreed; carries where, what was found and what was expected."""

    exit_code = 2

    def __init__(self, file: object, line: int | None, found: object, expected: object) -> None:
        self.file, self.line, self.found, self.expected = str(file), line, str(found), str(expected)
        where = self.file if line is None else f"{self.file}:{line}"
        super().__init__(f"{where}: found {self.found}; expected {self.expected}")


class EnvironmentMissing(GeneratorError):
    """Something a framework's environment needs is missing on this machine."""


class DoesNotInstall(EnvironmentMissing):
    """A locked release cannot be built or has no file for this platform."""


class IndexFault(GeneratorError):
    """A package index cannot be used; carries its address, what was found and expected."""

    def __init__(self, where: str, found: object, expected: object) -> None:
        self.where, self.found, self.expected = where, str(found), str(expected)
        super().__init__(
            f"package index {where}: found {self.found}; expected {self.expected}; "
            "nothing was changed"
        )


class Interrupted(GeneratorError):
    """The user stopped the work; everything finished is on disk."""

    exit_code = 3


class Busy(GeneratorError):
    """Another generator measures on this machine; nothing was begun beside it."""

    exit_code = 5


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean NAME?" for a mistyped name, "" where no known one is near."""
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}?" if near else ""
