"""A framework is one folder: one more is added to a copy of the tree, and nothing else is touched.

The folder, ``tests/tenth/amber``, comes first in the alphabet and is the least that can be
measured: facts, an adapter and LeNet in plain NumPy. Everything that it does not have has to be
told as not written or not stated yet, and nothing of the other frameworks may change.
"""

import csv
import json
import re
import shutil
import subprocess
import sys

import pytest
import vl_convert

from generator.catalog import loader
from generator.measure import machine
from generator.site import render
from tests import sample_results
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "tenth" / "amber"
QUESTIONS = ("operators", "control", "custom", "reuse", "parallel", "r", "highlevel")
TINY = """
import dataclasses, sys
from generator.measure import profiles
quick = profiles.PROFILES["quick"]
profiles.PROFILES["quick"] = dataclasses.replace(
    quick, blocks=1, samples=3, cold_blocks=0, accuracy_blocks=0, replicates="none"
)
from generator.cli.app import app
app(sys.argv[1:])
"""
"""The command line, with the shortest profile that verifies and times."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the repository, committed results included, with one more framework folder."""
    copy = tmp_path_factory.mktemp("tenth") / "copy"
    left = shutil.ignore_patterns(
        ".git", ".venv", "report", "__pycache__", ".*_cache", "node_modules", "site"
    )

    def leave(folder, names):
        # The package generator/site is no output.
        return left(folder, names) if "generator" not in folder else {"__pycache__"} & set(names)

    shutil.copytree(ROOT, copy, ignore=leave)
    shutil.copytree(FOLDER, copy / "measurements" / "frameworks" / FOLDER.name)
    return copy


@pytest.fixture(scope="module")
def run(tree, environment):
    """Run Python in the copy; returns the finished process, of which nothing failed."""

    def start(*arguments, timeout=600):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tree, env={**environment, "PYTHONPATH": ""},
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
        return done

    return start


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Synthetic results of other frameworks, as if measured on this machine."""
    folder = tmp_path_factory.mktemp("results")
    here = machine.this().id
    sample_results.write_sample(folder, profile="quick", rows_scale=0.3, machine=here)
    return folder


@pytest.fixture(scope="module")
def measured(run, results, tmp_path_factory):
    """The same results, and what the new framework gives when it is measured."""
    folder = tmp_path_factory.mktemp("measured") / "results"
    shutil.copytree(results, folder)
    common = ("measure", FOLDER.name, "--environment", "current", "--results", folder)
    run("-c", TINY, *common, "--section", "lenet")
    sections = [word for section in QUESTIONS for word in ("--section", section)]
    run("-c", TINY, *common, "--profile", "full", *sections)
    return folder


def rendered(tree, results, docs, frameworks):
    """Render without drawing anything; return path -> text of what was written."""
    docs.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        drawing = '<svg width="1" height="1"></svg>'
        patch.setattr(vl_convert, "vegalite_to_svg", lambda specification: drawing)
        patch.setattr(vl_convert, "svg_to_png", lambda svg: b"")
        render.render(results_root=results, docs=docs, frameworks=frameworks)
    files = [path for path in docs.rglob("*") if path.suffix in (".md", ".svg", ".csv", ".json")]
    return {
        path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in files
        if "dataset" not in path.parts
    }


@pytest.fixture(scope="module")
def before(tree, results, tmp_path_factory):
    return rendered(tree, results, tmp_path_factory.mktemp("before") / "docs", None)


@pytest.fixture(scope="module")
def after(tree, measured, tmp_path_factory):
    folder = tree / "measurements" / "frameworks"
    return rendered(tree, measured, tmp_path_factory.mktemp("after") / "docs", folder)


def rows_of(page):
    """Return every row of every table of a page: (label, {title of a column: cell})."""
    found, label, titles = [], "", None
    for line in page.splitlines():
        if said := re.search(r'aria-label="Table: ([^"]*)"', line):
            label, titles = said[1], None
        elif line.startswith("| ") and not set(line) <= set("|-: "):
            text = line.strip("| ")
            cells = [re.sub(r"\s*\{[^{}]*\}\s*$", "", cell).strip() for cell in text.split(" | ")]
            if titles is None:
                titles = cells
            else:
                found.append((label, dict(zip(titles, cells, strict=False))))
    return found


def test_the_folder_has_under_200_lines():
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"framework.toml", "adapter.py", "lenet.py"}
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) < 200


def test_the_suites_that_read_the_folders_pass(run):
    done = run(
        "-m", "pytest", "-v", "-p", "no:cacheprovider",
        "tests/contract/test_frameworks.py", "tests/contract/test_abilities.py",
        "tests/contract/test_names.py", "-k", f"{FOLDER.name} or not [",
    )  # fmt: skip
    assert f"test_the_adapter_builds_on_the_contract[{FOLDER.name}] PASSED" in done.stdout
    run("-m", "generator", "check")


@pytest.mark.full
def test_all_fast_tests_pass(run):
    tests = ("tests/unit", "tests/contract", "tests/golden")
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, timeout=3600)


def test_it_is_measured_and_verified(measured):
    rows = []
    for path in measured.glob(f"*/{FOLDER.name}/*/*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    lenet = [row for row in rows if row["section"] == "lenet"]
    assert {row["status"] for row in lenet} == {"ok"}
    assert [row["value"] for row in lenet if row["metric"] == "gate"] == ["1.0"]
    assert [row for row in lenet if row["metric"] == "step_time"]
    missing = {row["section"]: (row["status"], row["reason"]) for row in rows} | {"lenet": ""}
    assert missing == dict.fromkeys(QUESTIONS, ("unsupported", "not written yet")) | {"lenet": ""}


def test_every_page_shows_it_with_its_reasons(after):
    about = [line for line in after["report/frameworks.md"].splitlines() if "Amber" in line]
    assert any("freshness unknown" in line for line in about)
    own = after[f"report/frameworks/{FOLDER.name}.md"]
    assert "not stated yet" in own
    (gap,) = re.findall(r"^\| (.*) <span.*not written yet", own, re.MULTILINE)[:1]
    assert len(gap.split("; ")) == len(QUESTIONS)
    for section in QUESTIONS:
        page = after[f"report/{section}.md"]
        assert re.search(r"\| .*Amber.*not written yet", page), section
    assert re.search(r"\| everything.\(CUDA\) .*not written yet", own)
    assert re.search(r"\| Amber, plain .*not stated yet", after["report/nonsymbolic.md"])
    assert re.search(r"\| .*Amber[^|]*\| \[[\d,.]+\]\(evidence/lenet-", after["report/lenet.md"])
    assert "Amber" in after["report/chooser.md"]


def stem(name):
    """Return the name of a chart's file without the digest of what is drawn."""
    return re.sub(r"\.[0-9a-f]{10}(?=\.)", "", name)


