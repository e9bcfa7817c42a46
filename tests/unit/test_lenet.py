"""The reference that every framework is compared with, and the comparison itself."""

import gzip
import hashlib
import runpy
import struct
import tomllib
import types
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from measurements import gate, lenet

FOLDER = Path(lenet.__file__).parent / "data"


@pytest.fixture(scope="module")
def data():
    return lenet.load_data()


@pytest.fixture(scope="module")
def expected(data):
    return gate.reference(data)


@pytest.fixture(scope="module")
def batches(data):
    order = lenet.batch_indices(len(data.train_images), steps=lenet.GATE_STEPS)
    return [(data.train_images[indices], data.train_labels[indices]) for indices in order]


def train_in_float32(batches, gradients=lenet.gradients):
    """Play a framework: float32 weights; returns the arguments of gate.compare."""
    weights = lenet.initial_parameters()
    scores = lenet.logits(weights, batches[0][0])
    losses, first = [], None
    for images, labels in batches:
        loss, gradient = gradients(weights, images, labels)
        losses.append(loss)
        after = OrderedDict(
            (name, (w - np.float32(lenet.LEARNING_RATE) * gradient[name]).astype(np.float32))
            for name, w in weights.items()
        )
        first = first or gate.recover_gradients(weights, after)
        weights = after
    return scores, first, losses


@pytest.fixture(scope="module")
def trained(batches):
    return train_in_float32(batches)


def wrong(checks):
    return [check.quantity for check in checks if not check.ok]


# --- The network ----------------------------------------------------------------------------------


def tiny_network():
    random = np.random.RandomState(1)
    shapes = OrderedDict(
        conv1_weight=(2, 1, 3, 3),
        conv1_bias=(2,),
        conv2_weight=(3, 2, 3, 3),
        conv2_bias=(3,),
        dense1_weight=(3, 4),
        dense1_bias=(4,),
        dense2_weight=(4, 5),
        dense2_bias=(5,),
    )
    weights = OrderedDict((name, random.randn(*shape) / 2) for name, shape in shapes.items())
    return weights, random.rand(6, 1, 10, 10), random.randint(0, 5, 6)


@pytest.mark.parametrize("name", list(lenet.PARAMETERS))
def test_gradients_agree_with_finite_differences(name):
    weights, images, labels = tiny_network()
    _, gradient = lenet.gradients(weights, images, labels)
    step = 1e-6
    for index in np.ndindex(weights[name].shape):
        original = weights[name][index]
        losses = []
        for sign in (1, -1):
            weights[name][index] = original + sign * step
            losses.append(lenet.gradients(weights, images, labels)[0])
        weights[name][index] = original
        numeric = (losses[0] - losses[1]) / (2 * step)
        assert numeric == pytest.approx(gradient[name][index], rel=1e-5, abs=1e-8)


