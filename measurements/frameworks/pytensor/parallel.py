"""Data-parallel training with PyTensor: there is none."""

from measurements.contract import Unsupported

Trainer = Unsupported(
    "PyTensor has nothing that lets processes exchange gradients: a function runs in one process",
    "https://pytensor.readthedocs.io/en/latest/library/index.html",
)
