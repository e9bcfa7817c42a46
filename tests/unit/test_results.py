import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import files
from generator.errors import InputError
from generator.results import (
    reading,
    row_checks,
    run_record,
    schema,
    selection,
    validation,
    writing,
)
from tests.conftest import ROOT
from tests.sample_results import GRAPH, HOSTILE, PAIRED, write_sample

RUN = "20260101T000000Z-0a1b2c"
BASE = {
    "run": RUN, "machine": "box", "framework": GRAPH, "version": "1.0.5", "section": "lenet",
    "mode": "compiled", "device": "cpu", "lane": "threads-1", "metric": "step_time", "unit": "s",
    "status": "ok",
}  # fmt: skip


def row(**changes):
    return {**BASE, "block": 0, "sample": 0, "value": 0.5, **changes}


def parsed(path):
    return reading._read_once(path)[1]


def read(path):
    return reading.to_frame(parsed(path).table)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A valid document, without jobs."""
    (path,) = write_sample(tmp_path_factory.mktemp("template"), frameworks=(GRAPH,), rows_scale=0.1)
    return run_record.read_run_record(path) | {"jobs": []}


@pytest.fixture
def document(template):
    copy = json.loads(json.dumps(template))
    copy["machine"]["id"] = "box"
    return copy | {"run": RUN}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "box" / GRAPH / "1.0.5" / f"{RUN}.csv"


@pytest.fixture
def good(path, document):
    writing.write(path, [row(), row(sample=1, value=0.25)], document)
    return path


def spoil(path, old, new):
    """Replace text in the CSV below the header."""
    head, body = path.read_bytes().split(b"\n", 1)
    assert old in body
    path.write_bytes(head + b"\n" + body.replace(old, new))


# ---------------------------------------------------------------------------------------- writing


def test_what_is_written_reads_back(path, document):
    tricky = 'say "hi", comma | pipe <b> {{x}} ünï'
    rows = [
        row(value=0.1 + 0.2),
        row(sample=1, value=np.float64(1e-9), flags="disturbed resumed"),
        row(block=None, sample=None, value=None, status="failed", reason=tricky),
        row(metric="gate", unit="verdict", sample=None, value=0.0, status="wrong", reason="off"),
    ]
    writing.write(path, rows, document)
    frame = read(path)
    assert list(frame.columns) == list(schema.COLUMNS)
    assert frame["value"].dtype == "float64"
    assert frame["block"].dtype == frame["sample"].dtype == "Int64"
    assert frame["value"].tolist()[:2] == [0.30000000000000004, 1e-9]
    assert np.isnan(frame["value"][2])
    assert frame["sample"].tolist() == [0, 1, pd.NA, pd.NA]
    assert frame["reason"][2] == tricky
    assert frame["case"].tolist() == [""] * 4
    assert run_record.read_run_record(path) == document
    assert validation.validate(path) == []
    assert [r["reason"] for r in row_checks.rows(path)] == ["", "", tricky, "off"]
    assert {p.suffix for p in path.parent.iterdir()} == {".csv", ".json"}


def test_values_read_back_to_the_last_bit(path, document):
    values = np.random.default_rng(0).lognormal(-4, 8, 5000)
    writing.write(path, [row(sample=i, value=v) for i, v in enumerate(values)], document)
    assert (read(path)["value"].to_numpy() == values).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan")},
        {"value": float("inf")},
        {"status": "fine"},
        {"status": "failed", "value": None},
        {"block": -1},
        {"machine": "other"},
        {"flags": "odd"},
        {"unknown": 1},
        {"case": "a\nb"},
    ],
)
def test_writing_refuses_what_reading_would(path, document, changes):
    with pytest.raises(InputError):
        writing.write(path, [row(**changes)], document)
    assert not path.exists()
    assert not path.with_suffix(".json").exists()


def test_any_text_becomes_a_reason(path, document):
    nasty = "line\r\none\x00\x1b[31m\u202edesrever\ud800 " + "x" * 1000 + " the cause"
    writing.write(path, [row(value=None, status="failed", reason=nasty)], document)
    reason = read(path)["reason"][0]
    assert reason.startswith("line one [31m desrever? xxx")
    assert reason.endswith("xxx the cause")
    assert len(reason) == 500


@pytest.mark.parametrize("die_at", [0, 1, 2, 3])
def test_a_full_disk_leaves_a_valid_pair(path, document, monkeypatch, die_at):
    writing.write(path, [row()], document | {"seed": 1})
    real, calls = files.os.fsync, []

    def fsync(number):
        calls.append(number)
        if len(calls) > die_at:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        writing.write(path, [row(), row(sample=1)], document | {"seed": 2})
    assert validation.validate(path) == []
    assert not list(path.parent.glob("*.part"))
    rows, seed = len(read(path)), run_record.read_run_record(path)["seed"]
    assert (rows, seed) in {(1, 1), (2, 1), (2, 2)}  # never a document ahead of its rows


def test_the_first_write_cut_short_claims_no_jobs(path, document, monkeypatch):
    job = {"id": "x", "sections": [], "mode": "", "device": "cpu", "lane": "", "case": ""}
    full = document | {"jobs": [job | {"block": 0, "status": "ok"}]}
    real = files.replace

    def replace(target, data):
        if target == path:
            raise KeyboardInterrupt
        real(target, data)

    monkeypatch.setattr(files, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        writing.write(path, [row()], full)
    assert run_record.read_run_record(path)["jobs"] == []


def test_measuring_machines_need_no_pandas():
    code = (
        "import sys; sys.modules['pandas'] = sys.modules['scipy'] = None\n"
        "import generator.results.writing as w; print(w.encode([{'run': 'x'}]).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "x,,,,,,,,,,,,,,,," in done.stdout


# ------------------------------------------------------------------------------------- validation

SECOND = b"0,1,0.25,ok"
BAD_ROWS = [
    (SECOND, b"0,1,nan,ok", "'nan'", "finite"),
    (SECOND, b"0,1,inf,ok", "'inf'", "finite"),
    (SECOND, b"0,1,1e999,ok", "'1e999'", "finite"),
    (SECOND, b"0,1,,ok", "value ''", "finite"),
    (SECOND, b"0,1,fast,ok", "'fast'", "finite"),
    (SECOND + b",,", b"0,1,nan,failed,,why", "'nan'", "a finite number"),
    (SECOND + b",,", b"0,1,value,failed,,why", "'value'", "a finite number"),
    (SECOND + b",,", b"0,1,NaN,wrong,,why", "'NaN'", "finite"),
    (SECOND, b"0,1,0.25,good", "'good'", "unsupported"),
    (SECOND, b"0,1,,failed", "without a reason", "a reason"),
    (SECOND, b"0,1,0.25,failed", "status failed", "reason"),
    (SECOND, b"-1,1,0.25,ok", "'-1'", "integer"),
    (SECOND, b"0,1.5,0.25,ok", "'1.5'", "integer"),
    (SECOND, b"0,0,0.25,ok", "second time", "once"),
    (b"0.25,ok,,", b"0.25,ok,weird,", "'weird'", "disturbed"),
    (b"0.25,ok,,", b"0.25,ok,partial partial,", "partial", "words"),
    (b"0.25,ok,,", b"0.25,ok,,\x07", "U+0007", "printable"),
    (b"0.25,ok,,", "0.25,ok,,\u202e".encode(), "U+202E", "printable"),
    (b"0.25,ok,,", b"0.25,ok,,\xff", "0xff", "UTF-8"),
    (b"0.25,ok,,", b"0.25,ok", "15 columns", "17 columns"),
    (b"0.25,ok,,", b"0.25,ok,,,", "18 columns", "17 columns"),
    (b"0.25,ok,,", b'0.25,ok,,"open', "unexpected end", "one CSV record"),
    (b"0.25,ok,,", b'0.25,ok,,"a"b', "expected after", "one CSV record"),
    (b"0.25,ok,,", b"0.25,ok,," + b"x" * 501, "501 characters", "500"),
    (b"step_time,s,0,1", b"step_time,ms,0,1", "'ms'", "'s'"),
    (b"step_time,s,0,1", b",s,0,1", "no metric", "a metric"),
]


@pytest.mark.parametrize(("old", "new", "found", "expected"), BAD_ROWS)
def test_a_bad_row_is_named(good, old, new, found, expected):
    spoil(good, old, new)
    with pytest.raises(InputError) as caught:
        read(good)
    for problem in (caught.value, validation.validate(good)[0]):
        assert problem.file == str(good)
        assert problem.line == 3
        assert found in problem.found
        assert expected in problem.expected
        assert str(problem).isprintable()


@pytest.mark.parametrize("column", ["run", "machine", "framework", "version"])
def test_rows_and_document_agree_with_the_path(good, column):
    other = {
        "run": "20260101T000000Z-ffffff", "machine": "b0x", "framework": PAIRED, "version": "1"
    }[column]  # fmt: skip
    parts = dict(zip(("machine", "framework", "version", "run"), good.parts[-4:], strict=True))
    parts["run"] = RUN
    parts[column] = other
    moved = good.parents[3] / parts["machine"] / parts["framework"] / parts["version"]
    moved.mkdir(parents=True, exist_ok=True)
    target = moved / f"{parts['run']}.csv"
    good.with_suffix(".json").replace(target.with_suffix(".json"))
    good.replace(target)
    problems = validation.validate(target)
    assert [p.line for p in problems] == [2, 3, None]
    assert all(column in p.found and "as the path says" in p.expected for p in problems)
    with pytest.raises(InputError, match="as the path says"):
        read(target)
    with pytest.raises(InputError, match="as the path says"):
        run_record.read_run_record(target)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda data: b"", 1),
        (lambda data: data.replace(b"run,machine", b"machine,run", 1), 1),
        (lambda data: b"\xef\xbb\xbf" + data, 1),
        (lambda data: data[:-1], 3),
        (lambda data: data[:-8], 3),
        (lambda data: data.replace(b"\n", b"\r\n"), 1),
        (lambda data: data + b"\n", 4),
        (lambda data: data + b"\x00" * 20, 4),
        (lambda data: data.replace(b"\n", b"\n\n", 1), 2),
    ],
)
def test_a_damaged_file_is_named(good, damage, line):
    good.write_bytes(damage(good.read_bytes()))
    with pytest.raises(InputError) as caught:
        read(good)
    error = caught.value
    assert error.line == line
    assert validation.validate(good)[0].line == line


def test_all_problems_are_listed(good):
    spoil(good, b",ok,,", b",bad,,")
    good.with_suffix(".json").unlink()
    problems = validation.validate(good)
    assert [(Path(p.file).suffix, p.line) for p in problems] == [
        (".csv", 2), (".csv", 3), (".json", None)
    ]  # fmt: skip
    with pytest.raises(InputError, match="no file"):
        run_record.read_run_record(good)


def test_doubts_that_turn_out_unfounded(path, document):
    reason = "no metric,value,unit in the output"  # looks like a cell of the column "value"
    writing.write(path, [row(value=None, status="failed", reason=reason)], document)
    assert read(path)["reason"][0] == reason


def test_a_strange_place_is_named(good, tmp_path):
    stray = tmp_path / "stray.csv"
    stray.write_bytes(good.read_bytes())
    assert reading.find(tmp_path) == sorted([stray, good])
    with pytest.raises(InputError, match=r"<machine>/<framework>/<version>"):
        reading.load(tmp_path)
    assert validation.validate(stray)


BAD_JSON = [
    (b"", 1, "column 1", "JSON"),
    (b'{"schema": 1,\n "run": oops}', 2, "column", "JSON"),
    (b'{"schema": 1, "seed": NaN}', None, "NaN", "finite"),
    (b'{"schema": 1, "seed": 1, "seed": 2}', None, "'seed'", "once"),
    (b"[1]", 1, "list", "object"),
    (b'{"a":' * 100_000, None, "RecursionError", "depth"),
    (b'{"schema": ' + b"9" * 5000 + b"}", None, "ValueError", "JSON"),
    (b'{"run": "\xff"}', 1, "0xff", "UTF-8"),
    (b'{"run": "x"}', None, "schema 'None'", "1"),
    (b'{"schema": 99}', None, "schema '99'", "newer generator"),
    (b'{"schema": [1]}', None, "schema '[1]'", "one of 1"),
    (b'{"schema": true}', None, "schema 'True'", "one of 1"),
]


@pytest.mark.parametrize(("data", "line", "found", "expected"), BAD_JSON)
def test_bad_json_is_named(good, data, line, found, expected):
    good.with_suffix(".json").write_bytes(data)
    with pytest.raises(InputError) as caught:
        run_record.read_run_record(good)
    error = caught.value
    assert error.file.endswith(".json")
    assert error.line == line
    assert found in error.found
    assert expected in error.expected
    assert [str(p) for p in validation.validate(good)] == [str(error)]


SHAPES = [
    (lambda d: d.pop("seed"), "no seed", True),
    (lambda d: d.update(seed="1"), "seed: \"'1'\"", True),
    (lambda d: d.update(seed=True), "seed: 'True'", False),
    (lambda d: d["machine"].pop("cpu"), "no machine.cpu", False),
    (lambda d: d["machine"].update(gpus=[{"name": 1}]), "machine.gpus[0].name", False),
    (lambda d: d.update(profile="huge"), "profile", True),
    (lambda d: d.update(finished="yesterday"), "finished", True),
    (lambda d: d.update(starts=["2026-01-01T00:00:00+02:00"]), "starts", True),
    (lambda d: d.update(command="x\x1b[2J"), "U+001B in command", True),
    (lambda d: d["jobs"].append({"id": 1}), "jobs[0].id", False),
    (lambda d: d.update(jobs=3), "jobs: '3'", True),
    (lambda d: d.update(jobs=[3]), "jobs[0]: '3'", False),
]


@pytest.mark.parametrize(("change", "found", "harmful"), SHAPES)
def test_a_run_record_of_another_shape_is_named(good, document, change, found, harmful):
    """Ordinary reading refuses what could do harm; ``check`` names all that the schema forbids."""
    change(document)
    good.with_suffix(".json").write_text(json.dumps(document))
    assert [problem for problem in validation.validate(good) if found in problem.found]
    if harmful:
        with pytest.raises(InputError) as caught:
            run_record.read_run_record(good)
        assert found in caught.value.found


@pytest.mark.parametrize("jobs", [[3], [{"id": 1}], [None]])
def test_a_run_record_that_cannot_be_read_is_an_input_error(good, document, jobs):
    document["jobs"] = jobs
    good.with_suffix(".json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="generator check"):
        run_record.read_run_record(good)


@pytest.mark.parametrize("lacks", ["mode", "lane", "block", "sections"])
def test_a_job_that_lacks_what_rows_are_judged_by_is_an_input_error(tmp_path, lacks):
    path = write_sample(tmp_path, profile="quick", rows_scale=0.1)[0].with_suffix(".json")
    known = json.loads(path.read_text())
    known["jobs"][0].pop(lacks)
    path.write_text(json.dumps(known))
    with pytest.raises(InputError, match="generator check"):
        reading.load(tmp_path)


def test_the_published_schema_is_one_and_knows_our_words():
    schema_file = json.loads(run_record.SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema_file)
    known = schema_file["properties"]
    assert known["schema"]["const"] == schema.SCHEMA
    assert known["profile"]["enum"] == list(schema.PROFILES)
    assert known["jobs"]["items"]["properties"]["status"]["enum"] == list(schema.STATUSES)
    assert known["run"]["pattern"] == f"^{schema.RUN}$"
    assert set(run_record._NEEDED) | {"schema"} == set(schema_file["required"])


@pytest.mark.parametrize("log", ["/etc/passwd", "../../x.log", "..\\x", "x" * 300, "a//b", 3])
def test_a_log_stays_inside(good, document, log):
    job = {"id": "x", "sections": [], "mode": "", "device": "cpu", "lane": "", "case": ""}
    document["jobs"] = [job | {"block": 0, "status": "failed", "log": log}]
    good.with_suffix(".json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"jobs\[0\].log"):
        run_record.read_run_record(good)


def test_an_interrupted_run_is_valid(path, document):
    writing.write(path, [row()], document | {"finished": None})
    assert validation.validate(path) == []


def test_old_schemas_are_migrated_on_reading_only(good, document, monkeypatch):
    old = {k: v for k, v in document.items() if k != "finished"} | {"schema": 0, "ended": None}
    text = json.dumps(old)
    good.with_suffix(".json").write_text(text)
    with pytest.raises(InputError, match="schema '0'"):
        run_record.read_run_record(good)

    def rename(before):
        return {k: v for k, v in before.items() if k != "ended"} | {"finished": before["ended"]}

    monkeypatch.setitem(run_record.MIGRATIONS, 0, rename)
    assert run_record.read_run_record(good) == document | {"finished": None}
    assert validation.validate(good) == []
    assert good.with_suffix(".json").read_text() == text


CHUNKS = [
    b"", b",", b'"', b"\n", b"\r", b"0", b"-", b" ", b"nan", b",nan,", b"NA", b"inf", b"1e400",
    b"ok", b"failed", b"wrong", b"partial", b"disturbed", b"\x00", b"\xff", b"\xc2\x85", b'""',
    "é".encode(), b"=", b"_", b"0x1p3", b",,", b"#", b"+", b"\t", b"e5", b"\xe2\x80\xae",
]  # fmt: skip


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_quick_pass_and_the_slow_one_agree(tmp_path_factory, data):
    where = schema.Where.of(Path(f"box/{GRAPH}/1.0.5") / f"{RUN}.csv")
    text = writing.encode(
        [
            row(flags="disturbed"),
            row(sample=1, value=0.25),
            row(value=None, status="failed", reason='comma, "quote"'),
            row(metric="gate", unit="verdict", sample=None, status="wrong", reason="off"),
        ]
    )
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(len(schema.HEADER) - 3, len(text)))
        length = data.draw(st.integers(0, 4))
        chunk = data.draw(st.sampled_from(CHUNKS))
        text = text[:start] + chunk + text[start + length :]
    slow = list(row_checks.row_problems(text, where))
    quick = reading._parse_fast(text, where)
    if quick is not None:
        assert slow == []
    if slow:
        with pytest.raises(InputError):
            reading._parse(text, where)
    else:
        file = reading._parse(text, where)
        assert len(file.table) == text.count(b"\n") - 1


# --------------------------------------------------------------------------- what a number can be


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": 0.0}, "1e-09 to 100000 s"),
        ({"value": -0.5}, "1e-09 to 100000 s"),
        ({"value": 1e308}, "1e-09 to 100000 s"),
        ({"value": 5e-324}, "1e-09 to 100000 s"),
        ({"metric": "peak_rss", "section": "memory", "unit": "B", "value": -3e8}, "1 to 1e+15 B"),
        ({"metric": "peak_rss", "section": "memory", "unit": "B", "value": 1e308}, "1e+15 B, or 0"),
        ({"metric": "lines", "unit": "count", "value": 30.5}, "a whole number"),
        ({"metric": "parameters", "unit": "count", "value": -1.0}, "a whole number"),
        ({"metric": "accuracy", "unit": "1", "value": 1.01}, "0 to 1"),
        ({"metric": "accuracy_epochs", "unit": "1", "value": 1e60}, "0 to 1e+06"),
        ({"metric": "gate", "unit": "verdict", "value": 0.5}, "a whole number"),
        ({"metric": "gate_loss_error", "unit": "1", "value": -1e-9}, "or 0"),
        ({"metric": "gate_loss_error", "unit": "1", "value": 1e-300}, "or 0"),
        ({"metric": "slowdown", "section": "custom", "unit": "1", "value": 0.0}, "1e-09 to"),
        ({"metric": "gpu_temperature", "unit": "degC", "value": -300.0}, "-100 to 1000 degC"),
        ({"metric": "of the future", "unit": "furlongs", "value": 1e99}, "furlongs"),
    ],
    ids=str,
)
def test_a_number_that_cannot_be_is_named_and_on_no_page(
    path, document, tmp_path, changes, expected
):
    good = row(metric="parameters", unit="count", value=9.0, sample=7)
    writing.write(path, [good, row(**changes)], document)
    (problem,) = validation.validate(path)
    assert (problem.file, problem.line) == (str(path), 3)
    assert problem.found.startswith(repr(changes.get("metric", "step_time")))
    assert expected in problem.expected
    shown = selection.select(reading.load(tmp_path))
    shown = shown[shown["metric"] == changes.get("metric", "step_time")]
    assert shown["status"].tolist()[-1] == "wrong"
    assert shown["reason"].tolist()[-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 1e-9},
        {"value": 1e5},
        {"metric": "peak_rss", "unit": "B", "value": 0.0},
        {"metric": "growth", "unit": "count", "value": 0.04},
        {"metric": "gate_loss_error", "unit": "1", "value": 0.0},
        {"metric": "gpu_temperature", "unit": "degC", "value": -4.0},
        {"metric": "ceiling_fraction", "unit": "1", "value": 26195.7},
        {"value": -1.0, "status": "wrong", "reason": "it runs backwards"},
    ],
    ids=str,
)
def test_a_number_that_can_be_is_valid(path, document, tmp_path, changes):
    writing.write(path, [row(**changes)], document)
    assert validation.validate(path) == []
    shown = selection.select(reading.load(tmp_path))
    assert shown["status"].tolist() == [changes.get("status", "ok")]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")'])
def test_no_text_is_a_formula_in_a_spreadsheet(path, document, text):
    writing.write(path, [row(value=None, status="failed", reason=text)], document)
    assert validation.validate(path) == []
    assert row_checks.rows(path)[0]["reason"] == f"'{text}"
    for column in ("case", "mode", "lane"):
        writing.write(path, [row(**{column: text})], document)
        problem = validation.validate(path)[0]
        assert problem.found.startswith(f"{column} ")
        assert problem.line == 2


UNITS = {"lenet": {"step_time": "s"}}
JOB = {
    "id": "x", "sections": ["lenet"], "mode": "compiled", "device": "cpu", "lane": "threads-1",
    "case": "", "block": 0, "status": "ok",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "found", "expected"),
    [
        ({"unit": "ms"}, "metric 'step_time' in 'ms'", "step_time (s)"),
        ({"metric": "speed"}, "metric 'speed' in 's'", "step_time (s)"),
        ({"section": "dreams"}, "section 'dreams'", "one of lenet"),
        ({"mode": "warp"}, "mode 'warp'", "one of compiled"),
        ({"mode": ""}, "mode ''", "one of compiled"),
        ({"device": "tpu"}, "device 'tpu'", "cpu, as in the JSON"),
        ({"lane": "é:1"}, "lane '\\xe9:1'", "letters, digits, '.', '_', '+' and '-'"),
    ],
)
def test_what_no_section_framework_or_machine_has_is_named(
    path, document, changes, found, expected
):
    """Else it would be valid, and rendering would not know what to do with it."""
    writing.write(path, [row(**changes)], document)
    (problem,) = validation.validate(path, UNITS, {document["framework"]: ["compiled"]})
    assert (problem.line, problem.found, problem.expected) == (2, found, expected)


def test_a_number_that_is_there_twice_is_named(path, document, tmp_path):
    """Whether it is one of several samples or the only one of its process."""
    for once in (row(), row(sample="", metric="ready_time")):
        writing.write(path, [once], document)
        table, line = path.read_bytes(), path.read_bytes().splitlines(keepends=True)[1]
        path.write_bytes(table + line)
        (problem,) = validation.validate(path)
        assert (problem.line, problem.found) == (3, "the same number a second time")
        with pytest.raises(InputError, match="a second time"):
            reading.load(tmp_path)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("jobs.0.threads", "two"), ("jobs.0.facts", "none"), ("jobs.0.facts", {"gate": [["x"]]}),
        ("jobs.0.facts", {"spellings": []}), ("jobs.0.foreign_load", "much"), ("device", "tpu"),
        ("settings", {"batch": 0}), ("machine.memory_bytes", 10**400), ("machine.cores", -1),
        ("jobs.0.seconds", -1.0), ("jobs.0.k", 0), ("jobs.0.order", "first"), ("seed", -1),
        ("jobs.0.warmup", 10**400), ("jobs.0.disturbed", "no"), ("jobs.0.start", "tepid"),
        ("jobs.0.threads", {"openmp": [2]}), ("settings", {"samples": "all"}),
        ("settings", {"learning_rate": "high"}), ("settings", {"blocks": -1}),
        ("settings", {"gate": {}}), ("build", {"cuda": ["12"]}), ("code_sha256", {"lenet": 5}),
        ("environment.kind", "magic"), ("environment.lock", "../../../../../etc/passwd"),
        ("jobs.0.facts", {"gate": [["logits", -1.0, 1e-5, True]]}),
        ("jobs.0.facts", {"unsynchronised_share": "none"}),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_what_pages_need_of_a_run_record_has_its_type(path, document, where, value):
    writing.write(path, [row()], document)
    document["jobs"] = [dict(JOB)]
    *parents, last = where.split(".")
    place = document
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    path.with_suffix(".json").write_text(json.dumps(document))
    name = where.replace(".0.", "[0].").partition(".facts")
    assert any("".join(name[:2]) in problem.found for problem in validation.validate(path))


# --------------------------------------------------------------------------- links and other files


@pytest.mark.parametrize(
    "name", ["._{}", ".~lock.{}#", ".DS_Store", "Thumbs.db", ".hidden/{}", ".ipynb_checkpoints/{}"]
)
def test_what_other_programs_leave_is_no_result(good, tmp_path, name):
    litter = good.parent / name.format(good.name)
    litter.parent.mkdir(exist_ok=True)
    litter.write_bytes(b"\x00\x05\x16\x07")
    assert reading.find(tmp_path) == [good]
    assert len(reading.load(tmp_path).files) == 1


def test_capitals_are_named(good, tmp_path):
    good.replace(good.with_suffix(".CSV"))
    (found,) = reading.find(tmp_path)
    assert "<run" not in str(found)
    assert "path" in validation.validate(found)[0].found


@pytest.mark.parametrize("depth", range(4))
def test_linked_folders_and_files_are_read(good, tmp_path, depth):
    """The machine's folder, the framework's, the release's, or the files alone."""
    disk, results = tmp_path / "disk", tmp_path / "results"
    good.parents[2].replace(disk)
    parts = good.relative_to(good.parents[3]).with_suffix("").parts
    place = results.joinpath(*parts[: depth + 1])
    place.parent.mkdir(parents=True)
    target = disk.joinpath(*parts[1 : depth + 1])
    suffixes = (".csv", ".json") if depth == 3 else ("",)
    for suffix in suffixes:
        Path(f"{place}{suffix}").symlink_to(f"{target}{suffix}")
    (found,) = reading.find(results)
    assert validation.validate(found) == []
    assert len(reading.load(results).files) == 1


