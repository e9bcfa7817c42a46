"""Code re-usability: save and load, transfer learning, and exchange with others."""

import json
import os
import tempfile

import numpy as np

from measurements import children, lenet, memory, probe
from measurements.contract import Metric, Section, Unsupported, offered

SECTION = Section(
    title="Code re-usability",
    order=45,
    question="What can be carried over to another process, task or framework?",
    metrics={
        "possible": Metric("1", "largest change of a score", "lower"),
        "accuracy": Metric("1", "held-out accuracy on digits 5 to 9", "higher"),
        "seconds": Metric("s", "time of it", "lower"),
        "size": Metric("B", "what was written", "lower"),
        "lines": Metric("count", "lines of code of reuse.py", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"full": 1},
    script="reuse.py",
    uses=("probe.py", "scripts.py", "children.py", "reload.py", "highlevel.py"),
    findings=True,
    addition="reuse",
)

EPOCHS = 5
NEW_DIGITS = 400
"""Few, as in transfer learning: with thousands, training from scratch is as good."""

SAME = 1e-5
"""Change of the scores, relative to the largest, by a file in between: rounding and no more."""

EXPORTED = 1e-4
"""Between two frameworks other kernels compute, in another order."""

PATIENCE = 300.0
"""Seconds that a process may take to load a model."""

HALF = 5


def measure(session):
    """Ask one question after the other; what fails leaves the others alone."""
    assert session.framework
    high, script = session.script("highlevel"), session.script("reuse")
    data = session.data
    with tempfile.TemporaryDirectory() as folder:
        kept = {}
        probe.ask(
            session,
            "possible",
            "save and load",
            lambda: _save_and_load(session, high, folder, kept),
        )
        probe.ask(session, "possible", "fresh process", lambda: _fresh(session, folder, kept))
        probe.say(session, "possible", "other version", OTHER_VERSION)
        transfer(session, script, data)
        probe.ask(session, "possible", "onnx", lambda: _onnx(session, high, script, folder, kept))
        probe.ask(session, "possible", "caffe import", lambda: _caffe(session, script))


OTHER_VERSION = probe.Skipped("one version is locked so far; there is no other to load it with")


def _save_and_load(session, high, folder, kept):
    data = session.data
    model = high.train(data.train_images, data.train_labels)
    written = high.save(model, os.path.join(folder, "lenet"))
    before = np.asarray(high.predict(model, data.test_images))
    kept.update(model=model, written=written, scores=before)
    session.emit("size", memory.on_disk(written), case="save and load")
    after = np.asarray(high.predict(high.load(written), data.test_images))
    return probe.difference(after, before, SAME, "scores after loading")


def _fresh(session, folder, kept):
    """Load in another process, which has never seen the model."""
    if "written" not in kept:
        raise probe.Skipped("nothing was saved")
    out = os.path.join(folder, "scores.npy")
    job = os.path.join(folder, "job.json")
    with open(job, "w") as file:
        json.dump(session.job, file)
    with tempfile.TemporaryFile("w+") as log:
        command = ["-m", "measurements.reload", job, kept["written"], out]
        code = children.wait(children.start(command, log), PATIENCE)
        log.seek(0)
        print(log.read())
    if code != 0:
        how = "did not end" if code is None else "ended with code %d" % code
        raise RuntimeError("the process that loads it %s" % how)
    return probe.difference(np.load(out), kept["scores"], SAME, "scores in a fresh process")


def transfer(session, script, data):
    """Fine-tune a LeNet of digits 0 to 4 for digits 5 to 9, against training from scratch.

    The convolutions are frozen: they must come out as they went in, and the rest must not.
    """
    if isinstance(script.Network, Unsupported):
        probe.say(session, "possible", "freeze", script.Network)
        for case in ("fine-tuning", "from scratch"):
            session.unsupported("accuracy", script.Network, case=case)
        return
    old = data.train_labels < HALF
    new = np.flatnonzero(~old)[:NEW_DIGITS]
    held = data.test_labels >= HALF
    state = {}

    def frozen():
        first = script.Network(HALF, seed=1)
        first.fit(data.train_images[old], data.train_labels[old], EPOCHS)
        tuned = script.Network(HALF, seed=2)
        tuned.take_convolutions(first)
        tuned.freeze()
        before = tuned.convolutions()
        rest = np.array(tuned.scores(data.test_images[:8]))
        accuracies = _by_epoch(tuned, data, new, held)
        changed = probe.difference(tuned.convolutions(), before, 0.0, "frozen weights")
        if (np.asarray(tuned.scores(data.test_images[:8])) == rest).all():
            raise probe.Wrong("nothing was trained at all")
        state["tuned"] = accuracies
        return changed

    probe.ask(session, "possible", "freeze", frozen)
    _curve(session, "fine-tuning", lambda: state["tuned"] if "tuned" in state else _not_frozen())
    _curve(
        session, "from scratch", lambda: _by_epoch(script.Network(HALF, seed=2), data, new, held)
    )


def _not_frozen():
    raise probe.Skipped("freezing did not work")


def _curve(session, case, accuracies):
    """Emit one row of accuracy an epoch, or why there is none."""
    try:
        found = accuracies()
    except Exception as error:
        probe.say(session, "accuracy", case, error)
        return
    for epoch, accuracy in enumerate(found):
        session.emit("accuracy", accuracy, sample=epoch, case=case)


def _by_epoch(network, data, new, held):
    """Return the held-out accuracy after each epoch."""
    found = []
    for _ in range(EPOCHS):
        network.fit(data.train_images[new], data.train_labels[new] - HALF, 1)
        scores = np.asarray(network.scores(data.test_images[held]))
        found.append(float((scores.argmax(1) == data.test_labels[held] - HALF).mean()))
    return found


def _onnx(session, high, script, folder, kept):
    """Export the trained model and run it elsewhere: in ONNX Runtime."""
    offered(script.export_onnx)
    if "model" not in kept:
        raise probe.Skipped("there is no trained model")
    path = os.path.join(folder, "lenet.onnx")
    images = session.data.test_images[:64]
    feed = script.export_onnx(kept["model"], images, path)
    import onnxruntime  # of the section's additional packages

    session.emit("size", memory.on_disk(path), case="onnx")
    runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = runtime.get_inputs()[0].name
    found = runtime.run(None, {name: feed})[0]
    return probe.difference(found, high.predict(kept["model"], images), EXPORTED, "scores")


def _caffe(session, script):
    """Import a LeNet that Caffe wrote, and compare its scores with Caffe's own."""
    folder = os.path.join(os.path.dirname(os.path.abspath(lenet.__file__)), "data")
    images = session.data.test_images[:64]
    found = script.import_caffe(
        os.path.join(folder, "caffe-lenet.prototxt"),
        os.path.join(folder, "caffe-lenet.caffemodel"),
        images,
    )
    expected = np.load(os.path.join(folder, "caffe-lenet-scores.npy"))
    return probe.difference(found, expected, EXPORTED, "scores")
