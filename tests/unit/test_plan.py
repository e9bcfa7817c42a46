"""What a plan holds, in which order, and that both follow from its arguments alone."""

import datetime
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.catalog import loader, model
from generator.catalog.model import KINDS, LANES, Framework, Gap, Mode, Retired, Section, Version
from generator.errors import UsageError
from generator.measure import estimates, history, plan
from generator.measure.plan import Cell, Job, Rank
from generator.measure.profiles import PROFILES, Profile
from generator.results.schema import is_again, replicated
from tests.conftest import ROOT


def mode(id, *, default=False, devices=("cpu", "cuda")):
    warmup = {"cpu": 1, "cuda": 1}
    return Mode(id, id.title(), "symbolic", "closed", devices, "Summary.", warmup, default)


def framework(id, modes=("plain", "fast"), *, gaps=(), versions=("1.0",), devices=("cpu", "cuda")):
    made = tuple(mode(m, default=m == modes[0], devices=devices) for m in modes)
    releases = tuple(Version(v, "3.11", {}, Path(id)) for v in versions)
    return Framework(id, id.title(), Path(id), {}, id, made, releases, tuple(gaps), {}, {}, {})


def section(id, starts=("warm",)):
    return Section(id, id, "", 1, "Why?", {}, starts, Path(id))


SECTIONS = (
    section("facts", ()),
    section("lenet"),
    section("memory"),
    section("compile", ("cold", "warm")),
)
TWO = (framework("alpha"), framework("beta", ("eager", "graph", "turbo")))
FULL, QUICK, AA = PROFILES["full"], PROFILES["quick"], PROFILES["aa"]


def chosen(frameworks):
    return [(f, f.newest) for f in frameworks]


def make(frameworks=TWO, sections=SECTIONS, **changes):
    arguments = {"modes": (), "device": "cpu", "lanes": (), "profile": QUICK, "seed": 7}
    return plan.make(chosen(frameworks), sections, **{**arguments, **changes})


def blocks(made):
    shared = [job for job in made.jobs if job.rank < Rank.SECTIONS]
    return [list(jobs) for _, jobs in itertools.groupby(shared, lambda job: job.block)]


# ------------------------------------------------------------------------------------ profiles


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_profiles_ask_for_what_there_is(profile):
    assert profile.blocks >= 3, "fewer than three processes have no interval"
    assert profile.cold_blocks <= profile.blocks
    assert profile.accuracy_blocks <= profile.blocks
    assert profile.replicates in ("some", "one", "every", "none")
    for device, lanes in profile.lanes.items():
        assert set(lanes) <= set(LANES[device])
        assert lanes
    assert profile.summary.startswith(f"{profile.blocks} blocks") or profile.name == "aa"


def test_the_full_profile_measures_every_lane():
    assert {device: set(lanes) for device, lanes in FULL.lanes.items()} == {
        device: set(lanes) for device, lanes in LANES.items()
    }


# ---------------------------------------------------------------------------------- the blocks


def test_every_block_is_complete():
    made = make(profile=FULL)
    cells = {
        (job.framework, job.mode, job.lane, job.block)
        for job in made.jobs
        if job.start == "warm" and not job.case
    }
    modes = [(f.id, m.id) for f in TWO for m in f.modes]
    assert cells == {
        (*names, lane, block)
        for names in modes
        for lane in FULL.lanes["cpu"]
        for block in range(FULL.blocks)
    }
    first = FULL.lanes["cpu"][0]
    assert all(
        job.sections == ("compile", "memory", "lenet")[job.block == 0 and job.lane != first :]
        for job in made.jobs
        if job.start == "warm" and not job.case
    ), "phases of a further lane's first process are neither cold nor surely warm"


def test_blocks_follow_each_other_and_begin_with_their_cold_starts():
    made = make(profile=FULL)
    order = [(job.block, job.rank, job.start) for job in made.jobs if job.rank < Rank.SECTIONS]
    assert order == sorted(order), "block by block, cold before warm"
    cold = [job for job in made.jobs if job.start == "cold"]
    assert {job.block for job in cold} == set(range(FULL.cold_blocks))
    assert {job.sections for job in cold} == {("compile",)}
    # For most compilers the lane makes no difference: one fills the cache for all.
    assert {job.lane for job in cold} == {FULL.lanes["cpu"][0]}