def test_the_folder_of_results_may_be_a_link(good, tmp_path_factory):
    link = tmp_path_factory.mktemp("elsewhere") / "results"
    link.symlink_to(good.parents[3])
    assert len(reading.find(link)) == 1


def test_links_in_a_circle_or_to_nowhere_are_named(good, tmp_path):
    link = good.parent / "again"
    link.symlink_to(good.parents[3])
    with pytest.raises(InputError, match="a link to a folder that holds it") as caught:
        reading.find(tmp_path)
    assert caught.value.file.endswith("again")
    link.unlink()
    (tmp_path / "unmounted").symlink_to("/nowhere/at/all")
    with pytest.raises(InputError, match="unmounted: found a link that leads nowhere"):
        reading.find(tmp_path)
    with pytest.raises(InputError, match="a folder that can be read"):
        reading.find(tmp_path / "unmounted")


# ------------------------------------------------------------------------ caching and selection


def test_files_are_parsed_once_and_again_when_changed(good, document, monkeypatch):
    calls = []
    real = reading._parse
    monkeypatch.setattr(reading, "_parse", lambda *a: calls.append(1) or real(*a))
    spoil(good, b",0.5,", b",0.123,")  # a content that no other test has put into the cache
    first = parsed(good)
    assert parsed(good) is first
    good.touch()  # same content, other time
    assert parsed(good) is first
    assert len(calls) == 1
    writing.write(good, [row(value=9.0)], document)
    assert read(good)["value"].tolist() == [9.0]
    assert len(calls) == 2


