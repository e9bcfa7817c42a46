"""What the commands do: prepare, check, doctor, list."""

import json
import shutil
import subprocess
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from generator.catalog import loader, model
from generator.cli import check, doctor
from generator.cli.listing import listing as list_everything
from generator.errors import EnvironmentMissing, NoDeviceError, UsageError
from generator.measure import environments, machine, request, uv
from generator.measure.request import Request
from tests.conftest import PRETEND, ROOT
from tests.sample_results import GRAPH, PAIRED, write_sample

CATALOG = loader.load(frameworks=PRETEND)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# ------------------------------------------------------------------------------------- prepare


@pytest.fixture
def request_(tmp_path):
    return Request(("pretend",), results=tmp_path / "results", frameworks_folder=PRETEND)


def test_a_request_becomes_a_plan_and_changes_nothing(request_):
    made = request.prepare(request_, CATALOG)
    assert made.jobs
    assert made.measured == 0
    assert made.profile.name == "quick"
    assert not request_.results.exists()
    assert sum(request.estimate(made, request_).values()) > 0


def test_seeds_are_drawn_or_taken(request_):
    assert request.prepare(replace(request_, seed=5), CATALOG).seed == 5
    drawn = {request.prepare(request_, CATALOG).seed for _ in range(4)}
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frameworks": ("pretned",)}, "did you mean pretend"),
        ({"sections": ("lennet",)}, "did you mean lenet"),
        ({"sections": ("symbolic",)}, "nothing to measure"),
        ({"modes": ("eagr",)}, "did you mean eager"),
        ({"lanes": ("copy-pinned",)}, "lane of cpu"),
        ({"device": "gpu"}, "no device is called 'gpu'"),
        ({"profile": "fast"}, "no profile is called 'fast'"),
        ({"environment": "conda"}, "locked, current"),
        ({"frameworks": ("pretend==7",)}, "version of pretend"),
    ],
)
def test_wrong_names_are_usage_errors(request_, changes, said):
    with pytest.raises(UsageError) as raised:
        request.prepare(replace(request_, **changes), CATALOG)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_device_that_is_not_here_is_refused(request_, monkeypatch):
    monkeypatch.setattr(machine, "this", lambda: replace(real, gpus=()))
    real = machine.Machine("m", "cpu", 2, 2, 2**30, "Linux", "6", None, ())
    with pytest.raises(NoDeviceError, match="generator doctor"):
        request.prepare(replace(request_, device="cuda"), CATALOG)


def test_an_interpreter_without_frameworks_is_said(request_, monkeypatch):
    monkeypatch.setattr(environments, "installed_version", lambda name: None)
    with pytest.raises(UsageError, match="none of the distributions numpy"):
        request.prepare(replace(request_, frameworks=(), environment="current"), CATALOG)
    with pytest.raises(UsageError, match="not installed in this interpreter"):
        request.prepare(replace(request_, environment="current"), CATALOG)


def test_other_names_of_a_distribution_count_as_installed(monkeypatch):
    framework = CATALOG.framework("pretend")
    both = model.Catalog((replace(framework, other_distributions=("pretend-gpu",)),), ())
    monkeypatch.setattr(environments, "installed_version", {"pretend-gpu": "2.0"}.get)
    assert request.installed_frameworks(both) == {"pretend": "2.0"}


# --------------------------------------------------------------------------------------- check


@pytest.fixture
def root(tmp_path):
    """The parts of a repository that ``check`` looks at, to be corrupted."""
    root = tmp_path / "root"
    skip = shutil.ignore_patterns("__pycache__", "*.py")
    for part in ("frameworks", "data"):
        source = ROOT / "measurements" / part
        shutil.copytree(source, root / "measurements" / part, ignore=skip)
    return root


def test_an_untouched_repository_has_no_problems(root):
    looked, problems = check.check(root)
    assert problems == []
    locks = list(root.glob("measurements/frameworks/*/environments/*.txt"))
    assert looked == len(loader.load().frameworks) + len(locks) + 1


