"""Variants: planned and started beside their mode, judged against it, and ranked nowhere."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from generator.analysis import trials
from generator.catalog import loader
from generator.catalog.model import Catalog, Variant
from generator.cli import check
from generator.measure import environments, history, profiles
from generator.measure.request import Request
from generator.pages.overviews import frameworks as page
from generator.results import reading, selection
from tests.sample_results import GRAPH, write_variants
from tests.unit.frames import frame, samples
from tests.unit.test_plan import framework as planned
from tests.unit.test_plan import make

PROFILE = profiles.PROFILES["variants"]
NEW = Variant(
    "new", "compiled", "NEW=1", "https://example.org", "not tried", environment={"N": "1"}
)
OLD = replace(NEW, id="old", used=True, options={"old": False})
FRAMEWORK = replace(loader.load().framework(GRAPH), variants=(NEW, OLD))
CATALOG = Catalog((FRAMEWORK,), ())


def rows(**factors):
    """A mode's steps and those of its trials, in blocks that differ among themselves."""
    found = []
    for case, factor in {
        "": 1.0,
        **{name.replace("_", " "): f for name, f in factors.items()},
    }.items():
        wobble = [1.0, 1.01, 0.99, 1.005, 0.995]
        values = [
            [factor * (1 + block / 10) * wobble[(block * len(case)) % 5]] for block in range(5)
        ]
        found += samples(values, case=case, profile="variants")
        found += samples(values, case=case, profile="variants", section="memory",
                         metric="peak_above_import", unit="B")  # fmt: skip
    return found


def found(*more, **factors):
    new, old = trials.find(frame(*rows(**factors), *more), CATALOG)
    return new, old


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.8, "faster"), (1.3, "slower"), (1.01, "equivalent")]
)
def test_a_variant_is_judged_against_its_mode(factor, verdict):
    new, _ = found(with_new=factor)
    assert new.speed.verdict == new.memory.verdict == verdict
    assert new.speed.ratio.value == pytest.approx(1 / factor, rel=0.02)
    assert new.speed.ratio.low < new.speed.ratio.value < new.speed.ratio.high
    assert new.beats == (verdict == "faster")


@pytest.mark.parametrize(
    ("factor", "verdict", "beats"), [(1.3, "faster", False), (0.8, "slower", True)]
)
def test_a_used_switch_is_compared_the_other_way_round(factor, verdict, beats):
    _, old = found(without_old=factor)
    assert old.speed.verdict == verdict
    assert old.speed.ratio.value == pytest.approx(factor, rel=0.02)
    assert old.beats == beats


def test_what_was_measured_before_a_switch_was_adopted_says_nothing_of_its_loss():
    _, old = found(with_old=0.5)
    assert (old.status, old.speed, old.beats) == ("", None, False)


def test_a_wrong_variant_has_a_reason_and_no_gain():
    wrong = {"case": "with new", "status": "wrong", "value": None, "metric": "gate",
             "unit": "verdict", "reason": "gradients differ"}  # fmt: skip
    new, _ = found({**wrong, "profile": "variants"}, with_new=0.5)
    assert (new.status, new.reason, new.speed, new.beats) == (
        "wrong",
        "gradients differ",
        None,
        False,
    )


def test_intervals_hold_for_all_trials_of_a_mode_together():
    alone, _ = found(with_new=0.8)
    among, _ = found(with_new=0.8, **{f"with_other{n}": 1.0 for n in range(8)})
    assert among.speed.ratio.degrees > alone.speed.ratio.degrees, "their noise is pooled"


def test_another_mode_is_another_family():
    other = [row | {"mode": "compiled-switch"} for row in rows(with_new=3.0)]
    assert found(*other, with_new=0.8)[0].speed == found(with_new=0.8)[0].speed


def test_a_gain_up_to_the_margin_beats_nothing():
    place = "here", "cpu", "lenet", "threads-all", "step_time"
    (new, _) = trials.find(frame(*rows(with_new=1 / 1.045)), CATALOG, {place: 0.01})
    assert new.speed.verdict == "faster"
    assert not new.beats
    assert trials.find(frame(*rows(with_new=1 / 1.1)), CATALOG, {place: 0.01})[0].beats


# ------------------------------------------------------------------------------------ the plan


VARIED = replace(
    planned("alpha"), variants=(replace(NEW, mode="plain"), replace(OLD, mode="plain"))
)


def test_trials_run_in_the_blocks_of_their_mode_and_other_modes_not_at_all():
    made = make((VARIED, planned("beta")), profile=PROFILE)
    assert {(job.framework, job.mode) for job in made.jobs} == {("alpha", "plain")}
    for block in range(PROFILE.blocks):
        cases = [job.case for job in made.jobs if job.block == block and job.start == "warm"]
        assert sorted(cases) == ["", "again", "with new", "without old"]
    cold = [job for job in made.jobs if job.start == "cold"]
    assert sorted(job.case for job in cold) == ["", "with new", "without old"]
    assert {job.sections for job in cold} == {("compile",)}
    assert len({job.stage for job in made.jobs}) == PROFILE.blocks, (
        "no mode begins before its trials"
    )
    assert not any(job.accuracy for job in made.jobs)


