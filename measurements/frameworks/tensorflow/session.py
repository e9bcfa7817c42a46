"""LeNet as TensorFlow's "Deep MNIST for Experts" wrote it before version 2: a graph, and a Session.

https://github.com/tensorflow/tensorflow/blob/v1.0.1/tensorflow/docs_src/get_started/mnist/pros.md
"""

from collections import OrderedDict

import tensorflow as tf

from measurements import lenet as reference


def placeholders():
    """Return what a Session is fed with: images (batch, 28, 28, 1) and labels (batch,)."""
    return tf.placeholder(tf.float32, [None, 28, 28, 1]), tf.placeholder(tf.int64, [None])


def variables(values):
    """Return the weights as an ordered dict of variables, from one of arrays (native layout)."""
    return OrderedDict((name, tf.Variable(value, name=name)) for name, value in values.items())


def scores(images, p):
    """Return the class scores (batch, 10).

    The 3x3 convolutions between second pooling and flattening are those that ``p`` has weights of;
    LeNet itself has none.
    """
    layer = max_pool(tf.tanh(convolution(images, p, "conv1")))
    layer = max_pool(tf.tanh(convolution(layer, p, "conv2")))
    for name in reference.layers(p):
        if name.startswith("deep"):
            layer = tf.tanh(convolution(layer, p, name, padding="SAME"))
    layer = tf.reshape(layer, [-1, 4 * 4 * 50])
    layer = tf.tanh(tf.matmul(layer, p["dense1_weight"]) + p["dense1_bias"])
    return tf.matmul(layer, p["dense2_weight"]) + p["dense2_bias"]


def convolution(images, p, name, padding="VALID"):
    """Convolve images (batch, height, width, channels) and add the bias."""
    layer = tf.nn.conv2d(images, p[name + "_weight"], strides=[1, 1, 1, 1], padding=padding)
    return tf.nn.bias_add(layer, p[name + "_bias"])


def max_pool(images):
    """Max-pool 2x2."""
    return tf.nn.max_pool(images, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")


def training_step(logits, labels, learning_rate):
    """Return (operation that takes one SGD step, mean cross-entropy before it)."""
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    return tf.train.GradientDescentOptimizer(learning_rate).minimize(loss), loss


def configuration(threads):
    """Return the configuration of a Session that computes with this many threads."""
    return tf.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
