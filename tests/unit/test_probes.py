"""The five probing sections: every kind of fault, planted into the pretend folder, is caught."""

import functools
import importlib
import itertools
import sys
import types
from contextlib import contextmanager

import numpy as np
import pytest

from measurements import contract, control, custom, lenet, operators, probe
from measurements.sections import control as control_section
from measurements.sections import custom as custom_section
from measurements.sections import operators as operators_section
from measurements.sections import parallel as parallel_section
from measurements.sections import reuse as reuse_section
from tests.conftest import PRETEND


class Recorder:
    """Takes the place of a worker's session: keeps the rows."""

    def __init__(self, cache=""):
        self.rows = {}
        self.facts = {}
        self.job = {"folder": str(PRETEND / "pretend"), "case": ""}
        self.settings = contract.Settings("honest", "cpu", 1, "float32", 64, 0.2, str(cache))

    def emit(self, metric, value, sample=None, case="", status="ok", reason=""):
        self.rows[case, metric] = (status, value, reason)

    def unsupported(self, metric, error, case=""):
        self.emit(metric, None, case=case, status="unsupported", reason=error.reason)

    def fact(self, **facts):
        self.facts.update(facts)

    def status(self, case, metric):
        return self.rows[case, metric][0]

    def reason(self, case, metric):
        return self.rows[case, metric][2]


@contextmanager
def script(name):
    """Import a script of the pretend folder anew, so that a test may change it."""
    package = types.ModuleType("planted")
    package.__path__ = [str(PRETEND / "pretend")]
    before = sys.modules.get("planted")
    sys.modules["planted"] = package
    try:
        sys.modules.pop(f"planted.{name}", None)
        yield importlib.import_module(f"planted.{name}")
    finally:
        sys.modules.pop(f"planted.{name}", None)
        sys.modules.pop("planted", None)
        if before is not None:
            sys.modules["planted"] = before


# ---------------------------------------------------------------------------------------- probe


def test_a_difference_is_relative_to_the_largest_value():
    assert probe.difference(np.array([1e6 + 1.0]), np.array([1e6]), 1e-5) == pytest.approx(1e-6)
    with pytest.raises(probe.Wrong, match=r"differs by 1e-06, tolerance 1e-07"):
        probe.difference(np.array([1e6 + 1.0]), np.array([1e6]), 1e-7)


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape"),
        (np.float64([np.nan]), np.float64([1]), "nan"),
        (np.float64([1]), np.float64([np.nan]), "expected nan"),
        (np.float64([np.inf]), np.float64([-np.inf]), "inf"),
        ([np.zeros(2)], [np.zeros(2), np.zeros(2)], "1 outputs, expected 2"),
    ],
)
def test_what_no_tolerance_forgives(found, expected, said):
    with pytest.raises(probe.Wrong, match=said):
        probe.difference(found, expected, 1e9)


def test_what_is_not_finite_may_stand_where_it_should():
    odd = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert probe.difference(odd, odd, 0.0) == 0.0
    assert probe.difference(np.zeros((0, 3)), np.zeros((0, 3)), 0.0) == 0.0


def test_float32_is_held_to_float32_and_float64_to_more():
    off = 1 + 5e-6
    assert probe.difference(np.float32([off]), np.float32([1])) > 0
    with pytest.raises(probe.Wrong):
        probe.difference(np.float64([off]), np.float64([1]))


def test_the_slope_is_that_of_the_weighted_sum():
    x, y = np.array([[0.5, 2.0]]), np.array([[3.0, -1.0]])
    slopes = probe.slope(lambda a, b: a * b, [x, y], [np.array([[1.0, 10.0]])])
    np.testing.assert_allclose(slopes, [y * [1, 10], x * [1, 10]], rtol=1e-8)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (probe.Wrong("other values"), "wrong"),
        (probe.Skipped("no meaning"), "skipped"),
        (contract.Unsupported("no such thing", "https://numpy.org"), "unsupported"),
        (ZeroDivisionError("by zero"), "failed"),
    ],
)
def test_every_answer_is_a_row_with_a_reason(error, status, capsys):
    session = Recorder()
    probe.say(session, "metric", "case", error)
    assert session.status("case", "metric") == status
    assert session.reason("case", "metric")
    assert ("Traceback" in capsys.readouterr().err) == (status == "failed")


