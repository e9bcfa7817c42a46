import json
import os
import shutil

import pytest

from generator import subprocesses
from generator.catalog import loader
from generator.errors import GeneratorError, InputError
from generator.site import mkdocs, mkdocs_config
from generator.site import render as site
from tests import sample_results
from tests.conftest import PRETEND
from tests.sample_results import GRAPH, PAIRED

ROOT = loader.ROOT


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    sample_results.write_sample(folder, profile="quick", frameworks=(GRAPH, PAIRED))
    return folder


@pytest.fixture
def results(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def render(tmp_path, results):
    def run(where=results):
        return site.render(results_root=where, docs=tmp_path / "docs")

    return run


@pytest.fixture(scope="module")
def written(sample, tmp_path_factory):
    """The folder of the sample's pages, and what rendering them says."""
    docs = tmp_path_factory.mktemp("rendered") / "docs"
    return docs, site.render(results_root=sample, docs=docs)


@pytest.fixture
def rendered(written):
    """The sample's pages, for tests that only read them."""
    return written[0]


def test_the_committed_navigation_is_the_derived_one():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert mkdocs_config.with_navigation(text, loader.load()) == text


def test_the_navigation_follows_the_article():
    entries = mkdocs_config.navigation(loader.load())
    titles = [next(iter(entry)) for entry in entries]
    assert titles[:5] == [
        "Home", "This or that", "Symbolic frameworks", "Non-symbolic frameworks",
        "Symbolic vs. non-symbolic",
    ]  # fmt: skip
    assert titles[-5:] == [
        "Final considerations", "The frameworks", "Over time", "Evidence", "Do it yourself",
    ]  # fmt: skip


def test_markers_must_be_there():
    with pytest.raises(ValueError, match="nav: begin"):
        mkdocs_config.with_navigation("site_name: x\n", loader.load())


@pytest.mark.whole
def test_only_changes_are_written_whatever_was_rendered_before(written, render, results, tmp_path):
    docs, first = shutil.copytree(written[0], tmp_path / "docs"), written[1]
    assert {"report/lenet.md", "report/dataset/results.parquet"} <= set(first.written)
    again = render()
    assert (again.written, again.removed) == ([], [])
    assert again.unchanged == len(first.written)
    shutil.rmtree(results / sample_results.MACHINE / PAIRED)
    third = render()
    assert f"report/evidence/lenet-{PAIRED}.md" in third.removed
    assert not (docs / f"report/evidence/lenet-{PAIRED}.md").exists()
    assert "report/lenet.md" in third.written
    assert f"report/evidence/lenet-{GRAPH}.md" in third.written, "its noise is pooled with others"
    assert f"report/evidence/operators-{GRAPH}.md" not in third.written
    warm = {p.relative_to(docs): p.read_bytes() for p in docs.rglob("*") if p.is_file()}
    shutil.rmtree(docs)
    site._known.clear()
    render()
    assert warm == {p.relative_to(docs): p.read_bytes() for p in docs.rglob("*") if p.is_file()}


def test_without_results_each_page_says_how_to_get_some(unmeasured):
    page = (unmeasured / "report/lenet.md").read_text(encoding="utf-8")
    assert "Nothing is measured for this page yet" in page
    assert 'generator measure <span class="whole">--section</span> lenet' in page
    assert not (unmeasured / "report/evidence").exists()
    assert "Nothing is measured yet" in (unmeasured / "index.md").read_text(encoding="utf-8")


def test_a_broken_csv_stops_rendering_and_is_named(render, results):
    path = next(results.rglob("*.csv"))
    path.write_text(path.read_text(encoding="utf-8").replace(",ok,", ",fine,", 1), encoding="utf-8")
    with pytest.raises(InputError, match="fine") as error:
        render()
    assert str(path) in str(error.value)
    assert error.value.line


def test_results_of_a_framework_without_a_folder_are_kept_and_not_shown(sample, tmp_path):
    docs = tmp_path / "docs"
    site.render(results_root=sample, docs=docs, frameworks=PRETEND)
    assert not (docs / "report/evidence").exists()


def test_rows_documents_and_logs_are_published_unchanged(sample, rendered):
    for path in [*sample.rglob("*.csv"), *sample.rglob("*.json")]:
        copy = rendered / "report/data" / path.relative_to(sample)
        assert copy.read_bytes() == path.read_bytes()
    logs = list(sample.rglob("*.log"))
    assert logs
    for path in logs:
        copy = rendered / "report/data" / f"{path.relative_to(sample)}.txt"
        assert copy.read_bytes() == path.read_bytes()


def test_the_locks_behind_a_page_are_published_and_linked(sample, rendered):
    records = list(sample.rglob("*.json"))
    assert records
    for path in records:
        framework = path.parts[-3]
        lock = json.loads(path.read_text(encoding="utf-8"))["environment"]["lock"]
        source = ROOT / "measurements" / "frameworks" / framework / "environments" / lock
        copy = rendered / "report" / "locks" / framework / lock
        assert copy.read_bytes() == source.read_bytes()
        page = (rendered / f"report/evidence/lenet-{framework}.md").read_text(encoding="utf-8")
        assert f"](../locks/{framework}/{lock})" in page


def test_every_evidence_page_repeats_the_command(rendered):
    text = (rendered / f"report/evidence/lenet-{GRAPH}.md").read_text(encoding="utf-8")
    assert (
        f"generator measure {GRAPH}==1.0.5 --section lenet --mode compiled --device cpu\n" in text
    )


def test_mkdocs_must_end_well(monkeypatch, tmp_path):
    calls = []

    def run(arguments, **options):
        calls.append((arguments, options))
        return subprocesses.Finished(1, "WARNING - a dead link", 0.1)

    monkeypatch.setattr(subprocesses, "run", run)
    monkeypatch.setattr(mkdocs, "render", lambda *_, preview: None)
    with pytest.raises(GeneratorError, match="a dead link"):
        mkdocs.build(tmp_path)
    (arguments, options) = calls[0]
    assert arguments[1:] == ["-m", "mkdocs", "build", "--strict", "--clean"]
    assert "-q" not in arguments, "quiet mode hides broken links"
    assert options["env"][mkdocs.RENDERED] == "1"


def test_the_hook_renders_unless_build_has_done_so(monkeypatch):
    from generator.site import mkdocs_hook

    calls = []
    monkeypatch.setattr(mkdocs_hook, "_servers", [])
    monkeypatch.setattr(site, "render", lambda *, preview: calls.append(preview))
    monkeypatch.delenv(mkdocs.RENDERED, raising=False)
    mkdocs_hook.on_pre_build({})
    monkeypatch.setenv(mkdocs.RENDERED, "1")
    mkdocs_hook.on_pre_build({})
    monkeypatch.delenv(mkdocs.RENDERED)
    mkdocs_hook._servers.append("a live preview")
    mkdocs_hook.on_pre_build({})
    assert calls == [False, True]


def test_the_hook_does_not_watch_what_it_writes(monkeypatch):
    from generator.site import mkdocs_hook

    class Server:
        def __init__(self):
            self.watched = {str(ROOT / "docs")}

        def watch(self, path):
            self.watched.add(path)

        def unwatch(self, path):
            self.watched.remove(path)

    server = mkdocs_hook.on_serve(Server(), {"docs_dir": str(ROOT / "docs")}, None)
    names = {os.path.relpath(path, ROOT / "docs") for path in server.watched}
    assert "report" not in names
    assert "index.md" not in names
    assert {"assets", "reproduce.md"} <= names


def test_what_has_no_value_stands_below_what_has(tmp_path):
    """A mode of another division that only failed gets no panel, and no finding, of its own."""
    from generator.analysis import panels as figures
    from generator.results import reading, selection

    sample_results.write_sample(tmp_path, rows_scale=0.1)
    shown = selection.select(reading.load(tmp_path))
    panels = figures.figures(shown[shown["section"] == "lenet"], loader.load()).panels
    assert all(panel.good for panel in panels)
    broken = [row for panel in panels for row in panel.rows if row.summary is None]
    assert {row.status for row in broken} >= {"wrong", "failed"}
    for panel in panels:
        states = [row.summary is None for row in panel.rows]
        assert states == sorted(states)
