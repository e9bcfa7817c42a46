"""Each rule gives the verdict that invented measurements with a known answer call for."""

import datetime
import re
import types
import zlib
from dataclasses import replace

import numpy as np
import pytest

from generator.analysis import cells, claims, panels
from generator.analysis.claim_evidence import Case, Evidence, combine, judged
from generator.analysis.panels import Answer, Configuration, Figures
from generator.catalog import loader
from generator.catalog.model import Fact, Metric
from generator.errors import InputError
from generator.site import mkdocs_config

PATH = loader.ROOT / "measurements" / "claims.toml"
BOOK = claims.parse(PATH.read_text(encoding="utf-8"), PATH)

MODES = {
    "eager": ("imperative", ""), "tuned": ("imperative", ""), "graph": ("symbolic", "eager"),
    "static": ("symbolic", ""),
}  # fmt: skip
"""Mode -> its kind, and what it captures."""

METRICS = {
    "lenet": Metric("step_time", "s", "training step", "lower"),
    "versus": Metric("step_time", "s", "training step", "lower"),
    "memory": Metric("peak_above_import", "B", "peak", "lower"),
    "compile": Metric("ready_time", "s", "start", "lower"),
    "r": Metric("step_time", "s", "training step", "lower"),
}


def key(where, metric, section="lenet", *, device="cpu", lane="threads-all", case=""):
    framework, mode = where.split()
    return cells.Key("m", framework, "1", section, mode, device, lane, case, metric)


def measured(where, value, noise, blocks, random=None):
    """Return a cell: a process a block, each with a noise of its own; drawn, or without luck."""
    own = random or np.random.default_rng(zlib.crc32(repr(where).encode()))
    logs = own.normal(0, noise, blocks)
    if random is None:
        logs -= logs.mean()
    samples = {("run", block): np.array([value * np.exp(log)]) for block, log in enumerate(logs)}
    return cells.Cell(where, "s", samples, 0)


def panel(
    section="lenet", *, device="cpu", lane="threads-all", case="", noise=0.01, random=None, **values
):
    """Return a panel of a section's headline, and its cells.

    ``a_eager=2.0`` is the value of framework a's mode eager, in six processes; a tuple has the
    number of processes as well; a text is the status of what has no value.
    """
    metric = METRICS[section]
    found, broken = {}, {}
    for name, value in values.items():
        where = name.replace("_", " ")
        if isinstance(value, str):
            broken[where] = panels._Fault(value, "it broke", "run", 1)
        else:
            number, blocks = value if isinstance(value, tuple) else (value, 6)
            place = key(where, metric.id, section, device=device, lane=lane, case=case)
            found[place] = measured(place, number, noise, blocks, random)
    found = cells.fitted(found, {})
    names = {}
    for where in [*(f"{place.framework} {place.mode}" for place in found), *broken]:
        framework, mode = where.split()
        kind, captures = MODES[mode]
        one = Configuration(framework, "1", mode, framework.upper(), mode, kind, captures=captures)
        names[one.key] = one
    rows = panels._rank(
        names, {(p.framework, p.version, p.mode): cell for p, cell in found.items()},
        {(*where.split()[:1], "1", where.split()[1]): fault for where, fault in broken.items()},
        dict.fromkeys(names, "run"), 0.02, metric,
    )  # fmt: skip
    made = panels.Panel("m", device, section, metric, lane, case, "closed", rows, 0.02, True)
    return made, found


def figures(*made, answers=None, counts=None, device="cpu"):
    """Return figures of panels, answers, and counts by section and framework."""
    known = {place: cell for _, mine in made for place, cell in mine.items()}
    for (section, metric), found in (counts or {}).items():
        for framework, value in found.items():
            place = key(f"{framework} eager", metric, section)
            known[place] = measured(place, value, 0, 1)
    return Figures("m", device, tuple(one for one, _ in made), known, answers or {})


def speed(**values):
    return figures(panel(**values))


def both_lanes(one, other):
    return figures(panel(**one), panel(lane="threads-1", **other))


