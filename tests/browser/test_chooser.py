"""The chooser in the browser, against the same computation in Python."""

import re

import numpy as np
import pytest

from generator.pages import scoring

STANDINGS = """() => [...document.querySelectorAll(".chooser tbody tr")].map(
    row => [row.dataset.framework, +row.dataset.group, row.cells[2].textContent])"""


@pytest.fixture(scope="module")
def scores(measured):
    """Scores of each place of the site."""
    inputs, figures = measured
    places = [(m, device) for m in inputs.machines for device in inputs.devices(m)]
    frameworks = inputs.catalog.frameworks
    return [scoring.scores(frameworks, figures[place], inputs.today) for place in places]


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
            ({STANDINGS})(),
        ]);
    }}
    return answers;
}}"""


def test_the_chooser_answers_as_plain_python_does(visit, scores):
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
    for (place, weights), (sliders, found) in zip(asked, answers, strict=True):
        assert sliders == weights
        expected = [
            [one.framework, one.group, f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"]
            for one in scoring.rank(scores[place], weights)
        ]
        assert [one[:2] for one in found] == [one[:2] for one in expected], weights
        for (_, _, theirs), (_, _, ours) in zip(found, expected, strict=True):
            # Halves are rounded differently by the two languages.
            for a, b in zip(
                re.findall(r"[\d.]+", theirs), re.findall(r"[\d.]+", ours), strict=True
            ):
                assert abs(float(a) - float(b)) < 0.011
    assert problems == []


def test_the_chooser_keeps_its_weights_in_the_address(visit, address):
    page, _ = visit("report/chooser.html")
    assert "#" not in page.url, "nothing was weighed yet"
    page.get_by_role("button", name="Training speed alone").click()
    page.wait_for_url(re.compile("#speed=5$"))
    slider = page.get_by_role("slider", name="Operator coverage")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("#speed=5&operators=1$"))
    before = page.evaluate(STANDINGS)
    again, problems = visit(page.url.removeprefix(f"{address}/"))
    assert again.evaluate(STANDINGS) == before
    for need in scoring.NEEDS:
        again.get_by_role("slider", name=need.title).fill("0")
    assert again.locator(".chooser tbody tr").count() == 0
    assert "at least one need" in again.locator(".chooser .said").inner_text()
    assert problems == []
