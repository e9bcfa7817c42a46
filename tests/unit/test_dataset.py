"""The whole data set: true to the results, valid by its own format's validator, made once."""

import csv
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from generator.catalog import loader, model
from generator.cli import app
from generator.errors import InputError, UsageError
from generator.export import citation, data_package, dataset
from generator.pages import markdown
from generator.pages import urls as addresses
from generator.pages.inputs import Inputs
from generator.pages.overviews import dataset as page
from generator.results import reading, schema, selection
from generator.site import (
    mkdocs_config,
    render,  # fmt: skip
)
from generator.site.writer import Writer
from tests import sample_results
from tests.sample_results import GRAPH, MANY, PAIRED

ROOT = loader.ROOT
CITED = citation.load(ROOT / citation.FILE)
SITE = "https://example.org/comparison/"
NAMES = ("results.csv", "results.parquet", "datapackage.json")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Results of two profiles, with failures, hostile text and an interrupted process."""
    folder = tmp_path_factory.mktemp("results")
    sample_results.write_sample(folder, profile="quick", frameworks=(GRAPH, MANY))
    sample_results.write_history(folder, {PAIRED: {"1.5.0": 1.2, "1.9.1": 1.0}}, start=1)
    return folder


@pytest.fixture(scope="module")
def made(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    dataset.write(reading.load(sample), folder, CITED)
    return folder


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "dataset")


def validated(folder):
    """Return what the format's own validator reports."""
    import frictionless  # it takes its time: not in processes that run other tests

    return frictionless.validate(str(folder / "datapackage.json"))


def rows_of(root):
    """Every whole row below a folder, read with nothing of the generator's."""
    rows = []
    for path in sorted(root.rglob("*.csv")):
        document = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if "partial" not in row["flags"].split():
                    code = document["code_sha256"].get(row["section"], "")
                    rows.append({**row, "profile": document["profile"], "code": code})
    return rows


def cells(row):
    """A row's cells in the order of the files."""
    row = {**row, "value": bits(row["value"])}
    return tuple(row[field.name] for field in data_package.FIELDS)


def bits(text):
    """A number as what it is, bit for bit."""
    return float(text).hex() if text != "" else ""


def as_texts(table):
    """The rows of an Arrow table as a CSV's cells; values bit for bit."""
    columns = {name: table[name].to_pylist() for name in table.column_names}
    columns["value"] = ["" if v is None else v.hex() for v in columns["value"]]
    for name in ("block", "sample"):
        columns[name] = ["" if v is None else str(v) for v in columns[name]]
    return list(zip(*(columns[field.name] for field in data_package.FIELDS), strict=True))


def same_rows(found, expected):
    """Whether two lists hold equal rows, in any order."""
    return sorted(found) == sorted(expected)


# -------------------------------------------------------------------------------------- the rows


def expected_of(root):
    rows = rows_of(root)
    process = ("run", "framework", "version", "mode", "device", "lane", "case", "block")
    found = {}
    for row in rows:
        if row["section"] == "memory":
            found.setdefault(tuple(row[name] for name in process), {})[row["metric"]] = row
    derived = []
    for mine in found.values():
        peak, imported = mine.get("peak_rss"), mine.get("rss_imported")
        if peak and "peak_above_import" not in mine:
            value = float(peak["value"]) - float(imported["value"]) if peak["value"] else ""
            derived.append(peak | {"metric": "peak_above_import", "value": value})
    assert derived
    return [cells(row) for row in [*rows, *derived]]


def csv_of(folder):
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return [cells(row) for row in csv.DictReader(file)]


def test_both_files_hold_every_whole_row_bit_for_bit(sample, made):
    expected = expected_of(sample)
    assert {row["profile"] for row in rows_of(sample)} == {"quick", "history"}
    assert len({row["status"] for row in rows_of(sample)}) >= 4
    assert same_rows(as_texts(pyarrow.parquet.read_table(made / "results.parquet")), expected)
    assert same_rows(csv_of(made), expected)
    assert not same_rows(csv_of(made), [*expected[:-1], expected[0]])


def test_interrupted_processes_are_left_out(sample):
    partial = [p for p in sample.rglob("*.csv") if ",partial" in p.read_text(encoding="utf-8")]
    assert partial, "the sample lost its interrupted process"
    flags = selection.everything(reading.load(sample))["flags"].to_pylist()
    assert not [words for words in flags if "partial" in words]


