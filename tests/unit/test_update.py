"""Pins, tables and reports of new releases, without an index and without a process."""

import datetime
import tomllib
from dataclasses import replace

import pytest

from generator.analysis import changes
from generator.catalog import freshness, loader
from generator.catalog.freshness import Pair
from generator.catalog.loader import ROOT
from generator.catalog.package_index import Release
from generator.errors import InputError, UsageError
from generator.measure import plan, profiles
from generator.measure.request import Request
from generator.pages import markdown
from generator.results import reading, selection
from generator.results.schema import is_again
from generator.update import lock_release, package_watch, update
from tests.conftest import PRETEND
from tests.sample_results import MACHINE, MANY, NAMES, PAIRED, write_sample
from tests.unit.frames import draw_on

FRAMEWORKS = {one.id: one for one in loader.load().frameworks if not one.found}
FAKES = loader.load(frameworks=PRETEND)
DAY = datetime.date(2026, 11, 26)


@pytest.mark.parametrize(
    ("requirement", "after"),
    [
        ("torch==2.13.0+cpu", "torch==2.14.1+cpu"),
        ("torch == 2.13.0", "torch == 2.14.1"),
        ("Torch[opt]==2.13.0; python_version>'3.9'", "Torch[opt]==2.14.1; python_version>'3.9'"),
        ("torch-cu117==2.13.0", "torch-cu117==2.14.1"),
        ("torch_cu117==2.13.0", "torch_cu117==2.14.1"),
        ("torchvision==2.13.0", None),
        ("torch==2.12.0", None),
        ("torch>=2.13.0", None),
        ("torch==2.13.*", None),
        ("torch", None),
        ("numpy", None),
        ("no requirement at all", None),
    ],
)
def test_only_the_frameworks_own_pins_are_replaced(requirement, after):
    assert lock_release._repinned(requirement, ["torch"], "2.13.0", "2.14.1") == after


@pytest.mark.parametrize("id", FRAMEWORKS)
def test_a_release_is_added_and_nothing_else_changes(id):
    framework = FRAMEWORKS[id]
    text = (framework.folder / "framework.toml").read_text(encoding="utf-8")
    wanted = Release("99.1", DAY)
    made = lock_release._with_release(text, framework, wanted, "3.12", {"cpu+reuse"})
    before, after = tomllib.loads(text), tomllib.loads(made)
    new, old = after["versions"].pop(), before["versions"][-1]
    assert after == before
    assert (new["version"], new["released"], new["python"]) == ("99.1", DAY, "3.12")
    assert new["source"] == f"https://pypi.org/project/{framework.distribution}/99.1/"
    assert new["requirements"].keys() == old["requirements"].keys() - {"cpu+reuse"}
    for device, items in new["requirements"].items():
        assert len(items) == len(old["requirements"][device])
        assert sum("99.1" in item for item in items) >= 1
        assert not any(f"=={old['version']}" in item and "99.1" in item for item in items)
    # Every line of the old file is still there, comments and all, in its order.
    remaining = iter(made.splitlines())
    assert all(line in remaining for line in text.splitlines())


def test_without_a_pin_there_is_nothing_to_replace():
    framework = FAKES.framework("pretend")
    text = (framework.folder / "framework.toml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="by hand"):
        lock_release._with_release(text, framework, Release("99", DAY), "3.13", set())


class Index:
    def __init__(self, *versions):
        self.versions = versions

    def releases(self, distribution):
        return tuple(Release(version, None) for version in self.versions)


def look(*names, has, known=None):
    return package_watch.look(names, known or loader.load(), Index(*has))


def test_the_newest_of_several_new_releases_is_wanted():
    (news,) = look("pretend", has=["1.0", "1.1.0", "1.2.0", "1.3rc1"], known=FAKES)
    assert news.wanted == Release("1.2.0", None)
    assert news.freshness.label == "2 releases behind"
    assert news.plain()["newest"] == "1.2.0"


def test_a_release_can_be_named():
    (news,) = look("pretend==1.1", has=["1.0", "1.1.0", "1.2.0"], known=FAKES)
    assert news.wanted == Release("1.1.0", None)
    (news,) = look("pretend==1.0", has=["1.0"], known=FAKES)
    assert news.wanted is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pretend==7", "has no numpy 7"),
        ("pretend==0.1", "no final release after"),
        ("pretend==1.3rc1", "no final release after"),
        ("pretemd", "did you mean pretend"),
    ],
)
def test_wrong_names_are_usage_errors(name, words):
    with pytest.raises(UsageError, match=words):
        look(name, has=["0.1", "1.0", "1.3rc1"], known=FAKES)


