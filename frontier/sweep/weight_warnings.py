"""What is wrong with weights that a user would otherwise take for good, because their method calls them optimal.

An optimum is one of the method's own objective: a penalty can be met best by a file that is worse than the one it came
from. Three findings, each measured against the initial weights w0:

    the totals      the mean relative error over the fitted totals is larger than w0's, and than 0.1%
    the population  more than 10% of the total weight is gone, Σw < 0.9 Σw0
    the cells       a target other than 0 that w0 counts somebody in has no active record left: its estimate is 0
"""

from __future__ import annotations

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import relative_residual
from frontier.objectives.weight_statistics import active_records
from frontier.problems.diagnostics import finding

MOST_LOST = 0.10  # of the total weight
NEGLIGIBLE = 1e-3  # a mean error: where totals are the file's own, w0 has none, and any smaller file has some


class WeightWarning(UserWarning):
    """What there is to say against weights, whatever their method says of them."""


def weight_warnings(problem: CalibrationProblem, weights: FloatArray) -> tuple[str, ...]:
    """One line for each finding against `weights` (n) on the targets of `problem`; () for weights without.

    Pass the problem with the targets that were fitted (`restrict`): held-out ones are not the method's fault.
    """
    error, before = (float(np.abs(relative_residual(problem, w)).mean()) for w in (weights, problem.w0))
    kept, total = float(weights.sum()), float(problem.w0.sum())
    had, has = (abs(problem.M) @ np.column_stack([problem.w0 > 0, active_records(weights)]) > 0).T
    records = np.diff(problem.M.indptr)
    found = []
    if error > max(before, NEGLIGIBLE):
        found.append(f"worse than the initial weights on the totals: mean error {error:.1%} against {before:.1%}")
    if kept < (1 - MOST_LOST) * total:
        cure = "a target for the total holds it; coreset and samples keep about as much"
        found.append(f"{1 - kept / total:.0%} of the total weight is gone, {kept:,.0f} left of {total:,.0f}: {cure}")
    emptied = had & ~has & (problem.y != 0)
    found += finding(problem, emptied, "without a record left", lambda j: f"of {records[j]:,}")
    return tuple(found)
