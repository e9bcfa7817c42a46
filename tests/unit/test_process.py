"""The one place that starts a process: whatever the process does, we end and know why."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import files, subprocesses
from generator.measure import run_record
from generator.subprocesses import Finished, _Log
from tests.conftest import ROOT


def shell(script, **options):
    return subprocesses.run(["/bin/sh", "-c", script], **options)


def alive(pid):
    """Whether a process runs; a dead one that nobody waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pid, seconds=5):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


# ------------------------------------------------------------------------------------- the log


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
def test_a_log_keeps_head_and_tail_and_counts_the_rest(chunks, half):
    log = _Log(2 * half)
    for chunk in chunks:
        log.feed(chunk)
        assert len(log._head) <= half
        assert len(log._tail) <= half
    whole = b"".join(chunks)
    if len(whole) <= 2 * half:
        assert log.text() == whole.decode("utf-8", "replace")
    else:
        gap = f"\n[... {len(whole) - 2 * half} bytes left out ...]\n".encode()
        expected = whole[:half] + gap + whole[-half:]
        assert log.text() == expected.decode("utf-8", "replace")


def test_a_log_that_is_cut_within_a_character_is_still_text():
    log = _Log(10)
    for _ in range(100):
        log.feed("ü".encode())
    assert "left out" in log.text()
    log.text().encode()


def test_a_flood_is_kept_in_bounded_memory_with_its_first_and_last_words():
    script = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last"
    finished = shell(script, timeout=60)
    assert finished.code == 0
    assert len(finished.log) < subprocesses.LOG_BYTES + 100
    assert finished.log.startswith("first\nxxx")
    assert finished.log.endswith("xxx\nlast\n")
    left_out = int(re.search(r"\[\.\.\. (\d+) bytes left out", finished.log)[1])
    assert left_out == 3000000 + len("first\n\nlast\n") - subprocesses.LOG_BYTES


def test_both_streams_are_one_log_in_their_order():
    finished = shell("echo one; echo two >&2; echo three")
    assert finished.log == "one\ntwo\nthree\n"


def test_output_is_passed_on_as_it_comes():
    said = []
    shell("echo one; echo two", on_output=said.append)
    assert "".join(said) == "one\ntwo\n"


# ------------------------------------------------------------------------------- how it starts


def test_a_process_gets_exactly_its_variables_and_folder(tmp_path):
    finished = subprocesses.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import os; print(dict(os.environ), os.getcwd())",
        ],
        cwd=tmp_path,
        env={"A": "1"},
    )
    assert "'A': '1'" in finished.log
    assert "'HOME'" not in finished.log
    assert str(tmp_path) in finished.log


def test_a_process_cannot_wait_for_our_input():
    """Ours is a pipe that nobody closes, as in a terminal where nobody types."""
    end, other = os.pipe()
    ours = os.dup(0)
    os.dup2(end, 0)
    try:
        finished = shell("cat; echo done", timeout=5)
    finally:
        os.dup2(ours, 0)
        for descriptor in (end, other, ours):
            os.close(descriptor)
    assert finished.log == "done\n"


@pytest.mark.parametrize(
    ("program", "said"), [("/no/such/program", "No such file"), ("/etc/passwd", "denied")]
)
def test_a_program_that_cannot_start_ends_with_127_and_says_why(program, said):
    finished = subprocesses.run([program, "x"])
    assert finished.code == 127
    assert program in finished.log
    assert said in finished.log
    assert finished.reason == "exit code 127"


def test_a_folder_that_is_missing_is_said():
    finished = subprocesses.run(["/bin/true"], cwd=Path("/no/such/folder"))
    assert finished.code == 127
    assert "/no/such/folder" in finished.log


# --------------------------------------------------------------------------------- how it ends


def test_exit_codes_and_signals_are_named():
    assert shell("exit 3").code == 3
    assert shell("exit 3").reason == "exit code 3"
    crashed = shell("kill -SEGV $$")
    assert crashed.code == -signal.SIGSEGV
    assert crashed.reason == "killed by signal 11 SIGSEGV"
    killed = shell("kill -KILL $$")
    assert killed.reason == "killed by signal 9 SIGKILL (out of memory?)"


@pytest.mark.parametrize(
    ("finished", "reason"),
    [
        (Finished(0, "", 1.0), "exit code 0"),
        (Finished(-9, "", 59.6, timed_out=True), "timed out after 60 s"),
        (Finished(-9, "", 1.0, too_large=True), "its result file grew beyond the limit"),
        (Finished(-6, "", 1.0), "killed by signal 6 SIGABRT"),
        (Finished(-99, "", 1.0), "killed by signal 99"),
    ],
)
def test_the_reason_is_a_sentence(finished, reason):
    assert finished.reason == reason


def test_a_time_out_kills_the_whole_family():
    start = time.monotonic()
    finished = shell("sleep 300 & echo $!; (sleep 301 & echo $!; wait) & wait", timeout=0.6)
    assert time.monotonic() - start < 5
    assert finished.timed_out
    assert finished.code == -signal.SIGKILL
    assert finished.reason == "timed out after 1 s"
    pids = [int(word) for word in finished.log.split()]
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize("child", ["sleep 300", "setsid sleep 300"])
def test_a_normal_end_leaves_no_children_behind(child):
    start = time.monotonic()
    finished = shell(f"{child} & echo $!")
    assert finished.code == 0
    assert not finished.timed_out
    assert gone(int(finished.log))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("child", ["sleep 300", "setsid sleep 300"])
