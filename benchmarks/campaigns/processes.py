"""Kills, full disks, read-only folders and broken frameworks: real processes, resumed each time."""

import contextlib
import functools
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.campaigns import files
from benchmarks.campaigns.tally import Tally
from generator.catalog import loader
from generator.errors import GeneratorError
from generator.results import reading, schema, validation


def machine(folder: Path, uv: Path):
    """Return a machine of its own, on which the pretended framework has to be installed first."""
    from tests.conftest import PRETEND
    from tests.integration.test_interruption import Place
    from tests.package_index import NAME, wheel

    folder.mkdir(parents=True)
    place = Place(folder)
    place.results.mkdir()
    place.frameworks = folder / "frameworks"
    own = shutil.copytree(PRETEND / "pretend", place.frameworks / "pretend")
    name, data = wheel("1.0")
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (own / "environments").mkdir()
    lock = f"{NAME}==1.0 \\\n    --hash=sha256:{digest}\n"
    (own / "environments" / "1.0-cpu.txt").write_text(lock)
    toml, python = own / "framework.toml", ".".join(map(str, sys.version_info[:2]))
    toml.write_text(toml.read_text().replace('python = "3.11"', f'python = "{python}"'))
    place.environment |= {
        "UV_FIND_LINKS": str(folder), "UV_OFFLINE": "1", "UV_CACHE_DIR": str(uv),
    }  # fmt: skip
    return place


JOBS = ("--section", "compile", "--seed", "5")
CHEATS = {"unsynchronised": "wrong", "zero-gradient": "wrong", "too-fast": "wrong"}
"""Modes of the pretended framework that only the gate of the section LeNet finds out."""


def measure(place, tally: Tally, *modes: str, prefix=(), jobs=JOBS, moment=None, by=0):
    """Measure to the end, or until a signal after a moment; return the exit code, and what is said.

    Args:
        place: the machine.
        tally: gets the tracebacks, and the processes that live on.
        modes: of the framework.
        prefix: of the command.
        jobs: further arguments.
        moment: seconds until the signal; None for none.
        by: the signal.

    """
    words = [word for mode in modes for word in ("--mode", mode)]
    process = place.start(*jobs, *words, kind="locked", prefix=prefix)
    if moment is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        if process.poll() is None:
            tally.counts["tried"] += 1
        process.send_signal(by)
    try:
        _, said = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        tally.add("left behind", "it does not end")
        process.kill()
        _, said = process.communicate()
    # An interpreter that is interrupted before our first line runs says so, whoever it works for.
    if "Traceback" in said and "/generator/" in said:
        tally.add("tracebacks", said[-1500:])
    deadline = time.monotonic() + 10
    while (alive := living(place)) and time.monotonic() < deadline:
        time.sleep(0.05)
    tally.add("left behind", f"processes {alive} of {place.folder}", len(alive))
    if by != signal.SIGKILL:
        left = [name for name in place.left() if not name.endswith(".making")]
        tally.add("left behind", ", ".join(left), len(left))
    return process.returncode, said


def came_to_its_end(code: int, said: str) -> bool:
    """Say whether a run was not interrupted: it fails, since one mode dies.

    An interpreter that is interrupted while it starts ends with exit code 1 as well.
    """
    return code in (0, 1) and "KeyboardInterrupt" not in said


def living(place) -> list[str]:
    """Return the processes that have to do with a machine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if f"{place.folder}/".encode() in said:
                found.append(folder.name)
    return found


def compare(place, calm: Counter, tally: Tally) -> None:
    """Hold a machine that has finished against an undisturbed one."""
    rows = place.rows()
    found = Counter(whole(place))
    lost, more = calm - found, found - calm
    # What the machine lacked for a while is said in a row of its own.
    more = Counter({row: n for row, n in more.items() if row[-1] != "skipped"})
    tally.add("lost", f"{next(iter(lost), '')} in {place.folder}", lost.total(), place.folder)
    tally.add("doubled", f"{next(iter(more), '')}", more.total(), place.folder)
    samples = Counter(
        tuple(row[name] for name in schema.SAMPLE_KEY)
        for row in rows
        if row["status"] == "ok" and "partial" not in row["flags"]
    )
    twice = samples.total() - len(samples)
    tally.add("doubled", f"samples twice: {samples.most_common(1)}", twice, place.folder)
    left = [*place.left(), *map(str, place.results.glob("**/.*"))]
    left += [str(path) for path in place.scratch.iterdir() if path.suffix != ".lock"]
    left += [str(path) for path in (place.cache / "journal").glob("*")]
    left += sorted(map(str, (place.cache / "environments").glob("*[!k]")))[1:]  # a lock stays
    tally.add("left behind", ", ".join(left), len(left))
    for path in reading.find(place.results):
        problems = validation.validate(path)
        tally.add("lost", f"a valid file: {problems[:1]}", len(problems), place.folder)


def whole(place):
    """Return what identifies the rows, whether a package was downloaded or still there."""
    from tests.integration.test_interruption import whole as identities

    return [
        tuple("" if x in ("downloaded", "cached") else x for x in row) for row in identities(place)
    ]


MODES = ("eager", "segfault", "compiled")
_once = threading.Lock()


@functools.lru_cache(maxsize=1)
def _undisturbed(folder: Path) -> tuple[Counter, float]:
    place = machine(folder / "undisturbed", folder / "uv")
    start = time.monotonic()
    tally = Tally("undisturbed", 0, None)
    code, said = measure(place, tally, *MODES)
    if code != 1 or tally.counts.total():
        raise GeneratorError(f"an undisturbed run ended with {code}: {said[-1500:]}")
    return Counter(whole(place)), time.monotonic() - start


def undisturbed(folder: Path) -> tuple[Counter, float]:
    """Return the rows of a run that nothing disturbs, and its seconds."""
    with _once:
        return _undisturbed(folder)


def kills(tally: Tally, number: int, folder: Path) -> None:
    """Kill a run again and again, each time resumed, until it is whole; then the next run."""
    calm, seconds = undisturbed(folder)
    place, runs, case = None, 0, 0
    while tally.counts["tried"] < number or place is not None:
        if place is None:
            place = machine(folder / tally.kind / str(runs), folder / "uv")
            runs += 1
        before = Counter(tuple(row.values()) for row in place.rows())
        enough = tally.counts["tried"] >= number
        moment = None if enough else tally.chance(case).uniform(0, seconds / 2)
        case += 1
        code, said = measure(place, tally, *MODES, moment=moment, by=getattr(signal, tally.kind))
        lost = before - Counter(tuple(row.values()) for row in place.rows())
        tally.add("lost", f"{next(iter(lost), '')} in {place.folder}", lost.total(), place.folder)
        tally.progress(number)
        if came_to_its_end(code, said):
            compare(place, calm, tally)
            shutil.rmtree(place.folder)
            place = None
        elif enough:
            why = f"the last resumption ended with {code}: {said[-1500:]}"
            tally.add("lost", why, behind=place.folder)
            place = None


FULL_DISK = """
dir=$1; size=$0; shift
mount -t tmpfs -o size=$size none "$dir" || exit 77
"$@"
mount -o remount,size=1g "$dir"
"$@"; code=$?
cp -a "$dir" "$dir.kept"; exit $code
"""
READ_ONLY = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 77
exec "$@"
"""
ALONE = ("unshare", "--map-root-user", "--mount")
"""In a view of the file systems of its own, where anybody may mount."""