def answers(section, **said):
    """Return figures of the answers to some questions: a text for each framework."""
    sheets = {
        framework: {
            (str(number), "forward"): Answer(status, 1.0, "", "1")
            for number, status in enumerate(statuses.split())
        }
        for framework, statuses in said.items()
    }
    return figures(answers={section: sheets})


def custom(noise=0.01, blocks=6, **ways):
    """Return figures of one new operator: slowdown and lines by framework and way."""
    sheets, found = {}, {}
    for name, (slowdown, lines, status) in ways.items():
        framework, way = name.split("_")
        for metric in ("forward", "gradient", "captured", "used", "written"):
            answer = Answer(status if metric == "used" else "ok", float(lines), "", "1")
            sheets.setdefault(framework, {})[way, metric] = answer
        place = key(f"{framework} graph", "slowdown", "custom", case=way)
        found[place] = measured(place, slowdown, noise, blocks)
    return Figures("m", "cpu", (), cells.fitted(found, {}), {"custom": sheets})


def packages(**said):
    """Return frameworks with the fact whether there is an R package; None states none."""
    day = datetime.date(2026, 1, 1)
    return {
        name: types.SimpleNamespace(
            name=name.upper(),
            facts={} if value is None else {"r_package": Fact(value, "https://example.org", day)},
        )
        for name, value in said.items()
    }


def device_memory(noise=0.01, **values):
    """Return figures of a graphics card: the headline is alike, the device's memory is not."""
    made, known = panel("memory", device="cuda", lane="resident", **dict.fromkeys(values, 1.0))
    more = {}
    for place in known:
        value = values[f"{place.framework}_{place.mode}"]
        number, blocks = value if isinstance(value, tuple) else (value, 6)
        other = place._replace(metric="device_memory")
        more[other] = measured(other, number, noise, blocks)
    return figures((made, known | cells.fitted(more, {})), device="cuda")


def ready(**values):
    return figures(panel("compile", case="cold", **values))


EVERYWHERE = ({}, {"section": "memory"}, {"section": "compile", "case": "cold"})


def everywhere(*values):
    return figures(*(panel(**where, **v) for where, v in zip(EVERYWHERE, values, strict=True)))


ABC = {"order": ["a", "b", "c"]}
LINES = ("highlevel", "lines")
LENET = {"a_eager": 1.0, "b_eager": 1.0, "c_static": 1.0, "d_static": 1.0}
USED = {
    "expected": {"a": True},
    "asks": [["custom", "native", "used"], ["custom", "native", "forward"]],
}
ASKED = {"expected": {"a": True, "b": False},
         "asks": [["s", "0", "forward"], ["s", "1", "forward"]]}  # fmt: skip
LIMITS = {"frameworks": ["a", "b"], "times": 3.0, "lines": 100}
HALF = {"framework": "c", "others": ["a", "b"]}
SHARE = {"frameworks": ["a", "b"], "share": 0.5}
ONCE = (1.0, 1)

HOLDS, FAILS, MIXED, OPEN, GONE = claims.WORDS

