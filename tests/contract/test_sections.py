"""One suite that every section passes: a module and a template of the same stem."""

import ast
import json

import pytest
from typer.testing import CliRunner

from generator.catalog import framework_toml, loader
from generator.cli.app import app
from generator.measure.profiles import PROFILES
from generator.results.processes import GATED
from measurements.contract import Section
from tests.conftest import ROOT
from tests.contract.code import parse

SECTIONS = loader.load().sections
UNITS = {"s", "B", "1", "count", "verdict", "cores", "MHz", "degC", "W"}

every = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.id)


def test_every_module_and_every_template_is_a_section():
    modules = {p.stem for p in (ROOT / "measurements" / "sections").glob("*.py")} - {"__init__"}
    templates = {p.name.removesuffix(".md.j2") for p in (ROOT / "templates" / "sections").iterdir()}
    assert modules == templates == {section.id for section in SECTIONS}
    assert len({section.id for section in SECTIONS}) == len(SECTIONS)


def test_pages_have_an_order_and_titles_of_their_own():
    orders = [section.order for section in SECTIONS]
    assert orders == sorted(set(orders))
    assert len({section.title for section in SECTIONS}) == len(SECTIONS)


def test_times_count_only_behind_a_gate_wherever_there_is_one():
    assert set(GATED) == {section.id for section in SECTIONS if "gate" in section.metrics}


@every
def test_it_asks_a_question(section):
    module = __import__(f"measurements.sections.{section.id}", fromlist=["SECTION"])
    assert isinstance(module.SECTION, Section)
    assert module.__doc__
    assert section.title
    assert section.question.endswith("?")
    assert framework_toml.IDENTIFIER.fullmatch(section.id)
    assert section.module.is_file()


@every
def test_it_measures_exactly_if_it_starts_processes(section):
    functions = {n.name: n for n in parse(section.module).body if isinstance(n, ast.FunctionDef)}
    assert ("measure" in functions) == section.measured == bool(section.starts)
    assert set(section.starts) <= {"cold", "warm"}
    assert bool(section.metrics) == section.measured
    if section.measured:
        assert len(functions["measure"].args.args) == 1


@every
def test_its_scope_blocks_and_script_mean_something(section):
    assert section.scope in ("modes", "pairs", "framework")
    assert set(section.blocks) <= set(PROFILES)
    assert all(type(blocks) is int and blocks > 0 for blocks in section.blocks.values())
    if not section.apart:  # they share processes, so they concern the same modes
        assert section.scope == "modes"
    if section.script:
        assert "lines" in section.metrics
    if section.cases:
        assert section.apart
        assert "again" not in section.cases


def test_every_page_of_its_own_belongs_to_a_section():
    folder = ROOT / "generator" / "pages" / "sections"
    pages = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert pages
    assert pages <= {section.id for section in SECTIONS}


@every
def test_its_metrics_have_known_units(section):
    for id, metric in section.metrics.items():
        assert framework_toml.IDENTIFIER.fullmatch(id)
        assert metric.unit in UNITS, id
        assert metric.title
        assert metric.better in ("lower", "higher", "")


@every
def test_its_headline_can_be_better_or_worse(section):
    if section.measured:
        assert next(iter(section.metrics.values())).better


@every
def test_it_emits_only_metrics_that_it_declares(section):
    emitted = {
        node.args[0].value
        for node in ast.walk(parse(section.module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("emit", "unsupported")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert emitted <= set(section.metrics)


def test_the_command_line_lists_them(tmp_path):
    done = CliRunner().invoke(app, ["list", "--json", "--results", str(tmp_path)])
    assert done.exit_code == 0
    listed = [(s["id"], s["measured"]) for s in json.loads(done.stdout)["sections"]]
    assert listed == [(section.id, section.measured) for section in SECTIONS]
