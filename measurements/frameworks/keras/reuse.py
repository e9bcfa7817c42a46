"""Transfer learning with Keras, and export to ONNX.

https://keras.io/guides/transfer_learning/
https://keras.io/api/models/model_saving_apis/export/
"""

import keras
from keras import layers

from measurements.contract import Unsupported

from .highlevel import channels_last


class Network:
    """LeNet as a base of convolutions and a head of dense layers."""

    def __init__(self, classes, seed):
        keras.utils.set_random_seed(seed)
        self.base = keras.Sequential(
            [
                layers.Input((28, 28, 1)),
                layers.Conv2D(20, 5, activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(50, 5, activation="relu"),
                layers.MaxPooling2D(),
            ]
        )
        head = [layers.Flatten(), layers.Dense(500, activation="relu"), layers.Dense(classes)]
        self.model = keras.Sequential([self.base, *head])
        self.compile()

    def compile(self):
        """Set optimiser and loss; Keras asks for it anew whenever what is trainable changes."""
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer="adam", loss=loss)

    def fit(self, images, labels, epochs):
        """Train what is not frozen."""
        self.model.fit(channels_last(images), labels, batch_size=32, epochs=epochs, verbose=0)

    def take_convolutions(self, other):
        """Copy the convolutions of another network."""
        self.base.set_weights(other.base.get_weights())

    def freeze(self):
        """Freeze the convolutions."""
        self.base.trainable = False
        self.compile()

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        return self.base.get_weights()

    def scores(self, images):
        """Return class scores, images x classes."""
        return self.model.predict(channels_last(images), verbose=0)


def export_onnx(model, images, path):
    """Write the model as ONNX; return the images as it takes them."""
    model.export(path, format="onnx", verbose=False)
    return channels_last(images)


import_caffe = Unsupported(
    "Keras has no importer for the files of Caffe", "https://keras.io/api/models/model_saving_apis/"
)