def test_every_cell_of_a_parsed_file_is_that_of_the_file(tmp_path):
    for path in write_sample(tmp_path, rows_scale=0.1, runs=2):
        frame = read(path)
        assert writing.encode(
            row | {"value": None if row["value"] is None else float(row["value"])}
            for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
        ) == path.read_bytes()  # fmt: skip


@pytest.mark.parametrize("which", [0, 2, 5])
def test_one_bad_file_among_many_is_named(tmp_path, which):
    paths = write_sample(tmp_path, rows_scale=0.1, runs=2)
    data = paths[which].read_bytes()
    lines = data.split(b"\n")
    lines[7] = lines[7].replace(b",ok,", b",OK,")
    paths[which].write_bytes(b"\n".join(lines))
    with pytest.raises(InputError) as caught:
        reading.load(tmp_path)
    assert (caught.value.file, caught.value.line) == (str(paths[which]), 8)
    paths[which].write_bytes(data)
    assert len(reading.load(tmp_path).files) == 6


def test_exchanged_files_are_noticed(tmp_path):
    first, second, *_ = write_sample(tmp_path, rows_scale=0.1, runs=2, frameworks=(PAIRED,))
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    with pytest.raises(InputError, match="as the path says"):
        reading.load(tmp_path)


def test_the_peak_above_import_is_derived_where_it_was_not_measured(path, document, tmp_path):
    def process(block, **sizes):
        return [
            row(section="memory", unit="B", block=block, metric=metric)
            | (size if isinstance(size, dict) else {"value": size})
            for metric, size in sizes.items()
        ]

    gap = {"value": None, "status": "unsupported", "reason": "this system has no /proc"}
    measured = [
        *process(0, peak_rss=300.0, rss_imported=120.0),
        *process(1, peak_rss=310.0, rss_imported=120.0, peak_above_import=191.0),
        *process(2, peak_rss=320.0),
        *process(3, peak_rss=gap, rss_imported=120.0),
        *process(4, rss_imported=120.0),
    ]
    writing.write(path, measured, document)
    before = path.read_bytes()
    found = selection.select(reading.load(tmp_path))
    above = found[found["metric"] == "peak_above_import"].sort_values("block")
    assert above["block"].tolist() == [0, 1, 3]
    assert above["value"].tolist()[:2] == [180.0, 191.0]
    (reason,) = above[above["status"] != "ok"]["reason"]
    assert reason == gap["reason"]
    assert len(found) == len(measured) + 2
    assert path.read_bytes() == before


