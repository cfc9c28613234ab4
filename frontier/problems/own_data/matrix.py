"""An estimate matrix from a file of anybody's: SciPy `.npz`, Matrix Market, or a table (CSV, Parquet).

    .npz, .mtx, .mtx.gz   rows in the order of the target list, columns in the order of the record list
    long table            columns `target`, `record`, `value`: one row per entry, those not listed are 0
    wide table            a column `target` and one per record id, or the record id column and one per target name

Tables are matched by name and id, never by position. Sizes are compared with the lists, and with what a machine should
be asked for, before anything is allocated; tables are read in blocks and kept sparse. Archives are never unpickled.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.errors import InputError
from frontier.core.files import read_arrays, read_limited
from frontier.problems.own_data.dialect import STANDARD, Dialect
from frontier.problems.own_data.lists import DEFAULT_ID, Records, Targets
from frontier.problems.own_data.market import read_market
from frontier.problems.own_data.opening import check_file, open_table, table_of
from frontier.problems.own_data.tables import SHOWN, Table, is_usable, near, unusable
from frontier.problems.size import LARGEST_STORED

LARGEST_ARCHIVE_BYTES = 16 * LARGEST_STORED  # a float64 and two int32 for every entry that a problem may have
LONG = ("target", "record", "value")
WIDE_CELLS = 1 << 22  # of a wide table at a time: 32 MB as float64


def read_matrix(
    path: Path, shown: str, targets: Targets, records: Records, id: str | None, dialect: Dialect = STANDARD
) -> sp.csr_array:
    """The estimate matrix (targets × records, CSR) in a file, its entries finite; `InputError` says what is wrong."""
    shape = (len(targets.names), len(records.ids))
    name = path.name.lower()
    check_file(path, shown)
    if name.endswith(".npz"):
        M = _npz(path, shown, shape)
    elif name.endswith((".mtx", ".mtx.gz")):
        M = _matrix_market(path, shown, shape)
    elif name.endswith((".csv", ".parquet")):
        M = _table(open_table(path, shown, dialect), targets, records, id)
    else:
        expected = ".npz (SciPy), .mtx or .mtx.gz (Matrix Market), .csv or .parquet (wide or long table)"
        raise InputError(shown, "not an estimate matrix", expected=expected, got=repr(path.suffix))
    return _usable(M, shown, targets, records)


def matrix_of(given: Any, shown: str, targets: Targets, records: Records, id: str | None) -> sp.csr_array:
    """The same from a data frame (a wide or long table), or a SciPy or NumPy matrix, targets × records."""
    if isinstance(given, pd.DataFrame):
        return _usable(_table(table_of(given, shown), targets, records, id), shown, targets, records)
    if np.ndim(given) != 2 and not sp.issparse(given):
        raise InputError(shown, "not a matrix", expected="targets × records", got=f"{np.ndim(given)} dimensions")
    _check_shape(given.shape, (len(targets.names), len(records.ids)), shown)
    return _usable(sp.csr_array(given, dtype=np.float64, copy=True), shown, targets, records)


def _usable(M: sp.csr_array, shown: str, targets: Targets, records: Records) -> sp.csr_array:
    """The matrix without zeros; `InputError` for an entry that is not a number to calculate with."""
    M.sum_duplicates()
    bad = ~is_usable(M.data)
    if bad.any():
        row, column = (int(part[bad.argmax()]) for part in sp.coo_array(M).coords)
        got = f"{M.data[bad.argmax()]} for target {targets.names[row]!r} and record {records.ids[column]}"
        raise InputError(shown, unusable(M.data[bad.argmax()]), got=got)
    M.eliminate_zeros()
    return M


def _npz(path: Path, shown: str, shape: tuple[int, int]) -> sp.csr_array:
    """What `scipy.sparse.save_npz` wrote, in CSR, CSC or COO format."""
    try:
        arrays = read_arrays(read_limited(path, LARGEST_ARCHIVE_BYTES), LARGEST_ARCHIVE_BYTES)
        kind = arrays["format"].item()
        kind = kind.decode("ascii") if isinstance(kind, bytes) else kind
        _check_shape(tuple(int(size) for size in arrays["shape"]), shape, shown)
        data = arrays["data"]
        if data.dtype.kind not in "biuf" or data.ndim != 1:
            raise ValueError(f"entries of type {data.dtype}, expected real numbers")
        data = data.astype(np.float64)
        if kind == "coo":
            M = sp.coo_array((data, (arrays["row"], arrays["col"])), shape=shape)
        elif kind in ("csr", "csc"):
            make = sp.csr_array if kind == "csr" else sp.csc_array
            M = make((data, arrays["indices"], arrays["indptr"]), shape=shape)
            M.check_format(full_check=True)
        else:
            raise ValueError(f"format {kind!r}, expected 'csr', 'csc' or 'coo'")
        return sp.csr_array(M)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(shown, f"no array {error}", expected="a file of scipy.sparse.save_npz") from None
    except (OSError, ValueError, TypeError, IndexError, OverflowError) as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise InputError(shown, f"cannot be read: {text}", expected="a file of scipy.sparse.save_npz") from None


def _matrix_market(path: Path, shown: str, shape: tuple[int, int]) -> sp.csr_array:
    try:
        return sp.csr_array(read_market(path, lambda found: _check_shape(found, shape, shown), LARGEST_STORED))
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zlib.error) as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise InputError(shown, f"cannot be read: {text}", expected="a Matrix Market file") from None


def _check_shape(found: tuple[int, ...], expected: tuple[int, int], shown: str) -> None:
    if found == expected:
        return
    m, n = expected
    got = " × ".join(f"{size:,}" for size in found)
    cure = "transpose it" if found == (n, m) else "one row per target and one column per record"
    raise InputError(shown, "shape mismatch", expected=f"{m:,} targets × {n:,} records", got=got, cure=cure)


def _table(table: Table, targets: Targets, records: Records, id: str | None) -> sp.csr_array:
    """A long or wide table, told by its columns."""
    if {*LONG} <= {*table.columns}:
        return _long(table, targets, records)
    record = id or DEFAULT_ID
    if "target" in table.columns:
        return _wide(table, "target", targets.names, "target", [str(value) for value in records.ids], "record")
    if record in table.columns:
        ids = [str(value) for value in records.ids]
        return sp.csr_array(_wide(table, record, ids, "record", targets.names, "target").T)
    raise InputError(
        table.shown,
        "no column says what a row is",
        expected=f"'target', 'record', 'value' (long), 'target' (wide), or '{record}' (wide, a row per record)",
        got=", ".join(map(repr, table.columns[:5])),
    )


def _long(table: Table, targets: Targets, records: Records) -> sp.csr_array:
    """One row per entry; a pair that stands twice is refused."""
    shape = (len(targets.names), len(records.ids))
    row_of = {name: j for j, name in enumerate(targets.names)}
    column_of = {str(value): i for i, value in enumerate(records.ids)}
    pairs: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    data: list[NDArray[np.float64]] = [np.empty(0)]
    count = 0
    for first, [target, record, value] in table.batches(LONG):
        rows = numbered(table, target, first, "target", row_of)
        columns = numbered(table, record, first, "record", column_of)
        pairs.append(rows * shape[1] + columns)
        data.append(_finite(table, value, first, "value"))
        count += len(rows)
        if count > LARGEST_STORED:
            raise InputError(table.shown, "too large", expected=f"at most {LARGEST_STORED:,} entries")
    pair, entries = np.concatenate(pairs), np.concatenate(data)
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    same = pair[1:] == pair[:-1]
    if same.any():
        at = int(same.argmax())
        j, i = divmod(int(pair[at]), shape[1])
        got = f"target {targets.names[j]!r} and record {records.ids[i]}"
        earlier = int(order[at]) + 1 + table.is_csv
        raise InputError(table.at(int(order[at + 1]), "record"), "duplicate entry", got=f"{got}, as in row {earlier}")
    indptr = np.searchsorted(pair, np.arange(shape[0] + 1) * shape[1])
    return sp.csr_array((entries[order], pair % shape[1], indptr), shape=shape)


def _wide(
    table: Table, key: str, rows: Sequence[str], row_is: str, columns: Sequence[str], column_is: str
) -> sp.csr_array:
    """A table with a row for each of `rows` (named in the column `key`) and a column for each of `columns`."""
    there = {*table.columns}
    lost = next((name for name in columns if name not in there), None)
    if lost is not None:
        cure = near(lost, table.columns)
        raise InputError(table.shown, f"no column for {column_is} {lost!r}", cure=cure)
    number = {name: j for j, name in enumerate(rows)}
    seen = np.full(len(rows), -1)
    order: list[NDArray[np.int64]] = []
    for first, [names] in table.batches([key]):
        found = numbered(table, names, first, key, number, row_is)
        for row, j in enumerate(found.tolist(), start=first):
            if seen[j] >= 0:
                got = f"{rows[j]!r}, as in row {seen[j] + 1 + table.is_csv}"
                raise InputError(table.at(row, key), f"duplicate {row_is}", got=got)
            seen[j] = row
        order.append(found)
    if (seen < 0).any():
        raise InputError(table.shown, f"no row for {row_is} {rows[int((seen < 0).argmax())]!r}", cure="add it")
    width = max(1, WIDE_CELLS // max(1, len(rows)))
    width = len(columns) if table.is_csv else width  # CSV comes in blocks of rows, every column parsed anyway
    blocks = [_wide_block(table, columns[i : i + width], len(rows)) for i in range(0, len(columns), width)]
    return sp.csr_array(sp.hstack(blocks, format="csr"))[np.argsort(np.concatenate(order))]


def _wide_block(table: Table, columns: Sequence[str], n_rows: int) -> sp.csr_array:
    parts = [sp.csr_array((0, len(columns)))]
    for first, arrays in table.batches(columns):
        dense = [_finite(table, array, first, name) for array, name in zip(arrays, columns, strict=True)]
        parts.append(sp.csr_array(np.column_stack(dense)))
    M = sp.csr_array(sp.vstack(parts, format="csr"))
    if M.nnz > LARGEST_STORED or M.shape[0] != n_rows:
        raise InputError(table.shown, "changed while it was read, or too large")
    return M


def numbered(
    table: Table, array: pa.Array, first: int, column: str, number: dict[str, int], what: str | None = None
) -> NDArray[np.int64]:
    """The number of each name in a column; `InputError` for a name that is in no list."""
    encoded = table.as_text(array, column)
    encoded = encoded if pa.types.is_dictionary(encoded.type) else pc.dictionary_encode(encoded)
    known = np.array([number.get(str(name).strip(), -1) for name in encoded.dictionary.to_pylist()] or [-1])
    codes = np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)
    found = np.where(codes >= 0, known[codes], -1)
    if (found < 0).any():
        row = int((found < 0).argmax())
        text = encoded[row].as_py()
        if text is None or not str(text).strip():
            raise InputError(table.at(first + row, column), "missing value", expected="a name")
        cure = near(str(text), number)
        raise InputError(table.at(first + row, column), f"unknown {what or column}", got=repr(text)[:SHOWN], cure=cure)
    return found


def _finite(table: Table, array: pa.Array, first: int, name: str) -> NDArray[np.float64]:
    """An array as finite numbers, nothing missing."""
    values = table.as_numbers(array, first, name)
    if values.null_count:
        row = first + int(np.asarray(values.is_null()).argmax())
        raise InputError(table.at(row, name), "missing value", expected="a number", cure="write 0 where there is none")
    found = np.asarray(values, dtype=np.float64)
    table.check_finite(found, first, name)
    return found
