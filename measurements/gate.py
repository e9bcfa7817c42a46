"""The gate: what the float64 reference computes, and how near a framework has to come.

Standard library and NumPy only, Python 3.6 syntax, like ``measurements/lenet.py``.
"""

import json
import os
from collections import OrderedDict, namedtuple

import numpy as np

from measurements import lenet
from measurements.lenet import BATCH, DEPTH, GATE_STEPS, LEARNING_RATE, SEED

_KNOWN = os.path.join(lenet.FOLDER, "lenet-reference.json")
_KNOWN_SHA256 = "251756d9763869fa1fea13da9a45513420f567b99db23d0ae28dfdb2a2c8cf93"
_ADVICE = "restore it from the repository, or rebuild it with measurements/data/make_reference.py"

Tolerance = namedtuple("Tolerance", "logits gradient loss")
Tolerance.__doc__ = "Largest relative errors (1) that :func:`compare` accepts."

# float32: correct frameworks were seen to differ from the reference by at most 1e-6 in logits and
# losses, 3e-6 in gradients (tanh, 10 steps), so this leaves room for another order of summation and
# for nothing else. What rounding does to the weights and at near-ties is a term of its own, see
# compare(). tf32 keeps 10 bits of the factors' mantissa (rounding 5e-4), bfloat16 keeps 7 (4e-3).
# With the factors of every product of the reference rounded so, all 10 steps of the gate differ by
# at most 7e-4, 2.4e-2 and 1.5e-3 (tf32), 4.7e-3, 4.0e-2 and 2.4e-3 (bfloat16) in logits, gradients
# and losses, and by 5.6e-3, 7.2e-2 and 1.1e-3 where sums and tanh are bfloat16 as well: gradients
# more than rounding alone makes them, since maxima of pooling are near-ties oftener. Tolerances are
# at least twice that; tests/unit/test_lenet.py rounds so for a step. PyTorch 2.13.0 in bfloat16, on
# a CPU, differs by 6.6e-3, 6.2e-2 and 2.5e-3. No GPU has been asked yet.
TOLERANCES = {
    "float32": Tolerance(logits=1e-5, gradient=2e-5, loss=1e-5),
    "tf32": Tolerance(logits=5e-3, gradient=5e-2, loss=5e-3),
    "bfloat16": Tolerance(logits=4e-2, gradient=1.5e-1, loss=1e-2),
}

# Relative change of the weights before every step that stands for a framework's rounding: eight
# float32 roundings, because activations and sums are rounded too, not weights alone.
_PERTURBATION = 1e-6
_PERTURBED_RUNS = 3
# Two candidates of a max-pool window this close, relatively, may come in another order in
# float32: four of its roundings. Weights that are changed move both candidates alike and seldom
# turn such a window over, so one more run turns all of them over at once.
NEAR_TIE = 4 * 2.0**-23

Reference = namedtuple("Reference", "logits gradients losses scales spread")
Reference.__doc__ = """What a correct framework computes from the initial weights and first batches.

logits     float64 (batch, 10) of the first batch, before any step
gradients  ordered dict name -> float64 gradient of the first step
losses     float64 (steps,): mean cross-entropy before each update
scales     ordered dict name -> largest absolute initial weight
spread     ordered dict quantity -> relative change when rounding is imitated: the largest of three
           runs whose weights are changed by a relative 1e-6 (normal) before every step, and of one
           in which every near-tie of a max-pool window goes to the other candidate. It is about
           1e-6 unless there is such a tie.
"""


def train(data, initial, order, learning_rate=LEARNING_RATE, disturb=None, slack=0.0):
    """Return (scores of the first batch, gradients of the first step, losses) of a training.

    Args:
        data: :class:`measurements.lenet.Data`.
        initial: weights to begin with.
        order: which images make up each step's batch.
        learning_rate: of plain SGD.
        disturb: weights -> weights, before every step.
        slack: see :func:`measurements.lenet.gradients`.

    """
    weights, losses, first = initial, [], None
    for indices in order:
        images, labels = data.train_images[indices], data.train_labels[indices]
        weights = disturb(weights) if disturb else weights
        before, gradient = lenet.gradients(weights, images, labels, slack)
        first = first or (lenet.logits(weights, images), gradient)
        weights = lenet.descend(weights, gradient, learning_rate)
        losses.append(before)
    return first + (losses,)


def reference(
    data, batch=BATCH, learning_rate=LEARNING_RATE, seed=SEED, depth=DEPTH, steps=GATE_STEPS
):
    """Return the :class:`Reference` of the first ``steps`` batches.

    Nothing that another process left behind is used. Of LeNet itself on our own digits only the
    first step is computed: the rest lies beside the digits, and its hash in this file.

    Args:
        data: :class:`measurements.lenet.Data`.
        batch: images per step.
        learning_rate: of plain SGD.
        seed: of the weights and of the order of the batches.
        depth: number of convolutions.
        steps: training steps whose losses are compared.

    """
    settings = [batch, learning_rate, seed, depth, steps]
    known = json.loads(lenet.published(_KNOWN, _KNOWN_SHA256, _ADVICE).decode("ascii"))
    if known["settings"] != [data.sha256] + settings:
        return computed(data, settings)
    initial = lenet.initial_parameters(seed, depth)
    order = lenet.batch_indices(len(data.train_images), batch, 1, seed)
    scores, step_gradients, _ = train(data, initial, order, learning_rate)
    return _reference(initial, scores, step_gradients, known["losses"], known["spread"])


