"""What the committed rows of every framework say: verified modes, declared faults, answers."""

import functools

import pytest

from generator.catalog import loader
from generator.results import reading, run_record, selection
from tests import answers
from tests.conftest import ROOT, tracked

FRAMEWORKS = loader.load().frameworks
FOLDER = ROOT / "measurements" / "results"

every = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.id)


@functools.cache
def committed():
    """The rows that pages show, as far as git knows their files."""
    frame = selection.current(selection.select(reading.load(FOLDER)), loader.load().listed)
    return frame[frame["provenance"].isin(tracked())]


def places():
    """(framework, mode, lane) of all that was verified somewhere."""
    frame = answers.where(committed(), section="lenet", device="cpu")
    keys = frame[["machine", "framework", "mode", "lane"]].drop_duplicates()
    for machine, name, mode, lane in keys.astype(str).itertuples(index=False):
        framework = loader.load().framework(name)
        yield pytest.param(
            machine, framework, framework.mode(mode), lane, id=f"{machine}-{name}-{mode}-{lane}"
        )


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


@pytest.mark.parametrize(("machine", "framework", "mode", "lane"), list(places()))
def test_it_is_verified_or_has_its_declared_fault(machine, framework, mode, lane):
    frame = answers.where(committed(), machine=machine)
    answers.mode_is_verified_or_has_its_declared_fault(frame, framework, mode, lane)


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
