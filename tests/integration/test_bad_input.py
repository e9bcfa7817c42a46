"""Whatever users, frameworks, files and machines do wrong: a clear message, nothing lost."""

import csv
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PRETEND, ROOT
from tests.sample_results import GRAPH, MANY, write_history, write_sample

FAULTS = {
    "segfault": ("failed", "SIGSEGV"),
    "hang": ("timeout", "timed out after"),
    "killed": ("failed", "out of memory?"),
    "flood": ("timeout", "timed out after"),
    "nonsense": ("failed", "result file line"),
    "hostile": ("failed", "ValueError: <script>"),
}


def rows(results):
    found = []
    for path in sorted(results.glob("*/*/*/*.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def document(results):
    (path,) = results.glob("*/*/*/*.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["measure", GRAPH[:-1]], f"did you mean {GRAPH}"),
        (["measure", f"{GRAPH}==9.9"], f"no version of {GRAPH} is called '9.9'"),
        (["measure", "--section", "lennet"], "did you mean lenet"),
        (["measure", "--section", "symbolic"], "there is nothing to measure"),
        (["measure", MANY, "--mode", "eagre"], "did you mean eager?"),
        (["measure", "--lane", "threads-2"], "threads-1"),
        (["measure", "--profile", "ful"], "did you mean full?"),
        (["measure", "--device", "cuba"], "did you mean cuda"),
        (["measure", "--environment", "currant"], "did you mean current?"),
        (["measure", "--frobnicate"], "No such option"),
        (["frobnicate"], "No such command"),
        (["report", GRAPH[:-1]], f"did you mean {GRAPH}"),
    ],
)
def test_an_unknown_name_exits_2_and_names_the_nearest(generator, arguments, said):
    finished = generator(*arguments)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert "Traceback" not in finished.stderr


ANSWERS = [
    "list", f"list {MANY}", "doctor", "compare --changes", f"compare {GRAPH} {MANY}==0", "check",
    f"compare {GRAPH} {MANY} --results {{sample}}", "compare --changes --results {sample}",
    "measure --dry-run", "check --contribution nowhere", "check --contribution {sample}",
    *(f"{command} {GRAPH[:-1]}" for command in ("measure", "report", "lock", "update", "list")),
    "export {folder}", "export {folder} --results nowhere", "render --results {faulty}",
    "build --results {faulty}", "update --check", f"update {MANY} --dry-run",
    "--help", "measure --help", "compare --help", "update --help",
]  # fmt: skip
UNREACHABLE = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "no_proxy": "127.0.0.1"}


@pytest.fixture(scope="module")
def places(small, tmp_path_factory):
    """Folders that answers are about: of invented results, of a faulty one, to write to."""
    sample, faulty = tmp_path_factory.mktemp("sample"), tmp_path_factory.mktemp("faulty")
    write_sample(sample, profile="quick", rows_scale=0.1)
    write_history(sample, {GRAPH: {"0.9.0": 2.0, "1.0.5": 1.0}}, start=3)
    shutil.copytree(small, faulty, dirs_exist_ok=True)
    next(faulty.rglob("*.csv")).write_text("rubbish\n")
    folder = tmp_path_factory.mktemp("dataset")
    return {"sample": sample, "faulty": faulty, "folder": folder}


@pytest.mark.parametrize("arguments", ANSWERS)
def test_an_answer_is_whole_in_40_columns_of_ascii(generator, small, places, arguments):
    words = arguments.format(**places).split()
    given = words[0] not in ("doctor", "lock") and not {"--help", "--results"} & set(words)
    words += ["--results", small] * given
    found = generator(*words, env={"COLUMNS": "40", "PYTHONIOENCODING": "ascii"} | UNREACHABLE)
    assert "Traceback" not in found.stderr
    text = found.stdout + found.stderr
    assert text
    assert text.isascii()
    # A path or a command is in one piece, so that it can be copied.
    broad = 46 if "--help" in words else 40  # Click needs room beside the names of options
    long = [re.sub("^(error:|x) ", "", line) for line in text.splitlines() if len(line) > broad]
    assert [line for line in long if " " in line.strip()] == []
    if "--help" in words:
        assert "..." not in text.replace("[ARGS]...", "").replace("]...", "")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-7", "shift_jis", "cp437"])
