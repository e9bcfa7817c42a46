"""The command line: parse, call, print, exit. Nothing else exits.

Exit codes: 0 done; 1 something measured failed (results kept); 2 wrong use or bad input;
3 interrupted (results kept).
"""

from __future__ import annotations

import functools
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from generator.catalog import loader as catalogs
from generator.catalog import model
from generator.catalog.loader import ROOT
from generator.cli import doctor as doctoring
from generator.cli.check import check as check_results
from generator.cli.check import check_contribution
from generator.cli.listing import listing as list_everything
from generator.cli.progress import Progressing, minutes_text
from generator.errors import GeneratorError, Interrupted, UsageError
from generator.measure import environments, plan, runner
from generator.measure.request import Request, estimate, prepare

if TYPE_CHECKING:
    from generator.update.package_watch import News
    from generator.update.update import Outcome as UpdateOutcome

app = typer.Typer(
    name="generator",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Measure symbolic deep learning frameworks on this machine and render the comparison.

    [bold]generator report[/bold] does everything: it measures what is missing here, renders the
    pages and builds the site. Results are kept whatever happens, and the next command goes on
    from there.

    Exit codes: 0 done; 1 something measured failed (results kept); 2 wrong use or bad input;
    3 interrupted (results kept).
    """,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

RESULTS = ROOT / "measurements" / "results"

Frameworks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FRAMEWORK[==VERSION]]...",
        help="Which ones, e.g. `theano` or `mxnet==1.9.1`; none means all (`generator list`).",
        show_default=False,
    ),
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option("--section", "-s", help="Only this page's measurements; may be repeated."),
]
ModeOption = Annotated[
    list[str] | None, typer.Option("--mode", "-m", help="Only this mode; may be repeated.")
]
LaneOption = Annotated[
    list[str] | None,
    typer.Option("--lane", help="threads-1, threads-all (cpu); resident, copy (cuda)."),
]
DeviceOption = Annotated[str, typer.Option("--device", "-d", help="cpu or cuda.")]
ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile", "-p",
        help="; ".join(f"{profile.name}: {profile.summary}" for profile in plan.PROFILES.values()),
    ),
]  # fmt: skip
EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment", "-e",
        help="locked: environments made by uv from the committed locks; current: whatever this "
        "interpreter has installed (a container, a machine without network).",
    ),
]  # fmt: skip
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder with the four full MNIST IDX files (verified) instead of the 5,000 digits.",
    ),
]
ResultsOption = Annotated[
    Path, typer.Option("--results", help="Folder of result files.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
TimeoutOption = Annotated[float, typer.Option(help="Seconds after which a worker is stopped.")]


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=1, default=str))


def _command() -> str:
    """Return what was typed, as the results record it: the program by its name, not its path."""
    return "generator " + shlex.join(sys.argv[1:])


@app.command()
def measure(
    frameworks: Frameworks = None,
    section: SectionOption = None,
    mode: ModeOption = None,
    lane: LaneOption = None,
    device: DeviceOption = "cpu",
    profile: ProfileOption = "quick",
    environment: EnvironmentOption = "locked",
    precision: Annotated[str, typer.Option(help="float32, tf32 or bfloat16 (cuda).")] = "float32",
    data_dir: DataOption = None,
    timeout: TimeoutOption = 600.0,
    seed: Annotated[int | None, typer.Option(help="Of the order of jobs; random.")] = None,
    force: Annotated[bool, typer.Option(help="Measure again what is held already.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with a time estimate and stop.")
    ] = False,
    results: ResultsOption = RESULTS,
    frameworks_folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what is missing on this machine and write it to measurements/results.

    Every configuration is verified before it is timed. A run that was interrupted is continued;
    what was measured under the same conditions is not repeated unless you say --force.

    Examples:
        generator measure --dry-run

        generator measure theano mxnet==1.9.1 --section lenet --profile full

        generator measure --device cuda --environment current

    """
    request = Request(
        frameworks=tuple(frameworks or ()), sections=tuple(section or ()),
        modes=tuple(mode or ()), lanes=tuple(lane or ()), device=device, profile=profile,
        environment=environment, precision=precision, data_dir=data_dir, timeout=timeout,
        seed=seed, force=force, command=_command(), results=results,
        frameworks_folder=frameworks_folder,
    )  # fmt: skip
    catalog = catalogs.load(frameworks=frameworks_folder)
    made = prepare(request, catalog)
    if dry_run:
        _show_plan(made, estimate(made, request), as_json=as_json)
        return
    outcome = _measure(made, request, catalog, quiet=as_json)
    if as_json:
        _print_json(
            {
                "run": outcome.run,
                "files": [str(path) for path in outcome.files],
                "counts": outcome.counts,
                "failures": outcome.failures,
                "findings": outcome.findings,
            }
        )
    else:
        _say_outcome(made, outcome)
        out.print("Next: `generator build` renders the results into the site.")
    raise typer.Exit(1 if outcome.failed else 0)


def _measure(
    made: plan.Plan, request: Request, catalog: model.Catalog, *, quiet: bool = False
) -> runner.Outcome:
    if quiet:
        return runner.run(made, request, catalog)
    with Progressing(err) as reporter:
        return runner.run(made, request, catalog, reporter)


def _say_outcome(made: plan.Plan, outcome: runner.Outcome) -> None:
    if not made.jobs and not made.gaps:
        out.print(f"Nothing is missing: {made.held} cells are held already (--force repeats them).")
        return
    counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.counts.items()))
    out.print(f"Run {outcome.run}: {counts or 'nothing left to run'}.")
    for finding in outcome.findings:
        out.print(f"  [yellow]≠[/yellow] {escape(finding)}", soft_wrap=True)
    for failure in outcome.failures:
        out.print(f"  [yellow]![/yellow] {escape(failure)}", soft_wrap=True)
    for path in outcome.files:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        out.print(f"  wrote {escape(str(shown))}", soft_wrap=True)


