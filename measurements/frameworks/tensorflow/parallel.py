"""Data-parallel LeNet: TensorFlow's MultiWorkerMirroredStrategy with an own training loop.

https://www.tensorflow.org/tutorials/distribute/multi_worker_with_ctl
"""

import json
import os

import numpy as np
import tensorflow as tf

from . import lenet
from .adapter import to_native

HOW = "MultiWorkerMirroredStrategy over gRPC"


class Trainer:
    """One worker; alone it is a cluster of one, with the same code."""

    def __init__(self, rank, size, port, settings, parameters, share):
        # The strategy reads from this variable who takes part; worker 0 is the chief.
        workers = ["127.0.0.1:%d" % (port + worker) for worker in range(size)]
        task = {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        # Before any other operation: it starts the server of this worker.
        self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        with self.strategy.scope():
            self.model = lenet.network()
            for variable, value in zip(self.model.trainable_variables, to_native(parameters)):
                variable.assign(value)
            self.optimizer = tf.keras.optimizers.SGD(settings.learning_rate)
            self.optimizer.build(self.model.trainable_variables)
        self.size, self.batch = size, size * share

    def replica_step(self, images, labels):
        """Take one step on the images of this worker; the optimiser adds up all gradients."""
        with tf.GradientTape() as tape:
            scores = self.model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            # Divided by the images of all workers, so that the sum of gradients is their mean.
            loss = tf.nn.compute_average_loss(losses, global_batch_size=self.batch)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables))
        return loss * self.size

    @tf.function
    def distributed_step(self, images, labels):
        """Run the step on this worker's one replica."""
        return self.strategy.run(self.replica_step, args=(images, labels))

    def step(self, images, labels):
        """Return the mean loss of this worker's images before the update."""
        images = tf.constant(np.moveaxis(images, 1, -1))
        return float(self.distributed_step(images, tf.constant(labels)))

    def close(self):
        """Leave; the runtime ends the server with the process."""
