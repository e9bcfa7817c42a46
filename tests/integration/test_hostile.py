"""Text from frameworks, logs, results and claims stays text, in every file of a built site.

Two trees are rendered and built. They differ in free texts only: hostile ones in one, words of the
same length in the other. What parsers find in their files has the same structure.
"""

import csv
import html.parser
import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from generator.catalog.loader import ROOT
from generator.results import row_checks, run_record, validation, writing
from generator.results.schema import FORMULA
from generator.site import mkdocs
from tests import sample_results
from tests.sample_results import GRAPH, PAIRED

ADDRESS = "https://somebody.example/comparison/"
BEFORE = "=cmd() "
AFTER = (
    " </script><script>alert(1)</script> <b onx=1>hx</b> {{ 7 * 7 }} {% raw %} [hx](javascript:hx)"
    " ![hx](hx.png) ]]> --> <!-- & &lt;b&gt; ' \" ` ``` | \\ *hx* _hx_ # ~~~ $hx$ { #hx .hx } ${hx}"
    f" <http://hx.example> {'W' * 90}"
)
HOSTILE = BEFORE, AFTER
PLAIN = "word() ", re.sub(r"[^ W]", "w", AFTER)
UNSEEN = "\x00\x07\x1b[31m\u202e\u2066\u2028</script>\n```\n///\n"
"""What results and facts may not hold, but logs do."""

FREE_FACT = re.compile(
    r'(?m)^((?:value|note|source|summary|title|reason|why|name|package|program) *= *)"(.*)"$'
)
RECORDED = {"cpu", "os", "kernel", "packages", "python", "libraries", "name", "driver", "settings"}
"""Texts of a run record that this machine and the framework chose."""


def toml(text, before, after):
    """Return TOML with one text before and one after each that a reader sees."""

    def planted(match):
        said = json.loads(f'"{match[2]}"')
        return match[1] + json.dumps(f"{before}{said}{after}", ensure_ascii=False)

    return FREE_FACT.sub(planted, text)


def recorded(value, after, free=False):
    """Return a run record with a text after each that is free."""
    if isinstance(value, dict):
        return {k: recorded(v, after, free or k in RECORDED) for k, v in value.items()}
    if isinstance(value, list):
        return [recorded(inner, after, free) for inner in value]
    return f"{value}{after}" if free and isinstance(value, str) else value


