"""What the commands print: tables and sentences for people, JSON for scripts."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from generator import formatting
from generator.catalog import freshness
from generator.catalog.loader import ROOT
from generator.cli.doctor import Finding
from generator.errors import InputError
from generator.measure import estimates, obstacles, plan, runner
from generator.results.schema import AGAIN, is_again

if TYPE_CHECKING:
    from generator.catalog.model import Catalog
    from generator.cli.compare import Found
    from generator.export.dataset import Written
    from generator.update.package_watch import News
    from generator.update.update import Outcome as UpdateOutcome

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

GOOD, BAD = "[green]✓[/green] ", "[red]✗[/red] "
DIFFERENT, WARNING = "[yellow]≠[/yellow] ", "[yellow]![/yellow] "


_ASCII = {"✓": "+", "✗": "x", "≠": "!", "±": "+-", "→": "->", "–": "-", "×": "x"}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in characters), error.end


codecs.register_error("generator-ascii", _in_ascii)


def accept_any_encoding() -> None:
    """Let what a terminal's or file's encoding lacks be written as ASCII, not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="generator-ascii")


def show_json(data: Any) -> None:
    """Print data for a script."""
    print(json.dumps(data, indent=1, default=str))


_WIDE = 10_000
"""Columns of what is no terminal: a line is as long as it is, for other programs to read."""


def _width(console: Console) -> int:
    columns = os.environ.get("COLUMNS", "")  # Rich reads it once, when its console is made
    if columns.isdigit():
        return int(columns)
    return console.width if console.is_terminal else _WIDE


def say(
    text: str,
    mark: str = "",
    indent: str = "",
    style: str = "",
    hang: int = 2,
    to: Console | None = None,
) -> None:
    """Print lines of text, each of which is wrapped between words.

    Args:
        text: without markup.
        mark: in Rich's markup, before the first line.
        indent: before every line.
        style: one of Rich's.
        hang: columns by which what is wrapped is indented more.
        to: where to print; None: the standard output.

    """
    to = to or out
    before = Text.from_markup(mark)
    for whole in _shown(text, to).split("\n"):
        lines = textwrap.wrap(
            whole, max(_width(to) - len(indent) - before.cell_len, hang + 20),
            subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for line in lines:
            to.print(Text.assemble(indent, before, line), style=style, soft_wrap=True)
            before = Text(" " * before.cell_len)
        before = Text()


def _shown(text: str, console: Console) -> str:
    """Return a text as a console shows it: what it lacks in ASCII, nothing that steers it."""
    encoded = formatting.INVISIBLE.sub(" ", text).encode(console.encoding, "generator-ascii")
    return encoded.decode(console.encoding)


_NARROW = 24
"""Columns in which the last cell of a row may be wrapped; with less a row gets a second line."""


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one line a row where all columns find room, else two: the first cell, the others.

    A row of one text only is a heading of the rows below it.
    """
    shown = [[_shown(cell, out) for cell in row] for row in (columns, *rows)]
    full = [row for row in shown if len(row) > 1]
    *widths, last = (max(map(len, column)) for column in zip(*full, strict=True))
    start = sum(widths) + 2 * len(widths)
    wide = start + min(last, _NARROW) <= _width(out)
    for number, row in enumerate(shown):
        style = "bold" if number == 0 or len(row) == 1 else ""
        if len(row) == 1 or not wide:
            say(row[0], style=style)
            say("; ".join(filter(None, row[1:])), indent="  ", style=style)
        else:
            cells = (cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True))
            say("  ".join(cells), style=style, hang=start)


def skipped(lacking: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield lines that say what this machine lacks, and which frameworks are skipped for it."""
    for obstacle, frameworks in lacking.items():
        yield f"skipped: {formatting.listing(frameworks)}: {obstacles.shown(obstacle)}"


def show_plan(
    made: plan.Plan, seconds: Mapping[plan.Job, float], minutes: float = 0, *, as_json: bool
) -> None:
    """Show what would be measured.

    Args:
        made: the jobs.
        seconds: how long each takes by estimate.
        minutes: there are for measuring; 0: no limit.
        as_json: for a script.

    """
    fit = estimates.fitting(made.jobs, seconds, 60 * minutes) if minutes else len(made.jobs)
    now, later = made.jobs[:fit], made.jobs[fit:]
    if as_json:
        show_json(
            {
                "profile": made.profile.name,
                "device": made.device,
                "seed": made.seed,
                "held": made.measured,
                "seconds": round(sum(seconds[job] for job in now)),
                "jobs": [job.id for job in now],
                "later": [job.id for job in later],
                "obstacles": [obstacles.shown(text) for text in made.skipped],
                "gaps": [f"{cell.framework} {cell.mode}: {gap.reason}" for cell, gap in made.gaps],
            }
        )
        return
    processes: dict[str, Counter[str]] = {}
    for job in sorted(now, key=lambda job: job.id):
        case = job.case.replace(AGAIN, "A/A replicate") if is_again(job.case) else job.case
        notes = f" ({case})" if case else ""
        notes += ", empty caches" if job.start == "cold" else ""
        configuration = f"{job.framework} {job.version} {job.mode} {job.lane}"
        counted = processes.setdefault(configuration, Counter())
        counted[", ".join(job.sections) + notes] += 1
    show_table(
        ("configuration", "processes and what they measure"),
        [
            (configuration, "; ".join(f"{number} x {what}" for what, number in counted.items()))
            for configuration, counted in processes.items()
        ],
    )
    sections: dict[tuple[str, ...], dict[str, None]] = {}
    for cell, gap in made.gaps:
        about = gap.status, f"{cell.framework} {cell.mode}", gap.reason
        sections.setdefault(about, {})[cell.section] = None
    for (status, mode, reason), found in sections.items():
        say(f"{status}: {mode} ({', '.join(found)}): {reason}")
    for line in skipped(made.skipped):
        say(line, WARNING, "  ")
    say(f"{amount(now, seconds)}; {made.measured} cells are already measured")
    if later:
        say(left_for_later(later, seconds))


def amount(jobs: Sequence[plan.Job], seconds: Mapping[plan.Job, float]) -> str:
    """Return how many processes there are, and how long they take by estimate."""
    taken = formatting.minutes(sum(seconds[job] for job in jobs))
    return f"{len(jobs)} process{'' if len(jobs) == 1 else 'es'}, about {taken}"


def left_for_later(jobs: Sequence[plan.Job], seconds: Mapping[plan.Job, float]) -> str:
    """Return the sentence on processes for which there is no time."""
    sections = dict.fromkeys(id for job in jobs for id in job.sections)
    return (
        f"not in this time: {amount(jobs, seconds)} ({', '.join(sections)}); the next call goes "
        "on with them, --minutes 0 measures everything"
    )


def show_outcome(made: plan.Plan, outcome: runner.Outcome) -> None:
    """Say how a run ended: counts, findings, failures, files."""
    if not made.jobs and not made.gaps and not made.obstacles:
        what = "else is missing" if made.waiting else "is missing"
        text = f"Nothing {what}: {made.measured} cells are already measured"
        say(f"{text} (--force repeats them).")
        return
    counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.counts.items()))
    left = f"; {outcome.left} left for the next call" if outcome.left else ""
    say(f"Run {outcome.run}: {counts or 'nothing left to run'}{left}.")
    for finding in outcome.findings:
        say(finding, DIFFERENT, "  ")
    for failure in outcome.failures:
        say(failure, WARNING, "  ")
    met = {text: names for text, names in outcome.obstacles.items() if text not in made.skipped}
    for line in skipped(met):
        say(line, WARNING, "  ")
    show_files(outcome.files)


