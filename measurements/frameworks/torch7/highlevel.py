"""Calls highlevel.lua, where all of it is written; arrays become tensors on the way."""

import os

import numpy as np

from measurements import lua

from .adapter import FOLDER, LUA

INTERFACE = "nn.Sequential, nn.StochasticGradient: train, torch.save, torch.load"
SCRIPT = lua.Script(os.path.join(FOLDER, "highlevel.lua"))


def train(images, labels):
    """Return a network trained for five epochs."""
    return SCRIPT.train(LUA.images(images), LUA.labels(labels))


def save(model, path):
    """Write weights and architecture in Torch's own format."""
    return SCRIPT.save(model, path)


def load(path):
    """Return a new network from a file."""
    return SCRIPT.load(path)


def predict(model, images):
    """Return the class scores, float32 (images, 10)."""
    scores = np.empty((len(images), 10), np.float32)
    LUA.write(SCRIPT.predict(model, LUA.images(images)), scores)
    return scores
