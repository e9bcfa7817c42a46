"""Torch7 behind the contract of measurements.contract: what computes is Lua, in lenet.lua."""

import ctypes
import os
from collections import OrderedDict

import numpy as np

from measurements import lua
from measurements.contract import Framework, Model, Unsupported

FOLDER = os.path.dirname(os.path.abspath(__file__))
LUA = lua.Script(os.path.join(FOLDER, "adapter.lua"))


class Adapter(Framework):
    """Torch7 on the CPU, in the Lua process that hosts this one: ``loop`` and ``fused``."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.device != "cpu":
            raise Unsupported(
                "its packages for CUDA do not build with CUDA 10 or newer",
                "https://github.com/torch/cutorch/issues/834",
            )
        if settings.precision != "float32":
            raise Unsupported("Torch7 computes in float32 or float64 on the CPU")
        LUA.start(settings.threads)  # loads torch and nn

    def about(self):
        blas = _blas()
        return {
            "lua": LUA.interpreter(),
            "blas": _text(blas, "openblas_get_config") if blas else "unknown",
            "cuda": "none",
        }

    def threads(self):
        blas = _blas()
        return {
            "torch": int(LUA.threads()),
            "openblas": blas.openblas_get_num_threads() if blas else "unknown",
        }

    def lenet(self, parameters, batch):
        return LeNet(parameters, batch, self.settings)

    def allocator_peak(self):
        raise Unsupported(
            "Torch allocates its tensors with malloc and keeps no account of their peak",
            "https://github.com/torch/torch7/blob/master/lib/TH/THGeneral.c",
        )


class LeNet(Model):
    """A network of nn in Lua, see lenet.lua."""

    def __init__(self, parameters, batch, settings):
        deep = sum(name.startswith("deep") and name.endswith("weight") for name in parameters)
        self.model = LUA.lenet(settings.mode, deep, batch, settings.learning_rate)
        self.shapes = OrderedDict((name, value.shape) for name, value in parameters.items())
        self.load(parameters)

    def stage(self, images, labels):
        return LUA.images(_plain(images, np.float32)), LUA.labels(_plain(labels, np.int64))

    def step(self, batch):
        return LUA.step(self.model, *batch)

    def logits(self, images):
        scores = np.empty((len(images), 10), np.float32)
        LUA.logits(self.model, _plain(images, np.float32), scores)
        return scores

    def parameters(self):
        # Dense weights are output x input in Torch.
        found = [np.empty(s[::-1] if len(s) == 2 else s, np.float32) for s in self.shapes.values()]
        LUA.read(self.model, found)
        return OrderedDict(
            (name, _plain(value.T, np.float32) if value.ndim == 2 else value)
            for name, value in zip(self.shapes, found)
        )

    def load(self, parameters):
        values = (value.T if value.ndim == 2 else value for value in parameters.values())
        LUA.load(self.model, [_plain(value, np.float32) for value in values])


def _plain(array, kind):
    return np.ascontiguousarray(array, kind)


def _blas():
    """Return the OpenBLAS that Torch has loaded, None where it has another BLAS.

    NumPy's own one is called differently, or lies in the folder of its package.
    """
    with open("/proc/self/maps") as maps:
        paths = {line.split(None, 5)[-1].strip() for line in maps}
    for path in sorted(paths):
        if os.path.basename(path).startswith("libopenblas") and "numpy" not in path:
            library = ctypes.CDLL(path)
            if hasattr(library, "openblas_get_num_threads"):
                return library
    return None


def _text(library, function):
    asked = getattr(library, function)
    asked.restype = ctypes.c_char_p
    return asked().decode("utf-8", "replace").strip()
