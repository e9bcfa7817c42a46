"""Contributed results: each fault is planted once, and named."""

import copy
import datetime
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from generator.catalog import loader
from generator.catalog.model import LANES
from generator.cli import app
from generator.cli import check as checking
from generator.cli.check import check_contribution
from generator.errors import UsageError
from generator.measure import environments, history, machine
from generator.results import contribution_checks, schema, writing
from generator.results.contribution_checks import Entry, Known
from measurements import lenet
from tests.conftest import ROOT
from tests.sample_results import GRAPH, PAIRED

SCRIPT = ROOT / ".github" / "scripts" / "contribution.py"
SHA256, COMMIT = "5" * 64, "c" * 40
NOW = datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC)
LOG = "theano_b1.log"


def run_id(number):
    return f"20260101T{number:02}0000Z-aaaaa{number}"


HARDWARE = {
    "cpu": "none", "cores": 2, "threads": 2, "memory_bytes": 2**33, "os": "none", "kernel": "none",
    "virtualised": None, "gpus": [],
}  # fmt: skip
MACHINE = min(machine.possible_ids(HARDWARE))
RATE = 1e11
"""Float operations per second of that machine."""


def place(number):
    return f"{MACHINE}/{GRAPH}/1.0.5/{run_id(number)}"


def gate_facts(**off):
    """What the gate compared; some quantities are off."""
    names = ("logits", "gradient", *(f"loss of step {n}" for n in range(1, 11)))
    return [[name, off.get(name, 1e-7), 1e-5, name not in off] for name in names]


def a_run(number=0):
    """Rows and document of a run of three blocks, the second of which the gate finds wrong."""
    base = {
        "run": run_id(number), "machine": MACHINE, "framework": GRAPH,
        "version": "1.0.5", "section": "lenet", "mode": "compiled", "device": "cpu",
        "lane": "threads-1", "case": "", "block": "0", "status": "ok", "sample": "", "flags": "",
        "reason": "",
    }  # fmt: skip
    steps = [f"{0.05 + number * 1e-5 + sample * 1e-6:.6f}" for sample in range(10)]
    rows = [
        base | {"metric": "gate", "unit": "verdict", "value": "1.0"},
        base | {"metric": "ceiling_fraction", "unit": "1",
                "value": repr(lenet.operations() / float(steps[0]) / RATE)},
        *(
            base | {"metric": "step_time", "unit": "s", "value": value, "sample": str(sample)}
            for sample, value in enumerate(steps)
        ),
        base | {"metric": "gate", "unit": "verdict", "block": "1", "value": "0.0",
                "status": "wrong", "reason": "gradient of conv1 is off"},
    ]  # fmt: skip
    job = {
        "sections": ["lenet"], "mode": "compiled", "device": "cpu", "lane": "threads-1",
        "case": "", "seconds": 4.0, "k": 4, "log": None,
    }  # fmt: skip
    document = {
        "schema": schema.SCHEMA, "run": base["run"],
        "machine": {"id": MACHINE, **HARDWARE},
        "framework": GRAPH, "version": "1.0.5", "profile": "quick", "device": "cpu",
        "starts": [f"2026-01-01T{number:02}:00:20Z"],
        "finished": f"2026-01-01T{number:02}:10:00Z", "seed": 1,
        "repository": {"commit": COMMIT, "dirty": False},
        "command": f"generator measure {GRAPH}",
        "environment": {"kind": "locked", "lock": "1.0.5-cpu.txt", "lock_sha256": SHA256,
                        "python": "3.8.18", "packages": [f"{GRAPH}==1.0.5"],
                        "install_seconds": None, "size_bytes": None},
        "code_sha256": {"lenet": SHA256}, "data": {"name": "mnist-5k", "sha256": SHA256},
        "weights_sha256": SHA256,
        "settings": {"batch": 64, "learning_rate": 0.2, "activation": "tanh", "blocks": 3,
                     "samples": 10, "min_sample_seconds": 0.1,
                      "precision": "float32"},
        "build": {},
        "jobs": [
            job | {"id": "theano_b0", "block": 0, "status": "ok", "facts": {"gate": gate_facts()}},
            job | {"id": "theano_b1", "block": 1, "status": "wrong",
                   "facts": {"gate": gate_facts(gradient=1e-2)},
                   "log": f"{run_id(number)}.logs/{LOG}"},
            job | {"id": "theano_b2", "block": 2, "status": "skipped", "seconds": 0.0},
        ],
    }  # fmt: skip
    return rows, document