def test_the_forward_pass_agrees_with_loops():
    weights, images, _ = tiny_network()

    def layer(image, weight, bias):
        o, _, k, _ = weight.shape
        size = image.shape[1] - k + 1
        result = np.empty((o, size, size))
        for i, row, column in np.ndindex(result.shape):
            patch = image[:, row : row + k, column : column + k]
            result[i, row, column] = np.tanh((patch * weight[i]).sum() + bias[i])
        return result.reshape(o, size // 2, 2, size // 2, 2).max((2, 4))

    for image, scores in zip(images, lenet.logits(weights, images), strict=True):
        hidden = layer(image, weights["conv1_weight"], weights["conv1_bias"])
        hidden = layer(hidden, weights["conv2_weight"], weights["conv2_bias"])
        hidden = np.tanh(hidden.ravel() @ weights["dense1_weight"] + weights["dense1_bias"])
        assert scores == pytest.approx(hidden @ weights["dense2_weight"] + weights["dense2_bias"])


def test_a_step_moves_against_the_gradient():
    weights, images, labels = tiny_network()
    loss, after = lenet.step(weights, images, labels, 0.01)
    assert lenet.gradients(after, images, labels)[0] < loss


def test_initial_parameters_never_change():
    weights = lenet.initial_parameters()
    assert [(n, w.shape) for n, w in weights.items()] == list(lenet.PARAMETERS.items())
    assert {w.dtype for w in weights.values()} == {np.dtype(np.float32)}
    assert sum(w.size for w in weights.values()) == lenet.PARAMETER_COUNT == 431080
    digest = hashlib.sha256(b"".join(w.tobytes() for w in weights.values())).hexdigest()
    assert digest == "c79079e1896abe7b437e8bee48a191b14d1f6332c11ba22f74600ebbfeb58788"


def test_operations_of_a_step():
    # One image: 24*24*20*25 + 8*8*50*500 + 800*500 + 500*10 multiply-adds forward.
    assert lenet.operations(1) == 2 * (2 * 288_000 + 3 * (1_600_000 + 400_000 + 5_000))
    assert lenet.operations(64) == 64 * lenet.operations(1)
    assert lenet.bytes_moved(64) > 4 * lenet.PARAMETER_COUNT


# --- Digits and batches ---------------------------------------------------------------------------


def test_a_batch_lies_in_memory_as_its_shape_says(data):
    """An odd stride of the single channel made a framework compile other code, right by chance."""
    batch = data.train_images[lenet.batch_indices(len(data.train_images), 64, 1)[0]]
    assert batch.strides == np.empty_like(batch, order="C").strides == (3136, 3136, 112, 4)


def test_the_digits_are_the_described_ones(data):
    described = tomllib.loads((FOLDER / "mnist-5k.toml").read_text())
    content = (FOLDER / "mnist-5k.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == described["sha256"] == data.sha256
    assert data.train_images.shape == (4000, 1, 28, 28)
    assert data.test_images.shape == (1000, 1, 28, 28)
    assert data.train_images.dtype == np.float32
    assert (data.train_images.min(), data.train_images.max()) == (0, 1)
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert np.bincount(data.train_labels).tolist() == [400] * 10
    assert np.bincount(data.test_labels).tolist() == [100] * 10


def test_no_digit_is_both_trained_on_and_held_out(data):
    train = {image.tobytes() for image in data.train_images}
    assert not any(image.tobytes() in train for image in data.test_images)


def test_the_split_covers_every_digit_once():
    split = runpy.run_path(str(FOLDER / "make_mnist_5k.py"))["split"]
    train, test = split(np.repeat(np.arange(10), 500))
    assert sorted([*train, *test]) == list(range(5000))


def test_a_damaged_archive_is_named(tmp_path, monkeypatch):
    (tmp_path / "mnist-5k.npz").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    monkeypatch.setattr(lenet, "FOLDER", str(tmp_path))
    with pytest.raises(lenet.DataError, match=r"mnist-5k\.npz: found SHA-256 .* expected SHA-256"):
        lenet.load_data()


def write_idx(folder, compress):
    """Write four small IDX files; returns their hashes."""
    hashes = OrderedDict()
    random = np.random.RandomState(0)
    for name in lenet._IDX_SHA256:
        shape = (3, 28, 28) if "images" in name else (3,)
        array = random.randint(0, 10, shape).astype(np.uint8)
        header = struct.pack(f">BBBB{len(shape)}i", 0, 0, 8, len(shape), *shape)
        content = header + array.tobytes()
        hashes[name] = hashlib.sha256(content).hexdigest()
        path = folder / (name + (".gz" if compress else ""))
        path.write_bytes(gzip.compress(content) if compress else content)
    return hashes


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_are_read_compressed_or_not(tmp_path, compress):
    found = lenet._load_idx(str(tmp_path), write_idx(tmp_path, compress))
    assert found.name == "mnist"
    assert found.train_images.shape == found.test_images.shape == (3, 1, 28, 28)
    assert found.train_labels.shape == (3,)
    assert found.train_images.max() <= 9 / 255


def test_other_idx_files_are_refused(tmp_path):
    write_idx(tmp_path, compress=True)
    with pytest.raises(lenet.DataError, match="expected SHA-256 ba891046") as caught:
        lenet.load_data(str(tmp_path))
    assert caught.value.file.endswith("train-images-idx3-ubyte.gz")
    assert "unchanged" in str(caught.value)


def test_missing_and_broken_idx_files_are_named(tmp_path):
    with pytest.raises(lenet.DataError, match="no such file"):
        lenet.load_data(str(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no archive")
    with pytest.raises(lenet.DataError, match="unreadable"):
        lenet.load_data(str(tmp_path))


def test_batches_are_whole_permutations():
    order = lenet.batch_indices(200, 64, 7, seed=3)
    assert order.shape == (7, 64)
    assert order.dtype == np.int64
    for epoch in (order[0:3], order[3:6]):
        assert len(np.unique(epoch)) == 192
    assert (order == lenet.batch_indices(200, 64, 7, seed=3)).all()
    assert (order[:3] != lenet.batch_indices(200, 64, 3, seed=4)).any()
    assert len(lenet.batch_indices(200, 64)) == 3
    with pytest.raises(ValueError, match="at least one batch"):
        lenet.batch_indices(10, 64)


# --- The reference --------------------------------------------------------------------------------


def test_what_is_known_of_the_reference_is_what_is_computed(data, expected):
    settings = lenet.BATCH, lenet.LEARNING_RATE, lenet.SEED, lenet.DEPTH, lenet.GATE_STEPS
    found = gate.computed(data, settings)
    assert (found.logits == expected.logits).all()
    assert found.losses == pytest.approx(expected.losses, rel=1e-9)
    assert found.spread == pytest.approx(expected.spread, rel=1e-3)
    assert found.scales == expected.scales
    for name in lenet.PARAMETERS:
        assert (found.gradients[name] == expected.gradients[name]).all()


def test_a_forged_reference_is_refused(data, tmp_path, monkeypatch):
    forged = tmp_path / "lenet-reference.json"
    text = Path(gate._KNOWN).read_text().replace("2.1857", "2.1957")
    forged.write_text(text)
    monkeypatch.setattr(gate, "_KNOWN", str(forged))
    with pytest.raises(lenet.DataError, match="expected SHA-256 2517"):
        gate.reference(data)


def test_other_settings_have_a_reference_of_their_own(data, expected):
    found = gate.reference(data, batch=8, steps=2)
    assert found.logits.shape == (8, 10)
    assert found.losses.shape == (2,)
    assert found.losses[0] != expected.losses[0]
    assert set(found.spread) == {*list(expected.spread)[:-8]}


def test_the_reference_is_insensitive_to_rounding(expected):
    assert max(expected.spread.values()) < 1e-5
    assert expected.losses[0] == pytest.approx(np.log(10), abs=0.2)


# --- The gate -------------------------------------------------------------------------------------


def test_a_correct_framework_passes(expected, trained):
    checks = gate.compare(expected, *trained)
    assert wrong(checks) == []
    assert [check.quantity for check in checks][:2] == ["logits", "gradient of conv1_weight"]
    assert len(checks) == 1 + len(lenet.PARAMETERS) + lenet.GATE_STEPS


def test_a_flipped_kernel_is_caught(expected, trained, batches):
    weights = lenet.initial_parameters()
    weights["conv2_weight"] = weights["conv2_weight"][:, :, ::-1, ::-1]
    scores = lenet.logits(weights, batches[0][0])
    assert wrong(gate.compare(expected, scores, *trained[1:])) == ["logits"]


def test_a_summed_loss_is_caught(expected, trained):
    scores, gradient, losses = trained
    summed = {name: lenet.BATCH * g for name, g in gradient.items()}
    found = gate.compare(expected, scores, summed, [lenet.BATCH * loss for loss in losses])
    assert len(wrong(found)) == len(found) - 1


@pytest.mark.parametrize("name", list(lenet.PARAMETERS))
@pytest.mark.parametrize("fault", ["zero", "1 % off", "another sign", "transposed", "missing"])
def test_one_wrong_gradient_is_caught(expected, trained, name, fault):
    scores, gradient, losses = trained
    faulty = dict(gradient)
    if fault == "zero":
        faulty[name] = np.zeros_like(gradient[name])
    elif fault == "1 % off":
        faulty[name] = 1.01 * gradient[name]
    elif fault == "another sign":
        faulty[name] = -gradient[name]
    elif fault == "transposed":
        faulty[name] = np.ascontiguousarray(gradient[name].T).reshape(gradient[name].shape)
        if gradient[name].ndim == 1:
            faulty[name] = gradient[name][::-1]
    else:
        del faulty[name]
    assert wrong(gate.compare(expected, scores, faulty, losses)) == ["gradient of " + name]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_caught(expected, trained, value):
    scores, gradient, losses = trained
    bad_scores = scores.copy()
    bad_scores[3, 4] = value
    bad_gradient = dict(gradient, conv1_bias=np.full(20, value))
    bad_losses = [*losses[:-1], value]
    found = gate.compare(expected, bad_scores, bad_gradient, bad_losses)
    assert wrong(found) == ["logits", "gradient of conv1_bias", "loss of step 10"]
    assert all(check.error == np.inf for check in found if not check.ok)


def test_missing_steps_are_caught(expected, trained):
    scores, gradient, losses = trained
    found = gate.compare(expected, scores, gradient, losses[:8])
    assert wrong(found) == ["loss of step 9", "loss of step 10"]


def average_pool(images, slack=0.0):
    n, c, h, w = images.shape
    return images.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5)), None


def test_average_pooling_is_caught(expected, trained, batches, monkeypatch):
    monkeypatch.setattr(lenet, "_maxima", average_pool)
    scores = lenet.logits(lenet.initial_parameters(), batches[0][0])
    assert wrong(gate.compare(expected, scores, *trained[1:])) == ["logits"]


def test_gradients_to_every_tied_maximum_are_caught(expected, batches, monkeypatch):
    """What some frameworks do on the CPU: the black border of a digit is one large tie."""
    pool = lenet._pool

    def all_winners(images, slack=0.0):
        maxima, _ = pool(images)
        n, c, h, w = images.shape
        blocks = images.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return maxima, blocks.reshape(n, c, h // 2, w // 2, 4) == maxima[..., np.newaxis]

    def backward(winner, upstream):
        n, c, h, w = upstream.shape
        blocks = (upstream[..., np.newaxis] * winner).reshape(n, c, h, w, 2, 2)
        return blocks.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)

    monkeypatch.setattr(lenet, "_pool", all_winners)
    monkeypatch.setattr(lenet, "_pool_backward", backward)
    found = gate.compare(expected, *train_in_float32(batches[:2]))
    assert {"gradient of conv1_bias", "gradient of conv2_bias", "loss of step 2"} <= {*wrong(found)}
    assert found[0].ok


def test_a_near_tie_widens_the_tolerance_of_what_it_changes_and_of_nothing_else(batches):
    """In float32 either candidate may win; whoever is right must not be called wrong."""
    images = np.zeros((1, 1, 2, 2))
    images[0, 0] = [[0.5, 0.5 * (1 - 1e-7)], [0.1, 0.2]]
    assert lenet._pool(images)[1].ravel().tolist() == [0]
    assert lenet._pool(images, gate.NEAR_TIE)[1].ravel().tolist() == [1]
    apart = images.copy()
    apart[0, 0, 0, 1] = 0.4
    assert lenet._pool(apart, gate.NEAR_TIE)[1].ravel().tolist() == [0]
    # The border of a digit is one exact tie: whoever wins, the gradients are the same.
    weights = lenet.initial_parameters()
    plain = lenet.gradients(weights, batches[0][0][:8], batches[0][1][:8])[1]
    turned = lenet.gradients(weights, batches[0][0][:8], batches[0][1][:8], gate.NEAR_TIE)[1]
    for name in plain:
        assert gate.relative_error(turned[name], plain[name]) < 1e-6, name


def test_the_reference_of_a_deeper_network_is_its_own(batches):
    weights = lenet.initial_parameters(depth=3)
    assert list(weights) == list(lenet.shapes(3))
    assert lenet.layers(weights) == ["conv1", "conv2", "deep1", "dense1", "dense2"]
    images, labels = batches[0][0][:4], batches[0][1][:4]
    loss, gradient = lenet.gradients(weights, images, labels)
    assert list(gradient) == list(weights)
    step = 1e-5
    for place in ((0, 0, 0, 0), (7, 3, 2, 1), (49, 49, 1, 1)):
        moved = {name: value.astype(np.float64) for name, value in weights.items()}
        moved["deep1_weight"][place] += step
        slope = (lenet.gradients(moved, images, labels)[0] - loss) / step
        assert slope == pytest.approx(gradient["deep1_weight"][place], rel=1e-3, abs=1e-8)


def test_coarser_precisions_have_wider_tolerances():
    for quantity in gate.Tolerance._fields:
        values = [getattr(gate.TOLERANCES[p], quantity) for p in ("float32", "tf32", "bfloat16")]
        assert values == sorted(values)


class Coarse(np.ndarray):
    """Numbers whose products are computed from factors that keep some bits of their mantissa."""

    bits = None

    def dot(self, other):
        return (coarse(self, self.bits) @ coarse(other, self.bits)).view(type(self))


def coarse(values, bits):
    """Round to so many bits after the first one."""
    fraction, exponent = np.frexp(np.asarray(values, np.float64))
    return np.ldexp(np.round(fraction * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)


@pytest.mark.parametrize(("precision", "bits"), [("tf32", 10), ("bfloat16", 7)])
def test_a_right_step_in_a_coarser_precision_is_within_its_tolerances_only(
    monkeypatch, batches, precision, bits
):
    kind = type("Kept", (Coarse,), {"bits": bits})
    known = types.SimpleNamespace(**vars(np))
    known.tensordot = lambda a, b, axes: np.tensordot(coarse(a, bits), coarse(b, bits), axes).view(
        kind
    )
    weights = lenet.initial_parameters()
    images, labels = batches[0]
    expected, exact = lenet.gradients(weights, images, labels)
    scores = lenet.logits(weights, images[:16])
    monkeypatch.setattr(lenet, "np", known)
    loss, found = lenet.gradients(weights, images, labels)
    error = {
        "logits": gate.relative_error(lenet.logits(weights, images[:16]), scores),
        "gradient": max(gate.relative_error(found[name], exact[name]) for name in exact),
        "loss": abs(loss - expected) / expected,
    }
    tolerances = gate.TOLERANCES[precision]._asdict()
    assert {name for name in error if error[name] > tolerances[name] / 2} == set()
    assert error["gradient"] > gate.TOLERANCES["float32"].gradient, "or nothing was coarse"
    zero = max(gate.relative_error(0 * exact[name], exact[name]) for name in exact)
    assert zero > 3 * tolerances["gradient"], "a gradient that is missing is seen"


def test_accuracy_counts_the_largest_score():
    assert lenet.accuracy(np.array([[0, 1], [2, 1], [0, 3]]), np.array([1, 1, 1])) == 2 / 3
