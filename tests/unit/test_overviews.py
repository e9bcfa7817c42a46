"""Pages about everything at once, made of the committed results."""

import pytest

from generator.analysis import claims
from generator.catalog import loader
from generator.pages import scoring
from generator.pages.overviews import frameworks, then_and_now


def test_then_and_now_shows_every_claim_once_with_its_verdict(inputs, figures):
    context = then_and_now.context(inputs, figures, None)
    judged = figures[inputs.machines[0], "cpu"]
    shown = {view.anchor: view for chapter in context["chapters"] for view in chapter.claims}
    assert set(shown) == {f"claim-{claim.id}" for claim in inputs.book.claims}
    assert len(context["table"].rows) == len(inputs.book.claims)
    for claim in inputs.book.claims:
        assert shown[f"claim-{claim.id}"].badge.word == claims.judge(claim, judged).word
    kinds = [claim.kind for claim in inputs.book.claims]
    assert f"Of {kinds.count('stated')} claims that the article states" in context["finding"]
    assert f"Of {kinds.count('attributed')} claims that are attributed" in context["finding"]
    assert len(context["then"].rows) == len(inputs.book.history)


def test_every_framework_has_a_page_and_a_row_that_leads_to_it(inputs, figures):
    parts = frameworks.parts(inputs, figures, None)
    assert set(parts) == {framework.id for framework in inputs.catalog.frameworks}
    rows = frameworks.context(inputs, figures, None)["table"].rows
    assert [row[0].href for row in rows] == [f"frameworks/{id}.md" for id in parts]


@pytest.mark.parametrize("framework", loader.load().frameworks, ids=lambda one: one.id)
def test_the_page_of_a_framework_tells_all_that_its_folder_does(inputs, figures, framework):
    page = frameworks.parts(inputs, figures, None)[framework.id]
    assert len(page["facts"].rows) == len(framework.facts)
    assert all(row[1].source for row in page["facts"].rows), "every fact has its source"
    assert [row[0].text for row in page["modes"].rows] == [m.title for m in framework.modes]
    assert [row[0].text for row in page["releases"].rows] == [
        version.version for version in framework.versions
    ]
    gaps = [row[2].text for row in page["gaps"].rows] if page["gaps"] else []
    assert gaps == [gap.reason for gap in framework.gaps]
    assert len(page["needs"].rows) == len(scoring.NEEDS)
    said = {row[0].text: row[1].text for row in page["scripts"].rows}
    assert said["lenet.py"], "a script says why it is written as it is"
    assert page["evidence"], "everything measured leads to its evidence"


def test_what_is_known_to_be_wrong_is_on_the_page(inputs, figures):
    parts = frameworks.parts(inputs, figures, None)
    for framework in inputs.catalog.frameworks:
        wrong = [mode.title for mode in framework.modes if mode.fault]
        table = parts[framework.id]["faults"]
        assert [row[0].text for row in table.rows] == wrong if wrong else table is None