TABLE = {
    "untested": [({"why": "it needs more"}, speed(a_eager=1.0), GONE)],
    "captured_is_faster": [
        ({}, speed(a_eager=2.0, a_graph=1.0, b_eager=2.0, b_graph=1.0), HOLDS),
        ({}, speed(a_eager=1.0, a_graph=2.0, b_eager=1.0, b_graph=1.0), FAILS),
        ({}, speed(a_eager=2.0, a_graph=1.0, b_eager=1.0, b_graph=2.0), MIXED),
        ({}, speed(a_eager=1.1, a_graph=1.0, noise=0.2), OPEN),
        ({}, speed(a_eager=2.0, a_graph=1.0, b_eager=2.0, b_graph=ONCE), OPEN),
        ({}, speed(a_eager="failed", a_graph=1.0), GONE),
    ],
    "captured_uses_less_memory": [
        ({}, figures(panel("memory", a_eager=2.0, a_graph=1.0)), HOLDS),
        ({}, figures(panel("memory", a_eager=1.0, a_graph=2.0)), FAILS),
        ({}, figures(panel("memory", a_eager=1.1, a_graph=1.0, noise=0.2)), OPEN),
        ({}, figures(panel("memory", a_eager=2.0, a_graph=ONCE)), OPEN),
        ({}, speed(a_eager=2.0, a_graph=1.0), GONE),
    ],
    "graph_saves_traffic": [
        ({"batch": 9}, figures(panel("versus", case="batch 9", a_eager=2.0, a_graph=1.0)), HOLDS),
        ({"batch": 9}, figures(panel("versus", case="batch 9", a_eager=1.0, a_graph=2.0)), FAILS),
        ({"batch": 9}, figures(panel("versus", case="batch 9", a_eager=1.0, a_graph=ONCE)), OPEN),
        ({"batch": 9}, figures(panel("versus", case="batch 1", a_eager=2.0, a_graph=1.0)), GONE),
    ],
    "by_hand": [
        ({}, speed(a_eager=2.0, a_tuned=1.0, a_graph=1.0), HOLDS),
        ({}, speed(a_eager=1.0, a_tuned=1.0, a_graph="wrong"), FAILS),
        ({}, speed(a_eager=1.0, a_tuned=1.1, a_graph=1.0, noise=0.2), OPEN),
        ({}, speed(a_eager=2.0, a_tuned=ONCE, a_graph=1.0), OPEN),
        ({}, both_lanes({"a_eager": 2.0, "a_tuned": 1.0, "a_graph": 1.0},
                        {"a_eager": "failed", "a_tuned": 1.0, "a_graph": 1.0}), OPEN),
        ({}, speed(a_eager=2.0, a_graph=1.0), GONE),
    ],
    "symbolic_is_slower": [
        ({}, speed(a_eager=1.0, b_eager=3.0, a_graph=2.0, b_static=2.0), HOLDS),
        ({}, speed(a_eager=2.0, a_graph=1.0, b_static=3.0), FAILS),
        ({}, speed(a_eager=1.0, a_graph=1.0, noise=0.005), FAILS),
        ({}, speed(a_eager=1.0, a_graph=1.1, b_static=1.2, noise=0.2), OPEN),
        ({}, speed(a_eager=1.0, a_graph=2.0, b_static=(0.9, 1)), OPEN),
        ({}, speed(a_eager=1.0, a_graph=2.0, b_static=(1.9, 1)), HOLDS),
        ({}, both_lanes({"a_eager": 1.0, "a_graph": 2.0}, {"a_eager": ONCE, "a_graph": 2.0}), OPEN),
        ({}, both_lanes({"a_eager": 1.0, "a_graph": 2.0}, {"a_eager": 2.0, "a_graph": 1.0}), MIXED),
        ({}, speed(a_eager=1.0), GONE),
    ],
    "imperative_passes": [
        ({}, speed(a_eager=1.0, b_eager=ONCE, a_graph="wrong"), HOLDS),
        ({}, speed(a_eager="wrong", b_eager="failed"), FAILS),
        ({}, speed(a_eager=1.0, b_eager="wrong"), MIXED),
        ({}, speed(a_eager=1.0, b_eager="timeout"), OPEN),
        ({}, speed(a_static=1.0), GONE),
    ],
    "imperative_has_graphs": [
        ({}, speed(a_eager=1.0, a_graph=1.0, b_static=1.0), HOLDS),
        ({}, speed(a_eager=1.0, a_graph="wrong", b_eager=1.0), FAILS),
        ({}, speed(a_eager=1.0, a_graph=1.0, b_eager=1.0), MIXED),
        ({}, speed(a_eager=1.0, a_graph=1.0, b_eager=1.0, b_graph="timeout"), OPEN),
        ({}, speed(a_static=1.0), GONE),
    ],
    "no_leader_everywhere": [
        ({}, everywhere({"a_eager": 1.0, "b_eager": 2.0}, {"a_eager": 2.0, "b_eager": 1.0},
                        {"a_eager": 1.0, "b_eager": 1.0}), HOLDS),
        ({}, everywhere(*[{"a_eager": 1.0, "b_eager": 2.0, "b_graph": 3.0}] * 3), MIXED),
        ({}, everywhere(*[{"a_eager": 1.0, "b_eager": 1.0}] * 3), OPEN),
        ({}, everywhere(*[{"a_eager": 1.0, "b_eager": 1.1, "noise": 0.2}] * 3), OPEN),
        ({}, everywhere({"a_eager": 1.0, "b_eager": 2.0}, {"a_eager": 1.0},
                        {"a_eager": 1.0, "b_eager": ONCE}), OPEN),
        ({}, speed(a_eager=1.0, b_eager=2.0), OPEN),
        ({}, speed(a_eager=1.0), GONE),
    ],
    "leads_speed_and_memory": [
        ({"framework": "a"}, everywhere(*[{"a_eager": 1.0, "b_eager": 2.0}] * 3), HOLDS),
        ({"framework": "b"}, everywhere(*[{"a_eager": 1.0, "b_eager": 2.0}] * 3), FAILS),
        ({"framework": "a"}, everywhere({"a_eager": 1.0, "b_eager": 2.0},
                                        {"a_eager": 1.0, "b_eager": 1.0}, {}), MIXED),
        ({"framework": "a"}, everywhere(*[{"a_eager": 1.0, "b_eager": 1.1, "noise": 0.2}] * 3),
         OPEN),
        ({"framework": "a"}, everywhere({"a_eager": 1.0, "b_eager": 2.0}, {"b_eager": 2.0}, {}),
         OPEN),
        ({"framework": "c"}, everywhere(*[{"a_eager": 1.0, "b_eager": 1.1}] * 3), GONE),
    ],
    "speed_order": [
        (ABC, speed(a_eager=1.0, b_eager=1.0, b_graph=5.0, c_eager=2.0), HOLDS),
        (ABC, speed(a_eager=3.0, b_eager=2.0, c_eager=1.0), FAILS),
        (ABC, speed(a_eager=1.0, b_eager=2.0, c_eager=1.0), MIXED),
        (ABC, speed(a_eager=1.0, b_eager=1.1, c_eager=1.2, noise=0.3), OPEN),
        (ABC, speed(a_eager=1.0, b_eager=2.0, c_eager="failed"), OPEN),
        (ABC, speed(d_eager=1.0), GONE),
    ],
    "device_memory_order": [
        (ABC, device_memory(a_eager=1.0, b_eager=1.0, c_eager=2.0), HOLDS),
        (ABC, device_memory(a_eager=3.0, b_eager=2.0, c_eager=1.0), FAILS),
        (ABC, device_memory(a_eager=1.0, b_eager=1.1, c_eager=1.2, noise=0.3), OPEN),
        (ABC, device_memory(a_eager=1.0, b_eager=2.0, c_eager=(9.0, 1)), OPEN),
        (ABC, figures(panel("memory", a_eager=1.0, b_eager=2.0, c_eager=3.0)), GONE),
    ],
    "compile_order": [
        (ABC, ready(a_static=1.0, b_static=2.0, c_static=3.0, c_eager=0.1), HOLDS),
        (ABC, ready(a_static=3.0, b_static=2.0, c_static=1.0), FAILS),
        (ABC, ready(a_static=1.0, b_static=9.0, c_static=1.0), MIXED),
        (ABC, ready(a_static=1.0, b_static=1.1, c_static=1.2, noise=0.3), OPEN),
        (ABC, ready(a_static=(0.6, 1), b_static=(72.7, 1), c_static=(1.5, 1)), OPEN),
        (ABC, figures(panel("compile", case="warm", a_static=1.0, b_static=2.0)), GONE),
    ],
    "half_speed": [
        (HALF, speed(a_eager=1.0, b_eager=1.1, c_eager=2.0), HOLDS),
        (HALF, speed(a_eager=1.0, b_eager=1.1, c_eager=1.2), FAILS),
        (HALF, speed(a_eager=1.0, b_eager=2.0, c_eager=2.0), MIXED),
        (HALF, speed(a_eager=1.0, b_eager=1.0, c_eager=1.5), OPEN),
        (HALF, speed(a_eager=1.0, b_eager=1.0, c_eager=2.0, noise=0.4), OPEN),
        (HALF, speed(a_eager=1.0, c_eager=2.0), OPEN),
        (HALF, speed(a_eager=1.0, b_eager=1.0), GONE),
    ],
    "can": [
        (ASKED, answers("s", a="ok ok", b="ok unsupported"), HOLDS),
        (ASKED, answers("s", a="failed ok", b="ok ok"), FAILS),
        (ASKED, answers("s", a="ok ok", b="ok ok"), MIXED),
        (ASKED, answers("s", a="ok ok", b="ok skipped"), OPEN),
        (ASKED, answers("s", a="ok timeout"), GONE),
        (ASKED, answers("s", a="ok"), GONE),
        (USED, custom(a_native=(1.0, 10, "wrong")), FAILS),
    ],
    "imperative_needs_more_lines": [
        ({}, figures(panel(**LENET), counts={("lenet", "lines"): {"a": 9, "b": 8, "c": 7, "d": 6}}),
         HOLDS),
        ({}, figures(panel(**LENET), counts={("lenet", "lines"): {"a": 5, "b": 4, "c": 7, "d": 3}}),
         FAILS),
        ({}, figures(panel(**LENET), counts={("lenet", "lines"): {"a": 9, "b": 5, "c": 7, "d": 6}}),
         MIXED),
        ({}, figures(panel(**LENET), counts={("lenet", "lines"): {"a": 9, "c": 7, "d": 6}}), OPEN),
        ({}, figures(panel(**LENET), counts={("lenet", "lines"): {"a": 9}}), GONE),
    ],
    "shortest": [
        ({"frameworks": ["a", "b"]}, figures(counts={LINES: {"a": 1, "b": 2, "c": 3, "d": 4}}),
         HOLDS),
        ({"frameworks": ["a", "b"]}, figures(counts={LINES: {"a": 5, "b": 6, "c": 3, "d": 4}}),
         FAILS),
        ({"frameworks": ["a", "b"]}, figures(counts={LINES: {"a": 1, "b": 6, "c": 3, "d": 4}}),
         MIXED),
        ({"frameworks": ["a", "b"]}, figures(counts={LINES: {"a": 1, "c": 3, "d": 4}}), OPEN),
        ({"frameworks": ["a", "b"]}, figures(counts={LINES: {"a": 1, "b": 2, "c": 3}}), GONE),
    ],
    "line_order": [
        (ABC, figures(counts={LINES: {"a": 1, "b": 1, "c": 3}}), HOLDS),
        (ABC, figures(counts={LINES: {"a": 3, "b": 2, "c": 1}}), FAILS),
        (ABC, figures(counts={LINES: {"a": 1, "b": 3, "c": 2}}), MIXED),
        (ABC, figures(counts={LINES: {"a": 1, "b": 3}}), OPEN),
        (ABC, figures(counts={LINES: {"a": 1}}), GONE),
    ],
    "has_share": [
        (SHARE, answers("operators", a="ok ok wrong failed", b="ok ok ok ok"), HOLDS),
        (SHARE, answers("operators", a="ok wrong wrong wrong", b="wrong wrong wrong ok"), FAILS),
        (SHARE, answers("operators", a="ok ok ok ok", b="wrong wrong wrong ok"), MIXED),
        (SHARE, answers("operators", a="ok ok ok ok", b="ok wrong wrong timeout"), OPEN),
        (SHARE, answers("operators", a="ok ok ok ok", b="ok"), OPEN),
        (SHARE, answers("operators", a="ok ok ok ok"), OPEN),
        (SHARE, answers("operators", a="skipped"), GONE),
    ],
    "share_order": [
        (ABC, answers("operators", a="ok ok ok", b="ok ok wrong", c="ok wrong wrong"), HOLDS),
        (ABC, answers("operators", a="ok wrong", b="ok wrong", c="ok ok"), FAILS),
        (ABC, answers("operators", a="ok ok", b="ok wrong", c="ok ok"), MIXED),
        (ABC, answers("operators", a="ok ok ok", b="ok wrong skipped", c="ok wrong wrong"), OPEN),
        (ABC, answers("operators", a="ok ok ok", b="ok"), OPEN),
        (ABC, answers("operators", a="ok ok"), GONE),
    ],
    "adding_is_hard": [
        (LIMITS, custom(a_python=(9, 9, "ok"), a_native=(1, 999, "ok"), b_python=(1, 9, "wrong"),
                        b_native=(4, 9, "ok")), HOLDS),
        (LIMITS, custom(a_python=(9, 9, "ok"), a_native=(1, 9, "ok"), b_python=(1, 9, "ok")),
         FAILS),
        (LIMITS, custom(a_python=(1, 9, "ok"), b_python=(9, 9, "ok"), b_native=(9, 9, "ok")),
         MIXED),
        (LIMITS, custom(0.5, a_python=(3, 9, "ok"), a_native=(9, 999, "ok"),
                        b_python=(1, 9, "wrong"), b_native=(1, 9, "wrong")), OPEN),
        (LIMITS, custom(blocks=1, a_python=(1, 9, "ok"), b_python=(1, 9, "ok")), OPEN),
        (LIMITS, custom(a_python=(9, 9, "ok"), a_native=(9, 9, "ok")), OPEN),
        (LIMITS, custom(), GONE),
    ],
    "no_r_package": [
        ({"frameworks": ["a", "b"]}, packages(a="none", b="none"), HOLDS),
        ({"frameworks": ["a", "b"]}, packages(a="x", b="y"), FAILS),
        ({"frameworks": ["a", "b"]}, packages(a="x", b="none"), MIXED),
        ({"frameworks": ["a", "b"]}, packages(a="none", b=None), OPEN),
        ({"frameworks": ["a", "b"]}, packages(a=None), GONE),
    ],
    "only_r_package": [
        ({"framework": "a"}, packages(a="x", b="none", c="none"), HOLDS),
        ({"framework": "a"}, packages(a="none", b="x"), FAILS),
        ({"framework": "a"}, packages(a="x", b="y", c=None), MIXED),
        ({"framework": "a"}, packages(a="x", b="none", c=None), OPEN),
        ({"framework": "a"}, packages(a=None, b=None), GONE),
    ],
}  # fmt: skip
"""Rule -> (what ``claims.toml`` states, figures or sourced facts, verdict): clearly so, clearly
not, both, unresolved, half missing, all missing."""


