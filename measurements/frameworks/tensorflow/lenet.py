"""LeNet as TensorFlow's "quickstart for experts" writes it: Keras layers and an own training step.

https://www.tensorflow.org/tutorials/quickstart/advanced
"""

import tensorflow as tf
from tensorflow.keras import layers


def network(deep=()):
    """Return the model: images (batch, 28, 28, 1) -> class scores (batch, 10).

    ``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet has none.
    """
    model = tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(20, 5, activation="tanh"),
            layers.MaxPooling2D(2),
            layers.Conv2D(50, 5, activation="tanh"),
            layers.MaxPooling2D(2),
        ]
    )
    for _ in deep:
        model.add(layers.Conv2D(50, 3, padding="same", activation="tanh"))
    model.add(layers.Flatten())
    model.add(layers.Dense(500, activation="tanh"))
    model.add(layers.Dense(10))
    return model


def training_step(model, learning_rate):
    """Return the function images, labels -> mean cross-entropy that also takes one SGD step."""
    loss_function = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.SGD(learning_rate)
    if hasattr(optimizer, "build"):  # before version 2.11 the first step built it
        optimizer.build(model.trainable_variables)

    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return step


def compiled(function, mode):
    """Return the function as it is (eager), as a graph (function), or compiled by XLA (xla)."""
    if mode == "eager":
        return function
    if mode == "function":
        return tf.function(function)
    try:
        return tf.function(function, jit_compile=True)
    except TypeError:  # its name before version 2.5
        return tf.function(function, experimental_compile=True)
