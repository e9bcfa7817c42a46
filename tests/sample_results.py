"""A synthetic tree of results, for tests and benchmarks. Every number in it is invented.

It has one of everything that a page has to cope with: all modes and lanes of the first three
frameworks, A/A twins, gates, a ``wrong`` mode, an unsupported metric, a failed job with its log, a
disturbed block, an interrupted process, and hostile text. The machine is called
``sample-machine`` and the documents say that they are synthetic. Never commit its output.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from generator.catalog import loader
from generator.results import schema, writing
from measurements import control, custom, operators

MACHINE = "sample-machine"
HOSTILE = '<script>alert(1)</script> | pipe, "quotes" & [link](javascript:alert(1)) {{ 7 * 7 }} `x`'
CATALOG = loader.load()
_ARTICLE = tomllib.loads((loader.ROOT / "measurements" / "claims.toml").read_text())["article"]
PAIRED, MANY, GRAPH = _ARTICLE["compared"]
"""The article's frameworks: one with a pair of modes, one with many, one with a graph alone."""
NAMES = {framework.id: framework.name for framework in CATALOG.frameworks}
VERSIONS = {GRAPH: "1.0.5", PAIRED: "1.9.1", MANY: "2.21.0"}
MODES = {
    GRAPH: ("compiled",),
    PAIRED: ("module", "gluon", "hybrid"),
    MANY: ("eager", "function", "xla"),
}
LANES = {"cpu": ("threads-1", "threads-all"), "cuda": ("resident", "copy-unpinned")}
TWINS = {(GRAPH, "compiled"), (MANY, "function")}
STEP = {  # invented seconds per step of 64 images with one thread
    "compiled": 0.046, "module": 0.047, "gluon": 0.045, "hybrid": 0.0447,
    "eager": 0.046, "function": 0.030, "xla": 0.046,
}  # fmt: skip
DEFAULTS = {GRAPH: "compiled", PAIRED: "hybrid", MANY: "function"}
DISPATCH = {"eager": 0.004, "gluon": 0.002}
"""Invented seconds of a step before its first image; 0.5 ms where nothing is said."""
EACH = {"eager": 0.00050, "gluon": 0.00040, "xla": 0.00045}
"""Invented seconds of each image; 0.4 ms where nothing is said."""
SECTIONS = (
    "compile", "memory", "lenet", "versus", "depth", "r", "highlevel", "operators", "control",
    "custom", "reuse", "parallel",
)  # fmt: skip
SWEEPS = {"versus": ("batch", (1, 8, 64, 256, 1024)), "depth": ("depth", (2, 8, 32))}
LINES = {GRAPH: 31, PAIRED: 36, MANY: 27}
BUILD = {"compiled": 30.0, "eager": 0.1, "function": 0.4, "xla": 2.0}  # seconds, cold
BLOCKS = {"quick": 3, "full": 10, "aa": 10, "history": 3, "variants": 5}
SAMPLES = {"quick": 10, "full": 30, "aa": 30, "history": 10, "variants": 10}


def write_sample(
    root: Path,
    *,
    frameworks: tuple[str, ...] = (GRAPH, PAIRED, MANY),
    runs: int = 1,
    rows_scale: float = 1,
    profile: str = "full",
    device: str = "cpu",
    machine: str = MACHINE,
    versions: dict[str, str] | None = None,
    start: int = 0,
    seed: int = 0,
    oddities: bool = True,
) -> list[Path]:
    """Write ``runs`` runs of every framework below ``root`` and return the paths of the CSVs.

    Args:
        rows_scale: multiplies the samples of each process; with 1, profile full and all three
            frameworks, a run has about 11,200 rows.
        start: number of the first run; it decides the run id, so a second call with another start
            adds newer runs.
        oddities: failures, hostile text, a wrong and a disturbed one; without, all is well.

    """
    paths = []
    for number in range(start, start + runs):
        digest = hashlib.sha256(f"{seed} {number} {machine}".encode()).hexdigest()
        day, hour = divmod(number, 24)
        date = f"{2026 + day // 336}{day // 28 % 12 + 1:02}{day % 28 + 1:02}"
        run = f"{date}T{hour:02}0000Z-{digest[:6]}"
        rng = np.random.default_rng([seed, number])
        drift = np.exp(rng.normal(0, 0.06, BLOCKS[profile]))  # a slow machine is slow for all
        for framework in frameworks:
            version = (versions or VERSIONS).get(framework, "1.0")
            path = root / machine / framework / version / f"{run}.csv"
            base = {"run": run, "machine": machine, "framework": framework, "version": version}
            many = max(1, round(SAMPLES[profile] * rows_scale))
            plan = _Plan(framework, profile, device, many, oddities, drift, rng)
            rows = [base | row for row in _rows(plan)]
            document = _document(path, rows, base, plan) | {"seed": seed}
            writing.write(path, rows, document)
            paths.append(path)
    return paths