def test_nothing_lives_on_when_we_are_killed(tmp_path, child):
    note = tmp_path / "pid"
    script = f"{child} & echo $! > {note}; wait"
    program = f"from generator import subprocesses; subprocesses.run(['/bin/sh', '-c', {script!r}])"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as process:
        while not (note.exists() and note.read_text().strip()):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert gone(int(note.read_text()))


def test_a_group_is_killed_once_while_its_number_is_its_own(monkeypatch):
    kill, killed = os.killpg, []

    def watched(group, sign):
        # An error where nobody waits for it any more: then it may be another program's.
        os.waitid(os.P_PID, group, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        killed.append(group)
        kill(group, sign)

    monkeypatch.setattr(os, "killpg", watched)
    assert shell("exit 3").code == 3
    assert len(killed) == 1


def test_a_result_file_that_outgrows_its_limit_ends_the_process(tmp_path):
    out = tmp_path / "out"
    script = f"while :; do head -c 10000 /dev/zero >> {out}; sleep 0.01; done"
    with files.create(out) as opened:
        finished = shell(script, timeout=60, watch=opened, watch_limit=100_000)
    assert finished.too_large
    assert not finished.timed_out
    assert finished.seconds < 30
    assert finished.reason == "its result file grew beyond the limit"


def test_a_watched_process_may_still_time_out_or_end(tmp_path):
    with files.create(tmp_path / "never written") as out:
        assert shell("sleep 300", timeout=0.3, watch=out).timed_out
        assert shell("exit 4", timeout=60, watch=out).code == 4


SCRUBBED = """
import os, sys
for _ in range({forks}):
    if os.fork():
        os._exit(0)
    os.setsid()
with open({note!r}, "w") as note:
    note.write(str(os.getpid()))
os.execve("/bin/sleep", ["sleep", "300"], {{}})
"""


@pytest.mark.parametrize("forks", [1, 2])
def test_a_daemon_without_session_parent_or_variables_of_ours_ends_with_its_worker(tmp_path, forks):
    note = tmp_path / "pid"
    program = SCRUBBED.format(forks=forks, note=str(note))
    with (
        subprocess.Popen(["sleep", "300"], start_new_session=True) as other,
        files.create(tmp_path / "out") as out,
    ):
        waiting = f"while ! [ -s {note} ]; do sleep 0.02; done"
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}; {waiting}"
        assert shell(command, timeout=30, watch=out).code == 0
        assert not Path(f"/proc/{note.read_text()}").exists()  # not even as a zombie
        assert other.poll() is None  # a child of ours before
        other.kill()


def test_ctrl_c_kills_the_family_and_is_passed_on(tmp_path):
    note = tmp_path / "pid"
    stop = threading.Event()

    def interrupt():
        while not (note.exists() and note.read_text().strip()) and not stop.wait(0.02):
            pass
        stop.wait(0.3)  # on a busy machine the child is quicker than the start of it returns
        os.kill(os.getpid(), signal.SIGINT)

    # A shell starts what it puts in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            shell(f"sleep 300 & echo $! > {note}; wait", timeout=60)
    finally:
        stop.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert gone(int(note.read_text()))


# ------------------------------------------------------------------------------------- answers


def test_only_standard_output_is_an_answer(tmp_path, monkeypatch):
    assert subprocesses.answer(["/bin/sh", "-c", "echo noise >&2; echo yes"]) == "yes"
    assert subprocesses.answer(["/bin/sh", "-c", "echo yes; exit 1"]) is None
    assert subprocesses.answer(["/bin/sh", "-c", "echo yes; sleep 60"], timeout=0.2) is None
    assert subprocesses.answer(["/no/such/program"]) is None
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "library that is not there.so"))
    assert subprocesses.answer([sys.executable, "-S", "-c", "print(3)"]) == "3"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit, in which git has something to warn of."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    root = tmp_path / "repository"
    root.mkdir()
    for command in (
        "git init -q && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one",
        "git update-ref refs/heads/HEAD HEAD",
    ):
        assert shell(command, cwd=root).code == 0
    assert "ambiguous" in shell("git rev-parse HEAD", cwd=root).log
    return root


def test_what_git_warns_of_is_no_commit(repository):
    found = run_record._repository(repository)
    assert re.fullmatch("[0-9a-f]{40}", found["commit"])
    assert found["dirty"] is False
    (repository / "new").touch()
    assert run_record._repository(repository) == {**found, "dirty": True}


def test_a_repository_around_or_named_by_a_shell_is_another_one(repository, tmp_path, monkeypatch):
    nothing = {"commit": None, "dirty": None}
    unpacked = repository / "archive"
    unpacked.mkdir()
    assert run_record._repository(unpacked) == nothing
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert run_record._repository(tmp_path) == nothing
    other = tmp_path / "linked"
    other.symlink_to(repository)
    assert run_record._repository(other)["commit"]
    monkeypatch.setenv("PATH", "")
    assert run_record._repository(repository) == nothing
