"""LeNet over several processes: one program, whose batch is spread over their devices.

Every process runs the same code on global arrays: each holds its share of the images, and all of
the weights. XLA sees how the arrays are laid out and adds the sum of the gradients by itself.

https://docs.jax.dev/en/latest/multi_process.html
https://docs.jax.dev/en/latest/notebooks/Distributed_arrays_and_automatic_parallelization.html
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from . import lenet

HOW = "jax.distributed, the batch sharded over one mesh of all processes, collectives by Gloo"


class Trainer:
    """One of ``size`` processes that train one LeNet."""

    def __init__(self, rank, size, port, settings, parameters, share):
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")
        if size > 1:
            # If another process dies, the next step fails at once; but at exit a process waits for
            # all others, and gives up only when heartbeats have been missing for too long.
            jax.distributed.initialize("127.0.0.1:%d" % port, size, rank)
        mesh = jax.make_mesh((size,), ("batch",), axis_types=(AxisType.Auto,))
        self.sharded = NamedSharding(mesh, PartitionSpec("batch"))
        replicated = NamedSharding(mesh, PartitionSpec())
        self.weights = jax.device_put(dict(parameters), replicated)
        self.train = jax.jit(
            training_step(settings.learning_rate),
            donate_argnums=0,
            out_shardings=(replicated, self.sharded),
        )

    def step(self, images, labels):
        """Return the mean loss of this process's images before the update."""
        local = images, labels.astype(np.int32)
        batch = jax.make_array_from_process_local_data(self.sharded, local)
        self.weights, losses = jax.block_until_ready(self.train(self.weights, *batch))
        return float(losses.addressable_data(0).mean())

    def close(self):
        """Leave the group."""
        if jax.distributed.is_initialized():
            jax.distributed.shutdown()


def training_step(learning_rate):
    """Return the function weights, images, labels -> weights after one SGD step, all losses."""

    def loss_function(weights, images, labels):
        log_probabilities = jax.nn.log_softmax(lenet.scores(weights, images))
        losses = -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0]
        return losses.mean(), losses

    def step(weights, images, labels):
        gradients, losses = jax.grad(loss_function, has_aux=True)(weights, images, labels)
        return jax.tree.map(lambda w, g: w - learning_rate * g, weights, gradients), losses

    return step