def test_lines_of_code_are_neither_comments_nor_documentation():
    text = '"""Docs\n\nmore."""\n# a comment\nx = 1\n\n\n'
    text += 'def f():\n    """Docs."""\n    return """a\nb"""\n'
    assert probe.lines_of_code(text) == 4  # x, def, and a text of two lines that is returned


def test_native_lines_are_neither_brackets_nor_comments():
    text = "// no\n/* no\n no */\n#include <x>\nint f() {\n  return 1;\n}\n"
    assert custom_section.native_lines(text) == 3


# ------------------------------------------------------------------------------------ operators


def asked(name, change=lambda module: None):
    """Return the rows of one operator of the pretend folder, after a change of its script."""
    session = Recorder()
    with script("operators") as module:
        change(module)
        operators_section.ask(session, module, operators.OPERATORS[name])
    return session


@pytest.mark.parametrize("name", ["add", "tanh", "sum", "reshape", "softmax", "mse_loss", "relu"])
def test_a_right_operator_is_right_in_everything(name):
    session = asked(name)
    assert {row[0] for row in session.rows.values()} <= {"ok", "skipped"}
    assert session.status(name, "forward") == session.status(name, "captured") == "ok"
    assert session.status(name, "gradient") == "ok"


def test_no_gradient_is_asked_for_where_there_is_none():
    assert asked("argmax").status("argmax", "gradient") == "skipped"


def test_a_wrong_operator_is_caught():
    session = asked("add", lambda m: m.OPERATORS.update(add="np.subtract"))
    assert session.status("add", "forward") == "wrong"
    assert session.status("add", "captured") == "wrong"


def test_a_wrong_gradient_is_caught():
    def plant(module):
        honest = module.gradient
        module.gradient = lambda *given: [1.001 * g for g in honest(*given)]

    session = asked("tanh", plant)
    assert session.status("tanh", "forward") == "ok"
    assert session.status("tanh", "gradient") == "wrong"


def test_a_gradient_for_one_of_two_inputs_is_caught():
    def plant(module):
        honest = module.gradient
        module.gradient = lambda *given: honest(*given)[:1]

    assert asked("add", plant).status("add", "gradient") == "wrong"


def test_another_result_when_captured_is_caught():
    def plant(module):
        honest = module.run
        module.run = lambda f, a, captured: honest(f, a, captured) + (1e-3 if captured else 0)

    session = asked("tanh", plant)
    assert session.status("tanh", "forward") == "ok"
    assert session.status("tanh", "captured") == "wrong"


def test_nan_that_is_swallowed_is_caught_at_the_edges():
    session = asked("relu", lambda m: m.OPERATORS.update(relu="lambda x: np.fmax(x, 0)"))
    assert session.status("relu", "forward") == "ok"
    assert session.status("relu", "edges") == "wrong"


def test_float64_that_is_computed_in_less_is_held_to_less_and_seen():
    half = "lambda x: np.tanh(x.astype('f2').astype('f4'))"
    assert asked("tanh", lambda m: m.OPERATORS.update(tanh=half)).status("tanh", "forward") == (
        "wrong"
    )


def test_random_numbers_that_repeat_or_are_of_another_kind_are_caught():
    def same(module):
        values = np.random.RandomState(1).standard_normal(10000)
        module.run = lambda *given: values

    assert asked("random_normal").status("random_normal", "forward") == "ok"
    assert "same numbers" in asked("random_normal", same).reason("random_normal", "forward")
    wide = asked(
        "random_normal",
        lambda m: m.OPERATORS.update(
            random_normal="lambda: (lambda x: 2 * (x - x.mean()))(np.random.standard_normal(10000))"
        ),
    )
    assert "standard deviation" in wide.reason("random_normal", "forward")


@pytest.mark.parametrize(
    ("name", "said"),
    [("erf", "it is in SciPy"), ("acos", "pretend has no such function"),
     ("maximum", "this version has no such function")],
)  # fmt: skip
def test_what_is_not_offered_is_declared(name, said):
    session = asked(name)
    assert session.status(name, "forward") == "unsupported"
    assert said in session.reason(name, "forward")
    assert len(session.rows) == 1


