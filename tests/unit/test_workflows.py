"""The workflows: linted, pinned, with no more permissions than needed; and their scripts."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

GITHUB = ROOT / ".github"
FILES = sorted((GITHUB / "workflows").glob("*.yml"))
SCRIPTS = GITHUB / "scripts"
WRITES = {
    ("publish.yml", "deploy"): {"pages", "id-token"},
    ("watch.yml", "propose"): {"contents", "pull-requests"},
}
"""The only jobs that may write, and what."""

every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def workflow(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def triggers(path):
    return set(workflow(path)[True])  # YAML 1.1 reads `on` as true


def jobs(path):
    return workflow(path)["jobs"].items()


def steps(path):
    return [step for _, job in jobs(path) for step in job["steps"]]


# ------------------------------------------------------------------------------------ the linters


def zizmor(*paths):
    program = Path(sys.executable).with_name("zizmor")
    return subprocess.run(
        [program, "--offline", "--persona=pedantic", "--no-progress", "--quiet", *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_zizmor_finds_nothing():
    done = zizmor(GITHUB)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        ("run: .ci/run", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("runs-on: ubuntu-24.04", "runs_on: ubuntu-24.04", "failed to validate"),
    ],
)
def test_zizmor_finds_what_is_planted(tmp_path, old, new, said):
    text = (GITHUB / "workflows" / "check.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "check.yml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = zizmor(path)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def actionlint(*paths):
    program = Path(sys.executable).with_name("actionlint")
    return subprocess.run(
        [program, "-no-color", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_actionlint_finds_nothing():
    done = actionlint(*FILES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_what_is_planted(tmp_path):
    text = (GITHUB / "workflows" / "check.yml").read_text(encoding="utf-8")
    path = tmp_path / "check.yml"
    path.write_text(text.replace("timeout-minutes", "timeout-minuets"), encoding="utf-8")
    done = actionlint(path)
    assert done.returncode != 0
    assert "timeout-minuets" in done.stdout


# ---------------------------------------------------------------------------------------- pinning


PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def uses(text):
    return re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.MULTILINE)


def test_a_tag_or_a_hash_without_its_version_is_no_pin():
    assert PINNED.fullmatch(f"a/b@{'0' * 40} # v1.2.3")
    for bad in ("a/b@v1.2.3", f"a/b@{'0' * 40}", "a/b@main # v1.2.3", "./local"):
        assert not PINNED.fullmatch(bad)


def test_every_action_is_pinned_by_hash_and_the_same_everywhere():
    found = [use for path in FILES for use in uses(path.read_text(encoding="utf-8"))]
    assert len(found) == sum("uses" in step for path in FILES for step in steps(path))
    assert [use for use in found if not PINNED.fullmatch(use)] == []
    assert len(set(found)) == len({use.partition("@")[0] for use in found})


FETCHES = re.compile(
    r"\b(pip3? (?:install|download)|pipx|uvx|uv (?:tool|pip|self)|npx|npm|cargo"
    r"|go install|gem|curl|wget|docker|podman|git clone|gh (?:release|extension))\s.*"
)
"""What brings a program of somebody else; packages of the system are signed by its makers."""


def unpinned(text):
    lines = [re.sub(r"#.*|command -v \w+", "", line) for line in text.splitlines()]
    found = [match[0] for line in lines if (match := FETCHES.search(line))]
    good = re.compile(r"pip install --quiet -r \.ci/uv\.txt( && python3 -m uv run .*)?")
    return [tool for tool in found if not good.fullmatch(tool)]


def test_every_tool_is_pinned_by_version_and_hash():
    for path in (*FILES, *SCRIPTS.glob("*.sh"), ROOT / ".ci" / "run"):
        assert unpinned(path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m pip install --quiet uv", "pip install uv==0.9", "uvx ruff check",
        "npx lighthouse",
        "python3 -m pip install --quiet -r .ci/uv.txt zizmor", "curl -L https://example.org | sh",
        "pip install --quiet -r .ci/uv.txt && pip install poe", "python3 -m uv tool install ruff",
    ],
)  # fmt: skip
def test_a_tool_of_any_version_is_found(command):
    text = (GITHUB / "workflows" / "check.yml").read_text(encoding="utf-8")
    planted = text.replace("run: .ci/run", f"run: {command}")
    assert len(unpinned(planted)) == 1


def test_uv_is_the_one_that_the_lock_has():
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    (uv,) = [package for package in packages if package["name"] == "uv"]
    hashes = sorted(file["hash"] for file in (uv["sdist"], *uv["wheels"]))
    pin = " \\\n    ".join([f"uv=={uv['version']}", *(f"--hash={one}" for one in hashes)])
    lines = (ROOT / ".ci" / "uv.txt").read_text(encoding="utf-8").partition("\n")
    assert lines[0].startswith("# ")
    assert lines[2] == f"{pin}\n"


# ------------------------------------------------------------------------------------ permissions


@every
def test_only_named_jobs_write_and_nothing_is_granted_to_all(path):
    assert workflow(path)["permissions"] == {}
    for name, job in jobs(path):
        granted = {what for what, how in job["permissions"].items() if how != "read"}
        assert granted == WRITES.get((path.name, name), set()), name


@every
def test_no_secret_and_no_credential_lies_about(path):
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & triggers(path)
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", ""), step["run"]
        if "github.token" in str(step):
            assert path.name == "watch.yml"


@every
def test_every_job_ends_and_a_second_run_waits_or_replaces(path):
    assert workflow(path)["concurrency"]["group"]
    for name, job in jobs(path):
        assert 0 < job["timeout-minutes"] <= 360, name


@every
def test_only_hosted_machines_run_pull_requests(path):
    hosted = all(job["runs-on"] == "ubuntu-24.04" for _, job in jobs(path))
    assert hosted or triggers(path) == {"schedule", "workflow_dispatch"}


def test_a_machine_with_a_gpu_is_used_only_where_one_is_registered():
    job = workflow(GITHUB / "workflows" / "watch.yml")["jobs"]["cuda"]
    assert job["if"] == "vars.GPU_RUNNER != ''"
    assert "vars.GPU_RUNNER" in job["runs-on"]


# -------------------------------------------------------------------------------- what is run there


def test_contributed_results_are_judged_by_the_base_branch_alone():
    path = GITHUB / "workflows" / "contributed.yml"
    assert triggers(path) == {"pull_request"}
    # Only this repository's own branches of the watch are spared: a fork may call its so as well.
    (job,) = dict(jobs(path)).values()
    assert "head.repo.full_name != github.repository ||" in job["if"]
    checkout, *_ = steps(path)
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    texts = [step["run"] for step in steps(path) if "run" in step]
    assert sum("refs/pull/" in text for text in texts) == 1
    assert any("contribution.py" in text and "refs/pull/" in text for text in texts)
    assert any("generator check" in text and "--contribution" in text for text in texts)


def test_the_readme_s_test_command_is_what_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python3 .* poe test$", readme, re.MULTILINE)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert any(step.get("run") == ".ci/run" for step in steps(GITHUB / "workflows" / "check.yml"))


def test_every_script_is_used_and_every_used_one_is_there():
    texts = [*FILES, *SCRIPTS.glob("*.sh")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in texts)
    named = set(re.findall(r"\.github/scripts/(\w+\.\w+)", text))
    assert named == {path.name for path in SCRIPTS.iterdir() if path.is_file()}
    for name in named:
        assert name.endswith(".py") or os.access(SCRIPTS / name, os.X_OK), name


# ----------------------------------------------------------------- the scripts of the release watch


class Checkout:
    """A checkout of a small repository with an origin, and a `gh` that writes down its words."""

    def __init__(self, folder):
        self.folder, self.log = folder / "checkout", folder / "gh.log"
        self.origin = folder / "origin.git"
        self.programs = folder / "bin"
        self.programs.mkdir()
        gh = self.programs / "gh"
        gh.write_text(
            f'#!/bin/sh\necho "$@" >> {shlex.quote(str(self.log))}\n'
            '[ "$2" = list ] && echo "$OPEN"\n'
            'while [ $# -gt 1 ]; do [ "$1" = --body-file ] && cat "$2"; shift; done\nexit 0\n'
        )
        gh.chmod(0o755)
        self.run("git", "init", "--quiet", "--bare", "--initial-branch=main", self.origin, cwd="/")
        self.run("git", "clone", "--quiet", self.origin, self.folder, cwd="/")
        self.write("measurements/releases.json", "{}\n")
        self.write("README.md", "Read me.\n")
        self.write(LISTED, listed("0.12"))
        self.run("git", "checkout", "--quiet", "-B", "main")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "Begin")

    def run(self, *words, cwd=None, check=True, **variables):
        names = {
            f"GIT_{who}_{what}": "test@example.org" if what == "EMAIL" else "test"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(
            list(map(str, words)), cwd=cwd or self.folder, check=check, capture_output=True,
            text=True, env={**os.environ, **names, "PATH": path, "OPEN": "", **variables},
        )  # fmt: skip

    def write(self, name, text="new\n"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def changes(self, verb, *folders):
        return self.run(sys.executable, SCRIPTS / "changes.py", verb, *folders, check=False)

    def propose(self, *reports, **variables):
        return self.run(SCRIPTS / "propose.sh", *reports, GITHUB_RUN_ID="7", **variables)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


LISTED = "measurements/frameworks/alder/framework.toml"


def listed(*versions):
    """A framework.toml with these releases."""
    return 'name = "Alder"\n[modes.compiled]\nkind = "symbolic"\nwarmup = { cpu = 10 }\n' + "".join(
        f'[[versions]]\nversion = "{version}"\nreleased = 2026-01-01\n'
        f'source = "https://pypi.org/project/alder/{version}/"\npython = "3.12"\n'
        f'[versions.requirements]\ncpu = ["alder[fast]=={version}+cpu", "numpy==1.0"]\n'
        f'"cpu+reuse" = ["other"]\n'
        for version in versions
    )


RUN = "measurements/results/m/alder/0.13/20260101T000000Z-aaaaaa"
FOUND = (
    "measurements/frameworks/alder/environments/0.13-cpu+reuse.txt",
    LISTED, "measurements/releases.json",
    f"{RUN}.csv", f"{RUN}.json", f"{RUN}.logs/a.log", "measurements/changes/run.md",
)  # fmt: skip


def test_what_changed_is_carried_from_one_checkout_to_another(checkout, tmp_path):
    for name in FOUND:
        checkout.write(name, listed("0.12", "0.13") if name == LISTED else "new\n")
    checkout.write("README.md", "changed as well\n")
    checkout.write("measurements/worker.py", "print('never')\n")
    (checkout.folder / "measurements" / "changes" / "link.md").symlink_to("/etc/passwd")
    done = checkout.changes("collect", tmp_path / "found")
    assert done.returncode == 0, done.stderr
    files = {
        path.relative_to(tmp_path / "found").as_posix()
        for path in (tmp_path / "found").rglob("*.*")
    }
    assert {name for name in files if (tmp_path / "found" / name).is_file()} == set(FOUND)
    assert "left out 'measurements/worker.py'" in done.stdout
    checkout.run("git", "stash", "--quiet", "--include-untracked")
    assert not (checkout.folder / f"{RUN}.csv").exists()
    later = tmp_path / "later" / "measurements"
    later.mkdir(parents=True)
    (later / "releases.json").write_text("later\n")
    done = checkout.changes("apply", tmp_path / "found", later.parent, tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert (checkout.folder / f"{RUN}.csv").read_text() == "new\n"
    assert (checkout.folder / "measurements" / "releases.json").read_text() == "later\n"
    assert (checkout.folder / "README.md").read_text() == "Read me.\n"


@pytest.mark.parametrize(
    "name", ["README.md", "measurements/worker.py", ".github/workflows/check.yml", f"{RUN}.sh"]
)
def test_a_folder_with_anything_else_is_refused_whole(checkout, tmp_path, name):
    for path in (tmp_path / "found" / FOUND[-1], tmp_path / "found" / name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("planted\n")
    done = checkout.changes("apply", tmp_path / "found")
    assert done.returncode == 2
    assert f"found {name!r}" in done.stderr
    assert checkout.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.parametrize("name", [FOUND[0], f"{RUN}.csv", "measurements/changes/run.md"])
def test_what_is_committed_is_not_replaced(checkout, tmp_path, name):
    for path, text in ((name, "committed\n"), (LISTED, listed("0.12", "0.13"))):
        checkout.write(path, text)
        (tmp_path / "found" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "found" / path).write_text(text)
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message", "More")
    (tmp_path / "found" / LISTED).write_text(listed("0.12", "0.13", "0.14"))
    assert checkout.changes("apply", tmp_path / "found").returncode == 0
    (tmp_path / "found" / name).write_text("planted\n")
    done = checkout.changes("apply", tmp_path / "found")
    assert done.returncode == 2
    assert f"found {name!r} in {tmp_path / 'found'} changed; expected new files" in done.stderr
    assert (checkout.folder / name).read_text() == "committed\n"


def offered(checkout, folder, **texts):
    """What `apply` says of a framework's folder with such a framework.toml and such locks."""
    for name, text in {"framework.toml": listed("0.12", "0.13"), **texts}.items():
        path = folder / LISTED.replace("framework.toml", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = checkout.changes("apply", folder)
    clean = checkout.run("git", "status", "--porcelain").stdout == ""
    assert (done.returncode == 0) != clean, done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "good"),
    [
        ("", "# a comment\n", True),  # it is data that is compared
        ('name = "Alder"', 'name = "Elder"', False),
        ("cpu = 10", "cpu = 0", False),
        ("cpu = 10", "cpu = 10.0", False),
        ('name = "Alder"', 'name = "Alder"\nenvironment = { LD_PRELOAD = "x.so" }', False),
        ('version = "0.12"', 'version = "0.11"', False),  # a release that was there
        ("alder[fast]==0.12+cpu", "alder[fast]==0.12.1+cpu", False),
        ('version = "0.13"', 'version = "0.12"', False),
        ('version = "0.13"', 'version = "../0.13"', False),
        ('version = "0.13"', "version = 13", False),
        ("alder[fast]==0.13+cpu", "evil[fast]==0.13+cpu", False),
        ("alder[fast]==0.13+cpu", "alder[fast] @ https://example.org/a.whl", False),
        ("alder[fast]==0.13+cpu", "alder[fast]==0.13", False),
        ('"https://pypi.org/project/alder/0.13/"', '"javascript:alert(1)"', False),
        ('version = "0.13"', 'version = "0.13"\nscript = "x"', False),
        ('version = "0.13"', "version = ", False),
        ("[[versions]]", "[versions]", False),
    ],
)
def test_the_watch_adds_releases_and_nothing_else(checkout, tmp_path, old, new, good):
    text = listed("0.12", "0.13")
    assert old in text
    at = text.rindex(old) if "0.13" in old else text.index(old)
    changed = text[:at] + new + text[at + len(old) :]
    assert offered(checkout, tmp_path / "found", **{"framework.toml": changed}) == good


