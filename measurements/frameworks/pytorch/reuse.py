"""Re-use with PyTorch: transfer learning as its tutorial writes it, and ONNX.

https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from measurements.contract import Unsupported

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Network:
    """LeNet: convolutions that can be taken over and frozen, and a classifier."""

    def __init__(self, classes, seed):
        torch.manual_seed(seed)
        self.features = nn.Sequential(
            nn.Conv2d(1, 20, 5), nn.Tanh(), nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5), nn.Tanh(), nn.MaxPool2d(2),
        )  # fmt: skip
        classifier = [nn.Flatten(), nn.Linear(800, 500), nn.Tanh(), nn.Linear(500, classes)]
        self.model = nn.Sequential(self.features, *classifier).to(DEVICE)

    def fit(self, images, labels, epochs):
        """Train what is not frozen."""
        dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        batches = DataLoader(dataset, batch_size=32, shuffle=True)
        trained = [value for value in self.model.parameters() if value.requires_grad]
        optimizer = torch.optim.Adam(trained)
        for _ in range(epochs):
            for inputs, targets in batches:
                optimizer.zero_grad()
                scores = self.model(inputs.to(DEVICE))
                nn.functional.cross_entropy(scores, targets.to(DEVICE)).backward()
                optimizer.step()

    def take_convolutions(self, other):
        """Copy the convolutions of another network."""
        self.features.load_state_dict(other.features.state_dict())

    def freeze(self):
        """Keep the convolutions as they are."""
        self.features.requires_grad_(False)

    def convolutions(self):
        """Return weights and biases of the convolutions."""
        return [value.detach().cpu().numpy().copy() for value in self.features.parameters()]

    def scores(self, images):
        """Return the class scores."""
        with torch.no_grad():
            return self.model(torch.from_numpy(images).to(DEVICE)).cpu().numpy()


def export_onnx(model, images, path):
    """Write the model with PyTorch's exporter; return what to feed it with."""
    inputs = torch.from_numpy(images).to(DEVICE)
    torch.onnx.export(model, (inputs,), path, external_data=False)
    return images


import_caffe = Unsupported(
    "PyTorch reads its own files only; none of its functions reads a Caffe model",
    "https://docs.pytorch.org/docs/2.13/notes/serialization.html",
)