def test_the_newest_run_of_each_configuration_is_shown(path, document, tmp_path):
    def run(number, rows, profile="full"):
        name = f"2026010{number}T000000Z-0a1b2c"
        rows = [r | {"run": name} for r in rows]
        writing.write(
            path.with_name(f"{name}.csv"), rows, document | {"run": name, "profile": profile}
        )
        return f"box/{GRAPH}/1.0.5/{name}"

    other = {"lane": "threads-all"}
    one = run(1, [row(), row(**other), row(section="memory", metric="peak_rss", unit="B")])
    two = run(2, [row(value=2.0), row(value=8.0, sample=1, **other)], profile="quick")
    run(3, [row(value=3.0), row(case="again", value=3.5)], profile="aa")
    four = run(4, [row(value=4.0, flags="disturbed partial"), row(value=5.0, mode="new")])
    found = selection.select(reading.load(tmp_path))
    shown = sorted(zip(found["provenance"], found["mode"], found["value"], strict=True))
    assert shown == [
        (one, "compiled", 0.5),  # memory was measured in the first run only
        (two, "compiled", 2.0),  # its successor was interrupted
        (two, "compiled", 8.0),
        (four, "new", 5.0),
    ]
    assert dict(zip(found["provenance"], found["profile"], strict=True)) == {
        one: "full", two: "quick", four: "full"
    }  # fmt: skip
    assert set(found["code"]) == {document["code_sha256"]["lenet"]}
    study = selection.study(reading.load(tmp_path))
    assert study["value"].tolist() == [3.0, 3.5]
    assert set(study["profile"]) == {"aa"}