def test_other_profiles_try_nothing():
    for profile in profiles.PROFILES.values():
        made = make((VARIED,), profile=profile)
        tried = {job.case for job in made.jobs} - {"", "again"}
        assert bool(tried) == profile.variants, profile.name


def test_what_variants_set_is_part_of_their_code_alone():
    catalog = loader.load()
    section, framework = catalog.section("lenet"), catalog.framework(GRAPH)
    version = framework.newest.version

    def code(framework, **more):
        return history.code_hash(section, framework, version, catalog, **more)

    other = replace(framework, variants=(NEW,))
    assert code(framework) == code(other)
    before = code(other, variants=True)
    assert before != code(framework, variants=True)
    assert before == code(replace(other, variants=(replace(NEW, why="so"),)), variants=True)
    assert before != code(replace(other, variants=(replace(NEW, used=True),)), variants=True)
    assert before != code(replace(other, variants=(replace(NEW, environment={}),)), variants=True)


def test_both_ways_of_asking_for_variants_mean_one():
    assert Request(variants=True) == Request(profile="variants")
    assert not Request().variants


def test_a_trial_sets_variables_and_removes_them(tmp_path):
    framework = replace(VARIED, environment={"KEPT": "1", "GONE": "1", "NAMED": "1"})
    here = environments.current()
    trial = replace(NEW, environment={"GONE": "", "NAMED": "{threads}", "NEW": "x"})
    given = {"device": "cpu", "threads": 3, "cache": tmp_path}
    found = environments.variables(framework, here, **given, trial=trial)
    assert found == {"KEPT": "1", "NAMED": "3", "NEW": "x"}
    assert environments.variables(framework, here, **given) == framework.environment


# ----------------------------------------------------------------------------- check and pages


@pytest.fixture
def root(tmp_path):
    """A repository in which a framework has two variants."""
    folder = tmp_path / "measurements" / "frameworks" / GRAPH
    folder.mkdir(parents=True)
    text = (loader.load().framework(GRAPH).folder / "framework.toml").read_text()
    text = text.partition("[[variants]]")[0]
    for variant in (NEW, OLD):
        text += f'\n[[variants]]\nid = "{variant.id}"\nmode = "compiled"\ntitle = "a switch"\n'
        text += f'source = "https://example.org"\nused = {str(variant.used).lower()}\n'
        text += 'why = "so"\nenvironment = { N = "1" }\n'
    (folder / "framework.toml").write_text(text)
    return tmp_path


def beaten(root, **cases):
    results = root / "measurements" / "results"
    write_variants(results, GRAPH, {name.replace("_", " "): f for name, f in cases.items()})
    return check.beaten_modes(results, loader.load(root))


def test_a_mode_that_its_variant_beats_is_a_problem_with_file_and_line(root):
    (problem,) = beaten(root, with_new=0.7, without_old=1.4)
    lines = (
        (root / "measurements" / "frameworks" / GRAPH / "framework.toml").read_text().splitlines()
    )
    assert problem.file.endswith(f"{GRAPH}/framework.toml")
    assert lines[problem.line - 1 : problem.line + 1] == ["[[variants]]", 'id = "new"']
    assert "times as long" in problem.found
    assert "uses" in problem.expected


def test_a_used_switch_that_slows_its_mode_is_a_problem(root):
    (problem,) = beaten(root, with_new=1.0, without_old=0.7)
    assert "without old" in problem.found


def test_gains_within_the_margin_are_none(root):
    assert beaten(root, with_new=0.97, without_old=1.0) == []
    assert check.beaten_modes(root / "nowhere", loader.load(root)) == []


def test_the_page_says_what_was_tried_gained_and_used():
    inputs = SimpleNamespace(trials=found(with_new=0.8), documents={})
    (new, old) = page._switches(FRAMEWORK, inputs).rows
    switch, speed, memory, used = new
    assert (switch.text, switch.source) == ("NEW=1", "https://example.org")
    assert (speed.badge.word, memory.badge.word) == ("faster", "less")
    assert float(speed.text) == pytest.approx(1.25, abs=0.02)
    assert speed.detail.startswith("faster, 1.")
    assert speed.href.startswith("../data/here/")
    assert (used.text, used.detail) == ("no", "not tried")
    assert [cell.text for cell in old] == ["NEW=1", "", "", "yes"]
    assert old[1].badge.word == "not measured"


def test_variants_are_on_no_page_of_results(tmp_path):
    write_variants(tmp_path, GRAPH, {"with new": 0.5})
    loaded = reading.load(tmp_path)
    assert selection.select(loaded).empty
    assert selection.study(loaded, selection.select(loaded)).empty
    assert not selection.select(loaded, ("variants",)).empty
