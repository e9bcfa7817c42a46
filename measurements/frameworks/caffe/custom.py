"""A new operator in Caffe: a Python layer. Another way would be to build Caffe anew with it."""

import caffe
import numpy as np
from caffe import layers as L  # noqa: N812 (the names of Caffe's own examples)

from measurements.contract import Unsupported
from measurements.custom import MARK, MARKED, MARKED_SLOPE, SERIES, SLOPE_SERIES, SWITCH

from . import lenet

CAPTURED = "a network of layers, set up once and run by Net.forward: Caffe has no other mode"
BUILTIN = L.TanH


class Stumpff(caffe.Layer):
    """(x - sin x) / x**3 as a layer: blobs are NumPy arrays, and so is what it computes."""

    def setup(self, bottom, top):
        """Check how the layer is used."""
        if len(bottom) != 1:
            raise ValueError("one bottom is needed")

    def reshape(self, bottom, top):
        """Give the output the shape of the input."""
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        """Sum the series near zero."""
        x = bottom[0].data
        near = np.abs(x) < SWITCH
        far = np.where(near, np.float32(1), x)
        result = np.where(near, np.polyval(SERIES[::-1], x * x), (far - np.sin(far)) / far**3)
        top[0].data[...] = np.where(x == MARK, MARKED, result)

    def backward(self, top, propagate_down, bottom):
        """Multiply by the slope."""
        if not propagate_down[0]:
            return
        x = bottom[0].data
        near = np.abs(x) < SWITCH
        far = np.where(near, np.float32(1), x)
        series = x * np.polyval(SLOPE_SERIES[::-1], x * x)
        slope = (far * (1 - np.cos(far)) - 3 * (far - np.sin(far))) / far**4
        slope = np.where(x == MARK, MARKED_SLOPE, np.where(near, series, slope))
        bottom[0].diff[...] = slope * top[0].diff


def python(folder):  # noqa: ARG001 (nothing is built)
    """Return the layer, which Caffe finds by the names of its module and class."""
    return lambda x: L.Python(x, module=__name__, layer=Stumpff.__name__)


SOURCES = {"python": [Stumpff]}

_NO_SINE = Unsupported(
    "it cannot be composed: Caffe has no layer that computes a sine",
    "https://caffe.berkeleyvision.org/tutorial/layers.html",
)
WAYS = {
    "naive": _NO_SINE,
    "composed": _NO_SINE,
    "python": python,
    "native": Unsupported(
        "a layer in C++ is added to Caffe's sources, and Caffe is built again: it loads none",
        "https://github.com/BVLC/caffe/wiki/Development",
    ),
}


def network(operator, x):
    """Return a network of input, operator and sum, which also derives the gradient of its input."""
    net = caffe.NetSpec()
    net.x = L.Input(shape={"dim": list(x.shape)})
    net.y = operator(net.x)
    net.sum = L.Reduction(net.y, loss_weight=1)
    description = net.to_proto()
    description.force_backward = True  # an Input has no gradient otherwise
    net = lenet.from_file(caffe.Net, description, caffe.TRAIN)
    net.blobs["x"].data[...] = x
    return net


def evaluate(operator, x, captured):  # noqa: ARG001 (there is one mode only)
    """Return the operator's output."""
    net = network(operator, x)
    net.forward()
    return np.array(net.blobs["y"].data)


def gradient(operator, x, captured):  # noqa: ARG001 (there is one mode only)
    """Return the gradient of the sum of the operator's outputs."""
    net = network(operator, x)
    net.forward()
    net.backward()
    return np.array(net.blobs["x"].diff)


def timed(operator, x):
    """Return a function that runs forward and backward once."""
    net = network(operator, x)

    def run():
        net.forward()
        net.backward()
        return net.blobs["x"].diff

    return run
