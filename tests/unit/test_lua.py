"""What Python says to Lua, without a Lua: how values are written, and what answers become."""

import ctypes

import numpy as np
import pytest

from measurements import lua


@pytest.fixture
def host(monkeypatch):
    """Be the Lua that hosts this process: take lines, and give the answers that a test has set."""
    said, answers = [], []

    def call(line):
        said.append(line.decode())
        texts.append(ctypes.create_string_buffer(answers.pop(0) if answers else b"nothing"))
        return ctypes.addressof(texts[-1])

    texts = []
    function = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(call)
    address = ctypes.cast(function, ctypes.c_void_p).value
    monkeypatch.setenv("MEASUREMENT_LUA", str(address))
    return said, answers, function


def test_values_are_written_as_lua_has_them(host):
    said, *_ = host
    assert lua.Script("a.lua").take(1, 0.5, 'a "b"\\\n', [2, "c"]) is None
    assert said == ['return script("a.lua").take(1, 0.5, "a \\"b\\"\\\\\\n", {2, "c"})']


@pytest.mark.parametrize(("kind", "called"), [("float32", "float"), ("int64", "int64_t")])
def test_an_array_is_passed_where_it_lies(host, kind, called):
    said, *_ = host
    array = np.zeros((2, 3), kind)
    lua.Script("a.lua").take(array)
    place = f'"{called}", {array.ctypes.data}ULL, {array.nbytes}, 2, 3'
    assert said == [f'return script("a.lua").take(array({place}))']


def test_an_array_that_lua_could_not_read_is_refused(host):
    with pytest.raises(ValueError, match="contiguous"):
        lua.Script("a.lua").take(np.zeros((2, 3), np.float32).T)
    with pytest.raises(KeyError, match="float64"):
        lua.Script("a.lua").take(np.zeros(2))


def test_answers_are_numbers_and_texts(host):
    _, answers, _ = host
    answers += [b"number 0.10000000000000001", b"text two words"]
    script = lua.Script("a.lua")
    assert script.number() == 0.1
    assert script.text() == "two words"


def test_what_lua_keeps_can_be_passed_back_and_is_forgotten_with_its_last_name(host):
    said, answers, _ = host
    answers += [b"kept 7"]
    script = lua.Script("a.lua")
    kept = script.make()
    script.take(kept)
    assert said[-1] == 'return script("a.lua").take(kept[7])'
    del kept
    assert said[-1] == "kept[7] = nil"


def test_an_error_of_lua_is_one_of_python(host, monkeypatch):
    _, answers, _ = host
    answers += [b"error a.lua:1: it failed\ntraceback"]
    with pytest.raises(lua.LuaError, match="it failed"):
        lua.Script("a.lua").take()
    monkeypatch.delenv("MEASUREMENT_LUA")
    with pytest.raises(lua.LuaError, match=r"worker\.lua"):
        lua.Script("a.lua").take()