def write_run(root, number=0, document=None):
    rows, made = a_run(number)
    path = root / f"{place(number)}.csv"
    writing.write(path, rows, document or made)
    log = path.with_suffix(".logs") / LOG
    log.parent.mkdir()
    log.write_text("Traceback: none, this is invented\n")
    return path


KNOWN = Known(
    frameworks=[GRAPH],
    units={
        "lenet": {"gate": "verdict", "step_time": "s", "ceiling_fraction": "1"},
        "memory": {"peak_rss": "B"},
    },
    locks={(GRAPH, "1.0.5", "cpu"): {SHA256}},
    code={(GRAPH, "1.0.5", "lenet"): {SHA256}},
    commits={COMMIT},
    data={SHA256},
    step_times={(GRAPH, "cpu", "lenet", ""): (0.04, 0.06)},
    versions={GRAPH: {"1.0.5"}},
    lanes=LANES,
    machines=(),
    ids=machine.possible_ids,
    profiles={"quick": (3, 10), "full": (10, 30)},
    constants={COMMIT: {"BATCH": 64, "LEARNING_RATE": 0.2, "ACTIVATION": "tanh", "GATE_STEPS": 10}},
    tolerances={("threads-1", "logits"): 1e-5},
    times=set(),
)


def judge(rows, document, logs=None, known=KNOWN):
    logs = [f"{run_id(0)}.logs/{LOG}"] if logs is None else logs
    found = contribution_checks.run_problems(f"{place(0)}.csv", rows, document, logs, known, NOW)
    return [str(problem) for problem in found]


# ------------------------------------------------------------------------------ one run, as data


def test_a_good_run_passes():
    assert judge(*a_run()) == []


def set_in(document, path, value):
    *parents, last = path.split(".")
    for key in parents:
        document = document[int(key) if key.isdigit() else key]
    document[int(last) if last.isdigit() else last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("framework", "caffe3", f"found framework 'caffe3'; expected one of {GRAPH}"),
        ("command", "rm -rf /", "found command 'rm -rf /'"),
        ("repository.commit", None, "found commit ''"),
        ("repository.commit", "HEAD", "found commit 'HEAD'"),
        ("environment.lock_sha256", "6" * 64, "the committed 1.0.5-cpu.txt"),
        ("environment.lock_sha256", None, "with hash ''"),
        ("environment.lock", "1.0.4-cpu.txt", "found lock '1.0.4-cpu.txt'"),
        ("environment.kind", "magic", "expected locked, current or found"),
        ("environment.packages", [], "found no packages"),
        ("code_sha256", {}, "found no hash of the measuring code"),
        ("data.sha256", "7" * 64, "found data '7777"),
        ("weights_sha256", "none", "found weights_sha256 'none'"),
        ("finished", None, "found an unfinished run"),
        ("finished", "2026-03-01T00:00:00Z", "expected no time after 2026-02-01"),
        ("finished", "2025-12-31T00:00:00Z", "expected in order"),
        ("starts", [], "found no start"),
        ("starts", ["2026-01-01T09:00:00Z"], "as the run's name says"),
        ("jobs.0.seconds", 1e6, "found jobs of 1000004 s"),
        ("jobs.1.log", None, "wrong without a log"),
        ("jobs.1.log", "elsewhere.log", "found no file 'elsewhere.log'"),
        ("jobs.0.sections", ["lenet", "memory"], "no row of 'memory' 'compiled' 'threads-1'"),
        ("jobs.0.seconds", 10**400, "found jobs of inf s"),
        ("version", "9.9", "found version '9.9'; expected one of 1.0.5"),
        ("jobs.0.lane", "threads-7", "found lane 'threads-7'; expected one of threads-1"),
        ("machine.id", "my-computer", "found machine 'my-computer'; expected none-2-cores-"),
        ("machine.cores", 64, f"found machine '{MACHINE}'; expected none-64-cores-"),
        ("machine.memory_bytes", 2**34, f"found machine '{MACHINE}'"),
        ("machine.processor", "another", f"found machine '{MACHINE}'"),
        ("machine.cpu_quota", 1.5, f"found machine '{MACHINE}'"),
        ("settings.batch", 128, "found settings.batch '128'; expected 64, as BATCH of that commit"),
        ("settings.learning_rate", 0.1, "found settings.learning_rate '0.1'; expected 0.2"),
        ("settings.activation", "relu", "found settings.activation 'relu'; expected tanh"),
        ("settings.blocks", 2, "found settings.blocks '2'; expected 3, as the profile quick"),
        ("settings.samples", 30, "found settings.samples '30'; expected 10, as the profile quick"),
        ("profile", "full", "found settings.samples '10'; expected 30, as the profile full"),
        ("jobs.1.block", 4, "found blocks 0, 2, 4 of 'compiled' 'threads-1'; expected 0 to 2"),
        ("jobs.0.facts.gate.0.1", 1e-3, "'logits' off by '0.001' True; expected False"),
        ("jobs.0.facts.gate.0.1", None, "'logits' off by 'None' True; expected False"),
        ("jobs.1.facts.gate.1.3", True, "'gradient' off by '0.01' True; expected False"),
        ("jobs.0.facts.gate.0.2", 1e-2, "'logits' may be off by 0.01; expected at most 1e-05"),
        ("jobs.0.facts.gate.11.0", "loss of step 12", "with 12 quantities; expected"),
        ("jobs.0.facts.gate", gate_facts(gradient=1e-2), "a passed gate of 'theano_b0'"),
        ("jobs.0.facts", {}, "a passed gate of 'theano_b0' with 0 quantities"),
    ],
)
def test_a_fault_in_the_document_is_named(path, value, said):
    rows, document = copy.deepcopy(a_run())
    set_in(document, path, value)
    problems = judge(rows, document)
    assert any(said in problem for problem in problems), problems


