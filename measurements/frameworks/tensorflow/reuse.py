"""Transfer learning and exchange with Keras, TensorFlow's high-level interface, after its guides.

https://www.tensorflow.org/guide/keras/transfer_learning
"""

import tensorflow as tf

from measurements.contract import Unsupported

from .highlevel import channels_last


class Network:
    """LeNet whose convolutions can be taken over and frozen."""

    def __init__(self, classes, seed):
        tf.keras.utils.set_random_seed(seed)
        self.base = tf.keras.Sequential(
            [
                tf.keras.layers.Input((28, 28, 1)),
                tf.keras.layers.Conv2D(20, 5, activation="relu"),
                tf.keras.layers.MaxPooling2D(),
                tf.keras.layers.Conv2D(50, 5, activation="relu"),
                tf.keras.layers.MaxPooling2D(),
            ]
        )
        self.model = tf.keras.Sequential(
            [
                self.base,
                tf.keras.layers.Flatten(),
                tf.keras.layers.Dense(500, activation="relu"),
                tf.keras.layers.Dense(classes),
            ]
        )
        self.compile()

    def compile(self):
        """Settle what is trained, and how."""
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer="adam", loss=loss)

    def fit(self, images, labels, epochs):
        """Train what is not frozen."""
        self.model.fit(channels_last(images), labels, batch_size=64, epochs=epochs, verbose=0)

    def take_convolutions(self, other):
        """Copy the weights of another network's convolutions."""
        self.base.set_weights(other.base.get_weights())

    def freeze(self):
        """Hold the convolutions fixed; it counts from the next compile on."""
        self.base.trainable = False
        self.compile()

    def convolutions(self):
        """Return the weights and biases of the convolutions."""
        return self.base.get_weights()

    def scores(self, images):
        """Return class scores, images x classes."""
        return self.model.predict(channels_last(images), verbose=0)


def export_onnx(model, images, path):
    """Write the model as ONNX, with Keras' exporter on top of tf2onnx; return its input."""
    model.export(path, format="onnx", verbose=False)
    return channels_last(images)


import_caffe = Unsupported(
    "TensorFlow has no importer of Caffe's models; others wrote converters, for TensorFlow 1",
    "https://github.com/ethereon/caffe-tensorflow",
)
