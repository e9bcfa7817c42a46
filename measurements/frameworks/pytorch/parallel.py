"""Data-parallel LeNet as PyTorch's tutorial writes it: DistributedDataParallel, compiled.

https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html
"""

import os

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch.nn.parallel import DistributedDataParallel

from . import lenet
from .adapter import transposed

HOW = "DistributedDataParallel over gloo, compiled"


class Trainer:
    """One process of the group, with its copy of the network."""

    def __init__(self, rank, size, port, settings, parameters, share):
        torch.set_num_threads(1)
        self.size = size
        net = lenet.LeNet()
        with torch.no_grad():
            for value, weight in zip(net.parameters(), transposed(parameters).values()):
                value.copy_(torch.from_numpy(weight))
        if size > 1:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all are on this machine
            address = "tcp://127.0.0.1:%d" % port
            dist.init_process_group("gloo", init_method=address, rank=rank, world_size=size)
            net = DistributedDataParallel(net)
        self.optimizer = torch.optim.SGD(net.parameters(), lr=settings.learning_rate)
        # Without the option one thread computes wrong gradients, see compile_fault.py.
        self.net = torch.compile(net, options={"reorder_for_peak_memory": False})

    def step(self, images, labels):
        """Run one SGD step; gradients are averaged during the backward pass."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.net(torch.from_numpy(images)), torch.from_numpy(labels))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def close(self):
        """Leave the group."""
        if self.size > 1:
            dist.destroy_process_group()
