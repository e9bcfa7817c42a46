"""Result files: write, read, validate, migrate and select them.

One run of ``measure`` writes, per framework and version,
``<machine>/<framework>/<version>/<run>.csv`` (one row a sample or verdict) and ``<run>.json``
beside it (everything that is the same for all rows). Files are append-only: nothing here changes
an old one, older schemas are migrated on reading.

Writing, :func:`rows` and :func:`read_document` need nothing but the standard library and NumPy, so
that a machine that measures does not have to have pandas. Reading frames imports pandas late.

Reading has two passes. The fast one lets pandas parse the file and then checks whole columns. Only
when such a check fails, the slow one goes through the file line by line and names the line.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generator import files
from generator.errors import InputError
from generator.results.row_checks import flags_are_known, read_bytes, row_problems
from generator.results.run_document import read_document
from generator.results.schema import (
    COLUMNS,
    CONTROL_BYTES,
    COUNT,
    HEADER,
    IDENTITY,
    PATH_COLUMNS,
    REASON_LENGTH,
    SAMPLE_KEY,
    STATUSES,
    UNPRINTABLE,
    Document,
    Where,
)

if TYPE_CHECKING:
    import pandas as pd


# ---------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _File:
    """A parsed CSV: its columns, and which rows belong to which configuration."""

    columns: Mapping[str, Any]
    """Text: (categorical type, codes); block and sample: Int64; value: float64."""
    configurations: list[tuple[str, ...]]
    """(section, mode, device, lane) of every configuration that has whole rows."""
    codes: np.ndarray[Any, Any]
    """Per row, the index of its configuration; -1 for rows of an interrupted process."""

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """Made on demand: of many runs, most are superseded and never looked at."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(column[1], dtype=column[0], validate=False)
                if isinstance(column, tuple)
                else column
                for name, column in self.columns.items()
            },
            copy=False,
        )


_files: dict[tuple[str, str], _File] = {}
"""(key of the path, content hash) -> parsed file."""
_digests: dict[Path, tuple[tuple[int, ...], str]] = {}
"""path -> (identity on disk, content hash): an untouched file is not read again."""
_documents: dict[Path, tuple[tuple[int, ...], Document]] = {}
"""CSV path -> (identity of the JSON on disk, document)."""


def find(root: Path) -> list[Path]:
    """Return every CSV below ``root``, sorted; those in unexpected places too."""
    return sorted(root.rglob("*.csv"))


