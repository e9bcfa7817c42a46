"""Who measures: one generator a machine, and one a run.

Two at once would each be part of the other's times. The locks are the system's, so that they are
free as soon as their owner is gone, whatever ended it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from generator import files
from generator.errors import Busy
from generator.measure import environments, machine
from generator.measure.request import Request
from generator.measure.run_record import now
from generator.measure.worker_launch import SCRATCH
from generator.results import writing


def lock_file() -> Path:
    """Return the lock of this machine, which all its users and all caches share."""
    return Path(tempfile.gettempdir()) / "symbolic-comparison.lock"


@contextlib.contextmanager
def alone(request: Request, say: Callable[[str], None]) -> Iterator[None]:
    """Keep every other generator of this machine from measuring; clear up after killed ones.

    They are told our command. If another one measures, that is :class:`Busy`, or ``say`` is told
    whom we wait for, as the request has it.
    """
    note = f"process {os.getpid()}, since {now()}: {request.command}"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.locked(lock_file(), wait=False, note=note))
        except TimeoutError as held:
            owner = f"another generator measures on this machine ({held})"
            if not request.wait:
                raise Busy(
                    f"{owner}; two at once would disturb each other's times. Say --wait to begin "
                    "when it has ended"
                ) from None
            say(f"{owner}; waiting until it has ended")
            stack.enter_context(files.locked(lock_file(), note=note))
        clear_up(request.results)
        yield


def clear_up(results: Path) -> None:
    """Remove what killed generators left: scratch folders, half-made environments, half a file.

    Whoever calls this is the only one that measures here. Samples in journals stay: the run that
    they belong to takes them in.
    """
    for scratch in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)
    environments.remove_half_made()
    for part in (results / machine.this().id).rglob("*.part"):
        part.unlink(missing_ok=True)
    for record in (results / machine.this().id).rglob("*.json"):
        if writing.is_stub(record):
            record.unlink()
    for lock in results.glob(".*.lock"):
        with contextlib.suppress(OSError), files.locked(lock, wait=False):
            # Killed before it wrote anything, or after it wrote everything.
            if not any(map(writing.is_unfinished, results.rglob(f"{lock.stem[1:]}.json"))):
                lock.unlink()
