"""Every committed result is valid, and nothing that it names is missing."""

import functools

from typer.testing import CliRunner

from generator.catalog import loader
from generator.cli.app import app
from generator.results import reading, row_checks, run_record
from tests.conftest import ROOT

FOLDER = ROOT / "measurements" / "results"
FILES = reading.find(FOLDER)


@functools.cache
def records():
    """Path of a CSV -> its run record. There are many: a rule is one test that names its breach."""
    return {path: run_record.read_run_record(path) for path in FILES}


@functools.cache
def rows(path):
    return row_checks.rows(path)


def test_there_are_results():
    assert FILES


def test_what_is_committed_checks():
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 0, done.stdout
    assert "0 problems" in done.stdout


def test_a_folder_without_results_checks(tmp_path):
    done = CliRunner().invoke(app, ["check", "--results", str(tmp_path)])
    assert done.exit_code == 0, done.stdout


def test_every_file_lies_where_its_rows_say():
    for path, record in records().items():
        said = record["machine"]["id"], record["framework"], record["version"], record["run"]
        assert (*path.parts[-4:-1], path.stem) == said
        for row in rows(path):
            assert (row["machine"], row["framework"], row["version"], row["run"]) == said


def test_every_log_is_there_and_none_is_left_over():
    for path, record in records().items():
        named = {job["log"] for job in record["jobs"]} - {None}
        logs = path.with_suffix(".logs").rglob("*.log")
        assert named == {str(log.relative_to(path.parent)) for log in logs}, path
        assert all((path.parent / log).stat().st_size <= 64 * 1024 + 200 for log in named), path


def test_no_file_names_a_machine_path():
    """Commands and logs get published: no home folder, no checkout."""
    for path in FILES:
        for text in (path.with_suffix(".json"), *path.with_suffix(".logs").rglob("*.log")):
            assert str(ROOT) not in text.read_text(encoding="utf-8"), text


def test_every_run_can_be_traced_to_code_data_and_environment():
    known = {framework.id for framework in loader.load().frameworks}
    for path, record in records().items():
        assert record["repository"]["commit"], path
        assert record["data"]["sha256"], path
        assert record["code_sha256"], path
        assert record["framework"] in known, path
        if record["environment"]["kind"] == "locked":
            assert record["environment"]["lock_sha256"], path
            assert record["environment"]["packages"], path


def test_a_finished_run_has_rows_for_every_cell_it_tried():
    finished = {path: record for path, record in records().items() if record["finished"]}
    assert finished
    for path, record in finished.items():
        shown = {(row["section"], row["mode"], row["lane"]) for row in rows(path)}
        tried = {
            (section, job["mode"], job["lane"])
            for job in record["jobs"]
            for section in job["sections"]
        }
        assert tried <= shown, path
