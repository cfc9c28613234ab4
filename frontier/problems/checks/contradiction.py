"""Which targets are to blame where exact calibration is infeasible, in words for its message."""

from __future__ import annotations

from collections.abc import Collection

from frontier.core.errors import some
from frontier.core.limits import time_limit
from frontier.core.problem import CalibrationProblem
from frontier.problems.checks.dependent import dependences
from frontier.problems.checks.infeasible import conflict

ROUNDING = 1e-9  # relative: what sums of totals may be off and agree

SHOWN = 6  # names: whoever reads them has to find the mistake


def contradiction(problem: CalibrationProblem, seconds: float, *, signed: bool = False) -> str:
    """The smallest set of targets found that cannot be met together; "" where there is none or time was too short.

    By weights ≥ 0 (`checks.infeasible`); `signed`: by any, so that only what others fix can contradict
    (`checks.dependent`).
    """
    if signed:
        wrong = next((one for one in dependences(problem) if one.off > ROUNDING and one.beyond_rounding), None)
        rows: Collection[int] = () if wrong is None else sorted((wrong.target, *wrong.others))
    else:
        with time_limit(seconds):
            rows = sorted(conflict(problem, seconds) or ())
    return named(problem, rows) if rows else ""


def named(problem: CalibrationProblem, rows: Collection[int]) -> str:
    """The targets of a contradiction (rows), which is at least one."""
    names = some([problem.target_names[j] for j in rows], SHOWN)
    return f"{names} cannot be met together" if len(rows) > 1 else f"{names} cannot be met"
