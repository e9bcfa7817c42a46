"""Caffe behind the contract of measurements.contract."""

import ctypes
from collections import OrderedDict

import numpy as np

from measurements import lenet as reference
from measurements.contract import Framework, Model, Unsupported


class Adapter(Framework):
    """Caffe 1.0 on the CPU: ``solver``, a network described by NetSpec and an SGDSolver."""

    def __init__(self, settings):
        super().__init__(settings)
        if settings.device != "cpu":
            # Never ask Caffe: without CUDA, set_mode_gpu() aborts the process.
            raise Unsupported(
                "this Caffe was built without CUDA",
                "https://caffe.berkeleyvision.org/installation.html",
            )
        if settings.precision != "float32":
            raise Unsupported("Caffe's Python interface computes in float32 only")
        import caffe

        from . import lenet

        self.caffe, self.code = caffe, lenet
        lenet.IN_PLACE = settings.options.get("in_place", lenet.IN_PLACE)
        caffe.set_mode_cpu()

    def about(self):
        import google.protobuf

        return {
            "version": self.caffe.__version__,
            "blas": "OpenBLAS, linked into Caffe" if self._openblas() else "unknown",
            "nccl": str(self.caffe.has_nccl()),
            "protobuf": google.protobuf.__version__,
        }

    def threads(self):
        openblas = self._openblas()
        return {"openblas": openblas.openblas_get_num_threads() if openblas else "unknown"}

    def _openblas(self):
        """Return the library that holds OpenBLAS: Caffe's own, in this build; or None."""
        library = ctypes.CDLL(self.caffe._caffe.__file__)
        return library if hasattr(library, "openblas_get_num_threads") else None

    def lenet(self, parameters, batch):
        return LeNet(self.code, parameters, batch, self.settings.learning_rate)

    def allocator_peak(self):
        raise Unsupported(
            "Caffe allocates its blobs with malloc and keeps no account of them",
            "https://github.com/BVLC/caffe/blob/master/include/caffe/syncedmem.hpp",
        )


class LeNet(Model):
    """A solver for one batch size, and a second network with the same weights for the scores."""

    def __init__(self, code, parameters, batch, learning_rate):
        self.code, self.batch = code, batch
        self.layers = reference.layers(parameters)
        self.deep = [layer for layer in self.layers if layer.startswith("deep")]
        self.solver = code.solver(batch, self.deep, learning_rate)
        self.net = self.solver.net
        self.images, self.labels, self.loss_blob = (
            self.net.blobs[name] for name in ("data", "label", "loss")
        )
        self.scorer = None
        self.load(parameters)

    def stage(self, images, labels):
        return np.ascontiguousarray(images, np.float32), labels.astype(np.float32)

    def step(self, batch):
        # Copied into Input layers. A MemoryData layer would take the arrays as they are, but keeps
        # every array that it was ever given: https://github.com/BVLC/caffe/issues/4220
        self.images.data[...], self.labels.data[...] = batch
        self.solver.step(1)
        return float(self.loss_blob.data)

    def logits(self, images):
        if self.scorer is None:  # another network to set up, and no part of training
            self.scorer = self.code.scorer(self.batch, self.deep, self.net)
        # In pieces of the network's batch size, the last one padded.
        return self.scorer.forward_all(data=images)["dense2"]

    def parameters(self):
        return canonical(self.net, self.layers)

    def load(self, parameters):
        assign(self.net, parameters)


def assign(net, parameters):
    """Write canonical parameters into a network; Caffe keeps dense weights as output x input."""
    for name, value in parameters.items():
        layer, _, kind = name.rpartition("_")
        blob = net.params[layer][("weight", "bias").index(kind)]
        blob.data[...] = value.T if value.ndim == 2 else value


def canonical(net, layers):
    """Return copies of a network's parameters in the canonical order and layout."""
    found = OrderedDict()
    for layer in layers:
        weight, bias = (np.array(blob.data) for blob in net.params[layer])
        found[layer + "_weight"] = np.ascontiguousarray(weight.T) if weight.ndim == 2 else weight
        found[layer + "_bias"] = bias
    return found
