"""What changed: from release to release, run to run, machine to machine; page, feed, command."""

import datetime
import json
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from generator.analysis import cells, change_events, changes, history
from generator.analysis.statistics import Ratio
from generator.catalog import loader
from generator.cli import app
from generator.pages import atom_feed, markdown
from generator.pages.overviews import changes as page
from generator.pages.overviews import machines
from generator.results import reading, selection
from generator.site import render
from tests import sample_results, vega_lite
from tests.sample_results import GRAPH, MANY, NAMES, PAIRED
from tests.unit.frames import draw_on, frame

FIRST, SECOND = sample_results.MACHINE, "second-machine"
RELEASES = {
    GRAPH: {"0.8.2": 2.0, "0.9.0": 1.0, "1.0.0": 1.0},
    PAIRED: {"1.2.0": 1.0, "1.5.0": math.nan, "1.9.1": 1.0},
    MANY: {"1.15.0": 2.0, "2.0.0": 1.0},
}
TODAY = datetime.date(2026, 12, 1)
ATOM = {"a": atom_feed.ATOM}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two runs and a history of one machine, and one run of another."""
    folder = tmp_path_factory.mktemp("results")
    common = {"profile": "quick", "frameworks": (GRAPH, PAIRED), "oddities": False}
    sample_results.write_sample(folder, start=0, **common)
    sample_results.write_sample(folder, start=1, **common)
    sample_results.write_sample(folder, start=2, machine=SECOND, **common)
    sample_results.write_history(folder, RELEASES, start=3)
    return folder


@pytest.fixture(scope="module")
def inputs(root):
    known = loader.load()
    loaded = reading.load(root)
    shown = selection.shown(loaded, known.listed)
    return render._inputs(loader.ROOT, root, known, loaded, shown, TODAY, None)


@pytest.fixture(scope="module")
def found(inputs):
    return inputs.events


def of(found, kind):
    return [event for event in found if event.kind == kind]


def speeds(event):
    return [change for change in event.changes
            if (change.key.section, change.key.metric) == ("lenet", "step_time")]  # fmt: skip


# ---------------------------------------------------------------------------------------- events


def test_neighbouring_releases_are_compared_within_their_run(found):
    pairs = [(e.framework, e.old, e.new) for e in of(found, "releases")]
    assert pairs == [
        (PAIRED, "1.2.0", "1.5.0"), (PAIRED, "1.5.0", "1.9.1"),
        (MANY, "1.15.0", "2.0.0"),
        (GRAPH, "0.8.2", "0.9.0"), (GRAPH, "0.9.0", "1.0.0"),
    ]  # fmt: skip
    (faster,), (same,) = (speeds(e) for e in of(found, "releases")[3:])
    assert not faster.ratio.across
    assert (faster.verdict, same.verdict != "faster") == ("faster", True)
    assert faster.ratio.value == pytest.approx(0.5, rel=0.1)
    assert (faster.before.version, faster.key.version) == ("0.8.2", "0.9.0")


def test_what_breaks_and_what_works_again_is_told_once_each(found):
    broke, mended = of(found, "releases")[:2]
    assert [c.verdict for c in broke.changes] == [changes.BROKEN]
    assert "SYNTHETIC" in broke.changes[0].reason
    assert [c.verdict for c in mended.changes if c.differs] == [changes.SUPPORTED]


def test_the_newest_run_is_compared_with_the_one_before_it_and_across_runs(found, inputs):
    (event,) = of(found, "runs")
    assert event.machine == FIRST
    assert event.old < event.new
    assert event.same_code
    assert all(change.ratio.across for change in event.changes)
    resolvable = {c.key.metric for c in event.changes if math.isfinite(c.ratio.low)}
    assert {"step_time", "ready_time"} <= resolvable, "the spread between runs is in the interval"
    assert "spread between runs" in change_events.notes(event, inputs.documents)[0]
    topics = {change.key.section for change in event.changes}
    assert topics == {"lenet", "compile", "memory", "highlevel", "r"}


def test_it_is_said_when_the_measuring_code_changed(root, tmp_path):
    known = loader.load()
    loaded = reading.load(root)
    newest = max(key for key in loaded.records if key.startswith(f"{FIRST}/{GRAPH}/1.0.5/"))
    document = dict(loaded.records[newest])
    document["code_sha256"] = {**document["code_sha256"], "lenet": "f" * 64}
    changed = replace(loaded, records={**loaded.records, newest: document})
    shown = selection.shown(changed, known.listed)
    drawn_on = change_events.draw_on(changed.records, shown, known, cells.spreads(changed))
    events = change_events.find(changed, shown, drawn_on)
    by_code = {e.same_code: e for e in of(events, "runs")}
    assert {c.key.section for c in by_code[False].changes} == {"lenet"}
    assert {c.key.framework for c in by_code[False].changes} == {GRAPH}
    assert any(
        "code changed" in note for note in change_events.notes(by_code[False], changed.records)
    )
    assert by_code[False].id != by_code[True].id


def test_a_machine_is_compared_with_the_one_that_was_there_first(found):
    (event,) = of(found, "machines")
    assert (event.old, event.new) == (FIRST, SECOND)
    for change in event.changes:
        assert (change.before.machine, change.key.machine) == (FIRST, SECOND)
        assert change.before._replace(machine=SECOND) == change.key
        assert change.ratio.across


def test_events_come_newest_first_and_have_names_of_their_own(found, inputs, root):
    assert [e.run for e in found] == sorted((e.run for e in found), reverse=True)
    names = [event.id for event in found]
    assert len(set(names)) == len(names)
    again = change_events.find(reading.load(root), inputs.shown, inputs.known)
    assert [event.id for event in again] == names


def test_an_unfinished_run_is_no_event(root, tmp_path):
    known = loader.load()
    loaded = reading.load(root)
    open_ = {
        key: {**document, "finished": None} if document["profile"] == "history" else document
        for key, document in loaded.records.items()
    }
    unfinished = replace(loaded, records=open_)
    shown = selection.shown(unfinished, known.listed)
    drawn_on = change_events.draw_on(unfinished.records, shown, known, {})
    assert not of(change_events.find(unfinished, shown, drawn_on), "releases")


def test_one_run_on_one_machine_is_no_event(tmp_path):
    sample_results.write_sample(tmp_path, profile="quick", frameworks=(GRAPH,))
    known = loader.load()
    loaded = reading.load(tmp_path)
    shown = selection.shown(loaded, known.listed)
    drawn_on = change_events.draw_on(loaded.records, shown, known, {})
    assert change_events.find(loaded, shown, drawn_on) == ()


# ----------------------------------------------------------------------------- one event, by hand

KEY = cells.Key("m", GRAPH, "1.0.5", "lenet", "compiled", "cpu", "threads-all", "", "step_time")
RECORD = {
    "profile": "full", "lock_sha256": "a", "environment": {"python": "3.11"},
    "finished": "2026-01-02T00:00:00Z", "starts": ["2026-01-01T00:00:00Z"],
}  # fmt: skip


def event(kind="runs", verdicts=("slower",), *, same_code=True, run="run-2"):
    sources = {"old_source": "old", "new_source": "new", "same_code": same_code}
    items = tuple(changes.Change(KEY, KEY, "s", verdict, **sources) for verdict in verdicts)
    return change_events.Event(kind, "m", "cpu", "", "run-1", "run-2", run, same_code, items)


def test_the_name_of_an_event_never_changes():
    assert event().id == "urn:uuid:24a3f0f6-f498-5180-a950-b4dbe5d0197d"
    assert event().id == event(verdicts=("faster", "slower")).id
    assert event().id != event(same_code=False).id
    assert event().id != event(run="run-3").id
    assert event("machines").id == event("machines", run="run-3").id, "compared again and again"


def test_what_differs_is_apart_from_what_does_not():
    found = event(verdicts=("slower", changes.SAME, changes.BROKEN, changes.NOT_RESOLVED))
    assert [change.verdict for change in found.differing] == ["slower", changes.BROKEN]
    assert found.keys == {"old", "new"}


@pytest.mark.parametrize(
    ("kind", "new", "notes"),
    [
        ("runs", {}, ["Both were measured by the same code."]),
        (
            "runs",
            {"profile": "quick", "lock_sha256": "b"},
            [
                "Both were measured by the same code.",
                "Other profile: full → quick.",
                "Packages of the environments changed in between, too.",
            ],
        ),
        ("releases", {"profile": "quick", "lock_sha256": "b"}, []),
        ("releases", {"environment": {"python": "3.12"}}, ["Other Python: 3.11 → 3.12."]),
    ],
)
def test_notes_say_what_else_differs(kind, new, notes):
    assert change_events.notes(event(kind), {"old": RECORD, "new": RECORD | new}) == notes


@pytest.mark.parametrize(
    ("kind", "low", "note"),
    [
        ("runs", 0.9, "Across runs: the spread between runs is part of each interval."),
        ("machines", math.nan, "Across runs, of which too few were repeated to know how far"
         " apart they lie: no interval, and no verdict."),
    ],
)  # fmt: skip
def test_notes_say_that_a_comparison_spans_runs(kind, low, note):
    (change,) = event(kind).changes
    ratio = Ratio(1.0, low, 1.1, 0.05, 5.0, across=True)
    found = replace(event(kind), changes=(replace(change, ratio=ratio),))
    assert change_events.notes(found, {"old": RECORD, "new": RECORD})[0] == note


def test_another_measuring_code_is_noted_by_kind():
    documents = {"old": RECORD, "new": RECORD}
    (runs,) = change_events.notes(event(same_code=False), documents)
    (machines,) = change_events.notes(event("machines", same_code=False), documents)
    assert "may come from that" in runs
    assert machines == "Not all of it was measured by the same code on both sides."


def test_an_event_ends_with_its_newest_run_finished_or_not():
    later = RECORD | {"finished": None, "starts": ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]}
    assert change_events.finished(event(), {"old": RECORD, "new": later}) == later["starts"][1]
    assert change_events.finished(event(), {"old": RECORD, "new": RECORD}) == RECORD["finished"]


def test_machines_join_by_their_first_run():
    rows = frame(
        {"machine": "b", "run": "3"}, {"machine": "a", "run": "2"}, {"machine": "b", "run": "1"},
        {"machine": "c", "run": "2"},
    )  # fmt: skip
    assert change_events.joined(rows) == ["b", "a", "c"]


def test_one_configuration_breaks_once_in_all_its_sections():
    sections = [{"section": name, "metric": "gate"} for name in ("memory", "lenet", "compile")]
    old = frame(*sections)
    new = frame(*(row | {"status": "wrong", "reason": row["section"]} for row in sections))
    broke = changes.between(old, new, draw_on(), may_differ=())
    assert len(broke) == 3
    (only,) = change_events._once(broke)
    assert only.reason == "lenet", "verification says why"
    assert {only.old_source, only.new_source} == set(old["provenance"]) | set(new["provenance"])


# ------------------------------------------------------------------------------- words and numbers


def told(*arguments):
    return CliRunner().invoke(app.app, ["compare", *map(str, arguments)])


def test_page_feed_and_command_say_the_same(inputs, root):
    context = page.context(inputs)
    printed = " ".join(told("--changes", "--results", root).stdout.split())  # it is wrapped
    fed = page.files(inputs)[page.FEED]
    for event in inputs.events:
        assert changes.summary(event.changes) in printed
        assert changes.summary(event.changes) in fed
        for item in event.differing:
            line = change_events.line(item, inputs.catalog)
            assert line in printed
            assert line in fed.replace("&lt;", "<")
    texts = json.dumps([str(part) for part in context["parts"]], ensure_ascii=False)
    for event in inputs.events:
        for change in event.changes:
            if change.ratio:
                assert f"{change.ratio.value:.3f}" in texts


def test_two_versions_are_compared_in_their_common_run_as_on_the_page(inputs, root):
    step = (f"{GRAPH}==0.8.2", f"{GRAPH}==0.9.0", "--metric", "step_time", "--results", root)
    done = told(*step, "--json")
    assert done.exit_code == 0
    (item,) = json.loads(done.stdout)
    (change,) = speeds(of(inputs.events, "releases")[3])
    assert 1 / item["ratio"] == pytest.approx(change.ratio.value)
    assert item["noise"] == change.noise
    assert (item["across"], change.ratio.across) == (False, False)
    # On the page all releases are compared together; a pair asked for by name stands alone.
    assert 1 / item["low"] != pytest.approx(change.ratio.high)
    text = told(*step).stdout
    assert "faster" in text
    assert "slower" not in text


def test_releases_are_compared_in_the_modes_that_stood_for_them(found, inputs, root):
    event = of(found, "releases")[2]
    modes = {(change.before.mode, change.key.mode) for change in event.changes}
    assert modes == {("session", "function")}
    assert "Graph in a Session → tf.function" in change_events.line(
        event.changes[0], inputs.catalog
    )
    done = told(f"{MANY}==1.15.0", f"{MANY}==2.0.0", "--results", root, "--json")
    pairs = {(item["a"]["mode"], item["b"]["mode"]) for item in json.loads(done.stdout)}
    assert pairs == {("session", "function")}


def test_machines_can_be_compared_by_their_ids(root):
    done = told(f"machine:{FIRST}", f"machine:{SECOND}", "--results", root)
    assert done.exit_code == 0
    assert NAMES[GRAPH] in done.stdout


@pytest.mark.parametrize("words", [(), (GRAPH,), (GRAPH, PAIRED, "--changes")])
def test_compare_says_how_it_is_used(words, root):
    done = told(*words, "--results", root)
    assert done.exit_code != 0
    assert isinstance(done.exception, Exception)
    assert "--changes" in str(done.exception)


def test_without_anything_to_compare_the_command_says_so(tmp_path):
    assert "Nothing can be compared" in told("--changes", "--results", tmp_path).stdout


# ------------------------------------------------------------------------------------------- pages


def rendered(name, context):
    environment = markdown.environment(loader.ROOT / "templates")
    return environment.get_template(f"pages/{name}.md.j2").render(context)


def test_the_page_shows_every_event_under_its_anchor(inputs):
    text = rendered("changes", page.context(inputs))
    anchors = re.findall(r"attrs: \{id: ([\w-]+)\}", text)
    anchors.remove("method")
    assert len(anchors) == len(set(anchors)) == 3
    for href in re.findall(r'href="changes\.html#([\w-]+)"', page.files(inputs)[page.FEED]):
        assert href in anchors
    assert "[Atom feed](changes.xml)" in text
    assert "newly broken" in text
    assert "within one run" in text
    assert "across runs" in text


def test_without_changes_the_page_says_what_it_takes(unmeasured):
    report = unmeasured / "report"
    text = (report / "changes.md").read_text(encoding="utf-8")
    assert "two releases measured in one run" in text
    assert b"<entry>" not in (report / page.FEED).read_bytes()
    text = (report / "machines.md").read_text(encoding="utf-8")
    assert "Nothing is measured for this page yet" in text
    assert "generator report" in text


@pytest.mark.whole
def test_the_site_has_page_feed_and_the_rows_of_both_sides(tmp_path):
    for start in (0, 1):
        sample_results.write_sample(
            tmp_path / "r", profile="quick", frameworks=(GRAPH,), start=start, oddities=False
        )
    render.render(results_root=tmp_path / "r", docs=tmp_path / "docs")
    report = tmp_path / "docs" / "report"
    links = re.findall(r"\]\((data/[^)]+)\)", (report / "changes.md").read_text(encoding="utf-8"))
    assert len({link.rsplit("/", 1)[1] for link in links}) == 2, "both runs"
    for link in links:
        assert (report / link).is_file()
    first = (report / page.FEED).read_bytes()
    assert render.render(results_root=tmp_path / "r", docs=tmp_path / "docs").written == []
    assert (report / page.FEED).read_bytes() == first
    alone = (report / "machines.md").read_text(encoding="utf-8")
    assert "nothing to compare it with" in alone
    assert FIRST in alone


def drawn(inputs):
    charts = []

    def draw(chart):
        charts.append(chart)
        from generator.pages.inputs import Picture

        return Picture(chart.alt, (), "", "")

    from generator.analysis import panels

    known = {
        (machine, "cpu"): panels.Figures(
            machine, "cpu", (),
            cells.fitted(
                cells.group_cells(inputs.shown[inputs.shown["machine"] == machine]), {}
            ),
        )
        for machine in inputs.machines
    }  # fmt: skip
    return machines.context(replace(inputs, figures=known, draw=draw)), charts


def test_machines_are_compared_with_ratios_of_speed(inputs):
    context, charts = drawn(inputs)
    (part,) = context["parts"]
    rows = {row[0].detail: row for row in part.blocks[0].tables[0].rows}
    assert list(rows) == [FIRST, SECOND]
    assert rows[FIRST][5].text == "3"
    (fold,) = part.folds
    (event,) = of(inputs.events, "machines")
    assert len(fold.tables[0].rows) == len(speeds(event)) > 3
    for row in fold.tables[0].rows:
        here, there = (float(cell.text.replace(",", "")) for cell in row[3:5])
        assert float(row[5].text) == pytest.approx(here / there, abs=0.002)
    (chart,) = charts
    for specification in chart.specs.values():
        vega_lite.validate(specification)
    drawn_ = [row for rows in chart.specs["wide"]["datasets"].values() for row in rows]
    assert {row["framework"] for row in drawn_} == {NAMES[PAIRED], NAMES[GRAPH]}
    assert all(row["start"] for row in drawn_)


def test_the_page_of_releases_uses_the_same_changes(inputs):
    (found,) = history.find(inputs.history, inputs.known)
    pages = {
        (s.change.before, s.change.key): s.change
        for s in found.steps if s.old.gate == "ok"
    }  # fmt: skip
    for event in of(inputs.events, "releases"):
        for change in event.changes:
            if change.ratio:
                assert pages[change.before, change.key] == change


# -------------------------------------------------------------------------------------------- feed


def test_the_feed_is_atom(inputs):
    tree = ET.fromstring(page.files(inputs)[page.FEED])
    assert tree.tag == f"{{{atom_feed.ATOM}}}feed"
    entries = tree.findall("a:entry", ATOM)
    assert len(entries) == len(inputs.events)
    names = [tree.findtext("a:id", None, ATOM)]
    for element in (tree, *entries):
        for name in ("id", "title", "updated"):
            (one,) = element.findall(f"a:{name}", ATOM)
            assert one.text
        updated = datetime.datetime.fromisoformat(element.findtext("a:updated", None, ATOM))
        assert updated.tzinfo
        (link,) = element.findall("a:link", ATOM)
        assert link.get("rel") == "alternate"
        assert not link.get("href").startswith(("/", "http"))
    names += [entry.findtext("a:id", None, ATOM) for entry in entries]
    assert len(set(names)) == len(names)
    assert all(name.startswith("urn:uuid:") for name in names)
    assert tree.findtext("a:author/a:name", None, ATOM)
    newest = max(entry.findtext("a:updated", None, ATOM) for entry in entries)
    assert tree.findtext("a:updated", None, ATOM) == newest


def test_a_feed_takes_any_text():
    hostile = f"{sample_results.HOSTILE}\x07\x1b ]]>"
    entry = atom_feed.Entry(
        "urn:x", hostile, "2026-01-01T00:00:00Z", "p.html#a", hostile, (hostile,)
    )
    text = atom_feed.atom("name", "title", "who", "p.html", [entry])
    (title,) = ET.fromstring(text).findall("a:entry/a:title", ATOM)
    assert title.text.startswith(sample_results.HOSTILE)
    assert "<script>" not in text
