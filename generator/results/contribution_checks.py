"""What contributed results must fulfil beyond being valid: pure.

A contribution is judged as data: by the listing of its files (:func:`listing_problems`) and, per
run, by its rows and run record against what is known already (:func:`run_problems`). Nothing here
proves that a number is right; it finds what is out of place, incomplete or impossible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from generator.errors import InputError
from generator.formatting import shortened
from generator.results import recomputation
from generator.results.processes import as_number
from generator.results.recomputation import Record, jobs_of, process
from generator.results.schema import (
    NAME,
    OF_NO_JOB,
    RUN,
    Finding,
    Row,
    RowFinding,
    quoted,
)
from measurements import ceiling
from measurements.lenet import GATE_STEPS

FACTOR = 100.0
"""A step time this many times below or above all known ones is a mistake, not a finding."""

LAYOUT = (
    "<machine>/<framework>/<version>/<run>.csv, <run>.json and <run>.logs/<job>.log, nothing else"
)
LIMITS: Mapping[str, int] = {".csv": 32 << 20, ".json": 8 << 20, ".log": (64 << 10) + 200}
"""Bytes that a file of each type may have; a log is cut to 64 KiB and says so."""

TOTAL = 128 << 20
"""Bytes that all new files of a contribution may have together."""

SLACK = timedelta(minutes=10)
"""By how much two clocks may disagree, and a run's id be older than its first start."""

