"""LeNet with Keras, TensorFlow's high-level interface, after its tutorials.

https://www.tensorflow.org/tutorials/images/cnn
https://www.tensorflow.org/tutorials/keras/save_and_load
"""

import numpy as np
import tensorflow as tf

INTERFACE = "tf.keras: compile, fit, save, load_model"


def train(images, labels):
    """Return a network trained for five epochs."""
    tf.keras.utils.set_random_seed(2016)
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((28, 28, 1)),
            tf.keras.layers.Conv2D(20, 5, activation="relu"),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Conv2D(50, 5, activation="relu"),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(500, activation="relu"),
            tf.keras.layers.Dense(10),
        ]
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    model.fit(channels_last(images), labels, batch_size=64, epochs=5, verbose=0)
    return model


def save(model, path):
    """Write architecture, weights and optimiser into one file; return its path."""
    model.save(path + ".keras")
    return path + ".keras"


def load(path):
    """Return the whole model from the file alone."""
    return tf.keras.models.load_model(path)


def predict(model, images):
    """Return class scores, images x 10."""
    return model.predict(channels_last(images), verbose=0)


def channels_last(images):
    """Return the images in the layout that TensorFlow's layers expect."""
    return np.moveaxis(images, 1, -1)
