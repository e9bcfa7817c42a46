"""Pages that did not change are not converted again, and nothing is overlooked for it."""

import logging
import warnings

import pytest

from generator.site import mkdocs, page_cache
from tests.conftest import ROOT

FIRST = "# First\n\n## Part\n\n[to the second](second.md#there) ![mark](mark.svg)\n"
SECOND = "---\ntitle: Another name\n---\n\n# Second\n\n## There\n\n    <b>code</b> &amp;\n"


@pytest.fixture
def build(tmp_path, monkeypatch, caplog):
    """Return a function that builds a site of two pages: (their HTML, converted, warnings)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MkDocs and its theme, about themselves
        from mkdocs.commands import build as builder
        from mkdocs.config import load_config
    monkeypatch.setenv(mkdocs.RENDERED, "1")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # the theme writes the time of the build
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "mark.svg").write_text("<svg/>")
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: two\ntheme: material\nuse_directory_urls: false\nplugins: [search]\n"
        f"hooks: ['{ROOT}/generator/site/mkdocs_hook.py']\n"
        f"validation: {{anchors: warn}}\nmarkdown_extensions: [attr_list, toc]\n"
    )
    converted = []
    keep = page_cache.keep

    def counting(page, *more):
        converted.append(page.file.src_uri)
        keep(page, *more)

    monkeypatch.setattr(page_cache, "keep", counting)

    def run(**pages):
        for name, text in pages.items():
            (tmp_path / "docs" / f"{name}.md").write_text(text)
        converted.clear()
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            builder.build(load_config(str(tmp_path / "mkdocs.yml")))
        texts = {p.name: p.read_text() for p in sorted((tmp_path / "site").glob("*.html"))}
        texts["search"] = (tmp_path / "site" / "search" / "search_index.json").read_text()
        return texts, sorted(converted), [r.getMessage() for r in caplog.records]

    run.folder = tmp_path
    return run


def test_what_did_not_change_is_not_converted_again_and_stays_the_same(build):
    texts, converted, told = build(index=FIRST, second=SECOND)
    assert converted == ["index.md", "second.md"]
    assert told == []
    assert "Another name" in texts["index.html"]
    assert "second.html#there" in texts["search"]
    assert build() == (texts, [], [])


def test_what_changed_is_converted_again(build):
    build(index=FIRST, second=SECOND)
    texts, converted, _ = build(second=SECOND + "\nmore\n")
    assert converted == ["second.md"]
    assert "more" in texts["second.html"]
    configuration = build.folder / "mkdocs.yml"
    configuration.write_text(configuration.read_text().replace("[attr_list, toc]", "[toc]"))
    assert build()[1] == ["index.md", "second.md"]


def test_a_dead_link_of_a_page_that_did_not_change_is_told_at_every_build(build):
    build(index=FIRST, second=SECOND)
    _, converted, told = build(second=SECOND.replace("## There", "## Elsewhere"))
    assert converted == ["second.md"]
    assert any("'second.md#there'" in line for line in told)
    (build.folder / "docs" / "mark.svg").unlink()
    for _ in range(2):
        _, converted, told = build()
        assert converted == ["index.md"]
        assert any("mark.svg" in line for line in told)


@pytest.mark.parametrize("odd", [b"", b"no pickle", b"\x80\x04N."])
def test_a_file_that_is_no_kept_page_is_made_again(build, odd):
    texts, *_ = build(index=FIRST, second=SECOND)
    kept = build.folder / ".cache" / "pages" / "second.md.pickle"
    kept.write_bytes(odd)
    assert build() == (texts, ["second.md"], [])
    assert len(kept.read_bytes()) > 100
