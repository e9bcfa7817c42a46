"""Pages that still stand are left alone; whatever changed is noticed."""

import jinja2
import pytest

from generator.site import render, standing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "one").write_text("1")
    return tmp_path / "in"


@pytest.mark.parametrize("change", [
    lambda folder: (folder / "one").write_text("2"),
    lambda folder: (folder / "one").unlink(),
    lambda folder: (folder / "deep" / "new").write_text(""),
    lambda folder: (folder / "one").rename(folder / "two"),
    lambda folder: (folder / "deep" / "new").symlink_to(folder / "one"),
])  # fmt: skip
def test_a_digest_tells_every_change_of_a_file(folder, change):
    before = standing.digest([folder], "told")
    assert standing.digest([folder], "told") == before
    assert standing.digest([folder], "else") != before
    change(folder)
    assert standing.digest([folder], "told") != before


def test_a_digest_knows_no_compiled_code_and_no_link_to_nothing(folder):
    before = standing.digest([folder])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "one.pyc").write_text("")
    (folder / "nothing").symlink_to(folder / "missing")
    assert standing.digest([folder, folder / "missing"]) == before


def test_a_template_is_made_of_what_it_extends_imports_and_includes():
    texts = {
        "base.j2": "{% import 'macros.j2' as m %}", "macros.j2": "", "other.j2": "", "x.html": "",
        "page.j2": "{% extends 'base.j2' %}", "any.j2": "{% include name ~ '.j2' %}",
    }  # fmt: skip
    environment = jinja2.Environment(loader=jinja2.DictLoader(texts))
    assert standing.included(environment, "page.j2") == ["base.j2", "macros.j2", "page.j2"]
    assert standing.included(environment, "any.j2") == sorted({*texts} - {"x.html"})


@pytest.mark.parametrize("odd", ["", "[]", "null", "[{}, 1]", '[{}, {"a": 1}]', '["", {}]'])
def test_an_odd_note_counts_as_none(tmp_path, odd):
    (tmp_path / "note").write_text(odd)
    assert standing.find(tmp_path / "note", tmp_path) == ({}, [])


@pytest.mark.whole
def test_what_stands_is_not_made_again_and_what_does_not_is(sample_root, tmp_path, monkeypatch):
    def rendered(**more):
        return render.render(results_root=sample_root, docs=tmp_path / "docs", **more)

    first = rendered()
    with monkeypatch.context() as patch:
        patch.setattr(render, "_made", None)
        assert rendered() == render.Rendered(unchanged=len(first.written))
        patch.setattr(standing, "versions", list)  # as if a package were installed
        with pytest.raises(TypeError):
            rendered()
    page = tmp_path / "docs" / "report" / "lenet.md"
    text = page.read_bytes()
    page.write_text("by hand")
    assert rendered().written == ["report/lenet.md"]
    assert page.read_bytes() == text
    chart = next((tmp_path / "docs" / "report" / "charts").glob("*.svg"))
    chart.unlink()
    assert rendered().written == [chart.relative_to(tmp_path / "docs").as_posix()]
    assert rendered(ready=True).written == []
