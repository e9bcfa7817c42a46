"""The run, with workers that do whatever they like: their words in a file, our rows on disk."""

import io
import itertools
import json
import os
import shlex
import sys
import time
import urllib.parse
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator import subprocesses
from generator.catalog import loader, model
from generator.errors import EnvironmentMissing, InputError
from generator.measure import (
    environments,
    estimates,
    gpu_log,
    history,
    job_outcome,
    obstacles,
    plan,
    runner,
    worker_launch,
    worker_output,
)
from generator.measure import request as measuring
from generator.measure import run_record as measured_run
from generator.measure.plan import Job
from generator.measure.profiles import Profile
from generator.measure.request import Request, prepare
from generator.measure.run_record import RunRecord
from generator.results import reading as results
from generator.results import row_checks, run_record, schema, validation, writing
from generator.subprocesses import Finished
from measurements import lenet
from tests.conftest import PRETEND, ROOT

CATALOG = loader.load(frameworks=PRETEND)
JOB = Job("pretend", "1.0", "eager", "cpu", "threads-all", ("compile", "lenet"), "warm", 0)
TWICE = Profile("quick", 3, 2, {"cpu": ("threads-all",), "cuda": ("resident",)}, 1, 0, "one", "")
TINY = replace(TWICE, replicates="none")


def row(metric="ready_time", section="compile", unit="s", value=1.5, **changes):
    entry = {
        "section": section, "case": "warm" if section == "compile" else "", "metric": metric,
        "unit": unit, "sample": None, "value": value, "status": "ok", "reason": "",
    }  # fmt: skip
    return {"row": {**entry, **changes}}


DONE = {"done": True}
VERIFIED = {"fact": {"k": 1}}, row("gate", "lenet", "verdict", 1)


def lines(*entries):
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


@pytest.fixture
def read(tmp_path):
    def reading(data):
        return worker_output.read_rows(io.BytesIO(data), JOB, CATALOG)

    return reading


# ---------------------------------------------------------------------------------- what is read


def test_good_lines_are_rows_and_facts(read):
    fact = {"fact": {"python": "3.8.1", "k": 3}}
    rows, facts, problem = read(lines(fact, row(), row("step_time", "lenet", sample=4), DONE))
    assert problem == ""
    assert facts == {"python": "3.8.1", "k": 3, "done": True}
    assert [(r["section"], r["metric"], r["sample"], r["value"]) for r in rows] == [
        ("compile", "ready_time", None, 1.5),
        ("lenet", "step_time", 4, 1.5),
    ]


def test_a_row_that_is_not_ok_keeps_its_reason_and_loses_its_value(read):
    data = lines(
        row(status="failed", reason="a\nb", value=3.0),
        row("gate", "lenet", "verdict", 0.0, status="wrong", reason="off"),
    )
    rows, _, problem = read(data)
    assert problem == ""
    assert [(r["value"], r["reason"]) for r in rows] == [(None, "a b"), (0.0, "off")]


@pytest.mark.parametrize(
    "bad",
    [
        b"rubbish\n", b"\xff\xfe\n", b"\n", b"3\n", b"null\n", b"[]\n", b"{}\n", b'{"row": 3}\n',
        b'{"row": {"section": "lenet", "metric": "spee', b"[" * 100_000 + b"\n",
        b'{"a": 1, "b": 2}\n', b'{"fact": 3}\n', b'{"other": {}}\n', b"9" * 5000 + b"\n",
        b'{"row": ' + b'{"value": ' + b"9" * 400 + b"}}\n",
        lines(row(value=10**400)), lines(row(value=float("nan"))), lines(row(value=float("inf"))),
        lines(row(value=True)), lines(row(value="1.5")), lines(row(value=None)),
        lines(row(value=[])), lines(row(section="memory")), lines(row(section=["compile"])),
        lines(row(section=None)), lines(row("speed")), lines(row(["ready_time"])),
        lines(row(unit="ms")), lines(row(unit=None)),
        lines(row(status="excellent")), lines(row(status=["ok"])), lines(row(status={})),
        lines(row(status="failed", value=None)), lines(row(status="failed", value=[], reason="x")),
        lines(row(sample=-1)), lines(row(sample=0.5)), lines(row(sample=True)),
        lines(row(sample=10**7)), lines(row(sample="0")),
        lines({"fact": {"windows": 3}}), lines({"fact": {"windows": [[1]]}}),
        lines({"fact": {"memory_windows": [[1]]}}),
        lines({"fact": {"windows": [["a", "b"]]}}), lines({"fact": {"build": 3}}),
        lines({"fact": {"threads_read_back": [1]}}), lines({"fact": {"windows": [[0, None]]}}),
        b'{"fact": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}\n",
        lines(row("step_time", "lenet", sample=1), row("step_time", "lenet", sample=1)),
    ],
)  # fmt: skip
def test_nonsense_ends_the_reading_with_the_line_and_keeps_what_was_before(read, bad):
    good = lines({"fact": {"k": 1}}, row())
    rows, facts, problem = read(good + bad + lines(row(value=99.0)))
    assert problem.startswith(("result file line 3: found", "result file line 4: found"))
    assert len(problem) < 300
    problem.encode()
    assert rows[0]["value"] == 1.5
    assert all(r["value"] != 99.0 for r in rows)
    assert facts == {"k": 1}


ODD = (
    None, True, 3, -1, 2.5, 1e301, 10**400, "text", [], {}, [[]], [[1, 2]], {"a": None}, {"a": "b"},
    {"a": [1]}, {"a": 10**400}, ["logits", 0.1, 1.0, True], [["logits", None, 1.0, True]],
    [["logits", 0.1, 1.0, 1]], [["logits", -0.1, 1.0, True]], [["logits", 0.1, None, True]],
    [[3, 0.1, 1.0, True]], [["logits", 0.1, 1.0]],
)  # fmt: skip
FACTS = json.loads(run_record.SCHEMA_FILE.read_text())["properties"]["jobs"]["items"]["properties"]
FACTS = sorted({*FACTS["facts"]["properties"], "build", "k", "threads_read_back", "gate_after"})


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_is_recorded_is_one_that_check_accepts(stage, read, name):
    """A worker may say anything: what would be refused later is refused at once."""
    stage.run()
    record, kept = stage.document(), 0
    for value in ODD:
        _, facts, problem = read(lines({"fact": {name: value}}))
        assert (name in facts) != problem.startswith("result file line 1: found")
        if name not in facts:
            continue
        kept += 1
        place = {"threads_read_back": "threads", "k": "k"}.get(name, "facts")
        said = {"build": facts[name]} if name == "build" else {}
        job = record["jobs"][0] | {place: facts if place == "facts" else facts[name]}
        changed = record | said | {"jobs": [job]}
        assert list(validation.schema_problems(changed, Path("x.json"))) == [], value
    assert 0 < kept < len(ODD)


def test_a_number_without_a_sample_comes_once(read):
    rows, _, problem = read(lines(row(), row(value=2.5), DONE))
    assert "line 2: found ready_time a second time" in problem
    assert [r["value"] for r in rows] == [1.5]


def test_numbers_of_other_jobs_and_of_none_are_known(tmp_path):
    content = dict.fromkeys(("run", "framework", "version", "device"), "x") | {
        "machine": {"id": "box"}
    }
    record = RunRecord(tmp_path / "x.csv", content)
    record.add([{"section": "compile", "case": "downloaded", "metric": "size", "status": "ok"}])
    record.add([row()["row"], row(metric="gate", status="wrong", reason="off")["row"]], JOB)
    record.add([row(section="lenet", metric="gate")["row"]], replace(JOB, block=1))
    assert record.samples(JOB) == {("compile", "warm", "ready_time", "")}