@pytest.mark.parametrize(
    ("rule", "raw", "given", "word"),
    [(rule, *row) for rule, rows in TABLE.items() for row in rows],
    ids=[f"{rule}-{n}" for rule, rows in TABLE.items() for n, _ in enumerate(rows)],
)
def test_a_rule_says_what_the_figures_do(rule, raw, given, word):
    case = Case(raw, given) if isinstance(given, Figures) else Case(raw, figures(), given)
    found = claims.RULES[rule](case)
    assert found.word == word, found.reason
    assert found.reason[0].isupper() or found.reason[0].isdigit()
    assert found.reason.endswith(".")


def test_every_rule_is_in_the_table_with_every_verdict_that_it_can_give():
    assert set(TABLE) == set(claims.RULES) == {claim.rule for claim in BOOK.claims}
    for rule in set(TABLE) - {"untested", "no_leader_everywhere"}:
        words = [word for *_, word in TABLE[rule]]
        assert {HOLDS, FAILS, OPEN, GONE} <= set(words), rule


@pytest.mark.parametrize(
    ("sides", "word"),
    [
        ("for for", HOLDS), ("against", FAILS), ("for against", MIXED),
        ("for against open missing", MIXED), ("for open", OPEN), ("against missing", OPEN),
        ("open open", OPEN), ("open missing", OPEN), ("missing", GONE), ("", GONE),
    ],
)  # fmt: skip
def test_what_is_open_decides_nothing(sides, word):
    assert combine(sides.split()) == word


