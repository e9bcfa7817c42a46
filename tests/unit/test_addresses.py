"""Addresses that others may link to: made of ids, and the same after the next release."""

import re

import pytest

from generator.analysis import panels
from generator.catalog import loader
from generator.pages import findings, urls
from generator.results import reading, selection
from tests import sample_results
from tests.sample_results import GRAPH, PAIRED

MACHINE = "amd-epyc-2-cores-2fb52a"


@pytest.mark.parametrize(
    ("ids", "address"),
    [
        (
            ("lenet", GRAPH, (MACHINE, "compiled", "cpu", "threads-1")),
            f"evidence/lenet-{GRAPH}.md#amd-epyc-2-cores-2fb52a--compiled--cpu--threads-1",
        ),
        (
            ("lenet", PAIRED, (MACHINE, "hybrid", "cuda", "resident", "step_time")),
            f"evidence/lenet-{PAIRED}.md#amd-epyc-2-cores-2fb52a--hybrid--cuda--resident--step-time",
        ),
        (
            ("compile", "alder", (MACHINE, "jit", "cpu", "threads-all", "ready_time", "cold")),
            "evidence/compile-alder.md"
            "#amd-epyc-2-cores-2fb52a--jit--cpu--threads-all--ready-time--cold",
        ),
        (
            ("versus", "birch", (MACHINE, "solver", "cpu", "threads-all", "step_time", "batch 64")),
            "evidence/versus-birch.md"
            "#amd-epyc-2-cores-2fb52a--solver--cpu--threads-all--step-time--batch-64",
        ),
    ],
)
def test_an_address_is_made_of_ids(ids, address):
    section, framework, place = ids
    assert urls.evidence(section, framework, urls.anchor(*place)) == address


def test_a_run_has_an_address_of_its_own():
    run = "20261125T224729Z-0b5ec3"
    assert (
        urls.anchor("run", MACHINE, "1.0.5", run, "compiled", "cpu", "threads-1")
        == "run--amd-epyc-2-cores-2fb52a--1-0-5--20261125t224729z-0b5ec3--compiled--cpu--threads-1"
    )
    assert urls.anchor("run", MACHINE, "1.0.5", run).startswith("run--")
    assert urls.evidence("lenet", GRAPH) == f"evidence/lenet-{GRAPH}.md"


def test_a_pair_has_one_address_whoever_is_named_first():
    assert urls.pair("birch", "alder") == urls.pair("alder", "birch") == "compare/alder-birch.md"


def test_two_configurations_never_share_an_address():
    """Ids hold hyphens: joined by one, "a-b, c" and "a, b-c" would be the same."""
    assert urls.anchor("a-b", "c", "cpu", "d") != urls.anchor("a", "b-c", "cpu", "d")


def linked(folder):
    """Every address that the ranked tables link to, and the releases that they show."""
    known = loader.load()
    shown = selection.shown(reading.load(folder), known.listed)
    found = {
        findings.evidence(panel.section, row.configuration, panel)
        for panel in panels.figures(shown, known).panels
        for row in panel.rows
    }
    return found, set(shown["version"].astype(str).unique()), set(shown["run"].astype(str).unique())


def test_a_new_release_keeps_every_address(tmp_path):
    options = {"profile": "quick", "frameworks": (GRAPH, PAIRED)}
    sample_results.write_sample(tmp_path, **options)
    before, old, first = linked(tmp_path)
    newer = {GRAPH: "1.0.99", PAIRED: "1.9.99"}
    sample_results.write_sample(tmp_path, start=1, versions=newer, **options)
    after, new, second = linked(tmp_path)
    assert not old & new
    assert not first & second
    assert before == after
    assert len(before) > 10
    for address in before:
        assert re.fullmatch(r"evidence/[a-z0-9-]+\.md#sample-machine(--[a-z0-9-]+){3}", address)


def test_the_scheme_that_readers_are_told_is_the_one_that_is_used():
    told = [pattern.partition("#")[2] for pattern, _ in urls.SCHEME if "#" in pattern]
    ids = ("MACHINE", "MODE", "DEVICE", "LANE", "METRIC", "CASE")
    run = ("MACHINE", "VERSION", "RUN", "MODE", "DEVICE", "LANE")
    made = [urls.anchor(*ids[:n]) for n in (4, 5, 6)]
    made += [urls.anchor("run", *run[:n]) for n in (3, 6)]
    assert [text.lower() for text in told] == made
