"""Show what torch.compile does wrong on one thread in PyTorch 2.13.0; runs by itself.

The gradient of max-pooling is scattered into a buffer of zeros, which the convolution before it
reads. While the compiler tries to fuse the reader with its neighbours, it loses the note that the
reader must wait for the scatter. A later pass, which reorders kernels to save memory, moves the
reader in front: it reads zeros. Without that pass the order happens to stay right. There is no
warning and no error, and the loss still falls, because the dense layers learn.

The loss of that note is https://github.com/pytorch/pytorch/issues/185509; the repair that closed
the issue, applied to this release, gives the right gradients.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


def loss(net, images, labels):
    """Return the mean cross-entropy of a batch."""
    return F.cross_entropy(net(images), labels)


def largest_gradient(function):
    """Return the largest absolute gradient of the first convolution's weights."""
    torch.manual_seed(2016)
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.Tanh(), nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5), nn.Tanh(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.Tanh(), nn.Linear(500, 10),
    )  # fmt: skip
    function(net, torch.rand(64, 1, 28, 28), torch.randint(10, (64,))).backward()
    return net[0].weight.grad.abs().max().item()


def main():
    """Print the same gradient, eager and compiled, on one thread and on two."""
    print("PyTorch", torch.__version__)
    repair = {"reorder_for_peak_memory": False}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        torch.compiler.reset()
        print(
            "threads %d: eager %.6f, compiled %.6f, compiled without reordering %.6f"
            % (
                threads,
                largest_gradient(loss),
                largest_gradient(torch.compile(loss)),
                largest_gradient(torch.compile(loss, options=repair)),
            )
        )


if __name__ == "__main__":
    main()
