"""Data-parallel training: Theano has none of its own."""

from measurements.contract import Unsupported

Trainer = Unsupported(
    "Theano has no data-parallel training of its own: its documentation sends to Platoon, a "
    "project beside it that drives GPUs; the MPI operations of theano.tensor.io send and receive",
    "https://docs.huihoo.com/theano/0.8/tutorial/using_multi_gpu.html",
)
