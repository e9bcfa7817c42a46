"""Host memory of a process, against allocations of known size."""

import subprocess
import sys

import pytest

from measurements import memory
from tests.conftest import ROOT

MB = 2**20

linux = pytest.mark.skipif(memory.resident() is None, reason="no /proc/self/status")

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
from measurements import memory
start, block = memory.resident(), bytearray(64 * 2**20)
with_block = memory.resident()
del block
before = memory.peak()
done = memory.reset_peak()
print(with_block - start, before - start, memory.peak() - start, done)
"""


@linux
def test_sizes_are_bytes_and_a_peak_is_never_below_the_present():
    assert 5 * MB < memory.resident() < 8 * 2**30
    assert memory.resident() % 1024 == 0
    assert memory.peak() >= memory.resident() - MB


@linux
def test_a_peak_is_seen_kept_and_forgotten():
    """In a process of its own: this one has a peak already and frees what it likes."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, ROOT], capture_output=True, text=True, check=True
    )
    grown, peak, after, reset = done.stdout.split()
    assert 60 * MB < int(grown) < 70 * MB
    assert int(peak) >= int(grown) - MB
    if reset == "True":
        assert int(after) < 10 * MB


def test_a_system_without_proc_says_so(monkeypatch):
    def refuse(*arguments, **options):
        raise FileNotFoundError

    monkeypatch.setattr(memory, "open", refuse, raising=False)
    assert memory.resident() is None
    assert memory.peak() is None
    assert memory.reset_peak() is False


def test_a_status_without_the_line_is_unknown(monkeypatch, tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  1024 kB\n")
    monkeypatch.setattr(memory, "open", lambda *_: status.open(), raising=False)
    assert memory.peak() == MB
    assert memory.resident() is None


def test_what_is_on_disk_is_counted_for_files_and_for_folders(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"x" * 1000)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "vocabulary").write_bytes(b"x" * 234)
    assert memory.on_disk(tmp_path / "model.npz") == 1000
    assert memory.on_disk(tmp_path) == 1234
