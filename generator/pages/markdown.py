"""Pure: text from data -> Markdown that shows it as it is.

Whatever a template prints goes through :func:`escape`, for Markdown and HTML alike, unless it is
markup that a template or this module made. So a reason, a log or a build flag with ``<script>``,
pipes, back-ticks or braces in it comes out as the text it is.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import jinja2
from markupsafe import Markup

from generator.formatting import INVISIBLE
from generator.pages.tables import badge

_SPECIAL = re.compile(r"""[\\`*_{}\[\]<>&|~^#"']""")
_SPACE = re.compile("[^\\S\N{NO-BREAK SPACE}]+")
_WORDS = re.compile(r"\S*(?:--\w|\(&#34;)\S*")
_LIST = re.compile(r"(?<=\d)([.)])(?=\s|$)")


def escape(text: object) -> Markup:
    """Return text that Markdown and HTML show as it is, on one line.

    Characters that could start markup anywhere become character references; so do those that mean
    something at the start of a line.
    """
    return _escaped(str(text))


@functools.lru_cache(maxsize=50_000)  # the same words stand in many cells
def _escaped(text: str) -> Markup:
    flat = _SPACE.sub(" ", INVISIBLE.sub(" ", text)).strip()
    safe = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", flat)
    if safe and not safe[0].isalnum() and safe[0] not in "&(":
        safe = f"&#{ord(safe[0])};{safe[1:]}"
    return Markup(_LIST.sub(lambda match: f"&#{ord(match[0])};", safe))


def whole(text: object) -> Markup:
    """Return text whose options and calls with a string stay on one line where they fit."""
    return Markup(_WORDS.sub(r'<span class="whole">\g<0></span>', str(escape(text))))


def lead(text: str, beginning: str) -> Markup:
    """Return text whose beginning stands out; "" leaves it as it is."""
    if not beginning:
        return escape(text)
    rest = text.removeprefix(beginning)
    gap = " " if rest.startswith(" ") else ""
    return Markup(f"**{escape(beginning)}**{gap}{escape(rest)}")


def fence(text: object, language: str) -> Markup:
    """Return a code block whose fence is longer than any row of back-ticks in the text."""
    clean = INVISIBLE.sub("", str(text).replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    marks = "`" * max(3, longest + 1)
    return Markup(f"{marks}{language}\n{clean}\n{marks}")


def address(text: object) -> Markup:
    """Return a relative address of ours as it may stand in a Markdown link."""
    clean = str(text)
    if not re.fullmatch(r"(?!/)[A-Za-z0-9._+#/-]+", clean) or "//" in clean:
        raise ValueError(f"not an address that we made: {clean!r}")
    return Markup(clean)


def web(text: object) -> Markup:
    """Return an address on the web as it may stand in a Markdown link."""
    plain = str(text)
    if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+", plain):
        raise ValueError(f"no web address: {plain!r}")
    return Markup(plain)


def quoted(text: object) -> Markup:
    """Return a text for the head of a page in YAML: both site builders take it for HTML."""
    safe = html.escape(str(text), quote=False).replace('"', "&quot;")
    return Markup(json.dumps(safe, ensure_ascii=False))


def data_block(value: object) -> Markup:
    """Return data for search engines: JSON that no browser runs, and no text in it can end."""
    text = json.dumps(value, ensure_ascii=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/ld+json">{safe}</script>')


def source(text: object) -> Markup:
    """Return a small link to the page that says so; what is no web address stays text."""
    plain = str(text)
    if not re.fullmatch(r"https?://[^\s<>]+", plain):
        return Markup('<span class="detail">{}</span>').format(escape(plain))
    return Markup('<span class="detail"><a href="{}">source</a></span>').format(escape(plain))


@functools.lru_cache(maxsize=20_000)
def once(macro: Callable[..., Markup], *arguments: object) -> Markup:
    """Return what a macro makes of its arguments: most tables are as they were last time."""
    return macro(*arguments)


@functools.cache
def environment(folder: Path) -> jinja2.Environment:
    """Return the Jinja environment of the templates in ``folder``."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=lambda value: value if hasattr(value, "__html__") else escape(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    ours = (address, badge, data_block, fence, lead, quoted, source, web, whole)
    made.globals["once"] = once
    made.filters |= {each.__name__: each for each in ours}
    return made