def test_odd_texts_and_numbers_in_facts_and_cases_are_cleaned(read):
    odd = {"build": {"flags": "a\x1b[31m\x00\nb\ud800\u202e"}, "other": [float("nan"), 1.0]}
    rows, facts, problem = read(lines({"fact": odd}, row(case="a\nb\u202e" + "x" * 99), DONE))
    assert problem == ""
    assert facts == {"build": {"flags": "a[31m\nb"}, "other": [None, 1.0], "done": True}
    assert rows[0]["case"].startswith("a b x")
    assert len(rows[0]["case"]) == 40


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
entries = st.one_of(
    json_values,
    st.builds(
        lambda changes: {"row": {**row()["row"], **changes}},
        st.dictionaries(st.sampled_from(list(row()["row"])), json_values, max_size=3),
    ),
    st.builds(
        lambda facts: {"fact": facts},
        st.dictionaries(
            st.sampled_from(
                ["build", "windows", "threads_read_back", "k", "affinity", "done", "x"]
            ),
            json_values,
        ),
    ),
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(entries, max_size=4).map(lambda found: lines(*found)),
        st.lists(entries, max_size=3).map(lambda found: lines(*found)[:-7]),
    )
)
@example(lines(row(value=10**400)))
def test_anything_can_be_read_and_what_is_accepted_can_be_written(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    rows, facts, _ = worker_output.read_rows(io.BytesIO(data), JOB, CATALOG)
    path = folder / "box" / "pretend" / "1.0" / "20260101T000000Z-abcdef.csv"
    names = {"machine": "box", "framework": "pretend", "version": "1.0", "run": path.stem}
    table = writing.encode({**names, "device": "cpu", **found} for found in rows)
    assert list(row_checks.row_problems(table, schema.Where.of(path))) == []
    json.dumps(facts, allow_nan=False).encode()


# ----------------------------------------------------------------------------- a run, played


DATA, WEIGHTS = history.load_data(None), lenet.initial_parameters()


class Stage:
    """Runs plans whose workers are played by a function (job, out) -> Finished."""

    def __init__(self, tmp_path, monkeypatch):
        self.results, self.started = tmp_path / "results", []
        monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(subprocesses, "run", self.process)
        monkeypatch.setattr(environments.subprocesses, "run", self.process)
        monkeypatch.setattr(measured_run, "load_data", lambda folder: DATA)
        monkeypatch.setattr(lenet, "initial_parameters", lambda: WEIGHTS)
        self.worker = self.good

    def process(self, command, **options):
        command = [str(word) for word in command]
        if "measurements.worker" in command:
            job = json.loads(Path(command[-2]).read_text())
            self.started.append((job, options))
            return self.worker(job, Path(command[-1]))
        if "measurements.ceiling" in command:
            return Finished(0, "1e12\n", 0.1)
        if "--show-toplevel" in command:
            return Finished(0, f"{loader.ROOT}\n", 0.1)
        return Finished(0, "0123abc\n" if "rev-parse" in command else "", 0.1)

    def good(self, job, out):
        for section in job["sections"]:
            metric = {"compile": "ready_time", "lenet": "step_time", "memory": "peak_rss"}[section]
            unit = {"memory": "B"}.get(section, "s")
            case = job["start"] if section == "compile" else job["case"]
            with out.open("ab") as file:
                case = f"{job['mark']} {case}".strip()
                file.write(lines(row(metric, section, unit, case=case)))
                if section == "lenet":
                    gate = row("gate", "lenet", "verdict", 1, case=case)
                    file.write(lines({"fact": {"k": 1}}, gate))
        return self.end(out)

    @staticmethod
    def end(out, *entries, code=0, log="", **changes):
        with out.open("ab") as file:
            file.write(lines(*entries, *([DONE] if code == 0 else [])))
        return Finished(code, log, 60.0, **changes)

    def plan(self, sections=("compile",), modes=("eager",), profile=TINY, device="cpu", seed=7):
        framework = CATALOG.framework("pretend")
        return plan.make(
            [(framework, framework.newest)], [CATALOG.section(id) for id in sections],
            modes=modes, device=device, lanes=(), profile=profile, seed=seed,
        )  # fmt: skip

    def request(self, **changes):
        return Request(
            results=self.results, command="generator measure",
            **{"environment": "current", **changes},
        )  # fmt: skip

    def run(self, **changes):
        return runner.run(self.plan(**changes), self.request(), CATALOG)

    def rows(self):
        (path,) = results.find(self.results)
        assert validation.validate(path) == []
        return row_checks.rows(path)

    def document(self):
        (path,) = results.find(self.results)
        return run_record.read_run_record(path)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    return Stage(tmp_path, monkeypatch)


def test_a_good_run_is_finished_and_says_how_it_was_made(stage):
    outcome = stage.run(modes=("eager", "honest"))
    assert outcome.counts == {"ok": 8}
    assert not outcome.failed
    document = stage.document()
    assert document["finished"]
    assert document["run"] == outcome.run
    assert document["repository"] == {"commit": "0123abc", "dirty": False}
    assert document["settings"]["blocks"] == 3
    assert [job["order"] for job in document["jobs"]] == list(range(8))
    assert {job["start"] for job in document["jobs"]} == {"cold", "warm"}
    assert len({job["hash_seed"] for job in document["jobs"]}) == 8
    rows = stage.rows()
    assert {r["case"] for r in rows} == {"cold", "warm"}
    assert {r["block"] for r in rows} == {"0", "1", "2"}
    assert {r["flags"] for r in rows} == {""}


def test_a_worker_inherits_what_is_agreed_and_nothing_else(stage, monkeypatch):
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "5")
    monkeypatch.setenv("PYTHONSTARTUP", "/tmp/x")
    stage.run()
    for job, options in stage.started:
        env = options["env"]
        assert "MKL_DEBUG_CPU_TYPE" not in env
        assert "PYTHONSTARTUP" not in env
        assert env["PYTHONNOUSERSITE"] == "1"
        assert env["OMP_NUM_THREADS"] == str(job["settings"]["threads"])
    # The size of the environment moves the stack: it must differ between processes.
    assert len({len(options["env"]["MEASUREMENT_PADDING"]) for _, options in stage.started}) > 1
    assert len({options["env"]["PYTHONHASHSEED"] for _, options in stage.started}) > 1


