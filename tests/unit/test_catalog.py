"""The registry: what is read, and that whatever is wrong is named with its line."""

import contextlib
import datetime
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generator.catalog import framework_toml, loader, looks, model
from generator.catalog.framework_toml import read_framework
from generator.errors import InputError, UsageError
from tests.conftest import PRETEND
from tests.sample_results import GRAPH, NAMES, PAIRED

GOOD = """\
name = "Example"
distribution = "example"

[facts.creator]
value = "somebody"
source = "https://example.org"
read = 2026-11-22

[facts.languages]
value = ["C", "Python"]
source = "https://example.org"
read = 2026-11-22
note = "more or less"

[environment]
OMP_NUM_THREADS = "{threads}"
DEPTH = 3

[environment.cuda]
LD_LIBRARY_PATH = "{site_packages}/lib"

[modes.plain]
title = "Plain"
kind = "imperative"
division = "closed"
devices = ["cpu"]
summary = "Does it."
default = true
warmup = { cpu = 5 }

[modes.fast-path]
title = "Fast path"
kind = "symbolic"
division = "idiomatic"
devices = ["cpu", "cuda"]
summary = "Does it fast."

[[versions]]
version = "1.0"
released = 2020-01-01
source = "https://example.org"
python = "3.8"
requirements = { cpu = ["example==1.0"] }

[[versions]]
version = "2.0"
python = "3.13"
requirements = { cpu = ["example==2.0"], cuda = ["example-cuda==2.0"] }

[[gaps]]
mode = "plain"
device = "cuda"
reason = "no kernels"
source = "https://example.org"

[look]
light = "#0067a5"
dark = "#64b5f6"
shape = "circle"

[[needs]]
program = "cc"
why = "it compiles"

[[variants]]
id = "turbo"
mode = "plain"
title = "TURBO=1"
source = "https://example.org"
environment = { TURBO = 1 }
options = { depth = 3, deep = true, word = "x" }
why = "it gains nothing"

[[variants]]
id = "turbo"
mode = "fast-path"
title = "TURBO=1"
source = "https://example.org"
used = true
options = { deep = false }
why = "it gains"
"""


LEAST = """\
distribution = "example"

[modes.plain]
kind = "imperative"

[[versions]]
version = "1.0"
python = "3.8"
requirements = { cpu = ["example==1.0"] }

"""

BUILT = """\
[found]
programs = ["alder"]
setting = "ALDER"
modules = ["alder"]
variables = ["ALDER_PATH"]
source = "https://example.org"

[modes.plain]
kind = "imperative"

[[versions]]
version = "1"
"""

UNGAPPED = GOOD[: GOOD.index("[[gaps]]")]
HEAD = GOOD[: GOOD.index("[[versions]]")]


@pytest.fixture
def write(tmp_path):
    def make(text, folder="example"):
        path = tmp_path / folder / "framework.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def test_a_good_file_reads(write):
    path = write(GOOD)
    found = read_framework(path)
    assert (found.id, found.name, found.distribution) == ("example", "Example", "example")
    assert found.facts["languages"].value == ("C", "Python")
    assert found.facts["creator"].read == datetime.date(2026, 11, 22)
    assert [mode.id for mode in found.modes] == ["plain", "fast-path"]
    assert found.mode("plain").warmup == {"cpu": 5, "cuda": framework_toml.WARMUP_DEFAULT}
    assert [version.version for version in found.versions] == ["1.0", "2.0"]
    assert found.newest.version == "2.0"
    assert found.newest.released is None
    assert found.newest.lock("cuda") == path.parent / "environments" / "2.0-cuda.txt"
    assert found.environment == {"OMP_NUM_THREADS": "{threads}", "DEPTH": "3"}
    assert found.device_environment["cuda"] == {"LD_LIBRARY_PATH": "{site_packages}/lib"}
    assert found.gaps[0].status == "unsupported"
    assert found.look == model.Look("#0067a5", "#64b5f6", "circle")
    assert found.needs == (model.Need("cc", "it compiles"),)
    plain, fast = found.variants
    assert (plain.case, fast.case) == ("with turbo", "without turbo")
    assert plain.environment == {"TURBO": "1"}
    assert plain.options == {"depth": 3, "deep": True, "word": "x"}
    assert found.trials("plain", "cpu") == [plain]
    assert found.trials("plain", "cuda") == []
    assert [framework_toml.line_of_variant(path, one) for one in found.variants] == [65, 74]


def test_the_least_that_can_be_measured_reads(write):
    found = read_framework(write(LEAST))
    assert (found.name, found.distribution) == ("example", "example")
    assert found.facts == {}
    assert found.zoo is None
    assert found.look == model.NO_LOOK
    (mode,) = found.modes
    assert (mode.title, mode.division, mode.devices) == ("plain", "closed", ("cpu",))
    assert found.default == mode