def test_what_answers_most_is_measured_first():
    made = make(profile=FULL)
    lead = [job for job in made.jobs if job.rank is Rank.LEAD]
    assert list(made.jobs[: len(lead)]) == lead
    defaults = {(framework.id, framework.default.id) for framework in TWO}
    for start in ("cold", "warm"):
        modes = [(job.framework, job.mode) for job in lead if job.start == start]
        assert sorted(modes) == sorted(defaults), "each default mode once"
    assert {(job.block, job.case) for job in lead} == {(0, "")}
    ranks = [job.rank is Rank.SECTIONS for job in made.jobs]
    assert ranks == sorted(ranks), "sections with processes of their own come last"


def test_each_block_has_a_permutation_of_its_own():
    warm = [
        [(job.framework, job.mode, job.lane, job.case) for job in block if job.start == "warm"]
        for block in blocks(make(profile=FULL))[1:]  # the first has its leaders apart
    ]
    assert len(warm) == FULL.blocks - 1
    assert all(sorted(block) == sorted(warm[0]) for block in warm)
    assert len({tuple(block) for block in warm}) == len(warm)


def test_the_order_follows_from_the_seed():
    assert make(seed=7) == make(seed=7)
    assert make(seed=7).jobs != make(seed=8).jobs
    assert set(make(seed=7).jobs) == set(make(seed=8).jobs)
    assert plan.reseed(make(seed=7), 8) == make(seed=8)


jobs = st.lists(
    st.builds(
        Job,
        st.sampled_from(["alpha", "beta"]), st.just("1.0"), st.sampled_from(["a", "b", "c"]),
        st.just("cpu"), st.sampled_from(LANES["cpu"]), st.just(("lenet",)),
        st.sampled_from(["cold", "warm"]), st.integers(0, 4),
        st.sampled_from(["", "again", "depth 2", "again depth 2"]), rank=st.sampled_from(Rank),
    ),
    unique_by=lambda job: job.id,
)  # fmt: skip


