"""What 1,000,000 rows add to a rendering: at most 10 s, 1 GiB in all, and 1 s after a changed CSV.

The pages, charts and cards of a site take their time with few rows as well, so one small run is
rendered first, and what it takes is told and taken off. Each is rendered in a fresh process,
imports included (byte code compiled beforehand, as after any earlier start). The second rendering
happens in the same process, as it does below ``generator serve``. Both shapes that a million rows
can take are tried: many runs of ordinary size, and one run of very many samples; there the changed
CSV alone has a third of a million rows, so that its second rendering is only reported.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.line import Line

ROOT = Path(__file__).parents[1]
SHAPES = {"64 runs": {"runs": 64}, "one run": {"rows_scale": 105.0}}

CHILD = """
import json, resource, sys, time
start = time.perf_counter()
from pathlib import Path
from generator.site import render
results, docs = Path(sys.argv[1]), Path(sys.argv[2])
render.render(results_root=results, docs=docs)
first = time.perf_counter() - start
path = max(results.rglob("*.csv"))
text = path.read_bytes().replace(b",step_time,s,0,0,0.0", b",step_time,s,0,0,0.1", 1)
path.write_bytes(text)
start = time.perf_counter()
render.render(results_root=results, docs=docs, preview=True)
print(json.dumps({
    "first": first,
    "again": time.perf_counter() - start,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
"""


def run(_arguments: list[str]) -> list[Line]:
    _, few = _render(runs=1)
    lines = [
        _line("one run of ordinary size: render", f"{few['first']:.1f} s"),
        _line("one run of ordinary size: again after one changed CSV", f"{few['again']:.2f} s"),
    ]
    for name, shape in SHAPES.items():
        rows, found = _render(**shape)
        what = f"{rows:,} rows, {name}"
        first, again = found["first"] - few["first"], found["again"] - few["again"]
        peak, judged = found["peak"] / 2**20, "runs" in shape
        lines += [
            _line(f"{what}: render, more", f"{first:.1f} s", "< 10 s", first < 10),
            _line(f"{what}: peak memory", f"{peak:.0f} MiB", "< 1024 MiB", peak < 1024),
            _line(
                f"{what}: again after one changed CSV, more",
                f"{again:.2f} s",
                "< 1 s" if judged else "",
                again < 1 if judged else None,
            ),
        ]
    return lines


def _line(what: str, found: str, claimed: str = "", kept: bool | None = None) -> Line:
    return Line("render_million", what, found, claimed, kept)


def _render(**shape: float) -> tuple[int, dict[str, float]]:
    """Return the rows of a sample, and what two renderings of it took."""
    from tests.sample_results import write_sample

    # Some shells forbid byte code; then every start compiles pandas anew.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    imports = "import altair, pandas, scipy.stats, vl_convert, generator.site.render"
    subprocess.run([sys.executable, "-c", imports], cwd=ROOT, env=env, check=True)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        paths = write_sample(results, **shape)
        rows = sum(path.read_bytes().count(b"\n") - 1 for path in paths)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(results), str(Path(folder) / "docs")],
            cwd=ROOT,
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return rows, json.loads(done.stdout.splitlines()[-1])
