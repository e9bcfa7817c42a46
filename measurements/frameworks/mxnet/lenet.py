"""LeNet as MXNet's own examples write it: as a Symbol for Module, and as a Gluon network.

``deep`` names the 3x3 convolutions between second pooling and flattening; LeNet itself has none.
"""

import mxnet as mx


def symbol(deep=()):
    """Return the network as one symbol: softmax (for training) and class scores (to look at)."""
    layer = mx.sym.Variable("data")
    for name, filters in (("conv1", 20), ("conv2", 50)):
        layer = mx.sym.Convolution(layer, kernel=(5, 5), num_filter=filters, name=name)
        layer = mx.sym.Activation(layer, act_type="tanh")
        layer = mx.sym.Pooling(layer, pool_type="max", kernel=(2, 2), stride=(2, 2))
    for name in deep:
        layer = mx.sym.Convolution(layer, kernel=(3, 3), pad=(1, 1), num_filter=50, name=name)
        layer = mx.sym.Activation(layer, act_type="tanh")
    layer = mx.sym.FullyConnected(mx.sym.Flatten(layer), num_hidden=500, name="dense1")
    layer = mx.sym.Activation(layer, act_type="tanh")
    scores = mx.sym.FullyConnected(layer, num_hidden=10, name="dense2")
    return mx.sym.Group([mx.sym.SoftmaxOutput(scores, name="softmax"), mx.sym.BlockGrad(scores)])


def module(context, batch, parameters, deep, learning_rate):
    """Return a Module bound for training, with plain SGD on the mean loss."""
    result = mx.mod.Module(symbol(deep), context=context)
    result.bind([("data", (batch, 1, 28, 28))], [("softmax_label", (batch,))])
    result.init_params(arg_params=parameters)
    result.init_optimizer(
        optimizer="sgd",
        # SoftmaxOutput's gradient is that of the summed loss: divide it by the batch.
        optimizer_params={"learning_rate": learning_rate, "wd": 0.0, "rescale_grad": 1.0 / batch},
    )
    return result


def network(deep=()):
    """Return the Gluon network; :func:`hybridize` turns it into a graph."""
    nn = mx.gluon.nn  # not at the top: releases before Gluon use the rest of this file
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(20, kernel_size=5, in_channels=1, activation="tanh"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Conv2D(50, kernel_size=5, in_channels=20, activation="tanh"),
        nn.MaxPool2D(pool_size=2, strides=2),
    )
    for _ in deep:
        net.add(nn.Conv2D(50, kernel_size=3, padding=1, in_channels=50, activation="tanh"))
    net.add(nn.Dense(500, in_units=800, activation="tanh"), nn.Dense(10, in_units=500))
    return net


def hybridize(*blocks):
    """Turn Gluon blocks into graphs, with static memory where this release has it (1.3)."""
    flags = {"static_alloc": True, "static_shape": True}
    try:
        mx.nd.CachedOp(mx.sym.identity(mx.sym.Variable("data")), flags.items())
    except (TypeError, mx.base.MXNetError):  # takes no flags (1.0), or not these (1.2)
        flags = {}
    for block in blocks:
        block.hybridize(**flags)


def train(net, loss_function, trainer, images, labels):
    """Run one SGD step and return the mean loss before it; everything is only enqueued."""
    with mx.autograd.record():
        loss = loss_function(net(images), labels)
    loss.backward()
    trainer.step(len(images))  # divides the summed gradient by the batch
    return loss.mean()