def test_what_is_built_by_its_users_has_no_distribution_and_no_python(write):
    found = read_framework(write(BUILT))
    assert found.found == model.Found(
        ("alder",), "ALDER", ("alder",), ("ALDER_PATH",), "https://example.org"
    )
    assert found.distributions == ()
    assert (found.newest.python, found.newest.requirements) == ("", {})
    assert found.offers(found.newest, "cpu")
    assert not found.offers(found.newest, "cuda")
    (known,) = loader.load(frameworks=write(BUILT).parents[1]).frameworks
    names = {"mode": "plain", "version": "1", "section": "lenet"}
    assert known.gap(device="cpu", **names) is None
    assert known.gap(device="cuda", **names).reason == "not written yet"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('distribution = "alder"\n' + BUILT, "distribution"),
        (BUILT + 'python = "3.8"\n', "versions[0].python"),
        (BUILT + 'requirements = { cpu = ["alder"] }\n', "versions[0].requirements"),
        (BUILT.replace('setting = "ALDER"\n', ""), "found.setting"),
    ],
)
def test_what_is_built_by_its_users_cannot_be_installed_as_well(write, text, key):
    with pytest.raises(InputError, match=re.escape(key)):
        read_framework(write(text))


def test_a_script_in_lua_stands_for_that_of_its_name(write):
    folder = write(BUILT).parent
    known = loader.load(frameworks=folder.parent)
    (framework,), section = known.frameworks, known.section("highlevel")
    assert loader.script_of(section, framework).name == "highlevel.py"
    for name in ("highlevel.lua", "highlevel.py", "lenet.lua"):
        (folder / name).touch()
    assert loader.script_of(section, framework).name == "highlevel.lua"
    assert [path.name for path in loader.code_files(known.section("lenet"), framework, known)] == [
        "lenet.lua"
    ]


def test_what_a_folder_neither_has_nor_declares_is_not_written_yet(write):
    write(LEAST)
    (write(LEAST).parent / "control.py").touch()
    known = loader.load(frameworks=write(LEAST).parents[1])
    (found,) = known.frameworks
    about = {(gap.section, gap.device): (gap.reason, gap.status) for gap in found.gaps}
    assert about["", "cuda"] == ("not written yet", "unsupported")
    assert about["operators", ""] == ("not written yet", "unsupported")
    assert ("control", "") not in about
    assert ("lenet", "") not in about, "where the network is written is up to the adapter"
    for section in ("operators", "lenet"):
        names = {"mode": "plain", "version": "1.0", "section": section}
        assert found.gap(device="cuda", **names) is not None
    declared = LEAST + '[[gaps]]\ndevice = "cuda"\nreason = "none"\nsource = "https://a.org"\n'
    (found,) = loader.load(frameworks=write(declared).parents[1]).frameworks
    assert [gap.reason for gap in found.gaps if gap.device] == ["none"]


def framework(id, look):
    return replace(loader.load(frameworks=PRETEND).frameworks[0], id=id, look=look)


def test_looks_are_unique_and_can_be_seen():
    blue = model.Look("#0067a5", "#64b5f6", "circle")
    red = model.Look("#b0203a", "#ff8a95", "cross")
    assert looks.problems([framework("a", blue), framework("b", red)]) == []
    assert looks.problems([framework("a", model.NO_LOOK), framework("b", model.NO_LOOK)]) == []
    twice = looks.problems([framework("a", blue), framework("b", replace(red, shape="circle"))])
    assert [str(problem) for problem in twice if "which b has as well" in str(problem)]
    assert len(twice) == 2
    (faint,) = looks.problems([framework("a", replace(blue, dark="#0a1a2a"))])
    assert "against #11191d" in str(faint)


