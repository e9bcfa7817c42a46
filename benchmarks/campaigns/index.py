"""Package indexes that lie: `update` says so, and changes nothing."""

import contextlib
import os
import random
from pathlib import Path
from unittest import mock

from benchmarks.campaigns import mutations
from benchmarks.campaigns.tally import Tally
from generator.catalog import framework_toml
from generator.measure import environments


def liar():
    """Return a package index that lies as it is told."""
    from tests.package_index import LocalIndex

    class Liar(LocalIndex):
        lie, chance = "", random.Random()

        def send(self, request, status, body, kind):
            page = "simple" in request.path
            if self.lie == "unsteady" and self.chance.random() < 0.5:
                return super().send(request, 500, b"", "text/plain")
            if self.lie in ("redirect", "cut", "zipped") and page:
                request.send_response(302 if self.lie == "redirect" else 200)
                request.send_header("Content-Type", kind)
                request.send_header("Location", f"{request.path}x")
                if self.lie == "zipped":
                    request.send_header("Content-Encoding", "gzip")
                request.send_header("Content-Length", str(len(body)))
                request.end_headers()
                body = b"" if self.lie == "redirect" else body[: len(body) // 2]
                request.close_connection = True
                with contextlib.suppress(OSError):
                    request.wfile.write(body)
                return None
            if page and self.lie in ("JSON", "lines"):
                suffix = {"JSON": ".json", "lines": ".html"}[self.lie]
                body = mutations.mutated(body, suffix, self.chance)
            elif page:
                body = {"empty": b"", "deep": b"[" * 100_000}.get(self.lie, body)
                kind = "image/png" if self.lie == "kind" else kind
            return super().send(request, status, body, kind)

    return Liar()


MOODS = ("down", "slow", "page", "huge", "misnamed", "vanishing", "forged")
LIES = ("redirect", "cut", "zipped", "empty", "deep", "kind", "unsteady", *["JSON", "lines"] * 5)


def lies(tally: Tally, number: int, folder: Path) -> None:
    """Ask lying indexes what is new; every other time lock and measure what they say."""
    from tests.integration.test_update import Place
    from tests.package_index import wheel

    with liar() as served:
        served.publish(wheel("1.0", seconds=0.05), "2026-01-01")
        served.publish(wheel("1.0", name="pretend-exporter"))
        place = Place(
            folder / tally.kind, served, {"SYMBOLIC_COMPARISON_CACHE": str(folder / "lies")}
        )
        with mock.patch.dict(os.environ, place.environment):
            version = framework_toml.read_framework(place.toml).newest
            for name in version.requirements:
                environments.write_lock(version, name)
        served.publish(wheel("2.0", seconds=0.05))
        before = place.state()
        for case in range(number):
            chance = tally.chance(case)
            what = chance.choice((*MOODS, *LIES))
            served.mood = what if what in MOODS else ""
            served.lie, served.chance = what, chance
            # HTML does not say whose page it is.
            served.html = what != "misnamed" and chance.random() < 0.3
            tally.counts["tried"] += 1
            words = ("--check",) if what in ("JSON", "lines", "unsteady") or case % 2 else ()
            with tally.guarded(f"{case} {what}"):
                seconds = "1" if what == "slow" else "5"
                done = place.update(*words, UV_HTTP_TIMEOUT=seconds)
                if "Traceback" in done.stderr:
                    tally.add("tracebacks", f"{case} {what}: {done.stderr[-1500:]}")
            after = place.state()
            lost = [name for name in before if after.get(name) != before[name]]
            tally.add("lost", f"{case} {what}: {lost}", len(lost))
            new = sorted(after.keys() - before.keys())
            tally.add("left behind", f"{case} {what}: {new}", len(new))
            for name in new:
                (place.folder / name).unlink()
            for name in lost:
                (place.folder / name).write_bytes(before[name])
            tally.progress(number)
