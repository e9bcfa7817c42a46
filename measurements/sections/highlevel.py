"""High-level support: from digits to a trained, saved and reloaded LeNet, the official easy way."""

import os
import tempfile
import time

import numpy as np

from measurements import gate, memory
from measurements.contract import Metric, Section

SECTION = Section(
    title="High-level support",
    group="",
    order=75,
    question="How much code takes LeNet from digits to a saved model?",
    metrics={
        "total_time": Metric("s", "train, save and load", "lower"),
        "train_time": Metric("s", "training, five epochs", "lower"),
        "save_time": Metric("s", "saving", "lower"),
        "load_time": Metric("s", "loading", "lower"),
        "accuracy": Metric("1", "held-out accuracy after reloading", "higher"),
        "reload_error": Metric("1", "largest change of a score by reloading", "lower"),
        "file_size": Metric("B", "what was saved", "lower"),
        "lines": Metric("count", "lines of code of highlevel.py", "lower"),
        "concepts": Metric("count", "names of the framework used", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"quick": 1, "full": 3},
    script="highlevel.py",
    uses=("scripts.py",),
    devices=("cpu", "cuda"),
)

ACCURACY = 0.9
"""What five epochs must reach on the 1,000 held-out digits: else something easy went wrong.

Documented settings lead to 0.95 to 0.98; weights that were not reloaded, to 0.1.
"""

RELOAD_ERROR = 1e-5
"""Relative change of the scores that a reload may cause: rounding, and nothing else."""


def measure(session):
    """Run the folder's ``highlevel.py``: train, save, load, and compare what was reloaded."""
    data = session.data
    assert session.framework  # device and threads are set before the script is imported
    script = session.script("highlevel")
    session.fact(interface=script.INTERFACE)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        model = script.train(data.train_images, data.train_labels)
        trained = time.perf_counter()
        written = script.save(model, os.path.join(folder, "lenet"))
        saved = time.perf_counter()
        again = script.load(written)
        loaded = time.perf_counter()
        before = np.asarray(script.predict(model, data.test_images))
        after = np.asarray(script.predict(again, data.test_images))
        size = memory.on_disk(folder)
    accuracy = float((after.argmax(1) == data.test_labels).mean())
    error = gate.relative_error(after, before)
    session.emit("accuracy", accuracy)
    session.emit("reload_error", error)
    if not accuracy >= ACCURACY or not error <= RELOAD_ERROR:
        reason = "accuracy %.3f after reloading (target %.2f), scores changed by %.2g" % (
            accuracy,
            ACCURACY,
            error,
        )
        session.emit("total_time", None, status="wrong", reason=reason)
        return
    session.emit("total_time", loaded - start)
    session.emit("train_time", trained - start)
    session.emit("save_time", saved - trained)
    session.emit("load_time", loaded - saved)
    session.emit("file_size", size)