def test_machines_alike_work_at_the_same_time():
    rows, document = a_run()
    for number, job in enumerate(document["jobs"][:2]):
        job |= {"seconds": 1000.0, "host": str(number) * 12}
    assert judge(rows, document) == []
    document["jobs"][1]["host"] = document["jobs"][0]["host"]
    assert any("found jobs of" in problem for problem in judge(rows, document))


def test_an_environment_is_measured_without_a_job():
    rows, document = a_run()
    rows.append(rows[0] | {"metric": "install_time", "unit": "s", "mode": "", "block": ""})
    assert judge(rows, document) == []


def test_a_run_is_called_after_a_time():
    rows, document = a_run()
    path = f"{place(0).replace('20260101', '20269999')}.csv"
    found = contribution_checks.run_problems(path, rows, document, [], KNOWN, NOW)
    assert any("found a run called '20269999T000000Z'" in str(problem) for problem in found)


def test_a_failure_without_a_process_has_no_log():
    """A release that does not install is a result."""
    rows, document = copy.deepcopy(a_run())
    rows = [*rows[:-1], rows[0] | {"block": "1", "value": "", "status": "failed",
                                   "reason": "does not install"}]  # fmt: skip
    document["jobs"][1] |= {"status": "failed", "log": None}
    assert "failed without a log" in judge(rows, document, logs=[])[0]
    del document["jobs"][1]["seconds"]
    assert judge(rows, document, logs=[]) == []


@pytest.mark.parametrize("digest", ["8" * 64, [SHA256]])
def test_unknown_code_needs_a_clean_commit_of_this_repository(digest):
    rows, document = a_run()
    document["code_sha256"]["lenet"] = digest
    assert judge(rows, document) == []  # older or newer code of a known commit
    for repository in ({"commit": "d" * 40, "dirty": False}, {"commit": COMMIT, "dirty": True}):
        (problem,) = judge(rows, document | {"repository": repository})
        assert "measuring code of 'lenet' that nobody else has" in problem


