"""Counts what was found, and says what it was."""

import contextlib
import dataclasses
import random
import shutil
import sys
import traceback
from collections import Counter
from pathlib import Path

from generator.errors import GeneratorError


@dataclasses.dataclass
class Tally:
    """What was found with the cases of one kind."""

    kind: str
    seed: int
    keep: Path | None
    counts: Counter = dataclasses.field(default_factory=Counter)
    said: int = 0

    def chance(self, case: int) -> random.Random:
        return random.Random(f"{self.seed} {self.kind} {case}")

    def add(self, column: str, why: str, number: int = 1, behind: Path | None = None) -> None:
        """Count what was found, say why, and keep the folder behind it."""
        if not number:
            return
        self.counts[column] += number
        print(f"  {self.kind}: {number} {column}: {why}", file=sys.stderr, flush=True)
        if self.keep and behind:
            kept = self.keep / self.kind / str(self.counts.total())
            shutil.copytree(behind, kept, symlinks=True)

    @contextlib.contextmanager
    def guarded(self, case: object, behind: Path | None = None, *, accepted: bool = False):
        """Count what is no error of the generator; any error of what `check` has accepted."""
        try:
            yield
        except GeneratorError as error:
            if accepted:
                self.add("tracebacks", f"{case}: accepted, then {error}", behind=behind)
        except Exception:
            where = "".join(traceback.format_exc(limit=-3).splitlines(keepends=True)[-6:])
            self.add("tracebacks", f"{case}:\n{where}", behind=behind)

    def progress(self, expected: int) -> None:
        done = self.counts["tried"]
        if done == expected or done >= self.said + expected / 10:
            self.said = done
            print(f"  {self.kind}: {done} of {expected}", file=sys.stderr, flush=True)
