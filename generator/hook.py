"""MkDocs hook: render before every build, so that plain ``mkdocs serve`` is live.

MkDocs loads it by path; what it imports comes from the environment that MkDocs runs in.
"""

import os
from typing import Any

from generator import site


def on_pre_build(config: Any) -> None:  # noqa: ARG001 - the name is MkDocs' own
    """Render what changed, unless ``generator build`` has just done so."""
    if not os.environ.get(site.RENDERED):
        site.render(preview=bool(_servers))


_servers: list[Any] = []
"""The live preview, once its first build is done."""


def on_serve(server: Any, config: Any, builder: Any) -> Any:  # noqa: ARG001
    """Do not watch what rendering itself writes: that would never end."""
    _servers.append(server)
    docs = os.path.abspath(config["docs_dir"])  # noqa: PTH100 - a string, as MkDocs has it
    server.unwatch(docs)
    for name in sorted(os.listdir(docs)):  # noqa: PTH208
        if name not in ("report", "index.md"):
            server.watch(os.path.join(docs, name))  # noqa: PTH118
    return server
