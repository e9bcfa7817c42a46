"""Verification after timing: what the timed steps left behind is that of training.

Whoever passes the gate and then skips work, by mistake or not, is found here. Each function
returns one sentence about the first thing that is wrong, or "".
"""

import numpy as np

from measurements import gate, lenet

SCORES_MARGIN = 10
"""Trained weights are larger and their scores lie further apart than those of the gate."""


def trained(initial, weights):
    """Judge weights after timed steps by those that they began with: finite, and all have moved."""
    for name, before in initial.items():
        after = np.asarray(weights[name])
        if after.shape != before.shape or not np.isfinite(after).all():
            return "after timing, %s is not finite" % name
        if (after == before).all():
            return "after timing, %s is as it was before" % name
    return ""


def learnt(expected, weights, batches):
    """Judge the loss on batches that were trained on for as many steps as the gate has, or more.

    It must be below the reference's in the middle of the gate: that is where the reference is long
    before, and what does not learn never gets.
    """
    images, labels = (np.concatenate(part) for part in zip(*batches))
    loss, half = lenet.loss(lenet.logits(weights, images), labels), len(expected.losses) // 2
    if loss <= expected.losses[half]:
        return ""
    return "after timing, the training loss is %.3g; after %d steps the reference's is %.3g" % (
        loss,
        half,
        expected.losses[half],
    )


def scores(error, precision):
    """Judge the relative error of an evaluation's scores, the reference having the same weights."""
    tolerance = SCORES_MARGIN * gate.TOLERANCES[precision].logits
    if error <= tolerance:
        return ""
    return "scores of the evaluation: error %.2g, tolerance %.2g" % (error, tolerance)


def again(checks):
    """Judge the checks of a gate that was repeated with what had been timed."""
    reason = gate.first_difference(checks)
    return reason and "after timing, " + reason


def continued(session, before, after, loss):
    """Judge a step of the first batch that was taken after the timed ones.

    Late in training, loss and gradients are small differences of larger numbers: errors count
    relative to the size that they had at first.

    Args:
        session: its first batch is that of the step.
        before: the weights that the timed steps had led to.
        after: the weights after the step.
        loss: that the step returned.

    """
    wrong = trained(session.initial_parameters, before)
    if wrong:
        return wrong
    settings, first = session.settings, session.reference
    (batch,), base = session.batches(1), gate.TOLERANCES[settings.precision]
    expected, gradients = lenet.gradients(before, *batch)
    other_ties = lenet.gradients(before, *batch, slack=gate.NEAR_TIE)[1]
    found = gate.recover_gradients(before, after, settings.learning_rate)
    checks = [("loss", abs(loss - expected), base.loss * first.losses[0])]
    for name, gradient in gradients.items():
        rounding = np.finfo(np.float32).eps * np.abs(before[name]).max() / settings.learning_rate
        tolerance = base.gradient * np.abs(first.gradients[name]).max() + rounding
        tolerance += np.abs(other_ties[name] - gradient).max()
        checks.append(("gradient of " + name, np.abs(found[name] - gradient).max(), tolerance))
    return again([gate.Check(*check, ok=bool(check[1] <= check[2])) for check in checks])