def show_files(paths: Iterable[Path]) -> None:
    """Name the files that were written."""
    for path in paths:
        say(f"  wrote {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")


def show_news(news: Sequence[News], *, as_json: bool = False) -> None:
    """Show what the package index has of each framework."""
    found = [item.plain() for item in news]
    if as_json:
        show_json(found)
        return
    show_table(
        ("framework", "listed", "newest on the index", "freshness"),
        [(f["framework"], f["listed"], f["newest"] or "–", f["freshness"]) for f in found],
    )


def show_update(outcome: UpdateOutcome, catalog: Catalog) -> None:
    """Say what an update locked, measured and found changed."""
    from generator.analysis import changes

    for note in (*outcome.notes, *outcome.faults):
        say(note, WARNING, "  ")
    if outcome.plan is not None and outcome.run is not None:
        show_outcome(outcome.plan, outcome.run)
    elif not outcome.faults:
        say("Nothing new to measure.")
    for change in outcome.changes:
        say(f"  {changes.line(change, catalog)}")
    if outcome.changes:
        say(changes.summary(outcome.changes))
    show_files(outcome.reports)
    if outcome.reports:
        say("Next: `generator build` renders the results into the site.")


def show_export(folder: Path, written: Written, *, as_json: bool) -> None:
    """Say what the exported data set holds, and which of its files are new."""
    data = written.descriptor
    if as_json:
        files = {
            one["path"]: {"bytes": one["bytes"], "hash": one["hash"]} for one in data["resources"]
        }
        show_json(
            {"folder": str(folder), "rows": data["rows"], "runs": data["runs"],
             "newest": data["version"], "files": files, "written": list(written.files)}
        )  # fmt: skip
        return
    say(
        f"{formatting.plural(data['rows'], 'row')} of {formatting.plural(data['runs'], 'run')} in"
        f" {folder}: {formatting.plural(len(written.files), 'file')} written,"
        f" {3 - len(written.files)} unchanged."
    )


