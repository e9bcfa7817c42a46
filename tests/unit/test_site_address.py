"""Feed and sitemap, with and without a public address: whole links, or relative ones, or none."""

import gzip
import re
import xml.etree.ElementTree as ET
from urllib.parse import urljoin, urlsplit

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from generator.catalog.loader import ROOT
from generator.pages import atom_feed
from generator.site import mkdocs, mkdocs_hook

ADDRESSES = (
    "", "https://somebody.github.io/comparison/", "https://somebody.github.io/",
    "https://compare.example.org/", "http://127.0.0.1:8000/a/b/",
)  # fmt: skip
ATOM = {"a": atom_feed.ATOM}


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_of_a_feed_are_whole_where_there_is_an_address(address):
    entry = atom_feed.Entry("urn:x", "t", "2026-01-01T00:00:00Z", "changes.html#a", "s")
    own = f"{address}report/changes.xml" if address else ""
    tree = ET.fromstring(atom_feed.atom("name", "t", "who", "changes.html", [entry], own))
    links = {link.get("rel"): link.get("href") for link in tree.findall("a:link", ATOM)}
    assert links.get("self", "") == own
    (inner,) = tree.findall("a:entry/a:link", ATOM)
    # Wherever the feed was read from, they lead to the same page.
    for href, page in ((links["alternate"], "changes.html"), (inner.get("href"), "changes.html#a")):
        assert bool(urlsplit(href).scheme) == bool(address)
        assert urljoin(own or "https://x.example/report/changes.xml", href) == (
            f"{address or 'https://x.example/'}report/{page}"
        )


def test_the_page_of_changes_gives_its_feed_the_address_of_the_site(monkeypatch):
    from types import SimpleNamespace

    from generator.pages.overviews import changes

    event = SimpleNamespace(id="urn:x", changes=[], differing=[])
    for name in ("title", "notes", "finished"):
        said = {"title": "t", "notes": [], "finished": "2026-01-01T00:00:00Z"}[name]
        monkeypatch.setattr(changes.change_events, name, lambda *_, said=said: said)
    monkeypatch.setattr(changes, "_anchor", lambda _: "a")
    monkeypatch.setattr(changes.changes, "summary", lambda _: "s")
    known = {"events": [event], "catalog": None, "documents": {}}
    book = SimpleNamespace(article={})
    for address in ADDRESSES:
        inputs = SimpleNamespace(**known, book=book, address=address)
        text = changes.files(inputs)[changes.FEED]
        assert (f'href="{address}report/{changes.FEED}"' in text) == bool(address)


@pytest.mark.parametrize("address", [*ADDRESSES, "https://somebody.github.io/comparison"])
def test_feed_and_sitemap_have_whole_addresses(tmp_path, monkeypatch, address):
    monkeypatch.setenv(mkdocs.RENDERED, "1")
    docs = tmp_path / "docs"
    (docs / "report").mkdir(parents=True)
    (docs / "index.md").write_text("# Home\n")
    (docs / "report" / "memory.md").write_text("# Memory\n")
    configuration = tmp_path / "mkdocs.yml"
    configuration.write_text(
        f"site_name: s\nsite_url: '{address}'\nuse_directory_urls: false\n"
        f"theme:\n  name: material\n"
        f"  custom_dir: {ROOT / 'templates' / 'theme'}\nhooks:\n  - {mkdocs_hook.__file__}\n"
    )
    build(load_config(str(configuration), strict=True))
    site = tmp_path / "site"
    root = f"{address.rstrip('/')}/" if address else "https://x.example/"
    for name in ("index.html", "report/memory.html", "404.html"):
        page = (site / name).read_text()
        (feed,) = re.findall(r'type="application/atom.xml"[^>]* href="([^"]+)"', page)
        assert urljoin(root + name, feed) == f"{root}report/changes.xml"
    found = [path.name for path in site.glob("sitemap.xml*")]
    if not address:
        assert not found
        return
    assert sorted(found) == ["sitemap.xml", "sitemap.xml.gz"]
    text = (site / "sitemap.xml").read_bytes()
    assert gzip.decompress((site / "sitemap.xml.gz").read_bytes()) == text
    places = {element.text for element in ET.fromstring(text).iter() if element.tag.endswith("loc")}
    assert {f"{root}report/memory.html"} < places
    assert all(place.startswith(root) for place in places)
    assert (
        f'<link rel="canonical" href="{root}report/memory.html"'
        in (site / "report" / "memory.html").read_text()
    )


def test_the_workflow_knows_pages_of_users_and_of_projects():
    text = (ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "SITE_URL:" in line]
    assert "vars.SITE_URL ||" in line  # a domain of one's own
    assert "'.github.io') && 'https://{1}/'" in line
    assert "'https://{0}.github.io/{1}/'" in line