@pytest.mark.parametrize(
    ("name", "good"),
    [("0.13-cpu", True), ("0.13-cpu+reuse", True), ("0.12-cpu", False), ("0.13-cuda", False)],
)
def test_the_watch_adds_locks_of_new_releases_only(checkout, tmp_path, name, good):
    assert offered(checkout, tmp_path / "found", **{f"environments/{name}.txt": "new\n"}) == good


def test_the_watch_adds_no_framework(checkout, tmp_path):
    path = tmp_path / "found" / LISTED.replace("alder", "evil")
    path.parent.mkdir(parents=True)
    path.write_text(listed("0.12"))
    assert checkout.changes("apply", tmp_path / "found").returncode == 2


def test_links_are_refused_on_both_sides(checkout, tmp_path):
    planted = tmp_path / "found" / "measurements" / "changes"
    planted.mkdir(parents=True)
    (planted / "a.md").symlink_to("/etc/passwd")
    assert checkout.changes("apply", tmp_path / "found").returncode == 2
    (planted / "a.md").unlink()
    (planted / "a.md").write_text("planted\n")
    (checkout.folder / "measurements" / "changes").symlink_to(tmp_path)
    done = checkout.changes("apply", tmp_path / "found")
    assert done.returncode == 2
    assert not (tmp_path / "a.md").exists()


