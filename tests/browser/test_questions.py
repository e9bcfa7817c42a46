"""What readers come to ask, answered from the first page in at most two clicks, as the CSVs say.

1. Which framework trains fastest on this processor, and is the lead real?
2. Which one is ready first, with empty caches?
3. How much memory does training take in each?
4. Was the article right that MXNet wins?
5. How many of its claims still hold?
6. Which one suits me if speed alone counts?
7. Can MXNet run a loop whose length the data decide, inside its graph?
8. Is Theano still maintained, and what follows it?
9. What changed between releases?
10. Which versions are these, when were they measured, and where are the raw numbers?
"""

import re

import pytest

from generator import formatting
from generator.analysis import claims
from generator.pages import scoring
from generator.pages.inputs import main_figures


@pytest.fixture
def ask(visit):
    """Return a function that follows links from the first page: at most two, counted."""
    opened = []

    def follow(*links):
        assert len(links) <= 2, "a reader gives up after two clicks"
        page, problems = visit("index.html")
        for link in links:
            where = page.url
            page.get_by_role("link", name=link, exact=True).first.click()
            page.wait_for_function("was => location.href !== was", arg=where)
            page.wait_for_load_state("networkidle")
        opened.append(problems)
        return page

    yield follow
    assert all(problems == [] for problems in opened)


@pytest.fixture
def main(measured):
    """Figures of the machine that comes first."""
    return main_figures(*measured)


def panel_of(figures, section, metric, case=""):
    """Return the panel on all cores."""
    return next(
        p for p in figures.find(section, metric) if (p.lane, p.case) == ("threads-all", case)
    )


def board(page, topic, where):
    """Return the cells of a row of the first page."""
    rows = page.locator("table", has_text="In the lead").first.locator("tbody tr")
    found = [row for row in rows.all() if all(w in row.inner_text() for w in (topic, where))]
    return found[0].locator("td").all_inner_texts()


def leaders_are_named(cell, panel):
    """Whether a cell names the leaders, and calls a tie one."""
    for row in panel.leaders:
        assert row.configuration.framework_name in cell
    assert ("tied" in cell) == (len(panel.leaders) > 1)


def test_which_trains_fastest_and_whether_the_lead_is_real(ask, main):
    panel = panel_of(main, "lenet", "step_time")
    leaders_are_named(board(ask(), "Training speed", "All cores")[1], panel)


def test_which_is_ready_first(ask, main):
    panel = panel_of(main, "compile", "ready_time", "cold")
    leaders_are_named(board(ask(), "Start-up time", "All cores, cold caches")[1], panel)


def test_how_much_memory_training_takes(ask, main):
    page = ask("Memory")
    text = page.locator(".report-table").first.inner_text()
    for row in panel_of(main, "memory", "peak_rss").good:
        assert formatting.quantity(row.summary.value, "B") in text


def test_whether_the_article_was_right_about_its_winner(ask, measured, main):
    (claim,) = [c for c in measured[0].book.claims if c.id == "mxnet-wins"]
    verdict = claims.judge(claim, main)
    box = ask().locator("#claim-mxnet-wins")
    assert verdict.word in box.inner_text()


def test_how_many_claims_still_hold(ask, measured, main):
    judged = [(c.kind, claims.judge(c, main).word) for c in measured[0].book.claims]
    holding = judged.count(("stated", "holds"))
    text = ask("Then and now").locator(".finding").inner_text()
    total = sum(kind == "stated" for kind, _ in judged)
    assert re.search(rf"Of {total} claims that the article states, {holding} holds?\b", text)


def test_which_suits_me_if_speed_alone_counts(ask, measured, main):
    scores = scoring.scores(measured[0].catalog.frameworks, main, measured[0].today)
    leaders = [s.framework for s in scoring.rank(scores, {"speed": 5}) if s.group == 0]
    page = ask("The chooser", "Training speed alone")
    rows = page.locator("#for-fast").locator("xpath=following::table[1]").locator("tbody tr").all()
    names = {f.id: f.name for f in measured[0].catalog.frameworks}
    shown = [row.locator("td").nth(0).inner_text() for row in rows
             if row.locator("td").nth(1).inner_text().startswith("1")]  # fmt: skip
    assert shown == [names[leader] for leader in leaders]


def test_whether_mxnet_runs_a_loop_of_any_length_in_its_graph(ask, measured, main):
    frameworks = measured[0].catalog.frameworks
    sheets = main.answers["control"]
    answers = {f.name: sheets.get(f.id, {}).get(("while", "captured")) for f in frameworks}
    able = [name for name, answer in answers.items() if answer and answer.good]
    text = ask("Control flow operators").locator(".finding").first.inner_text()
    (said,) = re.findall(r"A data-dependent loop in a graph: (.*)[.]", text)
    everybody = {f"all {len(frameworks)} frameworks"} if len(able) == len(frameworks) else set()
    assert said in {formatting.listing(able), *everybody}
    assert ("MXNet" in said or bool(everybody)) == ("MXNet" in able)


def test_whether_theano_is_maintained_and_what_follows_it(ask, measured):
    theano = measured[0].catalog.framework("theano")
    page = ask("The frameworks")
    row = page.locator("tbody tr", has_text="Theano").last.inner_text()
    assert str(theano.facts["status"].value) in row
    assert "PyTensor" in row
    assert "Theano" in ask("The frameworks", "Theano").locator("h1").inner_text()


def test_what_changed_between_releases(ask, measured):
    page = ask("What changed")
    text = page.locator("article").inner_text()
    told = [event for event in measured[0].events if event.kind == "releases"]
    assert told
    assert all(event.new in text for event in told)


def test_which_versions_and_dates_these_are_and_where_the_numbers_are(ask, measured):
    inputs = measured[0]
    newest = inputs.document(inputs.machines[0])
    byline = ask().locator(".byline").first.inner_text()
    assert formatting.day(newest["run"]) in byline
    page = ask("Data")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("[.]csv$", re.IGNORECASE)).first.evaluate(
            "link => { link.download = ''; link.click(); }"
        )
    assert download.value.suggested_filename.endswith(".csv")
