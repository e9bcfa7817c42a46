"""The reference of the small transformer: its gradients, and the faults that it tells apart."""

from collections import OrderedDict

import numpy as np
import pytest

from measurements import gate, lenet, transformer

TOLERANCE = gate.TOLERANCES["float32"].logits


@pytest.fixture(scope="module")
def batch():
    data = lenet.load_data()
    return data.train_images[:8], data.train_labels[:8]


@pytest.fixture(scope="module")
def weights():
    return transformer.initial_parameters()


def test_every_gradient_is_that_of_finite_differences(batch, weights):
    _, found = transformer.gradients(weights, *batch)
    assert list(found) == list(transformer.shapes())
    random = np.random.RandomState(1)
    for name, value in weights.items():
        direction = random.randn(*value.shape)
        sides = []
        for step in (1e-5, -1e-5):
            moved = OrderedDict(weights)
            moved[name] = np.asarray(value, np.float64) + step * direction
            sides.append(lenet.loss(transformer.logits(moved, batch[0]), batch[1]))
        slope = (sides[0] - sides[1]) / 2e-5
        assert (found[name] * direction).sum() == pytest.approx(slope, rel=1e-6, abs=1e-9), name


def test_training_lowers_the_loss(batch, weights):
    losses = []
    for _ in range(5):
        loss, found = transformer.gradients(weights, *batch)
        losses.append(loss)
        weights = lenet.descend(weights, found, 0.01)
    assert losses == sorted(losses, reverse=True)


def test_scores_do_not_depend_on_who_else_is_in_the_batch(batch, weights):
    alone = transformer.logits(weights, batch[0][:1])
    assert gate.relative_error(transformer.logits(weights, batch[0])[:1], alone) < 1e-12


@pytest.mark.parametrize("name", transformer.shapes())
def test_whoever_leaves_a_parameter_out_is_caught_at_the_first_scores(batch, weights, name):
    without = OrderedDict(weights)
    without[name] = np.ones_like(weights[name]) * name.endswith("scale")
    expected = transformer.logits(weights, batch[0])
    error = gate.relative_error(transformer.logits(without, batch[0]), expected)
    assert error > 10 * TOLERANCE


@pytest.mark.parametrize("fault", ["transposed attention", "no scale", "exact GELU", "heads"])
def test_planted_faults_are_caught_at_the_first_scores(batch, weights, fault, monkeypatch):
    expected = transformer.logits(weights, batch[0])
    if fault == "transposed attention":
        right = transformer._softmax
        monkeypatch.setattr(transformer, "_softmax", lambda x: right(x.swapaxes(-1, -2)))
    elif fault == "no scale":
        right = transformer._softmax
        monkeypatch.setattr(transformer, "_softmax", lambda x: right(4 * x))  # sqrt(16)
    elif fault == "exact GELU":
        special = pytest.importorskip("scipy.special")
        monkeypatch.setattr(
            transformer, "_gelu", lambda x: x * (1 + special.erf(x / np.sqrt(2))) / 2
        )
    else:
        monkeypatch.setattr(transformer, "HEADS", 8)
    found = transformer.logits(weights, batch[0])
    assert gate.relative_error(found, expected) > TOLERANCE


def test_its_size_and_work_are_those_of_its_shapes():
    count = sum(int(np.prod(shape)) for shape in transformer.shapes().values())
    layer = 2 * 2 * 64 + 64 * 192 + 192 + 64 * 64 + 64 + 64 * 256 + 256 + 256 * 64 + 64
    assert count == 28 * 64 + 64 + 28 * 64 + 2 * layer + 2 * 64 + 64 * 10 + 10
    products = 28 * (28 * 64 + 2 * (64 * 192 + 64 * 64 + 2 * 64 * 256 + 2 * 28 * 64)) + 64 * 10
    backward = 2 * products - 28 * 28 * 64
    assert transformer.operations(1) == 2 * (products + backward)
