"""The groups of a table as dictionaries of arrays: a thousand tables of three rows each would take pandas seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
Row = dict[str, Any]


def groups_of(table: pd.DataFrame, keys: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[Row, Columns]]:
    """The keys and the columns of every group of rows with the same keys, in the order in which groups first stand.

    A missing key is a key of its own. Missing values are NaN, in columns of objects and of nullable booleans None.
    """
    numbers = table.groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    order = np.argsort(numbers, kind="stable")
    arrays = {name: arrays_of(table[name])[order] for name in columns}
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    given = table[list(keys)].iloc[order[starts]].to_dict("records")
    for key, (start, stop) in zip(given, pairwise([*starts, len(table)]), strict=True):
        yield {str(name): value for name, value in key.items()}, {n: values[start:stop] for n, values in arrays.items()}


def arrays_of(column: pd.Series[Any]) -> NDArray[Any]:
    """The values of a column."""
    if isinstance(column.dtype, pd.BooleanDtype):
        return np.array([None if value is pd.NA else value for value in column], dtype=object)
    return column.to_numpy()


def known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers that are there."""
    return values[~np.isnan(values)]


def rows_where(columns: Columns, chosen: NDArray[np.bool_]) -> Columns:
    """The chosen rows of a group."""
    return {name: values[chosen] for name, values in columns.items()}
