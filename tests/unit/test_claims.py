"""Each rule gives the verdict that invented measurements with a known answer call for."""

from dataclasses import replace

import pytest

from generator.analysis import claim_rules, claims
from generator.analysis import panels as figures
from generator.catalog import loader
from generator.errors import InputError
from generator.results import reading, selection
from generator.site import mkdocs_config
from tests import sample_results

PATH = loader.ROOT / "measurements" / "claims.toml"
BOOK = claims.parse(PATH.read_text(encoding="utf-8"), PATH)
CLAIMS = {claim.id: claim for claim in BOOK.claims}


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Return a function: invented seconds a step and of building -> verdicts by claim."""

    def run(steps=None, build=None, memory=None, each=None, lines=None, spoil=None, claim=None):
        monkeypatch.setattr(sample_results, "STEP", sample_results.STEP | (steps or {}))
        monkeypatch.setattr(sample_results, "BUILD", sample_results.BUILD | (build or {}))
        monkeypatch.setattr(sample_results, "EACH", sample_results.EACH | (each or {}))
        monkeypatch.setattr(sample_results, "LINES", sample_results.LINES | (lines or {}))
        sample_results.write_sample(tmp_path, rows_scale=0.2, oddities=False)
        known = loader.load()
        shown = selection.select(reading.load(tmp_path))
        if memory:
            others = shown["metric"] != "peak_above_import"
            shown = shown.assign(value=shown["value"].where(others, [
                value * memory.get(mode, 1)
                for value, mode in zip(shown["value"], shown["mode"].astype(str), strict=True)
            ]))  # fmt: skip
        if spoil:
            bad = [spoil(row) for row in shown.to_dict("records")]
            shown = shown.assign(
                status=shown["status"].astype(str).mask(bad, "wrong").astype("category"),
                reason=shown["reason"].astype(str).mask(bad, "invalid").astype("category"),
            )
        found = figures.figures(shown, known)
        if claim:
            return claims.judge(claim, found)
        return {claim.id: claims.judge(claim, found) for claim in BOOK.claims}

    return run


def test_when_graphs_are_faster(judge):
    found = judge(
        {"eager": 0.05, "function": 0.03, "xla": 0.03, "gluon": 0.06, "hybrid": 0.04,
         "module": 0.04, "compiled": 0.035},
    )  # fmt: skip
    assert found["auto-optimise"].word == "holds"
    assert found["symbolic-slower"].word == "no longer holds"
    assert "TensorFlow (tf.function)" in found["auto-optimise"].reason


def test_when_graphs_are_slower(judge):
    found = judge(
        {"eager": 0.02, "function": 0.05, "xla": 0.05, "gluon": 0.03, "hybrid": 0.05,
         "module": 0.05, "compiled": 0.05},
    )  # fmt: skip
    assert found["auto-optimise"].word == "no longer holds"
    assert found["symbolic-slower"].word == "holds"


def test_the_order_of_2016(judge):
    found = judge(
        {"module": 0.02, "gluon": 0.02, "hybrid": 0.02, "compiled": 0.03, "eager": 0.06,
         "function": 0.06, "xla": 0.06},
    )  # fmt: skip
    assert found["lenet-table"].word == "holds"
    assert found["half-speed"].word == "holds"


def test_the_order_of_2016_turned_round(judge):
    found = judge(
        {"module": 0.06, "gluon": 0.06, "hybrid": 0.06, "compiled": 0.03, "eager": 0.02,
         "function": 0.02, "xla": 0.02},
    )  # fmt: skip
    assert found["lenet-table"].word == "no longer holds"
    assert found["half-speed"].word == "no longer holds"
    assert found["mxnet-wins"].word in ("mixed", "no longer holds")


def test_compile_times(judge):
    assert judge(build={"compiled": 30.0, "xla": 90.0})["theano-compile"].word == "holds"
    assert judge(build={"compiled": 30.0, "xla": 2.0})["theano-compile"].word == "mixed"


def test_memory(judge):
    less = {"function": 0.5, "xla": 0.5, "hybrid": 0.5, "module": 0.5}
    more = {"function": 2, "xla": 2, "hybrid": 2, "module": 2}
    assert judge(memory=less)["memory-reuse"].word == "holds"
    assert judge(memory=more)["memory-reuse"].word == "no longer holds"


def test_pros_and_cons_of_the_imperative(judge):
    found = judge()
    assert found["imperative-similar"].word == "holds"
    assert found["imperative-gate"].word == "holds"
    assert found["imperative-expressive"].word == "holds"
    # No sample mode is tuned by hand.
    assert found["manual-optimisation"].word == "cannot be tested here"


def test_an_imperative_mode_that_is_wrong_costs_the_claim(judge):
    found = judge(spoil=lambda row: row["mode"] == "eager" and row["section"] == "lenet")
    assert found["imperative-similar"].word == "mixed"
    assert "TensorFlow (Eager)" in found["imperative-similar"].reason
    assert found["imperative-expressive"].word == "holds", "what passes is MXNet, and it has graphs"
    lost = judge(spoil=lambda row: row["mode"] in ("hybrid", "function", "xla"))
    assert lost["imperative-expressive"].word == "no longer holds"


def test_a_mode_tuned_by_hand(judge, monkeypatch):
    real = figures.configuration

    def tuned(catalog, framework, version, mode):
        one = real(catalog, framework, version, mode)
        return replace(one, kind="imperative", captures="") if mode == "module" else one

    monkeypatch.setattr(figures, "configuration", tuned)
    assert judge({"module": 0.02, "gluon": 0.04})["manual-optimisation"].word == "holds"
    assert judge({"module": 0.06, "gluon": 0.04})["manual-optimisation"].word == "no longer holds"


def test_traffic_is_judged_where_dispatch_does_not_matter(judge):
    assert judge()["optimal-traffic"].word == "mixed"  # the same kernels in MXNet, better in XLA
    found = judge(each={"eager": 0.0005, "gluon": 0.0005})
    assert found["optimal-traffic"].word == "holds"
    found = judge(each={"eager": 0.0002, "gluon": 0.0002})
    assert found["optimal-traffic"].word == "no longer holds"


def test_expressiveness_by_length(judge):
    some = {"theano": 30, "mxnet": 40, "tensorflow": 40}
    assert judge(lines=some)["symbolic-more-expressive"].word == "holds"
    some = {"theano": 50, "mxnet": 40, "tensorflow": 40}
    assert judge(lines=some)["symbolic-more-expressive"].word == "no longer holds"


def test_the_highest_level_api_by_length(judge):
    found = judge(lines={"mxnet": 20, "tensorflow": 25, "theano": 50})
    assert found["highlevel-table"].word == "holds"
    found = judge(lines={"mxnet": 60, "tensorflow": 55, "theano": 50})
    assert found["highlevel-table"].word == "no longer holds"
    named = replace(CLAIMS["keras-lasagne-easy"], raw={"frameworks": ["mxnet"]})
    short = judge(lines={"mxnet": 20, "tensorflow": 25, "theano": 50}, claim=named)
    long = judge(lines={"mxnet": 60, "tensorflow": 25, "theano": 50}, claim=named)
    assert (short.word, long.word) == ("holds", "no longer holds")


def test_who_can_be_driven_from_r(judge):
    assert judge()["mxnet-only-r"].word == "mixed"
    alone = judge(spoil=lambda row: row["section"] == "r" and row["framework"] != "mxnet")
    assert alone["mxnet-only-r"].word == "holds"
    named = replace(CLAIMS["no-r-lasagne-keras"], raw={"frameworks": ["theano", "tensorflow"]})
    assert judge(claim=named).word == "no longer holds"
    assert judge(claim=named, spoil=lambda row: row["section"] == "r").word == "holds"


def test_nothing_measured_is_said_so():
    empty = figures.Figures("", "", (), {})
    assert {claims.judge(claim, empty).word for claim in BOOK.claims} == {"cannot be tested here"}
    assert all(claims.judge(claim, empty).reason for claim in BOOK.claims)


def test_attributed_claims_are_marked_and_stated_ones_name_the_article():
    for claim in BOOK.claims:
        if claim.kind == "attributed":
            assert "from memory" in claim.source
        else:
            assert claim.source.startswith("the article")


def test_every_claim_has_a_page():
    names = {"home", *(section.id for section in loader.load().sections)}
    assert {claim.page for claim in BOOK.claims} | {item.page for item in BOOK.history} <= names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[claims.x", "valid TOML"),
        ('[claims.x]\npage = "home"', "a text"),
        (
            '[claims.x]\npage="home"\nsection="s"\nclaim="c"\nkind="heard"\nsource="s"\n'
            'rule="untested"\ntest="t"',
            "stated or attributed",
        ),
        (
            '[claims.x]\npage="home"\nsection="s"\nclaim="c"\nkind="stated"\nsource="s"\n'
            'rule="magic"\ntest="t"',
            "one of untested",
        ),
        ('[[history]]\npage = "lenet"', "work"),
    ],
)
def test_a_faulty_file_is_named(text, expected):
    with pytest.raises(InputError, match=expected) as error:
        claims.parse(text, PATH)
    assert str(PATH) in str(error.value)


def test_site_and_claims_agree_on_the_article():
    assert BOOK.article["year"] == 2016
    assert mkdocs_config.BEGIN in (loader.ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["faster", "faster"], "holds"),
        (["faster", "not resolved"], "mixed"),
        (["slower", "equivalent"], "no longer holds"),
        (["slower", "not resolved"], "mixed"),
        (["not resolved", "not resolved"], "cannot be tested here"),
    ],
)
def test_what_is_unresolved_neither_confirms_nor_refutes(verdicts, word):
    assert claim_rules._decide(verdicts) == word


def test_a_tally_counts_comparisons_and_names_each_graph_once():
    outcomes = [
        ("A", 0.5, "faster"), ("A", 0.6, "faster"), ("B", 1.2, "slower"),
        ("C", 1.0, "not resolved"),
    ]  # fmt: skip
    tally = claim_rules._tally(outcomes, "time")
    assert tally.word == "mixed"
    assert tally.reason.replace("\N{NO-BREAK SPACE}", " ") == (
        "In 2 of 4 comparisons the graph takes less time than the same program run eagerly:"
        " A 0.50 and 0.60 ×; in 1 it takes more: B 1.20 ×; in 1 it is not resolved: C 1.00 ×."
    )
    assert claim_rules._tally(outcomes[2:3], "memory").reason.startswith(
        "In 0 of 1 comparison the graph"
    )


def test_reasons_call_frameworks_by_their_names(judge):
    lines = {"tensorflow": 30, "mxnet": 40, "theano": 43}
    found = judge(lines=lines)["symbolic-more-expressive"]
    assert "TensorFlow 30" in found.reason