def test_a_plan_of_what_is_new_needs_nothing_written(tmp_path):
    news = look(PAIRED, has=["1.9.1", "2.0.0"])
    request = Request(frameworks=(PAIRED,), results=tmp_path)
    known = loader.load()
    known = update.imagined(known, news)
    pairs = update.pending(request, known)
    assert pairs == [Pair(PAIRED, "1.9.1", "2.0.0")]
    made, asked = update.prepare(request, known, pairs)
    assert {job.version for job in made.jobs} == {"1.9.1", "2.0.0"}
    assert {section for job in made.jobs for section in job.sections} == {
        "lenet", "compile", "memory"
    }  # fmt: skip
    old, new = (
        sorted(
            (j.mode, j.start, j.block) for j in made.jobs if (j.version, j.case) == (version, "")
        )
        for version in ("1.9.1", "2.0.0")
    )
    assert old == new  # whatever one does, the other one does in the same block
    again = [job for job in made.jobs if job.case == "again"]
    assert {job.version for job in again} == {"1.9.1"}  # once is enough for the A/A noise
    assert asked.installation


@pytest.mark.parametrize("known_noise", [True, False])
def test_a_quick_update_skips_what_no_interval_could_distinguish(known_noise):
    known = loader.load()
    pair = Pair(MANY, "2.15.0", "2.21.0")
    chosen = plan.selection(known, [f"{MANY}==2.15.0", f"{MANY}==2.21.0"])
    sections = [known.section(id) for id in ("lenet", "compile", "memory")]

    def made(profile):
        return plan.make(
            chosen, sections, modes=(), device="cpu", lanes=(),
            profile=profiles.PROFILES[profile], seed=1,
        )  # fmt: skip

    whole = made("quick")
    less = update._reduced(whole, [pair], known, noise_known=known_noise)
    assert {job.id for job in less.jobs} < {job.id for job in whole.jobs}
    for version in (pair.old, pair.new):
        mine = [job for job in less.jobs if job.version == version and job.start == "warm"]
        blocks = {mode: {job.block for job in mine if job.mode == mode} for mode in
                  ("function", "eager", "xla")}  # fmt: skip
        assert blocks == {"function": {0, 1, 2}, "eager": {0}, "xla": {0}}, "every mode is verified"
    assert {job.version for job in less.jobs if job.accuracy} == {pair.new}
    assert any(is_again(job.case) for job in less.jobs) == (not known_noise)
    assert update._reduced(made("full"), [pair], known, noise_known=known_noise) == made("full")


