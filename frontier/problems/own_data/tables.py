"""Tables that may come from anybody, CSV or Parquet: read column by column within limits, mistakes told by row.

A CSV file is UTF-8, separated by commas, with a header; every field is read as text and converted here, so that numbers
are exact (correctly rounded) and a wrong one is named. A Parquet file may have numbers, booleans and strings; strings
stay dictionaries, so that a few bytes repeated a million times stay a few bytes. A blank field or a null is a missing
value. Rows count as in a spreadsheet: a CSV file's header is row 1, a Parquet file's first record is. Nothing is ever
read whole: batches of rows, of the columns asked for.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from frontier.core.errors import InputError, did_you_mean
from frontier.core.problem import FloatArray

LARGEST_FILE_BYTES = 8 << 30  # what is read in pieces; the CPS file as CSV has 0.04 GB
LARGEST_ROWS = 100_000_000  # of a file, which may be a few bytes of Parquet: 0.8 GB per column of numbers
LARGEST_COLUMNS = 1_000_000  # of a wide table
BLOCK_BYTES = 1 << 20  # of CSV text at a time; a line must fit, …
FIELD_BYTES = 64  # … so it is more in a table of very many columns
HEADER_BYTES = 16 << 20  # for the header, before their number is known
BATCH_ROWS = 1 << 16
LARGEST_NUMBER = 1e30  # squares of products of three such numbers are still float64
LONGEST_TEXT = 1000  # characters of a name or an id
NAMES_COMPARED = 10_000  # with a mistyped one: a tenth of a second
SHOWN = 200  # characters of somebody else's message or value

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")  # what reads back as it was written

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column: `values` are numbers (NaN: missing) or booleans, or codes into `categories` (−1: missing)."""

    values: NDArray[np.generic]
    categories: tuple[str, ...] | None = None

    def at(self, rows: NDArray[np.integer] | None) -> Column:
        return self if rows is None else Column(self.values[rows], self.categories)

    @property
    def missing(self) -> NDArray[np.bool_]:
        if self.categories is not None:
            return np.asarray(self.values < 0)  # type: ignore[operator]
        return np.isnan(self.values) if self.values.dtype.kind == "f" else np.zeros(len(self.values), dtype=bool)


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: where it is, what it has. `shown` is its name in messages."""

    path: Path
    shown: str
    columns: tuple[str, ...]
    is_csv: bool
    rows: int | None = None  # of a Parquet file, as it states

    def at(self, row: int, column: str) -> str:
        """The place of a field, `row` counted from 0."""
        return f"{self.shown}: row {row + 1 + self.is_csv}, column '{column}'"

    def require(self, *names: str) -> None:
        """`InputError` for the first column that is not there."""
        there = {*self.columns}
        for name in names:
            if name not in there:
                raise InputError(self.shown, f"no column '{name}'", cure=near(name, self.columns))

    def batches(self, names: Sequence[str]) -> Iterator[tuple[int, list[pa.Array]]]:
        """The first row of each batch, and its columns in the order of `names`; text for CSV."""
        self.require(*names)
        first = 0
        with _reading(self.shown):
            for batch in self._csv(names) if self.is_csv else self._parquet(names):
                if first + batch.num_rows > LARGEST_ROWS:
                    raise InputError(self.shown, "too many rows", expected=f"at most {LARGEST_ROWS:,}")
                at = {name: i for i, name in enumerate(batch.schema.names)}
                yield first, [batch.column(at[name]) for name in names]
                first += batch.num_rows
        if self.rows not in (None, first):
            raise InputError(self.shown, "damaged", expected=f"{self.rows:,} rows, as it states", got=f"{first:,}")

    def _csv(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _open_csv(self.path, self.columns, names) as reader:
            yield from reader

    def _parquet(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pa.parquet.ParquetFile(self.path) as file:
            schema = file.schema_arrow
        kinds = dict(zip(schema.names, schema.types, strict=True))
        for name in names:
            if pa.types.is_nested(kinds[name]):
                got = str(kinds[name])[:SHOWN]
                raise InputError(f"{self.shown}: column '{name}'", "not one value a row", got=got)
        texts = [name for name in names if _is_string(kinds[name])]
        with pa.parquet.ParquetFile(self.path, read_dictionary=texts) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(names), use_threads=False):
                batch.validate(full=True)  # a damaged page can have codes of no category, or text that is not UTF-8
                yield batch

    def numbers(self, name: str, *, blank: float | None = None) -> FloatArray:
        """A column of finite numbers, (rows,); missing values are `blank`, and without it refused."""
        parts = []
        for first, [array] in self.batches([name]):
            values = self.as_numbers(array, first, name)
            missing = np.asarray(pc.is_null(values))
            if blank is None and missing.any():
                raise InputError(self.at(first + int(missing.argmax()), name), "missing value", expected="a number")
            part = np.asarray(values.fill_null(0.0 if blank is None else blank), dtype=np.float64)
            self.check_finite(part, first, name, missing)
            parts.append(part)
        return np.concatenate(parts) if parts else np.empty(0)

    def check_finite(self, values: FloatArray, first: int, name: str, allowed: NDArray[np.bool_] | None = None) -> None:
        bad = ~is_usable(values)
        if allowed is not None:
            bad &= ~allowed
        if bad.any():
            row = int(bad.argmax())
            raise InputError(self.at(first + row, name), unusable(values[row]), got=values[row])

    def as_numbers(self, array: pa.Array, first: int, name: str) -> pa.Array:
        """An array as float64 with nulls; `InputError` names the first entry that is not a number."""
        try:
            return _as_float64(array)
        except pa.ArrowNotImplementedError:
            raise InputError(
                f"{self.shown}: column '{name}'", "not numbers", expected="numbers", got=f"{array.type}"
            ) from None
        except pa.ArrowInvalid:
            row = next(i for i in range(len(array)) if not _is_number(array.slice(i, 1)))
            raise InputError(self.at(first + row, name), "not a number", got=repr(array[row].as_py())[:SHOWN]) from None

    def texts(self, name: str, *, blank: str | None = None) -> list[str]:
        """A column as text; missing values are `blank`, and without it refused."""
        found: list[str] = []
        for first, [array] in self.batches([name]):
            for row, text in enumerate(self.as_text(array, name).to_pylist(), start=first):
                value = (text or "").strip() or blank
                if value is None:
                    raise InputError(self.at(row, name), "missing value", expected="a name")
                if len(value) > LONGEST_TEXT:
                    raise InputError(self.at(row, name), "too long", expected=f"at most {LONGEST_TEXT} characters")
                found.append(value)
        return found

    def as_text(self, array: pa.Array, name: str) -> pa.Array:
        """An array as text, dictionaries left as they are; whole numbers without a decimal point."""
        if pa.types.is_dictionary(array.type) and _is_string(array.type.value_type):
            return array.cast(pa.dictionary(pa.int32(), pa.string()))
        array = _decoded(array)
        if pa.types.is_floating(array.type):  # 2013.0 is the category 2013
            whole = np.asarray(pc.fill_null(array, 0.0), dtype=np.float64)
            if (np.abs(whole) < 2**53).all() and (whole == np.floor(whole)).all():
                array = pc.cast(array, pa.int64())
        try:
            return pc.cast(array, pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise InputError(
                f"{self.shown}: column '{name}'", "not text", expected="text or numbers", got=f"{array.type}"
            ) from None

    def column(self, name: str) -> Column:
        """A column as it is: numbers, booleans or categories. A CSV column of numbers only is numbers."""
        if self.is_csv or self._is_text(name):
            return (self._text_as_numbers(name) if self.is_csv else None) or _booleans(self._categories(name))
        parts = []
        for first, [array] in self.batches([name]):
            if pa.types.is_null(array.type) or array.null_count or not _is_plain(array.type):
                array = self.as_numbers(array, first, name).fill_null(np.nan)
            parts.append(np.asarray(array.to_numpy(zero_copy_only=False)))
        return Column(np.concatenate(parts) if parts else np.empty(0))

    def _is_text(self, name: str) -> bool:
        """Whether a Parquet column has text, by its schema."""
        with _reading(self.shown), pa.parquet.ParquetFile(self.path) as file:
            found = file.schema_arrow.field(name).type
        return _is_string(found.value_type if pa.types.is_dictionary(found) else found)

    def _text_as_numbers(self, name: str) -> Column | None:
        """A CSV column whose every field is blank or a number, or None."""
        parts = []
        for _, [array] in self.batches([name]):
            try:
                parts.append(np.asarray(_as_float64(array).fill_null(np.nan), dtype=np.float64))
            except pa.ArrowInvalid:
                return None
        return Column(np.concatenate(parts) if parts else np.empty(0))

    def _categories(self, name: str) -> Column:
        parts = []
        for _, [array] in self.batches([name]):
            if not pa.types.is_dictionary(array.type):
                array = pc.dictionary_encode(_blank_is_null(array))
            parts.append(array.cast(pa.dictionary(pa.int32(), pa.string())))
        if not parts:
            return Column(np.empty(0, dtype=np.int32), ())
        whole = pa.chunked_array(parts).unify_dictionaries()
        categories = tuple(whole.chunk(0).dictionary.to_pylist())
        codes = np.concatenate([np.asarray(chunk.indices.fill_null(-1), dtype=np.int32) for chunk in whole.chunks])
        return Column(codes, categories)

    def keys(self, name: str) -> NDArray[np.generic]:
        """A column of names or ids, (rows,): whole numbers if all are written as such, text otherwise."""
        found = self._categories(name) if self.is_csv or self._is_text(name) else self.column(name)
        if found.missing.any():
            raise InputError(self.at(int(found.missing.argmax()), name), "missing value", expected="an id")
        if found.categories is None:
            numbers = found.values.astype(np.float64)
            limit = 2**53 if found.values.dtype.kind == "f" else 2**63 - 1024  # the last float64 below 2^63
            if not ((np.abs(numbers) <= limit) & (numbers == np.floor(numbers))).all():
                raise InputError(f"{self.shown}: column '{name}'", "not ids", expected="whole numbers or text")
            return found.values.astype(np.int64)
        long = next((text for text in found.categories if len(text) > LONGEST_TEXT), None)
        if long is not None:
            raise InputError(
                f"{self.shown}: column '{name}'", "too long", expected=f"at most {LONGEST_TEXT} characters"
            )
        whole = all(WHOLE.fullmatch(text) for text in found.categories)
        labels = np.array([int(text) for text in found.categories] if whole else found.categories)
        return np.asarray(labels[found.values])


def near(name: str, known: Iterable[str]) -> str:
    """The cure for a mistyped name, looked for among the first of very many and cut to a readable length."""
    return did_you_mean(name[:SHOWN], itertools.islice(known, NAMES_COMPARED))[: 2 * SHOWN]


def is_usable(values: FloatArray) -> NDArray[np.bool_]:
    """Which numbers are finite, and small enough to be multiplied and squared."""
    return np.asarray(np.abs(values) <= LARGEST_NUMBER)


def unusable(value: float) -> str:
    """What is wrong with a number that is not usable."""
    return "too large a number" if np.isfinite(value) else "not a finite number"


def open_table(path: Path, shown: str) -> Table:
    """The table in a `.csv` or `.parquet` file, nothing but its header read; `InputError` for anything else."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(shown, "not a table", expected="a .csv or .parquet file", got=repr(path.suffix))
    check_file(path, shown)
    rows = None
    with _reading(shown):
        if suffix == ".csv":
            with _open_csv(path) as reader:
                names = reader.schema.names
        else:
            with pa.parquet.ParquetFile(path) as file:
                rows, names = file.metadata.num_rows, file.schema_arrow.names
            if rows > LARGEST_ROWS:
                raise InputError(shown, "too many rows", expected=f"at most {LARGEST_ROWS:,}", got=f"{rows:,}")
    if len(names) > LARGEST_COLUMNS:
        raise InputError(shown, "too many columns", expected=f"at most {LARGEST_COLUMNS:,}", got=f"{len(names):,}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(shown, "two columns of one name", got=repr(twice[0])[:SHOWN], cure="rename one of them")
    return Table(path, shown, tuple(names), suffix == ".csv", rows)


def check_file(path: Path, shown: str) -> None:
    """`InputError` for what is not a regular file of a size that may be read."""
    try:
        there, size = path.is_file(), path.stat().st_size
    except FileNotFoundError:
        raise InputError(
            shown, "no such file", cure="paths are relative to the YAML file (from Python: to the working folder)"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(shown, f"cannot be read: {error}") from None
    if not there:
        raise InputError(shown, "not a file", expected="a regular file")
    if size > LARGEST_FILE_BYTES:
        raise InputError(shown, "too large", expected=f"at most {LARGEST_FILE_BYTES:,} bytes", got=f"{size:,}")


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    """What the readers say about a file that is not what its name says, as one line."""
    try:
        yield
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeError, KeyError) as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise InputError(
            shown, f"cannot be read: {text}", cure="CSV: UTF-8, commas, one header line; or Parquet"
        ) from None


def _open_csv(path: Path, columns: Sequence[str] = (), include: Sequence[str] = ()) -> pa.csv.CSVStreamingReader:
    """A reader of batches; the columns named are text, whatever they look like: types are this module's business."""
    block = max(BLOCK_BYTES, FIELD_BYTES * len(columns)) if columns else HEADER_BYTES
    return pa.csv.open_csv(
        pa.OSFile(str(path)),
        read_options=pa.csv.ReadOptions(use_threads=False, block_size=block),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), include_columns=list(include)
        ),
    )


def _booleans(found: Column) -> Column:
    """Categories that are true and false as booleans, others as they are."""
    folded = [text.lower() for text in found.categories or ()]
    if not folded or not {*folded} <= {"true", "false"} or found.missing.any():
        return found
    return Column(np.array([text == "true" for text in folded])[found.values])


def _as_float64(array: pa.Array) -> pa.Array:
    """float64 with nulls for blanks; raises as `pyarrow.compute.cast` does."""
    array = _decoded(array)
    if _is_string(array.type):
        array = _blank_is_null(array)
    elif pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.int8())
    elif pa.types.is_temporal(array.type):
        raise pa.ArrowNotImplementedError("a date is not a number")
    return pc.cast(array, pa.float64())


def _is_number(array: pa.Array) -> bool:
    try:
        _as_float64(array)
    except pa.ArrowInvalid:
        return False
    return True


def _decoded(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _blank_is_null(array: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