@given(jobs, st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_ordering_loses_nothing_and_forgets_the_order_it_was_given(found, seed, random):
    ordered = plan.order(found, seed)
    assert sorted(job.id for job in ordered) == sorted(job.id for job in found)
    places = [(j.rank is Rank.SECTIONS, j.block, j.rank, j.start) for j in ordered]
    assert places == sorted(places)
    random.shuffle(found)
    assert plan.order(found, seed) == ordered


def test_every_place_in_a_block_is_equally_likely():
    """Over many seeds the first job of a block is each of them about equally often."""
    ten = [Job("f", "1", str(n), "cpu", "threads-1", ("lenet",), "warm", 0) for n in range(10)]
    first = [plan.order(ten, seed)[0].mode for seed in range(2000)]
    counts = [first.count(str(n)) for n in range(10)]
    assert min(counts) > 140  # 200 expected, standard deviation 13
    assert max(counts) < 260


# ----------------------------------------------------------------------------------- the replicates


RETIRED = Retired(2017, "https://example.org", datetime.date(2020, 1, 1))


def varied(id, kinds=("symbolic",), *, retired=False, releases=1):
    """A framework with a mode of each of some kinds, the first one its default."""
    names = [f"m{n}" for n in range(len(kinds))]
    made = framework(id, names, versions=[f"{n}.0" for n in range(1, releases + 1)])
    modes = tuple(replace(m, kind=kind) for m, kind in zip(made.modes, kinds, strict=True))
    return replace(made, modes=modes, retired=RETIRED if retired else None)


def twice(frameworks, profile=FULL, device="cpu"):
    """Return {section: [(framework, mode)]} of what runs twice in every block."""
    made = make(frameworks, profile=profile, device=device)
    found = {}
    for job in made.jobs:
        for section in job.sections if is_again(job.case) else ():
            found.setdefault(section, set()).add((job.framework, job.mode))
    return found


def test_replicates_share_the_block_and_the_configuration_of_the_first():
    made = make(profile=FULL)
    again = [job for job in made.jobs if is_again(job.case)]
    assert {(job.framework, job.mode) for job in again} == {("alpha", "plain"), ("beta", "eager")}
    assert not any(job.accuracy for job in again)
    first = {job.id for job in made.jobs} - {job.id for job in again}
    assert {replace(job, case=replicated(job.case)).id for job in again} <= first
    warm = [job for job in again if job.start == "warm"]
    assert len(warm) == 2 * FULL.blocks * len(FULL.lanes["cpu"])
    assert len(again) - len(warm) == 2 * FULL.cold_blocks


def test_every_section_in_several_blocks_has_its_replicates():
    """In the catalog as it is: of three frameworks or more, of both kinds, one still developed."""
    known = loader.load()
    made = make(known.frameworks, known.sections, profile=FULL)
    found = {}
    for job in made.jobs:
        for section in job.sections if is_again(job.case) else ():
            found.setdefault(section, set()).add(job.framework)
    several = {s.id for s in known.sections if s.measured and s.blocks.get("full", 10) > 1}
    assert {"lenet", "memory", "compile", "versus", "depth", "parallel", "r"} <= several
    assert set(found) == several
    for ids in found.values():
        frameworks = [known.framework(id) for id in ids]
        assert len(frameworks) >= 3
        assert {framework.default.kind for framework in frameworks} == set(KINDS)
        assert not all(framework.retired for framework in frameworks)


def test_replicates_take_little_of_the_whole():
    known = loader.load()
    past = history.history(ROOT / "measurements" / "results")
    frameworks = [one for one in known.frameworks if any(key[0] == one.id for key in past)]
    made = make(frameworks, known.sections, profile=FULL)
    again = replace(made, jobs=tuple(job for job in made.jobs if is_again(job.case)))
    share = sum(estimates.durations(again, past).values()) / sum(
        estimates.durations(made, past).values()
    )
    print(f"A/A replicates: {len(again.jobs)} of {len(made.jobs)} processes, {share:.1%} of time")
    assert 0.02 < share < 0.1


def several(least):
    one = st.builds(
        varied,
        st.text("bcdefgh", min_size=1, max_size=3),
        st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
        retired=st.booleans(), releases=st.integers(2, 4),
    )  # fmt: skip
    return st.lists(one, min_size=least, max_size=6, unique_by=lambda framework: framework.id)


@given(several(1))
def test_both_kinds_and_one_still_developed_run_twice_if_they_are_there(frameworks):
    for found in twice(frameworks).values():
        chosen = {id for id, _ in found}
        assert len(chosen) >= min(3, len(frameworks))
        assert len(found) <= 4
        kinds = {(f.id, m.id): m.kind for f in frameworks for m in f.modes}
        assert {kinds[one] for one in found} == set(kinds.values())
        developed = {f.id for f in frameworks if f.retired is None}
        assert chosen & developed or not developed


@given(several(3), st.sampled_from(["a", "z"]), st.sampled_from(KINDS))
def test_a_smaller_framework_takes_no_place_wherever_it_stands(frameworks, id, kind):
    known = [replace(f, retired=None) for f in frameworks]
    more = twice([varied(id, (kind,)), *known])
    for section, found in twice(known).items():
        assert {one for one in found if one[1] == "m0"} <= more[section]


def test_what_cannot_be_measured_is_not_chosen():
    gap = Gap("no such kernel", "https://example.org", section="memory")
    big = replace(varied("big", releases=9), gaps=(gap,))
    found = twice([big, *(varied(id) for id in ("x", "y", "z"))])
    assert {id for id, _ in found["lenet"]} == {"big", "x", "y"}
    assert {id for id, _ in found["memory"]} == {"x", "y", "z"}


def test_a_graph_and_an_eager_mode_run_twice_where_all_stand_for_one_kind():
    both = varied("both", KINDS[::-1], releases=2)
    found = twice([both, *(varied(id) for id in ("x", "y", "z"))], device="cuda")
    assert found["lenet"] == {("both", "m0"), ("both", "m1"), ("x", "m0"), ("y", "m0")}


# ------------------------------------------------------------------------- sections of their own


def test_a_section_with_blocks_of_its_own_has_processes_of_its_own():
    apart = replace(section("apart", ("cold",)), scope="framework", blocks={"full": 2})
    made = make(sections=(*SECTIONS, apart), profile=FULL)
    mine = [job for job in made.jobs if "apart" in job.sections]
    assert {job.sections for job in mine} == {("apart",)}
    assert {job.lane for job in mine} == {FULL.lanes["cpu"][0]}
    assert {job.block for job in mine} == {0, 1}
    assert {(job.framework, job.mode) for job in mine} == {("alpha", "plain"), ("beta", "eager")}
    assert make(sections=(apart,)).jobs == ()  # the quick profile is not named


def test_a_section_may_have_a_process_for_every_case():
    cases = ("depth 2", "depth 8")
    apart = replace(section("apart", ("cold",)), scope="framework", blocks={"full": 2}, cases=cases)
    made = make([TWO[0]], sections=(apart,), profile=FULL)
    assert sorted((job.case, job.block) for job in made.jobs) == [
        (case, block) for case in ("again depth 2", *cases) for block in (0, 1)
    ]
    assert len({job.configuration for job in made.jobs}) == 3  # one may fail without the other
    assert len({job.id for job in made.jobs}) == 6
    assert not any(" " in job.id for job in made.jobs)


def test_what_is_tuned_by_hand_is_compared_with_the_plain_program():
    eager, tuned, graph = (
        mode(name, default=name == "graph") for name in ("eager", "tuned", "graph")
    )
    eager, tuned = replace(eager, kind="imperative"), replace(tuned, kind="imperative")
    loose = replace(tuned, id="loose", division="idiomatic")
    own = replace(framework("f"), modes=(eager, tuned, loose, replace(graph, captures="eager")))
    assert [m.id for m in own.scope("compared", "cpu")] == ["eager", "tuned", "graph"]
    assert [m.id for m in own.scope("pairs", "cpu")] == ["eager", "graph"]


def test_a_first_answer_compares_the_pair_of_the_default_mode_only():
    eager, graph, other = (
        mode(name, default=name == "graph") for name in ("eager", "graph", "other")
    )
    graph, other = replace(graph, captures="eager"), replace(other, captures="eager")
    own = replace(framework("f"), modes=(eager, graph, other))
    assert [m.id for m in own.scope("compared", "cpu")] == ["eager", "graph"]
    assert [m.id for m in own.scope("pairs", "cpu")] == ["eager", "graph", "other"]
    eager, graph = mode("eager", default=True), replace(graph, default=False)
    own = replace(framework("f"), modes=(eager, graph))
    assert [m.id for m in own.scope("compared", "cpu")] == ["eager", "graph"]
    lone = replace(framework("f"), modes=(mode("plain", default=True), mode("side", default=False)))
    assert [m.id for m in lone.scope("compared", "cpu")] == ["plain"]


def test_the_scope_of_pairs_is_the_default_and_what_captures_what():
    names = ("eager", "tuned", "graph", "other")
    eager, tuned, graph, other = (mode(name, default=name == "other") for name in names)
    own = replace(framework("f"), modes=(eager, tuned, replace(graph, captures="eager"), other))
    assert [m.id for m in own.scope("pairs", "cpu")] == ["eager", "graph", "other"]
    assert [m.id for m in own.scope("framework", "cpu")] == ["other"]
    assert own.scope("modes", "cpu") == own.modes


def test_a_quick_look_takes_cold_starts_of_defaults_only():
    own = framework("gamma", ("plain", "other"))
    quick, full = make([own]), make([own], profile=FULL)
    assert {job.mode for job in quick.jobs if job.start == "cold"} == {"plain"}
    assert {job.mode for job in quick.jobs if job.accuracy} == {"plain"}
    assert {job.mode for job in full.jobs if job.start == "cold"} == {"plain", "other"}
    assert {job.mode for job in full.jobs if job.accuracy} == {"plain", "other"}


def test_a_quick_look_repeats_defaults_and_pairs_only():
    """Every mode is verified, but one that no page compares in pairs runs a single time."""
    own = framework("delta", ("plain", "graph", "other"))
    plain, graph, other = own.modes
    own = replace(own, modes=(plain, replace(graph, captures="plain"), other))

    def runs(profile):
        made = make([own], profile=profile)
        warm = [
            j for j in made.jobs if j.start == "warm" and not j.case and j.lane == "threads-all"
        ]
        return {m.id: len([j for j in warm if j.mode == m.id]) for m in own.modes}

    assert runs(QUICK) == {"plain": QUICK.blocks, "graph": QUICK.blocks, "other": 1}
    assert set(runs(FULL).values()) == {FULL.blocks}


def test_a_profile_may_have_no_replicates():
    made = make(profile=replace(FULL, replicates="none"))
    assert made.jobs
    assert not any(job.case for job in made.jobs)


def test_a_quick_run_has_one_replicate_and_an_aa_run_nothing_else():
    quick = [job for job in make(profile=QUICK).jobs if is_again(job.case)]
    assert {(j.framework, j.mode) for j in quick} == {("beta", "eager")}  # it has more modes
    # One cold start has no interval, and so no use for a second one.
    assert {(j.start, j.sections) for j in quick} == {("warm", ("compile", "memory", "lenet"))}
    aa = make(profile=AA)
    assert {(j.framework, j.mode) for j in aa.jobs} == {("alpha", "plain"), ("beta", "eager")}
    assert {j.sections for j in aa.jobs} == {("lenet",)}
    assert {j.start for j in aa.jobs} == {"warm"}
    assert [j.case for j in aa.jobs].count("") == [j.case for j in aa.jobs].count("again")


def test_what_runs_in_one_block_has_no_replicate():
    once = replace(section("once"), scope="framework", blocks={"full": 1})
    often = replace(section("often"), scope="framework", blocks={"full": 2})
    made = make(sections=(once, often), profile=FULL)
    assert {job.sections for job in made.jobs if is_again(job.case)} == {("often",)}


def test_accuracy_is_trained_in_the_last_block_only():
    made = make(profile=FULL)
    trained = [job for job in made.jobs if job.accuracy]
    assert {job.block for job in trained} == {FULL.blocks - 1}
    assert len(trained) == 5 * len(FULL.lanes["cpu"])


# ----------------------------------------------------------------------- what is asked and measured


def test_only_what_is_asked_for():
    made = make(modes=["turbo"], lanes=["threads-1"], sections=[SECTIONS[1]])
    assert {(j.framework, j.mode, j.lane) for j in made.jobs} == {("beta", "turbo", "threads-1")}
    assert made.targets == (("beta", "1.0"),)


def test_facts_are_not_measured():
    assert make(sections=[SECTIONS[0]]).jobs == ()


def cell(name, id, mode_id, lane="threads-all"):
    return Cell(name, "1.0", id, mode_id, "cpu", lane)


def test_measured_cells_are_left_out_and_counted():
    measured = [cell("alpha", "lenet", "plain"), cell("alpha", "lenet", "elsewhere")]
    made = make(measured=measured)
    assert made.measured == 1
    mine = [j for j in made.jobs if (j.framework, j.mode) == ("alpha", "plain")]
    assert mine
    assert all("lenet" not in job.sections and not job.case for job in mine)
    assert all(
        "lenet" in j.sections for j in make().jobs if j.mode == "turbo" and j.start == "warm"
    )


def test_when_all_is_measured_nothing_is_left():
    measured = [
        cell(f.id, s.id, m.id) for f in TWO for m in f.modes for s in SECTIONS for _ in range(2)
    ]
    made = make(measured=measured)
    assert made.jobs == ()
    assert made.gaps == ()
    assert made.measured == 5 * 3
    assert estimates.durations(made, {}) == {}


@settings(max_examples=50)
@given(st.sets(st.sampled_from([(f.id, s.id, m.id)
    for f in TWO for m in f.modes for s in SECTIONS if s.measured])))  # fmt: skip
def test_planned_and_measured_cells_together_are_everything(names):
    made = make(measured=[cell(f, s, m) for f, s, m in names])
    planned = {(j.framework, s, j.mode) for j in made.jobs for s in j.sections}
    assert planned.isdisjoint(names)
    assert planned | names == {
        (f.id, s.id, m.id) for f in TWO for m in f.modes for s in SECTIONS if s.measured
    }
    assert made.measured == len(names)


# ---------------------------------------------------------------------------------------- gaps


def test_a_declared_gap_is_an_answer_and_no_job():
    gap = Gap("no such kernel", "https://example.org", mode="fast", section="memory")
    made = make([framework("alpha", gaps=[gap])])
    assert [(found.mode, found.section, why) for found, why in made.gaps] == [
        ("fast", "memory", gap)
    ]
    assert all("memory" not in job.sections for job in made.jobs if job.mode == "fast")
    assert any("memory" in job.sections for job in made.jobs if job.mode == "plain")


def test_a_gap_of_a_whole_device_leaves_no_job_and_no_target():
    gap = Gap("no build", "https://example.org", device="cuda")
    made = make([framework("alpha", gaps=[gap])], device="cuda")
    assert made.jobs == ()
    assert made.targets == ()
    assert len(made.gaps) == 2 * 3
    assert make([framework("alpha", gaps=[gap])]).gaps == ()


def test_a_device_that_no_gap_explains_is_still_answered():
    made = make([framework("alpha", devices=("cpu",))], device="cuda")
    assert made.jobs == ()
    assert all("not offered for cuda" in gap.reason for _, gap in made.gaps)


def test_the_first_gap_that_covers_a_combination_answers():
    gaps = [Gap("one", "s", versions=("1.0",)), Gap("two", "s")]
    alpha = framework("alpha", gaps=gaps)
    names = {"mode": "plain", "device": "cpu", "section": "lenet"}
    assert alpha.gap(version="1.0", **names).reason == "one"
    assert alpha.gap(version="2.0", **names).reason == "two"


# ----------------------------------------------------------------------------------- wrong use


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modes": ["trubo"]}, "did you mean turbo?"),
        ({"lanes": ["threads-2"]}, "threads-1"),
        ({"lanes": ["copy-pinned"]}, "lane of cpu"),
    ],
)
def test_an_unknown_name_names_the_nearest(changes, said):
    with pytest.raises(UsageError, match="generator list") as raised:
        make(**changes)
    assert said in str(raised.value)


