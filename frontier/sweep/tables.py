"""What a fit comes to, as data frames: a row per record, the small file itself, a row per target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, FloatArray, Split
from frontier.objectives.design import relative_residual
from frontier.objectives.weight_statistics import active_records
from frontier.problems.diagnostics import diagnose
from frontier.problems.own_data.export import record_ids
from frontier.problems.splits import every_target


def weights_table(
    problem: CalibrationProblem, weights: FloatArray, *, name: str = "record", active_only: bool = False
) -> pd.DataFrame:
    """A row per record in the problem's order: its id (in a column called `name`), weight, active.

    With `active_only` a row per record that is kept, without `active`, which would say nothing.
    """
    active = active_records(weights)
    table = pd.DataFrame({name: record_ids(problem), "weight": weights, "active": active})
    return table.loc[active, [name, "weight"]] if active_only else table


def small_file(problem: CalibrationProblem, weights: FloatArray) -> pd.DataFrame:
    """The kept rows of the problem's microdata, all columns, with their weight in the first one.

    Raises `InputError` for a problem that was not read from microdata.
    """
    if "rows" not in problem.meta:
        raise InputError(f"problem '{problem.name}'", "no microdata", cure="weights_table(…, active_only=True)")
    table: pd.DataFrame = problem.meta["rows"](np.where(active_records(weights), weights, 0.0))
    return table


def targets_table(problem: CalibrationProblem, weights: FloatArray, split: Split | None = None) -> pd.DataFrame:
    """target, family, fitted, value, estimate_at_w0, estimate, relative_error (signed), records: one row per target."""
    table = diagnose(problem)
    table.insert(2, "fitted", (split or every_target(problem)).train)
    table["estimate"] = problem.M @ weights
    table["relative_error"] = relative_residual(problem, weights)
    columns = ["target", "family", "fitted", "value", "estimate_at_w0", "estimate", "relative_error", "records"]
    return table[columns]
