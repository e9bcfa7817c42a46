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

Of the kind "A or B for C":

11. PyTorch or JAX for training speed?
12. TensorFlow or Theano for a fast start-up?
13. MXNet or TensorFlow for little memory?
14. Keras or Lasagne for short code?
15. Caffe or MXNet, to be used from R?
16. PyTensor or Theano for control flow?
17. TensorFlow or PyTorch for data-parallel training?
18. Lasagne or Theano for operator coverage?
19. JAX or Keras for custom operators?
20. MXNet or PyTorch, if it must be maintained?
"""

import datetime
import itertools
import math
import re

import pytest

from measurements import control
from tests.browser.checks import ready, until
from tests.independent import pairs, panels
from tests.independent import rows as published
from tests.independent.claims import verdicts
from tests.independent.rows import CLAIMS, FRAMEWORKS


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
            until(page, "was => location.href !== was", where)
            ready(page)
        opened.append(problems)
        return page

    yield follow
    assert all(problems == [] for problems in opened)


@pytest.fixture(scope="module")
def times(results):
    """What is published, and releases of the article's time, by machine and device."""
    return panels.places(results)


@pytest.fixture(scope="module")
def main(times):
    """What is published of the machine that comes first, its processor first."""
    today, _ = times
    return today[panels.newest_first(today)[0]]


def panel(place, section, lane, case=""):
    """Return a section's headline in one lane, of the closed division."""
    (found,) = [
        one
        for one in place.panels(section)
        if (one.lane, one.case, one.division) == (lane, case, "closed")
    ]
    return found


def name_of(framework):
    return FRAMEWORKS[framework]["name"]


def column(page, title):
    """Return the column of the first page's scoreboard: name of a framework -> its text."""
    board = page.locator(".scoreboard").first
    titles = [text.splitlines()[0] for text in board.locator("th button").all_inner_texts()]
    found = {}
    for row in board.locator("tbody tr").all():
        name, *texts = row.locator("td").all_inner_texts()
        found[name.splitlines()[0]] = texts[titles.index(title) - 1]
    return found


def leaders_are_marked(found, panel):
    """Assert that a column says of each framework whether a mode of it is in the leading group."""
    leading = {one.framework for one in panel.leaders}
    ranked = {one.framework for one in panel.ranked}
    assert leading
    assert ranked <= {id for id in FRAMEWORKS if name_of(id) in found}
    for framework in FRAMEWORKS:
        if text := found.get(name_of(framework)):
            assert ("leading group" in text) == (framework in leading), (framework, text)


def test_which_trains_fastest_and_whether_the_lead_is_real(ask, main):
    found, times = column(ask(), "Training speed"), panel(main, "lenet", "threads-all")
    leaders_are_marked(found, times)
    for framework in {one.framework for one in times.ranked}:
        own = main.value("lenet", "step_time", times.best(framework)).value
        shown = found[name_of(framework)].split()[0]
        assert float(shown.replace(",", "")) == pytest.approx(main.batch / own, rel=1e-3)


def test_which_is_ready_first(ask, main):
    found = column(ask(), "Fast start-up")
    leaders_are_marked(found, panel(main, "compile", "threads-all", "cold"))


def test_how_much_memory_training_takes(ask, main):
    page = ask("Memory")
    text = page.locator(".report-table").first.text_content()
    for cell in panel(main, "memory", "threads-all").group:
        megabytes = main.value("memory", "peak_above_import", cell).value / 1e6
        assert 100 < megabytes < 9995
        assert f"{megabytes:,.0f} MB" in text


def test_whether_the_article_was_right_about_its_winner(ask, times):
    claim = CLAIMS["mxnet-wins"]
    verdict = verdicts(claim, times)[0]
    box = ask(re.compile(re.escape(f"{verdict}: {claim['claim']}"))).locator("#claim-mxnet-wins")
    assert box.is_visible(), "what is folded around it is unfolded"
    assert verdict in box.inner_text()


def test_how_many_claims_still_hold(ask, times):
    stated = [verdicts(claim, times)[0] for claim in CLAIMS.values() if claim["kind"] == "stated"]
    text = ask("Then and now").locator(".answer").first.inner_text()
    assert 0 < stated.count("holds") < len(stated)
    holding = f"Of {len(stated)} claims that the article states, {stated.count('holds')} holds?"
    assert re.search(rf"{holding}\b", text)


def test_what_became_of_each_claim(ask, times):
    page = ask("Then and now")
    for row in page.locator(".report-table").first.locator("tbody tr").all():
        (link, *_) = row.locator("a[href*='#claim-']").all()
        claim = CLAIMS[link.get_attribute("href").partition("#claim-")[2]]
        said = row.locator(".status").first.inner_text().split(maxsplit=1)[1]
        assert said == verdicts(claim, times)[0], claim["claim"]