def trials(fastest_graph, noise, count=40):
    """Return how often each verdict on "symbolic is slower" comes, with ten blocks in two lanes.

    The fastest imperative mode takes 1; the fastest two graph modes take ``fastest_graph``.
    """
    truth = {"a_eager": 1.0, "b_eager": 1.3, "a_graph": fastest_graph, "b_graph": fastest_graph,
             "c_static": 1.2 * fastest_graph, "d_static": 1.4 * fastest_graph}  # fmt: skip
    random = np.random.default_rng(14)
    words = []
    for _ in range(count):
        lanes = [
            panel(lane=lane, noise=noise, random=random, **{m: (t, 10) for m, t in truth.items()})
            for lane in ("threads-1", "threads-all")
        ]
        words.append(claims.RULES["symbolic_is_slower"](Case({}, figures(*lanes))).word)
    return {word: words.count(word) / count for word in claims.WORDS}


def test_a_truth_that_noise_hides_is_not_denied():
    assert trials(1.1, 0.1)[FAILS] == 0.0
    equal = trials(1.0, 0.1)
    assert equal[HOLDS] == equal[FAILS] == 0.0


def test_a_truth_beyond_the_noise_is_found():
    assert trials(1.5, 0.05)[HOLDS] > 0.9
    assert trials(0.6, 0.05)[FAILS] > 0.9


