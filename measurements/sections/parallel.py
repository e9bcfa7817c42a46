"""Parallel and distributed: LeNet on one process and on two, and what happens when one dies."""

import json
import os
import signal
import socket
import tempfile
import time

import numpy as np

from measurements import children, gate, lenet, probe
from measurements.contract import Metric, Section, Unsupported

SECTION = Section(
    title="Parallel and distributed support",
    group="Performance",
    order=85,
    question="Can several processes train one model together?",
    metrics={
        "loss_error": Metric("1", "largest relative error of a loss", "lower"),
        "step_time": Metric("s", "training step of the whole batch", "lower"),
        "death_time": Metric("s", "until the others notice that a process was killed", "lower"),
        "lines": Metric("count", "lines of code of parallel.py", "lower"),
    },
    starts=("warm",),
    scope="framework",
    blocks={"full": 2},
    script="parallel.py",
    uses=("probe.py", "scripts.py", "children.py", "parallel.py"),
    findings=True,
)

BATCHES = (64, 256)
"""Images of a step over all processes together."""

STEPS = 30
WARMUP = 10
TIMEOUT = 150.0
"""Seconds that a training may take, start of the processes included."""

PATIENCE = 45.0
"""Seconds that the others are given to notice a death; longer counts as hanging."""

GRACE = 10.0
"""Seconds that a process is given to end after its step raised an error."""

SINGLE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NPROC": "1"}
"""One thread for each process, for whatever library counts by itself."""

LOSS_ERROR = 1e-3
"""Relative. A sum in another order moves the losses by 1e-6, until a near-tie of max-pooling turns
over: 1.4e-4 was seen after twenty steps. A process that trains alone is several times as far off
as this at the second step."""


def measure(session):
    """Train alone, then with two processes, then with two of which one is killed."""
    script = session.script("parallel")
    if isinstance(script.Trainer, Unsupported):
        for metric, case in rows():
            session.unsupported(metric, script.Trainer, case=case)
        return
    for batch in BATCHES:
        expected = {}
        for size in (1, 2):
            case = "%d of %d" % (size, batch)
            _train(session, case, size, batch, expected)
    probe.ask(session, "death_time", "killed", lambda: _death(session))
    session.fact(parallel=script.HOW)


def rows():
    """Return every (metric, case) of the section."""
    cases = ["%d of %d" % (size, batch) for batch in BATCHES for size in (1, 2)]
    return [(m, c) for c in cases for m in ("loss_error", "step_time")] + [("death_time", "killed")]


def _train(session, case, size, batch, expected):
    """Emit error and times of a training of ``size`` processes."""
    lines = []

    def error():
        lines.extend(run(session, size, batch))
        losses = np.mean([[line["loss"] for line in one] for one in lines], axis=0)
        if size > 1:
            if batch not in expected:
                raise probe.Skipped("one process alone does not train as the reference does")
            return same_losses(losses, expected[batch])
        reference = _reference(session, batch)
        error = same_losses(losses[: len(reference)], reference)
        expected[batch] = losses
        return error

    if probe.ask(session, "loss_error", case, error) is None:
        reason = probe.Skipped("no time is shown of a training that is not the same")
        probe.say(session, "step_time", case, reason)
        return
    # A step ends when the slowest process ends it.
    times = np.max([[line["seconds"] for line in one] for one in lines], axis=0)
    for sample, seconds in enumerate(times[WARMUP:]):
        session.emit("step_time", seconds, sample=sample, case=case)


def _reference(session, batch):
    """Return the reference's losses: of all steps, those that are timed included.

    A large batch takes its time in NumPy: of that the steps of the gate must do.
    """
    data, steps = session.data, STEPS if batch == BATCHES[0] else lenet.GATE_STEPS
    order = lenet.batch_indices(len(data.train_labels), batch, steps)
    return gate.train(data, session.initial_parameters, order, session.settings.learning_rate)[2]


def same_losses(found, alone):
    """Return the largest relative difference of two trainings' losses.

    Args:
        found: mean over the processes of each step's loss.
        alone: the losses of one process on the same batches.

    Raises:
        probe.Wrong: they differ: a process that trains by itself sees its share of the digits
            only, and the losses leave the common path at the second step.

    """
    found, alone = np.asarray(found), np.asarray(alone)
    if found.shape != alone.shape:
        raise probe.Wrong("%d losses, expected %d" % (len(found), len(alone)))
    errors = np.abs(found - alone) / np.abs(alone)
    worst = int(np.argmax(errors))
    if not errors[worst] <= LOSS_ERROR:
        first = int(np.flatnonzero(~(errors <= LOSS_ERROR))[0])
        raise probe.Wrong(
            "the processes do not train one model: loss %.6g in step %d, alone %.6g"
            % (found[first], first + 1, alone[first])
        )
    return errors[worst]


