"""What a fit comes to, as data frames: a row per record, the small file itself, a row per target (and epoch)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.core.problem import CalibrationProblem, Split
from frontier.methods.solution import Solution
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


def training_log(problem: CalibrationProblem, solution: Solution) -> pd.DataFrame:
    """epoch, loss, target, value, estimate, error, relative_error (both signed): a row per traced epoch and target.

    Of a log-space fit of `problem` that was asked for it: `trace_every=10, trace_targets=True`. Estimates are of the
    weights that the fit would return after that epoch, `loss` is its data term there. Raises `InputError` for others.
    """
    trace = solution.trace
    names = [f"estimate_{j}" for j in range(problem.n_targets)]
    if names[-1] not in trace or f"estimate_{len(names)}" in trace:
        cure = "solve it with trace_every=10, trace_targets=True (dense_adam, dense_adam_noise, hard_concrete)"
        raise InputError("solution", "no trace of this problem's targets", cure=cure)
    estimates = np.column_stack([trace[name] for name in names])
    error = estimates - problem.y
    columns = {
        "epoch": np.repeat(trace["iteration"].astype(np.int64), len(names)),
        "loss": np.repeat(trace["loss"], len(names)),
        "target": np.tile(np.asarray(problem.target_names, dtype=object), len(estimates)),
        "value": np.tile(problem.y, len(estimates)),
        "estimate": estimates.ravel(),
        "error": error.ravel(),
        "relative_error": (error / problem.scale).ravel(),
    }
    return pd.DataFrame(columns)