def plant(root, before, after):
    """Write a checkout, and results in it, with texts wherever some may stand."""
    left_out = {path.name for path in (ROOT / "measurements" / "frameworks").iterdir()}
    left_out |= {"results", "report"}
    left_out -= sample_results.VERSIONS.keys()
    for name in ("docs", "measurements"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(*left_out))
    for name in ("generator", "templates"):
        (root / name).symlink_to(ROOT / name)
    for name in ("mkdocs.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, root)
    facts = root.glob("measurements/frameworks/*/framework.toml")
    for path in (*facts, root / "measurements" / "claims.toml"):
        path.write_text(toml(path.read_text(), before * ("claims" not in path.name), after))
    for path in root.glob("measurements/frameworks/*/*.py"):
        path.write_text(f"{path.read_text()}\n# {after}\n")
    results = root / "measurements" / "results"
    sample_results.write_sample(results, profile="quick", rows_scale=0.1)
    sample_results.write_history(results, {GRAPH: {"0.9.0": 2.0, "1.0.5": 1.0}}, start=3)
    for path in results.glob("*/*/*/*.csv"):
        rows, record = row_checks.rows(path), run_record.read_run_record(path)
        for row in rows:
            row["reason"] += after if row["reason"] else ""
            row["case"] += after if (row["section"], row["case"]) == ("custom", "native") else ""
            if row["section"] == "highlevel" and row["framework"] == PAIRED:
                row["mode"] += after
        writing.write(path, rows, recorded(record, after))
        assert validation.validate(path) == []
    for log in results.rglob("*.log"):
        log.write_text(f"{after}\n{UNSEEN}")
    return results


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The folders of two built sites: of hostile texts, of words."""
    found = []
    for texts in (HOSTILE, PLAIN):
        root = tmp_path_factory.mktemp("tree")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SITE_URL", ADDRESS)
            mkdocs.build(root, plant(root, *texts))
        found.append(root / "site")
    return found


def files(sites, suffix):
    """Yield the files of a kind: name, hostile one, the other one."""
    names = [{unhashed(path.relative_to(site)): path for path in site.rglob(f"*{suffix}")}
             for site in sites]  # fmt: skip
    assert names[0].keys() == names[1].keys()
    assert names[0]
    for name, path in sorted(names[0].items()):
        yield name, path, names[1][name]


def unhashed(path):
    return re.sub(r"\.[0-9a-f]{10}(?=\.)", "", path.as_posix())


@dataclass
class Page(html.parser.HTMLParser):
    """What a parser sees in a page: tags with their attributes, addresses, text, data.

    But the colours of a listing, which follow its words.
    """

    path: Path
    parts: Counter = field(default_factory=Counter)
    addresses: list = field(default_factory=list)
    text: str = ""
    data: list = field(default_factory=list)
    listing: int = 0

    def __post_init__(self):
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.listing += tag == "pre"
        if not self.listing or (tag, [*dict(attributes)]) != ("span", ["class"]):
            self.parts[tag, *(name for name, _ in attributes)] += 1
        self.addresses += [v for k, v in attributes if k in ("href", "src", "srcset", "action")]

    def handle_endtag(self, tag):
        self.listing -= tag == "pre"
        self.parts[f"/{tag}"] += not (self.listing and tag == "span")

    def handle_comment(self, data):
        self.parts["comment"] += 1

    def handle_data(self, data):
        self.text += data
        if self.cdata_elem == "script":
            self.data.append(data)


def test_pages_have_the_tags_and_attributes_that_words_give_them(sites):
    shown = 0
    for name, hostile, plain in files(sites, ".html"):
        found, expected = Page(hostile), Page(plain)
        assert found.parts == expected.parts, name
        assert not [one for one in found.addresses if "hx" in one.partition("#")[0]], name
        for text in found.data:
            json.loads(text)  # whatever else runs is a file
        shown += found.text.count("{{ 7 * 7 }} {% raw %}")
    assert shown > 500


def test_drawings_have_the_parts_that_words_give_them(sites):
    def parts(number):
        return {
            (part.tag, *part.attrib)
            for found in files(sites, ".svg")
            for part in ET.parse(found[number]).iter()
        }

    assert parts(1) == parts(2)


EXPRESSIONS = {"expr", "test", "filter", "calculate", "labelExpr", "signal", "update"}


def leaves(value, at=()):
    """Yield place and value of everything in JSON that holds nothing else."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        if isinstance(one, dict | list):
            yield from leaves(one, (*at, key))
        else:
            yield (*at, key), one


def test_data_are_data_and_charts_compute_no_text(sites):
    for name, hostile, plain in files(sites, ".json"):
        found, expected = (
            json.loads(path.read_text(encoding="utf-8")) for path in (hostile, plain)
        )
        if "/charts/" in name:
            code = [v for at, v in leaves(found) if EXPRESSIONS & {*at} and isinstance(v, str)]
            assert code == [v for at, v in leaves(expected) if EXPRESSIONS & {*at}
                            and isinstance(v, str)], name  # fmt: skip
        elif "/data/" in name or name.endswith("datapackage.json"):
            assert [at for at, _ in leaves(found)] == [at for at, _ in leaves(expected)], name


def test_what_the_search_shows_has_no_tags_of_its_own(sites):
    for _, hostile, plain in files(sites, "search_index.json"):
        tags = [
            Counter(
                tag
                for entry in json.loads(path.read_text(encoding="utf-8"))["docs"]
                for tag in re.findall("<[^>]*>", entry["title"] + entry["text"])
            )
            for path in (hostile, plain)
        ]
        assert tags[0] == tags[1]


def test_no_spreadsheet_computes_a_cell(sites):
    for name, hostile, _ in files(sites, ".csv"):
        with hostile.open(encoding="utf-8", newline="") as file:
            heading, *rows = csv.reader(file, strict=True)
        assert {len(row) for row in rows} <= {len(heading)}, name
        texts = {cell for row in rows for cell in row if cell.startswith(FORMULA)}
        assert not [text for text in texts if not is_number(text)], name


def is_number(text):
    try:
        return bool(float(text))
    except ValueError:
        return False


def test_the_feed_and_the_sitemap_have_the_elements_that_words_give_them(sites):
    for name, hostile, plain in files(sites, ".xml"):
        found, expected = (Counter(part.tag for part in ET.parse(path).iter())
                           for path in (hostile, plain))  # fmt: skip
        assert found == expected, name
        assert found.total() > 5, name
    for site in sites:
        assert (site / "report" / "changes.xml").is_file()
        places = [part.text for part in ET.parse(site / "sitemap.xml").iterfind("{*}url/{*}loc")]
        pages = {f"{ADDRESS}{path.relative_to(site).as_posix()}" for path in site.rglob("*.html")}
        assert sorted(places) == sorted(pages - {f"{ADDRESS}404.html"})