def test_the_looks_of_the_frameworks_are_unique_and_can_be_seen():
    assert looks.problems(loader.load().frameworks) == []
    assert looks.contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('name = "Example"', 'name = "Example', 1, "valid TOML"),
        ("[facts.creator]", "[facts.creator", 4, "valid TOML"),
        ('name = "Example"', 'name = ""', 1, "a text that is not empty"),
        ('name = "Example"', "name = 3", 1, "name = 3"),
        ('distribution = "example"', "", None, "distribution = None"),
        ('value = "somebody"', "value = true", 5, "facts.creator.value = True"),
        ('value = "somebody"', 'value = ""', 5, "a text, number, date or list of texts"),
        ("read = 2026-11-22", 'read = "yesterday"', 7, "YYYY-MM-DD"),
        ("read = 2026-11-22", "", None, "YYYY-MM-DD"),
        ('kind = "imperative"', 'kind = "magic"', 24, "one of imperative, symbolic"),
        ('division = "closed"', 'division = "open"', 25, "one of closed, idiomatic"),
        ('devices = ["cpu"]', 'devices = ["tpu"]', 26, "one of cpu, cuda"),
        ('devices = ["cpu"]', 'devices = "cpu"', 26, "a list"),
        ("default = true", "default = false", None, "one mode `default = true`"),
        ("default = true", 'default = "yes"', 28, "true or false"),
        ("default = true", 'default = true\ndefault_on = ["tpu"]', 29, "one of cpu, cuda"),
        ("default = true", 'default = true\ndefault_on = ["cuda"]', 29, "offered for cuda"),
        ('title = "Plain"', 'titel = "Plain"', 23, "only captures"),
        ('default = true\nwarmup = { cpu = 5 }', "default = true\nwarmup = 5", 29, "warmup"),
        ("warmup = { cpu = 5 }", 'warmup = { cpu = "many" }', 29, "warmup"),
        ("warmup = { cpu = 5 }", "warmup = { tpu = 5 }", 29, "for cpu or cuda"),
        ('division = "idiomatic"', 'division = "open"', 34, "one of closed, idiomatic"),
        ('summary = "Does it fast."', 'summary = ""', 36, "modes.fast-path.summary = ''"),
        ('python = "3.13"', "", 45, "versions[1].python = None"),
        ('python = "3.13"', "python = 3", 47, "versions[1].python = 3"),
        ("released = 2020-01-01", 'released = "soon"', 40, "YYYY-MM-DD"),
        ('read = 2026-11-22\nnote', 'read = 2026-11-22T00:00:00Z\nnote', 12, "a date"),
        ("DEPTH = 3", "DEPTH = [3]", 17, "environment.DEPTH = [3]"),
        ("DEPTH = 3", "DEPTH = true", 17, "a text or a whole number"),
        ("warmup = { cpu = 5 }", "warmup = { cpu = -1 }", 29, "warmup.cpu = -1"),
        ('python = "3.8"', "python = 3.8", 42, "python = 3.8"),
        ('requirements = { cpu = ["example==1.0"] }', "requirements = []", 43, "a table"),
        ('requirements = { cpu = ["example==1.0"] }',
         "requirements = { cpu = [1] }", 43, "requirements"),
        ('requirements = { cpu = ["example==1.0"] }',
         'requirements = { cpu = "example" }', 43, "requirements"),
        ('requirements = { cpu = ["example==1.0"] }',
         'requirements = { tpu = ["example"] }', 43, "requirements"),
        ('reason = "no kernels"', "", None, "gaps[0].reason = None"),
        ('reason = "no kernels"', 'raeson = "no kernels"', 53, "only device, mode, reason"),
        ('reason = "no kernels"', 'reason = "no kernels"\nstatus = "lazy"', 54, "skipped"),
        ('[modes.fast-path]', "[modes.Fast]", 31, "named in lower-case letters"),
        ('[environment.cuda]\n', "[environment.rocm]\n", 19, "environment"),
        ('light = "#0067a5"', 'light = "blue"', 57, "a colour as #0067a5"),
        ('shape = "circle"', 'shape = "blob"', 59, "a symbol of Vega"),
        ('why = "it compiles"', "", 61, "needs[0].why = None"),
        ('why = "it compiles"', r'why = "it \u202E compiles"', 63, "printable text"),
        ('["C", "Python"]', r'["C", "\u0000"]', 10, "printable text"),
        ('version = "1.0"', 'version = "../1.0"', 39, "it names files"),
        ('id = "turbo"', 'id = "Turbo 1"', 66, "lower-case letters"),
        ('mode = "plain"\ntitle', 'mode = "plane"\ntitle', 67, "one of plain, fast-path"),
        ('mode = "fast-path"', 'mode = "plain"', 75, "no other variant of the mode has"),
        ("options = { deep = false }", "", 74, "what it sets"),
        ("{ deep = false }", "{ deep = 0.5 }", 80, "options.deep = 0.5"),
        ('why = "it gains nothing"', "", 65, "variants[0].why = None"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(write, old, new, line, said):
    assert old in GOOD
    path = write(GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as raised:
        read_framework(path)
    assert said in str(raised.value)
    assert raised.value.file.endswith("framework.toml")
    if line is not None:
        assert raised.value.line == line
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe", b"", b"name = 1979-05-27", "modes = 3",
        "facts = 3\n" + GOOD.replace("[facts", "[x"), GOOD.replace("[facts.creator]", "[facts]"),
        GOOD.replace("[[gaps]]", "[gaps]"), GOOD.replace("[[versions]]", "[versions.x]"),
        "versions = []\n" + HEAD, "versions = [1]\n" + HEAD, HEAD,
        "gaps = 3\n" + UNGAPPED, "gaps = [3]\n" + UNGAPPED,
        "environment = 3\n" + GOOD.replace("[environment", "[e"),
        "x = " + "9" * 5000, "x = " + "[" * 5000, "other_distributions = 3\n" + GOOD,
    ],
)  # fmt: skip
def test_other_shapes_are_input_errors_too(write, text):
    with pytest.raises(InputError):
        read_framework(write(text))


