"""``python -m generator``: the command line, or its bare core where Typer is not installed."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("typer") and importlib.util.find_spec("rich"):
    from generator.cli.app import main
else:
    from generator.cli.minimal import main

main()