# ---------------------------------------------------------------------------------------- reasons


def reason(rule, given, raw=None):
    found = claims.RULES[rule](Case(raw or {}, given))
    return found.reason


def test_a_reason_counts_winners_and_losers_and_gives_their_intervals():
    text = reason("captured_is_faster", speed(
        a_eager=2.0, a_graph=1.0, b_eager=1.0, b_graph=3.0, c_eager=1.0, c_graph=ONCE))  # fmt: skip
    assert text.startswith(
        "Graphs take less time than the same program executed eagerly in 1 of 3 comparisons, more"
        " in 1, not resolved in 1 (1 of them with one process). Less: A (graph) 0.5"
    )
    assert "More: B (graph) 2.9" in text or "More: B (graph) 3.0" in text
    assert text.count(" to ") == 2


def test_a_reason_names_the_mode_that_decides_and_the_lane():
    text = reason("symbolic_is_slower", both_lanes(
        {"a_eager": 1.0, "a_graph": 40.0}, {"a_eager": ONCE, "a_graph": 2.0}))  # fmt: skip
    first, second = text.split(". One thread: ")
    assert re.match(r"All cores: A \(graph\) takes \d+ times \(", first)
    assert "the time of A (eager)" in first
    assert second.endswith("(not resolved, one process).")
    assert " to " not in second


