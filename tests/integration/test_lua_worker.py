"""The worker that LuaJIT hosts, for real: a stand-in of a few lines computes what it measures."""

import json
import os

import pytest

from generator import subprocesses
from generator.catalog import loader
from generator.measure import found, worker_launch
from measurements import lenet
from tests.conftest import ROOT
from tests.needs import needs

(FRAMEWORK,) = [one for one in loader.load().frameworks if one.found]
STAND_IN = ROOT / "tests" / "lua"

# The worker as ever, with few digits: the stand-in is slow.
WORKER = """
import sys
from measurements import lenet, worker
data = lenet.load_data()
few = data._replace(test_images=data.test_images[:8], test_labels=data.test_labels[:8])
lenet.load_data = lambda folder: few
sys.exit(worker.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def start():
    """What starts a worker in LuaJIT, which finds the stand-in."""
    program = needs("luajit")
    if not found.python_library():
        pytest.skip("this Python has no shared library (apt-get install libpython3-dev)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FRAMEWORK.found.setting, program)
        patch.setenv("LUA_PATH", f"{STAND_IN}/?.lua")
        found._files.cache_clear()
        there = found.find(FRAMEWORK)
        yield there.start
    found._files.cache_clear()


@pytest.fixture
def work(start, tmp_path):
    """Return a function that lets the worker do a job; returns how it ended, rows and facts."""

    def run(mode, *sections, folder=FRAMEWORK.folder, settings=()):
        job = {
            "folder": str(folder), "sections": sections, "lane": "threads-1", "start": "warm",
            "case": "", "mark": "", "accuracy": False, "samples": 1, "min_sample_seconds": 1e-6,
            "warmup": 1, "ceiling": None, "data_dir": None,
            "settings": {
                "mode": mode, "device": "cpu", "threads": 1, "precision": "float32", "batch": 1,
                "learning_rate": lenet.LEARNING_RATE, "cache": str(tmp_path), **dict(settings),
            },
        }  # fmt: skip
        told, out = tmp_path / "job.json", tmp_path / "out.jsonl"
        told.write_text(json.dumps(job))
        out.unlink(missing_ok=True)
        finished = subprocesses.run(
            [*start, "-c", WORKER, told, out],
            cwd=tmp_path,
            env={
                **worker_launch.inherited(own=True, more=FRAMEWORK.found.variables),
                "OMP_NUM_THREADS": "1",
            },
            timeout=120,
        )
        entries = [json.loads(line) for line in out.read_text().splitlines()]
        rows = [entry["row"] for entry in entries if "row" in entry]
        facts = {}
        for entry in entries:
            facts.update(entry.get("fact", {}))
        assert entries[-1] == {"done": True}, finished.log
        return finished, rows, facts

    return run


@pytest.mark.parametrize("mode", [mode.id for mode in FRAMEWORK.modes])
def test_it_is_verified_and_timed_like_every_other(work, mode):
    finished, rows, facts = work(mode, "compile", "memory", "lenet")
    assert finished.code == 0, finished.log
    values = {row["metric"]: row["value"] for row in rows if row["status"] == "ok"}
    assert values["gate"] == 1
    assert values["parameters"] == sum(one.size for one in lenet.initial_parameters().values())
    for metric in ("ready_time", "import_time", "build_time", "first_step_time", "step_time",
                   "step_cpu_time", "evaluation_time", "peak_rss", "rss_imported"):  # fmt: skip
        assert values[metric] > 0, metric
    assert facts["gate"]
    assert facts["gate_after"], "verified again after timing, by the same process"
    assert all(ok for *_, ok in facts["gate"] + facts["gate_after"])
    assert facts["threads_read_back"]
    assert facts["build"]["lua"].startswith("LuaJIT")
    assert [row["metric"] for row in rows if row["status"] != "ok"] == ["allocator_peak"]


def test_other_work_is_wrong_and_has_no_time(work, tmp_path):
    """The step at half the learning rate."""
    folder = tmp_path / "halved"
    folder.mkdir()
    for path in FRAMEWORK.folder.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    script = folder / "lenet.lua"
    text = script.read_text()
    assert text.count("updateParameters(rate)") == 1
    script.write_text(text.replace("updateParameters(rate)", "updateParameters(rate / 2)"))
    finished, rows, _ = work("loop", "lenet", folder=folder)
    assert finished.code == 0, finished.log
    (verdict,) = [row for row in rows if row["metric"] == "gate"]
    assert verdict["status"] == "wrong"
    assert verdict["reason"].startswith("gradient of conv1_weight")
    assert not [row for row in rows if row["metric"] == "step_time" and row["status"] == "ok"]


def test_an_error_in_lua_is_one_row_and_its_traceback_a_log(work):
    finished, rows, _ = work("no such mode", "lenet")
    assert finished.code == 1
    (row,) = rows
    assert row["status"] == "failed"
    assert "attempt to call" in row["reason"]
    assert "adapter.lua" in finished.log


def test_what_it_cannot_is_unsupported(work):
    for settings in ({"device": "cuda"}, {"precision": "tf32"}):
        finished, (row,), _ = work("loop", "lenet", settings=settings)
        assert finished.code == 0, finished.log
        assert row["status"] == "unsupported"


def test_where_the_modules_do_not_load_it_is_not_found(start, monkeypatch, tmp_path):
    assert start
    monkeypatch.setenv("LUA_PATH", f"{tmp_path}/?.lua")
    found._files.cache_clear()
    assert "cannot load" in found.obstacle(FRAMEWORK)
    found._files.cache_clear()
    assert os.environ["LUA_PATH"]
