"""What the committed rows of every framework say: verified modes, declared faults, answers."""

import functools

import pytest

from generator.catalog import loader
from generator.results import reading, run_record, selection
from tests import answers
from tests.conftest import ROOT, tracked

pytestmark = pytest.mark.xdist_group("committed")  # where they are read anyway

FOLDER = ROOT / "measurements" / "results"
# A folder that has just been added promises nothing before its rows are committed.
COMMITTED = {key.split("/")[1] for key in tracked()}
FRAMEWORKS = [one for one in loader.load().frameworks if one.id in COMMITTED]

every = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.id)


@functools.cache
def committed():
    """The rows that pages show, as far as git knows their files."""
    frame = selection.current(selection.select(reading.load(FOLDER)), loader.load().listed)
    return frame[frame["provenance"].isin(tracked())]


@every
def test_every_mode_was_tried_somewhere(framework):
    tried = set(answers.where(committed(), section="lenet", framework=framework.id)["mode"])
    wanted = {
        mode.id
        for mode in framework.modes
        if "cpu" in mode.devices
        # Some modes are those of older releases.
        and not framework.gap(
            mode=mode.id, device="cpu", version=framework.newest.version, section="lenet"
        )
    }
    assert wanted <= tried


@every
def test_every_mode_is_verified_or_has_its_declared_fault(framework):
    mine = answers.where(committed(), framework=framework.id, device="cpu")
    lenet = answers.where(mine, section="lenet")
    places = lenet[["machine", "mode", "lane"]].astype(str).drop_duplicates()
    assert len(places)
    for machine, mode, lane in places.itertuples(index=False):
        rows = answers.where(mine, machine=machine)
        print(f"{framework.id} {mode} {lane} on {machine}")  # shown where it fails
        answers.mode_is_verified_or_has_its_declared_fault(
            rows, framework, framework.mode(mode), lane
        )


@every
def test_the_highest_level_interface_trains_and_reloads(framework):
    answers.highest_level_interface_trains_and_reloads(committed(), framework)


@every
def test_it_is_driven_from_r(framework):
    answers.is_driven_from_r(committed(), framework)


def records(framework):
    """Yield the committed run records of a framework's newest release."""
    for path in sorted(FOLDER.glob(f"*/{framework.id}/{framework.newest.version}/*.csv")):
        yield run_record.read_run_record(path)


@every
def test_its_threads_were_read_back(framework):
    for record in records(framework):
        for job in record["jobs"]:
            if "compile" in job["sections"] and job["status"] == "ok":
                assert len(job["threads"]) > 1, job["id"]
