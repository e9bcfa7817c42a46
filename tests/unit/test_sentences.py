"""Sentences that pages generate are short enough to be read once."""

import re

import pytest

from generator.catalog import loader
from generator.pages import home_page, markdown, overview_page
from tests.unit.conftest import pages_of

MOST = 30
"""Words of a sentence."""

CATALOG = loader.load()
NAMES = [page.id for page in overview_page.load()] + [section.id for section in CATALOG.sections]

FENCED = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
BY_HAND = re.compile(
    r"^(?:/{3,} details \| (?:How|Cite|Figures of that)).*?^/{3,}$", re.MULTILINE | re.DOTALL
)
LEFT_OUT = re.compile(
    r"^(?:\||!\[|/{3}|    attrs|.*class=.unseen|- .*>source</a>).*$", re.MULTILINE
)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)(?:\{[^}]*\})?")


def sentences(text):
    r"""Return the sentences of a page's Markdown, without code, tables, pictures and method texts.

    What a framework's folder says with a source is not generated, and is left out as well.

    >>> sentences("# One\n\n| a |\n\nTwo, [three](x.md). Four 1.5: five?\n- Six")
    ['# One', 'Two, three.', 'Four 1.5: five?', '- Six']
    """
    _, _, text = text.rpartition("\n---\n")
    for pattern in (FENCED, BY_HAND, LEFT_OUT):
        text = pattern.sub("", text)
    text = re.sub(r"<[^>]*>", "", LINK.sub(r"\1", text))
    text = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), text)
    lines = (line.strip() for line in text.splitlines() if not line.startswith("**2016:**"))
    return [one for line in lines for one in re.split(r"(?<=[.?!])\s+(?=[A-Z0-9*·])", line) if one]


def long(text):
    return [one for one in sentences(text) if len(one.split()) > MOST]


@pytest.fixture(scope="module")
def pages(inputs):
    return pages_of(inputs, *NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_of_a_page_is_longer_than_thirty_words(pages, name):
    mine = {page: text for page, text in pages.items() if page.partition("/")[0] == name}
    assert name in mine
    assert {page: said for page, text in mine.items() if (said := long(text))} == {}


def test_no_sentence_of_the_first_page_is_longer_than_thirty_words(inputs):
    template = markdown.environment(loader.ROOT / "templates").get_template("pages/index.md.j2")
    assert long(template.render(home_page.home_context(inputs))) == []


def test_long_sentences_are_found():
    assert long("| a |\n\n" + "word " * 31 + ".")
    assert not long("| " + "word " * 31 + "|")
