"""LeNet with Caffe's Python interface, after its notebook.

https://github.com/BVLC/caffe/blob/master/examples/01-learning-lenet.ipynb
"""

import os
import tempfile

import caffe
import numpy as np
from caffe import layers, params
from caffe.proto import caffe_pb2

INTERFACE = "NetSpec, SGDSolver: solve, save, copy_from"
BATCH = 64


def network(data, labels=None):
    """Return the network as a message, with its loss where there are labels."""
    net = caffe.NetSpec()
    xavier = {"weight_filler": {"type": "xavier"}}
    net.data = data
    net.conv1 = layers.Convolution(net.data, num_output=20, kernel_size=5, **xavier)
    net.tanh1 = layers.TanH(net.conv1, in_place=True)
    net.pool1 = layers.Pooling(net.tanh1, kernel_size=2, stride=2, pool=params.Pooling.MAX)
    net.conv2 = layers.Convolution(net.pool1, num_output=50, kernel_size=5, **xavier)
    net.tanh2 = layers.TanH(net.conv2, in_place=True)
    net.pool2 = layers.Pooling(net.tanh2, kernel_size=2, stride=2, pool=params.Pooling.MAX)
    net.dense1 = layers.InnerProduct(net.pool2, num_output=500, **xavier)
    net.tanh3 = layers.TanH(net.dense1, in_place=True)
    net.scores = layers.InnerProduct(net.tanh3, num_output=10, **xavier)
    if labels:
        net.loss = layers.SoftmaxWithLoss(net.scores, labels)
    return net.to_proto()


def from_file(make, message, *arguments):
    """Caffe reads descriptions from files only: write one, and make the object from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "lenet.prototxt")
        with open(path, "w") as file:
            file.write(str(message))
        return make(path, *arguments)


def classifier():
    """Return the network for new digits, with weights yet to come."""
    data = layers.Input(input_param={"shape": {"dim": [BATCH, 1, 28, 28]}})
    return from_file(caffe.Net, network(data), caffe.TEST)


def train(images, labels):
    """Return a classifier trained for five epochs, of whole batches as Caffe wants them."""
    count = len(images) // BATCH * BATCH
    size = {"batch_size": BATCH, "channels": 1, "height": 28, "width": 28}
    settings = caffe_pb2.SolverParameter(
        net_param=network(*layers.MemoryData(memory_data_param=size, ntop=2)),
        base_lr=0.05,
        lr_policy="fixed",
        momentum=0.9,
        weight_decay=0.0005,
        max_iter=5 * count // BATCH,
        snapshot_after_train=False,
        random_seed=2016,
    )
    solver = from_file(caffe.SGDSolver, settings)
    net = solver.net  # this name keeps the arrays alive, which Caffe reads where they are
    net.set_input_arrays(images[:count], labels[:count].astype(np.float32))
    solver.solve()
    model = classifier()
    model.share_with(net)
    return model


def save(model, path):
    """Write the weights; the architecture stays in the code."""
    model.save(path + ".caffemodel")
    return path + ".caffemodel"


def load(path):
    """Return a new classifier with the weights of a file."""
    model = classifier()
    model.copy_from(path)
    return model


def predict(model, images):
    """Return the class scores, float32 (images, 10)."""
    return model.forward_all(data=images)["scores"]
