"""A process that has never seen a model: it loads what another one saved, and writes the scores.

``python -m measurements.reload JOB SAVED SCORES``; see ``measurements.sections.reuse``.
"""

import os
import sys

import numpy as np

from measurements import worker


def main(arguments):
    """Load ``arguments[1]`` with ``highlevel.py``; write the scores of the held-out digits."""
    with open(os.devnull, "w") as out:
        session = worker.begin(arguments[0], out)
        assert session.framework
        high = session.script("highlevel")
        scores = high.predict(high.load(arguments[1]), session.data.test_images)
        np.save(arguments[2], np.asarray(scores))


if __name__ == "__main__":
    main(sys.argv[1:])