def test_selection_resolves_names_and_versions():
    old = framework("alpha", versions=("1.0", "2.0"))
    known = model.Catalog((old, TWO[1]), ())
    assert [(f.id, v.version) for f, v in plan.selection(known, [])] == [
        ("alpha", "2.0"),
        ("beta", "1.0"),
    ]
    names = ["alpha==1.0", "alpha", "alpha==1.0"]
    assert [v.version for _, v in plan.selection(known, names)] == ["1.0", "2.0"]
    with pytest.raises(UsageError, match="version of alpha"):
        plan.selection(known, ["alpha==3"])
    with pytest.raises(UsageError, match="did you mean beta"):
        plan.selection(known, ["betta"])


def test_selection_in_the_current_interpreter_takes_what_is_installed():
    known = model.Catalog(TWO, ())
    ((found, version),) = plan.selection(known, [], {"beta": "9.9"})
    assert (found.id, version.version) == ("beta", "9.9")
    assert plan.selection(known, ["beta==1.0"], {"beta": "1.0"})[0][1] is TWO[1].newest
    with pytest.raises(UsageError, match="not installed"):
        plan.selection(known, ["alpha"], {"beta": "9.9"})
    with pytest.raises(UsageError, match=r"has beta 9\.9, not 1\.0"):
        plan.selection(known, ["beta==1.0"], {"beta": "9.9"})