def disk_full(tally: Tally, number: int, folder: Path) -> None:
    """Measure where a file, or a folder, cannot grow beyond some size; then where it can."""
    calm, _ = undisturbed(folder)
    for case in range(number):
        chance = tally.chance(case)
        place = machine(folder / tally.kind / str(case), folder / "uv")
        name = chance.choice(("file", "results", "cache", "scratch"))
        tally.counts["tried"] += 1
        if name == "file":
            size = 2 ** chance.uniform(0, 16)
            measure(place, tally, *MODES, prefix=("prlimit", f"--fsize={size:.0f}"))
            code, said = measure(place, tally, *MODES)
        else:
            size = 4096 * 2 ** chance.uniform(0, 9)
            where = getattr(place, name)
            prefix = (*ALONE, "sh", "-c", FULL_DISK, f"{size:.0f}", where)
            code, said = measure(place, tally, *MODES, prefix=prefix)
            setattr(place, name, where.with_name(f"{where.name}.kept"))
        if code not in (0, 1):  # one mode dies, in the first or the second of both
            tally.add("lost", f"{name} of {size:.0f} bytes: exit code {code}: {said[-1500:]}")
        compare(place, calm, tally)
        shutil.rmtree(place.folder)
        tally.progress(number)


def read_only(tally: Tally, number: int, folder: Path) -> None:
    """Measure where a folder cannot be written to; then where it can."""
    calm, _ = undisturbed(folder)
    for case in range(number):
        place = machine(folder / tally.kind / str(case), folder / "uv")
        tally.counts["tried"] += 1
        if case % 2:  # half of it is measured already
            measure(place, tally, "eager")
        where = (place.results, place.cache, place.scratch)[case // 2 % 3]
        measure(place, tally, *MODES, prefix=(*ALONE, "sh", "-c", READ_ONLY, where))
        measure(place, tally, *MODES)
        compare(place, calm, tally)
        shutil.rmtree(place.folder)
        tally.progress(number)


def broken(tally: Tally, number: int, folder: Path) -> None:
    """Measure every way in which the framework of the tests misbehaves, and show all of it."""
    from tests.integration.test_bad_input import FAULTS

    expected = {mode: status for mode, (status, _) in FAULTS.items()} | CHEATS
    expected |= {"unsupported": "unsupported", "full": "skipped", "compiled": "skipped"}
    place = machine(folder / tally.kind, folder / "uv")
    catalog = loader.load(frameworks=place.frameworks)
    ids = [mode.id for mode in catalog.frameworks[0].modes]
    chosen = ids if number >= 1 else ids[:3]
    plain, cheats = [m for m in chosen if m not in CHEATS], [m for m in chosen if m in CHEATS]
    measure(place, tally, *plain, jobs=(*JOBS, "--timeout", "8"))
    if cheats:
        measure(place, tally, *cheats, jobs=("--section", "lenet", "--lane", "threads-1"))
    for mode in chosen:
        tally.counts["tried"] += 1
        statuses = {row["status"] for row in place.rows() if row["mode"] == mode}
        if expected.get(mode, "ok") not in statuses:
            tally.add("lost", f"{mode} is {statuses or 'nowhere'}", behind=place.results)
    compare(place, Counter(whole(place)), tally)
    with tally.guarded("render", place.results, accepted=True):
        given = {"results_root": place.results, "frameworks": place.frameworks}
        files.pages(tally, "all modes", folder / "pages", **given)
