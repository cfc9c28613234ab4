"""Shared builder of the CPS problems: real survey records, published totals (`data/README.md`).

The entry of a tax unit in a row of M is the product of four things, all read from `calibration_targets.csv`:

    geography (in or out) × AGI class (filers with agi_lower ≤ AGI < agi_upper) × filing status × value of the item

A target's *cell* is the set of units that the first three select, its *item* is the value. Targets share few cells and
items, so each is computed once. A household problem adds the units of a household up. This file knows no problem: a
problem selects units and targets and calls `assemble`. Dollars are stored as float32 and added up as float64.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray, IntArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem

HELD_OUT_FAMILIES = ("usda_snap", "acs_snap_cd", "cms_medicaid", "irs_eitc")
# data/README.md, leakage: the other fitted rows settle these families almost exactly
NEVER_HOLD_OUT_ALONE = ("soi_agi", "soi_wages", "census_households_cd")
SOURCE = (
    "CPS March supplements 2013-2015 aged to 2022 (TaxData, taxcalc 6.8.5); totals of IRS, Census, USDA and CMS "
    "(policyengine-us-data 1.115.4)"
)
CELL = ["geography_level", "geography", "agi_lower", "agi_upper", "filing_status"]
ITEM = ["variable", "statistic", "age_lower", "age_upper"]

Item = tuple[str, str, float, float]  # the values of ITEM


def tax_units() -> pd.DataFrame:
    """All 280,005 tax units, one row each, units of a household adjacent (columns: `data/README.md`)."""
    with _data("cps_tax_units.parquet").open("rb") as file:
        # one thread: a worker that builds a problem keeps to the threads its plan gave it
        return pd.read_parquet(file, engine="pyarrow", use_threads=False)


def calibration_targets() -> pd.DataFrame:
    """All 9,460 published totals, one row each, in the order that rows of M follow."""
    with _data("calibration_targets.csv").open("rb") as file:
        return pd.read_csv(file)


def district_populations() -> pd.DataFrame:
    """The 436 congressional districts with their state and population; the order is part of the district draw."""
    with _data("district_populations.csv").open("rb") as file:
        return pd.read_csv(file)


def assemble(
    name: str,
    units: pd.DataFrame,
    targets: pd.DataFrame,
    *,
    record: Literal["household", "tax_unit"] = "household",
    household: str = "household_id",
    min_records: int,
    fiscal_importance: bool = False,
    uniform_weights: bool = False,
    records: Callable[[], pd.DataFrame] | None = None,
) -> CalibrationProblem:
    """The calibration problem of `units` (rows) and `targets` (rows), both in the order given.

    record       what a column of M is: a household (units added up, weight of its head unit) or a tax unit
    household    the column of `units` that tells households apart; another one than `household_id` when a household
                 stands in the file more than once (`groups` stays `household_id`, the unit of resampling)
    min_records  targets with fewer non-zero records are left out
    fiscal_importance  whether targets count by their size as in l0-paper (`fiscal`), rather than all alike
    uniform_weights    whether every record begins at the mean weight, as there, rather than at that of the survey
    records            how to get a table of the records' own variables (`variables.record_table`)

    Raises `InputError` for `min_records` below 1, or so large that no target is left.
    """
    place = f"problem '{name}'.min_records"
    if min_records < 1:
        # a target without any record has an empty row: no weights can meet it
        raise InputError(place, "too few", expected="at least 1", got=min_records)
    household_number = np.asarray(pd.factorize(units[household])[0], dtype=np.intp)
    counted = np.ones(len(units), dtype=bool)  # the units whose weight and group stand for their record
    column = np.arange(len(units))
    if record == "household":
        column, counted = household_number, units["is_household_head_unit"].to_numpy(bool)
    M = estimate_matrix(units, targets, household_number, column)
    support = np.diff(M.indptr)
    kept = np.flatnonzero(support >= min_records)
    if kept.size == 0:
        raise InputError(place, "no target is left", expected=f"at most {support.max()}", got=min_records)
    chosen = targets.iloc[kept]
    weight, group = np.zeros(M.shape[1]), np.zeros(M.shape[1], dtype=np.int64)
    weight[column[counted]] = _column(units, "weight")[counted]
    group[column[counted]] = units["household_id"].to_numpy()[counted]
    families = tuple(chosen["family"])
    if uniform_weights:
        weight[:] = weight.mean()
    y = chosen["value"].to_numpy(np.float64)
    return CalibrationProblem(
        name=name,
        M=M[kept],
        y=y,
        w0=weight,
        importance=fiscal(y, chosen["statistic"].to_numpy(object) == "amount") if fiscal_importance else None,  # type: ignore[arg-type]
        families=families,
        target_names=tuple(chosen["name"]),
        groups=group,
        meta={
            "held_out_families": tuple(family for family in HELD_OUT_FAMILIES if family in families),
            "never_hold_out_alone": NEVER_HOLD_OUT_ALONE,
            "source": SOURCE,
            "record": record,
            **({} if records is None else {"records": records}),
        },
    )


def fiscal(y: FloatArray, is_amount: NDArray[np.bool_]) -> FloatArray:
    """Importance by size: `ω ∝ √max(|y|, 1)` within amounts and within counts, either half of the whole, mean 1, (m,).

    l0-paper of 2026-07-01, section “Methodology”, after eq. 1 (there for its own 32,633 targets).
    """
    root = np.sqrt(np.maximum(np.abs(y), 1.0))
    for basis in (is_amount, ~is_amount):
        if basis.any():
            root[basis] /= root[basis].sum()
    return np.asarray(root * (len(y) / root.sum()))


def _data(file: str) -> Traversable:
    return resources.files("frontier.problems.cps.data") / file


def estimate_matrix(
    units: pd.DataFrame, targets: pd.DataFrame, household_number: IntArray, column: IntArray
) -> sp.csr_array:
    """M, targets × records: entries of units with the same `column` are added up; indices sorted, no zeros."""
    cell_of_target, cells = _numbered(targets, CELL)
    item_of_target, items = _numbered(targets, ITEM)
    members = _cell_members(units, cells)
    values = [_item_values(units, item, household_number) for item in items.itertuples(index=False, name=None)]
    columns, data = [], []
    for c, i in zip(cell_of_target, item_of_target, strict=True):
        entries = values[i][members[c]]
        present = entries != 0
        columns.append(column[members[c][present]])
        data.append(entries[present])
    indptr = np.cumsum([0, *map(len, columns)])
    shape = (len(targets), int(column.max()) + 1)
    M = sp.csr_array((np.concatenate(data), np.concatenate(columns), indptr), shape=shape)
    M.sum_duplicates()
    M.eliminate_zeros()
    return M


def _numbered(targets: pd.DataFrame, keys: list[str]) -> tuple[IntArray, pd.DataFrame]:
    """For each target the number of its distinct combination of `keys` (blanks count as a value), and those."""
    number = targets.groupby(keys, dropna=False, sort=False).ngroup()
    return np.asarray(number, dtype=np.intp), targets[keys].drop_duplicates()


def _cell_members(units: pd.DataFrame, cells: pd.DataFrame) -> list[IntArray]:
    """The positions of the units in each cell: geography, then filers in the AGI class, then filing status."""
    agi, filer = _column(units, "agi"), units["is_filer"].to_numpy(bool)
    status = units["filing_status"].to_numpy(object)
    places: dict[tuple[str, str], IntArray] = {("us", "US"): np.arange(len(units))}
    for level in {*cells["geography_level"]} - {"us"}:
        for place, positions in units.groupby(level, observed=True).indices.items():
            places[level, str(place)] = np.asarray(positions, dtype=np.intp)
    members = []
    for level, place, lower, upper, filing_status in cells[CELL].itertuples(index=False, name=None):
        inside = places[level, place]
        if not np.isnan(lower):
            inside = inside[filer[inside] & (agi[inside] >= lower) & (agi[inside] < upper)]
        if isinstance(filing_status, str):
            inside = inside[status[inside] == filing_status]
        members.append(inside)
    return members


def _item_values(units: pd.DataFrame, item: Item, household_number: IntArray) -> FloatArray:
    """What each unit would add to a target of this item, before its cell selects units; shape (units,)."""
    variable, statistic, age_lower, age_upper = item
    if variable == "population":
        if age_upper == 18:
            return _column(units, "persons_under_18")
        ages = units[["age_head", "age_spouse"]].to_numpy(np.float64)
        return np.asarray(((ages >= age_lower) & (ages < age_upper)).sum(axis=1), dtype=np.float64)
    if variable in ("tax_units", "households"):
        value = np.ones(len(units))
    elif variable == "business_profit":
        value = np.maximum(_column(units, "business_income"), 0.0)
    elif variable == "business_loss":
        value = np.maximum(-_column(units, "business_income"), 0.0)
    else:
        value = _column(units, variable)
    if statistic == "count":
        return np.asarray(value != 0, dtype=np.float64)
    if statistic == "households":  # once per household, on its head unit, whichever of its units has the item
        has_item = np.zeros(int(household_number.max()) + 1, dtype=bool)
        has_item[household_number[value != 0]] = True
        at_head = has_item[household_number] & units["is_household_head_unit"].to_numpy(bool)
        return np.asarray(at_head, dtype=np.float64)
    return value  # amount and persons are the column itself


def _column(units: pd.DataFrame, name: str) -> FloatArray:
    return np.asarray(units[name], dtype=np.float64)