def test_the_current_interpreter_has_no_lock_and_says_what_is_in_it():
    rows, document = a_run()
    document["environment"] |= {"kind": "current", "lock": None, "lock_sha256": "9" * 64}
    assert judge(rows, document) == []
    document["environment"]["lock_sha256"] = None
    assert "the SHA-256 of the package list" in judge(rows, document)[0]


@pytest.mark.parametrize(
    ("line", "changes", "said"),
    [
        (3, {"value": "1.7"}, "found 1.7 of the machine's ceiling; expected at most 1.25"),
        (4, {"value": "0.0"}, "found step_time of 0 s; expected 0.0004 s to 6 s"),
        (4, {"value": "0.0003"}, "found step_time of 0.0003 s; expected 0.0004 s to 6 s"),
        (4, {"value": "7.5"}, "found step_time of 7.5 s"),
        (4, {"section": "memory"}, "section memory without a hash of its code"),
        (4, {"block": "7"}, "found a row of no job"),
        (4, {"block": "7"}, "found block 7; expected one of 3, from 0"),
        (4, {"status": "failed", "value": ""}, "found 9 samples of step_time; expected 10"),
        (3, {"value": "0.000000001"}, "operations/s of 2 cores; expected at most 1e+12 a core"),
        (4, {"block": ""}, "found a row of no job"),
    ],
)
def test_a_fault_in_a_row_is_named_with_its_line(line, changes, said):
    rows, document = copy.deepcopy(a_run())
    rows[line - 2] |= changes
    problems = judge(rows, document)
    where = {"gate": 4, "9 samples": 5}.get(
        next(iter(re.findall("gate|9 samples", said)), ""), line
    )
    assert any(f"{run_id(0)}.csv:{where}: found" in p and said in p for p in problems), problems


def test_a_framework_without_earlier_results_is_held_against_the_others():
    rows, document = a_run()
    others = {(PAIRED, "cpu", "lenet", ""): (0.01, 0.02)}
    known = Known(**{**KNOWN.__dict__, "step_times": others})
    assert judge(rows, document, known=known) == []
    rows[2]["value"] = "0.00001"
    assert "expected 0.0001 s to 2 s" in judge(rows, document, known=known)[0]
    assert judge(*a_run(), known=Known(**{**KNOWN.__dict__, "step_times": {}})) == []


def test_times_that_stand_elsewhere_are_found():
    rows, document = a_run()
    known = Known(**{**KNOWN.__dict__, "times": {float(row["value"]) for row in rows[5:10]}})
    assert judge(rows, document, known=known) == []  # five of ten: not more than half of them
    known.times.add(float(rows[4]["value"]))
    (problem,) = judge(rows, document, known=known)
    assert f"{run_id(0)}.csv:4: found 6 of 10 numbers of step_time that stand elsewhere" in problem


def test_one_block_is_not_a_copy_of_another():
    rows, document = copy.deepcopy(a_run())
    document["jobs"][2] |= {"status": "ok", "seconds": 4.0, "facts": {"gate": gate_facts()}}
    rows += [row | {"block": "2"} for row in rows[:12]]
    (problem,) = judge(rows, document)
    assert f"{run_id(0)}.csv:17: found 10 of 10 numbers of step_time" in problem


def test_the_ceiling_is_one_number_for_a_lane():
    rows, document = copy.deepcopy(a_run())
    document["jobs"][2] |= {"status": "ok", "seconds": 4.0, "facts": {"gate": gate_facts()}}
    more = [row | {"run": run_id(0), "block": "2"} for row in a_run(1)[0][:12]]
    assert judge(rows + more, document) == []
    for line in (1, 2):  # of the fraction, of the shortest step
        for factor in (1.01, 0.5):
            told = copy.deepcopy(more)
            told[line]["value"] = repr(float(told[line]["value"]) * factor)
            found = "\n".join(judge(rows + told, document))
            assert "found ceiling_fraction" in found


def suspected(document, **known):
    known = Known(**{**KNOWN.__dict__, **known})
    return list(contribution_checks.suspicions(f"{place(0)}.csv", document, known))