def test_an_error_is_an_answer():
    session = asked("add", lambda m: m.OPERATORS.update(add="lambda x, y: x @ y.T @ x[0]"))
    assert session.status("add", "forward") in ("failed", "wrong")
    assert session.reason("add", "forward")


@pytest.mark.parametrize(
    ("spelling", "count"),
    [
        ("torch.add", 1),
        ("_softmax", 2),
        ("helper", 1),
        ("lambda x: torch.sum(x, 1)", 1),
        ("lambda x: torch.exp(torch.log(x))", 2),
        ("lambda x: x.sum(1)", 1),
        ("lambda x, y: x * y", 1),
        ("lambda x, y: (x * y).sum(-1)", 2),
        ("lambda x: nchw(tf.nn.relu(nhwc(x)))", 1),
        ("lambda x: tf.transpose(tf.nn.relu(tf.transpose(x)))", 1),
        ("lambda x: torch.clamp(x, -1, 2 * 3)", 1),
        ("lambda x: _composed(x)", 2),
    ],
)
def test_the_functions_of_a_composition_are_counted(spelling, count):
    assert operators_section.calls(spelling) == count


EVERY = pytest.mark.parametrize("operator", operators.OPERATORS.values(), ids=lambda o: o.name)


@EVERY
def test_every_operator_has_a_source_and_cases_that_its_reference_answers(operator):
    assert operator.source.startswith("https://")
    assert operator.family in operators.families()
    assert any(not case.edge for case in operator.cases)
    if operator.family == operators.RANDOM_FAMILY:
        return
    for case in operator.cases:
        with np.errstate(all="ignore"):
            found = probe.listed(operator.reference(*case.arguments))
        assert probe.difference(found, found, 0.0) == 0.0
        if not case.edge:
            assert all(np.isfinite(value).all() for value in found)


@pytest.mark.parametrize(
    "operator", [o for o in operators.OPERATORS.values() if not o.gradient], ids=lambda o: o.name
)
def test_every_slope_is_smooth_where_it_is_asked_for(operator):
    """At a kink, differences of other widths would differ, and no gradient would be right."""
    arguments = operator.cases[0].arguments
    assert any(a.dtype == np.float64 for a in arguments)
    outputs = probe.listed(operator.reference(*arguments))
    weights = [np.random.RandomState(3).rand(*o.shape) for o in outputs]
    fine, coarse = (
        probe.slope(operator.reference, arguments, weights, step) for step in (1e-5, 1e-4)
    )
    probe.difference(fine, coarse, 1e-5)


# -------------------------------------------------------------------------------------- control


def controlled(name, change=lambda module: None):
    """Return the rows of one program of the pretend folder, after a change of its script."""
    session = Recorder()
    with script("control") as module:
        change(module)
        control_section.measure_program(session, module, control.PROGRAMS[name])
    return session


@pytest.mark.parametrize("name", ["cond", "while", "scan", "nested", "early-exit"])
def test_honest_control_flow_is_right(name):
    session = controlled(name)
    assert {row[0] for row in session.rows.values()} <= {"ok", "skipped"}
    assert session.status(name, "captured") == "ok"


def test_control_flow_that_is_not_offered_is_declared():
    session = controlled("ragged")
    assert {row[0] for row in session.rows.values()} == {"unsupported"}


def test_an_unrolled_loop_is_caught():
    def plant(module):
        module.graph_size = lambda function, arrays: 3 + 2 * len(arrays[1])

    session = controlled("scan", plant)
    assert session.status("scan", "captured") == "ok"
    assert session.status("scan", "growth") == "wrong"
    assert "unrolled" in session.reason("scan", "growth")


@pytest.mark.parametrize("name", ["while", "early-exit", "cond"])
def test_a_decision_that_was_taken_while_capturing_is_caught(name):
    """As a tracer takes it: the program always does what the example did."""

    def plant(module):
        reference = control.PROGRAMS[name].reference
        module.capture = lambda function, example: lambda *given: reference(*example)

    assert controlled(name, plant).status(name, "captured") == "wrong"


