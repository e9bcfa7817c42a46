"""What a package index says, what of it is kept, and where it is."""

import contextlib
import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.catalog import package_index
from generator.catalog.loader import ROOT
from generator.catalog.package_index import Release, Watch
from generator.errors import IndexFault, InputError
from tests.conftest import tracked


def page(*files, name="engine", version="1.1"):
    return json.dumps({"meta": {"api-version": version}, "name": name, "files": files}).encode()


def file(name, **more):
    return {"filename": name, "url": f"https://example.org/{name}", "hashes": {}, **more}


def test_files_become_releases_oldest_first():
    found = package_index.parse(
        page(
            file("engine-1.10.0.tar.gz", **{"upload-time": "2026-03-01T10:00:00Z"}),
            file(
                "engine-1.9.0-py3-none-any.whl",
                **{"upload-time": "2026-02-02T10:00:00.5Z", "requires-python": ">=3.9"},
            ),
            file("engine-1.9.0.zip", **{"upload-time": "2026-02-01T10:00:00Z", "yanked": "bad"}),
            file("engine-1.8.tar.gz", yanked=True),
            file("engine-1.7.exe"),
            file("Engine-1.7.egg"),
            file("engine_tools-3.0.tar.gz"),
            file("engine-not.a.number.tar.gz"),
        ),
        "Engine",
    )
    assert found == (
        Release("1.8", None, True),
        Release("1.9.0", datetime.date(2026, 2, 1), False, ">=3.9"),
        Release("1.10.0", datetime.date(2026, 3, 1)),
    )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<html>welcome</html>", "<html>"),
        (b"", "JSONDecodeError"),
        (b"[]", "TypeError"),
        (b"{}", "KeyError"),
        (b'{"meta": {"api-version": 1}, "name": "engine", "files": []}', "meta"),
        (b"\xff\xfe", "Error"),
        (b"[" * 100_000, "RecursionError"),
        (page(name="other"), "the page of 'other'"),
        (page(version="2.0"), "API version '2.0'"),
        (page("engine-1.0.tar.gz"), "for a file"),
        (page({"filename": 3}), "for a file"),
        (json.dumps({"meta": {"api-version": "1.0"}, "name": "engine", "files": {}}).encode(), "{"),
    ],
)
def test_what_is_no_such_page_is_a_fault_of_the_index(data, found):
    with pytest.raises(IndexFault) as fault:
        package_index.parse(data, "engine", "https://example.org/simple/engine/")
    assert found in str(fault.value)
    assert "expected" in str(fault.value)
    assert fault.value.exit_code == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_releases_or_a_fault(data):
    with contextlib.suppress(IndexFault):
        assert isinstance(package_index.parse(data, "engine"), tuple)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {
            "filename": st.sampled_from(["engine-1.0.tar.gz", "engine-1.0-py3-none-any.whl"]),
            "upload-time": JUNK, "yanked": JUNK, "requires-python": JUNK,
        }
    )
)  # fmt: skip
def test_any_facts_about_a_file_are_a_release_that_can_be_kept(facts):
    (release,) = package_index.parse(page(facts), "engine")
    asked = datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC)
    text = package_index.encode({"engine": Watch(asked, "engine", (release,))})
    assert json.loads(text)


WATCHES = {
    "engine": Watch(
        datetime.datetime(2026, 11, 26, 2, 3, 4, tzinfo=datetime.UTC),
        "pretend-engine",
        (Release("1.0", datetime.date(2026, 1, 1)), Release("1.1", None, True, ">=3.9")),
        (("pretend-gpu", (Release("1.0", None),)),),
    )
}


def test_a_snapshot_reads_as_it_was_written(tmp_path):
    path = tmp_path / "releases.json"
    assert package_index.read(path) == {}
    path.write_bytes(package_index.encode(WATCHES))
    assert package_index.read(path) == WATCHES
    assert package_index.encode(package_index.read(path)) == path.read_bytes()
    # A release is one line, so that a new one is one line of a difference.
    assert '{"version": "1.1", "uploaded": null, "yanked": true, "python": ">=3.9"}' in (
        path.read_text()
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"schema": 1', '"schema": 2'),
        ('"version": "1.0"', '"version": "one"'),
        ('"version": "1.0"', '"version": 1'),
        ('"version": "1.0"', '"version": "\\u0663"'),  # a digit, of another script
        ('"uploaded": "2026-01-01"', '"uploaded": "soon"'),
        ("2026-11-26T02:03:04Z", "2026-11-26T02:03:04"),
        ('"distribution": "pretend-engine"', '"distribution": "another"'),
        ('">=3.9"', '"\\ud800"'),
        ("{", "["),
        ("pretend-engine", "pr\xe9tend-engine"),
    ],
)
def test_a_snapshot_that_is_not_as_agreed_is_an_input_error(tmp_path, old, new):
    text = package_index.encode(WATCHES).decode()
    assert old in text
    path = tmp_path / "releases.json"
    path.write_text(text.replace(old, new, 1), encoding="latin-1")
    again = r"releases\.json: found .*; remove the file and run `generator update --snapshot`$"
    with pytest.raises(InputError, match=again):
        package_index.read(path)


def test_the_committed_snapshot_knows_every_measured_framework_and_no_address():
    from generator.catalog import loader

    path = ROOT / "measurements" / "releases.json"
    known = package_index.read(path)
    assert known.keys() >= {key.split("/")[1] for key in tracked()}
    for id, watch in known.items():
        framework = loader.load().framework(id)
        assert watch.distribution == framework.distribution
        assert watch.releases
        assert framework.watch == watch
    assert "://" not in path.read_text(encoding="utf-8")
