"""Pure: pages of the theme -> pages that a strict Content-Security-Policy allows.

The theme writes three small scripts into every page. Each becomes a file of its own, so that the
policy need not allow anything inline: text that slips through escaping is then still not run.
"""

from __future__ import annotations

import hashlib
import re

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the theme's icons are data in its style sheet
        "font-src 'self'",
        "connect-src 'self'",  # search index, specifications of charts
        "worker-src 'self'",  # search
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""In a meta element, which cannot say ``frame-ancestors``: that takes a server's header."""

FOLDER = "assets/javascripts"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_CHARSET = re.compile(r"<meta charset=[^>]*>")


def secured(html: str, base: str) -> tuple[str, dict[str, str]]:
    """Return a page with the policy, and path below the root of the site -> script that was in it.

    ``base`` leads from the page to that root, for example "..".

    Raises:
        ValueError: the page does not say its character set, so it is none of the theme's.

    """
    scripts: dict[str, str] = {}

    def out(match: re.Match[str]) -> str:
        text = match[1]
        name = f"{FOLDER}/inline.{hashlib.sha256(text.encode()).hexdigest()[:8]}.js"
        scripts[name] = text
        return f'<script src="{base.rstrip("/")}/{name}"></script>'

    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page, count = _CHARSET.subn(lambda match: f"{match[0]}\n{meta}", html, count=1)
    if not count:
        raise ValueError("no <meta charset>: not a page of the theme")
    return _INLINE.sub(out, page), scripts