def test_the_mode_that_keeps_a_best_one_from_winning_is_named():
    text = reason("symbolic_is_slower", speed(a_eager=1.0, a_graph=2.0, b_static=(0.9, 1)))
    assert "A (eager) takes 1.1" in text
    assert "the time of B (static) (not resolved, one process)" in text


def test_a_reason_calls_a_framework_by_its_name_and_says_what_is_missing():
    text = reason("compile_order", ready(a_static=1.0, b_static=2.0), ABC)
    assert text.endswith("; no valid figure of c.")
    named = Case(ABC, ready(a_static=1.0, b_static=2.0), packages(c="none"))
    assert claims.RULES["compile_order"](named).reason.endswith("; no valid figure of C.")


def test_an_r_package_is_a_sourced_fact_and_driving_from_r_is_measured():
    case = Case({"frameworks": ["a", "b"]}, figures(panel("r", b_eager=1.0)), packages(
        a="apack", b="none"))  # fmt: skip
    assert claims.RULES["no_r_package"](case).reason == (
        "R packages (sourced): A (apack); none known of B."
        " Python driven from R through reticulate (measured): B."
    )


def test_pieces_of_one_place_are_one_sentence():
    pieces = [Evidence("for", "x", "here"), Evidence("for", "y", "here"), Evidence("for", "z")]
    assert judged(pieces).reason == "Here: x; y. Z."


