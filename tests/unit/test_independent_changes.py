"""What pages say about releases and runs, computed a second time from the CSVs.

By code that shares nothing with the pages, as in ``test_independent.py``.
"""

import functools
import json
import math
import re
from collections import defaultdict

import pytest

from tests.independent import comparison, panels, rows
from tests.independent.pages import agrees, has_interval, has_value, sorts, tables
from tests.independent.panels import HEADLINES
from tests.independent.rows import FRAMEWORKS, MEASUREMENTS
from tests.unit.conftest import pages_of

pytestmark = pytest.mark.whole

RESULTS = MEASUREMENTS / "results"
MEASURES = {
    "Images per second": ("lenet", "step_time", ""),
    "Start-up time, cold": ("compile", "ready_time", "cold"),
    "Start-up time, warm": ("compile", "ready_time", "warm"),
    "Peak above import": ("memory", "peak_above_import", ""),
    "Peak memory": ("memory", "peak_rss", ""),
}
TOPICS = {
    "Training speed": "lenet", "Memory": "memory", "Start-up time": "compile",
    "Highest-level API": "highlevel", "Driven from R": "r",
}  # fmt: skip
LANES = {"threads-1": "one thread", "threads-all": "all cores"}
DEVICES = {"cpu": "CPU", "cuda": "GPU"}
SAME = ["machine", "framework", "section", "metric", "device", "lane", "case"]


@pytest.fixture(scope="module")
def pages(inputs):
    return pages_of(inputs, "history", "changes")


@pytest.fixture(scope="module")
def everything():
    return rows.read(RESULTS)


class Sides:
    """Cells of any run, by the file that they come from."""

    def __init__(self, everything):
        self.spreads = panels.spreads(everything)
        self.places = {
            where: panels.Place(mine, self.spreads)
            for where, mine in rows.published(everything).groupby(["machine", "device"])
        }
        good = everything[(everything["status"] == "ok") & (everything["mode"] != "")]
        good = good[good["case"].str.split(" ").str[0] != "again"]
        self.rows = dict(list(good.groupby([*SAME, "run"])))
        self.of_source = defaultdict(list)
        for machine, framework, section, metric, *rest in self.rows:
            if HEADLINES.get(section) == metric:
                same = dict(zip(SAME, (machine, framework, section, metric, *rest), strict=False))
                self.of_source[machine, framework, section, rest[-1]].append(same)

    @functools.cache  # noqa: B019 - as long as the tests
    def family(self, run, **same):
        """Return (version, mode) -> logarithms of all releases and modes that a run measured."""
        found = self.rows[*(same[name] for name in SAME), run]
        found = found.assign(block=found["run"] + " " + found["block"])
        cells = found.groupby(["version", "mode"])
        return {key: panels.logarithms(mine.set_index("block")["value"]) for key, mine in cells}

    @functools.cache  # noqa: B019
    def together(self, run, **same):
        """Return the model of a family."""
        place = same["machine"], same["device"], same["metric"]
        return comparison.Together(self.family(run, **same), self.spreads.get(place))

    @functools.cache  # noqa: B019
    def noise(self, *, machine, device, section, metric, lane, **_):
        """Return the A/A noise of the headlines that ordinary pages show."""
        if HEADLINES[section] != metric:
            return comparison.MARGIN
        return comparison.aa_noise(self.places[machine, device].replicates(section, metric, lane))


@pytest.fixture(scope="module")
def sides(everything):
    return Sides(everything)


@functools.cache
def build(source):
    """Return the kind of build of a file of results, by its run record."""
    record = json.loads((RESULTS / source).with_suffix(".json").read_text(encoding="utf-8"))
    brought = any(
        re.search(r"nvidia-cu|[-+]cu\d", pin) for pin in record["environment"]["packages"]
    )
    own = record["build"].get("cuda", "none") not in ("none", "False")
    return "CUDA build" if brought or own else "CPU build"


def is_change(row, title, verdict, ratio, noise, section):
    """Assert that a row has a ratio, its interval and the verdict on it."""
    words = {"faster": "less", "slower": "more"} if section == "memory" else {}
    found = comparison.verdict(ratio, noise)
    assert row[verdict].badge == words.get(found, found)
    agrees(row[title].text, ratio.value)
    sorts(row[title], ratio.value)
    if math.isnan(ratio.low):
        assert row[title].detail == ""
    else:
        agrees(row[title].detail, ratio.low, ratio.high)


