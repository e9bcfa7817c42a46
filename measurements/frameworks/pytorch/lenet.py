"""LeNet as PyTorch's own tutorials write it: an nn.Module and a training step.

https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the name that all of PyTorch's documentation uses)
from torch import nn


class LeNet(nn.Module):
    """Images (batch, 1, 28, 28) -> class scores (batch, 10).

    ``deep`` counts the 3x3 convolutions between second pooling and flattening; LeNet itself has
    none.
    """

    def __init__(self, deep=0):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 50, kernel_size=5)
        self.deep = nn.ModuleList(nn.Conv2d(50, 50, kernel_size=3, padding=1) for _ in range(deep))
        self.dense1 = nn.Linear(800, 500)
        self.dense2 = nn.Linear(500, 10)

    def forward(self, images):
        layer = F.max_pool2d(torch.tanh(self.conv1(images)), 2)
        layer = F.max_pool2d(torch.tanh(self.conv2(layer)), 2)
        for convolution in self.deep:
            layer = torch.tanh(convolution(layer))
        layer = torch.tanh(self.dense1(layer.flatten(1)))
        return self.dense2(layer)


def mean_loss(net, images, labels):
    """Return the mean cross-entropy of a batch, a scalar tensor."""
    return F.cross_entropy(net(images), labels)


def train(net, optimizer, loss, update, images, labels):
    """Run one SGD step; return the mean loss before it.

    Args:
        net: the module.
        optimizer: torch.optim.SGD over its parameters.
        loss: :func:`mean_loss`, as it is or compiled.
        update: the optimizer's ``step``, as it is or compiled.
        images: float32 (batch, 1, 28, 28).
        labels: int64 (batch,).

    """
    optimizer.zero_grad()
    value = loss(net, images, labels)
    value.backward()
    update()
    return value.detach()
