"""The plausibility ceiling: how fast this machine multiplies matrices with NumPy.

Run as ``python -m measurements.ceiling`` in a fresh process whose thread variables are set, prints
one JSON number: float32 operations per second. A framework that trains LeNet faster than this rate
allows has not done the work.
"""

import json
import time

import numpy as np


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
