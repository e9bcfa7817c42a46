"""Pages about everything together, made of the committed results and of invented ones."""

import datetime
import re
import types
from dataclasses import replace

import pytest

from generator.analysis import claims, statistics
from generator.analysis.claim_evidence import Verdict
from generator.analysis.labels import ESTIMATORS
from generator.catalog import loader
from generator.pages import ranking, scoring, urls
from generator.pages.inputs import ClaimView
from generator.pages.overviews import chooser, dataset, frameworks, methodology, then_and_now
from measurements import gate, lenet


def test_then_and_now_shows_every_claim_once_with_its_verdict(inputs, figures):
    context = then_and_now.context(inputs)
    shown = {view.anchor: view for chapter, _ in context["chapters"] for view in chapter.claims}
    assert set(shown) == {f"claim-{claim.id}" for claim in inputs.book.claims}
    assert len(context["table"].rows) == len(inputs.book.claims)
    today = figures[inputs.machines[0], "cpu"]
    for claim in inputs.book.claims:
        view = shown[f"claim-{claim.id}"]
        judged = None if claim.device == "cuda" else today
        assert view.today.word == claims.judge(claim, judged, inputs.catalog).word
        if claim.device == "cuda":
            assert (view.today.word, view.then) == ("cannot be tested here", None)
    in_time = {view.about.rule for view in shown.values() if view.then}
    assert in_time == {"leads_speed_and_memory", "no_leader_everywhere", "compile_order"}
    assert sum(bool(row[0].detail) for row in context["table"].rows) == len(in_time)
    kinds = [claim.kind for claim in inputs.book.claims]
    stated, then, attributed = context["findings"]
    assert stated.startswith(f"Of {kinds.count('stated')} claims that the article states,")
    assert then.startswith("By releases of its time, ")
    assert attributed.startswith(
        f"Of {kinds.count('attributed')} claims that its lost tables are said"
    )
    assert context["then"].count(" on ") == len(inputs.then)
    assert len(context["others"].rows) == len(inputs.book.history)


@pytest.fixture(scope="module")
def parts(inputs):
    return frameworks.parts(inputs)


@pytest.fixture(scope="module")
def scored(inputs, figures):
    """What is measured where most is: others have a folder, or rows of another machine."""
    return set(scoring.scores(inputs, figures[inputs.measured()[0]]))


def test_every_framework_has_a_page_and_a_row_that_leads_to_it(inputs, parts):
    assert set(parts) == {framework.id for framework in inputs.catalog.frameworks}
    rows = frameworks.context(inputs)["table"].rows
    assert [row[0].href for row in rows] == [f"frameworks/{id}.md" for id in parts]


@pytest.mark.parametrize("framework", loader.load().frameworks, ids=lambda one: one.id)
def test_the_page_of_a_framework_tells_all_that_its_folder_does(inputs, parts, scored, framework):
    page = parts[framework.id]
    tables = {block.anchor: block.tables[0].rows for block in page["folds"]}
    sourced = [row for row in tables["facts"] if row[1].source]
    assert len(sourced) == len(framework.facts), "every fact has its source"
    assert [row[0].text for row in tables["written"]] == [m.title for m in framework.modes]
    assert [row[0].text for row in tables["releases"]] == [
        version.version for version in framework.versions
    ]
    gaps = [(row[0].text, row[1].text) for row in tables.get("gaps", ())]
    assert {reason for _, reason in gaps} == {gap.reason for gap in framework.gaps}
    for gap in framework.gaps:
        title = framework.mode(gap.mode).title if gap.mode else ""
        assert any(title in what for what, reason in gaps if reason == gap.reason)
    wrong = [mode.fault.reason for mode in framework.modes if mode.fault]
    said = [row[1].detail for row in tables["written"] if row[1].source]
    assert [one.split(": ", 1)[1] for one in said] == wrong, "what is known to be wrong"
    needs = [need.title for need in scoring.NEEDS] if framework.id in scored else []
    assert [title for title, _ in page["scores"]] == needs
    assert ("require" if framework.found else "import") in page["code"]
    measured = {section for _, _, section, key in inputs.places if framework.id in key.split("/")}
    linked = [row[0].href for row in tables.get("evidence", ())]
    assert len(linked) == len(measured), "everything measured leads to its evidence"