def computed(data, settings):
    """Return the :class:`Reference` of settings, those of :func:`reference`, all computed."""
    batch, learning_rate, seed, depth, steps = settings
    initial = lenet.initial_parameters(seed, depth)
    order = lenet.batch_indices(len(data.train_images), batch, steps, seed)
    runs = [train(data, initial, order, learning_rate, slack=slack) for slack in (0.0, NEAR_TIE)]
    for run_seed in range(_PERTURBED_RUNS):
        random = np.random.RandomState(run_seed)
        runs.append(train(data, initial, order, learning_rate, lambda w, r=random: _disturb(w, r)))
    exact, *others = (_quantities(*run, names=initial, steps=steps) for run in runs)
    spread = OrderedDict(
        (quantity, max(relative_error(other[quantity], value) for other in others))
        for quantity, value in exact.items()
    )
    return _reference(initial, *runs[0], spread=spread)


def _reference(initial, scores, step_gradients, losses, spread):
    scales = OrderedDict((name, float(np.abs(weight).max())) for name, weight in initial.items())
    return Reference(scores, step_gradients, np.array(losses), scales, spread)


def _disturb(parameters, random):
    return OrderedDict(
        (name, weight * (1 + _PERTURBATION * random.randn(*weight.shape)))
        for name, weight in parameters.items()
    )


def _quantities(scores, step_gradients, losses, names, steps):
    """Name everything the gate compares, in its order; what is missing is not a number."""
    losses = list(losses)
    result = OrderedDict([("logits", scores)])
    for name in names:
        result["gradient of " + name] = step_gradients.get(name, np.nan)
    for index in range(steps):
        result["loss of step %d" % (index + 1)] = losses[index] if index < len(losses) else np.nan
    return result


Check = namedtuple("Check", "quantity error tolerance ok")
Check.__doc__ = "One comparison of the gate: relative error (1) against its tolerance (1)."


def recover_gradients(before, after, learning_rate=LEARNING_RATE):
    """Return (before - after) / learning_rate in float64: the gradients that one SGD step used.

    They come out of the very step that is timed, so a fault in it cannot hide behind a separately
    compiled gradient function.
    """
    return OrderedDict(
        (
            name,
            (np.asarray(before[name], np.float64) - np.asarray(after[name], np.float64))
            / learning_rate,
        )
        for name in before
    )


def compare(
    expected, scores, step_gradients, losses, learning_rate=LEARNING_RATE, precision="float32"
):
    """Return a list of :class:`Check`: logits, each parameter's gradient, the loss of each step.

    Errors are relative in the maximum norm: max|found - expected| / max|expected|. The tolerance
    is the precision's own plus what rounding is known to do to this quantity:

        tolerance + spread                                             (Reference.spread)
                  + eps * max|w| / (learning_rate * max|g|)            for gradients

    The last term belongs to :func:`recover_gradients`: eps = 2**-23, half of it for each of the
    two roundings of the float32 expression w - learning_rate * g. Values that are not finite, or
    an array of another shape, give an infinite error.

    Args:
        expected: :class:`Reference`.
        scores: logits of the first batch at the initial weights, (batch, 10).
        step_gradients: dict name -> gradient of the first step, canonical layout.
        losses: mean cross-entropy before each of the first updates, as many as ``expected`` has.
        learning_rate: of the steps.
        precision: key of TOLERANCES.

    """
    base = TOLERANCES[precision]
    eps = float(np.finfo(np.float32).eps)
    shape = expected.gradients, len(expected.losses)
    found = _quantities(scores, step_gradients, losses, *shape)
    wanted = _quantities(expected.logits, expected.gradients, expected.losses, *shape)
    checks = []
    for quantity, value in wanted.items():
        kind = quantity.split()[0]
        tolerance = getattr(base, kind) + expected.spread[quantity]
        if kind == "gradient":
            scale = expected.scales[quantity.split()[-1]]
            tolerance += eps * scale / (learning_rate * float(np.abs(value).max()))
        error = relative_error(found[quantity], value)
        checks.append(Check(quantity, error, tolerance, bool(error <= tolerance)))
    return checks


def first_difference(checks):
    """Return the first of some checks that is not kept as a sentence, or ""."""
    wrong = next((check for check in checks if not check.ok), None)
    return "%s: error %.2g, tolerance %.2g" % wrong[:3] if wrong else ""


def relative_error(found, expected):
    """Return max|found - expected| / max|expected|, infinite for other shapes or non-finite."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    scale = np.abs(expected).max()
    return float(np.abs(found - expected).max() / (scale if scale > 0 else 1.0))
