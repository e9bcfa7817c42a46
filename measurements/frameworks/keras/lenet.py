"""LeNet as Keras' own examples write it: a Sequential model, compile, and train_on_batch or fit.

https://keras.io/examples/vision/mnist_convnet/
"""

import keras
from keras import layers


def network(deep=()):
    """Return the model: images (batch, 28, 28, 1) -> class scores (batch, 10).

    ``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet has none.
    """
    model = keras.Sequential(
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


def compiled(model, learning_rate, jit_compile, run_eagerly):
    """Give the model plain SGD and the mean cross-entropy of a batch."""
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
        run_eagerly=run_eagerly,
    )


class RunningMeans(keras.callbacks.Callback):
    """Keeps what fit logs after every batch: the mean of the losses so far."""

    # Keras may call it from another thread while the next batch is under way, as it does with its
    # own History: then fit never waits for a loss.
    async_safe = True

    def __init__(self):
        super().__init__()
        self.means = {}

    def on_train_batch_end(self, batch, logs=None):
        self.means[batch] = logs["loss"]


def fit(model, images, labels, batch):
    """Train for one epoch in the given order; return the running mean of the losses by batch."""
    record = RunningMeans()
    model.fit(
        images, labels, batch_size=batch, shuffle=False, verbose=0, callbacks=[record], epochs=1
    )
    return [record.means[place] for place in sorted(record.means)]