@pytest.mark.parametrize("framework", loader.load().frameworks, ids=lambda one: one.id)
def test_five_lines_tell_what_to_know_of_a_framework(inputs, parts, scored, framework):
    page = parts[framework.id]
    said = {question: text for question, _, text in page["know"]}
    measured = ["Fast?", "Hungry?", "Complete?"] if framework.id in scored else []
    assert list(said) == ["Alive?", *measured, "How to start?"]
    linked = [address for _, address in page["others"]]
    assert linked == [
        f"../{urls.pair(framework.id, other.id)}"
        for other in inputs.catalog.frameworks
        if other != framework
    ]
    assert all(len(text.split()) <= 30 and text.endswith(".") for text in said.values())
    assert said["Alive?"].startswith("Retired in" if framework.retired else "Last release ")
    how = framework.found.source if framework.found else framework.distribution
    assert how in said["How to start?"]
    cells = dict(page["scores"])
    if not measured:
        return
    for title, question in (("Training speed", "Fast?"), ("Little memory", "Hungry?")):
        assert said[question].startswith(cells[title].text)
        assert ("leading group" in said[question]) == cells[title].strong
    assert cells["Operator coverage"].text in said["Complete?"]


def test_the_list_tells_who_is_alive(inputs):
    context = frameworks.context(inputs)
    for framework, row in zip(inputs.catalog.frameworks, context["table"].rows, strict=True):
        heard = "alive" if framework.watch else "not known"
        assert row[1].badge.word == ("retired" if framework.retired else heard)
        first, *rest = context["answer"].split(". ")
        assert any(framework.name in sentence for sentence in rest) == bool(framework.retired)
        measured = any(id == framework.id for _, id in inputs.evidenced)
        assert row[2].text == (framework.newest.version if measured else "none yet")
        assert (framework.name in first) != measured


def test_a_state_is_no_better_than_the_last_release(inputs):
    framework = next(one for one in inputs.catalog.frameworks if not one.retired)
    words = {}
    for years in (0, 2, 9):
        today = inputs.today + datetime.timedelta(days=365 * years)
        words[years] = frameworks._state(framework, scoring.maintained(framework, today))
    assert words == {0: "alive", 2: "alive", 9: "silent"}
    unheard = replace(framework, watch=None)
    state = scoring.maintained(unheard, inputs.today)
    assert frameworks._state(unheard, state) == "not known"


# ------------------------------------------------------------------------------- invented results


def verdicts(kind, *said):
    """Return claims of a kind with verdicts: today's, or "then|today's"."""
    rulings = [[Verdict(word, "") for word in words.split("|")] for words in said]
    return [
        ClaimView(types.SimpleNamespace(kind=kind), today, then[0] if then else None)
        for *then, today in rulings
    ]


def test_claims_are_counted_by_kind_with_their_predicates():
    stated = verdicts("stated", "holds", "not resolved|mixed", "mixed")
    recalled = verdicts("attributed", "does not hold")
    assert then_and_now.findings([*stated, *recalled]) == [
        "Of 3 claims that the article states, 1 holds and 2 are mixed today.",
        "By releases of its time, 1 is not resolved.",
        "Of 1 claim that its lost tables are said to have made, 1 does not hold today.",
    ]


def test_a_page_of_claims_needs_no_results(inputs):
    empty = replace(inputs, shown=inputs.shown.iloc[:0])
    context = then_and_now.context(empty)
    assert context["where"] == ""
    sourced = {claim.claim for claim in inputs.book.claims if claim.rule.endswith("_r_package")}
    words = {row[0].badge.word for row in context["table"].rows if row[1].text not in sourced}
    assert words == {"cannot be tested here"}


def test_the_study_names_the_estimator_that_is_used(sample):
    context = methodology.context(sample[0])
    study = context["study"]
    used = ESTIMATORS[statistics.ESTIMATOR]
    assert used in study["finding"].rpartition(". ")[2]
    assert {row[0].text for row in study["table"].rows} == set(ESTIMATORS.values())
    assert len(study["chart"].rows) == len(study["table"].rows)
    for row in study["table"].rows:
        low, high = re.fullmatch(r"([\d.]+) to ([\d.]+) %", row[3].text).groups()
        assert float(low) <= 100 * row[2].sort <= float(high)
        assert re.fullmatch(r"\d+ A/A replicates × \d+ blocks", row[5].text)
    assert context["tolerances"].rows[0][1].sort == next(iter(gate.TOLERANCES.values()))[0]
    assert context["gate_steps"] == str(lenet.GATE_STEPS)


def test_without_replicates_there_is_no_study(sample):
    inputs, _ = sample
    alone = inputs.study[inputs.study["case"] != "again"]
    context = methodology.context(replace(inputs, study=alone))
    assert context["study"] is None
    assert context["estimator"] == ESTIMATORS[statistics.ESTIMATOR]


def test_the_noise_is_that_of_the_panels_with_replicates(sample):
    inputs, known = sample
    (figures,) = known.values()
    panels = [p for p in figures.panels if p.replicated and p.division == "closed"]
    assert {panel.section for panel in panels} == {"lenet"}
    noises = methodology._noises_table(inputs)
    assert [row[3].sort for row in noises.rows] == [panel.noise for panel in panels]
    assert methodology._noises_table(replace(inputs, figures={})) is None