def test_a_second_run_on_a_machine_and_a_foreign_commit_are_looked_at():
    _, document = a_run()
    assert suspected(document) == []
    (text,) = suspected(document, machines={MACHINE})
    assert f"machine '{MACHINE}' has results already" in text
    (text,) = suspected(document, constants={})
    assert f"commit '{COMMIT}' is not one of this repository's" in text


@pytest.mark.parametrize(
    "text",
    ["a\n::error::b", "::set-env name=A::b", ":::error:::b", "##[error]b", "a ##[add-mask]b",
     "\x1b[31mred", "a\r::stop-commands::x", "ä\u2028::b", "\ud800", "\x85::b", "x" * 100_000],
)  # fmt: skip
def test_what_is_printed_is_no_command_and_of_bounded_length(text):
    problem = contribution_checks._problem(text, None, contribution_checks.printable(text), "none")
    for line in (contribution_checks.printable(text), problem.file):
        assert line.isascii()
        assert line.isprintable()
        assert "::" not in line
        assert "##[" not in line
        assert len(line) < 1100


def test_a_log_that_no_job_names_is_named():
    logs = [f"{run_id(0)}.logs/{LOG}", f"{run_id(0)}.logs/extra.log"]
    (problem,) = judge(*a_run(), logs=logs)
    assert "extra.log' of no job" in problem


# ----------------------------------------------------------------------------------- the listing


FINE = {f"{place(0)}.csv": Entry(10, "a"), f"{place(0)}.json": Entry(10, "b")}


def listed(before, after):
    return [str(problem) for problem in contribution_checks.listing_problems(before, after)]


def test_a_good_listing_passes():
    assert listed({}, FINE) == []
    assert listed(FINE, FINE) == []
    assert listed({}, FINE | {f"{place(0)}.logs/{LOG}": Entry(64 << 10, "c")}) == []


@pytest.mark.parametrize(
    ("path", "entry", "said"),
    [
        ("setup.py", Entry(1, "c"), "no result"),
        (f"{place(0)}.sh", Entry(1, "c"), "no result"),
        (f"{place(0)}.logs/run.py", Entry(1, "c"), "no result"),
        (f"{place(0)}.logs/deep/a.log", Entry(1, "c"), "no result"),
        (f"{place(0)}.logs/.a.log", Entry(1, "c"), "no result"),
        (f"{MACHINE}/{GRAPH}/1.0.5/latest.csv", Entry(1, "c"), "no result"),
        ("a/../b/c/20260101T000000Z-aaaaaa.csv", Entry(1, "c"), "no result"),
        (".gitattributes", Entry(1, "c"), "no result"),
        ("bösé\udcff/x.csv", Entry(1, "c"), "b\\xf6s\\xe9\\udcff/x.csv: found"),
        (f"{place(0)}.logs/{LOG}", Entry(6, "", regular=False), "a link, a submodule"),
        (f"{place(0)}.logs/{LOG}", Entry(6, "c", executable=True), "an executable file"),
        (f"{place(0)}.logs/{LOG}", Entry(66_000, "c"), "found 66000 bytes"),
        (f"{place(1)}.csv", Entry(40 << 20, "c"), "at most 33554432"),
        (f"{place(1)}.csv", Entry(1, "c"), "found no file of the same name beside it"),
        (f"{place(1)}.json", Entry(1, "c"), f"{run_id(1)}.csv"),
    ],
)
def test_a_fault_in_the_listing_is_named(path, entry, said):
    problems = listed({}, FINE | {path: entry})
    assert any(said in problem for problem in problems), problems


def test_what_is_committed_is_neither_changed_nor_deleted():
    path = f"{place(0)}.csv"
    (problem,) = listed(FINE, FINE | {path: Entry(10, "other")})
    assert problem.startswith(f"{path}: found a committed file changed")
    (problem,) = listed(FINE, FINE | {path: Entry(10, "a", executable=True)})
    assert "changed" in problem
    problems = listed(FINE, {f"{place(0)}.json": Entry(10, "b")})
    assert problems == [f"{path}: found a committed file deleted; expected results only ever added"]


def test_all_of_it_has_a_limit():
    many = {
        f"{place(n)}{suffix}": Entry(30 << 20 if suffix == ".csv" else 1, "a")
        for n in range(5)
        for suffix in (".csv", ".json")
    }
    assert "all new files: found" in listed({}, many)[0]