def test_no_encoding_ends_a_command(generator, encoding):
    for arguments in (["doctor"], ["measure", GRAPH[:-1]]):
        found = generator(*arguments, env={"PYTHONIOENCODING": encoding}, encoding="latin-1")
        assert "Traceback" not in found.stderr
        assert found.stdout or found.stderr


def test_compare_names_what_it_does_not_know(generator, small):
    finished = generator(
        "compare", "pretent", "pretend", "--metric", "ready_time", "--results", small
    )
    assert finished.returncode == 2
    assert "did you mean pretend?" in finished.stderr


def test_cuda_without_a_gpu_exits_2_and_says_so(generator):
    from generator.measure import gpu_log

    if gpu_log.devices():
        pytest.skip("this machine has a GPU")
    finished = generator("measure", "--device", "cuda")
    assert finished.returncode == 2
    assert "no CUDA GPU" in finished.stderr


def test_data_that_is_not_mnist_exits_2(generator, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"rubbish")
    finished = generator("measure", "--data-dir", tmp_path)
    assert finished.returncode == 2
    assert "expected" in finished.stderr
    assert "Traceback" not in finished.stderr


REPEATED = ["--profile", "full", "--lane", "threads-all", "--section", "compile"]


@pytest.fixture(scope="module")
def faulty(measure_pretend, tmp_path_factory):
    results = tmp_path_factory.mktemp("faulty")
    modes = [word for mode in ("eager", *FAULTS) for word in ("--mode", mode)]
    finished = measure_pretend(results, *REPEATED, "--timeout", 8, *modes)
    return finished, results


def test_a_framework_that_fails_does_not_stop_the_others(faulty):
    finished, results = faulty
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    good = [row for row in rows(results) if row["mode"] == "eager"]
    assert {row["status"] for row in good} == {"ok"}
    assert {row["block"] for row in good if row["case"] == "warm"} == set("0123456789")


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_becomes_a_row_with_a_reason_and_a_log(faulty, mode):
    _, results = faulty
    status, reason = FAULTS[mode]
    first = [r for r in rows(results) if r["mode"] == mode and r["block"] == "0"]
    assert {row["status"] for row in first if row["metric"] == "ready_time"} == {status}
    assert any(reason in row["reason"] for row in first)
    # Tried once cold and once warm; later blocks say why they were spared.
    later = {row["status"] for row in rows(results) if row["mode"] == mode and row["block"] == "1"}
    assert later == {"skipped"}
    (path,) = results.glob("*/*/*/*.json")
    logs = [job["log"] for job in document(results)["jobs"] if job["mode"] == mode and job["log"]]
    assert logs
    for log in logs:
        assert 0 < (path.parent / log).stat().st_size <= 64 * 1024 + 200


def test_a_faulty_run_is_valid_and_not_repeated(faulty, generator, measure_pretend):
    _, results = faulty
    checked = generator("check", "--results", results)
    assert checked.returncode == 0, checked.stdout
    again = measure_pretend(results, *REPEATED, "--mode", "segfault", "--dry-run")
    assert "0 processes" in again.stdout


def test_no_machine_path_reaches_a_log(faulty):
    _, results = faulty
    for log in results.glob("*/*/*/*.logs/*.log"):
        assert str(ROOT) not in log.read_text()


# ------------------------------------------------------------------------- interruption