def _show_plan(made: plan.Plan, seconds: float, *, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "profile": made.profile.name,
                "device": made.device,
                "seed": made.seed,
                "held": made.held,
                "seconds": round(seconds),
                "jobs": [job.id for job in made.jobs],
                "gaps": [f"{cell.framework} {cell.mode}: {gap.reason}" for cell, gap in made.gaps],
            }
        )
        return
    table = Table("framework", "version", "mode", "lane", "start", "sections", "processes")
    for column in table.columns[:4]:
        column.no_wrap, column.overflow = True, "fold"
    groups: dict[tuple[str, str, str, str, str, str], int] = {}
    for job in sorted(made.jobs, key=lambda job: job.id):
        start = f"{job.start} ({job.case})" if job.case else job.start
        key = job.framework, job.version, job.mode, job.lane, start, ", ".join(job.sections)
        groups[key] = groups.get(key, 0) + 1
    for key, number in groups.items():
        table.add_row(*key, str(number))
    out.print(table)
    for cell, gap in made.gaps:
        out.print(f"unsupported: {cell.framework} {cell.mode} {cell.section}: {escape(gap.reason)}")
    out.print(
        f"{len(made.jobs)} processes, about {minutes_text(seconds)};"
        f" {made.held} cells are already measured"
    )


