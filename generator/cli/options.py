"""The options that several commands share, each declared once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from generator.cli.common import command_line
from generator.errors import UsageError
from generator.measure import profiles
from generator.measure.request import Request

_PROFILES = "; ".join(
    f"{profile.name}: {profile.summary}" for profile in profiles.PROFILES.values()
)

Frameworks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FRAMEWORK[==VERSION]",
        help="Only these; none means all. `generator list` names them.",
        show_default=False,
    ),
]
Listed = Annotated[
    list[str] | None,
    typer.Argument(metavar="FRAMEWORK", help="The modes, releases and runs of these."),
]
SideA = Annotated[
    str,
    typer.Argument(
        metavar="A", help="FRAMEWORK, FRAMEWORK==VERSION, FRAMEWORK:MODE or machine:ID."
    ),
]
SideB = Annotated[str, typer.Argument(metavar="B", help="The same for the other side.")]
Metric = Annotated[
    str,
    typer.Option(
        help="Compare this one, in every mode; for example import_time.", show_default=False
    ),
]
Changes = Annotated[
    bool,
    typer.Option(
        "--changes",
        help="Everything that changed: between releases, runs and machines, newest first.",
    ),
]
Sections = Annotated[
    list[str] | None,
    typer.Option("--section", "-s", help="Only this page's measurements; may be repeated."),
]
Modes = Annotated[
    list[str] | None, typer.Option("--mode", "-m", help="Only this mode; may be repeated.")
]
Lanes = Annotated[
    list[str] | None,
    typer.Option(
        "--lane",
        help="Only this one of threads-1, threads-all (cpu), resident, copy-unpinned, copy-pinned, "
        "tf32, bfloat16 (cuda); may be repeated.",
    ),
]
Device = Annotated[str, typer.Option("--device", "-d", help="cpu or cuda.")]
Profile = Annotated[str, typer.Option("--profile", "-p", help=f"How much to measure. {_PROFILES}")]
Variants = Annotated[
    bool,
    typer.Option(
        "--variants",
        help="Measure modes with and without the switches that their folders list: the profile "
        "variants.",
    ),
]
Environment = Annotated[
    str,
    typer.Option(
        "--environment",
        "-e",
        help="locked: environments made by uv from the committed locks; current: whatever this "
        "interpreter has installed (a container, a machine without network).",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the four full MNIST IDX files (verified) instead of the 5,000 digits.",
    ),
]
Timeout = Annotated[float, typer.Option(help="Seconds after which a worker is stopped.")]
Minutes = Annotated[
    float,
    typer.Option(
        min=0,
        help="Begin nothing that would end later, installing and building included; the next call "
        "goes on. 0: everything.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler of the machines to use instead of this one; docs/farm.md says how.",
        show_default=False,
    ),
]
Machines = Annotated[
    bool,
    typer.Option(
        "--machines",
        help="This machine, or those of --scheduler: what they lack, and what is measured where.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="Wait while another generator measures on this machine."),
]
_RESULTS = "Folder of result files instead of measurements/results."
Results = Annotated[Path, typer.Option(help=_RESULTS, show_default=False)]


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"found no folder {folder}; expected one with results")
    return folder


ResultsThere = Annotated[Path, typer.Option(help=_RESULTS, show_default=False, callback=_there)]
FrameworksFolder = Annotated[Path | None, typer.Option(hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


class WholeList(TyperGroup):
    """Lists commands with all that is said of them: Click itself cuts it at 45 characters."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list."""
        rows = [(name, one.get_short_help_str(1000)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def request(given: Mapping[str, Any]) -> Request:
    """Return the request that a command's options make; one not given keeps its default."""
    names = {field.name for field in dataclasses.fields(Request)} & given.keys()
    said = {name: given[name] for name in names if given[name] is not None}
    lists = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    return Request(command=command_line(), **{**said, **lists})
