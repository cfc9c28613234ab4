"""What `python -m frontier errors` reads beside a problem and weights, and the replicate weights that it writes.

All are CSV or Parquet tables with a column of record ids (the problem's own name for it, `record` or `id`), or without
one a row per record in the problem's order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontier.commands.score_files import WEIGHT, column_of_ids, records_by_id
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem
from frontier.problems.own_data.microdata import record_table, select
from frontier.problems.own_data.opening import open_table
from frontier.problems.own_data.tables import Table
from frontier.sweep.standard_errors import StandardErrors


def read_replicate_weights(path: Path, problem: CalibrationProblem, id: str) -> FloatArray:
    """Replicate weights, (n, R), in the problem's order: all columns but the ids and `weight`.

    A record without a row has weights of 0. Raises `InputError` for anything else.
    """
    table = open_table(path, str(path))
    name = column_of_ids(table, id)
    columns = [column for column in table.columns if column not in (name, WEIGHT)]
    if len(columns) < 2:
        raise InputError(path, "no replicate weights", expected="a column for each, two at least", got=len(columns))
    found = np.zeros((problem.n_records, len(columns)))
    values = np.column_stack([table.numbers(column) for column in columns])
    found[_places(table, name, len(values), problem, id)] = values
    return found


def read_record_variables(path: Path, problem: CalibrationProblem, id: str) -> pd.DataFrame:
    """The variables of the records, a row each in the problem's order; rows of one id are added up as in microdata.

    Raises `InputError` for a record without a row.
    """
    table = open_table(path, str(path))
    name = column_of_ids(table, id)
    data = select(table, {}, name)
    found = record_table(data, head=None, codes=(), leave_out=() if name is None else (name,))
    places = _places(table, name, len(data.record), problem, id)
    of_record = np.full(problem.n_records, -1)
    of_record[places] = data.record
    if (of_record < 0).any():
        missing = f"{int((of_record < 0).sum()):,} records"
        raise InputError(path, "records without a row", expected="a row for each", got=missing)
    return found.iloc[of_record].reset_index(drop=True)


def _places(table: Table, name: str | None, rows: int, problem: CalibrationProblem, id: str) -> NDArray[np.int64]:
    """The number of each row's record."""
    if name is not None:
        return records_by_id(table, name, problem)
    if rows != problem.n_records:
        expected, cure = f"{problem.n_records:,}, one for each record", f"add a column '{id}' with their ids"
        raise InputError(table.shown, "wrong number of rows", expected=expected, got=f"{rows:,}", cure=cure)
    return np.arange(rows)


def replicate_table(found: StandardErrors, ids: NDArray[np.generic], id: str) -> pd.DataFrame:
    """A row per record: its id, weight, rep_1 and so on, without the replicates that failed."""
    assert found.replicates is not None
    columns = {f"rep_{r + 1}": found.replicates[:, r] for r in found.used}
    return pd.DataFrame({id: ids, WEIGHT: found.weights} | columns)


def in_r(found: StandardErrors, path: Path) -> list[str]:
    """How R's package survey reads that file, with the same coefficients."""
    assert found.coefficients is not None
    c = found.coefficients[found.used] * (len(found.coefficients) / len(found.used))
    values = f"rep({c[0]:.12g}, {len(c)})" if (c == c[0]).all() else f"c({', '.join(f'{one:.12g}' for one in c)})"
    read = f'read.csv("{path.name}")' if path.suffix.lower() == ".csv" else f'arrow::read_parquet("{path.name}")'
    return [
        "in R, merged with the records by id:",
        f'd <- survey::svrepdesign(data = {read}, weights = ~weight, repweights = "rep_[0-9]+",',
        f'  type = "other", combined.weights = TRUE, scale = 1, rscales = {values})',
    ]