@pytest.mark.xdist_group("committed")
def test_the_committed_results_are_all_in_it(tmp_path):
    root = ROOT / "measurements" / "results"
    written = dataset.write(reading.load(root), tmp_path, CITED)
    expected = expected_of(root)
    assert written.descriptor["rows"] == len(expected)
    assert same_rows(as_texts(pyarrow.parquet.read_table(tmp_path / "results.parquet")), expected)
    units = [field.name for field in data_package.FIELDS].index("unit")
    assert {row[units] for row in expected} <= set(data_package.UNITS)


def test_parquet_has_types_and_is_compressed(made):
    file = pyarrow.parquet.ParquetFile(made / "results.parquet")
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types["value"] == "double"
    assert types["block"] == types["sample"] == "int64"
    assert types["framework"].startswith("dictionary<values=string")
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


# --------------------------------------------------------------------------------- the descriptor


def test_the_columns_are_those_of_the_results():
    names = [field.name for field in data_package.FIELDS]
    assert names == [*schema.COLUMNS, "profile", "code"]


def test_every_word_is_explained():
    known = loader.load()
    units = {m.unit for section in known.sections for m in section.metrics.values()}
    assert units <= set(data_package.UNITS)
    assert set(data_package.STATUS_MEANINGS) == set(schema.STATUSES)
    assert set(data_package.FLAGS) == set(schema.FLAGS) - {"partial"}
    words = {field.name: field.values for field in data_package.FIELDS}
    assert set(words["device"]) == set(model.DEVICES)


def test_its_own_validator_accepts_it(made):
    report = validated(made)
    assert report.valid, report.flatten(["title", "note"])
    assert not report.warnings
    tasks = {task.name: task for task in report.tasks}
    assert tasks["results-csv"].stats["rows"] == len(csv_of(made))
    assert set(tasks) == {"results-csv", "results-parquet"}


def forge(folder, change):
    """Change the CSV and let the descriptor vouch for it."""
    path = folder / "results.csv"
    path.write_bytes(change(path.read_bytes()))
    said = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    said["resources"][0]["bytes"] = path.stat().st_size
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said["resources"][0]["hash"] = f"sha256:{digest}"
    (folder / "datapackage.json").write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'"ok"', b'"fine"', "Constraint Error"),
        (b'"cpu"', b'"tpu"', "Constraint Error"),
        (b'"s",0,', b'"s",first,', "Type Error"),
        (b'"lenet"', b'""', "Constraint Error"),
        (b'"run","machine"', b'"run","host"', "Incorrect Label"),
    ],
)
def test_its_own_validator_finds_a_planted_fault(copy, old, new, fault):
    def plant(data):
        assert old in data
        return data.replace(old, new, 1)

    forge(copy, plant)
    report = validated(copy)
    assert [title for (title,) in report.flatten(["title"])] == [fault]


def test_a_changed_byte_does_not_pass(copy):
    path = copy / "results.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    report = validated(copy)
    assert [title for (title,) in report.flatten(["title"])] == ["Hash Count Error"]


def test_hashes_sizes_and_dates_are_true(sample, made):
    said = json.loads((made / "datapackage.json").read_text(encoding="utf-8"))
    for resource in said["resources"]:
        data = (made / resource["path"]).read_bytes()
        assert resource["bytes"] == len(data)
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    runs = {path.stem for path in sample.rglob("*.csv")}
    assert said["version"] == max(runs)
    assert said["runs"] == len(runs)
    day = max(runs)
    assert said["created"].startswith(f"{day[:4]}-{day[4:6]}-{day[6:8]}T")
    assert said["licenses"][0]["name"] == "Apache-2.0"
    assert said["sources"]


# ------------------------------------------------------------------------------ once, and again


def test_what_is_there_and_true_is_kept(sample, copy):
    loaded = reading.load(sample)
    times = {name: (copy / name).stat().st_mtime_ns for name in NAMES}
    assert dataset.write(loaded, copy, CITED).files == ()
    assert times == {name: (copy / name).stat().st_mtime_ns for name in NAMES}
    renamed = dataclasses.replace(CITED, title="Another")
    assert dataset.write(loaded, copy, renamed).files == ("datapackage.json",)
    assert sorted(path.name for path in copy.iterdir()) == sorted(NAMES)


