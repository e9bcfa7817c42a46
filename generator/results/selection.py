"""Which rows pages show: newest runs, releases, history, A/A replicates."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.results import ranges
from generator.results.reading import Results, combined_codes, to_frame
from generator.results.schema import COLUMNS, PROFILES, is_again

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def everything(results: Results) -> pa.Table:
    """Return all whole rows of all runs, with the columns of :func:`select`."""
    return _gather(results, {key: file.configurations for key, file in results.files.items()})


def select(results: Results, profiles: Collection[str] = ("quick", "full")) -> pd.DataFrame:
    """Return the rows that pages show, in one frame.

    Per machine, framework, version, section, mode, device and lane these are the rows of the newest
    run (its id begins with the time) of some profiles; a run that is not finished is shown only
    where no finished one has anything. Rows of processes that were interrupted or repeated
    (flag ``partial``) are left out before the newest is chosen.

    The columns are those of a CSV, see :func:`generator.results.reading.to_frame`, and ``profile``,
    ``code`` (hash of the measuring code of the row's section) and ``provenance`` (key into
    ``results.records``), all categorical.
    """
    found = _runs(results, profiles)
    return _rows(results, {place: runs[-1][1] for place, runs in found.items()})


def earlier(results: Results, sections: Collection[str]) -> pd.DataFrame:
    """Return the rows of the finished run before the one that :func:`select` chooses.

    They are of some sections only. Configurations that were measured once only have none.
    """
    found = {
        place: runs[-2][1]
        for place, runs in _runs(results, ("quick", "full")).items()
        if place[1] in sections and len(runs) > 1 and runs[-2][0]
    }
    return _rows(results, found)


def _rows(results: Results, found: Mapping[tuple[str, ...], str]) -> pd.DataFrame:
    """Return the rows of configurations, each with the run to take them from."""
    chosen: dict[str, list[tuple[str, ...]]] = {}
    for (subject, *configuration), run in found.items():
        chosen.setdefault(f"{subject}/{run}", []).append(tuple(configuration))
    return to_frame(_gather(results, chosen))


def of_frameworks(results: Results, frameworks: Collection[str]) -> Results:
    """Return the results of some frameworks: of one without a folder, no page knows the name."""
    own = {key for key in results.files if key.split("/")[1] in frameworks}
    return Results(
        {key: file for key, file in results.files.items() if key in own},
        {key: record for key, record in results.records.items() if key in own},
        {key: digest for key, digest in results.digests.items() if key in own},
        results.faults,
    )


def of_run(results: Results, run: str, machine: str) -> pd.DataFrame:
    """Return the rows of one run of any profile on one machine, see :func:`select`."""
    own = {
        key: file
        for key, file in results.files.items()
        if key.startswith(f"{machine}/") and key.endswith(f"/{run}")
    }
    return select(Results(own, results.records, results.digests, results.faults), PROFILES)


def _runs(
    results: Results, profiles: Collection[str]
) -> dict[tuple[str, ...], list[tuple[bool, str]]]:
    """Return configuration -> (finished, run) of all that measured it, the one to show last."""
    found: dict[tuple[str, ...], list[tuple[bool, str]]] = {}
    for key, file in sorted(results.files.items()):
        if results.records[key]["profile"] not in profiles:
            continue
        subject, run = key.rsplit("/", 1)
        state = (results.records[key]["finished"] is not None, run)
        for index in np.unique(file.codes[file.codes >= 0]).tolist():
            found.setdefault((subject, *file.configurations[index]), []).append(state)
    return {configuration: sorted(runs) for configuration, runs in found.items()}


def current(frame: pd.DataFrame, listed: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the rows of the newest release of each configuration: what ordinary pages show.

    Per machine, framework, section, mode, device and lane these are the rows of one release; a
    section that only an older one was measured for keeps that one. Releases are ordered by
    :func:`age`; ``listed`` has those of each framework.
    """
    columns = ["machine", "framework", "section", "mode", "device", "lane", "version"]
    if frame.empty:
        return frame
    combined = combined_codes([frame[column].cat.codes.to_numpy() for column in columns])
    _, first, codes = np.unique(combined, return_index=True, return_inverse=True)
    newest: dict[tuple[str, ...], tuple[Any, int]] = {}
    for index, cells in enumerate(frame.iloc[first][columns].itertuples(index=False)):
        *configuration, version = map(str, cells)
        found = age(listed.get(configuration[1], ()), version), index
        newest[tuple(configuration)] = max(found, newest.get(tuple(configuration), found))
    kept = np.zeros(len(first), dtype=bool)
    kept[[index for _, index in newest.values()]] = True
    return frame[kept[codes]] if not kept.all() else frame