def start(session, folder, size, batch, steps=STEPS):
    """Start the processes; return (processes, paths of their lines, log files)."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port = probe_socket.getsockname()[1]
    job = dict(session.job, settings=dict(session.job["settings"], threads=1))
    task = {"job": job, "size": size, "port": port, "steps": steps, "batch": batch}
    path = os.path.join(folder, "task.json")
    with open(path, "w") as file:
        json.dump(task, file)
    processes, lines, logs = [], [], []
    for rank in range(size):
        log = open(os.path.join(folder, "log.%d" % rank), "w")
        command = ["-m", "measurements.parallel", path, str(rank)]
        processes.append(children.start(command, log, **SINGLE))
        lines.append("%s.%d" % (path, rank))
        logs.append(log)
    return processes, lines, logs


def read(path):
    """Return the complete lines that a process has written so far."""
    try:
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except (OSError, ValueError):
        return []


def stop(processes, logs):
    """Kill what still runs; print every log, which the worker's own log then holds."""
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    for log in logs:
        log.close()
        with open(log.name, errors="replace") as file:
            print("--- %s\n%s" % (os.path.basename(log.name), file.read()[-4000:]))


def run(session, size, batch):
    """Return the lines of each process of a training."""
    with tempfile.TemporaryDirectory() as folder:
        processes, paths, logs = start(session, folder, size, batch)
        try:
            end = time.monotonic() + TIMEOUT
            while any(process.poll() is None for process in processes):
                failed = [p.returncode for p in processes if p.poll() not in (None, 0)]
                if failed:
                    raise RuntimeError("a process ended with code %d" % failed[0])
                if time.monotonic() > end:
                    raise RuntimeError("%d processes hang for %.0f s" % (size, TIMEOUT))
                time.sleep(0.05)
            lines = [read(path) for path in paths]
        finally:
            stop(processes, logs)
    done = [[line for line in one if "step" in line] for one in lines]
    if any(len(one) != STEPS for one in done):
        raise RuntimeError("steps: %s, expected %d each" % ([len(one) for one in done], STEPS))
    return done


def _death(session):
    """Kill the second of two processes in the middle; return the seconds until the first knows.

    It knows when its step raises an error, or else when it ends.

    Raises:
        probe.Wrong: the first goes on as if nothing had happened, or hangs.

    """
    with tempfile.TemporaryDirectory() as folder:
        processes, paths, logs = start(session, folder, 2, BATCHES[0], steps=1000000)
        try:
            end = time.monotonic() + TIMEOUT
            while not all(len(read(path)) >= 5 for path in paths):
                if any(process.poll() is not None for process in processes):
                    raise RuntimeError("a process ended before one could be killed")
                if time.monotonic() > end:
                    raise RuntimeError("no five steps in %.0f s" % TIMEOUT)
                time.sleep(0.05)
            processes[1].send_signal(signal.SIGKILL)
            processes[1].wait()
            killed, steps = time.monotonic(), len(read(paths[0]))
            noticed = None
            while time.monotonic() - killed < PATIENCE:
                lines = read(paths[0])
                if noticed is None and "error" in lines[-1]:
                    noticed = time.monotonic() - killed
                if processes[0].poll() is not None:
                    ended = time.monotonic() - killed
                    code = processes[0].returncode
                    session.fact(death="ends with code %d after %.1f s" % (code, ended))
                    return noticed or ended
                if noticed is not None and time.monotonic() - killed > noticed + GRACE:
                    break
                if noticed is None and len(lines) - steps > STEPS:
                    break  # as many as a whole training: nobody tells it any more
                time.sleep(0.05)
            more = len(read(paths[0])) - steps
        finally:
            stop(processes, logs)
    if noticed is not None:
        session.fact(death="raises an error, and its process does not end in %.0f s" % GRACE)
        return noticed
    if more > 3:  # a step or two may have been on their way
        session.fact(death="goes on alone")
        raise probe.Wrong("the other process goes on alone: %d more steps" % more)
    session.fact(death="hangs")
    raise probe.Wrong("the other process hangs: no end and no step in %.0f s" % PATIENCE)