@pytest.mark.parametrize("folder", [NAMES[GRAPH], "2fast", "a b", "-x"])
def test_a_folder_name_that_cannot_be_typed_is_refused(write, folder):
    with pytest.raises(InputError, match="lower-case"):
        read_framework(write(GOOD, folder))


LINES = GOOD.splitlines()
VALUES = st.sampled_from(
    ["3", "-1", "0", "nan", "1e400", '""', '"x"', '"\\u0000"', "true", "[]", "[1]", "[[]]",
     '["cpu", 1]', "{}", "{ cpu = [] }", "{ cpu = 1 }", '{ cpu = "x" }', '{ a = "b" }',
     "2020-01-01", "12:00:00", "9" * 5000, "[" * 3000 + "]" * 3000,
     "2020-01-01T00:00:00Z", '["cpu", "cpu"]']
)  # fmt: skip
HEADS = st.sampled_from(
    ["[facts]", "[modes]", "[[modes]]", "[environment]", "[environment.cpu]", "[[facts]]", "[gaps]",
     "[[gaps]]", "[[versions]]", "[versions]", "[x]", "[modes.plain.warmup]", "[facts.x]",
     "[modes.x]", "[modes.'<b>']"]
)  # fmt: skip


@st.composite
def mutations(draw):
    """A good file with a few lines dropped, doubled, moved, given another value or cut."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "double", "swap", "value", "head", "cut", "text"]))
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, lines[at])
        elif what == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif what == "value" and " = " in lines[at]:
            lines[at] = f"{lines[at].split(' = ')[0]} = {draw(VALUES)}"
        elif what == "head":
            lines[at] = draw(HEADS)
        elif what == "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        elif what == "text":
            lines[at] = draw(st.text(max_size=20))
    return "\n".join(lines)


@settings(max_examples=400)
@given(mutations())
@example(GOOD)
def test_a_mutated_file_reads_or_is_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "example" / "framework.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_framework(path)
    except InputError:
        return
    assert found.modes
    assert found.versions
    for mode in found.modes:
        assert all(type(steps) is int for steps in mode.warmup.values())
    for version in found.versions:
        assert all(isinstance(r, str) for rs in version.requirements.values() for r in rs)


# --------------------------------------------------------------------------------------- names


def test_pick_names_the_nearest_or_all():
    known = {GRAPH: 1, PAIRED: 2}
    assert model.pick(known, PAIRED, "framework") == 2
    with pytest.raises(UsageError, match=f"did you mean {GRAPH}"):
        model.pick(known, "teano", "framework")
    with pytest.raises(UsageError, match=f"did you mean {PAIRED}"):
        model.pick(known, NAMES[PAIRED], "framework")
    with pytest.raises(UsageError, match=re.escape(f"there are: {GRAPH}, {PAIRED}.")):
        model.pick(known, "zzzzzz", "framework")


@given(st.text(max_size=30))
def test_any_name_is_found_or_refused(name):
    known = loader.load(frameworks=PRETEND)
    for find in (known.framework, known.section):
        with contextlib.suppress(UsageError):
            assert find(name).id == name


def test_the_catalog_is_sorted_and_reads_twice_the_same():
    first = loader.load()
    assert first.frameworks == loader.load().frameworks
    assert [f.id for f in first.frameworks] == sorted(f.id for f in first.frameworks)
    assert list(first.sections) == sorted(first.sections, key=lambda s: (s.order, s.id))
    assert first.framework(GRAPH).id == GRAPH
    assert first.section("lenet").measured


def test_a_folder_without_a_framework_toml_is_no_framework(tmp_path):
    (tmp_path / "notes").mkdir()
    assert loader.load(frameworks=tmp_path).frameworks == ()


def test_gaps_cover_what_they_name_and_everything_else_is_any():
    names = {"mode": "m", "device": "cpu", "version": "1", "section": "lenet"}
    assert model.Gap("r", "s").covers(**names)
    for key in ("mode", "device", "section"):
        assert model.Gap("r", "s", **{key: names[key]}).covers(**names)
        assert not model.Gap("r", "s", **{key: "other"}).covers(**names)
    assert model.Gap("r", "s", versions=("1", "2")).covers(**names)
    assert not model.Gap("r", "s", versions=("2", "3")).covers(**names)