def age(listed: Sequence[str], version: str) -> Any:
    """Return what releases of one framework are sorted by, the oldest first.

    They are ordered as ``framework.toml`` lists them. Another one comes after the last listed one
    that it is newer than; what is no number comes first.
    """
    from packaging.version import InvalidVersion, Version

    def number(text: str) -> Version:
        try:
            return Version(text)
        except InvalidVersion:
            return Version("0.dev0")

    if version in listed:
        return list(listed).index(version), number(version)
    older = [n for n, other in enumerate(listed) if number(other) < number(version)]
    return max(older, default=-1), number(version)


def shown(
    results: Results,
    listed: Mapping[str, Sequence[str]],
    profiles: Collection[str] = ("quick", "full"),
) -> pd.DataFrame:
    """Return the rows that ordinary pages show; see :func:`select` and :func:`current`."""
    return withhold(current(select(results, profiles), listed))


def study(results: Results, shown: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows of the A/A study, with the columns of :func:`select`.

    Those are all whole rows of profile ``aa``, where every run counts (``provenance`` distinguishes
    them), and the :func:`replicates` of LeNet's step among the rows that are shown, if they are
    given.
    """
    chosen = {
        key: file.configurations
        for key, file in sorted(results.files.items())
        if results.records[key]["profile"] == "aa"
    }
    rows = to_frame(_gather(results, chosen))
    return rows if shown is None else stack([rows, replicates(shown[shown["section"] == "lenet"])])


_CONFIGURATION = ("machine", "framework", "version", "mode", "device", "lane")


def replicates(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every configuration and metric that ran twice in a block, both halves.

    The full profile measures some configurations twice: that is an A/A study as well.
    """
    again = frame[frame["case"].map(is_again).astype(bool)]
    return frame[_matching(frame, again[[*_CONFIGURATION, "section", "metric"]])]


def withhold(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, with those of configurations that fail verification made ``wrong``.

    No number is published for a framework that did not do the same work, on no page: memory and
    compile time of other work say nothing either.
    """
    gate = (frame["metric"] == "gate") & (frame["section"] == "lenet")
    verdicts = frame[gate & (frame["status"] == "wrong")]
    invalid = _matching(frame, verdicts[list(_CONFIGURATION)])
    invalid &= (frame["status"] == "ok").to_numpy() & (frame["section"] != "lenet").to_numpy()
    if not invalid.any():
        return frame
    changed = frame.copy()
    for column, text in (("status", "wrong"), ("reason", "this mode fails verification")):
        known = changed[column]
        if text not in known.cat.categories:
            known = known.cat.add_categories([text])
        changed[column] = known.where(~invalid, text)
    return changed


def _matching(frame: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return which rows of a frame are equal to one of the keys in the columns of the keys."""
    found = np.zeros(len(frame), dtype=bool)
    for key in keys.drop_duplicates().itertuples(index=False):
        same = [(frame[name] == text).to_numpy() for name, text in zip(keys, key, strict=True)]
        found |= np.logical_and.reduce(same)
    return found


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of :func:`select` below each other."""
    import pyarrow as pa

    tables = [pa.Table.from_pandas(frame, _schema(), preserve_index=False) for frame in frames]
    return to_frame(pa.concat_tables(tables).replace_schema_metadata())


def _gather(results: Results, chosen: Mapping[str, list[tuple[str, ...]]]) -> pa.Table:
    """Join the whole rows of the chosen configurations of each file."""
    import pyarrow as pa

    parts = [_schema().empty_table()]
    for key, configurations in chosen.items():
        known = set(configurations)
        table, codes = _completed(results, key)
        rows = np.array([name in known for name in results.files[key].configurations])[codes]
        parts.append(table if rows.all() else table.filter(pa.array(rows)))
    return pa.concat_tables(parts)


def whole_rows(results: Results, key: str) -> pa.Table:
    """Return all whole rows of one run; the same object as long as they are the same."""
    return _completed(results, key)[0]


_complete: dict[str, tuple[tuple[Any, ...], tuple[pa.Table, Any]]] = {}
"""Key of a run -> what its rows were made from, and :func:`_completed` of it."""


def _completed(results: Results, key: str) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """Return the whole rows of a file as pages have them, and the configuration of each."""
    import pyarrow as pa

    file, record = results.files[key], results.records[key]
    faults = results.faults.get(key)
    known = _complete.get(key)
    if known and all(map(operator.is_, known[0], (file, record, faults))):
        return known[1]
    section = file.table["section"].combine_chunks()
    names = section.dictionary.to_pylist()
    hashes = pa.array([str(record["code_sha256"].get(name, "")) for name in names], "string")
    same = np.zeros(len(section), dtype="int32")
    table = (
        file.table.append_column(
            "profile", pa.DictionaryArray.from_arrays(same, [record["profile"]])
        )
        .append_column("code", hashes.take(section.indices).dictionary_encode())
        .append_column("provenance", pa.DictionaryArray.from_arrays(same, [key]))
    )
    if faults:
        reasons = [faults.get(row) for row in range(len(section))]
        bad = np.array([reason is not None for reason in reasons])
        table = _changed(table, bad, status="failed", reason=pa.array(reasons, pa.string()))
    whole = file.codes >= 0
    whole[record.get("rows", len(whole)) :] = False  # of a job that no run record knows yet
    codes = file.codes[whole]
    table, origins = with_derived(table if whole.all() else table.filter(pa.array(whole)))
    made = _possible(table), np.concatenate([codes, codes[origins]])
    _complete[key] = (file, record, faults), made
    return made


def _possible(rows: pa.Table) -> pa.Table:
    """Return rows, those ``wrong`` whose number cannot be: `generator check` names them."""
    metric, unit, status = (
        rows[name].unify_dictionaries().combine_chunks() for name in ("metric", "unit", "status")
    )
    value = rows["value"].to_numpy()
    bad = np.zeros(len(rows), dtype=bool)
    count = len(unit.dictionary)
    kinds = metric.indices.to_numpy() * count + unit.indices.to_numpy()
    for kind in np.unique(kinds).tolist():
        name, of = metric.dictionary[kind // count].as_py(), unit.dictionary[kind % count].as_py()
        own = np.flatnonzero(kinds == kind)
        bad[own] = ~ranges.of(name, of).holds(value[own])
    bad &= np.asarray(status) == "ok"
    if not bad.any():
        return rows
    return _changed(rows, bad, status="wrong", reason="a number that cannot be")


def _changed(rows: pa.Table, bad: np.ndarray[Any, Any], **texts: str | pa.Array) -> pa.Table:
    """Return rows, those that are bad with other texts in some columns."""
    import pyarrow as pa

    for column, text in texts.items():
        changed = pa.compute.if_else(pa.array(bad), text, rows[column].cast(pa.string()))
        index = rows.schema.get_field_index(column)
        rows = rows.set_column(index, rows.schema.field(index), changed.dictionary_encode())
    return rows


_PEAK, _IMPORTED, _ABOVE = "peak_rss", "rss_imported", "peak_above_import"
_PROCESS = ("section", "mode", "device", "lane", "case", "block")


def with_derived(rows: pa.Table) -> tuple[pa.Table, list[int]]:
    """Return rows of one run and release, completed by what its measuring code left to be derived.

    A process that measured its peak and what import took, but not the one above the other, gets a
    row of their difference. Where there is no peak, its row says why, and so does the new one. New
    rows come last; of each, the place of the one that it is derived from is returned as well.
    """
    import pyarrow as pa
    from pyarrow import compute

    names = rows["metric"].combine_chunks()
    parts = compute.is_in(names.dictionary, pa.array([_PEAK, _IMPORTED, _ABOVE]))
    if not compute.any(parts).as_py():
        return rows, []
    places = np.flatnonzero(parts.take(names.indices).to_numpy(zero_copy_only=False))
    processes: dict[tuple[object, ...], dict[str, tuple[int, dict[str, Any]]]] = {}
    for place, row in zip(places.tolist(), rows.take(places).to_pylist(), strict=True):
        process = tuple(row[name] for name in _PROCESS)
        processes.setdefault(process, {})[row["metric"]] = place, row
    derived, origins = [], []
    for found in processes.values():
        if _PEAK not in found or _ABOVE in found:
            continue
        (place, peak), (_, imported) = found[_PEAK], found.get(_IMPORTED, (0, {}))
        if peak["status"] == "ok":
            if imported.get("status") != "ok":
                continue
            peak = peak | {"value": peak["value"] - imported["value"]}
        derived.append(peak | {"metric": _ABOVE})
        origins.append(place)
    if not derived:
        return rows, []
    return pa.concat_tables([rows, pa.Table.from_pylist(derived, rows.schema)]), origins


def _schema() -> pa.Schema:
    """Return the columns of :func:`select` as Arrow keeps them."""
    import pyarrow as pa

    numbers = {"value": pa.float64(), "block": pa.int64(), "sample": pa.int64()}
    text = pa.dictionary(pa.int32(), pa.string())
    names = (*COLUMNS, "profile", "code", "provenance")
    return pa.schema([(name, numbers.get(name, text)) for name in names])
