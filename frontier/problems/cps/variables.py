"""The variables of CPS records: categories of the household's head unit, amounts added up over its units."""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.problems.cps import build as cps

CATEGORIES = ("state", "filing_status", "is_filer")
AGES = (0, 25, 35, 50, 65, 200)  # of the head, lower ends
NOT_AMOUNTS = ("household_id", "is_household_head_unit", "cps_year", "weight", "age_head", "age_spouse", *CATEGORIES)


def record_table(record: str, column: str = "", value: object = None) -> pd.DataFrame:
    """A row per `household` or `tax_unit`, of the units whose `column` is `value` or of all, in their order."""
    units = cps.tax_units()
    return by_record(units[units[column] == value] if column else units, record)


def by_record(units: pd.DataFrame, record: str) -> pd.DataFrame:
    """The same for given units; those of a household are adjacent."""
    amounts = units[[name for name in units.columns if name not in NOT_AMOUNTS]].astype(np.float64)
    categories = units[list(CATEGORIES)].astype(str)
    categories["age"] = pd.cut(units["age_head"], AGES, right=False).astype(str)
    if record == "household":
        households = units["household_id"].to_numpy()
        amounts = amounts.groupby(households, sort=False).sum()
        categories = categories[units["is_household_head_unit"].to_numpy(bool)]
    return pd.concat([categories.reset_index(drop=True), amounts.reset_index(drop=True)], axis=1)


def households(numbers: np.ndarray[tuple[int], np.dtype[np.intp]]) -> pd.DataFrame:
    """A row for each household of `numbers`, positions in the file."""
    return by_record(cps.tax_units(), "household").iloc[numbers].reset_index(drop=True)
