"""Reads result files, each once per content and process, into checked columns.

One run of ``measure`` writes, per framework and version,
``<machine>/<framework>/<version>/<run>.csv`` (one row a sample or verdict) and the run record
``<run>.json`` beside it (everything that is the same for all rows). Files are append-only: nothing
here changes an old one.

Reading has two passes. In the fast one Arrow parses the file, and whole columns are checked for
what Arrow does not know. Only when that fails, the slow one (:func:`row_problems`) goes through the
file line by line and names the line. Arrow and pandas are imported late: a machine that measures
needs neither.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from generator import files
from generator.errors import InputError
from generator.results.processes import GROUP, Numbers, counts, faults
from generator.results.row_checks import flags_are_known, read_bytes, row_problems
from generator.results.run_record import read_run_record
from generator.results.schema import (
    COLUMNS,
    CONTROL_BYTES,
    COUNT,
    HEADER,
    IDENTITY,
    REASON_LENGTH,
    SAMPLE_KEY,
    STATUSES,
    UNPRINTABLE,
    WITH_VALUE,
    Record,
    Where,
    quoted,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")


@dataclass(frozen=True)
class ResultFile:
    """A parsed CSV, and which of its rows belong to which configuration."""

    table: pa.Table
    """Columns :data:`COLUMNS`: texts by dictionary, block and sample int64, value float64."""
    configurations: list[tuple[str, ...]]
    """(section, mode, device, lane) of every configuration that has rows."""
    codes: np.ndarray[Any, Any]
    """Per row, the index of its configuration; -1 for rows of an interrupted process."""


@dataclass(frozen=True)
class Results:
    """Everything that was ever measured, keyed by ``machine/framework/version/run``."""

    files: Mapping[str, ResultFile]
    records: Mapping[str, Record]
    """The run record of each."""
    digests: Mapping[str, str]
    """Hash of each CSV's bytes."""
    faults: Mapping[str, Mapping[int, str]]
    """Per CSV, the rows whose numbers do not count -> why; see
    :mod:`generator.results.processes`."""


_parsed: weakref.WeakValueDictionary[tuple[str, str], ResultFile] = weakref.WeakValueDictionary()
"""(key of the run, hash of the content) -> parsed file."""
_judged: dict[Path, tuple[ResultFile, Record, Mapping[int, str]]] = {}
"""CSV -> what was judged together, and which rows do not count."""
_kept: dict[Path, tuple[tuple[int, ...], Any]] = {}
"""path -> (identity on disk, what is in it): an untouched file is not read again."""


def find(root: Path, *suffixes: str) -> list[Path]:
    """Return every CSV below ``root``, or file with other suffixes, sorted; in any place.

    Links are followed, capitals found as well. Hidden files are no results: other programs leave
    them beside files. The root need not be there. A link that leads nowhere or in a circle, and a
    folder that cannot be read, are an :class:`InputError`.
    """

    def refuse(error: OSError) -> None:
        raise InputError(error.filename, None, error.strerror, "a folder that can be read")

    wanted, found = [suffix.lower() for suffix in suffixes or (".csv",)], []
    there = root.exists() or root.is_symlink()
    for place, folders, names in os.walk(root, onerror=refuse, followlinks=True) if there else ():
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in folders):
            if path.is_symlink() and any(map(path.samefile, path.parents)):
                raise InputError(path, None, "a link to a folder that holds it", "another folder")
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.is_symlink() and not path.exists():
                expected = "what it leads to; mount its disk, or remove the link"
                raise InputError(path, None, "a link that leads nowhere", expected)
            if path.suffix.lower() in wanted:
                found.append(path)
    return sorted(found)


def load(root: Path) -> Results:
    """Read all results below ``root``.

    The first file that is not as agreed is an :class:`InputError`; `generator check` lists all.
    """
    paths = {Where.of(path).key: path for path in find(root)}
    read_files = {key: _read_once(path) for key, path in paths.items()}
    records = {
        key: _once(path.with_suffix(".json"), functools.partial(read_run_record, path))
        for key, path in paths.items()
    }
    return Results(
        {key: file for key, (_, file) in read_files.items()},
        records,
        {key: digest for key, (digest, _) in read_files.items()},
        {key: _faults(paths[key], file, records[key]) for key, (_, file) in read_files.items()},
    )