def start(environment, results, *arguments):
    return subprocess.Popen(
        [
            sys.executable, "-m", "generator", "measure", "pretend", "--environment", "current",
            "--frameworks-folder", PRETEND, "--results", results, "--seed", "7", *arguments,
        ],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_jobs(results, number, process):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for path in results.glob("*/*/*/*.json"):
            if len(json.loads(path.read_text())["jobs"]) >= number:
                return
        time.sleep(0.05)
    pytest.fail(f"no {number} jobs: {process.communicate()}")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_is_kept_and_resumed(
    by, environment, measure_pretend, generator, tmp_path
):
    what = ["--section", "compile", "--mode", "eager", "--mode", "honest"]
    process = start(environment, tmp_path, *what)
    wait_for_jobs(tmp_path, 3, process)
    process.send_signal(by)
    _, said = process.communicate(timeout=60)
    if by is not signal.SIGKILL:
        assert process.returncode == 3
        assert "results are kept" in said
    assert generator("check", "--results", tmp_path).returncode == 0
    before = document(tmp_path)
    finished_before = [job["id"] for job in before["jobs"]]
    assert before["finished"] is None
    kept = [row for row in rows(tmp_path) if "partial" not in row["flags"]]

    resumed = measure_pretend(tmp_path, *what)
    assert resumed.returncode == 0, resumed.stderr
    after = document(tmp_path)
    assert after["run"] == before["run"]
    assert after["seed"] == before["seed"]
    assert len(after["starts"]) == 2
    assert after["finished"]
    ids = [job["id"] for job in after["jobs"]]
    assert ids[: len(finished_before)] == finished_before
    # A cold start and three blocks of the mode that stands for the framework, each twice (A/A),
    # and one of the other.
    assert len(ids) == len(set(ids)) == 8
    now = rows(tmp_path)
    assert all(row in now for row in kept)
    assert generator("check", "--results", tmp_path).returncode == 0


def test_samples_of_an_interrupted_process_are_kept_as_partial(
    environment, generator, tmp_path, cache
):
    process = start(environment, tmp_path, "--section", "compile", "--mode", "hang")
    # The import is over and written down before the step that hangs begins.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        journals = list((cache / "journal").glob("*/*_hang_*.jsonl"))
        if journals and b"threads_read_back" in journals[0].read_bytes():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with journals[0].open("a") as journal:
        row = {"section": "compile", "case": "cold", "metric": "import_time", "unit": "s"}
        row |= {"sample": None, "value": 1.5, "status": "ok", "reason": ""}
        journal.write(json.dumps({"row": row}) + "\n")
    resumed = start(
        environment, tmp_path, "--section", "compile", "--mode", "hang", "--timeout", "3"
    )
    resumed.communicate(timeout=120)
    partial = [row for row in rows(tmp_path) if row["flags"] == "partial"]
    assert [row["value"] for row in partial] == ["1.5"]
    assert generator("check", "--results", tmp_path).returncode == 0


def test_killing_the_generator_kills_its_worker(environment, tmp_path, cache):
    process = start(environment, tmp_path, "--section", "compile", "--mode", "hang")
    deadline = time.monotonic() + 60

    def workers():
        found = subprocess.run(
            ["pgrep", "-f", "measurements.worker"], capture_output=True, text=True, check=False
        )
        ours = []
        for pid in found.stdout.split():
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    if str(cache) in file.read():
                        ours.append(pid)
            except OSError:
                pass
        return ours

    while not workers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers()
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(1)
    assert workers() == []


# ------------------------------------------------------------------------- the machine


def locked_pretend(tmp_path, *, python="3.11", lock=None):
    """A copy of the tests' framework with a lock of its own."""
    folder = tmp_path / "frameworks" / "pretend"
    shutil.copytree(PRETEND / "pretend", folder, ignore=shutil.ignore_patterns("__pycache__"))
    toml = folder / "framework.toml"
    toml.write_text(toml.read_text().replace('python = "3.11"', f'python = "{python}"'))
    (folder / "environments").mkdir()
    text = lock or "numpy==9.9.9 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    (folder / "environments" / "1.0-cpu.txt").write_text(text)
    return folder.parent


def measure_locked(generator, frameworks, results, **options):
    return generator(
        "measure", "pretend", "--frameworks-folder", frameworks, "--results", results,
        "--section", "compile", "--mode", "eager", **options,
    )  # fmt: skip


def test_no_network_is_said_and_nothing_is_recorded_as_measured(generator, tmp_path):
    env = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_CACHE_DIR": str(tmp_path / "uv")}
    env |= {"UV_HTTP_RETRIES": "0", "UV_FIND_LINKS": "", "PIP_FIND_LINKS": ""}
    finished = measure_locked(generator, locked_pretend(tmp_path), tmp_path / "results", env=env)
    assert finished.returncode == 1
    assert "run the same command again" in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    assert not rows(tmp_path / "results")


def test_a_package_that_is_not_the_locked_one_is_refused(generator, tmp_path):
    lock = "six==1.17.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    frameworks = locked_pretend(tmp_path, lock=lock)
    finished = measure_locked(generator, frameworks, tmp_path / "results")
    assert finished.returncode == 1
    assert "not the one that was locked" in finished.stdout + finished.stderr


def test_no_matching_interpreter_is_said(generator, tmp_path):
    frameworks = locked_pretend(tmp_path, python="3.99")
    finished = measure_locked(
        generator, frameworks, tmp_path / "results", env={"UV_PYTHON_DOWNLOADS": "never"}
    )
    assert finished.returncode == 1
    assert "3.99" in finished.stdout + finished.stderr
    assert "generator doctor" in finished.stdout + finished.stderr


def test_no_lock_names_the_command_that_makes_it(generator, tmp_path):
    frameworks = locked_pretend(tmp_path)
    (frameworks / "pretend" / "environments" / "1.0-cpu.txt").unlink()
    finished = measure_locked(generator, frameworks, tmp_path / "results")
    assert finished.returncode == 1
    assert "generator lock pretend==1.0" in finished.stdout + finished.stderr


def test_a_disk_that_refuses_keeps_what_is_there(measure_pretend, generator, tmp_path):
    done = measure_pretend(tmp_path, "--section", "compile", "--mode", "eager")
    assert done.returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.glob("*/*/*/*.*")}
    # The system refuses to let any file grow beyond this: the document of the next run does.
    size = 2048

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    refused = measure_pretend(
        tmp_path, "--section", "compile", "--mode", "honest", preexec_fn=limit
    )
    assert refused.returncode == 1
    assert "run the same command again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.glob(".*")) == []
    assert before.items() <= {p: p.read_bytes() for p in tmp_path.glob("*/*/*/*.*")}.items()
    assert generator("check", "--results", tmp_path).returncode == 0
    mended = measure_pretend(tmp_path, "--section", "compile", "--mode", "honest")
    assert mended.returncode == 0