# -------------------------------------------------------------------------- names and durations


def test_another_mode_may_stand_for_a_framework_on_another_device():
    modes = mode("plain", default=True), replace(mode("graph"), default_on=("cuda",))
    own = replace(framework("alpha"), modes=modes)
    assert own.default_on("cpu") == own.default == modes[0]
    assert own.default_on("cuda") == modes[1]
    assert own.scope("framework", "cuda") == (modes[1],)
    assert own.standard(own.newest, "cuda") == modes[1]
    assert own.standard(replace(own.newest, default="plain"), "cuda") == modes[0]
    for device, standing in (("cpu", "plain"), ("cuda", "graph")):
        made = make([own], device=device)
        assert {job.mode for job in made.jobs if job.rank is Rank.LEAD} == {standing}
        studied = make([own], device=device, profile=AA)
        assert {job.mode for job in studied.jobs} == {standing}


def test_a_section_is_a_gap_on_a_device_that_it_does_not_declare():
    only_cpu = replace(section("operators"), devices=("cpu",))
    made = make(sections=(*SECTIONS, only_cpu), device="cuda")
    gaps = {(cell.section, gap.status, gap.reason) for cell, gap in made.gaps}
    assert gaps == {("operators", "skipped", "its scripts compute on cpu only")}
    assert len(made.gaps) == sum(len(f.modes) for f in TWO)
    assert not any("operators" in job.sections for job in made.jobs)
    assert not make(sections=(*SECTIONS, only_cpu)).gaps


