"""LeNet with Keras, after its example "Simple MNIST convnet" and its guide to saving.

https://keras.io/examples/vision/mnist_convnet/
https://keras.io/guides/serialization_and_saving/
"""

import keras
import numpy as np
from keras import layers

INTERFACE = "Keras: compile, fit, save, load_model"


def train(images, labels):
    """Return a network trained for five epochs."""
    keras.utils.set_random_seed(2016)
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(20, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(50, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(channels_last(images), labels, batch_size=64, epochs=5, verbose=0)
    return model


def save(model, path):
    """Write architecture, weights and optimiser into one file; return its path."""
    model.save(path + ".keras")
    return path + ".keras"


def load(path):
    """Return the whole model from the file alone."""
    return keras.models.load_model(path)


def predict(model, images):
    """Return class probabilities, images x 10."""
    return model.predict(channels_last(images), verbose=0)


def channels_last(images):
    """Return the images in the layout that Keras' layers expect."""
    return np.moveaxis(images, 1, -1)