def test_a_worker_on_the_processor_and_all_that_it_starts_find_no_gpu(stage, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    stage.run()
    assert {options["env"]["CUDA_VISIBLE_DEVICES"] for _, options in stage.started} == {"-1"}
    assert gpu_log.visible(stage.started[0][1]["env"], [gpu_log.Gpu("A GPU", "1", 2**30)]) == []


@pytest.mark.parametrize(
    ("own", "together"), [(False, "/locked/lib:/driver/lib"), (True, "/driver/lib:/locked/lib")]
)
def test_the_search_path_of_libraries_is_extended_and_never_replaced(own, together):
    basis = {"LD_LIBRARY_PATH": "/driver/lib", "HOME": "/home/me"}
    declared = {"LD_LIBRARY_PATH": "/locked/lib", "OMP_NUM_THREADS": "2"}
    found = worker_launch.merged(basis, declared, own=own)
    assert found == {"HOME": "/home/me", "OMP_NUM_THREADS": "2", "LD_LIBRARY_PATH": together}
    assert worker_launch.merged({}, declared, own=own) == declared
    assert worker_launch.merged({"LD_LIBRARY_PATH": ""}, declared, own=own) == declared
    assert worker_launch.merged(basis, {}, own=own) == basis


def test_only_our_own_interpreter_finds_its_packages_by_variables(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/modules")
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    own = worker_launch.inherited(Path("/extra"), own=True)
    assert own["PYTHONPATH"].split(os.pathsep) == [str(loader.ROOT), "/modules", "/extra"]
    assert own["CONDA_PREFIX"] == "/conda"
    locked = worker_launch.inherited(own=False)
    assert locked["PYTHONPATH"] == str(loader.ROOT)
    assert "CONDA_PREFIX" not in locked


def test_cold_caches_are_emptied_and_warm_ones_are_kept(stage):
    seen = []

    def worker(job, out):
        cache = Path(job["settings"]["cache"])
        seen.append((job["start"], len(list(cache.iterdir()))))
        (cache / f"{len(seen)}.so").touch()
        return stage.good(job, out)

    stage.worker = worker
    stage.run()
    assert seen == [("cold", 0), ("warm", 1), ("warm", 2), ("warm", 3)]
    seen.clear()
    stage.run()
    assert seen[0] == ("cold", 0)


@pytest.mark.parametrize(
    ("finished", "status", "said"),
    [
        (Finished(-11, "Segmentation", 1.0), "failed", "SIGSEGV"),
        (Finished(-9, "", 600.0, timed_out=True), "timeout", "timed out after 600 s"),
        (Finished(-9, "", 1.0, too_large=True), "failed", "SIGKILL"),
        (Finished(1, "Traceback", 1.0), "failed", "exit code 1"),
        (Finished(0, "", 1.0), "failed", "without its last line"),
        (Finished(127, "no such file", 0.0), "failed", "exit code 127"),
    ],
)
def test_a_bad_end_is_a_row_a_log_and_no_second_try(stage, finished, status, said):
    stage.worker = lambda job, out: finished
    outcome = stage.run()
    assert outcome.failed
    assert outcome.counts == {status: 2, "skipped": 2}
    rows = stage.rows()
    first = [r for r in rows if r["block"] == "0"]
    assert {r["status"] for r in first} == {status}
    if not finished.too_large:
        assert all(said in r["reason"] for r in first)
    later = [r for r in rows if r["block"] != "0"]
    assert {r["status"] for r in later} == {"skipped"}
    assert all("not tried again" in r["reason"] for r in later)
    (path,) = results.find(stage.results)
    logs = [job["log"] for job in stage.document()["jobs"] if job["log"]]
    assert len(logs) == 2
    assert all((path.parent / log).read_text() for log in logs)


def test_a_file_that_grew_too_large_says_so(stage):
    stage.worker = lambda job, out: Finished(-9, "", 1.0, too_large=True)
    stage.run()
    assert "beyond the limit" in stage.rows()[0]["reason"]


@pytest.mark.parametrize(
    "bad",
    [
        b"rubbish", b"\xff\n", lines(row(value=10**400)), lines({"fact": {"windows": 3}}),
        lines({"fact": {"build": [1]}}), lines({"fact": {"k": 10**300}}),
        lines({"fact": {"k": 1.5}}), lines({"fact": {"threads_read_back": 3}}),
        lines({"fact": {"windows": [[1]]}}),
        lines(row(case="cold", sample=1), row(case="cold", sample=1)),
    ],
)  # fmt: skip
def test_nonsense_from_one_mode_does_not_touch_the_others(stage, bad):
    def worker(job, out):
        if job["settings"]["mode"] == "honest":
            out.write_bytes(bad)
            return stage.end(out)
        return stage.good(job, out)

    stage.worker = worker
    outcome = stage.run(modes=("eager", "honest"))
    assert outcome.counts == {"ok": 4, "failed": 2, "skipped": 2}
    rows = stage.rows()
    assert {r["status"] for r in rows if r["mode"] == "eager"} == {"ok"}
    assert any("result file line" in r["reason"] for r in rows if r["mode"] == "honest")
    assert stage.document()["finished"]


def test_odd_facts_of_a_framework_do_not_reach_the_run_record(stage):
    odd = {"fact": {"build": {"a": "\x00\ud800\x1b"}, "other": float("inf")}}

    def worker(job, out):
        out.write_bytes(lines(odd))
        return stage.good(job, out)

    stage.worker = worker
    assert stage.run().counts == {"ok": 4}
    assert stage.document()["build"] == {"a": ""}


def test_one_wrong_case_of_a_sweep_invalidates_no_other(stage):
    def worker(job, out):
        return stage.end(
            out,
            *VERIFIED,
            row("gate", "lenet", "verdict", 1, case="batch 1"),
            row("step_time", "lenet", sample=0, case="batch 1"),
            row("step_time", "lenet", sample=0, case="batch 8"),
            row("evaluation_time", "lenet", sample=0, case="batch 8"),
            row("step_time", "lenet", value=None, case="batch 8", status="wrong", reason="loss"),
        )

    stage.worker = worker
    outcome = stage.run(sections=("lenet",))
    assert outcome.counts == {"wrong": 3}
    found = [(r["case"], r["metric"], r["status"]) for r in stage.rows() if r["sample"] == "0"]
    assert set(found) == {
        ("batch 1", "step_time", "ok"),
        ("batch 8", "step_time", "wrong"),
        ("batch 8", "evaluation_time", "wrong"),
    }


def test_wrong_results_are_a_finding_and_their_times_no_times(stage):
    def worker(job, out):
        return stage.end(
            out,
            {"fact": {"k": 1}},
            row("step_time", "lenet", sample=0),
            row("gate", "lenet", "verdict", 0, status="wrong", reason="logits: error 1"),
        )

    stage.worker = worker
    outcome = stage.run(sections=("lenet",))
    assert not outcome.failed
    assert outcome.counts == {"wrong": 1, "skipped": 2}
    assert outcome.findings
    step = [r for r in stage.rows() if r["metric"] == "step_time" and r["block"] == "0"]
    assert {r["status"] for r in step} == {"wrong"}


def test_forged_samples_are_a_failure_whatever_verification_finds(stage):
    stage.worker = lambda job, out: stage.end(
        out,
        {"fact": {"k": 1}},
        row("step_time", "lenet", sample=1000),
        row("gate", "lenet", "verdict", 0, status="wrong", reason="logits: error 1"),
    )
    outcome = stage.run(sections=("lenet",))
    assert outcome.counts == {"failed": 1, "skipped": 2}
    assert "numbers are not 0 to 0" in outcome.failures[0]
    assert "ok" not in {r["status"] for r in stage.rows() if r["metric"] == "step_time"}


def test_unsupported_is_a_result(stage):
    stage.worker = lambda job, out: stage.end(
        out, row(status="unsupported", reason="no LeNet", value=None)
    )
    outcome = stage.run()
    assert outcome.counts == {"unsupported": 4}
    assert not outcome.failed


# --------------------------------------------------------------- what a worker does to its file

SECRET = '{"fact": {"nobody": "may read this"}}'


def replace_by_link(out, secret):
    out.unlink()
    out.symlink_to(secret)


def replace_by_hard_link(out, secret):
    out.unlink()
    out.hardlink_to(secret)


def replace_by_folder(out, secret):
    out.unlink()
    (out / "inside").mkdir(parents=True)


def replace_by_pipe(out, secret):
    out.unlink()
    os.mkfifo(out)


def replace_by_device(out, secret):
    out.unlink()
    out.symlink_to("/dev/zero")


def cut_off(out, secret):
    os.truncate(out, 0)


REPLACED = [
    lambda out, secret: out.unlink(), replace_by_link, replace_by_hard_link, replace_by_folder,
    replace_by_pipe, replace_by_device, cut_off,
]  # fmt: skip


@pytest.mark.parametrize("change", REPLACED)
@pytest.mark.parametrize("killed", [False, True])
def test_a_worker_that_replaces_its_file_fails_alone(stage, tmp_path, change, killed):
    """Or its generator is killed meanwhile: the next one finds what it left."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)

    def worker(job, out):
        if job["settings"]["mode"] == "honest":
            out.write_bytes(lines({"fact": {"k": 1}}, row()))
            change(out, secret)
            if killed:
                raise KeyboardInterrupt
            return Finished(0, "", 60.0)
        return stage.good(job, out)

    stage.worker = worker
    if killed:
        with pytest.raises(KeyboardInterrupt):
            stage.run(modes=("honest", "eager"))
        stage.worker = stage.good
        assert stage.run(modes=("honest", "eager")).counts["ok"] >= 4
        assert "partial" not in {r["flags"] for r in stage.rows()}
    else:
        counts = {"ok": 4, "failed": 2, "skipped": 2}
        assert stage.run(modes=("honest", "eager")).counts == counts
    (path,) = results.find(stage.results)
    assert "nobody" not in path.read_text() + path.with_suffix(".json").read_text()
    assert secret.read_text() == SECRET
    assert not list((environments.cache_folder() / "journal").iterdir())


# ------------------------------------------------------------------------- A/A replicates


def test_a_replicate_is_told_what_it_repeats_and_its_rows_bear_its_mark(stage):
    stage.run(profile=TWICE, sections=("compile", "lenet"))
    told = {(job["mark"], job["case"], job["start"]) for job, _ in stage.started}
    assert told == {("", "", "cold"), ("", "", "warm"), ("again", "", "warm")}
    cases = {(r["section"], r["case"]): set() for r in stage.rows()}
    for r in stage.rows():
        cases[r["section"], r["case"]].add(r["block"])
    assert cases["compile", "again warm"] == cases["lenet", "again"] == {"0", "1", "2"}
    assert cases["compile", "warm"] == cases["lenet", ""] == {"0", "1", "2"}
    assert {job["case"] for job in stage.document()["jobs"]} == {"", "again"}


def test_a_trial_gets_what_it_sets_a_cache_of_its_own_and_a_mark(stage, monkeypatch):
    pretend = CATALOG.framework("pretend")
    variant = model.Variant(
        "one", "eager", "ONE=1", "https://example.org", "tried", environment={"ONE": "{threads}"},
        options={"way": "other"},
    )  # fmt: skip
    varied = replace(pretend, variants=(variant,))
    monkeypatch.setitem(vars(CATALOG), "_frameworks", {"pretend": varied})
    stage.run(profile=replace(TINY, variants=True), sections=("compile", "lenet"))
    told = {(job["mark"], job["case"]): (job, options["env"]) for job, options in stage.started}
    assert told.keys() == {("", ""), ("with one", "")}
    (plain, _), (trial, environment) = told["", ""], told["with one", ""]
    assert environment["ONE"] == str(trial["settings"]["threads"])
    assert (plain["settings"]["options"], trial["settings"]["options"]) == ({}, {"way": "other"})
    assert trial["settings"]["cache"] == plain["settings"]["cache"] + "-with-one"
    assert {r["case"] for r in stage.rows() if r["section"] == "lenet"} == {"", "with one"}


def test_a_replicate_that_dies_leaves_the_others_valid(stage):
    def worker(job, out):
        return stage.end(out, code=-11) if job["mark"] else stage.good(job, out)

    stage.worker = worker
    outcome = stage.run(profile=TWICE, sections=("compile", "lenet"))
    assert outcome.counts == {"ok": 4, "failed": 1, "skipped": 2}
    bad = {(r["section"], r["case"]) for r in stage.rows() if r["status"] != "ok"}
    assert bad == {("compile", "again warm"), ("lenet", "again")}


def test_a_replicate_is_resumed_like_any_job(stage):
    interrupted(stage, 4, profile=TWICE, sections=("compile", "lenet"))
    before = stage.document()
    stage.run(profile=TWICE, sections=("compile", "lenet"))
    ids = [job["id"] for job in stage.document()["jobs"]]
    assert len(ids) == len(set(ids)) == 7
    assert len([id for id in ids if "_again_" in id]) == 3
    assert len(stage.started) == 7 - len(before["jobs"])


@pytest.mark.parametrize(("case", "status"), [("again half", "ok"), ("again", "failed")])
def test_a_replicate_of_questions_that_gave_up_failed(case, status):
    """An answer about a case may be "failed"; without one, the section itself gave up."""
    asked = replace(JOB, sections=("control",), case="again")
    known = loader.load()
    name = next(iter(known.section("control").metrics))
    found = row(name, "control", "1", None, case=case, status="failed", reason="x")["row"]
    output = worker_output.WorkerOutput([found], {"done": True}, "")
    launched = worker_launch.Launched(Finished(0, "", 1.0), {})
    ended = job_outcome.of_process(asked, known, launched, output, {})
    assert ended.status == status


@pytest.mark.parametrize("case", ["", "again", "python", "again python"])
def test_r_drives_the_cases_that_are_not_pythons(stage, case):
    known = loader.load()
    made = stage.plan()
    launcher = worker_launch.Launcher(made, stage.request(), known)
    job = replace(JOB, framework="none", sections=("r",), case=case)
    program = [str(word) for word in launcher._program(job, environments.current())]
    assert ("Rscript" in program) == ("python" not in case)
    assert ("measurements.worker" in program) == ("python" in case)


@pytest.mark.parametrize(("load", "flags"), [(0.01, ""), (0.5, "disturbed")])
def test_a_block_with_foreign_load_is_marked(stage, load, flags):
    stage.worker = lambda job, out: stage.end(
        out,
        *VERIFIED,
        row("step_time", "lenet", sample=0),
        row("foreign_load", "lenet", "cores", load),
    )
    stage.run(sections=("lenet",))
    assert {r["flags"] for r in stage.rows()} == {flags}
    assert {job["disturbed"] for job in stage.document()["jobs"]} == {bool(flags)}
    assert {job["foreign_load"] for job in stage.document()["jobs"]} == {load}


def test_a_block_of_unknown_load_is_not_called_undisturbed(stage):
    stage.worker = lambda job, out: stage.end(out, *VERIFIED, row("step_time", "lenet", sample=0))
    stage.run(sections=("lenet",))
    assert {r["flags"] for r in stage.rows()} == {""}
    assert {job["disturbed"] for job in stage.document()["jobs"]} == {None}


@pytest.mark.parametrize(
    ("seconds", "cpu", "reason"),
    [
        (1e-3, 10.0, ""),
        (1e-3, None, ""),
        (1e-4, 10.0, "a step took 0.0001 s"),
        (1e-3, 1e-2, "a step used 1e-05 s of a processor"),
    ],
)
def test_times_that_cannot_be_are_wrong_whatever_the_worker_says(stage, seconds, cpu, reason):
    def worker(job, out):
        entries = {"fact": {"k": 1000}}, row("step_time", "lenet", value=seconds, sample=0)
        return replace(stage.end(out, *VERIFIED[1:], *entries), cpu=cpu)

    stage.worker = worker
    stage.run(sections=("lenet",))
    timed = [row for row in stage.rows() if row["metric"] == "step_time"]
    first = [row for row in timed if row["block"] == "0"]
    assert {row["status"] for row in first} == {"wrong" if reason else "ok"}
    assert {row["reason"].partition(";")[0] for row in first} == {reason}
    assert stage.document()["jobs"][0]["status"] == ("wrong" if reason else "ok")


@pytest.mark.parametrize(("kept", "taken"), [(1.5e12, 1.5e12), (1e15, 1e12), (1e3, 1e12)])
def test_a_ceiling_from_the_cache_must_be_plausible(stage, kept, taken):
    cores = worker_launch.machines.this().cores
    path = environments.cache_folder() / f"ceiling-{worker_launch.machines.this().id}-{cores}.json"
    path.parent.mkdir(parents=True)
    path.write_text(str(kept))
    stage.run(sections=("lenet",))
    told = [job["ceiling"] for job, _ in stage.started if job["settings"]["threads"] == cores]
    assert set(told) == {taken}
    assert float(path.read_text()) == taken


# ----------------------------------------------------------------------- stopped and resumed


def interrupted(stage, after, entries=(), **changes):
    """Run until ``after`` jobs are done; the next one writes ``entries`` and Ctrl-C comes."""

    def worker(job, out):
        if len(stage.started) > after:
            out.write_bytes(lines(*entries))
            raise KeyboardInterrupt
        return stage.good(job, out)

    stage.worker = worker
    with pytest.raises(KeyboardInterrupt):
        stage.run(**changes)
    stage.worker = stage.good
    stage.started.clear()


def test_an_interrupted_run_keeps_what_it_has_and_goes_on(stage):
    interrupted(stage, 2, [row("build_time"), row("import_time", case="half")])
    before, rows = stage.document(), stage.rows()
    assert before["finished"] is None
    assert len(before["jobs"]) == 2
    assert [r["flags"] for r in rows] == ["", "", "partial", "partial"]
    outcome = stage.run(seed=99)
    after = stage.document()
    assert outcome.run == before["run"]
    assert after["seed"] == before["seed"] == 7
    assert len(after["starts"]) == 2
    assert after["finished"]
    assert len(stage.started) == 2
    assert after["jobs"][:2] == before["jobs"]
    assert stage.rows()[: len(rows)] == rows
    assert [r["flags"] for r in stage.rows()[len(rows) :]] == ["resumed"] * 2


def test_a_continued_run_keeps_its_own_order(stage):
    modes = ("eager", "honest", "asynchronous")
    wanted = [job.id for job in stage.plan(modes=modes, seed=7).jobs]
    assert wanted != [job.id for job in stage.plan(modes=modes, seed=99).jobs]
    interrupted(stage, 4, modes=modes)
    stage.run(modes=modes, seed=99)
    assert [job["id"] for job in stage.document()["jobs"]] == wanted


def test_an_installation_is_recorded_once_wherever_the_generator_was_killed(stage, monkeypatch):
    here = replace(environments.current(), case="cached", install_seconds=2.0, size_bytes=3)
    here = replace(here, disturbed=True)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(environments, "current", lambda: here)
    with monkeypatch.context() as patch:
        patch.setattr("generator.measure.run_record.installed", killed)
        with pytest.raises(KeyboardInterrupt):
            stage.run()
    stage.run()
    rows = [row for row in stage.rows() if row["metric"].startswith("install")]
    assert [row["metric"] for row in rows] == ["install_time", "install_size"]
    assert {row["flags"] for row in rows} == {"disturbed"}


class Told(runner.Reporter):
    """Remembers what it is told."""

    def __init__(self):
        self.begun, self.blocks = (), []

    def begin(self, jobs, later, seconds):
        self.begun = [job.id for job in jobs], [job.id for job in later]

    def block(self, jobs):
        self.blocks.append(len(jobs))


def test_a_run_begins_nothing_that_would_end_too_late_and_the_next_goes_on(stage, monkeypatch):
    made, clock, told = stage.plan(modes=("eager", "honest")), [1000.0], Told()
    taken = estimates.durations(made, {})

    def worker(job, out):
        clock[0] += 2 * taken[next(j for j in made.jobs if j.id in str(out))]
        return stage.good(job, out)

    stage.worker = worker
    monkeypatch.setattr(runner.time, "monotonic", lambda: clock[0])
    enough = sum(taken.values())  # by estimate, and every process takes twice as long
    outcome = runner.run(made, stage.request(), CATALOG, told, 1000 + enough)
    assert told.begun == ([job.id for job in made.jobs], [])
    done = [job["id"] for job in stage.document()["jobs"]]
    assert 0 < len(done) < len(made.jobs)
    assert outcome.left == len(made.jobs) - len(done)
    last = next(job for job in made.jobs if job.id == done[-1])
    assert clock[0] - taken[last] <= 1000 + enough  # it took longer than anybody knew
    assert stage.document()["finished"] is None
    assert done == [job.id for job in made.jobs][: len(done)]

    again = runner.run(made, stage.request(), CATALOG, told, clock[0] + 1)
    assert told.begun == ([], [job.id for job in made.jobs][len(done) :])
    assert again.left == outcome.left
    assert again.run == outcome.run
    assert runner.run(made, stage.request(), CATALOG).left == 0
    assert stage.document()["finished"]
    assert sorted(job["id"] for job in stage.document()["jobs"]) == sorted(j.id for j in made.jobs)


def test_the_time_between_blocks_counts_and_is_told_after_every_block(stage):
    made, told = stage.plan(modes=("eager", "honest")), Told()
    runner.run(made, stage.request(), CATALOG, told)
    # After the leader and after each block but the last one: what follows is still to run.
    assert told.blocks == [6, 4, 2]
    told.pause = 1e6
    forced = stage.plan(modes=("eager", "honest"), seed=8)
    late = runner.run(forced, stage.request(), CATALOG, told, time.monotonic() + 1e5)
    assert (late.counts, late.left) == ({}, len(forced.jobs))


def test_leaders_start_warm_where_an_earlier_run_has_filled_their_caches(stage, monkeypatch):
    def starts():
        stage.started.clear()
        stage.run(modes=("honest",))
        return [job["start"] for job, _ in stage.started]

    assert starts() == ["cold", "warm", "warm", "warm"]
    assert starts() == ["warm", "cold", "warm", "warm"]
    monkeypatch.setattr(worker_launch, "code_hash", lambda *_: "other code")
    assert starts()[0] == "cold"
    stage.worker = lambda job, out: stage.end(out, code=1)
    assert starts()[0] == "warm"  # the caches of the run before
    assert starts()[0] == "cold"  # nothing tells what a process that failed has left


def test_a_page_that_is_waited_for_finds_caches_that_untimed_starts_have_filled(stage):
    made = stage.plan(modes=("honest",))
    outcome = runner.run(made, stage.request(early=True), CATALOG)
    jobs = [job for job, _ in stage.started]
    assert [job["start"] for job in jobs] == ["cold", "warm", "cold", "warm", "warm"]
    assert [job["ceiling"] for job in jobs] == [None, *[1e12] * 4], "it runs beside others"
    assert outcome.counts == {"ok": 4}
    assert [job["start"] for job in stage.document()["jobs"]] == ["warm", "cold", "warm", "warm"]
    # What is filled, or did not fill it, is not tried again.
    stage.started.clear()
    runner.run(made, stage.request(early=True, force=True), CATALOG)
    assert [job["start"] for job, _ in stage.started] == ["warm", "cold", "warm", "warm"]


def test_an_untimed_start_that_fails_leaves_the_failing_to_the_timed_one(stage):
    stage.worker = lambda job, out: stage.end(out, code=1)
    made = stage.plan(modes=("honest",))
    outcome = runner.run(made, stage.request(early=True), CATALOG)
    assert [job["start"] for job, _ in stage.started][:2] == ["cold", "cold"]
    assert outcome.counts["failed"]


def test_a_killed_generator_left_a_journal(stage):
    interrupted(stage, 1)
    document = stage.document()
    journal = environments.cache_folder() / "journal" / document["run"]
    journal.mkdir(parents=True, exist_ok=True)
    missing = next(job for job in stage.plan().jobs if job.id != document["jobs"][0]["id"])
    (journal / f"{missing.id}.1.jsonl").write_bytes(lines(row("import_time")) + b"torn li")
    stage.run()
    partial = [r for r in stage.rows() if r["flags"] == "partial"]
    assert [r["metric"] for r in partial] == ["import_time"]
    assert not journal.exists()


def test_a_generator_killed_between_rows_and_record_measures_the_job_once(stage):
    """The rows of the job are on disk, its end is not: it runs anew, and no row is there twice."""
    interrupted(stage, 1)
    (path,) = results.find(stage.results)
    earlier = path.with_suffix(".json").read_bytes()
    interrupted(stage, 1)
    assert len(stage.document()["jobs"]) == 2
    path.with_suffix(".json").write_bytes(earlier)
    assert stage.run().failures == []
    whole = [(r["block"], r["case"], r["metric"]) for r in stage.rows()]
    assert len(whole) == len(set(whole)) == 4


@pytest.mark.parametrize("change", ["profile", "settings", "code", "data", "lock"])
def test_a_run_made_under_other_terms_is_not_continued(stage, change):
    interrupted(stage, 2)
    (path,) = results.find(stage.results)
    document, rows = run_record.read_run_record(path), row_checks.rows(path)
    if change == "profile":
        document["profile"] = "full"
    elif change == "settings":
        document["settings"]["batch"] = 128
    elif change == "code":
        document["code_sha256"]["compile"] = "other"
    elif change == "data":
        document["data"]["sha256"] = "other"
    else:
        document["environment"]["lock_sha256"] = "other"
    writing.write(path, rows, document)
    outcome = stage.run()
    assert outcome.run != document["run"]
    assert run_record.read_run_record(path)["finished"] is None


def test_a_finished_run_counts_as_measured_under_the_same_conditions_only(stage, monkeypatch):
    monkeypatch.setattr(environments, "installed_version", lambda name: "1.0")
    request = Request(
        ("pretend",), sections=("compile",), modes=("eager",), environment="current",
        results=stage.results, frameworks_folder=PRETEND,
    )  # fmt: skip
    made = prepare(request, CATALOG)
    assert made.measured == 0
    assert made.jobs
    runner.run(made, request, CATALOG)
    again = prepare(request, CATALOG)
    assert again.measured == 1
    assert again.jobs == ()
    for changes in (
        {"force": True}, {"profile": "full"}, {"sections": ("memory",)},
        {"modes": ("honest",)}, {"lanes": ("threads-1",)},
    ):  # fmt: skip
        assert prepare(replace(request, **changes), CATALOG).jobs, changes
    assert history.history(stage.results)["pretend", "eager", "compile-warm"] == 60
    estimate = sum(
        measuring.estimate(prepare(replace(request, force=True), CATALOG), request).values()
    )
    assert 0 < estimate < 3600


def test_a_run_without_an_end_measured_nothing(stage):
    stage.run()
    (path,) = results.find(stage.results)
    document, rows = run_record.read_run_record(path), row_checks.rows(path)
    assert len(history.measured_cells(stage.results)) == 1
    writing.write(path, rows, document | {"finished": None})
    assert history.measured_cells(stage.results) == {}


def test_a_run_that_only_states_gaps_needs_no_process(stage):
    outcome = stage.run(sections=("lenet",), device="cuda", modes=())
    assert stage.started == []
    assert not outcome.failed
    rows = stage.rows()
    assert {r["status"] for r in rows} == {"unsupported"}
    assert all("https://numpy.org" in r["reason"] for r in rows)
    # Asked again, a run that was finished is not touched and nothing is said twice.
    assert len({(r["mode"], r["section"], r["lane"]) for r in rows}) == len(rows)


def test_an_environment_that_cannot_be_made_fails_alone(stage, monkeypatch):
    def refuse(*arguments, alone):
        assert alone
        raise EnvironmentMissing("no network")

    class Listening(runner.Reporter):
        installing = mock.Mock()

    there = environments.current()
    monkeypatch.setattr(environments, "find_ready", lambda *arguments: there)
    monkeypatch.setattr(environments, "locked", refuse)
    request = stage.request(environment="locked")
    made = runner.prepare_environments(stage.plan(), request, CATALOG, Listening())
    assert made == ({("pretend", "1.0"): there}, [])
    Listening.installing.assert_not_called()
    monkeypatch.setattr(environments, "find_ready", lambda *arguments: None)
    outcome = runner.run(stage.plan(), request, CATALOG, Listening())
    Listening.installing.assert_called_once()
    assert outcome.failed
    assert "no network" in outcome.failures[0]
    assert results.find(stage.results) == []
    # What the folder declares is said without an environment; nothing else is begun.
    both = stage.plan(sections=("lenet",), modes=())
    gap = plan.Cell("pretend", "1.0", "lenet", "eager", "cpu", "threads-all")
    both = replace(both, gaps=((gap, model.Gap("cannot", "https://numpy.org")),))
    outcome = runner.run(both, stage.request(environment="locked"), CATALOG)
    assert outcome.counts == {}
    assert [r["status"] for r in stage.rows()] == ["unsupported"]
    assert stage.document()["finished"] is None


# ----------------------------------------------------------------------------------- the GPU


@pytest.fixture
def able(monkeypatch):
    """Let the pretended framework compute on CUDA, in the catalog of this module."""
    pretend = CATALOG.framework("pretend")
    modes = tuple(replace(mode, devices=("cpu", "cuda")) for mode in pretend.modes)
    known = model.Catalog((replace(pretend, gaps=(), modes=modes),), CATALOG.sections)
    monkeypatch.setattr(sys.modules[__name__], "CATALOG", known)


@pytest.fixture
def gpu_stage(stage, able, monkeypatch):
    """Run two sections on a GPU with these readings; the worker says the last of the facts.

    ``turns`` are further readings, of the processes of section lenet after the first.
    """

    def running(*readings, gpu=None, turns=()):
        logs = itertools.chain([readings, *turns], itertools.repeat([readings, *turns][-1]))

        class Recorded:
            error = None

            def __init__(self, source):
                Recorded.last, self.readings = self, readings

            def __enter__(self):
                return self

            def __exit__(self, *error):
                pass

        monkeypatch.setattr(gpu_log, "Log", Recorded)
        card = gpu_log.Gpu("A GPU", "1", 2**30, bus_id="0000:3b:00.0")
        monkeypatch.setattr(gpu_log, "usable", lambda: ([card], ""))
        said = (
            {"fact": {"windows": [[0.5, 1.5], [1.6, 1.7], [1.8, 3.5]]}},
            *VERIFIED,
            *[row("step_time", "lenet", value=0.2, sample=n) for n in range(2)],
        )
        remembered = {"fact": {"memory_windows": [[0.5, 2.5]]}}, row("peak_rss", "memory", "B")
        used = [{"fact": {"gpu": gpu}}] if gpu else []

        def worker(job, out):
            if job["sections"] == ["memory"]:
                return stage.end(out, *used, *remembered)
            Recorded.last.readings = next(logs)
            return stage.end(out, *used, *said)

        stage.worker = worker
        stage.run(sections=("lenet", "memory"), device="cuda")
        first = next(job for job in stage.document()["jobs"] if "lenet" in job["sections"])
        return [r for r in stage.rows() if r["block"] == "0"], first

    return running


def gpu_reading(time, reasons=0, **changes):
    reading = gpu_log.Reading(time, 1980.0, 50.0, 200.0, reasons, {1: 2**30})
    return replace(reading, **changes)


GPU_METRICS = ("sm_clock", "gpu_temperature", "gpu_power", "device_memory")


@pytest.mark.parametrize("gpu", [None, "00000000:3B:00.0"])
def test_the_log_of_the_gpu_becomes_rows_of_its_samples(gpu_stage, gpu):
    probed = {"processes": {1: 2**31}}  # by us, not by the training
    readings = gpu_reading(1.0), gpu_reading(2.0), gpu_reading(3.0, 0x4, **probed)
    block, job = gpu_stage(*readings, gpu=gpu)
    block = [r for r in block if "partial" not in r["flags"]]
    clocks = [(r["sample"], r["value"]) for r in block if r["metric"] == "sm_clock"]
    assert clocks == [("0", "1980.0"), ("2", "1980.0")]
    assert [r["value"] for r in block if r["metric"] == "device_memory"] == [str(float(2**30))]
    assert {r["flags"] for r in block if r["section"] == "lenet"} == {"throttled"}
    assert job["throttled"] == ["power cap"]


@pytest.mark.parametrize(
    ("device", "lane"), [(d, lane) for d in model.LANES for lane in model.LANES[d]]
)
def test_a_lane_decides_what_is_computed_in(stage, device, lane):
    launcher = worker_launch.Launcher(stage.plan(), stage.request(), CATALOG)
    launcher._ceilings = {2: 1e12}
    job = replace(JOB, device=device, lane=lane)
    told = launcher._describe(job, CATALOG.framework("pretend"), 2, Path("cache"))
    expected = lane if lane in ("tf32", "bfloat16") else "float32"
    assert told["settings"]["precision"] == expected
    assert told["lane"] == lane


@pytest.mark.parametrize(
    ("device", "cured", "said"),
    [
        ("cuda", True, "off; with deterministic algorithms it passes"),
        ("cuda", False, "off; with deterministic algorithms wrong: off"),
        ("cpu", True, "off"),
    ],
)
def test_what_is_wrong_on_a_gpu_is_tried_once_more_with_deterministic_algorithms(
    stage, able, device, cured, said
):
    def worker(job, out):
        if cured and job["settings"]["deterministic"]:
            return stage.good(job, out)
        wrong = {"status": "wrong", "reason": "off"}
        gate = row("gate", "lenet", "verdict", 0, **wrong)
        return stage.end(out, gate, row("step_time", "lenet", value=None, **wrong))

    stage.worker = worker
    outcome = stage.run(sections=("lenet",), device=device)
    assert outcome.findings
    assert not outcome.failed
    block = [r for r in stage.rows() if r["block"] == "0"]
    assert {(r["status"], r["reason"]) for r in block if r["metric"] == "step_time"} == {
        ("wrong", said)
    }
    assert all(r["status"] != "ok" for r in block if r["unit"] == "s"), "no number of a second look"
    told = [job["settings"]["deterministic"] for job, _ in stage.started]
    assert told == ([False, True] if device == "cuda" else [False]), "further blocks are given up"
    job = stage.document()["jobs"][0]
    assert ("deterministic" in job) == (device == "cuda")
    if device == "cuda":
        assert job["deterministic"]["status"] == ("ok" if cured else "wrong")


def test_untimed_starts_beside_each_other_leave_memory_for_others(stage, able):
    made = stage.plan(modes=("honest",), device="cuda")
    runner.run(made, stage.request(early=True), CATALOG)
    told = [job["settings"]["preallocate"] for job, _ in stage.started]
    assert told == [False] + [True] * 4


def test_a_lease_that_ends_leaves_valid_rows_and_the_next_one_goes_on(stage, able):
    asked = {"sections": ("compile", "memory", "lenet"), "modes": ("honest", "eager")}
    made = stage.plan(**asked, device="cuda")
    lead = [job for job in made.jobs if job.rank is plan.Rank.LEAD]
    assert list(made.jobs[: len(lead)]) == lead, "most informative first"
    assert {job.mode for job in lead} == {CATALOG.framework("pretend").default.id}
    assert {id for job in lead for id in job.sections} == {*asked["sections"]}
    interrupted(stage, len(lead), **asked, device="cuda")
    assert stage.document()["finished"] is None
    assert {r["section"] for r in stage.rows()} == {*asked["sections"]}, "and valid"
    stage.run(**asked, device="cuda")
    assert stage.document()["finished"]
    assert len(stage.started) == len(made.jobs) - len(lead), "nothing is measured twice"


COOL, HOT = (gpu_reading(1.0), gpu_reading(3.0)), (gpu_reading(1.0, 0x4), gpu_reading(3.0))


@pytest.mark.parametrize(("again", "flags"), [(COOL, set()), (HOT, {"throttled"})])
def test_a_throttled_block_is_repeated_once_and_then_flagged(gpu_stage, stage, again, flags):
    block, job = gpu_stage(*HOT, turns=[again, COOL])
    rows = [r for r in block if r["metric"] == "step_time"]
    whole = [r for r in rows if "partial" not in r["flags"]]
    assert {word for r in whole for word in r["flags"].split()} == flags
    assert [r["flags"] for r in rows if r not in whole] == ["throttled partial"] * 2
    assert [r["sample"] for r in whole] == ["0", "1"], "every number counts once"
    assert job["throttled_before"] == ["power cap"]
    assert job["throttled"] == (["power cap"] if flags else [])
    lenets = [told for told, _ in stage.started if told["sections"] == ["lenet"]]
    others = [one for one in stage.document()["jobs"] if "lenet" in one["sections"]][1:]
    assert len(lenets) == 2 + len(others), "later blocks had no reason"
    assert not any("throttled_before" in one for one in others)


def test_what_the_driver_compiles_is_in_the_cache_that_a_cold_start_empties(gpu_stage, stage):
    gpu_stage(gpu_reading(1.0))
    for job, options in stage.started:
        env = options["env"]
        assert Path(env["CUDA_CACHE_PATH"]).parent == Path(job["settings"]["cache"])
        assert env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        assert env.get("CUDA_VISIBLE_DEVICES") != "-1"


def test_memory_is_taken_in_advance_unless_it_is_measured(gpu_stage, stage):
    gpu_stage(gpu_reading(1.0))
    told = {tuple(job["sections"]): job["settings"]["preallocate"] for job, _ in stage.started}
    assert told == {("memory",): False, ("lenet",): True}
    recorded = {tuple(job["sections"]): job["preallocate"] for job in stage.document()["jobs"]}
    assert recorded == told


def test_what_the_driver_does_not_tell_has_no_rows(gpu_stage):
    blind = {"power": None, "reasons": None, "processes": None}
    block, job = gpu_stage(gpu_reading(1.0, **blind), gpu_reading(2.0, **blind))
    found = [r["metric"] for r in block if r["metric"] in GPU_METRICS]
    assert found == ["sm_clock", "gpu_temperature"] * 2
    assert {r["flags"] for r in block} == {""}
    assert job["throttled"] is None


def test_the_log_of_another_gpu_than_the_workers_is_not_kept(gpu_stage):
    block, job = gpu_stage(gpu_reading(1.0), gpu_reading(3.0, 0x4), gpu="0000:AF:00.0")
    assert not [r for r in block if r["metric"] in GPU_METRICS]
    assert {r["flags"] for r in block} == {""}
    assert job["throttled"] is None
    assert "0000:af:00.0" in job["nvml_error"]


# ------------------------------------------------------------------------------- small helpers


def test_a_published_log_has_no_path_and_no_control_character(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", "/var/cache/x")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    text = f"{tmp_path}/a.py /var/cache/x/env /home/me/b \x1b[31mred\x00\tü\n"
    clean = worker_output.publishable(text, tmp_path)
    assert clean == "<repository>/a.py <cache>/env ~/b [31mred\tü\n"


@pytest.mark.parametrize(
    "form",
    [
        str, urllib.parse.quote, lambda path: f"file://{urllib.parse.quote(path)}",
        lambda path: path.replace("/", "\\"), lambda path: json.dumps(path.replace("/", "\\")),
    ],
)  # fmt: skip
def test_no_form_of_a_path_is_published(tmp_path, monkeypatch, form):
    home = tmp_path / "home of zoë"
    (home / "real").mkdir(parents=True)
    (tmp_path / "cache").symlink_to(home / "real")
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(sys, "prefix", "/opt/own/python3")
    for folder in (home, home / "real", tmp_path / "cache", Path("/opt/own/python3")):
        said = worker_output.publishable(f"in {form(str(folder / 'x.py'))} line 3", tmp_path / "r")
        assert "zo" not in said
        assert str(tmp_path) not in said
        assert "own" not in said
    assert worker_output.publishable(f"{home}-of-others /usr/include/x.h") != ""
    assert "/usr/include/x.h" in worker_output.publishable("/usr/include/x.h")


def test_the_command_of_a_record_has_no_path_of_the_machine(tmp_path):
    typed = shlex.join(
        ["generator", "measure", "pretend", "--results", "/mnt/my disk/r", "--data-dir=/data/x",
         "--timeout", "60", "--frameworks-folder", str(ROOT / "tests")]
    )  # fmt: skip
    said = shlex.split(worker_output.publishable_command(typed))
    assert said == [
        "generator", "measure", "pretend", "--results", "<folder>", "--data-dir=<folder>",
        "--timeout", "60", "--frameworks-folder", "<repository>/tests",
    ]  # fmt: skip


def test_data_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError):
        history.load_data(tmp_path)


def test_the_code_hash_of_a_section_follows_its_files(tmp_path):
    own = CATALOG.framework("pretend")
    section, other = CATALOG.section("lenet"), CATALOG.section("memory")
    easy = CATALOG.section("highlevel")

    def code_hash(section, framework):
        return history.code_hash(section, framework, framework.newest.version, CATALOG)

    assert code_hash(section, own) == code_hash(section, own)
    assert code_hash(section, own) != code_hash(other, own)
    (tmp_path / "adapter.py").write_text("")
    moved = replace(own, folder=tmp_path)
    assert code_hash(section, own) != code_hash(section, moved)
    before = code_hash(section, moved), code_hash(easy, moved)
    # A script that one section is about concerns nobody else.
    (tmp_path / "highlevel.py").write_text("")
    assert code_hash(section, moved) == before[0]
    assert code_hash(easy, moved) != before[1]


# ---------------------------------------------------------------------------- what is lacking


def need(**changes):
    return model.Need(**{"program": "cc", "why": "it compiles", **changes})


@pytest.mark.parametrize(
    ("asked", "missing", "folder", "said"),
    [
        (need(), {"cc"}, "/a", "apt-get install cc"),
        (need(package="gcc"), {"cc"}, "/a", "apt-get install gcc"),
        (need(), set(), "/a b", ""),
        (need(unspaced=True), set(), "/a b", "SYMBOLIC_COMPARISON_CACHE"),
        (need(unspaced=True), set(), "/a\tb", "<cache> has a space"),
        (need(unspaced=True), set(), "/a,b", "has a comma"),
        (need(unspaced=True), set(), "/a:b", "has a colon"),
        (need(unspaced=True), set(), '/a"b', "has a quotation mark"),
        (need(unspaced=True), set(), "/B\u00fcro's $(b); c".replace(" ", ""), ""),
        (need(unspaced=True), set(), "/ab", ""),
        (need(unspaced=True), {"cc"}, "/a b", "is not installed"),
    ],
)
def test_what_is_lacking_is_said_with_what_mends_it(asked, missing, folder, said):
    found = list(obstacles.lacking([asked], missing, folder))
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("asked", "mode", "sections", "concerned"),
    [
        (need(), "a", ["x"], True),
        (need(modes=("a",)), "a", ["x"], True),
        (need(modes=("a",)), "b", ["x"], False),
        (need(sections=("x",)), "b", ["y", "x"], True),
        (need(sections=("x",)), "b", ["y"], False),
        (need(modes=("a",), sections=("x",)), "a", ["y"], False),
    ],
)
def test_a_need_is_of_some_modes_and_sections(asked, mode, sections, concerned):
    assert asked.concerns(mode, sections) is concerned


@pytest.mark.parametrize(
    ("finished", "reasons", "met"),
    [
        (Finished(1, "OSError: [Errno 28] No space left on device", 1.0), [], True),
        (Finished(1, "cc1plus: error writing to /tmp/x.s: No space left on device", 1.0), [], True),
        (Finished(1, "OSError: [Errno 122] Disk quota exceeded", 1.0), [], True),
        (Finished(0, "warning: No space left on device", 1.0), [], False),
        (Finished(0, "", 1.0), ["RuntimeError: No space left on device (os error 28)"], True),
        (Finished(1, "ValueError", 1.0), ["ValueError"], False),
    ],
)
def test_a_full_disk_is_recognised_where_something_failed(finished, reasons, met):
    assert bool(obstacles.met(finished, reasons)) is met


def test_what_was_skipped_before_obstacles_were_written_down_is_not_measured(stage):
    stage.run()
    (path,) = results.find(stage.results)
    document, rows = run_record.read_run_record(path), row_checks.rows(path)
    assert list(history.measured_cells(stage.results).values()) == [set()]
    for job in document["jobs"]:
        job["status"] = "skipped"
    writing.write(path, rows, document)
    assert list(history.measured_cells(stage.results).values()) == [{"unknown"}]
    document["jobs"][0]["status"] = "failed"  # then the others were not worth another try
    writing.write(path, rows, document)
    assert list(history.measured_cells(stage.results).values()) == [set()]


def test_what_was_given_up_is_not_tried_again_after_an_interruption(stage):
    def worker(job, out):
        if len(stage.started) > 2:
            raise KeyboardInterrupt
        return stage.end(out, code=-11)

    stage.worker = worker
    with pytest.raises(KeyboardInterrupt):
        stage.run(modes=("eager", "honest"))
    tried = {(job["settings"]["mode"], job["start"]) for job, _ in stage.started[:2]}
    stage.worker = lambda job, out: stage.end(out, code=-11)
    stage.started.clear()
    stage.run(modes=("eager", "honest"))
    again = [(job["settings"]["mode"], job["start"]) for job, _ in stage.started]
    assert not tried & set(again)
    assert len(again) == len(set(again)) == 2


def test_an_obstacle_of_an_interrupted_run_is_measured_when_it_goes_on(stage):
    def full(job, out):
        if len(stage.started) > 1:
            raise KeyboardInterrupt
        return stage.end(out, code=1, log="No space left on device")

    stage.worker = full
    with pytest.raises(KeyboardInterrupt):
        stage.run()
    assert [r["status"] for r in stage.rows()] == ["skipped"]
    stage.worker = stage.good
    stage.started.clear()
    assert stage.run().counts == {"ok": 4}
    assert {r["status"] for r in stage.rows()} == {"ok"}
    assert len(stage.document()["jobs"]) == 4
