"""Control flow in Caffe: there is none, a network is a fixed list of layers."""

from measurements.contract import Unsupported

CAPTURED = "a network of layers, set up once and run by Net.forward"

_NETWORK = "https://caffe.berkeleyvision.org/tutorial/net_layer_blob.html"
_FIXED = Unsupported(
    "a network is a fixed list of layers, which are computed one after another: nothing in it"
    " chooses a branch or repeats itself",
    _NETWORK,
)
_UNROLLED = Unsupported(
    "the recurrent layers are unrolled for one length, and are an LSTM and an RNN whose outputs go"
    " through a further layer: only their last state comes out, and no other cell fits in",
    "https://github.com/BVLC/caffe/blob/master/include/caffe/layers/rnn_layer.hpp",
)

PROGRAMS = {
    "cond": _FIXED,
    "while": _FIXED,
    "scan": _UNROLLED,
    "nested": _UNROLLED,
    "early-exit": _FIXED,
    "ragged": _UNROLLED,
}
