"""LeNet as Caffe's own notebook writes it: layers in a NetSpec, trained by an SGDSolver.

https://github.com/BVLC/caffe/blob/master/examples/01-learning-lenet.ipynb
"""

import os
import tempfile

import caffe
from caffe import layers, params
from caffe.proto import caffe_pb2

IN_PLACE = True  # tanh overwrites what it is given


def network(batch, deep, training):
    """Return the description of the network for one batch size, with its loss or without.

    ``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet has none.
    """
    net = caffe.NetSpec()
    net.data = layers.Input(input_param={"shape": {"dim": [batch, 1, 28, 28]}})
    layer = net.data
    for index, filters in ((1, 20), (2, 50)):
        layer = convolution(net, layer, "conv%d" % index, filters, kernel_size=5)
        layer = layers.Pooling(layer, kernel_size=2, stride=2, pool=params.Pooling.MAX)
        net["pool%d" % index] = layer
    for name in deep:
        layer = convolution(net, layer, name, 50, kernel_size=3, pad=1)
    net.dense1 = layers.InnerProduct(layer, num_output=500)
    net.dense1_tanh = layers.TanH(net.dense1, in_place=IN_PLACE)
    net.dense2 = layers.InnerProduct(net.dense1_tanh, num_output=10)
    if training:
        net.label = layers.Input(input_param={"shape": {"dim": [batch]}})
        net.loss = layers.SoftmaxWithLoss(net.dense2, net.label)
    return net.to_proto()


def convolution(net, layer, name, filters, **shape):
    """Add a convolution and its tanh."""
    net[name] = layers.Convolution(layer, num_output=filters, **shape)
    net[name + "_tanh"] = layers.TanH(net[name], in_place=IN_PLACE)
    return net[name + "_tanh"]


def solver(batch, deep, learning_rate):
    """Return a solver that trains the network with plain SGD."""
    settings = caffe_pb2.SolverParameter(
        net_param=network(batch, deep, training=True),
        base_lr=learning_rate,
        lr_policy="fixed",
        momentum=0.0,
        weight_decay=0.0,
    )
    return from_file(caffe.SGDSolver, settings)


def scorer(batch, deep, trained):
    """Return a network without a loss that shares its weights with another one."""
    net = from_file(caffe.Net, network(batch, deep, training=False), caffe.TEST)
    net.share_with(trained)
    return net


def from_file(make, description, *arguments):
    """Caffe reads descriptions from files only: write one, and make the object from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "description.prototxt")
        with open(path, "w") as file:
            file.write(str(description))
        return make(path, *arguments)