def test_new_measurements_are_proposed_on_a_branch_of_their_own(checkout, tmp_path):
    report = tmp_path / "report.md"
    report.write_text("Alder 0.13 is 2 % faster: ä\n" * 3000, encoding="utf-8")
    for name in FOUND:
        checkout.write(name)
    checkout.write("README.md", "never proposed\n")
    done = checkout.propose(report, tmp_path / "none.md")
    assert "Alder 0.13 is 2 % faster" in done.stdout
    assert len(done.stdout) < 60_000
    words = checkout.log.read_text()
    assert "pr create --head release-watch/7 --base main" in words
    listed = checkout.run("git", "show", "--name-only", "--format=%s", "release-watch/7",
                          cwd=checkout.origin).stdout.split("\n")  # fmt: skip
    assert listed[0] == "Add measurements of new releases"
    assert set(filter(None, listed[1:])) == set(FOUND)


def test_a_mere_snapshot_replaces_the_one_before(checkout):
    checkout.write("measurements/releases.json", '{"read": 1}\n')
    checkout.propose()
    assert "pr create --head release-watch/snapshot" in checkout.log.read_text()
    checkout.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    checkout.write("measurements/releases.json", '{"read": 2}\n')
    done = checkout.propose(OPEN="12")
    assert "pr edit 12" in checkout.log.read_text()
    assert "No release is newer" in done.stdout


