"""Households of Ohio and the published totals of Ohio: 39 targets × 5,177 records, 5 targets held out by default.

Small enough to solve in a moment and real enough to matter: 20 AGI cells and 14 age bands to fit, SNAP, Medicaid and
EITC held out. Weights are the survey's, three pooled years (`data/README.md`).
"""

from __future__ import annotations

from functools import partial

from frontier.core.problem import CalibrationProblem
from frontier.problems.cps import build as cps
from frontier.problems.cps.variables import record_table

STATE = "OH"


def build(*, min_records: int = 10) -> CalibrationProblem:
    """Ohio's households; targets with fewer than `min_records` non-zero records are left out.

    `groups` is the household; `meta` names the held-out families. Raises `InputError` for `min_records` below 1, or
    so large that no target is left.
    """
    units, targets = cps.tax_units(), cps.calibration_targets()
    return cps.assemble(
        "cps_ohio",
        units[units["state"] == STATE],
        targets[targets["geography"] == STATE],
        min_records=min_records,
        records=partial(record_table, "household", "state", STATE),
    )
