"""How far a release is behind, and how that is said."""

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.catalog import freshness, loader
from generator.catalog.package_index import Release, Watch
from tests.sample_results import GRAPH, MANY, NAMES, PAIRED

ASKED = datetime.datetime(2026, 11, 26, 2, 0, tzinfo=datetime.UTC)


def releases(*versions):
    """Releases by number; one with a ! is yanked."""
    return tuple(Release(v.strip("!"), None, v.endswith("!")) for v in versions)


def watch(*versions):
    return Watch(ASKED, "engine", releases(*versions))


def numbers(found):
    return [release.version for release in found]


@pytest.mark.parametrize(
    ("there", "final"),
    [
        (["1.9.0", "1.10.0", "1.2.0"], ["1.2.0", "1.9.0", "1.10.0"]),
        (["1.0", "1.1rc1", "1.1.dev3", "1.1a2", "1.1b1.post1"], ["1.0"]),
        (["1.0", "1.1!"], ["1.0"]),
        (["1.0", "1.0.post1"], ["1.0"]),
        (["1.0!", "1.0.post1", "1.0.post2"], ["1.0.post2"]),
        (["1.7.0.post1", "1.7.0.post2!"], ["1.7.0.post1"]),
        (["1.0", "1.0+cpu"], ["1.0"]),
        ([], []),
    ],
)
def test_final_releases_are_told_from_all_others(there, final):
    assert numbers(freshness.finals(releases(*there))) == final
    assert numbers(freshness.finals(releases(*reversed(there)))) == final


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("2.13.0", ["2.14.0", "2.14.1"]),
        ("2.13.0+cpu", ["2.14.0", "2.14.1"]),
        ("2.13.0.post2", ["2.14.0", "2.14.1"]),
        ("2.14.1", []),
        ("2.14.0rc1", ["2.14.1"]),
        ("3.0.dev1", []),
        ("no number", []),
    ],
)
def test_only_numbers_above_the_measured_one_are_later(version, newer):
    there = releases("2.12.1", "2.13.0", "2.14.0", "2.14.1", "2.15.0rc1", "2.15.0!")
    assert numbers(freshness.later(there, version)) == newer


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), unique=True, min_size=1))
def test_a_release_is_as_far_behind_as_there_are_greater_numbers(pairs):
    there = [Release(f"{major}.{minor}", None) for major, minor in pairs]
    for major, minor in pairs:
        found = freshness.later(there, f"{major}.{minor}")
        assert len(found) == sum(pair > (major, minor) for pair in pairs)


@pytest.mark.parametrize(
    ("version", "there", "retired", "words", "behind"),
    [
        ("1.1", ["1.0", "1.1"], 0, "current", 0),
        ("1.0", ["1.0", "1.1"], 0, "1 release behind", 1),
        ("1.0", ["1.0", "1.0.1", "1.1"], 0, "2 releases behind", 2),
        ("1.9.1", ["1.9.1", "2.0.0b1"], 2023, "retired in 2023, no newer release", 0),
        ("1.8.0", ["1.8.0", "1.9.1"], 2023, "1 release behind", 1),
        ("1.0", [], 0, "freshness unknown", None),
        ("1.0", ["1.0rc1"], 2017, "freshness unknown", None),
    ],
)
def test_freshness_is_said_in_words(version, there, retired, words, behind):
    found = freshness.judge(version, watch(*there), retired)
    assert (found.label, found.behind) == (words, behind)


def test_without_a_snapshot_it_is_unknown():
    assert freshness.judge("1.0", None).label == "freshness unknown"


@pytest.fixture
def frameworks():
    folders = {f.id: f for f in loader.load().frameworks}
    return [folders[PAIRED], folders[MANY]]


def test_a_table_shows_version_and_freshness(frameworks):
    paired = replace(frameworks[0], watch=watch("1.9.1"))
    assert freshness.label(paired, "1.9.1") == "1.9.1, retired in 2023, no newer release"
    assert freshness.label(paired, "") == ""
    assert freshness.label(None, "1.9.1") == "1.9.1"


def test_frameworks_that_are_given_up_say_in_which_year():
    years = {f.id: f.retired.year for f in loader.load().frameworks if f.retired}
    assert {PAIRED, GRAPH} < years.keys()
    assert MANY not in years
    assert all(2010 < year < 2030 for year in years.values())


@pytest.mark.parametrize(
    ("day", "stale"),
    [("2026-11-26", False), ("2026-12-10", False), ("2026-12-11", True), ("2027-11-26", True)],
)
def test_the_first_page_says_when_the_watch_last_ran_and_that_it_is_long_ago(
    frameworks, day, stale
):
    asked = [replace(f, watch=watch("1.0")) for f in frameworks]
    text = freshness.watched(asked, datetime.date.fromisoformat(day))
    assert "26 November 2026" in text
    assert ("days before this page was made" in text) == stale


def test_the_first_page_names_the_oldest_look_and_what_was_never_looked_at(frameworks):
    early = replace(watch("1.0"), asked=ASKED - datetime.timedelta(days=40))
    one, two = replace(frameworks[0], watch=early), replace(frameworks[1], watch=watch("1.0"))
    text = freshness.watched([one, two], ASKED.date())
    assert "17 October 2026" in text
    assert "40 days" in text
    unknown = replace(frameworks[1], watch=None)
    assert f"never queried {NAMES[MANY]}" in freshness.watched([one, unknown], ASKED.date())
    assert freshness.watched([], ASKED.date()) == ""


@pytest.mark.parametrize(
    ("wanted", "now", "expected"),
    [
        ("", "3.11", "3.11"),
        (">=3.10", "3.11", "3.11"),
        (">=3.12", "3.11", "3.12"),
        (">=3.13.2", "3.11", "3.13"),
        ("<3.10", "3.11", "3.9"),
        ("!=3.11.*", "3.11", "3.12"),
        ("<3.15,>=3.12", "3.8", "3.12"),
        (">=4", "3.11", None),
        ("nonsense", "3.11", "3.11"),
    ],
)
def test_the_interpreter_is_kept_or_the_nearest_that_is_allowed(wanted, now, expected):
    choices = [f"3.{minor}" for minor in range(6, 16)]
    assert freshness.interpreter(wanted, now, choices) == expected
