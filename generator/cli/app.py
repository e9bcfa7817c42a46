"""The command line: parse, call, print, exit. Nothing else exits."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import shutil
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from generator.catalog import loader as catalogs
from generator.catalog import model
from generator.catalog.loader import ROOT
from generator.cli import check as checking
from generator.cli import doctor as doctoring
from generator.cli import farm, listing, options, output
from generator.cli.common import accept_signals, ending, leave
from generator.cli.output import err
from generator.cli.progress import Growing, reporter
from generator.errors import UsageError
from generator.formatting import plural
from generator.measure import environments, ownership, plan, runner
from generator.measure.request import Request, deadline, estimate, prepare, unlogged

app = typer.Typer(
    name="generator",
    cls=options.WholeList,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables cut names where the terminal is narrow
    context_settings={"terminal_width": min(shutil.get_terminal_size().columns, 100)},
    help="""Measure symbolic deep learning frameworks on this machine and render the comparison.

    `generator report` does everything: it measures what is missing here, renders the
    pages and builds the site. Results are kept whatever happens, and the next command goes on
    from there.

    Exit codes: 0 done; 1 something measured failed (results kept); 2 wrong use or bad input;
    3 interrupted (results kept); 5 another generator measures on this machine.
    """,
)


def _run(
    made: plan.Plan,
    request: Request,
    catalog: model.Catalog,
    shown: runner.Reporter,
    until: float = math.inf,
) -> runner.Outcome:
    """Run a plan, ``until`` a time of this process."""
    for line in output.skipped(made.skipped):
        _say(line)
    with shown:
        return runner.run(made, request, catalog, shown, until)


_say = functools.partial(output.say, to=err)


def _measure(
    request: Request, catalog: model.Catalog, shown: runner.Reporter
) -> tuple[plan.Plan, runner.Outcome]:
    """Measure what is missing, as the only one on this machine."""
    until = deadline(request, time.monotonic())
    with ownership.alone(request, _say):
        made = prepare(request, catalog)
        if unknown := unlogged(request):
            _say(unknown)
        return made, _run(made, request, catalog, shown, until)


@app.command()
def measure(
    frameworks: options.Frameworks = None,
    sections: options.Sections = None,
    modes: options.Modes = None,
    lanes: options.Lanes = None,
    device: options.Device = "cpu",
    profile: options.Profile = "quick",
    variants: options.Variants = False,
    environment: options.Environment = "locked",
    data_dir: options.DataDir = None,
    timeout: options.Timeout = 600.0,
    minutes: options.Minutes = 0,
    seed: Annotated[
        int | None, typer.Option(help="Decides the order of jobs; random by default.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Measure again what is already measured.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with a time estimate and stop.")
    ] = False,
    wait: options.Wait = False,
    scheduler: options.Scheduler = None,
    results: options.Results = Request.results,
    frameworks_folder: options.FrameworksFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure what is missing on this machine and write it to measurements/results.

    Every configuration is verified before it is timed. A run that was interrupted is continued;
    what was measured under the same conditions is not repeated unless you say --force.

    For example:

        generator measure --dry-run

        generator measure FRAMEWORK OTHER==VERSION --section lenet --profile full

        generator measure --device cuda --environment current

    """
    request = options.request(locals())
    catalog = catalogs.load(frameworks=frameworks_folder)
    if scheduler:
        if dry_run or minutes:
            raise UsageError("--dry-run and --minutes are for one machine, not for --scheduler")
        raise typer.Exit(farm.measure(scheduler, request, catalog, as_json=as_json))
    if dry_run:
        made = prepare(request, catalog)
        output.show_plan(made, estimate(made, request), minutes, as_json=as_json)
        return
    made, outcome = _measure(request, catalog, reporter(as_json))
    if as_json:
        output.show_json(vars(outcome))
    else:
        output.show_outcome(made, outcome)
        output.say("Next: `generator build` renders the results into the site.")
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def report(
    frameworks: options.Frameworks = None,
    device: options.Device = "cpu",
    profile: options.Profile = "quick",
    environment: options.Environment = "locked",
    data_dir: options.DataDir = None,
    timeout: options.Timeout = 600.0,
    minutes: options.Minutes = 10,
    only_plan: Annotated[
        bool,
        typer.Option("--plan", help="Print what would and would not be measured, and stop."),
    ] = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Show the page in a browser, which follows as it grows."),
    ] = False,
    wait: options.Wait = False,
    results: options.Results = Request.results,
    frameworks_folder: options.FrameworksFolder = None,
) -> None:
    """Measure what is missing here, render the pages, build the site. The main job.

    What answers most is measured first. The page is there once every framework has been measured,
    and grows as blocks end. The next call goes on where the time of this one ended.

    The first time it installs every framework from its lock.

    For example:

        generator report

        generator report FRAMEWORK --minutes 0

    """
    from generator.site import live, mkdocs

    request = dataclasses.replace(options.request(locals()), early=True)
    catalog = catalogs.load(frameworks=frameworks_folder)
    if only_plan:
        made = prepare(request, catalog)
        output.show_plan(made, estimate(made, request), minutes, as_json=False)
        return
    building = functools.partial(mkdocs.build, results_root=results)
    with live.served(building) if serve else contextlib.nullcontext(building) as build:
        growing = Growing(err, functools.partial(build, preview=True))
        made, outcome = _measure(request, catalog, growing)
        output.show_outcome(made, outcome)
        with err.status("rendering the pages and building the site"):
            page = build()
        output.say(f"Open {page}")
        if serve:
            output.say("Ctrl-C ends it.")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        else:
            output.say("or `generator serve` for a live preview.")
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def render(results: options.ResultsThere = Request.results) -> None:
    """Turn CSVs and templates into docs/report; only changed files are written."""
    from generator.site import render as site

    done = site.render(results_root=results)
    output.say(f"{plural(len(done.written), 'file')} written, {done.unchanged} unchanged.")


