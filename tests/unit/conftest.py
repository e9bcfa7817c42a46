"""Results that pages and scores are made of, read once: what is committed, and invented trees."""

import dataclasses
import datetime
import types
from pathlib import Path

import pytest

from generator.catalog import loader
from generator.pages import markdown, overview_page, section_page
from generator.pages.inputs import Drawing, Inputs, Picture
from generator.results import reading as store
from generator.results import selection
from generator.site import render
from tests import sample_results

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(scope="session")
def inputs():
    return _inputs(loader.ROOT / "measurements" / "results")


@pytest.fixture(scope="session")
def figures(inputs):
    return inputs.figures


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory):
    """A folder of invented results."""
    root = tmp_path_factory.mktemp("sample")
    sample_results.write_sample(root, rows_scale=0.1)
    return root


@pytest.fixture(scope="session")
def sample(sample_root):
    """Return (inputs, figures) of invented results; two configurations ran twice in each block."""
    inputs = _inputs(sample_root)
    return inputs, inputs.figures


@pytest.fixture(scope="session")
def page(sample):
    """Return a function: module of a section -> the context of its page."""

    def make(module, inputs=None):
        section = sample[0].catalog.section(module.__name__.rpartition(".")[2])
        return module.context(section, inputs or sample[0])

    return make


@pytest.fixture(scope="session")
def sample_pages(sample_root, tmp_path_factory):
    """The pages of the invented results, as Markdown."""
    docs = tmp_path_factory.mktemp("docs")
    render.render(results_root=sample_root, docs=docs)
    return docs / "report"


@pytest.fixture(scope="session")
def unmeasured(tmp_path_factory):
    """The folder of a site whose results are none at all."""
    folder = tmp_path_factory.mktemp("unmeasured")
    render.render(results_root=folder / "nothing", docs=folder / "docs")
    return folder / "docs"


@dataclasses.dataclass(frozen=True)
class Sampled:
    """An invented tree of results and what pages are made of from it."""

    folder: Path
    inputs: Inputs
    figures: dict


@pytest.fixture(scope="session")
def sampled(tmp_path_factory):
    """Three frameworks on a processor, and later one of them on the graphics card of another."""
    folder = tmp_path_factory.mktemp("sampled")
    sample_results.write_sample(folder, profile="quick")
    sample_results.write_sample(
        folder, profile="quick", frameworks=(sample_results.PAIRED,), device="cuda",
        machine="newer-machine", start=1,
    )  # fmt: skip
    inputs = _inputs(folder)
    return Sampled(folder, inputs, inputs.figures)


def _inputs(results):
    known, loaded = loader.load(), store.load(results)
    shown = selection.shown(loaded, known.listed)
    made = render._inputs(loader.ROOT, results, known, loaded, shown, TODAY, undrawn)
    return dataclasses.replace(made, figures=render._figures(made, results))


def undrawn(chart):
    """Stand in for drawing: a page is given the chart itself."""
    return chart


def pages_of(inputs, *names):
    """Return name -> Markdown of some pages; nothing is drawn."""
    picture = Picture("", (Drawing("chart.svg", 1, 1),), "chart.csv", "vega.js")
    inputs = dataclasses.replace(inputs, draw=lambda _: picture)
    environment = markdown.environment(loader.ROOT / "templates")
    overviews = {page.id: page for page in overview_page.load()}
    found = {}
    for name in names:
        if name in overviews:
            template, context = f"pages/{name}.md.j2", overviews[name].context(inputs)
            for id, made in overviews[name].parts(inputs).items():
                part = environment.get_template(f"pages/{name}.part.md.j2")
                found[f"{name}/{id}"] = part.render(made)
        else:
            section = inputs.catalog.section(name)
            template, context = "section.md.j2", section_page.context(section, inputs)
        found[name] = environment.get_template(template).render(context)
    return found


def view_of(section, catalog, figures):
    """Return what a sweep reads of a view."""
    section = catalog.section(section)
    return types.SimpleNamespace(section=section, catalog=catalog, figures=figures)


def names(*ids):
    """Return the names of frameworks."""
    return [loader.load().framework(id).name for id in ids]


def rows(table):
    """Return the rows of a table by the text of their first cell."""
    return {row[0].text: row[1:] for row in table.rows}
