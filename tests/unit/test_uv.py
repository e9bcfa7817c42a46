"""uv is asked as the reader has set it up, and what stands in its way is said; it is played."""

import os
import sys
from pathlib import Path

import pytest

from generator import subprocesses
from generator.errors import EnvironmentMissing
from generator.measure import environments, uv
from generator.subprocesses import Finished

PIN = f"numpy==1.0 \\\n    --hash=sha256:{'0' * 64}\n"


# ---------------------------------------------------------------------------- local versions

CPU_PIN = f"torch==2.0+cpu \\\n    --hash=sha256:{'2' * 64}\n"


@pytest.fixture
def wheels(monkeypatch):
    """Say where pip finds wheels, and nothing to uv."""
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels https://example.org/more")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)


def play_uv_pip(monkeypatch, failures):
    """Play a uv that fails that many times; return the list of its calls to come."""
    calls = []

    def play(*arguments):
        calls.append(arguments)
        if len(calls) <= failures:
            raise EnvironmentMissing(f"failure {len(calls)}")
        return "Installed 1 package"

    monkeypatch.setattr(uv, "run", play)
    return calls


FOUND = ("--find-links", "/wheels", "--find-links", "https://example.org/more")


def test_a_build_without_cuda_comes_from_pips_folder_of_wheels(monkeypatch, wheels):
    calls = play_uv_pip(monkeypatch, failures=0)
    uv.pip(PIN + CPU_PIN, "sync", "lock")
    assert calls == [("pip", "sync", "lock", *FOUND)]


def test_or_else_from_pytorchs_own_index_alone(monkeypatch, wheels):
    calls = play_uv_pip(monkeypatch, failures=1)
    assert uv.pip(CPU_PIN, "sync", "lock") == "Installed 1 package"
    assert calls[1] == ("pip", "sync", "lock", "--torch-backend", "cpu")
    calls = play_uv_pip(monkeypatch, failures=2)
    with pytest.raises(EnvironmentMissing, match="failure 2; and before: failure 1"):
        uv.pip(CPU_PIN, "sync", "lock")
    assert len(calls) == 2


@pytest.mark.parametrize(
    "requirements",
    [PIN, PIN.replace("1.0", "1.0+cpux"), PIN.replace("1.0", "1.0+cu130"), "numpy<2\ntorch\n", ""],
)
def test_nothing_else_sees_the_folder_or_a_second_index(monkeypatch, wheels, requirements):
    calls = play_uv_pip(monkeypatch, failures=1)
    with pytest.raises(EnvironmentMissing, match="failure 1"):
        uv.pip(requirements, "sync", "lock")
    assert calls == [("pip", "sync", "lock")]


@pytest.mark.parametrize("requirements", ["torch==2.0+cpu", "a==1\ntorch==2.0+cpu ; b\n", CPU_PIN])
def test_uvs_own_variable_comes_first(monkeypatch, wheels, requirements):
    monkeypatch.setenv("UV_FIND_LINKS", "/uv")  # uv reads it by itself
    calls = play_uv_pip(monkeypatch, failures=0)
    uv.pip(requirements, "compile")
    assert calls == [("pip", "compile")]
    monkeypatch.setenv("UV_FIND_LINKS", "")
    uv.pip(requirements, "compile")
    assert calls[1] == ("pip", "compile", *FOUND)
    monkeypatch.delenv("PIP_FIND_LINKS")
    uv.pip(requirements, "compile")
    assert calls[2] == ("pip", "compile")


# ------------------------------------------------------------------------------------------ uv


@pytest.mark.parametrize("sign", uv.CAUSES)
def test_every_known_cause_is_explained_with_uvs_own_words(monkeypatch, sign):
    monkeypatch.setattr(uv, "connected", lambda: True)
    said = uv.explain(f"error: something\n  caused by: {sign.upper()} here\n")
    assert said.startswith(uv.CAUSES[sign].replace("{host}", "the package index"))
    assert "caused by" in said
    assert "\n" not in said


REFUSED = """error: Request failed after 3 retries in 11.2s
  cause: Failed to fetch: https://me:secret@packages.example.org/whl/cpu/thing/
  cause: error sending request for url (https://packages.example.org/whl/cpu/thing/)
  cause: client error (Connect)
  cause: {}
"""


@pytest.mark.parametrize(
    ("why", "setting"),
    [
        ("dns error", "UV_INDEX"),
        ("tcp connect error: Network is unreachable (os error 101)", "UV_DEFAULT_INDEX"),
        ("tunnel error: proxy authorization required", "HTTPS_PROXY"),
        ("error connecting to socks proxy", "ALL_PROXY"),
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("tcp connect error: Connection refused (os error 111)", "--environment current"),
    ],
)
def test_the_index_and_the_setting_in_the_way_are_named(monkeypatch, why, setting):
    monkeypatch.setattr(uv, "connected", lambda: True)
    cause = uv.explain(REFUSED.format(why)).partition(" (uv: ")[0]
    assert "packages.example.org" in cause
    assert "secret" not in cause
    assert setting in cause
    assert "no network" not in cause


@pytest.mark.parametrize("why", ["dns error", "Network is unreachable"])
def test_no_network_is_said_where_no_way_leads_out(monkeypatch, why):
    monkeypatch.setattr(uv, "connected", lambda: False)
    assert uv.explain(REFUSED.format(why)).startswith("no network")


def test_a_way_out_is_noticed():
    """Where a program can be kept from all networks, it notices; nothing is sent elsewhere."""
    ask = [sys.executable, "-c", "from generator.measure import uv; print(uv.connected())"]
    alone = subprocesses.run(["unshare", "--map-root-user", "--net", *ask])
    if alone.code:
        pytest.skip("this system lets nobody leave its networks (unshare)")
    assert alone.log.strip() == "False"


