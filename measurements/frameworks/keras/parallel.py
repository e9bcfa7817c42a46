"""LeNet over several processes with Keras' own distribution API, which runs on JAX.

https://keras.io/guides/distribution/
https://keras.io/api/distribution/

On TensorFlow its guide names tf.distribute.MultiWorkerMirroredStrategy, with which Keras 3 cannot
take a step: it averages the loss over the first axis of a scalar, and TensorFlow refuses.
https://github.com/tensorflow/tensorflow/issues/72388
"""

import os

HOW = "keras.distribution.DataParallel on the JAX back end"
CAPTURED = "the jax.jit program that compile() makes of a step"


class Trainer:
    """One process of the training; alone it is a mesh of one device, with the same code."""

    def __init__(self, rank, size, port, settings, parameters, share):
        # Keras and JAX read these when they are imported.
        os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", NPROC="1")
        import keras

        # Before anything is computed, and before the model is built.
        if size > 1:
            keras.distribution.initialize("127.0.0.1:%d" % port, size, rank)
        # Each process already has its own share of every batch.
        distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(distribution)

        from . import lenet
        from .adapter import native_images, to_native

        self.native_images = native_images
        self.model = lenet.network()
        lenet.compiled(self.model, settings.learning_rate, "auto", False)
        self.model.set_weights(to_native(parameters))

    def step(self, images, labels):
        """Train on this process's share; return the loss, which Keras averages over all of them."""
        return float(self.model.train_on_batch(self.native_images(images), labels))

    def close(self):
        """Leave; JAX closes the group when the process ends."""
