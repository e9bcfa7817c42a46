"""One suite that every framework folder passes, a new one the moment it is there."""

import ast
import inspect
import re
import subprocess
from dataclasses import replace

import pytest

from generator.catalog import framework_toml, loader
from generator.catalog.model import DEVICES
from generator.measure import environments
from generator.pages.framework_tables import FACTS
from measurements.contract import NOT_WRITTEN, Framework
from tests.conftest import PRETEND, ROOT
from tests.contract.code import imports, parse
from tests.contract.test_boundaries import foreign_imports, requirement_names

REAL = loader.load().frameworks
EVERY = (*REAL, *loader.load(frameworks=PRETEND).frameworks)
SECTIONS = loader.load().sections
MEASURED = {path.parent.parent.name for path in ROOT.glob("measurements/results/*/*/*/*.csv")}

every = pytest.mark.parametrize("framework", EVERY, ids=lambda framework: framework.id)
real = pytest.mark.parametrize("framework", REAL, ids=lambda framework: framework.id)
locks = pytest.mark.parametrize(
    ("framework", "version", "device"),
    [(f, v, device) for f in REAL for v in f.versions for device in v.requirements],
    ids=lambda part: getattr(part, "id", None) or getattr(part, "version", part),
)


def own_names(framework):
    """What a folder may import besides: the framework itself and what its locks bring along."""
    names = {framework.id}
    for version in framework.versions:
        for device, requirements in version.requirements.items():
            names |= requirement_names(requirements)
            lock = version.lock(device)
            if lock.is_file():
                lines = lock.read_text(encoding="utf-8").splitlines()
                names |= requirement_names(x for x in lines if not x.startswith((" ", "#")))
    # orbax-checkpoint is imported as orbax, and a wheel for the CPU as what it is for.
    names |= {name.partition("_")[0] for name in names}
    return names | ({"google"} if "protobuf" in names else set())


def is_address(text):
    return re.fullmatch(r"https?://[^\s/]+\.[^\s]+", text) is not None


def test_there_are_frameworks_and_their_ids_are_unique():
    assert len(REAL) >= 3
    assert len({framework.id for framework in EVERY}) == len(EVERY)


@every
def test_the_folder_reads_and_is_called_by_its_id(framework):
    assert framework.folder.name == framework.id
    read = framework_toml.read_framework(framework.folder / "framework.toml")
    assert replace(framework, gaps=read.gaps) == read
    assert framework.gaps == (*read.gaps, *loader.unwritten(read, SECTIONS))


@every
def test_every_fact_is_one_that_pages_ask_for_with_a_source_and_the_day_it_was_read(framework):
    assert set(framework.facts) <= set(FACTS)
    for id, fact in framework.facts.items():
        assert fact.value, id
        assert is_address(fact.source), id
        assert fact.read is not None, id


@every
def test_modes_are_complete_and_one_of_them_stands_for_the_framework(framework):
    assert len({mode.id for mode in framework.modes}) == len(framework.modes)
    assert [mode.default for mode in framework.modes].count(True) == 1
    for mode in framework.modes:
        assert mode.devices, mode.id
        assert all(steps >= 1 for steps in mode.warmup.values()), mode.id
    # An idiomatic mode is no fair stand-in for its framework.
    assert {framework.default_on(device).division for device in DEVICES} == {"closed"}
    offered = {device for mode in framework.modes for device in mode.devices}
    assert all(device in framework.default_on(device).devices for device in offered)


@every
def test_what_captures_what_differs_in_nothing_else(framework):
    for mode in framework.modes:
        if mode.captures:
            eager = framework.mode(mode.captures)
            assert mode.kind == "symbolic"
            assert eager.kind == "imperative"
            assert mode.division == eager.division


@every
def test_a_known_fault_has_a_source_and_does_not_strike_the_mode_that_stands_for_all(framework):
    for mode in framework.modes:
        if mode.fault:
            assert mode.fault.reason
            assert is_address(mode.fault.source), mode.id
            assert mode not in map(framework.default_on, DEVICES)


@every
def test_a_script_that_is_not_there_is_a_gap(framework):
    for section in SECTIONS:
        if section.apart and section.script and not (framework.folder / section.script).is_file():
            names = {"mode": framework.default.id, "device": "cpu", "section": section.id}
            assert framework.gap(version=framework.newest.version, **names), section.script


@real
def test_versions_name_release_day_source_and_interpreter(framework):
    assert len({version.version for version in framework.versions}) == len(framework.versions)
    for version in framework.versions:
        assert version.source == "" or is_address(version.source)
        if framework.found:
            assert (version.python, version.requirements) == ("", {})
            continue
        assert re.fullmatch(r"3\.\d+", version.python)
        assert {name.partition("+")[0] for name in version.requirements} <= set(DEVICES)
        assert "cpu" in version.requirements


@pytest.mark.parametrize("framework", [f for f in REAL if f.found], ids=lambda one: one.id)
def test_what_is_built_by_its_users_says_how_and_is_on_no_index(framework):
    assert is_address(framework.found.source)
    assert framework.found.programs
    assert framework.found.modules
    assert framework.found.setting.startswith("SYMBOLIC_COMPARISON_")
    assert framework.distributions == ()
    assert not (framework.folder / "environments").exists()


