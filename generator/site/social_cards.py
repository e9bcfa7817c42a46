"""Pure: title and description of a page -> the picture that a link to it unfolds to elsewhere."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence

from markupsafe import escape

from generator.pages import home_page

WIDTH, HEIGHT = 1200, 630
"""Pixels: what the Open Graph protocol's readers show without cutting, https://ogp.me/."""

_MARGIN = 90
_FAMILY = "Liberation Sans, Arial, sans-serif"


def svg(title: str, description: str, favicon: str) -> str:
    """Return the card of a page as SVG; ``favicon`` is the sign of the site, an SVG too."""
    sign = re.sub(r"</?svg[^>]*>", "", favicon).strip()
    head = _lines(title, 30, 2)
    top = 250
    body = _lines(description, 62, 4)
    below = top + 78 * len(head) + 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#0d2c34"/>'
        f'<rect width="{WIDTH}" height="12" fill="#ffb454"/>'
        f'<g transform="translate({_MARGIN} 84) scale(2)">{sign}</g>'
        f"{_text([home_page.TITLE], 180, 128, 30, 30, '#a9c6cc')}"
        f"{_text(head, _MARGIN, top, 66, 78, '#ffffff', 'bold')}"
        f"{_text(body, _MARGIN, below, 34, 48, '#d6e4e7')}"
        "</svg>"
    )


def _lines(text: str, width: int, most: int) -> list[str]:
    return textwrap.wrap(text, width, max_lines=most, placeholder=" …")


def _text(
    lines: Sequence[str], x: int, y: int, size: int, step: int, fill: str, weight: str = "normal"
) -> str:
    return "".join(
        f'<text x="{x}" y="{y + step * place}" font-family="{_FAMILY}" font-size="{size}" '
        f'font-weight="{weight}" fill="{fill}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )


def name(stem: str, drawing: str, renderer: str) -> str:
    """Return the file name of a card: it changes with the drawing and with what draws it."""
    digest = hashlib.sha256(f"{renderer}\n{drawing}".encode()).hexdigest()[:10]
    return f"{stem}.{digest}.png"
