"""LeNet as the examples of Keras 1 and 2 write it: layers up to a softmax, compile, train_on_batch.

https://github.com/keras-team/keras/blob/1.2.2/examples/mnist_cnn.py
"""

from keras import backend as K  # noqa: N812 (the name that all of Keras' documentation uses)
from keras.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.optimizers import SGD


def convolution(filters, size, padding="valid", **options):
    """Return a layer; Keras 2 gave other names to half of its arguments."""
    if hasattr(K, "image_data_format"):  # Keras 2
        return Conv2D(filters, (size, size), padding=padding, activation="tanh", **options)
    return Conv2D(filters, size, size, border_mode=padding, activation="tanh", **options)


def network(deep=()):
    """Return the model: images (batch, 28, 28, 1) -> probabilities of the classes (batch, 10).

    ``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet has none.
    """
    model = Sequential()
    model.add(convolution(20, 5, input_shape=(28, 28, 1)))
    model.add(MaxPooling2D((2, 2)))
    model.add(convolution(50, 5))
    model.add(MaxPooling2D((2, 2)))
    for _ in deep:
        model.add(convolution(50, 3, "same"))
    model.add(Flatten())
    model.add(Dense(500, activation="tanh"))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    return model


def compiled(model, learning_rate):
    """Give the model plain SGD and the mean cross-entropy of a batch."""
    model.compile(optimizer=SGD(learning_rate), loss="sparse_categorical_crossentropy")


def scorer(model):
    """Return the function [images] -> [class scores], which are what the softmax is given."""
    return K.function([model.input], [model.layers[-2].output])