def write_history(
    root: Path, releases: dict[str, dict[str, float]], *, machine: str = MACHINE, start: int = 0
) -> list[Path]:
    """Write one run of profile "history" and return the paths of the CSVs.

    Args:
        releases: framework -> version -> how many times its step takes that of ``STEP``; a version
            of NaN is wrong.

    """
    run = f"2026{start + 1:02}02T000000Z-{hashlib.sha256(machine.encode()).hexdigest()[:6]}"
    drift = np.exp(np.random.default_rng(start).normal(0, 0.06, BLOCKS["history"]))
    modes = {
        (framework.id, version.version): framework.standard(version, "cpu").id
        for framework in CATALOG.frameworks
        for version in framework.versions
    }
    paths = []
    for framework, versions in releases.items():
        for number, (version, factor) in enumerate(versions.items()):
            path = root / machine / framework / version / f"{run}.csv"
            base = {"run": run, "machine": machine, "framework": framework, "version": version}
            rng = np.random.default_rng([start, number])
            mode = modes.get((framework, version), DEFAULTS[framework])
            slow = drift if np.isnan(factor) else drift * factor
            # Whatever its mode was, a release is compared with today's.
            slow = slow * STEP[DEFAULTS[framework]] / STEP.get(mode, 0.05)
            plan = _Plan(framework, "history", "cpu", SAMPLES["history"], False, slow, rng)
            where = {"mode": mode, "device": "cpu", "lane": LANES["cpu"][-1]}
            rows = [*_lenet(where, "", plan), *_memory(where, plan), *_compile(where, plan)]
            if np.isnan(factor):
                rows = [where | {"section": "lenet", "metric": "gate", "unit": "verdict",
                                 "block": 0, "value": 0.0, "status": "wrong",
                                 "reason": "loss of step 1 is 0.1 off (SYNTHETIC)"}]  # fmt: skip
            rows = [base | row for row in rows]
            writing.write(path, rows, _document(path, rows, base, plan) | {"seed": start})
            paths.append(path)
    return paths


def write_variants(root: Path, framework: str, cases: dict[str, float]) -> Path:
    """Write one run of profile "variants" and return the path of the CSV.

    Args:
        cases: of the default mode's trials -> how many times its step they take.

    """
    run, version = "20260102T000000Z-aaaaaa", CATALOG.framework(framework).newest.version
    path = root / MACHINE / framework / version / f"{run}.csv"
    base = {"run": run, "machine": MACHINE, "framework": framework, "version": version}
    mode = CATALOG.framework(framework).default.id
    where = {"mode": mode, "device": "cpu", "lane": LANES["cpu"][-1]}
    rows = []
    for case, factor in {"": 1.0, **cases}.items():
        slow = np.full(BLOCKS["variants"], factor)
        plan = _Plan(
            framework, "variants", "cpu", SAMPLES["variants"], False, slow, np.random.default_rng(1)
        )
        rows += [base | row for row in _lenet(where, case, plan)]
        if case:
            gate = {"section": "lenet", "metric": "gate", "unit": "verdict", "value": 1.0}
            rows += [base | where | gate | {"case": case, "block": block, "status": "ok"}
                     for block in range(BLOCKS["variants"])]  # fmt: skip
    writing.write(path, rows, _document(path, rows, base, plan) | {"seed": 1})
    return path


