"""What was measured, and which of it ordinary pages show: from CSVs and run records alone.

Nothing here shares code with the generator; the rules are those that the methodology page states.
"""

import functools
import json
import tomllib
from pathlib import Path

import pandas as pd

MEASUREMENTS = Path(__file__).parents[2] / "measurements"
FRAMEWORKS = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((MEASUREMENTS / "frameworks").glob("*/framework.toml"))
}
_CLAIMS = tomllib.loads((MEASUREMENTS / "claims.toml").read_text(encoding="utf-8"))
ARTICLE, CLAIMS = _CLAIMS["article"], _CLAIMS["claims"]
RELEASES = json.loads((MEASUREMENTS / "releases.json").read_text(encoding="utf-8"))["frameworks"]
CONFIGURATION = ["machine", "framework", "version", "mode", "device", "lane"]
RUN = [*CONFIGURATION, "section"]
"""What a run measures, or does not: the newest that did counts."""
PROCESS = [*RUN, "case", "run", "block"]


@functools.cache
def read(results):
    """Return all whole rows of a folder of results, with what their run records say of them."""
    parts = []
    for path in sorted(results.glob("*/*/*/*.csv")):
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        parts.append(
            rows.assign(
                profile=record["profile"],
                rank=f"{record['finished'] is not None:d} {record['run']}",
                lock=record["environment"]["lock_sha256"],
                batch=record["settings"].get("batch", 64),
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    rows["value"] = pd.to_numeric(rows["value"])
    rows = rows[["partial" not in flags.split() for flags in rows["flags"]]]
    return pd.concat([rows, _above_import(rows)], ignore_index=True)


def _above_import(rows):
    """Return how far the peak of a process lies above what import took, where it did not say so.

    Why there is no peak is why there is no such difference.
    """
    of = {name: rows[rows["metric"] == name].set_index(PROCESS)
          for name in ("peak_rss", "rss_imported", "peak_above_import")}  # fmt: skip
    peak = of["peak_rss"][~of["peak_rss"].index.isin(of["peak_above_import"].index)]
    good = of["rss_imported"].loc[of["rss_imported"]["status"] == "ok", "value"]
    above = peak["value"] - good.reindex(peak.index)
    peak = peak.assign(metric="peak_above_import", value=above)
    return peak[(peak["status"] != "ok") | above.notna()].reset_index()


def published(rows):
    """Return what ordinary pages show: of every configuration the newest release's newest run."""
    rows = newest(rows, "quick", "full")
    order = {
        (name, version["version"]): place
        for name, framework in FRAMEWORKS.items()
        for place, version in enumerate(framework["versions"])
    }
    ages = [order.get(pair, -1) for pair in zip(rows["framework"], rows["version"], strict=True)]
    rows = _last(rows, [name for name in RUN if name != "version"], pd.Series(ages, rows.index))
    return _withheld(rows)


def of_that_time(rows):
    """Return the rows of releases of the article's time, by machine and device.

    Of the frameworks that the article compared these are the newest that were published until the
    end of its year, or the first that were measured together.
    """
    rows = _withheld(newest(rows, "history"))
    parts = []
    for _, here in rows.groupby(["machine", "device"]):
        for name in ARTICLE["compared"]:
            mine = here[here["framework"] == name]
            known = {
                version["version"]: version["released"].year
                for version in FRAMEWORKS[name]["versions"]
                if "released" in version and version["version"] in set(mine["version"])
            }
            early = [number for number, year in known.items() if year <= ARTICLE["year"]]
            parts.append(mine[mine["version"].isin(early[-1:] or list(known)[:1])])
    return pd.concat(parts) if parts else rows[:0]


def newest(rows, *profiles):
    """Return the rows of the newest run of some profiles that measured a configuration.

    A run that was not finished counts only where there is no other.
    """
    rows = rows[rows["profile"].isin(profiles)]
    return _last(rows, RUN, rows["rank"])


def _withheld(rows):
    """Make wrong, in every section, what fails verification: it did other work."""
    gate = (rows["section"] == "lenet") & (rows["metric"] == "gate") & (rows["status"] == "wrong")
    wrong = pd.MultiIndex.from_frame(rows.loc[gate, CONFIGURATION])
    invalid = pd.MultiIndex.from_frame(rows[CONFIGURATION]).isin(wrong)
    invalid &= (rows["status"] == "ok") & (rows["section"] != "lenet")
    return rows.assign(status=rows["status"].mask(invalid, "wrong"))


def _last(rows, same, rank):
    """Return the rows of the highest rank among those that are the same in some columns."""
    return rows[rank == rank.groupby([rows[name] for name in same]).transform("max")]
