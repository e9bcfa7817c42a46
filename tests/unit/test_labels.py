"""What lanes, machines and headline metrics are called."""

import pytest

from generator.analysis import labels
from generator.catalog import loader
from generator.catalog.model import Metric

MACHINE = {"cpu": "A CPU", "cores": 1, "memory_bytes": 2**34, "os": "An OS", "virtualised": True}


@pytest.mark.parametrize(
    ("lane", "label", "title"),
    [
        ("threads-1", "one thread", "One thread"),
        ("threads-all", "all cores", "All cores"),
        ("copy-pinned", "copying from pinned memory", "Copying from pinned memory"),
        ("bfloat16", "resident data in bfloat16", "Resident data in bfloat16"),
        ("threads-3", "threads-3", "Threads-3"),
    ],
)
def test_a_lane_has_a_name_in_sentences_and_one_in_headings(lane, label, title):
    assert (labels.lane_label(lane), labels.lane_title(lane)) == (label, title)


def test_a_machine_is_named_by_what_matters():
    document = {"machine": MACHINE}
    assert labels.machine_name(document) == "A CPU, 1 core"
    assert labels.machine_label(document) == "A CPU, 1 core, 16 GiB, An OS, virtual machine"
    real = {"machine": MACHINE | {"virtualised": None, "cores": 8}}
    assert labels.machine_label(real) == "A CPU, 8 cores, 16 GiB, An OS"
    limited = {"machine": MACHINE | {"cpu_quota": 1.5}}
    assert labels.machine_label(limited).startswith("A CPU, 1 core (a quota of 1.5), 16 GiB")


@pytest.mark.parametrize(
    ("name", "memory", "label"),
    [
        ("A GPU", 2**33, "A GPU, 8 GiB"),
        ("A GPU", None, "A GPU, memory unknown"),
        (None, 2**33, "GPU without a name, 8 GiB"),
    ],
)
def test_a_gpu_is_named_as_far_as_its_driver_tells(name, memory, label):
    assert labels.gpu_label({"name": name, "driver": None, "memory_bytes": memory}) == label


def test_a_headline_without_labels_of_its_own_is_called_by_its_title():
    def view(unit):
        return labels.view(Metric("no_such_metric", unit, "time to think", "lower"))

    assert (view("s").axis, view("s").column, view("s").more) == (
        "time to think in seconds", "Time to think", "time to think",
    )  # fmt: skip
    assert view("B").axis == "time to think in MB"
    assert view("").axis == "time to think"
    assert not view("s").hidden


def test_labels_belong_to_metrics_and_topics_to_sections_that_exist():
    known = loader.load()
    metrics = {metric for section in known.sections for metric in section.metrics}
    assert set(labels._VIEWS) <= metrics
    assert {view.beside[0] for view in labels._VIEWS.values()} - {""} <= metrics
    assert set(labels.TOPICS) <= {section.id for section in known.sections}
