"""One process of a data-parallel training: ``python -m measurements.parallel TASK RANK``.

TASK is a JSON file that the section wrote: {"job", "size", "port", "steps", "batch"}. Each process
writes one JSON line a step to ``<TASK>.<RANK>``: its loss and the seconds of the step, or the error
that ended it, so that a process that is killed leaves what it had done.
"""

import json
import os
import sys
import time

import numpy as np

from measurements import lenet, worker


def main(arguments):
    """Train LeNet as one of ``size`` processes, each on its share of every batch."""
    task_path, rank = arguments[0], int(arguments[1])
    with open(task_path) as file:
        task = json.load(file)
    size = task["size"]
    if hasattr(os, "sched_setaffinity"):  # a core for each, whatever size the comparison has
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    task["job"]["affinity"] = None
    job_path = "%s.job.%d" % (task_path, rank)
    with open(job_path, "w") as file:
        json.dump(task["job"], file)
    with open(os.devnull, "w") as devnull, open("%s.%d" % (task_path, rank), "w") as out:
        session = worker.begin(job_path, devnull)
        script = session.script("parallel")
        share = task["batch"] // size
        trainer = script.Trainer(
            rank, size, task["port"], session.settings, session.initial_parameters, share
        )
        data = session.data
        order = lenet.batch_indices(len(data.train_labels), task["batch"], task["steps"])
        for step, index in enumerate(order):
            mine = index[rank * share : (rank + 1) * share]
            images, labels = data.train_images[mine], data.train_labels[mine]
            start = time.perf_counter()
            try:
                loss = float(np.asarray(trainer.step(images, labels)))
            except Exception as error:
                # Known at once, however long the process takes to end.
                write(out, error="%s: %s" % (type(error).__name__, error))
                raise
            write(out, step=step, loss=loss, seconds=time.perf_counter() - start)
        trainer.close()
        write(out, done=True)


def write(out, **line):
    """Write one line, at once."""
    out.write(json.dumps(line) + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
