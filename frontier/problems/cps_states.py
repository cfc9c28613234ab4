"""All 280,005 tax units of the CPS file against national and state totals: the large real problem.

A record is a tax unit; `groups` is its household. 2,376 targets, 2,121 fitted by default (`data/README.md`).
"""

from __future__ import annotations

from functools import partial

from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps
from frontier.problems.cps.variables import record_table


def build(
    *, min_records: int = 10, fiscal_importance: bool = False, uniform_weights: bool = False
) -> CalibrationProblem:
    """The 2,376 × 280,005 problem; SNAP, Medicaid and EITC totals are held out by default.

    min_records  targets with fewer non-zero records are left out
    fiscal_importance, uniform_weights  l0-paper's importance of targets and weights to begin with (`cps.assemble`)

    Raises `InputError` as `cps.assemble` does.
    """
    targets = cps.calibration_targets()
    chosen = targets[targets["geography_level"] != "district"]
    return cps.assemble(
        "cps_states",
        cps.tax_units(),
        chosen,
        record="tax_unit",
        min_records=min_records,
        fiscal_importance=fiscal_importance,
        uniform_weights=uniform_weights,
        records=partial(record_table, "tax_unit"),
    )