def show_comparison(found: Found) -> None:
    """Say what is the same for all rows once, above them."""
    for name, text in found.same.items():
        say(f"{name}: {text}")
    out.print()
    show_table(found.columns, found.rows)


def show_problems(looked: int, problems: Sequence[InputError]) -> None:
    """Name every file that is not as agreed."""
    for problem in problems:
        say(str(problem), BAD)
    files, faults = formatting.plural(looked, "file"), formatting.plural(len(problems), "problem")
    say(f"{files} checked, {faults}.")


def show_listing(listing: Mapping[str, Any], catalog: Catalog, *, whole: bool) -> None:
    """Show what :func:`generator.cli.listing.listing` found on one screen, or the whole of it.

    The whole are the releases, modes and runs of each framework.
    """
    if whole:
        _show_frameworks(listing)
        return
    runs = listing["measured"]
    rows = []
    for framework in catalog.frameworks:
        fresh = freshness.of(framework, framework.newest.version)
        measured: dict[str, set[str]] = {}
        for item in runs:
            if item["framework"] == framework.id:
                measured.setdefault(item["device"], set()).update(item["sections"])
        places = [f"{len(found)} on {device}" for device, found in sorted(measured.items())]
        age = f"retired in {fresh.retired}" if fresh.retired and not fresh.behind else fresh.label
        rows.append(
            (framework.id, framework.newest.version, age, f"{len(framework.versions)}",
             ", ".join(places) or "nothing")
        )  # fmt: skip
    show_table(("framework", "newest", "freshness", "releases", "sections measured"), rows)
    out.print()
    for kind, is_measured in (("sections", True), ("of facts only", False)):
        ids = [s["id"] for s in listing["sections"] if s["measured"] is is_measured]
        say(f"{kind}: {', '.join(ids)}")
    machines = ", ".join(sorted({item["machine"] for item in runs})) or "none"
    unfinished = sum(not item["finished"] for item in runs)
    counted = formatting.plural(len(runs), "file") if runs else "none"
    waiting = f", {unfinished} unfinished: the next `measure` goes on" if unfinished else ""
    say(f"results: {counted}{waiting}; machines: {machines}")
    say("Modes, releases and runs of one: generator list FRAMEWORK")


def _show_frameworks(listing: Mapping[str, Any]) -> None:
    """Show the releases, modes and runs of each framework of a listing."""
    for framework in listing["frameworks"]:
        say(f"{framework['name']} ({framework['id']})", style="bold")
        say(f"releases: {', '.join(framework['versions'])}")
        out.print()
        modes = framework["modes"]
        show_table(
            ("mode", "class", "devices", "title"),
            [(m["id"], m["kind"], ", ".join(m["devices"]), m["title"]) for m in modes],
        )
        out.print()
        if variants := framework["variants"]:
            show_table(
                ("mode", "switch", "used", "what it is"),
                [(v["mode"], v["id"], "yes" if v["used"] else "no", v["title"]) for v in variants],
            )
            out.print()
        runs = [item for item in listing["measured"] if item["framework"] == framework["id"]]
        if not runs:
            say(f"Nothing is measured; run: generator measure {framework['id']}")
            continue
        by_machine: dict[str, list[tuple[str, ...]]] = {}
        for item in sorted(runs, key=lambda item: item["run"], reverse=True):
            failed = f", {item['not_ok']} not ok" if item["not_ok"] else ""
            unfinished = "" if item["finished"] else ", unfinished"
            by_machine.setdefault(item["machine"], []).append(
                (item["run"], item["version"], item["profile"], item["device"],
                 f"{item['jobs']}{failed}{unfinished}")
            )  # fmt: skip
        rows = [row for name, some in by_machine.items() for row in ((f"{name}:",), *some)]
        show_table(("run", "release", "profile", "device", "processes"), rows)


def show_machines(machines: Sequence[Mapping[str, Any]]) -> None:
    """Show who is there, what each lacks, and what it has measured."""
    rows = []
    for machine in machines:
        lacks = "; ".join(f"{formatting.listing(names)}: {obstacles.shown(text)}"
                          for text, names in machine["lacks"].items())  # fmt: skip
        runs, jobs = (formatting.plural(machine[n], n[:-1]) for n in ("runs", "jobs"))
        rows.append(
            (machine["machine"], str(machine["workers"] or "–"),
             f"{runs}, {jobs}" if machine["runs"] else "nothing", lacks or "–")
        )  # fmt: skip
    show_table(("machine", "workers", "measured", "lacks"), rows)


def show_findings(findings: Iterable[Finding]) -> None:
    """Tick what a machine has; of what it lacks, say what needs it and how to get it."""
    for finding in findings:
        lacks = "  " if finding.optional else BAD
        say(f"{finding.what}: {finding.found}", GOOD if finding.ok else lacks)
        if not finding.ok:
            say(f"needed for {finding.needed}; to get it: {finding.mend}", indent="    ")
