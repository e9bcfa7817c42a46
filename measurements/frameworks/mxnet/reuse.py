"""Transfer learning with Gluon, export to ONNX, import from Caffe.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/getting-started/gluon_from_experiment_to_deployment.html
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/deploy/export/onnx.html
"""

import os
import runpy
import subprocess
import sys
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn


class Network:
    """LeNet, its convolutions apart from its dense layers, as in Gluon's model zoo."""

    def __init__(self, classes, seed):
        mx.random.seed(seed)  # draws the initial weights
        np.random.seed(seed)  # shuffles the digits
        self.features, output = nn.HybridSequential(), nn.HybridSequential()
        self.features.add(
            nn.Conv2D(20, kernel_size=5, in_channels=1, activation="tanh"),
            nn.MaxPool2D(),
            nn.Conv2D(50, kernel_size=5, in_channels=20, activation="tanh"),
            nn.MaxPool2D(),
        )
        output.add(nn.Dense(500, in_units=800, activation="tanh"), nn.Dense(classes, in_units=500))
        self.net = nn.HybridSequential()
        self.net.add(self.features, output)
        self.net.initialize(mx.init.Xavier())
        self.net.hybridize()

    def fit(self, images, labels, epochs):
        """Train what is not frozen."""
        dataset = gluon.data.ArrayDataset(images, labels)
        batches = gluon.data.DataLoader(dataset, batch_size=32, shuffle=True)
        loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
        settings = {"learning_rate": 0.05, "momentum": 0.9}
        trainer = gluon.Trainer(self.net.collect_params(), "sgd", settings)
        for _ in range(epochs):
            for batch, wanted in batches:
                with autograd.record():
                    loss = loss_function(self.net(batch), wanted)
                loss.backward()
                trainer.step(len(batch))

    def take_convolutions(self, other):
        """Copy the convolutions of another network."""
        theirs = other.features.collect_params().values()
        for mine, parameter in zip(self.features.collect_params().values(), theirs):
            mine.set_data(parameter.data())

    def freeze(self):
        """Freeze the convolutions: no gradients, so that the trainer passes them over."""
        self.features.collect_params().setattr("grad_req", "null")

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        return [p.data().asnumpy() for p in self.features.collect_params().values()]

    def scores(self, images):
        """Return the class scores."""
        return self.net(mx.nd.array(images)).asnumpy()


def export_onnx(model, images, path):
    """Write the hybridised network as symbol and parameters, and these as ONNX."""
    model.export(path)
    symbol, parameters = path + "-symbol.json", path + "-0000.params"
    mx.onnx.export_model(symbol, parameters, [images.shape], np.float32, path)
    return images


def import_caffe(prototxt, caffemodel, images):
    """Return the scores of a Caffe model, converted by MXNet's tool."""
    converter = os.path.join(os.path.dirname(mx.__file__), "tools", "caffe_converter")
    with tempfile.TemporaryDirectory() as folder:
        # The tool wants Caffe's messages in Python, compiled from the definition beside it.
        protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", converter, "caffe.proto"]
        subprocess.run(protoc + ["--python_out", folder], check=True)
        sys.path[:0] = [converter, folder]
        convert = runpy.run_path(os.path.join(converter, "convert_model.py"))["convert_model"]
    symbol, arguments, states, shape = convert(prototxt, caffemodel)
    module = mx.mod.Module(symbol, label_names=None)
    module.bind([("data", tuple(shape))], for_training=False)
    module.set_params(arguments, states)
    module.forward(mx.io.DataBatch([mx.nd.array(images)]), is_train=False)
    return module.get_outputs()[0].asnumpy()
