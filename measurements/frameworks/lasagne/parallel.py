"""Data-parallel training: neither Lasagne nor Theano has any of its own."""

from measurements.contract import Unsupported

Trainer = Unsupported(
    "Lasagne leaves this to Theano, whose documentation sends to Platoon, a project beside it "
    "that drives GPUs",
    "https://docs.huihoo.com/theano/0.8/tutorial/using_multi_gpu.html",
)
