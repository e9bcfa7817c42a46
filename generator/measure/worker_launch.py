"""Starts the worker of a job: its program, what it is told, and the variables that it gets."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from generator import subprocesses
from generator.catalog.loader import ROOT
from generator.catalog.model import Catalog, Framework, Variant, precision
from generator.errors import EnvironmentMissing
from generator.measure import environments, gpu_log, obstacles
from generator.measure import machine as machines
from generator.measure.environments import Environment
from generator.measure.history import R_WORKER, code_hash
from generator.measure.plan import Job, Plan
from generator.measure.request import Request
from generator.measure.run_record import MIN_SAMPLE_SECONDS
from generator.results import schema
from measurements import lenet

KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "SYSTEMROOT",
)  # fmt: skip
"""A worker inherits these and nothing else: a reader's shell must not change the result."""


SCRATCH = "symbolic-comparison-"
"""How the name of a worker's folder for temporary files begins."""

BELIEVED = 2.0
"""A rate found in the cache may be this many times what was just measured."""


@dataclass(frozen=True)
class Launched:
    """A worker that has ended.

    ``conditions`` is what the run record says of how it ran, ``readings`` the log of the GPU
    meanwhile (None on a CPU), and ``watched`` where that GPU is on the PCI bus (None: unknown).
    ``ceiling`` is the rate of the machine's ``threads``, operations per second, None where nobody
    measured it; ``again`` measures it anew.
    """

    finished: subprocesses.Finished
    conditions: dict[str, Any]
    readings: gpu_log.Log | None = None
    watched: str | None = None
    threads: int = 1
    ceiling: float | None = None
    again: Callable[[], list[float]] = list