def test_what_is_damaged_or_outdated_is_made_again(sample, copy, tmp_path):
    (copy / "results.parquet").write_bytes(b"PAR1")
    loaded = reading.load(sample)
    assert dataset.write(loaded, copy, CITED).files == NAMES
    shutil.copytree(sample, tmp_path / "results")
    sample_results.write_sample(tmp_path / "results", profile="aa", frameworks=(GRAPH,), start=30)
    more = dataset.write(reading.load(tmp_path / "results"), copy, CITED)
    assert more.files == NAMES
    assert same_rows(csv_of(copy), expected_of(tmp_path / "results"))
    (copy / "datapackage.json").write_text("{}", encoding="utf-8")
    assert dataset.existing(copy) is None


def test_the_command_writes_it(sample, tmp_path):
    arguments = ["export", str(tmp_path / "out"), "--results", str(sample), "--json"]
    done = CliRunner().invoke(app.app, arguments)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["written"] == list(NAMES)
    assert said["rows"] == len(csv_of(tmp_path / "out"))
    again = CliRunner().invoke(app.app, arguments[:-1])
    assert "3 unchanged" in again.stdout


def test_the_command_names_what_is_wrong(sample, tmp_path):
    with pytest.raises(UsageError, match="generator measure"):
        dataset.write(reading.load(tmp_path / "nothing"), tmp_path / "out", CITED)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        dataset.write(reading.load(sample), tmp_path / "file", CITED)


# --------------------------------------------------------------------------------------- the page


def text_of(said, address=""):
    """The page's Markdown."""
    inputs = Inputs(
        catalog=loader.load(), shown=None, study=None, history=None, variants=None,
        documents={}, book=None,
        log=None, script=None, draw=None, today=None, dataset=said, citation=CITED, address=address,
    )  # fmt: skip
    environment = markdown.environment(ROOT / "templates")
    return environment.get_template("pages/dataset.md.j2").render(page.context(inputs))


@pytest.fixture(scope="module")
def text(made):
    return text_of(dataset.existing(made))


def test_the_site_writes_the_files_once(sample, made, tmp_path):
    loaded = reading.load(sample)
    schema_file = "report/dataset/run_record.schema.json"
    wanted = [schema_file, *(f"report/dataset/{name}" for name in NAMES)]
    first, again = Writer(tmp_path), Writer(tmp_path)
    render._dataset(first, loaded, CITED, "", keep=False)
    assert first.done.written == wanted
    render._dataset(again, loaded, CITED, "", keep=False)
    again.finish()
    assert (again.done.written, again.done.removed) == ([], [])
    for name in NAMES:
        assert (tmp_path / "report/dataset" / name).read_bytes() == (made / name).read_bytes()


def test_a_preview_keeps_the_files(sample, tmp_path):
    shutil.copytree(sample, tmp_path / "results")
    writer = Writer(tmp_path / "docs")
    before = render._dataset(writer, reading.load(sample), CITED, "", keep=True)
    sample_results.write_sample(tmp_path / "results", profile="aa", frameworks=(GRAPH,), start=30)
    more = reading.load(tmp_path / "results")
    assert render._dataset(writer, more, CITED, "", keep=True) == before
    assert render._dataset(writer, more, CITED, "", keep=False)["rows"] > before["rows"]


def test_a_preview_keeps_the_cards(tmp_path):
    def card(title, *, keep):
        return Writer(tmp_path).card("report/lenet.md", title, "", keep=keep)

    first = card("a", keep=True)
    assert (tmp_path / first).read_bytes().startswith(b"\x89PNG")
    assert card("b", keep=True) == first
    assert card("b", keep=False) != first


def test_a_preview_keeps_the_evidence_of_a_run_that_goes_on(tmp_path):
    results, docs = tmp_path / "results", tmp_path / "docs"
    (path,) = sample_results.write_sample(results, frameworks=(GRAPH,), profile="quick")
    record = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(record | {"finished": None}))

    def evidence(*, preview):
        render.render(results_root=results, docs=docs, preview=preview)
        return (docs / f"report/evidence/lenet-{GRAPH}.md").read_text()

    before = evidence(preview=True)
    text = path.read_bytes()
    path.write_bytes(text.replace(b",step_time,s,0,0,0.0", b",step_time,s,0,0,0.1", 1))
    assert path.read_bytes() != text
    assert evidence(preview=True) == before
    assert evidence(preview=False) != before