def _faults(path: Path, file: ResultFile, record: Record) -> Mapping[int, str]:
    """Return which rows of a file do not count, found out once."""
    known = _judged.get(path)
    if known is None or known[0] is not file or known[1] is not record:
        try:
            _judged[path] = known = file, record, faults(_numbers(file.table), record)
        except (KeyError, TypeError, AttributeError) as error:
            told = f"{type(error).__name__}: {quoted(error)}"
            wanted = "jobs of a run record; `generator check` says what they lack"
            raise InputError(path.with_suffix(".json"), None, told, wanted) from error
    return known[2]


def _numbers(table: pa.Table) -> Numbers:
    """Return the numbers of whole processes in a table with the columns of a file."""
    texts = {name: _Text.of(table[name]) for name in (*GROUP, "status", "flags") if name != "block"}
    blocks, samples = (
        table[name].fill_null(-1).to_numpy().astype("int64") for name in ("block", "sample")
    )
    says = ("metric", "status", "flags")
    first, codes = distinct([texts[name].codes for name in says])
    told = zip(*(texts[name].at(first) for name in says), strict=True)
    places = np.flatnonzero(np.array([counts(*one) for one in told], dtype=bool)[codes])
    columns = [blocks + 1 if name == "block" else texts[name].codes for name in GROUP]
    first, groups = distinct([column[places] for column in columns])
    blocks_told = ["" if block < 0 else str(block) for block in blocks[places][first].tolist()]
    keys = zip(
        *(blocks_told if name == "block" else texts[name].at(places[first]) for name in GROUP),
        strict=True,
    )
    return Numbers([*keys], groups, places, samples[places], table["value"].to_numpy()[places])


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table of results as a frame.

    ``value`` is float64 (NaN when empty), ``block`` and ``sample`` are Int64 (NA when empty), all
    others categorical.
    """
    import pandas as pd
    import pyarrow as pa

    whole = table.unify_dictionaries().combine_chunks()
    frame: pd.DataFrame = whole.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    for name in frame.columns[frame.dtypes == "category"]:
        texts = frame[name].cat
        frame[name] = texts.reorder_categories(texts.categories.sort_values())
    return frame


def _once(path: Path, read: Callable[[], T]) -> T:
    """Return what ``read`` finds in a file, which is read again only after it has changed."""
    try:
        identity = files.identity(path)
    except OSError:
        return read()  # which says what is wrong with it
    if path not in _kept or _kept[path][0] != identity:
        _kept[path] = identity, read()
    found: T = _kept[path][1]
    return found


def _read_once(path: Path) -> tuple[str, ResultFile]:
    """Return the hash of a CSV and what is in it."""
    where = Where.of(path)
    if where.problem:
        raise where.problem

    def read() -> tuple[str, ResultFile]:
        data = read_bytes(path)
        digest = hashlib.blake2b(data).hexdigest()
        file = _parsed.get((where.key, digest)) or _parse(data, where)
        _parsed[where.key, digest] = file
        return digest, file

    return _once(path, read)


def _parse(data: bytes, where: Where) -> ResultFile:
    file = _parse_fast(data, where)
    if file is None:
        for problem in row_problems(data, where):
            raise problem
        raise InputError(where.path, None, "text that Arrow cannot parse", "plain CSV")
    return file


@dataclass(frozen=True)
class _Text:
    """A column of text: its different texts, and per row the index of one of them."""

    names: list[str]
    codes: np.ndarray[Any, Any]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> _Text:
        whole = column.unify_dictionaries().combine_chunks()
        return cls(whole.dictionary.to_pylist(), whole.indices.to_numpy())

    def at(self, rows: np.ndarray[Any, Any]) -> list[str]:
        return [self.names[code] for code in self.codes[rows].tolist()]

    def per_row(self, function: Callable[[str], Any]) -> Any:
        return np.array([*map(function, self.names), function("")])[self.codes]


def _parse_fast(data: bytes, where: Where) -> ResultFile | None:
    """Parse a file and check whole columns; None when it is not as agreed."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if not (
        data.startswith(HEADER)
        and data.endswith(b"\n")
        and len(data.translate(None, CONTROL_BYTES)) == len(data)
    ):
        return None
    text = pa.dictionary(pa.int32(), pa.string())
    types = {name: pa.float64() if name == "value" else text for name in COLUMNS}
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[""]),
        )
    except pa.ArrowInvalid:
        return None
    table = table.unify_dictionaries().combine_chunks()
    columns = {name: table[name].combine_chunks() for name in COLUMNS}
    value = columns.pop("value")
    texts = {
        name: _Text(column.dictionary.to_pylist(), column.indices.to_numpy())
        for name, column in columns.items()
    }
    if not all(_checks(data, where, texts, value)):
        return None
    for name in ("block", "sample"):
        numbers = [int(number) if number else None for number in texts[name].names]
        column = pa.array(numbers, pa.int64()).take(columns[name].indices)
        table = table.set_column(COLUMNS.index(name), name, column)
    first, codes = distinct([texts[name].codes for name in IDENTITY])
    configurations = [*zip(*(texts[name].at(first) for name in IDENTITY), strict=True)]
    return ResultFile(table, configurations, np.where(_partial(texts), -1, codes))


