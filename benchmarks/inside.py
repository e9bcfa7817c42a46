"""Runs inside a framework's own interpreter for harness_cost.py: standard library, Python 3.6.

The real steady-state code of the section runs; after each of its samples the same number of steps
is timed in a bare loop, so that both see the same state of the machine.
"""

import importlib
import io
import json
import sys
import time
from pathlib import Path

from measurements import worker


class Probe(worker.Session):
    """A session that puts a bare sample behind each sample of the section."""

    def __init__(self, job):
        super().__init__(job, io.StringIO())
        self.k = None
        self.ours = []
        self.bare = []

    def fact(self, **facts):
        self.k = facts.get("k", self.k)

    def emit(self, metric, value, sample=None, case="", status="ok", reason=""):
        if metric == "step_time":
            if value is None:
                raise RuntimeError(reason)
            self.ours.append(value)
        elif metric == "step_cpu_time":
            self.bare.append(self.bare_loop())

    def bare_loop(self):
        model, staged, k = self.model, self.staged, self.k
        self.framework.synchronise()
        start = time.perf_counter()
        for number in range(k):
            model.step(staged[number % 32])
        self.framework.synchronise()
        return (time.perf_counter() - start) / k


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    section = importlib.import_module("measurements.sections.lenet")
    probe = Probe(job)
    probe.staged = [probe.model.stage(images, labels) for images, labels in probe.batches(32)]
    wrong = section._steady_state(probe, section._supply(probe))
    if wrong:
        raise RuntimeError(wrong)
    found = {"ours": probe.ours, "bare": probe.bare, "k": probe.k}
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
