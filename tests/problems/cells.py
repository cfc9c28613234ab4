"""The packaged target cells (`data/calibration_targets.csv`) as a table that the problem `files` reads."""

from __future__ import annotations

import numpy as np
import pandas as pd

SMALLEST = 1e-300  # dollars: profits and losses above it are those above 0


def as_cells(targets: pd.DataFrame) -> pd.DataFrame:
    """Rows of the packaged table, by the rules of the data's README, in the columns of `problems/_cells.py`."""
    variable = targets["variable"].copy()
    statistic = targets["statistic"].replace({"households": "records"})
    children = (variable == "population") & (targets["age_upper"] == 18)
    adults = (variable == "population") & ~children
    profit, loss = variable == "business_profit", variable == "business_loss"
    lower, upper = targets["age_lower"].where(adults), targets["age_upper"].where(adults)
    lower[profit | loss] = SMALLEST
    variable[profit], variable[loss] = "business_income", "-business_income"
    variable[children], variable[adults] = "persons_under_18", "age_head|age_spouse"
    statistic[adults] = "count"
    variable[variable.isin(["tax_units", "households"])] = ""
    return pd.DataFrame(
        {
            "name": targets["name"],
            "family": targets["family"],
            "variable": variable,
            "statistic": statistic,
            "variable_lower": lower,
            "variable_upper": upper,
            "where:state": targets["geography"].where(targets["geography_level"] == "state", ""),
            "where:is_filer": np.where(targets["agi_lower"].notna(), "true", ""),
            "where:filing_status": targets["filing_status"],
            "agi_lower": targets["agi_lower"],
            "agi_upper": targets["agi_upper"],
            "value": targets["value"],
            "source": targets["source"],
        }
    )