_FILE = re.compile(rf"{NAME}/{NAME}/{NAME}/{RUN}(\.csv|\.json|\.logs/{NAME}\.log)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Entry:
    """One file as it lies in a folder; a link is not followed: it is no ``regular`` file.

    The size is in bytes; ``sha256`` is "" where there is nothing to read.
    """

    size: int
    sha256: str
    regular: bool = True
    executable: bool = False


@dataclass(frozen=True)
class Known:
    """What a contribution is compared with: the repository's facts and its earlier results.

    frameworks  ids of those that have a folder
    units       section -> metric -> unit; with a metric "gate", its step times need it passed
    locks       (framework, version, device) -> hashes of its lock, now and in earlier results
    code        (framework, version, section) -> hashes of its measuring code, likewise
    commits     contributed commits that are part of the repository's history
    data        hashes of the data sets
    step_times  (framework, device, section, case) -> smallest and largest known step, seconds
    versions    framework -> releases that its folder lists or that were measured
    lanes       device -> lanes
    machines    ids of those that have results
    ids         facts of a machine -> the ids that it can have
    profiles    profile -> blocks and samples
    constants   commit -> the constants of its measuring code, nothing for one that is not known
    tolerances  (lane, quantity of the gate) -> the largest known tolerance
    times       numbers in seconds that were measured
    """

    frameworks: Collection[str]
    units: Mapping[str, Mapping[str, str]]
    locks: Mapping[tuple[str, str, str], Collection[str]]
    code: Mapping[tuple[str, str, str], Collection[str]]
    commits: Collection[str]
    data: Collection[str]
    step_times: Mapping[tuple[str, str, str, str], tuple[float, float]]
    versions: Mapping[str, Collection[str]]
    lanes: Mapping[str, Collection[str]]
    machines: Collection[str]
    ids: Callable[[Mapping[str, Any]], Collection[str]]
    profiles: Mapping[str, tuple[int, int]]
    constants: Mapping[str, Mapping[str, Any]]
    tolerances: Mapping[tuple[str, str], float]
    times: set[float]


def listing_problems(
    before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> Iterator[InputError]:
    """Yield what is wrong with the files of a contribution, without a look into them.

    Both sides are path below the folder of results -> the file: as the repository has it, and with
    the contribution.
    """
    for path in sorted(before.keys() - after.keys()):
        yield _problem(path, None, "a committed file deleted", "results only ever added")
    for path in sorted(before.keys() & after.keys()):
        if after[path] != before[path]:
            wanted = "results only ever added; a correction is a new run"
            yield _problem(path, None, "a committed file changed", wanted)
    added = sorted(after.keys() - before.keys())
    for path in added:
        for found, expected in _file_problems(path, after[path]):
            yield _problem(path, None, found, expected)
    total = sum(after[path].size for path in added)
    if total > TOTAL:
        yield _problem("all new files", None, f"{total} bytes", f"at most {TOTAL}")
    for path in added:
        stem, _, suffix = path.rpartition(".")
        other = f"{stem}.{ {'csv': 'json', 'json': 'csv'}.get(suffix) }"
        if suffix in ("csv", "json") and other not in after:
            yield _problem(path, None, "no file of the same name beside it", quoted(other))


def _file_problems(path: str, entry: Entry) -> Iterator[Finding]:
    match = _FILE.fullmatch(path)
    if not entry.regular:
        yield "a link, a submodule or a device", "a regular file"
    elif match is None:
        yield "a file that is no result", LAYOUT
    else:
        if entry.executable:
            yield "an executable file", "a file without that permission"
        limit = LIMITS["." + match[1].rpartition(".")[2]]
        if entry.size > limit:
            yield f"{entry.size} bytes", f"at most {limit}"


def is_run(path: str) -> bool:
    """Whether a path is that of a CSV in its place."""
    match = _FILE.fullmatch(path)
    return match is not None and match[1] == ".csv"


def run_problems(
    path: str,
    rows: Sequence[Row],
    record: Record,
    logs: Collection[str],
    known: Known,
    now: datetime,
) -> Iterator[InputError]:
    """Yield what is incomplete or impossible in one run that is valid by itself.

    Args:
        path: of the CSV; the run record lies beside it.
        rows: as :func:`generator.results.row_checks.rows` returns them.
        record: as :func:`generator.results.run_record.read_run_record` returns it.
        logs: paths of the log files that there are, from the CSV's folder.
        known: what it is compared with.
        now: no run ends later.

    """
    json_path = path.removesuffix(".csv") + ".json"
    if record["framework"] not in known.frameworks:
        found = f"framework {quoted(record['framework'])}"
        yield _problem(json_path, None, found, f"one of {', '.join(sorted(known.frameworks))}")
        return
    constants = known.constants.get(record["repository"]["commit"] or "", {})
    steps = int(constants.get(recomputation.GATE_STEPS, GATE_STEPS))
    for found, expected in (
        *_places(record, known),
        *_provenance(record, known),
        *recomputation.settings(record, constants, known.profiles),
        *recomputation.gates(record, rows, steps, known.tolerances),
        *_times(path, record, now),
        *_logs(record, logs),
    ):
        yield _problem(json_path, None, found, expected)
    for line, found, expected in (
        *_names(rows, record),
        *_step_times(rows, record, known),
        *recomputation.counts(record, rows),
        *recomputation.ceilings(record, rows),
        *recomputation.copies(rows, known.times),
    ):
        yield _problem(path, line, found, expected)


def suspicions(path: str, record: Record, known: Known) -> Iterator[str]:
    """Yield what is no fault of a run and has to be looked at by somebody."""
    id, commit = record["machine"]["id"], record["repository"]["commit"] or "none"
    if id in known.machines:
        yield (
            f"{path}: machine {quoted(id)} has results already; a run on it by somebody else is "
            "suspect: ask who measured it"
        )
    if not known.constants.get(commit):
        yield (
            f"{path}: commit {quoted(commit)} is not one of this repository's; its batch size, "
            "learning rate and other constants could not be compared"
        )


def _places(record: Record, known: Known) -> Iterator[Finding]:
    """Names that the repository knows, and the machine's id, which is made from its facts."""
    framework, version, device = (record[key] for key in ("framework", "version", "device"))
    if version not in known.versions.get(framework, ()):
        listed = ", ".join(sorted(known.versions.get(framework, ())))
        yield f"version {quoted(version)}", f"one of {listed}; a new release has to be merged first"
    lanes = known.lanes.get(device, ())
    for lane in sorted({str(job["lane"]) for job in record["jobs"]} - set(lanes)):
        yield f"lane {quoted(lane)}", f"one of {', '.join(lanes)}"
    machine = record["machine"]
    if machine["id"] not in (possible := known.ids(machine)):
        wanted = f"{min(possible)} or the like: it is made from the machine's facts"
        yield f"machine {quoted(machine['id'])}", wanted


def _provenance(record: Record, known: Known) -> Iterator[Finding]:
    """Where the numbers come from: code, environment, data, command."""
    framework, version, device = (record[key] for key in ("framework", "version", "device"))
    if not record["command"].startswith("generator "):
        yield f"command {quoted(record['command'])}", "the `generator ...` command that was typed"
    commit = record["repository"]["commit"] or ""
    if not _COMMIT.fullmatch(commit):
        yield f"commit {quoted(commit)}", "the commit that was measured with; clone with git"
    yield from _environment(record, known.locks.get((framework, version, device), ()))
    unknown = [
        section
        for section, sha256 in sorted(record["code_sha256"].items())
        if str(sha256) not in known.code.get((framework, version, section), ())
    ]
    if not record["code_sha256"]:
        yield "no hash of the measuring code", "one per section"
    elif unknown and (record["repository"]["dirty"] is not False or commit not in known.commits):
        yield (
            f"measuring code of {', '.join(map(quoted, unknown))} that nobody else has",
            "unchanged code of a commit of this repository; measure again after `git stash`, "
            "or have the code merged first",
        )
    if record["data"]["sha256"] not in known.data:
        yield f"data {quoted(record['data']['sha256'])}", f"one of {', '.join(sorted(known.data))}"
    if not _SHA256.fullmatch(record["weights_sha256"]):
        yield f"weights_sha256 {quoted(record['weights_sha256'])}", "a SHA-256"


def _environment(record: Record, locks: Collection[str]) -> Iterator[Finding]:
    environment = record["environment"]
    name = f"{record['version']}-{record['device']}.txt"
    sha256 = environment["lock_sha256"] or ""
    if environment["kind"] == "locked":
        if environment["lock"] != name or sha256 not in locks:
            yield (
                f"lock {quoted(environment['lock'] or '')} with hash {quoted(sha256)}",
                f"the committed {name}; a new lock has to be merged first",
            )
    elif environment["kind"] not in ("current", "found"):
        yield f"environment {quoted(environment['kind'])}", "locked, current or found"
    elif environment["kind"] == "found" and not environment["packages"] and _nothing_ran(record):
        return  # nor was anything found
    elif not _SHA256.fullmatch(sha256):
        yield f"lock_sha256 {quoted(sha256)}", "the SHA-256 of the package list"
    if not environment["packages"] or not environment["python"]:
        yield "no packages or no Python version", "what the interpreter had installed"


def _nothing_ran(record: Record) -> bool:
    return all(job["status"] in ("skipped", "unsupported") for job in record["jobs"])


def _times(path: str, record: Record, now: datetime) -> Iterator[Finding]:
    """When it was, and whether all of it fits in that time."""
    if record["finished"] is None:
        yield "an unfinished run", "a finished one; run the same `generator measure` again"
        return
    if not record["starts"]:
        yield "no start", "at least one"
        return
    stamp = path.rpartition("/")[2].partition("-")[0]
    try:
        named = datetime.fromisoformat(stamp)
    except ValueError:
        yield (
            f"a run called {quoted(stamp)}",
            "a time: year, month, day, T, hour, minute, second, Z",
        )
        return
    starts = [datetime.fromisoformat(start) for start in record["starts"]]
    finished = datetime.fromisoformat(record["finished"])
    if abs(starts[0] - named) > SLACK:
        yield f"first start {record['starts'][0]}", f"about {stamp}, as the run's name says"
    if starts != sorted(starts) or finished < starts[-1]:
        yield f"starts {', '.join(record['starts'])}, finished {record['finished']}", "in order"
    if finished > now + SLACK:
        yield f"finished {record['finished']}", f"no time after {now:%Y-%m-%dT%H:%M:%SZ}"
    hosts: dict[str, float] = {}
    for job in record["jobs"]:
        host = str(job.get("host"))
        hosts[host] = hosts.get(host, 0.0) + as_number(job.get("seconds"))
    busy = max(hosts.values(), default=0.0)
    if busy > (finished - starts[0] + SLACK).total_seconds():
        yield f"jobs of {busy:.0f} s", "no more than lies between the first start and the end"


def _logs(record: Record, logs: Collection[str]) -> Iterator[Finding]:
    named = {job["log"] for job in record["jobs"] if job.get("log")}
    for job in record["jobs"]:
        ran = "seconds" in job  # a release that does not install fails without a process
        if ran and job["status"] in ("failed", "timeout", "wrong") and not job.get("log"):
            yield f"job {quoted(job['id'])} {job['status']} without a log", "its log beside the CSV"
    for log in sorted(named - set(logs)):
        yield f"no file {quoted(log)}", "the log that a job names"
    for log in sorted(set(logs) - named):
        yield f"a log {quoted(log)} of no job", "only logs that a job names"


def _names(rows: Sequence[Row], record: Record) -> Iterator[RowFinding]:
    """Rows of no known code, rows that no job measured, and cells tried that have no row."""
    jobs = jobs_of(record)
    named: set[tuple[str, str, str, str]] = set()
    for line, row in enumerate(rows, start=2):
        if row["section"] not in record["code_sha256"]:
            yield line, f"section {row['section']} without a hash of its code", "one in the JSON"
        place = process(row)
        of_a_job = place in jobs or row["metric"] in OF_NO_JOB or "partial" in row["flags"]
        if not of_a_job and place not in named:
            named.add(place)
            yield line, "a row of no job", "a job with its section, mode, lane and block"
    with_rows = {(row["section"], row["mode"], row["lane"]) for row in rows}
    tried = {
        (section, job["mode"], job["lane"]) for job in record["jobs"] for section in job["sections"]
    }
    for cell in sorted(tried - with_rows):
        yield None, "no row of " + " ".join(map(quoted, cell)), "one for every cell that was tried"


def _step_times(rows: Sequence[Row], record: Record, known: Known) -> Iterator[RowFinding]:
    """Numbers that cannot be: far off all known ones, beyond the ceiling."""
    framework = record["framework"]
    for line, row in enumerate(rows, start=2):
        if row["status"] != "ok":
            continue
        value = float(row["value"])
        if row["metric"] == "ceiling_fraction" and value > ceiling.MARGIN:
            yield line, f"{value:g} of the machine's ceiling", f"at most {ceiling.MARGIN:g}"
        elif row["metric"] == "step_time":
            place = record["device"], row["section"], row["case"]
            own = known.step_times.get((framework, *place))
            ranges = (
                [own] if own else [t for key, t in known.step_times.items() if key[1:] == place]
            )
            low = min((low / FACTOR for low, _ in ranges), default=0.0)
            high = max((high * FACTOR for _, high in ranges), default=value)
            if not low <= value <= high:
                yield line, f"step_time of {value:g} s", f"{low:.3g} s to {high:.3g} s"


def _problem(path: str, line: int | None, found: str, expected: str) -> InputError:
    return InputError(printable(path), line, found, expected)


PRINTED = 1000
"""Characters of a text that are printed."""


def printable(text: str) -> str:
    """Return a text that may hold somebody's words as a workflow's log can have it.

    It is ASCII, one line, of bounded length, and no command to GitHub's runners: ``::`` and ``##[``
    begin one.
    """
    flat = shortened(text, PRINTED).encode("unicode_escape").decode()
    flat = flat.replace("\\\\", "\\")  # what was escaped before
    return re.sub(r":(?=:)|#(?=[#\[])", r"\g<0> ", flat)
