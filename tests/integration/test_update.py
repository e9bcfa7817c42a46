"""The release watch against a local index: real locks, real environments, real measurements."""

import contextlib
import io
import json
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple

import pytest

from generator.catalog import framework_toml, package_index
from generator.cli import app
from generator.update import index_client
from tests.conftest import PRETEND, ROOT
from tests.integration.test_bad_input import rows
from tests.package_index import ADAPTER, TOML, LocalIndex, unbuildable, wheel
from tests.sample_results import GRAPH

NEW = 4
"""Exit code of ``--check`` when something is new."""


Done = namedtuple("Done", "returncode stdout stderr")


class Place:
    """A repository's worth of folders with one framework, and the index that it watches."""

    def __init__(self, folder, index, environment):
        self.folder, self.index = folder, index
        self.frameworks, self.results = folder / "frameworks", folder / "results"
        engine = self.frameworks / "engine"
        engine.mkdir(parents=True)
        python = ".".join(platform.python_version_tuple()[:2])
        (engine / "framework.toml").write_text(TOML.format(python=python))
        (engine / "adapter.py").write_text(ADAPTER)
        shutil.copy(PRETEND / "pretend" / "numpy_lenet.py", engine)
        self.environment = {
            **environment,
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": str(folder / "uv"),
            "UV_HTTP_TIMEOUT": "5",
        }
        self.toml = engine / "framework.toml"
        self.snapshot = folder / "releases.json"

    def command(self, *arguments):
        return [
            sys.executable, "-m", "generator", "update", *map(str, arguments),
            "--frameworks-folder", str(self.frameworks), "--results", str(self.results),
        ]  # fmt: skip

    def update(self, *arguments, **environment):
        """Run the command in this process: it starts a dozen times, and importing takes long."""
        out, err = io.StringIO(), io.StringIO()
        words = self.command(*arguments)[2:]
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", words)
            patch.setattr(signal, "signal", lambda *_: None)
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            try:
                app.main()
            except SystemExit as ended:
                return Done(ended.code, out.getvalue(), err.getvalue())
        raise AssertionError("it did not exit")

    def measure(self, *arguments):
        """Update with as few processes as show a difference."""
        return self.update("--section", "lenet", "--profile", "history", *arguments)

    def state(self):
        """Every file but uv's cache, with its bytes."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and self.folder / "uv" not in path.parents
        }

    def versions(self):
        framework = framework_toml.read_framework(self.toml)
        return [version.version for version in framework.versions]

    def report(self):
        """The newest report."""
        return max((self.folder / "changes").glob("*.md")).read_text()


@pytest.fixture(scope="module")
def place(tmp_path_factory, environment):
    with LocalIndex() as index:
        index.publish(wheel("1.0"), "2026-01-01")
        index.publish(wheel("1.0", name="pretend-exporter"))
        made = Place(tmp_path_factory.mktemp("update"), index, environment)
        lock = subprocess.run(
            [
                sys.executable, "-c",
                "import sys; from pathlib import Path; from generator.measure import environments;"
                "from generator.catalog.framework_toml import read_framework;"
                "v = read_framework(Path(sys.argv[1])).newest;"
                "[environments.write_lock(v, name) for name in v.requirements]",
                made.toml,
            ],
            cwd=ROOT, env=made.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert lock.returncode == 0, lock.stderr
        yield made


def verdicts(changes, metric="step_time"):
    return {change["verdict"] for change in changes if change["metric"] == metric}


# The tests below tell one story, in this order: they share the place, and a release is published
# once.


def test_nothing_new_is_said_and_remembered(place):
    done = place.update("--snapshot")
    assert done.returncode == 0, done.stderr
    watch = package_index.read(place.snapshot)["engine"]
    assert [release.version for release in watch.releases] == ["1.0"]
    assert str(watch.releases[0].uploaded) == "2026-01-01"


def test_a_check_tells_what_is_new_by_its_exit_code_and_changes_nothing(place):
    place.index.publish(wheel("2.0rc1"))
    place.index.publish(wheel("1.9"), yanked=True)
    place.index.publish(wheel("1.0.post1"))
    before = place.state()
    quiet = place.update("--check", "--json")
    (said,) = json.loads(quiet.stdout)
    assert (said["wanted"], said["behind"], said["freshness"]) == (None, 0, "current")
    place.index.publish(wheel("1.1", seconds=0.3))
    found = place.update("--check", "--json")
    assert found.returncode == NEW, found.stderr
    assert json.loads(found.stdout)[0]["wanted"] == "1.1"
    dry = place.update("--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "about" in dry.stdout
    assert place.state() == before


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("down", "HTTP status 503"),
        ("slow", "half an answer"),
        ("page", "a project's page"),
        ("huge", "more than 64 MiB"),
        ("misnamed", "the page of 'another'"),
        ("vanishing", "left as it was"),
        ("forged", "do not trust this package index"),
    ],
)
def test_an_index_that_is_down_or_slow_or_lies_leaves_everything_as_it_was(place, mood, words):
    before = place.state()
    place.index.mood = mood
    try:
        done = place.update(UV_HTTP_TIMEOUT="1" if mood == "slow" else "5")
    finally:
        place.index.mood = ""
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
    assert place.state() == before


def test_no_index_at_all_is_an_error_that_says_so(place):
    before = place.state()
    done = place.update("--check", UV_DEFAULT_INDEX="http://user:secret@127.0.0.1:9/simple/")
    assert done.returncode == 1
    assert "nobody there (ConnectionRefusedError)" in done.stderr
    assert "secret" not in done.stderr
    assert place.state() == before


def test_a_slower_release_is_found_slower_even_after_a_kill(place):
    arguments = place.command("--section", "lenet", "--profile", "history")
    process = subprocess.Popen(
        arguments, cwd=ROOT, env=place.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 800
        while not any("step_time" in path.read_text() for path in place.results.rglob("*.csv")):
            assert process.poll() is None, "it ended before anything was measured"
            assert time.monotonic() < deadline, "nothing was measured"
            time.sleep(0.2)
    finally:
        process.kill()  # its worker dies with it
        process.wait()
    assert place.versions() == ["1.0", "1.1"]  # listed and locked, not yet told
    assert [r.version for r in package_index.read(place.snapshot)["engine"].releases] == ["1.0"]
    assert not (place.folder / "changes").exists()
    done = place.measure("--json")
    assert done.returncode == 0, done.stdout + done.stderr
    documents = [json.loads(path.read_text()) for path in place.results.rglob("*.json")]
    assert {document["version"] for document in documents} == {"1.0", "1.1"}
    assert len({document["run"] for document in documents}) == 1
    assert {len(document["starts"]) for document in documents} == {2}
    jobs = [job["id"] for document in documents for job in document["jobs"]]
    assert len(jobs) == len(set(jobs)) == 6
    assert all(document["finished"] for document in documents)
    text, changes = place.report(), json.loads(done.stdout)["changes"]
    assert verdicts(changes) == {"slower"}
    (step,) = [change for change in changes if change["metric"] == "step_time"]
    assert 1 < step["low"] < step["ratio"] < step["high"]
    assert "Engine 1.0 → 1.1" in text
    assert "| training step |" in text
    # The additional package has no 1.1, and is not asked for one.
    assert (place.toml.parent / "environments" / "1.1-cpu+reuse.txt").is_file()
    known = [release.version for release in package_index.read(place.snapshot)["engine"].releases]
    assert known == ["1.0", "1.0.post1", "1.1", "1.9", "2.0rc1"]


def test_the_new_table_keeps_comments_and_the_rest_of_the_file(place):
    text = place.toml.read_text()
    assert text.count("# the release") == 2
    newest = framework_toml.read_framework(place.toml).newest
    assert newest.requirements["cpu"] == ("pretend-engine==1.1",)
    assert str(newest.released) == "2026-10-01"
    assert newest.source == "https://pypi.org/project/pretend-engine/1.1/"
    assert text.rstrip().endswith('source = "https://example.org"')


def test_a_second_update_has_nothing_to_do(place):
    before = place.state()
    done = place.measure("--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["run"] is None
    after = place.state()
    assert {name for name in after if after[name] != before.get(name)} <= {"releases.json"}


def test_a_report_that_was_not_written_is_written_by_the_next_update(place):
    first = place.state()
    shutil.rmtree(place.folder / "changes")
    assert place.measure().returncode == 0
    again = place.state()
    changed = {name for name in first if first[name] != again.get(name)}
    assert changed <= {"releases.json"}  # when the index was asked
    assert first.keys() == again.keys()


def test_a_faster_release_is_found_faster(place, tmp_path):
    place.index.publish(wheel("1.2"))
    copy = tmp_path / "report.md"
    done = place.measure("engine", "--report", copy, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(json.loads(done.stdout)["changes"]) == {"faster"}
    assert copy.read_text() == place.report()


def test_a_release_that_computes_something_else_is_a_finding(place):
    place.index.publish(wheel("1.3", error=0.5))
    done = place.measure()
    assert done.returncode == 0, done.stdout + done.stderr
    (broken,) = [line for line in done.stdout.splitlines() if "newly broken: " in line]
    assert "same work as the reference" in broken
    assert "logits" in broken
    assert "### Newly broken" in place.report()


def test_a_release_that_does_not_install_is_a_result_with_a_log(place):
    place.index.publish(unbuildable("1.4"))
    # An addition that cannot be resolved any more is left out, and said.
    del place.index.files["pretend_exporter-1.0-py3-none-any.whl"]
    done = place.update("--section", "memory", "--profile", "history")
    assert done.returncode == 1, done.stdout + done.stderr
    assert place.versions()[-1] == "1.4"
    found = [row for row in rows(place.results) if row["version"] == "1.4"]
    assert {row["status"] for row in found} == {"failed", "skipped"}
    assert all("does not install" in row["reason"] for row in found)
    (log,) = place.results.glob("*/engine/1.4/*.logs/*.log")
    assert "no compiler of 2016 was found" in log.read_text()
    assert "goes without cpu+reuse" in done.stdout
    assert set(framework_toml.read_framework(place.toml).newest.requirements) == {"cpu"}
    assert "### Newly broken" in place.report()
    assert "goes without" in place.report()
    # It was measured, as far as that goes: it is not tried again and again.
    assert json.loads(place.measure("--json").stdout)["run"] is None


def test_the_index_that_is_configured_here_knows_a_real_framework():
    from generator.errors import IndexFault

    with index_client.Index(patience=10) as index:
        try:
            found = index.releases(GRAPH)
        except IndexFault as fault:
            pytest.skip(f"needs a package index: {fault}")
    assert "1.0.5" in [release.version for release in found]
