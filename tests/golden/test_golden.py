"""Small goldens: one table, one chart, one page. Update with ``pytest --snapshot-update``."""

import json

import pytest

from generator.catalog import loader
from generator.catalog.model import NO_LOOK
from generator.pages import atom_feed, markdown, tables
from generator.pages.charts import intervals
from generator.pages.charts.marks import Mark
from generator.site import render
from tests import sample_results
from tests.sample_results import PAIRED


@pytest.fixture
def environment():
    return markdown.environment(loader.ROOT / "templates")


def test_a_table(environment, snapshot):
    columns = (tables.Column("Configuration"), tables.Column("Images/s", number=True))
    rows = (
        (
            tables.Cell("Cedar (compiled)", detail="1.0.5, graph", strong=True),
            tables.Cell("1,426", 1426.2, "evidence/lenet-cedar.md#x", "1,366 to 1,488"),
        ),
        (
            tables.Cell("a | <b> {{ c }}"),
            tables.Cell("", badge=tables.badge("failed"), detail="why"),
        ),
        (tables.Cell("a fact", source="https://example.org/fact"), tables.Cell("–")),
    )
    table = tables.Table("Speed", columns, rows)
    template = '{% import "macros.md.j2" as m %}{{ m.table(t, "report/") }}'
    assert environment.from_string(template).render(t=table) == snapshot


def test_a_chart(snapshot):
    marks = [
        Mark("Cedar (compiled)", "Cedar", "1 thread", 1426, 1366, 1488, "1,426"),
        Mark("Alder (layers)", "Alder", "1 thread", fault="failed"),
    ]
    chart = intervals.intervals(
        "speed", "Cedar leads.", marks, measure="images per second", better="higher",
        looks={"Alder": NO_LOOK, "Cedar": NO_LOOK},
    )  # fmt: skip
    assert chart.alt == snapshot
    assert json.dumps(chart.specs["narrow"], indent=1, sort_keys=True) == snapshot


def test_a_page(tmp_path, snapshot):
    results = tmp_path / "results"
    sample_results.write_sample(results, profile="quick", frameworks=(PAIRED,))
    render.render(results_root=results, docs=tmp_path / "docs")
    page = (tmp_path / "docs/report/memory.md").read_text(encoding="utf-8")
    assert page == snapshot


def test_a_feed(snapshot):
    entries = [
        atom_feed.Entry(
            "urn:uuid:1", "Cedar 0.8.2 → 0.9.0 on a <machine>", "2026-11-26T01:38:55Z",
            "changes.html#releases", "1 faster.", ("Cedar 0.9.0: faster & more", "a second line"),
        ),
        atom_feed.Entry("urn:uuid:2", "Again", "2026-11-24T20:12:51Z", "changes.html#runs", "–"),
    ]  # fmt: skip
    assert atom_feed.atom("name", "What changed", "generator", "changes.html", entries) == snapshot
