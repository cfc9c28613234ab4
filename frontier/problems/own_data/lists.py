"""The two lists beside an estimate matrix: the calibration targets and the records, each a table with a row per item.

    targets   name, value; family ("all"), importance (1), scale (max(|value|, floor)), tolerance (0); the last four may
              be left out, and so may single values of the last three
              `source`, `year` and `note` are remarks
    records   initial weight; id (the row's number), group and stratum, if there are such columns

Names and ids are unique. Whatever is wrong is one `InputError` that names file, row and column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError, raise_first
from frontier.core.problem import SCALE_FLOOR
from frontier.problems.own_data.tables import LARGEST_NUMBER, Table

TARGET_COLUMNS = ("name", "value", "family", "importance", "scale", "tolerance")
SMALLEST_SCALE = 1 / LARGEST_NUMBER
REMARKS = ("source", "year", "note")  # columns of a target list that are for its readers
DEFAULT_ID = "id"
LEAVE_OUT = "drop it, or set min_records: 1, which leaves such targets out"


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The target list: one entry per target, in file order."""

    table: Table
    names: tuple[str, ...]
    values: FloatArray
    families: tuple[str, ...]
    importance: FloatArray
    scale: FloatArray
    tolerance: FloatArray | None

    def at(self, row: int, column: str = "name") -> str:
        """The place of a target's field, with its name."""
        return f"{self.table.at(row, column)} (target {self.names[row]!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Ids, initial weights, groups, strata and q (`CalibrationProblem.q`) of the records, in file order."""

    ids: NDArray[np.generic]
    weights: FloatArray
    groups: NDArray[np.generic] | None
    strata: NDArray[np.generic] | None = None
    q: FloatArray | None = None


def read_targets(table: Table, floor: float | None) -> Targets:
    """The target list of a table; columns that it has besides are the caller's business."""
    names = table.texts("name")
    if not names:
        raise InputError(table.shown, "no targets", expected="a row per target")
    refuse_duplicates(names, table, "name", "target")
    values = table.numbers("value")
    families = table.texts("family") if "family" in table.columns else ["all"] * len(names)
    importance = _optional(table, "importance", np.ones(len(names)))
    if floor is None and "scale" not in table.columns:
        cure = "give floor: … (in target units: what counts as an error of 100%), or a column 'scale'"
        raise_first(
            InputError(table.at(int(row), "value"), "a target of 0 has no relative error", cure=cure)
            for row in np.flatnonzero(values == 0)
        )
    scale = _optional(table, "scale", np.maximum(np.abs(values), SCALE_FLOOR if floor is None else floor))
    tolerance = _optional(table, "tolerance", np.zeros(len(names)))
    limits = (("importance", importance, 0.0), ("scale", scale, SMALLEST_SCALE), ("tolerance", tolerance, 0.0))
    for name, column, least in limits:
        raise_first(
            InputError(table.at(int(row), name), "out of range", expected=f"a number ≥ {least:g}", got=column[row])
            for row in np.flatnonzero(column < least)
        )
    return Targets(
        table, tuple(names), values, tuple(families), importance, scale, tolerance if tolerance.any() else None
    )


def read_records(
    table: Table,
    *,
    id: str | None,
    weight: str,
    group: str | None,
    stratum: str | None = None,
    q: str | None = None,
) -> Records:
    """The record list of a table; without an id column records are numbered from 0."""
    table.require(weight, *(name for name in (id, group, stratum, q) if name is not None))
    weights = table.numbers(weight)
    check_weights(weights, table, weight)
    name = id or (DEFAULT_ID if DEFAULT_ID in table.columns else None)
    ids = np.arange(len(weights)) if name is None else table.keys(name)
    if name is not None:
        refuse_duplicates(ids.tolist(), table, name, "record")
    groups, strata = (None if name is None else table.keys(name) for name in (group, stratum))
    return Records(ids, weights, groups, strata, read_q(table, q))


def read_q(table: Table, column: str | None, rows: NDArray[np.integer] | None = None) -> FloatArray | None:
    """The weights of the records in the distance, all above 0, of these `rows` of a table; None without a column."""
    if column is None:
        return None
    values = table.numbers(column)
    values = values if rows is None else values[rows]
    if (values <= 0).any():
        bad = int((values <= 0).argmax())
        row = bad if rows is None else int(rows[bad])
        raise InputError(table.at(row, column), "no weight in the distance", expected="a number > 0", got=values[bad])
    return values


def check_weights(weights: FloatArray, table: Table, column: str, rows: NDArray[np.integer] | None = None) -> None:
    """Initial weights are there, none is negative, some are positive; `rows` of the table, if not all."""
    if not weights.size:
        raise InputError(table.shown, "no records", expected="a row per record")
    if (weights < 0).any():
        bad = int((weights < 0).argmax())
        row = bad if rows is None else int(rows[bad])
        raise InputError(table.at(row, column), "negative weight", expected="a number ≥ 0", got=weights[bad])
    if not weights.sum() > 0:
        raise InputError(f"{table.shown}: column '{column}'", "weights sum to zero", expected="a positive weight")


def refuse_duplicates(values: Sequence[object], table: Table, column: str, what: str) -> None:
    """`InputError` for values that were there before."""
    first: dict[object, int] = {}
    twice = [row for row, value in enumerate(values) if first.setdefault(value, row) != row]
    raise_first(
        InputError(
            table.at(row, column),
            f"duplicate {what}",
            got=f"{values[row]!r}, as in row {first[values[row]] + 1 + table.is_csv}",
        )
        for row in twice
    )


def _optional(table: Table, name: str, default: FloatArray) -> FloatArray:
    """A column of numbers where blanks, or the whole column, may be missing."""
    if name not in table.columns:
        return default
    values = table.numbers(name, blank=np.nan)
    return np.where(np.isnan(values), default, values)
