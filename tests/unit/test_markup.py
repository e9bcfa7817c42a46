"""Whatever comes from data is inert on a page, and contexts say what the rows say."""

import functools
import html.parser
import re

import jinja2
import markdown
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup
from mkdocs.utils.yaml import yaml_load

from generator import formatting
from generator.catalog import loader
from generator.pages import markdown as markup
from generator.pages import tables

HOSTILE = [
    "<script>alert(1)</script>", "a | b", "`code`", "[text](javascript:alert(1))", "![x](y.png)",
    "{{ 7 * 7 }}", "{ .class #id }", "*a* _b_ **c**", "# heading", "- item", "+ item", "1. item",
    "2) item", "> quote", ": definition", "=== ", "--- ", "/// details | x", "??? note", "!!! note",
    "    code", "~~~", "```", "\\", "&lt;b&gt;", "*[abbr]: x", "[^1]: x", "line\nbreak\n\n# two",
    "tab\there",
    "a\x00b\x02c\x03d", "\u202eevil", "</div></td>", "--8<-- 'file'", "x { data-a=b }",
    "<!-- c -->", "http://example.org/a_b_c", "a@b.org", '"quotes" \'single\'', "$x$",
    "^a^", "==a==",
]  # fmt: skip


@pytest.fixture(scope="module")
def convert():
    """Markdown as the site builders convert it."""
    text = (loader.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    names, options = [], {}
    for entry in yaml_load(text)["markdown_extensions"]:
        name, settings = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        names.append(name)
        options[name] = settings or {}
    return functools.cache(
        lambda source: markdown.markdown(source, extensions=names, extension_configs=options)
    )


class _Seen(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def words(text):
    return " ".join(formatting.INVISIBLE.sub(" ", text).split())


FRAMES = [
    "{{ x }}",
    "before {{ x }} after",
    "**bold:** {{ x }}.",
    "- {{ x }}",
    "| a | b |\n| --- | --- |\n| {{ x }} | {{ x }}{ .number } |",
    "[{{ x }}](page.md)",
    '<div class="c" data-label="{{ x }}" markdown="block">\n\n{{ x }}\n\n</div>',
    "<code>{{ x }}</code>",
    "## {{ x }} { #anchor }",
    '![{{ x }}](a.svg){ width="3" }',
]


@functools.cache
def compiled(template):
    return markup.environment(loader.ROOT / "templates").from_string(template)


def rendered(template, text):
    return compiled(template).render(x=text)


@pytest.mark.parametrize("frame", FRAMES)
def test_hostile_text_is_shown_as_it_is(convert, frame):
    plain = _Seen(convert(rendered(frame, "word")))
    for text in HOSTILE:
        seen = _Seen(convert(rendered(frame, text)))
        assert seen.tags == plain.tags, text
        if "![" not in frame:
            expected = plain.text.replace("word", words(text))
            assert words(seen.text) == words(expected), text


@given(st.text(max_size=60))
@example("\r\n| a")
@example("1. ")
def test_any_text_in_a_table_is_shown_as_it_is(convert, text):
    frame = "| a |\n| --- |\n| x {{ x }} y { .number } |"
    plain = _Seen(convert(rendered(frame, "word")))
    seen = _Seen(convert(rendered(frame, text)))
    assert seen.tags == plain.tags
    assert words(seen.text) == words(plain.text.replace("word", words(text)))


@pytest.mark.parametrize("text", [*HOSTILE, "a\n```\n<b>x</b>\n````\n~~~\n///\n", "`" * 9])
def test_a_code_block_holds_any_text(convert, text):
    source = f"before\n\n/// details | T\n{markup.fence(text, 'text')}\n///\n\nafter"
    seen = _Seen(convert(source))
    assert not {"script", "b", "h1", "img", "a"} & set(seen.tags) - {"a"}
    assert seen.tags.count("details") == 1
    assert seen.text.rstrip().endswith("after")


def test_a_number_stays_with_its_sign():
    shown = markup.escape("1.49\N{NO-BREAK SPACE}×\u2003the \n time")
    assert shown == "1.49\N{NO-BREAK SPACE}× the time"


def test_what_is_markup_already_is_not_escaped_again():
    assert rendered("{{ x }}", Markup("<b>x</b>")) == "<b>x</b>"


def test_options_and_calls_of_a_command_are_held_together():
    command = "run --dry-run a-b -e 'install(\"x\")'"
    held = re.findall(r'<span class="whole">(.*?)</span>', markup.whole(command))
    assert [html.unescape(one) for one in held] == ["--dry-run", "'install(\"x\")'"]


def test_undefined_names_are_errors():
    with pytest.raises(jinja2.UndefinedError):
        rendered("{{ y }}", "")


@pytest.mark.parametrize("text", ["javascript:alert(1)", "//host/x", "/root", "a b", "x)y", "a|b"])
def test_addresses_are_ours_or_refused(text):
    with pytest.raises(ValueError, match="not an address"):
        markup.address(text)


def test_only_web_addresses_become_links():
    assert 'href="https://example.org/a"' in markup.source("https://example.org/a")
    for text in ("javascript:alert(1)", "see the book", "https://x/<script>"):
        assert "<a" not in markup.source(text)


def test_templates_have_no_arithmetic():
    tags = re.compile(r"\{[{%].*?[%}]\}", re.S)
    sums = re.compile(r"[\w)\]]\s*(\*\*?|//?|%|\+)\s*[\w(\[]|[\w)\]]\s+-\s+[\w(\[]")
    for path in (loader.ROOT / "templates").rglob("*.j2"):
        for tag in tags.findall(path.read_text(encoding="utf-8")):
            inner = re.sub(r'"[^"]*"', '""', tag[2:-2].strip("+-"))
            assert not sums.search(inner), f"{path.name}: {tag}"


def test_cells_of_missing_values_say_why(convert):
    made = markup.environment(loader.ROOT / "templates")
    table = tables.Table(
        "T",
        (tables.Column("What"), tables.Column("Value", number=True)),
        (
            (tables.Cell("x"), tables.Cell("", badge=tables.badge("wrong"), detail="why")),
            (tables.Cell("y"), tables.Cell("")),
        ),
    )
    source = made.from_string('{% import "macros.md.j2" as m %}{{ m.table(t) }}').render(t=table)
    html_text = convert(source)
    assert "wrong results" in html_text
    assert "why" in html_text
    assert 'class="number"' in html_text
    assert "data-of" not in _Seen(html_text).text, "attributes of an empty cell are no text"