@every
def test_what_is_not_offered_is_a_gap_with_a_source(framework):
    for gap in framework.gaps:
        assert gap.reason
        assert is_address(gap.source) or gap.reason == NOT_WRITTEN.reason
    for mode in framework.modes:
        for version in framework.versions:
            for device in DEVICES:
                if device in mode.devices and framework.offers(version, device):
                    continue
                gap = framework.gap(
                    mode=mode.id, device=device, version=version.version, section="lenet"
                )
                assert gap is not None, f"{mode.id} on {device}"


@every
def test_gaps_name_things_that_exist(framework):
    modes = {mode.id for mode in framework.modes}
    versions = {version.version for version in framework.versions}
    for gap in framework.gaps:
        assert gap.mode in modes | {""}
        assert gap.device in {*DEVICES, ""}
        # A gap about a release that is not locked says why it cannot be installed, and no more.
        narrowed = gap.mode or gap.device or gap.section
        assert set(gap.versions) <= versions or not narrowed, gap.reason
        assert gap.section in {section.id for section in SECTIONS} | {""}


@every
def test_a_variant_has_a_source_and_sets_what_the_adapter_reads(framework):
    code = "".join(path.read_text() for path in framework.folder.glob("*.py"))
    for variant in framework.variants:
        assert is_address(variant.source), variant.id
        assert set(variant.devices) <= set(framework.mode(variant.mode).devices), variant.id
        for option in variant.options:
            assert f'"{option}"' in code, f"{variant.id}: nobody reads the option {option}"


@pytest.mark.parametrize("id", sorted(MEASURED))
def test_five_switches_or_more_were_tried_of_whatever_is_published(id):
    (framework,) = (one for one in REAL if one.id == id)
    assert len(framework.variants) >= 5


@locks
def test_every_version_and_device_is_locked(framework, version, device):
    lock = version.lock(device)
    assert lock.is_file(), f"generator lock {framework.id}=={version.version} --device {device}"
    assert environments.problems(lock) == []
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"(^|\s)(/|~|\.\.?/)", text), "a path of somebody's machine"


@locks
def test_a_lock_holds_what_framework_toml_asks_for(framework, version, device):
    lock = version.lock(device).read_text(encoding="utf-8")
    pins = requirement_names(line for line in lock.splitlines() if not line.startswith((" ", "#")))
    assert requirement_names(version.requirements[device]) <= pins
    exact = [item for item in version.requirements[device] if "==" in item]
    if "+" not in device:  # an addition lies beside the release
        assert any(f"=={version.version}" in item for item in exact), "the release is pinned"
    for item in exact:
        name, _, wanted = re.sub(r"\[.*?\]", "", item).partition("==")
        assert re.search(rf"(?im)^{re.escape(name)}=={re.escape(wanted)}[ \\;]", lock), item


@real
def test_no_lock_is_left_over(framework):
    wanted = {
        version.lock(device)
        for version in framework.versions
        for device in (*DEVICES, *version.requirements)
    }
    assert set((framework.folder / "environments").glob("*")) <= wanted


@every
def test_its_code_is_python_3_6_and_imports_nothing_but_itself(framework):
    paths = sorted(framework.folder.rglob("*.py"))
    assert framework.folder / "adapter.py" in paths
    for path in paths:
        tree = parse(path, feature_version=(3, 6))
        assert foreign_imports(tree, own_names(framework)) == [], path.name


@every
def test_the_adapter_builds_on_the_contract(framework):
    tree = parse(framework.folder / "adapter.py")
    (adapter,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Adapter"]
    assert [ast.unparse(base) for base in adapter.bases] == ["Framework"]
    # What it leaves out is "unsupported", or true of a framework that waits by itself.
    for node in adapter.body:
        known = getattr(Framework, node.name, None) if isinstance(node, ast.FunctionDef) else None
        if known is not None:
            assert len(node.args.args) == len(inspect.signature(known).parameters), node.name


@every
def test_the_adapter_imports_its_framework_late(framework):
    """The constructor is timed as import time; a module-level import would escape it."""
    early = {i.top for i in imports(parse(framework.folder / "adapter.py")) if not i.late}
    assert not early & (own_names(framework) - {"numpy"})


def asks_a_compiler(framework):
    return "def _first_line(" in (framework.folder / "adapter.py").read_text()


@pytest.mark.parametrize("framework", [*filter(asks_a_compiler, REAL)], ids=lambda one: one.id)
def test_the_answer_of_a_compiler_is_its_standard_output(framework):
    path = framework.folder / "adapter.py"
    tree = ast.parse(path.read_text())
    wanted = [node for node in tree.body if getattr(node, "name", "") == "_first_line"]
    known = {"subprocess": subprocess}
    exec(compile(ast.Module(wanted, []), str(path), "exec"), known)
    noisy = ["/bin/sh", "-c", "echo a warning >&2; echo g++ 12; echo and more"]
    assert known["_first_line"](noisy) == "g++ 12"
    assert known["_first_line"](["/bin/sh", "-c", "echo a warning >&2"]) == "unknown"
    assert known["_first_line"](["/no/such/compiler"]) == "unknown"


def test_the_suite_would_notice():
    pretend = EVERY[-1]
    assert foreign_imports(ast.parse("import requests"), own_names(pretend))
    assert not is_address("somewhere")
    assert not is_address("https://")
