"""``python -m benchmarks [NAME...] [--json]``: run benchmarks and print what they found.

They compare within one run where they can, and write nothing but temporary files. Each module
beside this one has ``run(arguments) -> list[Line]``; its docstring says what is claimed. Without a
name all run but ``campaign``, which takes half an hour.
"""

import argparse
import dataclasses
import importlib
import json
import pkgutil
import sys

import benchmarks
from benchmarks.line import Line
from generator.errors import GeneratorError


def main() -> int:
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if not module.ispkg and module.name not in ("__main__", "line", "inside")
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options, rest = parser.parse_known_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no benchmark {min(unknown)!r}; there are {', '.join(names)}")
    if rest and len(options.names) != 1:
        parser.error(f"{rest[0]} belongs to one benchmark; name that one")
    lines: list[Line] = []
    for name in options.names or [name for name in names if name != "campaign"]:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            lines += importlib.import_module(f"benchmarks.{name}").run(rest)
        except GeneratorError as error:
            lines.append(Line(name, "could not run", str(error), "", None))
    if options.json:
        print(json.dumps([dataclasses.asdict(line) for line in lines], indent=1))
    else:
        table(lines)
    return 1 if any(line.kept is False for line in lines) else 0


def table(lines: list[Line]) -> None:
    words = {True: "kept", False: "NOT KEPT", None: ""}
    rows = [
        (line.benchmark, line.what, line.found, line.claimed, words[line.kept]) for line in lines
    ]
    rows.insert(0, ("benchmark", "what", "found", "claimed", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