# ------------------------------------------------------------------------------- folders of files


@pytest.fixture
def sides(tmp_path):
    """A folder of results, and the same with one more run."""
    before, after = tmp_path / "before", tmp_path / "after"
    write_run(before)
    shutil.copytree(before, after)
    write_run(after, 1)
    return before, after


def check(before, after):
    judged = check_contribution(after, before)
    return judged.looked, [str(problem) for problem in judged.problems]


def test_a_good_contribution_passes(sides):
    assert check(*sides) == (3, [])


def test_faults_of_every_kind_are_named_at_once(sides):
    before, after = sides
    (after / f"{place(0)}.csv").write_text("changed\n")
    (after / MACHINE / "run.sh").write_text("#!/bin/sh\necho never\n")
    (after / MACHINE / GRAPH / "1.0.5" / "away").symlink_to("/etc")
    (after / f"{place(1)}.logs" / LOG).unlink()
    path = after / f"{place(1)}.csv"
    text = re.sub("(,ceiling_fraction,1,0,,)[^,]*", r"\g<1>1.7", path.read_text())
    path.write_text(text)
    looked, problems = check(before, after)
    assert looked == 4
    text = "\n".join(problems)
    for said in (
        "a committed file changed", "run.sh: found a file that is no result", "away: found a link",
        "found no file", "found 1.7 of the machine's ceiling",
    ):  # fmt: skip
        assert said in text


def test_an_invalid_file_is_named_with_its_line(sides):
    before, after = sides
    path = after / f"{place(1)}.csv"
    path.write_text(path.read_text().replace(",ok,,\n", ",excellent,,\n", 1))
    (problem,) = check(before, after)[1]
    assert f"{path}:2: found status 'excellent'" in problem


def test_a_link_in_the_place_of_a_file_or_a_folder_is_not_followed(sides, tmp_path):
    before, after = sides
    secret = tmp_path / "secret.csv"
    secret.write_text("nothing that may be shown\n")
    (after / f"{place(1)}.csv").unlink()
    (after / f"{place(1)}.csv").symlink_to(secret)
    shutil.rmtree(after / f"{place(1)}.logs")
    (after / f"{place(1)}.logs").symlink_to(tmp_path)
    looked, problems = check(before, after)
    assert (looked, len(problems)) == (3, 2)
    assert all("a link" in problem for problem in problems)
    assert "nothing that may be shown" not in "".join(problems)


def test_a_log_without_its_run_is_named(sides):
    before, after = sides
    (after / f"{place(1)}.csv").unlink()
    (after / f"{place(1)}.json").unlink()
    (problem,) = check(before, after)[1]
    assert "found a log of no run" in problem


def test_committed_locks_and_present_code_are_known_without_earlier_results(tmp_path):
    known = loader.load()
    framework = known.framework(GRAPH)
    lock = environments.lock_sha256(framework.version("1.0.5").lock("cpu"))
    _, document = a_run()
    document["environment"]["lock_sha256"] = lock
    document["code_sha256"]["lenet"] = history.code_hash(
        known.section("lenet"), framework, "1.0.5", known
    )
    document["data"]["sha256"] = history.load_data(None).sha256
    write_run(tmp_path / "after", 0, document)
    (tmp_path / "before").mkdir()
    assert check(tmp_path / "before", tmp_path / "after") == (3, [])


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"contribution\.py"):
        check_contribution(tmp_path / "nowhere", tmp_path)


def test_the_command_prints_what_it_found(sides):
    before, after = sides
    arguments = ["check", "--results", str(before), "--contribution", str(after)]
    done = CliRunner().invoke(app.app, arguments)
    assert done.exit_code == 0
    assert "3 files checked, 0 problems." in done.stdout
    assert f"look at {place(1)}.csv: machine" in "".join(done.stderr.splitlines())
    (after / "a\n::error::b").touch()
    done = CliRunner().invoke(app.app, arguments)
    assert "found a file that is no result" in done.stdout
    assert "::" not in done.stdout
    assert len(done.stdout.splitlines()) < 5
    (after / "a\n::error::b").unlink()
    (after / "run.py").write_text("1 / 0\n")
    done = CliRunner().invoke(app.app, [*arguments, "--json"])
    assert done.exit_code == 2
    (problem,) = json.loads(done.stdout)
    assert (problem["file"], problem["line"]) == ("run.py", None)