class Launcher:
    """Starts the workers of one plan, one after the other."""

    def __init__(self, plan: Plan, request: Request, catalog: Catalog) -> None:
        self.plan, self.request, self.catalog = plan, request, catalog
        self._ceilings: dict[int, float | None] = {}

    def fill(self, job: Job, environment: Environment) -> None:
        """Run a cold start for what it leaves in the compile cache; what it says is forgotten.

        Others may run beside it. What keeps it from running, the job itself will say.
        """
        with (
            tempfile.TemporaryDirectory(prefix=SCRATCH) as scratch,
            contextlib.suppress(EnvironmentMissing),
        ):
            self.launch(job, environment, Path(scratch, "forgotten.jsonl"), None)

    def launch(
        self,
        job: Job,
        environment: Environment,
        out: Path,
        opened: IO[bytes] | None,
        *,
        deterministic: bool = False,
    ) -> Launched:
        """Run the worker of a job to its end.

        What the job needs besides the framework and cannot be installed is
        :class:`~generator.errors.EnvironmentMissing`.

        Args:
            job: what it does.
            environment: where its framework is.
            out: the file that it writes its rows to.
            opened: the same file, which it cannot replace; None where others run beside it: then
                nothing that it says is believed, and no rate of this machine is measured for it.
            deterministic: whether a GPU's libraries may use deterministic algorithms only.

        """
        framework = self.catalog.framework(job.framework)
        threads = 1 if job.lane == "threads-1" else machines.this().cores
        cache = self._compile_cache(job, environment)
        if job.start == "cold":
            _filled(cache).unlink(missing_ok=True)
            shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        chance = random.Random(f"{self.plan.seed}/{job.id}")
        hash_seed, padding = chance.randrange(1, 2**31), chance.randrange(0, 4096)
        variables = self._variables(job, environment, threads, cache) | {
            "PYTHONHASHSEED": str(hash_seed),
            # The length of the environment moves the stack, and with it the speed (Mytkowicz).
            "MEASUREMENT_PADDING": "x" * padding,
        }
        ceiling = self._ceiling(threads) if opened and job.device == "cpu" else None
        description = self._describe(job, framework, threads, cache) | {"ceiling": ceiling}
        description["settings"]["deterministic"] = deterministic
        if not opened:  # several on one GPU: none may take all of it
            description["settings"]["preallocate"] = False

        readings = gpu = None
        if job.device == "cuda":
            gpu = next(iter(gpu_log.usable()[0]), None)
            readings = gpu_log.Log(functools.partial(gpu_log.read_device, gpu))
        with tempfile.TemporaryDirectory(prefix=SCRATCH) as scratch:
            told = Path(scratch) / "job.json"
            told.write_text(json.dumps(description), encoding="utf-8")
            with readings or contextlib.nullcontext():
                finished = subprocesses.run(
                    [*self._program(job, environment), told, out],
                    cwd=Path(scratch), env=variables | {"TMPDIR": scratch},
                    timeout=self.request.timeout, watch=opened,
                )  # fmt: skip
        if job.start == "cold" and finished.code == 0:
            _filled(cache).touch()
        conditions: dict[str, Any] = {
            "hash_seed": hash_seed,
            "padding": padding,
            "threads": {"requested": threads},
            "warmup": description["warmup"],
            "seconds": round(finished.seconds, 3),
        }
        if job.device == "cuda":
            conditions["preallocate"] = description["settings"]["preallocate"]
        watched, again = gpu.bus_id if gpu else None, functools.partial(_rates, threads)
        return Launched(finished, conditions, readings, watched, threads, ceiling, again)

    def _variables(
        self, job: Job, environment: Environment, threads: int, cache: Path
    ) -> dict[str, str]:
        framework = self.catalog.framework(job.framework)
        extra = self._extra(job, framework, environment)
        own = environment.kind in ("current", "found")
        more = framework.found.variables if framework.found else ()
        basis = inherited(*filter(None, [extra]), own=own, more=more)
        declared = environments.variables(
            framework, environment, device=job.device, threads=threads, cache=cache,
            trial=_trial(job, framework),
        )  # fmt: skip
        return {
            **merged(basis, declared, own=own),
            **of_device(job.device, cache),
            "RETICULATE_PYTHON": str(environment.python),
            "PYTHONPATH": basis["PYTHONPATH"],
            "PYTHONNOUSERSITE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def _program(self, job: Job, environment: Environment) -> list[str | Path]:
        if obstacles.in_r(job, self.catalog):
            return ["Rscript", "--vanilla", ROOT / "measurements" / R_WORKER]
        return [*(environment.start or [environment.python]), "-m", "measurements.worker"]

    def _describe(
        self, job: Job, framework: Framework, threads: int, cache: Path
    ) -> dict[str, Any]:
        data, trial = self.request.data_dir, _trial(job, framework)
        mark = job.case if trial else schema.AGAIN if schema.is_again(job.case) else ""
        return {
            "folder": str(framework.folder),
            "sections": list(job.sections),
            "lane": job.lane,
            "start": job.start,
            "case": "" if trial else schema.replicated(job.case),
            "mark": mark,
            "accuracy": job.accuracy,
            "samples": self.plan.profile.samples,
            "min_sample_seconds": MIN_SAMPLE_SECONDS,
            "warmup": framework.mode(job.mode).warmup[job.device],
            "data_dir": str(data.resolve()) if data else None,
            "settings": {
                "mode": job.mode,
                "device": job.device,
                "threads": threads,
                "precision": precision(job.lane),
                "batch": lenet.BATCH,
                "learning_rate": lenet.LEARNING_RATE,
                "cache": str(cache),
                # Where memory is measured, the processes do nothing else.
                "preallocate": "memory" not in job.sections,
                "options": dict(trial.options) if trial else {},
            },
        }

    def _extra(self, job: Job, framework: Framework, environment: Environment) -> Path | None:
        """Return the folder of the packages that only this job's section needs, if there are."""
        if environment.kind != "locked":
            return None
        version = framework.version(job.version)
        wanted = [f"{job.device}+{self.catalog.section(id).extra}" for id in job.sections]
        name = next((name for name in wanted if name in version.requirements), None)
        return environments.extra(environment, version, name) if name else None

    def finds_caches(self, job: Job, environment: Environment) -> bool:
        """Whether a cold start of the same code, here or in an earlier run, filled the caches."""
        return _filled(self._compile_cache(job, environment)).exists()

    def _compile_cache(self, job: Job, environment: Environment) -> Path:
        """Return the compile cache of a configuration.

        A section with processes of its own has a cache of its own, which no other one finds or
        empties. Otherwise it is shared by lanes; see :func:`generator.measure.plan.make` for a
        compiler whose output depends on the number of threads. It belongs to one framework,
        release, mode, device, lock and code, so nobody else's work is found in it; what comes out
        of it is judged by the gate before and after timing.
        """
        apart = [id for id in job.sections if self.catalog.section(id).apart]
        framework = self.catalog.framework(job.framework)
        code = code_hash(self.catalog.section("compile"), framework, job.version, self.catalog)
        trial = [job.case.replace(" ", "-")] if _trial(job, framework) else []
        name = "-".join([(environment.lock_sha256 or "current")[:12], code[:12], *apart, *trial])
        folder = f"{job.framework}-{job.version}-{job.mode}-{job.device}-{name}"
        return environments.cache_folder() / "compiled" / folder

    def _ceiling(self, threads: int) -> float | None:
        """Measure the matrix-product rate once per run and thread count.

        The best rate that this machine ever showed counts, since foreign load only ever lowers it.
        A worker can write that file: what is far above what was just measured is not believed.
        """
        if threads in self._ceilings:
            return self._ceilings[threads]
        kept = environments.cache_folder() / f"ceiling-{machines.this().id}-{threads}.json"
        found = max(_rates(threads), default=None)
        if found is not None:
            with contextlib.suppress(OSError, ValueError):
                best = float(kept.read_text(encoding="utf-8"))
                found = max(found, best if best <= BELIEVED * found else 0.0)
            kept.write_text(json.dumps(found), encoding="utf-8")
        self._ceilings[threads] = found
        return found


def _trial(job: Job, framework: Framework) -> Variant | None:
    """Return the variant that a job tries; None for any other job."""
    variants = framework.trials(job.mode, job.device)
    return next((variant for variant in variants if variant.case == job.case), None)


def _rates(threads: int) -> list[float]:
    """Measure the matrix-product rate three times, each in a fresh process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    variables = inherited(own=True) | dict.fromkeys(names, str(threads))
    rates = []
    for _ in range(3):
        ceiling = [sys.executable, "-m", "measurements.ceiling"]
        rate = subprocesses.answer(ceiling, env=variables, timeout=120)
        with contextlib.suppress(ValueError, IndexError):
            rates.append(float((rate or "").splitlines()[-1]))
    return rates


def _filled(cache: Path) -> Path:
    """Return the file that is there once a cold start has filled a compile cache."""
    return cache.with_name(f"{cache.name}.filled")


def inherited(*folders: Path, own: bool, more: Collection[str] = ()) -> dict[str, str]:
    """Return the variables that a measuring process starts from; it finds modules in ``folders``.

    In our ``own`` interpreter packages may be found by variables; ``more`` are inherited as well.
    """
    names = (*KEPT_VARIABLES, *(("VIRTUAL_ENV", "CONDA_PREFIX") if own else ()), *more)
    variables = {name: os.environ[name] for name in names if name in os.environ}
    path = [str(ROOT), *map(str, folders)]
    if own and os.environ.get("PYTHONPATH"):
        path.insert(1, os.environ["PYTHONPATH"])
    return variables | {"PYTHONPATH": os.pathsep.join(path)}


def merged(basis: Mapping[str, str], declared: Mapping[str, str], *, own: bool) -> dict[str, str]:
    """Return inherited variables and those that a folder declares, which come before them.

    A search path of libraries is extended and never replaced: the driver, or what our ``own``
    interpreter was built with, may be found by it. There the machine's folders come first.
    """
    found = {**basis, **declared}
    name = "LD_LIBRARY_PATH"
    if basis.get(name) and name in declared:
        both = (basis[name], declared[name]) if own else (declared[name], basis[name])
        found[name] = os.pathsep.join(both)
    return found


def of_device(device: str, cache: Path) -> dict[str, str]:
    """Return the variables by which a worker, and all that it starts, finds its device only."""
    if device == "cpu":
        # Frameworks take a GPU wherever they find one, whatever their scripts were told.
        return {"CUDA_VISIBLE_DEVICES": "-1"}
    return {
        # The numbers of GPUs mean the same to CUDA as to NVML, which writes their log.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # The driver compiles as well, into the user's home: a cold start would find it there.
        "CUDA_CACHE_PATH": str(cache / "cuda"),
    }
