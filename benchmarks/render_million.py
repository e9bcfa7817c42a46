"""Rendering from 1,000,000 rows: under 10 s and 1 GiB; after one changed CSV under 1 s.

Measured in a fresh process, imports included (byte code compiled beforehand, as after any earlier
start). The second rendering happens in the same process, as it does below ``generator serve``. Both
shapes that a million rows can take are tried: many runs of ordinary size, and one run of very many
samples; there the changed CSV alone has a third of a million rows, so that its second rendering is
only reported.
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
done = render.render(results_root=results, docs=docs, preview=True)
print(json.dumps({
    "first": first,
    "again": time.perf_counter() - start,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "written": len(done.written),
}))
"""


def run(_arguments: list[str]) -> list[Line]:
    from tests.sample_results import write_sample

    # Some shells forbid byte code; then every start compiles pandas anew.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    imports = "import altair, pandas, scipy.stats, vl_convert, generator.site.render"
    subprocess.run([sys.executable, "-c", imports], cwd=ROOT, env=env, check=True)
    lines = []
    for name, shape in SHAPES.items():
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
        found = json.loads(done.stdout.splitlines()[-1])
        what = f"{rows:,} rows, {name}"
        first, again, peak = found["first"], found["again"], found["peak"]
        lines += [
            Line("render_million", f"{what}: render", f"{first:.1f} s", "< 10 s", first < 10),
            Line(
                "render_million",
                f"{what}: peak memory",
                f"{peak / 2**20:.0f} MiB",
                "< 1024 MiB",
                peak < 2**30,
            ),
            Line(
                "render_million",
                f"{what}: again after one changed CSV ({found['written']} files written)",
                f"{again:.2f} s",
                "< 1 s" if "runs" in shape else "",
                again < 1 if "runs" in shape else None,
            ),
        ]
    return lines
