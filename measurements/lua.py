"""Calls Lua from the Python that ``measurements/worker.lua`` hosts: one process, no copies.

The worker left the address of a function of C in a variable. It takes a line of Lua, and answers
with a number, a text, or the number under which it keeps whatever else came out.
"""

import ctypes
import functools
import os
import sys

import numpy as np

_KINDS = {"float32": "float", "int64": "int64_t"}


class LuaError(Exception):
    """What went wrong in Lua, with its traceback."""


class Kept:
    """A value that stays in Lua until Python forgets it."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        if not sys.is_finalizing():
            _evaluate("kept[%d] = nil" % self.number)


class Script:
    """A file of Lua that returns a table of functions, which are called like methods of this.

    Arguments are numbers, texts, :class:`Kept` values, contiguous arrays of float32 or int64, and
    lists of these. A function gets an array as {data = pointer, bytes = number, shape = list}, and
    may read and write it until it returns. The file is run when it is first called.
    """

    def __init__(self, path):
        self._path = path

    def __getattr__(self, function):
        return functools.partial(self._call, function)

    def _call(self, function, *arguments):
        words = ", ".join(map(_literal, arguments))
        return _evaluate("return script(%s).%s(%s)" % (_literal(self._path), function, words))


def _literal(value):
    """Return a value as Lua writes it."""
    if isinstance(value, Kept):
        return "kept[%d]" % value.number
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if isinstance(value, (list, tuple)):
        return "{%s}" % ", ".join(map(_literal, value))
    if isinstance(value, np.ndarray):
        if not value.flags.c_contiguous:
            raise ValueError("an array that is not contiguous has no one address")
        place = _KINDS[value.dtype.name], value.ctypes.data, value.nbytes
        return 'array("%s", %dULL, %d%s)' % (*place, "".join(", %d" % n for n in value.shape))
    return repr(value)


def _evaluate(line):
    """Run a line of Lua; return what it returned."""
    address = os.environ.get("MEASUREMENT_LUA")
    if not address:
        raise LuaError("this process is no Lua's: measurements/worker.lua has not started it")
    call = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_char_p)(int(address))
    kind, _, value = call(line.encode()).decode("utf-8", "replace").partition(" ")
    if kind == "error":
        raise LuaError(value)
    return {"number": float, "text": str, "kept": lambda n: Kept(int(n))}.get(kind, _nothing)(value)


def _nothing(_):
    return None