def _partial(texts: Mapping[str, _Text]) -> Any:
    return texts["flags"].per_row(lambda name: "partial" in name)


def _checks(
    data: bytes, where: Where, texts: Mapping[str, _Text], value: pa.DoubleArray
) -> Iterator[bool]:
    """Check everything that the slow pass checks and Arrow does not, on texts and whole columns.

    ``data`` is known to have the header, line ends and no control characters; ``texts`` are its
    columns but ``value``, which is null where the cell is empty.
    """
    names = {name: set(text.names) for name, text in texts.items()}
    yield len(value) == data.count(b"\n") - 1  # no quotation swallowed a line end
    yield _quotes_are_in_place(data)
    yield all(names[name] <= {said} for name, said in where.says.items())
    yield not any(UNPRINTABLE.search(name) for some in names.values() for name in some)
    yield not any("" in names[name] for name in ("section", "device", "metric", "unit"))
    yield names["status"] <= set(STATUSES)
    yield all(map(flags_are_known, names["flags"] - {""}))
    yield all(len(name) <= REASON_LENGTH for name in names["reason"])
    yield all(map(COUNT.fullmatch, (names["block"] | names["sample"]) - {""}))
    empty = value.is_null().to_numpy(zero_copy_only=False)
    number = np.isfinite(value.to_numpy(zero_copy_only=False))
    ok, valued = (texts["status"].per_row(some.__contains__) for some in (("ok",), WITH_VALUE))
    yield bool(((number & valued) | (empty & ~ok)).all())
    yield bool((ok | texts["reason"].per_row(bool)).all())
    units = ("section", "metric", "unit")
    yield _distinct(texts, units) == _distinct(texts, units[:2])
    samples = ok & ~_partial(texts)
    yield _distinct(texts, SAMPLE_KEY, samples) == samples.sum()


def _distinct(texts: Mapping[str, _Text], columns: Sequence[str], rows: Any = slice(None)) -> int:
    """Return how many different combinations these columns have, in some rows."""
    return len(np.unique(combined_codes([texts[name].codes[rows] for name in columns])))


def _quotes_are_in_place(data: bytes) -> bool:
    """Whether every line with a quotation mark is strict CSV: Arrow takes ``"a"b`` as well."""
    at = data.find(b'"')
    while at >= 0:
        end = data.find(b"\n", at)
        line = data[data.rfind(b"\n", 0, at) + 1 : end]
        try:
            next(csv.reader([line.decode()], strict=True))
        except csv.Error:
            return False
        at = data.find(b'"', end)
    return True


def distinct(columns: Sequence[Any]) -> tuple[Any, Any]:
    """Return the first row of each different combination of codes, and per row which it has."""
    _, first, codes = np.unique(combined_codes(columns), return_index=True, return_inverse=True)
    return first, codes


def combined_codes(columns: Sequence[Any]) -> Any:
    """Return one integer a row, ordered as the columns of codes (>= 0) and equal where all are."""
    combined, size = np.zeros(len(columns[0]), dtype="int64"), 1
    for codes in columns:
        count = int(codes.max(initial=0)) + 1
        if size * count > 2**62:  # renumber before a product could overflow
            _, combined = np.unique(combined, return_inverse=True)
            size = len(combined)
        combined, size = combined * count + codes, size * count
    return combined
