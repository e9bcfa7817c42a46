"""CITATION.cff, by the schema of its format: tests/data/cff-1.2.0.schema.json, CC BY 4.0, is the
unchanged schema.json of https://github.com/citation-file-format/citation-file-format at tag 1.2.0.
"""

import json
import tomllib

import jsonschema
import pytest
from mkdocs.utils.yaml import yaml_load

from generator.catalog import loader
from generator.errors import InputError
from generator.export import citation
from generator.pages import home_page

ROOT = loader.ROOT
TEXT = (ROOT / citation.FILE).read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "tests/data/cff-1.2.0.schema.json").read_text(encoding="utf-8"))
CHECK = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def test_the_file_is_valid():
    assert [error.message for error in CHECK.iter_errors(yaml_load(TEXT))] == []


def test_the_whole_project_has_one_title():
    configured = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["site_name"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert {configured, yaml_load(TEXT)["title"], readme.removeprefix("# ")} == {home_page.TITLE}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: dataset", "type: website"),
        ("license: Apache-2.0", "license: Apache-3"),
        ('"2026-11-22"', '"22 November 2026"'),
        ("authors:", "writers:"),
    ],
)
def test_a_planted_fault_is_found(old, new):
    assert old in TEXT
    assert list(CHECK.iter_errors(yaml_load(TEXT.replace(old, new, 1))))


def test_it_names_the_version_and_licence_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = citation.load(ROOT / citation.FILE)
    assert cited.version == project["version"]
    assert cited.licence == project["license"]


@pytest.mark.parametrize(
    "text", ["", "- a list", "title: only", "title: [unclosed", "authors: 3\ntitle: x\n"]
)
def test_what_cannot_be_used_is_named(tmp_path, text):
    path = tmp_path / "CITATION.cff"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"CITATION\.cff"):
        citation.load(path)