def test_a_loop_that_was_written_out_to_a_bound_is_caught():
    """Right for as many trips as were written out, wrong for more."""

    def plant(module):
        def bounded(x):
            total = np.zeros(())
            for _ in range(8):
                if (x * x).sum() > 1:
                    total, x = total + x.sum(), x / 2
            return total + (x * x).sum()

        module.capture = lambda function, arrays: bounded

    session = controlled("while", plant)
    assert session.status("while", "captured") == "ok"
    assert session.status("while", "growth") == "wrong"


def test_a_wrong_gradient_of_a_loop_is_caught():
    def plant(module):
        honest = module.gradient
        module.gradient = lambda *given: [g * 1.01 for g in honest(*given)]

    assert controlled("scan", plant).status("scan", "gradient") == "wrong"


def test_a_captured_program_that_stops_computing_once_it_is_timed_gets_no_time(monkeypatch):
    monkeypatch.setattr(probe, "seconds_of", lambda function: 0.1)
    session, program = Recorder(), control.PROGRAMS["scan"]
    known = program.reference(*program.inputs(4))
    with script("control") as module:
        control_section._time(session, module, program, program.reference, 4)
        assert session.status("4 trips", "run_time") == "ok"
        module.capture = lambda function, arrays: lambda *_: known
        control_section._time(session, module, program, program.reference, 4)
    assert session.status("4 trips", "ready_time") == "ok"
    assert session.status("4 trips", "run_time") == "wrong"


@pytest.mark.parametrize("program", control.PROGRAMS.values(), ids=lambda p: p.name)
def test_inputs_lead_the_programs_several_ways(program):
    results = [program.reference(*arrays) for arrays in control_section._same_shape(program)]
    shapes = [[a.shape for a in arrays] for arrays in control_section._same_shape(program)]
    assert all(shape == shapes[0] for shape in shapes)
    assert not any(np.array_equal(one, other) for one, other in itertools.combinations(results, 2))


def test_the_trip_count_is_what_the_inputs_say():
    for trips in (1, 3, 10):
        (x,) = control.PROGRAMS["while"].inputs(trips)
        taken = 0
        while (x * x).sum() > 1:
            x, taken = x / 2, taken + 1
        assert taken == trips


# --------------------------------------------------------------------------------------- custom


def taught(way, tmp_path, change=lambda module: None):
    """Return the rows of one way of the pretend folder, after a change of its script."""
    session = Recorder(tmp_path)
    with script("custom") as module, pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "seconds_of", functools.partial(probe.seconds_of, least=0.0, most=1))
        patch.setattr(custom, "large", custom.wide)  # nothing is timed here
        change(module)
        custom_section.measure_way(session, module, way, builtin=1.0)
    return session


@pytest.mark.parametrize("way", ["composed", "python"])
def test_an_honest_new_operator_is_right(way, tmp_path):
    session = taught(way, tmp_path)
    assert {row[0] for row in session.rows.values()} <= {"ok", "skipped"}
    assert session.status(way, "used") == ("ok" if way == "python" else "skipped")
    assert session.rows[way, "written"][1] > 0


def test_the_definition_as_written_is_wrong_near_zero(tmp_path):
    session = taught("naive", tmp_path)
    assert session.status("naive", "forward") == "ok"
    assert session.status("naive", "near_zero") == "wrong"


def test_an_operator_that_stops_computing_once_it_is_timed_gets_no_time(tmp_path):
    def plant(module):
        module.timed = lambda operator, x: lambda: np.zeros_like(x)

    session = taught("python", tmp_path, plant)
    assert session.status("python", "run_time") == "wrong"
    assert "gradient after timing" in session.reason("python", "run_time")
    assert session.status("python", "slowdown") == "failed"


def test_a_custom_operator_that_is_silently_not_used_is_caught(tmp_path):
    def plant(module):
        honest = module.evaluate
        plain = module.composed("")
        module.evaluate = lambda o, x, captured: honest(plain if captured else o, x, captured)

    session = taught("python", tmp_path, plant)
    assert session.status("python", "captured") == "ok"
    assert session.status("python", "used") == "wrong"
    assert "not used" in session.reason("python", "used")