def test_which_suits_me_if_speed_alone_counts(ask, main):
    found = panel(main, "lenet", "threads-all")
    tied = {one.framework for one in found.leaders}
    page = ask("The chooser")
    page.get_by_text("Training speed alone", exact=True).click()
    table = page.locator("#for-fast").locator("xpath=following::table[2]")
    shown = table.locator("tbody td:first-child strong").all_inner_texts()
    assert shown[0] == name_of(found.leaders[0].framework)
    assert set(shown) == set(map(name_of, tied))


def test_whether_mxnet_runs_a_loop_of_any_length_in_its_graph(ask, main):
    said = main.answers("control")
    able = sorted(
        name_of(framework)
        for framework in FRAMEWORKS
        if said.get((framework, "while", "captured"), (set(), None))[0] == {"ok"}
    )
    what = control.PROGRAMS["while"].what
    group = ask("Control flow operators").locator(".matrix details", has_text=what).first
    group.locator("summary").click()
    names = group.locator("th").all_text_contents()
    row = group.locator("tr", has_text="in a captured graph").first
    assert row.is_visible()
    tones = [cell.get_attribute("class") for cell in row.locator("td").all()]
    shown = [name for name, tone in zip(names, tones, strict=True) if "good" in (tone or "")]
    assert sorted(name.strip() for name in shown) == able
    assert "MXNet" in able


def test_whether_theano_is_maintained_and_what_follows_it(ask):
    page = ask("The frameworks")
    row = page.locator("tbody tr", has_text="Theano").last.inner_text()
    assert f"retired {FRAMEWORKS['theano']['retired']['year']}" in row
    assert "PyTensor" in row
    page = ask("The frameworks", "Theano")
    assert "Theano" in page.locator("h1").inner_text()
    assert str(FRAMEWORKS["theano"]["facts"]["status"]["value"]) in page.content()


def test_what_changed_between_releases(ask, results):
    """Each pair of successive releases that ran in the same blocks, with the ratio of times.

    ``tests/unit/test_independent_changes.py`` has the intervals and verdicts.
    """
    rows = published.newest(published.read(results), "history")
    rows = rows[(rows["section"] == "lenet") & (rows["metric"] == "step_time")]
    rows = rows[rows["status"] == "ok"]
    page = ask("What changed")
    pairs = 0
    for framework in sorted(set(rows["framework"])):
        mine = rows[rows["framework"] == framework]
        known = [version["version"] for version in FRAMEWORKS[framework]["versions"]]
        measured = [version for version in known if version in set(mine["version"])]
        for old, new in itertools.pairwise(measured):
            before, after = (
                panels.logarithms(mine[mine["version"] == version].set_index("block")["value"])
                for version in (old, new)
            )
            ratio = math.exp((after - before).mean())
            row = page.locator("tbody tr", has_text=f"{old} → {new}").filter(
                has_text="Training speed"
            )
            text = row.first.inner_text()
            assert name_of(framework) in text
            assert f"{ratio:.3f}"[:4] in text
            pairs += 1
    assert pairs > 0


def test_which_versions_and_dates_these_are_and_where_the_numbers_are(ask, results, main):
    newest = datetime.datetime.strptime(max(main.rows["run"])[:8], "%Y%m%d")
    first = ask()
    assert f"{newest.day} {newest:%B %Y}" in first.locator(".byline").first.inner_text()
    rows = first.locator(".scoreboard").first.locator("tbody td:first-child").all_inner_texts()
    for framework, version in set(zip(main.rows["framework"], main.rows["version"], strict=True)):
        (row,) = [text for text in rows if text.splitlines()[0] == name_of(framework)]
        assert version in row
    page = ask("Data")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("[.]csv$", re.IGNORECASE)).first.evaluate(
            "link => { link.download = ''; link.click(); }"
        )
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.parametrize(
    ("one", "other", "need"),
    [
        ("jax", "pytorch", "Training speed"),
        ("tensorflow", "theano", "Fast start-up"),
        ("mxnet", "tensorflow", "Little memory"),
        ("keras", "lasagne", "Short code"),
        ("caffe", "mxnet", "Use from R"),
        ("pytensor", "theano", "Control flow"),
        ("pytorch", "tensorflow", "Data-parallel training"),
        ("lasagne", "theano", "Operator coverage"),
        ("jax", "keras", "Custom operators"),
        ("mxnet", "pytorch", "Still maintained"),
    ],
)
def test_this_or_that(ask, main, one, other, need):
    page = ask("This or that", f"{name_of(one)} or {name_of(other)}")
    (row,) = [
        row
        for row in page.locator(".report-table").first.locator("tbody tr").all()
        if row.locator("td").first.inner_text() == need
    ]
    _, first, second, verdict = row.locator("td").all()
    today = datetime.datetime.now(datetime.UTC).date()
    outcome = pairs.compare(main, need, one, other, today)
    for cell, side in zip((first, second), outcome.sides, strict=True):
        pairs.shows(side, *texts(cell))
    said, detail = texts(verdict)
    pairs.told(outcome, said.split(maxsplit=1)[1], detail)


def texts(cell):
    """Return the text of a cell, and the smaller one in it."""
    detail = "".join(cell.locator(".detail").all_inner_texts())
    return cell.inner_text().removesuffix(detail).strip(), detail