def test_a_run_that_goes_on_is_shown_only_where_no_finished_one_has_anything(
    path, document, tmp_path
):
    def run(number, rows, finished):
        name = f"2026010{number}T000000Z-0a1b2c"
        rows = [r | {"run": name} for r in rows]
        facts = document | {"run": name, "finished": finished and document["finished"]}
        writing.write(path.with_name(f"{name}.csv"), rows, facts)

    run(1, [row(value=1.0)], finished=True)
    run(2, [row(value=2.0)], finished=True)
    run(3, [row(value=3.0), row(value=4.0, mode="new")], finished=None)
    found = selection.select(reading.load(tmp_path))
    assert sorted(found["value"]) == [2.0, 4.0]


def test_failures_supersede_older_success(path, document, tmp_path):
    writing.write(path, [row()], document)
    later = RUN.replace("20260101", "20260202")
    failed = row(run=later, value=None, status="failed", reason="no")
    writing.write(path.with_name(f"{later}.csv"), [failed], document | {"run": later})
    assert selection.select(reading.load(tmp_path))["status"].tolist() == ["failed"]


def test_nothing_measured_yet(tmp_path):
    nothing = reading.load(tmp_path / "none")
    frame = selection.select(nothing)
    assert frame.empty
    assert [*schema.COLUMNS, "profile", "code", "provenance"] == list(frame.columns)
    assert selection.study(nothing).empty