def test_a_gradient_that_is_not_the_operators_own_is_caught(tmp_path):
    def plant(module):
        honest = module.gradient
        plain = module.composed("")
        module.gradient = lambda o, x, captured: honest(plain, x, captured)

    session = taught("python", tmp_path, plant)
    assert session.status("python", "gradient") == "ok"
    assert session.status("python", "used") == "wrong"


def test_a_wrong_gradient_of_a_new_operator_is_caught(tmp_path):
    def plant(module):
        honest = module.gradient
        module.gradient = lambda o, x, captured: -honest(o, x, captured)

    assert taught("composed", tmp_path, plant).status("composed", "gradient") == "wrong"


def test_an_operator_that_cannot_be_built_says_so_everywhere(tmp_path):
    session = taught("native", tmp_path)
    assert {row[0] for row in session.rows.values()} == {"unsupported"}


def test_reference_and_slope_agree_with_each_other_and_with_series():
    x = np.concatenate([custom.wide(), custom.near_zero()]).astype(np.float64)
    step = 1e-4
    differences = (custom.reference(x + step) - custom.reference(x - step)) / (2 * step)
    np.testing.assert_allclose(custom.slope(x), differences, atol=1e-8)
    assert custom.reference(np.array([0.0]))[0] == pytest.approx(1 / 6, rel=1e-15)
    assert (custom.wide() != custom.MARK).all()
    assert (custom.marked() == custom.MARK).sum() == 512


# ---------------------------------------------------------------------------------------- reuse


@pytest.fixture(scope="module")
def data():
    return lenet.load_data()


def transferred(data, change=lambda module: None):
    session = Recorder()
    with script("reuse") as module:
        change(module)
        reuse_section.transfer(session, module, data)
    return session


def test_honest_transfer_learning_is_right(data):
    session = transferred(data)
    assert session.status("freeze", "possible") == "ok"
    assert session.rows["fine-tuning", "accuracy"][0] == "ok"
    assert session.rows["from scratch", "accuracy"][0] == "ok"


def test_frozen_layers_that_train_on_are_caught(data):
    session = transferred(data, lambda m: setattr(m.Network, "freeze", lambda self: None))
    assert session.status("freeze", "possible") == "wrong"
    assert "frozen weights" in session.reason("freeze", "possible")
    assert session.status("fine-tuning", "accuracy") == "skipped"


def test_training_that_does_nothing_is_caught(data):
    session = transferred(data, lambda m: setattr(m.Network, "fit", lambda *given: None))
    assert session.status("freeze", "possible") == "wrong"
    assert "nothing was trained" in session.reason("freeze", "possible")


# ------------------------------------------------------------------------------------- parallel


def trained(data, together):
    """Return the mean loss of two processes a step, which average their gradients or do not."""
    initial = lenet.initial_parameters()
    models = [dict(initial), dict(initial)]
    losses = []
    for index in lenet.batch_indices(len(data.train_labels), 64, 3):
        halves = [index[:32], index[32:]]
        found = [
            lenet.gradients(model, data.train_images[half], data.train_labels[half])
            for model, half in zip(models, halves, strict=True)
        ]
        losses.append(np.mean([loss for loss, _ in found]))
        for model, (_, own) in zip(models, found, strict=True):
            for name in initial:
                mean = (found[0][1][name] + found[1][1][name]) / 2 if together else own[name]
                model[name] = model[name] - 0.2 * mean
    return losses


@pytest.fixture(scope="module")
def alone(data):
    parameters, losses = lenet.initial_parameters(), []
    for index in lenet.batch_indices(len(data.train_labels), 64, 3):
        loss, parameters = lenet.step(
            parameters, data.train_images[index], data.train_labels[index], 0.2
        )
        losses.append(loss)
    return losses


def test_processes_that_train_together_have_the_losses_of_one(data, alone):
    assert parallel_section.same_losses(trained(data, True), alone) < 1e-9


def test_a_worker_that_trains_alone_is_caught(data, alone):
    with pytest.raises(probe.Wrong, match="do not train one model"):
        parallel_section.same_losses(trained(data, False), alone)
