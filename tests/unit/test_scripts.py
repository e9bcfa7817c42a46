"""Lines and names of scripts, counted; what R lacks, said with the way to install it."""

import shutil
import sys

import pytest

from generator import subprocesses
from generator.measure import script_metrics
from tests.conftest import ROOT
from tests.sample_results import GRAPH, PAIRED


@pytest.fixture(autouse=True)
def forget():
    script_metrics.r_obstacle.cache_clear()
    yield
    script_metrics.r_obstacle.cache_clear()


def test_lines_are_neither_empty_nor_comment_nor_documentation(tmp_path):
    python = tmp_path / "a.py"
    lines = ['"""Doc', "", 'more."""', "# why", "import json", "def f(", "):", "    return 1"]
    python.write_text("\n".join(lines))
    assert script_metrics.lines(python) == 3
    r = tmp_path / "a.R"
    r.write_text("# why\n\nlibrary(stats)\nf <- function(x) {\n  x + 1 # here\n}\n")
    assert script_metrics.lines(r) == 3


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy as np\nimport os\nnp.zeros(1); os.getcwd()", set()),
        ("import torch\ntorch.nn.Linear(1, 2)\ntorch.nn.Linear(3, 4)", {"torch.nn.Linear"}),
        ("from torch import nn\nnn.Linear; nn.Tanh()", {"torch.nn.Linear", "torch.nn.Tanh"}),
        (f"import {GRAPH}.tensor as T\nT.tanh(T.x)", {f"{GRAPH}.tensor.tanh", f"{GRAPH}.tensor.x"}),
        ("from alder.layers import Dense\nDense(1)", {"alder.layers.Dense"}),
        ("import birch\nx = 1\nx.shape", set()),
        ("from . import lenet\nlenet.step()", set()),
        (f"import {PAIRED} as mx\nmx.nd.array(1).sum()", {f"{PAIRED}.nd.array"}),
    ],
)  # fmt: skip
def test_names_of_other_packages_count_once(source, expected):
    assert script_metrics.names(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("require 'alder'\nalder.Dense(1); alder.Dense(2)", {"alder.Dense"}),
        ('local a = require("alder")\nalder.core.save(x) -- alder.load', {"alder.core.save"}),
        ("require 'alder'\nlocal maple = {}\nmaple.x(malder.y)", set()),
        ("x.y()", set()),
    ],
)
def test_names_of_modules_of_lua_count_once(source, expected):
    assert script_metrics.lua_names(source) == expected


def test_every_script_of_the_repository_can_be_counted():
    folder = ROOT / "measurements" / "frameworks"
    found = [path for suffix in ("py", "lua") for path in sorted(folder.glob(f"*/*.{suffix}"))]
    assert {path.suffix for path in found} == {".py", ".lua"}
    for path in found:
        assert script_metrics.lines(path) > 1, path
        assert script_metrics.concepts(path) >= 0


def test_without_r_the_way_to_install_it_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "R is not installed" in script_metrics.r_obstacle()
    assert "apt-get install" in script_metrics.r_obstacle()


def test_a_python_that_reticulate_cannot_start_is_found_by_trying(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/Rscript")
    real = subprocesses.run

    def run(command, **options):
        bad = "use_python" in command[-1]
        code = f"print('1.28'); raise SystemExit({int(bad)})"
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocesses, "run", run)
    assert script_metrics.r_obstacle() == ""
    found = script_metrics.r_obstacle(tmp_path / "python", "3.13.0")
    assert "reticulate 1.28 cannot start Python 3.13.0" in found
    assert "install.packages" in found


def test_without_reticulate_too(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/Rscript")
    code = "import sys; print('no package called reticulate'); sys.exit(1)"
    real = subprocesses.run
    monkeypatch.setattr(
        subprocesses,
        "run",
        lambda command, **options: real([sys.executable, "-c", code], **options),
    )
    assert "no package reticulate" in script_metrics.r_obstacle()
