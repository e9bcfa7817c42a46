"""``generator``: the command line, or its bare core where Typer is not installed."""

from __future__ import annotations

# Not `signal`, which imports more: a Ctrl-C meanwhile would end in a traceback.
import _signal as signal  # type: ignore[import-not-found]

# Imports take a second. There is nothing to keep yet: until `main` listens, Ctrl-C just ends it.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import importlib.util

if importlib.util.find_spec("typer") and importlib.util.find_spec("rich"):
    from generator.cli.app import main
else:
    from generator.cli.minimal import main

if __name__ == "__main__":
    main()
