"""Pages that run nothing inline, and cards that show text as it is."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.site import content_security_policy, preload_hints, social_cards
from tests.conftest import ROOT

FAVICON = (ROOT / "docs" / "assets" / "favicon.svg").read_text(encoding="utf-8")
PAGE = """<!doctype html><html><head><meta charset="utf-8"><script>var a = "1";
b()</script><script src="x.js"></script></head><body><script>c("</p>")</script>
<script id="__config" type="application/json">{"a": 1}</script></body></html>"""


def test_inline_scripts_become_files_in_place():
    page, scripts = content_security_policy.secured(PAGE, "../..")
    assert list(scripts.values()) == ['var a = "1";\nb()', 'c("</p>")']
    for name in scripts:
        assert f'<script src="../../{name}"></script>' in page
        assert name.startswith("assets/")
    assert page.count("<script src=") == 3
    assert '<script id="__config" type="application/json">{"a": 1}</script>' in page, "data stay"


def test_the_policy_comes_before_everything_it_governs():
    page, _ = content_security_policy.secured(PAGE, ".")
    assert page.index("Content-Security-Policy") < page.index("<script")
    assert "unsafe" not in content_security_policy.POLICY
    assert "default-src 'none'" in content_security_policy.POLICY


def test_equal_scripts_are_one_file():
    first, second = (content_security_policy.secured(PAGE, base)[1] for base in (".", ".."))
    assert first == second


CHART = """<div class="chart"><p>
<img alt="" src="charts/a.0.wide-light.svg"><img alt="" src="charts/a.0.wide-dark.svg">
<img alt="" src="charts/a.0.narrow-light.svg"><img alt="" src="charts/a.0.narrow-dark.svg"></p>
</div>"""
TABLE = '<div class="report-table"></div>'


def viewed(*body):
    return PAGE.replace("<script>var", '<meta name="viewport"><script>var').replace(
        "</body>", "".join(body) + "</body>"
    )


def test_what_is_needed_soon_is_named_early_and_under_the_policy():
    page = preload_hints.preloaded(content_security_policy.secured(viewed(CHART, TABLE), ".")[0])
    assert page.count('as="script"') == 3
    assert page.index("Content-Security-Policy") < page.index("preload") < page.index("viewport")
    wide, narrow = "(not (max-width: 44.9375em))", "(max-width: 44.9375em)"
    for size, query in (("wide", wide), ("narrow", narrow)):
        for scheme in ("light", "dark"):
            media = f"(prefers-color-scheme: {scheme}) and {query}"
            assert f'href="charts/a.0.{size}-{scheme}.svg" media="{media}"' in page


def test_a_chart_below_a_table_is_not_hurried():
    assert 'as="image"' not in preload_hints.preloaded(viewed(TABLE, CHART))
    assert 'as="image"' in preload_hints.preloaded(viewed(CHART))


def test_what_is_no_page_of_the_theme_is_refused():
    with pytest.raises(ValueError, match="charset"):
        content_security_policy.secured("<p>hello</p>", ".")


# What XML can say at all: a page's title has no control characters either.
TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=400)


@given(TEXT, TEXT)
def test_a_card_shows_any_text_as_text(title, description):
    root = ET.fromstring(social_cards.svg(title, description, FAVICON))
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "rect", "g", "path", "circle", "text"}
    lines = [element for element in root.iter() if element.tag.endswith("text")]
    assert 1 <= len(lines) <= 7, "the site, two lines of title, four of description"
    assert all(float(line.get("y")) < social_cards.HEIGHT - 20 for line in lines)


def test_the_name_of_a_card_changes_with_its_drawing():
    names = {
        social_cards.name("lenet", social_cards.svg(title, "", FAVICON), "1")
        for title in ("a", "b", "a")
    }
    assert len(names) == 2
    assert social_cards.name("lenet", "x", "1") != social_cards.name("lenet", "x", "2")