def test_results_are_counted_and_validated(root):
    paths = write_sample(root / "measurements" / "results", rows_scale=0.1)
    looked, problems = check.check(root)
    assert problems == []
    assert check.check(root, root / "nowhere")[0] == looked - 2 * len(paths)
    paths[0].with_suffix(".json").unlink()
    paths[1].unlink()
    assert [str(p.file) for p in check.check(root)[1]] == [
        str(paths[0].with_suffix(".json")),
        str(paths[1].with_suffix(".json")),
    ]


def test_results_of_a_framework_without_a_folder_are_named(root):
    folder = root / "measurements" / "results"
    write_sample(folder, rows_scale=0.1)
    assert check.unknown_frameworks(folder, root) == []
    shutil.rmtree(root / "measurements" / "frameworks" / GRAPH)
    (told,) = check.unknown_frameworks(folder, root)
    assert f"framework '{GRAPH}': it has results and no folder" in told


def corrupt(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


FACTS = f"frameworks/{GRAPH}/framework.toml"
LOOKS = [loader.load().framework(id).look for id in (GRAPH, PAIRED)]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (FACTS, 'kind = "symbolic"', 'kind = "magic"', "one of"),
        (FACTS, '[[gaps]]\ndevice = "cuda"', "[[gaps]]\ndevice = 'x'",
         "one of cpu, cuda"),
        (FACTS, f'light = "{LOOKS[0].light}"', f'light = "{LOOKS[1].light}"', "as well"),
        (f"frameworks/{GRAPH}/environments/1.0.5-cpu.txt", "numpy==", "numpy>=", "name==version"),
        ("data/mnist-5k.toml", "sha256 = \"", "sha256 = \"0", "that of the data"),
        ("data/mnist-5k.toml", "sha256", "sha", "a TOML file with sha256"),
        ("data/mnist-5k.toml", "sha256 = ", "sha256 = = ", "a TOML file with sha256"),
    ],
)  # fmt: skip
def test_what_is_invalid_is_named(root, file, old, new, said):
    corrupt(root / "measurements" / file, old, new)
    _, problems = check.check(root)
    assert problems
    assert problems[0].file.endswith(Path(file).name)
    assert any(said in str(problem) for problem in problems)


def test_a_missing_lock_is_named_with_the_command(root):
    next(root.glob(f"measurements/frameworks/{PAIRED}/environments/*-cuda.txt")).unlink()
    _, (problem,) = check.check(root)
    assert f"generator lock {PAIRED}==1.9.1 --device cuda" in problem.expected


@pytest.mark.parametrize(
    "name", [FACTS, f"frameworks/{GRAPH}/environments/1.0.5-cpu.txt", "worker.py"]
)
def test_line_ends_are_named_with_what_mends_them(root, name):
    path = root / "measurements" / name
    good = (ROOT / "measurements" / name).read_bytes()
    path.write_bytes(good.replace(b"\n", b"\r\n"))
    problems = [problem for problem in check.check(root)[1] if "CR LF" in problem.found]
    assert [problem.file for problem in problems] == [str(path)]
    command = problems[0].expected.split("`")[1]
    subprocess.run(command, shell=True, check=True)
    assert path.read_bytes() == good


def test_line_ends_of_rows_are_one_problem(root):
    path = write_sample(root / "measurements" / "results", rows_scale=0.1)[0]
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (problem,) = check.check(root)[1]
    assert (problem.file, problem.line) == (str(path), 1)
    assert "sed -i" in problem.expected


def test_a_checkout_has_the_same_bytes_whatever_git_makes_of_line_ends(tmp_path):
    def git(*arguments, folder=tmp_path):
        return subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet", "origin")
    names = [
        ".gitattributes",
        "uv.lock",
        "measurements/worker.py",
        "measurements/data/mnist-5k.npz",
    ]
    names += [f"measurements/{FACTS}", "measurements/releases.json"]
    for name in names:
        target = tmp_path / "origin" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    git("add", ".", folder=tmp_path / "origin")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    git(*who, "commit", "--quiet", "--message", "All", folder=tmp_path / "origin")
    for ends in ("true", "input", "false"):
        git(
            "clone", "--quiet", "-c", f"core.autocrlf={ends}", "-c", "core.eol=crlf", "origin", ends
        )
        for name in names:
            assert (tmp_path / ends / name).read_bytes() == (ROOT / name).read_bytes()
        assert git("status", "--porcelain", folder=tmp_path / ends) == ""


