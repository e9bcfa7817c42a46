"""The chooser in the browser, against the same computation in Python."""

import re

import numpy as np
import pytest

from generator.pages import ranking, scoring
from generator.pages.overviews import chooser

STANDINGS = """() => [...document.querySelectorAll(".chooser tr[data-framework]")].map(
    row => [row.dataset.framework, row.cells[0].querySelector(".detail")?.textContent ?? "",
        +row.dataset.group, row.cells[1].textContent, row.cells[2].textContent])"""


@pytest.fixture(scope="module")
def scores(measured):
    """Scores of each place of the site."""
    inputs, figures = measured
    return [scoring.scores(inputs, figures[place]) for place in inputs.measured()]


@pytest.fixture(scope="module")
def names(measured):
    """What frameworks and modes are called."""
    return measured[0].catalog


def weightings(count):
    """Return random weights of the needs, from 0 to ``MOST``, in turn for all and for a few."""
    random = np.random.default_rng(2016)
    found = []
    for turn in range(count):
        weights = {need.id: int(random.integers(0, scoring.MOST + 1)) for need in scoring.NEEDS}
        if turn % 2:  # few needs tie and miss more often than many
            for need in random.choice(list(weights), 9, replace=False):
                weights[str(need)] = 0
        found.append(weights)
    return found


ANSWERS = f"""async states => {{
    const answers = [];
    for (const state of states) {{
        const changed = new Promise(done => addEventListener("hashchange", done, {{ once: true }}));
        location.hash = state;
        await changed; // the page's own listener was there first
        const sliders = [...document.querySelectorAll(".chooser [type=range]")];
        answers.push([
            Object.fromEntries(sliders.map(slider => [slider.name, +slider.value])),
            document.querySelector(".chooser .answer").textContent,
            ({STANDINGS})(),
        ]);
    }}
    return answers;
}}"""


def test_the_chooser_answers_as_plain_python_does(visit, scores, names):
    """A hundred random weightings, on every machine and device, through the real page."""
    page, problems = visit("report/chooser.html")
    asked = [
        (turn % len(scores), weights)
        for turn, weights in enumerate(weightings(100))
        if any(weights.values())
    ]
    assert len(asked) > 90
    states = [
        "&".join([f"on={place}", *(f"{need}={n}" for need, n in weights.items() if n)])
        for place, weights in asked
    ]
    answers = page.evaluate(ANSWERS, states)
    for (place, weights), (sliders, said, found) in zip(asked, answers, strict=True):
        assert sliders == weights
        standings = ranking.rank(scores[place], weights)
        firm = ranking.firmness(scores[place], weights)
        assert said == chooser.said(standings, firm, names, sum(map(bool, weights.values())))
        assert [one[:3] for one in found] == [
            [one.framework, chooser._mode(names, one.framework, one.mode), one.group]
            for one in standings
        ], weights
        best = scores[place][standings[0].framework][standings[0].mode]
        for (*_, total, reason), one in zip(found, standings, strict=True):
            shown = [one.value, *([one.low, one.high] if one.high - one.low >= 0.005 else [])]
            # Halves are rounded differently by the two languages.
            *totals, share = re.findall(r"[\d.]+", total)
            assert [float(number) for number in totals] == pytest.approx(shown, abs=0.0051)
            assert share == f"{100 * firm.leads[one.framework]:.0f}"
            why = chooser.why_not(weights, scores[place][one.framework][one.mode], best)
            assert reason == f"{why.text} {why.detail}".strip()
    assert problems == []


def test_each_slider_has_its_formula_beside_it_on_a_phone_too(visit):
    page, problems = visit("report/chooser.html", width=390)
    page.get_by_text("Weigh it yourself").click()
    for need in scoring.NEEDS:
        slider = page.get_by_role("slider", name=need.question)
        rule = page.locator(f"#{slider.get_attribute('aria-describedby')}")
        assert rule.inner_text() == need.rule
        assert slider.get_attribute("aria-valuetext") in scoring.SCALE
        box, beside = rule.bounding_box(), slider.bounding_box()
        assert 0 < box["x"] < box["x"] + box["width"] <= 390
        assert abs(box["y"] - (beside["y"] + beside["height"])) < 20
    assert problems == []


def test_arrows_lead_from_tab_to_tab(visit):
    page, problems = visit("report/chooser.html")
    page.locator(".tabbed-set > input").first.focus()
    for preset in scoring.PRESETS[1:]:
        page.keyboard.press("ArrowRight")
        assert page.locator(f"#for-{preset.id}").is_visible()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("slider").first.is_visible()
    assert problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_answer_is_in_sight_at_first_and_while_weighing(visit, width):
    page, _ = visit("report/chooser.html", width=width)
    box = page.locator(f"#for-{scoring.PRESETS[0].id}").bounding_box()
    assert 0 < box["y"] < box["y"] + box["height"] < 700
    page.get_by_text("Weigh it yourself").click()
    slider = page.get_by_role("slider").last
    slider.scroll_into_view_if_needed()
    answer, below = page.locator(".chooser .answer").bounding_box(), slider.bounding_box()
    assert 0 < answer["y"] < answer["y"] + answer["height"] <= below["y"]


def test_a_slider_is_answered_at_once(visit):
    page, _ = visit("report/chooser.html#" + "&".join(f"{need.id}=3" for need in scoring.NEEDS))
    milliseconds = page.evaluate("""() => {
        const slider = document.querySelector(".chooser [type=range]");
        const times = [];
        for (let turn = 0; turn < 20; turn++) {
            slider.value = 1 + turn % 5;
            const start = performance.now();
            slider.dispatchEvent(new Event("input"));
            times.push(performance.now() - start);
        }
        return times.sort((a, b) => a - b)[10];
    }""")
    assert milliseconds < 50


def test_the_chooser_keeps_its_weights_in_the_address(visit, address):
    page, _ = visit("report/chooser.html")
    assert "#" not in page.url, "nothing was weighed yet"
    page.get_by_text("Training speed alone", exact=True).click()
    page.wait_for_url(re.compile("#for-fast$"))
    shared, _ = visit(page.url.removeprefix(f"{address}/"))
    assert shared.locator("#for-fast").is_visible()
    page.get_by_text("Weigh it yourself").click()
    page.wait_for_url(re.compile("#speed=5$"))
    slider = page.get_by_role("slider", name="How much does operator coverage matter?")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("#speed=5&operators=1$"))
    before = page.evaluate(STANDINGS)
    again, problems = visit(page.url.removeprefix(f"{address}/"))
    assert again.evaluate(STANDINGS) == before
    for need in scoring.NEEDS:
        again.get_by_role("slider", name=need.question).fill("0")
    assert again.locator(".chooser tbody tr").count() == 0
    assert "at least one need" in again.locator(".chooser .answer").inner_text()
    assert problems == []