# ------------------------------------------------------------------------------------ claims.toml


def test_nothing_measured_is_said_so():
    found = {claim.id: claims.judge(claim, None) for claim in BOOK.claims}
    assert {verdict.word for verdict in found.values()} == {GONE}
    assert all(verdict.reason for verdict in found.values())
    for claim in BOOK.claims:
        if claim.device == "cuda":
            assert "GPU" in found[claim.id].reason or "Quadro" in found[claim.id].reason


def test_a_claim_about_a_gpu_is_judged_by_one():
    (claim,) = [claim for claim in BOOK.claims if claim.rule == "half_speed"]
    alike = replace(claim, raw=HALF)
    card = figures(panel(device="cuda", lane="resident", a_eager=1.0, b_eager=1.0, c_eager=2.0))
    assert claims.judge(alike, card).word == HOLDS
    gpu = [claim for claim in BOOK.claims if "GPU" in claim.section + claim.claim]
    assert {claim.device for claim in gpu if claim.rule not in ("can", "compile_order")} == {"cuda"}


def test_no_test_is_counted_as_two_claims():
    about = ("page", "section", "claim", "kind", "source", "test", "note")
    tests = [{key: value for key, value in claim.raw.items() if key not in about}
             for claim in BOOK.claims]  # fmt: skip
    assert all(tests.count(test) == 1 for test in tests)


def test_a_rule_is_explained_by_what_speaks_for_and_against():
    for claim in BOOK.claims:
        if claim.rule != "untested":
            assert "For: " in claim.test, claim.id
            assert "Against: " in claim.test, claim.id


def test_attributed_claims_are_marked_and_stated_ones_name_the_article():
    for claim in BOOK.claims:
        if claim.kind == "attributed":
            assert "from memory" in claim.source
        else:
            assert claim.source.startswith("the article")


def test_every_claim_has_a_page():
    names = {"home", *(section.id for section in loader.load().sections)}
    assert {claim.page for claim in BOOK.claims} | {item.page for item in BOOK.history} <= names


def table_of(**said):
    """Return a claim in TOML, with what is said of it."""
    fields = dict.fromkeys(("page", "section", "claim", "source", "test"), "x")
    fields |= {"kind": "stated", "rule": "can"} | said
    return "[claims.x]\n" + "\n".join(f"{key} = {value!r}" for key, value in fields.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[claims.x", "valid TOML"),
        ('[claims.x]\npage = "home"', "no claims.x.section"),
        (table_of(page=""), "claims.x.page"),
        (table_of(kind="heard"), "'stated', 'attributed'"),
        (table_of(rule="magic"), "one of .'untested'"),
        (table_of(device="tpu"), "one of .'cpu', 'cuda'"),
        ('[[history]]\npage = "lenet"', "work"),
        ("history = 1", "expected array"),
        (table_of(asks=[["a", "b"]]), r"asks\[0\].*too short"),
        (table_of(share=["half"]), "share.*expected number"),
        (table_of(order=[]), "order"),
        ('[claims."<b>"]', "does not match"),
    ],
)
def test_a_faulty_file_is_named(text, expected):
    article = 'article = { title = "T", year = 2016, compared = ["a"] }\n'
    with pytest.raises(InputError, match=expected) as error:
        claims.parse(article + text, PATH)
    assert str(PATH) in str(error.value)


def test_what_a_rule_lacks_is_named():
    claim = replace(BOOK.claims[0], rule="can", raw=type(BOOK.claims[0].raw)())
    with pytest.raises(InputError, match="no expected of a claim"):
        claims.judge(claim, None)
    with pytest.raises(InputError, match="no article"):
        claims.parse("", PATH)


def test_site_and_claims_agree_on_the_article():
    assert BOOK.article["year"] == 2016
    assert mkdocs_config.BEGIN in (loader.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