def test_a_header_alone_is_a_valid_file(path, document, tmp_path):
    writing.write(path, [], document)
    assert read(path).empty
    assert validation.validate(path) == []
    assert selection.select(reading.load(tmp_path)).empty


def test_a_sample_tree_is_valid_and_has_everything(tmp_path):
    paths = write_sample(tmp_path, rows_scale=0.1, runs=2)
    assert [problem for path in paths for problem in validation.validate(path)] == []
    loaded = reading.load(tmp_path)
    frame = selection.select(loaded)
    assert set(frame["status"]) == {"ok", "unsupported", "failed", "wrong", "skipped"}
    assert frame["reason"].astype(str).str.contains("<script>alert(1)</script>", regex=False).any()
    assert "partial" not in set(frame["flags"])
    assert frame["run"].nunique() == 1
    assert set(frame["provenance"]) <= set(loaded.records)
    assert len(loaded.files) == 6
    (log,) = sorted(tmp_path.rglob("*.log"))[-1:]
    assert HOSTILE in log.read_text()


def test_samples_are_the_same_every_time(tmp_path):
    first, second = (write_sample(tmp_path / name, rows_scale=0.1) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_what_the_gate_found_wrong_is_withheld_on_every_page(tmp_path):
    write_sample(tmp_path, oddities=False, rows_scale=0.1)
    shown = selection.select(reading.load(tmp_path))
    assert selection.withhold(shown) is shown
    mine = (shown["mode"] == "hybrid") & (shown["lane"] == "threads-all")
    gate = mine & (shown["metric"] == "gate")
    shown["status"] = shown["status"].astype(str)
    in_r = shown.copy()
    in_r.loc[gate & (shown["section"] == "r"), "status"] = "wrong"
    in_r["status"] = in_r["status"].astype("category")
    assert selection.withhold(in_r) is in_r, "a script in R says nothing about Python"
    shown.loc[gate & (shown["section"] == "lenet"), "status"] = "wrong"
    shown["status"] = shown["status"].astype("category")
    withheld = selection.withhold(shown)
    elsewhere = mine & (shown["section"] != "lenet") & (shown["status"] == "ok")
    assert set(shown[elsewhere]["section"]) == {
        "memory", "compile", "versus", "depth", "r", "highlevel", "operators", "control",
        "custom", "reuse", "parallel",
    }  # fmt: skip
    assert set(withheld[elsewhere]["status"]) == {"wrong"}
    assert set(withheld[elsewhere]["reason"]) == {"this mode fails verification"}
    assert withheld[~elsewhere].astype(str).equals(shown[~elsewhere].astype(str))


def test_a_replicate_of_a_case_stands_with_the_case(path, document, tmp_path):
    cases = ("depth 2", "again depth 2", "depth 8")
    rows = [row(section="depth", case=case, value=1.0) for case in cases]
    rows += [row(section="lenet", case=case, value=1.0) for case in ("", "again")]
    writing.write(path, rows, document)
    shown = selection.select(reading.load(tmp_path))
    found = selection.replicates(shown)
    assert {("depth", "depth 2"), ("depth", "again depth 2"), ("lenet", "again")} <= set(
        zip(found["section"].astype(str), found["case"].astype(str), strict=True)
    )
    # How steps repeat is studied on LeNet's: a sweep takes few samples.
    assert set(selection.study(reading.load(tmp_path), shown)["section"]) == {"lenet"}


def test_replicates_of_a_full_run_are_an_aa_study_too(tmp_path):
    write_sample(tmp_path, rows_scale=0.1)
    shown = selection.select(reading.load(tmp_path))
    replicates = selection.replicates(shown)
    assert (
        selection.study(reading.load(tmp_path), shown)
        .astype(str)
        .equals(replicates.reset_index(drop=True).astype(str))
    )
    assert set(replicates["case"]) == {"", "again"}
    configurations = replicates[["framework", "mode", "lane", "metric"]].astype(str)
    for case in ("", "again"):
        half = configurations[(replicates["case"] == case).to_numpy()].drop_duplicates()
        assert len(half) == len(configurations.drop_duplicates())


@pytest.mark.parametrize("lock", ["../../1-cpu.txt", "/etc/passwd", "a" * 300 + ".txt", "x.md", 3])
def test_a_lock_s_name_leads_nowhere_else(good, document, lock):
    """Reading refuses it as well: the file of that name is published."""
    document["environment"]["lock"] = lock
    good.with_suffix(".json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"environment\.lock"):
        run_record.read_run_record(good)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_is_not_finite_is_named(good, document, number):
    document["seconds"] = 1234.5
    text = json.dumps(document).replace("1234.5", number)
    good.with_suffix(".json").write_text(text)
    assert "found the number" in str(validation.validate(good)[0])


@pytest.mark.parametrize("escaped", ["\\ud800", "\\udfff", "\\ud800\\ud800", "x\\udc00y"])
@pytest.mark.parametrize("build", [{"key": "HERE"}, {"HERE": "value"}])
def test_half_a_character_is_named(good, document, escaped, build):
    """JSON can say what no UTF-8 file can hold."""
    document["build"] = build
    good.with_suffix(".json").write_text(json.dumps(document).replace("HERE", escaped))
    assert "found character U+D" in str(validation.validate(good)[0])
    spoil(good, b"lenet", b"\xed\xa0\x80")
    assert "byte 0xed that is not UTF-8" in str(validation.validate(good)[0])


def test_a_lane_that_its_device_has_not_is_named_once(good):
    (problem,) = validation.validate(good, lanes={"cpu": ("threads-all",)})
    assert ":2: found lane 'threads-1'; expected one of threads-all" in str(problem)
    assert validation.validate(good, lanes={"cpu": ("threads-1",)}) == []