def test_the_page_leads_to_the_files_and_explains_every_column(text):
    for name in NAMES:
        assert f"(dataset/{name})" in text
    for field in data_package.FIELDS:
        assert f"\n| {markdown.escape(field.name)} " in text
    for pattern, _ in addresses.SCHEME:
        assert markdown.escape(pattern) in text


def test_without_results_the_page_says_how_to_get_some():
    text = text_of(None)
    assert "Nothing is measured yet" in text
    assert "dataset/" not in text
    assert "ld+json" not in text
    assert "| framework " in text


def described(text):
    """The JSON of the page's data block."""
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    return json.loads(block)


def test_the_page_describes_itself_to_search_engines(text, made):
    said = described(text)
    assert said["@context"] == "https://schema.org/"
    assert said["@type"] == "Dataset"
    assert said["name"]
    assert 50 <= len(said["description"]) <= 5000
    assert said["license"].startswith("https://")
    assert [one["@type"] for one in said["creator"]] == ["Organization"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["dateModified"])
    names = {variable["name"] for variable in said["variableMeasured"]}
    assert {"step_time", "peak_above_import", "ready_time"} <= names
    files = {one["contentUrl"]: one for one in said["distribution"]}
    assert set(files) == {"dataset/results.csv", "dataset/results.parquet"}
    for address, one in files.items():
        data = (made / address.rpartition("/")[2]).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest()
        assert "/" in one["encodingFormat"]


def test_where_the_site_knows_its_address_it_is_whole(made):
    said = json.loads((made / "datapackage.json").read_text(encoding="utf-8"))
    block = data_package.json_ld(said, CITED, (), SITE)
    urls = [block["url"], *(one["contentUrl"] for one in block["distribution"])]
    assert urls == [
        f"{SITE}report/dataset.html",
        f"{SITE}report/dataset/results.csv",
        f"{SITE}report/dataset/results.parquet",
    ]
    assert f'"{SITE}report/dataset/results.parquet"' in page.snippets(SITE)[0][2]


def test_no_text_ends_the_data_block():
    hostile = {"name": "</script><script>alert(1)</script> & <!--"}
    block = markdown.data_block(hostile)
    assert block.count("<") == 2
    assert described(str(block)) == hostile


@pytest.mark.parametrize(
    ("said", "address"),
    [("", ""), ("https://example.org", "https://example.org/"), (SITE, SITE)],
)
def test_the_address_comes_from_the_environment(monkeypatch, said, address):
    monkeypatch.setenv("SITE_URL", said)
    assert mkdocs_config.site_address(ROOT) == address


def test_an_address_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("SITE_URL", "javascript:alert(1)")
    with pytest.raises(InputError, match="site_url"):
        mkdocs_config.site_address(ROOT)


def test_the_snippets_run(made):
    snippets = {title: code for title, _, code in page.snippets("")}
    assert set(snippets) == {"pandas", "DuckDB", "R"}
    code = snippets["pandas"].replace('"results.parquet"', repr(str(made / "results.parquet")))
    *lines, last = code.splitlines()
    scope = {}
    exec("\n".join(lines), scope)
    assert (eval(last, scope).dropna() > 0).all()
    if shutil.which("Rscript"):
        done = subprocess.run(
            ["Rscript", "--vanilla", "-e", snippets["R"]],
            cwd=made, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        assert re.search(rf"{GRAPH} +compiled +0\.\d+", done.stdout)


# ---------------------------------------------------------------------------------- the citation


def test_the_page_says_how_to_cite(text):
    entry = re.search(r"@misc\{[^,]+,\n(?:  \w+ *= \{.*\},?\n)+\}", text)
    assert entry
    assert CITED.title in entry[0]
    assert f"version = {{{CITED.version}}}" in entry[0]
    assert f"year    = {{{CITED.released[:4]}}}" in entry[0]


def test_tex_is_not_upset():
    odd = dataclasses.replace(CITED, title="50 % of R&D_1 {x} \\ ~")
    entry = citation.bibtex(odd, "key", SITE, "")
    assert r"50 \% of R\&D\_1 \{x\} \textbackslash{} \textasciitilde{}" in entry
    assert f"url     = {{{SITE}}}" in entry
    assert "note" not in entry
