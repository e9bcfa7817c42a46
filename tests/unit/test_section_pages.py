"""Contexts of the sections' pages, on invented results whose answers are known beforehand."""

import types
from dataclasses import replace

import pytest

from generator.catalog import loader
from generator.catalog.model import Gap
from generator.pages import framework_tables
from generator.pages.sections import (
    highlevel,
    nonsymbolic,
    r,
    symbolic,
)
from tests import sample_results
from tests.unit.conftest import names, rows

MEASURED = list(sample_results.VERSIONS)


# ----------------------------------------------------------------- the highest-level API, and R


def test_interfaces_are_ordered_by_lines(page):
    context = page(highlevel)
    (part,) = context["parts"]
    lines = sample_results.LINES
    ordered = names(*sorted(MEASURED, key=lines.get))
    found = rows(part.blocks[0].tables[0])
    assert list(found) == ordered
    first = found[ordered[0]]
    assert [cell.text for cell in first[:2]] == ["27", "10"]
    assert [cell.text for cell in first[3:]] == ["–", "the invented interface"]
    least, most = min(lines.values()), max(lines.values())
    fewest, _, last = part.answer.partition(" Most: ")
    assert fewest.startswith(f"{part.lead}, {least} lines ")
    assert part.lead == ordered[0]
    assert last == f"{ordered[-1]}, {most}."
    assert part.folds[0].heading == "How long it takes"
    assert len(part.folds[0].pictures) == 1
    assert context["target"].endswith("%")


def test_r_is_compared_with_python_on_the_page(page):
    (part,) = page(r)["parts"]
    (table,) = part.blocks[0].tables
    assert set(rows(table)) == set(names(*MEASURED))
    ratios = [row[1].sort for row in table.rows]
    assert ratios == sorted(ratios)
    for row in table.rows:
        assert row[1].sort == pytest.approx(row[2].sort / row[3].sort, rel=0.1)
        assert row[4].text == "44"
    assert all(name in part.lead for name in names(*MEASURED))
    assert "faster than in Python in none of 3 frameworks, slower in 3" in part.answer
    assert len(part.folds[0].pictures) == 1


def test_without_results_there_are_no_such_tables(sample):
    inputs = replace(sample[0], shown=sample[0].shown.iloc[:0])
    for module in (r, highlevel):
        section = inputs.catalog.section(module.__name__.rpartition(".")[2])
        assert module.context(section, inputs)["parts"] == []


# -------------------------------------------------------------------------------- who they are


@pytest.mark.parametrize(("module", "kind"), [(symbolic, "symbolic"), (nonsymbolic, "imperative")])
def test_a_kind_has_its_frameworks_and_its_modes(page, module, kind):
    (part,) = page(module)["parts"]
    frameworks = loader.load().frameworks
    mine = [f for f in frameworks if any(mode.kind == kind for mode in f.modes)]
    blocks = {block.heading: block for block in (*part.blocks, *part.folds)}
    folds = {heading: block.tables[0] for heading, block in blocks.items()}
    for heading in ("Who makes them", "Releases", "How they are used"):
        assert list(rows(folds[heading])) == [f.name for f in mine]
    assert list(rows(folds["How they execute"])) == [
        f"{f.name}, {mode.title}" for f in mine for mode in f.modes if mode.kind == kind
    ]
    assert all(f.name in part.lead for f in mine)
    assert part.answer.startswith(part.lead)
    newest = max(fact.read for f in mine for fact in f.facts.values() if fact.read)
    assert str(newest.year) in blocks["Who makes them"].text


def test_eager_modes_are_shown_with_their_verification(page):
    (part,) = page(nonsymbolic)["parts"]
    (work,) = part.blocks
    by_lane = {(row[0].text, row[1].text): row[2].badge.word for row in work.tables[0].rows}
    kinds = {"eager", "gluon"}  # the imperative modes of the sample
    assert len(by_lane) == len(kinds) * 2
    assert list(by_lane.values()) == ["failed", "verified", "verified", "verified"]
    assert "match the reference in 3 of 4 cases." in part.answer
    assert [bullet.text for bullet in part.bullets if "(failed)" in bullet.text]


def test_one_framework_alone_is_not_named_in_its_own_tables():
    gap = Gap("no R", "https://example.org", device="cuda", versions=("1",), section="r")
    mode = types.SimpleNamespace(id="fast", title="Fast mode")
    both = [gap, replace(gap, section="", mode="fast")]
    one = types.SimpleNamespace(name="One", gaps=both, modes=[mode])
    two = types.SimpleNamespace(name="Two", gaps=[], modes=[])
    what = "Driven from R; Fast mode (CUDA)"  # a reason is said once
    (alone,) = framework_tables.gaps_table([one]).rows
    assert [cell.text for cell in alone] == [what, "no R"]
    assert alone[0].detail == "not supported in 1"
    (among,) = framework_tables.gaps_table([one, two]).rows
    assert [cell.text for cell in among] == ["One", what, "no R"]
    assert framework_tables.gaps_table([two]) is None