# ------------------------------------------------------------------------------------ what changed


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Two releases in one run, as one frame; the newer one is a copy to be changed."""
    root = tmp_path_factory.mktemp("changes")
    write_sample(root, frameworks=(PAIRED,), profile="quick")
    frame = selection.select(reading.load(root))
    return frame[frame["section"].isin(["lenet", "memory", "compile"])].astype({"version": str})


def compared(rows, change):
    import pandas as pd

    newer = rows.assign(version="2.0.0")
    change(newer)
    both = pd.concat([rows, newer], ignore_index=True)
    for column in both.columns.difference(["value", "block", "sample"]):
        both[column] = both[column].astype(str).astype("category")
    return changes.compare(both, Pair(PAIRED, "1.9.1", "2.0.0"), draw_on())


def scaled(factor, **where):
    def change(newer):
        chosen = newer["status"].astype(str) == "ok"
        for column, value in where.items():
            chosen &= newer[column].astype(str) == value
        newer.loc[chosen, "value"] *= factor

    return change


def found(changes_, **where):
    return {
        change.verdict
        for change in changes_
        if all(getattr(change.key, name) == value for name, value in where.items())
    }


@pytest.mark.parametrize(
    ("factor", "metric", "verdict"),
    [
        (2.0, "step_time", "slower"),
        (0.5, "step_time", "faster"),
        (1.0, "step_time", "not resolved"),  # three noisy blocks cannot say
        (1.5, "peak_above_import", "more"),
        (0.5, "peak_above_import", "less"),
    ],
)
def test_a_change_has_its_word_and_its_interval(rows, factor, metric, verdict):
    told = compared(rows, scaled(factor, metric=metric))
    assert found(told, metric=metric) == {verdict}
    for change in told:
        if change.key.metric == metric:
            assert change.ratio.value == pytest.approx(factor)
            assert change.noise > 0
            assert not change.ratio.across
            assert change.new == pytest.approx(factor * change.old)
    # What did not change did not change.
    assert found(told, metric="evaluation_time") <= {"equivalent", "not resolved"}
    assert all(change.key.case != "again" for change in told)


def test_what_breaks_is_told_once_with_its_reason(rows):
    def change(newer):
        lost = (newer["mode"].astype(str) == "gluon") & (newer["section"].astype(str) == "lenet")
        for column, text in (("status", "wrong"), ("reason", "gradient of conv1: <b>")):
            newer[column] = newer[column].astype(str).where(~lost, text)
        newer.loc[lost, "value"] = float("nan")

    told = compared(rows, change)
    broken = [change for change in told if change.verdict == "newly broken"]
    assert {(c.key.mode, c.key.metric) for c in broken} == {("gluon", "gate")}
    assert len(broken) == len({c.key.lane for c in broken})
    assert broken[0].reason == "gradient of conv1: <b>"
    assert told[: len(broken)] == broken  # the worst first
    pair = Pair(PAIRED, "1.9.1", "2.0.0")
    subject = changes.subject(pair, told, {}, loader.load(), ["a note"])
    document = {
        "machine": {"cpu": "a CPU", "cores": 2}, "profile": "quick", "command": "generator update",
    }  # fmt: skip
    context = changes.report("20261126T010203Z-abcdef", [subject], document)
    text = markdown.environment(ROOT / "templates").get_template("changes.md.j2").render(context)
    assert f"## {NAMES[PAIRED]} 1.9.1 → 2.0.0" in text
    assert "<b>" not in text
    assert "- a note" in text
    heads = [line for line in text.splitlines() if line.startswith("### ")]
    assert heads[0] == "### Newly broken"
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert changes.line(broken[0], loader.load()).startswith("newly broken: ")
    assert changes.plain(broken[0])["verdict"] == "newly broken"


def test_what_works_again_is_newly_supported(rows):
    lost = rows.assign(value=float("nan"), status="failed", reason="no")

    def change(newer):
        newer["value"] = rows["value"]
        newer["status"], newer["reason"] = rows["status"], rows["reason"]

    told = compared(lost, change)
    assert {change.verdict for change in told} == {"newly supported"}


# ------------------------------------------------------------------------------ what pages show


def test_pages_show_the_newest_release_of_each_configuration(tmp_path):
    for n, version in enumerate(("1.9.1", "1.10.0", "1.7.0.post1")):
        write_sample(
            tmp_path, frameworks=(PAIRED,), profile="quick", versions={PAIRED: version}, start=n
        )
    frame = selection.select(reading.load(tmp_path))
    assert set(frame["version"]) == {"1.9.1", "1.10.0", "1.7.0.post1"}  # for `compare`

    def shown(*listed, rows=frame):
        current = selection.current(rows, {PAIRED: listed})
        places = ["section", "mode", "device", "lane"]
        assert len(rows[places].drop_duplicates()) == len(current[places].drop_duplicates())
        return {str(version) for version in current["version"]}

    assert shown() == {"1.10.0"}  # by number, not by spelling
    assert shown("1.7.0.post1", "1.9.1") == {"1.10.0"}
    assert shown("1.10.0", "1.9.1") == {"1.9.1"}  # as framework.toml says
    assert shown("1.9.1", "2.0") == {"1.10.0"}
    # What only an older release was measured for keeps that one.
    part = frame[(frame["version"] != "1.10.0") | (frame["section"] != "memory")]
    current = selection.current(part, {PAIRED: ("1.7.0.post1", "1.9.1", "1.10.0")})
    assert {str(v) for v in current[current["section"] == "memory"]["version"]} == {"1.9.1"}
    assert {str(v) for v in current[current["section"] == "lenet"]["version"]} == {"1.10.0"}
    assert set(current["machine"]) == {MACHINE}
    assert selection.current(frame[:0], {}).empty


def test_words_of_a_release_follow_the_snapshot():
    fake = FAKES.framework("pretend")
    (news,) = look("pretend", has=["1.0", "1.1.0"], known=FAKES)
    assert freshness.label(replace(fake, watch=news.watch), "1.0") == "1.0, 1 release behind"
