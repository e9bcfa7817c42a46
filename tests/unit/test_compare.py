"""Two sides compared by name: which rows, and which verdict."""

import contextlib
import io
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from generator.analysis import cells, compare, labels, statistics
from generator.catalog import loader
from generator.cli import app, output
from generator.cli import compare as command
from generator.errors import UsageError
from generator.results import reading, selection
from tests.sample_results import GRAPH, MANY, PAIRED, write_history, write_sample
from tests.unit.frames import draw_on, record, samples
from tests.unit.frames import frame as typed

MACHINES = ("machine:sample-machine", "machine:other-machine")
THREE = [[1.0, 1.01], [1.02, 1.01], [1.0, 1.0]]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, rows_scale=0.1)
    write_sample(root, frameworks=(GRAPH,), versions={GRAPH: "1.0.10"}, rows_scale=0.1)
    write_sample(root, machine="other-machine", rows_scale=0.1, seed=1, oddities=False)
    return root


@pytest.fixture(scope="module")
def frame(root):
    return selection.select(reading.load(root))


@pytest.fixture(scope="module")
def pair(root):
    return command.compare(root, GRAPH, f"{MANY}:function")


def compared(frame, a, b, metric="step_time", **drawn_on):
    return compare.compare(frame, a, b, draw_on(**drawn_on), metric)


def two(old, new, metric="step_time", section="lenet", unit="s"):
    """Rows of two frameworks in one place, block by block: A has the new ones."""
    where = {"metric": metric, "section": section, "unit": unit}
    return typed(
        *samples(new, framework=GRAPH, **where),
        *samples(old, framework=PAIRED, mode="gluon", version="1.9.1", **where),
    )


def test_two_frameworks_are_compared(frame):
    found = [
        c
        for c in compared(frame, GRAPH, f"{MANY}:function")
        if c.a.key.section == "lenet"  # sweeps have steps of other sizes
    ]
    assert {(c.a.key.machine, c.a.key.lane) for c in found} == {
        (machine, lane)
        for machine in ("sample-machine", "other-machine")
        for lane in ("threads-1", "threads-all")
    }
    for one in found:
        newest = "1.0.10" if one.a.key.machine == "sample-machine" else "1.0.5"
        assert one.a.key.version == newest
        assert one.b.key.mode == "function"
        assert one.change.verdict == "slower"  # 46 against 30 ms in the sample
        values = [statistics.summarise(side.blocks).value for side in (one.a, one.b)]
        assert one.change.ratio.value == pytest.approx(values[0] / values[1])
        assert not one.change.ratio.across


def test_two_versions_modes_and_machines_are_compared(frame):
    versions = compared(frame, f"{GRAPH}==1.0.5", f"{GRAPH}==1.0.10")
    assert {(c.a.key.version, c.b.key.version) for c in versions} == {("1.0.5", "1.0.10")}
    modes = compared(frame, f"{PAIRED}:module==1.9.1", f"{PAIRED}==1.9.1:hybrid")
    assert {(c.a.key.mode, c.b.key.mode) for c in modes} == {("module", "hybrid")}
    machines = compared(frame, "machine:sample-machine", "machine:other-machine")
    assert all(c.a.key._replace(machine="") == c.b.key._replace(machine="") for c in machines)
    assert all(c.change.ratio.across for c in machines)
    memory = compared(frame, GRAPH, f"{PAIRED}:gluon", metric="peak_rss")
    assert {c.a.unit for c in memory} == {"B"}


