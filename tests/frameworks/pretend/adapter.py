"""LeNet in NumPy behind the contract, with one mode for every fault that a framework may have."""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from measurements import lenet
from measurements.contract import Framework, Model, Unsupported

from . import numpy_lenet


class Adapter(Framework):
    def __init__(self, settings):
        super().__init__(settings)
        if settings.mode == "segfault":
            ctypes.string_at(0)
        if settings.mode == "flood":
            while True:
                os.write(1, b"x" * 65536)

    def about(self):
        return {"numpy": np.__version__}

    def threads(self):
        return {"OMP_NUM_THREADS": os.environ["OMP_NUM_THREADS"]}

    def lenet(self, parameters, batch):
        mode = self.settings.mode
        if mode == "unsupported":
            raise Unsupported("pretending to have no LeNet", "https://numpy.org")
        if mode == "hostile":
            raise ValueError("<script>alert(1)</script> | `x` {{ 7 * 7 }} [a](javascript:b)")
        if mode == "full" and not (Path(self.settings.cache).parent / "room").exists():
            raise OSError(28, "No space left on device", self.settings.cache)
        if mode in ("asynchronous", "unsynchronised"):
            self.model = ThreadedModel(parameters, self.settings)
        else:
            self.model = NumpyModel(parameters, self.settings)
        return self.model

    def synchronise(self):
        if self.settings.mode == "asynchronous":
            self.model.queue.join()


class NumpyModel(Model):
    def __init__(self, parameters, settings):
        self.weights, self.settings, self.steps = dict(parameters), settings, 0

    def stage(self, images, labels):
        return images, labels

    def step(self, batch):
        self.steps += 1
        mode = self.settings.mode
        if mode == "hang":
            time.sleep(3600)
        if mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "nonsense":
            with open(sys.argv[2], "a") as out:
                out.write('{"row": {"section": "lenet", "metric": "spee')
            os._exit(0)
        if mode == "too-fast" and self.steps > lenet.GATE_STEPS:
            time.sleep(1e-4)  # of no time at all, a busy machine makes samples that are too short
            return 0.0
        before = self.weights
        loss, self.weights = numpy_lenet.step(before, *batch, self.settings.learning_rate)
        if mode == "zero-gradient" and self.settings.threads == 1:
            self.weights["conv1_weight"] = before["conv1_weight"]
        return loss

    def loss(self, handle):
        return handle

    def logits(self, images):
        return numpy_lenet.logits(self.weights, images)

    def parameters(self):
        return dict(self.weights)

    def load(self, parameters):
        self.weights = dict(parameters)


class ThreadedModel(NumpyModel):
    """Enqueues steps; whoever reads weights or a loss waits for the queue."""

    def __init__(self, parameters, settings):
        super().__init__(parameters, settings)
        self.queue = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while True:
            batch, losses = self.queue.get()
            losses.append(NumpyModel.step(self, batch))
            self.queue.task_done()

    def step(self, batch):
        losses = []
        self.queue.put((batch, losses))
        return losses

    def loss(self, handle):
        self.queue.join()
        return handle[0]

    def logits(self, images):
        self.queue.join()
        return super().logits(images)

    def parameters(self):
        self.queue.join()
        return super().parameters()

    def load(self, parameters):
        self.queue.join()
        super().load(parameters)
