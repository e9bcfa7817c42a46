"""Environments without a network: uv is played, locks and interpreters are small files."""

import json
import marshal
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import files, subprocesses
from generator.catalog import loader
from generator.errors import EnvironmentMissing, InputError, UsageError
from generator.measure import environments, uv
from generator.measure.environments import MARKER, Environment
from generator.subprocesses import Finished
from tests.conftest import PRETEND

PIN = f"numpy==1.0 \\\n    --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def framework(tmp_path):
    made = loader.load(frameworks=PRETEND).framework("pretend")
    folder = tmp_path / "pretend"
    (folder / "environments").mkdir(parents=True)
    versions = tuple(replace(version, folder=folder) for version in made.versions)
    made = replace(made, folder=folder, versions=versions)
    made.newest.lock("cpu").write_text(PIN)
    return made


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def played(monkeypatch):
    """Play uv: makes an environment that is a link to this interpreter; remembers its calls."""
    calls = []

    def play(*arguments, python=""):
        calls.append(arguments)
        if arguments[0] == "venv":
            assert python in arguments
            python = Path(arguments[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
            (python.parent / "data").write_bytes(b"x" * 1000)
        return play.log

    play.log, play.calls = "Resolved 1 package\nPrepared 1 package", calls
    monkeypatch.setattr(uv, "run", play)
    return play


# -------------------------------------------------------------------------------------- locked


def test_an_environment_is_made_once_and_found_again(framework, cache, played):
    assert environments.find_ready(framework, framework.newest, "cpu") is None
    made = environments.locked(framework, framework.newest, "cpu")
    assert made.case == "downloaded"
    assert made.kind == "locked"
    assert made.packages == ("numpy==1.0",)
    assert made.lock == "1.0-cpu.txt"
    assert made.lock_sha256 == environments.lock_sha256(framework.newest.lock("cpu"))
    assert made.folder.parent == cache / "environments"
    assert made.lock_sha256[:12] in made.folder.name
    assert made.install_seconds > 0
    assert 1000 <= made.size_bytes < 5000, "links to the interpreter are not counted"
    assert "--require-hashes" in played.calls[1]
    again = environments.locked(framework, framework.newest, "cpu")
    assert len(played.calls) == 2
    assert again == made
    environments.recorded(made)  # by a run: what it took to install is said once
    again = environments.locked(framework, framework.newest, "cpu")
    assert again == replace(made, case="")
    assert environments.find_ready(framework, framework.newest, "cpu") == again


def test_packages_from_uvs_cache_are_told_from_downloaded_ones(framework, cache, played):
    played.log = "Resolved 1 package\nInstalled 1 package"
    assert environments.locked(framework, framework.newest, "cpu").case == "cached"


def test_another_lock_is_another_environment(framework, cache, played):
    first = environments.locked(framework, framework.newest, "cpu")
    framework.newest.lock("cpu").write_text(PIN.replace("1.0", "1.1"))
    second = environments.locked(framework, framework.newest, "cpu")
    assert first.folder != second.folder
    assert second.packages == ("numpy==1.1",)


@pytest.mark.parametrize(
    "marker", [None, "", "{", "[]", "3", "{}", '{"python": 3}', "\x00", '{"packages": []}', "null"]
)
def test_an_environment_that_was_interrupted_is_made_anew(framework, cache, played, marker):
    made = environments.locked(framework, framework.newest, "cpu")
    (made.folder / "left over").touch()
    if marker is None:
        (made.folder / MARKER).unlink()
    else:
        (made.folder / MARKER).write_text(marker)
    assert environments.find_ready(framework, framework.newest, "cpu") is None
    again = environments.locked(framework, framework.newest, "cpu")
    assert len(played.calls) == 4
    assert again.case == "downloaded"
    assert not (again.folder / "left over").exists()


def test_an_environment_without_its_interpreter_is_made_anew(framework, cache, played):
    made = environments.locked(framework, framework.newest, "cpu")
    made.python.unlink()
    assert environments.find_ready(framework, framework.newest, "cpu") is None
    assert environments.locked(framework, framework.newest, "cpu").python.exists()


def test_the_marker_is_written_last(framework, cache, played, monkeypatch):
    def fail(folder):
        raise EnvironmentMissing("pulled the plug")

    monkeypatch.setattr(environments, "_size", fail)
    with pytest.raises(EnvironmentMissing):
        environments.locked(framework, framework.newest, "cpu")
    assert environments.find_ready(framework, framework.newest, "cpu") is None


def test_a_missing_lock_names_the_command_that_makes_it(framework, cache, played):
    with pytest.raises(EnvironmentMissing, match=r"generator lock pretend==1\.0 --device cuda"):
        environments.locked(framework, framework.newest, "cuda")
    assert environments.find_ready(framework, framework.newest, "cuda") is None


def test_a_cache_that_cannot_be_written_is_said(framework, tmp_path, monkeypatch, played):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(EnvironmentMissing, match="cannot write to"):
        environments.locked(framework, framework.newest, "cpu")


def test_the_cache_is_where_the_user_says(monkeypatch):
    monkeypatch.setenv("SYMBOLIC_COMPARISON_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert environments.cache_folder() == Path("/a")
    monkeypatch.delenv("SYMBOLIC_COMPARISON_CACHE")
    assert environments.cache_folder() == Path("/b/symbolic-comparison")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert environments.cache_folder() == Path.home() / ".cache" / "symbolic-comparison"


# --------------------------------------------------------------------------------------- locks


GOOD_LOCKS = [
    PIN,
    f"# made by uv\n{PIN}\n{PIN.replace('numpy', 'six')}",
    PIN.replace(" \\", " ; python_version < '3.9' \\", 1),
    PIN.rstrip() + f" \\\n    --hash=sha256:{'1' * 64}\n",
    PIN.replace("1.0", "1.0+cpu"),
]


@pytest.mark.parametrize("text", GOOD_LOCKS)
def test_good_locks_have_no_problem(tmp_path, text):
    lock = tmp_path / "1-cpu.txt"
    lock.write_text(text)
    assert environments.problems(lock) == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("numpy\n", 1, "found 'numpy'; expected name==version"),
        ("numpy>=1.0 \\\n    --hash=sha256:00\n", 1, "name==version"),
        (PIN + "-e .\n", 3, "found '-e .'"),
        ("--index-url https://example.org\n" + PIN, 1, "--index-url"),
        (PIN + "a @ https://example.org/a.whl\n", 3, "a @ https"),
        (f"{PIN}  --extra-index-url https://example.org\n", 3, "--extra-index-url"),
        (f"{PIN} a @ https://example.org/a.whl \\\n    --hash=sha256:{'1' * 64}\n", 3, "a @ https"),
        (PIN.replace(" \\", " -r /etc/passwd \\"), 1, "-r /etc/passwd"),
        (PIN.replace(" \\", " ; python_version < '3.9' --pre \\"), 1, "--pre"),
        (PIN.replace(" \\", " ; sys_platform == '  --pre' \\"), 1, "--pre"),
        (f"{PIN}# a comment that goes on \\\n--pre\n", 3, "goes on"),
        (f"{PIN} # indented\n", 3, "indented"),
        (PIN + PIN.replace("1.0", "1.1"), 3, "numpy a second time"),
        (PIN.replace("numpy", "a-b") + PIN.replace("numpy", "A__B"), 3, "A__B a second time"),
        (PIN.replace("0" * 64, "0" * 63), 1, "no hash"),
        (PIN.replace("0" * 64, "0" * 65), 1, "no hash"),
        (PIN.rstrip() + " \\\n", 2, "no hash"),
        (f"{PIN}    --hash=sha256:{'1' * 64}\n", 3, "a hash of nothing"),
        (PIN.replace("\n", "\r\n"), 1, "U+000D"),
        (f"{PIN}# a\u2028--pre\n", 3, "U+2028"),
        (f"{PIN}# a\x0c--pre\n", 3, "U+000C"),
        (f"{PIN}# a\x0b--pre\n", 3, "U+000B"),
        (f"{PIN}# a\x85--pre\n", 3, "U+0085"),
        (PIN.replace("numpy", ""), 1, "'==1.0"),
        (PIN.replace("numpy", "ñumpy"), 1, "umpy"),
        (PIN.replace("1.0", "*"), 1, "==*"),
        (PIN + "six==1.0\n", 3, "no hash"),
        ("six==1.0 \\\n" + PIN, 1, "no hash"),
        ("six==1.0 \\\n    --hash=md5:00\n", 1, "no hash"),
        ("", 1, "no requirement"),
        ("# nothing\n\n", 1, "no requirement"),
    ],
)
def test_bad_locks_are_named_with_their_line(tmp_path, text, line, said):
    lock = tmp_path / "1-cpu.txt"
    lock.write_text(text, newline="")
    first = environments.problems(lock)[0]
    assert (first.line, first.file) == (line, str(lock))
    assert said in str(first)


def test_a_byte_that_is_not_utf_8_is_named(tmp_path):
    (tmp_path / "lock").write_bytes(PIN.encode() + b"# \xff\n")
    (problem,) = environments.problems(tmp_path / "lock")
    assert problem.line == 3


def test_nothing_is_installed_from_a_lock_that_is_none(framework, cache, played):
    framework.newest.lock("cpu").write_text(f"{PIN}  --index-url https://example.org\n")
    with pytest.raises(InputError, match="--index-url"):
        environments.locked(framework, framework.newest, "cpu")
    framework.newest.lock("cpu+reuse").write_text(f"{PIN} -r /etc/passwd\n")
    made = Environment(Path(), "locked", "3.11", (), folder=cache / "made")
    with pytest.raises(InputError, match="-r /etc/passwd"):
        environments.extra(made, framework.newest, "cpu+reuse")
    assert played.calls == []


def test_no_lock_is_written_with_a_package_from_an_address(framework, monkeypatch):
    def play(*arguments):
        made = Path(arguments[arguments.index("--output-file") + 1])
        made.write_text(PIN + PIN.replace("numpy==1.0", "six @ https://example.org/six.whl"))
        return ""

    monkeypatch.setattr(uv, "run", play)
    with pytest.raises(InputError, match="six @ https"):
        environments.write_lock(framework.newest, "cpu")
    assert framework.newest.lock("cpu").read_text() == PIN


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda t: t.encode("utf-8"))))
def test_any_bytes_are_a_lock_with_or_without_problems(tmp_path_factory, data):
    lock = tmp_path_factory.getbasetemp() / "any.txt"
    lock.write_bytes(data)
    found = environments.problems(lock)
    assert found or b"--hash=sha256:" in data