def test_where_memory_is_measured_on_a_gpu_a_process_does_nothing_else():
    known = loader.load()
    able = [f for f in known.frameworks if "cuda" in f.default.devices]
    made = {device: make(able, known.sections, device=device) for device in LANES}
    sharing = {
        device: {job.sections for job in one.jobs if "memory" in job.sections and not job.case}
        for device, one in made.items()
    }
    assert sharing == {"cpu": {("compile", "memory", "lenet")}, "cuda": {("memory",)}}
    for device, one in made.items():
        warm = [job for job in one.jobs if job.start == "warm" and not job.case]
        cells = [(c, job.block) for job in warm for c in job.cells if c.section == "memory"]
        assert len(cells) == len(set(cells)) > 0, device
    trained = [job for job in made["cuda"].jobs if job.accuracy]
    assert trained
    assert all("lenet" in job.sections for job in trained)


def test_further_lanes_of_a_gpu_are_about_training_alone():
    known = loader.load()
    able = [f for f in known.frameworks if "cuda" in f.default_on("cuda").devices]
    made = make(able, known.sections, device="cuda", profile=FULL)
    measured = {}
    for job in made.jobs:
        measured.setdefault(job.lane, set()).update(job.sections)
    first, *further = LANES["cuda"]
    assert {lane: measured.pop(lane) for lane in further} == {one: {"lenet"} for one in further}
    assert {"lenet", "memory", "compile", "versus"} <= measured[first]
    cpu = make(able, known.sections, profile=FULL)
    assert {id for job in cpu.jobs if job.lane == "threads-1" for id in job.sections} == {
        "lenet", "memory", "compile",
    }  # fmt: skip


