"""Code re-usability with Caffe: transfer learning, ONNX, and the model that others import.

``python -m measurements.frameworks.caffe.reuse --write FOLDER``, run by the interpreter of Caffe's
environment from the root of the repository, trains LeNet and writes the ``caffe-lenet.*`` files
that the frameworks with an importer for Caffe's models are asked to read.
"""

import os
import subprocess
import sys

import caffe
import numpy as np
from caffe import layers, params
from caffe.proto import caffe_pb2

from . import highlevel

BATCH = 32
CONVOLUTIONS = ("conv1", "conv2")


class Network:
    """LeNet; layers are frozen by a learning rate of zero in the description of the training."""

    def __init__(self, classes, seed):
        caffe.set_random_seed(seed)
        self.classes, self.rate = classes, 1
        data = layers.Input(input_param={"shape": {"dim": [BATCH, 1, 28, 28]}})
        self.net = highlevel.from_file(caffe.Net, self.describe(data), caffe.TEST)

    def describe(self, data, labels=None):
        """Return the network as a message, with its loss where there are labels."""
        net = caffe.NetSpec()
        xavier = {"weight_filler": {"type": "xavier"}}
        rates = {"param": [{"lr_mult": self.rate}, {"lr_mult": self.rate}]}
        net.data = data
        net.conv1 = layers.Convolution(net.data, num_output=20, kernel_size=5, **rates, **xavier)
        net.tanh1 = layers.TanH(net.conv1, in_place=True)
        net.pool1 = layers.Pooling(net.tanh1, kernel_size=2, stride=2, pool=params.Pooling.MAX)
        net.conv2 = layers.Convolution(net.pool1, num_output=50, kernel_size=5, **rates, **xavier)
        net.tanh2 = layers.TanH(net.conv2, in_place=True)
        net.pool2 = layers.Pooling(net.tanh2, kernel_size=2, stride=2, pool=params.Pooling.MAX)
        net.dense1 = layers.InnerProduct(net.pool2, num_output=500, **xavier)
        net.tanh3 = layers.TanH(net.dense1, in_place=True)
        net.scores = layers.InnerProduct(net.tanh3, num_output=self.classes, **xavier)
        if labels:
            net.loss = layers.SoftmaxWithLoss(net.scores, labels)
        return net.to_proto()

    def fit(self, images, labels, epochs):
        """Train on whole batches by a new solver, which shares the weights."""
        count = len(images) // BATCH * BATCH
        size = {"batch_size": BATCH, "channels": 1, "height": 28, "width": 28}
        settings = caffe_pb2.SolverParameter(
            net_param=self.describe(*layers.MemoryData(memory_data_param=size, ntop=2)),
            base_lr=0.05,
            lr_policy="fixed",
            momentum=0.9,
            weight_decay=0.0005,
        )
        solver = highlevel.from_file(caffe.SGDSolver, settings)
        net = solver.net  # this name keeps the arrays alive, which Caffe reads where they are
        net.share_with(self.net)
        images, labels = images[:count], labels[:count].astype(np.float32)
        net.set_input_arrays(np.ascontiguousarray(images), labels)
        solver.step(epochs * count // BATCH)

    def take_convolutions(self, other):
        """Copy the weights of the convolutions from another network."""
        for name in CONVOLUTIONS:
            for mine, theirs in zip(self.net.params[name], other.net.params[name]):
                mine.data[...] = theirs.data

    def freeze(self):
        """Give the convolutions a learning rate of zero times the solver's."""
        self.rate = 0

    def convolutions(self):
        """Return copies of the weights and biases of the convolutions."""
        return [np.array(blob.data) for name in CONVOLUTIONS for blob in self.net.params[name]]

    def scores(self, images):
        """Return the class scores of images."""
        return self.net.forward_all(data=images)["scores"]


def export_onnx(model, images, path):
    """Convert description and weights by caffe2onnx, which is not Caffe's own."""
    base = os.path.splitext(path)[0]
    describe(base + ".prototxt")
    files = ["--caffemodel", highlevel.save(model, base), "--onnx", path]
    # In a process of its own: it brings Caffe's messages along, and two are too many for protobuf.
    command = [sys.executable, "-m", "caffe2onnx.convert", "--prototxt", base + ".prototxt"]
    subprocess.check_call(command + files)
    return images[: highlevel.BATCH]  # the batch size of the description is that of the graph


def import_caffe(prototxt, caffemodel, images):
    """Read a network in Caffe's own format, and return its scores."""
    return caffe.Net(prototxt, caffe.TEST, weights=caffemodel).forward_all(data=images)["scores"]


def describe(path):
    """Write the description of the network for new digits, which Caffe itself keeps in code."""
    shape = {"dim": [highlevel.BATCH, 1, 28, 28]}
    message = highlevel.network(layers.Input(input_param={"shape": shape}))
    message.name = "LeNet"
    with open(path, "w") as file:
        file.write(str(message))


def write(folder):
    """Train LeNet on the digits; write network, weights, and scores of 64 held-out digits."""
    from measurements import lenet

    data = lenet.load_data()
    model = highlevel.train(data.train_images, data.train_labels)
    base = os.path.join(folder, "caffe-lenet")
    describe(base + ".prototxt")
    highlevel.save(model, base)
    np.save(base + "-scores.npy", highlevel.predict(model, data.test_images[:64]))
    scores = highlevel.predict(model, data.test_images)
    accuracy = (scores.argmax(1) == data.test_labels).mean()
    with open(base + ".toml", "w") as file:
        file.write(DESCRIPTION.format(version=caffe.__version__, accuracy=accuracy))


DESCRIPTION = """\
# A LeNet trained and written by Caffe, for the frameworks that can import Caffe's models.

made_by = "python -m measurements.frameworks.caffe.reuse --write measurements/data"
framework = "Caffe {version} (kendryte-caffe)"
training = "highlevel.py: five epochs of the 4,000 digits of mnist-5k.npz, seed 2016"
accuracy = {accuracy:.3f} # of the 1,000 held-out digits

[files]
"caffe-lenet.prototxt" = "the network without loss; input data, 64 x 1 x 28 x 28; output scores"
"caffe-lenet.caffemodel" = "its weights"
"caffe-lenet-scores.npy" = "Caffe's own scores of the first 64 held-out digits, float32 64 x 10"
"""


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--write":
        sys.exit(__doc__)
    write(sys.argv[2])
