"""What the commands print: tables and sentences for people, JSON for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from generator.catalog.loader import ROOT
from generator.cli.doctor import Finding
from generator.cli.progress import minutes_text
from generator.errors import InputError
from generator.measure import plan, runner
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
DIFFERENT, WARNING = "  [yellow]≠[/yellow] ", "  [yellow]![/yellow] "


def show_json(data: Any) -> None:
    """Print data for a script."""
    print(json.dumps(data, indent=1, default=str))


def say(text: str, mark: str = "") -> None:
    """Print a sentence as it is, behind a mark of Rich's markup; terminals wrap it."""
    out.print(f"{mark}{escape(text)}", soft_wrap=True)


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", *, whole: bool = False
) -> None:
    """Print a table.

    Args:
        columns: their headings.
        rows: one text for each column.
        title: above the table.
        whole: whether the first column gets all the room that it needs.

    """
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title)
    table.columns[0].no_wrap = whole
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def show_plan(made: plan.Plan, seconds: float, *, as_json: bool) -> None:
    """Show what would be measured, and how long that takes by estimate."""
    if as_json:
        show_json(
            {
                "profile": made.profile.name,
                "device": made.device,
                "seed": made.seed,
                "held": made.measured,
                "seconds": round(seconds),
                "jobs": [job.id for job in made.jobs],
                "gaps": [f"{cell.framework} {cell.mode}: {gap.reason}" for cell, gap in made.gaps],
            }
        )
        return
    processes: dict[str, Counter[str]] = {}
    for job in sorted(made.jobs, key=lambda job: job.id):
        case = job.case.replace(AGAIN, "A/A replicate") if is_again(job.case) else job.case
        notes = f" ({case})" if case else ""
        notes += ", empty caches" if job.start == "cold" else ""
        configuration = f"{job.framework} {job.version} {job.mode} {job.lane}"
        counted = processes.setdefault(configuration, Counter())
        counted[", ".join(job.sections) + notes] += 1
    show_table(
        ("configuration", "processes and what they measure"),
        (
            (configuration, "\n".join(f"{number} x {what}" for what, number in counted.items()))
            for configuration, counted in processes.items()
        ),
        whole=True,
    )
    for cell, gap in made.gaps:
        out.print(f"unsupported: {cell.framework} {cell.mode} {cell.section}: {escape(gap.reason)}")
    out.print(
        f"{len(made.jobs)} processes, about {minutes_text(seconds)};"
        f" {made.measured} cells are already measured"
    )


def show_outcome(made: plan.Plan, outcome: runner.Outcome) -> None:
    """Say how a run ended: counts, findings, failures, files."""
    if not made.jobs and not made.gaps:
        text = f"Nothing is missing: {made.measured} cells are already measured"
        out.print(f"{text} (--force repeats them).")
        return
    counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.counts.items()))
    out.print(f"Run {outcome.run}: {counts or 'nothing left to run'}.")
    for finding in outcome.findings:
        say(finding, DIFFERENT)
    for failure in outcome.failures:
        say(failure, WARNING)
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
        say(note, WARNING)
    if outcome.plan is not None and outcome.run is not None:
        show_outcome(outcome.plan, outcome.run)
    elif not outcome.faults:
        out.print("Nothing new to measure.")
    for change in outcome.changes:
        say(f"  {changes.line(change, catalog)}")
    if outcome.changes:
        say(changes.summary(outcome.changes))
    show_files(outcome.reports)
    if outcome.reports:
        out.print("Next: `generator build` renders the results into the site.")


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
        f"{data['rows']:,} rows of {data['runs']} runs in {folder}: "
        f"{len(written.files)} files written, {3 - len(written.files)} unchanged."
    )


def show_comparison(found: Found) -> None:
    """Print facts that are the same in all rows above the table, and only the others in it."""
    same = [n for n in range(found.facts) if len({row[n] for row in found.rows}) == 1]
    for n in same:
        if found.rows[0][n]:
            say(f"{found.columns[n]}: {found.rows[0][n]}")
    rest = [n for n in range(len(found.columns)) if n not in same]
    show_table([found.columns[n] for n in rest], [[row[n] for n in rest] for row in found.rows])


def show_problems(looked: int, problems: Sequence[InputError]) -> None:
    """Name every file that is not as agreed."""
    for problem in problems:
        say(str(problem), BAD)
    out.print(f"{looked} files checked, {len(problems)} problems.")


def show_listing(listing: Mapping[str, Any]) -> None:
    """Show frameworks, sections and what is measured, as :func:`generator.cli.listing.listing`."""

    def modes(framework: Mapping[str, Any]) -> str:
        lines = (f"{m['id']} ({m['kind']}; {', '.join(m['devices'])})" for m in framework["modes"])
        return "\n".join(lines)

    def measured(item: Mapping[str, Any]) -> tuple[str, ...]:
        unfinished = "" if item["finished"] else " (unfinished: the next `measure` goes on)"
        jobs = f"{item['jobs']}" + (f", {item['not_ok']} not ok" if item["not_ok"] else "")
        name = f"{item['framework']} {item['version']}"
        run = item["run"] + unfinished
        return run, item["machine"], name, item["profile"], item["device"], jobs

    show_table(
        ("framework", "versions", "modes (class; devices)"),
        [(f["id"], ", ".join(f["versions"]), modes(f)) for f in listing["frameworks"]],
        "Frameworks",
    )
    show_table(
        ("section", "title", "measured"),
        [(s["id"], s["title"], "yes" if s["measured"] else "facts") for s in listing["sections"]],
        "Sections",
    )
    columns = ("run", "machine", "framework", "profile", "device", "processes")
    show_table(columns, map(measured, listing["measured"]), "Results", whole=True)


def show_findings(findings: Iterable[Finding]) -> None:
    """Show what a machine has and lacks, with the way to mend it."""
    for finding in findings:
        say(f"{finding.what}: {finding.found}", GOOD if finding.ok else BAD)
        if not finding.ok:
            say(f"    to mend it: {finding.mend}")
