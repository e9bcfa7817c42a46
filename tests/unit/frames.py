"""Small frames of result rows, typed out: what pages and analysis take, without any file."""

import functools
from collections import defaultdict

import pandas as pd

from generator.analysis.changes import Known
from generator.catalog import loader
from generator.results.schema import COLUMNS
from tests.sample_results import GRAPH

ROW = {
    **dict.fromkeys(COLUMNS, ""),
    "run": "20260101T000000Z-aaaaaa", "machine": "here", "framework": GRAPH, "version": "1.0.5",
    "section": "lenet", "mode": "compiled", "device": "cpu", "lane": "threads-all",
    "metric": "step_time", "unit": "s", "block": 0, "sample": 0, "value": 1.0, "status": "ok",
    "profile": "full", "code": "c0de", "provenance": "",
}  # fmt: skip


def frame(*rows):
    """Return rows as a frame of ``selection.select``; fields that are not named are :data:`ROW`."""
    whole = [ROW | row for row in rows]
    for row in whole:
        place = (row["machine"], row["framework"], row["version"], row["run"])
        row["provenance"] = row["provenance"] or "/".join(place)
    made = pd.DataFrame(whole)
    for column in made.columns.difference(["block", "sample", "value"]):
        made[column] = made[column].astype("category")
    return made.astype({"block": "Int64", "sample": "Int64", "value": "float64"})


def samples(values, **row):
    """Return the rows of a cell: the samples of each block in turn."""
    return [
        {**row, "block": block, "sample": number, "value": value}
        for block, of_block in enumerate(values)
        for number, value in enumerate(of_block)
    ]


def record(cuda="none", *packages):
    """Return as much of a run record as tells the kind of its build."""
    return {"build": {"cuda": cuda}, "environment": {"packages": packages}}


_catalog = functools.cache(loader.load)


def draw_on(documents=None, noises=None, spreads=None):
    """Return what comparisons draw on; without run records, every build is alike."""
    documents = documents or defaultdict(record)
    return Known(_catalog(), documents, noises or {}, spreads or {})
