"""Serves the built site while it grows: browsers load it again after each build."""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mkdocs.livereload import LiveReloadServer

from generator.site.content_security_policy import POLICY

HOST = "127.0.0.1"


class _Server(LiveReloadServer):
    def _inject_js_into_html(self, content: bytes, epoch: int) -> bytes:
        # What loads the page again is an inline script, which the policy of the page forbids.
        page = content.replace(POLICY.encode(), b"")
        return bytes(super()._inject_js_into_html(page, epoch))  # type: ignore[no-untyped-call]


def _free_port() -> int:
    for port in (8000, 0):  # the second means any
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    return 8000


@contextlib.contextmanager
def served(build: Callable[..., Path]) -> Iterator[Callable[..., str]]:
    """Serve the site that ``build`` returns the first page of; yield what builds it and reloads.

    The yielded function takes the options of ``build``, and returns the address. Nothing of the
    site is watched, which would take time from what is being measured: a folder of our own says
    when a build is done.
    """
    logging.getLogger("mkdocs.livereload").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="symbolic-comparison-") as folder:
        started: list[_Server] = []

        def start(root: Path) -> None:
            server = _Server(lambda: None, HOST, _free_port(), str(root))
            server.watch(folder)
            started.append(server)
            thread = threading.Thread(target=server.serve, daemon=True)
            thread.start()
            while thread.is_alive() and not server.serve_thread.is_alive():
                time.sleep(0.01)  # until it listens

        def page(**options: bool) -> str:
            first = build(**options)
            if not started:
                start(first.parent)
            (Path(folder) / "built").touch()
            return started[0].url

        try:
            yield page
        finally:
            for server in started:
                server.shutdown()