def test_constants_are_read_from_the_code_at_a_commit_and_not_by_running_it(repository, tmp_path):
    code = repository.folder / "measurements" / "lenet.py"
    code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nBATCH = 64\nRATE = max(1, 2)\n")
    repository.commit()
    commit = repository.git("rev-parse", "HEAD")
    code.write_text("BATCH = 1\n")
    assert checking._constants(repository.folder, commit) == {"BATCH": 64}
    code.write_text("no Python\n")
    repository.commit()
    assert checking._constants(repository.folder, repository.git("rev-parse", "HEAD")) == {}
    assert not (tmp_path / "ran").exists()


# ------------------------------------------------------------------------------- the data, from git


class Repository:
    """A git repository with one committed run and whatever a test adds on a branch."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.results = folder / "measurements" / "results"
        write_run(self.results)
        self.commit()
        self.git("checkout", "--quiet", "-b", "contribution")

    def git(self, *arguments, **options):
        names = {
            f"GIT_{who}_{what}": "test@example.org" if what == "EMAIL" else "test"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *map(str, arguments)],
            cwd=self.folder, env={**os.environ, **names}, check=True, capture_output=True,
            text=True, **options,
        ).stdout.strip()  # fmt: skip

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "More")

    def fetch(self, target, ref="refs/heads/contribution"):
        """Run the script in a clone of main, as the workflow does."""
        return self.run_script(self.clone(), "origin", ref, target)

    def clone(self):
        clone = self.folder.parent / "base"
        if not clone.exists():
            self.git("clone", "--quiet", "--branch", "main", self.folder, clone)
        return clone

    def run_script(self, clone, remote, ref, target):
        return subprocess.run(
            [sys.executable, SCRIPT, remote, ref, target],
            cwd=clone, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def test_both_sides_come_out_of_git_as_data(repository, tmp_path):
    write_run(repository.results, 1)
    (repository.folder / "conftest.py").write_text("1 / 0\n")  # outside the results: never read
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    write_run(repository.results, 2)  # merged meanwhile: neither added nor deleted
    repository.commit()
    done = repository.fetch(tmp_path / "data")
    assert done.returncode == 0, done.stderr
    files = sorted(
        path.relative_to(tmp_path / "data").as_posix()
        for path in (tmp_path / "data").rglob("*")
        if path.is_file()
    )
    assert files == [
        f"{side}/{place(number)}{suffix}"
        for side, numbers in (("after", (0, 1)), ("before", (0,)))
        for number in numbers
        for suffix in (".csv", ".json", f".logs/{LOG}")
    ]
    assert check(tmp_path / "data" / "before", tmp_path / "data" / "after") == (3, [])


def test_what_a_contribution_does_to_files_is_found(repository, tmp_path):
    (repository.results / f"{place(0)}.json").unlink()
    (repository.results / "link").symlink_to("/etc/passwd")
    program = repository.results / "program.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    # Neither may hide a file, nor change what is read of another.
    (repository.results / ".gitattributes").write_text("* export-ignore eol=crlf\n")
    repository.commit()
    module = f"160000,{repository.git('rev-parse', 'HEAD')},measurements/results/module"
    repository.git("update-index", "--add", "--cacheinfo", module)
    repository.git("commit", "--quiet", "--message", "Module")
    done = repository.fetch(tmp_path / "data")
    assert done.returncode == 0, done.stderr
    after = tmp_path / "data" / "after"
    assert (after / "link").readlink().name == "left-out"
    assert b"\r" not in (after / f"{place(0)}.csv").read_bytes()
    problems = check(tmp_path / "data" / "before", after)[1]
    assert [problem.partition(":")[0] for problem in problems] == [
        f"{place(0)}.json", ".gitattributes", "link", "module", "program.sh",
    ]  # fmt: skip


def plant(repository, *names):
    """Commit a tree that git would not make by itself: results/<name>/... leads elsewhere."""
    blob = repository.git("hash-object", "-w", "--stdin", input="planted\n")
    tree = f"100644 blob {blob}\tplanted\n"
    for name in names:
        id = repository.git("mktree", "--missing", input=tree)
        tree = f"040000 tree {id}\t{name}\n"
    id = repository.git("mktree", "--missing", input=tree)
    commit = repository.git("commit-tree", id, "-p", "main", "-m", "Planted")
    repository.git("update-ref", "refs/heads/contribution", commit)


def test_a_path_that_leads_elsewhere_is_refused(repository, tmp_path):
    repository.clone()
    plant(repository, "..", "results", "measurements")
    repository.git("checkout", "--quiet", "main")
    fetched = repository.fetch(tmp_path / "data")
    assert "hasDotdot" in fetched.stderr  # git itself refuses to take it in
    # One's own commits are not looked at by git: the script does that as well.
    ref = "refs/heads/contribution"
    found = repository.run_script(repository.folder, ".", ref, tmp_path / "data")
    assert "found the path" in found.stderr
    for done in (fetched, found):
        assert done.returncode == 2
        assert done.stderr.startswith("error:")
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("planted"))


@pytest.mark.parametrize("ref", ["refs/heads/none", "--upload-pack=touch stolen"])
def test_a_ref_that_is_none_is_refused(repository, tmp_path, ref):
    done = repository.fetch(tmp_path / "data", ref)
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert not list(tmp_path.rglob("stolen"))


# ----------------------------------------------------------- a pull request that brings its judge

PROGRAM = "import pathlib\npathlib.Path({mark!r}).touch()\n"


def crafted(repository, mark):
    """Commit, with a run, programs in every place from where something might run them."""
    program = PROGRAM.format(mark=str(mark))
    shell = f"#!/bin/sh\ntouch {mark}\n"
    texts = {
        ".github/scripts/contribution.py": program,
        ".github/workflows/contributed.yml": "on: push\n",
        ".gitattributes": "* filter=evil diff=evil\n",
        ".githooks/post-checkout": shell,
        "conftest.py": program,
        "generator/__init__.py": program,
        "generator/results/contribution_checks.py": program,
        f"measurements/frameworks/{GRAPH}/adapter.py": program,
        f"measurements/frameworks/{GRAPH}/environments/1.0.5-cpu.txt": "--index-url https://e.org\n",
        "measurements/results.py": program,
        "sitecustomize.py": program,
        "a\n::error::b": "",
        "##[error]ä": "",
    }
    for name, text in texts.items():
        path = repository.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    write_run(repository.results, 1)
    repository.commit()
    return sorted(texts)


def test_what_else_a_pull_request_changes_is_named_and_none_of_it_runs(repository, tmp_path):
    (repository.folder / "conftest.py").write_text("# the base's\n")
    (repository.folder / "README.md").write_text("Read me.\n")
    repository.commit()
    repository.git("branch", "--force", "main")
    (repository.folder / "README.md").unlink()
    names = sorted([*crafted(repository, tmp_path / "ran"), "README.md"])
    done = repository.fetch(tmp_path / "data")
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == len(names)
    for name, line in zip(sorted(names, key=os.fsencode), told, strict=True):
        assert line.startswith("changed outside the results")
        assert line.isascii()
        if name.isprintable() and name.isascii():
            assert f"{name!r}" in line
    assert "##[" not in done.stdout
    assert "::" not in done.stdout
    assert check(tmp_path / "data" / "before", tmp_path / "data" / "after") == (3, [])
    clone = repository.clone()
    assert not (tmp_path / "ran").exists()
    assert not (clone / "generator").exists()
    assert (clone / "conftest.py").read_text() == "# the base's\n"


def test_thousands_of_paths_are_counted(repository, tmp_path):
    for number in range(1010):
        (repository.folder / f"{number}.txt").touch()
    write_run(repository.results, 1)
    repository.commit()
    told = repository.fetch(tmp_path / "data").stdout.splitlines()
    assert (len(told), told[-1]) == (1001, "and 10 more paths outside the results")
