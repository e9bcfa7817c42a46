"""Data-parallel training with Caffe: on several NVIDIA GPUs of one machine, and nowhere else."""

from measurements.contract import Unsupported

Trainer = Unsupported(
    "Caffe trains in parallel on the GPUs of one machine only, by NCCL, without which it was built",
    "https://github.com/BVLC/caffe/blob/master/docs/multigpu.md",
)