@dataclass(frozen=True)
class _Plan:
    framework: str
    profile: str
    device: str
    samples: int
    oddities: bool
    drift: np.ndarray
    rng: np.random.Generator


def _rows(plan: _Plan) -> Iterator[dict[str, object]]:
    framework, device, oddities = plan.framework, plan.device, plan.oddities
    modes = MODES.get(framework, ("eager",))
    lanes = LANES[device]
    yield from _install(device, plan.rng)
    for mode in modes:
        for lane in lanes:
            where = {"mode": mode, "device": device, "lane": lane}
            if oddities and (framework, mode, lane) == (MANY, "xla", lanes[0]):
                yield where | {
                    "section": "lenet", "metric": "gate", "unit": "verdict", "block": 0,
                    "value": 0.0, "status": "wrong",
                    "reason": "gradient of conv1.weight is 1.0 off, allowed 2e-06 (SYNTHETIC)",
                }  # fmt: skip
                continue
            if oddities and (framework, mode, lane) == (PAIRED, "gluon", lanes[1]):
                yield where | {
                    "section": "lenet", "metric": "step_time", "unit": "s", "block": 0,
                    "status": "failed", "reason": f"ended by signal 11 (SYNTHETIC): {HOSTILE}",
                }  # fmt: skip
                continue
            twins = ("", "again") if (framework, mode) in TWINS else ("",)
            for case in twins:
                yield from _lenet(where, case, plan)
            yield from _memory(where, plan)
            yield from _compile(where, plan)
            if lane == lanes[-1]:
                for section in SWEEPS:
                    yield from _sweep(where, plan, section)
                if mode == DEFAULTS.get(framework, "eager"):
                    yield from _r(where, plan)
                    yield from _highlevel(where, plan)
                    yield from _answers(where, plan)


