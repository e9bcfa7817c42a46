"""What Lasagne 0.1 (2015) misses in Theano 1.0.5 (2020): the module that held max-pooling.

Lasagne imports ``theano.tensor.signal.downsample``, which Theano 0.9 removed; its function lives on
in ``pool`` with other names for three arguments (https://github.com/Lasagne/Lasagne/issues/867).
Nothing else is changed.
"""

import sys
import types

from theano.tensor import signal
from theano.tensor.signal.pool import pool_2d


def max_pool_2d(images, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
    """Pool with the argument names of Theano 0.7."""
    return pool_2d(images, ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode)


def install():
    """Put the module back where Lasagne imports it from; to be called before that."""
    signal.downsample = types.ModuleType("theano.tensor.signal.downsample")
    signal.downsample.max_pool_2d = max_pool_2d
    sys.modules[signal.downsample.__name__] = signal.downsample
