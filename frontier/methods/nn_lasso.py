"""Non-negative LASSO path, exact and certified: `min ½ Σ ω_j r_j² + λ Σ c_i w_i`, `w ≥ 0`.

`solver: working_set` solves working sets of columns exactly (`solvers.lasso.working_set`), to gaps near rounding, each
λ from the last. `solver: homotopy` reads the λ of the grid off the complete piecewise-linear path
(`solvers.lasso.homotopy`); what it does not reach, and budgets below it, working sets solve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from frontier.core.arrays import FloatArray
from frontier.methods._lasso import LassoPath, Solved, Solver
from frontier.objectives.design import WeightedDesign
from frontier.objectives.l1 import l1_certificate
from frontier.solvers.lasso.homotopy import homotopy
from frontier.solvers.lasso.working_set import WorkingSetPath, warm


@dataclass(frozen=True, kw_only=True)
class NnLasso(LassoPath):
    """Certified non-negative LASSO at each λ or budget.

    solver           working_set, or homotopy: the λ of the grid are read off the complete path
    tol              relative duality gap at which a point counts as solved
    max_iter         pivots of the working-set kernel per λ, or breakpoints of the complete path
    lam_unit         whether λ is absolute or a ratio of λ_max
    costs            c_i, one number or one per record
    target_sparsity  share of zero weights to reach by searching λ (then points carry neither λ nor budget)
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "acceleration": "use solver: working_set, or the method fista for acceleration: none",
        "homotopy": "use solver: homotopy",
    }

    solver: Literal["working_set", "homotopy"] = "working_set"

    def warm_up(self) -> None:
        warm()

    def lam_solver(self, design: WeightedDesign, costs: FloatArray, lams: Sequence[float]) -> Solver:
        path = WorkingSetPath(design, costs)

        def exact(lam: float) -> Solved:
            point = path.solve(lam, max_pivots=self.max_iter, tol=self.tol)
            claims = {"pricing_rounds": point.rounds, "working_set": point.working_set}
            return Solved(point.weights, point.certificate, point.pivots, dict(claims), dual=point.dual)

        if self.solver == "working_set" or not lams:
            return exact
        complete = homotopy(design, min(lams), costs, self.max_iter)
        end = complete.lams[-1]

        def read_off(lam: float) -> Solved:
            if lam < end and complete.status != "out_of_time":
                return exact(lam)
            weights = complete.weights(max(lam, end))
            return Solved(
                weights,
                l1_certificate(design, weights, lam, costs),
                complete.n_events,
                {"breakpoints": complete.n_breakpoints, "path_status": complete.status},
                {"lam": complete.lams, "n_active": complete.n_active.astype(np.float64)},
            )

        return read_off
