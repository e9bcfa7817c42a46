"""LeNet as PyTorch's quickstart tutorial writes it; PyTorch itself has no fit.

https://docs.pytorch.org/tutorials/beginner/basics/quickstart_tutorial.html
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
INTERFACE = "torch.nn and DataLoader, an own training loop, state_dict, load_state_dict"


def network():
    """Return LeNet, with weights drawn by PyTorch's own rule."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.Tanh(),
        nn.Linear(500, 10),
    )


def train(images, labels):
    """Train for five epochs of batches of 64; return the model."""
    torch.manual_seed(2016)
    dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    batches = DataLoader(dataset, batch_size=64, shuffle=True)
    model = network().to(DEVICE)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(5):
        for inputs, targets in batches:
            loss = loss_function(model(inputs.to(DEVICE)), targets.to(DEVICE))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model


def save(model, path):
    """Write the weights; return the file's name."""
    torch.save(model.state_dict(), path + ".pth")
    return path + ".pth"


def load(path):
    """Return a new model with the weights of a file."""
    model = network().to(DEVICE)
    model.load_state_dict(torch.load(path))
    return model


def predict(model, images):
    """Return the class scores, float32 (images, 10)."""
    with torch.no_grad():
        return model(torch.from_numpy(images).to(DEVICE)).cpu().numpy()