@app.command()
def report(
    frameworks: Frameworks = None,
    device: DeviceOption = "cpu",
    profile: ProfileOption = "quick",
    environment: EnvironmentOption = "locked",
    data_dir: DataOption = None,
    timeout: TimeoutOption = 600.0,
    results: ResultsOption = RESULTS,
    frameworks_folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure what is missing here, render the pages, build the site. The main job.

    The first time it installs every framework from its lock (a few minutes and 2 GiB); after
    that a quick report takes about five minutes. Ends by naming the page to open.
    """
    from generator.site import mkdocs

    request = Request(
        frameworks=tuple(frameworks or ()), device=device, profile=profile,
        environment=environment, data_dir=data_dir, timeout=timeout, command=_command(),
        results=results, frameworks_folder=frameworks_folder,
    )  # fmt: skip
    catalog = catalogs.load(frameworks=frameworks_folder)
    made = prepare(request, catalog)
    outcome = _measure(made, request, catalog)
    _say_outcome(made, outcome)
    with err.status("rendering the pages and building the site"):
        page = mkdocs.build(results_root=results)
    out.print(f"Open {page}", soft_wrap=True)
    out.print("or `generator serve` for a live preview.")
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def render(results: ResultsOption = RESULTS) -> None:
    """Turn CSVs and templates into docs/report; only changed files are written."""
    from generator.site import render as site

    done = site.render(results_root=results)
    out.print(f"{len(done.written)} files written, {done.unchanged} unchanged.")


@app.command()
def build(results: ResultsOption = RESULTS) -> None:
    """Render, then build the site into site/ with `mkdocs build --strict`."""
    from generator.site import mkdocs

    with err.status("rendering the pages and building the site"):
        page = mkdocs.build(results_root=results)
    out.print(f"Open {page}", soft_wrap=True)


@app.command()
def serve(
    address: Annotated[str, typer.Option(help="Host and port.")] = "127.0.0.1:8000",
) -> None:
    """Preview the site; templates and CSVs are rendered again when they change."""
    from generator.site import mkdocs

    mkdocs.serve(address)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made if missing.")] = Path(
        "dataset"
    ),
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> None:
    """Write all results as one CSV and one Parquet file, described by datapackage.json.

    Every whole row of every run and profile; what is there already and still true is kept.

    Examples:
        generator export

        generator export /tmp/mine --json

    """
    from generator.export import citation, dataset
    from generator.site import mkdocs_config

    cited = citation.load(ROOT / citation.FILE)
    written = dataset.export(results, folder, cited, mkdocs_config.site_address(ROOT))
    said = written.descriptor
    if as_json:
        files = {
            one["path"]: {"bytes": one["bytes"], "hash": one["hash"]} for one in said["resources"]
        }
        _print_json(
            {"folder": str(folder), "rows": said["rows"], "runs": said["runs"],
             "newest": said["version"], "files": files, "written": list(written.files)}
        )  # fmt: skip
        return
    out.print(
        f"{said['rows']:,} rows of {said['runs']} runs in {escape(str(folder))}: "
        f"{len(written.files)} files written, {3 - len(written.files)} unchanged.",
        soft_wrap=True,
    )


@app.command()
def check(
    results: ResultsOption = RESULTS,
    contribution: Annotated[
        Path | None,
        typer.Option(
            "--contribution",
            help="Only judge the results that this folder has beyond --results: valid, complete, "
            "plausible, nothing changed or deleted. Nothing of them is run.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Validate every CSV, JSON, lock, framework.toml and the data; name file, line and fault.

    With --contribution only the files that a folder of results has beyond the committed ones.
    `python3 .github/scripts/contribution.py . HEAD FOLDER origin/main` writes both from git.
    """
    if contribution is None:
        looked, problems = check_results(results_root=results)
    else:
        looked, problems = check_contribution(contribution, results)
    if as_json:
        _print_json(
            [{"file": p.file, "line": p.line, "found": p.found, "expected": p.expected}
             for p in problems]
        )  # fmt: skip
    else:
        for problem in problems:
            out.print(f"[red]✗[/red] {escape(str(problem))}", soft_wrap=True)
        out.print(f"{looked} files checked, {len(problems)} problems.")
    raise typer.Exit(2 if problems else 0)


@app.command("list")
def list_command(
    results: ResultsOption = RESULTS,
    frameworks_folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Show frameworks, versions, modes, sections, and what is measured where."""
    listing: Any = list_everything(results, frameworks_folder)
    if as_json:
        _print_json(listing)
        return
    table = Table("framework", "versions", "modes (class; devices)", title="Frameworks")
    for framework in listing["frameworks"]:
        modes = "\n".join(
            f"{mode['id']} ({mode['kind']}; {', '.join(mode['devices'])})"
            for mode in framework["modes"]
        )
        table.add_row(framework["id"], ", ".join(framework["versions"]), modes)
    out.print(table)
    table = Table("section", "title", "measured", title="Sections")
    for section in listing["sections"]:
        table.add_row(section["id"], section["title"], "yes" if section["measured"] else "facts")
    out.print(table)
    table = Table("run", "machine", "framework", "profile", "device", "processes", title="Results")
    table.columns[0].no_wrap, table.columns[0].overflow = True, "fold"
    for item in listing["measured"]:
        jobs = f"{item['jobs']}" + (f", {item['not_ok']} not ok" if item["not_ok"] else "")
        unfinished = "" if item["finished"] else " (unfinished: the next `measure` goes on)"
        name = f"{item['framework']} {item['version']}"
        table.add_row(
            item["run"] + unfinished, item["machine"], name, item["profile"], item["device"], jobs
        )
    out.print(table)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="E.g. tensorflow:xla, mxnet==1.9.1, machine:ID.")] = "",
    b: Annotated[str, typer.Argument(help="The same for the other side.")] = "",
    metric: Annotated[str, typer.Option(help="Which number.")] = "step_time",
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="Everything that changed: between releases, runs and machines, newest first.",
        ),
    ] = False,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
) -> None:
    """Compare two frameworks, modes, versions or machines: ratio, interval and verdict.

    A ratio of times above 1 means that A takes longer; of two versions, or machines, that B does.
    "no practical difference" and "unresolved" are answers. Versions are taken from the newest run
    that measured both, if there is one.

    Examples:
        generator compare theano tensorflow:function

        generator compare mxnet==1.5.0 mxnet==1.9.1

        generator compare --changes

    """
    from generator.cli import compare as comparing

    if changes == bool(a or b) or bool(a) != bool(b):
        raise UsageError("name two sides, or say --changes; e.g. generator compare theano mxnet")
    if changes:
        told = comparing.changed(results)
        if as_json:
            _print_json(told.plain())
            return
        for text in told.lines():
            out.print(escape(text), soft_wrap=True)
        if not told.events:
            out.print("Nothing can be compared yet: measure again, elsewhere, or another release.")
        return
    found = comparing.compare(results, a, b, metric)
    if as_json:
        _print_json([comparing.plain(item) for item in found.comparisons])
        return
    table = Table(*found.columns)
    for row in found.rows:
        table.add_row(*map(escape, row))
    out.print(table)


UPDATE_WAITS = 4
"""Exit code of ``update --check`` when something is new: none of those that mean a failure."""


@app.command()
def update(
    frameworks: Frameworks = None,
    check_only: Annotated[
        bool,
        typer.Option("--check", help="Only ask and report; exit code 4 when something is new."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be locked and measured, and stop.")
    ] = False,
    snapshot: Annotated[
        bool,
        typer.Option(
            "--snapshot", help="Only refresh measurements/releases.json; lock and measure nothing."
        ),
    ] = False,
    section: SectionOption = None,
    mode: ModeOption = None,
    device: DeviceOption = "cpu",
    profile: ProfileOption = "quick",
    timeout: TimeoutOption = 600.0,
    report_path: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write the change report here as well as below measurements/changes.",
            show_default=False,
        ),
    ] = None,
    results: ResultsOption = RESULTS,
    frameworks_folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the package index for newer releases, lock and measure them, and say what changed.

    A new release is measured in the same blocks as the one before, in the sections lenet, compile
    and memory unless others are named. The index is the one that uv or pip is configured with.
    Killed at any moment, the same command goes on; an index that is down, slow or wrong changes
    nothing.

    Exit codes: those of the other commands; with --check 0 when nothing is new, 4 when something
    is, 1 when the index cannot be used.

    Examples:
        generator update --check

        generator update tensorflow --dry-run

        generator update jax==0.12.1 --report changes.md

    """
    from generator.catalog import package_index
    from generator.update import package_watch
    from generator.update import update as updates
    from generator.update.request import Request, catalog_of

    request = Request(
        frameworks=tuple(frameworks or ()), sections=tuple(section or ()),
        modes=tuple(mode or ()), device=device, profile=profile, timeout=timeout,
        command=_command(), results=results, frameworks_folder=frameworks_folder,
        report=report_path,
    )  # fmt: skip
    catalog = catalogs.load(frameworks=frameworks_folder)
    with package_index.Index() as index:
        news = package_watch.look(request, catalog, index)
    todo = updates.planned(request, catalog, news)
    if snapshot:
        package_watch.take_snapshot(request, catalog, news)
    if check_only or snapshot:
        _show_news(news, as_json=as_json)
        raise typer.Exit(UPDATE_WAITS if todo and check_only else 0)
    if dry_run:
        _show_news(news, as_json=False, quiet=as_json)
        made, measuring = updates.prepare(request, updates.imagined(catalog, news), todo)
        _show_plan(made, estimate(made, measuring), as_json=as_json)
        return

    def say(text: str) -> None:
        err.print(escape(text), soft_wrap=True)

    outcome = updates.run(request, news, say, functools.partial(_measure, quiet=as_json))
    if as_json:
        _print_json(updates.plain(outcome, news))
    else:
        _show_news(news, as_json=False)
        _say_update(outcome, catalog_of(request))
    raise typer.Exit(1 if outcome.failed else 0)


def _show_news(news: Sequence[News], *, as_json: bool, quiet: bool = False) -> None:
    if quiet:
        return
    if as_json:
        _print_json([item.plain() for item in news])
        return
    table = Table("framework", "listed", "newest on the index", "freshness")
    for item in news:
        said = item.plain()
        table.add_row(
            said["framework"], said["listed"], said["newest"] or "–", escape(said["freshness"])
        )
    out.print(table)


def _say_update(outcome: UpdateOutcome, catalog: model.Catalog) -> None:
    from generator.analysis import changes

    for note in (*outcome.notes, *outcome.faults):
        out.print(f"  [yellow]![/yellow] {escape(note)}", soft_wrap=True)
    if outcome.plan is not None and outcome.run is not None:
        _say_outcome(outcome.plan, outcome.run)
    elif not outcome.faults:
        out.print("Nothing new to measure.")
    for change in outcome.changes:
        out.print(f"  {escape(changes.line(change, catalog))}", soft_wrap=True)
    if outcome.changes:
        out.print(escape(changes.summary(outcome.changes)))
    for path in outcome.reports:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        out.print(f"  wrote {escape(str(shown))}", soft_wrap=True)
    if outcome.reports:
        out.print("Next: `generator build` renders the results into the site.")


@app.command()
def lock(
    frameworks: Frameworks = None,
    device: Annotated[str, typer.Option("--device", "-d", help="cpu, cuda, or all.")] = "all",
) -> None:
    """Resolve the requirements of framework.toml into the committed, hash-pinned locks.

    For a maintainer who adds a framework or a version; measuring never changes a lock.
    """
    catalog = catalogs.load()
    for framework, version in plan.selection(catalog, tuple(frameworks or ())):
        devices = list(version.requirements) if device == "all" else [device]
        for name in devices:
            with err.status(f"resolving {framework.id} {version.version} for {name}"):
                path = environments.write_lock(version, name)
            out.print(f"wrote {path.relative_to(ROOT)}")


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what this machine can and cannot measure, and how to mend it."""
    findings = doctoring.doctor()
    if as_json:
        _print_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
            out.print(f"{mark} {escape(finding.what)}: {escape(finding.found)}", soft_wrap=True)
            if not finding.ok:
                out.print(f"    to mend it: {escape(finding.mend)}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


TYPERS_INTERRUPTED = 130
"""What Typer makes of Ctrl-C, the shells' 128 + SIGINT."""


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except typer.Exit as done:
        code = done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = TYPERS_INTERRUPTED
    except GeneratorError as error:
        err.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        code = error.exit_code
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        err.print(
            f"[red]error:[/red] {escape(str(error.strerror or error))}{escape(where)}; finished "
            "results are kept, run the same command again once this is mended",
            soft_wrap=True,
        )
        code = 1
    except Exception as error:
        usage = getattr(error, "show", None)  # Click's errors draw themselves
        if usage is None:
            raise
        usage()
        code = 2
    if code == TYPERS_INTERRUPTED:
        err.print("interrupted; results are kept, the same command goes on from here")
        code = Interrupted.exit_code
    sys.exit(code or 0)
