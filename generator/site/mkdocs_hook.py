"""MkDocs hook: render before every build, so that plain ``mkdocs serve`` is live, and secure it.

MkDocs loads it by path; what it imports comes from the environment that MkDocs runs in.
"""

import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from mkdocs.utils import get_relative_url

from generator.site import content_security_policy, mkdocs, page_cache, preload_hints, render


def on_startup(command: str, dirty: bool) -> None:  # noqa: ARG001 - as MkDocs calls it
    """Remember whether this is a preview: its reloading needs an inline script."""
    _preview.append(command == "serve")


_preview: list[bool] = []


def on_pre_build(config: Any) -> None:  # noqa: ARG001 - the name is MkDocs' own
    """Render what changed, unless ``generator build`` has just done so."""
    if not os.environ.get(mkdocs.RENDERED):
        with _rendering:
            render.render(preview=bool(_servers))


def _be_ready() -> None:
    with _rendering:
        render.render(preview=True, ready=True)


_rendering = threading.Lock()


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> None:
    """Convert no page that was converted before."""
    page.kept = page_cache.find(markdown, page, config, files)
    if page.kept:
        page.render = lambda *_: setattr(page, "content", "")


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001
    """Return the page's HTML as it was converted now or before."""
    return page_cache.restore(page.kept, page, files) if page.kept else html


def on_env(env: Any, config: Any, files: Any) -> Any:  # noqa: ARG001
    """Keep the compiled templates of the theme: each build has an environment of its own."""
    folder = Path(config["config_file_path"]).parent / ".cache/theme"
    folder.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = jinja2.FileSystemBytecodeCache(str(folder))
    return env


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:  # noqa: ARG001
    """Keep a page that was converted now, after the search has read it."""
    if page.kept:
        page_cache.find_again(page.kept, page, config)
    else:
        page_cache.keep(page, config)
    return context


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Return a page with its policy, its scripts in files, what it needs named early."""
    return _secured(output, get_relative_url(".", page.url), config)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """Return the page for addresses that lead nowhere likewise; it is met at any depth.

    Without a public address there is no sitemap: it would be one without a page.
    """
    if template_name == "sitemap.xml" and not config["site_url"]:
        return ""
    if template_name != "404.html":
        return output_content
    return _secured(output_content, urlsplit(config["site_url"] or "/").path, config)


def _secured(html: str, base: str, config: Any) -> str:
    if _preview and _preview[-1]:
        return html
    page, scripts = content_security_policy.secured(html, base)
    page = preload_hints.preloaded(page)
    for name, text in scripts.items():
        path = Path(config["site_dir"], name)
        if not path.exists():  # most pages have the same ones
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return page


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
    # While the first page is read: the first change is then on the screen as fast as later ones.
    threading.Thread(target=_be_ready, daemon=True).start()
    return server