def test_the_hash_of_a_lock_follows_its_bytes(tmp_path):
    lock = tmp_path / "1-cpu.txt"
    assert environments.lock_sha256(lock) is None
    lock.write_bytes(b"a")
    first = environments.lock_sha256(lock)
    assert re.fullmatch("[0-9a-f]{64}", first)
    lock.write_bytes(b"b")
    assert environments.lock_sha256(lock) != first


def test_a_lock_is_written_without_what_belongs_to_this_machine(framework, monkeypatch):
    seen = {}

    def play(*arguments):
        seen["arguments"] = arguments
        seen["wanted"] = Path(arguments[-1]).read_text()
        made = Path(arguments[arguments.index("--output-file") + 1])
        made.write_text("--find-links file:///home/me/wheels\n" + PIN)
        return ""

    monkeypatch.setattr(uv, "run", play)
    lock = environments.write_lock(framework.newest, "cpu")
    assert lock.read_text() == PIN
    assert seen["wanted"] == "numpy\n"
    assert "--generate-hashes" in seen["arguments"]
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]
    with pytest.raises(UsageError, match="only cpu"):
        environments.write_lock(framework.newest, "cuda")


def test_environments_and_locks_are_made_that_way(framework, cache, played, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    framework.newest.lock("cpu").write_text(PIN.replace("1.0", "1.0+cpu"))
    made = environments.locked(framework, framework.newest, "cpu")
    assert made.packages == ("numpy==1.0+cpu",)
    assert played.calls[1][:2] == ("pip", "sync")
    # The project's own setting for its tools, which on Python 3.6 lets nothing be installed.
    assert {"--require-hashes", "--no-compile-bytecode"} <= set(played.calls[1])
    assert played.calls[1][-2:] == ("--find-links", "/wheels")
    version = replace(framework.newest, requirements={"cpu": ("torch==2.0+cpu", "numpy")})
    with pytest.raises(FileNotFoundError):  # this uv writes nothing
        environments.write_lock(version, "cpu")
    assert played.calls[2][:2] == ("pip", "compile")
    assert played.calls[2][-2:] == ("--find-links", "/wheels")


# ----------------------------------------------------------------------------------- variables


@pytest.fixture
def made():
    return Environment(Path("/e/bin/python"), "locked", "3.8.20", (), folder=Path("/e"))


def test_placeholders_are_filled_in(framework, made):
    framework = replace(
        framework,
        environment={"OMP_NUM_THREADS": "{threads}", "FLAGS": "base={cache}/x,{other}", "A": "{"},
        device_environment={"cpu": {}, "cuda": {"A": "{site_packages}/lib:{environment}"}},
    )
    found = environments.variables(framework, made, device="cpu", threads=3, cache=Path("/c"))
    assert found == {"OMP_NUM_THREADS": "3", "FLAGS": "base=/c/x,{other}", "A": "{"}
    cuda = environments.variables(framework, made, device="cuda", threads=3, cache=Path("/c"))
    assert cuda["A"] == "/e/lib/python3.8/site-packages/lib:/e"
    assert cuda["OMP_NUM_THREADS"] == "3"


def test_what_a_placeholder_brings_is_not_filled_in_again(framework, made):
    framework = replace(framework, environment={"A": "{cache}"})
    cache = Path("/c/{threads}")
    found = environments.variables(framework, made, device="cpu", threads=3, cache=cache)
    assert found == {"A": "/c/{threads}"}


def test_every_placeholder_in_the_folders_is_known(made):
    for framework in loader.load().frameworks:
        for device in ("cpu", "cuda"):
            found = environments.variables(framework, made, device=device, threads=1, cache=Path())
            assert not re.search(r"{\w+}", " ".join(found.values())), found


def test_the_current_environment_describes_this_interpreter():
    found = environments.current()
    assert found.kind == "current"
    assert found.python == Path(sys.executable)
    assert any(package.startswith("numpy==") for package in found.packages)
    assert found.lock is None
    assert found == environments.current.__wrapped__(), "listed anew"
    assert environments.installed_version("numpy")
    assert environments.installed_version("no-such-distribution") is None
    json.dumps(found.packages)


# ------------------------------------------------------------------------- a reader's variables


def test_a_readers_settings_go_into_a_lock_and_not_into_what_it_installs(framework, monkeypatch):
    told = {}

    def play(arguments, *, env, **_):
        told[arguments[2]] = env.get("UV_EXCLUDE_NEWER")
        if "--output-file" in arguments:
            Path(arguments[arguments.index("--output-file") + 1]).write_text(PIN)
        return Finished(0, "", 0.0)

    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    monkeypatch.setattr(subprocesses, "run", play)
    environments.write_lock(framework.newest, "cpu")
    uv.pip(PIN, "sync", "lock")
    assert told == {"compile": "2020-01-01", "sync": None}


def test_a_folder_that_somebody_makes_is_left_to_them(cache):
    abandoned, busy = (cache / "environments" / f"{name}.making" for name in ("a", "b"))
    for folder in (abandoned, busy):
        folder.mkdir(parents=True)
    with files.locked(busy.with_name("b.lock")):
        environments.remove_half_made()
    assert not abandoned.exists()
    assert busy.exists()


def test_byte_code_bears_the_name_that_the_folder_will_have(tmp_path):
    making, folder = tmp_path / "a.making", tmp_path / "a"
    for python in ("3.11", "3.6"):  # two ways, of which this interpreter knows both
        (making / "lib" / "inner").mkdir(parents=True)
        (making / "lib" / "inner" / "module.py").write_text("def f(): pass\n")
        (making / "lib" / "old.py").write_text("print 'syntax of another Python'\n")
        subprocesses.run([sys.executable, *environments._compiling(python, making, folder)])
        making.rename(folder)
        (compiled,) = folder.rglob("*.pyc")
        code = marshal.loads(compiled.read_bytes()[16:])
        assert code.co_filename == str(folder / "lib" / "inner" / "module.py")
        shutil.rmtree(folder)
