"""Pure: pages of the site -> pages whose head names early what is needed soon.

A script in the head waits for the style sheets, and what stands below it is requested only then;
pictures of charts load lazily, so that hidden drawings are never fetched. On a slow phone each of
these is a round trip: together they are most of the time to the first chart.
"""

from __future__ import annotations

import re

from generator.pages.charts.style import SCHEMES

NARROW = "(max-width: 44.9375em)"
"""Windows that get the narrow drawing, as in ``docs/assets/site.css``."""

_PLACE = re.compile(r'<meta name="viewport"')
"""Below the policy, which then holds for what is named here too."""

_SCRIPT = re.compile(r'<script src="([^"]+)"')
_CHART = re.compile(r'<div class="chart[ "].*?</p>', re.DOTALL)
_DRAWING = re.compile(r'src="([^"]+\.(wide|narrow)-(light|dark)\.svg)"')


def preloaded(html: str) -> str:
    """Return a page that names its scripts, and the drawings of its first chart for whom they are.

    A chart below a table is left out: nobody waits for it.
    """
    links = [_link("script", address) for address in dict.fromkeys(_SCRIPT.findall(html))]
    chart = _CHART.search(html.partition('class="report-table"')[0])
    drawings = _DRAWING.findall(chart[0]) if chart else []
    both = len(drawings) > len(SCHEMES)
    for address, size, scheme in drawings:
        media = [f"(prefers-color-scheme: {scheme})"]
        if both:
            media.append(NARROW if size == "narrow" else f"(not {NARROW})")
        links.append(_link("image", address, " and ".join(media)))
    return _PLACE.sub(lambda found: "\n".join([*links, found[0]]), html, count=1)


def _link(kind: str, address: str, media: str = "") -> str:
    query = f' media="{media}"' if media else ""
    return f'<link rel="preload" as="{kind}" href="{address}"{query}>'