def read(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV; parsed once per content and process. Do not change the frame.

    Columns are :data:`COLUMNS`: ``value`` float64 (NaN when empty), ``block`` and ``sample`` Int64
    (NA when empty), all others categorical (there may be categories that no row has).

    Raises:
        InputError: with the line, for the first thing that is not as agreed.

    """
    return _read([path])[0].frame


_BATCH_BYTES = 32 << 20
"""Files are parsed together up to this size: pandas takes 10 ms to begin with each."""


def _read(paths: Sequence[Path]) -> list[_File]:
    """Return the parsed files in the order of their paths."""
    keys: list[tuple[str, str]] = []
    batch: list[tuple[bytes, Where]] = []
    batch_keys: list[tuple[str, str]] = []

    def parse() -> None:
        _files.update(zip(batch_keys, _parse(batch), strict=True))
        batch.clear()
        batch_keys.clear()

    for path in paths:
        where = Where.of(path)
        if where.problem:
            raise where.problem
        identity = _identity(path)
        known = _digests.get(path)
        if known and known[0] == identity and (where.key, known[1]) in _files:
            keys.append((where.key, known[1]))
            continue
        data = read_bytes(path)
        key = (where.key, hashlib.blake2b(data).hexdigest())
        if known and known[1] != key[1]:
            _files.pop((where.key, known[1]), None)
        _digests[path] = (identity, key[1])
        keys.append(key)
        if key not in _files:
            batch.append((data, where))
            batch_keys.append(key)
            if sum(len(data) for data, _ in batch) > _BATCH_BYTES:
                parse()
    if batch:
        parse()
    return [_files[key] for key in keys]


def _read_document_once(path: Path) -> Document:
    beside = path.with_suffix(".json")
    identity = _identity(beside) if beside.exists() else ()
    known = _documents.get(path)
    if known is None or known[0] != identity:
        known = _documents[path] = (identity, read_document(path))
    return known[1]


def _identity(path: Path) -> tuple[int, ...]:
    """Return numbers that change whenever a file is replaced or written to."""
    try:
        return files.identity(path)
    except OSError as error:
        raise InputError(path, None, error.strerror, "a readable file") from error


def _parse(batch: Sequence[tuple[bytes, Where]]) -> list[_File]:
    files = _parse_fast(batch)
    if files is not None:
        return files
    files = []
    for one in batch:
        alone = _parse_fast([one]) if len(batch) > 1 else None
        if alone is None:
            for problem in row_problems(*one):
                raise problem
            # The slow pass accepts what a quick check doubted, such as ",value," inside a reason.
            alone = _parse_fast([one], doubt=False)
        if alone is None:
            raise InputError(one[1].path, None, "text that pandas cannot parse", "plain CSV")
        files += alone
    return files


@dataclass(frozen=True)
class _Text:
    """A column of text: its different texts, and per row the index of one of them."""

    names: list[str]
    codes: np.ndarray[Any, Any]

    def per_row(self, function: Callable[[str], Any]) -> Any:
        return np.array([*map(function, self.names), function("")])[self.codes]

    def total(self, count: Callable[[str], int]) -> int:
        return int(self.per_row(count).sum()) if any(map(count, self.names)) else 0


def _parse_fast(batch: Sequence[tuple[bytes, Where]], *, doubt: bool = True) -> list[_File] | None:
    """Parse files in one go; None when a check on whole columns fails for any of them.

    With ``doubt=False`` the slow pass has already accepted them, so only pandas is asked.
    """
    import pandas as pd

    if doubt and not all(_bytes_are_good(data) for data, _ in batch):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.BytesIO(b"".join(data for data, _ in batch)),
                # Headers are read as rows: a word in every column keeps pandas from taking a
                # version such as 2.10 for a number.
                header=None,
                names=list(COLUMNS),
                dtype={
                    column: "float64" if column == "value" else "category" for column in COLUMNS
                },
                index_col=False,
                keep_default_na=False,
                na_values={"value": ["", "value"]},
                skip_blank_lines=False,
            )
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    lengths = [data.count(b"\n") for data, _ in batch]
    if len(frame) != sum(lengths):
        return None
    heads = np.cumsum([0, *lengths[:-1]])
    value = np.delete(frame["value"].to_numpy(), heads)
    texts = {
        column: _without_headers(frame[column].array, heads)
        for column in COLUMNS
        if column != "value"
    }
    file = np.repeat(np.arange(len(batch)), np.array(lengths) - 1)
    if doubt and not _columns_are_good(texts, value, file, batch):
        return None
    columns: dict[str, Any] = {"value": value}
    for column, text in texts.items():
        if column in ("block", "sample"):
            numbers = text.per_row(lambda name: int(name or 0)).astype("int64")
            columns[column] = pd.arrays.IntegerArray(numbers, text.per_row("".__eq__))
        else:
            columns[column] = (pd.CategoricalDtype(pd.Index(text.names, dtype="str")), text.codes)
    return _split({column: columns[column] for column in COLUMNS}, texts, file, len(batch))


def _bytes_are_good(data: bytes) -> bool:
    return (
        data.startswith(HEADER)
        and data.endswith(b"\n")
        and len(data.translate(None, CONTROL_BYTES)) == len(data)
        and data.count(b",value,") == 1  # in the header; pandas is told that it stands for nothing
    )


def _without_headers(column: Any, heads: np.ndarray[Any, Any]) -> _Text:
    """Return a categorical column without the rows ``heads``, which all hold its name."""
    names = [str(name) for name in column.categories]
    head, codes = column.codes[0], np.delete(column.codes, heads)
    if not (codes == head).any():
        del names[head]
        codes = codes - (codes > head).astype(codes.dtype)
    return _Text(names, codes)


def _split(
    columns: Mapping[str, Any], texts: Mapping[str, _Text], file: np.ndarray[Any, Any], count: int
) -> list[_File]:
    """Cut the columns of a batch into files and find the configurations of each."""
    names = [texts[column].names for column in IDENTITY]
    numbers = np.stack([texts[column].codes for column in IDENTITY])
    # The file comes first, so that its configurations are neighbours after sorting.
    combined = combined_codes([file, *numbers])
    # Rows of a configuration follow each other: sorting the stretches is enough.
    starts = np.flatnonzero(np.diff(combined, prepend=-1))
    _, first, codes = np.unique(combined[starts], return_index=True, return_inverse=True)
    first, codes = starts[first], np.repeat(codes, np.diff(starts, append=len(combined)))
    partial = texts["flags"].per_row(lambda name: "partial" in name)
    rows = np.searchsorted(file, np.arange(count + 1))
    groups = np.searchsorted(file[first], np.arange(count + 1))
    files = []
    for start, end, low, high in zip(rows, rows[1:], groups, groups[1:], strict=False):
        configurations = [
            tuple(some[code] for some, code in zip(names, numbers[:, row], strict=True))
            for row in first[low:high]
        ]
        own = {
            name: (column[0], column[1][start:end])
            if isinstance(column, tuple)
            else column[start:end]
            for name, column in columns.items()
        }
        whole = np.where(partial[start:end], -1, codes[start:end] - low)
        files.append(_File(own, configurations, whole))
    return files


def _columns_are_good(
    texts: Mapping[str, _Text],
    value: np.ndarray[Any, Any],
    file: np.ndarray[Any, Any],
    batch: Sequence[tuple[bytes, Where]],
) -> bool:
    """Check everything that the slow pass checks, on the different texts and whole columns."""
    names = {column: text.names for column, text in texts.items()}

    def distinct(*columns: str) -> int:
        return len(np.unique(combined_codes([file, *(texts[column].codes for column in columns)])))

    def every_name_is_good() -> bool:
        return (
            not any(UNPRINTABLE.search(name) for some in names.values() for name in some)
            and not any("" in names[column] for column in ("section", "device", "metric", "unit"))
            and set(names["status"]) <= set(STATUSES)
            and all(not name or flags_are_known(name) for name in names["flags"])
            and all(len(name) <= REASON_LENGTH for name in names["reason"])
            and all(not name or COUNT.fullmatch(name) for name in names["block"] + names["sample"])
        )

    def every_row_is_in_its_file() -> bool:
        for column in PATH_COLUMNS:
            code = {name: number for number, name in enumerate(names[column])}
            said = np.array([code.get(where.says[column], -1) for _, where in batch])
            if not np.array_equal(texts[column].codes, said[file]):
                return False
        return True

    def every_row_is_whole() -> bool:
        # pandas pads a short row: then commas are missing. Those inside texts do not separate.
        inside = sum(text.total(lambda name: name.count(",")) for text in texts.values())
        commas = sum(data.count(b",") for data, _ in batch)
        lines = len(value) + len(batch)
        return commas == inside + (len(COLUMNS) - 1) * lines and quotes_are_in_place()

    def quotes_are_in_place() -> bool:
        try:  # pandas takes a"b and "a"b as well
            for data, _ in batch:
                for line in _quoted_lines(data):
                    next(csv.reader([line.decode()], strict=True))
        except csv.Error:
            return False
        return True

    def every_outcome_is_good() -> bool:
        ok, wrong = (texts["status"].per_row(status.__eq__) for status in ("ok", "wrong"))
        return bool(
            np.isfinite(value[ok]).all()
            and not np.isinf(value[wrong]).any()
            and np.isnan(value[~(ok | wrong)]).all()
            and texts["reason"].per_row(bool)[~ok].all()
        )

    def every_sample_is_there_once() -> bool:
        counts = (
            texts["status"].per_row("ok".__eq__)
            & texts["sample"].per_row(bool)
            & ~texts["flags"].per_row(lambda name: "partial" in name)
        )
        identity = combined_codes([file[counts], *(texts[c].codes[counts] for c in SAMPLE_KEY)])
        return len(np.unique(identity)) == len(identity)

    return (
        every_name_is_good()
        and every_row_is_in_its_file()
        and every_row_is_whole()
        and every_outcome_is_good()
        and distinct("section", "metric", "unit") == distinct("section", "metric")
        and every_sample_is_there_once()
    )


def _quoted_lines(data: bytes) -> Iterator[bytes]:
    at = data.find(b'"')
    while at >= 0:
        end = data.find(b"\n", at)
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(b'"', end)


def combined_codes(columns: Sequence[Any]) -> Any:
    """Return one integer a row: equal exactly where all of the columns of codes (>= 0) are."""
    combined = np.zeros(len(columns[0]), dtype="int64")
    for codes in columns:
        if len(codes):
            combined = combined * (int(codes.max()) + 1) + codes
    return combined


@dataclass(frozen=True)
class Results:
    """Everything that was ever measured, keyed by ``machine/framework/version/run``."""

    files: Mapping[str, _File]
    documents: Mapping[str, Document]
    digests: Mapping[str, str]
    """Hash of each CSV's bytes."""

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The rows of every run, see :func:`read`."""
        return {key: file.frame for key, file in self.files.items()}


def load(root: Path) -> Results:
    """Read all results below ``root``.

    Raises:
        InputError: for the first file that is not as agreed; :func:`validate` lists all problems.

    """
    paths = find(root)
    files = {Where.of(path).key: file for path, file in zip(paths, _read(paths), strict=True)}
    documents = {Where.of(path).key: _read_document_once(path) for path in paths}
    digests = {Where.of(path).key: _digests[path][1] for path in paths}
    return Results(files, documents, digests)
