"""Weights of a problem's records in a file of anybody's: `.npy`, CSV or Parquet.

    .npy            one weight per record, in the problem's order
    CSV, Parquet    a column `weight` and, in any order, one of the records' ids; a record without a row has weight 0.
                    Without ids a row per record, in the problem's order

The ids are in the column that `fit` writes (the problem's own name for it), else in `record` or `id`.
"""

from __future__ import annotations

import tokenize
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.own_data.export import record_ids
from frontier.problems.own_data.lists import DEFAULT_ID
from frontier.problems.own_data.matrix import numbered
from frontier.problems.own_data.opening import check_file, open_table
from frontier.problems.own_data.tables import SHOWN, Table
from frontier.sweep.given_weights import checked_weights

WEIGHT = "weight"
_UNREADABLE = (OSError, ValueError, EOFError, TypeError, OverflowError, SyntaxError, tokenize.TokenError)


def read_weights(path: Path, problem: CalibrationProblem, id: str, *, negative: bool = False) -> tuple[FloatArray, str]:
    """The weights in a file, (n,), in the problem's order, and what they were matched by; `InputError` otherwise.

    `id` is the problem's own name for a column of record ids; `negative` says that negative weights are meant.
    """
    if path.suffix.lower() not in (".npy", ".csv", ".parquet"):
        raise InputError(path, "not weights", expected="a .npy, .csv or .parquet file", got=repr(path.suffix))
    if not path.exists():
        raise InputError(path, "no such file", cure="check the path")
    in_order = "in the problem's order"
    if path.suffix.lower() == ".npy":
        return _array(path, problem.n_records, negative), in_order
    table = open_table(path, str(path))
    values = table.numbers(WEIGHT)
    values = checked_weights(values, len(values), table.shown, lambda i: table.at(i, WEIGHT), negative=negative)
    name = column_of_ids(table, id)
    if name is not None:
        weights = np.zeros(problem.n_records)
        at = records_by_id(table, name, problem)
        weights[at] = values
        if (wrong := weights[at] != values).any():  # the rows of one record, in a file of rows, have its weight
            row = int(wrong.argmax())
            got = f"{values[row]:.6g} and {weights[at[row]]:.6g}"
            what = f"two weights for record {record_ids(problem)[at[row]]}"
            raise InputError(table.at(row, WEIGHT), what, expected="one", got=got, cure="keep one of the rows")
        return weights, f"by {name}"
    if len(values) != problem.n_records:
        expected = f"{problem.n_records:,}, one for each record"
        cure = f"add a column '{id}' with their ids"
        raise InputError(path, "wrong number of rows", expected=expected, got=f"{len(values):,}", cure=cure)
    return values, in_order


def _array(path: Path, n: int, negative: bool) -> FloatArray:
    """What `numpy.save` wrote: no pickles, and no more than the file has."""
    check_file(path, str(path))
    try:
        found = npy.open_memmap(path, mode="r")
    except _UNREADABLE as error:
        text = " ".join(str(error).split())[:SHOWN]
        raise InputError(path, f"cannot be read: {text}", expected="an array of numbers, by numpy.save") from None
    return checked_weights(found, n, str(path), negative=negative)


def column_of_ids(table: Table, id: str) -> str | None:
    """The column of a table that has the records' ids: the problem's own name for it, `record` or `id`; or None."""
    return next((name for name in (id, "record", DEFAULT_ID) if name in table.columns), None)


def records_by_id(table: Table, name: str, problem: CalibrationProblem) -> NDArray[np.int64]:
    """The number of each row's record."""
    number = {str(value): i for i, value in enumerate(record_ids(problem).tolist())}
    parts = [numbered(table, column, first, name, number, "record") for first, [column] in table.batches([name])]
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
