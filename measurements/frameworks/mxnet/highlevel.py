"""LeNet with Gluon's Estimator, after its tutorial.

https://mxnet.apache.org/api/python/docs/tutorials/packages/gluon/training/fit_api_tutorial.html
"""

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn
from mxnet.gluon.contrib.estimator import Estimator

CONTEXT = mx.gpu() if mx.context.num_gpus() else mx.cpu()
INTERFACE = "Gluon Estimator: fit, save_parameters, load_parameters"


def network():
    """Return the network, its sizes to be inferred from the first batch."""
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(20, kernel_size=5, activation="tanh"),
        nn.MaxPool2D(),
        nn.Conv2D(50, kernel_size=5, activation="tanh"),
        nn.MaxPool2D(),
        nn.Dense(500, activation="tanh"),
        nn.Dense(10),
    )
    return net


def train(images, labels):
    """Return a network trained for five epochs."""
    mx.random.seed(2016)  # draws the initial weights
    np.random.seed(2016)  # shuffles the digits
    dataset = gluon.data.ArrayDataset(images, labels)
    batches = gluon.data.DataLoader(dataset, batch_size=64, shuffle=True)
    net = network()
    net.initialize(mx.init.Xavier(), ctx=CONTEXT)
    net.hybridize()
    settings = {"learning_rate": 0.05, "momentum": 0.9}
    trainer = gluon.Trainer(net.collect_params(), "sgd", settings)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    estimator = Estimator(net, loss, trainer=trainer, context=CONTEXT)
    estimator.fit(batches, epochs=5)
    return net


def save(model, path):
    """Write the weights; the architecture stays in the code."""
    model.save_parameters(path + ".params")
    return path + ".params"


def load(path):
    """Return a new network with the weights of a file."""
    net = network()
    net.load_parameters(path, ctx=CONTEXT)
    return net


def predict(model, images):
    """Return the class scores, float32 (images, 10)."""
    return model(mx.nd.array(images, ctx=CONTEXT)).asnumpy()
