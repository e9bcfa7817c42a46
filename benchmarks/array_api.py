"""Agreement with data-apis/array-api-tests, where its functions and our operators overlap.

``python -m benchmarks array_api --suite=PATH`` runs the suite's tests of single functions for the
frameworks that name a module under ``[array_api]``, in their locked environments, and writes
``measurements/array-api-tests.csv``: one row a framework and function with the counts of tests that
passed, failed and were skipped. The page of operators shows where the suite and our own verdict
differ. PATH is a checkout of https://github.com/data-apis/array-api-tests with its submodule.

Hypothesis is seeded and takes few examples: the suite is the second opinion, not the measurement.
"""

import csv
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from benchmarks.line import Line
from generator import subprocesses
from generator.catalog import loader, model
from generator.errors import UsageError
from generator.measure import environments, uv
from generator.pages.sections.operators import suite_name
from measurements import operators

NEEDED = ("pytest", "hypothesis", "ndindex>=1.8", "array-api-compat", "pytest-json-report")
FILES = (
    "test_creation_functions", "test_fft", "test_indexing_functions", "test_linalg",
    "test_manipulation_functions", "test_operators_and_elementwise_functions",
    "test_searching_functions", "test_set_functions", "test_sorting_functions",
    "test_statistical_functions", "test_utility_functions",
)  # fmt: skip
EXAMPLES = 3
OUT = loader.ROOT / "measurements" / "array-api-tests.csv"
COLUMNS = ("framework", "version", "suite", "function", "passed", "failed", "skipped")


def run(arguments: list[str]) -> list[Line]:
    """Run the suite for each of them; write the CSV; return how often verdicts can differ."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("--suite=")]
    suite = Path(named[0]).resolve() if named else None
    if suite is None or not (suite / "array_api_tests").is_dir():
        raise UsageError("--suite=PATH names a checkout of data-apis/array-api-tests")
    head = subprocesses.run(["git", "rev-parse", "HEAD"], cwd=suite, timeout=30).log.strip()
    rows, lines = [], []
    for framework in loader.load().frameworks:
        if framework.array_api is None:
            continue
        counts = _counts(suite, framework, framework.array_api)
        for function, count in sorted(counts.items()):
            rows.append(
                (framework.id, framework.newest.version, head[:12], function,
                 *(count[word] for word in ("passed", "failed", "skipped")))
            )  # fmt: skip
        ours = [name for name in operators.OPERATORS if suite_name(name) in counts]
        bad = sorted(name for name in counts if counts[name]["failed"])
        lines.append(
            Line(
                "array_api", f"{framework.name}: operators that the suite tests as well",
                f"{len(ours)}; it fails {len(bad)} functions: {', '.join(bad)}", "", None,
            )
        )  # fmt: skip
    with OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return lines


def _counts(
    suite: Path, framework: model.Framework, standard: model.ArrayApi
) -> dict[str, Counter[str]]:
    environment = environments.locked(framework, framework.newest, "cpu")
    names = {suite_name(name) for name in operators.OPERATORS}
    with tempfile.TemporaryDirectory() as scratch:
        beside = Path(scratch) / "packages"
        made = subprocesses.run(
            [uv.program(), "pip", "install", "--quiet", "--target", beside, "--python",
             environment.python, *NEEDED],
            timeout=600,
        )  # fmt: skip
        if made.code:
            raise UsageError(made.log)
        report = Path(scratch) / "report.xml"
        paths = [suite / "array_api_tests" / f"{file}.py" for file in FILES]
        finished = subprocesses.run(
            [environment.python, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider",
             f"--junitxml={report}", f"--max-examples={EXAMPLES}",
             "--hypothesis-seed=2016", *paths],
            cwd=suite,
            env={**os.environ, "ARRAY_API_TESTS_MODULE": standard.module,
                 **standard.environment, "PYTHONPATH": str(beside)},
            timeout=3600,
            on_output=lambda text: print(text, end="", file=sys.stderr, flush=True),
        )  # fmt: skip
        if not report.is_file():
            raise UsageError(f"the suite wrote no report: {finished.log[-2000:]}")
        return counted(ET.parse(report).getroot(), names)


def counted(report: ET.Element, names: set[str]) -> dict[str, Counter[str]]:
    """Return function -> counts of a JUnit report, for the functions asked for."""
    found: dict[str, Counter[str]] = {}
    for case in report.iter("testcase"):
        name = re.sub(r"^test_|\[.*", "", case.get("name", ""))
        if name not in names:
            continue
        word = "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            word = "failed"
        elif case.find("skipped") is not None:
            word = "skipped"
        found.setdefault(name, Counter())[word] += 1
    return found
