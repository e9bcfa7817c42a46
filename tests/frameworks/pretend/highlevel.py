"""A nearest-mean classifier that calls itself a network: quick to train, real to save and load."""

import numpy as np

INTERFACE = "pretend: train, save, load, predict"


def train(images, labels):
    """Return the mean image of each digit."""
    return np.stack([images[labels == digit].mean(0).ravel() for digit in range(10)])


def save(model, path):
    """Write the means."""
    np.save(path + ".npy", model)
    return path + ".npy"


def load(path):
    """Return the means of a file."""
    return np.load(path)


def predict(model, images):
    """Return minus the distance to each mean."""
    flat = images.reshape(len(images), -1)
    return -((flat[:, None] - model[None]) ** 2).sum(-1)