@app.command()
def build(results: options.ResultsThere = Request.results) -> None:
    """Render, then build the site into site/ with `mkdocs build --strict`."""
    from generator.site import mkdocs

    with err.status("rendering the pages and building the site"):
        page = mkdocs.build(results_root=results)
    output.say(f"Open {page}")


@app.command()
def serve(
    address: Annotated[str, typer.Option(help="Host and port.")] = "127.0.0.1:8000",
) -> None:
    """Preview the site; templates and CSVs are rendered again when they change."""
    from generator.site import mkdocs

    mkdocs.serve(address)


@app.command()
def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to write to; made if missing.")
    ] = Path("dataset"),
    results: options.ResultsThere = Request.results,
    as_json: options.AsJson = False,
) -> None:
    """Write all results as one CSV and one Parquet file, described by datapackage.json.

    Every whole row of every run and profile; files that are there already and up to date are kept.

    For example:

        generator export

        generator export /tmp/mine --json

    """
    from generator.export import citation, dataset
    from generator.results import reading
    from generator.site import mkdocs_config

    cited, address = citation.load(ROOT / citation.FILE), mkdocs_config.site_address(ROOT)
    written = dataset.write(reading.load(results), folder, cited, address)
    output.show_export(folder, written, as_json=as_json)


@app.command()
def check(
    results: options.ResultsThere = Request.results,
    contribution: Annotated[
        Path | None,
        typer.Option(
            help="Only judge the results that this folder has beyond --results: valid, complete, "
            "plausible, nothing changed or deleted. Nothing of them is run.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Validate every CSV, JSON, lock, framework.toml and the data; name file, line and fault.

    With --contribution it judges only the files that a folder of results has beyond the committed
    ones. `python3 .github/scripts/contribution.py . HEAD FOLDER origin/main` writes both folders.
    """
    if contribution is None:
        looked, problems = checking.check(results_root=results)
        for text in checking.unknown_frameworks(results):
            _say(f"look at {text}")
    else:
        judged = checking.check_contribution(contribution, results)
        looked, problems = judged.looked, judged.problems
        for text in judged.suspicions:
            _say(f"look at {text}")
    if as_json:
        output.show_json([vars(problem) for problem in problems])
    else:
        output.show_problems(looked, problems)
    raise typer.Exit(2 if problems else 0)


@app.command("list")
def list_command(
    frameworks: options.Listed = None,
    machines: options.Machines = False,
    scheduler: options.Scheduler = None,
    results: options.ResultsThere = Request.results,
    frameworks_folder: options.FrameworksFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Show frameworks, how fresh they are, sections, and what is measured; of one, everything."""
    catalog = catalogs.load(frameworks=frameworks_folder)
    if machines or scheduler:
        farm.show_machines(scheduler, options.request(locals()), catalog, as_json=as_json)
        return
    found = listing.listing(results, catalog, frameworks or ())
    if as_json:
        output.show_json(found)
    else:
        output.show_listing(found, catalog, whole=bool(frameworks))


@app.command()
def compare(
    a: options.SideA = "",
    b: options.SideB = "",
    metric: options.Metric = "",
    changes: options.Changes = False,
    results: options.ResultsThere = Request.results,
    as_json: options.AsJson = False,
) -> None:
    """Compare two frameworks, modes, versions or machines: values, ratio, interval, verdict.

    One line for each question that both sides have figures for: training speed,
    memory, start-up time, highest-level API. A side without a mode is compared in
    its default mode. --metric compares one metric instead, and every mode of a
    side without a mode.

    The ratio is A / B; of two versions, or machines, it is B / A. The verdict
    is on what stands first. "not resolved" and "one process" decide nothing.
    Versions are taken from the newest run that measured both, if there is one.
    Each pair stands alone; its interval is within one run, or across runs.

    For example:

        generator compare FRAMEWORK OTHER

        generator compare FRAMEWORK:MODE FRAMEWORK:OTHER --metric import_time

        generator compare FRAMEWORK==OLD FRAMEWORK==NEW

        generator compare --changes

    """
    from generator.cli import compare as comparing

    if changes == bool(a or b) or bool(a) != bool(b):
        raise UsageError("name two sides, or say --changes; `generator compare --help` shows how")
    if changes:
        data, lines = comparing.changed(results)
        if as_json:
            output.show_json(data)
        else:
            output.say("\n".join(lines))
        return
    found = comparing.compare(results, a, b, metric)
    if as_json:
        output.show_json([comparing.plain(item) for item in found.comparisons])
    else:
        output.show_comparison(found)


UPDATE_WAITS = 4
"""Exit code of ``update --check`` when something is new: none of those that mean a failure."""


@app.command()
def update(
    frameworks: options.Frameworks = None,
    check_only: Annotated[
        bool,
        typer.Option("--check", help="Only say what is new; exit code 4 when something is."),
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
    sections: options.Sections = None,
    modes: options.Modes = None,
    device: options.Device = "cpu",
    profile: options.Profile = "quick",
    timeout: options.Timeout = 600.0,
    report: Annotated[
        Path | None,
        typer.Option(help="Write the change report here as well as below measurements/changes."),
    ] = None,
    wait: options.Wait = False,
    results: options.Results = Request.results,
    frameworks_folder: options.FrameworksFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Query the package index for newer releases, lock and measure them, and say what changed.

    A new release is measured in the same blocks as the one before, in the sections lenet, compile
    and memory unless others are named. The index is the one that uv or pip is configured with.
    If it is stopped at any moment, the same command goes on from there. An index that is down, slow
    or wrong changes nothing.

    Exit codes: those of the other commands; with --check 0 when nothing is new, 4 when something
    is, 1 when the index cannot be used.

    For example:

        generator update --check

        generator update FRAMEWORK --dry-run

        generator update FRAMEWORK==VERSION --report changes.md

    """
    from generator.update import index_client, package_watch
    from generator.update import update as updates

    request = options.request(locals())
    catalog = catalogs.load(frameworks=frameworks_folder)
    index_client.adopt_pip()
    with index_client.Index() as index:
        news = package_watch.look(request.frameworks, catalog, index)
    expected = updates.imagined(catalog, news)
    todo = updates.pending(request, expected)
    if snapshot:
        package_watch.take_snapshot(catalog, news)
    if check_only or snapshot:
        output.show_news(news, as_json=as_json)
        raise typer.Exit(UPDATE_WAITS if todo and check_only else 0)
    if dry_run:
        if not as_json:
            output.show_news(news)
        made, both = updates.prepare(request, expected, todo)
        output.show_plan(made, estimate(made, both), as_json=as_json)
        return
    measuring = functools.partial(_run, shown=reporter(as_json))
    outcome = updates.run(request, news, _say, measuring, report)
    if as_json:
        output.show_json(outcome.plain(news))
    else:
        output.show_news(news)
        output.show_update(outcome, catalogs.load(frameworks=frameworks_folder))
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def lock(
    frameworks: options.Frameworks = None,
    device: Annotated[str, typer.Option("--device", "-d", help="cpu, cuda, or all.")] = "all",
) -> None:
    """Resolve the requirements of framework.toml into the committed, hash-pinned locks.

    For a maintainer who adds a framework or a version; measuring never changes a lock.
    """
    for framework, version in plan.selection(catalogs.load(), tuple(frameworks or ())):
        for name in list(version.requirements) if device == "all" else [device]:
            with err.status(f"resolving {framework.id} {version.version} for {name}"):
                path = environments.write_lock(version, name)
            output.say(f"wrote {path.relative_to(ROOT)}")


@app.command()
def doctor(as_json: options.AsJson = False) -> None:
    """Say what this machine has and lacks, what needs it, and how to get it."""
    findings = doctoring.doctor()
    if as_json:
        output.show_json([vars(finding) for finding in findings])
    else:
        output.show_findings(findings)
    raise typer.Exit(0 if all(finding.ok or finding.optional for finding in findings) else 1)


TYPERS_INTERRUPTED = 130
"""What Typer makes of Ctrl-C, the shells' 128 + SIGINT."""


def main() -> None:
    """Run the command line and exit with its code."""
    accept_signals()
    output.accept_any_encoding()
    text = ""
    try:
        code = app(prog_name="generator", standalone_mode=False)
    except typer.Exit as done:
        code = done.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = TYPERS_INTERRUPTED
    except Exception as error:
        if show := getattr(error, "show", None):  # Click's errors draw themselves
            show()
            code = UsageError.exit_code
        else:
            code, text = ending(error)
    if code == TYPERS_INTERRUPTED:
        code, text = ending(KeyboardInterrupt())
    if text:
        said = text.removeprefix("error: ")
        with contextlib.suppress(OSError):  # nobody listens any more
            output.say(said, "" if said == text else "[red]error:[/red] ", to=err)
    leave(code or 0)
