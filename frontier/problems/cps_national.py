"""US households of one income year and the published national totals: 733 targets × 51,498 records.

Fitted by default are 478 national cells of the IRS Statistics of Income; held out are 255 cells by state from other
sources (SNAP, Medicaid, EITC). No fitted target is by state, so this hold-out mostly measures how little a fit disturbs
the geography of the initial weights, which alone do better than anything fitted: it ranks methods by caution. Folds of
whole families (`rotation`) and samples of a known population (`census_arena`) ask other questions. The survey weights
pool three years, so one year's households stand for a third of the country: their weight is multiplied by 3
(`data/README.md`).
"""

from __future__ import annotations

from functools import partial

from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps
from frontier.problems.cps.variables import record_table

INCOME_YEAR = 2013
POOLED_YEARS = 3


def build(
    *, min_records: int = 10, fiscal_importance: bool = False, uniform_weights: bool = False
) -> CalibrationProblem:
    """The households of income year 2013; targets with fewer than `min_records` non-zero records are left out.

    `groups` is the household; `meta` names the held-out families. Raises `InputError` for `min_records` below 1, or
    so large that no target is left. The other two are l0-paper's reading of importance and weights (`cps.assemble`).
    """
    units, targets = cps.tax_units(), cps.calibration_targets()
    units = units[units["cps_year"] == INCOME_YEAR]
    national = targets["geography_level"] == "us"
    held_out_by_state = (targets["geography_level"] == "state") & targets["family"].isin(cps.HELD_OUT_FAMILIES)
    return cps.assemble(
        "cps_national",
        units.assign(weight=POOLED_YEARS * units["weight"]),
        targets[national | held_out_by_state],
        min_records=min_records,
        fiscal_importance=fiscal_importance,
        uniform_weights=uniform_weights,
        records=partial(record_table, "household", "cps_year", INCOME_YEAR),
    )