def test_the_simulation_is_shown_as_it_was_written(inputs):
    table = methodology._simulated_table(inputs.simulated)
    assert [row[1].sort for row in table.rows] == [float(r["wrong"]) for r in inputs.simulated]
    assert methodology._simulated_table(()) is None


def test_the_page_of_data_explains_every_column_and_metric(sample):
    inputs, _ = sample
    context = dataset.context(inputs)
    assert context["said"] is None
    assert context["snippets"] == ()
    assert context["files"] is None
    metrics = {(row[1].text, row[0].text) for row in context["metrics"].rows}
    assert metrics == {(s.id, metric) for s in inputs.catalog.sections for metric in s.metrics}
    assert {row[0].text for row in context["units"].rows} >= {"s", "B", "count"}
    columns = [row[0].text for row in context["columns"].rows]
    assert columns.index("framework") < columns.index("metric") < columns.index("value")


def test_the_page_of_data_lists_its_files_by_size(sample):
    inputs, _ = sample
    said = {
        "rows": 12345, "runs": 1, "version": "20260102T000000Z-abcdef",
        "resources": [{"path": "results.csv", "bytes": 2_500_000}],
        "licenses": [{"title": "a licence", "path": "https://example.org"}],
    }  # fmt: skip
    context = dataset.context(replace(inputs, dataset=said, citation=None))
    assert (context["size"], context["newest"]) == ("12,345 rows and 1 run", "2 January 2026")
    first, package = context["files"].rows
    assert [cell.text for cell in first] == ["results.csv", "2.5 MB"]
    assert package[0].text == "datapackage.json"
    assert context["citation"] == ""


def test_who_has_no_result_has_no_scores(sample):
    inputs, _ = sample
    context = frameworks.parts(inputs)
    measured, unmeasured = (
        [f.id for f in inputs.catalog.frameworks if (f.id in sample_ids(inputs)) == is_in]
        for is_in in (True, False)
    )
    assert all(cell.text for _, cell in context[measured[0]]["scores"])
    assert context[unmeasured[0]]["scores"] == []
    assert len(context[unmeasured[0]]["know"]) == 2, "nothing is said of what nobody measured"

    folds = {framework: [block.anchor for block in context[framework]["folds"]]
             for framework in (measured[0], unmeasured[0])}  # fmt: skip
    assert ["evidence" in folds[framework] for framework in folds] == [True, False]


def test_what_is_unknown_is_in_no_group(sample):
    inputs, known = sample
    figures = {
        place: replace(one, panels=tuple(p for p in one.panels if p.section != "lenet"))
        for place, one in known.items()
    }
    (id, *_) = sample_ids(inputs)
    page = frameworks.parts(replace(inputs, figures=figures))[id]
    cell = dict(page["scores"])["Training speed"]
    assert (cell.text, cell.bar, cell.strong) == ("not measured", None, False)
    assert ("Fast?", "../lenet.md", "Not measured.") in page["know"]


def sample_ids(inputs):
    return {key.split("/")[1] for _, _, _, key in inputs.places}


def test_the_chooser_says_what_suits_what_is_not_excluded_and_how_firm_that_is(inputs):
    known = inputs.catalog.frameworks[:8]
    first, mode = known[0], known[0].modes[0]
    names = [one.name for one in known]

    def said(*groups, needs=1, share=0.257):
        standings = [
            ranking.Standing(one.id, mode.id if one is first else "", 0, 0, 0, group)
            for one, group in zip(known, groups, strict=False)
        ]
        firm = ranking.Firmness(0, {first.id: share})
        return chooser.said(standings, firm, inputs.catalog, needs)

    best = f"{first.name} ({mode.title}) suits these weights best; "
    assert said(0) == f"{best}no other is measured."
    assert said(0, 1, 1) == f"{best}{names[1]} comes next, and is excluded."
    assert said(0, 0, 1) == f"{best}{names[1]} cannot be excluded."
    assert said(0, 0, 0) == f"{best}no other can be excluded."
    some = ", ".join(names[1:6])
    assert said(0, 0, 0, 0, 0, 0, 0, 1) == f"{best}{some} and 1 more cannot be excluded."
    for share, word in ((0.257, "Not firm"), (0.6, "Fairly firm"), (0.96, "Firm")):
        firm = f"it stays in front for {100 * share:.0f}\N{NO-BREAK SPACE}% of nearby weights."
        assert said(0, 1, 2, needs=2, share=share).endswith(f" {word}: {firm}")