def test_sections_whose_scripts_choose_no_device_declare_the_processor_only():
    declared = {one.id: one.devices for one in loader.read_sections() if one.measured}
    through_the_adapter = {"lenet", "memory", "compile", "depth", "versus"}
    assert {id for id, devices in declared.items() if "cuda" in devices} == {
        *through_the_adapter, "highlevel",
    }  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize("device", LANES)
def test_job_names_are_unique_stable_and_safe_as_file_names(profile, device):
    made = make(loader.load().frameworks, loader.load().sections, profile=profile, device=device)
    names = [job.id for job in made.jobs]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").replace("+", "").replace("-", "").replace(".", "").isalnum()
               for name in names)  # fmt: skip
    assert {job.id for job in plan.reseed(made, 1).jobs} == set(names)


def test_a_duration_is_history_plus_samples_plus_training():
    job = Job("f", "1", "m", "cpu", "threads-1", ("lenet",), "warm", 0)
    history = {("f", "m", "lenet-warm"): 5.0}
    assert estimates.duration(job, QUICK, history) == pytest.approx(5 + 0.12 * QUICK.samples)
    trained = replace(job, accuracy=True)
    assert estimates.duration(trained, QUICK, history) > estimates.duration(job, QUICK, history)
    cold = replace(job, start="cold", sections=("compile",))
    assert estimates.duration(cold, QUICK, history) == estimates.duration(cold, FULL, {}) > 5


