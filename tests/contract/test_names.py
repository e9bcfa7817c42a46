"""A framework's name stands in its folder and nowhere else in code; the article's are data."""

import re

from generator.catalog import loader
from tests import sample_results
from tests.conftest import ROOT

FOLDERS = sorted(path for path in (ROOT / "measurements" / "frameworks").iterdir() if path.is_dir())
NAMES = {framework.name for framework in loader.load().frameworks} | {p.name for p in FOLDERS}
FILES = [
    path
    for part in ("generator", "benchmarks", "tests", "templates/theme")
    for path in sorted((ROOT / part).rglob("*"))
    if path.suffix in (".py", ".html", ".j2")
] + [ROOT / name for name in ("mkdocs.yml", "CITATION.cff", "pyproject.toml")]

COMPARED = set(sample_results.VERSIONS)
ARTICLE = COMPARED | {"caffe", "keras", "lasagne"}
SAID = {
    "generator/pages/sections/reuse.py": {"caffe"},  # the article's question: import from Caffe
    "tests/frameworks/pretend/reuse.py": {"caffe"},
    "tests/sample_results.py": {"caffe"},
    "tests/browser/test_questions.py": ARTICLE | {"jax", "pytensor", "pytorch"},  # readers ask
    "tests/contract/test_names.py": {
        "caffe",
        "jax",
        "keras",
        "lasagne",
        "pytensor",
        "pytorch",
        "amber",
    },
    "tests/integration/test_tenth_framework.py": {"amber"},
    # Stand-ins, which know where each framework puts what nobody placed.
    "tests/contract/pretended_gpu.py": COMPARED | {"jax", "keras", "pytorch"},
    "tests/contract/test_devices.py": COMPARED | {"jax", "keras", "pytorch"},
    "tests/unit/test_cuda_graph.py": {"pytorch"},
}
"""What these files say all the same, and why."""


def named(text, names=NAMES):
    """Return which frameworks a text names, in lower case; parts of longer words do not count."""
    pattern = rf"(?<!\w)({'|'.join(map(re.escape, sorted(names)))})(?!\w)"
    return {found.lower() for found in re.findall(pattern, text, re.IGNORECASE)}


def test_a_name_is_found():
    names = {"Amber", "amber"}
    assert named("import amber", names) == {"amber"}
    assert named("Amber: compiles its graphs", names) == {"amber"}
    assert named("chambered ambers", names) == set()


def test_no_file_outside_the_folders_names_a_framework():
    assert FILES
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
    said = {name: found - SAID.get(name, set()) for name, text in texts.items()
            if (found := named(text))}  # fmt: skip
    assert {name: found for name, found in said.items() if found} == {}
