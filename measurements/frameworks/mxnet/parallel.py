"""LeNet on several processes with MXNet's distributed key-value store.

A scheduler and a server run beside the workers; each of them is a Python that imports MXNet with
another DMLC_ROLE. The server sums the gradients of all workers and updates the weights.

https://mxnet.apache.org/versions/1.9.1/api/faq/distributed_training.html
"""

import gc
import os
import subprocess
import sys

from . import adapter

HOW = "Gluon Trainer over kvstore dist_sync, with a scheduler and a server"


class Trainer:
    """One worker, and on the first of them the processes that serve all."""

    def __init__(self, rank, size, port, settings, parameters, share):
        self.helpers = []
        if size > 1:
            group = {
                "DMLC_PS_ROOT_URI": "127.0.0.1",
                "DMLC_PS_ROOT_PORT": str(port),
                "DMLC_NODE_HOST": "127.0.0.1",
                "DMLC_NUM_WORKER": str(size),
                "DMLC_NUM_SERVER": "1",
            }
            if rank == 0:
                self.helpers = [helper(role, group) for role in ("scheduler", "server")]
            # Before MXNet is imported: the variables decide what a process becomes.
            os.environ.update(group, DMLC_ROLE="worker")
        framework = adapter.Adapter(settings)
        mx = framework.mxnet
        model = adapter.GluonLeNet(framework, parameters, hybrid=True)
        self.record, self.synchronise = mx.autograd.record, mx.nd.waitall
        self.model, self.net, self.loss_function = model, model.net, model.loss_function
        self.trainer = mx.gluon.Trainer(
            self.net.collect_params(),
            "sgd",
            {"learning_rate": settings.learning_rate, "wd": 0.0},
            kvstore="dist_sync" if size > 1 else "device",
        )
        self.batch = share * size

    def step(self, images, labels):
        """Take one step; the gradients of all workers are summed, then divided by the batch."""
        images, labels = self.model.stage(images, labels)
        with self.record():
            loss = self.loss_function(self.net(images), labels)
        loss.backward()
        self.trainer.step(self.batch)
        self.synchronise()
        return float(loss.mean().asscalar())

    def close(self):
        """Leave the group: the store tells scheduler and server to end when it is deleted."""
        # The parameters of the network know their trainer, and the trainer its store.
        del self.trainer, self.net, self.model
        gc.collect()
        for process in self.helpers:
            process.wait()


# Linux is asked to kill the helper with its parent: 1 is PR_SET_PDEATHSIG, 9 SIGKILL.
SERVE = "import ctypes; ctypes.CDLL(None).prctl(1, 9); import mxnet"


def helper(role, group):
    """Start a scheduler or a server: importing MXNet returns when the training ends."""
    environment = dict(os.environ, DMLC_ROLE=role, **group)
    return subprocess.Popen([sys.executable, "-c", SERVE], env=environment)