def test_nothing_new_proposes_nothing(checkout):
    done = checkout.propose()
    assert "Nothing is new." in done.stdout
    assert not checkout.log.exists()


FAKE_PYTHON = """#!/bin/sh
# Makes the environment, installs uv, and is `uv run generator update`.
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *" uv run --locked generator update "*)
        echo "$@" > asked
        [ -z "$FINDS" ] || echo "$FINDS" > measurements/releases.json
        exit "$CODE" ;;
    *changes.py*) exec {python} "$@" ;;
esac
"""


@pytest.mark.parametrize(
    ("code", "finds", "ends"),
    [("0", "", 0), ("0", "new", 0), ("1", "new", 0), ("1", "", 1), ("2", "new", 2), ("3", "", 3)],
)
def test_the_watch_keeps_what_failed_and_hides_no_fault(checkout, tmp_path, code, finds, ends):
    python = checkout.programs / "python3"
    python.write_text(FAKE_PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    shutil.copytree(SCRIPTS, checkout.folder / ".github" / "scripts")
    done = checkout.run(
        SCRIPTS / "watch.sh", "cuda", tmp_path / "found", check=False, CODE=code, FINDS=finds
    )
    assert done.returncode == ends, done.stderr
    asked = (checkout.folder / "asked").read_text()
    assert f"--device cuda --report {tmp_path}/found/report.md" in asked
    collected = tmp_path / "found" / "files" / "measurements" / "releases.json"
    assert collected.exists() == (bool(finds) and code in "01")