@pytest.mark.parametrize(
    ("a", "message"),
    [
        ("theeano", f"did you mean {GRAPH}?"),
        (f"{MANY}:xxla", "did you mean xla?"),
        (f"{PAIRED}==1.9", r"did you mean 1\.9\.1\?"),
        (f"{GRAPH}==", "expected FRAMEWORK"),
        ("", "expected FRAMEWORK"),
        ("a:b:c", "expected FRAMEWORK"),
        (f"{GRAPH}==1.0.5:compiled==1.0.5", "expected FRAMEWORK"),
        ("machine:sample", "did you mean sample-machine"),
        ("machine:sample-machine", "two machines, or none"),
        (f"{MANY}:function", "nothing|have no"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(frame, a, message):
    with pytest.raises(UsageError, match=message):
        compared(frame, a, f"{MANY}:function==2.21.0")


def test_wrong_metrics_are_answered_with_the_nearest(frame):
    with pytest.raises(UsageError, match="did you mean step_time"):
        compared(frame, GRAPH, PAIRED, metric="steptime")
    with pytest.raises(UsageError, match="generator measure"):
        compared(frame.iloc[:0], GRAPH, PAIRED)


@given(st.text(max_size=30))
@settings(max_examples=60)
def test_any_text_is_a_spec_or_a_usage_error(text):
    keys = [cells.Key("m", GRAPH, "1.0.5", "lenet", "compiled", "cpu", "threads-1", "", "t")]
    try:
        spec = compare.parse_spec(text, keys)
    except UsageError:
        return
    assert compare.parse_spec(str(spec), keys) == spec


def test_a_pair_asked_for_by_name_has_its_own_interval(frame):
    """Kalibera and Jones: log ratios within blocks, and nothing of the other configurations."""
    one = next(c for c in compared(frame, GRAPH, f"{MANY}:function") if c.a.key.case == "")
    mine, other = (statistics.process_estimates(cell.blocks) for cell in (one.a, one.b))
    logs = [math.log(mine[block] / other[block]) for block in mine]
    error = np.std(logs, ddof=1) / len(logs) ** 0.5
    half = statistics.student_t(len(logs) - 1, 0.975) * error
    found = one.change.ratio
    assert math.log(found.high / found.value) == pytest.approx(half)


@pytest.mark.parametrize(
    ("metric", "section", "unit", "verdict"),
    [
        ("step_time", "lenet", "s", "slower"),
        ("peak_rss", "memory", "B", "more"),
        ("accuracy", "highlevel", "1", "better"),  # declared so: more is better
        ("gate_logits_error", "lenet", "1", "worse"),
        ("ceiling_fraction", "lenet", "1", "more"),  # neither end of it is good
    ],
)
def test_the_verdict_is_on_a_by_the_better_end_of_the_metric(metric, section, unit, verdict):
    twice = [[2 * value for value in block] for block in THREE]
    (one,) = compared(two(THREE, twice, metric, section, unit), GRAPH, PAIRED, metric)
    assert one.change.verdict == verdict
    assert one.change.ratio.value == pytest.approx(2)
    (back,) = compared(two(twice, THREE, metric, section, unit), GRAPH, PAIRED, metric)
    assert back.change.verdict != verdict
    assert back.change.differs


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_value_without_a_ratio_is_not_resolved_and_says_why(value):
    (one,) = compared(two(THREE, [[value], [1.0], [1.0]]), GRAPH, PAIRED)
    assert (one.change.verdict, one.change.ratio) == ("not resolved", None)
    assert "not above zero" in one.change.reason
    plain = command.plain(one)
    assert (plain["ratio"], plain["value_a"], plain["reason"]) == (None, None, one.change.reason)


def test_unlike_builds_are_not_compared_in_what_a_build_brings():
    documents = {
        f"here/{GRAPH}/1.0.5/20260101T000000Z-aaaaaa": record(),
        f"here/{PAIRED}/1.9.1/20260101T000000Z-aaaaaa": record("True"),
    }
    for metric, section, verdict in (
        ("peak_rss", "memory", "not compared"),
        ("import_time", "compile", "not compared"),
        ("step_time", "lenet", "equivalent"),
    ):
        rows = two(THREE, THREE, metric, section)
        (one,) = compared(rows, GRAPH, PAIRED, metric, documents=documents)
        assert one.change.verdict == verdict
    assert "CPU build" in compared(two(THREE, THREE, "peak_rss", "memory"), GRAPH, PAIRED,
                                   "peak_rss", documents=documents)[0].change.reason  # fmt: skip


# ------------------------------------------------------------------------------------- the command


def told(*arguments):
    return CliRunner().invoke(app.app, ["compare", *map(str, arguments)])


def test_json_says_whether_a_comparison_spans_runs(root):
    done = told(GRAPH, f"{MANY}:function", "--results", root, "--json")
    items = json.loads(done.stdout, parse_constant=pytest.fail)
    assert {item["across"] for item in items if item["a"]["machine"] == "other-machine"} == {False}
    for item in items:
        assert set(item) == {
            "a", "b", "value_a", "value_b", "unit", "ratio", "low", "high", "across", "noise",
            "verdict", "reason",
        }  # fmt: skip
    done = told(*MACHINES, "--results", root, "--json")
    assert {item["across"] for item in json.loads(done.stdout)} == {True}


def test_text_says_whether_a_comparison_spans_runs(root):
    assert "interval: 95 %, within one run" in told(GRAPH, PAIRED, "--results", root).stdout
    across = command.compare(root, *MACHINES)
    assert {row[-1] for row in across.rows if len(row) > 1} == {"no interval across runs"}


def test_without_a_metric_every_question_is_answered_in_the_default_modes(root):
    items = json.loads(told(GRAPH, MANY, "--results", root, "--json").stdout)
    defaults = [loader.load().framework(id).default.id for id in (GRAPH, MANY)]
    assert {(item["a"]["mode"], item["b"]["mode"]) for item in items} == {tuple(defaults)}
    sections = list(dict.fromkeys(item["a"]["section"] for item in items))
    assert sections == [id for id in labels.TOPICS if id in sections]
    assert {"lenet", "memory", "compile"} <= set(sections)
    assert {i["a"]["metric"] for i in items if i["a"]["section"] == "compile"} == {"ready_time"}
    named = json.loads(told(GRAPH, f"{MANY}:eager", "--results", root, "--json").stdout)
    assert {item["b"]["mode"] for item in named} == {"eager"}
    every = told(GRAPH, MANY, "--metric", "step_time", "--results", root, "--json").stdout
    assert len({item["b"]["mode"] for item in json.loads(every)}) > 1


def test_a_mode_that_fails_verification_is_compared_in_nothing(tmp_path):
    """Memory is no figure of a lane in which other work was done."""
    paths = write_sample(tmp_path, frameworks=(GRAPH, MANY), rows_scale=0.1)
    sides = (GRAPH, f"{MANY}:xla", "--metric", "peak_rss", "--results", tmp_path, "--json")
    assert {i["a"]["lane"] for i in json.loads(told(*sides).stdout)} == {"threads-all"}
    lines = paths[-1].read_text(encoding="utf-8").splitlines(keepends=True)
    (wrong,) = [n for n, line in enumerate(lines) if ",gate," in line and ",wrong," in line]
    lines[wrong] = lines[wrong].replace("threads-1", "threads-all")
    paths[-1].write_text("".join(lines), encoding="utf-8")
    done = told(*sides)
    assert isinstance(done.exception, UsageError)
    assert "no mode of" in str(done.exception)


def test_what_is_the_same_is_said_once(root):
    found = command.compare(root, PAIRED, f"{MANY}:function")
    assert set(found.same) >= {
        "compared", "mode", "device", "ratio", "date", "A/A noise", "figures",
    }  # fmt: skip
    cells = [cell for row in found.rows for cell in row]
    assert not any("cpu" in cell or "±" in cell for cell in cells)
    assert "the verdict is on" in found.same["ratio"]


@pytest.mark.parametrize("width", [40, 60, 80, 200, None])
def test_nothing_is_cut_at_any_width(root, pair, width, monkeypatch):
    """Every word of every cell is there, in order and whole; no box, no colour."""
    monkeypatch.setattr(command, "compare", lambda *_: pair)
    sides = (GRAPH, f"{MANY}:function", "--results", root)
    environment = {"COLUMNS": str(width) if width else None}
    done = CliRunner(env=environment).invoke(app.app, ["compare", *map(str, sides)])
    assert done.exit_code == 0
    texts = [*map(": ".join, pair.same.items()), *(cell for row in pair.rows for cell in row)]
    words = iter(re.sub(r"[;]", " ", done.stdout).split())
    for text in texts:
        assert all(word in words for word in text.replace(";", " ").split()), text
    assert not re.search("[\u2500-\u257f\x1b…]", done.stdout)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= (width or math.inf)
    rows = [line for line in lines if "(" in line and " to " in line]
    if width is None or width > 60:
        assert sum(line.startswith("Memory") and line in rows for line in lines) >= 1


def test_a_terminal_and_a_pipe_say_the_same(root, pair, monkeypatch):
    done = CliRunner(env={"COLUMNS": "80"}).invoke(
        app.app, ["compare", GRAPH, f"{MANY}:function", "--results", str(root)]
    )
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)
    monkeypatch.setattr(output, "out", terminal)
    output.show_comparison(pair)
    plain = re.sub("\x1b[^m]*m", "", terminal.file.getvalue())
    assert plain != terminal.file.getvalue(), "headings stand out"
    assert plain == done.stdout


def test_ascii_is_enough(root):
    arguments = [sys.executable, "-m", "generator", "compare", *MACHINES, "--results", str(root)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(loader.ROOT)}
    done = subprocess.run(arguments, env=environment, capture_output=True, check=True)
    assert b"A/A noise: +-" in done.stdout


def test_any_metric_ends_in_rows_or_in_a_usage_error(frame):
    metrics = sorted(map(str, frame["metric"].unique()))
    assert len(metrics) > 20
    for metric in metrics:
        with contextlib.suppress(UsageError):
            assert compared(frame, GRAPH, f"{MANY}:function", metric)


def test_of_two_releases_the_later_one_is_judged(tmp_path):
    write_history(tmp_path, {GRAPH: {"0.9.0": 2.0, "1.0.5": 1.0}})
    sides = (f"{GRAPH}==0.9.0", f"{GRAPH}==1.0.5", "--results", tmp_path)
    step = told(*sides, "--metric", "step_time").stdout
    assert "faster" in step
    assert "slower" not in step
    assert "ratio: 1.0.5 / 0.9.0; the verdict is on 1.0.5" in step
    (item,) = json.loads(told(*sides, "--metric", "step_time", "--json").stdout)
    assert (item["verdict"], item["across"]) == ("slower", False)  # of A