# ------------------------------------------------------------------------- files


def corrupt(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("run,machine,", "machine,run,", 1, "expected run,machine,framework"),
        (",ok,,\n", ",excellent,,\n", 2, "excellent"),
        (",ok,,\n", ",failed,,\n", 2, "failed"),
        (",0,,", ",zero,,", 2, "block 'zero'"),
        (",ok,,\n", ",ok,,\n<script>alert(1)</script>\n", 3, "columns"),
    ],
)
@pytest.mark.parametrize("command", ["check", "render"])
def test_a_broken_csv_is_named_with_file_and_line(
    measure_pretend, generator, broken, command, old, new, line, said
):
    path = next(broken.glob("*/*/*/*.csv"))
    corrupt(path, old, new)
    finished = generator(command, "--results", broken)
    text = finished.stdout + finished.stderr
    assert finished.returncode == 2, text
    assert f"{path.name}:{line}:" in text
    assert said in " ".join(text.split())  # answers are wrapped
    assert "Traceback" not in text


@pytest.fixture(scope="module")
def small(measure_pretend, tmp_path_factory):
    results = tmp_path_factory.mktemp("small")
    assert measure_pretend(results, "--section", "compile", "--mode", "eager").returncode == 0
    return results


@pytest.fixture
def broken(small, tmp_path):
    return shutil.copytree(small, tmp_path / "results")


def test_a_truncated_csv_and_a_nan_are_named(generator, broken):
    path = next(broken.glob("*/*/*/*.csv"))
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    cells[13] = "nan"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]])[:-20])
    finished = generator("check", "--results", broken)
    assert finished.returncode == 2
    assert f"{path.name}:2: found value 'nan'" in finished.stdout
    assert f"{path.name}:{len(lines)}: found" in finished.stdout


def test_check_as_json_names_the_same(generator, broken):
    path = next(broken.glob("*/*/*/*.csv"))
    corrupt(path, ",ok,,\n", ",excellent,,\n")
    finished = generator("check", "--json", "--results", broken)
    (problem,) = json.loads(finished.stdout)
    assert (Path(problem["file"]).name, problem["line"]) == (path.name, 2)


def test_a_framework_toml_that_is_wrong_is_named(generator, tmp_path):
    frameworks = locked_pretend(tmp_path)
    toml = frameworks / "pretend" / "framework.toml"
    corrupt(toml, 'kind = "symbolic"', 'kind = "magic"')
    finished = generator("list", "--frameworks-folder", frameworks)
    assert finished.returncode == 2
    line = toml.read_text().splitlines().index('kind = "magic"') + 1
    assert f"framework.toml:{line}: found modes.honest.kind = 'magic'" in finished.stderr
    assert "imperative, symbolic" in finished.stderr
