"""A training step as one CUDA graph, as PyTorch's documentation captures a whole network.

https://docs.pytorch.org/docs/2.13/notes/cuda.html#whole-network-capture
"""

import torch


class WholeStep:
    """Forward, backward and update as one launch."""

    def __init__(self, net, optimizer, step, images, labels):
        """Capture a step, a function of images and labels that returns a loss, for one shape."""
        self.images, self.labels = images.clone(), labels.clone()
        weights = [value.detach().clone() for value in net.parameters()]
        # A few steps apart first: compilers and libraries prepare what no graph can hold.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step(self.images, self.labels)
        torch.cuda.current_stream().wait_stream(stream)
        # Else the gradients of those steps would be added to, outside of the graph's memory.
        optimizer.zero_grad()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step(self.images, self.labels)
        with torch.no_grad():  # nothing of this was training
            for value, before in zip(net.parameters(), weights):
                value.copy_(before)

    def __call__(self, images, labels):
        """Take the step with other images and labels; return its loss."""
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.loss.clone()  # the next step writes over it