def _install(device: str, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    where = {"section": "compile", "device": device, "status": "ok"}
    yield where | {"case": "downloaded", "metric": "install_time", "unit": "s",
                   "value": 8 * rng.lognormal(0, 0.1)}  # fmt: skip
    yield where | {"case": "downloaded", "metric": "install_size", "unit": "B",
                   "value": float(round(4e8 * rng.lognormal(0, 0.1)))}  # fmt: skip


def _lenet(where: dict[str, str], case: str, plan: _Plan) -> Iterator[dict[str, object]]:
    rng, many, oddities = plan.rng, plan.samples, plan.oddities
    threads = 1 if where["lane"].endswith("-1") else 1.6
    for block, slow in enumerate(plan.drift):
        here = where | {"section": "lenet", "case": case, "block": block, "status": "ok"}
        if oddities and block == 2:
            here["flags"] = "disturbed"

        def row(metric: str, unit: str, value: float, here: dict = here) -> dict[str, object]:
            return here | {"metric": metric, "unit": unit, "value": float(value)}

        process = STEP.get(where["mode"], 0.05) / threads * slow * rng.lognormal(0, 0.03)
        times = process * rng.lognormal(0, 0.02, many)
        times[rng.random(many) < 0.03] *= 1.5
        for sample, time in enumerate(times):
            yield row("step_time", "s", time) | {"sample": sample}
            yield row("step_cpu_time", "s", time * threads * 0.98) | {"sample": sample}
        yield row("foreign_load", "cores", 0.2 if "flags" in here else 0.01)
        if case:
            continue
        yield row("gate", "verdict", 1)
        yield row("gate_logits_error", "1", 1.2e-7)
        yield row("gate_gradient_error", "1", 4.1e-7)
        yield row("gate_loss_error", "1", 5.0e-8)
        yield row("ceiling_fraction", "1", 0.4)
        for sample in range(3):
            yield row("evaluation_time", "s", process * 5 * rng.lognormal(0, 0.02)) | {
                "sample": sample
            }
        if block == 0:
            yield row("parameters", "count", 431080)
            yield row("lines", "count", LINES.get(plan.framework, 30))
            yield row("accuracy_time", "s", process * 62 * 4)
            yield row("accuracy_epochs", "1", 4)
            yield row("accuracy", "1", 0.955)
        if oddities and block == 1 and where["mode"] == "compiled":  # killed, then begun again
            yield row("step_time", "s", process) | {"sample": 0, "flags": "partial"}


def _memory(where: dict[str, str], plan: _Plan) -> Iterator[dict[str, object]]:
    rng = plan.rng
    for block in range(3):
        here = where | {"section": "memory", "block": block, "status": "ok", "unit": "B"}
        for metric, size in (("rss_imported", 1.2e8), ("peak_rss", 3e8)):
            yield here | {"metric": metric, "value": float(round(size * rng.lognormal(0, 0.02)))}
        if plan.framework == MANY and plan.oddities:
            reason = "the framework offers no allocator figure on this device"
            yield here | {"metric": "allocator_peak", "status": "unsupported", "reason": reason}
        else:
            yield here | {"metric": "allocator_peak", "value": 2e8}
        if where["device"] == "cuda":
            yield here | {"metric": "device_memory", "value": 1.1e9}


def _compile(where: dict[str, str], plan: _Plan) -> Iterator[dict[str, object]]:
    rng = plan.rng
    for case, share in (("cold", 1.0), ("warm", 0.2)):
        for block in range(min(3, BLOCKS[plan.profile])):
            here = where | {"section": "compile", "case": case, "block": block, "status": "ok"}
            build = BUILD.get(where["mode"], 0.02) * share
            times = {"import_time": 1.5, "build_time": build, "first_step_time": build / 4 + 0.05}
            times = {name: time * rng.lognormal(0, 0.05) for name, time in times.items()}
            for name, time in (*times.items(), ("ready_time", sum(times.values()))):
                yield here | {"metric": name, "unit": "s", "value": float(time)}


def _sweep(where: dict[str, str], plan: _Plan, section: str) -> Iterator[dict[str, object]]:
    mode, rng = where["mode"], plan.rng
    start, each = DISPATCH.get(mode, 0.0005), EACH.get(mode, 0.0004)
    compiling = BUILD.get(mode, 0.02)
    axis, values = SWEEPS[section]
    for block in range(3):
        here = where | {"section": section, "block": block, "status": "ok", "unit": "s"}
        for value in values:
            case = here | {"case": f"{axis} {value}"}
            if plan.oddities and (mode, value) == ("compiled", values[-1]):
                reason = f"{axis} {values[-2]} alone took 30 s (SYNTHETIC)"
                yield case | {"metric": "step_time", "status": "skipped", "reason": reason}
                continue
            batch, depth = (value, 2) if axis == "batch" else (64, value)
            step = (start + batch * each) * (0.5 + depth / 4)
            for sample in range(5):
                time = float(step * rng.lognormal(0, 0.01))
                yield case | {"metric": "step_time", "value": time, "sample": sample}
            ready = float(compiling * depth / 2 * rng.lognormal(0, 0.02))
            yield case | {"metric": "ready_time", "value": ready}


def _r(where: dict[str, str], plan: _Plan) -> Iterator[dict[str, object]]:
    """Python's step in the same blocks for one framework; older runs had it in no framework."""
    times = {"step_time": 1.2} | ({"python_step_time": 0.8} if plan.framework == MANY else {})
    for block in range(3):
        here = where | {"section": "r", "block": block, "status": "ok"}
        for metric, factor in times.items():
            for sample in range(10):
                time = STEP.get(where["mode"], 0.05) * factor * plan.rng.lognormal(0, 0.02)
                yield here | {"metric": metric, "unit": "s", "value": time, "sample": sample}
        yield here | {"metric": "gate", "unit": "verdict", "value": 1.0}
        if block == 0:
            yield here | {"metric": "lines", "unit": "count", "value": 44.0}


def _highlevel(where: dict[str, str], plan: _Plan) -> Iterator[dict[str, object]]:
    lines = LINES.get(plan.framework, 30)
    for block in range(3):
        here = where | {"section": "highlevel", "block": block, "status": "ok"}
        times = {"train_time": 12.0, "save_time": 0.02, "load_time": 0.1}
        times = {name: time * plan.rng.lognormal(0, 0.05) for name, time in times.items()}
        for name, time in (("total_time", sum(times.values())), *times.items()):
            yield here | {"metric": name, "unit": "s", "value": float(time)}
        yield here | {"metric": "accuracy", "unit": "1", "value": 0.97}
        if block == 0:
            yield here | {"metric": "lines", "unit": "count", "value": float(lines)}
            yield here | {"metric": "concepts", "unit": "count", "value": 10.0}


def _answers(where: dict[str, str], plan: _Plan) -> Iterator[dict[str, object]]:
    """A few answers of every section that asks questions, some of them no."""

    def row(
        section: str, case: str, metric: str, number: float, *, block: int = 0, **more: object
    ) -> dict[str, object]:
        unit = UNITS.get(metric, "1")
        here = where | {"section": section, "block": block, "case": case, "metric": metric}
        return here | {"unit": unit, "value": number, "status": "ok"} | more

    wrong = {"value": None, "status": "wrong", "reason": "output differs by 1 (SYNTHETIC)"}
    absent = {"value": None, "status": "unsupported", "reason": "none (https://example.org/list)"}
    for number, name in enumerate(operators.OPERATORS):
        if number % 4 == 1 and plan.framework == PAIRED:
            yield row("operators", name, "forward", 0, **absent)
            continue
        bad = plan.oddities and number % 50 == 2
        yield row("operators", name, "forward", 1e-7, **(wrong if bad else {}))
        yield row("operators", name, "composed", 1.0 + (number % 3 == 0))
        yield row("operators", name, "captured", 1e-7)
        yield row("operators", name, "gradient", 1e-9, **(wrong if number % 40 == 3 else {}))
    yield row("operators", "elementary", "lines", 300.0)
    for program in control.PROGRAMS:
        for metric in ("eager", "captured", "growth", "gradient"):
            bad = plan.oddities and (program, metric) == ("while", "gradient")
            yield row("control", program, metric, 0.0, **(wrong if bad else {}))
    for block in range(3):
        for trips in (1, 10, 100, 1000):
            for metric, each in (("run_time", 1e-5), ("ready_time", 1e-4)):
                time = float((0.001 + each * trips) * plan.rng.lognormal(0, 0.02))
                yield row("control", f"{trips} trips", metric, time, block=block)
        for number, way in enumerate(custom.WAYS):
            if (way, plan.framework) == ("native", PAIRED):
                for metric in ("build_time", "forward", "gradient", "captured", "used"):
                    yield row("custom", way, metric, 0, block=block, **absent)
                continue
            for metric in ("forward", "near_zero", "gradient", "captured", "used"):
                bad = (way, metric) == ("naive", "near_zero")
                yield row("custom", way, metric, 1e-7, block=block, **(wrong if bad else {}))
            slow = float((4 - number) * plan.rng.lognormal(0, 0.02))
            yield row("custom", way, "slowdown", slow, block=block)
            yield row("custom", way, "run_time", slow / 100, block=block)
            yield row("custom", way, "build_time", 1.0 + number, block=block)
            yield row("custom", way, "written", 10.0 * (number + 1), block=block)
    for case in ("save and load", "fresh process", "freeze", "onnx", "caffe import"):
        yield row("reuse", case, "possible", 1e-7, **(absent if case == "caffe import" else {}))
    for epoch in range(5):
        yield row("reuse", "fine-tuning", "accuracy", 0.8 + epoch / 50, sample=epoch)
        yield row("reuse", "from scratch", "accuracy", 0.5 + epoch / 12, sample=epoch)
    for batch in (64, 256):
        for size in (1, 2):
            case = f"{size} of {batch}"
            yield row("parallel", case, "loss_error", 1e-6)
            for block in range(3):
                time = float(batch * 0.0005 / size**0.8 * plan.rng.lognormal(0, 0.02))
                yield row("parallel", case, "step_time", time, block=block, sample=0)
    reason = "the other process hangs: no end and no step in 45 s (SYNTHETIC)"
    yield row("parallel", "killed", "death_time", 0, **(wrong | {"reason": reason}))
    yield row("parallel", "", "lines", 40.0)


UNITS = {
    "composed": "count", "lines": "count", "written": "count", "growth": "count", "run_time": "s",
    "ready_time": "s", "build_time": "s", "step_time": "s", "death_time": "s",
}  # fmt: skip


def _document(
    path: Path, rows: list[dict[str, object]], base: dict[str, str], plan: _Plan
) -> schema.Record:
    profile, device = plan.profile, plan.device
    run, framework, version = base["run"], base["framework"], base["version"]
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T{run[9:11]}:00:00Z"
    sha256 = hashlib.sha256(framework.encode()).hexdigest()
    jobs: list[dict[str, object]] = []
    bad: dict[tuple[object, ...], object] = {}
    for row in rows:
        if row["status"] in ("failed", "wrong"):
            bad.setdefault((row.get("mode"), row.get("lane"), row.get("block")), row["status"])
    for mode in MODES.get(framework, ("eager",)):
        for lane in LANES[device]:
            for block in range(BLOCKS[profile]):
                job = _job(mode, device, lane, block, len(jobs))
                if status := bad.get((mode, lane, block)):
                    job["status"] = status
                    if job["status"] == "failed":
                        log = path.parent / f"{run}.logs" / f"{job['id']}.log"
                        log.parent.mkdir(parents=True, exist_ok=True)
                        log.write_text(f"SYNTHETIC log\n{HOSTILE}\nSegmentation fault\n")
                        job["log"] = f"{run}.logs/{job['id']}.log"
                jobs.append(job)
    return {
        "schema": schema.SCHEMA,
        "run": run,
        "machine": {
            "id": base["machine"],
            "cpu": "SYNTHETIC: every number of this machine is invented",
            "cores": 2, "threads": 2, "memory_bytes": 8 << 30, "os": "none", "kernel": "none",
            "virtualised": None,
            "gpus": [] if device == "cpu" else
                    [{"name": "SYNTHETIC GPU", "driver": "0", "memory_bytes": 8 << 30}],
        },
        "framework": framework, "version": version, "profile": profile, "device": device,
        "starts": [started],
        "finished": started.replace(":00:00", ":45:00"),
        "seed": 0,
        "repository": {"commit": "0" * 40, "dirty": False},
        "command": f"generator measure --profile {profile} --device {device}",
        "environment": {
            "kind": "locked", "lock": f"{version}-{device}.txt", "lock_sha256": sha256,
            "python": "3.8.18", "packages": [f"{framework}=={version}", "numpy==1.21.6"],
            "install_seconds": 8.0, "size_bytes": 4 * 10**8,
        },
        "code_sha256": dict.fromkeys(SECTIONS, sha256),
        "data": {"name": "mnist-5k", "sha256": sha256, "train": 4000, "test": 1000},
        "weights_sha256": sha256,
        "settings": {
            "batch": 64, "learning_rate": 0.05, "activation": "tanh", "precision": "float32",
            "samples": SAMPLES[profile], "blocks": BLOCKS[profile],
            "min_sample_seconds": 0.1, "synthetic": True,
        },
        "build": {"version": version, "blas": HOSTILE if plan.oddities else "OpenBLAS 0.3.17"},
        "jobs": jobs,
    }  # fmt: skip


def _job(mode: str, device: str, lane: str, block: int, order: int) -> dict[str, object]:
    threads = 1 if lane.endswith("-1") else 2
    return {
        "id": f"{mode}-{lane}-{block}", "sections": list(SECTIONS), "mode": mode,
        "device": device, "lane": lane, "case": "", "start": "warm", "block": block, "order": order,
        "status": "ok", "seconds": 600.0, "k": 4, "warmup": 20,
        "threads": {"OMP_NUM_THREADS": threads}, "affinity": [0, 1], "hash_seed": 1234 + order,
        "padding": 17 * order % 4096, "foreign_load": 0.01, "disturbed": block == 2, "log": None,
        "facts": {
            "interface": "the invented interface", "parallel": "an invented way",
            "languages": {"composed": "Python", "python": "Python", "native": "C++"},
            "spellings": {"add": "invented.add"},
        },
    }  # fmt: skip