@pytest.mark.parametrize("title", MEASURES)
def test_steps_from_release_to_release(pages, sides, title):
    section, metric, case = MEASURES[title]
    found = dict(tables(pages["history"]))[f"{title} of every release"]
    before = {}
    compared = 0
    for row in found:
        value = next(cell for name, cell in row.items() if name.startswith(title))
        if value.text == "–":
            continue
        source = value.link.removeprefix("data/")
        machine, framework, version, run = source.removesuffix(".csv").split("/")
        same = {
            "machine": machine, "framework": framework, "section": section, "metric": metric,
            "device": "cpu", "lane": "threads-all", "case": case,
        }  # fmt: skip
        model = sides.together(run, **same)
        key = next(key for key in model.cells if key[0] == version)
        own, noise = model.own(key), sides.noise(**same)
        if metric == "step_time":
            own = comparison.Interval(64 / own.value, 64 / own.high, 64 / own.low)
        has_value(value, own)
        assert row["Build"].text == build(source)
        old = before.get(framework)
        before[framework] = key, source
        ratio_title = next(name for name in row if "new / old" in name)
        if old is None:
            assert row["Change"].text == "–"
        elif section != "lenet" and build(old[1]) != build(source):
            assert (row["Change"].badge, row[ratio_title].text) == ("not compared", "–")
            assert row["Change"].detail == f"{build(old[1])}, {build(source)}"
        else:
            ratio = model.ratio(key, old[0])
            is_change(row, ratio_title, "Change", ratio, noise, section)
            if math.isfinite(ratio.low):
                agrees(row["Detectable"].text, ratio.detectable(noise))
                sorts(row["Detectable"], ratio.detectable(noise))
            compared += 1
    assert compared > 30


def test_the_last_release_against_the_first(pages, sides):
    (found,) = (mine for label, mine in tables(pages["history"]) if label.startswith("Last"))
    names = {about["name"]: id for id, about in FRAMEWORKS.items()}
    shown = dict(tables(pages["history"]))
    assert len(found) > 5
    for row in found:
        for title, (section, metric, case) in MEASURES.items():
            if title not in row or row[title].badge == "not compared":
                continue
            mine = [one for one in shown[f"{title} of every release"]
                    if one["Release"].text == row["Framework"].text]  # fmt: skip
            link = next(cell.link for name, cell in mine[-1].items() if name.startswith(title))
            machine, framework, _, run = link.removeprefix("data/").split("/")
            assert framework == names[row["Framework"].text]
            same = dict(
                zip(SAME, (machine, framework, section, metric, "cpu", "threads-all", case),
                    strict=True)
            )  # fmt: skip
            model = sides.together(run.removesuffix(".csv"), **same)
            ends = (
                next(key for key in model.cells if key[0] == one["Release"].detail)
                for one in (mine[-1], mine[0])
            )
            ratio, noise = model.ratio(*ends), sides.noise(**same)
            words = {"faster": "less", "slower": "more"} if section == "memory" else {}
            verdict = comparison.verdict(ratio, noise)
            assert row[title].badge == words.get(verdict, verdict)
            ratio = ratio.inverse() if metric == "step_time" else ratio
            agrees(row[title].text, ratio.value)
            has_interval(row[title].detail, ratio)


def test_what_changed(pages, sides):
    """Releases within their run, all of a framework together; runs pair by pair, across runs."""
    kinds = {True: 0, False: 0}
    for label, found in tables(pages["changes"]):
        if not re.match("What (differs|is not)", label):
            continue
        for row in found:
            if row["Before"].text == "rows":
                assert row["Verdict"].badge in ("newly broken", "newly supported", "not compared")
                continue
            within = change_on_page(row, sides)
            kinds[within] += 1
    assert min(kinds.values()) > 100


def change_on_page(row, sides):
    """Check one row; return whether both sides are of one run."""
    (machine, framework, old, before), (_, _, new, after) = (
        row[title].link.removeprefix("data/").removesuffix(".csv").split("/")
        for title in ("Before", "After")
    )
    section = TOPICS[row["What"].text]
    about = FRAMEWORKS[framework]
    ((same, keys),) = (
        (same, keys)
        for same in sides.of_source[machine, framework, section, after]
        for keys, place in pairs(sides, same, (old, before), (new, after), about)
        if place == row["What"].detail
    )
    if before == after:
        ratio = sides.together(after, **same).ratio(*reversed(keys))
    else:
        runs = {before: keys[0], after: keys[1]}
        cells = {run: sides.family(run, **same)[key] for run, key in runs.items()}
        spread = sides.spreads.get((machine, same["device"], same["metric"]))
        ratio = comparison.Together(cells, spread).ratio(after, before)
    noise = sides.noise(**same)
    is_change(row, "After / before, 95 %", "Verdict", ratio, noise, section)
    said = row["Verdict"].detail.replace("\N{NO-BREAK SPACE}", " ")
    agrees(re.search(r"[\d.]+ %", said)[0], noise)
    return before == after


def pairs(sides, same, old, new, about):
    """Yield ((old key, new key), how the page names the place) of the modes of two releases."""
    for one in sides.family(old[1], **same) if (*same.values(), old[1]) in sides.rows else ():
        for two in sides.family(new[1], **same):
            if (one[0], two[0]) == (old[0], new[0]):
                titles = dict.fromkeys(about["modes"][key[1]]["title"] for key in (one, two))
                device, lane = DEVICES[same["device"]], LANES[same["lane"]]
                place = [" → ".join(titles), device, lane, same["case"]]
                yield (one, two), ", ".join(filter(None, place))