# -------------------------------------------------------------------------------------- doctor


def test_every_finding_that_is_not_ok_says_how_to_mend_it(monkeypatch):
    def missing():
        raise EnvironmentMissing("no uv")

    monkeypatch.setattr(uv, "program", missing)
    monkeypatch.setattr(uv, "find_interpreter", lambda version: None)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Usage(10, 9, 1))
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (99.0, 99.0, 99.0))
    monkeypatch.setattr(doctor.script_metrics, "r_obstacle", lambda: "no R; apt-get install r")
    findings = doctor.doctor(CATALOG)
    missing = [finding for finding in findings if not finding.ok]
    assert all(finding.needed and finding.mend and finding.found for finding in missing)
    wrong = [finding for finding in missing if not finding.optional]
    assert {finding.what.split(" ")[0] for finding in wrong} == {
        "uv",
        "pretend-compiler",
        "git",
        "disk",
        "a",
    }
    (program,) = [finding for finding in wrong if finding.what.startswith("pretend")]
    assert program.needed == "Pretend: pretends to compile"
    assert "pretend-tools" in program.mend
    (r,) = [finding for finding in missing if finding.what.startswith("R ")]
    assert (r.found, r.mend) == ("no R", "apt-get install r")
    (python,) = [finding for finding in missing if finding.what.startswith("Python")]
    version = CATALOG.framework("pretend").newest
    assert python.needed == f"Pretend {version.version}"
    assert f"uv python install {version.python}" in python.mend


def test_a_machine_that_has_everything_is_told_so(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Usage(1, 0, 2**40))
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    findings = doctor.doctor(CATALOG)
    assert all(finding.ok or finding.optional for finding in findings)
    (environment,) = [finding for finding in findings if "environment of" in finding.what]
    assert (environment.ok, environment.found) == (False, "not made yet")
    assert environment.mend == "generator measure pretend"
    json.dumps([finding.__dict__ for finding in findings])


def test_counters_that_stand_still_are_no_evidence_of_a_quiet_machine(monkeypatch):
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    still = staticmethod(lambda: (time.perf_counter(), 0.0, time.process_time()))
    monkeypatch.setattr(doctor.timing.ForeignLoad, "_read", still)
    found = {finding.what: finding for finding in doctor.doctor(CATALOG)}
    assert not found["counters of processor time"].ok
    assert "a quiet machine" not in found


def test_a_cache_that_cannot_be_made_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(uv, "find_interpreter", lambda version: None)
    (disk,) = [f for f in doctor.doctor(CATALOG) if f.what.startswith("disk")]
    assert not disk.ok
    assert "SYMBOLIC_COMPARISON_CACHE" in disk.mend


# ---------------------------------------------------------------------------------------- list


def test_the_listing_is_plain_data(tmp_path):
    paths = write_sample(tmp_path, frameworks=(GRAPH, PAIRED), rows_scale=0.1)
    listing = list_everything(tmp_path, loader.load())
    assert json.loads(json.dumps(listing)) == listing
    assert len(listing["measured"]) == len(paths)
    assert {item["framework"] for item in listing["measured"]} == {GRAPH, PAIRED}
    assert all(item["finished"] for item in listing["measured"])
    known = loader.load()
    assert [f["id"] for f in listing["frameworks"]] == [f.id for f in known.frameworks]
    assert [s["id"] for s in listing["sections"]] == [s.id for s in known.sections]


def test_an_unreadable_result_does_not_stop_the_listing(tmp_path):
    first, second = write_sample(tmp_path, frameworks=(GRAPH, PAIRED), rows_scale=0.1)
    first.with_suffix(".json").write_text("{")
    (measured,) = list_everything(tmp_path, loader.load())["measured"]
    assert measured["run"] == second.stem


def test_nothing_measured_is_an_empty_list(tmp_path):
    assert list_everything(tmp_path / "nowhere", CATALOG)["measured"] == []
