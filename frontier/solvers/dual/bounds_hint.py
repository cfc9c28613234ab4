"""The tightest bounds on w/w0 within which some weights meet all targets: what to give `greg`, `logit` or `--bound`.

    minimise t   subject to   M w = y,  (1 − t) w0 ≤ w ≤ (1 + t) w0,  w ≥ 0

a linear programme, solved by HiGHS. At t ≥ 1 the lower end is 0 and only the upper one matters. Any bounds that hold
1 ± t are feasible, bounds within it on both sides are not (ReGenesees calls it `bounds.hint`).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from frontier.core.limits import OutOfTime
from frontier.core.problem import CalibrationProblem
from frontier.objectives.design import weighted_design

SLACK = 1e-9  # of a target's scale: what equations may be off


def tightest(problem: CalibrationProblem, seconds: float) -> tuple[float, float] | None:
    """The least and the largest ratio w/w0, or None where no weights meet the targets.

    Records without initial weight keep weight 0. Raises `OutOfTime` where that was not decided in `seconds`.
    """
    import scipy.optimize

    design = weighted_design(problem)
    n = problem.n_records
    ratios = sp.csc_array(design.A @ sp.diags_array(problem.w0))  # times x = w/w0
    eye, ones = sp.eye_array(n), np.ones((n, 1))
    above = sp.hstack([eye, sp.csr_array(-ones)])  # x − t ≤ 1
    below = sp.hstack([-eye, sp.csr_array(-ones)])  # −x − t ≤ −1
    equal = sp.hstack([ratios, sp.csr_array((problem.n_targets, 1))])
    solved = scipy.optimize.linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=sp.csr_array(sp.vstack([above, below])),
        b_ub=np.concatenate([np.ones(n), -np.ones(n)]),
        A_eq=sp.csr_array(equal),
        b_eq=design.b,
        bounds=[(0.0, None)] * (n + 1),
        method="highs",
        options={"time_limit": seconds, "primal_feasibility_tolerance": SLACK},
    )
    if solved.status == 2:  # infeasible
        return None
    if solved.status != 0:
        raise OutOfTime
    t = float(solved.x[-1])
    return max(1 - t, 0.0), 1 + t