def test_a_plan_takes_as_long_as_its_jobs():
    made = make()
    history = {("alpha", "plain", "memory+lenet-warm"): 100.0}
    assert sum(estimates.durations(made, history).values()) == pytest.approx(
        sum(estimates.duration(job, QUICK, history) for job in made.jobs)
    )
    assert (
        sum(estimates.durations(make(profile=FULL), {}).values())
        > sum(estimates.durations(made, {}).values())
        > 0
    )


# ------------------------------------------------------------------------------- the code's hash


def test_the_code_hash_changes_with_whatever_is_code():
    files = {"worker.py": b"a", "own/adapter.py": b"b"}
    one = framework("alpha")
    base = history._code_sha256(SECTIONS[1], one, "1.0", files)
    assert base == history._code_sha256(SECTIONS[1], one, "1.0", dict(reversed(files.items())))
    changed = [
        history._code_sha256(SECTIONS[2], one, "1.0", files),
        history._code_sha256(SECTIONS[1], one, "1.0", files | {"worker.py": b"c"}),
        history._code_sha256(SECTIONS[1], one, "1.0", files | {"own/lenet.py": b""}),
        history._code_sha256(SECTIONS[1], one, "1.0", {"worker.py": b"b", "own/adapter.py": b"a"}),
        history._code_sha256(SECTIONS[1], replace(one, raw={"modes": {"a": 1}}), "1.0", files),
        history._code_sha256(
            SECTIONS[1], replace(one, raw={"environment": {"A": "1"}}), "1.0", files
        ),
    ]
    assert base not in changed
    assert len(set(changed)) == len(changed)
    # A fact or a newly read source is no code: results stay valid.
    assert base == history._code_sha256(
        SECTIONS[1], replace(one, raw={"facts": {"a": 1}}), "1.0", files
    )


def test_what_concerns_another_release_makes_nobody_measure_this_one_again():
    gap = Gap("came with 2.0", "https://example.org", mode="fast", versions=("0.9",))
    raw = {"modes": {"plain": {"title": "Plain"}, "fast": {"title": "Fast"}}}
    table = {"mode": "fast", "versions": ["0.9"], "reason": gap.reason, "source": gap.source}
    one = replace(framework("alpha"), raw=raw)
    other = replace(framework("alpha", gaps=[gap]), raw=raw | {"gaps": [table]})
    before = history._code_sha256(SECTIONS[1], one, "1.0", {})
    assert history._code_sha256(SECTIONS[1], other, "1.0", {}) == before
    assert history._code_sha256(SECTIONS[1], other, "0.9", {}) != before
    # A mode that a release has not is no code of it.
    slower = raw | {"modes": {**raw["modes"], "fast": {"title": "Faster"}}, "gaps": [table]}
    changed = replace(other, raw=slower)
    assert history._code_sha256(SECTIONS[1], changed, "0.9", {}) == history._code_sha256(
        SECTIONS[1], other, "0.9", {}
    )


def test_history_measures_every_release_in_the_mode_that_stood_for_it():
    one = framework("alpha", versions=("0.9", "1.0"))
    early = replace(one.versions[0], default="fast")
    one = replace(one, versions=(early, one.versions[1]))
    known = model.Catalog((one,), SECTIONS)
    every = plan.selection(known, (), every=True)
    assert [version.version for _, version in every] == ["0.9", "1.0"]
    assert [version.version for _, version in plan.selection(known, ())] == ["1.0"]
    made = plan.make(
        every, SECTIONS, modes=(), device="cpu", lanes=(), profile=PROFILES["history"], seed=1
    )
    assert {(job.version, job.mode) for job in made.jobs} == {("0.9", "fast"), ("1.0", "plain")}
    assert {job.block for job in made.jobs} == {0, 1, 2}


def test_a_profile_of_ones_own_works():
    tiny = Profile("tiny", 2, 1, {"cpu": ("threads-1",)}, 0, 0, "one", "two processes each")
    made = make(profile=tiny)
    assert [job.case for job in made.jobs].count("again") == 2
    assert len(made.jobs) == 2 * 5 + 2