def test_an_unknown_cause_is_shown_as_it_is_and_not_at_length():
    assert uv.explain("a\n b") == "a b"
    assert uv.explain("") == ""
    assert len(uv.explain("x" * 10_000)) == 400
    assert len(uv.explain("dns error" + "x" * 10_000)) < 600


@pytest.mark.parametrize(
    ("finished", "said"),
    [
        (Finished(1, "error: Hash mismatch", 1.0), "do not trust"),
        (Finished(2, "", 1.0), "uv pip: exit code 2"),
        (Finished(-9, "", 3600.0, timed_out=True), "uv pip: timed out after 3600 s"),
    ],
)
def test_uv_that_fails_is_an_environment_that_is_missing(monkeypatch, finished, said):
    monkeypatch.setattr(subprocesses, "run", lambda *arguments, **options: finished)
    with pytest.raises(EnvironmentMissing, match=said):
        uv.run("pip", "sync")


def test_uv_is_found_or_said_to_be_missing(monkeypatch):
    assert Path(uv.program()).is_file()
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr(uv.shutil, "which", lambda name: "/usr/bin/uv")
    assert uv.program() == "/usr/bin/uv"
    monkeypatch.setattr(uv.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentMissing, match="pip install uv"):
        uv.program()


# -------------------------------------------------------------------------------- interpreters


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Put a program, played by a script, at a path; PATH and pyenv are empty before."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("UV_PYTHON_SEARCH_PATH", raising=False)

    def make(path, script="exit 1", variable=None):
        python = tmp_path / path
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        if variable:
            folders = [os.environ.get(variable, ""), str(python.parent)]
            monkeypatch.setenv(variable, os.pathsep.join(filter(None, folders)))
        return python

    return make


def test_interpreters_are_searched_in_pyenvs_folders_then_where_uv_is_told_to_look(place):
    place("pyenv/versions/2.7.18/bin/python")
    folders = [
        place("pyenv/versions/3.9.18/bin/python").parent,
        place("pyenv/versions/3.9.4/bin/python").parent,
        place("uv/python3.99", variable="UV_PYTHON_SEARCH_PATH").parent,
        place("bin/python3.99", variable="PATH").parent,
    ]
    place("pyenv/shims/python3.99", "echo 3.99.0", "PATH")
    ours, *found = uv._search_path("3.9").split(os.pathsep)
    assert Path(ours) == Path(sys.executable).resolve().parent
    assert found == [str(folder) for folder in folders]


def test_shims_are_not_asked_and_dead_candidates_passed_over(place):
    place("pyenv/shims/python3.99", "echo 3.99.0", "PATH")
    place("dead/python3.99", "echo 'pyenv: command not found' >&2; exit 127", "PATH")
    place("other/python3.99", "echo 3.98.7", "PATH")
    place("mute/python3.99", "exit 0", "PATH")
    assert uv.find_interpreter("3.99") is None
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert uv.find_interpreter(ours) is not None


def test_a_version_is_not_the_beginning_of_another(place):
    assert uv.find_interpreter(f"3.{sys.version_info.minor // 10}") is None


def test_the_running_interpreter_will_do(place):
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = uv.find_interpreter(ours)
    assert found.resolve() == Path(sys.executable).resolve()


def test_without_uv_no_interpreter_is_found(monkeypatch):
    def missing():
        raise EnvironmentMissing("no uv")

    monkeypatch.setattr(uv, "program", missing)
    assert uv.find_interpreter("3.11") is None


# ------------------------------------------------------------------------- a reader's variables


def test_what_a_lock_installs_is_in_the_lock(monkeypatch):
    where = {
        "UV_DEFAULT_INDEX": "https://a", "UV_INDEX_MINE_PASSWORD": "b", "UV_OFFLINE": "1",
        "UV_CACHE_DIR": "/c", "UV_PYTHON_INSTALL_DIR": "/d", "UV_HTTP_TIMEOUT": "9",
        "SSL_CERT_FILE": "/e", "HTTPS_PROXY": "http://f", "UV_PYTHON_PREFERENCE": "managed",
    }  # fmt: skip
    what = {
        "UV_EXCLUDE_NEWER": "2020-01-01", "UV_NO_BINARY": "1", "UV_CONSTRAINT": "/a",
        "UV_OVERRIDE": "/b", "UV_TORCH_BACKEND": "cu126", "UV_PYTHON": "3.8", "UV_NO_DEPS": "1",
        "UV_SYSTEM_PYTHON": "1", "PYTHONPATH": "/c", "PYTHONHOME": "/d", "PIP_NO_BINARY": ":all:",
        "PIP_TARGET": "/e", "VIRTUAL_ENV": "/f", "CONDA_PREFIX": "/g",
    }  # fmt: skip
    for name, value in {**where, **what}.items():
        monkeypatch.setenv(name, value)
    found = uv._variables()
    assert where.items() <= found.items()
    assert not what.keys() & found.keys()
    resolving = uv._variables(resolving=True)
    assert resolving["UV_EXCLUDE_NEWER"] == "2020-01-01"
    assert "PYTHONPATH" not in resolving


def test_noise_and_variables_hide_no_interpreter(monkeypatch, tmp_path):
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    expected = uv.find_interpreter(ours)
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "library that is not there.so"))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON", "2.7")
    assert uv.find_interpreter(ours) == expected
    assert environments._version_of(expected).startswith(ours)
