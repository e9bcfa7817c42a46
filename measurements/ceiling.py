"""The plausibility ceiling: how fast this machine multiplies matrices with NumPy.

Run as ``python -m measurements.ceiling`` in a fresh process whose thread variables are set, prints
one JSON number: float32 operations per second. A framework that trains LeNet faster than this rate
allows has not done the work.
"""

import json
import time

import numpy as np

MARGIN = 1.25
"""NumPy's BLAS is not the best on every processor; work that was skipped shows as a multiple."""

CPU_MARGIN = 2 * MARGIN
"""A core that works while others wait runs at a higher clock than all of them together."""


def too_fast(operations, seconds, rate):
    """Return "", or a sentence when a step that took so long cannot have done the operations."""
    if operations / seconds <= MARGIN * rate:
        return ""
    told = seconds, operations / rate
    return "a step took %.3g s; at the measured matrix-product rate it needs %.3g s" % told


def too_idle(operations, cpu, rate):
    """Return "", or a sentence when so much processor time cannot have done the operations.

    Args:
        operations: of a step.
        cpu: processor seconds of a step.
        rate: operations per second of one core.

    """
    if operations / rate <= CPU_MARGIN * cpu:
        return ""
    told = cpu, operations / rate
    return "a step used %.3g s of a processor; at the rate of one core it needs %.3g s" % told


def matrix_product_rate(size=1536, repeats=12, clock=time.perf_counter):
    """Return float32 operations per second, the best of several size x size products.

    A product of two size x size matrices costs 2 size^3 operations. ``time.process_time`` as the
    clock gives the rate of one core, whatever else runs.
    """
    a = np.random.RandomState(0).rand(size, size).astype("float32")
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        np.dot(a, a)
        best = min(best, clock() - start)
    return 2.0 * size**3 / best


if __name__ == "__main__":
    print(json.dumps(matrix_product_rate()))
