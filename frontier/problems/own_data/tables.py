"""Tables that may come from anybody, CSV or Parquet: read column by column within limits, mistakes told by row.

A CSV file has a header; it is UTF-8 and separated by commas unless its `Dialect` says otherwise. Every field is read as
text and converted here, so that numbers are exact (correctly rounded) and wrong ones are named. Names and categories
are compared in Unicode's NFC, so that an umlaut is one letter however it is written. A Parquet file, or a data frame,
may have numbers, booleans and strings; strings stay dictionaries, so that a few bytes repeated a million times stay a
few bytes. A blank field or a null is a missing value. Rows count as in a spreadsheet: a CSV file's header is row 1, a
Parquet file's first record is. Read are batches of rows, of the columns asked for; a CSV file, of which every column is
as long to find as all, is held as text while many are asked for (`Table.whole`), unless it is large.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import MISTAKES, InputError, did_you_mean, raise_first
from frontier.problems.own_data.dialect import STANDARD, Dialect, cure

LARGEST_ROWS = 100_000_000  # of a file, which may be a few bytes of Parquet: 0.8 GB per column of numbers
BLOCK_BYTES = 1 << 20  # of CSV text at a time; a line must fit, …
FIELD_BYTES = 64  # … so it is more in a table of very many columns
HELD_BYTES, HELD_COLUMNS = 64 << 20, 1_000  # of a CSV file that is held; in memory it is about twice as large
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
    dialect: Dialect = STANDARD
    written: Mapping[str, str] = field(default_factory=dict)  # columns whose names are not in Unicode's NFC, as written
    frame: pa.Table | None = None  # a data frame in memory, instead of a file
    text: tuple[pa.RecordBatch, ...] | None = None  # of a CSV file that is held (`whole`)

    def at(self, row: int, column: str) -> str:
        """The place of a field, `row` counted from 0."""
        return f"{self.shown}: row {row + 1 + self.is_csv}, column '{column}'"

    def require(self, *names: str) -> None:
        """`InputError` for the first column that is not there."""
        there = {*self.columns}
        for name in names:
            if unicodedata.normalize("NFC", name) not in there:
                raise InputError(self.shown, f"no column '{name}'", cure=near(name, self.columns))

    def whole(self) -> Table:
        """The same table with its text, unless large, for whoever asks for many columns."""
        if not self.is_csv or len(self.columns) > HELD_COLUMNS or self.path.stat().st_size > HELD_BYTES:
            return self
        raw = [self.written.get(name, name) for name in self.columns]
        with reading(self.shown, self.dialect), open_csv(self.path, self.dialect, raw, raw) as reader:
            return replace(self, text=tuple(reader))

    def batches(self, names: Sequence[str]) -> Iterator[tuple[int, list[pa.Array]]]:
        """The first row of each batch, and its columns in the order of `names`; text for CSV."""
        self.require(*names)
        first = 0
        names = [unicodedata.normalize("NFC", name) for name in names]
        read = self._csv if self.is_csv else self._parquet if self.frame is None else self._frame
        with reading(self.shown, self.dialect):
            for batch in read([self.written.get(name, name) for name in names]):
                if first + batch.num_rows > LARGEST_ROWS:
                    raise InputError(self.shown, "too many rows", expected=f"at most {LARGEST_ROWS:,}")
                at = {name: i for i, name in enumerate(batch.schema.names)}
                yield first, [batch.column(at[self.written.get(name, name)]) for name in names]
                first += batch.num_rows
        if self.rows not in (None, first):
            raise InputError(self.shown, "damaged", expected=f"{self.rows:,} rows, as it states", got=f"{first:,}")

    def _csv(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        if self.text is not None:
            yield from (batch.select(list(names)) for batch in self.text)
            return
        raw = [self.written.get(name, name) for name in self.columns]
        with open_csv(self.path, self.dialect, raw, names) as reader:
            yield from reader

    def _frame(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        assert self.frame is not None
        yield from self.frame.select(list(names)).combine_chunks().to_batches(BATCH_ROWS)

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
            return _as_float64(array, self.dialect)
        except pa.ArrowNotImplementedError:
            raise InputError(
                f"{self.shown}: column '{name}'", "not numbers", expected="numbers", got=f"{array.type}"
            ) from None
        except pa.ArrowInvalid:
            wrong = [i for i in range(len(array)) if not _is_number(array.slice(i, 1), self.dialect)]
            texts = {row: str(array[row].as_py()) for row in wrong[:MISTAKES]}
            raise_first(
                InputError(self.at(first + row, name), "not a number", got=repr(text)[:SHOWN], cure=cure(text))
                for row, text in texts.items()
            )

    def is_number(self, text: str) -> bool:
        """Whether a text is a number as this table writes them."""
        return _is_number(pa.array([text]), self.dialect)

    def texts(self, name: str, *, blank: str | None = None) -> list[str]:
        """A column as text; missing values are `blank`, and without it refused."""
        found: list[str] = []
        for first, [array] in self.batches([name]):
            for row, text in enumerate(self.as_text(array, name).to_pylist(), start=first):
                value = unicodedata.normalize("NFC", (text or "").strip()) or blank
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
        if self.frame is not None:
            found = self.frame.schema.field(name).type
        else:
            with reading(self.shown), pa.parquet.ParquetFile(self.path) as file:
                found = file.schema_arrow.field(self.written.get(name, name)).type
        return _is_string(found.value_type if pa.types.is_dictionary(found) else found)

    def _text_as_numbers(self, name: str) -> Column | None:
        """A CSV column whose every field is blank or a number, or None."""
        parts = []
        for _, [array] in self.batches([name]):
            try:
                parts.append(np.asarray(_as_float64(array, self.dialect).fill_null(np.nan), dtype=np.float64))
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
        texts = [unicodedata.normalize("NFC", text) for text in whole.chunk(0).dictionary.to_pylist()]
        codes = np.concatenate([np.asarray(chunk.indices.fill_null(-1), dtype=np.int32) for chunk in whole.chunks])
        number = {text: i for i, text in enumerate(dict.fromkeys(texts))}  # two ways to write an umlaut are one text
        same = np.array([*(number[text] for text in texts), -1], dtype=np.int32)
        return Column(same[codes], tuple(number))

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


@contextmanager
def reading(shown: str, dialect: Dialect = STANDARD) -> Iterator[None]:
    """What the readers say about a file that is not what its name says, as one line."""
    try:
        yield
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeError, KeyError) as error:
        text = " ".join(str(error).split())[:SHOWN]
        cure = "CSV: UTF-8, commas, one header line; or Parquet"
        if "utf8" in text.lower().replace("-", "") and dialect.encoding == "utf-8":
            cure = "if it was written elsewhere, set encoding: latin-1, or cp1252"
        raise InputError(shown, f"cannot be read: {text}", cure=cure) from None


def open_csv(
    path: Path, dialect: Dialect, columns: Sequence[str] = (), include: Sequence[str] = ()
) -> pa.csv.CSVStreamingReader:
    """A reader of batches; the columns named are text, whatever they look like: types are this module's business."""
    block = max(BLOCK_BYTES, FIELD_BYTES * len(columns)) if columns else HEADER_BYTES
    return pa.csv.open_csv(
        pa.OSFile(str(path)),
        read_options=pa.csv.ReadOptions(use_threads=False, block_size=block, encoding=dialect.encoding),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, delimiter=dialect.sep),
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


def _as_float64(array: pa.Array, dialect: Dialect) -> pa.Array:
    """float64 with nulls for blanks; raises as `pyarrow.compute.cast` does."""
    array = _decoded(array)
    if _is_string(array.type):
        array = dialect.plain(_blank_is_null(array))
    elif pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.int8())
    elif pa.types.is_temporal(array.type):
        raise pa.ArrowNotImplementedError("a date is not a number")
    return pc.cast(array, pa.float64())


def _is_number(array: pa.Array, dialect: Dialect) -> bool:
    try:
        _as_float64(array, dialect)
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