def drawn_looks(chart, names):
    """Return name -> (light, dark, shape) of the frameworks that a chart's file shows."""
    for domain in re.findall(r'"domain":(\[[^][]*\])', chart):
        if set(shown := json.loads(domain)) <= names:
            light, dark = (json.loads(chart)[scheme]["range"] for scheme in ("light", "dark"))
            looks = zip(light["category"], dark["category"], light["symbol"], strict=True)
            return dict(zip(shown, looks, strict=True))
    return {}


SUMMARIES = ("index", "machines", "dataset", "then_and_now")
"""Pages that count or rank all that there is: a newcomer changes rows of theirs."""


def shows(row, earlier, names):
    """Whether a row says what it said before; the tenth may be one more of those it is about."""
    known = earlier.get("Framework", "")
    if not earlier.items() - {("Framework", known)} <= row.items():
        return False
    return all((name in known) == (name in row.get("Framework", "")) for name in names)


def test_nothing_of_the_other_frameworks_changes(before, after):
    names = {framework.name for framework in loader.load().frameworks} | {"Amber"}
    others = names - {"Amber"}
    there = {stem(name): text for name, text in after.items()}
    for name, text in before.items():
        found = there[stem(name)]
        if name.endswith(".md") and "/evidence/" not in name:
            if name.removeprefix("report/").removesuffix(".md") in SUMMARIES:
                continue
            rows = [row for _, row in rows_of(found)]  # one more column, and more rows
            for label, row in rows_of(text):
                if label.startswith("What each need adds"):
                    continue  # to who leads and who comes next, whoever that is now
                assert any(shows(other, row, others) for other in rows), (
                    name,
                    label,
                    row,
                )
        elif "/charts/" not in name or name in after:
            assert found == text, name
        elif name.endswith(".csv"):
            assert set(text.splitlines()) <= set(found.splitlines()), name
            assert "Amber" in found, f"{name} shows what it showed, and is called otherwise"
        elif name.endswith(".json"):
            looks = drawn_looks(text, names)
            assert looks
            assert looks.items() <= drawn_looks(found, names).items(), name


def test_the_looks_of_the_others_are_theirs(tree):
    others = {framework.id: framework for framework in loader.load().frameworks}
    more = loader.load(frameworks=tree / "measurements" / "frameworks").frameworks
    assert [framework.id for framework in more if framework.id not in others] == [FOLDER.name]
    for framework in more:
        if framework.id in others:
            assert framework.look == others[framework.id].look
            assert framework.gaps == others[framework.id].gaps
